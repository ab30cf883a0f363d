package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Member.Field;
import org.pmslink.patient.SearchWords;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** Members as staff look for them, with their links and what became of both. */
@Component
public class MemberHistory {
  /** Events, or links, of a member that are shown at most. */
  public static final int LONGEST_HISTORY = 200;

  private static final String STANDING =
      "select 1 from links k where k.practice_id = m.practice_id and k.member_id = m.id"
          + " and k.ended_at is null";

  private final JdbcTemplate database;
  private final Practices practices;
  private final Words words;

  MemberHistory(JdbcTemplate database, Practices practices, Words words) {
    this.database = database;
    this.practices = practices;
    this.words = words;
  }

  /**
   * A line of a list of members.
   *
   * @param linked whether there is a link to a chart of any PMS
   * @param flagged whether a link of theirs wants verification
   */
  public record Listed(
      String memberNumber,
      @Nullable String family,
      @Nullable String given,
      @Nullable String birthDate,
      boolean removed,
      boolean linked,
      boolean flagged) {}

  /** Which members a list shows. */
  public enum Which {
    ALL(""),
    LINKED("and exists (" + STANDING + ")"),
    UNLINKED("and m.status = 'ACTIVE' and not exists (" + STANDING + ")"),
    FLAGGED("and exists (" + STANDING + " and k.flag_reason is not null)");

    private final String condition;

    Which(String condition) {
      this.condition = condition;
    }
  }

  /**
   * Members by name.
   *
   * @param typed as in {@link PatientDirectory#search}, with member numbers; empty for everybody
   * @param after number of the last member of the page before; empty for the first page
   */
  public List<Listed> list(String practice, String typed, Which which, String after, int limit) {
    int practiceId = practices.id(practice);
    List<SearchWords.Term> terms = SearchWords.typed(typed);
    List<Object> values = new ArrayList<>(List.of(practiceId, after));
    String from = "members";
    if (!terms.isEmpty()) {
      // First those of the words, and these in order: few of a practice, whatever the planner
      // thinks.
      from = "(select * from members where practice_id = ? and words @@ ?::tsquery offset 0)";
      values.addAll(0, List.of(practiceId, words.query(practiceId, terms)));
    }
    values.add(limit);
    return database.query(
        """
        select m.member_number, m.family, m.given, m.birth_date, m.status <> 'ACTIVE',
               l.links > 0, l.flagged
        from %s m
        cross join lateral (
          select count(*) as links, coalesce(bool_or(flag_reason is not null), false) as flagged
          from links where practice_id = m.practice_id and member_id = m.id and ended_at is null) l
        where m.practice_id = ? and m.member_number > ? %s
        order by m.member_number limit ?"""
            .formatted(from, which.condition),
        (row, n) ->
            new Listed(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getBoolean(5),
                row.getBoolean(6),
                row.getBoolean(7)),
        values.toArray());
  }

  /**
   * A link of a member, standing or ended.
   *
   * @param madeBy {@code rule}, or the person who made or verified it
   */
  public record Link(
      long id,
      String source,
      String sourceId,
      String madeBy,
      Instant madeAt,
      String reason,
      @Nullable String grade,
      @Nullable Double score,
      @Nullable String flagReason,
      @Nullable Instant flaggedAt,
      @Nullable Instant endedAt,
      @Nullable String endedBy,
      @Nullable String endReason) {

    /** Whether it holds now. */
    public boolean stands() {
      return endedAt == null;
    }
  }

  /** Links of a member: the standing ones first, then the newest. */
  public List<Link> links(String practice, Member member) {
    return database.query(
        """
        select l.id, l.source, p.source_id, l.made_by, l.made_at, l.reason, l.grade, l.score,
               l.flag_reason, l.flagged_at, l.ended_at, l.ended_by, l.end_reason
        from links l join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        where l.practice_id = ? and l.member_id = ?
        order by l.ended_at is not null, l.id desc limit ?""",
        MemberHistory::link,
        practices.id(practice),
        member.id(),
        LONGEST_HISTORY);
  }

  /** A link with the member whose it is. */
  public record OfMember(String member, Link link) {

    /** Whom links are about, as the audit names them. */
    public static List<String> names(List<OfMember> links) {
      return links.stream()
          .flatMap(l -> Stream.of(l.member(), l.link().source() + "/" + l.link().sourceId()))
          .toList();
    }
  }

  /**
   * Links of all members of a practice that stand, in the order in which they were made.
   *
   * @param after id of the last one that was seen; 0 for none
   */
  public List<OfMember> standing(String practice, long after, int most) {
    return database.query(
        """
        select l.id, l.source, p.source_id, l.made_by, l.made_at, l.reason, l.grade, l.score,
               l.flag_reason, l.flagged_at, l.ended_at, l.ended_by, l.end_reason, m.member_number
        from links l join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        join members m on m.practice_id = l.practice_id and m.id = l.member_id
        where l.practice_id = ? and l.ended_at is null and l.id > ? order by l.id limit ?""",
        (row, n) -> new OfMember(row.getString(14), link(row, n)),
        practices.id(practice),
        after,
        most);
  }

  /**
   * Where the value of a field comes from.
   *
   * @param chart that a feed filled it from, with its PMS before a slash; {@code null} when
   *     somebody typed it
   */
  public record Origin(String actor, Instant at, @Nullable String chart) {}

  /**
   * Where fields that were ever changed have their values from; the others came with the member.
   */
  public Map<Field, Origin> origins(String practice, Member member) {
    Map<Field, Origin> origins = new EnumMap<>(Field.class);
    database.query(
        """
        select distinct on (c.field) c.field, c.actor, c.at, p.source || '/' || p.source_id
        from member_changes c
        left join patients p on p.practice_id = c.practice_id and p.id = c.patient_id
        where c.practice_id = ? and c.member_id = ? order by c.field, c.id desc""",
        row -> {
          origins.put(
              Field.valueOf(row.getString(1)),
              new Origin(row.getString(2), row.getTimestamp(3).toInstant(), row.getString(4)));
        },
        practices.id(practice),
        member.id());
    return origins;
  }

  /**
   * How somebody became a member.
   *
   * @param chart of whom, with its PMS before a slash; {@code null} without one
   * @param left fields that the actor left as the chart says; what else there was then, they typed
   */
  public record Added(String actor, Instant at, @Nullable String chart, Set<Field> left) {
    public Added {
      left = Set.copyOf(left);
    }

    /** Where a field has its value from that nobody has changed since. */
    public Origin origin(Field field) {
      return new Origin(actor, at, left.contains(field) ? chart : null);
    }
  }

  /**
   * Where the values come from that nobody has changed since.
   *
   * @return empty for a member who came with a file
   */
  public Optional<Added> added(String practice, Member member) {
    return database
        .query(
            """
            select e.actor, e.at, c.chart, coalesce(e.from_chart, '')
            from member_events e
            left join lateral (
              select p.source || '/' || p.source_id as chart
              from links l join link_changes m on m.practice_id = l.practice_id and m.link_id = l.id
              join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
              where l.practice_id = e.practice_id and l.member_id = e.member_id
                and m.action = 'MADE' and m.at = e.at
              limit 1) c on true
            where e.practice_id = ? and e.member_id = ? and e.action = 'ADDED'
            order by e.id limit 1""",
            (row, n) ->
                new Added(
                    row.getString(1),
                    row.getTimestamp(2).toInstant(),
                    row.getString(3),
                    fields(row.getString(4))),
            practices.id(practice),
            member.id())
        .stream()
        .findFirst();
  }

  private static Set<Field> fields(String names) {
    return Arrays.stream(names.split(" "))
        .filter(name -> !name.isEmpty())
        .map(Field::valueOf)
        .collect(Collectors.toUnmodifiableSet());
  }

  /** What something happened to. */
  public enum Kind {
    FIELD,
    LINK,
    PLAN,
    MEMBER
  }

  /**
   * Something that happened to a member, or to one that was merged into it.
   *
   * @param id unique among those of a kind
   * @param what {@code CHANGED} for a field, else what became of the link, the plan or the member
   * @param about the field, the chart of the link, the plan, or the other member; empty for none
   * @param before the field's former value, the member's former status, or the names of the fields
   *     that were locked
   */
  public record Event(
      long id,
      Instant at,
      String actor,
      Kind kind,
      String what,
      String about,
      @Nullable String before,
      @Nullable String after,
      @Nullable String reason) {}

  /** What happened, newest first. */
  public List<Event> events(String practice, Member member) {
    int practiceId = practices.id(practice);
    return database.query(
        """
        with recursive who (id) as (
          select ?::bigint
          union
          select g.merged_id from member_merges g join who on who.id = g.survivor_id
          where g.practice_id = ? and g.undone_at is null)
        select at, actor, kind, what, about, before, after, reason, id from (
          select at, actor, 'FIELD' as kind, 'CHANGED' as what, field as about, before, after,
                 reason, id
          from member_changes where practice_id = ? and member_id in (select id from who)
          union all
          select c.at, c.actor, 'LINK', c.action, l.source || '/' || p.source_id, null, null,
                 c.reason, c.id
          from links l
          join link_changes c on c.practice_id = l.practice_id and c.link_id = l.id
          join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
          where l.practice_id = ? and l.member_id in (select id from who)
          union all
          select c.at, c.actor, 'PLAN', c.action, p.name, null, null, c.reason, c.id
          from memberships s
          join membership_changes c on c.practice_id = s.practice_id and c.membership_id = s.id
          join plans p on p.practice_id = s.practice_id and p.id = s.plan_id
          where s.practice_id = ? and s.member_id in (select id from who)
          union all
          select at, actor, 'MEMBER', action, '', before, after, reason, id
          from member_events where practice_id = ? and member_id in (select id from who)
          union all
          select case when t.undone then g.undone_at else g.at end,
                 case when t.undone then g.undone_by else g.actor end, 'MEMBER',
                 case when t.undone then 'TAKEN_APART' else 'MERGED' end,
                 o.member_number, null, null,
                 case when t.undone then g.undo_reason else g.reason end, g.id
          from member_merges g
          cross join (values (false), (true)) as t (undone)
          join members o on o.practice_id = g.practice_id
                        and o.id = case when g.survivor_id = ? then g.merged_id else g.survivor_id end
          where g.practice_id = ? and ? in (g.survivor_id, g.merged_id)
            and (not t.undone or g.undone_at is not null)) e
        order by at desc, kind, id desc limit ?""",
        (row, n) ->
            new Event(
                row.getLong(9),
                row.getTimestamp(1).toInstant(),
                row.getString(2),
                Kind.valueOf(row.getString(3)),
                row.getString(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                row.getString(8)),
        member.id(),
        practiceId,
        practiceId,
        practiceId,
        practiceId,
        practiceId,
        member.id(),
        practiceId,
        member.id(),
        LONGEST_HISTORY);
  }

  /** Since when the member is in the store. */
  public Optional<Instant> since(String practice, Member member) {
    return database
        .queryForList(
            "select created_at from members where practice_id = ? and id = ?",
            Timestamp.class,
            practices.id(practice),
            member.id())
        .stream()
        .findFirst()
        .map(Timestamp::toInstant);
  }

  private static Link link(ResultSet row, int n) throws SQLException {
    double score = row.getDouble(8);
    boolean scored = !row.wasNull();
    return new Link(
        row.getLong(1),
        row.getString(2),
        row.getString(3),
        row.getString(4),
        row.getTimestamp(5).toInstant(),
        row.getString(6),
        row.getString(7),
        scored ? score : null,
        row.getString(9),
        instant(row.getTimestamp(10)),
        instant(row.getTimestamp(11)),
        row.getString(12),
        row.getString(13));
  }

  private static @Nullable Instant instant(@Nullable Timestamp at) {
    return at == null ? null : at.toInstant();
  }
}
