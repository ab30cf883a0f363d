package org.pmslink.membership;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * The membership plans that a practice sells. A plan is never changed, because memberships of it
 * are counted against what it says: it is retired, and another one takes its place.
 */
@Component
public class Plans {
  /** Procedure codes as PMSs have them: CDT codes, and an office's own. */
  private static final Pattern CODE = Pattern.compile("[A-Z0-9][A-Z0-9.-]{0,14}");

  private static final int LONGEST_NAME = 80;
  private static final int MOST_PER_YEAR = 99;
  private static final int MOST_ENTITLEMENTS = 30;

  private final JdbcTemplate database;
  private final Practices practices;

  Plans(JdbcTemplate database, Practices practices) {
    this.database = database;
    this.practices = practices;
  }

  /**
   * What a plan gives in each year of membership.
   *
   * @param name as the office says it, for example {@code Cleanings}
   * @param codes procedure codes that count against it, for example D1110
   * @param perYear how many of them together
   */
  public record Entitlement(String name, SortedSet<String> codes, int perYear) {
    /**
     * @throws IllegalArgumentException saying what is wrong, for whoever typed it
     */
    public Entitlement {
      name = name.strip();
      if (name.isEmpty() || name.length() > LONGEST_NAME || !isPlain(name)) {
        throw new IllegalArgumentException(
            "an entitlement needs a name of at most " + LONGEST_NAME + " characters");
      }
      SortedSet<String> upper = new TreeSet<>();
      codes.forEach(code -> upper.add(code.strip().toUpperCase(Locale.ROOT)));
      codes = java.util.Collections.unmodifiableSortedSet(upper);
      if (codes.isEmpty() || !codes.stream().allMatch(code -> CODE.matcher(code).matches())) {
        throw new IllegalArgumentException(
            "an entitlement needs procedure codes like D1110, with a space between them");
      }
      if (perYear < 1 || perYear > MOST_PER_YEAR) {
        throw new IllegalArgumentException(
            "an entitlement is for 1 to " + MOST_PER_YEAR + " times a year");
      }
    }
  }

  /**
   * A plan.
   *
   * @param retired sold no more; who has it keeps it
   * @param members how many members have it now
   */
  public record Plan(
      long id, String name, List<Entitlement> entitlements, boolean retired, long members) {}

  /** Plans by name: those that are sold, or all. */
  public List<Plan> list(String practice, boolean withRetired) {
    return database.query(
        SELECT
            + """
            where p.practice_id = ? and (? or p.retired_at is null)
            order by p.retired_at is not null, lower(p.name), p.id""",
        (row, n) ->
            plan(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                row.getBoolean(4),
                row.getLong(5)),
        practices.id(practice),
        withRetired);
  }

  /** A plan that is sold. */
  public Optional<Plan> sold(String practice, long id) {
    return list(practice, false).stream().filter(plan -> plan.id() == id).findFirst();
  }

  /**
   * Adds a plan.
   *
   * @return its id
   * @throws IllegalArgumentException when there was one of that name, or something of it is wrong
   */
  @Transactional
  public long add(String practice, String name, List<Entitlement> entitlements, String actor) {
    String stripped = name.strip();
    if (stripped.isEmpty() || stripped.length() > LONGEST_NAME || !isPlain(stripped)) {
      throw new IllegalArgumentException(
          "a plan needs a name of at most " + LONGEST_NAME + " characters");
    }
    if (entitlements.size() > MOST_ENTITLEMENTS) {
      throw new IllegalArgumentException(
          "a plan has at most " + MOST_ENTITLEMENTS + " entitlements");
    }
    SortedSet<String> codes = new TreeSet<>();
    for (Entitlement entitlement : entitlements) {
      for (String code : entitlement.codes()) {
        if (!codes.add(code)) {
          throw new IllegalArgumentException(
              "the procedure code "
                  + code
                  + " counts against two entitlements; leave it in one of them");
        }
      }
    }
    try {
      Long id =
          database.queryForObject(
              """
              insert into plans (practice_id, name, entitlements, created_by)
              values (?, ?, ?::jsonb, ?) returning id""",
              Long.class,
              practices.id(practice),
              stripped,
              RecordJson.write(json(entitlements)),
              actor);
      return id == null ? 0 : id;
    } catch (DuplicateKeyException e) {
      throw new IllegalArgumentException(
          "there is or was a plan of that name; choose another, for example with the year", e);
    }
  }

  /**
   * Sells a plan no more.
   *
   * @return false when there is none of that id that is sold
   */
  @Transactional
  public boolean retire(String practice, long id, String actor) {
    return database.update(
            """
            update plans set retired_at = now(), retired_by = ?
            where practice_id = ? and id = ? and retired_at is null""",
            actor,
            practices.id(practice),
            id)
        == 1;
  }

  static final String SELECT =
      """
      select p.id, p.name, p.entitlements, p.retired_at is not null,
             (select count(*) from memberships m where m.practice_id = p.practice_id
                and m.plan_id = p.id and m.status <> 'ENDED')
      from plans p
      """;

  static Plan plan(long id, String name, String entitlements, boolean retired, long members) {
    List<Entitlement> read = new ArrayList<>();
    for (JsonNode node : RecordJson.read(entitlements, JsonNode.class)) {
      SortedSet<String> codes = new TreeSet<>();
      node.path("codes").forEach(code -> codes.add(code.asText()));
      read.add(new Entitlement(node.path("name").asText(), codes, node.path("perYear").asInt()));
    }
    return new Plan(id, name, List.copyOf(read), retired, members);
  }

  private static ArrayNode json(List<Entitlement> entitlements) {
    ArrayNode all = RecordJson.mapper().createArrayNode();
    for (Entitlement entitlement : entitlements) {
      ObjectNode one = all.addObject();
      one.put("name", entitlement.name());
      ArrayNode codes = one.putArray("codes");
      entitlement.codes().forEach(codes::add);
      one.put("perYear", entitlement.perYear());
    }
    return all;
  }

  private static boolean isPlain(@Nullable String text) {
    return text != null && text.chars().noneMatch(Character::isISOControl);
  }
}
