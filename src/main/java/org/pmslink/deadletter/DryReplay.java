package org.pmslink.deadletter;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.pmslink.access.Audit;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Tries what a replay would come to: nothing is sent, and nothing is written but the audit. */
@Component
public class DryReplay {
  /** Letters that are tried when no number is asked for. */
  public static final int USUAL = 1_000;

  /** Letters that are tried at most. */
  public static final int MOST = 10_000;

  private static final Duration LONGEST = Duration.ofSeconds(20);
  private static final int CHUNK = 100;

  private final JdbcClient database;
  private final Practices practices;
  private final LetterSearch search;
  private final SealedPayloads payloads;
  private final Audit audit;
  private final Map<Hop, StepRehearsal> steps = new EnumMap<>(Hop.class);

  DryReplay(
      JdbcClient database,
      Practices practices,
      LetterSearch search,
      SealedPayloads payloads,
      Audit audit,
      List<StepRehearsal> steps) {
    this.database = database;
    this.practices = practices;
    this.search = search;
    this.payloads = payloads;
    this.audit = audit;
    steps.forEach(step -> this.steps.put(step.hop(), step));
  }

  /** A letter that would fail again, and of what. */
  public record Failing(long letter, String sourceId, Cause cause) {}

  /**
   * What a replay would come to: "97 of 100 would pass".
   *
   * @param selected open letters that were asked about
   * @param notOpen letters that were asked about one by one and that no replay would send: closed,
   *     or in the hands of one already
   * @param tried how many of them were tried: the first ones, as many as were asked for or as there
   *     was time for
   * @param passing how many of those would get through the step that they failed in
   */
  public record Result(long selected, long notOpen, int tried, int passing, List<Failing> failing) {

    public Result {
      failing = List.copyOf(failing);
    }
  }

  private record Stored(long id, Hop hop, String sourceId, Category category, byte[] sealed) {}

  /**
   * Tries letters in the step that they failed in, oldest first.
   *
   * @param most letters to try at most; not more than {@link #MOST} in any case
   */
  public Result rehearse(String practice, String actor, Selection selection, int most) {
    int practiceId = practices.id(practice);
    int limit = Math.max(1, Math.min(most, MOST));
    List<State> open = List.of(State.OPEN);
    List<Long> ids = search.ids(practiceId, selection, open, limit);
    long selected = ids.size() < limit ? ids.size() : search.count(practiceId, selection, open);
    long notOpen = selection.ids() == null ? 0 : selection.ids().size() - selected;
    long end = System.nanoTime() + LONGEST.toNanos();
    List<Failing> failing = new ArrayList<>();
    int tried = 0;
    for (int from = 0; from < ids.size() && System.nanoTime() < end; from += CHUNK) {
      for (Stored letter :
          stored(practiceId, ids.subList(from, Math.min(ids.size(), from + CHUNK)))) {
        if (System.nanoTime() > end) {
          break;
        }
        tried++;
        why(letter)
            .ifPresent(cause -> failing.add(new Failing(letter.id(), letter.sourceId(), cause)));
      }
    }
    Result result = new Result(selected, notOpen, tried, tried - failing.size(), failing);
    audit.note(
        practice,
        actor,
        "dead-letter-dry-run",
        selection + ": " + result.passing() + " of " + tried + " would pass");
    return result;
  }

  private Optional<Cause> why(Stored letter) {
    StepRehearsal step = steps.get(letter.hop());
    if (step == null) {
      throw new IllegalStateException("nobody rehearses the step " + letter.hop());
    }
    return step.rehearse(payloads.open(letter.sealed()), letter.category());
  }

  private List<Stored> stored(int practice, List<Long> ids) {
    return database
        .sql(
            """
            select d.id, d.hop, d.source_id, g.category, d.payload from dead_letters d
            join dead_letter_groups g
              on g.practice_id = d.practice_id and g.group_key = d.group_key
            where d.practice_id = ? and d.id = any (?) order by d.id""")
        .params(practice, ids.toArray(Long[]::new))
        .query(
            (row, n) ->
                new Stored(
                    row.getLong(1),
                    Hop.ofStored(row.getString(2)),
                    row.getString(3),
                    Category.valueOf(row.getString(4)),
                    row.getBytes(5)))
        .list();
  }
}
