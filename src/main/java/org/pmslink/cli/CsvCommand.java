package org.pmslink.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.pmslink.csv.ColumnNames;
import org.pmslink.csv.CsvFile;
import org.pmslink.csv.RefusedFileException;
import org.pmslink.linking.TrialDecisions;
import org.pmslink.linking.TrialDecisions.Trial;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.membership.Charts;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.practice.Practices;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link csv}. */
@Command(
    name = "csv",
    mixinStandardHelpOptions = true,
    description = "Tries an exported file before it is dropped into the folder of a CSV feed.",
    subcommands = CsvCommand.Check.class)
final class CsvCommand implements Runnable {
  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec = CommandSpec.create();

  @SuppressWarnings("NullAway.Init") // picocli fills in the parent
  CsvCommand() {}

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "What to do? See pms-link csv --help.");
  }

  /** {@code pms-link csv check}. */
  @Command(
      name = "check",
      mixinStandardHelpOptions = true,
      description = {
        "Reads an exported file as a CSV feed would: says its encoding, delimiter, columns and date",
        "order, counts its rows, and names those with a problem. With --practice, how many charts would be",
        "linked or go to review. Starts nothing, delivers nothing, and shows no values. Exit code 1 when the",
        "file would be refused or rows have a problem."
      })
  static final class Check implements Callable<Integer> {
    private static final int PAGE = 2_000;

    /** Charts that are decided about together; two that claim one member are rivals. */
    private static final int SIDE_BY_SIDE = 20_000;

    @ParentCommand CsvCommand parent;

    @Parameters(index = "0", paramLabel = "FILE", description = "The exported file.")
    Path file;

    @Option(
        names = "--mappings",
        description = "Folder below the mappings folder (default: ${DEFAULT-VALUE}).",
        defaultValue = "csv")
    String mappings;

    @Option(
        names = "--problems",
        description = "How many rows with a problem to name (default: ${DEFAULT-VALUE}).",
        defaultValue = "20")
    int most;

    @Option(
        names = "--practice",
        paramLabel = "NAME",
        description = "Count what would be decided, with the members and charts of this practice.")
    @Nullable String practice;

    @Option(
        names = "--source",
        paramLabel = "NAME",
        description =
            "Source of the CSV feed, whose charts the file's would be (default: that of the practice).")
    @Nullable String source;

    private final Map<String, Long> endings = new TreeMap<>();
    private List<PatientRecord> undecided = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private final Map<QualityFlag, Integer> flags = new TreeMap<>();
    // Where nothing is decided, an SSN needs no hash that others are compared with.
    private PatientNormalizer normalizer = new PatientNormalizer(ssn -> "-");
    private long unusable;

    @SuppressWarnings("NullAway.Init") // picocli fills them in
    Check() {}

    @Override
    public Integer call() throws IOException {
      if (practice == null) {
        // As in the feed of an office whose zone nobody has said.
        return check(LocalDate.now(ZoneOffset.UTC), null);
      }
      try (var store = parent.tool.store()) {
        if (!store.getBean(Practices.class).names().contains(practice)) {
          CommandLineTool.out()
              .println("There is no practice \"" + practice + "\"; a feed that runs makes it");
          return 1;
        }
        List<String> sources =
            store.getBean(Charts.class).sources(store.getBean(Practices.class).id(practice));
        if (source == null && sources.size() > 1) {
          CommandLineTool.out()
              .println("Which source? Name one with --source: " + String.join(", ", sources));
          return 1;
        }
        // Without charts yet, any name does.
        String of = source != null ? source : sources.isEmpty() ? "" : sources.get(0);
        normalizer = store.getBean(PatientNormalizer.class);
        TrialDecisions trials = store.getBean(TrialDecisions.class);
        String asked = practice;
        Practices practices = store.getBean(Practices.class);
        LocalDate today = practices.today(practices.id(asked));
        return check(today, records -> trials.decide(asked, of, records));
      }
    }

    private int check(
        LocalDate today, @Nullable Function<List<PatientRecord>, List<Trial>> decisions)
        throws IOException {
      Mappings folder = new Mappings(parent.tool.settings().mappings());
      Mapping mapping = folder.get(mappings + "/patient.jslt");
      ColumnNames names = ColumnNames.read(folder.folder(), mappings);
      try (CsvFile.Rows rows = CsvFile.look(file, names, today).rows()) {
        for (List<CsvFile.Row> page = rows.next(PAGE); !page.isEmpty(); page = rows.next(PAGE)) {
          page.forEach(row -> tryOut(row, mapping));
          if (undecided.size() >= SIDE_BY_SIDE) {
            decide(decisions);
          }
        }
        decide(decisions);
        rows.report().forEach(CommandLineTool.out()::println);
      } catch (RefusedFileException e) {
        CommandLineTool.out().println("refused: " + e.getMessage());
        return 1;
      } catch (IOException e) {
        CommandLineTool.out().println(file + ": cannot be read");
        return 1;
      }
      flags.forEach(
          (flag, count) -> CommandLineTool.out().println("flagged         " + count + " " + flag));
      endings.forEach(
          (ending, count) ->
              CommandLineTool.out().println("would be        " + count + " " + ending));
      problems.forEach(CommandLineTool.out()::println);
      if (unusable > problems.size()) {
        CommandLineTool.out().println("... and " + (unusable - problems.size()) + " more rows");
      }
      return unusable == 0 ? 0 : 1;
    }

    private void tryOut(CsvFile.Row row, Mapping mapping) {
      if (row.record() == null) {
        problem(row, String.valueOf(row.problem()));
        return;
      }
      try {
        PatientRecord record =
            normalizer.normalize(mapping.patient(row.record()), ZoneId.of("UTC"));
        record.qualityFlags().forEach(flag -> flags.merge(flag, 1, Integer::sum));
        if (practice != null) {
          undecided.add(record);
        }
      } catch (MappingException | InvalidRecordException e) {
        problem(row, "would become a dead letter: " + e.getMessage());
      }
    }

    private void decide(@Nullable Function<List<PatientRecord>, List<Trial>> decisions) {
      if (decisions != null && !undecided.isEmpty()) {
        for (Trial trial : decisions.apply(undecided)) {
          endings.merge(
              trial.outcome().name().toLowerCase(Locale.ROOT) + " (" + trial.reason() + ")",
              1L,
              Long::sum);
        }
      }
      undecided = new ArrayList<>();
    }

    private void problem(CsvFile.Row row, String what) {
      unusable++;
      if (problems.size() < most) {
        problems.add("row " + row.number() + " " + what);
      }
    }
  }
}
