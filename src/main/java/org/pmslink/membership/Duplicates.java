package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison;
import org.pmslink.matching.Decision.Match;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowMapper;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Charts of a practice that are probably one person, and members that are. A finding is for people:
 * nothing is merged by itself. It closes by itself when the two are no longer alike, or one of them
 * is gone; when a person has told them apart it never opens again.
 */
@Component
public class Duplicates {
  private final JdbcTemplate database;
  private final Practices practices;

  Duplicates(JdbcTemplate database, Practices practices) {
    this.database = database;
    this.practices = practices;
  }

  /** Of which kind two records are. */
  public enum Kind {
    CHART,
    MEMBER
  }

  /** Two records of one kind, the smaller id first. */
  public record Two(long one, long other) {
    /** In whichever order they come. */
    public static Two of(long a, long b) {
      return new Two(Math.min(a, b), Math.max(a, b));
    }
  }

  /** What a list says of two records. */
  public sealed interface Pair permits Finding, ToldApart {
    /** Id of a chart in the PMS, with the source before a slash, or member number. */
    String one();

    /** The same of the other. */
    String other();

    /** Whom a list is about, as the audit names them. */
    static List<String> names(List<? extends Pair> pairs) {
      return pairs.stream().flatMap(pair -> Stream.of(pair.one(), pair.other())).toList();
    }
  }

  /** Two of a list, with who they are. */
  public record WithPeople<T extends Pair>(T pair, TwoPeople people) {}

  /**
   * A finding that is open.
   *
   * @param one id in the PMS, with the source before a slash, or member number
   * @param score in bits
   */
  public record Finding(
      long id, Kind kind, String one, String other, String grade, double score, Instant foundAt)
      implements Pair {}

  /** Asks to look for duplicates of records that came, changed or went. */
  void lookFor(int practice, Kind kind, Collection<Long> ids) {
    if (!ids.isEmpty()) {
      database.update(
          """
          insert into duplicates_to_look_for (practice_id, kind, record_id)
          select ?, ?, t.id from unnest(?::bigint[]) as t (id) order by t.id
          on conflict do nothing""",
          practice,
          kind.name(),
          Links.array(ids));
    }
  }

  /**
   * Takes a page of records whose duplicates are to be looked for: all of them one after the other
   * when that was never done with these rules, and from then on those that changed. Stays locked
   * until the transaction ends; empty when nothing waits or somebody else is at it.
   */
  public List<Long> take(int practice, Kind kind, String rulesVersion, int limit) {
    database.update(
        """
        insert into duplicate_sweeps (practice_id, kind, rules_version) values (?, ?, '')
        on conflict do nothing""",
        practice,
        kind.name());
    record Standing(String rulesVersion, long after, boolean done) {}
    List<Standing> sweeps =
        database.query(
            """
            select rules_version, after_id, done_at is not null from duplicate_sweeps
            where practice_id = ? and kind = ? for update skip locked""",
            (row, n) -> new Standing(row.getString(1), row.getLong(2), row.getBoolean(3)),
            practice,
            kind.name());
    if (sweeps.isEmpty()) {
      return List.of();
    }
    Standing sweep = sweeps.get(0);
    boolean anew = !sweep.rulesVersion().equals(rulesVersion);
    if (anew) {
      // All of them are looked at now, whatever waits.
      database.update(
          "delete from duplicates_to_look_for where practice_id = ? and kind = ?",
          practice,
          kind.name());
    } else if (sweep.done()) {
      return database.queryForList(
          """
          delete from duplicates_to_look_for
          where practice_id = ? and kind = ? and record_id in (
            select record_id from duplicates_to_look_for
            where practice_id = ? and kind = ? order by record_id limit ?)
          returning record_id""",
          Long.class,
          practice,
          kind.name(),
          practice,
          kind.name(),
          limit);
    }
    long after = anew ? 0 : sweep.after();
    List<Long> page =
        database.queryForList(
            kind == Kind.CHART
                ? "select id from patients where practice_id = ? and id > ? order by id limit ?"
                : "select id from members where practice_id = ? and id > ? order by id limit ?",
            Long.class,
            practice,
            after,
            limit);
    database.update(
        """
        update duplicate_sweeps
        set rules_version = ?, after_id = ?, done_at = case when ? then now() end
        where practice_id = ? and kind = ?""",
        rulesVersion,
        page.isEmpty() ? after : page.get(page.size() - 1),
        page.size() < limit,
        practice,
        kind.name());
    return page;
  }

  /** Whether nothing waits to be looked at. */
  public boolean isComplete(int practice, Kind kind) {
    return Boolean.TRUE.equals(
        database.queryForObject(
            """
            select exists (select 1 from duplicate_sweeps
                           where practice_id = ? and kind = ? and done_at is not null)
              and not exists (select 1 from duplicates_to_look_for
                              where practice_id = ? and kind = ?)""",
            Boolean.class,
            practice,
            kind.name(),
            practice,
            kind.name()));
  }

  /** Which pairs with these records a person has told apart. */
  public Set<Two> toldApart(int practice, Kind kind, Collection<Long> ids) {
    return new HashSet<>(
        database.query(
            """
            select one, other from duplicates
            where practice_id = ? and kind = ? and (one = any (?) or other = any (?))
              and closed_by <> ?""",
            (row, n) -> new Two(row.getLong(1), row.getLong(2)),
            practice,
            kind.name(),
            Links.array(ids),
            Links.array(ids),
            Links.RULE));
  }

  /**
   * Files what was found for these records; what was found before and is no longer, closes.
   *
   * @param found for each of the records that has any, its duplicates
   */
  public void file(
      int practice,
      Kind kind,
      Collection<Long> ids,
      Map<Long, List<Match>> found,
      String rulesVersion) {
    Set<Two> pairs = new HashSet<>();
    List<Object[]> rows = new ArrayList<>();
    found.forEach(
        (id, matches) -> {
          for (Match match : matches) {
            Two two = Two.of(id, match.candidateId());
            if (pairs.add(two)) {
              rows.add(
                  new Object[] {
                    practice,
                    kind.name(),
                    two.one(),
                    two.other(),
                    match.comparison().grade().name(),
                    match.comparison().score(),
                    RecordJson.write(match.comparison()),
                    rulesVersion
                  });
            }
          }
        });
    database.update(
        """
        update duplicates d set closed_at = now(), closed_by = ?, close_reason = 'no longer alike'
        where d.practice_id = ? and d.kind = ? and d.closed_at is null
          and (d.one = any (?) or d.other = any (?))
          and not exists (select 1 from unnest(?::bigint[], ?::bigint[]) as t (one, other)
                          where t.one = d.one and t.other = d.other)""",
        Links.RULE,
        practice,
        kind.name(),
        Links.array(ids),
        Links.array(ids),
        pairs.stream().mapToLong(Two::one).toArray(),
        pairs.stream().mapToLong(Two::other).toArray());
    database.batchUpdate(
        """
        insert into duplicates as d (practice_id, kind, one, other, grade, score, explanation,
                                     rules_version)
        values (?, ?, ?, ?, ?, ?, ?::json, ?)
        on conflict (practice_id, kind, one, other) do update
        set grade = excluded.grade, score = excluded.score, explanation = excluded.explanation,
            rules_version = excluded.rules_version, closed_at = null, closed_by = null,
            close_reason = null
        where d.closed_by is null or d.closed_by = 'rule'""",
        rows);
  }

  /**
   * A person says that the two of a finding are two people.
   *
   * @return false when there is no such finding that is open
   */
  @Transactional
  public boolean tellApart(String practice, long finding, String actor, String reason) {
    return database.update(
            """
            update duplicates set closed_at = now(), closed_by = ?, close_reason = ?
            where practice_id = ? and id = ? and closed_at is null""",
            actor,
            reason,
            practices.id(practice),
            finding)
        == 1;
  }

  /**
   * Two that a person has told apart, as it stands.
   *
   * @param one id in the PMS, with the source before a slash, or member number
   */
  public record ToldApart(
      long id, Kind kind, String one, String other, Instant at, String by, String reason)
      implements Pair {}

  /**
   * Those that people have told apart, what was found last in front.
   *
   * @param after id of the last one that was seen, told apart or not by now; 0 for none
   */
  public List<ToldApart> toldApart(String practice, long after, int limit) {
    return toldApart(practice, after, limit, "", (row, n) -> readToldApart(row));
  }

  /** The same with who they are. */
  public List<WithPeople<ToldApart>> toldApartWithPeople(String practice, long after, int limit) {
    return toldApart(
        practice,
        after,
        limit,
        PEOPLE,
        (row, n) -> new WithPeople<>(readToldApart(row), readPeople(row)));
  }

  private <T> List<T> toldApart(
      String practice, long after, int limit, String columns, RowMapper<T> reader) {
    return database.query(
        """
        select d.id, d.kind, d.closed_at, d.closed_by, d.close_reason,
               coalesce(p.source || '/' || p.source_id, m.member_number),
               coalesce(q.source || '/' || q.source_id, n.member_number)
        """
            + columns
            + SIDES
            + """
            where d.practice_id = ? and d.closed_by <> 'rule'
              and (? = 0 or d.id < ?)
            order by d.id desc limit ?""",
        reader,
        practices.id(practice),
        after,
        after,
        limit);
  }

  private static ToldApart readToldApart(ResultSet row) throws SQLException {
    return new ToldApart(
        row.getLong(1),
        Kind.valueOf(row.getString(2)),
        row.getString(6),
        row.getString(7),
        row.getTimestamp(3).toInstant(),
        row.getString(4),
        row.getString(5));
  }

  /** Who has told the two of a finding apart, as it stands. */
  public Optional<String> toldApartBy(String practice, long finding) {
    return database
        .queryForList(
            """
            select closed_by from duplicates
            where practice_id = ? and id = ? and closed_by is not null and closed_by <> ?""",
            String.class,
            practices.id(practice),
            finding,
            Links.RULE)
        .stream()
        .findFirst();
  }

  /**
   * Nobody has told the two of a finding apart any more: it is open again, and rules look at the
   * two anew, who may be alike no longer.
   *
   * @return false when nobody had
   */
  @Transactional
  public boolean takeBack(String practice, long finding) {
    int id = practices.id(practice);
    record Opened(Kind kind, Two two) {}
    List<Opened> opened =
        database.query(
            """
            update duplicates set closed_at = null, closed_by = null, close_reason = null
            where practice_id = ? and id = ? and closed_by is not null and closed_by <> ?
            returning kind, one, other""",
            (row, n) ->
                new Opened(Kind.valueOf(row.getString(1)), new Two(row.getLong(2), row.getLong(3))),
            id,
            finding,
            Links.RULE);
    opened.forEach(one -> lookFor(id, one.kind(), List.of(one.two().one(), one.two().other())));
    return !opened.isEmpty();
  }

  /**
   * One of the two of a finding.
   *
   * @param source the PMS of a chart; empty for a member
   * @param id the chart's id there, or the member's number
   */
  public record Side(String source, String id) {}

  /** A finding with what was found. */
  public record Found(long id, Kind kind, Side one, Side other, Comparison comparison) {}

  /** A finding that is open. */
  public Optional<Found> find(String practice, long finding) {
    return found("d.id = ?", practice, finding);
  }

  /** The open finding of two members. */
  public Optional<Found> ofMembers(String practice, Member a, Member b) {
    Two two = Two.of(a.id(), b.id());
    return found(
        "d.kind = 'MEMBER' and d.one = ? and d.other = ?", practice, two.one(), two.other());
  }

  private Optional<Found> found(String which, String practice, Object... values) {
    List<Object> all = new ArrayList<>();
    all.add(practices.id(practice));
    all.addAll(List.of(values));
    return database
        .query(
            "select d.id, d.kind, coalesce(p.source, ''), coalesce(p.source_id, m.member_number),"
                + " coalesce(q.source, ''), coalesce(q.source_id, n.member_number), d.explanation"
                + SIDES
                + " where d.practice_id = ? and d.closed_at is null and "
                + which,
            (row, n) ->
                new Found(
                    row.getLong(1),
                    Kind.valueOf(row.getString(2)),
                    new Side(row.getString(3), row.getString(4)),
                    new Side(row.getString(5), row.getString(6)),
                    RecordJson.read(row.getString(7), Comparison.class)),
            all.toArray())
        .stream()
        .findFirst();
  }

  private static final String SIDES =
      """
       from duplicates d
      left join patients p on d.kind = 'CHART' and p.practice_id = d.practice_id and p.id = d.one
      left join patients q on d.kind = 'CHART' and q.practice_id = d.practice_id and q.id = d.other
      left join members m on d.kind = 'MEMBER' and m.practice_id = d.practice_id and m.id = d.one
      left join members n on d.kind = 'MEMBER' and n.practice_id = d.practice_id and n.id = d.other
      """;

  private static final String PEOPLE =
      """
      , coalesce(p.record::text, m.person::text) as one_is,
      coalesce(q.record::text, n.person::text) as other_is
      """;

  private static TwoPeople readPeople(ResultSet row) throws SQLException {
    Kind kind = Kind.valueOf(row.getString("kind"));
    return new TwoPeople(
        person(kind, row.getString("one_is")), person(kind, row.getString("other_is")));
  }

  private static Person person(Kind kind, String stored) {
    return kind == Kind.CHART
        ? RecordJson.read(stored, PatientRecord.class).person()
        : RecordJson.read(stored, Person.class);
  }

  /** Open findings, most certain first. */
  public List<Finding> open(String practice, int limit) {
    return open(practice, null, 0, limit);
  }

  /**
   * The same, page by page.
   *
   * @param kind {@code null} for both
   * @param after id of the last one that was seen, open or not by now; 0 for none
   */
  public List<Finding> open(String practice, @Nullable Kind kind, long after, int limit) {
    return mostCertain(practice, kind, after, limit, "", (row, n) -> readFinding(row));
  }

  /** The same with who they are. */
  public List<WithPeople<Finding>> openWithPeople(
      String practice, @Nullable Kind kind, long after, int limit) {
    return mostCertain(
        practice,
        kind,
        after,
        limit,
        PEOPLE,
        (row, n) -> new WithPeople<>(readFinding(row), readPeople(row)));
  }

  private <T> List<T> mostCertain(
      String practice,
      @Nullable Kind kind,
      long after,
      int limit,
      String columns,
      RowMapper<T> reader) {
    int id = practices.id(practice);
    return open(
        columns,
        """
        and (? = 0 or (d.grade, -d.score, d.id) >
                      (select seen.grade, -seen.score, seen.id from duplicates seen
                       where seen.practice_id = ? and seen.id = ?))
        order by d.grade, d.score desc, d.id limit ?""",
        reader,
        id,
        kind,
        after,
        id,
        after,
        limit);
  }

  /** Those behind the one with this id, in the order in which they were first found. */
  public List<Finding> openAsFound(String practice, @Nullable Kind kind, long after, int limit) {
    return open(
        "",
        "and d.id > ? order by d.id limit ?",
        (row, n) -> readFinding(row),
        practices.id(practice),
        kind,
        after,
        limit);
  }

  /** How many findings of each kind are open. */
  public Map<Kind, Long> openByKind(String practice) {
    Map<Kind, Long> counts = new EnumMap<>(Kind.class);
    database.query(
        """
        select kind, count(*) from duplicates where practice_id = ? and closed_at is null
        group by kind""",
        row -> {
          counts.put(Kind.valueOf(row.getString(1)), row.getLong(2));
        },
        practices.id(practice));
    return counts;
  }

  private <T> List<T> open(
      String columns,
      String which,
      RowMapper<T> reader,
      int practice,
      @Nullable Kind kind,
      Object... values) {
    List<Object> all = new ArrayList<>();
    all.add(practice);
    all.add(kind == null ? null : kind.name());
    all.add(kind == null ? null : kind.name());
    all.addAll(List.of(values));
    return database.query(
        """
        select d.id, d.kind, d.grade, d.score, d.found_at,
               coalesce(p.source || '/' || p.source_id, m.member_number),
               coalesce(q.source || '/' || q.source_id, n.member_number)
        """
            + columns
            + SIDES
            + """
            where d.practice_id = ? and d.closed_at is null and (?::text is null or d.kind = ?)
            """
            + which,
        reader,
        all.toArray());
  }

  private static Finding readFinding(ResultSet row) throws SQLException {
    return new Finding(
        row.getLong(1),
        Kind.valueOf(row.getString(2)),
        row.getString(6),
        row.getString(7),
        row.getString(3),
        row.getDouble(4),
        row.getTimestamp(5).toInstant());
  }
}
