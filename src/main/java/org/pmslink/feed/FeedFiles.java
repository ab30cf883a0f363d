package org.pmslink.feed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.jspecify.annotations.Nullable;
import org.pmslink.csv.ColumnNames;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.MappingExamples;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The feed files, loaded one by one: a broken one is reported with file, line and reason, and every
 * other feed runs.
 */
public final class FeedFiles {
  private static final Logger log = LoggerFactory.getLogger(FeedFiles.class);
  private static final Pattern LINE = Pattern.compile("line:? (\\d+)");

  private final Path folder;
  private final Mappings mappings;
  private final Set<String> loaded = ConcurrentHashMap.newKeySet();

  /**
   * @param folder {@code routes/feeds}
   */
  public FeedFiles(Path folder, Mappings mappings) {
    this.folder = folder;
    this.mappings = mappings;
  }

  /**
   * A file that cannot be used.
   *
   * @param file its name
   * @param reason what is wrong, where, and what to do
   */
  public record Refusal(String file, String reason) {}

  /** Names of the feeds that run. */
  public List<String> loaded() {
    return loaded.stream().sorted().toList();
  }

  /** Files of the folder, by name. */
  public List<Path> files() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(f -> f.getFileName().toString().endsWith(FeedFile.ENDING))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new FeedException(folder + ": the folder of feeds cannot be listed");
    }
  }

  /** Loads one file; returns why not, or nothing when its feed runs. */
  public @Nullable Refusal load(CamelContext context, Path file) {
    String name = file.getFileName().toString();
    List<String> before = context.getRoutes().stream().map(r -> r.getRouteId()).toList();
    try {
      check(file);
      var resource = ResourceHelper.fromString(name, Files.readString(file));
      PluginHelper.getRoutesLoader(context).loadRoutes(resource);
      loaded.add(name.replace(FeedFile.ENDING, ""));
      return null;
    } catch (Exception e) {
      withdraw(context, before);
      Refusal refusal = new Refusal(name, reason(e));
      log.error("feed file {} is refused: {}", refusal.file(), refusal.reason());
      return refusal;
    }
  }

  /**
   * Checks a file and what it needs, without starting anything.
   *
   * @throws FeedException or {@link MappingException} with line and reason
   */
  public void check(Path file) {
    FeedFile read = FeedFile.read(file, folder.resolveSibling("templates"));
    String pms = read.parameters().get("mappings");
    if (pms == null || pms.contains("{{")) {
      return;
    }
    Set<String> needed = new TreeSet<>();
    needed.add(pms + "/patient.jslt");
    if (read.template().equals("sql-feed")) {
      needed.addAll(checkQueries(pms));
    }
    if (read.template().equals("csv-folder")) {
      ColumnNames.read(mappings.folder(), pms);
    }
    needed.addAll(mappings.below(pms));
    needed.forEach(this::checkMapping);
  }

  /** Checks the queries of a folder, and returns the mappings that they need. */
  private List<String> checkQueries(String pms) {
    List<RecordStream> streams = SqlProtocol.streams(mappings.folder(), pms);
    for (RecordStream stream : streams) {
      SourceQuery.read(mappings.folder(), pms + "/" + stream.queryName() + ".sql");
    }
    if (!streams.contains(RecordStream.of(RecordType.PATIENTS))) {
      throw new FeedException(
          pms + "/patients.sql: is missing; a feed without patients has no use");
    }
    return streams.stream()
        .map(s -> mappings.pathFor(pms, s.mappingName(), RecordStream.of(s.type()).mappingName()))
        .toList();
  }

  private void checkMapping(String mapping) {
    List<MappingExamples.Failure> failures = mappings.check(mapping);
    if (!failures.isEmpty()) {
      throw new MappingException(
          mapping
              + ": example "
              + failures.get(0).example()
              + " fails: "
              + failures.get(0).reason());
    }
  }

  private static void withdraw(CamelContext context, List<String> before) {
    for (var route : List.copyOf(context.getRoutes())) {
      if (!before.contains(route.getRouteId())) {
        try {
          context.getRouteController().stopRoute(route.getRouteId());
          context.removeRoute(route.getRouteId());
        } catch (Exception e) {
          log.warn("route {} cannot be withdrawn", route.getRouteId());
        }
      }
    }
  }

  /** The innermost message that says something, with the line where there is one. */
  private static String reason(Throwable thrown) {
    String best = thrown.getClass().getSimpleName();
    String line = "";
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t.getMessage() != null) {
        best = t.getMessage().lines().findFirst().orElse(best).strip();
        Matcher number = LINE.matcher(t.getMessage());
        if (line.isEmpty() && number.find()) {
          line = "line " + number.group(1) + ": ";
        }
      }
    }
    return best.startsWith(line) ? best : line + best;
  }
}
