package org.pmslink.feed;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;

/**
 * The answer of a PMS that is asked over HTTP. Nothing that the PMS wrote gets into an exception:
 * explanations of errors have been seen to quote patients.
 */
final class HttpAnswer {
  private static final Duration LONGEST_WAIT = Duration.ofDays(1);

  private HttpAnswer() {}

  /**
   * An answer other than 2xx, or one that cannot be read.
   *
   * @see PauseReason
   */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    final int status;

    @SuppressWarnings("serial")
    final transient @Nullable Duration retryAfter;

    Failure(int status, @Nullable Duration retryAfter) {
      super("the PMS answered with HTTP status " + status);
      this.status = status;
      this.retryAfter = retryAfter;
    }

    /** What was asked with is not taken any more; with a new token it may be. */
    static Failure ofTokenThatIsNoLongerTaken() {
      return new Failure(401, Duration.ZERO);
    }

    /** What was asked for is being prepared; the answer says when to ask again. */
    static Failure ofAnswerThatIsNotReady(Exchange exchange) {
      return new Failure(202, HttpAnswer.retryAfter(exchange.getMessage()));
    }

    Failure(String problem) {
      super(problem);
      this.status = 200;
      this.retryAfter = null;
    }
  }

  /** Status of the answer. */
  static int status(Exchange exchange) {
    Integer status = exchange.getMessage().getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
    return status == null ? 0 : status;
  }

  /**
   * The body of a good answer.
   *
   * @throws Failure when it is another one, or no JSON
   */
  static JsonNode json(Exchange exchange) {
    requireSuccess(exchange);
    byte[] body = exchange.getMessage().getBody(byte[].class);
    if (body == null || body.length == 0) {
      throw new Failure("the PMS answered with an empty body");
    }
    try {
      return RecordJson.writable(RecordJson.mapper().readTree(body));
    } catch (JsonProcessingException e) {
      // Where a limit is met, such as of nesting, there is no place.
      JsonLocation where = e.getLocation();
      throw new Failure(
          "the PMS answered with something that is not JSON"
              + (where == null
                  ? ", or is nested too deeply"
                  : ", at line " + where.getLineNr() + ", column " + where.getColumnNr()));
    } catch (IOException e) {
      throw new Failure("the PMS's answer broke off");
    }
  }

  /**
   * @throws Failure when the answer is not 2xx
   */
  static void requireSuccess(Exchange exchange) {
    int status = status(exchange);
    if (status < 200 || status > 299) {
      throw new Failure(status, retryAfter(exchange.getMessage()));
    }
  }

  /** The clock of the PMS's server in UTC, as its header Date shows it; absent when it does not. */
  static @Nullable LocalDateTime clock(Exchange exchange) {
    String date = exchange.getMessage().getHeader("Date", String.class);
    try {
      return date == null
          ? null
          : ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME)
              .withZoneSameInstant(ZoneOffset.UTC)
              .toLocalDateTime();
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** Seconds, or a date; a day at most, because a slip of the PMS must not end a feed. */
  private static @Nullable Duration retryAfter(Message message) {
    Duration told = told(message);
    return told == null || told.compareTo(LONGEST_WAIT) < 0 ? told : LONGEST_WAIT;
  }

  private static @Nullable Duration told(Message message) {
    String text = message.getHeader("Retry-After", String.class);
    if (text == null) {
      return null;
    }
    try {
      if (text.strip().matches("\\d{1,6}")) {
        return Duration.ofSeconds(Long.parseLong(text.strip()));
      }
      Instant at =
          ZonedDateTime.parse(text.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(Instant.now(), at);
      return wait.isNegative() ? Duration.ZERO : wait;
    } catch (DateTimeException e) {
      return null;
    }
  }
}
