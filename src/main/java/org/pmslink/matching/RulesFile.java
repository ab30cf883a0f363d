package org.pmslink.matching;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Puts a rules file in the place of another. Whoever reads the file, and whatever crashes
 * meanwhile, finds the old one or the new one, whole.
 */
public final class RulesFile {
  private RulesFile() {}

  /**
   * What was adopted.
   *
   * @param before version of the rules until now
   * @param after version of the rules from now on
   * @param kept where the former file is; {@code null} when there was none
   */
  public record Adoption(String before, String after, @Nullable Path kept) {}

  /**
   * Checks a proposed file as the start would, and puts it in the place of the rules. The former
   * file is kept beside it, its version added to its name.
   *
   * @throws InvalidRulesException when the proposal is no valid rules file, with its line, or was
   *     made from other rules than those in place
   */
  public static Adoption adopt(Path proposed, Path rules) throws IOException {
    MatchingRules other = MatchingRules.read(proposed);
    boolean first = Files.notExists(rules);
    Path place = first ? rules.toAbsolutePath() : rules.toRealPath();
    byte[] former = first ? new byte[0] : Files.readAllBytes(place);
    String before =
        first
            ? MatchingRules.shipped().version()
            : MatchingRules.hash(new String(former, StandardCharsets.UTF_8));
    String madeFrom = Tuning.madeFrom(other.text());
    if (before.equals(other.version())) {
      throw new InvalidRulesException(
          proposed + ": these rules, version " + before + ", are in place already");
    }
    if (!madeFrom.isEmpty() && !madeFrom.equals(before)) {
      throw new InvalidRulesException(
          proposed
              + ": was made from rules "
              + madeFrom
              + ", but those in place are "
              + before
              + "; tune again");
    }
    Path kept = null;
    if (!first) {
      kept = place.resolveSibling(place.getFileName() + "." + before);
      replace(kept, former);
    }
    replace(place, other.text().getBytes(StandardCharsets.UTF_8));
    return new Adoption(before, other.version(), kept);
  }

  /**
   * Removes a proposal.
   *
   * @return its version
   * @throws InvalidRulesException when the file is none that was proposed
   */
  public static String discard(Path proposed) throws IOException {
    MatchingRules rules = MatchingRules.read(proposed);
    if (Tuning.madeFrom(rules.text()).isEmpty()) {
      throw new InvalidRulesException(proposed + ": this is no proposal, so it stays");
    }
    Files.delete(proposed);
    return rules.version();
  }

  /** Writes a file whole, or not at all: beside it, to the disk, and then into its place. */
  public static void replace(Path file, byte[] content) throws IOException {
    Path place = file.toAbsolutePath();
    Path folder = place.getParent();
    Path beside = place.resolveSibling("." + place.getFileName() + ".new");
    try (FileChannel channel =
        FileChannel.open(
            beside,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    if (Files.exists(place) && Files.getFileStore(place).supportsFileAttributeView("posix")) {
      Files.setPosixFilePermissions(beside, Files.getPosixFilePermissions(place));
    }
    Files.move(beside, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    if (folder != null) {
      force(folder);
    }
  }

  /** So that the new name outlives a power failure; not every system can. */
  private static void force(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // The file itself is on the disk; Windows opens no folder.
      return;
    }
  }
}
