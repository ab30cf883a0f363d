package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.pmslink.matching.Level.Field;

/**
 * Estimates by expectation-maximisation how often pairs of one person show each {@link Level},
 * without knowing which pairs these are.
 *
 * <p>A pair belongs to one of three classes: one person, two people of one household, two
 * strangers; given the class, its fields are independent (Fellegi and Sunter 1969; the third class
 * after Winkler 1993, "Improved decision rules in the Fellegi-Sunter model of record linkage").
 * With two classes, a family that agrees on surname, address and telephone would be taken for
 * copies of one person, and m would come out as the family's. Strangers are not estimated here but
 * counted beforehand among random pairs. How relatives agree on names, birth date, sex and SSN is
 * given, not estimated: that is what tells the two classes apart.
 *
 * <p>Each figure starts from the rules' own and is held by pseudo-counts, so that few pairs move it
 * little (the mode of the posterior under a Dirichlet prior, rather than the maximum of the
 * likelihood). Sums are made in one order, whatever the threads: the same pairs give the same bits.
 */
final class MixtureEstimation {
  /** Pairs of one person at a level that the rules' own figure counts for. */
  static final double PSEUDO_PAIRS = 20;

  /** Share of relatives who agree on something personal as one person would: twins, Jr and Sr. */
  private static final double LIKE_ONE_PERSON = 0.03;

  private static final int MOST_ROUNDS = 500;

  /** In bits: no figure moved further than this in the last round. */
  private static final double STANDS_STILL = 1e-4;

  private static final Level[] LEVELS = Level.values();
  private static final Field[] FIELDS = Field.values();
  private static final double LOG_2 = StrictMath.log(2);

  /**
   * What comparing one pair came to.
   *
   * @param levels of the fields that both records have: their ordinals, as characters
   * @param wholeSsn whether both had all nine digits, so that no pair of last fours was possible
   * @param halfBits how much likelier than u of the rules two strangers agree on these very values,
   *     in half bits: a common name, a telephone of many
   */
  record Pattern(String levels, boolean wholeSsn, int halfBits) {
    static final Comparator<Pattern> ORDER =
        Comparator.comparing(Pattern::levels)
            .thenComparing(Pattern::wholeSsn)
            .thenComparingInt(Pattern::halfBits);

    /** The pattern of the pair that was compared last. */
    static Pattern of(PairScore score, MatchingRules rules, boolean wholeSsn) {
      StringBuilder levels = new StringBuilder(FIELDS.length);
      double offset = 0;
      for (Field field : FIELDS) {
        Level level = score.level(field);
        if (level != null) {
          levels.append((char) level.ordinal());
          // Zero where agreement weighs as much as it can.
          offset += Math.max(0, rules.weight(level) - score.weight(field));
        }
      }
      return new Pattern(levels.toString(), wholeSsn, (int) Math.rint(offset * 2));
    }
  }

  /**
   * How many pairs came to a pattern.
   *
   * @param certain how many of them the present rules call certain, rivals not looked at
   */
  record Count(Pattern pattern, long pairs, long certain) {}

  /**
   * What came out.
   *
   * @param seen pairs of one person, as expected under the final figures
   * @param m by level
   * @param pairsOfOnePerson expected
   * @param pairsOfRelatives expected
   * @param agreement share of the pairs that are certain under the present rules which belong to
   *     the class of one person
   * @param converged whether the figures stood still in the end
   */
  record Estimate(
      Tally seen,
      Map<Level, Double> m,
      double pairsOfOnePerson,
      double pairsOfRelatives,
      double agreement,
      int rounds,
      boolean converged) {}

  private final MatchingRules rules;
  private final double[] logM = new double[LEVELS.length];
  private final double[] logH = new double[LEVELS.length];
  private final double[] logU = new double[LEVELS.length];
  private final double[] startOfH = new double[LEVELS.length];

  private MixtureEstimation(MatchingRules rules, Map<Level, Double> u) {
    this.rules = rules;
    for (Level level : LEVELS) {
      int i = level.ordinal();
      double m = rules.m(level);
      double shipped = rules.u(level);
      boolean own = !level.field.isHousehold();
      startOfH[i] = own ? LIKE_ONE_PERSON * m + (1 - LIKE_ONE_PERSON) * shipped : (m + shipped) / 2;
      logM[i] = log2(m);
      logU[i] = log2(u.getOrDefault(level, shipped));
      logH[i] = log2(startOfH[i]);
    }
  }

  /**
   * Estimates m.
   *
   * @param observed pairs that some key retrieved
   * @param u share of pairs of strangers that show a level; the rules' own for those left out
   * @param allPairs of which those observed are the ones that may be alike; all others are taken
   *     for strangers
   * @param expected a first guess of how many of them are pairs of one person
   */
  static Estimate estimate(
      MatchingRules rules,
      Collection<Count> observed,
      Map<Level, Double> u,
      double allPairs,
      double expected) {
    List<Count> counts = new ArrayList<>(observed);
    counts.sort(Comparator.comparing(Count::pattern, Pattern.ORDER));
    return new MixtureEstimation(rules, u).run(counts, allPairs, expected);
  }

  private Estimate run(List<Count> counts, double allPairs, double expected) {
    double one = expected;
    double family = expected;
    double agreement = 0;
    double moved = Double.MAX_VALUE;
    Tally seen = new Tally();
    int round = 0;
    while (round < MOST_ROUNDS && moved > STANDS_STILL) {
      round++;
      Tally ones = new Tally();
      Tally families = new Tally();
      double logOne = log2(one / allPairs);
      double logFamily = log2(family / allPairs);
      double logNeither = log2(Math.max(0.5, 1 - (one + family) / allPairs));
      one = 0;
      family = 0;
      double certain = 0;
      double certainOne = 0;
      for (Count count : counts) {
        double m = logOne;
        double h = logFamily;
        double s = logNeither + count.pattern.halfBits / 2.0;
        for (int at = 0; at < count.pattern.levels.length(); at++) {
          int i = count.pattern.levels.charAt(at);
          m += logM[i];
          h += logH[i];
          s += logU[i];
        }
        double most = Math.max(m, Math.max(h, s));
        double likelihoodOfOne = exp2(m - most);
        double likelihoodOfFamily = exp2(h - most);
        double all = likelihoodOfOne + likelihoodOfFamily + exp2(s - most);
        double asOne = likelihoodOfOne / all;
        one += count.pairs * asOne;
        family += count.pairs * likelihoodOfFamily / all;
        certain += count.certain;
        certainOne += count.certain * asOne;
        ones.add(count.pattern, count.pairs * asOne);
        families.add(count.pattern, count.pairs * likelihoodOfFamily / all);
      }
      agreement = certain == 0 ? 0 : certainOne / certain;
      moved = maximise(ones, families);
      seen = ones;
      // A class that nobody is in would never get anybody again.
      one = Math.max(one, 1e-3);
      family = Math.max(family, 1e-3);
    }
    Map<Level, Double> m = new EnumMap<>(Level.class);
    for (Level level : LEVELS) {
      m.put(level, exp2(logM[level.ordinal()]));
    }
    return new Estimate(seen, m, one, family, agreement, round, moved <= STANDS_STILL);
  }

  private double maximise(Tally ones, Tally families) {
    double moved = 0;
    for (Level level : LEVELS) {
      int i = level.ordinal();
      double m = log2(ones.share(level, rules.m(level)));
      moved = Math.max(moved, Math.abs(m - logM[i]));
      logM[i] = m;
      if (isEstimatedForRelatives(level.field)) {
        double h = log2(families.share(level, startOfH[i]));
        moved = Math.max(moved, Math.abs(h - logH[i]));
        logH[i] = h;
      }
    }
    return moved;
  }

  /** A telephone that two relatives do not share is another one: one comparison. */
  private static boolean isEstimatedForRelatives(Field field) {
    return field.isHousehold() || field == Field.PHONE || field == Field.EMAIL;
  }

  /** Pairs by level, and by what was compared. */
  static final class Tally {
    private final double[] seen = new double[LEVELS.length];
    private final double[] compared = new double[FIELDS.length];
    private double wholeSsns;

    void add(Pattern pattern, double pairs) {
      String levels = pattern.levels;
      for (int i = 0; i < levels.length(); i++) {
        Level level = LEVELS[levels.charAt(i)];
        seen[level.ordinal()] += pairs;
        compared[slot(level.field).ordinal()] += pairs;
        if (level.field == Field.SSN && pattern.wholeSsn) {
          wholeSsns += pairs;
        }
      }
    }

    /** Pairs that show a level. */
    double seen(Level level) {
      return seen[level.ordinal()];
    }

    /**
     * A level's share of the pairs that might have shown it, held near what it is thought to be.
     */
    double share(Level level, double thought) {
      double possible = compared[slot(level.field).ordinal()];
      if (level == Level.SSN_EXACT) {
        possible = wholeSsns;
      } else if (level == Level.SSN_LAST_FOUR) {
        possible -= wholeSsns;
      }
      return (seen(level) + PSEUDO_PAIRS) / (possible + PSEUDO_PAIRS / thought);
    }
  }

  /** A telephone is somebody's own or a family's: one comparison, two fields. */
  static Field slot(Field field) {
    return switch (field) {
      case SHARED_PHONE -> Field.PHONE;
      case SHARED_EMAIL -> Field.EMAIL;
      default -> field;
    };
  }

  // Strict, because the others may differ in the last bit from one machine to another.
  private static double log2(double value) {
    return StrictMath.log(value) / LOG_2;
  }

  private static double exp2(double bits) {
    return StrictMath.exp(bits * LOG_2);
  }
}
