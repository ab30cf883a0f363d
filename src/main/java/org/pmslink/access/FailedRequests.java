package org.pmslink.access;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.apache.catalina.connector.ClientAbortException;
import org.apache.coyote.BadRequestException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;
import org.thymeleaf.exceptions.TemplateProcessingException;

/**
 * Answers requests that failed where nobody else could, above all while a page was made from its
 * template. Tomcat would log the exception with its message, which may quote a patient.
 */
@Component
@ConditionalOnWebApplication
@Order(Ordered.HIGHEST_PRECEDENCE)
final class FailedRequests extends OncePerRequestFilter {
  private static final Logger LOG = LoggerFactory.getLogger(FailedRequests.class);

  @Override
  protected boolean shouldNotFilterErrorDispatch() {
    // The page that says that something went wrong may fail, too.
    return false;
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    try {
      chain.doFilter(request, response);
    } catch (BadRequestException e) {
      throw e; // Whoever asks does not speak HTTP: Tomcat says so.
    } catch (ServletException | IOException | RuntimeException e) {
      if (nobodyWaits(e)) {
        return;
      }
      LOG.error("a request failed: {}", told(e));
      if (response.isCommitted()) {
        // Tomcat breaks the connection off: half an answer must not look like a whole one.
        throw new ServletException("the answer broke off");
      }
      if (request.getDispatcherType() == DispatcherType.ERROR) {
        // It was the page that says so; a second one would fail as well.
        response.resetBuffer();
        response.setStatus(HttpStatus.INTERNAL_SERVER_ERROR.value());
        response.setContentType("text/plain");
        response.getWriter().write("That went wrong.");
        return;
      }
      response.sendError(HttpStatus.INTERNAL_SERVER_ERROR.value());
    }
  }

  /** Whether whoever asked has gone away meanwhile. */
  private static boolean nobodyWaits(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof ClientAbortException) {
        return true;
      }
    }
    return false;
  }

  /** What kind of failure it was, and where; never what it says. */
  private static String told(Throwable failure) {
    String template = "";
    Throwable root = failure;
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof TemplateProcessingException page && page.getTemplateName() != null) {
        template = ", template " + page.getTemplateName() + " line " + page.getLine();
      }
      root = at;
    }
    StackTraceElement[] trace = root.getStackTrace();
    return root.getClass().getName() + " at " + (trace.length == 0 ? "?" : trace[0]) + template;
  }
}
