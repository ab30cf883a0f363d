package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import org.h2.tools.Server;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Activities.MemberTransaction;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/**
 * The SQL of both Dentrixes, on a server that has their tables, speaks their dialects and pads
 * their text; its driver comes from the drivers folder, as theirs do.
 */
@ExtendWith(Pipeline.class)
class DentrixTest {
  private final Engine engine;
  private final OpenDentalServer pms;
  private final Path folder;

  DentrixTest(Engine engine, OpenDentalServer pms, @TempDir Path folder) {
    this.engine = engine;
    this.pms = pms;
    this.folder = folder;
  }

  /** A database on a server of its own; the engine reaches it through a socket. */
  private final class Database implements AutoCloseable {
    final Server server;
    final String url;
    final JdbcTemplate jdbc;

    Database(String options, String... schema) throws SQLException {
      server =
          Server.createTcpServer("-tcpPort", "0", "-ifNotExists", "-baseDir", folder.toString())
              .start();
      url = "jdbc:h2:tcp://127.0.0.1:" + server.getPort() + "/./dentrix";
      jdbc = new JdbcTemplate(new DriverManagerDataSource(url + options, "sa", ""));
      for (String statement : schema) {
        jdbc.execute(statement);
      }
    }

    @Override
    public void close() {
      server.stop();
    }
  }

  /** The vendor's jar, where IT puts it. */
  private void installDriver() throws Exception {
    Path jar =
        Path.of(org.h2.Driver.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Files.createDirectories(engine.drivers());
    Files.copy(
        jar,
        engine.drivers().resolve("vendor-driver.jar"),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  private Office office(String mappings, Database database, String dialect) throws Exception {
    installDriver();
    return Office.at(engine, pms)
        .withMappingsOf(mappings)
        .with("url", database.url)
        .with("user", "sa")
        .with("password", "")
        .with("driver", "org.h2.Driver")
        .with("dialect", dialect)
        .with("zone", "UTC")
        .with("officeZone", "America/New_York");
  }

  private static final String[] G_SERIES = {
    "create schema admin",
    """
    create table admin.address (addrid int primary key, street1 char(32), street2 char(32),
      city char(27), state char(22), zipcode char(16), phone char(18), ptrcount int,
      automodifiedtimestamp timestamp)""",
    """
    create table admin.patient (patid int primary key, famid int, lastname char(22),
      firstname char(17), mi char(3), prefname char(17), salutation char(33), chartnum char(21),
      ssn char(11), provid1 char(5), gender smallint, status smallint, fampos smallint, addrid int,
      birthdate date, guarid int, firstvisitdate date, lastvisitdate date, title char(11),
      emailaddr char(61), workphone char(18), pager char(18), privacyflags smallint,
      automodifiedtimestamp timestamp)""",
    """
    create view admin.v_patient as select p.patid as patient_id, p.firstname as first_name,
      p.lastname as last_name, p.mi, p.prefname as preferred_name, p.salutation, p.status,
      p.birthdate as birth_date, p.gender, p.emailaddr as email, a.phone as home_phone,
      p.workphone as work_phone, cast('' as char(18)) as mobile_phone, a.street1 as address_line1,
      a.city, a.state, a.zipcode, p.guarid as guar_id, p.provid1 as pri_provider_id,
      p.firstvisitdate as first_visit_date, p.privacyflags as privacy_flags,
      p.ssn as social_sec_num
      from admin.patient p left join admin.address a on a.addrid = p.addrid""",
    """
    create table admin.appt (apptid int primary key, apptdate date, opid int, provid char(5),
      patid int, patname char(42), apptlen int, amt decimal(10, 2), brokendate date, status int,
      newpataddrid int, automodifiedtimestamp timestamp)""",
    """
    create table admin.appt_hours (apptid int primary key, start_hour smallint,
      start_minute smallint)""",
    """
    create view admin.v_appointment as select a.apptid as appointment_id, a.patid as patient_id,
      h.start_hour, h.start_minute, a.apptlen as length, a.status as status_id
      from admin.appt a left join admin.appt_hours h on h.apptid = a.apptid""",
    "create table admin.proccode (proccodeid int primary key, adacode char(11))",
    """
    create table admin.fullproclog (procid int primary key, patid int, guarid int,
      chartstatus smallint, procdate date, proccodeid int, proclogclass smallint, provid char(5),
      amt decimal(10, 2), automodifiedtimestamp timestamp)"""
  };

  private static void patient(Database g, int id, int address, Someone who) {
    g.jdbc.update(
        """
        insert into admin.patient (patid, lastname, firstname, status, gender, fampos, addrid,
          birthdate, guarid, emailaddr, pager, privacyflags, mi, prefname, salutation, chartnum, ssn,
          provid1, title, workphone, automodifiedtimestamp)
        values (?, ?, ?, 1, 2, 1, ?, ?, ?, ?, ?, 0, '', '', '', '', '', 'DDS1', '', '',
          current_timestamp)""",
        id,
        who.family().toUpperCase(java.util.Locale.ROOT),
        who.given().toUpperCase(java.util.Locale.ROOT),
        address,
        java.sql.Date.valueOf(who.birthDate()),
        id,
        who.email(),
        who.mobile());
  }

  @Test
  void gSeriesIsReadThroughItsViewsAndAnAddressAloneIsSeen() throws Exception {
    try (Database g = new Database("", G_SERIES)) {
      Someone ada = Someone.named("Clementine", "Ashworth");
      Someone ben = Someone.named("Benedict", "Ashworth");
      g.jdbc.update(
          """
          insert into admin.address values (7, '12 ELM ST', '', 'COLUMBUS', 'OH', '43215',
            '6145550199', 2, current_timestamp)""");
      patient(g, 1, 7, ada);
      patient(g, 2, 7, ben);
      for (int i = 3; i <= 30; i++) {
        patient(g, i, 8, Someone.named("Neighbour", "Number" + i));
      }
      g.jdbc.update(
          """
          insert into admin.appt (apptid, apptdate, patid, patname, apptlen, status, provid,
            automodifiedtimestamp)
          values (501, '2026-03-02', 1, 'ASHWORTH', 40, -106, 'DDS1', current_timestamp),
                 (502, '2026-09-01', 1, 'ASHWORTH', 40, 3, 'DDS1', current_timestamp),
                 (503, '2026-09-01', 0, 'NEW PERSON', 40, 3, 'DDS1', current_timestamp)""");
      g.jdbc.update("insert into admin.appt_hours values (502, 9, 5)");
      g.jdbc.update("insert into admin.proccode values (1, 'D0120')");
      g.jdbc.update(
          """
          insert into admin.fullproclog values
            (9001, 1, 1, 102, '2026-03-02', 1, 0, 'DDS1', 129.95, current_timestamp),
            (9002, 1, 1, 90, '2026-03-02', 0, 1, 'DDS1', -50.00, current_timestamp),
            (9003, 1, 1, 100, '2026-03-02', 1, 0, 'DDS1', 80.00, current_timestamp)""");
      try (Office office = office("dentrix-g", g, "top").with("pageSize", "7").open()) {
        office.member("M1", ada);
        office.awaitSettled();

        assertThat(office.charts()).isEqualTo(30);
        assertThat(office.memberOf(1)).isEqualTo("M1");
        assertThat(office.recordOf(1, "person,name,family")).isEqualTo("Ashworth");
        assertThat(office.recordOf(1, "person,address,line1")).isEqualTo("12 ELM ST");
        Activities activities = engine.bean(Activities.class);
        assertThat(activities.visitsOf(office.id(), "M1"))
            .extracting(MemberVisit::onDate, MemberVisit::status, MemberVisit::procedureCodes)
            .containsExactly(
                org.assertj.core.groups.Tuple.tuple(
                    LocalDate.of(2026, 9, 1), "SCHEDULED", List.of()),
                org.assertj.core.groups.Tuple.tuple(
                    LocalDate.of(2026, 3, 2), "COMPLETED", List.of("D0120")));
        // Five past nine in New York.
        assertThat(activities.visitsOf(office.id(), "M1").get(0).startsAt())
            .isEqualTo(Instant.parse("2026-09-01T13:05:00Z"));
        assertThat(activities.transactionsOf(office.id(), "M1"))
            .extracting(MemberTransaction::type, MemberTransaction::amountCents)
            .containsExactlyInAnyOrder(
                org.assertj.core.groups.Tuple.tuple("CHARGE", 12_995L),
                org.assertj.core.groups.Tuple.tuple("PATIENT_PAYMENT", 5_000L));
        assertThat(office.deadLetters()).isZero();

        // The charts' own stamps stay where they are: long past.
        g.jdbc.update(
            "update admin.patient set automodifiedtimestamp = timestamp '2020-01-01 00:00:00'");
        g.jdbc.update(
            """
            update admin.address set city = 'DUBLIN', automodifiedtimestamp = current_timestamp
            where addrid = 7""");
        office.sync();
        assertThat(office.recordOf(1, "person,address,city")).isEqualTo("DUBLIN");
        assertThat(office.recordOf(2, "person,address,city")).isEqualTo("DUBLIN");

        g.jdbc.update("delete from admin.patient where patid = 9");
        office.compare();
        assertThat(office.charts()).isEqualTo(29);
      }
    }
  }

  private static final String[] ENTERPRISE = {
    """
    create table DDB_ADDRESS_BASE (ADDRESSID int, ADDRESSDB int, STREET1 varchar(50),
      STREET2 varchar(50), CITY varchar(50), STATE varchar(20), ZIPCODE varchar(16),
      DDB_LAST_MOD timestamp, primary key (ADDRESSID, ADDRESSDB))""",
    """
    create table DDB_PAT_BASE (PATID int, PATDB int, ADDRESSID int, ADDRESSDB int,
      LASTNAME varchar(50), FIRSTNAME varchar(50), MI varchar(3), MiddleName varchar(50),
      PREFNAME varchar(50), TITLE varchar(20), Suffix varchar(10), CHART varchar(21), SS varchar(11),
      GENDER smallint, STATUS smallint, FAMPOS smallint, BIRTHDATE timestamp,
      FIRSTVISITDATE timestamp, HOMEPHONE varchar(20), WKPHONE varchar(20), OTHERPHONE varchar(20),
      PAGER varchar(20), EMAILADDRESS varchar(100), GUARID int, GUARDB int, PRPROVID varchar(10),
      DefaultClinic int, PatientDeathDate timestamp, Language smallint, PrivacyFlags smallint,
      DDB_LAST_MOD timestamp, primary key (PATID, PATDB))""",
    """
    create table DDB_APPT_BASE (APPTID int, APPTDB int, PATID int, PATDB int, APPTDATE timestamp,
      TIME_HOUR smallint, TIME_MINUTE smallint, APPTLEN int, STATUS int, BROKENDATE timestamp,
      DDB_LAST_MOD timestamp, primary key (APPTID, APPTDB))""",
    """
    create table DDB_PROC_CODE_BASE (PROC_CODEID int, PROC_CODEDB int, ADACODE varchar(11),
      primary key (PROC_CODEID, PROC_CODEDB))""",
    """
    create table DDB_PROC_LOG_BASE (PROC_LOGID int, PROC_LOGDB int, PATID int, PATDB int,
      PLDATE timestamp, CHART_STATUS smallint, CLASS smallint, AMOUNT bigint, PROC_CODEID int,
      PROC_CODEDB int, PROVID varchar(10), DDB_LAST_MOD timestamp,
      primary key (PROC_LOGID, PROC_LOGDB))"""
  };

  private static void chart(Database enterprise, int id, int database, Someone who) {
    enterprise.jdbc.update(
        """
        insert into DDB_PAT_BASE (PATID, PATDB, LASTNAME, FIRSTNAME, GENDER, STATUS, FAMPOS,
          BIRTHDATE, FIRSTVISITDATE, PAGER, EMAILADDRESS, GUARID, GUARDB, PrivacyFlags, DDB_LAST_MOD)
        values (?, ?, ?, ?, 2, 1, 1, ?, timestamp '1753-01-01 00:00:00', ?, ?, ?, ?, 0,
          current_timestamp)""",
        id,
        database,
        who.family(),
        who.given(),
        java.sql.Timestamp.valueOf(who.birthDate() + " 00:00:00"),
        who.mobile(),
        who.email(),
        id,
        database);
  }

  @Test
  void enterpriseHasIdsOfTwoPartsAndAmountsInCents() throws Exception {
    try (Database enterprise = new Database(";MODE=MSSQLServer", ENTERPRISE)) {
      Someone ada = Someone.named("Henrietta", "Bloom");
      Someone ben = Someone.named("Augusta", "Finch");
      for (int database = 1; database <= 3; database++) {
        for (int i = 1; i <= 10; i++) {
          chart(
              enterprise,
              i,
              database,
              i == 5 && database == 2
                  ? ada
                  : i == 5 && database == 3 ? ben : Someone.named("Some", "Body" + database + i));
        }
      }
      enterprise.jdbc.update("insert into DDB_PROC_CODE_BASE values (1, 1, 'D0120')");
      enterprise.jdbc.update(
          """
          insert into DDB_PROC_LOG_BASE values
            (9001, 1, 5, 2, timestamp '2026-03-02 00:00:00', 102, 0, 12995, 1, 1, 'DDS1', current_timestamp),
            (9001, 2, 5, 2, timestamp '2026-03-02 00:00:00', 90, 3, -6000, 0, 0, 'DDS1', current_timestamp),
            (9001, 3, 5, 3, timestamp '2026-03-02 00:00:00', 102, 0, 777, 1, 1, 'DDS1', current_timestamp)""");
      enterprise.jdbc.update(
          """
          insert into DDB_APPT_BASE values (501, 1, 5, 2, timestamp '2026-09-01 00:00:00', 14, 30, 40,
            3, timestamp '1753-03-02 00:00:00', current_timestamp)""");
      try (Office office =
          office("dentrix-enterprise", enterprise, "fetch").with("pageSize", "4").open()) {
        office.member("M1", ada);
        office.awaitSettled();

        assertThat(office.charts()).isEqualTo(30);
        assertThat(office.memberOf("5.2")).isEqualTo("M1");
        Activities activities = engine.bean(Activities.class);
        assertThat(activities.transactionsOf(office.id(), "M1"))
            .extracting(MemberTransaction::type, MemberTransaction::amountCents)
            .containsExactlyInAnyOrder(
                org.assertj.core.groups.Tuple.tuple("CHARGE", 12_995L),
                org.assertj.core.groups.Tuple.tuple("INSURANCE_PAYMENT", 6_000L));
        assertThat(activities.visitsOf(office.id(), "M1"))
            .extracting(MemberVisit::status)
            .containsExactly("SCHEDULED", "COMPLETED");
        assertThat(office.deadLetters()).isZero();

        // A change that moves no stamp is found at night; so is what is gone.
        enterprise.jdbc.update(
            "update DDB_PAT_BASE set PAGER = '6142285555' where PATID = 5 and PATDB = 2");
        enterprise.jdbc.update("delete from DDB_PAT_BASE where PATID = 7 and PATDB = 3");
        enterprise.jdbc.update("delete from DDB_PROC_LOG_BASE where PROC_LOGDB = 2");
        office.compare();
        assertThat(office.recordOf("5.2", "person,phones,0,e164")).isEqualTo("+16142285555");
        assertThat(office.charts()).isEqualTo(29);
        assertThat(activities.transactionsOf(office.id(), "M1")).hasSize(1);
      }
    }
  }

  @Test
  void aDriverThatIsNotThereIsAskedFor() throws Exception {
    try (Database g = new Database("", G_SERIES);
        Office office = office("dentrix-g", g, "top").with("driver", "ctree.jdbc.ctreeDriver")) {
      office.connect();

      assertThat(office.awaitPause("FILES_WRONG"))
          .contains("ctree.jdbc.ctreeDriver")
          .contains("put the vendor's JDBC driver there");
    }
  }
}
