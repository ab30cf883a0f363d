package org.pmslink.deadletter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;
import org.pmslink.progress.Runs;

/**
 * A record that could not be handled, on its way to the dead letters.
 *
 * @param hop the step it failed in and is replayed to
 * @param recordType kind of record, for example PATIENTS
 * @param sourceId its id in the PMS, or the number of the entry when it has none
 * @param cause what is wrong, free of patient data
 * @param payload the message to send again: a batch that holds this record alone
 * @param outcome what to count when nothing else counts this record: set for a record that was
 *     found by splitting a batch
 */
public record DeadLetter(
    String practice,
    String feed,
    Hop hop,
    String recordType,
    String sourceId,
    Cause cause,
    long version,
    JsonNode payload,
    Runs.@Nullable PageOutcome outcome) {

  /** The message body. */
  public byte[] toJson() throws JsonProcessingException {
    return RecordJson.mapper().writeValueAsBytes(this);
  }

  /** The steps that a record can fail in. */
  public enum Hop {
    MATCH,
    APPLY;

    /** As the store and the routes call it. */
    public String stored() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Hop ofStored(String stored) {
      return valueOf(stored.toUpperCase(Locale.ROOT));
    }
  }

  /** Reasons, as support groups them. */
  public enum Category {
    /** The mapping fails on the record; mend the mapping and replay. */
    MAPPING_FAILED,
    /** The record itself cannot be a patient; mend it in the PMS. */
    INVALID_RECORD,
    /** The step failed for no reason of the record's own; replay, and report if it stays. */
    STEP_FAILED
  }
}
