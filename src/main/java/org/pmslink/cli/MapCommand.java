package org.pmslink.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.SortedSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.RawSample;
import org.pmslink.feed.TextFile;
import org.pmslink.linking.TrialDecisions;
import org.pmslink.linking.TrialDecisions.Trial;
import org.pmslink.mapping.FieldOrigins;
import org.pmslink.mapping.MappedSample;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.Charts;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link map}. */
@Command(
    name = "map",
    mixinStandardHelpOptions = true,
    description = {
      "Shows what a mapping makes of a raw sample: the sample, the canonical record, the raw fields that",
      "each of its fields comes from, raw fields that are not used, and quality flags. With --match, what",
      "would be decided about a patient and why. Keeps nothing; what it prints is patient data."
    })
final class MapCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;
  @Mixin WhichPractice which;

  @Parameters(
      index = "0",
      paramLabel = "MAPPING",
      description = "Below the mappings folder, for example open-dental/patient.jslt.")
  String mapping;

  @Parameters(
      index = "1",
      paramLabel = "FILE",
      description =
          "One raw record as JSON, or a list of them, or an HL7 message; see the mapping's examples.")
  Path file;

  @Option(
      names = "--match",
      description = "Show what would be decided, with the members of the practice. Patients only.")
  boolean match;

  @Option(
      names = "--zone",
      paramLabel = "ZONE",
      description =
          "Time zone of the sample's times, as in the feed file (default: ${DEFAULT-VALUE}).",
      defaultValue = "UTC")
  String zone;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  MapCommand() {}

  @Override
  public Integer call() throws IOException {
    Mapping compiled = new Mappings(tool.settings().mappings()).get(mapping);
    List<JsonNode> raw;
    try {
      raw = RawSample.read(TextFile.read(file), mapping);
      ZoneId.of(zone);
    } catch (DateTimeException e) {
      CommandLineTool.out()
          .println("--zone: \"" + zone + "\" is no time zone; write it like America/New_York");
      return 1;
    } catch (IllegalArgumentException e) {
      String said = String.valueOf(e.getMessage());
      CommandLineTool.out().println(file + (said.startsWith("line ") ? " " : ": ") + said);
      return 1;
    }
    if (!match) {
      return showAll(compiled, raw, null);
    }
    try (var store = tool.store()) {
      return showAll(compiled, raw, store);
    }
  }

  private int showAll(
      Mapping compiled, List<JsonNode> raw, @Nullable ConfigurableApplicationContext store)
      throws JsonProcessingException {
    int status = 0;
    int number = 0;
    for (JsonNode sample : raw) {
      number++;
      status = Math.max(status, show(compiled, sample, "record " + number, store));
    }
    return status;
  }

  private int show(
      Mapping compiled,
      JsonNode sample,
      String which,
      @Nullable ConfigurableApplicationContext store)
      throws JsonProcessingException {
    print("%s, as the PMS has it:%n%s", which, pretty(sample));
    try {
      MappedSample mapped = MappedSample.of(compiled, sample, ZoneId.of(zone));
      Object record = mapped.record();
      print("%s, as we keep it:%n%s", which, pretty(record));
      origins(mapped.origins());
      if (record instanceof PatientRecord patient) {
        print(
            "quality flags: %s",
            patient.qualityFlags().isEmpty()
                ? "none"
                : patient.qualityFlags().stream()
                    .map(Enum::name)
                    .collect(Collectors.joining(", ")));
        if (store != null) {
          decision(store, patient);
        }
      } else if (store != null) {
        print("--match: only patients are matched, and this is none");
        return 1;
      }
      return 0;
    } catch (MappingException | InvalidRecordException e) {
      print("%s: %s", which, e.getMessage());
      return 1;
    }
  }

  private static void origins(FieldOrigins origins) {
    print("where it comes from:");
    origins.inputs().forEach((field, inputs) -> print("  %-32s %s", field, words(inputs)));
    if (!origins.unused().isEmpty()) {
      print("not used: %s", String.join(", ", origins.unused()));
    }
  }

  private static String words(SortedSet<String> inputs) {
    return inputs.isEmpty() ? "(set by itself)" : String.join(", ", inputs);
  }

  private void decision(ConfigurableApplicationContext store, PatientRecord patient) {
    String practice = which.practice(store);
    String source = source(store, practice);
    TrialDecisions trials = store.getBean(TrialDecisions.class);
    Trial trial = trials.decide(practice, source, List.of(patient)).get(0);
    print(
        "would be: %s (%s)%s",
        trial.outcome().name().toLowerCase(Locale.ROOT),
        trial.reason(),
        trial.member() == null ? "" : ", member " + trial.member());
    if (trial.member() != null) {
      trials.explain(practice, source, patient, trial.member()).ifPresent(MapCommand::explanation);
    }
  }

  private static void explanation(Explanation why) {
    ExplainCommand.table(why.comparison());
    print("%s", why.words());
    why.whyNotCertain().forEach(reason -> print("not certain: %s", reason));
  }

  /** A new PMS has no charts yet, and then any name does. */
  private String source(ConfigurableApplicationContext store, String practice) {
    boolean known =
        !store.getBean(Charts.class).sources(store.getBean(Practices.class).id(practice)).isEmpty();
    return known ? which.source(store) : "";
  }

  private static String pretty(Object value) throws JsonProcessingException {
    return RecordJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(value);
  }

  private static void print(String format, @Nullable Object... values) {
    CommandLineTool.out().println(String.format(Locale.ROOT, format, values));
  }
}
