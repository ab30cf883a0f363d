package org.pmslink.linking;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.MatchingRules;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Command;
import org.pmslink.membership.StoredDecisions;
import org.pmslink.membership.StoredDecisions.Outcome;
import org.pmslink.membership.Verdicts;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;

/**
 * Decides about everything that a practice has stored with rules that are not in force, and touches
 * nothing: what would be linked, what would not, what would go to people.
 */
@Component
public class ShadowRun {
  private static final int PAGE = 500;

  private final Practices practices;
  private final Populations populations;
  private final Charts charts;
  private final Verdicts verdicts;
  private final StoredDecisions decisions;

  ShadowRun(
      Practices practices,
      Populations populations,
      Charts charts,
      Verdicts verdicts,
      StoredDecisions decisions) {
    this.practices = practices;
    this.populations = populations;
    this.charts = charts;
    this.verdicts = verdicts;
    this.decisions = decisions;
  }

  /** What new rules would do to a chart. */
  public enum Change {
    /** Nothing, or nothing that anybody would see. */
    NONE,
    /** Linked, where there is no link. */
    LINK_GAINED,
    /** A link that would be flagged for verification. */
    LINK_IN_DOUBT,
    /** To review, where nobody came into question. */
    TO_REVIEW,
    /** A review would close, for nobody comes into question any more. */
    REVIEW_CLOSED,
    /** In review now and then, for another reason. */
    REVIEW_CHANGED
  }

  /**
   * A chart that new rules would treat differently.
   *
   * @param now outcome and reason that stand
   * @param then outcome and reason under the new rules
   * @param member the member that it would be linked to, is linked to, or most resembles
   */
  public record Changed(
      String source,
      String sourceId,
      Change change,
      String now,
      String then,
      @Nullable String member,
      @Nullable Double score) {}

  /** How many charts fare in which way. */
  public record Report(Map<Change, Integer> charts) {
    public Report {
      charts = Map.copyOf(charts);
    }
  }

  /**
   * Runs over all charts of a practice.
   *
   * @param each gets every chart that would change, in the order of the store
   */
  public Report run(String practice, MatchingRules rules, Consumer<Changed> each) {
    int practiceId = practices.id(practice);
    PracticeMatcher matcher = new PracticeMatcher(rules, populations.counts(practiceId));
    Map<Change, Integer> report = new HashMap<>();
    for (String source : charts.sources(practiceId)) {
      long after = 0;
      List<Long> page = charts.ids(practiceId, source, after, PAGE);
      while (!page.isEmpty()) {
        run(practiceId, source, matcher, page, report, each);
        after = page.get(page.size() - 1);
        page = charts.ids(practiceId, source, after, PAGE);
      }
    }
    return new Report(report);
  }

  private void run(
      int practice,
      String source,
      PracticeMatcher matcher,
      List<Long> page,
      Map<Change, Integer> report,
      Consumer<Changed> each) {
    long[] ids = StoredPractice.array(page);
    Map<String, Command> commands = new HashMap<>();
    new Linking(matcher, new StoredPractice(practice, source, charts, verdicts))
        .decideStored(ids)
        .forEach(command -> commands.put(command.sourceId(), command));
    for (Outcome now : decisions.outcomes(practice, ids)) {
      Command then = commands.get(now.sourceId());
      if (then == null) {
        continue;
      }
      Changed changed = changed(source, now, then);
      report.merge(changed.change(), 1, Integer::sum);
      if (changed.change() != Change.NONE) {
        each.accept(changed);
      }
    }
  }

  private static Changed changed(String source, Outcome now, Command then) {
    String stands = now.outcome() + ' ' + now.reason();
    if (then instanceof Command.Link link) {
      return new Changed(
          source,
          now.sourceId(),
          now.linkedTo() == null ? Change.LINK_GAINED : Change.NONE,
          stands,
          "LINKED CERTAIN",
          link.memberNumber(),
          link.comparison().score());
    }
    if (then instanceof Command.Review review) {
      var best = review.candidates().isEmpty() ? null : review.candidates().get(0);
      boolean inReview = now.outcome().equals("REVIEW");
      Change change =
          inReview && now.reason().equals(review.reason())
              ? Change.NONE
              : inReview
                  ? Change.REVIEW_CHANGED
                  : now.linkedTo() == null ? Change.TO_REVIEW : Change.LINK_IN_DOUBT;
      return new Changed(
          source,
          now.sourceId(),
          change,
          stands,
          "REVIEW " + review.reason(),
          best == null ? now.linkedTo() : best.memberNumber(),
          best == null ? null : best.comparison().score());
    }
    String reason = then instanceof Command.NoMatch none ? none.reason() : "";
    boolean drifts =
        reason.equals(ReviewReason.LINK_DRIFTED.name()) && !now.reason().equals(reason);
    return new Changed(
        source,
        now.sourceId(),
        drifts
            ? Change.LINK_IN_DOUBT
            : now.outcome().equals("REVIEW") ? Change.REVIEW_CLOSED : Change.NONE,
        stands,
        (now.byPerson() ? "LINKED " : "UNLINKED ") + reason,
        now.linkedTo(),
        null);
  }
}
