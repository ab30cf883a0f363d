package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ForkJoinPool;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.pmslink.matching.Level.Field;
import org.pmslink.matching.MixtureEstimation.Count;
import org.pmslink.matching.MixtureEstimation.Estimate;
import org.pmslink.matching.MixtureEstimation.Pattern;
import org.pmslink.matching.MixtureEstimation.Tally;
import org.pmslink.matching.Tuning.CannotTuneException;
import org.pmslink.matching.Tuning.Proposal;
import org.pmslink.patient.Person.Gender;

class TuningTest {
  private static final LocalDate TODAY = LocalDate.of(2026, 3, 4);
  private static final MatchingRules SHIPPED = MatchingRules.shipped();

  // ---- Estimation ----

  /** Shares of a made-up population: one person, relatives, strangers. */
  private static final Map<Level, double[]> TRUTH =
      Map.ofEntries(
          Map.entry(Level.GIVEN_EXACT, new double[] {0.60, 0.03, 0.004}),
          Map.entry(Level.GIVEN_NICKNAME, new double[] {0.25, 0.01, 0.003}),
          Map.entry(Level.GIVEN_TYPO, new double[] {0.13, 0.01, 0.003}),
          Map.entry(Level.GIVEN_DIFFERENT, new double[] {0.02, 0.95, 0.99}),
          Map.entry(Level.BIRTH_DATE_EXACT, new double[] {0.85, 0.03, 0.0001}),
          Map.entry(Level.BIRTH_DATE_ONE_DIGIT, new double[] {0.10, 0.0019, 0.0019}),
          Map.entry(Level.BIRTH_DATE_DIFFERENT, new double[] {0.05, 0.9681, 0.998}),
          Map.entry(Level.PHONE_EXACT, new double[] {0.35, 0.01, 0.0001}),
          Map.entry(Level.SHARED_PHONE_EXACT, new double[] {0.25, 0.70, 0.0009}),
          Map.entry(Level.PHONE_DIFFERENT, new double[] {0.40, 0.29, 0.999}),
          Map.entry(Level.FAMILY_EXACT, new double[] {0.80, 0.85, 0.002}),
          Map.entry(Level.FAMILY_TYPO, new double[] {0.12, 0.03, 0.001}),
          Map.entry(Level.FAMILY_DIFFERENT, new double[] {0.08, 0.12, 0.997}),
          Map.entry(Level.ADDRESS_EXACT, new double[] {0.55, 0.95, 0.0005}),
          Map.entry(Level.ADDRESS_ZIP, new double[] {0.20, 0.03, 0.05}),
          Map.entry(Level.ADDRESS_DIFFERENT, new double[] {0.25, 0.02, 0.9495}));

  private static final int ONE_PERSON = 5_000;
  private static final int RELATIVES = 8_000;
  private static final int STRANGERS = 200_000;

  private static Estimate estimateOfTheMadeUp(long seed, boolean turned) {
    Random random = new Random(seed);
    Map<Pattern, Long> drawn = new HashMap<>();
    int[] sizes = {ONE_PERSON, RELATIVES, STRANGERS};
    for (int kind = 0; kind < sizes.length; kind++) {
      for (int n = 0; n < sizes[kind]; n++) {
        StringBuilder levels = new StringBuilder();
        for (Field slot :
            List.of(Field.GIVEN, Field.BIRTH_DATE, Field.PHONE, Field.FAMILY, Field.ADDRESS)) {
          // One in ten is missing.
          if (random.nextInt(10) > 0) {
            levels.append((char) draw(slot, kind, random.nextDouble()).ordinal());
          }
        }
        drawn.merge(new Pattern(levels.toString(), false, 0), 1L, Long::sum);
      }
    }
    Map<Level, Double> u = new EnumMap<>(Level.class);
    TRUTH.forEach((level, shares) -> u.put(level, shares[2]));
    List<Count> counts = new ArrayList<>();
    drawn.forEach((pattern, pairs) -> counts.add(new Count(pattern, pairs, 0)));
    if (turned) {
      Collections.reverse(counts);
    }
    return MixtureEstimation.estimate(
        SHIPPED, counts, u, ONE_PERSON + RELATIVES + STRANGERS, 1_000);
  }

  private static Level draw(Field slot, int kind, double at) {
    double sum = 0;
    Level last = Level.GIVEN_EXACT;
    for (Level level : Level.values()) {
      double[] shares = TRUTH.get(level);
      if (shares != null && MixtureEstimation.slot(level.field) == slot) {
        last = level;
        sum += shares[kind];
        if (at < sum) {
          return level;
        }
      }
    }
    return last;
  }

  @Test
  void findsTheSharesThatPairsWereMadeWith() {
    Estimate estimate = estimateOfTheMadeUp(1, false);

    assertThat(estimate.converged()).isTrue();
    assertThat(estimate.pairsOfOnePerson()).isCloseTo(ONE_PERSON, within(0.05 * ONE_PERSON));
    assertThat(estimate.pairsOfRelatives()).isCloseTo(RELATIVES, within(0.05 * RELATIVES));
    TRUTH.forEach(
        (level, shares) -> {
          double compared = 0.9 * ONE_PERSON;
          // What so many pairs make of the rules' own figure.
          double held =
              (compared * shares[0] + MixtureEstimation.PSEUDO_PAIRS)
                  / (compared + MixtureEstimation.PSEUDO_PAIRS / SHIPPED.m(level));
          assertThat(estimate.m().getOrDefault(level, 0.0))
              .as(level.name())
              .isCloseTo(held, within(Math.max(0.015, 0.1 * held)));
        });
  }

  @Test
  void theOrderOfThePairsChangesNoBit() {
    assertThat(estimateOfTheMadeUp(2, true).m()).isEqualTo(estimateOfTheMadeUp(2, false).m());
  }

  // ---- From estimates to figures ----

  @Test
  void levelsStayInOrderWithinTheirBoundsAndOnTheirSide() {
    Random random = new Random(3);
    for (int round = 0; round < 100; round++) {
      Map<Level, Double> m = new EnumMap<>(Level.class);
      Map<Level, Double> u = new EnumMap<>(Level.class);
      for (Level level : Level.values()) {
        if (random.nextInt(4) > 0) {
          m.put(level, Math.pow(10, -5 * random.nextDouble()));
          if (random.nextBoolean() && !SHIPPED.isByFrequency(level)) {
            u.put(level, Math.pow(10, -5 * random.nextDouble()));
          }
        }
      }
      Tuning.Figures figures = Tuning.safeguarded(SHIPPED, m, u, new Tally());
      MatchingRules tuned =
          MatchingRules.parse("tuned", SHIPPED.withFigures(figures.m(), figures.u()));

      for (Level level : Level.values()) {
        if (!m.containsKey(level) && !u.containsKey(level)) {
          assertThat(tuned.m(level)).isEqualTo(SHIPPED.m(level));
          assertThat(tuned.u(level)).isEqualTo(SHIPPED.u(level));
        }
        // A hundredth of a bit is what rounding to three digits may do.
        assertThat(tuned.weight(level) - SHIPPED.weight(level))
            .as(level.name())
            .isBetween(-Tuning.MOST_LOWERED - 0.02, Tuning.MOST_RAISED + 0.02);
        for (Level weaker : Level.values()) {
          if (MixtureEstimation.slot(level.field) == MixtureEstimation.slot(weaker.field)
              && SHIPPED.weight(level) > SHIPPED.weight(weaker)) {
            assertThat(tuned.weight(level))
                .as("%s, %s", level, weaker)
                .isGreaterThanOrEqualTo(tuned.weight(weaker));
          }
        }
      }
    }
  }

  @Test
  void onlyFiguresChangeInTheFile() {
    String text =
        SHIPPED.withFigures(
            Map.of(Level.GIVEN_EXACT, "0.70", Level.ADDRESS_ZIP, "0.2"),
            Map.of(Level.ADDRESS_ZIP, "0.0412"));

    assertThat(text)
        .isEqualTo(
            SHIPPED
                .text()
                .replace("{m: 0.75, u: 0.0010, frequency", "{m: 0.70, u: 0.0010, frequency")
                .replace("zip: {m: 0.12, u: 0.03}", "zip: {m: 0.2, u: 0.0412}"));
  }

  @Test
  void figuresThatTwoLevelsShareAreNotChangedInPlace() {
    String text =
        SHIPPED
            .text()
            .replace("equal: {m: 0.985, u: 0.50}", "equal: {m: 0.985, u: &half 0.50}")
            .replace("different: {m: 0.015, u: 0.50}", "different: {m: 0.015, u: *half}");

    assertThatThrownBy(
            () ->
                MatchingRules.parse("my.yaml", text)
                    .withFigures(Map.of(), Map.of(Level.SEX_EQUAL, "0.4")))
        .isInstanceOf(InvalidRulesException.class)
        .hasMessageStartingWith("my.yaml");
  }

  // ---- From records to a proposal ----

  private static final String[] GIVEN = {
    "Robert",
    "William",
    "James",
    "Thomas",
    "Margaret",
    "Patricia",
    "Jennifer",
    "Olivia",
    "Amelia",
    "Charlotte",
    "Henry",
    "George",
    "Hannah",
    "Lucas",
    "Oscar",
    "Ruth",
    "Stella",
    "Vincent",
    "Walter",
    "Yvonne"
  };
  private static final Map<String, String> SHORT =
      Map.of("Robert", "Bob", "William", "Bill", "James", "Jim", "Margaret", "Peggy");

  /** Somebody, and what another office wrote down of the same one. */
  private static List<List<People>> people(int count) {
    Random random = new Random(5);
    List<People> charts = new ArrayList<>();
    List<People> members = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String given = GIVEN[random.nextInt(GIVEN.length)];
      String family = "Fam" + letters(random) + letters(random) + "er";
      People one =
          People.named(given, family)
              .born(LocalDate.of(1940, 1, 1).plusDays(random.nextInt(25_000)).toString())
              .sex(random.nextBoolean() ? Gender.FEMALE : Gender.MALE)
              .phone(String.format(Locale.ROOT, "+1614%07d", random.nextInt(9_000_000)))
              .email(String.format(Locale.ROOT, "%s%d@mail.example", family, i))
              .livingAt(random.nextInt(900) + " " + letters(random) + " ST");
      charts.add(one);
      if (i % 2 == 0) {
        People other =
            People.named(
                    random.nextInt(3) == 0 ? SHORT.getOrDefault(given, given) : given,
                    random.nextInt(6) == 0 ? family.replace("Fam", "Fan") : family)
                .born(String.valueOf(one.birth))
                .sex(one.sex)
                .email(one.emails.get(0));
        other.phones = random.nextInt(3) == 0 ? List.of("+16145550199") : one.phones;
        other.address = one.address;
        members.add(other);
      }
    }
    return List.of(charts, members);
  }

  private static String letters(Random random) {
    return "" + (char) ('a' + random.nextInt(26)) + (char) ('a' + random.nextInt(26));
  }

  private static RecordSet set(List<People> people) {
    RecordSet records = new RecordSet();
    people.forEach(one -> records.add(one.person()));
    return records;
  }

  private static Proposal propose(List<List<People>> people) {
    return new Tuning(SHIPPED, TODAY).propose(set(people.get(0)), set(people.get(1)));
  }

  @Test
  void proposesRulesThatKnowTheRecordsBetter() {
    Proposal proposal = propose(people(3_000));

    assertThat(MatchingRules.parse("proposed", proposal.text()).version())
        .isEqualTo(proposal.rules().version());
    assertThat(proposal.text())
        .contains("# Proposed by pms-link tune on 2026-03-04, from rules " + SHIPPED.version())
        .contains(": 3,000 patients, 1,500 members; ");
    // Every sixth surname is misspelt, which is more than the rules think.
    assertThat(proposal.rules().weight(Level.FAMILY_TYPO))
        .isBetween(
            SHIPPED.weight(Level.FAMILY_TYPO) + 0.5,
            SHIPPED.weight(Level.FAMILY_TYPO) + Tuning.MOST_RAISED + 0.01);
    assertThat(proposal.rules().m(Level.GIVEN_INITIAL)).isEqualTo(SHIPPED.m(Level.GIVEN_INITIAL));
    assertThat(proposal.changes())
        .anyMatch(change -> change.field().equals("family") && change.level().equals("typo"));
    assertThat(proposal.rules().certain).isEqualTo(SHIPPED.certain);
    assertThat(withoutFigures(proposal.text())).isEqualTo(withoutFigures(SHIPPED.text()));
  }

  private static String withoutFigures(String text) {
    return text.replaceAll("(?m)^# Proposed .*\n", "").replaceAll("\\b([mu]): [0-9.]+", "$1: ?");
  }

  @Test
  void tuningAgainLeavesOneHeader() {
    List<List<People>> people = people(3_000);
    MatchingRules once = propose(people).rules();
    Proposal twice = new Tuning(once, TODAY).propose(set(people.get(0)), set(people.get(1)));

    assertThat(twice.text().split("# Proposed by", -1)).hasSize(2);
    assertThat(Tuning.madeFrom(twice.text())).isEqualTo(once.version());
  }

  @Test
  void neitherOrderNorThreadsChangeTheProposal() throws Exception {
    List<List<People>> people = people(1_500);
    String first = propose(people).text();
    List<List<People>> shuffled =
        people.stream()
            .map(
                side -> {
                  List<People> other = new ArrayList<>(side);
                  Collections.shuffle(other, new Random(9));
                  return other;
                })
            .toList();
    ForkJoinPool one = new ForkJoinPool(1);
    String second = one.submit(() -> propose(shuffled).text()).get();
    one.shutdown();

    assertThat(second).isEqualTo(first);
  }

  @Test
  void theOrderOfOneFileChangesNothingEither() {
    List<People> all = new ArrayList<>(people(1_500).get(0));
    all.addAll(people(1_500).get(1));
    String first = new Tuning(SHIPPED, TODAY).propose(set(all)).text();
    Collections.shuffle(all, new Random(10));

    assertThat(new Tuning(SHIPPED, TODAY).propose(set(all)).text()).isEqualTo(first);
  }

  @Test
  void tooFewRecordsAreRefusedWithFigures() {
    assertThatThrownBy(() -> propose(people(100)))
        .isInstanceOf(CannotTuneException.class)
        .hasMessage("no rules are proposed: the records make 5,000 pairs, and 20,000 are needed");
    assertThatThrownBy(() -> propose(people(300)))
        .isInstanceOf(CannotTuneException.class)
        .hasMessageMatching(
            "no rules are proposed: about 1[45]\\d pairs of one person are expected in the records,"
                + " and 200 are needed");
  }

  @Test
  void aFileOfStrangersIsRefused() {
    List<List<People>> people = people(3_000);
    List<People> others =
        people.get(0).stream()
            .map(one -> People.named(one.given, "Quux" + one.family).born(another(one.birth)))
            .toList();

    assertThatThrownBy(() -> propose(Arrays.asList(people.get(0), others)))
        .isInstanceOf(CannotTuneException.class);
  }

  private static @Nullable String another(@Nullable LocalDate birth) {
    return birth == null ? null : birth.plusYears(17).plusDays(31).toString();
  }
}
