package org.pmslink.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.linking.PatientSearch;
import org.pmslink.linking.PatientSearch.Found;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code POST /api/v1/practices/PRACTICE/patients/match}: what {@code $match} is, over JSON. */
@RestController
@ConditionalOnWebApplication
@Tag(name = "Patients")
class MatchApi {
  private static final String MATCH = ApiJson.PRACTICE + "/patients/match";

  private final PatientSearch search;
  private final PatientNormalizer normalizer;
  private final Audit audit;

  MatchApi(PatientSearch search, PatientNormalizer normalizer, Audit audit) {
    this.search = search;
    this.normalizer = normalizer;
    this.audit = audit;
  }

  /**
   * The answer.
   *
   * @param total candidates there are, with those beyond the number asked for
   * @param tooManyCandidates more charts are alike than could be compared: the one may be missing
   */
  @JsonNaming(SnakeCaseStrategy.class)
  record Answer(
      String rulesVersion, int total, boolean tooManyCandidates, List<Candidate> candidates) {}

  /**
   * A chart that may be theirs, with the same numbers as everywhere: prior and evidence add up to
   * the score.
   *
   * @param id the chart's id here, the one that FHIR shows too
   * @param sourceId its id in the PMS
   */
  @JsonNaming(SnakeCaseStrategy.class)
  record Candidate(
      long id,
      String source,
      String sourceId,
      String status,
      String grade,
      double score,
      @Nullable Double runnerUpScore,
      String words,
      List<String> whyNotCertain,
      List<Evidence> evidence) {

    static Candidate of(PatientSearch.Candidate found) {
      return new Candidate(
          found.chart().id(),
          found.chart().source(),
          found.chart().sourceId(),
          label(found.chart().status()),
          label(found.grade()),
          found.why().comparison().score(),
          found.runnerUp(),
          found.why().words(),
          found.why().whyNotCertain(),
          found.why().evidenceWithPrior());
    }

    private static String label(Enum<?> value) {
      return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** What is sent, for those who read the description: {@link MatchInput} reads it. */
  record Asked(
      @Nullable String family,
      @Nullable String given,
      @Nullable String middle,
      @Nullable String suffix,
      @Nullable String preferred,
      @Schema(description = "YYYY-MM-DD") @Nullable String birthDate,
      @Schema(description = "M, F or other") @Nullable String sex,
      @Schema(description = "Nine digits or the last four") @Nullable String ssn,
      @Nullable String phoneHome,
      @Nullable String phoneMobile,
      @Nullable String phoneWork,
      @Nullable String email,
      @Nullable String line1,
      @Nullable String line2,
      @Nullable String city,
      @Nullable String state,
      @Nullable String postalCode,
      @Nullable String country,
      @JsonProperty("onlyCertainMatches") @Nullable Boolean onlyCertainMatches,
      @Nullable Integer count) {}

  @PostMapping(
      path = MATCH,
      consumes = MediaType.APPLICATION_JSON_VALUE,
      produces = MediaType.APPLICATION_JSON_VALUE)
  @Needs(Right.SEE_PATIENTS)
  @Operation(
      summary = "Which charts somebody may be, as rules see it; stores nothing",
      requestBody =
          @RequestBody(
              required = true,
              content =
                  @Content(
                      mediaType = MediaType.APPLICATION_JSON_VALUE,
                      schema = @Schema(implementation = Asked.class))))
  ResponseEntity<Answer> match(HttpServletRequest request) throws IOException {
    Caller caller = Caller.of(request);
    MatchInput input = MatchInput.read(request.getInputStream().readAllBytes());
    Person person;
    try {
      person = normalizer.person(input.person());
    } catch (InvalidRecordException e) {
      throw new Problem.Refused(400, String.valueOf(e.getMessage()));
    }
    if (input.hasBirthDate() && person.birthDate() == null) {
      throw new Problem.Refused(
          422, "birth_date: no day (YYYY-MM-DD) on which a patient can be born");
    }
    if (!PatientSearch.isEnough(person)) {
      throw new Problem.Refused(422, PatientSearch.whatIsEnough());
    }
    Found found =
        search.search(caller.practice(), person, input.onlyCertainMatches(), input.count());
    audit.note(
        caller,
        "match",
        Audit.about(
            String.format(
                Locale.ROOT,
                "json: %d candidates returned, %d certain",
                found.candidates().size(),
                found.certain()),
            found.candidates().stream().map(c -> c.chart().name()).toList()));
    return ResponseEntity.ok()
        .contentType(MediaType.APPLICATION_JSON)
        .body(
            new Answer(
                found.rulesVersion(),
                found.all(),
                found.tooMany(),
                found.candidates().stream().map(Candidate::of).toList()));
  }
}
