package org.pmslink.deadletter;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.practice.Practices;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Replays that people ask for. A task holds its letters from the beginning; the running engine
 * sends each of them once ({@link ReplayQueue}), and what came of each is written in the
 * transaction that makes it so. A letter is in one unfinished task at most, so asking twice replays
 * once.
 */
@Component
public class ReplayTasks {
  /** Letters of a task at most; what is beyond is counted, for another one. */
  public static final int MOST = 100_000;

  private final JdbcClient database;
  private final Practices practices;
  private final LetterSearch search;
  private final Audit audit;
  private final int usualPerSecond;

  ReplayTasks(
      JdbcClient database,
      Practices practices,
      LetterSearch search,
      Audit audit,
      @Value("${pmslink.replay.per-second}") int usualPerSecond) {
    this.database = database;
    this.practices = practices;
    this.search = search;
    this.audit = audit;
    this.usualPerSecond = usualPerSecond;
  }

  /** How a task stands. */
  public enum TaskState {
    RUNNING,
    /** Sends nothing more until it is resumed. */
    PAUSED,
    /** Sends nothing more; what was sent already still comes to its end. */
    STOPPED,
    /** Every letter has its result. */
    DONE
  }

  /** What came of the replay of one letter. */
  public enum ItemState {
    WAITING,
    /** On its way through the steps. */
    SENT,
    PASSED,
    /** Failed again: the letter is open again, in the group of what it failed of. */
    FAILED,
    /** Its record got through otherwise, or a newer version of it has failed meanwhile. */
    SUPERSEDED,
    /** Not sent: closed before, stopped, or in the hands of another task. */
    SKIPPED
  }

  /**
   * A task with its progress.
   *
   * @param selection what was asked for, in words
   * @param leftOut letters that were asked for beyond what a task takes
   * @param total letters of the task
   */
  public record Task(
      long id,
      String selection,
      String actor,
      TaskState state,
      int perSecond,
      Instant askedAt,
      @Nullable Instant finishedAt,
      int leftOut,
      int total,
      int waiting,
      int sent,
      int passed,
      int failed,
      int superseded,
      int skipped) {

    /** How many letters have their result. */
    public int decided() {
      return total - waiting - sent;
    }
  }

  /**
   * A letter of a task.
   *
   * @param reason why it failed again or was not sent
   * @param became the letter that it failed as: itself, or another one when it came further or
   *     turned out to be another record
   */
  public record Item(
      long task,
      long letter,
      ItemState state,
      @Nullable Instant sentAt,
      @Nullable Instant decidedAt,
      @Nullable String reason,
      @Nullable Long became) {}

  /**
   * How to replay.
   *
   * @param perSecond letters a second at most; what is usual when absent
   * @param requestKey asked for again with the same key, it is the same task; none when absent
   */
  public record Options(@Nullable Integer perSecond, @Nullable String requestKey) {
    public static final Options USUAL = new Options(null, null);
  }

  /**
   * Begins a replay: of the letters that are named, or of those open ones that the selection finds.
   *
   * @throws IllegalArgumentException when so many a second are not possible
   */
  @Transactional
  public Task start(String practice, String actor, Selection selection, Options options) {
    int perSecond = options.perSecond() == null ? usualPerSecond : options.perSecond();
    if (perSecond < 1 || perSecond > 1_000) {
      throw new IllegalArgumentException("letters a second: from 1 to 1000");
    }
    int practiceId = practices.id(practice);
    // Of those that were named each has its result, and be it that it is closed already.
    List<State> states = selection.ids() == null ? List.of(State.OPEN) : List.of(State.values());
    List<Long> ids = search.ids(practiceId, selection, states, MOST);
    int leftOut =
        ids.size() < MOST ? 0 : (int) (search.count(practiceId, selection, states) - MOST);
    Optional<Long> begun =
        database
            .sql(
                """
                insert into replay_tasks (practice_id, request_key, selection, actor, per_second,
                                          left_out)
                values (?, ?, ?, ?, ?, ?) on conflict (practice_id, request_key) do nothing
                returning id""")
            .params(
                practiceId,
                options.requestKey(),
                selection.toString(),
                actor,
                perSecond,
                Math.max(0, leftOut))
            .query(Long.class)
            .optional();
    if (begun.isEmpty()) {
      return askedBefore(practice, practiceId, String.valueOf(options.requestKey()));
    }
    long task = begun.get();
    take(practiceId, task, ids);
    finishIfDecided(practiceId, task);
    Task started = find(practice, task).orElseThrow();
    audit.note(
        practice,
        actor,
        "dead-letter-replay",
        selection + ": " + started.waiting() + " in replay task " + task);
    return started;
  }

  private Task askedBefore(String practice, int practiceId, String requestKey) {
    return database
        .sql("select id from replay_tasks where practice_id = ? and request_key = ?")
        .params(practiceId, requestKey)
        .query(Long.class)
        .optional()
        .flatMap(id -> find(practice, id))
        .orElseThrow();
  }

  private void take(int practice, long task, List<Long> ids) {
    Long[] letters = ids.toArray(Long[]::new);
    // Held until this ends, so that none of them is closed or taken by another task meanwhile.
    database
        .sql(
            """
            select id from dead_letters where practice_id = ? and id = any (?) order by id
            for update""")
        .params(practice, letters)
        .query(Long.class)
        .list();
    database
        .sql(
            """
            insert into replay_items (practice_id, task_id, letter_id, state, reason, decided_at)
            select d.practice_id, ?, d.id,
                   case d.state when 'OPEN' then 'WAITING' else 'SKIPPED' end,
                   case d.state when 'OPEN' then null
                                when 'REPLAYING' then 'another task is replaying it'
                                when 'RESOLVED' then 'it is resolved'
                                else 'it was discarded' end,
                   case d.state when 'OPEN' then null else now() end
            from dead_letters d where d.practice_id = ? and d.id = any (?)""")
        .params(task, practice, letters)
        .update();
    database
        .sql(
            """
            update dead_letters set state = 'REPLAYING'
            where practice_id = ? and id = any (?) and state = 'OPEN'""")
        .params(practice, letters)
        .update();
  }

  /** Whether a task has nothing to wait for any more; it then is finished. */
  boolean finishIfDecided(int practice, long task) {
    return database
            .sql(
                """
                update replay_tasks t set finished_at = now(),
                  state = case when state = 'STOPPED' then state else 'DONE' end
                where practice_id = ? and id = ? and finished_at is null
                  and not exists (select 1 from replay_items i
                                  where i.practice_id = t.practice_id and i.task_id = t.id
                                    and i.state in ('WAITING', 'SENT'))""")
            .params(practice, task)
            .update()
        == 1;
  }

  /** Sends nothing more for now; whether the task was running. */
  @Transactional
  public boolean pause(String practice, String actor, long id) {
    return move(practice, actor, id, "RUNNING", "PAUSED", "pause");
  }

  /** Goes on; whether the task was paused. */
  @Transactional
  public boolean resume(String practice, String actor, long id) {
    return move(practice, actor, id, "PAUSED", "RUNNING", "resume");
  }

  /**
   * Ends a task: letters that were not sent are open again; whether it was not at its end already.
   */
  @Transactional
  public boolean stop(String practice, String actor, long id) {
    int practiceId = practices.id(practice);
    if (!move(practice, actor, id, "RUNNING", "STOPPED", "stop")
        && !move(practice, actor, id, "PAUSED", "STOPPED", "stop")) {
      return false;
    }
    release(practiceId, id, "the task was stopped", "WAITING");
    finishIfDecided(practiceId, id);
    return true;
  }

  /** Gives letters back that will not be sent, or of which nothing was heard. */
  void release(int practice, long task, String reason, String from) {
    List<Long> released =
        database
            .sql(
                """
                update replay_items set state = 'SKIPPED', decided_at = now(), reason = ?
                where practice_id = ? and task_id = ? and state = ?
                returning letter_id""")
            .params(reason, practice, task, from)
            .query(Long.class)
            .list();
    database
        .sql(
            """
            update dead_letters set state = 'OPEN'
            where practice_id = ? and id = any (?) and state = 'REPLAYING'""")
        .params(practice, released.toArray(Long[]::new))
        .update();
  }

  private boolean move(
      String practice, String actor, long id, String from, String to, String what) {
    boolean moved =
        database
                .sql(
                    """
                    update replay_tasks set state = ?
                    where practice_id = ? and id = ? and state = ? and finished_at is null""")
                .params(to, practices.id(practice), id, from)
                .update()
            == 1;
    if (moved) {
      audit.note(practice, actor, "dead-letter-replay-" + what, "replay task " + id);
    }
    return moved;
  }

  private static final String TASKS =
      """
      select t.id, t.selection, t.actor, t.state, t.per_second, t.asked_at, t.finished_at,
             t.left_out, i.*
      from replay_tasks t cross join lateral (
        select count(*) as total,
               count(*) filter (where state = 'WAITING') as waiting,
               count(*) filter (where state = 'SENT') as sent,
               count(*) filter (where state = 'PASSED') as passed,
               count(*) filter (where state = 'FAILED') as failed,
               count(*) filter (where state = 'SUPERSEDED') as superseded,
               count(*) filter (where state = 'SKIPPED') as skipped
        from replay_items where practice_id = t.practice_id and task_id = t.id) i
      where t.practice_id = ?""";

  /** A task with its progress. */
  public Optional<Task> find(String practice, long id) {
    return database
        .sql(TASKS + " and t.id = ?")
        .params(practices.id(practice), id)
        .query((row, n) -> task(row))
        .optional();
  }

  /** The newest tasks, newest first. */
  public List<Task> list(String practice, int most) {
    return list(practice, Long.MAX_VALUE, most);
  }

  /** The same, only those that are older than the one with this id. */
  public List<Task> list(String practice, long before, int most) {
    return database
        .sql(
            TASKS
                + " and t.id = any (array(select id from replay_tasks where practice_id = ?"
                + " and id < ? order by id desc limit ?)) order by t.id desc")
        .params(practices.id(practice), practices.id(practice), before, most)
        .query((row, n) -> task(row))
        .list();
  }

  private static Task task(ResultSet row) throws SQLException {
    return new Task(
        row.getLong("id"),
        row.getString("selection"),
        row.getString("actor"),
        TaskState.valueOf(row.getString("state")),
        row.getInt("per_second"),
        row.getTimestamp("asked_at").toInstant(),
        Letter.instant(row.getTimestamp("finished_at")),
        row.getInt("left_out"),
        row.getInt("total"),
        row.getInt("waiting"),
        row.getInt("sent"),
        row.getInt("passed"),
        row.getInt("failed"),
        row.getInt("superseded"),
        row.getInt("skipped"));
  }

  /**
   * Letters of a task, in the order of their numbers.
   *
   * @param state only in this one, if any
   * @param after only behind this letter; 0 for the first page
   */
  public List<Item> items(
      String practice, long task, @Nullable ItemState state, long after, int most) {
    String wanted = state == null ? null : state.name();
    return database
        .sql(
            ITEMS
                + " and task_id = ? and letter_id > ? and (?::text is null or state = ?)"
                + " order by letter_id limit ?")
        .params(practices.id(practice), task, after, wanted, wanted, most)
        .query((row, n) -> item(row))
        .list();
  }

  /** The replays of one letter, oldest first. */
  public List<Item> ofLetter(String practice, long letter) {
    return database
        .sql(ITEMS + " and letter_id = ? order by task_id")
        .params(practices.id(practice), letter)
        .query((row, n) -> item(row))
        .list();
  }

  private static final String ITEMS =
      """
      select task_id, letter_id, state, sent_at, decided_at, reason, became from replay_items
      where practice_id = ?""";

  private static Item item(ResultSet row) throws SQLException {
    return new Item(
        row.getLong("task_id"),
        row.getLong("letter_id"),
        ItemState.valueOf(row.getString("state")),
        Letter.instant(row.getTimestamp("sent_at")),
        Letter.instant(row.getTimestamp("decided_at")),
        row.getString("reason"),
        row.getObject("became", Long.class));
  }
}
