package org.pmslink.mapping;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.pmslink.patient.RecordJson;

/**
 * The examples of one mapping: {@code examples/patient-01-married-name.in.json} is what the PMS
 * writes, {@code .out.json} beside it what {@code patient.jslt} must make of it.
 */
public final class MappingExamples {
  /** 5 is 5 however it is stored: JSON knows no kinds of numbers. */
  private static final Comparator<JsonNode> BY_VALUE =
      (a, b) ->
          a.isNumber() && b.isNumber()
              ? a.decimalValue().compareTo(b.decimalValue())
              : a.equals(b) ? 0 : 1;

  private final List<Path> inputs;

  private MappingExamples(List<Path> inputs) {
    this.inputs = inputs;
  }

  /**
   * An example that does not come out as it should.
   *
   * @param example the input's file name
   * @param reason what differs, naming fields
   */
  public record Failure(String example, String reason) {}

  /**
   * Finds the examples of a mapping.
   *
   * @param path for example {@code open-dental/patient.jslt}
   */
  public static MappingExamples of(Path folder, String path) {
    Path file = folder.resolve(path);
    String kind = file.getFileName().toString().replaceFirst("\\.jslt$", "");
    // The number tells visit-01 from visit-procedures-01, an example of another mapping.
    Pattern name = Pattern.compile(Pattern.quote(kind) + "-\\d.*\\.in\\.json");
    Path examples = file.resolveSibling("examples");
    if (!Files.isDirectory(examples)) {
      return new MappingExamples(List.of());
    }
    try (Stream<Path> files = Files.list(examples)) {
      return new MappingExamples(
          files.filter(f -> name.matcher(f.getFileName().toString()).matches()).sorted().toList());
    } catch (IOException e) {
      throw new MappingException(examples.getFileName() + ": the examples cannot be listed");
    }
  }

  /** How many there are. */
  public int count() {
    return inputs.size();
  }

  /** Runs all and returns those that fail; empty when all pass. */
  public List<Failure> failures(Mapping mapping) {
    List<Failure> failures = new ArrayList<>();
    for (Path input : inputs) {
      String name = input.getFileName().toString();
      try {
        JsonNode expected = read(input.resolveSibling(name.replace(".in.json", ".out.json")));
        JsonNode raw = read(input);
        mapping.source(raw); // refuses a field that no record has
        JsonNode actual = mapping.apply(raw);
        List<String> differing = differing(expected, actual);
        if (!differing.isEmpty()) {
          failures.add(new Failure(name, "differs in " + String.join(", ", differing)));
        }
      } catch (MappingException e) {
        failures.add(new Failure(name, String.valueOf(e.getMessage())));
      }
    }
    return failures;
  }

  private static JsonNode read(Path file) {
    try {
      return RecordJson.mapper().readTree(Files.readString(file));
    } catch (IOException e) {
      throw new MappingException(file.getFileName() + ": cannot be read as JSON");
    }
  }

  private static List<String> differing(JsonNode expected, JsonNode actual) {
    List<String> fields = new ArrayList<>();
    java.util.TreeSet<String> names = new java.util.TreeSet<>();
    expected.fieldNames().forEachRemaining(names::add);
    actual.fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      if (!expected.path(name).equals(BY_VALUE, actual.path(name))) {
        fields.add(name);
      }
    }
    if (fields.isEmpty() && !expected.equals(BY_VALUE, actual)) {
      fields.add("the whole");
    }
    return fields;
  }
}
