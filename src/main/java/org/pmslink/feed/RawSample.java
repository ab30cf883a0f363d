package org.pmslink.feed;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.pmslink.hl7.Hl7Exception;
import org.pmslink.hl7.Hl7Header;
import org.pmslink.hl7.Hl7Message;
import org.pmslink.patient.RecordJson;

/** Raw records as somebody has them to try a mapping with: JSON, or an HL7 message. */
public final class RawSample {
  private RawSample() {}

  /**
   * Reads them.
   *
   * @param text a record as JSON, a list of them, or a message that begins with MSH
   * @param mapping that they are for: a merge is one group of its message
   * @throws IllegalArgumentException saying where it cannot be read, and quoting nothing
   */
  public static List<JsonNode> read(String text, String mapping) {
    String stripped = text.strip();
    if (stripped.startsWith("MSH")) {
      return message(stripped, mapping);
    }
    JsonNode json;
    try {
      json = RecordJson.mapper().readTree(stripped);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          e.getLocation() == null
              ? "this is not JSON"
              : "line " + e.getLocation().getLineNr() + ": this is not JSON");
    }
    if (json.isMissingNode() || (json.isArray() && json.isEmpty())) {
      throw new IllegalArgumentException("holds no record");
    }
    List<JsonNode> records = new ArrayList<>();
    if (json.isArray()) {
      json.forEach(records::add);
    } else {
      records.add(json);
    }
    return records;
  }

  private static List<JsonNode> message(String text, String mapping) {
    byte[] bytes = text.replace("\r\n", "\r").replace('\n', '\r').getBytes(UTF_8);
    try {
      Hl7Message message = Hl7Message.read(Hl7Header.read(bytes), bytes, UTF_8);
      String name = mapping.substring(mapping.lastIndexOf('/') + 1);
      return name.startsWith("merge") ? message.groups() : List.of(message.toJson());
    } catch (Hl7Exception e) {
      throw new IllegalArgumentException("this message cannot be read: " + e.getMessage());
    }
  }
}
