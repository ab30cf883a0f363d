package org.pmslink.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import ca.uhn.fhir.context.FhirContext;
import com.fasterxml.jackson.databind.SequenceWriter;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Bundle.BundleType;
import org.hl7.fhir.r4.model.Bundle.HTTPVerb;
import org.pmslink.cli.PassWatch;
import org.pmslink.csv.ColumnNames;
import org.pmslink.csv.CsvFile;
import org.pmslink.membership.Members;
import org.pmslink.patient.RecordJson;
import org.pmslink.pipeline.DentrixDatabase;
import org.pmslink.pipeline.MllpSender;
import org.pmslink.pipeline.SamePractice;
import org.pmslink.sample.AscendApi;
import org.pmslink.sample.FhirPms;
import org.pmslink.sample.OpenDentalApi;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.PracticeGenerator;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.FileSystemUtils;

/**
 * Loads the same invented practice through each way in, one after the other, into one engine, and
 * says how fast each was beside the load from Open Dental's database:
 *
 * <pre>
 * mvn -B -ntp -Pbenchmark spring-boot:test-run -Dbenchmark.main=org.pmslink.benchmark.WaysBenchmark \
 *   -Dbenchmark.patients=20000 -Dbenchmark.members=5000
 * </pre>
 *
 * Patients alone, because that is what every way has. The engine has a JVM of its own with 512 MB;
 * the PMSs, most of them doubles, run in this one and take their share of the same processors,
 * which is shown. A load is over when every chart is stored and decided about. {@code
 * -Dbenchmark.ways=fhir,csv} measures only those whose names begin so, and Open Dental's database.
 */
public final class WaysBenchmark {
  private static final Path FOLDER = Path.of("target", "ways-benchmark");
  private static final FhirContext FHIR = FhirContext.forR4Cached();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final String DATABASE = "open dental database";
  private static final Duration LONGEST_START = Duration.ofMinutes(1);

  private final OpenDentalServer pms;
  private final List<SamePractice> charts;
  private final Path members;
  private final Process engine;
  private final BufferedReader answers;
  private final BufferedWriter orders;
  private final String url;
  private final List<Measured> measured = new ArrayList<>();
  private int number;

  /**
   * One load.
   *
   * @param cpu CPU seconds of the engine and its PostgreSQL
   * @param sourceCpu CPU seconds of the PMS, its double, or who sends
   */
  private record Measured(
      String way, double seconds, double cpu, double sourceCpu, long links, long deadLetters) {}

  /** Sends the practice, or drops it, once the clock runs. */
  @FunctionalInterface
  private interface Sending {
    void send(String feed) throws Exception;
  }

  private WaysBenchmark(OpenDentalServer pms, Path members) throws Exception {
    this.pms = pms;
    this.members = members;
    charts =
        new JdbcTemplate(pms.dataSource())
            .queryForList("select * from patient order by PatNum").stream()
                .map(SamePractice::new)
                .toList();
    engine = new ProcessBuilder(command()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop-the-engine"));
    answers = new BufferedReader(new InputStreamReader(engine.getInputStream(), UTF_8));
    orders = engine.outputWriter(UTF_8);
    url = "http://127.0.0.1:" + answer().replace("ready ", "");
  }

  /** {@code --patients=N --members=N --ways=BEGINNING,...}. */
  public static void main(String[] args) throws Exception {
    int patients = number(args, "--patients=", 20_000);
    int members = number(args, "--members=", patients / 4);
    OpenDentalServer.stopLeftOver(FOLDER.resolve("open-dental"));
    FileSystemUtils.deleteRecursively(FOLDER);
    Files.createDirectories(FOLDER);
    FileSystemUtils.copyRecursively(Path.of("routes"), FOLDER.resolve("routes"));
    FileSystemUtils.deleteRecursively(FOLDER.resolve("routes").resolve("feeds"));
    Files.createDirectories(FOLDER.resolve("routes").resolve("feeds"));
    DentrixDatabase.installDriver(FOLDER.resolve("drivers"));
    Path file = FOLDER.resolve("members.json");
    try (OpenDentalServer pms = OpenDentalServer.start(FOLDER.resolve("open-dental"), 0)) {
      fill(pms, new PracticeGenerator.Size(patients, members, 42, false), file);
      WaysBenchmark benchmark = new WaysBenchmark(pms, file);
      try {
        benchmark.run(text(args, "--ways=", "all"));
        System.out.println(benchmark.report(members));
      } finally {
        benchmark.stop();
      }
    }
    System.exit(0);
  }

  private static void fill(OpenDentalServer pms, PracticeGenerator.Size size, Path members)
      throws IOException {
    try (SequenceWriter file =
        RecordJson.mapper()
            .writerFor(Members.NewMember.class)
            .withRootValueSeparator("\n")
            .writeValues(members.toFile())) {
      PracticeGenerator.fill(
          pms,
          size,
          (number, person) -> {
            try {
              file.write(new Members.NewMember(number, person));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }

  private static List<String> command() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx512m",
        "-XX:+UseParallelGC",
        "-cp",
        System.getProperty("java.class.path"),
        WaysEngine.class.getName(),
        FOLDER.resolve("data").toString(),
        "--pmslink.data-folder=" + FOLDER.resolve("data"),
        "--pmslink.programs-folder=" + Path.of("target", "postgres-programs"),
        "--pmslink.routes-folder=" + FOLDER.resolve("routes"),
        "--pmslink.mappings-folder=mappings",
        "--pmslink.drivers-folder=" + FOLDER.resolve("drivers"),
        "--server.port=0",
        "--management.server.port=0");
  }

  /** It takes its PostgreSQL along. */
  private void stop() {
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

  // ---- The ways ----

  private void run(String wanted) throws Exception {
    List<String> names = List.of(wanted.split(","));
    warm(this::database, DATABASE);
    Map<String, Way> ways = new LinkedHashMap<>();
    ways.put("open dental api", this::openDentalApi);
    ways.put("dentrix g", this::dentrixG);
    ways.put("dentrix enterprise", this::dentrixEnterprise);
    ways.put("ascend", this::ascend);
    ways.put("fhir poll, search", way -> fhirPoll(way, "false"));
    ways.put("fhir poll, bulk", way -> fhirPoll(way, "true"));
    ways.put("fhir receive", this::fhirReceive);
    ways.put("http door", this::httpDoor);
    ways.put("csv folder", this::csvFolder);
    ways.put("hl7 mllp", this::hl7);
    for (Map.Entry<String, Way> way : ways.entrySet()) {
      if (wanted.equals("all") || names.stream().anyMatch(way.getKey()::startsWith)) {
        warm(way.getValue(), way.getKey());
      }
    }
    database(DATABASE + ", again");
  }

  /** The first load of a way has the engine compile that way's code, too: it is not counted. */
  private void warm(Way way, String name) throws Exception {
    int counted = measured.size();
    way.measure(name + ", warming up");
    measured.subList(counted, measured.size()).clear();
    way.measure(name);
  }

  @FunctionalInterface
  private interface Way {
    void measure(String name) throws Exception;
  }

  private void database(String way) throws Exception {
    pull(
        way,
        "sql-feed",
        "open-dental",
        Map.of(
            "url", pms.jdbcUrl(),
            "user", pms.readerUser(),
            "password", unwritten(pms.readerPassword()),
            "records", "patients"));
  }

  private void openDentalApi(String way) throws Exception {
    try (OpenDentalApi api = OpenDentalApi.over(pms.dataSource())) {
      pull(
          way,
          "open-dental-api",
          "open-dental-api",
          Map.of(
              "url",
              api.url(),
              "developerKey",
              unwritten(OpenDentalApi.DEVELOPER_KEY),
              "customerKey",
              unwritten(OpenDentalApi.CUSTOMER_KEY),
              "zone",
              "-05:00",
              "throttle",
              "1",
              "records",
              "patients"));
    }
  }

  private void dentrixG(String way) throws Exception {
    try (DentrixDatabase g =
        new DentrixDatabase(
            FOLDER.resolve("g-" + number).toAbsolutePath(), "", DentrixDatabase.G_SERIES)) {
      charts.forEach(chart -> chart.to(g));
      pull(way, "sql-feed", "dentrix-g", dentrix(g, "top"));
    }
  }

  private void dentrixEnterprise(String way) throws Exception {
    try (DentrixDatabase enterprise =
        new DentrixDatabase(
            FOLDER.resolve("enterprise-" + number).toAbsolutePath(),
            DentrixDatabase.AS_SQL_SERVER,
            DentrixDatabase.ENTERPRISE)) {
      charts.forEach(chart -> chart.toEnterprise(enterprise));
      pull(way, "sql-feed", "dentrix-enterprise", dentrix(enterprise, "fetch"));
    }
  }

  private static Map<String, String> dentrix(DentrixDatabase database, String dialect) {
    return Map.of(
        "url", database.url,
        "user", "sa",
        "password", "",
        "driver", "org.h2.Driver",
        "dialect", dialect,
        "zone", "UTC",
        "officeZone", "America/New_York",
        "records", "patients");
  }

  private void ascend(String way) throws Exception {
    try (AscendApi api = AscendApi.start()) {
      charts.forEach(chart -> api.put("/v1/patients", chart.id(), chart.forAscend()));
      pull(
          way,
          "dentrix-ascend",
          "dentrix-ascend",
          Map.of(
              "url",
              api.url(),
              "tokenUrl",
              api.tokenUrl(),
              "clientId",
              AscendApi.CLIENT_ID,
              "clientSecret",
              unwritten(AscendApi.CLIENT_SECRET),
              "organization",
              AscendApi.ORGANIZATION,
              "officeZone",
              "America/New_York",
              "records",
              "patients"));
    }
  }

  private void fhirPoll(String way, String bulk) throws Exception {
    try (FhirPms fhir = FhirPms.start()) {
      fhir.largestPage(1_000);
      charts.forEach(chart -> fhir.put(chart.forFhir()));
      pull(
          way,
          "fhir-poll",
          "fhir-r4",
          Map.of("url", fhir.url(), "bulk", bulk, "records", "patients"));
    }
  }

  private void fhirReceive(String way) throws Exception {
    List<String> bodies = new ArrayList<>();
    for (List<SamePractice> page : pages(200)) {
      Bundle bundle = new Bundle().setType(BundleType.BATCH);
      for (SamePractice chart : page) {
        bundle
            .addEntry()
            .setResource(chart.forFhir())
            .getRequest()
            .setMethod(HTTPVerb.PUT)
            .setUrl("Patient/" + chart.id());
      }
      bodies.add(FHIR.newJsonParser().encodeResourceToString(bundle));
    }
    push(
        way,
        "fhir-receive",
        "fhir-r4",
        Map.of(),
        charts.size(),
        feed -> post("/in-fhir/" + feed, "application/fhir+json", bodies, tell("token " + feed)));
  }

  private void httpDoor(String way) throws Exception {
    List<String> bodies = new ArrayList<>();
    for (List<SamePractice> page : pages(500)) {
      ArrayNode all = RecordJson.mapper().createArrayNode();
      page.forEach(chart -> all.add(chart.forHttp()));
      bodies.add(all.toString());
    }
    push(
        way,
        "http-receive",
        "pushed-json",
        Map.of(),
        charts.size(),
        feed -> post("/in/" + feed, "application/json", bodies, tell("token " + feed)));
  }

  private void csvFolder(String way) throws Exception {
    Path drop = Files.createDirectories(FOLDER.resolve("drop")).toAbsolutePath();
    Path file = FOLDER.resolve("patients.csv");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write(String.join(",", SamePractice.CSV) + "\n");
      for (SamePractice chart : charts) {
        out.write(chart.forCsv() + "\n");
      }
    }
    push(
        way,
        "csv-folder",
        "csv",
        Map.of("folder", drop.toString(), "settle", "100ms"),
        good(file),
        feed -> {
          // The feed makes its folders when it starts.
          if (!PassWatch.await(() -> Files.isDirectory(drop.resolve("in")), LONGEST_START)) {
            throw new IllegalStateException(drop + " is not looked at");
          }
          Files.move(file, drop.resolve("in").resolve("patients.csv"));
        });
  }

  /** Rows with a problem are given back to the office. */
  private static long good(Path file) throws IOException {
    ColumnNames names = ColumnNames.read(Path.of("mappings"), "csv");
    try (CsvFile.Rows rows = CsvFile.look(file, names, LocalDate.now(ZoneOffset.UTC)).rows()) {
      while (!rows.next(2_000).isEmpty()) {
        // The rows count themselves.
      }
      return rows.good();
    }
  }

  private void hl7(String way) throws Exception {
    int port = MllpSender.freePort();
    List<byte[]> messages = charts.stream().map(SamePractice::forHl7).toList();
    push(
        way,
        "hl7-mllp",
        "hl7-adt",
        Map.of("port", "" + port),
        charts.size(),
        feed -> sendHl7(port, messages));
  }

  /** One connection and one message at a time, as the protocol wants it. */
  private static void sendHl7(int port, List<byte[]> messages) throws IOException {
    int sent = 0;
    while (sent < messages.size()) {
      int before = sent;
      try (MllpSender sender = new MllpSender(port)) {
        String answer = sender.send(messages.get(sent));
        while (!answer.isEmpty()) {
          if (!MllpSender.msa(answer).startsWith("AA")) {
            throw new IllegalStateException("not taken: " + MllpSender.msa(answer));
          }
          sent++;
          answer = sent < messages.size() ? sender.send(messages.get(sent)) : "";
        }
      }
      if (sent == before) {
        throw new IllegalStateException("the door closes the connection at message " + sent);
      }
    }
  }

  private List<List<SamePractice>> pages(int size) {
    List<List<SamePractice>> pages = new ArrayList<>();
    for (int from = 0; from < charts.size(); from += size) {
      pages.add(charts.subList(from, Math.min(charts.size(), from + size)));
    }
    return pages;
  }

  private void post(String address, String type, List<String> bodies, String token)
      throws IOException, InterruptedException {
    for (String body : bodies) {
      HttpResponse<String> answer =
          HTTP.send(
              HttpRequest.newBuilder(URI.create(url + address))
                  .header("Authorization", "Bearer " + token)
                  .header("Content-Type", type)
                  .POST(HttpRequest.BodyPublishers.ofString(body, UTF_8))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() / 100 != 2) {
        throw new IllegalStateException(address + ": " + answer.statusCode() + answer.body());
      }
    }
  }

  // ---- Measuring ----

  /** The engine reads as soon as the feed is there. */
  private void pull(String way, String template, String mappings, Map<String, String> parameters)
      throws Exception {
    Map<String, String> all = new LinkedHashMap<>(parameters);
    all.put("poll", "P1D");
    String feed = prepare(way);
    Path file = feedFile(feed, template, mappings, all);
    measure(way, feed, charts.size(), () -> ok("open " + file));
  }

  /** The feed is there, and something comes. */
  private void push(
      String way,
      String template,
      String mappings,
      Map<String, String> parameters,
      long expected,
      Sending sending)
      throws Exception {
    String feed = prepare(way);
    ok("open " + feedFile(feed, template, mappings, parameters));
    measure(way, feed, expected, () -> sending.send(feed));
  }

  private String prepare(String way) throws IOException {
    System.out.println(way + " ...");
    String feed = "way-" + ++number;
    ok("members " + feed + " " + members);
    return feed;
  }

  @FunctionalInterface
  private interface Beginning {
    void begin() throws Exception;
  }

  private void measure(String way, String feed, long expected, Beginning beginning)
      throws Exception {
    double before = sourceCpu();
    ok("begin");
    beginning.begin();
    String[] done = tell("await " + feed + " " + expected).split(" ");
    if (!done[0].equals("done")) {
      throw new IllegalStateException(way + " " + String.join(" ", done));
    }
    measured.add(
        new Measured(
            way,
            Double.parseDouble(done[1]),
            Double.parseDouble(done[2]),
            sourceCpu() - before,
            Long.parseLong(done[3]),
            Long.parseLong(done[4])));
    System.out.println("  " + done[1] + " s");
    ok("close " + feed);
  }

  private double sourceCpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime()
            / 1e9
        + ProcessCpu.seconds(FOLDER.resolve("open-dental").resolve("mariadbd.pid"));
  }

  /** A placeholder for what no feed file may hold itself. */
  private static String unwritten(String secret) {
    return "{{no-such-setting:" + secret + "}}";
  }

  private static Path feedFile(
      String feed, String template, String mappings, Map<String, String> parameters)
      throws IOException {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("feed", feed);
    all.put("practice", feed);
    all.put("source", "benchmark");
    all.put("mappings", mappings);
    all.putAll(parameters);
    return Files.writeString(
        FOLDER.resolve("routes").resolve("feeds").resolve(feed + ".camel.yaml"),
        "- templatedRoute:\n    routeTemplateRef: "
            + template
            + "\n    routeId: "
            + feed
            + "\n    parameters:\n"
            + all.entrySet().stream()
                .map(
                    p ->
                        "      - name: " + p.getKey() + "\n        value: \"" + p.getValue() + "\"")
                .collect(Collectors.joining("\n", "", "\n")));
  }

  private void ok(String order) throws IOException {
    String answer = tell(order);
    if (!answer.equals("ok")) {
      throw new IllegalStateException(order + ": " + answer);
    }
  }

  private String tell(String order) throws IOException {
    orders.write(order + "\n");
    orders.flush();
    return answer();
  }

  private String answer() throws IOException {
    String answer = answers.readLine();
    if (answer == null) {
      throw new IllegalStateException("the engine ended");
    }
    return answer;
  }

  private String report(int memberCount) {
    StringBuilder out = new StringBuilder();
    line(
        out,
        "%,d charts, %,d members, %d cores; seconds until all is stored and decided, CPU seconds for"
            + " 1,000 charts",
        charts.size(),
        memberCount,
        Runtime.getRuntime().availableProcessors());
    line(
        out,
        "%-28s %8s %10s %12s %11s %11s %7s %6s",
        "way in",
        "seconds",
        "charts/s",
        "x database",
        "engine CPU",
        "source CPU",
        "links",
        "dead");
    // The engine becomes faster as it runs, and the store larger: the ways lie between these two.
    double database = (measured.get(0).seconds + measured.get(measured.size() - 1).seconds) / 2;
    for (Measured way : measured) {
      line(
          out,
          "%-28s %8.1f %10.0f %12.2f %11.2f %11.2f %7d %6d",
          way.way,
          way.seconds,
          charts.size() / way.seconds,
          way.seconds / database,
          1000 * way.cpu / charts.size(),
          1000 * way.sourceCpu / charts.size(),
          way.links,
          way.deadLetters);
    }
    return out.toString();
  }

  private static void line(StringBuilder out, String format, Object... arguments) {
    out.append(String.format(Locale.ROOT, format, arguments)).append('\n');
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
