package org.pmslink.feed;

import jakarta.jms.JMSException;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.MappingException;
import org.springframework.dao.QueryTimeoutException;

/**
 * Why a feed is paused, in words for IT. The text is ours, with the database's only where it names
 * tables and columns: a driver's message may quote values.
 */
record PauseReason(Category category, String text) {

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
    QUERY_FAILED,
    EMPTY_RESULT,
    FILES_WRONG,
    ENGINE
  }

  static PauseReason of(@Nullable Throwable thrown, boolean reading) {
    @Nullable SQLException sql = null;
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t instanceof FeedException || t instanceof MappingException) {
        return new PauseReason(Category.FILES_WRONG, String.valueOf(t.getMessage()));
      }
      if (t instanceof ManyMissing) {
        return new PauseReason(Category.EMPTY_RESULT, String.valueOf(t.getMessage()));
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
    if (!reading || sql == null) {
      return new PauseReason(
          Category.ENGINE,
          "the engine's own step failed: "
              + (thrown == null ? "?" : thrown.getClass().getSimpleName()));
    }
    return ofSql(sql);
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

  private static PauseReason tooSlow() {
    return new PauseReason(
        Category.TOO_SLOW, "the PMS database did not answer in time; it is tried again later");
  }

  /** A comparison would find so many records gone that the PMS itself is in doubt. */
  static final class ManyMissing extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ManyMissing(long missing, long known, RecordStream stream) {
      super(
          missing
              + " of "
              + known
              + (stream.type() == RecordType.PATIENTS ? " charts" : " " + stream.queryName())
              + " are gone from the PMS: is this the right database? Nothing was deleted");
    }
  }
}
