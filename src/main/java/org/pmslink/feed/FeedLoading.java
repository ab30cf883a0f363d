package org.pmslink.feed;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.camel.CamelContext;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.annotation.Profile;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Starts the feeds once the spine runs, exchanges one for what its file says now when somebody asks
 * for that, and reports those that cannot run.
 */
@Component
@Profile("!tool")
public class FeedLoading {
  /** Longer than a read may take by default: only what is stuck holds up a change. */
  private static final Duration LONGEST_READ = Duration.ofSeconds(150);

  private final FeedFiles files;
  private final FeedStates states;
  private final FeedReader reader;
  private final FeedChanges changes;
  private final CamelContext context;
  private volatile boolean loaded;

  FeedLoading(
      FeedFiles files,
      FeedStates states,
      FeedReader reader,
      FeedChanges changes,
      CamelContext context) {
    this.files = files;
    this.states = states;
    this.reader = reader;
    this.changes = changes;
    this.context = context;
  }

  @EventListener(ApplicationReadyEvent.class)
  void load() {
    for (Path file : files.files()) {
      FeedFiles.Refusal refusal = files.load(context, file);
      if (refusal != null) {
        refuse(file, refusal);
      }
    }
    loaded = true;
    files.allAreLoaded();
  }

  /** Takes up the feed files that were asked for, and says of each what came of it. */
  public void applyWhatIsAsked() {
    if (!loaded) {
      return;
    }
    for (FeedChanges.Request request : changes.take()) {
      changes.answered(request.id(), apply(request.feed()));
    }
  }

  /** Takes up one feed file now, and says what came of it. */
  FeedChanges.Answer apply(String feed) {
    if (!loaded) {
      return new FeedChanges.Answer(false, "the engine is still starting; try it in a moment");
    }
    Path file = files.file(feed);
    if (!Files.isRegularFile(file)) {
      return new FeedChanges.Answer(
          false, "there is no file " + file.getFileName() + " in the folder of feeds");
    }
    FeedFiles.Refusal refusal;
    try {
      refusal = files.swap(context, file, () -> reader.hold(feed, LONGEST_READ));
    } finally {
      reader.release(feed);
    }
    if (refusal == null) {
      states.applied(
          files.parameter(context, feed, "practice"),
          feed,
          files.parameter(context, feed, "source"));
      return new FeedChanges.Answer(true, "runs as its file says now");
    }
    if (files.loaded().contains(feed)) {
      return new FeedChanges.Answer(
          false, refusal.file() + ": " + refusal.reason() + "; the feed runs on as before");
    }
    refuse(file, refusal);
    return new FeedChanges.Answer(
        false, refusal.file() + ": " + refusal.reason() + "; the feed does not run");
  }

  private void refuse(Path file, FeedFiles.Refusal refusal) {
    states.refuse(
        FeedFiles.practiceNamedIn(file),
        refusal.file().replace(FeedFile.ENDING, ""),
        refusal.reason());
  }
}
