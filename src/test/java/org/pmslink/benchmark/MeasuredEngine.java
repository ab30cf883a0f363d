package org.pmslink.benchmark;

import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.pmslink.PmsLink;
import org.pmslink.cli.PassWatch;
import org.pmslink.feed.FeedStates;
import org.pmslink.membership.Members;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.progress.Runs.Kind;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;

/** The product in a JVM of its own that measures itself; started by {@link LoadBenchmark}. */
final class MeasuredEngine {
  private static final Duration LONGEST = Duration.ofHours(6);

  private MeasuredEngine() {}

  /**
   * {@code FOLDER SETTING...}; see {@link LoadBenchmark} for what the folder holds. Measures two
   * passes over an empty store, or how long an engine takes to start on one that has been filled.
   */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    if (Files.exists(LoadBenchmark.figures(folder))) {
      restart(folder, List.of(args).subList(1, args.length).toArray(String[]::new));
    } else {
      load(args, folder);
    }
    System.exit(0);
  }

  private static void restart(Path folder, String[] settings) throws IOException {
    try (ConfigurableApplicationContext engine =
        new SpringApplicationBuilder(PmsLink.class).web(WebApplicationType.NONE).run(settings)) {
      double seconds = ManagementFactory.getRuntimeMXBean().getUptime() / 1000.0;
      ObjectMapper json = new ObjectMapper();
      Figures figures = json.readValue(LoadBenchmark.figures(folder).toFile(), Figures.class);
      json.writeValue(LoadBenchmark.figures(folder).toFile(), figures.withRestart(seconds));
    }
  }

  private static void load(String[] args, Path folder) throws Exception {
    String[] settings = List.of(args).subList(1, args.length).toArray(String[]::new);
    Instant began = Instant.now();
    try (SelfMeter meter =
            new SelfMeter(
                LoadBenchmark.FEED,
                LoadBenchmark.data(folder).resolve("postgres").resolve("postmaster.pid"),
                LoadBenchmark.pms(folder).resolve("mariadbd.pid"));
        ConfigurableApplicationContext engine =
            new SpringApplicationBuilder(PmsLink.class)
                .web(WebApplicationType.NONE)
                .listeners(
                    // The members are there, and the clock runs, before the first feed starts.
                    (ApplicationStartedEvent started) -> {
                      addMembers(started.getApplicationContext(), folder);
                      Statements.forget(started.getApplicationContext());
                      meter.begin();
                    })
                .run(settings)) {
      Figures.Pass load = pass(engine, meter, began, Kind.FIRST_LOAD);
      Instant asked = Instant.now();
      Statements.forget(engine);
      meter.begin();
      engine.getBean(FeedStates.class).askForPass(LoadBenchmark.PRACTICE, LoadBenchmark.FEED, true);
      Figures.Pass comparison = pass(engine, meter, asked, Kind.COMPARISON);
      Long links =
          engine
              .getBean(JdbcTemplate.class)
              .queryForObject("select count(*) from links where ended_at is null", Long.class);
      new ObjectMapper()
          .writeValue(
              LoadBenchmark.figures(folder).toFile(),
              new Figures(
                  load,
                  comparison,
                  links == null ? 0 : links,
                  meter.peakHeap(),
                  meter.peakLive(),
                  0));
    }
  }

  private static Figures.Pass pass(
      ConfigurableApplicationContext engine, SelfMeter meter, Instant after, Kind kind)
      throws InterruptedException {
    PassWatch.Result result =
        engine.getBean(PassWatch.class).awaitPass(LoadBenchmark.FEED, after, LONGEST, System.out);
    if (!result.done()) {
      throw new IllegalStateException(result.reason());
    }
    var cpu = meter.end();
    JdbcTemplate store = engine.getBean(JdbcTemplate.class);
    boolean settled = PassWatch.await(() -> isSettled(store), Duration.ofMinutes(30));
    Instant quiet = Instant.now();
    if (!settled) {
      throw new IllegalStateException("decisions still wait half an hour after the pass");
    }
    Runs runs = engine.getBean(Runs.class);
    int practice = engine.getBean(Practices.class).id(LoadBenchmark.PRACTICE);
    Runs.Run run = runs.newest(practice, LoadBenchmark.FEED, kind).orElseThrow();
    Instant finished = run.finishedAt() == null ? quiet : run.finishedAt();
    return new Figures.Pass(
        runs.totals(practice, run.id()).read(),
        seconds(run.startedAt(), finished),
        seconds(run.startedAt(), quiet),
        cpu,
        Statements.costliest(engine));
  }

  private static boolean isSettled(JdbcTemplate store) {
    Long waiting =
        store.queryForObject(
            """
            select (select count(*) from decisions where stale_since is not null)
                 + (select count(*) from members where matched_version < version)
                 + (select count(*) from chart_merges where follow_asked_at is not null)\
            """,
            Long.class);
    return waiting != null && waiting == 0;
  }

  private static double seconds(Instant from, Instant to) {
    return Duration.between(from, to).toMillis() / 1000.0;
  }

  private static void addMembers(ConfigurableApplicationContext engine, Path folder) {
    Members members = engine.getBean(Members.class);
    List<Members.NewMember> page = new ArrayList<>();
    try (MappingIterator<Members.NewMember> all =
        RecordJson.mapper()
            .readerFor(Members.NewMember.class)
            .readValues(LoadBenchmark.members(folder).toFile())) {
      while (all.hasNext()) {
        page.add(all.next());
        if (page.size() == 500 || !all.hasNext()) {
          members.add(LoadBenchmark.PRACTICE, page);
          page.clear();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
