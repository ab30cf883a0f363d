package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.linking.Fingerprint;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Activities.MemberTransaction;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.sample.AscendApi;
import org.pmslink.sample.OpenDentalServer;

/** Dentrix Ascend over HTTP: tokens, paging, filters, limits, duplicates. */
@ExtendWith(Pipeline.class)
class AscendTest {
  private final Engine engine;
  private final OpenDentalServer pms;

  AscendTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private static void patient(AscendApi api, long id, Someone who, String status) {
    api.put("/v1/patients", id, patientFields(who, status));
  }

  private static Map<String, Object> patientFields(Someone who, String status) {
    return Map.of(
        "firstName", who.given(),
        "lastName", who.family(),
        "dateOfBirth", who.birthDate(),
        "patientStatus", status,
        "emailAddress", who.email(),
        "phones", List.of(Map.of("phoneType", "HOME", "number", who.mobile())),
        "city", who.city());
  }

  private static void procedure(AscendApi api, long id, long patient, String state) {
    api.put(
        "/v0/patientprocedures",
        id,
        Map.of(
            "patient",
            Map.of("id", String.valueOf(patient)),
            "serviceDate",
            "2026-03-02",
            "status",
            "COMPLETED",
            "state",
            state,
            "amount",
            129.95,
            "practiceProcedure",
            Map.of("adaCode", "D0120")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"lastId", "page"})
  void readsAllPagesWithOneTokenAndThenWhatChanges(String paging) throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      Someone ada = Someone.named("Rosalind", "Archer");
      patient(api, 4_000_000_000_001L, ada, "ACTIVE");
      for (long i = 2; i <= 25; i++) {
        patient(api, 4_000_000_000_000L + i, Someone.named("Other", "Person" + i), "NEW");
      }
      api.put(
          "/v1/appointments",
          501,
          Map.of(
              "patient", Map.of("id", "4000000000001"),
              "start", "2026-09-01T13:30:00.000Z",
              "end", "2026-09-01T14:00:00.000Z",
              "status", "CONFIRMED"));
      procedure(api, 9001, 4_000_000_000_001L, "ACTIVE");
      api.put("/v1/locations", 9, Map.of("name", "Main Street"));
      office.over(api).with("paging", paging).with("pageSize", "10").open();
      office.member("M1", ada);
      office.awaitSettled();

      Activities activities = engine.bean(Activities.class);
      assertThat(office.charts()).isEqualTo(25);
      assertThat(
              office.count(
                  "select max(expected) from feed_runs where practice_id = ?"
                      + " and kind = 'FIRST_LOAD'"))
          .as("how many the onboarding page is told of")
          .isEqualTo(25);
      assertThat(office.memberOf(4_000_000_000_001L)).isEqualTo("M1");
      assertThat(activities.visitsOf(office.id(), "M1"))
          .extracting(MemberVisit::onDate, MemberVisit::status)
          .containsExactly(
              org.assertj.core.groups.Tuple.tuple(LocalDate.of(2026, 9, 1), "SCHEDULED"),
              org.assertj.core.groups.Tuple.tuple(LocalDate.of(2026, 3, 2), "COMPLETED"));
      assertThat(activities.transactionsOf(office.id(), "M1"))
          .extracting(MemberTransaction::amountCents)
          .containsExactly(12_995L);
      assertThat(api.tokensGiven()).isEqualTo(1);
      assertThat(office.status().calls()).isEqualTo(api.requests());
      assertThat(office.status().callBudget()).isEqualTo(30_000);

      procedure(api, 9001, 4_000_000_000_001L, "INVALIDATED");
      patient(api, 4_000_000_000_001L, ada.withEmail("rosalind@new.example"), "ACTIVE");
      office.sync();

      assertThat(api.seen()).anyMatch(s -> s.contains("filter=lastModified%3E%3D"));
      assertThat(office.recordOf(4_000_000_000_001L, "person,emails,0"))
          .isEqualTo("rosalind@new.example");
      assertThat(activities.transactionsOf(office.id(), "M1"))
          .extracting(MemberTransaction::voided)
          .containsExactly(true);
      assertThat(api.tokensGiven()).isEqualTo(1);
    }
  }

  @Test
  void aDuplicateIsAMergeIntoTheChartItNames() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      Someone ada = Someone.named("Wanda", "Sobczak");
      patient(api, 11, ada, "ACTIVE");
      patient(api, 12, Someone.named("Gus", "Elsewhere"), "ACTIVE");
      procedure(api, 9001, 11, "ACTIVE");
      office.over(api).open();
      office.member("M1", ada);
      office.awaitSettled();
      assertThat(office.memberOf(11)).isEqualTo("M1");

      patient(api, 13, ada, "ACTIVE");
      Map<String, Object> duplicate = new java.util.HashMap<>(patientFields(ada, "DUPLICATE"));
      duplicate.put("duplicateOfPatient", Map.of("id", "13"));
      api.put("/v1/patients", 11, duplicate);
      office.sync();

      assertThat(office.memberOf(13)).isEqualTo("M1");
      assertThat(office.memberOf(11)).isEmpty();
      // What was done stays with the duplicate, and is the member's all the same.
      assertThat(engine.bean(Activities.class).visitsOf(office.id(), "M1")).hasSize(1);
    }
  }

  @Test
  void aDuplicateThatIsNoneAnyMoreIsAChartOfItsOwnAndItsLinkIsFlagged() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      Someone ada = Someone.named("Wilma", "Sobczyk");
      Someone olga = Someone.named("Olga", "Sobczyk");
      patient(api, 11, ada, "ACTIVE");
      procedure(api, 9001, 11, "ACTIVE");
      office.over(api).open();
      office.member("M1", ada);
      office.member("M2", olga);
      office.awaitSettled();
      for (long survivor : new long[] {12, 13}) {
        patient(api, survivor, ada, "ACTIVE");
        duplicateOf(api, survivor - 1, ada, survivor);
        office.sync();
        assertThat(office.memberOf(survivor)).isEqualTo("M1");
      }

      // It was somebody else's chart, and never Wilma's.
      patient(api, 11, olga, "ACTIVE");
      office.sync();
      assertThat(office.flagOf(13)).as("at the end of the chain").isEqualTo("MERGE_TAKEN_BACK");
      patient(api, 13, ada, "NEW");
      office.sync();

      assertThat(office.memberOf(13)).as("moved by nobody").isEqualTo("M1");
      assertThat(office.flagOf(13)).as("no rule takes it away").isEqualTo("MERGE_TAKEN_BACK");
      assertThat(office.historyOf(13))
          .containsExactly("MOVED CHART_MERGED", "FLAGGED MERGE_TAKEN_BACK");
      assertThat(office.memberOf(12)).as("still merged").isEmpty();
      assertThat(office.memberOf(11)).as("decided about like any chart").isEqualTo("M2");
      assertThat(engine.bean(Activities.class).visitsOf(office.id(), "M2")).hasSize(1);
      assertThat(engine.bean(Activities.class).visitsOf(office.id(), "M1")).isEmpty();
    }
  }

  private static void duplicateOf(AscendApi api, long loser, Someone who, long survivor) {
    Map<String, Object> duplicate = new java.util.HashMap<>(patientFields(who, "DUPLICATE"));
    duplicate.put("duplicateOfPatient", Map.of("id", String.valueOf(survivor)));
    api.put("/v1/patients", loser, duplicate);
  }

  @Test
  void whatIsGoneIsFoundAndOnlyWhatIsGone() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      for (long i = 1; i <= 12; i++) {
        patient(api, i, Someone.named("Member", "Number" + i), "ACTIVE");
      }
      procedure(api, 9001, 3, "ACTIVE");
      office.over(api).with("pageSize", "5").open();
      api.remove("/v1/patients", 7);
      api.remove("/v0/patientprocedures", 9001);

      office.compare();

      assertThat(office.charts()).isEqualTo(11);
      assertThat(
              office.count(
                  "select count(*) from transactions where practice_id = ? and removed_at is null"))
          .isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aGatewayThatGivesShorterPagesIsReadToItsEnd(boolean total) throws Exception {
    for (String paging : List.of("lastId", "page")) {
      try (Office office = Office.at(engine, pms);
          AscendApi api = AscendApi.start()) {
        for (long i = 1; i <= 25; i++) {
          patient(api, i, Someone.named("Other", "Person" + i), "NEW");
        }
        api.capPages(10);
        if (!total) {
          api.keepTotalToItself();
        }
        office.over(api).with("paging", paging).with("records", "patients").open();

        assertThat(office.charts()).as(paging).isEqualTo(25);
        assertThat(api.seen())
            .filteredOn(s -> s.contains("/v1/patients?"))
            .as("one more where nobody says how many there are")
            .hasSize(total ? 3 : 4);
      }
    }
  }

  @Test
  void whatIsPlannedNeedsNeitherDateNorPrice() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      patient(api, 1, Someone.named("Rosalind", "Archer"), "ACTIVE");
      procedure(api, 9001, 1, "ACTIVE");
      plan(api, 9002);
      office.over(api).open();
      assertThat(office.deadLetters()).isZero();
      assertThat(kept(office)).isOne();

      // Done by mistake, it is planned again.
      plan(api, 9001);
      office.sync();

      assertThat(office.deadLetters()).isZero();
      assertThat(kept(office)).isZero();
    }
  }

  private static void plan(AscendApi api, long id) {
    api.put(
        "/v0/patientprocedures",
        id,
        Map.of("patient", Map.of("id", "1"), "status", "TREATMENT_PLAN", "state", "ACTIVE"));
  }

  @Test
  void aGatewayThatKnowsNoSingleRecordsProvesNothingGone() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      for (long i = 1; i <= 12; i++) {
        patient(api, i, Someone.named("Member", "Number" + i), "ACTIVE");
      }
      office.over(api).with("records", "patients").open();
      api.refuseSingleRecords();
      api.remove("/v1/patients", 7);

      office.compare();

      assertThat(office.charts()).isEqualTo(12);
    }
  }

  @Test
  void whatTheStoreNeverKeptMakesNoRecordDoubtful() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      patient(api, 1, Someone.named("Rosalind", "Archer"), "ACTIVE");
      for (long id = 9001; id <= 9005; id++) {
        procedure(api, id, 1, "ACTIVE");
        procedure(api, alikeInTheSums(id, 1_000_000), 1, "INVALIDATED");
      }
      office.over(api).open();
      assertThat(kept(office)).isEqualTo(5);
      api.remove("/v0/patientprocedures", 9002);
      long fresh = alikeInTheSums(9003, 2_000_000);
      procedure(api, fresh, 1, "ACTIVE");

      office.compare();

      assertThat(kept(office)).as("one is gone, one is new").isEqualTo(5);
      assertThat(api.seen())
          .filteredOn(s -> s.contains("/v0/patientprocedures/"))
          .as("as a visit and as a charge, each after one that is there")
          .hasSize(4)
          .filteredOn(s -> s.contains("/9002"))
          .hasSize(2);
    }
  }

  private static long kept(Office office) {
    return office.count(
        "select count(*) from transactions where practice_id = ? and removed_at is null");
  }

  /** An id that the comparison's sums cannot tell from another. */
  private static long alikeInTheSums(long id, long from) {
    long other = from;
    while (Fingerprint.of(String.valueOf(other)) >>> 48
        != Fingerprint.of(String.valueOf(id)) >>> 48) {
      other++;
    }
    return other;
  }

  @Test
  void aTokenThatIsNoLongerTakenIsReplacedAndLimitsAreKept() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      patient(api, 1, Someone.named("Lena", "Marsh"), "ACTIVE");
      office.over(api).open();
      api.revokeToken();
      patient(api, 2, Someone.named("Nils", "Marsh"), "ACTIVE");
      office.askForPass(false);
      Awaitility.await().atMost(Office.LONGEST).until(() -> office.charts() == 2);
      assertThat(api.tokensGiven()).isEqualTo(2);

      office.awaitSettled();
      api.failNext("429 120");
      office.askForPass(false);
      assertThat(office.awaitPause("THROTTLED")).doesNotContain("Smith");
      assertThat(Objects.requireNonNull(office.status().nextAttemptAt()))
          .isAfter(Instant.now().plusSeconds(90));
      api.failNext("403");
      office.askForPass(false);
      assertThat(office.awaitPause("NOT_ALLOWED")).contains("HTTP 403");
      office.sync();
      assertThat(office.charts()).isEqualTo(2);
    }
  }

  @Test
  void aFilterThatIsRefusedIsNoPmsThatIsAway() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      patient(api, 1, Someone.named("Lena", "Marsh"), "ACTIVE");
      office.over(api).open();
      api.refuseFilters();
      office.askForPass(false);

      assertThat(office.awaitPause("QUERY_FAILED"))
          .contains("patients (HTTP 400)")
          .doesNotContain("Smith");
    }
  }

  @Test
  void aWrongSecretIsSaidToBeOne() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      office.over(api).with("clientSecret", "wrong").connect();

      assertThat(office.awaitPause("LOGIN_REFUSED")).contains("HTTP 401");
      assertThat(api.requests()).isZero();
    }
  }

  @Test
  void aTrialReadsTheSameWithinTheAllowanceAndMovesNothing() throws Exception {
    try (Office office = Office.at(engine, pms);
        AscendApi api = AscendApi.start()) {
      Someone ada = Someone.named("Rosalind", "Archer");
      patient(api, 1, ada, "ACTIVE");
      office.over(api).with("pageSize", "10").open();
      office.member("M1", ada);
      office.awaitSettled();
      for (long i = 2; i <= 25; i++) {
        patient(api, i, Someone.named("Other", "Person" + i), "NEW");
      }
      int before = api.requests();
      api.failNext("429 1");

      Shell tried = Shell.run(engine, "feed", "dry-run", office.name);

      assertThat(tried.output())
          .contains(office.name + ": 25 patients read; nothing was delivered")
          .containsPattern("(?m)^ +1 would be linked$")
          .containsPattern("(?m)^ +24 would be unlinked$");
      assertThat(tried.status()).isZero();
      assertThat(api.requests() - before).as("three pages, one of them twice").isEqualTo(4);
      assertThat(office.status().calls()).isEqualTo(api.requests());
      assertThat(office.charts()).isEqualTo(1);
      engine.store().update("update feeds set calls = call_budget where feed = ?", office.name);
      Shell usedUp = Shell.run(engine, "feed", "dry-run", office.name);
      assertThat(usedUp.output()).contains("are used up");
      assertThat(usedUp.status()).isEqualTo(1);
      assertThat(api.requests() - before).isEqualTo(4);
    }
  }
}
