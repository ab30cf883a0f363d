package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision.Link;
import org.pmslink.matching.Decision.Review;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.Decision.Unmatched;
import org.pmslink.matching.Decision.UnmatchedReason;
import org.pmslink.matching.Matcher.Candidate;
import org.pmslink.matching.Matcher.Match;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.pmslink.patient.Typed;

class CautiousMatcherTest {
  private static final PatientNormalizer NORMALIZER =
      new PatientNormalizer(nine -> "hash" + nine.hashCode());
  private static final String[] ANN = {
    "given",
    "Ann",
    "family",
    "Zebrowski",
    "birthDate",
    "1980-03-04",
    "gender",
    "female",
    "mobile",
    "614-555-0123",
    "email",
    "ann@mail.example",
    "line1",
    "12 N Main St",
    "city",
    "Columbus",
    "state",
    "OH",
    "zip",
    "43065",
    "ssn",
    "536-22-1234",
  };

  private final Matcher matcher = new CautiousMatcher();

  /** Ann with some fields changed; {@code ""} takes a field away. */
  private static Person ann(String... changes) {
    String[] fields = new String[ANN.length + changes.length];
    System.arraycopy(ANN, 0, fields, 0, ANN.length);
    System.arraycopy(changes, 0, fields, ANN.length, changes.length);
    return NORMALIZER.person(Typed.patient(fields));
  }

  /** Ann as above, of whom only name, birth date and telephone are known. */
  private static Person briefly(String... changes) {
    String[] all = new String[changes.length + 12];
    String[] without = {
      "email", "", "ssn", "", "line1", "", "city", "", "zip", "", "gender", "",
    };
    System.arraycopy(without, 0, all, 0, 12);
    System.arraycopy(changes, 0, all, 12, changes.length);
    return ann(all);
  }

  private Grade grade(Person a, Person b) {
    return matcher.compare(a, b).grade();
  }

  private Decision decide(Person subject, List<Person> candidates, List<Person> rivals) {
    return matcher.decide(
        new Candidate(1, subject), numbered(100, candidates), member -> numbered(200, rivals));
  }

  private static List<Candidate> numbered(long first, List<Person> people) {
    List<Candidate> numbered = new ArrayList<>();
    for (Person person : people) {
      numbered.add(new Candidate(first + numbered.size(), person));
    }
    return numbered;
  }

  @Nested
  class IsCertain {

    @ParameterizedTest
    @CsvSource({
      "mobile,614-555-0123",
      "email,ANN@mail.example",
      "ssn,536221234",
      "ssn,1234",
    })
    void ofNameAndBirthDateWithOneContact(String field, String value) {
      assertThat(grade(ann(), briefly("mobile", "", field, value))).isEqualTo(Grade.CERTAIN);
    }

    @Test
    void ofNameAndBirthDateAtOneAddress() {
      Person moved =
          briefly("mobile", "", "line1", "12 North Main Street #4", "city", "X", "zip", "43065");
      assertThat(grade(ann(), moved)).isEqualTo(Grade.CERTAIN);
    }

    @ParameterizedTest
    @CsvSource({
      "Robert,Bob",
      "Bob,Robert",
      "José,JOSE",
      "Mary Ann,Maryann",
      "Robert \"Buzz\",Buzz",
      "William,Bill",
    })
    void ofGivenNamesThatStandForOneAnother(String one, String other) {
      assertThat(grade(ann("given", one), ann("given", other))).isEqualTo(Grade.CERTAIN);
    }

    @ParameterizedTest
    @CsvSource({"O'Brien,OBRIEN", "Mc Laughlin,McLaughlin", "Smith-Lee,Smith Lee", "Núñez,Nunez"})
    void ofSurnamesThatDifferInWritingOnly(String one, String other) {
      assertThat(grade(ann("family", one), ann("family", other))).isEqualTo(Grade.CERTAIN);
    }

    @Test
    void whereAMiddleNameFitsItsInitial() {
      assertThat(grade(ann("middle", "Louise"), ann("middle", "L."))).isEqualTo(Grade.CERTAIN);
    }

    @Test
    void evenWhenEverythingElseHasChanged() {
      Person moved =
          ann("email", "new@mail.example", "line1", "9 Elm Ct", "zip", "10001", "ssn", "");
      assertThat(grade(ann(), moved)).isEqualTo(Grade.CERTAIN);
    }
  }

  @Nested
  class IsForAPerson {

    @ParameterizedTest
    @CsvSource({
      "given,Anne-Marie",
      "given,Anne",
      "given,A",
      "family,Zebrowsky",
      "family,Miller",
      "family,Zebrowski-Miller",
      "birthDate,1980-03-05",
      "birthDate,1980-04-03",
      "birthDate,1990-03-04",
      "birthDate,''",
      "birthDate,1900-01-01",
      "gender,male",
      "ssn,536-22-9876",
      "mobile,''",
    })
    void whenOneThingIsOff(String field, String value) {
      Person other =
          field.equals("ssn") || field.equals("gender") ? ann(field, value) : briefly(field, value);
      assertThat(grade(ann("suffix", ""), other)).isIn(Grade.PROBABLE, Grade.POSSIBLE);
    }

    @Test
    void whenTheSuffixDiffers() {
      assertThat(grade(ann("suffix", "Jr"), ann("suffix", "Sr")))
          .isIn(Grade.PROBABLE, Grade.POSSIBLE);
    }

    @Test
    void whenMiddleNamesDiffer() {
      assertThat(grade(ann("middle", "Louise"), ann("middle", "Marie"))).isEqualTo(Grade.PROBABLE);
    }

    @Test
    void whenTwoNicknamesShareAFormalName() {
      assertThat(grade(ann("given", "Bob"), ann("given", "Rob"))).isEqualTo(Grade.PROBABLE);
    }

    @Test
    void whenGivenAndFamilyNameAreExchanged() {
      assertThat(grade(ann(), ann("given", "Zebrowski", "family", "Ann")))
          .isEqualTo(Grade.PROBABLE);
    }

    @Test
    void whenTheMiddleNameIsUsedAsGivenName() {
      assertThat(grade(ann("middle", "Louise"), ann("given", "Louise"))).isEqualTo(Grade.PROBABLE);
    }

    @Test
    void whenTheGivenNameHasASlip() {
      assertThat(grade(ann("given", "Madison"), ann("given", "Madisob"))).isEqualTo(Grade.PROBABLE);
      assertThat(grade(briefly("given", "Madison"), briefly("given", "Madisob")))
          .isEqualTo(Grade.POSSIBLE);
    }

    @Test
    void whenTwinsDifferByALetter() {
      assertThat(grade(briefly("given", "Jayden"), briefly("given", "Jaden")))
          .isEqualTo(Grade.POSSIBLE);
    }
  }

  @Nested
  class IsNobodyElse {

    @ParameterizedTest
    @CsvSource({
      "Peter,1978-01-09", // spouse
      "Emma,2010-05-06", // child
      "Emma,1980-03-04", // twin
      "Kayden,1980-03-04", // twin
      "Ann,2006-05-06", // daughter of the same name
    })
    void ofTheSameHousehold(String given, String birthDate) {
      Person relative =
          briefly("given", given, "birthDate", birthDate, "email", "ann@mail.example");
      Person base = given.equals("Kayden") ? briefly("given", "Jayden") : briefly();
      assertThat(grade(base, relative)).isEqualTo(Grade.CERTAINLY_NOT);
    }

    @Test
    void ofTheSameNameElsewhere() {
      Person namesake = briefly("mobile", "937-555-0199", "birthDate", "1975-11-30");
      assertThat(grade(ann(), namesake)).isEqualTo(Grade.CERTAINLY_NOT);
    }

    @Test
    void ofTheSameGivenNameAndBirthDateAlone() {
      Person stranger = briefly("mobile", "937-555-0199", "family", "Miller");
      assertThat(grade(ann(), stranger)).isEqualTo(Grade.CERTAINLY_NOT);
    }

    @Test
    void ofWhomNothingIsKnown() {
      Person nobody = NORMALIZER.person(Typed.patient());
      assertThat(grade(nobody, nobody)).isEqualTo(Grade.CERTAINLY_NOT);
      assertThat(matcher.blockingKeys(nobody)).isEmpty();
    }
  }

  @Nested
  class Decides {

    @Test
    void toLinkTheOnlyCertainCandidate() {
      Decision decision = decide(ann(), List.of(ann(), briefly("given", "Peter")), List.of());
      assertThat(decision).isInstanceOf(Link.class);
      assertThat(((Link) decision).match().candidateId()).isEqualTo(100);
    }

    @Test
    void toAskWhenAMemberIsThereTwice() {
      assertReview(
          ReviewReason.SEVERAL_CANDIDATES, decide(ann(), List.of(ann(), ann()), List.of()));
    }

    @Test
    void toAskWhenASecondCandidateIsLikely() {
      Person noBirthDate = ann("birthDate", "");
      assertReview(
          ReviewReason.SEVERAL_CANDIDATES, decide(ann(), List.of(ann(), noBirthDate), List.of()));
    }

    @Test
    void toAskWhenAnotherChartIsAsCertain() {
      assertReview(ReviewReason.CLAIMED_TWICE, decide(ann(), List.of(ann()), List.of(ann())));
    }

    @Test
    void toAskWhenALikelyChartIsNearlyAsGood() {
      Person rival = ann("family", "Zebrowsky");
      assertReview(ReviewReason.CLAIMED_TWICE, decide(ann(), List.of(ann()), List.of(rival)));
    }

    @Test
    void toLinkWhenALikelyChartIsFarBehind() {
      Person rival = briefly("birthDate", "");
      assertThat(decide(ann(), List.of(ann()), List.of(rival))).isInstanceOf(Link.class);
    }

    @Test
    void toAskWhenTheSuffixIsInDoubtAndANamesakeIsNear() {
      Person senior = briefly("suffix", "Sr", "birthDate", "");
      assertReview(
          ReviewReason.CLAIMED_TWICE,
          decide(ann(), List.of(ann("suffix", "Jr")), List.of(briefly("birthDate", "1981-03-04"))));
      assertThat(decide(ann("suffix", "Jr"), List.of(ann("suffix", "Jr")), List.of(senior)))
          .isInstanceOf(Link.class);
    }

    @Test
    void toAskWhenNothingIsCertain() {
      assertReview(
          ReviewReason.NOT_CERTAIN, decide(ann(), List.of(ann("family", "Miller")), List.of()));
    }

    @Test
    void thatNobodyIsLikeThis() {
      assertThat(
              decide(
                  ann(),
                  List.of(ann("given", "Peter", "birthDate", "1978-01-09", "ssn", "")),
                  List.of()))
          .isEqualTo(new Unmatched(UnmatchedReason.NONE_SIMILAR));
      assertThat(decide(ann(), List.of(), List.of()))
          .isEqualTo(new Unmatched(UnmatchedReason.NO_CANDIDATE));
      assertThat(decide(NORMALIZER.person(Typed.patient("given", "Ann")), List.of(), List.of()))
          .isEqualTo(new Unmatched(UnmatchedReason.TOO_LITTLE_KNOWN));
    }

    @Test
    void theSameInAnyOrder() {
      List<Candidate> candidates =
          new ArrayList<>(
              numbered(
                  100, List.of(ann(), ann("family", "Miller"), ann("birthDate", ""), briefly())));
      Decision first = matcher.decide(new Candidate(1, ann()), candidates, c -> List.of());
      Random random = new Random(7);
      for (int i = 0; i < 20; i++) {
        Collections.shuffle(candidates, random);
        assertThat(matcher.decide(new Candidate(1, ann()), candidates, c -> List.of()))
            .isEqualTo(first);
      }
    }

    private void assertReview(ReviewReason reason, Decision decision) {
      assertThat(decision).isInstanceOf(Review.class);
      Review review = (Review) decision;
      assertThat(review.reason()).isEqualTo(reason);
      assertThat(review.shortlist())
          .isNotEmpty()
          .isEqualTo(Matcher.ranked(review.shortlist()))
          .extracting(Match::comparison)
          .extracting(Comparison::grade)
          .doesNotContain(Grade.CERTAINLY_NOT);
    }
  }

  @Nested
  class Files {

    @ParameterizedTest
    @CsvSource({
      // name and birth date, all else changed
      "Ann,Zebrowski,1980-03-04,,,,",
      "Ann,Zebrowski,1980-03-04,,,10001,9999",
      // name and telephone, or e-mail
      "Ann,Zebrowski,,614-555-0123,,,",
      "Annie,Miller,1950-01-02,614-555-0123,,,",
      "Ann,Zebrowski,,,ann@mail.example,,",
      // surname, birth date and zip; given name another
      "Zoe,Zebrowski,1980-03-04,,,43065,",
      // given name, birth date and contact; surname another
      "Ann,Miller,1980-03-04,614-555-0123,,,",
      "Ann,Miller,1980-03-04,,ann@mail.example,,",
      // a part of a double surname, and both names exchanged
      "Zoe,Zebrowski-Miller,1980-03-04,,,,",
      "Zebrowski,Ann,1980-03-04,,,,",
      // SSN
      "Zoe,Miller,1980-03-04,,,,1234",
      "Ann,Zebrowski,1950-01-02,,,,1234",
      // no birth date and no contact
      "Ann,Zebrowski,,,,43065,",
    })
    void underAKeyThatFindsTheRecordAgain(
        String given,
        String family,
        String birth,
        String phone,
        String email,
        String zip,
        String ssn) {
      Person changed =
          NORMALIZER.person(
              Typed.patient(
                  "given",
                  text(given),
                  "family",
                  text(family),
                  "birthDate",
                  text(birth),
                  "mobile",
                  text(phone),
                  "email",
                  text(email),
                  "zip",
                  text(zip),
                  "ssn",
                  text(ssn)));
      Set<Long> shared = new HashSet<>(matcher.blockingKeys(ann()));
      shared.retainAll(matcher.blockingKeys(changed));
      assertThat(shared).isNotEmpty();
    }

    private static String text(@Nullable String value) {
      return value == null ? "" : value;
    }

    @Test
    void nicknamesUnderTheFormalName() {
      assertThat(matcher.blockingKeys(briefly("given", "Robert", "family", "A")))
          .containsAnyElementsOf(
              matcher.blockingKeys(briefly("given", "Bob", "family", "B", "mobile", "")));
    }

    @Test
    void spousesApart() {
      assertThat(matcher.blockingKeys(briefly("given", "Peter", "birthDate", "1978-01-09")))
          .doesNotContainAnyElementsOf(matcher.blockingKeys(briefly()));
    }

    @Test
    void underFewAndStableKeys() {
      assertThat(matcher.blockingKeys(ann())).hasSizeLessThanOrEqualTo(8);
      assertThat(matcher.blockingKeys(briefly("mobile", "")))
          .isEqualTo(matcher.blockingKeys(briefly("mobile", "")))
          .hasSize(2);
    }
  }

  @Test
  void addsUpItsEvidence() {
    Comparison comparison = matcher.compare(ann(), ann("family", "Miller", "email", ""));
    double sum =
        comparison.evidence().stream().mapToDouble(Evidence::weight).sum() + comparison.prior();
    assertThat(comparison.score()).isCloseTo(sum, within(1e-9));
    assertThat(comparison.evidence())
        .contains(new Evidence("email", "missing", 0))
        .extracting(Evidence::field)
        .doesNotHaveDuplicates();
  }

  @Test
  void comparesAlikeInBothDirections() {
    Random random = new Random(42);
    List<Person> people = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      people.add(someone(random));
    }
    for (Person a : people) {
      for (Person b : people) {
        assertThat(matcher.compare(a, b)).isEqualTo(matcher.compare(b, a));
      }
    }
  }

  @Test
  void sharesAKeyWithWhomeverItWouldLink() {
    Random random = new Random(43);
    List<Person> people = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      people.add(someone(random));
    }
    for (Person a : people) {
      for (Person b : people) {
        if (grade(a, b) == Grade.CERTAIN) {
          assertThat(matcher.blockingKeys(a)).containsAnyElementsOf(matcher.blockingKeys(b));
        }
      }
    }
  }

  /** Somebody of a small world, so that many agree in part. */
  private static Person someone(Random random) {
    return NORMALIZER.person(
        Typed.patient(
            "given",
                oneOf(
                    random, "Robert", "Bob", "Rob", "R", "Mary Ann", "Mary", "Jayden", "Jaden", ""),
            "middle", oneOf(random, "", "", "Ann", "A", "Lee"),
            "preferred", oneOf(random, "", "", "Bob", "Jay"),
            "family", oneOf(random, "Smith", "Smith-Lee", "Lee", "Smyth", "Robert", ""),
            "suffix", oneOf(random, "", "", "Jr", "Sr"),
            "birthDate", oneOf(random, "1980-03-04", "1980-04-03", "1990-03-04", "2005-01-01", ""),
            "gender", oneOf(random, "male", "female", ""),
            "mobile", oneOf(random, "614-555-0123", "614-555-0124", ""),
            "email", oneOf(random, "a@b.example", "c@d.example", ""),
            "ssn", oneOf(random, "", "536221234", "1234", "536229876"),
            "line1", oneOf(random, "12 Main St", "12 Mian St", "PO Box 4", ""),
            "city", oneOf(random, "Columbus", ""),
            "zip", oneOf(random, "43065", "43066", "")));
  }

  private static String oneOf(Random random, String... choices) {
    return choices[random.nextInt(choices.length)];
  }
}
