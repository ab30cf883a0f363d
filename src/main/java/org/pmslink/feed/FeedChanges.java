package org.pmslink.feed;

import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Asks the engine that runs on this store to take up a feed file, and keeps its answer: the command
 * that asks is another process.
 */
@Component
public class FeedChanges {
  private final JdbcClient database;

  FeedChanges(JdbcClient database) {
    this.database = database;
  }

  /**
   * What came of a request.
   *
   * @param applied whether the file's feed runs
   * @param text what was done, or what is wrong and what to do
   */
  public record Answer(boolean applied, String text) {}

  /** A request that waits. */
  record Request(long id, String feed) {}

  /** Asks, and returns the request's number. */
  public long ask(String feed) {
    return database
        .sql("insert into feed_changes (feed) values (?) returning id")
        .param(feed)
        .query(Long.class)
        .single();
  }

  /** The engine's answer, once there is one. */
  public Optional<Answer> answer(long request) {
    return database
        .sql("select applied, answer from feed_changes where id = ? and answered_at is not null")
        .param(request)
        .query((row, n) -> new Answer(row.getBoolean(1), row.getString(2)))
        .optional();
  }

  /**
   * Takes a request back that no engine has taken up.
   *
   * @return false when an engine is about it
   */
  public boolean withdraw(long request) {
    return database
            .sql("delete from feed_changes where id = ? and taken_at is null")
            .param(request)
            .update()
        == 1;
  }

  /** Takes up what waits, oldest first, with what a crash has left unanswered. */
  List<Request> take() {
    return database
        .sql(
            """
            update feed_changes set taken_at = now() where answered_at is null
            returning id, feed""")
        .query((row, n) -> new Request(row.getLong(1), row.getString(2)))
        .list()
        .stream()
        .sorted(java.util.Comparator.comparing(Request::id))
        .toList();
  }

  void answered(long request, Answer answer) {
    database
        .sql(
            """
            update feed_changes set answered_at = now(), applied = ?, answer = ? where id = ?""")
        .params(answer.applied(), answer.text(), request)
        .update();
  }
}
