/**
 * The whole pipeline on real servers: what an office does in its PMS, and what the store holds
 * afterwards. Every test has an office of its own; engine and servers are shared.
 */
@NullMarked
package org.pmslink.pipeline;

import org.jspecify.annotations.NullMarked;
