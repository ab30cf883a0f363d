package org.pmslink.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.DryRun;
import org.pmslink.linking.TrialDecisions;
import org.pmslink.linking.TrialDecisions.Outcome;
import org.pmslink.linking.TrialDecisions.Trial;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.practice.Practices;
import org.springframework.context.ConfigurableApplicationContext;

/** {@code feed dry-run}: what a feed would bring, counted; ids and reasons only. */
final class FeedTrial {
  /** Ids of records that fail alike, to look at. */
  private static final int EXAMPLES = 3;

  /**
   * Charts that are decided about side by side; beyond them, two that claim one member go unseen.
   */
  private static final int SIDE_BY_SIDE = 20_000;

  private final Mappings mappings;
  private final List<PatientRecord> patients = new ArrayList<>();
  private final Map<QualityFlag, Integer> flags = new EnumMap<>(QualityFlag.class);
  private final Map<String, List<String>> failing = new TreeMap<>();

  FeedTrial(Mappings mappings) {
    this.mappings = mappings;
  }

  /** Reads the feed, and prints what would come in. */
  DryRun.Source read(Settings settings, String feed) {
    List<Map.Entry<String, JsonNode>> rows = new ArrayList<>();
    DryRun.Source source =
        new DryRun(settings.feeds(), mappings)
            .read(feed, settings::filledIn, (key, raw) -> rows.add(Map.entry(key, raw)));
    Mapping mapping = mappings.get(source.mapping());
    rows.forEach(row -> map(row.getKey(), row.getValue(), mapping, source.zone()));
    print(
        "%s: %,d patients read; nothing was delivered, and no cursor has moved", feed, rows.size());
    print("%,9d would be kept", patients.size());
    print("%,9d would be dead letters", rows.size() - patients.size());
    failing.forEach(
        (reason, ids) ->
            print(
                "%,9d   %s (%s%s)",
                ids.size(),
                reason,
                ids.stream().limit(EXAMPLES).collect(Collectors.joining(", ")),
                ids.size() > EXAMPLES ? ", ..." : ""));
    flags.forEach((flag, count) -> print("%,9d have the quality flag %s", count, flag));
    return source;
  }

  private void map(String key, JsonNode raw, Mapping mapping, ZoneId zone) {
    try {
      // Nothing is kept, so a hash of an SSN is of no use.
      PatientRecord record =
          new PatientNormalizer(ssn -> "(keyed hash)").normalize(mapping.patient(raw), zone);
      patients.add(record);
      record.qualityFlags().forEach(flag -> flags.merge(flag, 1, Integer::sum));
    } catch (MappingException | InvalidRecordException e) {
      failing.computeIfAbsent(String.valueOf(e.getMessage()), r -> new ArrayList<>()).add(key);
    }
  }

  /** Prints what would be decided with the members that the store has. */
  void decide(ConfigurableApplicationContext store, DryRun.Source source) {
    if (!store.getBean(Practices.class).names().contains(source.practice())) {
      print("The store has no practice \"%s\" yet, so nobody could be linked.", source.practice());
      return;
    }
    TrialDecisions trials = store.getBean(TrialDecisions.class);
    Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
    Map<String, Integer> reasons = new TreeMap<>();
    for (int from = 0; from < patients.size(); from += SIDE_BY_SIDE) {
      List<PatientRecord> some =
          patients.subList(from, Math.min(patients.size(), from + SIDE_BY_SIDE));
      for (Trial trial : trials.decide(source.practice(), source.source(), some)) {
        outcomes.merge(trial.outcome(), 1, Integer::sum);
        reasons.merge(trial.outcome() + " " + trial.reason(), 1, Integer::sum);
      }
    }
    for (Outcome outcome : Outcome.values()) {
      print(
          "%,9d would be %s",
          outcomes.getOrDefault(outcome, 0),
          outcome == Outcome.REVIEW ? "in review" : outcome.name().toLowerCase(Locale.ROOT));
      reasons.forEach(
          (reason, count) -> {
            if (reason.startsWith(outcome.name() + " ")) {
              print("%,9d   %s", count, reason.substring(outcome.name().length() + 1));
            }
          });
    }
  }

  private static void print(String format, @Nullable Object... values) {
    CommandLineTool.out().println(String.format(Locale.ROOT, format, values));
  }
}
