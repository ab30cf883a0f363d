package org.pmslink.mapping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.pmslink.activity.SourceActivity;
import org.pmslink.patient.SourcePatient;

/** An edited mapping is checked before it is used, while the engine runs. */
class MappingsTest {
  private static final String PATH = "acme/patient.jslt";
  private static final String GOOD = "{\"sourceId\": .id}";

  /** Longer than the engine waits before it looks at a file again. */
  private static final Duration LOOKED = Duration.ofMillis(1_600);

  private final Path folder;
  private final Mappings mappings;
  private Instant edited = Instant.parse("2026-01-05T10:15:00Z");

  MappingsTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    this.mappings = new Mappings(folder);
    Path examples = Files.createDirectories(folder.resolve("acme/examples"));
    Files.writeString(examples.resolve("patient-01-id.in.json"), "{\"id\": \"1\"}");
    Files.writeString(examples.resolve("patient-01-id.out.json"), "{\"sourceId\": \"1\"}");
    edit(GOOD);
  }

  /** Each edit has a stamp of its own, however fast the test and however coarse the clock. */
  private void edit(String text) throws IOException {
    Path file = folder.resolve(PATH);
    Files.writeString(file, text);
    edited = edited.plusSeconds(60);
    Files.setLastModifiedTime(file, FileTime.from(edited));
  }

  private String version() {
    return mappings.get(PATH).version();
  }

  private void staysInUse(String version) {
    await().during(LOOKED).atMost(LOOKED.multipliedBy(4)).until(() -> version().equals(version));
  }

  @Test
  void goodEditIsTakenUpByItself() throws IOException {
    String before = version();

    edit("// the same, with a word about it\n" + GOOD);

    await().atMost(Duration.ofSeconds(20)).until(() -> !version().equals(before));
  }

  @Test
  void editThatDoesNotCompileIsNotUsed() throws IOException {
    String before = version();

    edit("{\"sourceId\" .id}");

    staysInUse(before);
  }

  @Test
  void editThatFailsAnExampleIsNotUsedUntilItIsMended() throws IOException {
    String before = version();

    edit("{\"sourceId\": .id, \"given\": \"A\"}");
    staysInUse(before);
    edit("// mended\n" + GOOD);

    await().atMost(Duration.ofSeconds(20)).until(() -> !version().equals(before));
  }

  @Test
  void mappingThatIsRemovedStaysInUse() throws IOException {
    String before = version();

    Files.delete(folder.resolve(PATH));

    staysInUse(before);
  }

  @Test
  void checkFindsWhatAnExampleShows() throws IOException {
    edit("{\"sourceId\": .id, \"given\": \"A\"}");

    assertThat(mappings.check(PATH))
        .containsExactly(new MappingExamples.Failure("patient-01-id.in.json", "differs in given"));
  }

  /** IT staff write mappings from this table, and have no sources. */
  @ParameterizedTest
  @MethodSource("records")
  void theGuideListsEveryField(String heading, Class<?> record) throws IOException {
    String guide = Files.readString(Path.of("docs/mappings.md"));
    int from = guide.indexOf("**" + heading + "**");
    String table = guide.substring(from, guide.indexOf("\n\n", guide.indexOf("|---|", from)));
    Set<String> listed = new TreeSet<>();
    table
        .lines()
        .filter(line -> line.startsWith("| `"))
        .forEach(
            line ->
                Pattern.compile("`(\\w+)`")
                    .matcher(line.split("\\|")[1])
                    .results()
                    .forEach(name -> listed.add(name.group(1))));

    assertThat(listed)
        .isEqualTo(
            Stream.of(record.getRecordComponents())
                .map(RecordComponent::getName)
                .collect(Collectors.toCollection(TreeSet::new)));
  }

  static Stream<Arguments> records() {
    return Stream.of(
        Arguments.of("Patient", SourcePatient.class),
        Arguments.of("Merge", Mapping.SourceMerge.class),
        Arguments.of("Visit", SourceActivity.Visit.class),
        Arguments.of("Transaction", SourceActivity.Transaction.class),
        Arguments.of("Provider", SourceActivity.Provider.class),
        Arguments.of("Clinic", SourceActivity.Clinic.class),
        Arguments.of("Delete", Mapping.SourceDelete.class));
  }
}
