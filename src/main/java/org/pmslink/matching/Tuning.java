package org.pmslink.matching;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Level.Field;
import org.pmslink.matching.MixtureEstimation.Count;
import org.pmslink.matching.MixtureEstimation.Estimate;
import org.pmslink.matching.MixtureEstimation.Pattern;
import org.pmslink.matching.MixtureEstimation.Tally;

/**
 * Estimates the m and u of {@code matching.yaml} from records without labels, and proposes a rules
 * file: u from random pairs, which are nearly all of two people, m by expectation-maximisation over
 * the pairs that blocking retrieves (Winkler 1988, 2006; see {@link MixtureEstimation}).
 * Thresholds, caps and the file's words stay as they are.
 *
 * <p>A figure moves only where the records say enough about it, and only so far: see the constants.
 * The u of a level that goes by frequency stays, because each pair's own frequency takes its place.
 * The same records give the same proposal, whatever their order and the number of threads.
 */
public final class Tuning {
  private static final long SEED = 0x746e6572;
  private static final int RANDOM_PAIRS = 1_000_000;
  private static final int FEWEST_RANDOM_PAIRS = 20_000;
  private static final int CHUNK = 512;

  /** Retrieved pairs that are looked at; of more, the first records' in an order by content. */
  private static final long MOST_RETRIEVED = 2_000_000;

  private static final int CHUNKS_AT_ONCE = 16;

  /** Pairs of one person that must be expected in the records, or nothing is proposed. */
  private static final int FEWEST_PAIRS_OF_ONE_PERSON = 200;

  /** Pairs that must show a level before its figure moves. */
  static final int FEWEST_AT_LEVEL = 30;

  /**
   * Share of the pairs certain under the present rules that the estimate must take for one person.
   */
  private static final double LEAST_AGREEMENT = 0.9;

  /** In bits: no weight rises, or falls, further than this from where it was. */
  static final double MOST_RAISED = 1.5;

  static final double MOST_LOWERED = 3;

  /** Less than any weight. */
  private static final double LEAST_BITS = -99;

  private static final double LEAST_FIGURE = 1e-9;
  private static final double GREATEST_FIGURE = 0.9999;

  /** Three digits are more than any estimate is worth. */
  private static final MathContext ROUNDED = new MathContext(3, RoundingMode.HALF_EVEN);

  private static final MathContext FINER = new MathContext(7, RoundingMode.HALF_EVEN);

  private static final String HEADER = "# Proposed by pms-link tune";
  private static final String SCHEMA = "# yaml-language-server";
  private static final Level[] LEVELS = Level.values();

  private final MatchingRules rules;
  private final LocalDate today;

  /**
   * @param rules which to start from
   * @param today is written into the proposal
   */
  public Tuning(MatchingRules rules, LocalDate today) {
    this.rules = rules;
    this.today = today;
  }

  /** The records do not carry an estimate; the message says why, with figures, in one line. */
  public static final class CannotTuneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CannotTuneException(String reason) {
      super("no rules are proposed: " + reason);
    }
  }

  /**
   * Rules that fit the records better than those they started from.
   *
   * @param text the whole rules file
   * @param rules the same, read
   * @param changes the levels whose m or u is another, in the order of the file
   * @param estimatedFrom in words and counts; no patient data
   */
  public record Proposal(
      String text, MatchingRules rules, List<Change> changes, String estimatedFrom) {

    public Proposal {
      changes = List.copyOf(changes);
    }
  }

  /**
   * One level before and after; weights in bits.
   *
   * @param pairs of one person that show it, as expected
   */
  public record Change(
      String field,
      String level,
      double m,
      double u,
      double weight,
      double newM,
      double newU,
      double newWeight,
      double pairs) {}

  /**
   * From the records of two sides, each once.
   *
   * @throws CannotTuneException when they are too few, or the estimate does not settle
   */
  public Proposal propose(RecordSet left, RecordSet right) {
    return new Run(inOrder(left), inOrder(right), false).propose();
  }

  /**
   * From the duplicates within one set.
   *
   * @throws CannotTuneException when they are too few, or the estimate does not settle
   */
  public Proposal propose(RecordSet records) {
    List<Features> ordered = inOrder(records);
    return new Run(ordered, ordered, true).propose();
  }

  /** By content, so that the order of the file shows nowhere. */
  private static List<Features> inOrder(RecordSet records) {
    List<Features> all = records.features();
    Integer[] order = new Integer[all.size()];
    Arrays.setAll(order, i -> i);
    long[] hashes = new long[all.size()];
    Arrays.parallelSetAll(hashes, i -> KeyHash.of("record", all.get(i).toString()));
    Arrays.sort(
        order,
        Comparator.comparingLong((Integer i) -> hashes[i])
            .thenComparing(i -> all.get(i), Comparator.comparing(Features::toString)));
    return Arrays.stream(order).map(all::get).toList();
  }

  /** One estimate over one set of records. */
  private final class Run {
    private final List<Features> left;
    private final List<Features> right;
    private final boolean duplicates;
    private final Population population;

    Run(List<Features> left, List<Features> right, boolean duplicates) {
      this.left = left;
      this.right = right;
      this.duplicates = duplicates;
      population = new CountedPopulation(rules, duplicates ? List.of(left) : List.of(left, right));
    }

    Proposal propose() {
      long pairs =
          duplicates ? left.size() * (left.size() - 1L) / 2 : (long) left.size() * right.size();
      if (pairs < FEWEST_RANDOM_PAIRS) {
        throw new CannotTuneException(
            String.format(
                Locale.ROOT,
                "the records make %,d pairs, and %,d are needed",
                pairs,
                FEWEST_RANDOM_PAIRS));
      }
      Tally strangers = new Tally();
      List<Count> random = random();
      for (Count count : random) {
        strangers.add(count.pattern(), (double) count.pairs());
      }
      Map<Level, Double> u = new EnumMap<>(Level.class);
      for (Level level : LEVELS) {
        if (!rules.isByFrequency(level) && strangers.seen(level) >= FEWEST_AT_LEVEL) {
          u.put(level, strangers.share(level, rules.u(level)));
        }
      }
      Retrieved retrieved = retrieved();
      double share = retrieved.records / (double) left.size();
      double guess = Math.max(1, Math.min(left.size(), right.size()) * share / 2);
      Estimate estimate =
          MixtureEstimation.estimate(rules, retrieved.counts, u, retrieved.of, guess);
      check(estimate);
      String from =
          String.format(
              Locale.ROOT,
              "%s; %,d random pairs, %,d retrieved pairs of %,d records,"
                  + " %,.0f of them expected to be of one person; %d rounds",
              duplicates
                  ? String.format(Locale.ROOT, "%,d records", left.size())
                  : String.format(
                      Locale.ROOT, "%,d patients, %,d members", left.size(), right.size()),
              random.stream().mapToLong(Count::pairs).sum(),
              retrieved.counts.stream().mapToLong(Count::pairs).sum(),
              retrieved.records,
              estimate.pairsOfOnePerson(),
              estimate.rounds());
      return proposal(estimate, u, from);
    }

    private void check(Estimate estimate) {
      if (estimate.pairsOfOnePerson() < FEWEST_PAIRS_OF_ONE_PERSON) {
        throw new CannotTuneException(
            String.format(
                Locale.ROOT,
                "about %,.0f pairs of one person are expected in the records, and %,d are needed",
                estimate.pairsOfOnePerson(),
                FEWEST_PAIRS_OF_ONE_PERSON));
      }
      if (!estimate.converged()) {
        throw new CannotTuneException(
            "the estimate did not settle in " + estimate.rounds() + " rounds");
      }
      if (estimate.agreement() < LEAST_AGREEMENT) {
        throw new CannotTuneException(
            String.format(
                Locale.ROOT,
                "of the pairs that are certain now the estimate takes only %.0f %% for one person,"
                    + " and %.0f %% are needed",
                100 * estimate.agreement(),
                100 * LEAST_AGREEMENT));
      }
    }

    /** Pairs drawn by chance; those that may be one person after all are left out. */
    private List<Count> random() {
      int chunk = 10_000;
      return merged(
          IntStream.range(0, RANDOM_PAIRS / chunk)
              .parallel()
              .mapToObj(
                  part -> {
                    SplittableRandom random = new SplittableRandom(SEED + part);
                    Counting counting = new Counting();
                    for (int n = 0; n < chunk; n++) {
                      int i = random.nextInt(left.size());
                      int j = random.nextInt(right.size());
                      if (!duplicates || i != j) {
                        counting.compare(left.get(i), right.get(j), false);
                      }
                    }
                    return counting;
                  })
              .toList());
    }

    /**
     * @param records left records that were looked at
     * @param of all pairs that these could make
     */
    private record Retrieved(List<Count> counts, int records, double of) {}

    private Retrieved retrieved() {
      CandidateSearch search = new CandidateSearch(right, rules.recordsPerKey);
      List<Counting> parts = new ArrayList<>();
      int done = 0;
      double of = 0;
      long pairs = 0;
      while (done < left.size() && pairs < MOST_RETRIEVED) {
        int from = done;
        int to = Math.min(left.size(), done + CHUNK * CHUNKS_AT_ONCE);
        List<Counting> some =
            IntStream.range(0, (to - from + CHUNK - 1) / CHUNK)
                .parallel()
                .mapToObj(
                    part ->
                        chunk(search, from + part * CHUNK, Math.min(to, from + (part + 1) * CHUNK)))
                .toList();
        parts.addAll(some);
        pairs += some.stream().mapToLong(counting -> counting.pairs).sum();
        for (int i = from; i < to; i++) {
          of += duplicates ? left.size() - 1.0 - i : right.size();
        }
        done = to;
      }
      return new Retrieved(merged(parts), done, of);
    }

    private Counting chunk(CandidateSearch search, int from, int to) {
      CandidateSearch.Found found = new CandidateSearch.Found(right.size());
      Counting counting = new Counting();
      for (int i = from; i < to; i++) {
        search.find(left.get(i), found);
        for (int c = 0; c < found.size(); c++) {
          int j = found.number(c);
          if (!duplicates || j > i) {
            counting.compare(left.get(i), right.get(j), true);
          }
        }
      }
      return counting;
    }

    /** What one thread has compared. */
    private final class Counting {
      private final PairScore score = new PairScore(rules, population, duplicates);
      private final Map<Pattern, long[]> counts = new HashMap<>();
      private long pairs;

      void compare(Features a, Features b, boolean likely) {
        score.compareFully(a, b);
        if (!likely && score.grade() != Grade.CERTAINLY_NOT) {
          return;
        }
        boolean wholeSsn = !a.ssn().isEmpty() && !b.ssn().isEmpty();
        long[] count = counts.computeIfAbsent(Pattern.of(score, rules, wholeSsn), p -> new long[2]);
        count[0]++;
        count[1] += score.grade() == Grade.CERTAIN ? 1 : 0;
        pairs++;
      }
    }

    private List<Count> merged(List<Counting> parts) {
      Map<Pattern, long[]> all = new HashMap<>();
      for (Counting part : parts) {
        part.counts.forEach(
            (pattern, counts) -> {
              long[] sum = all.computeIfAbsent(pattern, p -> new long[2]);
              sum[0] += counts[0];
              sum[1] += counts[1];
            });
      }
      List<Count> merged = new ArrayList<>(all.size());
      all.forEach((pattern, sum) -> merged.add(new Count(pattern, sum[0], sum[1])));
      merged.sort(Comparator.comparing(Count::pattern, Pattern.ORDER));
      return merged;
    }
  }

  // ---- From estimates to a file ----

  private Proposal proposal(Estimate estimate, Map<Level, Double> u, String from) {
    Map<Level, Double> newM = new EnumMap<>(Level.class);
    for (Level level : LEVELS) {
      if (estimate.seen().seen(level) >= FEWEST_AT_LEVEL) {
        newM.put(level, estimate.m().getOrDefault(level, rules.m(level)));
      }
    }
    // A new u beside a former m would be half an answer, and the weight is about both.
    Map<Level, Double> newU = new EnumMap<>(u);
    newU.keySet().retainAll(newM.keySet());
    Figures figures = safeguarded(rules, newM, newU, estimate.seen());
    String body = rules.withFigures(figures.m, figures.u);
    String text = withHeader(body, from);
    MatchingRules proposed = MatchingRules.parse("proposed rules", text);
    List<Change> changes = new ArrayList<>();
    for (Level level : LEVELS) {
      if (proposed.m(level) != rules.m(level) || proposed.u(level) != rules.u(level)) {
        changes.add(
            new Change(
                level.field.label,
                level.label,
                rules.m(level),
                rules.u(level),
                rules.weight(level),
                proposed.m(level),
                proposed.u(level),
                proposed.weight(level),
                estimate.seen().seen(level)));
      }
    }
    return new Proposal(text, proposed, changes, from);
  }

  /** As they are to be written. */
  record Figures(Map<Level, String> m, Map<Level, String> u) {}

  /**
   * Brings estimates within what a rules file may say: each weight within {@link #MOST_RAISED} and
   * {@link #MOST_LOWERED} of the former one; levels of one field in the order of their former
   * weights; exact agreement never against, disagreement never in favour.
   *
   * @param m of the levels that were seen often enough
   * @param u likewise
   */
  static Figures safeguarded(
      MatchingRules rules, Map<Level, Double> m, Map<Level, Double> u, Tally seen) {
    Map<Level, Double> newU = new EnumMap<>(Level.class);
    Map<Level, Double> weights = new EnumMap<>(Level.class);
    for (Level level : LEVELS) {
      double figure = rounded(within(u.getOrDefault(level, rules.u(level))));
      newU.put(level, u.containsKey(level) ? figure : rules.u(level));
      if (m.containsKey(level) || u.containsKey(level)) {
        double before = rules.weight(level);
        double bits =
            MatchingRules.bits(
                within(m.getOrDefault(level, rules.m(level))),
                newU.getOrDefault(level, rules.u(level)));
        bits = Math.min(before + MOST_RAISED, Math.max(before - MOST_LOWERED, bits));
        if (isFullAgreement(level)) {
          bits = Math.max(0, bits);
        } else if (level.label.equals("different")) {
          bits = Math.min(0, bits);
        }
        weights.put(level, bits);
      }
    }
    for (Field field : Field.values()) {
      if (MixtureEstimation.slot(field) == field) {
        putInOrder(rules, field, weights, seen);
      }
    }
    Map<Level, String> writtenM = new EnumMap<>(Level.class);
    Map<Level, String> writtenU = new EnumMap<>(Level.class);
    for (Field field : Field.values()) {
      double atMost = Double.POSITIVE_INFINITY;
      for (Level level : strongestFirst(rules, field)) {
        Double bits = weights.get(level);
        if (bits == null) {
          atMost = Math.min(atMost, rules.weight(level));
          continue;
        }
        double ofTwo = newU.getOrDefault(level, rules.u(level));
        double ratio = StrictMath.pow(2, bits);
        if (ofTwo * ratio > GREATEST_FIGURE && !rules.isByFrequency(level)) {
          // A little lower, so that there is room for m.
          ofTwo = rounded(0.99 * GREATEST_FIGURE / ratio);
        }
        double ofOne = rounded(within(ofTwo * ratio));
        double most = level.label.equals("different") ? Math.min(0, atMost) : atMost;
        double least =
            Math.max(
                weakerThatStays(rules, level, weights), isFullAgreement(level) ? 0 : LEAST_BITS);
        double written = MatchingRules.bits(ofOne, ofTwo);
        if (written > most || written < least) {
          // Rounding took it past a neighbour by a hair: some more digits, then.
          double kept = Math.min(most, Math.max(least, bits));
          ofOne =
              new BigDecimal(within(ofTwo * StrictMath.pow(2, kept))).round(FINER).doubleValue();
        }
        atMost = MatchingRules.bits(ofOne, ofTwo);
        write(writtenM, level, ofOne, rules.m(level));
        write(writtenU, level, ofTwo, rules.u(level));
      }
    }
    return new Figures(writtenM, writtenU);
  }

  private static boolean isFullAgreement(Level level) {
    return level.label.equals("exact") || level.label.equals("equal");
  }

  private static List<Level> strongestFirst(MatchingRules rules, Field slot) {
    return Arrays.stream(LEVELS)
        .filter(level -> MixtureEstimation.slot(level.field) == slot)
        .sorted(Comparator.comparingDouble(level -> -rules.weight(level)))
        .toList();
  }

  /**
   * Isotonic regression by pooling adjacent violators (Ayer and others 1955): levels that came out
   * in the wrong order get the mean of their weights, each counting as often as it was seen. Levels
   * that do not move bound those that do.
   */
  private static void putInOrder(
      MatchingRules rules, Field slot, Map<Level, Double> weights, Tally seen) {
    List<Level> moving = strongestFirst(rules, slot).stream().filter(weights::containsKey).toList();
    // Each pool: sum of weights times counts, sum of counts, number of levels.
    List<double[]> pools = new ArrayList<>();
    for (Level level : moving) {
      double count = seen.seen(level) + 1;
      pools.add(new double[] {weights.getOrDefault(level, 0.0) * count, count, 1});
      while (pools.size() > 1) {
        double[] last = pools.get(pools.size() - 1);
        double[] stronger = pools.get(pools.size() - 2);
        if (last[0] / last[1] <= stronger[0] / stronger[1]) {
          break;
        }
        for (int i = 0; i < last.length; i++) {
          stronger[i] += last[i];
        }
        pools.remove(pools.size() - 1);
      }
    }
    int at = 0;
    for (double[] pool : pools) {
      for (int n = 0; n < pool[2]; n++) {
        weights.put(moving.get(at++), pool[0] / pool[1]);
      }
    }
    double atMost = Double.POSITIVE_INFINITY;
    List<Level> all = strongestFirst(rules, slot);
    for (int i = 0; i < all.size(); i++) {
      Double bits = weights.get(all.get(i));
      if (bits == null) {
        atMost = rules.weight(all.get(i));
        continue;
      }
      double atLeast = weakerThatStays(rules, all.get(i), weights);
      weights.put(all.get(i), Math.min(atMost, Math.max(atLeast, bits)));
    }
  }

  /** The weight of the next weaker level that does not move. */
  private static double weakerThatStays(
      MatchingRules rules, Level level, Map<Level, Double> weights) {
    List<Level> all = strongestFirst(rules, MixtureEstimation.slot(level.field));
    return all.stream()
        .skip(all.indexOf(level) + 1L)
        .filter(weaker -> !weights.containsKey(weaker))
        .mapToDouble(rules::weight)
        .findFirst()
        .orElse(LEAST_BITS);
  }

  private static double within(double figure) {
    return Math.min(GREATEST_FIGURE, Math.max(LEAST_FIGURE, figure));
  }

  private static double rounded(double figure) {
    BigDecimal digits = new BigDecimal(figure).round(ROUNDED);
    return Math.min(GREATEST_FIGURE, digits.doubleValue());
  }

  private static void write(Map<Level, String> written, Level level, double now, double before) {
    if (now != before) {
      written.put(level, new BigDecimal(Double.toString(now)).toPlainString());
    }
  }

  /** Behind the first line, which names the schema; a header of an earlier proposal goes. */
  private String withHeader(String body, String from) {
    String end = body.contains("\r\n") ? "\r\n" : "\n";
    String header =
        String.format(
            Locale.ROOT,
            "%s on %s, from rules %s: %s%s",
            HEADER,
            today,
            rules.version(),
            from,
            end);
    StringBuilder text = new StringBuilder();
    for (String line : body.split("(?<=\n)", -1)) {
      if (text.isEmpty() && !line.startsWith(SCHEMA)) {
        text.append(header);
      }
      if (!line.startsWith(HEADER)) {
        text.append(line);
      }
      if (line.startsWith(SCHEMA)) {
        text.append(header);
      }
    }
    return text.toString();
  }

  /**
   * The version of the rules that a proposal was made from.
   *
   * @return empty for a file that is no proposal
   */
  static String madeFrom(String text) {
    String mark = ", from rules ";
    return text.lines()
        .filter(line -> line.startsWith(HEADER) && line.contains(mark))
        .map(line -> line.substring(line.indexOf(mark) + mark.length()))
        .map(rest -> rest.substring(0, Math.max(0, rest.indexOf(':'))))
        .findFirst()
        .orElse("");
  }
}
