package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/**
 * A batch that fails as a whole is tried again, then taken apart until the culprit stands alone.
 */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class StepFailuresTest {
  private static final int NEIGHBOURS = 11;

  private final Engine engine;
  private final OpenDentalServer pms;

  StepFailuresTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private List<Letter> letters(Office office) {
    return office.letters();
  }

  private Letter awaitLetter(Office office) {
    Awaitility.await("a dead letter")
        .atMost(Office.LONGEST)
        .until(() -> !letters(office).isEmpty());
    return letters(office).get(0);
  }

  private void replay(Office office) {
    office.replay(LetterFilter.ALL);
    Awaitility.await("the letter is solved")
        .atMost(Office.LONGEST)
        .until(() -> letters(office).stream().allMatch(l -> l.state() == Letter.State.RESOLVED));
  }

  @Test
  void aChartThatTheStoreRefusesIsLaidAsideAlone(CapturedOutput output) throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Nadia", "Oyelaran"));
      office.open();
      List<Long> neighbours = new ArrayList<>();
      for (int i = 0; i < NEIGHBOURS; i++) {
        neighbours.add(office.chart(Someone.named("Nadia", "Oyelaran")));
      }
      long culprit = office.chart(Someone.named("Ines", "Quetzalcoatlus"));
      engine
          .store()
          .execute(
              "alter table patients add constraint refuses_one check (not (practice_id = "
                  + office.id()
                  + " and source_id = '"
                  + culprit
                  + "'))");
      try {
        office.askForPass(false);
        Letter letter = awaitLetter(office);
        office.awaitSettled();

        assertThat(letter.hop()).isEqualTo(Hop.APPLY);
        assertThat(letter.cause().category()).isEqualTo(Category.STEP_FAILED);
        assertThat(letter.recordType()).isEqualTo("PATIENTS");
        assertThat(letter.sourceId()).isEqualTo(String.valueOf(culprit));
        assertThat(letters(office)).hasSize(1);
        assertThat(office.charts()).isEqualTo(1 + NEIGHBOURS);
        assertThat(neighbours)
            .allSatisfy(
                chart ->
                    assertThat(office.recordOf(chart, "person,name,family")).isEqualTo("Oyelaran"));
        assertThat(
                office.count(
                    "select dead_lettered from feed_pages where practice_id = ?"
                        + " and dead_lettered > 0"))
            .isEqualTo(1);
      } finally {
        engine.store().execute("alter table patients drop constraint refuses_one");
      }

      replay(office);

      assertThat(office.recordOf(culprit, "person,name,family")).isEqualTo("Quetzalcoatlus");
      assertThat(output).doesNotContain("Quetzalcoatlus");
    }
  }

  @Test
  void aChartThatCannotBeMatchedIsLaidAsideAlone(CapturedOutput output) throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Nadia", "Oyelaran"));
      office.open();
      Someone ines = Someone.named("Ines", "Quetzalcoatlus");
      office.member("M1", ines);
      office.awaitSettled();
      String person =
          engine
              .store()
              .queryForObject(
                  "select person::text from members where practice_id = ?",
                  String.class,
                  office.id());
      // A member that nobody can read: whatever is compared with it fails.
      engine
          .store()
          .update(
              "update members set person = '{\"not\":\"a person\"}' where practice_id = ?",
              office.id());
      for (int i = 0; i < NEIGHBOURS; i++) {
        office.chart(Someone.named("Nadia", "Oyelaran"));
      }
      long culprit = office.chart(ines);
      office.askForPass(false);
      Letter letter = awaitLetter(office);
      office.awaitSettled();

      assertThat(letter.hop()).isEqualTo(Hop.MATCH);
      assertThat(letter.cause().category()).isEqualTo(Category.STEP_FAILED);
      assertThat(letter.sourceId()).isEqualTo(String.valueOf(culprit));
      assertThat(letters(office)).hasSize(1);
      assertThat(office.charts()).isEqualTo(1 + NEIGHBOURS);

      engine
          .store()
          .update(
              "update members set person = ?::jsonb where practice_id = ?", person, office.id());
      replay(office);
      office.awaitSettled();

      assertThat(office.memberOf(culprit)).isEqualTo("M1");
      assertThat(output).doesNotContain("Quetzalcoatlus");
    }
  }
}
