package org.pmslink.patient;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.patient.PatientRecord.Consent;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.Phone;
import org.pmslink.patient.Person.PhoneUse;
import org.pmslink.patient.SourcePatient.SourcePhone;

class PatientNormalizerTest {
  private static final ZoneId OFFICE = ZoneId.of("America/New_York");
  private static final Clock TODAY =
      Clock.fixed(Instant.parse("2026-06-15T12:00:00Z"), ZoneOffset.UTC);

  private final PatientNormalizer normalizer =
      new PatientNormalizer(nine -> "hash" + nine.hashCode(), TODAY);

  private PatientRecord normalized(String... fields) {
    return normalizer.normalize(Typed.patient(fields), OFFICE);
  }

  @Nested
  class Names {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "SMITH | Smith",
          "smith | Smith",
          "'  Smith   Jones ' | Smith Jones",
          "'Smith\u00a0' | Smith",
          "MCDONALD | McDonald",
          "mcdonald | McDonald",
          "MC LAUGHLIN | Mc Laughlin",
          "O'BRIEN | O'Brien",
          "O\u2019Brien | O'Brien",
          "o\u2019brien | O'Brien",
          "SMITH-JONES | Smith-Jones",
          "DE LA ROSA | De La Rosa",
          "NG | Ng",
          "S\u00c1NCHEZ | S\u00e1nchez",
          "deAngelo | deAngelo",
          "St. John | St John",
          "MACIAS | Macias",
        })
    void readsFamilyNames(String typed, String family) {
      PatientRecord record = normalized("given", "Ann", "family", typed);
      assertThat(record.person().name().family()).isEqualTo(family);
      assertThat(record.qualityFlags())
          .doesNotContain(QualityFlag.NAME_HAD_NOTE, QualityFlag.NAME_MISSING);
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "LOUTON JR. | Louton | JR",
          "Louton, Jr | Louton | JR",
          "Louton Sr | Louton | SR",
          "LOUTON III | Louton | III",
          "Louton II | Louton | II",
          "Louton IV | Louton | IV",
          "Louton V | Louton | V",
          "Louton (Jr) | Louton | JR",
        })
    void takesTheSuffixOutOfTheFamilyName(String typed, String family, String suffix) {
      PatientRecord record = normalized("given", "Ann", "family", typed);
      assertThat(record.person().name().family()).isEqualTo(family);
      assertThat(record.person().name().suffix()).isEqualTo(suffix);
      assertThat(record.qualityFlags()).contains(QualityFlag.NAME_HAD_SUFFIX);
    }

    @Test
    void takesTheSuffixOutOfTheGivenAndTheMiddleName() {
      assertThat(normalized("family", "Louton", "given", "Robert Jr").person().name().suffix())
          .isEqualTo("JR");
      var inMiddle = normalized("family", "Louton", "given", "Robert", "middle", "III");
      assertThat(inMiddle.person().name().suffix()).isEqualTo("III");
      assertThat(inMiddle.person().name().middle()).isNull();
    }

    @Test
    void takesALoneVBehindAGivenNameForAnInitial() {
      var name = normalized("family", "Louton", "given", "Robert V").person().name();
      assertThat(name.suffix()).isNull();
      assertThat(name.middle()).isEqualTo("V");
    }

    @Test
    void keepsAFamilyNameThatIsOnlyASuffixWord() {
      assertThat(normalized("given", "Ann", "family", "Junior").person().name().family())
          .isEqualTo("Junior");
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "SMITH**DO NOT CALL** | Smith",
          "Smith (DECEASED) | Smith",
          "Smith [inactive] | Smith",
          "Smith (nee Jones) | Smith",
          "*Smith | Smith",
          "**Smith** | Smith",
          "**VIP** Smith | Smith",
          "zzJones | Jones",
          "ZZ Jones | Jones",
          "zz-Jones | Jones",
          "Smith-DNU | Smith",
          "Smith DNU | Smith",
          "Smith - DO NOT USE | Smith",
          "SMITH JR. - MINOR | Smith",
          "Smith - new patient | Smith",
          "Smith DUPLICATE - USE 1234 | Smith",
          "DECEASED - Smith | Smith",
          "Smith 2 | Smith",
          "Smith MD | Smith",
        })
    void takesNotesOutOfTheFamilyName(String typed, String family) {
      PatientRecord record = normalized("given", "Ann", "family", typed);
      assertThat(record.person().name().family()).isEqualTo(family);
      assertThat(record.qualityFlags()).contains(QualityFlag.NAME_HAD_NOTE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"DUPLICATE - USE 1234", "**DO NOT USE**", "DO NOT USE", "???", "-"})
    void findsNoNameInANoteAlone(String typed) {
      PatientRecord record = normalized("given", "Ann", "family", typed);
      assertThat(record.person().name().family()).isNull();
      assertThat(record.qualityFlags()).contains(QualityFlag.NAME_MISSING);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"Dupree", "Donotello", "Old", "Useldinger", "Archuleta", "Noble", "See"})
    void takesNoRealNameForANote(String typed) {
      PatientRecord record = normalized("given", "Ann", "family", typed);
      assertThat(record.person().name().family()).isEqualTo(typed);
      assertThat(record.qualityFlags()).doesNotContain(QualityFlag.NAME_HAD_NOTE);
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "Robert \"Bob\" | Robert | Bob",
          "ROBERT \u201cBOB\u201d | Robert | Bob",
          "Robert (Bobby) | Robert | Bobby",
          "Robert [Bobby] | Robert | Bobby",
          "Robert (goes by Bob) | Robert | Bob",
          "Robert/Bob | Robert | Bob",
          "Robert (Bobby | Robert | Bobby",
        })
    void keepsTheNicknameAsPreferredName(String typed, String given, String preferred) {
      PatientRecord record = normalized("family", "Lee", "given", typed);
      assertThat(record.person().name().given()).isEqualTo(given);
      assertThat(record.person().name().preferred()).isEqualTo(preferred);
      assertThat(record.qualityFlags()).contains(QualityFlag.NAME_HAD_NICKNAME);
    }

    @Test
    void readsANicknameBetweenSingleQuotes() {
      var name = normalized("family", "Lee", "given", "Robert 'Bob'").person().name();
      assertThat(name.given()).isEqualTo("Robert");
      assertThat(name.preferred()).isEqualTo("Bob");
    }

    @Test
    void prefersThePreferredNameOfItsOwnField() {
      var name =
          normalized("family", "Lee", "given", "Robert (Bobby)", "preferred", "ROB")
              .person()
              .name();
      assertThat(name.preferred()).isEqualTo("Rob");
    }

    @Test
    void takesABracketedRemarkForANoteAndNoNickname() {
      PatientRecord record = normalized("family", "Lee", "given", "Robert (DECEASED)");
      assertThat(record.person().name().given()).isEqualTo("Robert");
      assertThat(record.person().name().preferred()).isNull();
      assertThat(record.qualityFlags()).containsOnlyOnce(QualityFlag.NAME_HAD_NOTE);
    }

    @Test
    void movesATrailingInitialToTheMiddleName() {
      var name = normalized("family", "Lee", "given", "MARY JO K.").person().name();
      assertThat(name.given()).isEqualTo("Mary Jo");
      assertThat(name.middle()).isEqualTo("K");
    }

    @Test
    void takesTheTitleOutOfTheGivenName() {
      var name = normalized("family", "Lee", "given", "Dr. Ann").person().name();
      assertThat(name.given()).isEqualTo("Ann");
      assertThat(name.prefix()).isEqualTo("Dr");
    }

    @Test
    void readsAWholeNameInTheFamilyField() {
      var name = normalized("family", "SMITH, ANN B").person().name();
      assertThat(name.family()).isEqualTo("Smith");
      assertThat(name.given()).isEqualTo("Ann");
      assertThat(name.middle()).isEqualTo("B");
    }

    @ParameterizedTest
    @CsvSource({"JD,JD", "TJ,TJ", "jo,Jo", "ED,Ed", "J.R.,JR", "j,J", "DE'ANDRE,De'Andre"})
    void readsShortGivenNames(String typed, String given) {
      assertThat(normalized("family", "Lee", "given", typed).person().name().given())
          .isEqualTo(given);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"Baby Boy", "BABY GIRL", "Baby Boy A", "Newborn", "Unknown", "N/A", "FNU"})
    void dropsAFillerForAGivenName(String typed) {
      PatientRecord record = normalized("family", "Lee", "given", typed);
      assertThat(record.person().name().given()).isNull();
      assertThat(record.qualityFlags()).contains(QualityFlag.NAME_MISSING);
    }

    @ParameterizedTest
    @CsvSource({
      "Test,Patient",
      "TEST,John",
      "Mouse,Mickey",
      "Smith,test",
      "zzTest,Ann",
      "ZZZ,ZZZ",
    })
    void flagsTestPatients(String family, String given) {
      assertThat(normalized("family", family, "given", given).qualityFlags())
          .contains(QualityFlag.TEST_PATIENT);
    }

    @ParameterizedTest
    @CsvSource({"Dental,Delta", "Cash,Petty", "'Implants Inc',", "Insurance,Guardian", "In,Walk"})
    void flagsWhatIsNoPerson(String family, String given) {
      assertThat(
              given == null
                  ? normalized("family", family).qualityFlags()
                  : normalized("family", family, "given", given).qualityFlags())
          .contains(QualityFlag.NOT_A_PERSON);
    }

    @ParameterizedTest
    @CsvSource({"Tester,John", "Testa,Maria", "Cash,Johnny", "Mickey,Ann", "Walker,Ann", "Lab,Ann"})
    void flagsNoRealNameAsTestOrThing(String family, String given) {
      assertThat(normalized("family", family, "given", given).qualityFlags())
          .doesNotContain(QualityFlag.TEST_PATIENT, QualityFlag.NOT_A_PERSON);
    }
  }

  @Nested
  class BirthDates {

    @ParameterizedTest
    @CsvSource({
      "0001-01-01,BIRTH_DATE_FILLER",
      "0000-00-00,BIRTH_DATE_FILLER",
      "1900-01-01,BIRTH_DATE_FILLER",
      "1753-01-01,BIRTH_DATE_FILLER",
      "1753-03-02,BIRTH_DATE_FILLER",
      "1899-12-30,BIRTH_DATE_FILLER",
      "2026-06-16,BIRTH_DATE_IMPOSSIBLE",
      "1905-06-14,BIRTH_DATE_IMPOSSIBLE",
      "2023-02-30,BIRTH_DATE_IMPOSSIBLE",
      "1980-13-01,BIRTH_DATE_IMPOSSIBLE",
      "yesterday,DATE_UNREADABLE",
      "03/04/1980,DATE_UNREADABLE",
      "'',BIRTH_DATE_MISSING",
    })
    void dropsWhatIsNoBirthDate(String typed, QualityFlag flag) {
      PatientRecord record = normalized("birthDate", typed);
      assertThat(record.person().birthDate()).isNull();
      assertThat(record.qualityFlags()).contains(flag);
    }

    @ParameterizedTest
    @CsvSource({
      "1980-03-04,1980-03-04",
      "1980-03-04T00:00:00,1980-03-04",
      "1980-03-04 00:00:00.0,1980-03-04",
      "19800304,1980-03-04",
      "2026-06-15,2026-06-15",
      "1906-06-15,1906-06-15",
    })
    void readsIsoDates(String typed, LocalDate date) {
      assertThat(normalized("birthDate", typed).person().birthDate()).isEqualTo(date);
    }
  }

  @Nested
  class Phones {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "6145550123",
          "(614)555-0123",
          "(614) 555-0123",
          "614.555.0123",
          "614/555-0123",
          "1-614-555-0123",
          "+16145550123",
          "614-555-0123 x12",
          "614-555-0123 ext. 4",
          "614-555-0123 (mom)",
          "cell 614 555 0123",
        })
    void readsUsNumbers(String typed) {
      PatientRecord record = normalized("mobile", typed);
      assertThat(record.person().phones())
          .containsExactly(new Phone(PhoneUse.MOBILE, "+16145550123"));
      assertThat(record.qualityFlags())
          .doesNotContain(QualityFlag.PHONE_UNREADABLE, QualityFlag.PHONE_FILLER);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "614-555-0123 / 614-555-0199",
          "614-555-0123; 614-555-0199",
          "614-555-0123 or 614-555-0199",
          "6145550123 6145550199",
          "(614) 555-0123 (614) 555-0199",
        })
    void splitsTwoNumbersInOneField(String typed) {
      assertThat(normalized("home", typed).person().phones())
          .extracting(Phone::e164)
          .containsExactly("+16145550123", "+16145550199");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "(555)555-5555",
          "000-000-0000",
          "9999999999",
          "614-000-0000",
          "123-456-7890",
          "999-9999",
          "614-555-5555",
          "1111111111",
        })
    void dropsFillers(String typed) {
      PatientRecord record = normalized("home", typed);
      assertThat(record.person().phones()).isEmpty();
      assertThat(record.qualityFlags()).contains(QualityFlag.PHONE_FILLER);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"see notes", "614", "(614)", "555-0123", "114-555-0123", "911-555-0123"})
    void dropsWhatCannotBeDialled(String typed) {
      PatientRecord record = normalized("home", typed);
      assertThat(record.person().phones()).isEmpty();
      assertThat(record.qualityFlags()).contains(QualityFlag.PHONE_UNREADABLE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(   )   -", "-", "", "  "})
    void takesAnEmptyMaskForNothing(String typed) {
      PatientRecord record = normalized("home", typed);
      assertThat(record.person().phones()).isEmpty();
      assertThat(record.qualityFlags())
          .doesNotContain(QualityFlag.PHONE_UNREADABLE, QualityFlag.PHONE_FILLER);
    }

    @Test
    void readsForeignNumbers() {
      assertThat(normalized("home", "+52 55 5025 1234").person().phones())
          .containsExactly(new Phone(PhoneUse.HOME, "+525550251234"));
      assertThat(normalized("home", "+44 20 7946 0958").person().phones())
          .containsExactly(new Phone(PhoneUse.HOME, "+442079460958"));
    }

    @Test
    void keepsANumberOfTwoFieldsOnceAsMobile() {
      assertThat(normalized("home", "614-555-0123", "mobile", "6145550123").person().phones())
          .containsExactly(new Phone(PhoneUse.MOBILE, "+16145550123"));
    }
  }

  @Nested
  class Emails {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "Bob@Smith.COM | bob@smith.com",
          "bob@smith.com. | bob@smith.com",
          "' bob@smith.com;' | bob@smith.com",
          "mailto:bob@smith.com | bob@smith.com",
          "Bob Smith <bob@smith.com> | bob@smith.com",
          "bob.o'neil+x@mail.smith.co.uk | bob.o'neil+x@mail.smith.co.uk",
        })
    void readsAddresses(String typed, String email) {
      PatientRecord record = normalized("email", typed);
      assertThat(record.person().emails()).containsExactly(email);
      assertThat(record.qualityFlags()).doesNotContain(QualityFlag.EMAIL_UNREADABLE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a@x.com;b@x.com", "a@x.com, b@x.com", "a@x.com b@x.com; A@X.com"})
    void splitsSeveral(String typed) {
      assertThat(normalized("email", typed).person().emails())
          .containsExactly("a@x.com", "b@x.com");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "none@none.com", "no@email.com", "declined@gmail.com", "noemail@noemail.com", "NONE",
          "n/a", "no email", "Declined", "refused@refused.com", "noemail@dentist.com",
          "test@test.com",
        })
    void dropsFillers(String typed) {
      PatientRecord record = normalized("email", typed);
      assertThat(record.person().emails()).isEmpty();
      assertThat(record.qualityFlags()).contains(QualityFlag.EMAIL_FILLER);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bob@", "bob@smith", "@smith.com", "bob smith", "b@@smith.com"})
    void dropsWhatIsNoAddress(String typed) {
      PatientRecord record = normalized("email", typed);
      assertThat(record.person().emails()).isEmpty();
      assertThat(record.qualityFlags()).contains(QualityFlag.EMAIL_UNREADABLE);
    }
  }

  @Nested
  class Addresses {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        nullValues = "-",
        value = {
          "12 North Main Street | - | 12 N MAIN ST | -",
          "12 N. Main St. | - | 12 N MAIN ST | -",
          "12 Main Street Northwest | - | 12 MAIN ST NW | -",
          "2103 West Gantz Blvd Apt 37 | - | 2103 W GANTZ BLVD | APT 37",
          "2103 W Gantz Boulevard, Apartment 37 | - | 2103 W GANTZ BLVD | APT 37",
          "2103 W Gantz Blvd | Apartment 37 | 2103 W GANTZ BLVD | APT 37",
          "7092 E Brinker Cir. | #40 | 7092 E BRINKER CIR | # 40",
          "12 Main St #4 | - | 12 MAIN ST | # 4",
          "12 Main St Suite 200 | - | 12 MAIN ST | STE 200",
          "12 Main St Apt 4 | APT 4 | 12 MAIN ST | APT 4",
          "APT 4 | 12 Main St | 12 MAIN ST | APT 4",
          "12 North St | - | 12 NORTH ST | -",
          "12 North Street | - | 12 NORTH ST | -",
          "12 St. Clair Avenue | - | 12 ST CLAIR AVE | -",
          "12 Lake Park Drive | - | 12 LAKE PARK DR | -",
          "P.O. Box 9865 | - | PO BOX 9865 | -",
          "PO Box 9865 | - | PO BOX 9865 | -",
          "Post Office Box 9865 | - | PO BOX 9865 | -",
          "1234 County Road 12 | - | 1234 COUNTY RD 12 | -",
          "c/o Jane Doe | 12 Main St | 12 MAIN ST | -",
          "c/o Jane Doe, 12 Main Street | - | 12 MAIN ST | -",
          "unknown | - | - | -",
        })
    void standardisesStreets(String line1, String line2, String street, String unit) {
      var address =
          line2 == null
              ? normalized("line1", line1, "city", "Columbus").person().address()
              : normalized("line1", line1, "line2", line2, "city", "Columbus").person().address();
      assertThat(requireNonNull(address).line1()).isEqualTo(street);
      assertThat(requireNonNull(address).line2()).isEqualTo(unit);
      assertThat(requireNonNull(address).city()).isEqualTo("COLUMBUS");
    }

    @ParameterizedTest
    @CsvSource({
      "Ohio,43065-7462,OH,43065",
      "OH,43065,OH,43065",
      "oh,430657462,OH,43065",
      "New York,10001,NY,10001",
      "N.Y.,10001,NY,10001",
      "MA,2134,MA,02134",
      "OH,4306,OH,",
      "OH,00000,OH,",
      "OH,4306?,OH,",
      "ON,K1A 0B1,ON,K1A 0B1",
    })
    void standardisesStateAndZip(String state, String zip, String code, String five) {
      var address = normalized("state", state, "zip", zip).person().address();
      assertThat(requireNonNull(address).state()).isEqualTo(code);
      assertThat(requireNonNull(address).postalCode()).isEqualTo(five);
    }

    @Test
    void hasNoAddressWhenNothingIsKnown() {
      assertThat(normalized("line1", " ", "country", "US").person().address()).isNull();
    }
  }

  @Nested
  class SocialSecurityNumbers {

    @ParameterizedTest
    @ValueSource(strings = {"536-22-1234", "536221234", "536 22 1234", " 536-22-1234 "})
    void keepsHashAndLastFour(String typed) {
      Person person = normalized("ssn", typed).person();
      assertThat(person.ssnHash()).isEqualTo("hash" + "536221234".hashCode());
      assertThat(person.ssnLast4()).isEqualTo("1234");
    }

    @Test
    void keepsTheNumberItselfNowhere() {
      assertThat(normalized("ssn", "536-22-1234").toString()).doesNotContain("53622", "536-22");
    }

    @ParameterizedTest
    @ValueSource(strings = {"XXX-XX-1234", "***-**-1234", "1234", "xxxxx1234"})
    void keepsLastFourOfAMask(String typed) {
      Person person = normalized("ssn", typed).person();
      assertThat(person.ssnHash()).isNull();
      assertThat(person.ssnLast4()).isEqualTo("1234");
    }

    @ParameterizedTest
    @CsvSource({
      "000-00-0000,SSN_FILLER",
      "999-99-9999,SSN_FILLER",
      "123-45-6789,SSN_FILLER",
      "111111111,SSN_FILLER",
      "XXX-XX-XXXX,SSN_FILLER",
      "0000,SSN_FILLER",
      "refused,SSN_FILLER",
      "53622123,SSN_UNREADABLE",
      "A1234567,SSN_UNREADABLE",
    })
    void dropsFillersAndRemarks(String typed, QualityFlag flag) {
      PatientRecord record = normalized("ssn", typed);
      assertThat(record.person().ssnHash()).isNull();
      assertThat(record.person().ssnLast4()).isNull();
      assertThat(record.qualityFlags()).contains(flag);
    }
  }

  @Nested
  class CodesAndTimes {

    @ParameterizedTest
    @CsvSource({"ACTIVE,ACTIVE", "deceased,DECEASED", "Non-Patient,NON_PATIENT"})
    void readsStatus(String typed, PatientStatus status) {
      PatientRecord record = normalized("status", typed);
      assertThat(record.status()).isEqualTo(status);
      assertThat(record.qualityFlags()).doesNotContain(QualityFlag.STATUS_UNKNOWN);
    }

    @Test
    void flagsUnknownCodesAndGoesOn() {
      PatientRecord record = normalized("status", "7", "gender", "Q", "consentSms", "maybe");
      assertThat(record.status()).isEqualTo(PatientStatus.UNKNOWN);
      assertThat(record.person().gender()).isEqualTo(Gender.UNKNOWN);
      assertThat(record.consentSms()).isEqualTo(Consent.UNKNOWN);
      assertThat(record.qualityFlags())
          .contains(QualityFlag.STATUS_UNKNOWN, QualityFlag.GENDER_UNKNOWN_CODE);
    }

    @ParameterizedTest
    @CsvSource({"Male,MALE", "FEMALE,FEMALE", "other,OTHER", "unknown,UNKNOWN", "F,FEMALE"})
    void readsGender(String typed, Gender gender) {
      PatientRecord record = normalized("gender", typed);
      assertThat(record.person().gender()).isEqualTo(gender);
      assertThat(record.qualityFlags()).doesNotContain(QualityFlag.GENDER_UNKNOWN_CODE);
    }

    @ParameterizedTest
    @CsvSource({
      "2026-03-01T10:00:00,2026-03-01T15:00:00Z",
      "2026-07-01 10:00:00,2026-07-01T14:00:00Z",
      "2026-07-01 10:00:00.123,2026-07-01T14:00:00.123Z",
      "2026-07-01T10:00:00Z,2026-07-01T10:00:00Z",
      "2026-07-01T10:00:00-07:00,2026-07-01T17:00:00Z",
      "2026-07-01,2026-07-01T04:00:00Z",
    })
    void readsLocalTimesInTheOfficesZone(String typed, Instant instant) {
      assertThat(normalized("modifiedAt", typed).sourceModifiedAt()).isEqualTo(instant);
    }

    @ParameterizedTest
    @ValueSource(strings = {"soon", "2026-07-01T25:00:00", "2026-07-01x", "12026-07-01"})
    void flagsUnreadableTimes(String typed) {
      PatientRecord record = normalized("modifiedAt", typed);
      assertThat(record.sourceModifiedAt()).isNull();
      assertThat(record.qualityFlags()).contains(QualityFlag.DATE_UNREADABLE);
    }

    @Test
    void takesASentinelForNoDate() {
      PatientRecord record =
          normalized("deceasedAt", "0001-01-01 00:00:00", "firstVisit", "0001-01-01");
      assertThat(record.deceasedAt()).isNull();
      assertThat(record.firstVisit()).isNull();
      assertThat(record.qualityFlags()).doesNotContain(QualityFlag.DATE_UNREADABLE);
    }
  }

  @Nested
  class ContentHash {

    @Test
    void ignoresOnlyTheChangeStamp() {
      PatientRecord before = normalized("family", "Lee", "modifiedAt", "2026-01-01T00:00:00");
      PatientRecord after = normalized("family", "Lee", "modifiedAt", "2026-02-01T00:00:00");
      assertThat(after.contentHash()).isEqualTo(before.contentHash()).matches("[0-9a-f]{64}");
    }

    @Test
    void changesWithEveryField() {
      List<String> hashes = new ArrayList<>();
      String[][] changes = {
        {},
        {"chartNumber", "1"},
        {"status", "ACTIVE"},
        {"mergedInto", "1"},
        {"family", "Lee"},
        {"given", "Lee"},
        {"middle", "Lee"},
        {"suffix", "Jr"},
        {"prefix", "Lee"},
        {"preferred", "Lee"},
        {"birthDate", "1980-01-02"},
        {"gender", "male"},
        {"ssn", "536221234"},
        {"ssn", "1234"},
        {"home", "6145550123"},
        {"work", "6145550123"},
        {"email", "a@b.com"},
        {"line1", "1 A St"},
        {"line2", "APT 1"},
        {"city", "A"},
        {"state", "OH"},
        {"zip", "43065"},
        {"guarantor", "1"},
        {"child", "true"},
        {"deceasedAt", "2020-01-02"},
        {"language", "eng"},
        {"consentSms", "yes"},
        {"consentEmail", "yes"},
        {"consentCall", "yes"},
        {"clinic", "1"},
        {"provider", "1"},
        {"firstVisit", "2020-01-02"},
        {"createdAt", "2020-01-02"},
        {"sourceId", "18"},
      };
      for (String[] change : changes) {
        hashes.add(normalized(change).contentHash());
      }
      assertThat(hashes).doesNotHaveDuplicates();
    }

    @Test
    void doesNotDependOnTheOrderOfTelephones() {
      assertThat(normalized("home", "614-555-0123 / 614-555-0199").contentHash())
          .isEqualTo(normalized("home", "614-555-0199 / 614-555-0123").contentHash());
    }

    @Test
    void tellsNeighbouringFieldsApart() {
      assertThat(normalized("clinic", "12", "provider", "3").contentHash())
          .isNotEqualTo(normalized("clinic", "1", "provider", "23").contentHash());
    }
  }

  @Test
  void removesWhatADatabaseCannotStore() {
    PatientRecord record = normalized("language", "e\u0000n\ud800g\u200b");
    assertThat(record.language()).isEqualTo("eng");
  }

  @Test
  void survivesNullsInLists() {
    SourcePatient withNulls =
        new SourcePatient(
            "1",
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            Arrays.asList(null, new SourcePhone(null, "6145550123"), new SourcePhone("cell", null)),
            Arrays.asList(null, "a@b.com"),
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null);
    Person person = normalizer.normalize(withNulls, OFFICE).person();
    assertThat(person.phones()).containsExactly(new Phone(PhoneUse.HOME, "+16145550123"));
    assertThat(person.emails()).containsExactly("a@b.com");
  }

  @Test
  void cleansAPersonWithoutAChartInTheSameWay() {
    SourcePatient typed =
        Typed.patient("family", "LOUTON JR.", "given", "ANN", "mobile", "614-555-0123");
    assertThat(normalizer.person(typed)).isEqualTo(normalizer.normalize(typed, OFFICE).person());
  }

  @Test
  void readsTheSameInAnyDefaultLocale() {
    Locale before = Locale.getDefault();
    PatientRecord expected = normalized("family", "ILIC", "status", "inactive", "city", "irvine");
    try {
      Locale.setDefault(Locale.forLanguageTag("tr-TR"));
      assertThat(normalized("family", "ILIC", "status", "inactive", "city", "irvine"))
          .isEqualTo(expected);
    } finally {
      Locale.setDefault(before);
    }
  }

  @Nested
  class Refuses {

    @ParameterizedTest
    @ValueSource(strings = {"", "  ", "\u00a0", "\u0000"})
    void aRecordWithoutAnId(String id) {
      assertThatThrownBy(() -> normalized("sourceId", id, "family", "Secretname"))
          .isInstanceOf(InvalidRecordException.class)
          .hasMessageContaining("sourceId")
          .hasMessageNotContaining("Secretname");
    }

    /** Repaired, it would be the id of another chart. */
    @ParameterizedTest
    @ValueSource(strings = {"1\u00007", "17\n", "1\t7", "1\u200b7", "1\ud8007", "Infinity", "NaN"})
    void anIdThatCannotBeKeptAsItIs(String id) {
      for (String field : List.of("sourceId", "mergedInto", "guarantor", "clinic", "provider")) {
        assertThatThrownBy(() -> normalized(field, id))
            .as(field)
            .isInstanceOf(InvalidRecordException.class)
            .hasMessageContaining(field)
            .hasMessageNotContaining(id);
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"family", "given", "language", "modifiedAt", "ssn", "line1", "email"})
    void anAbsurdlyLongField(String field) {
      String end = field.substring(field.length() - 3);
      assertThatThrownBy(() -> normalized(field, "y".repeat(10_001)))
          .isInstanceOf(InvalidRecordException.class)
          .hasMessageContaining(end)
          .hasMessageNotContaining("yyy");
    }
  }
}
