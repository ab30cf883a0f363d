package org.pmslink.matching;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The population of a practice: names as they were last counted, contacts as their holders are
 * counted while records are being decided about.
 */
final class PracticePopulation extends CountedShares {
  private static final Holders ONE = new Holders(1, Set.of());

  private final NameCounts counts;
  private final Map<ContactKind, Map<String, Holders>> people = new HashMap<>();

  PracticePopulation(MatchingRules rules, NameCounts counts) {
    super(rules);
    this.counts = counts;
  }

  boolean isCounted(ContactKind kind, String value) {
    return people.getOrDefault(kind, Map.of()).containsKey(value);
  }

  /** Notes who has a contact. */
  void holders(ContactKind kind, String value, Holders holders) {
    people
        .computeIfAbsent(kind, k -> new HashMap<>())
        .put(value, holders.people() < 1 ? ONE : holders);
  }

  private Holders holders(ContactKind kind, String value) {
    return people.getOrDefault(kind, Map.of()).getOrDefault(value, ONE);
  }

  @Override
  public int records() {
    return counts.records();
  }

  @Override
  int counted() {
    return counts.counted();
  }

  @Override
  int withCity() {
    return counts.withCity();
  }

  @Override
  int given(String name) {
    return counts.given().getOrDefault(name, 0);
  }

  @Override
  int family(String name) {
    return counts.family().getOrDefault(name, 0);
  }

  @Override
  int city(String name) {
    return counts.cities().getOrDefault(name, 0);
  }

  @Override
  int birthDate(int birth) {
    return counts.birthDates().getOrDefault(Integer.toString(birth), 0);
  }

  /** Of a contact that nobody has counted, one: it is taken for personal at first. */
  @Override
  public int people(ContactKind kind, String value) {
    return holders(kind, value).people();
  }

  @Override
  public boolean areTwins(ContactKind kind, String value, int birth, char initial) {
    Set<String> twins = holders(kind, value).twins();
    return !twins.isEmpty() && twins.contains(Holders.twin(birth, initial));
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
