package org.pmslink.feed;

import jakarta.jms.JMSException;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.jspecify.annotations.Nullable;
import org.pmslink.mapping.MappingException;
import org.springframework.dao.QueryTimeoutException;

/**
 * Why a feed is paused, in words for IT. The text is ours, with the database's only where it names
 * tables and columns: a driver's message may quote values.
 */
record PauseReason(Category category, String text, @Nullable Duration retryAfter) {

  PauseReason(Category category, String text) {
    this(category, text, null);
  }

  private static final Pattern MISSING =
      Pattern.compile("(?:column|relation) \"?([\\w.]+)\"? does not exist");

  /** What to look at. */
  enum Category {
    UNREACHABLE,
    LOGIN_REFUSED,
    NOT_ALLOWED,
    TABLE_MISSING,
    COLUMN_MISSING,
    TOO_SLOW,
    THROTTLED,
    QUERY_FAILED,
    /** A comparison missed too much to be believed; the feed goes on. */
    EMPTY_RESULT,
    NOT_READY,
    EVENTS_MISSED,
    FILES_WRONG,
    /** A dropped file, or rows of it, were refused; the feed goes on. */
    FILE_PROBLEM,
    ENGINE
  }

  static PauseReason of(@Nullable Throwable thrown, boolean reading) {
    @Nullable SQLException sql = null;
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t instanceof FeedException || t instanceof MappingException) {
        return new PauseReason(Category.FILES_WRONG, String.valueOf(t.getMessage()));
      }
      if (t instanceof HttpAnswer.Failure failure) {
        return ofHttp(failure);
      }
      // Beneath a failure of a database it is the database's to say what is wrong.
      if (reading && sql == null && t instanceof SocketTimeoutException) {
        return tooSlow();
      }
      if (reading
          && sql == null
          && (t instanceof SocketException
              || t instanceof UnknownHostException
              || t instanceof SSLException
              || t instanceof NoHttpResponseException)) {
        return new PauseReason(
            Category.UNREACHABLE,
            "the PMS cannot be reached; check address, network and certificate");
      }
      if (reading && sql == null && t instanceof IOException) {
        return new PauseReason(
            Category.UNREACHABLE,
            "the PMS's answer broke off or is no HTTP; check the address, and what stands between");
      }
      if (t instanceof FolderAway) {
        return new PauseReason(Category.UNREACHABLE, String.valueOf(t.getMessage()));
      }
      if (t instanceof JMSException) {
        return new PauseReason(Category.ENGINE, "the queue is away");
      }
      if (t instanceof QueryTimeoutException || t instanceof SQLTimeoutException) {
        return tooSlow();
      }
      if (t instanceof SQLException s && (s.getSQLState() != null || sql == null)) {
        sql = s;
      }
    }
    if (reading && sql == null && thrown != null) {
      return new PauseReason(
          Category.QUERY_FAILED,
          "what the PMS holds or answers cannot be read ("
              + thrown.getClass().getSimpleName()
              + "); where a column holds what its driver does not know, cast it to text in the query");
    }
    if (sql == null || !reading) {
      return new PauseReason(
          Category.ENGINE,
          "the engine's own step failed: "
              + (thrown == null ? "?" : thrown.getClass().getSimpleName()));
    }
    return ofSql(sql);
  }

  /**
   * Why a pass failed. That the PMS refuses a request as wrong says most once it has told its clock
   * in the same pass: some answer 400, too, while the office cannot be reached.
   */
  static PauseReason of(@Nullable Throwable thrown, @Nullable FeedPass pass) {
    PauseReason reason = of(thrown, pass != null && pass.reading);
    for (Throwable t = thrown; pass != null && t != null; t = t.getCause()) {
      if (t instanceof HttpAnswer.Failure failure
          && failure.status == 400
          && pass.serverClock != null) {
        return new PauseReason(
            Category.QUERY_FAILED,
            "the PMS refuses what it is asked for "
                + pass.stream().queryName()
                + " (HTTP 400); check the mapping's query, and the PMS's version",
            failure.retryAfter);
      }
    }
    return reason;
  }

  private static PauseReason ofHttp(HttpAnswer.Failure failure) {
    return switch (failure.status) {
      case 202 ->
          new PauseReason(
              Category.NOT_READY,
              "the PMS is preparing its bulk export; it is asked for again",
              failure.retryAfter);
      case 200 -> new PauseReason(Category.QUERY_FAILED, String.valueOf(failure.getMessage()));
      case 401 ->
          new PauseReason(
              Category.LOGIN_REFUSED,
              "the PMS refuses the login (HTTP 401); check the key, and that the office has not"
                  + " disabled it",
              failure.retryAfter == null ? LONG_PAUSE : failure.retryAfter);
      case 403 ->
          new PauseReason(
              Category.NOT_ALLOWED,
              "the PMS does not allow this (HTTP 403); the office or the vendor must permit it",
              LONG_PAUSE);
      case 404, 410 ->
          new PauseReason(
              Category.QUERY_FAILED,
              "the PMS knows no such address (HTTP "
                  + failure.status
                  + "); check the URL and the PMS's version");
      case 429 ->
          new PauseReason(
              Category.THROTTLED, "the PMS wants to be asked less often", failure.retryAfter);
      case 504 -> tooSlow();
      default ->
          new PauseReason(
              Category.UNREACHABLE,
              "the PMS cannot answer at the moment (HTTP " + failure.status + ")",
              failure.retryAfter);
    };
  }

  private static PauseReason ofSql(SQLException sql) {
    String state = sql.getSQLState() == null ? "" : sql.getSQLState();
    int code = sql.getErrorCode();
    if (state.startsWith("28") || code == 1045) {
      return new PauseReason(
          Category.LOGIN_REFUSED, "the PMS database refuses the login; check user and password");
    }
    if (code == 1044 || code == 1142 || code == 1143 || state.equals("42501")) {
      return new PauseReason(
          Category.NOT_ALLOWED, "the database user may not read this; grant it SELECT");
    }
    if (code == 1146 || state.equals("42S02") || state.equals("42P01")) {
      return new PauseReason(
          Category.TABLE_MISSING, "the PMS database has lost a table: " + named(sql));
    }
    if (code == 1054 || state.equals("42S22") || state.equals("42703")) {
      return new PauseReason(
          Category.COLUMN_MISSING, "the PMS database has lost a column: " + named(sql));
    }
    if (code == 1049) {
      return new PauseReason(
          Category.TABLE_MISSING, "the PMS server has no such database; check the URL");
    }
    if (code == 1969 || code == 3024 || state.equals("70100")) {
      return tooSlow();
    }
    if (state.startsWith("08") || state.isEmpty()) {
      return new PauseReason(
          Category.UNREACHABLE, "the PMS database cannot be reached; check server and network");
    }
    return new PauseReason(
        Category.QUERY_FAILED,
        "the PMS database refuses the query: SQL state " + state + ", code " + code);
  }

  /**
   * What somebody has to look at although the feed goes on; nothing in most.
   *
   * @param missing what comparisons missed so much of that the PMS itself is in doubt
   * @param withheld streams that the PMS does not allow to be read
   */
  static @Nullable PauseReason ofFeedThatGoesOn(
      List<FeedStates.Missing> missing, List<String> withheld) {
    String forbidden = withheld.isEmpty() ? "" : withheldInWords(withheld);
    if (missing.isEmpty()) {
      return withheld.isEmpty() ? null : new PauseReason(Category.NOT_ALLOWED, forbidden);
    }
    return new PauseReason(
        Category.EMPTY_RESULT,
        missing.stream().map(FeedStates.Missing::inWords).collect(Collectors.joining("; "))
            + ": is this the right database? None of them was removed"
            + (withheld.isEmpty() ? "" : "; besides, " + forbidden));
  }

  /** Which streams the PMS does not allow to be read, and what to do. */
  static String withheldInWords(List<String> streams) {
    return "the PMS does not allow "
        + String.join(", ", streams)
        + " to be read; the office must permit it (of Open Dental's API: queries), or the feed's"
        + " file must not ask for it";
  }

  /** The table or column that is missing; empty for anything else. */
  String named() {
    return category == Category.TABLE_MISSING || category == Category.COLUMN_MISSING
        ? text.substring(text.lastIndexOf(' ') + 1)
        : "";
  }

  /** What PostgreSQL calls missing, or what stands between the first quotes: an identifier. */
  private static String named(SQLException sql) {
    String message = String.valueOf(sql.getMessage());
    Matcher missing = MISSING.matcher(message);
    if (missing.find()) {
      return missing.group(1);
    }
    int from = message.indexOf('\'');
    int to = message.indexOf('\'', from + 1);
    return from >= 0 && to > from ? message.substring(from + 1, to) : "see the mapping's SQL";
  }

  /** Nobody mends a login within seconds, and knocking on locks some out for good. */
  private static final Duration LONG_PAUSE = Duration.ofMinutes(5);

  private static PauseReason tooSlow() {
    return new PauseReason(
        Category.TOO_SLOW, "the PMS did not answer in time; it is tried again later");
  }

  /** A folder that files are dropped into cannot be used at the moment. */
  static final class FolderAway extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param message free of names of files, which may be a patient's
     */
    FolderAway(String message) {
      super(message);
    }
  }
}
