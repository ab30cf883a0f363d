/**
 * From received records to commands: map, normalise, match. Reads the store and never writes it.
 */
@NullMarked
package org.pmslink.linking;

import org.jspecify.annotations.NullMarked;
