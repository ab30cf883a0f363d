package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.spi.Synchronization;
import org.apache.camel.support.SynchronizationAdapter;
import org.jspecify.annotations.Nullable;
import org.pmslink.csv.ColumnNames;
import org.pmslink.csv.CsvFile;
import org.pmslink.csv.RefusedFileException;
import org.pmslink.linking.KnownRows;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.progress.Runs.Run;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Takes in files that an office drops into a folder, for the template {@code csv-folder}: pages of
 * records onto the queue, the rows that somebody has to look at into a file for the office, and
 * only then the file itself out of the way. A crash before that reads it again, which changes
 * nothing twice.
 *
 * <p>The first file of a feed is its first load: links are decided once all its charts are there.
 *
 * <p>No file is named in a log or in the feed's state, because its name may be a patient's.
 */
@Component
public class CsvFolder {
  private static final Logger log = LoggerFactory.getLogger(CsvFolder.class);

  /** Messages that a page is spread over; all rows of an id go through the same one. */
  private static final int GROUPS = 4;

  /** Files with rows that were given back hold these rows and no others. */
  private static final Pattern ROWS_GIVEN_BACK = Pattern.compile(".*\\.errors(-\\d+)?(\\..*)?");

  /** For how long a file waits that could not be dealt with. */
  private static final Duration WAIT = Duration.ofSeconds(10);

  /** Ids of the store that are looked up at a time. */
  private static final int STORED_IDS = 5_000;

  private static final String IN = "in";
  private static final String DONE = "done";
  private static final String REFUSED = "refused";
  private static final String ERRORS = ".errors.csv";
  private static final RecordStream PATIENTS = RecordStream.of(RecordType.PATIENTS);

  private final FeedStates states;
  private final FeedCursors cursors;
  private final Practices practices;
  private final Runs runs;
  private final Mappings mappings;
  private final KnownRows store;
  private final LostZeros zeros;
  private final SharedAccounts accounts;
  private final Clock clock = Clock.systemUTC();
  private final Map<String, ZoneId> registered = new ConcurrentHashMap<>();

  /** Files that could not be dealt with, and when each is tried again. */
  private final Map<Path, Instant> heldBack = new ConcurrentHashMap<>();

  CsvFolder(
      FeedStates states,
      FeedCursors cursors,
      Practices practices,
      Runs runs,
      Mappings mappings,
      KnownRows store,
      PatientNormalizer normalizer) {
    this.store = store;
    this.zeros = new LostZeros(store);
    this.accounts = new SharedAccounts(store, mappings, normalizer);
    this.states = states;
    this.cursors = cursors;
    this.practices = practices;
    this.runs = runs;
    this.mappings = mappings;
  }

  /** Begins to read a dropped file; none when there is none, or it is not its turn. */
  public @Nullable CsvPass begin(
      Exchange exchange, @ExchangeProperty("definition") FeedDefinition definition) {
    File dropped = exchange.getProperty("dropped", File.class);
    // The headers hold the file's name, and go no further.
    exchange.getMessage().removeHeaders("*");
    int practice = practices.id(definition.getPractice());
    String feed = definition.getFeed();
    if (!definition.getOfficeZone().equals(registered.put(feed, definition.getOfficeZone()))) {
      states.register(definition);
    }
    FeedStates.Due due = states.due(practice, feed);
    Instant now = clock.instant();
    if (due.onHold()) {
      return null;
    }
    if (due.nextAttemptAt() != null && now.isBefore(due.nextAttemptAt())) {
      return null;
    }
    try {
      makeFolders(definition);
      if (dropped == null) {
        heldBack.keySet().removeIf(file -> file.startsWith(definition.getFolder()));
        nothingThere(definition, practice, due, now);
        return null;
      }
      if (isHeldBack(dropped.toPath(), now)) {
        if (due.syncAsked() && isNothingElseThere(definition, now)) {
          nothingThere(definition, practice, due, now);
        }
        return null;
      }
    } catch (IOException e) {
      throw away(definition);
    }
    try {
      CsvPass pass = begin(definition, practice, dropped.toPath(), now);
      if (pass != null) {
        exchange.getExchangeExtension().addOnCompletion(closing(pass));
      }
      return pass;
    } catch (IOException e) {
      holdBack(definition, practice, dropped.toPath());
      return null;
    }
  }

  private boolean isHeldBack(Path file, Instant now) {
    Instant until = heldBack.get(file);
    return until != null && now.isBefore(until);
  }

  private boolean isNothingElseThere(FeedDefinition definition, Instant now) throws IOException {
    try (Stream<Path> files = Files.list(definition.getFolder().resolve(IN))) {
      return files.allMatch(file -> isHeldBack(file, now));
    }
  }

  /**
   * Lets a file wait that could not be read to its end or put aside, so that those behind it are
   * read meanwhile. Without the folders no file can be, and the feed pauses.
   */
  private void holdBack(FeedDefinition definition, int practice, Path file) {
    for (String name : List.of(IN, DONE, REFUSED)) {
      Path folder = definition.getFolder().resolve(name);
      if (!Files.isDirectory(folder) || !Files.isWritable(folder)) {
        throw away(definition);
      }
    }
    heldBack.put(file, clock.instant().plus(WAIT));
    log.warn("feed {}: a file cannot be read to its end or put aside", definition.getFeed());
    states.fileProblem(
        practice,
        definition.getFeed(),
        "a dropped file cannot be read to its end, or not be put aside: look whether something in "
            + DONE
            + " or "
            + REFUSED
            + " is in its way; it is tried again every "
            + WAIT.toSeconds()
            + " seconds, and the others are read meanwhile");
  }

  private static Synchronization closing(CsvPass pass) {
    return new SynchronizationAdapter() {
      @Override
      public void onDone(Exchange exchange) {
        pass.close();
      }
    };
  }

  /** The path is the feed's; the exception's own message may name a file. */
  private static PauseReason.FolderAway away(FeedDefinition definition) {
    return new PauseReason.FolderAway(
        definition.getFolder()
            + ": the folder cannot be used; it must exist, and the engine must be allowed to read"
            + " and write in it and in the folders within it");
  }

  private static void makeFolders(FeedDefinition definition) throws IOException {
    // Not the folder itself: a share that is not mounted would be hidden by it.
    if (!Files.isDirectory(definition.getFolder())) {
      throw away(definition);
    }
    for (String name : List.of(IN, DONE, REFUSED)) {
      Path folder = definition.getFolder().resolve(name);
      if (!Files.isDirectory(folder)) {
        Files.createDirectory(folder);
      }
    }
  }

  private void nothingThere(
      FeedDefinition definition, int practice, FeedStates.Due due, Instant now) {
    String feed = definition.getFeed();
    if (due.lastPassAt() == null || due.syncAsked() || due.nextAttemptAt() != null) {
      // A file that a crash cut short and that is no longer there will never be read on.
      runs.open(practice).stream()
          .filter(r -> r.feed().equals(feed) && r.readAt() == null)
          .forEach(r -> runs.readingDone(practice, r.id()));
      states.looked(practice, feed, now);
    }
  }

  private @Nullable CsvPass begin(FeedDefinition definition, int practice, Path file, Instant now)
      throws IOException {
    Optional<Run> firstLoad = runs.newest(practice, definition.getFeed(), Runs.Kind.FIRST_LOAD);
    if (firstLoad.isPresent()
        && firstLoad.get().readAt() != null
        && firstLoad.get().phase() != Runs.Phase.DONE) {
      // Its charts are not all there yet to be matched against.
      return null;
    }
    String mapping =
        mappings.pathFor(definition.getMappings(), PATIENTS.mappingName(), PATIENTS.mappingName());
    mappings.get(mapping);
    ColumnNames names = ColumnNames.read(mappings.folder(), definition.getMappings());
    if (!Files.isReadable(file)) {
      // The others are read all the same; and it may only have been taken back.
      if (Files.exists(file)) {
        states.fileProblem(
            practice,
            definition.getFeed(),
            "a dropped file may not be read by the engine; give it the right to");
      }
      return null;
    }
    CsvPass pass = new CsvPass(definition, practice, file, now, mapping);
    if (firstLoad.isEmpty() || firstLoad.get().readAt() == null) {
      pass.firstLoad = true;
      firstLoad.ifPresent(run -> pass.resume(run.id(), run.lastPage()));
    }
    try {
      pass.open(
          CsvFile.look(file, names, LocalDate.now(clock.withZone(definition.getOfficeZone()))),
          definition.getFolder().resolve(REFUSED).resolve("." + definition.getFeed() + ".part"));
      if (definition.isComplete() && !pass.firstLoad) {
        forEachStored(pass, id -> pass.storedBefore++);
      }
      return pass;
    } catch (RefusedFileException e) {
      refuse(pass, String.valueOf(e.getMessage()));
      return null;
    } catch (NoSuchFileException e) {
      // Whoever dropped it has taken it back.
      return null;
    }
  }

  /** The next page of the file, as messages. */
  public List<OutgoingBatch> next(@ExchangeProperty("reading") CsvPass pass) {
    List<List<JsonNode>> groups = new ArrayList<>();
    for (int i = 0; i < GROUPS; i++) {
      groups.add(new ArrayList<>());
    }
    try {
      List<CsvFile.Row> rows = pass.rows().next(pass.definition.getPageSize());
      pass.last = rows.isEmpty();
      if (!pass.firstLoad) {
        rows = accounts.checked(pass, zeros.mended(pass, rows));
      }
      for (CsvFile.Row row : rows) {
        if (row.id() == null || row.record() == null) {
          pass.errors().add(row);
        } else {
          groups.get(Math.floorMod(row.id().hashCode(), GROUPS)).add(row.record());
        }
      }
      if (pass.last) {
        for (String id : absent(pass)) {
          groups.get(Math.floorMod(id.hashCode(), GROUPS)).add(TextNode.valueOf(id));
        }
      }
    } catch (IOException | UncheckedIOException e) {
      pass.done = true;
      holdBack(pass.definition, pass.practice, pass.file);
      return List.of();
    }
    return outgoing(pass, groups);
  }

  /**
   * The charts of the store that a complete file does not hold. None of them where the file itself
   * is in doubt: it was written to meanwhile, it holds rows that nobody can read or that were given
   * back before, or so many charts are missing that it is hardly complete.
   */
  private List<String> absent(CsvPass pass) throws IOException {
    if (!pass.definition.isComplete()
        || pass.firstLoad
        || pass.rows().good() == 0
        || ROWS_GIVEN_BACK.matcher(pass.file.getFileName().toString()).matches()
        || pass.isChanged()) {
      return List.of();
    }
    if (pass.rows().problems() > 0) {
      pass.absent = "none, because rows had a problem; drop the whole file once they are mended";
      return List.of();
    }
    List<String> absent = new ArrayList<>();
    forEachStored(
        pass,
        id -> {
          if (!pass.isOfFile(id)) {
            absent.add(id);
          }
        });
    long stored = pass.storedBefore;
    if (FeedComparison.isUnbelievable(absent.size(), stored)
        || (stored > 0 && absent.size() >= stored)) {
      pass.incomplete =
          absent.size()
              + " of "
              + stored
              + " charts are not in the file: is it complete? None was removed";
      pass.absent = pass.incomplete;
      return List.of();
    }
    pass.absent = String.valueOf(absent.size());
    return absent;
  }

  private void forEachStored(CsvPass pass, Consumer<String> each) {
    String source = pass.definition.getSource();
    List<String> page = store.page(pass.practice, source, PATIENTS, "", STORED_IDS);
    while (!page.isEmpty()) {
      page.forEach(each);
      page = store.page(pass.practice, source, PATIENTS, page.get(page.size() - 1), STORED_IDS);
    }
  }

  private List<OutgoingBatch> outgoing(CsvPass pass, List<List<JsonNode>> groups) {
    List<OutgoingBatch> outgoing = new ArrayList<>();
    long version = cursors.nextVersion();
    pass.records = 0;
    for (int group = 0; group < GROUPS; group++) {
      List<JsonNode> records = groups.get(group);
      if (!records.isEmpty()) {
        startRun(pass);
        pass.page++;
        pass.records += records.size();
        outgoing.add(
            new OutgoingBatch(
                pass.definition.getFeed() + "#" + group, batch(pass, version, records)));
      }
    }
    return outgoing;
  }

  /** Not before there is something to send: a file without a usable row is no first load. */
  private void startRun(CsvPass pass) {
    if (pass.run == null) {
      FeedDefinition definition = pass.definition;
      for (Run run : runs.open(pass.practice)) {
        if (run.feed().equals(definition.getFeed()) && run.readAt() == null) {
          runs.readingDone(pass.practice, run.id());
        }
      }
      pass.run =
          runs.start(
              pass.practice,
              definition.getFeed(),
              definition.getSource(),
              pass.firstLoad ? Runs.Kind.FIRST_LOAD : Runs.Kind.RECEIVED);
      runs.expects(pass.practice, pass.run, pass.patients());
    }
  }

  private static RecordBatch batch(CsvPass pass, long version, List<JsonNode> records) {
    FeedDefinition definition = pass.definition;
    return new RecordBatch(
        definition.getPractice(),
        definition.getSource(),
        definition.getFeed(),
        pass.run,
        pass.page,
        "",
        records.size(),
        version,
        pass.last ? RecordType.DELETES : PATIENTS.type(),
        PATIENTS.name(),
        !pass.firstLoad,
        pass.last ? null : pass.mapping,
        definition.getZone().getId(),
        definition.getOfficeZone().getId(),
        null,
        records);
  }

  /** The page is durably on the queue; after the last one the file is moved. */
  public void sent(@ExchangeProperty("reading") CsvPass pass) {
    if (pass.done) {
      return;
    }
    if (pass.run != null && pass.records > 0) {
      runs.sent(pass.practice, pass.run, pass.page, pass.records);
    }
    if (!pass.last) {
      // Left off like this, the file is read from its beginning when the feed is resumed.
      pass.done = states.isOnHold(pass.practice, pass.definition.getFeed());
      return;
    }
    pass.done = true;
    try {
      finish(pass);
    } catch (IOException | UncheckedIOException e) {
      holdBack(pass.definition, pass.practice, pass.file);
    }
  }

  private void finish(CsvPass pass) throws IOException {
    if (pass.isChanged()) {
      log.info(
          "feed {}: a file was written to while it was read; it is read again",
          pass.definition.getFeed());
      return;
    }
    // Some systems move no file that is open.
    pass.rows().close();
    long problems = pass.rows().problems();
    pass.errors().close();
    if (pass.errors().isAny()) {
      keepErrors(pass);
    }
    String rowsRefused = rows(problems) + " of a file could not be used; they are in " + REFUSED;
    if (pass.rows().good() == 0) {
      refuse(
          pass,
          "no row of the file can be used; "
              + (problems == 0 ? "there is none below the header" : rowsRefused));
      return;
    }
    Path folder = pass.definition.getFolder().resolve(DONE);
    Path target = free(folder, pass.file.getFileName().toString());
    List<String> report = new ArrayList<>(pass.rows().report());
    if (pass.absent != null) {
      report.add("removed         " + pass.absent);
    }
    write(folder.resolve(target.getFileName() + ".report.txt"), report);
    Files.move(pass.file, target);
    String feed = pass.definition.getFeed();
    log.info(
        "feed {}: a file was read: {} patients, {} with a problem",
        feed,
        pass.rows().good(),
        rows(problems));
    runs.readingDone(pass.practice, Objects.requireNonNull(pass.run));
    states.passed(pass.practice, feed, false, pass.began);
    states.received(pass.practice, feed);
    if (pass.incomplete != null) {
      states.fileProblem(pass.practice, feed, pass.incomplete);
    } else if (problems > 0) {
      states.fileProblem(pass.practice, feed, rowsRefused);
    }
  }

  private static String rows(long count) {
    return count == 1 ? "1 row" : count + " rows";
  }

  /** Puts a file aside, with the reason beside it. */
  private void refuse(CsvPass pass, String reason) throws IOException {
    Path folder = pass.definition.getFolder().resolve(REFUSED);
    Path target = free(folder, pass.file.getFileName().toString());
    write(
        folder.resolve(target.getFileName() + ".reason.txt"),
        List.of("This file was not read: " + reason + "."));
    Files.move(pass.file, target);
    log.warn("feed {}: a file is refused: {}", pass.definition.getFeed(), reason);
    states.fileProblem(pass.practice, pass.definition.getFeed(), "a file was refused: " + reason);
  }

  private static void keepErrors(CsvPass pass) throws IOException {
    Path folder = pass.definition.getFolder().resolve(REFUSED);
    String name = pass.file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    String stem = (dot > 0 ? name.substring(0, dot) : name).replaceFirst("\\.errors(-\\d+)?$", "");
    Path target = folder.resolve(stem + ERRORS);
    if (!Files.exists(target) || Files.mismatch(target, pass.errorsFile()) >= 0) {
      target = free(folder, stem + ERRORS);
    }
    Files.move(pass.errorsFile(), target, StandardCopyOption.REPLACE_EXISTING);
  }

  /** A name that no other file of the folder has: patients.csv, else patients-2.csv and so on. */
  private static Path free(Path folder, String name) {
    int dot = name.endsWith(ERRORS) ? name.length() - ERRORS.length() : name.lastIndexOf('.');
    String stem = dot > 0 ? name.substring(0, dot) : name;
    String ending = dot > 0 ? name.substring(dot) : "";
    Path free = folder.resolve(name);
    for (int n = 2; Files.exists(free); n++) {
      free = folder.resolve(stem + "-" + n + ending);
    }
    return free;
  }

  private static void write(Path file, List<String> lines) throws IOException {
    Files.write(file, lines, StandardCharsets.UTF_8);
  }
}
