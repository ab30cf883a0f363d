package org.pmslink.csv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.mapping.MappingException;

/** Files as offices export them. */
class CsvFileTest {
  private static final String HEADER = "Patient ID,Last Name,First Name,DOB,Home Phone,State,Zip\n";
  private static final String ANA = "1,Lee,Ana,3/9/1984,(614) 555-0134,OH,43065\n";
  private static final LocalDate TODAY = LocalDate.of(2026, 11, 23);

  @TempDir Path folder = Path.of("");

  /** What came of a file. */
  record Outcome(List<ObjectNode> records, List<String> problems, List<String> report) {
    String value(int record, String field) {
      return records.get(record).path(field).asText("(none)");
    }

    String only(String field) {
      assertThat(problems).isEmpty();
      assertThat(records).hasSize(1);
      return value(0, field);
    }
  }

  static Outcome read(Path file) throws IOException {
    CsvFile looked = CsvFile.look(file, ColumnNames.read(Path.of("mappings"), "csv"), TODAY);
    List<ObjectNode> records = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    try (CsvFile.Rows rows = looked.rows()) {
      for (List<CsvFile.Row> page = rows.next(500); !page.isEmpty(); page = rows.next(500)) {
        for (CsvFile.Row row : page) {
          if (row.record() == null) {
            problems.add("row " + row.number() + " " + row.problem());
          } else {
            records.add(Objects.requireNonNull(row.record()));
          }
        }
      }
      return new Outcome(records, problems, rows.report());
    }
  }

  private Outcome read(String text) throws IOException {
    return read(text.getBytes(StandardCharsets.UTF_8));
  }

  private Outcome read(byte[] bytes) throws IOException {
    return read(Files.write(folder.resolve("export.csv"), bytes));
  }

  private Outcome readDate(String typed) throws IOException {
    return read("PatNum,LName,Birthdate\n1,Lee,\"" + typed + "\"\n");
  }

  @Nested
  class Texts {
    @ParameterizedTest
    @CsvSource({
      "UTF-8, '', UTF-8",
      "UTF-8, efbbbf, UTF-8 with mark",
      "UTF-16LE, fffe, UTF-16",
      "UTF-16BE, feff, UTF-16",
      "windows-1252, '', Windows-1252"
    })
    void everyEncodingShowsTheSameNames(String charset, String mark, String told)
        throws IOException {
      ByteArrayOutputStream file = new ByteArrayOutputStream();
      file.write(java.util.HexFormat.of().parseHex(mark));
      file.write((HEADER + "1,Peña,Zoë,3/9/1984,,OH,43065\n").getBytes(Charset.forName(charset)));

      Outcome outcome = read(file.toByteArray());

      assertThat(outcome.only("family")).isEqualTo("Peña");
      assertThat(outcome.value(0, "given")).isEqualTo("Zoë");
      assertThat(outcome.report()).contains("encoding        " + told);
    }

    @Test
    void oneRowInAnotherEncodingIsGivenBackAndSpoilsNoOther() throws IOException {
      ByteArrayOutputStream file = new ByteArrayOutputStream();
      file.write((HEADER + "1,Peña,Ana,,,,\n2,Muñoz,Eva,,,,\n").getBytes(StandardCharsets.UTF_8));
      file.write("3,Núñez,Ida,,,,\n".getBytes(StandardCharsets.ISO_8859_1));

      Outcome outcome = read(file.toByteArray());

      assertThat(outcome.value(0, "family")).isEqualTo("Peña");
      assertThat(outcome.problems())
          .containsExactly("row 4 holds characters that are not UTF-8, as the rest of the file is");
    }

    @ParameterizedTest
    @ValueSource(strings = {",", ";", "\t", "|"})
    void everyDelimiterIsFound(String delimiter) throws IOException {
      assertThat(read((HEADER + ANA).replace(",", delimiter)).only("postalCode"))
          .isEqualTo("43065");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\r"})
    void everyLineEndEndsARow(String end) throws IOException {
      Outcome outcome = read((HEADER + ANA + ANA.replace("1,Lee", "2,Kim")).replace("\n", end));

      assertThat(outcome.records()).hasSize(2);
      assertThat(outcome.value(1, "family")).isEqualTo("Kim");
      assertThat(outcome.value(1, "postalCode")).isEqualTo("43065");
    }

    @Test
    void quotedValuesHoldDelimitersQuotesAndLines() throws IOException {
      Outcome outcome =
          read(
              "ID,Name,Notes,Address\n"
                  + "1,\"Lee, Ana B\",\"called \"\"twice\"\"\non Monday\n\",\"1 Oak St\nApt 2\"\n"
                  + "2,\"Kim, Jo\",,\n");

      assertThat(outcome.problems()).isEmpty();
      assertThat(outcome.value(0, "middle")).isEqualTo("B");
      assertThat(outcome.value(0, "line1")).isEqualTo("1 Oak St\nApt 2");
      assertThat(outcome.value(1, "given")).isEqualTo("Jo");
    }

    @Test
    void aQuoteThatIsNeverClosedCostsItsOwnRowAlone() throws IOException {
      Outcome outcome =
          read(
              HEADER
                  + "7,\"Lee,Ana,3/9/1984,,OH,43065\n"
                  + ANA
                  + "2,\"Kim, Jr\",Jo,3/9/1985,,OH,43065\n");

      assertThat(outcome.problems()).containsExactly("row 2 has a quote that is not closed");
      assertThat(outcome.records()).hasSize(2);
      assertThat(outcome.value(1, "family")).isEqualTo("Kim, Jr");
    }

    @Test
    void aHugeValueIsGivenBackWithoutItsText() throws IOException {
      Outcome outcome = read(HEADER + "9," + "x".repeat(10_000_000) + ",Ana,,,,\n" + ANA);

      assertThat(outcome.problems()).containsExactly("row 2 is longer than 1000000 characters");
      assertThat(outcome.value(0, "id")).isEqualTo("1");
    }
  }

  @Test
  void anIdThatIsABookIsGivenBack() throws IOException {
    Outcome outcome = read("ID,Last Name,DOB\n" + "Lee ".repeat(100_000) + ",Lee,\n1,Kim,\n");

    assertThat(outcome.problems())
        .containsExactly("row 2 has a value of more than 10000 characters in \"ID\"");
    assertThat(outcome.value(0, "id")).isEqualTo("1");
  }

  @Nested
  class Headers {
    @ParameterizedTest
    @ValueSource(
        strings = {
          "PatNum,LName,FName,Birthdate",
          "Chart #,Last,First,DOB",
          "ACCT,last name,FIRST_NAME,date of birth",
          "patient id,Last-Name,First Name,Birth Date"
        })
    void synonymsAreKnownWhateverTheirCaseAndPunctuation(String header) throws IOException {
      Outcome outcome = read(header + "\n77,Lee,Ana,3/9/1984\n");

      assertThat(outcome.only("id")).isEqualTo("77");
      assertThat(outcome.value(0, "family")).isEqualTo("Lee");
      assertThat(outcome.value(0, "given")).isEqualTo("Ana");
      assertThat(outcome.value(0, "birthDate")).isEqualTo("1984-03-09");
    }

    @Test
    void aChartNumberStandsInForTheIdOnlyWhereThereIsNone() throws IOException {
      Outcome outcome = read("Chart #,Patient ID,Last Name\nC-5,77,Lee\n");

      assertThat(outcome.only("id")).isEqualTo("77");
      assertThat(outcome.value(0, "chartNumber")).isEqualTo("C-5");
    }

    @Test
    void linesAboveTheHeaderAndAroundThePagesArePassedOverAndCounted() throws IOException {
      Outcome outcome =
          read(
              "Bright Smiles Dental\nPatient List,,\n\nPatient ID,Last Name,First Name\n1,Lee,Ana\n"
                  + ",,\nBright Smiles Dental\nPatient ID,Last Name,First Name\n2,Kim,Jo\n"
                  + "Total Patients: 2,,\n,,\n,,\n");

      assertThat(outcome.problems()).isEmpty();
      assertThat(outcome.records()).hasSize(2);
      assertThat(outcome.report())
          .contains(
              "header          row 4; what stands above it is passed over",
              "passed over     3 blank rows, 2 repeated headers, 1 footers");
    }

    @Test
    void somebodyCalledTotalIsAPatient() throws IOException {
      assertThat(read("Last Name,First Name,ID\nTotal,Ann,5\n").only("family")).isEqualTo("Total");
    }

    @Test
    void unknownHeadersAreListed() throws IOException {
      assertThat(read("ID,Last Name,Shoe Size,Recall\n1,Lee,9,x\n").report())
          .contains("not recognised  \"Shoe Size\", \"Recall\"");
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '>',
        value = {
          "ID,Last Name,Surname > two columns mean the same: \"Last Name\" (column 2) and \"Surname\"",
          "Last Name,First Name,DOB > no column for the patient's id",
          "ID,DOB,Phone > no column for the name",
          "Colour,Size,Shape > no row names the columns",
          "1,Lee,Ana > no row names the columns"
        })
    void aHeaderThatWillNotDoRefusesTheFile(String header, String reason) {
      assertThatThrownBy(() -> read(header + "\n1,Lee,Ana\n"))
          .isInstanceOf(RefusedFileException.class)
          .hasMessageContaining(reason);
    }
  }

  @Nested
  class Refusals {
    @Test
    void namesWhereIdsBelongAreOpenDentalsHumanReadableExport() {
      assertThatThrownBy(
              () ->
                  read(
                      "PatNum,LName,FName\n\"Lee, Ana\",Lee,Ana\n\"Kim, Jo B\",Kim,Jo\n"
                          + "\"de la Cruz, Zoë\",de la Cruz,Zoë\n"))
          .isInstanceOf(RefusedFileException.class)
          .hasMessageContaining("\"PatNum\" holds names")
          .hasMessageContaining("Raw")
          .hasMessageNotContaining("Lee");
    }

    @ParameterizedTest
    @CsvSource({
      "'', the file is empty",
      "'\n\n  \n', nothing but blanks",
      "'PK\u0003\u0004abc', workbook",
      "'%PDF-1.7', document",
      "'<html><table>', web page",
      "'ID,Last Name\n', no row below the header"
    })
    void whatIsNoTableIsRefusedWithWhatToDo(String text, String reason) {
      assertThatThrownBy(() -> read(text))
          .isInstanceOf(RefusedFileException.class)
          .hasMessageContaining(reason);
    }
  }

  @Nested
  class Dates {
    @ParameterizedTest
    @CsvSource({
      "1984-03-09, 1984-03-09",
      "1984-03-09 00:00:00, 1984-03-09",
      "3/9/1984, 1984-03-09",
      "03/09/1984 12:00:00 AM, 1984-03-09",
      "3/9/84, 1984-03-09",
      "3/9/24, 2024-03-09",
      "11/24/26, 1926-11-24",
      "9-Mar-1984, 1984-03-09",
      "9-Mar-84, 1984-03-09",
      "'March 9, 1984', 1984-03-09",
      "19840309, 1984-03-09",
      "27538, 1975-05-24",
      "27538.0, 1975-05-24",
      "0001-01-01, 0001-01-01",
      "00/00/0000, (none)",
      "  /  /    , (none)"
    })
    void aDateIsReadHoweverItIsWritten(String typed, String date) throws IOException {
      assertThat(readDate(typed).only("birthDate")).isEqualTo(date);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1984", "13/13/1984", "2/30/1984", "soon", "3/9/198", "99999999"})
    void whatIsNoDateIsGivenBack(String typed) throws IOException {
      assertThat(readDate(typed).problems())
          .containsExactly("row 2 has no date in \"Birthdate\", read as month first");
    }

    @Test
    void oneDateTellsTheOrderOfAll() throws IOException {
      Outcome outcome =
          read("ID,Last Name,DOB,First Visit\n1,Lee,3/9/1984,\n2,Kim,4/5/1985,25/12/2020\n");

      assertThat(outcome.value(0, "birthDate")).isEqualTo("1984-09-03");
      assertThat(outcome.value(1, "firstVisit")).isEqualTo("2020-12-25");
      assertThat(outcome.report()).contains("dates           day first (1 dates tell)");
    }

    @Test
    void aDateInTheOtherOrderIsGivenBack() throws IOException {
      Outcome outcome =
          read("ID,Last Name,DOB\n1,Lee,3/19/1984\n2,Kim,4/25/1985\n3,Ito,25/4/1985\n");

      assertThat(outcome.records()).hasSize(2);
      assertThat(outcome.problems())
          .containsExactly("row 4 has no date in \"DOB\", read as month first");
    }

    @Test
    void aVisitThatIsNoDateIsLeftOutAndThePatientKept() throws IOException {
      Outcome outcome = read("ID,Last Name,First Visit\n1,Lee,long ago\n");

      assertThat(outcome.only("firstVisit")).isEqualTo("(none)");
      assertThat(outcome.report())
          .contains("mended          1 in \"First Visit\": no dates, left out");
    }
  }

  @Nested
  class Mending {
    @ParameterizedTest
    @CsvSource({
      "2139, MA, 02139", "2139, '', 02139", "21394307, ma, 021394307", "2139, TX, 2139",
      "601, PR, 00601", "43065, OH, 43065", "43065-1234, OH, 43065-1234", "2139.0, RI, 02139"
    })
    void zerosThatASpreadsheetDroppedArePutBack(String typed, String state, String zip)
        throws IOException {
      assertThat(
              read("ID,Last Name,State,Zip\n1,Lee," + state + "," + typed + "\n")
                  .only("postalCode"))
          .isEqualTo(zip);
    }

    @Test
    void aRoundedTelephoneIsLeftOutAndThePatientKept() throws IOException {
      Outcome outcome = read("ID,Last Name,Cell,Home Phone\n1,Lee,5.03556E+09,6145550134\n");

      assertThat(outcome.only("mobilePhone")).isEqualTo("(none)");
      assertThat(outcome.value(0, "homePhone")).isEqualTo("6145550134");
      assertThat(outcome.report())
          .contains("mended          1 in \"Cell\": telephones that Excel has rounded, left out");
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '>',
        value = {
          "Smith, John A > Smith > John > A > (none)",
          "Smith, John > Smith > John > (none) > (none)",
          "Smith Jr., Mary Ann > Smith Jr. > Mary Ann > (none) > (none)",
          "Smith, John A., III > Smith > John > A. > III",
          "Smith, Jr, John > Smith > John > (none) > Jr",
          "John A Smith > Smith > John > A > (none)",
          "Cher > Cher > (none) > (none) > (none)"
        })
    void oneColumnHoldsTheWholeName(
        String typed, String family, String given, String middle, String suffix)
        throws IOException {
      Outcome outcome = read("ID,Name\n1,\"" + typed + "\"\n");

      assertThat(outcome.only("family")).isEqualTo(family);
      assertThat(outcome.value(0, "given")).isEqualTo(given);
      assertThat(outcome.value(0, "middle")).isEqualTo(middle);
      assertThat(outcome.value(0, "suffix")).isEqualTo(suffix);
    }

    @ParameterizedTest
    @CsvSource({
      "'1,Lee', has 2 values where the header has 3",
      "'1,Lee,Ana,x', has 4 values where the header has 3",
      "',Lee,Ana', has no id in \"ID\"",
      "'1.23457E+11,Lee,Ana', has an id that Excel has shortened to a power of ten",
      "'1,,Ana', has no last name",
      "'\"Lee, Ana\",Lee,Ana', has a name where the id belongs",
      "'1,L\u0000ee,Ana', holds characters that are no text in \"Last Name\"",
      "'1,\"Lee\" x,Ana', has a quote in the wrong place"
    })
    void aRowThatWillNotDoIsGivenBackWithItsReason(String row, String reason) throws IOException {
      Outcome outcome = read("ID,Last Name,First Name\n8,Kim,Jo\n" + row + "\n9,Ito,Ida\n");

      assertThat(outcome.records()).hasSize(2);
      assertThat(outcome.problems()).hasSize(1);
      assertThat(outcome.problems().get(0)).startsWith("row 3 " + reason);
    }

    @Test
    void anIdOfTwoPeopleIsGivenBackAndOneThatIsRepeatedIsNot() throws IOException {
      Outcome outcome =
          read(
              "ID,Last Name,First Name,DOB\n1,Lee,Ana,3/9/1984\n1,Kim,Jo,4/9/1985\n"
                  + "2,Ito,Ida,5/9/1986\n2,Ito-Berg,Ida,5/9/1986\n");

      assertThat(outcome.records()).hasSize(2);
      assertThat(outcome.value(1, "family")).isEqualTo("Ito-Berg");
      assertThat(outcome.problems()).hasSize(2).allMatch(p -> p.contains("an id that rows with"));
      assertThat(outcome.report()).contains("repeated ids    2; the later row counts");
    }

    /** What a family shares is no id; whoever came last would get the others' chart. */
    @ParameterizedTest
    @CsvSource(
        delimiter = '>',
        value = {
          "Acct,Last Name,First Name > 77,Lee,Ana > 77,Lee,Bob",
          "Acct,Name > 77,'Lee, Ana' > 77,'Lee, Bob'",
          "Acct,Last Name,First Name > 77,Lee,Mary Ann > 77,Lee,Mary Lou",
          "Acct,Last Name,First Name,DOB > 77,Lee,John,3/9/1954 > 77,Lee,John,3/9/1984",
          "ID,Last Name,First Name > 77,Lee,Ana > 77,Lee,Bob",
          "ID,Last Name,First Name,DOB > 77,Lee,Ana,3/9/1984 > 77,Lee,Bob,3/9/1984",
          "ID,Last Name,First Name,DOB > 77,Lee,Ana,3/9/1984 > 77,Lee,Bob,"
        })
    void neitherOfTwoPeopleWithOneIdWins(String header, String one, String other)
        throws IOException {
      String rows = (one + "\n" + other + "\n").replace('\'', '"');

      Outcome outcome = read(header + "\n" + rows);

      assertThat(outcome.records()).isEmpty();
      assertThat(outcome.problems()).hasSize(2).allMatch(p -> p.contains("have, too"));
      assertThat(outcome.report())
          .contains("shared ids      1 have rows of different people; these rows are given back");
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '>',
        value = {
          "Acct,Last Name,First Name,DOB > 77,Lee,Ana,3/9/1984 > 77,Lee,Ana,",
          "ID,Last Name,First Name > 77,Lee,Ana > 77,Lee,Ana M",
          "ID,Last Name,First Name > 77,Lee,Ana > 77,Lee,",
          "ID,Last Name,First Name,DOB > 77,Lee,Ana,3/9/1984 > 77,Lee-Berg,Ana,3/9/1984"
        })
    void aRowThatIsOfTheSamePersonIsNoProblem(String header, String one, String other)
        throws IOException {
      Outcome outcome = read(header + "\n" + one + "\n" + other + "\n");

      assertThat(outcome.problems()).isEmpty();
      assertThat(outcome.report()).noneMatch(line -> line.startsWith("shared ids"));
    }

    @Test
    void rowsWithoutAnIdShareNone() throws Exception {
      assertThat(read("ID,Last Name,First Name\n,Lee,Ana\n,Kim,Jo\n8,Ito,Ida\n").report())
          .contains("repeated ids    0; the later row counts")
          .noneMatch(line -> line.startsWith("shared ids"));
    }

    @Test
    void idsThatAreShorterThanThoseWithAZeroInFrontAreReported() throws IOException {
      assertThat(read("ID,Last Name\n00123,Lee\n124,Kim\n10001,Ito\n").report())
          .contains(
              "id lengths      1 have fewer digits than the 5 of others that begin with a zero; was"
                  + " the file saved in Excel, which drops zeros?");
      assertThat(read("ID,Last Name\n00123,Lee\n10001,Ito\n").report())
          .noneMatch(line -> line.startsWith("id lengths"));
    }

    @Test
    void rowsForASpreadsheetRunNothingThereAndKeepTheirZeros() throws IOException {
      Path file =
          Files.writeString(
              folder.resolve("export.csv"),
              "ID,Last Name,First Name,DOB\n00123,=HYPERLINK(),'Aha,soon\n7,@Lee,+Jo,soon\n");
      CsvFile looked = CsvFile.look(file, ColumnNames.read(Path.of("mappings"), "csv"), TODAY);
      Path mended = folder.resolve("export.errors.csv");
      try (CsvFile.Rows rows = looked.rows();
          RowErrors errors = new RowErrors(mended, looked)) {
        for (CsvFile.Row row : rows.next(100)) {
          errors.add(row);
        }
      }

      String text = Files.readString(mended);
      assertThat(text).contains(",'00123,'=HYPERLINK(),''Aha,soon").contains(",7,'@Lee,'+Jo,soon");
      Files.writeString(mended, text.replace(",soon", ",3/9/1984"));
      Outcome again = read(mended);
      assertThat(again.value(0, "id")).isEqualTo("00123");
      assertThat(again.value(0, "family")).isEqualTo("=HYPERLINK()");
      assertThat(again.value(0, "given")).isEqualTo("'Aha");
      assertThat(again.value(1, "family")).isEqualTo("@Lee");
      assertThat(again.value(1, "given")).isEqualTo("+Jo");
    }

    @Test
    void rowsWithAProblemComeBackAsAFileThatCanBeMended() throws IOException {
      Path file =
          Files.writeString(
              folder.resolve("export.csv"),
              "ID;Last Name;DOB\n8;Kim;3/9/1984\n;Peña;\"3/9/1985\"\n5;\"Ito\n");
      CsvFile looked = CsvFile.look(file, ColumnNames.read(Path.of("mappings"), "csv"), TODAY);
      Path mended = folder.resolve("export.errors.csv");
      try (CsvFile.Rows rows = looked.rows();
          RowErrors errors = new RowErrors(mended, looked)) {
        for (CsvFile.Row row : rows.next(100)) {
          if (row.problem() != null) {
            errors.add(row);
          }
        }
      }

      String text = Files.readString(mended);
      assertThat(text)
          .startsWith("\uFEFFproblem,ID,Last Name,DOB\r\n")
          .contains("row 3 has no id in \"\"ID\"\"\",,Peña,3/9/1985\r\n");
      Files.writeString(mended, text.replace(",,Peña", ",7,Peña"));
      Outcome again = read(mended);
      assertThat(again.value(0, "id")).isEqualTo("7");
      assertThat(again.value(0, "family")).isEqualTo("Peña");
      assertThat(again.report()).noneMatch(line -> line.startsWith("not recognised"));
    }
  }

  @Nested
  class Tables {
    @ParameterizedTest
    @CsvSource({
      "'id: {kind: ident, names: [ID]}', line 1: kind is none of id",
      "'id: {kind: id, names: [ID]}\nx: {names: [i d]}', line 2: this header is listed twice",
      "'id: {kind: id}', line 1: \"id\" needs names",
      "'x: {names: [X]}', must be of the kind \"id\"",
      "'id: {kind: id, names: [ID]}', last name",
      "'id: [', this is not YAML"
    })
    void aTableThatIsWrongIsRefusedWithItsLine(String yaml, String reason) throws IOException {
      Files.createDirectories(folder.resolve("acme"));
      Files.writeString(folder.resolve("acme/columns.yaml"), yaml);

      assertThatThrownBy(() -> ColumnNames.read(folder, "acme"))
          .isInstanceOf(MappingException.class)
          .hasMessageStartingWith("acme/columns.yaml")
          .hasMessageContaining(reason);
    }
  }
}
