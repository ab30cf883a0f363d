/**
 * Decides whether two records are one person, and says why. Plain Java: no Spring, no Camel, no
 * SQL, so that a unit test, the pipeline and the command line use the same engine.
 */
@NullMarked
package org.pmslink.matching;

import org.jspecify.annotations.NullMarked;
