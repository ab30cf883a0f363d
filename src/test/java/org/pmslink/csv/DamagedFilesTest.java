package org.pmslink.csv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.csv.DamagedFiles.Damaged;

/** A thousand damaged files: each is refused or gives a row back, and no good row is lost. */
class DamagedFilesTest {
  private static final int FILES = 1_000;

  @TempDir Path folder = Path.of("");

  @Test
  void everyDamageIsToldAndCostsNoNeighbour() throws IOException {
    int refused = 0;
    for (int number = 0; number < FILES; number++) {
      Damaged damaged = DamagedFiles.file(number);
      Path file = Files.write(folder.resolve("export.csv"), damaged.bytes());
      if (damaged.refused()) {
        refused++;
        assertThatThrownBy(() -> CsvFileTest.read(file))
            .as(damaged.what())
            .isInstanceOf(RefusedFileException.class)
            .hasMessageNotContaining(DamagedFiles.SECRET);
      } else {
        assertRowGivenBack(damaged, CsvFileTest.read(file));
      }
    }
    assertThat(refused).isEqualTo(FILES / 4);
  }

  private static void assertRowGivenBack(Damaged damaged, CsvFileTest.Outcome outcome) {
    List<String> ids = outcome.records().stream().map(r -> r.path("id").asText()).toList();
    assertThat(ids).as(damaged.what()).containsExactlyElementsOf(damaged.goodIds());
    assertThat(outcome.records())
        .as(damaged.what())
        .allSatisfy(
            record -> {
              assertThat(record.path("birthDate").asText()).isEqualTo("1984-03-19");
              assertThat(record.path("family").asText())
                  .isIn("Lee", "Peña", "O'Brien", "de la Cruz", "Kim", "Núñez");
            });
    assertThat(outcome.problems())
        .as(damaged.what())
        .isNotEmpty()
        .noneMatch(problem -> problem.contains(DamagedFiles.SECRET));
  }
}
