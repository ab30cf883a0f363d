package org.pmslink.feed;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Alerts about feeds: one to a feed at a time, raised once and ended once. */
@Component
public class Alerts {
  private final JdbcClient database;

  Alerts(JdbcClient database) {
    this.database = database;
  }

  /**
   * An alert that stands.
   *
   * @param cause what probably is the matter
   * @param message the same in words, without patient data
   */
  public record Alert(long id, String cause, String message, Instant raisedAt) {}

  /** The alert that stands about a feed. */
  public Optional<Alert> open(int practice, String feed) {
    return database
        .sql(
            """
            select id, cause, message, raised_at from alerts
            where practice_id = ? and feed = ? and recovered_at is null""")
        .params(practice, feed)
        .query(
            (row, n) ->
                new Alert(
                    row.getLong(1),
                    row.getString(2),
                    row.getString(3),
                    row.getTimestamp(4).toInstant()))
        .optional();
  }

  /**
   * An alert that stood once, or stands.
   *
   * @param recoveredAt absent while it stands
   */
  public record Past(
      String cause, String message, Instant raisedAt, @Nullable Instant recoveredAt) {}

  /** The newest alerts about a feed. */
  public List<Past> newest(int practice, String feed, int most) {
    return database
        .sql(
            """
            select cause, message, raised_at, recovered_at from alerts
            where practice_id = ? and feed = ? order by id desc limit ?""")
        .params(practice, feed, most)
        .query(
            (row, n) ->
                new Past(
                    row.getString(1),
                    row.getString(2),
                    row.getTimestamp(3).toInstant(),
                    row.getTimestamp(4) == null ? null : row.getTimestamp(4).toInstant()))
        .list();
  }

  /** How many stand about the feeds of a practice. */
  public int openOf(int practice) {
    return database
        .sql("select count(*) from alerts where practice_id = ? and recovered_at is null")
        .param(practice)
        .query(Integer.class)
        .single();
  }

  /** How many stand, about all feeds. */
  long open() {
    return database
        .sql("select count(*) from alerts where recovered_at is null")
        .query(Long.class)
        .single();
  }

  void raise(int practice, String feed, String cause, String message) {
    database
        .sql(
            """
            insert into alerts (practice_id, feed, cause, message) values (?, ?, ?, ?)
            on conflict (practice_id, feed) where recovered_at is null do nothing""")
        .params(practice, feed, cause, message)
        .update();
  }

  /** It is still the same alert, but looks otherwise by now. */
  void change(int practice, Alert alert, String cause, String message) {
    database
        .sql("update alerts set cause = ?, message = ? where practice_id = ? and id = ?")
        .params(cause, message, practice, alert.id())
        .update();
  }

  void recovered(int practice, Alert alert) {
    database
        .sql("update alerts set recovered_at = now() where practice_id = ? and id = ?")
        .params(practice, alert.id())
        .update();
  }
}
