package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.springframework.jdbc.core.ColumnMapRowMapper;
import org.springframework.jdbc.core.JdbcTemplate;

/** The charts of a PMS exactly as a feed puts them on the queue, for tests that need them raw. */
public final class ChartsAsRead {
  private static final int PAGE = 2_000;

  private ChartsAsRead() {}

  /**
   * Reads page by page in the order of keys, as a first load does.
   *
   * @param mappings the mappings folder
   * @param query below it, for example {@code open-dental/patients.sql}
   */
  public static void forEach(
      DataSource pms, Path mappings, String query, Consumer<JsonNode> consumer) {
    JdbcTemplate jdbc = new JdbcTemplate(pms);
    SourceQuery source = SourceQuery.read(mappings, query);
    ColumnMapRowMapper rows = new ColumnMapRowMapper();
    Object[] after = {};
    boolean more = true;
    while (more) {
      String sql =
          source
              .page(after.length == 0, SourceQuery.Dialect.LIMIT, PAGE)
              .replace(":?" + SourceQuery.keyParameter(0), "?");
      var page = jdbc.query(sql, rows, after);
      page.forEach(row -> consumer.accept(SourceRow.json(row)));
      more = page.size() == PAGE;
      if (more) {
        after = new Object[] {SourceRow.value(page.get(PAGE - 1), source.keys().get(0))};
      }
    }
  }
}
