package org.pmslink.door;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import jakarta.jms.JMSException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.Route;
import org.apache.camel.component.direct.DirectConsumerNotAvailableException;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.CallerFilter;
import org.pmslink.access.Doors;
import org.pmslink.door.HttpFeed.RecordsInHand;
import org.pmslink.feed.FeedDefinition;
import org.pmslink.feed.Reception;
import org.pmslink.feed.Reception.Received;
import org.pmslink.feed.SubscriptionEvents;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.progress.Runs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.jms.JmsException;
import org.springframework.transaction.TransactionException;
import org.springframework.util.unit.DataSize;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/**
 * {@code POST /in/FEED} takes records, {@code GET /in/FEED/receipts/ID} says what became of them.
 */
@RestController
@ConditionalOnWebApplication
class HttpDoor {
  private static final String IN = "/in/";
  private static final String FEED = IN + "{feed}";
  private static final String RECEIPT = FEED + "/receipts/{id}";
  private static final Logger LOG = LoggerFactory.getLogger(HttpDoor.class);

  private static final String MISSED =
      "the PMS's events were away for longer than Open Dental catches up";

  /** Seconds: a person's pause lasts longer than an outage. */
  private static final String WHILE_ON_HOLD = "60";

  /** For that long a sender may ask what became of each record. */
  private static final int DAYS_OF_ENTRIES = 30;

  private final HttpFeeds feeds;
  private final Reception reception;
  private final Runs runs;
  private final Mappings mappings;
  private final SubscriptionEvents events;
  private final Audit audit;
  private final ProducerTemplate producer;
  private final AtomicLong forgetNext = new AtomicLong(System.nanoTime());

  HttpDoor(
      HttpFeeds feeds,
      Reception reception,
      Runs runs,
      Mappings mappings,
      SubscriptionEvents events,
      Audit audit,
      ProducerTemplate producer) {
    this.feeds = feeds;
    this.reception = reception;
    this.runs = runs;
    this.mappings = mappings;
    this.events = events;
    this.audit = audit;
    this.producer = producer;
  }

  /**
   * What was taken, and what became of it so far.
   *
   * @param underWay received and not handled yet; 0 when all is done
   * @param records one by one, where asked for: those that are handled
   */
  @JsonNaming(SnakeCaseStrategy.class)
  record Receipt(
      String receipt,
      String feed,
      Instant receivedAt,
      long received,
      long stored,
      long unchanged,
      long linked,
      long inReview,
      long deadLettered,
      long underWay,
      @Nullable List<Entry> records) {}

  /**
   * What became of one record.
   *
   * @param entry its number among the records of its type, from 1
   * @param result stored, unchanged, superseded (by a later record of the same id in the same
   *     request) or dead-letter
   */
  @JsonNaming(SnakeCaseStrategy.class)
  record Entry(
      String type,
      int entry,
      @Nullable String sourceId,
      String result,
      @Nullable String category,
      @Nullable String reason) {

    static Entry of(Runs.EntryOutcome outcome) {
      return new Entry(
          outcome.stream().toLowerCase(Locale.ROOT).replace('/', '-'),
          outcome.entry(),
          outcome.sourceId(),
          outcome.result().name().toLowerCase(Locale.ROOT).replace('_', '-'),
          outcome.category(),
          outcome.reason());
    }
  }

  /**
   * What became of a delivery of Open Dental's events.
   *
   * @param passedOver rows of tables that are of no use here
   */
  @JsonNaming(SnakeCaseStrategy.class)
  record Delivered(int received, int passedOver) {}

  @PostMapping(FEED)
  ResponseEntity<?> push(
      HttpServletRequest request,
      @PathVariable("feed") String name,
      @RequestParam(name = "type", required = false) @Nullable String type)
      throws IOException {
    Caller caller = Caller.of(request);
    HttpFeed feed = feed(name, caller);
    if (reception.isOnHold(feed.getDefinition())) {
      return problem(
          503,
          "this feed is paused by those who run the engine; nothing was taken, send it again later",
          HttpHeaders.RETRY_AFTER,
          WHILE_ON_HOLD);
    }
    if (feed.isOfOpenDentalEvents()) {
      return deliver(request, caller, feed);
    }
    if (!isJson(request.getContentType())) {
      throw new Problem.Refused(415, "the body must be application/json");
    }
    byte[] body = request.getInputStream().readAllBytes();
    RecordsInHand records = new RecordsInHand(PushedRecords.read(body, type));
    checkMappings(feed, records);
    if (feeds.isSignatureUsed(feed, request)) {
      throw new Problem.Refused(
          409, "this very request was taken before; sign what is new with a new time");
    }
    Exchange exchange = send(feed, records);
    feeds.useSignature(feed, request);
    Reception.Receipt receipt = Objects.requireNonNull(HttpFeed.receipt(exchange));
    audit.note(
        caller,
        "push",
        String.format(
            Locale.ROOT,
            "feed %s: %d records, %d bytes, receipt %d",
            name,
            records.count(),
            body.length,
            receipt.receipt()));
    forgetOld(receipt.practice());
    return ResponseEntity.accepted()
        .location(URI.create(IN + name + "/receipts/" + receipt.receipt()))
        .contentType(MediaType.APPLICATION_JSON)
        .body(receipt(caller, name, receipt.receipt(), false));
  }

  /** A delivery of Open Dental's events; answered when all of it is on the queue. */
  private ResponseEntity<Delivered> deliver(
      HttpServletRequest request, Caller caller, HttpFeed feed) throws IOException {
    FeedDefinition definition = feed.getDefinition();
    byte[] body = request.getInputStream().readAllBytes();
    OpenDentalEvents delivery =
        OpenDentalEvents.read(
            body,
            request.getHeader(OpenDentalEvents.TYPE),
            stream -> hasMapping(definition, stream));
    // Asked for before the delivery is noted: a crash in between asks twice and forgets nothing.
    boolean missed = events.isSilentFor(OpenDentalEvents.CATCH_UP, definition);
    boolean read = missed && events.read(definition, MISSED);
    if (delivery.count() > 0) {
      send(feed, new RecordsInHand(delivery.received()));
    } else {
      events.heard(definition);
    }
    if (missed && !read) {
      // What came in has cleared the status.
      events.read(definition, MISSED);
    }
    audit.note(
        caller,
        "push",
        String.format(
            Locale.ROOT,
            "feed %s: %d records, %d bytes, %d rows passed over",
            definition.getFeed(),
            delivery.count(),
            body.length,
            delivery.passedOver()));
    return ResponseEntity.ok()
        .contentType(MediaType.APPLICATION_JSON)
        .body(new Delivered(delivery.count(), delivery.passedOver()));
  }

  private HttpFeed feed(String name, Caller caller) {
    HttpFeed feed = feeds.find(name);
    // The filter has looked at the address as it was sent; what it was decoded to must agree.
    boolean same =
        feed != null
            && feed.getDefinition().getPractice().equals(caller.practice())
            && (feed.getProof().isByToken() || caller.name().equals(HttpFeeds.signerOf(name)));
    if (feeds.isComing(name)) {
      throw new Exchanged();
    }
    if (feed == null || !same) {
      throw new Problem.Refused(404, feeds.notThere());
    }
    return feed;
  }

  /** A type that the feed's mapping folder does not know is the sender's mistake. */
  private void checkMappings(HttpFeed feed, RecordsInHand records) {
    for (Received some : records.received()) {
      if (!hasMapping(feed.getDefinition(), some.stream())) {
        throw new Problem.Refused(
            422,
            some.stream().queryName()
                + ": this feed takes none; its mapping folder has no mapping");
      }
    }
  }

  private boolean hasMapping(FeedDefinition definition, RecordStream stream) {
    String path =
        mappings.pathFor(
            definition.getMappings(),
            stream.mappingName(),
            RecordStream.of(stream.type()).mappingName());
    return Files.isRegularFile(mappings.folder().resolve(path));
  }

  /** Through the feed's route onto the queue; all of it, or an exception. */
  private Exchange send(HttpFeed feed, RecordsInHand records) {
    Route route = feeds.route(feed.getDefinition().getFeed());
    if (route == null) {
      throw new Exchanged();
    }
    Endpoint door = route.getEndpoint();
    Exchange exchange = door.createExchange();
    exchange.getMessage().setBody(records);
    Exchange sent = producer.send(door, exchange);
    if (sent.getException() != null) {
      giveUp(sent);
      throw new NotTaken(sent.getException());
    }
    return sent;
  }

  private void giveUp(Exchange exchange) {
    Reception.Receipt receipt = HttpFeed.receipt(exchange);
    try {
      if (receipt != null) {
        reception.givenUp(receipt);
      }
    } catch (DataAccessException | TransactionException e) {
      // The next start of the feed closes what was left open.
      LOG.warn("a request that failed could not be closed: {}", e.getClass().getSimpleName());
    }
  }

  /** At most once an hour. */
  private void forgetOld(int practice) {
    long now = System.nanoTime();
    long due = forgetNext.get();
    if (now - due >= 0 && forgetNext.compareAndSet(due, now + 3_600_000_000_000L)) {
      runs.forgetEntries(practice, Instant.now().minus(DAYS_OF_ENTRIES, ChronoUnit.DAYS));
    }
  }

  @GetMapping(RECEIPT)
  ResponseEntity<Receipt> receipt(
      HttpServletRequest request,
      @PathVariable("feed") String name,
      @PathVariable("id") String id,
      @RequestParam(name = "records", required = false, defaultValue = "false") String records) {
    Caller caller = Caller.of(request);
    feed(name, caller);
    if (!id.matches("[0-9]{1,18}")) {
      throw new Problem.Refused(404, "there is no such receipt");
    }
    Receipt receipt = receipt(caller, name, Long.parseLong(id), records.equals("true"));
    audit.note(caller, "receipt", "feed " + name + ": receipt " + id);
    return ResponseEntity.ok().contentType(MediaType.APPLICATION_JSON).body(receipt);
  }

  private Receipt receipt(Caller caller, String feed, long id, boolean oneByOne) {
    Runs.Run run =
        runs.find(caller.practiceId(), id)
            .filter(r -> r.feed().equals(feed) && r.kind() == Runs.Kind.RECEIVED)
            .orElseThrow(() -> new Problem.Refused(404, "there is no such receipt"));
    Runs.Totals totals = runs.totals(caller.practiceId(), id);
    return new Receipt(
        Long.toString(id),
        feed,
        run.startedAt(),
        run.records(),
        totals.handled() - totals.unchanged() - totals.deadLettered(),
        totals.unchanged(),
        totals.linked(),
        totals.toReview(),
        totals.deadLettered(),
        Math.max(0, run.records() - totals.handled()),
        oneByOne ? runs.entries(caller.practiceId(), id).stream().map(Entry::of).toList() : null);
  }

  @RequestMapping(FEED)
  ResponseEntity<Problem> otherMethods() {
    return problem(405, "this address takes POST", HttpHeaders.ALLOW, "POST");
  }

  @RequestMapping(RECEIPT)
  ResponseEntity<Problem> otherMethodsOfReceipts() {
    return problem(405, "this address takes GET", HttpHeaders.ALLOW, "GET");
  }

  @RequestMapping(IN + "**")
  ResponseEntity<Problem> elsewhere() {
    return problem(404, "there is nothing at this address", null, "");
  }

  @ExceptionHandler
  ResponseEntity<Problem> refused(Problem.Refused refused) {
    return problem(refused.status, refused.detail, null, "");
  }

  /** Nothing was acknowledged: the sender still has it all. */
  @ExceptionHandler
  ResponseEntity<Problem> notTaken(NotTaken failure) {
    for (Throwable t = failure.getCause(); t != null; t = t.getCause()) {
      if (t instanceof DataAccessException
          || t instanceof TransactionException
          || t instanceof JMSException
          || t instanceof JmsException) {
        return away("store or queue", t);
      }
      if (t instanceof DirectConsumerNotAvailableException
          || t instanceof RejectedExecutionException) {
        return exchanged(new Exchanged());
      }
      if (t instanceof MappingException) {
        LOG.error("a request was not taken: {}", t.getMessage());
        return problem(
            503,
            "the mapping of this feed cannot be used; whoever runs the engine must mend it",
            HttpHeaders.RETRY_AFTER,
            Problem.WAIT);
      }
    }
    return failed((Exception) Objects.requireNonNull(failure.getCause()));
  }

  @ExceptionHandler
  ResponseEntity<Problem> exchanged(Exchanged moment) {
    return problem(
        503,
        "this feed is being exchanged; nothing was taken, send it again in a moment",
        HttpHeaders.RETRY_AFTER,
        Problem.WAIT);
  }

  @ExceptionHandler
  ResponseEntity<Problem> withoutStore(DataAccessException failure) {
    return away("store", failure);
  }

  private static ResponseEntity<Problem> away(String what, Throwable failure) {
    LOG.warn("a request found no {}: {}", what, failure.getClass().getSimpleName());
    return problem(
        503,
        "the " + what + " cannot be reached; nothing was taken, send it again later",
        HttpHeaders.RETRY_AFTER,
        Problem.WAIT);
  }

  /** Without the exception's message, which may quote a patient. */
  @ExceptionHandler
  ResponseEntity<Problem> failed(Exception failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    LOG.error(
        "a request failed: {} at {}",
        failure.getClass().getName(),
        trace.length == 0 ? "?" : trace[0]);
    return problem(500, "the request failed; the log says why", null, "");
  }

  private static boolean isJson(@Nullable String contentType) {
    String type = contentType == null ? "" : contentType.toLowerCase(Locale.ROOT);
    return type.equals("application/json") || type.startsWith("application/json;");
  }

  private static ResponseEntity<Problem> problem(
      int status, String detail, @Nullable String header, String value) {
    ResponseEntity.BodyBuilder answer =
        ResponseEntity.status(status).contentType(MediaType.parseMediaType(Problem.MEDIA_TYPE));
    if (header != null) {
      answer.header(header, value);
    }
    return answer.body(Problem.of(status, detail));
  }

  /** The feed's file is being taken up, and its route is not there for a moment. */
  static final class Exchanged extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Exchanged() {
      super("exchanged");
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
    FilterRegistrationBean<CallerFilter> inGuard(
        Doors doors,
        HttpFeeds feeds,
        @Value("${pmslink.push.largest-body:10MB}") DataSize largestBody) {
      return doors.guard(IN + "*", IN, largestBody, feeds, Problem::write);
    }
  }
}
