package org.pmslink.linking;

import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.pmslink.matching.MatchingRules;
import org.pmslink.matching.NameCounts;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Charts;
import org.pmslink.membership.PracticeLock;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * What decisions of a practice are made with: its rules, and how common names are in it. Names are
 * counted over a sample of its charts when a first load is complete and after each comparison with
 * the PMS; that they are counted anew alters no decision by itself.
 */
@Component
public class Populations {
  /** Enough to know a frequency of one in a thousand to a tenth. */
  private static final int SAMPLE = 50_000;

  private final JdbcClient database;
  private final Charts charts;
  private final Practices practices;
  private final RulesFiles rulesFiles;
  private final PracticeLock lock;
  private final Map<Integer, Counted> counted = new ConcurrentHashMap<>();
  private final Set<String> kept = ConcurrentHashMap.newKeySet();

  Populations(
      JdbcClient database,
      Charts charts,
      Practices practices,
      RulesFiles rulesFiles,
      PracticeLock lock) {
    this.lock = lock;
    this.database = database;
    this.charts = charts;
    this.practices = practices;
    this.rulesFiles = rulesFiles;
  }

  private record Counted(Instant at, NameCounts counts) {}

  /** Decides with what is in force now. */
  public PracticeMatcher matcher(String practice) {
    return new PracticeMatcher(rules(practice), counts(practices.id(practice)));
  }

  /** The rules in force; that a practice uses them is kept, so that its decisions can be redone. */
  public MatchingRules rules(String practice) {
    MatchingRules rules = rulesFiles.of(practice);
    if (kept.add(practice + ' ' + rules.version())) {
      database
          .sql(
              """
              insert into matching_rules (practice_id, version, rules) values (?, ?, ?)
              on conflict do nothing""")
          .params(practices.id(practice), rules.version(), rules.text())
          .update();
    }
    return rules;
  }

  /** How common names are, as last counted. */
  public NameCounts counts(int practice) {
    Instant at =
        database
            .sql("select counted_at from practice_populations where practice_id = ?")
            .param(practice)
            .query(Timestamp.class)
            .optional()
            .map(Timestamp::toInstant)
            .orElse(null);
    if (at == null) {
      return NameCounts.NONE;
    }
    Counted known = counted.get(practice);
    if (known == null || !known.at.equals(at)) {
      String json =
          database
              .sql("select counts from practice_populations where practice_id = ?")
              .param(practice)
              .query(String.class)
              .single();
      known = new Counted(at, RecordJson.read(json, NameCounts.class));
      counted.put(practice, known);
    }
    return known.counts;
  }

  /** Counts names anew if that was not done for a day: no comparison does it for a door. */
  public void countIfOld(int practice) {
    boolean recent =
        database
            .sql(
                """
                select exists (select 1 from practice_populations where practice_id = ?
                                 and counted_at > now() - interval '1 day')""")
            .param(practice)
            .query(Boolean.class)
            .single();
    if (!recent) {
      count(practice);
    }
  }

  /** Counts names anew. */
  public void count(int practice) {
    NameCounts.Counter counter = new NameCounts.Counter();
    charts.sample(practice, SAMPLE, counter::add);
    NameCounts counts = counter.counts((int) Math.min(Integer.MAX_VALUE, charts.count(practice)));
    database
        .sql(
            """
            insert into practice_populations (practice_id, counted_at, counts, decided_with,
                                              keys_made)
            values (?, now(), ?::json, ?, ?)
            on conflict (practice_id) do update
            set counted_at = excluded.counted_at, counts = excluded.counts""")
        .params(
            practice,
            RecordJson.write(counts),
            rules(practices.name(practice)).version(),
            PracticeMatcher.keysVersion())
        .update();
  }

  private boolean isDecidedWith(int practice, String version) {
    return database
        .sql(
            """
            select exists (select 1 from practice_populations
                           where practice_id = ? and decided_with = ?)""")
        .params(practice, version)
        .query(Boolean.class)
        .single();
  }

  /**
   * Asks for every decision again that was made with other rules than those in force. Those that
   * found nobody under any key stand: no rule changes them.
   */
  @Transactional
  public void askAgainAfterNewRules() {
    // Over all practices: it finds out whose rules have changed and reads no patient.
    List<Integer> all =
        database.sql("select practice_id from practice_populations").query(Integer.class).list();
    for (int practice : all) {
      String version = rules(practices.name(practice)).version();
      if (isDecidedWith(practice, version)) {
        continue;
      }
      lock.enter(practice, true);
      int changed =
          database
              .sql(
                  """
                  update practice_populations set decided_with = ?
                  where practice_id = ? and decided_with is distinct from ?""")
              .params(version, practice, version)
              .update();
      if (changed == 1) {
        database
            .sql(
                """
                update decisions set stale_since = now(), sent_at = null
                where practice_id = ? and stale_since is null and rules_version <> ?
                  and reason not in ('NO_CANDIDATE', 'TOO_LITTLE_KNOWN', 'NOT_ELIGIBLE',
                                     'LINKED_BY_PERSON', 'CHART_GONE', 'CHART_MERGED')""")
            .params(practice, version)
            .update();
      }
    }
  }
}
