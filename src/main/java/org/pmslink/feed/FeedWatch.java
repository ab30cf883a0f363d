package org.pmslink.feed;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.Alerts.Alert;
import org.pmslink.feed.FeedHealth.Vitals;
import org.pmslink.feed.PauseReason.Category;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Profile;
import org.springframework.stereotype.Component;

/**
 * Raises one alert when a feed is silent for longer than its history makes normal, with the likely
 * cause, and ends it when the feed is back. What mends itself (an office that switches its server
 * off at night) is measured by that history; what somebody must mend is not. A feed that goes on
 * has an alert, too, while a comparison missed too much of it, or its PMS withholds a stream.
 */
@Component
@Profile("!tool")
public class FeedWatch {
  private static final Logger log = LoggerFactory.getLogger(FeedWatch.class);

  /** Why a feed may be paused, and be back by itself. */
  private static final Set<String> PASSING =
      Set.of(Category.UNREACHABLE.name(), Category.TOO_SLOW.name(), Category.ENGINE.name());

  /** Passes are complete, and nothing new comes. */
  private static final Set<String> NOTHING_NEW = Set.of("NOTHING_NEW", "CLOCK_OFF");

  /** All else goes on, perhaps for ever: whatever else is the matter is said before it. */
  private static final String WITHHELD = "STREAMS_WITHHELD";

  /** A person's pause that lasts longer was forgotten, as likely as not. */
  private static final Duration LONGEST_HOLD = Duration.ofDays(1);

  private static final Duration CLOCK_OFF = Duration.ofMinutes(30);

  private final FeedHealth health;
  private final FeedStates states;
  private final Alerts alerts;
  private final MeterRegistry metrics;
  private final Duration leastSilence;
  private final Clock clock = Clock.systemUTC();
  private final AtomicLong open = new AtomicLong();

  FeedWatch(
      FeedHealth health,
      FeedStates states,
      Alerts alerts,
      MeterRegistry metrics,
      @Value("${pmslink.alerts.least-silence}") Duration leastSilence) {
    this.health = health;
    this.states = states;
    this.alerts = alerts;
    this.metrics = metrics;
    this.leastSilence = leastSilence;
    metrics.gauge("pmslink.alerts.open", open);
  }

  /** What is the matter with a feed. */
  private record Trouble(String cause, String message) {}

  /** Looks at every feed. */
  public void look() {
    for (Vitals feed : health.all()) {
      Optional<Alert> standing = alerts.open(feed.practiceId(), feed.feed());
      Trouble trouble = trouble(feed);
      if (trouble == null) {
        standing.filter(alert -> isBack(feed, alert)).ifPresent(alert -> end(feed, alert));
      } else if (standing.isEmpty()) {
        raise(feed, trouble);
      } else if (!isHeldBack(feed, standing.get(), trouble)) {
        change(feed, standing.get(), trouble);
      }
    }
    open.set(alerts.open());
  }

  /** Withheld streams take no alert over whose own cause may still be there. */
  private static boolean isHeldBack(Vitals feed, Alert standing, Trouble trouble) {
    return trouble.cause().equals(WITHHELD)
        && !standing.cause().equals(WITHHELD)
        && !isBack(feed, standing);
  }

  private void change(Vitals feed, Alert standing, Trouble trouble) {
    boolean sameCause = standing.cause().equals(trouble.cause());
    if (sameCause && standing.message().equals(trouble.message())) {
      return;
    }
    alerts.change(feed.practiceId(), standing, trouble.cause(), trouble.message());
    if (!sameCause) {
      log.warn(
          "alert has another cause: feed {}: {} ({})",
          feed.feed(),
          trouble.message(),
          trouble.cause());
    }
  }

  private void raise(Vitals feed, Trouble trouble) {
    alerts.raise(feed.practiceId(), feed.feed(), trouble.cause(), trouble.message());
    metrics.counter("pmslink.alerts.raised", "cause", trouble.cause()).increment();
    log.warn("alert: feed {}: {} ({})", feed.feed(), trouble.message(), trouble.cause());
  }

  private void end(Vitals feed, Alert alert) {
    alerts.recovered(feed.practiceId(), alert);
    metrics.counter("pmslink.alerts.recovered", "cause", alert.cause()).increment();
    log.info("alert over: feed {} is back ({})", feed.feed(), alert.cause());
  }

  /** Not when the night has come and silence is usual again: something must have arrived. */
  private static boolean isBack(Vitals feed, Alert alert) {
    Instant sign = NOTHING_NEW.contains(alert.cause()) ? feed.lastNewAt() : feed.lastSignAt();
    if (alert.cause().equals("ON_HOLD")) {
      return feed.onHold() == null;
    }
    if (alert.cause().equals(WITHHELD)) {
      return feed.withheldSince() == null;
    }
    return !feed.waiting() && sign != null && sign.isAfter(alert.raisedAt());
  }

  private @Nullable Trouble trouble(Vitals feed) {
    Instant now = clock.instant();
    FeedStates.Hold hold = feed.onHold();
    if (hold != null) {
      return isOver(LONGEST_HOLD, hold.since(), now)
          ? new Trouble(
              "ON_HOLD",
              "paused by " + hold.by() + " since " + hold.since() + " (" + hold.why() + ")")
          : null;
    }
    if (feed.waiting()) {
      return isOver(leastSilence, feed.waitingSince(), now) && !isUsual(feed, now)
          ? new Trouble(String.valueOf(feed.reasonCategory()), since(feed) + feed.reason())
          : null;
    }
    if (feed.missingSince() != null) {
      // At once: until somebody looks, whatever changes in the wrong database is believed.
      return goesOnThough(feed, Category.EMPTY_RESULT, Category.EMPTY_RESULT.name());
    }
    Instant pass = feed.lastPassAt();
    if (pass != null && isOver(leastSilence, feed.clockMovedAt(), pass)) {
      return new Trouble(
          "WATERMARK_STANDS",
          "the PMS server's clock has not moved since "
              + feed.clockMovedAt()
              + ", so what changes is read again and again; is it a copy that stands still?");
    }
    Trouble silence = nothingNew(feed, now);
    return silence == null && isOver(leastSilence, feed.withheldSince(), now)
        ? goesOnThough(feed, Category.NOT_ALLOWED, WITHHELD)
        : silence;
  }

  /** In the words of the status; nothing when it has ended this very moment. */
  private @Nullable Trouble goesOnThough(Vitals feed, Category category, String cause) {
    PauseReason reason = states.standing(feed.practiceId(), feed.feed());
    return reason == null || reason.category() != category
        ? null
        : new Trouble(cause, reason.text());
  }

  private @Nullable Trouble nothingNew(Vitals feed, Instant now) {
    if (!isOver(leastSilence, feed.lastNewAt(), now)) {
      return null;
    }
    List<Instant> arrivals = health.arrivals(feed.practiceId(), feed.feed());
    Optional<Duration> usual = UsualSilence.at(now, arrivals);
    if (usual.isEmpty() || !isOver(usual.get(), feed.lastNewAt(), now)) {
      return null;
    }
    String silence =
        "nothing new since "
            + feed.lastNewAt()
            + ", where "
            + hours(usual.get())
            + " at the most are usual at this time of the week; ";
    Long off = feed.clockOffSeconds();
    if (off != null && Duration.ofSeconds(off).abs().compareTo(CLOCK_OFF) > 0) {
      return new Trouble(
          "CLOCK_OFF",
          silence
              + "the PMS server's clock is "
              + Math.abs(off / 60)
              + " minutes "
              + (off < 0 ? "behind" : "ahead of")
              + " ours");
    }
    return new Trouble(
        "NOTHING_NEW",
        silence
            + (feed.lastPassAt() == null
                ? "does the sender still run?"
                : "is it still the database that the office works in, or a day off?"));
  }

  /** Whether a pause that may end by itself has not outlasted what this feed's history knows. */
  private boolean isUsual(Vitals feed, Instant now) {
    return PASSING.contains(String.valueOf(feed.reasonCategory()))
        && feed.lastNewAt() != null
        && UsualSilence.at(now, health.arrivals(feed.practiceId(), feed.feed()))
            .filter(usual -> !isOver(usual, feed.lastNewAt(), now))
            .isPresent();
  }

  private static boolean isOver(Duration longest, @Nullable Instant since, Instant now) {
    return since != null && Duration.between(since, now).compareTo(longest) > 0;
  }

  private static String since(Vitals feed) {
    Instant sign = feed.lastSignAt();
    return sign == null ? "nothing read yet: " : "nothing read since " + sign + ": ";
  }

  private static String hours(Duration duration) {
    return duration.toHours() + ":" + String.format("%02d", duration.toMinutesPart()) + " h";
  }
}
