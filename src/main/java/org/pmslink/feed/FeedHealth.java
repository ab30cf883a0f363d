package org.pmslink.feed;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** How well each feed is: what it brought, what failed of it, and how its PMS's clock goes. */
@Component
public class FeedHealth {
  private final JdbcClient database;

  FeedHealth(JdbcClient database) {
    this.database = database;
  }

  /**
   * A feed's figures.
   *
   * @param waiting whether it is paused or refused
   * @param waitingSince since when
   * @param onHold whether a person has paused it, and how; absent when nobody has
   * @param missingSince since when comparisons miss so much that nothing is removed
   * @param withheldSince since when the PMS does not allow a stream to be read, and others it does
   * @param lastPassAt when the last complete pass began: what the store has is no older than that
   * @param lastReceivedAt when something last came that was sent to us
   * @param lastNewAt when something new last came, by a pass or sent
   * @param clockOffSeconds how far the PMS server's clock was ahead of ours at the last pass
   * @param clockMovedAt when a pass last found that clock elsewhere than the pass before
   * @param read records that came in the last 24 hours
   * @param deadLettered those of them that could not be handled
   */
  public record Vitals(
      int practiceId,
      String feed,
      boolean waiting,
      @Nullable String reasonCategory,
      @Nullable String reason,
      @Nullable Instant waitingSince,
      FeedStates.@Nullable Hold onHold,
      @Nullable Instant missingSince,
      @Nullable Instant withheldSince,
      @Nullable Instant lastPassAt,
      @Nullable Instant lastReceivedAt,
      @Nullable Instant lastNewAt,
      @Nullable Long clockOffSeconds,
      @Nullable Instant clockMovedAt,
      long read,
      long deadLettered) {

    /** When it last gave a sign of life. */
    @Nullable Instant lastSignAt() {
      return lastReceivedAt == null || (lastPassAt != null && lastPassAt.isAfter(lastReceivedAt))
          ? lastPassAt
          : lastReceivedAt;
    }
  }

  private static final String VITALS =
      """
      select f.practice_id, f.feed, f.state in ('PAUSED', 'REFUSED'), f.reason_category, f.reason,
             f.paused_since, f.last_pass_at, f.last_received_at,
             (select max(r.started_at) from feed_runs r
              where r.practice_id = f.practice_id and r.feed = f.feed and r.kind <> 'COMPARISON'),
             f.clock_off_seconds, f.clock_moved_at, day.records, day.dead_lettered,
             f.on_hold_by, f.on_hold_why, f.on_hold_since,
             (select min(m.missing_since) from feed_cursors m
              where m.practice_id = f.practice_id and m.feed = f.feed and m.missing is not null),
             (select min(w.withheld_since) from feed_cursors w
              where w.practice_id = f.practice_id and w.feed = f.feed)
      from feeds f
      cross join lateral (
        select coalesce(sum(p.records), 0) as records,
               coalesce(sum(p.dead_lettered), 0) as dead_lettered
        from feed_runs r
        join feed_pages p on p.practice_id = r.practice_id and p.run_id = r.id
        where r.practice_id = f.practice_id and r.feed = f.feed
          and r.started_at > now() - interval '1 day') day""";

  /** Every feed of every practice: this counts, and shows no patient. */
  public List<Vitals> all() {
    return database
        .sql(VITALS + " order by f.practice_id, f.feed")
        .query((row, n) -> vitals(row))
        .list();
  }

  /** One feed. */
  public Vitals of(int practice, String feed) {
    return database
        .sql(VITALS + " where f.practice_id = ? and f.feed = ?")
        .params(practice, feed)
        .query((row, n) -> vitals(row))
        .single();
  }

  /** When the feed brought something new, in as many weeks as count, oldest first. */
  List<Instant> arrivals(int practice, String feed) {
    return database
        .sql(
            """
            select started_at from feed_runs
            where practice_id = ? and feed = ? and kind <> 'COMPARISON'
              and started_at > now() - ? * interval '1 week'
            order by started_at""")
        .params(practice, feed, UsualSilence.WEEKS + 2)
        .query((row, n) -> row.getTimestamp(1).toInstant())
        .list();
  }

  /**
   * What a feed brought in an hour or a day.
   *
   * @param from its beginning
   * @param passes that began in it, or what was sent in so many goes
   * @param slowestSeconds how long the slowest of them took until all of it was in the store
   */
  public record Span(
      Instant from, long passes, long read, long deadLettered, long slowestSeconds) {}

  /**
   * What a feed brought, hour by hour or day by day, the present one last.
   *
   * @param unit hours or days
   * @param count how many
   * @param zone in which they begin
   */
  public List<Span> spans(int practice, String feed, ChronoUnit unit, int count, ZoneId zone) {
    ZonedDateTime last = ZonedDateTime.now(zone).truncatedTo(unit);
    ZonedDateTime first = last.minus(count - 1L, unit);
    Map<Instant, Span> found = new HashMap<>();
    database
        .sql(
            """
            select date_trunc(?, r.started_at, ?), count(*),
                   coalesce(sum(p.records), 0), coalesce(sum(p.dead_lettered), 0),
                   coalesce(max(extract(epoch from r.finished_at - r.started_at)), 0)::bigint
            from feed_runs r
            left join lateral (
              select sum(records) as records, sum(dead_lettered) as dead_lettered
              from feed_pages where practice_id = r.practice_id and run_id = r.id) p on true
            where r.practice_id = ? and r.feed = ? and r.started_at >= ?
            group by 1""")
        .params(
            unit == ChronoUnit.HOURS ? "hour" : "day",
            zone.getId(),
            practice,
            feed,
            Timestamp.from(first.toInstant()))
        .query(
            (row, n) ->
                new Span(
                    row.getTimestamp(1).toInstant(),
                    row.getLong(2),
                    row.getLong(3),
                    row.getLong(4),
                    row.getLong(5)))
        .list()
        .forEach(span -> found.put(span.from(), span));
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Instant from = first.plus(i, unit).toInstant();
      spans.add(found.getOrDefault(from, new Span(from, 0, 0, 0, 0)));
    }
    return spans;
  }

  private static Vitals vitals(ResultSet row) throws SQLException {
    return new Vitals(
        row.getInt(1),
        row.getString(2),
        row.getBoolean(3),
        row.getString(4),
        row.getString(5),
        instant(row, 6),
        hold(row),
        instant(row, 17),
        instant(row, 18),
        instant(row, 7),
        instant(row, 8),
        instant(row, 9),
        (Long) row.getObject(10),
        instant(row, 11),
        row.getLong(12),
        row.getLong(13));
  }

  private static FeedStates.@Nullable Hold hold(ResultSet row) throws SQLException {
    Instant since = instant(row, 16);
    return since == null ? null : new FeedStates.Hold(row.getString(14), row.getString(15), since);
  }

  private static @Nullable Instant instant(ResultSet row, int column) throws SQLException {
    Timestamp stamp = row.getTimestamp(column);
    return stamp == null ? null : stamp.toInstant();
  }
}
