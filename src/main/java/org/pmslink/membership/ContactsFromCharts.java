package org.pmslink.membership;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.pmslink.membership.Member.Field;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * The contact fields that members have from their charts, as far as {@link Survivorship} and locks
 * allow: they follow the chart, and go again with a link that was wrong. Every method runs in the
 * transaction of its caller.
 */
@Component
class ContactsFromCharts {
  /** Who fills members from their charts. */
  private static final String FEED = "feed";

  /** Why a member has back what it had before a link filled it. */
  private static final String LINK_ENDED = "LINK_ENDED";

  private final JdbcTemplate database;
  private final Members members;
  private final Survivorship survivorship;
  private final ActiveLinks activeLinks;

  ContactsFromCharts(
      JdbcTemplate database, Members members, Survivorship survivorship, ActiveLinks activeLinks) {
    this.database = database;
    this.activeLinks = activeLinks;
    this.members = members;
    this.survivorship = survivorship;
  }

  /**
   * Lets the members of changed charts follow, as far as policy and locks allow.
   *
   * @return the charts by which a member changed
   */
  Set<Long> follow(int practice, List<Long> patientIds) {
    if (patientIds.isEmpty()) {
      return Set.of();
    }
    Map<Long, Long> memberOf = activeLinks.members(practice, Links.array(patientIds));
    if (memberOf.isEmpty()) {
      return Set.of();
    }
    Map<Long, Member> byId = new HashMap<>();
    members
        .lockById(practice, Links.array(memberOf.values()))
        .forEach(member -> byId.put(member.id(), member));
    Map<Long, Member> byChart = new HashMap<>();
    memberOf.forEach((patient, member) -> byChart.put(patient, byId.get(member)));
    Set<Long> filled = fill(practice, byChart, false);
    return memberOf.keySet().stream()
        .filter(chart -> filled.contains(memberOf.get(chart)))
        .collect(Collectors.toSet());
  }

  /**
   * Fills members from their charts.
   *
   * @param found whether they have only now found their chart, and wait for a match no more
   * @return the members in which something changed
   */
  Set<Long> fill(int practice, Map<Long, Member> byChart, boolean found) {
    if (byChart.isEmpty()) {
      return Set.of();
    }
    List<Members.Change> changes = new ArrayList<>();
    database.query(
        "select id, record from patients where practice_id = ? and id = any (?) order by id",
        row -> {
          Member member = byChart.get(row.getLong(1));
          PatientRecord record = RecordJson.read(row.getString(2), PatientRecord.class);
          if (member == null) {
            return;
          }
          Map<Field, String> values = survivorship.changes(member, record);
          if (!values.isEmpty()) {
            changes.add(new Members.Change(member, values, found, row.getLong(1)));
          }
        },
        practice,
        Links.array(byChart.keySet()));
    if (!changes.isEmpty()) {
      members.write(practice, changes, FEED, null, true);
    }
    return changes.stream().map(c -> c.member().id()).collect(Collectors.toSet());
  }

  /**
   * Gives a member back what it had before a link that was wrong filled it: another person's data
   * must not stay with it, and would make it look like that person.
   */
  void takeBackFilled(int practice, long link, long member, String actor) {
    Map<Field, String> before = new EnumMap<>(Field.class);
    database.query(
        """
        with recursive charts as (
          select p.id, p.source, p.source_id, l.made_at from links l
          join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
          where l.practice_id = ? and l.id = ?
          union
          select p.id, p.source, p.source_id, c.made_at from charts c
          join patients p on p.practice_id = ? and p.source = c.source
                         and p.merged_into = c.source_id)
        select distinct on (c.field) c.field, coalesce(c.before, '') from member_changes c
        join charts on charts.id = c.patient_id
        join members m on m.practice_id = c.practice_id and m.id = c.member_id
        where c.practice_id = ? and c.member_id = ? and c.at >= charts.made_at
          and c.field <> all (m.locked_fields)
          and not exists (select 1 from member_changes later
                          where later.practice_id = c.practice_id
                            and later.member_id = c.member_id and later.field = c.field
                            and later.id > c.id
                            and (later.patient_id is null
                                 or later.patient_id not in (select id from charts)))
        order by c.field, c.id""",
        row -> {
          before.put(Field.valueOf(row.getString(1)), row.getString(2));
        },
        practice,
        link,
        practice,
        practice,
        member);
    if (!before.isEmpty()) {
      members.lockById(practice, new long[] {member}).stream()
          .map(found -> new Members.Change(found, before))
          .forEach(change -> members.write(practice, List.of(change), actor, LINK_ENDED, false));
    }
  }
}
