package org.pmslink.membership;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Files a practice's charts and members anew when a release makes blocking keys in another way. A
 * page at a time, and the cursor with it; when all are filed, every decision is taken again,
 * because in between records were looked for under keys that others did not have yet.
 */
@Component
public class Refiling {
  private static final int PAGE = 500;

  private final JdbcTemplate database;
  private final PracticeLock lock;
  private final TransactionTemplate transaction;

  Refiling(JdbcTemplate database, PracticeLock lock, PlatformTransactionManager transactions) {
    this.lock = lock;
    this.database = database;
    this.transaction = new TransactionTemplate(transactions);
  }

  /**
   * Files a page of each practice that needs it.
   *
   * @param keys the keys of a chart; a chart that is nobody has none
   */
  public void next(Function<PatientRecord, Collection<Long>> keys) {
    String made = PracticeMatcher.keysVersion();
    // Over all practices: it finds out who is filed otherwise and reads no patient.
    List<Integer> practices =
        database.queryForList(
            "select practice_id from practice_populations where keys_made <> ?",
            Integer.class,
            made);
    for (int practice : practices) {
      transaction.executeWithoutResult(status -> page(practice, made, keys));
    }
  }

  private record Cursor(String made, long chartsTo, long membersTo) {}

  private record Filed(long id, Set<Long> before, Set<Long> after) {}

  private void page(int practice, String made, Function<PatientRecord, Collection<Long>> keys) {
    lock.enter(practice, true);
    database.update(
        "insert into refilings (practice_id, keys_made) values (?, ?) on conflict do nothing",
        practice,
        made);
    Cursor found =
        database.queryForObject(
            """
            select keys_made, charts_to, members_to from refilings
            where practice_id = ? for update""",
            (row, n) -> new Cursor(row.getString(1), row.getLong(2), row.getLong(3)),
            practice);
    Cursor cursor = found == null || !found.made().equals(made) ? new Cursor(made, 0, 0) : found;
    List<Filed> charts =
        database.query(
            """
            select id, blocking_keys, case when removed_at is null and merged_into is null
                                           then record end
            from patients where practice_id = ? and id > ? order by id limit ? for update""",
            (row, n) ->
                filed(
                    row.getLong(1),
                    (Long[]) row.getArray(2).getArray(),
                    chartKeys(row.getString(3), keys)),
            practice,
            cursor.chartsTo(),
            PAGE);
    List<Filed> members =
        database.query(
            """
            select id, blocking_keys, case when status = 'ACTIVE' then person end
            from members where practice_id = ? and id > ? order by id limit ? for update""",
            (row, n) ->
                filed(
                    row.getLong(1),
                    (Long[]) row.getArray(2).getArray(),
                    memberKeys(row.getString(3))),
            practice,
            cursor.membersTo(),
            PAGE);
    write(practice, "patients", "patient_blocking_keys", "patient_id", charts);
    write(practice, "members", "member_blocking_keys", "member_id", members);
    if (charts.isEmpty() && members.isEmpty()) {
      finish(practice, made);
      return;
    }
    database.update(
        "update refilings set keys_made = ?, charts_to = ?, members_to = ? where practice_id = ?",
        made,
        charts.isEmpty() ? cursor.chartsTo() : charts.get(charts.size() - 1).id(),
        members.isEmpty() ? cursor.membersTo() : members.get(members.size() - 1).id(),
        practice);
  }

  private static Filed filed(long id, Long[] before, Collection<Long> after) {
    return new Filed(id, Set.of(before), new TreeSet<>(after));
  }

  private static Collection<Long> chartKeys(
      @Nullable String record, Function<PatientRecord, Collection<Long>> keys) {
    return record == null ? List.of() : keys.apply(RecordJson.read(record, PatientRecord.class));
  }

  private static Collection<Long> memberKeys(@Nullable String person) {
    return person == null
        ? List.of()
        : PracticeMatcher.blockingKeys(RecordJson.read(person, Person.class));
  }

  private void write(int practice, String table, String keyTable, String id, List<Filed> records) {
    List<Object[]> arrays = new ArrayList<>();
    List<Object[]> gone = new ArrayList<>();
    Map<Long, Set<Long>> added = new TreeMap<>();
    for (Filed record : records) {
      if (record.before().equals(record.after())) {
        continue;
      }
      arrays.add(new Object[] {record.after().toArray(Long[]::new), practice, record.id()});
      for (Long key : record.before()) {
        if (!record.after().contains(key)) {
          gone.add(new Object[] {practice, key, record.id()});
        }
      }
      for (Long key : record.after()) {
        if (!record.before().contains(key)) {
          added.computeIfAbsent(key, k -> new HashSet<>()).add(record.id());
        }
      }
    }
    database.batchUpdate(
        "update " + table + " set blocking_keys = ? where practice_id = ? and id = ?", arrays);
    database.batchUpdate(
        "delete from " + keyTable + " where practice_id = ? and key = ? and " + id + " = ?", gone);
    List<Object[]> rows = new ArrayList<>();
    added.forEach(
        (key, ids) -> ids.forEach(record -> rows.add(new Object[] {practice, key, record})));
    database.batchUpdate(
        "insert into "
            + keyTable
            + " (practice_id, key, "
            + id
            + ") values (?, ?, ?)"
            + " on conflict do nothing",
        rows);
  }

  private void finish(int practice, String made) {
    database.update("delete from refilings where practice_id = ?", practice);
    database.update(
        "update practice_populations set keys_made = ? where practice_id = ?", made, practice);
    database.update(
        "update decisions set stale_since = now(), sent_at = null where practice_id = ?"
            + " and stale_since is null",
        practice);
    database.update(
        "update duplicate_sweeps set rules_version = '' where practice_id = ?", practice);
  }
}
