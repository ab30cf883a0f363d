package org.pmslink.deadletter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.pmslink.deadletter.ReplayTasks.TaskState;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Letters of replay tasks on their way back to the step they failed in, as the engine sends them.
 *
 * <p>A letter is marked before it is sent and confirmed afterwards. After a crash between the two
 * it is sent again; and should it have gone out all the same, only the first of the two messages to
 * come to its end counts.
 */
@Component
public class ReplayQueue {
  /** Of one task; so that a task that is stopped soon stops. */
  private static final int SECONDS_UNDER_WAY = 10;

  private final JdbcClient database;
  private final ReplayTasks tasks;
  private final SealedPayloads payloads;
  private final TransactionTemplate transaction;

  ReplayQueue(
      JdbcClient database,
      ReplayTasks tasks,
      SealedPayloads payloads,
      PlatformTransactionManager transactions) {
    this.database = database;
    this.tasks = tasks;
    this.payloads = payloads;
    this.transaction = new TransactionTemplate(transactions);
  }

  /** A letter on its way back: which hop, and the message to send. */
  public record Replay(
      int practiceId, long task, long letter, String hop, String group, JsonNode payload) {

    /** The message body. */
    public byte[] toJson() throws JsonProcessingException {
      // The letter's number goes along, so that the step that decides its fate can say so.
      ObjectNode message = payload.deepCopy();
      return RecordJson.mapper().writeValueAsBytes(message.put("letter", letter));
    }

    /** Without the payload: Camel may show this. */
    @Override
    public String toString() {
      return "letter " + letter + " of replay task " + task;
    }
  }

  private record Turn(int practice, long task, TaskState state, int perSecond) {}

  /** What to send now; {@link #sent} must follow for each. */
  public List<Replay> next() {
    List<Replay> replays = new ArrayList<>();
    for (Turn turn : turns()) {
      transaction.executeWithoutResult(status -> replays.addAll(next(turn)));
      tasks.finishIfDecided(turn.practice(), turn.task());
    }
    return replays;
  }

  private List<Turn> turns() {
    // Over all practices: it finds out whose turn it is and reads no letter.
    return database
        .sql(
            """
            select practice_id, id, state, per_second from replay_tasks
            where finished_at is null order by id""")
        .query(
            (row, n) ->
                new Turn(
                    row.getInt(1),
                    row.getLong(2),
                    TaskState.valueOf(row.getString(3)),
                    row.getInt(4)))
        .list();
  }

  private List<Replay> next(Turn turn) {
    if (turn.state() == TaskState.STOPPED) {
      giveUp(turn);
      return List.of();
    }
    List<Long> due = new ArrayList<>(unheardOf(turn));
    if (turn.state() == TaskState.RUNNING) {
      due.addAll(waiting(turn, allowed(turn) - due.size()));
    }
    if (due.isEmpty()) {
      return List.of();
    }
    Long[] letters = due.toArray(Long[]::new);
    List<Long> sending =
        database
            .sql(
                """
                update replay_items set state = 'SENT', sent_at = now(), confirmed = false
                where practice_id = ? and task_id = ? and letter_id = any (?)
                  and state in ('WAITING', 'SENT')
                returning letter_id""")
            .params(turn.practice(), turn.task(), letters)
            .query(Long.class)
            .list();
    return database
        .sql(
            """
            update dead_letters set sent_version = version
            where practice_id = ? and id = any (?) and state = 'REPLAYING'
            returning id, hop, feed, payload""")
        .params(turn.practice(), sending.toArray(Long[]::new))
        .query(
            (row, n) ->
                new Replay(
                    turn.practice(),
                    turn.task(),
                    row.getLong("id"),
                    row.getString("hop"),
                    row.getString("feed") + "#replay",
                    payloads.open(row.getBytes("payload"))))
        .list();
  }

  /** As many as fit into this second, and not more than the steps keep up with. */
  private int allowed(Turn turn) {
    return database
        .sql(
            """
            select least(? - count(*) filter (where sent_at > now() - interval '1 second'),
                         ? - count(*) filter (where state = 'SENT'))
            from replay_items
            where practice_id = ? and task_id = ?
              and (state = 'SENT' or sent_at > now() - interval '1 second')""")
        .params(
            turn.perSecond(), turn.perSecond() * SECONDS_UNDER_WAY, turn.practice(), turn.task())
        .query(Integer.class)
        .single();
  }

  private List<Long> waiting(Turn turn, int most) {
    if (most <= 0) {
      return List.of();
    }
    return database
        .sql(
            """
            select letter_id from replay_items
            where practice_id = ? and task_id = ? and state = 'WAITING'
            order by letter_id limit ? for update skip locked""")
        .params(turn.practice(), turn.task(), most)
        .query(Long.class)
        .list();
  }

  /** Perhaps never sent, because the engine or the broker went away just then; or lost with it. */
  private List<Long> unheardOf(Turn turn) {
    return database
        .sql(
            "select letter_id from replay_items where practice_id = ? and task_id = ? and "
                + UNHEARD_OF
                + " order by letter_id limit ? for update skip locked")
        .params(turn.practice(), turn.task(), turn.perSecond())
        .query(Long.class)
        .list();
  }

  private static final String UNHEARD_OF =
      """
      state = 'SENT' and sent_at < now() - case when confirmed then interval '15 minutes'
                                                else interval '1 minute' end""";

  /** Of a task that was stopped nothing is sent again; its letters wait for somebody. */
  private void giveUp(Turn turn) {
    if (!unheardOf(turn).isEmpty()) {
      tasks.release(
          turn.practice(), turn.task(), "stopped before it was known what came of it", "SENT");
    }
  }

  /** Notes that a letter is durably on the queue. */
  public void sent(Replay replay) {
    database
        .sql(
            """
            update replay_items set confirmed = true
            where practice_id = ? and task_id = ? and letter_id = ? and state = 'SENT'""")
        .params(replay.practiceId(), replay.task(), replay.letter())
        .update();
  }
}
