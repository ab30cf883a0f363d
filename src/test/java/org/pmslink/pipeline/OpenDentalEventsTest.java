package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.sample.OpenDentalApi;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What the subscriptions of Open Dental's API send, beside a feed that polls the same office. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class OpenDentalEventsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final String KEY = OpenDentalApi.CUSTOMER_KEY;
  private static final String PATIENTS = "WatchTable: Patient";
  private static final String APPOINTMENTS = "WatchTable: Appointment";
  private static final String SENTINEL = "Xyloquenta";

  private final Engine engine;
  private final OpenDentalServer pms;

  OpenDentalEventsTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private static OpenDentalApi api(Office office) {
    return OpenDentalApi.over(Objects.requireNonNull(office.pms().getDataSource()));
  }

  private HttpResponse<String> send(
      PushedPractice events, @Nullable String key, @Nullable String type, String body)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(engine.url() + "/in/" + events.name))
            .timeout(Duration.ofMinutes(1))
            .header("Workstation", "FRONT-DESK")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (key != null) {
      request.header("Authorization", key);
    }
    if (type != null) {
      request.header("Event-Type", type);
    }
    return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode deliver(PushedPractice events, String type, String body) throws Exception {
    HttpResponse<String> answer = send(events, KEY, type, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private static ObjectNode row(long number, Someone who, String city, String stamp) {
    return JSON.createObjectNode()
        .put("PatNum", number)
        .put("LName", who.family())
        .put("FName", who.given())
        .put("PatStatus", "Patient")
        .put("Birthdate", who.birthDate())
        .put("WirelessPhone", who.mobile())
        .put("City", city)
        .put("Position", "Single")
        .put("DateTStamp", stamp);
  }

  private static void await(String what, java.util.concurrent.Callable<Boolean> until) {
    Awaitility.await(what).atMost(Office.LONGEST).until(until);
  }

  @Test
  void aThousandRowsWithDuplicatesAreTakenOnceAndTheNewestStateCounts() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      Someone ada = Someone.named("Philippa", "Anders");
      office.over(api).open();
      office.member("M1", ada);
      try (PushedPractice events = PushedPractice.ofEvents(engine, office, KEY).open()) {
        ArrayNode rows = JSON.createArrayNode();
        rows.add(row(1, ada, "Dublin", "2026-06-02 10:00:00"));
        for (int i = 2; i <= 900; i++) {
          rows.add(
              row(i, Someone.named("Neighbour", "Number" + i), "Akron", "2026-06-01 09:00:00"));
        }
        // Each workstation sends what it saw, and one of them has looked earlier.
        rows.add(row(1, ada, "Columbus", "2026-06-01 10:00:00"));
        for (int i = 2; i <= 100; i++) {
          rows.add(rows.get(i - 1).deepCopy());
        }
        assertThat(rows).hasSize(1_000);

        JsonNode answer = deliver(events, PATIENTS, rows.toString());

        assertThat(answer.path("received").asInt()).isEqualTo(1_000);
        office.awaitSettled();
        assertThat(office.charts()).isEqualTo(900);
        assertThat(office.recordOf(1, "person,address,city")).isEqualTo("DUBLIN");
        assertThat(office.memberOf(1)).isEqualTo("M1");
        assertThat(office.deadLetters()).isZero();

        String before = office.snapshot();
        deliver(events, PATIENTS, rows.toString());
        office.awaitSettled();
        assertThat(office.snapshot()).as("sent once more").isEqualTo(before);
      }
    }
  }

  @Test
  void aDeliveryThatComesLateChangesNothing() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      Someone ada = Someone.named("Philippa", "Anders");
      office.over(api).open();
      office.member("M1", ada);
      Activities activities = engine.bean(Activities.class);
      try (PushedPractice events = PushedPractice.ofEvents(engine, office, KEY).open()) {
        deliver(events, PATIENTS, "[" + row(1, ada, "Dublin", "2026-06-02 10:00:00") + "]");
        deliver(events, APPOINTMENTS, visit("Complete", "2026-06-02 10:00:00"));
        await("they came", () -> activities.visitsOf(office.id(), "M1").size() == 1);

        deliver(events, PATIENTS, "[" + row(1, ada, "Akron", "2026-06-01 10:00:00") + "]");
        deliver(events, APPOINTMENTS, visit("Scheduled", "2026-06-01 10:00:00"));
        office.awaitSettled();

        assertThat(office.recordOf(1, "person,address,city")).isEqualTo("DUBLIN");
        assertThat(activities.visitsOf(office.id(), "M1"))
            .extracting(MemberVisit::status)
            .containsExactly("COMPLETED");

        deliver(
            events, "WatchTable: AppointmentDeleted", "[{\"HistApptNum\": 1, \"AptNum\": \"7\"}]");
        await("the visit is gone", () -> activities.visitsOf(office.id(), "M1").isEmpty());
        deliver(events, APPOINTMENTS, visit("Complete", "2026-06-02 10:00:00"));
        office.awaitSettled();
        assertThat(activities.visitsOf(office.id(), "M1")).as("sent once more").isEmpty();

        deliver(events, PATIENTS, "[" + row(1, ada, "Akron", "2026-06-03 10:00:00") + "]");
        deliver(events, APPOINTMENTS, visit("Scheduled", "2026-06-03 10:00:00"));
        office.awaitSettled();
        assertThat(office.recordOf(1, "person,address,city")).isEqualTo("AKRON");
        assertThat(activities.visitsOf(office.id(), "M1")).as("undeleted").hasSize(1);
      }
    }
  }

  private static String visit(String status, String stamp) {
    return "[{\"AptNum\": 7, \"PatNum\": 1, \"AptStatus\": \""
        + status
        + "\", \"Pattern\": \"/XX/\", \"AptDateTime\": \"2026-06-02 09:30:00\", \"DateTStamp\": \""
        + stamp
        + "\"}]";
  }

  @Test
  void whatWasSentIsFoundUnchangedWhenItIsAskedFor() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      Someone ada = Someone.named("Philippa", "Anders");
      long chart = office.chart(ada);
      office.over(api).open();
      office.member("M1", ada);
      try (PushedPractice events = PushedPractice.ofEvents(engine, office, KEY).open()) {
        office.edit("update patient set City = 'Dublin', EstBalance = 12 where PatNum = ?", chart);
        deliver(events, PATIENTS, listed(api, "/patients/Simple"));
        await("it came", () -> office.recordOf(chart, "person,address,city").equals("DUBLIN"));
        office.awaitSettled();
        String before = office.snapshot();

        office.sync();

        assertThat(office.snapshot()).isEqualTo(before);
        assertThat(
                office.count(
                    "select count(*) from feed_runs where practice_id = ? and kind = 'CHANGES'"))
            .as("passes that had something to send")
            .isZero();

        office.edit(
            """
            insert into appointment (AptNum, PatNum, AptStatus, Pattern, AptDateTime)
            values (7, ?, 2, '/XX/', '2026-03-02 09:30:00')""",
            chart);
        deliver(events, "WatchTable: Appointment", listed(api, "/appointments"));
        Activities activities = engine.bean(Activities.class);
        await("the visit", () -> !activities.visitsOf(office.id(), "M1").isEmpty());
        assertThat(activities.visitsOf(office.id(), "M1"))
            .extracting(MemberVisit::onDate)
            .containsExactly(LocalDate.of(2026, 3, 2));
        deliver(
            events,
            "WatchTable: AppointmentDeleted",
            "[{\"HistApptNum\": 1, \"HistApptAction\": \"Deleted\", \"AptNum\": \"7\"}]");
        await("the visit is gone", () -> activities.visitsOf(office.id(), "M1").isEmpty());
      }
    }
  }

  /** As the office's Open Dental has it, without what only answers have. */
  private static String listed(OpenDentalApi api, String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(api.url() + path + "?Limit=100"))
            .header("Authorization", "ODFHIR " + OpenDentalApi.DEVELOPER_KEY + "/" + KEY)
            .build();
    JsonNode rows = JSON.readTree(HTTP.send(request, HttpResponse.BodyHandlers.ofString()).body());
    rows.forEach(row -> ((ObjectNode) row).remove("serverDateTime"));
    return rows.toString();
  }

  @Test
  void whoHasNotTheOfficesKeyIsRefusedAndNoted() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.over(api).open();
      try (PushedPractice events = PushedPractice.ofEvents(engine, office, KEY).open()) {
        String body = "[" + row(1, Someone.named("Vera", SENTINEL), "Akron", "") + "]";
        String token =
            engine.bean(AccessTokens.class).create(office.name, "not-open-dental", Role.MACHINE);

        for (String key :
            new String[] {"wrong", KEY + "x", KEY.substring(1), "ODFHIR x/" + KEY, " "}) {
          assertThat(send(events, key, PATIENTS, body).statusCode()).as(key).isEqualTo(401);
        }
        assertThat(send(events, null, PATIENTS, body).statusCode()).isEqualTo(401);
        assertThat(send(events, "Bearer " + token, PATIENTS, body).statusCode())
            .as("a token of the practice")
            .isEqualTo(401);

        assertThat(
                office.count(
                    "select count(*) from audit where practice_id = ? and action = 'refused'"
                        + " and detail like 'no good signature or key, from %'"))
            .isGreaterThanOrEqualTo(4);
        assertThat(office.charts()).isZero();
        assertThat(send(events, KEY, PATIENTS, body).statusCode()).isEqualTo(200);
        await("with the key", () -> office.charts() == 1);
      }
      try (PushedPractice open = PushedPractice.ofEvents(engine, office, KEY)) {
        assertThat(open.with("customerKey", KEY).refusal())
            .contains("customerKey: write a placeholder")
            .doesNotContain(KEY);
        assertThat(open.with("customerKey", "{{no-such-setting:}}").refusal())
            .contains("customerKey: is empty");
      }
    }
  }

  @Test
  void whatCannotBeReadIsRefusedAndWhatIsOfNoUseIsPassedOver(CapturedOutput output)
      throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.over(api).open();
      try (PushedPractice events = PushedPractice.ofEvents(engine, office, KEY).open()) {
        String row = row(1, Someone.named("Vera", SENTINEL), "Akron", "").toString();
        for (String body : new String[] {"", "[" + row, "\"" + SENTINEL + "\"", "[" + row + "]]"}) {
          HttpResponse<String> refused = send(events, KEY, PATIENTS, body);
          assertThat(refused.statusCode()).as(body).isEqualTo(400);
          assertThat(refused.body()).doesNotContain(SENTINEL);
        }
        HttpResponse<String> untold = send(events, KEY, null, "[" + row + "]");
        assertThat(untold.statusCode()).isEqualTo(400);
        assertThat(untold.body()).contains("Event-Type");

        for (String type :
            new String[] {
              "WatchTable: PatField", "UiEventType: PatientSelected", "WatchTable: New", SENTINEL
            }) {
          JsonNode answer = deliver(events, type, "[" + row + "," + row + "]");
          assertThat(answer.path("received").asInt()).as(type).isZero();
          assertThat(answer.path("passed_over").asInt()).as(type).isEqualTo(2);
        }
        assertThat(
                office.count(
                    "select count(*) from audit where practice_id = ? and action = 'push'"
                        + " and detail like '%: 0 records, % bytes, 2 rows passed over'"))
            .isEqualTo(4);
        office.awaitSettled();
        assertThat(office.charts()).isZero();
        assertThat(output).doesNotContain(SENTINEL);
      }
    }
  }

  @Test
  void aRowThatIsNoneBecomesADeadLetterAndItsNeighboursGoOn(CapturedOutput output)
      throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.over(api).open();
      try (PushedPractice events = PushedPractice.ofEvents(engine, office, KEY).open()) {
        String stamp = "2026-06-01 09:00:00";
        ArrayNode rows = JSON.createArrayNode();
        rows.add(row(1, Someone.named("Mona", "Ashworth"), "Akron", stamp));
        ObjectNode nameless = row(2, Someone.named("Vera", SENTINEL), "Akron", stamp);
        nameless.remove("PatNum");
        rows.add(nameless);
        rows.add(SENTINEL);
        rows.addNull();
        rows.addArray().add(SENTINEL);
        ObjectNode half = row(3, Someone.named("Vera", "Half"), "Akron", stamp);
        rows.add(half.put("LName", "Ha\ud83dlf"));
        rows.add(row(4, Someone.named("Ines", "Caldwell"), "Akron", stamp));

        // As text with an escape: the half of a pair has no bytes.
        String body = rows.toString().replace("\ud83d", "\\ud83d");
        assertThat(deliver(events, PATIENTS, body).path("received").asInt()).isEqualTo(7);

        office.awaitSettled();
        assertThat(office.charts()).isEqualTo(3);
        assertThat(office.recordOf(4, "person,name,family")).isEqualTo("Caldwell");
        assertThat(
                engine
                    .bean(LetterSearch.class)
                    .search(office.name, LetterFilter.ALL, null, 1_000)
                    .letters())
            .hasSize(4)
            .allSatisfy(
                letter -> {
                  assertThat(letter.toString()).doesNotContain(SENTINEL);
                  assertThat(letter.feed()).isEqualTo(events.name);
                });
        assertThat(output).doesNotContain(SENTINEL);
      }
    }
  }

  @Test
  void afterAGapThatOpenDentalDoesNotCatchUpTheOtherFeedReadsByItself() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.over(api).open();
      try (PushedPractice events = PushedPractice.ofEvents(engine, office, KEY).open()) {
        Instant read = Objects.requireNonNull(office.status().lastPassAt());
        deliver(events, PATIENTS, "[]");
        assertThat(isAsked(office, read)).as("the first delivery").isFalse();
        lastHeard(office, events, "2 days");
        long missed = office.chart(Someone.named("Missed", "Meanwhile"));

        deliver(events, PATIENTS, "[]");

        assertThat(isAsked(office, read)).as("Open Dental catches up two days").isFalse();
        assertThat(office.charts()).isZero();

        lastHeard(office, events, "4 days");
        deliver(events, "UiEventType: PatientSelected", "[]");

        await("the chart", () -> !office.recordOf(missed, "sourceId").isEmpty());
        office.awaitSettled();
        Instant again = Objects.requireNonNull(office.status().lastPassAt());
        deliver(events, PATIENTS, "[]");
        assertThat(isAsked(office, again)).as("heard of meanwhile").isFalse();
      }
      try (PushedPractice alone =
          PushedPractice.ofEvents(engine, office, KEY).with("pollFeed", "nobody").open()) {
        deliver(alone, PATIENTS, "[]");
        lastHeard(office, alone, "4 days");

        deliver(
            alone, PATIENTS, "[" + row(99, Someone.named("Ines", "Caldwell"), "Akron", "") + "]");

        assertThat(
                engine
                    .store()
                    .queryForObject(
                        "select reason_category || ': ' || reason from feeds where feed = ?",
                        String.class,
                        alone.name))
            .startsWith("EVENTS_MISSED: ")
            .contains("pollFeed");
      }
    }
  }

  private void lastHeard(Office office, PushedPractice events, String ago) {
    assertThat(
            engine
                .store()
                .update(
                    "update feeds set last_received_at = now() - ?::interval"
                        + " where practice_id = ? and feed = ? and last_received_at is not null",
                    ago,
                    office.id(),
                    events.name))
        .isEqualTo(1);
  }

  /** Whether the polling feed was asked to read since, and has read or not. */
  private boolean isAsked(Office office, Instant since) {
    return !engine
        .store()
        .queryForList(
            """
            select 1 from feeds where practice_id = ? and feed = ?
              and (sync_asked_at is not null or last_pass_at > ?)""",
            Integer.class,
            office.id(),
            office.name,
            Timestamp.from(since))
        .isEmpty();
  }
}
