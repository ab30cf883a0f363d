package org.pmslink.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.PmsLink;

/** {@code match} and {@code dedupe} as they are called. */
class MatchCommandTest {
  private static final String HEADER =
      "id,family,given,birth_date,sex,phone_mobile,email,line1,city,state,postal_code\n";
  private static final String BOB =
      "P1,Zebrowski,Bob,1971-03-04,M,6145550123,zeb@mail.example,12 Oak St,Powell,OH,43065\n";
  private static final String ROBERT =
      "M1,ZEBROWSKI,Robert,1971-03-04,M,(614) 555-0123,zeb@mail.example,12 Oak Street,Powell,Ohio,43065\n";

  @TempDir Path folder = Path.of("");

  /** What a command printed, and how it ended. */
  private record Ending(int status, String printed) {}

  @Test
  void linksANicknameAndSaysWhy() throws IOException {
    Path explanations = folder.resolve("why.jsonl");

    Ending ending = match(HEADER + BOB, HEADER + ROBERT, "--explain", explanations.toString());

    assertThat(ending.status).isZero();
    assertThat(lines("decisions.csv"))
        .first()
        .isEqualTo("patient_id,member_id,grade,score,runner_up_score");
    assertThat(lines("decisions.csv").get(1)).startsWith("P1,M1,certain,").endsWith(",");
    assertThat(Files.readString(explanations))
        .contains("first name (Bob / Robert): nickname")
        .contains("No other member comes into question.")
        .contains("\"field\":\"prior\"");
  }

  @Test
  void linksAnInitialToNeitherOfTwoTwins() throws IOException {
    String initial = BOB.replace("Bob", "R");
    match(HEADER + initial, HEADER + ROBERT);
    assertThat(lines("decisions.csv").get(1)).startsWith("P1,M1,certain,");

    match(
        HEADER + initial,
        HEADER + ROBERT + ROBERT.replace("M1", "M2").replace("Robert", "Richard"));

    assertThat(lines("decisions.csv")).hasSize(3);
    assertThat(lines("decisions.csv").toString()).doesNotContain("certain");
  }

  /** Danny is Daniel or Danielle, and telephone and e-mail are the family's. */
  @Test
  void anEMailThatSpellsTheNameSaysWhoAShortFormIs() throws IOException {
    String danny =
        "P1,Zebrowski,Danny,1971-03-04,,6145550123,EMAIL,12 Oak St,Powell,OH,43065\n"
            + "P2,Zebrowski,Maria,1973-09-11,F,6145550123,EMAIL,12 Oak St,Powell,OH,43065\n";
    String daniel = "M1,Zebrowski,Daniel,1971-03-04,M,6145550123,EMAIL,7 Elm Rd,Dublin,OH,43016\n";

    assertThat(gradeWithEMail(danny, daniel, "daniel.zebrowski@mail.example")).isEqualTo("certain");
    assertThat(gradeWithEMail(danny, daniel, "zeb@mail.example")).isEqualTo("probable");
    assertThat(gradeWithEMail(danny, daniel, "danielle.z@mail.example")).isEqualTo("probable");
  }

  private String gradeWithEMail(String patients, String members, String email) throws IOException {
    match(HEADER + patients.replace("EMAIL", email), HEADER + members.replace("EMAIL", email));
    return lines("decisions.csv").get(1).split(",", -1)[2];
  }

  /**
   * Telephone and address are the family's; the e-mail address is his, and he has no birth date.
   */
  @Test
  void aSlipInTheSurnameIsNoOtherFamilyWhereAllContactsAgree() throws IOException {
    String wife = BOB.replace("P1", "P2").replace("Bob", "Ann").replace("zeb@", "ann@");
    String noBirthDate = ROBERT.replace("1971-03-04", "").replace("ZEBROWSKI", "ZEBROWSKU");

    match(HEADER + BOB + wife.replace("1971-03-04,M", "1973-09-11,F"), HEADER + noBirthDate);
    assertThat(lines("decisions.csv").get(1)).startsWith("P1,M1,certain,");

    match(
        HEADER + BOB + wife.replace("1971-03-04,M", "1973-09-11,F"),
        HEADER + noBirthDate.replace("(614) 555-0123", ""));
    assertThat(lines("decisions.csv").get(1)).startsWith("P1,M1,probable,");
  }

  @Test
  void findsDuplicatesWithinOneFile() throws IOException {
    Ending ending = dedupe(HEADER + BOB + ROBERT);

    assertThat(ending.status).isZero();
    assertThat(lines("pairs.csv").get(0)).isEqualTo("id_a,id_b,grade,score");
    assertThat(lines("pairs.csv").get(1)).startsWith("M1,P1,certain,");
  }

  @Test
  void neitherOrderNorThreadsChangeTheOutput() throws Exception {
    List<String> patients = new ArrayList<>();
    List<String> members = new ArrayList<>();
    Random random = new Random(7);
    String[] names = {"Ann", "Anna", "Bob", "Robert", "Maya", "Mia", "James", "Jim", "Lukke"};
    for (int i = 0; i < 2_000; i++) {
      String rest =
          String.join(
              ",",
              "Name" + (char) ('a' + i % 26) + (char) ('a' + i / 7 % 26),
              names[random.nextInt(names.length)],
              (1950 + i % 60) + "-0" + (1 + i % 9) + "-1" + i % 7,
              "M",
              "614555" + (1000 + i % 700),
              "",
              i % 300 + " Oak St",
              "Powell",
              "OH",
              "43065\n");
      patients.add("P" + i + "," + rest);
      members.add("M" + i + "," + rest.replace("Anna", "Ann"));
    }
    match(HEADER + String.join("", patients), HEADER + String.join("", members));
    List<String> first = lines("decisions.csv");
    Collections.shuffle(patients, random);
    Collections.shuffle(members, random);
    ForkJoinPool one = new ForkJoinPool(1);
    one.submit(() -> match(HEADER + String.join("", patients), HEADER + String.join("", members)))
        .get();
    one.shutdown();

    assertThat(first).hasSizeGreaterThan(500);
    assertThat(lines("decisions.csv")).isEqualTo(first);
  }

  @Nested
  class BadInput {

    @Test
    void anUnknownColumnIsNamed() throws IOException {
      Ending ending = match("id,surname\nP1,Smith\n", HEADER + ROBERT);

      assertThat(ending.status).isEqualTo(1);
      assertThat(ending.printed).isEqualTo("P.csv row 1: unknown column 2 \"surname\"\n");
    }

    @Test
    void aFirstRowThatIsAPersonIsNotQuoted() throws IOException {
      assertThat(match("P1,Quetzalcoatlus,Ines\n", HEADER + ROBERT).printed)
          .isEqualTo(
              "P.csv row 1: there is no column \"id\"; the first row must name the columns\n");
    }

    @Test
    void anEmptyFileIsNamed() throws IOException {
      assertThat(match("", HEADER + ROBERT).printed).isEqualTo("P.csv: this file is empty\n");
      assertThat(match(HEADER, HEADER + ROBERT).printed)
          .isEqualTo("P.csv: there is no row below the header\n");
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
      Ending ending =
          run(
              "dedupe",
              "--records",
              folder.resolve("none.csv").toString(),
              "--out",
              out("pairs.csv"));

      assertThat(ending.status).isEqualTo(1);
      assertThat(ending.printed).hasLineCount(1).contains("none.csv: cannot be read");
    }

    @Test
    void aResultThatCannotBeWrittenIsNamed() throws IOException {
      Path records = Files.writeString(folder.resolve("R.csv"), HEADER + ROBERT);
      Ending ending =
          run("dedupe", "--records", records.toString(), "--out", out("none/pairs.csv"));

      assertThat(ending.status).isEqualTo(1);
      assertThat(ending.printed).hasLineCount(1).contains("pairs.csv: cannot be written");
    }

    @Test
    void badRowsAreListedAndGoodOnesUsed() throws IOException {
      String tenMegabytes = "x".repeat(10 << 20);
      Ending ending =
          match(
              HEADER
                  + BOB
                  + BOB
                  + BOB.replace("P1", "")
                  + "P3,Short\n"
                  + BOB.replace("P1", "P4").replace("Zebrowski", tenMegabytes)
                  + BOB.replace("P1", "P5").replace("1971-03-04", "1971-02-30"),
              HEADER + ROBERT);

      assertThat(ending.status).isEqualTo(1);
      assertThat(ending.printed)
          .contains("P.csv row 3: this id stood in an earlier row\n")
          .contains("P.csv row 4: id is missing\n")
          .contains("P.csv row 5: 2 values where the header has 11\n")
          .contains("P.csv row 6: value 2 is longer than 10000 characters\n")
          .contains("P.csv row 7: birth_date is no date (YYYY-MM-DD) and was left out\n")
          .contains("4 rows were left out\n")
          .doesNotContain("Zebrowski")
          .doesNotContain("1971-02-30");
      assertThat(lines("decisions.csv").get(1)).startsWith("P1,M1,");
    }

    @Test
    void anotherEncodingIsNamed() throws IOException {
      Files.write(
          folder.resolve("P.csv"),
          (HEADER + BOB.replace("Zebrowski", "Müller")).getBytes(StandardCharsets.ISO_8859_1));
      Files.writeString(folder.resolve("M.csv"), HEADER + ROBERT);

      Ending ending = matchFiles();

      assertThat(ending.status).isEqualTo(1);
      assertThat(ending.printed).hasLineCount(1).contains("P.csv row 2: this is not UTF-8 text");
    }

    @Test
    void wrongRulesAreNamed() throws IOException {
      Path rules = folder.resolve("rules.yaml");
      Files.writeString(rules, "prior:\n  records_at_least: 20000\nshoe_size: 3\n");

      Ending ending = match(HEADER + BOB, HEADER + ROBERT, "--rules", rules.toString());

      assertThat(ending.status).isEqualTo(1);
      assertThat(ending.printed).isEqualTo(rules + " line 3: unknown: shoe_size\n");
    }
  }

  private String out(String name) {
    return folder.resolve(name).toString();
  }

  private List<String> lines(String name) throws IOException {
    return Files.readAllLines(folder.resolve(name));
  }

  private Ending match(String patients, String members, String... more) throws IOException {
    Files.writeString(folder.resolve("P.csv"), patients);
    Files.writeString(folder.resolve("M.csv"), members);
    return matchFiles(more);
  }

  private Ending matchFiles(String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("match", "--patients", out("P.csv"), "--members", out("M.csv"), "--out"));
    args.add(out("decisions.csv"));
    args.addAll(List.of(more));
    return run(args.toArray(String[]::new));
  }

  private Ending dedupe(String records) throws IOException {
    Files.writeString(folder.resolve("R.csv"), records);
    return run("dedupe", "--records", out("R.csv"), "--out", out("pairs.csv"));
  }

  private static Ending run(String... args) {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      int status = CommandLineTool.run(PmsLink.class, args);
      return new Ending(status, printed.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(before);
    }
  }
}
