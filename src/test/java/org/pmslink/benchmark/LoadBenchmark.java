package org.pmslink.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SequenceWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.pmslink.PmsLink;
import org.pmslink.linking.LinkRecords;
import org.pmslink.membership.Members;
import org.pmslink.patient.RecordJson;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.PracticeGenerator;
import org.pmslink.security.PayloadCipher;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.util.FileSystemUtils;

/**
 * Loads a practice from a MariaDB through to the store and says how fast that went, where the CPU
 * time went, and how near it came to what PostgreSQL and Artemis can do here at most:
 *
 * <pre>
 * mvn -B -ntp -Pbenchmark spring-boot:test-run -Dbenchmark.patients=100000 -Dbenchmark.members=25000
 * </pre>
 *
 * From 1,000 patients to 1,000,000. The engine has a JVM of its own with 512 MB. Everything is kept
 * below {@code target/benchmark} until the next run.
 */
public final class LoadBenchmark {
  static final String FEED = "bright-smiles";
  static final String PRACTICE = "bright-smiles";

  private static final Path FOLDER = Path.of("target", "benchmark");
  private static final Path MAPPINGS = Path.of("mappings");
  private static final String HEAP = "-Xmx512m";
  private static final String COLLECTOR = "-XX:+UseParallelGC";

  private LoadBenchmark() {}

  /** {@code --patients=N --members=N --jvm="OPTION ..."}; options for the engine's JVM. */
  public static void main(String[] args) throws Exception {
    int patients = number(args, "--patients=", 100_000);
    int members = number(args, "--members=", patients / 4);
    OpenDentalServer.stopLeftOver(pms(FOLDER));
    FileSystemUtils.deleteRecursively(FOLDER);
    Files.createDirectories(FOLDER);
    // Asked now: the sources may have moved on by the end.
    String commit = commit();
    try (OpenDentalServer pms = OpenDentalServer.start(pms(FOLDER), 0)) {
      System.out.printf(
          Locale.ROOT, "Filling a MariaDB with %,d patients (not timed) ...%n", patients);
      fill(pms, patients, members);
      System.out.println("Starting the engine in a JVM of its own ...");
      Figures figures = measure(pms, text(args, "--jvm=", "-XX:+ExitOnOutOfMemoryError"));
      System.out.println("Measuring what PostgreSQL and Artemis can do with the same data ...");
      try (ConfigurableApplicationContext tool =
          new SpringApplicationBuilder(PmsLink.class)
              .profiles("tool")
              .web(WebApplicationType.NONE)
              .run(settings().toArray(String[]::new))) {
        RawLimits.Upserts upserts = RawLimits.upserts(tool.getBean(javax.sql.DataSource.class));
        RawLimits.Queue queue =
            RawLimits.queue(
                FOLDER.resolve("queue"),
                pms.dataSource(),
                MAPPINGS,
                tool.getBean(LinkRecords.class),
                tool.getBean(PayloadCipher.class));
        System.out.println(report(commit, figures, upserts, queue, patients, members));
      }
    }
    System.exit(0);
  }

  static Path data(Path folder) {
    return folder.resolve("data");
  }

  static Path pms(Path folder) {
    return folder.resolve("open-dental");
  }

  static Path members(Path folder) {
    return folder.resolve("members.json");
  }

  static Path figures(Path folder) {
    return folder.resolve("figures.json");
  }

  private static void fill(OpenDentalServer pms, int patients, int members) throws IOException {
    try (SequenceWriter file =
        RecordJson.mapper()
            .writerFor(Members.NewMember.class)
            .withRootValueSeparator("\n")
            .writeValues(members(FOLDER).toFile())) {
      PracticeGenerator.fill(
          pms,
          new PracticeGenerator.Size(patients, members, 42, false),
          (number, person) -> {
            try {
              file.write(new Members.NewMember(number, person));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }

  private static List<String> settings() {
    return List.of(
        "--pmslink.data-folder=" + data(FOLDER),
        "--pmslink.programs-folder=" + Path.of("target", "postgres-programs"),
        "--pmslink.routes-folder=routes",
        "--pmslink.mappings-folder=" + MAPPINGS);
  }

  private static Figures measure(OpenDentalServer pms, String extra) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(HEAP, COLLECTOR));
    command.addAll(List.of(extra.split("\\s+")));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(MeasuredEngine.class.getName(), FOLDER.toString()));
    command.addAll(settings());
    // A pass only when one is asked for.
    command.add("--bright-smiles.poll=P1D");
    command.add("--bright-smiles.url=" + pms.jdbcUrl());
    command.add("--bright-smiles.user=" + pms.readerUser());
    command.add("--bright-smiles.password=" + pms.readerPassword());
    run(command);
    run(command);
    return new ObjectMapper().readValue(figures(FOLDER).toFile(), Figures.class);
  }

  /** The first run loads and compares; the second one finds the figures, and starts only. */
  private static void run(List<String> command) throws Exception {
    Process engine = new ProcessBuilder(command).inheritIO().start();
    Thread atExit = new Thread(() -> stop(engine), "stop-the-engine");
    Runtime.getRuntime().addShutdownHook(atExit);
    int status = engine.waitFor();
    Runtime.getRuntime().removeShutdownHook(atExit);
    if (status != 0) {
      throw new IllegalStateException("the engine ended with status " + status);
    }
  }

  /** Asked first, because it takes its PostgreSQL along. */
  private static void stop(Process engine) {
    engine.destroy();
    try {
      if (!engine.waitFor(40, TimeUnit.SECONDS)) {
        engine.destroyForcibly();
      }
    } catch (InterruptedException e) {
      engine.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private static String report(
      String commit,
      Figures figures,
      RawLimits.Upserts upserts,
      RawLimits.Queue queue,
      int patients,
      int members) {
    Figures.Pass load = figures.load();
    Figures.Pass again = figures.comparison();
    StringBuilder out = new StringBuilder("\n");
    line(
        out,
        "PMS Link %s on %d cores, %.1f GB memory, %s, Java %s",
        commit,
        Runtime.getRuntime().availableProcessors(),
        memory() / 1e9,
        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        System.getProperty("java.version"));
    line(out, "%,d patients, %,d members, %,d links", patients, members, figures.links());
    line(out, "");
    line(out, "%-34s %14s %14s", "", "first load", "nothing new");
    line(out, "%-34s %,14d %,14d", "records", load.records(), again.records());
    line(
        out, "%-34s %14.1f %14.1f", "seconds, stored and decided", load.seconds(), again.seconds());
    line(out, "%-34s %14.1f %14.1f", "  until nothing waits", load.settled(), again.settled());
    line(out, "%-34s %,14.0f %,14.0f", "records/s", load.perSecond(), again.perSecond());
    line(out, "");
    line(out, "CPU seconds per 1,000 records");
    Set<String> stages = new LinkedHashSet<>(load.cpu().keySet());
    stages.addAll(again.cpu().keySet());
    for (String stage : stages) {
      line(out, "  %-32s %14.3f %14.3f", stage, cpu(load, stage), cpu(again, stage));
    }
    line(
        out,
        "  %-32s %14.3f %14.3f",
        "all",
        stages.stream().mapToDouble(s -> cpu(load, s)).sum(),
        stages.stream().mapToDouble(s -> cpu(again, s)).sum());
    line(out, "");
    statements(out, "the first load", load);
    statements(out, "nothing new", again);
    line(
        out,
        "Heap of %s: at most %,d MB in use, %,d MB after a collection",
        HEAP.substring(4),
        figures.peakHeap() >> 20,
        figures.peakLive() >> 20);
    line(out, "Start to ready, with what has been loaded: %.1f s", figures.restart());
    line(out, "");
    line(out, "%-34s %14s %14s", "Limits of this machine", "records/s", "load is of it");
    limit(out, "PostgreSQL, upserts of 500, 1 conn.", upserts.one(), load);
    limit(out, "PostgreSQL, upserts of 500, 2 conn.", upserts.two(), load);
    limit(out, "Artemis, both queues", queue.perSecond(), load);
    line(
        out,
        "  (%,d rows; %,d records of %.0f and %.0f sealed bytes, 500 to a message)",
        upserts.rows(),
        queue.records(),
        queue.recordBytes(),
        queue.commandBytes());
    return out.toString();
  }

  private static void statements(StringBuilder out, String pass, Figures.Pass figures) {
    line(out, "PostgreSQL in %s: ms per 1,000 records, calls, statement", pass);
    for (Figures.Statement statement : figures.statements()) {
      String text = statement.text();
      line(
          out,
          "  %8.2f %8d  %s",
          1e6 * statement.seconds() / figures.records(),
          statement.calls(),
          text.substring(0, Math.min(text.length(), 100)));
    }
    line(out, "");
  }

  private static void limit(StringBuilder out, String what, double perSecond, Figures.Pass load) {
    line(out, "%-35s %,13.0f %12.0f %%", what, perSecond, 100 * load.perSecond() / perSecond);
  }

  private static double cpu(Figures.Pass pass, String stage) {
    return 1000 * pass.cpu().getOrDefault(stage, 0.0) / pass.records();
  }

  private static void line(StringBuilder out, String format, Object... arguments) {
    out.append(String.format(Locale.ROOT, format, arguments)).append('\n');
  }

  private static long memory() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getTotalMemorySize();
  }

  private static String commit() throws IOException {
    String commit = git("rev-parse", "--short", "HEAD");
    return commit.isEmpty()
        ? "(no commit)"
        : commit + (git("status", "--porcelain").isEmpty() ? "" : " with changes");
  }

  private static String git(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("git"));
    command.addAll(Arrays.asList(arguments));
    try {
      Process git =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      String said = new String(git.getInputStream().readAllBytes(), UTF_8).strip();
      return git.waitFor() == 0 ? said : "";
    } catch (IOException e) {
      return ""; // a copy of the sources without git says so in its report
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static int number(String[] args, String option, int otherwise) {
    return Integer.parseInt(text(args, option, String.valueOf(otherwise)));
  }

  private static String text(String[] args, String option, String otherwise) {
    return Arrays.stream(args)
        .filter(a -> a.startsWith(option))
        .map(a -> a.substring(option.length()))
        .findFirst()
        .orElse(otherwise);
  }
}
