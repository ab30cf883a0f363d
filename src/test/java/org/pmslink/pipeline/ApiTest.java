package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.parser.OpenAPIV3Parser;
import io.swagger.v3.parser.core.models.SwaggerParseResult;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Plans;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** The API as a program uses it, through HTTP. Who may do what is walked by {@link RightsTest}. */
@ExtendWith(Pipeline.class)
class ApiTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final AtomicInteger TOKENS = new AtomicInteger(1);
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private final Engine engine;
  private final OpenDentalServer pms;

  ApiTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  /** A program with its token. */
  private final class Program {
    private final Office office;
    private final String name;
    private final String token;

    Program(Office office, Role role) {
      this.office = office;
      name = "program-" + role.label() + "-" + TOKENS.getAndIncrement();
      token = engine.bean(AccessTokens.class).create(office.name, name, role);
    }

    HttpRequest request(String method, String path, @Nullable Object body, String... headers) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(
                  URI.create(
                      path.startsWith("/api/")
                          ? engine.url() + path
                          : engine.url() + "/api/v1/practices/" + office.name + path))
              .header("Authorization", "Bearer " + token);
      if (body != null) {
        request.header("Content-Type", "application/json");
      }
      for (int i = 0; i < headers.length; i += 2) {
        request.header(headers[i], headers[i + 1]);
      }
      return request
          .method(
              method,
              body == null
                  ? HttpRequest.BodyPublishers.noBody()
                  : HttpRequest.BodyPublishers.ofString(body.toString()))
          .build();
    }

    Answer send(String method, String path, @Nullable Object body, String... headers)
        throws Exception {
      return new Answer(
          HTTP.send(request(method, path, body, headers), HttpResponse.BodyHandlers.ofString()));
    }

    Answer get(String path) throws Exception {
      return send("GET", path, null).is(200);
    }

    Answer post(String path, Object body, String... headers) throws Exception {
      return send("POST", path, body, headers);
    }

    List<String> audit() {
      return engine
          .store()
          .queryForList(
              "select action || ': ' || detail from audit where practice_id = ? and actor = ?"
                  + " order by id",
              String.class,
              office.id(),
              name);
    }
  }

  private record Answer(HttpResponse<String> http) {
    JsonNode json() throws Exception {
      return JSON.readTree(http.body());
    }

    String header(String name) {
      return http.headers().firstValue(name).orElse("");
    }

    String tag() {
      return header("ETag");
    }

    Answer is(int status) {
      assertThat(http.statusCode())
          .as(http.request().method() + " " + http.uri() + ": " + http.body())
          .isEqualTo(status);
      return this;
    }

    Answer isProblem(int status) throws Exception {
      is(status);
      assertThat(header("Content-Type")).startsWith("application/problem+json");
      assertThat(json().path("status").asInt()).isEqualTo(status);
      assertThat(json().path("detail").asText()).isNotBlank();
      assertThat(json().path("title").asText()).isNotBlank();
      assertThat(json().path("type").asText()).isEqualTo("about:blank");
      return this;
    }

    String detail() throws Exception {
      return json().path("detail").asText();
    }
  }

  private static ObjectNode person(Someone who) {
    return JSON.createObjectNode()
        .put("family", who.family())
        .put("given", who.given())
        .put("birth_date", who.birthDate())
        .put("phone_mobile", who.mobile());
  }

  private static ObjectNode because(String reason) {
    return JSON.createObjectNode().put("reason", reason);
  }

  private static long search(Program program, Someone who) throws Exception {
    JsonNode found =
        program
            .post(
                "/patients/search",
                JSON.createObjectNode().put("query", who.given() + " " + who.family()))
            .is(200)
            .json();
    assertThat(found.path("items")).hasSize(1);
    return found.at("/items/0/id").asLong();
  }

  // ---- Members ----

  @Test
  void aMemberIsMadeOfAPatientReadChangedAndRemoved() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      long patient = search(machine, ines);
      Answer read = machine.get("/patients/" + patient);
      assertThat(read.json().path("family").asText()).isEqualTo("Caldwell");
      assertThat(read.json().path("status").asText()).isEqualTo("active");
      assertThat(read.json().has("true_at")).isTrue();
      assertThat(read.http().body()).doesNotContain("ssn");

      Answer made =
          machine
              .post("/members", person(ines).put("number", "M1").put("patient", patient))
              .is(201);
      assertThat(made.header("Location"))
          .isEqualTo("/api/v1/practices/" + office.name + "/members/M1");
      assertThat(office.memberOf("1")).isEqualTo("M1");
      Answer member = machine.get(made.header("Location"));
      assertThat(member.tag()).isEqualTo(made.tag()).isNotEmpty();
      assertThat(member.json().at("/fields/given").asText()).isEqualTo("Ines");
      machine.send("GET", "/members/M1", null, "If-None-Match", member.tag()).is(304);
      assertThat(machine.get("/members/M1/links").json().at("/items/0/made_by").asText())
          .isEqualTo(machine.name);
      machine
          .post("/members", person(ines).put("number", "M1").put("even_if_alike", true))
          .isProblem(409);

      String change =
          """
          {"fields": {"city": "Springfield", "email": null}, "locked_fields": ["city"],
           "reason": "she asked for it"}""";
      machine.send("PATCH", "/members/M1", change).isProblem(428);
      machine.send("PATCH", "/members/M1", change, "If-Match", "\"x\"").isProblem(412);
      Answer changed =
          machine.send("PATCH", "/members/M1", change, "If-Match", member.tag()).is(200);
      assertThat(changed.json().at("/fields/city").asText()).isEqualTo("Springfield");
      assertThat(changed.json().path("locked_fields")).hasSize(1);
      assertThat(changed.json().at("/origins/city/actor").asText()).isEqualTo(machine.name);
      machine.send("PATCH", "/members/M1", change, "If-Match", member.tag()).isProblem(412);
      machine
          .send(
              "PATCH", "/members/M1", "{\"fields\": {\"family\": \"\"}}", "If-Match", changed.tag())
          .isProblem(409);
      machine
          .send(
              "PATCH", "/members/M1", "{\"fields\": {\"shoe\": \"9\"}}", "If-Match", changed.tag())
          .isProblem(422);

      ObjectNode why = because("moved away");
      machine.post("/members/M1/remove", why, "If-Match", changed.tag()).isProblem(403);
      Program manager = new Program(office, Role.MANAGER);
      manager.post("/members/M1/remove", why).isProblem(428);
      manager.post("/members/M1/remove", because(" "), "If-Match", changed.tag()).isProblem(409);
      manager.post("/members/M1/remove", why, "If-Match", machine.get("/members/M1").tag()).is(204);
      assertThat(machine.get("/members/M1").json().path("removed").asBoolean()).isTrue();
      List<String> history = new ArrayList<>();
      for (JsonNode event : machine.get("/members/M1/history").json().path("items")) {
        if (!event.path("kind").asText().equals("link")) {
          history.add(
              String.join(
                  " ",
                  event.path("actor").asText(),
                  event.path("what").asText(),
                  event.path("about").asText(),
                  event.path("before").asText(),
                  event.path("after").asText(),
                  event.path("reason").asText()));
        }
      }
      assertThat(history)
          .startsWith(manager.name + " REMOVED  ACTIVE REMOVED moved away")
          .contains(
              machine.name + " LOCKED   CITY she asked for it",
              machine.name + " CHANGED CITY COLUMBUS Springfield she asked for it")
          .endsWith(machine.name + " ADDED   ACTIVE added with a chart");
      assertThat(machine.audit())
          .contains(
              "searched patients: 1 found: open-dental/1",
              "saw patient: open-dental/1",
              "added member: M1, linked to open-dental/1",
              "saw member: M1",
              "refused: wants RELINK")
          .noneMatch(line -> line.contains("Caldwell"));
      assertThat(manager.audit()).contains("removed member: M1");
    }
  }

  @Test
  void somebodyWhomThePmsMayHaveIsMadeAMemberOnlyWhenSaidTwice() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      Answer alike = machine.post("/members", person(ines).put("number", "M1")).isProblem(409);
      assertThat(alike.json().at("/candidates/0/patient").asLong())
          .isEqualTo(search(machine, ines));
      assertThat(alike.json().at("/candidates/0/grade").asText()).isEqualTo("certain");
      assertThat(alike.http().body()).doesNotContain("Caldwell");
      machine.post("/members", person(ines).put("number", "M1").put("even_if_alike", true)).is(201);
      office.awaitSettled();
      assertThat(office.memberOf("1")).as("rules link by themselves").isEqualTo("M1");

      // Somebody of that name and birthday, or that telephone, who is a member already.
      Someone nora = Someone.named("Nora", "Namesake");
      machine.post("/members", person(nora).put("number", "N1")).is(201);
      for (Someone likely :
          List.of(
              nora,
              nora.withMobile("6142280001"),
              Someone.named("Nell", "Namesake").withMobile(nora.mobile()))) {
        Answer known = machine.post("/members", person(likely).put("number", "N2")).isProblem(409);
        assertThat(known.json().path("members")).hasSize(1);
        assertThat(known.json().at("/members/0").asText()).isEqualTo("N1");
        assertThat(known.json().path("candidates")).isEmpty();
        assertThat(known.http().body()).doesNotContain("Namesake");
      }
      assertThat(office.count("select count(*) from members where practice_id = ?")).isEqualTo(2);
      machine.post("/members", person(nora).put("number", "N2").put("even_if_alike", true)).is(201);
      machine.post("/members", person(Someone.named("Nils", "Namesake"))).is(201);
      machine.post("/members", "{\"given\": \"A\", \"family\": \"B\"}").isProblem(422);
    }
  }

  @Test
  void oneOfTwoWhoAddTheSamePersonAtOnceIsToldOfTheOther() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Program machine = new Program(office, Role.MACHINE);
      String body = person(Someone.named("Nora", "Simultan")).toString();
      List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
      // Until all have looked for members like her, none can be added.
      try (Connection holder =
          Objects.requireNonNull(engine.store().getDataSource()).getConnection()) {
        holder.setAutoCommit(false);
        try (PreparedStatement lock =
            holder.prepareStatement(
                "select pg_advisory_xact_lock(hashtextextended('practice', ?))")) {
          lock.setInt(1, office.id());
          lock.execute();
        }
        for (int i = 0; i < 3; i++) {
          asked.add(
              HTTP.sendAsync(
                  machine.request("POST", "/members", body, "Idempotency-Key", "at-once-" + i),
                  HttpResponse.BodyHandlers.ofString()));
        }
        Awaitility.await("all wait for the practice")
            .atMost(Office.LONGEST)
            .until(
                () ->
                    engine
                        .store()
                        .queryForList(
                            "select pid from pg_locks where locktype = 'advisory' and not granted",
                            Integer.class)
                        .size(),
                waiting -> waiting >= 3);
        holder.rollback();
      }
      List<Integer> answers = new ArrayList<>();
      for (CompletableFuture<HttpResponse<String>> one : asked) {
        HttpResponse<String> answer = one.get();
        answers.add(answer.statusCode());
        if (answer.statusCode() == 409) {
          assertThat(new Answer(answer).isProblem(409).json().path("members")).hasSize(1);
        }
      }
      assertThat(answers).containsExactlyInAnyOrder(201, 409, 409);
      assertThat(office.count("select count(*) from members where practice_id = ?")).isOne();
    }
  }

  @Test
  void whatIsAskedForTwiceUnderOneKeyIsMadeOnce() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      Program another = new Program(office, Role.MACHINE);
      Someone nora = Someone.named("Nora", "Onceonly");
      String body = person(nora).toString();
      List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        asked.add(
            HTTP.sendAsync(
                machine.request("POST", "/members", body, "Idempotency-Key", "k1"),
                HttpResponse.BodyHandlers.ofString()));
      }
      Set<String> answers = new HashSet<>();
      for (CompletableFuture<HttpResponse<String>> one : asked) {
        Answer answer = new Answer(one.get()).is(201);
        answers.add(answer.header("Location") + answer.tag() + answer.json());
      }
      assertThat(answers).as("one answer to all").hasSize(1);
      assertThat(office.count("select count(*) from members where practice_id = ?")).isOne();
      assertThat(
              office.count(
                  "select count(*) from audit where practice_id = ? and action = 'added member'"))
          .isOne();

      machine
          .post("/members", person(Someone.named("Otto", "Other")), "Idempotency-Key", "k1")
          .isProblem(422);
      String insisting = person(nora).put("even_if_alike", true).toString();
      another.post("/members", body, "Idempotency-Key", "k1").isProblem(409);
      another.post("/members", insisting, "Idempotency-Key", "k1").is(201);
      machine.post("/members", body, "Idempotency-Key", "with space").isProblem(400);

      // What was refused left nothing behind: the same request may succeed later.
      String taken = person(nora).put("number", "M9").put("even_if_alike", true).toString();
      office.member("M9", Someone.named("Max", "Nine"));
      machine.post("/members", taken, "Idempotency-Key", "k2").isProblem(409);
      engine
          .store()
          .update(
              "update members set member_number = 'M8' where practice_id = ?"
                  + " and member_number = 'M9'",
              office.id());
      machine.post("/members", taken, "Idempotency-Key", "k2").is(201);

      // After a day the key is free again.
      engine
          .store()
          .update(
              "update api_creations set created_at = now() - interval '25 hours'"
                  + " where practice_id = ?",
              office.id());
      machine
          .post(
              "/members",
              person(nora).put("number", "M10").put("even_if_alike", true),
              "Idempotency-Key",
              "k1")
          .is(201);
    }
  }

  @Test
  void aProgramMakesMembersOnlyOfChartsThatAreLikeThem() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      Someone otto = Someone.named("Otto", "Brandt");
      long hers = office.chart(ines);
      long his = office.chart(otto);
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      Program desk = new Program(office, Role.FRONT_DESK);
      Program manager = new Program(office, Role.MANAGER);
      long patient = search(machine, otto);
      ObjectNode another = person(ines).put("number", "M1").put("patient", patient);

      for (Program program : List.of(machine, desk)) {
        Answer refused = program.post("/members", another).isProblem(403);
        assertThat(refused.detail()).contains("not enough like the chart", "without a chart");
        assertThat(program.audit())
            .contains("refused: to add a member linked to open-dental/" + his);
      }
      assertThat(office.count("select count(*) from members where practice_id = ?")).isZero();
      manager.post("/members", another).is(201);
      assertThat(office.memberOf(his)).isEqualTo("M1");

      // Of that last name and birth date there is somebody now.
      ObjectNode own =
          person(ines.withMobile("6142280009"))
              .put("number", "M2")
              .put("patient", search(machine, ines));
      Answer known = machine.post("/members", own).isProblem(409);
      assertThat(known.json().at("/members/0").asText()).isEqualTo("M1");
      assertThat(known.json().path("candidates")).isEmpty();
      assertThat(known.detail()).contains("even_if_alike").doesNotContain("charts");
      machine.post("/members", own.put("even_if_alike", true)).is(201);
      assertThat(office.memberOf(hers)).isEqualTo("M2");
    }
  }

  @Test
  void whatIsSentOfANewMemberIsKeptWhereTheChartSaysOtherwise() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.edit(
          "update patient set HmPhone = '6142287003', Address = '12 Elm St', State = 'OH',"
              + " Zip = '43215' where PatNum = ?",
          chart);
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      Answer made =
          machine
              .post(
                  "/members",
                  person(ines.withMobile("6142287004"))
                      .put("number", "M1")
                      .put("preferred", "Nessa")
                      .put("gender", "female")
                      .put("phone_home", "(614) 228-7003")
                      .put("line1", "99 Oak Ave")
                      .put("city", "Columbus")
                      .put("patient", search(machine, ines)))
              .is(201);

      assertThat(made.json().at("/fields/phone_mobile").asText()).isEqualTo("6142287004");
      assertThat(made.json().at("/fields/preferred").asText()).isEqualTo("Nessa");
      assertThat(made.json().at("/fields/gender").asText()).isEqualTo("female");
      assertThat(made.json().at("/fields/email").asText())
          .as("what was left out follows")
          .isEqualTo(ines.email());
      assertThat(made.json().at("/fields/line1").asText()).isEqualTo("99 Oak Ave");
      assertThat(made.json().at("/fields").has("postal_code")).as("of the other address").isFalse();
      List<String> locked = new ArrayList<>();
      made.json().path("locked_fields").forEach(field -> locked.add(field.asText()));
      assertThat(locked)
          .as("the same home telephone, written otherwise, differs in nothing")
          .containsExactlyInAnyOrder(
              "phone_mobile", "line1", "line2", "city", "state", "postal_code");
      assertThat(machine.get("/members/M1/history").http().body())
          .contains("DIFFERS_FROM_CHART", "PHONE_MOBILE LINE1");

      office.edit(
          "update patient set HmPhone = '6142287005', City = 'Akron' where PatNum = ?", chart);
      office.sync();
      JsonNode after = machine.get("/members/M1").json();
      assertThat(after.at("/fields/phone_mobile").asText()).isEqualTo("6142287004");
      assertThat(after.at("/fields/city").asText()).isEqualTo("Columbus");
      assertThat(after.at("/fields/phone_home").asText()).isEqualTo("+16142287005");
      machine
          .post("/members", person(Someone.named("Nils", "Nobody")).put("gender", "f"))
          .isProblem(422);
    }
  }

  @Test
  void aChangedMemberIsHeldToWhatIsAskedOfANewOne() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.member("M1", ines);
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      String tag = machine.get("/members/M1").tag();
      for (String wrong :
          List.of(
              "{\"birth_date\": \"31/31/1980\"}",
              "{\"birth_date\": \"2980-01-31\"}",
              "{\"birth_date\": null}",
              "{\"family\": \" \"}",
              "{\"phone_mobile\": \"\", \"email\": null}",
              "{\"gender\": \"banana\"}",
              "{\"phone_home\": \"call me\"}",
              "{\"email\": \"nobody\"}",
              "{\"postal_code\": \"zip\"}",
              "{\"postal_code\": \"SW1A 1AA\", \"state\": \"OH\"}")) {
        Answer refused =
            machine
                .send("PATCH", "/members/M1", "{\"fields\": " + wrong + "}", "If-Match", tag)
                .isProblem(409);
        assertThat(refused.detail())
            .as(wrong)
            .containsAnyOf(
                "birth date", "day", "needs a", "The sex", "telephone", "e-mail", "ZIP code");
      }
      assertThat(machine.get("/members/M1").tag()).isEqualTo(tag);
      for (String wrong :
          List.of(
              "{\"gender\": \"banana\"}",
              "{\"phone_home\": \"12\"}",
              "{\"email\": \"x@y\"}",
              "{\"postal_code\": \"zip\"}")) {
        ObjectNode person = person(Someone.named("Nils", "Nobody"));
        person.setAll((ObjectNode) JSON.readTree(wrong));
        machine.post("/members", person).isProblem(422);
      }
      assertThat(office.count("select count(*) from members where practice_id = ?")).isOne();
      machine
          .send(
              "PATCH",
              "/members/M1",
              "{\"fields\": {\"birth_date\": \"1981-02-03\", \"email\": null}}",
              "If-Match",
              tag)
          .is(200);

      // What stands there already, as a PMS had it, keeps nobody from changing something else.
      engine
          .store()
          .update(
              "update members set phone_home = 'call me', gender = 'banana', postal_code = 'zip'"
                  + " where practice_id = ?",
              office.id());
      String odd = machine.get("/members/M1").tag();
      machine
          .send(
              "PATCH",
              "/members/M1",
              "{\"fields\": {\"phone_home\": \"call me\", \"city\": \"Wien\"}}",
              "If-Match",
              odd)
          .is(200);
    }
  }

  // ---- Links ----

  @Test
  void whatSomebodyElseHasSaidIsNeitherReplacedNorTakenBackUnseen() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      Program manager = new Program(office, Role.MANAGER);
      long patient = search(machine, ines);
      ObjectNode same = because("seen the passport").put("verdict", "same").put("patient", patient);
      ObjectNode notSame = because("two people").put("verdict", "not-same").put("patient", patient);
      String seen = manager.get("/members/M1/comparisons/" + patient).json().path("seen").asText();
      assertThat(seen).contains("chart-linked");
      manager.post("/members/M1/verdicts", notSame.deepCopy().put("seen", seen)).is(201);
      assertThat(office.memberOf(chart)).isEmpty();

      Answer refused = machine.post("/members/M1/verdicts", notSame).isProblem(403);
      assertThat(refused.detail()).contains("Somebody else has decided about the two");
      machine.post("/members/M1/verdicts", same).isProblem(403);
      Answer late =
          manager.post("/members/M1/verdicts", same.deepCopy().put("seen", seen)).isProblem(409);
      assertThat(late.detail()).contains("look again");
      String verdict = "/members/M1/verdicts/" + patient;
      Answer standing = manager.get(verdict);
      assertThat(standing.json().path("actor").asText()).isEqualTo(manager.name);
      assertThat(machine.audit()).contains("refused: to tell apart M1 and open-dental/" + chart);
      new Program(office, Role.MANAGER).post("/members/M1/verdicts", same).is(201);
      manager.send("DELETE", verdict, null, "If-Match", standing.tag()).isProblem(412);
      assertThat(office.memberOf(chart)).isEqualTo("M1");
    }
  }

  @Test
  void aProgramLinksWhatIsLikelyAndAManagerWhateverIsSure() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      Someone otto = Someone.named("Otto", "Brandt");
      long chart = office.chart(ines);
      long others = office.chart(otto);
      office.open();
      office.member("M1", ines);
      office.awaitSettled();
      Program machine = new Program(office, Role.MACHINE);
      Program manager = new Program(office, Role.MANAGER);
      long patient = search(machine, ines);
      long another = search(machine, otto);
      assertThat(office.memberOf(chart)).isEqualTo("M1");

      JsonNode compared = machine.get("/members/M1/comparisons/" + another).json();
      assertThat(compared.path("may_link").asBoolean()).isFalse();
      assertThat(compared.path("why_not").asText()).contains("linked to another chart");
      double sum = 0;
      for (JsonNode evidence : compared.at("/why/evidence")) {
        sum += evidence.path("weight").asDouble();
      }
      assertThat(sum)
          .isEqualTo(
              compared.at("/why/score").asDouble(), org.assertj.core.api.Assertions.within(0.001));

      ObjectNode same = because("seen the passport").put("verdict", "same");
      ObjectNode notSame = because("two people").put("verdict", "not-same");
      machine.post("/members/M1/verdicts", same.deepCopy().put("patient", another)).isProblem(403);
      machine
          .post("/members/M1/verdicts", notSame.deepCopy().put("patient", patient))
          .isProblem(403);
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      machine.post("/members/M1/verdicts", same.deepCopy().put("patient", 0)).isProblem(422);
      machine
          .post("/members/M1/verdicts", "{\"patient\": 1, \"verdict\": \"perhaps\"}")
          .isProblem(422);
      Answer verified =
          machine.post("/members/M1/verdicts", same.deepCopy().put("patient", patient)).is(201);
      assertThat(verified.json().path("verdict").asText()).isEqualTo("same");
      assertThat(verified.json().path("actor").asText()).isEqualTo(machine.name);
      assertThat(verified.json().path("patient_version").asLong())
          .as("what was decided on")
          .isEqualTo(
              office.count(
                  "select version from patients where practice_id = ? and source_id = '"
                      + chart
                      + "'"));
      assertThat(verified.json().path("member_version").asLong())
          .isEqualTo(
              office.count(
                  "select version from members where practice_id = ? and member_number = 'M1'"));

      manager.post("/members/M1/verdicts", same.deepCopy().put("patient", another)).is(201);
      assertThat(office.memberOf(others)).as("moved").isEqualTo("M1");
      assertThat(office.memberOf(chart)).isEmpty();
      String verdict = "/members/M1/verdicts/" + another;
      machine.send("DELETE", verdict, null, "If-Match", machine.get(verdict).tag()).isProblem(403);
      manager.send("DELETE", verdict, null).isProblem(428);
      manager.send("DELETE", verdict, null, "If-Match", manager.get(verdict).tag()).is(204);
      office.awaitSettled();
      assertThat(office.memberOf(others)).isEmpty();
      assertThat(office.memberOf(chart)).as("rules decide again").isEqualTo("M1");

      manager.post("/members/M1/verdicts", notSame.deepCopy().put("patient", patient)).is(201);
      assertThat(office.memberOf(chart)).isEmpty();
      assertThat(manager.get("/members/M1/verdicts").json().path("items")).hasSize(1);
      JsonNode candidate = machine.get("/members/M1/candidates").json().at("/items/0");
      assertThat(candidate.at("/patient/id").asLong()).isEqualTo(patient);
      assertThat(candidate.path("why"))
          .as("graded as where the two are compared")
          .isEqualTo(machine.get("/members/M1/comparisons/" + patient).json().path("why"));
      assertThat(candidate.at("/why/why_not_certain/0").asText())
          .isEqualTo("somebody has decided otherwise about one of the two");
      assertThat(manager.audit())
          .contains(
              "linked: M1 and open-dental/" + others,
              "took back: M1 and open-dental/" + others,
              "told apart: M1 and open-dental/" + chart);
      assertThat(machine.audit())
          .contains(
              "refused: to link M1 and open-dental/" + others,
              "refused: to tell apart M1 and open-dental/" + chart,
              "refused: take back of M1");
    }
  }

  @Test
  void membersAreMadeOneAndTakenApart() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      Someone ines = Someone.named("Ines", "Caldwell");
      office.member("M1", ines);
      office.member("M2", ines);
      office.awaitSettled();
      Program manager = new Program(office, Role.MANAGER);
      Awaitility.await("the two are found")
          .atMost(Office.LONGEST)
          .until(
              () -> engine.bean(Duplicates.class).isComplete(office.id(), Duplicates.Kind.MEMBER));
      JsonNode found = manager.get("/duplicates").json();
      assertThat(found.path("items")).hasSize(1);
      assertThat(found.at("/items/0/kind").asText()).isEqualTo("member");
      JsonNode why = manager.get("/duplicates/" + found.at("/items/0/id").asLong()).json();
      assertThat(why.path("evidence")).isNotEmpty();

      Answer stays = manager.get("/members/M1");
      long version = manager.get("/members/M2").json().path("version").asLong();
      ObjectNode merge = because("one person").put("merged", "M2").put("merged_version", version);
      manager.post("/members/M1/merges", merge).isProblem(428);
      manager
          .post(
              "/members/M1/merges",
              merge.deepCopy().put("merged_version", version + 1),
              "If-Match",
              stays.tag())
          .isProblem(412);
      Answer merged = manager.post("/members/M1/merges", merge, "If-Match", stays.tag()).is(201);
      assertThat(manager.get("/members/M2").json().path("removed").asBoolean()).isTrue();
      String path = merged.header("Location");
      Answer read = manager.get(path);
      assertThat(read.tag()).isEqualTo(merged.tag());
      assertThat(
              manager
                  .post(path + "/take-apart", because("they are two"), "If-Match", read.tag())
                  .is(200)
                  .json()
                  .path("links_not_put_back")
                  .asInt())
          .isZero();
      assertThat(manager.get("/members/M2").json().path("removed").asBoolean()).isFalse();
      manager.send("GET", path, null).isProblem(404);
      assertThat(manager.audit()).contains("merged members: M2 into M1");
    }
  }

  @Test
  void membersWhomSomebodyHasToldApartAreMadeOneOnlyAllTheSame() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.open();
      office.member("M1", ines);
      office.awaitSettled();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      office.member("M2", Someone.named("Ines", "Caldwell"));
      Program manager = new Program(office, Role.MANAGER);
      // Somebody says that the chart of the one is not the other's.
      manager
          .post(
              "/members/M2/verdicts",
              because("her cousin")
                  .put("verdict", "not-same")
                  .put("patient", search(manager, ines)))
          .is(201);
      ObjectNode merge =
          because("one person after all")
              .put("merged", "M2")
              .put("merged_version", manager.get("/members/M2").json().path("version").asLong());
      String tag = manager.get("/members/M1").tag();
      for (ObjectNode without : List.of(merge, merge.deepCopy().put("all_the_same", false))) {
        assertThat(
                manager
                    .post("/members/M1/merges", without, "If-Match", tag)
                    .isProblem(409)
                    .detail())
            .isNotBlank();
        assertThat(manager.get("/members/M2").json().path("removed").asBoolean()).isFalse();
      }
      Answer merged =
          manager
              .post("/members/M1/merges", merge.put("all_the_same", true), "If-Match", tag)
              .is(201);
      assertThat(merged.json().path("merged").asText()).isEqualTo("M2");
      assertThat(manager.get("/members/M2").json().path("removed").asBoolean()).isTrue();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      manager
          .post(merged.header("Location") + "/take-apart", because("two"), "If-Match", merged.tag())
          .is(200);
      assertThat(manager.get("/members/M2").json().path("removed").asBoolean()).isFalse();
      assertThat(manager.get("/members/M2/verdicts").json().at("/items/0/verdict").asText())
          .isEqualTo("not-same");
    }
  }

  @Test
  void plansAreSoldPausedAndRetired() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      office.member("M1", Someone.named("Ines", "Caldwell"));
      Program manager = new Program(office, Role.MANAGER);
      Program machine = new Program(office, Role.MACHINE);
      String plan =
          "{\"name\": \"Basic\", \"entitlements\":"
              + " [{\"name\": \"Cleanings\", \"codes\": [\"D1110\"], \"per_year\": 2}]}";
      machine.post("/plans", plan).isProblem(403);
      manager.post("/plans", "{\"name\": \"\"}").isProblem(422);
      Answer made = manager.post("/plans", plan).is(201);
      long id = made.json().path("id").asLong();
      String had =
          machine
              .post(
                  "/members/M1/memberships",
                  JSON.createObjectNode().put("plan", id).put("starts_on", "2026-01-01"))
              .is(201)
              .header("Location");
      machine
          .post(
              "/members/M1/memberships",
              JSON.createObjectNode().put("plan", id).put("starts_on", "2026-01-01"))
          .isProblem(409);
      Answer running = machine.get(had);
      ObjectNode pause = because("moved away").put("status", "paused");
      machine.send("PATCH", had, pause).isProblem(428);
      Answer paused = machine.send("PATCH", had, pause, "If-Match", running.tag()).is(200);
      assertThat(paused.json().path("status").asText()).isEqualTo("paused");
      machine.send("PATCH", had, pause, "If-Match", running.tag()).isProblem(412);
      machine.send("PATCH", had, pause, "If-Match", paused.tag()).isProblem(409);
      assertThat(machine.get(had + "/usage").json().at("/items/0/used").asInt()).isZero();

      ObjectNode otto = person(Someone.named("Otto", "Brandt"));
      machine.post("/members", otto.deepCopy().put("status", "paused")).isProblem(422);
      ObjectNode withPlan = otto.deepCopy().put("plan", id).put("starts_on", "2026-02-01");
      machine.post("/members", withPlan.deepCopy().put("status", "ended")).isProblem(422);
      machine.post("/members", withPlan.deepCopy().put("starts_on", "soon")).isProblem(422);
      String begun =
          machine.post("/members", withPlan.put("status", "paused")).is(201).header("Location");
      JsonNode first = machine.get(begun + "/memberships").json().at("/items/0");
      assertThat(first.path("status").asText()).isEqualTo("paused");
      assertThat(first.path("starts_on").asText()).isEqualTo("2026-02-01");
      office.member("M3", Someone.named("Nils", "Lund"));
      machine
          .post(
              "/members/M3/memberships",
              JSON.createObjectNode()
                  .put("plan", id)
                  .put("starts_on", "2026-01-01")
                  .put("status", "gone"))
          .isProblem(422);
      String paused3 =
          machine
              .post(
                  "/members/M3/memberships",
                  JSON.createObjectNode()
                      .put("plan", id)
                      .put("starts_on", "2026-01-01")
                      .put("status", "paused"))
              .is(201)
              .header("Location");
      Answer third = machine.get(paused3);
      assertThat(third.json().path("status").asText()).isEqualTo("paused");
      machine
          .send("PATCH", paused3, because("now").put("status", "active"), "If-Match", third.tag())
          .is(200);
      assertThat(
              machine
                  .post("/members", "{\"plan\": " + id + ", \"starts_on\": \"\"}")
                  .isProblem(422)
                  .detail())
          .isEqualTo("missing: given, family, birth_date, phone_mobile or email, starts_on");
      Answer sold = manager.get("/plans/" + id);
      manager.post("/plans/" + id + "/retire", "{}", "If-Match", sold.tag()).is(200);
      assertThat(manager.get("/plans").json().path("items")).isEmpty();
      assertThat(manager.get("/plans?retired=true").json().path("items")).hasSize(1);
    }
  }

  // ---- Pages ----

  @Test
  void whoHasMissedEventsReadsTheLinksAndMembershipsOfAWholePractice() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      for (String name : List.of("Ada", "Bea", "Cleo")) {
        Someone who = Someone.named(name, "Pemberton");
        office.chart(who);
        office.member(name.substring(0, 1) + "1", who);
        other.chart(who);
        other.member(name.substring(0, 1) + "9", who);
      }
      office.open();
      other.open();
      long plan = engine.bean(Plans.class).add(office.name, "Gold", List.of(), "maria");
      Program manager = new Program(office, Role.MANAGER);
      for (String member : List.of("A1", "C1")) {
        manager
            .post(
                "/members/" + member + "/memberships",
                JSON.createObjectNode().put("plan", plan).put("starts_on", "2026-01-01"))
            .is(201);
      }

      assertThat(all(manager, "/links"))
          .extracting(one -> one.path("member").asText() + " " + one.at("/link/source_id").asText())
          .containsExactlyInAnyOrder("A1 1", "B1 2", "C1 3");
      assertThat(all(manager, "/memberships"))
          .extracting(
              one -> one.path("member").asText() + " " + one.at("/membership/plan/name").asText())
          .containsExactly("A1 Gold", "C1 Gold");
      assertThat(manager.audit())
          .contains("listed links: 1 links: A1, open-dental/1")
          .contains("listed plans: 1 found: A1");
    }
  }

  /** Page by page, one on each. */
  private static List<JsonNode> all(Program program, String path) throws Exception {
    List<JsonNode> all = new ArrayList<>();
    String next = "";
    do {
      JsonNode page = program.get(path + "?limit=1" + next).json();
      page.path("items").forEach(all::add);
      next = page.has("next") ? "&cursor=" + page.path("next").asText() : "";
    } while (!next.isEmpty());
    return all;
  }

  @Test
  void pagesHoldEveryOneOnceWhateverComesMeanwhile() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      for (int i = 0; i < 5; i++) {
        office.chart(Someone.named("Patient", "Number" + (char) ('A' + i)));
      }
      office.open();
      for (String number : List.of("B1", "B3", "B5")) {
        office.member(number, Someone.named("Member", "Of" + number));
      }
      Program machine = new Program(office, Role.MACHINE);
      List<String> seen = new ArrayList<>();
      String next = "";
      do {
        JsonNode page = machine.get("/members?limit=1" + next).json();
        page.path("items").forEach(one -> seen.add(one.path("member_number").asText()));
        if (seen.size() == 1) {
          office.member("A0", Someone.named("Comes", "Before"));
          office.member("B4", Someone.named("Comes", "Behind"));
        }
        next = page.has("next") ? "&cursor=" + page.path("next").asText() : "";
      } while (!next.isEmpty());
      assertThat(seen).containsExactly("B1", "B3", "B4", "B5");

      Set<Long> patients = new TreeSet<>();
      JsonNode page = machine.get("/patients?limit=2").json();
      int pages = 1;
      page.path("items").forEach(one -> patients.add(one.path("id").asLong()));
      while (page.has("next")) {
        page = machine.get("/patients?limit=2&cursor=" + page.path("next").asText()).json();
        page.path("items").forEach(one -> patients.add(one.path("id").asLong()));
        pages++;
      }
      assertThat(patients).hasSize(5);
      assertThat(pages).isEqualTo(3);
      machine.send("GET", "/patients?limit=0", null).isProblem(400);
      // A mistyped filter must not list everything.
      assertThat(machine.send("GET", "/members?unicorn=1", null).isProblem(400).detail())
          .isEqualTo(
              "unicorn: there is no such parameter here; this address takes cursor, limit, show");
      assertThat(
              machine
                  .send("GET", "/members?Caldwell%2C+Ines=1&limit=5", null)
                  .isProblem(400)
                  .http()
                  .body())
          .contains("a parameter: there is no such parameter here")
          .doesNotContain("Caldwell");
      assertThat(machine.send("GET", "/members/M1?show=all", null).isProblem(400).detail())
          .contains("this address takes none");
      machine.get("/members?show=linked&limit=5");
      machine.send("GET", "/patients?limit=201", null).isProblem(400);
      machine.send("GET", "/patients?cursor=%21", null).isProblem(400);
      machine.send("GET", "/dead-letters?cursor=x", null).isProblem(403);
      new Program(office, Role.SUPPORT).send("GET", "/dead-letters?cursor=x", null).isProblem(400);
    }
  }

  @Test
  void visitsAndTransactionsComeOfTheMemberAndOfTheChart() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.open();
      office.member("M1", ines);
      office.awaitSettled();
      for (int day = 1; day <= 3; day++) {
        engine
            .store()
            .update(
                """
                insert into visits (practice_id, source, stream, source_id, version, fingerprint,
                  content_hash, patient_source_id, on_date, status, procedure_codes)
                values (?, 'open-dental', 'visits', ?, 1, 0, 0, '1', make_date(2026, 1, ?), 'COMPLETED',
                  array['D1110'])""",
                office.id(),
                "v" + day,
                day);
        engine
            .store()
            .update(
                """
                insert into transactions (practice_id, source, stream, source_id, version,
                  fingerprint, content_hash, patient_source_id, on_date, type, amount_cents, voided)
                values (?, 'open-dental', 'payments', ?, 1, 0, 0, '1', make_date(2026, 1, ?), 'PAYMENT',
                  -1000, false)""",
                office.id(),
                "t" + day,
                day);
      }
      Program machine = new Program(office, Role.MACHINE);
      long patient = search(machine, ines);
      for (String whose : List.of("/members/M1", "/patients/" + patient)) {
        JsonNode first = machine.get(whose + "/visits?limit=2").json();
        assertThat(first.at("/items/0/on_date").asText()).isEqualTo("2026-01-03");
        assertThat(first.path("items")).hasSize(2);
        JsonNode rest =
            machine.get(whose + "/visits?limit=2&cursor=" + first.path("next").asText()).json();
        assertThat(rest.path("items")).hasSize(1);
        assertThat(rest.has("next")).isFalse();
        JsonNode paid = machine.get(whose + "/transactions?limit=2").json();
        assertThat(paid.at("/items/1/id").asText()).isEqualTo("payments/t2");
        assertThat(
                machine
                    .get(whose + "/transactions?limit=2&cursor=" + paid.path("next").asText())
                    .json()
                    .at("/items/0/id")
                    .asText())
            .isEqualTo("payments/t1");
      }
      assertThat(machine.get("/members/M1/history?limit=1").json().path("items")).hasSize(1);
    }
  }

  // ---- Support, IT, audit ----

  @Test
  void supportMendsAndReplaysDeadLetters() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Engine.rewrite(
          office.mapping("patient.jslt"),
          "\"given\": .FName",
          "\"given\": if (.FName == \"Howard\") {\"a\": 1} else .FName");
      long chart = office.chart(Someone.named("Howard", "Quetzalcoatlus"));
      office.open();
      Awaitility.await().atMost(Office.LONGEST).until(() -> office.letters().size() == 1);
      Program support = new Program(office, Role.SUPPORT);
      Program it = new Program(office, Role.IT);
      JsonNode group = it.get("/dead-letter-groups").json().at("/items/0");
      assertThat(group.path("open").asInt()).isOne();
      assertThat(group.at("/cause/category").asText()).isEqualTo("mapping-failed");
      String key = group.path("key").asText();
      Answer details = it.get("/dead-letter-groups/" + key);
      assertThat(details.http().body()).doesNotContain("Quetzalcoatlus");
      JsonNode letters =
          it.get("/dead-letters?state=open&category=mapping-failed&record=" + chart).json();
      long id = letters.at("/items/0/id").asLong();
      Answer letter = support.get("/dead-letters/" + id);
      assertThat(letter.http().body()).doesNotContain("Quetzalcoatlus");

      it.post("/dead-letters/" + id + "/reveal", because("curious")).isProblem(403);
      support.post("/dead-letters/" + id + "/reveal", because(" ")).isProblem(422);
      Answer revealed =
          support.post("/dead-letters/" + id + "/reveal", because("ticket 7")).is(200);
      assertThat(revealed.http().body()).contains("Quetzalcoatlus");
      letter = support.get("/dead-letters/" + id);

      ObjectNode record = (ObjectNode) revealed.json().path("record").deepCopy();
      ObjectNode edited = because("misread");
      edited.set("record", record.put("FName", "Harold"));
      String where = "/dead-letters/" + id + "/record";
      support.send("PUT", where, edited).isProblem(428);
      Answer after = support.send("PUT", where, edited, "If-Match", letter.tag()).is(200);
      support.send("PUT", where, edited, "If-Match", letter.tag()).isProblem(412);
      assertThat(after.json().at("/letter/edited").asBoolean()).isTrue();

      ObjectNode whole = JSON.createObjectNode().put("group", key);
      assertThat(
              support.post("/dead-letters/dry-run", whole).is(200).json().path("passing").asInt())
          .isOne();
      support.post("/dead-letters/note", "{}").isProblem(422);
      support.post("/dead-letters/note", whole.deepCopy().put("text", "asked them")).is(200);
      support.post("/dead-letters/assign", whole.deepCopy().put("text", "robin")).is(200);
      assertThat(support.get("/dead-letters?assignee=robin").json().path("items")).hasSize(1);
      Answer task = support.post("/replays", whole, "Idempotency-Key", "replay-1").is(201);
      assertThat(
              support
                  .post("/replays", whole, "Idempotency-Key", "replay-1")
                  .is(201)
                  .header("Location"))
          .isEqualTo(task.header("Location"));
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(
              () -> support.get(task.header("Location")).json().path("state").asText(),
              "done"::equals);
      assertThat(support.get(task.header("Location")).json().path("passed").asInt()).isOne();
      assertThat(
              support.get(task.header("Location") + "/items").json().at("/items/0/state").asText())
          .isEqualTo("passed");
      support.post(task.header("Location") + "/pause", "{}").isProblem(409);
      assertThat(support.get("/replays").json().path("items")).hasSize(1);
      support.post("/replays", whole).is(201);
      Answer newest = support.get("/replays?limit=1");
      assertThat(newest.json().path("items")).hasSize(1);
      assertThat(
              support
                  .get("/replays?limit=1&cursor=" + newest.json().path("next").asText())
                  .json()
                  .at("/items/0/id")
                  .asLong())
          .isLessThan(newest.json().at("/items/0/id").asLong());
      assertThat(
              support
                  .post("/dead-letters/discard", whole.put("text", "done"))
                  .json()
                  .path("letters")
                  .asInt())
          .isZero();
      assertThat(support.audit())
          .anyMatch(
              line ->
                  line.matches(
                      "dead-letter-reveal: letter " + id + " of open-dental/\\d+: ticket 7"))
          .anyMatch(line -> line.startsWith("dead-letter-edit: letter " + id));
    }
  }

  @Test
  void feedsAreSeenAndAskedToReadAndTheAuditSaysWhoDidWhat() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      office.open();
      other.open();
      Program it = new Program(office, Role.IT);
      JsonNode feeds = it.get("/feeds").json();
      assertThat(feeds.path("items")).hasSize(1);
      assertThat(feeds.at("/items/0/status/feed").asText()).isEqualTo(office.name);
      assertThat(it.get("/feeds/" + office.name).json().at("/status/state").asText())
          .isEqualTo("RUNNING");
      office.chart(Someone.named("Ines", "Caldwell"));
      it.post("/feeds/" + office.name + "/passes", "{\"comparison\": true}").is(202);
      office.awaitSettled();
      assertThat(office.charts()).isOne();
      it.post("/feeds/" + other.name + "/passes", "{}").isProblem(404);

      Program auditor = new Program(office, Role.AUDITOR);
      JsonNode page = auditor.get("/audit?actor=" + it.name + "&limit=1").json();
      assertThat(page.at("/items/0/action").asText()).isEqualTo("refused");
      page =
          auditor
              .get("/audit?actor=" + it.name + "&limit=1&cursor=" + page.path("next").asText())
              .json();
      assertThat(page.at("/items/0/action").asText()).isEqualTo("asked to compare");
      assertThat(auditor.audit()).hasSize(2).allMatch(line -> line.startsWith("read audit: 1 "));
    }
  }

  @Test
  void whoHasToldDuplicatesApartOrAManagerTakesItBack() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.chart(ines);
      office.member("M1", Someone.named("Otto", "Brandt"));
      office.open();
      Awaitility.await("the two are found")
          .atMost(Office.LONGEST)
          .until(
              () -> engine.bean(Duplicates.class).isComplete(office.id(), Duplicates.Kind.CHART));
      Program machine = new Program(office, Role.MACHINE);
      Program desk = new Program(office, Role.FRONT_DESK);
      Program manager = new Program(office, Role.MANAGER);
      assertThat(machine.get("/duplicates?kind=member").json().path("items")).isEmpty();
      machine.send("GET", "/duplicates?kind=Xyloquenta", null).isProblem(400);
      JsonNode found = machine.get("/duplicates?kind=chart").json().path("items");
      assertThat(found).hasSize(1);
      String finding = "/duplicates/" + found.at("/0/id").asLong();
      machine.send("DELETE", finding + "/not-same", null).isProblem(404);
      for (Program other : List.of(desk, manager)) {
        machine.post(finding + "/not-same", because("twins")).is(204);
        machine.send("GET", finding, null).isProblem(404);
        if (other == desk) {
          desk.send("DELETE", finding + "/not-same", null).isProblem(403);
          machine.send("GET", finding, null).isProblem(404);
          machine.send("DELETE", finding + "/not-same", null).is(204);
        } else {
          manager.send("DELETE", finding + "/not-same", null).is(204);
        }
        machine.get(finding);
        manager.send("DELETE", finding + "/not-same", null).isProblem(404);
      }
      String named = finding.replace("/duplicates/", "finding ");
      assertThat(machine.audit())
          .contains("told duplicates apart: " + named, "took back: " + named);
      assertThat(desk.audit()).contains("refused: to take back " + named);
      assertThat(manager.audit()).contains("took back: " + named);

      // Two who are alike no longer are no finding, although it was taken back.
      machine.post(finding + "/not-same", because("twins")).is(204);
      office.edit(
          "update patient set LName = 'Brandt', FName = 'Otto', Birthdate = '1931-02-03',"
              + " WirelessPhone = '', Email = '' order by PatNum limit 1");
      office.sync();
      machine.send("DELETE", finding + "/not-same", null).is(204);
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(
              () -> machine.send("GET", finding, null).http().statusCode(),
              status -> status == 404);
    }
  }

  @Test
  void itPausesAFeedResumesItAndHasItReadAndCompare() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      office.open();
      other.open();
      Program it = new Program(office, Role.IT);
      String feed = "/feeds/" + office.name;
      it.post(feed + "/pause", because(" ")).isProblem(422);
      it.post(feed + "/pause", "{}").isProblem(422);
      new Program(office, Role.MANAGER).post(feed + "/pause", because("mine")).isProblem(403);
      for (String step : List.of("/pause", "/resume")) {
        it.post("/feeds/" + other.name + step, because("theirs")).isProblem(404);
      }
      Answer paused = it.post(feed + "/pause", because("The server is moved")).is(200);
      assertThat(paused.json().at("/status/state").asText()).isEqualTo("ON_HOLD");
      assertThat(paused.json().at("/status/hold/by").asText()).isEqualTo(it.name);
      Answer again = it.post(feed + "/pause", because("Again")).is(200);
      assertThat(again.json().at("/status/hold")).isEqualTo(paused.json().at("/status/hold"));

      office.chart(Someone.named("Ines", "Caldwell"));
      for (String pass : List.of("{}", "{\"comparison\": true}")) {
        assertThat(it.post(feed + "/passes", pass).isProblem(409).detail()).contains("paused");
      }
      assertThat(office.charts()).isZero();

      Answer resumed = it.send("POST", feed + "/resume", null).is(200);
      assertThat(resumed.json().at("/status").has("hold")).isFalse();
      it.send("POST", feed + "/resume", null).is(200);
      office.awaitSettled();
      assertThat(office.charts()).as("it reads when it is resumed").isOne();
      office.chart(Someone.named("Otto", "Brandt"));
      it.post(feed + "/passes", "{}").is(202);
      office.awaitSettled();
      assertThat(office.charts()).isEqualTo(2);
      JsonNode before = it.get(feed).json().at("/status/last_compare_at");
      it.post(feed + "/passes", "{\"comparison\": true}").is(202);
      office.awaitSettled();
      assertThat(it.get(feed).json().at("/status/last_compare_at")).isNotEqualTo(before);
      assertThat(it.audit().stream().filter(line -> !line.startsWith("refused")))
          .as("what changed nothing is not in it twice")
          .containsExactly(
              "paused a feed: " + office.name + ": The server is moved",
              "resumed a feed: " + office.name,
              "asked to read: " + office.name,
              "asked to compare: " + office.name);
    }
  }

  @Test
  void itSaysThatWhatAComparisonMissedIsGoneIndeed() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      for (int i = 0; i < 30; i++) {
        office.chart(Someone.named("Nadia", "Number" + i));
      }
      office.open();
      office.edit("delete from patient order by PatNum limit 25");
      Program it = new Program(office, Role.IT);
      String feed = "/feeds/" + office.name;
      it.post(feed + "/passes", "{\"accept_missing\": \"patients\"}").isProblem(409);
      office.compare();

      JsonNode missing = it.get(feed).json().at("/status/missing/0");
      assertThat(missing.path("stream").asText()).isEqualTo("patients");
      assertThat(missing.path("records").asInt()).isEqualTo(25);
      it.post(feed + "/passes", "{\"accept_missing\": \"visits\"}").isProblem(409);
      it.post(feed + "/passes", "{\"accept_missing\": \"patients\"}").is(202);
      office.awaitSettled();

      assertThat(office.charts()).isEqualTo(5);
      assertThat(it.get(feed).json().at("/status/missing")).isEmpty();
      assertThat(it.audit())
          .contains("accepted what is missing: " + office.name + ": 25 of 30 patients");
    }
  }

  @Test
  void reviewsAndFlaggedLinksWait() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.member("M1", ines);
      office.member("M2", ines);
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      JsonNode reviews = machine.get("/reviews").json();
      assertThat(reviews.path("items")).hasSize(1);
      String reason = reviews.at("/items/0/reason").asText();
      assertThat(machine.get("/reviews?reason=" + reason).json().path("items")).hasSize(1);
      assertThat(machine.get("/reviews?reason=NOT_CERTAIN").json().path("items")).isEmpty();
      assertThat(reviews.at("/items/0/candidates")).hasSize(2);
      long patient = reviews.at("/items/0/patient").asLong();
      machine.get("/reviews/" + reviews.at("/items/0/id").asLong());
      assertThat(machine.get("/worklists").json().path("reviews").asInt()).isOne();
      Program manager = new Program(office, Role.MANAGER);
      manager
          .post(
              "/members/M1/verdicts",
              because("asked").put("verdict", "same").put("patient", patient))
          .is(201);
      assertThat(machine.get("/reviews").json().path("items")).isEmpty();
      engine
          .store()
          .update(
              "update links set flag_reason = 'CHART_DELETED', flagged_at = now()"
                  + " where practice_id = ?",
              office.id());
      assertThat(machine.get("/flagged-links").json().at("/items/0/member_number").asText())
          .isEqualTo("M1");
      assertThat(machine.get("/flagged-links?reason=CHART_DELETED").json().path("items"))
          .hasSize(1);
      assertThat(machine.get("/flagged-links?reason=CHART_GONE").json().path("items")).isEmpty();
    }
  }

  // ---- What goes wrong ----

  @Test
  void everyErrorIsAProblemThatQuotesNothing() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      assertThat(machine.send("GET", "/nothing", null).isProblem(404).detail()).isNotBlank();
      machine.post("/nothing", "{}").isProblem(404);
      machine.send("GET", "/patients/1000000000", null).isProblem(404);
      machine.send("GET", "/members/nobody", null).isProblem(404);
      Answer wrongMethod = machine.send("PUT", "/members", "{}").isProblem(405);
      assertThat(wrongMethod.header("Allow")).contains("GET").contains("POST");
      assertThat(machine.send("GET", "/patients/match", null).isProblem(405).header("Allow"))
          .isEqualTo("POST");
      machine.send("GET", "/members", null, "Accept", "application/xml").isProblem(406);
      machine.send("GET", "/members", null, "Accept", "application/yaml").isProblem(406);
      new Answer(
              HTTP.send(
                  HttpRequest.newBuilder(
                          URI.create(
                              engine.url() + "/api/v1/practices/" + office.name + "/members"))
                      .header("Authorization", "Bearer " + machine.token)
                      .header("Content-Type", "text/plain")
                      .POST(HttpRequest.BodyPublishers.ofString("{}"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString()))
          .isProblem(415);
      machine.post("/members", "{").isProblem(400);
      machine.post("/members", "[]").isProblem(400);
      machine.post("/members", "").isProblem(400);
      assertThat(machine.post("/members", "{\"shoe\": \"Xyloquenta\"}").isProblem(400).detail())
          .isEqualTo("there is no field \"shoe\"");
      assertThat(machine.post("/members", "{\"patient\": \"Xyloquenta\"}").isProblem(400).detail())
          .isEqualTo("patient: not a value of its kind");
      machine.post("/members", "{\"family\": \"A\", \"family\": \"Xyloquenta\"}").isProblem(400);
      assertThat(
              machine.send("GET", "/patients/Xyloquenta/family", null).isProblem(400).http().body())
          .contains("patient")
          .doesNotContain("Xyloquenta");
      machine.send("GET", "/members?show=Xyloquenta", null).isProblem(422);
      machine.post("/patients/search", "{\"query\": \"\\u0000\"}").is(200);
      machine.send("GET", "/members?cursor=AA", null).isProblem(422);
      assertThat(machine.send("GET", "/members?limit=Xyloquenta", null).isProblem(400).detail())
          .isEqualTo("limit: not a value of its kind");
      assertThat(machine.send("GET", "/reviews?limit=0", null).isProblem(400).detail())
          .isEqualTo("limit: from 1 to 200");
      machine.send("GET", "/reviews?cursor=Xyloquenta", null).isProblem(400);
      machine.send("GET", "/patients;x=1", null).isProblem(400);
      machine.post("/members", "\"" + "x".repeat(300_000) + "\"").isProblem(413);
    }
  }

  @Test
  void whoCallsTooOftenIsToldWhenToComeAgain() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      Program machine = new Program(office, Role.MACHINE);
      assertThat(machine.get("/plans").header("RateLimit-Policy"))
          .isEqualTo("\"caller\";q=600;w=60");
      List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
      List<HttpResponse<String>> refused = new ArrayList<>();
      for (int i = 0; i < 40 && refused.isEmpty(); i++) {
        for (int j = 0; j < 50; j++) {
          calls.add(
              HTTP.sendAsync(
                  machine.request("GET", "/plans", null), HttpResponse.BodyHandlers.ofString()));
        }
        for (CompletableFuture<HttpResponse<String>> call : calls) {
          if (call.get().statusCode() == 429) {
            refused.add(call.get());
          }
        }
        calls.clear();
      }
      assertThat(refused).isNotEmpty();
      Answer first = new Answer(refused.get(0)).isProblem(429);
      assertThat(Integer.parseInt(first.header("Retry-After"))).isBetween(1, 60);
      assertThat(first.header("RateLimit")).startsWith("\"caller\";r=0;t=");
      new Program(office, Role.MACHINE).get("/plans");
    }
  }

  // ---- The description ----

  @Test
  void theDescriptionIsOpenToAllAndHoldsEveryAddress() throws Exception {
    HttpResponse<String> answer =
        HTTP.send(
            HttpRequest.newBuilder(URI.create(engine.url() + "/api/v1/openapi.json")).build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    String described = JSON.readTree(answer.body()).toPrettyString() + "\n";
    Files.writeString(Path.of("target", "openapi.json"), described);
    SwaggerParseResult parsed = new OpenAPIV3Parser().readContents(answer.body());
    assertThat(parsed.getMessages()).isEmpty();
    OpenAPI api = parsed.getOpenAPI();
    Set<String> there = new TreeSet<>();
    engine
        .bean(RequestMappingHandlerMapping.class)
        .getHandlerMethods()
        .forEach(
            (info, method) ->
                info.getPatternValues().stream()
                    .filter(path -> path.startsWith("/api/v1/practices"))
                    .forEach(
                        path ->
                            info.getMethodsCondition()
                                .getMethods()
                                .forEach(
                                    verb ->
                                        there.add(
                                            verb + " " + path.replaceAll(":[^}]*\\}", "}")))));
    Set<String> told = new TreeSet<>();
    Set<String> ids = new TreeSet<>();
    List<String> wanting = new ArrayList<>();
    api.getPaths()
        .forEach(
            (path, item) ->
                item.readOperationsMap()
                    .forEach(
                        (verb, operation) -> {
                          String name = verb + " " + path;
                          told.add(name);
                          assertThat(ids.add(operation.getOperationId()))
                              .as(operation.getOperationId() + " once")
                              .isTrue();
                          if (operation.getSummary() == null
                              || operation.getDescription() == null
                              || !operation.getDescription().contains("Needs the right")) {
                            wanting.add(name + " says not what it does or needs");
                          }
                          operation.getParameters().stream()
                              .filter(p -> p.getDescription() == null || p.getSchema() == null)
                              .forEach(p -> wanting.add(name + ": " + p.getName()));
                          if (operation.getResponses().keySet().stream()
                              .noneMatch(status -> status.startsWith("2"))) {
                            wanting.add(name + " answers nothing");
                          }
                          for (String error : List.of("401", "403", "404", "429")) {
                            if (!operation.getResponses().containsKey(error)) {
                              wanting.add(name + " lacks " + error);
                            }
                          }
                          if (Set.of("POST", "PUT", "PATCH").contains(verb.name())
                              && operation.getRequestBody() == null
                              && !path.matches(".*/(pause|resume|stop|retire)")) {
                            wanting.add(name + " takes nothing");
                          }
                        }));
    assertThat(told).isEqualTo(there);
    assertThat(wanting).isEmpty();
    assertThat(api.getComponents().getSecuritySchemes()).containsKey("bearer");
    assertThat(Files.readString(Path.of("docs", "openapi.json")))
        .as("docs/openapi.json is what the engine says; target/openapi.json is it now")
        .isEqualTo(described);
  }
}
