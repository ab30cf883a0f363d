package org.pmslink.event;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.pmslink.patient.RecordJson;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Events on their way out. The database's triggers write them in the transaction of what they tell
 * of; from here they go to the topic, and to each webhook of their practice.
 *
 * <p>Whoever changes a link, a chart or a finding holds its row until the end, so of one subject no
 * event with a smaller number comes to light after one with a larger.
 */
@Component
public class Events {
  private static final int PAGE = 500;
  private static final int PRUNED_AT_ONCE = 10_000;

  /** The columns of an event {@code e}, in the order of {@link #event}. */
  static final String EVENT =
      "e.id, e.practice_id, r.practice, e.event_id, e.type, e.subject, e.at, e.data";

  private final JdbcTemplate database;
  private final Duration keep;

  Events(JdbcTemplate database, @Value("${pmslink.events.keep:P30D}") Duration keep) {
    this.database = database;
    this.keep = keep;
  }

  /** The next ones for the topic, of all practices, in their order. */
  public List<Event> next() {
    return database.query(
        "select "
            + EVENT
            + """
             from (select * from events where published_at is null order by id limit ?) e
            join practices r on r.id = e.practice_id order by e.id""",
        (row, n) -> event(row),
        PAGE);
  }

  /** Notes that these are on the topic, and has them sent to the webhooks of their practices. */
  @Transactional
  public void published(List<Event> events) {
    long[] ids = events.stream().mapToLong(Event::number).toArray();
    // Of all practices; each event goes to the webhooks of its own.
    database.update(
        """
        insert into webhook_deliveries (practice_id, webhook_id, event_id, subject)
        select e.practice_id, w.id, e.id, e.subject
        from unnest(?::bigint[]) as t (id)
        join events e on e.id = t.id
        join webhooks w on w.practice_id = e.practice_id
        where w.removed_at is null and w.created_at <= e.at
        on conflict do nothing""",
        ids);
    database.update("update events set published_at = now() where id = any (?)", ids);
  }

  /** Forgets events that are old, and what became of them at webhooks. */
  @Transactional
  public void prune() {
    // Of all practices; an event goes with its deliveries.
    database.update(
        """
        with old as (
          delete from events where id in (
            select id from events
            where at < now() - make_interval(secs => ?) and published_at is not null
            order by at limit ?)
          returning practice_id, id)
        delete from webhook_deliveries d using old, webhooks w
        where w.practice_id = old.practice_id and d.practice_id = old.practice_id
          and d.webhook_id = w.id and d.event_id = old.id""",
        keep.toSeconds(),
        PRUNED_AT_ONCE);
  }

  static Event event(ResultSet row) throws SQLException {
    return new Event(
        row.getLong(1),
        row.getInt(2),
        row.getString(3),
        row.getString(4),
        row.getString(5),
        row.getString(6),
        row.getTimestamp(7).toInstant(),
        RecordJson.read(row.getString(8), JsonNode.class));
  }
}
