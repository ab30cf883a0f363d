package org.pmslink.membership;

import java.io.IOException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.Cause;
import org.pmslink.deadletter.DeadLetter;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.outage.DatabaseOutage;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.progress.Runs.Phase;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * The apply step: the only writer of synced data. One batch is one database transaction, together
 * with the count of what it did. Every command may arrive twice or late: an older version never
 * overwrites a newer one, and the store's unique constraints decide when two consumers disagree.
 */
@Component
public class ApplyCommands {
  private static final Set<PatientStatus> LEFT_THE_PRACTICE =
      Set.of(
          PatientStatus.ARCHIVED,
          PatientStatus.DELETED,
          PatientStatus.DUPLICATE,
          PatientStatus.DECEASED);

  private static final String CANNOT_BE_APPLIED =
      "applying this record failed repeatedly, though it was tried alone";

  private final JdbcTemplate database;
  private final Practices practices;
  private final Runs runs;
  private final DeadLetters deadLetters;
  private final Links links;
  private final ActiveLinks activeLinks;
  private final ChartDecisions chartDecisions;
  private final RuleDecisions ruleDecisions;
  private final ContactsFromCharts contacts;
  private final ChartMerges chartMerges;
  private final Charts charts;
  private final Activities activities;
  private final Duplicates duplicates;
  private final Words words;
  private final PracticeLock lock;
  private final DatabaseOutage outage;
  private final TransactionTemplate transaction;

  ApplyCommands(
      JdbcTemplate database,
      PlatformTransactionManager transactions,
      DatabaseOutage outage,
      Practices practices,
      Runs runs,
      DeadLetters deadLetters,
      Links links,
      ActiveLinks activeLinks,
      ChartDecisions chartDecisions,
      RuleDecisions ruleDecisions,
      ContactsFromCharts contacts,
      ChartMerges chartMerges,
      Charts charts,
      Activities activities,
      Duplicates duplicates,
      Words words,
      PracticeLock lock) {
    this.lock = lock;
    this.words = words;
    this.database = database;
    this.duplicates = duplicates;
    this.practices = practices;
    this.runs = runs;
    this.deadLetters = deadLetters;
    this.links = links;
    this.activeLinks = activeLinks;
    this.chartDecisions = chartDecisions;
    this.ruleDecisions = ruleDecisions;
    this.contacts = contacts;
    this.chartMerges = chartMerges;
    this.charts = charts;
    this.activities = activities;
    this.outage = outage;
    this.transaction = new TransactionTemplate(transactions);
  }

  /** Applies a message as it comes from the queue. */
  public void apply(byte[] message) throws Exception {
    CommandBatch batch = RecordJson.mapper().readValue(message, CommandBatch.class);
    outage.rideOut(
        () -> {
          apply(batch);
          return batch;
        });
  }

  /** Applies a batch in one transaction. */
  public void apply(CommandBatch batch) {
    transaction.executeWithoutResult(status -> inTransaction(batch));
  }

  /** Does what {@link #apply(CommandBatch)} does, and takes all of it back. */
  void rehearse(CommandBatch batch) {
    transaction.executeWithoutResult(
        status -> {
          status.setRollbackOnly();
          inTransaction(batch);
        });
  }

  private void inTransaction(CommandBatch batch) {
    int practice = practices.id(batch.practice());
    List<Command.Update> updates = new ArrayList<>();
    List<Command.Merge> merges = new ArrayList<>();
    List<Command.Delete> deletes = new ArrayList<>();
    List<Command.Activity> activity = new ArrayList<>();
    List<Command.Remove> removals = new ArrayList<>();
    List<Command> decisions = new ArrayList<>();
    for (Command command : batch.commands()) {
      if (command instanceof Command.Update update) {
        updates.add(update);
      } else if (command instanceof Command.Merge merge) {
        merges.add(merge);
      } else if (command instanceof Command.Delete delete) {
        deletes.add(delete);
      } else if (command instanceof Command.Activity record) {
        activity.add(record);
      } else if (command instanceof Command.Remove removal) {
        removals.add(removal);
      } else {
        decisions.add(command);
      }
    }
    // Nobody decides on these, so they need not wait for the practice's turn.
    activities.keep(practice, batch.source(), activity);
    activities.remove(practice, batch.source(), removals);
    // Alone, too, if it has the charts around its own decided about again.
    boolean shakes = !deletes.isEmpty() || (!updates.isEmpty() && !decisions.isEmpty());
    lock.enter(practice, !merges.isEmpty() || shakes);
    Updated updated = update(practice, batch.source(), updates);
    chartMerges.note(practice, batch.source(), merges);
    chartMerges.arrived(practice, batch.source(), updated.arrived());
    delete(practice, batch.source(), deletes);
    if (decisions.isEmpty() && !updates.isEmpty() && isLate(practice, batch)) {
      chartDecisions.awaitDecision(practice, batch.source(), updates);
    }
    RuleDecisions.Counts counts = ruleDecisions.decide(practice, batch, decisions);
    // What the match step decided, it decided about a chart that was merged.
    chartMerges.decideAgain(practice, batch.source(), updated.mergedNoMore());
    if (!decisions.isEmpty()) {
      chartDecisions.decideDriftAgain(practice, updated.filled());
      decideNeighboursAgain(practice, updated.shifts(), batch.surelySeenUntil());
    }
    resolveDeadLetters(practice, batch);
    count(practice, batch, counts);
  }

  /**
   * A first load's page that a crash sent twice may hold other rows the second time, and come when
   * the sweep has passed: its charts ask for a decision themselves.
   */
  private boolean isLate(int practice, CommandBatch batch) {
    return batch.run() != null
        && runs.find(practice, batch.run()).filter(r -> r.phase() != Phase.READING).isPresent();
  }

  /**
   * A chart as it was.
   *
   * @param mergedInto the survivor that it told of itself; {@code null} also for a chart that is
   *     merged by what others said
   */
  private record Stored(
      long version, String contentHash, String status, Long[] keys, @Nullable String mergedInto) {}

  private record Upserted(long id, boolean merged) {}

  /** A chart that is new or no longer what it was, with the keys that it has and had. */
  private record Shift(long patientId, Set<Long> keys) {}

  /**
   * A decision stands on the charts around it: a rival, somebody with the same telephone. When one
   * of them comes, changes or goes, those that are linked or in review are decided about again. And
   * since batches are matched side by side, a chart that was decided about while one of its
   * neighbours was on its way is looked at again, too.
   *
   * @param seenUntil up to when the charts' own decisions know what was in the store
   */
  private void decideNeighboursAgain(int practice, List<Shift> shifts, Instant seenUntil) {
    if (shifts.isEmpty()) {
      return;
    }
    long[] own = shifts.stream().mapToLong(Shift::patientId).toArray();
    Set<Long> keys = shifts.stream().flatMap(s -> s.keys().stream()).collect(Collectors.toSet());
    chartDecisions.decideNeighboursAgain(practice, own, Links.array(keys));
    duplicates.lookFor(
        practice, Duplicates.Kind.CHART, shifts.stream().map(Shift::patientId).toList());
    Changed changed = changedSince(practice, Timestamp.from(seenUntil), own);
    if (changed.isNobody()) {
      return;
    }
    Map<Long, Long> linked = activeLinks.members(practice, own);
    database.update(
        """
        update decisions set stale_since = now(), sent_at = null
        where practice_id = ? and patient_id = any (?) and stale_since is null""",
        practice,
        shifts.stream()
            .filter(s -> changed.isBeside(s.keys(), linked.get(s.patientId())))
            .mapToLong(Shift::patientId)
            .toArray());
  }

  /**
   * Who has changed of late.
   *
   * @param charts the keys that they are filed under
   * @param members whom each key leads to
   */
  private record Changed(Set<Long> charts, Map<Long, Set<Long>> members) {
    boolean isNobody() {
      return charts.isEmpty() && members.isEmpty();
    }

    /**
     * Whether one of them shares a key.
     *
     * @param linked the member whom a chart is linked to, who does not count; {@code null} for none
     */
    boolean isBeside(Set<Long> keys, @Nullable Long linked) {
      return keys.stream()
          .anyMatch(
              key ->
                  charts.contains(key)
                      || members.getOrDefault(key, Set.of()).stream()
                          .anyMatch(member -> !member.equals(linked)));
    }
  }

  /**
   * The few who have just changed, by their time: a key such as a town's has thousands of holders.
   * Joined here and not by PostgreSQL, which our sessions have join by nested loops alone.
   */
  private Changed changedSince(int practice, Timestamp since, long[] butNot) {
    Changed changed = new Changed(new HashSet<>(), new HashMap<>());
    database.query(
        """
        select distinct unnest(blocking_keys) from patients
        where practice_id = ? and updated_at > ? and id <> all (?)""",
        row -> {
          changed.charts().add(row.getLong(1));
        },
        practice,
        since,
        butNot);
    database.query(
        """
        select id, unnest(blocking_keys) from members where practice_id = ? and updated_at > ?""",
        row -> {
          changed
              .members()
              .computeIfAbsent(row.getLong(2), key -> new HashSet<>())
              .add(row.getLong(1));
        },
        practice,
        since);
    return changed;
  }

  /**
   * What came of a batch's updates.
   *
   * @param arrived source ids of charts that the store did not have before
   * @param mergedNoMore source ids of charts whose merge the PMS has taken back
   * @param filled charts by which a member changed
   */
  private record Updated(
      Set<String> arrived, List<Shift> shifts, Set<String> mergedNoMore, Set<Long> filled) {}

  private Updated update(int practice, String source, List<Command.Update> commands) {
    Map<String, Command.Update> newest = new LinkedHashMap<>();
    for (Command.Update command : commands) {
      newest.merge(command.sourceId(), command, (a, b) -> b.version() >= a.version() ? b : a);
    }
    List<Shift> shifts = new ArrayList<>();
    Set<String> mergedNoMore = new HashSet<>();
    if (newest.isEmpty()) {
      return new Updated(Set.of(), shifts, mergedNoMore, Set.of());
    }
    String[] ids = newest.keySet().toArray(String[]::new);
    Map<String, Stored> stored = stored(practice, source, ids);
    List<Command.Update> accepted =
        newest.values().stream()
            .filter(
                u -> {
                  Stored before = stored.get(u.sourceId());
                  return before == null || before.version() <= u.version();
                })
            .toList();
    for (Command.Update update : accepted) {
      if (isMergedNoMore(practice, source, update, stored.get(update.sourceId()))) {
        mergedNoMore.add(update.sourceId());
      }
    }
    Map<String, Upserted> upserted = upsert(practice, source, accepted);
    file(practice, accepted, stored, upserted);
    for (Command.Update update : accepted) {
      Stored before = stored.get(update.sourceId());
      Upserted chart = upserted.get(update.sourceId());
      if (chart != null
          && (before == null
              || !before.contentHash().equals(update.record().contentHash())
              || mergedNoMore.contains(update.sourceId()))) {
        Set<Long> keys = new HashSet<>(update.blockingKeys());
        if (before != null) {
          keys.addAll(List.of(before.keys()));
        }
        shifts.add(new Shift(chart.id(), keys));
      }
    }

    Set<String> arrived = new HashSet<>(upserted.keySet());
    arrived.removeAll(stored.keySet());
    if (arrived.size() == upserted.size()) {
      return new Updated(arrived, shifts, mergedNoMore, Set.of());
    }
    List<Long> changed = new ArrayList<>();
    for (Command.Update update : accepted) {
      Stored before = stored.get(update.sourceId());
      Upserted chart = upserted.get(update.sourceId());
      if (before == null
          || chart == null
          || before.contentHash().equals(update.record().contentHash())) {
        continue;
      }
      changed.add(chart.id());
      PatientStatus status = update.record().status();
      if (!before.status().equals(status.name()) && LEFT_THE_PRACTICE.contains(status)) {
        links.flag(practice, List.of(chart.id()), "CHART_" + status.name());
      }
    }
    return new Updated(arrived, shifts, mergedNoMore, contacts.follow(practice, changed));
  }

  private boolean isMergedNoMore(
      int practice, String source, Command.Update update, @Nullable Stored before) {
    String survivor = update.record().mergedIntoSourceId();
    if (before == null || (survivor != null && !survivor.equals(update.sourceId()))) {
      return false;
    }
    Command.Parting parting = update.parting();
    if (parting != null
        && chartMerges.takeBack(
            practice, source, update.sourceId(), parting.survivorSourceId(), parting.version())) {
      return true;
    }
    return before.mergedInto() != null
        && chartMerges.takeBack(
            practice, source, update.sourceId(), before.mergedInto(), update.version());
  }

  private Map<String, Stored> stored(int practice, String source, String[] ids) {
    Map<String, Stored> stored = new HashMap<>();
    database.query(
        """
        select source_id, version, content_hash, status, blocking_keys,
               case when merged_into is not null then record ->> 'mergedIntoSourceId' end
        from patients
        where practice_id = ? and source = ? and source_id = any (?) order by id for update""",
        row -> {
          stored.put(
              row.getString(1),
              new Stored(
                  row.getLong(2),
                  row.getString(3),
                  row.getString(4),
                  (Long[]) row.getArray(5).getArray(),
                  row.getString(6)));
        },
        practice,
        source,
        ids);
    return stored;
  }

  private Map<String, Upserted> upsert(int practice, String source, List<Command.Update> updates) {
    int n = updates.size();
    String[] ids = new String[n];
    long[] versions = new long[n];
    String[] statuses = new String[n];
    String[] hashes = new String[n];
    long[] fingerprints = new long[n];
    @Nullable Timestamp[] modified = new @Nullable Timestamp[n];
    String[] records = new String[n];
    String[] keys = new String[n];
    String[] searchWords = new String[n];
    @Nullable String[] mergedInto = new @Nullable String[n];
    Map<String, Charts.Merged> survivors =
        charts.merged(practice, source, updates.stream().map(Command.Update::sourceId).toList());
    for (int i = 0; i < n; i++) {
      Command.Update update = updates.get(i);
      PatientRecord record = update.record();
      ids[i] = update.sourceId();
      versions[i] = update.version();
      statuses[i] = record.status().name();
      hashes[i] = record.contentHash();
      fingerprints[i] = update.fingerprint();
      modified[i] =
          record.sourceModifiedAt() == null ? null : Timestamp.from(record.sourceModifiedAt());
      records[i] = RecordJson.write(record);
      Charts.Merged merged = survivors.get(update.sourceId());
      mergedInto[i] = merged == null ? null : merged.survivor();
      keys[i] = mergedInto[i] == null ? arrayLiteral(update.blockingKeys()) : "{}";
      searchWords[i] = words.ofChart(practice, record);
    }
    words.keepNames(practice, updates.stream().map(update -> update.record().person()).toList());
    Map<String, Upserted> upserted = new HashMap<>();
    database.query(
        """
        insert into patients as p (practice_id, source, source_id, version, status, content_hash,
                                   fingerprint, source_modified_at, record, blocking_keys, words,
                                   merged_into)
        select ?, ?, t.source_id, t.version, t.status, t.content_hash, t.fingerprint, t.modified,
               t.record::json, t.keys::bigint[], array_to_tsvector(t.words::text[]), t.merged_into
        from unnest(?::text[], ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::timestamptz[],
                    ?::text[], ?::text[], ?::text[], ?::text[])
             as t (source_id, version, status, content_hash, fingerprint, modified, record, keys,
                   words, merged_into)
        on conflict (practice_id, source, source_id) do update
        set version = excluded.version, status = excluded.status,
            content_hash = excluded.content_hash, fingerprint = excluded.fingerprint,
            source_modified_at = excluded.source_modified_at, record = excluded.record,
            blocking_keys = excluded.blocking_keys, words = excluded.words,
            merged_into = excluded.merged_into,
            removed_at = null, updated_at = now()
        where p.version <= excluded.version
        returning id, source_id""",
        row -> {
          String sourceId = row.getString(2);
          upserted.put(sourceId, new Upserted(row.getLong(1), survivors.containsKey(sourceId)));
        },
        practice,
        source,
        ids,
        versions,
        statuses,
        hashes,
        fingerprints,
        modified,
        records,
        keys,
        searchWords,
        mergedInto);
    return upserted;
  }

  /**
   * Files charts under their blocking keys; a merged chart is filed nowhere. The chart's row is
   * locked, so nobody else files it meanwhile.
   */
  private void file(
      int practice,
      List<Command.Update> updates,
      Map<String, Stored> stored,
      Map<String, Upserted> upserted) {
    Keys gone = new Keys();
    Keys added = new Keys();
    for (Command.Update update : updates) {
      Upserted chart = upserted.get(update.sourceId());
      Stored before = stored.get(update.sourceId());
      if (chart == null) {
        continue;
      }
      Set<Long> now = chart.merged() ? Set.of() : Set.copyOf(update.blockingKeys());
      Set<Long> then = before == null ? Set.of() : Set.of(before.keys());
      then.stream().filter(key -> !now.contains(key)).forEach(key -> gone.add(chart.id(), key));
      now.stream().filter(key -> !then.contains(key)).forEach(key -> added.add(chart.id(), key));
    }
    if (!gone.patients.isEmpty()) {
      database.update(
          """
          delete from patient_blocking_keys k
          using unnest(?::bigint[], ?::bigint[]) as t (patient_id, key)
          where k.practice_id = ? and k.key = t.key and k.patient_id = t.patient_id""",
          Links.array(gone.patients),
          Links.array(gone.keys),
          practice);
    }
    if (!added.patients.isEmpty()) {
      // In the order of the index, which takes them faster that way.
      database.update(
          """
          insert into patient_blocking_keys (practice_id, key, patient_id)
          select ?, t.key, t.patient_id
          from unnest(?::bigint[], ?::bigint[]) as t (patient_id, key) order by t.key""",
          practice,
          Links.array(added.patients),
          Links.array(added.keys));
    }
  }

  private static final class Keys {
    final List<Long> patients = new ArrayList<>();
    final List<Long> keys = new ArrayList<>();

    void add(Long patient, Long key) {
      patients.add(patient);
      keys.add(key);
    }
  }

  private void delete(int practice, String source, List<Command.Delete> deletes) {
    if (deletes.isEmpty()) {
      return;
    }
    List<Long> gone =
        database.queryForList(
            """
            update patients p set removed_at = now(), version = t.version, updated_at = now()
            from unnest(?::text[], ?::bigint[]) as t (source_id, version)
            where p.practice_id = ? and p.source = ? and p.source_id = t.source_id
              and p.version <= t.version and p.removed_at is null
            returning p.id""",
            Long.class,
            deletes.stream().map(Command.Delete::sourceId).toArray(String[]::new),
            deletes.stream().mapToLong(Command.Delete::version).toArray(),
            practice,
            source);
    chartDecisions.unfile(practice, gone);
    links.flag(practice, gone, "CHART_GONE");
    chartDecisions.settleWithoutMatch(practice, gone, "CHART_GONE");
  }

  private void resolveDeadLetters(int practice, CommandBatch batch) {
    if (batch.letter() != null && batch.deadLettered() == 0) {
      deadLetters.solved(practice, batch.letter());
    }
    resolve(practice, batch, "PATIENTS", Command.Update.class);
    resolve(practice, batch, "MERGES", Command.Merge.class);
    batch.commands().stream()
        .filter(Command.Activity.class::isInstance)
        .map(Command.Activity.class::cast)
        .collect(Collectors.groupingBy(Command.Activity::stream))
        .forEach((stream, commands) -> resolve(practice, batch, stream, commands));
    // Of a record that is gone nothing is left to be mended.
    batch.commands().stream()
        .filter(Command.Remove.class::isInstance)
        .map(Command.Remove.class::cast)
        .collect(Collectors.groupingBy(Command.Remove::stream))
        .forEach((stream, commands) -> resolve(practice, batch, stream, commands));
  }

  private void resolve(
      int practice, CommandBatch batch, String recordType, Class<? extends Command> type) {
    resolve(
        practice,
        batch,
        recordType,
        batch.commands().stream().filter(type::isInstance).map(type::cast).toList());
  }

  private void resolve(
      int practice, CommandBatch batch, String recordType, List<? extends Command> commands) {
    if (!commands.isEmpty()) {
      deadLetters.resolved(
          practice,
          batch.feed(),
          recordType,
          commands.stream().map(Command::sourceId).toArray(String[]::new),
          commands.stream().mapToLong(Command::version).toArray());
    }
  }

  private void count(int practice, CommandBatch batch, RuleDecisions.Counts counts) {
    if (batch.run() == null) {
      return;
    }
    runs.record(
        new Runs.PageOutcome(
            practice,
            batch.run(),
            batch.page(),
            batch.part(),
            batch.handled(),
            batch.expected(),
            batch.records(),
            batch.unchanged(),
            counts.linked(),
            counts.toReview(),
            counts.unlinked(),
            batch.deadLettered(),
            batch.entries() == null ? List.of() : batch.entries()));
  }

  /** Batches to try again, and letters to keep. */
  public record Isolated(List<CommandBatch> batches, List<DeadLetter> deadLetters) {}

  /**
   * Takes apart a batch that failed as a whole too often: halves to try again, or, once a chart
   * stands alone, its dead letter.
   */
  public Isolated isolate(byte[] message) throws IOException {
    CommandBatch batch = RecordJson.mapper().readValue(message, CommandBatch.class);
    List<CommandBatch> halves = batch.halves();
    if (!halves.isEmpty()) {
      return new Isolated(halves, List.of());
    }
    if (batch.commands().isEmpty()) {
      // Nothing but counts and matched members: there is no record to lay aside, so it is tried on.
      return new Isolated(List.of(batch), List.of());
    }
    return new Isolated(List.of(), List.of(alone(batch)));
  }

  private DeadLetter alone(CommandBatch batch) {
    Command first = batch.commands().get(0);
    Runs.@Nullable PageOutcome outcome =
        batch.run() == null
            ? null
            : new Runs.PageOutcome(
                practices.id(batch.practice()),
                batch.run(),
                batch.page(),
                batch.part(),
                batch.handled(),
                batch.expected(),
                batch.records(),
                batch.unchanged(),
                0,
                0,
                0,
                batch.deadLettered() + 1,
                laidAside(batch));
    return new DeadLetter(
        batch.practice(),
        batch.feed(),
        DeadLetter.Hop.APPLY,
        recordType(first),
        first.sourceId(),
        new Cause(Category.STEP_FAILED, CANNOT_BE_APPLIED),
        first.version(),
        RecordJson.mapper().valueToTree(batch.forReplay()),
        outcome);
  }

  private static List<Runs.EntryOutcome> laidAside(CommandBatch batch) {
    List<Runs.EntryOutcome> entries = batch.entries() == null ? List.of() : batch.entries();
    return entries.stream()
        .map(
            e ->
                e.result() == Runs.EntryResult.STORED
                    ? e.laidAside(Category.STEP_FAILED.name(), CANNOT_BE_APPLIED)
                    : e)
        .toList();
  }

  private static String recordType(Command command) {
    if (command instanceof Command.Activity activity) {
      return activity.stream();
    }
    if (command instanceof Command.Remove || command instanceof Command.Delete) {
      return "DELETES";
    }
    return command instanceof Command.Merge ? "MERGES" : "PATIENTS";
  }

  private static String arrayLiteral(Collection<Long> keys) {
    StringBuilder literal = new StringBuilder("{");
    for (Long key : keys) {
      if (literal.length() > 1) {
        literal.append(',');
      }
      literal.append(key.longValue());
    }
    return literal.append('}').toString();
  }
}
