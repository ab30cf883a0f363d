package org.pmslink.membership;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * The links that charts have now.
 *
 * <p>Read by key, table by table. As a join, a batch's few hundred charts cost a few hundred scans
 * of the links whenever the planner takes that table for smaller than it has become, which during a
 * first load is always.
 */
@Component
class ActiveLinks {
  private final JdbcTemplate database;

  ActiveLinks(JdbcTemplate database) {
    this.database = database;
  }

  /**
   * A link.
   *
   * @param madeBy {@code rule}, or the person
   * @param seenPerson hash of who the chart was when that person looked at it
   * @param flagReason why it wants verification
   */
  record ActiveLink(
      long id,
      long memberId,
      String memberNumber,
      String madeBy,
      @Nullable String seenPerson,
      @Nullable String flagReason) {

    ActiveLink withId(long newId) {
      return new ActiveLink(newId, memberId, memberNumber, madeBy, seenPerson, flagReason);
    }

    ActiveLink withMemberNumber(String number) {
      return new ActiveLink(id, memberId, number, madeBy, seenPerson, flagReason);
    }
  }

  /** The links of these charts, by chart; charts without one are absent. */
  Map<Long, ActiveLink> of(int practice, Collection<Long> patientIds) {
    Map<Long, ActiveLink> links = new HashMap<>();
    if (patientIds.isEmpty()) {
      return links;
    }
    database.query(
        """
        select patient_id, id, member_id, made_by, seen_person, flag_reason from links
        where practice_id = ? and patient_id = any (?) and ended_at is null""",
        row -> {
          links.put(
              row.getLong(1),
              new ActiveLink(
                  row.getLong(2),
                  row.getLong(3),
                  "",
                  row.getString(4),
                  row.getString(5),
                  row.getString(6)));
        },
        practice,
        Links.array(patientIds));
    Map<Long, String> numbers =
        numbers(practice, links.values().stream().map(ActiveLink::memberId).toList());
    links.replaceAll(
        (patient, link) -> link.withMemberNumber(numbers.getOrDefault(link.memberId(), "")));
    return links;
  }

  /** The ids of the members that these charts are linked to, by chart. */
  Map<Long, Long> members(int practice, long[] patientIds) {
    Map<Long, Long> linked = new HashMap<>();
    database.query(
        """
        select patient_id, member_id from links
        where practice_id = ? and patient_id = any (?) and ended_at is null""",
        row -> {
          linked.put(row.getLong(1), row.getLong(2));
        },
        practice,
        patientIds);
    return linked;
  }

  private Map<Long, String> numbers(int practice, Collection<Long> memberIds) {
    Map<Long, String> numbers = new HashMap<>();
    if (!memberIds.isEmpty()) {
      database.query(
          "select id, member_number from members where practice_id = ? and id = any (?)",
          row -> {
            numbers.put(row.getLong(1), row.getString(2));
          },
          practice,
          Links.array(memberIds));
    }
    return numbers;
  }
}
