package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.ProducerTemplate;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.Fingerprint;
import org.pmslink.linking.KnownRows;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;

/**
 * Asks a PMS at once for somebody whom no feed has read yet: a patient who was registered a minute
 * ago. It only reads, beside the feed and never in its stead; whoever is picked is put on the
 * feed's own queue, so that the store has one writer as ever. What was asked for stands in no log.
 */
@Component
public class PmsLookUp implements DisposableBean {
  private static final Logger log = LoggerFactory.getLogger(PmsLookUp.class);

  /** Somebody waits before a screen. */
  private static final Duration LONGEST = Duration.ofSeconds(5);

  /** An office's server is not to be kept busy by whoever types. */
  private static final int MOST_A_MINUTE = 20;

  private static final int AT_ONCE = 4;
  private static final int MOST_FOUND = 25;
  private static final RecordStream PATIENTS = RecordStream.of(RecordType.PATIENTS);

  private final FeedReader reader;
  private final FeedStates states;
  private final FeedCursors cursors;
  private final KnownRows knownRows;
  private final Mappings mappings;
  private final PatientNormalizer normalizer;
  private final Practices practices;
  private final Runs runs;
  private final ProducerTemplate producer;
  private final Clock clock = Clock.systemUTC();
  private final ThreadPoolExecutor threads =
      new ThreadPoolExecutor(
          0,
          AT_ONCE,
          1,
          TimeUnit.MINUTES,
          new SynchronousQueue<>(),
          task -> {
            Thread thread = new Thread(task, "pms-look-up");
            thread.setDaemon(true);
            return thread;
          });

  private final Map<String, OptionalLong> counted = new ConcurrentHashMap<>();

  /** When each practice asked within the last minute; guarded by itself. */
  private final Map<String, Deque<Instant>> asked = new HashMap<>();

  PmsLookUp(
      FeedReader reader,
      FeedStates states,
      FeedCursors cursors,
      KnownRows knownRows,
      Mappings mappings,
      PatientNormalizer normalizer,
      Practices practices,
      Runs runs,
      ProducerTemplate producer) {
    this.reader = reader;
    this.states = states;
    this.cursors = cursors;
    this.knownRows = knownRows;
    this.mappings = mappings;
    this.normalizer = normalizer;
    this.practices = practices;
    this.runs = runs;
    this.producer = producer;
  }

  /** What came of asking one PMS. */
  public enum Outcome {
    /** It has answered. */
    ANSWERED,
    /** It cannot be asked for one patient by this; its feed reads it now instead. */
    READ_INSTEAD,
    /** It was asked too often within a minute, or by too many at once. */
    TOO_OFTEN,
    /** It has not answered within seconds. */
    TOO_SLOW,
    /** It cannot be reached, or refuses. */
    FAILED
  }

  /** Somebody whom the PMS has and the store has not, or not as they are now. */
  public record Found(String source, PatientRecord patient) {}

  /**
   * What came of asking one PMS.
   *
   * @param found those whom the store does not have as the PMS has them now
   */
  public record Asked(String feed, String source, Outcome outcome, List<Found> found) {}

  /** Whether a practice has a PMS that can be asked. */
  public boolean canAsk(String practice) {
    return !reader.definitions(practice).isEmpty();
  }

  /**
   * How many patients a feed's PMS has, for a load under way. It is asked once, beside whoever
   * wants to know: empty until it has answered, and when it cannot.
   */
  public OptionalLong howMany(String practice, String feed) {
    if (counted.putIfAbsent(feed, OptionalLong.empty()) == null) {
      reader.definitions(practice).stream()
          .filter(definition -> definition.getFeed().equals(feed))
          .forEach(this::count);
    }
    return counted.getOrDefault(feed, OptionalLong.empty());
  }

  private void count(FeedDefinition definition) {
    try {
      threads.execute(
          () -> {
            try {
              counted.put(definition.getFeed(), reader.protocol(definition).howMany(definition));
            } catch (RuntimeException e) {
              log.debug("feed {}: the PMS does not say how many it has", definition.getFeed());
            }
          });
    } catch (RejectedExecutionException e) {
      counted.remove(definition.getFeed());
    }
  }

  /** Whether that is enough to ask by: a last name, a birth date, or a chart's id. */
  public static boolean isEnough(Sought sought) {
    return sought.isEnough();
  }

  /** Asks every PMS of a practice that a feed reads. */
  public List<Asked> ask(String practice, Sought sought) {
    List<Asked> answers = new ArrayList<>();
    for (FeedDefinition definition : reader.definitions(practice)) {
      answers.add(ask(definition, sought));
    }
    return answers;
  }

  private Asked ask(FeedDefinition definition, Sought sought) {
    if (!isAllowed(definition.getPractice())) {
      return asked(definition, Outcome.TOO_OFTEN, List.of());
    }
    try {
      Optional<List<PmsProtocol.Row>> rows =
          within(() -> reader.protocol(definition).lookUp(definition, sought, MOST_FOUND));
      if (rows.isPresent()) {
        return asked(definition, Outcome.ANSWERED, unread(definition, sought, rows.get()));
      }
      states.askForPass(definition.getPractice(), definition.getFeed(), false);
      return asked(definition, Outcome.READ_INSTEAD, List.of());
    } catch (RejectedExecutionException e) {
      return asked(definition, Outcome.TOO_OFTEN, List.of());
    } catch (TimeoutException e) {
      return asked(definition, Outcome.TOO_SLOW, List.of());
    } catch (ExecutionException e) {
      // The category alone: what a database says of a value may be a patient's.
      PauseReason.Category category = PauseReason.of(e.getCause(), true).category();
      log.warn(
          "feed {}: the PMS could not be asked for a patient ({})", definition.getFeed(), category);
      return asked(
          definition,
          category == PauseReason.Category.TOO_SLOW ? Outcome.TOO_SLOW : Outcome.FAILED,
          List.of());
    }
  }

  private static Asked asked(FeedDefinition definition, Outcome outcome, List<Found> found) {
    return new Asked(definition.getFeed(), definition.getSource(), outcome, found);
  }

  private boolean isAllowed(String practice) {
    Instant now = clock.instant();
    synchronized (asked) {
      Deque<Instant> times = asked.computeIfAbsent(practice, p -> new ArrayDeque<>());
      while (!times.isEmpty() && times.peekFirst().isBefore(now.minusSeconds(60))) {
        times.removeFirst();
      }
      return times.size() < MOST_A_MINUTE && times.add(now);
    }
  }

  private <T> T within(Callable<T> question) throws ExecutionException, TimeoutException {
    Future<T> answer = threads.submit(question);
    try {
      return answer.get(LONGEST.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TimeoutException();
    } finally {
      answer.cancel(true);
    }
  }

  /** Those of the rows that are not in the store as they are, and that have all that was typed. */
  private List<Found> unread(FeedDefinition definition, Sought sought, List<PmsProtocol.Row> rows) {
    Map<String, Long> fingerprints = new HashMap<>();
    rows.forEach(row -> fingerprints.put(row.key(), Fingerprint.of(row.record())));
    Set<String> unchanged =
        knownRows
            .known(
                practices.id(definition.getPractice()),
                definition.getSource(),
                definition.getFeed(),
                PATIENTS,
                fingerprints)
            .unchanged();
    Mapping mapping = mappings.get(reader.mapping(definition, PATIENTS));
    List<Found> found = new ArrayList<>();
    for (PmsProtocol.Row row : rows) {
      if (!unchanged.contains(row.key())) {
        try {
          PatientRecord patient =
              normalizer.normalize(mapping.patient(row.record()), definition.getZone());
          if (sought.fits(patient)) {
            found.add(new Found(definition.getSource(), patient));
          }
        } catch (MappingException | InvalidRecordException e) {
          // Whom the mapping cannot handle becomes a dead letter when the feed reads them.
          log.debug("feed {}: a row that was looked up cannot be mapped", definition.getFeed());
        }
      }
    }
    return found;
  }

  /**
   * Has a chart taken in as the PMS has it now: it is read anew and put on the queue of its feed.
   *
   * @return the run that tells when it is in the store; empty when the PMS does not have it
   */
  public OptionalLong takeIn(String practice, String source, String id) {
    for (FeedDefinition definition : reader.definitions(practice)) {
      if (definition.getSource().equals(source)) {
        OptionalLong run = takeIn(definition, id);
        if (run.isPresent()) {
          return run;
        }
      }
    }
    return OptionalLong.empty();
  }

  private OptionalLong takeIn(FeedDefinition definition, String id) {
    // Before it is read: what the feed reads later is newer.
    long version = cursors.nextVersion();
    @Nullable JsonNode record;
    try {
      record =
          within(() -> reader.protocol(definition).lookUp(definition, Sought.ofId(id), 1))
              .orElse(List.of())
              .stream()
              .filter(row -> row.key().equals(id))
              .map(PmsProtocol.Row::record)
              .findFirst()
              .orElse(null);
    } catch (RejectedExecutionException | TimeoutException | ExecutionException e) {
      log.warn("feed {}: a chart could not be taken in", definition.getFeed());
      return OptionalLong.empty();
    }
    if (record == null) {
      return OptionalLong.empty();
    }
    int practice = practices.id(definition.getPractice());
    String feed = definition.getFeed();
    long run = runs.start(practice, feed, definition.getSource(), Runs.Kind.CHANGES);
    try {
      producer.requestBody(
          "direct:take-in",
          new OutgoingBatch(
              FeedReader.group(feed, id), batch(definition, practice, run, version, record)));
      runs.sent(practice, run, 1, 1);
      return OptionalLong.of(run);
    } finally {
      runs.readingDone(practice, run);
    }
  }

  private RecordBatch batch(
      FeedDefinition definition, int practice, long run, long version, JsonNode record) {
    return new RecordBatch(
        definition.getPractice(),
        definition.getSource(),
        definition.getFeed(),
        run,
        1,
        "",
        1,
        version,
        RecordType.PATIENTS,
        PATIENTS.name(),
        // A first load decides about everybody at its end.
        !cursors.find(practice, definition.getFeed(), PATIENTS.name()).loading(),
        reader.mapping(definition, PATIENTS),
        definition.getZone().getId(),
        definition.getOfficeZone().getId(),
        null,
        List.of(Objects.requireNonNull(record)));
  }

  @Override
  public void destroy() {
    threads.shutdownNow();
  }
}
