package org.pmslink.feed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
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

  private static final Pattern PRACTICE =
      Pattern.compile("name:\\s*practice\\s+value:\\s*[\"']?([\\w-]+)");

  /** How complaints say where: line N, or FILE line N. */
  private static final Pattern PLACED = Pattern.compile("(?s)(?:(\\S+?):? )?line (\\d+): (.*)");

  /** A placeholder without a value to fall back to. */
  private static final Pattern WITHOUT_DEFAULT =
      Pattern.compile("\\{\\{\\s*((?:env:|sys:)?[\\w.-]+)\\s*}}");

  private static final String UNKNOWN = "unknown";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][\\w.-]*");

  private final Path folder;
  private final Mappings mappings;
  private final Map<String, Running> loaded = new ConcurrentHashMap<>();

  /** Feeds that are being exchanged: the former one is gone, and the new one not there yet. */
  private final Set<String> exchanged = ConcurrentHashMap.newKeySet();

  private volatile boolean allLoaded;

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

  /**
   * A feed that runs.
   *
   * @param text of its file when it was loaded, to come back to when a newer one does not start
   */
  private record Running(String text, FeedFile file) {}

  /** Names of the feeds that run. */
  public List<String> loaded() {
    return loaded.keySet().stream().sorted().toList();
  }

  /** Every file has been looked at, after which no other feed comes by itself. */
  void allAreLoaded() {
    allLoaded = true;
  }

  /** Whether a feed that does not run may do so in a moment. */
  public boolean isComing(String feed) {
    return !allLoaded || exchanged.contains(feed);
  }

  /** What a feed that runs has for a parameter, with its placeholders filled in. */
  String parameter(CamelContext context, String feed, String name) {
    Running running = Objects.requireNonNull(loaded.get(feed), feed);
    return context.resolvePropertyPlaceholders(running.file().parameters().get(name));
  }

  /** The file of a feed, whether it is there or not. */
  public Path file(String feed) {
    return folder.resolve(feed + FeedFile.ENDING);
  }

  /**
   * Practice that a feed's file names, found even in a file that is no YAML.
   *
   * @return "unknown" when none is found
   */
  public String practiceNamedIn(String feed) {
    return NAME.matcher(feed).matches() ? practiceNamedIn(file(feed)) : UNKNOWN;
  }

  static String practiceNamedIn(Path file) {
    try {
      Matcher practice = PRACTICE.matcher(Files.readString(file));
      return practice.find() ? practice.group(1) : UNKNOWN;
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  /**
   * Practice that a feed's file names, its placeholders filled in.
   *
   * @throws FeedException when the file is wrong
   */
  @Nullable String practiceOf(String feed, UnaryOperator<String> fill) {
    String written =
        FeedFile.read(file(feed), folder.resolveSibling("templates")).parameters().get("practice");
    return written == null ? null : fill.apply(written);
  }

  /** How records of a feed that runs come: asked for, sent to us, or dropped as files. */
  public enum Way {
    ASKED,
    SENT,
    DROPPED
  }

  /** How records of a feed come; empty when it does not run. */
  public Optional<Way> way(String feed) {
    return Optional.ofNullable(loaded.get(feed))
        .map(running -> running.file().template())
        .map(
            template ->
                DryRun.isAsked(Objects.requireNonNull(folder.getParent()), template)
                    ? Way.ASKED
                    : template.equals("csv-folder") ? Way.DROPPED : Way.SENT);
  }

  /** Whether the file is of a feed that is read with SQL. */
  boolean isReadWithSql(String feed) {
    return FeedFile.read(file(feed), folder.resolveSibling("templates"))
        .template()
        .equals("sql-feed");
  }

  /** Names of the feeds whose files name a practice, whether they run or not. */
  public List<String> of(String practice) {
    return files().stream()
        .filter(file -> practiceNamedIn(file).equals(practice))
        .map(FeedFiles::nameOf)
        .toList();
  }

  /**
   * The lines of a feed's file as it is on the disk now. Placeholders are shown and not what they
   * stand for; a secret that is written out is covered.
   *
   * @return empty when there is no such file
   */
  public Optional<List<String>> lines(String feed) {
    if (!NAME.matcher(feed).matches() || !Files.isRegularFile(file(feed))) {
      return Optional.empty();
    }
    try {
      return Optional.of(FeedFileView.lines(file(feed)));
    } catch (IOException e) {
      throw new FeedException("the file cannot be read as UTF-8 text");
    }
  }

  /** Whether a feed runs as its file says now. */
  public boolean isAsOnDisk(String feed) {
    Running running = loaded.get(feed);
    try {
      return running != null && running.text().equals(Files.readString(file(feed)));
    } catch (IOException e) {
      return false;
    }
  }

  /** What is wrong with a feed's file and what it needs, without asking its PMS. */
  public List<SourceFinding> findings(String feed) {
    Path file = file(feed);
    try {
      checked(file);
      return List.of();
    } catch (FeedException | MappingException e) {
      String said = String.valueOf(e.getMessage());
      Matcher placed = PLACED.matcher(said);
      return List.of(
          placed.matches()
              ? SourceFinding.wrong(
                  (placed.group(1) == null ? file.getFileName() + " " : placed.group(1) + " ")
                      + "line "
                      + placed.group(2),
                  placed.group(3))
              : SourceFinding.wrong(file.getFileName().toString(), said));
    }
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
  public synchronized @Nullable Refusal load(CamelContext context, Path file) {
    try {
      FeedFile read = checked(file);
      requireSettings(context, file, read);
      start(context, new Running(Files.readString(file), read));
      return null;
    } catch (Exception e) {
      return refusal(file, reason(e));
    }
  }

  /** Waits until what a feed has under way is through, or says that it did not come to that. */
  @FunctionalInterface
  interface Hold {
    boolean awaitRest() throws InterruptedException;
  }

  /**
   * Loads one file in the place of the one that runs. The new one must pass all checks before the
   * old one is touched, and when it does not start, the old one starts again.
   *
   * @param hold brings the feed to rest; nothing is changed when it does not come to rest
   * @return why not, or nothing when the new one runs
   */
  synchronized @Nullable Refusal swap(CamelContext context, Path file, Hold hold) {
    String feed = nameOf(file);
    Running old = loaded.get(feed);
    if (old == null) {
      return load(context, file);
    }
    Running fresh;
    try {
      FeedFile read = checked(file);
      read.requireSameRecords(old.file());
      requireSettings(context, file, read);
      fresh = new Running(Files.readString(file), read);
      requireSource(context, file);
      if (!hold.awaitRest()) {
        throw new FeedException(
            "the read under way did not come to its end in time; nothing was changed, try again");
      }
    } catch (Exception e) {
      return refusal(file, reason(e));
    }
    exchanged.add(feed);
    try {
      stop(context, feed);
      return started(context, file, fresh, old);
    } catch (Exception e) {
      return refusal(file, reason(e));
    } finally {
      exchanged.remove(feed);
    }
  }

  /** What a placeholder stands for is a matter of whoever starts the engine. */
  private static void requireSettings(CamelContext context, Path file, FeedFile read) {
    read.parameters()
        .forEach(
            (parameter, value) -> {
              Matcher placeholder = WITHOUT_DEFAULT.matcher(value);
              while (placeholder.find()) {
                if (!isSet(context, placeholder.group())) {
                  String asked = placeholder.group(1);
                  throw new FeedException(
                      place(file, parameter, "feed").replace(file.getFileName() + " ", "")
                          + ": \""
                          + parameter
                          + "\" is not set: set "
                          + environment(asked)
                          + " for the engine and start it anew; it sees no variable that was set"
                          + " after its start");
                }
              }
            });
  }

  private static boolean isSet(CamelContext context, String placeholder) {
    try {
      context.resolvePropertyPlaceholders(placeholder);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** The variable of the environment that sets a placeholder. */
  private static String environment(String asked) {
    return asked.startsWith("env:")
        ? asked.substring("env:".length())
        : asked.startsWith("sys:")
            ? "-D" + asked.substring("sys:".length())
            : asked.replaceAll("[.-]", "_").toUpperCase(Locale.ROOT);
  }

  /** One that cannot log in, or whose queries fail, would take the place of one that reads. */
  private void requireSource(CamelContext context, Path file) {
    for (SourceFinding finding : askSource(file, context::resolvePropertyPlaceholders)) {
      if (finding.kind() == SourceFinding.Kind.WRONG) {
        throw new FeedException(
            (finding.place().isEmpty() ? "" : finding.place() + ": ") + finding.text());
      }
    }
  }

  private @Nullable Refusal started(CamelContext context, Path file, Running fresh, Running old) {
    try {
      start(context, fresh);
      return null;
    } catch (Exception e) {
      String why = reason(e);
      try {
        start(context, old);
        return refusal(file, "does not start: " + why);
      } catch (Exception again) {
        return refusal(
            file,
            "does not start: " + why + "; nor does the former one any more: " + reason(again));
      }
    }
  }

  private void start(CamelContext context, Running feed) throws Exception {
    List<String> before = context.getRoutes().stream().map(r -> r.getRouteId()).toList();
    try {
      var resource = ResourceHelper.fromString(feed.file().name() + FeedFile.ENDING, feed.text());
      PluginHelper.getRoutesLoader(context).loadRoutes(resource);
      loaded.put(feed.file().name(), feed);
    } catch (Exception e) {
      withdraw(context, before);
      PmsDatabase.closeOf(feed.file().name());
      throw e;
    }
  }

  /** Stops a route that has nothing under way, and gives up its connections. */
  private void stop(CamelContext context, String feed) throws Exception {
    context.getRouteController().stopRoute(feed);
    context.removeRoute(feed);
    loaded.remove(feed);
    // Camel forgets the beans of a template without closing them.
    PmsDatabase.closeOf(feed);
  }

  private static Refusal refusal(Path file, String reason) {
    Refusal refusal = new Refusal(file.getFileName().toString(), reason);
    log.error("feed file {} is refused: {}", refusal.file(), refusal.reason());
    return refusal;
  }

  private static String nameOf(Path file) {
    return file.getFileName().toString().replace(FeedFile.ENDING, "");
  }

  /**
   * Checks a file and what it needs, without starting anything.
   *
   * @throws FeedException or {@link MappingException} with line and reason
   */
  public void check(Path file) {
    checked(file);
  }

  private FeedFile checked(Path file) {
    FeedFile read = FeedFile.read(file, folder.resolveSibling("templates"));
    String pms = read.parameters().get("mappings");
    if (pms == null || pms.contains("{{")) {
      return read;
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
    return read;
  }

  /**
   * Asks the PMS of a feed file that has passed {@link #check} whether the feed would run on it.
   *
   * @param fill fills in the placeholders of a parameter; fails for what is not set here
   * @return nothing for a kind of feed that is not read with SQL
   */
  public List<SourceFinding> askSource(Path file, UnaryOperator<String> fill) {
    FeedFile read = FeedFile.read(file, folder.resolveSibling("templates"));
    String name = file.getFileName().toString();
    Map<String, String> filled = new HashMap<>();
    for (Map.Entry<String, String> parameter : read.parameters().entrySet()) {
      try {
        filled.put(parameter.getKey(), fill.apply(parameter.getValue()));
      } catch (IllegalArgumentException e) {
        return List.of(
            SourceFinding.note(
                place(file, parameter.getKey(), "feed"),
                "not asked: the placeholder in \"" + parameter.getKey() + "\" is not set here"));
      }
    }
    String url = filled.getOrDefault("url", "");
    if (!url.startsWith("jdbc:")) {
      return read.template().equals("sql-feed")
          ? List.of(
              SourceFinding.wrong(
                  place(file, "url", "feed"),
                  "\"url\" must be a JDBC URL, like jdbc:mariadb://host/database"))
          : List.of();
    }
    try {
      return new SourceCheck(
              (parameter, otherwise) -> place(file, parameter, otherwise),
              FeedFile.definition(filled),
              mappings.folder())
          .of(url, filled.getOrDefault("user", ""), filled.getOrDefault("password", ""));
    } catch (IllegalArgumentException e) {
      // A placeholder's value, which could not be tried before it was filled in.
      return List.of(SourceFinding.wrong(name, String.valueOf(e.getMessage())));
    }
  }

  /** File and line of a parameter, or of another one where it is left out. */
  private static String place(Path file, String parameter, String otherwise) {
    String name = file.getFileName().toString();
    try {
      List<String> lines = Files.readAllLines(file);
      for (String sought : List.of(parameter, otherwise)) {
        for (int i = 0; i < lines.size(); i++) {
          if (lines.get(i).strip().matches("(- )?name: *[\"']?" + sought + "[\"']?")) {
            return name + " line " + (i + 1);
          }
        }
      }
    } catch (IOException e) {
      return name;
    }
    return name;
  }

  /** Checks one query file, without asking a PMS. */
  public void checkQuery(String path) {
    SourceQuery.read(mappings.folder(), path);
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
  static String reason(Throwable thrown) {
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
