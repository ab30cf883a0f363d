package org.pmslink.cli;

import java.io.IOException;
import java.time.Duration;
import org.pmslink.feed.DryRun;
import org.pmslink.feed.FeedChanges;
import org.pmslink.feed.FeedDesk;
import org.pmslink.feed.FeedException;
import org.pmslink.feed.FeedFiles;
import org.pmslink.feed.FeedStates;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link feed}. */
@Command(
    name = "feed",
    mixinStandardHelpOptions = true,
    description =
        "Feeds, one by one: writes the files of a new one, tries it, takes it up in the engine, pauses it.")
final class FeedCommand implements Runnable {
  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  FeedCommand() {}

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Do what: new, dry-run, apply, pause or resume? See --help.");
  }

  @Command(
      name = "new",
      mixinStandardHelpOptions = true,
      description = {
        "Writes a feed file and a mapping folder with a first example, to be filled in as their comments",
        "say. Overwrites nothing. What it writes passes \"check --offline\" as it is."
      })
  int create(
      @Parameters(paramLabel = "NAME", description = "Name of the feed: lower case with hyphens.")
          String name,
      @Option(
              names = "--from",
              required = true,
              paramLabel = "KIND",
              description =
                  "How its records come: sql, fhir (asked for), csv (files), http or hl7 (sent).")
          String kind)
      throws IOException {
    FeedSkeleton skeleton = new FeedSkeleton(tool.settings());
    if (!skeleton.kinds().contains(kind)) {
      CommandLineTool.out()
          .println("There is no kind \"" + kind + "\"; there are " + skeleton.kinds());
      return 1;
    }
    if (!name.matches("[a-z][a-z0-9]*(-[a-z0-9]+)*")) {
      CommandLineTool.out()
          .println("\"" + name + "\" is no name for a feed: lower case letters, digits, hyphens");
      return 1;
    }
    skeleton.write(kind, name).forEach(file -> CommandLineTool.out().println("wrote " + file));
    CommandLineTool.out()
        .println(
            "Fill them in as their comments say, then: pms-link check, pms-link feed "
                + (skeleton.isAsked(kind) ? "dry-run " : "apply ")
                + name);
    return 0;
  }

  @Command(
      name = "dry-run",
      mixinStandardHelpOptions = true,
      description = {
        "Reads all patients of a feed that asks its PMS (SQL, Open Dental's API, Dentrix Ascend, FHIR), by the",
        "route of its file, and says what would come in: how many, what would be dead letters and why, quality",
        "flags, and what would be decided with the members in the store. Delivers nothing, moves no cursor,",
        "stores nothing. Prints ids and counts only. For a dropped file there is \"csv check\"."
      })
  int dryRun(
      @Parameters(
              paramLabel = "NAME",
              description = "Name of the feed: its file's, without ending.")
          String name,
      @Option(
              names = "--all",
              description =
                  "Read visits, transactions, merges, providers and clinics too, as far as the feed"
                      + " reads them.")
          boolean everything)
      throws InterruptedException {
    try (var store = tool.store()) {
      CommandLineTool.quiet();
      DryRun.Report report = store.getBean(DryRun.class).run(name, everything, new UntilItIsDone());
      if (report == null) {
        return 1;
      }
      FeedTrial.print(name, report);
      return 0;
    } catch (FeedException | MappingException e) {
      CommandLineTool.out().println(name + ": " + e.getMessage());
      return 1;
    }
  }

  /** Whoever waits at a prompt stops a command with Ctrl-C. */
  private static final class UntilItIsDone implements DryRun.Progress {
    @Override
    public void at(long read, long decided) {}

    @Override
    public boolean isStopped() {
      return false;
    }
  }

  @Command(
      name = "apply",
      mixinStandardHelpOptions = true,
      description = {
        "Has the running engine take up a feed file that is new or changed. The file, its mappings and",
        "their examples are checked first; then the feed leaves off after its page, and starts again as",
        "the file says. When it does not start, the former one runs on. Nothing is lost on the way."
      })
  int apply(
      @Parameters(
              paramLabel = "NAME",
              description = "Name of the feed: its file's, without ending.")
          String name,
      @Option(
              names = "--wait",
              paramLabel = "SECONDS",
              description = "Longest time to wait for the engine (default: ${DEFAULT-VALUE}).",
              defaultValue = "180")
          int seconds)
      throws InterruptedException {
    String feed = name.replaceFirst("\\.camel\\.yaml$", "");
    Settings settings = tool.settings();
    if (settings.ownDatabase() && !settings.engineRuns()) {
      return withoutEngine(settings, feed);
    }
    try (var store = tool.store()) {
      FeedChanges changes = store.getBean(FeedChanges.class);
      long request = changes.ask(feed);
      boolean answered =
          PassWatch.await(() -> changes.answer(request).isPresent(), Duration.ofSeconds(seconds));
      if (!answered && changes.withdraw(request)) {
        CommandLineTool.out()
            .println(
                "No engine has answered in "
                    + seconds
                    + " s, and the request is withdrawn. Does one run on this database?");
        return 1;
      }
      if (!answered) {
        CommandLineTool.out()
            .println("The engine is about it, but not done in " + seconds + " s; see status.");
        return 1;
      }
      FeedChanges.Answer answer = changes.answer(request).orElseThrow();
      CommandLineTool.out().println(feed + ": " + answer.text());
      return answer.applied() ? 0 : 1;
    }
  }

  @Command(
      name = "pause",
      mixinStandardHelpOptions = true,
      description = {
        "Pauses a feed until somebody resumes it, over restarts too. A read under way leaves off after its",
        "page, dropped files lie where they are, and whoever sends to the feed is told to keep what they",
        "have. Works beside a running engine and without one."
      })
  int pause(
      @Parameters(paramLabel = "NAME", description = "Name of the feed.") String name,
      @Option(
              names = "--reason",
              required = true,
              paramLabel = "TEXT",
              description = "Why, for whoever finds it like that. No patient data.")
          String reason) {
    try (var store = tool.store()) {
      FeedStates.Status feed = store.getBean(FeedStates.class).find(name).orElse(null);
      if (feed == null) {
        return unknown(name);
      }
      try {
        if (store
            .getBean(FeedDesk.class)
            .pause(feed.practice(), DeadLettersCommand.actor(), name, reason)) {
          CommandLineTool.out()
              .println(name + " is paused; it goes on with: pms-link feed resume " + name);
          return 0;
        }
      } catch (IllegalArgumentException e) {
        CommandLineTool.out().println(e.getMessage());
        return 1;
      }
      CommandLineTool.out()
          .println(name + " is paused already" + (feed.hold() == null ? "" : by(feed.hold())));
      return 1;
    }
  }

  @Command(
      name = "resume",
      mixinStandardHelpOptions = true,
      description = {
        "Ends a pause by a person: the feed goes on where it left off. A feed that is paused because its PMS",
        "is away tries again by itself; \"sync\" has it try at once."
      })
  int resume(@Parameters(paramLabel = "NAME", description = "Name of the feed.") String name) {
    try (var store = tool.store()) {
      FeedStates.Status feed = store.getBean(FeedStates.class).find(name).orElse(null);
      if (feed == null) {
        return unknown(name);
      }
      boolean done =
          store.getBean(FeedDesk.class).resume(feed.practice(), DeadLettersCommand.actor(), name);
      CommandLineTool.out()
          .println(
              done
                  ? name + " goes on"
                  : name
                      + ": nobody has paused it; it is "
                      + feed.state().toLowerCase(java.util.Locale.ROOT)
                      + (feed.reason() == null ? "" : ": " + feed.reason()));
      return done ? 0 : 1;
    }
  }

  private static String by(FeedStates.Hold hold) {
    return ", by " + hold.by() + " since " + hold.since() + ": " + hold.why();
  }

  private static int unknown(String name) {
    CommandLineTool.out()
        .println("There is no feed \"" + name + "\"; \"pms-link status\" names those there are");
    return 1;
  }

  /** There is nothing to exchange, but the file can be checked. */
  private static int withoutEngine(Settings settings, String feed) {
    FeedFiles files = new FeedFiles(settings.feeds(), new Mappings(settings.mappings()));
    try {
      files.check(files.file(feed));
      CommandLineTool.out()
          .println(
              feed
                  + ": the file is right, but no engine runs on this data folder; it is read at the"
                  + " next start");
    } catch (FeedException | MappingException e) {
      CommandLineTool.out().println(feed + ": " + e.getMessage());
    }
    return 1;
  }
}
