package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.Level.Field;
import org.pmslink.matching.PairScore.Doubt;

/**
 * Decides about whole files: every record is known before the first decision, so that neither the
 * order of the records nor the number of threads changes anything.
 */
public final class SetMatcher {
  private static final int CHUNK = 512;

  /** Bits. */
  private static final double EVEN_ODDS = 0;

  private static final Comparator<Pair> BEST_FIRST =
      Comparator.<Pair>comparingDouble(pair -> -pair.score)
          .thenComparingInt(Pair::left)
          .thenComparingInt(Pair::right);

  private final MatchingRules rules;

  public SetMatcher(MatchingRules rules) {
    this.rules = rules;
  }

  /**
   * Two records that may be one person.
   *
   * @param left number of the record on the left side, in duplicates of the earlier record
   * @param right number of the other record
   * @param runnerUp best score of another record with {@code left}; {@code null} when there is none
   * @param rivalry which other records are as good as those of a pair that alone would be certain;
   *     {@code null} for none
   */
  public record Pair(
      int left,
      int right,
      Grade grade,
      double score,
      @Nullable Double runnerUp,
      @Nullable ReviewReason rivalry) {

    Pair withGrade(Grade other, @Nullable ReviewReason rivals) {
      return new Pair(left, right, other, score, runnerUp, rivals);
    }

    /** Whether the pair alone would be certain, but another record is as good. */
    public boolean isRivalled() {
      return rivalry != null;
    }
  }

  /**
   * What came out.
   *
   * @param pairs at or above possible, by left, then best first
   * @param tooManyCandidates left records that have more like them than could be compared; that
   *     they have no pair does not mean that there is nobody
   * @param compared how many pairs were scored
   */
  public record Outcome(
      List<Pair> pairs,
      List<Integer> tooManyCandidates,
      long compared,
      Population population,
      Times times) {

    public Outcome {
      pairs = List.copyOf(pairs);
      tooManyCandidates = List.copyOf(tooManyCandidates);
    }
  }

  /**
   * How long the steps took, in nanoseconds of the clock on the wall. Finding candidates and
   * scoring them go on at once, on all threads, and share their time as they share the processors.
   *
   * @param counting how common names and who shares what
   * @param rivals holding each pair against the others
   */
  public record Times(long counting, long candidates, long scoring, long rivals) {}

  /** Matches each record of one side with those of the other. */
  public Outcome match(RecordSet left, RecordSet right) {
    long start = System.nanoTime();
    Population population =
        new CountedPopulation(rules, List.of(left.features(), right.features()));
    long counted = System.nanoTime();
    Scored scored = score(left.features(), right.features(), population, false);
    long compared = System.nanoTime();
    List<Pair> decided =
        new Rivals(rules, population, scored.pairs, left.features(), right.features(), false)
            .decided();
    return outcome(scored, decided, population, times(start, counted, scored, compared));
  }

  private static Times times(long start, long counted, Scored scored, long compared) {
    double all = Math.max(1, scored.finding + scored.scoring);
    long together = compared - counted - scored.indexing;
    long scoring = Math.round(together * (scored.scoring / all));
    return new Times(
        counted - start,
        scored.indexing + together - scoring,
        scoring,
        System.nanoTime() - compared);
  }

  /** Finds the records of one set that are one person. */
  public Outcome dedupe(RecordSet records) {
    long start = System.nanoTime();
    Population population = new CountedPopulation(rules, List.of(records.features()));
    long counted = System.nanoTime();
    Scored scored = score(records.features(), records.features(), population, true);
    long compared = System.nanoTime();
    List<Pair> pairs = new ArrayList<>(consistent(scored.pairs));
    pairs.addAll(implied(scored, records.features(), population));
    return outcome(scored, pairs, population, times(start, counted, scored, compared));
  }

  /** Why a pair has its score: the numbers, and the same in words. */
  public Explanation explain(Pair pair, RecordSet left, RecordSet right, Outcome outcome) {
    PairScore score = new PairScore(rules, outcome.population);
    Features a = left.features().get(pair.left);
    Features b = right.features().get(pair.right);
    score.compareFully(a, b);
    return Explanation.of(score, pair, a, b, rules, Explanation.MEMBER);
  }

  /** Whether a key finds this pair: what the recall of candidates is measured by. */
  public boolean[] retrieves(RecordSet left, RecordSet right, int[] lefts, int[] rights) {
    CandidateSearch search = new CandidateSearch(right.features(), rules.recordsPerKey);
    CandidateSearch.Found found = new CandidateSearch.Found(right.size());
    boolean[] retrieved = new boolean[lefts.length];
    for (int i = 0; i < lefts.length; i++) {
      search.find(left.features().get(lefts[i]), found);
      for (int c = 0; c < found.size(); c++) {
        retrieved[i] |= found.number(c) == rights[i];
      }
    }
    return retrieved;
  }

  private static Outcome outcome(
      Scored scored, List<Pair> decided, Population population, Times times) {
    Map<Integer, List<Pair>> byRecord = new HashMap<>();
    for (Pair pair : decided) {
      byRecord.computeIfAbsent(pair.left, i -> new ArrayList<>()).add(pair);
    }
    List<Pair> pairs = new ArrayList<>(decided.size());
    for (int left : byRecord.keySet().stream().sorted().toList()) {
      List<Pair> own = byRecord.getOrDefault(left, new ArrayList<>());
      own.sort(BEST_FIRST);
      for (int i = 0; i < own.size(); i++) {
        Pair pair = own.get(i);
        Double runnerUp = own.size() == 1 ? null : own.get(i == 0 ? 1 : 0).score;
        pairs.add(new Pair(pair.left, pair.right, pair.grade, pair.score, runnerUp, pair.rivalry));
      }
    }
    return new Outcome(pairs, scored.tooMany, scored.compared, population, times);
  }

  // ---- Scoring ----

  /**
   * @param linked pairs that are rather one person than not, as two numbers in one
   * @param indexing nanoseconds; likewise {@code finding} and {@code scoring}, summed over threads
   */
  private record Scored(
      List<Pair> pairs,
      List<Long> linked,
      List<Integer> tooMany,
      long compared,
      long indexing,
      long finding,
      long scoring) {}

  private Scored score(
      List<Features> left, List<Features> right, Population population, boolean sameSet) {
    long start = System.nanoTime();
    CandidateSearch search = new CandidateSearch(right, rules.recordsPerKey);
    long indexing = System.nanoTime() - start;
    ThreadLocal<CandidateSearch.Found> found =
        ThreadLocal.withInitial(() -> new CandidateSearch.Found(right.size()));
    ThreadLocal<PairScore> scores =
        ThreadLocal.withInitial(() -> new PairScore(rules, population, sameSet));
    int chunks = (left.size() + CHUNK - 1) / CHUNK;
    // Collected in the order of the chunks, whichever thread did them.
    List<Scored> parts =
        IntStream.range(0, chunks)
            .parallel()
            .mapToObj(
                chunk -> scoreChunk(chunk, left, right, search, found.get(), scores.get(), sameSet))
            .toList();
    found.remove();
    scores.remove();
    List<Pair> pairs = new ArrayList<>();
    List<Long> linked = new ArrayList<>();
    List<Integer> tooMany = new ArrayList<>();
    long compared = 0;
    long finding = 0;
    long scoring = 0;
    for (Scored part : parts) {
      pairs.addAll(part.pairs);
      linked.addAll(part.linked);
      tooMany.addAll(part.tooMany);
      compared += part.compared;
      finding += part.finding;
      scoring += part.scoring;
    }
    return new Scored(pairs, linked, tooMany, compared, indexing, finding, scoring);
  }

  private static Scored scoreChunk(
      int chunk,
      List<Features> left,
      List<Features> right,
      CandidateSearch search,
      CandidateSearch.Found found,
      PairScore score,
      boolean sameSet) {
    List<Pair> pairs = new ArrayList<>();
    List<Long> linked = new ArrayList<>();
    List<Integer> tooMany = new ArrayList<>();
    long compared = 0;
    long finding = 0;
    long scoring = 0;
    int end = Math.min(left.size(), (chunk + 1) * CHUNK);
    for (int i = chunk * CHUNK; i < end; i++) {
      Features subject = left.get(i);
      long before = System.nanoTime();
      search.find(subject, found, sameSet ? i : -1);
      long after = System.nanoTime();
      finding += after - before;
      if (found.tooMany()) {
        tooMany.add(i);
      }
      for (int c = 0; c < found.size(); c++) {
        int j = found.number(c);
        score.compare(subject, right.get(j));
        compared++;
        if (score.grade() != Grade.CERTAINLY_NOT) {
          pairs.add(new Pair(i, j, score.grade(), score.score(), null, null));
          // Twins and siblings are alike without being one person.
          if (sameSet
              && score.score() >= EVEN_ODDS
              && score.level(Field.GIVEN) != Level.GIVEN_DIFFERENT) {
            linked.add((long) i << 32 | j);
          }
        }
      }
      scoring += System.nanoTime() - after;
    }
    return new Scored(pairs, linked, tooMany, compared, 0, finding, scoring);
  }

  /**
   * Of three records, if one is certainly the same as each of the others, and these two are not
   * alike at all, then one of the two certainties is wrong, and a person must say which.
   */
  private static List<Pair> consistent(List<Pair> pairs) {
    Map<Integer, List<Pair>> certain = new HashMap<>();
    Map<Long, Grade> known = new HashMap<>();
    for (Pair pair : pairs) {
      known.put((long) pair.left << 32 | pair.right, pair.grade);
      if (pair.grade == Grade.CERTAIN) {
        certain.computeIfAbsent(pair.left, i -> new ArrayList<>()).add(pair);
        certain.computeIfAbsent(pair.right, i -> new ArrayList<>()).add(pair);
      }
    }
    BiPredicate<Integer, Integer> alike =
        (one, other) -> known.containsKey((long) Math.min(one, other) << 32 | Math.max(one, other));
    List<Pair> consistent = new ArrayList<>(pairs.size());
    for (Pair pair : pairs) {
      boolean doubtful = false;
      if (pair.grade == Grade.CERTAIN) {
        for (int end : Arrays.asList(pair.left, pair.right)) {
          int otherEnd = end == pair.left ? pair.right : pair.left;
          for (Pair third : certain.getOrDefault(end, List.of())) {
            int far = third.left == end ? third.right : third.left;
            doubtful |= far != otherEnd && !alike.test(far, otherEnd);
          }
        }
      }
      consistent.add(
          doubtful ? pair.withGrade(Grade.PROBABLE, ReviewReason.SEVERAL_CANDIDATES) : pair);
    }
    return consistent;
  }

  /** A group larger than this is rather a chain of mistakes. */
  private static final int LARGEST_GROUP = 30;

  /**
   * Two records that are both rather the same as a third than not are possibly the same, however
   * little they show it themselves.
   */
  private List<Pair> implied(Scored scored, List<Features> records, Population population) {
    int[] group = IntStream.range(0, records.size()).toArray();
    for (long pair : scored.linked) {
      int one = root(group, (int) (pair >> 32));
      int other = root(group, (int) pair);
      group[Math.max(one, other)] = Math.min(one, other);
    }
    Map<Integer, List<Integer>> groups = new HashMap<>();
    for (int i = 0; i < group.length; i++) {
      groups.computeIfAbsent(root(group, i), root -> new ArrayList<>(1)).add(i);
    }
    Set<Long> known = new HashSet<>();
    scored.pairs.forEach(pair -> known.add((long) pair.left << 32 | pair.right));
    PairScore score = new PairScore(rules, population, true);
    List<Pair> implied = new ArrayList<>();
    for (List<Integer> members : groups.values()) {
      if (members.size() > 2 && members.size() <= LARGEST_GROUP) {
        for (int i : members) {
          for (int j : members) {
            if (i < j && !known.contains((long) i << 32 | j)) {
              score.compareFully(records.get(i), records.get(j));
              implied.add(new Pair(i, j, Grade.POSSIBLE, score.score(), null, null));
            }
          }
        }
      }
    }
    return implied;
  }

  private static int root(int[] group, int of) {
    int at = of;
    while (group[at] != at) {
      group[at] = group[group[at]];
      at = group[at];
    }
    return at;
  }

  /** Reasons in the order in which they are declared. */
  static List<String> words(Collection<Doubt> doubts) {
    return doubts.stream().map(doubt -> doubt.words).toList();
  }
}
