package org.pmslink.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.pmslink.PmsLink;

/**
 * {@code pms-link serve} in a JVM of its own, on one data folder, to be killed and started again.
 * Whatever way this JVM ends short of a SIGKILL, engine and PostgreSQL end with it.
 */
final class KillableEngine implements AutoCloseable {
  private static final String READY = "pms-link is running";
  private static final Duration LONGEST_START = Duration.ofMinutes(2);

  private final Path data;
  private final Path output;
  private final List<String> settings;
  private final Thread atExit = new Thread(this::end, "end-the-engine");
  private @Nullable Process process;
  private int starts;

  /**
   * @param output everything that the engines say, one start after the other
   * @param settings arguments of the product
   */
  KillableEngine(Path data, Path output, List<String> settings) {
    this.data = data.toAbsolutePath().normalize();
    this.output = output;
    this.settings = List.copyOf(settings);
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /** Starts the process and does not wait for it. */
  void start(Map<String, String> environment) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // What matters here is a short start.
    command.addAll(List.of("-Xmx512m", "-Xshare:auto", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), PmsLink.class.getName()));
    command.add("serve");
    command.addAll(settings);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(Redirect.appendTo(output.toFile()));
    builder.environment().putAll(environment);
    starts++;
    process = builder.start();
  }

  /** Waits until the engine says that it runs. */
  void awaitRunning() {
    Process started = running();
    Awaitility.await("the engine of start " + starts)
        .atMost(LONGEST_START)
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              if (!started.isAlive()) {
                throw new IllegalStateException("The engine ended by itself:\n" + lastWords());
              }
              return said(READY) >= starts;
            });
  }

  /** Marks a start that was cut short, so that later ones are told apart from it. */
  private void noteMissingGreeting() {
    try {
      for (long said = said(READY); said < starts; said++) {
        Files.writeString(
            output, "(killed before) " + READY + "\n", java.nio.file.StandardOpenOption.APPEND);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private long said(String words) throws IOException {
    // A killed engine may leave half a line of another encoding behind.
    return new String(Files.readAllBytes(output), UTF_8)
        .lines()
        .filter(l -> l.contains(words))
        .count();
  }

  /** SIGKILL: nothing in the process gets to do anything any more. */
  void kill() throws InterruptedException {
    Process victim = running();
    if (!victim.isAlive()) {
      throw new IllegalStateException("The engine ended before it was killed:\n" + lastWords());
    }
    victim.destroyForcibly();
    if (!victim.waitFor(20, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the engine survived a SIGKILL");
    }
    noteMissingGreeting();
  }

  /** SIGTERM, as a service manager does it. */
  void stop() throws InterruptedException {
    running().destroy();
    if (!running().waitFor(60, TimeUnit.SECONDS)) {
      throw new IllegalStateException("The engine does not stop:\n" + lastWords());
    }
  }

  String lastWords() {
    try {
      List<String> lines = new String(Files.readAllBytes(output), UTF_8).lines().toList();
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
    } catch (IOException e) {
      return "(" + output + " cannot be read)";
    }
  }

  private Process running() {
    if (process == null) {
      throw new IllegalStateException("the engine was not started");
    }
    return process;
  }

  private void end() {
    if (process != null) {
      process.destroyForcibly();
      process.onExit().orTimeout(20, TimeUnit.SECONDS).exceptionally(e -> process).join();
    }
    endPostgres();
  }

  /** A killed engine leaves its PostgreSQL running. */
  private void endPostgres() {
    try {
      Path pidFile = data.resolve("postgres").resolve("postmaster.pid");
      if (!Files.exists(pidFile)) {
        return;
      }
      String pid = Files.readAllLines(pidFile).stream().findFirst().orElse("").strip();
      if (!pid.matches("\\d{1,10}")) {
        return;
      }
      ProcessHandle.of(Long.parseLong(pid))
          // The number may belong to somebody else's process by now.
          .filter(p -> p.info().commandLine().orElse("").contains(data.toString()))
          .ifPresent(
              p -> {
                p.destroy();
                p.onExit()
                    .orTimeout(20, TimeUnit.SECONDS)
                    .exceptionally(
                        e -> {
                          p.destroyForcibly();
                          return p;
                        })
                    .join();
              });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    end();
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // The JVM is on its way out, and the hook finds nothing left to end.
    }
  }
}
