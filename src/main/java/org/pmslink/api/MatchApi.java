package org.pmslink.api;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** {@code POST /api/v1/practices/PRACTICE/patients/match}: what {@code $match} is, over JSON. */
@RestController
@ConditionalOnWebApplication
class MatchApi {
  static final String PRACTICES = "/api/v1/practices/";
  private static final String MATCH = PRACTICES + "{practice}/patients/match";
  private static final Logger LOG = LoggerFactory.getLogger(MatchApi.class);

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

  @PostMapping(MATCH)
  @Needs(Right.SEE_PATIENTS)
  ResponseEntity<?> match(HttpServletRequest request) throws IOException {
    Caller caller = Caller.of(request);
    if (!isJson(request.getContentType())) {
      throw new Problem.Refused(415, "the body must be application/json");
    }
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
        String.format(
            Locale.ROOT,
            "json: %d candidates returned, %d certain",
            found.candidates().size(),
            found.certain()));
    return ResponseEntity.ok()
        .contentType(MediaType.APPLICATION_JSON)
        .body(
            new Answer(
                found.rulesVersion(),
                found.all(),
                found.tooMany(),
                found.candidates().stream().map(Candidate::of).toList()));
  }

  @RequestMapping(MATCH)
  @Needs(Right.BE_THERE)
  ResponseEntity<Problem> otherMethods() {
    ResponseEntity<Problem> answer = problem(Problem.of(405, "this address takes POST"));
    HttpHeaders headers = new HttpHeaders();
    headers.putAll(answer.getHeaders());
    headers.set(HttpHeaders.ALLOW, "POST");
    return new ResponseEntity<>(answer.getBody(), headers, answer.getStatusCode());
  }

  @RequestMapping("/api/**")
  ResponseEntity<Problem> elsewhere() {
    return problem(Problem.of(404, "there is nothing at this address"));
  }

  @ExceptionHandler
  ResponseEntity<Problem> refused(Problem.Refused refused) {
    return problem(refused.problem);
  }

  @ExceptionHandler
  ResponseEntity<Problem> refused(ResponseStatusException refused) {
    return problem(
        Problem.of(refused.getStatusCode().value(), String.valueOf(refused.getReason())));
  }

  @ExceptionHandler
  ResponseEntity<Problem> withoutStore(DataAccessException failure) {
    LOG.warn("a request found no store: {}", failure.getClass().getSimpleName());
    return problem(Problem.of(503, "the store cannot be reached; try again later"));
  }

  /** Without the exception's message, which may quote a patient. */
  @ExceptionHandler
  ResponseEntity<Problem> failed(Exception failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    LOG.error(
        "a request failed: {} at {}",
        failure.getClass().getName(),
        trace.length == 0 ? "?" : trace[0]);
    return problem(Problem.of(500, "the request failed; the log says why"));
  }

  private static boolean isJson(@Nullable String contentType) {
    String type = contentType == null ? "" : contentType.toLowerCase(Locale.ROOT);
    return type.equals("application/json") || type.startsWith("application/json;");
  }

  private static ResponseEntity<Problem> problem(Problem problem) {
    return ResponseEntity.status(problem.status())
        .contentType(MediaType.parseMediaType(Problem.MEDIA_TYPE))
        .body(problem);
  }
}
