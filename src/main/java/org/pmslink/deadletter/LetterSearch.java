package org.pmslink.deadletter;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Timestamp;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Finds letters. What is found shows no record, or its shape alone. */
@Component
public class LetterSearch {
  /** Letters of a page at most. */
  public static final int LARGEST_PAGE = 1_000;

  private static final Instant LONG_AGO = Instant.EPOCH;
  private static final Instant FAR_AHEAD = Instant.parse("9999-01-01T00:00:00Z");

  private final JdbcClient database;
  private final Practices practices;
  private final SealedPayloads payloads;

  LetterSearch(JdbcClient database, Practices practices, SealedPayloads payloads) {
    this.database = database;
    this.practices = practices;
    this.payloads = payloads;
  }

  /**
   * A page of letters, newest failure first.
   *
   * @param next what to ask for the page behind this one with; absent on the last
   */
  public record Page(List<Letter> letters, @Nullable String next) {

    public Page {
      letters = List.copyOf(letters);
    }
  }

  private record Cursor(Instant lastAt, long id) {
    static final Cursor START = new Cursor(FAR_AHEAD, Long.MAX_VALUE);

    static Cursor of(@Nullable String text) {
      if (text == null) {
        return START;
      }
      try {
        String[] parts = new String(Base64.getUrlDecoder().decode(text), UTF_8).split(" ", -1);
        return new Cursor(Instant.parse(parts[0]), Long.parseLong(parts[1]));
      } catch (IllegalArgumentException | DateTimeException | ArrayIndexOutOfBoundsException e) {
        throw new IllegalArgumentException("this is no cursor that a search has given", e);
      }
    }

    static String after(Letter letter) {
      String text = letter.lastAt() + " " + letter.id();
      return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(UTF_8));
    }
  }

  /**
   * Letters of a practice, newest failure first.
   *
   * @param after {@link Page#next} of the page before; absent for the first
   * @throws IllegalArgumentException when {@code after} is none
   */
  public Page search(String practice, LetterFilter filter, @Nullable String after, int size) {
    int limit = Math.max(1, Math.min(size, LARGEST_PAGE));
    Cursor cursor = Cursor.of(after);
    int id = practices.id(practice);
    Map<String, @Nullable Object> values = values(id, filter);
    values.put("after_at", Timestamp.from(cursor.lastAt()));
    values.put("after_id", cursor.id());
    values.put("limit", limit + 1);
    if (filter.isAboutGroups()) {
      String[] groups = groups(id, filter);
      if (groups.length == 0) {
        return new Page(List.of(), null);
      }
      values.put("groups", groups);
    }
    List<Letter> found =
        database
            .sql(
                "select "
                    + Letter.COLUMNS
                    + " from ("
                    + way(filter)
                    + """
                      order by last_at desc, id desc limit :limit) found
                    join dead_letters d on d.practice_id = :practice and d.id = found.id
                    join dead_letter_groups g
                      on g.practice_id = d.practice_id and g.group_key = d.group_key
                    order by d.last_at desc, d.id desc""")
            .params(values)
            .query((row, n) -> Letter.of(row))
            .list();
    return found.size() <= limit
        ? new Page(found, null)
        : new Page(found.subList(0, limit), Cursor.after(found.get(limit - 1)));
  }

  /** One letter. */
  public Optional<Letter> find(String practice, long id) {
    return database
        .sql(
            "select "
                + Letter.COLUMNS
                + """
                 from dead_letters d
                join dead_letter_groups g
                  on g.practice_id = d.practice_id and g.group_key = d.group_key
                where d.practice_id = ? and d.id = ?""")
        .params(practices.id(practice), id)
        .query((row, n) -> Letter.of(row))
        .optional();
  }

  /** The shape of a letter's record: its structure, without any value. */
  public Optional<JsonNode> masked(String practice, long id) {
    return database
        .sql("select hop, payload from dead_letters where practice_id = ? and id = ?")
        .params(practices.id(practice), id)
        .query(
            (row, n) ->
                MaskedJson.of(
                    SealedPayloads.record(
                        DeadLetter.Hop.ofStored(row.getString(1)), payloads.open(row.getBytes(2)))))
        .optional();
  }

  /**
   * Which letters an action is about, oldest first.
   *
   * @param states in which the action makes sense
   */
  List<Long> ids(int practice, Selection selection, List<State> states, int most) {
    if (selection.ids() != null) {
      return database
          .sql(
              """
              select id from dead_letters where practice_id = ? and id = any (?)
                and state = any (?) order by id limit ?""")
          .params(practice, selection.ids().toArray(Long[]::new), names(states), most)
          .query(Long.class)
          .list();
    }
    Map<String, @Nullable Object> values = selected(practice, selection.filter(), states);
    values.put("most", most);
    return database
        .sql(
            "select d.id from dead_letters d where "
                + selectedBy(values)
                + " order by d.id limit :most")
        .params(values)
        .query(Long.class)
        .list();
  }

  /** How many letters in these states a selection holds. */
  long count(int practice, Selection selection, List<State> states) {
    if (selection.ids() != null) {
      return database
          .sql(
              """
              select count(*) from dead_letters where practice_id = ? and id = any (?)
                and state = any (?)""")
          .params(practice, selection.ids().toArray(Long[]::new), names(states))
          .query(Long.class)
          .single();
    }
    Map<String, @Nullable Object> values = selected(practice, selection.filter(), states);
    return database
        .sql("select count(*) from dead_letters d where " + selectedBy(values))
        .params(values)
        .query(Long.class)
        .single();
  }

  private static String[] names(List<State> states) {
    return states.stream().map(State::name).toArray(String[]::new);
  }

  private Map<String, @Nullable Object> selected(
      int practice, LetterFilter filter, List<State> states) {
    Map<String, @Nullable Object> values = values(practice, filter);
    values.put(
        "states",
        Arrays.stream(filter.stateNames())
            .filter(s -> states.contains(State.valueOf(s)))
            .toArray(String[]::new));
    if (filter.isAboutGroups()) {
      values.put("groups", groups(practice, filter));
    }
    return values;
  }

  private static String selectedBy(Map<String, @Nullable Object> values) {
    return "d.practice_id = :practice and d.state = any (:states)"
        + " and d.last_at >= :from and d.last_at < :to"
        + (values.containsKey("groups") ? " and d.group_key = any (:groups)" : "")
        + (values.get("source_id") == null ? "" : " and d.source_id = :source_id")
        + (values.get("assignee") == null ? "" : " and d.assignee = :assignee");
  }

  private Map<String, @Nullable Object> values(int practice, LetterFilter filter) {
    Map<String, @Nullable Object> values = new TreeMap<>();
    values.put("practice", practice);
    values.put("states", filter.stateNames());
    values.put("source_id", filter.sourceId());
    values.put("assignee", filter.assignee());
    values.put("from", Timestamp.from(filter.from() == null ? LONG_AGO : filter.from()));
    values.put("to", Timestamp.from(filter.to() == null ? FAR_AHEAD : filter.to()));
    return values;
  }

  /** Few, whatever the number of letters. */
  private String[] groups(int practice, LetterFilter filter) {
    String category = filter.category() == null ? null : filter.category().name();
    return database
        .sql(
            """
            select group_key from dead_letter_groups
            where practice_id = ? and (?::text is null or feed = ?)
              and (?::text is null or category = ?) and (?::text is null or group_key = ?)""")
        .params(
            practice,
            filter.feed(),
            filter.feed(),
            category,
            category,
            filter.group(),
            filter.group())
        .query(String.class)
        .list()
        .toArray(String[]::new);
  }

  /**
   * Where to look. Each way reads an index in the order that is wanted, from as many places as
   * there are groups and states, and leaves off after a page; so it does not matter how many
   * letters there are, nor how few of them fit.
   */
  private static String way(LetterFilter filter) {
    String within =
        " and last_at >= :from and last_at < :to and (last_at, id) < (:after_at, :after_id)";
    String inGroups = filter.isAboutGroups() ? " and group_key = any (:groups)" : "";
    String ofAssignee = filter.assignee() == null ? "" : " and assignee = :assignee";
    if (filter.sourceId() != null) {
      return "select id, last_at from dead_letters where practice_id = :practice"
          + " and source_id = :source_id and state = any (:states)"
          + within
          + inGroups
          + ofAssignee;
    }
    boolean byGroup = filter.isAboutGroups() && filter.assignee() == null;
    return "select top.id, top.last_at from unnest(:states::text[]) as s (state)"
        + (byGroup ? " cross join unnest(:groups::text[]) as w (group_key)" : "")
        + " cross join lateral (select id, last_at from dead_letters"
        + " where practice_id = :practice and state = s.state"
        + (byGroup ? " and group_key = w.group_key" : inGroups)
        + ofAssignee
        + within
        + " order by last_at desc, id desc limit :limit) top";
  }
}
