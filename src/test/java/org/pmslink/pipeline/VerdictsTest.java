package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.membership.Activities;
import org.pmslink.membership.ApplyCommands;
import org.pmslink.membership.Command;
import org.pmslink.membership.CommandBatch;
import org.pmslink.membership.Enrolment;
import org.pmslink.membership.Member;
import org.pmslink.membership.MemberMerges;
import org.pmslink.membership.Members;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Verdicts;
import org.pmslink.membership.Verdicts.Verdict;
import org.pmslink.sample.OpenDentalServer;

/** What a person has said holds, whatever rules, the PMS or the clock do meanwhile. */
@ExtendWith(Pipeline.class)
class VerdictsTest {
  private static final String PMS = "open-dental";

  private final Engine engine;
  private final OpenDentalServer pms;
  private final Verdicts verdicts;
  private final Someone ines = Someone.named("Ines", "Caldwell");
  private final Someone tomas = Someone.named("Tomas", "Brandt");

  VerdictsTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
    verdicts = engine.bean(Verdicts.class);
  }

  private void say(Office office, long chart, String member, Verdict verdict, String who) {
    verdicts.decide(office.name, PMS, String.valueOf(chart), member, verdict, who, "asked them");
  }

  private PatientDirectory.Found shown(Office office, long chart) {
    return engine
        .bean(PatientDirectory.class)
        .find(office.name, PMS, String.valueOf(chart))
        .orElseThrow();
  }

  private String seen(Office office, long chart, String member) {
    return verdicts.seen(office.name, shown(office, chart), member);
  }

  private boolean takeBack(Office office, long chart, String member) {
    return verdicts.withdraw(
        office.name, PMS, String.valueOf(chart), member, "maria", "a slip of the mouse");
  }

  private List<String> standing(Office office) {
    return engine
        .store()
        .queryForList(
            """
            select v.verdict || ' ' || p.source_id || ' ' || m.member_number || ' ' || v.actor
            from verdicts v join patients p on p.practice_id = v.practice_id and p.id = v.patient_id
            join members m on m.practice_id = v.practice_id and m.id = v.member_id
            where v.practice_id = ? and v.withdrawn_at is null order by 1""",
            String.class,
            office.id());
  }

  /** What the match step makes of a stored chart at this moment. */
  private CommandBatch decided(Office office, long chart) {
    return office.decided(
        RecordType.PATIENT_IDS,
        List.of(
            office.count(
                "select id from patients where practice_id = ? and source_id = '" + chart + "'")));
  }

  @Test
  void aDecisionThatIsUnderWayLinksNobodyWhomAPersonHasToldApartMeanwhile() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      say(office, chart, "M1", Verdict.NOT_SAME, "maria");
      takeBack(office, chart, "M1");
      office.awaitSettled();
      say(office, chart, "M1", Verdict.NOT_SAME, "maria");
      office.awaitSettled();
      assertThat(office.memberOf(chart)).isEmpty();
      takeBack(office, chart, "M1");
      CommandBatch underWay = decided(office, chart);
      assertThat(underWay.commands()).hasAtLeastOneElementOfType(Command.Link.class);
      say(office, chart, "M1", Verdict.NOT_SAME, "maria");

      engine.bean(ApplyCommands.class).apply(underWay);

      assertThat(office.memberOf(chart)).isEmpty();
      office.awaitSettled();
      assertThat(office.memberOf(chart)).isEmpty();
      assertThat(office.reviewOf(chart)).isEmpty();
    }
  }

  @Test
  void aDecisionThatIsUnderWayLeavesNoChartAloneWhoseLinkIsAPersonsNoMore() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      say(office, chart, "M1", Verdict.SAME, "maria");
      CommandBatch underWay = decided(office, chart);
      takeBack(office, chart, "M1");
      office.awaitSettled();

      engine.bean(ApplyCommands.class).apply(underWay);

      office.awaitSettled();
      assertThat(
              office.count(
                  "select count(*) from decisions where practice_id = ? and outcome = 'LINKED'"
                      + " and reason = 'CERTAIN'"))
          .as("decided about again, by rules")
          .isEqualTo(1);
    }
  }

  @Test
  void takingBackPutsBackWhatTheVerdictHadTakenThePlaceOf() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long one = office.chart(ines);
      long other = office.chart(tomas);
      office.member("M1", ines);
      office.open();
      say(office, one, "M1", Verdict.SAME, "ana");
      say(office, other, "M1", Verdict.NOT_SAME, "ana");

      say(office, other, "M1", Verdict.SAME, "maria");
      assertThat(office.memberOf(other)).isEqualTo("M1");
      assertThat(office.memberOf(one)).isEmpty();
      assertThat(takeBack(office, other, "M1")).isTrue();

      office.awaitSettled();
      assertThat(office.memberOf(one)).isEqualTo("M1");
      assertThat(office.memberOf(other)).isEmpty();
      assertThat(standing(office))
          .containsExactlyInAnyOrder("SAME " + one + " M1 ana", "NOT_SAME " + other + " M1 ana");
      assertThat(office.historyOf(one)).endsWith("RESTORED a slip of the mouse");

      say(office, one, "M1", Verdict.NOT_SAME, "maria");
      assertThat(office.memberOf(one)).isEmpty();
      assertThat(takeBack(office, one, "M1")).isTrue();
      assertThat(office.memberOf(one)).as("as ana had verified it").isEqualTo("M1");
      assertThat(standing(office)).contains("SAME " + one + " M1 ana");
    }
  }

  @Test
  void whoDecidesOnWhatIsNoLongerSoIsAskedToLookAgain() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", tomas);
      office.open();
      String id = String.valueOf(chart);
      String seen = seen(office, chart, "M1");
      say(office, chart, "M1", Verdict.NOT_SAME, "maria");

      assertThatThrownBy(
              () ->
                  verdicts.decide(
                      office.name, PMS, id, "M1", Verdict.SAME, seen, "ana", "they said so"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("look again");
      assertThat(standing(office)).containsExactly("NOT_SAME " + chart + " M1 maria");

      verdicts.decide(
          office.name,
          PMS,
          id,
          "M1",
          Verdict.SAME,
          seen(office, chart, "M1"),
          "ana",
          "they said so");
      assertThat(office.memberOf(chart)).isEqualTo("M1");
    }
  }

  @Test
  void onlyTheWordThatWasSeenIsTakenBack() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      String id = String.valueOf(chart);
      long first = verdicts.decide(office.name, PMS, id, "M1", Verdict.SAME, "maria", "asked them");
      long second =
          verdicts.decide(office.name, PMS, id, "M1", Verdict.NOT_SAME, "ana", "two people");

      assertThatThrownBy(
              () -> verdicts.withdraw(office.name, PMS, id, "M1", first, "maria", "a slip"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("since");
      assertThat(standing(office)).containsExactly("NOT_SAME " + chart + " M1 ana");
      assertThat(office.memberOf(chart)).isEmpty();

      verdicts.withdraw(office.name, PMS, id, "M1", second, "ana", "a slip");
      assertThat(standing(office)).containsExactly("SAME " + chart + " M1 maria");
      verdicts.withdraw(office.name, PMS, id, "M1", first, "maria", "a slip");
      assertThatThrownBy(
              () -> verdicts.withdraw(office.name, PMS, id, "M1", first, "maria", "a slip"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("Nothing is decided");
    }
  }

  private void overwrite(Office office, long chart, Someone who) {
    office.edit(
        """
        update patient set LName = ?, FName = ?, Birthdate = ?, WirelessPhone = ?, Email = ?
        where PatNum = ?""",
        who.family(),
        who.given(),
        who.birthDate(),
        who.mobile(),
        who.email(),
        chart);
    office.sync();
  }

  @Test
  void aChartThatAPersonHasLinkedAndThatBecomesSomebodyElseIsInDoubt() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      say(office, chart, "M1", Verdict.SAME, "maria");
      overwrite(office, chart, ines.withMobile("6142287010"));
      assertThat(office.flagOf(chart)).as("another telephone").isEmpty();

      overwrite(office, chart, tomas);
      assertThat(office.memberOf(chart)).as("a person's link is ended by no rule").isEqualTo("M1");
      assertThat(office.flagOf(chart)).isEqualTo("LINK_DRIFTED");
      assertThat(office.reviewOf(chart)).isEmpty();
      // Whatever has the chart looked at again, with the stranger's contacts at the member by now.
      CommandBatch again = decided(office, chart);
      assertThat(again.commands())
          .singleElement()
          .extracting(command -> ((Command.NoMatch) command).reason())
          .isEqualTo("LINK_DRIFTED");
      engine.bean(ApplyCommands.class).apply(again);
      office.member("M2", tomas);
      office.awaitSettled();
      office.compare();
      assertThat(office.flagOf(chart)).isEqualTo("LINK_DRIFTED");
      assertThat(office.historyOf(chart))
          .containsOnlyOnce("FLAGGED LINK_DRIFTED")
          .doesNotContain("UNFLAGGED alike again");
      CommandBatch underWay = decided(office, chart);

      say(office, chart, "M1", Verdict.SAME, "maria");
      assertThat(office.flagOf(chart)).isEmpty();
      engine.bean(ApplyCommands.class).apply(underWay);
      assertThat(office.flagOf(chart)).as("found before a person looked at it").isEmpty();
      office.chart(tomas.withFamily("Brandtner"));
      office.sync();
      engine.bean(ApplyCommands.class).apply(decided(office, chart));
      assertThat(office.flagOf(chart)).as("a person has seen it so").isEmpty();

      overwrite(office, chart, tomas.withMobile("6142287011"));
      assertThat(office.flagOf(chart)).as("until it changes again").isEqualTo("LINK_DRIFTED");
      // Nobody around has come so lately that the chart would be looked at again for that.
      for (String table : List.of("patients", "members")) {
        engine
            .store()
            .update(
                "update "
                    + table
                    + " set updated_at = updated_at - interval '1 hour' where practice_id = ?",
                office.id());
      }
      overwrite(office, chart, ines);
      assertThat(office.flagOf(chart)).as("the mistake is mended").isEmpty();
      assertThat(office.historyOf(chart)).last().isEqualTo("UNFLAGGED alike again");
    }
  }

  @Test
  void whoVerifiesAChartThatAFeedChangedMeanwhileIsAskedToLookAgain() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      String id = String.valueOf(chart);
      String before = seen(office, chart, "M1");
      overwrite(office, chart, tomas);
      assertThat(office.flagOf(chart)).as("a rule's link").isEqualTo("LINK_DRIFTED");

      assertThatThrownBy(
              () ->
                  verdicts.decide(
                      office.name, PMS, id, "M1", Verdict.SAME, before, "ana", "asked them"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("changed meanwhile; look again");
      assertThat(standing(office)).isEmpty();
      assertThat(office.flagOf(chart)).isEqualTo("LINK_DRIFTED");

      verdicts.decide(
          office.name,
          PMS,
          id,
          "M1",
          Verdict.SAME,
          seen(office, chart, "M1"),
          "ana",
          "as it is now");
      assertThat(office.flagOf(chart)).isEmpty();
    }
  }

  @Test
  void whoAddsAMemberToAChartThatAFeedChangedMeanwhileIsAskedToLookAgain() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      long chart = office.chart(ines);
      office.sync();
      Enrolment.Chart hers =
          new Enrolment.Chart(
              PMS,
              String.valueOf(chart),
              true,
              shown(office, chart).record().person().fingerprint(),
              Set.of());
      overwrite(office, chart, tomas);

      assertThatThrownBy(
              () ->
                  engine
                      .bean(Enrolment.class)
                      .enrol(
                          office.name,
                          null,
                          "",
                          ines.typed("new"),
                          hers,
                          null,
                          "ana",
                          "at the desk"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("changed meanwhile; look again");
      assertThat(office.count("select count(*) from members where practice_id = ?")).isZero();
      assertThat(office.memberOf(chart)).isEmpty();
    }
  }

  @Test
  void eachWordThatIsTakenBackUndoesWhatItDidAndNothingElse() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long made = office.chart(ines);
      long ruled = office.chart(tomas);
      office.member("M1", Someone.named("Odette", "Marlow"));
      office.member("M2", tomas);
      office.open();
      for (long chart : List.of(made, ruled)) {
        String member = chart == made ? "M1" : "M2";
        say(office, chart, member, Verdict.SAME, "ana");
        say(office, chart, member, Verdict.SAME, "maria");
        assertThat(takeBack(office, chart, member)).as("of maria").isTrue();
        assertThat(standing(office)).contains("SAME " + chart + " " + member + " ana");
        assertThat(madeBy(office, member)).containsExactly("ana");
        assertThat(takeBack(office, chart, member)).as("of ana").isTrue();
      }

      assertThat(standing(office)).isEmpty();
      assertThat(madeBy(office, "M1")).as("no link that ana had not made").isEmpty();
      assertThat(madeBy(office, "M2")).as("as it was before ana").containsExactly("rule");
    }
  }

  private List<String> madeBy(Office office, String member) {
    return engine
        .store()
        .queryForList(
            """
            select l.made_by from links l
            join members m on m.practice_id = l.practice_id and m.id = l.member_id
            where l.practice_id = ? and m.member_number = ? and l.ended_at is null""",
            String.class,
            office.id(),
            member);
  }

  /** All but the given name is the same: rules would not be certain of the twin. */
  @Test
  void aChartThatAPersonHasLinkedAndThatBecomesTheTwinIsInDoubt() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone jayden = Someone.named("Jayden", "Okonkwo");
      long chart = office.chart(jayden);
      office.member("M1", jayden);
      office.open();
      say(office, chart, "M1", Verdict.SAME, "maria");

      office.edit("update patient set FName = 'Jaden' where PatNum = ?", chart);
      office.sync();

      assertThat(office.memberOf(chart)).isEqualTo("M1");
      assertThat(office.flagOf(chart)).isEqualTo("LINK_DRIFTED");

      say(office, chart, "M1", Verdict.SAME, "maria");
      office.edit("update patient set WirelessPhone = '6142287012' where PatNum = ?", chart);
      office.sync();
      assertThat(office.flagOf(chart)).as("of that name it was seen").isEmpty();
    }
  }

  /** Whoever saw the stranger saw them at the member that the two were, which they are no more. */
  @Test
  void aDoubtThatWasCalmedWhileTwoMembersWereOneIsBackWhenTheyAreTwo() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.member("M2", Someone.named("Inez", "Caldwell-Brandt"));
      office.open();
      say(office, chart, "M1", Verdict.SAME, "maria");
      Members members = engine.bean(Members.class);
      MemberMerges merges = engine.bean(MemberMerges.class);
      merges.merge(
          office.name,
          "M1",
          members.find(office.name, "M1").orElseThrow().version(),
          "M2",
          members.find(office.name, "M2").orElseThrow().version(),
          new MemberMerges.Choice(Set.of(), Set.of(), false, false),
          "maria",
          "entered twice");
      overwrite(office, chart, tomas);
      assertThat(office.flagOf(chart)).isEqualTo("LINK_DRIFTED");
      say(office, chart, "M1", Verdict.SAME, "ana");
      assertThat(office.flagOf(chart)).isEmpty();

      merges.takeApart(
          office.name, merges.of(office.name, "M1").get(0).id(), "maria", "two people");

      office.awaitSettled();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      assertThat(office.flagOf(chart)).isEqualTo("LINK_DRIFTED");
    }
  }

  @Test
  void nobodyIsAddedTwiceForOneChart() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      long chart = office.chart(ines);
      office.sync();
      Enrolment enrolment = engine.bean(Enrolment.class);
      Enrolment.Chart hers = new Enrolment.Chart(PMS, String.valueOf(chart), false, null, Set.of());
      String number =
          enrolment
              .enrol(office.name, null, "", ines.typed("new"), hers, null, "ana", "at the desk")
              .number();

      assertThatThrownBy(
              () ->
                  enrolment.enrol(
                      office.name, null, "", ines.typed("new"), hers, null, "ana", "at the desk"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("linked to member " + number);
      assertThat(office.count("select count(*) from members where practice_id = ?")).isEqualTo(1);
      assertThat(office.memberOf(chart)).isEqualTo(number);
    }
  }

  @Test
  void whoLeftDoesNotKeepTheirChartFromANewMembership() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      say(office, chart, "M1", Verdict.SAME, "maria");
      engine.bean(Members.class).remove(office.name, "M1", "maria", "moved away");
      office.awaitSettled();
      assertThat(office.memberOf(chart)).isEmpty();

      office.member("M2", ines);
      office.awaitSettled();

      assertThat(office.memberOf(chart)).isEqualTo("M2");
    }
  }

  @Test
  void aLinkToAChartThatIsGoneCanBeEnded() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      office.edit("delete from patient where PatNum = ?", chart);
      office.compare();
      assertThat(office.flagOf(chart)).isEqualTo("CHART_GONE");

      say(office, chart, "M1", Verdict.NOT_SAME, "maria");

      assertThat(office.memberOf(chart)).isEmpty();
      assertThatThrownBy(() -> say(office, chart, "M1", Verdict.SAME, "maria"))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aMergeInThePmsGoesAgainstNobodysWord() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long told = office.chart(tomas);
      long linked = office.chart(ines);
      office.member("M1", ines);
      office.open();
      say(office, told, "M1", Verdict.NOT_SAME, "maria");

      office.merge(linked, told);
      office.sync();

      assertThat(office.memberOf(told)).isEmpty();
      assertThat(office.memberOf(linked)).isEqualTo("M1");
      assertThat(office.flagOf(linked)).isEqualTo("MERGED_TOLD_APART");
    }
  }

  @Test
  void whatWasSaidOfAMergedChartIsTrueOfTheOneThatStays() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long loser = office.chart(tomas);
      long survivor = office.chart(ines);
      long verified = office.chart(Someone.named("Howard", "Vance"));
      long joined = office.chart(Someone.named("Ida", "Marsh"));
      office.member("M2", Someone.named("Howie", "Vance"));
      office.open();
      office.member("M1", ines.withMobile(""));
      say(office, loser, "M1", Verdict.NOT_SAME, "maria");
      say(office, verified, "M2", Verdict.SAME, "maria");

      office.merge(loser, survivor);
      office.merge(verified, joined);
      office.sync();

      assertThat(standing(office))
          .containsExactlyInAnyOrder(
              "NOT_SAME " + survivor + " M1 maria", "SAME " + joined + " M2 maria");
      assertThat(office.memberOf(joined)).isEqualTo("M2");
    }
  }

  @Test
  void whatAMemberSeesIsOfNoChartThatAnotherIsLinkedTo() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity()) {
      long a = office.chart(ines);
      long b = office.chart(tomas);
      office.member("M1", ines);
      office.member("M2", tomas);
      office.edit(
          """
          insert into appointment (AptNum, PatNum, AptStatus, Pattern, ProvNum, AptDateTime)
          values (910001, ?, 2, '/XX/', 1, '2026-03-02 09:00:00')""",
          a);
      office.open();
      Activities activities = engine.bean(Activities.class);
      assertThat(activities.visitsOf(office.id(), "M1")).hasSize(1);

      office.merge(a, b);
      office.sync();
      assertThat(office.flagOf(a)).isEqualTo("MERGED_BOTH_LINKED");

      assertThat(activities.visitsOf(office.id(), "M1")).hasSize(1);
      assertThat(activities.visitsOf(office.id(), "M2")).isEmpty();

      say(office, a, "M1", Verdict.NOT_SAME, "maria");
      assertThat(activities.visitsOf(office.id(), "M2"))
          .as("once a person has said that a is not M1, the merged chart is M2's")
          .hasSize(1);
    }
  }

  @Test
  void membersWhomSomebodyToldApartAreNotMadeOneByTheWay() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.member("M2", Someone.named("Inez", "Caldwell-Brandt"));
      office.open();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      say(office, chart, "M1", Verdict.SAME, "maria");
      say(office, chart, "M2", Verdict.NOT_SAME, "maria");

      assertThatThrownBy(() -> merge(office, false))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("member M2 is not chart " + chart + ", said maria");
      merge(office, true);
      assertThat(office.memberOf(chart)).isEqualTo("M2");
      assertThat(standing(office)).containsExactly("SAME " + chart + " M2 maria");

      say(office, chart, "M2", Verdict.NOT_SAME, "ana");
      MemberMerges merges = engine.bean(MemberMerges.class);
      assertThat(
              merges.takeApart(
                  office.name, merges.of(office.name, "M2").get(0).id(), "maria", "two after all"))
          .as("links that are not put back")
          .isEqualTo(new MemberMerges.Apart(1, 0));
      office.awaitSettled();
      assertThat(office.memberOf(chart)).as("ana has said so since").isEmpty();
      assertThat(standing(office))
          .containsExactlyInAnyOrder(
              "NOT_SAME " + chart + " M1 ana", "NOT_SAME " + chart + " M2 maria");
    }
  }

  private void merge(Office office, boolean allTheSame) throws RefusedException {
    Members members = engine.bean(Members.class);
    Member stays = members.find(office.name, "M2").orElseThrow();
    Member goes = members.find(office.name, "M1").orElseThrow();
    engine
        .bean(MemberMerges.class)
        .merge(
            office.name,
            "M2",
            stays.version(),
            "M1",
            goes.version(),
            new MemberMerges.Choice(Set.of(), Set.of(), false, allTheSame),
            "maria",
            "entered twice");
  }

  @Test
  void whatAWrongLinkBroughtGoesWithItAndWhatAnotherPmsBroughtStays() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      long joined = office.chart(tomas);
      office.member("M1", ines.withEmail(""));
      office.open();
      Members members = engine.bean(Members.class);
      assertThat(members.find(office.name, "M1").orElseThrow().fields())
          .containsEntry(Member.Field.EMAIL, ines.email());
      office.merge(chart, joined);
      office.sync();
      assertThat(office.memberOf(joined)).isEqualTo("M1");

      say(office, joined, "M1", Verdict.NOT_SAME, "maria");

      assertThat(members.find(office.name, "M1").orElseThrow().fields())
          .as("what the chart brought that the other was merged into, and the merged one")
          .doesNotContainKey(Member.Field.EMAIL);
    }
  }

  private Map<Member.Field, String> contacts(Office office, String member) {
    Map<Member.Field, String> contacts = new EnumMap<>(Member.Field.class);
    engine
        .bean(Members.class)
        .find(office.name, member)
        .orElseThrow()
        .fields()
        .forEach(
            (field, value) -> {
              if (field.isContact()) {
                contacts.put(field, value);
              }
            });
    return contacts;
  }

  @Test
  void aMemberThatIsRelinkedKeepsNothingOfTheWrongChart() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long wrong = office.chart(ines);
      long right = office.chart(tomas.withEmail(""));
      office.edit("update patient set HmPhone = '6142287001' where PatNum = ?", wrong);
      office.member("M1", ines.withEmail("").withMobile(""));
      office.open();
      say(office, wrong, "M1", Verdict.SAME, "ana");
      Map<Member.Field, String> before = contacts(office, "M1");
      assertThat(before)
          .containsEntry(Member.Field.EMAIL, ines.email())
          .containsEntry(Member.Field.PHONE_HOME, "+16142287001");

      say(office, right, "M1", Verdict.SAME, "maria");

      assertThat(contacts(office, "M1"))
          .containsEntry(Member.Field.PHONE_MOBILE, tomas.e164())
          .doesNotContainKeys(Member.Field.EMAIL, Member.Field.PHONE_HOME);
      office.awaitSettled();
      takeBack(office, right, "M1");
      assertThat(office.memberOf(wrong)).isEqualTo("M1");
      assertThat(contacts(office, "M1")).as("as before the re-link").isEqualTo(before);
    }
  }

  @Test
  void aChartThatIsGivenToAnotherMemberTakesItsDataAlong() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.edit("update patient set HmPhone = '6142287002' where PatNum = ?", chart);
      office.member("M1", ines.withEmail(""));
      office.member("M2", tomas.withMobile(""));
      office.open();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      Map<Member.Field, String> one = contacts(office, "M1");
      Map<Member.Field, String> other = contacts(office, "M2");
      assertThat(one).containsEntry(Member.Field.EMAIL, ines.email());

      say(office, chart, "M2", Verdict.SAME, "maria");

      assertThat(contacts(office, "M1"))
          .as("what was typed of them")
          .isEqualTo(Map.of(Member.Field.PHONE_MOBILE, ines.mobile()));
      assertThat(contacts(office, "M2")).containsEntry(Member.Field.EMAIL, ines.email());
      office.awaitSettled();
      takeBack(office, chart, "M2");
      assertThat(contacts(office, "M1")).isEqualTo(one);
      assertThat(contacts(office, "M2")).isEqualTo(other);
    }
  }

  @Test
  void aMemberIsLookedForInEveryPmsOfThePractice() throws Exception {
    try (Office office = Office.at(engine, pms);
        Office second =
            Office.at(engine, pms).with("practice", office.name).with("source", "second")) {
      office.chart(ines);
      second.chart(ines);
      office.open();
      assertThat(second.connect()).isNull();
      awaitCount(
          office,
          1,
          """
          select count(*) from feed_runs
          where practice_id = ? and source = 'second' and kind = 'FIRST_LOAD' and phase = 'DONE'""");

      office.member("M1", ines);
      String linked =
          """
          select count(distinct source) from links l
          where l.practice_id = ? and l.ended_at is null""";
      awaitCount(office, 2, linked);

      engine.bean(Members.class).remove(office.name, "M1", "maria", "moved away");
      awaitCount(office, 0, linked);
    }
  }

  private static void awaitCount(Office office, long count, String sql) {
    Awaitility.await()
        .atMost(Office.LONGEST)
        .untilAsserted(() -> assertThat(office.count(sql)).isEqualTo(count));
  }
}
