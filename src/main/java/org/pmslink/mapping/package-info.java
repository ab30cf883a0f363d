/**
 * Turns what a PMS writes into our words, by JSLT files that IT staff edit, each with its examples.
 */
@NullMarked
package org.pmslink.mapping;

import org.jspecify.annotations.NullMarked;
