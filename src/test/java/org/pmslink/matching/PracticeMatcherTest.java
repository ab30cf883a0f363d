package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision.Link;
import org.pmslink.matching.Decision.Review;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.Decision.Unmatched;
import org.pmslink.matching.Decision.UnmatchedReason;
import org.pmslink.matching.Practice.ChartAndMember;
import org.pmslink.matching.Practice.Constraints;
import org.pmslink.matching.PracticeMatcher.Subject;
import org.pmslink.patient.Person;

class PracticeMatcherTest {
  private final FiledPeople charts = new FiledPeople();
  private final FiledPeople members = new FiledPeople();
  private Constraints constraints = Constraints.NONE;
  private final PracticeMatcher matcher =
      new PracticeMatcher(MatchingRules.shipped(), NameCounts.NONE);

  private Decision decide(long chart) {
    return decide(chart, null);
  }

  private Decision decide(long chart, @Nullable Long linkedTo) {
    return matcher
        .decide(
            FiledPeople.practice(charts, members, constraints),
            List.of(new Subject(chart, charts.get(chart), linkedTo)))
        .get(0);
  }

  private static ReviewReason reason(Decision decision) {
    assertThat(decision).isInstanceOf(Review.class);
    return ((Review) decision).reason();
  }

  @Test
  void linksWhoIsTheSameAndNobodyElse() {
    long ines = charts.add(People.complete("Ines", "Caldwell").person());
    long other = charts.add(People.complete("Howard", "Brandt").born("1950-03-01").person());
    long member = members.add(People.complete("Ines", "Caldwell").person());

    assertThat(decide(ines)).isInstanceOf(Link.class);
    assertThat(((Link) decide(ines)).match().candidateId()).isEqualTo(member);
    assertThat(decide(other)).isInstanceOf(Unmatched.class);
  }

  @Test
  void twoChartsOfOnePersonAreAQuestion() {
    long one = charts.add(People.complete("Ines", "Caldwell").person());
    charts.add(People.complete("Ines", "Caldwell").person());
    members.add(People.complete("Ines", "Caldwell").person());

    assertThat(reason(decide(one))).isEqualTo(ReviewReason.DUPLICATE_CHARTS);
  }

  @Test
  void twoMembersOfOnePersonAreAQuestion() {
    long one = charts.add(People.complete("Ines", "Caldwell").person());
    members.add(People.complete("Ines", "Caldwell").person());
    members.add(People.complete("Ines", "Caldwell").person());

    assertThat(reason(decide(one))).isEqualTo(ReviewReason.DUPLICATE_MEMBERS);
    assertThat(((Review) decide(one)).shortlist()).hasSize(2);
  }

  @Test
  void aTelephoneThatTheFamilyTurnsOutToShareProvesNoPerson() {
    People member = People.complete("Ines", "Caldwell").born(null);
    member.address = null;
    members.add(member.person());
    long chart = charts.add(People.complete("Ines", "Caldwell").person());
    assertThat(decide(chart)).as("telephone and e-mail of her own").isInstanceOf(Link.class);

    People spouse = People.complete("Robert", "Caldwell").born("1979-11-30");
    spouse.emails = List.of("ines@mail.example");
    charts.add(spouse.person());

    assertThat(reason(decide(chart))).isEqualTo(ReviewReason.NOT_CERTAIN);
  }

  @Test
  void whatAPersonHasToldApartIsNeverShownAgain() {
    long chart = charts.add(People.complete("Ines", "Caldwell").person());
    long member = members.add(People.complete("Ines", "Caldwell").person());
    constraints = new Constraints(Set.of(new ChartAndMember(chart, member)), Map.of(), Map.of());

    assertThat(decide(chart)).isEqualTo(new Unmatched(UnmatchedReason.NONE_SIMILAR));
  }

  @Test
  void aMemberThatAPersonHasLinkedIsNobodyElses() {
    long hers = charts.add(People.named("I", "Zimmerman").person());
    long chart = charts.add(People.complete("Ines", "Caldwell").person());
    long member = members.add(People.complete("Ines", "Caldwell").person());
    constraints = new Constraints(Set.of(), Map.of(member, hers), Map.of(hers, member));

    assertThat(decide(chart)).isInstanceOf(Unmatched.class);
  }

  @Test
  void aLinkedChartThatResemblesItsMemberNoMoreHasDrifted() {
    long chart =
        charts.add(
            People.named("Howard", "Brandt").born("1950-03-01").phone("+16145559999").person());
    long member = members.add(People.complete("Ines", "Caldwell").person());

    Review review = (Review) decide(chart, member);

    assertThat(review.reason()).isEqualTo(ReviewReason.LINK_DRIFTED);
    assertThat(review.shortlist().get(0).comparison().score()).isNegative();
  }

  @Test
  void aTelephoneOfTheWholeTownIsNarrowedByTheName() {
    People ines = People.named("Ines", "Caldwell").phone("+16145550123");
    long chart = charts.add(ines.born("1981-05-17").person());
    for (int i = 0; i < 300; i++) {
      members.add(People.named(word(i), word(i * 7)).phone("+16145550123").person());
    }
    long member = members.add(People.named("Ines", "Caldwell").phone("+16145550123").person());

    Decision decision = decide(chart);

    assertThat(reason(decision)).isEqualTo(ReviewReason.NOT_CERTAIN);
    assertThat(((Review) decision).shortlist())
        .extracting(Decision.Match::candidateId)
        .containsExactly(member);
  }

  @Test
  void moreNamesakesThanCanBeComparedAreNotNobody() {
    long chart = charts.add(People.named("Maria", "Garcia").person());
    for (int i = 0; i < 250; i++) {
      members.add(People.named("Maria", "Garcia").born("19" + (50 + i % 40) + "-03-04").person());
    }

    assertThat(reason(decide(chart))).isEqualTo(ReviewReason.TOO_MANY_CANDIDATES);
  }

  @Test
  void whoIsHardlyKnownIsNotCompared() {
    long chart = charts.add(People.named(null, null).person());

    assertThat(decide(chart)).isEqualTo(new Unmatched(UnmatchedReason.TOO_LITTLE_KNOWN));
  }

  @Test
  void chartsOfOneBatchAreRivalsThoughNoneIsStored() {
    Person ines = People.complete("Ines", "Caldwell").person();
    members.add(ines);

    List<Decision> decisions =
        matcher.decide(
            FiledPeople.practice(charts, members),
            List.of(new Subject(-1, ines, null), new Subject(-2, ines, null)));

    assertThat(decisions).allSatisfy(d -> assertThat(d).isInstanceOf(Review.class));
  }

  @Test
  void theNewVersionOfAChartTakesThePlaceOfTheStoredOne() {
    long chart = charts.add(People.complete("Howard", "Brandt").born("1950-03-01").person());
    members.add(People.complete("Ines", "Caldwell").person());
    Subject renamed = new Subject(chart, People.complete("Ines", "Caldwell").person(), null);

    assertThat(matcher.decide(FiledPeople.practice(charts, members), List.of(renamed)).get(0))
        .isInstanceOf(Link.class);
  }

  @Test
  void anExplanationSaysOnWhichSideTheOneIsWhoFitsAsWell() {
    Person ines = People.complete("Ines", "Caldwell").person();
    long chart = charts.add(ines);
    long other = charts.add(ines);
    long member = members.add(ines);

    Explanation twoCharts = explain(chart, member);
    assertThat(twoCharts.comparison().grade()).isEqualTo(Grade.PROBABLE);
    assertThat(twoCharts.sentences())
        .contains("No other member comes into question.")
        .endsWith("Not certain: another chart, which seems to be the same person's, fits as well.");

    members.add(ines);
    Explanation twoMembers = explain(other, member);
    assertThat(twoMembers.words()).contains("Another member fits as well.");
    assertThat(twoMembers.whyNotCertain()).hasSize(1);
  }

  @Test
  void anExplanationSaysThatSomebodyHasDecidedOtherwise() {
    Person ines = People.complete("Ines", "Caldwell").person();
    long chart = charts.add(ines);
    long member = members.add(ines);
    members.add(People.complete("Ines", "Caldwell").born("1984-05-16").person());
    constraints = new Constraints(Set.of(new ChartAndMember(chart, member)), Map.of(), Map.of());

    assertThat(explain(chart, member).whyNotCertain())
        .containsExactly("somebody has decided otherwise about one of the two");
  }

  private Explanation explain(long chart, long member) {
    return matcher
        .explain(
            FiledPeople.practice(charts, members, constraints),
            new Subject(chart, charts.get(chart), null),
            member)
        .explanation();
  }

  @Test
  void onlyWhoDiffersInFirstNameAndBirthDateIsClearlySomebodyElse() {
    Person sophia = People.named("Sophia", "Smith").born("2019-02-06").person();

    assertThat(areTwo(sophia, "Anthony", "1973-10-02")).isTrue();
    assertThat(areTwo(sophia, "Anthony", "2019-02-06")).as("twins").isFalse();
    assertThat(areTwo(sophia, "Sophie", "1973-10-02")).isFalse();
    assertThat(areTwo(sophia, "Anthony", "2019-02-07")).as("a slip").isFalse();
    assertThat(areTwo(sophia, "Anthony", null)).as("not known").isFalse();
  }

  private boolean areTwo(Person one, String given, @Nullable String born) {
    return matcher.areClearlyTwo(one, People.named(given, "Smith").born(born).person());
  }

  /** Different made-up words. */
  private static String word(int n) {
    StringBuilder word = new StringBuilder();
    for (int i = n + 1; i > 0; i /= 20) {
      word.append("bcdfghjklmnpqrstvwxz".charAt(i % 20)).append("aeiou".charAt(i % 5));
    }
    return word + "n";
  }
}
