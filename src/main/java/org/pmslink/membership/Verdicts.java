package org.pmslink.membership;

import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Practice;
import org.pmslink.matching.Practice.ChartAndMember;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * What people have decided about charts and members. It outranks every rule, on every later run: a
 * link that a person made is moved by no rule, and two that a person has told apart are never
 * linked or shown together again.
 */
@Component
public class Verdicts {
  private final JdbcTemplate database;
  private final Practices practices;
  private final PracticeLock lock;
  private final Links links;

  Verdicts(JdbcTemplate database, Practices practices, PracticeLock lock, Links links) {
    this.database = database;
    this.practices = practices;
    this.lock = lock;
    this.links = links;
  }

  /** What a person says of a chart and a member. */
  public enum Verdict {
    SAME,
    NOT_SAME
  }

  /**
   * Keeps what a person has decided, and does what follows from it at once: one link is made, or
   * ended. Whoever was linked to the one or the other in their place is decided about again.
   *
   * @param sourceId the chart's id in the PMS
   * @param actor who decides
   * @param reason why, in the person's words
   * @throws IllegalArgumentException when chart or member are not there, by number
   */
  @Transactional
  public void decide(
      String practice,
      String source,
      String sourceId,
      String memberNumber,
      Verdict verdict,
      String actor,
      String reason) {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    long chart = chart(practiceId, source, sourceId);
    long member = member(practiceId, memberNumber);
    withdrawOthers(practiceId, source, chart, member, verdict, actor);
    database.update(
        """
        insert into verdicts (practice_id, patient_id, member_id, verdict, actor, reason)
        values (?, ?, ?, ?, ?, ?)""",
        practiceId,
        chart,
        member,
        verdict.name(),
        actor,
        reason);
    if (verdict == Verdict.SAME) {
      links.linkByPerson(practiceId, source, chart, member, actor, reason);
    } else {
      links.separate(practiceId, chart, member, actor, reason);
    }
  }

  /**
   * Takes back what a person has decided, as if it had never been: a link that was made by it ends,
   * one that was verified by it is the rule's again, and rules decide about the chart anew.
   *
   * @return false when nothing was decided about the two
   * @throws IllegalArgumentException when chart or member are not there, by number
   */
  @Transactional
  public boolean withdraw(
      String practice,
      String source,
      String sourceId,
      String memberNumber,
      String actor,
      String reason) {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    long chart = chart(practiceId, source, sourceId);
    long member = member(practiceId, memberNumber);
    int withdrawn =
        database.update(
            """
            update verdicts set withdrawn_at = now(), withdrawn_by = ?
            where practice_id = ? and patient_id = ? and member_id = ? and withdrawn_at is null""",
            actor,
            practiceId,
            chart,
            member);
    if (withdrawn == 0) {
      return false;
    }
    links.takeBack(practiceId, chart, member, actor, reason);
    return true;
  }

  /** A new verdict takes the place of the one on this pair; one person has one chart in a PMS. */
  private void withdrawOthers(
      int practiceId, String source, long chart, long member, Verdict verdict, String actor) {
    database.update(
        """
        update verdicts v set withdrawn_at = now(), withdrawn_by = ?
        from patients p
        where v.practice_id = ? and v.withdrawn_at is null
          and p.practice_id = v.practice_id and p.id = v.patient_id
          and (v.patient_id = ? and v.member_id = ?
               or ? and v.verdict = 'SAME'
                  and (v.patient_id = ? or v.member_id = ? and p.source = ?))""",
        actor,
        practiceId,
        chart,
        member,
        verdict == Verdict.SAME,
        chart,
        member,
        source);
  }

  /** Ids of the verdicts that stand about a member. */
  List<Long> standingOf(int practice, long member) {
    return database.queryForList(
        """
        select id from verdicts
        where practice_id = ? and member_id = ? and withdrawn_at is null order by id""",
        Long.class,
        practice,
        member);
  }

  /**
   * Gives what stands about a member to the one that it was merged into, after its links: that two
   * are not one stays true of whoever they are now; that two are one, while they are linked.
   *
   * @return ids of the verdicts that were made by this
   */
  List<Long> give(int practice, long from, long to, String actor) {
    withdrawUnlinked(practice, to, actor);
    List<Long> made =
        database.queryForList(
            """
            insert into verdicts (practice_id, patient_id, member_id, verdict, actor, reason, at)
            select v.practice_id, v.patient_id, ?, v.verdict, v.actor, v.reason, v.at
            from verdicts v
            where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null
              and case when v.verdict = 'SAME'
                    then exists (select 1 from links l where l.practice_id = v.practice_id
                                   and l.patient_id = v.patient_id and l.member_id = ?
                                   and l.ended_at is null)
                    else not exists (select 1 from links l where l.practice_id = v.practice_id
                                       and l.patient_id = v.patient_id and l.member_id = ?
                                       and l.ended_at is null) end
            on conflict (practice_id, patient_id, member_id) where withdrawn_at is null do nothing
            returning id""",
            Long.class,
            to,
            practice,
            from,
            to,
            to);
    withdraw(practice, standingOf(practice, from), actor);
    return made;
  }

  private void withdrawUnlinked(int practice, long member, String actor) {
    withdraw(
        practice,
        database.queryForList(
            """
            select v.id from verdicts v
            where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null
              and v.verdict = 'SAME'
              and not exists (select 1 from links l where l.practice_id = v.practice_id
                                and l.patient_id = v.patient_id and l.member_id = v.member_id
                                and l.ended_at is null)""",
            Long.class,
            practice,
            member),
        actor);
  }

  /**
   * Puts back what stood about two members before they were merged. What was said since of the one
   * that they were: that two are not one stays, and of both; that two are one is of either, so it
   * is withdrawn.
   *
   * @param before ids of what stood then
   * @param made ids of what the merge made
   */
  void restore(
      int practice,
      long survivor,
      long merged,
      Collection<Long> before,
      Collection<Long> made,
      String actor) {
    long[] then = Links.array(before);
    withdraw(
        practice,
        database.queryForList(
            """
            select v.id from verdicts v
            where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null
              and v.id <> all (?)
              and (v.verdict = 'SAME' or v.id = any (?)
                   or exists (select 1 from verdicts o where o.practice_id = v.practice_id
                                and o.id = any (?) and o.patient_id = v.patient_id
                                and o.member_id = v.member_id))""",
            Long.class,
            practice,
            survivor,
            then,
            Links.array(made),
            then),
        actor);
    database.update(
        """
        update verdicts v set withdrawn_at = null, withdrawn_by = null
        where v.practice_id = ? and v.id = any (?)
          and (v.verdict = 'NOT_SAME'
               or not exists (select 1 from links l where l.practice_id = v.practice_id
                                and l.patient_id = v.patient_id and l.ended_at is null
                                and l.member_id <> v.member_id))""",
        practice,
        then);
    database.update(
        """
        insert into verdicts (practice_id, patient_id, member_id, verdict, actor, reason, at)
        select v.practice_id, v.patient_id, ?, v.verdict, v.actor, v.reason, v.at from verdicts v
        where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null and v.id <> all (?)
          and not exists (select 1 from links l where l.practice_id = v.practice_id
                            and l.patient_id = v.patient_id and l.member_id = ?
                            and l.ended_at is null)
        on conflict (practice_id, patient_id, member_id) where withdrawn_at is null do nothing""",
        merged,
        practice,
        survivor,
        then,
        merged);
    // A link that is back outweighs what was said of the one that they were.
    withdraw(
        practice,
        database.queryForList(
            """
            select v.id from verdicts v
            where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null
              and v.verdict = 'NOT_SAME'
              and exists (select 1 from links l where l.practice_id = v.practice_id
                            and l.patient_id = v.patient_id and l.member_id = v.member_id
                            and l.ended_at is null)""",
            Long.class,
            practice,
            survivor),
        actor);
  }

  private void withdraw(int practice, Collection<Long> verdicts, String actor) {
    database.update(
        """
        update verdicts set withdrawn_at = now(), withdrawn_by = ?
        where practice_id = ? and id = any (?) and withdrawn_at is null""",
        actor,
        practice,
        Links.array(verdicts));
  }

  /** Whether what stands about a chart and a member was decided by this person. */
  public boolean isBy(int practice, long chart, long member, String actor) {
    return Boolean.TRUE.equals(
        database.queryForObject(
            """
            select exists (select 1 from verdicts where practice_id = ? and patient_id = ?
                             and member_id = ? and withdrawn_at is null and actor = ?)""",
            Boolean.class,
            practice,
            chart,
            member,
            actor));
  }

  /**
   * What somebody has decided about a chart and a member, and what stands.
   *
   * @param chart its number here
   */
  public record Decided(
      long chart,
      String source,
      String sourceId,
      Verdict verdict,
      String actor,
      String reason,
      Instant at) {}

  /** What stands about a member, newest first. */
  public List<Decided> of(String practice, long member) {
    return database.query(
        """
        select v.patient_id, p.source, p.source_id, v.verdict, v.actor, v.reason, v.at
        from verdicts v join patients p on p.practice_id = v.practice_id and p.id = v.patient_id
        where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null
        order by v.id desc""",
        (row, n) ->
            new Decided(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                Verdict.valueOf(row.getString(4)),
                row.getString(5),
                row.getString(6),
                row.getTimestamp(7).toInstant()),
        practices.id(practice),
        member);
  }

  /** What a person has decided about a chart and a member, with who and why; empty for nothing. */
  public String standing(int practice, long chart, long member) {
    return String.join(
        "; ",
        database.queryForList(
            """
            select case verdict when 'SAME' then 'the same person' else 'two people' end
                   || ', said ' || actor || ' on ' || at::date || ' (' || reason || ')'
            from verdicts where practice_id = ? and patient_id = ? and member_id = ?
              and withdrawn_at is null""",
            String.class,
            practice,
            chart,
            member));
  }

  /**
   * What stands about these charts and members, for matching charts of one PMS.
   *
   * @param source that PMS; {@code null} for charts of all, of which a member may have several
   */
  public Practice.Constraints constraints(
      int practice, @Nullable String source, Collection<Long> charts, Collection<Long> members) {
    Set<ChartAndMember> notTheSame = new HashSet<>();
    Map<Long, Long> chartOfMember = new HashMap<>();
    Map<Long, Long> memberOfChart = new HashMap<>();
    database.query(
        """
        select v.patient_id, v.member_id, v.verdict = 'SAME', p.source from verdicts v
        join patients p on p.practice_id = v.practice_id and p.id = v.patient_id
        where v.practice_id = ? and v.withdrawn_at is null
          and (v.member_id = any (?) or v.patient_id = any (?))""",
        row -> {
          long chart = row.getLong(1);
          long member = row.getLong(2);
          if (!row.getBoolean(3)) {
            notTheSame.add(new ChartAndMember(chart, member));
          } else if (source == null) {
            memberOfChart.put(chart, member);
          } else if (row.getString(4).equals(source)) {
            chartOfMember.put(member, chart);
            memberOfChart.put(chart, member);
          }
        },
        practice,
        Links.array(members),
        Links.array(charts));
    return new Practice.Constraints(notTheSame, chartOfMember, memberOfChart);
  }

  private long chart(int practice, String source, String sourceId) {
    List<Long> found =
        database.queryForList(
            """
            select id from patients where practice_id = ? and source = ? and source_id = ?
              and removed_at is null and merged_into is null for update""",
            Long.class,
            practice,
            source,
            sourceId);
    if (found.isEmpty()) {
      throw new IllegalArgumentException("there is no chart " + sourceId + " in " + source);
    }
    return found.get(0);
  }

  private long member(int practice, String memberNumber) {
    List<Long> found =
        database.queryForList(
            """
            select id from members where practice_id = ? and member_number = ?
              and status = 'ACTIVE' for update""",
            Long.class,
            practice,
            memberNumber);
    if (found.isEmpty()) {
      throw new IllegalArgumentException("there is no member " + memberNumber);
    }
    return found.get(0);
  }
}
