package org.pmslink.access;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Objects;

/**
 * A program that has shown its token. The practice is the token's: what a caller may see follows
 * from this and never from the address of the request.
 *
 * @param name of the token
 */
public record Caller(long token, String name, int practiceId, String practice) {
  private static final String ATTRIBUTE = Caller.class.getName();

  /** Who makes a request that {@link CallerFilter} let through. */
  public static Caller of(HttpServletRequest request) {
    return (Caller) Objects.requireNonNull(request.getAttribute(ATTRIBUTE), "nobody has signed in");
  }

  void makes(HttpServletRequest request) {
    request.setAttribute(ATTRIBUTE, this);
  }
}
