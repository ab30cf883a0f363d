package org.pmslink.sample;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.model.api.Include;
import ca.uhn.fhir.model.primitive.InstantDt;
import ca.uhn.fhir.rest.annotation.History;
import ca.uhn.fhir.rest.annotation.IdParam;
import ca.uhn.fhir.rest.annotation.OptionalParam;
import ca.uhn.fhir.rest.annotation.Read;
import ca.uhn.fhir.rest.annotation.Search;
import ca.uhn.fhir.rest.annotation.Since;
import ca.uhn.fhir.rest.annotation.Sort;
import ca.uhn.fhir.rest.api.SortSpec;
import ca.uhn.fhir.rest.api.server.IBundleProvider;
import ca.uhn.fhir.rest.param.DateRangeParam;
import ca.uhn.fhir.rest.param.StringOrListParam;
import ca.uhn.fhir.rest.param.StringParam;
import ca.uhn.fhir.rest.server.FifoMemoryPagingProvider;
import ca.uhn.fhir.rest.server.HardcodedServerAddressStrategy;
import ca.uhn.fhir.rest.server.IResourceProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.SimpleBundleProvider;
import ca.uhn.fhir.rest.server.exceptions.ResourceGoneException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Date;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Appointment;
import org.hl7.fhir.r4.model.DomainResource;
import org.hl7.fhir.r4.model.Encounter;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.InstantType;
import org.hl7.fhir.r4.model.Meta;
import org.hl7.fhir.r4.model.Patient;
import org.jspecify.annotations.Nullable;
import org.springframework.util.FileSystemUtils;

/**
 * A PMS with a FHIR R4 face: HAPI's own server over patients in memory, with their versions, pages
 * behind opaque links, a history, bulk export, and a token endpoint that verifies who asks.
 */
public final class FhirPms implements AutoCloseable {
  private static final FhirContext FHIR = FhirContext.forR4Cached();

  private final Tomcat tomcat = new Tomcat();
  private final RestfulServer server = new RestfulServer(FHIR);
  private final Appointments appointments = new Appointments();
  private final Encounters encounters = new Encounters();
  private final Path folder;
  private final Queue<String> faults = new ConcurrentLinkedQueue<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final Map<String, List<Patient>> versions = new LinkedHashMap<>();
  private final Set<String> tokens = new HashSet<>();
  private volatile @Nullable ECKey clientKey;
  private volatile @Nullable JWTClaimsSet assertion;
  private volatile @Nullable String assertionHeader;
  private volatile boolean history = true;
  private volatile boolean broken;
  private volatile String oddLines = "";
  private volatile String left = "";
  private volatile boolean tellsTokenEndpoint;
  private final AtomicInteger notReady = new AtomicInteger();
  private final AtomicInteger exports = new AtomicInteger();
  private @Nullable Instant exportedAt;

  private FhirPms() throws IOException {
    folder = Files.createTempDirectory("fhir-pms");
  }

  /** Serves no patients yet. */
  public static FhirPms start() {
    try {
      FhirPms pms = new FhirPms();
      pms.listen();
      return pms;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (LifecycleException e) {
      throw new IllegalStateException(e);
    }
  }

  private void listen() throws LifecycleException {
    server.setResourceProviders(new Patients(), appointments, encounters);
    server.setPagingProvider(new FifoMemoryPagingProvider(50).setMaximumPageSize(50));
    tomcat.setBaseDir(folder.toString());
    tomcat.setPort(0);
    tomcat.getConnector().setProperty("address", "127.0.0.1");
    tomcat.setSilent(true);
    Context context = tomcat.addContext("", folder.toString());
    Tomcat.addServlet(context, "fhir", server);
    context.addServletMappingDecoded("/fhir/*", "fhir");
    Tomcat.addServlet(context, "export", new Export());
    context.addServletMappingDecoded("/fhir/Patient/$export", "export");
    context.addServletMappingDecoded("/fhir/export/*", "export");
    Tomcat.addServlet(context, "tokens", new TokenEndpoint());
    context.addServletMappingDecoded("/token", "tokens");
    Tomcat.addServlet(context, "smart", new SmartConfiguration());
    context.addServletMappingDecoded("/fhir/.well-known/smart-configuration", "smart");
    FilterDef definition = new FilterDef();
    definition.setFilterName("gate");
    definition.setFilter(new Gate());
    context.addFilterDef(definition);
    FilterMap map = new FilterMap();
    map.setFilterName("gate");
    map.addURLPattern("/fhir/*");
    context.addFilterMap(map);
    tomcat.start();
  }

  private String origin() {
    return "http://127.0.0.1:" + tomcat.getConnector().getLocalPort();
  }

  /** Base address. */
  public String url() {
    return origin() + "/fhir";
  }

  public String tokenUrl() {
    return origin() + "/token";
  }

  /** Whether it says of itself where tokens are given. */
  public void tellTokenEndpoint(boolean told) {
    tellsTokenEndpoint = told;
  }

  /** From now on, nobody is served without a token that the holder of this key has asked for. */
  public void requireTokensOf(ECKey key) {
    clientKey = key;
  }

  /** No token that was given is taken any more. */
  public synchronized void forgetTokens() {
    tokens.clear();
  }

  /** What the client last signed. */
  public @Nullable JWTClaimsSet assertion() {
    return assertion;
  }

  /** The header of what the client last signed, as JSON. */
  public @Nullable String assertionHeader() {
    return assertionHeader;
  }

  /** The server's links bear another address than it is asked at, as behind a careless proxy. */
  public void nameItself(String address) {
    server.setServerAddressStrategy(new HardcodedServerAddressStrategy(address));
  }

  /** Gives so many resources in one page, if that many are asked for; 50 unless said. */
  public void largestPage(int resources) {
    server.setPagingProvider(new FifoMemoryPagingProvider(resources).setMaximumPageSize(resources));
  }

  public void offerHistory(boolean offered) {
    history = offered;
  }

  /** The next export is not ready when it is first asked for so many times. */
  public void exportNotReady(int times) {
    notReady.set(times);
  }

  /** Exports name an error file, or none. */
  public void breakExports(boolean whether) {
    broken = whether;
  }

  /** One of the exported files begins with these lines, besides its patients. */
  public void exportToo(String lines) {
    oddLines = lines;
  }

  /** Exported files lack this patient, and their counts do not. */
  public void exportWithout(String id) {
    left = id;
  }

  public int exports() {
    return exports.get();
  }

  /** Addresses with their parameters that were asked for. */
  public List<String> requests() {
    return List.copyOf(requests);
  }

  /** The next request is answered by a status instead, as in "503" or "429 7". */
  public void failNext(String fault) {
    faults.add(fault);
  }

  /** Writes a version of a patient. */
  public synchronized void put(Patient patient) {
    put(patient, Instant.now());
  }

  /** The same at another time. */
  public synchronized void put(Patient patient, Instant at) {
    String id = patient.getIdElement().getIdPart();
    List<Patient> before = versions.computeIfAbsent(id, i -> new ArrayList<>());
    Patient copy = patient.copy();
    String version = String.valueOf(before.size() + 1);
    copy.setId(new IdType("Patient", id, version));
    copy.setMeta(
        new Meta().setVersionId(version).setLastUpdatedElement(new InstantType(Date.from(at))));
    before.add(copy);
  }

  /** Writes an appointment. */
  public void put(Appointment appointment) {
    appointments.put(appointment);
  }

  /** Writes an encounter. */
  public void put(Encounter encounter) {
    encounters.put(encounter);
  }

  /** Deletes a patient. */
  public synchronized void delete(String id) {
    Patient gone = new Patient();
    List<Patient> before = versions.get(id);
    if (before == null) {
      throw new IllegalArgumentException(id);
    }
    String version = String.valueOf(before.size() + 1);
    gone.setId(new IdType("Patient", id, version));
    gone.setMeta(new Meta().setVersionId(version).setLastUpdated(new Date()));
    ca.uhn.fhir.model.api.ResourceMetadataKeyEnum.DELETED_AT.put(gone, new InstantDt(new Date()));
    ca.uhn.fhir.model.api.ResourceMetadataKeyEnum.ENTRY_TRANSACTION_METHOD.put(
        gone, ca.uhn.fhir.model.valueset.BundleEntryTransactionMethodEnum.DELETE);
    before.add(gone);
  }

  private static boolean isDeleted(Patient patient) {
    return ca.uhn.fhir.model.api.ResourceMetadataKeyEnum.DELETED_AT.get(patient) != null;
  }

  private static Patient newest(List<Patient> all) {
    return all.get(all.size() - 1);
  }

  private synchronized List<Patient> current() {
    return versions.values().stream()
        .map(FhirPms::newest)
        .filter(p -> !isDeleted(p))
        .map(Patient::copy)
        .toList();
  }

  @Override
  public void close() throws IOException {
    try {
      tomcat.stop();
      tomcat.destroy();
    } catch (LifecycleException e) {
      throw new IllegalStateException(e);
    }
    FileSystemUtils.deleteRecursively(folder);
  }

  /** What HAPI serves. */
  public final class Patients implements IResourceProvider {
    @Override
    public Class<Patient> getResourceType() {
      return Patient.class;
    }

    /** HAPI calls this, and makes pages. */
    @Search
    public IBundleProvider search(
        @OptionalParam(name = "_lastUpdated") @Nullable DateRangeParam updated,
        @OptionalParam(name = "_id") @Nullable StringParam id,
        @OptionalParam(name = "family") @Nullable StringOrListParam family,
        @Sort @Nullable SortSpec sort,
        @ca.uhn.fhir.rest.annotation.IncludeParam @Nullable Set<Include> includes) {
      List<IBaseResource> found = new ArrayList<>();
      current().stream()
          .filter(p -> id == null || p.getIdElement().getIdPart().equals(id.getValue()))
          .filter(
              p ->
                  family == null
                      || family.getValuesAsQueryTokens().stream()
                          .anyMatch(
                              begun ->
                                  p.getNameFirstRep()
                                      .getFamily()
                                      .toLowerCase(Locale.ROOT)
                                      .startsWith(begun.getValue().toLowerCase(Locale.ROOT))))
          .filter(
              p ->
                  updated == null
                      || updated.getLowerBoundAsInstant() == null
                      || !p.getMeta().getLastUpdated().before(updated.getLowerBoundAsInstant()))
          .sorted(
              sort == null
                  ? Comparator.comparing((Patient p) -> p.getIdElement().getIdPart())
                  : Comparator.comparing((Patient p) -> p.getMeta().getLastUpdated()))
          .forEach(found::add);
      return new SimpleBundleProvider(found, UUID.randomUUID().toString());
    }

    /** HAPI calls this. */
    @Read(version = true)
    public Patient read(@IdParam IdType id) {
      synchronized (FhirPms.this) {
        List<Patient> all = versions.get(id.getIdPart());
        if (all == null) {
          throw new ResourceNotFoundException(id);
        }
        if (isDeleted(newest(all))) {
          throw new ResourceGoneException(id);
        }
        return newest(all).copy();
      }
    }

    /** HAPI calls this. */
    @History
    public IBundleProvider history(@Since @Nullable InstantType since) {
      synchronized (FhirPms.this) {
        List<IBaseResource> found = new ArrayList<>();
        versions.values().stream()
            .flatMap(List::stream)
            .filter(p -> since == null || !p.getMeta().getLastUpdated().before(since.getValue()))
            .sorted(Comparator.comparing((Patient p) -> p.getMeta().getLastUpdated()))
            .forEach(found::add);
        // Of one moment, too, the later version comes first.
        Collections.reverse(found);
        return new SimpleBundleProvider(found, UUID.randomUUID().toString());
      }
    }
  }

  /** What HAPI serves besides, as it was put. */
  public abstract static class Visits<T extends DomainResource> implements IResourceProvider {
    private final List<T> all = new CopyOnWriteArrayList<>();

    /** HAPI calls this, and makes pages. */
    @Search
    public IBundleProvider search(
        @OptionalParam(name = "_lastUpdated") @Nullable DateRangeParam updated,
        @Sort @Nullable SortSpec sort) {
      return new SimpleBundleProvider(
          all.stream()
              .filter(
                  v ->
                      updated == null
                          || updated.getLowerBoundAsInstant() == null
                          || !v.getMeta().getLastUpdated().before(updated.getLowerBoundAsInstant()))
              .toList(),
          UUID.randomUUID().toString());
    }

    void put(T visit) {
      visit.setMeta(new Meta().setLastUpdated(new Date()));
      all.removeIf(v -> v.getIdElement().getIdPart().equals(visit.getIdElement().getIdPart()));
      all.add(visit);
    }
  }

  /** Appointments. */
  public static final class Appointments extends Visits<Appointment> {
    @Override
    public Class<Appointment> getResourceType() {
      return Appointment.class;
    }
  }

  /** Encounters. */
  public static final class Encounters extends Visits<Encounter> {
    @Override
    public Class<Encounter> getResourceType() {
      return Encounter.class;
    }
  }

  /** Stands before HAPI: who may ask, and what goes wrong. */
  private final class Gate implements Filter {
    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      HttpServletRequest call = (HttpServletRequest) request;
      HttpServletResponse answer = (HttpServletResponse) response;
      String query = call.getQueryString();
      requests.add(call.getRequestURI() + (query == null ? "" : "?" + query));
      String fault = faults.poll();
      if (fault != null) {
        String[] parts = fault.split(" ");
        if (parts.length > 1) {
          answer.setHeader("Retry-After", parts[1]);
        }
        answer.setStatus(Integer.parseInt(parts[0]));
        answer.setContentType("application/fhir+json");
        answer
            .getWriter()
            .write(
                "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                    + "\"code\":\"exception\",\"diagnostics\":\"Patient Smith, John broke it\"}]}");
      } else if (call.getRequestURI().contains("/.well-known/")) {
        chain.doFilter(request, response);
      } else if (!mayAsk(call.getHeader("Authorization"))) {
        answer.setStatus(401);
      } else if (!history && call.getRequestURI().endsWith("/_history")) {
        answer.setStatus(501);
      } else {
        chain.doFilter(request, response);
      }
    }

    private boolean mayAsk(@Nullable String authorization) {
      synchronized (FhirPms.this) {
        return clientKey == null
            || (authorization != null && tokens.contains(authorization.replace("Bearer ", "")));
      }
    }
  }

  /** Bulk export in three files. */
  private final class Export extends HttpServlet {
    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      String path = request.getRequestURI();
      if (path.endsWith("$export")) {
        if (!"respond-async".equals(request.getHeader("Prefer"))) {
          response.setStatus(400);
          return;
        }
        int export = exports.incrementAndGet();
        exportedAt = Instant.now();
        response.setStatus(202);
        response.setHeader("Content-Location", url() + "/export/status?job=a%2Fb|" + export);
      } else if (path.endsWith("/status")) {
        if (notReady.getAndUpdate(times -> Math.max(0, times - 1)) > 0) {
          response.setStatus(202);
          response.setHeader("Retry-After", "1");
          response.setHeader("X-Progress", "halfway through Smith, John");
        } else {
          response.setContentType("application/json");
          response.getWriter().write(manifest());
        }
      } else {
        response.setContentType("application/fhir+ndjson");
        response
            .getOutputStream()
            .write(
                lines(path.charAt(path.length() - 1) - '0', left).getBytes(StandardCharsets.UTF_8));
      }
    }

    private String manifest() {
      List<String> output = new ArrayList<>();
      for (int file = 0; file < 3; file++) {
        output.add(
            "{\"type\":\"Patient\",\"url\":\""
                + url()
                + "/export/file"
                + file
                + "\",\"count\":"
                + lines(file, "").lines().count()
                + "}");
      }
      return "{\"transactionTime\":\""
          + exportedAt
          + "\",\"requiresAccessToken\":true,\"output\":["
          + String.join(",", output)
          + "],\"error\":["
          + (broken ? "{\"type\":\"OperationOutcome\",\"url\":\"" + url() + "/export/e\"}" : "")
          + "]}";
    }

    private String lines(int file, String without) {
      StringBuilder lines = new StringBuilder(file == 1 ? oddLines : "");
      for (Patient patient : current()) {
        String id = patient.getIdElement().getIdPart();
        if (Math.floorMod(id.hashCode(), 3) == file && !id.equals(without)) {
          lines.append(FHIR.newJsonParser().encodeResourceToString(patient)).append('\n');
        }
      }
      return lines.toString();
    }
  }

  /** What anybody may ask, without a token. */
  private final class SmartConfiguration extends HttpServlet {
    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      if (!tellsTokenEndpoint) {
        response.setStatus(404);
        return;
      }
      response.setContentType("application/json");
      response
          .getWriter()
          .write(
              "{\"token_endpoint\":\""
                  + tokenUrl()
                  + "\",\"grant_types_supported\":[\"client_credentials\"],"
                  + "\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}");
    }
  }

  /** Gives tokens to who has signed with the key, as SMART Backend Services has it. */
  private final class TokenEndpoint extends HttpServlet {
    private static final long serialVersionUID = 1L;

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      response.setContentType("application/json");
      try {
        SignedJWT signed = SignedJWT.parse(request.getParameter("client_assertion"));
        ECKey key = clientKey;
        JWTClaimsSet claims = signed.getJWTClaimsSet();
        boolean good =
            key != null
                && "client_credentials".equals(request.getParameter("grant_type"))
                && "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                    .equals(request.getParameter("client_assertion_type"))
                && signed.verify(new ECDSAVerifier(key.toPublicJWK()))
                && claims.getAudience().contains(tokenUrl())
                && claims.getExpirationTime().after(new Date());
        if (good) {
          assertion = claims;
          assertionHeader = signed.getHeader().toString();
          String token = UUID.randomUUID().toString();
          synchronized (FhirPms.this) {
            tokens.add(token);
          }
          response
              .getWriter()
              .write(
                  "{\"access_token\":\""
                      + token
                      + "\",\"token_type\":\"bearer\",\"expires_in\":300,\"scope\":\""
                      + request.getParameter("scope")
                      + "\"}");
          return;
        }
      } catch (java.text.ParseException | com.nimbusds.jose.JOSEException e) {
        // Refused below.
      }
      response.setStatus(400);
      response.getWriter().write("{\"error\":\"invalid_client\"}");
    }
  }
}
