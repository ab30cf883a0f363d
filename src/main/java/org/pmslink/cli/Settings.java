package org.pmslink.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.pmslink.embedded.DataFolder;
import org.pmslink.feed.Placeholders;
import org.springframework.boot.DefaultApplicationArguments;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.Environment;
import org.springframework.core.env.SimpleCommandLinePropertySource;
import org.springframework.core.env.StandardEnvironment;

/** The settings that a command needs which starts nothing. */
record Settings(
    Path routes, Path mappings, Path data, boolean ownDatabase, Environment environment) {

  static Settings read(String[] args) {
    ConfigurableEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .addFirst(
            new SimpleCommandLinePropertySource(
                new DefaultApplicationArguments(args).getSourceArgs()));
    ConfigDataEnvironmentPostProcessor.applyTo(environment);
    return new Settings(
        Path.of(value(environment, "pmslink.routes-folder")),
        Path.of(value(environment, "pmslink.mappings-folder")),
        Path.of(value(environment, "pmslink.data-folder")),
        value(environment, "pmslink.database.url").isBlank(),
        environment);
  }

  /** Whether an engine has this data folder; one without anything embedded has none. */
  boolean engineRuns() {
    if (!Files.isDirectory(data)) {
      // Looking for one must not make the folder.
      return false;
    }
    try (DataFolder free = DataFolder.own(data)) {
      return free == null;
    } catch (IllegalStateException e) {
      return true;
    }
  }

  /**
   * Fills in the placeholders of a feed file's parameter, as the engine does it.
   *
   * @throws IllegalArgumentException when something is not set
   */
  String filledIn(String parameter) {
    return Placeholders.filledIn(environment, parameter);
  }

  /** Where the feed files are. */
  Path feeds() {
    return routes.resolve("feeds");
  }

  private static String value(ConfigurableEnvironment environment, String name) {
    return Objects.requireNonNull(environment.getProperty(name), name);
  }
}
