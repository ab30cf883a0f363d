package org.pmslink.feed;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedPass.Place;
import org.pmslink.feed.FeedPass.Step;
import org.pmslink.feed.PauseReason.Category;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mappings;

/**
 * Stands in a feed's route where {@link FeedReader} stands when the feed is tried: the PMS is asked
 * by the same route and the same protocol, every stream from its beginning to its end, and what it
 * answers goes to whoever tries instead of onto the queue. Knows no cursor.
 */
public final class TrialReader {
  private static final int MOST_FAILURES = 5;
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(5);

  private final Mappings mappings;
  private final List<PmsProtocol> protocols;
  private final Predicate<RecordType> wanted;
  private final BiConsumer<FeedPass, List<PmsProtocol.Row>> rows;
  private final Predicate<FeedDefinition> usedUp;
  private final Clock clock = Clock.systemUTC();
  private final CountDownLatch done = new CountDownLatch(1);

  private volatile @Nullable FeedPass pass;
  private volatile @Nullable String problem;
  private Instant nextAttempt = Instant.MIN;
  private int failures;
  private boolean anyRead;

  /**
   * @param wanted types of records to read
   * @param rows gets the rows of each read
   * @param usedUp whether the PMS allows no more requests
   */
  TrialReader(
      Mappings mappings,
      List<PmsProtocol> protocols,
      Predicate<RecordType> wanted,
      BiConsumer<FeedPass, List<PmsProtocol.Row>> rows,
      Predicate<FeedDefinition> usedUp) {
    this.mappings = mappings;
    this.protocols = protocols;
    this.wanted = wanted;
    this.rows = rows;
    this.usedUp = usedUp;
  }

  /** Waits for the end, for a moment. */
  boolean await(Duration longest) throws InterruptedException {
    return done.await(longest.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Has it leave off after the page under way. */
  void leaveOff() {
    FeedPass underWay = pass;
    if (underWay != null) {
      underWay.ending.leaveOff();
    }
    done.countDown();
  }

  /** Why it could not be read to the end; none when it was. */
  @Nullable String problem() {
    return problem;
  }

  /** Begins the one pass, or goes on with it after a failure that may pass. */
  public @Nullable FeedPass begin(FeedDefinition definition) {
    if (done.getCount() == 0 || clock.instant().isBefore(nextAttempt)) {
      return null;
    }
    if (pass == null) {
      // An export would have the PMS write files for a trial; a search reads the same.
      definition.setBulk("false");
      FeedPass fresh = pass(definition);
      pass = fresh;
      enterNext(fresh);
    }
    return pass;
  }

  private FeedPass pass(FeedDefinition definition) {
    PmsProtocol protocol =
        protocols.stream()
            .filter(p -> p.name().equals(definition.getProtocol()))
            .findFirst()
            .orElseThrow(
                () ->
                    new FeedException("there is no protocol \"" + definition.getProtocol() + "\""));
    List<Place> places =
        protocol.streams(definition).stream()
            // What was deleted before a first load is not in it.
            .filter(s -> s.type() != RecordType.DELETES)
            .filter(s -> definition.isRead(s.type()) && wanted.test(s.type()))
            .map(s -> place(definition, s))
            .toList();
    return new FeedPass(definition, protocol, 0, false, true, clock.instant(), places);
  }

  private Place place(FeedDefinition definition, RecordStream stream) {
    return new Place(
        stream,
        mappings.pathFor(
            definition.getMappings(),
            stream.mappingName(),
            RecordStream.of(stream.type()).mappingName()),
        "",
        new FeedCursors.Cursor(true, null, 0, null, null, null, null, null, false, 0));
  }

  private void enterNext(FeedPass underWay) {
    underWay.at++;
    if (underWay.at == underWay.places.size()) {
      underWay.step = Step.DONE;
      done.countDown();
      return;
    }
    underWay.step = Step.RECORDS;
    underWay.first = true;
    underWay.afterKey = List.of();
    underWay.inHand = null;
  }

  /** Sets body and headers of the exchange for the next read. */
  public void prepare(Exchange exchange, @ExchangeProperty("pass") FeedPass underWay) {
    if (usedUp.test(underWay.definition)) {
      throw new FeedException(
          "the requests that the PMS allows in this month are used up; the trial asks for nothing"
              + " more");
    }
    underWay.asked = underWay.step;
    underWay.last = false;
    underWay.asking = true;
    exchange.getMessage().removeHeaders("*");
    underWay.protocol.ask(exchange, underWay);
    underWay.reading = underWay.asking;
  }

  /** Hands the rows of a read to whoever tries; nothing is for the queue. */
  public List<OutgoingBatch> received(
      Exchange exchange, @ExchangeProperty("pass") FeedPass underWay) {
    underWay.reading = false;
    PmsProtocol.Answer answer = underWay.protocol.answer(exchange, underWay);
    exchange.getMessage().removeHeaders("*");
    if (answer.withheld()) {
      throw new FeedException(PauseReason.withheldInWords(List.of(underWay.stream().queryName())));
    }
    underWay.first &= answer.rows().isEmpty();
    failures = 0;
    anyRead = true;
    rows.accept(underWay, answer.rows());
    return List.of();
  }

  /** A page is done. */
  public void sent(@ExchangeProperty("pass") FeedPass underWay) {
    if (underWay.last) {
      enterNext(underWay);
    }
  }

  /** Tries again what passes, as the feed itself would; anything else ends the trial. */
  public void failed(Exchange exchange, @ExchangeProperty("pass") @Nullable FeedPass underWay) {
    Throwable thrown = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
    PauseReason reason = PauseReason.of(thrown, underWay != null && underWay.reading);
    Duration asked = reason.retryAfter() == null ? Duration.ZERO : reason.retryAfter();
    failures++;
    boolean passes =
        reason.category() == Category.THROTTLED
            // A token that is no longer taken: the next one may be.
            || (reason.category() == Category.LOGIN_REFUSED && asked.isZero())
            || (anyRead
                && (reason.category() == Category.UNREACHABLE
                    || reason.category() == Category.TOO_SLOW));
    if (!passes || failures > MOST_FAILURES || asked.compareTo(LONGEST_WAIT) > 0) {
      problem = reason.text();
      done.countDown();
      return;
    }
    Duration ours = Duration.ofSeconds(1L << failures);
    nextAttempt = clock.instant().plus(asked.compareTo(ours) > 0 ? asked : ours);
  }
}
