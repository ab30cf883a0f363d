package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.apache.camel.CamelContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.sample.OpenDentalServer;

/** {@code pms-link feed apply}: a feed file is taken up while the engine runs, or not at all. */
@ExtendWith(Pipeline.class)
class FeedApplyTest {
  private final Engine engine;
  private final OpenDentalServer pms;

  FeedApplyTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private Shell apply(Office office) {
    return Shell.run(engine, "feed", "apply", office.name);
  }

  /** The office's feed reads what changes now. */
  private static void goesOn(Office office) {
    long chart = office.chart(Someone.named("Ines", "Caldwell"));
    office.sync();
    assertThat(office.recordOf(chart, "person,name,family")).isEqualTo("Caldwell");
  }

  /** Threads of a feed's connection pools: each pool has a housekeeper of its own. */
  private static long pools(Office office) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> t.isAlive() && t.getName().equals(office.name + ":housekeeper"))
        .count();
  }

  @Test
  void aFeedThatCannotLogInTakesNobodysPlace() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      office.with("password", "wrong").writeFeedFile();

      Shell applied = apply(office);

      assertThat(applied.output())
          .contains("refuses the login")
          .contains("the feed runs on as before");
      assertThat(applied.status()).isEqualTo(1);
      goesOn(office);
    }
  }

  @Test
  void aShorterPollTakesEffectWithoutARestartAndLeavesNoConnectionsBehind() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Instant before = Objects.requireNonNull(office.status().lastPassAt());
      int endpoints = engine.bean(CamelContext.class).getEndpoints().size();
      assertThat(pools(office)).isEqualTo(1);

      office.with("poll", "PT0.2S").with("pageSize", "7").writeFeedFile();
      Shell applied = apply(office);

      assertThat(applied.output()).isEqualTo(office.name + ": runs as its file says now\n");
      assertThat(applied.status()).isZero();
      long chart = office.chart(Someone.named("Ines", "Caldwell"));
      Awaitility.await("read without being asked, twice")
          .atMost(Office.LONGEST)
          .until(
              () ->
                  office.recordOf(chart, "person,name,family").equals("Caldwell")
                      && Objects.requireNonNull(office.status().lastPassAt())
                          .isAfter(before.plus(Duration.ofMillis(400))));
      Awaitility.await("the former pool is gone")
          .atMost(Duration.ofSeconds(20))
          .until(() -> pools(office), n -> n == 1);
      assertThat(engine.bean(CamelContext.class).getEndpoints()).hasSize(endpoints);
    }
  }

  @Test
  void aSmallerPageTakesEffectInTheMiddleOfAFirstLoadAndEveryChartArrivesOnce() throws Exception {
    try (Office office = Office.at(engine, pms).with("pageSize", "3")) {
      for (int i = 0; i < 600; i++) {
        office.chart(Someone.named("Nadia", "Oyelaran"));
      }
      office.connect();
      Awaitility.await("some pages are read")
          .atMost(Office.LONGEST)
          .ignoreExceptions()
          .until(
              () -> office.count("select max(page) from feed_cursors where practice_id = ?") > 9);

      office.with("pageSize", "40").writeFeedFile();
      Shell applied = apply(office);
      assertThat(office.status().loading()).as("the load was under way").isTrue();
      assertThat(applied.status()).as(applied.output()).isZero();
      office.awaitSettled();

      assertThat(office.charts()).isEqualTo(600);
      assertThat(office.deadLetters()).isZero();
      assertThat(
              office.count(
                  "select count(*) from feed_runs where practice_id = ? and kind = 'FIRST_LOAD'"))
          .as("the load went on where it was")
          .isEqualTo(1);
      assertThat(office.count("select sum(records) from feed_pages where practice_id = ?"))
          .as("no chart was read twice")
          .isEqualTo(600);
      assertThat(office.count("select max(records) from feed_pages where practice_id = ?"))
          .as("pages of 40 in four groups")
          .isGreaterThan(3);
    }
  }

  @Test
  void aFileThatIsWrongLeavesTheFeedRunningAndSaysWhere() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Files.createDirectories(office.mapping("examples"));
      Files.writeString(office.mapping("examples/patient-01-odd.in.json"), "{\"PatNum\": 1}");
      Files.writeString(
          office.mapping("examples/patient-01-odd.out.json"), "{\"sourceId\": \"2\"}");
      assertRefused(
          office, apply(office), office.name + "/patient.jslt: example patient-01-odd.in.json");
      Files.delete(office.mapping("examples/patient-01-odd.in.json"));

      String good = Files.readString(office.feedFile());
      assertRefused(
          office,
          changed(office, good, "name: poll", "name: polll"),
          "line 20: unknown parameter \"polll\"");
      assertRefused(
          office,
          changed(office, good, "Ref: sql-feed", "Ref: sql-fed"),
          "line 2: there is no route template \"sql-fed\"");
      assertRefused(
          office,
          changed(office, good, "value: \"open-dental\"", "value: \"dentrix\""),
          "a feed keeps its source, \"open-dental\"");
      Files.delete(office.feedFile());
      assertThat(apply(office).output()).contains("there is no file " + office.name);

      goesOn(office);
    }
  }

  private static void assertRefused(Office office, Shell applied, String reason) {
    assertThat(applied.output())
        .contains("\n" + office.name + ": " + office.name + ".camel.yaml: " + reason)
        .endsWith("; the feed runs on as before\n");
    assertThat(applied.status()).isEqualTo(1);
  }

  private Shell changed(Office office, String good, String before, String after)
      throws IOException {
    Files.writeString(office.feedFile(), good);
    Engine.rewrite(office.feedFile(), before, after);
    return apply(office);
  }

  @Test
  void aFeedThatDoesNotStartGivesWayToTheOneThatRan() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      // A placeholder cannot be tried before it is filled in, so this comes out at the start only.
      office.with("pageSize", "{{no.such.setting:many}}").writeFeedFile();
      Shell applied = apply(office);

      assertThat(applied.status()).isEqualTo(1);
      assertThat(applied.output())
          .contains(office.name + ".camel.yaml: does not start: ")
          .contains("many")
          .endsWith("; the feed runs on as before\n");
      goesOn(office);
      assertThat(pools(office)).isEqualTo(1);
    }
  }

  @Test
  void whatIsNotSetForTheEngineIsNamedAsItIsToBeSet() throws Exception {
    try (Office office = Office.at(engine, pms).with("url", "{{molar-soft.url}}")) {
      office.writeFeedFile();
      assertThat(apply(office).output())
          .contains("line 13: \"url\" is not set: set MOLAR_SOFT_URL for the engine")
          .contains("start it anew")
          .doesNotContain("Property with key");
      office.with("url", "{{env:NO_SUCH_URL}}").writeFeedFile();
      assertThat(apply(office).output()).contains("set NO_SUCH_URL for the engine");
    }
  }

  @Test
  void aFeedThatIsNewOrWasRefusedIsTakenUp() throws Exception {
    try (Office office = Office.at(engine, pms).with("polll", "PT1M")) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.writeFeedFile();
      assertThat(apply(office).output()).endsWith("; the feed does not run\n");
      assertThat(office.status().state()).isEqualTo("REFUSED");

      Engine.rewrite(office.feedFile(), "polll", "overlap");
      Shell applied = apply(office);

      assertThat(applied.status()).as(applied.output()).isZero();
      office.awaitSettled();
      assertThat(office.recordOf(chart, "person,name,family")).isEqualTo("Caldwell");
      assertThat(office.status().reason()).isNull();
    }
  }

  /** Camel mixes up a parameter's value with a bean of the template that is called the same. */
  @Test
  void aPmsMayBeCalledPms() throws Exception {
    try (Office office = Office.at(engine, pms).with("source", "pms")) {
      office.chart(Someone.named("Ines", "Caldwell"));

      assertThat(office.open().charts()).isEqualTo(1);
    }
  }

  @Test
  void withoutAnEngineTheFileIsCheckedAndNothingElse() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.writeFeedFile();
      List<String> folders = engine.folders();
      String elsewhere = "--pmslink.data-folder=" + engine.data().resolveSibling("no-engine");

      Shell applied =
          Shell.withSettings(
              List.of(elsewhere, folders.get(2), folders.get(3)), "feed", "apply", office.name);

      assertThat(applied.output()).contains("the file is right").contains("no engine runs");
      assertThat(applied.status()).isEqualTo(1);
    }
  }
}
