package org.pmslink.membership;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.pmslink.membership.ChartDecisions.Outcome;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * What a person's verdict does to links, and what is undone with it. What stands in its way ends;
 * whoever was linked so is decided about again. Every method runs in the verdict's transaction.
 */
@Component
class LinksByPeople {
  private final JdbcTemplate database;
  private final Members members;
  private final Links links;
  private final ChartDecisions decisions;
  private final ContactsFromCharts contacts;

  LinksByPeople(
      JdbcTemplate database,
      Members members,
      Links links,
      ChartDecisions decisions,
      ContactsFromCharts contacts) {
    this.database = database;
    this.members = members;
    this.links = links;
    this.decisions = decisions;
    this.contacts = contacts;
  }

  /**
   * Links as a person says; what stands in the way ends, and is decided about again.
   *
   * @return ids of the links that ended
   */
  List<Long> linkByPerson(
      int practice, String source, long chart, long member, String actor, String reason) {
    members.lockById(practice, new long[] {member});
    List<Long> ended = new ArrayList<>();
    List<Long> inTheWay = new ArrayList<>();
    List<Long> there = new ArrayList<>();
    database.query(
        """
        select id, patient_id = ? and member_id = ?, patient_id, member_id from links
        where practice_id = ? and source = ? and (patient_id = ? or member_id = ?)
          and ended_at is null order by id for update""",
        row -> {
          if (row.getBoolean(2)) {
            there.add(row.getLong(1));
          } else {
            contacts.takeBackFilled(practice, row.getLong(1), row.getLong(4), actor);
            links.end(practice, row.getLong(1), actor, reason);
            ended.add(row.getLong(1));
            inTheWay.add(row.getLong(3));
          }
        },
        chart,
        member,
        practice,
        source,
        chart,
        member);
    if (there.isEmpty()) {
      Long made =
          database.queryForObject(
              """
              insert into links (practice_id, source, patient_id, member_id, made_by, reason,
                                 rules_version, seen_person)
              values (?, ?, ?, ?, ?, ?, '-', ?) returning id""",
              Long.class,
              practice,
              source,
              chart,
              member,
              actor,
              reason,
              links.fingerprintOf(practice, chart));
      links.change(practice, Objects.requireNonNull(made), "MADE", actor, reason, null);
    } else {
      String before = links.snapshot(practice, there.get(0));
      database.update(
          """
          update links set made_by = ?, seen_person = ?, flag_reason = null, flagged_at = null
          where practice_id = ? and id = ?""",
          actor,
          links.fingerprintOf(practice, chart),
          practice,
          there.get(0));
      links.change(practice, there.get(0), "VERIFIED", actor, reason, before);
    }
    decisions.settle(
        practice, List.of(new Outcome(chart, "LINKED", Command.NoMatch.LINKED_BY_PERSON, "-")));
    decisions.closeReviews(practice, List.of(chart), actor, reason);
    contacts.follow(practice, List.of(chart));
    members.matchedNow(practice, new long[] {member});
    decisions.decideAgain(practice, inTheWay.stream().filter(other -> other != chart).toList());
    decisions.decideNeighboursAgain(practice, List.of(chart));
    return ended;
  }

  /**
   * Ends the link of two that are not one person, if they are linked, and decides again.
   *
   * @return its id
   */
  List<Long> separate(int practice, long chart, long member, String actor, String reason) {
    List<Long> ended = new ArrayList<>();
    database.query(
        """
        select id from links
        where practice_id = ? and patient_id = ? and member_id = ? and ended_at is null for update""",
        row -> {
          contacts.takeBackFilled(practice, row.getLong(1), member, actor);
          links.end(practice, row.getLong(1), actor, reason);
          ended.add(row.getLong(1));
        },
        practice,
        chart,
        member);
    decisions.lookAgain(practice, List.of(chart));
    return ended;
  }

  /**
   * Puts links back that have ended, where chart and member are there and still free. One that was
   * made while the member was one with another is not: whose it is, nobody has said.
   */
  void putBack(int practice, List<Long> ended, String actor, String reason) {
    for (Long link : ended) {
      String before = links.snapshot(practice, link);
      List<Long> charts =
          database.queryForList(
              """
              update links l set ended_at = null, ended_by = null, end_reason = null
              where l.practice_id = ? and l.id = ? and l.ended_at is not null
                and not exists (select 1 from member_merges g
                                join link_changes c on c.practice_id = g.practice_id
                                  and c.link_id = l.id and c.action in ('MADE', 'MOVED')
                                  and c.id between g.first_change and g.last_change
                                where g.practice_id = l.practice_id and g.survivor_id = l.member_id)
                and exists (select 1 from patients p where p.practice_id = l.practice_id
                              and p.id = l.patient_id and p.removed_at is null
                              and p.merged_into is null)
                and exists (select 1 from members m where m.practice_id = l.practice_id
                              and m.id = l.member_id and m.status = 'ACTIVE')
                and not exists (select 1 from links o
                                where o.practice_id = l.practice_id and o.ended_at is null
                                  and (o.patient_id = l.patient_id
                                       or o.member_id = l.member_id and o.source = l.source))
              returning l.patient_id""",
              Long.class,
              practice,
              link);
      if (!charts.isEmpty()) {
        links.change(practice, link, "RESTORED", actor, reason, before);
        decisions.closeReviews(practice, charts, actor, reason);
        contacts.follow(practice, charts);
        decisions.decideAgain(practice, charts);
      }
    }
  }

  /**
   * Undoes what a person did to the link of a chart and a member, and has rules decide again.
   *
   * <p>A link that stood before they confirmed it is whose it was, with the flag that it had.
   *
   * @param verdict by which it was done: only what that one changed is undone, not what another
   *     confirmed and has taken back
   */
  void takeBack(int practice, long chart, long member, long verdict, String actor, String reason) {
    database.query(
        """
        select l.id, c.before ->> 'made_by', c.before ->> 'flag_reason',
               c.before ->> 'seen_person'
        from links l
        left join lateral (
          select k.before from verdicts v
          join link_changes k on k.practice_id = v.practice_id and k.link_id = l.id
                             and k.action = 'VERIFIED' and k.at = v.at and k.actor = v.actor
          where v.practice_id = l.practice_id and v.id = ?
          order by k.id desc limit 1) c on true
        where l.practice_id = ? and l.patient_id = ? and l.member_id = ? and l.ended_at is null
          and l.made_by <> ? for update of l""",
        row -> {
          long link = row.getLong(1);
          String madeBy = row.getString(2);
          if (madeBy == null) {
            contacts.takeBackFilled(practice, link, member, actor);
            links.end(practice, link, actor, reason);
            return;
          }
          String before = links.snapshot(practice, link);
          database.update(
              """
              update links set made_by = ?, seen_person = ?, flag_reason = ?::text,
                flagged_at = case when ?::text is not null then now() end
              where practice_id = ? and id = ?""",
              madeBy,
              row.getString(4),
              row.getString(3),
              row.getString(3),
              practice,
              link);
          links.change(practice, link, "TAKEN_BACK", actor, reason, before);
        },
        verdict,
        practice,
        chart,
        member,
        Links.RULE);
    decisions.lookAgain(practice, List.of(chart));
  }
}
