package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.pmslink.pipeline.Visitor.location;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.Actor;
import org.pmslink.access.Audit;
import org.pmslink.access.Right;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.Plans;
import org.pmslink.membership.RefusedException;
import org.pmslink.office.Applicant;
import org.pmslink.office.MemberDesk;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** What the office's pages say and do, asked for as a browser does, without one. */
@ExtendWith(Pipeline.class)
class OfficePagesTest {

  private final Engine engine;
  private final OpenDentalServer pms;

  OfficePagesTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private Visitor staff(Office office, Role role) throws Exception {
    return Visitor.signedIn(engine, office.name, role);
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
  void contactDataThatCannotBeUsedAreRefusedWhereverTheyAreTyped() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Someone nora = Someone.named("Nora", "Ashdown");
      Visitor desk = staff(office, Role.FRONT_DESK);
      String at = "/console/" + office.name + "/members";
      desk.get(at + "/new");
      for (List<String> wrong :
          List.of(
              List.of("phoneHome", "PHONE_HOME", "12", "The telephone is no number"),
              List.of("email", "EMAIL", "x@y", "The e-mail is no address"),
              List.of("postalCode", "POSTAL_CODE", "zip", "The ZIP code has five digits"),
              List.of("gender", "GENDER", "banana", "The sex is female"))) {
        Someone typed = nora.withEmail(wrong.get(1).equals("EMAIL") ? wrong.get(2) : "");
        assertThat(desk.post(at + "/new", form(typed, wrong.get(0), wrong.get(2))).body())
            .contains(wrong.get(3));
        assertThat(members(office)).isZero();
      }

      office.member("N1", nora);
      HttpResponse<String> page = desk.get(at + "/N1");
      assertThat(page.body()).contains("<select name=\"GENDER\"", "<option value=\"female\"");
      for (List<String> wrong :
          List.of(
              List.of("PHONE_HOME", "call me", "The telephone is no number"),
              List.of("EMAIL", "nobody", "The e-mail is no address"),
              List.of("POSTAL_CODE", "zip", "The ZIP code has five digits"),
              List.of("GENDER", "banana", "The sex is female"))) {
        HttpResponse<String> refused =
            desk.post(at + "/N1/fields", memberForm(page, wrong.get(0), wrong.get(1)));
        assertThat(refused.body()).contains(wrong.get(2), "aria-invalid=\"true\"");
      }
      assertThat(
              location(
                  desk.post(
                      at + "/N1/fields",
                      memberForm(
                          page,
                          "GENDER",
                          "female",
                          "PHONE_HOME",
                          "+43 1 58858-0",
                          "STATE",
                          "Wien",
                          "POSTAL_CODE",
                          "A-1040"))))
          .endsWith("/members/N1");
      assertThat(desk.get(at + "/N1").body())
          .contains("value=\"female\" selected=\"selected\"", "A-1040");
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

  private static String dialled(Someone who) {
    return who.mobile().replaceFirst("(\\d{3})(\\d{3})(\\d{4})", "($1) $2-$3");
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
            .contains("value=\"" + dialled(now) + "\"", "value=\"" + now.family() + "\"");
        if (role == Role.MANAGER) {
          assertThat(outdated.body())
              .contains("Your form had: Odette", "Your form had: " + moved.email());
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
          .containsPattern("id=\"from-FAMILY\">from manager-v\\d+, just now<");

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
          .contains("Changed meanwhile; it was " + elsa.email() + ". Set to be kept meanwhile.");
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
      long plan =
          engine
              .bean(Plans.class)
              .add(
                  office.name,
                  "Adults",
                  List.of(new Plans.Entitlement("Exams", new TreeSet<>(Set.of("D0120")), 2)),
                  "ana");
      Visitor desk = staff(office, Role.MANAGER);
      String base = "/console/" + office.name + "/members/A1";
      desk.get(base);
      String back =
          location(
              desk.post(
                  base + "/plan",
                  "plan",
                  "" + plan,
                  "startsOn",
                  "soon",
                  "status",
                  "paused",
                  "reason",
                  "sold at the desk"));
      assertThat(desk.get(back.substring(back.indexOf("/console"))).body())
          .contains("Choose one of the plans", "value=\"sold at the desk\"")
          .contains("<option value=\"paused\" selected");
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

  // ---- Times ----

  @Test
  void timesAndDaysAreThoseOfTheOffice() throws Exception {
    try (Office office = Office.at(engine, pms).with("officeZone", "America/New_York").open()) {
      Visitor auditor = staff(office, Role.AUDITOR);
      String at = "/console/" + office.name + "/audit";
      engine.bean(Audit.class).note(office.name, "anna", "saw member", "N1");
      Instant noted =
          Objects.requireNonNull(
                  engine
                      .store()
                      .queryForObject(
                          "select max(at) from audit where practice_id = ?",
                          Timestamp.class,
                          office.id()))
              .toInstant();

      assertThat(auditor.get(at).body())
          .contains(
              DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm z", Locale.US)
                  .format(noted.atZone(ZoneId.of("America/New_York"))))
          .contains("From (ET)")
          .doesNotContain("UTC");

      // Where it is another day than in UTC, whatever the hour.
      String far =
          noted.atOffset(ZoneOffset.UTC).getHour() < 11 ? "Pacific/Niue" : "Pacific/Kiritimati";
      LocalDate there = LocalDate.ofInstant(noted, ZoneId.of(far));
      LocalDate utc = LocalDate.ofInstant(noted, ZoneOffset.UTC);
      engine
          .store()
          .update("update feeds set office_zone = ? where practice_id = ?", far, office.id());
      assertThat(there).isNotEqualTo(utc);
      String only = at + "?action=saw+member&since=%1$s&until=%1$s";
      assertThat(auditor.get(only.formatted(there)).body()).contains("N1");
      assertThat(auditor.get(only.formatted(utc)).body()).contains("None.");

      Visitor it = staff(office, Role.IT);
      String month =
          it.get("/console/" + office.name + "/feeds/" + office.name + "?span=month").body();
      assertThat(month).contains(there + " 00:00 ").doesNotContain("UTC");
    }
  }

  // ---- Words ----

  private static HttpResponse<String> follow(Visitor who, HttpResponse<String> answer)
      throws Exception {
    return who.get(location(answer).replaceFirst("^https?://[^/]+", ""));
  }

  @Test
  void whatIsTakenBackSaysHowTheTwoAreLinkedThen() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Lindqvist");
      long own = office.chart(ada);
      long other = office.chart(Someone.named("Bea", "Overstreet"));
      office.member("L1", ada);
      office.open();
      assertThat(office.memberOf(own)).isEqualTo("L1");
      Visitor manager = staff(office, Role.MANAGER);
      String base = "/console/" + office.name + "/members/L1";
      String pair = "source=open-dental&id=" + other;
      String seen = hidden(manager.get(base + "/compare?" + pair), "seen").get(0);
      HttpResponse<String> linked =
          follow(
              manager,
              manager.post(base + "/same?" + pair, "seen", seen, "reason", "asked the patient"));
      assertThat(office.memberOf(other)).isEqualTo("L1");

      HttpResponse<String> back =
          follow(
              manager,
              manager.post(
                  base + "/take-back?" + pair, "verdict", hidden(linked, "verdict").get(0)));

      assertThat(office.memberOf(own)).isEqualTo("L1");
      assertThat(back.body())
          .contains("Taken back. Member L1 is linked to chart " + own + ", as before.")
          .doesNotContain("decide about it again");

      seen = hidden(manager.get(base + "/compare?" + pair), "seen").get(0);
      linked =
          follow(
              manager,
              manager.post(base + "/not-same?" + pair, "seen", seen, "reason", "two people"));
      assertThat(
              follow(
                      manager,
                      manager.post(
                          base + "/take-back?" + pair, "verdict", hidden(linked, "verdict").get(0)))
                  .body())
          .contains("Taken back. Member L1 is linked to chart " + own + ", as before.");
      // The front desk learns who can unlink what is certain.
      Visitor desk = staff(office, Role.FRONT_DESK);
      assertThat(desk.get(base + "/compare?source=open-dental&id=" + own).body())
          .contains("Yes, verified", "a manager can unlink them")
          .doesNotContain("No, unlink");
    }
  }

  @Test
  void aTelephoneIsWrittenInOneWayAndIsNoChangeWhenItIsLeft() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ada = Someone.named("Ada", "Telford").withMobile("6142287006");
      long chart = office.chart(ada);
      Someone bea = Someone.named("Bea", "Quillfeather");
      office.member("T1", bea.withMobile("(614) 228-7117"));
      office.member("T2", bea.withMobile("+16142287117"));
      office.open();
      Visitor manager = staff(office, Role.MANAGER);
      String base = "/console/" + office.name;
      String at = base + "/patient?source=open-dental&id=" + chart;
      HttpResponse<String> page = manager.get(at);
      assertThat(page.body()).contains("value=\"(614) 228-7006\"").doesNotContain("+1614");
      HttpResponse<String> added =
          manager.post(
              at,
              form(
                  ada.withMobile("(614) 228-7006"),
                  "city",
                  ada.city(),
                  "once",
                  hidden(page, "once").get(0),
                  "prefilled",
                  hidden(page, "prefilled").get(0)));
      String member = location(added).replaceFirst(".*/", "");
      HttpResponse<String> shown = follow(manager, added);
      assertThat(shown.body()).contains("value=\"(614) 228-7006\"").doesNotContain("and locked");
      String kept =
          "select count(*) from members where practice_id = ? and locked_fields = '{}'"
              + " and phone_mobile = '+16142287006'";
      assertThat(office.count(kept)).isEqualTo(1);

      manager.post(
          base + "/members/" + member + "/fields",
          "version",
          hidden(shown, "version").get(0),
          "PHONE_MOBILE",
          "(614) 228-7006",
          "PREFERRED",
          "Addie");

      assertThat(office.count(kept)).isEqualTo(1);
      assertThat(
              office.count(
                  "select count(*) from members where practice_id = ? and preferred = 'Addie'"))
          .isEqualTo(1);
      assertThat(manager.get(base + "/members/T1/merge?with=T2").body())
          .doesNotContain("name=\"PHONE_MOBILE\"", "+16142287117");
    }
  }

  @Test
  void theDeskIsToldWhatWasDoneAndWhoDoesTheRest() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      Visitor desk = staff(office, Role.FRONT_DESK);
      String base = "/console/" + office.name;
      HttpResponse<String> empty = desk.get(base + "/members/new");
      assertThat(empty.body()).contains("a manager makes plans under Plans");
      Someone nora = Someone.named("Nora", "Ashbrook");

      HttpResponse<String> added =
          follow(
              desk,
              desk.post(base + "/members/new", form(nora, "once", hidden(empty, "once").get(0))));

      assertThat(added.body()).contains("Added.", "No plan is sold yet: a manager makes plans");
      assertThat(desk.get(base + "/plans").body()).contains("A manager makes them");
      assertThat(desk.get(base + "/feeds").body())
          .contains("Whoever administers users can give you the right to it.");
      assertThat(desk.get(base + "/members").body())
          .containsPattern("href=\"" + base + "/members\" aria-current=\"page\"")
          .doesNotContain("href=\"" + base + "/reviews\" aria-current");
      assertThat(desk.get(base + "/flagged").body())
          .contains("href=\"" + base + "/reviews\" aria-current=\"page\"");
      assertThat(desk.get(base).body()).contains("href=\"" + base + "\" aria-current=\"page\"");
    }
  }

  @Test
  void aPatientIsFoundByNicknameByYearAndByANameThatIsSplit() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone liz = Someone.named("Elizabeth", "Smithfield");
      office.chart(liz);
      Someone tony = Someone.named("Anthony", "Smithfield");
      office.chart(tony);
      office.chart(Someone.named("Joan", "McKelvey"));
      office.chart(Someone.named("Rosa", "Delacruz"));
      office.chart(Someone.named("Pat", "O'Brien"));
      office.member("S1", Someone.named("Robert", "Smithfield"));
      office.open();
      Visitor desk = staff(office, Role.FRONT_DESK);
      String at = "/console/" + office.name + "/patients";
      desk.get(at);
      Map<String, String> found = new LinkedHashMap<>();
      found.put("liz smithfield", "Elizabeth Smithfield");
      found.put("smithfield, beth", "Elizabeth Smithfield");
      found.put("tony smithfield " + tony.birthDate().substring(0, 4), "Anthony Smithfield");
      found.put("mc kelvey", "Joan McKelvey");
      found.put("kelvey joan mc", "");
      found.put("de la cruz", "Rosa Delacruz");
      found.put("o brien", "Pat O&#39;Brien");
      found.put("liz smithfield 1901", "");
      for (Map.Entry<String, String> typed : found.entrySet()) {
        String body = desk.post(at, "q", typed.getKey()).body();
        List<String> names =
            Pattern.compile("id=\\d+\">([^<]+)</a>")
                .matcher(body)
                .results()
                .map(match -> match.group(1))
                .toList();
        assertThat(names)
            .as(typed.getKey())
            .isEqualTo(typed.getValue().isEmpty() ? List.of() : List.of(typed.getValue()));
      }
      assertThat(
              desk.post(
                      "/console/" + office.name + "/members", "q", "bob smithfield", "show", "all")
                  .body())
          .contains("/members/S1");
      // A ZIP code alone is taken for a chart's number: the page says so.
      assertThat(desk.post(at + "/ask", "q", "45202").body())
          .contains("Asked for the chart with the number 45202, and for nothing else");
    }
  }

  @Test
  void aFeedThatIsSentItsRecordsSaysWhatCameAndOffersNoTrial() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      HttpClient http = HttpClient.newHttpClient();
      String body =
          "{\"patients\": [{\"sourceId\": \"1\", \"status\": \"ACTIVE\", \"family\":"
              + " \"Pushwell\", \"given\": \"Ada\", \"birthDate\": \"1980-02-03\"}]}";
      assertThat(
              http.send(
                      HttpRequest.newBuilder(URI.create(engine.url() + "/in/" + practice.name))
                          .header("Authorization", "Bearer " + practice.token())
                          .header("Content-Type", "application/json")
                          .POST(HttpRequest.BodyPublishers.ofString(body))
                          .build(),
                      HttpResponse.BodyHandlers.ofString())
                  .statusCode())
          .isEqualTo(202);
      practice.awaitSettled();
      Visitor manager = Visitor.signedIn(engine, practice.name, Role.MANAGER);
      Visitor itStaff = Visitor.signedIn(engine, practice.name, Role.IT);

      assertThat(manager.get("/console/" + practice.name + "/onboarding").body())
          .contains("first load: none, the PMS sends its records", "<dd>1 record</dd>")
          .doesNotContain("<dt>Read</dt>", "not begun");
      assertThat(
              itStaff.get("/console/" + practice.name + "/feeds/" + practice.name + "/file").body())
          .contains("there is nothing to read for a trial")
          .doesNotContain("value=\"dry-run");
    }
  }

  @Test
  void codesAreSaidInWords() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(Someone.named("Ada", "Codebury"));
      office.edit("update patient set PatStatus = 1 where PatNum = ?", chart);
      Someone bea = Someone.named("Bea", "Codebury");
      long linked = office.chart(bea);
      office.member("C1", bea);
      long tooLong = office.chart(Someone.named("Zed", "Faraway"));
      office.edit("alter table patient modify Address text");
      office.edit("update patient set Address = repeat('x', 11000) where PatNum = ?", tooLong);
      office.open();
      String base = "/console/" + office.name;
      Visitor desk = staff(office, Role.FRONT_DESK);
      assertThat(desk.get(base + "/patient?source=open-dental&id=" + chart).body())
          .contains(">not a patient</span>");
      assertThat(desk.get(base + "/members/C1/compare?source=open-dental&id=" + linked).body())
          .contains("in points", ">Last name</th>", "any two people")
          .doesNotContain("in bits", "prior", ">family<", "below cap");
      Users users = engine.bean(Users.class);
      String login = "guessed-" + UUID.randomUUID();
      String first = users.add(login);
      assertThatThrownBy(() -> users.changePassword(login, first, "abababababababababab"))
          .hasMessageContaining("fewer than 5 different characters");
      assertThatThrownBy(() -> users.changePassword(login, first, "my name is " + login))
          .hasMessageContaining("the name that you sign in with is part of it");

      // Where no letter found is open, there is nothing to replay or to discard.
      Visitor support = staff(office, Role.SUPPORT);
      String found = base + "/letters/find?record=" + tooLong;
      assertThat(support.get(found).body()).contains("value=\"replay\"", "name=\"letter\"");
      office.edit("update patient set Address = '1 Main St' where PatNum = ?", tooLong);
      office.sync();
      assertThat(support.get(found).body())
          .contains("resolved")
          .doesNotContain("value=\"replay\"", "value=\"discard\"", "name=\"letter\"");
    }
  }

  @Test
  void theNextFreeNumberGoesOnFromThePracticesOwn() throws Exception {
    try (Office office = Office.at(engine, pms).open();
        Office fresh = Office.at(engine, pms).open()) {
      office.member("M000002", Someone.named("Ada", "Numberly"));
      office.member("M001199", Someone.named("Bea", "Numberly"));
      office.member("MX7", Someone.named("Cora", "Numberly"));
      for (String next : List.of("M001200", "M001201")) {
        assertThat(added(office)).endsWith("/members/" + next);
      }
      office.member("M999999", Someone.named("Dora", "Numberly"));
      assertThat(added(office)).endsWith("/members/M1000000");
      assertThat(added(fresh)).endsWith("/members/M0000001");
    }
  }

  private String added(Office office) throws Exception {
    Visitor desk = staff(office, Role.FRONT_DESK);
    String at = "/console/" + office.name + "/members/new";
    String once = hidden(desk.get(at), "once").get(0);
    return location(
        desk.post(at, form(Someone.named("Eve", "Nextly" + once.charAt(0)), "once", once)));
  }
}
