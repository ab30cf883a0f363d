package org.pmslink.deadletter;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * The dead letters as the engine writes them. A record has at most one open letter: failing again,
 * it updates its letter, and a later version of it that gets through resolves it. What people do
 * with them is {@link LetterDesk} and {@link ReplayTasks}.
 */
@Component
public class DeadLetters {
  private final JdbcClient database;
  private final Practices practices;
  private final SealedPayloads payloads;
  private final ReplayItems items;
  private final Runs runs;
  private final List<AfterReplay> afterReplay;

  DeadLetters(
      JdbcClient database,
      Practices practices,
      SealedPayloads payloads,
      ReplayItems items,
      Runs runs,
      List<AfterReplay> afterReplay) {
    this.database = database;
    this.practices = practices;
    this.payloads = payloads;
    this.items = items;
    this.runs = runs;
    this.afterReplay = afterReplay;
  }

  /** Keeps a letter that arrived as JSON. */
  @Transactional
  public void keep(byte[] json) throws IOException {
    keep(RecordJson.mapper().readValue(json, DeadLetter.class));
  }

  /** Keeps a letter. */
  @Transactional
  public void keep(DeadLetter letter) {
    int practice = practices.id(letter.practice());
    Long replayed = replayed(letter.payload());
    if (replayed != null && !items.isAwaited(practice, replayed)) {
      // A message that was sent twice: the first one's fate is written, and counts.
      return;
    }
    String group = group(practice, letter);
    long kept = keep(practice, letter, group, replayed);
    if (replayed != null) {
      items.failed(practice, replayed, letter.cause().message(), kept);
      if (replayed != kept) {
        // It goes on as that letter, unless a newer version of its record has failed meanwhile.
        close(practice, replayed, "its replay failed otherwise, as letter " + kept);
      }
    }
    if (letter.outcome() != null) {
      runs.record(letter.outcome());
    }
  }

  private static @Nullable Long replayed(JsonNode payload) {
    JsonNode letter = payload.path("letter");
    return letter.isIntegralNumber() ? letter.asLong() : null;
  }

  private String group(int practice, DeadLetter letter) {
    Cause cause = letter.cause();
    String key = cause.groupKey(letter.feed(), letter.hop(), letter.recordType());
    database
        .sql(
            """
            insert into dead_letter_groups (practice_id, group_key, feed, hop, record_type, category,
                                            message, mapping, mapping_version, mapping_line, field,
                                            mapping_text)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing""")
        .params(
            practice,
            key,
            letter.feed(),
            letter.hop().stored(),
            letter.recordType(),
            cause.category().name(),
            cause.message(),
            cause.mapping(),
            cause.mappingVersion(),
            cause.mappingLine(),
            cause.field(),
            cause.mappingText())
        .update();
    return key;
  }

  /** An older version that fails late is counted, and what is known of the newer one stays. */
  private long keep(int practice, DeadLetter letter, String group, @Nullable Long replayed) {
    return database
        .sql(
            """
            insert into dead_letters as d (practice_id, feed, hop, record_type, source_id, group_key,
                                           payload, version, origin_id, assignee)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?,
                    (select assignee from dead_letter_groups where practice_id = ? and group_key = ?))
            on conflict (practice_id, feed, hop, record_type, source_id)
              where state in ('OPEN', 'REPLAYING')
            do update set
              group_key = case when excluded.version >= d.version
                               then excluded.group_key else d.group_key end,
              payload = case when excluded.version >= d.version
                             then excluded.payload else d.payload end,
              edited_at = case when excluded.version > d.version then null else d.edited_at end,
              version = greatest(excluded.version, d.version),
              origin_id = coalesce(d.origin_id, nullif(excluded.origin_id, d.id)),
              assignee = coalesce(d.assignee, excluded.assignee),
              attempts = d.attempts + 1, last_at = now(),
              state = case when d.id = ? then 'OPEN' else d.state end
            returning id""")
        .params(
            practice,
            letter.feed(),
            letter.hop().stored(),
            letter.recordType(),
            letter.sourceId(),
            group,
            payloads.seal(letter.payload()),
            letter.version(),
            replayed,
            practice,
            group,
            replayed == null ? -1 : replayed)
        .query(Long.class)
        .single();
  }

  /** Which of these records have an open letter; their next good version must be applied. */
  public List<String> open(int practice, String feed, String recordType, List<String> sourceIds) {
    return database
        .sql(
            """
            select source_id from dead_letters
            where practice_id = ? and feed = ? and record_type = ? and source_id = any (?)
              and state in ('OPEN', 'REPLAYING')""")
        .params(practice, feed, recordType, sourceIds.toArray(String[]::new))
        .query(String.class)
        .list();
  }

  /** Resolves the letters of records that got through. Call inside the transaction. */
  public void resolved(
      int practice, String feed, String recordType, String[] sourceIds, long[] versions) {
    List<Long> closed =
        database
            .sql(
                """
                update dead_letters d set state = 'RESOLVED', closed_at = now(),
                  closed_by = 'engine', close_reason = 'a later attempt got through'
                from unnest(?::text[], ?::bigint[]) as t (source_id, version)
                where d.practice_id = ? and d.feed = ? and d.record_type = ?
                  and d.source_id = t.source_id and d.version <= t.version
                  and d.state in ('OPEN', 'REPLAYING')
                returning d.id""")
            .params(sourceIds, versions, practice, feed, recordType)
            .query(Long.class)
            .list();
    items.superseded(practice, closed, "a later version of the record got through");
  }

  /**
   * Resolves letters of records whose chart is not known: the sender has sent them again in good
   * order. Call inside the transaction.
   *
   * @param why how that is known
   */
  public void sentAgain(int practice, String feed, List<String> sourceIds, String why) {
    List<Long> closed =
        database
            .sql(
                """
                update dead_letters set state = 'RESOLVED', closed_at = now(),
                  closed_by = 'engine', close_reason = ?
                where practice_id = ? and source_id = any (?) and feed = ? and hop = 'match'
                  and state in ('OPEN', 'REPLAYING')
                returning id""")
            .params(why, practice, sourceIds.toArray(String[]::new), feed)
            .query(Long.class)
            .list();
    items.superseded(practice, closed, why);
  }

  /**
   * Notes that the replay of a letter got through, before {@link #resolved} is called. Call inside
   * the transaction.
   */
  public void solved(int practice, long id) {
    if (close(practice, id, "its replay got through")) {
      items.passed(practice, id);
      tellOfReplay(practice, id);
    } else {
      items.superseded(practice, List.of(id), "a newer version of the record has failed meanwhile");
    }
  }

  private void tellOfReplay(int practice, long id) {
    database
        .sql(
            """
            select feed, payload from dead_letters
            where practice_id = ? and id = ? and hop = ? and record_type = 'PATIENTS'""")
        .params(practice, id, DeadLetter.Hop.MATCH.stored())
        .query(
            row -> {
              String feed = row.getString(1);
              JsonNode message = payloads.open(row.getBytes(2));
              afterReplay.forEach(other -> other.gotThrough(practice, feed, message));
            });
  }

  /**
   * Closes a letter that was sent back, if it is still what was sent; one that a newer version has
   * come to waits for somebody again.
   */
  private boolean close(int practice, long id, String how) {
    String state =
        database
            .sql(
                """
                update dead_letters set
                  state = case when version <= sent_version then 'RESOLVED' else 'OPEN' end,
                  closed_at = case when version <= sent_version then now() end,
                  closed_by = case when version <= sent_version then 'engine' end,
                  close_reason = case when version <= sent_version then ? end
                where practice_id = ? and id = ? and state in ('OPEN', 'REPLAYING')
                  and sent_version is not null
                returning state""")
            .params(how, practice, id)
            .query(String.class)
            .optional()
            .orElse("");
    return Objects.equals(state, Letter.State.RESOLVED.name());
  }

  /** How many letters are open. */
  public int openCount(int practice, @Nullable String feed) {
    return database
        .sql(
            """
            select coalesce(sum(n.open), 0) from dead_letter_groups g cross join lateral (
              select came - went as open from dead_letter_totals
              where practice_id = g.practice_id and group_key = g.group_key
              union all
              select came - went from dead_letter_counts
              where practice_id = g.practice_id and group_key = g.group_key and not summed) n
            where g.practice_id = ? and (?::text is null or g.feed = ?)""")
        .params(practice, feed, feed)
        .query(Integer.class)
        .single();
  }
}
