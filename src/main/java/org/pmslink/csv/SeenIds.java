package org.pmslink.csv;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * The ids of a file and whose they are, as hashes: 16 bytes a row, so that a file of a million rows
 * needs no more than 32 MB to find the ids that two people have.
 */
final class SeenIds {
  private long[] ids = new long[1 << 12];
  private long[] people = new long[1 << 12];
  private int size;
  private long repeated;
  private final Set<Long> ofSeveral = new HashSet<>();

  /**
   * @param birthDate as typed; empty when there is none
   */
  void see(String id, String name, String birthDate) {
    long key = hash(id);
    long person = person(name, birthDate);
    int at = find(key);
    if (ids[at] == 0) {
      ids[at] = key;
      people[at] = person;
      if (++size > ids.length / 2) {
        grow();
      }
      return;
    }
    repeated++;
    int nameBefore = (int) (people[at] >> 32);
    int birthBefore = (int) people[at];
    int nameNow = (int) (person >> 32);
    int birthNow = (int) person;
    boolean known = birthBefore != 0 && birthNow != 0;
    if (known && nameBefore != nameNow && birthBefore != birthNow) {
      ofSeveral.add(key);
    }
  }

  /** Whether a row has this id. */
  boolean isSeen(String id) {
    return ids[find(hash(id))] != 0;
  }

  /** Whether rows of this id differ in name and birth date. */
  boolean isOfSeveral(String id) {
    return !ofSeveral.isEmpty() && ofSeveral.contains(hash(id));
  }

  /** Rows whose id an earlier row had. */
  long repeated() {
    return repeated;
  }

  private static long person(String name, String birthDate) {
    String folded = ColumnNames.folded(name);
    int birth = birthDate.isEmpty() ? 0 : (int) hash(birthDate) | 1;
    return hash(folded) << 32 | birth & 0xFFFF_FFFFL;
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
    long[] oldPeople = people;
    ids = new long[oldIds.length * 2];
    people = new long[oldIds.length * 2];
    for (int i = 0; i < oldIds.length; i++) {
      if (oldIds[i] != 0) {
        int at = find(oldIds[i]);
        ids[at] = oldIds[i];
        people[at] = oldPeople[i];
      }
    }
  }

  /** FNV-1a with a last stir; never 0, which stands for a free place. */
  private static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ b & 0xFF) * 0x100000001b3L;
    }
    hash ^= hash >>> 33;
    hash *= 0xff51afd7ed558ccdL;
    hash ^= hash >>> 33;
    return hash == 0 ? 1 : hash;
  }
}
