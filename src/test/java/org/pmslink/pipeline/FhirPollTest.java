package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalLong;
import org.awaitility.Awaitility;
import org.hl7.fhir.r4.model.Appointment;
import org.hl7.fhir.r4.model.ContactPoint.ContactPointSystem;
import org.hl7.fhir.r4.model.ContactPoint.ContactPointUse;
import org.hl7.fhir.r4.model.Encounter;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Patient.LinkType;
import org.hl7.fhir.r4.model.Reference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.feed.PmsLookUp;
import org.pmslink.feed.Sought;
import org.pmslink.membership.Activities;
import org.pmslink.sample.FhirPms;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** A practice whose PMS is read over FHIR R4, from HAPI's own server. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class FhirPollTest {
  private final Engine engine;
  private final OpenDentalServer databases;

  FhirPollTest(Engine engine, OpenDentalServer databases) {
    this.engine = engine;
    this.databases = databases;
  }

  private Office office(FhirPms pms) throws Exception {
    return Office.at(engine, databases).over("fhir-poll", "fhir-r4").with("url", pms.url());
  }

  static Patient patient(String id, Someone who) {
    Patient patient = new Patient();
    patient.setId(id);
    patient.addName().setFamily(who.family()).addGiven(who.given());
    patient.getBirthDateElement().setValueAsString(who.birthDate());
    patient
        .addTelecom()
        .setSystem(ContactPointSystem.PHONE)
        .setUse(ContactPointUse.MOBILE)
        .setValue(who.mobile());
    patient.addTelecom().setSystem(ContactPointSystem.EMAIL).setValue(who.email());
    patient.addAddress().setCity(who.city());
    return patient;
  }

  private static void neighbours(FhirPms pms, int count) {
    for (int i = 0; i < count; i++) {
      pms.put(patient("n" + i, Someone.named("Neighbour", "Number" + i)));
    }
  }

  @Test
  void readsPagesChangesAndDeletes() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      Someone ada = Someone.named("Philippa", "Anders");
      neighbours(pms, 120);
      pms.put(patient("p-1", ada));
      office.with("pageSize", "40").open();
      office.member("M1", ada);
      office.awaitSettled();

      assertThat(office.charts()).isEqualTo(121);
      assertThat(office.memberOf("p-1")).isEqualTo("M1");
      // Pages behind the first are asked for as the server named them.
      assertThat(pms.requests())
          .filteredOn(r -> r.contains("_getpages="))
          .hasSizeGreaterThanOrEqualTo(3);

      Patient moved = patient("p-1", ada);
      moved.getAddressFirstRep().setCity("Dublin");
      pms.put(moved);
      pms.put(patient("p-2", Someone.named("New", "Comer")));
      pms.delete("n7");
      office.sync();

      assertThat(office.recordOf("p-1", "person,address,city")).isEqualTo("DUBLIN");
      assertThat(office.charts()).isEqualTo(121);
      assertThat(isThere(office, "p-2")).isTrue();
      assertThat(isThere(office, "n7")).isFalse();
      assertThat(pms.requests()).anyMatch(r -> r.contains("_lastUpdated=ge"));

      // Whoever is registered between two passes is found in the server itself, and named nowhere.
      pms.put(patient("p-3", Someone.named("Just", "Registered")));
      PmsLookUp lookUp = engine.bean(PmsLookUp.class);
      List<PmsLookUp.Asked> asked = lookUp.ask(office.name, Sought.typed("regist"));
      assertThat(asked).hasSize(1);
      assertThat(asked.get(0).found()).hasSize(1);
      assertThat(lookUp.takeIn(office.name, asked.get(0).source(), "p-3")).isPresent();
      Awaitility.await().atMost(Office.LONGEST).until(() -> isThere(office, "p-3"));
      assertThat(pms.requests())
          .contains("/fhir/Patient/_search")
          .noneMatch(r -> r.toLowerCase(Locale.ROOT).contains("regist"));

      Awaitility.await("the server says how many it has")
          .atMost(Office.LONGEST)
          .until(() -> lookUp.howMany(office.name, office.name), OptionalLong.of(122)::equals);

      // Deleted and brought back: the history tells of both, and the newer counts.
      pms.delete("n8");
      pms.put(patient("n8", Someone.named("Back", "Again")));
      office.sync();
      assertThat(isThere(office, "n8")).isTrue();
      assertThat(office.deadLetters()).isZero();
    }
  }

  @Test
  void aTrialSearchesWhereTheFirstLoadWouldExportAndMakesNoPractice() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      neighbours(pms, 45);
      office.with("pageSize", "20").with("bulk", "true").writeFeedFile();

      Shell tried = Shell.run(engine, "feed", "dry-run", office.name);

      assertThat(tried.output())
          .contains(office.name + ": 45 patients read")
          .contains("The store has no practice \"" + office.name + "\" yet");
      assertThat(tried.status()).isZero();
      assertThat(pms.exports()).isZero();
      assertThat(
              engine
                  .store()
                  .queryForObject(
                      "select count(*) from practices where practice = ?", Long.class, office.name))
          .isZero();
    }
  }

  private static boolean isThere(Office office, String chart) {
    return office.count(
            "select count(*) from patients where practice_id = ? and removed_at is null"
                + " and source_id = '"
                + chart
                + "'")
        == 1;
  }

  @Test
  void withoutAHistoryTheComparisonFindsWhatWasDeleted() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      pms.offerHistory(false);
      neighbours(pms, 30);
      office.with("sorted", "false").open();
      pms.delete("n3");
      // Its stamp says that nothing has changed, so that only the comparison sees it.
      pms.put(
          patient("n4", Someone.named("Late", "Comer")), Instant.now().minus(Duration.ofDays(1)));
      office.sync();
      assertThat(office.charts()).isEqualTo(30);

      office.compare();

      assertThat(office.charts()).isEqualTo(29);
      assertThat(isThere(office, "n3")).isFalse();
      assertThat(office.recordOf("n4", "person,name,given")).isEqualToIgnoringCase("Late");
      // Asked for by itself before it counted as gone.
      assertThat(pms.requests()).contains("/fhir/Patient/n3");
      assertThat(office.status().state()).isEqualTo("RUNNING");
    }
  }

  @Test
  void linksOfBothKindsAreMerges() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      Someone ada = Someone.named("Theodora", "Vance");
      Someone bea = Someone.named("Beatrix", "Quimby");
      pms.put(patient("loser-1", ada));
      pms.put(patient("survivor-1", ada.withEmail("other@mail.example")));
      pms.put(patient("loser-2", bea));
      pms.put(patient("survivor-2", bea.withEmail("another@mail.example")));
      Patient relative = patient("relative", Someone.named("Some", "Relative"));
      relative.addLink().setType(LinkType.SEEALSO).setOther(new Reference("Patient/survivor-1"));
      pms.put(relative);
      office.open();

      Patient loser = patient("loser-1", ada);
      loser
          .setActive(false)
          .addLink()
          .setType(LinkType.REPLACEDBY)
          .setOther(new Reference("Patient/survivor-1"));
      pms.put(loser);
      // As $merge leaves it: the survivor says whom it replaces, and the other is gone.
      Patient survivor = patient("survivor-2", bea.withEmail("another@mail.example"));
      survivor.addLink().setType(LinkType.REPLACES).setOther(new Reference("Patient/loser-2"));
      pms.put(survivor);
      office.sync();

      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select loser_source_id || ' ' || survivor_source_id from chart_merges"
                          + " where practice_id = ? order by 1",
                      String.class,
                      office.id()))
          .containsExactly("loser-1 survivor-1", "loser-2 survivor-2");
      assertThat(
              office.count(
                  "select count(*) from patients where practice_id = ? and merged_into is not null"))
          .isEqualTo(2);
    }
  }

  @Test
  void aMergeThatItsSurvivorTellsNoMoreIsTakenBackUnlessTheOtherStillTellsIt() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      Someone ada = Someone.named("Theodora", "Vance");
      Someone cora = Someone.named("Cora", "Lindqvist");
      pms.put(patient("mine", ada));
      pms.put(patient("hers", Someone.named("Beatrix", "Quimby")));
      pms.put(patient("duplicate", cora));
      pms.put(patient("cora", cora));
      office.open();
      office.member("M1", ada);
      office.awaitSettled();
      Patient told = patient("duplicate", cora);
      told.addLink().setType(LinkType.REPLACEDBY).setOther(new Reference("Patient/cora"));
      for (Patient survivor : List.of(patient("mine", ada), patient("cora", cora))) {
        survivor
            .addLink()
            .setType(LinkType.REPLACES)
            .setOther(
                new Reference(survivor.getId().equals("mine") ? "Patient/hers" : told.getId()));
        pms.put(survivor);
      }
      office.sync();
      pms.put(told);
      office.sync();
      assertThat(merged(office)).containsExactly("duplicate cora", "hers mine");

      pms.put(patient("mine", ada));
      pms.put(patient("cora", cora));
      office.sync();

      assertThat(merged(office)).containsExactly("duplicate cora");
      assertThat(
              office.count(
                  "select count(*) from patients p join patient_blocking_keys k"
                      + " on k.practice_id = p.practice_id and k.patient_id = p.id"
                      + " where p.practice_id = ? and p.source_id = 'hers'"
                      + " and p.merged_into is null"))
          .as("filed again, though nothing of it has changed")
          .isPositive();
      assertThat(office.memberOf("mine")).isEqualTo("M1");
      pms.put(patient("mine", ada.withEmail("other@mail.example")));
      office.sync();
      assertThat(merged(office)).containsExactly("duplicate cora");
    }
  }

  private List<String> merged(Office office) {
    return engine
        .store()
        .queryForList(
            "select loser_source_id || ' ' || survivor_source_id from chart_merges"
                + " where practice_id = ? order by 1",
            String.class,
            office.id());
  }

  /** A link that followed such a merge stays, and only a person can tell whose it is. */
  @Test
  void theLinkThatFollowedAMergeWhichItsSurvivorTellsNoMoreIsFlagged() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      Someone ada = Someone.named("Theodora", "Vance");
      pms.put(patient("mine", ada));
      pms.put(patient("other", Someone.named("Wilma", "Sobczyk")));
      office.open();
      office.member("M1", ada);
      office.awaitSettled();
      Patient survivor = patient("other", ada);
      survivor.addLink().setType(LinkType.REPLACES).setOther(new Reference("Patient/mine"));
      pms.put(survivor);
      office.sync();
      assertThat(office.memberOf("other")).isEqualTo("M1");

      pms.put(patient("other", Someone.named("Wilma", "Sobczyk")));
      office.sync();

      assertThat(office.memberOf("other")).as("moved by nobody").isEqualTo("M1");
      assertThat(office.flagOf("other")).isEqualTo("MERGE_TAKEN_BACK");
      assertThat(merged(office)).isEmpty();
    }
  }

  @Test
  void aBulkExportIsWaitedForAndLoadsEverything() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      neighbours(pms, 90);
      pms.exportNotReady(2);
      office.with("bulk", "true").connect();
      assertThat(office.awaitPause("NOT_READY")).contains("bulk export").doesNotContain("Smith");
      office.awaitSettled();

      assertThat(office.charts()).isEqualTo(90);
      assertThat(pms.exports()).isEqualTo(1);

      pms.put(patient("p-2", Someone.named("New", "Comer")));
      office.sync();
      assertThat(office.charts()).isEqualTo(91);
      // What comes after the load is searched for.
      assertThat(pms.exports()).isEqualTo(1);
    }
  }

  @Test
  void aBadLineOfAnExportIsADeadLetterAndTheLoadGoesOn() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      neighbours(pms, 30);
      pms.exportToo(
          "{\"resourceType\":\"Patient\"\n"
              + "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Nobody\"}]}\n");
      office.with("bulk", "true").open();

      assertThat(office.charts()).isEqualTo(30);
      assertThat(pms.exports()).as("none is asked for anew").isEqualTo(1);
      assertThat(
              engine
                  .bean(LetterSearch.class)
                  .search(office.name, LetterFilter.ALL, null, 10)
                  .letters())
          .extracting(Letter::sourceId)
          .hasSize(2)
          .contains("file-2-line-1")
          .anyMatch(id -> id.startsWith("no-id-"));

      pms.put(patient("p-2", Someone.named("New", "Comer")));
      office.sync();
      assertThat(office.charts()).as("the watermark has moved").isEqualTo(31);
    }
  }

  /** Fetched again for ever it would never be loaded; taken as it is, somebody would be missing. */
  @Test
  void aFileOfAnExportThatNeverHasWhatWasAnnouncedIsTakenAndAComparisonFindsTheRest(
      CapturedOutput output) throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      neighbours(pms, 30);
      pms.exportWithout("n7");
      office.with("bulk", "true").connect();
      String said = office.awaitPause("QUERY_FAILED");
      assertThat(said)
          .containsPattern("^file [1-3] of the PMS's bulk export has \\d+ lines, and \\d+ were")
          .contains("it is fetched 3 times at most");
      Awaitility.await("read as it is")
          .atMost(Office.LONGEST)
          .until(() -> output.getAll().contains("; it is taken as it is, and all patients are"));
      office.awaitSettled();

      assertThat(pms.exports()).as("none is asked for anew").isEqualTo(1);
      assertThat(isThere(office, "n7")).as("what the export lacked").isTrue();
      assertThat(office.charts()).isEqualTo(30);
      String file = String.valueOf(Math.floorMod("n7".hashCode(), 3));
      assertThat(pms.requests()).filteredOn(r -> r.endsWith("/export/file" + file)).hasSize(3);
      assertThat(office.status().reason()).isNull();
    }
  }

  @Test
  void anExportWithErrorsIsSaidAndAskedForAnew() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      neighbours(pms, 10);
      pms.breakExports(true);
      office.with("bulk", "true").connect();
      assertThat(office.awaitPause("QUERY_FAILED")).contains("is not complete");
      assertThat(office.charts()).isZero();

      pms.breakExports(false);
      office.awaitSettled();

      assertThat(office.charts()).isEqualTo(10);
      assertThat(pms.exports()).isGreaterThan(1);
    }
  }

  @Test
  void aTokenGoesToNoOtherServerAndStandsInNoFile() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      neighbours(pms, 60);
      pms.nameItself("http://elsewhere.example/fhir");
      office.with("pageSize", "20").connect();
      assertThat(office.awaitPause("QUERY_FAILED")).contains("another server than url");
    }
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      assertThat(Objects.requireNonNull(office.with("token", "s3cret").connect()).reason())
          .contains("token: write a placeholder")
          .doesNotContain("s3cret");
    }
  }

  @Test
  void signsItsWayInAndAsksForATokenAnew() throws Exception {
    ECKey key = new ECKeyGenerator(Curve.P_384).keyID("k1").generate();
    System.setProperty("pmslink.test.fhir.key", key.toJSONString());
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      pms.requireTokensOf(key);
      neighbours(pms, 5);
      office
          .with("tokenUrl", pms.tokenUrl())
          .with("clientId", "pms-link")
          .with("clientKey", "{{sys:pmslink.test.fhir.key}}")
          .open();

      assertThat(office.charts()).isEqualTo(5);
      var claims = Objects.requireNonNull(pms.assertion());
      assertThat(claims.getIssuer()).isEqualTo("pms-link");
      assertThat(claims.getSubject()).isEqualTo("pms-link");
      assertThat(claims.getJWTID()).isNotBlank();
      assertThat(claims.getExpirationTime().toInstant()).isBefore(Instant.now().plusSeconds(301));
      assertThat(pms.assertionHeader())
          .contains("\"ES384\"")
          .contains("\"k1\"")
          .contains("\"typ\":\"JWT\"");

      pms.forgetTokens();
      pms.put(patient("p-2", Someone.named("New", "Comer")));
      office.sync();
      assertThat(office.charts()).isEqualTo(6);
    } finally {
      System.clearProperty("pmslink.test.fhir.key");
    }
  }

  @Test
  void anAppointmentAndTheEncounterOfThatDayAreOneVisit() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      Someone ada = Someone.named("Augusta", "Kingsley");
      pms.put(patient("p-1", ada));
      Appointment booked = new Appointment();
      booked.setId("a-1");
      booked.setStatus(Appointment.AppointmentStatus.BOOKED);
      booked.getStartElement().setValueAsString("2026-03-02T14:30:00Z");
      booked.addParticipant().setActor(new Reference("Patient/p-1"));
      pms.put(booked);
      Encounter met = new Encounter();
      met.setId("e-1");
      met.setStatus(Encounter.EncounterStatus.INPROGRESS);
      met.setSubject(new Reference("Patient/p-1"));
      met.addAppointment(new Reference("Appointment/a-1"));
      met.getPeriod().getStartElement().setValueAsString("2026-03-02T14:34:00Z");
      pms.put(met);
      office
          .with("records", "patients visits deletes")
          .with("encounters", "true")
          .with("officeZone", "America/New_York")
          .open();
      office.member("M1", ada);
      office.awaitSettled();
      assertThat(visits(office)).containsExactly("2026-03-02 SCHEDULED");

      met.setStatus(Encounter.EncounterStatus.FINISHED);
      pms.put(met);
      office.sync();

      assertThat(visits(office)).containsExactly("2026-03-02 COMPLETED");
      assertThat(office.deadLetters()).isZero();
    }
  }

  private List<String> visits(Office office) {
    return engine.bean(Activities.class).visitsOf(office.id(), "M1").stream()
        .map(visit -> visit.onDate() + " " + visit.status())
        .toList();
  }

  @Test
  void asksTheServerWhereTokensAreGiven() throws Exception {
    ECKey key = new ECKeyGenerator(Curve.P_384).keyID("k2").generate();
    System.setProperty("pmslink.test.fhir.key2", key.toJSONString());
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      pms.requireTokensOf(key);
      neighbours(pms, 5);
      office
          .with("clientId", "pms-link")
          .with("clientKey", "{{sys:pmslink.test.fhir.key2}}")
          .connect();
      assertThat(office.awaitPause("QUERY_FAILED")).contains("smart-configuration; set tokenUrl");

      pms.tellTokenEndpoint(true);
      office.sync();

      assertThat(office.charts()).isEqualTo(5);
      assertThat(Objects.requireNonNull(pms.assertion()).getAudience())
          .containsExactly(pms.tokenUrl());
    } finally {
      System.clearProperty("pmslink.test.fhir.key2");
    }
  }

  @Test
  void waitsAsLongAsItIsToldAndRepeatsNothingThatTheServerSays(CapturedOutput output)
      throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office office = office(pms)) {
      neighbours(pms, 3);
      office.open();
      for (String fault : List.of("503 1", "500", "504")) {
        pms.failNext(fault);
        pms.put(patient("after-" + fault.replace(' ', '-'), Someone.named("Some", "Body")));
        office.sync();
      }
      assertThat(office.charts()).isEqualTo(6);

      pms.failNext("429 120");
      office.askForPass(false);
      assertThat(office.awaitPause("THROTTLED")).doesNotContain("Smith");
      assertThat(Objects.requireNonNull(office.status().nextAttemptAt()))
          .isAfter(Instant.now().plusSeconds(90));
      assertThat(output.getAll()).doesNotContain("Smith");
    }
  }
}
