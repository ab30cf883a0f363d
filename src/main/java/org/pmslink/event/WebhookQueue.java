package org.pmslink.event;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Profile;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * What is to be sent to webhooks, and what became of it.
 *
 * <p>A receiver that is not there gets nothing at all until it is back, tried with one event at
 * growing distances. An event that a receiver which is there does not want waits by itself, and
 * with it those of the same subject that came later. Both are given up after a day.
 */
@Component
@Profile("!tool")
public class WebhookQueue {
  private static final Logger log = LoggerFactory.getLogger(WebhookQueue.class);
  private static final int PAGE = 20;
  private static final long FIRST_WAIT_SECONDS = 5;
  private static final long LONGEST_WAIT_SECONDS = 3_600;
  private static final int GROWTH = 3;

  private final JdbcTemplate database;
  private final Webhooks webhooks;
  private final MeterRegistry metrics;
  private final Duration giveUpAfter;
  private final AtomicLong givenUp = new AtomicLong();

  WebhookQueue(
      JdbcTemplate database,
      Webhooks webhooks,
      MeterRegistry metrics,
      @Value("${pmslink.webhooks.give-up-after:P1D}") Duration giveUpAfter) {
    this.database = database;
    this.webhooks = webhooks;
    this.metrics = metrics;
    this.giveUpAfter = giveUpAfter;
    metrics.gauge("pmslink.webhooks.given-up", givenUp);
  }

  /** A webhook whose turn it is. */
  public record Turn(
      int practiceId,
      String practice,
      long webhook,
      String name,
      String url,
      byte[] key,
      boolean mayBePrivate,
      int failures,
      @Nullable Instant failingSince) {}

  /** An event for a webhook. */
  record Delivery(Event event, int attempts, Instant waitingSince) {}

  /** Webhooks, of all practices, for which something waits that may be tried now. */
  public List<Turn> turns() {
    givenUp.set(
        Objects.requireNonNull(
            database.queryForObject(
                "select count(*) from webhook_deliveries where state = 'GIVEN_UP'", Long.class)));
    return database.query(
        """
        select w.practice_id, r.practice, w.id, w.name, w.url, w.secret, w.private_network,
               w.failures, w.failing_since
        from webhooks w join practices r on r.id = w.practice_id
        where w.removed_at is null and w.next_turn_at <= now()
          and exists (select 1 from webhook_deliveries d
                      where d.practice_id = w.practice_id and d.webhook_id = w.id
                        and d.state = 'WAITING' and d.next_attempt_at <= now())
        order by w.id""",
        (row, n) ->
            new Turn(
                row.getInt(1),
                row.getString(2),
                row.getLong(3),
                row.getString(4),
                row.getString(5),
                webhooks.key(row.getBytes(6)),
                row.getBoolean(7),
                row.getInt(8),
                row.getTimestamp(9) == null ? null : row.getTimestamp(9).toInstant()));
  }

  /** The next events for a webhook, behind none of the same subject that has to wait. */
  List<Delivery> next(Turn turn) {
    return database.query(
        "select "
            + Events.EVENT
            + """
            , d.attempts, d.waiting_since
            from (
              select w.* from webhook_deliveries w
              where w.practice_id = ? and w.webhook_id = ? and w.state = 'WAITING'
                and w.next_attempt_at <= now()
                and not exists (
                  select 1 from webhook_deliveries b
                  where b.practice_id = w.practice_id and b.webhook_id = w.webhook_id
                    and b.subject = w.subject and b.state = 'WAITING'
                    and b.event_id < w.event_id and b.next_attempt_at > now())
              order by w.event_id limit ?) d
            join events e on e.practice_id = d.practice_id and e.id = d.event_id
            join practices r on r.id = e.practice_id
            order by e.id""",
        (row, n) ->
            new Delivery(Events.event(row), row.getInt(9), row.getTimestamp(10).toInstant()),
        turn.practiceId(),
        turn.webhook(),
        PAGE);
  }

  /** The receiver has it. */
  @Transactional
  public void delivered(Turn turn, Delivery delivery, int status) {
    end(turn, delivery, "DELIVERED", Integer.toString(status));
    int recovered =
        database.update(
            """
            update webhooks set failures = 0, failing_since = null, last_answer = ?
            where practice_id = ? and id = ? and failing_since is not null""",
            Integer.toString(status),
            turn.practiceId(),
            turn.webhook());
    metrics.counter("pmslink.webhooks.delivered").increment();
    if (recovered == 1) {
      log.info("webhook {} of {} is back", turn.name(), turn.practice());
    }
  }

  private void end(Turn turn, Delivery delivery, String state, String answer) {
    database.update(
        """
        update webhook_deliveries set state = ?, attempts = attempts + 1, last_answer = ?,
          ended_at = now()
        where practice_id = ? and webhook_id = ? and event_id = ? and state = 'WAITING'""",
        state,
        answer,
        turn.practiceId(),
        turn.webhook(),
        delivery.event().number());
  }

  /** The receiver is there, and does not want this one. */
  @Transactional
  public void refused(Turn turn, Delivery delivery, int status) {
    metrics.counter("pmslink.webhooks.failed").increment();
    if (isOver(delivery.waitingSince())) {
      end(turn, delivery, "GIVEN_UP", Integer.toString(status));
      giveUp(turn, 1, Integer.toString(status));
      return;
    }
    if (delivery.attempts() == 0) {
      log.warn(
          "webhook {} of {} refuses an event with status {}; it is sent again",
          turn.name(),
          turn.practice(),
          status);
    }
    postpone(turn, delivery, Integer.toString(status), secondsToWait(delivery.attempts(), 0));
  }

  private void postpone(Turn turn, Delivery delivery, String answer, long seconds) {
    database.update(
        """
        update webhook_deliveries set attempts = attempts + 1, last_answer = ?,
          next_attempt_at = now() + make_interval(secs => ?)
        where practice_id = ? and webhook_id = ? and event_id = ? and state = 'WAITING'""",
        answer,
        seconds,
        turn.practiceId(),
        turn.webhook(),
        delivery.event().number());
  }

  /**
   * The receiver is not there, or can take nothing.
   *
   * @param answer status, or what kind of failure; never what it said
   * @param retryAfterSeconds as it asked for; 0 for nothing
   */
  @Transactional
  public void failed(Turn turn, Delivery delivery, String answer, long retryAfterSeconds) {
    metrics.counter("pmslink.webhooks.failed").increment();
    postpone(turn, delivery, answer, 0);
    database.update(
        """
        update webhooks set failures = failures + 1, failing_since = coalesce(failing_since, now()),
          last_answer = ?, next_turn_at = now() + make_interval(secs => ?)
        where practice_id = ? and id = ?""",
        answer,
        secondsToWait(turn.failures(), retryAfterSeconds),
        turn.practiceId(),
        turn.webhook());
    if (turn.failingSince() == null) {
      log.warn(
          "webhook {} of {} fails ({}); its events wait", turn.name(), turn.practice(), answer);
    } else if (isOver(turn.failingSince())) {
      int gone =
          database.update(
              """
              update webhook_deliveries set state = 'GIVEN_UP', ended_at = now(),
                last_answer = coalesce(last_answer, ?)
              where practice_id = ? and webhook_id = ? and state = 'WAITING'
                and waiting_since < now() - make_interval(secs => ?)""",
              answer,
              turn.practiceId(),
              turn.webhook(),
              giveUpAfter.toSeconds());
      if (gone > 0) {
        giveUp(turn, gone, answer);
      }
    }
  }

  private boolean isOver(Instant since) {
    return since.plus(giveUpAfter).isBefore(Instant.now());
  }

  private void giveUp(Turn turn, int events, String answer) {
    metrics.counter("pmslink.webhooks.abandoned").increment(events);
    log.warn(
        "alert: webhook {} of {}: {} events given up after {} h, last answer {}; see webhook list,"
            + " then webhook resend",
        turn.name(),
        turn.practice(),
        events,
        giveUpAfter.toHours(),
        answer);
  }

  /** Five seconds, then three times as long each time, an hour at most, and never all at once. */
  static long secondsToWait(int attempts, long askedFor) {
    long seconds = FIRST_WAIT_SECONDS;
    for (int i = 0; i < attempts && seconds < LONGEST_WAIT_SECONDS; i++) {
      seconds *= GROWTH;
    }
    seconds = Math.min(Math.max(seconds, askedFor), LONGEST_WAIT_SECONDS);
    return seconds + ThreadLocalRandom.current().nextLong(seconds / 5 + 1);
  }
}
