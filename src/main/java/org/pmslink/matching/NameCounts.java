package org.pmslink.matching;

import java.util.HashMap;
import java.util.Map;
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

  /** Counts of fewer say nothing: the pair itself is no evidence that its name is common. */
  private static final int LEAST_KEPT = 3;

  private static final int EARLIEST_LATEST_BIRTH_YEAR = 2015;

  public NameCounts {
    given = Map.copyOf(given);
    family = Map.copyOf(family);
    cities = Map.copyOf(cities);
    birthDates = Map.copyOf(birthDates);
  }

  /** Counts people one by one. */
  public static final class Counter {
    private final Map<String, int[]> given = new HashMap<>();
    private final Map<String, int[]> family = new HashMap<>();
    private final Map<String, int[]> cities = new HashMap<>();
    private final Map<String, int[]> birthDates = new HashMap<>();
    private int latestBirthYear = EARLIEST_LATEST_BIRTH_YEAR;
    private int withCity;
    private int counted;

    /** Counts one person. */
    public void add(Person person) {
      add(Features.of(person));
    }

    void add(Features f) {
      addAllButBirthDate(f);
      if (f.birth() != 0) {
        count(birthDates, Integer.toString(f.birth()));
      }
    }

    /** For whoever counts birth dates in a quicker way. */
    void addAllButBirthDate(Features f) {
      counted++;
      count(given, f.given());
      count(family, f.family());
      count(cities, f.city());
      withCity += f.city().isEmpty() ? 0 : 1;
      latestBirthYear = Math.max(latestBirthYear, f.birth() / 10_000);
    }

    private static void count(Map<String, int[]> counts, String value) {
      if (!value.isEmpty()) {
        counts.computeIfAbsent(value, v -> new int[1])[0]++;
      }
    }

    private static int in(Map<String, int[]> counts, String value) {
      int[] count = counts.get(value);
      return count == null ? 0 : count[0];
    }

    int counted() {
      return counted;
    }

    int withCity() {
      return withCity;
    }

    int latestBirthYear() {
      return latestBirthYear;
    }

    int given(String name) {
      return in(given, name);
    }

    int family(String name) {
      return in(family, name);
    }

    int city(String name) {
      return in(cities, name);
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

    private static Map<String, Integer> kept(Map<String, int[]> counts) {
      Map<String, Integer> kept = new HashMap<>();
      counts.forEach(
          (value, count) -> {
            if (count[0] >= LEAST_KEPT) {
              kept.put(value, count[0]);
            }
          });
      return kept;
    }
  }
}
