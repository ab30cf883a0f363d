package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.linking.PatientSearch;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.Member;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.Members;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Verdicts;
import org.pmslink.office.LinkDesk;
import org.springdoc.core.annotations.ParameterObject;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/**
 * Which chart a member is. Links follow from verdicts: whoever says that the two are one person
 * makes, verifies or moves a link; whoever says that they are two ends it and keeps rules from
 * making it again.
 */
@RestController
@ConditionalOnWebApplication
@RequestMapping(
    path = ApiJson.PRACTICE + "/members/{number}",
    produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Links")
class LinkApi {
  private final Members members;
  private final MemberHistory history;
  private final PatientDirectory patients;
  private final PatientSearch search;
  private final Verdicts verdicts;
  private final LinkDesk desk;
  private final Creations creations;
  private final Audit audit;

  LinkApi(
      Members members,
      MemberHistory history,
      PatientDirectory patients,
      PatientSearch search,
      Verdicts verdicts,
      LinkDesk desk,
      Creations creations,
      Audit audit) {
    this.members = members;
    this.history = history;
    this.patients = patients;
    this.search = search;
    this.verdicts = verdicts;
    this.desk = desk;
    this.creations = creations;
    this.audit = audit;
  }

  @GetMapping("/links")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Links of a member: those that stand, then those that ended, newest first")
  Page<MemberHistory.Link> links(
      Caller caller, @PathVariable String number, @ParameterObject Page.Wanted page) {
    Member member = member(caller, number);
    Page<MemberHistory.Link> found =
        page.among(history.links(caller.practice(), member), link -> String.valueOf(link.id()));
    audit.note(
        caller,
        "saw links",
        Audit.about(
            number + (found.items().isEmpty() ? "" : ", with"),
            found.items().stream().map(link -> link.source() + "/" + link.sourceId()).toList()));
    return found;
  }

  /** A chart that a member may be. */
  record PossibleChart(Shown.Patient patient, Shown.Why why) {}

  /**
   * Who a member may be.
   *
   * @param tooMany more charts are alike than could be compared: the one may be missing
   */
  record PossibleCharts(List<PossibleChart> items, boolean tooMany) {}

  @GetMapping("/candidates")
  @Needs(Right.LINK)
  @Operation(summary = "Charts that a member may be, best first")
  PossibleCharts candidates(Caller caller, @PathVariable String number) {
    Member member = member(caller, number);
    PatientSearch.Found found =
        PatientSearch.isEnough(member.person())
            ? search.search(caller.practice(), member.person(), false, PatientSearch.USUAL)
            : new PatientSearch.Found(List.of(), 0, false, "");
    audit.note(
        caller,
        "looked for the chart of",
        Audit.about(
            number + ", " + found.candidates().size() + " candidates",
            found.candidates().stream().map(c -> c.chart().name()).toList()));
    Map<PatientSearch.Candidate, Found> charts = new LinkedHashMap<>();
    for (PatientSearch.Candidate candidate : found.candidates()) {
      charts.put(candidate, patients.find(caller.practice(), candidate.chart().id()).orElseThrow());
    }
    // Graded as in compare: a search takes the member for somebody who is not stored, and knows
    // neither of links nor of verdicts.
    Map<String, Explanation> now =
        desk.explain(caller.practice(), List.copyOf(charts.values()), member);
    return new PossibleCharts(
        charts.entrySet().stream()
            .map(
                e ->
                    new Possible(
                        e.getValue(), now.getOrDefault(e.getValue().name(), e.getKey().why())))
            .sorted(Comparator.comparing((Possible p) -> p.why().comparison().grade()).reversed())
            .map(p -> new PossibleChart(Shown.patient(p.chart(), null), Shown.Why.of(p.why())))
            .toList(),
        found.tooMany());
  }

  private record Possible(Found chart, Explanation why) {}

  /**
   * A member and a chart, as rules see them now.
   *
   * @param why absent when one of them is no longer in use
   * @param mayLink whether this caller may say that the two are one
   * @param whyNot otherwise why not
   * @param seen what there is of links and verdicts, to be sent with a verdict
   */
  record Compared(
      String member,
      long patient,
      Shown.@Nullable Why why,
      boolean mayLink,
      @Nullable String whyNot,
      Verdicts.@Nullable Decided verdict,
      String seen) {}

  @GetMapping("/comparisons/{patient}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Why a member and a chart are alike or not, and what a person said of them")
  Compared compare(Caller caller, @PathVariable String number, @PathVariable long patient) {
    Member member = member(caller, number);
    Found chart = chart(caller, patient);
    audit.note(caller, "compared", number + " with " + chart.name());
    Explanation explanation = desk.explain(caller.practice(), chart, member);
    RefusedException not = desk.whyNotLink(caller.asActor(), chart, member, explanation);
    return new Compared(
        number,
        patient,
        explanation == null ? null : Shown.Why.of(explanation),
        not == null,
        not == null ? null : not.getMessage(),
        decided(caller, member, patient),
        desk.seen(caller.practice(), chart, member));
  }

  @GetMapping("/verdicts")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "What people and programs have decided about a member, and what stands")
  Page<Verdicts.Decided> verdicts(
      Caller caller, @PathVariable String number, @ParameterObject Page.Wanted page) {
    Member member = member(caller, number);
    Page<Verdicts.Decided> found =
        page.among(verdicts.of(caller.practice(), member.id()), v -> String.valueOf(v.chart()));
    audit.note(
        caller,
        "saw links",
        Audit.about(
            number + (found.items().isEmpty() ? "" : ", with"),
            found.items().stream().map(v -> v.source() + "/" + v.sourceId()).toList()));
    return found;
  }

  /**
   * What somebody says of a member and a chart.
   *
   * @param patient number here of the chart
   * @param verdict same or not-same
   * @param reason why, for whoever looks at it later
   * @param seen of the comparison: a verdict on what is not so any more is refused
   */
  record NewVerdict(
      long patient,
      String verdict,
      String reason,
      @Schema(
              description =
                  "seen of the comparison: when the chart is, or links or verdicts of the two are,"
                      + " others since, the"
                      + " answer is 409. When absent, it is decided on whatever is stored at that"
                      + " moment; the answer says of which versions.")
          @Nullable String seen) {}

  @PostMapping("/verdicts")
  @Needs(Right.LINK)
  @Operation(
      summary = "Says that a member and a chart are one person, or two",
      description =
          "same links the two, verifies the link that there is, or moves it; not-same ends the link"
              + " and keeps rules from making it again. With LINK alone: same for charts that are"
              + " certain or probable while neither is linked elsewhere, not-same for two that are"
              + " not linked.")
  @ResponseStatus(HttpStatus.CREATED)
  ResponseEntity<Verdicts.Decided> decide(
      Caller caller,
      HttpServletRequest request,
      @PathVariable String number,
      @RequestBody NewVerdict typed)
      throws RefusedException, IOException {
    Verdicts.Verdict verdict = ApiJson.read(Verdicts.Verdict.class, "verdict", typed.verdict());
    String reason = typed.reason() == null ? "" : typed.reason();
    member(caller, number);
    return creations.create(
        caller,
        request,
        () -> {
          Member member = member(caller, number);
          Found chart =
              patients
                  .find(caller.practice(), typed.patient())
                  .orElseThrow(() -> new Problem.Refused(422, "patient: there is none"));
          if (verdict == Verdicts.Verdict.SAME) {
            desk.same(caller.asActor(), chart, member, typed.seen(), reason);
          } else {
            desk.notSame(caller.asActor(), chart, member, typed.seen(), reason);
          }
          Verdicts.Decided made = decided(caller, member, typed.patient());
          return new Creations.Created<>(
              "/members/" + number + "/verdicts/" + typed.patient(),
              java.util.Objects.requireNonNull(made));
        });
  }

  @GetMapping("/verdicts/{patient}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "What stands about a member and a chart")
  ResponseEntity<Verdicts.Decided> verdict(
      Caller caller, @PathVariable String number, @PathVariable long patient) {
    Verdicts.Decided found = standing(caller, member(caller, number), patient);
    audit.note(caller, "saw links", number);
    return Tags.ok(found);
  }

  @DeleteMapping("/verdicts/{patient}")
  @Needs(Right.LINK)
  @Operation(
      summary = "Takes back what was decided about a member and a chart; rules decide again",
      description = "With LINK alone: one's own.")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  void takeBack(
      Caller caller,
      HttpServletRequest request,
      @PathVariable String number,
      @PathVariable long patient)
      throws RefusedException {
    Member member = member(caller, number);
    Verdicts.Decided seen = standing(caller, member, patient);
    Tags.require(request, seen);
    desk.takeBack(caller.asActor(), chart(caller, patient), member, seen.id());
  }

  private Verdicts.Decided standing(Caller caller, Member member, long patient) {
    Verdicts.Decided found = decided(caller, member, patient);
    if (found == null) {
      throw Problem.Refused.notThere();
    }
    return found;
  }

  private Verdicts.@Nullable Decided decided(Caller caller, Member member, long patient) {
    return verdicts.of(caller.practice(), member.id()).stream()
        .filter(v -> v.chart() == patient)
        .findFirst()
        .orElse(null);
  }

  private Found chart(Caller caller, long patient) {
    return patients.find(caller.practice(), patient).orElseThrow(Problem.Refused::notThere);
  }

  private Member member(Caller caller, String number) {
    return members.find(caller.practice(), number).orElseThrow(Problem.Refused::notThere);
  }
}
