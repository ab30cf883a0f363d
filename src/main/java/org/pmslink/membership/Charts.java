package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
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

  Charts(JdbcClient database) {
    this.database = database;
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
      @Nullable String linkedTo) {}

  /** A stored chart to decide about; its record is read only when it has candidates. */
  public record Stored(
      long id,
      String source,
      String sourceId,
      long version,
      boolean gone,
      boolean merged,
      @Nullable String linkedTo,
      String recordJson) {

    /** The canonical record. */
    public PatientRecord record() {
      return RecordJson.read(recordJson, PatientRecord.class);
    }
  }

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
            select p.id, p.source_id, p.version, p.content_hash, p.source_modified_at,
                   p.removed_at is not null, p.merged_into is not null,
                   d.patient_id is not null and d.stale_since is null, m.member_number
            from patients p
            left join decisions d on d.practice_id = p.practice_id and d.patient_id = p.id
            left join links l on l.practice_id = p.practice_id and l.patient_id = p.id
                             and l.ended_at is null
            left join members m on m.practice_id = l.practice_id and m.id = l.member_id
            where p.practice_id = ? and p.source = ? and p.source_id = any (?)""")
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
                      row.getBoolean(8),
                      row.getString(9));
              known.put(chart.sourceId(), chart);
            });
    return known;
  }

  /**
   * A stored chart, without its record.
   *
   * @param comparable whether it shares a key with a member, or is linked: only then its record is
   *     worth reading
   */
  public record Brief(long id, String sourceId, long version, boolean comparable) {}

  /** Which of these charts there is anything to compare with. */
  public List<Brief> briefly(int practice, String source, long[] patientIds) {
    return database
        .sql(
            """
            select p.id, p.source_id, p.version,
                   exists (select 1 from unnest(p.blocking_keys) as s (key)
                           join member_blocking_keys k
                             on k.practice_id = p.practice_id and k.key = s.key)
                   or exists (select 1 from links l
                              where l.practice_id = p.practice_id and l.patient_id = p.id
                                and l.ended_at is null)
            from patients p
            where p.practice_id = ? and p.source = ? and p.id = any (?) order by p.id""")
        .params(practice, source, patientIds)
        .query(
            (row, n) ->
                new Brief(row.getLong(1), row.getString(2), row.getLong(3), row.getBoolean(4)))
        .list();
  }

  /** Stored charts by id. */
  public List<Stored> stored(int practice, long[] patientIds) {
    return database
        .sql(
            """
            select p.id, p.source, p.source_id, p.version, p.removed_at is not null,
                   p.merged_into is not null, m.member_number, p.record
            from patients p
            left join links l on l.practice_id = p.practice_id and l.patient_id = p.id
                             and l.ended_at is null
            left join members m on m.practice_id = l.practice_id and m.id = l.member_id
            where p.practice_id = ? and p.id = any (?) order by p.id""")
        .params(practice, patientIds)
        .query(
            (row, n) ->
                new Stored(
                    row.getLong(1),
                    row.getString(2),
                    row.getString(3),
                    row.getLong(4),
                    row.getBoolean(5),
                    row.getBoolean(6),
                    row.getString(7),
                    row.getString(8)))
        .list();
  }

  /**
   * Active members that share a blocking key with the subjects.
   *
   * @param subjects the subject of each key, any numbering
   * @param keys as many
   */
  public List<Pair> membersSharing(int practice, long[] subjects, long[] keys) {
    return database
        .sql(
            """
            select s.subject, k.member_id, k.overflow
            from unnest(?::bigint[], ?::bigint[]) as s (subject, key)
            cross join lateral (
              select b.member_id, count(*) over () > ? as overflow
              from (select member_id from member_blocking_keys b
                    where b.practice_id = ? and b.key = s.key limit ?) b) k""")
        .params(subjects, keys, KEY_LIMIT, practice, KEY_LIMIT + 1)
        .query(Charts::pair)
        .list();
  }

  /** Charts that share a blocking key with the members. */
  public List<Pair> chartsSharing(int practice, String source, long[] memberIds) {
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
            join patients p on p.practice_id = m.practice_id and p.id = k.patient_id
                           and p.source = ?
            where m.practice_id = ? and m.id = any (?)""")
        .params(KEY_LIMIT, KEY_LIMIT + 1, source, practice, memberIds)
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

  /** Who these charts are. */
  public Map<Long, Rival> rivals(int practice, long[] patientIds) {
    Map<Long, Rival> rivals = new HashMap<>();
    database
        .sql(
            """
            select id, record -> 'person' from patients
            where practice_id = ? and id = any (?) and removed_at is null
              and merged_into is null""")
        .params(practice, patientIds)
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
