package org.pmslink.mapping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.pmslink.patient.RecordJson;

/** The functions do what their page says. */
class MappingFunctionsTest {
  private static final Path PAGE = Path.of("docs/mappings.md");
  private static final Pattern EXAMPLE = Pattern.compile("^\\| `(.+?)` \\| `(.+?)` \\|");

  private final Path folder;

  MappingFunctionsTest(@TempDir Path folder) {
    this.folder = folder;
  }

  static Stream<MatchResult> examples() throws IOException {
    return Files.readString(PAGE)
        .lines()
        .flatMap(line -> EXAMPLE.matcher(line).results())
        .filter(example -> example.group(1).contains("("));
  }

  @ParameterizedTest
  @MethodSource("examples")
  void exampleOfThePageComesOut(MatchResult example) throws IOException {
    JsonNode expected = RecordJson.mapper().readTree(example.group(2));

    JsonNode actual = run("[" + example.group(1) + "]", "{}").path(0);

    assertThat(actual.toString()).isEqualTo(expected.toString());
  }

  @Test
  void thePageShowsEveryFunction() throws IOException {
    List<String> shown =
        examples().map(e -> e.group(1).replaceFirst("\\(.*", "")).distinct().sorted().toList();

    assertThat(shown)
        .isEqualTo(
            MappingFunctions.all().stream()
                .map(f -> f.getName())
                .sorted()
                .collect(Collectors.toList()));
  }

  @Test
  void noValueMakesAFunctionFail() throws IOException {
    for (String value :
        List.of("null", "[]", "{}", "\"\"", "\" , \"", "\"1e999999999\"", "true", "-0.0")) {
      for (String call :
          List.of(
              "text(.v)",
              "trimmed(.v)",
              "cents(.v)",
              "date(.v, \"M/d/yy\")",
              "time(.v, \"UTC\", \"yyyy-MM-dd HH:mm\")",
              "code(.v, {\"1\": 2})",
              "person-name(.v)",
              "phones(.v)",
              "flag(.v)")) {
        assertThat(run("[" + call + "]", "{\"v\": " + value + "}"))
            .as(call + " of " + value)
            .isNotNull();
      }
    }
  }

  @Test
  void aPatternOrZoneThatIsNoneIsNamedAndTheValueIsNot() {
    assertThatThrownBy(() -> run("date(.v, \"quarter\")", "{\"v\": \"SENTINEL\"}"))
        .isInstanceOf(MappingException.class)
        .hasMessageContaining("\"quarter\" is no pattern of a date")
        .hasMessageNotContaining("SENTINEL");
    assertThatThrownBy(() -> run("time(.v, \"Ohio\", \"HH\")", "{\"v\": \"SENTINEL\"}"))
        .isInstanceOf(MappingException.class)
        .hasMessageContaining("\"Ohio\" is no time zone")
        .hasMessageNotContaining("SENTINEL");
  }

  private JsonNode run(String mapping, String input) throws IOException {
    Files.writeString(folder.resolve("patient.jslt"), mapping);
    JsonNode result =
        Mapping.compile(folder, "patient.jslt").apply(RecordJson.mapper().readTree(input));
    return result == null ? NullNode.getInstance() : result;
  }
}
