package org.pmslink.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.pmslink.PmsLink;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterGroups;
import org.pmslink.deadletter.LetterGroups.Bucket;
import org.pmslink.deadletter.LetterGroups.Order;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.practice.Practices;
import org.pmslink.security.PayloadCipher;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.FileSystemUtils;

/**
 * Fills the store with dead letters of one practice and says how long searches and the list of
 * groups take then:
 *
 * <pre>
 * mvn -B -ntp -Pbenchmark spring-boot:test-run -Dbenchmark.main=org.pmslink.benchmark.LettersBenchmark
 * </pre>
 *
 * <p>What was filled is kept below {@code target/letters-benchmark} and taken again by the next run
 * with as many letters.
 */
public final class LettersBenchmark {
  private static final String PRACTICE = "bright-smiles";
  private static final Path FOLDER = Path.of("target", "letters-benchmark");
  private static final int AT_ONCE = 50_000;
  private static final int GROUPS = 400;
  private static final int FEEDS = 8;
  private static final int PAGE = 50;
  private static final int TIMES = 400;

  private LettersBenchmark() {}

  /** {@code --letters=N}. */
  public static void main(String[] args) throws Exception {
    int letters =
        Arrays.stream(args)
            .filter(a -> a.startsWith("--letters="))
            .map(a -> Integer.parseInt(a.substring("--letters=".length())))
            .findFirst()
            .orElse(1_000_000);
    Path filled = FOLDER.resolve("filled-" + letters);
    boolean fill = Files.notExists(filled);
    if (fill) {
      FileSystemUtils.deleteRecursively(FOLDER);
      Files.createDirectories(FOLDER);
    }
    try (ConfigurableApplicationContext engine = engine()) {
      if (fill) {
        fill(engine, letters);
        Files.createFile(filled);
      }
      measure(engine);
    }
    System.exit(0);
  }

  private static ConfigurableApplicationContext engine() throws IOException {
    Path spine = FOLDER.resolve("routes");
    FileSystemUtils.deleteRecursively(spine);
    FileSystemUtils.copyRecursively(Path.of("routes"), spine);
    FileSystemUtils.deleteRecursively(spine.resolve("feeds"));
    Files.createDirectories(spine.resolve("feeds"));
    return new SpringApplicationBuilder(PmsLink.class)
        .web(WebApplicationType.NONE)
        .run(
            "--pmslink.data-folder=" + FOLDER.resolve("data"),
            "--pmslink.programs-folder=" + Path.of("target", "postgres-programs"),
            "--pmslink.mappings-folder=mappings",
            "--pmslink.routes-folder=" + spine);
  }

  private static void fill(ConfigurableApplicationContext engine, int letters) {
    JdbcTemplate store = engine.getBean(JdbcTemplate.class);
    int practice = engine.getBean(Practices.class).id(PRACTICE);
    byte[] payload =
        engine
            .getBean(PayloadCipher.class)
            .seal("{\"records\":[{\"LName\":\"Lee\"}]}".getBytes(UTF_8), "dead-letter");
    Instant began = Instant.now();
    store.update(
        """
        insert into dead_letter_groups (practice_id, group_key, feed, hop, record_type, category,
                                        message, mapping, mapping_version, mapping_line, field)
        select ?, left(md5(g::text), 16), 'feed-' || g % ?, 'match', 'PATIENTS',
               case when g % 10 = 0 then 'STEP_FAILED' when g % 3 = 0 then 'INVALID_RECORD'
                    else 'MAPPING_FAILED' end,
               'open-dental/patient.jslt: the field "f' || g || '" has the wrong type',
               'open-dental/patient.jslt', left(md5((g / 40)::text), 12), g, 'f' || g
        from generate_series(0, ? - 1) g""",
        practice, FEEDS, GROUPS);
    for (int from = 0; from < letters; from += AT_ONCE) {
      // A few large groups and many small ones; most letters lie back some time and are closed.
      store.update(
          """
          insert into dead_letters (practice_id, feed, hop, record_type, source_id, group_key,
                                    payload, version, assignee, attempts, first_at, last_at, state,
                                    closed_at, closed_by, close_reason)
          select ?, 'feed-' || g % ?, 'match', 'PATIENTS',
                 case when open then i else i % 300000 end, left(md5(g::text), 16), ?, i,
                 case when i % 50 = 0 then 'robin' end, 1, at, at,
                 case when open then 'OPEN' when i % 7 = 0 then 'DISCARDED' else 'RESOLVED' end,
                 case when not open then at + interval '3 hours' end,
                 case when not open then 'engine' end, case when not open then 'benchmark' end
          from (select i, floor(? * power(random(), 3))::int as g, random() < 0.4 as open,
                       now() - interval '365 days' * power(random(), 2) as at
                from generate_series(?::bigint, ?::bigint - 1) i) l""",
          practice, FEEDS, payload, GROUPS, from, Math.min(letters, from + AT_ONCE));
    }
    engine.getBean(LetterGroups.class).sumUp();
    store.execute("vacuum analyze dead_letters");
    store.execute("vacuum analyze dead_letter_counts");
    store.execute("vacuum analyze dead_letter_groups");
    store.execute("vacuum analyze dead_letter_totals");
    System.out.printf(
        Locale.ROOT,
        "Filled in %,d dead letters in %d s%n",
        letters,
        Duration.between(began, Instant.now()).toSeconds());
  }

  private interface Step {
    Object run(int i);
  }

  private static void measure(ConfigurableApplicationContext engine) {
    JdbcTemplate store = engine.getBean(JdbcTemplate.class);
    LetterSearch search = engine.getBean(LetterSearch.class);
    LetterGroups groups = engine.getBean(LetterGroups.class);
    DeadLetters letters = engine.getBean(DeadLetters.class);
    int practice = engine.getBean(Practices.class).id(PRACTICE);
    Random random = new Random(7);
    List<String> keys =
        store.queryForList(
            "select group_key from dead_letter_groups where practice_id = ?",
            String.class,
            practice);
    LetterFilter open = LetterFilter.ALL.in(State.OPEN);
    System.out.printf(
        Locale.ROOT,
        "%,d letters, %,d of them open, %d groups; %d cores, Java %s, load %.1f%n",
        store.queryForObject("select count(*) from dead_letters", Long.class),
        letters.openCount(practice, null),
        keys.size(),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("java.version"),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    System.out.printf(Locale.ROOT, "%-52s %8s %8s %8s%n", "ms, one caller", "p50", "p95", "most");
    print("newest 50 open", i -> search.search(PRACTICE, open, null, PAGE));
    print("newest 50 of any state", i -> search.search(PRACTICE, LetterFilter.ALL, null, PAGE));
    Paging pages = new Paging(search, open);
    print("the next 50, and so on", i -> pages.next());
    print("open, of a feed", i -> search.search(PRACTICE, open.ofFeed(feed(random)), null, PAGE));
    print(
        "any state, of a feed and a category",
        i ->
            search.search(
                PRACTICE,
                LetterFilter.ALL.ofFeed(feed(random)).ofCategory(category(random)),
                null,
                PAGE));
    print(
        "any state, of a category within a day",
        i -> {
          Instant day = Instant.now().minus(Duration.ofHours(random.nextInt(24 * 360)));
          return search.search(
              PRACTICE,
              LetterFilter.ALL
                  .ofCategory(category(random))
                  .failedWithin(day.minus(Duration.ofDays(1)), day),
              null,
              PAGE);
        });
    print(
        "any state, within a day",
        i -> {
          Instant day = Instant.now().minus(Duration.ofHours(random.nextInt(24 * 360)));
          return search.search(
              PRACTICE,
              LetterFilter.ALL.failedWithin(day.minus(Duration.ofDays(1)), day),
              null,
              PAGE);
        });
    print(
        "of a record's id",
        i ->
            search.search(
                PRACTICE,
                LetterFilter.ALL.ofRecord(String.valueOf(random.nextInt(300_000))),
                null,
                PAGE));
    print(
        "of a group",
        i ->
            search.search(
                PRACTICE, open.inGroup(keys.get(random.nextInt(keys.size()))), null, PAGE));
    print(
        "of an assignee and a category",
        i ->
            search.search(
                PRACTICE, open.assignedTo("robin").ofCategory(category(random)), null, PAGE));
    print(
        "none there: a feed without letters in a year",
        i ->
            search.search(
                PRACTICE,
                LetterFilter.ALL
                    .ofFeed(feed(random))
                    .failedWithin(Instant.EPOCH, Instant.now().minus(Duration.ofDays(366))),
                null,
                PAGE));
    print("groups, newest first", i -> groups.list(PRACTICE, Order.NEWEST, null, null));
    print("groups, largest first", i -> groups.list(PRACTICE, Order.LARGEST, null, null));
    print(
        "a group's size, day by day for a year",
        i ->
            groups.sizes(
                PRACTICE,
                keys.get(random.nextInt(keys.size())),
                Bucket.DAY,
                Instant.now().minus(Duration.ofDays(365)),
                Instant.now()));
    print(
        "a group's example, masked",
        i -> groups.example(PRACTICE, keys.get(random.nextInt(keys.size()))));
    print("how many are open", i -> letters.openCount(practice, null));
  }

  /** Turns the pages of one search, and begins anew at its end. */
  private static final class Paging {
    private final LetterSearch search;
    private final LetterFilter filter;
    private @Nullable String after;

    Paging(LetterSearch search, LetterFilter filter) {
      this.search = search;
      this.filter = filter;
    }

    Object next() {
      LetterSearch.Page page = search.search(PRACTICE, filter, after, PAGE);
      after = page.next();
      return page;
    }
  }

  private static String feed(Random random) {
    return "feed-" + random.nextInt(FEEDS);
  }

  private static Category category(Random random) {
    return Category.values()[random.nextInt(Category.values().length)];
  }

  private static void print(String what, Step step) {
    timed(step, TIMES / 4);
    double[] took = timed(step, TIMES);
    System.out.printf(
        Locale.ROOT,
        "%-52s %8.2f %8.2f %8.2f%n",
        what,
        took[took.length / 2],
        took[took.length * 95 / 100],
        took[took.length - 1]);
  }

  /** Milliseconds, in order. */
  private static double[] timed(Step step, int times) {
    List<Double> took = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      long began = System.nanoTime();
      Objects.requireNonNull(step.run(i));
      took.add((System.nanoTime() - began) / 1e6);
    }
    return took.stream().sorted().mapToDouble(Double::doubleValue).toArray();
  }
}
