/** Who may call the engine over HTTP, and what they have done. */
@NullMarked
package org.pmslink.access;

import org.jspecify.annotations.NullMarked;
