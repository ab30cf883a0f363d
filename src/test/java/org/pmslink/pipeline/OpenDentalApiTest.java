package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.LocalDate;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
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
