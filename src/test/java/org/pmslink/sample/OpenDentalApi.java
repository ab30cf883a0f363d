package org.pmslink.sample;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Date;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;

/**
 * Open Dental's REST API over a practice's database, with the habits that its documentation and its
 * users tell of: at most 100 rows, no total and no next, codes as words, booleans as strings,
 * numbers now as numbers and now as text, times in the office's zone without naming it, so many
 * requests a second and no more.
 */
public final class OpenDentalApi implements AutoCloseable {
  public static final String DEVELOPER_KEY = "NFF6i0KrXrxDkZHt";
  public static final String CUSTOMER_KEY = "VzkmZEaUWOjnQX2z";

  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");
  private static final int LIMIT = 100;

  private static final List<String> PATIENT_STATUSES =
      List.of(
          "Patient", "NonPatient", "Inactive", "Archived", "Deleted", "Deceased", "Prospective");
  private static final List<String> GENDERS = List.of("Male", "Female", "Unknown", "Other");
  private static final List<String> POSITIONS =
      List.of("Single", "Married", "Child", "Widowed", "Divorced");
  private static final List<String> APPOINTMENT_STATUSES =
      List.of(
          "None",
          "Scheduled",
          "Complete",
          "UnschedList",
          "ASAP",
          "Broken",
          "Planned",
          "PtNote",
          "PtNoteCompleted");
  private static final List<String> PROCEDURE_STATUSES =
      List.of("", "TP", "C", "EC", "EO", "R", "D", "Cn", "TPi");
  private static final List<String> CONSENTS = List.of("Unknown", "Yes", "No");
  private static final List<String> CONTACTS =
      List.of(
          "None",
          "DoNotCall",
          "HmPhone",
          "WkPhone",
          "WirelessPh",
          "Email",
          "SeeNotes",
          "Mail",
          "TextMessage");

  private final HttpServer server;
  private final DataSource practice;
  private final Queue<String> faults = new ConcurrentLinkedQueue<>();
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicInteger tooSoon = new AtomicInteger();
  private volatile long gapNanos;
  private volatile long lastStart;
  private volatile boolean queriesAllowed = true;
  private volatile boolean deletedListed = true;

  private OpenDentalApi(DataSource practice) throws IOException {
    this.practice = practice;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext("/api/v1", this::handle);
  }

  /** Serves a practice until it is closed. */
  public static OpenDentalApi over(DataSource practice) {
    try {
      OpenDentalApi api = new OpenDentalApi(practice);
      api.lastStart = System.nanoTime() - Duration.ofDays(1).toNanos();
      api.server.start();
      return api;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Base address. */
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/api/v1";
  }

  /** Refuses requests that come sooner after the last one. */
  public void throttle(Duration gap) {
    gapNanos = gap.toNanos();
  }

  public void allowQueries(boolean allowed) {
    queriesAllowed = allowed;
  }

  /** Whether lists hold what is deleted; no page of the vendor's says whether they do. */
  public void listDeleted(boolean listed) {
    deletedListed = listed;
  }

  /**
   * The next request is answered by this instead.
   *
   * @param fault a status and what else, as in "504" or "429 7"; anything else is a body with
   *     status 200
   */
  public void failNext(String fault) {
    faults.add(fault);
  }

  public int requests() {
    return requests.get();
  }

  /** How many requests came sooner than the throttle allows. */
  public int tooSoon() {
    return tooSoon.get();
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void handle(HttpExchange call) throws IOException {
    requests.incrementAndGet();
    try (call) {
      long now = System.nanoTime();
      long gap = now - lastStart;
      lastStart = now;
      if (gapNanos > 0 && gap < gapNanos) {
        tooSoon.incrementAndGet();
        call.getResponseHeaders().add("Retry-After", "1");
        answer(call, 429, "\"Too many requests\"");
        return;
      }
      String fault = faults.poll();
      if (fault != null) {
        fail(call, fault);
      } else if (!("ODFHIR " + DEVELOPER_KEY + "/" + CUSTOMER_KEY)
          .equals(call.getRequestHeaders().getFirst("Authorization"))) {
        answer(call, 401, "\"Invalid key\"");
      } else {
        answerWhatIsAsked(call);
      }
    }
  }

  private void answerWhatIsAsked(HttpExchange call) throws IOException {
    try {
      serve(call);
    } catch (SQLException e) {
      answer(call, 400, "\"" + e.getMessage() + "\"");
    }
  }

  private static void fail(HttpExchange call, String fault) throws IOException {
    if (!fault.matches("\\d{3}( \\d+)?")) {
      answer(call, 200, fault);
      return;
    }
    String[] parts = fault.split(" ");
    if (parts.length > 1) {
      call.getResponseHeaders().add("Retry-After", parts[1]);
    }
    answer(call, Integer.parseInt(parts[0]), "\"Patient Smith, John: something is wrong\"");
  }

  private static void answer(HttpExchange call, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    call.getResponseHeaders().add("Content-Type", "application/json; charset=utf-8");
    call.sendResponseHeaders(status, bytes.length);
    call.getResponseBody().write(bytes);
  }

  private void serve(HttpExchange call) throws IOException, SQLException {
    String path = call.getRequestURI().getPath().substring("/api/v1".length());
    Map<String, String> parameters = parameters(call.getRequestURI().getRawQuery());
    if (path.equals("/queries/ShortQuery") && call.getRequestMethod().equals("PUT")) {
      String sql = RecordJson.mapper().readTree(call.getRequestBody()).path("SqlCommand").asText();
      if (!queriesAllowed
          || !sql.stripLeading().toLowerCase(java.util.Locale.ROOT).startsWith("select")) {
        answer(call, 401, "\"No permission\"");
      } else {
        answer(call, 200, rows(sql, parameters, 'T', List.of()).toString());
      }
      return;
    }
    String sql =
        switch (path) {
          case "/patients/Simple" ->
              "select p.*, "
                  + local("p.DateTStamp")
                  + " DateTStamp_ from patient p where 1 = 1"
                  + (deletedListed ? "" : " and p.PatStatus <> 4")
                  + since(parameters, "p.DateTStamp");
          case "/appointments" ->
              "select p.*, "
                  + local("p.DateTStamp")
                  + " DateTStamp_ from appointment p where 1 = 1"
                  + since(parameters, "p.DateTStamp");
          case "/procedurelogs" ->
              "select p.*, c.ProcCode as procCode, "
                  + local("p.DateTStamp")
                  + " DateTStamp_ from procedurelog p"
                  + " left join procedurecode c on c.CodeNum = p.CodeNum where 1 = 1"
                  + (deletedListed ? "" : " and p.ProcStatus <> 6")
                  + since(parameters, "p.DateTStamp");
          case "/payments" ->
              "select p.*, "
                  + local("p.SecDateTEdit")
                  + " SecDateTEdit_ from payment p where 1 = 1"
                  + (parameters.containsKey("DateEntry") ? " and p.DateEntry >= :value" : "");
          case "/histappointments" ->
              "select p.* from histappointment p where p.HistApptAction = 4"
                  + (parameters.containsKey("dateStart") ? " and p.HistDateTStamp >= :value" : "");
          default -> one(path);
        };
    if (sql.isEmpty()) {
      answer(call, 404, "\"No such resource\"");
      return;
    }
    List<String> values =
        java.util.stream.Stream.of("DateTStamp", "DateEntry", "dateStart")
            .filter(parameters::containsKey)
            .map(parameters::get)
            .toList();
    ArrayNode rows = rows(sql, parameters, ' ', values);
    boolean alone = path.matches("/\\w+/\\d+");
    if (alone && rows.isEmpty()) {
      answer(call, 404, "\"No such row\"");
    } else {
      answer(call, 200, (alone ? rows.get(0) : rows).toString());
    }
  }

  private static String one(String path) {
    if (path.matches("/patients/\\d{1,18}")) {
      return "select p.* from patient p where p.PatNum = " + path.replaceAll("\\D", "");
    }
    if (path.matches("/appointments/\\d{1,18}")) {
      return "select p.* from appointment p where p.AptNum = " + path.replaceAll("\\D", "");
    }
    if (path.matches("/payments/\\d{1,18}")) {
      return "select p.* from payment p where p.PayNum = " + path.replaceAll("\\D", "");
    }
    if (path.matches("/procedurelogs/\\d{1,18}")) {
      return "select p.* from procedurelog p where p.ProcNum = " + path.replaceAll("\\D", "");
    }
    return "";
  }

  private static String local(String column) {
    return "convert_tz(" + column + ", '+00:00', @@global.time_zone)";
  }

  private static String since(Map<String, String> parameters, String column) {
    return parameters.containsKey("DateTStamp") ? " and " + local(column) + " > :value" : "";
  }

  private ArrayNode rows(
      String sql, Map<String, String> parameters, char between, List<String> values)
      throws SQLException {
    int limit = Math.min(LIMIT, Integer.parseInt(parameters.getOrDefault("Limit", "100")));
    int offset = Integer.parseInt(parameters.getOrDefault("Offset", "0"));
    boolean query = between == 'T';
    String paged =
        query
            ? "select * from (" + sql + ") q limit " + offset + ", " + limit
            : sql.replace(":value", "?") + " limit " + offset + ", " + limit;
    ArrayNode rows = RecordJson.mapper().createArrayNode();
    try (Connection connection = practice.getConnection();
        Statement session = connection.createStatement()) {
      // A query through the API runs in the server's own zone.
      session.execute("set time_zone = " + (query ? "@@global.time_zone" : "'+00:00'"));
      try (var statement = connection.prepareStatement(paged)) {
        for (int i = 0; i < values.size(); i++) {
          statement.setString(i + 1, values.get(i));
        }
        String clock = TIME.format(serverClock(session));
        try (ResultSet found = statement.executeQuery()) {
          while (found.next()) {
            ObjectNode row = rows.addObject();
            if (!query) {
              row.put("serverDateTime", clock);
            }
            fill(row, found, between);
            if (!query) {
              inWords(row);
            }
          }
        }
      }
    }
    return rows;
  }

  private static LocalDateTime serverClock(Statement session) throws SQLException {
    try (ResultSet row =
        session.executeQuery(
            "select date_format(convert_tz(now(), @@session.time_zone, @@global.time_zone),"
                + " '%Y-%m-%dT%H:%i:%s')")) {
      row.next();
      return LocalDateTime.parse(row.getString(1));
    }
  }

  private static void fill(ObjectNode row, ResultSet found, char between) throws SQLException {
    ResultSetMetaData columns = found.getMetaData();
    for (int i = 1; i <= columns.getColumnCount(); i++) {
      String name = columns.getColumnLabel(i);
      boolean localStamp = name.endsWith("_");
      String field = localStamp ? name.substring(0, name.length() - 1) : name;
      switch (columns.getColumnType(i)) {
        case Types.TIMESTAMP ->
            row.put(field, time(found.getObject(i, LocalDateTime.class), between));
        case Types.DATE -> row.put(field, date(found.getDate(i), between));
        case Types.BIGINT, Types.INTEGER, Types.SMALLINT, Types.TINYINT, Types.BIT ->
            row.put(field, found.getLong(i));
        case Types.DOUBLE -> row.put(field, found.getDouble(i));
        default -> {
          String text = found.getString(i);
          row.put(field, text == null ? "" : text.replaceAll("[\\r\\n]+", " "));
        }
      }
    }
  }

  private static String time(@Nullable LocalDateTime time, char between) {
    return time == null ? "0001-01-01 00:00:00" : TIME.format(time).replace(' ', between);
  }

  private static String date(@Nullable Date date, char between) {
    String day = date == null ? "0001-01-01" : date.toLocalDate().toString();
    return between == 'T' ? day + "T00:00:00" : day;
  }

  /** Codes as words, booleans as strings, numbers as it happens. */
  private static void inWords(ObjectNode row) {
    word(row, "PatStatus", PATIENT_STATUSES);
    word(row, "Gender", GENDERS);
    word(row, "Position", POSITIONS);
    word(row, "TxtMsgOk", CONSENTS);
    word(row, "PreferContactMethod", CONTACTS);
    word(row, "AptStatus", APPOINTMENT_STATUSES);
    word(row, "ProcStatus", PROCEDURE_STATUSES);
    for (String flag : List.of("IsHygiene", "IsNewPatient")) {
      if (row.has(flag)) {
        row.put(flag, row.path(flag).asInt() == 1 ? "true" : "false");
      }
    }
    for (String text : List.of("ClinicNum", "PayAmt", "ProcFee")) {
      JsonNode value = row.path(text);
      if (value.isNumber() && row.path("PatNum").asLong() % 2 == 0) {
        row.put(
            text,
            value.isIntegralNumber() ? value.asText() : String.format("%.2f", value.asDouble()));
      }
    }
    String zip = row.path("Zip").asText();
    if (zip.matches("[1-9]\\d{4}")) {
      row.put("Zip", Integer.parseInt(zip));
    }
  }

  private static void word(ObjectNode row, String field, List<String> words) {
    if (row.has(field) && row.path(field).isNumber()) {
      int code = row.path(field).asInt();
      row.put(field, code < words.size() ? words.get(code) : "Code" + code);
    }
  }

  private static Map<String, String> parameters(@Nullable String query) {
    Map<String, String> parameters = new HashMap<>();
    if (query != null) {
      for (String pair : query.split("&")) {
        String[] sides = pair.split("=", 2);
        if (sides.length == 2) {
          parameters.put(sides[0], URLDecoder.decode(sides[1], StandardCharsets.UTF_8));
        }
      }
    }
    return parameters;
  }
}
