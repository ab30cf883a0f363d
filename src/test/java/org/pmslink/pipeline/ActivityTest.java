package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.linking.LinkRecords;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Activities.MemberTransaction;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.membership.ApplyCommands;
import org.pmslink.membership.CommandBatch;
import org.pmslink.membership.Verdicts;
import org.pmslink.membership.Verdicts.Verdict;
import org.pmslink.patient.RecordJson;
import org.pmslink.sample.OpenDentalServer;

/** Visits, transactions, providers and clinics of an Open Dental, in the running engine. */
@ExtendWith(Pipeline.class)
class ActivityTest {
  private final Engine engine;
  private final OpenDentalServer pms;

  ActivityTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private static void appointment(Office office, long number, long chart, int status, String at) {
    office.edit(
        """
        insert into appointment (AptNum, PatNum, AptStatus, Pattern, ProvNum, AptDateTime)
        values (?, ?, ?, '/XXXXXX/', 1, ?)""",
        number,
        chart,
        status,
        at);
  }

  private static void procedure(
      Office office, long number, long chart, long appointment, String day, double fee) {
    office.edit(
        "insert ignore into procedurecode (CodeNum, ProcCode) values (1, 'D0120'), (2, 'D1110')");
    office.edit(
        """
        insert into procedurelog (ProcNum, PatNum, AptNum, ProcDate, ProcFee, ProcStatus, CodeNum)
        values (?, ?, ?, ?, ?, 2, ?)""",
        number,
        chart,
        appointment,
        day,
        fee,
        1 + number % 2);
  }

  private static void payment(Office office, long split, long chart, long payer, double amount) {
    office.edit(
        "insert into payment (PayNum, PayType, PayDate, PayAmt, PatNum) values (?, 1, now(), ?, ?)",
        split,
        amount,
        payer);
    office.edit(
        """
        insert into paysplit (SplitNum, SplitAmt, PatNum, PayNum, DatePay)
        values (?, ?, ?, ?, '2026-03-02')""",
        split,
        amount,
        chart,
        split);
  }

  private List<MemberVisit> visits(Office office, String member) {
    return engine.bean(Activities.class).visitsOf(office.id(), member);
  }

  private List<MemberTransaction> ledger(Office office, String member) {
    return engine.bean(Activities.class).transactionsOf(office.id(), member);
  }

  private List<Long> cents(Office office, String member) {
    return ledger(office, member).stream().map(MemberTransaction::amountCents).sorted().toList();
  }

  private void decide(Office office, long chart, String member, Verdict verdict) {
    engine
        .bean(Verdicts.class)
        .decide(
            office.name,
            "open-dental",
            String.valueOf(chart),
            member,
            verdict,
            "pat.clark",
            "asked them");
    office.awaitSettled();
  }

  @Test
  void whatIsOnAChartIsTheLinkedMembers() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone ada = Someone.named("Adelina", "Okafor");
      long chart = office.chart(ada);
      long payer = office.chart(Someone.named("Bertrand", "Okafor"));
      appointment(office, 1, chart, 2, "2026-03-02 09:30:00");
      procedure(office, 10, chart, 1, "2026-03-02", 129.995);
      procedure(office, 11, chart, 1, "2026-03-02", 80);
      appointment(office, 2, chart, 1, "2026-09-01 09:30:00");
      procedure(office, 12, chart, 0, "2026-02-01", 45.5);
      payment(office, 20, chart, payer, 100.1);
      payment(office, 21, chart, chart, -20);
      office.edit(
          "insert into adjustment (AdjDate, AdjAmt, PatNum, AdjType) values ('2026-03-02', -13, ?, 4)",
          chart);
      office.edit(
          """
          insert into claimproc (PatNum, InsPayAmt, WriteOff, Status, DateCP)
          values (?, 60, 5, 1, '2026-03-20'), (?, 70, 5, 6, '2026-03-20')""",
          chart,
          chart);
      office.open();
      office.member("M1", ada);
      office.awaitSettled();

      assertThat(visits(office, "M1"))
          .extracting(MemberVisit::onDate, MemberVisit::status, MemberVisit::procedureCodes)
          .containsExactly(
              tuple(LocalDate.of(2026, 9, 1), "SCHEDULED", List.of()),
              tuple(LocalDate.of(2026, 3, 2), "COMPLETED", List.of("D0120", "D1110")),
              tuple(LocalDate.of(2026, 2, 1), "COMPLETED", List.of("D0120")));
      // Half past nine in New York.
      assertThat(visits(office, "M1").get(0).startsAt())
          .isEqualTo(Instant.parse("2026-09-01T13:30:00Z"));
      assertThat(ledger(office, "M1"))
          .extracting(MemberTransaction::type, MemberTransaction::amountCents)
          .containsExactlyInAnyOrder(
              tuple("CHARGE", 13_000L),
              tuple("CHARGE", 8_000L),
              tuple("CHARGE", 4_550L),
              tuple("PATIENT_PAYMENT", 10_010L),
              tuple("REFUND", 2_000L),
              tuple("ADJUSTMENT", -1_300L),
              tuple("INSURANCE_PAYMENT", 6_000L),
              tuple("ADJUSTMENT", -500L));
      assertThat(ledger(office, "M1"))
          .filteredOn(t -> t.type().equals("PATIENT_PAYMENT"))
          .extracting(MemberTransaction::payer)
          .containsExactly(String.valueOf(payer));
      assertThat(visits(office, "M2")).isEmpty();
    }
  }

  private static org.assertj.core.groups.Tuple tuple(Object... values) {
    return org.assertj.core.groups.Tuple.tuple(values);
  }

  @Test
  void anotherLinkShowsTheOtherChartsVisitsAndNoRowIsWritten() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone ada = Someone.named("Sanna", "Lindqvist");
      long wrong = office.chart(ada);
      long right = office.chart(Someone.named("Ingrid", "Lindqvist"));
      procedure(office, 10, wrong, 0, "2026-02-01", 10);
      procedure(office, 11, right, 0, "2026-02-03", 20);
      office.open();
      office.member("M1", ada);
      office.awaitSettled();
      assertThat(cents(office, "M1")).containsExactly(1_000L);
      String rows = rows(office);

      decide(office, right, "M1", Verdict.SAME);

      assertThat(office.memberOf(right)).isEqualTo("M1");
      assertThat(cents(office, "M1")).containsExactly(2_000L);
      assertThat(visits(office, "M1"))
          .extracting(MemberVisit::onDate)
          .containsExactly(LocalDate.of(2026, 2, 3));
      assertThat(rows(office)).isEqualTo(rows);
    }
  }

  @Test
  void aMergedChartsVisitsAreThoseOfTheChartItWentInto() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone ada = Someone.named("Magdalena", "Petrov");
      long survivor = office.chart(ada);
      long loser = office.chart(Someone.named("Magda", "Petrova"));
      procedure(office, 10, loser, 0, "2026-02-01", 10);
      office.open();
      office.member("M1", ada);
      office.awaitSettled();
      assertThat(cents(office, "M1")).isEmpty();

      office.merge(loser, survivor);
      office.sync();

      assertThat(cents(office, "M1")).containsExactly(1_000L);
    }
  }

  private String rows(Office office) {
    return String.valueOf(
        engine
            .store()
            .queryForObject(
                """
                select string_agg(t::text, chr(10) order by t::text) from (
                  select to_jsonb(v) from visits v where practice_id = ?
                  union all select to_jsonb(l) from transactions l where practice_id = ?) t""",
                String.class,
                office.id(),
                office.id()));
  }

  @Test
  void changesDeletesAndWhatLeavesNoTraceArrive() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone ada = Someone.named("Noemi", "Castellanos");
      long chart = office.chart(ada);
      appointment(office, 1, chart, 1, "2026-09-01 09:30:00");
      appointment(office, 2, chart, 1, "2026-09-02 09:30:00");
      procedure(office, 10, chart, 0, "2026-02-01", 10);
      payment(office, 20, chart, chart, 1);
      payment(office, 21, chart, chart, 2);
      office.open();
      office.member("M1", ada);
      office.awaitSettled();
      assertThat(visits(office, "M1")).hasSize(3);

      office.edit("update appointment set AptDateTime = '2026-09-03 11:00:00' where AptNum = 1");
      office.edit("delete from appointment where AptNum = 2");
      office.edit(
          "insert into histappointment (HistDateTStamp, HistApptAction, AptNum, PatNum) values ("
              + Office.THERE
              + ", 4, 2, ?)",
          chart);
      office.edit("update procedurelog set ProcStatus = 6 where ProcNum = 10");
      office.edit("delete from paysplit where SplitNum = 20");
      payment(office, 22, chart, chart, 3);
      office.sync();

      assertThat(visits(office, "M1"))
          .extracting(MemberVisit::onDate)
          .containsExactly(LocalDate.of(2026, 9, 3));
      assertThat(ledger(office, "M1"))
          .filteredOn(MemberTransaction::voided)
          .extracting(MemberTransaction::amountCents)
          .containsExactly(1_000L);
      // A deleted split leaves no trace: only the comparison of all keys finds it.
      assertThat(cents(office, "M1")).containsExactly(100L, 200L, 300L, 1_000L);
      office.compare();
      assertThat(cents(office, "M1")).containsExactly(200L, 300L, 1_000L);

      String before = rows(office);
      office.sync();
      office.compare();
      assertThat(rows(office)).isEqualTo(before);
    }
  }

  @Test
  void oneBadLineOfTheLedgerIsADeadLetterAndItsNeighboursAreThere() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone ada = Someone.named("Wilhelmina", "Strand");
      long chart = office.chart(ada);
      payment(office, 20, chart, chart, 1);
      payment(office, 21, chart, chart, 2);
      office.edit("update paysplit set DatePay = '0001-01-01' where SplitNum = 20");
      office.open();
      office.member("M1", ada);
      office.awaitSettled();

      assertThat(cents(office, "M1")).containsExactly(200L);
      LetterFilter open = LetterFilter.ALL.in(Letter.State.OPEN);
      assertThat(office.letters(open))
          .singleElement()
          .satisfies(
              letter -> {
                assertThat(letter.recordType()).isEqualTo("TRANSACTIONS/payments");
                assertThat(letter.sourceId()).isEqualTo("20");
                assertThat(letter.cause().message()).isEqualTo("date: missing");
              });

      office.edit("update paysplit set DatePay = '2026-03-03' where SplitNum = 20");
      office.sync();

      assertThat(cents(office, "M1")).containsExactly(100L, 200L);
      Awaitility.await().atMost(Office.LONGEST).until(() -> office.letters(open).isEmpty());
    }
  }

  @Test
  void anOlderVersionChangesNothingAndARemovalMayComeFirst() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Yolanda", "Ferreira"));
      office.open();
      String row =
          "{\"sourceId\":\"9\",\"patient\":\"1\",\"date\":\"2026-01-0%d\",\"status\":\"completed\"}";
      java.nio.file.Files.writeString(office.mapping("visit.jslt"), ".");

      apply(office, RecordType.VISITS, row.formatted(2), 1_000_002);
      apply(office, RecordType.VISITS, row.formatted(1), 1_000_001);
      assertThat(days(office)).containsExactly("2026-01-02");

      apply(office, RecordType.DELETES, "\"9\"", 1_000_003);
      apply(office, RecordType.VISITS, row.formatted(2), 1_000_002);
      assertThat(days(office)).isEmpty();

      apply(office, RecordType.DELETES, "\"10\"", 1_000_005);
      apply(office, RecordType.VISITS, row.formatted(4).replace("\"9\"", "\"10\""), 1_000_004);
      assertThat(days(office)).isEmpty();
      apply(office, RecordType.VISITS, row.formatted(5).replace("\"9\"", "\"10\""), 1_000_006);
      assertThat(days(office)).containsExactly("2026-01-05");
    }
  }

  private List<String> days(Office office) {
    return engine
        .store()
        .queryForList(
            """
            select on_date::text from visits
            where practice_id = ? and removed_at is null order by 1""",
            String.class,
            office.id());
  }

  private void apply(Office office, RecordType type, String record, long version) throws Exception {
    RecordBatch batch =
        new RecordBatch(
            office.name,
            "open-dental",
            office.name,
            null,
            0,
            "",
            1,
            version,
            type,
            "VISITS",
            true,
            type == RecordType.VISITS ? office.name + "/visit.jslt" : null,
            "UTC",
            "UTC",
            null,
            List.of(RecordJson.mapper().readTree(record)));
    LinkRecords.Result result = engine.bean(LinkRecords.class).link(batch);
    assertThat(result.deadLetters()).isEmpty();
    CommandBatch commands = result.commands();
    engine.bean(ApplyCommands.class).apply(commands.toJson());
  }

  @Test
  void providersAndClinicsAreKnown() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      office.edit("insert into provider (ProvNum, Abbr, LName) values (1, 'DOC1', 'Abbott')");
      office.edit("insert into clinic (ClinicNum, Description) values (1, 'Main Street')");
      office.open();
      assertThat(names(office)).containsExactly("DOC1", "Main Street");

      // A clinic has no stamp: the nightly comparison finds what has changed.
      office.edit("update clinic set Description = 'High Street'");
      office.edit("update provider set Abbr = 'DOC2', DateTStamp = now()");
      office.sync();
      assertThat(names(office)).containsExactly("DOC2", "Main Street");
      office.compare();
      assertThat(names(office)).containsExactly("DOC2", "High Street");
    }
  }

  @Test
  void whoTreatedAndWhereIsSaidByName() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone ada = Someone.named("Adelina", "Okafor");
      long chart = office.chart(ada);
      office.edit(
          "insert into provider (ProvNum, Abbr, LName, FName) values (1, 'DOC1', 'Abbott', 'Ruth')");
      office.edit("insert into clinic (ClinicNum, Description) values (7, 'Main Street')");
      appointment(office, 1, chart, 2, "2026-03-02 09:30:00");
      appointment(office, 2, chart, 2, "2026-03-09 09:30:00");
      procedure(office, 10, chart, 1, "2026-03-02", 50);
      office.edit("update appointment set ClinicNum = 7 where AptNum = 1");
      office.edit("update appointment set ProvNum = 9, ClinicNum = 8 where AptNum = 2");
      office.edit("update procedurelog set ProvNum = 1, ClinicNum = 7");
      office.open();
      office.member("M1", ada);
      office.awaitSettled();

      assertThat(visits(office, "M1"))
          .extracting(v -> v.provider() + ": " + v.providerName() + ", " + v.clinicName())
          .as("an id that no list explains stays one")
          .containsExactly("9: null, null", "1: Ruth Abbott, Main Street");
      assertThat(ledger(office, "M1"))
          .extracting(MemberTransaction::providerName, MemberTransaction::clinicName)
          .containsExactly(tuple("Ruth Abbott", "Main Street"));
    }
  }

  private List<String> names(Office office) {
    return engine
        .store()
        .queryForList(
            """
            select abbreviation from providers where practice_id = ? and removed_at is null
            union all
            select name from clinics where practice_id = ? and removed_at is null""",
            String.class,
            office.id(),
            office.id());
  }
}
