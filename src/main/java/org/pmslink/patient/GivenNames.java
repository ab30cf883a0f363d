package org.pmslink.patient;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which given names stand for one another. A table of nicknames by formal name is read one step
 * deep only: Alex agrees with Alexander and with Alexandra, but these two do not agree.
 */
public final class GivenNames {
  private static final GivenNames SHIPPED = new GivenNames(WordTables.lines("given-names.txt"));

  private final Map<String, String> spellings = new HashMap<>();
  private final Map<String, Set<String>> spelt = new HashMap<>();
  private final Map<String, Set<String>> formalNames = new HashMap<>();
  private final Set<String> heads = new HashSet<>();
  private final Map<String, Set<String>> shortForms = new HashMap<>();
  private final Set<String> ofBothSexes = new HashSet<>();

  private final String version;

  private GivenNames(List<String> lines) {
    version = Integer.toHexString(lines.hashCode());
    for (String line : lines) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        String standard = Folding.fold(line.substring(0, equals));
        for (String other : names(line.substring(equals + 1))) {
          spellings.put(other, standard);
          spelt.computeIfAbsent(standard, s -> new TreeSet<>(Set.of(s))).add(other);
        }
      }
    }
    for (String line : lines) {
      if (line.startsWith("?")) {
        ofBothSexes.addAll(names(line.substring(1)));
      }
      int colon = line.indexOf(':');
      if (colon > 0) {
        List<String> formal = names(line.substring(0, colon));
        heads.addAll(formal);
        for (String nickname : names(line.substring(colon + 1))) {
          formalNames.computeIfAbsent(nickname, n -> new HashSet<>()).addAll(formal);
          for (String name : formal) {
            shortForms.computeIfAbsent(name, n -> new TreeSet<>()).add(nickname);
          }
        }
      }
    }
  }

  /** How two given names relate, weakest first. */
  public enum Relation {
    NONE,
    /**
     * Two nicknames or two spellings of one formal name: Bob and Rob, Sara and Sarah, but also Lisa
     * and Betty. Parents give such pairs to twins, so it is no proof of one person.
     */
    SAME_FORMAL_NAME,
    /** One is a nickname of the other. */
    NICKNAME,
    EQUAL
  }

  /** Changes whenever the table does. */
  public String version() {
    return version;
  }

  /** The table that is part of the product. */
  public static GivenNames shipped() {
    return SHIPPED;
  }

  /** How many pairs of a formal name and what its bearers are called there are. */
  int pairs() {
    return formalNames.values().stream().mapToInt(Set::size).sum();
  }

  /** All spellings of a name: Stephen and Steven of either; folded, sorted. */
  public Set<String> spellings(String name) {
    return spelt.getOrDefault(standard(name), Set.of());
  }

  /** What the bearers of a formal name are called; folded, sorted. */
  public Set<String> shortForms(String formal) {
    return shortForms.getOrDefault(standard(formal), Set.of());
  }

  /** Whether men and women are called so: Alex, short for Alexander and for Alexandra. */
  public boolean isOfBothSexes(String name) {
    return ofBothSexes.contains(standard(name));
  }

  /** Whether this is a name in the table, formal or not; folded as {@link Folding#fold} does. */
  public boolean knows(String folded) {
    String name = standard(folded);
    return spellings.containsKey(folded) || heads.contains(name) || formalNames.containsKey(name);
  }

  /** Whether two names are equal, nicknames of one another or short for one formal name. */
  public boolean agree(@Nullable String a, @Nullable String b) {
    return relation(Folding.fold(a), Folding.fold(b)) != Relation.NONE;
  }

  /**
   * How two names relate; empty names do not.
   *
   * @param first folded as {@link Folding#fold} does, likewise {@code second}
   */
  public Relation relation(String first, String second) {
    if (first.isEmpty() || second.isEmpty()) {
      return Relation.NONE;
    }
    if (first.equals(second)) {
      return Relation.EQUAL;
    }
    String a = standard(first);
    String b = standard(second);
    if (a.equals(b)) {
      return Relation.SAME_FORMAL_NAME;
    }
    Set<String> formalA = formalNames.getOrDefault(a, Set.of());
    Set<String> formalB = formalNames.getOrDefault(b, Set.of());
    if (formalA.contains(b) || formalB.contains(a)) {
      return Relation.NICKNAME;
    }
    for (String formal : formalA) {
      if (formalB.contains(formal)) {
        return Relation.SAME_FORMAL_NAME;
      }
    }
    return Relation.NONE;
  }

  /**
   * The formal names a name may stand for, for filing: two names that agree share at least one.
   * Sorted, so that what is built from it is the same every time.
   */
  public Set<String> canonicalForms(@Nullable String name) {
    String folded = standard(Folding.fold(name));
    if (folded.isEmpty()) {
      return Set.of();
    }
    Set<String> formal = formalNames.get(folded);
    if (formal == null) {
      return Set.of(folded);
    }
    Set<String> forms = new TreeSet<>(formal);
    if (heads.contains(folded)) {
      forms.add(folded);
    }
    return forms;
  }

  private List<String> names(String list) {
    List<String> names = new ArrayList<>();
    for (String name : list.split(",")) {
      names.add(standard(Folding.fold(name)));
    }
    return names;
  }

  private String standard(String folded) {
    return spellings.getOrDefault(folded, folded);
  }
}
