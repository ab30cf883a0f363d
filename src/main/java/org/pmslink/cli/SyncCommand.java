package org.pmslink.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedDesk;
import org.pmslink.feed.FeedFiles;
import org.pmslink.feed.FeedStates;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link sync}. */
@Command(
    name = "sync",
    mixinStandardHelpOptions = true,
    description = {
      "Reads a feed now and waits until everything it read is in the store, then prints what became of it.",
      "Asks the engine that runs on this data folder; when none does, it runs one for this pass."
    })
final class SyncCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec;

  @ArgGroup(exclusive = true, multiplicity = "1")
  Which which;

  @Option(
      names = "--compare",
      description = "Compare the whole PMS with the store, as it is done every night.")
  boolean compare;

  @Option(
      names = "--accept-missing",
      paramLabel = "STREAM",
      description = {
        "With --compare and one feed: says that what the last comparison missed of this stream, as status",
        "names it, is gone from the PMS indeed, so that it is removed. Audited. May be repeated."
      })
  List<String> acceptedStreams = List.of();

  @Option(
      names = "--wait",
      description = "Longest time to wait, in minutes (default: ${DEFAULT-VALUE}).",
      defaultValue = "60")
  int minutes;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  SyncCommand() {}

  static final class Which {
    @Parameters(paramLabel = "FEED", description = "Name of the feed.")
    @Nullable String feed;

    @Option(names = "--all", description = "All feeds.")
    boolean all;
  }

  @Override
  public Integer call() throws Exception {
    if (!acceptedStreams.isEmpty() && (!compare || which.feed == null)) {
      throw new ParameterException(
          spec.commandLine(), "--accept-missing needs --compare and the name of one feed");
    }
    Settings settings = tool.settings();
    if (settings.ownDatabase() && settings.engineRuns()) {
      try (var store = tool.store()) {
        return sync(
            store,
            store.getBean(FeedStates.class).all().stream().map(FeedStates.Status::feed).toList());
      }
    }
    try (var engine = tool.engine(false)) {
      return sync(engine, engine.getBean(FeedFiles.class).loaded());
    }
  }

  /** A feed that was never read, and yet has nothing left to load. */
  private static boolean isPushed(
      ConfigurableApplicationContext context, FeedStates.Status status) {
    int practice = context.getBean(Practices.class).id(status.practice());
    return status.lastPassAt() == null
        && context
            .getBean(Runs.class)
            .newest(practice, status.feed(), Runs.Kind.FIRST_LOAD)
            .filter(run -> run.phase() == Runs.Phase.DONE)
            .isPresent();
  }

  private int sync(ConfigurableApplicationContext context, List<String> known) throws Exception {
    List<String> feeds = which.feed == null ? known : List.of(which.feed);
    FeedStates states = context.getBean(FeedStates.class);
    PassWatch watch = context.getBean(PassWatch.class);
    boolean well = true;
    for (String feed : feeds) {
      if (!PassWatch.await(() -> states.find(feed).isPresent(), Duration.ofSeconds(10))) {
        CommandLineTool.out().println("There is no feed \"" + feed + "\"; known are " + known);
        return 1;
      }
      FeedStates.Status status = states.find(feed).orElseThrow();
      if (isPushed(context, status)) {
        if (which.feed != null) {
          CommandLineTool.out().println(feed + " is sent to us; there is nothing to read");
          well = false;
        }
        continue;
      }
      if (status.hold() != null) {
        CommandLineTool.out()
            .println(
                feed
                    + " is paused by "
                    + status.hold().by()
                    + " ("
                    + status.hold().why()
                    + "); resume it with: pms-link feed resume "
                    + feed);
        well = false;
        continue;
      }
      Instant asked = Instant.now();
      if (!accept(context, status)) {
        return 1;
      }
      states.askForPass(status.practice(), feed, compare);
      PassWatch.Result result =
          watch.awaitPass(feed, asked, Duration.ofMinutes(minutes), CommandLineTool.out());
      if (!result.done()) {
        CommandLineTool.out().println(result.reason());
        well = false;
      }
    }
    CommandLineTool.out().println(context.getBean(FeedTable.class).newest(null));
    return well ? 0 : 1;
  }

  /** Says what is missing, when something else was to be accepted. */
  private boolean accept(ConfigurableApplicationContext context, FeedStates.Status feed) {
    FeedDesk desk = context.getBean(FeedDesk.class);
    for (String stream : acceptedStreams) {
      if (desk.acceptMissing(feed.practice(), DeadLettersCommand.actor(), feed.feed(), stream)
          .isEmpty()) {
        CommandLineTool.out()
            .println(
                feed.feed()
                    + ": no comparison has missed much of \""
                    + stream
                    + "\"; missed are "
                    + feed.missing().stream().map(FeedStates.Missing::stream).toList());
        return false;
      }
    }
    return true;
  }
}
