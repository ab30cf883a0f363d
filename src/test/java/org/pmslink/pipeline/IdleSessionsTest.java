package org.pmslink.pipeline;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.pmslink.pipeline.Visitor.location;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.practice.Practices;
import org.pmslink.sample.OpenIdProvider;

/** A screen that nobody sits before: when its session ends, and what its pages do then. */
class IdleSessionsTest {
  private static final String PASSWORD = "a sentence to remember";
  private static final String PRACTICE = "smiles";
  private static final String PAGE = "/console/" + PRACTICE + "/onboarding";
  private static final Duration IDLE = Duration.ofSeconds(8);

  @Test
  void endsThoughAPageAsksAgainByItself(@TempDir Path folder) throws Exception {
    try (Engine engine =
        new Engine(folder.resolve("engine"), "--pmslink.access.idle=" + IDLE).withWeb().start()) {
      int practice = engine.bean(Practices.class).id(PRACTICE);
      Users users = engine.bean(Users.class);
      users.changePassword("berta", users.add("berta"), PASSWORD);
      users.grant("berta", PRACTICE, Role.FRONT_DESK);
      Visitor person = new Visitor(engine, new OpenIdProvider(OpenIdProvider.freePort()));
      // Whatever is slow the first time was so before it counts.
      signIn(person);
      assertThat(person.get(PAGE).statusCode()).isEqualTo(200);
      signIn(person);
      assertThat(person.getAsScript(PAGE).statusCode()).isEqualTo(200);
      Awaitility.await()
          .during(IDLE.dividedBy(2))
          .atMost(IDLE.multipliedBy(2))
          .until(() -> person.getAsScript(PAGE).statusCode() == 200);

      // Somebody who does something stays.
      Instant left = Instant.now();
      person.get("/console/" + PRACTICE + "/members/new");
      String form = person.token;
      HttpResponse<String> last =
          Awaitility.await()
              .atMost(Duration.ofSeconds(40))
              .until(() -> person.getAsScript(PAGE), answer -> answer.statusCode() != 200);
      assertThat(Duration.between(left, Instant.now())).isGreaterThanOrEqualTo(IDLE);
      assertThat(last.statusCode()).isEqualTo(401);
      assertThat(last.body()).as("what would be shown within the page").isEmpty();

      // What was typed meanwhile is not taken, and they are told why.
      person.token = form;
      HttpResponse<String> sent =
          person.post("/console/" + PRACTICE + "/members/new", "given", "A");
      assertThat(sent.statusCode()).isEqualTo(401);
      assertThat(sent.body()).contains("Your session has ended", "href=\"/console\">Sign in");
      Visitor late = new Visitor(engine, new OpenIdProvider(OpenIdProvider.freePort()));
      late.token = form;
      assertThat(location(late.post("/sign-in", "login", "berta", "password", PASSWORD)))
          .as("from a page whose session is over")
          .endsWith("/sign-in?again");
      assertThat(late.get("/sign-in?again").body()).contains("open for too long");
      assertThat(location(person.get(PAGE))).endsWith("/sign-in");
      assertThat(signIn(person)).endsWith(PAGE + "?continue");
      person.token = form;
      sent = person.post("/console/" + PRACTICE + "/members/new", "given", "A");
      assertThat(sent.statusCode()).isEqualTo(403);
      assertThat(sent.body()).contains("The page was out of date").doesNotContain("Your role");

      assumeTrue(
          StaffBrowser.installed().isPresent(), "no Chromium is installed; .ci/run installs it");
      engine
          .store()
          .update(
              "insert into feeds (practice_id, feed, source) values (?, 'smiles', 'x')", practice);
      engine
          .store()
          .update(
              "insert into feed_runs (practice_id, feed, source, kind)"
                  + " values (?, 'smiles', 'x', 'FIRST_LOAD')",
              practice);
      try (StaffBrowser browser = StaffBrowser.at(engine)) {
        Page page = browser.window(1280);
        StaffBrowser.signIn(page, "berta", PASSWORD);
        page.navigate(PAGE);
        assertThat(page.locator("article")).containsText("first load: reading");
        assertThat(page.locator("h1"))
            .hasText("Sign in", new LocatorAssertions.HasTextOptions().setTimeout(40_000));
        page.getByLabel("Name").fill("berta");
        page.getByLabel("Password").fill(PASSWORD);
        page.locator("main button").click();
        assertThat(page.locator("h1")).hasText("Onboarding");
      }
    }
  }

  private static String signIn(Visitor person) throws Exception {
    person.get("/sign-in");
    return location(person.post("/sign-in", "login", "berta", "password", PASSWORD));
  }
}
