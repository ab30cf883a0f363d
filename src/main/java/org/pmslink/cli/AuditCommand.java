package org.pmslink.cli;

import java.util.List;
import org.pmslink.access.Audit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link audit}. */
@Command(
    name = "audit",
    mixinStandardHelpOptions = true,
    description = "Who did and saw what; and whether the record of it is whole.")
final class AuditCommand implements Runnable {
  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  AuditCommand() {}

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Which one: verify or list? See --help.");
  }

  @Command(
      name = "verify",
      mixinStandardHelpOptions = true,
      description = {
        "Follows each practice's chain of entries and says whether one is missing or was altered.",
        "Write the printed ends down elsewhere: they also show a database that was put back."
      })
  int verify() {
    try (var store = tool.store()) {
      boolean whole = true;
      for (Audit.Proof proof : store.getBean(Audit.class).verify()) {
        CommandLineTool.out()
            .println(
                (proof.practice() == 0 ? "no practice" : "practice " + proof.practice())
                    + ": "
                    + proof.entries()
                    + " entries, end "
                    + proof.end());
        proof.broken().forEach(broken -> CommandLineTool.out().println("  BROKEN: " + broken));
        whole &= proof.broken().isEmpty();
      }
      CommandLineTool.out()
          .println(whole ? "nothing is missing or altered" : "the audit is not whole");
      return whole ? 0 : 1;
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Entries of a practice, newest first.")
  int list(
      @Option(names = "--practice", required = true, description = "The practice.") String practice,
      @Option(names = "--most", defaultValue = "100", description = "How many; 100 by default.")
          int most) {
    try (var store = tool.store()) {
      Audit audit = store.getBean(Audit.class);
      List<Audit.Entry> entries =
          audit.entries(practice, null, null, null, Math.max(1, Math.min(most, 10_000)));
      audit.note(practice, "command line", "read audit", entries.size() + " entries");
      for (Audit.Entry entry : entries) {
        CommandLineTool.out()
            .println(
                entry.at() + "  " + entry.actor() + "  " + entry.action() + "  " + entry.detail());
      }
      return 0;
    }
  }
}
