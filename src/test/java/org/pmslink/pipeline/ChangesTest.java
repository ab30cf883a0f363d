package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import org.apache.camel.CamelContext;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.feed.FeedDesk;
import org.pmslink.feed.FeedStates;
import org.pmslink.sample.OpenDentalServer;

@ExtendWith(Pipeline.class)
class ChangesTest {
  private final Engine engine;
  private final OpenDentalServer pms;

  ChangesTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private static void addCharts(Office office, int count) {
    for (int i = 0; i < count; i++) {
      office.chart(Someone.named("Nadia", "Oyelaran"));
    }
  }

  /** Stamps that no pass reads again. */
  private static void age(Office office) {
    office.edit("update patient set DateTStamp = now() - interval 1 day");
  }

  @Test
  void anEditArrivesAndTheRecordsAroundItCostNoCommand() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      addCharts(office, 40);
      long edited = office.chart(Someone.named("Ines", "Caldwell"));
      office.open();
      long before = office.count("select max(id) from feed_runs where practice_id = ?");

      office.edit("update patient set City = 'Dublin' where PatNum = ?", edited);
      office.sync();

      assertThat(office.recordOf(edited, "person,address,city")).isEqualTo("DUBLIN");
      String later = " from feed_pages where practice_id = ? and run_id > " + before;
      assertThat(office.count("select sum(records)" + later))
          .as("the overlap reads all")
          .isEqualTo(41);
      assertThat(office.count("select sum(unchanged)" + later)).isEqualTo(40);
    }
  }

  @Test
  void aNewChartIsReadByThePollItself() throws Exception {
    try (Office office = Office.at(engine, pms).with("poll", "PT0.2S")) {
      addCharts(office, 2);
      office.open();

      long chart = office.chart(Someone.named("Ines", "Caldwell"));

      org.awaitility.Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> office.recordOf(chart, "person,name,family").equals("Caldwell"));
    }
  }

  @Test
  void moreRowsThanAPageWithOneStampAllArrive() throws Exception {
    try (Office office = Office.at(engine, pms).with("pageSize", "10")) {
      addCharts(office, 35);
      age(office);
      office.open();

      office.edit("update patient set City = 'Dublin', DateTStamp = now()");
      office.sync();

      assertThat(
              office.count(
                  "select count(*) from patients where practice_id = ?"
                      + " and record #>> '{person,address,city}' = 'DUBLIN'"))
          .isEqualTo(35);
    }
  }

  @Test
  void aRowStampedBeforeAndCommittedAfterAPassIsWithinTheOverlap() throws Exception {
    try (Office office =
        Office.at(engine, pms, OpenDentalServer.Engine.INNODB).with("overlap", "PT2M")) {
      long chart = office.chart(Someone.named("Ines", "Caldwell"));
      age(office);
      office.open();

      try (Connection late = Objects.requireNonNull(office.pms().getDataSource()).getConnection();
          Statement statement = late.createStatement()) {
        late.setAutoCommit(false);
        statement.execute(
            "update patient set City = 'Dublin', DateTStamp = now() - interval 1 minute");
        office.sync();
        assertThat(office.recordOf(chart, "person,address,city")).isEqualTo("COLUMBUS");
        late.commit();
      }
      office.sync();

      assertThat(office.recordOf(chart, "person,address,city")).isEqualTo("DUBLIN");
    }
  }

  @Test
  void whatWasStampedAfterTheServersClockWasSetBackIsRead() throws Exception {
    try (Office office = Office.at(engine, pms).with("overlap", "PT1S")) {
      long chart = office.chart(Someone.named("Ines", "Caldwell"));
      age(office);
      setReadersClockAhead(office, 3600);
      office.open();
      setReadersClockAhead(office, 0);

      // An hour of stamps comes for the second time; this one is long before the pass.
      office.edit("update patient set City = 'Dublin', DateTStamp = now() - interval 1 minute");
      office.sync();

      assertThat(office.recordOf(chart, "person,address,city")).isEqualTo("DUBLIN");
    }
  }

  /** For sessions that begin from now on; those that are open end. */
  private static void setReadersClockAhead(Office office, int seconds) throws SQLException {
    office.edit(
        "set global init_connect = '"
            + (seconds == 0 ? "" : "set timestamp = unix_timestamp() + " + seconds)
            + "'");
    for (Long id :
        office
            .pms()
            .queryForList(
                "select id from information_schema.processlist where user = 'pmslink_reader'",
                Long.class)) {
      office.edit("kill " + id);
    }
  }

  @Nested
  class FoundByComparison {

    @Test
    void aChangeThatLeftTheStampAlone() throws Exception {
      try (Office office = Office.at(engine, pms).with("overlap", "PT1S")) {
        long chart = office.chart(Someone.named("Ines", "Caldwell"));
        age(office);
        office.open();

        office.edit("update patient set City = 'Dublin', DateTStamp = DateTStamp");
        office.sync();
        assertThat(office.recordOf(chart, "person,address,city")).isEqualTo("COLUMBUS");
        office.compare();

        assertThat(office.recordOf(chart, "person,address,city")).isEqualTo("DUBLIN");
      }
    }

    @Test
    void whatAnEditedMappingMakesOfRowsThatDidNotChange() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        addCharts(office, 3);
        long chart = office.chart(Someone.named("Ines", "Caldwell"));
        age(office);
        office.open();
        assertThat(office.recordOf(chart, "chartNumber")).isEmpty();

        Engine.rewrite(
            office.mapping("patient.jslt"),
            "\"chartNumber\": .ChartNumber",
            "\"chartNumber\": .LName");
        // An edit is noticed within a second.
        Awaitility.await()
            .atMost(Office.LONGEST)
            .untilAsserted(
                () -> {
                  office.compare();
                  assertThat(office.recordOf(chart, "chartNumber")).isEqualTo("Caldwell");
                });

        long before = office.count("select max(id) from feed_runs where practice_id = ?");
        office.compare();
        assertThat(unchangedSince(office, before)).as("from now on they are known").isEqualTo(4);
      }
    }

    private long unchangedSince(Office office, long run) {
      return office.count(
          "select coalesce(sum(unchanged), 0) from feed_pages where practice_id = ? and run_id > "
              + run);
    }

    @Test
    void nothingInRowsThatDidNotChangeWhichAreNotEvenSent() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        addCharts(office, 40);
        office.open();
        long before = office.count("select max(id) from feed_runs where practice_id = ?");
        var routes = engine.bean(CamelContext.class).getRouteController();

        routes.stopRoute("match-records");
        try {
          office.compare();
        } finally {
          routes.startRoute("match-records");
        }

        assertThat(unchangedSince(office, before)).isEqualTo(40);
      }
    }

    @Test
    void aDeletedRowWhoseLinkIsFlaggedAndKept() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        addCharts(office, 5);
        Someone ines = Someone.named("Ines", "Caldwell");
        long chart = office.chart(ines);
        office.open();
        office.member("M1", ines);
        office.sync();
        assertThat(office.memberOf(chart)).isEqualTo("M1");

        office.edit("delete from patient where PatNum = ?", chart);
        office.sync();
        assertThat(office.charts()).as("no stamp tells of a delete").isEqualTo(6);
        office.compare();

        assertThat(office.charts()).isEqualTo(5);
        assertThat(office.memberOf(chart)).isEqualTo("M1");
        assertThat(office.flagOf(chart)).isEqualTo("CHART_GONE");
        assertThat(office.historyOf(chart)).containsExactly("MADE CERTAIN", "FLAGGED CHART_GONE");
      }
    }

    @Test
    void soManyDeletedRowsThatNothingIsDeletedUntilAPersonSaysSo() throws Exception {
      try (Office office = Office.at(engine, pms).withActivity()) {
        addCharts(office, 60);
        long chart = office.chart(Someone.named("Ines", "Caldwell"));
        office.edit(
            """
            insert into appointment (AptNum, PatNum, AptStatus, Pattern, AptDateTime)
            values (1, ?, 2, '/XX/', '2026-03-02 09:30:00'), (2, ?, 2, '/XX/', '2026-03-09 09:30:00')""",
            chart,
            chart);
        office.open();

        office.edit("delete from patient order by PatNum limit 30");
        office.edit("delete from appointment where AptNum = 1");
        office.compare();

        FeedStates.Status status = office.status();
        assertThat(status.state()).as("changes go on").isEqualTo("RUNNING");
        assertThat(status.reasonCategory()).isEqualTo("EMPTY_RESULT");
        assertThat(status.reason())
            .contains("30 of 61 charts")
            .contains("None of them was removed");
        assertThat(status.missing())
            .singleElement()
            .satisfies(
                m -> {
                  assertThat(m.stream()).isEqualTo("patients");
                  assertThat(m.records()).isEqualTo(30);
                  assertThat(m.accepted()).isFalse();
                });
        assertThat(office.charts()).isEqualTo(61);
        assertThat(visits(office)).as("the streams behind it are compared").isEqualTo(1);

        long fresh = office.chart(Someone.named("Howard", "Brandt"));
        office.sync();
        assertThat(office.recordOf(fresh, "person,name,family")).isEqualTo("Brandt");
        assertThat(office.status().reasonCategory())
            .as("a pass of changes knows no better")
            .isEqualTo("EMPTY_RESULT");
        assertThat(passesThatCompared(office)).as("not again before the night").isEqualTo(1);

        Shell wrong =
            Shell.run(engine, "sync", office.name, "--compare", "--accept-missing", "visits");
        assertThat(wrong.status()).isEqualTo(1);
        assertThat(wrong.output()).contains("missed are [patients]");
        assertThat(Shell.run(engine, "sync", office.name, "--accept-missing", "patients").status())
            .isEqualTo(2);
        Shell accepted =
            Shell.run(engine, "sync", office.name, "--compare", "--accept-missing", "patients");
        assertThat(accepted.status()).as(accepted.output()).isZero();
        office.awaitSettled();

        assertThat(office.charts()).isEqualTo(32);
        assertThat(office.status().reason()).isNull();
        assertThat(office.status().missing()).isEmpty();
        assertThat(
                engine
                    .store()
                    .queryForList(
                        "select actor || ' ' || detail from audit where practice_id = ?"
                            + " and action = 'accepted what is missing'",
                        String.class,
                        office.id()))
            .singleElement(InstanceOfAssertFactories.STRING)
            .startsWith("cli:")
            .endsWith(office.name + ": 30 of 61 patients");
      }
    }

    @Test
    void whatAPersonAcceptedIsNoLicenceForMore() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        addCharts(office, 100);
        office.open();
        office.edit("delete from patient order by PatNum limit 30");
        office.compare();
        assertThat(office.charts()).isEqualTo(100);

        office.edit("delete from patient order by PatNum limit 40");
        assertThat(
                engine
                    .bean(FeedDesk.class)
                    .acceptMissing(office.name, "ina", office.name, "patients"))
            .isPresent();
        office.awaitSettled();

        assertThat(office.charts()).isEqualTo(100);
        assertThat(office.status().missing())
            .singleElement()
            .satisfies(
                m -> {
                  assertThat(m.records()).isEqualTo(70);
                  assertThat(m.accepted()).as("of another comparison").isFalse();
                });
      }
    }

    private long visits(Office office) {
      return office.count(
          "select count(*) from visits where practice_id = ? and removed_at is null");
    }

    private long passesThatCompared(Office office) {
      return office.count(
          "select count(*) from feed_runs where practice_id = ? and kind = 'COMPARISON'");
    }
  }
}
