package org.pmslink.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServletRequest;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
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
import org.springframework.web.util.UriComponentsBuilder;

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
  private final Shown shown;

  LetterPages(
      LetterGroups groups,
      LetterSearch search,
      LetterDesk letters,
      DryReplay dryReplay,
      ReplayTasks replays,
      Audit audit,
      Shown shown) {
    this.groups = groups;
    this.search = search;
    this.letters = letters;
    this.dryReplay = dryReplay;
    this.replays = replays;
    this.audit = audit;
    this.shown = shown;
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
    model.addAttribute("states", Letter.State.values());
    model.addAttribute("tasks", replays.list(practice, 5));
    return "letters";
  }

  /** Of a form that begins something: clicked twice, it begins one thing. */
  private static void key(Model model) {
    model.addAttribute("requestKey", UUID.randomUUID().toString());
  }

  private static @Nullable Category category(String name) {
    return Arrays.stream(Category.values())
        .filter(c -> c.name().equals(name))
        .findFirst()
        .orElse(null);
  }

  /**
   * What somebody looks for; what is empty is not asked about.
   *
   * @param record its id in the PMS
   * @param state empty for any
   * @param with who cares for it
   * @param since the day on which it last failed, at the earliest, by the office's clock
   * @param until and at the latest
   */
  record Sought(
      String record,
      String feed,
      String category,
      String state,
      String with,
      String since,
      String until) {

    Sought {
      record = record == null ? "" : record.strip();
      feed = feed == null ? "" : feed.strip();
      category = category == null ? "" : category;
      state = state == null ? "" : state;
      with = with == null ? "" : with.strip();
      since = since == null ? "" : since.strip();
      until = until == null ? "" : until.strip();
    }

    /** The same as a filter, or 400. */
    LetterFilter filter(Shown shown) {
      try {
        return LetterFilter.ALL
            .ofRecord(orNull(record))
            .ofFeed(orNull(feed))
            .ofCategory(category.isEmpty() ? null : Category.valueOf(category))
            .assignedTo(orNull(with))
            .failedWithin(day(since, 0, shown), day(until, 1, shown))
            .in(
                state.isEmpty()
                    ? Letter.State.values()
                    : new Letter.State[] {Letter.State.valueOf(state)});
      } catch (IllegalArgumentException | DateTimeException e) {
        throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
      }
    }

    private static @Nullable String orNull(String given) {
      return given.isEmpty() ? null : given;
    }

    private static @Nullable Instant day(String given, int more, Shown shown) {
      return given.isEmpty() ? null : shown.beginning(LocalDate.parse(given).plusDays(more));
    }

    /** Their names and values, for a form or an address that asks the same again. */
    public Map<String, String> values() {
      Map<String, String> values = new LinkedHashMap<>();
      values.put("record", record);
      values.put("feed", feed);
      values.put("category", category);
      values.put("state", state);
      values.put("with", with);
      values.put("since", since);
      values.put("until", until);
      values.values().removeIf(String::isEmpty);
      return values;
    }
  }

  /** Letters by whatever is known of them, whatever became of them. */
  @GetMapping("/letters/find")
  @Needs(Right.SEE_LETTERS)
  String find(
      @PathVariable String practice,
      Sought sought,
      @RequestParam(required = false) @Nullable String after,
      HttpServletRequest request,
      Model model) {
    LetterSearch.Page page = page(practice, sought.filter(shown), after);
    audit.note(
        practice,
        Visit.of(request).actor(),
        "searched dead letters",
        String.valueOf(page.letters().size()));
    model.addAttribute("sought", sought);
    model.addAttribute("categories", Category.values());
    model.addAttribute("states", Letter.State.values());
    key(model);
    model.addAttribute("page", page);
    model.addAttribute("here", address(practice, "find", sought.values()));
    return "letters-found";
  }

  private LetterSearch.Page page(String practice, LetterFilter filter, @Nullable String after) {
    try {
      return search.search(practice, filter, after, PAGE);
    } catch (IllegalArgumentException e) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
  }

  /** Address of letters, to which a cursor can be added. */
  private static String address(String practice, String page, Map<String, String> values) {
    UriComponentsBuilder address =
        UriComponentsBuilder.fromPath("/console/{practice}/letters/" + page);
    values.keySet().forEach(name -> address.queryParam(name, "{" + name + "}"));
    Map<String, String> all = new LinkedHashMap<>(values);
    all.put("practice", practice);
    return address.encode().buildAndExpand(all).toUriString();
  }

  /** Which letters of a group are shown. */
  private enum Show {
    OPEN(Letter.State.OPEN, Letter.State.REPLAYING),
    DISCARDED(Letter.State.DISCARDED),
    RESOLVED(Letter.State.RESOLVED);

    @SuppressWarnings("ImmutableEnumChecker") // only given to a filter, which copies them
    private final Letter.State[] states;

    Show(Letter.State... states) {
      this.states = states;
    }

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Show of(String label) {
      return Arrays.stream(values())
          .filter(show -> show.label().equals(label))
          .findFirst()
          .orElseThrow(() -> new ResponseStatusException(HttpStatus.BAD_REQUEST));
    }
  }

  /** A day in the picture of how large a group was. */
  record Day(LetterGroups.Size size, int x, double y, double height) {}

  @GetMapping("/letters/group")
  @Needs(Right.SEE_LETTERS)
  String group(
      @PathVariable String practice,
      @RequestParam String key,
      @RequestParam(defaultValue = "open") String show,
      @RequestParam(required = false) @Nullable String after,
      HttpServletRequest request,
      Model model) {
    audit.note(practice, Visit.of(request).actor(), "saw dead letters", "group " + key);
    Show which = Show.of(show);
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
    model.addAttribute("group", group);
    model.addAttribute("days", days);
    model.addAttribute("most", most);
    Optional<LetterGroups.Example> example = groups.example(practice, key);
    model.addAttribute("example", example.orElse(null));
    model.addAttribute("masked", example.map(e -> pretty(e.masked())).orElse(""));
    model.addAttribute("show", which.label());
    key(model);
    model.addAttribute(
        "page", page(practice, LetterFilter.ALL.inGroup(key).in(which.states), after));
    model.addAttribute(
        "here", address(practice, "group", Map.of("key", key, "show", which.label())));
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
    key(model);
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
      // Before the record: what is edited in between is then noticed.
      model.addAttribute("edition", letters.edition(practice, id).orElse(""));
      Optional<LetterDesk.Revealed> revealed =
          letters.reveal(practice, Visit.of(request).actor(), id, reason);
      LetterDesk.Revealed shown = revealed.orElseThrow(Desk::notThere);
      model.addAttribute("revealed", pretty(shown.record()));
      model.addAttribute("original", shown.original() == null ? null : pretty(shown.original()));
    } catch (IllegalArgumentException e) {
      model.addAttribute("complaint", e.getMessage());
      model.addAttribute("why", reason);
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
      @RequestParam(defaultValue = "") String edition,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    String complaint;
    try {
      JsonNode edited = RecordJson.mapper().readTree(record);
      complaint =
          switch (letters.edit(practice, Visit.of(request).actor(), id, edited, reason, edition)) {
            case EDITED -> null;
            case CHANGED_MEANWHILE ->
                "Somebody has changed this record meanwhile, or it came anew, and nothing was kept"
                    + " of what you typed below. Open the letter again to see how it is now.";
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
      model.addAttribute("edition", edition);
      model.addAttribute("why", reason);
      return letterPage(practice, id, model);
    }
    after.addFlashAttribute("done", "Kept; the original is kept too. Replay it to try again.");
    return "redirect:/console/" + practice + "/letters/" + id;
  }

  /** What is done to one letter, to some, or to all of a group or a search. */
  private enum Deed {
    DRY_RUN,
    REPLAY,
    DISCARD,
    REOPEN,
    ASSIGN,
    NOTE;

    String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * Letters as a form names them.
   *
   * @param which {@code ticked} for those of {@code letter}, {@code whole} for all of the group or
   *     of the search
   * @param group the group whose page this comes from
   * @param show what of the group that page shows
   * @param search whether it comes from a search
   * @param letter those that are ticked
   */
  record Chosen(String which, String group, String show, Boolean search, List<Long> letter) {

    Chosen {
      which = which == null ? "ticked" : which;
      group = group == null ? "" : group;
      show = show == null || show.isEmpty() ? "open" : show;
      search = Boolean.TRUE.equals(search);
      letter = letter == null ? List.of() : List.copyOf(letter);
    }

    /** For a page, which sees public methods only. */
    public boolean isWhole() {
      return which.equals("whole");
    }

    /** Where this comes from. */
    String page(String practice, Sought sought) {
      return search
          ? address(practice, "find", sought.values())
          : group.isBlank()
              ? address(practice, String.valueOf(letter.get(0)), Map.of())
              : address(practice, "group", Map.of("key", group, "show", show));
    }

    /**
     * What is meant.
     *
     * @throws IllegalArgumentException when that is not clear
     */
    Selection selection(Sought sought, Shown shown) {
      if (isWhole() && !letter.isEmpty()) {
        throw new IllegalArgumentException(
            "You have ticked letters and chosen all of them: choose one of the two.");
      }
      if (isWhole()) {
        return search ? Selection.matching(sought.filter(shown)) : Selection.group(group);
      }
      if (letter.isEmpty()) {
        throw new IllegalArgumentException(
            "Tick the letters that you mean, or choose all of them.");
      }
      return Selection.letters(letter);
    }
  }

  /**
   * What there is to say with a deed; each has a field of its own, so that what was typed for one
   * is nothing for another.
   *
   * @param reason of giving up or opening again
   * @param confirmed how many letters somebody was asked about before they are given up
   */
  record Said(
      String assignee,
      String note,
      String reason,
      @Nullable Integer confirmed,
      @Nullable String requestKey) {

    Said {
      assignee = assignee == null ? "" : assignee.strip();
      note = note == null ? "" : note;
      reason = reason == null ? "" : reason;
      requestKey = requestKey == null || requestKey.isBlank() ? null : requestKey;
    }
  }

  @PostMapping("/letters")
  @Needs(Right.CHANGE_LETTERS)
  String act(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String deed,
      Chosen chosen,
      Sought sought,
      Said said,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    Deed what =
        Arrays.stream(Deed.values())
            .filter(d -> d.label().equals(deed))
            .findFirst()
            .orElseThrow(() -> new ResponseStatusException(HttpStatus.BAD_REQUEST));
    if (chosen.letter().isEmpty() && chosen.group().isBlank() && !chosen.search()) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    String page = chosen.page(practice, sought);
    try {
      Selection selection = chosen.selection(sought, shown);
      if (what == Deed.DISCARD && said.confirmed() == null) {
        return confirmation(practice, selection, chosen, sought, page, after, model);
      }
      return "redirect:"
          + done(practice, Visit.of(request).actor(), what, selection, said, after, page);
    } catch (IllegalArgumentException e) {
      after.addFlashAttribute("complaint", e.getMessage());
      after.addFlashAttribute("said", said);
      return "redirect:" + page;
    }
  }

  /** Asks before letters are given up: how many these are is seen nowhere else. */
  private String confirmation(
      String practice,
      Selection selection,
      Chosen chosen,
      Sought sought,
      String page,
      RedirectAttributes after,
      Model model) {
    LetterDesk.Reach reach = letters.reach(practice, selection);
    if (reach.letters() == 0) {
      after.addFlashAttribute("complaint", "None of them is open.");
      return "redirect:" + page;
    }
    model.addAttribute("reach", reach);
    model.addAttribute("chosen", chosen);
    model.addAttribute("sought", sought);
    model.addAttribute("back", page);
    model.addAttribute(
        "group",
        chosen.isWhole() && !chosen.search()
            ? groups.find(practice, chosen.group()).orElseThrow(Desk::notThere)
            : null);
    return "letters-discard";
  }

  /** Does it, and says where one goes on. */
  private String done(
      String practice,
      String actor,
      Deed what,
      Selection selection,
      Said said,
      RedirectAttributes after,
      String page) {
    String done =
        switch (what) {
          case DRY_RUN -> {
            after.addFlashAttribute(
                "rehearsed", dryReplay.rehearse(practice, actor, selection, DryReplay.USUAL));
            yield null;
          }
          case REPLAY -> {
            ReplayTasks.Task task =
                replays.start(
                    practice, actor, selection, new ReplayTasks.Options(null, said.requestKey()));
            yield "/console/" + practice + "/replays/" + task.id();
          }
          case DISCARD -> discarded(practice, actor, selection, said, after);
          case REOPEN -> {
            int opened = letters.reopen(practice, actor, selection, said.reason());
            String complaint =
                "None was opened again: none of them is discarded, or their records have newer"
                    + " letters.";
            after.addFlashAttribute(
                opened == 0 ? "complaint" : "done",
                opened == 0 ? complaint : count(opened) + " opened again.");
            yield null;
          }
          case ASSIGN -> {
            String to = said.assignee();
            int assigned = letters.assign(practice, actor, selection, to.isEmpty() ? null : to);
            after.addFlashAttribute(
                "done", count(assigned) + " assigned to " + (to.isEmpty() ? "nobody" : to) + ".");
            yield null;
          }
          case NOTE -> {
            letters.note(practice, actor, selection, said.note());
            after.addFlashAttribute("done", "Noted.");
            yield null;
          }
        };
    return done == null ? page : done;
  }

  private @Nullable String discarded(
      String practice, String actor, Selection selection, Said said, RedirectAttributes after) {
    int most = said.confirmed() == null ? 0 : said.confirmed();
    int discarded = letters.discard(practice, actor, selection, said.reason(), most);
    if (discarded == 0) {
      after.addFlashAttribute("complaint", "None of them was open any more.");
      return null;
    }
    LetterDesk.Reach left = letters.reach(practice, selection);
    after.addFlashAttribute(
        "done",
        count(discarded)
            + " discarded."
            + (left.letters() == 0
                ? ""
                : " " + count(left.letters() + left.leftOut()) + " more are open still.")
            + (selection.ids() != null || left.others() == 0
                ? ""
                : " " + count(left.others()) + " are being replayed and were left alone."));
    return null;
  }

  private static String count(long letters) {
    return String.format(Locale.US, "%,d", letters) + (letters == 1 ? " letter" : " letters");
  }

  /** How far a replay has come; the page asks again by itself until it is done. */
  @GetMapping("/replays/{id}")
  @Needs(Right.SEE_LETTERS)
  String replay(
      @PathVariable String practice,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String state,
      @RequestParam(defaultValue = "0") long after,
      HttpServletRequest request,
      Model model) {
    ReplayTasks.ItemState only = null;
    for (ReplayTasks.ItemState known : ReplayTasks.ItemState.values()) {
      only = known.name().equals(state) ? known : only;
    }
    if (only == null && !state.isEmpty()) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    model.addAttribute("task", replays.find(practice, id).orElseThrow(Desk::notThere));
    List<ReplayTasks.Item> items = replays.items(practice, id, only, after, PAGE + 1);
    model.addAttribute("items", items.stream().limit(PAGE).toList());
    model.addAttribute("more", items.size() > PAGE ? items.get(PAGE - 1).letter() : null);
    model.addAttribute("state", state);
    model.addAttribute("after", after);
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
