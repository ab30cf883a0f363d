package org.pmslink.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DryReplay;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.LetterDesk;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterGroups;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.Selection;
import org.pmslink.patient.RecordJson;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/**
 * The desk of support: dead letters by what is wrong with them, what one holds with its values
 * masked, and what can be done about one, some, or a whole group.
 */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}")
class LetterPages {
  private static final int PAGE = 50;
  private static final int DAYS_SHOWN = 14;
  private static final int CHART_HEIGHT = 60;

  private final LetterGroups groups;
  private final LetterSearch search;
  private final LetterDesk letters;
  private final DryReplay dryReplay;
  private final ReplayTasks replays;
  private final Audit audit;

  LetterPages(
      LetterGroups groups,
      LetterSearch search,
      LetterDesk letters,
      DryReplay dryReplay,
      ReplayTasks replays,
      Audit audit) {
    this.groups = groups;
    this.search = search;
    this.letters = letters;
    this.dryReplay = dryReplay;
    this.replays = replays;
    this.audit = audit;
  }

  @GetMapping("/letters")
  @Needs(Right.SEE_LETTERS)
  String groups(
      @PathVariable String practice,
      @RequestParam(defaultValue = "newest") String order,
      @RequestParam(defaultValue = "") String feed,
      @RequestParam(defaultValue = "") String category,
      HttpServletRequest request,
      Model model) {
    List<LetterGroups.Group> found =
        groups.list(
            practice,
            order.equals("largest") ? LetterGroups.Order.LARGEST : LetterGroups.Order.NEWEST,
            feed.isBlank() ? null : feed.strip(),
            category(category));
    audit.note(
        practice, Visit.of(request).actor(), "listed dead letters", found.size() + " groups");
    model.addAttribute("order", order);
    model.addAttribute("feed", feed);
    model.addAttribute("category", category);
    model.addAttribute("categories", Category.values());
    model.addAttribute("groups", found);
    model.addAttribute("tasks", replays.list(practice, 5));
    return "letters";
  }

  private static @Nullable Category category(String name) {
    return Arrays.stream(Category.values())
        .filter(c -> c.name().equals(name))
        .findFirst()
        .orElse(null);
  }

  /** Letters of a record, or of a feed, whatever became of them. */
  @GetMapping("/letters/find")
  @Needs(Right.SEE_LETTERS)
  String find(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String feed,
      @RequestParam(defaultValue = "") String record,
      @RequestParam(required = false) @Nullable String after,
      HttpServletRequest request,
      Model model) {
    LetterFilter filter = LetterFilter.ALL.in(Letter.State.values());
    filter = feed.isBlank() ? filter : filter.ofFeed(feed.strip());
    filter = record.isBlank() ? filter : filter.ofRecord(record.strip());
    LetterSearch.Page page;
    try {
      page = search.search(practice, filter, after, PAGE);
    } catch (IllegalArgumentException e) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    audit.note(
        practice,
        Visit.of(request).actor(),
        "searched dead letters",
        String.valueOf(page.letters().size()));
    model.addAttribute("feed", feed);
    model.addAttribute("record", record);
    model.addAttribute("page", page);
    return "letters-found";
  }

  /** A day in the picture of how large a group was. */
  record Day(LetterGroups.Size size, int x, double y, double height) {}

  @GetMapping("/letters/group")
  @Needs(Right.SEE_LETTERS)
  String group(
      @PathVariable String practice,
      @RequestParam String key,
      @RequestParam(required = false) @Nullable String after,
      HttpServletRequest request,
      Model model) {
    audit.note(practice, Visit.of(request).actor(), "saw dead letters", "group " + key);
    return groupPage(practice, key, after, model);
  }

  private String groupPage(String practice, String key, @Nullable String after, Model model) {
    LetterGroups.Group group = groups.find(practice, key).orElseThrow(Desk::notThere);
    Instant now = Instant.now();
    List<LetterGroups.Size> sizes =
        groups.sizes(
            practice,
            key,
            LetterGroups.Bucket.DAY,
            now.minus(DAYS_SHOWN - 1, ChronoUnit.DAYS).truncatedTo(ChronoUnit.DAYS),
            now);
    long most = sizes.stream().mapToLong(LetterGroups.Size::open).max().orElse(0);
    List<Day> days = new ArrayList<>();
    for (LetterGroups.Size size : sizes) {
      double height = most == 0 ? 0 : (double) CHART_HEIGHT * size.open() / most;
      days.add(new Day(size, days.size(), CHART_HEIGHT - height, height));
    }
    LetterSearch.Page page;
    try {
      page = search.search(practice, LetterFilter.ALL.inGroup(key), after, PAGE);
    } catch (IllegalArgumentException e) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    model.addAttribute("group", group);
    model.addAttribute("days", days);
    model.addAttribute("most", most);
    model.addAttribute("example", groups.example(practice, key).orElse(null));
    model.addAttribute(
        "masked", groups.example(practice, key).map(e -> pretty(e.masked())).orElse(""));
    model.addAttribute("page", page);
    return "letter-group";
  }

  @GetMapping("/letters/{id}")
  @Needs(Right.SEE_LETTERS)
  String letter(
      @PathVariable String practice,
      @PathVariable long id,
      HttpServletRequest request,
      Model model) {
    audit.note(practice, Visit.of(request).actor(), "saw dead letters", "letter " + id);
    return letterPage(practice, id, model);
  }

  private String letterPage(String practice, long id, Model model) {
    Letter letter = search.find(practice, id).orElseThrow(Desk::notThere);
    model.addAttribute("letter", letter);
    model.addAttribute("masked", search.masked(practice, id).map(LetterPages::pretty).orElse(""));
    model.addAttribute("events", letters.events(practice, id));
    model.addAttribute("items", replays.ofLetter(practice, id));
    return "letter";
  }

  /** Shows the patient data of a letter; the reason goes to the audit. */
  @PostMapping("/letters/{id}/reveal")
  @Needs(Right.REVEAL_LETTERS)
  String reveal(
      @PathVariable String practice,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      Model model) {
    try {
      Optional<LetterDesk.Revealed> revealed =
          letters.reveal(practice, Visit.of(request).actor(), id, reason);
      LetterDesk.Revealed shown = revealed.orElseThrow(Desk::notThere);
      model.addAttribute("revealed", pretty(shown.record()));
      model.addAttribute("original", shown.original() == null ? null : pretty(shown.original()));
    } catch (IllegalArgumentException e) {
      model.addAttribute("complaint", e.getMessage());
    }
    return letterPage(practice, id, model);
  }

  /** Puts another record in the place of the one that failed; the original is kept. */
  @PostMapping("/letters/{id}/edit")
  @Needs(Right.CHANGE_LETTERS)
  String edit(
      @PathVariable String practice,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String record,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    String complaint;
    try {
      JsonNode edited = RecordJson.mapper().readTree(record);
      complaint =
          switch (letters.edit(practice, Visit.of(request).actor(), id, edited, reason)) {
            case EDITED -> null;
            case NOT_THERE -> throw Desk.notThere();
            case NOT_OPEN -> "The letter is closed, or on its way back.";
            case NOT_OF_THE_PMS -> "Only records as the PMS sent them can be edited.";
          };
    } catch (JsonProcessingException e) {
      complaint =
          "That is no JSON: line "
              + e.getLocation().getLineNr()
              + ", column "
              + e.getLocation().getColumnNr()
              + ".";
    } catch (IllegalArgumentException e) {
      complaint = e.getMessage();
    }
    if (complaint != null) {
      model.addAttribute("complaint", complaint);
      model.addAttribute("revealed", record);
      return letterPage(practice, id, model);
    }
    after.addFlashAttribute("done", "Kept; the original is kept too. Replay it to try again.");
    return "redirect:/console/" + practice + "/letters/" + id;
  }

  /** What is done to one letter, to some, or to a whole group. */
  private enum Deed {
    DRY_RUN,
    REPLAY,
    DISCARD,
    ASSIGN,
    NOTE
  }

  @PostMapping("/letters")
  @Needs(Right.CHANGE_LETTERS)
  String act(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String deed,
      @RequestParam(defaultValue = "") String group,
      @RequestParam(defaultValue = "") List<Long> letter,
      @RequestParam(defaultValue = "") String text,
      @RequestParam(defaultValue = "") String requestKey,
      HttpServletRequest request,
      RedirectAttributes after) {
    String actor = Visit.of(request).actor();
    Deed what =
        Arrays.stream(Deed.values())
            .filter(d -> d.name().toLowerCase(Locale.ROOT).replace('_', '-').equals(deed))
            .findFirst()
            .orElseThrow(() -> new ResponseStatusException(HttpStatus.BAD_REQUEST));
    if (letter.isEmpty() && group.isBlank()) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    Selection selection = letter.isEmpty() ? Selection.group(group) : Selection.letters(letter);
    String back =
        "redirect:/console/"
            + practice
            + (group.isBlank() ? "/letters/" + letter.get(0) : "/letters/group?key=" + group);
    try {
      switch (what) {
        case DRY_RUN -> {
          DryReplay.Result result = dryReplay.rehearse(practice, actor, selection, DryReplay.USUAL);
          after.addFlashAttribute("rehearsed", result);
        }
        case REPLAY -> {
          ReplayTasks.Task task =
              replays.start(
                  practice,
                  actor,
                  selection,
                  new ReplayTasks.Options(null, requestKey.isBlank() ? null : requestKey));
          return "redirect:/console/" + practice + "/replays/" + task.id();
        }
        case DISCARD ->
            after.addFlashAttribute(
                "done", letters.discard(practice, actor, selection, text) + " discarded.");
        case ASSIGN ->
            after.addFlashAttribute(
                "done",
                letters.assign(practice, actor, selection, text.isBlank() ? null : text.strip())
                    + " assigned.");
        case NOTE -> {
          letters.note(practice, actor, selection, text);
          after.addFlashAttribute("done", "Noted.");
        }
      }
    } catch (IllegalArgumentException e) {
      after.addFlashAttribute("complaint", e.getMessage());
    }
    return back;
  }

  /** How far a replay has come; the page asks again by itself until it is done. */
  @GetMapping("/replays/{id}")
  @Needs(Right.SEE_LETTERS)
  String replay(
      @PathVariable String practice,
      @PathVariable long id,
      HttpServletRequest request,
      Model model) {
    model.addAttribute("task", replays.find(practice, id).orElseThrow(Desk::notThere));
    model.addAttribute("items", replays.items(practice, id, null, 0, PAGE));
    return request.getHeader("HX-Request") == null ? "replay" : "replay :: progress";
  }

  @PostMapping("/replays/{id}")
  @Needs(Right.CHANGE_LETTERS)
  String steer(
      @PathVariable String practice,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String deed,
      HttpServletRequest request) {
    String actor = Visit.of(request).actor();
    if (replays.find(practice, id).isEmpty()) {
      throw Desk.notThere();
    }
    switch (deed) {
      case "pause" -> replays.pause(practice, actor, id);
      case "resume" -> replays.resume(practice, actor, id);
      case "stop" -> replays.stop(practice, actor, id);
      default -> throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    return "redirect:/console/" + practice + "/replays/" + id;
  }

  private static String pretty(JsonNode json) {
    return json.toPrettyString();
  }
}
