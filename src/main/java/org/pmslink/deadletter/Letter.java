package org.pmslink.deadletter;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;

/**
 * A dead letter as people see it: everything but the record itself.
 *
 * @param hop the step it failed in
 * @param sourceId the record's id in the PMS
 * @param group key of the letters that have the same cause
 * @param attempts how often it failed
 * @param edited whether its record was changed by hand since it last came
 * @param origin the letter whose replay failed as this one
 * @param assignee who cares for it
 * @param firstAt when it first failed
 * @param lastAt when it last failed
 * @param closedBy {@code engine}, or the person who gave it up
 */
public record Letter(
    long id,
    String feed,
    Hop hop,
    String recordType,
    String sourceId,
    Cause cause,
    String group,
    int attempts,
    State state,
    boolean edited,
    @Nullable Long origin,
    @Nullable String assignee,
    Instant firstAt,
    Instant lastAt,
    @Nullable Instant closedAt,
    @Nullable String closedBy,
    @Nullable String closeReason) {

  /** What has become of a letter. */
  public enum State {
    /** Waits for somebody. */
    OPEN,
    /** In the hands of a replay task. */
    REPLAYING,
    /** It, or a later version of its record, got through. */
    RESOLVED,
    /** Given up by a person. */
    DISCARDED
  }

  /** What {@link #of} reads, of {@code dead_letters d} and {@code dead_letter_groups g}. */
  static final String COLUMNS =
      """
      d.id, d.feed, d.hop, d.record_type, d.source_id, d.group_key, d.attempts, d.state,
      d.edited_at, d.origin_id, d.assignee, d.first_at, d.last_at, d.closed_at, d.closed_by,
      d.close_reason, g.category, g.message, g.mapping, g.mapping_version, g.mapping_line,
      g.mapping_text, g.field""";

  static Letter of(ResultSet row) throws SQLException {
    return new Letter(
        row.getLong("id"),
        row.getString("feed"),
        Hop.ofStored(row.getString("hop")),
        row.getString("record_type"),
        row.getString("source_id"),
        cause(row),
        row.getString("group_key"),
        row.getInt("attempts"),
        State.valueOf(row.getString("state")),
        row.getTimestamp("edited_at") != null,
        row.getObject("origin_id", Long.class),
        row.getString("assignee"),
        row.getTimestamp("first_at").toInstant(),
        row.getTimestamp("last_at").toInstant(),
        instant(row.getTimestamp("closed_at")),
        row.getString("closed_by"),
        row.getString("close_reason"));
  }

  static Cause cause(ResultSet row) throws SQLException {
    return new Cause(
        Category.valueOf(row.getString("category")),
        row.getString("message"),
        row.getString("mapping"),
        row.getString("mapping_version"),
        row.getObject("mapping_line", Integer.class),
        row.getString("mapping_text"),
        row.getString("field"));
  }

  static @Nullable Instant instant(@Nullable Timestamp at) {
    return at == null ? null : at.toInstant();
  }
}
