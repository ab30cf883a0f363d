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
  private static final GivenNames SHIPPED = read();

  private final Map<String, Set<String>> formalNames;
  private final Set<String> heads;

  private GivenNames(Map<String, Set<String>> formalNames, Set<String> heads) {
    this.formalNames = formalNames;
    this.heads = heads;
  }

  /** How two given names relate, weakest first. */
  public enum Relation {
    NONE,
    /** Two nicknames of one formal name: Bob and Rob, but also Lisa and Betty. */
    SAME_FORMAL_NAME,
    /** One is a nickname of the other. */
    NICKNAME,
    EQUAL
  }

  /** The table that is part of the product. */
  public static GivenNames shipped() {
    return SHIPPED;
  }

  /** Whether two names are equal, nicknames of one another or short for one formal name. */
  public boolean agree(@Nullable String a, @Nullable String b) {
    return relation(Folding.fold(a), Folding.fold(b)) != Relation.NONE;
  }

  /**
   * How two names relate; empty names do not.
   *
   * @param a folded as {@link Folding#fold} does, likewise {@code b}
   */
  public Relation relation(String a, String b) {
    if (a.isEmpty() || b.isEmpty()) {
      return Relation.NONE;
    }
    if (a.equals(b)) {
      return Relation.EQUAL;
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
    String folded = Folding.fold(name);
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

  private static GivenNames read() {
    Map<String, Set<String>> formalNames = new HashMap<>();
    Set<String> heads = new HashSet<>();
    for (String line : WordTables.lines("given-names.txt")) {
      int colon = line.indexOf(':');
      List<String> formal = names(line.substring(0, colon));
      heads.addAll(formal);
      for (String nickname : names(line.substring(colon + 1))) {
        formalNames.computeIfAbsent(nickname, n -> new HashSet<>()).addAll(formal);
      }
    }
    return new GivenNames(formalNames, heads);
  }

  private static List<String> names(String list) {
    List<String> names = new ArrayList<>();
    for (String name : list.split(",")) {
      names.add(Folding.fold(name));
    }
    return names;
  }
}
