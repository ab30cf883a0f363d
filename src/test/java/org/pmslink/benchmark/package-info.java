/** Measures the whole engine on a sample practice, beside what this machine can do at most. */
@NullMarked
package org.pmslink.benchmark;

import org.jspecify.annotations.NullMarked;
