package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Finds who is worth comparing. Records are filed under several keys, joined by OR: some without
 * surname (marriage), some without given name (nickname), some without birth date, so that a record
 * is found after any one or two things about it have changed. A key that too many records share is
 * narrowed by joining it with birth date, zip code or the sound of the name; where even that leaves
 * too many, the search says so instead of reading as "nobody".
 */
final class CandidateSearch {
  /** A record's number takes the low bits of an entry, the key's hash the rest. */
  private static final int NUMBER_BITS = 24;

  static final int MOST_RECORDS = 1 << NUMBER_BITS;
  private static final long NUMBER_MASK = MOST_RECORDS - 1L;

  private static final int CHUNK = 4096;

  /** From so many records on, keys are narrowed earlier. */
  private static final int LARGE = 50_000;

  /** How much larger a narrowed key may be than one that is not. */
  private static final int NARROWED_MAY_HOLD = 4;

  private final List<Features> filed;
  private final int limit;
  private final long[] entries;
  private final long[] narrowed;

  CandidateSearch(List<Features> filed, int limit) {
    if (filed.size() > MOST_RECORDS) {
      throw new IllegalArgumentException("more than " + MOST_RECORDS + " records");
    }
    this.filed = filed;
    this.limit = limit(limit, filed.size());
    Entries all = new Entries(filed.size() * 12);
    int chunks = (filed.size() + CHUNK - 1) / CHUNK;
    IntStream.range(0, chunks).parallel().mapToObj(this::filed).forEachOrdered(all::addAll);
    this.entries = all.sorted();
    this.narrowed = narrow();
  }

  private Entries filed(int chunk) {
    int end = Math.min(filed.size(), (chunk + 1) * CHUNK);
    Entries part = new Entries(CHUNK * 16);
    Keys keys = new Keys();
    for (int i = chunk * CHUNK; i < end; i++) {
      keys.size = 0;
      addKeys(filed.get(i), keys);
      for (int k = 0; k < keys.size; k++) {
        part.add(keys.values[k], i);
      }
    }
    return part;
  }

  /** Keys of one person, each once. There are few, so that looking them all through is quick. */
  private static final class Keys {
    private long[] values = new long[64];
    private int size;

    void add(long key) {
      for (int i = 0; i < size; i++) {
        if (values[i] == key) {
          return;
        }
      }
      if (size == values.length) {
        values = Arrays.copyOf(values, size * 2);
      }
      values[size++] = key;
    }
  }

  /**
   * Among more records the same key says less, so it may hold fewer of them before it is narrowed;
   * else the number of comparisons would grow with the square of the file.
   */
  private static int limit(int recordsPerKey, int records) {
    return records <= LARGE
        ? recordsPerKey
        : Math.max(2, (int) (recordsPerKey * Math.sqrt(LARGE / (double) records)));
  }

  /** What one thread needs to collect candidates without allocating. */
  static final class Found {
    private final int[] seenAt;
    private int turn;
    private boolean tooMany;
    private final int[] numbers;
    private final Keys keys = new Keys();
    private final Keys narrowed = new Keys();
    private int size;

    Found(int records) {
      seenAt = new int[records];
      numbers = new int[records];
    }

    int size() {
      return size;
    }

    int number(int i) {
      return numbers[i];
    }

    boolean tooMany() {
      return tooMany;
    }

    private void add(int number) {
      if (seenAt[number] != turn) {
        seenAt[number] = turn;
        numbers[size++] = number;
      }
    }
  }

  /** Fills {@code found} with all records that share a key with the subject. */
  void find(Features subject, Found found) {
    find(subject, found, -1);
  }

  /**
   * The same, of later records only.
   *
   * @param after the number of the last record that is not looked for
   */
  void find(Features subject, Found found, int after) {
    found.turn++;
    found.size = 0;
    found.tooMany = false;
    found.keys.size = 0;
    addKeys(subject, found.keys);
    for (int k = 0; k < found.keys.size; k++) {
      long key = found.keys.values[k];
      int from = first(entries, key);
      int to = end(entries, key, from);
      if (to - from <= limit) {
        collect(entries, from, to, found, after);
        continue;
      }
      found.narrowed.size = 0;
      addNarrowed(key, subject, found.narrowed);
      boolean isNarrow = false;
      for (int n = 0; n < found.narrowed.size; n++) {
        long narrow = found.narrowed.values[n];
        int start = first(narrowed, narrow);
        int stop = end(narrowed, narrow, start);
        if (stop - start <= limit * NARROWED_MAY_HOLD) {
          collect(narrowed, start, stop, found, after);
          isNarrow = true;
        }
      }
      // Joined with the birth date a key is narrow, whatever the zip code leaves of it.
      found.tooMany |= !isNarrow;
    }
  }

  private static void collect(long[] entries, int from, int to, Found found, int after) {
    for (int i = from; i < to; i++) {
      int number = (int) (entries[i] & NUMBER_MASK);
      if (number > after) {
        found.add(number);
      }
    }
  }

  private static int first(long[] entries, long key) {
    int at = Arrays.binarySearch(entries, key & ~NUMBER_MASK);
    return at < 0 ? -at - 1 : at;
  }

  private static int end(long[] entries, long key, int from) {
    int at = from;
    long high = key & ~NUMBER_MASK;
    while (at < entries.length && (entries[at] & ~NUMBER_MASK) == high) {
      at++;
      if (at - from > 100) {
        int stop = Arrays.binarySearch(entries, at, entries.length, high | NUMBER_MASK);
        return stop < 0 ? -stop - 1 : stop + 1;
      }
    }
    return at;
  }

  private long[] narrow() {
    Entries narrow = new Entries(1024);
    Keys narrower = new Keys();
    for (int from = 0; from < entries.length; ) {
      int to = end(entries, entries[from], from);
      if (to - from > limit) {
        long key = entries[from] & ~NUMBER_MASK;
        for (int i = from; i < to; i++) {
          int number = (int) (entries[i] & NUMBER_MASK);
          narrower.size = 0;
          addNarrowed(key, filed.get(number), narrower);
          for (int n = 0; n < narrower.size; n++) {
            narrow.add(narrower.values[n], number);
          }
        }
      }
      from = to;
    }
    return narrow.sorted();
  }

  /** A key joined with the birth date, the zip code, and the sound of the name. */
  private static void addNarrowed(long key, Features person, Keys keys) {
    long wide = key & ~NUMBER_MASK;
    if (person.birth() != 0) {
      keys.add(KeyHash.of("birth", wide, Integer.toString(person.birth())));
    }
    if (!person.zip().isEmpty()) {
      keys.add(KeyHash.of("zip", wide, person.zip()));
    }
    for (String name : soundOfNames(person)) {
      keys.add(KeyHash.of("name", wide, name));
    }
  }

  /** The keys under which a person is filed. */
  static long[] keys(Features p) {
    Keys keys = new Keys();
    addKeys(p, keys);
    return Arrays.copyOf(keys.values, keys.size);
  }

  private static void addKeys(Features p, Keys keys) {
    if (p.birth() != 0) {
      String birth = Integer.toString(p.birth());
      keys.add(KeyHash.of("birth", birth));
      if (!p.family().isEmpty()) {
        for (String form : p.formalNames()) {
          String initials = initialsInOrder(form, p.family());
          keys.add(KeyHash.of("month+initials", birth.substring(0, 6), initials));
        }
      }
    }
    for (String name : soundOfNames(p)) {
      keys.add(KeyHash.of("name", name));
    }
    for (String phone : p.phones()) {
      keys.add(KeyHash.of("phone", phone));
    }
    for (String email : p.emails()) {
      keys.add(KeyHash.of("email", email));
      int at = email.indexOf('@');
      if (at >= 5) {
        keys.add(KeyHash.of("mailbox", email.substring(0, at)));
      }
    }
    if (!p.ssn().isEmpty()) {
      keys.add(KeyHash.of("ssn", p.ssn()));
    }
    if (!p.ssnLast4().isEmpty()) {
      keys.add(KeyHash.of("ssn4", p.ssnLast4()));
    }
    if (!p.place().isEmpty()) {
      keys.add(KeyHash.of("place", p.place()));
    }
    if (!p.street().isEmpty() && !p.houseNumber().isEmpty()) {
      keys.add(KeyHash.of("house+street", p.houseNumber(), p.street()));
    }
    if (!p.zip().isEmpty()) {
      if (!p.street().isEmpty()) {
        keys.add(KeyHash.of("street+zip", p.street(), p.zip()));
      }
      if (!p.houseNumber().isEmpty()) {
        keys.add(KeyHash.of("house+zip", p.houseNumber(), p.zip()));
      }
    }
    if (p.unit().length() >= 6 && !p.city().isEmpty()) {
      // The two lines of an address are sometimes swapped.
      keys.add(KeyHash.of("line+city", p.unit(), p.city()));
      keys.add(KeyHash.of("line+city", p.street(), p.city()));
    }
    if (!p.houseNumber().isEmpty()) {
      if (!p.family().isEmpty()) {
        keys.add(KeyHash.of("family+house", sound(p.family()), p.houseNumber()));
      }
      for (String form : p.formalNames()) {
        keys.add(KeyHash.of("given+house", form, p.houseNumber()));
      }
    }
    if (p.phones().isEmpty()
        && p.ssnLast4().isEmpty()
        && p.ssn().isEmpty()
        && p.place().isEmpty()) {
      addForThoseWithLittle(p, keys);
    }
    String where = p.zip().isEmpty() ? p.city() : p.zip();
    if (!where.isEmpty()) {
      if (!p.family().isEmpty()) {
        keys.add(KeyHash.of("family+zip", sound(p.family()), where));
      }
      for (String form : p.formalNames()) {
        keys.add(KeyHash.of("given+zip", form, where));
      }
    }
  }

  /**
   * Where neither telephone nor address nor number can find a record, parts of what there is must:
   * one name with the year, the month or the day of birth or the city, an e-mail address by its
   * sound.
   */
  private static void addForThoseWithLittle(Features p, Keys keys) {
    String birth = p.birth() == 0 ? "" : Integer.toString(p.birth());
    for (String name : List.of(p.given(), p.family())) {
      if (name.length() > 1) {
        String sound = sound(name);
        if (!birth.isEmpty()) {
          keys.add(KeyHash.of("name+year", sound, birth.substring(0, 4)));
          keys.add(KeyHash.of("name+day", sound, birth.substring(4)));
          keys.add(KeyHash.of("name+month", sound, birth.substring(3, 6)));
        }
        if (p.city().length() >= 3) {
          keys.add(KeyHash.of("name+city", sound, p.city().substring(0, 3)));
        }
      }
    }
    for (String email : p.emails()) {
      int at = email.indexOf('@');
      String mailbox = letters(email.substring(0, Math.max(0, at)));
      String domain = letters(email.substring(at + 1));
      if (mailbox.length() >= 3 && domain.length() >= 3) {
        keys.add(KeyHash.of("mailbox+domain", mailbox.substring(0, 3), sound(domain)));
        keys.add(KeyHash.of("domain", domain.substring(0, Math.min(6, domain.length()))));
      }
      if (mailbox.length() >= 6) {
        keys.add(KeyHash.of("mailbox's start", mailbox.substring(0, 6)));
      }
    }
  }

  private static String letters(String text) {
    StringBuilder letters = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 'a' && c <= 'z') {
        letters.append(c);
      }
    }
    return letters.toString();
  }

  /** Given and family name, in an order that does not matter: the two are sometimes swapped. */
  static List<String> soundOfNames(Features p) {
    if (p.family().isEmpty() || p.formalNames().isEmpty()) {
      return List.of();
    }
    List<String> families = new ArrayList<>(p.familyParts());
    if (!families.contains(p.family())) {
      families.add(p.family());
    }
    List<String> names = new ArrayList<>(2);
    for (String form : p.formalNames()) {
      String given = sound(form);
      for (String part : families) {
        String family = sound(part);
        String name = given.compareTo(family) <= 0 ? given + ' ' + family : family + ' ' + given;
        if (!names.contains(name)) {
          names.add(name);
        }
      }
    }
    return names;
  }

  static String initialsInOrder(String given, String family) {
    char one = given.charAt(0);
    char other = family.charAt(0);
    return one <= other ? "" + one + other : "" + other + one;
  }

  /** Soundex, but that first letters which sound alike are one (Katherine, Catherine). */
  static String sound(String name) {
    StringBuilder out = new StringBuilder(4);
    char first = name.charAt(0);
    out.append(
        switch (first) {
          case 'c', 'q' -> 'k';
          case 'g' -> 'j';
          case 'x', 'z' -> 's';
          case 'e', 'i', 'o', 'u', 'y' -> 'a';
          case 'p' -> name.startsWith("ph") ? 'f' : 'p';
          default -> first;
        });
    char last = code(first);
    for (int i = 1; i < name.length() && out.length() < 4; i++) {
      char c = name.charAt(i);
      char code = code(c);
      if (code != '0' && code != last) {
        out.append(code);
      }
      if (c != 'h' && c != 'w') {
        last = code;
      }
    }
    return out.toString();
  }

  private static char code(char letter) {
    return switch (letter) {
      case 'b', 'f', 'p', 'v' -> '1';
      case 'c', 'g', 'j', 'k', 'q', 's', 'x', 'z' -> '2';
      case 'd', 't' -> '3';
      case 'l' -> '4';
      case 'm', 'n' -> '5';
      case 'r' -> '6';
      default -> '0';
    };
  }

  /** A growing list of key and record number in one long. */
  private static final class Entries {
    private long[] values;
    private int size;

    Entries(int capacity) {
      values = new long[Math.max(16, capacity)];
    }

    void add(long key, int number) {
      if (size == values.length) {
        values = Arrays.copyOf(values, size + (size >> 1));
      }
      values[size++] = (key & ~NUMBER_MASK) | number;
    }

    void addAll(Entries others) {
      if (size + others.size > values.length) {
        values = Arrays.copyOf(values, Math.max(size + others.size, size + (size >> 1)));
      }
      System.arraycopy(others.values, 0, values, size, others.size);
      size += others.size;
    }

    long[] sorted() {
      long[] exact = Arrays.copyOf(values, size);
      Arrays.parallelSort(exact);
      return exact;
    }
  }
}
