package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * What rules have left to people in a practice: charts in review with the members that they may be,
 * and members for whom no chart waits. Read page by page, so that a large practice is neither held
 * in memory nor in a transaction.
 */
@Component
public class LeftOver {
  private static final int PAGE = 500;

  /** Members of a review that a line is made of. */
  private static final int BEST = 3;

  private final JdbcTemplate database;
  private final Practices practices;

  LeftOver(JdbcTemplate database, Practices practices) {
    this.database = database;
    this.practices = practices;
  }

  /** A chart that waits. */
  public record Chart(String source, String sourceId, Person person) {}

  /** A member that is not linked, or that a chart may be. */
  public record Member(
      String number,
      String name,
      @Nullable String birthDate,
      @Nullable String phone,
      @Nullable String email) {}

  /**
   * One pair, or a chart or a member alone.
   *
   * @param reason of the review
   * @param grade of the two, with its score in bits
   * @param whyNone of a member alone: why no chart waits that may be theirs
   */
  public record Line(
      @Nullable Chart chart,
      @Nullable Member member,
      @Nullable String reason,
      @Nullable String grade,
      @Nullable Double score,
      Worklists.@Nullable WhyNone whyNone) {}

  private record Place<T>(T at, Line line) {}

  /** Hands over everything, oldest review first, then members by number. */
  public void of(String practice, Consumer<Line> each) {
    int id = practices.id(practice);
    Long review = 0L;
    while (review != null) {
      List<Place<Long>> page = reviews(id, review);
      page.forEach(place -> each.accept(place.line()));
      review = page.isEmpty() ? null : page.get(page.size() - 1).at();
    }
    String member = "";
    while (member != null) {
      List<Place<String>> page = members(id, member);
      page.forEach(place -> each.accept(place.line()));
      member = page.isEmpty() ? null : page.get(page.size() - 1).at();
    }
  }

  private List<Place<Long>> reviews(int practice, long after) {
    return database.query(
        """
        select r.id, r.reason, p.source, p.source_id, p.record, c.grade, c.score, m.member_number,
               m.given, m.family, m.birth_date, coalesce(m.phone_mobile, m.phone_home, m.phone_work),
               m.email
        from (select id, patient_id, reason, candidates from reviews
              where practice_id = ? and closed_at is null and id > ? order by id limit ?) r
        join patients p on p.practice_id = ? and p.id = r.patient_id
        left join lateral (
          select k.candidate ->> 'memberNumber' as number,
                 k.candidate #>> '{comparison,grade}' as grade,
                 (k.candidate #>> '{comparison,score}')::double precision as score, k.n
          from jsonb_array_elements(r.candidates) with ordinality as k (candidate, n)
          order by k.n limit ?) c on true
        left join members m on m.practice_id = ? and m.member_number = c.number
        order by r.id, c.n""",
        (row, n) ->
            new Place<>(
                row.getLong(1),
                new Line(
                    new Chart(
                        row.getString(3),
                        row.getString(4),
                        RecordJson.read(row.getString(5), PatientRecord.class).person()),
                    row.getString(8) == null ? null : member(row, 8),
                    row.getString(2),
                    row.getString(6),
                    (Double) row.getObject(7),
                    null)),
        practice,
        after,
        PAGE,
        practice,
        BEST,
        practice);
  }

  private List<Place<String>> members(int practice, String after) {
    return database.query(
        "select "
            + Worklists.WhyNone.SQL
            + """
        , m.member_number, m.given, m.family, m.birth_date,
               coalesce(m.phone_mobile, m.phone_home, m.phone_work), m.email
        from members m
        where m.practice_id = ? and m.status = 'ACTIVE' and m.member_number > ?
          and not exists (select 1 from links l where l.practice_id = m.practice_id
                            and l.member_id = m.id and l.ended_at is null)
          and not exists (
            select 1 from reviews r where r.practice_id = m.practice_id and r.closed_at is null
              and r.candidates @> jsonb_build_array(
                    jsonb_build_object('memberNumber', m.member_number)))
        order by m.member_number limit ?""",
        (row, n) ->
            new Place<>(
                row.getString(2),
                new Line(
                    null,
                    member(row, 2),
                    null,
                    null,
                    null,
                    Worklists.WhyNone.valueOf(row.getString(1)))),
        practice,
        after,
        PAGE);
  }

  private static Member member(ResultSet row, int from) throws SQLException {
    String given = row.getString(from + 1);
    String family = row.getString(from + 2);
    return new Member(
        row.getString(from),
        ((given == null ? "" : given) + " " + (family == null ? "" : family)).strip(),
        row.getString(from + 3),
        row.getString(from + 4),
        row.getString(from + 5));
  }
}
