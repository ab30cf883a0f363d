package org.pmslink.pipeline;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.pmslink.PmsLink;
import org.pmslink.cli.CommandLineTool;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;

/**
 * Commands as somebody types them beside a running engine: what they print, and their exit code.
 */
record Shell(int status, String output) {

  /** Runs a command on the engine's folders. */
  static Shell run(Engine engine, String... words) {
    return withSettings(engine.folders(), words);
  }

  /** A command logs little, and in this one JVM the engine would, too, from then on. */
  private static void logAsTheEngineDoes() {
    LoggingSystem logging = LoggingSystem.get(Shell.class.getClassLoader());
    logging.setLogLevel(LoggingSystem.ROOT_LOGGER_NAME, LogLevel.WARN);
    logging.setLogLevel("org.pmslink", LogLevel.INFO);
    for (String quiet :
        List.of(
            "com.zaxxer.hikari", "org.mariadb", "org.apache.camel", "org.springframework.jdbc")) {
      logging.setLogLevel(quiet, null);
    }
  }

  /** Runs a command anywhere. */
  static Shell withSettings(List<String> settings, String... words) {
    List<String> args = new ArrayList<>(Arrays.asList(words));
    args.addAll(settings);
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (PrintStream both = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(both);
      System.setErr(both);
      int status = CommandLineTool.run(PmsLink.class, args.toArray(String[]::new));
      return new Shell(status, printed.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
      logAsTheEngineDoes();
    }
  }
}
