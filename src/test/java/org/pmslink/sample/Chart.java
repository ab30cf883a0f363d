package org.pmslink.sample;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.Set;

/** A row of {@code patient} while it is filled in; dates are text, as the server takes them. */
final class Chart {
  static final String NO_DATE = "0001-01-01";

  private static final String INSERT =
      "INSERT INTO patient (PatNum, LName, FName, MiddleI, Preferred, PatStatus, Gender,"
          + " `Position`, Birthdate, SSN, Address, Address2, City, State, Zip, HmPhone, WkPhone,"
          + " WirelessPhone, Guarantor, Email, Title, ChartNumber, `Language`, PriProv, ClinicNum,"
          + " DateFirstVisit, PreferContactMethod, TxtMsgOk, DateTStamp, SecDateEntry,"
          + " DateTimeDeceased) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
          + "FROM_UNIXTIME(?),?,?)";

  long patNum;
  String family = "";
  String given = "";
  String middle = "";
  String preferred = "";
  int status;
  int gender;
  int position;
  String birthDate = NO_DATE;
  String ssn = "";
  String line1 = "";
  String line2 = "";
  String city = "";
  String state = "";
  String zip = "";
  String home = "";
  String work = "";
  String mobile = "";
  long guarantor;
  String email = "";
  String title = "";
  String chartNumber = "";
  String language = "";
  int provider;
  int clinic;
  String firstVisit = NO_DATE;
  int contactMethod;
  int textMessages;
  long stamp;
  String entered = NO_DATE;
  String deceased = NO_DATE + " 00:00:00";
  String extraPhone = "";
  final Set<Trap> traps = EnumSet.noneOf(Trap.class);

  /** The same values under no number yet. */
  Chart copy() {
    Chart copy = new Chart();
    copy.family = family;
    copy.given = given;
    copy.middle = middle;
    copy.preferred = preferred;
    copy.gender = gender;
    copy.position = position;
    copy.birthDate = birthDate;
    copy.ssn = ssn;
    copy.line1 = line1;
    copy.line2 = line2;
    copy.city = city;
    copy.state = state;
    copy.zip = zip;
    copy.home = home;
    copy.work = work;
    copy.mobile = mobile;
    copy.guarantor = guarantor;
    copy.email = email;
    copy.title = title;
    copy.language = language;
    copy.provider = provider;
    copy.clinic = clinic;
    copy.firstVisit = firstVisit;
    copy.stamp = stamp;
    copy.entered = entered;
    return copy;
  }

  static PreparedStatement insert(Connection connection) throws SQLException {
    return connection.prepareStatement(INSERT);
  }

  void addTo(PreparedStatement insert) throws SQLException {
    int i = 0;
    insert.setLong(++i, patNum);
    insert.setString(++i, family);
    insert.setString(++i, given);
    insert.setString(++i, middle);
    insert.setString(++i, preferred);
    insert.setInt(++i, status);
    insert.setInt(++i, gender);
    insert.setInt(++i, position);
    insert.setString(++i, birthDate);
    insert.setString(++i, ssn);
    insert.setString(++i, line1);
    insert.setString(++i, line2);
    insert.setString(++i, city);
    insert.setString(++i, state);
    insert.setString(++i, zip);
    insert.setString(++i, home);
    insert.setString(++i, work);
    insert.setString(++i, mobile);
    insert.setLong(++i, guarantor);
    insert.setString(++i, email);
    insert.setString(++i, title);
    insert.setString(++i, chartNumber);
    insert.setString(++i, language);
    insert.setInt(++i, provider);
    insert.setInt(++i, clinic);
    insert.setString(++i, firstVisit);
    insert.setInt(++i, contactMethod);
    insert.setInt(++i, textMessages);
    insert.setLong(++i, stamp);
    insert.setString(++i, entered);
    insert.setString(++i, deceased);
    insert.addBatch();
  }
}
