package org.pmslink.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pmslink.security.KeyedHash;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Who did, saw or asked for what, and what became of it. A row is durable before the answer that it
 * is about leaves the engine, so that no data go out unrecorded; one about a change is part of that
 * change: there are both, or neither. Details are ids, numbers and reasons, never patient data.
 *
 * <p>The rows of a practice form a chain: each holds a keyed hash over itself and the row before
 * it, and the chain's end is sealed beside it. Whoever can write to the database and has not the
 * key can therefore neither alter, nor leave out, nor add a row without its showing. That a chain
 * begins is a row of the chain of no practice, so that one that is gone as a whole shows too. What
 * does not show is a chain put back to what it was, end and all; {@link Proof#end} written down
 * elsewhere and {@link #verify(Collection) held against it} shows that.
 *
 * <p>Rows are added one at a time. In a transaction they are written at its very end, whenever they
 * were noted: nobody holds the end of a chain and then waits for something else.
 */
@Component
public class Audit {
  /** For what is of no one practice, and what was refused without one of ours being named. */
  private static final int NO_PRACTICE = 0;

  /** What the chain of no practice says of another one. */
  private static final String BEGAN = "began a chain";

  private static final byte[] BEGINNING = new byte[32];

  /** Charts and members that one detail names. */
  private static final int MOST_NAMED = 1_000;

  private static final Duration CLOCK_SET_BACK = Duration.ofHours(1);

  private final JdbcClient database;
  private final TransactionTemplate transactions;
  private final KeyedHash hash;

  Audit(JdbcClient database, PlatformTransactionManager transactions, KeyedHash auditHash) {
    this.database = database;
    this.transactions = new TransactionTemplate(transactions);
    this.hash = auditHash;
  }

  /** A row as it is shown. */
  public record Entry(long id, Instant at, String actor, String action, String detail) {}

  /** Something that somebody does, which may not be possible. */
  @FunctionalInterface
  public interface Deed<T, E extends Exception> {
    T run() throws E;
  }

  /** The same without a result. */
  @FunctionalInterface
  public interface Change<E extends Exception> {
    void make() throws E;
  }

  /**
   * Does something in one transaction with what is noted meanwhile: there are both, or, when either
   * fails, neither.
   */
  @Transactional(rollbackFor = Exception.class)
  public <T, E extends Exception> T together(Deed<T, E> deed) throws E {
    return deed.run();
  }

  /** Makes a change and notes it, both or neither. */
  @Transactional(rollbackFor = Exception.class)
  public <E extends Exception> void noting(
      String practice, String actor, String action, String detail, Change<E> change) throws E {
    change.make();
    note(practice, actor, action, detail);
  }

  /** Notes what a program did. */
  public void note(Caller caller, String action, String detail) {
    note(new Row(caller.practiceId(), caller.name(), action, detail));
  }

  /**
   * Notes what somebody did in a practice that exists. Within a transaction it is kept or lost with
   * it.
   *
   * @param actor what they sign in as
   */
  public void note(String practice, String actor, String action, String detail) {
    note(new Row(numberOf(practice), actor, action, detail));
  }

  /**
   * Notes that nobody or somebody else was refused, or signed in. The same steps for every practice
   * that is named, whether there is one of that name or not: else the time that it takes would
   * tell.
   */
  void noteRefusal(String practice, String actor, String reason) {
    note(new Row(numberOf(practice), actor, "refused", reason));
  }

  /** Notes who signed in, or did not. */
  void noteSignIn(String actor, String action, String detail) {
    noteOfNoPractice(actor, action, detail);
  }

  /** Notes what is of no one practice. */
  public void noteOfNoPractice(String actor, String action, String detail) {
    note(new Row(NO_PRACTICE, actor, action, detail));
  }

  private record Row(int practice, String actor, String action, String detail) {}

  private void note(Row row) {
    if (TransactionSynchronizationManager.isActualTransactionActive()) {
      waiting().rows.add(row);
    } else {
      transactions.executeWithoutResult(status -> write(row));
    }
  }

  /** Rows that are written when the transaction that they are about has done all else. */
  private final class Waiting implements TransactionSynchronization {
    private final List<Row> rows = new ArrayList<>();

    @Override
    public void beforeCommit(boolean readOnly) {
      // One chain after the other in the same order, of no practice last: it is told of the others.
      rows.sort(
          Comparator.comparing((Row row) -> row.practice() == NO_PRACTICE)
              .thenComparing(Row::practice));
      rows.forEach(Audit.this::write);
    }
  }

  private Waiting waiting() {
    for (TransactionSynchronization known :
        TransactionSynchronizationManager.getSynchronizations()) {
      if (known instanceof Waiting waiting) {
        return waiting;
      }
    }
    Waiting fresh = new Waiting();
    TransactionSynchronizationManager.registerSynchronization(fresh);
    return fresh;
  }

  private int numberOf(String practice) {
    return database
        .sql("select coalesce((select id from practices where practice = ?), 0)")
        .param(practice)
        .query(Integer.class)
        .single();
  }

  private void write(Row row) {
    int practice = row.practice();
    End end = end(practice);
    // As precise as PostgreSQL keeps it: the hash is worked out again from what is stored.
    Instant at = Instant.now().truncatedTo(ChronoUnit.MICROS);
    byte[] chain = chain(end.chain, at, row);
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
            row.actor(),
            row.action(),
            Timestamp.from(at),
            row.detail(),
            chain,
            entries,
            chain,
            seal(practice, entries, chain),
            practice)
        .update();
    if (entries == 1 && practice != NO_PRACTICE) {
      write(new Row(NO_PRACTICE, "engine", BEGAN, String.valueOf(practice)));
    }
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
                  .params(practice, BEGINNING, seal(practice, 0, BEGINNING))
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

  private byte[] chain(byte[] before, Instant at, Row row) {
    byte[] who = row.actor().getBytes(UTF_8);
    byte[] what = row.action().getBytes(UTF_8);
    byte[] more = row.detail().getBytes(UTF_8);
    // With their lengths, so that no two rows read alike.
    ByteBuffer text =
        ByteBuffer.allocate(before.length + 4 + 12 + 12 + who.length + what.length + more.length);
    text.put(before).putInt(row.practice()).putLong(at.getEpochSecond()).putInt(at.getNano());
    text.putInt(who.length).put(who).putInt(what.length).put(what);
    text.putInt(more.length).put(more);
    return hash.of(text.array());
  }

  private byte[] seal(int practice, long entries, byte[] chain) {
    return hash.of(
        ByteBuffer.allocate(16 + chain.length)
            .putInt(-1)
            .putInt(practice)
            .putLong(entries)
            .put(chain)
            .array());
  }

  /**
   * A detail that says whom somebody saw, so that {@link Sought#subject} finds it.
   *
   * @param what for example how many there were
   * @param whom charts, each as its source and its id there with a slash between, and numbers of
   *     members
   */
  public static String about(String what, Collection<String> whom) {
    List<String> named = whom.stream().distinct().toList();
    return named.isEmpty()
        ? what
        : what
            + ": "
            + String.join(", ", named.subList(0, Math.min(named.size(), MOST_NAMED)))
            + (named.size() > MOST_NAMED ? " and " + (named.size() - MOST_NAMED) + " more" : "");
  }

  /**
   * Which rows are wanted; what is absent is not asked about.
   *
   * @param actor in any case
   * @param subject number of a member, or a chart as its source and its id there with a slash or a
   *     blank between: whose data somebody saw or changed
   * @param from when they were written, at the earliest
   * @param to before which they were written
   */
  public record Sought(
      @Nullable String actor,
      @Nullable String action,
      @Nullable String subject,
      @Nullable Instant from,
      @Nullable Instant to) {
    public static final Sought ALL = new Sought(null, null, null, null, null);

    /** Only what is about this member or this chart. */
    public Sought about(@Nullable String whom) {
      return new Sought(actor, action, whom, from, to);
    }

    /**
     * The same in words, for the audit of who read it. What found nothing is not repeated: somebody
     * may have typed a name where a number belongs.
     *
     * @param found how many rows it found
     */
    public String words(int found) {
      StringJoiner words = new StringJoiner(", ", found + " entries ", "");
      words.setEmptyValue(found + " entries");
      if (found == 0 && (actor != null || action != null || subject != null)) {
        return "no entries, by a filter that nothing fits";
      }
      add(words, "by ", actor);
      add(words, "of action ", action);
      add(words, "about ", subject);
      add(words, "since ", from);
      add(words, "before ", to);
      return words.toString();
    }

    private static void add(StringJoiner words, String what, @Nullable Object wanted) {
      if (wanted != null) {
        words.add(what + wanted);
      }
    }
  }

  /**
   * Rows of a practice, newest first.
   *
   * @param practice one that there is; empty for what is of no one practice
   * @param before only those with smaller ids; {@code null} from the newest on
   */
  public List<Entry> entries(String practice, @Nullable Long before, Sought sought, int limit) {
    int id = numberOf(practice);
    StringBuilder where = new StringBuilder("practice_id = :practice");
    Map<String, Object> values = new TreeMap<>();
    values.put("practice", id);
    values.put("limit", limit);
    if (before != null) {
      where.append(" and id < :before");
      values.put("before", before);
    }
    if (sought.actor() != null) {
      where.append(" and lower(actor) = lower(:actor)");
      values.put("actor", sought.actor());
    }
    if (sought.action() != null) {
      where.append(" and action = :action");
      // All that is noted is in small letters; whoever types it may not know.
      values.put("action", sought.action().toLowerCase(Locale.ROOT));
    }
    if (sought.from() != null) {
      where.append(" and at >= :from");
      values.put("from", Timestamp.from(sought.from()));
      // Rows lie in the order of time, but for a clock that was set back: so far is enough.
      row(id, "at < ? order by at desc, id desc", sought.from().minus(CLOCK_SET_BACK))
          .ifPresent(
              behind -> {
                where.append(" and id > :behind");
                values.put("behind", behind);
              });
    }
    if (sought.to() != null) {
      where.append(" and at < :to");
      values.put("to", Timestamp.from(sought.to()));
      row(id, "at >= ? order by at, id", sought.to().plus(CLOCK_SET_BACK))
          .ifPresent(
              ahead -> {
                where.append(" and id < :ahead");
                values.put("ahead", ahead);
              });
    }
    String rows = "select id, at, actor, action, detail from audit where ";
    if (sought.subject() != null) {
      String subject = subject(id, sought.subject());
      values.put("subject", subject);
      values.put("place", AuditSubject.pattern(subject));
      // By itself, whatever the planner thinks of how many there are: they are few.
      rows =
          "with about as materialized ("
              + rows
              + "practice_id = :practice"
              + " and audit_words(practice_id, detail) @> audit_words(:practice, :subject)"
              + " and detail ~ :place"
              + (AuditSubject.mayBeALetter(sought.subject())
                  ? " and action not like 'dead-letter%'"
                  : "")
              + ") select id, at, actor, action, detail from about where "
              + where.toString().replace("practice_id = :practice", "true");
    } else {
      rows += where;
    }
    return database
        .sql(rows + " order by id desc limit :limit")
        .params(values)
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
   * A chart may be typed as pages show it, "open-dental 24", where a detail says open-dental/24.
   */
  private String subject(int practice, String typed) {
    Optional<String[]> chart = AuditSubject.typedChart(typed);
    boolean isSource =
        chart.isPresent()
            && database
                .sql("select exists (select from feeds where practice_id = ? and source = ?)")
                .params(practice, chart.get()[0])
                .query(Boolean.class)
                .single();
    return isSource ? String.join("/", chart.get()) : typed;
  }

  private Optional<Long> row(int practice, String which, Instant at) {
    return database
        .sql("select id from audit where practice_id = ? and " + which + " limit 1")
        .params(practice, Timestamp.from(at))
        .query(Long.class)
        .optional();
  }

  /**
   * What following a chain has come to.
   *
   * @param practice its number; 0 for the chain of no practice
   * @param entries how many rows there are
   * @param end the chain's last hash, in hex, to be written down elsewhere
   * @param broken what does not fit; empty when nothing is missing or altered
   */
  public record Proof(int practice, long entries, String end, List<String> broken) {}

  /**
   * How a chain ended at some time, as somebody has written it down.
   *
   * @param practice likewise
   * @param entries how many rows there were
   * @param end the hash of the last of them, in hex
   */
  public record KeptEnd(int practice, long entries, String end) {}

  /** Follows every chain by itself; see {@link #verify(Collection)}. */
  public List<Proof> verify() {
    return verify(List.of());
  }

  /**
   * Follows every chain from its beginning to its end, as they are at one moment: what is written
   * meanwhile is no tampering.
   *
   * @param kept ends that were written down, of any chains and times; each must be passed
   */
  public List<Proof> verify(Collection<KeptEnd> kept) {
    TransactionTemplate atOneMoment =
        new TransactionTemplate(
            java.util.Objects.requireNonNull(transactions.getTransactionManager()));
    atOneMoment.setReadOnly(true);
    atOneMoment.setIsolationLevel(TransactionDefinition.ISOLATION_REPEATABLE_READ);
    return java.util.Objects.requireNonNull(atOneMoment.execute(status -> follow(kept)));
  }

  private List<Proof> follow(Collection<KeptEnd> kept) {
    NavigableSet<Integer> chains = new TreeSet<>();
    Map<Integer, Integer> begun = new TreeMap<>();
    database
        .sql(
            """
            select practice_id from audit_ends
            union select practice_id from audit""")
        .query(Integer.class)
        .list()
        .forEach(chains::add);
    database
        .sql("select detail from audit where practice_id = ? and action = ?")
        .params(NO_PRACTICE, BEGAN)
        .query(String.class)
        .list()
        .stream()
        // Whatever else somebody has made of it shows as altered.
        .filter(practice -> practice.matches("[0-9]{1,9}"))
        .forEach(practice -> begun.merge(Integer.valueOf(practice), 1, Integer::sum));
    chains.addAll(begun.keySet());
    kept.forEach(end -> chains.add(end.practice()));
    // The chain of no practice is told of every other, and of every user who is added.
    if (!chains.isEmpty()
        || database.sql("select exists (select 1 from users)").query(Boolean.class).single()) {
      chains.add(NO_PRACTICE);
    }
    List<Proof> proofs = new ArrayList<>();
    for (int practice : chains) {
      Follower follower =
          new Follower(practice, kept.stream().filter(k -> k.practice() == practice).toList());
      follow(follower);
      if (practice != NO_PRACTICE) {
        int times = begun.getOrDefault(practice, 0);
        if (times != 1) {
          follower.broken.add(
              "the chain of no practice says that this one began "
                  + times
                  + " times, and it must have once");
        }
      }
      proofs.add(follower.proof());
    }
    return proofs;
  }

  private void follow(Follower follower) {
    database
        .sql(
            """
            select id, at, actor, action, detail, chain from audit
            where practice_id = ? order by id""")
        .param(follower.practice)
        .query(
            row -> {
              byte[] expected =
                  chain(
                      follower.chain,
                      row.getTimestamp(2).toInstant(),
                      new Row(
                          follower.practice, row.getString(3), row.getString(4), row.getString(5)));
              follower.next(row.getLong(1), expected, row.getBytes(6));
            });
    End end = stored(follower.practice, "").orElse(null);
    if (end == null
        || !MessageDigest.isEqual(end.seal, seal(follower.practice, end.entries, end.chain))) {
      follower.broken.add("the end of the chain is missing or was altered");
    } else if (end.entries != follower.entries
        || !MessageDigest.isEqual(end.chain, follower.chain)) {
      follower.broken.add(
          "there are " + follower.entries + " entries, and there were " + end.entries);
    }
  }

  private static final class Follower {
    private final int practice;
    private final List<KeptEnd> kept;
    private byte[] chain = BEGINNING;
    private long entries;
    private final List<String> broken = new ArrayList<>();

    Follower(int practice, List<KeptEnd> kept) {
      this.practice = practice;
      this.kept = new ArrayList<>(kept);
    }

    void next(long id, byte[] expected, byte[] found) {
      chain = found;
      entries++;
      if (!MessageDigest.isEqual(expected, found)) {
        broken.add("entry " + id + " was altered, or one before it is missing");
      }
      kept.removeIf(end -> end.entries() == entries && end.end().equals(hex(found)));
    }

    Proof proof() {
      kept.forEach(
          end ->
              broken.add(
                  "it does not pass the end that was kept, of " + end.entries() + " entries"));
      return new Proof(practice, entries, hex(chain), broken);
    }

    private static String hex(byte[] hash) {
      return HexFormat.of().formatHex(hash);
    }
  }
}
