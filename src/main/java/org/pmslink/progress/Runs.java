package org.pmslink.progress;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Passes over feeds. A pass reads pages, each page is handled somewhere downstream, and its outcome
 * is recorded in the same transaction as its effects. So "is everything that was read also in the
 * store" has an exact answer, also after a crash.
 */
@Component
public class Runs {
  private final JdbcClient database;

  Runs(JdbcClient database) {
    this.database = database;
  }

  /** Why a pass reads. */
  public enum Kind {
    FIRST_LOAD,
    CHANGES,
    COMPARISON,
    /** Nothing was read: the PMS sent it of its own accord. */
    RECEIVED
  }

  /** How far a pass is: reading, then (first load only) deciding about all it read, then done. */
  public enum Phase {
    READING,
    DECIDING,
    DONE
  }

  /**
   * A pass, as stored.
   *
   * @param lastPage number of the last page that is on the queue; pages count from 1
   * @param expected patients that a first load is to read; {@code null} where nobody tells
   * @param readAt when the last page was on the queue
   */
  public record Run(
      long id,
      int practiceId,
      String feed,
      String source,
      Kind kind,
      Phase phase,
      int lastPage,
      long records,
      @Nullable Long expected,
      long sweepAfter,
      Instant startedAt,
      @Nullable Instant readAt,
      @Nullable Instant finishedAt) {}

  /**
   * What became of a page, or of a part of one that had to be split.
   *
   * @param part empty for a whole page
   * @param handled entries of the message that this outcome covers
   * @param expected entries of the whole page
   * @param records how many of the handled entries are records that were read
   * @param entries what became of each, where the sender may ask for that; empty otherwise
   */
  public record PageOutcome(
      int practiceId,
      long run,
      int page,
      String part,
      int handled,
      int expected,
      int records,
      int unchanged,
      int linked,
      int toReview,
      int unlinked,
      int deadLettered,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) List<EntryOutcome> entries) {

    public PageOutcome {
      entries = entries == null ? List.of() : entries;
    }

    /** Of records that nobody asks after one by one. */
    public PageOutcome(
        int practiceId,
        long run,
        int page,
        String part,
        int handled,
        int expected,
        int records,
        int unchanged,
        int linked,
        int toReview,
        int unlinked,
        int deadLettered) {
      this(
          practiceId,
          run,
          page,
          part,
          handled,
          expected,
          records,
          unchanged,
          linked,
          toReview,
          unlinked,
          deadLettered,
          List.of());
    }

    /** A page of records that the feed itself found unchanged, so that nothing was sent. */
    public static PageOutcome ofUnchanged(int practiceId, long run, int page, int records) {
      return new PageOutcome(
          practiceId, run, page, "", records, records, records, records, 0, 0, 0, 0);
    }
  }

  /** What became of one record. */
  public enum EntryResult {
    STORED,
    UNCHANGED,
    /** The same message held a later one of the same id, which counts instead. */
    SUPERSEDED,
    DEAD_LETTER
  }

  /**
   * What became of one record that was sent to us.
   *
   * @param stream that it came in
   * @param entry its number among what came of that stream in one go, from 1
   * @param sourceId absent when none could be found in it
   * @param category of its dead letter
   * @param reason likewise, free of patient data
   */
  public record EntryOutcome(
      String stream,
      int entry,
      @Nullable String sourceId,
      EntryResult result,
      @Nullable String category,
      @Nullable String reason) {

    /** The same record, laid aside after all. */
    public EntryOutcome laidAside(String itsCategory, String why) {
      return new EntryOutcome(stream, entry, sourceId, EntryResult.DEAD_LETTER, itsCategory, why);
    }
  }

  /** Totals of a pass. */
  public record Totals(
      long read,
      long handled,
      long unchanged,
      long linked,
      long toReview,
      long unlinked,
      long deadLettered) {}

  /** Begins a pass and returns its number. */
  public long start(int practiceId, String feed, String source, Kind kind) {
    return database
        .sql(
            """
            insert into feed_runs (practice_id, feed, source, kind) values (?, ?, ?, ?)
            returning id""")
        .params(practiceId, feed, source, kind.name())
        .query(Long.class)
        .single();
  }

  /** Notes that a feed has no first load; once it is noted, or has one, nothing more is. */
  public void nothingToLoad(int practiceId, String feed, String source) {
    database
        .sql(
            """
            insert into feed_runs (practice_id, feed, source, kind, phase, read_at, finished_at)
            select ?, ?, ?, 'FIRST_LOAD', 'DONE', now(), now()
            where not exists (select 1 from feed_runs
                              where practice_id = ? and feed = ? and kind = 'FIRST_LOAD')""")
        .params(practiceId, feed, source, practiceId, feed)
        .update();
  }

  /** Notes that pages up to {@code lastPage} are durably on the queue. */
  public void sent(int practiceId, long run, int lastPage, int records) {
    database
        .sql(
            """
            update feed_runs set last_page = ?, records = records + ?
            where practice_id = ? and id = ? and last_page < ?""")
        .params(lastPage, records, practiceId, run, lastPage)
        .update();
  }

  /** Notes how many patients a first load is to read; for whoever watches it. */
  public void expects(int practiceId, long run, long patients) {
    database
        .sql(
            """
            update feed_runs set expected = ?
            where practice_id = ? and id = ? and kind = 'FIRST_LOAD'""")
        .params(patients, practiceId, run)
        .update();
  }

  /** Notes that everything is read. */
  public void readingDone(int practiceId, long run) {
    database
        .sql("update feed_runs set read_at = now() where practice_id = ? and id = ?")
        .params(practiceId, run)
        .update();
  }

  /** Moves a pass on. */
  public void enter(int practiceId, long run, Phase phase) {
    database
        .sql(
            """
            update feed_runs set phase = ?, finished_at = case when ? = 'DONE' then now() end
            where practice_id = ? and id = ?""")
        .params(phase.name(), phase.name(), practiceId, run)
        .update();
  }

  /** Remembers up to which patient the pass has asked for decisions. */
  public void sweptUpTo(int practiceId, long run, long patientId) {
    database
        .sql("update feed_runs set sweep_after = ? where practice_id = ? and id = ?")
        .params(patientId, practiceId, run)
        .update();
  }

  /** Records a page's outcome; a second time changes nothing. Call inside the transaction. */
  public void record(PageOutcome page) {
    database
        .sql(
            """
            insert into feed_pages (practice_id, run_id, page, part, handled, expected, records,
                                    unchanged, linked, to_review, unlinked, dead_lettered)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            on conflict do nothing""")
        .params(
            page.practiceId(),
            page.run(),
            page.page(),
            page.part(),
            page.handled(),
            page.expected(),
            page.records(),
            page.unchanged(),
            page.linked(),
            page.toReview(),
            page.unlinked(),
            page.deadLettered())
        .update();
    if (!page.entries().isEmpty()) {
      record(page.practiceId(), page.run(), page.entries());
    }
  }

  private void record(int practiceId, long run, List<EntryOutcome> entries) {
    database
        .sql(
            """
            insert into received_entries (practice_id, run_id, stream, entry, source_id, result,
                                          category, reason)
            select ?, ?, t.stream, t.entry, t.source_id, t.result, t.category, t.reason
            from unnest(?::text[], ?::integer[], ?::text[], ?::text[], ?::text[], ?::text[])
                 as t (stream, entry, source_id, result, category, reason)
            on conflict do nothing""")
        .params(
            practiceId,
            run,
            entries.stream().map(EntryOutcome::stream).toArray(String[]::new),
            entries.stream().map(EntryOutcome::entry).toArray(Integer[]::new),
            entries.stream().map(EntryOutcome::sourceId).toArray(String[]::new),
            entries.stream().map(e -> e.result().name()).toArray(String[]::new),
            entries.stream().map(EntryOutcome::category).toArray(String[]::new),
            entries.stream().map(EntryOutcome::reason).toArray(String[]::new))
        .update();
  }

  /** What became of the records of a pass one by one, as far as they are handled. */
  public List<EntryOutcome> entries(int practiceId, long run) {
    return database
        .sql(
            """
            select stream, entry, source_id, result, category, reason from received_entries
            where practice_id = ? and run_id = ? order by stream, entry""")
        .params(practiceId, run)
        .query(
            (row, n) ->
                new EntryOutcome(
                    row.getString(1),
                    row.getInt(2),
                    row.getString(3),
                    EntryResult.valueOf(row.getString(4)),
                    row.getString(5),
                    row.getString(6)))
        .list();
  }

  /** Forgets what became of records one by one that came in before a time. */
  public void forgetEntries(int practiceId, Instant before) {
    database
        .sql(
            """
            delete from received_entries where practice_id = ? and run_id in (
              select id from feed_runs
              where practice_id = ? and kind = 'RECEIVED' and started_at < ?)""")
        .params(practiceId, practiceId, java.sql.Timestamp.from(before))
        .update();
  }

  /**
   * Forgets passes of a feed that are done and began before a time, with their pages and records.
   * Not its first load, which decisions go by for good, and not the newest of a kind.
   *
   * @return how many are forgotten, {@code most} at the most
   */
  public int forget(int practiceId, String feed, Instant before, int most) {
    return database
        .sql(
            """
            with gone as (
              delete from feed_runs where practice_id = ? and id in (
                select r.id from feed_runs r
                where r.practice_id = ? and r.feed = ? and r.started_at < ?
                  and r.phase = 'DONE' and r.kind <> 'FIRST_LOAD'
                  and exists (select 1 from feed_runs later
                              where later.practice_id = r.practice_id and later.feed = r.feed
                                and later.kind = r.kind and later.id > r.id)
                order by r.started_at limit ?)
              returning id),
            pages as (
              delete from feed_pages where practice_id = ? and run_id in (select id from gone)),
            entries as (
              delete from received_entries where practice_id = ? and run_id in (select id from gone))
            select count(*) from gone""")
        .params(
            practiceId,
            practiceId,
            feed,
            java.sql.Timestamp.from(before),
            most,
            practiceId,
            practiceId)
        .query(Integer.class)
        .single();
  }

  /** Whether every page that was sent has been handled to its last entry. */
  public boolean allHandled(Run run) {
    return database
            .sql(
                """
                select count(*) from (
                  select page from feed_pages where practice_id = ? and run_id = ?
                  group by page having sum(handled) >= max(expected)) complete""")
            .params(run.practiceId(), run.id())
            .query(Integer.class)
            .single()
        >= run.lastPage();
  }

  /** Passes that are not done, oldest first. */
  public List<Run> open(int practiceId) {
    return database
        .sql(SELECT + " where practice_id = ? and phase <> 'DONE' order by id")
        .param(practiceId)
        .query((row, n) -> run(row))
        .list();
  }

  /** Practices with a pass that is not done. */
  public List<Integer> practicesWithOpenRuns() {
    // The one query over all practices: it finds out whose turn it is and reads no patient.
    return database
        .sql("select distinct practice_id from feed_runs where phase <> 'DONE'")
        .query(Integer.class)
        .list();
  }

  /** A pass by its number. */
  public Optional<Run> find(int practiceId, long run) {
    return database
        .sql(SELECT + " where practice_id = ? and id = ?")
        .params(practiceId, run)
        .query((row, n) -> run(row))
        .optional();
  }

  /** The newest pass of a feed, of one kind or of any. */
  public Optional<Run> newest(int practiceId, String feed, @Nullable Kind kind) {
    return database
        .sql(
            SELECT
                + " where practice_id = ? and feed = ? and (?::text is null or kind = ?)"
                + " order by id desc limit 1")
        .params(
            practiceId, feed, kind == null ? null : kind.name(), kind == null ? null : kind.name())
        .query((row, n) -> run(row))
        .optional();
  }

  /**
   * PMS installations of a practice in which a member may have a chart, in order of their names:
   * those whose charts are there or on their way. Where none has been asked for yet, its first load
   * will be decided about with all members.
   */
  public List<String> sources(int practiceId) {
    return database
        .sql(
            """
            select distinct source from feed_runs
            where practice_id = ? and kind = 'FIRST_LOAD' order by source""")
        .params(practiceId)
        .query(String.class)
        .list();
  }

  /** What the pass has come to so far. */
  public Totals totals(int practiceId, long run) {
    return database
        .sql(
            """
            select coalesce(sum(records), 0), coalesce(sum(handled), 0),
                   coalesce(sum(unchanged), 0), coalesce(sum(linked), 0),
                   coalesce(sum(to_review), 0), coalesce(sum(unlinked), 0),
                   coalesce(sum(dead_lettered), 0)
            from feed_pages where practice_id = ? and run_id = ?""")
        .params(practiceId, run)
        .query(
            (row, n) ->
                new Totals(
                    row.getLong(1),
                    row.getLong(2),
                    row.getLong(3),
                    row.getLong(4),
                    row.getLong(5),
                    row.getLong(6),
                    row.getLong(7)))
        .single();
  }

  private static final String SELECT =
      """
      select id, practice_id, feed, source, kind, phase, last_page, records, expected,
             sweep_after, started_at, read_at, finished_at from feed_runs""";

  private static Run run(java.sql.ResultSet row) throws java.sql.SQLException {
    return new Run(
        row.getLong("id"),
        row.getInt("practice_id"),
        row.getString("feed"),
        row.getString("source"),
        Kind.valueOf(row.getString("kind")),
        Phase.valueOf(row.getString("phase")),
        row.getInt("last_page"),
        row.getLong("records"),
        row.getObject("expected", Long.class),
        row.getLong("sweep_after"),
        row.getTimestamp("started_at").toInstant(),
        instant(row, "read_at"),
        instant(row, "finished_at"));
  }

  private static @Nullable Instant instant(java.sql.ResultSet row, String column)
      throws java.sql.SQLException {
    var stamp = row.getTimestamp(column);
    return stamp == null ? null : stamp.toInstant();
  }
}
