package org.pmslink.matching;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.pmslink.patient.Person;

/**
 * A practice as matching reads it: its charts and its members, whole batches at a time, and what
 * people have decided about them.
 */
public interface Practice {

  /** The patients of the PMS. */
  Side charts();

  /** The members of the store. */
  Side members();

  /** What people have decided about these charts and members. */
  Constraints constraints(Collection<Long> charts, Collection<Long> members);

  /** The records of one kind. */
  interface Side {

    /**
     * Records filed under each of these keys; a key under which nobody is filed is absent.
     *
     * @param limit the most that are wanted of each key; a longer list means that there are more
     */
    Map<Long, List<Long>> filedUnder(Collection<Long> keys, int limit);

    /**
     * Records filed under both keys.
     *
     * @param limit as above
     */
    List<Long> filedUnderBoth(long key, long other, int limit);

    /** Who these records are; one that is gone, or nobody, is absent. */
    Map<Long, Person> people(Collection<Long> ids);

    /**
     * Whether a record that was read may be a partner. Others only count among those who have a
     * telephone: charts of another PMS, which has partners of its own.
     */
    default boolean mayBePartner(long id) {
      return true;
    }
  }

  /** A chart and a member. */
  record ChartAndMember(long chart, long member) {}

  /**
   * What people have decided.
   *
   * @param notTheSame pairs that are two people
   * @param chartOfMember members that a person has linked, with their chart
   * @param memberOfChart the same, the other way round
   */
  record Constraints(
      Set<ChartAndMember> notTheSame,
      Map<Long, Long> chartOfMember,
      Map<Long, Long> memberOfChart) {
    /** Nobody has decided anything. */
    public static final Constraints NONE = new Constraints(Set.of(), Map.of(), Map.of());

    public Constraints {
      notTheSame = Set.copyOf(notTheSame);
      chartOfMember = Map.copyOf(chartOfMember);
      memberOfChart = Map.copyOf(memberOfChart);
    }

    /** Whether a rule may take the two for one person. */
    boolean allow(long chart, long member) {
      return !notTheSame.contains(new ChartAndMember(chart, member))
          && chartOfMember.getOrDefault(member, chart) == chart
          && memberOfChart.getOrDefault(chart, member) == member;
    }
  }
}
