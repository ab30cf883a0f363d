package org.pmslink.matching;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The population of a practice: names as they were last counted, contacts as their holders are
 * counted while records are being decided about.
 */
final class PracticePopulation implements Population {
  private static final Holders ONE = new Holders(1, Set.of());

  private final MatchingRules rules;
  private final NameCounts counts;
  private final Map<ContactKind, Map<String, Holders>> people = new HashMap<>();

  PracticePopulation(MatchingRules rules, NameCounts counts) {
    this.rules = rules;
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
