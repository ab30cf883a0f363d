package org.pmslink.membership;

import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * How charts stand: what is decided about each, the review that is open, and which of them wait to
 * be decided about again. Every method runs in the transaction of its caller.
 */
@Component
class ChartDecisions {
  /** Of more charts that share a key, the rest decides on other grounds. */
  private static final int MOST_NEIGHBOURS = 201;

  private final JdbcTemplate database;
  private final Duplicates duplicates;

  ChartDecisions(JdbcTemplate database, Duplicates duplicates) {
    this.database = database;
    this.duplicates = duplicates;
  }

  /**
   * What is decided about a chart.
   *
   * @param outcome LINKED, REVIEW or UNLINKED
   */
  record Outcome(long patientId, String outcome, String reason, String rulesVersion) {}

  /**
   * Keeps everybody else from deciding about these charts until the transaction ends. Call before
   * anything is read that a decision stands on, and with the members held already.
   *
   * @return up to when what is decided about each knew of every change, by the store's clock;
   *     charts about which rules or people have decided nothing are absent
   */
  Map<Long, Instant> hold(int practice, String source, List<Command> commands) {
    Map<Long, Instant> matchedAt = new HashMap<>();
    database.query(
        """
        select d.patient_id, d.matched_at from patients p
        join decisions d on d.practice_id = p.practice_id and d.patient_id = p.id
        where p.practice_id = ? and p.source = ? and p.source_id = any (?)
        order by d.patient_id for update of d""",
        row -> {
          Timestamp at = row.getTimestamp(2);
          if (at != null) {
            matchedAt.put(row.getLong(1), at.toInstant());
          }
        },
        practice,
        source,
        commands.stream().map(Command::sourceId).distinct().toArray(String[]::new));
    return matchedAt;
  }

  /** Files decisions that are taken now. */
  void settle(int practice, List<Outcome> outcomes) {
    settle(practice, outcomes, null);
  }

  /**
   * Files decisions; one that must be taken again on newer facts is marked so, and what was marked
   * since the store was read for a decision stays marked; also what was marked at the very moment
   * up to which the decision knows, which is when the oldest open transaction began.
   *
   * @param matchedAt up to when they know of every change; {@code null} for now
   */
  void settle(int practice, List<Outcome> outcomes, @Nullable Instant matchedAt) {
    if (outcomes.isEmpty()) {
      return;
    }
    Map<Long, Outcome> last = new HashMap<>();
    outcomes.forEach(o -> last.put(o.patientId(), o));
    Timestamp matched = matchedAt == null ? null : Timestamp.from(matchedAt);
    List<Outcome> rows =
        last.values().stream().sorted(Comparator.comparingLong(Outcome::patientId)).toList();
    database.update(
        """
        insert into decisions (practice_id, patient_id, outcome, reason, rules_version, matched_at,
                               stale_since)
        select ?, t.patient_id, t.outcome, t.reason, t.rules, coalesce(?, now()),
               case when t.reason in ('MEMBER_CHANGED', 'MEMBER_REMOVED') then now() end
        from unnest(?::bigint[], ?::text[], ?::text[], ?::text[])
             as t (patient_id, outcome, reason, rules)
        on conflict (practice_id, patient_id) do update
        set outcome = excluded.outcome, reason = excluded.reason,
            rules_version = excluded.rules_version, matched_at = excluded.matched_at,
            stale_since = case when decisions.stale_since >= ? then decisions.stale_since
                               else excluded.stale_since end,
            sent_at = null, decided_at = now()""",
        practice,
        matched,
        rows.stream().mapToLong(Outcome::patientId).toArray(),
        rows.stream().map(Outcome::outcome).toArray(String[]::new),
        rows.stream().map(Outcome::reason).toArray(String[]::new),
        rows.stream().map(Outcome::rulesVersion).toArray(String[]::new),
        matched);
  }

  /** Charts that no sweep will come by for any more: each without a decision waits for one. */
  void awaitDecision(int practice, String source, List<Command.Update> updates) {
    database.update(
        """
        insert into decisions (practice_id, patient_id, outcome, reason, rules_version, stale_since)
        select p.practice_id, p.id, 'UNLINKED', 'WAITING', '-', now() from patients p
        where p.practice_id = ? and p.source = ? and p.source_id = any (?)
        on conflict do nothing""",
        practice,
        source,
        updates.stream().map(Command.Update::sourceId).toArray(String[]::new));
  }

  /** Settles charts that can be nobody's, whatever was decided about them before. */
  void settleWithoutMatch(int practice, List<Long> patientIds, String reason) {
    List<Long> linked = linked(practice, patientIds);
    settle(
        practice,
        patientIds.stream()
            .map(id -> new Outcome(id, linked.contains(id) ? "LINKED" : "UNLINKED", reason, "-"))
            .toList());
    closeReviews(practice, patientIds.stream().filter(id -> !linked.contains(id)).toList());
  }

  private List<Long> linked(int practice, List<Long> patientIds) {
    return database.queryForList(
        """
        select patient_id from links
        where practice_id = ? and patient_id = any (?) and ended_at is null""",
        Long.class,
        practice,
        Links.array(patientIds));
  }

  /** Settles charts that were merged into others. */
  void settleMerged(int practice, List<Long> patientIds) {
    settle(
        practice,
        patientIds.stream().map(id -> new Outcome(id, "UNLINKED", "CHART_MERGED", "-")).toList());
    closeReviews(practice, patientIds);
  }

  /** Closes the reviews of charts that are in doubt no longer. */
  void closeReviews(int practice, List<Long> patientIds) {
    closeReviews(practice, patientIds, Links.RULE, "no longer in doubt");
  }

  void closeReviews(int practice, List<Long> patientIds, String actor, String reason) {
    if (!patientIds.isEmpty()) {
      database.update(
          """
          update reviews set closed_at = now(), closed_by = ?, close_reason = ?
          where practice_id = ? and patient_id = any (?) and closed_at is null""",
          actor,
          reason,
          practice,
          Links.array(patientIds));
    }
  }

  /** Opens the reviews of charts, or says anew why they are open. */
  void review(int practice, Map<Long, Command.Review> byChart) {
    List<Object[]> rows = new ArrayList<>();
    byChart.forEach(
        (chart, review) ->
            rows.add(
                new Object[] {
                  practice,
                  chart,
                  review.reason(),
                  RecordJson.write(review.candidates()),
                  review.rulesVersion()
                }));
    database.batchUpdate(
        """
        insert into reviews (practice_id, patient_id, reason, candidates, rules_version)
        values (?, ?, ?, ?::jsonb, ?)
        on conflict (practice_id, patient_id) where closed_at is null do update
        set reason = excluded.reason, candidates = excluded.candidates,
            rules_version = excluded.rules_version, updated_at = now()""",
        rows);
  }

  /** The same for one chart, with members that no rule has compared it with. */
  void review(int practice, long chart, String reason, List<Long> memberIds) {
    database.update(
        """
        insert into reviews (practice_id, patient_id, reason, candidates, rules_version)
        select ?, ?, ?, jsonb_agg(jsonb_build_object('memberNumber', member_number)), '-'
        from members where practice_id = ? and id = any (?)
        on conflict (practice_id, patient_id) where closed_at is null do update
        set reason = excluded.reason, candidates = excluded.candidates, updated_at = now()""",
        practice,
        chart,
        reason,
        practice,
        Links.array(memberIds));
  }

  /** Has charts decided about again, whatever is decided about them. */
  void decideAgain(int practice, List<Long> patientIds) {
    database.update(
        """
        insert into decisions (practice_id, patient_id, outcome, reason, rules_version, stale_since)
        select ?, unnest(?::bigint[]), 'UNLINKED', 'WAITING', '-', now()
        on conflict (practice_id, patient_id) do update
        set stale_since = now(), sent_at = null""",
        practice,
        Links.array(patientIds));
  }

  /**
   * Decides again about charts that were found unlike the members that people have linked them to,
   * and have changed these members since: what was compared is no more. Without it, the doubt would
   * outlive the mistake in a chart that was mended.
   */
  void decideDriftAgain(int practice, Set<Long> charts) {
    if (!charts.isEmpty()) {
      database.update(
          """
          update decisions set stale_since = now(), sent_at = null
          where practice_id = ? and patient_id = any (?) and outcome = 'LINKED' and reason = ?""",
          practice,
          Links.array(charts),
          Links.LINK_DRIFTED);
    }
  }

  /** Decides again about charts, and about whoever is like them. */
  void lookAgain(int practice, List<Long> charts) {
    decideAgain(practice, charts);
    decideNeighboursAgain(practice, charts);
  }

  /** Decides again about charts that are like these. */
  void decideNeighboursAgain(int practice, List<Long> charts) {
    decideNeighboursAgain(practice, Links.array(charts), keysOf(practice, charts));
  }

  private long[] keysOf(int practice, List<Long> patientIds) {
    return database
        .queryForList(
            """
            select distinct unnest(blocking_keys) from patients
            where practice_id = ? and id = any (?)""",
            Long.class,
            practice,
            Links.array(patientIds))
        .stream()
        .mapToLong(key -> key)
        .toArray();
  }

  /**
   * Decides again about charts that are filed under one of these keys: those linked or in review,
   * and those that nobody was quite like.
   */
  void decideNeighboursAgain(int practice, long[] butNot, long[] keys) {
    database.update(
        """
        update decisions set stale_since = now(), sent_at = null
        where practice_id = ? and (stale_since is null or sent_at is not null)
          and (outcome <> 'UNLINKED' or reason = 'NONE_SIMILAR')
          and patient_id <> all (?) and patient_id = any (array(
            select k.patient_id
            from (select distinct unnest(?::bigint[]) as key) s
            cross join lateral (
              select b.patient_id from patient_blocking_keys b
              where b.practice_id = ? and b.key = s.key limit ?) k))""",
        practice,
        butNot,
        keys,
        practice,
        MOST_NEIGHBOURS);
  }

  /** Takes charts out of the blocking keys: they are nobody's candidates any more. */
  void unfile(int practice, List<Long> patientIds) {
    if (patientIds.isEmpty()) {
      return;
    }
    decideNeighboursAgain(practice, patientIds);
    duplicates.lookFor(practice, Duplicates.Kind.CHART, patientIds);
    database.update(
        """
        delete from patient_blocking_keys k
        using (select p.id, unnest(p.blocking_keys) as key from patients p
               where p.practice_id = ? and p.id = any (?)) filed
        where k.practice_id = ? and k.key = filed.key and k.patient_id = filed.id""",
        practice,
        Links.array(patientIds),
        practice);
    database.update(
        """
        update patients set blocking_keys = '{}'
        where practice_id = ? and id = any (?) and blocking_keys <> '{}'""",
        practice,
        Links.array(patientIds));
  }
}
