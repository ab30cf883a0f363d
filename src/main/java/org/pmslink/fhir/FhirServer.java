package org.pmslink.fhir;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.rest.annotation.Metadata;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.rest.server.exceptions.NotModifiedException;
import ca.uhn.fhir.rest.server.tenant.UrlBaseTenantIdentificationStrategy;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Date;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.CapabilityStatement.CapabilityStatementKind;
import org.hl7.fhir.r4.model.CapabilityStatement.CapabilityStatementRestComponent;
import org.hl7.fhir.r4.model.CapabilityStatement.CapabilityStatementRestResourceComponent;
import org.hl7.fhir.r4.model.CapabilityStatement.ConditionalReadStatus;
import org.hl7.fhir.r4.model.CapabilityStatement.ResourceVersionPolicy;
import org.hl7.fhir.r4.model.CapabilityStatement.RestfulCapabilityMode;
import org.hl7.fhir.r4.model.CapabilityStatement.TypeRestfulInteraction;
import org.hl7.fhir.r4.model.Enumerations.FHIRVersion;
import org.hl7.fhir.r4.model.Enumerations.PublicationStatus;
import org.hl7.fhir.r4.model.Enumerations.SearchParamType;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.CallerFilter;
import org.pmslink.access.Doors;
import org.pmslink.linking.PatientSearch;
import org.pmslink.membership.ChartSearch;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.security.PayloadCipher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.dao.DataAccessException;

/** HAPI's plain server below {@code /fhir}, a base of its own for each practice. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnWebApplication
class FhirServer {
  private static final Logger LOG = LoggerFactory.getLogger(FhirServer.class);

  @Bean
  ServletRegistrationBean<RestfulServer> fhirServlet(
      PatientSearch search,
      PatientNormalizer normalizer,
      ChartSearch charts,
      PayloadCipher cipher,
      Audit audit) {
    RestfulServer server = new RestfulServer(FhirContext.forR4Cached());
    server.setTenantIdentificationStrategy(new UrlBaseTenantIdentificationStrategy());
    server.setDefaultResponseEncoding(EncodingEnum.JSON);
    server.setResourceProviders(
        new PatientReads(charts, cipher, audit), new PatientMatch(search, normalizer, audit));
    server.setServerConformanceProvider(new Capabilities(audit));
    server.registerInterceptor(new QuotesNothing());
    ServletRegistrationBean<RestfulServer> servlet =
        new ServletRegistrationBean<>(server, "/fhir/*");
    servlet.setName("fhir");
    // With the engine, so that the first caller does not wait for it.
    servlet.setLoadOnStartup(1);
    return servlet;
  }

  @Bean
  FilterRegistrationBean<CallerFilter> fhirGuard(Doors doors) {
    return doors.guard(
        "/fhir/*",
        "/fhir/",
        (response, status, reason) -> {
          response.setStatus(status);
          response.setContentType("application/fhir+json;charset=UTF-8");
          response.getWriter().write(FhirFault.json(FhirFault.outcome(status, reason)));
        });
  }

  /**
   * What this server can do. Written by hand: what HAPI would generate names much that it could do.
   */
  public static final class Capabilities {
    private final Date started = new Date();
    private final Audit audit;

    private Capabilities(Audit audit) {
      this.audit = audit;
    }

    /** Not cached, because each practice has its own address. HAPI calls this. */
    @Metadata(cacheMillis = 0)
    public CapabilityStatement capabilities(HttpServletRequest http, RequestDetails details) {
      audit.note(Caller.of(http), "metadata", "fhir");
      CapabilityStatement statement = new CapabilityStatement();
      statement
          .setStatus(PublicationStatus.ACTIVE)
          .setDate(started)
          .setKind(CapabilityStatementKind.INSTANCE)
          .setFhirVersion(FHIRVersion._4_0_1)
          .addFormat("application/fhir+json")
          .addFormat("application/fhir+xml");
      statement.getSoftware().setName("PMS Link");
      statement
          .getImplementation()
          .setDescription("The charts of one dental practice")
          .setUrl(details.getFhirServerBase());
      CapabilityStatementRestComponent rest =
          statement.addRest().setMode(RestfulCapabilityMode.SERVER);
      rest.getSecurity()
          .setDescription("A bearer token of this practice, in the header Authorization");
      CapabilityStatementRestResourceComponent patient = rest.addResource().setType("Patient");
      patient.addInteraction().setCode(TypeRestfulInteraction.READ);
      patient.addInteraction().setCode(TypeRestfulInteraction.SEARCHTYPE);
      patient
          .setVersioning(ResourceVersionPolicy.VERSIONED)
          .setReadHistory(false)
          .setConditionalRead(ConditionalReadStatus.NOTMATCH);
      parameter(patient, SearchRequest.ID, SearchParamType.TOKEN, "ids of this server");
      parameter(
          patient,
          SearchRequest.IDENTIFIER,
          SearchParamType.TOKEN,
          "the id in the PMS; also of charts that were merged");
      SearchRequest.FIELDS.forEach((name, field) -> parameter(patient, name, type(field), ""));
      parameter(patient, SearchRequest.TELECOM, SearchParamType.TOKEN, "a telephone or an e-mail");
      patient.addOperation().setName("match").setDefinition(PatientMatch.DEFINITION);
      return statement;
    }

    private static void parameter(
        CapabilityStatementRestResourceComponent patient,
        String name,
        SearchParamType type,
        String documentation) {
      var parameter = patient.addSearchParam().setName(name).setType(type);
      if (!documentation.isEmpty()) {
        parameter.setDocumentation(documentation);
      }
    }

    private static SearchParamType type(ChartSearch.Field field) {
      return switch (field) {
        case FAMILY, GIVEN, NAME, POSTAL_CODE -> SearchParamType.STRING;
        case BIRTH_DATE, UPDATED -> SearchParamType.DATE;
        case PHONE, EMAIL, GENDER -> SearchParamType.TOKEN;
      };
    }
  }

  /** Replaces the messages of HAPI, which quote addresses and contents, by ours. */
  public static final class QuotesNothing {

    /** HAPI calls this. */
    @Hook(Pointcut.SERVER_PRE_PROCESS_OUTGOING_EXCEPTION)
    public BaseServerResponseException replace(Throwable thrown) {
      if (thrown instanceof FhirFault ours) {
        return ours;
      }
      if (thrown instanceof NotModifiedException same) {
        return same;
      }
      if (thrown instanceof BaseServerResponseException e && e.getStatusCode() < 500) {
        return new FhirFault(
            e.getStatusCode(),
            IssueType.NOTSUPPORTED,
            "this server knows GET Patient/ID, searches for Patients, POST Patient/$match and GET"
                + " metadata");
      }
      for (Throwable t = thrown; t != null; t = t.getCause()) {
        if (t instanceof DataAccessException) {
          LOG.warn("a FHIR request found no store: {}", t.getClass().getSimpleName());
          return new FhirFault(
              503, IssueType.TRANSIENT, "the store cannot be reached; try again later");
        }
      }
      // What kind and no more: a message may quote a patient.
      LOG.error("a FHIR request failed: {}", kind(thrown));
      return new FhirFault(500, IssueType.EXCEPTION, "the request failed; the log says why");
    }

    private static String kind(Throwable thrown) {
      Throwable innermost = thrown;
      while (innermost.getCause() != null) {
        innermost = innermost.getCause();
      }
      StackTraceElement[] trace = innermost.getStackTrace();
      return innermost.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
    }
  }
}
