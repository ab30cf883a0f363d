package org.pmslink.linking;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.InvalidRulesException;
import org.pmslink.matching.MatchingRules;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rules that are in force: {@code matching.yaml} of the mappings folder for every practice, and
 * {@code matching.NAME.yaml} in its place for the practice of that name. A file that is replaced
 * takes effect within a second; one that is wrong is said to be, and the rules before it stay.
 */
public final class RulesFiles {
  private static final Logger LOG = LoggerFactory.getLogger(RulesFiles.class);
  private static final long LOOK_AGAIN_NANOS = 1_000_000_000L;

  private final Path folder;
  private final Map<Path, Known> known = new ConcurrentHashMap<>();

  private record Known(
      @Nullable FileTime modified, long size, @Nullable MatchingRules rules, long lookedAt) {}

  /**
   * Reads all rules there are.
   *
   * @param folder the mappings folder; without a {@code matching.yaml}, the shipped rules are taken
   * @throws InvalidRulesException with file, line and reason
   */
  public RulesFiles(Path folder) {
    this.folder = folder;
    try (Stream<Path> files = Files.isDirectory(folder) ? Files.list(folder) : Stream.empty()) {
      files
          .filter(file -> file.getFileName().toString().matches("matching(\\..+)?\\.yaml"))
          .forEach(MatchingRules::read);
    } catch (IOException e) {
      throw new InvalidRulesException(folder + ": cannot be read");
    }
  }

  /** The rules for a practice, as they are now. */
  public MatchingRules of(String practice) {
    MatchingRules own = read(folder.resolve("matching." + practice + ".yaml"));
    if (own != null) {
      return own;
    }
    MatchingRules all = read(folder.resolve("matching.yaml"));
    return all == null ? MatchingRules.shipped() : all;
  }

  private @Nullable MatchingRules read(Path file) {
    Known before = known.get(file);
    if (before != null && System.nanoTime() - before.lookedAt < LOOK_AGAIN_NANOS) {
      return before.rules;
    }
    Known now = look(file, before);
    known.put(file, now);
    return now.rules;
  }

  private static Known look(Path file, @Nullable Known before) {
    long looked = System.nanoTime();
    try {
      if (!Files.exists(file)) {
        return new Known(null, 0, null, looked);
      }
      FileTime modified = Files.getLastModifiedTime(file);
      long size = Files.size(file);
      if (before != null && modified.equals(before.modified) && size == before.size) {
        return new Known(modified, size, before.rules, looked);
      }
      try {
        return new Known(modified, size, MatchingRules.read(file), looked);
      } catch (InvalidRulesException e) {
        LOG.error("{}; the rules before it stay in force", e.getMessage());
        return new Known(modified, size, before == null ? null : before.rules, looked);
      }
    } catch (IOException e) {
      return before == null
          ? new Known(null, 0, null, looked)
          : new Known(before.modified, before.size, before.rules, looked);
    }
  }
}
