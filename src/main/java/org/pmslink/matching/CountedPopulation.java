package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.IntStream;

/** A population counted over all records of the files at hand, whatever their order. */
final class CountedPopulation extends CountedShares {
  private final int records;
  private final NameCounts.Counter names = new NameCounts.Counter();
  private final BirthDates births;
  private final int[] fillers;
  private final Map<ContactKind, Map<String, Integer>> shared = new EnumMap<>(ContactKind.class);
  private final Map<ContactKind, Set<String>> crowds = new EnumMap<>(ContactKind.class);
  private final Set<String> twins = ConcurrentHashMap.newKeySet();
  private final boolean households;

  CountedPopulation(MatchingRules rules, List<List<Features>> sides) {
    super(rules);
    records = sides.stream().mapToInt(List::size).max().orElse(0);
    List<Features> together = new ArrayList<>();
    sides.forEach(together::addAll);
    together.forEach(names::addAllButBirthDate);
    births = new BirthDates(together);
    fillers =
        births.distinct().filter(birth -> birthDateFrequency(birth) > FILLER_BIRTH_DATE).toArray();
    // Each by itself; what one finds does not depend on another.
    List<Runnable> counts =
        List.of(
            () -> share(ContactKind.PHONE, shared(ContactKind.PHONE, together, Features::phones)),
            () -> share(ContactKind.EMAIL, shared(ContactKind.EMAIL, together, Features::emails)),
            () -> share(ContactKind.SSN, sharedNumbers(sides)),
            () ->
                share(ContactKind.PLACE, shared(ContactKind.PLACE, together, f -> one(f.place()))));
    counts.parallelStream().forEach(Runnable::run);
    // Whoever has telephones to go by need not make up for them.
    boolean contacts =
        together.stream().anyMatch(f -> !f.phones().isEmpty() || !f.emails().isEmpty());
    households = contacts || countHouseholds(sides);
  }

  private void share(ContactKind kind, Map<String, Integer> values) {
    Set<String> ofMany = new HashSet<>();
    values.forEach(
        (value, people) -> {
          if (people >= CROWD) {
            ofMany.add(value);
          }
        });
    synchronized (shared) {
      shared.put(kind, values);
      crowds.put(kind, ofMany);
    }
  }

  /**
   * Of one file only: on two files, two spellings of one person are no reason to doubt a number.
   */
  private Map<String, Integer> sharedNumbers(List<List<Features>> sides) {
    Map<String, Integer> ssns = new HashMap<>();
    for (List<Features> side : sides) {
      shared(ContactKind.SSN, side, f -> one(f.ssn()))
          .forEach((ssn, people) -> ssns.merge(ssn, people, Math::max));
    }
    return ssns;
  }

  private static List<String> one(String value) {
    return value.isEmpty() ? List.of() : List.of(value);
  }

  /** Within each file by itself, because across them one person stands twice. */
  private boolean countHouseholds(List<List<Features>> sides) {
    long withPlace = 0;
    Set<Features> sharing = new HashSet<>();
    for (List<Features> side : sides) {
      Map<String, Integer> places = shared(ContactKind.PLACE, side, f -> one(f.place()));
      for (Features f : side) {
        if (!f.place().isEmpty()) {
          withPlace++;
          if (places.containsKey(f.place())) {
            sharing.add(f);
          }
        }
      }
    }
    return withPlace < rules.noHouseholdsNeedRecords
        || sharing.size() >= rules.noHouseholdsBelowShare * withPlace;
  }

  /** The values that more than one person has, with how many these are. */
  private Map<String, Integer> shared(
      ContactKind kind, List<Features> records, Function<Features, List<String>> values) {
    Map<String, Object> owners = new HashMap<>(records.size() * 2);
    List<String> several = new ArrayList<>();
    for (Features f : records) {
      for (String value : values.apply(f)) {
        Object before = owners.putIfAbsent(value, f);
        if (before instanceof Owners group) {
          group.records.add(f);
        } else if (before instanceof Features first) {
          owners.put(value, new Owners(new ArrayList<>(List.of(first, f))));
          several.add(value);
        }
      }
    }
    Map<String, Integer> shared = new HashMap<>();
    for (String value : several) {
      if (owners.get(value) instanceof Owners group) {
        int people = people(group.records, kind, value);
        if (people > 1) {
          shared.put(value, people);
        }
      }
    }
    return shared;
  }

  /** Several records with one value; most values have one record, and no list is made for them. */
  private record Owners(List<Features> records) {}

  private int people(List<Features> group, ContactKind kind, String value) {
    Holders holders = Holders.of(group, this);
    holders.twins().forEach(twin -> twins.add(twins(kind, value, twin)));
    return holders.people();
  }

  private static String twins(ContactKind kind, String value, String twin) {
    return kind.ordinal() + value + ' ' + twin;
  }

  @Override
  public boolean areTwins(ContactKind kind, String value, int birth, char initial) {
    return !twins.isEmpty() && twins.contains(twins(kind, value, Holders.twin(birth, initial)));
  }

  @Override
  public int records() {
    return records;
  }

  @Override
  int counted() {
    return names.counted();
  }

  @Override
  int withCity() {
    return names.withCity();
  }

  @Override
  int given(String name) {
    return names.given(name);
  }

  @Override
  int family(String name) {
    return names.family(name);
  }

  @Override
  int city(String name) {
    return names.city(name);
  }

  @Override
  int birthDate(int birth) {
    return births.of(birth);
  }

  /** Asked for both records of every pair, so it looks among the few that are, mostly none. */
  @Override
  public boolean isFillerBirthDate(int birth) {
    for (int filler : fillers) {
      if (filler == birth) {
        return true;
      }
    }
    return false;
  }

  @Override
  public int people(ContactKind kind, String value) {
    Map<String, Integer> values = shared.get(kind);
    // Asked several times for each pair, and most values are nobody else's.
    Integer people = values == null ? null : values.get(value);
    return people == null ? 1 : people;
  }

  @Override
  public boolean mayHaveCrowds(ContactKind kind) {
    return !crowds.getOrDefault(kind, Set.of()).isEmpty();
  }

  /** Asked for both records of every pair, so it looks among the few that are. */
  @Override
  public boolean isCrowds(ContactKind kind, String value) {
    Set<String> ofMany = crowds.get(kind);
    return ofMany != null && !ofMany.isEmpty() && ofMany.contains(value);
  }

  @Override
  public int latestBirthYear() {
    return names.latestBirthYear();
  }

  @Override
  public boolean hasHouseholds() {
    return households;
  }

  /**
   * How many have a birth date: a hash table of plain numbers, because each pair asks two or three
   * times, and what a map of objects takes is mostly waiting for the memory.
   */
  private static final class BirthDates {
    private final int[] dates;
    private final int[] counts;

    BirthDates(List<Features> records) {
      int[] sorted = records.stream().mapToInt(Features::birth).sorted().toArray();
      int distinct = 1;
      for (int i = 1; i < sorted.length; i++) {
        distinct += sorted[i] == sorted[i - 1] ? 0 : 1;
      }
      dates = new int[Integer.highestOneBit(distinct) * 4];
      counts = new int[dates.length];
      for (int birth : sorted) {
        if (birth != 0) {
          int at = place(birth);
          dates[at] = birth;
          counts[at]++;
        }
      }
    }

    IntStream distinct() {
      return Arrays.stream(dates).filter(birth -> birth != 0);
    }

    int of(int birth) {
      return birth == 0 ? 0 : counts[place(birth)];
    }

    private int place(int birth) {
      int at = (birth * 0x9E3779B1) >>> 7;
      while (dates[at & (dates.length - 1)] != 0 && dates[at & (dates.length - 1)] != birth) {
        at++;
      }
      return at & (dates.length - 1);
    }
  }
}
