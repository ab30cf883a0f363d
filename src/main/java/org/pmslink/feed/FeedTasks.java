package org.pmslink.feed;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import jakarta.annotation.PreDestroy;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.mapping.MappingException;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.annotation.Profile;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * What people have the engine do with a feed that takes longer than they wait for a page: check its
 * file and ask its PMS, try it, take it up. Of a practice one task at a time, in the order in which
 * they were asked for; practices do not wait for each other, but that two dry runs at most go on at
 * once, so that they take little from the feeds that run. What came of each is kept for a while,
 * without patient data.
 */
@Component
@Profile("!tool")
public class FeedTasks {
  private static final Logger log = LoggerFactory.getLogger(FeedTasks.class);

  /** Longer than a read may take by default. */
  private static final Duration LONGEST_READ = Duration.ofSeconds(150);

  /** Dry runs that go on at once, over all practices. */
  private static final int DRY_RUNS = 2;

  private final FeedFiles files;
  private final FeedLoading loading;
  private final FeedReader reader;
  private final DryRun dryRun;
  private final Practices practices;
  private final Audit audit;
  private final Environment environment;
  private final JdbcClient database;
  private final TransactionTemplate transaction;
  private final Set<Long> stopped = ConcurrentHashMap.newKeySet();
  private volatile boolean ending;

  /** One for each practice that has asked for something; a thread that has nothing to do ends. */
  private final Map<Integer, ThreadPoolExecutor> workers = new ConcurrentHashMap<>();

  /** Of dry runs, which may read for hours; who has waited longest is next. */
  private final Semaphore turns = new Semaphore(DRY_RUNS, true);

  FeedTasks(
      FeedFiles files,
      FeedLoading loading,
      FeedReader reader,
      DryRun dryRun,
      Practices practices,
      Audit audit,
      Environment environment,
      JdbcClient database,
      TransactionTemplate transaction) {
    this.files = files;
    this.loading = loading;
    this.reader = reader;
    this.dryRun = dryRun;
    this.practices = practices;
    this.audit = audit;
    this.environment = environment;
    this.database = database;
    this.transaction = transaction;
  }

  /** What is to be done. */
  public enum Kind {
    /** Check the file and ask the PMS. */
    CHECK,
    /** Read everything and deliver nothing. */
    DRY_RUN,
    /** Have the feed run as its file says now. */
    APPLY
  }

  /** How far it is. */
  public enum State {
    WAITING,
    RUNNING,
    DONE,
    FAILED,
    STOPPED
  }

  /**
   * A task.
   *
   * @param everything of a dry run: all streams, and not charts alone
   * @param read records that a dry run has read so far
   * @param decided charts that it has decided about so far
   * @param message what was done, or why it could not be
   * @param report findings of a check, counts of a dry run; absent before its end
   */
  public record Task(
      long id,
      String feed,
      Kind kind,
      State state,
      boolean everything,
      String actor,
      Instant askedAt,
      @Nullable Instant endedAt,
      long read,
      long decided,
      @Nullable String message,
      @Nullable JsonNode report) {

    /** Whether it goes on. */
    public boolean isUnderWay() {
      return state == State.WAITING || state == State.RUNNING;
    }
  }

  /** What was under way when the engine ended was not done to its end. */
  @EventListener(ApplicationReadyEvent.class)
  void closeAbandoned() {
    // Over all practices: it is the engine that was stopped.
    database
        .sql(
            """
            update feed_tasks set state = 'STOPPED', ended_at = now(),
              message = 'the engine was stopped meanwhile'
            where state in ('WAITING', 'RUNNING')""")
        .update();
  }

  @PreDestroy
  void end() {
    ending = true;
    workers.values().forEach(ExecutorService::shutdownNow);
  }

  /**
   * Asks for something to be done; when the same is under way, for nothing more.
   *
   * @param practice one that exists, and that the feed's file names
   * @return the task's number
   */
  public long ask(String practice, String actor, String feed, Kind kind, boolean everything) {
    int id = practices.id(practice);
    for (int attempt = 0; attempt < 3; attempt++) {
      Long fresh =
          transaction.execute(status -> begun(id, practice, actor, feed, kind, everything));
      if (fresh != null) {
        worker(id).execute(() -> work(id, practice, fresh, feed, kind, everything));
        return fresh;
      }
      Optional<Long> underWay =
          database
              .sql(
                  """
                  select id from feed_tasks
                  where practice_id = ? and feed = ? and kind = ? and everything = ?
                    and state in ('WAITING', 'RUNNING')""")
              .params(id, feed, kind.name(), everything)
              .query(Long.class)
              .optional();
      if (underWay.isPresent()) {
        return underWay.get();
      }
    }
    throw new FeedException("the task could not be begun; ask again");
  }

  /** The number of a fresh task; {@code null} when the same is under way. */
  private @Nullable Long begun(
      int id, String practice, String actor, String feed, Kind kind, boolean everything) {
    Optional<Long> fresh =
        database
            .sql(
                """
                insert into feed_tasks (practice_id, feed, kind, everything, actor)
                values (?, ?, ?, ?, ?) on conflict do nothing returning id""")
            .params(id, feed, kind.name(), everything, actor)
            .query(Long.class)
            .optional();
    fresh.ifPresent(
        task ->
            audit.note(
                practice,
                actor,
                switch (kind) {
                  case CHECK -> "checked a feed";
                  case DRY_RUN -> "tried a feed";
                  case APPLY -> "applied a feed";
                },
                feed + ", task " + task));
    return fresh.orElse(null);
  }

  private ExecutorService worker(int practice) {
    return workers.computeIfAbsent(
        practice,
        p -> {
          ThreadPoolExecutor one =
              new ThreadPoolExecutor(
                  1,
                  1,
                  30,
                  TimeUnit.SECONDS,
                  new LinkedBlockingQueue<>(),
                  task -> {
                    Thread thread = new Thread(task, "feed-tasks-" + p);
                    thread.setDaemon(true);
                    return thread;
                  });
          one.allowCoreThreadTimeOut(true);
          return one;
        });
  }

  /** Has a task leave off; one that waits does not begin. */
  public void stop(String practice, String actor, long task) {
    Boolean waited =
        transaction.execute(
            status -> {
              audit.note(practice, actor, "stopped a task", "task " + task);
              return database
                      .sql(
                          """
                          update feed_tasks set state = 'STOPPED', ended_at = now(),
                            message = 'stopped before it began'
                          where practice_id = ? and id = ? and state = 'WAITING'""")
                      .params(practices.id(practice), task)
                      .update()
                  == 1;
            });
    if (!Boolean.TRUE.equals(waited)) {
      stopped.add(task);
    }
  }

  /** What a task waits for, in words; empty when it does not wait. */
  public Optional<String> waitsFor(String practice, Task task) {
    if (task.state() != State.WAITING) {
      return Optional.empty();
    }
    Optional<String> ahead =
        database
            .sql(
                """
                select id || ' of feed ' || feed from feed_tasks
                where practice_id = ? and state in ('WAITING', 'RUNNING') and id < ?
                order by id desc limit 1""")
            .params(practices.id(practice), task.id())
            .query(String.class)
            .optional();
    if (ahead.isPresent()) {
      return ahead.map(other -> "It begins when task " + other + " has ended.");
    }
    return task.kind() == Kind.DRY_RUN && turns.availablePermits() == 0
        ? Optional.of(
            "It begins when a trial of another practice has ended: "
                + DRY_RUNS
                + " go on at once, so that they take little from the feeds that run.")
        : Optional.empty();
  }

  /** One task of a feed. */
  public Optional<Task> find(String practice, String feed, long task) {
    return database
        .sql(SELECT + " where practice_id = ? and feed = ? and id = ?")
        .params(practices.id(practice), feed, task)
        .query((row, n) -> task(row))
        .optional();
  }

  /** The newest tasks of a feed. */
  public List<Task> newest(String practice, String feed, int most) {
    return database
        .sql(SELECT + " where practice_id = ? and feed = ? order by id desc limit ?")
        .params(practices.id(practice), feed, most)
        .query((row, n) -> task(row))
        .list();
  }

  private static final String SELECT =
      """
      select id, feed, kind, state, everything, actor, asked_at, ended_at, read, decided, message,
             report::text
      from feed_tasks""";

  private static Task task(ResultSet row) throws SQLException {
    var ended = row.getTimestamp(8);
    String report = row.getString(12);
    try {
      return new Task(
          row.getLong(1),
          row.getString(2),
          Kind.valueOf(row.getString(3)),
          State.valueOf(row.getString(4)),
          row.getBoolean(5),
          row.getString(6),
          row.getTimestamp(7).toInstant(),
          ended == null ? null : ended.toInstant(),
          row.getLong(9),
          row.getLong(10),
          row.getString(11),
          report == null ? null : RecordJson.mapper().readTree(report));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("what is stored as JSON is JSON", e);
    }
  }

  private void work(
      int practice, String name, long task, String feed, Kind kind, boolean everything) {
    try {
      if (kind == Kind.DRY_RUN) {
        turns.acquire();
        try {
          if (begins(practice, task)) {
            tryOut(practice, task, feed, everything);
          }
        } finally {
          turns.release();
        }
      } else if (begins(practice, task)) {
        if (kind == Kind.CHECK) {
          check(practice, task, feed);
        } else {
          apply(practice, name, task, feed);
        }
      }
    } catch (FeedException | MappingException e) {
      ended(practice, task, State.FAILED, e.getMessage(), null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (DataAccessException e) {
      // The next start closes it.
      log.warn("task {} of feed {} found no store", task, feed);
    } catch (RuntimeException e) {
      log.error("task {} of feed {} failed: {}", task, feed, e.getClass().getName());
      ended(practice, task, State.FAILED, "it failed; the log says of what kind", null);
    } finally {
      stopped.remove(task);
    }
  }

  /** Whether nobody has stopped a task while it waited. */
  private boolean begins(int practice, long task) {
    return database
            .sql(
                """
                update feed_tasks set state = 'RUNNING'
                where practice_id = ? and id = ? and state = 'WAITING'""")
            .params(practice, task)
            .update()
        == 1;
  }

  private void check(int practice, long task, String feed) {
    List<SourceFinding> findings = files.findings(feed);
    if (findings.isEmpty()) {
      findings =
          files.askSource(
              files.file(feed), parameter -> Placeholders.filledIn(environment, parameter));
    }
    boolean wrong = findings.stream().anyMatch(f -> f.kind() == SourceFinding.Kind.WRONG);
    ended(
        practice,
        task,
        wrong ? State.FAILED : State.DONE,
        wrong ? "it would not run as it is" : "nothing is wrong",
        RecordJson.mapper().valueToTree(findings));
  }

  private void apply(int practice, String name, long task, String feed) {
    String named;
    try {
      named = files.practiceOf(feed, p -> Placeholders.filledIn(environment, p));
    } catch (FeedException e) {
      // Nobody can tell whose it is, so it does not even get as far as being applied.
      throw new FeedException(
          e.getMessage()
              + (files.loaded().contains(feed)
                  ? "; the feed runs on as before"
                  : "; the feed does not run"));
    }
    if (!name.equals(named)) {
      throw new FeedException("the file names another practice; nothing was changed");
    }
    FeedChanges.Answer answer = loading.apply(feed);
    ended(practice, task, answer.applied() ? State.DONE : State.FAILED, answer.text(), null);
  }

  private void tryOut(int practice, long task, String feed, boolean everything)
      throws InterruptedException {
    // An API counts and throttles what it is asked, whoever asks: the feed waits for the trial.
    boolean waits = !files.isReadWithSql(feed);
    try {
      if (waits && !reader.hold(feed, LONGEST_READ)) {
        throw new FeedException("the feed's read under way did not come to its end; try it later");
      }
      DryRun.Report report = dryRun.run(feed, everything, progress(practice, task));
      if (report == null) {
        ended(practice, task, State.STOPPED, "stopped; nothing was delivered", null);
      } else {
        ended(
            practice,
            task,
            State.DONE,
            "nothing was delivered, and no cursor has moved",
            RecordJson.mapper().valueToTree(report));
      }
    } finally {
      if (waits) {
        reader.release(feed);
      }
    }
  }

  private DryRun.Progress progress(int practice, long task) {
    return new DryRun.Progress() {
      @Override
      public void at(long read, long decided) {
        database
            .sql("update feed_tasks set read = ?, decided = ? where practice_id = ? and id = ?")
            .params(read, decided, practice, task)
            .update();
      }

      @Override
      public boolean isStopped() {
        return ending || stopped.contains(task);
      }
    };
  }

  private void ended(
      int practice, long task, State state, @Nullable String message, @Nullable JsonNode report) {
    database
        .sql(
            """
            update feed_tasks set state = ?, message = ?, report = ?::jsonb, ended_at = now()
            where practice_id = ? and id = ?""")
        .params(
            state.name(), message, report == null ? null : RecordJson.write(report), practice, task)
        .update();
  }
}
