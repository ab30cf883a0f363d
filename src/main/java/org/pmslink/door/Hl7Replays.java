package org.pmslink.door;

import com.fasterxml.jackson.databind.JsonNode;
import org.pmslink.deadletter.AfterReplay;
import org.pmslink.hl7.Hl7Message;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.SourceText;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Notes in the memory of messages what a person has mended in a dead letter: the next message is
 * put on top of that, and not on top of what was wrong.
 */
@Component
final class Hl7Replays implements AfterReplay {
  private static final Logger LOG = LoggerFactory.getLogger(Hl7Replays.class);

  private final Hl7Memory memory;
  private final Mappings mappings;

  Hl7Replays(Hl7Memory memory, Mappings mappings) {
    this.memory = memory;
    this.mappings = mappings;
  }

  @Override
  public void gotThrough(int practice, String feed, JsonNode message) {
    JsonNode record = message.path("records").path(0);
    if (!record.path("MSH").isArray() || !record.path("PID").isArray()) {
      return;
    }
    try {
      String id =
          SourceText.id(
              "PID-3", mappings.get(message.path("mapping").asText()).patient(record).sourceId());
      if (id != null) {
        memory.remember(
            practice, feed, id, Hl7Message.remembered(record), message.path("version").asLong());
      }
    } catch (MappingException | InvalidRecordException e) {
      // It got through with the mapping that there was; what is remembered stays as it is.
      LOG.warn("feed {}: a replayed letter could not be remembered", feed);
    }
  }
}
