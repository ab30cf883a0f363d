package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.Alerts;
import org.pmslink.feed.FeedHealth;
import org.pmslink.feed.FeedStates;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/** How the feeds of a practice do, and asking them to read now. */
@Controller
@ConditionalOnWebApplication
class FeedPages {
  private final FeedStates states;
  private final FeedHealth health;
  private final Alerts alerts;
  private final DeadLetters letters;
  private final Runs runs;
  private final Practices practices;
  private final Audit audit;

  FeedPages(
      FeedStates states,
      FeedHealth health,
      Alerts alerts,
      DeadLetters letters,
      Runs runs,
      Practices practices,
      Audit audit) {
    this.states = states;
    this.health = health;
    this.alerts = alerts;
    this.letters = letters;
    this.runs = runs;
    this.practices = practices;
    this.audit = audit;
  }

  /**
   * A feed with all that there is to see of it.
   *
   * @param run its newest pass
   */
  record Line(
      FeedStates.Status status,
      FeedHealth.@Nullable Vitals vitals,
      Alerts.@Nullable Alert alert,
      Runs.@Nullable Run run,
      int letters) {}

  @GetMapping("/console/{practice}/feeds")
  @Needs(Right.SEE_FEEDS)
  String feeds(@PathVariable String practice, Model model) {
    int id = practices.id(practice);
    List<FeedHealth.Vitals> vitals = health.all();
    model.addAttribute(
        "feeds",
        states.all().stream()
            .filter(feed -> feed.practice().equals(practice))
            .map(
                feed ->
                    new Line(
                        feed,
                        vitals.stream()
                            .filter(v -> v.practiceId() == id && v.feed().equals(feed.feed()))
                            .findFirst()
                            .orElse(null),
                        alerts.open(id, feed.feed()).orElse(null),
                        runs.newest(id, feed.feed(), null).orElse(null),
                        letters.openCount(id, feed.feed())))
            .toList());
    return "feeds";
  }

  /** Reads a feed now, or compares every chart with what the PMS has. */
  @PostMapping("/console/{practice}/feeds/sync")
  @Needs(Right.CHANGE_FEEDS)
  String sync(
      @PathVariable String practice,
      @RequestParam String feed,
      @RequestParam(defaultValue = "false") boolean compare,
      HttpServletRequest request,
      RedirectAttributes after) {
    if (!states.askForPass(practice, feed, compare)) {
      throw Desk.notThere();
    }
    audit.note(
        practice, Visit.of(request).actor(), compare ? "asked to compare" : "asked to read", feed);
    after.addFlashAttribute("done", compare ? "Every chart is compared now." : "It is read now.");
    return "redirect:/console/" + practice + "/feeds";
  }
}
