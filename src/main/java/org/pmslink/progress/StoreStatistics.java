package org.pmslink.progress;

import java.time.Duration;
import java.time.Instant;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Lets PostgreSQL's planner know a practice that is being filled, by whatever way its charts come
 * in. Left alone, PostgreSQL notices after a minute, or in a store of many practices when a tenth
 * of all rows are new; until then it believes that hardly any row belongs to the practice, and goes
 * by that instead of by ids. A small sample tells it enough.
 */
@Component
public class StoreStatistics {
  private static final long GROWN = 500;
  private static final Duration LEAST_PAUSE = Duration.ofSeconds(2);

  /** So that it takes a twentieth of the time at most. */
  private static final int PAUSE_TO_WORK = 19;

  private final JdbcClient database;
  private final TransactionTemplate transaction;
  private Instant notBefore = Instant.EPOCH;

  StoreStatistics(JdbcClient database, TransactionTemplate transaction) {
    this.database = database;
    this.transaction = transaction;
  }

  /** Samples the tables when they have grown since, and the last sample is a while ago. */
  public synchronized void renew() {
    Instant began = Instant.now();
    if (began.isBefore(notBefore) || !hasGrown()) {
      return;
    }
    transaction.executeWithoutResult(
        status -> {
          database.sql("set local default_statistics_target = 5").update();
          database
              .sql(
                  """
                  analyze patients (id, practice_id, source, source_id, merged_into, removed_at,
                                    updated_at),
                    patient_blocking_keys, member_blocking_keys,
                    members (id, practice_id, member_number, status, updated_at),
                    links (practice_id, patient_id, member_id, source, ended_at),
                    decisions (practice_id, patient_id, stale_since), chart_merges""")
              .update();
        });
    Instant ended = Instant.now();
    Duration pause = Duration.between(began, ended).multipliedBy(PAUSE_TO_WORK);
    notBefore = ended.plus(pause.compareTo(LEAST_PAUSE) > 0 ? pause : LEAST_PAUSE);
  }

  private boolean hasGrown() {
    return database
        .sql(
            """
            select greatest(pg_stat_get_mod_since_analyze('patients'::regclass),
              pg_stat_get_mod_since_analyze('members'::regclass),
              pg_stat_get_mod_since_analyze('decisions'::regclass)) > ?""")
        .param(GROWN)
        .query(Boolean.class)
        .single();
  }
}
