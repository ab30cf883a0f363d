package org.pmslink.linking;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;

/**
 * A message on {@code records.received}: a page of records as the PMS wrote them, or a request to
 * decide again about records that are in the store already.
 *
 * @param source the PMS installation that the records' ids belong to
 * @param run the pass that read the page; none for requests that belong to no pass
 * @param part empty, or which part of the page this is after splitting, for example {@code .0.1}
 * @param expected entries of the whole page
 * @param version order of reading within the feed; a record with an older version never overwrites
 * @param decide whether to match the records now; a first load matches when it is complete
 * @param mapping path below the mappings folder, for records that need one
 * @param stream name of the {@link RecordStream}; ids of records are unique within it
 * @param zone time zone of the PMS's change stamps
 * @param officeZone the office's time zone, in which a visit has its hour and its day
 * @param letter the dead letter that this batch replays
 * @param firstEntry number that the first record has for its sender, who may ask what became of it;
 *     absent when nobody asks after records one by one
 * @param byStamp whether a record that the PMS stamped earlier than the stored one is left aside:
 *     it was sent, and deliveries overtake one another; false for what was read, whose order is
 *     that of the reads
 */
public record RecordBatch(
    String practice,
    String source,
    String feed,
    @Nullable Long run,
    int page,
    String part,
    int expected,
    long version,
    RecordType type,
    String stream,
    boolean decide,
    @Nullable String mapping,
    @Nullable String zone,
    @Nullable String officeZone,
    @Nullable Long letter,
    @Nullable Integer firstEntry,
    boolean byStamp,
    List<JsonNode> records) {

  /** A batch of records that nobody asks after one by one. */
  public RecordBatch(
      String practice,
      String source,
      String feed,
      @Nullable Long run,
      int page,
      String part,
      int expected,
      long version,
      RecordType type,
      String stream,
      boolean decide,
      @Nullable String mapping,
      @Nullable String zone,
      @Nullable String officeZone,
      @Nullable Long letter,
      List<JsonNode> records) {
    this(
        practice,
        source,
        feed,
        run,
        page,
        part,
        expected,
        version,
        type,
        stream,
        decide,
        mapping,
        zone,
        officeZone,
        letter,
        null,
        false,
        records);
  }

  /** What the entries are, in the order in which a pass reads them. */
  public enum RecordType {
    /** "This chart was merged into that one", raw. */
    MERGES,
    /** Charts, raw. */
    PATIENTS,
    /** Raw; likewise the next three. */
    PROVIDERS,
    CLINICS,
    VISITS,
    TRANSACTIONS,
    /**
     * Records that are gone from the PMS: raw where there is a mapping, otherwise the ids that the
     * stream had.
     */
    DELETES,
    /** Ids of stored patients to decide about. */
    PATIENT_IDS,
    /** Ids of members whose possible patients are to be decided about. */
    MEMBER_IDS;

    /** Whether a PMS delivers it; the others are requests of our own. */
    public boolean isDelivered() {
      return compareTo(DELETES) <= 0;
    }

    /** Whether it is activity: keyed by a chart or by itself, and matched with nobody. */
    public boolean isActivity() {
      return this == VISITS || this == TRANSACTIONS || this == PROVIDERS || this == CLINICS;
    }
  }

  /** Short, because Camel asks a body for it again and again, and the content is large. */
  @Override
  public int hashCode() {
    return Objects.hash(practice, feed, run, page, part);
  }

  /** The message body. */
  public byte[] toJson() throws JsonProcessingException {
    return RecordJson.mapper().writeValueAsBytes(this);
  }

  /** The same records, to be matched now or not. */
  RecordBatch deciding(boolean now) {
    return new RecordBatch(
        practice,
        source,
        feed,
        run,
        page,
        part,
        expected,
        version,
        type,
        stream,
        now,
        mapping,
        zone,
        officeZone,
        letter,
        firstEntry,
        byStamp,
        records);
  }

  /** A part of the batch: its records from one place up to before another. */
  private RecordBatch part(String newPart, int from, int to) {
    return new RecordBatch(
        practice,
        source,
        feed,
        run,
        page,
        newPart,
        expected,
        version,
        type,
        stream,
        decide,
        mapping,
        zone,
        officeZone,
        letter,
        firstEntry == null ? null : firstEntry + from,
        byStamp,
        records.subList(from, to));
  }

  /** The two halves of a batch that keeps failing as a whole; together they are the whole. */
  public List<RecordBatch> halves() {
    int middle = records.size() / 2;
    List<RecordBatch> halves = new ArrayList<>();
    halves.add(part(part + ".0", 0, middle));
    halves.add(part(part + ".1", middle, records.size()));
    return halves;
  }
}
