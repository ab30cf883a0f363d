package org.pmslink.fhir;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.jms.JMSException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.Route;
import org.apache.camel.component.direct.DirectConsumerNotAvailableException;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Bundle.BundleEntryResponseComponent;
import org.hl7.fhir.r4.model.Bundle.BundleType;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.OperationOutcome.IssueSeverity;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.CallerFilter;
import org.pmslink.access.Doors;
import org.pmslink.feed.Reception;
import org.pmslink.feed.SubscriptionEvents;
import org.pmslink.fhir.SentResources.Entry;
import org.pmslink.fhir.SentResources.Notification;
import org.pmslink.mapping.MappingException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.dao.DataAccessException;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.jms.JmsException;
import org.springframework.transaction.TransactionException;
import org.springframework.util.unit.DataSize;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * Where a PMS sends its patients over FHIR R4: one by one, in Bundles, and in notifications of its
 * subscriptions. What it is told to be taken is durably on the queue.
 */
@RestController
@ConditionalOnWebApplication
class FhirDoor {
  private static final Logger LOG = LoggerFactory.getLogger(FhirDoor.class);
  private static final String IN = "/in-fhir/";
  private static final String FEED = IN + "{feed}";
  private static final String WAIT = "10";

  /** Seconds: a person's pause lasts longer than an outage. */
  private static final String WHILE_ON_HOLD = "60";

  private static final MediaType FHIR_JSON =
      MediaType.parseMediaType("application/fhir+json;charset=UTF-8");

  private final FhirFeeds feeds;
  private final Reception reception;
  private final SubscriptionEvents events;
  private final Audit audit;
  private final ProducerTemplate producer;

  FhirDoor(
      FhirFeeds feeds,
      Reception reception,
      SubscriptionEvents events,
      Audit audit,
      ProducerTemplate producer) {
    this.feeds = feeds;
    this.reception = reception;
    this.events = events;
    this.audit = audit;
    this.producer = producer;
  }

  @PostMapping(FEED + "/Patient")
  ResponseEntity<String> create(HttpServletRequest request, @PathVariable("feed") String name)
      throws IOException {
    FhirFeed feed = feed(request, name);
    Entry entry =
        SentResources.patient("POST", SentResources.json(body(request)), null, feed.postedId());
    take(request, feed, SentResources.of(entry));
    return ResponseEntity.status(201)
        .header("Location", IN + name + "/Patient/" + entry.id())
        .contentType(FHIR_JSON)
        .body(FhirFault.json(taken()));
  }

  @PutMapping(FEED + "/Patient/{id}")
  ResponseEntity<String> update(
      HttpServletRequest request, @PathVariable("feed") String name, @PathVariable("id") String id)
      throws IOException {
    FhirFeed feed = feed(request, name);
    Entry entry =
        SentResources.patient("PUT", SentResources.json(body(request)), id, PostedId.NONE);
    take(request, feed, SentResources.of(entry));
    return answer(200, taken());
  }

  @DeleteMapping(FEED + "/Patient/{id}")
  ResponseEntity<String> delete(
      HttpServletRequest request,
      @PathVariable("feed") String name,
      @PathVariable("id") String id) {
    FhirFeed feed = feed(request, name);
    take(request, feed, SentResources.of(SentResources.delete(id)));
    return answer(200, taken());
  }

  /** Bundles and notifications; one without a body says that something has changed. */
  @PostMapping({FEED, FEED + "/"})
  ResponseEntity<String> atBase(HttpServletRequest request, @PathVariable("feed") String name)
      throws IOException {
    FhirFeed feed = feed(request, name);
    byte[] body = request.getInputStream().readAllBytes();
    if (body.length == 0) {
      requireRead(feed);
      audit.note(Caller.of(request), "push", "fhir feed " + name + ": an empty notification");
      return answer(200, taken());
    }
    JsonNode json = SentResources.json(body(request, body));
    SentResources sent = SentResources.atBase(json, feed.postedId());
    take(request, feed, sent);
    Notification notification = sent.notification();
    if (notification != null) {
      events.note(feed.getDefinition(), notification.numbers(), notification.begins());
      if (notification.incomplete()) {
        requireRead(feed);
      }
    }
    return sent.bundleType() == null ? answer(200, taken()) : answer(sent);
  }

  @RequestMapping({IN + "**"})
  ResponseEntity<String> elsewhere() {
    throw new FhirFault(
        404,
        IssueType.NOTSUPPORTED,
        "this address takes POST of a Bundle, POST Patient, PUT and DELETE Patient/[id]");
  }

  private void requireRead(FhirFeed feed) {
    if (!events.read(feed.getDefinition(), "a notification without its patients came")) {
      throw new FhirFault(
          422,
          IssueType.INCOMPLETE,
          "the notification does not hold what it tells of, and this feed cannot ask for it: let"
              + " the subscription send full resources, or set pollFeed");
    }
  }

  private FhirFeed feed(HttpServletRequest request, String name) {
    FhirFeed feed = feeds.find(name);
    // The filter has looked at the address as it was sent; what it was decoded to must agree.
    if (feeds.isComing(name)) {
      throw new Exchanged();
    }
    if (feed == null || !feed.getDefinition().getPractice().equals(Caller.of(request).practice())) {
      throw new FhirFault(404, IssueType.NOTFOUND, feeds.notThere());
    }
    if (reception.isOnHold(feed.getDefinition())) {
      throw new OnHold();
    }
    return feed;
  }

  private static byte[] body(HttpServletRequest request) throws IOException {
    return body(request, request.getInputStream().readAllBytes());
  }

  private static byte[] body(HttpServletRequest request, byte[] body) {
    String type = String.valueOf(request.getContentType()).toLowerCase(Locale.ROOT);
    if (!type.matches("application/(fhir\\+)?json(;.*)?")) {
      throw new FhirFault(415, IssueType.NOTSUPPORTED, "the body must be application/fhir+json");
    }
    if (body.length == 0) {
      throw new FhirFault(400, IssueType.REQUIRED, "the body is empty");
    }
    return body;
  }

  /** Through the feed's route onto the queue; all of it, or an exception. */
  private void take(HttpServletRequest request, FhirFeed feed, SentResources sent) {
    String name = feed.getDefinition().getFeed();
    long records = sent.entries().stream().filter(e -> e.record() != null).count();
    if (records > 0) {
      Route route = feeds.route(name);
      if (route == null) {
        throw new Exchanged();
      }
      Endpoint door = route.getEndpoint();
      Exchange exchange = door.createExchange();
      exchange.getMessage().setBody(sent);
      Exchange done = producer.send(door, exchange);
      if (done.getException() != null) {
        giveUp(done);
        throw new NotTaken(done.getException());
      }
    }
    audit.note(Caller.of(request), "push", "fhir feed " + name + ": " + records + " records");
  }

  private void giveUp(Exchange exchange) {
    Reception.Receipt receipt = FhirFeed.receipt(exchange);
    try {
      if (receipt != null) {
        reception.givenUp(receipt);
      }
    } catch (DataAccessException | TransactionException e) {
      LOG.warn("a request that failed could not be closed: {}", e.getClass().getSimpleName());
    }
  }

  // ---- Answers ----

  private static OperationOutcome taken() {
    return FhirFault.outcome(IssueSeverity.INFORMATION, IssueType.INFORMATIONAL, "taken");
  }

  private static ResponseEntity<String> answer(int status, OperationOutcome outcome) {
    return ResponseEntity.status(status).contentType(FHIR_JSON).body(FhirFault.json(outcome));
  }

  private static ResponseEntity<String> answer(SentResources sent) {
    Bundle bundle = new Bundle();
    bundle.setType(
        "batch".equals(sent.bundleType())
            ? BundleType.BATCHRESPONSE
            : BundleType.TRANSACTIONRESPONSE);
    for (Entry entry : sent.entries()) {
      BundleEntryResponseComponent response = bundle.addEntry().getResponse();
      FhirFault fault = entry.fault();
      if (fault != null) {
        response
            .setStatus(String.valueOf(fault.getStatusCode()))
            .setOutcome((OperationOutcome) fault.getOperationOutcome());
      } else if (entry.record() == null) {
        response
            .setStatus("200 OK")
            .setOutcome(
                FhirFault.outcome(
                    IssueSeverity.INFORMATION,
                    IssueType.NOTSUPPORTED,
                    "passed over: this feed takes Patients and nothing else"));
      } else if (entry.method().equals("POST")) {
        response.setStatus("201 Created").setLocation("Patient/" + entry.id());
      } else {
        response.setStatus(entry.method().equals("PUT") ? "200 OK" : "204 No Content");
      }
    }
    return ResponseEntity.ok()
        .contentType(FHIR_JSON)
        .body(
            ca.uhn.fhir.context.FhirContext.forR4Cached()
                .newJsonParser()
                .encodeResourceToString(bundle));
  }

  @ExceptionHandler
  ResponseEntity<String> refused(FhirFault fault) {
    return answer(
        fault.getStatusCode(),
        (OperationOutcome) Objects.requireNonNull(fault.getOperationOutcome()));
  }

  /** Nothing was acknowledged: the sender still has it all. */
  @ExceptionHandler
  ResponseEntity<String> notTaken(NotTaken failure) {
    for (Throwable t = failure.getCause(); t != null; t = t.getCause()) {
      if (t instanceof DataAccessException
          || t instanceof TransactionException
          || t instanceof JMSException
          || t instanceof JmsException) {
        return away(t);
      }
      if (t instanceof DirectConsumerNotAvailableException
          || t instanceof RejectedExecutionException) {
        return exchanged(new Exchanged());
      }
      if (t instanceof MappingException) {
        LOG.error("a request was not taken: {}", t.getMessage());
        return withWait(
            "the mapping of this feed cannot be used; whoever runs the engine must mend it");
      }
    }
    return failed(failure.getCause());
  }

  @ExceptionHandler
  ResponseEntity<String> withoutStore(DataAccessException failure) {
    return away(failure);
  }

  private static ResponseEntity<String> away(Throwable failure) {
    LOG.warn("a request found no store or queue: {}", failure.getClass().getSimpleName());
    return withWait(
        "the store or the queue cannot be reached; nothing was taken, send it again later");
  }

  @ExceptionHandler
  ResponseEntity<String> exchanged(Exchanged moment) {
    return withWait("this feed is being exchanged; nothing was taken, send it again in a moment");
  }

  @ExceptionHandler
  ResponseEntity<String> onHold(OnHold pause) {
    return withWait(
        "this feed is paused by those who run the engine; nothing was taken, send it again later",
        WHILE_ON_HOLD);
  }

  private static ResponseEntity<String> withWait(String text) {
    return withWait(text, WAIT);
  }

  private static ResponseEntity<String> withWait(String text, String seconds) {
    return ResponseEntity.status(503)
        .header("Retry-After", seconds)
        .contentType(FHIR_JSON)
        .body(FhirFault.json(FhirFault.outcome(503, text)));
  }

  /** Without the exception's message, which may quote a patient. */
  @ExceptionHandler
  ResponseEntity<String> failed(Exception failure) {
    return failed((Throwable) failure);
  }

  private static ResponseEntity<String> failed(@Nullable Throwable failure) {
    StackTraceElement[] trace =
        failure == null ? new StackTraceElement[0] : failure.getStackTrace();
    LOG.error(
        "a request failed: {} at {}",
        failure == null ? "?" : failure.getClass().getName(),
        trace.length == 0 ? "?" : trace[0]);
    return answer(500, FhirFault.outcome(500, "the request failed; the log says why"));
  }

  /** The feed's file is being taken up, and its route is not there for a moment. */
  static final class Exchanged extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Exchanged() {
      super("exchanged");
    }
  }

  /** A person has paused the feed. */
  static final class OnHold extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OnHold() {
      super("on hold");
    }
  }

  /** The route did not bring it onto the queue. */
  static final class NotTaken extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotTaken(Exception cause) {
      super("not taken", cause);
    }
  }

  /** Lets nobody in who has not shown who they are. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication
  static class Guard {
    @Bean
    FilterRegistrationBean<CallerFilter> inFhirGuard(
        Doors doors,
        FhirFeeds feeds,
        @Value("${pmslink.push.largest-body:10MB}") DataSize largestBody) {
      return doors.guard(
          IN + "*",
          IN,
          largestBody,
          feeds,
          (response, status, reason) -> refuse(response, status, reason));
    }

    private static void refuse(HttpServletResponse response, int status, String reason)
        throws IOException {
      response.setStatus(status);
      response.setContentType(FHIR_JSON.toString());
      response.getWriter().write(FhirFault.json(FhirFault.outcome(status, reason)));
    }
  }
}
