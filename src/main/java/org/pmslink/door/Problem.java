package org.pmslink.door;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.pmslink.patient.RecordJson;
import org.springframework.http.HttpStatus;

/** Why a request was not taken, as problem details (RFC 9457), without anything that it held. */
record Problem(String type, String title, int status, String detail) {
  static final String MEDIA_TYPE = "application/problem+json";

  /** Seconds after which a sender may try again when a part of the engine is away. */
  static final String WAIT = "10";

  static Problem of(int status, String detail) {
    HttpStatus known = HttpStatus.resolve(status);
    return new Problem(
        "about:blank", known == null ? "Error" : known.getReasonPhrase(), status, detail);
  }

  static void write(HttpServletResponse response, int status, String reason) throws IOException {
    response.setStatus(status);
    if (status == 503) {
      response.setHeader("Retry-After", WAIT);
    }
    response.setContentType(MEDIA_TYPE);
    response.setCharacterEncoding("UTF-8");
    response.getWriter().write(RecordJson.write(of(status, reason)));
  }

  /** A request that is not taken. */
  static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final int status;
    final String detail;

    Refused(int status, String detail) {
      super(detail);
      this.status = status;
      this.detail = detail;
    }
  }
}
