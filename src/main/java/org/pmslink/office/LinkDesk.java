package org.pmslink.office;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Actor;
import org.pmslink.access.Audit;
import org.pmslink.access.Right;
import org.pmslink.linking.Explaining;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Explanation;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Member;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Verdicts;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;

/**
 * Decides about a chart and a member, for whoever asks. With {@link Right#LINK} alone one links
 * what rules find certain or probable while neither is linked elsewhere, and takes back one's own
 * decisions; the rest wants {@link Right#RELINK}.
 */
@Component
public class LinkDesk {
  private static final int LONGEST_REASON = 500;

  private final Explaining explaining;
  private final MemberHistory history;
  private final Verdicts verdicts;
  private final Practices practices;
  private final Audit audit;

  LinkDesk(
      Explaining explaining,
      MemberHistory history,
      Verdicts verdicts,
      Practices practices,
      Audit audit) {
    this.explaining = explaining;
    this.history = history;
    this.verdicts = verdicts;
    this.practices = practices;
    this.audit = audit;
  }

  /** What rules think of the two now; {@code null} when one of them is no longer in use. */
  public @Nullable Explanation explain(String practice, Found chart, Member member) {
    return explain(practice, List.of(chart), member).get(chart.name());
  }

  /** The same of several charts, by their names; without those that are no longer in use. */
  public Map<String, Explanation> explain(String practice, List<Found> charts, Member member) {
    Map<String, Explanation> explained = new HashMap<>();
    if (member.removed()) {
      return explained;
    }
    charts.stream()
        .filter(chart -> !isGone(chart))
        .collect(Collectors.groupingBy(Found::source))
        .forEach(
            (source, ofOne) -> {
              Map<String, PracticeMatcher.Explained> now =
                  explaining.now(
                      practice, source, ofOne.stream().map(Found::sourceId).toList(), member);
              for (Found chart : ofOne) {
                PracticeMatcher.Explained pair = now.get(chart.sourceId());
                if (pair != null) {
                  explained.put(chart.name(), pair.explanation());
                }
              }
            });
    return explained;
  }

  private static boolean isGone(Found chart) {
    return chart.removedAt() != null || chart.mergedInto() != null;
  }

  /** Whether the member is linked to another chart of the same PMS. */
  public boolean isLinkedElsewhere(String practice, Member member, Found chart) {
    return history.links(practice, member).stream()
        .anyMatch(
            link ->
                link.stands()
                    && link.source().equals(chart.source())
                    && !link.sourceId().equals(chart.sourceId()));
  }

  /**
   * Why somebody may not link the two; {@code null} when they may.
   *
   * @param explanation what {@link #explain} said of them
   */
  public @Nullable RefusedException whyNotLink(
      Actor actor, Found chart, Member member, @Nullable Explanation explanation) {
    if (member.removed()) {
      return new RefusedException("The membership has ended.");
    }
    if (isGone(chart)) {
      return new RefusedException("The chart is no longer in use in the PMS.");
    }
    if (actor.may(Right.RELINK)) {
      return null;
    }
    if (isDecidedByAnother(actor, chart, member)) {
      return decidedByAnother();
    }
    if (!actor.may(Right.LINK)) {
      return new NotAllowedException("Linking is for the front desk and for managers.");
    }
    String linked = chart.memberNumber();
    if (linked != null && !linked.equals(member.memberNumber())) {
      return new NotAllowedException(
          "The chart is linked to another member; a manager can re-link it.");
    }
    if (isLinkedElsewhere(actor.practice(), member, chart)) {
      return new NotAllowedException(
          "The member is linked to another chart; a manager can re-link it.");
    }
    Grade grade = explanation == null ? Grade.CERTAINLY_NOT : explanation.comparison().grade();
    return grade == Grade.CERTAIN || grade == Grade.PROBABLE
        ? null
        : new NotAllowedException(
            "The two are not alike enough; a manager can link them after making sure.");
  }

  /** Why somebody may not say that the two are two people; {@code null} when they may. */
  public @Nullable NotAllowedException whyNotTellApart(Actor actor, Found chart, Member member) {
    if (actor.may(Right.RELINK)) {
      return null;
    }
    if (!actor.may(Right.LINK)) {
      return new NotAllowedException("Telling apart is for the front desk and for managers.");
    }
    if (member.memberNumber().equals(chart.memberNumber())) {
      return new NotAllowedException(
          "The two are linked; if they are two people, a manager can unlink them.");
    }
    // Else one would take its place, and then one's own could be taken back.
    return isDecidedByAnother(actor, chart, member) ? decidedByAnother() : null;
  }

  private static NotAllowedException decidedByAnother() {
    return new NotAllowedException("Somebody else has decided about the two; a manager can, too.");
  }

  private boolean isDecidedByAnother(Actor actor, Found chart, Member member) {
    return verdicts
        .about(practices.id(actor.practice()), chart.id(), member.id())
        .filter(said -> !said.actor().equals(actor.name()))
        .isPresent();
  }

  /** What there is to see of the two, to be given back with what somebody decides on it. */
  public String seen(String practice, Found chart, Member member) {
    return verdicts.seen(practice, chart, member.memberNumber());
  }

  /**
   * Links, re-links or verifies: somebody says that the two are one.
   *
   * @param seen what {@link #seen} gave; {@code null} to decide whatever has been meanwhile
   * @return id of what was decided, by which it is taken back
   * @throws RefusedException when they may not, it cannot be, they do not say why, or something has
   *     been decided since
   */
  public long same(Actor actor, Found chart, Member member, @Nullable String seen, String reason)
      throws RefusedException {
    String why = reason(reason);
    // Before the rights are looked at: what they stand on must still be so when the link is made.
    String before = seen == null ? seen(actor.practice(), chart, member) : seen;
    RefusedException not =
        whyNotLink(actor, chart, member, explain(actor.practice(), chart, member));
    if (not != null) {
      String attempt = "to link " + pair(chart, member);
      audit.note(actor.practice(), actor.name(), "refused", attempt);
      throw not instanceof NotAllowedException right ? right.at(attempt) : not;
    }
    return decide(actor, chart, member, Verdicts.Verdict.SAME, before, why, "linked");
  }

  /**
   * Somebody says that the two are not one: a link between them ends, and none is made again.
   *
   * @return as above
   * @throws RefusedException as above
   */
  public long notSame(Actor actor, Found chart, Member member, @Nullable String seen, String reason)
      throws RefusedException {
    String why = reason(reason);
    String before = seen == null ? seen(actor.practice(), chart, member) : seen;
    NotAllowedException not = whyNotTellApart(actor, chart, member);
    if (not != null) {
      String attempt = "to tell apart " + pair(chart, member);
      audit.note(actor.practice(), actor.name(), "refused", attempt);
      throw not.at(attempt);
    }
    return decide(actor, chart, member, Verdicts.Verdict.NOT_SAME, before, why, "told apart");
  }

  private long decide(
      Actor actor,
      Found chart,
      Member member,
      Verdicts.Verdict verdict,
      String seen,
      String reason,
      String noted)
      throws RefusedException {
    try {
      return audit.together(
          () -> {
            long made =
                verdicts.decide(
                    actor.practice(),
                    chart.source(),
                    chart.sourceId(),
                    member.memberNumber(),
                    verdict,
                    seen,
                    actor.name(),
                    reason);
            audit.note(actor.practice(), actor.name(), noted, pair(chart, member));
            return made;
          });
    } catch (IllegalArgumentException e) {
      throw gone();
    }
  }

  /**
   * Takes back what was decided about the two; rules decide again.
   *
   * @param verdict id of what is taken back: what somebody else has said since stays
   * @throws RefusedException when it does not stand any more, or somebody else decided it and they
   *     may not
   */
  public void takeBack(Actor actor, Found chart, Member member, long verdict)
      throws RefusedException {
    String practice = actor.practice();
    if (!actor.may(Right.RELINK) && isDecidedByAnother(actor, chart, member)) {
      audit.note(practice, actor.name(), "refused", "take back of " + member.memberNumber());
      throw new NotAllowedException("Somebody else decided that; a manager can take it back.");
    }
    try {
      audit.noting(
          practice,
          actor.name(),
          "took back",
          pair(chart, member),
          () ->
              verdicts.withdraw(
                  practice,
                  chart.source(),
                  chart.sourceId(),
                  member.memberNumber(),
                  verdict,
                  actor.name(),
                  "taken back"));
    } catch (IllegalArgumentException e) {
      throw gone();
    }
  }

  private static RefusedException gone() {
    return new RefusedException("The chart or the member is no longer in use.");
  }

  private static String pair(Found chart, Member member) {
    return member.memberNumber() + " and " + chart.name();
  }

  /**
   * Why somebody does something, in their words.
   *
   * @throws RefusedException when they say nothing, or too much
   */
  public static String reason(String typed) throws RefusedException {
    String reason = typed.strip();
    if (reason.isEmpty()) {
      throw new RefusedException("Say why: whoever looks at this link later will want to know.");
    }
    if (reason.length() > LONGEST_REASON) {
      throw new RefusedException("The reason has more than " + LONGEST_REASON + " characters.");
    }
    return reason;
  }
}
