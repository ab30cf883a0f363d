package org.pmslink.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.linking.ShadowRun;
import org.pmslink.linking.ShadowRun.Change;
import org.pmslink.matching.MatchingRules;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link shadow}. */
@Command(
    name = "shadow",
    mixinStandardHelpOptions = true,
    description = {
      "Decides about everything that a practice has stored with other rules, and touches nothing: says",
      "how many links would be gained or in doubt, and what would go to review. Ids only."
    })
final class ShadowCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;
  @Mixin WhichPractice which;

  @Option(
      names = "--rules",
      required = true,
      paramLabel = "matching.yaml",
      description = "The rules to try.")
  Path rules;

  @Option(
      names = "--report",
      paramLabel = "report.csv",
      description = "Gets a row for each patient that would be treated differently.")
  @Nullable Path report;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  ShadowCommand() {}

  @Override
  public Integer call() throws Exception {
    return MatchCommand.answering(() -> shadow(MatchingRules.read(rules)));
  }

  private int shadow(MatchingRules tried) throws IOException {
    try (var store = tool.store()) {
      run(store, which.practice(store), tried, report);
      return 0;
    }
  }

  /** Runs, prints the sums, and writes each change to the report if there is to be one. */
  static void run(
      ConfigurableApplicationContext store,
      String practice,
      MatchingRules tried,
      @Nullable Path report)
      throws IOException {
    try (CSVPrinter csv =
        report == null
            ? new CSVPrinter(new StringBuilder(), CSVFormat.RFC4180)
            : MatchCommand.printer(
                report, "source", "patient_id", "change", "now", "then", "member_id", "score")) {
      ShadowRun.Report result =
          store
              .getBean(ShadowRun.class)
              .run(
                  practice,
                  tried,
                  changed -> {
                    if (report != null) {
                      print(csv, changed);
                    }
                  });
      store
          .getBean(Audit.class)
          .note(
              practice,
              DeadLettersCommand.actor(),
              "tried rules",
              "rules "
                  + tried.version()
                  + (report == null ? ", sums only" : ", with a report of ids"));
      CommandLineTool.out()
          .println("rules " + tried.version() + " on everything stored; nothing was touched");
      line(result, Change.LINK_GAINED, "links would be gained");
      line(result, Change.LINK_IN_DOUBT, "links would be flagged for verification");
      line(result, Change.TO_REVIEW, "patients would come to review");
      line(result, Change.REVIEW_CLOSED, "reviews would close, with nobody in question");
      line(result, Change.REVIEW_CHANGED, "reviews would have another reason");
      line(result, Change.NONE, "patients would stay as they are");
    }
  }

  private static void line(ShadowRun.Report report, Change change, String words) {
    CommandLineTool.out().printf("%,9d %s%n", report.charts().getOrDefault(change, 0), words);
  }

  private static void print(CSVPrinter csv, ShadowRun.Changed changed) {
    try {
      csv.printRecord(
          changed.source(),
          changed.sourceId(),
          changed.change(),
          changed.now(),
          changed.then(),
          changed.member() == null ? "" : changed.member(),
          changed.score() == null ? "" : MatchCommand.number(changed.score()));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
