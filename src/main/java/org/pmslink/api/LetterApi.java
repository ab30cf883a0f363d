package org.pmslink.api;

import com.fasterxml.jackson.databind.JsonNode;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DryReplay;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterDesk;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterGroups;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.Selection;
import org.pmslink.membership.RefusedException;
import org.springdoc.core.annotations.ParameterObject;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Records that could not be handled: by what is wrong with them, one by one, and their replays. */
@RestController
@ConditionalOnWebApplication
@RequestMapping(path = ApiJson.PRACTICE, produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Dead letters")
class LetterApi {
  private static final int DAYS = 14;

  private final LetterGroups groups;
  private final LetterSearch search;
  private final LetterDesk letters;
  private final DryReplay dryReplay;
  private final ReplayTasks replays;
  private final Creations creations;
  private final TransactionTemplate transactions;
  private final Audit audit;

  LetterApi(
      LetterGroups groups,
      LetterSearch search,
      LetterDesk letters,
      DryReplay dryReplay,
      ReplayTasks replays,
      Creations creations,
      PlatformTransactionManager transactions,
      Audit audit) {
    this.groups = groups;
    this.search = search;
    this.letters = letters;
    this.dryReplay = dryReplay;
    this.replays = replays;
    this.creations = creations;
    this.transactions = new TransactionTemplate(transactions);
    this.audit = audit;
  }

  @GetMapping("/dead-letter-groups")
  @Needs(Right.SEE_LETTERS)
  @Operation(summary = "Open dead letters by root cause, at most " + LetterGroups.MOST)
  Page<LetterGroups.Group> groups(
      Caller caller,
      @RequestParam(defaultValue = "newest") LetterGroups.Order order,
      @RequestParam(required = false) @Nullable String feed,
      @RequestParam(required = false) @Nullable Category category,
      @ParameterObject Page.Wanted page) {
    Page<LetterGroups.Group> found =
        page.among(groups.list(caller.practice(), order, feed, category), LetterGroups.Group::key);
    audit.note(caller, "listed dead letters", found.items().size() + " groups");
    return found;
  }

  /**
   * A root cause.
   *
   * @param sizes how many letters it had, day by day for two weeks
   * @param example one letter, with the values of its record masked
   */
  record GroupDetails(
      LetterGroups.Group group,
      List<LetterGroups.Size> sizes,
      LetterGroups.@Nullable Example example) {}

  @GetMapping("/dead-letter-groups/{group}")
  @Needs(Right.SEE_LETTERS)
  @Operation(summary = "One root cause, with its size over time and a masked example")
  ResponseEntity<GroupDetails> group(Caller caller, @PathVariable String group) {
    LetterGroups.Group found =
        groups.find(caller.practice(), group).orElseThrow(Problem.Refused::notThere);
    audit.note(caller, "saw dead letters", "group " + found.key());
    Instant now = Instant.now();
    return Tags.ok(
        new GroupDetails(
            found,
            groups.sizes(
                caller.practice(),
                group,
                LetterGroups.Bucket.DAY,
                now.minus(DAYS - 1, ChronoUnit.DAYS).truncatedTo(ChronoUnit.DAYS),
                now),
            groups.example(caller.practice(), group).orElse(null)));
  }

  @GetMapping("/dead-letters")
  @Needs(Right.SEE_LETTERS)
  @Operation(summary = "Dead letters, newest failure first")
  Page<Letter> list(
      Caller caller,
      @RequestParam(required = false) @Nullable String feed,
      @RequestParam(required = false) @Nullable String record,
      @RequestParam(required = false) @Nullable Category category,
      @RequestParam(required = false) @Nullable String group,
      @RequestParam(required = false) @Nullable String assignee,
      @RequestParam(required = false) @Nullable List<Letter.State> state,
      @RequestParam(required = false) @Nullable Instant from,
      @RequestParam(required = false) @Nullable Instant to,
      @ParameterObject Page.Wanted page) {
    LetterFilter filter =
        new LetterFilter(feed, record, category, group, assignee, java.util.Set.of(), from, to)
            .in(state == null ? new Letter.State[0] : state.toArray(Letter.State[]::new));
    LetterSearch.Page found;
    try {
      found = search.search(caller.practice(), filter, page.cursor(), page.most());
    } catch (IllegalArgumentException e) {
      throw Page.noCursor();
    }
    audit.note(caller, "searched dead letters", String.valueOf(found.letters().size()));
    return new Page<>(found.letters(), found.next());
  }

  /**
   * A letter.
   *
   * @param masked its record without a value
   * @param events what people did with it and its group
   * @param replays its replays
   */
  record LetterDetails(
      Letter letter,
      @Nullable JsonNode masked,
      List<LetterDesk.Event> events,
      List<ReplayTasks.Item> replays) {}

  @GetMapping("/dead-letters/{letter}")
  @Needs(Right.SEE_LETTERS)
  @Operation(summary = "One dead letter, with the values of its record masked")
  ResponseEntity<LetterDetails> letter(Caller caller, @PathVariable long letter) {
    LetterDetails found = details(caller, letter);
    audit.note(caller, "saw dead letters", "letter " + letter);
    return Tags.ok(found);
  }

  private LetterDetails details(Caller caller, long letter) {
    return new LetterDetails(
        search.find(caller.practice(), letter).orElseThrow(Problem.Refused::notThere),
        search.masked(caller.practice(), letter).orElse(null),
        letters.events(caller.practice(), letter),
        replays.ofLetter(caller.practice(), letter));
  }

  @PostMapping("/dead-letters/{letter}/reveal")
  @Needs(Right.REVEAL_LETTERS)
  @Operation(summary = "Shows the patient data of a letter; the reason goes to the audit")
  LetterDesk.Revealed reveal(
      Caller caller, @PathVariable long letter, @RequestBody MemberApi.Reason why) {
    return said(() -> letters.reveal(caller.practice(), caller.name(), letter, text(why.reason())))
        .orElseThrow(Problem.Refused::notThere);
  }

  /** Another record in the place of the one that failed. */
  record Edited(JsonNode record, String reason) {}

  @PutMapping("/dead-letters/{letter}/record")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(
      summary = "Puts another record in the place of the one that failed; the original is kept",
      description = "If-Match takes the ETag of the letter.")
  ResponseEntity<LetterDetails> edit(
      Caller caller,
      HttpServletRequest request,
      @PathVariable long letter,
      @RequestBody Edited edited)
      throws RefusedException {
    if (edited.record() == null) {
      throw new Problem.Refused(422, "record: is needed");
    }
    LetterDesk.Edit done =
        java.util.Objects.requireNonNull(
            transactions.execute(
                status -> {
                  letters.hold(caller.practice(), letter);
                  Tags.require(request, details(caller, letter));
                  return said(
                      () ->
                          letters.edit(
                              caller.practice(),
                              caller.name(),
                              letter,
                              edited.record(),
                              text(edited.reason()),
                              null));
                }));
    return switch (done) {
      case EDITED -> Tags.ok(details(caller, letter));
      case NOT_THERE -> throw Problem.Refused.notThere();
      case CHANGED_MEANWHILE -> throw new IllegalStateException("no edition was asked for");
      case NOT_OPEN -> throw new RefusedException("The letter is closed, or on its way back.");
      case NOT_OF_THE_PMS ->
          throw new RefusedException("Only records as the PMS sent them can be edited.");
    };
  }

  /**
   * Letters that something is done with: either some by number, or a whole group.
   *
   * @param text reason of a discard or a reopening, note, or assignee (absent for nobody)
   */
  @Schema(description = "Letters by number, or a whole group; and what there is to say of it.")
  record Deed(
      @Nullable List<Long> letters,
      @Nullable String group,
      @Schema(
              description =
                  "Reason of a discard or a reopening, the note, or the assignee; absent for nobody.")
          @Nullable String text) {
    Selection selection() {
      return selected(letters, group);
    }
  }

  private static Selection selected(@Nullable List<Long> letters, @Nullable String group) {
    List<Long> named = letters == null ? List.of() : letters;
    String whole = group == null ? "" : group;
    if (named.isEmpty() == whole.isBlank()) {
      throw new Problem.Refused(422, "give either letters or group");
    }
    return named.isEmpty() ? Selection.group(whole) : Selection.letters(named);
  }

  /** How many letters something was done with. */
  record Done(int letters) {}

  /**
   * How many letters were given up.
   *
   * @param left open ones of the selection that are left, because they are more than one call takes
   *     or are being replayed
   */
  record Discarded(int letters, long left) {}

  @PostMapping("/dead-letters/dry-run")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(summary = "What a replay would come to; changes nothing")
  DryReplay.Result dryRun(Caller caller, @RequestBody Deed deed) {
    return dryReplay.rehearse(caller.practice(), caller.name(), deed.selection(), DryReplay.USUAL);
  }

  @PostMapping("/dead-letters/discard")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(
      summary = "Gives letters up; they stay on record, and can be opened again",
      description =
          "Of a group those that are being replayed are left alone. At most "
              + LetterDesk.MOST
              + " at once.")
  Discarded discard(Caller caller, @RequestBody Deed deed) {
    int letters =
        said(
            () ->
                this.letters.discard(
                    caller.practice(),
                    caller.name(),
                    deed.selection(),
                    text(deed.text()),
                    LetterDesk.MOST));
    LetterDesk.Reach left = this.letters.reach(caller.practice(), deed.selection());
    return new Discarded(
        letters, left.letters() + left.leftOut() + (deed.group() == null ? 0 : left.others()));
  }

  @PostMapping("/dead-letters/reopen")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(
      summary = "Opens letters again that were given up",
      description = "One of which the record has a newer letter stays as it is.")
  Done reopen(Caller caller, @RequestBody Deed deed) {
    return new Done(
        said(
            () ->
                letters.reopen(
                    caller.practice(), caller.name(), deed.selection(), text(deed.text()))));
  }

  @PostMapping("/dead-letters/assign")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(summary = "Says who cares for letters; for a group also for those that will come")
  Done assign(Caller caller, @RequestBody Deed deed) {
    String who = text(deed.text()).strip();
    return new Done(
        said(
            () ->
                letters.assign(
                    caller.practice(),
                    caller.name(),
                    deed.selection(),
                    who.isEmpty() ? null : who)));
  }

  @PostMapping("/dead-letters/note")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(summary = "Adds a note, without patient data, to letters or to a group")
  Done note(Caller caller, @RequestBody Deed deed) {
    return new Done(
        said(
            () ->
                letters.note(
                    caller.practice(), caller.name(), deed.selection(), text(deed.text()))));
  }

  @GetMapping("/replays")
  @Needs(Right.SEE_LETTERS)
  @Operation(summary = "Replay tasks, newest first")
  Page<ReplayTasks.Task> replays(Caller caller, @ParameterObject Page.Wanted page) {
    return page.byId(
        (before, most) ->
            replays.list(caller.practice(), before == 0 ? Long.MAX_VALUE : before, most),
        ReplayTasks.Task::id);
  }

  /**
   * What is to be replayed.
   *
   * @param perSecond letters a second at most
   */
  record NewReplay(
      @Nullable List<Long> letters, @Nullable String group, @Nullable Integer perSecond) {}

  @PostMapping("/replays")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(summary = "Replays letters, or the open ones of a group, as a task")
  @ResponseStatus(HttpStatus.CREATED)
  ResponseEntity<ReplayTasks.Task> replay(
      Caller caller, HttpServletRequest request, @RequestBody NewReplay replay)
      throws RefusedException, IOException {
    Selection selection = selected(replay.letters(), replay.group());
    return creations.create(
        caller,
        request,
        () -> {
          ReplayTasks.Task task =
              said(
                  () ->
                      replays.start(
                          caller.practice(),
                          caller.name(),
                          selection,
                          new ReplayTasks.Options(replay.perSecond(), null)));
          return new Creations.Created<>("/replays/" + task.id(), task);
        });
  }

  @GetMapping("/replays/{replay}")
  @Needs(Right.SEE_LETTERS)
  @Operation(summary = "A replay task with its progress")
  ResponseEntity<ReplayTasks.Task> readReplay(Caller caller, @PathVariable long replay) {
    return Tags.ok(task(caller, replay));
  }

  @GetMapping("/replays/{replay}/items")
  @Needs(Right.SEE_LETTERS)
  @Operation(summary = "What came of each letter of a replay task")
  Page<ReplayTasks.Item> items(
      Caller caller,
      @PathVariable long replay,
      @RequestParam(required = false) ReplayTasks.@Nullable ItemState state,
      @ParameterObject Page.Wanted page) {
    task(caller, replay);
    return page.byId(
        (after, most) -> replays.items(caller.practice(), replay, state, after, most),
        ReplayTasks.Item::letter);
  }

  @PostMapping("/replays/{replay}/pause")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(summary = "Sends nothing more for now")
  ReplayTasks.Task pause(Caller caller, @PathVariable long replay) throws RefusedException {
    task(caller, replay);
    if (!replays.pause(caller.practice(), caller.name(), replay)) {
      throw new RefusedException("The task is not running.");
    }
    return task(caller, replay);
  }

  @PostMapping("/replays/{replay}/resume")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(summary = "Goes on with a task that was paused")
  ReplayTasks.Task resume(Caller caller, @PathVariable long replay) throws RefusedException {
    task(caller, replay);
    if (!replays.resume(caller.practice(), caller.name(), replay)) {
      throw new RefusedException("The task is not paused.");
    }
    return task(caller, replay);
  }

  @PostMapping("/replays/{replay}/stop")
  @Needs(Right.CHANGE_LETTERS)
  @Operation(summary = "Ends a task: letters that were not sent are open again")
  ReplayTasks.Task stop(Caller caller, @PathVariable long replay) throws RefusedException {
    task(caller, replay);
    if (!replays.stop(caller.practice(), caller.name(), replay)) {
      throw new RefusedException("The task is at its end already.");
    }
    return task(caller, replay);
  }

  private ReplayTasks.Task task(Caller caller, long id) {
    return replays.find(caller.practice(), id).orElseThrow(Problem.Refused::notThere);
  }

  /** What a service has to say against values that somebody sent is for them. */
  private static <T> T said(Supplier<T> service) {
    try {
      return service.get();
    } catch (IllegalArgumentException e) {
      throw new Problem.Refused(422, String.valueOf(e.getMessage()));
    }
  }

  private static String text(@Nullable String given) {
    return given == null ? "" : given;
  }
}
