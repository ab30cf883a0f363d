package org.pmslink.matching;

import org.jspecify.annotations.Nullable;
import org.pmslink.patient.GivenNames;
import org.pmslink.patient.GivenNames.Relation;

/**
 * Which {@link Level} two values of one field yield; {@code null} where one is missing. Every
 * method is symmetric.
 */
final class FieldComparison {
  /** Where PMSs cut names: surnames at 16 to 21 letters, given names at 12 to 15. */
  private static final int SHORTEST_CUT_FAMILY = 14;

  private static final int SHORTEST_CUT_GIVEN = 12;

  /** Share of people who bear a name that can be seen in three letters with a slip: Mry. */
  private static final double COMMON_NAME = 0.0002;

  /** Share of people who bear a short form as their name in the register. */
  private static final double GIVEN_AS_SUCH = 0.00004;

  /** In years; no parent is younger. */
  private static final int A_GENERATION = 13;

  private FieldComparison() {}

  /** Whether given name or birth date show that these are two people. Used to count households. */
  static boolean isClearlySomebodyElse(Features a, Features b, Population population) {
    if (isBornOnAnotherDay(a, b)) {
      return true;
    }
    if (isSwapped(a, b)) {
      return false;
    }
    Level given = given(a, b, population);
    return given == Level.GIVEN_DIFFERENT || given == Level.GIVEN_SIMILAR;
  }

  private static boolean isBornOnAnotherDay(Features a, Features b) {
    Level birth = birth(a.birth(), b.birth());
    return birth == Level.BIRTH_DATE_DIFFERENT
        || birth == Level.BIRTH_DATE_TWO_DIGITS
        || birth == Level.BIRTH_DATE_SAME_DAY_AND_MONTH;
  }

  /**
   * Whether given name and birth date both show it, and neither is alike: whoever types somebody in
   * gets one of them wrong, hardly both.
   */
  static boolean isTwiceSomebodyElse(Features a, Features b, Population population) {
    return isBornOnAnotherDay(a, b)
        && !isSwapped(a, b)
        && given(a, b, population) == Level.GIVEN_DIFFERENT;
  }

  static boolean isSwapped(Features a, Features b) {
    return !a.given().isEmpty()
        && !a.family().isEmpty()
        && !a.given().equals(a.family())
        && isGivenAsFamily(a.given(), b.family())
        && isGivenAsFamily(b.given(), a.family())
        && !a.given().equals(b.given());
  }

  /** Whether two names that were swapped differ by a letter as those of twins do: Kiran, Karan. */
  static boolean isSwappedForTwin(Features a, Features b, Population population) {
    return areTwoGivenNames(a.given(), b.family(), population)
        || areTwoGivenNames(b.given(), a.family(), population);
  }

  private static boolean areTwoGivenNames(String one, String other, Population population) {
    return !one.equals(other)
        && population.isKnownGivenName(one)
        && population.isKnownGivenName(other);
  }

  private static boolean isGivenAsFamily(String given, String family) {
    return given.length() > 1 && (given.equals(family) || Likeness.isOneSlip(given, family));
  }

  static @Nullable Level given(Features a, Features b, Population population) {
    String one = a.given();
    String other = b.given();
    if (one.isEmpty() || other.isEmpty()) {
      return null;
    }
    if (one.equals(other) || isSameWithMiddle(a, b) || isSameWithMiddle(b, a)) {
      return one.length() == 1 && other.length() == 1 ? Level.GIVEN_INITIAL : Level.GIVEN_EXACT;
    }
    // Names that are related are short for one formal name.
    boolean mayBeRelated = (a.formalNameMarks() & b.formalNameMarks()) != 0;
    if (mayBeRelated && (isPreferred(a, b) || isPreferred(b, a))) {
      return Level.GIVEN_PREFERRED;
    }
    Relation relation = mayBeRelated ? GivenNames.shipped().relation(one, other) : Relation.NONE;
    if (relation == Relation.NICKNAME) {
      return Level.GIVEN_NICKNAME;
    }
    if (relation == Relation.SAME_FORMAL_NAME) {
      return Level.GIVEN_SAME_FORMAL;
    }
    if (one.length() == 1 || other.length() == 1) {
      if (one.charAt(0) == other.charAt(0)) {
        return Level.GIVEN_INITIAL;
      }
      // O for Livvy, who is Olivia: possible, no more.
      return isInitialOfForm(a, b) || isInitialOfForm(b, a)
          ? Level.GIVEN_SIMILAR
          : Level.GIVEN_DIFFERENT;
    }
    if ((mayBeRelated && (isOneOfSeveral(a, b) || isOneOfSeveral(b, a)))
        || isCut(one, other, SHORTEST_CUT_GIVEN)) {
      return Level.GIVEN_TRUNCATED;
    }
    if (isMiddleName(a, b) || isMiddleName(b, a)) {
      return Level.GIVEN_MIDDLE_NAME;
    }
    if (isMisspeltForm(a, b, population) || isMisspeltForm(b, a, population)) {
      return Level.GIVEN_TYPO;
    }
    return misspelt(one, other, population);
  }

  /** Whether two names, short for one, are both given by parents as they are, even to twins. */
  static boolean areTwoNames(String one, String other) {
    return !GivenNames.shipped().spellings(one).contains(other)
        && !GivenNames.shipped().spellings(other).contains(one)
        && NameFrequencies.given().share(one) >= GIVEN_AS_SUCH
        && NameFrequencies.given().share(other) >= GIVEN_AS_SUCH;
  }

  /**
   * Whether a name is short for names of men and of women, such as Alex, and the other is not it.
   */
  static boolean isShortForEither(String one, String other) {
    return !one.equals(other)
        && (GivenNames.shipped().isOfBothSexes(one) || GivenNames.shipped().isOfBothSexes(other));
  }

  /** Chqrles is Charles, whom they call Chuck, and Ktaie is Katie, who is Katherine. */
  private static boolean isMisspeltForm(Features one, Features other, Population population) {
    String given = one.given();
    if (given.length() < 3 || population.isKnownGivenName(given)) {
      return false;
    }
    for (String form : other.formalNames()) {
      if (isSlipOf(given, form)) {
        return true;
      }
      for (String spelling : GivenNames.shipped().spellings(form)) {
        if (isSlipOf(given, spelling)) {
          return true;
        }
      }
      for (String shortForm : GivenNames.shipped().shortForms(form)) {
        if (isSlipOf(given, shortForm)) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean isSlipOf(String misspelt, String name) {
    return name.length() >= 3
        && misspelt.charAt(0) == name.charAt(0)
        && Likeness.isOneEdit(misspelt, name);
  }

  /**
   * A slip of the hand seldom makes a name, and parents who like a sound give names one letter
   * apart to twins: only where exactly one of two spellings is a name is it a slip.
   */
  private static Level misspelt(String one, String other, Population population) {
    int shorter = Math.min(one.length(), other.length());
    boolean slip =
        shorter >= 3 && one.length() + other.length() > 6 && Likeness.isOneEdit(one, other);
    double likeness = slip ? 1 : Likeness.jaroWinkler(one, other);
    if (!slip && likeness < 0.84) {
      return Level.GIVEN_DIFFERENT;
    }
    boolean known = population.isKnownGivenName(one);
    if (known != population.isKnownGivenName(other)) {
      // Short names are one letter apart from too many others: Thy, Thuy.
      boolean typed =
          slip
              && one.charAt(0) == other.charAt(0)
              && Likeness.isTypingSlip(one, other)
              && (shorter > 3 || population.givenFrequency(known ? one : other) >= COMMON_NAME);
      return typed ? Level.GIVEN_TYPO : Level.GIVEN_SIMILAR;
    }
    return slip || likeness >= 0.90 ? Level.GIVEN_SIMILAR : Level.GIVEN_DIFFERENT;
  }

  /** Mary Ann without a middle name is Mary with the middle name Ann. */
  private static boolean isSameWithMiddle(Features a, Features b) {
    return a.middle().length() > 1
        && b.given().length() == a.given().length() + a.middle().length()
        && b.given().startsWith(a.given())
        && b.given().endsWith(a.middle());
  }

  private static boolean isPreferred(Features one, Features other) {
    String name = one.preferred();
    return name.length() > 1
        && !name.equals(one.given())
        && (name.equals(other.given())
            || name.equals(other.preferred())
            || GivenNames.shipped().relation(name, other.given()) == Relation.NICKNAME);
  }

  private static boolean isInitialOfForm(Features one, Features other) {
    if (one.given().length() != 1) {
      return false;
    }
    for (String form : other.formalNames()) {
      if (form.charAt(0) == one.given().charAt(0)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isOneOfSeveral(Features one, Features other) {
    return one.givenFirst().length() > 1
        && GivenNames.shipped()
                .relation(one.givenFirst(), other.given())
                .compareTo(Relation.NICKNAME)
            >= 0;
  }

  private static boolean isMiddleName(Features one, Features other) {
    return one.middle().length() > 1
        && GivenNames.shipped().relation(one.middle(), other.given()).compareTo(Relation.NICKNAME)
            >= 0;
  }

  private static boolean isCut(String one, String other, int atLeast) {
    return Math.min(one.length(), other.length()) >= atLeast
        && (one.startsWith(other) || other.startsWith(one));
  }

  static @Nullable Level family(Features a, Features b) {
    String one = a.family();
    String other = b.family();
    if (one.isEmpty() || other.isEmpty()) {
      return null;
    }
    if (one.equals(other)) {
      return Level.FAMILY_EXACT;
    }
    if (isCut(one, other, SHORTEST_CUT_FAMILY)) {
      return Level.FAMILY_TRUNCATED;
    }
    if (sharesPart(a, b) || sharesPart(b, a)) {
      return Level.FAMILY_PART_OF_DOUBLE;
    }
    int shorter = Math.min(one.length(), other.length());
    if (shorter >= 3 && one.length() + other.length() > 6 && Likeness.isOneEdit(one, other)) {
      return Level.FAMILY_TYPO;
    }
    double likeness = Likeness.jaroWinkler(one, other);
    if (likeness >= 0.92 && shorter >= 5) {
      return Level.FAMILY_TYPO;
    }
    return likeness >= 0.86 ? Level.FAMILY_SIMILAR : Level.FAMILY_DIFFERENT;
  }

  private static boolean sharesPart(Features one, Features other) {
    for (String part : one.familyParts()) {
      if (part.equals(other.family()) || other.familyParts().contains(part)) {
        return true;
      }
      for (String theirs : other.familyParts()) {
        if (Likeness.isOneSlip(part, theirs)) {
          return true;
        }
      }
      if (Likeness.isOneSlip(part, other.family())) {
        return true;
      }
    }
    return false;
  }

  static @Nullable Level birth(int one, int other) {
    if (one == 0 || other == 0) {
      return null;
    }
    if (one == other) {
      return Level.BIRTH_DATE_EXACT;
    }
    int years = Math.abs(one / 10_000 - other / 10_000);
    int dayOfOne = one % 10_000;
    int dayOfOther = other % 10_000;
    if (dayOfOne == dayOfOther) {
      if (years == 1 || years == 10) {
        return Level.BIRTH_DATE_YEAR_OFF;
      }
      return years < A_GENERATION && isOneSlip(one, other)
          ? Level.BIRTH_DATE_ONE_DIGIT
          : Level.BIRTH_DATE_SAME_DAY_AND_MONTH;
    }
    if (years == 0) {
      if (dayOfOne / 100 == dayOfOther % 100 && dayOfOne % 100 == dayOfOther / 100) {
        return Level.BIRTH_DATE_DAY_MONTH_SWAPPED;
      }
      boolean sameMonth = dayOfOne / 100 == dayOfOther / 100;
      boolean slip = isOneSlip(one, other);
      if (!slip && (sameMonth || dayOfOne % 100 == dayOfOther % 100)) {
        return sameMonth && Math.abs(dayOfOne - dayOfOther) == 1
            ? Level.BIRTH_DATE_NEIGHBOURING_DAY
            : Level.BIRTH_DATE_DAY_OR_MONTH;
      }
      if (sameMonth && Math.abs(dayOfOne - dayOfOther) == 1) {
        return Level.BIRTH_DATE_NEIGHBOURING_DAY;
      }
    }
    int differing = differingDigits(one, other);
    // A digit of the decade is also what sets father and son apart.
    if (differing < 3 && years < A_GENERATION && isOneSlip(one, other)) {
      return Level.BIRTH_DATE_ONE_DIGIT;
    }
    return differing == 2 ? Level.BIRTH_DATE_TWO_DIGITS : Level.BIRTH_DATE_DIFFERENT;
  }

  /** Counted up to three, which most pairs have already in the last digits. */
  private static int differingDigits(int one, int other) {
    int differing = 0;
    for (int a = one, b = other; differing < 3 && (a > 0 || b > 0); a /= 10, b /= 10) {
      differing += a % 10 == b % 10 ? 0 : 1;
    }
    return differing;
  }

  /** One digit differs, or two neighbours changed places. */
  private static boolean isOneSlip(int one, int other) {
    int differing = 0;
    int firstAt = -1;
    int lastAt = -1;
    int a = one;
    int b = other;
    for (int at = 0; a > 0 || b > 0; a /= 10, b /= 10, at++) {
      if (a % 10 != b % 10) {
        firstAt = differing == 0 ? at : firstAt;
        lastAt = at;
        differing++;
      }
    }
    if (differing == 1) {
      return true;
    }
    if (differing != 2 || lastAt != firstAt + 1) {
      return false;
    }
    int pairOfOne = (int) (one / Math.pow(10, firstAt)) % 100;
    int pairOfOther = (int) (other / Math.pow(10, firstAt)) % 100;
    return pairOfOne / 10 == pairOfOther % 10 && pairOfOne % 10 == pairOfOther / 10;
  }

  static @Nullable Level middle(Features a, Features b) {
    if (a.middle().isEmpty() || b.middle().isEmpty()) {
      return null;
    }
    if (a.middle().equals(b.middle())) {
      return a.middle().length() > 1 ? Level.MIDDLE_EXACT : Level.MIDDLE_INITIAL;
    }
    if (a.middle().charAt(0) != b.middle().charAt(0)) {
      return Level.MIDDLE_DIFFERENT;
    }
    boolean initial = a.middle().length() == 1 || b.middle().length() == 1;
    return initial ? Level.MIDDLE_INITIAL : null;
  }

  static @Nullable Level suffix(Features a, Features b) {
    boolean none = a.suffix().isEmpty() && b.suffix().isEmpty();
    if (none) {
      return null;
    }
    if (a.suffix().isEmpty() || b.suffix().isEmpty()) {
      return Level.SUFFIX_ONE_SIDED;
    }
    return generation(a).equals(generation(b)) ? Level.SUFFIX_EXACT : Level.SUFFIX_DIFFERENT;
  }

  /** A second is a junior, by another custom. */
  private static String generation(Features person) {
    return person.suffix().equals("ii") ? "jr" : person.suffix();
  }

  static @Nullable Level sex(Features a, Features b) {
    if (!a.hasSex() || !b.hasSex()) {
      return null;
    }
    return a.gender() == b.gender() ? Level.SEX_EQUAL : Level.SEX_DIFFERENT;
  }

  static @Nullable Level ssn(Features a, Features b) {
    if (!a.ssn().isEmpty() && !b.ssn().isEmpty()) {
      if (a.ssn().equals(b.ssn())) {
        return Level.SSN_EXACT;
      }
      if (a.ssnLast4().equals(b.ssnLast4()) && !a.ssnLast4().isEmpty()) {
        return Level.SSN_ONE_DIGIT;
      }
    } else if (!a.ssnLast4().isEmpty() && a.ssnLast4().equals(b.ssnLast4())) {
      return Level.SSN_LAST_FOUR;
    }
    if (a.ssnLast4().isEmpty() || b.ssnLast4().isEmpty()) {
      return a.ssn().isEmpty() || b.ssn().isEmpty() ? null : Level.SSN_DIFFERENT;
    }
    return Likeness.isOneEdit(a.ssnLast4(), b.ssnLast4())
        ? Level.SSN_ONE_DIGIT
        : Level.SSN_DIFFERENT;
  }

  static @Nullable Level address(Features a, Features b) {
    if (!a.place().isEmpty() && !b.place().isEmpty()) {
      boolean samePlace = isSameAndKnown(a.zip(), b.zip()) || isSameAndKnown(a.city(), b.city());
      boolean sameHouse = a.houseNumber().equals(b.houseNumber());
      boolean sameStreet = a.street().equals(b.street());
      boolean otherUnit =
          !a.unit().isEmpty() && !b.unit().isEmpty() && !digits(a.unit()).equals(digits(b.unit()));
      if (samePlace && sameHouse && sameStreet && !otherUnit) {
        return Level.ADDRESS_EXACT;
      }
      boolean houseSlip =
          !a.houseNumber().isEmpty()
              && !b.houseNumber().isEmpty()
              && (a.houseNumber().length() > 2 || b.houseNumber().length() > 2)
              && Likeness.isOneEdit(a.houseNumber(), b.houseNumber());
      boolean sameNumber = sameHouse && !a.houseNumber().isEmpty();
      if (!otherUnit
          && ((samePlace && houseSlip && sameStreet)
              || (sameNumber && sameStreet)
              || (samePlace
                  && sameNumber
                  && Likeness.jaroWinkler(a.street(), b.street()) >= 0.90))) {
        return Level.ADDRESS_CLOSE;
      }
    }
    if (!a.zip().isEmpty() && !b.zip().isEmpty()) {
      if (a.zip().equals(b.zip())) {
        return Level.ADDRESS_ZIP;
      }
      if (a.city().isEmpty() || !a.city().equals(b.city())) {
        return Level.ADDRESS_DIFFERENT;
      }
    }
    if (a.city().isEmpty() || b.city().isEmpty()) {
      return null;
    }
    return a.city().equals(b.city()) ? Level.ADDRESS_CITY : Level.ADDRESS_DIFFERENT;
  }

  /**
   * Where there are no households, an address says who somebody is, and its parts are worth
   * counting: house number, the words of both lines in any order, city, zip code.
   */
  static @Nullable Level addressByParts(Features a, Features b) {
    Level level = address(a, b);
    if (level == Level.ADDRESS_EXACT) {
      return Level.ADDRESS_OWN;
    }
    if (level == null) {
      return null;
    }
    if (level == Level.ADDRESS_CLOSE) {
      return Level.ADDRESS_OWN_CLOSE;
    }
    boolean houses = !a.houseNumber().isEmpty() && a.houseNumber().equals(b.houseNumber());
    double text = Likeness.sharedPairs(a.street() + a.unit(), b.street() + b.unit());
    boolean cities = Likeness.jaroWinkler(a.city(), b.city()) >= 0.90;
    boolean zips =
        !a.zip().isEmpty() && (a.zip().equals(b.zip()) || Likeness.isOneEdit(a.zip(), b.zip()));
    int parts = (houses ? 1 : 0) + (text >= 0.75 ? 2 : text >= 0.45 ? 1 : 0);
    parts += (cities ? 1 : 0) + (zips ? 1 : 0);
    if (parts >= 4 || (parts == 3 && text >= 0.75)) {
      return Level.ADDRESS_OWN_CLOSE;
    }
    return parts >= 2 ? Level.ADDRESS_PARTIAL : level;
  }

  private static boolean isSameAndKnown(String one, String other) {
    return !one.isEmpty() && one.equals(other);
  }

  /** APT 4, #4 and UNIT 4 are one door. */
  private static String digits(String unit) {
    int at = 0;
    while (at < unit.length() && !Character.isDigit(unit.charAt(at))) {
      at++;
    }
    return at == unit.length()
        ? unit.substring(Math.max(0, unit.length() - 1))
        : unit.substring(at);
  }

  private static String letters(String text) {
    StringBuilder letters = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      if (Character.isLetter(text.charAt(i))) {
        letters.append(text.charAt(i));
      }
    }
    return letters.toString();
  }

  /**
   * One slip in the part before the @ or in the part behind it. Not a digit or a dot: namesakes
   * have addresses that differ by no more (ann.lee@, ann.lee2@).
   */
  static boolean isCloseEmail(String one, String other) {
    int at = one.indexOf('@');
    int otherAt = other.indexOf('@');
    // Neither a slip nor a name before the @ that is the same begins with another letter.
    if (at < 0 || otherAt < 0 || one.charAt(0) != other.charAt(0)) {
      return false;
    }
    String local = one.substring(0, at);
    String otherLocal = other.substring(0, otherAt);
    String domain = one.substring(at);
    String otherDomain = other.substring(otherAt);
    if (domain.equals(otherDomain)) {
      return Likeness.isOneSlip(local, otherLocal) && !letters(local).equals(letters(otherLocal));
    }
    return local.length() >= 5
        && local.equals(otherLocal)
        && Likeness.isOneEdit(domain, otherDomain);
  }
}
