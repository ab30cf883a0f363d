package org.pmslink.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordingFile;
import org.apache.commons.csv.CSVRecord;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.pmslink.PmsLink;
import org.pmslink.matching.MatchingRules;
import org.pmslink.matching.ScorerBenchmark;
import org.pmslink.matching.SetMatcher;
import org.pmslink.sample.PeopleFiles;

/**
 * All that is measured of matching, each figure beside its aim:
 *
 * <pre>
 * mvn -B -ntp -Pmatching-benchmark spring-boot:test-run
 * </pre>
 *
 * Every command runs as a process of its own. Quality is what {@code score.py} of the labelled sets
 * says. Everything is kept below {@code target/matching-benchmark} until the next run.
 */
public final class MatchingBenchmark {
  private static final Path SETS = Path.of("..", "shared", "data", "matching");
  private static final Path FOLDER = Path.of("target", "matching-benchmark");

  private final List<String> jvm;
  private final List<String> table = new ArrayList<>();

  private MatchingBenchmark(List<String> jvm) {
    this.jvm = jvm;
  }

  /**
   * {@code --only=labelled,tuned,scorer,match,dedupe --jvm="OPTION ..." --records=N}; records of
   * {@code dedupe}, of which {@code match} takes a tenth as patients and a fortieth as members.
   */
  public static void main(String[] args) throws Exception {
    List<String> only = List.of(text(args, "--only=", "").split(",", -1));
    int records = Integer.parseInt(text(args, "--records=", "1000000"));
    MatchingBenchmark benchmark =
        new MatchingBenchmark(List.of(text(args, "--jvm=", "-Xmx3g").split("\\s+", -1)));
    Files.createDirectories(FOLDER);
    if (only.contains("labelled") || only.contains("tuned")) {
      benchmark.labelled(only.contains("labelled"), only.contains("tuned"));
    }
    if (only.contains("scorer")) {
      benchmark.scorer();
    }
    if (only.contains("match")) {
      benchmark.match(records / 10, records / 40);
    }
    if (only.contains("dedupe")) {
      benchmark.dedupe(records);
    }
    System.out.printf(
        "%n%-62s %14s  %s%n", "rules " + MatchingRules.shipped().version(), "measured", "aim");
    benchmark.table.forEach(System.out::println);
    System.exit(0);
  }

  private void line(String what, String measured, String aim) {
    table.add(String.format(Locale.ROOT, "%-62s %14s  %s", what, measured, aim));
  }

  // ---- Quality ----

  private void labelled(boolean shipped, boolean tuned) throws Exception {
    if (!Files.isDirectory(SETS)) {
      System.out.println("Skipped: no labelled sets beside the project (" + SETS + ")");
      return;
    }
    if (!hasPython()) {
      System.out.println("Skipped: score.py needs python3, which is not on the path");
      return;
    }
    Path practice = SETS.resolve("dental-dev");
    String[] dental = {
      practice.resolve("pms_patients.csv").toString(), practice.resolve("members.csv").toString()
    };
    String[] fake = {LabelledSets.fake(SETS, FOLDER).toString()};
    String[] withNumber = febrl(true);
    String[] without = febrl(false);
    if (shipped) {
      dental("dental-dev", decisions("dental", dental, false));
      recall(dental);
      febrl("FEBRL4 with number", decisions("febrl-with", withNumber, false), "0.998", "0.9995");
      febrl("FEBRL4 without", decisions("febrl-without", without, false), "0.986", "0.994");
      fake("fake_20000", decisions("fake", fake, false));
    }
    if (tuned) {
      dental("dental-dev, tuned", decisions("dental-tuned", dental, true));
      febrl(
          "FEBRL4 with, tuned", decisions("febrl-with-tuned", withNumber, true), "0.998", "0.9995");
      febrl(
          "FEBRL4 without, tuned",
          decisions("febrl-without-tuned", without, true),
          "0.986",
          "0.994");
      fake("fake_20000, tuned", decisions("fake-tuned", fake, true));
    }
  }

  private static String[] febrl(boolean withNumber) throws IOException {
    return new String[] {
      LabelledSets.febrl(SETS, FOLDER, "dataset4a.csv", withNumber).toString(),
      LabelledSets.febrl(SETS, FOLDER, "dataset4b.csv", withNumber).toString()
    };
  }

  private static boolean hasPython() throws InterruptedException {
    try {
      Process python =
          new ProcessBuilder("python3", "--version")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return python.waitFor() == 0;
    } catch (IOException notThere) {
      return false;
    }
  }

  private Path decisions(String name, String[] files, boolean tuned) throws Exception {
    List<String> inputs =
        files.length == 1
            ? List.of("--records", files[0])
            : List.of("--patients", files[0], "--members", files[1]);
    Path out = FOLDER.resolve(name + "-decisions.csv");
    List<String> command = new ArrayList<>(List.of(files.length == 1 ? "dedupe" : "match"));
    command.addAll(inputs);
    command.addAll(List.of("--out", out.toString()));
    if (tuned) {
      Path proposed = FOLDER.resolve(name + ".yaml");
      List<String> tune = new ArrayList<>(List.of("tune"));
      tune.addAll(inputs);
      tune.addAll(List.of("--out", proposed.toString()));
      pmsLink(tune, List.of());
      command.addAll(List.of("--rules", proposed.toString()));
    }
    pmsLink(command, List.of());
    return out;
  }

  private void dental(String set, Path decisions) throws Exception {
    String said =
        score(
            "dental",
            "--truth",
            SETS.resolve("dental-dev").resolve("truth.csv").toString(),
            "--predictions",
            decisions.toString());
    line(set + ": false links", found(said, "false links +(\\d+)"), "0");
    line("  overconfident", found(said, "overconfident +(\\d+ of \\d+)"), "7 at most");
    line("  share of provable pairs that is certain", found(said, "recall ([\\d.]+)"), "0.95");
    line("  provable pairs lost", found(said, "lost +\\d+ .*\\(([\\d.]+)\\)"), "0.002 at most");
    String nickname = found(said, "(?m)^nickname +\\d+ +([\\d.]+)");
    line("  nicknames that are certain", nickname, "0.95");
  }

  /** True pairs that share a blocking key. */
  private void recall(String[] files) throws IOException {
    PersonFile left = PersonFile.read(Path.of(files[0]), false);
    PersonFile right = PersonFile.read(Path.of(files[1]), false);
    Map<String, Integer> leftOf = numbers(left);
    Map<String, Integer> rightOf = numbers(right);
    List<int[]> pairs = new ArrayList<>();
    for (CSVRecord row : LabelledSets.rows(SETS.resolve("dental-dev").resolve("truth.csv"))) {
      if (row.get("label").equals("match")) {
        pairs.add(
            new int[] {
              leftOf.getOrDefault(row.get("pms_id"), 0),
              rightOf.getOrDefault(row.get("member_id"), 0)
            });
      }
    }
    boolean[] retrieved =
        new SetMatcher(MatchingRules.shipped())
            .retrieves(
                left.records(),
                right.records(),
                pairs.stream().mapToInt(pair -> pair[0]).toArray(),
                pairs.stream().mapToInt(pair -> pair[1]).toArray());
    long found = IntStream.range(0, retrieved.length).filter(i -> retrieved[i]).count();
    line(
        "  provable pairs that share a blocking key",
        String.format(Locale.ROOT, "%.4f", found / (double) retrieved.length),
        "0.999");
  }

  private static Map<String, Integer> numbers(PersonFile file) {
    Map<String, Integer> numbers = new HashMap<>();
    for (String id : file.ids()) {
      numbers.put(id, numbers.size());
    }
    return numbers;
  }

  private void febrl(String set, Path decisions, String recall, String f1) throws Exception {
    Path febrl = SETS.resolve("febrl4");
    String said =
        score(
            "pairs",
            "--records",
            febrl.resolve("dataset4a.csv").toString(),
            febrl.resolve("dataset4b.csv").toString(),
            "--id",
            "rec_id",
            "--febrl",
            "--predictions",
            decisions.toString());
    line(set + ": precision of certain", found(said, "certain +precision ([\\d.]+)"), "1");
    line(
        "  recall of certain", found(said, "certain +precision [\\d.]+ +recall ([\\d.]+)"), recall);
    line("  F1 of all grades", found(said, "possible +precision .* F1 ([\\d.]+)"), f1);
  }

  private void fake(String set, Path decisions) throws Exception {
    String said =
        score(
            "pairs",
            "--records",
            SETS.resolve("fake_20000").resolve("fake_20000.csv").toString(),
            "--id",
            "unique_id",
            "--cluster",
            "group",
            "--predictions",
            decisions.toString());
    line(set + ": precision of certain", found(said, "certain +precision ([\\d.]+)"), "0.999");
    line("  F1 of all grades", found(said, "possible +precision .* F1 ([\\d.]+)"), "0.75");
  }

  private static String score(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("python3", SETS.resolve("score.py").toString()));
    command.addAll(List.of(arguments));
    Process judge = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(judge.getInputStream().readAllBytes(), UTF_8);
    System.out.println(said);
    if (judge.waitFor() != 0) {
      throw new IllegalStateException("score.py failed");
    }
    return said;
  }

  private static String found(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    return matcher.find() ? matcher.group(1) : "?";
  }

  // ---- Speed ----

  private void scorer() throws RunnerException {
    Map<String, String> names = new LinkedHashMap<>();
    names.put("compareFully", "scored pairs/s per core, every field");
    names.put("compare", "scored pairs/s per core, hopeless ones half compared");
    names.put("featuresAndKeys", "records/s per core, folded and keyed");
    names.put("normalize", "records/s per core, cleaned");
    for (RunResult run :
        new Runner(
                new OptionsBuilder()
                    .include(Pattern.quote(ScorerBenchmark.class.getName()))
                    .verbosity(VerboseMode.NORMAL)
                    .build())
            .run()) {
      Result<?> time = run.getPrimaryResult();
      Result<?> share = run.getSecondaryResults().get("cpuShare");
      // Summed over the iterations of all forks.
      double cpu = share == null ? 1 : share.getScore() / time.getSampleCount();
      String name = time.getLabel();
      String what = names.getOrDefault(name, name);
      String aim = name.startsWith("compare") ? "1,000,000" : "";
      line(what, String.format(Locale.ROOT, "%,.0f", 1e6 / (time.getScore() * cpu)), aim);
      line(
          "  by the clock on the wall, with " + Math.round(100 * cpu) + " % of a core",
          String.format(Locale.ROOT, "%,.0f", 1e6 / time.getScore()),
          "");
    }
  }

  private void match(int patients, int members) throws Exception {
    Path left = FOLDER.resolve("patients.csv");
    Path right = FOLDER.resolve("members.csv");
    try (BufferedWriter p = PeopleFiles.file(left);
        BufferedWriter m = PeopleFiles.file(right)) {
      PeopleFiles.twoSides(patients, members, PeopleFiles.csv(p), PeopleFiles.csv(m));
    }
    timed(
        String.format(Locale.ROOT, "match %,d x %,d", patients, members),
        List.of(
            "match",
            "--patients",
            left.toString(),
            "--members",
            right.toString(),
            "--out",
            FOLDER.resolve("decisions.csv").toString()),
        "10",
        "");
  }

  private void dedupe(int records) throws Exception {
    Path file = FOLDER.resolve("records.csv");
    try (BufferedWriter out = PeopleFiles.file(file)) {
      PeopleFiles.oneSide(records, PeopleFiles.csv(out));
    }
    timed(
        String.format(Locale.ROOT, "dedupe %,d", records),
        List.of(
            "dedupe",
            "--records",
            file.toString(),
            "--out",
            FOLDER.resolve("pairs.csv").toString()),
        "180",
        "4.0");
  }

  private void timed(String what, List<String> command, String seconds, String memory)
      throws Exception {
    // First as it is used: a flight recording takes a second and more of its own.
    Ending ending = pmsLink(command, List.of());
    line(what + ": s", String.format(Locale.ROOT, "%.1f", ending.seconds), seconds);
    line("  CPU s", String.format(Locale.ROOT, "%.1f", ending.cpu), "");
    line("  peak memory, GB", String.format(Locale.ROOT, "%.1f", ending.peak / 1e9), memory);
    Path recording = FOLDER.resolve("recording.jfr");
    pmsLink(
        command,
        List.of("-XX:StartFlightRecording=settings=default,dumponexit=true,filename=" + recording));
    Map<String, Integer> steps = new LinkedHashMap<>();
    for (String step :
        List.of("reading", "counting", "candidates", "scoring", "deciding", "other")) {
      steps.put(step, 0);
    }
    int samples = 0;
    for (RecordedEvent event : RecordingFile.readAllEvents(recording)) {
      if (event.getEventType().getName().equals("jdk.ExecutionSample")) {
        steps.merge(step(event), 1, Integer::sum);
        samples++;
      }
    }
    for (Map.Entry<String, Integer> step : steps.entrySet()) {
      line(
          "  share of samples in " + step.getKey(),
          String.format(Locale.ROOT, "%.3f", step.getValue() / (double) Math.max(1, samples)),
          "");
    }
  }

  private static String step(RecordedEvent event) {
    List<String> classes = new ArrayList<>();
    if (event.getStackTrace() != null) {
      for (RecordedFrame frame : event.getStackTrace().getFrames()) {
        String type = frame.getMethod().getType().getName();
        classes.add(type.substring(type.lastIndexOf('.') + 1).replaceFirst("\\$.*", ""));
      }
    }
    return classes.contains("PairScore")
        ? "scoring"
        : classes.contains("CandidateSearch")
            ? "candidates"
            : classes.contains("CountedPopulation")
                ? "counting"
                : classes.contains("PersonFile")
                    ? "reading"
                    : classes.contains("SetMatcher") ? "deciding" : "other";
  }

  /**
   * How a process ended.
   *
   * @param peak most memory that was resident, in bytes; 0 where there is no {@code /proc}
   */
  private record Ending(double seconds, double cpu, long peak) {}

  private Ending pmsLink(List<String> arguments, List<String> extra) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvm);
    command.addAll(extra);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(PmsLink.class.getName());
    command.addAll(arguments);
    long start = System.nanoTime();
    Process process = new ProcessBuilder(command).inheritIO().start();
    Thread atExit = new Thread(process::destroy, "stop-the-command");
    Runtime.getRuntime().addShutdownHook(atExit);
    Path status = Path.of("/proc", Long.toString(process.pid()), "status");
    long peak = 0;
    double cpu = 0;
    while (!process.waitFor(50, TimeUnit.MILLISECONDS)) {
      // The kernel keeps the highest value, so that only the last look counts.
      peak = Math.max(peak, peak(status));
      cpu = process.info().totalCpuDuration().map(used -> used.toMillis() / 1e3).orElse(cpu);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Runtime.getRuntime().removeShutdownHook(atExit);
    if (process.exitValue() != 0) {
      throw new IllegalStateException(arguments.get(0) + " ended with " + process.exitValue());
    }
    return new Ending(seconds, cpu, peak);
  }

  private static long peak(Path status) {
    try {
      return Files.readAllLines(status).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      return 0;
    }
  }

  private static String text(String[] args, String option, String otherwise) {
    return Arrays.stream(args)
        .filter(a -> a.startsWith(option))
        .map(a -> a.substring(option.length()))
        .findFirst()
        .orElse(otherwise);
  }
}
