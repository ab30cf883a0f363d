package org.pmslink.practice;

import java.time.LocalDate;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Short names of practices and the numbers that our tables carry. A practice exists once a feed or
 * a member names it.
 */
@Component
public class Practices {
  private final JdbcClient database;
  private final Map<String, Integer> ids = new ConcurrentHashMap<>();

  Practices(JdbcClient database) {
    this.database = database;
  }

  /**
   * @param practice short name, lower case with hyphens
   */
  public int id(String practice) {
    Integer known = ids.get(practice);
    if (known != null) {
      return known;
    }
    // Not computeIfAbsent: a failed look-up must not hold the map's lock while the database is
    // away.
    database
        .sql("insert into practices (practice) values (?) on conflict (practice) do nothing")
        .param(practice)
        .update();
    int id =
        database
            .sql("select id from practices where practice = ?")
            .param(practice)
            .query(Integer.class)
            .single();
    if (TransactionSynchronizationManager.isSynchronizationActive()) {
      // It may have been made in this transaction, and that may be undone.
      TransactionSynchronizationManager.registerSynchronization(
          new TransactionSynchronization() {
            @Override
            public void afterCommit() {
              ids.put(practice, id);
            }
          });
    } else {
      ids.put(practice, id);
    }
    return id;
  }

  /** The short name of a practice that exists. */
  public String name(int id) {
    return database
        .sql("select practice from practices where id = ?")
        .param(id)
        .query(String.class)
        .single();
  }

  /**
   * In which zone a practice has its hours and days: that of its office, as the first of its feeds
   * says that says one, and else UTC. Never that of the server, which may stand anywhere.
   */
  public ZoneId zone(int id) {
    return database
        .sql(
            """
            select office_zone from feeds where practice_id = ? and office_zone <> 'UTC'
            order by feed limit 1""")
        .param(id)
        .query(String.class)
        .optional()
        .map(ZoneId::of)
        .orElse(ZoneId.of("UTC"));
  }

  /** The day that it is at a practice, for what is counted by days. */
  public LocalDate today(int id) {
    return LocalDate.now(zone(id));
  }

  /** Every practice there is. */
  public List<String> names() {
    return database
        .sql("select practice from practices order by practice")
        .query(String.class)
        .list();
  }
}
