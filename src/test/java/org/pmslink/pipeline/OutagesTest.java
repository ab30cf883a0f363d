package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.embedded.DataFolder;
import org.pmslink.embedded.EmbeddedBroker;
import org.pmslink.embedded.EmbeddedDatabase;
import org.pmslink.feed.FeedFiles;
import org.pmslink.feed.FeedStates;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** An outage dead-letters nothing, and what is away comes back without anybody's help. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OutagesTest {
  private final OpenDentalServer pms;
  private final DataFolder databaseFolder;
  private final EmbeddedDatabase database;
  private final Cable cable;
  private final Engine engine;

  OutagesTest(OpenDentalServer pms, @TempDir Path folder) throws IOException {
    this.pms = pms;
    databaseFolder = DataFolder.own(folder.resolve("database"));
    database = EmbeddedDatabase.start(databaseFolder, Path.of("target", "postgres-programs"));
    int port = URI.create(database.jdbcUrl().substring("jdbc:".length())).getPort();
    cable = new Cable(port);
    engine =
        new Engine(
            folder.resolve("engine"),
            "--pmslink.database.url="
                + database.jdbcUrl().replace(":" + port, ":" + cable.port())
                + "?logServerErrorDetail=false",
            "--pmslink.database.user=" + database.user(),
            "--pmslink.database.password=" + database.password());
  }

  @BeforeAll
  void start() throws IOException {
    Files.writeString(
        engine.feeds().resolve("torn.camel.yaml"),
        "- templatedRoute:\n    parameters:\n      - name: practice\n        value: torn\n   bad");
    engine.start();
  }

  @AfterAll
  void stop() {
    engine.close();
    cable.close();
    database.close();
    databaseFolder.close();
  }

  private Office polled() throws IOException {
    return Office.at(engine, pms).with("poll", "PT0.2S");
  }

  private static void addCharts(Office office, int count) {
    for (int i = 0; i < count; i++) {
      office.chart(Someone.named("Nadia", "Oyelaran"));
    }
  }

  private static void awaitAllMoved(Office office, int charts) {
    Awaitility.await("all charts have moved")
        .atMost(Office.LONGEST)
        .ignoreExceptions()
        .until(
            () ->
                office.count(
                        "select count(*) from patients where practice_id = ?"
                            + " and record #>> '{person,address,city}' = 'DUBLIN'")
                    == charts);
  }

  private static void awaitRunning(Office office) {
    Awaitility.await(office.name + " runs again")
        .atMost(Office.LONGEST)
        .until(() -> office.status().state().equals("RUNNING"));
  }

  @Test
  void whatChangesWhileTheDatabaseIsAwayArrivesAfterwards(CapturedOutput output) throws Exception {
    try (Office office = polled().with("pageSize", "50")) {
      addCharts(office, 300);
      office.open();

      office.edit("update patient set City = 'Dublin'");
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(
              () ->
                  office.count(
                          "select count(*) from patients where practice_id = ?"
                              + " and record #>> '{person,address,city}' = 'DUBLIN'")
                      > 0);
      engine
          .store()
          .queryForList(
              "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'");
      cable.cut();
      int before = output.getAll().length();
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> output.getAll().substring(before).contains("failed: "));
      long late = office.chart(Someone.named("Ines", "Caldwell"));
      cable.mend();

      awaitAllMoved(office, 300);
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> office.recordOf(late, "person,name,family").equals("Caldwell"));
      assertThat(office.deadLetters()).isZero();
    }
  }

  @Test
  void whatChangesWhileTheBrokerIsAwayArrivesAfterwards() throws Exception {
    try (Office office = polled().with("pageSize", "50")) {
      addCharts(office, 300);
      office.open();
      EmbeddedBroker broker = engine.bean(EmbeddedBroker.class);

      office.edit("update patient set City = 'Dublin'");
      broker.stop();
      try {
        assertThat(office.awaitPause("ENGINE")).contains("queue");
      } finally {
        broker.start();
      }

      awaitAllMoved(office, 300);
      awaitRunning(office);
      assertThat(office.deadLetters()).isZero();
    }
  }

  @Nested
  class OfThePmsPauseItsFeedAlone {

    @Test
    void whenTheServerIsAway() throws Exception {
      try (Office office = polled()) {
        addCharts(office, 2);
        office.open();

        pms.stop();
        try {
          office.awaitPause("UNREACHABLE");
        } finally {
          pms.startAgain();
        }
        office.edit("update patient set City = 'Dublin'");

        awaitAllMoved(office, 2);
        awaitRunning(office);
      }
    }

    @Test
    void whenThePasswordIsNoLongerRight() throws Exception {
      try (Office office = polled().with("user", "changing");
          Office neighbour = Office.at(engine, pms)) {
        office.edit("create or replace user changing identified by 'reads-only'");
        office.edit("grant select on " + office.name.replace('-', '_') + ".* to changing");
        addCharts(office, 2);
        office.open();
        neighbour.open();

        office.edit("alter user changing identified by 'something else'");
        for (Long id :
            office
                .pms()
                .queryForList(
                    "select id from information_schema.processlist where user = 'changing'",
                    Long.class)) {
          office.edit("kill " + id);
        }
        assertThat(office.awaitPause("LOGIN_REFUSED")).contains("password");
        goesOn(neighbour);
        office.edit("alter user changing identified by 'reads-only'");
        office.edit("update patient set City = 'Dublin'");

        awaitAllMoved(office, 2);
        awaitRunning(office);
      }
    }

    @Test
    void whenAColumnIsGone() throws Exception {
      try (Office office = polled();
          Office neighbour = Office.at(engine, pms)) {
        addCharts(office, 2);
        office.open();
        neighbour.open();

        office.edit("alter table patient change Email EmailAddress varchar(100) not null");
        assertThat(office.awaitPause("COLUMN_MISSING")).contains("Email");
        goesOn(neighbour);
        office.edit("alter table patient change EmailAddress Email varchar(100) not null");
        office.edit("update patient set City = 'Dublin'");

        awaitAllMoved(office, 2);
        awaitRunning(office);
        assertThat(office.deadLetters()).isZero();
      }
    }

    private void goesOn(Office neighbour) {
      long chart = neighbour.chart(Someone.named("Ines", "Caldwell"));
      neighbour.sync();
      assertThat(neighbour.recordOf(chart, "person,name,family")).isEqualTo("Caldwell");
    }
  }

  @Test
  void aFeedFileThatIsNoYamlIsRefusedAtTheStartWithItsLine() {
    FeedStates.Status torn = engine.bean(FeedStates.class).find("torn").orElseThrow();

    assertThat(torn.state()).isEqualTo("REFUSED");
    assertThat(torn.reasonCategory()).isEqualTo("FILES_WRONG");
    assertThat(torn.reason()).contains("line 5").contains("not YAML");
  }

  @Test
  void aFeedFileWithAnUnknownParameterIsRefusedAndAnotherFeedRuns() throws Exception {
    try (Office wrong = polled().with("polll", "PT5M");
        Office right = polled()) {
      FeedFiles.Refusal refusal = Objects.requireNonNull(wrong.connect());
      addCharts(right, 1);
      right.open();

      assertThat(refusal.file()).isEqualTo(wrong.name + ".camel.yaml");
      assertThat(refusal.reason()).contains("line ").contains("unknown parameter \"polll\"");
      assertThat(right.charts()).isEqualTo(1);
    }
  }
}
