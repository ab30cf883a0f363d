package org.pmslink.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.security.KeyedHash;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Isolation;
import org.springframework.transaction.annotation.Transactional;

/**
 * Who did, saw or asked for what, and what became of it. A row is durable before the answer that it
 * is about leaves the engine, so that no data go out unrecorded; one about a change is part of that
 * change. Details are ids, numbers and reasons, never patient data.
 *
 * <p>The rows of a practice form a chain: each holds a keyed hash over itself and the row before
 * it, and the chain's end is sealed beside it. Whoever can write to the database and has not the
 * key can therefore neither alter, nor leave out, nor add a row without its showing. What does not
 * show is a whole database put back to an earlier state; {@link Proof#end} written down elsewhere
 * shows that too.
 */
@Component
public class Audit {
  /** For what was refused without a practice of ours being named. */
  private static final int NO_PRACTICE = 0;

  private static final byte[] BEGINNING = new byte[32];

  private final JdbcClient database;
  private final KeyedHash hash;

  Audit(JdbcClient database, KeyedHash auditHash) {
    this.database = database;
    this.hash = auditHash;
  }

  /** A row as it is shown. */
  public record Entry(long id, Instant at, String actor, String action, String detail) {}

  /** Notes what a program did. */
  @Transactional
  public void note(Caller caller, String action, String detail) {
    write(caller.practiceId(), caller.name(), action, detail);
  }

  /**
   * Notes what somebody did in a practice that exists. Within a transaction it is kept or lost with
   * it; call it last, because it makes other rows of the practice's audit wait until the end.
   *
   * @param actor what they sign in as
   */
  @Transactional
  public void note(String practice, String actor, String action, String detail) {
    write(numberOf(practice), actor, action, detail);
  }

  /**
   * Notes that nobody or somebody else was refused, or signed in. The same steps for every practice
   * that is named, whether there is one of that name or not: else the time that it takes would
   * tell.
   */
  @Transactional
  void noteRefusal(String practice, String actor, String reason) {
    write(numberOf(practice), actor, "refused", reason);
  }

  /** Notes what is of no one practice: who signed in, or did not. */
  @Transactional
  void noteSignIn(String actor, String action, String detail) {
    write(NO_PRACTICE, actor, action, detail);
  }

  private int numberOf(String practice) {
    return database
        .sql("select coalesce((select id from practices where practice = ?), 0)")
        .param(practice)
        .query(Integer.class)
        .single();
  }

  private void write(int practice, String actor, String action, String detail) {
    End end = end(practice);
    // As precise as PostgreSQL keeps it: the hash is worked out again from what is stored.
    Instant at = Instant.now().truncatedTo(ChronoUnit.MICROS);
    byte[] chain = chain(end.chain, practice, at, actor, action, detail);
    long entries = end.entries + 1;
    database
        .sql(
            """
            with added as (
              insert into audit (practice_id, actor, action, at, detail, chain)
              values (?, ?, ?, ?, ?, ?))
            update audit_ends set entries = ?, chain = ?, seal = ? where practice_id = ?""")
        .params(
            practice,
            actor,
            action,
            Timestamp.from(at),
            detail,
            chain,
            entries,
            chain,
            seal(entries, chain),
            practice)
        .update();
  }

  private record End(long entries, byte[] chain, byte[] seal) {}

  /** The end of a chain, locked: rows are added one at a time. */
  private End end(int practice) {
    return stored(practice, " for update")
        .orElseGet(
            () -> {
              database
                  .sql(
                      """
                      insert into audit_ends (practice_id, entries, chain, seal)
                      values (?, 0, ?, ?) on conflict do nothing""")
                  .params(practice, BEGINNING, seal(0, BEGINNING))
                  .update();
              return stored(practice, " for update").orElseThrow();
            });
  }

  private Optional<End> stored(int practice, String lock) {
    return database
        .sql("select entries, chain, seal from audit_ends where practice_id = ?" + lock)
        .param(practice)
        .query((row, n) -> new End(row.getLong(1), row.getBytes(2), row.getBytes(3)))
        .optional();
  }

  private byte[] chain(
      byte[] before, int practice, Instant at, String actor, String action, String detail) {
    byte[] who = actor.getBytes(UTF_8);
    byte[] what = action.getBytes(UTF_8);
    byte[] more = detail.getBytes(UTF_8);
    // With their lengths, so that no two rows read alike.
    ByteBuffer text =
        ByteBuffer.allocate(before.length + 4 + 12 + 12 + who.length + what.length + more.length);
    text.put(before).putInt(practice).putLong(at.getEpochSecond()).putInt(at.getNano());
    text.putInt(who.length).put(who).putInt(what.length).put(what);
    text.putInt(more.length).put(more);
    return hash.of(text.array());
  }

  private byte[] seal(long entries, byte[] chain) {
    return hash.of(
        ByteBuffer.allocate(12 + chain.length).putInt(-1).putLong(entries).put(chain).array());
  }

  /**
   * Rows of a practice, newest first.
   *
   * @param before only those with smaller ids; {@code null} from the newest on
   * @param actor only theirs; {@code null} for everybody's
   * @param action only such; {@code null} for all
   */
  public List<Entry> entries(
      String practice,
      @Nullable Long before,
      @Nullable String actor,
      @Nullable String action,
      int limit) {
    return database
        .sql(
            """
            select id, at, actor, action, detail from audit
            where practice_id = ? and (?::bigint is null or id < ?)
              and (?::text is null or actor = ?) and (?::text is null or action = ?)
            order by id desc limit ?""")
        .params(numberOf(practice), before, before, actor, actor, action, action, limit)
        .query(
            (row, n) ->
                new Entry(
                    row.getLong(1),
                    row.getTimestamp(2).toInstant(),
                    row.getString(3),
                    row.getString(4),
                    row.getString(5)))
        .list();
  }

  /**
   * What following a chain has come to.
   *
   * @param practice its number; 0 for what was refused without one
   * @param entries how many rows there are
   * @param end the chain's last hash, in hex, to be written down elsewhere
   * @param broken what does not fit; empty when nothing is missing or altered
   */
  public record Proof(int practice, long entries, String end, List<String> broken) {}

  /**
   * Follows every practice's chain from its beginning to its end, as they are at one moment: what
   * is written meanwhile is no tampering.
   */
  @Transactional(readOnly = true, isolation = Isolation.REPEATABLE_READ)
  public List<Proof> verify() {
    List<Proof> proofs = new ArrayList<>();
    for (int practice :
        database
            .sql(
                """
                select practice_id from audit_ends
                union select practice_id from audit order by 1""")
            .query(Integer.class)
            .list()) {
      proofs.add(verify(practice));
    }
    return proofs;
  }

  private Proof verify(int practice) {
    Follower follower = new Follower();
    database
        .sql(
            """
            select id, at, actor, action, detail, chain from audit
            where practice_id = ? order by id""")
        .param(practice)
        .query(
            row -> {
              byte[] expected =
                  chain(
                      follower.chain,
                      practice,
                      row.getTimestamp(2).toInstant(),
                      row.getString(3),
                      row.getString(4),
                      row.getString(5));
              follower.chain = row.getBytes(6);
              follower.entries++;
              if (!MessageDigest.isEqual(expected, follower.chain)) {
                follower.broken.add(
                    "entry " + row.getLong(1) + " was altered, or one before it is missing");
              }
            });
    End end = stored(practice, "").orElse(null);
    if (end == null || !MessageDigest.isEqual(end.seal, seal(end.entries, end.chain))) {
      follower.broken.add("the end of the chain is missing or was altered");
    } else if (end.entries != follower.entries
        || !MessageDigest.isEqual(end.chain, follower.chain)) {
      follower.broken.add(
          "there are " + follower.entries + " entries, and there were " + end.entries);
    }
    return new Proof(
        practice,
        follower.entries,
        java.util.HexFormat.of().formatHex(follower.chain),
        follower.broken);
  }

  private static final class Follower {
    byte[] chain = BEGINNING;
    long entries;
    final List<String> broken = new ArrayList<>();
  }
}
