package org.pmslink.matching;

import java.util.Map;
import java.util.TreeMap;
import org.pmslink.patient.GivenNames;
import org.pmslink.patient.Person;

/**
 * How common names, cities and birth dates are in one practice, counted over all of its charts or a
 * sample of them. Counted once in a while, not with every record: a frequency that is a little old
 * is as good, and decisions of one day are made on one ground.
 *
 * @param records number of records among which a partner is looked for
 * @param counted how many were counted
 * @param withCity how many of these have a city
 * @param latestBirthYear latest year in which one of these is born
 * @param given how often a given name was counted, folded; rare ones are left out
 * @param birthDates by {@code yyyymmdd}
 */
public record NameCounts(
    int records,
    int counted,
    int withCity,
    int latestBirthYear,
    Map<String, Integer> given,
    Map<String, Integer> family,
    Map<String, Integer> cities,
    Map<String, Integer> birthDates) {

  /** Of a practice that nobody has counted yet: the shipped tables alone. */
  public static final NameCounts NONE = new Counter().counts(0);

  /** A birth date's share is counted among this many more people: few records say little. */
  private static final int BIRTH_DATES_BLENDED = 20_000;

  /** How often an unknown name must stand among the records to count as a name. */
  private static final int KNOWN_FROM = 5;

  /** Counts of fewer say nothing: the pair itself is no evidence that its name is common. */
  private static final int LEAST_KEPT = 3;

  private static final int EARLIEST_LATEST_BIRTH_YEAR = 2015;

  public NameCounts {
    given = Map.copyOf(given);
    family = Map.copyOf(family);
    cities = Map.copyOf(cities);
    birthDates = Map.copyOf(birthDates);
  }

  double givenFrequency(MatchingRules rules, String name) {
    return blended(rules, given.getOrDefault(name, 0), NameFrequencies.given().share(name));
  }

  double familyFrequency(MatchingRules rules, String name) {
    return blended(rules, family.getOrDefault(name, 0), NameFrequencies.family().share(name));
  }

  private double blended(MatchingRules rules, int own, double shipped) {
    double others = Math.max(0, own - 2);
    return (others + rules.shippedCountsAs * shipped) / (counted + rules.shippedCountsAs);
  }

  double cityFrequency(String city) {
    return (cities.getOrDefault(city, 0) + 1.0) / (withCity + 20.0);
  }

  boolean isKnownGivenName(String name) {
    return NameFrequencies.given().knows(name)
        || GivenNames.shipped().knows(name)
        || given.getOrDefault(name, 0) >= Math.max(KNOWN_FROM, counted / 5_000);
  }

  double birthDateFrequency(int birth) {
    double own = birthDates.getOrDefault(Integer.toString(birth), 0);
    return own / (counted + BIRTH_DATES_BLENDED);
  }

  /** Counts people one by one. */
  public static final class Counter {
    private final Map<String, Integer> given = new TreeMap<>();
    private final Map<String, Integer> family = new TreeMap<>();
    private final Map<String, Integer> cities = new TreeMap<>();
    private final Map<String, Integer> birthDates = new TreeMap<>();
    private int latestBirthYear = EARLIEST_LATEST_BIRTH_YEAR;
    private int withCity;
    private int counted;

    /** Counts one person. */
    public void add(Person person) {
      add(Features.of(person));
    }

    void add(Features f) {
      counted++;
      count(given, f.given());
      count(family, f.family());
      count(cities, f.city());
      withCity += f.city().isEmpty() ? 0 : 1;
      if (f.birth() != 0) {
        count(birthDates, Integer.toString(f.birth()));
        latestBirthYear = Math.max(latestBirthYear, f.birth() / 10_000);
      }
    }

    private static void count(Map<String, Integer> counts, String value) {
      if (!value.isEmpty()) {
        counts.merge(value, 1, Integer::sum);
      }
    }

    /**
     * What was counted.
     *
     * @param records how many records there are in all, of which those counted are a sample
     */
    public NameCounts counts(int records) {
      return new NameCounts(
          records,
          counted,
          withCity,
          latestBirthYear,
          kept(given),
          kept(family),
          kept(cities),
          kept(birthDates));
    }

    private static Map<String, Integer> kept(Map<String, Integer> counts) {
      Map<String, Integer> kept = new TreeMap<>(counts);
      kept.values().removeIf(count -> count < LEAST_KEPT);
      return kept;
    }
  }
}
