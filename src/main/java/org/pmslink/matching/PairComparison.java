package org.pmslink.matching;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.patient.GivenNames;
import org.pmslink.patient.GivenNames.Relation;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.Phone;

/**
 * The rules of {@link CautiousMatcher} over one pair: each field to a level, the levels to a grade.
 * The weights are rough log2 odds of a family practice. They rank and explain; the grade follows
 * from the levels, because within a household no sum of shared surname, address and telephone
 * proves that two charts are one person.
 */
final class PairComparison {
  /** One in about 260,000 pairs that share nothing but a practice is one person. */
  private static final double PRIOR = -18;

  private enum Given {
    EQUAL(6),
    PREFERRED(5),
    NICKNAME(5),
    SAME_FORMAL_NAME(3),
    PARTIAL(3),
    INITIAL(1.5),
    MIDDLE_NAME(1.5),
    SLIP(2),
    MISSING(0),
    DIFFERENT(-8);

    private final String label = label(this);
    private final double weight;

    Given(double weight) {
      this.weight = weight;
    }

    /** Would convince a reader that one person is meant, whatever the rest says. */
    private boolean agrees() {
      return this == EQUAL || this == PREFERRED || this == NICKNAME;
    }

    private boolean nearlyAgrees() {
      return agrees() || this == SAME_FORMAL_NAME || this == PARTIAL;
    }
  }

  private enum Family {
    EQUAL(8),
    TRUNCATED(6),
    PART(5),
    SLIP(5),
    MISSING(0),
    DIFFERENT(-3);

    private final String label = label(this);
    private final double weight;

    Family(double weight) {
      this.weight = weight;
    }

    private boolean nearlyAgrees() {
      return this == EQUAL || this == TRUNCATED || this == PART || this == SLIP;
    }
  }

  private enum Birth {
    EQUAL(13),
    DAY_MONTH_SWAPPED(7),
    ONE_DIGIT(6),
    NEIGHBOURING_DAY(6),
    MISSING(0),
    DIFFERENT(-10);

    private final String label = label(this);
    private final double weight;

    Birth(double weight) {
      this.weight = weight;
    }
  }

  private final Profile a;
  private final Profile b;
  private final List<Evidence> evidence = new ArrayList<>(11);
  private double score = PRIOR;
  private int contacts;
  private int contradictions;
  private boolean sameSsn;
  private boolean sameSsnLast4;

  private PairComparison(Profile a, Profile b) {
    this.a = a;
    this.b = b;
  }

  static Comparison compare(Profile a, Profile b) {
    return new PairComparison(a, b).comparison();
  }

  private Comparison comparison() {
    boolean swapped = isSwapped();
    Given given = swapped ? Given.EQUAL : given();
    Family family = swapped ? Family.EQUAL : family();
    if (swapped) {
      // One find, not two: given and family name of one record are the other's, exchanged.
      add("name", "swapped", 8);
    } else {
      add("given", given.label, given.weight);
      add("family", family.label, family.weight);
    }
    Birth birth = birth();
    add("birthDate", birth.label, birth.weight);
    suffix();
    middle(given);
    gender();
    ssn();
    phone();
    email();
    address();
    Grade grade = grade(given, family, birth);
    if (swapped && grade == Grade.CERTAIN) {
      grade = Grade.PROBABLE;
    }
    return new Comparison(grade, score, PRIOR, evidence);
  }

  // ---- Grade ----

  private Grade grade(Given given, Family family, Birth birth) {
    if (given.agrees() && family == Family.EQUAL && birth == Birth.EQUAL) {
      return sameNameAndBirth();
    }
    if (sameSsn) {
      // A couple may file one number; with name or birth date beside it, somebody should look.
      boolean alike = given != Given.DIFFERENT && given != Given.MISSING;
      if (alike && (birth == Birth.EQUAL || family.nearlyAgrees())) {
        return Grade.PROBABLE;
      }
      if (birth == Birth.EQUAL || alike) {
        return Grade.POSSIBLE;
      }
    }
    return switch (birth) {
      case EQUAL -> sameBirth(given, family);
      case MISSING -> unknownBirth(given, family);
      case DIFFERENT -> otherBirth(given, family);
      case DAY_MONTH_SWAPPED, ONE_DIGIT, NEIGHBOURING_DAY -> nearBirth(given, family);
    };
  }

  private Grade sameNameAndBirth() {
    if (contradictions == 0) {
      return contacts > 0 ? Grade.CERTAIN : Grade.PROBABLE;
    }
    return contacts > 0 && contradictions == 1 ? Grade.PROBABLE : Grade.POSSIBLE;
  }

  private Grade sameBirth(Given given, Family family) {
    if (given == Given.DIFFERENT) {
      // Twins: one birth date, one household, two given names.
      return Grade.CERTAINLY_NOT;
    }
    if (given.nearlyAgrees() && family.nearlyAgrees()) {
      return contacts > 0 && contradictions == 0 ? Grade.PROBABLE : Grade.POSSIBLE;
    }
    if (given.nearlyAgrees()) {
      // Marriage, or a surname left out: the contact data must speak for it.
      if (contacts == 0) {
        return Grade.CERTAINLY_NOT;
      }
      return contradictions == 0 ? Grade.PROBABLE : Grade.POSSIBLE;
    }
    if (!family.nearlyAgrees()) {
      return Grade.CERTAINLY_NOT;
    }
    // An initial, a middle name, a slip or nothing for the given name: also what twins look like.
    if (given == Given.SLIP || given == Given.MISSING) {
      return (contacts > 0 || given == Given.SLIP) && contradictions == 0
          ? Grade.POSSIBLE
          : Grade.CERTAINLY_NOT;
    }
    if (contradictions > 0) {
      return Grade.CERTAINLY_NOT;
    }
    return contacts > 0 && family == Family.EQUAL ? Grade.PROBABLE : Grade.POSSIBLE;
  }

  private Grade nearBirth(Given given, Family family) {
    if (!given.nearlyAgrees() || contacts == 0) {
      boolean twoSlips = given == Given.SLIP && family == Family.EQUAL && contacts > 1;
      return twoSlips && contradictions == 0 ? Grade.POSSIBLE : Grade.CERTAINLY_NOT;
    }
    if (family == Family.EQUAL && given.agrees() && contradictions == 0) {
      return Grade.PROBABLE;
    }
    return contradictions == 0 && (family.nearlyAgrees() || contacts > 1)
        ? Grade.POSSIBLE
        : Grade.CERTAINLY_NOT;
  }

  /**
   * Without a birth date father and son of one name look alike, so it is never more than likely.
   */
  private Grade unknownBirth(Given given, Family family) {
    if (!given.nearlyAgrees() || !family.nearlyAgrees() || contacts == 0) {
      return Grade.CERTAINLY_NOT;
    }
    if (given.agrees() && family == Family.EQUAL && contradictions == 0) {
      return Grade.PROBABLE;
    }
    return contradictions == 0 ? Grade.POSSIBLE : Grade.CERTAINLY_NOT;
  }

  /** Senior and junior share a name and a house; a generation apart they are two people. */
  private Grade otherBirth(Given given, Family family) {
    boolean sameName = given.agrees() && family == Family.EQUAL && contradictions == 0;
    if (!sameName || contacts == 0) {
      return Grade.CERTAINLY_NOT;
    }
    return yearsApart() < 15 || sameSsnLast4 ? Grade.POSSIBLE : Grade.CERTAINLY_NOT;
  }

  // ---- Fields ----

  private Given given() {
    if (a.given().isEmpty() || b.given().isEmpty()) {
      return Given.MISSING;
    }
    if (a.given().equals(b.given())) {
      return Given.EQUAL;
    }
    if (givenAndMiddle(a).equals(givenAndMiddle(b))) {
      return Given.EQUAL;
    }
    if (!a.preferred().isEmpty() || !b.preferred().isEmpty()) {
      if (isPreferred(a, b) || isPreferred(b, a)) {
        return Given.PREFERRED;
      }
    }
    Relation relation = GivenNames.shipped().relation(a.given(), b.given());
    if (relation == Relation.NICKNAME) {
      return Given.NICKNAME;
    }
    if (relation == Relation.SAME_FORMAL_NAME) {
      return Given.SAME_FORMAL_NAME;
    }
    if (isInitial(a.given(), b.given()) || isInitial(b.given(), a.given())) {
      return Given.INITIAL;
    }
    if (isFirstWord(a, b) || isFirstWord(b, a) || isTruncated(a.given(), b.given(), 5)) {
      return Given.PARTIAL;
    }
    if (isMiddleName(a, b) || isMiddleName(b, a)) {
      return Given.MIDDLE_NAME;
    }
    return Likeness.isOneSlip(a.given(), b.given()) ? Given.SLIP : Given.DIFFERENT;
  }

  private static String givenAndMiddle(Profile p) {
    return p.middle().length() > 1 ? p.given() + p.middle() : p.given();
  }

  private static boolean isPreferred(Profile one, Profile other) {
    String name = one.preferred();
    return name.length() > 1
        && (name.equals(other.given())
            || name.equals(other.preferred())
            || GivenNames.shipped().relation(name, other.given()) == Relation.NICKNAME);
  }

  private static boolean isInitial(String initial, String name) {
    return initial.length() == 1 && name.startsWith(initial);
  }

  private static boolean isFirstWord(Profile one, Profile other) {
    return !one.givenFirst().equals(one.given())
        && GivenNames.shipped().relation(one.givenFirst(), other.given()) != Relation.NONE
        && one.givenFirst().length() > 1;
  }

  private static boolean isMiddleName(Profile one, Profile other) {
    return one.middle().length() > 1
        && GivenNames.shipped().relation(one.middle(), other.given()).compareTo(Relation.NICKNAME)
            >= 0;
  }

  private static boolean isTruncated(String one, String other, int atLeast) {
    return Math.min(one.length(), other.length()) >= atLeast
        && (one.startsWith(other) || other.startsWith(one));
  }

  private Family family() {
    if (a.family().isEmpty() || b.family().isEmpty()) {
      return Family.MISSING;
    }
    if (a.family().equals(b.family())) {
      return Family.EQUAL;
    }
    // Dentrix cuts surnames at 16 to 21 characters.
    if (isTruncated(a.family(), b.family(), 14)) {
      return Family.TRUNCATED;
    }
    if (sharesPart()) {
      return Family.PART;
    }
    boolean alike =
        Likeness.isOneSlip(a.family(), b.family())
            || (Math.min(a.family().length(), b.family().length()) >= 5
                && Likeness.jaroWinkler(a.family(), b.family()) >= 0.92);
    return alike ? Family.SLIP : Family.DIFFERENT;
  }

  private boolean sharesPart() {
    if (a.familyParts().size() < 2 && b.familyParts().size() < 2) {
      return false;
    }
    for (String part : a.familyParts()) {
      if (b.familyParts().contains(part)) {
        return true;
      }
    }
    return false;
  }

  private boolean isSwapped() {
    return !a.given().isEmpty()
        && !a.family().isEmpty()
        && a.given().equals(b.family())
        && a.family().equals(b.given())
        && !a.given().equals(a.family());
  }

  private Birth birth() {
    LocalDate first = a.birthDate();
    LocalDate second = b.birthDate();
    if (first == null || second == null) {
      return Birth.MISSING;
    }
    if (first.equals(second)) {
      return Birth.EQUAL;
    }
    if (first.getYear() == second.getYear()
        && first.getMonthValue() == second.getDayOfMonth()
        && first.getDayOfMonth() == second.getMonthValue()) {
      return Birth.DAY_MONTH_SWAPPED;
    }
    if (differingDigits(first, second) == 1) {
      return Birth.ONE_DIGIT;
    }
    return Math.abs(first.toEpochDay() - second.toEpochDay()) == 1
        ? Birth.NEIGHBOURING_DAY
        : Birth.DIFFERENT;
  }

  private static int differingDigits(LocalDate first, LocalDate second) {
    int one = first.getYear() * 10_000 + first.getMonthValue() * 100 + first.getDayOfMonth();
    int two = second.getYear() * 10_000 + second.getMonthValue() * 100 + second.getDayOfMonth();
    int differing = 0;
    for (; one > 0 || two > 0; one /= 10, two /= 10) {
      if (one % 10 != two % 10) {
        differing++;
      }
    }
    return differing;
  }

  private int yearsApart() {
    if (a.birthDate() == null || b.birthDate() == null) {
      return 0;
    }
    return Math.abs(a.birthDate().getYear() - b.birthDate().getYear());
  }

  private void suffix() {
    if (a.suffix().isEmpty() || b.suffix().isEmpty()) {
      add("suffix", "missing", 0);
    } else if (a.suffix().equals(b.suffix())) {
      add("suffix", "equal", 2);
    } else {
      contradictions++;
      add("suffix", "different", -12);
    }
  }

  private void middle(Given given) {
    if (a.middle().isEmpty() || b.middle().isEmpty() || given == Given.MIDDLE_NAME) {
      add("middle", "missing", 0);
    } else if (a.middle().equals(b.middle())) {
      add("middle", "equal", a.middle().length() > 1 ? 4 : 3);
    } else if (a.middle().charAt(0) == b.middle().charAt(0)) {
      boolean initial = a.middle().length() == 1 || b.middle().length() == 1;
      add("middle", initial ? "initial" : "same initial", initial ? 3 : 0);
    } else {
      contradictions++;
      add("middle", "different", -5);
    }
  }

  private void gender() {
    if (!isKnown(a.gender()) || !isKnown(b.gender())) {
      add("gender", "missing", 0);
    } else if (a.gender() == b.gender()) {
      add("gender", "equal", 1);
    } else {
      contradictions++;
      add("gender", "different", -4);
    }
  }

  private static boolean isKnown(Gender gender) {
    return gender == Gender.MALE || gender == Gender.FEMALE;
  }

  private void ssn() {
    @Nullable String hashA = a.ssnHash();
    @Nullable String hashB = b.ssnHash();
    if (hashA != null && hashB != null) {
      if (hashA.equals(hashB)) {
        sameSsn = true;
        contacts++;
        add("ssn", "equal", 17);
      } else {
        contradictions++;
        add("ssn", "different", -10);
      }
      return;
    }
    if (a.ssnLast4().isEmpty() || b.ssnLast4().isEmpty()) {
      add("ssn", "missing", 0);
    } else if (a.ssnLast4().equals(b.ssnLast4())) {
      sameSsnLast4 = true;
      contacts++;
      add("ssn", "last four equal", 11);
    } else {
      contradictions++;
      add("ssn", "last four different", -8);
    }
  }

  private void phone() {
    if (a.phones().isEmpty() || b.phones().isEmpty()) {
      add("phone", "missing", 0);
      return;
    }
    for (Phone one : a.phones()) {
      for (Phone other : b.phones()) {
        if (one.e164().equals(other.e164())) {
          contacts++;
          add("phone", "equal", 7);
          return;
        }
      }
    }
    add("phone", "different", -1);
  }

  private void email() {
    if (a.emails().isEmpty() || b.emails().isEmpty()) {
      add("email", "missing", 0);
      return;
    }
    for (String one : a.emails()) {
      if (b.emails().contains(one)) {
        contacts++;
        add("email", "equal", 7);
        return;
      }
    }
    add("email", "different", -1);
  }

  private void address() {
    if (a.street().isEmpty() || b.street().isEmpty()) {
      add("address", "missing", 0);
    } else if (isSamePlace() && a.street().equals(b.street())) {
      contacts++;
      add("address", "equal", 5);
    } else if (isSamePlace()
        && !a.houseNumber().isEmpty()
        && a.houseNumber().equals(b.houseNumber())
        && Likeness.jaroWinkler(a.street(), b.street()) >= 0.92) {
      contacts++;
      add("address", "close", 4);
    } else {
      add("address", "different", -1);
    }
  }

  private boolean isSamePlace() {
    if (!a.zip().isEmpty() && !b.zip().isEmpty()) {
      return a.zip().equals(b.zip());
    }
    return !a.city().isEmpty() && a.city().equals(b.city());
  }

  private static String label(Enum<?> level) {
    return level.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private void add(String field, String level, double weight) {
    score += weight;
    evidence.add(new Evidence(field, level, weight));
  }
}
