package org.pmslink.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.Alerts;
import org.pmslink.feed.FeedHealth;
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
      "Shows every feed: its state, why it is paused or refused, when it was last read and last brought",
      "something new, what failed, and alerts. Works beside a running engine and without one. Exit code 1",
      "when a feed is paused, on hold or refused or an alert stands."
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
      FeedHealth health = store.getBean(FeedHealth.class);
      Alerts alerts = store.getBean(Alerts.class);
      if (states.all().isEmpty()) {
        CommandLineTool.out()
            .println("No feed has run yet; start the engine with \"pms-link serve\".");
        return 0;
      }
      boolean well = true;
      for (FeedStates.Status feed : states.all()) {
        int practice = practices.id(feed.practice());
        FeedHealth.Vitals vitals = health.of(practice, feed.feed());
        Optional<Alerts.Alert> alert = alerts.open(practice, feed.feed());
        well &= feed.reason() == null && feed.hold() == null && alert.isEmpty();
        print(
            "%-20s %-9s last read %s, last change %s, watermark %s",
            feed.feed(),
            feed.state().toLowerCase(Locale.ROOT).replace('_', ' '),
            ago(lastSign(vitals)),
            ago(vitals.lastNewAt()),
            feed.watermark() == null ? "none" : feed.watermark());
        print(
            "  last 24 h: %,d read, %,d of them dead-lettered (%.1f %%); %,d dead letters open",
            vitals.read(),
            vitals.deadLettered(),
            100.0 * vitals.deadLettered() / Math.max(1, vitals.read()),
            letters.openCount(practice, feed.feed()));
        if (feed.callBudget() != null) {
          print("  %,d of %,d requests this month", feed.calls(), feed.callBudget());
        }
        if (feed.hold() != null) {
          print(
              "  paused by %s since %s: %s",
              feed.hold().by(),
              feed.hold().since().truncatedTo(ChronoUnit.SECONDS),
              feed.hold().why());
        }
        if (feed.reason() != null) {
          print("  %s: %s", feed.reasonCategory(), feed.reason());
        }
        alert.ifPresent(
            standing ->
                print(
                    "  alert since %s, %s: %s",
                    standing.raisedAt().truncatedTo(ChronoUnit.SECONDS),
                    standing.cause(),
                    standing.message()));
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

  private static @Nullable Instant lastSign(FeedHealth.Vitals vitals) {
    return vitals.lastPassAt() == null ? vitals.lastReceivedAt() : vitals.lastPassAt();
  }

  /** A moment, with how long it is ago: that is the lag. */
  private static String ago(@Nullable Instant moment) {
    if (moment == null) {
      return "never";
    }
    Duration lag = Duration.between(moment, Instant.now());
    return moment.truncatedTo(ChronoUnit.SECONDS) + " (" + Spans.words(lag) + " ago)";
  }

  private static void print(String format, @Nullable Object... values) {
    CommandLineTool.out().println(String.format(Locale.ROOT, format, values));
  }
}
