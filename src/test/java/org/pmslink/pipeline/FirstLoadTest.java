package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.membership.Members;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.PracticeGenerator;
import org.pmslink.sample.StoreAgainstTruth;
import org.springframework.jdbc.core.JdbcTemplate;

@ExtendWith(Pipeline.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FirstLoadTest {
  private static final int CHARTS = 2_000;

  private final List<Members.NewMember> members = new ArrayList<>();

  private final Engine engine;
  private final OpenDentalServer pms;

  FirstLoadTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  @BeforeAll
  void fill() {
    PracticeGenerator.fill(
        pms,
        new PracticeGenerator.Size(CHARTS, 500, 42, false),
        (number, person) -> members.add(new Members.NewMember(number, person)));
  }

  @Test
  void everyChartIsInTheStoreAndDecidedAndNoLinkIsWrong() throws Exception {
    try (Office office = Office.ofTheSample(engine, pms)) {
      engine.bean(Members.class).add(office.name, members);
      office.open();

      assertThat(members).hasSizeGreaterThanOrEqualTo(500);
      holds(office, engine);
    }
  }

  @Test
  void goesOnWhereItStoodWhenTheEngineWasStopped(@TempDir Path folder) throws Exception {
    try (Engine own = new Engine(folder, "--camel.main.shutdown-timeout=1")) {
      own.start();
      try (Office office = Office.ofTheSample(own, pms).with("pageSize", "10")) {
        own.bean(Members.class).add(office.name, members);
        office.connect();
        Awaitility.await("a part is loaded")
            .atMost(Office.LONGEST)
            .pollInterval(Duration.ofMillis(20))
            .until(() -> office.charts() >= 100);
        own.stop();

        own.start();
        long loaded = office.charts();
        assertThat(loaded).as("loaded before the stop").isBetween(100L, CHARTS - 200L);
        office.awaitSettled();

        holds(office, own);
        assertThat(
                office.count(
                    "select count(*) from feed_runs where practice_id = ? and kind = 'FIRST_LOAD'"))
            .as("one load, resumed")
            .isEqualTo(1);
      }
    }
  }

  private void holds(Office office, Engine on) {
    StoreAgainstTruth.Report report = new StoreAgainstTruth(on.store(), pms, office.name).compare();
    assertThat(report.holds()).as(report.text()).isTrue();
    assertThat(report.linkedMatches())
        .as("provable members that are linked, of %d", report.matches())
        .isGreaterThan(report.matches() * 8 / 10);
    Long rows =
        new JdbcTemplate(pms.dataSource())
            .queryForObject("select count(*) from patient", Long.class);
    assertThat(office.charts()).isEqualTo(rows);
    assertThat(office.deadLetters()).isZero();
  }
}
