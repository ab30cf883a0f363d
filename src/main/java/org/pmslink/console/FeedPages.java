package org.pmslink.console;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.Alerts;
import org.pmslink.feed.FeedDesk;
import org.pmslink.feed.FeedException;
import org.pmslink.feed.FeedFiles;
import org.pmslink.feed.FeedHealth;
import org.pmslink.feed.FeedStates;
import org.pmslink.feed.FeedTasks;
import org.pmslink.feed.SourceFinding;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
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
 * How the feeds of a practice do, and what IT can have done with them: pause and resume, read now,
 * compare, check the file, try it, take it up. Counts and ids; no patient's data.
 */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}/feeds")
class FeedPages {
  private static final int HOURS = 24;
  private static final int DAYS = 30;
  private static final int TASKS = 5;
  private static final int CHART_HEIGHT = 60;
  private static final Pattern LINE = Pattern.compile("line (\\d{1,6})");

  private final FeedStates states;
  private final FeedHealth health;
  private final FeedDesk desk;
  private final FeedTasks tasks;
  private final FeedFiles files;
  private final Alerts alerts;
  private final DeadLetters letters;
  private final Runs runs;
  private final Practices practices;
  private final Shown shown;

  FeedPages(
      FeedStates states,
      FeedHealth health,
      FeedDesk desk,
      FeedTasks tasks,
      FeedFiles files,
      Alerts alerts,
      DeadLetters letters,
      Runs runs,
      Practices practices,
      Shown shown) {
    this.states = states;
    this.health = health;
    this.desk = desk;
    this.tasks = tasks;
    this.files = files;
    this.alerts = alerts;
    this.letters = letters;
    this.runs = runs;
    this.practices = practices;
    this.shown = shown;
  }

  /** A feed in the list. */
  record Line(
      FeedStates.Status status,
      FeedHealth.Vitals vitals,
      Alerts.@Nullable Alert alert,
      int letters) {}

  @GetMapping
  @Needs(Right.SEE_FEEDS)
  String feeds(@PathVariable String practice, Model model) {
    int id = practices.id(practice);
    List<FeedStates.Status> known =
        states.all().stream().filter(feed -> feed.practice().equals(practice)).toList();
    model.addAttribute(
        "feeds",
        known.stream()
            .map(
                feed ->
                    new Line(
                        feed,
                        health.of(id, feed.feed()),
                        alerts.open(id, feed.feed()).orElse(null),
                        letters.openCount(id, feed.feed())))
            .toList());
    model.addAttribute(
        "fresh",
        files.of(practice).stream()
            .filter(file -> known.stream().noneMatch(feed -> feed.feed().equals(file)))
            .toList());
    return "feeds";
  }

  /** A bar of a chart. */
  record Bar(int x, double y, double height) {}

  /**
   * A small chart.
   *
   * @param words the same in a sentence, for whoever does not see it
   */
  record Chart(String title, String words, boolean good, List<Bar> bars) {}

  @GetMapping("/{feed}")
  @Needs(Right.SEE_FEEDS)
  String feed(
      @PathVariable String practice,
      @PathVariable String feed,
      @RequestParam(defaultValue = "day") String span,
      Model model) {
    return feedPage(practice, feed, span.equals("month"), model);
  }

  private String feedPage(String practice, String feed, boolean month, Model model) {
    int id = practices.id(practice);
    FeedStates.Status status = states.find(practice, feed).orElseThrow(Desk::notThere);
    List<FeedHealth.Span> spans =
        month
            ? health.spans(id, feed, ChronoUnit.DAYS, DAYS, shown.zone())
            : health.spans(id, feed, ChronoUnit.HOURS, HOURS, shown.zone());
    model.addAttribute("status", status);
    model.addAttribute("way", files.way(feed).orElse(null));
    model.addAttribute("vitals", health.of(id, feed));
    model.addAttribute("alert", alerts.open(id, feed).orElse(null));
    model.addAttribute("alerts", alerts.newest(id, feed, TASKS));
    model.addAttribute("run", runs.newest(id, feed, null).orElse(null));
    model.addAttribute("letters", letters.openCount(id, feed));
    model.addAttribute("tasks", tasks.newest(practice, feed, TASKS));
    model.addAttribute("month", month);
    model.addAttribute("spans", spans);
    model.addAttribute(
        "charts",
        List.of(
            chart("Records read", "records", true, spans, FeedHealth.Span::read, true),
            chart(
                "Dead letters", "dead letters", false, spans, FeedHealth.Span::deadLettered, true),
            chart(
                "Lag: slowest pass, from its beginning until all was stored",
                "seconds",
                true,
                spans,
                FeedHealth.Span::slowestSeconds,
                false)));
    return "feed";
  }

  private Chart chart(
      String title,
      String unit,
      boolean good,
      List<FeedHealth.Span> spans,
      ToLongFunction<FeedHealth.Span> value,
      boolean adds) {
    long most = spans.stream().mapToLong(value).max().orElse(0);
    long sum = spans.stream().mapToLong(value).sum();
    List<Bar> bars = new ArrayList<>();
    Instant top = null;
    for (FeedHealth.Span span : spans) {
      long here = value.applyAsLong(span);
      double height = most == 0 ? 0 : (double) CHART_HEIGHT * here / most;
      bars.add(new Bar(bars.size(), CHART_HEIGHT - height, height));
      if (here == most) {
        top = span.from();
      }
    }
    String words =
        most == 0
            ? "none"
            : String.format(
                Locale.US,
                "%sat most %,d %s, from %s on",
                adds ? String.format(Locale.US, "%,d in all, ", sum) : "",
                most,
                unit,
                shown.at(top));
    return new Chart(title, words, good, bars);
  }

  /** A line of a feed's file. */
  record FileLine(int number, String text, boolean wrong) {}

  /** The file as it is on the disk, with what is wrong with it; its PMS is asked by a task. */
  @GetMapping("/{feed}/file")
  @Needs(Right.CHANGE_FEEDS)
  String file(@PathVariable String practice, @PathVariable String feed, Model model) {
    requireFile(practice, feed);
    List<SourceFinding> findings = files.findings(feed);
    List<FileLine> lines = new ArrayList<>();
    try {
      for (String text : files.lines(feed).orElseThrow(Desk::notThere)) {
        int number = lines.size() + 1;
        lines.add(
            new FileLine(number, text, findings.stream().anyMatch(f -> isAt(f, feed, number))));
      }
    } catch (FeedException e) {
      model.addAttribute("complaint", e.getMessage());
    }
    model.addAttribute("feed", feed);
    model.addAttribute("runs", files.loaded().contains(feed));
    model.addAttribute("asOnDisk", files.isAsOnDisk(feed));
    model.addAttribute("way", files.way(feed).orElse(null));
    model.addAttribute("findings", findings);
    model.addAttribute("lines", lines);
    return "feed-file";
  }

  private static boolean isAt(SourceFinding finding, String feed, int number) {
    Matcher line = LINE.matcher(finding.place());
    return finding.place().startsWith(feed + ".camel.yaml")
        && line.find()
        && Integer.parseInt(line.group(1)) == number;
  }

  /** A file that names this practice, or none at all although its feed is of this practice. */
  private void requireFile(String practice, String feed) {
    String named = files.practiceNamedIn(feed);
    if (!named.equals(practice)
        && !(named.equals("unknown") && states.find(practice, feed).isPresent())) {
      throw Desk.notThere();
    }
  }

  @PostMapping("/{feed}")
  @Needs(Right.CHANGE_FEEDS)
  String act(
      @PathVariable String practice,
      @PathVariable String feed,
      @RequestParam(defaultValue = "") String deed,
      @RequestParam(defaultValue = "") String reason,
      @RequestParam(defaultValue = "") String stream,
      HttpServletRequest request,
      RedirectAttributes after) {
    String actor = Visit.of(request).actor();
    String back = "redirect:/console/{practice}/feeds/{feed}";
    switch (deed) {
      case "check" -> {
        return task(practice, actor, feed, FeedTasks.Kind.CHECK, false, after);
      }
      case "apply" -> {
        return task(practice, actor, feed, FeedTasks.Kind.APPLY, false, after);
      }
      case "dry-run" -> {
        return task(practice, actor, feed, FeedTasks.Kind.DRY_RUN, false, after);
      }
      case "dry-run-all" -> {
        return task(practice, actor, feed, FeedTasks.Kind.DRY_RUN, true, after);
      }
      case "read", "compare", "pause", "resume", "accept-missing" -> {
        if (states.find(practice, feed).isEmpty()) {
          throw Desk.notThere();
        }
      }
      default -> throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    try {
      String done =
          switch (deed) {
            case "read" -> desk.read(practice, actor, feed, false) ? "It is read now." : null;
            case "compare" ->
                desk.read(practice, actor, feed, true) ? "Every chart is compared now." : null;
            case "accept-missing" ->
                desk.acceptMissing(practice, actor, feed, stream).isPresent()
                    ? "It is compared once more; what is still missing then is removed."
                    : null;
            case "pause" -> desk.pause(practice, actor, feed, reason) ? "It is paused." : null;
            default -> desk.resume(practice, actor, feed) ? "It goes on." : null;
          };
      after.addFlashAttribute(
          done == null ? "complaint" : "done",
          done == null ? "Somebody was quicker: look how it is now." : done);
    } catch (IllegalArgumentException e) {
      after.addFlashAttribute("complaint", e.getMessage());
    }
    return back;
  }

  private String task(
      String practice,
      String actor,
      String feed,
      FeedTasks.Kind kind,
      boolean everything,
      RedirectAttributes after) {
    requireFile(practice, feed);
    after.addAttribute("task", tasks.ask(practice, actor, feed, kind, everything));
    return "redirect:/console/{practice}/feeds/{feed}/tasks/{task}";
  }

  /** How far a task has come; the page asks again by itself until it is done. */
  @GetMapping("/{feed}/tasks/{id}")
  @Needs(Right.SEE_FEEDS)
  String task(
      @PathVariable String practice,
      @PathVariable String feed,
      @PathVariable long id,
      HttpServletRequest request,
      Model model) {
    FeedTasks.Task task = tasks.find(practice, feed, id).orElseThrow(Desk::notThere);
    model.addAttribute("task", task);
    model.addAttribute("waits", tasks.waitsFor(practice, task).orElse(null));
    JsonNode report = task.report();
    if (report != null && task.kind() == FeedTasks.Kind.CHECK) {
      List<SourceFinding> findings = new ArrayList<>();
      report.forEach(
          f ->
              findings.add(
                  new SourceFinding(
                      SourceFinding.Kind.valueOf(f.path("kind").asText()),
                      f.path("place").asText(),
                      f.path("text").asText())));
      model.addAttribute("findings", findings);
    } else if (report != null) {
      model.addAttribute("known", report.path("known").asBoolean());
      model.addAttribute("streams", rows(report.path("streams"), "stream", "read", "kept"));
      model.addAttribute(
          "failing", rows(report.path("failing"), "stream", "reason", "count", "ids"));
      List<List<String>> flags = new ArrayList<>();
      report
          .path("flags")
          .properties()
          .forEach(f -> flags.add(List.of(f.getKey(), f.getValue().asText())));
      model.addAttribute("flags", flags);
      model.addAttribute("endings", rows(report.path("endings"), "outcome", "reason", "count"));
    }
    return request.getHeader("HX-Request") == null ? "feed-task" : "feed-task :: progress";
  }

  private static List<List<String>> rows(JsonNode list, String... fields) {
    List<List<String>> rows = new ArrayList<>();
    for (JsonNode entry : list) {
      List<String> row = new ArrayList<>();
      for (String field : fields) {
        JsonNode value = entry.path(field);
        if (value.isArray()) {
          List<String> texts = new ArrayList<>();
          value.forEach(text -> texts.add(text.asText()));
          row.add(String.join(", ", texts));
        } else {
          row.add(
              value.isNumber() ? String.format(Locale.US, "%,d", value.asLong()) : value.asText());
        }
      }
      rows.add(row);
    }
    return rows;
  }

  /** Has a dry run leave off after the page under way. */
  @PostMapping("/{feed}/tasks/{id}")
  @Needs(Right.CHANGE_FEEDS)
  String stop(
      @PathVariable String practice,
      @PathVariable String feed,
      @PathVariable long id,
      HttpServletRequest request,
      RedirectAttributes after) {
    FeedTasks.Task task = tasks.find(practice, feed, id).orElseThrow(Desk::notThere);
    if (task.isUnderWay()) {
      tasks.stop(practice, Visit.of(request).actor(), id);
    } else {
      after.addFlashAttribute("done", "It had come to its end already.");
    }
    return "redirect:/console/{practice}/feeds/{feed}/tasks/{id}";
  }
}
