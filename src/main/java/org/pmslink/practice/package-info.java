/** The practices that this installation serves. */
@NullMarked
package org.pmslink.practice;

import org.jspecify.annotations.NullMarked;
