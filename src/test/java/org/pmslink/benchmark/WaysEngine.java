package org.pmslink.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.MappingIterator;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.camel.CamelContext;
import org.pmslink.PmsLink;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.cli.PassWatch;
import org.pmslink.feed.FeedFiles;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Members;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The product in a JVM of its own, told line by line over its standard input what to do next, and
 * measuring itself; started by {@link WaysBenchmark}.
 */
final class WaysEngine {
  private static final Duration LONGEST = Duration.ofHours(2);

  private final ConfigurableApplicationContext engine;
  private final Path postgresPid;
  private long begun;
  private double cpuBefore;

  private WaysEngine(ConfigurableApplicationContext engine, Path data) {
    this.engine = engine;
    postgresPid = data.resolve("postgres").resolve("postmaster.pid");
  }

  /** {@code DATA-FOLDER SETTING...}. */
  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    // What the product logs is for people.
    System.setOut(System.err);
    try (ConfigurableApplicationContext engine =
            new SpringApplicationBuilder(PmsLink.class)
                .web(WebApplicationType.SERVLET)
                .run(List.of(args).subList(1, args.length).toArray(String[]::new));
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
      WaysEngine ways = new WaysEngine(engine, Path.of(args[0]));
      answers.println("ready " + engine.getEnvironment().getProperty("local.server.port"));
      for (String order = orders.readLine(); order != null; order = orders.readLine()) {
        answers.println(ways.obey(order.split(" ", 3)));
      }
    }
    System.exit(0);
  }

  private String obey(String[] order) throws Exception {
    return switch (order[0]) {
      case "members" -> members(order[1], Path.of(order[2]));
      case "token" ->
          engine
              .getBean(AccessTokens.class)
              .create(order[1], "benchmark-" + order[1], Role.MACHINE);
      case "open" -> open(Path.of(order[1]));
      case "begin" -> begin();
      case "await" -> await(order[1], Long.parseLong(order[2]));
      case "close" -> close(order[1]);
      default -> throw new IllegalArgumentException(order[0]);
    };
  }

  private String members(String practice, Path file) throws IOException {
    Members members = engine.getBean(Members.class);
    List<Members.NewMember> page = new ArrayList<>();
    try (MappingIterator<Members.NewMember> all =
        RecordJson.mapper().readerFor(Members.NewMember.class).readValues(file.toFile())) {
      while (all.hasNext()) {
        page.add(all.next());
        if (page.size() == 500 || !all.hasNext()) {
          members.add(practice, page);
          page.clear();
        }
      }
    }
    return "ok";
  }

  private String open(Path file) {
    FeedFiles.Refusal refusal =
        engine.getBean(FeedFiles.class).load(engine.getBean(CamelContext.class), file);
    return refusal == null ? "ok" : "refused: " + refusal.reason();
  }

  private String begin() {
    cpuBefore = cpu();
    begun = System.nanoTime();
    return "ok";
  }

  /** The JVM's with its compiler and collector, and PostgreSQL's. */
  private double cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime()
            / 1e9
        + ProcessCpu.seconds(postgresPid);
  }

  /** Until every chart is stored and decided about. */
  private String await(String practice, long charts) throws InterruptedException {
    JdbcTemplate store = engine.getBean(JdbcTemplate.class);
    boolean[] paused = new boolean[1];
    boolean done =
        PassWatch.await(
            () -> {
              paused[0] =
                  number(
                          store,
                          """
                          select count(*) from feeds f join practices p on p.id = f.practice_id
                          where p.practice = ? and f.state in ('PAUSED', 'REFUSED')
                            and f.reason_category <> 'NOT_READY'""",
                          practice)
                      > 0;
              return paused[0] || isDecided(store, practice, charts);
            },
            LONGEST);
    double seconds = (System.nanoTime() - begun) / 1e9;
    double cpu = cpu() - cpuBefore;
    if (!done || paused[0]) {
      return "failed: "
          + (paused[0] ? "the feed was paused" : "not all is decided")
          + ", "
          + number(store, CHARTS, practice)
          + " charts of "
          + charts;
    }
    return String.format(
        Locale.ROOT,
        "done %.3f %.3f %d %d",
        seconds,
        cpu,
        number(
            store,
            """
            select count(*) from links l join practices p on p.id = l.practice_id
            where p.practice = ? and l.ended_at is null""",
            practice),
        number(
            store,
            """
            select count(*) from dead_letters d join practices p on p.id = d.practice_id
            where p.practice = ?""",
            practice));
  }

  private static final String CHARTS =
      """
      select count(*) from patients c join practices p on p.id = c.practice_id
      where p.practice = ?""";

  private static boolean isDecided(JdbcTemplate store, String practice, long charts) {
    return number(store, CHARTS, practice) >= charts
        && number(
                store,
                """
                select count(*) from decisions d join practices p on p.id = d.practice_id
                where p.practice = ? and d.stale_since is null""",
                practice)
            >= charts
        && number(
                store,
                """
                select (select count(*) from feed_runs r
                        where r.practice_id = p.id and r.phase <> 'DONE')
                     + (select count(*) from feed_cursors c
                        where c.practice_id = p.id and c.phase = 'LOAD')
                from practices p where p.practice = ?""",
                practice)
            == 0;
  }

  private static long number(JdbcTemplate store, String sql, String practice) {
    return store.queryForList(sql, Long.class, practice).stream().findFirst().orElse(0L);
  }

  /** Nothing of this way goes on while the next one is measured. */
  private String close(String feed) throws Exception {
    int practice = engine.getBean(Practices.class).id(feed);
    Duplicates duplicates = engine.getBean(Duplicates.class);
    PassWatch.await(
        () ->
            duplicates.isComplete(practice, Duplicates.Kind.CHART)
                && duplicates.isComplete(practice, Duplicates.Kind.MEMBER),
        LONGEST);
    CamelContext camel = engine.getBean(CamelContext.class);
    camel.getRouteController().stopRoute(feed);
    camel.removeRoute(feed);
    return "ok";
  }
}
