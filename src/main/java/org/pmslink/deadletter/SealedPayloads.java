package org.pmslink.deadletter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.patient.RecordJson;
import org.pmslink.security.PayloadCipher;
import org.springframework.stereotype.Component;

/** Messages of dead letters as they are stored: sealed. And where in a message the record is. */
@Component
final class SealedPayloads {
  private static final String PURPOSE = "dead-letter";

  private final PayloadCipher cipher;

  SealedPayloads(PayloadCipher cipher) {
    this.cipher = cipher;
  }

  byte[] seal(JsonNode payload) {
    try {
      return cipher.seal(RecordJson.mapper().writeValueAsBytes(payload), PURPOSE);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree can always be written", e);
    }
  }

  JsonNode open(byte[] sealed) {
    try {
      return RecordJson.mapper().readTree(cipher.open(sealed, PURPOSE));
    } catch (IOException e) {
      // Without the cause, which may quote what it could not read.
      throw new IllegalStateException("a stored letter is not JSON");
    }
  }

  /** What a message is about: the PMS's record, or what the match step has made of it. */
  static JsonNode record(Hop hop, JsonNode payload) {
    return hop == Hop.MATCH ? payload.path("records").path(0) : payload.path("commands");
  }

  /** The message with another record in it. */
  static JsonNode withRecord(JsonNode payload, JsonNode record) {
    ObjectNode changed = payload.deepCopy();
    ArrayNode records = changed.putArray("records");
    records.add(record);
    return changed;
  }
}
