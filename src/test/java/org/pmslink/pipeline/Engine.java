package org.pmslink.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.PmsLink;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.FileSystemUtils;

/**
 * The product as it is shipped, on folders of its own: the repository's routes without its feeds,
 * its mappings, an embedded PostgreSQL and an embedded Artemis. It looks for work more often than
 * the product does; nothing else differs.
 */
final class Engine implements AutoCloseable {
  private final Path folder;
  private final List<String> settings = new ArrayList<>();
  private WebApplicationType web = WebApplicationType.NONE;
  private @Nullable ConfigurableApplicationContext context;

  /**
   * @param folder for everything the engine reads and keeps
   * @param settings as on the command line; they come after, and win over, the harness's own
   */
  Engine(Path folder, String... settings) throws IOException {
    this.folder = folder;
    FileSystemUtils.copyRecursively(Path.of("routes"), routes());
    FileSystemUtils.deleteRecursively(feeds());
    Files.createDirectories(feeds());
    FileSystemUtils.copyRecursively(Path.of("mappings"), mappings());
    try (Stream<Path> templates = Files.list(routes().resolve("templates"))) {
      for (Path template : templates.toList()) {
        if (Files.readString(template).contains("period: 1000")) {
          rewrite(template, "period: 1000", "period: 100");
        }
      }
    }
    this.settings.addAll(folders());
    this.settings.addAll(
        List.of(
            // The tests' own provider of OpenID Connect lies beside the engine's classes.
            "--spring.autoconfigure.exclude=org.springframework.boot.autoconfigure.security.oauth2"
                + ".server.servlet.OAuth2AuthorizationServerJwtAutoConfiguration",
            "--pmslink.feeds.period=100",
            "--pmslink.sweep.period=100",
            "--pmslink.merges.period=100",
            "--pmslink.duplicates.period=100",
            "--pmslink.events.period=100",
            "--pmslink.replay.period=100"));
    this.settings.addAll(Arrays.asList(settings));
  }

  /** Where everything is, as arguments of a command. */
  List<String> folders() {
    return List.of(
        "--pmslink.data-folder=" + data(),
        "--pmslink.programs-folder=" + Path.of("target", "postgres-programs"),
        "--pmslink.routes-folder=" + routes(),
        "--pmslink.mappings-folder=" + mappings(),
        "--pmslink.drivers-folder=" + drivers());
  }

  Path data() {
    return folder.resolve("data");
  }

  Path routes() {
    return folder.resolve("routes");
  }

  Path feeds() {
    return routes().resolve("feeds");
  }

  Path mappings() {
    return folder.resolve("mappings");
  }

  Path drivers() {
    return folder.resolve("drivers");
  }

  /** With its HTTP server, on any port that is free. */
  Engine withWeb() {
    web = WebApplicationType.SERVLET;
    settings.addAll(List.of("--server.port=0", "--management.server.port=0"));
    return this;
  }

  /** With its HTTP server, where it can be asked for before it has started. */
  Engine withWeb(int port) {
    web = WebApplicationType.SERVLET;
    settings.addAll(List.of("--server.port=" + port, "--management.server.port=0"));
    return this;
  }

  Engine start() {
    context =
        new SpringApplicationBuilder(PmsLink.class).web(web).run(settings.toArray(String[]::new));
    return this;
  }

  /** Where the HTTP server listens. */
  String url() {
    return "http://127.0.0.1:"
        + Objects.requireNonNull(context, "the engine does not run")
            .getEnvironment()
            .getRequiredProperty("local.server.port");
  }

  /** As an operator stops it; the data stay. */
  void stop() {
    if (context != null) {
      context.close();
      context = null;
    }
  }

  boolean runs() {
    return context != null;
  }

  <T> T bean(Class<T> type) {
    return Objects.requireNonNull(context, "the engine does not run").getBean(type);
  }

  /** The membership store. */
  JdbcTemplate store() {
    return bean(JdbcTemplate.class);
  }

  @Override
  public void close() {
    stop();
  }

  /** Edits a file as a person would; the text must be there. */
  static void rewrite(Path file, String before, String after) {
    try {
      String text = Files.readString(file, StandardCharsets.UTF_8);
      if (!text.contains(before)) {
        throw new IllegalArgumentException(file.getFileName() + " does not hold: " + before);
      }
      Files.writeString(file, text.replace(before, after), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
