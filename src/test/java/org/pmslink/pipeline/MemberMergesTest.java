package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Member;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.MemberMerges;
import org.pmslink.membership.MemberMerges.Apart;
import org.pmslink.membership.MemberMerges.Choice;
import org.pmslink.membership.MemberMerges.Merge;
import org.pmslink.membership.Members;
import org.pmslink.membership.Memberships;
import org.pmslink.membership.Plans;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Verdicts;
import org.pmslink.membership.Verdicts.Verdict;
import org.pmslink.sample.OpenDentalServer;

@ExtendWith(Pipeline.class)
class MemberMergesTest {
  /** Of whom rules change all the while; each look takes a transaction of theirs. */
  private static final int MOST_LOOKS = 50;

  private static final Choice SURVIVORS = new Choice(Set.of(), Set.of(), false, false);

  private final Engine engine;
  private final OpenDentalServer pms;
  private final MemberMerges merges;
  private final Members members;
  private final Memberships memberships;
  private final Someone ines = Someone.named("Ines", "Caldwell");
  private final Someone inez = Someone.named("Inez", "Caldwell-Brandt");

  MemberMergesTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
    merges = engine.bean(MemberMerges.class);
    members = engine.bean(Members.class);
    memberships = engine.bean(Memberships.class);
  }

  private Member member(Office office, String number) {
    return members.find(office.name, number).orElseThrow();
  }

  private void merge(Office office, String survivor, String merged, Choice choice)
      throws RefusedException {
    merges.merge(
        office.name,
        survivor,
        member(office, survivor).version(),
        merged,
        member(office, merged).version(),
        choice,
        "maria",
        "entered twice");
  }

  private Apart takeApart(Office office, String member) throws RefusedException {
    Merge last = merges.of(office.name, member).get(0);
    return merges.takeApart(office.name, last.id(), "maria", "they are mother and daughter");
  }

  private void decide(Office office, long chart, String member, Verdict verdict) {
    engine
        .bean(Verdicts.class)
        .decide(
            office.name, "open-dental", String.valueOf(chart), member, verdict, "maria", "asked");
  }

  private long plan(Office office, String name) {
    return engine.bean(Plans.class).add(office.name, name, List.of(), "maria");
  }

  private List<String> plans(Office office, String member) {
    return memberships.of(office.name, member).stream()
        .map(m -> m.plan().name() + " " + m.status())
        .toList();
  }

  @Test
  void linkPlanFieldsAndHistoryOfTheOneThatGoesAreTheOthers() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(inez);
      office.member("M1", ines);
      office.member("M2", inez);
      office.open();
      assertThat(office.memberOf(chart)).isEqualTo("M2");
      memberships.start(
          office.name,
          "M2",
          plan(office, "Gold"),
          LocalDate.now(ZoneOffset.UTC),
          Memberships.Status.ACTIVE,
          "maria",
          "");
      String before = everything(office);

      merge(office, "M1", "M2", new Choice(EnumSet.of(Field.EMAIL), Set.of(), false, false));

      assertThat(office.memberOf(chart)).isEqualTo("M1");
      assertThat(office.historyOf(chart))
          .containsExactly("MADE CERTAIN", "ENDED MEMBER_MERGED", "MOVED MEMBER_MERGED");
      assertThat(plans(office, "M1")).containsExactly("Gold ACTIVE");
      assertThat(member(office, "M1").fields())
          .containsEntry(Field.EMAIL, inez.email())
          .containsEntry(Field.GIVEN, "Ines");
      assertThat(member(office, "M2").removed()).isTrue();
      assertThat(engine.bean(MemberHistory.class).events(office.name, member(office, "M1")))
          .extracting(e -> e.what() + " " + e.actor())
          .contains("MADE rule", "MERGED maria", "STARTED maria");
      office.awaitSettled();
      assertThat(office.memberOf(chart)).as("whatever rules think of it").isEqualTo("M1");

      assertThat(takeApart(office, "M1")).isEqualTo(new Apart(0, 0));

      office.awaitSettled();
      assertThat(everything(office)).isEqualTo(before);
      assertThat(merges.of(office.name, "M1")).isEmpty();
    }
  }

  @Test
  void whereBothHaveALinkAndAPlanThePersonChooses() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long one = office.chart(ines);
      long other = office.chart(inez);
      office.member("M1", ines);
      office.member("M2", inez);
      office.open();
      memberships.start(
          office.name,
          "M1",
          plan(office, "Silver"),
          LocalDate.now(ZoneOffset.UTC),
          Memberships.Status.ACTIVE,
          "maria",
          "");
      memberships.start(
          office.name,
          "M2",
          plan(office, "Gold"),
          LocalDate.now(ZoneOffset.UTC),
          Memberships.Status.ACTIVE,
          "maria",
          "");
      String before = everything(office);

      merge(office, "M1", "M2", new Choice(Set.of(), Set.of("open-dental"), true, false));

      assertThat(office.memberOf(other)).isEqualTo("M1");
      assertThat(office.memberOf(one)).isEmpty();
      assertThat(plans(office, "M1")).containsExactly("Gold ACTIVE", "Silver ENDED");
      office.awaitSettled();

      takeApart(office, "M2");
      office.awaitSettled();
      assertThat(everything(office)).isEqualTo(before);
    }
  }

  /** Two would run where one was sold: whose the later one is, nobody has said. */
  @Test
  void aPlanThatBeganSinceEndsAndThePersonIsTold() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("M1", ines);
      office.member("M2", inez);
      office.open();
      start(office, "M2", plan(office, "Gold"), "maria");
      String before = everything(office);
      merge(office, "M1", "M2", SURVIVORS);
      memberships.step(
          office.name,
          "M1",
          memberships.current(office.name, "M1").orElseThrow().id(),
          Memberships.Step.END,
          "ana",
          "takes another");
      start(office, "M1", plan(office, "Silver"), "ana");
      assertThat(plans(office, "M1")).containsExactly("Silver ACTIVE", "Gold ENDED");

      assertThat(takeApart(office, "M1")).isEqualTo(new Apart(0, 1));

      assertThat(plans(office, "M2")).containsExactly("Gold ACTIVE");
      assertThat(plans(office, "M1")).as("it stays in the history").containsExactly("Silver ENDED");
      office.awaitSettled();
      assertThat(everything(office)).isEqualTo(before);
    }
  }

  private void start(Office office, String member, long plan, String actor)
      throws RefusedException {
    memberships.start(
        office.name,
        member,
        plan,
        LocalDate.now(ZoneOffset.UTC),
        Memberships.Status.ACTIVE,
        actor,
        "");
  }

  @Test
  void mergesOfOneMemberAreTakenBackInTheReverseOrder() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("M1", ines);
      office.member("M2", inez);
      office.member("M3", Someone.named("Ynes", "Caldwell"));
      office.member("M4", Someone.named("Agnes", "Caldwell"));
      office.open();
      String before = everything(office);
      merge(office, "M1", "M2", SURVIVORS);
      merge(office, "M1", "M3", SURVIVORS);
      merge(office, "M4", "M1", SURVIVORS);
      long first = merges.of(office.name, "M2").stream().map(Merge::id).findFirst().orElseThrow();

      assertThatThrownBy(() -> merges.takeApart(office.name, first, "maria", "no"))
          .isInstanceOf(RefusedException.class)
          .hasMessage("The member was merged into M4; take that back first.");
      takeApart(office, "M4");
      assertThatThrownBy(() -> merges.takeApart(office.name, first, "maria", "no"))
          .hasMessage("M3 was merged into the member later; take that back first.");
      assertThat(merges.of(office.name, "M1")).extracting(Merge::last).containsExactly(true, false);
      takeApart(office, "M3");
      takeApart(office, "M2");
      assertThatThrownBy(() -> merges.takeApart(office.name, first, "maria", "no"))
          .hasMessage("The two have been taken apart already.");

      office.awaitSettled();
      assertThat(everything(office)).isEqualTo(before);
    }
  }

  @Test
  void whoIsNoMemberOrWasChangedMeanwhileIsNotMerged() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("M1", ines);
      office.member("M2", inez);
      office.open();
      long seen = member(office, "M2").version();
      members.change(office.name, "M2", Map.of(Field.CITY, "Dayton"), "ana");
      String before = everything(office);

      assertThatThrownBy(
              () ->
                  merges.merge(
                      office.name,
                      "M1",
                      member(office, "M1").version(),
                      "M2",
                      seen,
                      SURVIVORS,
                      "maria",
                      "entered twice"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("meanwhile");
      assertThatThrownBy(() -> merge(office, "M1", "M1", SURVIVORS))
          .hasMessageContaining("two different members");
      members.remove(office.name, "M2", "ana", "moved away");
      assertThatThrownBy(() -> merge(office, "M1", "M2", SURVIVORS))
          .hasMessageContaining("two different members");
      assertThatThrownBy(() -> merges.takeApart("another-practice", 1, "maria", "no"))
          .hasMessageContaining("already");
      assertThat(before).contains("M1");
    }
  }

  @Test
  void whatWasSaidMeanwhileStaysSaidAndAChartOfAnotherStaysTheirs() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long one = office.chart(ines);
      long stranger = office.chart(Someone.named("Howard", "Vance"));
      office.member("M1", ines);
      office.member("M2", inez);
      office.member("M3", Someone.named("Ida", "Marsh"));
      office.open();
      merge(office, "M2", "M1", SURVIVORS);
      assertThat(office.memberOf(one)).isEqualTo("M2");
      decide(office, stranger, "M2", Verdict.NOT_SAME);
      decide(office, one, "M3", Verdict.SAME);

      assertThat(takeApart(office, "M2").linksLost())
          .as("links that could not be put back")
          .isEqualTo(1);

      office.awaitSettled();
      assertThat(office.memberOf(one)).isEqualTo("M3");
      for (String number : List.of("M1", "M2")) {
        assertThat(
                engine
                    .store()
                    .queryForList(
                        """
                        select p.source_id from verdicts v
                        join patients p on p.practice_id = v.practice_id and p.id = v.patient_id
                        where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null
                          and v.verdict = 'NOT_SAME'""",
                        String.class,
                        office.id(),
                        member(office, number).id()))
            .as("what %s is not", number)
            .containsExactly(String.valueOf(stranger));
      }
    }
  }

  @Test
  void aLinkOfTheOneThatTheyWereComesBackToNeither() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.member("M2", inez);
      office.open();
      String before = everything(office);
      merge(office, "M2", "M1", SURVIVORS);
      decide(office, chart, "M2", Verdict.NOT_SAME);
      takeApart(office, "M2");

      sayNothing(office);

      office.awaitSettled();
      assertThat(office.memberOf(chart)).as("by rules").isEqualTo("M1");
      assertThat(everything(office)).as("neither has the other's data").isEqualTo(before);
    }
  }

  @Test
  void whatTheChartBecameMeanwhileIsFollowedAfterwards() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.member("M2", inez);
      office.open();
      merge(office, "M2", "M1", SURVIVORS);
      members.change(office.name, "M2", Map.of(Field.GENDER, "F"), "ana");
      office.edit("update patient set Email = 'ines@new.example' where PatNum = ?", chart);
      office.sync();
      assertThat(member(office, "M2").fields()).containsEntry(Field.EMAIL, "ines@new.example");

      takeApart(office, "M1");

      assertThat(member(office, "M1").fields()).containsEntry(Field.EMAIL, "ines@new.example");
      assertThat(member(office, "M2").fields())
          .containsEntry(Field.EMAIL, inez.email())
          .doesNotContainKey(Field.GENDER);
    }
  }

  /** What the steps of a random run need to know of its practice. */
  private record Played(List<String> numbers, List<Long> charts, List<Long> sold, Random random) {
    <T> T any(List<T> some) {
      return some.get(random.nextInt(some.size()));
    }
  }

  /** 13 and 16 find links put back that were made while two were one; 1 to 4 do not. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 13, 16})
  void whateverIsMergedChangedAndTakenApartEndsAsItBegan(long seed) throws Exception {
    Random random = new Random(seed);
    try (Office office = Office.at(engine, pms).withActivity()) {
      List<String> numbers = new ArrayList<>();
      List<Long> charts = new ArrayList<>();
      for (int i = 1; i <= 7; i++) {
        Someone who = Someone.named(List.of("Ada", "Bea", "Cleo").get(i % 3), "Okonkwo" + i);
        office.member("M" + i, who);
        numbers.add("M" + i);
        if (i % 3 != 0) {
          charts.add(office.chart(who));
          office.edit(
              """
              insert into appointment (AptNum, PatNum, AptStatus, Pattern, ProvNum, AptDateTime)
              values (?, ?, 2, '/XX/', 1, '2026-03-02 09:00:00')""",
              910100 + i,
              charts.get(charts.size() - 1));
        }
      }
      office.open();
      List<Long> sold = List.of(plan(office, "Gold"), plan(office, "Silver"));
      start(office, "M1", sold.get(0), "maria");
      start(office, "M2", sold.get(1), "maria");
      lock(office, "M2", EnumSet.of(Field.EMAIL, Field.CITY));
      office.awaitSettled();
      String before = everything(office);
      List<Object[]> inThePms = office.pms().query(CONTACTS, MemberMergesTest::contacts);
      Played played = new Played(numbers, charts, sold, random);

      for (int step = 0; step < 30; step++) {
        List<String> survivors = survivors(office, numbers);
        if (survivors.isEmpty() || random.nextInt(3) == 0) {
          mergeAny(office, numbers, random);
        } else if (random.nextInt(4) == 0) {
          takeApart(office, played.any(survivors));
        } else {
          changeAny(office, played.any(survivors), played);
        }
      }
      // Whoever is taken apart may be one of more again.
      for (List<String> one = survivors(office, numbers);
          !one.isEmpty();
          one = survivors(office, numbers)) {
        takeApart(office, one.get(0));
      }
      sayNothing(office);
      for (Object[] chart : inThePms) {
        office.edit(
            "update patient set Email = ?, WirelessPhone = ?, City = ? where PatNum = ?", chart);
      }
      office.sync();
      assertThat(everything(office))
          .as(() -> String.join("\n", happened(office)))
          .isEqualTo(before);
    }
  }

  /** What was done and decided, in order, for whoever looks for the reason. */
  private List<String> happened(Office office) {
    return rows(
        office,
        """
        with p as (select ?::int as id)
        select what from (
          select c.at, c.id, 'link of ' || m.member_number || ' and chart ' || l.patient_id || ' '
                 || c.action || ' ' || c.actor || ' ' || c.reason as what
          from p join link_changes c on c.practice_id = p.id
          join links l on l.practice_id = p.id and l.id = c.link_id
          join members m on m.practice_id = p.id and m.id = l.member_id
          union all
          select t.at, g.id, t.what || ' ' || s.member_number || ' and ' || m.member_number
          from p join member_merges g on g.practice_id = p.id
          join members s on s.practice_id = p.id and s.id = g.survivor_id
          join members m on m.practice_id = p.id and m.id = g.merged_id
          cross join lateral (values (g.at, 'merged'), (g.undone_at, 'took apart')) as t (at, what)
          union all
          select t.at, v.id, t.what || ' ' || v.verdict || ' of chart ' || v.patient_id || ' and '
                 || m.member_number
          from p join verdicts v on v.practice_id = p.id
          join members m on m.practice_id = p.id and m.id = v.member_id
          cross join lateral (values (v.at, 'said'), (v.withdrawn_at, 'withdrew')) as t (at, what)
          union all
          select e.at, e.id, m.member_number || ' ' || e.action
          from p join member_events e on e.practice_id = p.id
          join members m on m.practice_id = p.id and m.id = e.member_id
          union all
          select d.decided_at, 0, 'decided chart ' || d.patient_id || ' ' || d.outcome || ' '
                 || d.reason
          from p join decisions d on d.practice_id = p.id) h
        where at is not null order by at, id""");
  }

  private static final String CONTACTS = "select Email, WirelessPhone, City, PatNum from patient";

  private static Object[] contacts(ResultSet row, int n) throws SQLException {
    return new Object[] {row.getString(1), row.getString(2), row.getString(3), row.getLong(4)};
  }

  /** Members into whom others were merged, and who were merged into nobody; removed ones, too. */
  private List<String> survivors(Office office, List<String> numbers) {
    return numbers.stream()
        .filter(
            n -> {
              List<Merge> of = merges.of(office.name, n);
              return !of.isEmpty() && of.stream().allMatch(m -> m.survivor().equals(n));
            })
        .toList();
  }

  /** Takes back whatever was said, the last first. */
  private void sayNothing(Office office) {
    Verdicts verdicts = engine.bean(Verdicts.class);
    String last =
        """
        select p.source_id || ' ' || m.member_number from verdicts v
        join patients p on p.practice_id = v.practice_id and p.id = v.patient_id
        join members m on m.practice_id = v.practice_id and m.id = v.member_id
        where v.practice_id = ? and v.withdrawn_at is null order by v.id desc limit 1""";
    for (List<String> said = rows(office, last); !said.isEmpty(); said = rows(office, last)) {
      String[] pair = said.get(0).split(" ");
      verdicts.withdraw(office.name, "open-dental", pair[0], pair[1], "maria", "taken back");
    }
  }

  private void mergeAny(Office office, List<String> numbers, Random random)
      throws RefusedException {
    List<String> active = numbers.stream().filter(n -> !member(office, n).removed()).toList();
    if (active.size() < 2) {
      return;
    }
    int one = random.nextInt(active.size());
    int other = (one + 1 + random.nextInt(active.size() - 1)) % active.size();
    Set<Field> fields = new HashSet<>();
    for (Field field : Field.values()) {
      if (random.nextBoolean()) {
        fields.add(field);
      }
    }
    Choice choice =
        new Choice(
            fields,
            random.nextBoolean() ? Set.of("open-dental") : Set.of(),
            random.nextBoolean(),
            true);
    lookingAgain(() -> merge(office, active.get(one), active.get(other), choice));
  }

  private interface Deed {
    void run() throws RefusedException;
  }

  /** Rules link and fill members all the while: whoever is too slow looks again. */
  private static void lookingAgain(Deed deed) throws RefusedException {
    for (int look = 1; ; look++) {
      try {
        deed.run();
        return;
      } catch (RefusedException.Changed e) {
        if (look == MOST_LOOKS) {
          throw e;
        }
      }
    }
  }

  private void lock(Office office, String number, EnumSet<Field> fields) throws RefusedException {
    members.change(office.name, member(office, number), Map.of(), fields, "ana", "as wanted");
  }

  private void changeAny(Office office, String number, Played played) throws RefusedException {
    Random random = played.random();
    if (member(office, number).removed()) {
      return;
    }
    List<Long> linked =
        engine
            .store()
            .queryForList(
                """
                select p.source_id::bigint from links l
                join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
                where l.practice_id = ? and l.member_id = ? and l.ended_at is null""",
                Long.class,
                office.id(),
                member(office, number).id());
    switch (random.nextInt(9)) {
      case 0 ->
          members.change(
              office.name,
              number,
              Map.of(Field.CITY, "City" + random.nextInt(9), Field.PREFERRED, ""),
              "ana");
      case 1 -> lookingAgain(() -> lock(office, number, EnumSet.of(Field.LINE1)));
      case 2 -> {
        if (!linked.isEmpty()) {
          decide(office, linked.get(0), number, Verdict.SAME);
        }
      }
      case 3 -> {
        if (!linked.isEmpty()) {
          decide(office, linked.get(0), number, Verdict.NOT_SAME);
        }
      }
      case 4 -> decide(office, played.any(played.charts()), number, Verdict.SAME);
      case 5 -> {
        office.edit(
            "update patient set Email = ?, City = ? where PatNum = ?",
            "of" + random.nextInt(99) + "@new.example",
            "Town" + random.nextInt(9),
            played.any(played.charts()));
        office.sync();
      }
      case 6 -> members.remove(office.name, number, "ana", "moved away");
      default -> {
        if (memberships.current(office.name, number).isEmpty()) {
          start(office, number, played.any(played.sold()), "ana");
        } else {
          memberships.step(
              office.name,
              number,
              memberships.current(office.name, number).orElseThrow().id(),
              Memberships.Step.END,
              "ana",
              "moved away");
        }
      }
    }
  }

  /**
   * The rows that say who the members are, what they are linked to and who was seen there, what
   * they have and what was said of them, and the visits that they see; without what is only ever
   * added, and without plans that have ended which began meanwhile, by 'ana'.
   */
  private String everything(Office office) {
    TreeSet<String> rows = new TreeSet<>();
    rows.addAll(
        rows(
            office,
            """
            select member_number || to_jsonb(m)::text from (
              select member_number, status, family, given, middle, suffix, preferred, birth_date,
                gender, phone_home, phone_mobile, phone_work, email, line1, line2, city, state,
                postal_code, person, blocking_keys, words::text as words, locked_fields,
                array(select k.key from member_blocking_keys k where k.practice_id = a.practice_id
                        and k.member_id = a.id order by 1) as filed
              from members a where practice_id = ?) m"""));
    rows.addAll(
        rows(
            office,
            """
            select 'link ' || p.source_id || ' ' || m.member_number || ' ' || l.made_by || ' '
                   || coalesce(l.flag_reason, '') || ' ' || coalesce(l.seen_person, '')
            from links l join members m on m.id = l.member_id join patients p on p.id = l.patient_id
            where l.practice_id = ? and l.ended_at is null"""));
    rows.addAll(
        rows(
            office,
            """
            select 'verdict ' || v.verdict || ' ' || v.patient_id || ' ' || v.member_id
            from verdicts v where v.practice_id = ? and v.withdrawn_at is null"""));
    rows.addAll(
        rows(
            office,
            """
            select 'plan ' || s.id || ' ' || s.member_id || ' ' || s.status || ' ' || s.starts_on
                   || coalesce(s.ends_on::text, '')
            from memberships s where s.practice_id = ?
              and (s.status <> 'ENDED'
                   or s.id in (select membership_id from membership_changes c
                               where c.practice_id = s.practice_id and c.action = 'STARTED'
                                 and c.actor = 'maria'))"""));
    for (String number : rows(office, "select member_number from members where practice_id = ?")) {
      engine
          .bean(Activities.class)
          .visitsOf(office.id(), number)
          .forEach(visit -> rows.add("visit " + number + " " + visit));
    }
    return String.join("\n", rows);
  }

  private List<String> rows(Office office, String sql) {
    return engine.store().queryForList(sql, String.class, office.id());
  }
}
