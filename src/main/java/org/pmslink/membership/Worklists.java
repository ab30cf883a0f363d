package org.pmslink.membership;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person;
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

  /** How much of it is of charts and links. */
  public record Waiting(long reviews, long flagged, long duplicates) {}

  /** The part of {@link #counts} that does not look at every member. */
  public Waiting waiting(String practice) {
    int id = practices.id(practice);
    return java.util.Objects.requireNonNull(
        database.queryForObject(
            """
            select (select count(*) from reviews where practice_id = ? and closed_at is null),
              (select count(*) from links where practice_id = ? and ended_at is null
                 and flag_reason is not null),
              (select count(*) from duplicates where practice_id = ? and closed_at is null)""",
            (row, n) -> new Waiting(row.getLong(1), row.getLong(2), row.getLong(3)),
            id,
            id,
            id));
  }

  /** How much waits in a practice, and how many members there are. */
  public Counts counts(String practice) {
    Waiting waiting = waiting(practice);
    return java.util.Objects.requireNonNull(
        database.queryForObject(
            """
            select count(*), count(*) filter (where exists (
                select from links l where l.practice_id = m.practice_id and l.member_id = m.id
                  and l.ended_at is null))
            from members m where m.practice_id = ? and m.status = 'ACTIVE'""",
            (row, n) ->
                new Counts(
                    waiting.reviews(),
                    waiting.flagged(),
                    row.getLong(1) - row.getLong(2),
                    waiting.duplicates(),
                    row.getLong(1),
                    row.getLong(2)),
            practices.id(practice)));
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
      List<String> candidates) {

    /** Whom reviews are about, as the audit names them: charts with the members they may be. */
    public static List<String> names(List<Review> reviews) {
      return reviews.stream()
          .flatMap(
              review ->
                  Stream.concat(
                      Stream.of(review.source() + "/" + review.sourceId()),
                      review.candidates().stream()))
          .toList();
    }
  }

  /** Open reviews behind the one with this id, oldest first. */
  public List<Review> reviews(String practice, long after, int limit) {
    return reviews(practice, null, after, limit);
  }

  /**
   * Those of one reason.
   *
   * @param reason {@code null} for any
   */
  public List<Review> reviews(String practice, @Nullable String reason, long after, int limit) {
    return database.query(
        REVIEW
            + """
            where r.practice_id = ? and r.closed_at is null and r.id > ?
              and (?::text is null or r.reason = ?) order by r.id limit ?""",
        (row, n) -> review(row),
        practices.id(practice),
        after,
        reason,
        reason,
        limit);
  }

  /** How many wait for one reason. */
  public record Reason(String reason, long count) {}

  /** Why charts wait, most frequent first. */
  public List<Reason> reviewReasons(String practice) {
    return database.query(
        """
        select reason, count(*) from reviews where practice_id = ? and closed_at is null
        group by reason order by 2 desc, 1""",
        (row, n) -> new Reason(row.getString(1), row.getLong(2)),
        practices.id(practice));
  }

  /** Why links are in doubt, most frequent first. */
  public List<Reason> flagReasons(String practice) {
    return database.query(
        """
        select flag_reason, count(*) from links
        where practice_id = ? and ended_at is null and flag_reason is not null
        group by flag_reason order by 2 desc, 1""",
        (row, n) -> new Reason(row.getString(1), row.getLong(2)),
        practices.id(practice));
  }

  /** Which of these charts wait in a review. */
  public Set<Long> inReview(String practice, List<Long> charts) {
    return Set.copyOf(
        database.queryForList(
            """
            select patient_id from reviews
            where practice_id = ? and closed_at is null and patient_id = any (?)""",
            Long.class,
            practices.id(practice),
            charts.toArray(Long[]::new)));
  }

  /**
   * A chart in review that a member may be the person of.
   *
   * @param review to look at the two
   */
  public record BestChart(String memberNumber, long review, PatientRecord chart) {}

  /** Why no chart waits that may be a member's. */
  public enum WhyNone {
    NOT_LOOKED_FOR_YET,
    TOO_LITTLE_KNOWN,
    NONE_FOUND;

    /** Of a row of members, called {@code m}. */
    static final String SQL =
        "case when m.matched_version < m.version then 'NOT_LOOKED_FOR_YET'"
            + " when cardinality(m.blocking_keys) = 0 then 'TOO_LITTLE_KNOWN'"
            + " else 'NONE_FOUND' end";
  }

  /** For members for whom no chart waits, by their numbers, why that is so. */
  public Map<String, WhyNone> whyNone(String practice, List<String> memberNumbers) {
    Map<String, WhyNone> why = new HashMap<>();
    database.query(
        "select m.member_number, "
            + WhyNone.SQL
            + " from members m where m.practice_id = ? and m.member_number = any (?)",
        row -> {
          why.put(row.getString(1), WhyNone.valueOf(row.getString(2)));
        },
        practices.id(practice),
        memberNumbers.toArray(String[]::new));
    return why;
  }

  /**
   * For members without a chart, the charts in review that may be theirs, a few for each, those
   * that are most like them first.
   */
  public Map<String, List<BestChart>> bestCharts(String practice, List<String> memberNumbers) {
    return database
        .query(
            """
            select m.number, r.id, p.record
            from unnest(?::text[]) as m (number) cross join lateral (
              select v.id, v.patient_id, (c.candidate #>> '{comparison,score}')::float8 as score
              from reviews v
              cross join lateral jsonb_array_elements(v.candidates) as c (candidate)
              where v.practice_id = ? and v.closed_at is null
                and v.candidates @> jsonb_build_array(jsonb_build_object('memberNumber', m.number))
                and c.candidate ->> 'memberNumber' = m.number
              order by score desc nulls last, v.id limit 3) r
            join patients p on p.practice_id = ? and p.id = r.patient_id
            order by r.score desc nulls last, r.id""",
            (row, n) ->
                new BestChart(
                    row.getString(1),
                    row.getLong(2),
                    RecordJson.read(row.getString(3), PatientRecord.class)),
            memberNumbers.toArray(String[]::new),
            practices.id(practice),
            practices.id(practice))
        .stream()
        .collect(Collectors.groupingBy(BestChart::memberNumber));
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
      @Nullable Instant flaggedAt) {

    /** Whom links are about, as the audit names them. */
    public static List<String> names(List<Flagged> links) {
      return links.stream()
          .flatMap(link -> Stream.of(link.source() + "/" + link.sourceId(), link.memberNumber()))
          .toList();
    }

    /** Where it stands in the list. */
    public Place place() {
      return new Place(flaggedAt == null ? Instant.EPOCH : flaggedAt, id);
    }
  }

  /**
   * Where a link that wants verification stands among them. It says the place itself, and not only
   * the link: whoever goes on from one that was verified meanwhile is still there.
   */
  public record Place(Instant flaggedAt, long id) {
    /** Before all of them. */
    public static final Place FIRST = new Place(Instant.EPOCH, 0);

    /** As addresses have it. */
    @Override
    public String toString() {
      return flaggedAt + "," + id;
    }

    /**
     * Reads what {@link #toString} wrote.
     *
     * @throws IllegalArgumentException when that is something else
     */
    public static Place of(String text) {
      String[] parts = text.split(",", 2);
      try {
        return new Place(Instant.parse(parts[0]), Long.parseLong(parts[parts.length - 1]));
      } catch (DateTimeParseException e) {
        throw new IllegalArgumentException("no place in the list", e);
      }
    }
  }

  /**
   * Links that want verification, those that were flagged first in front.
   *
   * @param reason {@code null} for any
   */
  public List<Flagged> flagged(String practice, @Nullable String reason, Place after, int limit) {
    return flagged(
        practice,
        reason,
        "and (l.flagged_at, l.id) > (?, ?) order by l.flagged_at, l.id limit ?",
        Timestamp.from(after.flaggedAt()),
        after.id(),
        limit);
  }

  /** All behind the link with this id, in the order of their making. */
  public List<Flagged> flaggedAsMade(
      String practice, @Nullable String reason, long after, int limit) {
    return flagged(practice, reason, "and l.id > ? order by l.id limit ?", after, limit);
  }

  /**
   * The flagged link of a member to a chart of a PMS.
   *
   * @param source {@code null} for the one of any that was flagged first
   */
  public Optional<Flagged> flaggedOf(
      String practice, String memberNumber, @Nullable String source) {
    return flagged(
            practice,
            null,
            "and m.member_number = ? and (?::text is null or l.source = ?)"
                + " order by l.flagged_at, l.id limit 1",
            memberNumber,
            source,
            source)
        .stream()
        .findFirst();
  }

  private List<Flagged> flagged(
      String practice, @Nullable String reason, String which, @Nullable Object... values) {
    List<@Nullable Object> all = new ArrayList<>();
    all.add(practices.id(practice));
    all.add(reason);
    all.add(reason);
    all.addAll(Arrays.asList(values));
    return database.query(
        """
        select l.id, l.source, p.source_id, m.member_number, l.flag_reason, l.flagged_at
        from links l join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        join members m on m.practice_id = l.practice_id and m.id = l.member_id
        where l.practice_id = ? and l.ended_at is null and l.flag_reason is not null
          and (?::text is null or l.flag_reason = ?)
        """
            + which,
        (row, n) ->
            new Flagged(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getTimestamp(6) == null ? null : row.getTimestamp(6).toInstant()),
        all.toArray());
  }

  /** Whose chart and which member each of these links joins, by the links' numbers. */
  public Map<Long, TwoPeople> people(String practice, List<Flagged> links) {
    Map<Long, TwoPeople> people = new HashMap<>();
    database.query(
        """
        select l.id, p.record, m.person
        from links l join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        join members m on m.practice_id = l.practice_id and m.id = l.member_id
        where l.practice_id = ? and l.id = any (?)""",
        row -> {
          people.put(
              row.getLong(1),
              new TwoPeople(
                  RecordJson.read(row.getString(2), PatientRecord.class).person(),
                  RecordJson.read(row.getString(3), Person.class)));
        },
        practices.id(practice),
        links.stream().map(Flagged::id).toArray(Long[]::new));
    return people;
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
