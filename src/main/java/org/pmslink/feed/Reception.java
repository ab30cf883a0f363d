package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mappings;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Takes in records that a PMS or a middleware sends of its own accord, for the doors: makes the
 * messages of them that the door then puts on the queue. What was received in one go has a number,
 * its receipt, under which its fate can be asked for.
 *
 * <p>A door calls {@link #receive}, sends all batches, calls {@link #sent}, and only then tells the
 * sender that it has the records.
 */
@Component
public class Reception {
  /** Records to a message: enough to be quick, few enough to be taken apart quickly. */
  private static final int PAGE = 500;

  private final FeedStates states;
  private final FeedCursors cursors;
  private final Practices practices;
  private final Runs runs;
  private final Mappings mappings;
  private final Map<String, ZoneId> registered = new ConcurrentHashMap<>();

  Reception(
      FeedStates states, FeedCursors cursors, Practices practices, Runs runs, Mappings mappings) {
    this.states = states;
    this.cursors = cursors;
    this.practices = practices;
    this.runs = runs;
    this.mappings = mappings;
  }

  /** Records of one stream, raw, in the order in which they came. */
  public record Received(RecordStream stream, List<JsonNode> records) {}

  /**
   * What was received in one go.
   *
   * @param receipt number of the run that counts what becomes of it
   * @param batches to be put on the queue in this order
   */
  public record Receipt(int practice, long receipt, List<OutgoingBatch> batches) {}

  /** Makes a door's feed known before anything comes in; a second time changes nothing. */
  public void open(FeedDefinition definition) {
    if (!definition.getOfficeZone().equals(registered.get(definition.getFeed()))) {
      states.register(definition);
      // There is nothing to load first: what comes in is matched at once.
      runs.nothingToLoad(
          practices.id(definition.getPractice()), definition.getFeed(), definition.getSource());
      closeAbandoned(definition);
      registered.put(definition.getFeed(), definition.getOfficeZone());
    }
  }

  /**
   * Whether a person has paused the feed. A door must then take nothing, and answer so that the
   * sender keeps what it has and sends it again.
   */
  public boolean isOnHold(FeedDefinition definition) {
    return states.isOnHold(practices.id(definition.getPractice()), definition.getFeed());
  }

  /** What a crash cut short was never acknowledged, and comes again under another number. */
  private void closeAbandoned(FeedDefinition definition) {
    int practice = practices.id(definition.getPractice());
    for (Runs.Run run : runs.open(practice)) {
      if (run.feed().equals(definition.getFeed())
          && run.kind() == Runs.Kind.RECEIVED
          && run.readAt() == null) {
        runs.readingDone(practice, run.id());
      }
    }
  }

  /**
   * Makes messages of records. All of a feed are in one message group: what comes later is handled
   * later.
   *
   * @throws org.pmslink.mapping.MappingException when the feed's mapping folder has no mapping for
   *     one of the streams
   */
  public Receipt receive(FeedDefinition definition, List<Received> received) {
    return receive(definition, received, false, false);
  }

  /**
   * The same, for a PMS that stamps its records and whose deliveries may overtake one another: what
   * is older than the stored record by its stamp changes nothing.
   */
  public Receipt receiveByStamp(FeedDefinition definition, List<Received> received) {
    return receive(definition, received, false, true);
  }

  /**
   * The same, for senders who may ask what became of each record: {@link Runs#entries} then says
   * it.
   */
  public Receipt receiveOneByOne(FeedDefinition definition, List<Received> received) {
    return receive(definition, received, true, false);
  }

  private Receipt receive(
      FeedDefinition definition, List<Received> received, boolean oneByOne, boolean byStamp) {
    open(definition);
    int practice = practices.id(definition.getPractice());
    for (Received some : received) {
      requireMapping(definition, some.stream());
    }
    long run =
        runs.start(practice, definition.getFeed(), definition.getSource(), Runs.Kind.RECEIVED);
    List<OutgoingBatch> batches = new ArrayList<>();
    for (Received some : received) {
      for (int from = 0; from < some.records().size(); from += PAGE) {
        List<JsonNode> page =
            some.records().subList(from, Math.min(from + PAGE, some.records().size()));
        batches.add(
            new OutgoingBatch(
                definition.getFeed() + "#in",
                batch(
                    definition,
                    some.stream(),
                    run,
                    batches.size() + 1,
                    oneByOne ? from + 1 : null,
                    byStamp,
                    page)));
      }
    }
    return new Receipt(practice, run, batches);
  }

  /** Everything of this receipt is durably on the queue. One transaction: each waits for a disk. */
  @Transactional
  public void sent(Receipt receipt) {
    for (OutgoingBatch outgoing : receipt.batches()) {
      RecordBatch batch = outgoing.batch();
      runs.sent(receipt.practice(), receipt.receipt(), batch.page(), batch.records().size());
    }
    runs.readingDone(receipt.practice(), receipt.receipt());
    if (!receipt.batches().isEmpty()) {
      states.received(receipt.practice(), receipt.batches().get(0).batch().feed());
    }
  }

  /** Not everything of this receipt came onto the queue, and its sender is told so. */
  public void givenUp(Receipt receipt) {
    runs.readingDone(receipt.practice(), receipt.receipt());
  }

  private void requireMapping(FeedDefinition definition, RecordStream stream) {
    mappings.get(mapping(definition, stream));
  }

  private String mapping(FeedDefinition definition, RecordStream stream) {
    return mappings.pathFor(
        definition.getMappings(),
        stream.mappingName(),
        RecordStream.of(stream.type()).mappingName());
  }

  private RecordBatch batch(
      FeedDefinition definition,
      RecordStream stream,
      long run,
      int page,
      @Nullable Integer firstEntry,
      boolean byStamp,
      List<JsonNode> records) {
    return new RecordBatch(
        definition.getPractice(),
        definition.getSource(),
        definition.getFeed(),
        run,
        page,
        "",
        records.size(),
        cursors.nextVersion(),
        stream.type(),
        stream.name(),
        true,
        mapping(definition, stream),
        definition.getZone().getId(),
        definition.getOfficeZone().getId(),
        null,
        firstEntry,
        byStamp,
        records);
  }
}
