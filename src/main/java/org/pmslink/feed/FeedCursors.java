package org.pmslink.feed;

import java.time.Instant;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** How far each feed has read, in our database: the PMS is never written to. */
@Component
class FeedCursors {
  /** Stands before a part of a key that is text; it may look like a number. */
  private static final String TEXT = "'";

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
   * @param madeWith versions of mapping and engine that all rows went through; none before a load
   * @param withheld whether the PMS did not allow it to be read when it was last asked for
   * @param acceptedMissing how many records the next comparison may find gone, as a person has said
   */
  record Cursor(
      boolean loading,
      @Nullable Long run,
      int page,
      @Nullable String afterKey,
      @Nullable LocalDateTime watermark,
      @Nullable LocalDateTime serverClock,
      @Nullable Instant ourClock,
      @Nullable String madeWith,
      boolean withheld,
      long acceptedMissing) {

    List<Object> afterKeyParts() {
      return parts().stream()
          .<Object>map(part -> part.startsWith(TEXT) ? part.substring(1) : part)
          .toList();
    }

    /** Parts of the key, from 0, that are text and no number that looks like one. */
    Set<Integer> textKeys() {
      List<String> parts = parts();
      return IntStream.range(0, parts.size())
          .filter(part -> parts.get(part).startsWith(TEXT))
          .boxed()
          .collect(Collectors.toSet());
    }

    private List<String> parts() {
      return afterKey == null ? List.of() : List.of(afterKey.split("\n", -1));
    }
  }

  /** The parts of a key as {@link Cursor#afterKey} keeps them; none when there was no row yet. */
  static @Nullable String afterKey(List<Object> parts) {
    return parts.isEmpty()
        ? null
        : parts.stream()
            .map(part -> part instanceof String text ? TEXT + text : part.toString())
            .collect(Collectors.joining("\n"));
  }

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
            select phase = 'LOAD', run_id, page, after_key, watermark, server_clock, our_clock,
                   made_with, withheld_since is not null, coalesce(accepted_missing, 0)
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
                  clock == null ? null : clock.toInstant(),
                  row.getString(8),
                  row.getBoolean(9),
                  row.getLong(10));
            },
            practice,
            feed,
            recordType)
        .get(0);
  }

  /**
   * Notes the clocks at the beginning of a stream's load, and what maps its rows.
   *
   * @param run the first load's pass; none for a stream that is loaded after it
   */
  void loadBegan(
      int practice,
      String feed,
      String stream,
      @Nullable Long run,
      LocalDateTime serverClock,
      Instant ourClock,
      String madeWith) {
    database.update(
        """
        update feed_cursors set run_id = ?, watermark = ?, server_clock = ?, our_clock = ?,
          made_with = ?
        where practice_id = ? and feed = ? and record_type = ? and phase = 'LOAD'""",
        run,
        serverClock.toString(),
        serverClock.toString(),
        java.sql.Timestamp.from(ourClock),
        madeWith,
        practice,
        feed,
        stream);
  }

  /** Forgets what waits for the next read of streams other than these, or for a person. */
  void forgetUnread(int practice, String feed, List<String> read) {
    String[] names = read.toArray(String[]::new);
    database.update(
        """
        delete from feed_cursors
        where practice_id = ? and feed = ? and phase = 'LOAD' and record_type <> all (?)""",
        practice,
        feed,
        names);
    database.update(
        """
        update feed_cursors set missing = null, missing_of = null, missing_since = null,
          accepted_missing = null, withheld_since = null
        where practice_id = ? and feed = ? and record_type <> all (?)
          and (missing is not null or withheld_since is not null)""",
        practice,
        feed,
        names);
  }

  /** The PMS does not allow a stream to be read. */
  void withheld(int practice, String feed, String recordType) {
    database.update(
        """
        update feed_cursors set withheld_since = coalesce(withheld_since, now())
        where practice_id = ? and feed = ? and record_type = ?""",
        practice,
        feed,
        recordType);
  }

  /** Moves a load's place; everything before it is durably on the queue. */
  void loaded(int practice, String feed, String recordType, int page, @Nullable String afterKey) {
    database.update(
        """
        update feed_cursors set after_key = coalesce(?, after_key)
        where practice_id = ? and feed = ? and record_type = ?""",
        afterKey,
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
          server_clock = ?, our_clock = ?, withheld_since = null
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

  /**
   * A stream was compared with the store: every row has gone through this, what is gone is known.
   */
  void compared(int practice, String feed, String recordType, String madeWith) {
    database.update(
        """
        update feed_cursors set made_with = ?, missing = null, missing_of = null,
          missing_since = null, accepted_missing = null
        where practice_id = ? and feed = ? and record_type = ?""",
        madeWith,
        practice,
        feed,
        recordType);
  }

  /**
   * The same, but so much was missing that nothing was removed. What a person had said before about
   * another comparison is used up.
   */
  void comparedInVain(
      int practice, String feed, String recordType, String madeWith, long missing, long of) {
    database.update(
        """
        update feed_cursors set made_with = ?, missing = ?, missing_of = ?,
          missing_since = coalesce(missing_since, now()), accepted_missing = null
        where practice_id = ? and feed = ? and record_type = ?""",
        madeWith,
        missing,
        of,
        practice,
        feed,
        recordType);
  }

  private static @Nullable LocalDateTime time(@Nullable String text) {
    return text == null ? null : LocalDateTime.parse(text);
  }
}
