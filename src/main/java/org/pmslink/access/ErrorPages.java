package org.pmslink.access;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.autoconfigure.web.ServerProperties;
import org.springframework.boot.autoconfigure.web.servlet.error.BasicErrorController;
import org.springframework.boot.autoconfigure.web.servlet.error.ErrorViewResolver;
import org.springframework.boot.web.servlet.error.ErrorAttributes;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.web.servlet.ModelAndView;

/**
 * What everybody is answered whose request came to nothing before a page or an address of ours
 * could say why: browsers the console's page, others problem details (RFC 9457). Spring Boot's own
 * answer repeats the address, which may hold what somebody has typed.
 */
@Controller
@ConditionalOnWebApplication
class ErrorPages extends BasicErrorController {
  /** Set on a request whose form was made before its sender signed in. */
  static final String OUTDATED = ErrorPages.class.getName() + ".outdated";

  ErrorPages(
      ErrorAttributes attributes,
      ServerProperties server,
      ObjectProvider<ErrorViewResolver> resolvers) {
    super(attributes, server.getError(), resolvers.orderedStream().toList());
  }

  @Override
  public ModelAndView errorHtml(HttpServletRequest request, HttpServletResponse response) {
    ModelAndView page = super.errorHtml(request, response);
    page.addObject("outdated", request.getAttribute(OUTDATED) != null);
    return page;
  }

  @Override
  public ResponseEntity<Map<String, Object>> error(HttpServletRequest request) {
    HttpStatus status = getStatus(request);
    Map<String, Object> problem = new LinkedHashMap<>();
    problem.put("type", "about:blank");
    problem.put("title", status.getReasonPhrase());
    problem.put("status", status.value());
    problem.put(
        "detail",
        switch (status) {
          case NOT_FOUND -> "there is nothing at this address";
          case BAD_REQUEST -> "the request cannot be read";
          default -> "the request cannot be answered";
        });
    return ResponseEntity.status(status)
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .body(problem);
  }
}
