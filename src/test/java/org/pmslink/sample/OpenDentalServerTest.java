package org.pmslink.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

class OpenDentalServerTest {
  private static Path folder;
  private static OpenDentalServer server;

  @BeforeAll
  static void start(@TempDir Path temporary) {
    folder = temporary;
    server = OpenDentalServer.start(folder.resolve("pms"), 0);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void readerSeesThePracticeButNeitherWritesNorSeesTheTruth() throws SQLException {
    try (Connection connection =
            DriverManager.getConnection(
                server.jdbcUrl(), server.readerUser(), server.readerPassword());
        Statement statement = connection.createStatement()) {
      try (ResultSet rows = statement.executeQuery("SELECT COUNT(*) FROM patient")) {
        assertThat(rows.next()).isTrue();
      }
      assertThatThrownBy(() -> statement.execute("DELETE FROM patient"))
          .isInstanceOf(SQLException.class);
      assertThatThrownBy(() -> statement.execute("SELECT COUNT(*) FROM truth.chart"))
          .isInstanceOf(SQLException.class);
    }
  }

  @Test
  void stampsAreInstantsWhateverTheServersZone() {
    JdbcTemplate jdbc = new JdbcTemplate(server.dataSource());
    jdbc.update("INSERT INTO patient (PatNum, DateTStamp) VALUES (1, FROM_UNIXTIME(1750000000))");
    try {
      assertThat(
              jdbc.queryForObject(
                  "SELECT DateTStamp FROM patient WHERE PatNum = 1", Timestamp.class))
          .isEqualTo(Timestamp.from(Instant.ofEpochSecond(1750000000)));
      assertThat(
              jdbc.queryForObject(
                  "SELECT CAST(Birthdate AS char) FROM patient WHERE PatNum = 1", String.class))
          .isEqualTo("0001-01-01");
    } finally {
      jdbc.update("DELETE FROM patient WHERE PatNum = 1");
    }
  }

  @Test
  void worksAgainOnTheSamePortAfterAnOutage() {
    JdbcTemplate jdbc = new JdbcTemplate(server.dataSource());
    jdbc.update("INSERT INTO clinic (Description) VALUES ('Main Street')");
    String url = server.jdbcUrl();

    server.stop();
    assertThatThrownBy(() -> DriverManager.getConnection(url, "practice", "practice"))
        .isInstanceOf(SQLException.class);
    server.startAgain();

    assertThat(server.jdbcUrl()).isEqualTo(url);
    assertThat(jdbc.queryForObject("SELECT COUNT(*) FROM clinic", Integer.class)).isEqualTo(1);
  }

  @Test
  void aServerLeftOverByAKilledJvmIsReplacedAndItsDataKept() {
    Path data = folder.resolve("left-over");
    OpenDentalServer killed = OpenDentalServer.start(data, 0, OpenDentalServer.Engine.INNODB);
    new JdbcTemplate(killed.dataSource()).update("INSERT INTO patient (PatNum) VALUES (7)");

    try (OpenDentalServer next = OpenDentalServer.start(data, 0)) {
      JdbcTemplate jdbc = new JdbcTemplate(next.dataSource());
      assertThat(jdbc.queryForObject("SELECT MAX(PatNum) FROM patient", Long.class)).isEqualTo(7);
      assertThat(
              jdbc.queryForObject(
                  "SELECT engine FROM information_schema.tables"
                      + " WHERE table_schema = 'opendental' AND table_name = 'patient'",
                  String.class))
          .isEqualTo("InnoDB");
    } finally {
      killed.close();
    }
  }
}
