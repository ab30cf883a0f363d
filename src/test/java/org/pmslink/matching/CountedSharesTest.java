package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/** How common names are, for files and for a practice. */
class CountedSharesTest {
  private static final MatchingRules RULES = MatchingRules.shipped();

  private static Population ofFile(List<Features> people) {
    return new CountedPopulation(RULES, List.of(people));
  }

  private static Population ofPractice(List<Features> people) {
    NameCounts.Counter counter = new NameCounts.Counter();
    people.forEach(counter::add);
    return new PracticePopulation(RULES, counter.counts(people.size()));
  }

  @Test
  void aPracticeThatNobodyHasCountedHasTheSharesOfTheCountry() {
    Population nobody = new PracticePopulation(RULES, NameCounts.NONE);

    assertThat(nobody.familyFrequency("smith")).isEqualTo(8_282 / 1e6, within(1e-9));
    assertThat(nobody.familyFrequency("nguyen")).isEqualTo(1_484 / 1e6, within(1e-9));
    assertThat(nobody.familyFrequency("obrien")).isEqualTo(402 / 1e6, within(1e-9));
    assertThat(nobody.familyFrequency("zebrowski")).isZero();
  }

  @Test
  void theSamePeopleHaveTheSameSharesInAFileAndInAPractice() {
    List<Features> people = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String given = i % 2 == 0 ? "Ines" : "Quillon";
      people.add(Features.of(People.complete(given, i < 30 ? "Zebrowski" : "Smith").person()));
    }
    Population file = ofFile(people);
    Population practice = ofPractice(people);

    List<ToDoubleFunction<Population>> questions =
        List.of(
            p -> p.familyFrequency("zebrowski"),
            p -> p.familyFrequency("smith"),
            p -> p.givenFrequency("ines"),
            p -> p.givenFrequency("nobody"),
            p -> p.cityFrequency("columbus"),
            p -> p.birthDateFrequency(1981_05_17),
            p -> p.isKnownGivenName("quillon") ? 1 : 0,
            p -> p.latestBirthYear());
    for (ToDoubleFunction<Population> question : questions) {
      assertThat(question.applyAsDouble(practice)).isEqualTo(question.applyAsDouble(file));
    }
    // Twenty-eight besides the pair itself, of forty people and those that the table counts as.
    assertThat(file.familyFrequency("zebrowski"))
        .isEqualTo(28 / (40 + RULES.shippedCountsAs), within(1e-9));
    assertThat(file.isKnownGivenName("quillon")).as("often enough to be a name").isTrue();
  }
}
