package org.pmslink.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.csv.ColumnNames;
import org.pmslink.feed.FeedException;
import org.pmslink.feed.FeedFiles;
import org.pmslink.feed.SourceFinding;
import org.pmslink.mapping.MappingExamples;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link check}. */
@Command(
    name = "check",
    mixinStandardHelpOptions = true,
    description = {
      "Checks feed files, their parameters, SQL files, mappings and the mappings' examples; starts nothing.",
      "Asks the PMS of a feed that is read with SQL: whether every query runs and yields its key and change",
      "column, whether the login may write, and whether its clock shows the time of the feed's zone. Reads no",
      "row. Prints a line for each file. Exit code 1 when one is wrong; a PMS that is away is not."
    })
final class CheckCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;

  @Parameters(
      arity = "0..1",
      paramLabel = "PATH",
      description = "A feed file, a mapping or a mapping folder; everything when left out.")
  @Nullable Path path;

  @Option(names = "--offline", description = "Ask no PMS.")
  boolean offline;

  private int wrong;

  @SuppressWarnings("NullAway.Init") // picocli fills in the parent
  CheckCommand() {}

  @Override
  public Integer call() throws IOException {
    Settings settings = tool.settings();
    Mappings mappings = new Mappings(settings.mappings());
    FeedFiles feeds = new FeedFiles(settings.routes().resolve("feeds"), mappings);
    List<Path> feedFiles = new ArrayList<>();
    List<Path> mappingFiles = new ArrayList<>();
    if (path == null) {
      feedFiles.addAll(feeds.files());
      mappingFiles.addAll(mappingsBelow(settings.mappings()));
    } else if (!Files.exists(path)) {
      CommandLineTool.out().println(path + ": there is no such file or folder");
      return 1;
    } else if (path.toString().endsWith(".camel.yaml")) {
      feedFiles.add(path);
    } else {
      mappingFiles.addAll(mappingsBelow(path));
    }
    if (path != null && feedFiles.isEmpty() && mappingFiles.isEmpty()) {
      CommandLineTool.out()
          .println(
              path
                  + ": nothing to check; feeds are .camel.yaml files, mappings .jslt, .sql and"
                  + " columns.yaml");
      return 1;
    }
    CommandLineTool.quiet();
    for (Path file : feedFiles) {
      if (check(file.getFileName().toString(), () -> feed(feeds, file)) && !offline) {
        feeds.askSource(file, settings::filledIn).forEach(this::print);
      }
    }
    for (Path file : mappingFiles) {
      String name =
          settings
              .mappings()
              .toAbsolutePath()
              .normalize()
              .relativize(file.toAbsolutePath().normalize())
              .toString();
      check(
          name,
          () -> {
            if (name.endsWith(ColumnNames.FILE)) {
              ColumnNames.check(settings.mappings(), name);
              return "ok";
            }
            return name.endsWith(".sql")
                ? query(feeds, name)
                : mapping(mappings, settings.mappings(), name);
          });
    }
    return wrong == 0 ? 0 : 1;
  }

  private static String feed(FeedFiles feeds, Path file) {
    feeds.check(file);
    return "ok";
  }

  private static String query(FeedFiles feeds, String name) {
    feeds.checkQuery(name);
    return "ok";
  }

  private void print(SourceFinding finding) {
    String kind =
        switch (finding.kind()) {
          case WRONG -> "";
          case WARNING -> "warning: ";
          case NOTE -> finding.place().isEmpty() ? "" : "note: ";
        };
    CommandLineTool.out()
        .println(
            "  "
                + (finding.place().isEmpty() ? "" : finding.place() + ": ")
                + kind
                + finding.text());
    if (finding.kind() == SourceFinding.Kind.WRONG) {
      wrong++;
    }
  }

  private static String mapping(Mappings mappings, Path folder, String name) {
    List<MappingExamples.Failure> failures = mappings.check(name);
    if (!failures.isEmpty()) {
      MappingExamples.Failure first = failures.get(0);
      throw new MappingException("example " + first.example() + " " + first.reason());
    }
    return "ok, " + MappingExamples.of(folder, name).count() + " examples";
  }

  private boolean check(String name, java.util.function.Supplier<String> check) {
    try {
      CommandLineTool.out().println(name + ": " + check.get());
      return true;
    } catch (FeedException | MappingException e) {
      String message = String.valueOf(e.getMessage());
      CommandLineTool.out().println(message.startsWith(name) ? message : name + ": " + message);
      wrong++;
      return false;
    }
  }

  private static List<Path> mappingsBelow(Path start) throws IOException {
    try (Stream<Path> files = Files.walk(start)) {
      return files
          .filter(
              f ->
                  f.toString().matches(".*\\.(jslt|sql)")
                      || f.getFileName().toString().equals(ColumnNames.FILE))
          .sorted()
          .toList();
    }
  }
}
