package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Practice.ChartAndMember;
import org.pmslink.matching.Practice.Constraints;
import org.pmslink.matching.PracticeMatcher.Found;
import org.pmslink.patient.Person;

/** Somebody who is not stored is searched for among the charts. */
class PersonSearchTest {
  private static final Person INES = People.complete("Ines", "Caldwell").person();

  private final FiledPeople charts = new FiledPeople();
  private final FiledPeople members = new FiledPeople();
  private Constraints constraints = Constraints.NONE;
  private final PracticeMatcher matcher =
      new PracticeMatcher(MatchingRules.shipped(), NameCounts.NONE);

  private Found search(Person person) {
    return search(person, 10);
  }

  private Found search(Person person, int most) {
    return matcher.search(FiledPeople.practice(charts, members, constraints), person, most);
  }

  private static List<Grade> grades(Found found) {
    return found.candidates().stream().map(c -> c.why().comparison().grade()).toList();
  }

  @Test
  void findsTheOneChartWithCertainty() {
    long chart = charts.add(INES);
    charts.add(People.complete("Howard", "Brandt").born("1950-03-01").person());

    Found found = search(INES);

    assertThat(found.candidates().get(0).chart()).isEqualTo(chart);
    assertThat(grades(found)).first().isEqualTo(Grade.CERTAIN);
    assertThat(found.tooMany()).isFalse();
  }

  @Test
  void twoChartsOfOnePersonAreBothFoundAndNeitherIsCertain() {
    charts.add(INES);
    charts.add(INES);

    Found found = search(INES);

    assertThat(grades(found)).containsExactly(Grade.PROBABLE, Grade.PROBABLE);
    assertThat(found.candidates())
        .allSatisfy(
            c ->
                assertThat(c.why().whyNotCertain())
                    .containsExactly(
                        "another chart, which seems to be the same person's, fits as well"));
  }

  @Test
  void theMemberWhoIsSearchedForIsNoRivalWhetherLinkedByAPersonOrNot() {
    long chart = charts.add(INES);
    long member = members.add(INES);
    assertThat(grades(search(INES))).containsExactly(Grade.CERTAIN);

    constraints = new Constraints(Set.of(), Map.of(member, chart), Map.of(chart, member));
    assertThat(grades(search(INES))).containsExactly(Grade.CERTAIN);

    constraints = new Constraints(Set.of(new ChartAndMember(chart, member)), Map.of(), Map.of());
    assertThat(grades(search(INES))).containsExactly(Grade.CERTAIN);
  }

  @Test
  void aMemberWhoIsSomebodyElseAndFitsTheChartBetterIsARival() {
    People chart = People.complete("Robert", "Caldwell").suffix("JR");
    charts.add(chart.person());
    People asked = People.complete("Robert", "Caldwell").born(null);
    Grade alone = grades(search(asked.person())).get(0);
    members.add(People.complete("Robert", "Caldwell").suffix("JR").ssn("219094321").person());
    members.add(People.complete("Robert", "Caldwell").suffix("SR").born("1950-05-17").person());

    assertThat(grades(search(asked.person())).get(0)).isLessThanOrEqualTo(alone);
    assertThat(grades(search(asked.person()))).doesNotContain(Grade.CERTAIN);
  }

  @Test
  void aTwinIsNoMoreThanPossible() {
    charts.add(People.complete("Maya", "Caldwell").person());

    assertThat(grades(search(People.complete("Mia", "Caldwell").person())))
        .allSatisfy(grade -> assertThat(grade).isEqualTo(Grade.POSSIBLE));
  }

  @Test
  void theNumbersAreThoseOfADecisionAboutTheSameTwo() {
    long chart = charts.add(People.complete("Ines", "Caldwel").person());
    long member = members.add(INES);
    Decision decision =
        matcher
            .decide(
                FiledPeople.practice(charts, members),
                List.of(new PracticeMatcher.Subject(chart, charts.get(chart), null)))
            .get(0);
    assertThat(decision).isInstanceOf(Decision.Link.class);
    Comparison decided = ((Decision.Link) decision).match().comparison();
    assertThat(((Decision.Link) decision).match().candidateId()).isEqualTo(member);

    Explanation found = search(INES).candidates().get(0).why();

    assertThat(found.comparison()).isEqualTo(decided);
    assertThat(found.evidenceWithPrior().stream().mapToDouble(Evidence::weight).sum())
        .isEqualTo(found.comparison().score(), org.assertj.core.data.Offset.offset(1e-9));
  }

  @Test
  void bestFirstWithTheRunnerUpAndNoMoreThanAskedFor() {
    charts.add(INES);
    for (int i = 0; i < 5; i++) {
      charts.add(People.complete("Ines", "Caldwell").born("198" + i + "-05-17").person());
    }

    Found all = search(INES);
    Found two = search(INES, 2);

    assertThat(all.candidates().size()).isGreaterThan(2);
    assertThat(two.candidates()).hasSize(2).isEqualTo(all.candidates().subList(0, 2));
    assertThat(two.all()).isEqualTo(all.candidates().size());
    assertThat(grades(all)).isSortedAccordingTo((a, b) -> b.compareTo(a));
    assertThat(two.candidates().get(0).runnerUp())
        .isEqualTo(two.candidates().get(1).why().comparison().score());
  }

  @Test
  void moreNamesakesThanCanBeComparedAreSaidToBe() {
    for (int i = 0; i < 250; i++) {
      charts.add(People.named("Maria", "Garcia").born("19" + (50 + i % 40) + "-03-04").person());
    }

    Found found = search(People.named("Maria", "Garcia").person());

    assertThat(found.tooMany()).isTrue();
    assertThat(grades(found)).doesNotContain(Grade.CERTAIN);
  }

  @Test
  void whoIsHardlyKnownFindsNobody() {
    charts.add(INES);

    assertThat(search(People.named("Ines", null).person()))
        .isEqualTo(new Found(List.of(), 0, false));
  }
}
