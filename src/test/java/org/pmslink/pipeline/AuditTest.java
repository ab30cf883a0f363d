package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Audit;
import org.pmslink.access.Role;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.Plans;
import org.pmslink.membership.Verdicts;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.jdbc.core.ConnectionCallback;

/** The audit and what it is about: there are both or neither; and what is gone from it shows. */
@ExtendWith(Pipeline.class)
class AuditTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final AtomicInteger NEXT = new AtomicInteger(1);

  private final Engine engine;
  private final OpenDentalServer pms;
  private final Someone ines = Someone.named("Ines", "Notedlund");
  private final Someone otto = Someone.named("Otto", "Elsewhereby");

  AuditTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  @AfterEach
  void theStoreWorksAgain() {
    engine.store().execute("drop function if exists fails() cascade");
  }

  /** From now on the store fails whenever somebody writes this; at the very end, if so wanted. */
  private void fails(String table, String when, boolean atTheEnd) {
    theStoreWorksAgain();
    engine
        .store()
        .execute(
            """
            create function fails() returns trigger language plpgsql as $$
            begin raise exception 'as the test wants'; end $$""");
    engine
        .store()
        .execute(
            "create "
                + (atTheEnd ? "constraint trigger" : "trigger")
                + " fails after insert or update on "
                + table
                + (atTheEnd ? " deferrable initially deferred" : "")
                + " for each row when ("
                + when
                + ") execute function fails()");
  }

  /** All that the store knows of a practice but for its audit and what feeds and rules go about. */
  private Map<String, String> everything(Office office) {
    Map<String, String> all = new TreeMap<>();
    for (String table :
        Set.of(
            "members",
            "links",
            "link_changes",
            "verdicts",
            "member_changes",
            "member_merges",
            "memberships",
            "membership_changes",
            "plans",
            "duplicates",
            "access_tokens",
            "webhooks")) {
      all.put(
          table,
          String.valueOf(
              engine
                  .store()
                  .queryForObject(
                      "select string_agg(t::text, chr(10) order by t::text) from (select to_jsonb(x)"
                          + " - '{updated_at,matched_version,match_sent_at,last_used_at}'::text[]"
                          + " from "
                          + table
                          + " x where practice_id = ?) t",
                      String.class,
                      office.id())));
    }
    for (String table : Set.of("users", "user_roles")) {
      all.put(
          table,
          String.valueOf(
              engine
                  .store()
                  .queryForObject(
                      "select string_agg(x::text, chr(10) order by x::text) from " + table + " x",
                      String.class)));
    }
    return all;
  }

  private List<String> audit(int practice) {
    return engine
        .store()
        .queryForList(
            "select action || ': ' || detail from audit where practice_id = ? order by id",
            String.class,
            practice);
  }

  private void assertWhole() {
    assertThat(engine.bean(Audit.class).verify()).allMatch(proof -> proof.broken().isEmpty());
  }

  /** A manager at the console. */
  private final class Manager {
    private final Office office;
    private final Visitor visitor;
    private final String login;

    Manager(Office office) throws Exception {
      this.office = office;
      visitor = Visitor.signedIn(engine, office.name, Role.MANAGER);
      login = visitor.login;
    }

    /** Looks at a page of the practice. */
    int looks(String path) throws Exception {
      return visitor.get("/console/" + office.name + path).statusCode();
    }

    /** Sends a form of a page of the practice. */
    int sends(String path, String... values) throws Exception {
      return visitor.post("/console/" + office.name + path, values).statusCode();
    }

    Callable<Integer> does(String path, String... values) {
      return () -> sends(path, values);
    }

    /** About a member and Otto's chart. */
    int says(String member, String what, String seen) throws Exception {
      return sends(
          "/members/" + member + "/" + what,
          "source",
          "open-dental",
          "id",
          "2",
          "reason",
          "they said so",
          "seen",
          seen);
    }
  }

  /** A program of a manager. */
  private final class Program {
    private final Office office;
    private final String name = "program-a" + NEXT.getAndIncrement();
    private final String token;
    private final HttpClient http = HttpClient.newHttpClient();

    Program(Office office) {
      this.office = office;
      token = engine.bean(AccessTokens.class).create(office.name, name, Role.MANAGER);
    }

    private HttpResponse<String> send(String method, String path, String body, String tag)
        throws Exception {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(
                  URI.create(engine.url() + "/api/v1/practices/" + office.name + path))
              .header("Authorization", "Bearer " + token)
              .header("Content-Type", "application/json");
      if (!tag.isEmpty()) {
        request.header("If-Match", tag);
      }
      return http.send(
          request.method(method, HttpRequest.BodyPublishers.ofString(body)).build(),
          HttpResponse.BodyHandlers.ofString());
    }

    Callable<Integer> does(String method, String path, String body) {
      return method.equals("POST")
          ? () -> send(method, path, body, "").statusCode()
          : doesTo(path, method, path, body);
    }

    /** Having looked at what is to change. */
    Callable<Integer> doesTo(String what, String method, String path, String body) {
      return () -> {
        String tag = send("GET", what, "", "").headers().firstValue("ETag").orElse("");
        return send(method, path, body, tag).statusCode();
      };
    }
  }

  /** Tries it while the audit cannot be written, and then again: both or neither. */
  private void bothOrNeither(Office office, int practice, String noted, Callable<Integer> deed)
      throws Exception {
    String action = noted.substring(0, noted.indexOf(':'));
    office.awaitSettled();
    Map<String, String> before = everything(office);
    int entries = audit(practice).size();
    fails("audit", "new.action = '" + action + "'", false);

    int answer = deed.call();

    assertThat(answer == 1 || answer >= 500).as(noted + ", not noted: " + answer).isTrue();
    Map<String, String> after = everything(office);
    before.forEach(
        (table, rows) ->
            assertThat(after.get(table)).as(noted + ", not noted: " + table).isEqualTo(rows));
    theStoreWorksAgain();

    assertThat(deed.call()).as(noted).isIn(0, 200, 201, 202, 204, 302);

    List<String> since = audit(practice).subList(entries, audit(practice).size());
    assertThat(since).as(noted).filteredOn(e -> e.startsWith(action + ":")).containsExactly(noted);
    assertThat(everything(office)).as(noted).isNotEqualTo(before);
  }

  private String version(Office office, String member) {
    return String.valueOf(
        office.count(
            "select version from members where practice_id = ? and member_number = '"
                + member
                + "'"));
  }

  /** What a page shows of a member and Otto's chart. */
  private String seen(Office office, String member) {
    return engine
        .bean(Verdicts.class)
        .seen(
            office.name,
            engine.bean(PatientDirectory.class).find(office.name, "open-dental", "2").orElseThrow(),
            member);
  }

  private long newest(Office office, String table) {
    return office.count("select max(id) from " + table + " where practice_id = ?");
  }

  private long duplicate(Office office) {
    engine
        .store()
        .update(
            """
            insert into duplicates (practice_id, kind, one, other, grade, score, explanation,
                                    rules_version)
            select practice_id, 'MEMBER', min(id), max(id), 'PROBABLE', 1, '{}', 'none'
            from members where practice_id = ? group by practice_id
            on conflict (practice_id, kind, one, other) do update set closed_at = null""",
            office.id());
    return newest(office, "duplicates");
  }

  private void people(Office office) throws Exception {
    office.chart(ines);
    office.chart(otto);
    office.member("M1", ines);
    office.member("M2", Someone.named("Walter", "Nowheresen"));
    office.open();
  }

  @Test
  void whatCannotBeNotedIsNotDoneAtTheConsole() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      people(office);
      Manager manager = new Manager(office);
      int id = office.id();

      bothOrNeither(
          office,
          id,
          "linked: M1 and open-dental/2",
          () -> manager.says("M1", "same", seen(office, "M1")));
      String verdict = String.valueOf(newest(office, "verdicts"));
      bothOrNeither(
          office,
          id,
          "took back: M1 and open-dental/2",
          manager.does(
              "/members/M1/take-back", "source", "open-dental", "id", "2", "verdict", verdict));
      bothOrNeither(
          office,
          id,
          "told apart: M2 and open-dental/2",
          () -> manager.says("M2", "not-same", seen(office, "M2")));
      bothOrNeither(
          office,
          id,
          "added member: M3",
          manager.does(
              "/members/new",
              "number",
              "M3",
              "given",
              "Petra",
              "family",
              "Newcomer",
              "birthDate",
              "1971-05-06",
              "phoneMobile",
              "6145550133"));
      bothOrNeither(
          office,
          id,
          "changed member: M2: [CITY]",
          () ->
              manager.sends(
                  "/members/M2/fields", "version", version(office, "M2"), "CITY", "Erie"));
      bothOrNeither(
          office,
          id,
          "locked fields: M2: [CITY]",
          () ->
              manager.sends(
                  "/members/M2/fields", "version", version(office, "M2"), "lock-CITY", "on"));
      bothOrNeither(
          office,
          id,
          "told duplicates apart: finding " + duplicate(office),
          manager.does("/duplicates/" + duplicate(office) + "/not-same", "reason", "two people"));
      long plan = engine.bean(Plans.class).add(office.name, "Gold", List.of(), "tester");
      bothOrNeither(
          office,
          id,
          "started plan: M1: plan " + plan,
          manager.does(
              "/members/M1/plan",
              "plan",
              String.valueOf(plan),
              "startsOn",
              LocalDate.now(ZoneOffset.UTC).toString()));
      long membership = newest(office, "memberships");
      bothOrNeither(
          office,
          id,
          "pause plan: M1: membership " + membership,
          manager.does("/members/M1/plan/" + membership, "step", "pause", "reason", "abroad"));
      bothOrNeither(
          office, id, "retired plan: " + plan, manager.does("/plans/" + plan + "/retire"));
      bothOrNeither(
          office, id, "added plan: " + (plan + 2), manager.does("/plans", "name", "Silver"));
      bothOrNeither(
          office,
          id,
          "merged members: M2 into M1",
          () ->
              manager.sends(
                  "/members/M1/merge",
                  "with",
                  "M2",
                  "version",
                  version(office, "M1"),
                  "otherVersion",
                  version(office, "M2"),
                  "reason",
                  "one person",
                  "allTheSame",
                  "on"));
      long merge = newest(office, "member_merges");
      bothOrNeither(
          office,
          id,
          "took members apart: M1: merge " + merge,
          manager.does(
              "/members/M1/take-apart", "merge", String.valueOf(merge), "reason", "two after all"));
      bothOrNeither(
          office,
          id,
          "removed member: M2",
          manager.does("/members/M2/remove", "reason", "moved away"));
      assertWhole();
    }
  }

  @Test
  void whatCannotBeNotedIsNotDoneForAProgram() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      people(office);
      Program program = new Program(office);
      int id = office.id();
      long otto = office.count("select id from patients where practice_id = ? and source_id = '2'");

      bothOrNeither(
          office,
          id,
          "linked: M1 and open-dental/2",
          program.does(
              "POST",
              "/members/M1/verdicts",
              "{\"patient\":%d,\"verdict\":\"same\",\"reason\":\"they said so\"}".formatted(otto)));
      bothOrNeither(
          office,
          id,
          "took back: M1 and open-dental/2",
          program.does("DELETE", "/members/M1/verdicts/" + otto, ""));
      bothOrNeither(
          office,
          id,
          "told apart: M2 and open-dental/2",
          program.does(
              "POST",
              "/members/M2/verdicts",
              "{\"patient\":%d,\"verdict\":\"not-same\",\"reason\":\"they said so\"}"
                  .formatted(otto)));
      bothOrNeither(
          office,
          id,
          "added member: M3",
          program.does(
              "POST",
              "/members",
              """
              {"number":"M3","given":"Petra","family":"Newcomer","birth_date":"1971-05-06",
               "phone_mobile":"6145550133"}"""));
      bothOrNeither(
          office,
          id,
          "changed member: M2: [CITY]",
          program.does("PATCH", "/members/M2", "{\"fields\":{\"city\":\"Erie\"}}"));
      bothOrNeither(
          office,
          id,
          "locked fields: M2: [CITY]",
          program.does("PATCH", "/members/M2", "{\"locked_fields\":[\"city\"]}"));
      long finding = duplicate(office);
      bothOrNeither(
          office,
          id,
          "told duplicates apart: finding " + finding,
          program.does(
              "POST", "/duplicates/" + finding + "/not-same", "{\"reason\":\"two people\"}"));
      long plan = engine.bean(Plans.class).add(office.name, "Gold", List.of(), "tester");
      bothOrNeither(
          office,
          id,
          "started plan: M1: plan " + plan,
          program.does(
              "POST",
              "/members/M1/memberships",
              "{\"plan\":%d,\"starts_on\":\"%s\"}".formatted(plan, LocalDate.now(ZoneOffset.UTC))));
      long membership = newest(office, "memberships");
      bothOrNeither(
          office,
          id,
          "pause plan: M1: membership " + membership,
          program.does(
              "PATCH",
              "/members/M1/memberships/" + membership,
              "{\"status\":\"paused\",\"reason\":\"abroad\"}"));
      bothOrNeither(
          office,
          id,
          "retired plan: " + plan,
          program.doesTo("/plans/" + plan, "POST", "/plans/" + plan + "/retire", "{}"));
      bothOrNeither(
          office,
          id,
          "added plan: " + (plan + 2),
          program.does("POST", "/plans", "{\"name\":\"Silver\"}"));
      bothOrNeither(
          office,
          id,
          "merged members: M2 into M1",
          () ->
              program
                  .doesTo(
                      "/members/M1",
                      "POST",
                      "/members/M1/merges",
                      """
                      {"merged":"M2","merged_version":%s,"reason":"one person","all_the_same":true}"""
                          .formatted(version(office, "M2")))
                  .call());
      String merge = "/members/M1/merges/" + newest(office, "member_merges");
      bothOrNeither(
          office,
          id,
          "took members apart: M1: merge " + newest(office, "member_merges"),
          program.doesTo(merge, "POST", merge + "/take-apart", "{\"reason\":\"two after all\"}"));
      bothOrNeither(
          office,
          id,
          "removed member: M2",
          program.doesTo(
              "/members/M2", "POST", "/members/M2/remove", "{\"reason\":\"moved away\"}"));
      assertWhole();
    }
  }

  @Test
  void whatCannotBeNotedIsNotDoneByACommand() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      int id = office.id();
      String token = "token-a" + NEXT.getAndIncrement();
      String user = "user-a" + NEXT.getAndIncrement();
      String[] of = {"--practice", office.name};

      bothOrNeither(
          office,
          id,
          "made a token: " + token + ", auditor",
          command(of, "token", "new", "--name", token, "--role", "auditor"));
      bothOrNeither(
          office, id, "revoked a token: " + token, command(none(), "token", "revoke", token));
      bothOrNeither(
          office,
          id,
          "added a webhook: dashboard, to dashboard.example",
          command(
              of, "webhook", "add", "dashboard", "--url", "https://dashboard.example/in/secret"));
      bothOrNeither(
          office,
          id,
          "sent events again: webhook dashboard: 0 events",
          command(of, "webhook", "resend", "dashboard"));
      bothOrNeither(
          office,
          id,
          "removed a webhook: dashboard",
          command(of, "webhook", "remove", "dashboard"));
      bothOrNeither(office, 0, "added a user: " + user, command(none(), "user", "add", user));
      bothOrNeither(
          office,
          id,
          "granted a role: " + user + " is manager in " + office.name,
          command(of, "user", "grant", user, "manager"));
      bothOrNeither(
          office,
          id,
          "revoked a role: " + user + " was manager in " + office.name,
          command(of, "user", "revoke", user, "manager"));
      bothOrNeither(
          office,
          0,
          "granted a role: " + user + " is auditor in every practice",
          command(none(), "user", "grant", user, "auditor"));
      bothOrNeither(
          office,
          0,
          "revoked a role: " + user + " was auditor in every practice",
          command(none(), "user", "revoke", user, "auditor"));
      bothOrNeither(
          office, 0, "disabled a user: " + user, command(none(), "user", "disable", user));
      bothOrNeither(office, 0, "enabled a user: " + user, command(none(), "user", "enable", user));
      bothOrNeither(office, 0, "reset a password: " + user, command(none(), "user", "reset", user));

      assertThat(
              engine
                  .store()
                  .queryForObject(
                      "select min(actor) from audit where practice_id = 0 and detail = ?",
                      String.class,
                      user))
          .isEqualTo("cli:" + System.getProperty("user.name"));
      Shell listed = Shell.run(engine, "audit", "list");
      assertThat(listed.output()).contains("reset a password  " + user);
      assertThat(Shell.run(engine, "audit", "list", "--practice", "nowhere").status()).isOne();
      assertWhole();
    }
  }

  private Callable<Integer> command(String[] options, String... words) {
    return () ->
        Shell.run(
                engine, Stream.concat(Stream.of(words), Stream.of(options)).toArray(String[]::new))
            .status();
  }

  private static String[] none() {
    return new String[0];
  }

  @Test
  void whatIsNotDoneIsNotNoted() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      people(office);
      Manager manager = new Manager(office);
      Program program = new Program(office);
      List<String> before = audit(office.id());

      // The very last thing in the transaction, after the audit's row was written.
      fails("link_changes", "true", true);
      assertThat(manager.says("M2", "same", seen(office, "M2"))).isGreaterThanOrEqualTo(500);
      fails("members", "true", true);
      assertThat(program.does("PATCH", "/members/M1", "{\"fields\":{\"city\":\"Erie\"}}").call())
          .isGreaterThanOrEqualTo(500);
      theStoreWorksAgain();
      // What was seen is not so any more.
      assertThat(manager.says("M2", "same", "so it was")).isEqualTo(200);

      List<String> since = audit(office.id()).subList(before.size(), audit(office.id()).size());
      assertThat(office.memberOf(1)).isEqualTo("M1");
      assertThat(office.memberOf(2)).isEmpty();
      assertThat(since)
          .isNotEmpty()
          .noneMatch(
              e -> e.startsWith("linked") || e.startsWith("told") || e.startsWith("changed"));
      assertWhole();
    }
  }

  @Test
  void programsThatSearchChangeAndLinkAtOnceDoNotWaitForOneAnotherInACircle() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      people(office);
      Program program = new Program(office);
      long otto = office.count("select id from patients where practice_id = ? and source_id = '2'");
      int number = 100;
      List<CompletableFuture<Integer>> answers = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        Callable<Integer> deed =
            switch (i % 4) {
              case 0 ->
                  program.does(
                      "POST",
                      "/members",
                      """
                      {"number":"N%d","given":"Petra","family":"Newcomer","birth_date":"1971-05-06",
                       "phone_mobile":"6145550133"}"""
                          .formatted(number++));
              case 1 ->
                  program.does(
                      "POST",
                      "/members/M2/verdicts",
                      "{\"patient\":%d,\"verdict\":\"not-same\",\"reason\":\"no\"}"
                          .formatted(otto));
              case 2 -> program.does("POST", "/plans", "{\"name\":\"Plan %d\"}".formatted(i));
              default -> program.does("POST", "/members/search", "{\"query\":\"Newcomer\"}");
            };
        answers.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return deed.call();
                  } catch (Exception e) {
                    throw new IllegalStateException(e);
                  }
                }));
      }
      List<Integer> statuses = new ArrayList<>();
      for (CompletableFuture<Integer> answer : answers) {
        statuses.add(answer.get(1, TimeUnit.MINUTES));
      }

      // 409: another one was quicker.
      assertThat(statuses).containsOnly(200, 201, 409);
      assertWhole();
    }
  }

  @Test
  void aSearchIsNotedAlsoWhenWhatItFoundIsWhyNothingIsMade() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      people(office);
      Program program = new Program(office);

      int answer =
          program
              .does(
                  "POST",
                  "/members",
                  JSON.createObjectNode()
                      .put("given", otto.given())
                      .put("family", otto.family())
                      .put("birth_date", otto.birthDate())
                      .put("phone_mobile", otto.mobile())
                      .toString())
              .call();

      assertThat(answer).isEqualTo(409);
      assertThat(audit(office.id()))
          .contains("searched patients: 1 like a new member: open-dental/2");
    }
  }

  @Test
  void theAuditSaysWhoSawAPatientByWhateverPageOrSearchThatWas() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("7", Someone.named("Sevena", "Numbersen"));
      people(office);
      Manager manager = new Manager(office);
      manager.sends("/patients", "q", otto.family());
      manager.looks("/patient?source=open-dental&id=2");
      manager.looks("/members");
      manager.looks("/members/7");
      Program program = new Program(office);
      program.send("GET", "/patients", "", "");
      program.send("POST", "/patients/search", "{\"query\":\"" + ines.family() + "\"}", "");

      // Otto's chart: found, seen, listed, and not by the search for Ines.
      assertThat(found(office, Audit.Sought.ALL.about("open-dental/2")))
          .satisfiesExactly(
              entry -> assertThat(entry).startsWith(program.name + " listed patients 2 found: "),
              entry -> assertThat(entry).isEqualTo(manager.login + " saw patient open-dental/2"),
              entry ->
                  assertThat(entry)
                      .isEqualTo(manager.login + " searched patients 1 found: open-dental/2"));
      assertThat(found(office, Audit.Sought.ALL.about("open-dental/1")))
          .hasSize(2)
          .allMatch(entry -> entry.startsWith(program.name));
      // A member's number is not taken for a count of something, nor for the number of a letter.
      Audit audit = engine.bean(Audit.class);
      audit.note(office.name, "maria", "dead-letter-note", "letters 5, 7: a note");
      audit.note(office.name, "maria", "searched members", "all, 7 found");
      audit.note(office.name, "maria", "started plan", "M1: plan 7");
      assertThat(found(office, Audit.Sought.ALL.about("7")))
          .containsExactly(
              manager.login + " saw member 7",
              manager.login + " listed members all, 3 found: 7, M1, M2");
      // As pages show a chart, and names in any case.
      assertThat(found(office, Audit.Sought.ALL.about("Open-Dental 2")))
          .isEqualTo(found(office, Audit.Sought.ALL.about("open-dental/2")));
      audit.note(office.name, "Frida's Till", "saw member", "7");
      assertThat(found(office, new Audit.Sought("frida's TILL", "Saw Member", null, null, null)))
          .containsExactly("Frida's Till saw member 7");
      assertThat(found(office, Audit.Sought.ALL.about("open-dental/22"))).isEmpty();
      assertThat(found(office, Audit.Sought.ALL.about("' or [x"))).isEmpty();

      // With a time, and who.
      java.time.Instant now = java.time.Instant.now();
      assertThat(
              found(
                  office,
                  new Audit.Sought(
                      manager.login,
                      "saw member",
                      "7",
                      now.minusSeconds(3600),
                      now.plusSeconds(9))))
          .containsExactly(manager.login + " saw member 7");
      assertThat(found(office, new Audit.Sought(null, null, "7", null, now.minusSeconds(3600))))
          .isEmpty();
      assertThat(found(office, new Audit.Sought(null, null, null, now.plusSeconds(9), null)))
          .isEmpty();

      Shell listed =
          Shell.run(
              engine,
              "audit",
              "list",
              "--practice",
              office.name,
              "--about",
              "7",
              "--by",
              manager.login,
              "--since",
              "2026-01-01");
      assertThat(listed.output()).contains("saw member  7").doesNotContain("plan 7");
      Shell typed =
          Shell.run(engine, "audit", "list", "--practice", office.name, "--about", otto.family());
      assertThat(typed.output()).isBlank();
      assertThat(audit(office.id()))
          .anyMatch(
              e -> e.matches("read audit: 2 entries by " + manager.login + ", about 7, since .*"))
          .contains("read audit: no entries, by a filter that nothing fits")
          .noneMatch(e -> e.contains(otto.family()));
      assertWhole();
    }
  }

  private List<String> found(Office office, Audit.Sought sought) {
    return engine.bean(Audit.class).entries(office.name, null, sought, 50).stream()
        .map(entry -> entry.actor() + " " + entry.action() + " " + entry.detail())
        .toList();
  }

  @Test
  void whateverIsRareIsFoundWithoutWalkingTheChain() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Map<String, String> ways = new TreeMap<>();
      ways.put("lower(actor) = 'nobody' order by id desc limit 100", "audit_by_actor");
      ways.put("action = 'merged members' order by id desc limit 100", "audit_by_action");
      ways.put("at >= now() - interval '1 hour' order by at, id limit 1", "audit_by_time");
      ways.put(
          "audit_words(practice_id, detail) @> audit_words("
              + office.id()
              + ", 'open-dental/4711') and detail ~ 'open-dental/4711'",
          "audit_by_subject");
      Map<String, String> plans = new TreeMap<>();
      // Not kept: these rows are in no chain.
      engine
          .store()
          .execute(
              (ConnectionCallback<Void>)
                  connection -> {
                    connection.setAutoCommit(false);
                    try (Statement statement = connection.createStatement()) {
                      statement.execute(
                          """
                          insert into audit (practice_id, actor, action, at, detail, chain)
                          select %d, 'anna', 'saw patient', now() - a * interval '1 minute',
                                 'open-dental/' || a, ''
                          from generate_series(1, 20000) a"""
                              .formatted(office.id()));
                      statement.execute("analyze audit");
                      for (String which : ways.keySet()) {
                        StringBuilder plan = new StringBuilder();
                        try (ResultSet lines =
                            statement.executeQuery(
                                "explain select id, at, actor, action, detail from audit"
                                    + " where practice_id = "
                                    + office.id()
                                    + " and "
                                    + which)) {
                          while (lines.next()) {
                            plan.append(lines.getString(1)).append('\n');
                          }
                        }
                        plans.put(which, plan.toString());
                      }
                    } finally {
                      connection.rollback();
                      connection.setAutoCommit(true);
                    }
                    return null;
                  });
      ways.forEach((which, index) -> assertThat(plans.get(which)).as(which).contains(index));
    }
  }

  /** A chain as it is; the tests after this one share the engine. */
  private final class Copy implements AutoCloseable {
    private final int practice;
    private final List<Map<String, Object>> rows;
    private final List<Map<String, Object>> end;

    Copy(int practice) {
      this.practice = practice;
      rows =
          engine
              .store()
              .queryForList("select * from audit where practice_id = ? order by id", practice);
      end = engine.store().queryForList("select * from audit_ends where practice_id = ?", practice);
    }

    /** As somebody does who has the database and not the key. */
    void deleteAll() {
      engine.store().update("delete from audit where practice_id = ?", practice);
      engine.store().update("delete from audit_ends where practice_id = ?", practice);
    }

    void putBack() {
      deleteAll();
      for (Map<String, Object> row : rows) {
        engine
            .store()
            .update(
                """
                insert into audit (id, practice_id, actor, action, at, detail, chain)
                overriding system value values (?, ?, ?, ?, ?, ?, ?)""",
                row.get("id"),
                practice,
                row.get("actor"),
                row.get("action"),
                row.get("at"),
                row.get("detail"),
                row.get("chain"));
      }
      for (Map<String, Object> row : end) {
        engine
            .store()
            .update(
                "insert into audit_ends (practice_id, entries, chain, seal) values (?, ?, ?, ?)",
                practice,
                row.get("entries"),
                row.get("chain"),
                row.get("seal"));
      }
    }

    @Override
    public void close() {
      putBack();
    }
  }

  @Test
  void aChainThatIsGoneAsAWholeShows(@TempDir Path folder) throws Exception {
    try (Office office = Office.at(engine, pms)) {
      people(office);
      Manager manager = new Manager(office);
      Callable<Integer> looks = () -> manager.looks("/members/M1");
      assertThat(looks.call()).isEqualTo(200);
      int id = office.id();
      String chain = "practice " + id + ": ";
      Shell whole = Shell.run(engine, "audit", "verify");
      assertThat(whole.output()).contains("nothing is missing or altered");
      assertThat(audit(0)).contains("began a chain: " + id);
      Path kept = Files.writeString(folder.resolve("ends.txt"), whole.output());
      assertThat(verified(kept)).isEqualTo("0");
      try (Copy own = new Copy(id);
          Copy none = new Copy(0)) {
        // All of a practice's entries, with the end.
        own.deleteAll();
        assertThat(verified(null))
            .isEqualTo("1 " + chain + "the end of the chain is missing or was altered");
        // It begins anew, as if nothing had been.
        assertThat(looks.call()).isEqualTo(200);
        assertThat(verified(null))
            .isEqualTo(
                "1 "
                    + chain
                    + "the chain of no practice says that this one began 2 times, and it must have"
                    + " once");
        assertThat(verified(kept)).contains(chain + "it does not pass the end that was kept");
        own.putBack();
        none.putBack();
        assertThat(verified(kept)).isEqualTo("0");

        // That, and the chain in which it was noted.
        own.deleteAll();
        none.deleteAll();
        assertThat(verified(null))
            .startsWith("1 no practice: the end of the chain is missing or was altered");
        assertThat(verified(kept))
            .contains(chain + "it does not pass the end that was kept")
            .contains("no practice: it does not pass the end that was kept");
        own.putBack();
        none.putBack();

        // A chain put back to what it was, end and all, fits by itself.
        assertThat(looks.call()).isEqualTo(200);
        Files.writeString(kept, Shell.run(engine, "audit", "verify").output());
        own.putBack();
        assertThat(verified(null)).isEqualTo("0");
        assertThat(verified(kept)).startsWith("1 " + chain + "it does not pass the end");
      }
      assertThat(verified(null)).isEqualTo("0");
      Files.writeString(kept, "nothing of the kind");
      assertThat(Shell.run(engine, "audit", "verify", "--against", kept.toString()).status())
          .isOne();
    }
  }

  /** Exit code, and what is broken. */
  private String verified(@Nullable Path against) {
    Shell shell =
        against == null
            ? Shell.run(engine, "audit", "verify")
            : Shell.run(engine, "audit", "verify", "--against", against.toString());
    StringBuilder said = new StringBuilder().append(shell.status());
    String chain = "";
    for (String line : shell.output().lines().toList()) {
      if (line.startsWith("  BROKEN: ")) {
        said.append(' ').append(chain).append(": ").append(line.substring("  BROKEN: ".length()));
      } else {
        chain = line.replaceFirst(":.*", "");
      }
    }
    return said.toString();
  }
}
