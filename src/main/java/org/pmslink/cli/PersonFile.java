package org.pmslink.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PushbackInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.RecordSet;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;

/**
 * A CSV file of people, as {@code match} and {@code dedupe} read it: raw values under our column
 * names, any order, any missing but {@code id}. Rows that cannot be used are left out and listed;
 * what is said about them names rows, columns and reasons, never values.
 */
final class PersonFile {
  private static final List<String> COLUMNS =
      List.of(
          "id",
          "family",
          "given",
          "middle",
          "suffix",
          "preferred",
          "birth_date",
          "sex",
          "ssn",
          "phone_home",
          "phone_mobile",
          "phone_work",
          "email",
          "line1",
          "line2",
          "city",
          "state",
          "postal_code",
          "country",
          "guarantor_id");

  /** Longer than any honest value. */
  private static final int LONGEST_VALUE = 10_000;

  /** Rows that one thread cleans at a time. */
  private static final int BATCH = 1024;

  /** How far the reader may be ahead, so that memory holds no whole file of raw rows. */
  private static final int BATCHES_UNDERWAY = 32;

  private final Path file;
  private final List<String> ids = new ArrayList<>();
  private final List<String> refused = new ArrayList<>();
  private final List<String> mended = new ArrayList<>();
  private final RecordSet records = new RecordSet();
  // The numbers live as long as the command and are never written: their own text will do.
  private final PatientNormalizer normalizer = new PatientNormalizer(nine -> "ssn:" + nine);
  private final boolean withGuarantor;
  private long rowsRead;

  private PersonFile(Path file, boolean withGuarantor) {
    this.file = file;
    this.withGuarantor = withGuarantor;
  }

  /**
   * Reads a file.
   *
   * @param withGuarantor whether guarantors mean the same in all files compared, as they do within
   *     one
   * @throws UnusableFileException when nothing in it can be used; one line with file, row, reason
   */
  static PersonFile read(Path file, boolean withGuarantor) {
    PersonFile people = new PersonFile(file, withGuarantor);
    try (InputStream in = Files.newInputStream(file)) {
      people.parse(in);
    } catch (CharacterCodingException e) {
      throw new UnusableFileException(people.row(people.rowsRead + 2) + "this is not UTF-8 text");
    } catch (IOException e) {
      throw new UnusableFileException(file + ": cannot be read");
    } catch (UncheckedIOException e) {
      throw new UnusableFileException(
          people.row(people.rowsRead + 2)
              + (e.getCause() instanceof CharacterCodingException
                  ? "this is not UTF-8 text, from here on or a little later"
                  : "this is not CSV"));
    }
    return people;
  }

  /** The file cannot be used at all. */
  static final class UnusableFileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnusableFileException(String message) {
      super(message);
    }
  }

  /** By number in {@link #records()}. */
  List<String> ids() {
    return ids;
  }

  RecordSet records() {
    return records;
  }

  /** A line for each row that was left out. */
  List<String> refused() {
    return refused;
  }

  /** A line for each row that was used without one of its values. */
  List<String> mended() {
    return mended;
  }

  private String row(long row) {
    return file.getFileName() + " row " + row + ": ";
  }

  private void parse(InputStream raw) throws IOException {
    BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                withoutMark(raw),
                StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)),
            1 << 16);
    CSVFormat format = CSVFormat.RFC4180.builder().setIgnoreEmptyLines(true).get();
    try (CSVParser parser = CSVParser.builder().setReader(reader).setFormat(format).get()) {
      Iterator<CSVRecord> rows = parser.iterator();
      if (!rows.hasNext()) {
        throw new UnusableFileException(file.getFileName() + ": this file is empty");
      }
      Map<String, Integer> columns = columns(rows.next());
      Set<String> seen = new HashSet<>();
      Deque<ForkJoinTask<List<Cleaned>>> underway = new ArrayDeque<>();
      try {
        long number = 1;
        while (rows.hasNext()) {
          List<CSVRecord> batch = new ArrayList<>(BATCH);
          while (batch.size() < BATCH && rows.hasNext()) {
            batch.add(rows.next());
            rowsRead++;
          }
          underway.add(ForkJoinPool.commonPool().submit(() -> cleaned(batch, columns)));
          while (underway.size() > BATCHES_UNDERWAY) {
            number = accept(underway.remove(), seen, number);
          }
        }
        while (!underway.isEmpty()) {
          number = accept(underway.remove(), seen, number);
        }
      } finally {
        underway.forEach(task -> task.cancel(true));
      }
    }
    if (ids.isEmpty() && refused.isEmpty()) {
      throw new UnusableFileException(file.getFileName() + ": there is no row below the header");
    }
  }

  private static InputStream withoutMark(InputStream raw) throws IOException {
    PushbackInputStream in = new PushbackInputStream(raw, 3);
    byte[] start = in.readNBytes(3);
    boolean mark =
        start.length == 3
            && start[0] == (byte) 0xEF
            && start[1] == (byte) 0xBB
            && start[2] == (byte) 0xBF;
    if (!mark) {
      in.unread(start);
    }
    return in;
  }

  private Map<String, Integer> columns(CSVRecord header) {
    // First, because without it the row may be no header at all, but a person.
    if (header.stream().noneMatch(name -> name.trim().equals("id"))) {
      throw new UnusableFileException(
          row(1) + "there is no column \"id\"; the first row must name the columns");
    }
    Map<String, Integer> columns = new HashMap<>();
    for (int i = 0; i < header.size(); i++) {
      String name = header.get(i).trim();
      if (!COLUMNS.contains(name)) {
        String shown = name.length() > 40 ? name.substring(0, 40) + "..." : name;
        throw new UnusableFileException(
            row(1) + "unknown column " + (i + 1) + " \"" + shown + "\"");
      }
      if (columns.put(name, i) != null) {
        throw new UnusableFileException(row(1) + "column \"" + name + "\" stands twice");
      }
    }
    return columns;
  }

  /**
   * A row, cleaned on whichever thread; what depends on other rows is left to {@link #accept}.
   *
   * @param person {@code null} when the row cannot be used
   */
  private record Cleaned(
      String id, RecordSet.@Nullable Folded person, boolean isDate, String why) {}

  private List<Cleaned> cleaned(List<CSVRecord> batch, Map<String, Integer> columns) {
    List<Cleaned> cleaned = new ArrayList<>(batch.size());
    for (CSVRecord row : batch) {
      cleaned.add(cleaned(row, columns));
    }
    return cleaned;
  }

  private Cleaned cleaned(CSVRecord row, Map<String, Integer> columns) {
    if (row.size() != columns.size()) {
      return refusal(row.size() + " values where the header has " + columns.size());
    }
    for (int i = 0; i < row.size(); i++) {
      if (row.get(i).length() > LONGEST_VALUE) {
        return refusal("value " + (i + 1) + " is longer than " + LONGEST_VALUE + " characters");
      }
    }
    String id = row.get(columns.getOrDefault("id", 0)).trim();
    if (id.isEmpty()) {
      return refusal("id is missing");
    }
    try {
      RecordSet.Folded person = RecordSet.fold(person(row, columns, id));
      return new Cleaned(id, person, isDate(value(row, columns, "birth_date")), "");
    } catch (InvalidRecordException e) {
      return new Cleaned(id, null, true, String.valueOf(e.getMessage()));
    }
  }

  private static Cleaned refusal(String why) {
    return new Cleaned("", null, true, why);
  }

  /** Takes in what came of a batch, in the order of the file. */
  private long accept(ForkJoinTask<List<Cleaned>> batch, Set<String> seen, long before) {
    long number = before;
    for (Cleaned row : batch.join()) {
      number++;
      if (!row.id.isEmpty() && seen.contains(row.id)) {
        refused.add(row(number) + "this id stood in an earlier row");
      } else if (row.person == null) {
        refused.add(row(number) + row.why);
      } else {
        records.add(row.person);
        seen.add(row.id);
        ids.add(row.id);
        if (!row.isDate) {
          mended.add(row(number) + "birth_date is no date (YYYY-MM-DD) and was left out");
        }
      }
    }
    return number;
  }

  /** Fillers such as 0000-00-00 are no fault of a row: the normalizer knows them. */
  private static boolean isDate(@Nullable String raw) {
    String text = raw == null ? "" : raw.trim();
    if (text.isEmpty() || text.startsWith("0000")) {
      return true;
    }
    if (text.length() != 10 || text.charAt(4) != '-' || text.charAt(7) != '-') {
      return false;
    }
    int year = number(text, 0, 4);
    int month = number(text, 5, 7);
    int day = number(text, 8, 10);
    // By hand, because it is done for every row, and a formatter takes as long as the cleaning.
    return year >= 0
        && month >= 1
        && month <= 12
        && day >= 1
        && day <= YearMonth.of(year, month).lengthOfMonth();
  }

  private static int number(String text, int from, int to) {
    int number = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = number * 10 + digit;
    }
    return number;
  }

  private static @Nullable String value(
      CSVRecord row, Map<String, Integer> columns, String column) {
    Integer at = columns.get(column);
    return at == null ? null : row.get(at);
  }

  private Person person(CSVRecord row, Map<String, Integer> columns, String id) {
    String ssn = value(row, columns, "ssn");
    String other = otherNumber(ssn);
    String email = value(row, columns, "email");
    Person person =
        normalizer.person(
            SourcePatient.person(
                id,
                value(row, columns, "family"),
                value(row, columns, "given"),
                value(row, columns, "middle"),
                value(row, columns, "suffix"),
                value(row, columns, "preferred"),
                value(row, columns, "birth_date"),
                value(row, columns, "sex"),
                other == null ? ssn : null,
                List.of(
                    new SourcePhone("home", value(row, columns, "phone_home")),
                    new SourcePhone("mobile", value(row, columns, "phone_mobile")),
                    new SourcePhone("work", value(row, columns, "phone_work"))),
                email == null ? List.of() : List.of(email),
                new SourceAddress(
                    value(row, columns, "line1"),
                    value(row, columns, "line2"),
                    value(row, columns, "city"),
                    value(row, columns, "state"),
                    value(row, columns, "postal_code"),
                    value(row, columns, "country")),
                withGuarantor ? value(row, columns, "guarantor_id") : null));
    LocalDate longAgo =
        person.birthDate() == null ? longAgo(value(row, columns, "birth_date")) : null;
    if (other == null && longAgo == null) {
      return person;
    }
    return new Person(
        person.name(),
        longAgo == null ? person.birthDate() : longAgo,
        person.gender(),
        other == null ? person.ssnHash() : other,
        other == null ? person.ssnLast4() : other.substring(other.length() - 4),
        person.phones(),
        person.emails(),
        person.address(),
        person.guarantorId());
  }

  /**
   * A birth date of more than 120 years ago, which the normalizer takes for a mistake. Old files
   * hold such people, and two records that agree on one have as much in common as any others.
   */
  private static @Nullable LocalDate longAgo(@Nullable String raw) {
    String text = raw == null ? "" : raw.trim();
    if (!text.startsWith("190") || text.equals("1900-01-01") || !isDate(text)) {
      return null;
    }
    return LocalDate.parse(text);
  }

  /**
   * A person's number in another country, say seven digits: as good as an SSN to tell people apart,
   * but none that the normalizer would take.
   */
  private static @Nullable String otherNumber(@Nullable String raw) {
    if (raw == null) {
      return null;
    }
    String digits = raw.trim();
    boolean plain = digits.length() >= 6 && digits.length() <= 12 && digits.length() != 9;
    if (!plain || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return null;
    }
    boolean oneDigit = digits.chars().allMatch(c -> c == digits.charAt(0));
    return oneDigit ? null : "number:" + digits;
  }
}
