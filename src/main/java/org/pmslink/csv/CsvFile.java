package org.pmslink.csv;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.csv.ColumnNames.Field;
import org.pmslink.csv.ColumnNames.Header;
import org.pmslink.csv.ColumnNames.Kind;
import org.pmslink.csv.RowReader.RawRow;
import org.pmslink.csv.TextCoding.RowCoding;

/**
 * An exported file. It is read twice, because much can only be known from all of it: whether 5/6/80
 * is in May, whether the ids are ids, whose an id is. Neither time is it held in memory.
 */
public final class CsvFile {
  private static final char[] DELIMITERS = {',', ';', '\t', '|'};

  /** How far down the header is looked for. */
  private static final int LONGEST_PREAMBLE = 60;

  private static final int PAGE = 500;

  /** Longer than any honest value, here as in the records that are made of it. */
  private static final int LONGEST_VALUE = 10_000;

  private static final int LONGEST_NAME = 200;
  private static final int MOST_FOOTER_CELLS = 4;
  private static final Pattern FOOTER =
      Pattern.compile(
          "(?i)((grand |sub)?-?totals?\\b.*|((record|row|patient)s? )?count\\b.*|number of .*"
              + "|\\d[\\d,]* (patient|record|row)s?\\b.*|page \\d+.*|end of .*"
              + "|(report )?(printed|generated|exported|run)( on| by|:).*)");
  private static final Pattern NAME =
      Pattern.compile(
          "[\\p{L}'’.\\-]+(\\s[\\p{L}'’.\\-]+)*\\s?,\\s?[\\p{L}'’.\\-\\s]*"
              + "|[\\p{L}'’.\\-]{2,}(\\s[\\p{L}'’.\\-]+)+");
  private static final Pattern SCIENTIFIC = Pattern.compile("\\d([.,]\\d+)?[eE]\\+?\\d{1,2}");
  private static final Pattern WHOLE_WITH_POINT = Pattern.compile("(\\d+)\\.0+");
  private static final Pattern DIGITS = Pattern.compile("\\d+");

  /** Where zip codes begin with a zero, which spreadsheets drop. */
  private static final Set<String> STATES_WITH_ZERO_ZIPS =
      Set.of(
          "",
          "ma",
          "massachusetts",
          "ri",
          "rhodeisland",
          "nh",
          "newhampshire",
          "me",
          "maine",
          "vt",
          "vermont",
          "ct",
          "connecticut",
          "nj",
          "newjersey",
          "pr",
          "puertorico",
          "vi");

  private static final Set<String> STATES_WITH_TWO_ZEROS = Set.of("pr", "puertorico", "vi");

  private final Path file;
  private final TextCoding coding;
  private final char delimiter;
  private final ColumnNames names;
  private final Header header;
  private final List<String> foldedHeader;
  private final long headerRow;
  private final int problemAt;
  private final int columns;
  private final LocalDate today;
  private final Set<String> preamble = new HashSet<>();
  private final TypedDate.Evidence dates = new TypedDate.Evidence();
  private final SeenIds ids;
  private final IdLengths idLengths = new IdLengths();
  private long patients;
  private long utf8Rows;
  private long otherRows;

  private CsvFile(
      Path file, TextCoding coding, ColumnNames names, FoundHeader found, LocalDate today) {
    this.file = file;
    this.coding = coding;
    this.names = names;
    this.today = today;
    this.delimiter = found.delimiter;
    this.headerRow = found.row.number();
    this.columns = found.row.cells().size();
    int problem = -1;
    for (int i = 0; i < columns; i++) {
      if (ColumnNames.folded(found.row.cells().get(i)).equals(RowErrors.COLUMN)) {
        problem = i;
      }
    }
    this.problemAt = problem;
    this.header = names.header(withoutProblem(found.row.cells()));
    this.ids = new SeenIds(isStandIn());
    this.foldedHeader = header.cells().stream().map(ColumnNames::folded).toList();
    found.before.forEach(row -> preamble.add(folded(row.cells())));
  }

  /**
   * A row that is a patient or was meant to be one.
   *
   * @param number in the file, from 1, as a spreadsheet counts
   * @param id of the chart; {@code null} when there is a problem
   * @param record the fields that have a value; {@code null} when there is a problem
   * @param cells as they stand in the file
   * @param problem what is wrong, with columns and without values; {@code null} when nothing is
   */
  public record Row(
      long number,
      @Nullable String id,
      @Nullable ObjectNode record,
      List<String> cells,
      @Nullable String problem) {}

  /**
   * Reads a file once, to know how it is to be read.
   *
   * @param today of the office; nobody is born later
   * @throws RefusedFileException when it cannot be used at all
   */
  public static CsvFile look(Path file, ColumnNames names, LocalDate today) throws IOException {
    TextCoding coding = TextCoding.of(file);
    CsvFile looked = new CsvFile(file, coding, names, header(file, coding, names), today);
    looked.lookThrough();
    return looked;
  }

  private record FoundHeader(char delimiter, RawRow row, List<RawRow> before) {}

  /** The row, and with it the delimiter, under which most columns make sense. */
  private static FoundHeader header(Path file, TextCoding coding, ColumnNames names)
      throws IOException {
    FoundHeader best = null;
    int most = 1;
    boolean anything = false;
    for (char delimiter : DELIMITERS) {
      try (RowReader reader = RowReader.open(file, coding, delimiter)) {
        List<RawRow> rows = reader.next(LONGEST_PREAMBLE);
        anything |= rows.stream().anyMatch(r -> r.problem() != null || !isBlank(r.cells()));
        for (int i = 0; i < rows.size(); i++) {
          int recognised =
              rows.get(i).problem() == null ? names.recognised(rows.get(i).cells()) : 0;
          if (recognised > most) {
            most = recognised;
            best = new FoundHeader(delimiter, rows.get(i), List.copyOf(rows.subList(0, i)));
          }
        }
      }
    }
    if (best == null) {
      throw new RefusedFileException(
          anything
              ? "no row names the columns (looked at the first "
                  + LONGEST_PREAMBLE
                  + "); export the file with a header that names at least the patient's id and"
                  + " name; the names that are known are in columns.yaml"
              : "the file holds nothing but blanks; export it anew");
    }
    return best;
  }

  private void lookThrough() throws IOException {
    int birthAt = header.at(Kind.BIRTH_DATE);
    long rows = 0;
    long named = 0;
    long numbered = 0;
    try (RowReader reader = reader()) {
      for (List<RawRow> page = reader.next(PAGE); !page.isEmpty(); page = reader.next(PAGE)) {
        for (RawRow raw : page) {
          List<String> cells = withoutProblem(raw.cells());
          utf8Rows += raw.coding() == RowCoding.UTF_8 ? 1 : 0;
          otherRows += raw.coding() == RowCoding.OTHER ? 1 : 0;
          if (raw.number() <= headerRow || isBlank(cells)) {
            continue;
          }
          rows++;
          patients += raw.problem() != null || !isPassedOver(cells) ? 1 : 0;
          if (raw.problem() != null || cells.size() < header.size() || isPassedOver(cells)) {
            continue;
          }
          String id = id(cells.get(header.idAt()));
          named += isName(id) ? 1 : 0;
          numbered += id.isEmpty() || isName(id) ? 0 : 1;
          for (int i = 0; i < header.size(); i++) {
            if (isDate(header.columns().get(i))) {
              dates.see(cells.get(i).strip());
            }
          }
          if (!id.isEmpty()) {
            ids.see(id, name(cells), given(cells), birthAt < 0 ? "" : cells.get(birthAt).strip());
            idLengths.see(id);
          }
        }
      }
    }
    if (rows == 0) {
      throw new RefusedFileException("there is no row below the header; export the file anew");
    }
    if (named > numbered) {
      throw new RefusedFileException(
          "the column "
              + header.name(header.idAt())
              + " holds names where ids belong. Open Dental writes names there when a query is"
              + " exported as \"human-readable\": switch the query window to \"Raw\" and export it"
              + " again. From another system, export the patient's number");
    }
  }

  private RowReader reader() throws IOException {
    return RowReader.open(file, coding, delimiter, columns);
  }

  private List<String> withoutProblem(List<String> cells) {
    if (problemAt < 0 || problemAt >= cells.size()) {
      return cells;
    }
    List<String> rest = new ArrayList<>(cells);
    rest.remove(problemAt);
    rest.replaceAll(RowErrors::asItWas);
    return rest;
  }

  /** Whether the ids are of another kind, for want of the patients' own. */
  private boolean isStandIn() {
    Field field = header.columns().get(header.idAt());
    return field != null && field.kind() != Kind.ID;
  }

  private static boolean isDate(@Nullable Field field) {
    return field != null && (field.kind() == Kind.DATE || field.kind() == Kind.BIRTH_DATE);
  }

  private static boolean isBlank(List<String> cells) {
    return cells.stream().allMatch(String::isBlank);
  }

  private static String folded(List<String> cells) {
    return cells.stream().map(ColumnNames::folded).collect(Collectors.joining("|"));
  }

  /** Headers of later pages, and whatever else is printed around a table. */
  private boolean isPassedOver(List<String> cells) {
    return isRepeatedHeader(cells) || isFooter(cells);
  }

  private boolean isRepeatedHeader(List<String> cells) {
    boolean header = cells.size() >= foldedHeader.size();
    for (int i = 0; i < foldedHeader.size() && header; i++) {
      header = foldedHeader.get(i).equals(ColumnNames.folded(cells.get(i)));
    }
    return header || (!preamble.isEmpty() && preamble.contains(folded(cells)));
  }

  private boolean isFooter(List<String> cells) {
    int first = 0;
    int filled = 0;
    for (int i = cells.size() - 1; i >= 0; i--) {
      if (!cells.get(i).isBlank()) {
        first = i;
        filled++;
      }
    }
    boolean withoutId =
        first == header.idAt()
            || header.idAt() >= cells.size()
            || cells.get(header.idAt()).isBlank();
    int givenAt = header.at(Kind.GIVEN);
    boolean withoutName = givenAt < 0 || givenAt >= cells.size() || cells.get(givenAt).isBlank();
    return withoutId
        && cells.get(first).length() <= LONGEST_NAME
        && withoutName
        && filled <= MOST_FOOTER_CELLS
        && FOOTER.matcher(cells.get(first).strip()).matches();
  }

  private static String id(String cell) {
    String id = cell.strip();
    var whole = WHOLE_WITH_POINT.matcher(id);
    return whole.matches() ? whole.group(1) : id;
  }

  private String name(List<String> cells) {
    StringBuilder name = new StringBuilder();
    for (Kind kind : List.of(Kind.FAMILY, Kind.GIVEN, Kind.WHOLE_NAME)) {
      int at = header.at(kind);
      name.append(at < 0 ? "" : cells.get(at));
    }
    return name.toString();
  }

  private String given(List<String> cells) {
    int at = header.at(Kind.GIVEN);
    if (at >= 0) {
      return cells.get(at);
    }
    int whole = header.at(Kind.WHOLE_NAME);
    return whole < 0 || cells.get(whole).isBlank()
        ? ""
        : WholeName.of(cells.get(whole).strip()).given();
  }

  /** Whether a row of the file has this id. */
  public boolean isIn(String id) {
    return ids.isSeen(id);
  }

  List<String> headerCells() {
    return header.cells();
  }

  /** How many rows are patients, or were meant to be. */
  public long patients() {
    return patients;
  }

  /** Begins to read the rows. */
  public Rows rows() throws IOException {
    return new Rows(reader());
  }

  /** The rows of a file, page by page, and what has been counted so far. */
  public final class Rows implements AutoCloseable {
    private final RowReader reader;
    private long good;
    private long problems;
    private long blank;
    private long repeatedHeaders;
    private long footers;
    private final Map<String, Long> mended = new TreeMap<>();

    private Rows(RowReader reader) {
      this.reader = reader;
    }

    /** The next rows, at most about so many; empty at the end of the file. */
    public List<Row> next(int most) throws IOException {
      List<Row> rows = new ArrayList<>();
      while (rows.isEmpty()) {
        List<RawRow> page = reader.next(most);
        if (page.isEmpty()) {
          break;
        }
        for (RawRow raw : page) {
          if (raw.number() > headerRow) {
            take(raw, rows);
          }
        }
      }
      return rows;
    }

    private void take(RawRow raw, List<Row> rows) {
      List<String> cells = withoutProblem(raw.cells());
      if (raw.problem() == null) {
        if (isBlank(cells)) {
          blank++;
          return;
        }
        if (isRepeatedHeader(cells)) {
          repeatedHeaders++;
          return;
        }
        if (isFooter(cells)) {
          footers++;
          return;
        }
      }
      Row row = row(raw, cells);
      if (row.problem == null) {
        good++;
      } else {
        problems++;
      }
      rows.add(row);
    }

    private Row row(RawRow raw, List<String> cells) {
      ObjectNode record = JsonNodeFactory.instance.objectNode();
      String problem = raw.problem() != null ? raw.problem() : problem(raw, cells);
      if (problem == null) {
        problem = read(cells, record);
      }
      if (problem != null) {
        return new Row(raw.number(), null, null, cells, problem);
      }
      String id = id(cells.get(header.idAt()));
      record.put(names.fieldOf(Kind.ID), id);
      return new Row(raw.number(), id, record, cells, null);
    }

    private @Nullable String problem(RawRow raw, List<String> cells) {
      boolean more = cells.size() > header.size();
      boolean onlyBlank = more && isBlank(cells.subList(header.size(), cells.size()));
      if (cells.size() != header.size() && !onlyBlank) {
        return "has " + cells.size() + " values where the header has " + header.size();
      }
      if (raw.coding() == RowCoding.OTHER && isUtf8()) {
        return "holds characters that are not UTF-8, as the rest of the file is";
      }
      return null;
    }

    /** Fills a record with the values of a row; says what is wrong if it cannot. */
    private @Nullable String read(List<String> cells, ObjectNode record) {
      for (int i = 0; i < header.size(); i++) {
        Field field = header.columns().get(i);
        if (field == null) {
          continue;
        }
        String cell = cells.get(i).strip();
        if (cell.length() > LONGEST_VALUE) {
          return "has a value of more than " + LONGEST_VALUE + " characters in " + header.name(i);
        }
        if (isDamaged(cell)) {
          return "holds characters that are no text in " + header.name(i);
        }
        if (!cell.isEmpty()) {
          String problem = put(field, i, cell, cells, record);
          if (problem != null) {
            return problem;
          }
        }
      }
      wholeName(cells, record);
      return idOrNameProblem(cells, record);
    }

    private @Nullable String idOrNameProblem(List<String> cells, ObjectNode record) {
      String id = id(cells.get(header.idAt()));
      String column = header.name(header.idAt());
      if (id.isEmpty()) {
        return "has no id in " + column;
      }
      if (isName(id)) {
        return "has a name where the id belongs, in " + column;
      }
      if (SCIENTIFIC.matcher(id).matches()) {
        return "has an id that Excel has shortened to a power of ten, in " + column;
      }
      if (!record.has(names.fieldOf(Kind.FAMILY))) {
        return "has no last name";
      }
      if (!ids.isOfSeveral(id)) {
        return null;
      }
      return isStandIn()
          ? "has an id that rows with another name or birth date have, too: "
              + column
              + " may be a family's and not the patient's; export the patient's own number"
          : "has an id that rows with another name have, too, in " + column;
    }

    private @Nullable String put(
        Field field, int at, String cell, List<String> cells, ObjectNode record) {
      switch (field.kind()) {
        case BIRTH_DATE, DATE -> {
          String iso = TypedDate.iso(cell, dates.order(), today);
          if (iso == null && field.kind() == Kind.BIRTH_DATE) {
            return "has no date in " + header.name(at) + ", read as " + dateOrder();
          }
          if (iso == null) {
            mended(header.name(at) + ": no dates, left out");
          } else if (!iso.isEmpty()) {
            record.put(field.name(), iso);
          }
        }
        case PHONE -> {
          if (SCIENTIFIC.matcher(cell).matches()) {
            mended(header.name(at) + ": telephones that Excel has rounded, left out");
          } else {
            record.put(field.name(), id(cell));
          }
        }
        case REFERENCE -> {
          if (isName(cell) || SCIENTIFIC.matcher(cell).matches()) {
            mended(header.name(at) + ": no ids, left out");
          } else {
            record.put(field.name(), id(cell));
          }
        }
        case ZIP -> record.put(field.name(), zip(at, cell, cells));
        case WHOLE_NAME -> {}
        case ID, FAMILY, GIVEN, STATE, TEXT -> record.put(field.name(), cell);
      }
      return null;
    }

    /** The columns for parts of a name count more than the one for all of it. */
    private void wholeName(List<String> cells, ObjectNode record) {
      int at = header.at(Kind.WHOLE_NAME);
      if (at < 0 || cells.get(at).isBlank() || record.has(names.fieldOf(Kind.FAMILY))) {
        return;
      }
      if (cells.get(at).indexOf(',') < 0) {
        mended(header.name(at) + ": names without a comma, read with the given name first");
      }
      WholeName name = WholeName.of(cells.get(at).strip());
      putUnlessEmpty(record, names.fieldOf(Kind.FAMILY), name.family());
      putUnlessEmpty(record, names.fieldOf(Kind.GIVEN), name.given());
      putUnlessEmpty(record, "middle", name.middle());
      putUnlessEmpty(record, "suffix", name.suffix());
    }

    private static void putUnlessEmpty(ObjectNode record, String field, String value) {
      if (!value.isEmpty() && !record.has(field)) {
        record.put(field, value);
      }
    }

    private String zip(int at, String cell, List<String> cells) {
      String digits = id(cell);
      int stateAt = header.at(Kind.STATE);
      String state = stateAt < 0 ? "" : ColumnNames.folded(cells.get(stateAt));
      boolean lostOne =
          (digits.length() == 4 || digits.length() == 8) && STATES_WITH_ZERO_ZIPS.contains(state);
      boolean lostTwo = digits.length() == 3 && STATES_WITH_TWO_ZEROS.contains(state);
      if (!DIGITS.matcher(digits).matches() || !(lostOne || lostTwo)) {
        return digits;
      }
      mended(header.name(at) + ": zip codes whose leading zero was lost, put back");
      return (lostTwo ? "00" : "0") + digits;
    }

    private void mended(String what) {
      mended.merge(what, 1L, Long::sum);
    }

    /** The column of the ids where several patients may have one of them; absent elsewhere. */
    public @Nullable String sharedIdColumn() {
      Field field = header.columns().get(header.idAt());
      return field != null && field.shared() ? header.name(header.idAt()) : null;
    }

    /** The birth date of a good row, as ISO 8601; absent when it has none. */
    public @Nullable String birthDate(Row row) {
      int at = header.at(Kind.BIRTH_DATE);
      Field field = at < 0 ? null : header.columns().get(at);
      return field == null || row.record == null ? null : row.record.path(field.name()).textValue();
    }

    /** A row that was good has a problem after all. */
    public Row giveBack(Row row, String problem) {
      good--;
      problems++;
      return new Row(row.number, null, null, row.cells, problem);
    }

    /** A row whose id has lost zeros in front, with the id as it was before. */
    public Row withId(Row row, String id) {
      mended(header.name(header.idAt()) + ": ids with other zeros in front than before, put right");
      ObjectNode record = Objects.requireNonNull(row.record).deepCopy();
      record.put(names.fieldOf(Kind.ID), id);
      return new Row(row.number, id, record, row.cells, null);
    }

    /** Rows that are patients. */
    public long good() {
      return good;
    }

    /** Rows that somebody has to look at. */
    public long problems() {
      return problems;
    }

    /**
     * What was found, line by line, for the office: columns and counts, no values. True to the end
     * of the file once that is reached.
     */
    public List<String> report() {
      List<String> lines = new ArrayList<>();
      lines.add("encoding        " + encoding());
      lines.add("delimiter       " + delimiterName());
      lines.add(
          "header          row "
              + headerRow
              + (headerRow == 1 ? "" : "; what stands above it is passed over"));
      for (int i = 0; i < header.size(); i++) {
        Field field = header.columns().get(i);
        if (field != null) {
          boolean standsIn = i == header.idAt() && field.kind() != Kind.ID;
          lines.add(
              (i == 0 ? "columns         " : "                ")
                  + header.name(i)
                  + " is "
                  + field.name()
                  + (standsIn ? " and " + names.fieldOf(Kind.ID) : ""));
        }
      }
      if (!header.unknown().isEmpty()) {
        lines.add(
            "not recognised  "
                + header.unknown().stream()
                    .map(name -> "\"" + name + "\"")
                    .collect(Collectors.joining(", ")));
      }
      lines.add("dates           " + dates.words());
      lines.add("patients        " + good);
      lines.add("problems        " + problems);
      lines.add("repeated ids    " + ids.repeated() + "; the later row counts");
      if (ids.shared() > 0) {
        lines.add(
            "shared ids      "
                + ids.shared()
                + " have rows of different people; these rows are given back");
      }
      if (idLengths.areMixed()) {
        lines.add("id lengths      " + idLengths.words());
      }
      lines.add(
          "passed over     "
              + blank
              + " blank rows, "
              + repeatedHeaders
              + " repeated headers, "
              + footers
              + " footers");
      mended.forEach((what, count) -> lines.add("mended          " + count + " in " + what));
      return lines;
    }

    @Override
    public void close() {
      reader.close();
    }
  }

  private static boolean isName(String id) {
    return id.length() <= LONGEST_NAME && NAME.matcher(id).matches();
  }

  private static boolean isDamaged(String cell) {
    for (int i = 0; i < cell.length(); i++) {
      char c = cell.charAt(i);
      boolean control = c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f';
      if (control || c == '\uFFFD' || c == 0x7F) {
        return true;
      }
    }
    return false;
  }

  private String dateOrder() {
    return dates.order() == TypedDate.Order.MONTH_FIRST ? "month first" : "day first";
  }

  /** A row that is not UTF-8 is damaged where the others are, and right where none is. */
  private boolean isUtf8() {
    return coding == TextCoding.UTF_8_MARKED || (utf8Rows > 0 && utf8Rows >= otherRows);
  }

  private String encoding() {
    return coding == TextCoding.BYTES && otherRows > 0 && !isUtf8() ? "Windows-1252" : coding.words;
  }

  private String delimiterName() {
    return switch (delimiter) {
      case ',' -> "comma";
      case ';' -> "semicolon";
      case '\t' -> "tab";
      default -> "vertical bar";
    };
  }
}
