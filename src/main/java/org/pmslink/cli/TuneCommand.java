package org.pmslink.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.commons.csv.CSVPrinter;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.Populations;
import org.pmslink.matching.DecisionChanges;
import org.pmslink.matching.MatchingRules;
import org.pmslink.matching.RecordSet;
import org.pmslink.matching.RulesFile;
import org.pmslink.matching.SetMatcher;
import org.pmslink.matching.Tuning;
import org.pmslink.matching.Tuning.Change;
import org.pmslink.matching.Tuning.Proposal;
import org.pmslink.membership.Charts;
import org.pmslink.practice.Practices;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link tune}. */
@Command(
    name = "tune",
    mixinStandardHelpOptions = true,
    description = {
      "Estimates the matching rules' m and u from files without labels, writes a proposed rules file, and shows what it"
          + " would change about these files. Nothing changes until it is adopted.",
      "Exit code 1 when a file or the rules cannot be used, when the records do not carry an estimate, or when rows had"
          + " to be left out."
    })
final class TuneCommand implements Callable<Integer> {
  /** Enough for every level that matters, and small enough for the memory of a workplace. */
  private static final int MOST_CHARTS = 200_000;

  @ParentCommand CommandLineTool tool;

  @ArgGroup(multiplicity = "1")
  Task task = new Task();

  @SuppressWarnings("NullAway.Init") // picocli fills in the parent
  TuneCommand() {}

  /** One of five things to do. */
  static final class Task {
    @ArgGroup(exclusive = false)
    @Nullable TwoFiles two;

    @Option(
        names = "--records",
        required = true,
        paramLabel = "R.csv",
        description = "Records of one practice, for the duplicates among them.")
    @Nullable Path records;

    @Option(
        names = "--practice",
        required = true,
        paramLabel = "NAME",
        description =
            "What the store has of a practice; shows what the proposal would change there, and touches nothing.")
    @Nullable String practice;

    @Option(
        names = "--adopt",
        required = true,
        paramLabel = "proposed.yaml",
        description =
            "Puts a proposed file in the place of --rules (default: mappings/matching.yaml), whole or not at all."
                + " The former file is kept beside it, its version added to its name.")
    @Nullable Path adopt;

    @Option(
        names = "--discard",
        required = true,
        paramLabel = "proposed.yaml",
        description = "Removes a proposed file.")
    @Nullable Path discard;
  }

  /** Patients and members. */
  static final class TwoFiles {
    @Option(names = "--patients", required = true, paramLabel = "P.csv", description = "Patients.")
    Path patients;

    @Option(names = "--members", required = true, paramLabel = "M.csv", description = "Members.")
    Path members;

    @SuppressWarnings("NullAway.Init") // picocli fills them in
    TwoFiles() {}
  }

  @Option(
      names = "--out",
      paramLabel = "proposed.yaml",
      description = "Gets the proposed rules: the present file with other figures.")
  @Nullable Path out;

  @Option(
      names = "--report",
      paramLabel = "report.csv",
      description = "Gets each pair whose grade would change, with both grades and scores.")
  @Nullable Path report;

  @Option(
      names = "--rules",
      paramLabel = "matching.yaml",
      description = "The present rules, if not those that PMS Link comes with.")
  @Nullable Path rules;

  @Spec CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    return MatchCommand.answering(
        () -> {
          try {
            return run();
          } catch (Tuning.CannotTuneException e) {
            CommandLineTool.out().println(e.getMessage());
            return 1;
          }
        });
  }

  private int run() throws IOException {
    if (task.adopt != null) {
      return adopt(task.adopt, rules == null ? Path.of("mappings", "matching.yaml") : rules);
    }
    if (task.discard != null) {
      return discard(task.discard, rules == null ? Path.of("mappings", "matching.yaml") : rules);
    }
    if (out == null) {
      throw new ParameterException(spec.commandLine(), "Missing required option: '--out'");
    }
    if (task.practice != null) {
      return stored(task.practice, out);
    }
    MatchingRules present = MatchCommand.rules(rules);
    Tuning tuning = new Tuning(present, LocalDate.now(ZoneOffset.UTC));
    return task.two != null
        ? match(present, tuning, task.two, out)
        : dedupe(present, tuning, task.records == null ? Path.of("") : task.records, out);
  }

  private int stored(String practice, Path out) throws IOException {
    try (var store = tool.store()) {
      Practices practices = store.getBean(Practices.class);
      if (!practices.names().contains(practice)) {
        throw new IllegalArgumentException(
            "there is no practice \"" + practice + "\"; known are " + practices.names());
      }
      int id = practices.id(practice);
      Charts charts = store.getBean(Charts.class);
      MatchingRules present =
          rules == null
              ? store.getBean(Populations.class).rules(practice)
              : MatchingRules.read(rules);
      RecordSet left = new RecordSet();
      RecordSet right = new RecordSet();
      charts.sample(id, MOST_CHARTS, left::add);
      charts.eachMember(id, right::add);
      Proposal proposal = new Tuning(present, LocalDate.now(ZoneOffset.UTC)).propose(left, right);
      RulesFile.replace(out, proposal.text().getBytes(StandardCharsets.UTF_8));
      print(proposal);
      ShadowCommand.run(store, practice, proposal.rules(), report);
      versions(present, proposal, out);
      return 0;
    }
  }

  private int match(MatchingRules present, Tuning tuning, TwoFiles files, Path out)
      throws IOException {
    PersonFile left = PersonFile.read(files.patients, false);
    PersonFile right = PersonFile.read(files.members, false);
    Proposal proposal = tuning.propose(left.records(), right.records());
    RulesFile.replace(out, proposal.text().getBytes(StandardCharsets.UTF_8));
    DecisionChanges changes =
        DecisionChanges.between(
            new SetMatcher(present).match(left.records(), right.records()).pairs(),
            new SetMatcher(proposal.rules()).match(left.records(), right.records()).pairs());
    print(present, proposal, changes, out);
    report(changes, List.of("patient_id", "member_id"), left.ids(), right.ids());
    return MatchCommand.refused(left, right);
  }

  private int dedupe(MatchingRules present, Tuning tuning, Path records, Path out)
      throws IOException {
    PersonFile file = PersonFile.read(records, true);
    Proposal proposal = tuning.propose(file.records());
    RulesFile.replace(out, proposal.text().getBytes(StandardCharsets.UTF_8));
    DecisionChanges changes =
        DecisionChanges.between(
            new SetMatcher(present).dedupe(file.records()).pairs(),
            new SetMatcher(proposal.rules()).dedupe(file.records()).pairs());
    print(present, proposal, changes, out);
    report(changes, List.of("id_a", "id_b"), file.ids(), file.ids());
    return MatchCommand.refused(file);
  }

  private static void print(
      MatchingRules present, Proposal proposal, DecisionChanges changes, Path out) {
    print(proposal);
    CommandLineTool.out()
        .printf(
            Locale.ROOT,
            "Of %,d pairs: links gained %,d, links lost %,d, moved to review %,d, moved out of review %,d%n",
            changes.pairs(),
            changes.linksGained(),
            changes.linksLost(),
            changes.movedToReview(),
            changes.movedOutOfReview());
    versions(present, proposal, out);
  }

  private static void versions(MatchingRules present, Proposal proposal, Path out) {
    CommandLineTool.out()
        .printf(
            "Rules %s now, %s proposed, in %s%n",
            present.version(), proposal.rules().version(), out);
  }

  private static void print(Proposal proposal) {
    CommandLineTool.out().println("Estimated from " + proposal.estimatedFrom());
    CommandLineTool.out()
        .printf(
            Locale.ROOT,
            "%-13s %-18s %10s -> %-10s %11s -> %-11s %7s -> %-7s %9s%n",
            "field",
            "level",
            "m",
            "",
            "u",
            "",
            "bits",
            "",
            "pairs");
    for (Change change : proposal.changes()) {
      CommandLineTool.out()
          .printf(
              Locale.ROOT,
              "%-13s %-18s %10s -> %-10s %11s -> %-11s %7.2f -> %-7.2f %9.0f%n",
              change.field(),
              change.level(),
              figure(change.m()),
              figure(change.newM()),
              figure(change.u()),
              figure(change.newU()),
              change.weight(),
              change.newWeight(),
              change.pairs());
    }
  }

  private static String figure(double share) {
    return new java.math.BigDecimal(Double.toString(share)).toPlainString();
  }

  private record Row(String a, String b, DecisionChanges.Change change) {}

  private void report(
      DecisionChanges changes, List<String> header, List<String> lefts, List<String> rights)
      throws IOException {
    if (report == null) {
      return;
    }
    List<Row> rows =
        changes.changes().stream()
            .map(
                change -> row(change, lefts.get(change.left()), rights.get(change.right()), header))
            .sorted(Comparator.comparing(Row::a).thenComparing(Row::b))
            .toList();
    try (CSVPrinter csv =
        MatchCommand.printer(
            report,
            header.get(0),
            header.get(1),
            "grade_before",
            "grade_after",
            "score_before",
            "score_after")) {
      for (Row row : rows) {
        csv.printRecord(
            row.a,
            row.b,
            MatchCommand.label(row.change.before()),
            MatchCommand.label(row.change.after()),
            score(row.change.scoreBefore()),
            score(row.change.scoreAfter()));
      }
    }
  }

  /** Two of one file in the order of their ids, as {@code dedupe} writes them. */
  private static Row row(
      DecisionChanges.Change change, String left, String right, List<String> header) {
    boolean turned = header.get(0).equals("id_a") && left.compareTo(right) > 0;
    return new Row(turned ? right : left, turned ? left : right, change);
  }

  private static String score(@Nullable Double bits) {
    return bits == null ? "" : MatchCommand.number(bits);
  }

  private static int adopt(Path proposed, Path rules) throws IOException {
    RulesFile.Adoption adoption = RulesFile.adopt(proposed, rules);
    CommandLineTool.out()
        .printf(
            "%s: rules %s before, %s now%s%n",
            rules,
            adoption.before(),
            adoption.after(),
            adoption.kept() == null ? "" : "; the former file is " + adoption.kept().getFileName());
    return 0;
  }

  private static int discard(Path proposed, Path rules) throws IOException {
    String version = RulesFile.discard(proposed);
    String stays =
        (java.nio.file.Files.exists(rules) ? MatchingRules.read(rules) : MatchingRules.shipped())
            .version();
    CommandLineTool.out().printf("Rules %s discarded; %s before, %s now%n", version, stays, stays);
    return 0;
  }
}
