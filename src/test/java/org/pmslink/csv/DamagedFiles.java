package org.pmslink.csv;

import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Exports with something wrong in them, the same ones for a seed each time: good rows in one of the
 * encodings, delimiters and line ends, and among them one row, or around them a whole file, that is
 * damaged in one of the ways that have been seen or can be thought of.
 */
public final class DamagedFiles {
  /** Stands in damaged rows only, and must never be repeated in a reason. */
  public static final String SECRET = "Xyloquenta";

  private static final String[] FAMILIES = {"Peña", "Lee", "O'Brien", "de la Cruz", "Kim", "Núñez"};
  private static final String[] GIVEN = {"Ana", "Zoë", "Jo", "Mary Ann", "Luz"};
  private static final List<Charset> CHARSETS =
      List.of(
          StandardCharsets.UTF_8,
          Charset.forName("windows-1252"),
          StandardCharsets.UTF_16LE,
          StandardCharsets.UTF_16BE);

  /** What is wrong with one row among good ones. */
  private enum RowDamage {
    TRUNCATED,
    OPEN_QUOTE,
    MISPLACED_QUOTE,
    CLOSING_QUOTE_ALONE,
    TOO_MANY_VALUES,
    TOO_FEW_VALUES,
    NUL,
    WRONG_BYTES,
    HUGE_VALUE,
    HUGE_QUOTED_VALUE,
    GARBAGE,
    OTHER_DELIMITER,
    NO_ID,
    ROUNDED_ID,
    NAME_AS_ID,
    NO_NAME,
    NO_DATE
  }

  /** What is wrong with a file as a whole. */
  private enum FileDamage {
    EMPTY,
    BLANK,
    HEADER_ONLY,
    NO_HEADER,
    NO_ID_COLUMN,
    NO_NAME_COLUMN,
    TWO_COLUMNS_FOR_ONE,
    RANDOM_BYTES,
    WORKBOOK,
    WEB_PAGE,
    UTF_16_WITHOUT_MARK,
    NAMES_AS_IDS,
    ONE_ENDLESS_LINE
  }

  /**
   * A file.
   *
   * @param goodIds of rows that nothing is wrong with
   * @param refused whether the whole of it must be refused
   */
  public record Damaged(String what, byte[] bytes, List<String> goodIds, boolean refused) {}

  private final Random random;
  private final Charset charset;
  private final boolean marked;
  private final char delimiter;
  private final String end;
  private final int number;

  private DamagedFiles(int number) {
    this.number = number;
    random = new Random(4_711L + number);
    charset = CHARSETS.get(random.nextInt(CHARSETS.size()));
    marked =
        !charset.equals(CHARSETS.get(1))
            && (!charset.equals(CHARSETS.get(0)) || random.nextBoolean());
    delimiter = ",;\t|".charAt(random.nextInt(4));
    end = new String[] {"\n", "\r\n", "\r"}[random.nextInt(3)];
  }

  /** The file of this number. */
  public static Damaged file(int number) {
    DamagedFiles file = new DamagedFiles(number);
    return number % 4 == 3 ? file.wholeFile() : file.amongGoodRows();
  }

  private Damaged amongGoodRows() {
    RowDamage damage = RowDamage.values()[number / 4 % RowDamage.values().length];
    List<byte[]> lines = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    lines.add(bytes("Patient ID,Last Name,First Name,DOB,Notes,Home Phone"));
    int rows = 5 + random.nextInt(20);
    int at = random.nextInt(rows);
    for (int i = 0; i < rows; i++) {
      if (i == at) {
        lines.add(damagedRow(damage));
      }
      String id = "G" + number + "-" + i;
      ids.add(id);
      lines.add(bytes(goodRow(id, i)));
    }
    return new Damaged(
        number + " " + damage + " " + charset + " " + (int) delimiter, joined(lines), ids, false);
  }

  private String goodRow(String id, int i) {
    String family = FAMILIES[i % FAMILIES.length];
    String notes =
        switch (random.nextInt(4)) {
          case 0 -> "\"called \"\"twice\"\", " + delimiter + " left a note\"";
          case 1 -> "\"first line" + end + "second line\"";
          default -> "";
        };
    return id
        + ","
        + family
        + ","
        + GIVEN[random.nextInt(GIVEN.length)]
        + ",3/19/1984,"
        + notes
        + ",6145550134";
  }

  private byte[] damagedRow(RowDamage damage) {
    String id = "B" + number;
    String good = id + "," + SECRET + ",Ana,3/19/1984,,6145550134";
    return switch (damage) {
      case TRUNCATED -> bytes(id + "," + SECRET.substring(0, 1 + random.nextInt(9)));
      case OPEN_QUOTE -> bytes(id + ",\"" + SECRET + ",Ana,3/19/1984,,6145550134");
      case MISPLACED_QUOTE -> bytes(id + ",\"" + SECRET + "\" x,Ana,3/19/1984,,");
      case CLOSING_QUOTE_ALONE -> bytes(id + "," + SECRET + ",Ana,3/19/1984,\",6145550134");
      case TOO_MANY_VALUES -> bytes(good + ",x,y");
      case TOO_FEW_VALUES -> bytes(id + "," + SECRET + ",Ana");
      case NUL -> bytes(id + "," + SECRET + "\0,Ana,3/19/1984,,");
      case WRONG_BYTES -> wrongBytes(id);
      case HUGE_VALUE -> bytes(id + "," + SECRET.repeat(1_000_000) + ",Ana,3/19/1984,,");
      case HUGE_QUOTED_VALUE ->
          bytes(
              id
                  + ","
                  + SECRET
                  + ",Ana,3/19/1984,\""
                  + "x".repeat(10_001)
                  + "\","
                  + "9".repeat(10_001));
      case GARBAGE -> garbage();
      case OTHER_DELIMITER -> encoded(good.replace(',', delimiter == '|' ? ';' : '|'));
      case NO_ID -> bytes("," + SECRET + ",Ana,3/19/1984,,");
      case ROUNDED_ID -> bytes("5.03556E+09," + SECRET + ",Ana,3/19/1984,,");
      case NAME_AS_ID -> bytes(SECRET + " Ana," + SECRET + ",Ana,3/19/1984,,");
      case NO_NAME -> bytes(id + ",,,3/19/1984,,");
      case NO_DATE -> bytes(id + "," + SECRET + ",Ana,33/33/1984,,");
    };
  }

  /** Bytes that are no characters in the file's encoding, in a value that counts. */
  private byte[] wrongBytes(String id) {
    if (charset.equals(CHARSETS.get(1))) {
      return bytes(id + "," + SECRET + "\u0001,Ana,3/19/1984,,");
    }
    if (!charset.equals(CHARSETS.get(0))) {
      return bytes(id + "," + SECRET + "\uFFFD,Ana,3/19/1984,,");
    }
    byte[] row = bytes(id + "," + SECRET + "#,Ana,3/19/1984,,");
    for (int i = 0; i < row.length; i++) {
      row[i] = row[i] == '#' ? (byte) 0xE9 : row[i];
    }
    return row;
  }

  private byte[] garbage() {
    StringBuilder text = new StringBuilder("\u0001" + SECRET);
    for (int i = 0; i < 40; i++) {
      text.append((char) (1 + random.nextInt(255)));
    }
    return encoded(text.toString());
  }

  private Damaged wholeFile() {
    FileDamage damage = FileDamage.values()[number / 4 % FileDamage.values().length];
    String row = "B1," + SECRET + ",Ana,3/19/1984";
    String header = "Patient ID,Last Name,First Name,DOB";
    byte[] file =
        switch (damage) {
          case EMPTY -> new byte[0];
          case BLANK -> joined(List.of(bytes(""), bytes("  "), bytes(",,,")));
          case HEADER_ONLY -> joined(List.of(bytes(header)));
          case NO_HEADER -> joined(List.of(bytes(row), bytes(row), bytes(row)));
          case NO_ID_COLUMN ->
              joined(List.of(bytes(header.replace("Patient ID", "Shoe")), bytes(row)));
          case NO_NAME_COLUMN ->
              joined(List.of(bytes(header.replace("Last Name", "Shoe")), bytes(row)));
          case TWO_COLUMNS_FOR_ONE ->
              joined(List.of(bytes(header.replace("First Name", "Surname")), bytes(row)));
          case RANDOM_BYTES -> randomBytes();
          case WORKBOOK -> ("PK\u0003\u0004" + SECRET).getBytes(StandardCharsets.ISO_8859_1);
          case WEB_PAGE -> ("<html><table><tr><td>" + SECRET).getBytes(StandardCharsets.UTF_8);
          case UTF_16_WITHOUT_MARK -> (header + "\n" + row).getBytes(StandardCharsets.UTF_16LE);
          case NAMES_AS_IDS ->
              joined(
                  List.of(
                      bytes(header),
                      bytes("\"" + SECRET + "; Ana\"" + row.substring(2)),
                      bytes("Ana " + SECRET + row.substring(2)),
                      bytes("Jo " + SECRET + row.substring(2))));
          case ONE_ENDLESS_LINE -> encoded((SECRET + ",").repeat(500_000));
        };
    return new Damaged(number + " " + damage + " " + charset, file, List.of(), true);
  }

  private byte[] randomBytes() {
    byte[] bytes = new byte[1 + random.nextInt(5_000)];
    random.nextBytes(bytes);
    return bytes;
  }

  /** A line in the file's encoding; its commas become the file's delimiter, unless quoted. */
  private byte[] bytes(String line) {
    StringBuilder text = new StringBuilder(line.length());
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      quoted ^= c == '"';
      text.append(c == ',' && !quoted ? delimiter : c);
    }
    return encoded(text.toString());
  }

  private byte[] encoded(String text) {
    return text.getBytes(charset);
  }

  private byte[] joined(List<byte[]> lines) {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    if (marked) {
      file.writeBytes("\uFEFF".getBytes(charset));
    }
    for (byte[] line : lines) {
      file.writeBytes(line);
      file.writeBytes(encoded(end));
    }
    return file.toByteArray();
  }
}
