package org.pmslink.matching;

/** 64-bit hashes of texts, the same in every JVM, so that they may be stored. */
final class KeyHash {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private KeyHash() {}

  static long of(String kind, String a) {
    return mix(fnv1a(fnv1a(FNV_OFFSET, kind), a));
  }

  static long of(String kind, String a, String b) {
    return mix(fnv1a(fnv1a(fnv1a(FNV_OFFSET, kind), a), b));
  }

  static long of(String kind, long a, String b) {
    return mix(fnv1a(fnv1a(FNV_OFFSET, kind) ^ mix(a), b));
  }

  /** FNV-1a over the UTF-16 units and an end mark, so that "ab"+"c" is not "a"+"bc". */
  private static long fnv1a(long start, String text) {
    long hash = start;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * FNV_PRIME;
    }
    return (hash ^ 0xffff) * FNV_PRIME;
  }

  /** The finaliser of MurmurHash3; FNV alone leaves the high bits of short texts alike. */
  private static long mix(long hash) {
    long h = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    h = (h ^ (h >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return h ^ (h >>> 33);
  }
}
