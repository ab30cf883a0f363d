package org.pmslink.linking;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Practice;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Charts.Brief;
import org.pmslink.membership.Charts.ChartCandidate;
import org.pmslink.membership.Charts.Linked;
import org.pmslink.membership.Charts.MemberCandidate;
import org.pmslink.membership.Charts.Stored;
import org.pmslink.membership.Verdicts;
import org.pmslink.patient.Person;

/** A practice read from the store. Serves one batch, or one search. */
final class StoredPractice implements Practice {
  private final int practice;
  private final @Nullable String source;
  private final Charts charts;
  private final Verdicts verdicts;
  private final Map<Long, MemberCandidate> membersRead = new HashMap<>();

  /** Asked first who has anybody in question at all, and then, of those that have, who it is. */
  private final Map<Long, List<Long>> membersFiled = new HashMap<>();

  private final Map<Long, ChartCandidate> chartsRead = new HashMap<>();
  private final Set<Long> chartsOfOthers = new HashSet<>();

  /**
   * @param source the PMS whose charts are matched; {@code null} for a search among all
   */
  StoredPractice(int practice, @Nullable String source, Charts charts, Verdicts verdicts) {
    this.practice = practice;
    this.source = source;
    this.charts = charts;
    this.verdicts = verdicts;
  }

  /** A member that was read. */
  MemberCandidate member(long id) {
    return Objects.requireNonNull(membersRead.get(id));
  }

  /** A chart that was read. */
  ChartCandidate chart(long id) {
    return Objects.requireNonNull(chartsRead.get(id));
  }

  List<Brief> briefly(long[] patientIds) {
    return charts.briefly(practice, Objects.requireNonNull(source), patientIds);
  }

  List<Stored> stored(Collection<Long> patientIds) {
    return charts.stored(practice, array(patientIds));
  }

  Map<Long, Linked> links(Collection<Long> patientIds) {
    return charts.linked(practice, patientIds);
  }

  @Override
  public Side charts() {
    return new Side() {
      @Override
      public Map<Long, List<Long>> filedUnder(Collection<Long> keys, int limit) {
        return charts.chartsUnder(practice, keys, limit);
      }

      @Override
      public List<Long> filedUnderBoth(long key, long other, int limit) {
        return charts.chartsUnderBoth(practice, key, other, limit);
      }

      @Override
      public Map<Long, Person> people(Collection<Long> ids) {
        Map<Long, Person> people = new HashMap<>();
        for (ChartCandidate chart : charts.charts(practice, array(ids))) {
          people.put(chart.id(), chart.person());
          if (source == null) {
            chartsRead.put(chart.id(), chart);
          } else if (!chart.source().equals(source)) {
            chartsOfOthers.add(chart.id());
          }
        }
        return people;
      }

      @Override
      public boolean mayBePartner(long id) {
        return !chartsOfOthers.contains(id);
      }
    };
  }

  @Override
  public Side members() {
    return new Side() {
      @Override
      public Map<Long, List<Long>> filedUnder(Collection<Long> keys, int limit) {
        Set<Long> unknown = new TreeSet<>(keys);
        unknown.removeAll(membersFiled.keySet());
        Map<Long, List<Long>> found = charts.membersUnder(practice, unknown, limit);
        unknown.forEach(key -> membersFiled.put(key, found.getOrDefault(key, List.of())));
        Map<Long, List<Long>> filed = new HashMap<>();
        for (Long key : keys) {
          List<Long> members = membersFiled.getOrDefault(key, List.of());
          if (!members.isEmpty()) {
            filed.put(key, members);
          }
        }
        return filed;
      }

      @Override
      public List<Long> filedUnderBoth(long key, long other, int limit) {
        return charts.membersUnderBoth(practice, key, other, limit);
      }

      @Override
      public Map<Long, Person> people(Collection<Long> ids) {
        Map<Long, Person> people = new HashMap<>();
        charts
            .members(practice, array(ids))
            .forEach(
                (id, member) -> {
                  membersRead.put(id, member);
                  people.put(id, member.person());
                });
        return people;
      }
    };
  }

  @Override
  public Constraints constraints(Collection<Long> ofCharts, Collection<Long> ofMembers) {
    return verdicts.constraints(practice, source, ofCharts, ofMembers);
  }

  static long[] array(Collection<Long> numbers) {
    return numbers.stream().mapToLong(i -> i).toArray();
  }
}
