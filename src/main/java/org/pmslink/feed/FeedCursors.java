package org.pmslink.feed;

import java.time.Instant;
import java.time.LocalDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** How far each feed has read, in our database: the PMS is never written to. */
@Component
class FeedCursors {
  private final JdbcTemplate database;

  FeedCursors(JdbcTemplate database) {
    this.database = database;
  }

  /**
   * A feed's place in one record type.
   *
   * @param loading still in the first load, which goes by key
   * @param run the first load's pass, while loading
   * @param page the last page that is on the queue, while loading
   * @param afterKey the last key that is on the queue, while loading
   * @param watermark the PMS server's clock when the last complete pass (or this load) began
   * @param serverClock the same clock when the last pass began
   * @param ourClock our clock at that moment
   */
  record Cursor(
      boolean loading,
      @Nullable Long run,
      int page,
      @Nullable String afterKey,
      @Nullable LocalDateTime watermark,
      @Nullable LocalDateTime serverClock,
      @Nullable Instant ourClock) {}

  Cursor find(int practice, String feed, String recordType) {
    database.update(
        """
        insert into feed_cursors (practice_id, feed, record_type) values (?, ?, ?)
        on conflict do nothing""",
        practice,
        feed,
        recordType);
    return database
        .query(
            """
            select phase = 'LOAD', run_id, page, after_key, watermark, server_clock, our_clock
            from feed_cursors where practice_id = ? and feed = ? and record_type = ?""",
            (row, n) -> {
              var clock = row.getTimestamp(7);
              return new Cursor(
                  row.getBoolean(1),
                  (Long) row.getObject(2),
                  row.getInt(3),
                  row.getString(4),
                  time(row.getString(5)),
                  time(row.getString(6)),
                  clock == null ? null : clock.toInstant());
            },
            practice,
            feed,
            recordType)
        .get(0);
  }

  /** Notes the clocks at the beginning of a first load, and its pass. */
  void loadBegan(int practice, String feed, long run, LocalDateTime serverClock, Instant ourClock) {
    database.update(
        """
        update feed_cursors set run_id = ?, watermark = ?, server_clock = ?, our_clock = ?
        where practice_id = ? and feed = ? and phase = 'LOAD'""",
        run,
        serverClock.toString(),
        serverClock.toString(),
        java.sql.Timestamp.from(ourClock),
        practice,
        feed);
  }

  /** Moves a load's place; everything before it is durably on the queue. */
  void loaded(int practice, String feed, String recordType, int page, @Nullable Object afterKey) {
    database.update(
        """
        update feed_cursors set after_key = coalesce(?, after_key)
        where practice_id = ? and feed = ? and record_type = ?""",
        afterKey == null ? null : afterKey.toString(),
        practice,
        feed,
        recordType);
    database.update(
        "update feed_cursors set page = ? where practice_id = ? and feed = ?",
        page,
        practice,
        feed);
  }

  /** A record type is read to its end. */
  void complete(
      int practice,
      String feed,
      String recordType,
      LocalDateTime watermark,
      LocalDateTime serverClock,
      Instant ourClock) {
    database.update(
        """
        update feed_cursors set phase = 'CHANGES', run_id = null, after_key = null, watermark = ?,
          server_clock = ?, our_clock = ?
        where practice_id = ? and feed = ? and record_type = ?""",
        watermark.toString(),
        serverClock.toString(),
        java.sql.Timestamp.from(ourClock),
        practice,
        feed,
        recordType);
  }

  /** The next version: a later read of a PMS shows a later state, whatever its clock says. */
  long nextVersion() {
    Long version = database.queryForObject("select nextval('read_versions')", Long.class);
    return version == null ? 0 : version;
  }

  /** Notes keys that a comparison has seen. */
  void seen(int practice, long run, List<String> sourceIds) {
    database.update(
        """
        insert into feed_keys_seen (practice_id, run_id, source_id)
        select ?, ?, unnest(?::text[]) on conflict do nothing""",
        practice,
        run,
        sourceIds.toArray(String[]::new));
  }

  /**
   * Charts in the store that a comparison has not seen, in the order of their ids. Charts that
   * arrived while it ran are newer than its first read and left out.
   */
  List<String> missing(
      int practice, String source, long run, long before, String after, int limit) {
    return database.queryForList(
        """
        select p.source_id from patients p
        where p.practice_id = ? and p.source = ? and p.removed_at is null and p.version < ?
          and p.source_id > ?
          and not exists (select 1 from feed_keys_seen k
                          where k.practice_id = p.practice_id and k.run_id = ?
                            and k.source_id = p.source_id)
        order by p.source_id limit ?""",
        String.class,
        practice,
        source,
        before,
        after,
        run,
        limit);
  }

  /** How many charts a comparison would find gone, and how many there are. */
  long[] countMissing(int practice, String source, long run, long before) {
    // Just filled: until the planner knows it, it takes the table for empty and reads it row by
    // row.
    database.execute("analyze feed_keys_seen");
    return database
        .query(
            """
            select count(*) filter (where k.source_id is null and p.version < ?), count(*)
            from patients p
            left join feed_keys_seen k on k.practice_id = p.practice_id and k.run_id = ?
                                      and k.source_id = p.source_id
            where p.practice_id = ? and p.source = ? and p.removed_at is null""",
            (row, n) -> new long[] {row.getLong(1), row.getLong(2)},
            before,
            run,
            practice,
            source)
        .get(0);
  }

  /** A comparison's keys are of no use once it is over. */
  void forgetSeen(int practice, String feed) {
    database.update(
        """
        delete from feed_keys_seen where practice_id = ? and run_id in (
          select id from feed_runs where practice_id = ? and feed = ?)""",
        practice,
        practice,
        feed);
  }

  private static @Nullable LocalDateTime time(@Nullable String text) {
    return text == null ? null : LocalDateTime.parse(text);
  }
}
