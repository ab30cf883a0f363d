package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Practice;
import org.pmslink.matching.Practice.ChartAndMember;
import org.pmslink.membership.PatientDirectory.Found;
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
  private final LinksByPeople byPeople;

  Verdicts(
      JdbcTemplate database,
      Practices practices,
      PracticeLock lock,
      Links links,
      LinksByPeople byPeople) {
    this.database = database;
    this.practices = practices;
    this.lock = lock;
    this.links = links;
    this.byPeople = byPeople;
  }

  /** Why nothing is done on a chart that is not as somebody has seen it. */
  static final String CHART_CHANGED =
      "What the PMS says of the chart has changed meanwhile; look again.";

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
   * @return its id, by which it is taken back
   * @throws IllegalArgumentException when chart or member are not there, by number
   */
  @Transactional
  public long decide(
      String practice,
      String source,
      String sourceId,
      String memberNumber,
      Verdict verdict,
      String actor,
      String reason) {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    return decide(
        practiceId,
        source,
        chart(practiceId, source, sourceId),
        member(practiceId, memberNumber),
        verdict,
        actor,
        reason);
  }

  /**
   * What there is to see of a chart and a member: who the chart is of, with whom each of them is
   * linked, and what stands about the two. The same as long as it is so; shown with them, and given
   * back with what somebody decides on it.
   *
   * @param chart as it is shown
   */
  public String seen(String practice, Found chart, String memberNumber) {
    return seen(
        practice,
        chart.source(),
        chart.sourceId(),
        memberNumber,
        chart.record().person().fingerprint());
  }

  private String seen(
      String practice, String source, String sourceId, String memberNumber, String person) {
    List<String> facts =
        database.queryForList(
            """
            select 'chart-of-' || ?
            union all
            select 'chart-linked-' || l.id || '-' || l.made_by from patients p
            join links l on l.practice_id = p.practice_id and l.patient_id = p.id
                             and l.ended_at is null
            where p.practice_id = ? and p.source = ? and p.source_id = ?
            union all
            select 'member-linked-' || k.id || '-' || k.made_by from members m
            join links k on k.practice_id = m.practice_id and k.member_id = m.id
                        and k.source = ? and k.ended_at is null
            where m.practice_id = ? and m.member_number = ?
            union all
            select 'said-' || v.id from patients p
            join members m on m.practice_id = p.practice_id and m.member_number = ?
            join verdicts v on v.practice_id = p.practice_id and v.patient_id = p.id
                           and v.member_id = m.id and v.withdrawn_at is null
            where p.practice_id = ? and p.source = ? and p.source_id = ?""",
            String.class,
            person,
            practices.id(practice),
            source,
            sourceId,
            source,
            practices.id(practice),
            memberNumber,
            memberNumber,
            practices.id(practice),
            source,
            sourceId);
    return facts.stream().sorted().collect(Collectors.joining(" "));
  }

  /**
   * Keeps what a person has decided on what they have seen.
   *
   * @param seen what {@link #seen} gave
   * @return its id, as above
   * @throws RefusedException when it is not so any more: somebody else was quicker, or the PMS
   */
  @Transactional(rollbackFor = RefusedException.class)
  public long decide(
      String practice,
      String source,
      String sourceId,
      String memberNumber,
      Verdict verdict,
      String seen,
      String actor,
      String reason)
      throws RefusedException {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    String person = links.fingerprintOf(practiceId, chart(practiceId, source, sourceId));
    if (!List.of(seen.split(" ")).contains("chart-of-" + person)) {
      throw new RefusedException(CHART_CHANGED);
    }
    if (!seen.equals(seen(practice, source, sourceId, memberNumber, person))) {
      throw new RefusedException(
          "Somebody else, or a rule, has linked or told apart the chart or the member meanwhile;"
              + " look again.");
    }
    return decide(practice, source, sourceId, memberNumber, verdict, actor, reason);
  }

  private long decide(
      int practice,
      String source,
      long chart,
      long member,
      Verdict verdict,
      String actor,
      String reason) {
    List<Long> replaced = withdrawOthers(practice, source, chart, member, verdict, actor);
    long made =
        Objects.requireNonNull(
            database.queryForObject(
                """
                insert into verdicts (practice_id, patient_id, member_id, verdict, actor, reason,
                                      patient_version, member_version)
                select p.practice_id, p.id, m.id, ?, ?, ?, p.version, m.version
                from patients p join members m on m.practice_id = p.practice_id
                where p.practice_id = ? and p.id = ? and m.id = ? returning id""",
                Long.class,
                verdict.name(),
                actor,
                reason,
                practice,
                chart,
                member));
    List<Long> ended =
        verdict == Verdict.SAME
            ? byPeople.linkByPerson(practice, source, chart, member, actor, reason)
            : byPeople.separate(practice, chart, member, actor, reason);
    database.update(
        "update verdicts set replaced_by = ? where practice_id = ? and id = any (?)",
        made,
        practice,
        Links.array(replaced));
    database.update(
        "update verdicts set ended_links = ? where practice_id = ? and id = ?",
        ended.toArray(Long[]::new),
        practice,
        made);
    return made;
  }

  /**
   * Takes back what a person has decided, as if it had never been: a link that was made by it ends,
   * one that was verified by it is the rule's again, what it took the place of stands again, and
   * rules decide about the chart anew.
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
    return withdraw(
        practiceId,
        chart(practiceId, source, sourceId),
        member(practiceId, memberNumber),
        actor,
        reason);
  }

  /**
   * The same, as long as what stands about the two is what somebody has seen.
   *
   * @param verdict its id, as {@link #decide} gave it or {@link Decided} has it
   * @throws RefusedException when it has been taken back, or something else was said of them since
   */
  @Transactional(rollbackFor = RefusedException.class)
  public void withdraw(
      String practice,
      String source,
      String sourceId,
      String memberNumber,
      long verdict,
      String actor,
      String reason)
      throws RefusedException {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    long chart = chart(practiceId, source, sourceId);
    long member = member(practiceId, memberNumber);
    Optional<Decided> now = about(practiceId, chart, member);
    if (now.isEmpty()) {
      throw new RefusedException("Nothing is decided about the two any more; look again.");
    }
    if (now.get().id() != verdict) {
      throw new RefusedException.Changed(
          "Somebody has decided about the two since; look again before you take that back.");
    }
    withdraw(practiceId, chart, member, actor, reason);
  }

  private boolean withdraw(int practiceId, long chart, long member, String actor, String reason) {
    List<Long> withdrawn =
        database.queryForList(
            """
            update verdicts set withdrawn_at = now(), withdrawn_by = ?
            where practice_id = ? and patient_id = ? and member_id = ? and withdrawn_at is null
            returning id""",
            Long.class,
            actor,
            practiceId,
            chart,
            member);
    if (withdrawn.isEmpty()) {
      return false;
    }
    byPeople.takeBack(practiceId, chart, member, withdrawn.get(0), actor, reason);
    putBack(practiceId, withdrawn.get(0), actor, reason);
    return true;
  }

  /** What a verdict had taken the place of, as far as nothing else has since. */
  private void putBack(int practice, long verdict, String actor, String reason) {
    byPeople.putBack(
        practice,
        database.queryForList(
            "select unnest(ended_links) from verdicts where practice_id = ? and id = ?",
            Long.class,
            practice,
            verdict),
        actor,
        reason);
    database.update(
        """
        update verdicts v set withdrawn_at = null, withdrawn_by = null, replaced_by = null
        where v.practice_id = ? and v.replaced_by = ?
          and not exists (select 1 from verdicts o where o.practice_id = v.practice_id
                            and o.patient_id = v.patient_id and o.member_id = v.member_id
                            and o.withdrawn_at is null)
          and (v.verdict = 'SAME')
              = exists (select 1 from links l where l.practice_id = v.practice_id
                          and l.patient_id = v.patient_id and l.member_id = v.member_id
                          and l.ended_at is null)""",
        practice,
        verdict);
  }

  /** A new verdict takes the place of the one on this pair; one person has one chart in a PMS. */
  private List<Long> withdrawOthers(
      int practiceId, String source, long chart, long member, Verdict verdict, String actor) {
    return database.queryForList(
        """
        update verdicts v set withdrawn_at = now(), withdrawn_by = ?
        from patients p
        where v.practice_id = ? and v.withdrawn_at is null
          and p.practice_id = v.practice_id and p.id = v.patient_id
          and (v.patient_id = ? and v.member_id = ?
               or ? and v.verdict = 'SAME'
                  and (v.patient_id = ? or v.member_id = ? and p.source = ?))
        returning v.id""",
        Long.class,
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
    withdrawUntrue(practice, to, actor);
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

  /** One person that is not linked any more, and two that are. */
  private void withdrawUntrue(int practice, long member, String actor) {
    withdraw(
        practice,
        database.queryForList(
            """
            select v.id from verdicts v
            where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null
              and (v.verdict = 'SAME')
                  <> exists (select 1 from links l where l.practice_id = v.practice_id
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
    database.update(
        """
        insert into verdicts (practice_id, patient_id, member_id, verdict, actor, reason, at)
        select v.practice_id, v.patient_id, ?, v.verdict, v.actor, v.reason, v.at from verdicts v
        where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null
          and v.verdict = 'NOT_SAME' and v.id <> all (?) and v.id <> all (?)
          and not exists (select 1 from links l where l.practice_id = v.practice_id
                            and l.patient_id = v.patient_id and l.member_id = ?
                            and l.ended_at is null)
        on conflict (practice_id, patient_id, member_id) where withdrawn_at is null do nothing""",
        merged,
        practice,
        survivor,
        then,
        Links.array(made),
        merged);
    // What was true of the one that they were comes back with nothing that is taken back later.
    database.update(
        "update verdicts set replaced_by = null where practice_id = ? and id = any (?)",
        practice,
        Links.array(made));
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
          and not exists (select 1 from verdicts o where o.practice_id = v.practice_id
                            and o.patient_id = v.patient_id and o.member_id = v.member_id
                            and o.withdrawn_at is null)
          and (v.verdict = 'NOT_SAME'
               or not exists (select 1 from links l where l.practice_id = v.practice_id
                                and l.patient_id = v.patient_id and l.ended_at is null
                                and l.member_id <> v.member_id))""",
        practice,
        then);
  }

  /** Charts that somebody has told apart from a member, in other verdicts than these. */
  Set<Long> toldApartBesides(int practice, long member, Collection<Long> verdicts) {
    return Set.copyOf(
        database.queryForList(
            """
            select patient_id from verdicts where practice_id = ? and member_id = ?
              and verdict = 'NOT_SAME' and withdrawn_at is null and id <> all (?)""",
            Long.class,
            practice,
            member,
            Links.array(verdicts)));
  }

  /**
   * What people have said that speaks against two members being one: that a chart of the one is not
   * the other's, or that the two are two people; who, when, and why.
   */
  List<String> against(int practice, long one, long other) {
    return database.queryForList(
        """
        select 'member ' || m.member_number || ' is not chart ' || p.source_id || ', said '
               || v.actor || ' on ' || v.at::date || ' (' || v.reason || ')'
        from verdicts v
        join members m on m.practice_id = v.practice_id and m.id = v.member_id
        join patients p on p.practice_id = v.practice_id and p.id = v.patient_id
        where v.practice_id = ? and v.member_id = any (?) and v.withdrawn_at is null
          and v.verdict = 'NOT_SAME'
          and (exists (select 1 from links l where l.practice_id = v.practice_id
                         and l.patient_id = v.patient_id and l.ended_at is null
                         and l.member_id = any (?) and l.member_id <> v.member_id)
               or exists (select 1 from verdicts o where o.practice_id = v.practice_id
                            and o.patient_id = v.patient_id and o.withdrawn_at is null
                            and o.verdict = 'SAME' and o.member_id = any (?)))
        union all
        select 'they are two people, said ' || d.closed_by || ' on ' || d.closed_at::date || ' ('
               || d.close_reason || ')'
        from duplicates d where d.practice_id = ? and d.kind = 'MEMBER' and d.one = ? and d.other = ?
          and d.closed_at is not null and d.closed_by <> 'rule'""",
        String.class,
        practice,
        new Long[] {one, other},
        new Long[] {one, other},
        new Long[] {one, other},
        practice,
        Math.min(one, other),
        Math.max(one, other));
  }

  /**
   * Gives what people have said of a chart to the one that the PMS merged it into. What was said of
   * that one itself goes before, and a member has one chart in a PMS.
   */
  void followMerge(int practice, long loser, long survivor) {
    List<Long> said =
        database.queryForList(
            """
            select id from verdicts
            where practice_id = ? and patient_id = ? and withdrawn_at is null order by id""",
            Long.class,
            practice,
            loser);
    if (said.isEmpty()) {
      return;
    }
    withdraw(practice, said, Links.RULE);
    database.update(
        """
        insert into verdicts (practice_id, patient_id, member_id, verdict, actor, reason, at)
        select v.practice_id, ?, v.member_id, v.verdict, v.actor, v.reason, v.at from verdicts v
        where v.practice_id = ? and v.id = any (?)
          and (v.verdict = 'NOT_SAME'
               or not exists (
                 select 1 from verdicts o
                 join patients p on p.practice_id = o.practice_id and p.id = o.patient_id
                 join patients s on s.practice_id = o.practice_id and s.id = ?
                 where o.practice_id = v.practice_id and o.withdrawn_at is null
                   and o.verdict = 'SAME'
                   and (o.patient_id = s.id or o.member_id = v.member_id and p.source = s.source)))
        on conflict (practice_id, patient_id, member_id) where withdrawn_at is null do nothing""",
        survivor,
        practice,
        Links.array(said),
        survivor);
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

  /**
   * What somebody has decided about a chart and a member, and what stands.
   *
   * @param chart its number here
   * @param patientVersion version of the chart that it was decided on; {@code null} of a word that
   *     was said of another chart or member and went over to these
   * @param memberVersion likewise
   */
  public record Decided(
      long id,
      long chart,
      String source,
      String sourceId,
      Verdict verdict,
      String actor,
      String reason,
      Instant at,
      @Nullable Long patientVersion,
      @Nullable Long memberVersion) {
    private static Decided of(ResultSet row) throws SQLException {
      return new Decided(
          row.getLong(1),
          row.getLong(2),
          row.getString(3),
          row.getString(4),
          Verdict.valueOf(row.getString(5)),
          row.getString(6),
          row.getString(7),
          row.getTimestamp(8).toInstant(),
          row.getObject(9, Long.class),
          row.getObject(10, Long.class));
    }

    /**
     * With who and why, for whoever looks at the two.
     *
     * @param zone of the practice
     */
    public String words(ZoneId zone) {
      return (verdict == Verdict.SAME ? "the same person" : "two people")
          + ", said "
          + actor
          + " on "
          + LocalDate.ofInstant(at, zone)
          + " ("
          + reason
          + ")";
    }
  }

  private static final String STANDING =
      """
      select v.id, v.patient_id, p.source, p.source_id, v.verdict, v.actor, v.reason, v.at,
             v.patient_version, v.member_version
      from verdicts v join patients p on p.practice_id = v.practice_id and p.id = v.patient_id
      where v.practice_id = ? and v.member_id = ? and v.withdrawn_at is null""";

  /** What stands about a member, newest first. */
  public List<Decided> of(String practice, long member) {
    return database.query(
        STANDING + " order by v.id desc",
        (row, n) -> Decided.of(row),
        practices.id(practice),
        member);
  }

  /** What stands about a chart and a member: one verdict at most. */
  public Optional<Decided> about(int practice, long chart, long member) {
    return database
        .query(
            STANDING + " and v.patient_id = ?",
            (row, n) -> Decided.of(row),
            practice,
            member,
            chart)
        .stream()
        .findFirst();
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
        join members m on m.practice_id = v.practice_id and m.id = v.member_id
        where v.practice_id = ? and v.withdrawn_at is null
          and (v.verdict = 'NOT_SAME' or m.status = 'ACTIVE')
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

  /** A chart that is in use, or that a link still stands on. */
  private long chart(int practice, String source, String sourceId) {
    List<Long> found =
        database.queryForList(
            """
            select p.id from patients p
            where p.practice_id = ? and p.source = ? and p.source_id = ?
              and (p.removed_at is null and p.merged_into is null
                   or exists (select 1 from links l where l.practice_id = p.practice_id
                                and l.patient_id = p.id and l.ended_at is null))
            for update""",
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
