package org.pmslink.matching;

/** How alike two folded words are. */
final class Likeness {
  private Likeness() {}

  /**
   * Whether one slip of the hand turns one word into the other: a letter changed, left out, put in,
   * or two neighbours swapped. In words shorter than four letters a slip makes another name, so
   * none is seen there; nor is one in the first letter, where people rarely slip and where names of
   * siblings differ (Jayden, Kayden).
   */
  static boolean isOneSlip(String a, String b) {
    if (a.length() < 4 || b.length() < 4 || a.charAt(0) != b.charAt(0)) {
      return false;
    }
    return isOneEdit(a, b);
  }

  /** Damerau-Levenshtein distance of exactly one. */
  static boolean isOneEdit(String a, String b) {
    if (a.length() > b.length()) {
      return isOneEdit(b, a);
    }
    int longer = b.length() - a.length();
    if (longer > 1) {
      return false;
    }
    int at = 0;
    while (at < a.length() && a.charAt(at) == b.charAt(at)) {
      at++;
    }
    if (longer == 1) {
      return a.regionMatches(at, b, at + 1, a.length() - at);
    }
    if (at == a.length()) {
      return false;
    }
    if (a.regionMatches(at + 1, b, at + 1, a.length() - at - 1)) {
      return true;
    }
    return at + 1 < a.length()
        && a.charAt(at) == b.charAt(at + 1)
        && a.charAt(at + 1) == b.charAt(at)
        && a.regionMatches(at + 2, b, at + 2, a.length() - at - 2);
  }

  private static final String[] KEYS = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};

  /**
   * Whether the one edit between two words is one that fingers make: two letters swapped, one left
   * out or put in, or a key hit that lies beside the right one. A vowel for another, far from it on
   * the keyboard, rather makes another name (Arjan, Arjun).
   *
   * @param a one edit away from {@code b}, see {@link #isOneEdit}
   */
  static boolean isTypingSlip(String a, String b) {
    if (a.length() != b.length()) {
      return true;
    }
    int at = 0;
    while (at < a.length() - 1 && a.charAt(at) == b.charAt(at)) {
      at++;
    }
    boolean swapped = !a.regionMatches(at + 1, b, at + 1, a.length() - at - 1);
    return swapped || areNeighbours(a.charAt(at), b.charAt(at));
  }

  /** Whether two keys of a US keyboard touch; what is no letter touches everything. */
  private static boolean areNeighbours(char one, char other) {
    int rowOfOne = row(one);
    int rowOfOther = row(other);
    if (rowOfOne < 0 || rowOfOther < 0) {
      return true;
    }
    // Each row stands half a key to the right of the row above.
    int apart = 2 * KEYS[rowOfOne].indexOf(one) + rowOfOne;
    apart -= 2 * KEYS[rowOfOther].indexOf(other) + rowOfOther;
    return Math.abs(rowOfOne - rowOfOther) <= 1 && Math.abs(apart) <= 2;
  }

  private static int row(char letter) {
    for (int row = 0; row < KEYS.length; row++) {
      if (KEYS[row].indexOf(letter) >= 0) {
        return row;
      }
    }
    return -1;
  }

  /** Share of pairs of neighbouring letters that two texts have in common (Dice), 0 to 1. */
  static double sharedPairs(String a, String b) {
    if (a.length() < 2 || b.length() < 2) {
      return 0;
    }
    boolean[] taken = new boolean[b.length() - 1];
    int common = 0;
    for (int i = 0; i + 1 < a.length(); i++) {
      for (int j = 0; j < taken.length; j++) {
        if (!taken[j] && a.charAt(i) == b.charAt(j) && a.charAt(i + 1) == b.charAt(j + 1)) {
          taken[j] = true;
          common++;
          break;
        }
      }
    }
    return 2.0 * common / (a.length() + b.length() - 2);
  }

  /** Jaro-Winkler similarity, 0 to 1. */
  static double jaroWinkler(String a, String b) {
    if (a.isEmpty() || b.isEmpty()) {
      return 0;
    }
    double jaro = jaro(a, b);
    int prefix = 0;
    int limit = Math.min(4, Math.min(a.length(), b.length()));
    while (prefix < limit && a.charAt(prefix) == b.charAt(prefix)) {
      prefix++;
    }
    return jaro + prefix * 0.1 * (1 - jaro);
  }

  private static double jaro(String first, String second) {
    // Ordered, because the greedy pairing of letters below may depend on who comes first.
    boolean ordered =
        first.length() < second.length()
            || (first.length() == second.length() && first.compareTo(second) <= 0);
    String a = ordered ? first : second;
    String b = ordered ? second : first;
    int window = Math.max(0, b.length() / 2 - 1);
    return b.length() <= Long.SIZE ? jaroInBits(a, b, window) : jaroInArrays(a, b, window);
  }

  /** The same as {@link #jaroInArrays} for words that fit, without anything to collect. */
  private static double jaroInBits(String a, String b, int window) {
    long takenOfA = 0;
    long takenOfB = 0;
    for (int i = 0; i < a.length(); i++) {
      int end = Math.min(b.length(), i + window + 1);
      char c = a.charAt(i);
      for (int j = Math.max(0, i - window); j < end; j++) {
        if ((takenOfB >>> j & 1) == 0 && c == b.charAt(j)) {
          takenOfB |= 1L << j;
          takenOfA |= 1L << i;
          break;
        }
      }
    }
    int matches = Long.bitCount(takenOfA);
    int outOfOrder = 0;
    for (long left = takenOfA, right = takenOfB; left != 0; left &= left - 1, right &= right - 1) {
      if (a.charAt(Long.numberOfTrailingZeros(left))
          != b.charAt(Long.numberOfTrailingZeros(right))) {
        outOfOrder++;
      }
    }
    return jaro(a.length(), b.length(), matches, outOfOrder);
  }

  private static double jaroInArrays(String a, String b, int window) {
    boolean[] taken = new boolean[b.length()];
    char[] common = new char[a.length()];
    int matches = 0;
    for (int i = 0; i < a.length(); i++) {
      int end = Math.min(b.length(), i + window + 1);
      for (int j = Math.max(0, i - window); j < end; j++) {
        if (!taken[j] && a.charAt(i) == b.charAt(j)) {
          taken[j] = true;
          common[matches++] = a.charAt(i);
          break;
        }
      }
    }
    int outOfOrder = 0;
    int at = 0;
    for (int j = 0; j < b.length(); j++) {
      if (taken[j] && b.charAt(j) != common[at++]) {
        outOfOrder++;
      }
    }
    return jaro(a.length(), b.length(), matches, outOfOrder);
  }

  private static double jaro(int lengthOfA, int lengthOfB, int matches, int outOfOrder) {
    double m = matches;
    return matches == 0 ? 0 : (m / lengthOfA + m / lengthOfB + (m - outOfOrder / 2.0) / m) / 3;
  }
}
