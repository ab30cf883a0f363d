package org.pmslink.feed;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Date;
import java.sql.Time;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A row of a PMS as JSON: what a mapping gets to see, and what a dead letter keeps. */
final class SourceRow {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private SourceRow() {}

  /** Numbers stay numbers, dates and times become ISO text without a zone, all else is text. */
  static ObjectNode json(Map<String, Object> row) {
    ObjectNode json = JSON.objectNode();
    row.forEach(
        (column, value) -> {
          if (value == null) {
            json.putNull(column);
          } else if (value instanceof Long || value instanceof Integer || value instanceof Short) {
            json.put(column, ((Number) value).longValue());
          } else if (value instanceof BigInteger big) {
            json.put(column, big);
          } else if (value instanceof BigDecimal decimal) {
            json.put(column, decimal);
          } else if (value instanceof Number number) {
            json.put(column, number.doubleValue());
          } else if (value instanceof Boolean bool) {
            json.put(column, bool);
          } else {
            json.put(column, text(value));
          }
        });
    return json;
  }

  private static String text(Object value) {
    if (value instanceof Date date) {
      return date.toLocalDate().toString();
    }
    if (value instanceof Timestamp stamp) {
      return stamp.toLocalDateTime().toString();
    }
    if (value instanceof Time time) {
      return time.toLocalTime().toString();
    }
    if (value instanceof byte[] bytes) {
      return java.util.Base64.getEncoder().encodeToString(bytes);
    }
    return value.toString();
  }

  /**
   * A column's value, whatever the case of its name.
   *
   * @throws FeedException when the query does not yield the column
   */
  static @Nullable Object value(Map<String, Object> row, String column) {
    if (row.containsKey(column)) {
      return row.get(column);
    }
    for (Map.Entry<String, Object> entry : row.entrySet()) {
      if (entry.getKey().equalsIgnoreCase(column)) {
        return entry.getValue();
      }
    }
    throw new FeedException(
        "the query yields no column \"" + column + "\", which its first comment lines name");
  }

  /** A stamp as the session shows it, without a zone. */
  static LocalDateTime time(@Nullable Object value) {
    if (value instanceof Timestamp stamp) {
      return stamp.toLocalDateTime();
    }
    if (value instanceof LocalDateTime time) {
      return time;
    }
    if (value instanceof OffsetDateTime time) {
      return time.withOffsetSameInstant(ZoneOffset.UTC).toLocalDateTime();
    }
    if (value instanceof Date date) {
      return date.toLocalDate().atStartOfDay();
    }
    if (value instanceof LocalDate date) {
      return date.atStartOfDay();
    }
    if (value == null) {
      // A row without a stamp sorts first and is read in every pass.
      return LocalDateTime.of(1, 1, 1, 0, 0);
    }
    throw new FeedException("the change column holds no time stamp");
  }
}
