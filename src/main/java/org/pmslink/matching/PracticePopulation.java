package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The population of a practice: names as they were last counted, contacts as their holders are
 * counted while records are being decided about.
 */
final class PracticePopulation implements Population {
  /** More records than these with one contact are all different people, as far as it matters. */
  private static final int MOST_LOOKED_AT = 64;

  private final MatchingRules rules;
  private final NameCounts counts;
  private final Map<ContactKind, Map<String, Integer>> people = new HashMap<>();

  PracticePopulation(MatchingRules rules, NameCounts counts) {
    this.rules = rules;
    this.counts = counts;
  }

  boolean isCounted(ContactKind kind, String value) {
    return people.getOrDefault(kind, Map.of()).containsKey(value);
  }

  /** Notes how many people have a contact. */
  void holders(ContactKind kind, String value, int number) {
    people.computeIfAbsent(kind, k -> new HashMap<>()).put(value, Math.max(1, number));
  }

  /** How many different people these records are. Sorts them. */
  int distinct(List<Features> group) {
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
      return distinct.size();
    }
    List<Features> different = new ArrayList<>();
    for (Features one : group) {
      if (different.stream()
          .allMatch(other -> FieldComparison.isClearlySomebodyElse(one, other, this))) {
        different.add(one);
      }
    }
    return different.size();
  }

  @Override
  public int records() {
    return counts.records();
  }

  @Override
  public double givenFrequency(String given) {
    return counts.givenFrequency(rules, given);
  }

  @Override
  public double familyFrequency(String family) {
    return counts.familyFrequency(rules, family);
  }

  @Override
  public double cityFrequency(String city) {
    return counts.cityFrequency(city);
  }

  @Override
  public boolean isKnownGivenName(String given) {
    return counts.isKnownGivenName(given);
  }

  @Override
  public double birthDateFrequency(int birth) {
    return counts.birthDateFrequency(birth);
  }

  /** Of a contact that nobody has counted, one: it is taken for personal at first. */
  @Override
  public int people(ContactKind kind, String value) {
    return people.getOrDefault(kind, Map.of()).getOrDefault(value, 1);
  }

  @Override
  public int latestBirthYear() {
    return counts.latestBirthYear();
  }

  @Override
  public boolean hasHouseholds() {
    return true;
  }
}
