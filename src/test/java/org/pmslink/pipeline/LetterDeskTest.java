package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.deadletter.DryReplay;
import org.pmslink.deadletter.Letter;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.deadletter.LetterDesk;
import org.pmslink.deadletter.LetterDesk.Edit;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterGroups;
import org.pmslink.deadletter.LetterGroups.Bucket;
import org.pmslink.deadletter.LetterGroups.Group;
import org.pmslink.deadletter.LetterGroups.Order;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.Selection;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What support does with dead letters: finds them by cause, looks, mends, gives up. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class LetterDeskTest {
  private static final String SENTINEL = "Quetzalcoatlus";
  private static final String WHO = "robin";
  private static final int MOST = LetterDesk.MOST;

  private final Engine engine;
  private final OpenDentalServer pms;

  LetterDeskTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private LetterDesk desk() {
    return engine.bean(LetterDesk.class);
  }

  private LetterGroups groups() {
    return engine.bean(LetterGroups.class);
  }

  private LetterSearch search() {
    return engine.bean(LetterSearch.class);
  }

  /** A practice whose mapping fails on everybody who is called Howard. */
  private Office failingOnHoward() throws Exception {
    Office office = Office.at(engine, pms);
    Engine.rewrite(
        office.mapping("patient.jslt"),
        "\"given\": .FName",
        "\"given\": if (.FName == \"Howard\") {\"a\": 1} else .FName");
    return office;
  }

  private static void mend(Office office) {
    Engine.rewrite(
        office.mapping("patient.jslt"),
        "\"given\": if (.FName == \"Howard\") {\"a\": 1} else .FName",
        "\"given\": .FName");
  }

  private static void awaitLetters(Office office, int count) {
    Awaitility.await("dead letters")
        .atMost(Office.LONGEST)
        .until(() -> office.letters().size(), found -> found == count);
  }

  /** An edited mapping is in use within a second. */
  private void awaitPassing(Office office, int passing) {
    Awaitility.await("the mended mapping is in use")
        .atMost(Office.LONGEST)
        .until(() -> dryRun(office).passing(), n -> n == passing);
  }

  private DryReplay.Result dryRun(Office office) {
    return engine
        .bean(DryReplay.class)
        .rehearse(office.name, WHO, Selection.matching(LetterFilter.ALL), DryReplay.USUAL);
  }

  private List<String> audit(Office office) {
    return engine
        .store()
        .queryForList(
            "select actor || ' ' || action || ': ' || detail from audit where practice_id = ?"
                + " order by id",
            String.class,
            office.id());
  }

  @Test
  void lettersAreGroupedByTheirRootCause(CapturedOutput output) throws Exception {
    try (Office office = failingOnHoward()) {
      office.edit("alter table patient modify Address text");
      for (int i = 0; i < 3; i++) {
        office.chart(Someone.named("Howard", SENTINEL));
      }
      long tooLong = office.chart(Someone.named("Ines", "Caldwell"));
      office.edit(
          "update patient set Address = repeat(?, 1000) where PatNum = ?", SENTINEL, tooLong);
      office.open();
      awaitLetters(office, 4);

      List<Group> largest = groups().list(office.name, Order.LARGEST, null, null);
      assertThat(largest).hasSize(2);
      Group mapping = largest.get(0);
      assertThat(mapping.open()).isEqualTo(3);
      assertThat(mapping.ever()).isEqualTo(3);
      assertThat(mapping.hop()).isEqualTo(Hop.MATCH);
      assertThat(mapping.feed()).isEqualTo(office.name);
      assertThat(mapping.recordType()).isEqualTo("PATIENTS");
      assertThat(mapping.cause().category()).isEqualTo(Category.MAPPING_FAILED);
      assertThat(mapping.cause().field()).isEqualTo("given");
      assertThat(mapping.cause().mapping()).isEqualTo(office.name + "/patient.jslt");
      assertThat(mapping.cause().mappingVersion()).hasSize(12);
      assertThat(mapping.cause().mappingText()).startsWith("\"given\": if (.FName ==");
      List<String> lines = Files.readAllLines(office.mapping("patient.jslt"));
      assertThat(lines.get(Objects.requireNonNull(mapping.cause().mappingLine()) - 1).strip())
          .isEqualTo(mapping.cause().mappingText());
      assertThat(largest.get(1).cause().category()).isEqualTo(Category.INVALID_RECORD);
      assertThat(largest.get(1).cause().field()).isEqualTo("address.line1");
      assertThat(largest.get(1).cause().mappingText()).startsWith("\"line1\": ");
      assertThat(groups().list(office.name, Order.NEWEST, null, Category.INVALID_RECORD))
          .containsExactly(largest.get(1));
      assertThat(groups().list(office.name, Order.NEWEST, "another-feed", null)).isEmpty();

      LetterGroups.Example example = groups().example(office.name, mapping.key()).orElseThrow();
      assertThat(example.letter().group()).isEqualTo(mapping.key());
      assertThat(example.masked().path("LName").asText()).isEqualTo("Xxxxx");
      assertThat(example.masked().path("Birthdate").asText()).startsWith("9999-99-99");
      assertThat(example.masked().path("WirelessPhone").asText()).doesNotContainPattern("[0-8]");
      Instant now = Instant.now();
      assertThat(groups().sizes(office.name, mapping.key(), Bucket.HOUR, now, now))
          .singleElement()
          .satisfies(size -> assertThat(size.open()).isEqualTo(3));

      groups().sumUp();
      assertThat(groups().list(office.name, Order.LARGEST, null, null)).isEqualTo(largest);

      StringBuilder shown = new StringBuilder();
      shown.append(largest).append(office.letters());
      for (Letter letter : office.letters()) {
        shown.append(search().masked(office.name, letter.id()).orElseThrow());
      }
      assertThat(shown).doesNotContainIgnoringCase(SENTINEL).doesNotContain("Caldwell");
      assertThat(output).doesNotContain(SENTINEL);
    }
  }

  @Test
  void aGroupShowsHowItGrewAndShrank() throws Exception {
    try (Office office = failingOnHoward()) {
      long first = office.chart(Someone.named("Howard", "Brandt"));
      office.chart(Someone.named("Howard", "Oyelaran"));
      office.open();
      awaitLetters(office, 2);
      String key = office.letters().get(0).group();
      // Two days ago, as far as the counts know.
      groups().sumUp();
      engine
          .store()
          .update(
              "update dead_letter_counts set hour = hour - interval '2 days' where practice_id = ?",
              office.id());

      office.edit("update patient set FName = 'Harold' where PatNum = ?", first);
      office.sync();
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> office.letters(LetterFilter.ALL.in(State.RESOLVED)).size() == 1);

      Instant now = Instant.now();
      List<LetterGroups.Size> days =
          groups().sizes(office.name, key, Bucket.DAY, now.minus(Duration.ofDays(3)), now);
      assertThat(days).extracting(LetterGroups.Size::open).containsExactly(0L, 2L, 2L, 1L);
      assertThat(days).extracting(LetterGroups.Size::came).containsExactly(0L, 2L, 0L, 0L);
      assertThat(days).extracting(LetterGroups.Size::went).containsExactly(0L, 0L, 0L, 1L);
      assertThat(groups().find(office.name, key).orElseThrow().open()).isEqualTo(1);
      assertThat(engine.bean(DeadLetters.class).openCount(office.id(), office.name)).isEqualTo(1);

      mend(office);
      awaitPassing(office, 1);
      office.replay(LetterFilter.ALL);
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> groups().list(office.name, Order.NEWEST, null, null).isEmpty());
      assertThat(groups().find(office.name, key).orElseThrow().ever()).isEqualTo(2);
    }
  }

  @Test
  void lettersAreFoundByWhateverIsKnownOfThemAndPageByPage() throws Exception {
    try (Office office = failingOnHoward();
        Office other = failingOnHoward()) {
      List<Long> charts = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        charts.add(office.chart(Someone.named("Howard", "Brandt")));
      }
      office.open();
      awaitLetters(office, 7);
      other.chart(Someone.named("Howard", "Brandt"));
      other.open();
      awaitLetters(other, 1);

      List<Letter> all = office.letters();
      assertThat(all)
          .isSortedAccordingTo(
              Comparator.comparing(Letter::lastAt).thenComparing(Letter::id).reversed());
      for (LetterFilter filter :
          List.of(
              LetterFilter.ALL,
              LetterFilter.ALL.ofFeed(office.name),
              LetterFilter.ALL.ofCategory(Category.MAPPING_FAILED).in(State.OPEN),
              LetterFilter.ALL.inGroup(all.get(0).group()),
              LetterFilter.ALL.failedWithin(Instant.EPOCH, Instant.now()))) {
        List<Letter> paged = new ArrayList<>();
        String after = null;
        do {
          LetterSearch.Page page = search().search(office.name, filter, after, 3);
          paged.addAll(page.letters());
          after = page.next();
        } while (after != null);
        assertThat(paged).as("%s", filter).isEqualTo(all);
      }
      assertThat(office.letters(LetterFilter.ALL.ofRecord(String.valueOf(charts.get(2)))))
          .extracting(Letter::sourceId)
          .containsExactly(String.valueOf(charts.get(2)));
      for (LetterFilter nothing :
          List.of(
              LetterFilter.ALL.ofFeed(other.name),
              LetterFilter.ALL.ofCategory(Category.STEP_FAILED),
              LetterFilter.ALL.inGroup("0000000000000000"),
              LetterFilter.ALL.in(State.DISCARDED),
              LetterFilter.ALL.ofRecord("nobody"),
              LetterFilter.ALL.assignedTo("nobody"),
              LetterFilter.ALL.failedWithin(null, all.get(6).lastAt()))) {
        assertThat(office.letters(nothing)).as("%s", nothing).isEmpty();
      }
      assertThatThrownBy(() -> search().search(office.name, LetterFilter.ALL, "x", 3))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void lettersOfAnotherPracticeAreNotThere() throws Exception {
    try (Office office = failingOnHoward();
        Office other = Office.at(engine, pms)) {
      office.chart(Someone.named("Howard", "Brandt"));
      office.open();
      other.open();
      awaitLetters(office, 1);
      Letter letter = office.letters().get(0);
      Selection one = Selection.letters(List.of(letter.id()));

      assertThat(search().find(other.name, letter.id())).isEmpty();
      assertThat(search().masked(other.name, letter.id())).isEmpty();
      assertThat(groups().find(other.name, letter.group())).isEmpty();
      assertThat(groups().example(other.name, letter.group())).isEmpty();
      assertThat(desk().reveal(other.name, WHO, letter.id(), "curious")).isEmpty();
      assertThat(
              desk()
                  .edit(
                      other.name,
                      WHO,
                      letter.id(),
                      JsonNodeFactory.instance.objectNode(),
                      "curious",
                      null))
          .isEqualTo(Edit.NOT_THERE);
      for (Selection selection : List.of(one, Selection.group(letter.group()))) {
        assertThat(desk().discard(other.name, WHO, selection, "curious", MOST)).isZero();
        assertThat(desk().reopen(other.name, WHO, selection, "curious")).isZero();
        assertThat(desk().reach(other.name, selection).letters()).isZero();
        assertThat(desk().assign(other.name, WHO, selection, WHO)).isZero();
        assertThat(desk().note(other.name, WHO, selection, "curious")).isZero();
        assertThat(
                engine
                    .bean(DryReplay.class)
                    .rehearse(other.name, WHO, selection, DryReplay.USUAL)
                    .tried())
            .isZero();
        assertThat(
                engine
                    .bean(ReplayTasks.class)
                    .start(other.name, WHO, selection, ReplayTasks.Options.USUAL)
                    .total())
            .isZero();
      }
      assertThat(desk().events(other.name, letter.id())).isEmpty();
      assertThat(office.letters()).containsExactly(letter);
      assertThat(desk().events(office.name, letter.id())).isEmpty();
    }
  }

  @Test
  void aRecordIsShownForAReasonThatIsOnTheAudit() throws Exception {
    try (Office office = failingOnHoward()) {
      office.chart(Someone.named("Howard", SENTINEL));
      office.open();
      awaitLetters(office, 1);
      long id = office.letters().get(0).id();

      assertThatThrownBy(() -> desk().reveal(office.name, WHO, id, "  "))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(audit(office)).noneMatch(entry -> entry.contains("reveal"));

      LetterDesk.Revealed revealed =
          desk().reveal(office.name, WHO, id, "ticket 4711").orElseThrow();

      assertThat(revealed.record().path("LName").asText()).isEqualTo(SENTINEL);
      assertThat(revealed.original()).isNull();
      assertThat(revealed.toString()).doesNotContain(SENTINEL);
      assertThat(audit(office))
          .contains("robin dead-letter-reveal: letter " + id + " of open-dental/1: ticket 4711")
          .noneMatch(entry -> entry.contains(SENTINEL));
      assertThat(desk().events(office.name, id))
          .extracting(LetterDesk.Event::action)
          .containsExactly("REVEALED");
    }
  }

  @Test
  void aMendedRecordGetsThroughAndItsOriginalIsKept(CapturedOutput output) throws Exception {
    try (Office office = failingOnHoward()) {
      long chart = office.chart(Someone.named("Howard", SENTINEL));
      office.open();
      awaitLetters(office, 1);
      long id = office.letters().get(0).id();
      ObjectNode record =
          desk().reveal(office.name, WHO, id, "ticket 4711").orElseThrow().record().deepCopy();
      ObjectNode stillWrong = record.deepCopy().put("City", "Dayton");
      JsonNode mended = record.deepCopy().put("FName", "Harold");

      assertThat(desk().edit(office.name, WHO, id, stillWrong, "a first attempt", null))
          .isEqualTo(Edit.EDITED);
      assertThat(dryRun(office).passing()).isZero();
      String seen = desk().edition(office.name, id).orElseThrow();
      assertThat(desk().edit(office.name, WHO, id, mended, "the mapping cannot read Howard", seen))
          .isEqualTo(Edit.EDITED);
      assertThat(desk().edit(office.name, "kim", id, stillWrong, "seen before that", seen))
          .isEqualTo(Edit.CHANGED_MEANWHILE);
      assertThat(dryRun(office).passing()).isEqualTo(1);
      assertThat(search().find(office.name, id).orElseThrow().edited()).isTrue();
      LetterDesk.Revealed edited = desk().reveal(office.name, WHO, id, "compare").orElseThrow();
      assertThat(edited.record()).isEqualTo(mended);
      assertThat(edited.original()).isEqualTo(record);
      assertThat(office.charts()).isZero();

      office.replay(LetterFilter.ALL);
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> search().find(office.name, id).orElseThrow().state() == State.RESOLVED);

      assertThat(office.recordOf(chart, "person,name,given")).isEqualTo("Harold");
      assertThat(desk().reveal(office.name, WHO, id, "compare again").orElseThrow().original())
          .isEqualTo(record);
      assertThat(desk().edit(office.name, WHO, id, record, "too late", null))
          .isEqualTo(Edit.NOT_OPEN);
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select actor || ' ' || detail from dead_letter_events where practice_id = ?"
                          + " and action = 'EDITED' order by id",
                      String.class,
                      office.id()))
          .containsExactly("robin a first attempt", "robin the mapping cannot read Howard");
      assertThat(output).doesNotContain(SENTINEL);
    }
  }

  @Test
  void aRecordThatFailsInTheApplyStepIsTriedWithoutATraceAndNotEdited() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.chart(Someone.named("Nadia", "Oyelaran"));
      office.open();
      long refused = office.chart(Someone.named("Ines", "Caldwell"));
      engine
          .store()
          .execute(
              "alter table patients add constraint refuses_letter check (not (practice_id = "
                  + office.id()
                  + " and source_id = '"
                  + refused
                  + "'))");
      try {
        office.askForPass(false);
        awaitLetters(office, 1);
        office.awaitSettled();
        Letter letter = office.letters().get(0);

        assertThat(dryRun(office).failing())
            .singleElement()
            .satisfies(
                failing -> {
                  assertThat(failing.letter()).isEqualTo(letter.id());
                  assertThat(failing.cause().message()).contains("SQL state 23514");
                });
        assertThat(
                desk()
                    .edit(
                        office.name,
                        WHO,
                        letter.id(),
                        JsonNodeFactory.instance.objectNode(),
                        "no",
                        null))
            .isEqualTo(Edit.NOT_OF_THE_PMS);
      } finally {
        engine.store().execute("alter table patients drop constraint refuses_letter");
      }
      String before = office.snapshot();

      assertThat(dryRun(office).passing()).isEqualTo(1);

      assertThat(office.snapshot()).isEqualTo(before);
      assertThat(office.letters()).hasSize(1);
      assertThat(office.letters().get(0).state()).isEqualTo(State.OPEN);
      office.replay(LetterFilter.ALL);
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> office.letters().get(0).state() == State.RESOLVED);
      assertThat(office.recordOf(refused, "person,name,family")).isEqualTo("Caldwell");
    }
  }

  @Test
  void aDryRunCountsWhatWouldPassAndWritesNothing() throws Exception {
    try (Office office = failingOnHoward()) {
      office.edit("alter table patient modify Address text");
      for (int i = 0; i < 4; i++) {
        office.chart(Someone.named("Howard", "Brandt"));
      }
      long tooLong = office.chart(Someone.named("Ines", "Caldwell"));
      office.edit("update patient set Address = repeat('x', 11000) where PatNum = ?", tooLong);
      office.open();
      awaitLetters(office, 5);
      assertThat(dryRun(office).passing()).isZero();
      mend(office);
      awaitPassing(office, 4);

      DryReplay.Result result = dryRun(office);

      assertThat(result.selected()).isEqualTo(5);
      assertThat(result.tried()).isEqualTo(5);
      assertThat(result.failing())
          .singleElement()
          .satisfies(
              failing -> {
                assertThat(failing.sourceId()).isEqualTo(String.valueOf(tooLong));
                assertThat(failing.cause().category()).isEqualTo(Category.INVALID_RECORD);
              });
      assertThat(
              engine
                  .bean(DryReplay.class)
                  .rehearse(office.name, WHO, Selection.matching(LetterFilter.ALL), 2))
          .satisfies(
              two -> {
                assertThat(two.tried()).isEqualTo(2);
                assertThat(two.selected()).isEqualTo(5);
              });
      assertThat(office.charts()).isZero();
      assertThat(office.letters()).allSatisfy(l -> assertThat(l.state()).isEqualTo(State.OPEN));
      assertThat(office.letters()).allSatisfy(l -> assertThat(l.attempts()).isEqualTo(1));
      assertThat(audit(office))
          .contains("robin dead-letter-dry-run: all letters: 4 of 5 would pass");
    }
  }

  @Test
  void aWholeGroupIsAssignedNotedAndGivenUp() throws Exception {
    try (Office office = failingOnHoward()) {
      for (int i = 0; i < 3; i++) {
        office.chart(Someone.named("Howard", "Brandt"));
      }
      office.open();
      awaitLetters(office, 3);
      String key = office.letters().get(0).group();
      Selection group = Selection.group(key);

      assertThat(desk().assign(office.name, WHO, group, "kim")).isEqualTo(3);
      assertThat(desk().note(office.name, WHO, group, "since the update")).isEqualTo(1);
      office.chart(Someone.named("Howard", "Brandt"));
      office.sync();
      awaitLetters(office, 4);
      assertThat(office.letters(LetterFilter.ALL.assignedTo("kim")))
          .as("also what comes later")
          .hasSize(4);
      assertThat(groups().find(office.name, key).orElseThrow().assignee()).isEqualTo("kim");

      Letter one = office.letters().get(0);
      assertThat(
              desk()
                  .discard(
                      office.name, WHO, Selection.letters(List.of(one.id())), "a test row", MOST))
          .isEqualTo(1);
      assertThat(desk().reach(office.name, group)).isEqualTo(new LetterDesk.Reach(3, 0, 0));
      assertThat(desk().discard(office.name, WHO, group, "the whole feed is a test", 2))
          .as("not more than was confirmed")
          .isEqualTo(2);
      assertThat(desk().discard(office.name, WHO, group, "the last of them", MOST)).isEqualTo(1);
      assertThat(desk().discard(office.name, WHO, group, "again", MOST)).isZero();

      assertThat(office.letters())
          .allSatisfy(
              letter -> {
                assertThat(letter.state()).isEqualTo(State.DISCARDED);
                assertThat(letter.closedBy()).isEqualTo(WHO);
                assertThat(letter.closeReason()).isNotBlank();
              });
      assertThat(groups().find(office.name, key).orElseThrow().open()).isZero();
      assertThat(desk().events(office.name, one.id()))
          .extracting(e -> e.action() + " " + e.withGroup() + " " + e.detail())
          .containsExactly(
              "ASSIGNED true kim",
              "NOTED true since the update",
              "DISCARDED false a test row",
              "DISCARDED true the whole feed is a test",
              "DISCARDED true the last of them");
      assertThat(audit(office))
          .contains(
              "robin dead-letter-discard: letters of group "
                  + key
                  + ": 2 discarded: the whole feed is a test");
    }
  }

  @Test
  void whatWasGivenUpIsOpenedAgainUnlessItsRecordHasANewerLetter() throws Exception {
    try (Office office = failingOnHoward()) {
      long first = office.chart(Someone.named("Howard", "Brandt"));
      for (int i = 0; i < 2; i++) {
        office.chart(Someone.named("Howard", "Brandt"));
      }
      office.open();
      awaitLetters(office, 3);
      String key = office.letters().get(0).group();
      Selection group = Selection.group(key);
      long older = office.letters(LetterFilter.ALL.ofRecord(String.valueOf(first))).get(0).id();
      assertThat(desk().discard(office.name, WHO, Selection.letters(List.of(older)), "a row", MOST))
          .isEqualTo(1);
      // Its record comes anew, and has another letter.
      office.edit("update patient set City = 'Dayton' where PatNum = ?", first);
      office.sync();
      awaitLetters(office, 4);
      assertThat(desk().discard(office.name, WHO, group, "by mistake", MOST)).isEqualTo(3);

      assertThat(desk().reopen(office.name, WHO, group, "it was one click")).isEqualTo(3);
      assertThat(desk().reopen(office.name, WHO, group, "again")).isZero();

      assertThat(office.letters(LetterFilter.ALL.in(State.OPEN)))
          .hasSize(3)
          .allSatisfy(letter -> assertThat(letter.closeReason()).isNull());
      assertThat(office.letters(LetterFilter.ALL.in(State.DISCARDED)))
          .extracting(Letter::id)
          .containsExactly(older);
      Group counted = groups().find(office.name, key).orElseThrow();
      assertThat(counted.open()).isEqualTo(3);
      assertThat(counted.ever()).as("none came anew by that").isEqualTo(4);
      groups().sumUp();
      assertThat(groups().find(office.name, key).orElseThrow()).isEqualTo(counted);
      assertThat(desk().events(office.name, office.letters().get(0).id()))
          .extracting(e -> e.action() + " " + e.detail())
          .containsExactly("DISCARDED by mistake", "REOPENED it was one click");
      assertThat(audit(office))
          .contains(
              "robin dead-letter-reopen: letters of group "
                  + key
                  + ": 3 opened again: it was one click");
      mend(office);
      awaitPassing(office, 3);
      office.replay(LetterFilter.ALL);
      Awaitility.await()
          .atMost(Office.LONGEST)
          .until(() -> office.letters(LetterFilter.ALL.in(State.RESOLVED)).size() == 3);
      assertThat(office.charts()).isEqualTo(3);
    }
  }

  @Test
  void aDryRunAndAnAssignmentAreAboutOpenLettersAlone() throws Exception {
    try (Office office = failingOnHoward()) {
      for (int i = 0; i < 3; i++) {
        office.chart(Someone.named("Howard", "Brandt"));
      }
      office.open();
      awaitLetters(office, 3);
      List<Long> ids = office.letters().stream().map(Letter::id).toList();
      mend(office);
      awaitPassing(office, 3);
      assertThat(
              desk().discard(office.name, WHO, Selection.letters(ids.subList(0, 2)), "a row", MOST))
          .isEqualTo(2);

      DryReplay.Result result =
          engine
              .bean(DryReplay.class)
              .rehearse(office.name, WHO, Selection.letters(ids), DryReplay.USUAL);

      assertThat(result.passing()).isEqualTo(1);
      assertThat(result.tried()).isEqualTo(1);
      assertThat(result.notOpen()).isEqualTo(2);
      assertThat(desk().reach(office.name, Selection.letters(ids)))
          .isEqualTo(new LetterDesk.Reach(1, 0, 2));
    }
  }

  @Test
  void theCommandLineDoesIt(@TempDir Path folder) throws Exception {
    try (Office office = failingOnHoward()) {
      office.chart(Someone.named("Howard", SENTINEL));
      long second = office.chart(Someone.named("Howard", SENTINEL));
      office.open();
      awaitLetters(office, 2);
      String key = office.letters().get(0).group();
      long id = office.letters(LetterFilter.ALL.ofRecord(String.valueOf(second))).get(0).id();

      Shell groups = Shell.run(engine, "dead-letters", "groups", "--practice", office.name);
      assertThat(groups.output()).contains(key, "open=2", "1 groups").doesNotContain(SENTINEL);
      Shell group = Shell.run(engine, "dead-letters", "groups", key);
      assertThat(group.output())
          .contains("\"LName\" : \"Xxxxx\"", ", line ", "\"given\": if (.FName")
          .doesNotContain(SENTINEL);
      Shell listed =
          Shell.run(
              engine, "dead-letters", "list", "--practice", office.name, "--record", "" + second);
      assertThat(listed.output()).contains(id + " open ", "1 dead letters");

      assertThat(Shell.run(engine, "dead-letters", "show", "" + id, "--payload").status())
          .as("a record is not shown without a reason")
          .isEqualTo(2);
      assertThat(Shell.run(engine, "dead-letters", "show", "" + id).output())
          .contains("Xxxxx")
          .doesNotContain(SENTINEL);
      Shell shown =
          Shell.run(
              engine, "dead-letters", "show", "" + id, "--payload", "--reason", "ticket 4711");
      assertThat(shown.output()).contains(SENTINEL);
      assertThat(audit(office))
          .anyMatch(
              entry ->
                  entry.contains("letter " + id + " of open-dental/" + second + ": ticket 4711"));

      Shell dry = Shell.run(engine, "dead-letters", "dry-run", "--group", key);
      assertThat(dry.output()).contains("0 of 2 would pass").doesNotContain(SENTINEL);
      assertThat(dry.status()).isEqualTo(1);

      String record = shown.output().substring(shown.output().indexOf('{'));
      Path file = folder.resolve("record.json");
      Files.writeString(file, record.replace("\"Howard\"", "\"Harold\""));
      Shell edited =
          Shell.run(
              engine, "dead-letters", "edit", "" + id, "--file", file.toString(), "--reason", "x");
      assertThat(edited.status()).as(edited.output()).isZero();
      assertThat(Shell.run(engine, "dead-letters", "dry-run", "--group", key).output())
          .contains("1 of 2 would pass");

      Shell replayed = Shell.run(engine, "dead-letters", "replay", "--group", key, "--wait", "2");
      assertThat(replayed.output())
          .contains("2 of 2 done; passed 1, failed again 1")
          .doesNotContain(SENTINEL);
      assertThat(replayed.status()).isEqualTo(1);
      assertThat(office.recordOf(second, "person,name,given")).isEqualTo("Harold");
      assertThat(Shell.run(engine, "dead-letters", "task", "list").output())
          .contains(office.name + ": task ");

      Shell discarded =
          Shell.run(engine, "dead-letters", "discard", "--group", key, "--reason", "a test row");
      assertThat(discarded.output()).contains("discarded 1 letters");
      assertThat(discarded.status()).isZero();
      Shell reopened =
          Shell.run(engine, "dead-letters", "reopen", "--group", key, "--reason", "no test row");
      assertThat(reopened.output()).contains("opened again 1 letters");
      assertThat(Shell.run(engine, "dead-letters", "dry-run", "--group", key).output())
          .contains("0 of 1 would pass");
      assertThat(Shell.run(engine, "dead-letters", "replay").status()).isEqualTo(2);
    }
  }
}
