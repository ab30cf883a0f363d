package org.pmslink.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.LongNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.Selection;
import org.pmslink.feed.FeedFiles;
import org.pmslink.feed.FeedStates;
import org.pmslink.linking.LinkRecords;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.membership.CommandBatch;
import org.pmslink.membership.Members;
import org.pmslink.sample.AscendApi;
import org.pmslink.sample.OpenDentalApi;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.FileSystemUtils;

/**
 * A practice: its database on the shared server, its feed file, its mappings, and what the store
 * holds of it. Polls once an hour unless told otherwise, so that a test says when a pass is read.
 */
final class Office implements AutoCloseable {
  static final Duration LONGEST = Duration.ofMinutes(2);

  /** The PMS server's clock in its own zone, as Open Dental writes what is no timestamp. */
  static final String THERE = "convert_tz(now(), @@session.time_zone, @@global.time_zone)";

  private static final Set<String> SECRETS =
      Set.of("password", "developerKey", "customerKey", "clientSecret");

  private static final AtomicInteger NEXT = new AtomicInteger(1);

  final String name;
  private final Engine engine;
  private final JdbcTemplate pms;
  private final Map<String, String> parameters = new LinkedHashMap<>();
  private String template = "sql-feed";

  private Office(
      String name, Engine engine, JdbcTemplate pms, OpenDentalServer server, String url) {
    this.name = name;
    this.engine = engine;
    this.pms = pms;
    parameters.put("feed", name);
    parameters.put("practice", name);
    parameters.put("source", "open-dental");
    parameters.put("mappings", name);
    parameters.put("url", url);
    parameters.put("user", server.readerUser());
    parameters.put("password", server.readerPassword());
    parameters.put("poll", "PT1H");
  }

  /** A new practice without patients, on MyISAM as most offices are. */
  static Office at(Engine engine, OpenDentalServer server) throws IOException {
    return at(engine, server, OpenDentalServer.Engine.MYISAM);
  }

  static Office at(Engine engine, OpenDentalServer server, OpenDentalServer.Engine tables)
      throws IOException {
    String name = "office-" + NEXT.getAndIncrement();
    String database = name.replace('-', '_');
    JdbcTemplate pms = new JdbcTemplate(server.createPractice(database, tables));
    return withMappings(new Office(name, engine, pms, server, server.jdbcUrlOf(database)));
  }

  /** The practice that the generator fills. */
  static Office ofTheSample(Engine engine, OpenDentalServer server) throws IOException {
    String name = "office-" + NEXT.getAndIncrement();
    return withMappings(
        new Office(name, engine, new JdbcTemplate(server.dataSource()), server, server.jdbcUrl()));
  }

  /** The same practice over Open Dental's API instead of its database. */
  Office over(OpenDentalApi api) throws IOException {
    over("open-dental-api");
    return with("url", api.url())
        .with("developerKey", OpenDentalApi.DEVELOPER_KEY)
        .with("customerKey", OpenDentalApi.CUSTOMER_KEY)
        // The test server's own zone.
        .with("zone", "-05:00")
        .with("throttle", "1");
  }

  /** Another practice, on Dentrix Ascend. */
  Office over(AscendApi api) throws IOException {
    over("dentrix-ascend");
    return with("url", api.url())
        .with("tokenUrl", api.tokenUrl())
        .with("clientId", AscendApi.CLIENT_ID)
        .with("clientSecret", AscendApi.CLIENT_SECRET)
        .with("organization", AscendApi.ORGANIZATION)
        .with("officeZone", "America/New_York");
  }

  /** Other mappings, and with them other queries. */
  Office withMappingsOf(String pms) throws IOException {
    FileSystemUtils.deleteRecursively(engine.mappings().resolve(name));
    FileSystemUtils.copyRecursively(
        engine.mappings().resolve(pms), engine.mappings().resolve(name));
    return this;
  }

  /** Through another template, with the mappings that are named like it. */
  private void over(String other) throws IOException {
    template = other;
    parameters.keySet().removeAll(List.of("url", "user", "password"));
    withMappingsOf(other);
  }

  /** Another way in than its database, with the mappings that ship for it. */
  Office over(String otherTemplate, String shipped) throws IOException {
    template = otherTemplate;
    parameters.keySet().removeAll(List.of("url", "user", "password"));
    FileSystemUtils.deleteRecursively(engine.mappings().resolve(name));
    FileSystemUtils.copyRecursively(
        engine.mappings().resolve(shipped), engine.mappings().resolve(name));
    return this;
  }

  /** Reads everything that there is a query for, and not charts and merges alone. */
  Office withActivity() throws IOException {
    try (Stream<Path> files = Files.list(engine.mappings().resolve("open-dental"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(
            file,
            mapping(file.getFileName().toString()),
            java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return with("officeZone", "America/New_York");
  }

  private static Office withMappings(Office office) throws IOException {
    for (String file : List.of("patient.jslt", "merge.jslt", "patients.sql", "merges.sql")) {
      Path copy = office.mapping(file);
      Files.createDirectories(Objects.requireNonNull(copy.getParent()));
      Files.copy(office.engine.mappings().resolve("open-dental").resolve(file), copy);
    }
    return office;
  }

  /** A parameter of the feed file. */
  Office with(String parameter, String value) {
    parameters.put(parameter, value);
    return this;
  }

  /** Leaves a parameter out that the template does not have. */
  Office without(String parameter) {
    parameters.remove(parameter);
    return this;
  }

  Path mapping(String file) {
    return engine.mappings().resolve(name).resolve(file);
  }

  Path feedFile() {
    return engine.feeds().resolve(name + ".camel.yaml");
  }

  /** A placeholder for what no feed file may hold itself. */
  private static String unwritten(String secret) {
    return secret.isEmpty() || secret.contains("{{")
        ? secret
        : "{{no-such-setting:" + secret + "}}";
  }

  /** Writes the feed file as the parameters are now. */
  void writeFeedFile() throws IOException {
    String lines =
        parameters.entrySet().stream()
            .map(
                p ->
                    "      - name: "
                        + p.getKey()
                        + "\n        value: \""
                        + (SECRETS.contains(p.getKey()) ? unwritten(p.getValue()) : p.getValue())
                        + "\"")
            .collect(Collectors.joining("\n", "", "\n"));
    Files.writeString(
        feedFile(),
        "- templatedRoute:\n    routeTemplateRef: "
            + template
            + "\n    routeId: "
            + name
            + "\n    parameters:\n"
            + lines);
  }

  /** Writes the feed file and loads it if the engine runs. */
  FeedFiles.@Nullable Refusal connect() throws IOException {
    writeFeedFile();
    return engine.runs()
        ? engine.bean(FeedFiles.class).load(engine.bean(CamelContext.class), feedFile())
        : null;
  }

  /** Connects, and waits until the first load is decided. */
  Office open() throws IOException {
    FeedFiles.Refusal refusal = connect();
    if (refusal != null) {
      throw new IllegalStateException(refusal.toString());
    }
    awaitSettled();
    return this;
  }

  /** Reads what changed, and waits until all of it is in the store and decided. */
  void sync() {
    read(false);
  }

  /** The same with a comparison of the whole PMS. */
  void compare() {
    read(true);
  }

  private void read(boolean comparison) {
    askForPass(comparison);
    awaitSettled();
  }

  /** Asks for a pass and does not wait for it. */
  void askForPass(boolean comparison) {
    engine.bean(FeedStates.class).askForPass(name, name, comparison);
  }

  /** No pass is asked for, open or failing, and nothing waits for a decision. */
  void awaitSettled() {
    Awaitility.await("everything of " + name + " is decided")
        .atMost(LONGEST)
        .pollInterval(Duration.ofMillis(50))
        .ignoreExceptions()
        .until(this::unsettled, ""::equals);
  }

  /** Waits until everything is decided with the rules of this version, or with others. */
  void awaitRules(String version, boolean same) {
    Awaitility.await("decided with " + (same ? "" : "other rules than ") + version)
        .atMost(LONGEST)
        .pollInterval(Duration.ofMillis(50))
        .until(
            () ->
                count(
                        "select count(*) from practice_populations where practice_id = ?"
                            + " and (decided_with = '"
                            + version
                            + "') = "
                            + same)
                    == 1);
    awaitSettled();
  }

  private String unsettled() {
    Map<String, Object> waiting =
        engine
            .store()
            .queryForMap(
                """
                select p.id,
                  (select count(*) from feeds f where f.practice_id = p.id and f.sync_asked_at is null
                     and f.last_pass_at is not null and f.state = 'RUNNING') as feeds_at_rest,
                  (select count(*) from feed_runs r where r.practice_id = p.id
                     and r.phase <> 'DONE') as passes,
                  (select count(*) from feed_cursors c where c.practice_id = p.id
                     and c.phase = 'LOAD' and c.withheld_since is null) as loads,
                  (select count(*) from decisions d where d.practice_id = p.id
                     and d.stale_since is not null) as decisions,
                  (select count(*) from members m where m.practice_id = p.id
                     and m.matched_version < m.version) as members,
                  (select count(*) from chart_merges m where m.practice_id = p.id
                     and m.follow_asked_at is not null) as merges
                from practices p where p.practice = ?""",
                name);
    boolean settled =
        !Long.valueOf(0).equals(waiting.get("feeds_at_rest"))
            && Long.valueOf(0).equals(waiting.get("passes"))
            && Long.valueOf(0).equals(waiting.get("loads"))
            && Long.valueOf(0).equals(waiting.get("decisions"))
            && Long.valueOf(0).equals(waiting.get("members"))
            && Long.valueOf(0).equals(waiting.get("merges"));
    return settled ? "" : waiting.toString();
  }

  /** Waits until the feed is paused for a reason, and says it in its own words. */
  String awaitPause(String category) {
    return Objects.requireNonNull(
        Awaitility.await(name + " pauses: " + category)
            .atMost(LONGEST)
            .pollInterval(Duration.ofMillis(50))
            .ignoreExceptions()
            .until(
                this::status,
                s -> s.state().equals("PAUSED") && category.equals(s.reasonCategory()))
            .reason());
  }

  FeedStates.Status status() {
    return engine.bean(FeedStates.class).find(name).orElseThrow();
  }

  // What the office does.

  /** Adds a chart and returns its number. */
  long chart(Someone who) {
    pms.update(
        """
        insert into patient (LName, FName, Birthdate, WirelessPhone, Email, City)
        values (?, ?, ?, ?, ?, ?)""",
        who.family(),
        who.given(),
        who.birthDate(),
        who.mobile(),
        who.email(),
        who.city());
    return Objects.requireNonNull(
        pms.queryForObject("select max(PatNum) from patient", Long.class));
  }

  void merge(long loser, long survivor) {
    pms.update(
        "insert into patientlink (PatNumFrom, PatNumTo, LinkType, DateTimeLink) values (?, ?, 1, "
            + THERE
            + ")",
        loser,
        survivor);
  }

  /** Anything else; the tables are {@code patient} and {@code patientlink}. */
  int edit(String sql, Object... values) {
    return pms.update(sql, values);
  }

  JdbcTemplate pms() {
    return pms;
  }

  void member(String number, Someone who) {
    engine.bean(Members.class).add(name, List.of(new Members.NewMember(number, who.typed(number))));
  }

  // What the store holds.

  /** Number of the member that a chart is linked to; empty for none. */
  String memberOf(long chart) {
    return memberOf(String.valueOf(chart));
  }

  /** Likewise, for a PMS whose ids are no numbers. */
  String memberOf(String chart) {
    return one(
        """
        select m.member_number from links l
        join members m on m.practice_id = l.practice_id and m.id = l.member_id
        join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        where p.practice_id = ? and p.source_id = ? and l.ended_at is null""",
        chart);
  }

  /** Why the active link of a chart is flagged; empty when it is not. */
  String flagOf(long chart) {
    return flagOf(String.valueOf(chart));
  }

  /** Likewise, for a PMS whose ids are no numbers. */
  String flagOf(String chart) {
    return one(
        """
        select l.flag_reason from links l
        join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        where p.practice_id = ? and p.source_id = ? and l.ended_at is null""",
        chart);
  }

  /** Why a chart is in review; empty when it is not. */
  String reviewOf(long chart) {
    return one(
        """
        select r.reason from reviews r
        join patients p on p.practice_id = r.practice_id and p.id = r.patient_id
        where p.practice_id = ? and p.source_id = ? and r.closed_at is null""",
        chart);
  }

  /** A value of a chart's stored record, by its path. */
  String recordOf(long chart, String path) {
    return recordOf(String.valueOf(chart), path);
  }

  /** Likewise, for a PMS whose ids are no numbers. */
  String recordOf(String chart, String path) {
    return one(
        "select record #>> '{" + path + "}' from patients where practice_id = ? and source_id = ?",
        chart);
  }

  private String one(String sql, long chart) {
    return one(sql, String.valueOf(chart));
  }

  private String one(String sql, String chart) {
    List<String> found = engine.store().queryForList(sql, String.class, id(), chart);
    return found.isEmpty() || found.get(0) == null ? "" : found.get(0);
  }

  /** A number from the store; the practice's id is the statement's only parameter. */
  long count(String sql) {
    return Objects.requireNonNull(engine.store().queryForObject(sql, Long.class, id()));
  }

  long charts() {
    return count("select count(*) from patients where practice_id = ? and removed_at is null");
  }

  /** Its dead letters, newest first. */
  List<Letter> letters() {
    return letters(LetterFilter.ALL);
  }

  List<Letter> letters(LetterFilter wanted) {
    return engine
        .bean(LetterSearch.class)
        .search(name, wanted, null, LetterSearch.LARGEST_PAGE)
        .letters();
  }

  /** Asks for a replay of whatever is open and wanted. */
  ReplayTasks.Task replay(LetterFilter wanted) {
    return engine
        .bean(ReplayTasks.class)
        .start(name, "tester", Selection.matching(wanted), ReplayTasks.Options.USUAL);
  }

  long deadLetters() {
    return count("select count(*) from dead_letters where practice_id = ?");
  }

  /**
   * What the match step makes of stored charts or members at this moment.
   *
   * @param type PATIENT_IDS or MEMBER_IDS
   * @param ids of their rows
   */
  CommandBatch decided(RecordType type, List<Long> ids) {
    return engine
        .bean(LinkRecords.class)
        .link(
            new RecordBatch(
                name,
                "open-dental",
                "sweep",
                null,
                0,
                "",
                ids.size(),
                0,
                type,
                type.name(),
                true,
                null,
                null,
                null,
                null,
                ids.stream().<JsonNode>map(LongNode::valueOf).toList()))
        .commands();
  }

  /** Changes to the links of a chart, oldest first: action and reason. */
  List<String> historyOf(long chart) {
    return engine
        .store()
        .queryForList(
            """
            select c.action || ' ' || c.reason from link_changes c
            join links l on l.practice_id = c.practice_id and l.id = c.link_id
            join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
            where c.practice_id = ? and p.source_id = ? order by c.id""",
            String.class,
            id(),
            String.valueOf(chart));
  }

  int id() {
    return Objects.requireNonNull(
        engine
            .store()
            .queryForObject("select id from practices where practice = ?", Integer.class, name));
  }

  /** Every fact that the store keeps about this practice, for comparing before with after. */
  String snapshot() {
    StringBuilder all = new StringBuilder();
    for (String table :
        Set.of(
            "members",
            "patients",
            "patient_blocking_keys",
            "chart_merges",
            "decisions",
            "links",
            "link_changes",
            "reviews",
            "member_changes")) {
      all.append(table).append(": ");
      all.append(
          engine
              .store()
              .queryForObject(
                  "select string_agg(t::text, chr(10) order by t::text) from "
                      + "(select to_jsonb(x) - '{updated_at,decided_at,sent_at}'::text[] from "
                      + table
                      + " x where practice_id = ?) t",
                  String.class,
                  id()));
      all.append('\n');
    }
    return all.toString();
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
    FileSystemUtils.deleteRecursively(engine.mappings().resolve(name));
  }
}
