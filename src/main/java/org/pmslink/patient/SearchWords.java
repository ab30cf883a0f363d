package org.pmslink.patient;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The words by which staff find a person as they type: names folded as {@link Folding} does and
 * part by part, postal code, telephone (whole, without its area, its last four digits), birth date,
 * and numbers of the chart. A word that was begun finds all that begin so.
 */
public final class SearchWords {
  /** What a birth date's word begins with, so that it is no number that could be another. */
  public static final String BORN = "born";

  /** As much of a word as is looked at. */
  private static final int LONGEST = 60;

  private static final int NATIONAL_DIGITS = 10;
  private static final int WITHOUT_AREA = 7;
  private static final int LAST_FOUR = 4;

  /** Of more words than a name and all its details have, the rest says nothing new. */
  private static final int MOST_TERMS = 8;

  private static final Pattern YEAR_FIRST =
      Pattern.compile("(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})");
  private static final Pattern MONTH_FIRST =
      Pattern.compile("(\\d{1,2})[-/.](\\d{1,2})[-/.](\\d{4}|\\d{2})");

  /** A year in which somebody who is alive may be born. */
  private static final Pattern YEAR = Pattern.compile("(?:19|20)\\d{2}");

  /** As long as Mc, Mac, O, De, La, Van may be. */
  private static final int LONGEST_PARTICLE = 3;

  private static final Pattern NOT_OF_A_NAME = Pattern.compile("[^\\p{L}\\p{N}'’`]+");

  private SearchWords() {}

  /**
   * One word of what was typed.
   *
   * @param anyOf words, of which one must be there
   * @param begun whether longer words are meant too
   * @param isName whether it is letters alone: it may be a name with a typing error
   * @param orWhole other words, of which one may be there instead: names that go with a nickname
   */
  public record Term(List<String> anyOf, boolean begun, boolean isName, List<String> orWhole) {
    public Term(List<String> anyOf, boolean begun, boolean isName) {
      this(anyOf, begun, isName, List.of());
    }
  }

  /** Words of a person, and of these numbers that they have somewhere. */
  public static SortedSet<String> of(Person person, @Nullable String... numbers) {
    SortedSet<String> words = new TreeSet<>(names(person));
    if (person.birthDate() != null) {
      words.add(day(person.birthDate().toString()));
    }
    if (person.address() != null && person.address().postalCode() != null) {
      add(words, Folding.fold(person.address().postalCode()));
    }
    for (Person.Phone phone : person.phones()) {
      String digits = phone.e164().replaceAll("\\D", "");
      String national = last(digits, NATIONAL_DIGITS);
      words.add(national);
      words.add(last(national, WITHOUT_AREA));
      words.add(last(national, LAST_FOUR));
    }
    for (String number : numbers) {
      add(words, Folding.fold(number));
    }
    return words;
  }

  /** Those words of a person that are names. */
  public static SortedSet<String> names(Person person) {
    SortedSet<String> words = new TreeSet<>();
    Person.PersonName name = person.name();
    for (String part :
        new @Nullable String[] {name.family(), name.given(), name.middle(), name.preferred()}) {
      if (part != null) {
        add(words, Folding.fold(part));
        for (String piece : NOT_OF_A_NAME.split(part)) {
          add(words, Folding.fold(piece));
        }
      }
    }
    return words;
  }

  /** The word that a name, a postal code or a number is found by; a beginning of it for a part. */
  public static String word(String text) {
    return cut(Folding.fold(text));
  }

  /** The word of a birth date, or its beginning for a year or a month: {@code 1980-01}. */
  public static String born(String date) {
    return day(date);
  }

  /** What was typed, word by word; empty when there is nothing to search by. */
  public static List<Term> typed(String text) {
    List<Term> terms = new ArrayList<>();
    String[] pieces = text.strip().split("[\\s,;]+");
    List<String> before = new ArrayList<>();
    for (String piece : pieces) {
      Term term = term(piece, pieces.length > 1, before);
      if (term != null && terms.size() < MOST_TERMS) {
        terms.add(term);
      }
      String folded = Folding.fold(piece);
      if (term == null || !term.isName() || folded.length() > LONGEST_PARTICLE) {
        before.clear();
      } else {
        before.add(folded);
      }
    }
    return terms;
  }

  /** Whether somebody with these words has everything that was typed; typing errors count. */
  public static boolean fit(List<Term> terms, Set<String> words) {
    return terms.stream()
        .allMatch(
            term ->
                term.anyOf().stream()
                        .anyMatch(
                            typed ->
                                term.begun()
                                    ? words.stream().anyMatch(word -> word.startsWith(typed))
                                    : words.contains(typed))
                    || term.orWhole().stream().anyMatch(words::contains));
  }

  /**
   * @param hasCompany whether there are other words: a year alone would find a whole year's people
   *     in the place of the chart with that number
   * @param before short words right before it, folded: McKelvey is typed Mc Kelvey, too
   */
  private static @Nullable Term term(String piece, boolean hasCompany, List<String> before) {
    Matcher yearFirst = YEAR_FIRST.matcher(piece);
    if (yearFirst.matches()) {
      return exactly(day(yearFirst.group(1), yearFirst.group(2), yearFirst.group(3)));
    }
    Matcher monthFirst = MONTH_FIRST.matcher(piece);
    if (monthFirst.matches()) {
      String year = monthFirst.group(3);
      Set<String> days = new LinkedHashSet<>();
      for (String whole : year.length() == 4 ? List.of(year) : List.of("19" + year, "20" + year)) {
        days.add(day(whole, monthFirst.group(1), monthFirst.group(2)));
      }
      return new Term(List.copyOf(days), false, false);
    }
    String folded = Folding.fold(piece);
    if (folded.isEmpty()) {
      return null;
    }
    boolean digits = folded.chars().allMatch(c -> c >= '0' && c <= '9');
    if (digits && folded.length() == NATIONAL_DIGITS + 1 && folded.startsWith("1")) {
      folded = folded.substring(1);
    }
    folded = cut(folded);
    if (hasCompany && digits && YEAR.matcher(folded).matches()) {
      return new Term(List.of(folded, born(folded)), true, false);
    }
    boolean isName = folded.codePoints().allMatch(Character::isLetter);
    if (!isName) {
      return new Term(List.of(folded), true, false);
    }
    List<String> anyOf = new ArrayList<>(List.of(folded));
    String joined = folded;
    for (int i = before.size() - 1; i >= 0; i--) {
      joined = before.get(i) + joined;
      anyOf.add(cut(joined));
    }
    return new Term(List.copyOf(anyOf), true, true, goingWith(folded));
  }

  /** Formal names of a nickname, and nicknames of a formal name; in all their spellings. */
  private static List<String> goingWith(String name) {
    GivenNames names = GivenNames.shipped();
    if (!names.knows(name)) {
      return List.of();
    }
    SortedSet<String> others = new TreeSet<>(names.canonicalForms(name));
    others.addAll(names.shortForms(name));
    SortedSet<String> spelt = new TreeSet<>(others);
    others.forEach(other -> spelt.addAll(names.spellings(other)));
    spelt.addAll(names.spellings(name));
    // What begins as it was typed is found already.
    spelt.removeIf(other -> other.startsWith(name));
    return List.copyOf(spelt);
  }

  private static Term exactly(String word) {
    return new Term(List.of(word), false, false);
  }

  private static String day(String year, String month, String day) {
    return day(
        String.format(
            Locale.ROOT, "%s-%02d-%02d", year, Integer.parseInt(month), Integer.parseInt(day)));
  }

  /** Not a number that could be taken for another. */
  private static String day(String isoDate) {
    return BORN + isoDate.replace("-", "");
  }

  private static String last(String digits, int count) {
    return digits.length() <= count ? digits : digits.substring(digits.length() - count);
  }

  private static void add(SortedSet<String> words, String word) {
    if (!word.isEmpty()) {
      words.add(cut(word));
    }
  }

  private static String cut(String word) {
    return word.length() <= LONGEST ? word : word.substring(0, LONGEST);
  }
}
