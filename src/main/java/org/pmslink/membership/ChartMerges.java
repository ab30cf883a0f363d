package org.pmslink.membership;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.ActiveLinks.ActiveLink;
import org.pmslink.membership.ChartDecisions.Outcome;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Charts that the PMS merged into others: a link follows the surviving chart, through chains.
 *
 * <p>The apply step only notes merges; they are followed a moment later, many at a time and by one
 * at a time. Two consumers that followed merges of one chain side by side would not see each
 * other's merge, nor the link that the other one moves, and the link would stop half-way.
 */
@Component
public class ChartMerges {
  private static final int PAGE = 500;
  private static final int LONGEST_CHAIN = 100;

  private final JdbcTemplate database;
  private final Links links;
  private final ChartDecisions decisions;
  private final ContactsFromCharts contacts;
  private final Verdicts verdicts;
  private final ActiveLinks activeLinks;
  private final PracticeLock lock;
  private final TransactionTemplate transaction;

  ChartMerges(
      JdbcTemplate database,
      Links links,
      ChartDecisions decisions,
      ContactsFromCharts contacts,
      Verdicts verdicts,
      ActiveLinks activeLinks,
      PracticeLock lock,
      PlatformTransactionManager transactions) {
    this.lock = lock;
    this.database = database;
    this.activeLinks = activeLinks;
    this.links = links;
    this.decisions = decisions;
    this.contacts = contacts;
    this.verdicts = verdicts;
    this.transaction = new TransactionTemplate(transactions);
  }

  /** Notes merges, to be followed. */
  void note(int practice, String source, Collection<Command.Merge> merges) {
    Map<String, Command.Merge> newest = new LinkedHashMap<>();
    for (Command.Merge merge : merges) {
      newest.merge(
          merge.sourceId(),
          merge,
          (a, b) -> {
            boolean later =
                b.version() >= a.version() && b.holdsAgainst(a.survivorSourceId(), a.mergedAt());
            return later ? b : a;
          });
    }
    if (newest.isEmpty()) {
      return;
    }
    database.update(
        """
        insert into chart_merges as m (practice_id, source, loser_source_id, survivor_source_id,
                                       version, merged_at, by_survivor, follow_asked_at)
        select ?, ?, t.loser, t.survivor, t.version, t.merged_at, t.by_survivor, now()
        from unnest(?::text[], ?::text[], ?::bigint[], ?::timestamptz[], ?::boolean[])
             as t (loser, survivor, version, merged_at, by_survivor)
        where not exists (
          select 1 from patients p
          where p.practice_id = ? and p.source = ? and p.source_id = t.loser
            and p.merge_taken_back >= t.version)
        order by t.loser
        on conflict (practice_id, source, loser_source_id) do update
        set survivor_source_id = excluded.survivor_source_id, version = excluded.version,
            merged_at = case when m.survivor_source_id = excluded.survivor_source_id
                             then greatest(m.merged_at, excluded.merged_at)
                             else excluded.merged_at end,
            by_survivor = excluded.by_survivor
                          and (m.by_survivor or m.survivor_source_id <> excluded.survivor_source_id),
            follow_asked_at = now(),
            followed_at = case when m.survivor_source_id = excluded.survivor_source_id
                               then m.followed_at end
        where m.version <= excluded.version
          and (m.survivor_source_id = excluded.survivor_source_id
               or m.merged_at is null or excluded.merged_at is null
               or (excluded.merged_at, excluded.survivor_source_id collate "C")
                  > (m.merged_at, m.survivor_source_id collate "C"))""",
        practice,
        source,
        newest.keySet().toArray(String[]::new),
        newest.values().stream().map(Command.Merge::survivorSourceId).toArray(String[]::new),
        newest.values().stream().mapToLong(Command.Merge::version).toArray(),
        newest.values().stream()
            .map(merge -> merge.mergedAt() == null ? null : merge.mergedAt().toString())
            .toArray(String[]::new),
        newest.values().stream().map(Command.Merge::bySurvivor).toArray(Boolean[]::new),
        practice,
        source);
  }

  /**
   * Takes back a merge that the chart told of itself, or its survivor, and tells no more. It is a
   * chart of its own again; a link that followed the merge stays where it is and is flagged,
   * because only a person can tell whose it is.
   *
   * @param survivor as was told; when another merge was noted since, that one stands
   * @param version of the record that tells of it no more
   * @return whether it was this merge that stood
   */
  boolean takeBack(int practice, String source, String loser, String survivor, long version) {
    List<Chain> chains = chains(practice, source, List.of(loser));
    List<Long> followed = new ArrayList<>();
    if (!chains.isEmpty() && !chains.get(0).circle()) {
      followed.addAll(linksThatFollowed(practice, source, loser, chains.get(0).end()));
    }
    int takenBack =
        database.update(
            """
            delete from chart_merges
            where practice_id = ? and source = ? and loser_source_id = ?
              and survivor_source_id = ? and version < ?""",
            practice,
            source,
            loser,
            survivor,
            version);
    if (takenBack == 0) {
      return false;
    }
    // What was read before and comes late must not merge it again.
    database.update(
        """
        update patients set merge_taken_back = ?
        where practice_id = ? and source = ? and source_id = ?""",
        version,
        practice,
        source,
        loser);
    links.flag(practice, followed, Links.MERGE_TAKEN_BACK);
    return true;
  }

  /** Charts at the end of a chain that are linked to whom this chart, or one behind it, was. */
  private List<Long> linksThatFollowed(int practice, String source, String loser, String end) {
    return database.queryForList(
        """
        with recursive behind as (
          select ?::text as source_id
          union
          select m.loser_source_id from behind b
          join chart_merges m on m.practice_id = ? and m.source = ?
                             and m.survivor_source_id = b.source_id)
        select l.patient_id from links l
        join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        where l.practice_id = ? and l.ended_at is null and p.source = ? and p.source_id = ?
          and l.member_id in (
            select e.member_id from links e
            join patients q on q.practice_id = e.practice_id and q.id = e.patient_id
            join behind b on b.source_id = q.source_id
            where e.practice_id = ? and q.source = ? and e.end_reason = 'CHART_MERGED')""",
        Long.class,
        loser,
        practice,
        source,
        practice,
        source,
        end,
        practice,
        source);
  }

  /** Has charts decided about again that are merged no more. */
  void decideAgain(int practice, String source, Set<String> sourceIds) {
    if (sourceIds.isEmpty()) {
      return;
    }
    database.update(
        """
        update decisions d set stale_since = now(), sent_at = null
        from patients p
        where d.practice_id = ? and p.practice_id = d.practice_id and p.id = d.patient_id
          and p.source = ? and p.source_id = any (?)""",
        practice,
        source,
        sourceIds.toArray(String[]::new));
  }

  /** Charts that the store did not have before: merges may have waited for them. */
  void arrived(int practice, String source, Set<String> sourceIds) {
    if (sourceIds.isEmpty()) {
      return;
    }
    List<String> waiting =
        database.queryForList(
            """
            select loser_source_id from chart_merges
            where practice_id = ? and source = ? and survivor_source_id = any (?)
              and followed_at is null and follow_asked_at is null
            order by loser_source_id for update""",
            String.class,
            practice,
            source,
            sourceIds.toArray(String[]::new));
    if (!waiting.isEmpty()) {
      ask(practice, source, waiting, true);
    }
  }

  private void ask(int practice, String source, List<String> losers, boolean whether) {
    database.update(
        """
        update chart_merges set follow_asked_at = case when ? then now() end
        where practice_id = ? and source = ? and loser_source_id = any (?)""",
        whether,
        practice,
        source,
        losers.toArray(String[]::new));
  }

  /** Whether a merge is yet to be followed whose charts may both be there. */
  public boolean waiting(int practice, String source) {
    return Boolean.TRUE.equals(
        database.queryForObject(
            """
            select exists (select 1 from chart_merges
                           where practice_id = ? and source = ? and follow_asked_at is not null)""",
            Boolean.class,
            practice,
            source));
  }

  private record Turn(int practice, String source) {}

  /** Follows what has been noted, for every practice. */
  public void follow() {
    // Over all practices: it finds out whose turn it is and reads no patient.
    List<Turn> turns =
        database.query(
            """
            select distinct practice_id, source from chart_merges
            where follow_asked_at is not null""",
            (row, n) -> new Turn(row.getInt(1), row.getString(2)));
    RuntimeException failure = null;
    for (Turn turn : turns) {
      try {
        int followed;
        do {
          Integer page = transaction.execute(status -> follow(turn.practice(), turn.source()));
          followed = page == null ? 0 : page;
        } while (followed == PAGE);
      } catch (RuntimeException e) {
        failure = e; // the other practices are not held up by this one
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Follows a page of merges; returns how many were asked for. */
  private int follow(int practice, String source) {
    lock.enter(practice, true);
    List<String> asked =
        database.queryForList(
            """
            select loser_source_id from chart_merges
            where practice_id = ? and source = ? and follow_asked_at is not null
            order by loser_source_id limit ?""",
            String.class,
            practice,
            source,
            PAGE);
    List<String> losers = withThoseBehind(practice, source, asked);
    ask(practice, source, asked, false);
    List<Chain> chains = chains(practice, source, losers);
    Map<String, Side> sides = sides(practice, source, chains);
    List<Side> toRetire = new ArrayList<>();
    List<String> done = new ArrayList<>();
    for (Chain chain : chains) {
      Side loser = sides.get(chain.loser());
      if (chain.circle()) {
        // The PMS contradicts itself, and only a person can tell.
        if (loser != null) {
          links.flag(practice, List.of(loser.patientId), "MERGED_IN_A_CIRCLE");
        }
        done.add(chain.loser());
        continue;
      }
      if (loser != null) {
        toRetire.add(loser);
      }
      if (sides.containsKey(chain.end())) {
        done.add(chain.loser());
      }
    }
    retire(practice, source, toRetire);
    for (Chain chain : chains) {
      Side loser = sides.get(chain.loser());
      Side survivor = sides.get(chain.end());
      if (!chain.circle() && loser != null && survivor != null) {
        verdicts.followMerge(practice, loser.patientId, survivor.patientId);
        if (loser.link != null) {
          move(practice, loser, survivor);
        }
      }
    }
    database.update(
        """
        update chart_merges set followed_at = now()
        where practice_id = ? and source = ? and loser_source_id = any (?)
          and followed_at is null""",
        practice,
        source,
        done.toArray(String[]::new));
    return asked.size();
  }

  /** With the merges into these charts that still wait: their chain may have found its end. */
  private List<String> withThoseBehind(int practice, String source, List<String> losers) {
    return database.queryForList(
        """
        with recursive behind as (
          select t.loser, 1 as depth from unnest(?::text[]) as t (loser)
          union
          select m.loser_source_id, b.depth + 1 from behind b
          join chart_merges m on m.practice_id = ? and m.source = ?
                             and m.survivor_source_id = b.loser
          where m.followed_at is null and b.depth < ?)
        select distinct loser from behind""",
        String.class,
        losers.toArray(String[]::new),
        practice,
        source,
        LONGEST_CHAIN);
  }

  /**
   * Where a merge leads in the end.
   *
   * @param circle it comes back to where it has been, and has no end
   */
  private record Chain(String loser, String end, boolean circle) {}

  private List<Chain> chains(int practice, String source, List<String> losers) {
    return database.query(
        """
        with recursive chain as (
          select m.loser_source_id as loser, m.survivor_source_id as "end",
                 array[m.loser_source_id] as path, false as circle
          from chart_merges m
          where m.practice_id = ? and m.source = ? and m.loser_source_id = any (?)
          union all
          select c.loser, m.survivor_source_id, c.path || m.loser_source_id,
                 m.survivor_source_id = any (c.path || m.loser_source_id)
          from chain c
          join chart_merges m on m.practice_id = ? and m.source = ?
                             and m.loser_source_id = c."end"
          where not c.circle)
        select distinct on (loser) loser, "end", circle from chain
        order by loser, cardinality(path) desc""",
        (row, n) -> new Chain(row.getString(1), row.getString(2), row.getBoolean(3)),
        practice,
        source,
        losers.toArray(String[]::new),
        practice,
        source);
  }

  /** One chart of a merge, and the link it has. */
  private static final class Side {
    final long patientId;
    @Nullable ActiveLink link;

    Side(long patientId) {
      this.patientId = patientId;
    }
  }

  /** The charts that are there, with their links. */
  private Map<String, Side> sides(int practice, String source, List<Chain> chains) {
    List<String> sourceIds = new ArrayList<>();
    chains.forEach(
        c -> {
          sourceIds.add(c.loser());
          sourceIds.add(c.end());
        });
    Map<String, Side> sides = new HashMap<>();
    Map<Long, Side> byId = new HashMap<>();
    database.query(
        """
        select id, source_id from patients
        where practice_id = ? and source = ? and source_id = any (?)""",
        row -> {
          Side side = new Side(row.getLong(1));
          sides.put(row.getString(2), side);
          byId.put(side.patientId, side);
        },
        practice,
        source,
        sourceIds.stream().distinct().toArray(String[]::new));
    Map<Long, ActiveLink> active = activeLinks.of(practice, byId.keySet());
    byId.forEach((id, side) -> side.link = active.get(id));
    return sides;
  }

  /** Merged charts are nobody's candidates any more, and nothing about them waits. */
  private void retire(int practice, String source, List<Side> losers) {
    if (losers.isEmpty()) {
      return;
    }
    List<Long> ids = losers.stream().map(side -> side.patientId).toList();
    decisions.unfile(practice, ids);
    database.update(
        """
        update patients p set merged_into = m.survivor_source_id
        from chart_merges m
        where p.practice_id = ? and p.id = any (?)
          and m.practice_id = ? and m.source = ? and m.loser_source_id = p.source_id
          and p.merged_into is distinct from m.survivor_source_id""",
        practice,
        Links.array(ids),
        practice,
        source);
    decisions.settleMerged(practice, ids);
  }

  private void move(int practice, Side from, Side to) {
    ActiveLink moving = from.link;
    ActiveLink there = to.link;
    if (moving == null) {
      return;
    }
    if (there != null && there.memberId() != moving.memberId()) {
      bothLinked(
          practice, from.patientId, to.patientId, List.of(moving.memberId(), there.memberId()));
      return;
    }
    if (verdicts
        .about(practice, to.patientId, moving.memberId())
        .filter(said -> said.verdict() == Verdicts.Verdict.NOT_SAME)
        .isPresent()) {
      // A person's word against the PMS's: nobody sees more than before, and a person decides.
      links.flag(practice, List.of(from.patientId), "MERGED_TOLD_APART");
      return;
    }
    from.link = null;
    to.link = there;
    if (there == null) {
      to.link = moving.withId(move(practice, moving.id(), to.patientId));
    } else {
      links.endMerged(practice, moving.id());
    }
  }

  /** Two charts of one person are linked to two members: both links stay until a person decides. */
  private void bothLinked(int practice, long loser, long survivor, List<Long> memberIds) {
    links.flag(practice, List.of(loser, survivor), Links.BOTH_LINKED);
    decisions.review(practice, survivor, Links.BOTH_LINKED, memberIds);
    decisions.settle(
        practice,
        List.of(
            new Outcome(loser, "REVIEW", Links.BOTH_LINKED, "-"),
            new Outcome(survivor, "REVIEW", Links.BOTH_LINKED, "-")));
  }

  /** Moves a link to the surviving chart, and the member with it; returns the link there. */
  private long move(int practice, long link, long survivor) {
    long id = links.move(practice, link, survivor);
    decisions.settle(practice, List.of(new Outcome(survivor, "LINKED", "CHART_MERGED", "-")));
    decisions.closeReviews(practice, List.of(survivor));
    contacts.follow(practice, List.of(survivor));
    // Whether the member is like the surviving chart, too, nobody has looked at yet.
    decisions.decideAgain(practice, List.of(survivor));
    return id;
  }
}
