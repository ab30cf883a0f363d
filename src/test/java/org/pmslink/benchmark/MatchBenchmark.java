package org.pmslink.benchmark;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.pmslink.PmsLink;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.cli.PassWatch;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Members;
import org.pmslink.patient.Person;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.PracticeGenerator;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.FileSystemUtils;

/**
 * Loads a practice as {@link LoadBenchmark} does and says how long a {@code Patient/$match} takes
 * then, beside what a request that does nothing, the look-up of a person's keys, and a row of the
 * audit take by themselves:
 *
 * <pre>
 * mvn -B -ntp -Pbenchmark spring-boot:test-run -Dbenchmark.main=org.pmslink.benchmark.MatchBenchmark
 * </pre>
 *
 * <p>Engine and caller share a JVM. What was loaded is kept below {@code target/match-benchmark}
 * and taken again by the next run with as many patients.
 */
public final class MatchBenchmark {
  private static final String PRACTICE = LoadBenchmark.PRACTICE;
  private static final Path FOLDER = Path.of("target", "match-benchmark");
  private static final int WARM_UP = 3_000;
  private static final int REQUESTS = 3_000;

  private MatchBenchmark() {}

  /** {@code --patients=N --members=N}. */
  public static void main(String[] args) throws Exception {
    int patients = number(args, "--patients=", 100_000);
    int members = number(args, "--members=", patients / 4);
    Path loaded = FOLDER.resolve("loaded-" + patients + "-" + members);
    if (Files.notExists(loaded)) {
      load(patients, members);
      Files.createFile(loaded);
    }
    try (ConfigurableApplicationContext engine = engine(false, List.of(), List.of())) {
      measure(engine);
    }
    System.exit(0);
  }

  private static void load(int patients, int members) throws Exception {
    OpenDentalServer.stopLeftOver(LoadBenchmark.pms(FOLDER));
    FileSystemUtils.deleteRecursively(FOLDER);
    Files.createDirectories(FOLDER);
    List<Members.NewMember> people = new ArrayList<>();
    try (OpenDentalServer pms = OpenDentalServer.start(LoadBenchmark.pms(FOLDER), 0)) {
      System.out.printf(Locale.ROOT, "Filling a MariaDB with %,d patients ...%n", patients);
      PracticeGenerator.fill(
          pms,
          new PracticeGenerator.Size(patients, members, 42, false),
          (number, person) -> people.add(new Members.NewMember(number, person)));
      System.out.println("Loading them ...");
      Instant began = Instant.now();
      List<String> settings =
          List.of(
              "--bright-smiles.poll=P1D",
              "--bright-smiles.url=" + pms.jdbcUrl(),
              "--bright-smiles.user=" + pms.readerUser(),
              "--bright-smiles.password=" + pms.readerPassword());
      try (ConfigurableApplicationContext engine = engine(true, settings, people)) {
        PassWatch.Result result =
            engine
                .getBean(PassWatch.class)
                .awaitPass(LoadBenchmark.FEED, began, Duration.ofHours(1), System.out);
        if (!result.done()) {
          throw new IllegalStateException(result.reason());
        }
      }
    }
  }

  private static ConfigurableApplicationContext engine(
      boolean withFeed, List<String> more, List<Members.NewMember> members) throws IOException {
    Path spine = FOLDER.resolve("routes");
    FileSystemUtils.deleteRecursively(spine);
    FileSystemUtils.copyRecursively(Path.of("routes"), spine);
    if (!withFeed) {
      FileSystemUtils.deleteRecursively(spine.resolve("feeds"));
      Files.createDirectories(spine.resolve("feeds"));
    }
    List<String> settings =
        new ArrayList<>(
            List.of(
                "--pmslink.data-folder=" + LoadBenchmark.data(FOLDER),
                "--pmslink.programs-folder=" + Path.of("target", "postgres-programs"),
                "--pmslink.mappings-folder=mappings",
                "--pmslink.routes-folder=" + spine,
                "--server.port=0",
                "--management.server.port=0"));
    settings.addAll(more);
    return new SpringApplicationBuilder(PmsLink.class)
        .web(WebApplicationType.SERVLET)
        .listeners(
            (ApplicationStartedEvent started) -> {
              Members store = started.getApplicationContext().getBean(Members.class);
              for (int i = 0; i < members.size(); i += 500) {
                store.add(PRACTICE, members.subList(i, Math.min(i + 500, members.size())));
              }
            })
        .run(settings.toArray(String[]::new));
  }

  private static void measure(ConfigurableApplicationContext engine) throws Exception {
    JdbcTemplate store = engine.getBean(JdbcTemplate.class);
    Charts charts = engine.getBean(Charts.class);
    int practice = engine.getBean(Practices.class).id(PRACTICE);
    List<Person> people = people(store, practice);
    List<String> bodies = bodies(people);
    String token =
        engine
            .getBean(AccessTokens.class)
            .create(PRACTICE, "benchmark-" + UUID.randomUUID(), Role.MACHINE);
    String url = "http://127.0.0.1:" + engine.getEnvironment().getProperty("local.server.port");
    HttpClient http = HttpClient.newHttpClient();
    HttpRequest nothing = HttpRequest.newBuilder(URI.create(url + "/")).GET().build();
    Step match = i -> post(http, url, token, bodies.get(i % bodies.size()));
    Step bare = i -> http.send(nothing, HttpResponse.BodyHandlers.ofString());
    Step keys =
        i ->
            charts.chartsUnder(
                practice, PracticeMatcher.blockingKeys(people.get(i % people.size())), 200);
    Step row =
        i ->
            store.update(
                "insert into audit (practice_id, actor, action, detail) values (?, 'benchmark',"
                    + " 'nothing', '', '')",
                practice);
    System.out.printf(
        Locale.ROOT,
        "%,d charts, %,d members; %d people asked about, %d cores, Java %s%n",
        store.queryForObject("select count(*) from patients", Long.class),
        store.queryForObject("select count(*) from members", Long.class),
        people.size(),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("java.version"));
    timed(match, WARM_UP);
    timed(bare, WARM_UP / 3);
    timed(keys, WARM_UP / 3);
    System.out.printf(
        Locale.ROOT, "%-40s %8s %8s %8s %8s%n", "ms, one caller", "p50", "p95", "p99", "most");
    print("Patient/$match", timed(match, REQUESTS));
    print("limit: a request that does nothing", timed(bare, REQUESTS));
    print("limit: one look-up of all keys", timed(keys, REQUESTS));
    print("limit: one row of the audit", timed(row, REQUESTS / 3));
    Statements.forget(engine);
    print("Patient/$match again", timed(match, REQUESTS));
    System.out.println("PostgreSQL in one $match: ms, calls, statement");
    for (Figures.Statement statement : Statements.costliest(engine)) {
      System.out.printf(
          Locale.ROOT,
          "  %8.3f %8.2f  %s%n",
          1000 * statement.seconds() / REQUESTS,
          (double) statement.calls() / REQUESTS,
          statement.text().substring(0, Math.min(statement.text().length(), 100)));
    }
  }

  private interface Step {
    Object run(int i) throws Exception;
  }

  /** Milliseconds, in order. */
  private static double[] timed(Step step, int times) throws Exception {
    double[] took = new double[times];
    for (int i = 0; i < times; i++) {
      long began = System.nanoTime();
      Objects.requireNonNull(step.run(i));
      took[i] = (System.nanoTime() - began) / 1e6;
    }
    Arrays.sort(took);
    return took;
  }

  private static void print(String what, double[] took) {
    System.out.printf(
        Locale.ROOT,
        "%-40s %8.2f %8.2f %8.2f %8.2f%n",
        what,
        took[took.length / 2],
        took[took.length * 95 / 100],
        took[took.length * 99 / 100],
        took[took.length - 1]);
  }

  private static Object post(HttpClient http, String url, String token, String body)
      throws Exception {
    HttpResponse<String> response =
        http.send(
            HttpRequest.newBuilder(URI.create(url + "/fhir/" + PRACTICE + "/Patient/$match"))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/fhir+json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IllegalStateException("answered with " + response.statusCode());
    }
    return response;
  }

  /** Any 2,000 who can be found. */
  private static List<Person> people(JdbcTemplate store, int practice) {
    List<Person> people = new ArrayList<>();
    store.query(
        """
        select record -> 'person' from patients
        where practice_id = ? and removed_at is null and cardinality(blocking_keys) > 3
        order by md5(id::text) limit 2000""",
        row -> {
          people.add(RecordJson.read(row.getString(1), Person.class));
        },
        practice);
    Collections.shuffle(people, new Random(7));
    return people;
  }

  /** A quarter with everything, and without e-mail, telephone, address each. */
  private static List<String> bodies(List<Person> people) {
    List<String> bodies = new ArrayList<>();
    for (int i = 0; i < people.size(); i++) {
      bodies.add(body(people.get(i), i % 4));
    }
    return bodies;
  }

  private static String body(Person person, int without) {
    ObjectNode patient = RecordJson.mapper().createObjectNode();
    patient.put("resourceType", "Patient");
    ObjectNode name = patient.putArray("name").addObject();
    put(name, "family", person.name().family());
    ArrayNode given = RecordJson.mapper().createArrayNode();
    add(given, person.name().given());
    add(given, person.name().middle());
    if (!given.isEmpty()) {
      name.set("given", given);
    }
    if (name.isEmpty()) {
      patient.remove("name");
    }
    put(patient, "birthDate", person.birthDate() == null ? null : person.birthDate().toString());
    ArrayNode telecom = RecordJson.mapper().createArrayNode();
    if (without != 1) {
      person.emails().forEach(e -> telecom.addObject().put("system", "email").put("value", e));
    }
    if (without != 2) {
      person
          .phones()
          .forEach(p -> telecom.addObject().put("system", "phone").put("value", p.e164()));
    }
    if (!telecom.isEmpty()) {
      patient.set("telecom", telecom);
    }
    var address = person.address();
    if (address != null && without != 3) {
      ObjectNode home = RecordJson.mapper().createObjectNode();
      if (address.line1() != null) {
        home.putArray("line").add(address.line1());
      }
      put(home, "city", address.city());
      put(home, "state", address.state());
      put(home, "postalCode", address.postalCode());
      if (!home.isEmpty()) {
        patient.putArray("address").add(home);
      }
    }
    ObjectNode parameters = RecordJson.mapper().createObjectNode();
    parameters.put("resourceType", "Parameters");
    parameters.putArray("parameter").addObject().put("name", "resource").set("resource", patient);
    return parameters.toString();
  }

  private static void add(ArrayNode to, @Nullable String text) {
    if (text != null) {
      to.add(text);
    }
  }

  private static void put(ObjectNode to, String name, @Nullable String text) {
    if (text != null) {
      to.put(name, text);
    }
  }

  private static int number(String[] args, String option, int otherwise) {
    return Arrays.stream(args)
        .filter(a -> a.startsWith(option))
        .map(a -> Integer.parseInt(a.substring(option.length())))
        .findFirst()
        .orElse(otherwise);
  }
}
