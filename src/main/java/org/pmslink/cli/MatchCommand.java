package org.pmslink.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Explanation;
import org.pmslink.matching.InvalidRulesException;
import org.pmslink.matching.MatchingRules;
import org.pmslink.matching.SetMatcher;
import org.pmslink.matching.SetMatcher.Outcome;
import org.pmslink.matching.SetMatcher.Pair;
import org.pmslink.patient.RecordJson;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link match}. */
@Command(
    name = "match",
    mixinStandardHelpOptions = true,
    description = {
      "Matches a CSV file of patients with one of members, as a whole. Starts nothing and keeps nothing.",
      "Exit code 1 when a file or the rules cannot be used, or when rows had to be left out."
    })
final class MatchCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;

  @Option(names = "--patients", required = true, paramLabel = "P.csv", description = "Patients.")
  Path patients;

  @Option(names = "--members", required = true, paramLabel = "M.csv", description = "Members.")
  Path members;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "decisions.csv",
      description = "Gets a row for each patient and member that are possibly one person.")
  Path out;

  @Option(
      names = "--explain",
      paramLabel = "explanations.jsonl",
      description = "Gets the reasons for each row, as JSON; holds patient data.")
  @Nullable Path explain;

  @Option(
      names = "--rules",
      paramLabel = "matching.yaml",
      description = "Rules other than those that PMS Link comes with.")
  @Nullable Path rules;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  MatchCommand() {}

  @Override
  public Integer call() throws Exception {
    return answering(() -> match(rules(rules)));
  }

  /** Runs a command; a file that cannot be used ends it with one line. */
  static int answering(Callable<Integer> command) throws Exception {
    try {
      return command.call();
    } catch (PersonFile.UnusableFileException | InvalidRulesException e) {
      CommandLineTool.out().println(e.getMessage());
    } catch (FileSystemException e) {
      // What was to be read is read by now.
      CommandLineTool.out()
          .println(e.getFile() + ": cannot be written; its folder must exist and be yours");
    }
    return 1;
  }

  static MatchingRules rules(@Nullable Path file) {
    return file == null ? MatchingRules.shipped() : MatchingRules.read(file);
  }

  private int match(MatchingRules rules) throws IOException {
    long start = System.nanoTime();
    if (tool.ownsProcess() && BriefRun.of(patients, members)) {
      BriefRun.withoutOptimisingCompiler();
    }
    PersonFile left = PersonFile.read(patients, false);
    PersonFile right = PersonFile.read(members, false);
    long read = System.nanoTime();
    SetMatcher matcher = new SetMatcher(rules);
    Outcome outcome = matcher.match(left.records(), right.records());
    long decided = System.nanoTime();
    List<Pair> pairs = new ArrayList<>(outcome.pairs());
    pairs.sort(
        Comparator.comparing((Pair pair) -> left.ids().get(pair.left()))
            .thenComparingDouble(pair -> -pair.score())
            .thenComparing(pair -> right.ids().get(pair.right())));
    try (CSVPrinter csv =
        printer(out, "patient_id", "member_id", "grade", "score", "runner_up_score")) {
      for (Pair pair : pairs) {
        csv.printRecord(
            left.ids().get(pair.left()),
            right.ids().get(pair.right()),
            label(pair.grade()),
            number(pair.score()),
            pair.runnerUp() == null ? "" : number(pair.runnerUp()));
      }
    }
    if (explain != null) {
      try (BufferedWriter lines = Files.newBufferedWriter(explain, StandardCharsets.UTF_8)) {
        for (Pair pair : pairs) {
          Explanation why = matcher.explain(pair, left.records(), right.records(), outcome);
          lines.write(json(left.ids().get(pair.left()), right.ids().get(pair.right()), pair, why));
          lines.newLine();
        }
      }
    }
    long certain = pairs.stream().filter(pair -> pair.grade() == Grade.CERTAIN).count();
    CommandLineTool.out()
        .printf(
            "%,d patients, %,d members: %,d pairs, %,d of them certain; %,d compared; rules %s%n",
            left.ids().size(),
            right.ids().size(),
            pairs.size(),
            certain,
            outcome.compared(),
            rules.version());
    times(start, read, decided, outcome.times());
    tooMany(outcome, left);
    return refused(left, right);
  }

  /** How long each step took until now, from readings of {@link System#nanoTime()}. */
  static void times(long start, long read, long decided, SetMatcher.Times times) {
    CommandLineTool.out()
        .printf(
            "read and cleaned in %.1f s, decided in %.1f s (counting %.1f, candidates %.1f, scoring %.1f, rivals %.1f), written in %.1f s%n",
            (read - start) / 1e9,
            (decided - read) / 1e9,
            times.counting() / 1e9,
            times.candidates() / 1e9,
            times.scoring() / 1e9,
            times.rivals() / 1e9,
            (System.nanoTime() - decided) / 1e9);
  }

  static CSVPrinter printer(Path out, String... header) throws IOException {
    return new CSVPrinter(
        Files.newBufferedWriter(out, StandardCharsets.UTF_8),
        CSVFormat.RFC4180.builder().setHeader(header).setRecordSeparator('\n').get());
  }

  static String label(Grade grade) {
    return grade.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static String number(double bits) {
    return String.format(Locale.ROOT, "%.4f", bits);
  }

  /** More records alike than could be compared: that nobody was found does not mean nobody. */
  static void tooMany(Outcome outcome, PersonFile file) {
    outcome.tooManyCandidates().stream()
        .map(number -> file.ids().get(number))
        .sorted()
        .forEach(
            id ->
                CommandLineTool.out()
                    .println("id " + id + ": too many candidates, needs a person"));
  }

  static int refused(PersonFile... files) {
    int refused = 0;
    int mended = 0;
    for (PersonFile file : files) {
      file.mended().forEach(CommandLineTool.out()::println);
      mended += file.mended().size();
      file.refused().forEach(CommandLineTool.out()::println);
      refused += file.refused().size();
    }
    if (mended > 0) {
      CommandLineTool.out().println(mended + " rows were used without a value");
    }
    if (refused > 0) {
      CommandLineTool.out().println(refused + " rows were left out");
    }
    return refused == 0 ? 0 : 1;
  }

  private static String json(String patient, String member, Pair pair, Explanation why)
      throws IOException {
    ObjectNode json = RecordJson.mapper().createObjectNode();
    json.put("patient_id", patient);
    json.put("member_id", member);
    json.put("grade", label(pair.grade()));
    json.put("score", why.comparison().score());
    if (pair.runnerUp() != null) {
      json.put("runner_up_score", pair.runnerUp());
    }
    json.put("rules_version", why.rulesVersion());
    json.put("words", why.words());
    ArrayNode reasons = json.putArray("why_not_certain");
    why.whyNotCertain().forEach(reasons::add);
    ArrayNode evidence = json.putArray("evidence");
    for (Evidence one : why.evidenceWithPrior()) {
      ObjectNode item = evidence.addObject();
      item.put("field", one.field());
      item.put("level", one.level());
      item.put("weight", one.weight());
    }
    return RecordJson.mapper().writeValueAsString(json);
  }
}
