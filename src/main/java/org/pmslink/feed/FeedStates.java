package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.RecordStream;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** How each feed is, and what was asked of it; for the engine, the command line and the console. */
@Component
public class FeedStates {
  private final JdbcClient database;
  private final Practices practices;

  FeedStates(JdbcClient database, Practices practices) {
    this.database = database;
    this.practices = practices;
  }

  /**
   * A feed as status shows it.
   *
   * @param state STARTING, RUNNING, PAUSED, REFUSED, or ON_HOLD when a person has paused it
   * @param reason why it is paused or refused
   * @param loading whether a stream has not been read to its end yet
   * @param calls requests of this month, to a PMS that counts them
   * @param callBudget how many it allows; absent when it does not count
   * @param hold who has paused it and why; absent when nobody has
   * @param missing what comparisons missed and nothing was removed of, because it is too much
   */
  public record Status(
      String practice,
      String feed,
      String source,
      String state,
      @Nullable String reasonCategory,
      @Nullable String reason,
      @Nullable Instant nextAttemptAt,
      @Nullable Instant lastPassAt,
      @Nullable Instant lastCompareAt,
      @Nullable Instant lastReceivedAt,
      @Nullable String watermark,
      boolean loading,
      long calls,
      @Nullable Long callBudget,
      @Nullable Hold hold,
      List<Missing> missing) {}

  /**
   * A pause by a person, which only a person ends.
   *
   * @param why in their words
   */
  public record Hold(String by, String why, Instant since) {}

  /**
   * Records of a stream that the last comparison did not find in the PMS, and that are so many that
   * none was removed.
   *
   * @param stream as query files are named: {@code visits-procedures}
   * @param records how many are missing
   * @param of how many the store has
   * @param accepted whether a person has said that they are gone; the next comparison removes them
   */
  public record Missing(String stream, long records, long of, Instant since, boolean accepted) {

    /** For a sentence; counts and the stream's name. */
    public String inWords() {
      return records
          + " of "
          + of
          + " "
          + (stream.equals("patients") ? "charts" : stream)
          + " are missing in the PMS";
    }
  }

  /**
   * What the engine needs to know before a pass.
   *
   * @param loading whether a stream has not been read to its end yet
   * @param onHold whether a person has paused it
   */
  record Due(
      @Nullable Instant nextAttemptAt,
      @Nullable Instant lastPassAt,
      @Nullable Instant lastCompareAt,
      boolean syncAsked,
      boolean compareAsked,
      boolean loading,
      boolean onHold) {}

  /** Makes a feed known, with its office's zone. */
  void register(FeedDefinition definition) {
    String practice = definition.getPractice();
    register(practice, definition.getFeed(), definition.getSource());
    database
        .sql("update feeds set office_zone = ? where practice_id = ? and feed = ?")
        .params(definition.getOfficeZone().getId(), practices.id(practice), definition.getFeed())
        .update();
  }

  private void register(String practice, String feed, String source) {
    database
        .sql(
            """
            insert into feeds (practice_id, feed, source) values (?, ?, ?)
            on conflict (practice_id, feed) do update
            set source = excluded.source, next_attempt_at = null,
                state = case when feeds.state = 'REFUSED' then 'STARTING' else feeds.state end""")
        .params(practices.id(practice), feed, source)
        .update();
  }

  /**
   * A feed's file was taken up while the engine runs: it reads at once, so that whoever asked for
   * it sees what comes of it.
   */
  void applied(String practice, String feed, String source) {
    int id = practices.id(practice);
    register(practice, feed, source);
    database
        .sql(
            """
            update feeds set state = 'STARTING', reason_category = null, reason = null,
              failures = 0, paused_since = null, sync_asked_at = now()
            where practice_id = ? and feed = ?""")
        .params(id, feed)
        .update();
    // A file that was refused may have named no practice, or another one.
    database
        .sql("delete from feeds where feed = ? and practice_id <> ? and state = 'REFUSED'")
        .params(feed, id)
        .update();
  }

  /** Reports a feed file that cannot be used. */
  void refuse(String practice, String feed, String reason) {
    database
        .sql(
            """
            insert into feeds (practice_id, feed, source, state, reason_category, reason,
                               paused_since)
            values (?, ?, '-', 'REFUSED', 'FILES_WRONG', ?, now())
            on conflict (practice_id, feed) do update
            set state = 'REFUSED', reason_category = 'FILES_WRONG', reason = excluded.reason,
                paused_since = coalesce(feeds.paused_since, now())""")
        .params(practices.id(practice), feed, reason)
        .update();
  }

  Due due(int practice, String feed) {
    return database
        .sql(
            """
            select next_attempt_at, last_pass_at, last_compare_at, sync_asked_at is not null,
                   compare_asked_at is not null,
                   exists (select 1 from feed_cursors c
                           where c.practice_id = f.practice_id and c.feed = f.feed
                             and c.phase = 'LOAD' and c.withheld_since is null),
                   on_hold_since is not null
            from feeds f where f.practice_id = ? and f.feed = ?""")
        .params(practice, feed)
        .query(
            (row, n) ->
                new Due(
                    instant(row, 1),
                    instant(row, 2),
                    instant(row, 3),
                    row.getBoolean(4),
                    row.getBoolean(5),
                    row.getBoolean(6),
                    row.getBoolean(7)))
        .single();
  }

  /**
   * A pass is complete.
   *
   * @param began a request that came later is for the next pass
   */
  void passed(int practice, String feed, boolean compared, Instant began) {
    Timestamp start = Timestamp.from(began);
    PauseReason standing = standing(practice, feed);
    database
        .sql(
            """
            update feeds set state = 'RUNNING', reason_category = ?, reason = ?, failures = 0,
              next_attempt_at = null, paused_since = null, last_pass_at = ?,
              last_compare_at = case when ? then now() else last_compare_at end,
              sync_asked_at = case when sync_asked_at > ? then sync_asked_at end,
              compare_asked_at = case when compare_asked_at > ? or not ? then compare_asked_at end
            where practice_id = ? and feed = ?""")
        .params(
            standing == null ? null : standing.category().name(),
            standing == null ? null : standing.text(),
            start,
            compared,
            start,
            start,
            compared,
            practice,
            feed)
        .update();
  }

  /** What somebody has to look at although the feed goes on; nothing in most. */
  @Nullable PauseReason standing(int practice, String feed) {
    return PauseReason.ofFeedThatGoesOn(missing(practice, feed), withheld(practice, feed));
  }

  private List<Missing> missing(int practice, String feed) {
    return database
        .sql("select " + MISSING + " from feeds f where f.practice_id = ? and f.feed = ?")
        .params(practice, feed)
        .query((row, n) -> missing(row.getString(1)))
        .optional()
        .orElse(List.of());
  }

  /** Streams that the PMS does not allow to be read, as query files are named. */
  private List<String> withheld(int practice, String feed) {
    return database
        .sql(
            """
            select record_type from feed_cursors
            where practice_id = ? and feed = ? and withheld_since is not null
            order by record_type""")
        .params(practice, feed)
        .query((row, n) -> RecordStream.ofName(row.getString(1)).queryName())
        .list();
  }

  /**
   * A person says that what a comparison missed is gone.
   *
   * @return what was missing; absent when nothing of that stream is
   */
  Optional<Missing> acceptMissing(int practice, String feed, RecordStream stream) {
    Optional<Missing> found =
        missing(practice, feed).stream()
            .filter(m -> m.stream().equals(stream.queryName()))
            .findFirst();
    found.ifPresent(
        m ->
            database
                .sql(
                    """
                    update feed_cursors set accepted_missing = ?
                    where practice_id = ? and feed = ? and record_type = ?""")
                .params(m.records(), practice, feed, stream.name())
                .update());
    return found;
  }

  /**
   * Counts a request to a PMS that counts them, too, by months (UTC). A feed that is tried before
   * it runs for the first time has nothing to be counted in.
   */
  void called(String practice, String feed, long budget) {
    database
        .sql(
            """
            update feeds set call_budget = ?,
              calls = case when calls_month = date_trunc('month', now() at time zone 'UTC')::date
                           then calls + 1 else 1 end,
              calls_month = date_trunc('month', now() at time zone 'UTC')::date
            where practice_id = (select id from practices where practice = ?) and feed = ?""")
        .params(budget, practice, feed)
        .update();
  }

  /** Whether a person has paused a feed; nobody can have paused one that is not known. */
  boolean isOnHold(int practice, String feed) {
    return database
        .sql(
            """
            select exists (select 1 from feeds
                           where practice_id = ? and feed = ? and on_hold_since is not null)""")
        .params(practice, feed)
        .query(Boolean.class)
        .single();
  }

  /**
   * Pauses a feed for a person. What it is besides stays as it is.
   *
   * @return false when there is no such feed, or somebody has paused it before
   */
  boolean hold(int practice, String feed, String by, String why) {
    return database
            .sql(
                """
                update feeds set on_hold_since = now(), on_hold_by = ?, on_hold_why = ?
                where practice_id = ? and feed = ? and on_hold_since is null""")
            .params(by, why, practice, feed)
            .update()
        == 1;
  }

  /**
   * Ends a pause by a person; a feed that reads does so at once.
   *
   * @return false when there is no such feed, or nobody has paused it
   */
  boolean resume(int practice, String feed) {
    return database
            .sql(
                """
                update feeds set on_hold_since = null, on_hold_by = null, on_hold_why = null,
                  next_attempt_at = null,
                  sync_asked_at = case when last_pass_at is null then sync_asked_at else now() end
                where practice_id = ? and feed = ? and on_hold_since is not null""")
            .params(practice, feed)
            .update()
        == 1;
  }

  /** A look for something new found nothing; what was asked for before it is done. */
  void looked(int practice, String feed, Instant began) {
    Timestamp start = Timestamp.from(began);
    database
        .sql(
            """
            update feeds set failures = 0, next_attempt_at = null, last_pass_at = ?,
              reason_category = case when state = 'RUNNING' then reason_category end,
              reason = case when state = 'RUNNING' then reason end,
              state = 'RUNNING',
              sync_asked_at = case when sync_asked_at > ? then sync_asked_at end,
              compare_asked_at = null
            where practice_id = ? and feed = ?""")
        .params(start, start, practice, feed)
        .update();
  }

  /** Says of a feed that goes on that somebody has to look at a file, or at rows of one. */
  void fileProblem(int practice, String feed, String reason) {
    database
        .sql(
            """
            update feeds set state = 'RUNNING', reason_category = ?, reason = ?, failures = 0,
              next_attempt_at = null, last_pass_at = now()
            where practice_id = ? and feed = ?""")
        .params(PauseReason.Category.FILE_PROBLEM.name(), reason, practice, feed)
        .update();
  }

  /**
   * What the PMS server's clock shows at the beginning of a pass.
   *
   * @param offSeconds how far it is ahead of ours
   * @param moved whether it shows another time than at the pass before
   */
  void clockRead(int practice, String feed, long offSeconds, boolean moved) {
    database
        .sql(
            """
            update feeds set clock_off_seconds = ?,
              clock_moved_at = case when ? then now() else coalesce(clock_moved_at, now()) end
            where practice_id = ? and feed = ?""")
        .params(offSeconds, moved, practice, feed)
        .update();
  }

  /** Something came in that the PMS sent of its own accord. */
  void received(int practice, String feed) {
    database
        .sql(
            """
            update feeds set state = 'RUNNING', reason_category = null, reason = null,
              paused_since = null, last_received_at = now()
            where practice_id = ? and feed = ?""")
        .params(practice, feed)
        .update();
  }

  /**
   * Pauses a feed: 2 s at first, twice as long each time, five minutes at most, and never less than
   * the PMS asks for.
   */
  void pause(int practice, String feed, PauseReason reason) {
    database
        .sql(
            """
            update feeds set state = 'PAUSED', reason_category = ?, reason = ?,
              failures = failures + 1, paused_since = coalesce(paused_since, now()),
              next_attempt_at = now() + greatest(
                interval '1 second' * ?,
                least(interval '5 minutes', interval '2 seconds' * power(2, least(failures, 10))))
            where practice_id = ? and feed = ?""")
        .params(
            reason.category().name(),
            reason.text(),
            reason.retryAfter() == null ? 0 : reason.retryAfter().toSeconds(),
            practice,
            feed)
        .update();
  }

  /**
   * Asks a feed to read now; a pause does not hold it back, unless a person has paused it: then it
   * reads when they resume it.
   *
   * @return false when there is no such feed
   */
  public boolean askForPass(String practice, String feed, boolean comparison) {
    return database
            .sql(
                """
                update feeds set sync_asked_at = now(), next_attempt_at = null,
                  compare_asked_at = case when ? then now() else compare_asked_at end
                where practice_id = ? and feed = ?""")
            .params(comparison, practices.id(practice), feed)
            .update()
        == 1;
  }

  /** Every feed of every practice: this lists feeds and shows no patient. */
  public List<Status> all() {
    return database
        .sql(STATUS + " order by p.practice, f.feed")
        .query((row, n) -> status(row))
        .list();
  }

  /** One feed of a practice. */
  public Optional<Status> find(String practice, String feed) {
    return database
        .sql(STATUS + " where p.practice = ? and f.feed = ?")
        .params(practice, feed)
        .query((row, n) -> status(row))
        .optional();
  }

  /** One feed. */
  public Optional<Status> find(String feed) {
    return database
        .sql(STATUS + " where f.feed = ?")
        .param(feed)
        .query((row, n) -> status(row))
        .list()
        .stream()
        .findFirst();
  }

  /** What comparisons missed of a feed f, and nothing was removed of. */
  private static final String MISSING =
      """
      (select coalesce(json_agg(json_build_object('stream', m.record_type, 'records', m.missing,
                 'of', m.missing_of, 'since', m.missing_since,
                 'accepted', m.accepted_missing is not null) order by m.record_type), '[]')
       from feed_cursors m
       where m.practice_id = f.practice_id and m.feed = f.feed and m.missing is not null)""";

  private static final String STATUS =
      """
      select p.practice, f.feed, f.source,
             case when f.on_hold_since is not null and f.state <> 'REFUSED' then 'ON_HOLD'
                  else f.state end,
             f.reason_category, f.reason, f.next_attempt_at, f.last_pass_at, f.last_compare_at, f.last_received_at, c.watermark,
             exists (select 1 from feed_cursors l where l.practice_id = f.practice_id
                       and l.feed = f.feed and l.phase = 'LOAD'
                       and l.withheld_since is null),
             case when f.calls_month = date_trunc('month', now() at time zone 'UTC')::date
                  then f.calls else 0 end, f.call_budget,
             f.on_hold_since, f.on_hold_by, f.on_hold_why,
      """
          + MISSING
          + """

      from feeds f
      join practices p on p.id = f.practice_id
      left join feed_cursors c on c.practice_id = f.practice_id and c.feed = f.feed
                              and c.record_type = 'PATIENTS'""";

  private static Status status(java.sql.ResultSet row) throws java.sql.SQLException {
    return new Status(
        row.getString(1),
        row.getString(2),
        row.getString(3),
        row.getString(4),
        row.getString(5),
        row.getString(6),
        instant(row, 7),
        instant(row, 8),
        instant(row, 9),
        instant(row, 10),
        row.getString(11),
        row.getBoolean(12),
        row.getLong(13),
        (Long) row.getObject(14),
        row.getTimestamp(15) == null
            ? null
            : new Hold(row.getString(16), row.getString(17), row.getTimestamp(15).toInstant()),
        missing(row.getString(18)));
  }

  private static List<Missing> missing(String json) {
    List<Missing> missing = new ArrayList<>();
    for (JsonNode one : RecordJson.read(json, JsonNode.class)) {
      missing.add(
          new Missing(
              RecordStream.ofName(one.path("stream").asText()).queryName(),
              one.path("records").asLong(),
              one.path("of").asLong(),
              OffsetDateTime.parse(one.path("since").asText()).toInstant(),
              one.path("accepted").asBoolean()));
    }
    return missing;
  }

  private static @Nullable Instant instant(java.sql.ResultSet row, int column)
      throws java.sql.SQLException {
    var stamp = row.getTimestamp(column);
    return stamp == null ? null : stamp.toInstant();
  }
}
