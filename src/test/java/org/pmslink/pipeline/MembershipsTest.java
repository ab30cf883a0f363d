package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.pmslink.membership.Members;
import org.pmslink.membership.Memberships;
import org.pmslink.membership.Memberships.Membership;
import org.pmslink.membership.Memberships.Step;
import org.pmslink.membership.Memberships.Usage;
import org.pmslink.membership.Plans;
import org.pmslink.membership.Plans.Entitlement;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Verdicts;
import org.pmslink.practice.Practices;
import org.pmslink.sample.OpenDentalServer;

@ExtendWith(Pipeline.class)
class MembershipsTest {
  private static final LocalDate STARTED = LocalDate.of(2025, 3, 15);

  private final Engine engine;
  private final OpenDentalServer pms;
  private final Plans plans;
  private final Memberships memberships;

  MembershipsTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
    plans = engine.bean(Plans.class);
    memberships = engine.bean(Memberships.class);
  }

  private static Entitlement entitlement(String name, String codes, int perYear) {
    return new Entitlement(name, new TreeSet<>(List.of(codes.split(" "))), perYear);
  }

  private void done(Office office, int number, long chart, String code, String day) {
    office.edit(
        "insert ignore into procedurecode (CodeNum, ProcCode) values (1, 'D0120'), (2, 'D1110'),"
            + " (3, 'd4910')");
    office.edit(
        """
        insert into procedurelog (ProcNum, PatNum, AptNum, ProcDate, ProcFee, ProcStatus, CodeNum)
        values (?, ?, 0, ?, 90, 2, (select CodeNum from procedurecode where ProcCode = ?))""",
        number,
        chart,
        day,
        code);
  }

  private List<Integer> used(Office office, String member, LocalDate day) {
    Membership current = memberships.current(office.name, member).orElseThrow();
    return memberships.usage(office.name, member, current, day).stream().map(Usage::used).toList();
  }

  @Test
  void visitsOfTheLinkedChartCountAgainstThePlanYearByYear() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      Someone ines = Someone.named("Ines", "Caldwell");
      Someone howard = Someone.named("Howard", "Brandt");
      long right = office.chart(ines);
      long wrong = office.chart(howard);
      done(office, 1, right, "D1110", "2026-03-14");
      done(office, 2, right, "D1110", "2026-03-15");
      done(office, 3, right, "d4910", "2026-06-01");
      done(office, 4, right, "D0120", "2026-06-01");
      done(office, 5, wrong, "D0120", "2026-06-01");
      done(office, 6, wrong, "D0120", "2026-06-02");
      office.member("M1", ines);
      office.open();
      long gold =
          plans.add(
              office.name,
              "Gold",
              List.of(
                  entitlement("Cleanings", "D1110 d4910", 1),
                  entitlement("Examinations", "D0120", 2)),
              "maria");

      memberships.start(office.name, "M1", gold, STARTED, Memberships.Status.ACTIVE, "ana", "");

      Membership current = memberships.current(office.name, "M1").orElseThrow();
      List<Usage> usage = memberships.usage(office.name, "M1", current, LocalDate.of(2026, 11, 24));
      assertThat(usage)
          .extracting(u -> u.entitlement().name(), Usage::used, Usage::left, Usage::isOverdrawn)
          .containsExactly(
              org.assertj.core.groups.Tuple.tuple("Cleanings", 2, 0, true),
              org.assertj.core.groups.Tuple.tuple("Examinations", 1, 1, false));
      assertThat(usage.get(0).from()).isEqualTo("2026-03-15");
      assertThat(usage.get(0).to()).isEqualTo("2027-03-14");
      assertThat(used(office, "M1", LocalDate.of(2026, 3, 14))).containsExactly(1, 0);
      Membership leap =
          new Membership(
              current.id(), current.plan(), current.status(), LocalDate.of(2024, 2, 29), null);
      assertThat(memberships.usage(office.name, "M1", leap, LocalDate.of(2025, 2, 28)))
          .as("its second year begins on that day")
          .extracting(Usage::from, Usage::to)
          .containsOnly(
              org.assertj.core.groups.Tuple.tuple(
                  LocalDate.of(2025, 2, 28), LocalDate.of(2026, 2, 27)));

      engine
          .bean(Verdicts.class)
          .decide(
              office.name,
              "open-dental",
              String.valueOf(wrong),
              "M1",
              Verdicts.Verdict.SAME,
              "maria",
              "asked");
      assertThat(used(office, "M1", LocalDate.of(2026, 11, 24)))
          .as("the other chart's, at once")
          .containsExactly(0, 2);
    }
  }

  /** The two zones never have the same day. */
  @Test
  void theDayIsThatOfTheOfficeAndNotOfTheServer() throws Exception {
    try (Office east = Office.at(engine, pms).with("officeZone", "Pacific/Kiritimati");
        Office west = Office.at(engine, pms).with("officeZone", "Etc/GMT+12");
        Office silent = Office.at(engine, pms)) {
      Practices practices = engine.bean(Practices.class);
      for (Office office : List.of(east, west, silent)) {
        office.member("M1", Someone.named("Ines", "Caldwell"));
        office.open();
      }
      assertThat(practices.today(east.id()))
          .isEqualTo(LocalDate.now(ZoneId.of("Pacific/Kiritimati")));
      assertThat(practices.today(west.id())).isEqualTo(LocalDate.now(ZoneId.of("Etc/GMT+12")));
      assertThat(practices.today(silent.id())).isEqualTo(LocalDate.now(ZoneId.of("UTC")));
      LocalDate began = practices.today(east.id()).minusYears(1);
      for (Office office : List.of(east, west)) {
        long gold = plans.add(office.name, "Gold", List.of(), "maria");
        memberships.start(office.name, "M1", gold, began, Memberships.Status.ACTIVE, "ana", "");
        Membership had = memberships.current(office.name, "M1").orElseThrow();
        memberships.step(office.name, "M1", had.id(), Step.END, "ana", "moved away");
        assertThat(memberships.of(office.name, "M1").get(0).endsOn())
            .isEqualTo(practices.today(office.id()));
      }

      // The zone of a file that is taken up while the engine runs is that of its next pass.
      Engine.rewrite(west.feedFile(), "Etc/GMT+12", "Pacific/Kiritimati");
      assertThat(Shell.run(engine, "feed", "apply", west.name).status()).isZero();
      west.sync();
      assertThat(practices.today(west.id())).isEqualTo(practices.today(east.id()));
    }
  }

  @Test
  void aMemberHasOnePlanAtATimeWhichIsPausedResumedAndEnded() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("M1", Someone.named("Ines", "Caldwell"));
      office.open();
      long gold = plans.add(office.name, "Gold", List.of(), "maria");
      long silver = plans.add(office.name, "Silver", List.of(), "maria");
      memberships.start(office.name, "M1", gold, STARTED, Memberships.Status.ACTIVE, "ana", "");
      assertThatThrownBy(
              () ->
                  memberships.start(
                      office.name, "M1", silver, STARTED, Memberships.Status.ACTIVE, "ana", ""))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("end it first");
      long id = memberships.current(office.name, "M1").orElseThrow().id();
      assertThatThrownBy(
              () -> memberships.step(office.name, "M1", id, Step.RESUME, "ana", "mistake"))
          .hasMessageContaining("meanwhile");

      memberships.step(office.name, "M1", id, Step.PAUSE, "ana", "abroad");
      memberships.step(office.name, "M1", id, Step.RESUME, "ana", "back");
      memberships.step(office.name, "M1", id, Step.END, "maria", "moved away");
      memberships.start(
          office.name,
          "M1",
          silver,
          LocalDate.now(ZoneOffset.UTC),
          Memberships.Status.ACTIVE,
          "ana",
          "");
      plans.retire(office.name, silver, "maria");

      assertThat(memberships.of(office.name, "M1"))
          .extracting(m -> m.plan().name() + " " + m.status())
          .containsExactly("Silver ACTIVE", "Gold ENDED");
      assertThat(
              engine
                  .store()
                  .queryForList(
                      """
                      select action || ' ' || actor || ' ' || reason || ' '
                             || coalesce(before ->> 'status', '-')
                      from membership_changes where practice_id = ? order by id""",
                      String.class,
                      office.id()))
          .containsExactly(
              "STARTED ana  -",
              "PAUSED ana abroad ACTIVE",
              "RESUMED ana back PAUSED",
              "ENDED maria moved away ACTIVE",
              "STARTED ana  -");
      assertThatThrownBy(
              () ->
                  memberships.start(
                      office.name, "M1", silver, STARTED, Memberships.Status.ACTIVE, "ana", ""))
          .hasMessageContaining("not sold");
      engine.bean(Members.class).remove(office.name, "M1", "maria", "moved away");
      assertThat(memberships.current(office.name, "M1")).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''  | Cleanings | D1110       | 2   | a plan needs a name",
        "Gold| ''        | D1110       | 2   | an entitlement needs a name",
        "Gold| Cleanings | clean-ing $ | 2   | procedure codes like D1110",
        "Gold| Cleanings | ''          | 2   | procedure codes like D1110",
        "Gold| Cleanings | D1110       | 0   | 1 to 99 times",
        "Gold| Cleanings | D1110       | 100 | 1 to 99 times",
        "Gold| More      | D0120       | 2   | counts against two",
        "Old | Cleanings | D1110       | 2   | there is or was a plan of that name",
      })
  void aPlanThatSaysNothingIsNotSold(
      String name, String what, String codes, int perYear, String answer) throws Exception {
    try (Office office = Office.at(engine, pms)) {
      plans.retire(office.name, plans.add(office.name, "Old", List.of(), "maria"), "maria");

      assertThatThrownBy(
              () ->
                  plans.add(
                      office.name,
                      name,
                      List.of(
                          entitlement("Examinations", "D0120", 2),
                          entitlement(what, codes, perYear)),
                      "maria"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(answer);
      assertThat(plans.list(office.name, false)).isEmpty();
    }
  }
}
