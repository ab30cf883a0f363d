/** The command line. */
@NullMarked
package org.pmslink.cli;

import org.jspecify.annotations.NullMarked;
