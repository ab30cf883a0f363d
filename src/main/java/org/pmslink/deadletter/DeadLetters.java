package org.pmslink.deadletter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.security.PayloadCipher;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * The dead letters. A record has at most one open letter: failing again, it updates its letter, and
 * a later version of it that gets through resolves it.
 */
@Component
public class DeadLetters {
  private static final String PURPOSE = "dead-letter";

  private final JdbcClient database;
  private final Practices practices;
  private final PayloadCipher cipher;
  private final Runs runs;

  DeadLetters(JdbcClient database, Practices practices, PayloadCipher cipher, Runs runs) {
    this.database = database;
    this.practices = practices;
    this.cipher = cipher;
    this.runs = runs;
  }

  /** A letter as lists show it: no payload. */
  public record Summary(
      long id,
      String feed,
      String hop,
      String recordType,
      String sourceId,
      String category,
      String message,
      int attempts,
      String state,
      Instant firstAt,
      Instant lastAt) {}

  /** A letter on its way back: which hop, and the message to send. */
  public record Replay(long id, String hop, String group, JsonNode payload) {

    /** The message body. */
    public byte[] toJson() throws JsonProcessingException {
      return RecordJson.mapper().writeValueAsBytes(payload);
    }
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
    byte[] sealed;
    try {
      sealed = cipher.seal(RecordJson.mapper().writeValueAsBytes(letter.payload()), PURPOSE);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree can always be written", e);
    }
    database
        .sql(
            """
            insert into dead_letters (practice_id, feed, hop, record_type, source_id, category,
                                      message, payload, version)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?)
            on conflict (practice_id, feed, hop, record_type, source_id)
              where state in ('OPEN', 'REPLAYING')
            do update set category = excluded.category, message = excluded.message,
              payload = case when excluded.version >= dead_letters.version
                             then excluded.payload else dead_letters.payload end,
              version = greatest(excluded.version, dead_letters.version),
              attempts = dead_letters.attempts + 1, last_at = now(),
              state = 'OPEN', replay_asked_at = null""")
        .params(
            practice,
            letter.feed(),
            letter.hop().name().toLowerCase(Locale.ROOT),
            letter.recordType(),
            letter.sourceId(),
            letter.category().name(),
            letter.message(),
            sealed,
            letter.version())
        .update();
    if (letter.outcome() != null) {
      runs.record(letter.outcome());
    }
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
    database
        .sql(
            """
            update dead_letters d set state = 'RESOLVED', closed_at = now(), closed_by = 'engine',
              close_reason = 'a later attempt got through'
            from unnest(?::text[], ?::bigint[]) as t (source_id, version)
            where d.practice_id = ? and d.feed = ? and d.record_type = ?
              and d.source_id = t.source_id and d.version <= t.version
              and d.state in ('OPEN', 'REPLAYING')""")
        .params(sourceIds, versions, practice, feed, recordType)
        .update();
  }

  /**
   * Letters of a practice, newest first.
   *
   * @param state OPEN, REPLAYING, RESOLVED, DISCARDED or all
   */
  public List<Summary> list(String practice, @Nullable String state, @Nullable String category) {
    return database
        .sql(
            """
            select * from dead_letters
            where practice_id = ? and (?::text is null or state = ?)
              and (?::text is null or category = ?)
            order by last_at desc, id desc limit 1000""")
        .params(practices.id(practice), state, state, category, category)
        .query((row, n) -> summary(row))
        .list();
  }

  /** One letter. */
  public Optional<Summary> find(String practice, long id) {
    return database
        .sql("select * from dead_letters where practice_id = ? and id = ?")
        .params(practices.id(practice), id)
        .query((row, n) -> summary(row))
        .optional();
  }

  /** The raw message of a letter: patient data. */
  public Optional<JsonNode> payload(String practice, long id) {
    return database
        .sql("select payload from dead_letters where practice_id = ? and id = ?")
        .params(practices.id(practice), id)
        .query(byte[].class)
        .optional()
        .map(this::open);
  }

  /**
   * Asks the engine to send letters back to the step they failed in.
   *
   * @param id one letter, or all open ones (of a category) when absent
   * @return how many were asked for
   */
  public int askForReplay(String practice, @Nullable Long id, @Nullable String category) {
    return database
        .sql(
            """
            update dead_letters set state = 'REPLAYING', replay_asked_at = now()
            where practice_id = ? and state = 'OPEN' and (?::bigint is null or id = ?)
              and (?::text is null or category = ?)""")
        .params(practices.id(practice), id, id, category, category)
        .update();
  }

  /** Gives a letter up. */
  public boolean discard(String practice, long id, String actor, String reason) {
    return database
            .sql(
                """
                update dead_letters set state = 'DISCARDED', closed_at = now(), closed_by = ?,
                  close_reason = ?
                where practice_id = ? and id = ? and state in ('OPEN', 'REPLAYING')""")
            .params(actor, reason, practices.id(practice), id)
            .update()
        == 1;
  }

  /**
   * Letters that wait to be sent back, at most a hundred. A letter that was sent is not sent again
   * for a minute, in which its fate is decided.
   */
  @Transactional
  public List<Replay> toReplay() {
    return database
        .sql(
            """
            update dead_letters set replay_asked_at = now() + interval '1 minute'
            where id in (select id from dead_letters
                         where state = 'REPLAYING' and replay_asked_at <= now()
                         order by id limit 100 for update skip locked)
            returning id, hop, feed, source_id, payload""")
        .query(
            (row, n) ->
                new Replay(
                    row.getLong("id"),
                    row.getString("hop"),
                    row.getString("feed") + "#replay",
                    open(row.getBytes("payload"))))
        .list();
  }

  /** How many letters are open. */
  public int openCount(int practice, @Nullable String feed) {
    return database
        .sql(
            """
            select count(*) from dead_letters where practice_id = ?
              and (?::text is null or feed = ?) and state in ('OPEN', 'REPLAYING')""")
        .params(practice, feed, feed)
        .query(Integer.class)
        .single();
  }

  private JsonNode open(byte[] sealed) {
    try {
      return RecordJson.mapper().readTree(cipher.open(sealed, PURPOSE));
    } catch (IOException e) {
      throw new IllegalStateException("a stored letter is not JSON", e);
    }
  }

  private static Summary summary(java.sql.ResultSet row) throws java.sql.SQLException {
    return new Summary(
        row.getLong("id"),
        row.getString("feed"),
        row.getString("hop"),
        row.getString("record_type"),
        row.getString("source_id"),
        row.getString("category"),
        row.getString("message"),
        row.getInt("attempts"),
        row.getString("state"),
        row.getTimestamp("first_at").toInstant(),
        row.getTimestamp("last_at").toInstant());
  }
}
