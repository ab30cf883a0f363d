package org.pmslink.pipeline;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Members;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.PracticeGenerator;

/**
 * A day in the office of the sample practice: its households, namesakes, typing errors and charts
 * that are there twice, and not a handful of people whom a test has thought of.
 */
@ExtendWith(Pipeline.class)
@EnabledIf(value = "hasBrowser", disabledReason = "no Chromium is installed; .ci/run installs it")
class SampleOfficeTest {
  private static final String PASSWORD = "a sentence to remember";

  private final Engine engine;

  SampleOfficeTest(Engine engine) {
    this.engine = engine;
  }

  static boolean hasBrowser() {
    return StaffBrowser.installed().isPresent();
  }

  @Test
  void whatRulesLeaveIsGoneThroughAndSomebodyJoins(@TempDir Path folder) throws Exception {
    List<Members.NewMember> members = new ArrayList<>();
    try (OpenDentalServer pms = OpenDentalServer.start(folder, 0)) {
      PracticeGenerator.fill(
          pms,
          new PracticeGenerator.Size(900, 240, 42, false),
          (number, person) -> members.add(new Members.NewMember(number, person)));
      try (Office office = Office.ofTheSample(engine, pms);
          StaffBrowser browser = StaffBrowser.at(engine)) {
        engine.bean(Members.class).add(office.name, members);
        office.open();
        awaitDuplicates(office);
        Users users = engine.bean(Users.class);
        users.changePassword("sample-manager", users.add("sample-manager"), PASSWORD);
        users.grant("sample-manager", office.name, Role.MANAGER);
        Page page = browser.window(1280);
        StaffBrowser.signIn(page, "sample-manager", PASSWORD);
        String base = "/console/" + office.name;

        takesWhatIsLeft(office, page, base);
        goesThroughReviews(office, page, base);
        goesThroughDuplicates(office, page, base);
        looksForAChart(page, base);
        String member = addsSomebody(office, page, base);
        unlinks(office, page, base, member);
        browser.hasNoComplaints();
      }
    }
  }

  private void awaitDuplicates(Office office) {
    Duplicates duplicates = engine.bean(Duplicates.class);
    Awaitility.await("duplicates are found")
        .atMost(Office.LONGEST)
        .until(
            () ->
                duplicates.isComplete(office.id(), Duplicates.Kind.CHART)
                    && duplicates.isComplete(office.id(), Duplicates.Kind.MEMBER));
  }

  private static long openReviews(Office office) {
    return office.count("select count(*) from reviews where practice_id = ? and closed_at is null");
  }

  private static void takesWhatIsLeft(Office office, Page page, String base) throws Exception {
    page.navigate(base + "/onboarding");
    assertThat(page.locator("article")).containsText("first load: done");
    Download file = page.waitForDownload(() -> button(page, "What is left, as a file").click());
    List<String> lines = Files.readAllLines(file.path());
    assertThat(lines.stream().filter(line -> line.startsWith("chart to review")).count())
        .isGreaterThanOrEqualTo(openReviews(office));
    assertThat(lines).anyMatch(line -> line.startsWith("member not linked,no free chart is found"));
  }

  private static void goesThroughReviews(Office office, Page page, String base) {
    long waiting = openReviews(office);
    assertThat(waiting).as("reviews of the sample").isGreaterThan(4);
    page.navigate(base + "/reviews");
    Locator reasons =
        page.getByRole(AriaRole.NAVIGATION, new Page.GetByRoleOptions().setName("Reasons"));
    String reason = reasons.locator("a").nth(1).innerText().replaceFirst(" \\(\\d+\\)$", "");
    reasons.locator("a").nth(1).click();
    page.locator("a[data-key=n]").click();
    assertThat(page.locator("main")).containsText(reason);
    page.getByLabel("Why").first().fill("Saw an identity card");
    button(page, "The same person").first().click();
    assertThat(page.getByRole(AriaRole.STATUS)).containsText("Linked.");
    assertThat(page.locator("main")).containsText(reason);
    assertThat(standing(office, "SAME")).isEqualTo(1);
    assertThat(
            office.count(
                "select count(*) from links where practice_id = ? and ended_at is null"
                    + " and made_by = 'sample-manager'"))
        .isEqualTo(1);

    page.getByLabel("Why").first().fill("Father and son");
    button(page, "Two people").first().click();
    assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");
    assertThat(standing(office, "NOT_SAME")).isEqualTo(1);
    button(page, "Undo").click();
    assertThat(page.getByRole(AriaRole.STATUS)).containsText("Taken back");
    assertThat(standing(office, "NOT_SAME")).isZero();
    office.awaitSettled();
    assertThat(openReviews(office)).isLessThan(waiting);
  }

  private static long standing(Office office, String verdict) {
    return office.count(
        "select count(*) from verdicts where practice_id = ? and withdrawn_at is null"
            + " and verdict = '"
            + verdict
            + "'");
  }

  private static void goesThroughDuplicates(Office office, Page page, String base) {
    String open = "select count(*) from duplicates where practice_id = ? and closed_at is null";
    long found = office.count(open);
    assertThat(found).as("duplicates of the sample").isGreaterThan(1);
    page.navigate(base + "/duplicates?kind=CHART");
    assertThat(page.locator("tbody tr").first().locator("small").first())
        .containsText("open-dental/");
    page.locator("a[data-key=n]").click();
    page.getByLabel("Why").fill("Cousins of one name");
    button(page, "Two people").click();
    assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");
    assertThat(office.count(open)).isEqualTo(found - 1);
    button(page, "Undo").click();
    assertThat(page.getByRole(AriaRole.STATUS)).containsText("Taken back");
    assertThat(office.count(open)).isEqualTo(found);
  }

  /** For the first member whom rules have linked to nobody. */
  private static void looksForAChart(Page page, String base) {
    page.navigate(base + "/members?show=unlinked");
    page.getByText("look for the chart").first().click();
    assertThat(page.locator("h1")).containsText("to the PMS");
    page.waitForLoadState();
    page.locator("#q").fill("ma");
    assertThat(page.locator("#found tbody tr")).hasCount(10);
    assertThat(page.locator("#found")).containsText("There are more");
    page.locator("#found tbody a").first().click();
    assertThat(page.locator("h1")).hasText("One person?");
    page.locator("a[data-key=n]").click();
    assertThat(page.locator("h1")).containsText("to the PMS");
  }

  private String addsSomebody(Office office, Page page, String base) {
    Map<String, Object> chart =
        engine
            .store()
            .queryForMap(
                """
                select source_id, record #>> '{person,name,given}' as given,
                       record #>> '{person,name,family}' as family,
                       record #>> '{person,birthDate}' as born
                from patients p
                where practice_id = ? and status = 'ACTIVE' and removed_at is null
                  and merged_into is null and record #>> '{person,phones,0,e164}' is not null
                  and record #>> '{person,birthDate}' is not null
                  and record #>> '{person,name,given}' ~ '^[A-Z][a-z]+$'
                  and record #>> '{person,name,family}' ~ '^[A-Z][a-z]+$'
                  and not exists (select 1 from links l where l.patient_id = p.id)
                  and not exists (select 1 from reviews r where r.patient_id = p.id)
                order by id limit 1""",
                office.id());
    String id = String.valueOf(chart.get("source_id"));
    page.navigate(base + "/patients");
    page.waitForLoadState();
    page.locator("#q")
        .fill(chart.get("family") + " " + chart.get("given") + " " + chart.get("born"));
    page.locator("#found tbody a[href$='&id=" + id + "']").click();
    assertThat(page.getByLabel("Last name")).hasValue(String.valueOf(chart.get("family")));
    button(page, "Add the member, linked to this chart").click();
    assertThat(page.locator("main")).containsText("Linked by sample-manager");
    String member = office.memberOf(id);
    assertThat(member).startsWith("M");
    assertThat(page).hasTitle("Member " + member + " · PMS Link");
    assertThat(page.locator("#from-FAMILY"))
        .containsText("from the PMS, open-dental/" + id + ", taken over by sample-manager");
    return member;
  }

  private static void unlinks(Office office, Page page, String base, String member) {
    page.navigate(base + "/members/" + member);
    button(page, "Verify or re-link").click();
    page.getByLabel("Why").fill("It was the wrong household");
    button(page, "No, unlink").click();
    assertThat(page.getByRole(AriaRole.STATUS)).containsText("Kept apart.");
    assertThat(page.locator("main")).containsText("Not linked.");
    office.awaitSettled();
    page.navigate(base + "/members/" + member);
    assertThat(page.locator("main")).containsText("Not linked.");
  }

  private static Locator button(Page page, String name) {
    return page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name));
  }
}
