package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SearchWords;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** The charts of a practice as staff look for them: by what they type, or by chart. */
@Component
public class PatientDirectory {
  /** Charts that are looked at before they are sorted; whoever types more sees the right ones. */
  private static final int MOST_LOOKED_AT = 500;

  /** A family is shown as far as a household goes. */
  private static final int LARGEST_FAMILY = 20;

  private static final String FOUND =
      """
      select p.id, p.source, p.source_id, p.status, p.record, p.first_seen_at, p.updated_at,
             p.removed_at, p.merged_into, m.member_number, l.flag_reason
      from %s p
      left join links l on l.practice_id = p.practice_id and l.patient_id = p.id
                       and l.ended_at is null
      left join members m on m.practice_id = l.practice_id and m.id = l.member_id
      """;

  private final JdbcTemplate database;
  private final Practices practices;
  private final Words words;

  PatientDirectory(JdbcTemplate database, Practices practices, Words words) {
    this.database = database;
    this.practices = practices;
    this.words = words;
  }

  /**
   * A chart as staff see it.
   *
   * @param memberNumber of the member that is linked to it; {@code null} for none
   * @param flagReason why that link wants verification
   */
  public record Found(
      long id,
      String source,
      String sourceId,
      PatientStatus status,
      PatientRecord record,
      Instant firstSeenAt,
      Instant updatedAt,
      @Nullable Instant removedAt,
      @Nullable String mergedInto,
      @Nullable String memberNumber,
      @Nullable String flagReason) {

    /** Its id in the PMS, with the source before a slash: as the audit names it. */
    public String name() {
      return source + "/" + sourceId;
    }
  }

  /**
   * What a search has come to.
   *
   * @param more whether there are more than were asked for
   */
  public record Result(List<Found> charts, boolean more) {}

  /**
   * Charts that have every word of what was typed, or of which a name differs in a letter or two:
   * active ones first, then by name.
   *
   * @param typed names or parts of them, postal code, telephone or its last digits, birth date,
   *     chart number, in any order
   * @param most charts at most
   */
  public Result search(String practice, String typed, int most) {
    List<SearchWords.Term> terms = SearchWords.typed(typed);
    if (terms.isEmpty()) {
      return new Result(List.of(), false);
    }
    int practiceId = practices.id(practice);
    List<Found> found =
        database.query(
            "with few as materialized (select * from patients where practice_id = ? and words @@"
                + " ?::tsquery and removed_at is null and merged_into is null limit ?) "
                + FOUND.formatted("few")
                + """
                order by p.status <> 'ACTIVE', lower(p.record #>> '{person,name,family}'),
                  lower(p.record #>> '{person,name,given}'), p.id limit ?""",
            PatientDirectory::found,
            practiceId,
            words.query(practiceId, terms),
            MOST_LOOKED_AT,
            most + 1);
    return found.size() <= most
        ? new Result(found, false)
        : new Result(List.copyOf(found.subList(0, most)), true);
  }

  /** One chart, by its id in the PMS; also one that is gone or merged. */
  public Optional<Found> find(String practice, String source, String sourceId) {
    return database
        .query(
            FOUND.formatted("patients")
                + "where p.practice_id = ? and p.source = ? and p.source_id = ?",
            PatientDirectory::found,
            practices.id(practice),
            source,
            sourceId)
        .stream()
        .findFirst();
  }

  /** The charts of these reviews, by the reviews' numbers. */
  public Map<Long, Found> of(String practice, List<Worklists.Review> reviews) {
    record Key(String source, String sourceId) {}
    Map<Key, Found> charts =
        database
            .query(
                FOUND.formatted("patients")
                    + """
                    where p.practice_id = ? and (p.source, p.source_id) in (
                      select unnest(?::text[]), unnest(?::text[]))""",
                PatientDirectory::found,
                practices.id(practice),
                reviews.stream().map(Worklists.Review::source).toArray(String[]::new),
                reviews.stream().map(Worklists.Review::sourceId).toArray(String[]::new))
            .stream()
            .collect(Collectors.toMap(c -> new Key(c.source(), c.sourceId()), c -> c));
    Map<Long, Found> found = new HashMap<>();
    for (Worklists.Review review : reviews) {
      Found chart = charts.get(new Key(review.source(), review.sourceId()));
      if (chart != null) {
        found.put(review.id(), chart);
      }
    }
    return found;
  }

  /** The same by its number here. */
  public Optional<Found> find(String practice, long id) {
    return database
        .query(
            FOUND.formatted("patients") + "where p.practice_id = ? and p.id = ?",
            PatientDirectory::found,
            practices.id(practice),
            id)
        .stream()
        .findFirst();
  }

  /**
   * All charts that are in use, in the order in which they were first seen.
   *
   * @param source only of this PMS installation, if any
   * @param after number here of the last one of the page before; 0 for the first page
   */
  public List<Found> list(String practice, @Nullable String source, long after, int limit) {
    return database.query(
        FOUND.formatted("patients")
            + """
            where p.practice_id = ? and p.id > ? and (?::text is null or p.source = ?)
              and p.removed_at is null and p.merged_into is null
            order by p.id limit ?""",
        PatientDirectory::found,
        practices.id(practice),
        after,
        source,
        source,
        limit);
  }

  /** Charts of the same household, without this one. */
  public List<Found> family(String practice, Found chart) {
    String guarantor = chart.record().person().guarantorId();
    if (guarantor == null) {
      return List.of();
    }
    int practiceId = practices.id(practice);
    return database.query(
        FOUND.formatted("patients")
            + """
            where p.practice_id = ? and p.source = ? and p.words @@ ?::tsquery and p.id <> ?
              and p.removed_at is null and p.merged_into is null
            order by p.record #>> '{person,birthDate}' limit ?""",
        PatientDirectory::found,
        practiceId,
        chart.source(),
        Words.query(practiceId, Words.household(guarantor)),
        chart.id(),
        LARGEST_FAMILY);
  }

  /**
   * The households of several charts: for each chart by its number, the others of the same, oldest
   * first.
   */
  public Map<Long, List<Found>> families(String practice, List<Found> charts) {
    int practiceId = practices.id(practice);
    Map<Long, List<Found>> families = new HashMap<>();
    String households =
        charts.stream()
            .map(chart -> chart.record().person().guarantorId())
            .filter(Objects::nonNull)
            .distinct()
            .map(guarantor -> Words.query(practiceId, Words.household(guarantor)))
            .collect(Collectors.joining(" | "));
    if (households.isEmpty()) {
      return families;
    }
    List<Found> people =
        database.query(
            "with few as materialized (select * from patients where practice_id = ? and words @@"
                + " ?::tsquery and removed_at is null and merged_into is null limit ?) "
                + FOUND.formatted("few")
                + " order by p.record #>> '{person,birthDate}', p.id",
            PatientDirectory::found,
            practiceId,
            households,
            MOST_LOOKED_AT);
    for (Found chart : charts) {
      String guarantor = chart.record().person().guarantorId();
      families.put(
          chart.id(),
          people.stream()
              .filter(
                  other ->
                      guarantor != null
                          && other.id() != chart.id()
                          && other.source().equals(chart.source())
                          && guarantor.equals(other.record().person().guarantorId()))
              .limit(LARGEST_FAMILY)
              .toList());
    }
    return families;
  }

  private static Found found(ResultSet row, int n) throws SQLException {
    java.sql.Timestamp removed = row.getTimestamp(8);
    return new Found(
        row.getLong(1),
        row.getString(2),
        row.getString(3),
        PatientStatus.valueOf(row.getString(4)),
        RecordJson.read(row.getString(5), PatientRecord.class),
        row.getTimestamp(6).toInstant(),
        row.getTimestamp(7).toInstant(),
        removed == null ? null : removed.toInstant(),
        row.getString(9),
        row.getString(10),
        row.getString(11));
  }
}
