package org.pmslink.crash;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.jms.Connection;
import jakarta.jms.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.pmslink.PmsLink;
import org.pmslink.embedded.DataFolder;
import org.pmslink.embedded.EmbeddedBroker;
import org.pmslink.feed.ChartsAsRead;
import org.pmslink.feed.FeedStates;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.Mappings;
import org.pmslink.membership.Members;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.PracticeGenerator;
import org.pmslink.sample.PracticeSimulator;
import org.pmslink.sample.StoreAgainstTruth;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.FileSystemUtils;

/**
 * The engine is killed with SIGKILL at random moments while a practice is loaded and its office
 * goes on working. Afterwards the store must say what the PMS says, and be right about who is who.
 *
 * <pre>
 * mvn verify -Dtest=CrashTest -Dcrash.kills=100 -Dcrash.patients=20000
 * </pre>
 *
 * {@code -Dcrash.seed=N} repeats the same moments, as far as two runs can be alike.
 */
class CrashTest {
  private static final String PRACTICE = "bright-smiles";
  private static final String FEED = "bright-smiles";
  private static final int KILLS = Integer.getInteger("crash.kills", 5);
  private static final int PATIENTS = Integer.getInteger("crash.patients", 20_000);
  private static final int MEMBERS = Integer.getInteger("crash.members", PATIENTS / 4);
  private static final long SEED = Long.getLong("crash.seed", 772_039);

  private static final Path FOLDER = Path.of("target", "crash");
  private static final Path DATA = FOLDER.resolve("data");
  private static final Path ROUTES = FOLDER.resolve("routes");
  private static final Path MAPPINGS = Path.of("mappings");
  private static final Path PMS = FOLDER.resolve("open-dental");
  private static final Duration LONGEST_FINISH =
      Duration.ofMinutes(4).plus(Duration.ofMillis(PATIENTS));

  private static final List<String> SETTINGS =
      List.of(
          "--pmslink.data-folder=" + DATA,
          "--pmslink.programs-folder=" + Path.of("target", "postgres-programs"),
          "--pmslink.routes-folder=" + ROUTES,
          "--pmslink.mappings-folder=" + MAPPINGS,
          "--spring.main.web-application-type=none");

  private final Instant began = Instant.now();

  @Test
  void losesNothingAndDoesNothingTwiceHoweverOftenTheEngineIsKilled() throws Exception {
    say("seed %d, %d kills, %,d patients, %,d members", SEED, KILLS, PATIENTS, MEMBERS);
    OpenDentalServer.stopLeftOver(PMS);
    FileSystemUtils.deleteRecursively(FOLDER);
    copyRoutes();
    try (OpenDentalServer pms = OpenDentalServer.start(PMS, 0)) {
      List<Members.NewMember> members = new ArrayList<>();
      PracticeGenerator.fill(
          pms,
          new PracticeGenerator.Size(PATIENTS, MEMBERS, SEED, false),
          (number, person) -> members.add(new Members.NewMember(number, person)));
      addMembers(members);
      copyFeed();
      say("the practice and its members are there");
      try (KillableEngine engine =
          new KillableEngine(DATA, Files.createFile(FOLDER.resolve("engine.log")), SETTINGS)) {
        try {
          killWhileTheOfficeWorks(engine, pms);
          engine.start(environment(pms, "PT1H"));
          engine.awaitRunning();
          finishAndCompare(pms);
        } catch (ConditionTimeoutException e) {
          throw new AssertionError("The engine's last words:\n" + engine.lastWords(), e);
        }
        engine.stop();
      }
      assertThat(messagesLeft()).as("messages left on the queues").isEqualTo(noMessages());
      say("done");
    }
  }

  private void killWhileTheOfficeWorks(KillableEngine engine, OpenDentalServer pms)
      throws Exception {
    Random random = new Random(SEED);
    CountDownLatch closing = new CountDownLatch(1);
    ExecutorService office = Executors.newSingleThreadExecutor();
    Future<Integer> changes = office.submit(() -> work(new PracticeSimulator(pms, SEED), closing));
    boolean loaded = false;
    try {
      for (int kill = 1; kill <= KILLS; kill++) {
        engine.start(environment(pms, "PT1S"));
        // Recovery has to survive a kill as well as work has.
        boolean starting = random.nextInt(5) == 0;
        if (!starting) {
          engine.awaitRunning();
        }
        if (!starting && !loaded && kill > KILLS / 2) {
          awaitLoad();
          loaded = true;
          say("the first load is decided; from here on the kills meet changes");
        }
        // The first load takes a few seconds only: the first kills must not miss it.
        int pause = 300 + random.nextInt(starting ? 6_000 : kill <= 4 ? 1_500 : 5_500);
        closing.await(pause, TimeUnit.MILLISECONDS);
        engine.kill();
        say("kill %d: %d ms after %s", kill, pause, starting ? "the start" : "it ran");
      }
    } finally {
      closing.countDown();
      office.shutdown();
    }
    say("%d changes were made meanwhile", changes.get(30, TimeUnit.SECONDS));
  }

  /** On a slow machine all kills would meet the first load otherwise. */
  private static void awaitLoad() {
    try (ConfigurableApplicationContext tool = tool()) {
      JdbcTemplate store = tool.getBean(JdbcTemplate.class);
      Awaitility.await("the first load")
          .atMost(LONGEST_FINISH)
          .pollInterval(Duration.ofMillis(300))
          .until(
              () ->
                  store
                      .queryForList(
                          "select phase from feed_runs where kind = 'FIRST_LOAD'", String.class)
                      .contains("DONE"));
    }
  }

  private static int work(PracticeSimulator simulator, CountDownLatch closing)
      throws InterruptedException {
    int changes = 0;
    do {
      simulator.step();
      changes++;
    } while (!closing.await(20, TimeUnit.MILLISECONDS));
    return changes;
  }

  private void finishAndCompare(OpenDentalServer pms) {
    try (ConfigurableApplicationContext tool = tool()) {
      JdbcTemplate store = tool.getBean(JdbcTemplate.class);
      FeedStates feeds = tool.getBean(FeedStates.class);
      finish("what changed", store, feeds, false);
      say("finished: %s", runs(store));

      assertThat(differing(tool, pms)).as("charts that differ before any comparison").isEmpty();

      finish("a comparison of everything", store, feeds, true);
      say("compared");

      assertThat(differing(tool, pms)).as("charts that differ").isEmpty();
      assertThat(
              store.queryForList(
                  "select record_type || ' ' || source_id || ' ' || message from dead_letters"
                      + " join dead_letter_groups using (practice_id, group_key, record_type)",
                  String.class))
          .as("dead letters")
          .isEmpty();
      StoreAgainstTruth.Report report = new StoreAgainstTruth(store, pms, PRACTICE).compare();
      say("%s", report.text());
      assertThat(report.holds()).as(report.text()).isTrue();
      assertThat(report.linkedMatches()).isPositive();
    }
  }

  /** Asks for a pass and waits until nothing is left to do. */
  private static void finish(String what, JdbcTemplate store, FeedStates feeds, boolean compare) {
    assertThat(
            Awaitility.await("the feed is known")
                .atMost(Duration.ofSeconds(30))
                .until(() -> feeds.askForPass(PRACTICE, FEED, compare), asked -> asked))
        .isTrue();
    Map<String, Long> nothing = new HashMap<>(waiting(store));
    nothing.replaceAll((waits, count) -> 0L);
    Awaitility.await(what)
        .atMost(LONGEST_FINISH)
        .pollInterval(Duration.ofMillis(300))
        .untilAsserted(() -> assertThat(waiting(store)).isEqualTo(nothing));
  }

  private static Map<String, Long> waiting(JdbcTemplate store) {
    Map<String, Long> waiting = new LinkedHashMap<>();
    Map.of(
            "asked passes",
            "feeds where sync_asked_at is not null or compare_asked_at is not null",
            "passes",
            "feed_runs where phase <> 'DONE'",
            "first loads",
            "feed_cursors where phase = 'LOAD'",
            "decisions",
            "decisions where stale_since is not null",
            "merges",
            "chart_merges where follow_asked_at is not null",
            "members",
            "members where matched_version < version")
        .forEach(
            (what, rows) ->
                waiting.put(
                    what, store.queryForObject("select count(*) from " + rows, Long.class)));
    return waiting;
  }

  private static String runs(JdbcTemplate store) {
    return String.join(
        ", ",
        store.queryForList(
            """
            select kind || ' ' || count(*) || ' passes of ' || sum(records) || ' records'
            from feed_runs group by kind order by kind\
            """,
            String.class));
  }

  /** Charts whose content in the store is not what the PMS says now, by id. */
  private static List<String> differing(ConfigurableApplicationContext tool, OpenDentalServer pms) {
    Mapping mapping = tool.getBean(Mappings.class).get("open-dental/patient.jslt");
    PatientNormalizer normalizer = tool.getBean(PatientNormalizer.class);
    Map<String, String> stored = new HashMap<>();
    tool.getBean(JdbcTemplate.class)
        .query(
            "select source_id, content_hash from patients where removed_at is null",
            row -> {
              stored.put(row.getString(1), row.getString(2));
            });
    List<String> differing = Collections.synchronizedList(new ArrayList<>());
    ChartsAsRead.forEach(
        pms.dataSource(),
        MAPPINGS,
        "open-dental/patients.sql",
        raw -> {
          var chart = normalizer.normalize(mapping.patient(raw), ZoneId.of("UTC"));
          String hash = stored.get(chart.sourceId());
          if (!chart.contentHash().equals(hash)) {
            differing.add(chart.sourceId() + (hash == null ? " is missing" : " is not up to date"));
          }
        });
    return differing;
  }

  private static Map<String, Integer> messagesLeft() throws Exception {
    Map<String, Integer> left = new HashMap<>();
    try (DataFolder owned = DataFolder.own(DATA);
        EmbeddedBroker broker = EmbeddedBroker.start(owned);
        Connection connection = broker.connectionFactory().createConnection();
        Session session = connection.createSession()) {
      connection.start();
      for (String queue : noMessages().keySet()) {
        try (var browser = session.createBrowser(session.createQueue(queue))) {
          left.put(queue, Collections.list(browser.getEnumeration()).size());
        }
      }
    }
    return left;
  }

  private static Map<String, Integer> noMessages() {
    return Map.of(
        "records.received", 0,
        "records.received.dead", 0,
        "membership.commands", 0,
        "membership.commands.dead", 0);
  }

  /** Feed settings that the command line does not take come from the environment. */
  private static Map<String, String> environment(OpenDentalServer pms, String poll) {
    return Map.of(
        "BRIGHT_SMILES_URL",
        pms.jdbcUrl(),
        "BRIGHT_SMILES_USER",
        pms.readerUser(),
        "BRIGHT_SMILES_PASSWORD",
        pms.readerPassword(),
        "BRIGHT_SMILES_POLL",
        poll);
  }

  /** A first start without a feed: makes the store, and members are there before any chart. */
  private static void addMembers(List<Members.NewMember> members) {
    try (ConfigurableApplicationContext engine =
        new SpringApplicationBuilder(PmsLink.class)
            .web(WebApplicationType.NONE)
            .run(SETTINGS.toArray(String[]::new))) {
      Members store = engine.getBean(Members.class);
      for (int from = 0; from < members.size(); from += 500) {
        store.add(PRACTICE, members.subList(from, Math.min(members.size(), from + 500)));
      }
    }
  }

  /** The store beside the running engine, as a command sees it. */
  private static ConfigurableApplicationContext tool() {
    return new SpringApplicationBuilder(PmsLink.class)
        .profiles("tool")
        .web(WebApplicationType.NONE)
        .run(SETTINGS.toArray(String[]::new));
  }

  private static void copyRoutes() throws IOException {
    for (String folder : List.of("", "templates")) {
      Path to = Files.createDirectories(ROUTES.resolve(folder));
      try (Stream<Path> files = Files.list(Path.of("routes").resolve(folder))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Files.copy(file, to.resolve(file.getFileName().toString()));
        }
      }
    }
  }

  /** Small pages, so that there are many moments to be killed in, and a short overlap. */
  private static void copyFeed() throws IOException {
    String feed = Files.readString(Path.of("routes", "feeds", FEED + ".camel.yaml"));
    Files.writeString(
        Files.createDirectories(ROUTES.resolve("feeds")).resolve(FEED + ".camel.yaml"),
        feed.stripTrailing()
            + """

                  - name: overlap
                    value: PT1M
                  - name: pageSize
                    value: "500"
            """);
  }

  private void say(String format, Object... arguments) {
    double seconds = Duration.between(began, Instant.now()).toMillis() / 1000.0;
    System.out.printf(Locale.ROOT, "crash test, %5.1f s: ", seconds);
    System.out.printf(Locale.ROOT, format + "%n", arguments);
  }
}
