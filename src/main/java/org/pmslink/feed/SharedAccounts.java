package org.pmslink.feed;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.csv.CsvFile;
import org.pmslink.linking.KnownRows;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.Folding;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;

/**
 * Rows of files whose ids a family may share, accounts for want of the patients' own numbers. A
 * file that holds two of a family shows it by itself; one that holds a relative alone would
 * overwrite the chart of whom the file before held, and a member's link with it. A row whose first
 * name is another than the chart's is taken only where the birth date shows that it is the same
 * patient.
 */
final class SharedAccounts {
  private final KnownRows store;
  private final Mappings mappings;
  private final PatientNormalizer normalizer;

  SharedAccounts(KnownRows store, Mappings mappings, PatientNormalizer normalizer) {
    this.store = store;
    this.mappings = mappings;
    this.normalizer = normalizer;
  }

  /** The rows of a page; those of somebody else than their chart's patient given back. */
  List<CsvFile.Row> checked(CsvPass pass, List<CsvFile.Row> rows) {
    String column = pass.rows().sharedIdColumn();
    if (column == null) {
      return rows;
    }
    Set<String> ids =
        rows.stream()
            .filter(row -> row.id() != null)
            .map(row -> String.valueOf(row.id()))
            .collect(Collectors.toSet());
    Map<String, Person> known = store.persons(pass.practice, pass.definition.getSource(), ids);
    if (known.isEmpty()) {
      return rows;
    }
    List<CsvFile.Row> checked = new ArrayList<>(rows.size());
    for (CsvFile.Row row : rows) {
      Person chart = row.id() == null ? null : known.get(row.id());
      checked.add(
          chart != null && isAnother(chart, person(pass, row))
              ? pass.rows().giveBack(row, problem(column))
              : row);
    }
    return checked;
  }

  private static String problem(String column) {
    return "has the id of a known chart with another first name, and no birth date that shows the"
        + " same patient: "
        + column
        + " may be a family's; export the patient's own number, or, if it is the same patient,"
        + " write the birth date that the chart has";
  }

  /** Whom a row is about, as it would be stored; absent where the match step lays it aside. */
  private @Nullable Person person(CsvPass pass, CsvFile.Row row) {
    if (row.record() == null) {
      return null;
    }
    Mapping mapping = mappings.get(pass.mapping);
    try {
      return normalizer
          .normalize(mapping.patient(row.record()), pass.definition.getZone())
          .person();
    } catch (MappingException | InvalidRecordException e) {
      return null;
    }
  }

  private static boolean isAnother(Person chart, @Nullable Person row) {
    if (row == null) {
      return false;
    }
    String one = firstWord(chart);
    String other = firstWord(row);
    LocalDate born = chart.birthDate();
    return !one.isEmpty()
        && !other.isEmpty()
        && !one.equals(other)
        && (born == null || !born.equals(row.birthDate()));
  }

  /** "Ana" and "Ana M" may be one person. */
  private static String firstWord(Person person) {
    String given = person.name().given();
    String text = given == null ? "" : given.strip();
    int blank = text.indexOf(' ');
    return Folding.fold(blank < 0 ? text : text.substring(0, blank));
  }
}
