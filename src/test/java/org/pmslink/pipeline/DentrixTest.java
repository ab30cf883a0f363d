package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Activities.MemberTransaction;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.sample.OpenDentalServer;

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

  private Office office(String mappings, DentrixDatabase database, String dialect)
      throws Exception {
    return database.readBy(engine, Office.at(engine, pms), mappings, dialect);
  }

  private static void patient(DentrixDatabase g, int id, int address, Someone who) {
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
    try (DentrixDatabase g = new DentrixDatabase(folder, "", DentrixDatabase.G_SERIES)) {
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

        // Old rows bear no stamp at all.
        g.jdbc.update("update admin.patient set automodifiedtimestamp = null");
        g.jdbc.update(
            """
            update admin.address set city = 'DAYTON', automodifiedtimestamp = current_timestamp
            where addrid = 7""");
        office.sync();
        assertThat(office.recordOf(1, "person,address,city")).isEqualTo("DAYTON");

        g.jdbc.update("delete from admin.appt where apptid = 502");
        g.jdbc.update(
            """
            insert into admin.appthist values
              (501, 0, '2026-01-05', 600, 1, 3, 0, 1, 0, current_timestamp),
              (502, 0, '2026-01-05', 600, 1, 3, 1, 0, 1, current_timestamp)""");
        g.jdbc.update(
            """
            insert into admin.fullproclog values
              (9004, 1, 1, 90, '2026-03-03', 0, 1, 'DDS1', 20.00, current_timestamp),
              (9005, 1, 1, 90, '2026-03-03', 0, 3, 'DDS1', 7.00, current_timestamp)""");
        office.sync();
        assertThat(activities.visitsOf(office.id(), "M1"))
            .extracting(MemberVisit::onDate)
            .containsExactly(LocalDate.of(2026, 3, 2));
        assertThat(activities.transactionsOf(office.id(), "M1"))
            .filteredOn(t -> t.onDate().equals(LocalDate.of(2026, 3, 3)))
            .extracting(MemberTransaction::type, MemberTransaction::amountCents)
            .containsExactlyInAnyOrder(
                org.assertj.core.groups.Tuple.tuple("REFUND", 2_000L),
                org.assertj.core.groups.Tuple.tuple("INSURANCE_PAYMENT", -700L));

        g.jdbc.update("delete from admin.patient where patid = 9");
        office.compare();
        assertThat(office.charts()).isEqualTo(29);
      }
    }
  }

  private static void chart(DentrixDatabase enterprise, int id, int database, Someone who) {
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
    try (DentrixDatabase enterprise =
        new DentrixDatabase(folder, DentrixDatabase.AS_SQL_SERVER, DentrixDatabase.ENTERPRISE)) {
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

        // Old rows bear no stamp, and what is theirs may be seen by their address's alone.
        enterprise.jdbc.update(
            """
            insert into DDB_ADDRESS_BASE values (7, 1, '12 Elm St', '', 'DAYTON', 'OH', '45402',
              current_timestamp)""");
        enterprise.jdbc.update(
            """
            update DDB_PAT_BASE set ADDRESSID = 7, ADDRESSDB = 1, DDB_LAST_MOD = null
            where PATID = 5 and PATDB = 2""");
        office.sync();
        assertThat(office.recordOf("5.2", "person,address,city")).isEqualTo("DAYTON");

        // More rows than a page with one stamp, as exact as a datetime2 can be.
        enterprise.jdbc.execute("alter table DDB_PAT_BASE alter column DDB_LAST_MOD timestamp(7)");
        enterprise.jdbc.update(
            "update DDB_PAT_BASE set CHART = 'NEW', DDB_LAST_MOD = ? where PATDB = 1",
            // The zone in which this process has its servers write current_timestamp.
            LocalDateTime.now(ZoneId.systemDefault()).withNano(123_456_700));
        office.sync();
        assertThat(
                office.count(
                    "select count(*) from patients where practice_id = ?"
                        + " and record ->> 'chartNumber' = 'NEW'"))
            .isEqualTo(10);

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
    try (DentrixDatabase g = new DentrixDatabase(folder, "", DentrixDatabase.G_SERIES);
        Office office = office("dentrix-g", g, "top").with("driver", "ctree.jdbc.ctreeDriver")) {
      office.connect();

      assertThat(office.awaitPause("FILES_WRONG"))
          .contains("ctree.jdbc.ctreeDriver")
          .contains("put the vendor's JDBC driver there");
    }
  }
}
