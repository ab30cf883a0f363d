package org.pmslink.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.pmslink.PmsLink;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.deadletter.LetterGroups;
import org.pmslink.linking.Explaining;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Members;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SearchWords;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.pmslink.security.PayloadCipher;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.FileSystemUtils;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/**
 * Fills the store with a practice of {@code --patients} charts and {@code --members} members and
 * with nine more practices of as many, and says how long somebody who is signed in waits for each
 * page of the console, beside a page that does nothing:
 *
 * <pre>
 * mvn -B -ntp -Pbenchmark spring-boot:test-run -Dbenchmark.main=org.pmslink.benchmark.PageBenchmark
 * </pre>
 *
 * <p>What was filled is kept below {@code target/page-benchmark} and taken again by the next run of
 * the same size. A page that is added without an address here ends the run.
 */
public final class PageBenchmark {
  private static final String PRACTICE = "bright-smiles";
  private static final Path FOLDER = Path.of("target", "page-benchmark");
  private static final String PASSWORD = "a sentence to remember";
  private static final Pattern TOKEN = Pattern.compile("name=\"_csrf\" value=\"([^\"]+)\"");
  private static final int OTHERS = 9;
  private static final int AT_ONCE = 5_000;
  private static final double AIM_MS = 100;
  private static final String NEVER = "86400000";
  private static final List<String> GIVENS =
      List.of(
          "Maria", "James", "Ana", "Robert", "Linda", "David", "Susan", "Joseph", "Karen", "Daniel",
          "Nancy", "Paul", "Sandra", "Mark", "Ashley", "Kevin", "Donna", "Brian", "Emily",
          "George");
  private static final List<String> BEGINNINGS =
      List.of(
          "Smith", "John", "Ander", "Garci", "Mill", "Thomp", "Rodri", "Walk", "Peter", "Hern",
          "Lind", "Berg", "Whit", "Col", "Ash", "Brad", "Car", "Dal", "Ever", "Fair");
  private static final List<String> ENDINGS =
      List.of(
          "", "son", "sen", "ley", "ford", "wood", "man", "field", "berg", "ton", "well", "worth",
          "ham", "by", "more", "land", "stone", "ridge", "dale", "brook");

  private final int times;

  /**
   * @param times that each page is asked for, after a fifth as many to warm up
   */
  private PageBenchmark(int times) {
    this.times = times;
  }

  /** {@code --patients=N --members=N --times=N}. */
  public static void main(String[] args) throws Exception {
    int patients = number(args, "--patients=", 100_000);
    int members = Math.min(patients, number(args, "--members=", 25_000));
    Path filled = FOLDER.resolve("filled-" + patients + "-" + members);
    boolean fill = Files.notExists(filled);
    if (fill) {
      FileSystemUtils.deleteRecursively(FOLDER);
      Files.createDirectories(FOLDER);
    }
    try (ConfigurableApplicationContext engine = engine()) {
      if (fill) {
        fill(engine, patients, members);
        Files.createFile(filled);
      }
      new PageBenchmark(number(args, "--times=", 200)).measure(engine, patients, members);
    }
    System.exit(0);
  }

  private static int number(String[] args, String name, int otherwise) {
    return Arrays.stream(args)
        .filter(a -> a.startsWith(name))
        .map(a -> Integer.parseInt(a.substring(name.length())))
        .findFirst()
        .orElse(otherwise);
  }

  /** What works in the background would decide anew about all that was filled in. */
  private static ConfigurableApplicationContext engine() throws IOException {
    Path spine = FOLDER.resolve("routes");
    FileSystemUtils.deleteRecursively(spine);
    FileSystemUtils.copyRecursively(Path.of("routes"), spine);
    FileSystemUtils.deleteRecursively(spine.resolve("feeds"));
    Files.createDirectories(spine.resolve("feeds"));
    return new SpringApplicationBuilder(PmsLink.class)
        .web(WebApplicationType.SERVLET)
        .run(
            "--pmslink.data-folder=" + FOLDER.resolve("data"),
            "--pmslink.programs-folder=" + Path.of("target", "postgres-programs"),
            "--pmslink.mappings-folder=mappings",
            "--pmslink.routes-folder=" + spine,
            "--pmslink.sweep.period=" + NEVER,
            "--pmslink.merges.period=" + NEVER,
            "--pmslink.duplicates.period=" + NEVER,
            "--pmslink.alerts.period=" + NEVER,
            "--pmslink.replay.period=" + NEVER,
            "--server.port=0",
            "--management.server.port=0");
  }

  // ---- Filling ----

  private static SourcePatient person(int i, String id) {
    String given = GIVENS.get(i * 7 % GIVENS.size());
    String family =
        BEGINNINGS.get(i / 3 % BEGINNINGS.size()) + ENDINGS.get(i / 60 % ENDINGS.size());
    return SourcePatient.person(
        id,
        family,
        given,
        null,
        null,
        null,
        LocalDate.of(1940, 1, 1).plusDays(i * 31L % 29_000).toString(),
        i % 2 == 0 ? "F" : "M",
        null,
        List.of(
            new SourcePatient.SourcePhone(
                "mobile", String.format(Locale.ROOT, "614%03d%04d", 230 + i / 10_000, i % 10_000))),
        List.of(String.format(Locale.ROOT, "%s.%s%d@buckeyemail.com", given, family, i)),
        new SourcePatient.SourceAddress(
            100 + i % 900 + " Oak St", null, "Columbus", "OH", "432" + (10 + i % 80), null),
        i % 50 == 0 ? null : String.valueOf(i - i % 3));
  }

  private static void fill(ConfigurableApplicationContext engine, int patients, int members) {
    Instant began = Instant.now();
    JdbcTemplate store = engine.getBean(JdbcTemplate.class);
    int practice = engine.getBean(Practices.class).id(PRACTICE);
    charts(engine, store, practice, patients);
    List<Members.NewMember> added = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      String number = String.format(Locale.ROOT, "M%06d", i);
      added.add(new Members.NewMember(number, person(i, number)));
      if (added.size() == AT_ONCE || i == members - 1) {
        engine.getBean(Members.class).add(PRACTICE, added);
        added.clear();
      }
    }
    store.update("update members set matched_version = version");
    store.update("delete from duplicates_to_look_for");
    for (int other = 1; other <= OTHERS; other++) {
      another(store, practice, engine.getBean(Practices.class).id("practice-" + other));
    }
    aroundCharts(store, practice);
    String comparison = comparison(engine);
    decided(store, practice, comparison);
    passes(store, practice);
    letters(engine, store, practice);
    store.execute("vacuum analyze");
    System.out.printf(
        Locale.ROOT,
        "Filled in %,d charts and %,d members in each of %d practices in %d s%n",
        patients,
        members,
        OTHERS + 1,
        Duration.between(began, Instant.now()).toSeconds());
  }

  private static void charts(
      ConfigurableApplicationContext engine, JdbcTemplate store, int practice, int patients) {
    PatientNormalizer normalizer = engine.getBean(PatientNormalizer.class);
    List<Object[]> rows = new ArrayList<>();
    Set<String> names = new TreeSet<>();
    for (int i = 0; i < patients; i++) {
      PatientRecord record = normalizer.normalize(person(i, String.valueOf(i)), ZoneOffset.UTC);
      names.addAll(SearchWords.names(record.person()));
      List<String> words = new ArrayList<>();
      SearchWords.of(record.person(), record.sourceId())
          .forEach(w -> words.add(practice + "." + w));
      if (record.person().guarantorId() != null) {
        words.add(practice + ".family:" + record.person().guarantorId());
      }
      rows.add(
          new Object[] {
            practice,
            record.sourceId(),
            i % 10 == 3 ? "INACTIVE" : "ACTIVE",
            (long) i,
            RecordJson.write(record),
            new TreeSet<>(PracticeMatcher.blockingKeys(record.person())).toArray(Long[]::new),
            words.toArray(String[]::new)
          });
      if (rows.size() == AT_ONCE || i == patients - 1) {
        store.batchUpdate(
            """
            insert into patients (practice_id, source, source_id, version, status, content_hash,
                                  fingerprint, record, blocking_keys, words)
            values (?, 'open-dental', ?, 1, ?, '', ?, ?::json, ?, array_to_tsvector(?::text[]))""",
            rows);
        rows.clear();
      }
    }
    store.update(
        "insert into name_words (practice_id, word) select ?, unnest(?::text[])",
        practice,
        names.toArray(String[]::new));
    store.update(
        """
        insert into patient_blocking_keys (practice_id, key, patient_id)
        select practice_id, k, id from patients, unnest(blocking_keys) k where practice_id = ?""",
        practice);
  }

  /** The same people, with the numbers of another practice. */
  private static void another(JdbcTemplate store, int practice, int other) {
    String words =
        "array_to_tsvector(array(select "
            + other
            + " || substr(w, strpos(w, '.'))"
            + " from unnest(tsvector_to_array(words)) w))";
    store.update(
        "insert into patients (practice_id, source, source_id, version, status, content_hash,"
            + " fingerprint, record, blocking_keys, words) select ?, source, source_id, version,"
            + " status, content_hash, fingerprint, record, blocking_keys, "
            + words
            + " from patients where practice_id = ?",
        other,
        practice);
    store.update(
        """
        insert into patient_blocking_keys (practice_id, key, patient_id)
        select practice_id, k, id from patients, unnest(blocking_keys) k where practice_id = ?""",
        other);
    store.update(
        "insert into members (practice_id, member_number, family, given, birth_date, phone_mobile,"
            + " email, person, blocking_keys, words, matched_version) select ?, member_number,"
            + " family, given, birth_date, phone_mobile, email, person, blocking_keys, "
            + words
            + ", 1 from members where practice_id = ?",
        other,
        practice);
    store.update(
        "insert into name_words select ?, word from name_words where practice_id = ?",
        other,
        practice);
  }

  private static void aroundCharts(JdbcTemplate store, int practice) {
    store.update(
        """
        insert into visits (practice_id, source, stream, source_id, version, fingerprint,
                            content_hash, patient_source_id, on_date, status, procedure_codes)
        select ?, 'open-dental', 'VISITS', p.source_id || '-' || v, 1, 1, 1, p.source_id,
               current_date - v * 90, 'COMPLETED', '{D1110}'
        from patients p, generate_series(1, 6) v where p.practice_id = ?""",
        practice,
        practice);
    store.update(
        """
        insert into transactions (practice_id, source, stream, source_id, version, fingerprint,
                                  content_hash, patient_source_id, on_date, type, amount_cents,
                                  code, voided)
        select ?, 'open-dental', 'TRANSACTIONS', p.source_id || '-' || t, 1, 1, 1, p.source_id,
               current_date - t * 45, 'CHARGE', t * 1000, 'D1110', false
        from patients p, generate_series(1, 12) t where p.practice_id = ?""",
        practice,
        practice);
  }

  /** What rules say of a chart and the member who is the same person. */
  private static String comparison(ConfigurableApplicationContext engine) {
    return RecordJson.write(
        engine
            .getBean(Explaining.class)
            .explain(PRACTICE, "open-dental", "8", "M000008")
            .now()
            .explanation()
            .comparison());
  }

  /** Of ten members eight are linked, one is in review, and one is like nobody. */
  private static void decided(JdbcTemplate store, int practice, String comparison) {
    store.update(
        """
        insert into links (practice_id, source, patient_id, member_id, made_by, reason,
                           rules_version, flag_reason, flagged_at)
        select m.practice_id, 'open-dental', p.id, m.id, 'rule', 'CERTAIN', 'benchmark',
               case when n % 100 = 1 then 'LINK_DRIFTED' end, case when n % 100 = 1 then now() end
        from (select *, substr(member_number, 2)::int as n from members where practice_id = ?) m
        join patients p on p.practice_id = m.practice_id and p.source_id = n::text
        where n % 10 < 8""",
        practice);
    store.update(
        """
        insert into link_changes (practice_id, link_id, action, actor, reason)
        select practice_id, id, 'MADE', 'rule', 'CERTAIN' from links""");
    store.update(
        """
        insert into member_changes (practice_id, member_id, field, before, after, actor)
        select m.practice_id, m.id, 'CITY', 'Dayton', 'Columbus', 'feed'
        from members m, generate_series(1, 10) where m.practice_id = ?""",
        practice);
    store.update(
        """
        insert into reviews (practice_id, patient_id, reason, candidates, rules_version)
        select p.practice_id, p.id, case when n % 3 = 0 then 'NOT_CERTAIN' else 'CLAIMED_TWICE' end,
               jsonb_build_array(jsonb_build_object(
                 'memberNumber', m.member_number, 'comparison', ?::jsonb)), 'benchmark'
        from (select *, substr(member_number, 2)::int as n from members where practice_id = ?) m
        join patients p on p.practice_id = m.practice_id and p.source_id = n::text
        where n % 10 = 8""",
        comparison, practice);
    store.update(
        """
        insert into duplicates (practice_id, kind, one, other, grade, score, explanation,
                                rules_version)
        select ?, k, min(id), max(id), 'PROBABLE', 12, ?::json, 'benchmark'
        from (select 'MEMBER' as k, id, row_number() over (order by id) / 2 as pair from members
              where practice_id = ?
              union all
              select 'CHART', id, row_number() over (order by id) / 2 from patients
              where practice_id = ?) r
        where pair between 1 and 500 group by k, pair""",
        practice,
        comparison,
        practice,
        practice);
    store.update(
        """
        insert into plans (practice_id, name, entitlements, created_by)
        values (?, 'Gold', '[{"name": "Cleanings", "codes": ["D1110"], "perYear": 2}]', 'anna')""",
        practice);
    store.update(
        """
        insert into memberships (practice_id, member_id, plan_id, status, starts_on)
        select m.practice_id, m.id, p.id, 'ACTIVE', current_date - 400 from members m
        join plans p on p.practice_id = m.practice_id""");
  }

  private static void passes(JdbcTemplate store, int practice) {
    store.update(
        """
        insert into feeds (practice_id, feed, source, state, last_pass_at)
        values (?, 'bright-smiles', 'open-dental', 'RUNNING', now())""",
        practice);
    store.update(
        """
        insert into feed_runs (practice_id, feed, source, kind, phase, last_page, records,
                               started_at, read_at, finished_at)
        select ?, 'bright-smiles', 'open-dental', case when r = 1 then 'FIRST_LOAD' else 'CHANGES' end,
               'DONE', 200, 100000, now() - (5000 - r) * interval '10 minutes', now(), now()
        from generate_series(1, 5000) r""",
        practice);
    store.update(
        """
        insert into feed_pages (practice_id, run_id, page, part, handled, expected, records,
                                unchanged, linked, to_review, unlinked, dead_lettered)
        select practice_id, id, p, '', 500, 500, 500, 0, 100, 20, 380, 0
        from feed_runs, generate_series(1, case when kind = 'FIRST_LOAD' then 200 else 4 end) p""");
    store.update(
        """
        insert into audit (practice_id, actor, action, at, detail, chain)
        select ?, 'anna', 'saw member', now() - a * interval '1 minute', 'M' || a, '\\x00'
        from generate_series(1, 200000) a""",
        practice);
  }

  private static void letters(
      ConfigurableApplicationContext engine, JdbcTemplate store, int practice) {
    byte[] payload =
        engine
            .getBean(PayloadCipher.class)
            .seal("{\"records\":[{\"LName\":\"Lee\"}]}".getBytes(UTF_8), "dead-letter");
    store.update(
        """
        insert into dead_letter_groups (practice_id, group_key, feed, hop, record_type, category,
                                        message, mapping, mapping_version, mapping_line, field)
        select ?, left(md5(g::text), 16), 'bright-smiles', 'match', 'PATIENTS', 'MAPPING_FAILED',
               'open-dental/patient.jslt: the field "f' || g || '" has the wrong type',
               'open-dental/patient.jslt', 'benchmark', g, 'f' || g from generate_series(1, 50) g""",
        practice);
    store.update(
        """
        insert into dead_letters (practice_id, feed, hop, record_type, source_id, group_key, payload,
                                  version, attempts, first_at, last_at, state)
        select ?, 'bright-smiles', 'match', 'PATIENTS', i::text, left(md5((i % 50 + 1)::text), 16), ?,
               i, 1, now() - i * interval '1 minute', now() - i * interval '1 minute', 'OPEN'
        from generate_series(1, 20000) i""",
        practice, payload);
    engine.getBean(LetterGroups.class).sumUp();
    store.update(
        """
        insert into replay_tasks (practice_id, selection, actor, per_second, state, left_out,
                                  finished_at)
        values (?, 'group', 'anna', 50, 'DONE', 0, now())""",
        practice);
    store.update(
        """
        insert into replay_items (practice_id, task_id, letter_id, state, decided_at)
        select t.practice_id, t.id, l.id, 'PASSED', now() from replay_tasks t
        join dead_letters l on l.practice_id = t.practice_id limit 1000""");
  }

  // ---- Measuring ----

  private final HttpClient http =
      HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).build();
  private final Map<String, String> cookies = new TreeMap<>();
  private String token = "";
  private String url = "";

  private record Answer(int status, int bytes) {}

  private Answer send(String path, String form, boolean asHtmx) {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path));
    StringBuilder line = new StringBuilder();
    cookies.forEach((name, value) -> line.append(name).append('=').append(value).append("; "));
    request.header("Cookie", line.toString());
    if (asHtmx) {
      request.header("HX-Request", "true");
    }
    if (!form.isEmpty()) {
      request
          .header("Content-Type", "application/x-www-form-urlencoded")
          .POST(
              HttpRequest.BodyPublishers.ofString(
                  form + "&_csrf=" + URLEncoder.encode(token, UTF_8)));
    }
    try {
      HttpResponse<String> answer =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      for (String set : answer.headers().allValues("Set-Cookie")) {
        String pair = set.substring(0, set.indexOf(';'));
        cookies.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
      }
      Matcher found = TOKEN.matcher(answer.body());
      if (found.find()) {
        token = found.group(1);
      }
      return new Answer(answer.statusCode(), answer.body().length());
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(path, e);
    }
  }

  private void measure(ConfigurableApplicationContext engine, int patients, int members) {
    url = "http://127.0.0.1:" + engine.getEnvironment().getRequiredProperty("local.server.port");
    String login = "anna" + System.nanoTime();
    Users users = engine.getBean(Users.class);
    users.changePassword(login, users.add(login), PASSWORD);
    for (Role role : Role.values()) {
      // No person is a machine.
      if (role != Role.MACHINE) {
        users.grant(login, PRACTICE, role);
      }
    }
    send("/sign-in", "", false);
    send("/sign-in", "login=" + login + "&password=" + PASSWORD.replace(' ', '+'), false);
    send("/password", "", false);
    JdbcTemplate store = engine.getBean(JdbcTemplate.class);
    System.out.printf(
        Locale.ROOT,
        "%,d charts and %,d members in the practice, %,d charts in the store; %d cores, Java %s,"
            + " load %.1f%n",
        patients,
        members,
        store.queryForObject("select count(*) from patients", Long.class),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("java.version"),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    System.out.printf(
        Locale.ROOT, "%-40s %8s %8s %8s %8s%n", "ms, one caller", "p50", "p95", "p99", "KB");
    print("(the limit) a page that does nothing", i -> send("/password", "", false));
    int slow = 0;
    Map<String, IntFunction<String>> pages = pages(store, members);
    for (String pattern : patterns(engine)) {
      IntFunction<String> address = pages.get(pattern);
      if (address == null) {
        throw new IllegalStateException("no address is known here for GET " + pattern);
      }
      String base = "/console/" + PRACTICE;
      if (print(pattern, i -> send(base + address.apply(i), "", false)) > AIM_MS) {
        slow++;
      }
    }
    List<String> typed =
        List.of("sm", "maria", "smithson", "Smihtson", "1951-03-14", "43215", "2301234", "ana gar");
    for (String search : List.of("/patients", "/members")) {
      if (print(
              "POST " + search + ", as one types",
              i ->
                  send(
                      "/console/" + PRACTICE + search,
                      "q=" + typed.get(i % typed.size()).replace(' ', '+'),
                      true))
          > AIM_MS) {
        slow++;
      }
    }
    System.out.printf(Locale.ROOT, "%d pages above %.0f ms at p95%n", slow, AIM_MS);
  }

  /** Every address of a practice that is asked with GET; the file of what is left is no page. */
  private static Set<String> patterns(ConfigurableApplicationContext engine) {
    Set<String> patterns = new TreeSet<>();
    engine
        .getBean(RequestMappingHandlerMapping.class)
        .getHandlerMethods()
        .forEach(
            (info, method) -> {
              for (String path : info.getPatternValues()) {
                if (path.startsWith("/console/{practice}")
                    && info.getMethodsCondition().getMethods().contains(RequestMethod.GET)) {
                  patterns.add(path.substring("/console/{practice}".length()));
                }
              }
            });
    patterns.remove("/onboarding/left.csv");
    patterns.remove("/**");
    // It reads a file, and there is none here.
    patterns.remove("/feeds/{feed}/file");
    return patterns;
  }

  private static Map<String, IntFunction<String>> pages(JdbcTemplate store, int members) {
    Map<String, IntFunction<String>> pages = new LinkedHashMap<>();
    List<Long> reviews = ids(store, "select id from reviews");
    List<Long> duplicates = ids(store, "select id from duplicates where kind = 'CHART'");
    List<Long> letters = ids(store, "select id from dead_letters");
    String group =
        store.queryForObject("select min(group_key) from dead_letter_groups", String.class);
    IntFunction<String> linked = i -> member(i, members, 0);
    IntFunction<String> unlinked = i -> member(i, members, 9);
    pages.put("", i -> "");
    pages.put("/audit", i -> "/audit");
    pages.put("/duplicates", i -> "/duplicates");
    pages.put("/duplicates/told-apart", i -> "/duplicates/told-apart");
    pages.put("/duplicates/{id}", i -> "/duplicates/" + duplicates.get(i % duplicates.size()));
    pages.put("/bench", i -> "/bench");
    pages.put("/feeds", i -> "/feeds");
    pages.put("/feeds/{feed}", i -> "/feeds/bright-smiles");
    Long task =
        store.queryForObject(
            """
            insert into feed_tasks (practice_id, feed, kind, state, everything, actor, ended_at)
            select id, 'bright-smiles', 'CHECK', 'DONE', false, 'anna', now()
            from practices where practice = ? returning id""",
            Long.class,
            PRACTICE);
    pages.put("/feeds/{feed}/tasks/{id}", i -> "/feeds/bright-smiles/tasks/" + task);
    pages.put("/flagged", i -> "/flagged");
    pages.put("/letters", i -> "/letters");
    pages.put("/letters/find", i -> "/letters/find?feed=bright-smiles");
    pages.put("/letters/group", i -> "/letters/group?key=" + group);
    pages.put("/letters/{id}", i -> "/letters/" + letters.get(i % letters.size()));
    pages.put("/members", i -> "/members?show=" + (i % 2 == 0 ? "all" : "unlinked"));
    pages.put("/members/new", i -> "/members/new");
    pages.put("/members/{number}", i -> "/members/" + linked.apply(i));
    pages.put(
        "/members/{number}/compare",
        i -> {
          String number = linked.apply(i);
          return "/members/"
              + number
              + "/compare?source=open-dental&id="
              + Integer.parseInt(number.substring(1));
        });
    pages.put("/members/{number}/link", i -> "/members/" + unlinked.apply(i) + "/link");
    pages.put("/members/{number}/next", i -> "/members/" + unlinked.apply(i) + "/next");
    pages.put(
        "/members/{number}/merge",
        i -> "/members/" + linked.apply(i) + "/merge?with=" + linked.apply(i + 1));
    pages.put("/onboarding", i -> "/onboarding");
    pages.put("/patient", i -> "/patient?source=open-dental&id=" + i * 97 % members);
    pages.put("/patients", i -> "/patients");
    long run =
        Objects.requireNonNull(store.queryForObject("select max(id) from feed_runs", Long.class));
    pages.put("/patients/coming", i -> "/patients/coming?source=open-dental&id=nobody&run=" + run);
    pages.put("/plans", i -> "/plans");
    pages.put("/replays/{id}", i -> "/replays/1");
    pages.put("/reviews", i -> "/reviews");
    pages.put(
        "/duplicates/next", i -> "/duplicates/next?after=" + duplicates.get(i % duplicates.size()));
    pages.put("/reviews/next", i -> "/reviews/next?after=" + reviews.get(i % reviews.size()));
    pages.put("/reviews/{id}", i -> "/reviews/" + reviews.get(i % reviews.size()));
    return pages;
  }

  private static List<Long> ids(JdbcTemplate store, String sql) {
    return store.queryForList(sql + " order by id limit 1000", Long.class);
  }

  /** A member whose number ends with a digit. */
  private static String member(int i, int members, int last) {
    return String.format(Locale.ROOT, "M%06d", i * 370 % members / 10 * 10 + last);
  }

  private interface Step {
    Answer run(int i);
  }

  /** Prints a line and returns the 95th percentile. */
  private double print(String what, Step step) {
    for (int i = 0; i < times / 5; i++) {
      check(what, step.run(times + i));
    }
    double[] took = new double[times];
    int bytes = 0;
    for (int i = 0; i < times; i++) {
      long began = System.nanoTime();
      Answer answer = step.run(i);
      took[i] = (System.nanoTime() - began) / 1e6;
      check(what, answer);
      bytes = Math.max(bytes, answer.bytes());
    }
    Arrays.sort(took);
    double p95 = took[times * 95 / 100];
    System.out.printf(
        Locale.ROOT,
        "%-40s %8.1f %8.1f %8.1f %8d%s%n",
        what.isEmpty() ? "/" : what,
        took[times / 2],
        p95,
        took[times * 99 / 100],
        bytes / 1024,
        p95 > AIM_MS ? "  above " + Math.round(AIM_MS) : "");
    return p95;
  }

  private static void check(String what, Answer answer) {
    if (answer.status() >= 400) {
      throw new IllegalStateException(what + " was answered with " + answer.status());
    }
  }
}
