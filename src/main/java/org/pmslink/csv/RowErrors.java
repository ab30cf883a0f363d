package org.pmslink.csv;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a file that somebody has to look at, as a file that can be mended and dropped again:
 * what is wrong in front, because a row may have more values than there are columns, and then the
 * original columns. UTF-8 with a mark, so that Excel shows it as it is.
 */
public final class RowErrors implements AutoCloseable {
  /** The column that is added, and passed over when the file comes back. */
  static final String COLUMN = "problem";

  private static final char TEXT = '\'';

  /** What begins a formula; and the mark itself, so that it can be told from one that was there. */
  private static final String FORMULA = "=+-@\t\r\n'";

  private static final Pattern ZERO_IN_FRONT = Pattern.compile("0\\d+");

  private final Path file;
  private final CsvFile original;
  private @Nullable CSVPrinter printer;
  private boolean closed;

  /**
   * @param file is made with the first row
   */
  public RowErrors(Path file, CsvFile original) {
    this.file = file;
    this.original = original;
  }

  /** Adds a row that has a problem. */
  public void add(CsvFile.Row row) throws IOException {
    CSVPrinter out = printer();
    out.print("row " + row.number() + " " + row.problem());
    for (String cell : row.cells()) {
      out.print(forSpreadsheet(cell));
    }
    out.println();
  }

  /**
   * Marked as text, where a spreadsheet would run a formula or drop the zeros in front of a number
   * when the file is opened and saved.
   */
  private static String forSpreadsheet(String cell) {
    return isMisread(cell) ? TEXT + cell : cell;
  }

  /** A cell of such a file as it was in the original. */
  static String asItWas(String cell) {
    return !cell.isEmpty() && cell.charAt(0) == TEXT && isMisread(cell.substring(1))
        ? cell.substring(1)
        : cell;
  }

  private static boolean isMisread(String cell) {
    return !cell.isEmpty()
        && (FORMULA.indexOf(cell.charAt(0)) >= 0 || ZERO_IN_FRONT.matcher(cell).matches());
  }

  private CSVPrinter printer() throws IOException {
    if (printer == null) {
      BufferedWriter writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8);
      writer.write('\uFEFF');
      printer = CSVFormat.EXCEL.print(writer);
      List<String> header = new ArrayList<>(List.of(COLUMN));
      original.headerCells().forEach(cell -> header.add(forSpreadsheet(cell)));
      printer.printRecord(header);
    }
    return printer;
  }

  /** Whether there is such a row, and so the file. */
  public boolean isAny() {
    return printer != null;
  }

  /** A second time does nothing. */
  @Override
  public void close() throws IOException {
    if (printer != null && !closed) {
      closed = true;
      printer.close(true);
    }
  }
}
