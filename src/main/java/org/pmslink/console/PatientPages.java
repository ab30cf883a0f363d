package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.Locale;
import org.pmslink.access.Actor;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.linking.PatientSearch;
import org.pmslink.membership.Charts;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.Plans;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Worklists;
import org.pmslink.office.Applicant;
import org.pmslink.office.MemberDesk;
import org.pmslink.practice.Practices;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;

/**
 * Adding a membership: find the patient of the PMS, review, make the member; or make one whom the
 * PMS does not have yet.
 */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}")
class PatientPages {
  private static final int MOST_FOUND = 25;

  private final PatientDirectory patients;
  private final Practices practices;
  private final Charts charts;
  private final Worklists worklists;
  private final MemberDesk memberDesk;
  private final Plans plans;
  private final Audit audit;
  private final Desk desk;

  PatientPages(
      PatientDirectory patients,
      Practices practices,
      Charts charts,
      Worklists worklists,
      MemberDesk memberDesk,
      Plans plans,
      Audit audit,
      Desk desk) {
    this.patients = patients;
    this.practices = practices;
    this.charts = charts;
    this.worklists = worklists;
    this.memberDesk = memberDesk;
    this.plans = plans;
    this.audit = audit;
    this.desk = desk;
  }

  @GetMapping("/patients")
  @Needs(Right.SEE_PATIENTS)
  String start() {
    return "patients";
  }

  /** What was typed is patient data: it comes in the body, so that it stands in no address. */
  @PostMapping("/patients")
  @Needs(Right.SEE_PATIENTS)
  String find(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String q,
      HttpServletRequest request,
      Model model) {
    PatientDirectory.Result result =
        desk.search(practice, q, MOST_FOUND, Visit.of(request).actor());
    model.addAttribute("q", q);
    model.addAttribute("result", result);
    return request.getHeader("HX-Request") == null ? "patients" : "patients :: found";
  }

  @GetMapping("/patient")
  @Needs(Right.SEE_PATIENTS)
  String patient(
      @PathVariable String practice,
      @RequestParam String source,
      @RequestParam String id,
      HttpServletRequest request,
      Model model) {
    Found chart = desk.chart(practice, source, id);
    audit.note(practice, Visit.of(request).actor(), "saw patient", source + "/" + id);
    return patientPage(practice, chart, model);
  }

  private String patientPage(String practice, Found chart, Model model) {
    model.addAttribute("chart", chart);
    model.addAttribute("family", patients.family(practice, chart));
    model.addAttribute(
        "age", charts.age(practices.id(practice), chart.source(), chart.sourceId()).orElse(null));
    model.addAttribute("review", worklists.reviewOf(practice, chart.id()).orElse(null));
    if (!model.containsAttribute("form")) {
      model.addAttribute("form", Applicant.of(chart.record().person()));
    }
    model.addAttribute("plans", plans.list(practice, false));
    return "patient";
  }

  /** Makes the person of a chart a member, linked. */
  @PostMapping("/patient")
  @Needs(Right.CHANGE_MEMBERS)
  String enrol(
      @PathVariable String practice,
      @RequestParam String source,
      @RequestParam String id,
      @ModelAttribute("form") Applicant form,
      HttpServletRequest request,
      Model model) {
    Found chart = desk.chart(practice, source, id);
    String complaint;
    try {
      return "redirect:/console/"
          + practice
          + "/members/"
          + memberDesk.enrol(Visit.of(request).asActor(), form, chart);
    } catch (RefusedException e) {
      complaint = e.getMessage();
    }
    model.addAttribute("complaint", complaint);
    return patientPage(practice, chart, model);
  }

  @GetMapping("/members/new")
  @Needs(Right.CHANGE_MEMBERS)
  String newMember(@PathVariable String practice, Model model) {
    model.addAttribute("form", Applicant.EMPTY);
    model.addAttribute("plans", plans.list(practice, false));
    return "new-member";
  }

  /**
   * Makes somebody a member whom the PMS does not have; first shows who there is like them, and
   * makes them only when that has been seen.
   */
  @PostMapping("/members/new")
  @Needs(Right.CHANGE_MEMBERS)
  String enrolUnlinked(
      @PathVariable String practice,
      @ModelAttribute("form") Applicant form,
      @RequestParam(defaultValue = "false") boolean seen,
      HttpServletRequest request,
      Model model) {
    String complaint = form.complaint();
    if (complaint == null) {
      Actor actor = Visit.of(request).asActor();
      List<PatientSearch.Candidate> alike = seen ? List.of() : memberDesk.alike(actor, form);
      if (alike.isEmpty()) {
        try {
          return "redirect:/console/"
              + practice
              + "/members/"
              + memberDesk.enrol(actor, form, null);
        } catch (RefusedException e) {
          complaint = e.getMessage();
        }
      } else {
        model.addAttribute(
            "alike",
            alike.stream()
                .map(
                    c ->
                        new Alike(
                            desk.chart(practice, c.chart().source(), c.chart().sourceId()),
                            c.grade().name().toLowerCase(Locale.ROOT),
                            c.why().words()))
                .toList());
      }
    }
    model.addAttribute("complaint", complaint);
    model.addAttribute("plans", plans.list(practice, false));
    return "new-member";
  }

  /** A chart that a new member may be, and why. */
  record Alike(Found chart, String grade, String why) {}
}
