package org.pmslink.linking;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.pmslink.matching.Decision.Match;
import org.pmslink.matching.Practice;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.matching.PracticeMatcher.Subject;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Charts.ChartCandidate;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Duplicates.Kind;
import org.pmslink.membership.Duplicates.Two;
import org.pmslink.membership.Verdicts;
import org.pmslink.patient.Person;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Looks for charts of one PMS that are one person, and for members that are. First through all
 * records of a practice, then wherever one has changed; a little in each turn, because nobody waits
 * for it and everybody else uses the same machine.
 */
@Component
public class DuplicateSearch {
  private static final int PAGE = 200;

  /** How long a turn may take; the next one comes a second later. */
  private static final Duration TURN = Duration.ofMillis(500);

  private final Populations populations;
  private final Practices practices;
  private final Charts charts;
  private final Verdicts verdicts;
  private final Duplicates duplicates;
  private final JdbcClient database;
  private final TransactionTemplate transaction;

  DuplicateSearch(
      Populations populations,
      Practices practices,
      Charts charts,
      Verdicts verdicts,
      Duplicates duplicates,
      JdbcClient database,
      PlatformTransactionManager transactions) {
    this.populations = populations;
    this.practices = practices;
    this.charts = charts;
    this.verdicts = verdicts;
    this.duplicates = duplicates;
    this.database = database;
    this.transaction = new TransactionTemplate(transactions);
  }

  /** One turn, for every practice whose first load is complete. */
  public void look() {
    // Over all practices: it finds out whose turn it is and reads no patient.
    List<Integer> all =
        database.sql("select practice_id from practice_populations").query(Integer.class).list();
    RuntimeException failure = null;
    for (int practice : all) {
      try {
        for (Kind kind : Kind.values()) {
          long end = System.nanoTime() + TURN.toNanos();
          Integer looked;
          do {
            looked = transaction.execute(status -> page(practice, kind));
          } while (looked != null && looked == PAGE && System.nanoTime() < end);
        }
      } catch (RuntimeException e) {
        failure = e; // the other practices are not held up by this one
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private int page(int practice, Kind kind) {
    PracticeMatcher matcher = populations.matcher(practices.name(practice));
    List<Long> ids = duplicates.take(practice, kind, matcher.rulesVersion(), PAGE);
    if (ids.isEmpty()) {
      return 0;
    }
    Set<Two> apart = duplicates.toldApart(practice, kind, ids);
    Map<Long, List<Match>> found = new HashMap<>();
    if (kind == Kind.MEMBER) {
      StoredPractice stored = new StoredPractice(practice, "", charts, verdicts);
      List<Subject> members = new ArrayList<>();
      new TreeMap<>(charts.members(practice, StoredPractice.array(ids)))
          .forEach((id, member) -> members.add(new Subject(id, member.person(), null)));
      found.putAll(matcher.duplicates(new Twins(stored.members(), apart), members));
    } else {
      Map<String, List<Subject>> bySource = new TreeMap<>();
      for (ChartCandidate chart : charts.charts(practice, StoredPractice.array(ids))) {
        bySource
            .computeIfAbsent(chart.source(), source -> new ArrayList<>())
            .add(new Subject(chart.id(), chart.person(), null));
      }
      bySource.forEach(
          (source, subjects) -> {
            StoredPractice stored = new StoredPractice(practice, source, charts, verdicts);
            found.putAll(matcher.duplicates(new Twins(stored.charts(), apart), subjects));
          });
    }
    duplicates.file(practice, kind, ids, found, matcher.rulesVersion());
    return ids.size();
  }

  /** Records of one kind on both sides, none the partner of itself. */
  private static final class Twins implements Practice {
    private final Side side;
    private final Set<Two> apart;

    Twins(Side side, Set<Two> apart) {
      this.side = side;
      this.apart = apart;
    }

    @Override
    public Side charts() {
      return side;
    }

    /** Only those that may be partners: a chart of another PMS is no duplicate. */
    @Override
    public Side members() {
      return new Side() {
        @Override
        public Map<Long, List<Long>> filedUnder(Collection<Long> keys, int limit) {
          return side.filedUnder(keys, limit);
        }

        @Override
        public List<Long> filedUnderBoth(long key, long other, int limit) {
          return side.filedUnderBoth(key, other, limit);
        }

        @Override
        public Map<Long, Person> people(Collection<Long> ids) {
          Map<Long, Person> people = new HashMap<>(side.people(ids));
          people.keySet().removeIf(id -> !side.mayBePartner(id));
          return people;
        }
      };
    }

    @Override
    public Constraints constraints(Collection<Long> ofOne, Collection<Long> ofOther) {
      Set<ChartAndMember> notTheSame = new HashSet<>();
      ofOne.forEach(id -> notTheSame.add(new ChartAndMember(id, id)));
      for (Two two : apart) {
        notTheSame.add(new ChartAndMember(two.one(), two.other()));
        notTheSame.add(new ChartAndMember(two.other(), two.one()));
      }
      return new Constraints(notTheSame, Map.of(), Map.of());
    }
  }
}
