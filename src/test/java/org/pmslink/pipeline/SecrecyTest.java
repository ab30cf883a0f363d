package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Patient data is in the store, and nowhere else that a person or a thief may read. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class SecrecyTest {
  private static final String SURNAME = "Xyloquenta";
  private static final List<String> SECRETS =
      List.of(
          SURNAME, "6142283141", "614-228-3141", "219094321", "219-09-4321", "xyl.secret@buckeye");

  private final Engine engine;
  private final OpenDentalServer pms;

  SecrecyTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  @Test
  void noPatientDataIsInLogsQueueFilesOrReasonsEvenWhenThingsFail(CapturedOutput output)
      throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone secret =
          new Someone(
              SURNAME,
              "Ines",
              "1980-02-03",
              "6142283141",
              "xyl.secret@buckeyemail.com",
              "Columbus");
      long arrives = office.chart(secret);
      long unusable = office.chart(secret.withEmail("xyl.secret2@buckeyemail.com"));
      long unmapped = office.chart(secret.withEmail("xyl.secret3@buckeyemail.com"));
      office.edit("update patient set SSN = '219094321'");
      office.edit("alter table patient modify Address text");
      office.edit(
          "update patient set Address = repeat(?, 2000) where PatNum = ?", SURNAME, unusable);
      Engine.rewrite(
          office.mapping("patient.jslt"),
          "\"chartNumber\": .ChartNumber",
          "\"chartNumber\": if (.PatNum == " + unmapped + ") error(.LName) else .ChartNumber");
      office.member("M1", secret);
      office.open();
      long refused = refusedByTheStore(office, secret);

      Awaitility.await().atMost(Office.LONGEST).until(() -> office.letters().size() == 3);
      assertThat(office.recordOf(arrives, "person,name,family")).isEqualTo(SURNAME);
      assertThat(office.letters())
          .extracting(Letter::sourceId)
          .containsExactlyInAnyOrder(
              String.valueOf(unusable), String.valueOf(unmapped), String.valueOf(refused));
      assertThat(office.letters())
          .allSatisfy(letter -> assertThat(letter.toString()).isNotBlank().doesNotContain(SECRETS));
      assertThat(output.getAll().toLowerCase(Locale.ROOT))
          .contains("route apply-commands failed")
          .doesNotContain(SECRETS.stream().map(s -> s.toLowerCase(Locale.ROOT)).toList());
      assertThat(filesWith("pmslinkKind"))
          .as("what a message says openly can be found")
          .isNotEmpty();
      for (String word : SECRETS) {
        assertThat(filesWith(word)).as("files with %s", word).isEmpty();
      }
    }
  }

  /** A chart that the store itself throws out, quoting it. */
  private long refusedByTheStore(Office office, Someone secret) {
    int practice = office.id();
    engine
        .store()
        .execute(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin
              raise exception 'refused: %%', new.record using detail = new.record::text;
            end $$;
            create trigger refuse before insert on patients for each row
            when (new.practice_id = %d) execute function refuse();"""
                .formatted(practice));
    try {
      long refused = office.chart(secret.withEmail("xyl.secret4@buckeyemail.com"));
      office.edit("update patient set SSN = '219094321' where PatNum = ?", refused);
      engine.bean(org.pmslink.feed.FeedStates.class).askForPass(office.name, office.name, false);
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(
              () -> office.letters(LetterFilter.ALL.ofCategory(Category.STEP_FAILED)).size() == 1);
      return refused;
    } finally {
      engine.store().execute("drop trigger refuse on patients; drop function refuse()");
    }
  }

  /**
   * Files of the queue and logs of the servers; texts in a journal have one or two bytes a letter.
   */
  private List<String> filesWith(String word) throws IOException {
    Path data = engine.data();
    try (Stream<Path> queue = Files.walk(data.resolve("artemis"));
        Stream<Path> logs = Files.walk(data.resolve("postgres").resolve("log"))) {
      return Stream.of(queue, logs, Stream.of(data.resolve("postgres.log")))
          .flatMap(files -> files)
          .filter(Files::isRegularFile)
          .filter(file -> holds(file, word))
          .map(file -> data.relativize(file).toString())
          .toList();
    }
  }

  private static boolean holds(Path file, String word) {
    try {
      String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
      String wide =
          new String(word.getBytes(StandardCharsets.UTF_16LE), StandardCharsets.ISO_8859_1);
      return bytes.contains(word) || bytes.contains(wide);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
