package org.pmslink.pipeline;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.OpenIdProvider;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Signing in, with a password and through a provider, and all that must not let anybody in. */
@ExtendWith(Pipeline.class)
class SignInTest {
  private static final String PASSWORD = "a sentence to remember";
  private static final AtomicInteger STAFF = new AtomicInteger(1);
  private static final Pattern TOKEN = Pattern.compile("name=\"_csrf\"[^>]*value=\"([^\"]+)\"");
  private static final Pattern LEADS_ON = Pattern.compile("content=\"0;url=([^\"]+)\"");
  private static final HttpClient HTTP =
      HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).build();

  private final Engine engine;
  private final OpenDentalServer pms;
  private final OpenIdProvider provider;

  SignInTest(Engine engine, OpenDentalServer pms, OpenIdProvider provider) {
    this.engine = engine;
    this.pms = pms;
    this.provider = provider;
  }

  @AfterEach
  void theProviderIsHonestAgain() {
    provider.does(claims -> {});
  }

  /** A browser's part: cookies of both sites, by hand, since the engine's are for HTTPS. */
  private final class Person {
    private final Map<String, Map<String, String>> cookies = new TreeMap<>();
    private String token = "";

    HttpResponse<String> get(String address) throws Exception {
      return send("GET", address, "");
    }

    HttpResponse<String> post(String address, String... values) throws Exception {
      StringBuilder form = new StringBuilder("_csrf=" + URLEncoder.encode(token, UTF_8));
      for (int i = 0; i < values.length; i += 2) {
        form.append('&').append(values[i]).append('=');
        form.append(URLEncoder.encode(values[i + 1], UTF_8));
      }
      return send("POST", address, form.toString());
    }

    private HttpResponse<String> send(String method, String address, String form) throws Exception {
      URI url = URI.create(address.startsWith("/") ? engine.url() + address : address);
      Map<String, String> own = cookies.computeIfAbsent(url.getHost(), host -> new TreeMap<>());
      HttpRequest.Builder request = HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(30));
      if (!own.isEmpty()) {
        StringBuilder line = new StringBuilder();
        own.forEach((name, value) -> line.append(name).append('=').append(value).append("; "));
        request.header("Cookie", line.toString());
      }
      request.header("Accept", "text/html");
      if (method.equals("POST")) {
        request.header("Content-Type", "application/x-www-form-urlencoded");
      }
      HttpResponse<String> answer =
          HTTP.send(
              request.method(method, HttpRequest.BodyPublishers.ofString(form)).build(),
              HttpResponse.BodyHandlers.ofString());
      for (String set : answer.headers().allValues("Set-Cookie")) {
        String pair = set.substring(0, set.indexOf(';'));
        own.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
      }
      Matcher found = TOKEN.matcher(answer.body());
      if (found.find()) {
        token = found.group(1);
      }
      return answer;
    }

    String session() {
      return cookies.getOrDefault("127.0.0.1", Map.of()).getOrDefault("pmslink", "");
    }

    void session(String id) {
      cookies.computeIfAbsent("127.0.0.1", host -> new TreeMap<>()).put("pmslink", id);
    }

    /**
     * Goes to the provider, signs in there unless they have, and stops where the provider sends
     * them back.
     */
    String wentToProvider(String login) throws Exception {
      String there = location(get("/sign-in/with/provider"));
      assertThat(there)
          .startsWith(provider.issuer())
          .contains("code_challenge_method=S256", "&state=", "&nonce=");
      String back = location(get(there));
      if (back.startsWith(provider.issuer())) {
        get(back);
        String again = location(post(back, "username", login, "password", OpenIdProvider.PASSWORD));
        back = location(get(again));
      }
      assertThat(back).startsWith(engine.url() + "/sign-in/from/provider?code=");
      return back;
    }

    /** The whole way; where it ends. */
    String signsInThroughProvider(String login) throws Exception {
      return arrives(wentToProvider(login));
    }

    /** The request that the provider made, and the one that is ours. */
    String arrives(String back) throws Exception {
      HttpResponse<String> between = get(back);
      assertThat(between.statusCode()).isEqualTo(200);
      Matcher on = LEADS_ON.matcher(between.body());
      assertThat(on.find()).as(between.body()).isTrue();
      return location(get(on.group(1).replace("&amp;", "&")));
    }
  }

  private static String location(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(302);
    return answer.headers().firstValue("Location").orElseThrow();
  }

  private String someone(String... groups) {
    String login = "person" + STAFF.getAndIncrement();
    provider.person(login, groups);
    return login;
  }

  private List<String> signIns(String actor) {
    return engine
        .store()
        .queryForList(
            "select action || ' ' || detail from audit where practice_id = 0 and actor = ? order by id",
            String.class,
            actor);
  }

  private String lastRefusal() {
    return Objects.requireNonNull(
        engine
            .store()
            .queryForObject(
                """
            select actor || ': ' || detail from audit
            where practice_id = 0 and action = 'sign-in refused' order by id desc limit 1""",
                String.class));
  }

  // ---- Through the provider ----

  @Test
  void somebodySignsInAndOutThroughTheProvider() throws Exception {
    assumeTrue(
        StaffBrowser.installed().isPresent(), "no Chromium is installed; .ci/run installs it");
    try (Office office = Office.at(engine, pms).open();
        StaffBrowser browser = StaffBrowser.at(engine)) {
      String login = someone("desk of " + office.name);
      Page page = browser.inspectingWindow(400);
      page.navigate("/console/" + office.name + "/members");
      assertThat(page.locator("h1")).hasText("Sign in");
      assertThat(StaffBrowser.barriers(page)).isEmpty();
      assertThat(StaffBrowser.runsOver(page)).isFalse();
      StaffBrowser.picture(page, "sign-in-400");

      through(page, login);

      // Where they wanted to go, on another site's way, with a cookie for this site alone.
      assertThat(page).hasURL(engine.url() + "/console/" + office.name + "/members?continue");
      assertThat(page.locator("header")).containsText(login);
      assertThat(page.locator("a[href='/password']")).hasCount(0);
      assertThat(page.context().cookies())
          .filteredOn(cookie -> cookie.name.equals("pmslink"))
          .singleElement()
          .matches(cookie -> cookie.secure && cookie.httpOnly && cookie.expires == -1)
          .matches(cookie -> cookie.sameSite.name().equals("STRICT"));
      assertThat(signIns(login))
          .containsExactly(
              "signed in through the provider, subject subject-of-" + login + ", from 127.0.0.1");

      button(page, "Sign out").click();
      assertThat(page.getByRole(AriaRole.STATUS)).hasText("You are signed out.");
      page.navigate("/console");
      button(page, "Sign in with Example Dental").click();
      // The provider's session is over, too.
      assertThat(page.locator("input[name=username]")).isVisible();
      browser.hasNoComplaints();
    }
  }

  private static void through(Page page, String login) {
    button(page, "Sign in with Example Dental").click();
    page.locator("input[name=username]").fill(login);
    page.locator("input[name=password]").fill(OpenIdProvider.PASSWORD);
    page.locator("button[type=submit]").click();
  }

  private static com.microsoft.playwright.Locator button(Page page, String name) {
    return page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name));
  }

  @Test
  void whatTheProviderSaysAndWhatWasGrantedHereCountTogether() throws Exception {
    try (Office office = Office.at(engine, pms).open();
        Office other = Office.at(engine, pms).open()) {
      String login = someone("desk of " + office.name, "desk of *", "desk of ", "something else");
      Person person = new Person();

      assertThat(person.signsInThroughProvider(login)).endsWith("/console");

      String base = "/console/" + office.name;
      assertThat(person.get(base + "/members").statusCode()).isEqualTo(200);
      assertThat(person.get(base + "/audit").statusCode()).isEqualTo(403);
      assertThat(person.get("/console/" + other.name).statusCode()).isEqualTo(404);
      assertThat(person.get("/password").statusCode()).isEqualTo(404);
      engine.bean(Users.class).grant(login, office.name, Role.AUDITOR);
      assertThat(person.get(base + "/audit").statusCode()).isEqualTo(200);
      engine.bean(Users.class).revoke(login, office.name, Role.AUDITOR);
      assertThat(person.get(base + "/audit").statusCode()).isEqualTo(403);

      // What the provider took away is gone with the next sign-in.
      provider.person(login);
      assertThat(new Person().signsInThroughProvider(login)).endsWith("/sign-in?provider=no-role");

      engine.bean(Users.class).disable(login);
      assertThat(location(person.get(base + "/members"))).endsWith("/sign-in");
      assertThat(new Person().signsInThroughProvider(login)).endsWith("/sign-in?provider=disabled");
      engine.bean(Users.class).enable(login);
      provider.person(login, "desk of " + office.name);
      assertThat(new Person().signsInThroughProvider(login)).endsWith("/console");
    }
  }

  @Test
  void whoHasNoRoleComesInOnceTheyWereAdded() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = someone("guests");
      Person person = new Person();

      assertThat(person.signsInThroughProvider(login)).endsWith("/sign-in?provider=no-role");

      assertThat(person.get("/sign-in?provider=no-role").body()).contains("you have no role here");
      assertThat(lastRefusal())
          .isEqualTo(
              "unknown: through the provider: no role, subject subject-of-"
                  + login
                  + ", from 127.0.0.1");
      assertThat(engine.bean(Users.class).find(login)).as("nothing is kept of them").isEmpty();

      String here = login + "-here";
      Shell added =
          Shell.run(
              engine,
              "user",
              "add",
              here,
              "--subject",
              "subject-of-" + login,
              "--pmslink.access.oidc.issuer=" + provider.issuer(),
              "--pmslink.access.oidc.client-id=" + OpenIdProvider.CLIENT);
      assertThat(added.output()).contains("added " + here + ", through the provider");
      Users users = engine.bean(Users.class);
      assertThatThrownBy(() -> users.addThroughProvider("x" + here, "subject-of-" + login))
          .hasMessageContaining("with this subject already");
      assertThatThrownBy(() -> users.reset(here)).hasMessageContaining("has no password here");
      users.grant(here, office.name, Role.FRONT_DESK);
      assertThat(person.signsInThroughProvider(login)).endsWith("/console");
      assertThat(person.get("/console/" + office.name).body()).contains(here);
      // There is no password that fits somebody without one.
      Person guess = new Person();
      guess.get("/sign-in");
      assertThat(location(guess.post("/sign-in", "login", here, "password", "")))
          .endsWith("/sign-in?refused");
      assertThat(Shell.run(engine, "user", "list").output())
          .contains(here + " (through the provider)  " + office.name + ": front-desk");
    }
  }

  @Test
  void nobodyBecomesSomebodyElseByTheirName() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = someone("desk of " + office.name);
      Users users = engine.bean(Users.class);
      users.changePassword(login, users.add(login), PASSWORD);
      users.grant(login, office.name, Role.MANAGER);
      Person person = new Person();

      assertThat(person.signsInThroughProvider(login)).endsWith("/sign-in?provider=name-taken");

      assertThat(person.get("/sign-in?provider=name-taken").body())
          .contains("by no name that you can have here");
      assertThat(lastRefusal()).contains("the name is missing, none or somebody else's");
      assertThat(location(person.get("/console"))).endsWith("/sign-in");
      String strange = "<b>\"x\"";
      provider.person(strange, "desk of " + office.name);
      assertThat(new Person().signsInThroughProvider(strange))
          .endsWith("/sign-in?provider=name-taken");
    }
  }

  @Test
  void onlyWhoBeganASignInEndsIt() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = someone("desk of " + office.name);
      Person victim = new Person();
      Person other = new Person();
      String back = other.wentToProvider(login);

      assertThat(victim.arrives(back)).endsWith("/sign-in?provider=refused");
      assertThat(lastRefusal()).contains("authorization_request_not_found");
      assertThat(victim.get("/sign-in?provider=refused").body()).contains("did not let you in");
      assertThat(other.arrives(back.replaceAll("state=[^&]+", "state=another")))
          .endsWith("/sign-in?provider=refused");
      assertThat(other.arrives(back)).as("whoever began it").endsWith("/console");
      assertThat(other.arrives(back)).as("a code is good once").endsWith("?provider=refused");
      Person third = new Person();
      String code = third.wentToProvider(login).replaceAll("code=[^&]+", "code=another");
      assertThat(third.arrives(code)).endsWith("/sign-in?provider=refused");
      assertThat(lastRefusal()).contains("invalid_grant");
      String error = third.wentToProvider(login).replaceAll("code=[^&]+", "error=%3Cb%3Eaccess");
      assertThat(third.arrives(error)).endsWith("/sign-in?provider=refused");
      assertThat(lastRefusal()).contains("another error").doesNotContain("<b>");
      assertThat(location(third.get("/console"))).endsWith("/sign-in");
    }
  }

  @Test
  void whatTheProviderSignsMustBeMeantForThisSignIn() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = someone("desk of " + office.name);

      provider.does(claims -> claims.claim("nonce", "another"));
      assertThat(new Person().signsInThroughProvider(login)).endsWith("?provider=refused");
      assertThat(lastRefusal()).contains("invalid_nonce");
      provider.does(claims -> claims.audience(List.of("another")));
      assertThat(new Person().signsInThroughProvider(login)).endsWith("?provider=refused");
      assertThat(lastRefusal()).contains("invalid_id_token");
      provider.does(claims -> claims.issuer("https://elsewhere.example"));
      assertThat(new Person().signsInThroughProvider(login)).endsWith("?provider=refused");
      provider.does(
          claims ->
              claims
                  .issuedAt(Instant.now().minus(Duration.ofHours(2)))
                  .expiresAt(Instant.now().minus(Duration.ofHours(1))));
      assertThat(new Person().signsInThroughProvider(login)).endsWith("?provider=refused");
      assertThat(signIns(login)).isEmpty();
    }
  }

  @Test
  void whileTheProviderIsAwayThereAreStillPasswords() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = someone("desk of " + office.name);
      Person person = new Person();
      String back = person.wentToProvider(login);
      provider.stop();
      try {
        assertThat(person.arrives(back)).endsWith("/sign-in?provider=away");
      } finally {
        provider.start(engine.url());
      }
      assertThat(lastRefusal()).contains("the provider is away");
      HttpResponse<String> page = person.get("/sign-in?provider=away");
      assertThat(page.body())
          .contains("Example Dental cannot be reached")
          .contains("name=\"password\"");
      assertThat(new Person().signsInThroughProvider(login)).endsWith("/console");
    }
  }

  // ---- With a password ----

  private String local(Office office, Role role) {
    String login = "local" + STAFF.getAndIncrement();
    Users users = engine.bean(Users.class);
    users.changePassword(login, users.add(login), PASSWORD);
    users.grant(login, office.name, role);
    return login;
  }

  @Test
  void aSessionThatWasHandedToSomebodyIsNotTheirsOnceTheySignIn() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Person attacker = new Person();
      attacker.get("/sign-in");
      Person victim = new Person();
      victim.session(attacker.session());
      victim.get("/sign-in");

      String login = local(office, Role.FRONT_DESK);
      assertThat(location(victim.post("/sign-in", "login", login, "password", PASSWORD)))
          .endsWith("/console");

      assertThat(victim.session()).isNotEqualTo(attacker.session());
      assertThat(victim.get("/console/" + office.name).statusCode()).isEqualTo(200);
      assertThat(location(attacker.get("/console/" + office.name))).endsWith("/sign-in");

      Person lured = new Person();
      lured.get("/sign-in");
      String planted = lured.session();
      assertThat(lured.signsInThroughProvider(someone("desk of " + office.name)))
          .endsWith("/console");
      assertThat(lured.session()).isNotEqualTo(planted);
      lured.session(planted);
      assertThat(location(lured.get("/console/" + office.name))).endsWith("/sign-in");
    }
  }

  @Test
  void signingInAndOutNeedAFormOfOurs() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = local(office, Role.FRONT_DESK);
      Person person = new Person();
      person.get("/sign-in");
      String good = person.token;
      person.token = "made up";
      assertThat(person.post("/sign-in", "login", login, "password", PASSWORD).statusCode())
          .isEqualTo(403);
      person.token = good;
      person.post("/sign-in", "login", login, "password", PASSWORD);
      person.get("/console/" + office.name);
      good = person.token;
      person.token = "made up";
      assertThat(person.post("/sign-out").statusCode()).isEqualTo(403);
      assertThat(person.post("/password", "present", PASSWORD).statusCode()).isEqualTo(403);
      person.get("/sign-out");
      assertThat(person.get("/console/" + office.name).statusCode()).isEqualTo(200);

      String old = person.session();
      assertThat(location(person.post("/sign-out"))).endsWith("/sign-in?signed-out");
      person.session(old);
      assertThat(location(person.get("/console/" + office.name))).endsWith("/sign-in");
      assertThat(good).isNotEmpty();
    }
  }

  @Test
  void theFirstUserIsMadeAndTheirPasswordShownOnce() {
    Users users = engine.bean(Users.class);
    // Tests share the engine: what is done here is undone.
    new TransactionTemplate(engine.bean(DataSourceTransactionManager.class))
        .executeWithoutResult(
            undone -> {
              undone.setRollbackOnly();
              engine.store().update("delete from user_roles");
              engine.store().update("delete from users");

              Users.First first = users.first().orElseThrow();

              assertThat(first.password()).hasSizeGreaterThanOrEqualTo(20);
              assertThat(users.find(first.login()).orElseThrow().mustChangePassword()).isTrue();
              assertThat(users.list().get(0).roles()).containsOnly(Map.entry("*", Role.OF_PEOPLE));
              assertThat(users.first()).as("a second start").isEmpty();
            });
  }
}
