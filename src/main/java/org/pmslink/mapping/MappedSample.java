package org.pmslink.mapping;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.ZoneId;
import org.jspecify.annotations.Nullable;
import org.pmslink.activity.ActivityNormalizer;
import org.pmslink.activity.SourceActivity;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SourcePatient;

/**
 * What a mapping, and the cleaning behind it, make of one raw record that is kept nowhere.
 *
 * @param record a {@link PatientRecord}, an activity, a merge or a delete
 * @param origins the raw fields that each of its fields comes from
 */
public record MappedSample(JsonNode raw, Object record, FieldOrigins origins) {

  /**
   * Maps a sample, and finds out what comes from where.
   *
   * @param zone of times that have none of their own
   * @throws MappingException when the mapping fails on it
   * @throws org.pmslink.patient.InvalidRecordException when it cannot be what the mapping makes
   */
  public static MappedSample of(Mapping mapping, JsonNode raw, ZoneId zone) {
    return new MappedSample(
        raw,
        record(mapping, raw, zone, zone),
        FieldOrigins.of(
            raw, other -> RecordJson.mapper().valueToTree(record(mapping, other, zone, zone))));
  }

  /**
   * The canonical record alone.
   *
   * @param officeZone in which visits have their day
   */
  public static Object record(Mapping mapping, JsonNode raw, ZoneId zone, ZoneId officeZone) {
    Object source = mapping.source(raw);
    if (source instanceof SourcePatient patient) {
      // A sample keeps nothing: its SSN hash is of no use and shown as such.
      return new PatientNormalizer(ssn -> "(keyed hash)").normalize(patient, zone);
    }
    return source instanceof SourceActivity activity
        ? ActivityNormalizer.normalize(activity, zone, officeZone)
        : source;
  }

  /** The record, when it is a patient. */
  public @Nullable PatientRecord patient() {
    return record instanceof PatientRecord patient ? patient : null;
  }
}
