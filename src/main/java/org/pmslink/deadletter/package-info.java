/** Records that could not be handled, each with its reason, until somebody solves them. */
@NullMarked
package org.pmslink.deadletter;

import org.jspecify.annotations.NullMarked;
