package org.pmslink.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.pmslink.feed.FeedStates;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.stereotype.Component;

/** Waits for passes to be done, and says how far they are meanwhile. */
@Component
public class PassWatch {
  private static final Duration LOOK = Duration.ofMillis(500);

  private final FeedStates states;
  private final Runs runs;
  private final Practices practices;
  private final FeedTable table;

  PassWatch(FeedStates states, Runs runs, Practices practices, FeedTable table) {
    this.states = states;
    this.runs = runs;
    this.practices = practices;
    this.table = table;
  }

  /** How a wait ended: well, or why not. */
  public record Result(boolean done, String reason) {}

  /**
   * Waits until a feed has completed a pass that began after a moment, and every record of it is in
   * the store and decided.
   *
   * @param out gets a line of progress now and then
   */
  public Result awaitPass(String feed, Instant after, Duration longest, PrintStream out)
      throws InterruptedException {
    Instant deadline = Instant.now().plus(longest);
    CountDownLatch never = new CountDownLatch(1);
    String shown = "";
    while (Instant.now().isBefore(deadline)) {
      Optional<FeedStates.Status> status = states.find(feed);
      if (status.isPresent()) {
        FeedStates.Status now = status.get();
        if (now.state().equals("REFUSED")) {
          return new Result(false, feed + " is refused: " + now.reason());
        }
        if (now.state().equals("PAUSED") && now.nextAttemptAt() != null) {
          return new Result(false, feed + " is paused: " + now.reason());
        }
        if (now.hold() != null) {
          return new Result(
              false, feed + " is paused by " + now.hold().by() + ": " + now.hold().why());
        }
        List<Runs.Run> open =
            runs.open(practices.id(now.practice())).stream()
                .filter(r -> r.feed().equals(feed))
                .toList();
        if (now.lastPassAt() != null
            && !now.lastPassAt().isBefore(after)
            && !now.loading()
            && open.isEmpty()) {
          return new Result(true, "");
        }
        String progress = open.isEmpty() ? "" : table.progress(open.get(0));
        if (!progress.equals(shown) && !progress.isEmpty()) {
          out.println(progress);
          shown = progress;
        }
      }
      never.await(LOOK.toMillis(), TimeUnit.MILLISECONDS);
    }
    return new Result(false, feed + " was not done after " + longest.toSeconds() + " s");
  }

  /** Waits for something, looking twice a second. */
  public static boolean await(BooleanSupplier condition, Duration longest)
      throws InterruptedException {
    Instant deadline = Instant.now().plus(longest);
    CountDownLatch never = new CountDownLatch(1);
    while (!condition.getAsBoolean()) {
      if (Instant.now().isAfter(deadline)) {
        return false;
      }
      never.await(LOOK.toMillis(), TimeUnit.MILLISECONDS);
    }
    return true;
  }
}
