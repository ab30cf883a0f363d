package org.pmslink.feed;

import java.util.Optional;
import org.pmslink.access.Audit;
import org.pmslink.linking.RecordStream;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * What people do with a feed; each of it is in the audit when it is done, and is not done if not.
 */
@Component
public class FeedDesk {
  private static final int LONGEST_REASON = 500;

  private final FeedStates states;
  private final Practices practices;
  private final Audit audit;

  FeedDesk(FeedStates states, Practices practices, Audit audit) {
    this.states = states;
    this.practices = practices;
    this.audit = audit;
  }

  /**
   * Pauses a feed until somebody resumes it. A read under way leaves off after its page; whoever
   * sends to it is told to keep what they have.
   *
   * @param practice one that exists
   * @param reason without patient data
   * @return false when there is no such feed, or it is on hold already
   * @throws IllegalArgumentException when there is no reason, or too much of it
   */
  @Transactional
  public boolean pause(String practice, String actor, String feed, String reason) {
    String why = reason.strip();
    if (why.isEmpty()) {
      throw new IllegalArgumentException(
          "Say why it is paused: whoever finds it like that will want to know.");
    }
    if (why.length() > LONGEST_REASON) {
      throw new IllegalArgumentException(
          "The reason has more than " + LONGEST_REASON + " characters.");
    }
    boolean done = states.hold(practices.id(practice), feed, actor, why);
    if (done) {
      audit.note(practice, actor, "paused a feed", feed + ": " + why);
    }
    return done;
  }

  /**
   * Ends such a pause; the feed goes on where it left off.
   *
   * @return false when there is no such feed, or it is not on hold
   */
  @Transactional
  public boolean resume(String practice, String actor, String feed) {
    boolean done = states.resume(practices.id(practice), feed);
    if (done) {
      audit.note(practice, actor, "resumed a feed", feed);
    }
    return done;
  }

  /**
   * Asks a feed to read now.
   *
   * @param comparison whether to compare every chart with what the PMS has
   * @return false when there is no such feed, or it is on hold
   */
  @Transactional
  public boolean read(String practice, String actor, String feed, boolean comparison) {
    if (states.isOnHold(practices.id(practice), feed)
        || !states.askForPass(practice, feed, comparison)) {
      return false;
    }
    audit.note(practice, actor, comparison ? "asked to compare" : "asked to read", feed);
    return true;
  }

  /**
   * Says that what the last comparison missed of a stream is gone indeed, and has the feed compare
   * again: what is still missing then, and not much more than this, is removed.
   *
   * @param stream as query files are named, such as {@code visits-procedures}
   * @return how much that is; absent when nothing of that stream is missing, or the feed is on hold
   */
  @Transactional
  public Optional<FeedStates.Missing> acceptMissing(
      String practice, String actor, String feed, String stream) {
    int id = practices.id(practice);
    if (states.isOnHold(id, feed)) {
      return Optional.empty();
    }
    Optional<FeedStates.Missing> missing =
        RecordStream.ofFile(stream).flatMap(one -> states.acceptMissing(id, feed, one));
    missing.ifPresent(
        gone -> {
          states.askForPass(practice, feed, true);
          audit.note(
              practice,
              actor,
              "accepted what is missing",
              feed + ": " + gone.records() + " of " + gone.of() + " " + gone.stream());
        });
    return missing;
  }
}
