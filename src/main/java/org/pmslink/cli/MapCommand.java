package org.pmslink.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.concurrent.Callable;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.RecordJson;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link map}. */
@Command(
    name = "map",
    mixinStandardHelpOptions = true,
    description = {
      "Shows what a mapping makes of a raw sample: the canonical record and its quality flags.",
      "For a merge mapping: which chart was merged into which. Starts nothing and keeps nothing."
    })
final class MapCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;

  @Parameters(
      index = "0",
      paramLabel = "MAPPING",
      description = "Below the mappings folder, for example open-dental/patient.jslt.")
  String mapping;

  @Parameters(
      index = "1",
      paramLabel = "FILE",
      description = "One raw record as JSON, or a list of them; see the mapping's examples.")
  Path file;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  MapCommand() {}

  @Override
  public Integer call() throws IOException {
    Mapping compiled = new Mappings(tool.settings().mappings()).get(mapping);
    JsonNode raw;
    try {
      raw = RecordJson.mapper().readTree(Files.readString(file));
    } catch (JsonProcessingException e) {
      CommandLineTool.out()
          .println(file + " line " + e.getLocation().getLineNr() + ": this is not JSON");
      return 1;
    } catch (IOException e) {
      CommandLineTool.out().println(file + ": cannot be read as UTF-8 text");
      return 1;
    }
    if (raw.isMissingNode() || (raw.isArray() && raw.isEmpty())) {
      CommandLineTool.out().println(file + ": holds no record");
      return 1;
    }
    int status = 0;
    int number = 0;
    for (JsonNode sample : raw.isArray() ? raw : RecordJson.mapper().createArrayNode().add(raw)) {
      number++;
      status = Math.max(status, show(compiled, sample, "record " + number + ": "));
    }
    return status;
  }

  private int show(Mapping compiled, JsonNode sample, String which) throws JsonProcessingException {
    try {
      Object result =
          mapping.endsWith("merge.jslt")
              ? compiled.merge(sample)
              // A sample keeps nothing: its SSN hash is of no use and shown as such.
              : new PatientNormalizer(ssn -> "(keyed hash)")
                  .normalize(compiled.patient(sample), ZoneId.of("UTC"));
      CommandLineTool.out()
          .println(RecordJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(result));
      return 0;
    } catch (MappingException | InvalidRecordException e) {
      CommandLineTool.out().println(which + e.getMessage());
      return 1;
    }
  }
}
