package org.pmslink.mapping;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mappings folder. A mapping that was edited is taken up by itself, checked first: it must
 * compile and its examples must pass, or the old one runs on and the log says why.
 */
public final class Mappings {
  private static final Logger log = LoggerFactory.getLogger(Mappings.class);

  /** How long a file may have changed before it is noticed. */
  private static final long LOOK_AGAIN_NANOS = 1_000_000_000L;

  private final Path folder;
  private final Map<String, Loaded> loaded = new ConcurrentHashMap<>();

  private record Loaded(
      Mapping mapping, @Nullable FileTime modified, @Nullable FileTime refused, long lookedAt) {}

  /**
   * @param folder where the folders of the PMSs are
   */
  public Mappings(Path folder) {
    this.folder = folder;
  }

  /**
   * The mapping as it stands now.
   *
   * @param path below the mappings folder
   * @throws MappingException when there is none that works
   */
  public Mapping get(String path) {
    Loaded known = loaded.get(path);
    if (known != null && System.nanoTime() - known.lookedAt() < LOOK_AGAIN_NANOS) {
      return known.mapping();
    }
    return look(path).mapping();
  }

  /**
   * Compiles a mapping and runs its examples, whatever is loaded.
   *
   * @throws MappingException when it does not compile
   */
  public List<MappingExamples.Failure> check(String path) {
    return MappingExamples.of(folder, path).failures(Mapping.compile(folder, path));
  }

  /**
   * Path of the mapping to use: the particular one where it exists, otherwise the general one.
   *
   * @param particular name without ending, for example {@code transaction-payments}
   * @param general likewise, {@code transaction}
   */
  public String pathFor(String pms, String particular, String general) {
    String path = pms + "/" + particular + ".jslt";
    return Files.isRegularFile(folder.resolve(path)) ? path : pms + "/" + general + ".jslt";
  }

  /**
   * Paths of the mappings of a folder, by name.
   *
   * @throws MappingException when there is no such folder
   */
  public List<String> below(String pms) {
    try (Stream<Path> files = Files.list(folder.resolve(pms))) {
      return files
          .map(f -> f.getFileName().toString())
          .filter(f -> f.endsWith(".jslt"))
          .sorted()
          .map(f -> pms + "/" + f)
          .toList();
    } catch (IOException e) {
      throw new MappingException(pms + ": there is no such folder below the mappings folder");
    }
  }

  /** Where the mappings are. */
  public Path folder() {
    return folder;
  }

  private synchronized Loaded look(String path) {
    Loaded known = loaded.get(path);
    FileTime modified = modified(path);
    if (known != null && isSame(modified, known)) {
      Loaded same =
          new Loaded(known.mapping(), known.modified(), known.refused(), System.nanoTime());
      loaded.put(path, same);
      return same;
    }
    Loaded fresh = known == null ? first(path, modified) : changed(path, known, modified);
    loaded.put(path, fresh);
    return fresh;
  }

  private static boolean isSame(@Nullable FileTime modified, Loaded known) {
    return modified == null
        || modified.equals(known.modified())
        || modified.equals(known.refused());
  }

  private Loaded first(String path, @Nullable FileTime modified) {
    return new Loaded(Mapping.compile(folder, path), modified, null, System.nanoTime());
  }

  private Loaded changed(String path, Loaded known, @Nullable FileTime modified) {
    try {
      Mapping candidate = Mapping.compile(folder, path);
      List<MappingExamples.Failure> failures = MappingExamples.of(folder, path).failures(candidate);
      if (failures.isEmpty()) {
        log.info("{} was edited: version {} is in use", path, candidate.version());
        return new Loaded(candidate, modified, null, System.nanoTime());
      }
      log.warn(
          "{} was edited, but example {} fails; version {} stays in use",
          path,
          failures.get(0).example(),
          known.mapping().version());
    } catch (MappingException e) {
      log.warn(
          "{} was edited, but cannot be used; version {} stays in use: {}",
          path,
          known.mapping().version(),
          e.getMessage());
    }
    return new Loaded(known.mapping(), known.modified(), modified, System.nanoTime());
  }

  private @Nullable FileTime modified(String path) {
    try {
      return Files.getLastModifiedTime(folder.resolve(path));
    } catch (IOException e) {
      return null;
    }
  }
}
