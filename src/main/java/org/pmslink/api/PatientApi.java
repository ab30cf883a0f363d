package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Activities.MemberTransaction;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.membership.Charts;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.springdoc.core.annotations.ParameterObject;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** The charts of a practice's PMSs. */
@RestController
@ConditionalOnWebApplication
@RequestMapping(path = ApiJson.PRACTICE + "/patients", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Patients")
class PatientApi {
  private static final int LONGEST_SEARCH = 200;

  private final PatientDirectory patients;
  private final Charts charts;
  private final Activities activities;
  private final Audit audit;

  PatientApi(PatientDirectory patients, Charts charts, Activities activities, Audit audit) {
    this.patients = patients;
    this.charts = charts;
    this.activities = activities;
    this.audit = audit;
  }

  @GetMapping
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "All charts in use, in the order in which they were first seen")
  Page<Shown.Patient> list(
      Caller caller,
      @RequestParam(required = false) @Nullable String source,
      @ParameterObject Page.Wanted page) {
    Page<Found> found =
        page.byId(
            (after, most) -> patients.list(caller.practice(), source, after, most), Found::id);
    audit.note(
        caller,
        "listed patients",
        Audit.about(
            found.items().size() + " found", found.items().stream().map(Found::name).toList()));
    return found.map(chart -> Shown.patient(chart, null));
  }

  /**
   * What somebody is looked for by.
   *
   * @param query names or parts of them, postal code, telephone or its last digits, birth date,
   *     chart number, in any order
   */
  record Search(String query, @Nullable Integer limit) {}

  /**
   * What was found.
   *
   * @param more whether there are more than were asked for: say more about the patient
   */
  record SearchResult(List<Shown.Patient> items, boolean more) {}

  @PostMapping("/search")
  @Needs(Right.SEE_PATIENTS)
  @Operation(
      summary = "Charts by what is known of a patient, as the console's search finds them",
      description =
          "Active charts first, then by name; typos and parts of words are found. What is looked for"
              + " is patient data and comes in the body, so that it stands in no address.")
  SearchResult search(Caller caller, @RequestBody Search search) {
    if (search.query() == null || search.query().length() > LONGEST_SEARCH) {
      throw new Problem.Refused(422, "query: text of at most " + LONGEST_SEARCH + " characters");
    }
    int most = Page.limit(search.limit(), 25);
    PatientDirectory.Result result = patients.search(caller.practice(), search.query(), most);
    audit.note(
        caller,
        "searched patients",
        Audit.about(
            result.charts().size() + (result.more() ? " or more" : "") + " found",
            result.charts().stream().map(Found::name).toList()));
    return new SearchResult(
        result.charts().stream().map(chart -> Shown.patient(chart, null)).toList(), result.more());
  }

  @GetMapping("/{patient:\\d+}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "One chart, also one that is gone or merged")
  ResponseEntity<Shown.Patient> read(Caller caller, @PathVariable long patient) {
    Found chart = chart(caller, patient);
    audit.note(caller, "saw patient", chart.name());
    return Tags.ok(
        Shown.patient(
            chart, charts.age(caller.practiceId(), chart.source(), chart.sourceId()).orElse(null)));
  }

  @GetMapping("/{patient}/family")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Charts of the same household")
  Page<Shown.Patient> family(Caller caller, @PathVariable long patient) {
    Found chart = chart(caller, patient);
    List<Found> family = patients.family(caller.practice(), chart);
    audit.note(
        caller,
        "saw family of",
        Audit.about(
            chart.name() + ", " + family.size() + " found",
            family.stream().map(Found::name).toList()));
    return new Page<>(family.stream().map(one -> Shown.patient(one, null)).toList(), null);
  }

  @GetMapping("/{patient}/visits")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Visits at a chart and at those merged into it, latest first")
  Page<MemberVisit> visits(
      Caller caller, @PathVariable long patient, @ParameterObject Page.Wanted page) {
    Found chart = chart(caller, patient);
    Page<MemberVisit> found =
        page.among(activities.visitsOf(caller.practiceId(), chart.id()), Shown::position);
    audit.note(caller, "saw visits", chart.name());
    return found;
  }

  @GetMapping("/{patient}/transactions")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Ledger of a chart and of those merged into it, latest first")
  Page<MemberTransaction> transactions(
      Caller caller, @PathVariable long patient, @ParameterObject Page.Wanted page) {
    Found chart = chart(caller, patient);
    Page<MemberTransaction> found =
        page.among(activities.transactionsOf(caller.practiceId(), chart.id()), Shown::position);
    audit.note(caller, "saw transactions", chart.name());
    return found;
  }

  private Found chart(Caller caller, long patient) {
    return patients.find(caller.practice(), patient).orElseThrow(Problem.Refused::notThere);
  }
}
