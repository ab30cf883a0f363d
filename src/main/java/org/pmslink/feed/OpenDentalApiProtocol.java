package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.camel.Exchange;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedPass.Step;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.RecordJson;
import org.springframework.stereotype.Component;

/**
 * Open Dental's REST API. A page has no "next": it goes on while pages are full, by an offset that
 * counts in no documented order, so that a row may slip past between two pages; the overlap and the
 * nightly comparison find it. Query files of the mapping folder are asked through the API's own
 * door for queries where the office allows that.
 */
@Component
class OpenDentalApiProtocol implements PmsProtocol {
  private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

  /** The remote API gives no more at once, whatever is asked for. */
  private static final int LARGEST_PAGE = 100;

  private final Mappings mappings;
  private final Clock clock = Clock.systemUTC();

  OpenDentalApiProtocol(Mappings mappings) {
    this.mappings = mappings;
  }

  /**
   * A list of the API.
   *
   * @param path below the base address
   * @param key field that identifies a row
   * @param changedParameter filters by the time of the last change, or of entry; absent when there
   *     is none
   * @param whole what to ask for besides, to get all of them
   * @param deleted field and word of a row that is deleted and stays; none when deleted rows go
   */
  private record Resource(
      String path,
      String key,
      @Nullable String changedParameter,
      String whole,
      Map.@Nullable Entry<String, String> deleted) {

    /** Whether a row, asked for alone, says that it is deleted; lists may leave it out. */
    boolean isDeleted(JsonNode row) {
      return deleted != null && deleted.getValue().equals(row.path(deleted.getKey()).asText());
    }
  }

  private static Resource resource(RecordStream stream) {
    return switch (stream.name()) {
      case "PATIENTS" ->
          new Resource(
              "/patients/Simple", "PatNum", "DateTStamp", "", Map.entry("PatStatus", "Deleted"));
      case "VISITS" -> new Resource("/appointments", "AptNum", "DateTStamp", "", null);
      case "VISITS/procedures", "TRANSACTIONS/procedures" ->
          new Resource("/procedurelogs", "ProcNum", "DateTStamp", "", Map.entry("ProcStatus", "D"));
      // Payments can be asked for by the day of their entry only.
      case "TRANSACTIONS/payments" -> new Resource("/payments", "PayNum", "DateEntry", "", null);
      case "DELETES" ->
          new Resource(
              "/histappointments", "HistApptNum", "dateStart", "HistApptAction=Deleted", null);
      default -> throw new FeedException(stream.queryName() + ": the API has no such list");
    };
  }

  private static final List<RecordStream> LISTS =
      List.of(
          RecordStream.of(RecordType.PATIENTS),
          RecordStream.of(RecordType.VISITS),
          new RecordStream(RecordType.VISITS, "procedures"),
          new RecordStream(RecordType.TRANSACTIONS, "procedures"),
          new RecordStream(RecordType.TRANSACTIONS, "payments"),
          RecordStream.of(RecordType.DELETES));

  @Override
  public String name() {
    return "open-dental-api";
  }

  @Override
  public List<RecordStream> streams(FeedDefinition definition) {
    List<RecordStream> streams = new ArrayList<>();
    for (RecordStream stream : LISTS) {
      if (Files.isRegularFile(
          mappings
              .folder()
              .resolve(definition.getMappings())
              .resolve(stream.mappingName() + ".jslt"))) {
        streams.add(stream);
      }
    }
    if (definition.isQueries()) {
      SqlProtocol.streams(mappings.folder(), definition.getMappings()).stream()
          .filter(s -> !streams.contains(s))
          .forEach(streams::add);
    }
    streams.sort(Comparator.comparing(RecordStream::type).thenComparing(RecordStream::part));
    return streams;
  }

  /** A query, where there is one and queries are allowed; it can tell more than a list. */
  private @Nullable SourceQuery query(FeedDefinition definition, RecordStream stream) {
    String path = definition.getMappings() + "/" + stream.queryName() + ".sql";
    return definition.isQueries() && Files.isRegularFile(mappings.folder().resolve(path))
        ? SourceQuery.read(mappings.folder(), path)
        : null;
  }

  @Override
  public boolean isWithoutStamps(FeedDefinition definition, RecordStream stream) {
    SourceQuery query = query(definition, stream);
    return query != null && query.changed() == null;
  }

  /** Of payments: with queries, each split has its number; without, each payment. */
  @Override
  public String idsOf(FeedDefinition definition, RecordStream stream) {
    SourceQuery query = query(definition, stream);
    return query == null ? resource(stream).key() : String.join(",", query.keys());
  }

  @Override
  public boolean canCompare(FeedDefinition definition, RecordStream stream) {
    return FeedPass.isComparable(stream);
  }

  @Override
  public int questionSize(FeedDefinition definition, RecordStream stream) {
    return query(definition, stream) != null ? LARGEST_PAGE : 1;
  }

  @Override
  public void ask(Exchange exchange, FeedPass pass) {
    if (pass.step == Step.CLOCK) {
      get(exchange, "/patients/Simple", "Limit=1");
      return;
    }
    SourceQuery query = query(pass.definition, pass.stream());
    if (pass.step == Step.MISSING) {
      List<String> doubtful = pass.comparison().doubtful();
      pass.last = doubtful.isEmpty();
      pass.asking = !pass.last;
      if (pass.last) {
        return;
      }
      if (query != null) {
        put(exchange, withLiterals(query.existing(doubtful.size()), pass, doubtful));
      } else {
        get(exchange, one(pass.stream(), doubtful.get(0)), "");
      }
      return;
    }
    int size = Math.min(pass.definition.getPageSize(), LARGEST_PAGE);
    if (query != null) {
      String sql =
          pass.isWhole()
              ? query.page(pass.afterKey.isEmpty(), SourceQuery.Dialect.LIMIT, size)
              : query.changes(pass.first, SourceQuery.Dialect.LIMIT, size);
      put(exchange, withLiterals(sql, pass, List.of()));
      return;
    }
    Resource resource = resource(pass.stream());
    StringBuilder parameters = new StringBuilder("Limit=" + size + "&Offset=" + offset(pass));
    if (!resource.whole().isEmpty()) {
      parameters.append('&').append(resource.whole());
    }
    if (!pass.isWhole() && resource.changedParameter() != null && pass.since != null) {
      parameters
          .append('&')
          .append(resource.changedParameter())
          .append('=')
          .append(PmsProtocol.encoded(since(resource, pass)));
    }
    get(exchange, resource.path(), parameters.toString());
  }

  /** A day, for lists that know days only; more of them where they go by when a row was entered. */
  private static String since(Resource resource, FeedPass pass) {
    LocalDateTime since = Objects.requireNonNull(pass.since);
    return switch (String.valueOf(resource.changedParameter())) {
      case "DateTStamp" -> STAMP.format(since);
      case "DateEntry" -> since.toLocalDate().minus(pass.definition.getLookBack()).toString();
      default -> since.toLocalDate().minusDays(1).toString();
    };
  }

  /**
   * Whether a row of a list that goes by days was there at the pass before: nothing else would tell
   * that it is not new, and a feed whose every pass brings something is never found silent.
   */
  private static boolean isFromBefore(JsonNode row, FeedPass pass) {
    if (pass.stream().type() != RecordType.DELETES || pass.since == null) {
      return false;
    }
    try {
      return time(row.path("HistDateTStamp").asText()).isBefore(pass.since);
    } catch (HttpAnswer.Failure e) {
      return false;
    }
  }

  private static int offset(FeedPass pass) {
    return pass.afterKey.isEmpty() ? 0 : Integer.parseInt(pass.afterKey.get(0).toString());
  }

  private static String one(RecordStream stream, String key) {
    String path = resource(stream).path().replace("/Simple", "");
    return path + "/" + key;
  }

  private static void get(Exchange exchange, String path, String query) {
    var message = exchange.getMessage();
    message.setHeader(Exchange.HTTP_METHOD, "GET");
    message.setHeader(Exchange.HTTP_PATH, path);
    message.setHeader(Exchange.HTTP_QUERY, query);
    message.setBody(null);
  }

  private static void put(Exchange exchange, String sql) {
    var message = exchange.getMessage();
    message.setHeader(Exchange.HTTP_METHOD, "PUT");
    message.setHeader(Exchange.HTTP_PATH, "/queries/ShortQuery");
    message.setBody(
        RecordJson.write(RecordJson.mapper().createObjectNode().put("SqlCommand", sql)));
  }

  /** The door for queries takes no parameters; keys are numbers and times are ours. */
  private static String withLiterals(String sql, FeedPass pass, List<String> keys) {
    String filled = sql;
    for (int part = 0; part < pass.afterKey.size(); part++) {
      filled =
          filled.replace(
              ":?" + SourceQuery.keyParameter(part), number(pass.afterKey.get(part).toString()));
    }
    if (pass.since != null) {
      filled = filled.replace(":?since", "'" + STAMP.format(pass.since) + "'");
    }
    return filled.replace(
        ":?in:keys", String.join(",", keys.stream().map(OpenDentalApiProtocol::number).toList()));
  }

  private static String number(String key) {
    if (!key.matches("-?\\d{1,18}")) {
      throw new FeedException("the key of a query for Open Dental's API must be a whole number");
    }
    return key;
  }

  @Override
  public Answer answer(Exchange exchange, FeedPass pass) {
    if (pass.step == Step.MISSING) {
      return existing(exchange, pass);
    }
    // The key was taken a moment ago, for the clock: it is queries that it may not make.
    if (pass.step == Step.RECORDS
        && HttpAnswer.status(exchange) == 401
        && query(pass.definition, pass.stream()) != null) {
      return Answer.ofWithheld();
    }
    JsonNode rows = HttpAnswer.json(exchange);
    if (!rows.isArray()) {
      throw new HttpAnswer.Failure("the PMS answered with JSON that is not a list");
    }
    if (pass.step == Step.CLOCK) {
      return Answer.ofClock(serverClock(rows, pass));
    }
    SourceQuery query = query(pass.definition, pass.stream());
    List<Row> read = new ArrayList<>(rows.size());
    for (JsonNode row : rows) {
      if (query != null || !isFromBefore(row, pass)) {
        read.add(new Row(key(row, pass, query), record(row)));
      }
    }
    int size = Math.min(pass.definition.getPageSize(), LARGEST_PAGE);
    pass.last = rows.size() < size;
    if (!rows.isEmpty()) {
      if (query == null) {
        pass.afterKey = List.of(offset(pass) + rows.size());
      } else {
        pass.afterKey = List.of(read.get(read.size() - 1).key());
        if (!pass.isWhole()) {
          pass.since = time(rows.get(rows.size() - 1).path(query.changed()).asText());
        }
      }
    }
    return Answer.ofRows(read);
  }

  private static Answer existing(Exchange exchange, FeedPass pass) {
    if (pass.last) {
      return Answer.ofExisting(List.of());
    }
    // Asked for one row, the API says 404 when there is none.
    if (HttpAnswer.status(exchange) == 404) {
      return Answer.ofExisting(List.of());
    }
    JsonNode answer = HttpAnswer.json(exchange);
    List<String> keys = new ArrayList<>();
    if (answer.isArray()) {
      answer.forEach(row -> keys.add(row.elements().next().asText()));
    } else if (!resource(pass.stream()).isDeleted(answer)) {
      keys.add(answer.path(resource(pass.stream()).key()).asText());
    }
    return Answer.ofExisting(keys);
  }

  private LocalDateTime serverClock(JsonNode rows, FeedPass pass) {
    String text = rows.path(0).path("serverDateTime").asText();
    // Without a single chart there is nothing that a wrong clock could make us miss.
    return text.isEmpty()
        ? LocalDateTime.now(clock.withZone(pass.definition.getZone()))
        : time(text);
  }

  private static LocalDateTime time(String text) {
    try {
      return text.length() == 10
          ? LocalDate.parse(text).atStartOfDay()
          : LocalDateTime.parse(text.replace(' ', 'T'));
    } catch (DateTimeException e) {
      throw new HttpAnswer.Failure("the PMS answered with a time that is none");
    }
  }

  private static String key(JsonNode row, FeedPass pass, @Nullable SourceQuery query) {
    String name = query == null ? resource(pass.stream()).key() : query.keys().get(0);
    JsonNode key = row.path(name);
    if (!key.isValueNode() || key.asText().isBlank()) {
      throw new HttpAnswer.Failure("the PMS answered with a row without " + name);
    }
    return key.asText();
  }

  private static JsonNode record(JsonNode row) {
    if (!row.isObject()) {
      throw new HttpAnswer.Failure("the PMS answered with a list of something other than rows");
    }
    return OpenDentalRow.record(row);
  }
}
