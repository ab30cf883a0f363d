package org.pmslink.linking;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Charts;
import org.pmslink.patient.Person;
import org.springframework.stereotype.Component;

/**
 * What the store has of a feed's rows, so that a feed need not send what would change nothing. A
 * re-read of a whole practice, and what an overlap reads twice, costs no message that way.
 */
@Component
public class KnownRows {
  private final Charts charts;
  private final Activities activities;
  private final DeadLetters deadLetters;

  KnownRows(Charts charts, Activities activities, DeadLetters deadLetters) {
    this.charts = charts;
    this.activities = activities;
    this.deadLetters = deadLetters;
  }

  /**
   * @param present source ids that the store has a record for, and not as gone from the PMS
   * @param unchanged those of them that were made of the very same row, and for which nothing waits
   *     to be tried again
   */
  public record Known(Set<String> present, Set<String> unchanged) {}

  /**
   * What the store has of a page of charts or activity.
   *
   * @param fingerprints of the rows, by source id
   */
  public Known known(
      int practice,
      String source,
      String feed,
      RecordStream stream,
      Map<String, Long> fingerprints) {
    Map<String, Long> stored = stored(practice, source, stream, fingerprints.keySet());
    Set<String> unchanged = new HashSet<>();
    stored.forEach(
        (sourceId, fingerprint) -> {
          if (fingerprint.equals(fingerprints.get(sourceId))) {
            unchanged.add(sourceId);
          }
        });
    if (!unchanged.isEmpty()) {
      // A record that failed is tried again whenever it is read.
      deadLetters
          .open(practice, feed, stream.name(), List.copyOf(unchanged))
          .forEach(unchanged::remove);
    }
    return new Known(stored.keySet(), unchanged);
  }

  private Map<String, Long> stored(
      int practice, String source, RecordStream stream, Set<String> sourceIds) {
    if (stream.type() == RecordType.PATIENTS) {
      return charts.fingerprints(practice, source, sourceIds);
    }
    Map<String, Long> stored = new HashMap<>();
    activities
        .known(practice, source, stream.name(), sourceIds)
        .forEach(
            (sourceId, known) -> {
              if (!known.gone()) {
                stored.put(sourceId, known.fingerprint());
              }
            });
    return stored;
  }

  /** Which of these records the store has, and not as gone from the PMS. */
  public Set<String> present(
      int practice, String source, RecordStream stream, Set<String> sourceIds) {
    return stored(practice, source, stream, sourceIds).keySet();
  }

  /** Who those of these charts are that are not gone from the PMS. */
  public Map<String, Person> persons(int practice, String source, Set<String> sourceIds) {
    return charts.persons(practice, source, sourceIds);
  }

  /** How many records the store has of a stream that are not gone from the PMS. */
  public long count(int practice, String source, RecordStream stream) {
    return stream.type() == RecordType.PATIENTS
        ? charts.countPresent(practice, source)
        : activities.countPresent(practice, source, stream.name());
  }

  /** The source ids of such records behind {@code after}, in order, at most a page of them. */
  public List<String> page(
      int practice, String source, RecordStream stream, String after, int limit) {
    return stream.type() == RecordType.PATIENTS
        ? charts.present(practice, source, after, limit)
        : activities.present(practice, source, stream.name(), after, limit);
  }
}
