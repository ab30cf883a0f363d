package org.pmslink.linking;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.DeadLetter;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.linking.Linking.Subject;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.matching.Decision.UnmatchedReason;
import org.pmslink.matching.Matcher;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Charts.Brief;
import org.pmslink.membership.Charts.Known;
import org.pmslink.membership.Charts.Pair;
import org.pmslink.membership.Charts.Stored;
import org.pmslink.membership.Command;
import org.pmslink.membership.CommandBatch;
import org.pmslink.outage.DatabaseOutage;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.stereotype.Component;

/**
 * The match step: a batch of records in, the commands that follow from it out. A record that cannot
 * be mapped leaves the batch as its own dead letter; its neighbours go on. Reads the store, writes
 * nothing.
 */
@Component
public class LinkRecords {
  private final Practices practices;
  private final Mappings mappings;
  private final PatientNormalizer normalizer;
  private final Matcher matcher;
  private final Charts charts;
  private final DeadLetters deadLetters;
  private final DatabaseOutage outage;
  private final Linking linking;

  LinkRecords(
      Practices practices,
      Mappings mappings,
      PatientNormalizer normalizer,
      Matcher matcher,
      Charts charts,
      DeadLetters deadLetters,
      DatabaseOutage outage) {
    this.practices = practices;
    this.mappings = mappings;
    this.normalizer = normalizer;
    this.matcher = matcher;
    this.charts = charts;
    this.deadLetters = deadLetters;
    this.outage = outage;
    this.linking = new Linking(matcher, charts);
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
    Work work = new Work(batch, practices.id(batch.practice()));
    switch (batch.type()) {
      case PATIENTS -> patients(work);
      case MERGES -> merges(work);
      case DELETES -> deletes(work);
      case PATIENT_IDS -> patientIds(work, ids(batch));
      case MEMBER_IDS -> memberIds(work);
    }
    return work.result();
  }

  /** What one batch has come to. */
  private static final class Work {
    final RecordBatch batch;
    final int practice;
    final List<Command> commands = new ArrayList<>();
    final List<CommandBatch.MatchedMember> matched = new ArrayList<>();
    final List<DeadLetter> dead = new ArrayList<>();
    int unchanged;

    Work(RecordBatch batch, int practice) {
      this.batch = batch;
      this.practice = practice;
    }

    void dead(int entry, @Nullable String sourceId, Category category, String message) {
      JsonNode raw = batch.records().get(entry);
      String id = name(sourceId, raw);
      RecordBatch alone = forReplay(batch, raw);
      dead.add(
          new DeadLetter(
              batch.practice(),
              batch.feed(),
              Hop.MATCH,
              batch.type().name(),
              id,
              category,
              message,
              batch.version(),
              RecordJson.mapper().valueToTree(alone),
              null));
    }

    Result result() {
      boolean read = batch.type().compareTo(RecordType.DELETES) <= 0;
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
              commands,
              matched),
          dead);
    }
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
        true,
        batch.mapping(),
        batch.zone(),
        batch.letter(),
        List.of(raw));
  }

  private void patients(Work work) {
    Mapping mapping = mappings.get(Objects.requireNonNull(work.batch.mapping()));
    ZoneId zone = ZoneId.of(Objects.requireNonNull(work.batch.zone()));
    // The same chart twice in a batch: the later one counts.
    Map<String, PatientRecord> records = new LinkedHashMap<>();
    Map<String, Long> fingerprints = new HashMap<>();
    for (int i = 0; i < work.batch.records().size(); i++) {
      String sourceId = null;
      try {
        var source = mapping.patient(work.batch.records().get(i));
        sourceId = source.sourceId();
        PatientRecord record = normalizer.normalize(source, zone);
        records.put(record.sourceId(), record);
        fingerprints.put(record.sourceId(), Fingerprint.of(work.batch.records().get(i)));
      } catch (MappingException e) {
        work.dead(
            i,
            idInRaw(work.batch.records().get(i)),
            Category.MAPPING_FAILED,
            String.valueOf(e.getMessage()));
      } catch (InvalidRecordException e) {
        work.dead(i, sourceId, Category.INVALID_RECORD, String.valueOf(e.getMessage()));
      } catch (RuntimeException e) {
        // Never the exception's own message: it may quote the record.
        work.dead(
            i,
            sourceId,
            Category.INVALID_RECORD,
            "normalising failed: " + e.getClass().getSimpleName());
      }
    }
    Map<String, Known> known = charts.known(work.practice, work.batch.source(), records.keySet());
    Set<String> open =
        records.isEmpty()
            ? Set.of()
            : Set.copyOf(
                deadLetters.open(
                    work.practice,
                    work.batch.feed(),
                    RecordType.PATIENTS.name(),
                    List.copyOf(records.keySet())));
    List<Subject> subjects = new ArrayList<>();
    for (PatientRecord record : records.values()) {
      Known chart = known.get(record.sourceId());
      if (chart != null
          && isUnchanged(record, chart, work.batch)
          && !open.contains(record.sourceId())) {
        work.unchanged++;
        continue;
      }
      work.commands.add(
          new Command.Update(
              record.sourceId(),
              work.batch.version(),
              Objects.requireNonNull(fingerprints.get(record.sourceId())),
              record,
              List.copyOf(new TreeSet<>(matcher.blockingKeys(record.person())))));
      if (work.batch.decide()) {
        subjects.add(
            new Subject(
                subjects.size(),
                record.sourceId(),
                work.batch.version(),
                chart == null ? null : chart.id(),
                record,
                chart != null && chart.merged(),
                chart == null ? null : chart.linkedTo()));
      }
    }
    work.commands.addAll(linking.decide(work.practice, work.batch.source(), subjects));
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

  /** A record without an id is told from others by its content, through a hash that shows none. */
  private static String name(@Nullable String sourceId, JsonNode raw) {
    return sourceId == null ? "no-id-" + Integer.toHexString(raw.hashCode()) : sourceId;
  }

  /** The first field that looks like an id, when the mapping could not tell. */
  private static @Nullable String idInRaw(JsonNode raw) {
    JsonNode first = raw.isObject() && raw.size() > 0 ? raw.elements().next() : raw;
    return first.isIntegralNumber() ? first.asText() : null;
  }

  private void merges(Work work) {
    Mapping mapping = mappings.get(Objects.requireNonNull(work.batch.mapping()));
    // The same chart twice in a batch: the later one counts.
    Map<String, Command.Merge> merges = new LinkedHashMap<>();
    for (int i = 0; i < work.batch.records().size(); i++) {
      try {
        var merge = mapping.merge(work.batch.records().get(i));
        if (merge.loser() == null || merge.survivor() == null) {
          work.dead(
              i,
              merge.loser(),
              Category.INVALID_RECORD,
              "a merge needs the fields \"loser\" and \"survivor\"");
          continue;
        }
        // Real databases hold charts merged into themselves; that says nothing.
        if (merge.loser().equals(merge.survivor())) {
          work.unchanged++;
          continue;
        }
        Command.Merge earlier =
            merges.put(
                merge.loser(),
                new Command.Merge(merge.loser(), work.batch.version(), merge.survivor()));
        work.unchanged += earlier == null ? 0 : 1;
      } catch (MappingException e) {
        work.dead(
            i,
            idInRaw(work.batch.records().get(i)),
            Category.MAPPING_FAILED,
            String.valueOf(e.getMessage()));
      }
    }
    Map<String, String> known = charts.merged(work.practice, work.batch.source(), merges.keySet());
    for (Command.Merge merge : merges.values()) {
      if (merge.survivorSourceId().equals(known.get(merge.sourceId()))) {
        work.unchanged++;
      } else {
        work.commands.add(merge);
      }
    }
  }

  private static void deletes(Work work) {
    for (JsonNode id : work.batch.records()) {
      work.commands.add(new Command.Delete(id.asText(), work.batch.version()));
    }
  }

  private void patientIds(Work work, long[] ids) {
    List<Brief> briefs = charts.briefly(work.practice, work.batch.source(), ids);
    List<Pair> pairs = linking.candidates(work.practice, briefs);
    Map<Long, String> linkedTo =
        charts.linkedTo(work.practice, briefs.stream().map(Brief::id).toList());
    Set<Long> comparable = new HashSet<>(linkedTo.keySet());
    pairs.forEach(pair -> comparable.add(pair.subject()));
    for (Brief chart : briefs) {
      if (!comparable.contains(chart.id())) {
        work.commands.add(
            new Command.NoMatch(
                chart.sourceId(),
                chart.version(),
                UnmatchedReason.NO_CANDIDATE.name(),
                matcher.rulesVersion()));
      }
    }
    List<Subject> subjects = new ArrayList<>();
    for (Stored chart :
        charts.stored(work.practice, comparable.stream().mapToLong(i -> i).toArray())) {
      subjects.add(
          new Subject(
              chart.id(),
              chart.sourceId(),
              chart.version(),
              chart.id(),
              chart.record(),
              chart.gone() || chart.merged(),
              linkedTo.get(chart.id())));
    }
    work.commands.addAll(linking.decide(work.practice, work.batch.source(), subjects, pairs));
  }

  /** Members are matched through their charts, so that both ways give the same decisions. */
  private void memberIds(Work work) {
    long[] ids = ids(work.batch);
    charts
        .members(work.practice, ids)
        .values()
        .forEach(
            m -> work.matched.add(new CommandBatch.MatchedMember(m.memberNumber(), m.version())));
    for (Charts.Removed member : charts.removedMembers(work.practice, work.batch.source(), ids)) {
      work.matched.add(new CommandBatch.MatchedMember(member.memberNumber(), member.version()));
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
    long[] patients =
        charts.chartsSharing(work.practice, ids).stream()
            .mapToLong(Charts.Pair::other)
            .distinct()
            .sorted()
            .toArray();
    patientIds(work, patients);
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
                1);
    return new DeadLetter(
        batch.practice(),
        batch.feed(),
        Hop.MATCH,
        batch.type().name(),
        name(idInRaw(raw), raw),
        Category.STEP_FAILED,
        "matching this record failed repeatedly, though it was tried alone",
        batch.version(),
        RecordJson.mapper().valueToTree(forReplay(batch, raw)),
        outcome);
  }
}
