package org.pmslink.feed;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.csv.CsvFile;
import org.pmslink.linking.KnownRows;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.patient.Person;

/**
 * Ids whose zeros in front a spreadsheet has dropped when a file was saved in it: 123 of a chart
 * that the store knows as 00123. As a new id it would be a second chart of the same patient, and of
 * a complete file the first would be gone. The chart's birth date shows whether it is that patient;
 * where it does not, a person has to look.
 */
final class LostZeros {
  private static final RecordStream PATIENTS = RecordStream.of(RecordType.PATIENTS);
  private static final Pattern NUMBER = Pattern.compile("\\d{1,12}");

  /** No PMS pads its numbers to more digits. */
  private static final int LONGEST = 12;

  private static final String PROBLEM =
      "has a new id that is a known chart's number with other zeros in front, which spreadsheets"
          + " drop, and nothing shows that it is the same patient: write the id as the PMS shows it";

  private final KnownRows store;

  LostZeros(KnownRows store) {
    this.store = store;
  }

  /** The rows of a page, each with the id that its chart has in the store, or given back. */
  List<CsvFile.Row> mended(CsvPass pass, List<CsvFile.Row> rows) {
    Map<String, String> meant = meant(pass, rows);
    if (meant.isEmpty()) {
      return rows;
    }
    Map<String, Person> charts =
        store.persons(pass.practice, pass.definition.getSource(), Set.copyOf(meant.values()));
    List<CsvFile.Row> mended = new ArrayList<>(rows.size());
    for (CsvFile.Row row : rows) {
      String known = row.id() == null ? null : meant.get(row.id());
      mended.add(known == null ? row : mended(pass, row, known, charts.get(known)));
    }
    return mended;
  }

  private static CsvFile.Row mended(
      CsvPass pass, CsvFile.Row row, String known, @Nullable Person chart) {
    String born = pass.rows().birthDate(row);
    LocalDate charted = chart == null ? null : chart.birthDate();
    boolean same = born != null && charted != null && charted.toString().equals(born);
    if (!same) {
      return pass.rows().giveBack(row, PROBLEM);
    }
    pass.readAs.add(known);
    return pass.rows().withId(row, known);
  }

  /** By ids that the store does not know: the one chart whose number it is but for the zeros. */
  private Map<String, String> meant(CsvPass pass, List<CsvFile.Row> rows) {
    Set<String> numbers = new HashSet<>();
    for (CsvFile.Row row : rows) {
      if (row.id() != null && NUMBER.matcher(row.id()).matches() && !digits(row.id()).isEmpty()) {
        numbers.add(row.id());
      }
    }
    Map<String, String> meant = new HashMap<>();
    numbers.removeAll(present(pass, numbers));
    Set<String> asked = new HashSet<>();
    numbers.forEach(number -> asked.addAll(padded(digits(number))));
    Set<String> present = present(pass, asked);
    if (present.isEmpty()) {
      return meant;
    }
    for (String number : numbers) {
      Set<String> known = new HashSet<>(padded(digits(number)));
      known.retainAll(present);
      // A file that holds both, and a practice that has several, tell them apart by their zeros.
      if (known.size() == 1 && !pass.isInFile(known.iterator().next())) {
        meant.put(number, known.iterator().next());
      }
    }
    return meant;
  }

  private Set<String> present(CsvPass pass, Set<String> ids) {
    return ids.isEmpty()
        ? Set.of()
        : store.present(pass.practice, pass.definition.getSource(), PATIENTS, ids);
  }

  private static String digits(String number) {
    int from = 0;
    while (from < number.length() && number.charAt(from) == '0') {
      from++;
    }
    return number.substring(from);
  }

  private static List<String> padded(String digits) {
    List<String> padded = new ArrayList<>();
    for (int length = digits.length(); length <= LONGEST; length++) {
      padded.add("0".repeat(length - digits.length()) + digits);
    }
    return padded;
  }
}
