package org.pmslink.pipeline;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.Audit;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.Selection;
import org.pmslink.feed.FeedTasks;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Members;
import org.pmslink.membership.Plans;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What the office does in the console, in a real browser against the running engine. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
@EnabledIf(value = "hasBrowser", disabledReason = "no Chromium is installed; .ci/run installs it")
class ConsoleTest {
  private static final String PASSWORD = "a sentence to remember";
  private static final int WIDE = 1280;
  private static final int TELEPHONE = 400;
  private static final int HEIGHT = 900;
  private static final AtomicInteger STAFF = new AtomicInteger(1);
  private static StaffBrowser browser;

  private final Engine engine;
  private final OpenDentalServer pms;

  ConsoleTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  static boolean hasBrowser() {
    return StaffBrowser.installed().isPresent();
  }

  @BeforeAll
  static void openBrowser(Engine engine) {
    browser = StaffBrowser.at(engine);
  }

  @AfterAll
  static void closeBrowser() {
    browser.close();
  }

  @AfterEach
  void pagesDoNotComplain() {
    browser.hasNoComplaints();
  }

  /** Somebody with a role in a practice, signed in. */
  private Page staff(Office office, Role role) {
    return staff(office, role, 1280);
  }

  private Page staff(Office office, Role role, int width) {
    Page page = browser.window(width);
    StaffBrowser.signIn(page, login(office, role), PASSWORD);
    assertThat(page).hasTitle(office.name + " · PMS Link");
    return page;
  }

  private String login(Office office, Role role) {
    String login = role.label() + STAFF.getAndIncrement();
    Users users = engine.bean(Users.class);
    users.changePassword(login, users.add(login), PASSWORD);
    users.grant(login, office.name, role);
    return login;
  }

  // ---- Signing in ----

  @Test
  void aFirstPasswordIsChangedBeforeAnythingElse() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = "newcomer" + STAFF.getAndIncrement();
      Users users = engine.bean(Users.class);
      String first = users.add(login);
      users.grant(login, office.name, Role.FRONT_DESK);
      Page page = browser.window(1280);

      StaffBrowser.signIn(page, login, first);
      assertThat(page.locator("h1")).hasText("Change your password");
      page.navigate("/console/" + office.name + "/patients");
      assertThat(page.locator("h1")).hasText("Change your password");
      changePassword(page, first, "short and bad 1");
      assertThat(page.getByRole(AriaRole.ALERT)).not().isVisible();
      page = signedInAgain(login, "short and bad 1");
      assertThat(page).hasTitle(office.name + " · PMS Link");
    }
  }

  private static void changePassword(Page page, String present, String fresh) {
    page.getByLabel("Present password").fill(present);
    page.getByLabel("New password", new Page.GetByLabelOptions().setExact(true)).fill(fresh);
    page.getByLabel("New password again").fill(fresh);
    page.locator("main button").click();
  }

  private static Page signedInAgain(String login, String password) {
    Page page = browser.window(1280);
    StaffBrowser.signIn(page, login, password);
    return page;
  }

  @Test
  void wrongPasswordsAreRefusedAndSoonNotListenedTo() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = login(office, Role.FRONT_DESK);
      Page page = browser.window(1280);
      for (int i = 0; i < 5; i++) {
        StaffBrowser.signIn(page, login, "not the password of anybody");
        assertThat(page.getByRole(AriaRole.ALERT)).containsText("do not fit");
      }

      StaffBrowser.signIn(page, login, PASSWORD);

      assertThat(page.getByRole(AriaRole.ALERT)).containsText("too many attempts");
    }
  }

  @Test
  void whoSignsOutOrLosesTheRoleSeesNothingMore() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = login(office, Role.FRONT_DESK);
      Page page = browser.window(1280);
      StaffBrowser.signIn(page, login, PASSWORD);
      engine.bean(Users.class).revoke(login, office.name, Role.FRONT_DESK);
      page.navigate("/console/" + office.name + "/members");
      assertThat(page.locator("h1")).hasText("There is nothing here");
      page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Sign out")).click();
      assertThat(page.getByRole(AriaRole.STATUS)).hasText("You are signed out.");
      page.navigate("/console/" + office.name);
      assertThat(page.locator("h1")).hasText("Sign in");
    }
  }

  // ---- Adding a membership ----

  @Test
  void findsAPatientByWhatIsTypedAndMakesThemALinkedMember() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.chart(Someone.named("Howard", "Brandt"));
      office.open();
      Page page = staff(office, Role.FRONT_DESK);
      page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Add membership")).click();
      for (String typed :
          List.of(
              "cald",
              "ines caldw",
              "Cladwell",
              "Calwell",
              ines.birthDate(),
              ines.mobile().substring(6),
              "(614) " + ines.mobile().substring(3, 6) + "-" + ines.mobile().substring(6),
              String.valueOf(chart) + " ines")) {
        search(page, typed);
        assertThat(page.locator("#found tbody tr")).hasCount(1);
        assertThat(page.locator("#found")).containsText("Ines Caldwell");
        assertThat(page.url()).as("what was typed").doesNotContainIgnoringCase("cald");
      }
      search(page, "nobody at all");
      assertThat(page.locator("#found")).containsText("Nobody is found");
      search(page, "caldwell");
      page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Ines Caldwell")).click();
      assertThat(page.getByLabel("First name")).hasValue("Ines");
      assertThat(page.getByLabel("Birth date")).hasValue(ines.birthDate());
      page.getByLabel("E-mail").fill("");
      page.getByLabel("Mobile phone").fill("");
      button(page, "Add the member, linked to this chart").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("Still needed: telephone or e-mail");
      page.getByLabel("Mobile phone").fill(ines.mobile());

      button(page, "Add the member, linked to this chart").click();

      // The chart's page has the name for its heading, too.
      assertThat(page).hasTitle(Pattern.compile("Member M\\d+ · PMS Link"));
      assertThat(page.locator("h1")).containsText("Ines Caldwell");
      String number = office.memberOf(chart);
      assertThat(page).hasTitle("Member " + number + " · PMS Link");
      assertThat(office.historyOf(chart)).containsExactly("MADE chosen when the member was added");
      assertThat(page.locator("main")).containsText("Linked by front-desk");
      page.navigate("/console/" + office.name + "/patient?source=open-dental&id=" + chart);
      assertThat(page.getByText("member " + number)).isVisible();
      assertThat(button(page, "Add the member, linked to this chart")).hasCount(0);
    }
  }

  @Test
  void whatTheClerkCorrectsOfTheChartIsKeptAndTheRestStaysWhatItIs() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines.withMobile(""));
      office.edit(
          "update patient set HmPhone = '6142287006', Preferred = 'Nessa', Gender = 1"
              + " where PatNum = ?",
          chart);
      office.member("N1", Someone.named("Inez", "Caldwell").withMobile("6142287006"));
      office.open();
      Page page = staff(office, Role.FRONT_DESK);
      page.navigate("/console/" + office.name + "/patient?source=open-dental&id=" + chart);
      assertThat(page.getByLabel("Home phone")).hasValue("(614) 228-7006");
      assertThat(page.getByLabel("Mobile phone")).hasValue("");
      page.getByLabel("E-mail").fill("ines@new.example");
      button(page, "Add the member, linked to this chart").click();
      // The browser itself asks for what was not ticked, and so does the engine.
      assertThat(page.getByRole(AriaRole.STATUS)).hasCount(0);
      page.locator("form[action*='/patient?']").evaluate("form => form.noValidate = true");
      button(page, "Add the member, linked to this chart").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("nobody was added");
      assertThat(page.getByLabel("E-mail")).hasValue("ines@new.example");
      assertThat(page.getByText("There is a member like that already")).isVisible();
      page.getByLabel("None of the members like that is this person").check();
      page.getByLabel("First name").fill("Zelda");
      page.getByLabel("Last name").fill("Quist");
      page.getByLabel("Birth date").fill("1944-05-06");
      button(page, "Add the member, linked to this chart").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("not enough like the chart");
      page.getByLabel("First name").fill(ines.given());
      page.getByLabel("Last name").fill(ines.family());
      page.getByLabel("Birth date").fill(ines.birthDate());
      page.getByLabel("None of the members like that is this person").check();

      button(page, "Add the member, linked to this chart").click();

      assertThat(page.getByRole(AriaRole.STATUS))
          .containsText("Differs from the PMS; kept and locked: E-mail.");
      assertThat(page.getByLabel("E-mail", exactly())).hasValue("ines@new.example");
      assertThat(page.locator("input[name=lock-EMAIL]")).isChecked();
      assertThat(page.getByLabel("Home phone")).hasValue("(614) 228-7006");
      assertThat(page.getByLabel("Mobile phone")).hasValue("");
      assertThat(page.getByLabel("Preferred name")).hasValue("Nessa");
      assertThat(page.getByLabel("Sex")).hasValue("female");
      assertThat(page.locator("#from-EMAIL"))
          .containsText(Pattern.compile("^from front-desk.*, just now$"));
      assertThat(page.locator("#from-PHONE_HOME"))
          .containsText("from the PMS, open-dental/" + chart + ", taken over by front-desk");
      assertThat(history(page, "kept whatever the PMS says: none → E-mail"))
          .containsText("differs from the PMS; kept as typed");

      // Somebody else's lock is not lost with a page that does not show it.
      Page other = staff(office, Role.FRONT_DESK);
      other.navigate(page.url());
      page.locator("input[name=lock-PHONE_HOME]").check();
      button(page, "Save").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Saved.");
      other.getByLabel("City", exactly()).fill("Dayton");
      button(other, "Save").click();
      assertThat(other.getByRole(AriaRole.ALERT)).containsText("still in the form below");
      assertThat(other.locator("input[name=lock-PHONE_HOME]")).isChecked();
      assertThat(other.getByLabel("Birth date")).hasAttribute("type", "date");
      other.getByLabel("Birth date").fill("1880-04-12");
      button(other, "Save").click();
      assertThat(other.getByRole(AriaRole.ALERT)).containsText("Nobody is born on that day");
    }
  }

  private static Page.GetByLabelOptions exactly() {
    return new Page.GetByLabelOptions().setExact(true);
  }

  @Test
  void whomThePmsDoesNotHaveIsLinkedByItselfWhenTheyAppear() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone twin = Someone.named("Odette", "Marlow");
      office.chart(twin);
      office.open();
      Someone later = Someone.named("Petra", "Lindqvist");
      Page page = staff(office, Role.FRONT_DESK);
      page.navigate("/console/" + office.name + "/members/new");
      fill(page, later);
      button(page, "Add the member").click();
      assertThat(page.locator("main")).containsText("Not linked.");
      String number = page.title().replaceAll("Member (\\S+) .*", "$1");

      long chart = office.chart(later);
      office.sync();
      Awaitility.await().atMost(Office.LONGEST).until(() -> office.memberOf(chart), number::equals);
      page.reload();
      assertThat(page.locator("main")).containsText("Linked by matching rules");

      // Whoever the PMS has already is shown before a second one is made.
      page.navigate("/console/" + office.name + "/members/new");
      fill(page, twin);
      button(page, "Add the member").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("The PMS has somebody like that");
      assertThat(page.locator("tbody")).containsText("Odette Marlow");
    }
  }

  private static void fill(Page page, Someone who) {
    page.getByLabel("First name").fill(who.given());
    page.getByLabel("Last name").fill(who.family());
    page.getByLabel("Birth date").fill(who.birthDate());
    page.getByLabel("Mobile phone").fill(who.mobile());
    page.getByLabel("E-mail").fill(who.email());
  }

  @Test
  void whoWasRegisteredAMomentAgoIsFoundInThePmsItselfAndTakenInAtOnce(CapturedOutput output)
      throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Ruth", "Zabriskie"));
      office.open();
      Someone fresh = Someone.named("Noor", "Zabriskie");
      long chart = office.chart(fresh);
      Page page = staff(office, Role.FRONT_DESK);
      page.navigate("/console/" + office.name + "/patients");
      search(page, "zabriskie");
      assertThat(page.locator("#found tbody tr")).hasCount(1);

      page.locator("#q").fill("zabriskie " + fresh.birthDate());
      button(page, "Ask the PMS itself").click();

      assertThat(page.getByRole(AriaRole.STATUS)).containsText("found in the PMS, not read yet");
      assertThat(page.url()).doesNotContainIgnoringCase("zabr");
      assertThat(button(page, "Take in Noor Zabriskie")).hasCount(1);
      button(page, "Take in Noor Zabriskie").click();
      assertThat(page.getByLabel("First name")).hasValue("Noor");
      assertThat(page).hasURL(Pattern.compile(".*/patient\\?source=open-dental&id=" + chart));
      assertThat(office.charts()).isEqualTo(2);
      assertThat(
              office.count(
                  "select count(*) from audit where practice_id = ? and action = 'asked to take in"
                      + " patient'"))
          .isEqualTo(1);

      // Whom the store has as they are is not shown twice.
      page.navigate("/console/" + office.name + "/patients");
      page.locator("#q").fill("zabriskie");
      button(page, "Ask the PMS itself").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("nobody else");
      page.locator("#q").fill("614");
      page.locator("#q").fill("(614)");
      button(page, "Ask the PMS itself").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("Type a last name");
      assertThat(output.getAll().toLowerCase(Locale.ROOT)).doesNotContain("zabriskie");
    }
  }

  @Test
  void theOfficeSeesHowFarTheFirstLoadIsAndTakesWhatIsLeftAsAFile() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Pemberley");
      office.chart(ada.withEmail(""));
      office.member("A1", ada.withMobile("").withEmail(""));
      office.member("U1", Someone.named("=1+2", "Nowhere"));
      Page page = staff(office, Role.MANAGER);
      page.navigate("/console/" + office.name + "/onboarding");
      assertThat(page.locator("main")).containsText("No feed reads this practice");

      office.open();

      page.reload();
      assertThat(page.locator("article")).containsText("first load: done");
      assertThat(page.locator("ol")).containsText("Decide about the charts in review");
      Download file = page.waitForDownload(() -> button(page, "What is left, as a file").click());
      assertThat(file.suggestedFilename()).isEqualTo(office.name + "-left.csv");
      List<String> lines = Files.readAllLines(file.path());
      assertThat(lines).hasSize(3);
      assertThat(lines.get(1)).startsWith("chart to review,\"alike, but not certain\"");
      assertThat(lines.get(1)).contains("Pemberley", ",A1,");
      assertThat(lines.get(2)).startsWith("member not linked,").contains("U1,'=1+2 Nowhere");
    }
  }

  @Test
  void theOfficeWatchesALoadAndSeesThatItWasPaused() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Ada", "Pemberley"));
      office.open();
      // A load of another PMS, which no route reads, so that it stands where it is put.
      engine
          .store()
          .update(
              "insert into feeds (practice_id, feed, source, state)"
                  + " values (?, 'slow', 'slow', 'RUNNING')",
              office.id());
      engine
          .store()
          .update(
              "insert into feed_runs (practice_id, feed, source, kind, records)"
                  + " values (?, 'slow', 'slow', 'FIRST_LOAD', 40)",
              office.id());
      try {
        Page page = staff(office, Role.FRONT_DESK);
        page.navigate("/console/" + office.name + "/onboarding");
        Locator load =
            page.locator("article").filter(new Locator.FilterOptions().setHasText("slow"));
        assertThat(load).containsText("first load: reading");
        assertThat(load.locator("progress")).hasCount(1);
        assertThat(load).containsText("Read40; how many there are in all is not known");
        assertThat(page.locator("ol")).containsText("it goes on by itself");
        assertThat(page.locator("#progress")).hasAttribute("hx-trigger", "every 2s");

        load(office, "update feed_runs set records = 1200 where practice_id = ? and feed = 'slow'");
        // Of its own accord.
        assertThat(load).containsText("Read1,200");
        load(
            office, "update feed_runs set expected = 2000 where practice_id = ? and feed = 'slow'");
        assertThat(load).containsText("Read1,200, of about 2,000 patients");
        assertThat(load.locator("progress")).hasAttribute("max", "2000");
        load(office, "update feed_runs set records = 2300 where practice_id = ? and feed = 'slow'");
        assertThat(load)
            .containsText("Read2,300: all 2,000 patients, and now what belongs to them");
        load(
            office,
            "update feeds set on_hold_since = now(), on_hold_by = 'ivo',"
                + " on_hold_why = 'the server is moved' where practice_id = ? and feed = 'slow'");
        assertThat(load).containsText("paused by ivo: the server is moved");
        assertThat(page.locator("ol")).containsText("The load does not go on for now");
        assertThat(page.locator("#progress")).hasAttribute("hx-trigger", "every 20s");
        load(office, "update feed_runs set phase = 'DONE' where practice_id = ? and feed = 'slow'");
        page.reload();
        assertThat(load).containsText("first load: done");
        assertThat(page.locator("#progress[hx-trigger]")).hasCount(0);
      } finally {
        load(office, "delete from feed_runs where practice_id = ? and feed = 'slow'");
        load(office, "delete from feeds where practice_id = ? and feed = 'slow'");
      }
    }
  }

  private void load(Office office, String sql) {
    engine.store().update(sql, office.id());
  }

  // ---- Reviews ----

  @Test
  void reviewsOfOneReasonAreGoneThroughByThemselves() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      for (String name : List.of("Ada", "Bea", "Cleo")) {
        Someone one = Someone.named(name, "Rother" + name.toLowerCase(Locale.ROOT));
        office.chart(one.withEmail(""));
        office.member(name.substring(0, 1) + "1", one.withMobile("").withEmail(""));
      }
      office.open();
      engine
          .store()
          .update(
              "update reviews set reason = 'DUPLICATE_CHARTS' where practice_id = ? and id ="
                  + " (select id from reviews where practice_id = ? and closed_at is null"
                  + " order by id offset 1 limit 1)",
              office.id(),
              office.id());
      Page page = staff(office, Role.FRONT_DESK);
      link(page, "Reviews").click();
      assertThat(page.locator("tbody tr")).hasCount(3);
      page.getByRole(AriaRole.NAVIGATION, named("Reasons"))
          .getByText("alike, but not certain (2)")
          .click();
      assertThat(page.locator("tbody tr")).hasCount(2);
      press(page, "n");
      assertThat(page.locator("main")).containsText("alike, but not certain");
      page.getByLabel("Why").fill("Twins");
      button(page, "Two people").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");
      assertThat(page.locator("main")).containsText("alike, but not certain");
      press(page, "n");
      assertThat(page).hasURL(Pattern.compile(".*/reviews\\?reason=NOT_CERTAIN"));
      assertThat(page.locator("tbody tr")).hasCount(1);
    }
  }

  @Test
  void keysAreSwitchedOffAndStayOff() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Page page = staff(office, Role.FRONT_DESK);
      page.navigate("/console/" + office.name + "/members");
      press(page, "/");
      assertThat(page.locator("#q")).isFocused();

      button(page, "Keys on").click();

      press(page, "/");
      assertThat(page.locator("#q")).not().isFocused();
      page.reload();
      assertThat(button(page, "Keys off")).hasAttribute("aria-pressed", "false");
      page.navigate("/console/" + office.name + "/reviews");
      assertThat(page.locator("kbd:visible")).hasCount(0);
      page.navigate("/console/" + office.name + "/members");
      press(page, "/");
      assertThat(page.locator("#q")).not().isFocused();
      button(page, "Keys off").click();
      press(page, "/");
      assertThat(page.locator("#q")).isFocused();
    }
  }

  @Test
  void aReviewIsDecidedTheNextComesByItselfAndTheFirstIsTakenBack() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Pemberton");
      Someone bea = Someone.named("Bea", "Rutherford");
      long one = office.chart(ada.withEmail(""));
      long other = office.chart(bea.withEmail(""));
      office.member("A1", ada.withMobile("").withEmail(""));
      office.member("B1", bea.withMobile("").withEmail(""));
      office.open();
      assertThat(List.of(office.reviewOf(one), office.reviewOf(other)))
          .containsExactly("NOT_CERTAIN", "NOT_CERTAIN");
      Page page = staff(office, Role.FRONT_DESK);
      link(page, "Reviews").click();
      assertThat(page.locator("tbody tr")).hasCount(2);
      press(page, "n");
      assertThat(page.locator("article")).containsText("same");
      assertThat(page.locator("article svg rect").first()).hasAttribute("height", "8");
      page.getByLabel("Why").fill("Asked the patient");
      button(page, "The same person").click();

      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Linked.");
      assertThat(page.locator("h1")).containsText("1 to review");
      // Whichever of the two was decided first stands first in the list.
      String linked =
          Awaitility.await()
              .atMost(Office.LONGEST)
              .until(
                  () -> office.memberOf(one) + office.memberOf(other),
                  List.of("A1", "B1")::contains);
      long first = linked.equals("A1") ? one : other;
      press(page, "u");
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Taken back");
      office.awaitSettled();
      assertThat(office.memberOf(first)).isEmpty();
      assertThat(office.reviewOf(first)).isEqualTo("NOT_CERTAIN");

      page.navigate("/console/" + office.name + "/reviews");
      press(page, "n");
      page.getByLabel("Why").first().fill("Two birth certificates");
      button(page, "Two people").first().click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");
      office.awaitSettled();
      office.compare();
      assertThat(office.memberOf(one) + office.memberOf(other)).isEmpty();
      assertThat(
              office.count(
                  "select count(*) from reviews where practice_id = ? and closed_at is null"))
          .isEqualTo(1);
    }
  }

  @Test
  void worklistsGoOnByThemselvesAndTellOfFamilyAndNamesakes() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long head = office.chart(Someone.named("Flora", "Quimby"));
      office.edit(
          "insert into patient (LName, FName, Birthdate, Guarantor) values ('Quimby', 'Finn',"
              + " '2015-03-04', ?)",
          head);
      office.edit("update patient set Guarantor = ?", head);
      Someone viktor = Someone.named("Viktor", "Nowhere");
      office.member("U1", Someone.named("Ulla", "Nobody"));
      office.member("U2", viktor);
      office.open();
      Page page = staff(office, Role.MANAGER);
      page.navigate("/console/" + office.name + "/patients");
      search(page, "flora quimby");
      assertThat(page.locator("#found tbody tr")).hasCount(1);
      assertThat(page.locator("#found")).containsText("with Finn Quimby");
      assertThat(page.locator("#found")).containsText("as it was");

      page.navigate("/console/" + office.name + "/members?show=unlinked");
      link(page, "Look for the chart of U1").click();
      press(page, "/");
      page.keyboard().type("flora");
      assertThat(page.locator("#found tbody tr")).hasCount(1);
      page.locator("#found tbody a").click();
      press(page, "w");
      page.keyboard().type("Changed her name");
      button(page, "Yes, link").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Linked.");
      assertThat(page.locator("h1")).hasText("Link Viktor Nowhere to the PMS");
      assertThat(office.memberOf(head)).isEqualTo("U1");
      press(page, "n");
      assertThat(page.locator("tbody tr")).hasCount(1);

      engine
          .store()
          .update(
              "update links set flag_reason = 'LINK_DRIFTED', flagged_at = now()"
                  + " where practice_id = ? and ended_at is null",
              office.id());
      page.navigate("/console/" + office.name + "/flagged");
      assertThat(page.getByRole(AriaRole.NAVIGATION, named("Reasons"))).containsText("(1)");
      press(page, "n");
      page.getByLabel("Why").fill("Called her");
      button(page, "Yes, verified").click();
      assertThat(page.locator("main")).containsText("Nothing waits.");

      page.navigate("/console/" + office.name + "/members/new");
      fill(page, viktor);
      button(page, "Add the member").click();
      assertThat(page.getByRole(AriaRole.ALERT))
          .containsText("There is a member like that already");
      assertThat(link(page, "Viktor Nowhere, U2")).isVisible();
      page.getByLabel("None of them is this person").check();
      button(page, "Add the member").click();
      assertThat(page.locator("h1")).containsText("Viktor Nowhere");
      assertThat(page.locator("h1")).not().containsText("U2");
    }
  }

  @Test
  void longWorklistsGoOnOnAnotherPage() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      int many = 52;
      List<Members.NewMember> members = new ArrayList<>();
      for (int i = 0; i < many; i++) {
        Someone who = Someone.named("Pat", "Long" + (char) ('a' + i / 26) + (char) ('a' + i % 26));
        office.chart(who);
        members.add(new Members.NewMember("L" + (100 + i), who.typed("L" + (100 + i))));
      }
      engine.bean(Members.class).add(office.name, members);
      office.open();
      awaitDuplicates(office, 0);
      engine
          .store()
          .update(
              "update links set flagged_at = now(), flag_reason ="
                  + " case when id = (select max(id) from links where practice_id = ?)"
                  + " then 'CHART_GONE' else 'LINK_DRIFTED' end"
                  + " where practice_id = ? and ended_at is null",
              office.id(),
              office.id());
      Page page = staff(office, Role.MANAGER);
      page.navigate("/console/" + office.name + "/flagged");
      assertThat(page.locator("tbody tr")).hasCount(50);
      // Somebody else verifies the last one that is shown.
      List<String> shown = page.locator("tbody td:first-child small").allInnerTexts();
      engine
          .store()
          .update(
              "update links set flagged_at = null, flag_reason = null where practice_id = ?"
                  + " and member_id = (select id from members where practice_id = ?"
                  + " and member_number = ?)",
              office.id(),
              office.id(),
              shown.get(49));
      link(page, "Next page").click();
      assertThat(page.locator("tbody tr")).hasCount(2);
      assertThat(link(page, "Next page")).hasCount(0);
      assertThat(page.locator("tbody td:first-child small").allInnerTexts())
          .doesNotContainAnyElementsOf(shown);
      link(page, "linked, but the records are not alike any more").click();
      assertThat(page.locator("tbody tr")).hasCount(50);
      assertThat(link(page, "Next page")).hasCount(0);

      engine
          .store()
          .update(
              """
              insert into duplicates (practice_id, kind, one, other, grade, score, explanation,
                                      rules_version)
              select p.practice_id, 'CHART', min(p.id) over (), p.id, 'PROBABLE', 7.5,
                     '{"grade": "PROBABLE", "score": 7.5, "prior": 7.5, "evidence": []}', 'test'
              from patients p where p.practice_id = ? order by p.id offset 1""",
              office.id());
      page.navigate("/console/" + office.name + "/duplicates");
      assertThat(page.locator("tbody tr")).hasCount(50);
      link(page, "Next page").click();
      assertThat(page.locator("tbody tr")).hasCount(1);
      assertThat(link(page, "Next page")).hasCount(0);
    }
  }

  @Test
  void duplicatesFollowOneAnotherAndWhatWasSaidIsTakenBack() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone cora = Someone.named("Cora", "Whitlock");
      Someone dora = Someone.named("Dora", "Blackwood");
      Someone emma = Someone.named("Emma", "Greenlaw");
      for (Someone twice : List.of(cora, dora)) {
        office.chart(twice);
        office.chart(twice);
      }
      office.member("E1", emma);
      office.member("E2", emma);
      office.open();
      awaitDuplicates(office, 3);
      Page page = staff(office, Role.MANAGER);
      page.navigate("/console/" + office.name + "/duplicates");
      assertThat(page.locator("tbody tr")).hasCount(3);
      page.getByRole(AriaRole.NAVIGATION, named("Kinds")).getByText("charts (2)").click();
      assertThat(page.locator("tbody tr")).hasCount(2);
      press(page, "n");
      assertThat(page.locator("h1")).hasText("One person with two charts?");
      String first = page.url();
      press(page, "x");
      assertThat(page).hasURL(first);
      press(page, "w");
      page.keyboard().type("Twins");
      page.keyboard().press("Enter");
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");
      assertThat(page.locator("h1")).hasText("One person with two charts?");
      String second = page.url();
      assertThat(second).isNotEqualTo(first).endsWith("?kind=CHART");
      assertThat(openDuplicates(office)).isEqualTo(2);
      press(page, "u");
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Taken back");
      assertThat(page).hasURL(first);
      // The same, later: there is a list of what was told apart.
      press(page, "w");
      page.keyboard().type("Sisters");
      page.keyboard().press("Enter");
      assertThat(page).hasURL(second);
      page.navigate("/console/" + office.name + "/duplicates");
      page.getByText("Told apart").click();
      assertThat(page.locator("tbody tr")).hasCount(1);
      assertThat(page.locator("tbody tr")).containsText("Sisters");
      button(page, "Take back").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Taken back");
      assertThat(openDuplicates(office)).isEqualTo(3);
      page.navigate(first);
      press(page, "n");
      assertThat(page).hasURL(second);
      press(page, "n");
      assertThat(page.locator("tbody tr")).hasCount(2);
      awaitDuplicates(office, 3);
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select action from audit where practice_id = ? and detail like 'finding %'"
                          + " order by id",
                      String.class, office.id()))
          .containsExactly(
              "told duplicates apart", "took back", "told duplicates apart", "took back");

      page.navigate("/console/" + office.name + "/duplicates?kind=MEMBER");
      press(page, "n");
      assertThat(page.locator("h1")).hasText("One person, entered twice?");
      press(page, "o");
      page.keyboard().type("Same card");
      button(page, "Make them one").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("one member now: E1");
      assertThat(page.locator("h1")).containsText("Duplicates");
      press(page, "u");
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("what they were before");
      assertThat(page.locator("h1")).containsText("Emma Greenlaw");
    }
  }

  /** Waits until all charts and members were looked at, and so many findings stand. */
  private void awaitDuplicates(Office office, long open) {
    Duplicates duplicates = engine.bean(Duplicates.class);
    Awaitility.await("duplicates are found")
        .atMost(Office.LONGEST)
        .until(
            () ->
                duplicates.isComplete(office.id(), Duplicates.Kind.CHART)
                    && duplicates.isComplete(office.id(), Duplicates.Kind.MEMBER)
                    && openDuplicates(office) == open);
  }

  private static long openDuplicates(Office office) {
    return office.count(
        "select count(*) from duplicates where practice_id = ? and closed_at is null");
  }

  private static Page.GetByRoleOptions named(String name) {
    return new Page.GetByRoleOptions().setName(name);
  }

  // ---- A form that was open for too long ----

  @Test
  void whatWasTypedIsThereStillWhenTheSessionHasEnded() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      String login = login(office, Role.FRONT_DESK);
      String at = "/console/" + office.name + "/members/new";
      Page page = browser.inspectingWindow(1280);
      StaffBrowser.signIn(page, login, PASSWORD);
      assertThat(page).hasTitle(office.name + " · PMS Link");
      page.navigate(at);
      fill(page, Someone.named("Ida", "Ravensworth"));
      page.context().clearCookies();

      button(page, "Add the member").click();

      assertThat(page.getByRole(AriaRole.ALERT)).containsText("Your session has ended");
      List<String> barriers = new ArrayList<>();
      look(page, "session-ended", barriers);
      assertThat(barriers).isEmpty();
      Page other = page.waitForPopup(() -> link(page, "Sign in").click());
      String colleague = login(office, Role.FRONT_DESK);
      StaffBrowser.signIn(other, colleague, PASSWORD);
      assertThat(other).hasTitle(office.name + " · PMS Link");
      button(page, "Add the member").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText(colleague + " is signed in by now");
      button(other, "Sign out").click();
      StaffBrowser.signIn(other, login, PASSWORD);
      assertThat(other).hasTitle(office.name + " · PMS Link");

      button(page, "Add the member").click();

      assertThat(page.locator("h1")).containsText("Ida Ravensworth");
      assertThat(
              office.count(
                  "select count(*) from member_events where practice_id = ? and action = 'ADDED'"
                      + " and actor = '"
                      + login
                      + "'"))
          .isEqualTo(1);
    }
  }

  // ---- A member's link ----

  @Test
  void aManagerRelinksAndTheFrontDeskMayNot() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone cora = Someone.named("Cora", "Whitfield");
      Someone dina = Someone.named("Dina", "Underhill");
      long right = office.chart(cora);
      long wrong = office.chart(dina);
      office.member("C1", cora);
      office.open();
      assertThat(office.memberOf(right)).isEqualTo("C1");
      String compare =
          "/console/" + office.name + "/members/C1/compare?source=open-dental&id=" + wrong;
      Page desk = staff(office, Role.FRONT_DESK);
      desk.navigate(compare);
      assertThat(desk.locator("main")).containsText("a manager can re-link it");
      assertThat(button(desk, "Yes, re-link")).hasCount(0);

      Page manager = staff(office, Role.MANAGER);
      manager.navigate(compare);
      assertThat(manager.locator("td.differs").first()).isVisible();
      manager.getByLabel("Why").fill("Changed her name at court");
      button(manager, "Yes, re-link").click();

      assertThat(manager.getByRole(AriaRole.STATUS)).containsText("Linked.");
      assertThat(office.memberOf(wrong)).isEqualTo("C1");
      assertThat(office.memberOf(right)).isEmpty();
      assertThat(office.historyOf(right)).last().asString().startsWith("ENDED Changed her name");
      assertThat(manager.locator("main")).containsText("Changed her name at court");
    }
  }

  @Test
  void aLinkIsEndedTwoAreToldApartAndAnotherChartIsFound() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone cora = Someone.named("Cora", "Whitfield");
      Someone dina = Someone.named("Dina", "Underhill");
      long hers = office.chart(cora);
      long other = office.chart(dina);
      office.member("C1", cora);
      office.open();
      assertThat(office.memberOf(hers)).isEqualTo("C1");
      Page page = staff(office, Role.MANAGER);
      page.navigate("/console/" + office.name + "/members");
      search(page, "whitf");
      assertThat(page.locator("#found tbody tr")).hasCount(1);
      assertThat(page.url()).doesNotContain("whitf");
      link(page, "Cora Whitfield").click();
      assertThat(page.locator("article")).containsText("not verified by anybody");
      link(page, "Verify or re-link").or(button(page, "Verify or re-link")).click();
      page.getByLabel("Why").fill("Another Cora");
      button(page, "No, unlink").click();

      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");
      assertThat(office.memberOf(hers)).isEmpty();
      assertThat(office.historyOf(hers)).last().isEqualTo("ENDED Another Cora");
      office.awaitSettled();
      assertThat(office.memberOf(hers)).isEmpty();

      page.navigate(
          "/console/" + office.name + "/members/C1/compare?source=open-dental&id=" + other);
      page.getByLabel("Why").fill("Seen both");
      button(page, "No, two people").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");
      page.navigate(
          "/console/" + office.name + "/members/C1/compare?source=open-dental&id=" + other);
      assertThat(page.locator("main")).containsText("two people, said manager");

      button(page, "Find another chart").or(link(page, "Find another chart")).click();
      assertThat(page.locator("h1")).hasText("Link Cora Whitfield to the PMS");
      search(page, "dina");
      page.locator("#found tbody a").click();
      page.getByLabel("Why").fill("Changed her name");
      button(page, "Yes, link").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Linked.");
      assertThat(office.memberOf(other)).isEqualTo("C1");
      assertThat(page.locator("article").first()).containsText("verified");
    }
  }

  @Test
  void whatSomebodyElseHasSaidSinceIsNotUndone() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone cora = Someone.named("Cora", "Whitfield");
      long chart = office.chart(cora);
      office.member("C1", cora);
      office.open();
      String compare =
          "/console/" + office.name + "/members/C1/compare?source=open-dental&id=" + chart;
      Page one = staff(office, Role.MANAGER);
      one.navigate(compare);
      one.getByLabel("Why").fill("Asked the patient");
      button(one, "Yes, verified").click();
      assertThat(one.getByRole(AriaRole.STATUS)).containsText("Linked.");
      Page other = staff(office, Role.MANAGER);
      other.navigate(compare);
      other.getByLabel("Why").fill("Saw two birth certificates");
      button(other, "No, unlink").click();
      assertThat(other.getByRole(AriaRole.STATUS)).containsText("Kept apart.");

      press(one, "u");

      assertThat(one.getByRole(AriaRole.ALERT)).containsText("Somebody has decided");
      assertThat(office.memberOf(chart)).isEmpty();
      Page desk = staff(office, Role.FRONT_DESK);
      desk.navigate(compare);
      assertThat(desk.locator("main")).containsText("Somebody else has decided about the two");
      assertThat(button(desk, "No, two people")).hasCount(0);
      assertThat(button(desk, "Yes, link")).hasCount(0);
      press(other, "u");
      assertThat(other.getByRole(AriaRole.STATUS)).containsText("Taken back");
      assertThat(office.memberOf(chart)).as("as the first had verified it").isEqualTo("C1");
    }
  }

  @Test
  void aMembersDataAreChangedLockedAndShownWithWhereTheyComeFrom() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone elsa = Someone.named("Elsa", "Thornbury");
      long chart = office.chart(elsa);
      office.member("E1", elsa);
      office.open();
      Page page = staff(office, Role.FRONT_DESK);
      page.navigate("/console/" + office.name + "/members/E1");
      page.getByLabel("City", new Page.GetByLabelOptions().setExact(true)).fill("Dayton");
      page.locator("input[name=lock-CITY]").check();
      page.getByLabel("Reason, if there is one").fill("moves house");
      button(page, "Save").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Saved.");
      assertThat(page.locator("#from-CITY")).containsText("from front-desk");

      office.edit("update patient set City = 'Toledo' where PatNum = ?", chart);
      office.sync();
      page.reload();

      assertThat(page.getByLabel("City", new Page.GetByLabelOptions().setExact(true)))
          .hasValue("Dayton");
      assertThat(page.locator("main")).containsText("COLUMBUS");
      assertThat(history(page, "kept whatever the PMS says: none → City"))
          .containsText("moves house");
      assertThat(history(page, "City: COLUMBUS → Dayton")).containsText("moves house");

      page = staff(office, Role.MANAGER);
      page.navigate("/console/" + office.name + "/members/E1");
      page.getByLabel("Why", new Page.GetByLabelOptions().setExact(true)).fill("moved away");
      button(page, "Remove this member").click();
      assertThat(history(page, "removed; was active before")).containsText("moved away");
    }
  }

  @Test
  void whoWasOvertakenSeesWhatTheyTypedAndWhatTheOtherDid() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone elsa = Someone.named("Elsa", "Thornbury");
      Someone ida = Someone.named("Ida", "Ravensworth");
      long chart = office.chart(ida);
      office.member("E1", elsa);
      office.open();
      String base = "/console/" + office.name;
      Page page = browser.inspectingWindow(1280);
      StaffBrowser.signIn(page, login(office, Role.FRONT_DESK), PASSWORD);
      assertThat(page).hasTitle(office.name + " · PMS Link");
      Page other = staff(office, Role.FRONT_DESK);
      List<String> barriers = new ArrayList<>();
      for (Page both : List.of(page, other)) {
        both.navigate(base + "/members/E1");
      }
      other.getByLabel("City", new Page.GetByLabelOptions().setExact(true)).fill("Dayton");
      other.getByLabel("E-mail", exactly()).fill("new@example.org");
      other.locator("input[name=lock-EMAIL]").check();
      button(other, "Save").click();
      assertThat(other.getByRole(AriaRole.STATUS)).containsText("Saved.");
      page.getByLabel("City", new Page.GetByLabelOptions().setExact(true)).fill("Toledo");

      button(page, "Save").click();

      assertThat(page.getByRole(AriaRole.ALERT)).containsText("still in the form below");
      assertThat(page.locator("#meanwhile-CITY")).hasText("Changed meanwhile to Dayton.");
      assertThat(page.locator("#meanwhile-EMAIL")).containsText("it was " + elsa.email());
      look(page, "member-overtaken", barriers);
      button(page, "Save").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Saved.");
      assertThat(page.getByLabel("City", new Page.GetByLabelOptions().setExact(true)))
          .hasValue("Toledo");
      assertThat(page.getByLabel("E-mail", exactly())).hasValue("new@example.org");

      page.navigate(base + "/patient?source=open-dental&id=" + chart);
      page.getByLabel("Preferred name").fill("Idchen");
      office.edit("update patient set WirelessPhone = '6142287020' where PatNum = ?", chart);
      office.sync();
      button(page, "Add the member, linked to this chart").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("nobody was added");
      assertThat(page.getByText("Your form had: Idchen")).isVisible();
      look(page, "patient-overtaken", barriers);
      // Opened anew, it is the page of the chart.
      page.navigate(page.url());
      assertThat(page.locator("h1")).hasText("Ida Ravensworth");
      assertThat(barriers).isEmpty();
    }
  }

  private static Locator history(Page page, String what) {
    return page.locator("tr").filter(new Locator.FilterOptions().setHasText(what));
  }

  // ---- Dead letters ----

  @Test
  void supportSeesWhatIsWrongMasksTheRestAndReplaysWhenItIsMended() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Engine.rewrite(office.mapping("patient.jslt"), "\"chartNumber\"", "\"chartNumbre\"");
      long chart = office.chart(Someone.named("Sentinella", "Quillfeather"));
      office.open();
      assertThat(office.deadLetters()).isEqualTo(1);
      Page page = staff(office, Role.SUPPORT);
      link(page, "Dead letters").click();
      assertThat(page.locator("tbody tr")).hasCount(1);
      page.locator("tbody a").first().click();
      assertThat(page.locator("main")).not().containsText("Quillfeather");
      page.getByLabel("all open letters of this group (1)").check();
      button(page, "Try without doing it").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("0 of 1 would pass");
      page.locator("tbody a").first().click();
      page.getByLabel("Why the patient's data").fill("To tell the office which chart");
      button(page, "Reveal").click();
      assertThat(page.locator("textarea")).containsText("Quillfeather");

      Engine.rewrite(office.mapping("patient.jslt"), "\"chartNumbre\"", "\"chartNumber\"");
      page.navigate("/console/" + office.name + "/letters");
      page.locator("tbody a").first().click();
      page.locator("form tbody input").check();
      button(page, "Replay").click();
      assertThat(page.locator("#progress")).containsText("1 of 1 decided: 1 passed");
      assertThat(office.recordOf(chart, "person,name,family")).isEqualTo("Quillfeather");
      assertThat(
              office.count(
                  "select count(*) from audit where practice_id = ? and action ="
                      + " 'dead-letter-reveal'"))
          .isEqualTo(1);
    }
  }

  @Test
  void supportTicksLettersAssignsNotesGivesUpAndOpensAgain() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Engine.rewrite(office.mapping("patient.jslt"), "\"chartNumber\"", "\"chartNumbre\"");
      long one = office.chart(Someone.named("Sentinella", "Quillfeather"));
      for (int i = 0; i < 2; i++) {
        office.chart(Someone.named("Tick", "Quillfeather"));
      }
      office.open();
      assertThat(office.deadLetters()).isEqualTo(3);
      Page page = staff(office, Role.SUPPORT);
      assertThat(page.locator(".counts")).containsText("3 open dead letters");
      page.navigate("/console/" + office.name + "/letters");
      page.locator("tbody a").first().click();
      Locator rows = page.locator("form tbody tr");
      assertThat(rows).hasCount(3);

      // Neither ticked nor all: nothing is done.
      button(page, "Discard").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("Tick the letters");
      rows.nth(0).locator("input").check();
      page.getByLabel("Who cares for it").fill("robin");
      button(page, "Assign").click();
      assertThat(page.getByRole(AriaRole.STATUS)).hasText("1 letter assigned to robin.");
      rows.nth(1).locator("input").check();
      page.getByLabel("A note").fill("asked the office");
      button(page, "Note it").click();
      assertThat(page.getByRole(AriaRole.STATUS)).hasText("Noted.");
      rows.nth(0).locator("input").check();
      page.getByLabel("all open letters of this group (3)").check();
      button(page, "Discard").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("choose one of the two");

      // Asks first, with the number.
      page.getByLabel("all open letters of this group (3)").check();
      button(page, "Discard").click();
      assertThat(page.locator("h1")).hasText("Discard 3 letters?");
      button(page, "Leave them").click();
      assertThat(rows).hasCount(3);
      rows.nth(0).locator("input").check();
      rows.nth(1).locator("input").check();
      button(page, "Discard").click();
      page.getByLabel("Why they are given up").fill("test rows");
      button(page, "Discard 2 letters").click();
      assertThat(page.getByRole(AriaRole.STATUS)).hasText("2 letters discarded.");
      assertThat(rows).hasCount(1);

      link(page, "discarded").click();
      assertThat(rows).hasCount(2);
      page.getByLabel("all discarded letters").check();
      page.getByLabel("Why they are opened again").fill("no test rows");
      button(page, "Open again").click();
      assertThat(page.getByRole(AriaRole.STATUS)).hasText("2 letters opened again.");
      assertThat(page.locator("main")).containsText("3 of 3 that there ever were");

      // Found by its record; clicked twice, it is one replay.
      page.navigate("/console/" + office.name + "/letters");
      page.getByLabel("The record's id in the PMS").fill(String.valueOf(one));
      page.locator("form[action$=find]").getByLabel("State").selectOption("OPEN");
      button(page, "Find").click();
      assertThat(rows).hasCount(1);
      page.getByLabel("all that this search finds").check();
      page.evaluate(
          "() => { const b = document.querySelector('button[value=replay]'); b.click(); b.click();"
              + " }");
      assertThat(page.locator("#progress"))
          .containsText("1 of 1 decided: 0 passed, 1 failed again");
      assertThat(office.count("select count(*) from replay_tasks where practice_id = ?"))
          .isEqualTo(1);
      engine
          .store()
          .update(
              """
              with one as (update replay_tasks set left_out = 150000 where practice_id = ?
                           returning practice_id, id)
              insert into replay_items (practice_id, task_id, letter_id, state, decided_at)
              select practice_id, id, 1000000 + n, 'PASSED', now()
              from one cross join generate_series(1, 60) n""",
              office.id());
      page.reload();
      assertThat(page.locator("#progress")).containsText("150,000 more were asked for");
      assertThat(page.locator("#progress tbody tr")).hasCount(50);
      link(page, "Next page").click();
      assertThat(page.locator("#progress tbody tr")).hasCount(11);
      link(page, "failed again").click();
      assertThat(page.locator("#progress tbody tr")).hasCount(1);
    }
  }

  @Test
  void supportPausesResumesAndStopsAReplay() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Engine.rewrite(office.mapping("patient.jslt"), "\"chartNumber\"", "\"chartNumbre\"");
      int many = 60;
      for (int i = 0; i < many; i++) {
        office.chart(Someone.named("Slow", "Quillfeather"));
      }
      office.open();
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(office::deadLetters, Long.valueOf(many)::equals);
      Page page = staff(office, Role.SUPPORT);
      ReplayTasks replays = engine.bean(ReplayTasks.class);
      // One a second: it is under way for as long as this takes.
      long replay =
          replays
              .start(
                  office.name,
                  "robin",
                  Selection.group(office.letters().get(0).group()),
                  new ReplayTasks.Options(1, null))
              .id();
      replays.pause(office.name, "robin", replay);
      page.navigate("/console/" + office.name + "/replays/" + replay);
      button(page, "Resume").click();
      assertThat(page.locator("#progress .tag")).hasText("running");
      button(page, "Pause").click();
      assertThat(page.locator("#progress .tag")).hasText("paused");
      button(page, "Stop").click();
      assertThat(page.locator("#progress .tag")).hasText("stopped");
      assertThat(button(page, "Resume")).hasCount(0);
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select action from audit where practice_id = ?"
                          + " and detail = 'replay task ' || ? order by id",
                      String.class,
                      office.id(),
                      replay))
          .containsExactly(
              "dead-letter-replay-pause",
              "dead-letter-replay-resume",
              "dead-letter-replay-pause",
              "dead-letter-replay-stop");
    }
  }

  @Test
  void ofTwoWhoEditOneLetterTheSecondIsTold() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Engine.rewrite(office.mapping("patient.jslt"), "\"chartNumber\"", "\"chartNumbre\"");
      office.chart(Someone.named("Sentinella", "Quillfeather"));
      office.open();
      assertThat(office.deadLetters()).isEqualTo(1);
      String address = "/console/" + office.name + "/letters/" + office.letters().get(0).id();
      List<Page> pages = List.of(staff(office, Role.SUPPORT), staff(office, Role.SUPPORT));
      for (Page page : pages) {
        page.navigate(address);
        page.getByLabel("Why the patient's data").fill("To mend it");
        button(page, "Reveal").click();
        assertThat(page.locator("textarea")).containsText("Quillfeather");
      }
      for (Page page : pages) {
        String record = page.locator("textarea").inputValue();
        page.locator("textarea").fill(record.replace("Quillfeather", "Quill"));
        page.getByLabel("Why it is changed").fill("asked the office");
        button(page, "Keep this instead").click();
      }
      assertThat(pages.get(0).getByRole(AriaRole.STATUS)).containsText("the original is kept");
      assertThat(pages.get(1).getByRole(AriaRole.ALERT)).containsText("has changed this record");
      assertThat(pages.get(1).locator("textarea")).containsText("Quill");
      assertThat(
              office.count(
                  "select count(*) from dead_letter_events where practice_id = ?"
                      + " and action = 'EDITED'"))
          .isEqualTo(1);
    }
  }

  @Test
  void itAsksAFeedToReadNow() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Vera", "Kingsley"));
      office.open();
      Page page = staff(office, Role.IT);
      page.getByRole(AriaRole.NAVIGATION).getByText("Feeds").click();
      assertThat(page.locator("article").filter(named(office))).containsText("running");
      link(page, office.name).last().click();
      office.chart(Someone.named("Wilma", "Kingsley"));

      button(page, "Read now").click();

      assertThat(page.getByRole(AriaRole.STATUS)).containsText("read now");
      Awaitility.await().atMost(Office.LONGEST).until(office::charts, Long.valueOf(2)::equals);
    }
  }

  @Test
  void itComparesAFeedReadsEverythingInATrialAndStopsIt() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Vera", "Kingsley"));
      office.open();
      String feed = "/console/" + office.name + "/feeds/" + office.name;
      Page page = staff(office, Role.IT);
      assertThat(page.locator(".counts")).containsText("of 1 feed does not run");
      page.navigate(feed);
      button(page, "Compare every chart now").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("compared now");
      office.awaitSettled();

      String trial;
      try (Connection held =
              java.util.Objects.requireNonNull(office.pms().getDataSource()).getConnection();
          Statement lock = held.createStatement()) {
        // The PMS answers nobody else for as long as this holds.
        lock.execute("lock tables patient write");
        page.navigate(feed + "/file");
        button(page, "Try: read everything").click();
        assertThat(page.locator("#progress")).containsText("running");
        trial = page.url();
        page.navigate(feed + "/file");
        button(page, "Check, and ask the PMS").click();
        assertThat(page.locator("#progress")).containsText("It begins when task");
        button(page, "Stop").click();
        assertThat(page.locator("#progress")).containsText("stopped before it began");
        page.navigate(trial);
        button(page, "Stop").click();
      }
      assertThat(page.locator("#progress")).containsText("nothing was delivered");
      assertThat(button(page, "Stop")).hasCount(0);

      // Who presses Stop when it has ended is told so.
      page.evaluate(
          """
          () => {
            const form = document.createElement('form');
            form.method = 'post';
            form.action = location.pathname;
            form.innerHTML = document.querySelector('input[name=_csrf]').outerHTML;
            document.body.append(form);
            form.submit();
          }""");
      assertThat(page.getByRole(AriaRole.STATUS).first()).containsText("come to its end already");
    }
  }

  @Test
  void anAuditorSeesWhoSawAPatient() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone vera = Someone.named("Vera", "Kingsley");
      long chart = office.chart(vera);
      office.member("V1", vera);
      office.open();
      Page desk = staff(office, Role.FRONT_DESK);
      desk.navigate("/console/" + office.name + "/members/V1");
      desk.navigate("/console/" + office.name + "/patients");
      search(desk, "kingsley");
      assertThat(desk.locator("#found tbody tr")).hasCount(1);
      Audit audit = engine.bean(Audit.class);
      for (int i = 0; i < 101; i++) {
        audit.note(office.name, "maria", "saw member", "W" + i);
      }
      Page page = staff(office, Role.AUDITOR);
      link(page, "Audit").last().click();
      page.getByLabel("What").fill("");
      page.getByLabel("Who", new Page.GetByLabelOptions().setExact(true)).fill("maria");
      button(page, "Show").click();
      assertThat(page.locator("tbody tr")).hasCount(100);
      link(page, "Earlier").click();
      assertThat(page.locator("tbody tr")).hasCount(1);
      assertThat(page.locator("tbody")).containsText("W0");

      page.getByLabel("Who", new Page.GetByLabelOptions().setExact(true)).fill("");
      page.getByLabel("About whom").fill("open-dental/" + chart);
      button(page, "Show").click();
      assertThat(page.locator("tbody tr")).hasCount(2);
      assertThat(page.locator("tbody")).containsText("searched patients");
      assertThat(page.locator("tbody")).containsText("V1, linked to: open-dental/" + chart);
      page.getByLabel("From").fill("2020-01-01");
      page.getByLabel("until").fill("2020-01-02");
      button(page, "Show").click();
      assertThat(page.locator("main")).containsText("None.");
    }
  }

  private static Locator.FilterOptions named(Office office) {
    return new Locator.FilterOptions().setHasText(office.name);
  }

  @Test
  void itSaysThatWhatAComparisonMissedIsGoneIndeed() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      for (int i = 0; i < 30; i++) {
        office.chart(Someone.named("Nadia", "Number" + i));
      }
      office.open();
      office.edit("delete from patient order by PatNum limit 25");
      office.compare();
      String feed = "/console/" + office.name + "/feeds/" + office.name;
      Page support = staff(office, Role.SUPPORT);
      support.navigate(feed);
      assertThat(support.locator("main")).containsText("25 of 30 charts are missing in the PMS");
      assertThat(support.getByText("They are gone")).hasCount(0);

      Page page = staff(office, Role.IT);
      page.navigate(feed);
      button(page, "They are gone from the PMS: remove these 25").click();
      assertThat(page.locator("main")).containsText("what is still missing then is removed");
      office.awaitSettled();

      org.assertj.core.api.Assertions.assertThat(office.charts()).isEqualTo(5);
      page.navigate(feed);
      assertThat(page.locator("main")).not().containsText("missing in the PMS");
    }
  }

  @Test
  void itPausesAFeedTriesAndAppliesItsFileAndSeesNoSecret() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone vera = Someone.named("Vera", "Kingsley");
      office.chart(vera);
      office.member("V1", vera);
      office.open();
      String feed = "/console/" + office.name + "/feeds/" + office.name;
      Page page = staff(office, Role.IT);
      page.navigate(feed);
      assertThat(page.locator("figure svg").first()).hasAttribute("role", "img");
      assertThat(page.locator("figcaption").first()).containsText("1 in all, at most 1 records");
      button(page, "Pause").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("Say why");
      page.getByLabel("Why it is paused").fill("The server is moved");
      button(page, "Pause").click();
      assertThat(page.locator("h1")).containsText("on hold");
      assertThat(page.locator("main")).containsText("Paused by it");
      assertThat(button(page, "Read now")).hasCount(0);

      // A paused feed that is applied stays paused.
      Engine.rewrite(office.feedFile(), "PT1H", "PT2H");
      page.navigate(feed + "/file");
      assertThat(page.locator("main")).containsText("changed since the feed took it up");
      assertThat(page.locator("table.file")).containsText("(not shown)");
      assertThat(page.locator("table.file")).not().containsText(pms.readerPassword());
      button(page, "Apply").click();
      assertThat(page.locator("#progress")).containsText("runs as its file says now");
      page.navigate(feed);
      assertThat(page.locator("h1")).containsText("on hold");
      button(page, "Resume").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("It goes on");
      office.awaitSettled();

      page.navigate(feed + "/file");
      button(page, "Try: read the patients").click();
      assertThat(page.locator("#progress")).containsText("no cursor has moved");
      assertThat(page.locator("#progress")).containsText("Would be decided");
      assertThat(page.locator("#progress")).containsText("linked");
      assertThat(page.locator("main")).not().containsText("Kingsley");
      page.navigate(feed + "/file");
      button(page, "Check, and ask the PMS").click();
      assertThat(page.locator("#progress")).containsText("nothing is wrong");

      // A file that does not start leaves the feed as it was.
      Engine.rewrite(office.feedFile(), "PT2H", "two hours");
      page.navigate(feed + "/file");
      assertThat(page.locator("table.cards")).containsText("line");
      assertThat(page.locator("table.cards")).containsText("is no duration; write it like PT5M");
      assertThat(page.locator("td.differs")).containsText("two hours");
      button(page, "Apply").click();
      assertThat(page.locator("#progress")).containsText("the feed runs on as before");

      Page manager = staff(office, Role.MANAGER);
      manager.navigate(feed);
      assertThat(manager.locator("h1")).containsText("running");
      assertThat(button(manager, "Pause")).hasCount(0);
      manager.navigate(feed + "/file");
      assertThat(manager.locator("h1")).not().containsText("camel");
    }
  }

  @Test
  void aSampleIsTriedOnTheBenchAndOnlyWhoSeesPatientsLearnsWhoItIs() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone vera = Someone.named("Vera", "Benchley");
      office.member("V1", vera);
      office.open();
      String sample =
          "{\"PatNum\": 77, \"PatStatus\": 0, \"LName\": \"Benchley\", \"FName\": \"Vera\","
              + " \"Birthdate\": \""
              + vera.birthDate()
              + "\", \"WirelessPhone\": \""
              + vera.mobile()
              + "\", \"Email\": \""
              + vera.email()
              + "\"}";
      String login = login(office, Role.IT);
      Page page = browser.window(1280);
      StaffBrowser.signIn(page, login, PASSWORD);
      page.navigate("/console/" + office.name + "/bench");
      assertThat(page.getByLabel("Also what would be decided")).hasCount(0);
      page.locator("select").selectOption(office.name + "/patient.jslt");
      page.locator("textarea").fill("{\"PatNum\": ");
      button(page, "Map it").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("line 1: this is not JSON");
      page.locator("textarea").fill(sample);
      button(page, "Map it").click();
      assertThat(page.locator("article")).containsText("\"family\" : \"Benchley\"");
      assertThat(page.locator("article")).containsText("WirelessPhone");
      assertThat(page.locator("article")).not().containsText("Would be");

      engine.bean(Users.class).grant(login, office.name, Role.MANAGER);
      page.navigate("/console/" + office.name + "/bench");
      page.locator("select").selectOption(office.name + "/patient.jslt");
      page.locator("textarea").fill(sample);
      page.getByLabel("Also what would be decided").check();
      button(page, "Map it").click();
      assertThat(page.locator("article")).containsText("Would be linked");
      assertThat(link(page, "member V1")).isVisible();
      assertThat(office.charts()).isZero();
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select action || ' ' || detail from audit where practice_id = ?"
                          + " and action like 'tried%' order by id",
                      String.class, office.id()))
          .containsExactly(
              "tried a mapping " + office.name + "/patient.jslt, 1 record",
              "tried a mapping and a match " + office.name + "/patient.jslt, 1 record");
    }
  }

  // ---- Plans ----

  @Test
  void aPlanIsSoldWithTheMembershipAndVisitsCountAgainstIt() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone ines = Someone.named("Ines", "Lindqvist");
      long chart = office.chart(ines);
      office.edit("insert ignore into procedurecode (CodeNum, ProcCode) values (2, 'D1110')");
      office.edit(
          """
          insert into procedurelog (ProcNum, PatNum, AptNum, ProcDate, ProcFee, ProcStatus, CodeNum)
          values (900001, ?, 0, curdate(), 90, 2, 2)""",
          chart);
      office.member("M9", Someone.named("Nell", "Oakley"));
      office.open();
      Page manager = staff(office, Role.MANAGER);
      link(manager, "Plans").click();
      manager.getByLabel("Name").fill("Gold 2026");
      manager.getByLabel("What, line 1").fill("Cleanings");
      manager.getByLabel("Procedure codes, line 1").fill("clean!");
      manager.getByLabel("Times a year, line 1").fill("2");
      button(manager, "Sell this plan").click();
      assertThat(manager.getByRole(AriaRole.ALERT)).containsText("procedure codes like D1110");
      manager.getByLabel("Procedure codes, line 1").fill("d1110, D4910");
      button(manager, "Sell this plan").click();
      assertThat(manager.getByRole(AriaRole.STATUS)).containsText("can be sold now");
      assertThat(manager.locator("article")).containsText("D1110 D4910");

      Page desk = staff(office, Role.FRONT_DESK);
      desk.navigate("/console/" + office.name + "/patient?source=open-dental&id=" + chart);
      desk.locator("select[name=plan]")
          .selectOption(new com.microsoft.playwright.options.SelectOption().setLabel("Gold 2026"));
      button(desk, "Add the member, linked to this chart").click();
      assertThat(desk.locator("main")).containsText("Gold 2026 since");
      assertThat(desk.locator("main")).containsText("1 of 2");
      desk.getByLabel("Why").fill("abroad until spring");
      button(desk, "Pause").click();
      assertThat(desk.locator("main")).containsText("paused");
      desk.getByLabel("Why").fill("moved away");
      button(desk, "End the plan").click();
      assertThat(button(desk, "Start the plan")).isVisible();
      assertThat(desk.locator("main")).containsText("plan Gold 2026 ended");

      // Who is missing what is told by name, before anything is looked for.
      desk.navigate("/console/" + office.name + "/members/new");
      desk.locator("form[action$='/members/new']").evaluate("form => form.noValidate = true");
      desk.getByLabel("First name").fill("Nadia");
      desk.locator("select[name=plan]")
          .selectOption(new com.microsoft.playwright.options.SelectOption().setLabel("Gold 2026"));
      desk.getByLabel("Starts on").fill("");
      button(desk, "Add the member").click();
      assertThat(desk.getByRole(AriaRole.ALERT))
          .hasText(
              "Still needed: last name, birth date, telephone or e-mail, day on which the plan"
                  + " starts.");
      assertThat(desk.getByLabel("Mobile phone")).hasAttribute("aria-invalid", "true");
      assertThat(desk.getByLabel("First name")).hasValue("Nadia");
      fill(desk, Someone.named("Nadia", "Prokhorov"));
      desk.getByLabel("Starts on").fill("2026-02-01");
      desk.getByLabel("Status of the plan").selectOption("paused");
      button(desk, "Add the member").click();
      assertThat(desk.locator("main")).containsText("Gold 2026 since");
      assertThat(desk.locator("main")).containsText("paused from the beginning");
      assertThat(button(desk, "Resume")).isVisible();

      desk.navigate("/console/" + office.name + "/members/M9");
      desk.getByLabel("Status").selectOption("paused");
      button(desk, "Start the plan").click();
      assertThat(button(desk, "Resume")).isVisible();
      desk.getByLabel("Why").fill("back from abroad");
      button(desk, "Resume").click();
      assertThat(history(desk, "plan Gold 2026 resumed")).containsText("back from abroad");
      assertThat(button(desk, "Pause")).isVisible();
      desk.getByLabel("Why").fill("moved away");
      button(desk, "End the plan").click();
      assertThat(button(desk, "Start the plan")).isVisible();

      button(manager, "Sell Gold 2026 no more").click();
      assertThat(manager.locator("article")).containsText("sold no more");
      desk.reload();
      assertThat(button(desk, "Start the plan")).hasCount(0);
    }
  }

  // ---- Members entered twice ----

  @Test
  void twoMembersAreMadeOneFieldByFieldAndTakenApartAgain() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone cora = Someone.named("Cora", "Whitlock");
      long chart = office.chart(cora);
      office.member("C1", cora.withEmail("").withMobile("6142289999"));
      office.member("C2", cora);
      office.open();
      String holder = office.memberOf(chart);
      Page page = staff(office, Role.MANAGER);
      Awaitility.await("the two are found")
          .atMost(Office.LONGEST)
          .until(
              () ->
                  office.count(
                      "select count(*) from duplicates where practice_id = ? and closed_at is"
                          + " null"),
              found -> found == 1);
      page.navigate("/console/" + office.name + "/duplicates");
      page.getByText("compare").click();
      assertThat(page.locator("h1")).hasText("One person, entered twice?");
      assertThat(page.locator("fieldset")).not().hasCount(0);
      assertThat(page.getByText("differs").first()).isVisible();
      String one = page.url().replaceFirst(".*/members/([^/]+)/merge.*", "$1");
      String other = page.url().replaceFirst(".*with=([^&]+).*", "$1");
      // From a member's page, and not through the list, one comes back to the member.
      page.navigate("/console/" + office.name + "/members/" + one + "/merge?with=" + other);
      page.getByLabel(other, new Page.GetByLabelOptions().setExact(true)).first().check();
      page.locator("input[name=PHONE_MOBILE][value=one]").check();
      page.getByLabel("Why", new Page.GetByLabelOptions().setExact(true)).fill("Same card");
      button(page, "Make them one").click();

      assertThat(page.getByRole(AriaRole.STATUS)).containsText("one member now");
      assertThat(page.locator("h1")).containsText(other);
      assertThat(page.locator("main")).containsText("made one with");
      Awaitility.await()
          .until(() -> office.memberOf(chart), now -> holder.isEmpty() || now.equals(other));
      page.navigate("/console/" + office.name + "/members/" + one);
      assertThat(link(page, "one with member " + other)).isVisible();

      page.navigate("/console/" + office.name + "/members/" + other);
      page.locator("form[action$=take-apart]").getByLabel("Why").fill("Mother and daughter");
      button(page, "Take apart").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("what they were before");
      page.navigate("/console/" + office.name + "/members/" + one);
      assertThat(page.locator("h1")).containsText("Cora Whitlock");
      assertThat(page.locator("main")).containsText("taken apart from");

      Page desk = staff(office, Role.FRONT_DESK);
      desk.navigate("/console/" + office.name + "/members/" + one + "/merge?with=" + other);
      assertThat(desk.getByText("Making two members one is for managers.")).isVisible();
    }
  }

  @Test
  void twoWithALinkAndAPlanEachAreMadeOneAgainstWhatSomebodySaid() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone cora = Someone.named("Cora", "Whitlock");
      Someone nora = Someone.named("Nora", "Whitelock");
      long one = office.chart(cora);
      long other = office.chart(nora);
      office.member("C1", cora);
      office.member("C2", nora);
      office.open();
      assertThat(List.of(office.memberOf(one), office.memberOf(other))).containsExactly("C1", "C2");
      Plans plans = engine.bean(Plans.class);
      for (String name : List.of("Gold", "Silver")) {
        plans.add(office.name, name, List.of(), "maria");
      }
      Page page = staff(office, Role.MANAGER);
      for (String number : List.of("C1", "C2")) {
        page.navigate("/console/" + office.name + "/members/" + number);
        page.locator("select[name=plan]")
            .selectOption(
                new com.microsoft.playwright.options.SelectOption()
                    .setLabel(number.equals("C1") ? "Gold" : "Silver"));
        button(page, "Start the plan").click();
        assertThat(button(page, "Pause")).isVisible();
      }
      // Somebody has said that C1 and the chart of C2 are two people.
      page.navigate(
          "/console/" + office.name + "/members/C1/compare?source=open-dental&id=" + other);
      page.getByLabel("Why").fill("Mother and daughter");
      button(page, "No, two people").click();
      assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");

      page.navigate("/console/" + office.name + "/members/C1");
      page.getByLabel("Number of the other member").fill("C22");
      button(page, "Compare and make one").click();
      assertThat(page.getByRole(AriaRole.ALERT)).containsText("no member of that number");
      page.getByLabel("Number of the other member").fill("C2");
      button(page, "Compare and make one").click();
      assertThat(page.locator("main")).containsText("those of the other one do not come along");
      page.locator("input[name=link-open-dental][value=other]").check();
      page.locator("input[name=plan][value=other]").check();
      page.getByLabel("Why", new Page.GetByLabelOptions().setExact(true)).fill("One card");
      page.getByLabel("They are one all the same").check();
      button(page, "Make them one").click();

      assertThat(page.getByRole(AriaRole.STATUS)).containsText("one member now");
      assertThat(page.locator("h1")).containsText("C1");
      assertThat(page.locator("main")).containsText("Silver since");
      Awaitility.await()
          .atMost(Office.LONGEST)
          .untilAsserted(
              () ->
                  assertThat(List.of(office.memberOf(one), office.memberOf(other)))
                      .containsExactly("", "C1"));
    }
  }

  // ---- For everybody ----

  @Test
  void everyPageFitsATelephoneAndIsUsableByEverybody() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone flora = Someone.named("Flora", "Quinlan");
      Someone gwen = Someone.named("Gwen", "Yardley");
      long linked = office.chart(flora);
      office.chart(gwen.withEmail(""));
      office.member("F1", flora);
      office.member("F2", flora);
      office.member("G1", gwen.withMobile("").withEmail(""));
      office.member("H1", Someone.named("Hetty", "Nobody"));
      Someone ida = Someone.named("Ida", "Overstreet");
      office.chart(ida);
      office.chart(ida);
      long tooLong = office.chart(Someone.named("Zed", "Faraway"));
      office.edit("alter table patient modify Address text");
      office.edit("update patient set Address = repeat('x', 11000) where PatNum = ?", tooLong);
      office.edit(
          "insert into patient (LName, FName, Birthdate, Guarantor) values ('Quinlan', 'Finn',"
              + " '2015-03-04', ?)",
          linked);
      office.edit(
          "update patient set Guarantor = ?, HmPhone = '6142287010' where LName = 'Quinlan'",
          linked);
      office.open();
      Engine here = engine;
      here.bean(Plans.class).add(office.name, "Gold", List.of(), "maria");
      awaitDuplicates(office, 2);
      long relative =
          office.count(
              "select max(source_id::bigint) from patients where practice_id = ?"
                  + " and record #>> '{person,name,given}' = 'Finn'");
      String login = login(office, Role.MANAGER);
      here.bean(Users.class).grant(login, office.name, Role.AUDITOR);
      here.bean(Users.class).grant(login, office.name, Role.SUPPORT);
      here.bean(Users.class).grant(login, office.name, Role.IT);
      String base = "/console/" + office.name;
      String feed = base + "/feeds/" + office.name;
      long check =
          here.bean(FeedTasks.class)
              .ask(office.name, login, office.name, FeedTasks.Kind.CHECK, false);
      Letter letter = office.letters().get(0);
      long replay =
          here.bean(ReplayTasks.class)
              .start(
                  office.name,
                  login,
                  Selection.letters(List.of(letter.id())),
                  ReplayTasks.Options.USUAL)
              .id();
      String review =
          base
              + "/reviews/"
              + office.count(
                  "select min(id) from reviews where practice_id = ? and closed_at is null");
      List<String> barriers = new ArrayList<>();
      Page page = browser.inspectingWindow(WIDE);
      page.navigate("/sign-in");
      look(page, "sign-in", barriers);
      StaffBrowser.signIn(page, login, PASSWORD);
      for (String address :
          List.of(
              "/password",
              base,
              base + "/onboarding",
              base + "/patients",
              base
                  + "/patients/coming?source=open-dental&id=0&run="
                  + office.count("select max(id) from feed_runs where practice_id = ?"),
              base + "/patient?source=open-dental&id=" + linked,
              base + "/patient?source=open-dental&id=" + relative,
              base + "/members",
              base + "/members?show=unlinked",
              base + "/members/new",
              base + "/members/G1",
              base + "/members/G1/link",
              base + "/members/F1/compare?source=open-dental&id=" + linked,
              base + "/reviews",
              review,
              base + "/flagged",
              base + "/duplicates",
              base + "/duplicates/told-apart",
              base
                  + "/duplicates/"
                  + office.count(
                      "select id from duplicates where practice_id = ? and kind = 'CHART'"),
              base
                  + "/members/F1/merge?with=F2&finding="
                  + office.count(
                      "select id from duplicates where practice_id = ? and kind = 'MEMBER'"),
              base + "/plans",
              base + "/audit",
              base + "/feeds",
              feed,
              feed + "/file",
              feed + "/tasks/" + check,
              base + "/bench",
              base + "/letters",
              base + "/letters/find?record=" + tooLong,
              base + "/letters/" + letter.id(),
              base + "/letters/group?key=" + letter.group(),
              base + "/replays/" + replay,
              base + "/nothing/of/that/name")) {
        page.navigate(address);
        if (address.endsWith("/patients")) {
          search(page, "quinlan");
          assertThat(page.locator("#found tbody tr")).hasCount(2);
        }
        if (address.endsWith("/bench")) {
          page.locator("select").selectOption(office.name + "/patient.jslt");
          page.locator("textarea").fill("{\"PatNum\": 77, \"LName\": \"Benchley\"}");
          button(page, "Map it").click();
          assertThat(page.locator("article")).containsText("Benchley");
        }
        if (address.contains("/letters/group")) {
          page.locator("form tbody input").check();
          button(page, "Discard").click();
          assertThat(page.locator("h1")).hasText("Discard 1 letter?");
          look(page, "practice-letters-discard", barriers);
          page.navigate(address);
        }
        look(page, address.replaceFirst(base, "practice").replaceAll("[^a-z]+", "-"), barriers);
      }
      assertThat(barriers).isEmpty();
    }
  }

  /**
   * One page as it is on a desk, in the dark, and on a telephone, loaded once: styles follow the
   * window by themselves, and in the dark nothing but the colours is another.
   */
  private static void look(Page page, String name, List<String> barriers) {
    Locator details = page.locator("details");
    for (int i = 0; i < details.count(); i++) {
      details.nth(i).locator("summary").click();
    }
    isUsable(page, name + "-" + WIDE, barriers);
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
    StaffBrowser.picture(page, name + "-dark");
    barriers.addAll(StaffBrowser.poorContrast(page));
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.LIGHT));
    page.setViewportSize(TELEPHONE, HEIGHT);
    isUsable(page, name + "-" + TELEPHONE, barriers);
    page.setViewportSize(WIDE, HEIGHT);
  }

  private static void isUsable(Page page, String name, List<String> barriers) {
    StaffBrowser.picture(page, name);
    barriers.addAll(StaffBrowser.barriers(page));
    if (StaffBrowser.runsOver(page)) {
      barriers.add(page.url() + " is wider than the window: " + name);
    }
  }

  /** Types; what listens is a script that is there once the page is. */
  private static void search(Page page, String typed) {
    page.waitForLoadState();
    page.locator("#q").fill(typed);
  }

  private static Locator button(Page page, String name) {
    return page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name));
  }

  /** A key is for a script that is there once the page is. */
  private static void press(Page page, String key) {
    page.waitForLoadState();
    page.keyboard().press(key);
  }

  private static Locator link(Page page, String name) {
    return page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName(name));
  }
}
