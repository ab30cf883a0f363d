package org.pmslink.sample;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.i18n.phonenumbers.NumberParseException;
import com.google.i18n.phonenumbers.PhoneNumberUtil;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.patient.SourcePatient;
import org.springframework.jdbc.core.JdbcTemplate;

/** One practice for all tests, because filling one takes longer than asking it. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PracticeTest {
  private static final PracticeGenerator.Size SIZE =
      new PracticeGenerator.Size(2_000, 500, 42, true);
  private static final List<SourcePatient> MEMBERS = new ArrayList<>();

  private static OpenDentalServer server;
  private static JdbcTemplate jdbc;
  private static Truth truth;

  @BeforeAll
  static void fill(@TempDir Path folder) {
    server = OpenDentalServer.start(folder, 0);
    jdbc = new JdbcTemplate(server.dataSource());
    truth = Truth.of(server);
    PracticeGenerator.fill(server, SIZE, (number, person) -> MEMBERS.add(person));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  @Order(1)
  void hasTheSizeThatWasAskedFor() {
    assertThat(jdbc.queryForObject("SELECT COUNT(*) FROM patient", Integer.class)).isEqualTo(2_000);
    assertThat(MEMBERS).hasSize(500);
    assertThat(truth.counts().charts()).isEqualTo(2_000);
    assertThat(truth.counts().members()).isEqualTo(500);
    assertThat(truth.counts().matches()).isGreaterThan(200);
    assertThat(truth.counts().reviews()).isGreaterThan(50);
    assertThat(truth.counts().strangers()).isGreaterThan(25);
    for (String table :
        List.of(
            "appointment",
            "histappointment",
            "procedurelog",
            "payment",
            "paysplit",
            "adjustment")) {
      assertThat(jdbc.queryForObject("SELECT COUNT(*) FROM " + table, Integer.class))
          .as(table)
          .isGreaterThan(20);
    }
  }

  @Test
  @Order(1)
  void everyTrapIsLaidAtLeastOnce() {
    Map<String, Integer> counts = truth.trapCounts();
    assertThat(counts.keySet()).containsAll(Arrays.stream(Trap.values()).map(Trap::name).toList());
    assertThat(jdbc.queryForList("SELECT DISTINCT PatStatus FROM patient", Integer.class))
        .contains(0, 1, 2, 3, 4, 5, 6, 9);
  }

  @Test
  @Order(1)
  void everyTelephoneOfAMemberCanBeDialled() throws NumberParseException {
    PhoneNumberUtil numbers = PhoneNumberUtil.getInstance();
    for (SourcePatient member : MEMBERS) {
      for (SourcePatient.SourcePhone phone :
          member.phones() == null ? List.<SourcePatient.SourcePhone>of() : member.phones()) {
        assertThat(numbers.isValidNumber(numbers.parse(phone.number(), "US"))).isTrue();
      }
    }
  }

  @Test
  @Order(1)
  void mergedChartsPointToTheOneThatIsLeft() {
    assertThat(
            jdbc.queryForObject(
                "SELECT COUNT(*) FROM patientlink l JOIN truth.chart f ON f.pat_num = l.PatNumFrom"
                    + " JOIN truth.chart t ON t.pat_num = l.PatNumTo WHERE l.LinkType = 1"
                    + " AND f.survivor <> t.survivor",
                Integer.class))
        .isZero();
    assertThat(
            jdbc.queryForObject(
                "SELECT COUNT(*) FROM truth.chart WHERE survivor <> pat_num", Integer.class))
        .isGreaterThan(20);
  }

  @Test
  @Order(1)
  void theTruthAgreesWithTheRows() {
    assertConsistent();
  }

  @Test
  @Order(1)
  void theLoadedTruthSaysTheSame() {
    Truth.Loaded loaded = truth.load();
    truth.forEachMember(
        member -> {
          assertThat(loaded.personOfMember(member.number())).isEqualTo(member.personId());
          Long chart = member.patNum();
          if (chart != null) {
            assertThat(loaded.samePerson(chart, member.number())).isTrue();
            assertThat(loaded.survivorOf(chart)).isEqualTo(chart);
          }
        });
    assertThat(loaded.samePerson(1, "M000500")).isEqualTo(truth.samePerson(1, "M000500"));
    assertThat(loaded.personOfChart(99_999_999)).isZero();
  }

  @Test
  @Order(1)
  void theSameSeedGivesTheSamePracticeAndAnotherSeedAnother(@TempDir Path folder) {
    List<SourcePatient> members = new ArrayList<>();
    try (OpenDentalServer other =
        OpenDentalServer.start(folder, 0, OpenDentalServer.Engine.INNODB)) {
      PracticeGenerator.fill(other, SIZE, (number, person) -> members.add(person));
      JdbcTemplate others = new JdbcTemplate(other.dataSource());
      assertThat(members).isEqualTo(MEMBERS);
      assertThat(checksums(others)).isEqualTo(checksums(jdbc));

      for (String table : checksums(others).keySet()) {
        others.execute("TRUNCATE TABLE " + table);
      }
      for (String table : List.of("clinic", "provider", "definition", "procedurecode")) {
        others.execute("TRUNCATE TABLE " + table);
      }
      PracticeGenerator.fill(
          other, new PracticeGenerator.Size(2_000, 500, 43, true), (number, person) -> {});
      assertThat(checksums(others)).doesNotContainEntry("patient", checksums(jdbc).get("patient"));
    }
  }

  @Test
  @Order(2)
  void twoHundredChangesKeepTheTruthTrue() {
    PracticeSimulator simulator = new PracticeSimulator(server, 7);
    Set<PracticeSimulator.Kind> kinds = EnumSet.noneOf(PracticeSimulator.Kind.class);
    for (int i = 0; i < 200; i++) {
      kinds.add(simulator.step().kind());
    }
    assertThat(kinds)
        .contains(
            PracticeSimulator.Kind.MERGE,
            PracticeSimulator.Kind.MARRIAGE,
            PracticeSimulator.Kind.NEW_PATIENT_WHO_IS_A_MEMBER,
            PracticeSimulator.Kind.MARK_DELETED,
            PracticeSimulator.Kind.BULK_EDIT);
    assertConsistent();
  }

  private static Map<String, Long> checksums(JdbcTemplate jdbc) {
    Map<String, Long> sums = new HashMap<>();
    // Counted over the columns' text: CHECKSUM TABLE differs between storage engines.
    sums.put(
        "patient",
        sum(
            jdbc,
            "patient",
            "CONCAT_WS('|', PatNum, LName, FName, Birthdate,"
                + " PatStatus, WirelessPhone, Email, Guarantor, DateTStamp)"));
    sums.put(
        "patientlink", sum(jdbc, "patientlink", "CONCAT_WS('|', PatNumFrom, PatNumTo, LinkType)"));
    sums.put("phonenumber", sum(jdbc, "phonenumber", "CONCAT_WS('|', PatNum, PhoneNumberVal)"));
    sums.put(
        "appointment", sum(jdbc, "appointment", "CONCAT_WS('|', AptNum, PatNum, AptDateTime)"));
    sums.put(
        "histappointment", sum(jdbc, "histappointment", "CONCAT_WS('|', AptNum, HistApptAction)"));
    sums.put("procedurelog", sum(jdbc, "procedurelog", "CONCAT_WS('|', ProcNum, PatNum, ProcFee)"));
    sums.put("payment", sum(jdbc, "payment", "CONCAT_WS('|', PayNum, PatNum, PayAmt)"));
    sums.put("paysplit", sum(jdbc, "paysplit", "CONCAT_WS('|', PatNum, PayNum, SplitAmt)"));
    sums.put("adjustment", sum(jdbc, "adjustment", "CONCAT_WS('|', PatNum, AdjAmt)"));
    sums.put(
        "truth.chart",
        sum(jdbc, "truth.chart", "CONCAT_WS('|', pat_num, person_id, survivor, traps)"));
    sums.put(
        "truth.member",
        sum(jdbc, "truth.member", "CONCAT_WS('|', number, person_id, pat_num, label, traps)"));
    return sums;
  }

  private static long sum(JdbcTemplate jdbc, String table, String text) {
    Long sum = jdbc.queryForObject("SELECT SUM(CRC32(" + text + ")) FROM " + table, Long.class);
    return sum == null ? 0 : sum;
  }

  /** Every promise of the truth follows from the rows as they are now. */
  private static void assertConsistent() {
    assertThat(
            jdbc.queryForObject(
                "SELECT COUNT(*) FROM patient p LEFT JOIN truth.chart c ON c.pat_num = p.PatNum"
                    + " WHERE c.pat_num IS NULL",
                Integer.class))
        .as("charts the truth does not know")
        .isZero();
    assertThat(
            jdbc.queryForObject(
                "SELECT COUNT(*) FROM truth.chart c LEFT JOIN patient p ON p.PatNum = c.pat_num"
                    + " WHERE (p.PatNum IS NULL) <> c.gone",
                Integer.class))
        .as("charts said to be there or gone that are not")
        .isZero();
    List<Truth.Member> before = new ArrayList<>();
    truth.forEachMember(before::add);
    for (Truth.Member member : before) {
      Long chart = member.patNum();
      if (chart != null) {
        assertThat(truth.samePerson(chart, member.number())).as(member.number()).isTrue();
      }
      assertThat(chart == null).as(member.number()).isEqualTo(member.label() == Truth.Label.NONE);
      truth.relabel(member.personId());
    }
    List<Truth.Member> after = new ArrayList<>();
    truth.forEachMember(after::add);
    assertThat(after).isEqualTo(before);
  }
}
