package org.pmslink.benchmark;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.pmslink.PmsLink;
import org.pmslink.cli.PassWatch;
import org.pmslink.csv.ColumnNames;
import org.pmslink.csv.CsvFile;
import org.pmslink.feed.FeedStates;
import org.pmslink.membership.Members;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.sample.PeopleFiles;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.util.FileSystemUtils;

/**
 * Reads one exported file, first for itself and then through the engine to decided links, and says
 * how many rows a second that is:
 *
 * <pre>
 * mvn -B -ntp -Pbenchmark spring-boot:test-run -Dbenchmark.main=org.pmslink.benchmark.CsvBenchmark \
 *   -Dbenchmark.patients=100000 -Dbenchmark.members=25000 \
 *   "-Dspring-boot.run.jvmArguments=-Xmx512m -XX:+UseParallelGC"
 * </pre>
 *
 * Everything is kept below {@code target/csv-benchmark} until the next run.
 */
public final class CsvBenchmark {
  private static final Path FOLDER = Path.of("target", "csv-benchmark");
  private static final String FEED = "export";
  private static final Duration LONGEST = Duration.ofHours(2);

  private CsvBenchmark() {}

  /** {@code --patients=N --members=N}. */
  public static void main(String[] args) throws Exception {
    int patients = number(args, "--patients=", 100_000);
    int members = number(args, "--members=", patients / 4);
    FileSystemUtils.deleteRecursively(FOLDER);
    Path drop = Files.createDirectories(FOLDER.resolve("drop").resolve("in")).toAbsolutePath();
    Path file = drop.resolveSibling("patients.csv");
    List<Members.NewMember> who = write(file, patients, members);
    System.out.printf(Locale.ROOT, "%,d rows, %,d kB%n", patients, Files.size(file) / 1024);
    for (int round = 1; round <= 3; round++) {
      Instant began = Instant.now();
      read(file, patients);
      System.out.printf(
          Locale.ROOT, "reading alone, round %d: %,.0f rows/s%n", round, patients / since(began));
    }
    throughTheEngine(file, drop, patients, who);
    System.exit(0);
  }

  private static double since(Instant began) {
    return Duration.between(began, Instant.now()).toMillis() / 1000.0;
  }

  private static void read(Path file, int patients) throws IOException {
    ColumnNames names = ColumnNames.read(Path.of("mappings"), "csv");
    try (CsvFile.Rows rows = CsvFile.look(file, names, LocalDate.now(ZoneOffset.UTC)).rows()) {
      while (!rows.next(2_000).isEmpty()) {
        // The rows count themselves.
      }
      if (rows.good() != patients) {
        throw new IllegalStateException(rows.good() + " rows of " + patients + " were read");
      }
    }
  }

  private static void throughTheEngine(
      Path file, Path drop, int patients, List<Members.NewMember> who) throws Exception {
    Path routes = FOLDER.resolve("routes");
    FileSystemUtils.copyRecursively(Path.of("routes"), routes);
    FileSystemUtils.deleteRecursively(routes.resolve("feeds"));
    Files.createDirectories(routes.resolve("feeds"));
    Files.writeString(routes.resolve("feeds").resolve(FEED + ".camel.yaml"), feed(drop));
    try (ConfigurableApplicationContext engine =
        new SpringApplicationBuilder(PmsLink.class)
            .web(WebApplicationType.NONE)
            .listeners(
                (ApplicationStartedEvent started) ->
                    addMembers(started.getApplicationContext().getBean(Members.class), who))
            .run(
                "--pmslink.data-folder=" + FOLDER.resolve("data"),
                "--pmslink.programs-folder=" + Path.of("target", "postgres-programs"),
                "--pmslink.routes-folder=" + routes,
                "--pmslink.mappings-folder=mappings")) {
      FeedStates states = engine.getBean(FeedStates.class);
      PassWatch.await(() -> states.find(FEED).isPresent(), Duration.ofMinutes(1));
      Instant asked = Instant.now();
      Files.move(file, drop.resolve("patients.csv"));
      PassWatch.Result result =
          engine.getBean(PassWatch.class).awaitPass(FEED, asked, LONGEST, System.out);
      if (!result.done()) {
        throw new IllegalStateException(result.reason());
      }
      Runs runs = engine.getBean(Runs.class);
      int practice = engine.getBean(Practices.class).id(FEED);
      Runs.Run run = runs.newest(practice, FEED, Runs.Kind.FIRST_LOAD).orElseThrow();
      Runs.Totals totals = runs.totals(practice, run.id());
      double seconds =
          Duration.between(
                      run.startedAt(), run.finishedAt() == null ? Instant.now() : run.finishedAt())
                  .toMillis()
              / 1000.0;
      System.out.printf(
          Locale.ROOT,
          "through the engine: %,d read, %,d linked, %,d to review, %,d dead letters,"
              + " %.1f s, %,.0f rows/s%n",
          totals.read(),
          totals.linked(),
          totals.toReview(),
          totals.deadLettered(),
          seconds,
          patients / seconds);
    }
  }

  private static String feed(Path drop) {
    return """
    - templatedRoute:
        routeTemplateRef: csv-folder
        routeId: %1$s
        parameters:
          - name: feed
            value: %1$s
          - name: practice
            value: %1$s
          - name: source
            value: %1$s
          - name: mappings
            value: csv
          - name: folder
            value: "%2$s"
          - name: settle
            value: 100ms
    """
        .formatted(FEED, drop.getParent());
  }

  private static List<Members.NewMember> write(Path file, int patients, int members)
      throws IOException {
    List<Members.NewMember> who = new ArrayList<>();
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write(
          "Patient ID,Last Name,First Name,MI,DOB,Sex,SSN,Home Phone,Cell,E-Mail,Address,"
              + "Address 2,City,State,Zip,Guarantor\n");
      Consumer<String[]> rows = PeopleFiles.csv(out);
      PeopleFiles.twoSides(
          patients,
          members,
          row -> {
            String iso = row[4];
            if (iso.length() == 10) {
              row[4] = iso.substring(5, 7) + "/" + iso.substring(8) + "/" + iso.substring(0, 4);
            }
            rows.accept(row);
            row[4] = iso;
          },
          row -> who.add(new Members.NewMember(row[0], person(row))));
    }
    return who;
  }

  private static SourcePatient person(String[] row) {
    return SourcePatient.person(
        row[0],
        row[1],
        row[2],
        row[3],
        null,
        null,
        row[4],
        row[5],
        row[6],
        List.of(
            new SourcePatient.SourcePhone("home", row[7]),
            new SourcePatient.SourcePhone("mobile", row[8])),
        row[9].isEmpty() ? List.of() : List.of(row[9]),
        new SourcePatient.SourceAddress(row[10], row[11], row[12], row[13], row[14], null),
        row[15]);
  }

  private static void addMembers(Members members, List<Members.NewMember> who) {
    for (int from = 0; from < who.size(); from += 500) {
      members.add(FEED, who.subList(from, Math.min(who.size(), from + 500)));
    }
  }

  private static int number(String[] args, String name, int otherwise) {
    for (String arg : args) {
      if (arg.startsWith(name)) {
        return Integer.parseInt(arg.substring(name.length()));
      }
    }
    return otherwise;
  }
}
