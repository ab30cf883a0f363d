package org.pmslink.sample;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.SplittableRandom;

/** Visits and money of a chart: a modest number, consistent with each other. */
final class Ledger implements AutoCloseable {
  private static final String[][] PROCEDURES = {
    {"D0120", "periodic oral evaluation", "52"},
    {"D0140", "limited oral evaluation", "75"},
    {"D0150", "comprehensive oral evaluation", "89"},
    {"D0274", "bitewings, four images", "64"},
    {"D1110", "prophylaxis, adult", "98"},
    {"D1120", "prophylaxis, child", "72"},
    {"D2392", "resin, two surfaces, posterior", "235"},
    {"D2740", "crown, ceramic", "1290"},
    {"D7140", "extraction, erupted tooth", "210"}
  };

  private final SplittableRandom random;
  private final PreparedStatement appointments;
  private final PreparedStatement history;
  private final PreparedStatement procedures;
  private final PreparedStatement payments;
  private final PreparedStatement splits;
  private final PreparedStatement adjustments;
  private long lastAppointment;
  private long lastProcedure;
  private long lastPayment;

  Ledger(Connection connection, SplittableRandom random) throws SQLException {
    this.random = random;
    appointments =
        connection.prepareStatement(
            "INSERT INTO appointment (AptNum, PatNum, AptStatus, Pattern, ProvNum, AptDateTime,"
                + " ProcDescript, ClinicNum, SecDateTEntry, DateTStamp)"
                + " VALUES (?,?,?,?,?,?,?,?,?,FROM_UNIXTIME(?))");
    history =
        connection.prepareStatement(
            "INSERT INTO histappointment (HistDateTStamp, HistApptAction, AptNum, PatNum,"
                + " AptStatus, Pattern, ProvNum, AptDateTime, ClinicNum)"
                + " VALUES (?,?,?,?,?,?,?,?,?)");
    procedures =
        connection.prepareStatement(
            "INSERT INTO procedurelog (ProcNum, PatNum, AptNum, ProcDate, ProcFee, ProcStatus,"
                + " CodeNum, ProvNum, ClinicNum, DateComplete, DateTStamp)"
                + " VALUES (?,?,?,?,?,?,?,?,?,?,FROM_UNIXTIME(?))");
    payments =
        connection.prepareStatement(
            "INSERT INTO payment (PayNum, PayType, PayDate, PayAmt, PatNum, ClinicNum, DateEntry,"
                + " SecDateTEdit) VALUES (?,?,?,?,?,?,?,FROM_UNIXTIME(?))");
    splits =
        connection.prepareStatement(
            "INSERT INTO paysplit (SplitAmt, PatNum, PayNum, ProvNum, DatePay, ProcNum, ClinicNum,"
                + " SecDateTEdit) VALUES (?,?,?,?,?,?,?,FROM_UNIXTIME(?))");
    adjustments =
        connection.prepareStatement(
            "INSERT INTO adjustment (AdjDate, AdjAmt, PatNum, AdjType, ProvNum, ProcNum, DateEntry,"
                + " SecDateTEdit) VALUES (?,?,?,?,?,?,?,FROM_UNIXTIME(?))");
  }

  /** What every practice has, with or without a ledger. */
  static void writeDefinitions(Statement statement) throws SQLException {
    statement.execute(
        "INSERT INTO clinic (ClinicNum, Description, Abbr, Phone) VALUES"
            + " (1, 'Main Street Dental', 'Main', '(614)200-0100'),"
            + " (2, 'Polaris Dental', 'Pol', '(614)200-0200')");
    statement.execute(
        "INSERT INTO provider (ProvNum, Abbr, ItemOrder, LName, FName, IsSecondary) VALUES"
            + " (1, 'DOC1', 0, 'Abbott', 'Jean', 0), (2, 'DOC2', 1, 'Kowalski', 'Ira', 0),"
            + " (3, 'HYG1', 2, 'Marsh', 'Dee', 1), (4, 'HYG2', 3, 'Ocampo', 'Lia', 1)");
    statement.execute(
        "INSERT INTO definition (DefNum, Category, ItemOrder, ItemName) VALUES"
            + " (1, 10, 0, 'Check'), (2, 10, 1, 'Cash'), (3, 10, 2, 'Credit Card'),"
            + " (4, 1, 0, 'Discount'), (5, 1, 1, 'Finance Charge'), (6, 2, 0, 'Confirmed')");
    StringBuilder codes =
        new StringBuilder(
            "INSERT INTO procedurecode (CodeNum, ProcCode, Descript, AbbrDesc) VALUES ");
    for (int i = 0; i < PROCEDURES.length; i++) {
      codes
          .append(i == 0 ? "" : ", ")
          .append(
              "(%d, '%s', '%s', '%s')"
                  .formatted(i + 1, PROCEDURES[i][0], PROCEDURES[i][1], PROCEDURES[i][0]));
    }
    statement.execute(codes.toString());
  }

  void write(Chart chart) throws SQLException {
    if (chart.status != 0 && chart.status != 2) {
      return;
    }
    LocalDate day = LocalDate.ofEpochDay(chart.stamp / 86_400);
    for (int visits = random.nextInt(4); visits > 0; visits--) {
      day = day.minusDays(60 + random.nextInt(200));
      visit(chart, day);
    }
    if (random.nextInt(3) == 0) {
      appointment(chart, People.TODAY.plusDays(1 + random.nextInt(120)), 1);
    }
  }

  private void visit(Chart chart, LocalDate day) throws SQLException {
    // One in eight is broken, one in twenty a walk-in without an appointment.
    boolean broken = random.nextInt(8) == 0;
    long appointment = random.nextInt(20) == 0 ? 0 : appointment(chart, day, broken ? 5 : 2);
    if (broken) {
      return;
    }
    int code = random.nextInt(PROCEDURES.length);
    double fee = Double.parseDouble(PROCEDURES[code][2]);
    long procedure = ++lastProcedure;
    procedures.setLong(1, procedure);
    procedures.setLong(2, chart.patNum);
    procedures.setLong(3, appointment);
    procedures.setString(4, day.toString());
    procedures.setDouble(5, fee);
    procedures.setInt(6, random.nextInt(40) == 0 ? 6 : 2);
    procedures.setInt(7, code + 1);
    procedures.setInt(8, chart.provider);
    procedures.setInt(9, chart.clinic);
    procedures.setString(10, day.toString());
    procedures.setLong(11, chart.stamp);
    procedures.addBatch();
    if (random.nextInt(10) == 0) {
      adjustments.setString(1, day.toString());
      adjustments.setDouble(2, -Math.round(fee * 10) / 100.0);
      adjustments.setLong(3, chart.patNum);
      adjustments.setInt(4, 4);
      adjustments.setInt(5, chart.provider);
      adjustments.setLong(6, procedure);
      adjustments.setString(7, day.toString());
      adjustments.setLong(8, chart.stamp);
      adjustments.addBatch();
    }
    if (random.nextInt(3) > 0) {
      pay(chart, day, fee, procedure);
    }
  }

  /** The guarantor pays; the split says for whom. */
  private void pay(Chart chart, LocalDate day, double amount, long procedure) throws SQLException {
    long payment = ++lastPayment;
    payments.setLong(1, payment);
    payments.setInt(2, 1 + random.nextInt(3));
    payments.setString(3, day.toString());
    payments.setDouble(4, amount);
    payments.setLong(5, chart.guarantor);
    payments.setInt(6, chart.clinic);
    payments.setString(7, day.toString());
    payments.setLong(8, chart.stamp);
    payments.addBatch();
    splits.setDouble(1, amount);
    splits.setLong(2, chart.patNum);
    splits.setLong(3, payment);
    splits.setInt(4, chart.provider);
    splits.setString(5, day.toString());
    splits.setLong(6, procedure);
    splits.setInt(7, chart.clinic);
    splits.setLong(8, chart.stamp);
    splits.addBatch();
  }

  private long appointment(Chart chart, LocalDate day, int status) throws SQLException {
    long number = ++lastAppointment;
    String time = day + " %02d:%02d:00".formatted(8 + random.nextInt(9), 15 * random.nextInt(4));
    String made = day.minusDays(30) + " 10:00:00";
    String pattern = "/XXXXXX/".repeat(1 + random.nextInt(2));
    appointments.setLong(1, number);
    appointments.setLong(2, chart.patNum);
    appointments.setInt(3, status);
    appointments.setString(4, pattern);
    appointments.setInt(5, chart.provider);
    appointments.setString(6, time);
    appointments.setString(7, "Ex, Pro");
    appointments.setInt(8, chart.clinic);
    appointments.setString(9, made);
    appointments.setLong(10, chart.stamp);
    appointments.addBatch();
    history(chart, number, made, 0, 1, pattern, time);
    if (status == 5) {
      history(chart, number, time, 2, status, pattern, time);
    }
    return number;
  }

  private void history(
      Chart chart, long number, String at, int action, int status, String pattern, String time)
      throws SQLException {
    history.setString(1, at);
    history.setInt(2, action);
    history.setLong(3, number);
    history.setLong(4, chart.patNum);
    history.setInt(5, status);
    history.setString(6, pattern);
    history.setInt(7, chart.provider);
    history.setString(8, time);
    history.setInt(9, chart.clinic);
    history.addBatch();
  }

  void flush() throws SQLException {
    appointments.executeBatch();
    history.executeBatch();
    procedures.executeBatch();
    payments.executeBatch();
    splits.executeBatch();
    adjustments.executeBatch();
  }

  @Override
  public void close() throws SQLException {
    appointments.close();
    history.close();
    procedures.close();
    payments.close();
    splits.close();
    adjustments.close();
  }
}
