/** The membership store: members, charts, links, reviews, and the only code that writes them. */
@NullMarked
package org.pmslink.membership;

import org.jspecify.annotations.NullMarked;
