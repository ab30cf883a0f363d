package org.pmslink.cli;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.membership.Duplicates;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link duplicates}. */
@Command(
    name = "duplicates",
    mixinStandardHelpOptions = true,
    description = {
      "Lists charts that are probably one person, and members that are, most certain first; ids only.",
      "With --not-same, keeps that a person has told the two of a finding apart: it never opens again."
    })
final class DuplicatesCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;
  @Mixin WhichPractice which;

  @Option(
      names = "--limit",
      description = "How many to list (default: ${DEFAULT-VALUE}).",
      defaultValue = "100")
  int limit;

  @Option(names = "--not-same", paramLabel = "ID", description = "Number of the finding.")
  @Nullable Long notSame;

  @Option(names = "--by", paramLabel = "NAME", description = "Who has decided.")
  @Nullable String actor;

  @Option(names = "--reason", paramLabel = "TEXT", description = "Why.")
  @Nullable String reason;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  DuplicatesCommand() {}

  @Override
  public Integer call() {
    try (var store = tool.store()) {
      Duplicates duplicates = store.getBean(Duplicates.class);
      String practice = which.practice(store);
      if (notSame != null) {
        if (actor == null || actor.isBlank() || reason == null || reason.isBlank()) {
          throw new IllegalArgumentException("--not-same needs --by and --reason");
        }
        boolean there = tellApart(store, practice, notSame, actor.strip(), reason.strip());
        CommandLineTool.out()
            .println(
                there
                    ? "finding " + notSame + " is closed: two people"
                    : "there is no open finding " + notSame);
        return there ? 0 : 1;
      }
      List<Duplicates.Finding> open = duplicates.open(practice, limit);
      store
          .getBean(Audit.class)
          .note(
              practice,
              DeadLettersCommand.actor(),
              "listed duplicates",
              Audit.about(open.size() + " findings", Duplicates.Pair.names(open)));
      for (Duplicates.Finding finding : open) {
        CommandLineTool.out()
            .println(
                String.format(
                    Locale.ROOT,
                    "%-6d %-7s %-9s %8.2f  %s  %s",
                    finding.id(),
                    finding.kind().name().toLowerCase(Locale.ROOT),
                    finding.grade().toLowerCase(Locale.ROOT),
                    finding.score(),
                    finding.one(),
                    finding.other()));
      }
      CommandLineTool.out().println(open.size() + " findings");
      return 0;
    }
  }

  /** Both or neither: nothing is decided by a person that the audit does not know. */
  private static boolean tellApart(
      ConfigurableApplicationContext store,
      String practice,
      long finding,
      String actor,
      String reason) {
    return Boolean.TRUE.equals(
        new TransactionTemplate(store.getBean(PlatformTransactionManager.class))
            .execute(
                transaction -> {
                  boolean there =
                      store.getBean(Duplicates.class).tellApart(practice, finding, actor, reason);
                  if (there) {
                    store
                        .getBean(Audit.class)
                        .note(
                            practice,
                            DeadLettersCommand.actor(),
                            "told duplicates apart",
                            "finding " + finding + " by " + actor);
                  }
                  return there;
                }));
  }
}
