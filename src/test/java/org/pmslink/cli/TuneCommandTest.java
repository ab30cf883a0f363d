package org.pmslink.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.PmsLink;
import org.pmslink.matching.MatchingRules;

/** {@code tune} as it is called. */
class TuneCommandTest {
  private static final String HEADER =
      "id,family,given,birth_date,phone_mobile,email,line1,city,state,postal_code\n";
  private static final String[] GIVEN = {"Robert", "Anna", "Olivia", "Henry", "Walter", "Ruth"};

  @TempDir Path folder = Path.of("");

  /** What a command printed, and how it ended. */
  private record Ending(int status, String printed) {}

  private void write(int people) throws IOException {
    Random random = new Random(11);
    StringBuilder patients = new StringBuilder(HEADER);
    StringBuilder members = new StringBuilder(HEADER);
    for (int i = 0; i < people; i++) {
      String family = "Fam" + letter(random) + letter(random) + letter(random) + "er";
      String rest =
          String.format(
              Locale.ROOT,
              "%s,%d-%02d-%02d,614%07d,z%d@mail.example,%d Oak St,Powell,OH,43065%n",
              GIVEN[random.nextInt(GIVEN.length)],
              1940 + random.nextInt(60),
              1 + random.nextInt(12),
              1 + random.nextInt(28),
              2_000_000 + random.nextInt(7_000_000),
              i,
              i + 1);
      patients.append("P").append(i).append(',').append(family).append(',').append(rest);
      String other = random.nextInt(4) == 0 ? family.replace("Fam", "Fan") : family;
      members.append("M").append(i).append(',').append(other).append(',').append(rest);
    }
    Files.writeString(folder.resolve("P.csv"), patients);
    Files.writeString(folder.resolve("M.csv"), members);
  }

  private static char letter(Random random) {
    return (char) ('a' + random.nextInt(26));
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private Ending tune(String... more) {
    String[] args = new String[5 + 2 + more.length];
    String[] first = {
      "tune",
      "--patients",
      path("P.csv"),
      "--members",
      path("M.csv"),
      "--out",
      path("proposed.yaml")
    };
    System.arraycopy(first, 0, args, 0, first.length);
    System.arraycopy(more, 0, args, first.length, more.length);
    return run(args);
  }

  @Test
  void proposesShowsAdoptsAndDiscards() throws IOException {
    write(600);
    Path rules = folder.resolve("matching.yaml");
    Files.copy(Path.of("mappings", "matching.yaml"), rules);
    String before = MatchingRules.shipped().version();

    Ending proposed = tune("--report", path("report.csv"), "--rules", rules.toString());

    assertThat(proposed.status).isZero();
    String after = MatchingRules.read(folder.resolve("proposed.yaml")).version();
    assertThat(proposed.printed)
        .contains("Estimated from 600 patients, 600 members; ")
        .containsPattern("family +typo +0.04 -> 0\\.\\d+ ")
        .contains("links gained ")
        .contains("Rules " + before + " now, " + after + " proposed, in ")
        .doesNotContain("Fam");
    assertThat(Files.readAllLines(folder.resolve("report.csv")).get(0))
        .isEqualTo("patient_id,member_id,grade_before,grade_after,score_before,score_after");
    assertThat(MatchingRules.read(rules).version()).isEqualTo(before);

    Ending adopted = run("tune", "--adopt", path("proposed.yaml"), "--rules", rules.toString());

    assertThat(adopted.status).isZero();
    assertThat(adopted.printed)
        .isEqualTo(
            rules
                + ": rules "
                + before
                + " before, "
                + after
                + " now; the former file is matching.yaml."
                + before
                + System.lineSeparator());

    Ending discarded = run("tune", "--discard", path("proposed.yaml"), "--rules", rules.toString());

    assertThat(discarded.printed)
        .isEqualTo(
            "Rules "
                + after
                + " discarded; "
                + after
                + " before, "
                + after
                + " now"
                + System.lineSeparator());
    assertThat(Files.exists(folder.resolve("proposed.yaml"))).isFalse();
  }

  @Test
  void tooFewRecordsEndInOneLineAndNoFile() throws IOException {
    write(150);

    Ending ending = tune();

    assertThat(ending.status).isEqualTo(1);
    assertThat(ending.printed)
        .hasLineCount(1)
        .startsWith("no rules are proposed: about 1")
        .endsWith(
            "pairs of one person are expected in the records, and 200 are needed"
                + System.lineSeparator());
    assertThat(Files.exists(folder.resolve("proposed.yaml"))).isFalse();
  }

  @Test
  void whatIsMissingOrTooMuchIsACommandThatWasNotUnderstood() {
    assertThat(run("tune").status).isEqualTo(2);
    assertThat(run("tune", "--records", "R.csv").status).isEqualTo(2);
    assertThat(run("tune", "--patients", "P.csv", "--out", "x").status).isEqualTo(2);
    assertThat(run("tune", "--records", "R.csv", "--adopt", "x", "--out", "x").status).isEqualTo(2);
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
