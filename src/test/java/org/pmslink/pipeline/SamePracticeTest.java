package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ca.uhn.fhir.context.FhirContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Bundle.BundleType;
import org.hl7.fhir.r4.model.Bundle.HTTPVerb;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.patient.RecordJson;
import org.pmslink.sample.AscendApi;
import org.pmslink.sample.FhirPms;
import org.pmslink.sample.OpenDentalApi;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.PracticeGenerator;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The same generated practice through each way in gives the same canonical patients as through Open
 * Dental's database, field by field; but for what a PMS of that kind cannot say. What that is
 * stands in a table of docs/ways-in.md, which must be true to the last cell.
 */
@ExtendWith(Pipeline.class)
class SamePracticeTest {
  private static final int CHARTS = 250;
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final FhirContext FHIR = FhirContext.forR4Cached();

  /** Every field of a record but its id, its stamp and the hash over all of it. */
  private static final List<String> FIELDS =
      List.of(
          "status",
          "chartNumber",
          "name.family",
          "name.given",
          "name.middle",
          "name.suffix",
          "name.prefix",
          "name.preferred",
          "birthDate",
          "gender",
          "ssnHash",
          "ssnLast4",
          "phones",
          "emails",
          "address.line1",
          "address.line2",
          "address.city",
          "address.state",
          "address.postalCode",
          "guarantorId",
          "child",
          "deceasedAt",
          "language",
          "consentSms",
          "consentEmail",
          "consentCall",
          "clinicId",
          "providerId",
          "firstVisit",
          "sourceCreatedAt",
          "qualityFlags");

  private static final String NO_PLACE = "it has no place for it";
  private static final String CODES = "its codes tell less apart";
  private static final String CUT = "its field is shorter";
  private static final String PRIVACY =
      "it has one mark against e-mail and text messages alike, and none for a yes";
  private static final String TWO_PARTS = "its ids have two parts, so a guarantor's has, too";
  private static final String NUMBER = "it writes a number that stands for another list";
  private static final String NO_FILLER =
      "it says that there is no date, or another code, where Open Dental has a filler";
  private static final String NOT_AGREED = "which id of a message it would be is not agreed";

  /** By way in, then field: why it may differ; a field that is not here must be the same. */
  private static final Map<String, Map<String, String>> EXPLAINED = explained();

  private static Map<String, Map<String, String>> explained() {
    Map<String, String> fhir =
        Map.of(
            "status", CODES,
            "guarantorId", NO_PLACE,
            "child", NO_PLACE,
            "consentSms", NO_PLACE,
            "consentCall", NO_PLACE,
            "firstVisit", NO_PLACE,
            "sourceCreatedAt", NO_PLACE,
            "qualityFlags", NO_FILLER);
    Map<String, Map<String, String>> explained = new LinkedHashMap<>();
    explained.put("Open Dental API", Map.of("name.prefix", NO_PLACE, "deceasedAt", NO_PLACE));
    explained.put(
        "Dentrix G",
        Map.of(
            "status", CODES,
            "name.middle", CUT,
            "gender", CODES,
            "deceasedAt", NO_PLACE,
            "language", NO_PLACE,
            "consentSms", PRIVACY,
            "consentEmail", PRIVACY,
            "clinicId", NO_PLACE,
            "sourceCreatedAt", NO_PLACE,
            "qualityFlags", NO_FILLER));
    explained.put(
        "Dentrix Enterprise",
        Map.of(
            "status", CODES,
            "gender", CODES,
            "guarantorId", TWO_PARTS,
            "language", NUMBER,
            "consentSms", PRIVACY,
            "consentEmail", PRIVACY,
            "sourceCreatedAt", NO_PLACE,
            "qualityFlags", NO_FILLER));
    explained.put(
        "Ascend",
        Map.of(
            "status", CODES,
            "gender", CODES,
            "child", NO_PLACE,
            "deceasedAt", NO_PLACE,
            "consentSms", NO_PLACE,
            "consentCall", NO_PLACE,
            "sourceCreatedAt", NO_PLACE,
            "qualityFlags", NO_FILLER));
    explained.put("FHIR, asked", fhir);
    explained.put("FHIR, sent", fhir);
    explained.put(
        "CSV",
        Map.of(
            "deceasedAt", NO_PLACE,
            "consentSms", NO_PLACE,
            "consentCall", NO_PLACE,
            "qualityFlags", NO_FILLER));
    explained.put(
        "HL7",
        Map.of(
            "status", CODES,
            "chartNumber", NOT_AGREED,
            "child", NO_PLACE,
            "consentSms", NO_PLACE,
            "consentCall", NO_PLACE,
            "firstVisit", NO_PLACE,
            "sourceCreatedAt", NO_PLACE,
            "qualityFlags", NO_FILLER));
    return explained;
  }

  private final Engine engine;
  private final Path folder;
  private final Map<String, Map<String, JsonNode>> read = new LinkedHashMap<>();

  SamePracticeTest(Engine engine, @TempDir Path folder) {
    this.engine = engine;
    this.folder = folder;
  }

  @Test
  void theSamePracticeComesThroughEveryWayIn() throws Exception {
    Path data = folder.resolve("open-dental");
    try (OpenDentalServer pms = OpenDentalServer.start(data, 0)) {
      PracticeGenerator.fill(
          pms, new PracticeGenerator.Size(CHARTS, 10, 4_711, false), (number, person) -> {});
      List<SamePractice> charts =
          new JdbcTemplate(pms.dataSource())
              .queryForList("select * from patient order by PatNum").stream()
                  .map(SamePractice::new)
                  .toList();
      try (Office office = Office.ofTheSample(engine, pms)) {
        keep("Open Dental SQL", office.with("records", "patients").open(), "");
      }
      overItsApi(pms);
      fromBothDentrixes(pms, charts);
      fromAscend(pms, charts);
      overFhir(pms, charts);
      asTheyAreSent(charts);
    }
    Map<String, JsonNode> right = Objects.requireNonNull(read.remove("Open Dental SQL"));
    assertThat(right).hasSizeGreaterThan(CHARTS - 20);
    StringBuilder unexplained = new StringBuilder();
    Map<String, Map<String, Boolean>> same = new LinkedHashMap<>();
    read.forEach((way, records) -> same.put(way, compare(way, records, right, unexplained)));
    Files.writeString(Path.of("target", "same-practice.md"), table(same));
    Files.writeString(Path.of("target", "same-practice-differences.txt"), unexplained);
    assertThat(unexplained.toString()).as("differences that nobody has explained").isEmpty();
    assertThat(Files.readString(Path.of("docs", "ways-in.md")))
        .as("docs/ways-in.md holds the table; it is in target/same-practice.md")
        .contains(table(same));
  }

  // ---- Through each way ----

  private void overItsApi(OpenDentalServer pms) throws Exception {
    try (OpenDentalApi api = OpenDentalApi.over(pms.dataSource());
        Office office = Office.ofTheSample(engine, pms).over(api)) {
      keep("Open Dental API", office.with("records", "patients").open(), "");
    }
  }

  private void fromBothDentrixes(OpenDentalServer pms, List<SamePractice> charts) throws Exception {
    try (DentrixDatabase g =
            new DentrixDatabase(folder.resolve("g"), "", DentrixDatabase.G_SERIES);
        Office office = Office.ofTheSample(engine, pms)) {
      charts.forEach(chart -> chart.to(g));
      g.readBy(engine, office, "dentrix-g", "top").with("records", "patients").open();
      keep("Dentrix G", office, "");
    }
    try (DentrixDatabase enterprise =
            new DentrixDatabase(
                folder.resolve("enterprise"),
                DentrixDatabase.AS_SQL_SERVER,
                DentrixDatabase.ENTERPRISE);
        Office office = Office.ofTheSample(engine, pms)) {
      charts.forEach(chart -> chart.toEnterprise(enterprise));
      enterprise.readBy(engine, office, "dentrix-enterprise", "fetch");
      keep("Dentrix Enterprise", office.with("records", "patients").open(), ".1");
    }
  }

  private void fromAscend(OpenDentalServer pms, List<SamePractice> charts) throws Exception {
    try (AscendApi api = AscendApi.start();
        Office office = Office.ofTheSample(engine, pms).over(api)) {
      charts.forEach(chart -> api.put("/v1/patients", chart.id(), chart.forAscend()));
      keep("Ascend", office.with("records", "patients").open(), "");
    }
  }

  private void overFhir(OpenDentalServer pms, List<SamePractice> charts) throws Exception {
    try (FhirPms fhir = FhirPms.start();
        Office office =
            Office.ofTheSample(engine, pms).over("fhir-poll", "fhir-r4").with("url", fhir.url())) {
      charts.forEach(chart -> fhir.put(chart.forFhir()));
      keep("FHIR, asked", office.open(), "");
    }
    try (Office office = Office.ofTheSample(engine, pms).over("fhir-receive", "fhir-r4")) {
      assertThat(office.without("poll").connect()).isNull();
      String token =
          engine.bean(AccessTokens.class).create(office.name, "same-practice", Role.MACHINE);
      Bundle bundle = new Bundle().setType(BundleType.BATCH);
      for (SamePractice chart : charts) {
        bundle
            .addEntry()
            .setResource(chart.forFhir())
            .getRequest()
            .setMethod(HTTPVerb.PUT)
            .setUrl("Patient/" + chart.id());
      }
      String body = FHIR.newJsonParser().encodeResourceToString(bundle);
      post("/in-fhir/" + office.name, "application/fhir+json", token, body, 200);
      awaitRecords(office.name, charts.size());
      keep("FHIR, sent", office, "");
    }
  }

  private void asTheyAreSent(List<SamePractice> charts) throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      ArrayNode all = RecordJson.mapper().createArrayNode();
      charts.forEach(chart -> all.add(chart.forHttp()));
      post("/in/" + practice.name, "application/json", practice.token(), all.toString(), 202);
      keep("HTTP", practice, charts.size());
    }
    Path drop = Files.createDirectories(folder.resolve("drop"));
    try (PushedPractice practice =
        PushedPractice.ofFiles(engine, drop).with("settle", "100ms").open()) {
      Awaitility.await().until(() -> Files.isDirectory(drop.resolve("in")));
      List<String> lines = new ArrayList<>(List.of(String.join(",", SamePractice.CSV)));
      charts.forEach(chart -> lines.add(chart.forCsv()));
      Path part = Files.write(drop.resolve("in").resolve("patients.part"), lines);
      Files.move(part, drop.resolve("in").resolve("patients.csv"));
      Awaitility.await("the file is read")
          .atMost(Office.LONGEST)
          .until(() -> Files.exists(drop.resolve("done").resolve("patients.csv")));
      Path problems = drop.resolve("refused").resolve("patients.errors.csv");
      long back = Files.exists(problems) ? Files.readAllLines(problems).size() - 1 : 0;
      keep("CSV", practice, charts.size() - (int) back);
    }
    int port = MllpSender.freePort();
    try (PushedPractice practice = PushedPractice.overMllp(engine, port).open()) {
      for (int sent = 0, connections = 0; sent < charts.size(); connections++) {
        assertThat(connections).as("connections that were closed").isLessThan(5);
        sent += sendHl7(port, charts.subList(sent, charts.size()));
      }
      keep("HL7", practice, charts.size());
    }
  }

  /** Sends until all is taken or the connection is closed, after which a sender goes on anew. */
  private static int sendHl7(int port, List<SamePractice> charts) throws Exception {
    int sent = 0;
    try (MllpSender sender = new MllpSender(port)) {
      for (SamePractice chart : charts) {
        String answer = sender.send(chart.forHl7());
        if (answer.isEmpty()) {
          return sent;
        }
        assertThat(MllpSender.msa(answer)).isEqualTo("AA " + chart.id());
        sent++;
      }
    }
    return sent;
  }

  private void post(String address, String type, String token, String body, int expected)
      throws Exception {
    HttpResponse<String> answer =
        HTTP.send(
            HttpRequest.newBuilder(URI.create(engine.url() + address))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", type)
                .POST(HttpRequest.BodyPublishers.ofString(body, UTF_8))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(expected);
  }

  private void awaitRecords(String practice, int count) {
    Awaitility.await("all patients of " + practice)
        .atMost(Office.LONGEST)
        .untilAsserted(() -> assertThat(records(practice)).hasSize(count));
  }

  private void keep(String way, PushedPractice practice, int count) {
    awaitRecords(practice.name, count);
    read.put(way, records(practice.name));
  }

  private void keep(String way, Office office, String ending) {
    Map<String, JsonNode> found = new TreeMap<>();
    records(office.name)
        .forEach((id, record) -> found.put(id.replaceFirst("\\Q" + ending + "\\E$", ""), record));
    assertThat(office.deadLetters()).as(way).isZero();
    read.put(way, found);
  }

  private Map<String, JsonNode> records(String practice) {
    Map<String, JsonNode> records = new TreeMap<>();
    engine
        .store()
        .query(
            """
            select p.source_id, p.record::text from patients p
            join practices q on q.id = p.practice_id where q.practice = ?""",
            row -> {
              try {
                records.put(row.getString(1), RecordJson.mapper().readTree(row.getString(2)));
              } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
                throw new IllegalStateException("the store holds JSON", e);
              }
            },
            practice);
    return records;
  }

  // ---- Compared ----

  /** Which fields are the same in all records. */
  private static Map<String, Boolean> compare(
      String way,
      Map<String, JsonNode> records,
      Map<String, JsonNode> right,
      StringBuilder unexplained) {
    Map<String, Boolean> same = new LinkedHashMap<>();
    Set<String> ids = new TreeSet<>(records.keySet());
    assertThat(right.keySet()).as(way).containsAll(ids);
    if (!way.equals("CSV")) {
      assertThat(ids).as(way).containsAll(right.keySet());
    }
    Map<String, String> reasons = EXPLAINED.getOrDefault(way, Map.of());
    for (String field : FIELDS) {
      List<String> different =
          ids.stream()
              .filter(
                  id -> {
                    JsonNode here = records.get(id);
                    JsonNode there = right.get(id);
                    return !value(Objects.requireNonNull(here), field)
                        .equals(value(Objects.requireNonNull(there), field));
                  })
              .toList();
      same.put(field, different.isEmpty());
      if (different.isEmpty() == reasons.containsKey(field)) {
        String id = different.isEmpty() ? "" : different.get(0);
        unexplained.append(
            different.isEmpty()
                ? way + ", " + field + ": is explained, and does not differ\n"
                : way
                    + ", "
                    + field
                    + ": differs in "
                    + different.size()
                    + ", such as "
                    + id
                    + ": "
                    + value(Objects.requireNonNull(records.get(id)), field)
                    + " and not "
                    + value(Objects.requireNonNull(right.get(id)), field)
                    + "\n");
      }
    }
    return same;
  }

  private static String value(JsonNode record, String field) {
    JsonNode at = record;
    for (String step : field.split("\\.")) {
      at = at.has(step) ? at.path(step) : at.path("person").path(step);
    }
    return at.isMissingNode() || at.isNull() ? "" : at.toString();
  }

  private static String table(Map<String, Map<String, Boolean>> same) {
    // In the order of the table: the maps have none.
    Set<String> reasons = new LinkedHashSet<>();
    for (String field : FIELDS) {
      same.keySet().stream()
          .map(way -> EXPLAINED.getOrDefault(way, Map.of()).get(field))
          .filter(Objects::nonNull)
          .forEach(reasons::add);
    }
    List<String> numbered = List.copyOf(reasons);
    StringBuilder table = new StringBuilder("| field | " + String.join(" | ", same.keySet()));
    table.append(" |\n|---|").append("---|".repeat(same.size())).append('\n');
    for (String field : FIELDS) {
      table.append("| `").append(field).append("` | ");
      table.append(
          same.keySet().stream()
              .map(
                  way ->
                      Boolean.TRUE.equals(Objects.requireNonNull(same.get(way)).get(field))
                          ? "="
                          : String.valueOf(
                              1
                                  + numbered.indexOf(
                                      EXPLAINED
                                          .getOrDefault(way, Map.of())
                                          .getOrDefault(field, "not explained"))))
              .collect(Collectors.joining(" | ")));
      table.append(" |\n");
    }
    table.append('\n');
    for (int i = 0; i < numbered.size(); i++) {
      table.append(i + 1).append(". ").append(numbered.get(i)).append('\n');
    }
    return table.toString();
  }
}
