package org.pmslink.linking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.matching.InvalidRulesException;
import org.pmslink.matching.MatchingRules;

class RulesFilesTest {
  private static final String SHIPPED = MatchingRules.shipped().text();

  @Test
  void withoutAFileTheShippedRulesAreInForce(@TempDir Path folder) {
    assertThat(new RulesFiles(folder).of("bright-smiles").version())
        .isEqualTo(MatchingRules.shipped().version());
    assertThat(new RulesFiles(folder.resolve("missing")).of("x").version())
        .isEqualTo(MatchingRules.shipped().version());
  }

  @Test
  void aPracticesOwnFileCountsForItAlone(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("matching.yaml"), SHIPPED + "# all\n");
    Files.writeString(folder.resolve("matching.bright-smiles.yaml"), SHIPPED + "# one\n");
    RulesFiles files = new RulesFiles(folder);

    assertThat(files.of("bright-smiles").text()).endsWith("# one\n");
    assertThat(files.of("other").text()).endsWith("# all\n");
  }

  @Test
  void aWrongFileStopsTheStartWithItsLine(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("matching.bright-smiles.yaml");
    Files.writeString(file, "surprise: 1\n" + SHIPPED);

    assertThatThrownBy(() -> new RulesFiles(folder))
        .isInstanceOf(InvalidRulesException.class)
        .hasMessage(file + " line 1: unknown: surprise");
  }

  @Test
  void aFileThatIsEditedTakesEffectUnlessItIsWrong(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("matching.yaml");
    Files.writeString(file, SHIPPED);
    RulesFiles files = new RulesFiles(folder);
    assertThat(files.of("bright-smiles").text()).isEqualTo(SHIPPED);

    Files.writeString(file, "surprise: 1\n");
    assertThat(files.of("bright-smiles").text()).isEqualTo(SHIPPED);
    Files.writeString(file, SHIPPED + "# edited\n");

    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> files.of("bright-smiles").text().endsWith("# edited\n"));
  }
}
