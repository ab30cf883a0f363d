package org.pmslink.feed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A SELECT of a mapping folder, and the reads that the engine makes of it. The file's own text
 * becomes a derived table, so nothing but a SELECT can be in it, and paging is the same for every
 * PMS; MariaDB and PostgreSQL merge the derived table and use the indexes beneath.
 *
 * @param key column that identifies a row; unique, and what pages are ordered by
 * @param changed column with the stamp of the last change
 */
record SourceQuery(String select, String key, String changed) {
  private static final Pattern KEY = Pattern.compile("(?m)^--\\s*key:\\s*(\\w+)\\s*$");
  private static final Pattern CHANGED = Pattern.compile("(?m)^--\\s*changed:\\s*(\\w+)\\s*$");
  private static final Pattern COMMENT = Pattern.compile("(?m)--.*$");

  /**
   * Reads a query file.
   *
   * @param folder the mappings folder
   * @param path below it
   * @throws FeedException when the file is missing or lacks its two first comment lines
   */
  static SourceQuery read(Path folder, String path) {
    String text;
    try {
      text = Files.readString(folder.resolve(path));
    } catch (IOException e) {
      throw new FeedException(path + ": cannot be read; it must exist below the mappings folder");
    }
    String select = COMMENT.matcher(text).replaceAll("").strip();
    if (select.endsWith(";")) {
      select = select.substring(0, select.length() - 1).strip();
    }
    if (!select.regionMatches(true, 0, "select", 0, 6) || select.contains(";")) {
      throw new FeedException(path + ": must hold exactly one SELECT statement");
    }
    return new SourceQuery(
        select, named(KEY, text, path, "key"), named(CHANGED, text, path, "changed"));
  }

  private static String named(Pattern pattern, String text, String path, String what) {
    Matcher line = pattern.matcher(text);
    if (!line.find()) {
      throw new FeedException(
          path
              + ": needs a comment line like \"-- "
              + what
              + ": COLUMN\" that names its "
              + what
              + " column");
    }
    return line.group(1);
  }

  /** Rows behind a key, in the order of keys; from the start when {@code first}. */
  String page(boolean first, int limit) {
    String from = first ? "" : " where r." + key + " > :?afterKey";
    return derived() + from + " order by r." + key + " limit " + limit;
  }

  /** Rows changed since a stamp, or behind a row of the page before; oldest change first. */
  String changes(boolean first, int limit) {
    String from =
        first
            ? " where r." + changed + " >= :?since"
            : " where (r."
                + changed
                + " > :?since or (r."
                + changed
                + " = :?since and r."
                + key
                + " > :?afterKey))";
    return derived() + from + " order by r." + changed + ", r." + key + " limit " + limit;
  }

  /** Which of the given keys exist. */
  String existing() {
    return "select r." + key + " from (" + select + ") r where r." + key + " in (:?in:keys)";
  }

  private String derived() {
    return "select * from (" + select + ") r";
  }
}
