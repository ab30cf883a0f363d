package org.pmslink.feed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSetMetaData;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedPass.Step;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mappings;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.NamedParameterJdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * A PMS that is read with SQL: each query file of the mapping folder is a stream. A first load goes
 * by key, what has changed is read in the order of the stamps, and rows with equal stamps are told
 * apart by key.
 */
@Component
class SqlProtocol implements PmsProtocol {
  /** Somebody waits for it. */
  private static final int LOOK_UP_SECONDS = 4;

  private static final Pattern WHOLE_NUMBER = Pattern.compile("-?\\d{1,18}");

  private final Mappings mappings;

  SqlProtocol(Mappings mappings) {
    this.mappings = mappings;
  }

  @Override
  public boolean isPageSizeOurs() {
    return true;
  }

  @Override
  public String name() {
    return "sql";
  }

  @Override
  public List<RecordStream> streams(FeedDefinition definition) {
    return streams(mappings.folder(), definition.getMappings());
  }

  /**
   * The streams of a mapping folder.
   *
   * @throws FeedException when a query file is named like no type of records
   */
  static List<RecordStream> streams(Path mappings, String pms) {
    try (Stream<Path> files = Files.list(mappings.resolve(pms))) {
      return files
          .map(f -> f.getFileName().toString())
          .filter(f -> f.endsWith(".sql"))
          .map(f -> stream(pms, f))
          .sorted(Comparator.comparing(RecordStream::type).thenComparing(RecordStream::part))
          .toList();
    } catch (IOException e) {
      throw new FeedException(pms + ": there is no such folder below the mappings folder");
    }
  }

  private static RecordStream stream(String pms, String file) {
    Optional<RecordStream> stream = RecordStream.ofFile(file.replaceFirst("\\.sql$", ""));
    return stream.orElseThrow(
        () ->
            new FeedException(
                pms
                    + "/"
                    + file
                    + ": a query's name begins with what it reads: patients, merges, visits,"
                    + " transactions, providers, clinics or deletes"));
  }

  private SourceQuery query(FeedDefinition definition, RecordStream stream) {
    return SourceQuery.read(
        mappings.folder(), definition.getMappings() + "/" + stream.queryName() + ".sql");
  }

  @Override
  public boolean isWithoutStamps(FeedDefinition definition, RecordStream stream) {
    return query(definition, stream).changed() == null;
  }

  @Override
  public boolean canCompare(FeedDefinition definition, RecordStream stream) {
    return FeedPass.isComparable(stream);
  }

  @Override
  public void ask(Exchange exchange, FeedPass pass) {
    var message = exchange.getMessage();
    if (pass.step == Step.CLOCK) {
      message.setBody(pass.definition.getClock());
      return;
    }
    SourceQuery query = query(pass.definition, pass.stream());
    if (pass.step == Step.MISSING) {
      List<String> doubtful = pass.comparison().doubtful();
      pass.last = doubtful.isEmpty();
      pass.asking = !pass.last;
      message.setBody(pass.asking ? query.existing(doubtful.size()) : "");
      if (query.keys().size() == 1) {
        message.setHeader("keys", values(doubtful, pass));
        return;
      }
      for (int n = 0; n < doubtful.size(); n++) {
        String[] parts = doubtful.get(n).split("\\.", query.keys().size());
        for (int part = 0; part < parts.length; part++) {
          message.setHeader("key" + part + "_" + n, value(parts[part], part, pass));
        }
      }
      return;
    }
    for (int part = 0; part < pass.afterKey.size(); part++) {
      message.setHeader(SourceQuery.keyParameter(part), value(pass.afterKey.get(part), part, pass));
    }
    int size = pass.definition.getPageSize();
    SourceQuery.Dialect dialect = pass.definition.getDialect();
    if (pass.since != null) {
      message.setHeader(
          "since", pass.first ? dialect.begin(pass.since) : dialect.stamp(pass.since));
    }
    message.setBody(
        pass.isWhole()
            ? query.page(pass.afterKey.isEmpty(), dialect, size)
            : query.changes(pass.first, dialect, size));
  }

  /**
   * Numbers as numbers: a text would keep the PMS from using its index. Text as text, whatever it
   * looks like: a column of text is in another order than the numbers in it.
   */
  private static Object value(Object key, int part, FeedPass pass) {
    return key instanceof String text
            && !pass.place().textKeys.contains(part)
            && WHOLE_NUMBER.matcher(text).matches()
        ? (Object) Long.valueOf(text)
        : key;
  }

  /** All as numbers, or all as text: a column has one type. */
  private static List<?> values(List<String> keys, FeedPass pass) {
    return !pass.place().textKeys.contains(0)
            && keys.stream().allMatch(k -> WHOLE_NUMBER.matcher(k).matches())
        ? keys.stream().map(Long::valueOf).toList()
        : keys;
  }

  @Override
  @SuppressWarnings("unchecked")
  public Answer answer(Exchange exchange, FeedPass pass) {
    if (!pass.asking) {
      return Answer.ofExisting(List.of());
    }
    List<Map<String, Object>> rows = exchange.getMessage().getBody(List.class);
    if (pass.step == Step.CLOCK) {
      return Answer.ofClock(SourceRow.time(rows.get(0).values().iterator().next()));
    }
    SourceQuery query = query(pass.definition, pass.stream());
    if (pass.step == Step.MISSING) {
      return Answer.ofExisting(rows.stream().map(row -> key(row, query)).toList());
    }
    List<Row> read = new ArrayList<>(rows.size());
    for (Map<String, Object> row : rows) {
      read.add(new Row(key(row, query), SourceRow.json(row)));
    }
    pass.last = rows.size() < pass.definition.getPageSize();
    if (!rows.isEmpty()) {
      Map<String, Object> lastRow = rows.get(rows.size() - 1);
      pass.afterKey = keyParts(lastRow, query);
      for (int part = 0; part < pass.afterKey.size(); part++) {
        if (pass.afterKey.get(part) instanceof String) {
          pass.place().textKeys.add(part);
        }
      }
      if (!pass.isWhole()) {
        pass.since = SourceRow.time(SourceRow.value(lastRow, changed(query)));
      }
    }
    return Answer.ofRows(read);
  }

  private static String changed(SourceQuery query) {
    if (query.changed() == null) {
      throw new IllegalStateException("a stream without stamps is never read by them");
    }
    return query.changed();
  }

  private static List<Object> keyParts(Map<String, Object> row, SourceQuery query) {
    return query.keys().stream().<Object>map(k -> part(SourceRow.value(row, k), k)).toList();
  }

  private static Object part(@Nullable Object value, String column) {
    if (value == null) {
      throw new FeedException(
          "the key column \"" + column + "\" holds no value in a row; a key must always be there");
    }
    return value;
  }

  @Override
  public Optional<List<Row>> lookUp(FeedDefinition definition, Sought sought, int most) {
    SourceQuery query = query(definition, RecordStream.of(RecordType.PATIENTS));
    PmsDatabase pms = PmsDatabase.of(definition.getFeed()).orElse(null);
    if (pms == null || !isAskable(query, sought)) {
      return Optional.empty();
    }
    JdbcTemplate jdbc = new JdbcTemplate(pms);
    jdbc.setQueryTimeout(LOOK_UP_SECONDS);
    Map<String, Integer> types = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    jdbc.query(
        query.columns(),
        rows -> {
          ResultSetMetaData names = rows.getMetaData();
          for (int i = 1; i <= names.getColumnCount(); i++) {
            types.put(names.getColumnLabel(i), names.getColumnType(i));
          }
          return null;
        });
    Map<String, Object> values = new HashMap<>();
    List<String> where = where(query, sought, types, pms, values);
    if (where.isEmpty()) {
      // An id that no chart of this PMS can have.
      return Optional.of(List.of());
    }
    return Optional.of(
        new NamedParameterJdbcTemplate(jdbc)
            .queryForList(query.someone(where, definition.getDialect(), most), values).stream()
                .map(row -> new Row(key(row, query), SourceRow.json(row)))
                .toList());
  }

  @Override
  public OptionalLong howMany(FeedDefinition definition) {
    PmsDatabase pms = PmsDatabase.of(definition.getFeed()).orElse(null);
    if (pms == null) {
      return OptionalLong.empty();
    }
    JdbcTemplate jdbc = new JdbcTemplate(pms);
    jdbc.setQueryTimeout(LOOK_UP_SECONDS);
    Long count =
        jdbc.queryForObject(
            query(definition, RecordStream.of(RecordType.PATIENTS)).count(), Long.class);
    return count == null ? OptionalLong.empty() : OptionalLong.of(count);
  }

  /** Whether the query file says in which columns this is. */
  private static boolean isAskable(SourceQuery query, Sought sought) {
    return sought.id() != null
        || (!sought.names().isEmpty() && query.family() != null)
        || (!sought.born().isEmpty() && query.birthDate() != null);
  }

  private static List<String> where(
      SourceQuery query,
      Sought sought,
      Map<String, Integer> types,
      PmsDatabase pms,
      Map<String, Object> values) {
    List<String> where = new ArrayList<>();
    if (sought.id() != null) {
      String[] parts = sought.id().split("\\.", query.keys().size());
      for (int part = 0; part < query.keys().size(); part++) {
        String column = query.keys().get(part);
        boolean text = isText(types, column);
        if (part >= parts.length || (!text && !WHOLE_NUMBER.matcher(parts[part]).matches())) {
          return List.of();
        }
        values.put("key" + part, text ? parts[part] : Long.valueOf(parts[part]));
        where.add("r." + column + " = :key" + part);
      }
      return where;
    }
    if (query.family() != null && !sought.names().isEmpty()) {
      // Only PostgreSQL tells capitals from small letters unless it is told otherwise.
      String like =
          String.valueOf(pms.getJdbcUrl()).startsWith("jdbc:postgresql:") ? " ilike " : " like ";
      List<String> any = new ArrayList<>();
      for (int n = 0; n < sought.names().size(); n++) {
        values.put("name" + n, sought.names().get(n) + "%");
        any.add("r." + query.family() + like + ":name" + n);
      }
      where.add("(" + String.join(" or ", any) + ")");
    }
    if (query.birthDate() != null && !sought.born().isEmpty()) {
      boolean text = isText(types, query.birthDate());
      values.put(
          "born",
          sought.born().stream()
              .map(day -> text ? day.toString() : (Object) java.sql.Date.valueOf(day))
              .toList());
      where.add("r." + query.birthDate() + " in (:born)");
    }
    return where;
  }

  private static boolean isText(Map<String, Integer> types, String column) {
    return switch (types.getOrDefault(column, Types.OTHER)) {
      case Types.CHAR, Types.VARCHAR, Types.NCHAR, Types.NVARCHAR, Types.LONGVARCHAR -> true;
      default -> false;
    };
  }

  /** Keys of several columns are joined by a dot. */
  private static String key(Map<String, Object> row, SourceQuery query) {
    return keyParts(row, query).stream().map(SqlProtocol::keyText).collect(Collectors.joining("."));
  }

  /** A PMS that pads its text pads its keys, too. */
  private static String keyText(Object part) {
    return part.toString().stripTrailing();
  }
}
