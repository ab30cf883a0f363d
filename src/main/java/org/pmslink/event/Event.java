package org.pmslink.event;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import org.pmslink.patient.RecordJson;

/**
 * Something that happened, told as a CloudEvent: ids, versions and codes, and nothing of a patient.
 *
 * @param number grows with the order in which events of one subject happened
 * @param id by which whoever is told twice knows it
 * @param subject whom it is about; events of one subject are told in their order
 */
public record Event(
    long number,
    int practiceId,
    String practice,
    String id,
    String type,
    String subject,
    Instant at,
    JsonNode data) {

  /** The event as it is told, the same each time. */
  public String toJson() {
    ObjectNode json = RecordJson.mapper().createObjectNode();
    json.put("specversion", "1.0");
    json.put("id", id);
    json.put("type", type);
    json.put("source", "/practices/" + practice);
    json.put("subject", subject);
    json.put("time", at.toString());
    json.put("sequence", Long.toString(number));
    json.put("practice", practice);
    json.put("datacontenttype", "application/json");
    json.set("data", data);
    return json.toString();
  }

  /** What a broker keeps together where several consumers share a subscription. */
  public String group() {
    return practice + "/" + subject;
  }
}
