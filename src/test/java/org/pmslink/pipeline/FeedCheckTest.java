package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.embedded.EmbeddedDatabase;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/** {@code pms-link check} asks the PMS itself: a MariaDB, and a PostgreSQL with other tables. */
@ExtendWith(Pipeline.class)
class FeedCheckTest {
  private final Engine engine;
  private final OpenDentalServer pms;

  FeedCheckTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private Shell check(Office office, String... options) {
    String[] words = new String[options.length + 2];
    words[0] = "check";
    words[1] = office.feedFile().toString();
    System.arraycopy(options, 0, words, 2, options.length);
    return Shell.run(engine, words);
  }

  @Test
  void whatIsRightIsSaidInTwoLines() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.writeFeedFile();

      Shell checked = check(office);

      assertThat(checked.output())
          .isEqualTo(office.name + ".camel.yaml: ok\n  asked MariaDB: 2 queries explained\n");
      assertThat(checked.status()).isZero();
    }
  }

  @Test
  void aLoginThatMayWriteIsWarnedOf() throws Exception {
    try (Office office = Office.at(engine, pms).with("user", "writer").with("password", "w")) {
      String database = office.name.replace('-', '_');
      office.edit("create or replace user writer identified by 'w'");
      office.edit("grant select, insert (LName), update on " + database + ".patient to writer");
      office.edit("grant select on " + database + ".patientlink to writer");
      office.writeFeedFile();

      Shell checked = check(office);

      assertThat(checked.output())
          .contains("camel.yaml line 15: warning: this user may write to the PMS")
          .contains("INSERT on " + database + ".patient, UPDATE on " + database + ".patient");
      assertThat(checked.status()).as("a warning is no fault").isZero();
    }
  }

  @Test
  void whatALoginMayThroughARoleIsWarnedOfToo() throws Exception {
    try (Office office = Office.at(engine, pms).with("user", "by_role").with("password", "w")) {
      String database = office.name.replace('-', '_');
      office.edit("create or replace role writers");
      office.edit("create or replace role clerks");
      office.edit("create or replace user by_role identified by 'w'");
      office.edit("grant select on " + database + ".* to by_role");
      office.edit("grant delete on " + database + ".patient to writers");
      office.edit("grant writers to clerks");
      office.edit("grant clerks to by_role");
      office.writeFeedFile();

      assertThat(check(office).output())
          .contains("warning: this user may write to the PMS (DELETE on " + database + ".patient)")
          .contains("for example: CREATE USER pmslink");
    }
  }

  @Test
  void aZoneThatIsNotTheSessionsIsWrong() throws Exception {
    try (Office office = Office.at(engine, pms).with("zone", "Pacific/Kiritimati")) {
      office.writeFeedFile();

      Shell checked = check(office);

      assertThat(checked.output())
          .contains("camel.yaml line 21: the session shows times at 0 h of UTC")
          .contains("zone Pacific/Kiritimati is 14:00 h ahead");
      assertThat(checked.status()).isEqualTo(1);
    }
  }

  @Test
  void aColumnThatThePmsLacksIsNamedWithItsLine() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.writeFeedFile();
      Engine.rewrite(office.mapping("patients.sql"), "p.Email", "p.ElectronicMail");

      Shell checked = check(office);

      assertThat(checked.output())
          .contains(office.name + "/patients.sql line 7: ")
          .contains("p.ElectronicMail; name one that is there in this query");
      assertThat(checked.status()).isEqualTo(1);
    }
  }

  @Test
  void keyAndChangeColumnMustBeInTheResult() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.writeFeedFile();
      Engine.rewrite(office.mapping("patients.sql"), "key: PatNum", "key: ChartNo");
      Engine.rewrite(office.mapping("patients.sql"), "family: LName", "family: Surname");
      Engine.rewrite(office.mapping("merges.sql"), "changed: DateTimeLink", "changed: PatNumTo");

      Shell checked = check(office);

      assertThat(checked.output())
          .contains("/patients.sql line 1: the query yields no column \"ChartNo\"")
          .contains("/patients.sql line 3: the query yields no column \"Surname\"")
          .contains("/merges.sql line 2: the column \"PatNumTo\" is no time stamp");
      assertThat(checked.status()).isEqualTo(1);
    }
  }

  @Test
  void aPmsThatIsAwayIsNoFaultOfTheFile() throws Exception {
    try (Office office =
        Office.at(engine, pms).with("url", "jdbc:mariadb://127.0.0.1:1/opendental")) {
      office.writeFeedFile();

      Shell away = check(office);
      assertThat(away.output())
          .contains("camel.yaml line 13: note: not asked: the PMS database cannot be reached");
      assertThat(away.status()).isZero();

      Shell offline = check(office, "--offline");
      assertThat(offline.output()).isEqualTo(office.name + ".camel.yaml: ok\n");
    }
  }

  @Test
  void aPlaceholderIsFilledInFromTheSettingsOrSaidToBeMissing() throws Exception {
    try (Office office = Office.at(engine, pms).with("poll", "{{some.poll:PT1H}}")) {
      office.with("password", "{{no.such.password}}").writeFeedFile();
      assertThat(check(office).output())
          .contains("line 17: note: not asked: the placeholder in \"password\" is not set here");

      office.with("password", "{{pmslink.test.password}}").writeFeedFile();
      assertThat(check(office, "--pmslink.test.password=" + pms.readerPassword()).output())
          .contains("asked MariaDB: 2 queries explained");
    }
  }

  @Test
  void aPostgreSqlIsAskedInItsOwnWords() throws Exception {
    EmbeddedDatabase server = engine.bean(EmbeddedDatabase.class);
    URI address = URI.create(server.jdbcUrl().substring("jdbc:".length()));
    String url = "jdbc:postgresql://127.0.0.1:" + address.getPort() + "/pmslink";
    JdbcTemplate other =
        new JdbcTemplate(new DriverManagerDataSource(url, "postgres", server.password()));
    other.execute("create schema other_pms");
    other.execute("create table other_pms.person (id int primary key, changed timestamptz)");
    other.execute("create user other_reader password 'r'");
    other.execute("grant usage on schema other_pms to other_reader");
    other.execute("grant select, delete on other_pms.person to other_reader");
    try (Office office = Office.at(engine, pms)) {
      office.with("url", url).with("user", "other_reader").with("password", "r").writeFeedFile();
      Files.delete(office.mapping("merges.sql"));
      Path query = Objects.requireNonNull(office.mapping("patients.sql"));
      Files.writeString(
          query, "-- key: id\n-- changed: changed\nselect id, changed from other_pms.person\n");

      assertThat(check(office).output())
          .contains("line 13: PostgreSQL compares no time stamp with text")
          .contains("warning: this user may write to the PMS (to other_pms.person)");

      other.execute("revoke delete on other_pms.person from other_reader");
      office.with("url", url + "?stringtype=unspecified").writeFeedFile();
      assertThat(check(office).output())
          .contains("asked PostgreSQL: 1 queries explained")
          .doesNotContain("may write");

      Engine.rewrite(query, "select id, changed", "select id, moved, changed");
      assertThat(check(office).output())
          .contains("/patients.sql line 3: ")
          .contains("moved; name one that is there in this query");
    } finally {
      other.execute("drop schema other_pms cascade");
      other.execute("drop owned by other_reader");
      other.execute("drop user other_reader");
    }
  }
}
