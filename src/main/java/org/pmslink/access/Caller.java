package org.pmslink.access;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Objects;
import java.util.Set;

/**
 * A program that has shown who it is. The practice is the token's: what a caller may see follows
 * from this and never from the address of the request.
 *
 * @param token 0 for a caller who has shown something else
 * @param name of the token; what the audit and the history of links call the caller
 * @param rights what it may do there
 */
public record Caller(long token, String name, int practiceId, String practice, Set<Right> rights) {
  private static final String ATTRIBUTE = Caller.class.getName();

  /** Who makes a request that {@link CallerFilter} let through. */
  public static Caller of(HttpServletRequest request) {
    return (Caller) Objects.requireNonNull(request.getAttribute(ATTRIBUTE), "nobody has signed in");
  }

  /** Whether it has this right. */
  public boolean may(Right right) {
    return rights.contains(right);
  }

  void makes(HttpServletRequest request) {
    request.setAttribute(ATTRIBUTE, this);
  }
}
