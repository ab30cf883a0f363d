package org.pmslink.linking;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.activity.ActivityNormalizer;
import org.pmslink.activity.ActivityRecord;
import org.pmslink.activity.SourceActivity;
import org.pmslink.deadletter.Cause;
import org.pmslink.deadletter.DeadLetter;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.linking.Linking.Subject;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Charts.Known;
import org.pmslink.membership.Command;
import org.pmslink.membership.CommandBatch;
import org.pmslink.membership.Verdicts;
import org.pmslink.outage.DatabaseOutage;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SourceText;
import org.pmslink.patient.SourceTime;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.progress.Runs.EntryOutcome;
import org.pmslink.progress.Runs.EntryResult;
import org.springframework.stereotype.Component;

/**
 * The match step: a batch of records in, the commands that follow from it out. A record that cannot
 * be mapped leaves the batch as its own dead letter; its neighbours go on. Reads the store, writes
 * nothing.
 */
@Component
public class LinkRecords {
  /** Of more charts that share a key with a member, the rest is found under narrower ones. */
  private static final int LONGEST_LIST = 1_000;

  private static final String CANNOT_BE_MATCHED =
      "matching this record failed repeatedly, though it was tried alone";

  private final Practices practices;
  private final Mappings mappings;
  private final PatientNormalizer normalizer;
  private final Populations populations;
  private final Charts charts;
  private final Verdicts verdicts;
  private final Activities activities;
  private final DeadLetters deadLetters;
  private final Runs runs;
  private final DatabaseOutage outage;

  LinkRecords(
      Practices practices,
      Mappings mappings,
      PatientNormalizer normalizer,
      Populations populations,
      Charts charts,
      Verdicts verdicts,
      Activities activities,
      DeadLetters deadLetters,
      Runs runs,
      DatabaseOutage outage) {
    this.runs = runs;
    this.activities = activities;
    this.practices = practices;
    this.mappings = mappings;
    this.normalizer = normalizer;
    this.populations = populations;
    this.charts = charts;
    this.verdicts = verdicts;
    this.deadLetters = deadLetters;
    this.outage = outage;
  }

  /** What follows from a batch: commands for the store, and the records that follow no further. */
  public record Result(CommandBatch commands, List<DeadLetter> deadLetters) {}

  /** Handles a message as it comes from the queue. */
  public Result link(byte[] message) throws Exception {
    RecordBatch batch = RecordJson.mapper().readValue(message, RecordBatch.class);
    return outage.rideOut(() -> link(batch));
  }

  /** Handles a batch. */
  public Result link(RecordBatch batch) {
    return link(batch, populations.matcher(batch.practice()));
  }

  /** Handles a batch by other rules than those that the practice uses, or without noting those. */
  Result link(RecordBatch batch, PracticeMatcher matcher) {
    int practice = practices.id(batch.practice());
    StoredPractice stored = new StoredPractice(practice, batch.source(), charts, verdicts);
    Work work = new Work(batch, practice, charts.seenUntil(), matcher, stored);
    switch (batch.type()) {
      case PATIENTS -> patients(work);
      case MERGES -> merges(work);
      case PROVIDERS, CLINICS, VISITS, TRANSACTIONS -> activity(work);
      case DELETES -> deletes(work);
      case PATIENT_IDS -> work.commands.addAll(work.linking.decideStored(ids(batch)));
      case MEMBER_IDS -> memberIds(work);
    }
    return work.result();
  }

  /** What one batch has come to. */
  private static final class Work {
    final RecordBatch batch;
    final int practice;
    final Instant matchedAt;
    final PracticeMatcher matcher;
    final StoredPractice stored;
    final Linking linking;
    final List<Command> commands = new ArrayList<>();
    final List<CommandBatch.MatchedMember> matched = new ArrayList<>();
    final List<DeadLetter> dead = new ArrayList<>();
    int unchanged;

    /** Ids of the records, by their place in the batch; null where none was found. */
    private final @Nullable String[] ids;

    private final Map<Integer, DeadLetter> laidAside = new HashMap<>();
    private final Set<String> same = new HashSet<>();

    Work(
        RecordBatch batch,
        int practice,
        Instant matchedAt,
        PracticeMatcher matcher,
        StoredPractice stored) {
      this.batch = batch;
      this.practice = practice;
      this.matchedAt = matchedAt;
      this.matcher = matcher;
      this.stored = stored;
      this.linking = new Linking(matcher, stored);
      this.ids = new @Nullable String[batch.records().size()];
    }

    /** The record at this place is usable and has this id. */
    void named(int entry, String sourceId) {
      ids[entry] = sourceId;
    }

    /** The store has what the record of this id says. */
    void unchanged(String sourceId) {
      unchanged++;
      same.add(sourceId);
    }

    void dead(int entry, @Nullable String sourceId, Cause cause) {
      JsonNode raw = batch.records().get(entry);
      String id = name(sourceId, raw);
      RecordBatch alone = forReplay(batch, raw);
      DeadLetter letter =
          new DeadLetter(
              batch.practice(),
              batch.feed(),
              Hop.MATCH,
              letterType(batch),
              id,
              cause,
              batch.version(),
              RecordJson.mapper().valueToTree(alone),
              null);
      dead.add(letter);
      ids[entry] = sourceId == null ? null : id;
      laidAside.put(entry, letter);
    }

    /** What becomes of each record, for a sender who may ask for it. */
    private @Nullable List<EntryOutcome> entries() {
      if (batch.firstEntry() == null) {
        return null;
      }
      List<EntryOutcome> entries = new ArrayList<>();
      Set<String> later = new HashSet<>();
      for (int i = ids.length - 1; i >= 0; i--) {
        DeadLetter letter = laidAside.get(i);
        String id = ids[i];
        EntryResult result =
            id != null && same.contains(id) ? EntryResult.UNCHANGED : EntryResult.STORED;
        // An id among deletes may be a chart's and a visit's.
        if (letter == null && id != null && !later.add(id) && batch.type() != RecordType.DELETES) {
          result = EntryResult.SUPERSEDED;
        }
        EntryOutcome outcome =
            new EntryOutcome(batch.stream(), batch.firstEntry() + i, id, result, null, null);
        entries.add(
            letter == null
                ? outcome
                : outcome.laidAside(letter.cause().category().name(), letter.cause().message()));
      }
      return entries;
    }

    Result result() {
      boolean read = batch.type().isDelivered();
      int entries = batch.records().size();
      return new Result(
          new CommandBatch(
              CommandBatch.SCHEMA,
              batch.practice(),
              batch.source(),
              batch.feed(),
              batch.run(),
              batch.page(),
              batch.part(),
              entries,
              batch.expected(),
              read ? entries : 0,
              unchanged,
              dead.size(),
              batch.letter(),
              matchedAt,
              commands,
              matched,
              entries()),
          dead);
    }
  }

  /** By its stream, in which alone an id names one record. */
  private static String letterType(RecordBatch batch) {
    return batch.type() == RecordType.DELETES ? RecordType.DELETES.name() : batch.stream();
  }

  private static RecordBatch forReplay(RecordBatch batch, JsonNode raw) {
    // A replay belongs to no pass, and by then the first load is over: it is matched at once.
    return new RecordBatch(
        batch.practice(),
        batch.source(),
        batch.feed(),
        null,
        0,
        "",
        1,
        batch.version(),
        batch.type(),
        batch.stream(),
        true,
        batch.mapping(),
        batch.zone(),
        batch.officeZone(),
        batch.letter(),
        List.of(raw));
  }

  private void patients(Work work) {
    Mapping mapping = mappings.get(Objects.requireNonNull(work.batch.mapping()));
    ZoneId zone = ZoneId.of(Objects.requireNonNull(work.batch.zone()));
    // The same chart twice in a batch: the later one counts.
    Map<String, PatientRecord> records = new LinkedHashMap<>();
    Map<String, Long> fingerprints = new HashMap<>();
    Map<String, String> replaced = new LinkedHashMap<>();
    for (int i = 0; i < work.batch.records().size(); i++) {
      String unreadable = UnreadableLine.place(work.batch.records().get(i));
      if (unreadable != null) {
        work.dead(i, unreadable, Causes.invalid(mapping, UnreadableLine.PROBLEM, null));
        continue;
      }
      String sourceId = null;
      try {
        var source = mapping.patient(work.batch.records().get(i));
        sourceId = source.sourceId();
        PatientRecord record = normalizer.normalize(source, zone);
        List<String> losers = new ArrayList<>();
        for (String loser : source.replaces() == null ? List.<String>of() : source.replaces()) {
          // A mapping's JSON may hold nulls that the type does not show.
          String id = SourceText.id("replaces", loser);
          if (id != null) {
            losers.add(id);
          }
        }
        work.named(i, record.sourceId());
        records.put(record.sourceId(), record);
        losers.forEach(id -> replaced.put(id, record.sourceId()));
        fingerprints.put(record.sourceId(), Fingerprint.of(work.batch.records().get(i)));
      } catch (MappingException e) {
        work.dead(i, idInRaw(work.batch.records().get(i)), Causes.of(mapping, e));
      } catch (InvalidRecordException e) {
        work.dead(i, sourceId, Causes.of(mapping, e));
      } catch (RuntimeException e) {
        // Never the exception's own message: it may quote the record.
        work.dead(
            i,
            sourceId,
            Causes.invalid(mapping, "normalising failed: " + e.getClass().getSimpleName(), null));
      }
    }
    Map<String, Known> known = charts.known(work.practice, work.batch.source(), records.keySet());
    Set<String> open = records.isEmpty() ? Set.of() : openLetters(work, records.keySet());
    List<Subject> subjects = new ArrayList<>();
    Map<String, Command.Merge> merges = mergesIn(work, records.values(), replaced);
    Map<String, Command.Parting> partings = partings(work, records, known, replaced);
    for (PatientRecord record : records.values()) {
      Known chart = known.get(record.sourceId());
      if (chart != null
          && !partings.containsKey(record.sourceId())
          && ((isUnchanged(record, chart, work.batch) && !open.contains(record.sourceId()))
              || isOvertaken(
                  work.batch, record.sourceModifiedAt(), chart.sourceModifiedAt(), chart.gone()))) {
        work.unchanged(record.sourceId());
        continue;
      }
      work.commands.add(
          new Command.Update(
              record.sourceId(),
              work.batch.version(),
              Objects.requireNonNull(fingerprints.get(record.sourceId())),
              record,
              keys(record),
              partings.get(record.sourceId())));
      if (work.batch.decide()) {
        subjects.add(
            new Subject(
                record.sourceId(),
                work.batch.version(),
                chart == null ? null : chart.id(),
                record,
                (chart != null && chart.merged()) || merges.containsKey(record.sourceId()),
                chart == null ? null : chart.link()));
      }
    }
    work.commands.addAll(merges.values());
    work.commands.addAll(work.linking.decide(subjects));
  }

  /**
   * Merges that charts tell of themselves, as far as the store does not know them.
   *
   * @param replaced what survivors tell, by the chart that was merged; its own word counts more
   */
  private Map<String, Command.Merge> mergesIn(
      Work work, Collection<PatientRecord> records, Map<String, String> replaced) {
    Map<String, Command.Merge> merges = new LinkedHashMap<>();
    replaced.forEach(
        (loser, survivor) -> {
          if (!loser.equals(survivor)) {
            merges.put(loser, new Command.Merge(loser, work.batch.version(), survivor, null, true));
          }
        });
    for (PatientRecord record : records) {
      String survivor = record.mergedIntoSourceId();
      if (survivor != null && !survivor.equals(record.sourceId())) {
        merges.put(
            record.sourceId(),
            new Command.Merge(record.sourceId(), work.batch.version(), survivor, null, false));
      }
    }
    if (!merges.isEmpty()) {
      charts
          .merged(work.practice, work.batch.source(), merges.keySet())
          .forEach(
              (loser, stored) ->
                  merges.computeIfPresent(
                      loser, (id, m) -> m.survivorSourceId().equals(stored.survivor()) ? null : m));
    }
    return merges;
  }

  /**
   * Charts whose survivor had told that it replaces them, and tells it no more: each is a chart of
   * its own again. One that is not in the batch is filed anew as it is stored.
   *
   * @param known the stored charts of the batch; what is older than they are says nothing
   * @param replaced what the survivors in the batch tell now, by the chart that was merged
   */
  private Map<String, Command.Parting> partings(
      Work work,
      Map<String, PatientRecord> records,
      Map<String, Known> known,
      Map<String, String> replaced) {
    Map<String, Command.Parting> partings = new HashMap<>();
    if (!work.batch.decide() || records.isEmpty()) {
      return partings;
    }
    for (Charts.Replaced chart :
        charts.replaced(work.practice, work.batch.source(), records.keySet())) {
      String id = chart.record().sourceId();
      Known survivor = known.get(chart.survivor());
      if (chart.survivor().equals(replaced.get(id))
          || survivor == null
          || survivor.version() > work.batch.version()) {
        continue;
      }
      Command.Parting parting = new Command.Parting(chart.survivor(), work.batch.version());
      partings.put(id, parting);
      if (!records.containsKey(id)) {
        work.commands.add(
            new Command.Update(
                id,
                chart.version(),
                chart.fingerprint(),
                chart.record(),
                keys(chart.record()),
                parting));
      }
    }
    return partings;
  }

  /** Who is nobody is filed nowhere, and so is nobody's rival and shares no telephone. */
  static List<Long> keys(PatientRecord record) {
    return Linking.isNobody(record)
        ? List.of()
        : List.copyOf(new TreeSet<>(PracticeMatcher.blockingKeys(record.person())));
  }

  /**
   * A record costs nothing only if the store has this very version: the same content under the same
   * stamp. The stamp matters because a newer version may still be on its way to the store.
   */
  private static boolean isUnchanged(PatientRecord record, Known chart, RecordBatch batch) {
    return !chart.gone()
        && (chart.settled() || !batch.decide())
        && record.contentHash().equals(chart.contentHash())
        && Objects.equals(record.sourceModifiedAt(), chart.sourceModifiedAt());
  }

  /**
   * Whether a record was sent so late that the store has a newer state of it. One that is gone
   * comes back with a newer stamp only.
   */
  private static boolean isOvertaken(
      RecordBatch batch, @Nullable Instant stamp, @Nullable Instant stored, boolean gone) {
    return batch.byStamp()
        && stamp != null
        && stored != null
        && (gone ? !stamp.isAfter(stored) : stamp.isBefore(stored));
  }

  private static String name(@Nullable String sourceId, JsonNode raw) {
    try {
      String id = SourceText.id("sourceId", sourceId);
      return id == null ? nameWithoutId(raw) : id;
    } catch (InvalidRecordException e) {
      return nameWithoutId(raw);
    }
  }

  /**
   * What the letter of a record is called whose id is not known: it is told from others by its
   * content, through a hash that shows none.
   */
  public static String nameWithoutId(JsonNode raw) {
    return "no-id-" + Integer.toHexString(raw.hashCode());
  }

  /** The first field that looks like an id, when the mapping could not tell. */
  private static @Nullable String idInRaw(JsonNode raw) {
    JsonNode first = raw.isObject() && raw.size() > 0 ? raw.elements().next() : raw;
    return first.isIntegralNumber() ? first.asText() : null;
  }

  private void merges(Work work) {
    Mapping mapping = mappings.get(Objects.requireNonNull(work.batch.mapping()));
    ZoneId zone = work.batch.zone() == null ? ZoneOffset.UTC : ZoneId.of(work.batch.zone());
    Map<String, Command.Merge> merges = new LinkedHashMap<>();
    for (int i = 0; i < work.batch.records().size(); i++) {
      try {
        var source = mapping.merge(work.batch.records().get(i));
        String loser = SourceText.id("loser", source.loser());
        String survivor = SourceText.id("survivor", source.survivor());
        if (loser == null || survivor == null) {
          work.dead(
              i,
              loser,
              Causes.invalid(
                  mapping,
                  "a merge needs the fields \"loser\" and \"survivor\"",
                  loser == null ? "loser" : "survivor"));
          continue;
        }
        work.named(i, loser);
        // Real databases hold charts merged into themselves; that says nothing.
        if (loser.equals(survivor)) {
          work.unchanged(loser);
          continue;
        }
        Command.Merge merge =
            new Command.Merge(
                loser, work.batch.version(), survivor, mergedAt(source.mergedAt(), zone), false);
        // The same chart twice in a batch: one of them holds.
        Command.Merge earlier = merges.get(loser);
        if (earlier == null) {
          merges.put(loser, merge);
        } else {
          work.unchanged++;
          if (merge.holdsAgainst(earlier.survivorSourceId(), earlier.mergedAt())) {
            merges.put(loser, merge);
          }
        }
      } catch (MappingException e) {
        work.dead(i, idInRaw(work.batch.records().get(i)), Causes.of(mapping, e));
      } catch (InvalidRecordException e) {
        work.dead(i, null, Causes.of(mapping, e));
      }
    }
    Map<String, Charts.Merged> known =
        charts.merged(work.practice, work.batch.source(), merges.keySet());
    for (Command.Merge merge : merges.values()) {
      if (isKnown(merge, known.get(merge.sourceId()))) {
        work.unchanged(merge.sourceId());
      } else {
        work.commands.add(merge);
      }
    }
  }

  /**
   * Of several merges of one chart, each is read again until the feed's overlap is past, and often
   * in another batch: one that holds no more must not take turns with the one that does.
   */
  private static boolean isKnown(Command.Merge merge, Charts.@Nullable Merged stored) {
    if (stored == null) {
      return false;
    }
    if (!merge.survivorSourceId().equals(stored.survivor())) {
      return !merge.holdsAgainst(stored.survivor(), stored.at());
    }
    Instant at = merge.mergedAt();
    return at == null || (stored.at() != null && !at.isAfter(stored.at()));
  }

  private static @Nullable Instant mergedAt(@Nullable String text, ZoneId zone) {
    String typed = SourceText.clean("mergedAt", text);
    try {
      Instant at = typed == null ? null : SourceTime.instant(typed, zone);
      // As exact as the store is, or it would never be the same again.
      return at == null ? null : at.truncatedTo(ChronoUnit.MICROS);
    } catch (DateTimeException e) {
      throw new InvalidRecordException("mergedAt: " + e.getMessage());
    }
  }

  /** Visits and the like are matched with nobody: they go where their chart goes. */
  private void activity(Work work) {
    RecordBatch batch = work.batch;
    Mapping mapping = mappings.get(Objects.requireNonNull(batch.mapping()));
    ZoneId stamps = ZoneId.of(Objects.requireNonNull(batch.zone()));
    ZoneId office = batch.officeZone() == null ? stamps : ZoneId.of(batch.officeZone());
    Class<? extends SourceActivity> type = sourceType(batch.type());
    // The same record twice in a batch: the later one counts.
    Map<String, Command.Activity> records = new LinkedHashMap<>();
    // Planned and nothing more, so that it has no date yet, or no price: it cannot be kept, and
    // need not be.
    Set<String> neverWere = new LinkedHashSet<>();
    for (int i = 0; i < batch.records().size(); i++) {
      JsonNode raw = batch.records().get(i);
      String sourceId = null;
      boolean isVoid = false;
      try {
        SourceActivity source = mapping.activity(raw, type);
        sourceId = source.sourceId();
        isVoid = source.isVoid();
        ActivityRecord record = ActivityNormalizer.normalize(source, office, stamps);
        work.named(i, record.sourceId());
        Command.Activity earlier =
            records.put(
                record.sourceId(),
                new Command.Activity(
                    batch.stream(),
                    record.sourceId(),
                    batch.version(),
                    Fingerprint.of(raw),
                    Fingerprint.of(RecordJson.mapper().<JsonNode>valueToTree(record)),
                    record));
        work.unchanged += neverWere.remove(record.sourceId()) || earlier != null ? 1 : 0;
      } catch (MappingException e) {
        work.dead(i, idInRaw(raw), Causes.of(mapping, e));
      } catch (InvalidRecordException e) {
        if (sourceId == null || !isVoid || !name(sourceId, raw).equals(sourceId)) {
          work.dead(i, sourceId, Causes.of(mapping, e));
          continue;
        }
        work.named(i, sourceId);
        boolean earlier = records.remove(sourceId) != null;
        work.unchanged += neverWere.add(sourceId) && !earlier ? 0 : 1;
      }
    }
    Set<String> all = new LinkedHashSet<>(records.keySet());
    all.addAll(neverWere);
    Map<String, Activities.Known> known =
        activities.known(work.practice, batch.source(), batch.stream(), all);
    Set<String> open = all.isEmpty() ? Set.of() : openLetters(work, all);
    for (String id : neverWere) {
      Activities.Known before = known.get(id);
      if ((before == null || before.gone()) && !open.contains(id)) {
        work.unchanged(id);
      } else {
        work.commands.add(removal(batch.stream(), id, batch.version()));
      }
    }
    for (Command.Activity command : records.values()) {
      Activities.Known before = known.get(command.sourceId());
      boolean unchanged =
          before == null
              // Many a PMS lists what never came to be beside what did.
              ? command.record().isVoid()
              : !before.gone()
                  && before.fingerprint() == command.fingerprint()
                  && before.contentHash() == command.contentHash();
      boolean overtaken =
          before != null
              && isOvertaken(
                  batch, command.record().sourceModifiedAt(), before.modifiedAt(), before.gone());
      if ((unchanged && !open.contains(command.sourceId())) || overtaken) {
        work.unchanged(command.sourceId());
      } else {
        work.commands.add(command);
      }
    }
  }

  private static Class<? extends SourceActivity> sourceType(RecordType type) {
    return switch (type) {
      case VISITS -> SourceActivity.Visit.class;
      case TRANSACTIONS -> SourceActivity.Transaction.class;
      case PROVIDERS -> SourceActivity.Provider.class;
      case CLINICS -> SourceActivity.Clinic.class;
      default -> throw new IllegalArgumentException(type + " is no activity");
    };
  }

  private Set<String> openLetters(Work work, Set<String> sourceIds) {
    return Set.copyOf(
        deadLetters.open(
            work.practice, work.batch.feed(), work.batch.stream(), List.copyOf(sourceIds)));
  }

  private void deletes(Work work) {
    if (work.batch.mapping() == null) {
      // The feed's own finding: ids that the stream had.
      for (JsonNode id : work.batch.records()) {
        work.commands.add(removal(work.batch.stream(), id.asText(), work.batch.version()));
      }
      return;
    }
    Mapping mapping = mappings.get(work.batch.mapping());
    for (int i = 0; i < work.batch.records().size(); i++) {
      JsonNode raw = work.batch.records().get(i);
      try {
        Mapping.SourceDelete delete = mapping.delete(raw);
        RecordStream stream = deletedFrom(delete);
        String sourceId = SourceText.id("sourceId", delete.sourceId());
        if (stream == null || sourceId == null) {
          work.dead(
              i,
              sourceId == null ? idInRaw(raw) : sourceId,
              Causes.invalid(
                  mapping,
                  "a delete needs a \"sourceId\", and a \"type\" that is patient, visit,"
                      + " transaction, provider or clinic",
                  sourceId == null ? "sourceId" : "type"));
          continue;
        }
        work.named(i, sourceId);
        work.commands.add(removal(stream.name(), sourceId, work.batch.version()));
      } catch (MappingException e) {
        work.dead(i, idInRaw(raw), Causes.of(mapping, e));
      } catch (InvalidRecordException e) {
        work.dead(i, null, Causes.of(mapping, e));
      }
    }
  }

  private static @Nullable RecordStream deletedFrom(Mapping.SourceDelete delete) {
    if (delete.type() == null) {
      return null;
    }
    String part = delete.part() == null ? "" : "-" + delete.part();
    return RecordStream.ofFile(delete.type() + part)
        .filter(s -> s.type() == RecordType.PATIENTS || s.type().isActivity())
        .orElse(null);
  }

  private static Command removal(String stream, String sourceId, long version) {
    return stream.equals(RecordType.PATIENTS.name())
        ? new Command.Delete(sourceId, version)
        : new Command.Remove(stream, sourceId, version);
  }

  /** Members are matched through their charts, so that both ways give the same decisions. */
  private void memberIds(Work work) {
    long[] ids = ids(work.batch);
    // They are asked about for one PMS after the other, and matched once that is so for the last.
    List<String> sources = runs.sources(work.practice);
    boolean last = sources.isEmpty() || sources.get(sources.size() - 1).equals(work.batch.source());
    if (last) {
      charts
          .members(work.practice, ids)
          .values()
          .forEach(
              m -> work.matched.add(new CommandBatch.MatchedMember(m.memberNumber(), m.version())));
    }
    for (Charts.Removed member : charts.removedMembers(work.practice, work.batch.source(), ids)) {
      if (last) {
        work.matched.add(new CommandBatch.MatchedMember(member.memberNumber(), member.version()));
      }
      if (member.sourceId() != null) {
        work.commands.add(
            new Command.Unlink(
                member.sourceId(),
                member.chartVersion(),
                member.memberNumber(),
                "rule",
                "MEMBER_REMOVED"));
      }
    }
    work.commands.addAll(work.linking.decideStored(sharing(work, ids)));
  }

  /**
   * Charts on which these members bear: those that may be theirs, and those linked or in review
   * that share a telephone or anything else with them.
   */
  private long[] sharing(Work work, long[] memberIds) {
    Set<Long> sharing = new HashSet<>();
    charts
        .chartsUnder(work.practice, charts.keysOfMembers(work.practice, memberIds), LONGEST_LIST)
        .values()
        .forEach(sharing::addAll);
    Set<Long> concerned = new TreeSet<>(charts.inQuestion(work.practice, sharing));
    concerned.addAll(
        work.matcher.chartsLike(work.stored, Arrays.stream(memberIds).boxed().toList()));
    return StoredPractice.array(concerned);
  }

  private static long[] ids(RecordBatch batch) {
    return batch.records().stream().mapToLong(JsonNode::asLong).toArray();
  }

  /**
   * Takes apart a batch that failed as a whole too often: halves to try again, or, once a record
   * stands alone, its dead letter.
   */
  public Isolated isolate(byte[] message) throws IOException {
    RecordBatch batch = RecordJson.mapper().readValue(message, RecordBatch.class);
    if (batch.records().size() > 1) {
      return new Isolated(batch.halves(), List.of());
    }
    return new Isolated(
        List.of(),
        batch.records().stream().map(raw -> alone(batch, raw)).collect(Collectors.toList()));
  }

  /** Batches to try again, and letters to keep. */
  public record Isolated(List<RecordBatch> batches, List<DeadLetter> deadLetters) {}

  private @Nullable String mappingVersion(@Nullable String mapping) {
    try {
      return mapping == null ? null : mappings.get(mapping).version();
    } catch (MappingException e) {
      return null; // it is not even there
    }
  }

  private DeadLetter alone(RecordBatch batch, JsonNode raw) {
    Runs.PageOutcome outcome =
        batch.run() == null
            ? null
            : new Runs.PageOutcome(
                practices.id(batch.practice()),
                batch.run(),
                batch.page(),
                batch.part(),
                1,
                batch.expected(),
                1,
                0,
                0,
                0,
                0,
                1,
                batch.firstEntry() == null
                    ? List.of()
                    : List.of(
                        new EntryOutcome(
                            batch.stream(),
                            batch.firstEntry(),
                            idInRaw(raw),
                            EntryResult.DEAD_LETTER,
                            Category.STEP_FAILED.name(),
                            CANNOT_BE_MATCHED)));
    return new DeadLetter(
        batch.practice(),
        batch.feed(),
        Hop.MATCH,
        letterType(batch),
        name(idInRaw(raw), raw),
        new Cause(Category.STEP_FAILED, CANNOT_BE_MATCHED)
            .through(batch.mapping(), mappingVersion(batch.mapping())),
        batch.version(),
        RecordJson.mapper().valueToTree(forReplay(batch, raw)),
        outcome);
  }
}
