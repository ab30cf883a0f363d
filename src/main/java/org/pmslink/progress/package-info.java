/**
 * What a pass over a feed has achieved so far, counted page by page with the effects themselves.
 */
@NullMarked
package org.pmslink.progress;

import org.jspecify.annotations.NullMarked;
