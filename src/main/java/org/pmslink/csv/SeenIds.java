package org.pmslink.csv;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * The ids of a file and whose they are, as hashes: 20 bytes a row, so that a file of a million rows
 * needs no more than 42 MB to find the ids that two people have.
 */
final class SeenIds {
  private final boolean strict;
  private long[] ids = new long[1 << 12];
  private int[] names = new int[1 << 12];
  private int[] givenNames = new int[1 << 12];
  private int[] births = new int[1 << 12];
  private int size;
  private long repeated;
  private final Set<Long> ofSeveral = new HashSet<>();

  /**
   * @param strict whether the ids stand in for patients' own, as accounts do, which a family
   *     shares: whatever differs in name or birth date is another person then
   */
  SeenIds(boolean strict) {
    this.strict = strict;
  }

  /**
   * @param name all of it
   * @param given the given name alone; empty when it is not known
   * @param birthDate as typed; empty when there is none
   */
  void see(String id, String name, String given, String birthDate) {
    long key = hash(id);
    int nameNow = small(ColumnNames.folded(name));
    int givenNow = small(ColumnNames.folded(firstWord(given)));
    int birthNow = small(birthDate);
    int at = find(key);
    if (ids[at] == 0) {
      ids[at] = key;
      names[at] = nameNow;
      givenNames[at] = givenNow;
      births[at] = birthNow;
      if (++size > ids.length / 2) {
        grow();
      }
      return;
    }
    repeated++;
    boolean anotherName = names[at] != nameNow;
    boolean anotherGiven = differ(givenNames[at], givenNow);
    boolean anotherBirth = differ(births[at], birthNow);
    if (strict ? anotherName || anotherBirth : anotherGiven || (anotherName && anotherBirth)) {
      ofSeveral.add(key);
    }
    // A row that says less than another must not hide that a third is of somebody else.
    givenNames[at] = givenNames[at] == 0 ? givenNow : givenNames[at];
    births[at] = births[at] == 0 ? birthNow : births[at];
  }

  /** What one of them does not say tells nothing. */
  private static boolean differ(int one, int other) {
    return one != 0 && other != 0 && one != other;
  }

  /** "Ana" and "Ana M" may be one person. */
  private static String firstWord(String given) {
    String text = given.strip();
    int blank = text.indexOf(' ');
    return blank < 0 ? text : text.substring(0, blank);
  }

  /** 0 for nothing. */
  private static int small(String text) {
    return text.isEmpty() ? 0 : (int) hash(text) | 1;
  }

  /** Whether a row has this id. */
  boolean isSeen(String id) {
    return ids[find(hash(id))] != 0;
  }

  /** Whether rows of this id are of different people. */
  boolean isOfSeveral(String id) {
    return !ofSeveral.isEmpty() && ofSeveral.contains(hash(id));
  }

  /** Rows whose id an earlier row had. */
  long repeated() {
    return repeated;
  }

  /** How many ids rows of different people have. */
  long shared() {
    return ofSeveral.size();
  }

  private int find(long key) {
    int at = (int) (key ^ key >>> 32) & ids.length - 1;
    while (ids[at] != 0 && ids[at] != key) {
      at = at + 1 & ids.length - 1;
    }
    return at;
  }

  private void grow() {
    long[] oldIds = ids;
    int[] oldNames = names;
    int[] oldGivenNames = givenNames;
    int[] oldBirths = births;
    ids = new long[oldIds.length * 2];
    names = new int[oldIds.length * 2];
    givenNames = new int[oldIds.length * 2];
    births = new int[oldIds.length * 2];
    for (int i = 0; i < oldIds.length; i++) {
      if (oldIds[i] != 0) {
        int at = find(oldIds[i]);
        ids[at] = oldIds[i];
        names[at] = oldNames[i];
        givenNames[at] = oldGivenNames[i];
        births[at] = oldBirths[i];
      }
    }
  }

  /** FNV-1a with a last stir; never 0, which stands for a free place. */
  private static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001b3L;
    }
    hash ^= hash >>> 33;
    hash *= 0xff51afd7ed558ccdL;
    hash ^= hash >>> 33;
    return hash == 0 ? 1 : hash;
  }
}
