package org.pmslink.feed;

import java.util.Arrays;
import org.pmslink.linking.Fingerprint;

/**
 * A set of keys in constant memory, good for one question: in which of its 65,536 buckets do two
 * sets differ? A bucket holds the number and the sum of its keys' fingerprints; two different
 * buckets look alike by chance once in 2^64.
 */
final class KeyChecksums {
  private static final int BUCKETS = 1 << 16;

  private final int[] counts = new int[BUCKETS];
  private final long[] sums = new long[BUCKETS];

  /** Adds a key; each key once. */
  void add(String key) {
    long fingerprint = Fingerprint.of(key);
    int bucket = bucket(fingerprint);
    counts[bucket]++;
    sums[bucket] += fingerprint;
  }

  /** Whether the bucket of this key is not the same in the other set. */
  boolean differAround(String key, KeyChecksums other) {
    int bucket = bucket(Fingerprint.of(key));
    return counts[bucket] != other.counts[bucket] || sums[bucket] != other.sums[bucket];
  }

  /** Whether no bucket differs. */
  boolean equalTo(KeyChecksums other) {
    return Arrays.equals(counts, other.counts) && Arrays.equals(sums, other.sums);
  }

  private static int bucket(long fingerprint) {
    return (int) (fingerprint >>> 48);
  }
}
