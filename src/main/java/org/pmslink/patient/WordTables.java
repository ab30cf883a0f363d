package org.pmslink.patient;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the word lists that lie beside this package's classes. A line {@code [street]} starts a
 * table, {@code ST: STREET, STR} says that the words on the right are written as the one on the
 * left, and {@code #} starts a comment.
 */
final class WordTables {
  private WordTables() {}

  /** By table: word to its standard form; the standard form stands for itself. */
  static Map<String, Map<String, String>> read(String resource) {
    Map<String, Map<String, String>> tables = new HashMap<>();
    Map<String, String> table = new HashMap<>();
    for (String line : lines(resource)) {
      if (line.startsWith("[")) {
        table = new HashMap<>();
        tables.put(line.substring(1, line.indexOf(']')), table);
        continue;
      }
      int colon = line.indexOf(':');
      String standard = colon < 0 ? line : line.substring(0, colon).trim();
      table.put(standard, standard);
      if (colon > 0) {
        for (String word : line.substring(colon + 1).split(",")) {
          table.put(word.trim(), standard);
        }
      }
    }
    return tables;
  }

  /** The lines of a resource without comments and empty lines. */
  static List<String> lines(String resource) {
    InputStream in = WordTables.class.getResourceAsStream(resource);
    if (in == null) {
      throw new IllegalStateException("not in the jar: " + resource);
    }
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      return reader
          .lines()
          .map(String::trim)
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
