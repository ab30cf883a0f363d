package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Duration;
import java.time.LocalDate;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.feed.FeedHealth;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Activities.MemberTransaction;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.sample.OpenDentalApi;
import org.pmslink.sample.OpenDentalServer;

/** Open Dental over its REST API: HTTP, with the habits of the real one. */
@ExtendWith(Pipeline.class)
class OpenDentalApiTest {
  private final Engine engine;
  private final OpenDentalServer pms;

  OpenDentalApiTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private static OpenDentalApi api(Office office) {
    return OpenDentalApi.over(Objects.requireNonNull(office.pms().getDataSource()));
  }

  private static void payment(Office office, long number, long chart, long payer, double amount) {
    office.edit(
        """
        insert into payment (PayNum, PayType, PayDate, PayAmt, PatNum, DateEntry)
        values (?, 1, '2026-03-02', ?, ?, date(now()))""",
        number,
        amount,
        payer);
    office.edit(
        """
        insert into paysplit (SplitNum, SplitAmt, PatNum, PayNum, DatePay)
        values (?, ?, ?, ?, '2026-03-02')""",
        number + 1000,
        amount,
        chart,
        number);
  }

  @Test
  void readsWhatTheDatabaseHoldsAndWhatChanges() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      Someone ada = Someone.named("Philippa", "Anders");
      long chart = office.chart(ada);
      for (int i = 0; i < 250; i++) {
        office.chart(Someone.named("Neighbour", "Number" + i));
      }
      office.edit("insert into procedurecode (CodeNum, ProcCode) values (1, 'D0120')");
      office.edit(
          """
          insert into appointment (AptNum, PatNum, AptStatus, Pattern, AptDateTime)
          values (1, ?, 2, '/XX/', '2026-03-02 09:30:00'), (2, ?, 6, '/XX/', '0001-01-01')""",
          chart,
          chart);
      office.edit(
          """
          insert into procedurelog (ProcNum, PatNum, AptNum, ProcDate, ProcFee, ProcStatus, CodeNum)
          values (10, ?, 1, '2026-03-02', 129.5, 2, 1), (11, ?, 0, '2026-03-02', 99, 1, 1)""",
          chart,
          chart);
      payment(office, 20, chart, chart, 50.25);
      office.over(api).open();
      office.member("M1", ada);
      office.awaitSettled();

      Activities activities = engine.bean(Activities.class);
      assertThat(office.charts()).isEqualTo(251);
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      assertThat(activities.visitsOf(office.id(), "M1"))
          .singleElement()
          .satisfies(
              visit -> {
                assertThat(visit.onDate()).isEqualTo(LocalDate.of(2026, 3, 2));
                assertThat(visit.procedureCodes()).containsExactly("D0120");
              });
      assertThat(activities.transactionsOf(office.id(), "M1"))
          .extracting(MemberTransaction::amountCents)
          .containsExactlyInAnyOrder(12_950L, 5_025L);
      assertThat(office.count("select count(*) from transactions where practice_id = ?"))
          .isEqualTo(2);

      String cursors =
          engine
              .store()
              .queryForList("select * from feed_cursors where feed = ?", office.name)
              .toString();
      Shell tried = Shell.run(engine, "feed", "dry-run", office.name, "--all");
      assertThat(tried.output())
          .contains(office.name + ": 251 patients read")
          .contains(office.name + ": 1 transactions-payments read")
          .containsPattern("(?m)^ +251 would be kept$")
          .containsPattern("(?m)^ +1 would be linked$");
      assertThat(tried.status()).isZero();
      assertThat(
              engine
                  .store()
                  .queryForList("select * from feed_cursors where feed = ?", office.name)
                  .toString())
          .isEqualTo(cursors);

      office.edit("update patient set City = 'Dublin' where PatNum = ?", chart);
      office.edit("delete from appointment where AptNum = 1");
      office.edit(
          "insert into histappointment (HistDateTStamp, HistApptAction, AptNum, PatNum) values ("
              + Office.THERE
              + ", 4, 1, ?)",
          chart);
      office.edit("update procedurelog set ProcStatus = 6 where ProcNum = 10");
      payment(office, 21, chart, chart, 10);
      office.sync();

      assertThat(office.recordOf(chart, "person,address,city")).isEqualTo("DUBLIN");
      assertThat(activities.visitsOf(office.id(), "M1")).extracting(MemberVisit::onDate).isEmpty();
      assertThat(activities.transactionsOf(office.id(), "M1"))
          .filteredOn(t -> !t.voided())
          .extracting(MemberTransaction::amountCents)
          .containsExactlyInAnyOrder(5_025L, 1_000L);

      office.edit("delete from payment where PayNum = 20");
      office.compare();
      assertThat(activities.transactionsOf(office.id(), "M1"))
          .filteredOn(t -> !t.voided())
          .extracting(MemberTransaction::amountCents)
          .containsExactly(1_000L);
      assertThat(office.charts()).isEqualTo(251);
      assertThat(office.deadLetters()).isZero();
    }
  }

  @Test
  void mergesAndSplitsComeThroughQueriesWhereTheseAreAllowed() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      Someone ada = Someone.named("Theodora", "Vance");
      long survivor = office.chart(ada);
      long loser = office.chart(Someone.named("Dora", "Vancey"));
      payment(office, 20, loser, survivor, 70);
      office.over(api).with("queries", "true").open();
      office.member("M1", ada);
      office.merge(loser, survivor);
      office.sync();

      assertThat(
              office.count(
                  "select count(*) from patients where practice_id = ? and merged_into is not null"))
          .isEqualTo(1);
      // The split is on the chart that was merged, and so on the member's.
      assertThat(engine.bean(Activities.class).transactionsOf(office.id(), "M1"))
          .singleElement()
          .satisfies(
              split -> {
                assertThat(split.amountCents()).isEqualTo(7_000);
                assertThat(split.payer()).isEqualTo(String.valueOf(survivor));
              });
    }
  }

  @Test
  void withoutThePermissionForQueriesAllElseIsReadAndWhatIsMissingIsSaid() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      Someone ada = Someone.named("Theodora", "Vance");
      long survivor = office.chart(ada);
      long loser = office.chart(Someone.named("Dora", "Vancey"));
      office.edit(
          "insert into appointment (AptNum, PatNum, AptStatus, AptDateTime) values (1, ?, 2,"
              + " '2026-03-02 09:30:00')",
          survivor);
      office.edit(
          """
          insert into claimproc (ClaimProcNum, PatNum, Status, InsPayAmt, WriteOff, DateCP)
          values (8, ?, 1, 80, 20, '2026-03-02')""",
          survivor);
      office.edit("insert into provider (ProvNum, Abbr, LName) values (3, 'HYG1', 'Marsh')");
      office.edit("insert into clinic (ClinicNum, Description) values (1, 'Main Street')");
      office.merge(loser, survivor);
      api.allowQueries(false);
      office.over(api).with("queries", "true").open();
      office.member("M1", ada);
      office.sync();

      assertThat(office.status().state()).isEqualTo("RUNNING");
      assertThat(office.status().reasonCategory()).isEqualTo("NOT_ALLOWED");
      assertThat(office.status().reason())
          .contains("merges, providers, transactions-adjustments, transactions-insurance")
          .contains("queries");
      Activities activities = engine.bean(Activities.class);
      assertThat(office.memberOf(survivor)).isEqualTo("M1");
      assertThat(activities.visitsOf(office.id(), "M1")).hasSize(1);
      Shell tried = Shell.run(engine, "feed", "dry-run", office.name, "--all");
      assertThat(tried.output()).contains("does not allow merges to be read");
      assertThat(tried.status()).isEqualTo(1);

      api.allowQueries(true);
      office.sync();

      assertThat(office.status().reason()).isNull();
      assertThat(
              office.count(
                  "select count(*) from patients where practice_id = ? and merged_into is not null"))
          .as("what happened before the permission came")
          .isEqualTo(1);
      assertThat(activities.transactionsOf(office.id(), "M1"))
          .extracting(MemberTransaction::type, MemberTransaction::amountCents)
          .containsExactlyInAnyOrder(
              tuple("INSURANCE_PAYMENT", 8_000L), tuple("ADJUSTMENT", -2_000L));
      assertThat(office.count("select count(*) from providers where practice_id = ?")).isOne();
      assertThat(office.count("select count(*) from clinics where practice_id = ?")).isOne();
    }
  }

  @Test
  void splitsTakeThePlaceOfPaymentsOnceQueriesAreAllowedAndGiveItBack() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      Someone ada = Someone.named("Theodora", "Vance");
      long chart = office.chart(ada);
      payment(office, 20, chart, chart, 70);
      payment(office, 1020, chart, chart, 30);
      office.over(api).open();
      office.member("M1", ada);
      office.awaitSettled();
      assertThat(ids(office)).containsExactlyInAnyOrder("20", "1020");

      office.with("queries", "true").writeFeedFile();
      assertThat(Shell.run(engine, "feed", "apply", office.name).status()).isZero();
      office.awaitSettled();
      assertThat(ids(office)).containsExactlyInAnyOrder("1020", "2020");
      assertThat(engine.bean(Activities.class).transactionsOf(office.id(), "M1"))
          .extracting(MemberTransaction::amountCents)
          .containsExactlyInAnyOrder(7_000L, 3_000L);

      office.with("queries", "false").writeFeedFile();
      assertThat(Shell.run(engine, "feed", "apply", office.name).status()).isZero();
      office.awaitSettled();
      assertThat(ids(office)).containsExactlyInAnyOrder("20", "1020");
    }
  }

  private java.util.List<String> ids(Office office) {
    return engine
        .store()
        .queryForList(
            "select source_id from transactions where practice_id = ? and removed_at is null"
                + " and stream = 'TRANSACTIONS/payments'",
            String.class,
            office.id());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatIsDeletedInOpenDentalIsNotActiveForGood(boolean listed) throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      Someone ada = Someone.named("Theodora", "Vance");
      long chart = office.chart(ada);
      long other = office.chart(Someone.named("Dora", "Vancey"));
      office.edit(
          """
          insert into procedurelog (ProcNum, PatNum, ProcDate, ProcFee, ProcStatus)
          values (10, ?, '2026-03-02', 129.5, 2), (11, ?, '2026-03-02', 99, 2)""",
          other,
          other);
      api.listDeleted(listed);
      office.over(api).open();
      office.member("M1", ada);
      office.awaitSettled();
      assertThat(office.memberOf(chart)).isEqualTo("M1");

      office.edit("update patient set PatStatus = 4 where PatNum = ?", chart);
      office.edit("update procedurelog set ProcStatus = 6 where ProcNum = 10");
      office.compare();

      assertThat(office.flagOf(chart)).isEqualTo(listed ? "CHART_DELETED" : "CHART_GONE");
      assertThat(
              office.count(
                  "select count(*) from transactions where practice_id = ?"
                      + " and removed_at is null and not voided"))
          .isOne();
      int before = api.requests();
      office.compare();
      assertThat(api.requests() - before).as("nobody is asked for again").isLessThan(10);
    }
  }

  @Test
  void aDeletedAppointmentIsToldOnce() throws Exception {
    try (Office office = Office.at(engine, pms).with("overlap", "PT0S");
        OpenDentalApi api = api(office)) {
      long chart = office.chart(Someone.named("Theodora", "Vance"));
      office.edit("update patient set DateTStamp = now() - interval 1 day");
      office.over(api).open();
      office.edit(
          "insert into histappointment (HistDateTStamp, HistApptAction, AptNum, PatNum) values ("
              + Office.THERE
              + ", 4, 1, ?)",
          chart);
      Awaitility.await("the PMS's clock, which counts seconds, goes on")
          .atMost(Office.LONGEST)
          .until(() -> isLaterThanTheDelete(office));
      office.sync();
      Object newest = engine.bean(FeedHealth.class).of(office.id(), office.name).lastNewAt();
      assertThat(removedVisits(office)).isOne();
      office.sync();

      assertThat(engine.bean(FeedHealth.class).of(office.id(), office.name).lastNewAt())
          .as("a pass without anything new is none that brought something")
          .isEqualTo(newest);
    }
  }

  private static boolean isLaterThanTheDelete(Office office) {
    return Boolean.TRUE.equals(
        office
            .pms()
            .queryForObject(
                "select "
                    + Office.THERE
                    + " > max(HistDateTStamp) + interval 1 second from histappointment",
                Boolean.class));
  }

  private static long removedVisits(Office office) {
    return office.count(
        "select count(*) from visits where practice_id = ? and removed_at is not null");
  }

  @Test
  void keepsToTheThrottleAndRidesOutTheOffice() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      for (int i = 0; i < 120; i++) {
        office.chart(Someone.named("Patience", "Number" + i));
      }
      // A request may be late on a busy machine, and the next one not.
      api.throttle(Duration.ofMillis(100));
      office.over(api).with("throttle", "500").with("records", "patients").open();
      assertThat(office.charts()).isEqualTo(120);
      assertThat(api.requests()).isGreaterThanOrEqualTo(3);
      assertThat(api.tooSoon()).isZero();

      for (String fault : new String[] {"504", "400", "503", "{\"no\": \"list\"}", "[[[", ""}) {
        long chart = office.chart(Someone.named("Unlucky", "Hour"));
        api.failNext(fault);
        office.askForPass(false);
        Awaitility.await("the chart arrives after " + fault)
            .atMost(Office.LONGEST)
            .until(() -> !office.recordOf(chart, "sourceId").isEmpty());
      }
      office.awaitSettled();
      assertThat(office.charts()).isEqualTo(126);
      assertThat(office.deadLetters()).isZero();
    }
  }

  @Test
  void feedsWithOneKeyTakeTurns() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office other = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.chart(Someone.named("Lena", "Marsh"));
      for (Office each : new Office[] {office, other}) {
        each.over(api).with("throttle", "400").open();
      }
      api.throttle(Duration.ofMillis(100));
      int before = api.requests();

      office.askForPass(true);
      other.askForPass(true);
      office.awaitSettled();
      other.awaitSettled();

      assertThat(api.requests() - before).isGreaterThan(10);
      assertThat(api.tooSoon()).isZero();
    }
  }

  @Test
  void aQueryThatIsWrongIsNoPmsThatIsAway() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.chart(Someone.named("Lena", "Marsh"));
      office.over(api).with("queries", "true").open();
      Engine.rewrite(office.mapping("merges.sql"), "l.LinkType = 1", "l.NoSuchColumn = 1");
      office.askForPass(false);

      assertThat(office.awaitPause("QUERY_FAILED")).contains("merges (HTTP 400)");
    }
  }

  @Test
  void aRefusedKeyAndAThrottlePauseTheFeedWithTheirReason() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.chart(Someone.named("Lena", "Marsh"));
      office.over(api).with("customerKey", "wrong").connect();

      assertThat(office.awaitPause("LOGIN_REFUSED")).contains("HTTP 401");
    }
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.chart(Someone.named("Lena", "Marsh"));
      office.over(api).open();
      api.failNext("429 120");
      office.askForPass(false);

      String reason = office.awaitPause("THROTTLED");

      assertThat(reason).isEqualTo("the PMS wants to be asked less often");
      assertThat(Objects.requireNonNull(office.status().nextAttemptAt()))
          .isAfter(java.time.Instant.now().plusSeconds(90));
    }
  }

  @Test
  void whatTheApiSaysOfAPatientIsInNoReason() throws Exception {
    try (Office office = Office.at(engine, pms);
        OpenDentalApi api = api(office)) {
      office.chart(Someone.named("Lena", "Marsh"));
      office.over(api).open();
      api.failNext("500");
      office.askForPass(false);

      assertThat(office.awaitPause("UNREACHABLE")).contains("HTTP 500").doesNotContain("Smith");
    }
  }
}
