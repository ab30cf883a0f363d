package org.pmslink.feed;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.pmslink.practice.Practices;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Notices what a PMS's notifications have not told. A subscription numbers its events; where
 * numbers are missing, where one without numbers was silent for longer than its PMS catches up, or
 * where a notification says no more than that something happened, the feed that can ask the PMS is
 * asked to read. Without such a feed it stands in the status.
 */
@Component
public class SubscriptionEvents {
  private static final Logger LOG = LoggerFactory.getLogger(SubscriptionEvents.class);

  /** Events back that a server may go with a notification that was not answered. */
  private static final long SENT_AGAIN = 20;

  private final JdbcClient database;
  private final FeedStates states;
  private final Practices practices;

  SubscriptionEvents(JdbcClient database, FeedStates states, Practices practices) {
    this.database = database;
    this.states = states;
    this.practices = practices;
  }

  /**
   * What a notification says about its number.
   *
   * @param subscription the sender's name for it
   * @param first number of the first event it tells of; the one behind the last when it tells of
   *     none
   * @param last number of the last event that there has been
   */
  public record Numbers(String subscription, long first, long last) {}

  /**
   * Notes the numbers of a notification whose records are on the queue.
   *
   * @param begins whether the subscription begins with it, so that nothing can have been missed
   *     before
   * @return whether events were missed
   */
  public boolean note(FeedDefinition definition, Numbers numbers, boolean begins) {
    int practice = practices.id(definition.getPractice());
    Long known =
        database
            .sql(
                """
                select events from subscription_events
                where practice_id = ? and feed = ? and subscription = ?""")
            .params(practice, definition.getFeed(), numbers.subscription())
            .query(Long.class)
            .optional()
            .orElse(null);
    boolean missed = isMissed(known, numbers, begins);
    if (missed) {
      read(definition, "notifications of the PMS were missed");
    }
    // Behind the request to read: a crash in between asks twice and forgets nothing.
    database
        .sql(
            """
            insert into subscription_events (practice_id, feed, subscription, events)
            values (?, ?, ?, ?)
            on conflict (practice_id, feed, subscription) do update set events = case
              when excluded.events < subscription_events.events and not ?
              then subscription_events.events else excluded.events end""")
        .params(
            practice,
            definition.getFeed(),
            numbers.subscription(),
            numbers.last(),
            isAnew(known, numbers, begins))
        .update();
    return missed;
  }

  private static boolean isMissed(@Nullable Long known, Numbers numbers, boolean begins) {
    if (known == null) {
      return !begins && numbers.first() > 1;
    }
    return isAnew(known, numbers, begins) || numbers.first() > known + 1;
  }

  /**
   * Counted from the start again: what happened before that is anybody's guess. Some servers say so
   * with a handshake; of others the numbers alone show it, when they fall farther back than a
   * notification that is sent once more.
   */
  private static boolean isAnew(@Nullable Long known, Numbers numbers, boolean begins) {
    if (known == null || numbers.last() >= known) {
      return false;
    }
    return begins || (known - numbers.last() > SENT_AGAIN && numbers.last() < known / 2);
  }

  /**
   * Whether a PMS that numbers nothing, and after an outage sends what changed lately and no more,
   * has sent nothing for so long that something may be missing. Before the first delivery there is
   * no such time.
   */
  public boolean isSilentFor(Duration catchUp, FeedDefinition definition) {
    return database
        .sql(
            """
            select coalesce(last_received_at < now() - make_interval(secs => ?), false)
            from feeds where practice_id = ? and feed = ?""")
        .params(
            (double) catchUp.toSeconds(),
            practices.id(definition.getPractice()),
            definition.getFeed())
        .query(Boolean.class)
        .single();
  }

  /** A delivery came that held nothing to be taken: its PMS is there all the same. */
  public void heard(FeedDefinition definition) {
    states.received(practices.id(definition.getPractice()), definition.getFeed());
  }

  /**
   * Asks the feed that can to read now.
   *
   * @param reason without anything that was sent, for the status of a feed that has no other
   * @return whether there is such a feed
   */
  public boolean read(FeedDefinition definition, String reason) {
    String other = definition.getPollFeed();
    if (!other.isBlank() && states.askForPass(definition.getPractice(), other, false)) {
      LOG.info("feed {}: {}; feed {} reads now", definition.getFeed(), reason, other);
      return true;
    }
    LOG.warn("feed {}: {}, and no feed can read them", definition.getFeed(), reason);
    states.pause(
        practices.id(definition.getPractice()),
        definition.getFeed(),
        new PauseReason(
            PauseReason.Category.EVENTS_MISSED,
            reason
                + "; name the feed that polls this PMS in pollFeed, or let the PMS send its"
                + " patients again"));
    return false;
  }
}
