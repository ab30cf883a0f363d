package org.pmslink.cli;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.DryRun;
import org.pmslink.linking.TrialDecisions.Outcome;

/** {@code feed dry-run}: what a feed would bring, as a command prints it. */
final class FeedTrial {
  private FeedTrial() {}

  static void print(String feed, DryRun.Report report) {
    for (DryRun.StreamCount stream : report.streams()) {
      print(
          "%s: %,d %s read; nothing was delivered, and no cursor has moved",
          feed, stream.read(), stream.stream());
      print("%,9d would be kept", stream.kept());
      print("%,9d would be dead letters", stream.read() - stream.kept());
      for (DryRun.Failing failing : report.failing()) {
        if (failing.stream().equals(stream.stream())) {
          print(
              "%,9d   %s (%s%s)",
              failing.count(),
              failing.reason(),
              String.join(", ", failing.ids()),
              failing.count() > failing.ids().size() ? ", ..." : "");
        }
      }
    }
    report.flags().forEach((flag, count) -> print("%,9d have the quality flag %s", count, flag));
    if (!report.known()) {
      print("The store has no practice \"%s\" yet, so nobody could be linked.", report.practice());
      return;
    }
    for (Outcome outcome : Outcome.values()) {
      print(
          "%,9d would be %s",
          report.count(outcome),
          outcome == Outcome.REVIEW ? "in review" : outcome.name().toLowerCase(Locale.ROOT));
      for (DryRun.Ending ending : report.endings()) {
        if (ending.outcome() == outcome) {
          print("%,9d   %s", ending.count(), ending.reason());
        }
      }
    }
  }

  private static void print(String format, @Nullable Object... values) {
    CommandLineTool.out().println(String.format(Locale.ROOT, format, values));
  }
}
