package org.pmslink.api;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.CallerFilter;
import org.pmslink.access.Doors;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.security.web.firewall.HttpStatusRequestRejectedHandler;
import org.springframework.security.web.firewall.RequestRejectedHandler;

/**
 * What is wrong with a request, after RFC 9457.
 *
 * @param detail without anything that the caller sent, but for names of fields
 * @param candidates charts that somebody may be who was to become a member without one
 * @param members numbers of the members whom they may be
 */
@Schema(description = "What is wrong with a request, after RFC 9457.")
record Problem(
    String type,
    String title,
    int status,
    String detail,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<Alike> candidates,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<String> members) {
  static final String MEDIA_TYPE = "application/problem+json";
  private static final String API = "/api/";

  /** A chart, without anything that it says. */
  record Alike(long patient, String grade, @JsonIgnore String name) {}

  static Problem of(int status, String detail) {
    return of(status, detail, null, null);
  }

  private static Problem of(
      int status, String detail, @Nullable List<Alike> candidates, @Nullable List<String> members) {
    HttpStatus known = HttpStatus.resolve(status);
    return new Problem(
        "about:blank",
        known == null ? "Error" : known.getReasonPhrase(),
        status,
        detail,
        candidates,
        members);
  }

  void write(HttpServletResponse response) throws IOException {
    response.setStatus(status);
    response.setContentType(MEDIA_TYPE);
    response.setCharacterEncoding("UTF-8");
    response.getWriter().write(ApiJson.write(this));
  }

  /** A request that cannot be answered. */
  static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final transient Problem problem;

    Refused(int status, String detail) {
      super(detail);
      problem = Problem.of(status, detail);
    }

    Refused(int status, String detail, List<Alike> candidates, List<String> members) {
      super(detail);
      problem = Problem.of(status, detail, candidates, members);
    }

    static Refused notThere() {
      return new Refused(404, "there is nothing at this address");
    }
  }

  /** Lets nobody in without a token. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication
  static class Guard {
    @Bean
    FilterRegistrationBean<CallerFilter> apiGuard(Doors doors) {
      return doors.guard(
          API + "*",
          ApiJson.PRACTICES,
          Set.of(Description.PATH),
          (response, status, reason) -> Problem.of(status, reason).write(response));
    }

    /** Addresses that the firewall stops before anybody else sees them. */
    @Bean
    RequestRejectedHandler addressesThatAreNone() {
      RequestRejectedHandler elsewhere = new HttpStatusRequestRejectedHandler();
      return (request, response, rejected) -> {
        if (request.getRequestURI().startsWith(request.getContextPath() + API)) {
          Problem.of(400, "the address holds characters that none of ours has").write(response);
        } else {
          elsewhere.handle(request, response, rejected);
        }
      };
    }
  }
}
