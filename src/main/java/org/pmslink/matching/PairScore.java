package org.pmslink.matching;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Level.Field;
import org.pmslink.matching.Population.ContactKind;

/**
 * The model over one pair: every field to a level, every level to its weight, the weights to a
 * score, and score and levels to a grade.
 *
 * <p>What the textbook model (Fellegi and Sunter 1969) gets wrong in a dental practice is that
 * fields are not independent there: a family shares surname, address and telephone. So these count
 * as one fact, up to a cap, and a pair that only they carry is never certain. Nor is one that rests
 * on name and birth date alone, because namesakes with one birth date exist.
 *
 * <p>An instance is used again and again by one thread; {@link #comparison()} copies what it holds.
 */
final class PairScore {
  /** Whoever is younger has a parent's telephone, in years. */
  private static final int CHILD = 16;

  /** People who may share a telephone or an address and still be one family. */
  private static final int LARGEST_FAMILY = 8;

  /** More than adding in another order can make out, in bits. */
  private static final double ROUNDING = 0.000001;

  /** Share of the bearers of a name that a record lists under a short form of it, or so. */
  private static final double GO_BY_A_NICKNAME = 0.15;

  /** Why a pair with a high score is not certain. */
  enum Doubt {
    SCORE_TOO_LOW("the evidence is not enough"),
    ONLY_HOUSEHOLD("mostly what a household shares"),
    NOTHING_BUT_NAME_AND_BIRTH_DATE("hardly anything but name and birth date agrees"),
    GIVEN_NAME_MISSING("no first name to compare"),
    GIVEN_NAME_DIFFERS("the first names differ, as those of twins do"),
    GIVEN_NAME_WEAK("the first names agree only roughly"),
    BIRTH_DATE_MISSING("no birth date to compare"),
    BIRTH_DATE_DIFFERS("the birth dates differ"),
    BIRTH_DATE_WEAK("the birth dates agree only roughly"),
    SURNAME_DIFFERS("the last names differ"),
    SUFFIX("Jr and Sr may be two people"),
    SEX_DIFFERS("the sex differs"),
    MIDDLE_NAME_DIFFERS("the middle names differ"),
    SSN_DIFFERS("the social security numbers differ");

    final String words;

    Doubt(String words) {
      this.words = words;
    }
  }

  private static final Field[] FIELDS = Field.values();

  /** Fields before it are personal, those from it on a household's. */
  private static final int FIRST_OF_HOUSEHOLD = Field.FAMILY.ordinal();

  /** Personal where there are no households. */
  private static final int ADDRESS = Field.ADDRESS.ordinal();

  private final MatchingRules rules;
  private final Population population;
  private final double prior;
  private final boolean households;
  private final double bestGiven;
  private final double bestMiddle;
  private final double bestAddress;
  private final double bestFamily;
  private final double possible;
  private final @Nullable Level[] levels = new @Nullable Level[FIELDS.length];
  private final double[] weights = new double[FIELDS.length];
  private final Set<Doubt> doubts = EnumSet.noneOf(Doubt.class);
  private final @Nullable String[] lastValues = new @Nullable String[ContactKind.values().length];
  private final int[] lastPeople = new int[lastValues.length];
  private @Nullable String lastFamily;
  private double lastFamilyWeight;

  /** Whether each of two short forms is a name that parents give as such: Will, Liam. */
  private boolean twoNames;

  /** Whether given and family name are exchanged and one is misspelt, or rather a twin's. */
  private boolean slipInSwapped;

  /** Whether an e-mail address that both have spells the name that both may be short for. */
  private boolean byEmail;

  /** Whether in this household two people born on one day have this initial. */
  private boolean twinsOfOneInitial;

  /** Whether a short form may be that of a twin of the other sex: Alex, of Alexandra. */
  private boolean forEither;

  private double cut;
  private double score;
  private Grade grade = Grade.CERTAINLY_NOT;

  PairScore(MatchingRules rules, Population population) {
    this(rules, population, false);
  }

  /**
   * @param duplicates whether both records are of one side
   */
  PairScore(MatchingRules rules, Population population, boolean duplicates) {
    this(rules, population, duplicates, 0);
  }

  /**
   * For a first look with a population that takes every contact for one person's: keeps all pairs
   * that may be possible once it is counted who has them. A contact that many turn out to have is
   * no evidence, neither for nor against, so the score may still rise by what speaks against.
   */
  static PairScore lenient(MatchingRules rules, Population population) {
    double slack = 0;
    for (Level against :
        new Level[] {Level.SSN_DIFFERENT, Level.PHONE_DIFFERENT, Level.EMAIL_DIFFERENT}) {
      slack += Math.max(0, -rules.weight(against));
    }
    return new PairScore(rules, population, false, slack);
  }

  private PairScore(MatchingRules rules, Population population, boolean duplicates, double slack) {
    this.rules = rules;
    this.population = population;
    double fewest = population.hasHouseholds() ? rules.priorRecords : rules.noHouseholdsNeedRecords;
    double records = Math.max(fewest, population.records());
    prior = -Math.rint(Math.log(records) / Math.log(2) * 10_000) / 10_000;
    households = population.hasHouseholds();
    double least =
        !households
            ? rules.possibleWithoutHouseholds
            : duplicates ? rules.possibleDuplicate : rules.possible;
    possible = least - slack;
    bestGiven = best(Field.GIVEN);
    bestMiddle = best(Field.MIDDLE);
    bestAddress = best(Field.ADDRESS);
    bestFamily = best(Field.FAMILY);
  }

  private double best(Field field) {
    double best = 0;
    for (Level level : Level.values()) {
      if (level.field == field) {
        best = Math.max(best, rules.weight(level));
      }
    }
    return best;
  }

  double score() {
    return score;
  }

  Grade grade() {
    return grade;
  }

  Set<Doubt> doubts() {
    return doubts;
  }

  @Nullable Level level(Field field) {
    return levels[field.ordinal()];
  }

  /**
   * Compares two people; whoever comes first makes no difference. A pair that no name can lift into
   * the list any more is left at {@link Grade#CERTAINLY_NOT}, half compared.
   */
  void compare(Features a, Features b) {
    compare(a, b, false);
  }

  /** Compares two people field by field to the end, however hopeless. */
  void compareFully(Features a, Features b) {
    compare(a, b, true);
  }

  private void compare(Features a, Features b, boolean fully) {
    doubts.clear();
    cut = 0;
    clear(Field.GIVEN);
    clear(Field.MIDDLE);
    clear(Field.FAMILY);
    clear(Field.ADDRESS);
    set(Field.SUFFIX, FieldComparison.suffix(a, b));
    set(Field.SEX, FieldComparison.sex(a, b));
    birth(a, b);
    ssn(a, b);
    phone(a, b);
    email(a, b);
    guarantor(a, b);
    // The costly comparisons come last, for pairs that they can still lift into the list.
    double names =
        (a.given().isEmpty() || b.given().isEmpty() ? 0 : bestGiven)
            + (a.middle().isEmpty() || b.middle().isEmpty() ? 0 : bestMiddle);
    if (!fully && isHopeless(names, bestFamily, bestAddress)) {
      giveUp();
      return;
    }
    boolean swapped = FieldComparison.isSwapped(a, b);
    if (swapped) {
      set(Level.FAMILY_SWAPPED);
    } else {
      family(a, b);
    }
    if (!fully && isHopeless(names, 0, bestAddress)) {
      giveUp();
      return;
    }
    address(a, b);
    if (!fully && isHopeless(names, 0, 0)) {
      giveUp();
      return;
    }
    given(a, b, swapped);
    set(
        Field.MIDDLE,
        level(Field.GIVEN) == Level.GIVEN_MIDDLE_NAME ? null : FieldComparison.middle(a, b));
    double shared = household();
    cut = Math.min(0, rules.householdCap - shared);
    score = sum();
    grade = judged();
  }

  private void giveUp() {
    score = prior;
    grade = Grade.CERTAINLY_NOT;
  }

  /** Whether even the best that names and address can yet add leaves a pair out of the list. */
  private boolean isHopeless(double names, double family, double address) {
    double own = personal() + names + (households ? 0 : address);
    double shared = household() + family + (households ? address : 0);
    return prior + own + Math.min(shared, rules.householdCap) < possible - ROUNDING;
  }

  /** In the order in which the explanation lists them, so that both are the same sum. */
  private double sum() {
    double sum = prior;
    for (double weight : weights) {
      sum += weight;
    }
    return sum + cut;
  }

  /** The explanation: the prior, each field with its level and weight, and the cap's cut. */
  Comparison comparison() {
    List<Evidence> evidence = new ArrayList<>(FIELDS.length + 1);
    double sum = prior;
    for (Field field : FIELDS) {
      Level level = levels[field.ordinal()];
      evidence.add(
          new Evidence(
              field.label, level == null ? "missing" : level.label, weights[field.ordinal()]));
      sum += weights[field.ordinal()];
    }
    evidence.add(new Evidence("household", cut < 0 ? "capped" : "below cap", cut));
    return new Comparison(grade, sum + cut, prior, evidence);
  }

  // ---- Fields ----

  private void clear(Field field) {
    levels[field.ordinal()] = null;
    weights[field.ordinal()] = 0;
  }

  private void set(Level level) {
    set(level.field, level);
  }

  private void set(Field field, @Nullable Level level) {
    double weight = level == null ? 0 : rules.weight(level);
    levels[field.ordinal()] = level;
    weights[field.ordinal()] =
        households ? weight : Math.max(weight, -rules.disagreementWithoutHouseholds);
  }

  private void set(Level level, double weight) {
    levels[level.field.ordinal()] = level;
    weights[level.field.ordinal()] = weight;
  }

  private void birth(Features a, Features b) {
    int one = withoutFiller(a.birth());
    int other = withoutFiller(b.birth());
    Level level = FieldComparison.birth(one, other);
    if (level == Level.BIRTH_DATE_EXACT) {
      set(level, rules.weight(level, population.birthDateFrequency(one)));
    } else {
      set(Field.BIRTH_DATE, level);
    }
  }

  private int withoutFiller(int birth) {
    return birth == 0 || population.isFillerBirthDate(birth) ? 0 : birth;
  }

  private void ssn(Features a, Features b) {
    Level level = FieldComparison.ssn(a, b);
    if (level == null) {
      clear(Field.SSN);
      return;
    }
    // A number that two people have is the guarantor's and says nothing.
    boolean shared =
        (!a.ssn().isEmpty() && population.people(ContactKind.SSN, a.ssn()) > 1)
            || (!b.ssn().isEmpty() && population.people(ContactKind.SSN, b.ssn()) > 1);
    set(Field.SSN, shared ? null : level);
  }

  private void phone(Features a, Features b) {
    contact(
        a,
        b,
        ContactKind.PHONE,
        a.phones(),
        b.phones(),
        (a.phoneMarks() & b.phoneMarks()) != 0,
        Level.PHONE_EXACT,
        Level.SHARED_PHONE_EXACT,
        Level.PHONE_DIFFERENT);
  }

  private void email(Features a, Features b) {
    contact(
        a,
        b,
        ContactKind.EMAIL,
        a.emails(),
        b.emails(),
        (a.emailMarks() & b.emailMarks()) != 0,
        Level.EMAIL_EXACT,
        Level.SHARED_EMAIL_EXACT,
        Level.EMAIL_DIFFERENT);
    if (level(Field.EMAIL) == Level.EMAIL_DIFFERENT && (a.mailboxMarks() & b.mailboxMarks()) != 0) {
      for (String one : a.emails()) {
        for (String other : b.emails()) {
          if (FieldComparison.isCloseEmail(one, other)) {
            set(Level.EMAIL_CLOSE);
          }
        }
      }
    }
  }

  private void contact(
      Features a,
      Features b,
      ContactKind kind,
      List<String> ofOne,
      List<String> ofOther,
      boolean mayShare,
      Level personal,
      Level shared,
      Level different) {
    clear(personal.field);
    clear(shared.field);
    int fewest = mayShare ? fewestPeople(kind, ofOne, ofOther) : Integer.MAX_VALUE;
    if (fewest < Integer.MAX_VALUE) {
      boolean childs = isChild(a) || isChild(b);
      if (fewest == 1 && !(households && childs)) {
        set(personal);
      } else {
        set(shared, lessened(rules.weight(shared), fewest));
      }
      return;
    }
    if (isComparable(kind, ofOne) && isComparable(kind, ofOther)) {
      set(different);
    }
  }

  /** How many people have the value in common that the fewest have; crowds do not count. */
  private int fewestPeople(ContactKind kind, List<String> ofOne, List<String> ofOther) {
    int fewest = Integer.MAX_VALUE;
    for (String one : ofOne) {
      for (String other : ofOther) {
        if (one.equals(other)) {
          int people = people(kind, one);
          fewest = people < Population.CROWD ? Math.min(fewest, people) : fewest;
        }
      }
    }
    return fewest;
  }

  /** Whether one of these is not a crowd's. */
  private boolean isComparable(ContactKind kind, List<String> values) {
    if (!population.mayHaveCrowds(kind)) {
      return !values.isEmpty();
    }
    for (String value : values) {
      if (!population.isCrowds(kind, value)) {
        return true;
      }
    }
    return false;
  }

  /** One record is compared with many, so what was asked last is asked again. */
  @SuppressWarnings("ReferenceEquality") // an equal text of another record is only asked again
  private int people(ContactKind kind, String value) {
    int last = kind.ordinal();
    if (lastValues[last] != value) {
      lastPeople[last] = population.people(kind, value);
      lastValues[last] = value;
    }
    return lastPeople[last];
  }

  /** A value that many share is worth less: half for each doubling beyond a couple, or so. */
  private static double lessened(double weight, int people) {
    double bits =
        people <= 2 ? 0 : Math.rint(Math.log(people / 2.0) / Math.log(2) * 20_000) / 10_000;
    return Math.max(0, weight - bits);
  }

  private boolean isChild(Features person) {
    return person.birth() != 0 && person.birth() / 10_000 > population.latestBirthYear() - CHILD;
  }

  @SuppressWarnings("ReferenceEquality") // as for people
  private void family(Features a, Features b) {
    Level level = FieldComparison.family(a, b);
    if (level == Level.FAMILY_EXACT) {
      if (a.family() != lastFamily) {
        lastFamilyWeight = rules.weight(level, population.familyFrequency(a.family()));
        lastFamily = a.family();
      }
      set(level, lastFamilyWeight);
    } else {
      set(Field.FAMILY, level);
    }
  }

  private void address(Features a, Features b) {
    Level level = households ? FieldComparison.address(a, b) : FieldComparison.addressByParts(a, b);
    if (level == Level.ADDRESS_EXACT) {
      int people = people(ContactKind.PLACE, a.place());
      set(level, lessened(rules.weight(level), people));
    } else if (level == Level.ADDRESS_CITY) {
      set(level, rules.weight(level, population.cityFrequency(a.city())));
    } else {
      set(Field.ADDRESS, level);
    }
  }

  private void guarantor(Features a, Features b) {
    if (a.guarantor().isEmpty() || b.guarantor().isEmpty()) {
      clear(Field.GUARANTOR);
    } else {
      set(a.guarantor().equals(b.guarantor()) ? Level.GUARANTOR_EXACT : Level.GUARANTOR_DIFFERENT);
    }
  }

  private void given(Features a, Features b, boolean swapped) {
    Level level = swapped ? Level.GIVEN_SWAPPED : FieldComparison.given(a, b, population);
    forEither =
        (level == Level.GIVEN_NICKNAME && FieldComparison.isShortForEither(a.given(), b.given()))
            || (level == Level.GIVEN_TYPO && !Likeness.isOneEdit(a.given(), b.given()));
    slipInSwapped = swapped && FieldComparison.isSwappedForTwin(a, b, population);
    twinsOfOneInitial = level == Level.GIVEN_INITIAL && (haveTwins(a) || haveTwins(b));
    byEmail =
        (level == Level.GIVEN_SAME_FORMAL || (level == Level.GIVEN_NICKNAME && forEither))
            && emailSpellsName(a, b);
    twoNames =
        level == Level.GIVEN_SAME_FORMAL && FieldComparison.areTwoNames(a.given(), b.given());
    if (level == Level.GIVEN_EXACT) {
      String shorter = a.given().length() <= b.given().length() ? a.given() : b.given();
      set(level, rules.weight(level, population.givenFrequency(shorter)));
    } else if (level == Level.GIVEN_NICKNAME) {
      // Whoever is called Bob says as much about who he is as Robert does: the formal name counts.
      double bearers =
          Math.max(population.givenFrequency(a.given()), population.givenFrequency(b.given()));
      set(level, rules.weight(level, bearers * GO_BY_A_NICKNAME));
    } else {
      set(Field.GIVEN, level);
    }
  }

  private boolean haveTwins(Features person) {
    char initial = person.given().charAt(0);
    boolean twins = population.areTwins(ContactKind.PLACE, person.place(), person.birth(), initial);
    for (String phone : person.phones()) {
      twins |= population.areTwins(ContactKind.PHONE, phone, person.birth(), initial);
    }
    for (String email : person.emails()) {
      twins |= population.areTwins(ContactKind.EMAIL, email, person.birth(), initial);
    }
    return twins;
  }

  /**
   * Whether both have an e-mail address with the name in it that both may be short for, and in it
   * no name that only one may be short for: danielle@ holds Daniel, too.
   */
  private static boolean emailSpellsName(Features a, Features b) {
    for (String email : a.emails()) {
      if (b.emails().contains(email)
          && spells(email, a, b, true)
          && !spells(email, a, b, false)
          && !spells(email, b, a, false)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether an e-mail address holds a formal name of one person.
   *
   * @param ofBoth whether that shall be one of the other person's, too, or none of them
   */
  private static boolean spells(String email, Features one, Features other, boolean ofBoth) {
    for (String form : one.formalNames()) {
      if (form.length() > 3
          && email.contains(form)
          && other.formalNames().contains(form) == ofBoth) {
        return true;
      }
    }
    return false;
  }

  private double personal() {
    double sum = 0;
    for (int field = 0; field < FIRST_OF_HOUSEHOLD; field++) {
      sum += weights[field];
    }
    return households ? sum : sum + weights[ADDRESS];
  }

  private double household() {
    double sum = 0;
    for (int field = FIRST_OF_HOUSEHOLD; field < weights.length; field++) {
      sum += households || field != ADDRESS ? weights[field] : 0;
    }
    return sum;
  }

  // ---- Grade ----

  private Grade judged() {
    if (score < possible) {
      return Grade.CERTAINLY_NOT;
    }
    doubt();
    if (doubts.isEmpty()) {
      return Grade.CERTAIN;
    }
    if (households && score < rules.probable) {
      return Grade.POSSIBLE;
    }
    boolean unlike =
        doubts.contains(Doubt.GIVEN_NAME_DIFFERS) || doubts.contains(Doubt.BIRTH_DATE_DIFFERS);
    return unlike ? Grade.POSSIBLE : Grade.PROBABLE;
  }

  private void doubt() {
    if (score < (households ? rules.certain : rules.certainWithoutHouseholds)) {
      doubts.add(Doubt.SCORE_TOO_LOW);
    }
    if (households && personal() < rules.certainPersonal) {
      doubts.add(Doubt.ONLY_HOUSEHOLD);
    }
    boolean sameSsn = level(Field.SSN) == Level.SSN_EXACT;
    Level address = level(Field.ADDRESS);
    boolean samePlace =
        address == Level.ADDRESS_OWN
            || address == Level.ADDRESS_OWN_CLOSE
            || address == Level.ADDRESS_EXACT
            || address == Level.ADDRESS_CLOSE;
    int own = ownContacts(sameSsn, samePlace);
    int all = own + sharedContacts(samePlace);
    boolean weak =
        (address == Level.ADDRESS_CLOSE
                && !middleAgrees()
                && level(Field.PHONE) == Level.PHONE_DIFFERENT
                && level(Field.EMAIL) == Level.EMAIL_DIFFERENT)
            || (level(Field.FAMILY) == Level.FAMILY_TYPO
                && level(Field.EMAIL) == Level.EMAIL_DIFFERENT);
    boolean alone =
        all == 0
            && level(Field.MIDDLE) != Level.MIDDLE_EXACT
            && (households || address == Level.ADDRESS_DIFFERENT);
    if (alone || (households && all == 1 && own == 0 && contactDiffers() && weak)) {
      doubts.add(Doubt.NOTHING_BUT_NAME_AND_BIRTH_DATE);
    }
    Level given = level(Field.GIVEN);
    Level family = level(Field.FAMILY);
    Level birth = level(Field.BIRTH_DATE);
    boolean givenAgrees =
        given == Level.GIVEN_EXACT
            || given == Level.GIVEN_PREFERRED
            || given == Level.GIVEN_NICKNAME;
    boolean familyAgrees =
        family == Level.FAMILY_EXACT
            || family == Level.FAMILY_TRUNCATED
            || family == Level.FAMILY_PART_OF_DOUBLE;
    boolean birthAgrees = birth == Level.BIRTH_DATE_EXACT;
    if (level(Field.SUFFIX) == Level.SUFFIX_DIFFERENT
        || (level(Field.SUFFIX) == Level.SUFFIX_ONE_SIDED
            && (birth == null || isAnotherDay(birth)))) {
      doubts.add(Doubt.SUFFIX);
    }
    if (!households) {
      doubtWithoutHouseholds(given, family, birth, sameSsn, samePlace);
      return;
    }
    doubtGiven(given, givenAgrees, familyAgrees, birthAgrees, sameSsn, own, all);
    doubtBirth(birth, givenAgrees, familyAgrees, own, all);
    doubtFamily(family, givenAgrees, familyAgrees, birthAgrees, own, all);
    boolean typo = family == Level.FAMILY_TYPO && all >= 2;
    boolean solid = givenAgrees && (familyAgrees || typo) && birthAgrees;
    boolean swapped = given == Level.GIVEN_SWAPPED && birthAgrees && own >= 2;
    boolean spelt = givenAgrees || given == Level.GIVEN_TYPO;
    boolean mistyped =
        birthAgrees
            && spelt
            && !forEither
            && (familyAgrees || family == Level.FAMILY_TYPO)
            && (own >= 1 || all >= 2 || (all >= 1 && given == Level.GIVEN_EXACT && middleAgrees()));
    if (level(Field.SEX) == Level.SEX_DIFFERENT && !mistyped && !swapped) {
      doubts.add(Doubt.SEX_DIFFERS);
    }
    if (forEither
        && given == Level.GIVEN_NICKNAME
        && level(Field.SEX) == null
        && own == 0
        && !middleAgrees()
        && !byEmail) {
      doubts.add(Doubt.GIVEN_NAME_WEAK);
    }
    if (level(Field.MIDDLE) == Level.MIDDLE_DIFFERENT && !(solid && own >= 1)) {
      doubts.add(Doubt.MIDDLE_NAME_DIFFERS);
    }
    if (level(Field.SSN) == Level.SSN_DIFFERENT && !(solid && own >= 1 && all >= 2)) {
      doubts.add(Doubt.SSN_DIFFERS);
    }
  }

  /** Contacts that only this person has; a whole SSN counts for two. */
  private int ownContacts(boolean sameSsn, boolean samePlace) {
    int own = sameSsn ? 2 : level(Field.SSN) == Level.SSN_LAST_FOUR ? 1 : 0;
    own += level(Field.PHONE) == Level.PHONE_EXACT ? 1 : 0;
    own += level(Field.EMAIL) == Level.EMAIL_EXACT ? 1 : 0;
    return own + (!households && samePlace ? 1 : 0);
  }

  private int sharedContacts(boolean samePlace) {
    int shared = isOfAFamily(Level.SHARED_PHONE_EXACT) ? 1 : 0;
    shared += isOfAFamily(Level.SHARED_EMAIL_EXACT) ? 1 : 0;
    shared += level(Field.EMAIL) == Level.EMAIL_CLOSE ? 1 : 0;
    shared += level(Field.GUARANTOR) == Level.GUARANTOR_EXACT ? 1 : 0;
    shared += level(Field.ADDRESS) == Level.ADDRESS_PARTIAL ? 1 : 0;
    boolean home =
        samePlace
            && (level(Field.ADDRESS) != Level.ADDRESS_EXACT || isOfAFamily(Level.ADDRESS_EXACT));
    return shared + (households && home ? 1 : 0);
  }

  /** Whether so few share what agrees that they are a family, and no home or dormitory. */
  private boolean isOfAFamily(Level level) {
    return level(level.field) == level
        && weights[level.field.ordinal()] >= lessened(rules.weight(level), LARGEST_FAMILY);
  }

  /** In bits; 0 for a field that is missing. */
  double weight(Field field) {
    return weights[field.ordinal()];
  }

  private void doubtGiven(
      @Nullable Level given,
      boolean agrees,
      boolean familyAgrees,
      boolean birthAgrees,
      boolean sameSsn,
      int own,
      int all) {
    if (given == null) {
      // Of twins, one is as good as the other where the name is not known.
      if (!(sameSsn && birthAgrees)) {
        doubts.add(Doubt.GIVEN_NAME_MISSING);
      }
    } else if (given == Level.GIVEN_DIFFERENT || given == Level.GIVEN_SIMILAR) {
      doubts.add(Doubt.GIVEN_NAME_DIFFERS);
    } else if (given == Level.GIVEN_SWAPPED) {
      if (slipInSwapped || !(birthAgrees ? all >= 1 : all >= 2)) {
        doubts.add(Doubt.GIVEN_NAME_WEAK);
      }
    } else if (twoNames && !middleAgrees() && !byEmail) {
      doubts.add(Doubt.GIVEN_NAME_WEAK);
    } else if (isInitial()) {
      boolean backed = own >= 1 || all >= 2 || (all >= 1 && middleAgrees());
      boolean typo = level(Field.FAMILY) == Level.FAMILY_TYPO && (own >= 1 || all >= 2);
      if (twinsOfOneInitial || !(birthAgrees && (familyAgrees || typo) && backed)) {
        doubts.add(Doubt.GIVEN_NAME_WEAK);
      }
    } else if (!agrees
        && !(birthAgrees && (own >= 1 || all >= 2 || familyAgrees))
        && !((given == Level.GIVEN_TYPO || (given == Level.GIVEN_SAME_FORMAL && !twoNames))
            && familyAgrees
            && own >= 1
            && all >= 2)) {
      doubts.add(Doubt.GIVEN_NAME_WEAK);
    }
  }

  private boolean contactDiffers() {
    return level(Field.PHONE) == Level.PHONE_DIFFERENT
        || level(Field.EMAIL) == Level.EMAIL_DIFFERENT;
  }

  private boolean isInitial() {
    Level given = level(Field.GIVEN);
    return given == Level.GIVEN_INITIAL || given == Level.GIVEN_MIDDLE_NAME;
  }

  private boolean middleAgrees() {
    Level middle = level(Field.MIDDLE);
    return middle == Level.MIDDLE_EXACT || middle == Level.MIDDLE_INITIAL;
  }

  private void doubtBirth(
      @Nullable Level birth, boolean givenAgrees, boolean familyAgrees, int own, int all) {
    if (birth == Level.BIRTH_DATE_EXACT) {
      return;
    }
    Level given = level(Field.GIVEN);
    if (birth == null) {
      boolean lastFour = level(Field.SSN) == Level.SSN_LAST_FOUR;
      boolean email = level(Field.EMAIL) == Level.EMAIL_EXACT && !contactDiffers();
      boolean typo = level(Field.FAMILY) == Level.FAMILY_TYPO;
      boolean more = own >= 1 && (middleAgrees() || all >= 3);
      // A slip in the surname of somebody at the same telephone, address and e-mail is one.
      boolean sameFamily = familyAgrees || (typo && all >= 3);
      boolean backed = own >= 2 || (sameFamily && all >= 2 && (lastFour || email || more));
      if (!(givenAgrees && (familyAgrees || typo) && backed)) {
        doubts.add(Doubt.BIRTH_DATE_MISSING);
      }
      return;
    }
    if (isAnotherDay(birth)) {
      // One of day and month is wrong, and nobody of one name and age lives in the same household.
      boolean madeUpFor =
          birth == Level.BIRTH_DATE_DAY_OR_MONTH
              && given == Level.GIVEN_EXACT
              && (familyAgrees || level(Field.FAMILY) == Level.FAMILY_TYPO)
              && all >= 2
              && (own >= 1 || middleAgrees());
      if (!madeUpFor) {
        doubts.add(Doubt.BIRTH_DATE_DIFFERS);
      }
      return;
    }
    int close = level(Field.EMAIL) == Level.EMAIL_CLOSE ? 1 : 0;
    boolean backed = all - close >= 2 || (own >= 1 && (close > 0 || !contactDiffers()));
    Level family = level(Field.FAMILY);
    // Nobody of one name, born a slip of the hand apart, lives in the same household.
    boolean exactly =
        given == Level.GIVEN_EXACT
            && (family == Level.FAMILY_EXACT ? own >= 1 : family == Level.FAMILY_TYPO && all >= 2);
    if (!exactly
        && !(givenAgrees && (familyAgrees ? backed : own >= 1 && all >= 2))
        && !((given == Level.GIVEN_TYPO || (given == Level.GIVEN_SAME_FORMAL && !twoNames))
            && familyAgrees
            && own >= 1
            && all >= 2)
        && !(given == Level.GIVEN_SWAPPED && all >= 2)) {
      doubts.add(Doubt.BIRTH_DATE_WEAK);
    }
  }

  private static boolean isAnotherDay(@Nullable Level birth) {
    return birth == Level.BIRTH_DATE_DIFFERENT
        || birth == Level.BIRTH_DATE_TWO_DIGITS
        || birth == Level.BIRTH_DATE_DAY_OR_MONTH
        || birth == Level.BIRTH_DATE_SAME_DAY_AND_MONTH;
  }

  private void doubtFamily(
      @Nullable Level family,
      boolean givenAgrees,
      boolean familyAgrees,
      boolean birthAgrees,
      int own,
      int all) {
    if (familyAgrees || family == Level.FAMILY_SWAPPED) {
      return;
    }
    boolean typo = family == Level.FAMILY_TYPO || (family == Level.FAMILY_SIMILAR && givenAgrees);
    boolean backed =
        all >= 2
            || (family == Level.FAMILY_TYPO && all >= 1)
            || level(Field.SSN) == Level.SSN_LAST_FOUR
            || (own >= 1 && middleAgrees());
    boolean solid = givenAgrees && birthAgrees && backed;
    boolean madeUpFor =
        typo
            ? own >= 2
                || (birthAgrees && all >= 2)
                || (givenAgrees && own >= 1 && all >= 2)
                || (family == Level.FAMILY_TYPO
                    && level(Field.GIVEN) == Level.GIVEN_EXACT
                    && all >= 2)
                || (family == Level.FAMILY_TYPO && isInitial() && birthAgrees && own >= 1)
            : birthAgrees
                && family == Level.FAMILY_DIFFERENT
                && (own >= 2 || (own >= 1 && all >= 2) || all >= 3)
                && level(Field.GIVEN) == Level.GIVEN_TYPO;
    if (!solid && !madeUpFor) {
      doubts.add(Doubt.SURNAME_DIFFERS);
    }
  }

  /**
   * Where nobody shares an address, whoever shares it and most of the rest has nobody to be but the
   * same person.
   */
  private void doubtWithoutHouseholds(
      @Nullable Level given,
      @Nullable Level family,
      @Nullable Level birth,
      boolean sameSsn,
      boolean samePlace) {
    boolean familyAlike = family != null && family != Level.FAMILY_DIFFERENT;
    boolean givenAlike = given != null && given != Level.GIVEN_DIFFERENT;
    boolean otherDay = isAnotherDay(birth);
    boolean birthAlike = birth != null && !otherDay;
    int support = (birthAlike ? 1 : 0) + (familyAlike ? 1 : 0) + (givenAlike ? 1 : 0);
    boolean place = samePlace || level(Field.ADDRESS) == Level.ADDRESS_PARTIAL;
    support += (place ? 1 : 0) + (sameSsn ? 2 : 0);
    boolean backed = (place || sameSsn) && support >= 2;
    if (given == null && !backed) {
      doubts.add(Doubt.GIVEN_NAME_MISSING);
    }
    if (given == Level.GIVEN_DIFFERENT && !backed) {
      doubts.add(Doubt.GIVEN_NAME_DIFFERS);
    }
    if (birth == null && !backed) {
      doubts.add(Doubt.BIRTH_DATE_MISSING);
    }
    if (otherDay && !backed) {
      doubts.add(Doubt.BIRTH_DATE_DIFFERS);
    }
  }
}
