package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.SetMatcher.Pair;

class DecisionChangesTest {

  private static Pair pair(int left, int right, Grade grade, double score) {
    return new Pair(left, right, grade, score, null, null);
  }

  @Test
  void tellsWhatMovedWhere() {
    List<Pair> before =
        List.of(
            pair(0, 0, Grade.CERTAIN, 20),
            pair(1, 1, Grade.CERTAIN, 15),
            pair(2, 2, Grade.PROBABLE, 12),
            pair(3, 3, Grade.POSSIBLE, 7),
            pair(4, 4, Grade.POSSIBLE, 8),
            pair(5, 5, Grade.CERTAIN, 14));
    List<Pair> after =
        List.of(
            pair(6, 6, Grade.POSSIBLE, 6),
            pair(5, 4, Grade.CERTAIN, 14),
            pair(4, 4, Grade.PROBABLE, 11),
            pair(2, 2, Grade.CERTAIN, 14),
            pair(1, 1, Grade.PROBABLE, 13),
            pair(0, 0, Grade.CERTAIN, 21));

    DecisionChanges changes = DecisionChanges.between(before, after);

    assertThat(changes.pairs()).isEqualTo(8);
    assertThat(changes.linksGained()).isEqualTo(2);
    assertThat(changes.linksLost()).isEqualTo(2);
    assertThat(changes.movedToReview()).isEqualTo(2);
    assertThat(changes.movedOutOfReview()).isEqualTo(2);
    assertThat(changes.changes())
        .extracting(DecisionChanges.Change::left)
        .containsExactly(1, 2, 3, 4, 5, 5, 6);
    assertThat(changes.changes().get(2))
        .isEqualTo(
            new DecisionChanges.Change(3, 3, Grade.POSSIBLE, Grade.CERTAINLY_NOT, 7.0, null));
  }
}
