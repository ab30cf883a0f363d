package org.pmslink.access;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Somebody at a page of a practice, with what they may do there.
 *
 * @param actor what they sign in as; the audit and the history of links name them so
 * @param practices all in which they have a role
 * @param withPassword whether they have a password here, which they may change
 */
public record Visit(
    String actor, String practice, Set<Right> rights, Set<String> practices, boolean withPassword) {
  private static final String ATTRIBUTE = Visit.class.getName();

  /** Who makes a request that was let in. */
  public static Visit of(HttpServletRequest request) {
    return Objects.requireNonNull(orNull(request), "a page without a practice has no visit");
  }

  /** The same for pages that may be of no practice. */
  public static @Nullable Visit orNull(HttpServletRequest request) {
    return (Visit) request.getAttribute(ATTRIBUTE);
  }

  void makes(HttpServletRequest request) {
    request.setAttribute(ATTRIBUTE, this);
  }

  /** The same, for what people and programs do alike. */
  public Actor asActor() {
    return new Actor(actor, practice, rights);
  }

  /** Whether they have this right here. */
  public boolean may(Right right) {
    return rights.contains(right);
  }

  /** The same by name, for pages. */
  public boolean may(String right) {
    return may(Right.valueOf(right));
  }
}
