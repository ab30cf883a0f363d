/** Encryption of what leaves memory, and the keys for it. */
@NullMarked
package org.pmslink.security;

import org.jspecify.annotations.NullMarked;
