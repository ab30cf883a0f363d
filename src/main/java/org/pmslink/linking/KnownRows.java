package org.pmslink.linking;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.membership.Charts;
import org.springframework.stereotype.Component;

/**
 * What the store has of a feed's rows, so that a feed need not send what would change nothing. A
 * re-read of a whole practice, and what an overlap reads twice, costs no message that way.
 */
@Component
public class KnownRows {
  private final Charts charts;
  private final DeadLetters deadLetters;

  KnownRows(Charts charts, DeadLetters deadLetters) {
    this.charts = charts;
    this.deadLetters = deadLetters;
  }

  /**
   * @param present source ids that the store has a chart for, and not as gone from the PMS
   * @param unchanged those of them that were made of the very same row, and for which nothing waits
   *     to be tried again
   */
  public record Known(Set<String> present, Set<String> unchanged) {}

  /**
   * What the store has of a page of charts.
   *
   * @param fingerprints of the rows, by source id
   */
  public Known charts(int practice, String source, String feed, Map<String, Long> fingerprints) {
    Map<String, Long> stored = charts.fingerprints(practice, source, fingerprints.keySet());
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
          .open(practice, feed, RecordType.PATIENTS.name(), List.copyOf(unchanged))
          .forEach(unchanged::remove);
    }
    return new Known(stored.keySet(), unchanged);
  }

  /** How many charts the store has of a source that are not gone from the PMS. */
  public long count(int practice, String source) {
    return charts.countPresent(practice, source);
  }

  /** The source ids of such charts behind {@code after}, in order, at most a page of them. */
  public List<String> page(int practice, String source, String after, int limit) {
    return charts.present(practice, source, after, limit);
  }
}
