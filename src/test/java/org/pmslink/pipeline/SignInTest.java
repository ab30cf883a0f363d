package org.pmslink.pipeline;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.pmslink.pipeline.Visitor.location;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
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

  private final class Person extends Visitor {
    Person() {
      super(engine, provider);
    }
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
