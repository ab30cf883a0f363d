package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.door.Hl7Memory;
import org.pmslink.feed.FeedDesk;
import org.pmslink.feed.FeedHistory;
import org.pmslink.feed.FeedTasks;
import org.pmslink.feed.FeedWatch;
import org.pmslink.sample.OpenDentalServer;

/**
 * What people do with feeds: pause and resume them, whatever their way in. And what is forgotten.
 */
@ExtendWith(Pipeline.class)
class FeedDeskTest {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private final Engine engine;
  private final OpenDentalServer pms;

  FeedDeskTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private void pause(String feed) {
    assertThat(engine.bean(FeedDesk.class).pause(feed, "ina", feed, "the PMS is moved")).isTrue();
  }

  private void resume(String feed) {
    assertThat(engine.bean(FeedDesk.class).resume(feed, "ina", feed)).isTrue();
  }

  /** For long enough that a feed would have read, which looks ten times a second. */
  private static void staysSo(Duration during, java.util.concurrent.Callable<Boolean> so) {
    Awaitility.await().during(during).atMost(Office.LONGEST).until(so);
  }

  @Test
  void aLongTrialOfOnePracticeHoldsUpItsOwnTasksAndNoOther() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      office.chart(Someone.named("Ines", "Caldwell"));
      office.open();
      other.open();
      FeedTasks tasks = engine.bean(FeedTasks.class);
      long trial;
      try (Connection held = Objects.requireNonNull(office.pms().getDataSource()).getConnection();
          Statement lock = held.createStatement()) {
        // The PMS answers nobody else for as long as this holds.
        lock.execute("lock tables patient write");
        trial = tasks.ask(office.name, "ina", office.name, FeedTasks.Kind.DRY_RUN, true);
        awaitTask(office, trial, FeedTasks.State.RUNNING);
        Set<Long> asked =
            IntStream.range(0, 8)
                .parallel()
                .mapToObj(
                    i -> tasks.ask(office.name, "ina", office.name, FeedTasks.Kind.APPLY, false))
                .collect(Collectors.toSet());
        assertThat(asked).as("asked for eight times at once").hasSize(1);
        long apply = asked.iterator().next();
        assertThat(tasks.waitsFor(office.name, task(office, apply)))
            .hasValueSatisfying(why -> assertThat(why).contains("task " + trial));

        long check = tasks.ask(other.name, "ina", other.name, FeedTasks.Kind.CHECK, false);
        awaitTask(other, check, FeedTasks.State.DONE);

        tasks.stop(office.name, "ina", apply);
        assertThat(task(office, apply).state()).isEqualTo(FeedTasks.State.STOPPED);
        tasks.stop(office.name, "ina", trial);
      }
      Awaitility.await().atMost(Office.LONGEST).until(() -> !task(office, trial).isUnderWay());
      assertThat(
              office.count(
                  "select count(*) from audit where practice_id = ? and action = 'applied a feed'"))
          .isEqualTo(1);
    }
  }

  private FeedTasks.Task task(Office office, long task) {
    return engine.bean(FeedTasks.class).find(office.name, office.name, task).orElseThrow();
  }

  private void awaitTask(Office office, long task, FeedTasks.State state) {
    Awaitility.await("task " + task)
        .atMost(Office.LONGEST)
        .until(() -> task(office, task).state(), state::equals);
  }

  @Test
  void aPausedFeedReadsNothingUntilSomebodyResumesIt() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Ines", "Caldwell"));
      office.open();

      Shell without = Shell.run(engine, "feed", "pause", office.name, "--reason", " ");
      Shell paused = Shell.run(engine, "feed", "pause", office.name, "--reason", "server moves");

      assertThat(without.status()).isEqualTo(1);
      assertThat(without.output()).contains("Say why");
      assertThat(paused.status()).as(paused.output()).isZero();
      office.chart(Someone.named("Howard", "Brandt"));
      office.askForPass(false);
      staysSo(Duration.ofSeconds(1), () -> office.charts() == 1);
      Shell status = Shell.run(engine, "status");
      assertThat(status.output())
          .containsPattern("(?m)^" + office.name + " +on hold")
          .containsPattern("paused by cli:\\S+ since \\S+: server moves");
      assertThat(status.status()).isEqualTo(1);
      Shell sync = Shell.run(engine, "sync", office.name);
      assertThat(sync.output()).contains("is paused by cli:").contains("feed resume");
      assertThat(sync.status()).isEqualTo(1);
      assertThat(engine.bean(FeedDesk.class).read(office.name, "ina", office.name, false))
          .isFalse();

      // Forgotten for a day, it raises an alert, which ends with the pause.
      engine
          .store()
          .update(
              "update feeds set on_hold_since = now() - interval '25 hours' where feed = ?",
              office.name);
      engine.bean(FeedWatch.class).look();
      assertThat(alerts(office, "recovered_at is null")).containsExactly("ON_HOLD");

      Shell resumed = Shell.run(engine, "feed", "resume", office.name);
      assertThat(resumed.status()).as(resumed.output()).isZero();
      office.awaitSettled();
      assertThat(office.charts()).isEqualTo(2);
      engine.bean(FeedWatch.class).look();
      assertThat(alerts(office, "recovered_at is not null")).containsExactly("ON_HOLD");
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select action || ' ' || detail from audit where practice_id = ?"
                          + " and action like '%a feed' order by id",
                      String.class, office.id()))
          .containsExactly(
              "paused a feed " + office.name + ": server moves", "resumed a feed " + office.name);
    }
  }

  private List<String> alerts(Office office, String which) {
    return engine
        .store()
        .queryForList(
            "select cause from alerts where practice_id = ? and " + which,
            String.class,
            office.id());
  }

  @Test
  void aFirstLoadLeavesOffAfterItsPageAndGoesOnFromThere() throws Exception {
    try (Office office = Office.at(engine, pms).with("pageSize", "2")) {
      for (int i = 0; i < 300; i++) {
        office.chart(Someone.named("Neighbour", "Number" + i));
      }
      office.connect();
      Awaitility.await()
          .atMost(Office.LONGEST)
          .pollInterval(Duration.ofMillis(20))
          .ignoreExceptions()
          .until(
              () -> office.count("select sum(records) from feed_runs where practice_id = ?") > 0);

      pause(office.name);

      AtomicLong before = new AtomicLong();
      Awaitility.await("it reads no more")
          .atMost(Office.LONGEST)
          .pollInterval(Duration.ofSeconds(1))
          .until(() -> before.getAndSet(read(office)) == before.get());
      assertThat(before.get()).isBetween(2L, 299L);
      resume(office.name);
      office.awaitSettled();
      assertThat(office.charts()).isEqualTo(300);
      assertThat(
              office.count(
                  "select count(*) from feed_runs where practice_id = ? and kind = 'FIRST_LOAD'"))
          .isEqualTo(1);
    }
  }

  private static long read(Office office) {
    return office.count("select sum(records) from feed_runs where practice_id = ?");
  }

  @Test
  void whoSendsToAPausedFeedKeepsWhatTheyHave() throws Exception {
    int port = MllpSender.freePort();
    try (PushedPractice http = PushedPractice.overHttp(engine).open();
        PushedPractice mllp = PushedPractice.overMllp(engine, port).open();
        Office fhir = Office.at(engine, pms).over("fhir-receive", "fhir-r4")) {
      assertThat(fhir.without("poll").connect()).isNull();
      String json = "[{\"sourceId\": \"1\", \"status\": \"ACTIVE\", \"family\": \"Quill\"}]";
      String patient =
          "{\"resourceType\": \"Patient\", \"id\": \"1\", \"name\": [{\"family\": \"Quill\"}]}";
      String message =
          "MSH|^~\\&|PMS|OFFICE|PMSLINK|ENGINE|20260105101500-0500||ADT^A28|1|P|2.5.1\r"
              + "EVN|A28|20260105101500-0500\rPID|1||1^^^OFFICE^PI||Quill^Ada\r";
      String httpToken = http.token();
      String fhirToken =
          engine.bean(AccessTokens.class).create(fhir.name, fhir.name + "-sender", Role.MACHINE);
      List.of(http.name, mllp.name, fhir.name).forEach(this::pause);

      HttpResponse<String> pushed = post("/in/" + http.name + "?type=patients", httpToken, json);
      HttpResponse<String> put = post("/in-fhir/" + fhir.name + "/Patient", fhirToken, patient);
      HttpResponse<String> empty = post("/in-fhir/" + fhir.name, fhirToken, "");

      for (HttpResponse<String> refused : List.of(pushed, put, empty)) {
        assertThat(refused.statusCode()).as(refused.body()).isEqualTo(503);
        assertThat(refused.headers().firstValue("Retry-After")).contains("60");
        assertThat(refused.body()).contains("this feed is paused");
      }
      assertThat(put.body()).contains("OperationOutcome");
      try (MllpSender sender = new MllpSender(port)) {
        assertThat(sender.send(message)).as("no answer, and the connection is closed").isEmpty();
      }
      assertThat(http.count("select count(*) from feed_runs where practice_id = ?")).isOne();
      assertThat(mllp.count("select count(*) from feed_runs where practice_id = ?")).isOne();

      List.of(http.name, mllp.name, fhir.name).forEach(this::resume);
      assertThat(post("/in/" + http.name + "?type=patients", httpToken, json).statusCode())
          .isEqualTo(202);
      assertThat(post("/in-fhir/" + fhir.name + "/Patient", fhirToken, patient).statusCode())
          .isEqualTo(201);
      try (MllpSender sender = new MllpSender(port)) {
        assertThat(MllpSender.msa(sender.send(message))).isEqualTo("AA 1");
      }
      http.awaitSettled();
      mllp.awaitSettled();
      for (PushedPractice practice : List.of(http, mllp)) {
        assertThat(practice.recordOf("1", "person,name,family")).isEqualTo("Quill");
      }
    }
  }

  private HttpResponse<String> post(String path, String token, String body) throws Exception {
    return HTTP.send(
        HttpRequest.newBuilder(URI.create(engine.url() + path))
            .header("Authorization", "Bearer " + token)
            .header(
                "Content-Type",
                path.startsWith("/in-fhir/") ? "application/fhir+json" : "application/json")
            .POST(BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void aPausedFolderLeavesItsFilesAlone(@TempDir Path folder) throws Exception {
    try (PushedPractice files =
        PushedPractice.ofFiles(engine, folder).with("settle", "100ms").open()) {
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> Files.isDirectory(folder.resolve("in")));
      pause(files.name);
      Files.writeString(
          folder.resolve("in/patients.csv"),
          "Patient ID,Last Name,First Name,Birthdate\n1,Quill,Ada,1980-01-02\n");
      staysSo(Duration.ofMillis(2_500), () -> Files.exists(folder.resolve("in/patients.csv")));

      resume(files.name);

      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> Files.exists(folder.resolve("done/patients.csv")));
      files.awaitSettled();
      assertThat(files.recordOf("1", "person,name,family")).isEqualTo("Quill");
    }
  }

  @Test
  void oldPassesAreForgottenAndWhatTheEngineGoesByIsNot() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Ines", "Caldwell"));
      office.open();
      engine
          .store()
          .update(
              "update feed_runs set started_at = now() - interval '300 days' where practice_id = ?",
              office.id());
      long oldComparison = pass(office, "COMPARISON", "DONE", 200);
      long open = pass(office, "CHANGES", "READING", 150);
      long old = pass(office, "CHANGES", "DONE", 100);
      long older = pass(office, "CHANGES", "DONE", 91);
      long recent = pass(office, "CHANGES", "DONE", 80);
      engine
          .store()
          .update(
              "insert into hl7_messages (practice_id, feed, message, content, received_at) values"
                  + " (?, ?, 'old', 'x', now() - interval '91 days'),"
                  + " (?, ?, 'new', 'x', now() - interval '80 days')",
              office.id(),
              office.name,
              office.id(),
              office.name);

      engine
          .store()
          .update(
              "insert into hl7_failed (practice_id, feed, message, source_id, received_at) values"
                  + " (?, ?, 'old', 'no-id-1', now() - interval '91 days'),"
                  + " (?, ?, 'new', 'no-id-2', now() - interval '80 days')",
              office.id(),
              office.name,
              office.id(),
              office.name);

      engine.bean(FeedHistory.class).forgetOld();
      engine.bean(Hl7Memory.class).forgetOld();

      List<Long> kept =
          engine
              .store()
              .queryForList(
                  "select id from feed_runs where practice_id = ? and kind <> 'FIRST_LOAD'"
                      + " order by id",
                  Long.class,
                  office.id());
      assertThat(kept).contains(oldComparison, open, recent).doesNotContain(old, older);
      assertThat(
              office.count(
                  "select count(*) from feed_runs where practice_id = ? and kind = 'FIRST_LOAD'"))
          .as("without its first load nothing would be decided any more")
          .isOne();
      assertThat(
              office.count(
                  "select count(*) from feed_pages p where practice_id = ? and not exists"
                      + " (select 1 from feed_runs r where r.id = p.run_id)"))
          .isZero();
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select run_id from feed_pages where practice_id = ?",
                      Long.class,
                      office.id()))
          .contains(oldComparison, open, recent);
      assertThat(office.count("select count(*) from hl7_messages where practice_id = ?")).isOne();
      assertThat(office.count("select count(*) from hl7_failed where practice_id = ?")).isOne();
      engine
          .store()
          .update("update feed_runs set phase = 'DONE', read_at = now() where id = ?", open);

      // The newest first load is still known to be one, so a new chart is matched at once.
      office.member("M1", Someone.named("Ines", "Caldwell"));
      office.sync();
      assertThat(office.charts()).isOne();
    }
  }

  private long pass(Office office, String kind, String phase, int daysAgo) {
    Long run =
        engine
            .store()
            .queryForObject(
                "insert into feed_runs (practice_id, feed, source, kind, phase, started_at)"
                    + " values (?, ?, 'open-dental', ?, ?, now() - ? * interval '1 day')"
                    + " returning id",
                Long.class,
                office.id(),
                office.name,
                kind,
                phase,
                daysAgo);
    engine
        .store()
        .update(
            "insert into feed_pages values (?, ?, 1, '', 1, 1, 1, 1, 0, 0, 0, 0)",
            office.id(),
            run);
    return java.util.Objects.requireNonNull(run);
  }
}
