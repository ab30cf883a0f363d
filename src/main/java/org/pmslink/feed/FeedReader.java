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

  /** More charts gone than this share of all is rather a wrong database than a busy office. */
  private static final double BELIEVABLE_MISSING_SHARE = 0.2;

  private static final int BELIEVABLE_MISSING = 20;
  private static final int MISSING_PAGE = 500;

  /** A pass of changes that takes longer to be handled than this holds up the next no more. */
  private static final Duration LONGEST_WAIT_FOR_A_PASS = Duration.ofMinutes(15);

  private final FeedStates states;
  private final FeedCursors cursors;
  private final Practices practices;
  private final Runs runs;
  private final Mappings mappings;
  private final Clock clock = Clock.systemUTC();
  private final Set<String> registered = ConcurrentHashMap.newKeySet();

  FeedReader(
      FeedStates states, FeedCursors cursors, Practices practices, Runs runs, Mappings mappings) {
    this.states = states;
    this.cursors = cursors;
    this.practices = practices;
    this.runs = runs;
    this.mappings = mappings;
  }

  /** A message to send, with its group. */
  public record Outgoing(String group, RecordBatch batch) {

    /** The message body. */
    public byte[] toJson() throws JsonProcessingException {
      return batch.toJson();
    }
  }

  /** Begins a pass, or one that is over at once when none is due. */
  public FeedPass begin(FeedDefinition definition) {
    int practice = practices.id(definition.getPractice());
    if (registered.add(definition.getFeed())) {
      states.register(definition.getPractice(), definition.getFeed(), definition.getSource());
    }
    FeedStates.Due due = states.due(practice, definition.getFeed());
    boolean comparing = isComparisonDue(definition, due);
    boolean ready = isDue(definition, due, comparing) && !isStillHandled(practice, definition);
    FeedCursors.Cursor mergeCursor =
        cursors.find(practice, definition.getFeed(), RecordType.MERGES.name());
    FeedCursors.Cursor patientCursor =
        cursors.find(practice, definition.getFeed(), RecordType.PATIENTS.name());
    boolean loading = mergeCursor.loading() || patientCursor.loading();
    return new FeedPass(
        definition,
        practice,
        comparing && !loading,
        clock.instant(),
        SourceQuery.read(mappings.folder(), definition.getMappings() + "/merges.sql"),
        SourceQuery.read(mappings.folder(), definition.getMappings() + "/patients.sql"),
        mergeCursor,
        patientCursor,
        ready ? Step.CLOCK : Step.DONE);
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
    message.setBody(nextRead(pass));
    if (pass.step == Step.MISSING) {
      message.setHeader("keys", pass.missing);
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
      case MISSING -> missingRead(pass);
      case DONE -> throw new IllegalStateException("a pass that is over reads nothing");
    };
  }

  private static boolean byKey(FeedPass pass) {
    return pass.cursor().loading() || (pass.comparing && pass.step == Step.PATIENTS);
  }

  private String missingRead(FeedPass pass) {
    long run = Objects.requireNonNull(pass.run);
    pass.missing =
        cursors.missing(
            pass.practice,
            pass.definition.getSource(),
            run,
            pass.comparisonBegan,
            pass.missingAfter,
            MISSING_PAGE);
    return pass.missing.isEmpty()
        ? "select 1 from (select 1) r where 1 = 0"
        : pass.patients.existing();
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
    if (pass.mergeCursor.loading() || pass.patientCursor.loading()) {
      beginOrResumeLoad(pass, serverClock);
    } else if (pass.comparing) {
      closeAbandoned(pass);
      startRun(pass, Kind.COMPARISON);
      pass.comparisonBegan = cursors.nextVersion();
    } else {
      closeAbandoned(pass);
    }
    enter(pass, Step.MERGES);
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
        pass.practice, feed, Objects.requireNonNull(pass.run), serverClock, pass.began);
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
    List<String> keys = new ArrayList<>();
    for (Map<String, Object> row : rows) {
      Object key = SourceRow.value(row, query.key());
      String text = String.valueOf(key);
      keys.add(text);
      groups.get(Math.floorMod(text.hashCode(), GROUPS)).add(SourceRow.json(row));
    }
    if (!rows.isEmpty()) {
      Map<String, Object> lastRow = rows.get(rows.size() - 1);
      pass.afterKey = SourceRow.value(lastRow, query.key());
      if (!byKey(pass)) {
        pass.since = SourceRow.stamp(SourceRow.time(SourceRow.value(lastRow, query.changed())));
      }
      pass.first = false;
    }
    if (pass.comparing && pass.step == Step.PATIENTS) {
      cursors.seen(pass.practice, Objects.requireNonNull(pass.run), keys);
    }
    return outgoing(pass, groups);
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
        definition.getMappings() + (type == RecordType.MERGES ? "/merge.jslt" : "/patient.jslt"),
        definition.getZone().getId(),
        null,
        records);
  }

  private List<Outgoing> missingConfirmed(FeedPass pass, List<Map<String, Object>> rows) {
    List<String> found =
        rows.stream().map(row -> String.valueOf(row.values().iterator().next())).toList();
    pass.last = pass.missing.isEmpty();
    if (!pass.missing.isEmpty()) {
      pass.missingAfter = pass.missing.get(pass.missing.size() - 1);
    }
    List<JsonNode> gone =
        pass.missing.stream()
            .filter(id -> !found.contains(id))
            .<JsonNode>map(TextNode::valueOf)
            .toList();
    return outgoing(pass, List.of(gone));
  }

  /** The page is durably on the queue: only now the place moves on. */
  public void sent(@ExchangeProperty("pass") FeedPass pass) {
    if (pass.step == Step.MERGES && pass.serverClock != null && pass.first && !pass.last) {
      return; // the clock was read, and nothing has been sent yet
    }
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
      if (pass.comparing) {
        refuseUnbelievable(pass);
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

  private void refuseUnbelievable(FeedPass pass) {
    long[] count =
        cursors.countMissing(
            pass.practice,
            pass.definition.getSource(),
            Objects.requireNonNull(pass.run),
            pass.comparisonBegan);
    if (count[0] > BELIEVABLE_MISSING && count[0] > count[1] * BELIEVABLE_MISSING_SHARE) {
      throw new PauseReason.ManyMissing(count[0], count[1]);
    }
  }

  private void finish(FeedPass pass) {
    if (pass.run != null) {
      runs.readingDone(pass.practice, pass.run);
    }
    if (pass.comparing) {
      cursors.forgetSeen(pass.practice, pass.definition.getFeed());
    }
    states.passed(pass.practice, pass.definition.getFeed(), pass.comparing, pass.began);
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
