package org.pmslink.console;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Member;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.Members;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.Worklists;
import org.pmslink.office.LinkDesk;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.util.UriComponentsBuilder;

/** What several pages of the office look up: a chart, a member, and the two compared. */
@Component
class Desk {
  /** The worklist of links in doubt, as addresses name it. */
  static final String FLAGGED = "flagged";

  /** The worklist of members without a chart. */
  static final String UNLINKED = "unlinked";

  private final PatientDirectory patients;
  private final Members members;
  private final MemberHistory history;
  private final LinkDesk links;
  private final Worklists worklists;
  private final Duplicates duplicates;
  private final Shown shown;
  private final Audit audit;

  Desk(
      PatientDirectory patients,
      Members members,
      MemberHistory history,
      LinkDesk links,
      Worklists worklists,
      Duplicates duplicates,
      Shown shown,
      Audit audit) {
    this.audit = audit;
    this.duplicates = duplicates;
    this.worklists = worklists;
    this.patients = patients;
    this.members = members;
    this.history = history;
    this.links = links;
    this.shown = shown;
  }

  /**
   * What a search has come to, with what staff want to see beside it.
   *
   * @param families for each chart by its number, the others of its household
   * @param inReview charts about which the rules could not decide
   */
  record Searched(
      List<Found> charts, boolean more, Map<Long, List<Found>> families, Set<Long> inReview) {}

  /** Charts by what somebody typed; that they looked is audited, what they typed is not. */
  Searched search(String practice, String typed, int most, String actor) {
    PatientDirectory.Result result = patients.search(practice, typed, most);
    Map<Long, List<Found>> families = patients.families(practice, result.charts());
    audit.note(
        practice,
        actor,
        "searched patients",
        Audit.about(
            result.charts().size() + (result.more() ? " or more" : "") + " found",
            Stream.concat(
                    result.charts().stream(), families.values().stream().flatMap(List::stream))
                .map(Found::name)
                .toList()));
    return new Searched(
        result.charts(),
        result.more(),
        families,
        worklists.inReview(practice, result.charts().stream().map(Found::id).toList()));
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
    return SideBySide.of(
        chart,
        member,
        links.explain(practice, chart, member),
        links.seen(practice, chart, member),
        shown);
  }

  /**
   * Other charts that a member may be: those linked to the member, and those about which the rules
   * could not decide.
   */
  List<Found> otherCharts(String practice, Found chart, Member member) {
    return Stream.concat(
            history.links(practice, member).stream()
                .filter(MemberHistory.Link::stands)
                .flatMap(l -> patients.find(practice, l.source(), l.sourceId()).stream()),
            worklists.reviewsWith(practice, member.memberNumber()).stream()
                .flatMap(r -> patients.find(practice, r.source(), r.sourceId()).stream()))
        .filter(other -> other.id() != chart.id())
        .collect(Collectors.toMap(Found::id, other -> other, (a, b) -> a, LinkedHashMap::new))
        .values()
        .stream()
        .toList();
  }

  /**
   * Address of the review that waits behind this one, or of the list when none does.
   *
   * @param reason which of them are gone through; empty for all
   */
  String nextReview(String practice, String reason, long review) {
    String path =
        worklists.reviews(practice, reason.isEmpty() ? null : reason, review, 1).stream()
            .map(next -> "/reviews/" + next.id())
            .findFirst()
            .orElse("/reviews");
    return onlyFor(path, reason);
  }

  private static String onlyFor(String path, String reason) {
    UriComponentsBuilder address = UriComponentsBuilder.fromPath(path);
    return reason.isEmpty()
        ? path
        : address.queryParam("reason", "{reason}").encode().buildAndExpand(reason).toUriString();
  }

  /**
   * Address of the duplicate that follows on this one, or of the list when none does.
   *
   * @param kind which of them are gone through; empty for both
   */
  String nextDuplicate(String practice, String kind, long after) {
    return duplicates.open(practice, kind(kind), after, 1).stream()
        .map(next -> duplicate(practice, kind, next.id()))
        .findFirst()
        .orElse("/duplicates" + which(kind));
  }

  /**
   * Address where the two of a finding are beside each other; the list when it is not open any
   * more. Two members have a page whether they are a finding or not.
   */
  String duplicate(String practice, String kind, long id) {
    return duplicates
        .find(practice, id)
        .map(
            found ->
                found.kind() == Duplicates.Kind.CHART
                    ? "/duplicates/" + id + which(kind)
                    : UriComponentsBuilder.fromPath("/members/{one}/merge")
                        .queryParam("with", "{other}")
                        .queryParam("finding", id)
                        .queryParam("kind", kind)
                        .encode()
                        .buildAndExpand(found.one().id(), found.other().id())
                        .toUriString())
        .orElse("/duplicates" + which(kind));
  }

  /** The kind of duplicates that an address names; {@code null} for both, or 400. */
  static Duplicates.@Nullable Kind kind(String named) {
    for (Duplicates.Kind kind : Duplicates.Kind.values()) {
      if (kind.name().equals(named)) {
        return kind;
      }
    }
    if (!named.isEmpty()) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    return null;
  }

  private static String which(String kind) {
    return kind(kind) == null ? "" : "?kind=" + kind;
  }

  /**
   * Where a worklist goes on behind a member: to the next link in doubt, or to the next member
   * without a chart; to the list when there is none.
   *
   * @param source of which PMS the member's link in doubt is; empty when nobody knows
   * @param only for which reason links in doubt are gone through; empty for any
   */
  String nextOf(String list, String practice, String member, String source, String only) {
    if (list.equals(FLAGGED)) {
      Worklists.Place here =
          worklists
              .flaggedOf(practice, member, source.isEmpty() ? null : source)
              .map(Worklists.Flagged::place)
              .orElse(Worklists.Place.FIRST);
      List<Worklists.Flagged> behind =
          worklists.flagged(practice, only.isEmpty() ? null : only, here, 1);
      if (behind.isEmpty()) {
        return onlyFor("/flagged", only);
      }
      Worklists.Flagged next = behind.get(0);
      return UriComponentsBuilder.fromPath("/members/{n}/compare")
          .queryParam("source", "{source}")
          .queryParam("id", "{id}")
          .queryParam("list", FLAGGED)
          .queryParam("only", "{only}")
          .encode()
          .buildAndExpand(next.memberNumber(), next.source(), next.sourceId(), only)
          .toUriString();
    }
    return history.list(practice, "", MemberHistory.Which.UNLINKED, member, 1).stream()
        .map(next -> "/members/" + next.memberNumber() + "/link?list=" + UNLINKED)
        .findFirst()
        .orElse("/members?show=unlinked");
  }
}
