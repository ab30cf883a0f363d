package org.pmslink.sample;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The office at work: each step is one change as Open Dental's own windows make it, and the truth
 * is kept true. Not for use by several threads.
 */
public final class PracticeSimulator {

  /** What staff did. */
  public enum Kind {
    EDIT_PHONE,
    EDIT_EMAIL,
    EDIT_ADDRESS,
    MARRIAGE,
    NEW_PATIENT,
    /** Somebody who was a member before becoming a patient. */
    NEW_PATIENT_WHO_IS_A_MEMBER,
    NEW_DUPLICATE_CHART,
    ARCHIVE,
    MARK_DELETED,
    /** The row itself disappears, which only the vendor's support does. */
    HARD_DELETE,
    MERGE,
    /** The stamp moves and nothing that we read changes. */
    TOUCH,
    /** Many rows get one stamp. */
    BULK_EDIT
  }

  /** What was done to which chart; of a merge the one that was given up, of many the first. */
  public record Change(Kind kind, long patNum) {}

  private record Newcomer(long person, Chart chart) {}

  private record Pair(long person, long loser, long survivor) {}

  private static final int BULK = 500;

  private final DataSource dataSource;
  private final JdbcTemplate jdbc;
  private final Truth truth;
  private final People people;
  private final Deque<Pair> duplicates = new ArrayDeque<>();

  /**
   * @param seed the same seed makes the same changes to the same practice
   */
  public PracticeSimulator(OpenDentalServer server, long seed) {
    this.dataSource = server.dataSource();
    this.jdbc = new JdbcTemplate(dataSource);
    this.truth = Truth.of(server);
    // Far from the numbers the generator has given with the same seed.
    this.people = new People(seed, 40_000_000 + Math.floorMod(seed, 1_000) * 20_000L);
    truth.reconcile();
    // Read once, because it looks at every chart; clones are two on purpose.
    duplicates.addAll(
        jdbc.query(
            "SELECT a.person_id, a.pat_num, b.pat_num FROM truth.chart a JOIN truth.chart b"
                + " ON b.person_id = a.person_id AND b.pat_num < a.pat_num"
                + " WHERE a.traps LIKE '%DUPLICATE_CHART%' AND a.traps NOT LIKE '%CLONE%'"
                + " AND b.traps NOT LIKE '%CLONE%' AND a.survivor = a.pat_num"
                + " AND b.survivor = b.pat_num ORDER BY a.pat_num, b.pat_num LIMIT 1000",
            (row, i) -> new Pair(row.getLong(1), row.getLong(2), row.getLong(3))));
  }

  /** Does one thing. */
  public Change step() {
    int dice = people.upTo(100);
    if (dice < 16) {
      return edit(Kind.EDIT_PHONE, "WirelessPhone", dashed(people.phone()));
    } else if (dice < 26) {
      return edit(Kind.EDIT_EMAIL, "Email", people.email("new", people.surname()));
    } else if (dice < 36) {
      return move();
    } else if (dice < 42) {
      return marry();
    } else if (dice < 54) {
      return newPatient();
    } else if (dice < 61) {
      return newPatientWhoIsAMember();
    } else if (dice < 65) {
      return status(Kind.ARCHIVE, "PatStatus = 3");
    } else if (dice < 69) {
      return status(Kind.MARK_DELETED, "PatStatus = 4, Guarantor = PatNum");
    } else if (dice < 70) {
      return hardDelete();
    } else if (dice < 80) {
      return merge();
    } else if (dice < 98) {
      long patNum = someChart();
      jdbc.update("UPDATE patient SET EstBalance = EstBalance + 1 WHERE PatNum = ?", patNum);
      return new Change(Kind.TOUCH, patNum);
    }
    return bulkEdit();
  }

  private Change edit(Kind kind, String column, String value) {
    long patNum = someChart();
    jdbc.update("UPDATE patient SET " + column + " = ? WHERE PatNum = ?", value, patNum);
    return changed(kind, patNum);
  }

  private Change move() {
    long patNum = someChart();
    People.Place place = people.place();
    jdbc.update(
        "UPDATE patient SET Address = ?, Address2 = ?, City = ?, Zip = ? WHERE PatNum = ?",
        place.line1(),
        place.line2(),
        place.city(),
        place.zip(),
        patNum);
    return changed(Kind.EDIT_ADDRESS, patNum);
  }

  private Change marry() {
    long patNum = someChart();
    // The note comes first: a run killed in between must not promise a match that is gone.
    jdbc.update("UPDATE truth.member SET name_agrees = 0 WHERE pat_num = ?", patNum);
    jdbc.update("UPDATE patient SET LName = ? WHERE PatNum = ?", people.surname(), patNum);
    return changed(Kind.MARRIAGE, patNum);
  }

  private Change status(Kind kind, String assignment) {
    long patNum = someChart();
    jdbc.update("UPDATE patient SET " + assignment + " WHERE PatNum = ?", patNum);
    return changed(kind, patNum);
  }

  private Change hardDelete() {
    long patNum = someChart();
    jdbc.update("DELETE FROM patient WHERE PatNum = ?", patNum);
    jdbc.update("UPDATE truth.chart SET gone = 1 WHERE pat_num = ?", patNum);
    return changed(Kind.HARD_DELETE, patNum);
  }

  private Change bulkEdit() {
    long first = someChart();
    jdbc.update(
        "UPDATE patient SET BillingType = BillingType + 1, DateTStamp = NOW()"
            + " WHERE PatNum >= ? ORDER BY PatNum LIMIT "
            + BULK,
        first);
    return new Change(Kind.BULK_EDIT, first);
  }

  private Change newPatient() {
    boolean female = people.oneIn(2);
    Chart chart = new Chart();
    chart.family = people.surname();
    chart.given = people.given(female);
    chart.gender = female ? 1 : 0;
    chart.birthDate = people.born(2, 85).toString();
    chart.email = people.email(chart.given, chart.family);
    chart.mobile = dashed(people.phone());
    long person =
        number(
                "SELECT GREATEST((SELECT COALESCE(MAX(person_id), 0) FROM truth.chart),"
                    + " (SELECT COALESCE(MAX(person_id), 0) FROM truth.member))")
            + 1;
    return added(Kind.NEW_PATIENT, chart, person);
  }

  private Change newPatientWhoIsAMember() {
    List<Newcomer> waiting =
        jdbc.query(
            "SELECT person_id, family, given, CAST(birth_date AS char), gender, phone, email"
                + " FROM truth.member m WHERE label = 'none' AND pat_num IS NULL AND NOT EXISTS"
                + " (SELECT 1 FROM truth.chart c WHERE c.person_id = m.person_id)"
                + " ORDER BY number LIMIT 1",
            (row, i) -> {
              Chart chart = new Chart();
              chart.family = row.getString(2);
              chart.given = row.getString(3);
              chart.birthDate = row.getString(4);
              chart.gender = row.getInt(5);
              chart.mobile = row.getString(6);
              chart.email = row.getString(7);
              return new Newcomer(row.getLong(1), chart);
            });
    if (waiting.isEmpty()) {
      return newPatient();
    }
    long person = waiting.get(0).person();
    Chart chart = waiting.get(0).chart();
    Change change = added(Kind.NEW_PATIENT_WHO_IS_A_MEMBER, chart, person);
    jdbc.update(
        "UPDATE truth.member SET pat_num = ?, name_agrees = 1, birth_date_agrees = 1"
            + " WHERE person_id = ?",
        change.patNum(),
        person);
    truth.relabel(person);
    return change;
  }

  private Change newDuplicate() {
    long original = someChart();
    Optional<Long> person = truth.personOfChart(original);
    if (person.isEmpty()) {
      return newPatient();
    }
    Chart chart =
        jdbc.queryForObject(
            "SELECT LName, FName, CAST(Birthdate AS char), Gender, Email FROM patient"
                + " WHERE PatNum = ?",
            (row, i) -> {
              Chart copy = new Chart();
              copy.family = row.getString(1);
              copy.given = row.getString(2);
              copy.birthDate = row.getString(3);
              copy.gender = row.getInt(4);
              copy.email = row.getString(5);
              return copy;
            },
            original);
    if (chart == null) {
      return newPatient();
    }
    chart.mobile = dashed(people.phone());
    chart.traps.add(Trap.DUPLICATE_CHART);
    Change change = added(Kind.NEW_DUPLICATE_CHART, chart, person.get());
    truth.relabel(person.get());
    duplicates.add(new Pair(person.get(), change.patNum(), original));
    return change;
  }

  private Change added(Kind kind, Chart chart, long person) {
    People.Place place = people.place();
    chart.patNum =
        number(
                "SELECT GREATEST((SELECT COALESCE(MAX(PatNum), 0) FROM patient),"
                    + " (SELECT COALESCE(MAX(pat_num), 0) FROM truth.chart))")
            + 1;
    chart.line1 = place.line1();
    chart.line2 = place.line2();
    chart.city = place.city();
    chart.state = "OH";
    chart.zip = place.zip();
    chart.guarantor = chart.patNum;
    chart.provider = 1;
    chart.stamp = number("SELECT UNIX_TIMESTAMP()");
    chart.entered =
        LocalDate.ofInstant(Instant.ofEpochSecond(chart.stamp), ZoneOffset.UTC).toString();
    try (Connection connection = dataSource.getConnection();
        PreparedStatement known = connection.prepareStatement(PracticeWriter.TRUTH_CHART);
        PreparedStatement insert = Chart.insert(connection)) {
      known.setLong(1, chart.patNum);
      known.setObject(2, person, Types.BIGINT);
      known.setLong(3, chart.patNum);
      known.setString(4, chart.traps.isEmpty() ? "" : Trap.DUPLICATE_CHART.name());
      known.executeUpdate();
      chart.addTo(insert);
      insert.executeBatch();
    } catch (SQLException e) {
      throw new IllegalStateException("cannot add chart " + chart.patNum, e);
    }
    return new Change(kind, chart.patNum);
  }

  /**
   * The steps of Open Dental's merge that concern us: the loser's family and rows go over to the
   * survivor, its demographics stay, and it is archived unless dead.
   */
  private Change merge() {
    Pair pair = duplicates();
    if (pair == null) {
      return newDuplicate();
    }
    long loser = pair.loser();
    long survivor = pair.survivor();
    long guarantor = number("SELECT Guarantor FROM patient WHERE PatNum = " + survivor);
    long newGuarantor = guarantor == loser ? survivor : guarantor;
    jdbc.update(
        "UPDATE patient SET Guarantor = ? WHERE Guarantor = ? AND PatNum <> ?",
        newGuarantor,
        loser,
        loser);
    for (String table :
        List.of(
            "appointment",
            "histappointment",
            "procedurelog",
            "payment",
            "paysplit",
            "adjustment",
            "phonenumber")) {
      jdbc.update("UPDATE " + table + " SET PatNum = ? WHERE PatNum = ?", survivor, loser);
    }
    jdbc.update(
        "UPDATE patient SET PatStatus = IF(PatStatus = 5, 5, 3), SuperFamily = 0 WHERE PatNum = ?",
        loser);
    jdbc.update(
        "INSERT INTO patientlink (PatNumFrom, PatNumTo, LinkType, DateTimeLink)"
            // In the server's zone, as Open Dental itself writes it.
            + " VALUES (?, ?, 1, CONVERT_TZ(NOW(), @@session.time_zone, @@global.time_zone))",
        loser,
        survivor);
    jdbc.update("UPDATE truth.chart SET survivor = ? WHERE survivor = ?", survivor, loser);
    truth.relabel(pair.person());
    return new Change(Kind.MERGE, loser);
  }

  /** The next two charts of one person that are still both in use. */
  private @Nullable Pair duplicates() {
    for (Pair pair = duplicates.poll(); pair != null; pair = duplicates.poll()) {
      long inUse =
          number(
              "SELECT COUNT(*) FROM truth.chart c JOIN patient p ON p.PatNum = c.pat_num"
                  + " WHERE c.survivor = c.pat_num AND p.PatStatus <> 4 AND c.pat_num IN (%d, %d)"
                      .formatted(pair.loser(), pair.survivor()));
      if (inUse == 2) {
        return pair;
      }
    }
    return null;
  }

  private Change changed(Kind kind, long patNum) {
    truth.personOfChart(patNum).ifPresent(truth::relabel);
    return new Change(kind, patNum);
  }

  /** Any chart staff still work with. */
  private long someChart() {
    long last = number("SELECT COALESCE(MAX(PatNum), 0) FROM patient");
    for (int tries = 0; tries < 20; tries++) {
      List<Long> found =
          jdbc.queryForList(
              "SELECT PatNum FROM patient WHERE PatNum >= ? AND PatStatus NOT IN (3, 4)"
                  + " ORDER BY PatNum LIMIT 1",
              Long.class,
              1 + people.upTo(last + 1));
      if (!found.isEmpty()) {
        return found.get(0);
      }
    }
    throw new IllegalStateException("the sample practice has no patients");
  }

  private long number(String sql) {
    Long number = jdbc.queryForObject(sql, Long.class);
    return number == null ? 0 : number;
  }

  private static String dashed(String digits) {
    return digits.substring(0, 3) + "-" + digits.substring(3, 6) + "-" + digits.substring(6);
  }
}
