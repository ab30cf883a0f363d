/** The default PostgreSQL and Artemis inside the process, used when no URL names external ones. */
@NullMarked
package org.pmslink.embedded;

import org.jspecify.annotations.NullMarked;
