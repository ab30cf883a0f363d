package org.pmslink.door;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.hl7.Hl7Header;
import org.pmslink.hl7.Hl7Message;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.pmslink.security.PayloadCipher;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * What messages have said of charts so far, sealed, and which messages were taken: an HL7 message
 * may say only what has changed, and its sender repeats it until it is answered.
 */
@Component
public class Hl7Memory {
  private static final String PURPOSE = "hl7-chart";
  private static final Duration LEAST = Duration.ofDays(7);

  /** Rows at a time, so that nothing waits for long; and at most so often in one turn. */
  private static final int SOME = 5_000;

  private static final int TURNS = 20;

  private final JdbcClient database;
  private final PayloadCipher cipher;
  private final Practices practices;
  private final Duration kept;

  Hl7Memory(
      JdbcClient database,
      PayloadCipher cipher,
      Practices practices,
      @Value("${pmslink.history.hl7-messages}") Duration kept) {
    if (kept.compareTo(LEAST) < 0) {
      throw new IllegalArgumentException(
          "pmslink.history.hl7-messages: must be 7 days or more; a message that is repeated later than"
              + " that would count as new");
    }
    this.database = database;
    this.cipher = cipher;
    this.practices = practices;
    this.kept = kept;
  }

  /** Forgets messages that are too old for their sender to repeat them. */
  public void forgetOld() {
    for (String practice : practices.names()) {
      database
          .sql("delete from hl7_failed where practice_id = ? and received_at < ?")
          .params(practices.id(practice), Timestamp.from(Instant.now().minus(kept)))
          .update();
      int forgotten = SOME;
      for (int turn = 0; turn < TURNS && forgotten == SOME; turn++) {
        forgotten =
            database
                .sql(
                    """
                    delete from hl7_messages where practice_id = ? and message in (
                      select message from hl7_messages
                      where practice_id = ? and received_at < ?
                      order by received_at limit ?)
                      and received_at < ?""")
                .params(
                    practices.id(practice),
                    practices.id(practice),
                    Timestamp.from(Instant.now().minus(kept)),
                    SOME,
                    Timestamp.from(Instant.now().minus(kept)))
                .update();
      }
    }
  }

  /** What was remembered of a chart, if it was ever heard of. */
  @Nullable JsonNode chart(int practice, String feed, String sourceId) {
    return database
        .sql("select segments from hl7_charts where practice_id = ? and feed = ? and source_id = ?")
        .params(practice, feed, sourceId)
        .query(byte[].class)
        .optional()
        .map(this::open)
        .orElse(null);
  }

  /** Whether this very message was taken before. */
  boolean isRepeat(int practice, String feed, Hl7Header header, Hl7Message message) {
    return database
        .sql(
            """
            select exists (select 1 from hl7_messages
                           where practice_id = ? and feed = ? and message = ? and content = ?)""")
        .params(practice, feed, identity(header), content(message))
        .query(Boolean.class)
        .single();
  }

  /**
   * A chart to remember, or to forget.
   *
   * @param segments absent to forget it
   */
  record Change(String sourceId, @Nullable JsonNode segments) {}

  /**
   * A message that is on the queue.
   *
   * @param failedAs what the letters are called that it may become; none when a record can be made
   *     of it
   */
  record Taken(Hl7Header header, Hl7Message message, List<String> failedAs) {}

  /**
   * A message is on the queue. It changes nothing when it comes again, unless no record can be made
   * of it: then its sender may have mended it.
   *
   * @param changes what it says of charts
   * @param version of its records; what is remembered of a later one stays
   * @return what the letters are called that the same message became before
   */
  @Transactional
  List<String> taken(int practice, String feed, Taken taken, List<Change> changes, long version) {
    List<String> failedBefore = List.of();
    if (!taken.failedAs().isEmpty()) {
      noteFailure(practice, feed, taken);
    } else {
      failedBefore = forgetFailure(practice, feed, taken.header());
      database
          .sql(
              """
              insert into hl7_messages (practice_id, feed, message, content) values (?, ?, ?, ?)
              on conflict (practice_id, feed, message)
              do update set content = excluded.content, received_at = now()""")
          .params(practice, feed, identity(taken.header()), content(taken.message()))
          .update();
    }
    for (Change change : changes) {
      if (change.segments() == null) {
        database
            .sql("delete from hl7_charts where practice_id = ? and feed = ? and source_id = ?")
            .params(practice, feed, change.sourceId())
            .update();
      } else {
        remember(practice, feed, change.sourceId(), change.segments(), version);
      }
    }
    return failedBefore;
  }

  /** Not of a sender who numbers messages alike: the next of that number is another message. */
  private void noteFailure(int practice, String feed, Taken taken) {
    database
        .sql(
            """
            insert into hl7_failed (practice_id, feed, message, source_id)
            select ?, ?, ?, t.source_id from unnest(?::text[]) as t (source_id)
            where not exists (select 1 from hl7_messages
                              where practice_id = ? and feed = ? and message = ?)
            on conflict (practice_id, feed, message, source_id) do update set received_at = now()""")
        .params(
            practice,
            feed,
            eventIdentity(taken.header()),
            taken.failedAs().toArray(String[]::new),
            practice,
            feed,
            identity(taken.header()))
        .update();
  }

  private List<String> forgetFailure(int practice, String feed, Hl7Header header) {
    return database
        .sql(
            """
            delete from hl7_failed where practice_id = ? and feed = ? and message = ?
            returning source_id""")
        .params(practice, feed, eventIdentity(header))
        .query(String.class)
        .list();
  }

  /** Notes what messages have said of a chart up to a version; of a later one, it stays. */
  void remember(int practice, String feed, String sourceId, JsonNode segments, long version) {
    database
        .sql(
            """
            insert into hl7_charts as c (practice_id, feed, source_id, version, segments)
            values (?, ?, ?, ?, ?)
            on conflict (practice_id, feed, source_id)
            do update set version = excluded.version, segments = excluded.segments,
              updated_at = now()
            where c.version <= excluded.version""")
        .params(
            practice,
            feed,
            sourceId,
            version,
            cipher.seal(RecordJson.write(segments).getBytes(UTF_8), PURPOSE))
        .update();
  }

  private JsonNode open(byte[] sealed) {
    try {
      return RecordJson.mapper().readTree(cipher.open(sealed, PURPOSE));
    } catch (IOException e) {
      throw new IllegalStateException("what is remembered of a chart is not JSON", e);
    }
  }

  private static byte[] identity(Hl7Header header) {
    return hash(header.identity());
  }

  /** The same message again says the same event, too. */
  private static byte[] eventIdentity(Hl7Header header) {
    return hash(header.identity() + "\r" + header.event());
  }

  private static byte[] content(Hl7Message message) {
    return hash(message.content().toString());
  }

  private static byte[] hash(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
