package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.matching.RulesFile.Adoption;

class RulesFileTest {
  @TempDir Path folder = Path.of("");

  private final MatchingRules shipped = MatchingRules.shipped();
  private final String other = shipped.withFigures(Map.of(Level.GIVEN_EXACT, "0.7"), Map.of());
  private Path rules = Path.of("");
  private Path proposed = Path.of("");

  @BeforeEach
  void writesTheFiles() throws IOException {
    rules = Files.writeString(folder.resolve("matching.yaml"), shipped.text());
    proposed = Files.writeString(folder.resolve("proposed.yaml"), proposal(shipped, other));
  }

  private static String proposal(MatchingRules from, String text) {
    return "# Proposed by pms-link tune on 2026-03-04, from rules "
        + from.version()
        + ": 9 records\n"
        + text;
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void theProposalTakesThePlaceOfTheRulesWhichAreKept() throws IOException {
    Adoption adoption = RulesFile.adopt(proposed, rules);

    assertThat(adoption.before()).isEqualTo(shipped.version());
    assertThat(adoption.after()).isEqualTo(MatchingRules.read(rules).version());
    assertThat(Files.readString(rules)).isEqualTo(proposal(shipped, other));
    String kept = "matching.yaml." + shipped.version();
    assertThat(names()).containsExactly("matching.yaml", kept, "proposed.yaml");
    assertThat(Files.readString(folder.resolve(kept))).isEqualTo(shipped.text());
  }

  @Test
  void aFirstRulesFileIsPutWhereThereWasNone() throws IOException {
    Files.delete(rules);

    assertThat(RulesFile.adopt(proposed, rules).kept()).isNull();
    assertThat(names()).containsExactly("matching.yaml", "proposed.yaml");
  }

  @Test
  void aBrokenProposalIsRefusedWithItsLineAndChangesNothing() throws IOException {
    String broken = shipped.text().replace("m: 0.75", "m: 75");
    int line = (int) broken.substring(0, broken.indexOf("m: 75")).lines().count();
    Files.writeString(proposed, broken);

    assertThatThrownBy(() -> RulesFile.adopt(proposed, rules))
        .isInstanceOf(InvalidRulesException.class)
        .hasMessage(proposed + " line " + line + ": m is not between 0 and 1");
    assertThat(Files.readString(rules)).isEqualTo(shipped.text());
    assertThat(names()).containsExactly("matching.yaml", "proposed.yaml");
  }

  @Test
  void aProposalFromOtherRulesIsRefused() throws IOException {
    Files.writeString(rules, shipped.text().replace("margin: 6", "margin: 7"));

    assertThatThrownBy(() -> RulesFile.adopt(proposed, rules))
        .isInstanceOf(InvalidRulesException.class)
        .hasMessageContaining("was made from rules " + shipped.version())
        .hasMessageEndingWith("tune again");
  }

  @Test
  void theSameRulesAreNotAdoptedAgain() throws IOException {
    RulesFile.adopt(proposed, rules);

    assertThatThrownBy(() -> RulesFile.adopt(proposed, rules))
        .isInstanceOf(InvalidRulesException.class)
        .hasMessageEndingWith("are in place already");
  }

  /** What a crash leaves behind is a file beside the rules, half written, which nobody reads. */
  @Test
  void whatACrashLeftBehindIsNoHindrance() throws IOException {
    Files.writeString(folder.resolve(".matching.yaml.new"), "prior:\n  reco");

    RulesFile.adopt(proposed, rules);

    assertThat(Files.readString(rules)).isEqualTo(proposal(shipped, other));
  }

  @Test
  void aReaderNeverSeesHalfAFile() throws Exception {
    byte[] one = Files.readAllBytes(rules);
    byte[] another = Files.readAllBytes(proposed);
    AtomicBoolean done = new AtomicBoolean();
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      Future<Integer> readings =
          thread.submit(
              () -> {
                int read = 0;
                while (!done.get() || read < 10) {
                  MatchingRules.read(rules);
                  read++;
                }
                return read;
              });
      for (int i = 0; i < 60; i++) {
        RulesFile.replace(rules, i % 2 == 0 ? another : one);
      }
      done.set(true);
      assertThat(readings.get()).isGreaterThanOrEqualTo(10);
    } finally {
      done.set(true);
      thread.shutdown();
    }
  }

  @Test
  void onlyAProposalIsDiscarded() throws IOException {
    String version = MatchingRules.read(proposed).version();

    assertThat(RulesFile.discard(proposed)).isEqualTo(version);
    assertThat(names()).containsExactly("matching.yaml");
    assertThatThrownBy(() -> RulesFile.discard(rules))
        .isInstanceOf(InvalidRulesException.class)
        .hasMessageEndingWith("this is no proposal, so it stays");
    assertThat(names()).containsExactly("matching.yaml");
  }
}
