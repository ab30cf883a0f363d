package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.pmslink.matching.Level.Field;
import org.yaml.snakeyaml.Yaml;

/** What an editor accepts of {@code matching.yaml} is what the program accepts. */
class MatchingSchemaTest {
  private static final Path RULES = Path.of("mappings", "matching.yaml");
  private static final JsonNode SCHEMA_FILE = schemaFile();
  private static final JsonSchema SCHEMA =
      JsonSchemaFactory.getInstance(VersionFlag.V202012).getSchema(SCHEMA_FILE);

  private static JsonNode schemaFile() {
    try {
      return new ObjectMapper().readTree(Path.of("docs", "matching.schema.json").toFile());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JsonNode shipped() {
    try {
      Object rules = new Yaml().load(Files.readString(RULES));
      return new ObjectMapper().valueToTree(rules);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** JSON is YAML, so the program reads it as it reads the file. */
  private static MatchingRules read(JsonNode rules) {
    return MatchingRules.parse("rules", rules.toString());
  }

  @Test
  void theShippedFileIsValidAndNamesTheSchema() throws IOException {
    assertThat(SCHEMA.validate(shipped())).isEmpty();
    String first = Files.readAllLines(RULES).get(0);
    assertThat(first).startsWith("# yaml-language-server: $schema=");
    Path named = RULES.resolveSibling(first.substring(first.indexOf('=') + 1)).normalize();
    assertThat(named).isEqualTo(Path.of("docs", "matching.schema.json"));
  }

  @Test
  void fieldsAndLevelsAreThoseOfTheProgram() {
    JsonNode fields = definition("/fields");
    assertThat(names(fields.path("properties")))
        .isEqualTo(labels(Arrays.stream(Field.values()).map(field -> field.label)));
    for (Field field : Field.values()) {
      assertThat(names(definition("/fields/" + field.label).path("properties")))
          .isEqualTo(
              labels(
                  Arrays.stream(Level.values())
                      .filter(level -> level.field == field)
                      .map(level -> level.label)));
    }
  }

  private static Set<String> labels(Stream<String> labels) {
    return labels.collect(Collectors.toCollection(TreeSet::new));
  }

  /** Every place of the file where there are names and values. */
  static Stream<String> places() {
    return places("", shipped());
  }

  private static Stream<String> places(String at, JsonNode node) {
    return node.isObject()
        ? Stream.concat(
            Stream.of(at), names(node).stream().flatMap(n -> places(at + "/" + n, node.path(n))))
        : Stream.empty();
  }

  @ParameterizedTest
  @MethodSource("places")
  void bothDemandAndRefuseTheSameNames(String place) {
    JsonNode definition = definition(place);
    Set<String> required = new TreeSet<>();
    definition.path("required").forEach(name -> required.add(name.asText()));
    Set<String> present = names(shipped().at(place));
    Set<String> known = names(definition.path("properties"));

    assertThat(known).containsAll(present);
    assertThat(present).containsAll(required);
    for (String name : present) {
      JsonNode without = shipped();
      ((ObjectNode) without.at(place)).remove(name);
      assertThat(SCHEMA.validate(without).isEmpty()).as(name).isEqualTo(!required.contains(name));
      if (required.contains(name)) {
        assertThatThrownBy(() -> read(without)).hasMessageContaining("missing: " + name);
      } else {
        read(without);
      }
    }
    JsonNode more = shipped();
    ((ObjectNode) more.at(place)).put("surprise", 1);
    assertThat(SCHEMA.validate(more)).isNotEmpty();
    assertThatThrownBy(() -> read(more)).hasMessageContaining("unknown: surprise");
  }

  @ParameterizedTest
  @MethodSource("places")
  void everythingIsDescribed(String place) {
    for (JsonNode property : definition(place).path("properties")) {
      assertThat(property.path("description").asText()).as(property.toString()).isNotBlank();
    }
  }

  @Test
  void figuresOutOfRangeAreRefusedByBoth() {
    for (String place : new String[] {"/fields/sex/equal/u", "/household/cap", "/margin"}) {
      for (double figure : new double[] {0, -1, 1e10}) {
        JsonNode wrong = shipped();
        int end = place.lastIndexOf('/');
        ((ObjectNode) wrong.at(place.substring(0, end))).put(place.substring(end + 1), figure);
        assertThat(SCHEMA.validate(wrong)).as(place + figure).isNotEmpty();
        assertThatThrownBy(() -> read(wrong)).isInstanceOf(InvalidRulesException.class);
      }
    }
  }

  private static JsonNode definition(String place) {
    JsonNode at = SCHEMA_FILE;
    for (String name : place.isEmpty() ? new String[0] : place.substring(1).split("/", -1)) {
      at = at.path("properties").path(name);
      if (at.has("$ref")) {
        at = SCHEMA_FILE.at(at.path("$ref").asText().substring(1));
      }
    }
    return at;
  }

  private static Set<String> names(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
