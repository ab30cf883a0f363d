package org.pmslink.feed;

import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Forgets what was read and sent long ago, because every push adds to it. What the engine goes by
 * stays: first loads, passes that are not done, the newest of each kind, and as many weeks as
 * {@link UsualSilence} looks at.
 */
@Component
public class FeedHistory {
  private static final Duration LEAST = Duration.ofDays(7L * (UsualSilence.WEEKS + 2) + 1);

  /** Passes at a time, so that nothing waits for long; and at most so often in one turn. */
  private static final int SOME = 2_000;

  private static final int TURNS = 20;

  private final JdbcClient database;
  private final Runs runs;
  private final Practices practices;
  private final Duration kept;

  FeedHistory(
      JdbcClient database,
      Runs runs,
      Practices practices,
      @Value("${pmslink.history.passes}") Duration kept) {
    if (kept.compareTo(LEAST) < 0) {
      throw new IllegalArgumentException(
          "pmslink.history.passes: must be "
              + LEAST.toDays()
              + " days or more; alerts go by what was usual in the weeks before");
    }
    this.database = database;
    this.runs = runs;
    this.practices = practices;
    this.kept = kept;
  }

  /** Forgets, feed by feed. */
  public void forgetOld() {
    Instant before = Instant.now().minus(kept);
    for (String practice : practices.names()) {
      int id = practices.id(practice);
      for (String feed : feeds(id)) {
        int forgotten = SOME;
        for (int turn = 0; turn < TURNS && forgotten == SOME; turn++) {
          forgotten = runs.forget(id, feed, before, SOME);
        }
      }
      database
          .sql("delete from feed_tasks where practice_id = ? and ended_at < ?")
          .params(id, Timestamp.from(before))
          .update();
    }
  }

  private List<String> feeds(int practice) {
    return database
        .sql("select feed from feeds where practice_id = ? order by feed")
        .param(practice)
        .query(String.class)
        .list();
  }
}
