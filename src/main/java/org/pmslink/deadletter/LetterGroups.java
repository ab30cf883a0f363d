package org.pmslink.deadletter;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Letters put together by their root cause: category, feed, step, mapping with its version and
 * line, and field. How many there are is counted as they come and go, and never by looking at them
 * all.
 */
@Component
public class LetterGroups {
  /** Groups that are listed at most. */
  public static final int MOST = 500;

  /** Buckets of a size over time at most. */
  public static final int MOST_BUCKETS = 1_000;

  private final JdbcClient database;
  private final Practices practices;
  private final LetterSearch search;

  LetterGroups(JdbcClient database, Practices practices, LetterSearch search) {
    this.database = database;
    this.practices = practices;
    this.search = search;
  }

  /**
   * A root cause and its letters.
   *
   * @param key the same for the same cause, always
   * @param open letters that wait or are being replayed
   * @param ever letters that ever had this cause
   * @param firstAt when one first failed for it
   * @param lastAt when one last failed for it
   * @param assignee who cares for what comes
   */
  public record Group(
      String key,
      String feed,
      Hop hop,
      String recordType,
      Cause cause,
      long open,
      long ever,
      Instant firstAt,
      Instant lastAt,
      @Nullable String assignee) {}

  /** In which order groups are listed. */
  public enum Order {
    NEWEST("last_at desc, open desc"),
    LARGEST("open desc, last_at desc");

    private final String sql;

    Order(String sql) {
      this.sql = sql;
    }
  }

  /** Into what a time is divided. */
  public enum Bucket {
    HOUR(Duration.ofHours(1)),
    DAY(Duration.ofDays(1));

    private final Duration length;

    Bucket(Duration length) {
      this.length = length;
    }
  }

  /**
   * The size of a group over an hour or a day, in UTC.
   *
   * @param came letters that came in it
   * @param went letters that were resolved, discarded, or failed for another reason instead; less
   *     those that were discarded and are opened again
   * @param open letters that were open at its end
   */
  public record Size(Instant from, long came, long went, long open) {}

  /** One letter for a group, with the shape of its record. */
  public record Example(Letter letter, JsonNode masked) {}

  private static final String COUNTED =
      """
      select g.group_key, g.feed, g.hop, g.record_type, g.category, g.message, g.mapping,
             g.mapping_version, g.mapping_line, g.mapping_text, g.field, g.assignee,
             c.open, c.ever, c.first_at, c.last_at
      from dead_letter_groups g cross join lateral (
        select sum(came - went) as open, sum(came) as ever, min(first_at) as first_at,
               max(last_at) as last_at
        from (
          select came, went, first_at, last_at from dead_letter_totals
          where practice_id = g.practice_id and group_key = g.group_key
          union all
          select came, went, first_at, last_at from dead_letter_counts
          where practice_id = g.practice_id and group_key = g.group_key and not summed) n) c
      where g.practice_id = ?""";

  /**
   * Groups with open letters.
   *
   * @param feed only of this one, if any
   * @param category only of this one, if any
   */
  public List<Group> list(
      String practice, Order order, @Nullable String feed, @Nullable Category category) {
    String wanted = category == null ? null : category.name();
    return database
        .sql(
            COUNTED
                + " and c.open > 0 and (?::text is null or g.feed = ?)"
                + " and (?::text is null or g.category = ?) order by "
                + order.sql
                + ", group_key limit ?")
        .params(practices.id(practice), feed, feed, wanted, wanted, MOST)
        .query((row, n) -> group(row))
        .list();
  }

  /** One group, also when none of its letters is open. */
  public Optional<Group> find(String practice, String key) {
    return database
        .sql(COUNTED + " and g.group_key = ? and c.ever > 0")
        .params(practices.id(practice), key)
        .query((row, n) -> group(row))
        .optional();
  }

  private static Group group(ResultSet row) throws SQLException {
    return new Group(
        row.getString("group_key"),
        row.getString("feed"),
        Hop.ofStored(row.getString("hop")),
        row.getString("record_type"),
        Letter.cause(row),
        row.getLong("open"),
        row.getLong("ever"),
        row.getTimestamp("first_at").toInstant(),
        row.getTimestamp("last_at").toInstant(),
        row.getString("assignee"));
  }

  /**
   * How large a group was, bucket by bucket, oldest first, without a gap.
   *
   * @param from within the first bucket
   * @param to within the last one
   * @throws IllegalArgumentException when these are more than {@link #MOST_BUCKETS}
   */
  public List<Size> sizes(String practice, String key, Bucket bucket, Instant from, Instant to) {
    long length = bucket.length.toSeconds();
    long first = Math.floorDiv(from.getEpochSecond(), length);
    long last = Math.floorDiv(to.getEpochSecond(), length);
    if (last - first >= MOST_BUCKETS) {
      throw new IllegalArgumentException("more than " + MOST_BUCKETS + " buckets");
    }
    Map<Long, long[]> counts = new HashMap<>();
    long open = 0;
    for (Hour hour :
        hours(practices.id(practice), key, Instant.ofEpochSecond((last + 1) * length))) {
      long at = Math.floorDiv(hour.at().getEpochSecond(), length);
      if (at < first) {
        open += hour.came() - hour.went();
      } else {
        long[] count = counts.computeIfAbsent(at, b -> new long[2]);
        count[0] += hour.came();
        count[1] += hour.went();
      }
    }
    List<Size> sizes = new ArrayList<>();
    for (long at = first; at <= last; at++) {
      long[] count = counts.getOrDefault(at, new long[2]);
      open += count[0] - count[1];
      sizes.add(new Size(Instant.ofEpochSecond(at * length), count[0], count[1], open));
    }
    return sizes;
  }

  private record Hour(Instant at, long came, long went) {}

  private List<Hour> hours(int practice, String key, Instant before) {
    return database
        .sql(
            """
            select hour, came, went from dead_letter_counts
            where practice_id = ? and group_key = ? and hour < ? and summed
            union all
            select hour, came, went from dead_letter_counts
            where practice_id = ? and group_key = ? and hour < ? and not summed""")
        .params(practice, key, Timestamp.from(before), practice, key, Timestamp.from(before))
        .query(
            (row, n) -> new Hour(row.getTimestamp(1).toInstant(), row.getLong(2), row.getLong(3)))
        .list();
  }

  /** The newest letter of a group, an open one if there is any, with its values masked. */
  public Optional<Example> example(String practice, String key) {
    LetterFilter group = LetterFilter.ALL.inGroup(key);
    List<Letter> newest =
        search.search(practice, group.in(State.OPEN, State.REPLAYING), null, 1).letters();
    if (newest.isEmpty()) {
      newest = search.search(practice, group, null, 1).letters();
    }
    return newest.stream()
        .findFirst()
        .flatMap(
            letter ->
                search.masked(practice, letter.id()).map(masked -> new Example(letter, masked)));
  }

  /** Sums up what was counted since the last time; readers see the same sums before and after. */
  public void sumUp() {
    // Over all practices: counts alone, and each row keeps its practice.
    database
        .sql(
            """
            with counted as (
              delete from dead_letter_counts where not summed
              returning practice_id, group_key, hour, came, went, first_at, last_at),
            totals as (
              insert into dead_letter_totals as t (practice_id, group_key, came, went, first_at,
                                                   last_at)
              select practice_id, group_key, sum(came), sum(went), min(first_at), max(last_at)
              from counted group by practice_id, group_key
              on conflict (practice_id, group_key) do update set
                came = t.came + excluded.came, went = t.went + excluded.went,
                first_at = least(t.first_at, excluded.first_at),
                last_at = greatest(t.last_at, excluded.last_at))
            insert into dead_letter_counts as s (practice_id, group_key, hour, came, went, first_at,
                                                 last_at, summed)
            select practice_id, group_key, hour, sum(came), sum(went), min(first_at), max(last_at),
                   true
            from counted group by practice_id, group_key, hour
            on conflict (practice_id, group_key, hour) where summed do update set
              came = s.came + excluded.came, went = s.went + excluded.went,
              first_at = least(s.first_at, excluded.first_at),
              last_at = greatest(s.last_at, excluded.last_at)""")
        .update();
  }
}
