package org.pmslink.deadletter;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** What the replay of each letter has come to. Called inside the transaction that makes it true. */
@Component
final class ReplayItems {
  private final JdbcClient database;

  ReplayItems(JdbcClient database) {
    this.database = database;
  }

  /** Whether the letter was sent back and nothing is known of it since. */
  boolean isAwaited(int practice, long letter) {
    return database
        .sql(
            """
            select exists (select 1 from replay_items
                           where practice_id = ? and letter_id = ? and state = 'SENT')""")
        .params(practice, letter)
        .query(Boolean.class)
        .single();
  }

  void passed(int practice, long letter) {
    sent(practice, letter, "PASSED", null, null);
  }

  /** It has failed again, as this letter or as another one. */
  void failed(int practice, long letter, String reason, long became) {
    sent(practice, letter, "FAILED", reason, became);
  }

  private void sent(
      int practice, long letter, String state, @Nullable String reason, @Nullable Long became) {
    database
        .sql(
            """
            update replay_items set state = ?, decided_at = now(), reason = ?, became = ?
            where practice_id = ? and letter_id = ? and state = 'SENT'""")
        .params(state, reason, became, practice, letter)
        .update();
  }

  /** Nobody needs these replays any more. */
  void superseded(int practice, List<Long> letters, String reason) {
    ended(practice, letters, "SUPERSEDED", reason);
  }

  /** A person has decided otherwise. */
  void skipped(int practice, List<Long> letters, String reason) {
    ended(practice, letters, "SKIPPED", reason);
  }

  private void ended(int practice, List<Long> letters, String state, String reason) {
    if (letters.isEmpty()) {
      return;
    }
    database
        .sql(
            """
            update replay_items set state = ?, decided_at = now(), reason = ?
            where practice_id = ? and letter_id = any (?) and state in ('WAITING', 'SENT')""")
        .params(state, reason, practice, letters.toArray(Long[]::new))
        .update();
  }
}
