package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.pmslink.PmsLink;
import org.pmslink.cli.CommandLineTool;
import org.pmslink.csv.DamagedFiles;
import org.pmslink.csv.DamagedFiles.Damaged;
import org.pmslink.feed.FeedFiles;
import org.pmslink.feed.FeedStates;
import org.pmslink.membership.Members;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Files that an office drops, read by the running engine. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class CsvFolderTest {
  private static final AtomicInteger NEXT = new AtomicInteger(1);
  private static final String HEADER = "Patient ID,Last Name,First Name,DOB,Cell,E-Mail,City\n";

  private final Engine engine;
  private final String name = "csv-office-" + NEXT.getAndIncrement();
  private final Path folder;

  CsvFolderTest(Engine engine, @TempDir Path folder) {
    this.engine = engine;
    this.folder = folder;
  }

  @AfterEach
  void disconnect() throws Exception {
    CamelContext camel = engine.bean(CamelContext.class);
    if (camel.getRoute(name) != null) {
      camel.getRouteController().stopRoute(name);
      camel.removeRoute(name);
    }
    Files.deleteIfExists(feedFile());
  }

  private Path feedFile() {
    return engine.feeds().resolve(name + ".camel.yaml");
  }

  private FeedFiles.@Nullable Refusal connect(String mappings, String... more) throws IOException {
    List<String> parameters =
        new ArrayList<>(
            List.of("feed", name, "practice", name, "source", "export", "mappings", mappings));
    parameters.addAll(List.of(more));
    if (!parameters.contains("folder")) {
      parameters.addAll(List.of("folder", folder.toString()));
    }
    if (!parameters.contains("settle")) {
      parameters.addAll(List.of("settle", "100ms"));
    }
    StringBuilder text =
        new StringBuilder("- templatedRoute:\n    routeTemplateRef: csv-folder\n    routeId: ");
    text.append(name).append("\n    parameters:\n");
    for (int i = 0; i < parameters.size(); i += 2) {
      text.append("      - name: ").append(parameters.get(i)).append("\n        value: \"");
      text.append(parameters.get(i + 1)).append("\"\n");
    }
    Files.writeString(feedFile(), text);
    return engine.bean(FeedFiles.class).load(engine.bean(CamelContext.class), feedFile());
  }

  private void open() throws IOException {
    assertThat(connect("csv")).isNull();
    Awaitility.await().atMost(Office.LONGEST).until(() -> Files.isDirectory(folder.resolve("in")));
  }

  /** As it is done right: under another name first. */
  private void drop(String file, byte[] bytes) throws IOException {
    Path part = Files.write(folder.resolve("in").resolve(file + ".part"), bytes);
    Files.move(part, folder.resolve("in").resolve(file));
  }

  private void drop(String file, String text) throws IOException {
    drop(file, text.getBytes(StandardCharsets.UTF_8));
  }

  private static String row(String id, Someone who) {
    return String.join(
            ",",
            id,
            who.family(),
            who.given(),
            who.birthDate(),
            who.mobile(),
            who.email(),
            who.city())
        + "\n";
  }

  private void awaitFile(String path) {
    Awaitility.await(path)
        .atMost(Office.LONGEST)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> Files.exists(folder.resolve(path)));
  }

  /** Nothing is left in the folder, and what was read is stored and decided. */
  private void awaitSettled() {
    Awaitility.await("all of " + name + " is stored")
        .atMost(Office.LONGEST)
        .pollInterval(Duration.ofMillis(50))
        .ignoreExceptions()
        .until(
            () ->
                files("in").isEmpty()
                    && count(
                            "select count(*) from feed_runs where practice_id = ?"
                                + " and phase <> 'DONE'")
                        == 0
                    && count(
                            "select count(*) from decisions where practice_id = ?"
                                + " and stale_since is not null")
                        == 0);
  }

  private List<String> files(String below) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(below))) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  private String text(String path) throws IOException {
    return Files.readString(folder.resolve(path));
  }

  private long count(String sql) {
    return Objects.requireNonNull(
        engine
            .store()
            .queryForObject(
                sql,
                Long.class,
                engine
                    .store()
                    .queryForObject(
                        "select id from practices where practice = ?", Integer.class, name)));
  }

  private List<String> charts() {
    return engine
        .store()
        .queryForList(
            "select p.source_id from patients p join practices o on o.id = p.practice_id"
                + " where o.practice = ? order by p.source_id",
            String.class,
            name);
  }

  private List<String> links() {
    return engine
        .store()
        .queryForList(
            "select p.source_id || ' ' || m.member_number from links l"
                + " join patients p on p.id = l.patient_id join members m on m.id = l.member_id"
                + " join practices o on o.id = l.practice_id where o.practice = ?"
                + " and l.ended_at is null order by 1",
            String.class,
            name);
  }

  private FeedStates.Status status() {
    return engine.bean(FeedStates.class).find(name).orElseThrow();
  }

  @Test
  void aDroppedFileIsLoadedLinkedAndMoved() throws Exception {
    Someone ines = Someone.named("Ines", "Caldwell");
    open();
    engine.bean(Members.class).add(name, List.of(new Members.NewMember("M1", ines.typed("M1"))));
    StringBuilder file = new StringBuilder(HEADER).append(row("A-7", ines));
    for (int i = 0; i < 40; i++) {
      file.append(row("B" + i, Someone.named("Nadia", "Oyelaran")));
    }

    drop("patients.csv", file.toString());
    awaitSettled();

    assertThat(charts()).hasSize(41);
    assertThat(links()).containsExactly("A-7 M1");
    assertThat(files("done")).containsExactly("patients.csv", "patients.csv.report.txt");
    assertThat(files("refused")).isEmpty();
    assertThat(text("done/patients.csv")).isEqualTo(file.toString());
    assertThat(text("done/patients.csv.report.txt")).contains("patients        41");
    assertThat(
            count("select count(*) from feed_runs where practice_id = ? and kind = 'FIRST_LOAD'"))
        .as("links are decided when all charts are there")
        .isEqualTo(1);
    assertThat(count("select max(expected) from feed_runs where practice_id = ?"))
        .as("how many the onboarding page is told of")
        .isEqualTo(41);
    assertThat(status().state()).isEqualTo("RUNNING");
    assertThat(status().reason()).isNull();
    assertThat(status().lastReceivedAt()).isNotNull();
  }

  @Test
  void aSecondFileChangesWhatDiffersAndTheSameFileNothing() throws Exception {
    Someone ines = Someone.named("Ines", "Caldwell");
    Someone nora = Someone.named("Nora", "Quist");
    open();
    drop("patients.csv", HEADER + row("1", ines) + row("2", nora));
    awaitSettled();
    String before = snapshot();

    drop("patients.csv", HEADER + row("1", ines) + row("2", nora));
    awaitFile("done/patients-2.csv");
    awaitSettled();
    assertThat(snapshot()).isEqualTo(before);

    drop("patients.csv", HEADER + row("2", nora.withMobile("6142280001")));
    awaitFile("done/patients-3.csv");
    awaitSettled();
    assertThat(snapshot()).isNotEqualTo(before).contains("+16142280001");
    assertThat(charts()).as("who is not in a file is not gone").containsExactly("1", "2");
  }

  private List<String> present() {
    return engine
        .store()
        .queryForList(
            "select p.source_id from patients p join practices o on o.id = p.practice_id"
                + " where o.practice = ? and p.removed_at is null order by p.source_id",
            String.class,
            name);
  }

  @Test
  void whoIsNotInACompleteFileIsRemovedUnlessTheFileIsInDoubt() throws Exception {
    assertThat(connect("csv", "complete", "true", "pageSize", "20")).isNull();
    Awaitility.await().atMost(Office.LONGEST).until(() -> Files.isDirectory(folder.resolve("in")));
    String one = row("1", Someone.named("Ines", "Caldwell"));
    String two = row("2", Someone.named("Nora", "Quist"));
    String three = row("3", Someone.named("Ruth", "Crane"));
    drop("patients.csv", HEADER + one + two + three);
    awaitSettled();
    assertThat(present()).containsExactly("1", "2", "3");

    drop("patients.csv", HEADER + two + three);
    awaitFile("done/patients-2.csv");
    awaitSettled();
    assertThat(present()).containsExactly("2", "3");
    assertThat(text("done/patients-2.csv.report.txt")).contains("removed         1");

    // Whoever is in the row that cannot be read may be the one who seems to be missing.
    drop("patients.csv", HEADER + two + ",Crane,Ruth,,,,\n");
    awaitFile("done/patients-3.csv");
    awaitSettled();
    assertThat(present()).containsExactly("2", "3");
    assertThat(text("done/patients-3.csv.report.txt")).contains("removed         none, because");

    drop("patients.errors.csv", text("refused/patients.errors.csv").replace(",,Crane", ",4,Crane"));
    awaitFile("done/patients.errors.csv");
    awaitSettled();
    assertThat(present()).as("rows given back are no complete file").containsExactly("2", "3", "4");

    // Its first rows are stored long before its last one is read.
    StringBuilder other = new StringBuilder(HEADER);
    for (int i = 100; i < 400; i++) {
      other.append(row(String.valueOf(i), Someone.named("Mona", "Ashworth")));
    }
    drop("other.csv", other.toString());
    awaitFile("done/other.csv");
    awaitSettled();
    assertThat(present()).as("another office's file").hasSize(303).contains("2", "3", "4");
    assertThat(status().reasonCategory()).isEqualTo("FILE_PROBLEM");
    assertThat(status().reason()).contains("3 of 3 charts are not in the file");
  }

  @Test
  void idsThatExcelTookTheZerosFromAreNoNewCharts() throws Exception {
    assertThat(connect("csv", "complete", "true")).isNull();
    Awaitility.await().atMost(Office.LONGEST).until(() -> Files.isDirectory(folder.resolve("in")));
    Someone ines = Someone.named("Ines", "Caldwell");
    Someone nora = Someone.named("Nora", "Quist");
    drop("patients.csv", HEADER + row("00123", ines) + row("00124", nora));
    awaitSettled();
    assertThat(present()).containsExactly("00123", "00124");

    drop("patients.csv", HEADER + row("123", ines.withMobile("6142280001")) + row("124", nora));
    awaitFile("done/patients-2.csv");
    awaitSettled();
    assertThat(present()).as("no chart twice, and none gone").containsExactly("00123", "00124");
    assertThat(snapshot()).contains("+16142280001");
    assertThat(text("done/patients-2.csv.report.txt"))
        .contains("2 in \"Patient ID\": ids with other zeros in front than before, put right");

    // Somebody else, as far as anybody can tell from the row.
    String ruth = row("123", Someone.named("Ruth", "Crane")).replaceAll("\\d{4}-\\d\\d-\\d\\d", "");
    drop("patients.csv", HEADER + ruth + row("00124", nora));
    awaitFile("done/patients-3.csv");
    awaitSettled();
    assertThat(present()).containsExactly("00123", "00124");
    assertThat(text("refused/patients.errors.csv"))
        .contains("row 2 has a new id that is a known chart's number with other zeros in front");
    assertThat(status().reason()).startsWith("1 row of a file could not be used");

    drop("patients.csv", HEADER + ruth + row("00123", ines) + row("00124", nora));
    awaitFile("done/patients-4.csv");
    awaitSettled();
    assertThat(present()).as("the file tells them apart").containsExactly("00123", "00124", "123");
  }

  /** The file before held one of the family, this one holds another: nothing in it shows that. */
  @Test
  void aRelativeOnAnAccountDoesNotOverwriteTheChartAndARenamedPatientDoes() throws Exception {
    open();
    String header = HEADER.replace("Patient ID", "Acct #");
    Someone ines = Someone.named("Ines", "Caldwell");
    Someone nora = Someone.named("Nora", "Quist");
    drop("first.csv", header + row("500", ines) + row("501", nora));
    awaitSettled();
    assertThat(present()).containsExactly("500", "501");

    Someone brother = Someone.named("Marcus", "Caldwell");
    Someone otto = Someone.named("Otto", "Quist");
    String unborn = row("501", otto).replace(otto.birthDate(), "");
    drop("second.csv", header + row("500", brother) + unborn + row("502", brother));
    awaitFile("done/second.csv");
    awaitSettled();

    assertThat(snapshot()).contains("Ines").contains("Nora").doesNotContain("Otto");
    assertThat(present()).containsExactly("500", "501", "502");
    assertThat(text("refused/second.errors.csv"))
        .contains("row 2 has the id of a known chart with another first name")
        .contains("row 3 has the id of a known chart with another first name")
        .contains("\"\"Acct #\"\" may be a family's");
    assertThat(status().reason()).startsWith("2 rows of a file could not be used");

    String renamed = row("500", ines).replace("Caldwell", "Ortega").replace("Ines", "Inez");
    drop("third.csv", header + renamed + row("501", nora).replace("Nora", "Nora May"));
    awaitFile("done/third.csv");
    awaitSettled();
    assertThat(snapshot()).as("the birth date shows who it is").contains("Inez").contains("Ortega");
    assertThat(status().reason()).isNull();
  }

  private String snapshot() {
    return engine
        .store()
        .queryForList(
            "select p.source_id || p.record::text from patients p join practices o"
                + " on o.id = p.practice_id where o.practice = ? order by 1",
            String.class,
            name)
        .toString();
  }

  @Test
  void aFileThatCannotBeReadIsRefusedInPlainWordsAndTheNextOneIsRead() throws Exception {
    open();
    drop("export.csv", "PatNum,LName\n\"Lee, Ana\",Lee\n\"Kim, Jo\",Kim\n");
    drop("empty.csv", "");
    awaitFile("refused/export.csv");
    awaitFile("refused/empty.csv");

    assertThat(text("refused/export.csv.reason.txt"))
        .contains("\"PatNum\" holds names")
        .contains("\"Raw\"");
    assertThat(text("refused/empty.csv.reason.txt")).contains("the file is empty");
    Awaitility.await().until(() -> "FILE_PROBLEM".equals(status().reasonCategory()));
    assertThat(status().state()).isEqualTo("RUNNING");

    drop("good.csv", HEADER + row("1", Someone.named("Ines", "Caldwell")));
    awaitFile("done/good.csv");
    awaitSettled();
    assertThat(charts()).containsExactly("1");
    assertThat(status().reason()).isNull();
  }

  @Test
  void rowsWithAProblemComeBackAndAreReadOnceTheyAreMended() throws Exception {
    open();
    String lost = row("", Someone.named("Nora", "Quist"));
    drop("patients.csv", HEADER + row("1", Someone.named("Ines", "Caldwell")) + lost);
    awaitFile("done/patients.csv");
    awaitSettled();

    assertThat(charts()).containsExactly("1");
    Awaitility.await().until(() -> "FILE_PROBLEM".equals(status().reasonCategory()));
    assertThat(status().reason()).startsWith("1 row of a file could not be used");
    String problems = text("refused/patients.errors.csv");
    assertThat(problems).startsWith("\uFEFFproblem,Patient ID,").contains("row 3 has no id");
    assertThat(files("refused")).as("and nothing half-made").hasSize(1);

    drop("patients.errors.csv", problems.replace(",,Quist", ",2,Quist"));
    awaitFile("done/patients.errors.csv");
    awaitSettled();
    assertThat(charts()).containsExactly("1", "2");
  }

  @Test
  void aFileThatCouldNotBeMovedIsReadAgainAndChangesNothingTwice() throws Exception {
    Someone ines = Someone.named("Ines", "Caldwell");
    open();
    engine.bean(Members.class).add(name, List.of(new Members.NewMember("M1", ines.typed("M1"))));
    // All of it is on the queue by then, as after a crash in the last moment.
    Path inTheWay = Files.createDirectories(folder.resolve("done/patients.csv.report.txt/x"));
    StringBuilder file = new StringBuilder(HEADER).append(row("A", ines)).append(",Lost,Row,,,,\n");
    for (int i = 0; i < 50; i++) {
      file.append(row("B" + i, Someone.named("Nadia", "Oyelaran")));
    }
    drop("patients.csv", file.toString());
    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(() -> "FILE_PROBLEM".equals(status().reasonCategory()) && charts().size() == 51);
    assertThat(status().reason()).contains("in its way").doesNotContain("patients.csv");
    assertThat(files("in")).containsExactly("patients.csv");
    String before = snapshot();

    Files.delete(inTheWay);
    Files.delete(folder.resolve("done/patients.csv.report.txt"));
    awaitFile("done/patients.csv");
    awaitSettled();

    assertThat(snapshot()).isEqualTo(before);
    assertThat(links()).containsExactly("A M1");
    assertThat(files("refused")).containsExactly("patients.errors.csv");
    assertThat(count("select count(*) from feed_runs where practice_id = ?"))
        .as("the load that was cut short goes on")
        .isEqualTo(1);
    assertThat(status().state()).isEqualTo("RUNNING");
  }

  @Test
  void aFileThatStillGrowsIsNotRead() throws Exception {
    assertThat(connect("csv", "settle", "2s")).isNull();
    awaitFile("in");
    Path growing = folder.resolve("in/patients.csv");
    Files.writeString(growing, HEADER);
    AtomicInteger written = new AtomicInteger();

    Awaitility.await()
        .pollInterval(Duration.ofMillis(300))
        .during(Duration.ofSeconds(6))
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              String row = row("1" + written.incrementAndGet(), Someone.named("Ines", "Caldwell"));
              Files.writeString(growing, row, StandardOpenOption.APPEND);
              return charts().isEmpty() && files("done").isEmpty();
            });
    awaitFile("done/patients.csv");
    awaitSettled();

    assertThat(charts()).hasSize(written.get());
  }

  @Test
  void damagedFilesHoldUpNobody() throws Exception {
    open();
    List<String> good = new ArrayList<>();
    for (int number = 0; number < 60; number++) {
      Damaged damaged = DamagedFiles.file(number);
      // The thousand are read by the test of the files themselves; here the large ones only take
      // time.
      if (damaged.bytes().length < 1_000_000) {
        drop("damaged-" + number + ".csv", damaged.bytes());
        good.addAll(damaged.goodIds());
      }
    }
    drop("last.csv", HEADER + row("last", Someone.named("Ines", "Caldwell")));
    good.add("last");
    awaitSettled();

    assertThat(charts()).containsExactlyInAnyOrderElementsOf(good);
    assertThat(count("select count(*) from dead_letters where practice_id = ?")).isZero();
    assertThat(status().state()).isEqualTo("RUNNING");
  }

  @Test
  void noPatientDataIsInLogsOrReasons(CapturedOutput output) throws Exception {
    String secret = "Xyloquenta";
    open();
    drop(secret + ".csv", "Nothing,Known\n" + secret + ",1\n");
    drop(secret + "-2.csv", "Patient ID,Surname,Last Name\n1," + secret + "," + secret + "\n");
    drop(
        secret + "-3.csv",
        HEADER + "1," + secret + ",A\0na,,,,\n,Ana," + secret + ",,,,\n9,Lee,Jo,1984-01-01,,,\n");
    Files.createDirectories(folder.resolve("done/" + secret + "-4.csv.report.txt/x"));
    drop(secret + "-4.csv", HEADER + row("7", Someone.named("Ana", secret)));
    awaitFile("refused/" + secret + "-2.csv");
    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(() -> output.getAll().contains("cannot be read to its end or put aside"));

    assertThat(output.getAll())
        .contains("a file is refused")
        .doesNotContain(secret, "Exception occurred during onCompletion");
    assertThat(status().reason()).doesNotContain(secret);
    assertThat(text("refused/" + secret + "-2.csv.reason.txt"))
        .contains("\"Surname\"")
        .doesNotContain(secret);
  }

  @Test
  void aFileThatCannotBePutAsideHoldsUpNobody() throws Exception {
    Path inTheWay = folder.resolve("done/first.csv.report.txt");
    Files.createDirectories(inTheWay.resolve("x"));
    open();
    drop("first.csv", HEADER + row("1", Someone.named("Ines", "Caldwell")));
    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(() -> "FILE_PROBLEM".equals(status().reasonCategory()));
    assertThat(status().reason()).contains("in its way").doesNotContain("first");
    drop("second.csv", HEADER + row("2", Someone.named("Omar", "Haddad")));

    awaitFile("done/second.csv");
    assertThat(folder.resolve("in/first.csv")).exists();
    Awaitility.await().atMost(Office.LONGEST).until(() -> charts().equals(List.of("1", "2")));
    assertThat(status().state()).isEqualTo("RUNNING");

    Files.delete(inTheWay.resolve("x"));
    Files.delete(inTheWay);
    awaitFile("done/first.csv");
    assertThat(text("done/first.csv.report.txt")).contains("patients");
  }

  @Test
  void aFolderThatIsNotThereIsSaidAndTakenUpOnceItIs() throws Exception {
    Path later = folder.resolve("share");
    assertThat(connect("csv", "folder", later.toString())).isNull();
    Awaitility.await()
        .atMost(Office.LONGEST)
        .ignoreExceptions()
        .until(() -> "UNREACHABLE".equals(status().reasonCategory()));
    assertThat(later).as("a share that is not mounted is not hidden").doesNotExist();

    Files.createDirectories(later);
    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(() -> status().state().equals("RUNNING") && Files.isDirectory(later.resolve("in")));
  }

  @ParameterizedTest
  @CsvSource({
    "csv, folder, '', line 14: folder: must be the path of a folder",
    "csv, settle, soon, line 14: settle:",
    "csv, officeZone, Ohio, line 14: officeZone:",
    "csv, delimiter, ';', unknown parameter",
    "open-dental, pageSize, 5, open-dental/columns.yaml: cannot be read"
  })
  void aFeedFileThatIsWrongIsRefusedWithItsLine(
      String mappings, String parameter, String value, String reason) throws IOException {
    FeedFiles.Refusal refusal = connect(mappings, parameter, value);

    assertThat(Objects.requireNonNull(refusal).reason()).contains(reason);
  }

  @Test
  void aSyncIsAnsweredThoughNothingIsThere() throws Exception {
    assertThat(connect("csv", "settle", "PT0.1S")).isNull();
    awaitFile("in");
    drop("patients.csv", HEADER + row("1", Someone.named("Ines", "Caldwell")));
    awaitFile("done/patients.csv");
    awaitSettled();
    Instant asked = Instant.now();
    engine.bean(FeedStates.class).askForPass(name, name, false);

    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(
            () ->
                Objects.requireNonNull(status().lastPassAt())
                    .isAfter(asked.minus(Duration.ofMillis(1))));
  }

  @Test
  void aDryRunTellsWhatWouldBeReadAndDeliversNothing() throws Exception {
    Path file = folder.resolve("try.csv");
    Files.writeString(
        file,
        "List of patients\n"
            + "Patient ID;Last Name;DOB;Cell;Shoe\n"
            + "1;Xyloquenta;3/19/1984;5.03556E+09;9\n"
            + ";Xyloquenta;;;\n");
    FileTime before = Files.getLastModifiedTime(file);

    String printed = run(1, "csv", "check", file.toString(), "--mappings", "csv");

    assertThat(printed)
        .contains("delimiter       semicolon")
        .contains("header          row 2; what stands above it is passed over")
        .contains("\"DOB\" is birthDate")
        .contains("not recognised  \"Shoe\"")
        .contains("dates           month first (1 dates tell)")
        .contains("patients        1")
        .contains("mended          1 in \"Cell\"")
        .contains("row 4 has no id in \"Patient ID\"")
        .doesNotContain("Xyloquenta");
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(before);
    Files.writeString(file, "ID,Last Name\n1,Lee\n");
    assertThat(run(0, "csv", "check", file.toString())).contains("problems        0");
    Files.writeString(file, "ID,Colour\n1,red\n");
    assertThat(run(1, "csv", "check", file.toString())).startsWith("refused: no row names");
    assertThat(run(0, "csv", "check", "--help")).contains("--mappings", "FILE");
  }

  @Test
  void aTrialForAPracticeCountsWhatWouldBeDecidedAndKeepsNothing() throws Exception {
    Someone ines = Someone.named("Ines", "Caldwell");
    open();
    engine.bean(Members.class).add(name, List.of(new Members.NewMember("M1", ines.typed("M1"))));
    StringBuilder neighbours = new StringBuilder(HEADER);
    for (int i = 0; i < 40; i++) {
      neighbours.append(row("B" + i, Someone.named("Nadia", "Oyelaran")));
    }
    drop("patients.csv", neighbours.toString());
    awaitSettled();
    Path file = folder.resolve("try.csv");
    Files.writeString(file, HEADER + row("A-7", ines) + row("A-8", Someone.named("Ruth", "Crane")));

    Shell checked = Shell.run(engine, "csv", "check", file.toString(), "--practice", name);

    assertThat(checked.output())
        .contains("would be        1 linked (CERTAIN)")
        .containsPattern("would be        1 unlinked \\(\\w+\\)")
        .doesNotContain("Caldwell");
    assertThat(checked.status()).isZero();
    assertThat(charts()).hasSize(40);
    assertThat(Shell.run(engine, "csv", "check", file.toString(), "--practice", "x").output())
        .contains("There is no practice \"x\"");
    assertThat(Shell.run(engine, "feed", "dry-run", name).output())
        .contains("pms-link csv check FILE --practice " + name);
  }

  @Test
  void checkReadsTheTableOfHeaders() throws Exception {
    Path mappings = Files.createDirectories(engine.mappings().resolve(name));
    Path table = mappings.resolve("columns.yaml");
    Files.copy(engine.mappings().resolve("csv/columns.yaml"), table);
    assertThat(Shell.run(engine, "check", mappings.toString()).output())
        .isEqualTo(name + "/columns.yaml: ok\n");

    Files.writeString(table, "id:\n  kind: ident\n  names: [ID]\n");

    Shell wrong = Shell.run(engine, "check", mappings.toString());
    assertThat(wrong.output()).startsWith(name + "/columns.yaml line 2: kind is none of id");
    assertThat(wrong.status()).isEqualTo(1);
    Files.delete(table);
  }

  private static String run(int status, String... words) {
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      assertThat(CommandLineTool.run(PmsLink.class, words))
          .as(() -> Stream.of(words).collect(Collectors.joining(" ")))
          .isEqualTo(status);
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }
}
