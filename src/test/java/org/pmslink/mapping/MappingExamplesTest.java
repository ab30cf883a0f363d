package org.pmslink.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.pmslink.activity.SourceActivity;
import org.pmslink.patient.RecordJson;

/** Every mapping that is shipped does what its examples show, and has some. */
class MappingExamplesTest {
  private static final Path MAPPINGS = Path.of("mappings");

  private final Path folder;

  MappingExamplesTest(@TempDir Path folder) {
    this.folder = folder;
  }

  static Stream<String> mappings() throws IOException {
    return everyMapping().stream();
  }

  private static List<String> everyMapping() throws IOException {
    try (Stream<Path> files = Files.walk(MAPPINGS)) {
      return files
          .filter(f -> f.toString().endsWith(".jslt"))
          .map(f -> MAPPINGS.relativize(f).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void findsTheMappings() throws IOException {
    assertThat(everyMapping()).contains("open-dental/merge.jslt", "open-dental/patient.jslt");
  }

  @ParameterizedTest
  @MethodSource("mappings")
  void mappingYieldsWhatItsExamplesShow(String mapping) {
    MappingExamples examples = MappingExamples.of(MAPPINGS, mapping);

    assertThat(examples.count()).as("examples of " + mapping).isPositive();
    assertThat(examples.failures(Mapping.compile(MAPPINGS, mapping))).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("mappings")
  void mappingWritesOnlyFieldsOfTheCanonicalRecord(String mapping) throws IOException {
    Mapping compiled = Mapping.compile(MAPPINGS, mapping);
    for (Path input : inputs(MAPPINGS.resolve(mapping))) {
      var raw = RecordJson.mapper().readTree(Files.readString(input));
      Object bound = bound(compiled, mapping, raw);
      assertThat(bound).as(input.toString()).isNotNull();
    }
  }

  private static Object bound(Mapping compiled, String mapping, JsonNode raw) {
    String kind = mapping.replaceFirst(".*/", "").replaceFirst("[-.].*", "");
    return switch (kind) {
      case "patient" -> compiled.patient(raw);
      case "merge" -> compiled.merge(raw);
      case "visit" -> compiled.activity(raw, SourceActivity.Visit.class);
      case "transaction" -> compiled.activity(raw, SourceActivity.Transaction.class);
      case "provider" -> compiled.activity(raw, SourceActivity.Provider.class);
      case "clinic" -> compiled.activity(raw, SourceActivity.Clinic.class);
      case "delete" -> compiled.delete(raw);
      default -> throw new IllegalArgumentException(mapping + ": no kind of mapping");
    };
  }

  private static List<Path> inputs(Path mapping) throws IOException {
    String kind = mapping.getFileName().toString().replace(".jslt", "-");
    try (Stream<Path> files = Files.list(mapping.resolveSibling("examples"))) {
      return files
          .filter(f -> f.getFileName().toString().startsWith(kind))
          .filter(f -> f.toString().endsWith(".in.json"))
          .sorted()
          .toList();
    }
  }

  @Test
  void everyExampleHasBothHalvesAndAMapping() throws IOException {
    for (String mapping : everyMapping()) {
      Path examples = MAPPINGS.resolve(mapping).resolveSibling("examples");
      try (Stream<Path> files = Files.list(examples)) {
        for (Path file : files.toList()) {
          String name = file.getFileName().toString();
          String twin =
              name.endsWith(".in.json")
                  ? name.replace(".in.json", ".out.json")
                  : name.replace(".out.json", ".in.json");
          assertThat(examples.resolve(twin)).as(name).isNotEqualTo(file).exists();
          assertThat(examples.resolveSibling(name.replaceFirst("-.*", ".jslt"))).exists();
        }
      }
    }
  }

  @Test
  void failureNamesTheExampleAndTheFieldsThatDiffer() throws IOException {
    Path examples = Files.createDirectories(folder.resolve("acme/examples"));
    Files.writeString(folder.resolve("acme/patient.jslt"), "{\"sourceId\": .id, \"given\": .a}");
    Files.writeString(examples.resolve("patient-01-name.in.json"), "{\"id\": \"1\", \"a\": \"A\"}");
    Files.writeString(
        examples.resolve("patient-01-name.out.json"), "{\"sourceId\": \"1\", \"family\": \"A\"}");

    List<MappingExamples.Failure> failures =
        MappingExamples.of(folder, "acme/patient.jslt")
            .failures(Mapping.compile(folder, "acme/patient.jslt"));

    assertThat(failures)
        .containsExactly(
            new MappingExamples.Failure("patient-01-name.in.json", "differs in family, given"));
  }

  @Test
  void exampleWithoutItsSecondHalfFails() throws IOException {
    Path examples = Files.createDirectories(folder.resolve("acme/examples"));
    Files.writeString(folder.resolve("acme/patient.jslt"), "{\"sourceId\": .id}");
    Files.writeString(examples.resolve("patient-01-half.in.json"), "{\"id\": \"1\"}");

    assertThat(
            MappingExamples.of(folder, "acme/patient.jslt")
                .failures(Mapping.compile(folder, "acme/patient.jslt")))
        .containsExactly(
            new MappingExamples.Failure(
                "patient-01-half.in.json", "patient-01-half.out.json: cannot be read as JSON"));
  }
}
