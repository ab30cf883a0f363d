package org.pmslink.linking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.LongNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.membership.ChartMerges;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Members;
import org.pmslink.membership.Refiling;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.pmslink.progress.Runs.Phase;
import org.pmslink.progress.Runs.Run;
import org.pmslink.progress.StoreStatistics;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Finds what waits for a decision and asks the match step for it: all charts once a first load is
 * complete (frequency and household evidence need the whole practice), members that were added or
 * changed, and decisions whose ground has shifted. Also moves passes on as their pages come
 * through.
 */
@Component
public class Sweep {
  /** Charts in one request; a request is one message. */
  private static final int PAGE = 500;

  /** Requests in one turn, so that the queue never holds much more than is being worked on. */
  private static final int PAGES_PER_TURN = 40;

  private final Runs runs;
  private final Charts charts;
  private final Members members;
  private final ChartMerges merges;
  private final Populations populations;
  private final Practices practices;
  private final Refiling refiling;
  private final StoreStatistics statistics;
  private final JdbcClient database;

  Sweep(
      Runs runs,
      Charts charts,
      Members members,
      ChartMerges merges,
      Populations populations,
      Practices practices,
      Refiling refiling,
      StoreStatistics statistics,
      JdbcClient database) {
    this.statistics = statistics;
    this.refiling = refiling;
    this.populations = populations;
    this.practices = practices;
    this.runs = runs;
    this.charts = charts;
    this.members = members;
    this.merges = merges;
    this.database = database;
  }

  /**
   * A request to send; {@link #sent} must follow, so that a crash between the two sends it again.
   */
  public record Request(RecordBatch batch, @Nullable Run run, long lastId) {}

  /** What to ask for now; empty when nothing waits. */
  public List<Request> next() {
    List<Request> requests = new ArrayList<>();
    RuntimeException failure = null;
    statistics.renew();
    for (int practice : runs.practicesWithOpenRuns()) {
      try {
        for (Run run : runs.open(practice)) {
          advance(run, requests);
        }
      } catch (RuntimeException e) {
        failure = e; // the other practices are not held up by this one
      }
    }
    populations.askAgainAfterNewRules();
    refiling.next(LinkRecords::keys);
    for (Turn turn : practicesWithWork()) {
      again(turn, requests);
    }
    if (failure != null && requests.isEmpty()) {
      throw failure; // else it comes again with the next turn
    }
    return requests;
  }

  /** Notes that a request is durably on the queue. */
  public void sent(Request request) {
    Run run = request.run();
    if (run != null) {
      runs.sent(run.practiceId(), run.id(), request.batch().page(), 0);
      runs.sweptUpTo(run.practiceId(), run.id(), request.lastId());
    }
  }

  private void advance(Run run, List<Request> requests) {
    if (run.phase() == Phase.READING) {
      if (run.readAt() != null
          && runs.allHandled(run)
          && !merges.waiting(run.practiceId(), run.source())) {
        switch (run.kind()) {
          case FIRST_LOAD, COMPARISON -> populations.count(run.practiceId());
          case RECEIVED -> populations.countIfOld(run.practiceId());
          case CHANGES -> {}
        }
        runs.enter(
            run.practiceId(),
            run.id(),
            run.kind() == Runs.Kind.FIRST_LOAD ? Phase.DECIDING : Phase.DONE);
      }
      return;
    }
    List<Long> waiting =
        charts.undecided(run.practiceId(), run.source(), run.sweepAfter(), PAGE * PAGES_PER_TURN);
    if (waiting.isEmpty()) {
      if (runs.allHandled(run)) {
        members.matchedBefore(run.practiceId(), run.startedAt());
        runs.enter(run.practiceId(), run.id(), Phase.DONE);
      }
      return;
    }
    int page = run.lastPage();
    for (int from = 0; from < waiting.size(); from += PAGE) {
      List<Long> ids = waiting.subList(from, Math.min(waiting.size(), from + PAGE));
      page++;
      requests.add(
          new Request(
              batch(
                  practices.name(run.practiceId()),
                  run.source(),
                  run.feed(),
                  run.id(),
                  page,
                  RecordType.PATIENT_IDS,
                  ids),
              run,
              ids.get(ids.size() - 1)));
    }
  }

  /** A practice in which something waits, with its PMS installations in order of their names. */
  private record Turn(int practiceId, String practice, List<String> sources) {}

  /** Practices with members or decisions that wait, once their first load is done. */
  private List<Turn> practicesWithWork() {
    return database
        .sql(
            """
            select distinct r.practice_id, p.practice
            from feed_runs r
            join practices p on p.id = r.practice_id
            where r.kind = 'FIRST_LOAD' and r.phase = 'DONE'
              and not exists (select 1 from feed_runs o where o.practice_id = r.practice_id
                              and o.kind = 'FIRST_LOAD' and o.phase <> 'DONE')
              and (exists (select 1 from members m
                           where m.practice_id = r.practice_id and m.matched_version < m.version)
                   or exists (select 1 from decisions d
                              where d.practice_id = r.practice_id
                                and d.stale_since is not null))""")
        .query((row, n) -> new Turn(row.getInt(1), row.getString(2), List.of()))
        .list()
        .stream()
        .map(t -> new Turn(t.practiceId(), t.practice(), runs.sources(t.practiceId())))
        .toList();
  }

  private void again(Turn turn, List<Request> requests) {
    List<Long> waitingMembers = members.waitingForMatch(turn.practiceId(), PAGE / 5);
    for (String source : turn.sources()) {
      // A member may have a chart in each PMS. With the last one they count as matched.
      if (!waitingMembers.isEmpty()) {
        requests.add(request(turn, source, RecordType.MEMBER_IDS, waitingMembers));
      }
      List<Long> stale = charts.toDecideAgain(turn.practiceId(), source, PAGE);
      if (!stale.isEmpty()) {
        requests.add(request(turn, source, RecordType.PATIENT_IDS, stale));
      }
    }
  }

  private static Request request(Turn turn, String source, RecordType type, List<Long> ids) {
    return new Request(batch(turn.practice(), source, "sweep", null, 0, type, ids), null, 0);
  }

  private static RecordBatch batch(
      String practice,
      String source,
      String feed,
      @Nullable Long run,
      int page,
      RecordType type,
      List<Long> ids) {
    List<JsonNode> records = ids.stream().<JsonNode>map(LongNode::valueOf).toList();
    return new RecordBatch(
        practice,
        source,
        feed,
        run,
        page,
        "",
        records.size(),
        0,
        type,
        type.name(),
        true,
        null,
        null,
        null,
        null,
        records);
  }
}
