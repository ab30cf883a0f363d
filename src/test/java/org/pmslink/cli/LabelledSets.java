package org.pmslink.cli;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;

/** The labelled sets' files under the command line's column names; labels are left out. */
final class LabelledSets {
  private LabelledSets() {}

  /** {@code fake_20000.csv} as {@code fake.csv} in a folder. */
  static Path fake(Path sets, Path folder) throws IOException {
    List<List<String>> renamed = new ArrayList<>();
    for (CSVRecord row : rows(sets.resolve("fake_20000").resolve("fake_20000.csv"))) {
      renamed.add(
          List.of(
              row.get("unique_id"),
              row.get("first_name"),
              row.get("surname"),
              row.get("dob"),
              row.get("city"),
              row.get("email")));
    }
    Path file = folder.resolve("fake.csv");
    write(file, List.of("id", "given", "family", "birth_date", "city", "email"), renamed);
    return file;
  }

  /** A file of FEBRL 4; an impossible date is left out here, not refused there. */
  static Path febrl(Path sets, Path folder, String name, boolean withNumber) throws IOException {
    List<List<String>> renamed = new ArrayList<>();
    for (CSVRecord row : rows(sets.resolve("febrl4").resolve(name))) {
      renamed.add(
          List.of(
              row.get("rec_id"),
              row.get("surname"),
              row.get("given_name"),
              iso(row.get("date_of_birth")),
              (row.get("street_number") + " " + row.get("address_1")).trim(),
              row.get("address_2"),
              row.get("suburb"),
              row.get("state"),
              row.get("postcode"),
              withNumber ? row.get("soc_sec_id") : ""));
    }
    Path file = folder.resolve((withNumber ? "with-" : "without-") + name);
    write(
        file,
        List.of(
            "id",
            "family",
            "given",
            "birth_date",
            "line1",
            "line2",
            "city",
            "state",
            "postal_code",
            "ssn"),
        renamed);
    return file;
  }

  private static String iso(String digits) {
    try {
      return digits.length() == 8
          ? LocalDate.of(
                  Integer.parseInt(digits.substring(0, 4)),
                  Integer.parseInt(digits.substring(4, 6)),
                  Integer.parseInt(digits.substring(6)))
              .toString()
          : "";
    } catch (DateTimeException noSuchDay) {
      return "";
    }
  }

  private static void write(Path file, List<String> header, List<List<String>> rows)
      throws IOException {
    try (CSVPrinter csv = new CSVPrinter(Files.newBufferedWriter(file), CSVFormat.RFC4180)) {
      csv.printRecord(header);
      csv.printRecords(rows);
    }
  }

  /** All rows of a file, by the names in its first. */
  static List<CSVRecord> rows(Path file) throws IOException {
    CSVFormat format =
        CSVFormat.RFC4180
            .builder()
            .setHeader()
            .setSkipHeaderRecord(true)
            .setIgnoreSurroundingSpaces(true)
            .get();
    try (Reader reader = Files.newBufferedReader(file)) {
      return format.parse(reader).getRecords();
    }
  }
}
