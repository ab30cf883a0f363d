package org.pmslink.sample;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.pmslink.PmsLink;
import org.pmslink.access.Users;
import org.pmslink.cli.FeedTable;
import org.pmslink.cli.PassWatch;
import org.pmslink.membership.Members;
import org.pmslink.progress.Runs;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The product on a sample practice: a MariaDB with Open Dental's tables, filled by the generator,
 * and a simulator that goes on working in it. Started by {@code mvn spring-boot:test-run}.
 *
 * <p>{@code --once} stops after the first sync and holds the store against the generator's truth;
 * {@code --patients=N} and {@code --members=N} set the sizes; other arguments are settings of the
 * product.
 */
public final class SamplePractice {
  /** The practice of {@code routes/feeds/bright-smiles.camel.yaml}. */
  public static final String FEED = "bright-smiles";

  private static final int PAGE_OF_MEMBERS = 500;

  private SamplePractice() {}

  /** Runs the sample. */
  public static void main(String[] args) throws Exception {
    boolean once = Arrays.asList(args).contains("--once");
    int patients = number(args, "--patients=", 5_000);
    int members = number(args, "--members=", 1_200);
    List<String> settings =
        new ArrayList<>(
            Arrays.stream(args)
                .filter(a -> !a.equals("--once"))
                .filter(a -> !a.startsWith("--patients=") && !a.startsWith("--members="))
                .toList());
    Path folder = Path.of("target", "sample");
    if (settings.stream().noneMatch(s -> s.startsWith("--pmslink.data-folder="))) {
      // A sample starts afresh each time; the product itself keeps its data.
      org.springframework.util.FileSystemUtils.deleteRecursively(folder.resolve("data"));
      settings.add("--pmslink.data-folder=" + folder.resolve("data"));
    }
    settings.add("--pmslink.programs-folder=" + Path.of("target", "postgres-programs"));
    int status;
    OpenDentalServer.stopLeftOver(folder.resolve("open-dental"));
    org.springframework.util.FileSystemUtils.deleteRecursively(folder.resolve("open-dental"));
    Files.createDirectories(folder);
    say("Starting a MariaDB with Open Dental's tables ...");
    try (OpenDentalServer server = OpenDentalServer.start(folder.resolve("open-dental"), 0)) {
      status = run(server, new PracticeGenerator.Size(patients, members, 42, true), settings, once);
    }
    System.exit(status);
  }

  private static int run(
      OpenDentalServer server, PracticeGenerator.Size size, List<String> settings, boolean once)
      throws Exception {
    List<Members.NewMember> waiting = new ArrayList<>();
    PracticeGenerator.fill(
        server, size, (number, person) -> waiting.add(new Members.NewMember(number, person)));
    say("Bright Smiles Dental has %,d charts and %,d members.", size.patients(), waiting.size());
    settings.addAll(
        List.of(
            "--bright-smiles.url=" + server.jdbcUrl(),
            "--bright-smiles.user=" + server.readerUser(),
            "--bright-smiles.password=" + server.readerPassword(),
            "--bright-smiles.poll=PT3S"));
    say("Starting PMS Link with its own PostgreSQL and Artemis ...");
    Instant began = Instant.now();
    // The members are there before the first chart arrives, as in a practice that connects its PMS.
    SpringApplicationBuilder builder =
        new SpringApplicationBuilder(PmsLink.class)
            .web(once ? WebApplicationType.NONE : WebApplicationType.SERVLET)
            .listeners(
                (org.springframework.boot.context.event.ApplicationStartedEvent e) ->
                    addMembers(e.getApplicationContext(), waiting));
    try (ConfigurableApplicationContext engine = builder.run(settings.toArray(String[]::new))) {
      say("Ready after %.1f s.", seconds(began));
      if (!once) {
        engine
            .getBean(Users.class)
            .first()
            .ifPresent(
                first ->
                    say(
                        "Console: http://127.0.0.1:%s/console, sign in as %s with %s",
                        engine.getEnvironment().getRequiredProperty("local.server.port"),
                        first.login(),
                        first.password()));
      }
      return watch(engine, server, began, once);
    }
  }

  private static void addMembers(
      ConfigurableApplicationContext engine, List<Members.NewMember> waiting) {
    Members members = engine.getBean(Members.class);
    for (int from = 0; from < waiting.size(); from += PAGE_OF_MEMBERS) {
      members.add(FEED, waiting.subList(from, Math.min(waiting.size(), from + PAGE_OF_MEMBERS)));
    }
  }

  private static int watch(
      ConfigurableApplicationContext engine, OpenDentalServer server, Instant began, boolean once)
      throws Exception {
    FeedTable table = engine.getBean(FeedTable.class);
    PassWatch.Result result =
        engine.getBean(PassWatch.class).awaitPass(FEED, began, Duration.ofMinutes(30), System.out);
    if (!result.done()) {
      say("%s", result.reason());
      return 1;
    }
    say("");
    say("%s", table.newest(Runs.Kind.FIRST_LOAD));
    say("");
    StoreAgainstTruth.Report report =
        new StoreAgainstTruth(engine.getBean(JdbcTemplate.class), server, FEED).compare();
    say("%s", report.text());
    if (once) {
      return report.holds() ? 0 : 1;
    }
    say("");
    say("The office goes on working; stop with Ctrl-C.");
    simulate(server, table, engine);
    return 0;
  }

  private static void simulate(
      OpenDentalServer server, FeedTable table, ConfigurableApplicationContext engine)
      throws InterruptedException {
    PracticeSimulator simulator = new PracticeSimulator(server, 7);
    CountDownLatch never = new CountDownLatch(1);
    String shown = "";
    while (engine.isActive()) {
      PracticeSimulator.Change change = simulator.step();
      say("  PMS: %s, chart %d", change.kind().name().toLowerCase(Locale.ROOT), change.patNum());
      never.await(1500, TimeUnit.MILLISECONDS);
      String now = table.newest(null);
      if (!now.equals(shown)) {
        say("%s", now);
        shown = now;
      }
    }
  }

  private static int number(String[] args, String option, int otherwise) {
    return Arrays.stream(args)
        .filter(a -> a.startsWith(option))
        .map(a -> Integer.parseInt(a.substring(option.length())))
        .findFirst()
        .orElse(otherwise);
  }

  private static double seconds(Instant since) {
    return Duration.between(since, Instant.now()).toMillis() / 1000.0;
  }

  private static void say(String format, Object... arguments) {
    System.out.printf(Locale.ROOT, format + "%n", arguments);
  }
}
