package org.pmslink.pipeline;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.List;
import org.h2.tools.Server;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * A database with the tables of one of the Dentrixes, on a server of its own; the engine reaches it
 * through a socket, with a driver from the drivers folder.
 */
public final class DentrixDatabase implements AutoCloseable {
  /** Tables of the G series. */
  public static final List<String> G_SERIES =
      List.of(
          "create schema admin",
          """
    create table admin.address (addrid int primary key, street1 char(32), street2 char(32),
      city char(27), state char(22), zipcode char(16), phone char(18), ptrcount int,
      automodifiedtimestamp timestamp)""",
          """
    create table admin.patient (patid int primary key, famid int, lastname char(22),
      firstname char(17), mi char(3), prefname char(17), salutation char(33), chartnum char(21),
      ssn char(11), provid1 char(5), gender smallint, status smallint, fampos smallint, addrid int,
      birthdate date, guarid int, firstvisitdate date, lastvisitdate date, title char(11),
      emailaddr char(61), workphone char(18), pager char(18), privacyflags smallint,
      automodifiedtimestamp timestamp)""",
          """
    create view admin.v_patient as select p.patid as patient_id, p.firstname as first_name,
      p.lastname as last_name, p.mi, p.prefname as preferred_name, p.salutation, p.status,
      p.birthdate as birth_date, p.gender, p.emailaddr as email, a.phone as home_phone,
      p.workphone as work_phone, cast('' as char(18)) as mobile_phone, a.street1 as address_line1,
      a.city, a.state, a.zipcode, p.guarid as guar_id, p.provid1 as pri_provider_id,
      p.firstvisitdate as first_visit_date, p.privacyflags as privacy_flags,
      p.ssn as social_sec_num
      from admin.patient p left join admin.address a on a.addrid = p.addrid""",
          """
    create table admin.appt (apptid int primary key, apptdate date, opid int, provid char(5),
      patid int, patname char(42), apptlen int, amt decimal(10, 2), brokendate date, status int,
      newpataddrid int, automodifiedtimestamp timestamp)""",
          """
    create table admin.appt_hours (apptid int primary key, start_hour smallint,
      start_minute smallint)""",
          """
    create view admin.v_appointment as select a.apptid as appointment_id, a.patid as patient_id,
      h.start_hour, h.start_minute, a.apptlen as length, a.status as status_id
      from admin.appt a left join admin.appt_hours h on h.apptid = a.apptid""",
          """
    create table admin.appthist (apptid int, parentapptid int, modifieddate date, modifiedtime int,
      patid int, status int, deletedflag smallint, createflag smallint, lastflag smallint,
      automodifiedtimestamp timestamp)""",
          "create table admin.proccode (proccodeid int primary key, adacode char(11))",
          """
    create table admin.fullproclog (procid int primary key, patid int, guarid int,
      chartstatus smallint, procdate date, proccodeid int, proclogclass smallint, provid char(5),
      amt decimal(10, 2), automodifiedtimestamp timestamp)""");

  /** Tables of Enterprise. */
  public static final List<String> ENTERPRISE =
      List.of(
          """
    create table DDB_ADDRESS_BASE (ADDRESSID int, ADDRESSDB int, STREET1 varchar(50),
      STREET2 varchar(50), CITY varchar(50), STATE varchar(20), ZIPCODE varchar(16),
      DDB_LAST_MOD timestamp, primary key (ADDRESSID, ADDRESSDB))""",
          """
    create table DDB_PAT_BASE (PATID int, PATDB int, ADDRESSID int, ADDRESSDB int,
      LASTNAME varchar(50), FIRSTNAME varchar(50), MI varchar(3), MiddleName varchar(50),
      PREFNAME varchar(50), TITLE varchar(20), Suffix varchar(10), CHART varchar(21), SS varchar(11),
      GENDER smallint, STATUS smallint, FAMPOS smallint, BIRTHDATE timestamp,
      FIRSTVISITDATE timestamp, HOMEPHONE varchar(20), WKPHONE varchar(20), OTHERPHONE varchar(20),
      PAGER varchar(20), EMAILADDRESS varchar(100), GUARID int, GUARDB int, PRPROVID varchar(10),
      DefaultClinic int, PatientDeathDate timestamp, Language smallint, PrivacyFlags smallint,
      DDB_LAST_MOD timestamp, primary key (PATID, PATDB))""",
          """
    create table DDB_APPT_BASE (APPTID int, APPTDB int, PATID int, PATDB int, APPTDATE timestamp,
      TIME_HOUR smallint, TIME_MINUTE smallint, APPTLEN int, STATUS int, BROKENDATE timestamp,
      DDB_LAST_MOD timestamp, primary key (APPTID, APPTDB))""",
          """
    create table DDB_PROC_CODE_BASE (PROC_CODEID int, PROC_CODEDB int, ADACODE varchar(11),
      primary key (PROC_CODEID, PROC_CODEDB))""",
          """
    create table DDB_PROC_LOG_BASE (PROC_LOGID int, PROC_LOGDB int, PATID int, PATDB int,
      PLDATE timestamp, CHART_STATUS smallint, CLASS smallint, AMOUNT bigint, PROC_CODEID int,
      PROC_CODEDB int, PROVID varchar(10), DDB_LAST_MOD timestamp,
      primary key (PROC_LOGID, PROC_LOGDB))""");

  /** SQL Server keeps the case of names, and does not ask for it. */
  public static final String AS_SQL_SERVER =
      ";MODE=MSSQLServer;DATABASE_TO_UPPER=FALSE;CASE_INSENSITIVE_IDENTIFIERS=TRUE";

  final Server server;
  public final String url;
  final JdbcTemplate jdbc;
  private final SingleConnectionDataSource connection;

  /** Starts a server on any free port, with a database of these tables. */
  public DentrixDatabase(Path folder, String options, List<String> schema) throws SQLException {
    server =
        Server.createTcpServer("-tcpPort", "0", "-ifNotExists", "-baseDir", folder.toString())
            .start();
    url = "jdbc:h2:tcp://127.0.0.1:" + server.getPort() + "/./dentrix" + options;
    // One connection that stays: with the last one H2 puts the database away, and opens it again.
    connection = new SingleConnectionDataSource(url, "sa", "", true);
    jdbc = new JdbcTemplate(connection);
    for (String statement : schema) {
      jdbc.execute(statement);
    }
  }

  /** Puts the vendor's jar where IT puts it. */
  public static void installDriver(Path drivers) throws IOException, URISyntaxException {
    Path jar =
        Path.of(org.h2.Driver.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Files.createDirectories(drivers);
    Files.copy(jar, drivers.resolve("vendor-driver.jar"), StandardCopyOption.REPLACE_EXISTING);
  }

  /** Has an office read it, with the vendor's jar where IT puts it. */
  Office readBy(Engine engine, Office office, String mappings, String dialect)
      throws IOException, URISyntaxException {
    installDriver(engine.drivers());
    return office
        .withMappingsOf(mappings)
        .with("url", url)
        .with("user", "sa")
        .with("password", "")
        .with("driver", "org.h2.Driver")
        .with("dialect", dialect)
        .with("zone", "UTC")
        .with("officeZone", "America/New_York");
  }

  @Override
  public void close() {
    connection.destroy();
    server.stop();
  }
}
