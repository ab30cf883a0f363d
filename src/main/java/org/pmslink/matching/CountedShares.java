package org.pmslink.matching;

import org.pmslink.patient.GivenNames;

/**
 * A population whose shares are worked out from counts: the same formulas for files, which are
 * counted whole, and for a practice, of which a sample is counted once in a while.
 */
abstract class CountedShares implements Population {
  /** A birth date's share is counted among this many more people: few records say little. */
  private static final int BIRTH_DATES_BLENDED = 20_000;

  /** How often an unknown name must stand among the records to count as a name. */
  private static final int KNOWN_FROM = 5;

  final MatchingRules rules;

  CountedShares(MatchingRules rules) {
    this.rules = rules;
  }

  /** How many people were counted. */
  abstract int counted();

  /** How many of them have a city. */
  abstract int withCity();

  /** How many bear this given name. */
  abstract int given(String name);

  /** How many bear this family name. */
  abstract int family(String name);

  /** How many live in this city. */
  abstract int city(String name);

  /** How many were born on this day, {@code yyyymmdd}. */
  abstract int birthDate(int birth);

  @Override
  public final double givenFrequency(String given) {
    return blended(given(given), NameFrequencies.given().share(given));
  }

  @Override
  public final double familyFrequency(String family) {
    return blended(family(family), NameFrequencies.family().share(family));
  }

  private double blended(int own, double shipped) {
    // The pair itself is no evidence that the name is common.
    double others = Math.max(0, own - 2);
    return (others + rules.shippedCountsAs * shipped) / (counted() + rules.shippedCountsAs);
  }

  @Override
  public final double cityFrequency(String city) {
    return (city(city) + 1.0) / (withCity() + 20.0);
  }

  @Override
  public final boolean isKnownGivenName(String given) {
    return NameFrequencies.given().knows(given)
        || GivenNames.shipped().knows(given)
        || given(given) >= Math.max(KNOWN_FROM, counted() / 5_000);
  }

  @Override
  public final double birthDateFrequency(int birth) {
    return birthDate(birth) / (double) (counted() + BIRTH_DATES_BLENDED);
  }
}
