package org.pmslink.csv;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
      out.print(cell);
    }
    out.println();
  }

  private CSVPrinter printer() throws IOException {
    if (printer == null) {
      BufferedWriter writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8);
      writer.write('\uFEFF');
      printer = CSVFormat.EXCEL.print(writer);
      List<String> header = new ArrayList<>(List.of(COLUMN));
      header.addAll(original.headerCells());
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
