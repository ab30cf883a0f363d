package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Bundle.BundleEntryComponent;
import org.hl7.fhir.r4.model.Bundle.SearchEntryMode;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.ContactPoint.ContactPointSystem;
import org.hl7.fhir.r4.model.IntegerType;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Patient;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Right;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Somebody is searched for over FHIR and over JSON, by programs with and without a right to. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class MatchTest {
  private static final FhirContext FHIR = FhirContext.forR4Cached();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final AtomicInteger TOKENS = new AtomicInteger(1);
  private static final String GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade";

  private final Engine engine;
  private final OpenDentalServer pms;

  MatchTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  // ---- What is found ----

  @Test
  void findsTheChartWithCertaintyOverFhir() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.edit("update patient set SSN = '219094321', MiddleI = 'Q' where PatNum = ?", chart);
      office.chart(Someone.named("Howard", "Brandt"));
      office.open();

      Bundle found = match(client(office), asked(ines), null, null);

      assertThat(found.getType()).isEqualTo(Bundle.BundleType.SEARCHSET);
      assertThat(found.getTotal()).isEqualTo(1);
      assertThat(grades(found)).containsExactly("certain");
      BundleEntryComponent entry = found.getEntryFirstRep();
      assertThat(entry.getSearch().getMode()).isEqualTo(SearchEntryMode.MATCH);
      assertThat(entry.getSearch().getScore().doubleValue()).isBetween(0.9, 1.0);
      Patient patient = (Patient) entry.getResource();
      assertThat(patient.getIdentifierFirstRep().getValue()).isEqualTo(String.valueOf(chart));
      assertThat(patient.getIdentifierFirstRep().getSystem())
          .isEqualTo("urn:pms-link:" + office.name + ":open-dental");
      assertThat(patient.getNameFirstRep().getFamily()).isEqualTo("Caldwell");
      assertThat(patient.getNameFirstRep().getGivenAsSingleString()).isEqualTo("Ines Q");
      assertThat(patient.getBirthDateElement().getValueAsString()).isEqualTo(ines.birthDate());
      assertThat(patient.getTelecom()).anyMatch(t -> ines.e164().equals(t.getValue()));
      assertThat(entry.getFullUrl())
          .isEqualTo(base(office) + "/Patient/" + patient.getIdElement().getIdPart());
      String text = FHIR.newJsonParser().encodeResourceToString(found);
      assertThat(text).doesNotContain("4321").doesNotContain("ssn");
      // Readable to the letter, in both formats.
      FHIR.newJsonParser()
          .setParserErrorHandler(new StrictErrorHandler())
          .parseResource(Bundle.class, text);
    }
  }

  @Test
  void theSameOverXml() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.open();
      IGenericClient client = client(office);
      client.setEncoding(EncodingEnum.XML);

      assertThat(grades(match(client, asked(ines), null, null))).containsExactly("certain");
    }
  }

  @Test
  void twoChartsOfOnePersonComeBackAndNeitherIsCertain() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long one = office.chart(ines);
      long other = office.chart(ines);
      office.open();

      Bundle all = match(client(office), asked(ines), null, null);

      assertThat(grades(all)).containsExactly("probable", "probable");
      assertThat(sourceIds(all))
          .containsExactlyInAnyOrder(String.valueOf(one), String.valueOf(other));
      assertThat(match(client(office), asked(ines), true, null).getEntry()).isEmpty();
    }
  }

  @Test
  void onlyCertainMatchesAndCountLimitWhatComesBack() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      for (int i = 0; i < 4; i++) {
        Someone sister = Someone.named(List.of("Iris", "Vera", "Mona", "Ruth").get(i), "Caldwell");
        long id =
            office.chart(
                new Someone(
                    "Caldwell",
                    sister.given(),
                    ines.birthDate(),
                    ines.mobile(),
                    ines.email(),
                    "Columbus"));
        assertThat(id).isGreaterThan(chart);
      }
      office.open();
      Patient noGiven = asked(ines);
      noGiven.getNameFirstRep().setGiven(null);

      Bundle all = match(client(office), noGiven, null, null);
      Bundle two = match(client(office), noGiven, false, 2);

      assertThat(all.getEntry()).hasSizeGreaterThan(2);
      assertThat(two.getEntry()).hasSize(2);
      assertThat(two.getTotal()).isEqualTo(all.getTotal());
      assertThat(sourceIds(two)).isEqualTo(sourceIds(all).subList(0, 2));
      assertThat(all.getEntry().stream().map(e -> e.getSearch().getScore()).toList())
          .isSortedAccordingTo((a, b) -> b.compareTo(a));
      assertThat(match(client(office), noGiven, true, 2).getEntry()).isEmpty();
      assertThat(sourceIds(match(client(office), asked(ines), true, null)))
          .isSubsetOf(String.valueOf(chart));
    }
  }

  @Test
  void chartsThatAreGoneMergedOrNobodyAreNeverFound() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone gone = Someone.named("Gilda", "Ashworth");
      Someone merged = Someone.named("Merle", "Bancroft");
      Someone deleted = Someone.named("Delia", "Crane");
      Someone test = new Someone("Test", "Patient", "1980-01-05", "6142289911", "", "Columbus");
      long goneChart = office.chart(gone);
      long loser = office.chart(merged);
      long survivor = office.chart(merged);
      long deletedChart = office.chart(deleted);
      office.edit("update patient set PatStatus = 4 where PatNum = ?", deletedChart);
      office.chart(test);
      for (int i = 0; i < 5; i++) {
        office.chart(Someone.named("Howard", "Brandt"));
      }
      office.merge(loser, survivor);
      office.open();
      assertThat(match(client(office), asked(gone), null, null).getEntry()).hasSize(1);
      office.edit("delete from patient where PatNum = ?", goneChart);
      office.compare();

      assertThat(match(client(office), asked(gone), null, null).getEntry()).isEmpty();
      assertThat(sourceIds(match(client(office), asked(merged), null, null)))
          .containsExactly(String.valueOf(survivor));
      assertThat(match(client(office), asked(deleted), null, null).getEntry()).isEmpty();
      assertThat(match(client(office), asked(test), null, null).getEntry()).isEmpty();
    }
  }

  @Test
  void aMemberWhoIsLinkedIsFoundWithCertaintyAndNothingIsStored() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      String before = office.snapshot();

      assertThat(grades(match(client(office), asked(ines), true, null))).containsExactly("certain");
      assertThat(office.snapshot()).isEqualTo(before);
    }
  }

  @Test
  void overJsonTheSameWithTheReasons() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.edit("update patient set SSN = '219094321' where PatNum = ?", chart);
      office.chart(ines.withFamily("Caldwell-Ortega").withMobile("6142280001"));
      office.open();

      HttpResponse<String> response =
          json(office, typed(ines).put("ssn", "219-09-4321").put("count", 5).toString());

      assertThat(response.statusCode()).isEqualTo(200);
      JsonNode answer = JSON.readTree(response.body());
      assertThat(answer.path("rules_version").asText()).isNotBlank();
      assertThat(answer.path("total").asInt()).isEqualTo(2);
      JsonNode best = answer.path("candidates").path(0);
      assertThat(best.path("source").asText()).isEqualTo("open-dental");
      assertThat(best.path("source_id").asText()).isEqualTo(String.valueOf(chart));
      assertThat(best.path("status").asText()).isEqualTo("active");
      assertThat(best.path("words").asText()).contains("Same").contains("birth date");
      double sum = 0;
      for (JsonNode evidence : best.path("evidence")) {
        sum += evidence.path("weight").asDouble();
        if (evidence.path("field").asText().equals("ssn")) {
          assertThat(evidence.path("level").asText()).isEqualTo("exact");
        }
      }
      assertThat(sum)
          .isCloseTo(best.path("score").asDouble(), org.assertj.core.data.Offset.offset(1e-9));
      assertThat(best.path("runner_up_score").asDouble())
          .isEqualTo(answer.path("candidates").path(1).path("score").asDouble());
      assertThat(answer.path("candidates").path(1).path("why_not_certain")).isNotEmpty();
      assertThat(response.body()).doesNotContain("219094321").doesNotContain("4321");
    }
  }

  // ---- What is refused ----

  @Test
  void badRequestsAreAnsweredWithAReasonAndNeverWithWhatTheySay(CapturedOutput output)
      throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Ines", "Caldwell"));
      office.open();
      String patient = "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Xyloquenta\"}]}";
      Map<String, Integer> fhir =
          new java.util.LinkedHashMap<>(
              Map.of(
                  parameters(patient),
                  422,
                  patient,
                  400,
                  "{\"resourceType\":\"Parameters\"}",
                  400,
                  "",
                  400,
                  "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"Xyloquenta",
                  400,
                  parameters("{\"resourceType\":\"Group\",\"name\":\"Xyloquenta\"}"),
                  400,
                  parameters(patient.replace("}]}", "}],\"xylo\":\"Xyloquenta\"}")),
                  400,
                  parameters(patient.replace("}]}", "}],\"birthDate\":\"Xyloquenta\"}")),
                  400,
                  parameters(patient.replace("}]}", "}],\"gender\":\"Xyloquenta\"}")),
                  400));
      fhir.put(parameters(patient + "},{\"name\":\"count\",\"valueInteger\":0"), 400);
      fhir.put(parameters(patient + "},{\"name\":\"count\",\"valueString\":\"Xyloquenta\""), 400);
      fhir.put(parameters(patient + "},{\"name\":\"xylo\",\"valueString\":\"Xyloquenta\""), 400);
      fhir.put(parameters(patient + "},{\"name\":\"resource\",\"resource\":" + patient), 400);
      String token = token(office);
      for (Map.Entry<String, Integer> request : fhir.entrySet()) {
        HttpResponse<String> response =
            post(fhirUrl(office), token, "application/fhir+json", request.getKey());
        assertOutcome(response, request.getValue());
      }
      assertOutcome(post(fhirUrl(office), token, "text/plain", "Xyloquenta"), 415);
      assertOutcome(
          post(
              fhirUrl(office),
              token,
              "application/fhir+xml",
              "<!DOCTYPE p [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>"
                  + "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"&x;\"/>"
                  + "</parameter></Parameters>"),
          400);
      assertOutcome(
          post(fhirUrl(office), token, "application/fhir+xml", "<Parameters><Xyloquenta"), 400);
      String large = parameters(patient.replace("Xyloquenta", "Xyloquenta".repeat(30_000)));
      assertOutcome(post(fhirUrl(office), token, "application/fhir+json", large), 413);
      String longName = parameters(patient.replace("Xyloquenta", "Xyloquenta".repeat(2_000)));
      assertOutcome(post(fhirUrl(office), token, "application/fhir+json", longName), 400);
      assertOutcome(get(base(office) + "/Patient/Xyloquenta", token), 404);
      assertOutcome(get(base(office) + "/Xyloquenta", token), 404);
      assertOutcome(get(fhirUrl(office), token), 405);

      Map<String, Integer> plain =
          Map.of(
              "{\"family\":\"Xyloquenta\"}",
              422,
              "{\"family\":\"Xyloquenta\",\"xylo\":\"Xyloquenta\"}",
              400,
              "{\"family\":[\"Xyloquenta\"]}",
              400,
              "{\"family\":\"Xyloquenta",
              400,
              "[\"Xyloquenta\"]",
              400,
              "",
              400,
              "{\"family\":\"Xyloquenta\",\"count\":0}",
              400,
              "{\"family\":\"Xyloquenta\",\"onlyCertainMatches\":\"Xyloquenta\"}",
              400,
              "{\"family\":\"Xyloquenta\",\"given\":\"A\",\"birth_date\":\"Xyloquenta\"}",
              422,
              "{\"family\":\"" + "Xyloquenta".repeat(30_000) + "\"}",
              413);
      for (Map.Entry<String, Integer> request : plain.entrySet()) {
        assertProblem(
            post(jsonUrl(office), token, "application/json", request.getKey()), request.getValue());
      }
      assertProblem(post(jsonUrl(office), token, "text/plain", "Xyloquenta"), 415);
      assertProblem(get(jsonUrl(office), token), 405);
      assertProblem(get(jsonUrl(office) + "/Xyloquenta", token), 404);
      assertThat(
              post(jsonUrl(office), token, "application/json", "{\"xylo\":\"Xyloquenta\"}").body())
          .contains("xylo");

      assertThat(output.getAll()).doesNotContainIgnoringCase("xyloquenta");
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select detail || action from audit where practice_id = ?",
                      String.class,
                      office.id()))
          .isNotEmpty()
          .allSatisfy(detail -> assertThat(detail).doesNotContainIgnoringCase("xyloquenta"));
    }
  }

  private static void assertOutcome(HttpResponse<String> response, int status) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    EncodingEnum encoding =
        EncodingEnum.forContentType(response.headers().firstValue("Content-Type").orElse(""));
    assertThat(encoding).as("JSON or XML of FHIR").isNotNull();
    OperationOutcome outcome =
        encoding.newParser(FHIR).parseResource(OperationOutcome.class, response.body());
    assertThat(outcome.getIssueFirstRep().getDetails().getText()).isNotBlank();
    assertThat(response.body()).doesNotContain("Xyloquenta");
  }

  private static void assertProblem(HttpResponse<String> response, int status) throws IOException {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type").orElse(""))
        .startsWith("application/problem+json");
    JsonNode problem = JSON.readTree(response.body());
    assertThat(problem.path("status").asInt()).isEqualTo(status);
    assertThat(problem.path("detail").asText()).isNotBlank();
    assertThat(response.body()).doesNotContain("Xyloquenta");
  }

  // ---- Who may ----

  @Test
  void nobodySeesAnythingWithoutATokenOfThePractice() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.open();
      other.open();
      String good = token(office);
      String others = token(other);
      String name = "revoked-" + TOKENS.getAndIncrement();
      String revoked = engine.bean(AccessTokens.class).create(office.name, name, Role.MACHINE);
      assertThat(json(office, revoked, typed(ines).toString()).statusCode()).isEqualTo(200);
      assertThat(engine.bean(AccessTokens.class).revoke(name)).contains(office.name);
      assertThat(engine.bean(AccessTokens.class).revoke(name)).isEmpty();

      assertThat(json(office, good, typed(ines).toString()).statusCode()).isEqualTo(200);
      List<String> answers = new ArrayList<>();
      for (String url : List.of(jsonUrl(office), jsonUrl("no-such-office"))) {
        for (String bad : List.of("", "x", good + "x", good.substring(1), revoked)) {
          HttpResponse<String> response =
              post(url, bad, "application/json", typed(ines).toString());
          assertProblem(response, 401);
          assertThat(response.headers().firstValue("WWW-Authenticate")).isPresent();
          answers.add(response.body());
        }
      }
      assertThat(answers).as("whatever the token and the practice").containsOnly(answers.get(0));
      answers.clear();
      for (String url : List.of(jsonUrl(office), jsonUrl("no-such-office"))) {
        HttpResponse<String> response =
            post(url, others, "application/json", typed(ines).toString());
        assertProblem(response, 404);
        answers.add(response.body());
      }
      assertThat(answers).containsOnly(answers.get(0));
      assertOutcome(post(fhirUrl(office), others, "application/fhir+json", parameters("{}")), 404);
      assertOutcome(post(fhirUrl(office), "", "application/fhir+json", parameters("{}")), 401);
      assertOutcome(get(base(office) + "/metadata", ""), 401);
      assertProblem(get(engine.url() + "/api/v1/practices", ""), 401);
      assertThat(
              get(engine.url() + "/fhir/../fhir/" + office.name + "/metadata", others).statusCode())
          .isIn(400, 404);
    }
  }

  @Test
  void aTokenMayDoWhatItsRoleAllowsAndNothingElse() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.open();
      AccessTokens tokens = engine.bean(AccessTokens.class);
      for (Role role : Role.values()) {
        String name = role.label() + "-" + TOKENS.getAndIncrement();
        String token = tokens.create(office.name, name, role);
        boolean may = role.rights().contains(Right.SEE_PATIENTS);
        HttpResponse<String> json = json(office, token, typed(ines).toString());
        HttpResponse<String> fhir =
            post(fhirUrl(office), token, "application/fhir+json", parameters("{}"));
        if (may) {
          assertThat(json.statusCode()).as(name).isEqualTo(200);
          assertThat(fhir.statusCode()).as(name).isNotEqualTo(403);
        } else {
          assertProblem(json, 403);
          assertOutcome(fhir, 403);
          // The FHIR server sends its answer before the refusal is noted.
          Awaitility.await()
              .atMost(Office.LONGEST)
              .untilAsserted(
                  () ->
                      assertThat(audit(office, name))
                          .containsExactly(
                              "refused wants SEE_PATIENTS", "refused wants SEE_PATIENTS"));
        }
      }
    }
  }

  @Test
  void noTokenIsCalledWhatSomebodyElseIs() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      AccessTokens tokens = engine.bean(AccessTokens.class);
      Users users = engine.bean(Users.class);
      String login = "dora-" + TOKENS.getAndIncrement();
      users.add(login);
      String token = "lab-" + TOKENS.getAndIncrement();
      tokens.create(office.name, token, Role.MACHINE);
      for (String taken : List.of(login, login.toUpperCase(Locale.ROOT), token, "rule", "Feed")) {
        assertThatThrownBy(() -> tokens.create(office.name, taken, Role.MACHINE))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("choose another");
      }
      assertThatThrownBy(() -> users.add(token)).hasMessageContaining("choose another");
      assertThatThrownBy(() -> users.grant(login, office.name, Role.MACHINE))
          .hasMessageContaining("give the role to a token");
    }
  }

  @Test
  void everyCallIsAuditedWithWhoAndHowManyAndSoAreRefusals() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.open();
      other.open();
      String name = "auditor-" + TOKENS.getAndIncrement();
      String token = engine.bean(AccessTokens.class).create(office.name, name, Role.MACHINE);

      json(office, token, typed(ines).toString());
      match(client(office, token), asked(ines), null, null);
      json(office, token, "{\"count\":0}");
      get(base(office) + "/metadata", token);
      json(office, "", "{}");
      json(office, token(other), "{}");

      assertThat(audit(office, name))
          .containsExactly(
              "match json: 1 candidates returned, 1 certain: open-dental/1",
              "match fhir: 1 candidates returned, 1 certain: open-dental/1",
              "refused status 400",
              "metadata fhir");
      assertThat(audit(office, "unknown")).containsExactly("refused no token, from 127.0.0.1");
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select detail from audit where practice_id = ? and actor like 'test-%'",
                      String.class, office.id()))
          .containsExactly("token of another practice, from 127.0.0.1");
      assertThat(engine.bean(AccessTokens.class).list())
          .filteredOn(t -> t.name().equals(name))
          .allSatisfy(t -> assertThat(t.lastUsedAt()).isNotNull())
          .hasSize(1);
      assertThat(
              engine
                  .store()
                  .queryForObject(
                      "select count(*) from access_tokens where encode(token_hash, 'escape') like ?",
                      Long.class,
                      "%" + token + "%"))
          .isZero();
    }
  }

  private List<String> audit(Office office, String actor) {
    return engine
        .store()
        .queryForList(
            "select action || ' ' || detail from audit where practice_id = ? and actor = ? order by id",
            String.class,
            office.id(),
            actor);
  }

  @Test
  void whoGuessesTokensIsNotListenedTo() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      String token = token(office);

      for (int i = 0; i < Pipeline.REFUSALS_PER_MINUTE; i++) {
        assertThat(statusFrom("127.0.0.9", office, "guess" + i)).isEqualTo(401);
      }

      assertThat(statusFrom("127.0.0.9", office, "guess")).isEqualTo(429);
      assertThat(statusFrom("127.0.0.9", office, token)).as("a good one, too").isEqualTo(429);
      assertThat(statusFrom("127.0.0.10", office, token)).as("somebody else").isEqualTo(200);
    }
  }

  @Test
  void whoWasLetInFromAnAddressGoesOnWhateverElseComesFromThere() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      office.open();
      other.open();
      String token = token(office);
      String name = "neighbour-" + TOKENS.getAndIncrement();
      String revoked = engine.bean(AccessTokens.class).create(office.name, name, Role.MACHINE);
      String late = token(office);
      String address = "127.0.0.11";
      assertThat(statusFrom(address, office, token)).isEqualTo(200);
      assertThat(statusFrom(address, office, revoked)).isEqualTo(200);
      for (int i = 0; i < Pipeline.REFUSALS_PER_MINUTE; i++) {
        assertThat(statusFrom(address, office, "wrong")).isEqualTo(401);
      }
      assertThat(statusFrom(address, office, "wrong")).isEqualTo(429);

      assertThat(statusFrom(address, office, token)).as("let in before").isEqualTo(200);
      assertThat(statusFrom(address, office, late)).as("never let in").isEqualTo(429);
      assertThat(statusFrom("127.0.0.12", office, "wrong")).as("elsewhere").isEqualTo(401);
      engine.bean(AccessTokens.class).revoke(name);
      List<String> refusals = audit(office, "unknown");
      assertThat(statusFrom(address, office, revoked)).as("good no more").isEqualTo(429);
      assertThat(statusFrom(address, office, token)).isEqualTo(200);
      // Whoever is let in somewhere does not find out practices with it.
      assertThat(statusFrom(address, other, token)).isEqualTo(429);
      assertThat(statusFrom(address, office, token)).isEqualTo(429);
      assertThat(audit(office, "unknown")).as("fill no table").isEqualTo(refusals);
      assertThat(audit(other, "unknown")).isEmpty();
    }
  }

  /** Asks for the metadata as a client of that address. */
  private int statusFrom(String address, Office office, String token) throws IOException {
    URI url = URI.create(base(office) + "/metadata");
    try (Socket socket =
        new Socket(
            InetAddress.getByName("127.0.0.1"), url.getPort(), InetAddress.getByName(address), 0)) {
      socket
          .getOutputStream()
          .write(
              ("GET "
                      + url.getPath()
                      + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                      + token
                      + "\r\n\r\n")
                  .getBytes(UTF_8));
      String answer = new String(socket.getInputStream().readAllBytes(), UTF_8);
      return Integer.parseInt(answer.substring(9, 12));
    }
  }

  @Test
  void theCapabilityStatementSaysWhatThereIs() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();

      CapabilityStatement statement =
          client(office).capabilities().ofType(CapabilityStatement.class).execute();

      assertThat(statement.getFhirVersion().toCode()).isEqualTo("4.0.1");
      assertThat(statement.getImplementation().getUrl()).isEqualTo(base(office));
      assertThat(statement.getRest()).hasSize(1);
      assertThat(statement.getRestFirstRep().getResource()).hasSize(1);
      var patient = statement.getRestFirstRep().getResourceFirstRep();
      assertThat(patient.getType()).isEqualTo("Patient");
      assertThat(patient.getOperation()).extracting(o -> o.getName()).containsExactly("match");
    }
  }

  // ---- Asking ----

  private String base(Office office) {
    return engine.url() + "/fhir/" + office.name;
  }

  private String fhirUrl(Office office) {
    return base(office) + "/Patient/$match";
  }

  private String jsonUrl(Office office) {
    return jsonUrl(office.name);
  }

  private String jsonUrl(String practice) {
    return engine.url() + "/api/v1/practices/" + practice + "/patients/match";
  }

  private String token(Office office) {
    return engine
        .bean(AccessTokens.class)
        .create(office.name, "test-" + TOKENS.getAndIncrement(), Role.MACHINE);
  }

  private IGenericClient client(Office office) {
    return client(office, token(office));
  }

  private IGenericClient client(Office office, String token) {
    FHIR.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.NEVER);
    IGenericClient client = FHIR.newRestfulGenericClient(base(office));
    client.registerInterceptor(new BearerTokenAuthInterceptor(token));
    return client;
  }

  private static Bundle match(
      IGenericClient client,
      Patient patient,
      @Nullable Boolean onlyCertain,
      @Nullable Integer count) {
    Parameters parameters = new Parameters();
    parameters.addParameter().setName("resource").setResource(patient);
    if (onlyCertain != null) {
      parameters.addParameter("onlyCertainMatches", onlyCertain);
    }
    if (count != null) {
      parameters.addParameter().setName("count").setValue(new IntegerType(count));
    }
    return client
        .operation()
        .onType(Patient.class)
        .named("$match")
        .withParameters(parameters)
        .returnResourceType(Bundle.class)
        .execute();
  }

  private static Patient asked(Someone who) {
    Patient patient = new Patient();
    patient.addName().setFamily(who.family()).addGiven(who.given());
    patient.setBirthDateElement(new org.hl7.fhir.r4.model.DateType(who.birthDate()));
    patient.addTelecom().setSystem(ContactPointSystem.PHONE).setValue(who.mobile());
    if (!who.email().isEmpty()) {
      patient.addTelecom().setSystem(ContactPointSystem.EMAIL).setValue(who.email());
    }
    return patient;
  }

  private static ObjectNode typed(Someone who) {
    return JSON.createObjectNode()
        .put("family", who.family())
        .put("given", who.given())
        .put("birth_date", who.birthDate())
        .put("phone_mobile", who.mobile())
        .put("email", who.email());
  }

  private static String parameters(String resource) {
    return "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"resource\",\"resource\":"
        + resource
        + "}]}";
  }

  private HttpResponse<String> json(Office office, String body) throws Exception {
    return json(office, token(office), body);
  }

  private HttpResponse<String> json(Office office, String token, String body) throws Exception {
    return post(jsonUrl(office), token, "application/json", body);
  }

  private static HttpResponse<String> post(String url, String token, String type, String body)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url))
            .header("Content-Type", type)
            .POST(HttpRequest.BodyPublishers.ofString(body));
    return send(request, token);
  }

  private static HttpResponse<String> get(String url, String token) throws Exception {
    return send(HttpRequest.newBuilder(URI.create(url)).GET(), token);
  }

  private static HttpResponse<String> send(HttpRequest.Builder request, String token)
      throws Exception {
    if (!token.isEmpty()) {
      request.header("Authorization", "Bearer " + token);
    }
    return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static List<String> grades(Bundle found) {
    return found.getEntry().stream()
        .map(e -> e.getSearch().getExtensionByUrl(GRADE).getValue().primitiveValue())
        .map(code -> code.toLowerCase(Locale.ROOT))
        .toList();
  }

  private static List<String> sourceIds(Bundle found) {
    return StreamSupport.stream(found.getEntry().spliterator(), false)
        .map(e -> ((Patient) e.getResource()).getIdentifierFirstRep().getValue())
        .toList();
  }
}
