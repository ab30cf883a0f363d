package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.feed.FeedStates;
import org.pmslink.feed.PmsLookUp;
import org.pmslink.feed.Sought;
import org.pmslink.linking.PatientSearch;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Enrolment;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.Plans;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Worklists;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;
import org.springframework.web.util.UriComponentsBuilder;

/**
 * Adding a membership: find the patient of the PMS, review, make the member; or make one whom the
 * PMS does not have yet.
 */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}")
class PatientPages {
  private static final int MOST_FOUND = 25;
  private static final int MOST_ALIKE = 5;

  private final PatientDirectory patients;
  private final PatientSearch search;
  private final PatientNormalizer normalizer;
  private final Practices practices;
  private final Charts charts;
  private final Worklists worklists;
  private final Enrolment enrolment;
  private final Plans plans;
  private final MemberHistory members;
  private final FeedStates states;
  private final PmsLookUp lookUp;
  private final Runs runs;
  private final Audit audit;
  private final Desk desk;

  PatientPages(
      PatientDirectory patients,
      PatientSearch search,
      PatientNormalizer normalizer,
      Practices practices,
      Charts charts,
      Worklists worklists,
      Enrolment enrolment,
      Plans plans,
      MemberHistory members,
      FeedStates states,
      PmsLookUp lookUp,
      Runs runs,
      Audit audit,
      Desk desk) {
    this.patients = patients;
    this.search = search;
    this.normalizer = normalizer;
    this.practices = practices;
    this.charts = charts;
    this.worklists = worklists;
    this.enrolment = enrolment;
    this.plans = plans;
    this.members = members;
    this.states = states;
    this.lookUp = lookUp;
    this.runs = runs;
    this.audit = audit;
    this.desk = desk;
  }

  @GetMapping("/patients")
  @Needs(Right.SEE_PATIENTS)
  String start(@PathVariable String practice, Model model) {
    model.addAttribute("askable", lookUp.canAsk(practice));
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
    Desk.Searched result = desk.search(practice, q, MOST_FOUND, Visit.of(request).actor());
    model.addAttribute("q", q);
    model.addAttribute("result", result);
    model.addAttribute("askable", lookUp.canAsk(practice));
    model.addAttribute(
        "read", states.all().stream().filter(feed -> feed.practice().equals(practice)).toList());
    return request.getHeader("HX-Request") == null ? "patients" : "patients :: found";
  }

  /** Asks the PMS itself, for somebody whom no feed has read yet. */
  @PostMapping("/patients/ask")
  @Needs(Right.ASK_PMS)
  String ask(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String q,
      HttpServletRequest request,
      Model model) {
    Sought sought = Sought.typed(q);
    if (PmsLookUp.isEnough(sought)) {
      List<PmsLookUp.Asked> asked = lookUp.ask(practice, sought);
      audit.note(
          practice,
          Visit.of(request).actor(),
          "asked the PMS",
          asked.stream()
              .map(a -> a.feed() + ": " + a.outcome() + ", " + a.found().size() + " found")
              .collect(Collectors.joining("; ")));
      model.addAttribute("asked", asked);
    } else {
      model.addAttribute(
          "complaint", "Type a last name, a birth date, or the number of the chart alone.");
    }
    return find(practice, q, request, model);
  }

  /** Has a chart that was found in the PMS taken in, and waits for it on a page of its own. */
  @PostMapping("/patients/take-in")
  @Needs(Right.ASK_PMS)
  String takeIn(
      @PathVariable String practice,
      @RequestParam String source,
      @RequestParam String id,
      HttpServletRequest request,
      RedirectAttributes after) {
    OptionalLong run = lookUp.takeIn(practice, source, id);
    if (run.isEmpty()) {
      after.addFlashAttribute(
          "complaint", "The PMS did not answer, or has no such chart any more.");
      return "redirect:/console/" + practice + "/patients";
    }
    audit.note(practice, Visit.of(request).actor(), "took in patient", source + "/" + id);
    after.addAttribute("source", source);
    after.addAttribute("id", id);
    after.addAttribute("run", run.getAsLong());
    return "redirect:/console/" + practice + "/patients/coming";
  }

  /** Asks itself again until the chart is in the store, and goes on to its page then. */
  @GetMapping("/patients/coming")
  @Needs(Right.ASK_PMS)
  String coming(
      @PathVariable String practice,
      @RequestParam String source,
      @RequestParam String id,
      @RequestParam long run,
      HttpServletRequest request,
      HttpServletResponse response,
      RedirectAttributes after,
      Model model) {
    Runs.Run coming = runs.find(practices.id(practice), run).orElseThrow(Desk::notThere);
    boolean handled = coming.readAt() != null && runs.allHandled(coming);
    boolean there = patients.find(practice, source, id).isPresent();
    boolean asksItself = request.getHeader("HX-Request") != null;
    if (handled && there) {
      if (asksItself) {
        response.setHeader(
            "HX-Redirect",
            UriComponentsBuilder.fromPath(request.getContextPath() + "/console/{p}/patient")
                .queryParam("source", "{source}")
                .queryParam("id", "{id}")
                .encode()
                .buildAndExpand(practice, source, id)
                .toUriString());
      } else {
        after.addAttribute("source", source);
        after.addAttribute("id", id);
        return "redirect:/console/" + practice + "/patient";
      }
    }
    model.addAttribute("source", source);
    model.addAttribute("id", id);
    model.addAttribute("run", run);
    model.addAttribute("laidAside", handled && !there);
    return asksItself ? "coming :: state" : "coming";
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
      model.addAttribute("form", Form.of(chart.record().person()));
    }
    model.addAttribute("plans", plans.list(practice, false));
    model.addAttribute(
        "namesakes",
        chart.memberNumber() == null
            ? namesakes(practice, Form.of(chart.record().person()))
            : List.of());
    return "patient";
  }

  /** Makes the person of a chart a member, linked. */
  @PostMapping("/patient")
  @Needs(Right.CHANGE_MEMBERS)
  String enrol(
      @PathVariable String practice,
      @RequestParam String source,
      @RequestParam String id,
      @ModelAttribute("form") Form form,
      HttpServletRequest request,
      Model model) {
    Found chart = desk.chart(practice, source, id);
    String complaint = form.complaint();
    if (complaint == null && chart.memberNumber() != null) {
      complaint = "This patient is linked to member " + chart.memberNumber() + " already.";
    }
    if (complaint == null && (chart.removedAt() != null || chart.mergedInto() != null)) {
      complaint = "This chart is no longer in use in the PMS.";
    }
    if (complaint == null) {
      try {
        return "redirect:/console/"
            + practice
            + "/members/"
            + enrol(practice, form, new Enrolment.Chart(source, id), request);
      } catch (RefusedException e) {
        complaint = e.getMessage();
      }
    }
    model.addAttribute("complaint", complaint);
    return patientPage(practice, chart, model);
  }

  @GetMapping("/members/new")
  @Needs(Right.CHANGE_MEMBERS)
  String newMember(@PathVariable String practice, Model model) {
    model.addAttribute("form", Form.EMPTY);
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
      @ModelAttribute("form") Form form,
      @RequestParam(defaultValue = "false") boolean seen,
      HttpServletRequest request,
      Model model) {
    String complaint = form.complaint();
    if (complaint == null) {
      Person person = normalizer.person(form.typed());
      List<PatientSearch.Candidate> alike =
          PatientSearch.isEnough(person)
              ? search.search(practice, person, false, MOST_ALIKE).candidates()
              : List.of();
      List<MemberHistory.Listed> namesakes = namesakes(practice, form);
      if (alike.isEmpty() && namesakes.isEmpty() || seen) {
        try {
          return "redirect:/console/"
              + practice
              + "/members/"
              + enrol(practice, form, null, request);
        } catch (RefusedException e) {
          complaint = e.getMessage();
        }
      } else {
        audit.note(
            practice,
            Visit.of(request).actor(),
            "searched patients",
            alike.size() + " and " + namesakes.size() + " members like a new member");
        model.addAttribute("namesakes", namesakes);
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

  /**
   * Members who may be the person of a form: of that last name with that birth date or that
   * telephone. Whoever has been entered once should not be entered again.
   */
  private List<MemberHistory.Listed> namesakes(String practice, Form form) {
    Map<String, MemberHistory.Listed> found = new LinkedHashMap<>();
    for (String detail : List.of(form.birthDate(), form.phone().replaceAll("\\D", ""))) {
      if (!form.family().isEmpty() && !detail.isEmpty()) {
        members
            .list(practice, form.family() + " " + detail, MemberHistory.Which.ALL, "", MOST_ALIKE)
            .stream()
            .filter(member -> !member.removed())
            .forEach(member -> found.putIfAbsent(member.memberNumber(), member));
      }
    }
    return List.copyOf(found.values());
  }

  /** A chart that a new member may be, and why. */
  record Alike(Found chart, String grade, String why) {}

  private String enrol(
      String practice,
      Form form,
      Enrolment.@org.jspecify.annotations.Nullable Chart chart,
      HttpServletRequest request)
      throws RefusedException {
    String actor = Visit.of(request).actor();
    String number =
        enrolment.enrol(
            practice,
            form.number(),
            form.typed(),
            chart,
            form.newPlan(),
            actor,
            "chosen when the member was added");
    audit.note(
        practice,
        actor,
        "added member",
        number + (chart == null ? "" : ", linked to " + chart.source() + "/" + chart.sourceId()));
    return number;
  }

  /** A member as the office types one. */
  record Form(
      String number,
      String family,
      String given,
      String middle,
      String suffix,
      String birthDate,
      String phone,
      String email,
      String line1,
      String line2,
      String city,
      String state,
      String postalCode,
      String plan,
      String startsOn) {
    static final Form EMPTY =
        new Form("", "", "", "", "", "", "", "", "", "", "", "", "", "", today());
    private static final int LONGEST = 100;
    private static final int LONGEST_NUMBER = 40;

    Form {
      number = text(number);
      family = text(family);
      given = text(given);
      middle = text(middle);
      suffix = text(suffix);
      birthDate = text(birthDate);
      phone = text(phone);
      email = text(email);
      line1 = text(line1);
      line2 = text(line2);
      city = text(city);
      state = text(state);
      postalCode = text(postalCode);
      plan = text(plan);
      startsOn = text(startsOn);
    }

    private static String today() {
      return java.time.LocalDate.now().toString();
    }

    /** The plan that was chosen; what {@link #complaint} has no objection to. */
    Enrolment.@org.jspecify.annotations.Nullable NewPlan newPlan() {
      return plan.isEmpty()
          ? null
          : new Enrolment.NewPlan(Long.parseLong(plan), java.time.LocalDate.parse(startsOn));
    }

    private static String text(@org.jspecify.annotations.Nullable String typed) {
      return typed == null ? "" : typed.strip();
    }

    static Form of(Person person) {
      Person.PersonName name = person.name();
      Person.PostalAddress address =
          person.address() == null
              ? new Person.PostalAddress(null, null, null, null, null)
              : person.address();
      return new Form(
          "",
          text(name.family()),
          text(name.given()),
          text(name.middle()),
          text(name.suffix()),
          person.birthDate() == null ? "" : person.birthDate().toString(),
          person.phones().stream()
              .sorted(
                  java.util.Comparator.comparing(
                      p ->
                          p.use() == Person.PhoneUse.MOBILE
                              ? 0
                              : p.use() == Person.PhoneUse.HOME ? 1 : 2))
              .map(Person.Phone::e164)
              .findFirst()
              .orElse(""),
          person.emails().isEmpty() ? "" : person.emails().get(0),
          text(address.line1()),
          text(address.line2()),
          text(address.city()),
          text(address.state()),
          text(address.postalCode()),
          "",
          today());
    }

    /** What is missing or wrong, for whoever typed it; {@code null} for nothing. */
    @org.jspecify.annotations.Nullable
    String complaint() {
      if (family.isEmpty() || given.isEmpty()) {
        return "A member needs a first and a last name.";
      }
      if (birthDate.isEmpty()) {
        return "A member needs a birth date.";
      }
      try {
        java.time.LocalDate born = java.time.LocalDate.parse(birthDate);
        if (born.isAfter(java.time.LocalDate.now(java.time.ZoneOffset.UTC).plusDays(1))
            || born.getYear() < 1900) {
          return "Nobody is born on that day; check the birth date.";
        }
      } catch (java.time.DateTimeException e) {
        return "The birth date is no day; write it like 1980-04-12.";
      }
      if (phone.isEmpty() && email.isEmpty()) {
        return "A member needs a telephone or an e-mail.";
      }
      if (number.length() > LONGEST_NUMBER || !number.matches("[A-Za-z0-9._-]*")) {
        return "A member number has letters, digits, dots and hyphens, at most "
            + LONGEST_NUMBER
            + ".";
      }
      if (!plan.isEmpty()) {
        try {
          newPlan();
        } catch (NumberFormatException | java.time.DateTimeException e) {
          return "Choose one of the plans, and the day it starts, like 2026-01-31.";
        }
      }
      for (String value :
          List.of(
              family, given, middle, suffix, phone, email, line1, line2, city, state, postalCode)) {
        if (value.length() > LONGEST || value.chars().anyMatch(Character::isISOControl)) {
          return "One of the fields has more than "
              + LONGEST
              + " characters, or some that cannot be typed.";
        }
      }
      return null;
    }

    SourcePatient typed() {
      return SourcePatient.person(
          "",
          family,
          given,
          middle,
          suffix,
          null,
          birthDate,
          null,
          null,
          List.of(new SourcePatient.SourcePhone("mobile", phone)),
          email.isEmpty() ? List.of() : List.of(email),
          new SourcePatient.SourceAddress(line1, line2, city, state, postalCode, null),
          null);
    }
  }
}
