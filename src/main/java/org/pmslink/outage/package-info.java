/** Waiting out the absence of the database, so that an outage is never taken for a failure. */
@NullMarked
package org.pmslink.outage;

import org.jspecify.annotations.NullMarked;
