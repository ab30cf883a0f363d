package org.pmslink.benchmark;

import com.zaxxer.hikari.HikariDataSource;
import java.util.List;
import org.pmslink.benchmark.Figures.Statement;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/** What each statement costs the store, as {@code pg_stat_statements} counts it. */
final class Statements {
  private static final int MOST = 15;

  private Statements() {}

  /** From here on. */
  static void forget(ConfigurableApplicationContext engine) {
    server(engine).queryForList("select pg_stat_statements_reset()");
  }

  /** The costliest first. */
  static List<Statement> costliest(ConfigurableApplicationContext engine) {
    return server(engine)
        .query(
            """
            select regexp_replace(left(query, 400), '\\s+', ' ', 'g'), calls,
                   total_plan_time + total_exec_time
            from pg_stat_statements order by 3 desc limit ?""",
            (row, n) -> new Statement(row.getString(1), row.getLong(2), row.getDouble(3) / 1000),
            MOST);
  }

  /** The extension is installed in the server's own database, and counts for all. */
  private static JdbcTemplate server(ConfigurableApplicationContext engine) {
    HikariDataSource store = engine.getBean(HikariDataSource.class);
    return new JdbcTemplate(
        new DriverManagerDataSource(
            store.getJdbcUrl().replaceFirst("/[^/]*$", "/postgres"),
            store.getUsername(),
            store.getPassword()));
  }
}
