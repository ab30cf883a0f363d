package org.pmslink.pipeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.feed.FeedFiles;
import org.pmslink.membership.Members;

/** A practice that nobody reads: its records are sent to the engine. */
final class PushedPractice implements AutoCloseable {
  private static final AtomicInteger NEXT = new AtomicInteger(1);

  final String name = "pushed-" + NEXT.getAndIncrement();
  private final Engine engine;
  private final String template;
  private final Map<String, String> parameters = new LinkedHashMap<>();

  private PushedPractice(Engine engine, String template, String mappings) {
    this.engine = engine;
    this.template = template;
    parameters.put("feed", name);
    parameters.put("practice", name);
    parameters.put("source", "pushing-pms");
    parameters.put("mappings", mappings);
  }

  static PushedPractice overHttp(Engine engine) {
    return new PushedPractice(engine, "http-receive", "pushed-json");
  }

  static PushedPractice overMllp(Engine engine, int port) {
    return new PushedPractice(engine, "hl7-mllp", "hl7-adt").with("port", "" + port);
  }

  static PushedPractice ofFiles(Engine engine, Path folder) {
    return new PushedPractice(engine, "csv-folder", "csv").with("folder", folder.toString());
  }

  /** What Open Dental's subscriptions send of an office that is polled, too. */
  static PushedPractice ofEvents(Engine engine, Office office, String key) {
    return new PushedPractice(engine, "open-dental-events", "open-dental-api")
        .with("practice", office.name)
        .with("source", "open-dental")
        .with("pollFeed", office.name)
        .with("zone", "-05:00")
        .with("customerKey", "{{no-such-setting:" + key + "}}");
  }

  /** A parameter of the feed file. */
  PushedPractice with(String parameter, String value) {
    parameters.put(parameter, value);
    return this;
  }

  /** Writes the feed file and loads it; returns why not, or nothing when the feed runs. */
  private FeedFiles.@Nullable Refusal connect() throws IOException {
    Path file = feedFile();
    Files.writeString(
        file,
        "- templatedRoute:\n    routeTemplateRef: "
            + template
            + "\n    routeId: "
            + name
            + "\n    parameters:\n"
            + parameters.entrySet().stream()
                .map(
                    p ->
                        "      - name: " + p.getKey() + "\n        value: \"" + p.getValue() + "\"")
                .collect(Collectors.joining("\n", "", "\n")));
    return engine.bean(FeedFiles.class).load(engine.bean(CamelContext.class), file);
  }

  /** Why the feed file is refused; empty when its feed runs. */
  String refusal() throws IOException {
    FeedFiles.Refusal refusal = connect();
    return refusal == null ? "" : refusal.reason();
  }

  PushedPractice open() throws IOException {
    FeedFiles.Refusal refusal = connect();
    if (refusal != null) {
      throw new IllegalStateException(refusal.toString());
    }
    return this;
  }

  private Path feedFile() {
    return engine.feeds().resolve(name + ".camel.yaml");
  }

  String token() {
    return engine
        .bean(AccessTokens.class)
        .create(name, name + "-" + NEXT.getAndIncrement(), Role.MACHINE);
  }

  void member(String number, Someone who) {
    engine.bean(Members.class).add(name, List.of(new Members.NewMember(number, who.typed(number))));
  }

  /** Waits until everything that came in is stored and decided. */
  void awaitSettled() {
    Awaitility.await("everything of " + name + " is handled")
        .atMost(Office.LONGEST)
        .pollInterval(Duration.ofMillis(50))
        .until(
            () ->
                count(
                        """
                        select (select count(*) from feed_runs
                                where practice_id = p.id and phase <> 'DONE')
                          + (select count(*) from decisions
                             where practice_id = p.id and stale_since is not null)
                          + (select count(*) from members
                             where practice_id = p.id and matched_version < version)
                          + (select count(*) from chart_merges
                             where practice_id = p.id and follow_asked_at is not null)
                        from practices p where p.id = ?""")
                    == 0);
  }

  int id() {
    return Objects.requireNonNull(
        engine
            .store()
            .queryForObject("select id from practices where practice = ?", Integer.class, name));
  }

  /** A number from the store; the practice's id is the statement's only parameter. */
  long count(String sql) {
    return Objects.requireNonNull(engine.store().queryForObject(sql, Long.class, id()));
  }

  List<String> texts(String sql) {
    return engine.store().queryForList(sql, String.class, id());
  }

  /** A value of a chart's stored record, by its path; empty when there is none. */
  String recordOf(String chart, String path) {
    return one(
        "select record #>> '{" + path + "}' from patients where practice_id = ? and source_id = ?",
        chart);
  }

  /** Number of the member that a chart is linked to; empty for none. */
  String memberOf(String chart) {
    return one(
        """
        select m.member_number from links l
        join members m on m.practice_id = l.practice_id and m.id = l.member_id
        join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        where p.practice_id = ? and p.source_id = ? and l.ended_at is null""",
        chart);
  }

  private String one(String sql, String chart) {
    List<String> found = engine.store().queryForList(sql, String.class, id(), chart);
    return found.isEmpty() || found.get(0) == null ? "" : found.get(0);
  }

  List<Letter> letters() {
    return engine.bean(LetterSearch.class).search(name, LetterFilter.ALL, null, 1000).letters();
  }

  @Override
  public void close() throws Exception {
    if (engine.runs()) {
      CamelContext camel = engine.bean(CamelContext.class);
      if (camel.getRoute(name) != null) {
        camel.getRouteController().stopRoute(name);
        camel.removeRoute(name);
      }
    }
    Files.deleteIfExists(feedFile());
  }
}
