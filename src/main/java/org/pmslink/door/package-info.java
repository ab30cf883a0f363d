/** Where a PMS or a middleware sends records of its own accord: over HTTP and over MLLP. */
@NullMarked
package org.pmslink.door;

import org.jspecify.annotations.NullMarked;
