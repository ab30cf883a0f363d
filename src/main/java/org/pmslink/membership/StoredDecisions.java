package org.pmslink.membership;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** What was decided about a chart and a member, with what it stood on; for explaining it. */
@Component
public class StoredDecisions {
  private final JdbcTemplate database;

  StoredDecisions(JdbcTemplate database) {
    this.database = database;
  }

  /**
   * What is decided about a chart.
   *
   * @param outcome LINKED, REVIEW or UNLINKED
   * @param waiting whether it waits to be decided again
   */
  public record Standing(
      String outcome, String reason, String rulesVersion, Instant decidedAt, boolean waiting) {}

  /**
   * What is kept of a chart and one member.
   *
   * @param what in words, for example {@code linked}
   * @param by who did it: {@code rule}, or a person
   * @param comparison none when a person linked what no rule had compared
   */
  public record Kept(
      String what,
      String by,
      String reason,
      Instant at,
      @Nullable String flag,
      String rulesVersion,
      @Nullable Comparison comparison,
      Command.@Nullable Ground ground,
      Command.@Nullable RunnerUp runnerUp) {}

  /** The decision that stands about a chart. */
  public Optional<Standing> standing(int practice, long chart) {
    return database
        .query(
            """
            select outcome, reason, rules_version, decided_at, stale_since is not null
            from decisions where practice_id = ? and patient_id = ?""",
            (row, n) ->
                new Standing(
                    row.getString(1),
                    row.getString(2),
                    row.getString(3),
                    row.getTimestamp(4).toInstant(),
                    row.getBoolean(5)),
            practice,
            chart)
        .stream()
        .findFirst();
  }

  /** Links of a chart to a member, newest first, and the open review that shows the member. */
  public List<Kept> kept(int practice, long chart, long member, String memberNumber) {
    List<Kept> kept =
        database.query(
            """
            select case when ended_at is null then 'linked'
                        else 'linked, ended ' || ended_at::date || ' by ' || ended_by || ' ('
                             || end_reason || ')' end,
                   made_by, reason, made_at, flag_reason, rules_version, explanation, ground,
                   runner_up
            from links where practice_id = ? and patient_id = ? and member_id = ?
            order by id desc""",
            (row, n) ->
                new Kept(
                    row.getString(1),
                    row.getString(2),
                    row.getString(3),
                    row.getTimestamp(4).toInstant(),
                    row.getString(5),
                    row.getString(6),
                    read(row.getString(7), Comparison.class),
                    read(row.getString(8), Command.Ground.class),
                    read(row.getString(9), Command.RunnerUp.class)),
            practice,
            chart,
            member);
    kept.addAll(
        database.query(
            """
            select r.reason, r.updated_at, r.rules_version, c.candidate ->> 'comparison',
                   c.candidate ->> 'ground'
            from reviews r cross join lateral jsonb_array_elements(r.candidates) as c (candidate)
            where r.practice_id = ? and r.patient_id = ? and r.closed_at is null
              and c.candidate ->> 'memberNumber' = ?""",
            (row, n) ->
                new Kept(
                    "in review",
                    Links.RULE,
                    row.getString(1),
                    row.getTimestamp(2).toInstant(),
                    null,
                    row.getString(3),
                    read(row.getString(4), Comparison.class),
                    read(row.getString(5), Command.Ground.class),
                    null),
            practice,
            chart,
            memberNumber));
    return kept;
  }

  private static <T> @Nullable T read(@Nullable String json, Class<T> type) {
    return json == null ? null : RecordJson.read(json, type);
  }

  /** The rules of a version that a practice's decisions were made with. */
  public Optional<String> rules(int practice, String version) {
    return database
        .queryForList(
            "select rules from matching_rules where practice_id = ? and version = ?",
            String.class,
            practice,
            version)
        .stream()
        .findFirst();
  }

  /**
   * How a chart stands, for comparing with how it would.
   *
   * @param linkedTo number of the member it is linked to
   * @param byPerson whether a person made that link
   */
  public record Outcome(
      String sourceId,
      String outcome,
      String reason,
      @Nullable String linkedTo,
      boolean byPerson) {}

  /** How these charts stand; those without a decision are absent. */
  public List<Outcome> outcomes(int practice, long[] patientIds) {
    return database.query(
        """
        select p.source_id, d.outcome, d.reason, m.member_number,
               l.made_by is not null and l.made_by <> 'rule'
        from patients p
        join decisions d on d.practice_id = p.practice_id and d.patient_id = p.id
        left join links l on l.practice_id = p.practice_id and l.patient_id = p.id
                         and l.ended_at is null
        left join members m on m.practice_id = l.practice_id and m.id = l.member_id
        where p.practice_id = ? and p.id = any (?)""",
        (row, n) ->
            new Outcome(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getBoolean(5)),
        practice,
        patientIds);
  }
}
