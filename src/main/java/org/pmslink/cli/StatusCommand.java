package org.pmslink.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.FeedStates;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link status}. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = {
      "Shows every feed: its state, why it is paused or refused, its last pass and its dead letters.",
      "Works beside a running engine and without one. Exit code 1 when a feed is paused or refused."
    })
final class StatusCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;

  @SuppressWarnings("NullAway.Init") // picocli fills in the parent
  StatusCommand() {}

  @Override
  public Integer call() {
    try (var store = tool.store()) {
      FeedStates states = store.getBean(FeedStates.class);
      DeadLetters letters = store.getBean(DeadLetters.class);
      Practices practices = store.getBean(Practices.class);
      if (states.all().isEmpty()) {
        CommandLineTool.out()
            .println("No feed has run yet; start the engine with \"pms-link serve\".");
        return 0;
      }
      boolean well = true;
      for (FeedStates.Status feed : states.all()) {
        well &= feed.reason() == null;
        CommandLineTool.out()
            .println(
                String.format(
                    Locale.ROOT,
                    "%-20s %-9s last pass %s, watermark %s, %d dead letters%s%s",
                    feed.feed(),
                    feed.state().toLowerCase(Locale.ROOT),
                    feed.lastPassAt() == null ? "never" : feed.lastPassAt().toString(),
                    feed.watermark() == null ? "none" : feed.watermark(),
                    letters.openCount(practices.id(feed.practice()), feed.feed()),
                    feed.callBudget() == null
                        ? ""
                        : String.format(
                            Locale.ROOT,
                            ", %,d of %,d requests this month",
                            feed.calls(),
                            feed.callBudget()),
                    feed.reason() == null
                        ? ""
                        : "\n  " + feed.reasonCategory() + ": " + feed.reason()));
      }
      CommandLineTool.out().println();
      CommandLineTool.out().println(store.getBean(FeedTable.class).newest(null));
      progress(store.getBean(FeedTable.class), store.getBean(Runs.class), states, practices);
      return well ? 0 : 1;
    }
  }

  /** How far the passes are that are under way. */
  private static void progress(FeedTable table, Runs runs, FeedStates states, Practices practices) {
    states.all().stream()
        .map(FeedStates.Status::practice)
        .distinct()
        .flatMap(practice -> runs.open(practices.id(practice)).stream())
        .map(table::progress)
        .forEach(CommandLineTool.out()::println);
  }
}
