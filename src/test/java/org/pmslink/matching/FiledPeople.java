package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.pmslink.patient.Person;

/** One side of a practice in memory, filed under its blocking keys; ids count from 1. */
final class FiledPeople implements Practice.Side {
  private final Map<Long, Person> people = new LinkedHashMap<>();
  private final Map<Long, Set<Long>> keys = new HashMap<>();
  private final Map<Long, List<Long>> filed = new HashMap<>();

  /** Adds somebody; returns the id. */
  long add(Person person) {
    long id = people.size() + 1L;
    Set<Long> own = PracticeMatcher.blockingKeys(person);
    people.put(id, person);
    keys.put(id, own);
    for (Long key : own) {
      filed.computeIfAbsent(key, k -> new ArrayList<>()).add(id);
    }
    return id;
  }

  static Practice practice(FiledPeople charts, FiledPeople members) {
    return practice(charts, members, Practice.Constraints.NONE);
  }

  static Practice practice(
      FiledPeople charts, FiledPeople members, Practice.Constraints constraints) {
    return new Practice() {
      @Override
      public Side charts() {
        return charts;
      }

      @Override
      public Side members() {
        return members;
      }

      @Override
      public Constraints constraints(Collection<Long> ofCharts, Collection<Long> ofMembers) {
        return constraints;
      }
    };
  }

  int size() {
    return people.size();
  }

  Map<Long, Person> all() {
    return people;
  }

  Person get(long id) {
    return Objects.requireNonNull(people.get(id));
  }

  double keysEach() {
    return keys.values().stream().mapToInt(Set::size).average().orElse(0);
  }

  boolean sharesKey(long id, FiledPeople other, long otherId) {
    Set<Long> own = new HashSet<>(keys.getOrDefault(id, Set.of()));
    own.retainAll(other.keys.getOrDefault(otherId, Set.of()));
    return !own.isEmpty();
  }

  @Override
  public Map<Long, List<Long>> filedUnder(Collection<Long> wanted, int limit) {
    Map<Long, List<Long>> found = new HashMap<>();
    for (Long key : wanted) {
      List<Long> under = filed.getOrDefault(key, List.of());
      if (!under.isEmpty()) {
        found.put(key, under.subList(0, Math.min(under.size(), limit + 1)));
      }
    }
    return found;
  }

  @Override
  public List<Long> filedUnderBoth(long key, long other, int limit) {
    List<Long> both = new ArrayList<>(filed.getOrDefault(key, List.of()));
    both.retainAll(Set.copyOf(filed.getOrDefault(other, List.of())));
    return both.subList(0, Math.min(both.size(), limit + 1));
  }

  @Override
  public Map<Long, Person> people(Collection<Long> wanted) {
    Map<Long, Person> found = new HashMap<>();
    for (Long id : wanted) {
      Person person = people.get(id);
      if (person != null) {
        found.put(id, person);
      }
    }
    return found;
  }
}
