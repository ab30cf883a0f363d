package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.apache.camel.CamelContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.deadletter.DeadLetter;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.deadletter.DryReplay;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.deadletter.LetterDesk;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.ReplayQueue;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.ReplayTasks.Item;
import org.pmslink.deadletter.ReplayTasks.ItemState;
import org.pmslink.deadletter.ReplayTasks.Options;
import org.pmslink.deadletter.ReplayTasks.Task;
import org.pmslink.deadletter.ReplayTasks.TaskState;
import org.pmslink.deadletter.Selection;
import org.pmslink.linking.LinkRecords;
import org.pmslink.mapping.Mappings;
import org.pmslink.membership.ApplyCommands;
import org.pmslink.sample.OpenDentalServer;

/** A replay of many letters is a task: it can be watched and stopped, and does each letter once. */
@ExtendWith(Pipeline.class)
class ReplayTasksTest {
  private static final String WHO = "robin";
  private static final String ROUTE = "replay-dead-letters";
  private static final Selection EVERYTHING = Selection.matching(LetterFilter.ALL);

  private final Engine engine;
  private final OpenDentalServer pms;

  ReplayTasksTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private ReplayTasks tasks() {
    return engine.bean(ReplayTasks.class);
  }

  private Task start(Office office) {
    return tasks().start(office.name, WHO, EVERYTHING, Options.USUAL);
  }

  private Task task(Office office, Task task) {
    return tasks().find(office.name, task.id()).orElseThrow();
  }

  private List<Item> items(Office office, Task task) {
    return tasks().items(office.name, task.id(), null, 0, 1_000);
  }

  private Task awaitFinished(Office office, Task task) {
    return Awaitility.await("every letter has its result")
        .atMost(Office.LONGEST)
        .until(() -> task(office, task), now -> now.finishedAt() != null);
  }

  /** A practice whose mapping fails on everybody who is called Howard or Ines. */
  private Office failing(int howards) throws Exception {
    Office office = Office.at(engine, pms);
    Engine.rewrite(office.mapping("patient.jslt"), "\"given\": .FName", "\"given\": " + BAD);
    for (int i = 0; i < howards; i++) {
      office.chart(Someone.named("Howard", "Brandt"));
    }
    return office;
  }

  private static final String BAD =
      "if (.FName == \"Howard\" or .FName == \"Ines\") {\"a\": 1} else .FName";

  /** Now it fails on Ines alone. */
  private void mend(Office office, int passing) {
    mend(office);
    assertThat(
            engine
                .bean(DryReplay.class)
                .rehearse(office.name, WHO, EVERYTHING, DryReplay.USUAL)
                .passing())
        .isEqualTo(passing);
  }

  private void mend(Office office) {
    Supplier<String> version =
        () -> engine.bean(Mappings.class).get(office.name + "/patient.jslt").version();
    String before = version.get();
    Engine.rewrite(
        office.mapping("patient.jslt"), BAD, "if (.FName == \"Ines\") {\"b\": 1} else .FName");
    Awaitility.await("the mended mapping is in use")
        .atMost(Office.LONGEST)
        .until(() -> !version.get().equals(before));
  }

  private static void awaitLetters(Office office, int count) {
    Awaitility.await("dead letters")
        .atMost(Office.LONGEST)
        .until(() -> office.letters().size(), found -> found == count);
  }

  /** Does what the engine's timer does when the test says so, and never else. */
  private AutoCloseable byHand() throws Exception {
    CamelContext camel = engine.bean(CamelContext.class);
    camel.getRouteController().stopRoute(ROUTE);
    return () -> camel.getRouteController().startRoute(ROUTE);
  }

  private List<ReplayQueue.Replay> next(Office office) {
    int practice = office.id();
    return engine.bean(ReplayQueue.class).next().stream()
        .filter(r -> r.practiceId() == practice)
        .toList();
  }

  /** What the steps make of a message. */
  private void deliver(ReplayQueue.Replay replay) throws Exception {
    LinkRecords.Result result = engine.bean(LinkRecords.class).link(replay.toJson());
    for (DeadLetter letter : result.deadLetters()) {
      engine.bean(DeadLetters.class).keep(letter.toJson());
    }
    engine.bean(ApplyCommands.class).apply(result.commands().toJson());
  }

  @Test
  void whatIsMendedGetsThroughAndThePoisonGoesBackOnceToItsGroup() throws Exception {
    try (Office office = failing(5)) {
      long poison = office.chart(Someone.named("Ines", "Caldwell"));
      office.open();
      awaitLetters(office, 6);
      mend(office, 5);

      Task done = awaitFinished(office, start(office));

      assertThat(done.state()).isEqualTo(TaskState.DONE);
      assertThat(done.total()).isEqualTo(6);
      assertThat(done.passed()).isEqualTo(5);
      assertThat(done.failed()).isEqualTo(1);
      assertThat(done.decided()).isEqualTo(6);
      assertThat(office.charts()).isEqualTo(5);
      Letter letter = office.letters(LetterFilter.ALL.in(State.OPEN)).get(0);
      assertThat(letter.sourceId()).isEqualTo(String.valueOf(poison));
      assertThat(letter.attempts()).isEqualTo(2);
      assertThat(letter.cause().mappingText()).as("of the mapping as it is now").contains("\"b\"");
      assertThat(tasks().items(office.name, done.id(), ItemState.FAILED, 0, 10))
          .singleElement()
          .satisfies(
              item -> {
                assertThat(item.letter()).isEqualTo(letter.id());
                assertThat(item.became()).isEqualTo(letter.id());
                assertThat(item.reason()).contains("the field \"given\" has the wrong type");
              });
      assertThat(tasks().ofLetter(office.name, letter.id())).hasSize(1);
      assertThat(next(office)).as("it is not sent again").isEmpty();
      assertThat(office.letters(LetterFilter.ALL.in(State.RESOLVED)))
          .hasSize(5)
          .allSatisfy(
              l -> {
                assertThat(l.closedBy()).isEqualTo("engine");
                assertThat(l.closeReason()).isEqualTo("its replay got through");
                assertThat(l.attempts()).isEqualTo(1);
              });

      Task again = awaitFinished(office, start(office));
      assertThat(again.total()).as("only what is open").isEqualTo(1);
      assertThat(office.letters(LetterFilter.ALL.in(State.OPEN)).get(0).attempts()).isEqualTo(3);
    }
  }

  @Test
  void askingTwiceReplaysOnce() throws Exception {
    try (Office office = failing(3)) {
      office.open();
      awaitLetters(office, 3);
      mend(office, 3);
      List<Long> ids = office.letters().stream().map(Letter::id).toList();
      Task first;
      try (AutoCloseable timer = byHand()) {
        assertThat(timer).isNotNull();
        Options sameKey = new Options(null, "a click");
        first = tasks().start(office.name, WHO, Selection.letters(ids), sameKey);
        assertThat(tasks().start(office.name, WHO, Selection.letters(ids), sameKey))
            .isEqualTo(first);
        Task second = tasks().start(office.name, WHO, Selection.letters(ids), Options.USUAL);
        assertThat(second.state()).isEqualTo(TaskState.DONE);
        assertThat(items(office, second))
            .hasSize(3)
            .allSatisfy(
                item -> {
                  assertThat(item.state()).isEqualTo(ItemState.SKIPPED);
                  assertThat(item.reason()).isEqualTo("another task is replaying it");
                });
        assertThat(first.waiting()).isEqualTo(3);
      }

      assertThat(awaitFinished(office, first).passed()).isEqualTo(3);
      assertThat(office.charts()).isEqualTo(3);
    }
  }

  @Test
  void aTaskThatIsPausedSendsNothingUntilItIsResumed() throws Exception {
    try (Office office = failing(4)) {
      office.open();
      awaitLetters(office, 4);
      mend(office, 4);
      try (AutoCloseable timer = byHand()) {
        assertThat(timer).isNotNull();
        Task task = tasks().start(office.name, WHO, EVERYTHING, new Options(1, null));
        assertThat(next(office)).as("one a second").hasSize(1);
        assertThat(next(office)).as("one a second").isEmpty();
        assertThat(tasks().pause(office.name, WHO, task.id())).isTrue();
        assertThat(tasks().pause(office.name, WHO, task.id())).isFalse();
        assertThat(task(office, task).state()).isEqualTo(TaskState.PAUSED);
        engine
            .store()
            .update(
                "update replay_items set sent_at = sent_at - interval '10 seconds'"
                    + " where practice_id = ?",
                office.id());
        assertThat(next(office)).isEmpty();
        assertThat(task(office, task).waiting()).isEqualTo(3);
        assertThat(tasks().resume(office.name, WHO, task.id())).isTrue();
        assertThat(next(office)).hasSize(1);
      }
    }
  }

  @Test
  void aTaskThatIsStoppedGivesItsLettersBack() throws Exception {
    try (Office office = failing(4)) {
      office.open();
      awaitLetters(office, 4);
      mend(office, 4);
      try (AutoCloseable timer = byHand()) {
        assertThat(timer).isNotNull();
        Task task = tasks().start(office.name, WHO, EVERYTHING, new Options(1, null));
        ReplayQueue.Replay sent = next(office).get(0);
        assertThat(office.letters())
            .allSatisfy(l -> assertThat(l.state()).isEqualTo(State.REPLAYING));

        assertThat(tasks().stop(office.name, WHO, task.id())).isTrue();

        assertThat(task(office, task).skipped()).isEqualTo(3);
        assertThat(office.letters(LetterFilter.ALL.in(State.OPEN))).hasSize(3);
        assertThat(next(office)).isEmpty();
        deliver(sent);
        assertThat(task(office, task).passed()).as("what was sent comes to its end").isEqualTo(1);
        assertThat(next(office)).isEmpty();
        assertThat(task(office, task).state()).isEqualTo(TaskState.STOPPED);
        assertThat(task(office, task).finishedAt()).isNotNull();
      }
      assertThat(awaitFinished(office, start(office)).passed()).isEqualTo(3);
    }
  }

  @Test
  void aCrashBetweenMarkingAndSendingLosesNothing() throws Exception {
    try (Office office = failing(2)) {
      office.open();
      awaitLetters(office, 2);
      mend(office, 2);
      Task task;
      try (AutoCloseable timer = byHand()) {
        assertThat(timer).isNotNull();
        task = start(office);
        assertThat(next(office)).hasSize(2);
        assertThat(next(office)).as("under way, as far as is known").isEmpty();
        engine
            .store()
            .update(
                "update replay_items set sent_at = sent_at - interval '2 minutes'"
                    + " where practice_id = ?",
                office.id());
      }

      assertThat(awaitFinished(office, task).passed()).isEqualTo(2);
      assertThat(office.charts()).isEqualTo(2);
    }
  }

  @Test
  void aLetterThatIsSentTwiceCountsOnce() throws Exception {
    try (Office office = failing(1)) {
      office.chart(Someone.named("Ines", "Caldwell"));
      office.open();
      awaitLetters(office, 2);
      mend(office, 1);
      try (AutoCloseable timer = byHand()) {
        assertThat(timer).isNotNull();
        Task task = start(office);
        List<ReplayQueue.Replay> sent = next(office);
        assertThat(sent).hasSize(2);
        for (int i = 0; i < 3; i++) {
          for (ReplayQueue.Replay replay : sent) {
            deliver(replay);
          }
        }
        assertThat(task(office, task).passed()).isEqualTo(1);
        assertThat(task(office, task).failed()).isEqualTo(1);
        assertThat(office.letters(LetterFilter.ALL.in(State.OPEN)))
            .singleElement()
            .satisfies(l -> assertThat(l.attempts()).isEqualTo(2));
        assertThat(office.letters(LetterFilter.ALL.in(State.RESOLVED))).hasSize(1);
        assertThat(office.charts()).isEqualTo(1);
      }
    }
  }

  @Test
  void whatThePmsHasMendedMeanwhileIsNotReplayed() throws Exception {
    try (Office office = failing(0)) {
      long chart = office.chart(Someone.named("Howard", "Brandt"));
      office.open();
      awaitLetters(office, 1);
      try (AutoCloseable timer = byHand()) {
        assertThat(timer).isNotNull();
        Task task = start(office);
        office.edit("update patient set FName = 'Harold' where PatNum = ?", chart);
        office.sync();

        assertThat(items(office, task))
            .singleElement()
            .satisfies(
                item -> {
                  assertThat(item.state()).isEqualTo(ItemState.SUPERSEDED);
                  assertThat(item.reason()).isEqualTo("a later version of the record got through");
                });
        assertThat(next(office)).isEmpty();
        assertThat(task(office, task).state()).isEqualTo(TaskState.DONE);
        assertThat(office.recordOf(chart, "person,name,given")).isEqualTo("Harold");
      }
    }
  }

  @Test
  void aReplayOfAnOlderVersionDoesNotCloseTheLetterOfANewerOne() throws Exception {
    try (Office office = failing(0)) {
      long chart = office.chart(Someone.named("Howard", "Brandt"));
      office.open();
      awaitLetters(office, 1);
      long id = office.letters().get(0).id();
      try (AutoCloseable timer = byHand()) {
        assertThat(timer).isNotNull();
        Task task = start(office);
        ReplayQueue.Replay older = next(office).get(0);
        office.edit("update patient set City = 'Dayton' where PatNum = ?", chart);
        office.sync();
        assertThat(office.letters().get(0).attempts()).isEqualTo(2);
        // It is on its way back: a dry run leaves it aside.
        mend(office);

        deliver(older);

        assertThat(office.letters())
            .singleElement()
            .satisfies(
                letter -> {
                  assertThat(letter.id()).isEqualTo(id);
                  assertThat(letter.state()).isEqualTo(State.OPEN);
                });
        assertThat(items(office, task).get(0).state()).isEqualTo(ItemState.SUPERSEDED);
      }
      awaitFinished(office, start(office));
      assertThat(office.recordOf(chart, "person,address,city")).isEqualTo("DAYTON");
    }
  }

  @Test
  void whatFailsInALaterStepIsFoundFromTheLetterItWas() throws Exception {
    try (Office office = failing(0)) {
      long chart = office.chart(Someone.named("Howard", "Brandt"));
      office.open();
      awaitLetters(office, 1);
      Letter original = office.letters().get(0);
      mend(office, 1);
      engine
          .store()
          .execute(
              "alter table patients add constraint refuses_replay check (not (practice_id = "
                  + office.id()
                  + " and source_id = '"
                  + chart
                  + "'))");
      Task task;
      try {
        task = awaitFinished(office, start(office));
      } finally {
        engine.store().execute("alter table patients drop constraint refuses_replay");
      }

      Letter later = office.letters(LetterFilter.ALL.in(State.OPEN)).get(0);
      assertThat(later.hop()).isEqualTo(Hop.APPLY);
      assertThat(later.origin()).isEqualTo(original.id());
      assertThat(items(office, task))
          .singleElement()
          .satisfies(
              item -> {
                assertThat(item.letter()).isEqualTo(original.id());
                assertThat(item.state()).isEqualTo(ItemState.FAILED);
                assertThat(item.became()).isEqualTo(later.id());
              });
      assertThat(office.letters(LetterFilter.ALL.in(State.RESOLVED)))
          .extracting(Letter::id)
          .containsExactly(original.id());

      assertThat(awaitFinished(office, start(office)).passed()).isEqualTo(1);
      assertThat(office.letters(LetterFilter.ALL.in(State.OPEN))).isEmpty();
      assertThat(office.charts()).isEqualTo(1);
    }
  }

  @Test
  void whatIsGivenUpMeanwhileIsNotReplayed() throws Exception {
    try (Office office = failing(3)) {
      office.open();
      awaitLetters(office, 3);
      List<Long> ids = new ArrayList<>(office.letters().stream().map(Letter::id).toList());
      try (AutoCloseable timer = byHand()) {
        assertThat(timer).isNotNull();
        Task task = start(office);
        engine
            .bean(LetterDesk.class)
            .discard(
                office.name,
                WHO,
                Selection.letters(ids.subList(0, 1)),
                "a test row",
                LetterDesk.MOST);
        assertThat(next(office)).hasSize(2);
        assertThat(tasks().items(office.name, task.id(), ItemState.SKIPPED, 0, 10))
            .extracting(Item::letter)
            .containsExactly(ids.get(0));
      }
    }
  }
}
