package org.pmslink.membership;

import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Keeps those who write to a practice from passing one another unseen, the one not yet committed
 * when the other one looks, and from waiting for one another's rows in a circle. What concerns
 * nothing but its own charts goes side by side; merges, whatever has others decided about again,
 * and what a person does go alone.
 */
@Component
public class PracticeLock {
  private final JdbcTemplate database;

  PracticeLock(JdbcTemplate database) {
    this.database = database;
  }

  /**
   * Waits for its turn; held until the transaction ends. Call before anything else in the
   * transaction, so that nobody waits here with locks of his own.
   *
   * @param alone whether to shut out everybody else of the practice
   */
  public void enter(int practice, boolean alone) {
    database.query(
        alone
            ? "select pg_advisory_xact_lock(hashtextextended('practice', ?))"
            : "select pg_advisory_xact_lock_shared(hashtextextended('practice', ?))",
        row -> {},
        practice);
  }
}
