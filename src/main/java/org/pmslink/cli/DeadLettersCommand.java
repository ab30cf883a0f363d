package org.pmslink.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.Cause;
import org.pmslink.deadletter.DryReplay;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterDesk;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterGroups;
import org.pmslink.deadletter.LetterGroups.Bucket;
import org.pmslink.deadletter.LetterGroups.Group;
import org.pmslink.deadletter.LetterGroups.Order;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.Selection;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
    description =
        "Records that could not be handled: finds them by cause, shows, tries, replays, mends and discards them.",
    subcommands = ReplayTaskCommand.class)
final class DeadLettersCommand implements Runnable {
  /** Days over which a group's size is shown. */
  private static final int DAYS = 14;

  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  DeadLettersCommand() {}

  /** Who acts, for the audit. */
  static String actor() {
    return "cli:" + System.getProperty("user.name");
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "Which one: groups, list, show, dry-run, replay, task, edit, discard, reopen, assign or note?"
            + " See --help.");
  }

  @Command(
      name = "groups",
      mixinStandardHelpOptions = true,
      description = {
        "Lists root causes with open letters, or shows one: its size over the last two weeks, and one",
        "letter with every value masked."
      })
  int groups(
      @Parameters(arity = "0..1", paramLabel = "KEY", description = "Shows this one.")
          @Nullable String key,
      @Mixin WhichLetters which,
      @Option(
              names = "--order",
              description = "newest (default) or largest first.",
              defaultValue = "newest")
          String order)
      throws JsonProcessingException {
    try (var store = tool.store()) {
      LetterGroups groups = store.getBean(LetterGroups.class);
      if (key != null) {
        for (String practice : which.practices(store)) {
          Optional<Group> group = groups.find(practice, key);
          if (group.isPresent()) {
            show(practice, group.get(), groups);
            return 0;
          }
        }
        CommandLineTool.out().println("There is no such group: " + key);
        return 1;
      }
      int count = 0;
      Order by = order.equalsIgnoreCase("largest") ? Order.LARGEST : Order.NEWEST;
      for (String practice : which.practices(store)) {
        LetterFilter filter = which.filter();
        for (Group group : groups.list(practice, by, filter.feed(), filter.category())) {
          CommandLineTool.out().println(line(group));
          count++;
        }
      }
      CommandLineTool.out().println(count + " groups");
      return 0;
    }
  }

  private static void show(String practice, Group group, LetterGroups groups)
      throws JsonProcessingException {
    Cause cause = group.cause();
    print("%s", line(group));
    print(
        "practice %s, step %s, %s; %d open, %d ever, first %s",
        practice,
        group.hop().stored(),
        group.recordType(),
        group.open(),
        group.ever(),
        group.firstAt());
    if (cause.mapping() != null) {
      print(
          "mapping %s, version %s%s",
          cause.mapping(),
          cause.mappingVersion(),
          cause.mappingLine() == null
              ? ""
              : ", line " + cause.mappingLine() + ": " + cause.mappingText());
    }
    Instant now = Instant.now();
    print("day         came  went  open");
    for (LetterGroups.Size size :
        groups.sizes(
            practice, group.key(), Bucket.DAY, now.minus(Duration.ofDays(DAYS - 1)), now)) {
      print(
          "%s %5d %5d %5d",
          size.from().toString().substring(0, 10), size.came(), size.went(), size.open());
    }
    LetterGroups.Example example = groups.example(practice, group.key()).orElse(null);
    if (example != null) {
      print("letter %d, every value masked:", example.letter().id());
      print(example.masked());
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists letters, newest first; ids and reasons only.")
  int list(
      @Mixin WhichLetters which,
      @Option(
              names = "--state",
              description = "open (default), replaying, resolved, discarded or all.",
              defaultValue = "open")
          String state,
      @Option(
              names = "--most",
              description = "Letters of each practice at most (default 1000).",
              defaultValue = "1000")
          int most,
      @Option(
              names = "--after",
              paramLabel = "CURSOR",
              description = "Goes on where a list has left off; it says with what.")
          @Nullable String after) {
    try (var store = tool.store()) {
      LetterFilter filter = which.filter();
      if (!state.equals("all")) {
        filter = filter.in(Letter.State.valueOf(state.toUpperCase(Locale.ROOT)));
      }
      int count = 0;
      for (String practice : which.practices(store)) {
        LetterSearch.Page page =
            store.getBean(LetterSearch.class).search(practice, filter, after, most);
        page.letters().forEach(letter -> print("%s", line(letter)));
        count += page.letters().size();
        if (page.next() != null) {
          print("there are more: --practice %s --after %s", practice, page.next());
        }
      }
      CommandLineTool.out().println(count + " dead letters");
      return 0;
    }
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = {
        "Shows one letter, what was done with it, and its record with every value masked.",
        "With --payload the record itself, which is patient data; that needs a reason and is audited."
      })
  int show(
      @Parameters(paramLabel = "ID") long id,
      @Option(names = "--payload", description = "Print the record: patient data.") boolean payload,
      @Option(names = "--reason", description = "Why, with --payload; without patient data.")
          @Nullable String reason)
      throws JsonProcessingException {
    if (payload && (reason == null || reason.isBlank())) {
      throw new ParameterException(spec.commandLine(), "--payload needs a --reason.");
    }
    try (var store = tool.store()) {
      LetterSearch search = store.getBean(LetterSearch.class);
      LetterDesk desk = store.getBean(LetterDesk.class);
      for (String practice : store.getBean(Practices.class).names()) {
        Optional<Letter> letter = search.find(practice, id);
        if (letter.isEmpty()) {
          continue;
        }
        print("%s", line(letter.get()));
        if (reason != null && payload) {
          LetterDesk.Revealed revealed = desk.reveal(practice, actor(), id, reason).orElseThrow();
          print(revealed.record());
          if (revealed.original() != null) {
            print("as it came:");
            print(revealed.original());
          }
          return 0;
        }
        details(practice, letter.get(), store);
        print("its record, every value masked:");
        print(search.masked(practice, id).orElseThrow());
        return 0;
      }
      return unknown(id);
    }
  }

  private static void details(
      String practice, Letter letter, ConfigurableApplicationContext store) {
    Cause cause = letter.cause();
    print("group %s, first %s", letter.group(), letter.firstAt());
    if (cause.mapping() != null) {
      print(
          "mapping %s, version %s%s",
          cause.mapping(),
          cause.mappingVersion(),
          cause.mappingLine() == null
              ? ""
              : ", line " + cause.mappingLine() + ": " + cause.mappingText());
    }
    if (letter.origin() != null) {
      print("came of the replay of letter %d", letter.origin());
    }
    if (letter.closedAt() != null) {
      print("%s by %s: %s", letter.closedAt(), letter.closedBy(), letter.closeReason());
    }
    for (LetterDesk.Event event : store.getBean(LetterDesk.class).events(practice, letter.id())) {
      print(
          "%s %s %s%s: %s",
          event.at(),
          event.actor(),
          event.action().toLowerCase(Locale.ROOT),
          event.withGroup() ? " (the group)" : "",
          event.detail());
    }
    for (ReplayTasks.Item item : store.getBean(ReplayTasks.class).ofLetter(practice, letter.id())) {
      print("%s", ReplayTaskCommand.line(item));
    }
  }

  @Command(
      name = "dry-run",
      mixinStandardHelpOptions = true,
      description = {
        "Tries letters in the step that they failed in, with the mappings as they are now: says how",
        "many would pass, and why the others would not. Sends and stores nothing."
      })
  int dryRun(
      @Parameters(arity = "0..*", paramLabel = "ID") @Nullable List<Long> ids,
      @Mixin WhichLetters which,
      @Option(names = "--all", description = "All open letters.") boolean all,
      @Option(
              names = "--most",
              description = "Letters of each practice at most (default 1000).",
              defaultValue = "1000")
          int most) {
    mustSay(ids, which, all);
    try (var store = tool.store()) {
      int failing = 0;
      int tried = 0;
      for (String practice : which.practices(store)) {
        Selection selection = which.of(practice, ids, store);
        if (WhichLetters.isEmpty(selection)) {
          continue;
        }
        DryReplay.Result result =
            store.getBean(DryReplay.class).rehearse(practice, actor(), selection, most);
        print(
            "%s: %d of %d would pass%s",
            practice,
            result.passing(),
            result.tried(),
            result.tried() < result.selected()
                ? " (" + result.selected() + " in all; the others were not tried)"
                : "");
        if (result.notOpen() > 0) {
          print("%d others are not open", result.notOpen());
        }
        Map<String, Integer> reasons = new TreeMap<>();
        result.failing().forEach(f -> reasons.merge(f.cause().message(), 1, Integer::sum));
        reasons.forEach((reason, count) -> print("%6d  %s", count, reason));
        result.failing().stream()
            .limit(20)
            .forEach(f -> print("  letter %d, record %s", f.letter(), f.sourceId()));
        tried += result.tried();
        failing += result.failing().size();
      }
      if (tried == 0) {
        print("There is no such open dead letter; see dead-letters list");
      }
      return tried == 0 || failing > 0 ? 1 : 0;
    }
  }

  @Command(
      name = "replay",
      mixinStandardHelpOptions = true,
      description = {
        "Sends letters back to the step they failed in, by the running engine, as a task.",
        "A letter that gets through is resolved; one that fails again is open again, and is not sent",
        "again by this task. With --wait the progress is shown until every letter has its result."
      })
  int replay(
      @Parameters(arity = "0..*", paramLabel = "ID") @Nullable List<Long> ids,
      @Mixin WhichLetters which,
      @Option(names = "--all", description = "All open letters.") boolean all,
      @Option(names = "--per-second", description = "Letters a second at most (default 50).")
          @Nullable Integer perSecond,
      @Option(names = "--wait", paramLabel = "MINUTES", description = "Wait for so long at most.")
          @Nullable Integer minutes)
      throws InterruptedException {
    mustSay(ids, which, all);
    try (var store = tool.store()) {
      ReplayTasks tasks = store.getBean(ReplayTasks.class);
      int asked = 0;
      boolean well = true;
      for (String practice : which.practices(store)) {
        Selection selection = which.of(practice, ids, store);
        if (WhichLetters.isEmpty(selection)) {
          continue;
        }
        ReplayTasks.Task task =
            tasks.start(practice, actor(), selection, new ReplayTasks.Options(perSecond, null));
        asked += task.waiting();
        print("task %d: %d letters of %s", task.id(), task.waiting(), practice);
        if (task.leftOut() > 0) {
          print("%d more are left for another task", task.leftOut());
        }
        if (minutes != null) {
          well &= ReplayTaskCommand.await(tasks, practice, task.id(), Duration.ofMinutes(minutes));
        }
      }
      CommandLineTool.out()
          .println(asked + " dead letters will be replayed by the engine while it runs");
      return !well || (ids != null && asked < ids.size()) ? 1 : 0;
    }
  }

  @Command(
      name = "edit",
      mixinStandardHelpOptions = true,
      description = {
        "Puts the record of a file (JSON) in the place of a letter's; what it was is kept.",
        "The PMS has it as it was: when it sends the record again, that counts."
      })
  int edit(
      @Parameters(paramLabel = "ID") long id,
      @Option(
              names = "--file",
              required = true,
              description = "The record, as show --payload has it.")
          Path file,
      @Option(names = "--reason", required = true, description = "Why; without patient data.")
          String reason)
      throws IOException {
    JsonNode record;
    try {
      record = RecordJson.mapper().readTree(Files.readString(file));
    } catch (JsonProcessingException e) {
      // Without the cause, which may quote what it could not read.
      throw new IllegalArgumentException(
          "the file holds no JSON (line " + e.getLocation().getLineNr() + ")");
    }
    try (var store = tool.store()) {
      for (String practice : store.getBean(Practices.class).names()) {
        switch (store.getBean(LetterDesk.class).edit(practice, actor(), id, record, reason, null)) {
          case EDITED -> {
            print("edited %d; try it with dead-letters dry-run %d", id, id);
            return 0;
          }
          case NOT_OPEN -> {
            print("%d is closed or being replayed", id);
            return 1;
          }
          case NOT_OF_THE_PMS -> {
            print("%d failed in the apply step: mend the record in the PMS", id);
            return 1;
          }
          case NOT_THERE -> {}
          case CHANGED_MEANWHILE -> throw new IllegalStateException("no edition was asked for");
        }
      }
      return unknown(id);
    }
  }

  @Command(
      name = "discard",
      mixinStandardHelpOptions = true,
      description = {
        "Gives letters up, with the reason; they stay on record, and reopen opens them again.",
        "Of a group or a search those that are being replayed are left alone."
      })
  int discard(
      @Parameters(arity = "0..*", paramLabel = "ID") @Nullable List<Long> ids,
      @Mixin WhichLetters which,
      @Option(names = "--reason", required = true, description = "Why; without patient data.")
          String reason) {
    mustSay(ids, which, false);
    return act(
        ids,
        which,
        "discarded",
        (desk, practice, selection) -> {
          int letters = desk.discard(practice, actor(), selection, reason, LetterDesk.MOST);
          LetterDesk.Reach left = desk.reach(practice, selection);
          if (left.letters() > 0) {
            print("%d more are open still: do it again", left.letters() + left.leftOut());
          }
          if (ids == null && left.others() > 0) {
            print("%d are being replayed and were left alone", left.others());
          }
          return letters;
        });
  }

  @Command(
      name = "reopen",
      mixinStandardHelpOptions = true,
      description = {
        "Opens letters again that were discarded, with the reason.",
        "One of which the record has a newer letter stays as it is."
      })
  int reopen(
      @Parameters(arity = "0..*", paramLabel = "ID") @Nullable List<Long> ids,
      @Mixin WhichLetters which,
      @Option(names = "--reason", required = true, description = "Why; without patient data.")
          String reason) {
    mustSay(ids, which, false);
    return act(
        ids,
        which,
        "opened again",
        (desk, practice, selection) -> desk.reopen(practice, actor(), selection, reason),
        Letter.State.DISCARDED);
  }

  @Command(
      name = "assign",
      mixinStandardHelpOptions = true,
      description = "Says who cares for letters; of a --group, also for those that will come.")
  int assign(
      @Parameters(arity = "0..*", paramLabel = "ID") @Nullable List<Long> ids,
      @Mixin WhichLetters which,
      @Option(names = "--to", paramLabel = "NAME", description = "Who; nobody when left out.")
          @Nullable String assignee) {
    mustSay(ids, which, false);
    return act(
        ids,
        which,
        "assigned",
        (desk, practice, selection) -> desk.assign(practice, actor(), selection, assignee));
  }

  @Command(
      name = "note",
      mixinStandardHelpOptions = true,
      description = "Adds a note to letters, or one to a --group.")
  int note(
      @Parameters(arity = "0..*", paramLabel = "ID") @Nullable List<Long> ids,
      @Mixin WhichLetters which,
      @Option(names = "--text", required = true, description = "The note; without patient data.")
          String text) {
    mustSay(ids, which, false);
    return act(
        ids,
        which,
        "noted",
        (desk, practice, selection) -> desk.note(practice, actor(), selection, text));
  }

  /** Something that is done with letters; says with how many. */
  private interface Action {
    int on(LetterDesk desk, String practice, Selection selection);
  }

  private int act(
      @Nullable List<Long> ids,
      WhichLetters which,
      String done,
      Action action,
      Letter.State... states) {
    try (var store = tool.store()) {
      int count = 0;
      for (String practice : which.practices(store)) {
        Selection selection =
            states.length == 0
                ? which.of(practice, ids, store)
                : which.of(practice, ids, store, states);
        if (!WhichLetters.isEmpty(selection)) {
          count += action.on(store.getBean(LetterDesk.class), practice, selection);
        }
      }
      if (ids != null && ids.size() == 1 && count == 1) {
        print("%s %d", done, ids.get(0));
        return 0;
      }
      if (ids != null && ids.size() == 1) {
        return unknown(ids.get(0));
      }
      print("%s %d letters", done, count);
      return count == 0 || (ids != null && count < ids.size()) ? 1 : 0;
    }
  }

  private void mustSay(@Nullable List<Long> ids, WhichLetters which, boolean all) {
    if (ids == null && !all && !which.isSaid()) {
      throw new ParameterException(
          spec.commandLine(),
          "Name ids, or say which letters: --group, --category, --feed, --record, --assignee, --since"
              + " or --before; dry-run and replay also take --all.");
    }
  }

  private static int unknown(long id) {
    CommandLineTool.out()
        .println(
            "There is no dead letter " + id + " that this can be done with; see dead-letters list");
    return 1;
  }

  private static String line(Letter letter) {
    return String.format(
        Locale.ROOT,
        "%d %s %s %s %s %s attempts=%d last=%s group=%s%s%s %s: %s",
        letter.id(),
        letter.state().name().toLowerCase(Locale.ROOT),
        letter.feed(),
        letter.hop().stored(),
        letter.recordType(),
        letter.sourceId(),
        letter.attempts(),
        letter.lastAt(),
        letter.group(),
        letter.assignee() == null ? "" : " assignee=" + letter.assignee(),
        letter.edited() ? " edited" : "",
        letter.cause().category(),
        letter.cause().message());
  }

  private static String line(Group group) {
    return String.format(
        Locale.ROOT,
        "%s %s %s open=%d last=%s%s %s: %s",
        group.key(),
        group.feed(),
        group.recordType(),
        group.open(),
        group.lastAt(),
        group.assignee() == null ? "" : " assignee=" + group.assignee(),
        group.cause().category(),
        group.cause().message());
  }

  private static void print(String format, @Nullable Object... values) {
    CommandLineTool.out().println(String.format(Locale.ROOT, format, values));
  }

  private static void print(JsonNode json) throws JsonProcessingException {
    CommandLineTool.out()
        .println(RecordJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(json));
  }
}
