package org.pmslink.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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

  @Test
  void fieldThatNoRecordHasFails() throws IOException {
    Path examples = Files.createDirectories(folder.resolve("acme/examples"));
    Files.writeString(folder.resolve("acme/visit.jslt"), "{\"sourceId\": .id, \"dentist\": 1}");
    Files.writeString(examples.resolve("visit-01-plain.in.json"), "{\"id\": \"1\"}");
    Files.writeString(
        examples.resolve("visit-01-plain.out.json"), "{\"sourceId\": \"1\", \"dentist\": 1}");

    assertThat(
            MappingExamples.of(folder, "acme/visit.jslt")
                .failures(Mapping.compile(folder, "acme/visit.jslt")))
        .singleElement()
        .extracting(MappingExamples.Failure::reason)
        .asString()
        .contains("writes the field \"dentist\", which is not one of");
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
          assertThat(examples.resolveSibling(name.replaceFirst("-\\d.*", ".jslt"))).exists();
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
