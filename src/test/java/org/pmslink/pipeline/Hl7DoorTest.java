package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.LetterDesk;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.ReplayTasks;
import org.pmslink.deadletter.Selection;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** ADT messages arrive over real connections, whole, in pieces and broken. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class Hl7DoorTest {
  private static final String SENTINEL = "Xyloquenta";

  private final Engine engine;
  private final int port;

  Hl7DoorTest(Engine engine) throws Exception {
    this.engine = engine;
    port = MllpSender.freePort();
  }

  private PushedPractice practice() {
    return PushedPractice.overMllp(engine, port);
  }

  private static String header(String event, String controlId) {
    return "MSH|^~\\&|PMS|OFFICE|PMSLINK|ENGINE|20260105101500-0500||ADT^"
        + event
        + "|"
        + controlId
        + "|P|2.5.1\rEVN|"
        + event
        + "|20260105101500-0500\r";
  }

  /** PID with id, name, birth date and telephone field. */
  private static String pid(String id, Someone who, String telephones) {
    return "PID|1||"
        + id
        + "^^^OFFICE^PI||"
        + who.family()
        + "^"
        + who.given()
        + "||"
        + who.birthDate().replace("-", "")
        + "|||||"
        + (telephones.isEmpty() ? "" : "|" + telephones)
        + "\r";
  }

  private static String mobile(Someone who) {
    return "^PRN^CP^^1^"
        + who.mobile().substring(0, 3)
        + "^"
        + who.mobile().substring(3)
        + "~^NET^Internet^"
        + who.email();
  }

  private static List<String> msas(List<String> answers) {
    return answers.stream().map(MllpSender::msa).toList();
  }

  // ---- What messages say ----

  @Test
  void aMessageSaysWhatHasChangedAndLeavesTheRest() throws Exception {
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      practice.member("M1", ines);

      assertThat(MllpSender.msa(pms.send(header("A28", "1") + pid("17", ines, mobile(ines)))))
          .isEqualTo("AA 1");
      practice.awaitSettled();
      assertThat(practice.memberOf("17")).isEqualTo("M1");
      assertThat(practice.recordOf("17", "person,phones,0,e164")).isEqualTo(ines.e164());
      // PID-13 is empty: the telephone stays.
      String renamed = "PID|1||17^^^OFFICE^PI||Caldwell-Ortega^Ines\r";
      assertThat(MllpSender.msa(pms.send(header("A08", "2") + renamed))).isEqualTo("AA 2");
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,name,family")).isEqualTo("Caldwell-Ortega");
      assertThat(practice.recordOf("17", "person,phones,0,e164")).isEqualTo(ines.e164());
      assertThat(practice.recordOf("17", "person,birthDate")).isEqualTo(ines.birthDate());
      // Two quotes: it is deleted.
      String deleted = "PID|1||17^^^OFFICE^PI||Caldwell-Ortega^Ines||||||||\"\"\r";
      assertThat(MllpSender.msa(pms.send(header("A31", "3") + deleted))).isEqualTo("AA 3");
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,phones,0,e164")).isEmpty();
      assertThat(practice.recordOf("17", "person,birthDate")).isEqualTo(ines.birthDate());
      // And stays so.
      assertThat(MllpSender.msa(pms.send(header("A08", "4") + renamed))).isEqualTo("AA 4");
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,phones,0,e164")).isEmpty();
      for (byte[] sealed :
          engine
              .store()
              .queryForList(
                  "select segments from hl7_charts where practice_id = ?",
                  byte[].class,
                  practice.id())) {
        assertThat(new String(sealed, ISO_8859_1)).doesNotContain("Caldwell");
      }
    }
  }

  /**
   * A sender says no more than what has changed since, whatever became of its last message here.
   */
  @Test
  void whatAMessageSaidThatFailedIsNotForgottenNorWhatWasMendedInItsLetter() throws Exception {
    PushedPractice made = practice();
    Path folder = engine.mappings().resolve(made.name);
    Files.createDirectories(folder);
    for (String file : List.of("patient.jslt", "merge.jslt", "delete.jslt")) {
      Files.copy(engine.mappings().resolve("hl7-adt").resolve(file), folder.resolve(file));
    }
    String mapping = Files.readString(folder.resolve("patient.jslt"));
    Files.writeString(
        folder.resolve("patient.jslt"),
        mapping.replace(
            "\"family\": text(",
            "\"family\": if ($address.\"1\" == \"12 Elm St\") {\"a\": 1} else text("));
    try (PushedPractice practice = made.with("mappings", made.name).open();
        MllpSender pms = new MllpSender(port)) {
      String who = "PID|1||17^^^OFFICE^PI||";
      assertThat(
              MllpSender.msa(
                  pms.send(
                      header("A28", "1")
                          + who
                          + "Caldwell^Ines||19840309||||12 Elm St^^Columbus^OH^43065\r")))
          .as("the mapping cannot do it")
          .isEqualTo("AE 1");
      practice.awaitSettled();
      Files.writeString(folder.resolve("patient.jslt"), mapping);

      Awaitility.await("the mapping is read anew")
          .atMost(Office.LONGEST)
          .until(
              () -> MllpSender.msa(pms.send(header("A08", "2") + who + "||||||||6145550134\r")),
              "AA 2"::equals);
      practice.awaitSettled();
      replay(practice);
      assertThat(practice.recordOf("17", "person,name,family")).isEqualTo("Caldwell");
      assertThat(practice.recordOf("17", "person,birthDate")).isEqualTo("1984-03-09");
      assertThat(practice.recordOf("17", "person,address,line1")).contains("12");
      assertThat(practice.recordOf("17", "person,phones,0,e164")).isEqualTo("+16145550134");

      assertThat(
              MllpSender.msa(
                  pms.send(
                      header("A08", "3")
                          + who
                          + "||||||"
                          + "x".repeat(11_000)
                          + "^^Columbus^OH^43065\r")))
          .isEqualTo("AE 3");
      practice.awaitSettled();
      LetterDesk desk = engine.bean(LetterDesk.class);
      long letter = practice.letters().get(0).id();
      ObjectNode record =
          (ObjectNode) desk.reveal(practice.name, "Pat", letter, "too long").orElseThrow().record();
      ((ObjectNode) record.at("/PID/0/11/0")).put("1", "9 Oak St");
      desk.edit(practice.name, "Pat", letter, record, "asked the office", null);
      replay(practice);
      assertThat(practice.recordOf("17", "person,address,line1")).contains("9");

      assertThat(MllpSender.msa(pms.send(header("A08", "4") + who + "||||||||6145550199\r")))
          .isEqualTo("AA 4");
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,address,line1")).as("as mended").contains("9");
      assertThat(practice.recordOf("17", "person,phones,0,e164")).isEqualTo("+16145550199");
    }
  }

  /** Which chart it is about is not known, so no later version of that chart can close it. */
  @Test
  void theLetterOfAMessageWithoutAnIdIsClosedWhenItsSenderSendsItAgainInGoodOrder()
      throws Exception {
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      Someone ruth = Someone.named("Ruth", "Crane");
      pms.send(header("A28", "used") + pid("16", ruth, ""));
      assertThat(MllpSender.msa(pms.send(header("A28", "1") + pid("", ines, ""))))
          .isEqualTo("AE 1");
      assertThat(MllpSender.msa(pms.send(header("A29", "2") + pid("", ines, ""))))
          .isEqualTo("AE 2");
      assertThat(MllpSender.msa(pms.send(header("A28", "used") + pid("", ruth, ""))))
          .isEqualTo("AE used");
      // A pass may be done before its letters are kept.
      Awaitility.await("the letters are kept")
          .atMost(Office.LONGEST)
          .until(() -> practice.letters().size(), Integer.valueOf(3)::equals);
      assertThat(practice.letters()).allMatch(l -> l.sourceId().startsWith("no-id-"));

      assertThat(MllpSender.msa(pms.send(header("A28", "1") + pid("17", ines, ""))))
          .isEqualTo("AA 1");
      assertThat(MllpSender.msa(pms.send(header("A08", "2") + pid("17", ines, ""))))
          .as("another event is another message")
          .isEqualTo("AA 2");
      assertThat(MllpSender.msa(pms.send(header("A28", "used") + pid("18", ruth, ""))))
          .as("a sender that numbers messages alike")
          .isEqualTo("AA used");
      practice.awaitSettled();

      assertThat(
              practice.texts(
                  "select record_type || ' ' || state || coalesce(' ' || closed_by || ': '"
                      + " || close_reason, '') from dead_letters where practice_id = ? order by id"))
          .containsExactly(
              "PATIENTS RESOLVED engine: its sender sent the message (MSH-10) again, in good order",
              "DELETES OPEN",
              "PATIENTS OPEN");
    }
  }

  private void replay(PushedPractice practice) {
    engine
        .bean(ReplayTasks.class)
        .start(
            practice.name, "Pat", Selection.matching(LetterFilter.ALL), ReplayTasks.Options.USUAL);
    Awaitility.await("every letter is through")
        .atMost(Office.LONGEST)
        .until(
            () ->
                practice.count(
                        "select count(*) from dead_letters where practice_id = ?"
                            + " and state in ('OPEN', 'REPLAYING')")
                    == 0);
  }

  @Test
  void aMessageThatIsSentAgainChangesNothing() throws Exception {
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      String first = header("A08", "1") + pid("17", ines, mobile(ines));
      Someone moved = ines.withMobile("6142289999");
      pms.send(first);
      pms.send(header("A08", "2") + pid("17", moved, mobile(moved)));

      assertThat(MllpSender.msa(pms.send(first))).isEqualTo("AA 1");
      assertThat(MllpSender.msa(pms.send(first.replace("20260105101500", "20260105101600"))))
          .as("with another time in MSH-7 and EVN-2 it is another message")
          .isEqualTo("AA 1");
      practice.awaitSettled();

      assertThat(
              practice.count(
                  "select count(*) from feed_runs where practice_id = ? and kind = 'RECEIVED'"))
          .isEqualTo(3);
      pms.send(header("A08", "2") + pid("17", moved, mobile(moved)));
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,phones,0,e164")).isEqualTo(ines.e164());
    }
  }

  /**
   * It is on the queue, and nothing says so: there is no AA, and the same message counts as new.
   */
  @Test
  void whatIsNotedOfAMessageIsNotedAsAWholeBeforeItsSenderIsTold() throws Exception {
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port)) {
      String message = header("A28", "1") + pid("17", Someone.named("Ines", "Caldwell"), "");
      String unanswered;
      engine
          .store()
          .execute(
              "create function not_now() returns trigger language plpgsql as 'begin if"
                  + " new.practice_id = "
                  + practice.id()
                  + " then raise exception ''not now''; end if; return new; end'");
      try {
        engine
            .store()
            .execute(
                "create trigger not_now before insert on hl7_messages"
                    + " for each row execute function not_now()");
        unanswered = pms.send(message);
      } finally {
        engine.store().execute("drop function not_now() cascade");
      }
      assertThat(unanswered).isEmpty();
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,name,family")).isEqualTo("Caldwell");
      assertThat(
              practice.count(
                  "select (select sum(records) from feed_runs where practice_id = p.id)"
                      + " + (select count(*) from feeds where practice_id = p.id"
                      + " and last_received_at is not null)"
                      + " + (select count(*) from audit where practice_id = p.id"
                      + " and action = 'push') from practices p where p.id = ?"))
          .isZero();

      try (MllpSender again = new MllpSender(port)) {
        assertThat(MllpSender.msa(again.send(message))).isEqualTo("AA 1");
      }
      practice.awaitSettled();
      assertThat(practice.letters()).isEmpty();
    }
  }

  @Test
  void mergesOfSeveralGroupsAndDeletesFollow() throws Exception {
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port)) {
      for (String id : List.of("1", "2", "3", "4", "5")) {
        pms.send(header("A04", "p" + id) + pid(id, Someone.named("Nadia", "Oyelaran"), ""));
      }
      String answer =
          pms.send(
              header("A40", "m")
                  + "PID|1||1^^^OFFICE^PI||Oyelaran^Nadia\rMRG|2^^^OFFICE^PI\r"
                  + "PID|2||3^^^OFFICE^PI||Oyelaran^Nadia\rPD1|1\rMRG|4^^^OFFICE^PI\r");
      assertThat(MllpSender.msa(answer)).isEqualTo("AA m");
      assertThat(MllpSender.msa(pms.send(header("A29", "d") + "PID|1||5^^^OFFICE^PI||X\r")))
          .isEqualTo("AA d");
      practice.awaitSettled();

      assertThat(
              practice.texts(
                  "select source_id || '>' || merged_into from patients"
                      + " where practice_id = ? and merged_into is not null order by 1"))
          .containsExactly("2>1", "4>3");
      assertThat(
              practice.texts(
                  "select source_id from patients where practice_id = ? and removed_at is not null"))
          .containsExactly("5");
      assertThat(practice.texts("select source_id from hl7_charts where practice_id = ?"))
          .doesNotContain("5");
    }
  }

  @Test
  void charsetsEscapesAndOtherSeparatorsAreRead() throws Exception {
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port)) {
      String utf8 = header("A28", "1").replace("|2.5.1\r", "|2.5.1||||||UNICODE UTF-8\r");
      String latin = header("A28", "2").replace("|2.5.1\r", "|2.5.1||||||8859/1\r");
      pms.send((utf8 + "PID|||1||Müller^Zoë\r").getBytes(UTF_8));
      pms.send((latin + "PID|||2||Müller^Zo\\XEB\\\r").getBytes(ISO_8859_1));
      pms.send(header("A28", "3") + "PID|||3||O\\T\\Brien\\E\\^An\\.br\\na^\\F\\\n");
      pms.send("MSH#*!?$#PMS#OFFICE###20260105##ADT*A28#4#P#2.3\nPID###4!9##Brandt*Howard\n");
      String ascii = pms.send((header("A28", "5") + "PID|||5||Müller\r").getBytes(ISO_8859_1));
      practice.awaitSettled();

      assertThat(practice.recordOf("1", "person,name,family")).isEqualTo("Müller");
      assertThat(practice.recordOf("1", "person,name,given")).isEqualTo("Zoë");
      assertThat(practice.recordOf("2", "person,name,family")).isEqualTo("Müller");
      assertThat(practice.recordOf("2", "person,name,given")).isEqualTo("Zoë");
      assertThat(practice.recordOf("3", "person,name,given")).isEqualTo("An na");
      assertThat(practice.recordOf("4", "person,name,family")).isEqualTo("Brandt");
      assertThat(MllpSender.msa(ascii)).isEqualTo("AE 5");
      assertThat(ascii).contains("ERR||MSH^1^18|102^Data type error^HL70357|E|");
    }
  }

  // ---- How messages arrive ----

  @Test
  void framesArriveInPiecesOrTogether() throws Exception {
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port);
        MllpSender other = new MllpSender(port)) {
      ByteArrayOutputStream together = new ByteArrayOutputStream();
      for (int i = 0; i < 20; i++) {
        together.writeBytes("noise".getBytes(UTF_8));
        together.writeBytes(
            MllpSender.frame(
                header("A28", "t" + i) + pid("t" + i, Someone.named("Nadia", "Oyelaran"), "")));
      }
      pms.raw(together.toByteArray());
      for (byte b :
          MllpSender.frame(header("A28", "s") + pid("s", Someone.named("Nadia", "Oyelaran"), ""))) {
        other.raw(new byte[] {b});
      }

      List<String> answers = new ArrayList<>();
      List<String> expected = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        answers.add(pms.answer());
        expected.add("AA t" + i);
      }
      assertThat(msas(answers)).isEqualTo(expected);
      assertThat(MllpSender.msa(other.answer())).isEqualTo("AA s");
      practice.awaitSettled();
      assertThat(practice.count("select count(*) from patients where practice_id = ?"))
          .isEqualTo(21);
    }
  }

  @Test
  void aFrameWithoutItsEndIsNoMessageAndTheNextOneIsRead() throws Exception {
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port)) {
      byte[] whole = MllpSender.frame(header("A28", "1") + pid("1", Someone.named("A", "B"), ""));
      pms.raw(java.util.Arrays.copyOf(whole, whole.length - 2));
      pms.raw(
          MllpSender.frame(header("A28", "2") + pid("2", Someone.named("Nadia", "Oyelaran"), "")));
      byte[] endless = new byte[1024 * 1024 + 100];
      java.util.Arrays.fill(endless, (byte) 'x');
      endless[0] = 0x0B;

      assertThat(MllpSender.msa(pms.answer())).isEqualTo("AE 1");
      assertThat(MllpSender.msa(pms.answer())).isEqualTo("AA 2");
      pms.raw(endless);
      assertThat(MllpSender.msa(pms.answer())).startsWith("AE");
      assertThat(
              MllpSender.msa(
                  pms.send(header("A28", "3") + pid("3", Someone.named("Vera", "Crane"), ""))))
          .isEqualTo("AA 3");
      practice.awaitSettled();
      assertThat(practice.texts("select source_id from patients where practice_id = ? order by 1"))
          .containsExactly("2", "3");
    }
  }

  /** What is used of a plan goes by the day at the office. */
  @Test
  void theDaysOfAnOfficeThatSendsHl7AreItsOwn() throws Exception {
    try (PushedPractice practice = practice().with("zone", "Pacific/Kiritimati").open()) {
      assertThat(zone(practice)).isEqualTo("Pacific/Kiritimati");
    }
    try (PushedPractice practice =
        practice().with("zone", "-05:00").with("officeZone", "America/New_York").open()) {
      assertThat(zone(practice)).isEqualTo("America/New_York");
    }
  }

  private static String zone(PushedPractice practice) {
    return practice.texts("select office_zone from feeds where practice_id = ?").get(0);
  }

  // ---- What is refused ----

  @Test
  void whatIsNotForThisFeedIsRejectedAndWhatIsWrongIsAnErrorWithADeadLetter(CapturedOutput output)
      throws Exception {
    try (PushedPractice practice = practice().with("passedOver", "A02 A03").open();
        MllpSender pms = new MllpSender(port)) {
      String good = header("A08", "7") + "PID|1||17||" + SENTINEL + "\r";
      Map<String, String> answers =
          Map.ofEntries(
              Map.entry(good.replace("ADT^A08", "ORU^R01"), "AR 7 200"),
              Map.entry(good.replace("A08", "A99"), "AR 7 201"),
              Map.entry(good.replace("|P|", "|T|"), "AR 7 202"),
              Map.entry(good.replace("|2.5.1", "|3.0"), "AR 7 203"),
              Map.entry(good.replace("|7|", "||"), "AE  101"),
              Map.entry(good.replace("PID", "pid"), "AE 7 100"),
              Map.entry(good.replace("|17|", "||"), "AE 7 102"),
              Map.entry(good.replace("A08", "A40"), "AE 7 102"),
              Map.entry(good.replace("|17|", "||").replace("A08", "A29"), "AE 7 102"),
              Map.entry(SENTINEL, "AE  100"));
      for (var each : answers.entrySet()) {
        String answer = pms.send(each.getKey());
        String code = answer.replaceAll("(?s).*ERR\\|\\|[^|]*\\|(\\d+)\\^.*", "$1");
        assertThat(MllpSender.msa(answer) + " " + code)
            .as(each.getKey())
            .isEqualTo(each.getValue());
        assertThat(answer).doesNotContain(SENTINEL);
      }
      assertThat(MllpSender.msa(pms.send(good.replace("A08", "A03")))).isEqualTo("AA 7");
      assertThat(
              MllpSender.msa(
                  pms.send(good.replace("|7|", "|8|").replace("|2.5.1", "|2.5.1|||AL|NE"))))
          .as("enhanced mode")
          .isEqualTo("CA 8");
      practice.awaitSettled();

      assertThat(practice.letters())
          .extracting(l -> l.recordType() + " " + l.cause().category())
          .containsExactlyInAnyOrder(
              "PATIENTS INVALID_RECORD", "MERGES INVALID_RECORD", "DELETES INVALID_RECORD");
      assertThat(practice.letters().toString()).doesNotContain(SENTINEL);
      assertThat(practice.recordOf("17", "person,name,family")).isEqualTo(SENTINEL);
      String feed = "hl7 feed " + practice.name + ": ";
      assertThat(
              practice.texts(
                  "select actor || ' ' || action || ': ' || detail from audit where practice_id = ?"))
          .contains(
              "mllp sender at 127.0.0.1 refused: " + feed + "Unsupported message type",
              "mllp sender at 127.0.0.1 refused: " + feed + "Segment sequence error")
          .anyMatch(line -> line.matches(".* push: " + feed + "1 records, receipt \\d+"))
          .anyMatch(line -> line.matches(".* push: .*1 records, receipt \\d+, with a problem"))
          .noneMatch(line -> line.contains(SENTINEL));
      assertThat(output).doesNotContain(SENTINEL);
    }
  }

  @Test
  void aFeedFileThatIsWrongIsRefusedWithItsLine() throws Exception {
    try (PushedPractice practice = PushedPractice.overMllp(engine, 0)) {
      assertThat(practice.refusal())
          .isEqualTo("line 14: port: must be a whole number from 1 to 65535");
      assertThat(practice.with("port", "" + port).with("charset", "EBCDIC").refusal())
          .startsWith("line 16: charset: \"EBCDIC\" is none of ASCII");
      assertThat(practice.with("charset", "8859/1").with("processingIds", "X").refusal())
          .startsWith("line 18: processingIds:");
      assertThat(practice.with("processingIds", "P T").with("passedOver", "x").refusal())
          .startsWith("line 20: passedOver:");
      practice.with("passedOver", "A02");
      try (ServerSocket somebody = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        assertThat(practice.refusal()).as("%s", somebody).contains("in use");
      }
      assertThat(practice.refusal()).isEmpty();
    }
  }

  // ---- A thousand that are broken ----

  /** The same thousand at every run: messages that somebody's bug could send, among good ones. */
  @Test
  void aThousandBrokenMessagesEndInAnAnswerOrADeadLetterAndHarmNoNeighbour(CapturedOutput output)
      throws Exception {
    Random random = new Random(20261123);
    try (PushedPractice practice = practice().open();
        MllpSender pms = new MllpSender(port)) {
      Set<String> good = new HashSet<>();
      Map<String, Integer> answers = new java.util.TreeMap<>();
      for (int i = 0; i < 1_000; i++) {
        byte[] broken = BrokenRecords.hl7(random, i).getBytes(ISO_8859_1);
        if (i % 3 == 0) {
          broken =
              withoutFrames(
                  BrokenRecords.damaged(random, broken.length == 0 ? new byte[] {'M'} : broken));
        }
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(MllpSender.frame(broken));
        String id = "good-" + i;
        boolean neighbour = i % 4 == 0;
        if (neighbour) {
          both.writeBytes(
              MllpSender.frame(
                  header("A28", id) + pid(id, Someone.named("Nadia", "Oyelaran"), "")));
          good.add(id);
        }
        pms.raw(both.toByteArray());
        String answer = pms.answer();
        String msa = MllpSender.msa(answer);
        assertThat(msa).as("message %d: %s", i, answer).matches("A[AER] .*");
        assertThat(answer.replaceAll("(?s)^MSH.*?\r(?=MSA)", "").replace(msa.substring(3), ""))
            .as("but for the control id, what MSA and ERR say is ours")
            .doesNotContain(SENTINEL);
        answers.merge(msa.substring(0, 2), 1, Integer::sum);
        if (neighbour) {
          assertThat(MllpSender.msa(pms.answer())).isEqualTo("AA " + id);
        }
      }
      practice.awaitSettled();

      assertThat(answers.get("AE")).isGreaterThan(300);
      assertThat(answers.get("AR")).isGreaterThan(50);
      assertThat(
              new HashSet<>(practice.texts("select source_id from patients where practice_id = ?")))
          .as("no good neighbour is lost")
          .containsAll(good);
      assertThat(practice.letters())
          .isNotEmpty()
          .allSatisfy(l -> assertThat(l.cause().category()).isNotEqualTo(Category.STEP_FAILED));
      assertThat(practice.letters().toString()).doesNotContain(SENTINEL);
      assertThat(output).doesNotContain(SENTINEL);
      assertThat(
              MllpSender.msa(
                  pms.send(
                      header("A28", "last") + pid("last", Someone.named("Ruth", "Crane"), ""))))
          .isEqualTo("AA last");
    }
  }

  /** What looks like a frame of its own would be answered on its own. */
  private static byte[] withoutFrames(byte[] bytes) {
    byte[] without = bytes.clone();
    for (int i = 0; i < without.length; i++) {
      if (without[i] == 0x0B || without[i] == 0x1C) {
        without[i] = ' ';
      }
    }
    return without;
  }
}
