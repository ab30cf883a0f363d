package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.rest.api.SearchStyleEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.gclient.IQuery;
import ca.uhn.fhir.rest.server.exceptions.ResourceGoneException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Patient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.membership.Verdicts;
import org.pmslink.membership.Verdicts.Verdict;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Charts are read and searched for as FHIR Patients, with HAPI's own client. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class FacadeTest {
  private static final FhirContext FHIR = FhirContext.forR4Cached();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final AtomicInteger TOKENS = new AtomicInteger(1);

  private final Engine engine;
  private final OpenDentalServer pms;

  FacadeTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  // ---- Read ----

  @Test
  void readsAChartByItsIdUntilItIsGone() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office another = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.edit("update patient set SSN = '219094321' where PatNum = ?", chart);
      office.open();
      another.chart(Someone.named("Howard", "Brandt"));
      another.open();
      IGenericClient client = client(office);
      String id = id(office, chart);

      Patient patient = client.read().resource(Patient.class).withId(id).execute();

      assertThat(patient.getIdElement().getIdPart()).isEqualTo(id);
      assertThat(patient.getIdentifierFirstRep().getValue()).isEqualTo(String.valueOf(chart));
      assertThat(patient.getNameFirstRep().getFamily()).isEqualTo("Caldwell");
      assertThat(patient.getActive()).isTrue();
      assertThat(patient.getMeta().getLastUpdated()).isBeforeOrEqualTo(new java.util.Date());
      assertThat(FHIR.newJsonParser().encodeResourceToString(patient))
          .doesNotContain("4321")
          .doesNotContain("ssn");
      String version = patient.getMeta().getVersionId();
      String token = token(office, Role.FRONT_DESK);
      HttpResponse<String> again = get(base(office) + "/Patient/" + id, token, Map.of());
      assertThat(again.headers().firstValue("ETag")).contains("W/\"" + version + "\"");
      assertThat(
              get(
                      base(office) + "/Patient/" + id,
                      token,
                      Map.of("If-None-Match", "W/\"" + version + "\""))
                  .statusCode())
          .isEqualTo(304);

      office.edit("update patient set City = 'Dayton' where PatNum = ?", chart);
      office.sync();
      Patient changed = client.read().resource(Patient.class).withId(id).execute();
      assertThat(changed.getMeta().getVersionId()).isNotEqualTo(version);
      assertThat(changed.getAddressFirstRep().getCity()).isEqualTo("DAYTON");
      for (String other :
          List.of(
              engine
                  .store()
                  .queryForObject(
                      "select max(id)::text from patients where practice_id = ?",
                      String.class,
                      another.id()),
              "999999999",
              "Xyloquenta")) {
        assertThatThrownBy(() -> client.read().resource(Patient.class).withId(other).execute())
            .isInstanceOf(ResourceNotFoundException.class);
      }
      office.edit("delete from patient where PatNum = ?", chart);
      office.chart(Someone.named("Vera", "Stein"));
      office.compare();
      assertThatThrownBy(() -> client.read().resource(Patient.class).withId(id).execute())
          .isInstanceOf(ResourceGoneException.class);
      // The FHIR server sends its answer before a refusal is noted.
      Awaitility.await()
          .atMost(Office.LONGEST)
          .untilAsserted(
              () ->
                  assertThat(
                          engine
                              .store()
                              .queryForList(
                                  """
                                  select action || ' ' || detail from audit
                                  where practice_id = ? and actor like 'facade-%' order by id""",
                                  String.class, office.id()))
                      .contains(
                          "read fhir: open-dental/" + chart,
                          "refused status 404",
                          "refused status 410"));
    }
  }

  @Test
  void chartsOfOnePersonAreJoinedByLinks() throws Exception {
    try (Office office = Office.at(engine, pms);
        PushedPractice second = PushedPractice.overHttp(engine).with("practice", office.name)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long loser = office.chart(ines);
      long survivor = office.chart(ines);
      office.open();
      String before = read(office, survivor).getMeta().getVersionId();
      office.merge(loser, survivor);
      office.sync();

      Patient merged = read(office, loser);
      Patient stays = read(office, survivor);

      assertThat(merged.getActive()).isFalse();
      assertThat(links(merged)).containsExactly("replaced-by " + id(office, survivor));
      assertThat(links(stays)).containsExactly("replaces " + id(office, loser));
      assertThat(stays.getMeta().getVersionId()).isNotEqualTo(before);
      assertThat(found(search(office, "family", "caldwell")))
          .as("merged charts are found by nothing but their id")
          .containsExactly(String.valueOf(survivor));
      assertThat(found(search(office, "_id", id(office, loser))))
          .containsExactly(String.valueOf(loser));

      second.open();
      HttpResponse<String> pushed =
          HTTP.send(
              HttpRequest.newBuilder(
                      URI.create(engine.url() + "/in/" + second.name + "?type=patients"))
                  .header("Authorization", "Bearer " + token(office, Role.MACHINE))
                  .header("Content-Type", "application/json")
                  .POST(
                      BodyPublishers.ofString(
                          "{\"sourceId\":\"A-1\",\"status\":\"ACTIVE\",\"family\":\"Caldwell\","
                              + "\"given\":\"Ines\",\"birthDate\":\""
                              + ines.birthDate()
                              + "\"}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(pushed.statusCode()).as(pushed.body()).isEqualTo(202);
      office.member("M1", ines);
      office.awaitSettled();
      decide(office, "open-dental", String.valueOf(survivor));
      decide(office, "pushing-pms", "A-1");

      assertThat(links(read(office, survivor)))
          .containsExactlyInAnyOrder(
              "replaces " + id(office, loser), "seealso " + id(office, "A-1"));
      assertThat(links(read(office, "A-1"))).containsExactly("seealso " + id(office, survivor));
      assertThat(
              found(
                  search(office, "identifier", "urn:pms-link:" + office.name + ":pushing-pms|A-1")))
          .containsExactly("A-1");
    }
  }

  private void decide(Office office, String source, String chart) {
    engine
        .bean(Verdicts.class)
        .decide(office.name, source, chart, "M1", Verdict.SAME, "tester", "sure");
  }

  // ---- Search ----

  @Test
  void searchesByEachFieldWholePartsAndAccents() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = new Someone("De la Cruz", "Inés", "1980-03-05", "6142289901", "", "Columbus");
      Someone howard =
          new Someone(
              "Brandt", "Howard", "1980-11-05", "6142289902", "h.b@buckeyemail.com", "Dayton");
      Someone vera = new Someone("Brandt", "Vera", "1991-03-05", "6142289903", "", "Dayton");
      String a = String.valueOf(office.chart(ines));
      String b = String.valueOf(office.chart(howard));
      String c = String.valueOf(office.chart(vera));
      office.edit(
          "update patient set Zip = '43215', Gender = 0, Preferred = 'Howie' where PatNum = ?", b);
      office.edit("update patient set Zip = '43301', Gender = 1 where PatNum = ?", c);
      office.edit("update patient set Zip = '43301', Gender = 1 where PatNum = ?", a);
      office.open();
      HttpResponse<String> byHand =
          HTTP.send(
              HttpRequest.newBuilder(URI.create(base(office) + "/Patient/_search"))
                  .header("Authorization", "Bearer " + token(office, Role.MACHINE))
                  .header("Content-Type", "application/x-www-form-urlencoded")
                  .POST(BodyPublishers.ofString("family=brandt&given=vera"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(byHand.statusCode()).as(byHand.body()).isEqualTo(200);
      assertThat(found(FHIR.newJsonParser().parseResource(Bundle.class, byHand.body())))
          .containsExactly(c);
      String urn = "urn:pms-link:" + office.name + ":open-dental|";
      Map<List<String>, List<String>> expected =
          new java.util.LinkedHashMap<>(
              Map.of(
                  List.of("family", "brandt"), List.of(b, c),
                  List.of("family", "BRA"), List.of(b, c),
                  List.of("family", "cruz"), List.of(a),
                  List.of("family", "De la C"), List.of(a),
                  List.of("family", "Howard"), List.of(),
                  List.of("given", "ines"), List.of(a),
                  List.of("given", "howie"), List.of(b),
                  List.of("name", "vera"), List.of(c),
                  List.of("name", "cruz"), List.of(a),
                  List.of("family:exact", "Brandt"), List.of(b, c)));
      expected.put(List.of("family:exact", "brandt"), List.of());
      expected.put(List.of("family", "brandt,cruz"), List.of(a, b, c));
      expected.put(List.of("family", "brandt", "given", "vera"), List.of(c));
      expected.put(List.of("birthdate", "1980-03-05"), List.of(a));
      expected.put(List.of("birthdate", "1980"), List.of(a, b));
      expected.put(List.of("birthdate", "1980-11"), List.of(b));
      expected.put(List.of("family", "brandt", "birthdate", "ge1990-01-01"), List.of(c));
      expected.put(List.of("family", "brandt", "birthdate", "lt1990"), List.of(b));
      expected.put(List.of("phone", "(614) 228-9901"), List.of(a));
      expected.put(List.of("phone", "+16142289901"), List.of(a));
      expected.put(List.of("phone", "2289902"), List.of(b));
      expected.put(List.of("email", "H.B@BuckeyeMail.com"), List.of(b));
      expected.put(List.of("telecom", "email|h.b@buckeyemail.com"), List.of(b));
      expected.put(List.of("telecom", "phone|614-228-9903"), List.of(c));
      expected.put(List.of("address-postalcode", "433"), List.of(a, c));
      expected.put(List.of("address-postalcode", "43215"), List.of(b));
      expected.put(List.of("address-postalcode", "43301", "gender", "female"), List.of(a, c));
      expected.put(List.of("family", "brandt", "gender", "male"), List.of(b));
      expected.put(List.of("identifier", b), List.of(b));
      expected.put(List.of("identifier", urn + c), List.of(c));
      expected.put(List.of("identifier", "urn:other|" + c), List.of());
      expected.put(List.of("identifier", urn + c, "family", "cruz"), List.of());
      expected.put(List.of("_id", id(office, a) + "," + id(office, c)), List.of(a, c));
      expected.put(List.of("_id", "no-such-id"), List.of());
      for (Map.Entry<List<String>, List<String>> one : expected.entrySet()) {
        String[] terms = one.getKey().toArray(String[]::new);
        Bundle bundle = search(office, terms);
        assertThat(found(bundle))
            .as("%s", one.getKey())
            .containsExactlyInAnyOrderElementsOf(one.getValue());
        assertThat(bundle.getTotal()).as("%s", one.getKey()).isEqualTo(one.getValue().size());
      }
      Bundle byGet =
          query(client(office), "family", "brandt").usingStyle(SearchStyleEnum.GET).execute();
      assertThat(found(byGet)).containsExactlyInAnyOrder(b, c);
      assertThat(byGet.getEntry())
          .extracting(e -> e.getFullUrl())
          .contains(base(office) + "/Patient/" + id(office, b));
    }
  }

  @Test
  void chartsAreFoundByWhenTheyLastChanged() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      String a = String.valueOf(office.chart(Someone.named("Ada", "Brandt")));
      String b = String.valueOf(office.chart(Someone.named("Bea", "Brandt")));
      String c = String.valueOf(office.chart(Someone.named("Cleo", "Cruz")));
      String gone = String.valueOf(office.chart(Someone.named("Dora", "Cruz")));
      office.open();
      Map.of(
              a, "2026-03-01T10:00:00.123456Z",
              b, "2026-03-01T10:00:30Z",
              c, "2026-04-01T00:00:00Z",
              gone, "2026-03-01T10:00:00Z")
          .forEach(
              (chart, at) ->
                  engine
                      .store()
                      .update(
                          "update patients set updated_at = ?::timestamptz, removed_at = case when"
                              + " source_id = ? then now() end where practice_id = ? and"
                              + " source_id = ?",
                          at,
                          gone,
                          office.id(),
                          chart));
      Map<List<String>, List<String>> expected = new java.util.LinkedHashMap<>();
      expected.put(List.of("ge2026-03-01T10:00:00.123Z"), List.of(a, b, c));
      expected.put(List.of("gt2026-03-01T10:00:00.123Z"), List.of(b, c));
      expected.put(List.of("gt2026-03-01T10:00:00.123+00:00"), List.of(b, c));
      expected.put(List.of("ge2026-03-01T11:00:01+01:00"), List.of(b, c));
      expected.put(List.of("le2026-03-01T10:00:00Z"), List.of(a));
      expected.put(List.of("lt2026-03-01T10:00:00Z"), List.of());
      expected.put(List.of("2026-03-01T10:00Z"), List.of(a, b));
      expected.put(List.of("eq2026-03-01T10:00:00.123Z"), List.of(a));
      expected.put(List.of("2026-03-01T10:00:00.12345Z"), List.of(a));
      expected.put(List.of("2026-03-01"), List.of(a, b));
      expected.put(List.of("gt2026-03-01"), List.of(c));
      expected.put(List.of("le2026-03"), List.of(a, b));
      expected.put(List.of("lt2026"), List.of());
      expected.put(List.of("2026"), List.of(a, b, c));
      expected.put(List.of("ge2026-03-01T10:00:10Z", "lt2026-04-01"), List.of(b));
      for (Map.Entry<List<String>, List<String>> one : expected.entrySet()) {
        String[] terms =
            one.getKey().stream()
                .flatMap(value -> java.util.stream.Stream.of("_lastUpdated", value))
                .toArray(String[]::new);
        Bundle bundle = search(office, terms);
        assertThat(found(bundle))
            .as("%s", one.getKey())
            .containsExactlyInAnyOrderElementsOf(one.getValue());
        assertThat(bundle.getTotal()).as("%s", one.getKey()).isEqualTo(one.getValue().size());
      }
      assertThat(found(search(office, "_lastUpdated", "ge2026", "family", "cruz")))
          .containsExactly(c);
      assertThat(found(search(office, "_id", id(office, c), "_lastUpdated", "lt2026-04-01")))
          .isEmpty();

      String token = token(office, Role.MACHINE);
      String plain = base(office) + "/Patient?_count=2&_lastUpdated=ge2026-03-01T05:00:00-05:00";
      Bundle page =
          FHIR.newJsonParser().parseResource(Bundle.class, get(plain, token, Map.of()).body());
      List<Bundle.BundleEntryComponent> all = new ArrayList<>(page.getEntry());
      assertThat(all).hasSize(2);
      page =
          FHIR.newJsonParser()
              .parseResource(
                  Bundle.class, get(page.getLink("next").getUrl(), token, Map.of()).body());
      assertThat(page.getLink("next")).isNull();
      all.addAll(page.getEntry());
      assertThat(all)
          .extracting(entry -> Long.valueOf(entry.getResource().getIdElement().getIdPart()))
          .as("in the order of their ids")
          .isSorted()
          .hasSize(3);
      for (String wrong :
          List.of(
              "yesterday",
              "2026-13-01",
              "2026-03-01T10:00:00",
              "2026-03-01T10Z",
              "ne2026-03-01",
              "2026-03-01,2026-04-01",
              "2026-03-01T10:00:00%2B99:00")) {
        assertOutcome(get(base(office) + "/Patient?_lastUpdated=" + wrong, token, Map.of()), 400);
      }
      assertThat(get(base(office) + "/metadata", token, Map.of()).body())
          .contains("\"_lastUpdated\"");
    }
  }

  @Test
  void pagesFollowOneAnotherAndTheirAddressesSayNothing(CapturedOutput output) throws Exception {
    try (Office office = Office.at(engine, pms)) {
      List<String> charts = new ArrayList<>();
      for (int i = 0; i < 25; i++) {
        charts.add(String.valueOf(office.chart(Someone.named("Ruth", "Xyloquenta"))));
        office.chart(Someone.named("Xyloquenta", "Brandt"));
      }
      office.open();
      IGenericClient client = client(office);

      List<String> all = new ArrayList<>();
      Bundle page = query(client, "family", "xyloquenta").count(10).execute();
      String next = Objects.requireNonNull(page.getLink("next")).getUrl();
      while (true) {
        all.addAll(found(page));
        assertThat(page.getEntry()).hasSizeLessThanOrEqualTo(10);
        if (page.getLink("next") == null) {
          break;
        }
        assertThat(page.hasTotal()).isFalse();
        assertThat(page.getLink("next").getUrl()).doesNotContainIgnoringCase("xyloq");
        page = client.loadPage().next(page).execute();
      }

      assertThat(all).containsExactlyInAnyOrderElementsOf(charts);
      assertOutcome(get(next, token(office, Role.MACHINE), Map.of()), 400);
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select detail from audit where practice_id = ? and action = 'search'",
                      String.class,
                      office.id()))
          .anySatisfy(
              detail -> assertThat(detail).startsWith("fhir: 10 patients returned: open-dental/"))
          .anySatisfy(
              detail -> assertThat(detail).startsWith("fhir: 5 patients returned: open-dental/"))
          .allSatisfy(detail -> assertThat(detail).doesNotContainIgnoringCase("xyloq"));
      assertThat(output).doesNotContainIgnoringCase("xyloq");
    }
  }

  @Test
  void whatCannotBeSearchedForIsRefusedInWords(CapturedOutput output) throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      String token = token(office, Role.MACHINE);
      for (String query :
          List.of(
              "family=Brandt&xylo=Xyloquenta",
              "family:contains=Xyloquenta",
              "family=-",
              "birthdate=Xyloquenta",
              "birthdate=sa1980&family=Xyloquenta",
              "birthdate=1980-13-45",
              "phone=12",
              "email=Xyloquenta",
              "telecom=Xyloquenta%40x.com,6142289901",
              "gender=Xyloquenta&family=Brandt",
              "_count=0&family=Xyloquenta",
              "_summary=count&family=Xyloquenta",
              "_cursor=Xyloquenta",
              "_cursor=Xyloquenta&family=Brandt",
              "family=" + "Xyloquenta".repeat(30),
              "Xyloquenta%20Brandt=1")) {
        OperationOutcome outcome =
            assertOutcome(get(base(office) + "/Patient?" + query, token, Map.of()), 400);
        assertThat(outcome.getIssueFirstRep().getDetails().getText()).as(query).isNotBlank();
      }
      for (String query : List.of("", "?gender=female", "?birthdate=ge1980-01-01")) {
        assertOutcome(get(base(office) + "/Patient" + query, token, Map.of()), 422);
      }
      assertOutcome(
          get(base(office) + "/Patient?family=Xyloquenta", token(office, Role.IT), Map.of()), 403);
      assertOutcome(get(base(office) + "/Patient/1", token(office, Role.SUPPORT), Map.of()), 403);
      assertThat(output).doesNotContain("Xyloquenta");
    }
  }

  // ---- HAPI's validator ----

  @Test
  void everythingThatIsReturnedIsValid() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long loser = office.chart(ines);
      long survivor = office.chart(ines);
      office.edit(
          "update patient set Zip = '43215', Gender = 1, Preferred = 'Ina', Address = '12 Elm St',"
              + " State = 'OH', MiddleI = 'Q', HmPhone = '6142280002' where PatNum = ?",
          survivor);
      office.chart(new Someone("", "", "0001-01-01", "", "", ""));
      office.merge(loser, survivor);
      office.open();
      IGenericClient client = client(office);
      Patient asked = new Patient();
      asked.addName().setFamily("Caldwell").addGiven("Ines");
      asked.setBirthDateElement(new org.hl7.fhir.r4.model.DateType(ines.birthDate()));
      Parameters parameters = new Parameters();
      parameters.addParameter().setName("resource").setResource(asked);
      Bundle matched =
          client
              .operation()
              .onType(Patient.class)
              .named("$match")
              .withParameters(parameters)
              .returnResourceType(Bundle.class)
              .execute();
      assertThat(matched.getEntry()).isNotEmpty();
      String token = token(office, Role.MACHINE);
      List<String> answers = new ArrayList<>();
      answers.add(FHIR.newJsonParser().encodeResourceToString(matched));
      for (String address :
          List.of(
              "/metadata",
              "/Patient/" + id(office, survivor),
              "/Patient/" + id(office, loser),
              "/Patient?_count=1&name=c&_pretty=true",
              "/Patient?birthdate=1066",
              "/Patient?xylo=1",
              "/Patient/0")) {
        answers.add(get(base(office) + address, token, Map.of()).body());
      }
      // Nothing is known of the third chart but that it is there.
      answers.add(
          get(
                  base(office)
                      + "/Patient/"
                      + engine
                          .store()
                          .queryForObject(
                              "select max(id) from patients where practice_id = ?",
                              Long.class,
                              office.id()),
                  token,
                  Map.of())
              .body());

      FhirValidator validator = validator();
      for (String answer : answers) {
        assertThat(validator.validateWithResult(answer).getMessages())
            .filteredOn(m -> m.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0)
            .as(answer)
            .isEmpty();
      }
      assertThat(
              validator
                  .validateWithResult("{\"resourceType\":\"Patient\",\"gender\":\"f\"}")
                  .isSuccessful())
          .as("it would notice")
          .isFalse();
    }
  }

  private static FhirValidator validator() {
    FhirInstanceValidator instances =
        new FhirInstanceValidator(
            new ValidationSupportChain(
                new DefaultProfileValidationSupport(FHIR),
                new InMemoryTerminologyServerValidationSupport(FHIR),
                new CommonCodeSystemsTerminologyService(FHIR)));
    return FHIR.newValidator().registerValidatorModule(instances);
  }

  @Test
  void theCapabilityStatementNamesEachSearchParameterThatThereIs() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      var patient =
          client(office)
              .capabilities()
              .ofType(CapabilityStatement.class)
              .execute()
              .getRestFirstRep()
              .getResourceFirstRep();

      assertThat(patient.getInteraction())
          .extracting(i -> i.getCode().toCode())
          .containsExactly("read", "search-type");
      Map<String, String> values =
          Map.of(
              "_id", "1",
              "_lastUpdated", "ge2020",
              "birthdate", "1980",
              "phone", "6142289901",
              "email", "a@b.org",
              "telecom", "6142289901",
              "gender", "male&family=x");
      for (var parameter : patient.getSearchParam()) {
        String query =
            parameter.getName() + "=" + values.getOrDefault(parameter.getName(), "something");
        assertThat(
                get(base(office) + "/Patient?" + query, token(office, Role.MACHINE), Map.of())
                    .statusCode())
            .as(query)
            .isEqualTo(200);
      }
      assertThat(patient.getSearchParam()).hasSize(12);
    }
  }

  // ---- Asking ----

  private String base(Office office) {
    return engine.url() + "/fhir/" + office.name;
  }

  private String token(Office office, Role role) {
    return engine
        .bean(AccessTokens.class)
        .create(office.name, "facade-" + TOKENS.getAndIncrement(), role);
  }

  private IGenericClient client(Office office) {
    FHIR.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.NEVER);
    IGenericClient client = FHIR.newRestfulGenericClient(base(office));
    client.registerInterceptor(new BearerTokenAuthInterceptor(token(office, Role.MACHINE)));
    return client;
  }

  private String id(Office office, long chart) {
    return id(office, String.valueOf(chart));
  }

  private String id(Office office, String chart) {
    return String.valueOf(
        office.count(
            "select id from patients where practice_id = ? and source_id = '" + chart + "'"));
  }

  private Patient read(Office office, long chart) {
    return read(office, String.valueOf(chart));
  }

  private Patient read(Office office, String chart) {
    return client(office).read().resource(Patient.class).withId(id(office, chart)).execute();
  }

  private static List<String> links(Patient patient) {
    return patient.getLink().stream()
        .map(l -> l.getType().toCode() + " " + l.getOther().getReferenceElement().getIdPart())
        .toList();
  }

  private Bundle search(Office office, String... terms) {
    return query(client(office), terms).execute();
  }

  /** With POST, as programs ought to. */
  private static IQuery<Bundle> query(IGenericClient client, String... terms) {
    IQuery<Bundle> query = client.search().forResource(Patient.class).returnBundle(Bundle.class);
    Map<String, List<String>> where = new java.util.LinkedHashMap<>();
    for (int i = 0; i < terms.length; i += 2) {
      where.computeIfAbsent(terms[i], name -> new ArrayList<>()).add(terms[i + 1]);
    }
    return query.whereMap(where).usingStyle(SearchStyleEnum.POST);
  }

  private static List<String> found(Bundle bundle) {
    return bundle.getEntry().stream()
        .map(e -> ((Patient) e.getResource()).getIdentifierFirstRep().getValue())
        .toList();
  }

  private static HttpResponse<String> get(String url, String token, Map<String, String> headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + token);
    headers.forEach(request::header);
    return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static OperationOutcome assertOutcome(HttpResponse<String> response, int status) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(response.body()).doesNotContain("Xyloquenta");
    return FHIR.newJsonParser().parseResource(OperationOutcome.class, response.body());
  }
}
