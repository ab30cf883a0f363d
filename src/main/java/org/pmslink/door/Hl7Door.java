package org.pmslink.door;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.camel.Exchange;
import org.apache.camel.component.netty.ChannelHandlerFactory;
import org.apache.camel.component.netty.DefaultChannelHandlerFactory;
import org.apache.camel.component.netty.NettyConstants;
import org.apache.camel.support.SynchronizationAdapter;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.FeedDefinition;
import org.pmslink.feed.Reception;
import org.pmslink.feed.Reception.Received;
import org.pmslink.hl7.Acknowledgement;
import org.pmslink.hl7.Hl7Exception;
import org.pmslink.hl7.Hl7Exception.Condition;
import org.pmslink.hl7.Hl7Header;
import org.pmslink.hl7.Hl7Message;
import org.pmslink.hl7.MllpFrame;
import org.pmslink.linking.LinkRecords;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourceText;
import org.pmslink.practice.Practices;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * Takes HL7 messages. A message that can be read is answered once it is on the queue: AA when a
 * record can be made of it, AE when not, and then the same record becomes a dead letter there. One
 * that cannot be read, or is not for this feed, is answered at once and leaves nothing behind. When
 * a part of the engine is away there is no answer, and the sender sends it again.
 */
@Component
public class Hl7Door {
  private static final Logger LOG = LoggerFactory.getLogger(Hl7Door.class);
  private static final String TAKEN = "taken";
  private static final String SENDER = "sender";

  private final Reception reception;
  private final Mappings mappings;
  private final PatientNormalizer normalizer;
  private final Hl7Memory memory;
  private final DeadLetters letters;
  private final Practices practices;
  private final Audit audit;
  private final Clock clock = Clock.systemUTC();

  Hl7Door(
      Reception reception,
      Mappings mappings,
      PatientNormalizer normalizer,
      Hl7Memory memory,
      DeadLetters letters,
      Practices practices,
      Audit audit) {
    this.reception = reception;
    this.mappings = mappings;
    this.normalizer = normalizer;
    this.memory = memory;
    this.letters = letters;
    this.practices = practices;
    this.audit = audit;
  }

  /** A message on its way, and what is to be done when it has arrived. */
  private static final class Taken {
    final Hl7Header header;
    final Hl7Message message;
    final List<Hl7Memory.Change> changes = new ArrayList<>();
    Reception.@Nullable Receipt receipt;
    @Nullable Hl7Exception problem;
    boolean sent;

    Taken(Hl7Header header, Hl7Message message) {
      this.header = header;
      this.message = message;
    }
  }

  void open(Hl7Feed feed) {
    reception.open(feed.getDefinition());
  }

  void receive(Hl7Feed feed, Exchange exchange) throws InterruptedException {
    MllpFrame frame = exchange.getMessage().getBody(MllpFrame.class);
    exchange.setProperty(SENDER, sender(exchange));
    exchange.getMessage().removeHeaders("*");
    feed.turn().acquire();
    exchange
        .getExchangeExtension()
        .addOnCompletion(
            new SynchronizationAdapter() {
              @Override
              public void onDone(Exchange done) {
                feed.turn().release();
                closeUnsent(done);
              }
            });
    exchange.getMessage().setBody(List.of());
    if (reception.isOnHold(feed.getDefinition())) {
      // No answer at all: after AE senders go on to the next message, and this one would be lost.
      return;
    }
    Hl7Header header = null;
    try {
      header = Hl7Header.read(frame.bytes());
      if (!frame.complete()) {
        throw new Hl7Exception(
            Condition.SEGMENT_SEQUENCE_ERROR,
            null,
            "the frame has no end (1C 0D), or is longer than a megabyte");
      }
      header.requireControlId();
      Hl7Message message = Hl7Message.read(header, frame.bytes(), feed.getAgreement().charset());
      take(feed, exchange, header, message);
    } catch (Hl7Exception e) {
      audit.note(
          feed.getDefinition().getPractice(),
          exchange.getProperty(SENDER, String.class),
          "refused",
          "hl7 feed " + feed.getDefinition().getFeed() + ": " + e.kind());
      exchange.setProperty("answer", Acknowledgement.of(header, e, clock.instant()));
    }
  }

  /** Whoever is at the other end; what a message says of its sender proves nothing. */
  private static String sender(Exchange exchange) {
    Object remote = exchange.getMessage().getHeader(NettyConstants.NETTY_REMOTE_ADDRESS);
    return "mllp sender"
        + (remote instanceof InetSocketAddress from
            ? " at " + from.getAddress().getHostAddress()
            : "");
  }

  private void take(Hl7Feed feed, Exchange exchange, Hl7Header header, Hl7Message message) {
    FeedDefinition definition = feed.getDefinition();
    int practice = practices.id(definition.getPractice());
    Taken taken = new Taken(header, message);
    List<Received> received =
        switch (feed.getAgreement().subject(header, message)) {
          case NOTHING -> List.of();
          case PATIENT -> List.of(patient(definition, practice, taken));
          case MERGE -> List.of(merges(definition, taken));
          case DELETE -> List.of(delete(definition, taken));
        };
    if (received.isEmpty() || memory.isRepeat(practice, definition.getFeed(), header, message)) {
      exchange.setProperty("answer", Acknowledgement.of(header, null, clock.instant()));
      return;
    }
    taken.receipt = reception.receive(definition, received);
    exchange.setProperty(TAKEN, taken);
    exchange.getMessage().setBody(taken.receipt.batches());
  }

  private Received patient(FeedDefinition definition, int practice, Taken taken) {
    Mapping mapping = mapping(definition, RecordType.PATIENTS);
    ObjectNode whole = taken.message.toJson();
    try {
      String id = chart(mapping, taken.message);
      whole = taken.message.onTopOf(memory.chart(practice, definition.getFeed(), id));
      // Remembered even when no record can be made of it: the sender has said it, and says in its
      // next message no more than what has changed since.
      taken.changes.add(new Hl7Memory.Change(id, Hl7Message.remembered(whole)));
      SourcePatient patient = mapping.patient(whole);
      normalizer.normalize(patient, definition.getZone());
    } catch (MappingException | InvalidRecordException e) {
      taken.problem = problem("PID^1", e);
    }
    return new Received(RecordStream.of(RecordType.PATIENTS), List.of(whole));
  }

  /** Whom a message is about; a mapping that fails over something else of it can still tell. */
  private static String chart(Mapping mapping, Hl7Message message) {
    String id;
    try {
      id = mapping.patient(message.toJson()).sourceId();
    } catch (MappingException e) {
      id = mapping.patient(message.identifiers()).sourceId();
    }
    String clean = SourceText.id("PID-3", id);
    if (clean == null) {
      throw new InvalidRecordException("PID-3: holds no id of the patient");
    }
    return clean;
  }

  private Received merges(FeedDefinition definition, Taken taken) {
    Mapping mapping = mapping(definition, RecordType.MERGES);
    List<JsonNode> groups = taken.message.groups();
    for (JsonNode group : groups) {
      try {
        Mapping.SourceMerge merge = mapping.merge(group);
        if (SourceText.id("MRG-1", merge.loser()) == null
            || SourceText.id("PID-3", merge.survivor()) == null) {
          throw new InvalidRecordException(
              "a merge needs the surviving id in PID-3 and the one that goes in MRG-1");
        }
      } catch (MappingException | InvalidRecordException e) {
        taken.problem = problem("MRG^1^1", e);
      }
    }
    return new Received(RecordStream.of(RecordType.MERGES), groups);
  }

  private Received delete(FeedDefinition definition, Taken taken) {
    JsonNode whole = taken.message.toJson();
    try {
      Mapping.SourceDelete delete = mapping(definition, RecordType.DELETES).delete(whole);
      String id = SourceText.id("PID-3", delete.sourceId());
      if (id == null) {
        throw new InvalidRecordException("PID-3: holds no id of the patient");
      }
      taken.changes.add(new Hl7Memory.Change(id, null));
    } catch (MappingException | InvalidRecordException e) {
      taken.problem = problem("PID^1^3", e);
    }
    return new Received(RecordStream.of(RecordType.DELETES), List.of(whole));
  }

  /** A file that cannot be used is our fault and no reason for an answer. */
  private Mapping mapping(FeedDefinition definition, RecordType type) {
    RecordStream stream = RecordStream.of(type);
    return mappings.get(
        mappings.pathFor(definition.getMappings(), stream.mappingName(), stream.mappingName()));
  }

  private static Hl7Exception problem(String location, RuntimeException e) {
    return new Hl7Exception(
        Condition.DATA_TYPE_ERROR,
        location,
        e.getMessage() + "; kept as a dead letter, send it again when it is mended");
  }

  void sent(Hl7Feed feed, Exchange exchange) {
    Taken taken = exchange.getProperty(TAKEN, Taken.class);
    if (taken == null || taken.receipt == null) {
      exchange.getMessage().setBody(exchange.getProperty("answer"));
      return;
    }
    FeedDefinition definition = feed.getDefinition();
    Reception.Receipt receipt = taken.receipt;
    // All that is noted of a message is one transaction, for each waits for a disk; AA comes after.
    audit.noting(
        definition.getPractice(),
        exchange.getProperty(SENDER, String.class),
        "push",
        String.format(
            Locale.ROOT,
            "hl7 feed %s: %d records, receipt %d%s",
            definition.getFeed(),
            receipt.batches().stream().mapToInt(b -> b.batch().records().size()).sum(),
            receipt.receipt(),
            taken.problem == null ? "" : ", with a problem"),
        () -> {
          reception.sent(receipt);
          remember(feed, taken, receipt);
        });
    taken.sent = true;
    exchange.getMessage().setBody(Acknowledgement.of(taken.header, taken.problem, clock.instant()));
  }

  private void remember(Hl7Feed feed, Taken taken, Reception.Receipt receipt) {
    String name = feed.getDefinition().getFeed();
    List<String> failedBefore =
        memory.taken(
            receipt.practice(),
            name,
            new Hl7Memory.Taken(
                taken.header,
                taken.message,
                taken.problem == null ? List.of() : letterNames(receipt)),
            taken.changes,
            receipt.batches().get(0).batch().version());
    if (!failedBefore.isEmpty()) {
      letters.sentAgain(
          receipt.practice(),
          name,
          failedBefore,
          "its sender sent the message (MSH-10) again, in good order");
    }
  }

  /** What letters these records may become are called where no chart is known. */
  private static List<String> letterNames(Reception.Receipt receipt) {
    return receipt.batches().stream()
        .flatMap(outgoing -> outgoing.batch().records().stream())
        .map(LinkRecords::nameWithoutId)
        .distinct()
        .toList();
  }

  private void closeUnsent(Exchange exchange) {
    Taken taken = exchange.getProperty(TAKEN, Taken.class);
    if (taken != null && taken.receipt != null && !taken.sent) {
      try {
        reception.givenUp(taken.receipt);
      } catch (DataAccessException | TransactionException e) {
        // The next start of the feed closes what was left open.
        LOG.warn("a message that failed could not be closed: {}", e.getClass().getSimpleName());
      }
    }
  }

  /** Frames for Camel's sockets; the names are what the route template refers to. */
  @Configuration(proxyBeanMethods = false)
  static class Frames {
    @Bean
    ChannelHandlerFactory mllpReader() {
      return new DefaultChannelHandlerFactory() {
        @Override
        public io.netty.channel.ChannelHandler newChannelHandler() {
          return new MllpFrame.Reader();
        }
      };
    }

    @Bean
    ChannelHandlerFactory mllpWriter() {
      return new DefaultChannelHandlerFactory() {
        @Override
        public io.netty.channel.ChannelHandler newChannelHandler() {
          return new MllpFrame.Writer();
        }
      };
    }
  }
}
