package org.pmslink.feed;

import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.PauseReason.Category;
import org.pmslink.linking.RecordStream;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.NamedParameterJdbcTemplate;

/**
 * Asks a live PMS database whether a feed would run on it: every query with its key and change
 * column, whether the login may write, and whether the clock shows the time of the feed's zone.
 * Reads no row, and gives up after seconds.
 */
final class SourceCheck {
  private static final int SECONDS = 5;
  private static final Duration CLOCK_NOISE = Duration.ofMinutes(5);

  /** PostgreSQL's SQL state for an operator that does not take these types. */
  private static final String NO_SUCH_COMPARISON = "42883";

  private static final Pattern GRANT = Pattern.compile("(?i)^GRANT (.+?) ON (.+?) TO ");

  /** Of MySQL and MariaDB, those with which nobody changes anything. */
  private static final Set<String> HARMLESS =
      Set.of(
          "SELECT",
          "USAGE",
          "SHOW VIEW",
          "SHOW DATABASES",
          "PROCESS",
          "REPLICATION CLIENT",
          "BINLOG MONITOR",
          "SLAVE MONITOR");

  private static final Pattern QUOTED = Pattern.compile("`[^`]*`");

  private static final Pattern ROLE = Pattern.compile("`[^`]+`(@`[^`]*`)?|[^,`\\s]+");

  /** Of SQL Server's, those with which nobody changes anything. */
  private static final Pattern HARMLESS_IN_SQL_SERVER =
      Pattern.compile(
          "^(CONNECT|CONNECT REPLICATION|SELECT|REFERENCES|SHOWPLAN|UNMASK|VIEW [A-Z ]+"
              + "|SUBSCRIBE QUERY NOTIFICATIONS) on ");

  private static final int MOST_SHOWN = 5;

  private final SourceText text;
  private final FeedDefinition definition;
  private final Path mappings;
  private final List<SourceFinding> findings = new ArrayList<>();

  /** Where a feed file says what; a parameter that is not there is at the line of another. */
  interface SourceText {
    String place(String parameter, String otherwise);
  }

  /**
   * @param mappings the mappings folder
   */
  SourceCheck(SourceText text, FeedDefinition definition, Path mappings) {
    this.text = text;
    this.definition = definition;
    this.mappings = mappings;
  }

  /** Asks the database with a login. */
  List<SourceFinding> of(String url, String user, String password) {
    try (PmsDatabase pms = new PmsDatabase()) {
      pms.setJdbcUrl(url);
      pms.setUsername(user);
      pms.setPassword(password);
      pms.setConnectionTimeout(Duration.ofSeconds(SECONDS).toMillis());
      JdbcTemplate jdbc = new JdbcTemplate(pms);
      jdbc.setQueryTimeout(SECONDS);
      String product = product(jdbc);
      int queries = queries(jdbc, product);
      whatTheLoginMay(jdbc, product);
      clock(jdbc, product);
      findings.add(
          0, SourceFinding.note("", "asked " + product + ": " + queries + " queries explained"));
    } catch (DataAccessException e) {
      PauseReason reason = PauseReason.of(e, true);
      String place = text.place("url", "feed");
      findings.add(
          reason.category() == Category.UNREACHABLE || reason.category() == Category.TOO_SLOW
              ? SourceFinding.note(place, "not asked: " + reason.text())
              : SourceFinding.wrong(place, reason.text()));
    } catch (RuntimeException e) {
      // Of the pool: a URL that no driver knows.
      findings.add(
          SourceFinding.wrong(
              text.place("url", "feed"),
              "no JDBC driver takes this URL; it begins like jdbc:mariadb://host/database"));
    }
    return findings;
  }

  private static String product(JdbcTemplate jdbc) {
    String name =
        jdbc.execute(
            (java.sql.Connection connection) -> connection.getMetaData().getDatabaseProductName());
    return Objects.requireNonNullElse(name, "a database");
  }

  private static boolean isMySql(String product) {
    return product.equals("MariaDB") || product.equals("MySQL");
  }

  private static boolean isPostgreSql(String product) {
    return product.equals("PostgreSQL");
  }

  private static boolean isSqlServer(String product) {
    return product.equals("Microsoft SQL Server");
  }

  private int queries(JdbcTemplate jdbc, String product) {
    int explained = 0;
    for (RecordStream stream : SqlProtocol.streams(mappings, definition.getMappings())) {
      if (definition.isRead(stream.type())) {
        String path = definition.getMappings() + "/" + stream.queryName() + ".sql";
        explained += query(jdbc, product, path) ? 1 : 0;
      }
    }
    return explained;
  }

  private boolean query(JdbcTemplate jdbc, String product, String path) {
    SourceQuery query = SourceQuery.read(mappings, path);
    try {
      Map<String, Integer> columns = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      jdbc.query(
          query.columns(),
          rows -> {
            ResultSetMetaData names = rows.getMetaData();
            for (int i = 1; i <= names.getColumnCount(); i++) {
              columns.put(names.getColumnLabel(i), names.getColumnType(i));
            }
            return null;
          });
      boolean named = requireColumns(path, query, columns);
      if (named && (isMySql(product) || isPostgreSql(product))) {
        explain(jdbc, query);
      }
      return named;
    } catch (DataAccessException e) {
      PauseReason reason = PauseReason.of(e, true);
      SourceFinding finding =
          isPostgreSql(product) && reason.text().contains(NO_SUCH_COMPARISON)
              ? SourceFinding.wrong(
                  text.place("url", "feed"),
                  "PostgreSQL compares no time stamp with text as it is sent; add"
                      + " stringtype=unspecified to the URL")
              : SourceFinding.wrong(
                  SourceQuery.place(mappings, path, reason.named()),
                  reason.text() + remedy(reason.category()));
      if (!findings.contains(finding)) {
        findings.add(finding);
      }
      return false;
    }
  }

  /** Both reads, the second with a stamp as the engine hands it over. */
  private void explain(JdbcTemplate jdbc, SourceQuery query) {
    int size = definition.getPageSize();
    jdbc.queryForList("explain " + query.page(true, definition.getDialect(), size));
    if (query.changed() != null) {
      new NamedParameterJdbcTemplate(jdbc)
          .queryForList(
              "explain "
                  + SourceQuery.withNamedParameters(
                      query.changes(true, definition.getDialect(), size)),
              Map.of("since", definition.getDialect().begin(LocalDateTime.now(ZoneOffset.UTC))));
    }
  }

  private static String remedy(Category category) {
    return switch (category) {
      case COLUMN_MISSING, TABLE_MISSING -> "; name one that is there in this query";
      case QUERY_FAILED -> "; try the SELECT by hand";
      default -> "";
    };
  }

  private boolean requireColumns(String path, SourceQuery query, Map<String, Integer> columns) {
    boolean all = true;
    for (String key : query.keys()) {
      if (!columns.containsKey(key)) {
        all = false;
        findings.add(
            SourceFinding.wrong(
                SourceQuery.place(mappings, path, "key:"),
                "the query yields no column \"" + key + "\"; it has " + columns.keySet()));
      }
    }
    all &= requireColumn(path, "family:", query.family(), columns);
    all &= requireColumn(path, "birthDate:", query.birthDate(), columns);
    String changed = query.changed();
    Integer type = changed == null ? null : columns.get(changed);
    if (changed != null && type == null) {
      all = false;
      findings.add(
          SourceFinding.wrong(
              SourceQuery.place(mappings, path, "changed:"),
              "the query yields no column \"" + changed + "\"; it has " + columns.keySet()));
    } else if (type != null && !isTime(type)) {
      all = false;
      findings.add(
          SourceFinding.wrong(
              SourceQuery.place(mappings, path, "changed:"),
              "the column \""
                  + changed
                  + "\" is no time stamp; cast it to one in the query, or write \"changed: none\""));
    }
    return all;
  }

  private boolean requireColumn(
      String path, String line, @Nullable String column, Map<String, Integer> columns) {
    if (column == null || columns.containsKey(column)) {
      return true;
    }
    findings.add(
        SourceFinding.wrong(
            SourceQuery.place(mappings, path, line),
            "the query yields no column \"" + column + "\"; it has " + columns.keySet()));
    return false;
  }

  private static boolean isTime(int type) {
    return type == Types.TIMESTAMP || type == Types.TIMESTAMP_WITH_TIMEZONE || type == Types.DATE;
  }

  private void whatTheLoginMay(JdbcTemplate jdbc, String product) {
    String may = null;
    String remedy = "";
    if (isMySql(product)) {
      may = mySqlWrites(jdbc, product);
      remedy = "CREATE USER pmslink IDENTIFIED BY '...'; GRANT SELECT ON the_database.* TO pmslink";
    } else if (isPostgreSql(product)) {
      may = postgreSqlWrites(jdbc);
      remedy =
          "CREATE ROLE pmslink LOGIN PASSWORD '...'; GRANT SELECT ON ALL TABLES IN SCHEMA"
              + " the_schema TO pmslink";
    } else if (isSqlServer(product)) {
      may = sqlServerWrites(jdbc);
      remedy = "CREATE USER pmslink FOR LOGIN pmslink; ALTER ROLE db_datareader ADD MEMBER pmslink";
    } else {
      findings.add(
          SourceFinding.note(
              text.place("user", "feed"),
              "what this user may do cannot be asked of "
                  + product
                  + "; see to it that it may only read"));
    }
    if (may != null) {
      findings.add(
          SourceFinding.warning(
              text.place("user", "feed"),
              "this user may write to the PMS ("
                  + may
                  + "); use one that may only SELECT from the tables of the queries, for example: "
                  + remedy));
    }
  }

  private static @Nullable String mySqlWrites(JdbcTemplate jdbc, String product) {
    Set<String> writes = new TreeSet<>();
    Set<String> asked = new TreeSet<>();
    Deque<String> grants = new ArrayDeque<>(jdbc.queryForList("show grants", String.class));
    while (!grants.isEmpty()) {
      String grant = grants.pop();
      writes.addAll(writes(grant));
      for (String role : roles(grant)) {
        if (asked.add(role)) {
          try {
            grants.addAll(grantsOf(jdbc, product, role));
          } catch (DataAccessException e) {
            writes.add("whatever the role " + role.replace("`", "") + " may, which cannot be seen");
          }
        }
      }
    }
    return writes.isEmpty() ? null : String.join(", ", writes);
  }

  /**
   * What a role may. MariaDB shows it only to who has taken it on, and then with all that comes by
   * roles of that role.
   */
  private static List<String> grantsOf(JdbcTemplate jdbc, String product, String role) {
    if (!product.equals("MariaDB")) {
      return jdbc.queryForList("show grants for current_user() using " + role, String.class);
    }
    List<String> grants =
        jdbc.execute(
            (java.sql.Connection session) -> {
              try (Statement statement = session.createStatement()) {
                statement.execute("set role " + role);
                List<String> shown = new ArrayList<>();
                try (ResultSet rows = statement.executeQuery("show grants")) {
                  while (rows.next()) {
                    shown.add(rows.getString(1));
                  }
                }
                statement.execute("set role none");
                return shown;
              }
            });
    return Objects.requireNonNullElse(grants, List.<String>of()).stream()
        .filter(grant -> roles(grant).isEmpty())
        .toList();
  }

  /** What a line of MySQL's or MariaDB's answer allows beyond reading. */
  static Set<String> writes(String grant) {
    Set<String> writes = new TreeSet<>();
    Matcher parts = GRANT.matcher(grant);
    if (parts.find()) {
      // SELECT may be granted column by column, in parentheses.
      for (String privilege : parts.group(1).replaceAll("\\([^)]*\\)", "").split(",")) {
        String name = privilege.strip().toUpperCase(Locale.ROOT);
        if (!HARMLESS.contains(name)) {
          writes.add(name + " on " + parts.group(2).replace("`", ""));
        }
      }
    }
    return writes;
  }

  /** The roles that such a line gives, quoted as they stand there; it names no table. */
  static List<String> roles(String grant) {
    // Names in quotes may hold anything, such as " on ".
    StringBuilder plain = new StringBuilder(grant.toUpperCase(Locale.ROOT));
    Matcher quoted = QUOTED.matcher(grant);
    while (quoted.find()) {
      plain.replace(quoted.start(), quoted.end(), "x".repeat(quoted.group().length()));
    }
    int to = plain.indexOf(" TO ");
    if (plain.indexOf("GRANT ") != 0 || to < 0 || plain.indexOf(" ON ") >= 0) {
      return List.of();
    }
    List<String> roles = new ArrayList<>();
    Matcher role = ROLE.matcher(grant.substring("GRANT ".length(), to));
    while (role.find()) {
      roles.add(role.group());
    }
    return roles;
  }

  private static @Nullable String postgreSqlWrites(JdbcTemplate jdbc) {
    // Every role that the user may take on: one that it does not inherit is a SET ROLE away.
    Boolean all =
        jdbc.queryForObject(
            "select bool_or(rolsuper) from pg_roles where pg_has_role(oid, 'MEMBER')",
            Boolean.class);
    if (Boolean.TRUE.equals(all)) {
      return "it is a superuser";
    }
    List<String> tables =
        jdbc.queryForList(
            """
            select distinct n.nspname || '.' || c.relname
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
              join pg_roles r on pg_has_role(r.oid, 'MEMBER')
            where c.relkind in ('r', 'p', 'v', 'f') and n.nspname !~ '^(pg_|information_schema$)'
              and has_schema_privilege(r.oid, n.oid, 'USAGE')
              and has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
            order by 1""",
            String.class);
    return tables.isEmpty()
        ? null
        : "to "
            + tables.get(0)
            + (tables.size() == 1 ? "" : " and " + (tables.size() - 1) + " more");
  }

  private static @Nullable String sqlServerWrites(JdbcTemplate jdbc) {
    List<String> permissions = new ArrayList<>();
    for (String sql :
        List.of(
            "select permission_name, 'the database' from fn_my_permissions(null, 'DATABASE')",
            """
            select p.permission_name, s.name + '.' + t.name
            from sys.tables t join sys.schemas s on s.schema_id = t.schema_id
            cross apply fn_my_permissions(quotename(s.name) + '.' + quotename(t.name), 'OBJECT') p
            where p.subentity_name = ''""")) {
      jdbc.query(
          sql,
          row -> {
            permissions.add(row.getString(1) + " on " + row.getString(2));
          });
    }
    return sqlServerWrites(permissions);
  }

  /**
   * What SQL Server's answer allows beyond reading.
   *
   * @param permissions each a permission, " on " and what it is for
   */
  static @Nullable String sqlServerWrites(List<String> permissions) {
    List<String> writes =
        permissions.stream()
            .filter(p -> !HARMLESS_IN_SQL_SERVER.matcher(p).find())
            .sorted()
            .distinct()
            .toList();
    return writes.isEmpty()
        ? null
        : String.join(", ", writes.subList(0, Math.min(MOST_SHOWN, writes.size())))
            + (writes.size() > MOST_SHOWN ? " and " + (writes.size() - MOST_SHOWN) + " more" : "");
  }

  /** What the engine will read as the PMS's time, against the same moment in UTC. */
  private void clock(JdbcTemplate jdbc, String product) {
    String utcNow =
        isMySql(product)
            ? "select utc_timestamp()"
            : isPostgreSql(product) ? "select current_timestamp at time zone 'UTC'" : null;
    LocalDateTime shown = time(jdbc, definition.getClock());
    LocalDateTime utc =
        utcNow == null
            ? LocalDateTime.ofInstant(Instant.now(), ZoneOffset.UTC)
            : time(jdbc, utcNow);
    Duration off = Duration.between(utc, shown);
    ZoneOffset wanted = definition.getZone().getRules().getOffset(utc.toInstant(ZoneOffset.UTC));
    Duration amiss = off.minusSeconds(wanted.getTotalSeconds()).abs();
    if (amiss.compareTo(CLOCK_NOISE) > 0) {
      findings.add(
          SourceFinding.wrong(
              text.place("zone", "url"),
              "the session shows times "
                  + offset(off)
                  + " of UTC, but zone "
                  + definition.getZone().getId()
                  + " is "
                  + offset(Duration.ofSeconds(wanted.getTotalSeconds()))
                  + " now; set the session's time zone in the URL and the same one in \"zone\""));
    }
    Duration ours = Duration.between(utc.toInstant(ZoneOffset.UTC), Instant.now());
    if (ours.abs().compareTo(CLOCK_NOISE) > 0) {
      findings.add(
          SourceFinding.warning(
              text.place("url", "feed"),
              "the PMS server's clock is "
                  + ours.abs().toMinutes()
                  + " minutes "
                  + (ours.isNegative() ? "ahead of" : "behind")
                  + " this machine's; nothing is missed by that, but stamps are shown as they are"));
    }
  }

  /** As the engine reads it: through the same driver and the same conversion. */
  private static LocalDateTime time(JdbcTemplate jdbc, String sql) {
    return SourceRow.time(jdbc.queryForList(sql).get(0).values().iterator().next());
  }

  private static String offset(Duration off) {
    long minutes = Math.round(off.toSeconds() / 900.0) * 15;
    return minutes == 0
        ? "at 0 h"
        : String.format(
            Locale.ROOT,
            "%d:%02d h %s",
            Math.abs(minutes) / 60,
            Math.abs(minutes) % 60,
            minutes < 0 ? "behind" : "ahead");
  }
}
