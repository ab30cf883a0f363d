package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class DeadLettersTest {
  private static final String SENTINEL = "Quetzalcoatlus";

  private final Engine engine;
  private final OpenDentalServer pms;

  DeadLettersTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private List<Letter> letters(Office office) {
    return office.letters();
  }

  @Test
  void oneUnusableRecordOfAThousandHoldsUpNoneOfItsNeighbours(CapturedOutput output)
      throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.edit("alter table patient modify Address text");
      for (int i = 0; i < 999; i++) {
        office.chart(Someone.named("Nadia", "Oyelaran"));
      }
      long poison = office.chart(Someone.named("Ines", "Caldwell"));
      office.edit(
          "update patient set Address = repeat(?, 1000) where PatNum = ?", SENTINEL, poison);

      office.open();
      Awaitility.await().atMost(Office.LONGEST).until(() -> !letters(office).isEmpty());

      assertThat(office.charts()).isEqualTo(999);
      assertThat(letters(office)).hasSize(1);
      Letter letter = letters(office).get(0);
      assertThat(letter.sourceId()).isEqualTo(String.valueOf(poison));
      assertThat(letter.cause().category()).isEqualTo(Category.INVALID_RECORD);
      assertThat(letter.toString()).contains("address").doesNotContain(SENTINEL);
      assertThat(output).doesNotContain(SENTINEL);
      assertThat(
              office.count(
                  "select count(distinct page) from feed_pages where practice_id = ?"
                      + " and records > 200 and dead_lettered = 1"))
          .as("the page that held it went through whole")
          .isEqualTo(1);
    }
  }

  @Test
  void aMappingThatIsMendedOnDiskBringsItsRecordsIn() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Engine.rewrite(office.mapping("patient.jslt"), "\"chartNumber\"", "\"chartNumbre\"");
      long chart = office.chart(Someone.named("Ines", "Caldwell"));
      office.chart(Someone.named("Tomas", "Brandt"));
      office.open();
      Awaitility.await().atMost(Office.LONGEST).until(() -> letters(office).size() == 2);
      assertThat(letters(office))
          .allSatisfy(
              letter -> {
                assertThat(letter.cause().category()).isEqualTo(Category.MAPPING_FAILED);
                assertThat(letter.cause().message()).contains("chartNumbre");
              });
      assertThat(office.charts()).isZero();

      Engine.rewrite(office.mapping("patient.jslt"), "\"chartNumbre\"", "\"chartNumber\"");
      // An edit is noticed within a second; what is replayed before that comes back as it was.
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(
              () -> {
                office.replay(LetterFilter.ALL.ofCategory(Category.MAPPING_FAILED));
                return letters(office).stream().allMatch(l -> l.state() == Letter.State.RESOLVED);
              });

      assertThat(letters(office)).hasSize(2);
      assertThat(office.charts()).isEqualTo(2);
      assertThat(office.recordOf(chart, "person,name,family")).isEqualTo("Caldwell");
    }
  }
}
