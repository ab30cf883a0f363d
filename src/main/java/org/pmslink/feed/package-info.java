/** Feeds: their definitions, how far each has read, and why one is paused. */
@NullMarked
package org.pmslink.feed;

import org.jspecify.annotations.NullMarked;
