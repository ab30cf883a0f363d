package org.pmslink;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** Routes wire: they have names, and hold no rule, no SQL, no script and no error handling. */
class RouteFilesTest {
  private static final Path ROUTES = Path.of("routes");
  private static final Path ERROR_HANDLING = ROUTES.resolve("error-handling.camel.yaml");

  private static final Pattern SQL =
      Pattern.compile(
          "(?i)\\bselect\\b.+\\bfrom\\b|\\binsert\\s+into\\b|\\bupdate\\s+\\w+\\s+set\\b"
              + "|\\bdelete\\s+from\\b");

  /** Steps that are known by their id in logs, metrics and tests. */
  private static final Set<String> NAMED_STEPS =
      Set.of("from", "to", "bean", "wireTap", "enrich", "pollEnrich");

  private static final Set<String> FORBIDDEN_STEPS =
      Set.of("log", "script", "toD", "groovy", "spel", "mvel", "ognl", "python", "js");

  static Stream<Path> routeFiles() throws IOException {
    try (Stream<Path> files = Files.walk(ROUTES)) {
      return files.filter(f -> f.toString().endsWith(".camel.yaml")).sorted().toList().stream();
    }
  }

  static Stream<Path> feedFiles() throws IOException {
    return routeFiles().filter(f -> f.startsWith(ROUTES.resolve("feeds")));
  }

  private static List<Map<?, ?>> entries(Path file) throws IOException {
    try (Reader reader = Files.newBufferedReader(file)) {
      List<Map<?, ?>> entries = new ArrayList<>();
      for (Object entry :
          (List<?>) new Yaml(new SafeConstructor(new LoaderOptions())).load(reader)) {
        entries.add((Map<?, ?>) entry);
      }
      return entries;
    }
  }

  /** Every key of a file with its value, at any depth. */
  private static void walk(@Nullable Object node, BiConsumer<String, @Nullable Object> visitor) {
    if (node instanceof Map<?, ?> map) {
      map.forEach(
          (key, value) -> {
            visitor.accept(String.valueOf(key), value);
            walk(value, visitor);
          });
    } else if (node instanceof List<?> list) {
      list.forEach(item -> walk(item, visitor));
    }
  }

  private static @Nullable Object field(@Nullable Object node, String name) {
    return node instanceof Map<?, ?> map ? map.get(name) : null;
  }

  @ParameterizedTest
  @MethodSource("routeFiles")
  void everyRouteHasAnIdAndADescription(Path file) throws IOException {
    for (Map<?, ?> entry : entries(file)) {
      Object route = entry.get("route");
      Object template = entry.get("routeTemplate");
      if (route != null) {
        assertThat(field(route, "id")).as("id").isNotNull();
        assertThat(field(route, "description")).as("description").isNotNull();
      } else if (template != null) {
        assertThat(field(template, "id")).as("id").isNotNull();
        assertThat(field(template, "description")).as("description").isNotNull();
        assertThat(field(field(template, "route"), "description")).as("description").isNotNull();
      } else {
        assertThat(entry.keySet().toString()).isIn("[routeConfiguration]", "[templatedRoute]");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("routeFiles")
  void everyStepThatCallsSomethingHasAnIdOfItsOwn(Path file) throws IOException {
    Set<String> ids = new HashSet<>();
    walk(
        entries(file),
        (key, value) -> {
          if (NAMED_STEPS.contains(key) && value instanceof Map<?, ?> step) {
            assertThat(step.get("id"))
                .as(key + " " + step.get("uri") + step.get("ref"))
                .isNotNull();
            assertThat(ids.add(String.valueOf(step.get("id")))).as("twice: %s", step).isTrue();
          } else {
            assertThat(NAMED_STEPS).as("a step in short form has no id").doesNotContain(key);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("routeFiles")
  void everyTemplateParameterIsDescribed(Path file) throws IOException {
    for (Map<?, ?> entry : entries(file)) {
      if (field(entry.get("routeTemplate"), "parameters") instanceof List<?> parameters) {
        for (Object parameter : parameters) {
          assertThat(field(parameter, "description")).as("%s", parameter).isNotNull();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("routeFiles")
  void errorHandlingIsInOnePlace(Path file) throws IOException {
    Set<String> handling = Set.of("onException", "errorHandler", "doTry", "deadLetterChannel");
    walk(
        entries(file),
        (key, value) -> {
          if (!file.equals(ERROR_HANDLING)) {
            assertThat(handling).doesNotContain(key);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("routeFiles")
  void everyRouteNamesAnErrorHandlingThatExists(Path file) throws IOException {
    Set<Object> known = new HashSet<>();
    for (Map<?, ?> entry : entries(ERROR_HANDLING)) {
      known.add(field(entry.get("routeConfiguration"), "id"));
    }
    for (Map<?, ?> entry : entries(file)) {
      Object route =
          entry.containsKey("route")
              ? entry.get("route")
              : field(entry.get("routeTemplate"), "route");
      if (route != null) {
        assertThat(known).contains(field(route, "routeConfigurationId"));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("routeFiles")
  void noRouteHoldsSqlScriptsOrLogs(Path file) throws IOException {
    walk(
        entries(file),
        (key, value) -> {
          assertThat(FORBIDDEN_STEPS).doesNotContain(key);
          if (value instanceof String text && !key.equals("description")) {
            assertThat(SQL.matcher(text).find()).as(text).isFalse();
            assertThat(text).doesNotStartWith("log:");
          }
          if (key.equals("uri") && String.valueOf(value).startsWith("sql:")) {
            assertThat(value).as("the feed says what to read").isEqualTo("sql:page");
          }
        });
  }

  @ParameterizedTest
  @MethodSource("feedFiles")
  void feedIsOneTemplatedRouteNamedAfterItsFile(Path file) throws IOException {
    List<Map<?, ?>> entries = entries(file);

    assertThat(entries).hasSize(1);
    assertThat(entries.get(0).keySet().toString()).isEqualTo("[templatedRoute]");
    Object route = entries.get(0).get("templatedRoute");
    assertThat(field(route, "routeId") + ".camel.yaml").isEqualTo(file.getFileName().toString());
    assertThat(
            ROUTES.resolve("templates").resolve(field(route, "routeTemplateRef") + ".camel.yaml"))
        .exists();
  }

  @ParameterizedTest
  @MethodSource("feedFiles")
  void feedFileHoldsNoPassword(Path file) throws IOException {
    Object parameters = field(entries(file).get(0).get("templatedRoute"), "parameters");
    for (Object parameter : (List<?>) java.util.Objects.requireNonNull(parameters)) {
      if ("password".equals(field(parameter, "name"))) {
        assertThat(String.valueOf(field(parameter, "value"))).matches("\\{\\{.*}}");
      }
    }
  }
}
