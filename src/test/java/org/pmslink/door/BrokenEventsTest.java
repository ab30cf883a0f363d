package org.pmslink.door;

import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.pmslink.feed.Reception.Received;
import org.pmslink.linking.RecordBatch;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.RecordJson;
import org.pmslink.sample.BrokenJson;

/**
 * A thousand deliveries of Open Dental's events that are broken: each is taken or refused in our
 * words. What is taken can be put on the queue and read from it again; a row that is wrong is a
 * matter of its mapping, and its neighbours are there.
 */
class BrokenEventsTest {
  private static final ZoneId ZONE = ZoneId.of("America/New_York");

  private final Mapping mapping =
      new Mappings(Path.of("mappings")).get("open-dental-api/patient.jslt");
  private final Random random = new Random(20_261_128);
  private final ObjectNode good;

  BrokenEventsTest() throws Exception {
    good =
        (ObjectNode)
            RecordJson.mapper()
                .readTree(
                    Files.readString(
                        Path.of(
                            "mappings/open-dental-api/examples/"
                                + "patient-01-numbers-as-text-and-text-as-numbers.in.json")));
  }

  private ObjectNode row(int number) {
    return good.deepCopy().put("PatNum", number);
  }

  @Test
  void aThousandAreTakenOrRefusedAndNoNeighbourIsLost() throws Exception {
    Map<String, Integer> outcomes = new TreeMap<>();
    for (int number = 0; number < 1_000; number++) {
      boolean isWhole = number % 2 == 0;
      byte[] body = isWhole ? amongGoodOnes() : anything();
      outcomes.merge(outcome(body, type(number), isWhole, "delivery " + number), 1, Integer::sum);
    }
    assertThat(outcomes.get("taken")).as("%s", outcomes).isGreaterThan(300);
    assertThat(outcomes.get("refused")).as("%s", outcomes).isGreaterThan(100);
    assertThat(outcomes.get("passed over")).as("%s", outcomes).isPositive();
  }

  private static String type(int number) {
    return switch (number % 25) {
      case 5 -> "WatchTable: Procedure";
      case 11 -> "UiEventType: PatientSelected";
      case 15 -> "watchtable:" + BrokenJson.SENTINEL;
      case 19 -> "";
      case 21 -> "\u0000" + BrokenJson.SENTINEL;
      default -> "WatchTable: Patient";
    };
  }

  private byte[] amongGoodOnes() {
    ArrayNode rows = RecordJson.mapper().createArrayNode();
    rows.add(row(101));
    rows.add(
        switch (random.nextInt(4)) {
          case 0 -> BrokenJson.odd(random);
          case 1 -> row(102).set("DateTStamp", BrokenJson.odd(random));
          case 2 -> row(102).set("PatNum", BrokenJson.odd(random));
          default -> BrokenJson.mutated(row(102), random);
        });
    rows.add(row(103));
    return rows.toString().getBytes(UTF_8);
  }

  private byte[] anything() {
    // Also where a parser takes what a message with it would be too deep for.
    int levels = random.nextBoolean() ? 50 + random.nextInt(2_000) : 985 + random.nextInt(20);
    return switch (random.nextInt(7)) {
      case 0 -> BrokenJson.damaged(row(101).toString().getBytes(UTF_8), random);
      case 1 -> new byte[random.nextInt(3)];
      case 2 -> ("[" + "[".repeat(levels) + "]".repeat(levels) + "]").getBytes(UTF_8);
      case 3 -> row(101).toString().getBytes(UTF_16);
      case 4 ->
          row(101)
              .toString()
              .replaceFirst("\\{", "{\"n\": " + "[".repeat(levels) + "]".repeat(levels) + ", ")
              .getBytes(UTF_8);
      case 5 -> ("{\"a\": 1, \"a\": \"" + BrokenJson.SENTINEL + "\"}").getBytes(UTF_8);
      default -> BrokenJson.odd(random).toString().getBytes(UTF_8);
    };
  }

  private String outcome(byte[] body, String type, boolean isWhole, String what) throws Exception {
    OpenDentalEvents delivery;
    try {
      delivery = OpenDentalEvents.read(body, type, stream -> true);
    } catch (Problem.Refused refused) {
      assertThat(refused.status).as(what).isBetween(400, 422);
      assertThat(refused.detail).as(what).isNotBlank().doesNotContain(BrokenJson.SENTINEL);
      assertThat(isWhole && type.startsWith("WatchTable: Patient")).as(what).isFalse();
      return "refused";
    }
    List<String> ids = new ArrayList<>();
    for (Received received : delivery.received()) {
      for (JsonNode record : throughTheQueue(received)) {
        ids.add(record.path("PatNum").asText());
        mapped(record, what);
      }
    }
    if (isWhole && !ids.isEmpty()) {
      assertThat(ids).as(what).contains("101", "103").hasSize(3);
    }
    return ids.isEmpty() ? "passed over" : "taken";
  }

  private static List<JsonNode> throughTheQueue(Received received) throws Exception {
    RecordBatch batch =
        new RecordBatch(
            "p",
            "s",
            "f",
            1L,
            1,
            "",
            1,
            1,
            received.stream().type(),
            received.stream().name(),
            true,
            "m",
            "UTC",
            "UTC",
            null,
            received.records());
    return RecordJson.mapper().readValue(batch.toJson(), RecordBatch.class).records();
  }

  private void mapped(JsonNode record, String what) {
    try {
      new PatientNormalizer(ssn -> "hash").normalize(mapping.patient(record), ZONE);
    } catch (MappingException | InvalidRecordException e) {
      assertThat(e.getMessage()).as(what).doesNotContain(BrokenJson.SENTINEL);
    }
  }
}
