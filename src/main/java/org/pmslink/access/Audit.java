package org.pmslink.access;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Who called, what for, and what became of it. A row is durable before the answer that it is about
 * leaves the engine, so that no data go out unrecorded. Details are numbers and reasons of ours,
 * never patient data.
 */
@Component
public class Audit {
  private final JdbcClient database;

  Audit(JdbcClient database) {
    this.database = database;
  }

  /** Notes what a caller did, and that the token was used. */
  public void note(Caller caller, String action, String detail) {
    // To the minute: a row that every call updates would make calls wait for one another.
    database
        .sql(
            """
            with used as (
              update access_tokens set last_used_at = now()
              where practice_id = ? and id = ?
                and (last_used_at is null or last_used_at < now() - interval '1 minute'))
            insert into audit (practice_id, actor, action, detail) values (?, ?, ?, ?)""")
        .params(
            caller.practiceId(), caller.token(), caller.practiceId(), caller.name(), action, detail)
        .update();
  }

  /**
   * Notes what somebody did, in the transaction that does it.
   *
   * @param actor a person, or the command line of one
   */
  public void record(String practice, String actor, String action, String detail) {
    database
        .sql(
            """
            insert into audit (practice_id, actor, action, detail)
            select id, ?, ?, ? from practices where practice = ?""")
        .params(actor, action, detail, practice)
        .update();
  }

  /**
   * Notes that nobody or somebody else was refused. One row for every practice that is named,
   * whether there is one of that name or not: else the time that it takes would tell.
   */
  void noteRefusal(String practice, String actor, String reason) {
    database
        .sql(
            """
            insert into audit (practice_id, actor, action, detail)
            values (coalesce((select id from practices where practice = ?), 0), ?, 'refused', ?)""")
        .params(practice, actor, reason)
        .update();
  }
}
