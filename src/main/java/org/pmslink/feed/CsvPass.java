package org.pmslink.feed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.csv.CsvFile;
import org.pmslink.csv.RowErrors;

/** One dropped file on its way through its feed; lives for one turn of the feed's route. */
public final class CsvPass implements AutoCloseable {
  final FeedDefinition definition;
  final int practice;
  final Path file;
  final Instant began;
  final String mapping;
  private final long size;
  private final FileTime modified;

  private @Nullable CsvFile looked;
  private CsvFile.@Nullable Rows rows;
  private @Nullable RowErrors errors;
  private @Nullable Path errorsFile;

  /** Whether these are the feed's first charts, about which is decided once all are there. */
  boolean firstLoad;

  /**
   * How many charts there were before the file was read, when it is held against them: by its last
   * page its own may be stored already, and would hide that none of the others is in it.
   */
  long storedBefore;

  /** The pass's number, once it has something to send. */
  @Nullable Long run;

  /** The last page that is on the queue. */
  int page;

  /** Records of the page that is on its way to the queue. */
  int records;

  /** Whether the file has been read to its end. */
  boolean last;

  /** Why the charts that are not in the file are left as they are, where they are too many. */
  @Nullable String incomplete;

  /** For the report: charts that were not in the file; none where they are not looked for. */
  @Nullable String absent;

  /** Charts of which a row had the number with other zeros in front. */
  final Set<String> readAs = new HashSet<>();

  boolean done;

  CsvPass(FeedDefinition definition, int practice, Path file, Instant began, String mapping)
      throws IOException {
    this.definition = definition;
    this.practice = practice;
    this.file = file;
    this.began = began;
    this.mapping = mapping;
    this.size = Files.size(file);
    this.modified = Files.getLastModifiedTime(file);
  }

  /** Goes on with a first load that was cut short; its pages keep their numbers. */
  void resume(long begun, int lastPage) {
    run = begun;
    page = lastPage;
  }

  /**
   * Begins to read the rows.
   *
   * @param rejected where rows with a problem are kept until the file is done
   */
  void open(CsvFile looked, Path rejected) throws IOException {
    errorsFile = rejected;
    this.looked = looked;
    errors = new RowErrors(rejected, looked);
    rows = looked.rows();
  }

  /** Whether a row of the file is of this chart. */
  boolean isOfFile(String id) {
    return isInFile(id) || readAs.contains(id);
  }

  /** Whether a row of the file has this id, whatever else is wrong with it. */
  boolean isInFile(String id) {
    return Objects.requireNonNull(looked).isIn(id);
  }

  /** How many rows of the file are patients, or were meant to be. */
  long patients() {
    return Objects.requireNonNull(looked).patients();
  }

  CsvFile.Rows rows() {
    return Objects.requireNonNull(rows);
  }

  RowErrors errors() {
    return Objects.requireNonNull(errors);
  }

  Path errorsFile() {
    return Objects.requireNonNull(errorsFile);
  }

  /** Whether there is more to read. */
  public boolean isMore() {
    return !done;
  }

  /** Whether somebody has written to the file meanwhile. */
  boolean isChanged() throws IOException {
    return Files.size(file) != size || !Files.getLastModifiedTime(file).equals(modified);
  }

  /** Lets go of the files, whatever came of them. */
  @Override
  public void close() {
    try {
      rows().close();
      errors().close();
      Files.deleteIfExists(errorsFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
