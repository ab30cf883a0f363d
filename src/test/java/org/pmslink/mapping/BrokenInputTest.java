package org.pmslink.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.pmslink.activity.ActivityNormalizer;
import org.pmslink.activity.SourceActivity;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SourcePatient;
import org.pmslink.sample.BrokenJson;

/**
 * A thousand broken records for each folder of mappings: each becomes a record that can be stored,
 * or fails for a reason that can be told; and always the same for the same seed.
 */
class BrokenInputTest {
  private static final Path MAPPINGS = Path.of("mappings");
  private static final int RECORDS = 1_000;
  private static final ZoneId ZONE = ZoneId.of("America/New_York");

  private final PatientNormalizer normalizer = new PatientNormalizer(ssn -> "hash");

  /** A mapping and a record that it is for. */
  private record Example(Mapping mapping, JsonNode raw) {}

  private static List<Example> examples(Path folder) throws IOException {
    List<Example> examples = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder.resolve("examples"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".in.json")).sorted().toList()) {
        String name = file.getFileName().toString().replaceFirst("-\\d.*", ".jslt");
        examples.add(
            new Example(
                Mapping.compile(MAPPINGS, MAPPINGS.relativize(folder).resolve(name).toString()),
                RecordJson.mapper().readTree(Files.readString(file))));
      }
    }
    return examples;
  }

  @Test
  void aThousandBrokenRecordsForEachFolderEndAsARecordOrAReason() throws Exception {
    try (Stream<Path> folders = Files.list(MAPPINGS)) {
      for (Path folder : folders.filter(Files::isDirectory).sorted().toList()) {
        List<Example> examples = examples(folder);
        Random random = new Random(20_261_124);
        int failed = 0;
        for (int number = 0; number < RECORDS; number++) {
          Example example = examples.get(number % examples.size());
          JsonNode broken = BrokenJson.mutated(example.raw(), random);
          if (!isTakenOrRefused(example.mapping(), broken, folder + ", record " + number)) {
            failed++;
          }
        }
        // Most of what is wrong is mended or left out; what cannot be is told.
        assertThat(failed).as("refused of " + folder).isBetween(20, 900);
      }
    }
  }

  private boolean isTakenOrRefused(Mapping mapping, JsonNode broken, String what) {
    try {
      Object source = mapping.source(broken);
      if (source instanceof SourcePatient patient) {
        PatientRecord record = normalizer.normalize(patient, ZONE);
        assertThat(record.sourceId()).as(what).isNotBlank();
        assertThat(RecordJson.write(record)).as(what).doesNotContain("\\u0000");
      } else if (source instanceof SourceActivity activity) {
        assertThat(RecordJson.write(ActivityNormalizer.normalize(activity, ZONE, ZONE)))
            .as(what)
            .doesNotContain("\\u0000");
      }
      return true;
    } catch (MappingException | InvalidRecordException e) {
      assertThat(e.getMessage())
          .as(what)
          .isNotBlank()
          .hasSizeLessThan(1_000)
          .doesNotContain(BrokenJson.SENTINEL);
      return false;
    }
  }
}
