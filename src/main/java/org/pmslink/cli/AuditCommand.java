package org.pmslink.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.practice.Practices;
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
  private static final Pattern END =
      Pattern.compile(
          "(?:no practice|practice ([0-9]{1,9})): ([0-9]{1,18}) entries, end ([0-9a-f]{64})");

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
        "Keep what it prints elsewhere: held against it, a chain that was put back shows, too."
      })
  int verify(
      @Option(
              names = "--against",
              paramLabel = "FILE",
              description =
                  "What this command printed at some time before; every end in it must be passed.")
          @Nullable Path kept)
      throws IOException {
    List<Audit.KeptEnd> ends = kept == null ? List.of() : ends(kept);
    try (var store = tool.store()) {
      boolean whole = true;
      for (Audit.Proof proof : store.getBean(Audit.class).verify(ends)) {
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

  private static List<Audit.KeptEnd> ends(Path file) throws IOException {
    List<Audit.KeptEnd> ends = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      Matcher end = END.matcher(line);
      if (end.matches()) {
        ends.add(
            new Audit.KeptEnd(
                end.group(1) == null ? 0 : Integer.parseInt(end.group(1)),
                Long.parseLong(end.group(2)),
                end.group(3)));
      }
    }
    if (ends.isEmpty()) {
      throw new IllegalArgumentException(
          "no end of a chain is in " + file.getFileName() + "; give it what audit verify printed");
    }
    return ends;
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = {
        "Entries of a practice, newest first. Without one, what is of no one practice: who signed in,",
        "what was done with users, and which chains began."
      })
  int list(
      @Option(names = "--practice", description = "The practice.") @Nullable String practice,
      @Option(names = "--most", defaultValue = "100", description = "How many; 100 by default.")
          int most,
      @Option(names = "--by", paramLabel = "NAME", description = "Only what they did.")
          @Nullable String actor,
      @Option(
              names = "--action",
              paramLabel = "ACTION",
              description = "Only this, as the list writes it: \"saw member\".")
          @Nullable String action,
      @Option(
              names = "--about",
              paramLabel = "WHOM",
              description =
                  "Only who saw or changed this member (its number) or this chart (open-dental/123).")
          @Nullable String subject,
      @Option(
              names = "--since",
              paramLabel = "TIME",
              description = "Only then or later: 2026-11-03 or 2026-11-03T14:00:00Z.")
          @Nullable String since,
      @Option(names = "--before", paramLabel = "TIME", description = "Only before that.")
          @Nullable String before) {
    Audit.Sought sought =
        new Audit.Sought(
            actor, action, subject, WhichLetters.time(since), WhichLetters.time(before));
    try (var store = tool.store()) {
      Audit audit = store.getBean(Audit.class);
      if (practice != null && !store.getBean(Practices.class).names().contains(practice)) {
        throw new IllegalArgumentException("there is no practice " + practice);
      }
      List<Audit.Entry> entries =
          audit.entries(
              practice == null ? "" : practice, null, sought, Math.max(1, Math.min(most, 10_000)));
      String read = sought.words(entries.size());
      if (practice == null) {
        audit.noteOfNoPractice(DeadLettersCommand.actor(), "read audit", read);
      } else {
        audit.note(practice, DeadLettersCommand.actor(), "read audit", read);
      }
      for (Audit.Entry entry : entries) {
        CommandLineTool.out()
            .println(
                entry.at() + "  " + entry.actor() + "  " + entry.action() + "  " + entry.detail());
      }
      return 0;
    }
  }
}
