package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.linking.LinkRecords;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.membership.ApplyCommands;
import org.pmslink.membership.Command;
import org.pmslink.membership.CommandBatch;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.Members;
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

  /** As when the sweep asks for a chart by itself and, on behalf of its member, once more. */
  @Test
  void oneDecisionThatTwoConsumersHoldAtOnceIsInNoDoubt() throws Exception {
    ExecutorService consumers = Executors.newFixedThreadPool(2);
    try (Office office = Office.at(engine, pms)) {
      apply(commands(office, 1, 1, ines));
      office.member("M1", ines);
      // With nothing to fill in, the member stays at the version that both have seen.
      Members members = engine.bean(Members.class);
      members.change(
          office.name,
          members.find(office.name, "M1").orElseThrow(),
          Map.of(),
          Arrays.stream(Field.values())
              .filter(Field::isContact)
              .collect(Collectors.toCollection(() -> EnumSet.noneOf(Field.class))),
          "ana",
          "as wanted");
      CommandBatch one = decided(office);
      CommandBatch other = decided(office);
      assertThat(one.commands()).hasOnlyElementsOfType(Command.Link.class);
      List<Future<?>> both = new ArrayList<>();

      whileHeld(
          office,
          "members",
          "member_number = 'M1'",
          () -> {
            both.add(consumers.submit(() -> apply(one)));
            both.add(consumers.submit(() -> apply(other)));
            awaitWaiting(2);
          });
      for (Future<?> each : both) {
        each.get();
      }

      assertThat(office.memberOf(1)).isEqualTo("M1");
      assertThat(office.historyOf(1)).containsExactly("MADE CERTAIN");
      assertThat(office.flagOf(1)).isEmpty();
      assertThat(office.reviewOf(1)).isEmpty();
      assertThat(
              office.count(
                  "select count(*) from decisions where practice_id = ? and outcome = 'LINKED'"))
          .isEqualTo(1);
    } finally {
      consumers.shutdown();
    }
  }

  @Test
  void aChartThatAnotherConsumerHasLinkedMeanwhileIsDecidedAboutAgain() throws Exception {
    ExecutorService consumers = Executors.newSingleThreadExecutor();
    try (Office office = Office.at(engine, pms)) {
      Someone tomas = Someone.named("Tomas", "Brandt");
      apply(commands(office, 1, 1, ines));
      office.member("M1", ines);
      office.member("M2", tomas);
      CommandBatch right = decided(office);
      // As it was while he was called as she is.
      byte[] former =
          new String(json(right), StandardCharsets.UTF_8)
              .replace("\"M1\"", "\"M2\"")
              .getBytes(StandardCharsets.UTF_8);
      List<Future<?>> late = new ArrayList<>();

      whileHeld(
          office,
          "members",
          "member_number = 'M2'",
          () -> {
            late.add(
                consumers.submit(
                    () -> {
                      engine.bean(ApplyCommands.class).apply(former);
                      return "";
                    }));
            awaitWaiting(1);
            apply(right);
          });
      late.get(0).get();

      assertThat(office.memberOf(1)).isEqualTo("M1");
      assertThat(office.flagOf(1)).isEmpty();
      assertThat(office.reviewOf(1)).isEmpty();
      assertThat(
              office.count(
                  "select count(*) from decisions where practice_id = ? and stale_since is not null"))
          .as("waits for a decision on what is true now")
          .isEqualTo(1);
    } finally {
      consumers.shutdown();
    }
  }

  /** Of two consumers the one with the older facts may be the slower one. */
  @Test
  void aDecisionThatKnowsLessThanTheOneThatStandsLinksNobody() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      apply(commands(office, 1, 1, ines));
      office.member("M1", ines);
      CommandBatch alone = decided(office);
      assertThat(alone.commands()).hasOnlyElementsOfType(Command.Link.class);
      office.member("M2", ines);
      CommandBatch withBoth = decided(office);
      assertThat(withBoth.commands()).hasOnlyElementsOfType(Command.Review.class);
      apply(withBoth);

      apply(alone);

      assertThat(office.memberOf(1)).isEmpty();
      assertThat(office.reviewOf(1)).isEqualTo("DUPLICATE_MEMBERS");
      assertThat(
              office.count(
                  "select count(*) from decisions where practice_id = ? and stale_since is not null"))
          .as("waits for a decision on all there is")
          .isEqualTo(1);
    }
  }

  /** As when the sweep asks for the same members once more before the first answer is there. */
  @Test
  void batchesAboutTheSameMembersDoNotWaitForOneAnotherInACircle() throws Exception {
    ExecutorService consumers = Executors.newFixedThreadPool(2);
    try (Office office = Office.at(engine, pms)) {
      Someone tomas = Someone.named("Tomas", "Brandt");
      apply(commands(office, 1, 1, ines));
      apply(commands(office, 2, 1, tomas));
      office.member("M1", ines);
      office.member("M2", tomas);
      CommandBatch both = decided(office, RecordType.MEMBER_IDS, "members");
      assertThat(both.commands()).hasSize(2).hasOnlyElementsOfType(Command.Link.class);
      assertThat(both.matchedMembers()).hasSize(2);
      List<Future<?>> halves = new ArrayList<>();

      whileHeld(
          office,
          "decisions",
          "true",
          () -> {
            for (String chart : List.of("2", "1")) {
              CommandBatch half = about(chart, both);
              halves.add(consumers.submit(() -> apply(half)));
            }
            awaitWaiting(2);
          });
      for (Future<?> half : halves) {
        half.get();
      }

      assertThat(office.memberOf(1)).isEqualTo("M1");
      assertThat(office.memberOf(2)).isEqualTo("M2");
    } finally {
      consumers.shutdown();
    }
  }

  /** What a batch says of one chart, with all the members that it is about. */
  private static CommandBatch about(String chart, CommandBatch batch) {
    return new CommandBatch(
        batch.schema(),
        batch.practice(),
        batch.source(),
        batch.feed(),
        batch.run(),
        batch.page(),
        batch.part(),
        batch.handled(),
        batch.expected(),
        batch.records(),
        batch.unchanged(),
        batch.deadLettered(),
        batch.letter(),
        batch.matchedAt(),
        batch.commands().stream().filter(c -> c.sourceId().equals(chart)).toList(),
        batch.matchedMembers());
  }

  /** What is decided about the practice's charts as they are stored. */
  private CommandBatch decided(Office office) {
    return decided(office, RecordType.PATIENT_IDS, "patients");
  }

  private CommandBatch decided(Office office, RecordType type, String table) {
    return office.decided(
        type,
        engine
            .store()
            .queryForList(
                "select id from " + table + " where practice_id = ? order by id",
                Long.class,
                office.id()));
  }

  private interface Deed {
    void run() throws Exception;
  }

  /** Does something while whoever wants to write to these rows waits. */
  private void whileHeld(Office office, String table, String which, Deed deed) throws Exception {
    try (Connection holder = engine.bean(DataSource.class).getConnection()) {
      holder.setAutoCommit(false);
      try (PreparedStatement hold =
          holder.prepareStatement(
              "select 1 from " + table + " where practice_id = ? and " + which + " for update")) {
        hold.setInt(1, office.id());
        hold.execute();
        deed.run();
      } finally {
        holder.rollback();
        holder.setAutoCommit(true);
      }
    }
  }

  private void awaitWaiting(int consumers) {
    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(
            () ->
                engine
                    .store()
                    .queryForObject(
                        """
                        select count(*) from pg_stat_activity where wait_event_type = 'Lock'
                          and query !~ 'advisory'""",
                        Integer.class),
            waiting -> waiting == consumers);
  }
}
