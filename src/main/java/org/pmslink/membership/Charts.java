package org.pmslink.membership;

import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.Person;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** What matching reads of the store: whole batches at a time, never record by record. */
@Component
public class Charts {
  private final JdbcClient database;
  private final ActiveLinks activeLinks;

  Charts(JdbcClient database, ActiveLinks activeLinks) {
    this.database = database;
    this.activeLinks = activeLinks;
  }

  /**
   * What the store knows of a chart before its new version is matched.
   *
   * @param settled whether a decision stands
   */
  public record Known(
      long id,
      String sourceId,
      long version,
      String contentHash,
      @Nullable Instant sourceModifiedAt,
      boolean gone,
      boolean merged,
      boolean settled,
      @Nullable Linked link) {

    private Known with(boolean decided, @Nullable Linked linked) {
      return new Known(
          id, sourceId, version, contentHash, sourceModifiedAt, gone, merged, decided, linked);
    }
  }

  /**
   * The member that a chart is linked to.
   *
   * @param byPerson whether a person made the link, which no rule touches
   * @param seenPerson {@link Person#fingerprint} of the chart when that person last said so
   */
  public record Linked(
      long memberId, String memberNumber, boolean byPerson, @Nullable String seenPerson) {

    /** Whether a chart says of its person what it said when a person last looked at it. */
    public boolean isAsSeen(Person chart) {
      return chart.fingerprint().equals(seenPerson);
    }

    /** Whether it has the given name, suffix and birth date that it had then. */
    public boolean hasNameAsSeen(Person chart) {
      return seenPerson != null && chart.hasOwnNameOf(seenPerson);
    }
  }

  /** A stored chart to decide about. */
  public record Stored(
      long id, String sourceId, long version, boolean gone, boolean merged, PatientRecord record) {}

  /** A member as matching sees it. */
  public record MemberCandidate(long id, String memberNumber, long version, Person person) {}

  /** A chart as matching sees it. */
  public record ChartCandidate(
      long id, String source, String sourceId, PatientStatus status, Person person) {

    /** Its id in the PMS, with the source before a slash: as the audit names it. */
    public String name() {
      return source + "/" + sourceId;
    }
  }

  /** What is known of these charts, by source id; unknown ones are absent. */
  public Map<String, Known> known(int practice, String source, Collection<String> sourceIds) {
    Map<String, Known> known = new HashMap<>();
    database
        .sql(
            """
            select id, source_id, version, content_hash, source_modified_at,
                   removed_at is not null, merged_into is not null
            from patients where practice_id = ? and source = ? and source_id = any (?)""")
        .params(practice, source, sourceIds.toArray(String[]::new))
        .query(
            row -> {
              var modified = row.getTimestamp(5);
              Known chart =
                  new Known(
                      row.getLong(1),
                      row.getString(2),
                      row.getLong(3),
                      row.getString(4),
                      modified == null ? null : modified.toInstant(),
                      row.getBoolean(6),
                      row.getBoolean(7),
                      false,
                      null);
              known.put(chart.sourceId(), chart);
            });
    if (known.isEmpty()) {
      return known;
    }
    List<Long> ids = known.values().stream().map(Known::id).toList();
    Set<Long> settled = settled(practice, ids);
    Map<Long, Linked> links = linked(practice, ids);
    known.replaceAll(
        (sourceId, chart) -> chart.with(settled.contains(chart.id()), links.get(chart.id())));
    return known;
  }

  /** Charts whose decision stands. */
  private Set<Long> settled(int practice, Collection<Long> patientIds) {
    return Set.copyOf(
        database
            .sql(
                """
                select patient_id from decisions
                where practice_id = ? and patient_id = any (?) and stale_since is null""")
            .params(practice, Links.array(patientIds))
            .query(Long.class)
            .list());
  }

  /**
   * A merge that the store knows.
   *
   * @param at when the PMS made it, where it says so
   */
  public record Merged(String survivor, @Nullable Instant at) {}

  /** Which of these charts the store knows as merged, and into which chart. */
  public Map<String, Merged> merged(int practice, String source, Collection<String> sourceIds) {
    Map<String, Merged> survivors = new HashMap<>();
    database
        .sql(
            """
            select loser_source_id, survivor_source_id, merged_at from chart_merges
            where practice_id = ? and source = ? and loser_source_id = any (?)""")
        .params(practice, source, sourceIds.toArray(String[]::new))
        .query(
            row -> {
              java.sql.Timestamp at = row.getTimestamp(3);
              survivors.put(
                  row.getString(1),
                  new Merged(row.getString(2), at == null ? null : at.toInstant()));
            });
    return survivors;
  }

  /**
   * A chart that is merged because its survivor told so, and that is still in the PMS and does not
   * tell it itself.
   *
   * @param fingerprint of the PMS's row that it was made of
   */
  public record Replaced(String survivor, long version, long fingerprint, PatientRecord record) {}

  /** Such charts of these survivors. */
  public List<Replaced> replaced(int practice, String source, Collection<String> survivors) {
    return database
        .sql(
            """
            select m.survivor_source_id, p.version, p.fingerprint, p.record
            from unnest(?::text[]) as t (survivor)
            join chart_merges m on m.practice_id = ? and m.source = ?
                               and m.survivor_source_id = t.survivor and m.by_survivor
            join patients p on p.practice_id = ? and p.source = ?
                           and p.source_id = m.loser_source_id
            where p.removed_at is null
              and coalesce(p.record ->> 'mergedIntoSourceId', p.source_id) = p.source_id""")
        .params(survivors.toArray(String[]::new), practice, source, practice, source)
        .query(
            (row, n) ->
                new Replaced(
                    row.getString(1),
                    row.getLong(2),
                    row.getLong(3),
                    RecordJson.read(row.getString(4), PatientRecord.class)))
        .list();
  }

  /** Fingerprints of the rows that these charts were made of; gone and unknown ones are absent. */
  public Map<String, Long> fingerprints(int practice, String source, Collection<String> sourceIds) {
    Map<String, Long> fingerprints = new HashMap<>();
    database
        .sql(
            """
            select source_id, fingerprint from patients
            where practice_id = ? and source = ? and source_id = any (?) and removed_at is null""")
        .params(practice, source, sourceIds.toArray(String[]::new))
        .query(
            row -> {
              fingerprints.put(row.getString(1), row.getLong(2));
            });
    return fingerprints;
  }

  /** Who those of these charts are that are not gone from the PMS. */
  public Map<String, Person> persons(int practice, String source, Collection<String> sourceIds) {
    Map<String, Person> persons = new HashMap<>();
    database
        .sql(
            """
            select source_id, record from patients
            where practice_id = ? and source = ? and source_id = any (?) and removed_at is null""")
        .params(practice, source, sourceIds.toArray(String[]::new))
        .query(
            row -> {
              persons.put(
                  row.getString(1),
                  RecordJson.read(row.getString(2), PatientRecord.class).person());
            });
    return persons;
  }

  /** How many charts of a source are not gone from the PMS. */
  public long countPresent(int practice, String source) {
    return database
        .sql(
            """
            select count(*) from patients
            where practice_id = ? and source = ? and removed_at is null""")
        .params(practice, source)
        .query(Long.class)
        .single();
  }

  /** Source ids of charts that are not gone from the PMS, in their order. */
  public List<String> present(int practice, String source, String after, int limit) {
    return database
        .sql(
            """
            select source_id from patients
            where practice_id = ? and source = ? and source_id > ? and removed_at is null
            order by source_id limit ?""")
        .params(practice, source, after, limit)
        .query(String.class)
        .list();
  }

  /**
   * A stored chart, without its record: most charts are nobody's, and their records are not worth
   * reading.
   */
  public record Brief(long id, String sourceId, long version, List<Long> blockingKeys) {}

  /** Stored charts and the keys that they are filed under. */
  public List<Brief> briefly(int practice, String source, long[] patientIds) {
    return database
        .sql(
            """
            select id, source_id, version, blocking_keys from patients
            where practice_id = ? and source = ? and id = any (?) order by id""")
        .params(practice, source, patientIds)
        .query(
            (row, n) ->
                new Brief(
                    row.getLong(1),
                    row.getString(2),
                    row.getLong(3),
                    List.of((Long[]) row.getArray(4).getArray())))
        .list();
  }

  /** Which of these charts are linked, and to whom. */
  public Map<Long, Linked> linked(int practice, Collection<Long> patientIds) {
    Map<Long, Linked> linked = new HashMap<>();
    activeLinks
        .of(practice, patientIds)
        .forEach(
            (patient, link) ->
                linked.put(
                    patient,
                    new Linked(
                        link.memberId(),
                        link.memberNumber(),
                        !link.madeBy().equals(Links.RULE),
                        link.seenPerson())));
    return linked;
  }

  /** Which of these charts are linked or in review: for them, something hangs on a decision. */
  public Set<Long> inQuestion(int practice, Collection<Long> patientIds) {
    return Set.copyOf(
        database
            .sql(
                """
                select patient_id from decisions
                where practice_id = ? and patient_id = any (?) and outcome <> 'UNLINKED'""")
            .params(practice, Links.array(patientIds))
            .query(Long.class)
            .list());
  }

  /** Stored charts by id. */
  public List<Stored> stored(int practice, long[] patientIds) {
    return database
        .sql(
            """
            select id, source_id, version, removed_at is not null, merged_into is not null, record
            from patients where practice_id = ? and id = any (?) order by id""")
        .params(practice, patientIds)
        .query(
            (row, n) ->
                new Stored(
                    row.getLong(1),
                    row.getString(2),
                    row.getLong(3),
                    row.getBoolean(4),
                    row.getBoolean(5),
                    RecordJson.read(row.getString(6), PatientRecord.class)))
        .list();
  }

  /** Members filed under each of these keys; at most one more than {@code limit} of each. */
  public Map<Long, List<Long>> membersUnder(int practice, Collection<Long> keys, int limit) {
    return under("member_blocking_keys", "member_id", practice, keys, limit);
  }

  /** Charts, whatever their source, filed under each of these keys; limited as above. */
  public Map<Long, List<Long>> chartsUnder(int practice, Collection<Long> keys, int limit) {
    return under("patient_blocking_keys", "patient_id", practice, keys, limit);
  }

  private Map<Long, List<Long>> under(
      String table, String id, int practice, Collection<Long> keys, int limit) {
    Map<Long, List<Long>> under = new HashMap<>();
    if (!keys.isEmpty()) {
      database
          .sql(
              """
              select s.key, k.id
              from unnest(?::bigint[]) as s (key)
              cross join lateral (
                select b.%s as id from %s b where b.practice_id = ? and b.key = s.key limit ?) k"""
                  .formatted(id, table))
          .params(Links.array(keys), practice, limit + 1)
          .query(
              row -> {
                under.computeIfAbsent(row.getLong(1), k -> new ArrayList<>()).add(row.getLong(2));
              });
    }
    return under;
  }

  /** Members filed under both keys; at most one more than {@code limit}. */
  public List<Long> membersUnderBoth(int practice, long key, long other, int limit) {
    return underBoth("member_blocking_keys", "member_id", practice, key, other, limit);
  }

  /** Charts filed under both keys; at most one more than {@code limit}. */
  public List<Long> chartsUnderBoth(int practice, long key, long other, int limit) {
    return underBoth("patient_blocking_keys", "patient_id", practice, key, other, limit);
  }

  private List<Long> underBoth(
      String table, String id, int practice, long key, long other, int limit) {
    return database
        .sql(
            """
            select a.%1$s from %2$s a
            join %2$s b on b.practice_id = a.practice_id and b.%1$s = a.%1$s
            where a.practice_id = ? and a.key = ? and b.key = ? limit ?"""
                .formatted(id, table))
        .params(practice, key, other, limit + 1)
        .query(Long.class)
        .list();
  }

  /** Keys under which these members are filed. */
  public Set<Long> keysOfMembers(int practice, long[] memberIds) {
    return Set.copyOf(
        database
            .sql(
                """
                select distinct unnest(blocking_keys) from members
                where practice_id = ? and id = any (?)""")
            .params(practice, memberIds)
            .query(Long.class)
            .list());
  }

  /** Members by id; removed ones are absent. */
  public Map<Long, MemberCandidate> members(int practice, long[] ids) {
    Map<Long, MemberCandidate> members = new HashMap<>();
    database
        .sql(
            """
            select id, member_number, version, person from members
            where practice_id = ? and id = any (?) and status = 'ACTIVE'""")
        .params(practice, ids)
        .query(
            row -> {
              MemberCandidate member =
                  new MemberCandidate(
                      row.getLong(1),
                      row.getString(2),
                      row.getLong(3),
                      RecordJson.read(row.getString(4), Person.class));
              members.put(member.id(), member);
            });
    return members;
  }

  /** A removed member: what is left to do is to end its link, if it has one. */
  public record Removed(
      String memberNumber, long version, @Nullable String sourceId, long chartVersion) {}

  /** Which of these members were removed from the store, or merged into others. */
  public List<Removed> removedMembers(int practice, String source, long[] ids) {
    return database
        .sql(
            """
            select m.member_number, m.version, p.source_id, p.version
            from members m
            left join links l on l.practice_id = m.practice_id and l.member_id = m.id
                             and l.source = ? and l.ended_at is null
            left join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
            where m.practice_id = ? and m.id = any (?) and m.status <> 'ACTIVE'""")
        .params(source, practice, ids)
        .query(
            (row, n) ->
                new Removed(row.getString(1), row.getLong(2), row.getString(3), row.getLong(4)))
        .list();
  }

  /** Who these charts are; those that are gone or merged are absent. */
  public List<ChartCandidate> charts(int practice, long[] patientIds) {
    return database
        .sql(
            """
            select id, source, source_id, status, record -> 'person' from patients
            where practice_id = ? and id = any (?) and removed_at is null and merged_into is null""")
        .params(practice, patientIds)
        .query(
            (row, n) ->
                new ChartCandidate(
                    row.getLong(1),
                    row.getString(2),
                    row.getString(3),
                    PatientStatus.valueOf(row.getString(4)),
                    RecordJson.read(row.getString(5), Person.class)))
        .list();
  }

  /** Who a sample of the practice's charts are, the same ones each time; at most this many. */
  public void sample(int practice, int most, Consumer<Person> each) {
    long charts = count(practice);
    long step = Math.max(1, (charts + most - 1) / most);
    // Page by page, so that the sample is never in memory as a whole.
    long after = 0;
    List<Long> ids;
    do {
      ids =
          database
              .sql(
                  """
                  select id from patients
                  where practice_id = ? and id > ? and id % ? = 0 and removed_at is null
                    and merged_into is null
                  order by id limit 1000""")
              .params(practice, after, step)
              .query(Long.class)
              .list();
      for (ChartCandidate chart : charts(practice, Links.array(ids))) {
        each.accept(chart.person());
      }
      after = ids.isEmpty() ? after : ids.get(ids.size() - 1);
    } while (!ids.isEmpty());
  }

  /** Every PMS from which a practice has charts. */
  public List<String> sources(int practice) {
    return database
        .sql("select distinct source from patients where practice_id = ? order by source")
        .params(practice)
        .query(String.class)
        .list();
  }

  /** Ids of charts, in their order. */
  public List<Long> ids(int practice, String source, long after, int limit) {
    return database
        .sql(
            """
            select id from patients where practice_id = ? and source = ? and id > ?
            order by id limit ?""")
        .params(practice, source, after, limit)
        .query(Long.class)
        .list();
  }

  /**
   * How old what the store has of a chart is.
   *
   * @param trueAt when it was last known to be what the PMS has: when the last complete pass of a
   *     feed of its PMS began, or when a version of it last came in
   * @param failingSince since when a newer version of it cannot be handled; what the store has is
   *     the one before
   */
  public record Age(Instant trueAt, @Nullable Instant failingSince) {}

  /** The age of a chart's data; nothing when there is no such chart. */
  public Optional<Age> age(int practice, String source, String sourceId) {
    return database
        .sql(
            """
            select least(greatest(p.updated_at, f.last_pass_at), l.first_at), l.first_at
            from patients p
            left join lateral (select max(last_pass_at) as last_pass_at from feeds
                               where practice_id = p.practice_id and source = p.source) f on true
            left join lateral (
              select min(d.first_at) as first_at from dead_letters d
              join feeds o on o.practice_id = d.practice_id and o.feed = d.feed
              where d.practice_id = p.practice_id and o.source = p.source
                and d.record_type = 'PATIENTS' and d.source_id = p.source_id
                and d.state in ('OPEN', 'REPLAYING')) l on true
            where p.practice_id = ? and p.source = ? and p.source_id = ?""")
        .params(practice, source, sourceId)
        .query(
            (row, n) -> {
              Timestamp failing = row.getTimestamp(2);
              return new Age(
                  row.getTimestamp(1).toInstant(), failing == null ? null : failing.toInstant());
            })
        .optional();
  }

  /**
   * The time, by the store's clock, up to which all changes can be seen by whoever reads now: a
   * row's time is when its transaction began, and those that are open have not committed. None of
   * ours takes a minute; a dump may take an hour, and writes nothing.
   */
  public Instant seenUntil() {
    return database
        .sql(
            """
            select greatest(now() - interval '1 minute', case
              when current_setting('track_activities')::boolean then least(now(),
                (select min(xact_start) from pg_stat_activity
                 where datname = current_database() and backend_type = 'client backend')) end)""")
        .query(Timestamp.class)
        .single()
        .toInstant();
  }

  /** Who the active members are, in the order of their ids. */
  public void eachMember(int practice, Consumer<Person> each) {
    long after = 0;
    List<Long> ids;
    do {
      ids =
          database
              .sql(
                  """
                  select id from members where practice_id = ? and id > ? and status = 'ACTIVE'
                  order by id limit 1000""")
              .params(practice, after)
              .query(Long.class)
              .list();
      Map<Long, MemberCandidate> members = members(practice, Links.array(ids));
      for (Long id : ids) {
        MemberCandidate member = members.get(id);
        if (member != null) {
          each.accept(member.person());
        }
      }
      after = ids.isEmpty() ? after : ids.get(ids.size() - 1);
    } while (!ids.isEmpty());
  }

  /** How many charts a practice has, whatever their state. */
  public long count(int practice) {
    return database
        .sql("select count(*) from patients where practice_id = ?")
        .params(practice)
        .query(Long.class)
        .single();
  }

  /** Charts of the practice without a decision, by id; for the sweep after a first load. */
  public List<Long> undecided(int practice, String source, long after, int limit) {
    return database
        .sql(
            """
            select p.id from patients p
            left join decisions d on d.practice_id = p.practice_id and d.patient_id = p.id
            where p.practice_id = ? and p.source = ? and p.id > ? and d.patient_id is null
            order by p.id limit ?""")
        .params(practice, source, after, limit)
        .query(Long.class)
        .list();
  }

  /** Charts whose decision must be taken again; each is handed out once a minute until it is. */
  @Transactional
  public List<Long> toDecideAgain(int practice, String source, int limit) {
    return database
        .sql(
            """
            update decisions set sent_at = now()
            where practice_id = ? and patient_id = any (array(
              select d.patient_id from decisions d
              join patients p on p.practice_id = d.practice_id and p.id = d.patient_id
              where d.practice_id = ? and p.source = ? and d.stale_since is not null
                and (d.sent_at is null or d.sent_at < now() - interval '1 minute')
              order by d.patient_id limit ? for update of d skip locked))
            returning patient_id""")
        .params(practice, practice, source, limit)
        .query(Long.class)
        .list();
  }
}
