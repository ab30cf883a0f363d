package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Worklists;
import org.pmslink.office.DuplicateDesk;
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
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** What waits for a person: reviews, links that want verification, duplicates. */
@RestController
@ConditionalOnWebApplication
@RequestMapping(path = ApiJson.PRACTICE, produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Worklists")
class WorklistApi {
  private final Worklists worklists;
  private final Duplicates duplicates;
  private final DuplicateDesk desk;
  private final PatientDirectory patients;
  private final MemberHistory history;
  private final Audit audit;

  WorklistApi(
      Worklists worklists,
      Duplicates duplicates,
      DuplicateDesk desk,
      PatientDirectory patients,
      MemberHistory history,
      Audit audit) {
    this.desk = desk;
    this.history = history;
    this.worklists = worklists;
    this.duplicates = duplicates;
    this.patients = patients;
    this.audit = audit;
  }

  @GetMapping("/worklists")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "How much waits, and how many members there are")
  Worklists.Counts counts(Caller caller) {
    return worklists.counts(caller.practice());
  }

  /**
   * A chart that rules could not decide about.
   *
   * @param patient its number here
   * @param reason why, for example AMBIGUOUS
   * @param candidates numbers of the members that it may be, best first
   */
  record Review(
      long id,
      long patient,
      String source,
      String sourceId,
      String reason,
      java.time.Instant openedAt,
      List<String> candidates) {}

  private static Review review(Worklists.Review review, Map<Long, Found> charts) {
    Found chart = charts.get(review.id());
    if (chart == null) {
      throw Problem.Refused.notThere();
    }
    return new Review(
        review.id(),
        chart.id(),
        review.source(),
        review.sourceId(),
        review.reason(),
        review.openedAt(),
        review.candidates());
  }

  @GetMapping("/reviews")
  @Needs(Right.SEE_PATIENTS)
  @Operation(
      summary = "Charts that rules could not decide about, oldest first",
      description = "A verdict about the chart and one of the members closes it.")
  Page<Review> reviews(
      Caller caller,
      @RequestParam(required = false) @Nullable String reason,
      @ParameterObject Page.Wanted page) {
    Page<Worklists.Review> found =
        page.byId(
            (after, most) -> worklists.reviews(caller.practice(), reason, after, most),
            Worklists.Review::id);
    audit.note(
        caller,
        "listed reviews",
        Audit.about(found.items().size() + " reviews", Worklists.Review.names(found.items())));
    Map<Long, Found> charts = patients.of(caller.practice(), found.items());
    return found.map(review -> review(review, charts));
  }

  @GetMapping("/reviews/{review}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "One review that is open")
  ResponseEntity<Review> review(Caller caller, @PathVariable long review) {
    Worklists.Review found =
        worklists.review(caller.practice(), review).orElseThrow(Problem.Refused::notThere);
    audit.note(
        caller,
        "saw review",
        found.source() + "/" + found.sourceId() + " with " + found.candidates());
    return Tags.ok(review(found, patients.of(caller.practice(), List.of(found))));
  }

  @GetMapping("/links")
  @Needs(Right.SEE_PATIENTS)
  @Operation(
      summary = "Links of all members that stand, in the order in which they were made",
      description = "For whoever begins with nothing, or has missed events.")
  Page<MemberHistory.OfMember> links(Caller caller, @ParameterObject Page.Wanted page) {
    Page<MemberHistory.OfMember> found =
        page.byId(
            (after, most) -> history.standing(caller.practice(), after, most),
            one -> one.link().id());
    audit.note(
        caller,
        "listed links",
        Audit.about(found.items().size() + " links", MemberHistory.OfMember.names(found.items())));
    return found;
  }

  @GetMapping("/flagged-links")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Links that want verification, in the order of their making")
  Page<Worklists.Flagged> flagged(
      Caller caller,
      @RequestParam(required = false) @Nullable String reason,
      @ParameterObject Page.Wanted page) {
    Page<Worklists.Flagged> found =
        page.byId(
            (after, most) -> worklists.flaggedAsMade(caller.practice(), reason, after, most),
            Worklists.Flagged::id);
    audit.note(
        caller,
        "listed flagged links",
        Audit.about(found.items().size() + " links", Worklists.Flagged.names(found.items())));
    return found;
  }

  @GetMapping("/duplicates")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Charts that seem to be one person, and members, as they were found")
  Page<Duplicates.Finding> duplicates(
      Caller caller,
      @RequestParam(required = false) Duplicates.@Nullable Kind kind,
      @ParameterObject Page.Wanted page) {
    Page<Duplicates.Finding> found =
        page.byId(
            (after, most) -> duplicates.openAsFound(caller.practice(), kind, after, most),
            Duplicates.Finding::id);
    audit.note(
        caller,
        "listed duplicates",
        Audit.about(found.items().size() + " findings", Duplicates.Pair.names(found.items())));
    return found;
  }

  @GetMapping("/duplicates/told-apart")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Those that people have told apart, what was found last in front")
  Page<Duplicates.ToldApart> toldApart(Caller caller, @ParameterObject Page.Wanted page) {
    Page<Duplicates.ToldApart> found =
        page.byId(
            (after, most) -> duplicates.toldApart(caller.practice(), after, most),
            Duplicates.ToldApart::id);
    audit.note(
        caller,
        "listed duplicates told apart",
        Audit.about(found.items().size() + " findings", Duplicates.Pair.names(found.items())));
    return found;
  }

  /** Two that seem to be one, and why; the weights add up to the score. */
  record Duplicate(
      long id,
      Duplicates.Kind kind,
      Duplicates.Side one,
      Duplicates.Side other,
      String grade,
      double score,
      List<Evidence> evidence) {}

  @GetMapping("/duplicates/{duplicate}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "One finding that is open")
  ResponseEntity<Duplicate> duplicate(Caller caller, @PathVariable long duplicate) {
    Duplicates.Found found =
        duplicates.find(caller.practice(), duplicate).orElseThrow(Problem.Refused::notThere);
    audit.note(
        caller,
        found.kind() == Duplicates.Kind.MEMBER ? "compared members" : "compared charts",
        name(found.one()) + " and " + name(found.other()));
    return Tags.ok(
        new Duplicate(
            found.id(),
            found.kind(),
            found.one(),
            found.other(),
            ApiJson.label(found.comparison().grade()),
            found.comparison().score(),
            found.comparison().evidenceWithPrior()));
  }

  private static String name(Duplicates.Side side) {
    return side.source().isEmpty() ? side.id() : side.source() + "/" + side.id();
  }

  @PostMapping("/duplicates/{duplicate}/not-same")
  @Needs(Right.CHANGE_MEMBERS)
  @Operation(
      summary = "Says that the two of a finding are two people",
      description = "Rules open it never again; who said so, or a manager, can take it back.")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  void toldApart(Caller caller, @PathVariable long duplicate, @RequestBody MemberApi.Reason reason)
      throws RefusedException {
    if (!desk.tellApart(caller.asActor(), duplicate, reason.given())) {
      throw Problem.Refused.notThere();
    }
  }

  @DeleteMapping("/duplicates/{duplicate}/not-same")
  @Needs(Right.CHANGE_MEMBERS)
  @Operation(
      summary = "Takes back that the two of a finding are two people",
      description =
          "The finding is open again, while rules still find the two alike. What somebody else has"
              + " said is for managers to take back.")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  void takenBack(Caller caller, @PathVariable long duplicate) throws RefusedException {
    if (!desk.takeBack(caller.asActor(), duplicate)) {
      throw Problem.Refused.notThere();
    }
  }
}
