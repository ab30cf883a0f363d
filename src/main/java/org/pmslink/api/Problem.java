package org.pmslink.api;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.pmslink.access.CallerFilter;
import org.pmslink.access.Doors;
import org.pmslink.patient.RecordJson;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;

/**
 * What is wrong with a request, after RFC 9457.
 *
 * @param detail without anything that the caller sent, but for names of fields
 */
record Problem(String type, String title, int status, String detail) {
  static final String MEDIA_TYPE = "application/problem+json";

  static Problem of(int status, String detail) {
    HttpStatus known = HttpStatus.resolve(status);
    return new Problem(
        "about:blank", known == null ? "Error" : known.getReasonPhrase(), status, detail);
  }

  private void write(HttpServletResponse response) throws IOException {
    response.setStatus(status);
    response.setContentType(MEDIA_TYPE);
    response.setCharacterEncoding("UTF-8");
    response.getWriter().write(RecordJson.write(this));
  }

  /** A request that cannot be answered. */
  static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final transient Problem problem;

    Refused(int status, String detail) {
      super(detail);
      problem = Problem.of(status, detail);
    }
  }

  /** Lets nobody in without a token. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication
  static class Guard {
    @Bean
    FilterRegistrationBean<CallerFilter> apiGuard(Doors doors) {
      return doors.guard(
          "/api/*",
          MatchApi.PRACTICES,
          (response, status, reason) -> Problem.of(status, reason).write(response));
    }
  }
}
