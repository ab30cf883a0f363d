package org.pmslink.feed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.annotation.Profile;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/** Starts the feeds once the spine runs, and reports those that cannot. */
@Component
@Profile("!tool")
class FeedLoading {
  private static final Pattern PRACTICE =
      Pattern.compile("name:\\s*practice\\s+value:\\s*[\"']?([\\w-]+)");

  private final FeedFiles files;
  private final FeedStates states;
  private final CamelContext context;

  FeedLoading(FeedFiles files, FeedStates states, CamelContext context) {
    this.files = files;
    this.states = states;
    this.context = context;
  }

  @EventListener(ApplicationReadyEvent.class)
  void load() throws IOException {
    for (Path file : files.files()) {
      FeedFiles.Refusal refusal = files.load(context, file);
      if (refusal != null) {
        Matcher practice = PRACTICE.matcher(Files.readString(file));
        states.refuse(
            practice.find() ? practice.group(1) : "unknown",
            refusal.file().replace(".camel.yaml", ""),
            refusal.reason());
      }
    }
  }
}
