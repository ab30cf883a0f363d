package org.pmslink.access;

import org.jspecify.annotations.Nullable;

/**
 * How people can sign in here.
 *
 * @param passwords whether with a password of ours
 * @param provider what people call the provider through which they can; {@code null} for none
 */
public record SignInWays(boolean passwords, @Nullable String provider) {}
