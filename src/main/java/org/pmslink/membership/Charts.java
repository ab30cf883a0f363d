package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.ActiveLinks.ActiveLink;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** What matching reads of the store: whole batches at a time, never record by record. */
@Component
public class Charts {
  /**
   * A key under which more records than this are filed says too little to compare them all; such a
   * chart goes to review instead.
   */
  public static final int KEY_LIMIT = 200;

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
   * @param linkedTo number of the member it is linked to
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
      @Nullable String linkedTo) {

    private Known with(boolean decided, @Nullable ActiveLink link) {
      return new Known(
          id,
          sourceId,
          version,
          contentHash,
          sourceModifiedAt,
          gone,
          merged,
          decided,
          link == null ? null : link.memberNumber());
    }
  }

  /** A stored chart to decide about. */
  public record Stored(
      long id, String sourceId, long version, boolean gone, boolean merged, PatientRecord record) {}

  /** A member as matching sees it. */
  public record MemberCandidate(long id, String memberNumber, long version, Person person) {}

  /** A chart as a rival: its id and who it is. */
  public record Rival(long id, Person person) {}

  /**
   * A member that shares a key with a subject.
   *
   * @param subject the number that the caller gave the subject
   * @param overflow the key has more than {@link #KEY_LIMIT} records
   */
  public record Pair(long subject, long other, boolean overflow) {}

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
    Map<Long, ActiveLink> links = activeLinks.of(practice, ids);
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

  /** Which of these charts the store knows as merged, and into which chart. */
  public Map<String, String> merged(int practice, String source, Collection<String> sourceIds) {
    Map<String, String> survivors = new HashMap<>();
    database
        .sql(
            """
            select loser_source_id, survivor_source_id from chart_merges
            where practice_id = ? and source = ? and loser_source_id = any (?)""")
        .params(practice, source, sourceIds.toArray(String[]::new))
        .query(
            row -> {
              survivors.put(row.getString(1), row.getString(2));
            });
    return survivors;
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
  public Map<Long, String> linkedTo(int practice, Collection<Long> patientIds) {
    Map<Long, String> linked = new HashMap<>();
    activeLinks
        .of(practice, patientIds)
        .forEach((patient, link) -> linked.put(patient, link.memberNumber()));
    return linked;
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

  /**
   * Active members that share a blocking key with the subjects.
   *
   * @param subjects the subject of each key, any numbering
   * @param keys as many
   */
  public List<Pair> membersSharing(int practice, long[] subjects, long[] keys) {
    Map<Long, List<Long>> byKey = new HashMap<>();
    database
        .sql(
            """
            select s.key, k.member_id
            from unnest(?::bigint[]) as s (key)
            cross join lateral (
              select member_id from member_blocking_keys b
              where b.practice_id = ? and b.key = s.key limit ?) k""")
        .params(Arrays.stream(keys).distinct().sorted().toArray(), practice, KEY_LIMIT + 1)
        .query(
            row -> {
              byKey.computeIfAbsent(row.getLong(1), k -> new ArrayList<>()).add(row.getLong(2));
            });
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < keys.length; i++) {
      List<Long> members = byKey.getOrDefault(keys[i], List.of());
      for (Long member : members) {
        pairs.add(new Pair(subjects[i], member, members.size() > KEY_LIMIT));
      }
    }
    return pairs;
  }

  /** Charts of the practice, whatever their source, that share a blocking key with the members. */
  public List<Pair> chartsSharing(int practice, long[] memberIds) {
    return database
        .sql(
            """
            select m.id, k.patient_id, k.overflow
            from members m
            cross join lateral unnest(m.blocking_keys) as s (key)
            cross join lateral (
              select b.patient_id, count(*) over () > ? as overflow
              from (select b.patient_id from patient_blocking_keys b
                    where b.practice_id = m.practice_id and b.key = s.key limit ?) b) k
            where m.practice_id = ? and m.id = any (?)""")
        .params(KEY_LIMIT, KEY_LIMIT + 1, practice, memberIds)
        .query(Charts::pair)
        .list();
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

  /** Which of these members were removed from the store. */
  public List<Removed> removedMembers(int practice, String source, long[] ids) {
    return database
        .sql(
            """
            select m.member_number, m.version, p.source_id, p.version
            from members m
            left join links l on l.practice_id = m.practice_id and l.member_id = m.id
                             and l.source = ? and l.ended_at is null
            left join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
            where m.practice_id = ? and m.id = any (?) and m.status = 'REMOVED'""")
        .params(source, practice, ids)
        .query(
            (row, n) ->
                new Removed(row.getString(1), row.getLong(2), row.getString(3), row.getLong(4)))
        .list();
  }

  /** Who these charts are, as far as they are of this source. */
  public Map<Long, Rival> rivals(int practice, String source, long[] patientIds) {
    Map<Long, Rival> rivals = new HashMap<>();
    database
        .sql(
            """
            select id, record -> 'person' from patients
            where practice_id = ? and id = any (?) and source = ? and removed_at is null
              and merged_into is null""")
        .params(practice, patientIds, source)
        .query(
            row -> {
              rivals.put(
                  row.getLong(1),
                  new Rival(row.getLong(1), RecordJson.read(row.getString(2), Person.class)));
            });
    return rivals;
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
            where practice_id = ? and patient_id in (
              select d.patient_id from decisions d
              join patients p on p.practice_id = d.practice_id and p.id = d.patient_id
              where d.practice_id = ? and p.source = ? and d.stale_since is not null
                and (d.sent_at is null or d.sent_at < now() - interval '1 minute')
              order by d.patient_id limit ? for update of d skip locked)
            returning patient_id""")
        .params(practice, practice, source, limit)
        .query(Long.class)
        .list();
  }

  private static Pair pair(ResultSet row, int n) throws SQLException {
    return new Pair(row.getLong(1), row.getLong(2), row.getBoolean(3));
  }
}
