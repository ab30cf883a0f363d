package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Role;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/**
 * Who may do what in the console: every address that there is, walked through HTTP by every role in
 * its own practice and in another one, and by nobody. An address that is added is walked too.
 */
@ExtendWith(Pipeline.class)
class RightsTest {
  private static final String CONSOLE = "/console/{practice}";
  private static final String API = "/api/v1/practices/{practice}";
  private static final AtomicInteger CLIENTS = new AtomicInteger();
  private static final AtomicInteger TOKENS = new AtomicInteger(1);

  private final Engine engine;
  private final OpenDentalServer pms;

  RightsTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  /** An address with its method, and what it needs. */
  private record Action(String method, String path, Needs needs) {}

  private List<Action> actions(String below) {
    List<Action> actions = new ArrayList<>();
    engine
        .bean(RequestMappingHandlerMapping.class)
        .getHandlerMethods()
        .forEach(
            (info, method) -> {
              for (String path : info.getPatternValues()) {
                if (path.startsWith(below)) {
                  for (RequestMethod verb : info.getMethodsCondition().getMethods()) {
                    Needs needs = method.getMethodAnnotation(Needs.class);
                    assertThat(needs).as(verb + " " + path + " says what it needs").isNotNull();
                    actions.add(
                        new Action(
                            verb.name(),
                            path.replaceAll(":[^}]*\\}", "}"),
                            Objects.requireNonNull(needs)));
                  }
                }
              }
            });
    actions.sort(Comparator.comparing(Action::path).thenComparing(Action::method));
    return actions;
  }

  private Visitor signedIn(String practice, Role role) throws Exception {
    return Visitor.signedIn(engine, practice, role);
  }

  /** Asks for what there is in both practices: a chart 1, and a member R1. */
  private static HttpResponse<String> ask(Visitor session, Action action, String practice)
      throws Exception {
    String path =
        action
            .path()
            .replace("{practice}", practice)
            .replace("{number}", "R1")
            .replace("{feed}", practice)
            .replace("{id}", "1")
            .replace("**", "nothing");
    return session.ask(
        action.method(),
        path + "?source=open-dental&id=1",
        "q",
        "nobody",
        "reason",
        "",
        "source",
        "open-dental",
        "id",
        "1",
        "version",
        "0");
  }

  @Test
  void everyRoleMayDoInItsPracticeWhatTheTableSaysAndNothingElsewhere() throws Exception {
    try (Office own = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      for (Office office : List.of(own, other)) {
        Someone rosa = Someone.named("Rosa", "Everywhere");
        office.chart(rosa);
        office.member("R1", rosa);
        office.open();
      }
      List<Action> actions = actions(CONSOLE);
      assertThat(actions).hasSizeGreaterThan(20);
      List<String> wrong = new ArrayList<>();
      Map<Action, StringBuilder> table = new java.util.LinkedHashMap<>();
      actions.forEach(action -> table.put(action, new StringBuilder()));
      String nowhere = "no-practice-of-that-name";
      for (Role role : Role.OF_PEOPLE) {
        Visitor session = signedIn(own.name, role);
        for (Action action : actions) {
          boolean may = role.rights().contains(action.needs().value());
          HttpResponse<String> here = ask(session, action, own.name);
          String what = role + " " + action.method() + " " + action.path() + ": ";
          if ((here.statusCode() == 403) == may || here.statusCode() >= 500) {
            wrong.add(what + here.statusCode());
          }
          Objects.requireNonNull(table.get(action)).append(may ? " yes |" : " |");
          HttpResponse<String> elsewhere = ask(session, action, other.name);
          HttpResponse<String> nothing = ask(session, action, nowhere);
          if (elsewhere.statusCode() != 404 || nothing.statusCode() != 404) {
            wrong.add(
                what + "elsewhere " + elsewhere.statusCode() + ", nowhere " + nothing.statusCode());
          }
          if (!neutral(elsewhere, other.name).equals(neutral(nothing, nowhere))) {
            wrong.add(what + "the page tells whether a practice is there");
          }
        }
      }
      Visitor nobody = new Visitor(engine);
      nobody.get("/sign-in");
      for (Action action : actions) {
        HttpResponse<String> answer = ask(nobody, action, own.name);
        if (!(answer.statusCode() == 302
            && answer.headers().firstValue("Location").orElse("").endsWith("/sign-in"))) {
          wrong.add("nobody " + action.method() + " " + action.path() + ": " + answer.statusCode());
        }
      }
      assertThat(wrong).isEmpty();
      assertThat(Files.readString(Path.of("docs", "security.md")))
          .as("the table of docs/security.md")
          .contains(asTable(table, CONSOLE, Role.OF_PEOPLE));
      assertThat(engine.bean(Audit.class).verify()).allMatch(proof -> proof.broken().isEmpty());
    }
  }

  @Test
  void everyTokenMayDoInItsPracticeWhatTheTableSaysAndNothingElsewhere() throws Exception {
    try (Office own = Office.at(engine, pms);
        Office other = Office.at(engine, pms)) {
      for (Office office : List.of(own, other)) {
        Someone rosa = Someone.named("Rosa", "Everywhere");
        office.chart(rosa);
        office.member("R1", rosa);
        office.open();
      }
      List<Action> actions = actions(API);
      assertThat(actions).hasSizeGreaterThan(40);
      List<String> wrong = new ArrayList<>();
      Map<Action, StringBuilder> table = new java.util.LinkedHashMap<>();
      actions.forEach(action -> table.put(action, new StringBuilder()));
      Map<String, String> nowhere = new TreeMap<>();
      List<Role> roles = List.of(Role.values());
      for (Role role : roles) {
        String token =
            engine
                .bean(AccessTokens.class)
                .create(own.name, "r-" + role.label() + TOKENS.getAndIncrement(), role);
        for (Action action : actions) {
          boolean may = role.rights().contains(action.needs().value());
          String what = role + " " + action.method() + " " + action.path() + ": ";
          String here = call(action, own.name, token);
          if (status(here) == 403 == may || status(here) >= 500) {
            wrong.add(what + here);
          }
          Objects.requireNonNull(table.get(action)).append(may ? " yes |" : " |");
          String elsewhere = call(action, other.name, token);
          String nothing =
              nowhere.computeIfAbsent(
                  action.method() + " " + action.path(), a -> nowhere(action, token));
          if (status(elsewhere) != 404 || !elsewhere.equals(nothing)) {
            wrong.add(what + "elsewhere " + elsewhere + ", nowhere " + nothing);
          }
        }
      }
      for (Action action : actions) {
        String answer = call(action, own.name, "no-token");
        if (status(answer) != 401) {
          wrong.add("nobody " + action.method() + " " + action.path() + ": " + answer);
        }
      }
      assertThat(wrong).isEmpty();
      assertThat(Files.readString(Path.of("docs", "security.md")))
          .as("the table of docs/security.md")
          .contains(asTable(table, API, roles));
      assertThat(engine.bean(Audit.class).verify()).allMatch(proof -> proof.broken().isEmpty());
    }
  }

  private String nowhere(Action action, String token) {
    try {
      return call(action, "no-practice-of-that-name", token);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static int status(String answer) {
    return Integer.parseInt(answer.substring(9, 12));
  }

  /** Calls from an address of its own: whoever is refused too often is not listened to. */
  private String call(Action action, String practice, String token) throws IOException {
    String path =
        action
            .path()
            .replace("{practice}", practice)
            .replace("{number}", "R1")
            .replaceAll("\\{[a-z]+}", "1");
    URI url = URI.create(engine.url());
    int client = CLIENTS.getAndIncrement();
    byte[] from = {127, 1, (byte) (client / 250), (byte) (client % 250 + 1)};
    try (Socket socket =
        new Socket(
            InetAddress.getByName(url.getHost()),
            url.getPort(),
            InetAddress.getByAddress(from),
            0)) {
      boolean bare = action.method().equals("GET") || action.method().equals("DELETE");
      socket
          .getOutputStream()
          .write(
              (action.method()
                      + " "
                      + path
                      + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                      + token
                      + (bare
                          ? "\r\n\r\n"
                          : "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"))
                  .getBytes(UTF_8));
      return new String(socket.getInputStream().readAllBytes(), UTF_8)
          .replaceAll("(?m)^Date: .*$", "");
    }
  }

  /** The page without what differs from request to request. */
  private static String neutral(HttpResponse<String> answer, String practice) {
    return Visitor.TOKEN.matcher(answer.body()).replaceAll("").replace(practice, "");
  }

  private static String asTable(
      Map<Action, StringBuilder> table, String below, Collection<Role> roles) throws IOException {
    StringBuilder text = new StringBuilder("| |");
    for (Role role : roles) {
      text.append(' ').append(role.label()).append(" |");
    }
    text.append("\n|---|").append("---|".repeat(roles.size())).append('\n');
    table.forEach(
        (action, cells) ->
            text.append("| `")
                .append(action.method())
                .append(' ')
                .append(
                    action.path().substring(below.length()).isEmpty()
                        ? "/"
                        : action.path().substring(below.length()))
                .append("` |")
                .append(cells)
                .append('\n'));
    Files.writeString(Path.of("target", "rights" + roles.size() + ".md"), text);
    return text.toString();
  }

  @Test
  void badInputIsAnsweredWithWhatItIsAndChangesNothing() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone rosa = Someone.named("Rosa", "Badinput");
      office.chart(rosa);
      office.member("R1", rosa);
      office.open();
      Visitor manager = signedIn(office.name, Role.MANAGER);
      Visitor support = signedIn(office.name, Role.SUPPORT);
      String base = "/console/" + office.name;
      Map<String, Integer> expected = new java.util.LinkedHashMap<>();
      Map<String, Integer> seen = new java.util.LinkedHashMap<>();
      for (String[] request :
          new String[][] {
            {"GET", "/reviews/abc", "400"},
            {"GET", "/reviews/99999999999999999999", "400"},
            {"GET", "/reviews/99999", "404"},
            {"GET", "/patient?source=open-dental", "400"},
            {"GET", "/patient?source=open-dental&id=%00", "400"},
            {"GET", "/members?show=everybody", "400"},
            {"GET", "/members/nobody", "404"},
            {"GET", "/members/R1/compare?source=open-dental&id=12345", "404"},
            {"POST", "/patients", "200", "q", "\0'\"\\&|!:*()"},
            {"POST", "/patients", "200", "q", "x".repeat(100_000)},
            {"POST", "/patients", "200", "q", "null ".repeat(2_000)},
            {"POST", "/members/R1/fields", "400", "version", "first"},
            {"POST", "/members/R1/fields", "200", "version", "0", "CITY", "Elsewhere"},
            {"POST", "/members/R1/same", "200", "source", "open-dental", "id", "1", "reason", " "},
            {
              "POST",
              "/members/new",
              "200",
              "given",
              "A",
              "family",
              "B",
              "birthDate",
              "1980-13-45",
              "phoneMobile",
              "1"
            },
            {
              "POST",
              "/members/new",
              "200",
              "given",
              "A",
              "family",
              "B",
              "birthDate",
              "1780-01-01",
              "phoneMobile",
              "1"
            },
            {
              "POST",
              "/members/new",
              "200",
              "given",
              "A".repeat(5_000),
              "family",
              "B",
              "birthDate",
              "1980-01-01",
              "phoneMobile",
              "1"
            },
            {
              "POST",
              "/members/new",
              "200",
              "given",
              "A",
              "family",
              "B",
              "birthDate",
              "1980-01-01",
              "phoneMobile",
              "1",
              "number",
              "../../etc"
            },
            {"DELETE", "/members/R1", "403"},
          }) {
        String[] values = java.util.Arrays.copyOfRange(request, 3, request.length);
        String what = request[0] + " " + request[1] + " " + expected.size();
        expected.put(what, Integer.valueOf(request[2]));
        seen.put(what, manager.ask(request[0], base + request[1], values).statusCode());
      }
      for (String[] request :
          new String[][] {
            {"POST", "/letters", "400", "deed", "explode", "group", "x"},
            {"POST", "/letters", "400", "deed", "replay"},
            {"POST", "/letters", "302", "deed", "dry-run", "group", "{x}"},
            {"POST", "/letters", "400", "deed", "note", "letter", "one"},
            {"GET", "/letters/group?key=nothing", "404"},
            {"GET", "/letters/find?after=made-up", "400"},
            {"POST", "/letters/1/reveal", "404", "reason", "to see"},
            {"POST", "/replays/1", "404", "deed", "pause"},
          }) {
        String[] values = java.util.Arrays.copyOfRange(request, 3, request.length);
        String what = request[0] + " " + request[1] + " " + expected.size();
        expected.put(what, Integer.valueOf(request[2]));
        seen.put(what, support.ask(request[0], base + request[1], values).statusCode());
      }
      assertThat(seen).isEqualTo(expected);
      assertThat(office.count("select count(*) from members where practice_id = ?")).isEqualTo(1);
    }
  }

  @Test
  void aFormOfAnotherSiteIsRefused() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Visitor session = signedIn(office.name, Role.MANAGER);
      session.token = "made up";

      HttpResponse<String> answer =
          session.post(
              "/console/" + office.name + "/members/new",
              "given",
              "Mallory",
              "family",
              "Elsewhere",
              "birthDate",
              "1980-01-01",
              "phoneMobile",
              "6142280000");

      assertThat(answer.statusCode()).isEqualTo(403);
      assertThat(office.count("select count(*) from members where practice_id = ?")).isZero();
    }
  }

  @Test
  void guessingOnesPresentPasswordIsAsSlowAsGuessingAtTheSignIn() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Visitor session = signedIn(office.name, Role.MANAGER);
      String login = session.login;
      String hash = hashOf(login);
      for (int i = 0; i < 5; i++) {
        assertThat(changed(session, "a guess, number " + i).body())
            .contains("this is not your present password");
      }

      assertThat(changed(session, Visitor.PASSWORD).body())
          .contains("too many attempts; wait a minute");

      assertThat(hashOf(login)).isEqualTo(hash);
      assertThat(new Visitor(engine).signIn(login)).endsWith("/sign-in?refused");
      assertThat(ofNoPractice(login))
          .containsOnlyOnce("password refused too many attempts, from 127.0.0.1")
          .contains("password refused from 127.0.0.1")
          .doesNotContain("changed password from 127.0.0.1");

      Visitor neighbour = signedIn(office.name, Role.MANAGER);
      for (int i = 0; i < 6; i++) {
        // The present one is right: no guess.
        assertThat(
                neighbour
                    .post(
                        "/password",
                        "present",
                        Visitor.PASSWORD,
                        "fresh",
                        "short",
                        "again",
                        "short")
                    .body())
            .contains("needs at least 15 characters");
      }
      assertThat(changed(neighbour, Visitor.PASSWORD).headers().firstValue("Location").orElse(""))
          .endsWith("/sign-in?changed");
      assertThat(ofNoPractice(neighbour.login)).contains("changed password from 127.0.0.1");
    }
  }

  private static HttpResponse<String> changed(Visitor session, String present) throws Exception {
    String fresh = "another sentence, which is new";
    return session.post("/password", "present", present, "fresh", fresh, "again", fresh);
  }

  private String hashOf(String login) {
    return Objects.requireNonNull(
        engine
            .store()
            .queryForObject(
                "select password_hash from users where login = ?", String.class, login));
  }

  private List<String> ofNoPractice(String actor) {
    return engine
        .store()
        .queryForList(
            "select action || ' ' || detail from audit where practice_id = 0 and actor = ? order by id",
            String.class,
            actor);
  }

  @Test
  void pagesTellTheBrowserToTrustNothingElse() throws Exception {
    HttpResponse<String> answer = new Visitor(engine).get("/sign-in");

    assertThat(answer.headers().firstValue("Content-Security-Policy").orElse(""))
        .contains("default-src 'none'")
        .contains("script-src 'self'")
        .doesNotContain("unsafe");
    assertThat(answer.headers().firstValue("Cache-Control").orElse("")).contains("no-store");
    assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
    assertThat(answer.headers().firstValue("Referrer-Policy")).contains("no-referrer");
    assertThat(answer.headers().firstValue("Set-Cookie").orElse(""))
        .contains("HttpOnly")
        .contains("Secure")
        .contains("SameSite=Strict");
  }

  @Test
  void theAuditShowsWhatWasDoneAndWhenItWasTamperedWith() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone rosa = Someone.named("Rosalind", "Sentinelsson");
      office.chart(rosa);
      office.member("R1", rosa);
      office.open();
      Visitor session = signedIn(office.name, Role.MANAGER);
      session.get("/console/" + office.name + "/members/R1");
      session.post("/console/" + office.name + "/patients", "q", "Sentinelsson");
      List<String> entries =
          engine
              .store()
              .queryForList(
                  "select action || ' ' || detail from audit where practice_id = ? order by id",
                  String.class,
                  office.count("select ?::integer"));
      assertThat(entries)
          .contains(
              "saw member R1, linked to: open-dental/1",
              "searched patients 1 found: open-dental/1");
      assertThat(entries.toString()).doesNotContainIgnoringCase("sentinel");
      Shell whole = Shell.run(engine, "audit", "verify");
      assertThat(whole.output()).contains("nothing is missing or altered");
      assertThat(whole.status()).isZero();

      // Somebody with the database and without the key: alters one, removes one, cuts the end off.
      String entry =
          "where practice_id = " + office.count("select ?::integer") + " and action = 'saw member'";
      String before =
          engine.store().queryForObject("select detail from audit " + entry, String.class);
      engine.store().update("update audit set detail = 'R2' " + entry);
      assertThat(Shell.run(engine, "audit", "verify").output()).contains("was altered");
      engine.store().update("update audit set detail = ? " + entry, before);
      assertThat(Shell.run(engine, "audit", "verify").status()).isZero();
      Map<String, Object> last =
          engine
              .store()
              .queryForMap(
                  "select * from audit where practice_id = ? order by id desc limit 1",
                  office.count("select ?::integer"));
      engine.store().update("delete from audit where id = ?", last.get("id"));
      Shell cut = Shell.run(engine, "audit", "verify");
      assertThat(cut.output()).contains("BROKEN: there are").contains("the audit is not whole");
      assertThat(cut.status()).isOne();
      // Put right for the tests after this one, which share the engine.
      engine
          .store()
          .update(
              """
              insert into audit (id, practice_id, actor, action, at, detail, chain)
              overriding system value values (?, ?, ?, ?, ?, ?, ?)""",
              last.get("id"),
              last.get("practice_id"),
              last.get("actor"),
              last.get("action"),
              last.get("at"),
              last.get("detail"),
              last.get("chain"));
      assertThat(Shell.run(engine, "audit", "verify").output()).doesNotContain("BROKEN");
    }
  }
}
