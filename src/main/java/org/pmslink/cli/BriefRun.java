package org.pmslink.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * A command that ends within seconds. HotSpot's optimising compiler (C2) then takes as much of the
 * processors as the work itself, for code that is hardly run any more: the quick compiler (C1)
 * alone is done in two thirds of the time. A longer run pays the optimising compiler back.
 */
final class BriefRun {
  /**
   * Bytes of input that are decided about before C2 has paid for itself: about 200,000 patients and
   * 50,000 members.
   */
  private static final long MOST_BYTES = 32L << 20;

  private static final String ALL_METHODS = "*.*";

  private BriefRun() {}

  /** Whether a command that matches these files will be over soon. */
  static boolean of(Path... files) {
    long bytes = 0;
    for (Path file : files) {
      try {
        bytes += Files.size(file);
      } catch (IOException e) {
        // Whoever reads it says what is wrong with it.
        return true;
      }
    }
    return bytes <= MOST_BYTES;
  }

  /**
   * Keeps this JVM's C2 from compiling anything from now on, by HotSpot's Compiler Control (JEP
   * 165): what {@code jcmd PID Compiler.directives_add} does to another process. To be called by a
   * command that has the process to itself.
   */
  static void withoutOptimisingCompiler() {
    exclude(ALL_METHODS);
  }

  /**
   * Excludes methods from C2.
   *
   * @param methods a pattern of class and method, with slashes in the class's name
   * @return whether this JVM can do so; one that cannot is only slower
   */
  static boolean exclude(String methods) {
    Path directives = null;
    try {
      directives = Files.createTempFile("pms-link-", ".json");
      Files.writeString(directives, "[{match: \"" + methods + "\", c2: {Exclude: true}}]");
      Object said =
          ManagementFactory.getPlatformMBeanServer()
              .invoke(
                  new ObjectName("com.sun.management:type=DiagnosticCommand"),
                  "compilerDirectivesAdd",
                  new Object[] {new String[] {"\"" + directives + "\""}},
                  new String[] {String[].class.getName()});
      return String.valueOf(said).contains("1 compiler directives added");
    } catch (IOException | JMException | RuntimeException e) {
      return false;
    } finally {
      if (directives != null) {
        directives.toFile().delete();
      }
    }
  }
}
