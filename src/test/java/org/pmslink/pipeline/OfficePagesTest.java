package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.pmslink.pipeline.Visitor.location;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.Actor;
import org.pmslink.access.Right;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.RefusedException;
import org.pmslink.office.Applicant;
import org.pmslink.office.MemberDesk;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.OpenIdProvider;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** What the office's pages say and do, asked for as a browser does, without one. */
@ExtendWith(Pipeline.class)
class OfficePagesTest {
  private static final String PASSWORD = "a sentence to remember";
  private static final AtomicInteger STAFF = new AtomicInteger(1);

  private final Engine engine;
  private final OpenDentalServer pms;

  OfficePagesTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private Visitor staff(Office office, Role role) throws Exception {
    String login = role.label() + "-p" + STAFF.getAndIncrement();
    Users users = engine.bean(Users.class);
    users.changePassword(login, users.add(login), PASSWORD);
    users.grant(login, office.name, role);
    Visitor person = new Visitor(engine, new OpenIdProvider(OpenIdProvider.freePort()));
    person.get("/sign-in");
    assertThat(location(person.post("/sign-in", "login", login, "password", PASSWORD)))
        .endsWith("/console");
    return person;
  }

  /** Values of the fields of a name that a form gives back unseen. */
  private static List<String> hidden(HttpResponse<String> page, String name) {
    List<String> values = new ArrayList<>();
    Matcher found =
        Pattern.compile("type=\"hidden\" name=\"" + name + "\" value=\"([^\"]*)\"")
            .matcher(page.body());
    while (found.find()) {
      values.add(found.group(1));
    }
    return values;
  }

  private static String[] form(Someone who, String... more) {
    List<String> form =
        new ArrayList<>(
            List.of(
                "given", who.given(),
                "family", who.family(),
                "birthDate", who.birthDate(),
                "phoneMobile", who.mobile(),
                "email", who.email()));
    form.addAll(List.of(more));
    return form.toArray(String[]::new);
  }

  private static String[] seen(HttpResponse<String> page, Someone who) {
    List<String> form = new ArrayList<>(List.of(form(who, "seen", "true")));
    form.addAll(List.of("once", hidden(page, "once").get(0)));
    hidden(page, "warned").forEach(name -> form.addAll(List.of("warned", name)));
    return form.toArray(String[]::new);
  }

  private static long members(Office office) {
    return office.count("select count(*) from members where practice_id = ?");
  }

  // ---- Adding a member ----

  @Test
  void aFormThatIsSentTwiceAddsOneMember() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Someone nora = Someone.named("Nora", "Ashdown");
      Visitor desk = staff(office, Role.FRONT_DESK);
      String at = "/console/" + office.name + "/members/new";
      String once = hidden(desk.get(at), "once").get(0);

      String member = location(desk.post(at, form(nora, "once", once)));

      assertThat(location(desk.post(at, form(nora, "once", once)))).isEqualTo(member);
      assertThat(members(office)).isEqualTo(1);
      assertThat(
              office.count(
                  "select count(*) from audit where practice_id = ? and action = 'added member'"))
          .isEqualTo(1);
      // Somebody else in the same form is not taken for her.
      HttpResponse<String> other =
          desk.post(at, form(Someone.named("Otto", "Ashdown"), "once", once));
      assertThat(other.body()).contains("begin a new one for somebody else");
      assertThat(members(office)).isEqualTo(1);

      // At the same moment.
      UUID form = UUID.randomUUID();
      Someone pia = Someone.named("Pia", "Ashdown");
      Applicant applicant =
          new Applicant(
              "",
              Map.of(
                  Field.FAMILY, pia.family(),
                  Field.GIVEN, pia.given(),
                  Field.BIRTH_DATE, pia.birthDate(),
                  Field.PHONE_MOBILE, pia.mobile()),
              "",
              "",
              "",
              "");
      Actor actor = new Actor("ana", office.name, EnumSet.allOf(Right.class));
      List<CompletableFuture<String>> clicks =
          IntStream.range(0, 4)
              .mapToObj(
                  i ->
                      CompletableFuture.supplyAsync(
                          () -> {
                            try {
                              return engine
                                  .bean(MemberDesk.class)
                                  .enrol(actor, form, applicant, null, found -> true);
                            } catch (RefusedException e) {
                              throw new AssertionError(e);
                            }
                          }))
              .toList();
      assertThat(clicks.stream().map(CompletableFuture::join).distinct()).hasSize(1);
      assertThat(members(office)).isEqualTo(2);
    }
  }

  @Test
  void whoWasWarnedOfSomebodyIsWarnedOfOthersTheyTypeAfterwards() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone odette = Someone.named("Odette", "Marlow");
      Someone petra = Someone.named("Petra", "Lindqvist");
      office.chart(odette);
      office.chart(petra);
      office.open();
      Visitor desk = staff(office, Role.FRONT_DESK);
      String at = "/console/" + office.name + "/members/new";
      desk.get(at);
      HttpResponse<String> warned = desk.post(at, form(odette));
      assertThat(warned.body()).contains("The PMS has somebody like that", "Odette Marlow");
      assertThat(hidden(warned, "warned")).hasSize(1);

      HttpResponse<String> again = desk.post(at, seen(warned, petra));

      assertThat(again.statusCode()).isEqualTo(200);
      assertThat(again.body()).contains("like others than before", "Petra Lindqvist");
      assertThat(members(office)).isZero();
      assertThat(location(desk.post(at, seen(again, petra)))).contains("/members/M");
      assertThat(members(office)).isEqualTo(1);
    }
  }

  @Test
  void whoWasWarnedAtAChartIsWarnedOfMembersWhoseTelephoneTheyTypeAfterwards() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone odette = Someone.named("Odette", "Marlow");
      Someone sameDay = Someone.named("Gerald", "Marlow");
      // She had been entered under the name that she goes by, and with another year.
      Someone sameHome = Someone.named("Odet", "Marlow");
      long chart = office.chart(odette);
      office.member(
          "M1",
          new Someone(
              "Marlow",
              "Gerald",
              odette.birthDate(),
              sameDay.mobile(),
              sameDay.email(),
              sameDay.city()));
      office.member("M5", sameHome);
      office.open();
      Visitor desk = staff(office, Role.FRONT_DESK);
      String base = "/console/" + office.name;
      HttpResponse<String> page = desk.get(base + "/patient?source=open-dental&id=" + chart);
      assertThat(hidden(page, "warned")).containsExactly("M1");

      HttpResponse<String> again =
          desk.post(base + "/patient", at(chart, page, odette, "phoneHome", sameHome.mobile()));

      assertThat(again.statusCode()).isEqualTo(200);
      assertThat(again.body()).contains("Odet Marlow, M5");
      assertThat(hidden(again, "warned")).containsExactlyInAnyOrder("M1", "M5");
      assertThat(members(office)).isEqualTo(2);
      String added =
          location(
              desk.post(
                  base + "/patient", at(chart, again, odette, "phoneHome", sameHome.mobile())));
      assertThat(added).endsWith("/members/" + office.memberOf(chart));
      assertThat(members(office)).isEqualTo(3);
    }
  }

  @Test
  void aFamilyThatSharesATelephoneIsNobodyToBeWarnedOf() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone anthony = Someone.named("Anthony", "Marlow");
      Someone sophia = new Someone("Marlow", "Sophia", "2019-02-06", anthony.mobile(), "", "");
      long chart = office.chart(anthony);
      office.member("M1", sophia);
      // Of the same first name, or born on the same day, may be the same, mistyped.
      Someone junior = new Someone("Marlow", "Tony", "2011-07-30", anthony.mobile(), "", "");
      office.open();
      Visitor desk = staff(office, Role.FRONT_DESK);
      String base = "/console/" + office.name;
      String address = base + "/patient?source=open-dental&id=" + chart;

      HttpResponse<String> page = desk.get(address);

      assertThat(page.body())
          .contains("but another first name and birth date", "Sophia Marlow, M1")
          .doesNotContain("There is a member like that already", "name=\"seen\"");
      office.member("M2", junior);
      HttpResponse<String> warned = desk.get(address);
      assertThat(warned.body()).contains("There is a member like that already", "Tony Marlow, M2");
      assertThat(hidden(warned, "warned")).containsExactly("M2");
      HttpResponse<String> again = desk.post(base + "/patient", unseen(chart, page, anthony));
      assertThat(again.body()).contains("nobody was added", "Sophia Marlow, M1");
      assertThat(hidden(again, "warned")).containsExactly("M2");

      engine
          .store()
          .update(
              "delete from members where practice_id = ? and member_number = 'M2'", office.id());
      assertThat(location(desk.post(base + "/patient", unseen(chart, page, anthony))))
          .endsWith("/members/" + office.memberOf(chart));
      // Without a chart, too.
      Someone wilma = new Someone("Marlow", "Wilma", "1971-08-17", anthony.mobile(), "", "");
      String once = hidden(desk.get(base + "/members/new"), "once").get(0);
      assertThat(location(desk.post(base + "/members/new", form(wilma, "once", once))))
          .contains("/members/");
    }
  }

  /** The form of a chart's page, as the browser sends it when nobody had to be seen. */
  private static String[] unseen(long chart, HttpResponse<String> page, Someone typed) {
    return form(
        typed,
        "source",
        "open-dental",
        "id",
        "" + chart,
        "city",
        typed.city(),
        "once",
        hidden(page, "once").get(0),
        "prefilled",
        hidden(page, "prefilled").get(0));
  }

  /** The form of a chart's page, as the browser sends it when everybody shown has been seen. */
  private static String[] at(long chart, HttpResponse<String> page, Someone typed, String... more) {
    List<String> form = new ArrayList<>(List.of(seen(page, typed)));
    form.addAll(List.of("source", "open-dental", "id", "" + chart, "city", typed.city()));
    form.addAll(List.of("prefilled", hidden(page, "prefilled").get(0)));
    form.addAll(List.of(more));
    return form.toArray(String[]::new);
  }

  /** What docs/security.md tells offices. */
  @Test
  void whoDiffersTooMuchFromTheirChartIsAddedToItByAManager() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone moved = Someone.named("Maria", "Garcia");
      Someone born = Someone.named("Wilma", "Lindqvist");
      Someone mistyped = new Someone("Brandt", "Petra", "1971-03-12", "6142287031", "", "Columbus");
      long[] charts = {
        office.chart(moved),
        office.chart(
            new Someone(born.family(), "Baby Girl", born.birthDate(), born.mobile(), "", "")),
        office.chart(new Someone("Brandt", "Petra", "1971-08-17", "6142287031", "", "Columbus"))
      };
      List<Someone> typed =
          List.of(
              new Someone(
                  moved.family(),
                  moved.given(),
                  moved.birthDate(),
                  "6142287032",
                  "new@example.org",
                  "Toledo"),
              born.withMobile("6142287033").withEmail(""),
              mistyped);
      office.open();
      String at = "/console/" + office.name + "/patient";
      Visitor desk = staff(office, Role.FRONT_DESK);
      List<String> refused = new ArrayList<>();
      for (int i = 0; i < charts.length; i++) {
        HttpResponse<String> page = desk.get(at + "?source=open-dental&id=" + charts[i]);
        if (desk.post(at, at(charts[i], page, typed.get(i)))
            .body()
            .contains("not enough like the chart")) {
          refused.add(typed.get(i).given());
        }
      }
      assertThat(refused).containsExactly("Wilma", "Petra");
      assertThat(office.memberOf(charts[0])).as("name and birth date are hers").isNotEmpty();
      assertThat(members(office)).isEqualTo(1);
      Visitor manager = staff(office, Role.MANAGER);
      for (int i = 1; i < charts.length; i++) {
        HttpResponse<String> page = manager.get(at + "?source=open-dental&id=" + charts[i]);
        location(manager.post(at, at(charts[i], page, typed.get(i))));
        assertThat(office.memberOf(charts[i])).startsWith("M");
      }
    }
  }

  @Test
  void aFormOfAChartThatAFeedChangedMeanwhileIsFilledInAnew() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone odette = Someone.named("Odette", "Marlow");
      Someone moved = odette.withMobile("6142287020");
      long chart = office.chart(odette);
      office.open();
      String base = "/console/" + office.name;
      for (Role role : List.of(Role.FRONT_DESK, Role.MANAGER)) {
        Visitor desk = staff(office, role);
        HttpResponse<String> page = desk.get(base + "/patient?source=open-dental&id=" + chart);
        Someone now = role == Role.MANAGER ? Someone.named("Tomas", "Brandt") : moved;
        office.edit(
            "update patient set LName = ?, FName = ?, Birthdate = ?, WirelessPhone = ?, Email = ?"
                + " where PatNum = ?",
            now.family(),
            now.given(),
            now.birthDate(),
            now.mobile(),
            now.email(),
            chart);
        office.sync();

        HttpResponse<String> outdated = desk.post(base + "/patient", at(chart, page, moved));

        assertThat(outdated.statusCode()).as("%s", role).isEqualTo(200);
        assertThat(outdated.body())
            .contains("has changed meanwhile; nobody was added")
            .contains("value=\"" + now.e164() + "\"", "value=\"" + now.family() + "\"");
        if (role == Role.MANAGER) {
          assertThat(outdated.body()).contains("It was: Odette", "It was: " + moved.email());
        }
        assertThat(members(office)).isZero();
        if (role == Role.MANAGER) {
          String added =
              location(desk.post(base + "/patient", at(chart, outdated, now, "status", "")));
          assertThat(added).endsWith("/members/" + office.memberOf(chart));
          assertThat(
                  office.count(
                      "select count(*) from members where practice_id = ?"
                          + " and locked_fields <> '{}'"))
              .as("what was left follows the PMS")
              .isZero();
        }
      }
    }
  }

  @Test
  void tooManyAlikeAreNotSaidToBeNone() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      List<Object[]> charts = new ArrayList<>();
      for (int i = 0; i < 210; i++) {
        charts.add(new Object[] {(1950 + i % 50) + "-0" + (1 + i % 9) + "-11"});
      }
      office
          .pms()
          .batchUpdate(
              "insert into patient (LName, FName, Birthdate, WirelessPhone, Email, City)"
                  + " values ('Garcia', 'Maria', ?, '6142280001', '', '')",
              charts);
      Someone maria = new Someone("Garcia", "Maria", "", "6142280001", "", "");
      office.member("G1", maria);
      office.open();
      Visitor desk = staff(office, Role.FRONT_DESK);

      HttpResponse<String> page =
          desk.get("/console/" + office.name + "/members/G1/link?list=unlinked");

      assertThat(page.body())
          .contains("Too many charts share what is known of this member")
          .doesNotContain("The rules find none");

      String at = "/console/" + office.name + "/members/new";
      desk.get(at);
      Someone another = new Someone("Garcia", "Maria", "1944-12-30", "6142280001", "", "");
      page = desk.post(at, form(another));
      assertThat(page.body()).contains("Too many charts of the PMS share what is typed");
      assertThat(members(office)).isEqualTo(1);
      assertThat(location(desk.post(at, seen(page, another)))).contains("/members/M");
    }
  }

  // ---- Worklists ----

  @Test
  void worklistsOfOneReasonGoOnWithThatReason() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      for (String name : List.of("Ada", "Bea", "Cleo")) {
        Someone one = Someone.named(name, "Pember" + name.toLowerCase(java.util.Locale.ROOT));
        office.chart(one.withEmail(""));
        office.member(name + "1", one.withMobile("").withEmail(""));
      }
      office.open();
      List<Long> reviews =
          engine
              .store()
              .queryForList(
                  "select id from reviews where practice_id = ? and closed_at is null order by id",
                  Long.class,
                  office.id());
      assertThat(reviews).hasSize(3);
      engine
          .store()
          .update("update reviews set reason = 'DUPLICATE_CHARTS' where id = ?", reviews.get(1));
      String base = "/console/" + office.name;
      Visitor desk = staff(office, Role.FRONT_DESK);
      String first = "/reviews/" + reviews.get(0) + "?reason=NOT_CERTAIN";
      String third = "/reviews/" + reviews.get(2) + "?reason=NOT_CERTAIN";
      assertThat(desk.get(base + "/reviews?reason=NOT_CERTAIN").body())
          .contains(base + first, base + third);
      String next = base + "/reviews/next?reason=NOT_CERTAIN&after=";
      assertThat(location(desk.get(next + reviews.get(0)))).endsWith(third);
      assertThat(location(desk.get(next + reviews.get(2)))).endsWith("/reviews?reason=NOT_CERTAIN");

      HttpResponse<String> page = desk.get(base + first);
      assertThat(hidden(page, "only")).containsExactly("NOT_CERTAIN");
      String member = page.body().replaceFirst("(?s).*/members/(\\w+)/same.*", "$1");
      String[] decision = {
        "source",
        "open-dental",
        "id",
        page.body().replaceFirst("(?s).*/same\\?source=open-dental&amp;id=(\\d+)\".*", "$1"),
        "seen",
        hidden(page, "seen").get(0),
        "review",
        hidden(page, "review").get(0),
        "only",
        "NOT_CERTAIN",
        "reason",
        ""
      };
      String apart = base + "/members/" + member + "/not-same";
      page = desk.post(apart, decision);
      assertThat(page.body()).contains("Say why", "Back to the review");
      assertThat(hidden(page, "review")).containsExactly(String.valueOf(reviews.get(0)));
      decision[decision.length - 1] = "twins";
      assertThat(location(desk.post(apart, decision))).endsWith(third);
    }
  }

  @Test
  void aReviewShowsAllWhomAChartMayBeAndSaysWhenTheyAreTooMany() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(Someone.named("Ada", "Sevenoaks"));
      for (int i = 1; i <= 7; i++) {
        office.member("S" + i, Someone.named("Sam", "Elsewhere"));
      }
      office.open();
      insertReview(office, chart, "S1", 1);
      String review =
          "/console/"
              + office.name
              + "/reviews/"
              + office.count(
                  "select id from reviews where practice_id = ? and rules_version = 'test'");
      engine
          .store()
          .update(
              """
              update reviews set candidates = (
                select jsonb_agg(jsonb_build_object('memberNumber', 'S' || n))
                from generate_series(1, 7) n)
              where practice_id = ?""",
              office.id());
      Visitor desk = staff(office, Role.FRONT_DESK);

      assertThat(hidden(desk.get(review), "review")).hasSize(7);

      engine
          .store()
          .update("update reviews set candidates = '[]' where practice_id = ?", office.id());
      assertThat(desk.get(review).body())
          .contains("Too many members share what is known of this chart")
          .doesNotContain("are no longer there");
    }
  }

  @Test
  void nothingIsSkippedBehindAMemberWhoseLinksAreInDoubtInTwoPmss() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Thorncroft");
      Someone bea = Someone.named("Bea", "Winterbourne");
      office.chart(ada);
      long other = office.chart(bea);
      office.member("A1", ada);
      office.member("B1", bea);
      office.open();
      try (Office second =
          Office.at(engine, pms).with("practice", office.name).with("source", "second")) {
        second.chart(ada);
        second.connect();
        org.awaitility.Awaitility.await()
            .atMost(Office.LONGEST)
            .until(
                () ->
                    office.count(
                        "select count(*) from links where practice_id = ? and ended_at is null"),
                links -> links == 3);
        office.awaitSettled();
        for (String[] flag :
            List.of(
                new String[] {"A1", "open-dental", "3", "CHART_GONE"},
                new String[] {"B1", "open-dental", "2", "LINK_DRIFTED"},
                new String[] {"A1", "second", "1", "CHART_GONE"})) {
          engine
              .store()
              .update(
                  """
                  update links set flag_reason = ?, flagged_at = now() - make_interval(mins => ?)
                  where practice_id = ? and source = ? and member_id =
                    (select id from members where practice_id = ? and member_number = ?)""",
                  flag[3],
                  Integer.valueOf(flag[2]),
                  office.id(),
                  flag[1],
                  office.id(),
                  flag[0]);
        }
        String base = "/console/" + office.name;
        Visitor desk = staff(office, Role.FRONT_DESK);
        String next = base + "/members/A1/next?list=flagged&source=open-dental";
        assertThat(location(desk.get(next)))
            .contains("/members/B1/compare", "id=" + other, "list=flagged");
        String gone = location(desk.get(next + "&only=CHART_GONE"));
        assertThat(gone).contains("/members/A1/compare", "source=second", "only=CHART_GONE");
        assertThat(location(desk.get(base + "/members/A1/next?list=flagged&source=second")))
            .endsWith("/flagged");
        String page = desk.get(gone.substring(gone.indexOf("/console"))).body();
        assertThat(page).contains("link?list=flagged&amp;only=CHART_GONE");
      }
    }
  }

  @Test
  void ofTwoChartsOfOnePersonEachReviewNamesTheOtherAndAllPagesGradeThemAlike() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Marlow");
      long one = office.chart(ada);
      long other = office.chart(ada);
      office.edit("update patient set HmPhone = '6142287009' where PatNum = ?", one);
      office.member("A1", ada);
      Someone bea = Someone.named("Bea", "Rutherford");
      long contested = office.chart(bea);
      office.member("B1", bea);
      office.member("B2", bea);
      office.open();
      assertThat(office.reviewOf(one)).isEqualTo("DUPLICATE_CHARTS");
      String base = "/console/" + office.name;
      Visitor desk = staff(office, Role.FRONT_DESK);

      String review =
          desk.get(
                  base
                      + "/reviews/"
                      + office.count(
                          "select r.id from reviews r join patients p on p.id = r.patient_id"
                              + " where r.practice_id = ? and r.closed_at is null"
                              + " and p.source_id = '"
                              + one
                              + "'"))
              .body();

      assertThat(review)
          .contains("No other member comes into question.")
          .contains("another chart, which seems to be the same person&#39;s, fits as well")
          .containsPattern("May be this member, too:[^§]*open-dental " + other + "<")
          .contains("same, and another")
          .doesNotContain("differs");
      assertThat(
              office.count(
                  "select count(*) from audit where practice_id = ? and action = 'saw review'"
                      + " and detail like '%open-dental/"
                      + other
                      + "%'"))
          .isEqualTo(1);
      String compared = desk.get(base + "/members/A1/compare?source=open-dental&id=" + one).body();
      String candidates = desk.get(base + "/members/A1/link").body();
      List<String> file = desk.get(base + "/onboarding/left.csv").body().lines().toList();
      assertThat(List.of(review, compared))
          .allSatisfy(page -> assertThat(page).contains(">probable<"));
      assertThat(candidates).contains(">probable<").doesNotContain(">certain<");
      assertThat(file).anyMatch(line -> line.contains(",probable,"));
      assertThat(file).noneMatch(line -> line.contains(",certain,"));

      // A search for a stored member's chart knows the other member, too.
      String twice =
          desk.get(base + "/members/B1/compare?source=open-dental&id=" + contested).body();
      assertThat(List.of(twice, desk.get(base + "/members/B1/link").body()))
          .allSatisfy(
              page ->
                  assertThat(page)
                      .contains(">probable<", "another member, who seems to be the same person")
                      .doesNotContain(">certain<"));

      // Where nobody is found, there is no head of a table.
      HttpResponse<String> none = desk.post(base + "/patients", "q", "nobody of that name");
      assertThat(none.body()).contains("Nobody is found by that.").doesNotContain("<thead>");
    }
  }

  private void insertReview(Office office, long chart, String member, double score) {
    engine
        .store()
        .update(
            """
            insert into reviews (practice_id, patient_id, reason, candidates, rules_version)
            select practice_id, id, 'NOT_CERTAIN',
              jsonb_build_array(
                jsonb_build_object('memberNumber', 'Z9',
                                   'comparison', jsonb_build_object('score', 99)),
                jsonb_build_object('memberNumber', ?::text,
                                   'comparison', jsonb_build_object('score', ?::float8))), 'test'
            from patients where practice_id = ? and source_id = ?""",
            member,
            score,
            office.id(),
            String.valueOf(chart));
  }

  @Test
  void unlinkedMembersStandWithTheChartsMostLikeThemOrWithWhyThereIsNone() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      String[] names = {"Weak", "Weaker", "Strong", "Fair"};
      double[] scores = {1, -2, 9, 3};
      List<Long> charts = new ArrayList<>();
      for (String name : names) {
        charts.add(office.chart(Someone.named(name, "Chart")));
      }
      office.member("U1", Someone.named("Ulla", "Nobody"));
      office.member("U2", new Someone("Hardly", "", "", "", "", ""));
      office.member("U3", Someone.named("Una", "Nowhere"));
      office.open();
      for (int i = 0; i < names.length; i++) {
        insertReview(office, charts.get(i), "U1", scores[i]);
      }
      Visitor desk = staff(office, Role.FRONT_DESK);

      String page = desk.get("/console/" + office.name + "/members?show=unlinked").body();

      assertThat(page).containsSubsequence("Strong Chart", "Fair Chart", "Weak Chart");
      assertThat(page).doesNotContain("Weaker Chart");
      assertThat(page)
          .containsSubsequence(
              "U2",
              "too little is known of them to look for a chart",
              "U3",
              "no free chart is found that may be theirs");
      List<String> file =
          desk.get("/console/" + office.name + "/onboarding/left.csv").body().lines().toList();
      assertThat(file)
          .anyMatch(line -> line.startsWith("member not linked,too little is known"))
          .anyMatch(line -> line.startsWith("member not linked,no free chart is found"));
    }
  }

  @Test
  void listsOfDoubtsAndDuplicatesShowWhoTheyAreAbout() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Thistlewood");
      Someone emma = Someone.named("Emma", "Greenlaw");
      office.chart(ada);
      office.member("A1", ada);
      office.member("E1", emma);
      office.member("E2", emma);
      office.open();
      engine
          .store()
          .update(
              "update links set flag_reason = 'LINK_DRIFTED', flagged_at = now()"
                  + " where practice_id = ?",
              office.id());
      org.awaitility.Awaitility.await()
          .atMost(Office.LONGEST)
          .until(
              () -> office.count("select count(*) from duplicates where practice_id = ?"),
              found -> found == 1);
      String base = "/console/" + office.name;
      Visitor desk = staff(office, Role.FRONT_DESK);

      assertThat(desk.get(base + "/flagged").body())
          .containsSubsequence("Ada Thistlewood", day(ada), "A1", "Ada Thistlewood", day(ada));
      assertThat(desk.get(base + "/duplicates").body())
          .containsSubsequence("Emma Greenlaw", day(emma), "E1", "Emma Greenlaw", "E2");
      long finding = office.count("select id from duplicates where practice_id = ?");
      desk.post(base + "/duplicates/" + finding + "/not-same", "reason", "twins");
      assertThat(desk.get(base + "/duplicates/told-apart").body())
          .containsSubsequence("Emma Greenlaw", day(emma), "E1", "Emma Greenlaw", "E2", "twins");
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select detail from audit where practice_id = ? and action like 'listed%'",
                      String.class, office.id()))
          .as("whom they showed, by their ids alone")
          .containsExactlyInAnyOrder(
              "1 links: open-dental/1, A1", "1 findings: E1, E2", "1 findings: E1, E2");
    }
  }

  private static String day(Someone who) {
    String[] parts = who.birthDate().split("-");
    return parts[1] + "/" + parts[2] + "/" + parts[0];
  }

  /** Whatever a form is sent to may be opened anew: from the browser's list, or in another tab. */
  @Test
  void theAddressOfAFormLeadsToItsPage() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone rosa = Someone.named("Rosa", "Merriweather");
      long chart = office.chart(rosa);
      long other = office.chart(Someone.named("Sam", "Elsewhere"));
      office.member("R-1.a", rosa);
      office.open();
      Visitor person = staff(office, Role.MANAGER);
      String base = "/console/" + office.name;
      Set<String> shown = new HashSet<>();
      Set<String> sentTo = new HashSet<>();
      engine
          .bean(RequestMappingHandlerMapping.class)
          .getHandlerMethods()
          .keySet()
          .forEach(
              mapping ->
                  (mapping.getMethodsCondition().getMethods().contains(RequestMethod.POST)
                          ? sentTo
                          : shown)
                      .addAll(mapping.getPatternValues()));
      sentTo.removeIf(path -> !path.startsWith("/console/{practice}/") || shown.contains(path));
      assertThat(sentTo).hasSizeGreaterThan(10);
      for (String path : sentTo) {
        String address =
            path.replace("{practice}", office.name)
                .replace("{number}", "R-1.a")
                .replaceAll("\\{[a-z]+}", "1");
        assertThat(person.get(address).statusCode()).as(path).isEqualTo(302);
      }
      String pair = "?source=open-dental&id=" + chart;
      assertThat(location(person.get(base + "/members/R-1.a/not-same" + pair)))
          .endsWith("/members/R-1.a/compare" + pair);
      assertThat(location(person.get(base + "/members/R-1.a/fields"))).endsWith("/members/R-1.a");
      assertThat(location(person.get(base + "/letters/7/edit"))).endsWith("/letters/7");
      assertThat(person.get(base + "/members/R-1.a/explode").statusCode()).isEqualTo(404);

      // A page that answered a form is of the address to which the form was sent.
      String patient = base + "/patient?source=open-dental&id=" + other;
      HttpResponse<String> page = person.get(patient);
      assertThat(page.body()).contains("action=\"" + patient.replace("&", "&amp;"));
      page = person.get(base + "/members/R-1.a/compare" + pair);
      String same = base + "/members/R-1.a/same" + pair;
      assertThat(page.body()).contains("action=\"" + same.replace("&", "&amp;"));
      assertThat(person.post(same, "reason", "").body()).contains("Say why");
      assertThat(location(person.get(same))).endsWith("/compare" + pair);
    }
  }

  // ---- Dead letters ----

  @Test
  void whatASearchFindsIsDiscardedAndANoteThatIsRefusedIsKept() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Engine.rewrite(office.mapping("patient.jslt"), "\"chartNumber\"", "\"chartNumbre\"");
      office.chart(Someone.named("Ines", "Caldwell"));
      office.open();
      long letter = office.letters().get(0).id();
      Visitor support = staff(office, Role.SUPPORT);
      String base = "/console/" + office.name + "/letters";
      support.get(base);

      assertThat(support.post(base, "deed", "discard", "search", "true", "which", "whole").body())
          .contains("Discard 1 letter?", "All open ones that the search finds.");

      String note = "asked the vendor " + "x".repeat(1_000);
      String back =
          location(support.post(base, "deed", "note", "letter", "" + letter, "note", note));
      assertThat(support.get(back.substring(back.indexOf("/console"))).body())
          .contains("value=\"asked the vendor xxx");
    }
  }

  // ---- A member's page ----

  @Test
  void aMembersPageSaysWhoVerifiedWhereValuesComeFromAndWhatItLeavesOut() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Hollingworth");
      Someone bea = Someone.named("Bea", "Hollingworth");
      long one = office.chart(ada);
      long other = office.chart(bea);
      office.member("A1", ada.withEmail(""));
      office.open();
      assertThat(office.memberOf(one)).isEqualTo("A1");
      String base = "/console/" + office.name;
      Visitor desk = staff(office, Role.MANAGER);
      String page = desk.get(base + "/members/A1").body();
      assertThat(page)
          .contains("not verified by anybody", "from the PMS, open-dental/" + one + ",")
          .contains("as it was when the member was added");

      String at = base + "/patient?source=open-dental&id=" + other;
      String once = hidden(desk.get(at), "once").get(0);
      String[] form = form(bea, "source", "open-dental", "id", "" + other, "once", once);
      String added = location(desk.post(base + "/patient", form));
      assertThat(location(desk.post(base + "/patient", form)))
          .as("a second click")
          .isEqualTo(added);
      page = desk.get(added.substring(added.indexOf("/console"))).body();
      assertThat(page)
          .contains(">verified</span>")
          .doesNotContain("not verified by anybody")
          .containsPattern("id=\"from-FAMILY\">from manager-p\\d+, just now<");

      // Both have a chart of the same PMS.
      String b = office.memberOf(other);
      assertThat(desk.get(base + "/members/A1/merge?with=" + b).body())
          .contains("Both are linked in open-dental", "those of the other one do not come along");
      String back = location(desk.get(base + "/members/A1/merge?with=A17"));
      assertThat(back).endsWith("/members/A1");
      assertThat(desk.get(back.substring(back.indexOf("/console"))).body())
          .contains("There is no member of that number");

      engine
          .store()
          .update(
              """
              insert into member_changes (practice_id, member_id, field, before, after, actor)
              select m.practice_id, m.id, 'CITY', 'a', 'b', 'ana'
              from members m, generate_series(1, 201) where m.practice_id = ?
                and m.member_number = 'A1'""",
              office.id());
      assertThat(desk.get(base + "/members/A1").body()).contains("The last 200; what was before");
    }
  }

  /** The form of a member's page as a browser sends it, with other values than it shows. */
  private static String[] memberForm(HttpResponse<String> page, String... typed) {
    Map<String, String> form = new LinkedHashMap<>();
    String body = page.body();
    int from = body.indexOf("name=\"version\"");
    Matcher inputs =
        Pattern.compile("<input[^>]*>").matcher(body.substring(from - 30, body.indexOf(">Save<")));
    while (inputs.find()) {
      String input = inputs.group();
      if (!input.contains("checkbox") || input.contains("checked")) {
        form.put(attribute(input, "name"), attribute(input, "value"));
      }
    }
    for (int i = 0; i < typed.length; i += 2) {
      form.put(typed[i], typed[i + 1]);
    }
    return form.entrySet().stream()
        .flatMap(e -> Stream.of(e.getKey(), e.getValue()))
        .toArray(String[]::new);
  }

  private static String attribute(String input, String name) {
    Matcher found = Pattern.compile(" " + name + "=\"([^\"]*)\"").matcher(input);
    return found.find() ? found.group(1) : "";
  }

  private static String input(HttpResponse<String> page, String name) {
    Matcher found = Pattern.compile("<input[^>]* name=\"" + name + "\"[^>]*>").matcher(page.body());
    assertThat(found.find()).as(name).isTrue();
    return found.group();
  }

  @Test
  void whatSomebodyHasTypedOfAMemberIsKeptWhenItIsRefused() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Someone elsa = Someone.named("Elsa", "Thornbury");
      office.member("E1", elsa);
      Visitor desk = staff(office, Role.FRONT_DESK);
      Visitor other = staff(office, Role.FRONT_DESK);
      String at = "/console/" + office.name + "/members/E1";
      HttpResponse<String> page = desk.get(at);

      HttpResponse<String> refused =
          desk.post(
              at + "/fields",
              memberForm(
                  page,
                  "GIVEN",
                  "Elsabeth",
                  "BIRTH_DATE",
                  "12/30/1980",
                  "lock-CITY",
                  "on",
                  "reason",
                  "she called"));

      assertThat(refused.body()).contains("The birth date is no day");
      assertThat(input(refused, "BIRTH_DATE"))
          .contains("value=\"12/30/1980\"", "aria-invalid=\"true\"");
      assertThat(input(refused, "GIVEN")).contains("Elsabeth").doesNotContain("aria-invalid");
      assertThat(input(refused, "lock-CITY")).contains("checked");
      assertThat(input(refused, "reason\" maxlength=\"500\" autocomplete=\"off"))
          .contains("she called");

      // Somebody else is quicker.
      assertThat(
              location(
                  other.post(
                      at + "/fields",
                      memberForm(
                          other.get(at),
                          "CITY",
                          "Dayton",
                          "EMAIL",
                          "new@example.org",
                          "lock-EMAIL",
                          "on"))))
          .endsWith("/members/E1");
      HttpResponse<String> outdated =
          desk.post(
              at + "/fields",
              memberForm(refused, "BIRTH_DATE", elsa.birthDate(), "CITY", "Toledo"));

      assertThat(outdated.body()).contains("has changed this member meanwhile");
      assertThat(input(outdated, "GIVEN")).contains("Elsabeth");
      assertThat(input(outdated, "CITY")).contains("Toledo");
      assertThat(outdated.body())
          .contains("Changed meanwhile to Dayton.")
          .contains("Changed meanwhile; it was " + elsa.email() + ". Kept since meanwhile.");
      assertThat(input(outdated, "EMAIL")).contains("new@example.org");

      assertThat(location(desk.post(at + "/fields", memberForm(outdated)))).endsWith("/members/E1");
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select given || ' ' || city || ' ' || email || ' ' || locked_fields::text"
                          + " from members where practice_id = ?",
                      String.class,
                      office.id()))
          .containsExactly("Elsabeth Toledo new@example.org {EMAIL,CITY}");
      assertThat(
              office.count(
                  "select count(*) from member_changes where practice_id = ?"
                      + " and actor like 'front-desk%' and reason = 'she called'"))
          .as("changed are the fields that were typed into")
          .isEqualTo(2);
    }
  }

  @Test
  void theReasonOfADecisionThatIsRefusedIsKept() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Larkspur");
      long chart = office.chart(ada);
      office.member("A1", ada);
      office.member("A2", ada);
      office.open();
      Visitor desk = staff(office, Role.MANAGER);
      String base = "/console/" + office.name + "/members/A1";
      desk.get(base);
      assertThat(
              desk.post(
                      base + "/same",
                      "source",
                      "open-dental",
                      "id",
                      "" + chart,
                      "seen",
                      "another",
                      "reason",
                      "asked at the desk")
                  .body())
          .contains("value=\"asked at the desk\"");
      assertThat(
              desk.post(
                      base + "/merge",
                      "with",
                      "A2",
                      "version",
                      "77",
                      "otherVersion",
                      "77",
                      "stays",
                      "other",
                      "reason",
                      "typed twice")
                  .body())
          .contains("value=\"typed twice\"")
          .containsPattern("name=\"stays\" value=\"other\" checked");
    }
  }

  @Test
  void aSearchForMembersSaysThatThereAreMore() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      for (int i = 100; i < 151; i++) {
        office.member("S" + i, Someone.named("Sam", "Manifold"));
      }
      Visitor desk = staff(office, Role.FRONT_DESK);
      String at = "/console/" + office.name + "/members";
      desk.get(at);

      assertThat(desk.post(at, "q", "manifold").body())
          .contains("The first 50 by number; there are more.");
      assertThat(desk.post(at, "q", "manifold S150").body())
          .contains("S150")
          .doesNotContain("there are more");
    }
  }
}
