package org.pmslink.console;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.linking.Explaining;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.Member;
import org.pmslink.membership.Members;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Worklists;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ResponseStatusException;

/** What several pages of the office look up: a chart, a member, and the two compared. */
@Component
class Desk {
  private static final int LONGEST_REASON = 500;

  private final PatientDirectory patients;
  private final Members members;
  private final Explaining explaining;
  private final Worklists worklists;
  private final Shown shown;
  private final Audit audit;

  Desk(
      PatientDirectory patients,
      Members members,
      Explaining explaining,
      Worklists worklists,
      Shown shown,
      Audit audit) {
    this.audit = audit;
    this.worklists = worklists;
    this.patients = patients;
    this.members = members;
    this.explaining = explaining;
    this.shown = shown;
  }

  /** Charts by what somebody typed; that they looked is audited, what they typed is not. */
  PatientDirectory.Result search(String practice, String typed, int most, String actor) {
    PatientDirectory.Result result = patients.search(practice, typed, most);
    audit.note(
        practice,
        actor,
        "searched patients",
        result.charts().size() + (result.more() ? " or more" : "") + " found");
    return result;
  }

  /** A chart of this practice, or 404. */
  Found chart(String practice, String source, String sourceId) {
    return patients.find(practice, source, sourceId).orElseThrow(Desk::notThere);
  }

  /** A member of this practice, or 404. */
  Member member(String practice, String number) {
    return members.find(practice, number).orElseThrow(Desk::notThere);
  }

  static ResponseStatusException notThere() {
    return new ResponseStatusException(HttpStatus.NOT_FOUND);
  }

  /** A chart and a member beside each other, as rules see them now. */
  SideBySide compare(String practice, Found chart, Member member) {
    return SideBySide.of(chart, member, explain(practice, chart, member), shown);
  }

  private @Nullable Explanation explain(String practice, Found chart, Member member) {
    if (member.removed() || chart.removedAt() != null || chart.mergedInto() != null) {
      return null;
    }
    return explaining
        .explain(practice, chart.source(), chart.sourceId(), member.memberNumber())
        .now()
        .explanation();
  }

  /** Address of the review that waits behind this one, or of the list when none does. */
  String nextReview(String practice, long review) {
    return worklists.reviews(practice, review, 1).stream()
        .map(next -> "/reviews/" + next.id())
        .findFirst()
        .orElse("/reviews");
  }

  /** Whether the two are alike enough for somebody who may not decide against the rules. */
  static boolean isLikely(SideBySide pair) {
    return Optional.ofNullable(pair.reviewed())
        .map(reviewed -> reviewed.comparison().grade())
        .filter(grade -> grade == Grade.CERTAIN || grade == Grade.PROBABLE)
        .isPresent();
  }

  /**
   * Why somebody does something, in their words.
   *
   * @throws RefusedException when they say nothing, or too much
   */
  static String reason(String typed) throws RefusedException {
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
