package org.pmslink.console;

import org.pmslink.access.Audit;
import org.pmslink.membership.Member;
import org.pmslink.membership.Members;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.Worklists;
import org.pmslink.office.LinkDesk;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ResponseStatusException;

/** What several pages of the office look up: a chart, a member, and the two compared. */
@Component
class Desk {
  private final PatientDirectory patients;
  private final Members members;
  private final LinkDesk links;
  private final Worklists worklists;
  private final Shown shown;
  private final Audit audit;

  Desk(
      PatientDirectory patients,
      Members members,
      LinkDesk links,
      Worklists worklists,
      Shown shown,
      Audit audit) {
    this.audit = audit;
    this.worklists = worklists;
    this.patients = patients;
    this.members = members;
    this.links = links;
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
    return SideBySide.of(chart, member, links.explain(practice, chart, member), shown);
  }

  /** Address of the review that waits behind this one, or of the list when none does. */
  String nextReview(String practice, long review) {
    return worklists.reviews(practice, review, 1).stream()
        .map(next -> "/reviews/" + next.id())
        .findFirst()
        .orElse("/reviews");
  }
}
