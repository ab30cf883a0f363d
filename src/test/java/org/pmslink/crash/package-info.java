/**
 * The engine in a process of its own that is killed again and again, and what it has to survive.
 */
@NullMarked
package org.pmslink.crash;

import org.jspecify.annotations.NullMarked;
