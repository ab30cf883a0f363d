package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MatchingRulesTest {
  private final String shipped = read();

  @Test
  void theShippedRulesAreTheFileInMappings() {
    assertThat(MatchingRules.shipped().version())
        .isEqualTo(MatchingRules.parse("matching.yaml", shipped).version());
  }

  @Test
  void theVersionFollowsTheContentAndNotTheLineEnds() {
    String windows = shipped.replace("\n", "\r\n");
    String other = shipped.replace("margin: 6", "margin: 7");

    assertThat(MatchingRules.parse("a", windows).version())
        .isEqualTo(MatchingRules.parse("b", shipped).version())
        .isNotEqualTo(MatchingRules.parse("b", other).version());
  }

  @Test
  void rareNamesWeighMoreThanCommonOnes() {
    MatchingRules rules = MatchingRules.shipped();

    assertThat(rules.weight(Level.FAMILY_EXACT, 0.0004))
        .isGreaterThan(rules.weight(Level.FAMILY_EXACT, 0.008));
    assertThat(rules.weight(Level.FAMILY_EXACT, 1)).isNotNegative();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "  given:|  giben:|unknown: giben",
        "    nickname:|    nickname2:|unknown: nickname2",
        "{m: 0.985, u: 0.50}|{m: 1.2, u: 0.50}|m is not between 0 and 1",
        "{m: 0.985, u: 0.50}|{m: 0.985, u: 0}|u is not between 0 and 1",
        "{m: 0.985, u: 0.50}|{m: much, u: 0.5}|m is not a number",
        "{m: 0.985, u: 0.50}|{m: 0.985}|missing: u",
        "{m: 0.985, u: 0.50}|0.985|names and values are expected here",
        "  cap: 16|  cap: -1|cap is not a number above 0",
      })
  void aWrongRuleIsRefusedWithItsLine(String right, String wrong, String reason) {
    int line = (int) shipped.substring(0, shipped.indexOf(right)).lines().count();
    String text = shipped.replaceFirst(java.util.regex.Pattern.quote(right), wrong);

    assertThat(text).isNotEqualTo(shipped);
    assertThatThrownBy(() -> MatchingRules.parse("my.yaml", text))
        .isInstanceOf(InvalidRulesException.class)
        .hasMessageContaining(reason)
        .hasMessageMatching("my.yaml line (" + line + "|" + (line + 1) + "): .*");
  }

  @Test
  void thresholdsOutOfOrderAreRefused() {
    String text = shipped.replaceFirst("  probable: \\d+", "  probable: 90");

    assertThatThrownBy(() -> MatchingRules.parse("my.yaml", text))
        .hasMessageContaining("thresholds are out of order");
  }

  @Test
  void whatIsNoYamlIsRefusedWithItsLine() {
    assertThatThrownBy(() -> MatchingRules.parse("my.yaml", "prior: {\n"))
        .isInstanceOf(InvalidRulesException.class)
        .hasMessageStartingWith("my.yaml line 2: ");
    assertThatThrownBy(() -> MatchingRules.parse("my.yaml", ""))
        .hasMessage("my.yaml line 1: there are no rules in this file");
  }

  private static String read() {
    try {
      return Files.readString(Path.of("mappings", "matching.yaml"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
