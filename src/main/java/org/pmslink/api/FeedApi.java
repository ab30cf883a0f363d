package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.Alerts;
import org.pmslink.feed.FeedHealth;
import org.pmslink.feed.FeedStates;
import org.pmslink.progress.Runs;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** How the feeds of a practice do. */
@RestController
@ConditionalOnWebApplication
@RequestMapping(path = ApiJson.PRACTICE + "/feeds", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Feeds")
class FeedApi {
  private final FeedStates states;
  private final FeedHealth health;
  private final Alerts alerts;
  private final DeadLetters letters;
  private final Runs runs;
  private final Audit audit;

  FeedApi(
      FeedStates states,
      FeedHealth health,
      Alerts alerts,
      DeadLetters letters,
      Runs runs,
      Audit audit) {
    this.states = states;
    this.health = health;
    this.alerts = alerts;
    this.letters = letters;
    this.runs = runs;
    this.audit = audit;
  }

  /**
   * A feed.
   *
   * @param status what it does, and why it does not
   * @param vitals what it brought in the last 24 hours, and its PMS's clock
   * @param newestPass its newest pass
   * @param openLetters dead letters that wait
   */
  record Feed(
      FeedStates.Status status,
      FeedHealth.Vitals vitals,
      Alerts.@Nullable Alert alert,
      Runs.@Nullable Run newestPass,
      int openLetters) {}

  @GetMapping
  @Needs(Right.SEE_FEEDS)
  @Operation(summary = "Feeds of the practice, by name")
  Page<Feed> list(Caller caller) {
    return new Page<>(feeds(caller), null);
  }

  @GetMapping("/{feed}")
  @Needs(Right.SEE_FEEDS)
  @Operation(summary = "One feed")
  ResponseEntity<Feed> read(Caller caller, @PathVariable String feed) {
    return Tags.ok(
        feeds(caller).stream()
            .filter(one -> one.status().feed().equals(feed))
            .findFirst()
            .orElseThrow(Problem.Refused::notThere));
  }

  private List<Feed> feeds(Caller caller) {
    int practice = caller.practiceId();
    return states.all().stream()
        .filter(feed -> feed.practice().equals(caller.practice()))
        .map(
            feed ->
                new Feed(
                    feed,
                    health.of(practice, feed.feed()),
                    alerts.open(practice, feed.feed()).orElse(null),
                    runs.newest(practice, feed.feed(), null).orElse(null),
                    letters.openCount(practice, feed.feed())))
        .toList();
  }

  /**
   * What a feed is asked to do.
   *
   * @param comparison whether every chart is compared, and not only what changed
   */
  record NewPass(@Nullable Boolean comparison) {}

  @PostMapping("/{feed}/passes")
  @Needs(Right.CHANGE_FEEDS)
  @Operation(summary = "Asks a feed to read now, or to compare every chart with what the PMS has")
  @ResponseStatus(HttpStatus.ACCEPTED)
  void ask(Caller caller, @PathVariable String feed, @RequestBody NewPass pass) {
    boolean compare = Boolean.TRUE.equals(pass.comparison());
    audit.noting(
        caller.practice(),
        caller.name(),
        compare ? "asked to compare" : "asked to read",
        feed,
        () -> {
          if (!states.askForPass(caller.practice(), feed, compare)) {
            throw Problem.Refused.notThere();
          }
        });
  }
}
