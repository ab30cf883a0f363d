/**
 * A sample dental practice: an Open Dental database full of invented people, the store's members,
 * the truth about who is who, and staff who keep changing things. For tests, benchmarks and demos.
 */
@NullMarked
package org.pmslink.sample;

import org.jspecify.annotations.NullMarked;
