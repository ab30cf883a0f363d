package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mappings;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.namedparam.NamedParameterJdbcTemplate;

/**
 * Reads the patients of a feed that is read with SQL, by its own query and mapping, as its first
 * load would, and delivers nothing: no cursor moves, no queue and no store is touched.
 */
public final class DryRun {
  private final Path folder;
  private final Mappings mappings;

  /**
   * @param folder {@code routes/feeds}
   */
  public DryRun(Path folder, Mappings mappings) {
    this.folder = folder;
    this.mappings = mappings;
  }

  /** Whether feeds of a route template can be read for a trial. */
  public static boolean isReadable(String template) {
    return template.equals("sql-feed");
  }

  /**
   * What was read, for whoever maps it.
   *
   * @param mapping path of the patients' mapping below the mappings folder
   * @param zone of the stamps
   */
  public record Source(String practice, String source, String mapping, ZoneId zone) {}

  /** Gets each row. */
  public interface Rows {
    void row(String key, JsonNode raw);
  }

  /**
   * Reads everything.
   *
   * @param fill fills in the placeholders of a parameter
   * @param rows gets all rows, in the order of their keys
   * @throws FeedException when the feed is of another kind, wrong, or its PMS does not answer
   */
  public Source read(String feed, UnaryOperator<String> fill, Rows rows) {
    FeedFile file =
        FeedFile.read(folder.resolve(feed + FeedFile.ENDING), folder.resolveSibling("templates"));
    Map<String, String> filled = new HashMap<>();
    for (Map.Entry<String, String> parameter : file.parameters().entrySet()) {
      try {
        filled.put(parameter.getKey(), fill.apply(parameter.getValue()));
      } catch (IllegalArgumentException e) {
        throw new FeedException(
            "the placeholder in \"" + parameter.getKey() + "\" is not set here");
      }
    }
    if (!filled.getOrDefault("url", "").startsWith("jdbc:")) {
      throw new FeedException(
          "only a feed that is read with SQL can be read for a trial, and "
              + file.template()
              + " is not; try its samples with \"pms-link map\"");
    }
    FeedDefinition definition = FeedFile.definition(filled);
    try (PmsDatabase pms = new PmsDatabase()) {
      pms.setJdbcUrl(filled.get("url"));
      pms.setUsername(filled.getOrDefault("user", ""));
      pms.setPassword(filled.getOrDefault("password", ""));
      pms.setDriver(filled.getOrDefault("driver", ""));
      NamedParameterJdbcTemplate jdbc = new NamedParameterJdbcTemplate(pms);
      jdbc.getJdbcTemplate().setQueryTimeout((int) Duration.ofMinutes(2).toSeconds());
      return read(definition, jdbc, rows);
    } catch (DataAccessException e) {
      throw new FeedException(PauseReason.of(e, true).text());
    }
  }

  private Source read(FeedDefinition definition, NamedParameterJdbcTemplate jdbc, Rows rows) {
    RecordStream patients = RecordStream.of(RecordType.PATIENTS);
    SourceQuery query =
        SourceQuery.read(
            mappings.folder(), definition.getMappings() + "/" + patients.queryName() + ".sql");
    Map<String, Object> after = new HashMap<>();
    List<Map<String, Object>> page;
    do {
      String read = query.page(after.isEmpty(), definition.getDialect(), definition.getPageSize());
      page = jdbc.queryForList(SourceQuery.withNamedParameters(read), after);
      for (Map<String, Object> row : page) {
        rows.row(SqlProtocol.key(row, query), SourceRow.json(row));
      }
      if (!page.isEmpty()) {
        Map<String, Object> last = page.get(page.size() - 1);
        for (int part = 0; part < query.keys().size(); part++) {
          after.put(SourceQuery.keyParameter(part), SourceRow.value(last, query.keys().get(part)));
        }
      }
    } while (page.size() == definition.getPageSize());
    return new Source(
        definition.getPractice(),
        definition.getSource(),
        definition.getMappings() + "/" + patients.mappingName() + ".jslt",
        definition.getZone());
  }
}
