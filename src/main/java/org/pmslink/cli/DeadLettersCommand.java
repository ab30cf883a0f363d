package org.pmslink.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.FeedStates;
import org.pmslink.patient.RecordJson;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link dead-letters}. */
@Command(
    name = "dead-letters",
    mixinStandardHelpOptions = true,
    description = "Records that could not be handled: lists, shows, replays and discards them.")
final class DeadLettersCommand implements Runnable {
  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  DeadLettersCommand() {}

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Which one: list, show, replay or discard? See --help.");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists letters, newest first; ids and reasons only.")
  int list(
      @Option(names = "--practice", description = "Only of this practice.")
          @Nullable String practice,
      @Option(
              names = "--state",
              description = "open (default), replaying, resolved, discarded or all.",
              defaultValue = "open")
          String state,
      @Option(names = "--category", description = "MAPPING_FAILED, INVALID_RECORD or STEP_FAILED.")
          @Nullable String category) {
    try (var store = tool.store()) {
      String wanted = state.equals("all") ? null : state.toUpperCase(Locale.ROOT);
      int count = 0;
      for (String name : practices(store, practice)) {
        for (DeadLetters.Summary letter :
            store.getBean(DeadLetters.class).list(name, wanted, category)) {
          CommandLineTool.out().println(line(letter));
          count++;
        }
      }
      CommandLineTool.out().println(count + " dead letters");
      return 0;
    }
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description =
          "Shows one letter; its raw record only with --payload, because it is patient data.")
  int show(
      @Parameters(paramLabel = "ID") long id,
      @Option(names = "--payload", description = "Print the raw record: patient data.")
          boolean payload)
      throws JsonProcessingException {
    try (var store = tool.store()) {
      DeadLetters letters = store.getBean(DeadLetters.class);
      for (String practice : practices(store, null)) {
        Optional<DeadLetters.Summary> letter = letters.find(practice, id);
        if (letter.isPresent()) {
          CommandLineTool.out().println(line(letter.get()));
          if (payload) {
            JsonNode message = letters.payload(practice, id).orElseThrow();
            CommandLineTool.out()
                .println(
                    RecordJson.mapper()
                        .writerWithDefaultPrettyPrinter()
                        .writeValueAsString(message));
          }
          return 0;
        }
      }
      return unknown(id);
    }
  }

  @Command(
      name = "replay",
      mixinStandardHelpOptions = true,
      description = {
        "Sends letters back to the step they failed in, by the running engine.",
        "A letter that gets through is resolved; one that fails again is open again."
      })
  int replay(
      @Parameters(arity = "0..*", paramLabel = "ID") @Nullable List<Long> ids,
      @Option(names = "--all", description = "All open letters.") boolean all,
      @Option(names = "--category", description = "All open letters of this category.")
          @Nullable String category) {
    if (ids == null && !all && category == null) {
      throw new ParameterException(spec.commandLine(), "Name ids, or --all, or --category.");
    }
    try (var store = tool.store()) {
      DeadLetters letters = store.getBean(DeadLetters.class);
      int asked = 0;
      for (String practice : practices(store, null)) {
        if (ids == null) {
          asked += letters.askForReplay(practice, null, category);
        } else {
          for (long id : ids) {
            asked += letters.askForReplay(practice, id, category);
          }
        }
      }
      CommandLineTool.out()
          .println(asked + " dead letters will be replayed by the engine while it runs");
      return ids != null && asked < ids.size() ? 1 : 0;
    }
  }

  @Command(
      name = "discard",
      mixinStandardHelpOptions = true,
      description = "Gives a letter up, with the reason; the letter stays on record.")
  int discard(
      @Parameters(paramLabel = "ID") long id,
      @Option(names = "--reason", required = true, description = "Why; without patient data.")
          String reason) {
    try (var store = tool.store()) {
      String actor = "cli:" + System.getProperty("user.name");
      for (String practice : practices(store, null)) {
        if (store.getBean(DeadLetters.class).discard(practice, id, actor, reason)) {
          CommandLineTool.out().println("discarded " + id);
          return 0;
        }
      }
      return unknown(id);
    }
  }

  private static int unknown(long id) {
    CommandLineTool.out()
        .println("There is no such open dead letter: " + id + "; see dead-letters list");
    return 1;
  }

  private static String line(DeadLetters.Summary letter) {
    return String.format(
        Locale.ROOT,
        "%d %s %s %s %s %s attempts=%d last=%s %s: %s",
        letter.id(),
        letter.state().toLowerCase(Locale.ROOT),
        letter.feed(),
        letter.hop(),
        letter.recordType(),
        letter.sourceId(),
        letter.attempts(),
        letter.lastAt(),
        letter.category(),
        letter.message());
  }

  private static TreeSet<String> practices(
      ConfigurableApplicationContext store, @Nullable String only) {
    TreeSet<String> names = new TreeSet<>();
    for (FeedStates.Status feed : store.getBean(FeedStates.class).all()) {
      if (only == null || only.equals(feed.practice())) {
        names.add(feed.practice());
      }
    }
    return names;
  }
}
