package org.pmslink.mapping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.mapping.Mapping.SourceMerge;

/** What a mapping says when it cannot be used, and that it never says whose record it was. */
class MappingTest {
  private static final String PATH = "acme/patient.jslt";

  /** Looks like a place in a file, so that no search in a message may mistake it for one. */
  private static final String SENTINEL = "line 536220142";

  private final Path folder;

  MappingTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private Mapping mapping(String text) throws IOException {
    Files.createDirectories(folder.resolve("acme"));
    Files.writeString(folder.resolve(PATH), text);
    return Mapping.compile(folder, PATH);
  }

  private static JsonNode record() {
    return JsonNodeFactory.instance.objectNode().put("id", "7").put("ssn", SENTINEL);
  }

  @Test
  void syntaxErrorNamesFileAndLineInOneLine() {
    assertThatThrownBy(() -> mapping("{\n  \"sourceId\": .id,\n  \"given\" .a\n}"))
        .isInstanceOf(MappingException.class)
        .hasMessageStartingWith(PATH + " line 3: does not compile: ")
        .message()
        .doesNotContain("\n");
  }

  @Test
  void unknownFunctionNamesFileAndLine() {
    assertThatThrownBy(() -> mapping("{\n  \"sourceId\":\n    shout(.id)\n}"))
        .isInstanceOf(MappingException.class)
        .hasMessageStartingWith(PATH + " line 3: does not compile: ")
        .hasMessageContaining("shout");
  }

  @Test
  void unknownFieldIsNamedWithThoseThatAreKnown() throws IOException {
    Mapping mapping = mapping("{\"sourceId\": .id, \"surname\": .ssn}");

    assertThatThrownBy(() -> mapping.patient(record()))
        .isInstanceOf(MappingException.class)
        .hasMessageContaining("writes the field \"surname\"")
        .hasMessageContaining("family")
        .message()
        .doesNotContain("536220142");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{for ([.ssn]) . : 1}",
        "{\"sourceId\": time(\"2026\", .ssn, \"uuuu\")}",
        "{\"sourceId\": date(\"2026\", \"b\" + .ssn)}"
      })
  void whatAMappingMakesOfTheRecordIsNotSaid(String text) throws IOException {
    Mapping mapping = mapping(text);

    assertThatThrownBy(() -> mapping.patient(record()))
        .isInstanceOf(MappingException.class)
        .hasNoCause()
        .message()
        .startsWith(PATH)
        .doesNotContain("536220142");
  }

  @Test
  void theLineThatWritesAFieldIsFoundIfThereIsOne() throws IOException {
    Mapping mapping =
        mapping("{\n  \"sourceId\": .id,\n  \"phones\": .ssn,\n  \"x\": 1,\n  \"y\": {\"x\": 2}}");

    assertThat(mapping.lineOf("phones")).isEqualTo(3);
    assertThat(mapping.line(3)).isEqualTo("\"phones\": .ssn,");
    assertThat(mapping.lineOf("x")).as("twice").isNull();
    assertThat(mapping.lineOf("emails")).isNull();
    assertThatThrownBy(() -> mapping.patient(record()))
        .isInstanceOfSatisfying(
            MappingException.class,
            e -> {
              assertThat(e.field()).isIn("phones", "x", "y");
              assertThat(e.line()).isEqualTo(mapping.lineOf(String.valueOf(e.field())));
            });
  }

  @Test
  void wrongTypeNamesTheField() throws IOException {
    Mapping mapping = mapping("{\"sourceId\": .id, \"phones\": .ssn}");

    assertThatThrownBy(() -> mapping.patient(record()))
        .isInstanceOf(MappingException.class)
        .hasMessage(PATH + ": the field \"phones\" has the wrong type");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"sourceId\": number(.ssn)}",
        "{\"sourceId\": round(.ssn)}",
        "{\"sourceId\": from-json(.ssn)}",
        "{\"sourceId\": error(.ssn)}",
        "{\"phones\": [for (.ssn) .]}",
        "def f(x) f($x) {\"sourceId\": .ssn - 1}"
      })
  void failureOnARecordSaysNothingOfTheRecord(String text) throws IOException {
    Mapping mapping = mapping(text);

    assertThatThrownBy(() -> mapping.patient(record()))
        .isInstanceOf(MappingException.class)
        .hasMessageContaining("fails on this record")
        .hasNoCause()
        .message()
        .startsWith(PATH)
        .doesNotContain("536220142");
  }

  @Test
  void failureOnARecordNamesTheLineWhereJsltKnowsIt() throws IOException {
    Mapping mapping = mapping("{\n  \"sourceId\": .id,\n  \"phones\": [for (.ssn) .]\n}");

    assertThatThrownBy(() -> mapping.patient(record()))
        .hasMessage(PATH + " line 3: the mapping fails on this record");
  }

  @Test
  void yieldingNoObjectIsAFault() throws IOException {
    Mapping mapping = mapping(".ssn");

    assertThatThrownBy(() -> mapping.patient(record()))
        .hasMessage(PATH + ": must yield an object, but yields no object");
  }

  @Test
  void pathOutsideTheFolderIsRefused() throws IOException {
    Path inside = Files.createDirectories(folder.resolve("mappings"));
    Files.writeString(folder.resolve("secret.jslt"), "{}");

    assertThatThrownBy(() -> Mapping.compile(inside, "../secret.jslt"))
        .isInstanceOf(MappingException.class)
        .hasMessageContaining("lies outside the mappings folder");
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> Mapping.compile(folder, "acme/visit.jslt"))
        .isInstanceOf(MappingException.class)
        .hasMessageStartingWith("acme/visit.jslt: cannot be read");
  }

  @Test
  void mergeThatLacksAChartYieldsNoTextInItsPlace() {
    JsonNode raw = JsonNodeFactory.instance.objectNode().put("PatNumTo", 3).putNull("PatNumFrom");

    assertThat(Mapping.compile(Path.of("mappings"), "open-dental/merge.jslt").merge(raw))
        .isEqualTo(new SourceMerge(null, "3", null));
  }
}
