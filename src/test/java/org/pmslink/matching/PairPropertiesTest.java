package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.BiConsumer;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.patient.Person;
import org.pmslink.patient.Person.Gender;

/** What holds for any two people, whatever the weights. */
class PairPropertiesTest {
  private static final MatchingRules RULES = MatchingRules.shipped();

  @Property
  void aComparisonIsSymmetric(@ForAll("people") People a, @ForAll("people") People b) {
    Person one = a.person();
    Person other = b.person();

    assertThat(compare(one, other)).isEqualTo(compare(other, one));
  }

  @Property
  void theExplanationSumsToTheScore(@ForAll("people") People a, @ForAll("people") People b) {
    Comparison comparison = compare(a.person(), b.person());

    double sum = comparison.prior();
    for (Evidence evidence : comparison.evidence()) {
      sum += evidence.weight();
    }
    assertThat(comparison.score()).isEqualTo(sum);
  }

  @Property
  void theQuickComparisonDecidesLikeTheFullOne(
      @ForAll("people") People a, @ForAll("people") People b) {
    Features one = Features.of(a.person());
    Features other = Features.of(b.person());
    PairScore score = new PairScore(RULES, population(a.person(), b.person()));
    score.compare(one, other);
    Grade quick = score.grade();
    score.compareFully(one, other);

    assertThat(quick).isEqualTo(score.grade());
  }

  @Property
  void noGivenNameIsNeverCertain(
      @ForAll("people") People a, @ForAll("people") People b, @ForAll boolean onBothSides) {
    alike(a, b);
    a.given = null;
    b.given = onBothSides ? null : b.given;
    a.ssn = null;

    assertThat(compare(a.person(), b.person()).grade()).isNotEqualTo(Grade.CERTAIN);
  }

  @Property
  void noBirthDateIsNeverCertainOnWhatAHouseholdShares(
      @ForAll("people") People a, @ForAll("people") People b) {
    alike(a, b);
    a.birth = null;
    a.ssn = null;
    a.phones = List.of();
    a.emails = List.of();

    assertThat(compare(a.person(), b.person()).grade()).isNotEqualTo(Grade.CERTAIN);
  }

  @Property
  void fromDifferentToEqualNeverLowersTheScore(
      @ForAll("people") People a, @ForAll("people") People b, @ForAll("fields") String field) {
    Comparison before = compare(a.person(), b.person());
    boolean different =
        before.evidence().stream()
            .anyMatch(e -> e.field().equals(field) && e.level().equals("different"));
    copy(field).accept(a, b);
    Comparison after = compare(a.person(), b.person());

    if (different) {
      assertThat(after.score()).isGreaterThanOrEqualTo(before.score());
    }
  }

  @Property
  void twinsAreNeverCertain(
      @ForAll("people") People a, @ForAll("twins") List<String> names, @ForAll boolean sameSex) {
    People twin = copyOf(a);
    a.given = names.get(0);
    twin.given = names.get(1);
    twin.sex = sameSex ? a.sex : Gender.MALE;
    a.ssn = null;

    assertThat(compare(a.person(), twin.person()).grade()).isNotEqualTo(Grade.CERTAIN);
  }

  @Property
  void seniorAndJuniorAreNeverCertain(
      @ForAll("people") People a, @ForAll boolean suffixOfSenior, @ForAll boolean suffixOfJunior) {
    People junior = copyOf(a);
    a.birth = java.time.LocalDate.parse("1951-03-04");
    junior.birth = java.time.LocalDate.parse("1979-11-20");
    a.suffix = suffixOfSenior ? "SR" : null;
    junior.suffix = suffixOfJunior ? "JR" : null;

    assertThat(compare(a.person(), junior.person()).grade()).isNotEqualTo(Grade.CERTAIN);
  }

  @Property
  void parentAndChildAreNeverCertain(@ForAll("people") People a, @ForAll("people") People b) {
    People child = copyOf(a);
    child.given = b.given;
    a.birth = java.time.LocalDate.parse("1981-05-17");
    child.birth = java.time.LocalDate.parse("2012-08-09");

    assertThat(compare(a.person(), child.person()).grade()).isNotEqualTo(Grade.CERTAIN);
  }

  @Property
  void spousesAreNeverCertain(@ForAll("people") People a) {
    People spouse = copyOf(a);
    a.given = "Robert";
    a.sex = Gender.MALE;
    spouse.given = "Patricia";
    spouse.sex = Gender.FEMALE;
    spouse.birth = java.time.LocalDate.parse("1983-01-30");

    assertThat(compare(a.person(), spouse.person()).grade()).isNotEqualTo(Grade.CERTAIN);
  }

  private static Comparison compare(Person one, Person other) {
    PairScore score = new PairScore(RULES, population(one, other));
    score.compareFully(Features.of(one), Features.of(other));
    return score.comparison();
  }

  private static Population population(Person one, Person other) {
    return new CountedPopulation(
        RULES, List.of(List.of(Features.of(one)), List.of(Features.of(other))));
  }

  /** Everything that two records of one household may have in common. */
  private static void alike(People a, People b) {
    b.family = a.family;
    b.given = a.given;
    b.birth = a.birth;
    b.sex = a.sex;
    b.phones = a.phones;
    b.emails = a.emails;
    b.address = a.address;
    b.suffix = a.suffix;
    b.middle = a.middle;
  }

  private static People copyOf(People a) {
    People copy = new People();
    alike(a, copy);
    return copy;
  }

  private static BiConsumer<People, People> copy(String field) {
    return switch (field) {
      case "given" -> (a, b) -> b.given = a.given;
      case "family" -> (a, b) -> b.family = a.family;
      case "middle" -> (a, b) -> b.middle = a.middle;
      case "birth_date" -> (a, b) -> b.birth = a.birth;
      case "sex" -> (a, b) -> b.sex = a.sex;
      case "phone" -> (a, b) -> b.phones = a.phones;
      case "email" -> (a, b) -> b.emails = a.emails;
      case "address" -> (a, b) -> b.address = a.address;
      default -> (a, b) -> b.ssn = a.ssn;
    };
  }

  @Provide
  Arbitrary<String> fields() {
    return Arbitraries.of(
        "given", "family", "middle", "birth_date", "sex", "phone", "email", "address", "ssn");
  }

  @Provide
  Arbitrary<List<String>> twins() {
    return Arbitraries.of(
        List.of("Jayden", "Jaden"),
        List.of("Maya", "Mia"),
        List.of("Emma", "Emily"),
        List.of("Gabriel", "Gabriella"),
        List.of("Daniel", "Danielle"),
        List.of("Aaron", "Adam"),
        List.of("Ethan", "Evan"),
        List.of("Madison", "Addison"));
  }

  @Provide
  Arbitrary<People> people() {
    Arbitrary<People> names =
        Combinators.combine(
                Arbitraries.of("Robert", "Bob", "Ann", "Anna", "Maria", "Jose", "Wei", "Lukke")
                    .injectNull(0.1),
                Arbitraries.of("Smith", "Smyth", "Zebrowski", "Lee-Park", "Park").injectNull(0.1),
                Arbitraries.of("A", "Ann", "Lee", "J").injectNull(0.5),
                Arbitraries.of("JR", "SR").injectNull(0.8))
            .as(
                (given, family, middle, suffix) ->
                    People.named(given, family).middle(middle).suffix(suffix));
    Arbitrary<String> births =
        Arbitraries.of(
                "1981-05-17", "1981-05-18", "1991-05-17", "1981-07-05", "1944-12-30", "2014-02-03")
            .injectNull(0.1);
    Arbitrary<String> ssns = Arbitraries.of("536220101", "536220102", "601337777").injectNull(0.6);
    Arbitrary<String> streets =
        Arbitraries.of("12 OAK ST", "14 OAK ST", "900 LAKE RD").injectNull(0.2);
    Arbitrary<List<String>> phones =
        Arbitraries.of("+16145550123", "+16145550199", "+17405550100").list().ofMaxSize(2);
    Arbitrary<List<String>> emails =
        Arbitraries.of("one@mail.example", "two@mail.example", "twoo@mail.example")
            .list()
            .ofMaxSize(1);
    return Combinators.combine(
            names, births, Arbitraries.of(Gender.class), ssns, streets, phones, emails)
        .as(
            (person, birth, sex, ssn, street, phone, email) ->
                person
                    .born(birth)
                    .sex(sex)
                    .ssn(ssn)
                    .livingAt(street)
                    .phone(phone.stream().distinct().toArray(String[]::new))
                    .email(email.toArray(String[]::new)));
  }
}
