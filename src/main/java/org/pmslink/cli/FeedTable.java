package org.pmslink.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.pmslink.feed.FeedStates;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.progress.Runs.Phase;
import org.pmslink.progress.Runs.Run;
import org.pmslink.progress.Runs.Totals;
import org.springframework.stereotype.Component;

/** One line for each feed: what a pass has read and what became of it. */
@Component
public class FeedTable {
  private static final String HEAD =
      String.format(
          Locale.ROOT,
          "%-20s %-11s %9s %10s %8s %10s %9s %14s %8s %10s",
          "feed",
          "pass",
          "read",
          "unchanged",
          "linked",
          "to review",
          "unlinked",
          "dead-lettered",
          "seconds",
          "records/s");

  private final FeedStates states;
  private final Runs runs;
  private final Practices practices;

  FeedTable(FeedStates states, Runs runs, Practices practices) {
    this.states = states;
    this.runs = runs;
    this.practices = practices;
  }

  /** The newest pass of every feed, as a table. */
  public String newest(Runs.@org.jspecify.annotations.Nullable Kind kind) {
    StringBuilder table = new StringBuilder(HEAD);
    for (FeedStates.Status feed : states.all()) {
      table.append('\n');
      Optional<Run> run = runs.newest(practices.id(feed.practice()), feed.feed(), kind);
      table.append(
          run.map(this::line)
              .orElseGet(
                  () ->
                      String.format(
                          Locale.ROOT,
                          "%-20s %s",
                          feed.feed(),
                          feed.reason() == null ? "nothing read yet" : feed.reason())));
    }
    return table.toString();
  }

  /** How far a pass is, in a line that can be printed over. */
  public String progress(Run run) {
    Totals totals = runs.totals(run.practiceId(), run.id());
    return String.format(
        Locale.ROOT,
        "%s: %s, %,d read, %,d in the store, %,d decided",
        run.feed(),
        switch (run.phase()) {
          case READING -> run.readAt() == null ? "reading" : "storing";
          case DECIDING -> "matching";
          case DONE -> "done";
        },
        run.records(),
        totals.read(),
        totals.linked() + totals.toReview() + totals.unlinked());
  }

  private String line(Run run) {
    Totals totals = runs.totals(run.practiceId(), run.id());
    Instant end =
        run.phase() == Phase.DONE && run.finishedAt() != null ? run.finishedAt() : Instant.now();
    double seconds = Duration.between(run.startedAt(), end).toMillis() / 1000.0;
    return String.format(
        Locale.ROOT,
        "%-20s %-11s %,9d %,10d %,8d %,10d %,9d %,14d %8.1f %,10.0f",
        run.feed(),
        run.kind().name().toLowerCase(Locale.ROOT).replace('_', ' '),
        totals.read(),
        totals.unchanged(),
        totals.linked(),
        totals.toReview(),
        totals.unlinked(),
        totals.deadLettered(),
        seconds,
        totals.read() / Math.max(seconds, 0.001));
  }
}
