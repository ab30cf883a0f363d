package org.pmslink.feed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A SELECT of a mapping folder, and the reads that the engine makes of it. The file's own text
 * becomes a derived table, so nothing but a SELECT can be in it, and paging is the same for every
 * PMS; MariaDB and PostgreSQL merge the derived table and use the indexes beneath.
 *
 * @param keys columns that together identify a row; unique, and what pages are ordered by
 * @param changed column with the stamp of the last change; absent when the PMS keeps none, so that
 *     only a first load and the nightly comparison read it
 * @param family column with the last name, by which one patient can be asked for at once
 * @param birthDate likewise, with the birth date
 */
record SourceQuery(
    String select,
    List<String> keys,
    @Nullable String changed,
    @Nullable String family,
    @Nullable String birthDate) {
  private static final Pattern KEY =
      Pattern.compile("(?m)^--\\s*key:\\s*(\\w+(?:\\s*,\\s*\\w+)*)\\s*$");
  private static final Pattern CHANGED = Pattern.compile("(?m)^--\\s*changed:\\s*(\\w+)\\s*$");
  private static final Pattern FAMILY = Pattern.compile("(?m)^--\\s*family:\\s*(\\w+)\\s*$");
  private static final Pattern BIRTH_DATE = Pattern.compile("(?m)^--\\s*birthDate:\\s*(\\w+)\\s*$");
  private static final Pattern COMMENT = Pattern.compile("(?m)--.*$");

  /** How a database says "the first so many rows", and reads a time from text. */
  enum Dialect {
    /** MySQL, MariaDB, PostgreSQL: {@code limit 100}. */
    LIMIT("yyyy-MM-dd HH:mm:ss", "SSSSSS"),
    /**
     * The SQL standard, SQL Server: {@code offset 0 rows fetch next 100 rows only}. Between day and
     * time a T, for without it SQL Server takes a month for a day in some languages.
     */
    FETCH("yyyy-MM-dd'T'HH:mm:ss", "SSSSSSS"),
    /** c-tree SQL and older SQL Servers: {@code select top 100}. */
    TOP("yyyy-MM-dd HH:mm:ss", "SSSSSSS");

    private final DateTimeFormatter toTheMillisecond;
    private final DateTimeFormatter exact;

    Dialect(String seconds, String fraction) {
      exact = DateTimeFormatter.ofPattern(seconds + "." + fraction);
      toTheMillisecond =
          fraction.length() > 6 ? DateTimeFormatter.ofPattern(seconds + ".SSS") : exact;
    }

    /**
     * A time as text that is compared with the change column, and neither more nor less exact than
     * this: a page begins behind the last row of the one before, so the text must mean that very
     * stamp. SQL Server's old type {@code datetime} refuses more than three digits and never yields
     * more; {@code datetime2} yields up to seven and takes them. As text, because a time would
     * travel as datetime2, which is no datetime's equal.
     */
    String stamp(LocalDateTime time) {
      boolean wholeMilliseconds = time.equals(time.truncatedTo(ChronoUnit.MILLIS));
      return (wholeMilliseconds ? toTheMillisecond : exact).format(time);
    }

    /** Where a pass begins: a little earlier rather than in more digits than the column takes. */
    String begin(LocalDateTime time) {
      return stamp(time.truncatedTo(ChronoUnit.MILLIS));
    }
  }

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
    String changed =
        named(CHANGED, text, path, "changed", "or \"-- changed: none\" if there is none");
    return new SourceQuery(
        select,
        List.of(named(KEY, text, path, "key", "or its key columns").split("\\s*,\\s*")),
        changed.equals("none") ? null : changed,
        named(FAMILY, text),
        named(BIRTH_DATE, text));
  }

  private static @Nullable String named(Pattern pattern, String text) {
    Matcher line = pattern.matcher(text);
    return line.find() ? line.group(1) : null;
  }

  private static String named(Pattern pattern, String text, String path, String what, String or) {
    Matcher line = pattern.matcher(text);
    if (!line.find()) {
      throw new FeedException(
          path
              + ": needs a comment line like \"-- "
              + what
              + ": COLUMN\" that names its "
              + what
              + " column, "
              + or);
    }
    return line.group(1);
  }

  /** A read as Spring takes it; Camel writes its parameters with a question mark more. */
  static String withNamedParameters(String read) {
    return read.replace(":?", ":");
  }

  /** How many rows there are. */
  String count() {
    return "select count(*) from (" + select + ") r";
  }

  /** The columns and no row. */
  String columns() {
    return "select * from (" + select + ") r where 1 = 0";
  }

  /**
   * Where a query file names something: path and line, or the path alone.
   *
   * @param word a table or column, with what stands before its dot or without; one that ends with a
   *     colon is looked for in the comments, any other in what is no comment
   */
  static String place(Path folder, String path, String word) {
    String last = word.substring(word.lastIndexOf('.') + 1);
    if (!last.isEmpty()) {
      Pattern sought = Pattern.compile("(?i)\\b" + Pattern.quote(last));
      boolean comment = last.endsWith(":");
      try {
        List<String> lines = Files.readAllLines(folder.resolve(path));
        for (int i = 0; i < lines.size(); i++) {
          if (lines.get(i).startsWith("--") == comment && sought.matcher(lines.get(i)).find()) {
            return path + " line " + (i + 1);
          }
        }
      } catch (IOException e) {
        return path;
      }
    }
    return path;
  }

  /** Rows behind a key, in the order of keys; from the start when {@code first}. */
  String page(boolean first, Dialect dialect, int limit) {
    return read(first ? "" : " where " + behindKey(), keyOrder(), dialect, limit);
  }

  /** Rows changed since a stamp, or behind a row of the page before; oldest change first. */
  String changes(boolean first, Dialect dialect, int limit) {
    String from =
        first
            ? " where r." + changed + " >= :?since"
            : " where (r."
                + changed
                + " > :?since or (r."
                + changed
                + " = :?since and ("
                + behindKey()
                + ")))";
    return read(from, "r." + changed + ", " + keyOrder(), dialect, limit);
  }

  /**
   * Which of the given keys exist: as many as there are {@code key0_0}, {@code key1_0} and so on.
   */
  String existing(int count) {
    String names = keys.stream().map(k -> "r." + k).collect(Collectors.joining(", "));
    String wanted =
        keys.size() == 1
            ? "r." + keys.get(0) + " in (:?in:keys)"
            : IntStream.range(0, count)
                .mapToObj(
                    n ->
                        IntStream.range(0, keys.size())
                            .mapToObj(k -> "r." + keys.get(k) + " = :?key" + k + "_" + n)
                            .collect(Collectors.joining(" and ", "(", ")")))
                .collect(Collectors.joining(" or "));
    return "select " + names + " from (" + select + ") r where " + wanted;
  }

  /**
   * Rows of somebody, those that changed last first; parameters as {@link
   * #withNamedParameters(String)} takes them.
   *
   * @param where conditions, of which each must hold
   */
  String someone(List<String> where, Dialect dialect, int limit) {
    return read(
        " where " + String.join(" and ", where),
        changed == null ? keyOrder() : "r." + changed + " desc, " + keyOrder(),
        dialect,
        limit);
  }

  /** Name of the parameter that holds a part of the key of the last row of the page before. */
  static String keyParameter(int part) {
    return "afterKey" + part;
  }

  /** "Greater than" for a key of several columns; not every database has row comparisons. */
  private String behindKey() {
    StringBuilder behind = new StringBuilder();
    for (int last = 0; last < keys.size(); last++) {
      behind.append(last == 0 ? "" : " or ").append('(');
      for (int part = 0; part < last; part++) {
        behind.append("r.").append(keys.get(part)).append(" = :?").append(keyParameter(part));
        behind.append(" and ");
      }
      behind.append("r.").append(keys.get(last)).append(" > :?").append(keyParameter(last));
      behind.append(')');
    }
    return behind.toString();
  }

  private String keyOrder() {
    return keys.stream().map(k -> "r." + k).collect(Collectors.joining(", "));
  }

  private String read(String where, String order, Dialect dialect, int limit) {
    String rows = " from (" + select + ") r" + where + " order by " + order;
    return switch (dialect) {
      case LIMIT -> "select *" + rows + " limit " + limit;
      case FETCH -> "select *" + rows + " offset 0 rows fetch next " + limit + " rows only";
      case TOP -> "select top " + limit + " *" + rows;
    };
  }
}
