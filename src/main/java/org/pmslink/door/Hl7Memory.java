package org.pmslink.door;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.hl7.Hl7Header;
import org.pmslink.hl7.Hl7Message;
import org.pmslink.patient.RecordJson;
import org.pmslink.security.PayloadCipher;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * What messages have said of charts so far, sealed, and which messages were taken: an HL7 message
 * may say only what has changed, and its sender repeats it until it is answered.
 */
@Component
class Hl7Memory {
  private static final String PURPOSE = "hl7-chart";

  private final JdbcClient database;
  private final PayloadCipher cipher;

  Hl7Memory(JdbcClient database, PayloadCipher cipher) {
    this.database = database;
    this.cipher = cipher;
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

  /** A message was taken, with what it changes. */
  @Transactional
  void taken(
      int practice, String feed, Hl7Header header, Hl7Message message, List<Change> changes) {
    database
        .sql(
            """
            insert into hl7_messages (practice_id, feed, message, content) values (?, ?, ?, ?)
            on conflict (practice_id, feed, message)
            do update set content = excluded.content, received_at = now()""")
        .params(practice, feed, identity(header), content(message))
        .update();
    for (Change change : changes) {
      if (change.segments() == null) {
        database
            .sql("delete from hl7_charts where practice_id = ? and feed = ? and source_id = ?")
            .params(practice, feed, change.sourceId())
            .update();
      } else {
        database
            .sql(
                """
                insert into hl7_charts (practice_id, feed, source_id, segments)
                values (?, ?, ?, ?)
                on conflict (practice_id, feed, source_id)
                do update set segments = excluded.segments, updated_at = now()""")
            .params(
                practice,
                feed,
                change.sourceId(),
                cipher.seal(RecordJson.write(change.segments()).getBytes(UTF_8), PURPOSE))
            .update();
      }
    }
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
