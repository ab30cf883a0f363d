/** The web console: pages for the office, for support and for IT. */
@NullMarked
package org.pmslink.console;

import org.jspecify.annotations.NullMarked;
