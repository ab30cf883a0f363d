package org.pmslink.access;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Ends the session of a person who has done nothing for too long. The server's own count would not:
 * for it a page that asks again by itself is as good as a person, and a screen with such a page
 * would stay open all night.
 */
final class IdleSessions extends OncePerRequestFilter {
  private static final String ACTED_AT = IdleSessions.class.getName() + ".actedAt";

  private final Duration idle;

  IdleSessions(Duration idle) {
    if (idle.isZero() || idle.isNegative()) {
      throw new IllegalArgumentException("pmslink.access.idle must be longer than nothing");
    }
    this.idle = idle;
  }

  /** Whether a script of ours asks, and not the browser itself. */
  static boolean isFromScript(HttpServletRequest request) {
    return request.getHeader("HX-Request") != null;
  }

  /**
   * Whether a page asks again by itself. What people type into a search comes from the script, too,
   * but in a body: it stands in no address.
   */
  private static boolean asksByItself(HttpServletRequest request) {
    return isFromScript(request) && request.getMethod().equals("GET");
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    HttpSession session = request.getSession(false);
    if (session != null && actedAt(session).plus(idle).isBefore(Instant.now())) {
      session.invalidate();
    }
    if (asksByItself(request)) {
      chain.doFilter(request, response);
      return;
    }
    acts(request);
    try {
      chain.doFilter(request, response);
    } finally {
      // Whoever waited for a slow answer begins to be idle when it is there.
      acts(request);
    }
  }

  private static Instant actedAt(HttpSession session) {
    return session.getAttribute(ACTED_AT) instanceof Instant at
        ? at
        : Instant.ofEpochMilli(session.getCreationTime());
  }

  private static void acts(HttpServletRequest request) {
    HttpSession session = request.getSession(false);
    if (session != null) {
      try {
        session.setAttribute(ACTED_AT, Instant.now());
      } catch (IllegalStateException e) {
        // They have signed out in another window just now: there is nothing to keep it in.
      }
    }
  }
}
