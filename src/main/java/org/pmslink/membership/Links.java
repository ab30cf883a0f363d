package org.pmslink.membership;

import java.sql.Timestamp;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Links between charts and members, with every change of one: who, when, why, and what was before.
 * Who may change them, and what follows, is for those who call. Every method runs in their
 * transaction.
 */
@Component
class Links {
  static final String RULE = "rule";

  /** The chart of a link is not like its member. */
  static final String LINK_DRIFTED = ReviewReason.LINK_DRIFTED.name();

  /** Two members, one person: only a person can tell which membership goes on. */
  static final String BOTH_LINKED = "MERGED_BOTH_LINKED";

  /**
   * The PMS took back the merge by which the link came here: only a person can tell whose it is.
   */
  static final String MERGE_TAKEN_BACK = "MERGE_TAKEN_BACK";

  private final JdbcTemplate database;

  Links(JdbcTemplate database) {
    this.database = database;
  }

  /** Of who a chart is of, as it is stored. */
  String fingerprintOf(int practice, long chart) {
    String record =
        database.queryForObject(
            "select record from patients where practice_id = ? and id = ?",
            String.class,
            practice,
            chart);
    return RecordJson.read(Objects.requireNonNull(record), PatientRecord.class)
        .person()
        .fingerprint();
  }

  /**
   * Links charts to the members that rules found for them.
   *
   * @param wanted by chart
   * @param byNumber their members, locked
   * @return the charts that were linked; the others' chart or member has a link already
   */
  Set<Long> make(
      int practice, String source, Map<Long, Command.Link> wanted, Map<String, Member> byNumber) {
    if (wanted.isEmpty()) {
      return Set.of();
    }
    List<Command.Link> links = List.copyOf(wanted.values());
    return Set.copyOf(
        database.queryForList(
            """
            with made as (
              insert into links (practice_id, source, patient_id, member_id, made_by, reason,
                                 grade, score, runner_up, explanation, ground, rules_version)
              select ?, ?, t.patient_id, t.member_id, ?, 'CERTAIN', t.grade, t.score,
                     t.runner_up::json, t.explanation::json, t.ground::json, t.rules
              from unnest(?::bigint[], ?::bigint[], ?::text[], ?::float8[], ?::text[], ?::text[],
                          ?::text[], ?::text[])
                   as t (patient_id, member_id, grade, score, runner_up, explanation, ground,
                         rules)
              on conflict do nothing
              returning id, patient_id),
            kept as (
              insert into link_changes (practice_id, link_id, action, actor, reason)
              select ?, id, 'MADE', ?, 'CERTAIN' from made)
            select patient_id from made""",
            Long.class,
            practice,
            source,
            RULE,
            array(wanted.keySet()),
            links.stream()
                .mapToLong(l -> Objects.requireNonNull(byNumber.get(l.memberNumber())).id())
                .toArray(),
            links.stream().map(l -> l.comparison().grade().name()).toArray(String[]::new),
            links.stream().mapToDouble(l -> l.comparison().score()).toArray(),
            links.stream()
                .map(l -> l.runnerUp() == null ? null : RecordJson.write(l.runnerUp()))
                .toArray(String[]::new),
            links.stream().map(l -> RecordJson.write(l.comparison())).toArray(String[]::new),
            links.stream().map(l -> RecordJson.write(l.ground())).toArray(String[]::new),
            links.stream().map(Command.Link::rulesVersion).toArray(String[]::new),
            practice,
            RULE));
  }

  /** Flags the links of these charts for verification; a flag that is up stays as it is. */
  void flag(int practice, List<Long> patientIds, String reason) {
    if (patientIds.isEmpty()) {
      return;
    }
    // What no rule takes away again is said in the place of what a rule might.
    boolean over = reason.equals(MERGE_TAKEN_BACK);
    database.update(
        """
        with flagged as (
          update links set flag_reason = ?, flagged_at = now()
          where practice_id = ? and patient_id = any (?) and ended_at is null
            and (flag_reason is null or (? and flag_reason <> ?))
          returning id)
        insert into link_changes (practice_id, link_id, action, actor, reason)
        select ?, id, 'FLAGGED', ?, ? from flagged""",
        reason,
        practice,
        array(patientIds),
        over,
        reason,
        practice,
        RULE,
        reason);
  }

  /** Takes down a flag of rules, if there is one. */
  void unflag(int practice, long link, @Nullable String flag, String reason) {
    if (flag == null) {
      return;
    }
    database.update(
        "update links set flag_reason = null, flagged_at = null where practice_id = ? and id = ?",
        practice,
        link);
    change(
        practice, link, "UNFLAGGED", RULE, reason, RecordJson.write(Map.of("flag_reason", flag)));
  }

  /** Ends a link that stands. */
  void end(int practice, long linkId, String actor, String reason) {
    String before = snapshot(practice, linkId);
    database.update(
        """
        update links set ended_at = now(), ended_by = ?, end_reason = ?
        where practice_id = ? and id = ? and ended_at is null""",
        actor,
        reason,
        practice,
        linkId);
    change(practice, linkId, "ENDED", actor, reason, before);
  }

  /** A link as it is, for {@link #change}. */
  @Nullable String snapshot(int practice, long linkId) {
    return database.queryForObject(
        """
        select jsonb_build_object('patient_id', patient_id, 'member_id', member_id,
                 'made_by', made_by, 'made_at', made_at, 'flag_reason', flag_reason,
                 'seen_person', seen_person)::text
        from links where practice_id = ? and id = ?""",
        String.class,
        practice,
        linkId);
  }

  /**
   * Notes a change of a link.
   *
   * @param before as {@link #snapshot} had it; {@code null} for one that was not
   */
  void change(
      int practice,
      long linkId,
      String action,
      String actor,
      String reason,
      @Nullable String before) {
    database.update(
        """
        insert into link_changes (practice_id, link_id, action, actor, reason, before)
        values (?, ?, ?, ?, ?, ?::jsonb)""",
        practice,
        linkId,
        action,
        actor,
        reason,
        before);
  }

  /**
   * A link with the evidence of another, which has ended: to another chart, or to another member.
   */
  private long copy(
      int practice,
      long link,
      @Nullable Long chart,
      @Nullable Long member,
      String actor,
      String reason) {
    Long made =
        database.queryForObject(
            """
            insert into links (practice_id, source, patient_id, member_id, made_by, made_at, reason,
                               grade, score, runner_up, explanation, ground, rules_version,
                               seen_person, flag_reason, flagged_at)
            select practice_id, source, coalesce(?, patient_id), coalesce(?, member_id), made_by,
                   made_at, ?, grade, score, runner_up, explanation, ground, rules_version,
                   seen_person, case when kept then flag_reason end, case when kept then flagged_at end
            from (select *, ? or flag_reason not like 'CHART\\_%' as kept from links) l
            where practice_id = ? and id = ? returning id""",
            Long.class, chart, member, reason, member != null, practice, link);
    long id = made == null ? 0 : made;
    change(practice, id, "MOVED", actor, reason, snapshot(practice, link));
    return id;
  }

  /** Moves a link to the chart that its own was merged into; returns the link there. */
  long move(int practice, long link, long survivor) {
    endMerged(practice, link);
    return copy(practice, link, survivor, null, RULE, "CHART_MERGED");
  }

  /** Ends the link of a merged chart. */
  void endMerged(int practice, long link) {
    end(practice, link, RULE, "CHART_MERGED");
  }

  /**
   * A link as it is before members are merged.
   *
   * @param chartVersion the version of the chart then
   */
  record Standing(
      long id,
      String source,
      long chart,
      long chartVersion,
      String madeBy,
      @Nullable String seenPerson,
      @Nullable String flagReason,
      @Nullable Instant flaggedAt) {}

  /** The links that a member has, locked for writing. */
  List<Standing> standing(int practice, long member) {
    return database.query(
        """
        select l.id, l.source, l.patient_id, p.version, l.made_by, l.seen_person, l.flag_reason,
               l.flagged_at
        from links l join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        where l.practice_id = ? and l.member_id = ? and l.ended_at is null
        order by l.id for update of l""",
        (row, n) ->
            new Standing(
                row.getLong(1),
                row.getString(2),
                row.getLong(3),
                row.getLong(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                row.getTimestamp(8) == null ? null : row.getTimestamp(8).toInstant()),
        practice,
        member);
  }

  /** Gives a link to the member that its own was merged into; their evidence goes with it. */
  void give(int practice, Standing link, long member, String actor, String reason) {
    end(practice, link.id(), actor, reason);
    copy(practice, link.id(), null, member, actor, reason);
  }

  /**
   * Puts a link back as it was; its member has no other in that PMS.
   *
   * @param now the link that its chart has instead: what its flag says of the chart stays true
   * @return false when the chart is gone, or another member's by now
   */
  boolean restore(
      int practice, Standing link, @Nullable Standing now, String actor, String reason) {
    boolean chartLeft =
        now != null && now.flagReason() != null && now.flagReason().startsWith("CHART_");
    Standing flagged = chartLeft && now != null ? now : link;
    String before = snapshot(practice, link.id());
    int restored =
        database.update(
            """
            update links l set ended_at = null, ended_by = null, end_reason = null, made_by = ?,
              seen_person = ?, flag_reason = ?, flagged_at = ?
            where l.practice_id = ? and l.id = ?
              and exists (select 1 from patients p where p.practice_id = l.practice_id
                            and p.id = l.patient_id and p.removed_at is null
                            and p.merged_into is null)
              and not exists (select 1 from links o where o.patient_id = l.patient_id
                                and o.ended_at is null and o.id <> l.id)""",
            link.madeBy(),
            link.seenPerson(),
            flagged.flagReason(),
            flagged.flaggedAt() == null ? null : Timestamp.from(flagged.flaggedAt()),
            practice,
            link.id());
    if (restored == 1) {
      change(practice, link.id(), "RESTORED", actor, reason, before);
    }
    return restored == 1;
  }

  /** Those of these charts whose data have changed since then. */
  List<Long> changedSince(int practice, Collection<Standing> links) {
    return database.queryForList(
        """
        select p.id from patients p
        join unnest(?::bigint[], ?::bigint[]) as t (id, version) on t.id = p.id
        where p.practice_id = ? and p.version > t.version""",
        Long.class,
        links.stream().mapToLong(Standing::chart).toArray(),
        links.stream().mapToLong(Standing::chartVersion).toArray(),
        practice);
  }

  /**
   * A number between those of the changes of links before and those after, for whoever has the
   * practice alone; times are those at which transactions began, before they waited for their turn.
   */
  long changesUpToHere() {
    return Objects.requireNonNull(
        database.queryForObject(
            "select nextval(pg_get_serial_sequence('link_changes', 'id'))", Long.class));
  }

  /** Numbers as the driver takes them. */
  static long[] array(Collection<Long> numbers) {
    return numbers.stream().mapToLong(i -> i).toArray();
  }
}
