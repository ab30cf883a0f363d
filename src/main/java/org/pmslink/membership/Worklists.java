package org.pmslink.membership;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** What waits for a person in a practice: reviews, flagged links, members without a chart. */
@Component
public class Worklists {
  private final JdbcTemplate database;
  private final Practices practices;

  Worklists(JdbcTemplate database, Practices practices) {
    this.database = database;
    this.practices = practices;
  }

  /** How much waits. */
  public record Counts(
      long reviews, long flagged, long unlinked, long duplicates, long members, long linked) {}

  /** How much waits in a practice, and how many members there are. */
  public Counts counts(String practice) {
    int id = practices.id(practice);
    return java.util.Objects.requireNonNull(
        database.queryForObject(
            """
            select (select count(*) from reviews where practice_id = ? and closed_at is null),
              (select count(*) from links where practice_id = ? and ended_at is null
                 and flag_reason is not null),
              (select count(*) from duplicates where practice_id = ? and closed_at is null),
              (select count(*) from members where practice_id = ? and status = 'ACTIVE'),
              (select count(distinct l.member_id) from links l
               join members m on m.practice_id = l.practice_id and m.id = l.member_id
               where l.practice_id = ? and l.ended_at is null and m.status = 'ACTIVE')""",
            (row, n) ->
                new Counts(
                    row.getLong(1),
                    row.getLong(2),
                    row.getLong(4) - row.getLong(5),
                    row.getLong(3),
                    row.getLong(4),
                    row.getLong(5)),
            id,
            id,
            id,
            id,
            id));
  }

  /**
   * A chart that rules could not decide about.
   *
   * @param reason why, for example AMBIGUOUS
   * @param candidates numbers of the members that it may be, best first
   */
  public record Review(
      long id,
      String source,
      String sourceId,
      String reason,
      Instant openedAt,
      List<String> candidates) {}

  /** Open reviews behind the one with this id, oldest first. */
  public List<Review> reviews(String practice, long after, int limit) {
    return database.query(
        REVIEW
            + "where r.practice_id = ? and r.closed_at is null and r.id > ? order by r.id limit ?",
        (row, n) -> review(row),
        practices.id(practice),
        after,
        limit);
  }

  /** One review, when it is open. */
  public Optional<Review> review(String practice, long id) {
    return database
        .query(
            REVIEW + "where r.practice_id = ? and r.closed_at is null and r.id = ?",
            (row, n) -> review(row),
            practices.id(practice),
            id)
        .stream()
        .findFirst();
  }

  /** The open review of a chart. */
  public Optional<Review> reviewOf(String practice, long chart) {
    return database
        .query(
            REVIEW + "where r.practice_id = ? and r.closed_at is null and r.patient_id = ?",
            (row, n) -> review(row),
            practices.id(practice),
            chart)
        .stream()
        .findFirst();
  }

  /** Open reviews in which a member is a candidate, best first for the member. */
  public List<Review> reviewsWith(String practice, String memberNumber) {
    return database.query(
        REVIEW
            + """
            where r.practice_id = ? and r.closed_at is null
              and r.candidates @> jsonb_build_array(jsonb_build_object('memberNumber', ?::text))
            order by r.id limit 20""",
        (row, n) -> review(row),
        practices.id(practice),
        memberNumber);
  }

  /**
   * A link that wants verification.
   *
   * @param id of the link
   * @param reason why it was flagged
   */
  public record Flagged(
      long id,
      String source,
      String sourceId,
      String memberNumber,
      String reason,
      @Nullable Instant flaggedAt) {}

  /** Links that want verification, those that were flagged first in front. */
  public List<Flagged> flagged(String practice, int limit) {
    return flagged(practice, "l.flagged_at, l.id", 0, limit);
  }

  /** The same behind the link with this id, in the order of their making. */
  public List<Flagged> flagged(String practice, long after, int limit) {
    return flagged(practice, "l.id", after, limit);
  }

  private List<Flagged> flagged(String practice, String order, long after, int limit) {
    return database.query(
        """
        select l.id, l.source, p.source_id, m.member_number, l.flag_reason, l.flagged_at
        from links l join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        join members m on m.practice_id = l.practice_id and m.id = l.member_id
        where l.practice_id = ? and l.ended_at is null and l.flag_reason is not null and l.id > ?
        order by\s"""
            + order
            + " limit ?",
        (row, n) ->
            new Flagged(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getTimestamp(6) == null ? null : row.getTimestamp(6).toInstant()),
        practices.id(practice),
        after,
        limit);
  }

  private static final String REVIEW =
      """
      select r.id, p.source, p.source_id, r.reason, r.opened_at, r.candidates
      from reviews r join patients p on p.practice_id = r.practice_id and p.id = r.patient_id
      """;

  private static Review review(java.sql.ResultSet row) throws java.sql.SQLException {
    List<String> candidates = new ArrayList<>();
    try {
      for (JsonNode candidate : RecordJson.mapper().readTree(row.getString(6))) {
        candidates.add(candidate.path("memberNumber").asText());
      }
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a stored review is not JSON", e);
    }
    return new Review(
        row.getLong(1),
        row.getString(2),
        row.getString(3),
        row.getString(4),
        row.getTimestamp(5).toInstant(),
        candidates);
  }
}
