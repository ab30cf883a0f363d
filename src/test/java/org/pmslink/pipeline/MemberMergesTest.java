package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.LocalDate;
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
import org.pmslink.membership.Member;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.MemberMerges;
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

  private int takeApart(Office office, String member) throws RefusedException {
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
          LocalDate.now(),
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

      assertThat(takeApart(office, "M1")).isZero();

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
          LocalDate.now(),
          Memberships.Status.ACTIVE,
          "maria",
          "");
      memberships.start(
          office.name,
          "M2",
          plan(office, "Gold"),
          LocalDate.now(),
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

      assertThat(takeApart(office, "M2")).as("links that could not be put back").isEqualTo(1);

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

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void whateverIsMergedChangedAndTakenApartEndsAsItBegan(long seed) throws Exception {
    Random random = new Random(seed);
    try (Office office = Office.at(engine, pms)) {
      List<String> numbers = new ArrayList<>();
      for (int i = 1; i <= 7; i++) {
        Someone who = Someone.named(List.of("Ada", "Bea", "Cleo").get(i % 3), "Okonkwo" + i);
        office.member("M" + i, who);
        numbers.add("M" + i);
        if (i % 3 != 0) {
          office.chart(who);
        }
      }
      office.open();
      List<Long> sold = List.of(plan(office, "Gold"), plan(office, "Silver"));
      memberships.start(
          office.name, "M1", sold.get(0), LocalDate.now(), Memberships.Status.ACTIVE, "maria", "");
      memberships.start(
          office.name, "M2", sold.get(1), LocalDate.now(), Memberships.Status.ACTIVE, "maria", "");
      lock(office, "M2", EnumSet.of(Field.EMAIL, Field.CITY));
      office.awaitSettled();
      String before = everything(office);

      for (int step = 0; step < 30; step++) {
        List<String> survivors =
            numbers.stream()
                .filter(n -> !member(office, n).removed())
                .filter(n -> !merges.of(office.name, n).isEmpty())
                .toList();
        if (survivors.isEmpty() || random.nextInt(3) == 0) {
          mergeAny(office, numbers, random);
        } else if (random.nextInt(4) == 0) {
          takeApart(office, survivors.get(random.nextInt(survivors.size())));
        } else {
          changeAny(office, survivors.get(random.nextInt(survivors.size())), sold, random);
        }
      }
      // Whoever is taken apart may be one of more again.
      for (int round = 0; round < numbers.size(); round++) {
        for (String number : numbers) {
          while (!member(office, number).removed() && !merges.of(office.name, number).isEmpty()) {
            takeApart(office, number);
          }
        }
      }
      office.awaitSettled();
      assertThat(everything(office)).isEqualTo(before);
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
    merge(
        office,
        active.get(one),
        active.get(other),
        new Choice(
            fields,
            random.nextBoolean() ? Set.of("open-dental") : Set.of(),
            random.nextBoolean(),
            true));
  }

  private void lock(Office office, String number, EnumSet<Field> fields) throws RefusedException {
    members.change(office.name, member(office, number), Map.of(), fields, "ana", "as wanted");
  }

  private void changeAny(Office office, String number, List<Long> sold, Random random)
      throws RefusedException {
    switch (random.nextInt(4)) {
      case 0 ->
          members.change(
              office.name,
              number,
              Map.of(Field.CITY, "City" + random.nextInt(9), Field.PREFERRED, ""),
              "ana");
      case 1 -> lock(office, number, EnumSet.of(Field.LINE1));
      case 2 -> {
        List<String> linked =
            engine
                .store()
                .queryForList(
                    """
                    select p.source_id from links l
                    join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
                    where l.practice_id = ? and l.member_id = ? and l.ended_at is null""",
                    String.class,
                    office.id(),
                    member(office, number).id());
        if (!linked.isEmpty()) {
          decide(office, Long.parseLong(linked.get(0)), number, Verdict.SAME);
        }
      }
      default -> {
        if (memberships.current(office.name, number).isEmpty()) {
          memberships.start(
              office.name,
              number,
              sold.get(random.nextInt(2)),
              LocalDate.now(),
              Memberships.Status.ACTIVE,
              "ana",
              "");
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
   * The rows that say who the members are, what they are linked to, what they have and what was
   * said of them; without what is only ever added, and without the state of plans that began
   * meanwhile.
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
                   || coalesce(l.flag_reason, '')
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
              and s.id in (select membership_id from membership_changes c
                           where c.practice_id = s.practice_id and c.action = 'STARTED'
                             and c.actor = 'maria')"""));
    return String.join("\n", rows);
  }

  private List<String> rows(Office office, String sql) {
    return engine.store().queryForList(sql, String.class, office.id());
  }
}
