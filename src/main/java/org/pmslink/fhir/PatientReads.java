package org.pmslink.fhir;

import static java.nio.charset.StandardCharsets.UTF_8;

import ca.uhn.fhir.rest.annotation.IdParam;
import ca.uhn.fhir.rest.annotation.Read;
import ca.uhn.fhir.rest.annotation.Search;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.server.IResourceProvider;
import ca.uhn.fhir.util.UrlUtil;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.URLDecoder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Bundle.BundleType;
import org.hl7.fhir.r4.model.Bundle.SearchEntryMode;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;
import org.hl7.fhir.r4.model.Patient;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.CallerFilter;
import org.pmslink.access.Right;
import org.pmslink.fhir.SearchRequest.Token;
import org.pmslink.membership.ChartSearch;
import org.pmslink.membership.ChartSearch.Chart;
import org.pmslink.membership.ChartSearch.Kin;
import org.pmslink.security.PayloadCipher;

/** Charts as Patients: one by its id, and those that a search finds. */
public final class PatientReads implements IResourceProvider {
  private final ChartSearch charts;
  private final PayloadCipher cipher;
  private final Audit audit;

  PatientReads(ChartSearch charts, PayloadCipher cipher, Audit audit) {
    this.charts = charts;
    this.cipher = cipher;
    this.audit = audit;
  }

  @Override
  public Class<Patient> getResourceType() {
    return Patient.class;
  }

  private static Caller caller(HttpServletRequest http) {
    if (!CallerFilter.mayMake(http, Right.SEE_PATIENTS)) {
      throw new FhirFault(403, IssueType.FORBIDDEN, CallerFilter.NOT_IN_THIS_ROLE);
    }
    return Caller.of(http);
  }

  /** One chart, by the id that it has here; HAPI calls this. */
  @Read
  public Patient read(HttpServletRequest http, @IdParam IdType id) {
    Caller caller = caller(http);
    String part = id.getIdPart();
    Chart chart =
        part.matches("\\d{1,18}")
            ? charts.byId(caller.practice(), List.of(Long.parseLong(part))).stream()
                .findFirst()
                .orElse(null)
            : null;
    if (chart == null) {
      throw new FhirFault(404, IssueType.NOTFOUND, "there is no Patient of this id");
    }
    if (chart.gone()) {
      throw new FhirFault(410, IssueType.DELETED, "the PMS has this Patient no more");
    }
    Patient patient = patients(caller, List.of(chart)).get(0);
    audit.note(caller, "read", "fhir: " + chart.source() + "/" + chart.sourceId());
    return patient;
  }

  /** A page of charts; HAPI calls this, for a POST to {@code _search}, too. */
  @Search(allowUnknownParams = true)
  public Bundle search(HttpServletRequest http, RequestDetails details) throws IOException {
    Caller caller = caller(http);
    SearchRequest request = SearchRequest.read(parameters(http, details));
    String cursor = request.cursor();
    SearchCursor here =
        cursor == null
            ? SearchCursor.to(request.wanted(), 0, request.count())
            : SearchCursor.open(cursor, cipher, caller);
    ChartSearch.Page page =
        request.ids() == null && request.identifiers() == null
            ? charts.search(caller.practice(), here.wanted(), here.after(), here.count())
            : new ChartSearch.Page(named(caller, request), null);
    Bundle bundle = new Bundle();
    bundle.setType(BundleType.SEARCHSET);
    String base = details.getFhirServerBase() + "/Patient";
    Long next = page.next();
    if (next != null) {
      bundle
          .addLink()
          .setRelation("next")
          .setUrl(
              base
                  + "?"
                  + SearchRequest.CURSOR
                  + "="
                  + SearchCursor.to(here.wanted(), next, here.count()).seal(cipher, caller));
    } else if (here.after() == 0) {
      // All there are; of more pages nobody has counted the rest.
      bundle.setTotal(page.charts().size());
    }
    for (Patient patient : patients(caller, page.charts())) {
      bundle
          .addEntry()
          .setFullUrl(base + "/" + patient.getIdElement().getIdPart())
          .setResource(patient)
          .getSearch()
          .setMode(SearchEntryMode.MATCH);
    }
    audit.note(
        caller,
        "search",
        Audit.about(
            "fhir: " + page.charts().size() + " patients returned",
            page.charts().stream().map(c -> c.source() + "/" + c.sourceId()).toList()));
    return bundle;
  }

  /** Of a form, HAPI asks the servlet container, which finds the body read by our guard. */
  private static Map<String, String[]> parameters(HttpServletRequest http, RequestDetails details)
      throws IOException {
    String type = String.valueOf(http.getContentType()).toLowerCase(Locale.ROOT);
    return type.startsWith("application/x-www-form-urlencoded")
        ? UrlUtil.parseQueryStrings(
            http.getQueryString(), new String(http.getInputStream().readAllBytes(), UTF_8))
        : details.getParameters();
  }

  /** Those that were named, and are whatever else is wanted; also merged ones, with their link. */
  private List<Chart> named(Caller caller, SearchRequest request) {
    Map<Long, Chart> found = new LinkedHashMap<>();
    List<Token> identifiers = request.identifiers();
    List<Long> ids = request.ids();
    if (identifiers != null) {
      for (Token identifier : identifiers) {
        String source = source(caller.practice(), identifier);
        if (source != null) {
          charts
              .bySourceId(caller.practice(), source.isEmpty() ? null : source, identifier.value())
              .forEach(chart -> found.put(chart.id(), chart));
        }
      }
      if (ids != null) {
        found.keySet().retainAll(ids);
      }
    } else if (ids != null) {
      charts.byId(caller.practice(), ids).forEach(chart -> found.put(chart.id(), chart));
    }
    return found.values().stream()
        .filter(chart -> !chart.gone() && ChartSearch.isMet(request.wanted(), chart))
        .limit(request.count())
        .toList();
  }

  /** The PMS that a system stands for; empty for any, and {@code null} for one that is none. */
  private static @Nullable String source(String practice, Token token) {
    String system = token.system();
    if (system == null) {
      return "";
    }
    String prefix = FhirPatients.SYSTEM + practice + ":";
    return system.startsWith(prefix)
        ? URLDecoder.decode(system.substring(prefix.length()), UTF_8)
        : null;
  }

  private List<Patient> patients(Caller caller, List<Chart> found) {
    Map<Long, List<Kin>> kin = charts.kin(caller.practice(), found);
    List<Patient> patients = new ArrayList<>();
    for (Chart chart : found) {
      patients.add(
          FhirPatients.patient(caller.practice(), chart, kin.getOrDefault(chart.id(), List.of())));
    }
    return patients;
  }
}
