package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.feed.FeedDesk;
import org.pmslink.sample.OpenDentalApi;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** A feed that falls silent raises one alert, with its cause, and one line when it is back. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FeedAlertsTest {
  private final OpenDentalServer pms;
  private final Engine engine;

  FeedAlertsTest(OpenDentalServer pms, @TempDir Path folder) throws IOException {
    this.pms = pms;
    engine =
        new Engine(
                folder.resolve("engine"),
                "--pmslink.alerts.period=100",
                "--pmslink.alerts.least-silence=PT3S")
            .withWeb();
  }

  @BeforeAll
  void start() {
    engine.start();
  }

  @AfterAll
  void stop() {
    engine.close();
  }

  private List<Map<String, Object>> alerts(Office office) {
    return engine
        .store()
        .queryForList(
            "select cause, message, recovered_at from alerts where feed = ? order by id",
            office.name);
  }

  private void awaitAlert(Office office, String cause) {
    Awaitility.await("an alert about " + office.name)
        .atMost(Office.LONGEST)
        .until(() -> alerts(office).stream().anyMatch(a -> cause.equals(a.get("cause"))));
  }

  private void awaitEnd(Office office) {
    Awaitility.await("the alert about " + office.name + " is over")
        .atMost(Office.LONGEST)
        .until(() -> alerts(office).stream().allMatch(a -> a.get("recovered_at") != null));
  }

  private static long lines(CapturedOutput output, String text) {
    return output.getAll().lines().filter(l -> l.contains(text)).count();
  }

  @Test
  void aComparisonThatMissesTooMuchIsAnAlertThoughTheFeedGoesOn() throws Exception {
    try (Office office = Office.at(engine, pms).with("poll", "PT0.2S")) {
      for (int i = 0; i < 30; i++) {
        office.chart(Someone.named("Nadia", "Number" + i));
      }
      office.open();
      office.edit("delete from patient order by PatNum limit 25");
      office.askForPass(true);

      awaitAlert(office, "EMPTY_RESULT");
      assertThat(office.status().state()).isEqualTo("RUNNING");
      assertThat(
              office.count(
                  """
                  select count(*) from alerts a
                  join feed_cursors c on c.practice_id = a.practice_id and c.feed = a.feed
                  where a.practice_id = ? and a.raised_at < c.missing_since + interval '3 seconds'"""))
          .as("said at once, and not after the usual silence")
          .isEqualTo(1);
      assertThat(
              engine
                  .bean(FeedDesk.class)
                  .acceptMissing(office.name, "ina", office.name, "patients"))
          .isPresent();

      awaitEnd(office);
      assertThat(alerts(office)).hasSize(1);
      assertThat((String) alerts(office).get(0).get("message")).contains("25 of 30 charts");
    }
  }

  /** All else is read, so nobody would notice; a graver cause is said instead while it lasts. */
  @Test
  void streamsThatThePmsWithholdsAreAnAlertUntilTheyArePermitted(CapturedOutput output)
      throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api =
            OpenDentalApi.over(Objects.requireNonNull(office.pms().getDataSource()))) {
      office.chart(Someone.named("Theodora", "Vance"));
      api.allowQueries(false);
      office.over(api).with("queries", "true").with("poll", "PT0.5S").open();

      awaitAlert(office, "STREAMS_WITHHELD");
      assertThat(String.valueOf(alerts(office).get(0).get("message")))
          .contains("the PMS does not allow clinics, merges, ")
          .contains("the office must permit it (of Open Dental's API: queries)");
      Shell status = Shell.run(engine, "status");
      assertThat(status.output())
          .contains(", STREAMS_WITHHELD: the PMS does not allow clinics, merges, ");
      assertThat(status.status()).isEqualTo(1);
      assertThat(lines(output, "alert: feed " + office.name + ": ")).isEqualTo(1);

      FeedDesk desk = engine.bean(FeedDesk.class);
      desk.pause(office.name, "ina", office.name, "the office moves");
      engine
          .store()
          .update(
              "update feeds set on_hold_since = now() - interval '2 days' where feed = ?",
              office.name);
      Awaitility.await("the graver cause is said")
          .atMost(Office.LONGEST)
          .until(() -> "ON_HOLD".equals(alerts(office).get(0).get("cause")));
      assertThat(lines(output, "alert has another cause: feed " + office.name + ": ")).isOne();
      desk.resume(office.name, "ina", office.name);
      awaitAlert(office, "STREAMS_WITHHELD");

      api.allowQueries(true);
      awaitEnd(office);
      assertThat(alerts(office)).hasSize(1);
      assertThat(lines(output, "alert over: feed " + office.name + " ")).isEqualTo(1);
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select type || ' ' || (data ->> 'cause') from events where practice_id = ?"
                          + " and type like 'pmslink.feed.%' order by id",
                      String.class, office.id()))
          .containsExactly(
              "pmslink.feed.alert STREAMS_WITHHELD",
              "pmslink.feed.alert ON_HOLD",
              "pmslink.feed.alert STREAMS_WITHHELD",
              "pmslink.feed.recovered STREAMS_WITHHELD");
    }
  }

  @Test
  void aPmsThatIsAwayIsOneAlertHoweverOftenItIsTried(CapturedOutput output) throws Exception {
    try (Cable cable = new Cable(port());
        Office office = through(cable).with("poll", "PT0.2S")) {
      office.chart(Someone.named("Ines", "Caldwell"));
      office.open();

      cable.cut();
      awaitAlert(office, "UNREACHABLE");
      Awaitility.await("tried again and again")
          .atMost(Office.LONGEST)
          .until(
              () ->
                  office.count("select failures from feeds where practice_id = ?") >= 4
                      && office.status().state().equals("PAUSED"));
      Shell status = Shell.run(engine, "status");
      assertThat(status.output()).contains(", UNREACHABLE: nothing read since ");
      assertThat(status.status()).isEqualTo(1);
      cable.mend();
      office.askForPass(false);
      awaitEnd(office);

      assertThat(alerts(office)).hasSize(1);
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select type || ' ' || subject || ' ' || (data ->> 'feed') || ' '"
                          + " || (data ->> 'cause') from events where practice_id = ?"
                          + " and type like 'pmslink.feed.%' order by id",
                      String.class, office.id()))
          .as("whoever is told of events is told of both")
          .containsExactly(
              "pmslink.feed.alert feeds/" + office.name + " " + office.name + " UNREACHABLE",
              "pmslink.feed.recovered feeds/" + office.name + " " + office.name + " UNREACHABLE");
      assertThat(lines(output, "alert: feed " + office.name + ": ")).isEqualTo(1);
      assertThat(lines(output, "alert over: feed " + office.name + " ")).isEqualTo(1);
      assertThat(output.getAll()).doesNotContain("Caldwell");
      MeterRegistry metrics = engine.bean(MeterRegistry.class);
      assertThat(metrics.get("pmslink.alerts.raised").tag("cause", "UNREACHABLE").counter().count())
          .isEqualTo(1);
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> metrics.get("pmslink.alerts.open").gauge().value() == 0);
    }
  }

  private int port() {
    return URI.create(pms.jdbcUrl().substring("jdbc:".length())).getPort();
  }

  private Office through(Cable cable) throws IOException {
    Office office = Office.at(engine, pms);
    return office.with(
        "url",
        pms.jdbcUrlOf(office.name.replace('-', '_')).replace(":" + port(), ":" + cable.port()));
  }

  @Test
  void aPauseIsNoAlertWhereThisFeedIsUsedToIt() throws Exception {
    try (Cable cable = new Cable(port());
        Office office = through(cable)) {
      office.open();
      // Every week at this hour it said nothing for a day.
      pretend(office, "now() - interval '1 day' - w * interval '7 days'", 0, 8);
      pretend(office, "now() + interval '1 day' - w * interval '7 days'", 1, 8);

      cable.cut();
      office.askForPass(false);
      office.awaitPause("UNREACHABLE");
      Awaitility.await("paused for longer than any feed may be")
          .atMost(Office.LONGEST)
          .until(
              () ->
                  office.count(
                          "select count(*) from feeds where practice_id = ?"
                              + " and paused_since < now() - interval '4 seconds'")
                      == 1);

      assertThat(alerts(office)).isEmpty();
    }
  }

  /** Passes that brought something, long ago; the ones of today are forgotten. */
  private void pretend(Office office, String when, int fromWeek, int toWeek) {
    engine.store().update("delete from feed_runs where feed = ? and kind = 'CHANGES'", office.name);
    engine
        .store()
        .update(
            "insert into feed_runs (practice_id, feed, source, kind, phase, started_at)"
                + " select ?, ?, 'open-dental', 'CHANGES', 'DONE', "
                + when
                + " from generate_series(?, ?) w",
            office.id(),
            office.name,
            fromWeek,
            toWeek);
  }

  @Test
  void aColumnThatIsMissingIsAnAlertWhateverTheHour() throws Exception {
    try (Office office = Office.at(engine, pms).with("poll", "PT0.2S")) {
      office.open();

      office.edit("alter table patient change Email EmailAddress varchar(100) not null");
      awaitAlert(office, "COLUMN_MISSING");
      office.edit("alter table patient change EmailAddress Email varchar(100) not null");
      office.askForPass(false);

      awaitEnd(office);
      assertThat(alerts(office)).hasSize(1);
    }
  }

  @Test
  void passesThatBringNothingNewAreAnAlertWhenTheyUsuallyDo() throws Exception {
    try (Office office = Office.at(engine, pms).with("poll", "PT0.2S")) {
      office.open();
      arrivedHourly(office, "open-dental", 10);

      awaitAlert(office, "NOTHING_NEW");
      assertThat(String.valueOf(alerts(office).get(0).get("message")))
          .contains("1:30 h at the most are usual");
      office.chart(Someone.named("Ines", "Caldwell"));

      awaitEnd(office);
      assertThat(alerts(office)).hasSize(1);
    }
  }

  @Test
  void aServerWhoseClockIsOffIsNamedAsTheCauseOfTheSilence() throws Exception {
    try (Office office = Office.at(engine, pms).with("poll", "PT1H")) {
      office.open();
      arrivedHourly(office, "open-dental", 10);
      // As if the office's server had come back from a power cut with another time.
      engine
          .store()
          .update("update feeds set clock_off_seconds = -7200 where feed = ?", office.name);

      awaitAlert(office, "CLOCK_OFF");
      assertThat(String.valueOf(alerts(office).get(0).get("message")))
          .contains("the PMS server's clock is 120 minutes behind ours");
      // The next pass finds the clock right, and something new.
      office.chart(Someone.named("Ines", "Caldwell"));
      office.sync();

      awaitEnd(office);
      assertThat(alerts(office)).hasSize(1);
    }
  }

  /** A change in every hour of eight weeks, but for the last ones. */
  private void arrivedHourly(Office office, String source, int quietHours) {
    arrivedHourly(office.id(), office.name, source, quietHours);
  }

  private void arrivedHourly(int practice, String feed, String source, int quietHours) {
    engine.store().update("delete from feed_runs where feed = ?", feed);
    engine
        .store()
        .update(
            "insert into feed_runs (practice_id, feed, source, kind, phase, started_at)"
                + " select ?, ?, ?, 'CHANGES', 'DONE', now() - h * interval '1 hour'"
                + " from generate_series(?, 1500) h",
            practice,
            feed,
            source,
            quietHours);
  }

  /** A copy that was restored and left: it can be read, and time stands still in it. */
  @Test
  void aPmsWhoseClockStandsStillIsAnAlert() throws Exception {
    try (Office office =
        Office.at(engine, pms)
            .with("poll", "PT0.2S")
            .with(
                "clock",
                "select if((select stands from the_clock), timestamp '2026-09-01 12:00:00',"
                    + " current_timestamp)")) {
      office.edit("create table the_clock (stands boolean)");
      office.edit("insert into the_clock values (true)");
      office.open();

      awaitAlert(office, "WATERMARK_STANDS");
      assertThat(String.valueOf(alerts(office).get(0).get("message")))
          .contains("clock has not moved since ");
      office.edit("update the_clock set stands = false");

      awaitEnd(office);
      assertThat(alerts(office)).hasSize(1);
    }
  }

  /** Nobody reads a feed that is sent to: what does not come is all that can be noticed. */
  @Test
  void aSenderThatFallsSilentIsAnAlertAndOneRecordEndsIt() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      assertThat(push(practice, token, "p1")).isEqualTo(202);
      practice.awaitSettled();
      arrivedHourly(practice.id(), practice.name, "pushing-pms", 10);

      Awaitility.await("an alert about " + practice.name)
          .atMost(Office.LONGEST)
          .until(() -> !alertsOf(practice).isEmpty());
      assertThat(alertsOf(practice).get(0))
          .startsWith("NOTHING_NEW nothing new since ")
          .endsWith("does the sender still run?");
      assertThat(push(practice, token, "p2")).isEqualTo(202);

      Awaitility.await("the alert about " + practice.name + " is over")
          .atMost(Office.LONGEST)
          .until(
              () ->
                  practice.count(
                          "select count(*) from alerts where practice_id = ?"
                              + " and recovered_at is null")
                      == 0);
      assertThat(alertsOf(practice)).hasSize(1);
    }
  }

  private static List<String> alertsOf(PushedPractice practice) {
    return practice.texts("select cause || ' ' || message from alerts where practice_id = ?");
  }

  private int push(PushedPractice practice, String token, String id) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create(engine.url() + "/in/" + practice.name))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .POST(
                    HttpRequest.BodyPublishers.ofString(
                        "[{\"sourceId\": \"" + id + "\", \"family\": \"Caldwell\"}]"))
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }
}
