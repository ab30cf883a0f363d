package org.pmslink.cli;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.ReplayTasks.ItemState;
import org.pmslink.practice.Practices;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link dead-letters task}. */
@Command(
    name = "task",
    mixinStandardHelpOptions = true,
    description =
        "Replay tasks: lists them, shows what came of each letter, pauses and stops them.")
final class ReplayTaskCommand implements Runnable {
  private static final int LISTED = 20;
  private static final int SHOWN = 1_000;

  @ParentCommand DeadLettersCommand letters;
  @Spec CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  ReplayTaskCommand() {}

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Which one: list, show, pause, resume or stop? See --help.");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists the newest tasks of each practice, with their progress.")
  int list() {
    try (var store = letters.tool.store()) {
      for (String practice : store.getBean(Practices.class).names()) {
        for (ReplayTasks.Task task : store.getBean(ReplayTasks.class).list(practice, LISTED)) {
          CommandLineTool.out().println(practice + ": " + line(task));
        }
      }
      return 0;
    }
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = {
        "Shows a task and what came of each letter, at most 1000 of them. Exit code 1 when one has",
        "failed again."
      })
  int show(
      @Parameters(paramLabel = "TASK") long id,
      @Option(names = "--failed", description = "Only letters that failed again.")
          boolean failedOnly) {
    try (var store = letters.tool.store()) {
      ReplayTasks tasks = store.getBean(ReplayTasks.class);
      for (String practice : store.getBean(Practices.class).names()) {
        Optional<ReplayTasks.Task> task = tasks.find(practice, id);
        if (task.isPresent()) {
          CommandLineTool.out().println(line(task.get()));
          tasks
              .items(practice, id, failedOnly ? ItemState.FAILED : null, 0, SHOWN)
              .forEach(item -> CommandLineTool.out().println(line(item)));
          return task.get().failed() > 0 ? 1 : 0;
        }
      }
      return unknown(id);
    }
  }

  @Command(
      name = "pause",
      mixinStandardHelpOptions = true,
      description = "Sends nothing more for now.")
  int pause(@Parameters(paramLabel = "TASK") long id) {
    return act(id, "paused", ReplayTasks::pause);
  }

  @Command(name = "resume", mixinStandardHelpOptions = true, description = "Goes on.")
  int resume(@Parameters(paramLabel = "TASK") long id) {
    return act(id, "resumed", ReplayTasks::resume);
  }

  @Command(
      name = "stop",
      mixinStandardHelpOptions = true,
      description = "Ends a task; letters that were not sent are open again.")
  int stop(@Parameters(paramLabel = "TASK") long id) {
    return act(id, "stopped", ReplayTasks::stop);
  }

  private interface Action {
    boolean on(ReplayTasks tasks, String practice, String actor, long id);
  }

  private int act(long id, String done, Action action) {
    try (var store = letters.tool.store()) {
      ReplayTasks tasks = store.getBean(ReplayTasks.class);
      for (String practice : store.getBean(Practices.class).names()) {
        if (action.on(tasks, practice, DeadLettersCommand.actor(), id)) {
          CommandLineTool.out().println(done + " task " + id);
          return 0;
        }
      }
      return unknown(id);
    }
  }

  private static int unknown(long id) {
    CommandLineTool.out()
        .println("There is no such task to do this with: " + id + "; see dead-letters task list");
    return 1;
  }

  /** Waits until every letter has its result, and shows how far it is; whether none failed. */
  static boolean await(ReplayTasks tasks, String practice, long id, Duration longest)
      throws InterruptedException {
    String[] shown = {""};
    boolean finished =
        PassWatch.await(
            () -> {
              ReplayTasks.Task task = tasks.find(practice, id).orElseThrow();
              String line = line(task);
              if (!line.equals(shown[0])) {
                CommandLineTool.out().println(line);
                shown[0] = line;
              }
              return task.finishedAt() != null;
            },
            longest);
    if (!finished) {
      CommandLineTool.out().println("task " + id + " goes on; see dead-letters task show " + id);
    }
    List<ReplayTasks.Item> failed = tasks.items(practice, id, ItemState.FAILED, 0, SHOWN);
    failed.forEach(item -> CommandLineTool.out().println(line(item)));
    return finished && failed.isEmpty();
  }

  static String line(ReplayTasks.Task task) {
    return String.format(
        Locale.ROOT,
        "task %d %s, %s, by %s: %d of %d done; passed %d, failed again %d, superseded %d, skipped %d",
        task.id(),
        task.state().name().toLowerCase(Locale.ROOT),
        task.selection(),
        task.actor(),
        task.decided(),
        task.total(),
        task.passed(),
        task.failed(),
        task.superseded(),
        task.skipped());
  }

  static String line(ReplayTasks.Item item) {
    return String.format(
        Locale.ROOT,
        "replay task %d, letter %d: %s%s%s",
        item.task(),
        item.letter(),
        item.state().name().toLowerCase(Locale.ROOT),
        item.reason() == null ? "" : ", " + item.reason(),
        became(item));
  }

  private static String became(ReplayTasks.Item item) {
    Long became = item.became();
    return became == null || became == item.letter() ? "" : " (now letter " + became + ")";
  }
}
