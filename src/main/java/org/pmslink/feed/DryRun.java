package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.camel.Endpoint;
import org.apache.camel.component.direct.DirectComponent;
import org.apache.camel.component.sql.SqlEndpoint;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.RoutesLoader;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.TrialDecisions;
import org.pmslink.linking.TrialDecisions.Outcome;
import org.pmslink.linking.TrialDecisions.Trial;
import org.pmslink.mapping.MappedSample;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.patient.SourceText;
import org.pmslink.practice.Practices;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/**
 * Reads a PMS as a feed's first load would, by the very route of its file, and delivers nothing: no
 * cursor moves, and there is no queue. The route runs in a Camel of its own, in which {@link
 * TrialReader} stands for the reader and nothing leads onto the queue. Works beside a running
 * engine and without one.
 */
@Component
public class DryRun {
  /** Ids of records that fail alike, to look at. */
  private static final int EXAMPLES = 3;

  /**
   * Charts that are decided about side by side; beyond them, two that claim one member go unseen.
   */
  private static final int SIDE_BY_SIDE = 20_000;

  /** The part of a template by which feeds that ask their PMS are known. */
  private static final String ASKS = "ref: feedReader";

  private static final Duration LOOK = Duration.ofMillis(200);

  private final Path routes;
  private final Environment environment;
  private final Mappings mappings;
  private final List<PmsProtocol> protocols;
  private final PmsTokens tokens;
  private final PmsHttpClient httpClient;
  private final PmsThrottle throttle;
  private final FeedStates states;
  private final Practices practices;
  private final TrialDecisions decisions;

  DryRun(
      @Value("${pmslink.routes-folder}") String routes,
      Environment environment,
      Mappings mappings,
      List<PmsProtocol> protocols,
      PmsTokens tokens,
      PmsHttpClient httpClient,
      PmsThrottle throttle,
      FeedStates states,
      Practices practices,
      TrialDecisions decisions) {
    this.routes = Path.of(routes);
    this.environment = environment;
    this.mappings = mappings;
    this.protocols = protocols;
    this.tokens = tokens;
    this.httpClient = httpClient;
    this.throttle = throttle;
    this.states = states;
    this.practices = practices;
    this.decisions = decisions;
  }

  /** Whether feeds of a route template ask their PMS, so that one can try what it would answer. */
  public static boolean isAsked(Path routes, String template) {
    try {
      return Files.readString(routes.resolve("templates").resolve(template + FeedFile.ENDING))
          .contains(ASKS);
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * What would come in. Counts, reasons and ids: nothing of a patient besides.
   *
   * @param known whether the practice is there, so that there are members to decide about
   */
  public record Report(
      String practice,
      boolean known,
      List<StreamCount> streams,
      List<Failing> failing,
      Map<QualityFlag, Long> flags,
      List<Ending> endings) {

    /** How many records of all streams were read. */
    public long read() {
      return streams.stream().mapToLong(StreamCount::read).sum();
    }

    /** How many decisions would end like this. */
    public long count(Outcome outcome) {
      return endings.stream().filter(e -> e.outcome() == outcome).mapToLong(Ending::count).sum();
    }
  }

  /** How much of a stream there is. */
  public record StreamCount(String stream, long read, long kept) {}

  /**
   * Records that would be dead letters for one reason.
   *
   * @param ids some of theirs
   */
  public record Failing(String stream, String reason, long count, List<String> ids) {}

  /** Decisions that would end alike. */
  public record Ending(Outcome outcome, String reason, long count) {}

  /** How far it is, for whoever waits, who may also have it stopped. */
  public interface Progress {
    void at(long read, long decided);

    boolean isStopped();
  }

  /**
   * Reads and decides.
   *
   * @param everything all that the feed reads, and not the patients alone
   * @return nothing when it was stopped
   * @throws FeedException when the feed is wrong, is not one that asks, or its PMS does not answer
   * @throws MappingException when a mapping is wrong
   */
  public @Nullable Report run(String feed, boolean everything, Progress progress)
      throws InterruptedException {
    Path path = routes.resolve("feeds").resolve(feed + FeedFile.ENDING);
    FeedFile file = FeedFile.read(path, routes.resolve("templates"));
    requireAsked(file);
    for (Map.Entry<String, String> parameter : file.parameters().entrySet()) {
      try {
        Placeholders.filledIn(environment, parameter.getValue());
      } catch (IllegalArgumentException e) {
        throw new FeedException(
            "the placeholder in \"" + parameter.getKey() + "\" is not set here");
      }
    }
    Tally tally = new Tally(progress);
    TrialReader reader =
        new TrialReader(
            mappings,
            protocols,
            type -> everything || type == RecordType.PATIENTS,
            tally::add,
            this::isUsedUp);
    try (DefaultCamelContext camel = new DefaultCamelContext()) {
      try {
        start(camel, file, path, reader);
        while (!reader.await(LOOK)) {
          if (progress.isStopped()) {
            reader.leaveOff();
          }
        }
      } finally {
        camel.stop();
        closeDatabases(camel);
      }
    } catch (IOException e) {
      throw new FeedException(path.getFileName() + ": cannot be read");
    }
    if (progress.isStopped()) {
      return null;
    }
    String problem = reader.problem();
    if (problem != null) {
      throw new FeedException(problem);
    }
    return tally.report();
  }

  private void requireAsked(FeedFile file) {
    if (isAsked(routes, file.template())) {
      return;
    }
    throw new FeedException(
        file.template().equals("csv-folder")
            ? "this feed reads dropped files; try one with \"pms-link csv check FILE --practice "
                + file.parameters().getOrDefault("practice", "NAME")
                + "\", which counts what would be linked"
            : "this feed is sent its records, so there is nothing to ask; try a sample with"
                + " \"pms-link map\"");
  }

  private boolean isUsedUp(FeedDefinition definition) {
    return states
        .find(definition.getPractice(), definition.getFeed())
        .filter(status -> status.callBudget() != null && status.calls() >= status.callBudget())
        .isPresent();
  }

  private void start(DefaultCamelContext camel, FeedFile file, Path path, TrialReader reader) {
    camel.disableJMX();
    camel.getPropertiesComponent().addPropertiesSource(Placeholders.settings(environment));
    camel.getShutdownStrategy().setTimeout(5);
    camel.getShutdownStrategy().setLogInflightExchangesOnTimeout(false);
    camel.getRegistry().bind("feedReader", reader);
    camel.getRegistry().bind("pmsTokens", tokens);
    camel.getRegistry().bind("pmsHttpClient", httpClient);
    camel.getRegistry().bind("pmsThrottle", throttle);
    camel.getRegistry().bind("failureLog", new FailureLog());
    // Where the queue would be there is nothing that takes anything.
    camel.addComponent("jms", new DirectComponent());
    try {
      RoutesLoader loader = PluginHelper.getRoutesLoader(camel);
      for (Path needed :
          List.of(
              routes.resolve("error-handling" + FeedFile.ENDING),
              routes.resolve("templates").resolve(file.template() + FeedFile.ENDING),
              path)) {
        loader.loadRoutes(
            ResourceHelper.fromString(needed.getFileName().toString(), Files.readString(needed)));
      }
      camel.start();
    } catch (Exception e) {
      throw new FeedException("does not start: " + FeedFiles.reason(e));
    }
  }

  /** Camel forgets the beans of a template without closing them. */
  private static void closeDatabases(DefaultCamelContext camel) {
    for (Endpoint endpoint : camel.getEndpoints()) {
      if (endpoint instanceof SqlEndpoint sql && sql.getDataSource() instanceof PmsDatabase pms) {
        pms.close();
      }
    }
  }

  /** What has come so far. */
  private final class Tally {
    private final Progress progress;
    private final Map<String, long[]> streams = new LinkedHashMap<>();
    private final Map<String, Failing> failing = new TreeMap<>();
    private final Map<QualityFlag, Long> flags = new EnumMap<>(QualityFlag.class);
    private final Map<String, Ending> endings = new TreeMap<>();
    private List<PatientRecord> undecided = new ArrayList<>();
    private String practice = "";
    private String source = "";
    private boolean known;
    private long read;
    private long decided;

    Tally(Progress progress) {
      this.progress = progress;
    }

    /** Called from the route's one thread. */
    void add(FeedPass pass, List<PmsProtocol.Row> rows) {
      FeedDefinition definition = pass.definition;
      if (practice.isEmpty()) {
        practice = definition.getPractice();
        source = definition.getSource();
        known = practices.names().contains(practice);
      }
      String stream = pass.stream().queryName();
      long[] counts = streams.computeIfAbsent(stream, s -> new long[2]);
      Mapping mapping = mappings.get(pass.place().mapping);
      for (PmsProtocol.Row row : rows) {
        counts[0]++;
        read++;
        try {
          keep(record(mapping, row.record(), definition));
          counts[1]++;
        } catch (MappingException | InvalidRecordException e) {
          fails(stream, String.valueOf(e.getMessage()), row.key());
        }
      }
      if (undecided.size() >= SIDE_BY_SIDE) {
        decide();
      }
      progress.at(read, decided);
    }

    private Object record(Mapping mapping, JsonNode raw, FeedDefinition definition) {
      Object record =
          MappedSample.record(mapping, raw, definition.getZone(), definition.getOfficeZone());
      if (record instanceof Mapping.SourceMerge merge
          && (SourceText.id("loser", merge.loser()) == null
              || SourceText.id("survivor", merge.survivor()) == null)) {
        throw new InvalidRecordException("a merge needs two charts");
      }
      return record;
    }

    private void keep(Object record) {
      if (record instanceof PatientRecord patient) {
        patient.qualityFlags().forEach(flag -> flags.merge(flag, 1L, Long::sum));
        if (known) {
          undecided.add(patient);
        }
      }
    }

    private void fails(String stream, String reason, String id) {
      failing.merge(
          stream + " " + reason,
          new Failing(stream, reason, 1, List.of(id)),
          (before, one) -> {
            List<String> ids = new ArrayList<>(before.ids());
            if (ids.size() < EXAMPLES) {
              ids.add(id);
            }
            return new Failing(stream, reason, before.count() + 1, ids);
          });
    }

    private void decide() {
      for (Trial trial : decisions.decide(practice, source, undecided)) {
        endings.merge(
            trial.outcome() + " " + trial.reason(),
            new Ending(trial.outcome(), trial.reason(), 1),
            (before, one) -> new Ending(before.outcome(), before.reason(), before.count() + 1));
      }
      decided += undecided.size();
      undecided = new ArrayList<>();
    }

    Report report() {
      if (!undecided.isEmpty()) {
        decide();
        progress.at(read, decided);
      }
      return new Report(
          practice,
          known,
          streams.entrySet().stream()
              .map(s -> new StreamCount(s.getKey(), s.getValue()[0], s.getValue()[1]))
              .toList(),
          List.copyOf(failing.values()),
          flags,
          List.copyOf(endings.values()));
    }
  }
}
