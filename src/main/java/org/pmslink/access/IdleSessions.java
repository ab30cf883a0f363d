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
    if (session != null) {
      Instant now = Instant.now();
      Instant actedAt =
          session.getAttribute(ACTED_AT) instanceof Instant at
              ? at
              : Instant.ofEpochMilli(session.getCreationTime());
      if (actedAt.plus(idle).isBefore(now)) {
        session.invalidate();
      } else if (!asksByItself(request)) {
        session.setAttribute(ACTED_AT, now);
      }
    }
    chain.doFilter(request, response);
  }
}
