package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.sample.OpenDentalServer;

/** What is tried before it runs: a new feed's files, one record, and a whole PMS. */
@ExtendWith(Pipeline.class)
class FeedTrialTest {
  private static final Pattern THREE_HOURS_OLD =
      Pattern.compile("data known to be true at \\S+Z, 3:00:\\d\\d ago");

  private final Engine engine;
  private final OpenDentalServer pms;
  private final Someone ines = Someone.named("Ines", "Caldwell");

  FeedTrialTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  @Test
  void aNewFeedIsRightAsItIsWrittenAndOverwritesNothing(@TempDir Path folder) throws Exception {
    Files.createDirectories(folder.resolve("routes/feeds"));
    org.springframework.util.FileSystemUtils.copyRecursively(
        engine.routes().resolve("templates"), folder.resolve("routes/templates"));
    Files.createDirectories(folder.resolve("mappings"));
    List<String> here =
        List.of(
            "--pmslink.routes-folder=" + folder.resolve("routes"),
            "--pmslink.mappings-folder=" + folder.resolve("mappings"));

    Shell written = Shell.withSettings(here, "feed", "new", "--from", "sql", "elm-street");
    assertThat(written.status()).as(written.output()).isZero();
    assertThat(folder.resolve("routes/feeds/elm-street.camel.yaml"))
        .content()
        .contains("value: elm-street", "ELM_STREET_URL")
        .doesNotContain("NAME");

    Shell checked = Shell.withSettings(here, "check", "--offline");
    assertThat(checked.output())
        .contains("elm-street.camel.yaml: ok")
        .contains("elm-street/patients.sql: ok")
        .contains("elm-street/patient.jslt: ok, 1 examples");
    assertThat(checked.status()).isZero();

    Files.writeString(folder.resolve("mappings/elm-street/patient.jslt"), "{}");
    Shell again = Shell.withSettings(here, "feed", "new", "--from", "sql", "elm-street");
    assertThat(again.output()).contains("is there already, and nothing was written");
    assertThat(again.status()).isEqualTo(1);
    assertThat(folder.resolve("mappings/elm-street/patient.jslt")).hasContent("{}");

    Shell unknown = Shell.withSettings(here, "feed", "new", "--from", "fax", "oak-street");
    assertThat(unknown.output()).contains("There is no kind \"fax\"; there are [").contains("sql");
    assertThat(unknown.status()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "fhir", "csv", "hl7"})
  void everyKindOfNewFeedIsRightAsItIsWritten(String kind, @TempDir Path folder) throws Exception {
    Files.createDirectories(folder.resolve("routes/feeds"));
    org.springframework.util.FileSystemUtils.copyRecursively(
        engine.routes().resolve("templates"), folder.resolve("routes/templates"));
    for (String shipped : List.of("fhir-r4", "csv", "hl7-adt")) {
      org.springframework.util.FileSystemUtils.copyRecursively(
          Path.of("mappings", shipped), folder.resolve("mappings").resolve(shipped));
    }
    List<String> here =
        List.of(
            "--pmslink.routes-folder=" + folder.resolve("routes"),
            "--pmslink.mappings-folder=" + folder.resolve("mappings"));

    Shell written = Shell.withSettings(here, "feed", "new", "elm-street", "--from", kind);

    assertThat(written.status()).as(written.output()).isZero();
    Path feed = folder.resolve("routes/feeds/elm-street.camel.yaml");
    assertThat(feed).content().contains("value: elm-street").doesNotContain("NAME");
    assertThat(written.output())
        .contains("pms-link feed " + (kind.equals("fhir") ? "dry-run" : "apply") + " elm-street");
    Shell checked = Shell.withSettings(here, "check", "--offline", feed.toString());
    assertThat(checked.output()).isEqualTo("elm-street.camel.yaml: ok\n");
    assertThat(checked.status()).isZero();
    assertThat(
            Shell.withSettings(
                    here, "check", "--offline", folder.resolve("mappings/elm-street").toString())
                .output())
        .containsPattern("(?m)^elm-street/patient.jslt: ok, [1-9]\\d* examples$");
    assertThat(folder.resolve("mappings/elm-street/README.md")).doesNotExist();

    Shell again = Shell.withSettings(here, "feed", "new", "elm-street", "--from", kind);
    assertThat(again.output()).contains("is there already, and nothing was written");
  }

  @Test
  void aSampleIsShownWithWhereEachFieldComesFrom() throws Exception {
    Path sample =
        engine.mappings().resolve("open-dental/examples/patient-02-nickname-in-given-name.in.json");

    Shell shown = Shell.run(engine, "map", "open-dental/patient.jslt", sample.toString());

    assertThat(shown.status()).as(shown.output()).isZero();
    assertThat(shown.output())
        .contains("record 1, as the PMS has it:")
        .containsPattern("(?m)^  sourceId +PatNum$")
        .containsPattern("(?m)^  person.name.family +LName$")
        .containsPattern("(?m)^  person.phones +HmPhone, WirelessPhone, WkPhone$")
        .containsPattern("(?m)^  status +PatStatus$")
        .contains("quality flags: NAME_HAD_NICKNAME");
  }

  @Test
  void everyTypeOfRecordIsShown() {
    for (String kind :
        List.of(
            "visit-01-completed",
            "transaction-payments-02-refund",
            "provider-01-hygienist",
            "clinic-01-hidden",
            "merge-01-loser-and-survivor",
            "delete-01-appointment")) {
      String mapping = kind.replaceFirst("-\\d.*", ".jslt");
      Path sample = engine.mappings().resolve("open-dental/examples/" + kind + ".in.json");

      Shell shown = Shell.run(engine, "map", "open-dental/" + mapping, sample.toString());

      assertThat(shown.status()).as(shown.output()).isZero();
      assertThat(shown.output()).contains("where it comes from:");
    }
  }

  @Test
  void aSampleIsMatchedWithTheMembersAndNothingIsStored(@TempDir Path folder) throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      office.member("M1", ines);
      office.awaitSettled();
      Path sample = folder.resolve("sample.json");
      Files.writeString(
          sample,
          "{\"PatNum\": 77, \"PatStatus\": 0, \"LName\": \""
              + ines.family()
              + "\", \"FName\": \""
              + ines.given()
              + "\", \"Birthdate\": \""
              + ines.birthDate()
              + "\", \"WirelessPhone\": \""
              + ines.mobile()
              + "\", \"Email\": \""
              + ines.email()
              + "\"}");
      String before = office.snapshot();

      Shell shown =
          Shell.run(
              engine,
              "map",
              office.name + "/patient.jslt",
              sample.toString(),
              "--match",
              "--practice",
              office.name);

      assertThat(shown.status()).as(shown.output()).isZero();
      assertThat(shown.output())
          .contains("would be: linked (CERTAIN), member M1")
          .contains("No other member comes into question.");
      assertThat(office.snapshot()).isEqualTo(before);
    }
  }

  @Test
  void aDryRunCountsWhatWouldComeInAndDeliversNothing() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      office.member("M1", ines);
      office.awaitSettled();
      office.chart(ines);
      office.chart(Someone.named("Howard", "Brandt"));
      long twice = office.chart(Someone.named("Nadia", "Oyelaran"));
      office.edit("update patient set FName = 'x' where PatNum = ?", twice);
      // The mapping fails on Howard, as a slip in it would.
      Engine.rewrite(
          office.mapping("patient.jslt"),
          "\"given\": .FName",
          "\"given\": if (.FName == \"Howard\") {\"a\": 1} else .FName");
      String before = office.snapshot();
      String cursors = cursors(office);

      Shell tried = Shell.run(engine, "feed", "dry-run", office.name);

      assertThat(tried.status()).as(tried.output()).isZero();
      assertThat(tried.output())
          .contains(office.name + ": 3 patients read; nothing was delivered")
          .containsPattern("(?m)^ +2 would be kept$")
          .containsPattern("(?m)^ +1 would be dead letters$")
          .containsPattern("(?m)^ +1   .*the field \"given\" has the wrong type \\(\\d+\\)$")
          .containsPattern("(?m)^ +1 would be linked$")
          .containsPattern("(?m)^ +1 would be unlinked$")
          .doesNotContain("Caldwell")
          .doesNotContain("Howard");
      assertThat(office.snapshot()).isEqualTo(before);
      assertThat(cursors(office)).isEqualTo(cursors);
      assertThat(office.charts()).isZero();
    }
  }

  private String cursors(Office office) {
    return engine
        .store()
        .queryForList("select * from feed_cursors where feed = ? order by record_type", office.name)
        .toString();
  }

  @Test
  void aPatientShowsTheAgeOfItsData() throws Exception {
    try (Office office = Office.at(engine, pms).with("poll", "P30D")) {
      office.member("M1", ines);
      long chart = office.chart(ines);
      office.open();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      // A pass that was still ending would write its own time over this one.
      Awaitility.await("data of three hours ago")
          .atMost(Office.LONGEST)
          .until(
              () -> {
                engine
                    .store()
                    .update(
                        "update feeds set last_pass_at = now() - interval '3 hours' where feed = ?",
                        office.name);
                engine
                    .store()
                    .update(
                        "update patients set updated_at = now() - interval '9 days'"
                            + " where practice_id = ?",
                        office.id());
                return THREE_HOURS_OLD.matcher(explain(office, chart).output()).find();
              });

      Engine.rewrite(office.mapping("patient.jslt"), "\"given\": .FName", "\"givven\": .FName");
      Awaitility.await("the edited mapping is in use, and fails")
          .atMost(Office.LONGEST)
          .until(
              () -> {
                office.edit("update patient set Zip = concat(Zip, '1') where PatNum = ?", chart);
                office.sync();
                return office.deadLetters();
              },
              failed -> failed == 1);
      engine
          .store()
          .update(
              "update dead_letters set first_at = now() - interval '1 hour' where practice_id = ?",
              office.id());

      Shell failing = explain(office, chart);
      assertThat(failing.output())
          .containsPattern("data known to be true at \\S+Z, 1:00:\\d\\d ago")
          .contains("a newer version cannot be handled since ");
    }
  }

  private Shell explain(Office office, long chart) {
    return Shell.run(engine, "explain", String.valueOf(chart), "M1", "--practice", office.name);
  }
}
