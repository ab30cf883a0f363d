package org.pmslink.feed;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.Fingerprint;
import org.pmslink.linking.KnownRows;
import org.pmslink.linking.RecordStream;

/**
 * The comparison of a stream with the store, in little memory: which records does the store have
 * that the PMS has no more? Both key sets are summed up in buckets; the records of buckets that
 * differ are doubtful, and the PMS is asked about each of them before it counts as gone.
 *
 * <p>Keys that the store does not have say nothing about what is gone, and a PMS may list a great
 * many of them (what was planned and never came to be): in the sums they would make every bucket
 * differ. They count only once the store has taken them in, and are remembered for that by eight
 * bytes each.
 */
final class FeedComparison {
  /** More records gone than this share of all is rather a wrong database than a busy office. */
  private static final double BELIEVABLE_MISSING_SHARE = 0.2;

  private static final int BELIEVABLE_MISSING = 20;
  private static final int PAGE = 5_000;

  private final KnownRows store;
  private final int practice;
  private final String source;
  private final RecordStream stream;
  private final int question;
  private final KeyChecksums inPms = new KeyChecksums();
  private final KeyChecksums inStore = new KeyChecksums();
  private final LongStream.Builder lacking = LongStream.builder();
  private long stored;
  private long storedAndSeen;
  private @Nullable String oneSeen;

  /** Nothing more to look at when null. */
  private @Nullable String lookedUpTo = "";

  /** Looked up and doubtful, and not asked for yet. */
  private final ArrayDeque<String> waiting = new ArrayDeque<>();

  private List<String> doubtful = List.of();

  /**
   * @param question how many records the PMS can be asked for at once
   */
  FeedComparison(KnownRows store, int practice, String source, RecordStream stream, int question) {
    this.question = question;
    this.stream = stream;
    this.store = store;
    this.practice = practice;
    this.source = source;
  }

  /** The PMS is going to be read. */
  void begin() {
    stored = store.count(practice, source, stream);
  }

  /** A page of the PMS's keys, each once, and those of them that the store has. */
  void seen(Set<String> keys, Set<String> known) {
    for (String key : keys) {
      if (known.contains(key)) {
        inPms.add(key);
        oneSeen = key;
      } else {
        lacking.add(Fingerprint.of(key));
      }
    }
    storedAndSeen += known.size();
  }

  /**
   * The PMS has been read to its end.
   *
   * @param accepted how many records a person has said may be gone
   * @return false when so many records are missing that it is hardly the same PMS; then nothing may
   *     be removed
   */
  boolean end(long accepted) {
    // What goes beyond what was accepted must be believable by itself.
    if (isUnbelievable(missing() - accepted, stored - accepted)) {
      return false;
    }
    long[] lacked = lacking.build().sorted().toArray();
    for (List<String> keys = next(PAGE); !keys.isEmpty(); keys = next(PAGE)) {
      for (String key : keys) {
        inStore.add(key);
        if (lacked.length > 0 && Arrays.binarySearch(lacked, Fingerprint.of(key)) >= 0) {
          inPms.add(key);
        }
      }
    }
    // Where both are the same, as on most nights, the store need not be read once more.
    lookedUpTo = inPms.equalTo(inStore) ? null : "";
    return true;
  }

  /** How many of the stored records were not seen. */
  long missing() {
    return stored - storedAndSeen;
  }

  /** How many records the store had when the PMS began to be read. */
  long stored() {
    return stored;
  }

  /** The next records that seem to be gone; empty when there are no more. */
  List<String> doubtful() {
    List<String> keys = next(PAGE);
    while (waiting.size() < question && !keys.isEmpty()) {
      for (String key : keys) {
        if (inPms.differAround(key, inStore)) {
          waiting.add(key);
        }
      }
      keys = waiting.size() < question ? next(PAGE) : List.of();
    }
    List<String> found = new ArrayList<>();
    while (found.size() < question && !waiting.isEmpty()) {
      found.add(waiting.remove());
    }
    doubtful = found;
    return found;
  }

  /** Those that {@link #doubtful} gave last are still to be asked for. */
  void putBack() {
    for (int i = doubtful.size() - 1; i >= 0; i--) {
      waiting.addFirst(doubtful.get(i));
    }
    doubtful = List.of();
  }

  /** A record that the PMS does have: it was seen a moment ago; absent when none was. */
  @Nullable String oneSeen() {
    return oneSeen;
  }

  /** Those of the doubtful records that the PMS does not know when asked for them. */
  List<String> gone(List<String> existing) {
    return doubtful.stream().filter(key -> !existing.contains(key)).toList();
  }

  /** Whether so many of the stored records are missing that the source itself is in doubt. */
  static boolean isUnbelievable(long missing, long stored) {
    return missing > BELIEVABLE_MISSING && missing > stored * BELIEVABLE_MISSING_SHARE;
  }

  private List<String> next(int limit) {
    if (lookedUpTo == null) {
      return List.of();
    }
    List<String> keys = store.page(practice, source, stream, lookedUpTo, limit);
    if (!keys.isEmpty()) {
      lookedUpTo = keys.get(keys.size() - 1);
    }
    return keys;
  }
}
