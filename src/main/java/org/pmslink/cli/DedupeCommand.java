package org.pmslink.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.commons.csv.CSVPrinter;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.MatchingRules;
import org.pmslink.matching.SetMatcher;
import org.pmslink.matching.SetMatcher.Outcome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code pms-link dedupe}. */
@Command(
    name = "dedupe",
    mixinStandardHelpOptions = true,
    description = {
      "Finds the records of a CSV file that are one person. Starts nothing and keeps nothing.",
      "Exit code 1 when the file or the rules cannot be used, or when rows had to be left out."
    })
final class DedupeCommand implements Callable<Integer> {
  @Option(names = "--records", required = true, paramLabel = "R.csv", description = "Records.")
  Path records;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "pairs.csv",
      description = "Gets a row for each two records that are possibly one person.")
  Path out;

  @Option(
      names = "--rules",
      paramLabel = "matching.yaml",
      description = "Rules other than those that PMS Link comes with.")
  @Nullable Path rules;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  DedupeCommand() {}

  /** Two ids in the order of their texts, so that the order of the file shows nowhere. */
  private record Row(String a, String b, Grade grade, double score) {}

  @Override
  public Integer call() throws Exception {
    return MatchCommand.answering(() -> dedupe(MatchCommand.rules(rules)));
  }

  private int dedupe(MatchingRules rules) throws IOException {
    long start = System.nanoTime();
    PersonFile file = PersonFile.read(records, true);
    long read = System.nanoTime();
    Outcome outcome = new SetMatcher(rules).dedupe(file.records());
    long decided = System.nanoTime();
    List<Row> rows = new ArrayList<>(outcome.pairs().size());
    for (SetMatcher.Pair pair : outcome.pairs()) {
      String one = file.ids().get(pair.left());
      String other = file.ids().get(pair.right());
      boolean inOrder = one.compareTo(other) <= 0;
      rows.add(new Row(inOrder ? one : other, inOrder ? other : one, pair.grade(), pair.score()));
    }
    rows.sort(Comparator.comparing(Row::a).thenComparing(Row::b));
    try (CSVPrinter csv = MatchCommand.printer(out, "id_a", "id_b", "grade", "score")) {
      for (Row row : rows) {
        csv.printRecord(
            row.a, row.b, MatchCommand.label(row.grade), MatchCommand.number(row.score));
      }
    }
    CommandLineTool.out()
        .printf(
            "%,d records: %,d pairs, %,d of them certain; %,d compared; rules %s%n",
            file.ids().size(),
            rows.size(),
            rows.stream().filter(row -> row.grade == Grade.CERTAIN).count(),
            outcome.compared(),
            rules.version());
    MatchCommand.times(start, read, decided, outcome.times());
    MatchCommand.tooMany(outcome, file);
    return MatchCommand.refused(file);
  }
}
