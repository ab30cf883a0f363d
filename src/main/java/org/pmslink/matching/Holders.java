package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How many people the records are that share a telephone, an e-mail, a place or an SSN.
 *
 * @param people at least 1 of any records; several records of one person count once
 * @param twins who of them was born on one day and has a given name that begins alike, as birth
 *     date and initial
 */
record Holders(int people, Set<String> twins) {
  /** More records than these with one contact are all different people, as far as it matters. */
  private static final int MOST_LOOKED_AT = 64;

  /**
   * Counts.
   *
   * @param group is sorted by it
   */
  static Holders of(List<Features> group, Population population) {
    // Sorted, because who is taken for whom depends on who is looked at first.
    group.sort(
        Comparator.comparing(Features::given)
            .thenComparingInt(Features::birth)
            .thenComparing(Features::family)
            .thenComparing(Features::middle)
            .thenComparing(Features::preferred));
    if (group.size() > MOST_LOOKED_AT) {
      Set<String> distinct = new HashSet<>();
      group.forEach(f -> distinct.add(f.given() + f.birth()));
      return new Holders(distinct.size(), Set.of());
    }
    List<Features> people = new ArrayList<>();
    for (Features one : group) {
      boolean known = false;
      for (Features other : people) {
        if (!FieldComparison.isClearlySomebodyElse(one, other, population)) {
          known = true;
          break;
        }
      }
      if (!known) {
        people.add(one);
      }
    }
    return new Holders(people.size(), twinsAmong(people));
  }

  private static Set<String> twinsAmong(List<Features> people) {
    Set<String> twins = Set.of();
    for (int i = 0; i < people.size(); i++) {
      for (int j = 0; j < i; j++) {
        Features one = people.get(i);
        Features other = people.get(j);
        if (one.birth() != 0
            && one.birth() == other.birth()
            && !one.given().isEmpty()
            && !other.given().isEmpty()
            && one.given().charAt(0) == other.given().charAt(0)) {
          twins = twins.isEmpty() ? new HashSet<>() : twins;
          twins.add(twin(one.birth(), one.given().charAt(0)));
        }
      }
    }
    return twins;
  }

  /** Names a birth date and an initial that several of them have. */
  static String twin(int birth, char initial) {
    return birth + " " + initial;
  }
}
