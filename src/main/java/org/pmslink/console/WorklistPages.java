package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Member;
import org.pmslink.membership.Members;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Worklists;
import org.pmslink.office.DuplicateDesk;
import org.pmslink.office.NotAllowedException;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/**
 * What waits for a person: charts that rules could not decide about, links in doubt, duplicates.
 */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}")
class WorklistPages {
  private static final int PAGE = 50;

  private final Worklists worklists;
  private final Duplicates duplicates;
  private final DuplicateDesk duplicateDesk;
  private final Members members;
  private final PatientDirectory patients;
  private final Audit audit;
  private final Desk desk;
  private final Shown shown;

  WorklistPages(
      Worklists worklists,
      Duplicates duplicates,
      DuplicateDesk duplicateDesk,
      Members members,
      PatientDirectory patients,
      Audit audit,
      Desk desk,
      Shown shown) {
    this.shown = shown;
    this.worklists = worklists;
    this.duplicates = duplicates;
    this.duplicateDesk = duplicateDesk;
    this.members = members;
    this.patients = patients;
    this.audit = audit;
    this.desk = desk;
  }

  /** A line of the list, with the chart. */
  record Line(Worklists.Review review, Found chart) {}

  @GetMapping("/reviews")
  @Needs(Right.SEE_PATIENTS)
  String reviews(
      @PathVariable String practice,
      @RequestParam(defaultValue = "0") long after,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      Model model) {
    List<Worklists.Review> reviews =
        worklists.reviews(practice, reason.isEmpty() ? null : reason, after, PAGE + 1);
    model.addAttribute("counts", worklists.waiting(practice));
    model.addAttribute("more", reviews.size() > PAGE);
    model.addAttribute("reason", reason);
    model.addAttribute("reasons", worklists.reviewReasons(practice));
    List<Worklists.Review> page = reviews.stream().limit(PAGE).toList();
    Map<Long, Found> charts = patients.of(practice, page);
    List<Line> lines = new ArrayList<>();
    for (Worklists.Review review : page) {
      Found chart = charts.get(review.id());
      if (chart != null) {
        lines.add(new Line(review, chart));
      }
    }
    audit.note(
        practice,
        Visit.of(request).actor(),
        "listed reviews",
        Audit.about(lines.size() + " reviews", Worklists.Review.names(page)));
    model.addAttribute("lines", lines);
    return "reviews";
  }

  /** The next that waits behind this one; the list when there is none. */
  @GetMapping("/reviews/next")
  @Needs(Right.SEE_PATIENTS)
  String next(
      @PathVariable String practice,
      @RequestParam(defaultValue = "0") long after,
      @RequestParam(defaultValue = "") String reason) {
    return "redirect:/console/" + practice + desk.nextReview(practice, reason, after);
  }

  @GetMapping("/reviews/{id}")
  @Needs(Right.SEE_PATIENTS)
  String review(
      @PathVariable String practice,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      Model model) {
    Worklists.Review review = worklists.review(practice, id).orElseThrow(Desk::notThere);
    Found chart = desk.chart(practice, review.source(), review.sourceId());
    List<SideBySide> pairs =
        review.candidates().stream()
            .flatMap(number -> members.find(practice, number).stream())
            .filter(member -> !member.removed())
            .map((Member member) -> desk.compare(practice, chart, member))
            .toList();
    Map<String, List<Found>> others = new HashMap<>();
    for (SideBySide pair : pairs) {
      others.put(pair.member().memberNumber(), desk.otherCharts(practice, chart, pair.member()));
    }
    audit.note(
        practice,
        Visit.of(request).actor(),
        "saw review",
        Audit.about(
            review.source() + "/" + review.sourceId() + " with " + review.candidates(),
            others.values().stream().flatMap(List::stream).map(Found::name).distinct().toList()));
    model.addAttribute("others", others);
    model.addAttribute("review", review);
    model.addAttribute("reason", reason);
    model.addAttribute("chart", chart);
    model.addAttribute("pairs", pairs);
    model.addAttribute("counts", worklists.waiting(practice));
    return "review";
  }

  @GetMapping("/flagged")
  @Needs(Right.SEE_PATIENTS)
  String flagged(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String after,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      Model model) {
    Worklists.Place place;
    try {
      place = after.isEmpty() ? Worklists.Place.FIRST : Worklists.Place.of(after);
    } catch (IllegalArgumentException e) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    List<Worklists.Flagged> found =
        worklists.flagged(practice, reason.isEmpty() ? null : reason, place, PAGE + 1);
    List<Worklists.Flagged> flagged = found.stream().limit(PAGE).toList();
    audit.note(
        practice,
        Visit.of(request).actor(),
        "listed flagged links",
        Audit.about(flagged.size() + " links", Worklists.Flagged.names(flagged)));
    model.addAttribute("flagged", flagged);
    model.addAttribute("people", worklists.people(practice, flagged));
    model.addAttribute("more", found.size() > PAGE);
    model.addAttribute("reason", reason);
    model.addAttribute("reasons", worklists.flagReasons(practice));
    model.addAttribute("counts", worklists.waiting(practice));
    return "flagged";
  }

  @GetMapping("/duplicates")
  @Needs(Right.SEE_PATIENTS)
  String duplicates(
      @PathVariable String practice,
      @RequestParam(defaultValue = "0") long after,
      @RequestParam(defaultValue = "") String kind,
      HttpServletRequest request,
      Model model) {
    List<Duplicates.WithPeople<Duplicates.Finding>> found =
        duplicates.openWithPeople(practice, Desk.kind(kind), after, PAGE + 1);
    List<Duplicates.WithPeople<Duplicates.Finding>> findings = found.stream().limit(PAGE).toList();
    audit.note(
        practice,
        Visit.of(request).actor(),
        "listed duplicates",
        Audit.about(findings.size() + " findings", names(findings)));
    model.addAttribute("findings", findings);
    model.addAttribute("more", found.size() > PAGE);
    model.addAttribute("kind", kind);
    model.addAttribute("kinds", duplicates.openByKind(practice));
    model.addAttribute("counts", worklists.waiting(practice));
    return "duplicates";
  }

  /** What people have told apart, to be taken back. */
  @GetMapping("/duplicates/told-apart")
  @Needs(Right.SEE_PATIENTS)
  String toldApart(
      @PathVariable String practice,
      @RequestParam(defaultValue = "0") long after,
      HttpServletRequest request,
      Model model) {
    List<Duplicates.WithPeople<Duplicates.ToldApart>> found =
        duplicates.toldApartWithPeople(practice, after, PAGE + 1);
    List<Duplicates.WithPeople<Duplicates.ToldApart>> told = found.stream().limit(PAGE).toList();
    audit.note(
        practice,
        Visit.of(request).actor(),
        "listed duplicates told apart",
        Audit.about(told.size() + " findings", names(told)));
    model.addAttribute("told", told);
    model.addAttribute("more", found.size() > PAGE);
    return "told-apart";
  }

  private static <T extends Duplicates.Pair> List<String> names(
      List<Duplicates.WithPeople<T>> listed) {
    return Duplicates.Pair.names(listed.stream().map(Duplicates.WithPeople::pair).toList());
  }

  /** The next that follows on this one; the list when there is none. */
  @GetMapping("/duplicates/next")
  @Needs(Right.SEE_PATIENTS)
  String nextDuplicate(
      @PathVariable String practice,
      @RequestParam(defaultValue = "0") long after,
      @RequestParam(defaultValue = "") String kind) {
    return "redirect:/console/" + practice + desk.nextDuplicate(practice, kind, after);
  }

  /** Two charts, or two members, beside each other, with why they seem to be one person. */
  @GetMapping("/duplicates/{id}")
  @Needs(Right.SEE_PATIENTS)
  String duplicate(
      @PathVariable String practice,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String kind,
      HttpServletRequest request,
      Model model) {
    Duplicates.Found finding = duplicates.find(practice, id).orElseThrow(Desk::notThere);
    Desk.kind(kind);
    if (finding.kind() == Duplicates.Kind.MEMBER) {
      return "redirect:/console/" + practice + desk.duplicate(practice, kind, id);
    }
    Found one = desk.chart(practice, finding.one().source(), finding.one().id());
    Found other = desk.chart(practice, finding.other().source(), finding.other().id());
    audit.note(
        practice,
        Visit.of(request).actor(),
        "compared charts",
        one.name() + " and " + other.name());
    model.addAttribute("finding", finding);
    model.addAttribute("kind", kind);
    model.addAttribute("one", one);
    model.addAttribute("other", other);
    model.addAttribute(
        "rows", SideBySide.rows(one.record().person(), other.record().person(), shown));
    model.addAttribute("bars", SideBySide.bars(finding.comparison()));
    return "duplicate";
  }

  /** A person says that the two of a finding are two people; the next one follows. */
  @PostMapping("/duplicates/{id}/not-same")
  @Needs(Right.CHANGE_MEMBERS)
  String toldApart(
      @PathVariable String practice,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String reason,
      @RequestParam(defaultValue = "") String kind,
      HttpServletRequest request,
      RedirectAttributes after) {
    Desk.kind(kind);
    try {
      if (!duplicateDesk.tellApart(Visit.of(request).asActor(), id, reason)) {
        throw Desk.notThere();
      }
    } catch (RefusedException e) {
      after.addFlashAttribute("complaint", e.getMessage());
      return "redirect:/console/" + practice + desk.duplicate(practice, kind, id);
    }
    after.addFlashAttribute("done", "Kept apart.");
    after.addFlashAttribute(
        "undo", Undo.of(practice, "/duplicates/{}/take-back", id, Map.of("kind", kind)));
    return "redirect:/console/" + practice + desk.nextDuplicate(practice, kind, id);
  }

  /** Takes back that the two are two people, and shows them again. */
  @PostMapping("/duplicates/{id}/take-back")
  @Needs(Right.CHANGE_MEMBERS)
  String takenBack(
      @PathVariable String practice,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String kind,
      HttpServletRequest request,
      RedirectAttributes after) {
    Desk.kind(kind);
    try {
      if (!duplicateDesk.takeBack(Visit.of(request).asActor(), id)) {
        throw Desk.notThere();
      }
    } catch (NotAllowedException e) {
      throw new ResponseStatusException(HttpStatus.FORBIDDEN);
    }
    after.addFlashAttribute("done", "Taken back: the two are a finding again.");
    return "redirect:/console/" + practice + desk.duplicate(practice, kind, id);
  }
}
