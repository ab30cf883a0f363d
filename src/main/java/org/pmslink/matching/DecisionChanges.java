package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.SetMatcher.Pair;

/**
 * What other rules would change about the same records, pair by pair. A pair that is certain is a
 * link; one that is probable or possible is in review.
 *
 * @param changes pairs whose grade is another, by left and right
 * @param pairs how many pairs either rules list
 */
public record DecisionChanges(List<Change> changes, int pairs) {

  public DecisionChanges {
    changes = List.copyOf(changes);
  }

  /**
   * One pair under both rules.
   *
   * @param before {@link Grade#CERTAINLY_NOT} for a pair that the former rules do not list
   * @param after likewise
   * @param scoreBefore in bits; {@code null} for a pair that is not listed
   * @param scoreAfter likewise
   */
  public record Change(
      int left,
      int right,
      Grade before,
      Grade after,
      @Nullable Double scoreBefore,
      @Nullable Double scoreAfter) {

    public boolean isLinkGained() {
      return after == Grade.CERTAIN;
    }

    public boolean isLinkLost() {
      return before == Grade.CERTAIN;
    }

    public boolean isMovedToReview() {
      return isReview(after) && !isReview(before);
    }

    public boolean isMovedOutOfReview() {
      return isReview(before) && !isReview(after);
    }

    private static boolean isReview(Grade grade) {
      return grade == Grade.PROBABLE || grade == Grade.POSSIBLE;
    }
  }

  /**
   * Compares what came out under two rules.
   *
   * @param before pairs of the former rules
   * @param after pairs of the other rules, over the same records under the same numbers
   */
  public static DecisionChanges between(Collection<Pair> before, Collection<Pair> after) {
    Map<Long, Pair> former = byRecords(before);
    Map<Long, Pair> other = byRecords(after);
    HashSet<Long> either = new HashSet<>(former.keySet());
    either.addAll(other.keySet());
    List<Change> changes = new ArrayList<>();
    for (long records : either) {
      Pair was = former.get(records);
      Pair is = other.get(records);
      Change change =
          new Change(
              (int) (records >> 32),
              (int) records,
              was == null ? Grade.CERTAINLY_NOT : was.grade(),
              is == null ? Grade.CERTAINLY_NOT : is.grade(),
              was == null ? null : was.score(),
              is == null ? null : is.score());
      if (change.before != change.after) {
        changes.add(change);
      }
    }
    changes.sort(Comparator.comparingInt(Change::left).thenComparingInt(Change::right));
    return new DecisionChanges(changes, either.size());
  }

  private static Map<Long, Pair> byRecords(Collection<Pair> pairs) {
    Map<Long, Pair> byRecords = new HashMap<>();
    pairs.forEach(pair -> byRecords.put((long) pair.left() << 32 | pair.right(), pair));
    return byRecords;
  }

  /** Pairs that would be linked and are not now. */
  public long linksGained() {
    return changes.stream().filter(Change::isLinkGained).count();
  }

  /** Pairs that are linked now and would not be, whether in review or not at all. */
  public long linksLost() {
    return changes.stream().filter(Change::isLinkLost).count();
  }

  /** Pairs that would be in review and are linked or not listed now. */
  public long movedToReview() {
    return changes.stream().filter(Change::isMovedToReview).count();
  }

  /** Pairs that are in review now and would be linked or not listed. */
  public long movedOutOfReview() {
    return changes.stream().filter(Change::isMovedOutOfReview).count();
  }
}
