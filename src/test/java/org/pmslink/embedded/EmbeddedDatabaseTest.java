package org.pmslink.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedDatabaseTest {
  /** Shared by all tests: unpacking once is enough. */
  private static final Path PROGRAMS = Path.of("target", "postgres-programs");

  private final Path folder;
  private DataFolder owned;

  EmbeddedDatabaseTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void own() {
    owned = DataFolder.own(folder);
  }

  @AfterEach
  void giveBack() {
    owned.close();
  }

  @Test
  void keepsCommittedDataThroughPowerCuts() throws Exception {
    try (EmbeddedDatabase database = EmbeddedDatabase.start(owned, PROGRAMS)) {
      assertThat(ask(database, "show fsync")).isEqualTo("on");
      assertThat(ask(database, "show synchronous_commit")).isEqualTo("on");
      assertThat(ask(database, "show full_page_writes")).isEqualTo("on");
    }
  }

  @Test
  void listensOnThisHostOnlyAndWithAPassword() throws Exception {
    try (EmbeddedDatabase database = EmbeddedDatabase.start(owned, PROGRAMS)) {
      assertThat(ask(database, "show listen_addresses")).isEqualTo("127.0.0.1");
      for (String user : new String[] {database.user(), "postgres"}) {
        assertThatThrownBy(() -> DriverManager.getConnection(database.jdbcUrl(), user, "guess"))
            .isInstanceOf(SQLException.class)
            .hasMessageContaining("password authentication failed");
      }
      assertThat(ask(database, "select rolsuper from pg_roles where rolname = current_user"))
          .isEqualTo("f");
      assertThat(Files.getPosixFilePermissions(folder.resolve("postgres.password")))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
      assertThat(Files.getPosixFilePermissions(PROGRAMS.resolve("postgres")))
          .as("nobody else can change the programs we run")
          .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Test
  void offersWhatTheSchemaNeedsToItsOwnUser() throws Exception {
    try (EmbeddedDatabase database = EmbeddedDatabase.start(owned, PROGRAMS)) {
      run(database, "create extension pg_trgm");
      run(database, "create extension unaccent");
      run(database, "create extension fuzzystrmatch");

      assertThat(ask(database, "select similarity('muñoz', 'muñiz') > 0.3")).isEqualTo("t");
      assertThat(ask(database, "select upper('ñ')")).isEqualTo("Ñ");
    }
  }

  @Test
  void findsItsDataAgainAfterARestart() throws Exception {
    try (EmbeddedDatabase database = EmbeddedDatabase.start(owned, PROGRAMS)) {
      run(database, "create table kept as select 'Ruiz' as name");
    }
    assertThat(Postmaster.of(folder.resolve("postgres"))).isEmpty();

    try (EmbeddedDatabase database = EmbeddedDatabase.start(owned, PROGRAMS)) {
      assertThat(ask(database, "select name from kept")).isEqualTo("Ruiz");
    }
  }

  @Test
  void writesNoRowIntoItsLogWhenAStatementFails() throws Exception {
    try (EmbeddedDatabase database = EmbeddedDatabase.start(owned, PROGRAMS)) {
      run(database, "create table once (name text unique)");
      run(database, "insert into once values ('Secretname')");
      assertThatThrownBy(() -> run(database, "insert into once values ('Secretname')"))
          .isInstanceOf(SQLException.class);
      assertThatThrownBy(() -> run(database, "select cast(name as integer) from once"))
          .hasMessageContaining("Secretname");
    }

    try (var logs = Files.list(folder.resolve("postgres").resolve("log"))) {
      assertThat(logs.toList())
          .isNotEmpty()
          .allSatisfy(
              log ->
                  assertThat(Files.readString(log))
                      .contains("ready to accept connections")
                      .doesNotContain("Secretname"));
    }
  }

  @Test
  void startsDespiteAProcessFileWhoseNumberNowBelongsToAnotherProgram() throws Exception {
    EmbeddedDatabase.start(owned, PROGRAMS).close();
    Path data = folder.resolve("postgres");
    Files.writeString(
        Postmaster.file(data), ProcessHandle.current().pid() + "\n" + data + "\n0\n5432\n\n\n");

    try (EmbeddedDatabase database = EmbeddedDatabase.start(owned, PROGRAMS)) {
      assertThat(ask(database, "select 1")).isEqualTo("1");
    }
  }

  @Test
  void aCommandUsesTheDatabaseOfTheRunningEngineAndLeavesItRunning() throws Exception {
    try (EmbeddedDatabase engine = EmbeddedDatabase.start(owned, PROGRAMS)) {
      try (EmbeddedDatabase command = EmbeddedDatabase.open(folder, PROGRAMS)) {
        assertThat(command.jdbcUrl()).isEqualTo(engine.jdbcUrl());
        assertThat(ask(command, "select 1")).isEqualTo("1");
      }

      assertThat(ask(engine, "select 1")).isEqualTo("1");
    }
  }

  @Test
  void aCommandStartsAndStopsTheDatabaseWhenNoEngineRuns() throws Exception {
    owned.close();

    try (EmbeddedDatabase command = EmbeddedDatabase.open(folder, PROGRAMS)) {
      assertThat(ask(command, "select 1")).isEqualTo("1");
    }

    assertThat(Postmaster.of(folder.resolve("postgres"))).isEmpty();
    owned = DataFolder.own(folder);
  }

  @Test
  void aSecondEngineOnTheSameFolderIsRefused() {
    assertThatThrownBy(() -> DataFolder.own(folder))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "The data folder %s is in use by the running engine, process %s",
            folder, ProcessHandle.current().pid());
  }

  @Test
  void takesOverFromAnEngineThatWasKilled() throws Exception {
    owned.close();
    Process killed = EngineInAnotherProcess.startOn(folder, PROGRAMS);
    assertThatThrownBy(() -> DataFolder.own(folder))
        .hasMessageEndingWith("process " + killed.pid());
    try (EmbeddedDatabase command = EmbeddedDatabase.open(folder, PROGRAMS)) {
      run(command, "create table kept as select 'Ruiz' as name");
    }

    killed.destroyForcibly();
    assertThat(killed.waitFor(10, TimeUnit.SECONDS)).isTrue();
    Postmaster leftBehind = Postmaster.of(folder.resolve("postgres")).orElseThrow();
    assertThat(leftBehind.runs()).isTrue();

    owned = DataFolder.own(folder);
    try (EmbeddedDatabase database = EmbeddedDatabase.start(owned, PROGRAMS)) {
      assertThat(ask(database, "select name from kept")).isEqualTo("Ruiz");
      assertThat(leftBehind.runs()).isFalse();
    }
    // The killed engine held the broker's journal, too; a lock that stayed would throw here.
    EmbeddedBroker.start(owned).close();
  }

  @Test
  void stopsWithAnEngineThatIsToldToStop() throws Exception {
    owned.close();
    Process engine = EngineInAnotherProcess.startOn(folder, PROGRAMS);

    engine.destroy();

    assertThat(engine.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(Postmaster.of(folder.resolve("postgres"))).isEmpty();
    owned = DataFolder.own(folder);
  }

  private static String ask(EmbeddedDatabase database, String question) throws SQLException {
    try (Connection connection = connect(database);
        Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery(question)) {
      answer.next();
      return answer.getString(1);
    }
  }

  private static void run(EmbeddedDatabase database, String sql) throws SQLException {
    try (Connection connection = connect(database);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static Connection connect(EmbeddedDatabase database) throws SQLException {
    return DriverManager.getConnection(database.jdbcUrl(), database.user(), database.password());
  }
}
