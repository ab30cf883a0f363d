package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.Alerts;
import org.pmslink.feed.FeedDesk;
import org.pmslink.feed.FeedHealth;
import org.pmslink.feed.FeedStates;
import org.pmslink.membership.RefusedException;
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

/** How the feeds of a practice do, and what IT can have done with them. */
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
  private final FeedDesk desk;

  FeedApi(
      FeedStates states,
      FeedHealth health,
      Alerts alerts,
      DeadLetters letters,
      Runs runs,
      FeedDesk desk) {
    this.states = states;
    this.health = health;
    this.alerts = alerts;
    this.letters = letters;
    this.runs = runs;
    this.desk = desk;
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
    return Tags.ok(existing(caller, feed));
  }

  private Feed existing(Caller caller, String name) {
    return feeds(caller).stream()
        .filter(one -> one.status().feed().equals(name))
        .findFirst()
        .orElseThrow(Problem.Refused::notThere);
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
   * @param acceptMissing a stream of which is gone indeed what the last comparison missed, as
   *     {@code missing} names it; then it compares
   */
  record NewPass(@Nullable Boolean comparison, @Nullable String acceptMissing) {}

  @PostMapping("/{feed}/passes")
  @Needs(Right.CHANGE_FEEDS)
  @Operation(
      summary = "Asks a feed to read now, or to compare every chart with what the PMS has",
      description =
          "Asked twice before it reads, it reads once. 409 while a person's pause stands: it reads"
              + " when that is over. accept_missing names a stream (missing of the feed's status) of"
              + " which is gone indeed what the last comparison missed; 409 when nothing is.")
  @ResponseStatus(HttpStatus.ACCEPTED)
  void ask(Caller caller, @PathVariable String feed, @RequestBody NewPass pass)
      throws RefusedException {
    existing(caller, feed);
    if (pass.acceptMissing() != null) {
      if (desk.acceptMissing(caller.practice(), caller.name(), feed, pass.acceptMissing())
          .isEmpty()) {
        throw new RefusedException(
            "No comparison of this feed has missed much of such a stream, or it is paused.");
      }
      return;
    }
    if (!desk.read(
        caller.practice(), caller.name(), feed, Boolean.TRUE.equals(pass.comparison()))) {
      throw new RefusedException("Somebody has paused the feed; resume it first.");
    }
  }

  /** Why a feed is paused, without patient data. */
  record Pause(String reason) {}

  @PostMapping("/{feed}/pause")
  @Needs(Right.CHANGE_FEEDS)
  @Operation(
      summary = "Pauses a feed until it is resumed",
      description =
          "A read under way leaves off after its page; whoever sends to it is told to keep what they"
              + " have. A feed that is paused stays as it is, with the reason of whoever was first.")
  ResponseEntity<Feed> pause(Caller caller, @PathVariable String feed, @RequestBody Pause why) {
    existing(caller, feed);
    try {
      desk.pause(caller.practice(), caller.name(), feed, why.reason() == null ? "" : why.reason());
    } catch (IllegalArgumentException e) {
      throw new Problem.Refused(422, "reason: " + e.getMessage());
    }
    return Tags.ok(existing(caller, feed));
  }

  @PostMapping("/{feed}/resume")
  @Needs(Right.CHANGE_FEEDS)
  @Operation(
      summary = "Ends a person's pause",
      description = "The feed goes on where it left off. One that is not paused stays as it is.")
  ResponseEntity<Feed> resume(Caller caller, @PathVariable String feed) {
    existing(caller, feed);
    desk.resume(caller.practice(), caller.name(), feed);
    return Tags.ok(existing(caller, feed));
  }
}
