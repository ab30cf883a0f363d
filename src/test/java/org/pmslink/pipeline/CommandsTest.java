package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.linking.LinkRecords;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.membership.ApplyCommands;
import org.pmslink.membership.Command;
import org.pmslink.membership.CommandBatch;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.security.SealedMessageConverter;
import org.springframework.jms.connection.CachingConnectionFactory;
import org.springframework.jms.core.JmsTemplate;

/** Deliveries as a queue makes them: twice, late, and to two consumers at once. */
@ExtendWith(Pipeline.class)
class CommandsTest {
  private final Engine engine;
  private final OpenDentalServer pms;
  private final Someone ines = Someone.named("Ines", "Caldwell");

  CommandsTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  /** What follows from a chart that the feed reads in this state at this moment. */
  private CommandBatch commands(Office office, long chart, long version, Someone who) {
    ObjectNode row = JsonNodeFactory.instance.objectNode();
    row.put("PatNum", chart).put("PatStatus", 0).put("Gender", 1).put("TxtMsgOk", 0);
    row.put("LName", who.family()).put("FName", who.given()).put("Birthdate", who.birthDate());
    row.put("WirelessPhone", who.mobile()).put("Email", who.email()).put("City", who.city());
    row.put("DateTStamp", "2026-01-01T00:00:00");
    RecordBatch batch =
        new RecordBatch(
            office.name,
            "open-dental",
            office.name,
            null,
            0,
            "",
            1,
            version,
            RecordType.PATIENTS,
            "PATIENTS",
            true,
            office.name + "/patient.jslt",
            "UTC",
            "UTC",
            null,
            List.of(row));
    LinkRecords.Result result = engine.bean(LinkRecords.class).link(batch);
    assertThat(result.deadLetters()).isEmpty();
    return result.commands();
  }

  private void apply(CommandBatch batch) {
    engine.bean(ApplyCommands.class).apply(batch);
  }

  @Test
  void aBatchThatIsAppliedTwiceChangesNothingMore() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("M1", ines.withMobile(""));
      CommandBatch batch = commands(office, 1, 1, ines);
      assertThat(batch.commands()).hasAtLeastOneElementOfType(Command.Link.class);
      apply(batch);
      assertThat(office.memberOf(1)).isEqualTo("M1");
      String once = office.snapshot();

      apply(batch);

      assertThat(office.snapshot()).isEqualTo(once);
    }
  }

  @Test
  void aBatchThatTheQueueDeliversTwiceChangesNothingMore() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("M1", ines.withMobile(""));
      CommandBatch batch = commands(office, 1, 1, ines);
      CommandBatch last = commands(office, 2, 1, Someone.named("Tomas", "Brandt"));

      send(batch);
      send(batch);
      send(last);
      // A group is delivered in order: once the last one is there, all are.
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> office.recordOf(2, "person,name,family").equals("Brandt"));

      assertThat(office.historyOf(1)).containsExactly("MADE CERTAIN");
      assertThat(
              office.count(
                  "select count(*) from member_changes where practice_id = ?"
                      + " and field = 'PHONE_MOBILE'"))
          .isEqualTo(1);
      assertThat(office.deadLetters()).isZero();
    }
  }

  private void send(CommandBatch batch) {
    JmsTemplate queue = new JmsTemplate(engine.bean(CachingConnectionFactory.class));
    queue.setMessageConverter(engine.bean(SealedMessageConverter.class));
    queue.convertAndSend(
        "membership.commands",
        json(batch),
        message -> {
          message.setStringProperty("JMSXGroupID", batch.feed() + "#0");
          message.setStringProperty("pmslinkKind", "batch");
          return message;
        });
  }

  private static byte[] json(CommandBatch batch) {
    try {
      return batch.toJson();
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anOlderVersionThatComesLaterIsIgnored() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("M1", ines);
      CommandBatch older = commands(office, 1, 4, ines.withFamily("Zimmerman"));
      apply(commands(office, 1, 5, ines));
      assertThat(office.memberOf(1)).isEqualTo("M1");
      String newer = office.snapshot();

      apply(older);

      assertThat(office.snapshot()).isEqualTo(newer);
      assertThat(office.recordOf(1, "person,name,family")).isEqualTo("Caldwell");
    }
  }

  @Test
  void twoConsumersNeverLinkOneMemberTwice() throws Exception {
    ExecutorService consumers = Executors.newFixedThreadPool(2);
    try (Office office = Office.at(engine, pms).open()) {
      for (int round = 0; round < 10; round++) {
        Someone who = Someone.named("Ines", "Caldwell");
        office.member("M" + round, who);
        // Neither chart is in the store when the other one is matched.
        CommandBatch one = commands(office, 100 + round, 1, who);
        CommandBatch other = commands(office, 200 + round, 2, who);
        assertThat(one.commands()).hasAtLeastOneElementOfType(Command.Link.class);
        assertThat(other.commands()).hasAtLeastOneElementOfType(Command.Link.class);
        CyclicBarrier together = new CyclicBarrier(2);

        Future<String> first = consumers.submit(applied(one, together));
        Future<String> second = consumers.submit(applied(other, together));
        first.get();
        second.get();
        // The one that came second may first have to be decided again.
        office.awaitSettled();

        assertThat(List.of(office.memberOf(100 + round), office.memberOf(200 + round)))
            .containsExactlyInAnyOrder("M" + round, "");
        assertThat(List.of(office.reviewOf(100 + round), office.reviewOf(200 + round)))
            .as("the chart without the link; the other one too, once the member is matched again")
            .containsAnyOf("CLAIMED_TWICE", "DUPLICATE_CHARTS");
      }
    } finally {
      consumers.shutdown();
    }
  }

  private Callable<String> applied(CommandBatch batch, CyclicBarrier together) {
    return () -> {
      together.await();
      apply(batch);
      return "";
    };
  }
}
