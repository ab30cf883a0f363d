package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.feed.FeedStates;
import org.pmslink.feed.PmsLookUp;
import org.pmslink.feed.Sought;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.Plans;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Worklists;
import org.pmslink.office.AlikeException;
import org.pmslink.office.Applicant;
import org.pmslink.office.MemberDesk;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
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

  /** Stands in a form that adds a member, so that it adds one only, however often it is sent. */
  private static final String ONCE = "once";

  /** What a form gives back of {@link AlikeException#tooMany}. */
  private static final String TOO_MANY = "too many";

  private static final Pattern WORD = Pattern.compile("_(.)");

  private final PatientDirectory patients;
  private final Practices practices;
  private final Charts charts;
  private final Worklists worklists;
  private final MemberDesk memberDesk;
  private final Plans plans;
  private final FeedStates states;
  private final PmsLookUp lookUp;
  private final Runs runs;
  private final Audit audit;
  private final Desk desk;
  private final Shown shown;

  PatientPages(
      PatientDirectory patients,
      Practices practices,
      Charts charts,
      Worklists worklists,
      MemberDesk memberDesk,
      Plans plans,
      FeedStates states,
      PmsLookUp lookUp,
      Runs runs,
      Audit audit,
      Desk desk,
      Shown shown) {
    this.patients = patients;
    this.practices = practices;
    this.charts = charts;
    this.worklists = worklists;
    this.memberDesk = memberDesk;
    this.plans = plans;
    this.states = states;
    this.lookUp = lookUp;
    this.runs = runs;
    this.audit = audit;
    this.desk = desk;
    this.shown = shown;
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
              .map(
                  a ->
                      Audit.about(
                          a.feed() + ", " + a.outcome() + ", " + a.found().size() + " found",
                          a.found().stream()
                              .map(p -> p.source() + "/" + p.patient().sourceId())
                              .toList()))
              .collect(Collectors.joining("; ")));
      model.addAttribute("asked", asked);
      model.addAttribute("askedFor", askedFor(sought));
    } else {
      model.addAttribute(
          "complaint", "Type a last name, a birth date, or the number of the chart alone.");
    }
    return find(practice, q, request, model);
  }

  /** What the PMS was asked for: it is not asked for a ZIP code, or for all that was typed. */
  private String askedFor(Sought sought) {
    if (sought.id() != null) {
      return "Asked for the chart with the number "
          + sought.id()
          + ", and for nothing else: the PMS is asked by last name, birth date or chart number.";
    }
    List<String> by = new ArrayList<>();
    if (!sought.names().isEmpty()) {
      by.add("the last name " + String.join(" or ", sought.names()));
    }
    if (!sought.born().isEmpty()) {
      by.add(
          "the birth date "
              + sought.born().stream().map(shown::day).collect(Collectors.joining(" or ")));
    }
    return "Asked for " + String.join(" and ", by) + ".";
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
    // Before: what is on a queue is not taken back when it cannot be noted.
    audit.note(practice, Visit.of(request).actor(), "asked to take in patient", source + "/" + id);
    OptionalLong run = lookUp.takeIn(practice, source, id);
    if (run.isEmpty()) {
      after.addFlashAttribute(
          "complaint", "The PMS did not answer, or has no such chart any more.");
      return "redirect:/console/" + practice + "/patients";
    }
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
    return patientPage(practice, desk.chart(practice, source, id), request, model);
  }

  private String patientPage(
      String practice, Found chart, HttpServletRequest request, Model model) {
    String actor = Visit.of(request).actor();
    List<Found> family = patients.family(practice, chart);
    audit.note(
        practice,
        actor,
        "saw patient",
        Audit.about(
            chart.name() + (family.isEmpty() ? "" : ", with family"),
            family.stream().map(Found::name).toList()));
    Applicant person = Applicant.of(chart.record().person(), today(practice));
    model.addAttribute("chart", chart);
    model.addAttribute("family", family);
    model.addAttribute(
        "age", charts.age(practices.id(practice), chart.source(), chart.sourceId()).orElse(null));
    model.addAttribute("review", worklists.reviewOf(practice, chart.id()).orElse(null));
    if (!model.containsAttribute("form")) {
      model.addAttribute("form", person);
    }
    if (!model.containsAttribute(ONCE)) {
      model.addAttribute(ONCE, UUID.randomUUID());
    }
    model.addAttribute("plans", plans.list(practice, false));
    if (!model.containsAttribute("namesakes")) {
      MemberDesk.Namesakes namesakes =
          chart.memberNumber() == null
              ? memberDesk.namesakes(Visit.of(request).asActor(), person)
              : MemberDesk.Namesakes.NONE;
      model.addAttribute("namesakes", namesakes.alike());
      model.addAttribute("relatives", namesakes.family());
      model.addAttribute(
          "warned", namesakes.alike().stream().map(MemberHistory.Listed::memberNumber).toList());
    }
    return "patient";
  }

  private LocalDate today(String practice) {
    return practices.today(practices.id(practice));
  }

  /**
   * Makes the person of a chart a member, linked.
   *
   * @param seen none of those who were shown is this person; the form names them as {@code warned}
   */
  @PostMapping("/patient")
  @Needs(Right.CHANGE_MEMBERS)
  String enrol(
      @PathVariable String practice,
      @RequestParam String source,
      @RequestParam String id,
      @RequestParam(required = false) @Nullable UUID once,
      @RequestParam(defaultValue = "false") boolean seen,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    Found chart = desk.chart(practice, source, id);
    Applicant form = typed(request, chart);
    model.addAttribute("form", form);
    model.addAttribute(ONCE, once == null ? UUID.randomUUID() : once);
    String complaint;
    try {
      String number = enrolled(once, form, chart, seen, request);
      String kept =
          desk.member(practice, number).lockedFields().stream()
              .map(shown::field)
              .collect(Collectors.joining(", "));
      after.addFlashAttribute(
          "done",
          kept.isEmpty()
              ? "Added."
              : "Added. Differs from the PMS; kept and locked: " + kept + ".");
      return "redirect:/console/" + practice + "/members/" + number;
    } catch (AlikeException e) {
      complaint = e.getMessage();
      model.addAttribute("namesakes", e.members());
      model.addAttribute("relatives", e.family());
      model.addAttribute("warned", names(e));
    } catch (RefusedException e) {
      complaint = e.getMessage();
    }
    // A feed may have changed it while this was tried, too.
    chart = desk.chart(practice, source, id);
    if (chart.memberNumber() == null && form.isOutdated(chart.record().person())) {
      complaint = MemberDesk.CHART_CHANGED;
      model.addAttribute("had", form);
      model.addAttribute("form", form.anew(chart.record().person(), today(practice)));
    }
    model.addAttribute("complaint", complaint);
    return patientPage(practice, chart, request, model);
  }

  @GetMapping("/members/new")
  @Needs(Right.CHANGE_MEMBERS)
  String newMember(@PathVariable String practice, Model model) {
    model.addAttribute("form", Applicant.empty(today(practice)));
    model.addAttribute(ONCE, UUID.randomUUID());
    model.addAttribute("plans", plans.list(practice, false));
    return "new-member";
  }

  /**
   * Makes somebody a member whom the PMS does not have; first shows who there is like them, and
   * makes them only when that has been seen.
   *
   * @param seen none of those who were shown is this person; the form names them as {@code warned}
   */
  @PostMapping("/members/new")
  @Needs(Right.CHANGE_MEMBERS)
  String enrolUnlinked(
      @PathVariable String practice,
      @RequestParam(required = false) @Nullable UUID once,
      @RequestParam(defaultValue = "false") boolean seen,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    Applicant form = typed(request);
    model.addAttribute("form", form);
    String complaint = null;
    try {
      String number = enrolled(once, form, null, seen, request);
      after.addFlashAttribute(
          "done", "Added. The rules link the member as soon as a chart is certainly theirs.");
      return "redirect:/console/" + practice + "/members/" + number;
    } catch (AlikeException e) {
      model.addAttribute("namesakes", e.members());
      model.addAttribute("relatives", e.family());
      model.addAttribute("tooMany", e.tooMany());
      model.addAttribute("warned", names(e));
      model.addAttribute("others", seen);
      model.addAttribute(
          "alike",
          e.charts().stream()
              .map(
                  c ->
                      new Alike(
                          desk.chart(practice, c.chart().source(), c.chart().sourceId()), c.why()))
              .toList());
    } catch (RefusedException e) {
      complaint = e.getMessage();
    }
    model.addAttribute(ONCE, once == null ? UUID.randomUUID() : once);
    model.addAttribute("complaint", complaint);
    model.addAttribute("plans", plans.list(practice, false));
    return "new-member";
  }

  private String enrolled(
      @Nullable UUID once,
      Applicant form,
      @Nullable Found chart,
      boolean seen,
      HttpServletRequest request)
      throws RefusedException {
    return memberDesk.enrol(
        Visit.of(request).asActor(),
        once,
        form,
        chart,
        // Whoever is like what has been typed since was not among them.
        found -> seen && warned(request).containsAll(names(found)));
  }

  /** What was typed; a telephone that was left as the page showed the chart's is the chart's. */
  private Applicant typed(HttpServletRequest request, Found chart) {
    Applicant typed = typed(request);
    Map<Field, String> fields = new EnumMap<>(Field.class);
    fields.putAll(typed.fields());
    Applicant.of(chart.record().person(), LocalDate.EPOCH)
        .fields()
        .forEach(
            (field, value) -> {
              if (typed.get(field).equals(Shown.value(field, value))) {
                fields.put(field, value);
              }
            });
    return new Applicant(
        typed.number(), fields, typed.plan(), typed.startsOn(), typed.status(), typed.prefilled());
  }

  private static Applicant typed(HttpServletRequest request) {
    Map<Field, String> fields = new EnumMap<>(Field.class);
    for (Field field : Field.values()) {
      fields.put(field, typed(request, input(field)));
    }
    return new Applicant(
        typed(request, "number"),
        fields,
        typed(request, "plan"),
        typed(request, "startsOn"),
        typed(request, "status"),
        typed(request, "prefilled"));
  }

  private static String typed(HttpServletRequest request, String input) {
    String value = request.getParameter(input);
    return value == null ? "" : value;
  }

  /** What a field's input is called: {@code birthDate} for {@code BIRTH_DATE}. */
  private static String input(Field field) {
    return WORD.matcher(field.name().toLowerCase(Locale.ROOT))
        .replaceAll(word -> word.group(1).toUpperCase(Locale.ROOT));
  }

  /** Those of whom somebody was warned, as the form gives them back. */
  private static Set<String> warned(HttpServletRequest request) {
    String[] warned = request.getParameterValues("warned");
    return warned == null ? Set.of() : new HashSet<>(Arrays.asList(warned));
  }

  private static List<String> names(AlikeException found) {
    List<String> names = new ArrayList<>();
    found.charts().forEach(c -> names.add(c.chart().name()));
    found.members().forEach(member -> names.add(member.memberNumber()));
    if (found.tooMany()) {
      names.add(TOO_MANY);
    }
    return names;
  }

  /** A chart that a member, new or not, may be, and why. */
  record Alike(Found chart, Explanation explanation) {}
}
