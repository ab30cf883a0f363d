package org.pmslink.csv;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;

/**
 * A file row by row. A quote that is opened and never closed would swallow every row up to the next
 * quote; so lines are put together here, and a row over several lines counts only if it comes out
 * with as many values as the header has. Otherwise its first line alone is at fault, and the next
 * line begins a row of its own. What is whole is cut into values by Commons CSV.
 */
final class RowReader implements AutoCloseable {
  /** A longer line is no row; what goes beyond is not kept. */
  private static final int LONGEST_ROW = 1_000_000;

  /** How far the end of a quoted value is looked for. */
  private static final int MOST_LINES = 100;

  private static final int LONGEST_QUOTED = 100_000;

  /** Characters that are parsed at a time, so that long rows do not add up. */
  private static final int LONGEST_BATCH = 2_000_000;

  private static final int MOST_CELLS_SHOWN = 1_000;
  private static final int ANY = -1;

  private final Reader in;
  private final TextCoding coding;
  private final char delimiter;
  private final int columns;
  private final CSVFormat format;
  private final char[] buffer = new char[1 << 16];
  private int filled;
  private int at;
  private final Deque<Line> putBack = new ArrayDeque<>();
  private long number;

  private record Line(String text, boolean tooLong) {}

  /**
   * A row.
   *
   * @param number the row's number in the file, from 1, as a spreadsheet counts
   * @param problem why its values cannot be told apart; {@code null} when they can
   */
  record RawRow(
      long number, List<String> cells, TextCoding.RowCoding coding, @Nullable String problem) {}

  private RowReader(Reader in, TextCoding coding, char delimiter, int columns) {
    this.in = in;
    this.coding = coding;
    this.delimiter = delimiter;
    this.columns = columns;
    this.format =
        CSVFormat.DEFAULT
            .builder()
            .setDelimiter(delimiter)
            .setIgnoreEmptyLines(false)
            .setIgnoreSurroundingSpaces(true)
            .get();
  }

  /** Opens a file whose header is still to be found. */
  static RowReader open(Path file, TextCoding coding, char delimiter) throws IOException {
    return open(file, coding, delimiter, ANY);
  }

  /**
   * @param columns how many the header has
   */
  static RowReader open(Path file, TextCoding coding, char delimiter, int columns)
      throws IOException {
    return new RowReader(coding.open(file), coding, delimiter, columns);
  }

  /** The next rows, at most so many; empty at the end. */
  List<RawRow> next(int most) throws IOException {
    List<Assembled> assembled = new ArrayList<>();
    int length = 0;
    while (assembled.size() < most && length < LONGEST_BATCH) {
      Assembled row = assemble();
      if (row == null) {
        break;
      }
      assembled.add(row);
      length += row.text.length();
    }
    return cut(assembled);
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The text of one row, decoded, or what is wrong with it. */
  private record Assembled(
      long number, String text, TextCoding.RowCoding coding, @Nullable String problem) {}

  private Assembled assembled(String bytes, @Nullable String problem) {
    number++;
    return new Assembled(number, coding.decode(bytes), coding.codingOf(bytes), problem);
  }

  private @Nullable Assembled assemble() throws IOException {
    Line first = line();
    if (first == null) {
      return null;
    }
    if (first.tooLong) {
      return assembled("", "is longer than " + LONGEST_ROW + " characters");
    }
    Quotes quotes = new Quotes();
    quotes.read(first.text);
    if (quotes.state == State.WRONG) {
      return assembled(first.text, "has a quote in the wrong place");
    }
    if (quotes.state != State.QUOTED) {
      return assembled(first.text, null);
    }
    StringBuilder whole = new StringBuilder(first.text);
    List<Line> more = new ArrayList<>();
    while (quotes.state == State.QUOTED
        && more.size() < MOST_LINES
        && whole.length() < LONGEST_QUOTED) {
      Line line = line();
      if (line == null) {
        break;
      }
      more.add(line);
      if (line.tooLong) {
        break;
      }
      whole.append('\n').append(line.text);
      quotes.read(line.text);
    }
    boolean closed = quotes.state == State.PLAIN || quotes.state == State.CLOSED;
    if (closed && (columns == ANY || quotes.values == columns)) {
      return assembled(whole.toString(), null);
    }
    for (int i = more.size() - 1; i >= 0; i--) {
      putBack.push(more.get(i));
    }
    return assembled(first.text, "has a quote that is not closed");
  }

  private enum State {
    PLAIN,
    QUOTED,
    CLOSED,
    WRONG
  }

  /** Follows the quotes of a row, line by line, with the same rules as the parser. */
  private final class Quotes {
    private State state = State.PLAIN;
    private boolean atStart = true;
    private int values = 1;

    void read(String line) {
      for (int i = 0; i < line.length() && state != State.WRONG; i++) {
        char c = line.charAt(i);
        switch (state) {
          case PLAIN -> plain(c);
          case QUOTED -> {
            if (c == '"' && i + 1 < line.length() && line.charAt(i + 1) == '"') {
              i++;
            } else if (c == '"') {
              state = State.CLOSED;
            }
          }
          case CLOSED -> {
            if (c == delimiter) {
              delimiter();
            } else if (!Character.isWhitespace(c)) {
              state = State.WRONG;
            }
          }
          case WRONG -> {}
        }
      }
    }

    private void plain(char c) {
      if (c == delimiter) {
        delimiter();
      } else if (c == '"' && atStart) {
        state = State.QUOTED;
      } else if (!Character.isWhitespace(c)) {
        atStart = false;
      }
    }

    private void delimiter() {
      state = State.PLAIN;
      atStart = true;
      values++;
    }
  }

  private List<RawRow> cut(List<Assembled> rows) {
    List<String> texts = rows.stream().filter(r -> r.problem == null).map(Assembled::text).toList();
    List<List<String>> cells = parsed(String.join("\n", texts));
    List<RawRow> cut = new ArrayList<>(rows.size());
    int next = 0;
    for (Assembled row : rows) {
      if (row.problem != null) {
        cut.add(new RawRow(row.number, roughly(row.text), row.coding, row.problem));
      } else if (cells != null && cells.size() == texts.size()) {
        cut.add(new RawRow(row.number, cells.get(next++), row.coding, null));
      } else {
        cut.add(alone(row));
      }
    }
    return cut;
  }

  /** A batch that does not come out as it went in has a row that is at fault: which one? */
  private RawRow alone(Assembled row) {
    List<List<String>> cells = parsed(row.text);
    return cells != null && cells.size() == 1
        ? new RawRow(row.number, cells.get(0), row.coding, null)
        : new RawRow(row.number, roughly(row.text), row.coding, "cannot be cut into values");
  }

  private @Nullable List<List<String>> parsed(String text) {
    if (text.isEmpty()) {
      return List.of(List.of(""));
    }
    List<List<String>> cells = new ArrayList<>();
    // An empty line at the very end would be taken for the end itself.
    String ended = text.endsWith("\n") ? text + "\n" : text;
    try (CSVParser parser =
        CSVParser.builder().setReader(new StringReader(ended)).setFormat(format).get()) {
      for (CSVRecord row : parser) {
        cells.add(row.toList());
      }
      return cells;
    } catch (IOException | UncheckedIOException | IllegalStateException e) {
      return null;
    }
  }

  /** Values of a row that has none for certain, for the person who is to mend it. */
  private List<String> roughly(String text) {
    List<String> cells = new ArrayList<>();
    int from = 0;
    for (int to = text.indexOf(delimiter);
        to >= 0 && cells.size() < MOST_CELLS_SHOWN;
        to = text.indexOf(delimiter, from)) {
      cells.add(text.substring(from, to));
      from = to + 1;
    }
    cells.add(text.substring(from));
    return cells;
  }

  private @Nullable Line line() throws IOException {
    if (!putBack.isEmpty()) {
      return putBack.pop();
    }
    if (!isMore()) {
      return null;
    }
    StringBuilder text = new StringBuilder();
    boolean tooLong = false;
    while (isMore()) {
      int from = at;
      while (at < filled && buffer[at] != '\n' && buffer[at] != '\r') {
        at++;
      }
      int room = Math.min(at - from, LONGEST_ROW - text.length());
      text.append(buffer, from, room);
      tooLong |= room < at - from;
      if (at < filled) {
        boolean carriage = buffer[at++] == '\r';
        if (carriage && isMore() && buffer[at] == '\n') {
          at++;
        }
        break;
      }
    }
    return new Line(tooLong ? "" : text.toString(), tooLong);
  }

  private boolean isMore() throws IOException {
    if (at < filled) {
      return true;
    }
    filled = in.read(buffer);
    at = 0;
    return filled > 0;
  }
}
