package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.SetMatcher.Pair;

/**
 * What one pair looks like beside the others. Two that both look right are a question. Two records
 * of one person on one side are no rivals where each of them may be right, as in files; a store, in
 * which a chart has one member and a member one chart, must not choose between them.
 */
final class Rivals {
  private final MatchingRules rules;
  private final List<Pair> pairs;
  private final List<Features> lefts;
  private final List<Features> rights;
  private final boolean duplicatesAreRivals;
  private final PairScore score;
  private final Map<Integer, List<Pair>> ofLeft = new HashMap<>();
  private final Map<Integer, List<Pair>> ofRight = new HashMap<>();
  private final Map<Long, Grade> grades = new HashMap<>();

  /**
   * @param pairs at or above possible, graded by themselves
   * @param duplicatesAreRivals whether two records of one person on one side are a question, too
   */
  Rivals(
      MatchingRules rules,
      Population population,
      List<Pair> pairs,
      List<Features> lefts,
      List<Features> rights,
      boolean duplicatesAreRivals) {
    this.rules = rules;
    this.pairs = pairs;
    this.lefts = lefts;
    this.rights = rights;
    this.duplicatesAreRivals = duplicatesAreRivals;
    score = new PairScore(rules, population);
    for (Pair pair : pairs) {
      ofLeft.computeIfAbsent(pair.left(), i -> new ArrayList<>()).add(pair);
      ofRight.computeIfAbsent(pair.right(), i -> new ArrayList<>()).add(pair);
    }
  }

  /** The pairs as they are graded beside one another; what a far better pair explains is gone. */
  List<Pair> decided() {
    List<Pair> first = new ArrayList<>(pairs.size());
    Map<Integer, List<Pair>> linkedLeft = new HashMap<>();
    Map<Integer, List<Pair>> linkedRight = new HashMap<>();
    for (Pair pair : pairs) {
      ReviewReason rivalry = pair.grade() == Grade.CERTAIN ? rivalry(pair) : null;
      Pair decided = rivalry == null ? pair : pair.withGrade(Grade.PROBABLE, rivalry);
      first.add(decided);
      if (decided.grade() == Grade.CERTAIN) {
        linkedLeft.computeIfAbsent(pair.left(), i -> new ArrayList<>()).add(decided);
        linkedRight.computeIfAbsent(pair.right(), i -> new ArrayList<>()).add(decided);
      }
    }
    List<Pair> decided = new ArrayList<>(first.size());
    for (Pair pair : first) {
      Pair kept = pair;
      if (pair.grade() != Grade.CERTAIN && !pair.isRivalled()) {
        kept = lessened(pair, linkedLeft.getOrDefault(pair.left(), List.of()), true);
        if (kept != null) {
          kept = lessened(kept, linkedRight.getOrDefault(pair.right(), List.of()), false);
        }
      }
      if (kept != null) {
        decided.add(kept);
      }
    }
    return decided;
  }

  /** What speaks against a pair that would be certain by itself; {@code null} for nothing. */
  @Nullable ReviewReason rivalry(Pair pair) {
    ReviewReason found = null;
    for (Pair rival : ofLeft.getOrDefault(pair.left(), List.of())) {
      if (rival.right() != pair.right()
          && (isClose(rival, pair)
              || isUnexplained(rival, ofRight.getOrDefault(rival.right(), List.of())))) {
        if (!isOnePerson(rights, rival.right(), pair.right(), true)) {
          return ReviewReason.SEVERAL_CANDIDATES;
        }
        found = ReviewReason.DUPLICATE_MEMBERS;
      }
    }
    for (Pair rival : ofRight.getOrDefault(pair.right(), List.of())) {
      if (rival.left() != pair.left()
          && (isClose(rival, pair)
              || isUnexplained(rival, ofLeft.getOrDefault(rival.left(), List.of())))) {
        if (!isOnePerson(lefts, rival.left(), pair.left(), false)) {
          return ReviewReason.CLAIMED_TWICE;
        }
        found = found == null ? ReviewReason.DUPLICATE_CHARTS : found;
      }
    }
    return duplicatesAreRivals ? found : null;
  }

  /** A probable rival that nobody else claims may be the one, however good the other looks. */
  private boolean isUnexplained(Pair rival, List<Pair> ofItsRecord) {
    return rival.grade() == Grade.PROBABLE
        && ofItsRecord.stream().noneMatch(other -> other.grade() == Grade.CERTAIN);
  }

  private boolean isClose(Pair rival, Pair pair) {
    return rival.grade() == Grade.CERTAIN || rival.score() >= pair.score() - rules.margin;
  }

  /** One step down for a record whose partner has somebody who fits far better. */
  private @Nullable Pair lessened(Pair pair, Collection<Pair> links, boolean ofLeft) {
    for (Pair link : links) {
      boolean onePerson =
          ofLeft
              ? grade(rights, link.right(), pair.right(), true) != Grade.CERTAINLY_NOT
              : grade(lefts, link.left(), pair.left(), false) != Grade.CERTAINLY_NOT;
      if (!onePerson && pair.score() < link.score() - rules.margin) {
        return pair.grade() == Grade.PROBABLE ? pair.withGrade(Grade.POSSIBLE, null) : null;
      }
    }
    return pair;
  }

  private boolean isOnePerson(List<Features> side, int one, int other, boolean right) {
    return grade(side, one, other, right).compareTo(Grade.PROBABLE) >= 0;
  }

  private Grade grade(List<Features> side, int one, int other, boolean right) {
    if (one == other) {
      return Grade.CERTAIN;
    }
    long low = Math.min(one, other);
    long high = Math.max(one, other);
    long key = (right ? 1L << 62 : 0) | low << 31 | high;
    Grade known = grades.get(key);
    if (known == null) {
      score.compare(side.get((int) low), side.get((int) high));
      known = score.grade();
      grades.put(key, known);
    }
    return known;
  }
}
