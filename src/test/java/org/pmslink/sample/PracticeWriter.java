package org.pmslink.sample;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes charts, members, truth and the ledger in batches. */
final class PracticeWriter implements AutoCloseable {

  /** A member as the truth keeps it. */
  record MemberRow(
      long number,
      long personId,
      @Nullable Long patNum,
      Truth.Label label,
      Set<Trap> traps,
      boolean nameAgrees,
      boolean birthDateAgrees,
      boolean ambiguous,
      String contacts,
      String family,
      String given,
      String birthDate,
      int gender,
      String phone,
      String email) {}

  static final String TRUTH_CHART =
      "INSERT INTO truth.chart (pat_num, person_id, survivor, traps) VALUES (?,?,?,?)";
  private static final String TRUTH_MEMBER =
      "INSERT INTO truth.member (number, person_id, pat_num, label, traps, name_agrees,"
          + " birth_date_agrees, ambiguous, contacts, family, given, birth_date, gender, phone,"
          + " email) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
  private static final int BATCH = 2_000;

  private final Connection connection;
  private final PreparedStatement charts;
  private final PreparedStatement truthCharts;
  private final PreparedStatement truthMembers;
  private final PreparedStatement links;
  private final PreparedStatement phones;
  private final PreparedStatement laid;
  private final @Nullable Ledger ledger;
  private int inBatch;

  PracticeWriter(Connection connection, boolean ledger, long seed) throws SQLException {
    this.connection = connection;
    charts = Chart.insert(connection);
    truthCharts = connection.prepareStatement(TRUTH_CHART);
    truthMembers = connection.prepareStatement(TRUTH_MEMBER);
    links =
        connection.prepareStatement(
            "INSERT INTO patientlink (PatNumFrom, PatNumTo, LinkType, DateTimeLink)"
                // In the server's zone, as Open Dental itself writes it.
                + " VALUES (?,?,?,CONVERT_TZ(FROM_UNIXTIME(?), @@session.time_zone,"
                + " @@global.time_zone))");
    phones =
        connection.prepareStatement(
            "INSERT INTO phonenumber (PatNum, PhoneNumberVal, PhoneNumberDigits, PhoneType)"
                + " VALUES (?,?,?,0)");
    laid =
        connection.prepareStatement(
            "UPDATE truth.chart SET traps = CONCAT_WS(',', NULLIF(traps, ''), ?)"
                + " WHERE pat_num = ?");
    this.ledger = ledger ? new Ledger(connection, new SplittableRandom(seed + 1)) : null;
  }

  /** Indexes of MyISAM tables are built at the end, which is several times faster. */
  void begin() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      try (ResultSet rows = statement.executeQuery("SELECT 1 FROM patient LIMIT 1")) {
        if (rows.next()) {
          throw new IllegalStateException("the sample practice has patients already");
        }
      }
      Ledger.writeDefinitions(statement);
      statement.execute("ALTER TABLE patient DISABLE KEYS");
      statement.execute("ALTER TABLE truth.chart DISABLE KEYS");
      statement.execute("SET unique_checks = 0");
    }
    connection.setAutoCommit(false);
  }

  void chart(Chart chart, @Nullable Long person, long survivor) throws SQLException {
    chart.addTo(charts);
    truthCharts.setLong(1, chart.patNum);
    truthCharts.setObject(2, person, java.sql.Types.BIGINT);
    truthCharts.setLong(3, survivor);
    truthCharts.setString(4, names(chart.traps));
    truthCharts.addBatch();
    if (!chart.extraPhone.isEmpty()) {
      phones.setLong(1, chart.patNum);
      phones.setString(2, chart.extraPhone);
      phones.setString(3, chart.extraPhone);
      phones.addBatch();
    }
    if (ledger != null) {
      ledger.write(chart);
    }
    if (++inBatch == BATCH) {
      flush();
    }
  }

  void link(long from, long to, int type, long second) throws SQLException {
    links.setLong(1, from);
    links.setLong(2, to);
    links.setInt(3, type);
    links.setLong(4, second);
    links.addBatch();
  }

  /** Notes a trap that was laid after the chart had been written. */
  void laid(long patNum, Trap trap) throws SQLException {
    laid.setString(1, trap.name());
    laid.setLong(2, patNum);
    laid.addBatch();
  }

  void member(MemberRow member) throws SQLException {
    int i = 0;
    truthMembers.setLong(++i, member.number());
    truthMembers.setLong(++i, member.personId());
    truthMembers.setObject(++i, member.patNum(), java.sql.Types.BIGINT);
    truthMembers.setString(++i, member.label().name().toLowerCase(Locale.ROOT));
    truthMembers.setString(++i, names(member.traps()));
    truthMembers.setBoolean(++i, member.nameAgrees());
    truthMembers.setBoolean(++i, member.birthDateAgrees());
    truthMembers.setBoolean(++i, member.ambiguous());
    truthMembers.setString(++i, member.contacts());
    truthMembers.setString(++i, member.family());
    truthMembers.setString(++i, member.given());
    truthMembers.setString(++i, member.birthDate());
    truthMembers.setInt(++i, member.gender());
    truthMembers.setString(++i, member.phone());
    truthMembers.setString(++i, member.email());
    truthMembers.addBatch();
  }

  void finish() throws SQLException {
    flush();
    connection.setAutoCommit(true);
    try (Statement statement = connection.createStatement()) {
      statement.execute("ALTER TABLE truth.chart ENABLE KEYS");
      statement.execute("ALTER TABLE patient ENABLE KEYS");
      statement.execute("SET unique_checks = 1");
    }
  }

  private void flush() throws SQLException {
    charts.executeBatch();
    truthCharts.executeBatch();
    truthMembers.executeBatch();
    links.executeBatch();
    phones.executeBatch();
    laid.executeBatch();
    if (ledger != null) {
      ledger.flush();
    }
    connection.commit();
    inBatch = 0;
  }

  private static String names(Set<Trap> traps) {
    return traps.isEmpty() ? "" : traps.stream().map(Trap::name).collect(Collectors.joining(","));
  }

  @Override
  public void close() throws SQLException {
    charts.close();
    truthCharts.close();
    truthMembers.close();
    links.close();
    phones.close();
    laid.close();
    if (ledger != null) {
      ledger.close();
    }
  }
}
