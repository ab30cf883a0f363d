package org.pmslink.csv;

/**
 * How many digits the ids of a file have. Where some begin with a zero and others are shorter, a
 * spreadsheet may have dropped the zeros of the latter, and they would be other charts.
 */
final class IdLengths {
  private static final int MOST = 20;

  private final long[] ofLength = new long[MOST + 1];
  private int longestWithZero;

  void see(String id) {
    if (id.isEmpty() || id.length() > MOST || !id.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return;
    }
    ofLength[id.length()]++;
    if (id.charAt(0) == '0') {
      longestWithZero = Math.max(longestWithZero, id.length());
    }
  }

  boolean areMixed() {
    return shorter() > 0;
  }

  private long shorter() {
    long shorter = 0;
    for (int length = 1; length < longestWithZero; length++) {
      shorter += ofLength[length];
    }
    return shorter;
  }

  String words() {
    return shorter()
        + " have fewer digits than the "
        + longestWithZero
        + " of others that begin with a zero; was the file saved in Excel, which drops zeros?";
  }
}
