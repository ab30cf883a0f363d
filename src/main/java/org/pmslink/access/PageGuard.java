package org.pmslink.access;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;

/**
 * Stands before every page of the console: whoever has no role in the practice of the address gets
 * the same 404 as for a practice that there is not; whoever has one, but not the right that the
 * page {@link Needs}, gets 403.
 */
@Component
@ConditionalOnWebApplication
public class PageGuard implements HandlerInterceptor {
  private final Users users;
  private final Audit audit;
  private final AccessSettings settings;

  PageGuard(Users users, Audit audit, AccessSettings settings) {
    this.users = users;
    this.audit = audit;
    this.settings = settings;
  }

  @Override
  public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler)
      throws Exception {
    if (!(handler instanceof HandlerMethod method)) {
      return true;
    }
    SignedIn.Who who = signedIn();
    if (who == null) {
      return true;
    }
    Users.Session session = users.session(who.user());
    if (session.disabled()
        || who.since().isBefore(session.validFrom())
        || who.since().plus(settings.longestSession()).isBefore(Instant.now())) {
      request.getSession().invalidate();
      sendTo(ConsoleSecurity.SIGN_IN, request, response);
      return false;
    }
    boolean withPassword = who.withPassword();
    boolean atPassword = request.getServletPath().equals(ConsoleSecurity.PASSWORD);
    if (atPassword && !withPassword) {
      throw new ResponseStatusException(HttpStatus.NOT_FOUND);
    }
    if (session.mustChangePassword() && !atPassword) {
      sendTo(ConsoleSecurity.PASSWORD, request, response);
      return false;
    }
    String practice = practice(request);
    Map<String, Set<Role>> roles = users.roles(who);
    if (practice == null) {
      new Visit(who.login(), "", Set.of(), roles.keySet(), withPassword).makes(request);
      return true;
    }
    Set<Right> rights = EnumSet.noneOf(Right.class);
    roles.getOrDefault(practice, Set.of()).forEach(role -> rights.addAll(role.rights()));
    Needs needs = method.getMethodAnnotation(Needs.class);
    if (rights.isEmpty()) {
      new Visit(who.login(), "", Set.of(), roles.keySet(), withPassword).makes(request);
      audit.noteRefusal(practice, who.login(), "no role there");
      throw new ResponseStatusException(HttpStatus.NOT_FOUND);
    }
    new Visit(who.login(), practice, rights, roles.keySet(), withPassword).makes(request);
    if (needs == null || !rights.contains(needs.value())) {
      audit.noteRefusal(
          practice, who.login(), "wants " + (needs == null ? "nothing" : needs.value()));
      throw new ResponseStatusException(HttpStatus.FORBIDDEN);
    }
    return true;
  }

  /** To another page; the script of a page has the whole page asked for, which is sent there. */
  private static void sendTo(String page, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    if (IdleSessions.isFromScript(request)) {
      response.setStatus(HttpStatus.UNAUTHORIZED.value());
    } else {
      response.sendRedirect(request.getContextPath() + page);
    }
  }

  static SignedIn.@org.jspecify.annotations.Nullable Who signedIn() {
    Authentication authentication = SecurityContextHolder.getContext().getAuthentication();
    return authentication != null && authentication.getPrincipal() instanceof SignedIn in
        ? in.who()
        : null;
  }

  @SuppressWarnings("unchecked")
  private static @org.jspecify.annotations.Nullable String practice(HttpServletRequest request) {
    Map<String, String> variables =
        (Map<String, String>) request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE);
    return variables == null ? null : variables.get("practice");
  }
}
