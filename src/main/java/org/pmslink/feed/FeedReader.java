package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedPass.Place;
import org.pmslink.feed.FeedPass.Step;
import org.pmslink.linking.Fingerprint;
import org.pmslink.linking.KnownRows;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mappings;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.progress.Runs.Kind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Reads a PMS, page by page, for the feed templates: says what to read next, turns rows into
 * messages, and moves the watermark once these are durably on the queue. How a kind of PMS is asked
 * is its {@link PmsProtocol}'s business.
 *
 * <p>A feed reads its streams one after the other: merges before the charts that they are about,
 * charts before what goes on around them. A first load of merges and charts comes before everything
 * else. After it, a pass reads what changed since the watermark less an overlap. The watermark is
 * the PMS server's clock at the beginning of the last complete pass, never a row's stamp and never
 * our clock:
 *
 * <ul>
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

  /** Messages that a page is spread over; all versions of a record go through the same one. */
  private static final int GROUPS = 4;

  /** Rows of small pages that go on together, in a load. */
  private static final int ENOUGH_ROWS = 2_000;

  private static final Duration LONGEST_GATHERING = Duration.ofSeconds(10);

  /** Clocks differ by seconds without anybody having set one. */
  private static final Duration CLOCK_NOISE = Duration.ofSeconds(5);

  /** A pass of changes that takes longer to be handled than this holds up the next no more. */
  private static final Duration LONGEST_WAIT_FOR_A_PASS = Duration.ofMinutes(15);

  private final FeedStates states;
  private final FeedCursors cursors;
  private final Practices practices;
  private final Runs runs;
  private final Mappings mappings;
  private final KnownRows knownRows;
  private final Map<String, PmsProtocol> protocols;
  private final Clock clock = Clock.systemUTC();

  /** Feeds that have begun to run, as their files say they are. */
  private final Map<String, FeedDefinition> definitions = new ConcurrentHashMap<>();

  /**
   * Feeds that begin no pass, because their file is being exchanged or their PMS is asked for a
   * trial, and how many such reasons there are.
   */
  private final Map<String, Integer> held = new HashMap<>();

  /** The newest pass of each feed; guarded, like {@link #held}, by the latter. */
  private final Map<String, FeedPass.Ending> newest = new HashMap<>();

  FeedReader(
      FeedStates states,
      FeedCursors cursors,
      Practices practices,
      Runs runs,
      Mappings mappings,
      KnownRows knownRows,
      List<PmsProtocol> protocols) {
    this.states = states;
    this.cursors = cursors;
    this.practices = practices;
    this.runs = runs;
    this.mappings = mappings;
    this.knownRows = knownRows;
    this.protocols =
        protocols.stream().collect(Collectors.toMap(PmsProtocol::name, Function.identity()));
  }

  /** Begins a pass; none when none is due. */
  public @Nullable FeedPass begin(FeedDefinition definition) {
    int practice = practices.id(definition.getPractice());
    String feed = definition.getFeed();
    FeedDefinition known = definitions.put(feed, definition);
    if (known == null || !known.getOfficeZone().equals(definition.getOfficeZone())) {
      states.register(definition);
    }
    FeedStates.Due due = states.due(practice, feed);
    if (due.onHold()) {
      return null;
    }
    boolean comparisonDue = isComparisonDue(definition, due);
    if (!isDue(definition, due, comparisonDue) || isStillHandled(practice, definition)) {
      return null;
    }
    PmsProtocol protocol = protocol(definition);
    List<Place> places = places(definition, practice, protocol);
    boolean firstLoad =
        places.stream()
            .anyMatch(p -> isLoadedFirst(p) && p.cursor.loading() && !p.cursor.withheld());
    FeedPass pass =
        new FeedPass(
            definition,
            protocol,
            practice,
            (comparisonDue || places.stream().anyMatch(FeedReader::haveIdsChanged)) && !firstLoad,
            firstLoad,
            clock.instant(),
            places.stream().filter(p -> !firstLoad || isLoadedFirst(p)).toList());
    synchronized (held) {
      if (held.containsKey(feed)) {
        return null;
      }
      newest.put(feed, pass.ending);
      return pass;
    }
  }

  /**
   * Lets a feed begin no pass, and has the one under way leave off after its page.
   *
   * @return whether the feed is at rest; {@link #release} must follow either way
   */
  boolean hold(String feed, Duration longest) throws InterruptedException {
    FeedPass.Ending underWay;
    synchronized (held) {
      held.merge(feed, 1, Integer::sum);
      underWay = newest.remove(feed);
    }
    return underWay == null || underWay.await(longest);
  }

  /** Lets a feed read again. */
  void release(String feed) {
    synchronized (held) {
      held.computeIfPresent(feed, (name, reasons) -> reasons == 1 ? null : reasons - 1);
    }
  }

  /** The feeds that read a practice's PMSs, by name. */
  List<FeedDefinition> definitions(String practice) {
    return definitions.values().stream()
        .filter(d -> d.getPractice().equals(practice) && d.isRead(RecordType.PATIENTS))
        .sorted(Comparator.comparing(FeedDefinition::getFeed))
        .toList();
  }

  /** The message group of a record; all its versions go through the same one. */
  static String group(String feed, String key) {
    return feed + "#" + Math.floorMod(key.hashCode(), GROUPS);
  }

  PmsProtocol protocol(FeedDefinition definition) {
    PmsProtocol protocol = protocols.get(definition.getProtocol());
    if (protocol == null) {
      throw new FeedException(
          "there is no protocol \""
              + definition.getProtocol()
              + "\"; known: "
              + protocols.keySet());
    }
    return protocol;
  }

  private List<Place> places(FeedDefinition definition, int practice, PmsProtocol protocol) {
    List<Place> places = new ArrayList<>();
    for (RecordStream stream : protocol.streams(definition)) {
      if (definition.isRead(stream.type())) {
        String mapping = mapping(definition, stream);
        places.add(
            new Place(
                stream,
                mapping,
                madeWith(definition, mapping, protocol.idsOf(definition, stream)),
                cursors.find(practice, definition.getFeed(), stream.name())));
      }
    }
    return places;
  }

  /** Links are decided once all charts are there; what goes on around them can wait for that. */
  private static boolean isLoadedFirst(Place place) {
    RecordType type = place.stream.type();
    return type == RecordType.PATIENTS || type == RecordType.MERGES;
  }

  String mapping(FeedDefinition definition, RecordStream stream) {
    return mappings.pathFor(
        definition.getMappings(),
        stream.mappingName(),
        RecordStream.of(stream.type()).mappingName());
  }

  /** What a row's record depends on besides the row. */
  private String madeWith(FeedDefinition definition, String mapping, String ids) {
    return String.join(
        " ",
        mappings.get(mapping).version(),
        definition.getZone().getId(),
        definition.getOfficeZone().getId(),
        String.valueOf(FeedReader.class.getPackage().getImplementationVersion()),
        ids);
  }

  /**
   * Whether a stream's records had other ids when they were read: then those that the store has
   * must go, and the same number may stand for something else now.
   */
  private static boolean haveIdsChanged(Place place) {
    String before = place.cursor.madeWith();
    return before != null
        && FeedPass.isComparable(place.stream)
        && !place.cursor.loading()
        && !place.cursor.withheld()
        && !idsIn(before).equals(idsIn(place.madeWith));
  }

  private static String idsIn(String madeWith) {
    return madeWith.substring(madeWith.lastIndexOf(' ') + 1);
  }

  private boolean isDue(FeedDefinition definition, FeedStates.Due due, boolean comparing) {
    Instant now = clock.instant();
    if (due.nextAttemptAt() != null && now.isBefore(due.nextAttemptAt())) {
      return false;
    }
    return due.lastPassAt() == null
        || due.nextAttemptAt() != null
        || due.syncAsked()
        || due.loading()
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
    ZonedDateTime now = clock.instant().atZone(definition.getOfficeZone());
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
    if (pass.rowsGathered() == 0) {
      // Rows that were read earlier have the earlier version: it never overwrites a newer one.
      pass.version = pass.step == Step.CLOCK ? 0 : cursors.nextVersion();
    }
    pass.asked = pass.step;
    pass.last = false;
    pass.asking = true;
    exchange.getMessage().removeHeaders("*");
    pass.protocol.ask(exchange, pass);
    pass.reading = pass.asking;
  }

  /** Turns the rows of a read into messages. */
  public List<OutgoingBatch> received(Exchange exchange, @ExchangeProperty("pass") FeedPass pass) {
    pass.reading = false;
    PmsProtocol.Answer answer = pass.protocol.answer(exchange, pass);
    exchange.getMessage().removeHeaders("*");
    return switch (pass.asked) {
      case CLOCK -> {
        clockRead(pass, Objects.requireNonNull(answer.clock()));
        yield List.of();
      }
      case MISSING -> missingConfirmed(pass, answer.existing());
      case RECORDS -> {
        pass.withheld = answer.withheld();
        pass.last |= answer.withheld();
        compareSoon(pass);
        pass.gather(answer.rows(), clock.instant());
        yield isGathering(pass, answer.rows()) ? List.of() : page(pass, pass.gathered());
      }
      case DONE -> throw new IllegalStateException("nothing was asked");
    };
  }

  /** A load that may lack records is followed by a comparison at once, and not in the night. */
  private void compareSoon(FeedPass pass) {
    if (pass.incomplete != null) {
      log.warn(
          "feed {}: {}; it is taken as it is, and all patients are compared after the load",
          pass.definition.getFeed(),
          pass.incomplete);
      states.askForPass(pass.definition.getPractice(), pass.definition.getFeed(), true);
      pass.incomplete = null;
    }
  }

  /**
   * Whether a load waits for the next page before it sends on what it has: a message costs much the
   * same whatever it holds, and some PMSs give pages of fifty and no longer ones. A page without
   * rows may be the end of something, and its place must be kept.
   */
  private boolean isGathering(FeedPass pass, List<PmsProtocol.Row> rows) {
    return pass.place().cursor.loading()
        && !pass.protocol.isPageSizeOurs()
        && !pass.last
        && !rows.isEmpty()
        && pass.rowsGathered() < ENOUGH_ROWS
        && !isLongerThan(LONGEST_GATHERING, pass.gatheredSince());
  }

  private boolean isLongerThan(Duration longest, @Nullable Instant since) {
    return since != null && since.plus(longest).isBefore(clock.instant());
  }

  private void clockRead(FeedPass pass, LocalDateTime serverClock) {
    pass.serverClock = serverClock;
    states.clockRead(
        pass.practice,
        pass.definition.getFeed(),
        Duration.between(pass.began, serverClock.atZone(pass.definition.getZone()).toInstant())
            .toSeconds(),
        pass.places.stream().noneMatch(p -> serverClock.equals(p.cursor.serverClock())));
    if (pass.firstLoad) {
      beginOrResumeLoad(pass, serverClock);
    } else {
      closeAbandoned(pass);
      if (pass.comparing) {
        startRun(pass, Kind.COMPARISON);
      }
    }
    enterNext(pass);
  }

  private void beginOrResumeLoad(FeedPass pass, LocalDateTime serverClock) {
    for (Place place : pass.places) {
      if (place.cursor.loading() && place.cursor.run() != null) {
        pass.run = place.cursor.run();
        pass.page = place.cursor.page();
        return;
      }
    }
    startRun(pass, Kind.FIRST_LOAD);
    pass.places.forEach(place -> loadBegins(pass, place, serverClock));
  }

  private void loadBegins(FeedPass pass, Place place, LocalDateTime serverClock) {
    String feed = pass.definition.getFeed();
    cursors.loadBegan(
        pass.practice,
        feed,
        place.stream.name(),
        pass.firstLoad ? pass.run : null,
        serverClock,
        pass.began,
        place.madeWith);
    place.cursor = cursors.find(pass.practice, feed, place.stream.name());
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

  /** Goes on to the next stream that there is something to read of. */
  private void enterNext(FeedPass pass) {
    pass.at++;
    if (pass.at == pass.places.size()) {
      finish(pass);
      return;
    }
    enter(pass, Step.RECORDS);
    Place place = pass.place();
    FeedCursors.Cursor cursor = place.cursor;
    if (pass.firstLoad && !cursor.loading()) {
      // A load that is resumed among its charts has read its merges.
      enterNext(pass);
    } else if (cursor.loading()) {
      if (cursor.watermark() == null) {
        loadBegins(pass, place, Objects.requireNonNull(pass.serverClock));
      }
      if (place.stream.type() == RecordType.DELETES) {
        // What was deleted before the first load is not in it.
        complete(pass);
        enterNext(pass);
        return;
      }
      pass.afterKey = cursor.afterKeyParts();
    } else if (pass.comparing && pass.protocol.canCompare(pass.definition, place.stream)) {
      place.comparison =
          new FeedComparison(
              knownRows,
              pass.practice,
              pass.definition.getSource(),
              place.stream,
              pass.protocol.questionSize(pass.definition, place.stream));
      place.comparison.begin();
    } else if (pass.protocol.isWithoutStamps(pass.definition, place.stream)) {
      enterNext(pass);
    } else {
      pass.since = since(pass, cursor);
    }
  }

  private static void enter(FeedPass pass, Step step) {
    pass.step = step;
    pass.first = true;
    pass.afterKey = List.of();
    pass.since = null;
    pass.inHand = null;
    pass.watermark = null;
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
            "feed {}: the PMS server's clock was set back by about {} s; reading that much further"
                + " back",
            pass.definition.getFeed(),
            setBack.toSeconds());
        from = from.minus(setBack);
      }
    }
    return from.minus(pass.definition.getOverlap());
  }

  private List<OutgoingBatch> page(FeedPass pass, List<PmsProtocol.Row> rows) {
    Map<String, JsonNode> records = new LinkedHashMap<>();
    rows.forEach(row -> records.put(row.key(), row.record()));
    Set<String> unchanged = unchanged(pass, records);
    List<List<JsonNode>> groups = new ArrayList<>();
    for (int i = 0; i < GROUPS; i++) {
      groups.add(new ArrayList<>());
    }
    records.forEach(
        (key, record) -> {
          if (!unchanged.contains(key)) {
            groups.get(Math.floorMod(key.hashCode(), GROUPS)).add(record);
          }
        });
    pass.unchanged += unchanged.size();
    return outgoing(pass, pass.stream().type(), groups);
  }

  /** Which of these rows need not be sent: the store has what they say. */
  private Set<String> unchanged(FeedPass pass, Map<String, JsonNode> records) {
    Place place = pass.place();
    if (!FeedPass.isComparable(place.stream) || (pass.firstLoad && place.cursor.loading())) {
      return Set.of();
    }
    Map<String, Long> fingerprints = new HashMap<>();
    records.forEach((key, record) -> fingerprints.put(key, Fingerprint.of(record)));
    KnownRows.Known known =
        knownRows.known(
            pass.practice,
            pass.definition.getSource(),
            pass.definition.getFeed(),
            place.stream,
            fingerprints);
    if (place.comparison != null) {
      place.comparison.seen(records.keySet(), known.present());
    }
    // With another mapping the same row may say something else.
    return place.madeWith.equals(place.cursor.madeWith()) ? known.unchanged() : Set.of();
  }

  private List<OutgoingBatch> outgoing(
      FeedPass pass, RecordType type, List<List<JsonNode>> groups) {
    List<OutgoingBatch> outgoing = new ArrayList<>();
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
      outgoing.add(
          new OutgoingBatch(pass.definition.getFeed() + "#" + group, batch(pass, type, records)));
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

  private static RecordBatch batch(FeedPass pass, RecordType type, List<JsonNode> records) {
    FeedDefinition definition = pass.definition;
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
        pass.stream().name(),
        !pass.firstLoad,
        pass.step == Step.MISSING ? null : pass.place().mapping,
        definition.getZone().getId(),
        definition.getOfficeZone().getId(),
        null,
        records);
  }

  private List<OutgoingBatch> missingConfirmed(FeedPass pass, List<String> existing) {
    List<JsonNode> gone =
        pass.comparison().gone(existing).stream().<JsonNode>map(TextNode::valueOf).toList();
    return outgoing(pass, RecordType.DELETES, List.of(gone));
  }

  /** The page is durably on the queue: only now the place moves on. */
  public void sent(@ExchangeProperty("pass") FeedPass pass) {
    if (states.isOnHold(pass.practice, pass.definition.getFeed())) {
      pass.ending.leaveOff();
    }
    if (pass.asked == Step.CLOCK || pass.rowsGathered() > 0) {
      return;
    }
    countUnchanged(pass);
    if (pass.run != null && pass.records > 0) {
      runs.sent(pass.practice, pass.run, pass.page, pass.records);
      pass.records = 0;
      if (pass.patients != null) {
        runs.expects(pass.practice, pass.run, pass.patients);
        pass.patients = null;
      }
    }
    if (pass.asked == Step.RECORDS && pass.place().cursor.loading()) {
      cursors.loaded(
          pass.practice,
          pass.definition.getFeed(),
          pass.stream().name(),
          pass.page,
          FeedCursors.afterKey(pass.afterKey));
    }
    if (pass.last) {
      next(pass);
    }
  }

  private void next(FeedPass pass) {
    if (pass.withheld) {
      // It stays where it is, and is asked for again in the next pass.
      pass.withheld = false;
      cursors.withheld(pass.practice, pass.definition.getFeed(), pass.stream().name());
    } else if (pass.asked == Step.RECORDS) {
      complete(pass);
      FeedComparison comparison = pass.place().comparison;
      if (comparison != null && comparison.end(pass.place().cursor.acceptedMissing())) {
        enter(pass, Step.MISSING);
        return;
      }
      if (comparison != null) {
        compared(pass, comparison);
      }
    } else {
      compared(pass, null);
    }
    enterNext(pass);
  }

  /**
   * Every row of a stream has been read, and what is gone was removed.
   *
   * @param doubtful the comparison that missed too much to be believed, so that nothing was removed
   */
  private void compared(FeedPass pass, @Nullable FeedComparison doubtful) {
    String feed = pass.definition.getFeed();
    String stream = pass.stream().name();
    String madeWith = pass.place().madeWith;
    if (doubtful == null) {
      cursors.compared(pass.practice, feed, stream, madeWith);
      return;
    }
    log.warn(
        "feed {}: {} of {} {} are missing in the PMS; none of them is removed",
        feed,
        doubtful.missing(),
        doubtful.stored(),
        pass.stream().queryName());
    cursors.comparedInVain(
        pass.practice, feed, stream, madeWith, doubtful.missing(), doubtful.stored());
  }

  private void complete(FeedPass pass) {
    LocalDateTime server = Objects.requireNonNull(pass.serverClock);
    FeedCursors.Cursor cursor = pass.place().cursor;
    // A load's watermark is the clock at its very beginning, even when it was resumed since.
    boolean load = cursor.loading();
    LocalDateTime loaded = pass.watermark == null ? cursor.watermark() : pass.watermark;
    cursors.complete(
        pass.practice,
        pass.definition.getFeed(),
        pass.stream().name(),
        load ? Objects.requireNonNull(loaded) : server,
        load && cursor.serverClock() != null ? cursor.serverClock() : server,
        load && cursor.ourClock() != null ? cursor.ourClock() : pass.began);
  }

  private void finish(FeedPass pass) {
    if (pass.run != null) {
      runs.readingDone(pass.practice, pass.run);
    }
    if (!pass.firstLoad) {
      // A stream that is read no more would be waited for, or a person be asked about it.
      cursors.forgetUnread(
          pass.practice,
          pass.definition.getFeed(),
          pass.places.stream().map(p -> p.stream.name()).toList());
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
    PauseReason reason = PauseReason.of(thrown, pass);
    if (pass != null) {
      pass.ending.reached();
    }
    log.warn("feed {} pauses: {} ({})", definition.getFeed(), reason.text(), reason.category());
    states.pause(practices.id(definition.getPractice()), definition.getFeed(), reason);
  }
}
