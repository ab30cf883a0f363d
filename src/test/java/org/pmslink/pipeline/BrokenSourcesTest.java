package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.LongConsumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.feed.FeedStates;
import org.pmslink.patient.RecordJson;
import org.pmslink.sample.AscendApi;
import org.pmslink.sample.BrokenAnswers;
import org.pmslink.sample.BrokenJson;
import org.pmslink.sample.FhirPms;
import org.pmslink.sample.OpenDentalApi;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.RawHttpServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/**
 * PMSs that hold or answer what they should not. Each row ends as a chart or a dead letter, each
 * answer as a pause with its reason, and the feed goes on. The protocols alone are tried with a
 * thousand answers each in {@code BrokenAnswersTest}.
 */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class BrokenSourcesTest {
  private static final String COLUMNS =
      "LName, FName, MiddleI, Preferred, Title, PatStatus, Gender, Position, Birthdate, SSN,"
          + " Address, Address2, City, State, Zip, Country, HmPhone, WkPhone, WirelessPhone, Email,"
          + " Guarantor, ChartNumber, Language, PriProv, ClinicNum, DateFirstVisit,"
          + " PreferContactMethod, TxtMsgOk, DateTimeDeceased, SecDateEntry";

  private final Engine engine;
  private final OpenDentalServer server;

  BrokenSourcesTest(Engine engine, OpenDentalServer server) {
    this.engine = engine;
    this.server = server;
  }

  // ---- SQL ----

  /** A hundred rows for each type that all columns have but key and stamp; ten types. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "longtext",
        "longblob",
        "double",
        "decimal(65,10)",
        "datetime(6)",
        "time(6)",
        "year",
        "bit(64)",
        "date",
        "bigint unsigned"
      })
  void aHundredOddRowsOfEachTypeEndAsChartsOrDeadLetters(String type, CapturedOutput output)
      throws Exception {
    try (Office office = Office.at(engine, server)) {
      Random random = new Random(type.hashCode());
      office.edit(
          "create table odd (PatNum bigint primary key, DateTStamp timestamp null, "
              + COLUMNS.replaceAll("(\\w+)", "$1 " + type)
              + ") engine = InnoDB default charset = utf8mb4");
      String insert =
          "insert into odd values (?, ?, " + "?, ".repeat(COLUMNS.split(",").length - 1) + "?)";
      for (int number = 1; number <= 100; number++) {
        List<@Nullable Object> row = new ArrayList<>();
        row.add(number);
        row.add(random.nextInt(10) == 0 ? null : "2026-03-02 10:00:00");
        for (int column = 0; column < COLUMNS.split(",").length; column++) {
          row.add(random.nextInt(5) == 0 ? null : value(type, random));
        }
        // Zero dates and the like are in PMSs that once ran without strict mode.
        insertLeniently(office, insert, row);
      }
      Files.writeString(
          office.mapping("patients.sql"),
          "-- key: PatNum\n-- changed: DateTStamp\nselect p.PatNum, p.DateTStamp, "
              + COLUMNS
              + " from odd p\n");
      office.with("pageSize", "30").open();

      Awaitility.await("each row ends somewhere")
          .atMost(Office.LONGEST)
          .untilAsserted(() -> assertThat(office.charts() + office.deadLetters()).isEqualTo(100));
      for (Letter letter :
          engine
              .bean(LetterSearch.class)
              .search(office.name, LetterFilter.ALL, null, 1_000)
              .letters()) {
        assertThat(letter.toString()).doesNotContain(BrokenJson.SENTINEL, "STEP_FAILED");
      }
      office.compare();
      assertThat(office.charts() + office.deadLetters()).as("compared").isEqualTo(100);
      assertThat(output).doesNotContain(BrokenJson.SENTINEL);
    }
  }

  private static void insertLeniently(Office office, String insert, List<@Nullable Object> row) {
    office
        .pms()
        .execute(
            (java.sql.Connection connection) -> {
              try (var lenient = connection.createStatement();
                  var statement = connection.prepareStatement(insert)) {
                lenient.execute("set sql_mode = ''");
                for (int i = 0; i < row.size(); i++) {
                  statement.setObject(i + 1, row.get(i));
                }
                return statement.executeUpdate();
              }
            });
  }

  private static Object value(String type, Random random) {
    JsonNode odd = BrokenJson.odd(random);
    String text = odd.isTextual() ? odd.textValue() : odd.toString();
    return switch (type) {
      case "longtext" -> text;
      case "longblob" -> {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        yield random.nextBoolean() && bytes.length > 0 ? BrokenJson.damaged(bytes, random) : bytes;
      }
      case "double" ->
          List.of(1.7976931348623157e308, -0.0, Double.MIN_VALUE, 20260302.0, 0.1 + 0.2, -1e15)
              .get(random.nextInt(6));
      case "decimal(65,10)" ->
          new java.math.BigDecimal("9".repeat(1 + random.nextInt(50)) + ".0000000001");
      case "datetime(6)" ->
          List.of(
                  "0000-00-00 00:00:00",
                  "0001-01-01 00:00:00",
                  "1753-01-01 00:00:00.000001",
                  "9999-12-31 23:59:59.999999",
                  "2026-00-15 00:00:00",
                  "2026-03-08 02:30:00")
              .get(random.nextInt(6));
      case "time(6)" ->
          List.of("838:59:59", "-838:59:59", "00:00:00.000001", "23:59:59.999999")
              .get(random.nextInt(4));
      case "year" -> List.of("1901", "2155", "1984").get(random.nextInt(3));
      case "bit(64)" -> random.nextLong();
      case "date" ->
          List.of("0000-00-00", "2026-02-00", "0001-01-01", "9999-12-31", "1984-03-09")
              .get(random.nextInt(5));
      default ->
          new java.math.BigInteger(
              List.of("18446744073709551615", "0", "1", "9223372036854775808")
                  .get(random.nextInt(4)));
    };
  }

  @Test
  void aValueThatTheDriverCannotReadPausesTheFeedWithAReason() throws Exception {
    try (Office office = Office.at(engine, server)) {
      office.edit("create table odd (PatNum bigint primary key, DateTStamp timestamp, LName year)");
      insertLeniently(
          office, "insert into odd values (?, ?, ?)", List.of(1, "2026-03-02 10:00:00", "0000"));
      Files.writeString(
          office.mapping("patients.sql"),
          """
          -- key: PatNum
          -- changed: DateTStamp
          select p.PatNum, p.DateTStamp, p.LName from odd p
          """);
      office.connect();

      assertThat(office.awaitPause("QUERY_FAILED")).contains("cast it to text");

      Files.writeString(
          office.mapping("patients.sql"),
          """
          -- key: PatNum
          -- changed: DateTStamp
          select p.PatNum, p.DateTStamp, cast(p.LName as char) as LName from odd p
          """);
      office.sync();
      assertThat(office.charts()).isEqualTo(1);
    }
  }

  @Test
  void keysThatAreTextAreReadInTheOrderOfText() throws Exception {
    try (Office office = Office.at(engine, server)) {
      office.edit(
          """
          create table odd (PatNum varchar(60) collate utf8mb4_bin primary key,
            DateTStamp timestamp default '2026-03-02 10:00:00', LName varchar(60))""");
      List<String> keys = new ArrayList<>();
      for (int i = 1; i <= 120; i++) {
        keys.add(String.valueOf(i));
      }
      keys.addAll(List.of("007", "-5", "1e5", "a", "A", "\u00e4", "a b", "a.b", "'quoted'", "%"));
      for (String key : keys) {
        office.edit("insert into odd (PatNum, LName) values (?, 'Someone')", key);
      }
      Files.writeString(
          office.mapping("patients.sql"),
          """
          -- key: PatNum
          -- changed: DateTStamp
          select p.PatNum, p.DateTStamp, p.LName from odd p
          """);
      office.with("pageSize", "7").open();

      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select source_id from patients where practice_id = ?",
                      String.class,
                      office.id()))
          .containsExactlyInAnyOrderElementsOf(keys);

      office.edit("delete from odd where PatNum in ('100', '007', 'a b')");
      office.edit("update odd set LName = 'Moved', DateTStamp = now() where PatNum = '9'");
      office.compare();
      assertThat(office.charts()).isEqualTo(keys.size() - 3);
      assertThat(office.recordOf("9", "person,name,family")).isEqualTo("Moved");
    }
  }

  // ---- Over HTTP ----

  @Test
  void openDentalsApiGoesOnAfterBrokenAnswers(CapturedOutput output) throws Exception {
    try (Office office = Office.at(engine, server);
        OpenDentalApi api =
            OpenDentalApi.over(Objects.requireNonNull(office.pms().getDataSource()));
        RawHttpServer between = new RawHttpServer(origin(api.url()))) {
      office.over(api).with("url", between.url() + "/api/v1").with("records", "patients");
      goesOn(
          office,
          between,
          BrokenAnswers.OPEN_DENTAL,
          "open-dental-api/examples/patient-01-numbers-as-text-and-text-as-numbers",
          number -> office.chart(Someone.named("After", "Answer" + number)));
      assertThat(output).doesNotContain(BrokenJson.SENTINEL);
    }
  }

  @Test
  void ascendGoesOnAfterBrokenAnswers(CapturedOutput output) throws Exception {
    try (Office office = Office.at(engine, server);
        AscendApi api = AscendApi.start();
        RawHttpServer between = new RawHttpServer(origin(api.url()))) {
      office.over(api).with("url", between.url() + "/api").with("records", "patients");
      goesOn(
          office,
          between,
          BrokenAnswers.ASCEND,
          "dentrix-ascend/examples/patient-01-with-three-telephones",
          number -> {
            Someone someone = Someone.named("After", "Answer" + number);
            api.put(
                "/v1/patients",
                1_000_000 + number,
                Map.of("firstName", someone.given(), "lastName", someone.family()));
          });
      assertThat(output).doesNotContain(BrokenJson.SENTINEL);
    }
  }

  @Test
  void aFhirServerIsReadOnAfterBrokenAnswers(CapturedOutput output) throws Exception {
    try (FhirPms pms = FhirPms.start();
        RawHttpServer between = new RawHttpServer(origin(pms.url()));
        Office office =
            Office.at(engine, server)
                .over("fhir-poll", "fhir-r4")
                .with("url", between.url() + "/fhir")) {
      pms.nameItself(between.url() + "/fhir");
      goesOn(
          office,
          between,
          BrokenAnswers.FHIR,
          "fhir-r4/examples/patient-01-plain",
          number ->
              pms.put(
                  FhirPollTest.patient("after-" + number, Someone.named("After", "A" + number))));
      assertThat(output).doesNotContain(BrokenJson.SENTINEL);
    }
  }

  private static String origin(String url) {
    return url.replaceFirst("(http://[^/]+).*", "$1");
  }

  /** Broken answers, each followed by a new chart: it must come, and the rest must stay. */
  private void goesOn(
      Office office,
      RawHttpServer between,
      BrokenAnswers.Form form,
      String example,
      LongConsumer newChart)
      throws Exception {
    newChart.accept(0);
    office.open();
    JsonNode good =
        RecordJson.mapper()
            .readTree(Files.readString(Path.of("mappings").resolve(example + ".in.json")));
    BrokenAnswers answers = new BrokenAnswers(form, good, 4_711);
    for (int number = 1; number <= 12; number++) {
      newChart.accept(number);
      BrokenAnswers.Answer answer = answers.next();
      between.answer(answer.http());
      office.askForPass(false);
      Awaitility.await("the pass after " + answer.what())
          .atMost(Office.LONGEST)
          .until(() -> between.isDone() && isThrough(office.status()));
      FeedStates.Status status = office.status();
      if (status.state().equals("PAUSED")) {
        assertThat(status.reason()).as(answer.what()).isNotBlank();
        assertThat(status.reasonCategory())
            .as(answer.what() + ": " + status.reason())
            .isNotIn("ENGINE", "FILES_WRONG");
      }
      office.sync();
      long expected = number + 1L;
      assertThat(named(office)).as("after " + answer.what()).isEqualTo(expected);
    }
  }

  private static boolean isThrough(FeedStates.Status status) {
    return status.state().equals("PAUSED") || status.state().equals("RUNNING");
  }

  private static long named(Office office) {
    return office.count(
        "select count(*) from patients where practice_id = ? and removed_at is null"
            + " and record #>> '{person,name,given}' = 'After'");
  }
}
