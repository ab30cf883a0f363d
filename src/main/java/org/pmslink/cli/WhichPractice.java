package org.pmslink.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Charts;
import org.pmslink.practice.Practices;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Option;

/** The options by which a command knows a practice, and a PMS of it. */
final class WhichPractice {
  @Option(
      names = "--practice",
      paramLabel = "NAME",
      description = "The practice; may be left out where there is only one.")
  @Nullable String practice;

  @Option(
      names = "--source",
      paramLabel = "NAME",
      description = "The PMS; may be left out where the practice has only one.")
  @Nullable String source;

  /**
   * The practice that is meant.
   *
   * @throws IllegalArgumentException when there is none, or more than one
   */
  String practice(ConfigurableApplicationContext store) {
    return one("practice", practice, store.getBean(Practices.class).names());
  }

  /**
   * The PMS that is meant.
   *
   * @throws IllegalArgumentException when there is none, or more than one
   */
  String source(ConfigurableApplicationContext store) {
    int id = store.getBean(Practices.class).id(practice(store));
    return one("source", source, store.getBean(Charts.class).sources(id));
  }

  private static String one(String what, @Nullable String wanted, List<String> known) {
    if (wanted != null && known.contains(wanted)) {
      return wanted;
    }
    if (wanted == null && known.size() == 1) {
      return known.get(0);
    }
    throw new IllegalArgumentException(
        known.isEmpty()
            ? "there is no " + what + " yet; the engine has read no chart"
            : wanted == null
                ? "say which " + what + " with --" + what + ": " + String.join(", ", known)
                : "there is no "
                    + what
                    + " \""
                    + wanted
                    + "\"; known are "
                    + String.join(", ", known));
  }
}
