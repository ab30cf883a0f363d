package org.pmslink.door;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.OpenDentalRow;
import org.pmslink.feed.Reception.Received;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.patient.RecordJson;

/**
 * What a delivery of Open Dental's API subscriptions holds: an array of rows as the API's lists
 * have them, and a header that says of which table. Deliveries of other tables and of what happens
 * on a screen ({@code UiEventType}) are passed over: refused, they would come again for three days.
 *
 * @param received rows to be taken, by stream
 * @param passedOver rows that are of no use here
 */
record OpenDentalEvents(List<Received> received, int passedOver) {
  /** The header that names the table. */
  static final String TYPE = "Event-Type";

  /**
   * When the engine was away, Open Dental sends what has changed in the last three days, and
   * nothing of what changed before. An hour less, because its clock is not ours.
   */
  static final Duration CATCH_UP = Duration.ofDays(3).minusHours(1);

  private static final String WATCH_TABLE = "watchtable:";

  private static final Map<String, RecordStream> TABLES =
      Map.of(
          "patient", RecordStream.of(RecordType.PATIENTS),
          "appointment", RecordStream.of(RecordType.VISITS),
          "appointmentdeleted", RecordStream.of(RecordType.DELETES),
          "provider", RecordStream.of(RecordType.PROVIDERS));

  /**
   * Reads a delivery.
   *
   * @param type the header {@link #TYPE}
   * @param taken which streams there is a mapping for
   * @throws Problem.Refused saying what is wrong, and quoting nothing
   */
  static OpenDentalEvents read(byte[] body, @Nullable String type, Predicate<RecordStream> taken)
      throws IOException {
    if (type == null || type.isBlank()) {
      throw new Problem.Refused(
          400, "the header " + TYPE + " is missing; Open Dental names in it what it sends");
    }
    JsonNode json = PushedRecords.parse(body);
    List<JsonNode> rows = rows(json);
    RecordStream stream = stream(type);
    if (stream == null || !taken.test(stream)) {
      return new OpenDentalEvents(List.of(), rows.size());
    }
    return new OpenDentalEvents(
        rows.isEmpty() ? List.of() : List.of(new Received(stream, inOrder(rows))), 0);
  }

  private static @Nullable RecordStream stream(String type) {
    String words = type.strip().toLowerCase(java.util.Locale.ROOT);
    return words.startsWith(WATCH_TABLE)
        ? TABLES.get(words.substring(WATCH_TABLE.length()).strip())
        : null;
  }

  private static List<JsonNode> rows(JsonNode json) {
    List<JsonNode> rows = new ArrayList<>();
    if (json instanceof ArrayNode array) {
      array.forEach(rows::add);
    } else {
      rows.add(json);
    }
    return rows;
  }

  /**
   * Several workstations may send a row, each as it was when it looked: the newest comes last, and
   * counts.
   */
  private static List<JsonNode> inOrder(List<JsonNode> rows) {
    return rows.stream()
        .sorted(Comparator.comparing(row -> row.path("DateTStamp").asText()))
        .map(RecordJson::writable)
        .map(OpenDentalRow::record)
        .toList();
  }

  int count() {
    return received.stream().mapToInt(r -> r.records().size()).sum();
  }
}
