package org.pmslink.fhir;

import ca.uhn.fhir.model.valueset.BundleTypeEnum;
import ca.uhn.fhir.rest.annotation.Operation;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.server.IResourceProvider;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Bundle.BundleEntrySearchComponent;
import org.hl7.fhir.r4.model.Bundle.BundleType;
import org.hl7.fhir.r4.model.Bundle.SearchEntryMode;
import org.hl7.fhir.r4.model.CodeType;
import org.hl7.fhir.r4.model.OperationOutcome.IssueSeverity;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;
import org.hl7.fhir.r4.model.Patient;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.CallerFilter;
import org.pmslink.access.Right;
import org.pmslink.linking.PatientSearch;
import org.pmslink.linking.PatientSearch.Candidate;
import org.pmslink.linking.PatientSearch.Found;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;

/** {@code Patient/$match}: which charts of the practice somebody may be. Stores nothing. */
public final class PatientMatch implements IResourceProvider {
  static final String DEFINITION = "http://hl7.org/fhir/OperationDefinition/Patient-match";
  static final String MATCH_GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade";

  private final PatientSearch search;
  private final PatientNormalizer normalizer;
  private final Audit audit;

  PatientMatch(PatientSearch search, PatientNormalizer normalizer, Audit audit) {
    this.search = search;
    this.normalizer = normalizer;
    this.audit = audit;
  }

  @Override
  public Class<Patient> getResourceType() {
    return Patient.class;
  }

  /** Answers best first; HAPI calls this. */
  @Operation(
      name = "$match",
      manualRequest = true,
      canonicalUrl = DEFINITION,
      bundleType = BundleTypeEnum.SEARCHSET)
  public Bundle match(HttpServletRequest http, RequestDetails details) throws IOException {
    if (!CallerFilter.mayMake(http, Right.SEE_PATIENTS)) {
      throw new FhirFault(403, IssueType.FORBIDDEN, CallerFilter.NOT_IN_THIS_ROLE);
    }
    Caller caller = Caller.of(http);
    MatchRequest request =
        MatchRequest.read(http.getInputStream().readAllBytes(), http.getContentType());
    Person person;
    try {
      person = normalizer.person(FhirPatients.typed(request.patient()));
    } catch (InvalidRecordException e) {
      throw new FhirFault(400, IssueType.VALUE, String.valueOf(e.getMessage()));
    }
    if (!PatientSearch.isEnough(person)) {
      throw new FhirFault(422, IssueType.REQUIRED, PatientSearch.whatIsEnough());
    }
    Found found =
        search.search(caller.practice(), person, request.onlyCertainMatches(), request.count());
    audit.note(
        caller,
        "match",
        Audit.about(
            String.format(
                Locale.ROOT,
                "fhir: %d candidates returned, %d certain",
                found.candidates().size(),
                found.certain()),
            found.candidates().stream().map(c -> c.chart().name()).toList()));
    return bundle(caller.practice(), details.getFhirServerBase(), found);
  }

  private static Bundle bundle(String practice, String base, Found found) {
    Bundle bundle = new Bundle();
    bundle.setType(BundleType.SEARCHSET);
    bundle.setTotal(found.all());
    for (Candidate candidate : found.candidates()) {
      Patient patient = FhirPatients.patient(practice, candidate.chart());
      BundleEntrySearchComponent search = new BundleEntrySearchComponent();
      search.setMode(SearchEntryMode.MATCH);
      search.setScore(ranking(candidate.grade(), candidate.why().comparison().score()));
      search.addExtension(MATCH_GRADE, new CodeType(code(candidate.grade())));
      bundle
          .addEntry()
          .setFullUrl(base + "/Patient/" + patient.getIdElement().getIdPart())
          .setResource(patient)
          .setSearch(search);
    }
    if (found.tooMany()) {
      bundle
          .addEntry()
          .setResource(
              FhirFault.outcome(
                  IssueSeverity.WARNING,
                  IssueType.TOOCOSTLY,
                  "more charts are alike than could be compared, so the one may be missing; say more"
                      + " about the patient"))
          .getSearch()
          .setMode(SearchEntryMode.OUTCOME);
    }
    return bundle;
  }

  /**
   * Where a candidate ranks from 0 to 1: the grade gives the range, and the score the place in it.
   * No probability: in a family the bits add up to more than they prove, which is why the grade
   * does not follow from them alone.
   */
  static BigDecimal ranking(Grade grade, double bits) {
    double place = 1 / (1 + Math.exp(-bits / 8 * Math.log(2)));
    double ranking =
        switch (grade) {
          case CERTAIN -> 0.9 + 0.1 * place;
          case PROBABLE -> 0.5 + 0.4 * place;
          case POSSIBLE -> 0.5 * place;
          case CERTAINLY_NOT -> 0;
        };
    // Down, so that neither a range's end nor 1 is reached by rounding.
    return BigDecimal.valueOf(ranking).setScale(4, RoundingMode.DOWN);
  }

  static String code(Grade grade) {
    return grade.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
