package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine is stopped in the middle of a dropped file. */
class CsvRestartTest {
  private static final int ROWS = 1_500;

  @Test
  void aFileThatWasHalfReadIsReadToItsEndAndNothingTwice(@TempDir Path folder) throws Exception {
    Path drop = Files.createDirectories(folder.resolve("drop"));
    Someone ines = Someone.named("Ines", "Caldwell");
    StringBuilder file = new StringBuilder("Patient ID,Last Name,First Name,DOB,Cell,E-Mail\n");
    for (int i = 1; i <= ROWS; i++) {
      Someone who = i == 700 ? ines : Someone.named("Nadia", "Number" + i);
      file.append(
          String.join(
              ",", idOf(i), who.family(), who.given(), who.birthDate(), who.mobile(), who.email()));
      file.append('\n');
    }
    try (Engine own = new Engine(folder.resolve("engine"), "--camel.main.shutdown-timeout=1")) {
      own.start();
      PushedPractice practice =
          PushedPractice.ofFiles(own, drop).with("settle", "100ms").with("pageSize", "10").open();
      practice.member("M1", ines);
      Awaitility.await().until(() -> Files.isDirectory(drop.resolve("in")));
      Path part = Files.writeString(drop.resolve("in").resolve("patients.part"), file);
      Files.move(part, drop.resolve("in").resolve("patients.csv"));
      Awaitility.await("a part is stored")
          .atMost(Office.LONGEST)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> charts(practice) >= 100);
      own.stop();
      assertThat(drop.resolve("in").resolve("patients.csv")).as("not done yet").exists();

      own.start();
      long before = charts(practice);
      assertThat(before).as("stored before the stop").isBetween(100L, ROWS - 100L);
      Awaitility.await("the file is done")
          .atMost(Office.LONGEST)
          .until(() -> Files.exists(drop.resolve("done").resolve("patients.csv")));
      practice.awaitSettled();

      assertThat(charts(practice)).isEqualTo(ROWS);
      assertThat(practice.memberOf(idOf(700))).isEqualTo("M1");
      assertThat(practice.letters()).isEmpty();
      assertThat(
              practice.count(
                  "select count(*) from feed_runs where practice_id = ? and kind = 'FIRST_LOAD'"))
          .as("one load, resumed")
          .isEqualTo(1);
      assertThat(practice.count("select count(*) from links where practice_id = ?"))
          .as("linked once")
          .isEqualTo(1);
      assertThat(Files.readString(drop.resolve("done").resolve("patients.csv.report.txt")))
          .contains("patients        " + String.format("%,d", ROWS).replace(",", ""));
      try (var refused = Files.list(drop.resolve("refused"))) {
        assertThat(refused).isEmpty();
      }
      practice.close();
    }
  }

  private static String idOf(int number) {
    return "P-" + number;
  }

  private static long charts(PushedPractice practice) {
    return practice.count(
        "select count(*) from patients where practice_id = ? and removed_at is null");
  }
}
