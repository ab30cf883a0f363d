/** The engine over HTTP and JSON. */
@NullMarked
package org.pmslink.api;

import org.jspecify.annotations.NullMarked;
