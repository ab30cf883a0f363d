package org.pmslink.feed;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedPass.Step;
import org.pmslink.linking.Fingerprint;
import org.pmslink.linking.KnownRows;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.mapping.Mappings;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.progress.Runs.Kind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Reads a PMS, page by page, for the feed templates: says what to read next, turns rows into
 * messages, and moves the watermark once these are durably on the queue.
 *
 * <p>A first load goes by key. After it, a pass reads what changed since the watermark less an
 * overlap, in the order of the change stamps. The watermark is the PMS server's clock at the
 * beginning of the last complete pass, never a row's stamp and never our clock:
 *
 * <ul>
 *   <li>rows with equal stamps are told apart by key;
 *   <li>rows that were stamped before and committed after a pass are within the overlap of the
 *       next;
 *   <li>when the server's clock has gained less than ours since the last pass, it was set back, and
 *       the pass begins that much earlier.
 * </ul>
 *
 * What an overlap reads again and has not changed is dropped by the match step at no cost. What
 * still slips through (a stamp that did not move, a row that was deleted) the nightly comparison of
 * the whole key set finds.
 */
@Component
public class FeedReader {
  private static final Logger log = LoggerFactory.getLogger(FeedReader.class);

  /** Messages that a page is spread over; all versions of a chart go through the same one. */
  private static final int GROUPS = 4;

  /** Clocks differ by seconds without anybody having set one. */
  private static final Duration CLOCK_NOISE = Duration.ofSeconds(5);

  /** There is nothing to ask the PMS. */
  private static final String NOTHING = "select 1 from (select 1) r where 1 = 0";

  /** A pass of changes that takes longer to be handled than this holds up the next no more. */
  private static final Duration LONGEST_WAIT_FOR_A_PASS = Duration.ofMinutes(15);

  private final FeedStates states;
  private final FeedCursors cursors;
  private final Practices practices;
  private final Runs runs;
  private final Mappings mappings;
  private final KnownRows knownRows;
  private final Clock clock = Clock.systemUTC();
  private final Set<String> registered = ConcurrentHashMap.newKeySet();

  FeedReader(
      FeedStates states,
      FeedCursors cursors,
      Practices practices,
      Runs runs,
      Mappings mappings,
      KnownRows knownRows) {
    this.states = states;
    this.cursors = cursors;
    this.practices = practices;
    this.runs = runs;
    this.mappings = mappings;
    this.knownRows = knownRows;
  }

  /** A message to send, with its group. */
  public record Outgoing(String group, RecordBatch batch) {

    /** The message body. */
    public byte[] toJson() throws JsonProcessingException {
      return batch.toJson();
    }
  }

  /** Begins a pass; none when none is due. */
  public @Nullable FeedPass begin(FeedDefinition definition) {
    int practice = practices.id(definition.getPractice());
    String feed = definition.getFeed();
    if (registered.add(feed)) {
      states.register(definition.getPractice(), feed, definition.getSource());
    }
    FeedStates.Due due = states.due(practice, feed);
    boolean comparing = isComparisonDue(definition, due);
    if (!isDue(definition, due, comparing) || isStillHandled(practice, definition)) {
      return null;
    }
    FeedCursors.Cursor mergeCursor = cursors.find(practice, feed, RecordType.MERGES.name());
    FeedCursors.Cursor patientCursor = cursors.find(practice, feed, RecordType.PATIENTS.name());
    boolean loading = mergeCursor.loading() || patientCursor.loading();
    return new FeedPass(
        definition,
        practice,
        comparing && !loading
            ? new FeedComparison(knownRows, practice, definition.getSource())
            : null,
        clock.instant(),
        SourceQuery.read(mappings.folder(), definition.getMappings() + "/merges.sql"),
        SourceQuery.read(mappings.folder(), definition.getMappings() + "/patients.sql"),
        mergeCursor,
        patientCursor);
  }

  private boolean isDue(FeedDefinition definition, FeedStates.Due due, boolean comparing) {
    Instant now = clock.instant();
    if (due.nextAttemptAt() != null && now.isBefore(due.nextAttemptAt())) {
      return false;
    }
    return due.lastPassAt() == null
        || due.nextAttemptAt() != null
        || due.syncAsked()
        || comparing
        || !now.isBefore(due.lastPassAt().plus(definition.getPoll()));
  }

  private boolean isComparisonDue(FeedDefinition definition, FeedStates.Due due) {
    if (due.compareAsked()) {
      return true;
    }
    Instant reference = due.lastCompareAt() != null ? due.lastCompareAt() : due.lastPassAt();
    if (reference == null) {
      return false;
    }
    ZonedDateTime now = clock.instant().atZone(definition.getCompareZone());
    ZonedDateTime today = now.with(definition.getCompareAt());
    ZonedDateTime latest = now.isBefore(today) ? today.minusDays(1) : today;
    return reference.isBefore(latest.toInstant());
  }

  /**
   * What the feed has read is still on its way. A pass that began now would only lengthen the
   * queue, and one after a first load would match against a practice that is not all there.
   */
  private boolean isStillHandled(int practice, FeedDefinition definition) {
    Instant recently = clock.instant().minus(LONGEST_WAIT_FOR_A_PASS);
    return runs.open(practice).stream()
        .filter(r -> r.feed().equals(definition.getFeed()) && r.readAt() != null)
        .anyMatch(r -> r.kind() == Kind.FIRST_LOAD || recently.isBefore(r.readAt()));
  }

  /** Sets body and headers of the exchange for the next read. */
  public void prepare(Exchange exchange, @ExchangeProperty("pass") FeedPass pass) {
    var message = exchange.getMessage();
    pass.version = pass.step == Step.CLOCK ? 0 : cursors.nextVersion();
    message.removeHeaders("*");
    message.setHeader("afterKey", pass.afterKey);
    message.setHeader("since", pass.since);
    if (pass.step == Step.MISSING) {
      List<String> doubtful = Objects.requireNonNull(pass.comparison).doubtful();
      pass.last = doubtful.isEmpty();
      message.setHeader("keys", doubtful);
      message.setBody(doubtful.isEmpty() ? NOTHING : pass.patients.existing());
    } else {
      message.setBody(nextRead(pass));
    }
    pass.reading = true;
  }

  private String nextRead(FeedPass pass) {
    int size = pass.definition.getPageSize();
    return switch (pass.step) {
      case CLOCK -> "select current_timestamp";
      case MERGES, PATIENTS ->
          byKey(pass)
              ? pass.query().page(pass.first && pass.afterKey == null, size)
              : pass.query().changes(pass.first, size);
      case MISSING, DONE -> throw new IllegalStateException("no page to read in " + pass.step);
    };
  }

  private static boolean byKey(FeedPass pass) {
    return pass.cursor().loading() || (pass.comparison != null && pass.step == Step.PATIENTS);
  }

  /** Turns the rows of a read into messages. */
  public List<Outgoing> received(
      Exchange exchange,
      @ExchangeProperty("pass") FeedPass pass,
      @Body List<Map<String, Object>> rows) {
    pass.reading = false;
    exchange.getMessage().removeHeaders("*");
    if (pass.step == Step.CLOCK) {
      LocalDateTime now = SourceRow.time(rows.get(0).values().iterator().next());
      clockRead(pass, now);
      return List.of();
    }
    if (pass.step == Step.MISSING) {
      return missingConfirmed(pass, rows);
    }
    return page(pass, rows);
  }

  private void clockRead(FeedPass pass, LocalDateTime serverClock) {
    pass.serverClock = serverClock;
    pass.madeWith = madeWith(pass.definition);
    if (pass.mergeCursor.loading() || pass.patientCursor.loading()) {
      beginOrResumeLoad(pass, serverClock);
    } else if (pass.comparison != null) {
      closeAbandoned(pass);
      startRun(pass, Kind.COMPARISON);
      pass.comparison.begin();
    } else {
      closeAbandoned(pass);
    }
    enter(pass, Step.MERGES);
  }

  /** What a row's record depends on besides the row. */
  private String madeWith(FeedDefinition definition) {
    return String.join(
        " ",
        mappings.get(patientMapping(definition)).version(),
        definition.getZone().getId(),
        String.valueOf(FeedReader.class.getPackage().getImplementationVersion()));
  }

  private static String patientMapping(FeedDefinition definition) {
    return definition.getMappings() + "/patient.jslt";
  }

  private void beginOrResumeLoad(FeedPass pass, LocalDateTime serverClock) {
    FeedCursors.Cursor place = pass.mergeCursor.loading() ? pass.mergeCursor : pass.patientCursor;
    if (place.run() != null) {
      pass.run = place.run();
      pass.page = place.page();
      return;
    }
    startRun(pass, Kind.FIRST_LOAD);
    String feed = pass.definition.getFeed();
    cursors.loadBegan(
        pass.practice,
        feed,
        Objects.requireNonNull(pass.run),
        serverClock,
        pass.began,
        pass.madeWith);
    pass.mergeCursor = cursors.find(pass.practice, feed, RecordType.MERGES.name());
    pass.patientCursor = cursors.find(pass.practice, feed, RecordType.PATIENTS.name());
  }

  /** A pass that a crash cut short never reads on; what it sent still counts to its end. */
  private void closeAbandoned(FeedPass pass) {
    for (Runs.Run run : runs.open(pass.practice)) {
      if (run.feed().equals(pass.definition.getFeed()) && run.readAt() == null) {
        runs.readingDone(pass.practice, run.id());
      }
    }
  }

  private void startRun(FeedPass pass, Kind kind) {
    pass.run =
        runs.start(pass.practice, pass.definition.getFeed(), pass.definition.getSource(), kind);
  }

  private void enter(FeedPass pass, Step step) {
    pass.step = step;
    pass.first = true;
    pass.last = false;
    pass.afterKey = null;
    pass.since = null;
    if (step == Step.MERGES && pass.patientCursor.loading() && !pass.mergeCursor.loading()) {
      // A load that is resumed among its patients has read its merges.
      enter(pass, Step.PATIENTS);
      return;
    }
    if (step != Step.MERGES && step != Step.PATIENTS) {
      return;
    }
    FeedCursors.Cursor cursor = pass.cursor();
    if (cursor.loading()) {
      pass.afterKey = key(cursor.afterKey());
    } else if (!byKey(pass)) {
      pass.since = SourceRow.stamp(since(pass, cursor));
    }
  }

  private static @Nullable Object key(@Nullable String stored) {
    return stored != null && stored.matches("\\d{1,18}") ? (Object) Long.valueOf(stored) : stored;
  }

  private LocalDateTime since(FeedPass pass, FeedCursors.Cursor cursor) {
    LocalDateTime server = Objects.requireNonNull(pass.serverClock);
    LocalDateTime watermark = Objects.requireNonNull(cursor.watermark());
    LocalDateTime from = watermark.isBefore(server) ? watermark : server;
    if (cursor.serverClock() != null && cursor.ourClock() != null) {
      Duration ours = Duration.between(cursor.ourClock(), pass.began);
      Duration theirs = Duration.between(cursor.serverClock(), server);
      Duration setBack = ours.minus(theirs);
      if (setBack.compareTo(CLOCK_NOISE) > 0) {
        log.warn(
            "feed {}: the PMS server's clock was set back by about {} s; reading that much further back",
            pass.definition.getFeed(),
            setBack.toSeconds());
        from = from.minus(setBack);
      }
    }
    return from.minus(pass.definition.getOverlap());
  }

  private List<Outgoing> page(FeedPass pass, List<Map<String, Object>> rows) {
    SourceQuery query = pass.query();
    pass.last = rows.size() < pass.definition.getPageSize();
    List<List<JsonNode>> groups = new ArrayList<>();
    for (int i = 0; i < GROUPS; i++) {
      groups.add(new ArrayList<>());
    }
    Map<String, JsonNode> records = new LinkedHashMap<>();
    for (Map<String, Object> row : rows) {
      records.put(String.valueOf(SourceRow.value(row, query.key())), SourceRow.json(row));
    }
    Set<String> unchanged = pass.step == Step.PATIENTS ? unchanged(pass, records) : Set.of();
    records.forEach(
        (key, record) -> {
          if (!unchanged.contains(key)) {
            groups.get(Math.floorMod(key.hashCode(), GROUPS)).add(record);
          }
        });
    pass.unchanged += unchanged.size();
    if (!rows.isEmpty()) {
      Map<String, Object> lastRow = rows.get(rows.size() - 1);
      pass.afterKey = SourceRow.value(lastRow, query.key());
      if (!byKey(pass)) {
        pass.since = SourceRow.stamp(SourceRow.time(SourceRow.value(lastRow, query.changed())));
      }
      pass.first = false;
    }
    return outgoing(pass, groups);
  }

  /** Which of these rows need not be sent: the store has what they say. */
  private Set<String> unchanged(FeedPass pass, Map<String, JsonNode> records) {
    if (pass.patientCursor.loading()) {
      return Set.of();
    }
    Map<String, Long> fingerprints = new HashMap<>();
    records.forEach((key, record) -> fingerprints.put(key, Fingerprint.of(record)));
    KnownRows.Known known =
        knownRows.charts(
            pass.practice, pass.definition.getSource(), pass.definition.getFeed(), fingerprints);
    if (pass.comparison != null) {
      pass.comparison.seen(records.keySet(), known.present().size());
    }
    // With another mapping the same row may say something else.
    return pass.madeWith.equals(pass.patientCursor.madeWith()) ? known.unchanged() : Set.of();
  }

  private List<Outgoing> outgoing(FeedPass pass, List<List<JsonNode>> groups) {
    List<Outgoing> outgoing = new ArrayList<>();
    pass.records = 0;
    for (int group = 0; group < groups.size(); group++) {
      List<JsonNode> records = groups.get(group);
      if (records.isEmpty()) {
        continue;
      }
      if (pass.run == null) {
        startRun(pass, Kind.CHANGES);
      }
      pass.records += records.size();
      pass.page++;
      outgoing.add(new Outgoing(pass.definition.getFeed() + "#" + group, batch(pass, records)));
    }
    return outgoing;
  }

  /** Rows that were not sent count as a page of their own. */
  private void countUnchanged(FeedPass pass) {
    if (pass.run == null || pass.unchanged == 0) {
      return;
    }
    pass.page++;
    runs.record(Runs.PageOutcome.ofUnchanged(pass.practice, pass.run, pass.page, pass.unchanged));
    pass.records += pass.unchanged;
    pass.unchanged = 0;
  }

  private RecordBatch batch(FeedPass pass, List<JsonNode> records) {
    FeedDefinition definition = pass.definition;
    RecordType type = pass.recordType();
    return new RecordBatch(
        definition.getPractice(),
        definition.getSource(),
        definition.getFeed(),
        pass.run,
        pass.page,
        "",
        records.size(),
        pass.version,
        type,
        !pass.patientCursor.loading(),
        type == RecordType.MERGES
            ? definition.getMappings() + "/merge.jslt"
            : patientMapping(definition),
        definition.getZone().getId(),
        null,
        records);
  }

  private List<Outgoing> missingConfirmed(FeedPass pass, List<Map<String, Object>> rows) {
    List<String> found =
        rows.stream().map(row -> String.valueOf(row.values().iterator().next())).toList();
    List<JsonNode> gone =
        Objects.requireNonNull(pass.comparison).gone(found).stream()
            .<JsonNode>map(TextNode::valueOf)
            .toList();
    return outgoing(pass, List.of(gone));
  }

  /** The page is durably on the queue: only now the place moves on. */
  public void sent(@ExchangeProperty("pass") FeedPass pass) {
    if (pass.step == Step.MERGES && pass.serverClock != null && pass.first && !pass.last) {
      return; // the clock was read, and nothing has been sent yet
    }
    countUnchanged(pass);
    if (pass.run != null && pass.records > 0) {
      runs.sent(pass.practice, pass.run, pass.page, pass.records);
      pass.records = 0;
    }
    if (isLoad(pass)) {
      cursors.loaded(
          pass.practice,
          pass.definition.getFeed(),
          pass.recordType().name(),
          pass.page,
          pass.afterKey);
    }
    if (pass.last) {
      next(pass);
    }
  }

  private static boolean isLoad(FeedPass pass) {
    return (pass.step == Step.MERGES || pass.step == Step.PATIENTS) && pass.cursor().loading();
  }

  private void next(FeedPass pass) {
    if (pass.step == Step.MERGES) {
      complete(pass, pass.mergeCursor);
      enter(pass, Step.PATIENTS);
      return;
    }
    if (pass.step == Step.PATIENTS) {
      complete(pass, pass.patientCursor);
      if (pass.comparison != null) {
        pass.comparison.end();
        enter(pass, Step.MISSING);
        return;
      }
    }
    finish(pass);
  }

  private void complete(FeedPass pass, FeedCursors.Cursor cursor) {
    LocalDateTime server = Objects.requireNonNull(pass.serverClock);
    // A load's watermark is the clock at its very beginning, even when it was resumed since.
    boolean load = cursor.loading();
    cursors.complete(
        pass.practice,
        pass.definition.getFeed(),
        pass.recordType().name(),
        load ? Objects.requireNonNull(cursor.watermark()) : server,
        load && cursor.serverClock() != null ? cursor.serverClock() : server,
        load && cursor.ourClock() != null ? cursor.ourClock() : pass.began);
  }

  private void finish(FeedPass pass) {
    if (pass.run != null) {
      runs.readingDone(pass.practice, pass.run);
    }
    if (pass.comparison != null) {
      cursors.madeWith(
          pass.practice, pass.definition.getFeed(), RecordType.PATIENTS.name(), pass.madeWith);
    }
    states.passed(pass.practice, pass.definition.getFeed(), pass.comparison != null, pass.began);
    pass.step = Step.DONE;
  }

  /** Pauses the feed after whatever went wrong, with the reason. */
  public void failed(
      Exchange exchange,
      @ExchangeProperty("definition") FeedDefinition definition,
      @ExchangeProperty("pass") @Nullable FeedPass pass) {
    Throwable thrown = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
    PauseReason reason = PauseReason.of(thrown, pass != null && pass.reading);
    log.warn("feed {} pauses: {} ({})", definition.getFeed(), reason.text(), reason.category());
    states.pause(practices.id(definition.getPractice()), definition.getFeed(), reason);
  }
}
