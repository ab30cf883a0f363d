package org.pmslink.patient;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDate;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.PersonName;
import org.pmslink.patient.Person.Phone;
import org.pmslink.patient.Person.PhoneUse;

class PersonTest {
  private static final Phone HOME = new Phone(PhoneUse.HOME, "+16142280001");
  private static final Phone MOBILE = new Phone(PhoneUse.MOBILE, "+16142280002");

  private static Person person(String given, List<Phone> phones, String guarantor) {
    return new Person(
        new PersonName("Okonkwo", given, null, null, null, null),
        LocalDate.of(2015, 4, 3),
        Gender.MALE,
        null,
        null,
        phones,
        List.of(),
        null,
        guarantor);
  }

  @Test
  void aFingerprintIsOfWhoSomebodyIsAndNotOfWhoPaysOrInWhichOrderThePmsAnswers() {
    String seen = person("Jayden", List.of(HOME, MOBILE), "17").fingerprint();

    assertThat(person("Jayden", List.of(MOBILE, HOME), "18").fingerprint()).isEqualTo(seen);
    assertThat(person("Jayden", List.of(MOBILE), "17").fingerprint()).isNotEqualTo(seen);
    assertThat(person("Jaden", List.of(HOME, MOBILE), "17").fingerprint()).isNotEqualTo(seen);
  }

  @Test
  void aNewTelephoneLeavesTheOwnNameWhatItWas() {
    String seen = person("Jayden", List.of(HOME), "17").fingerprint();

    assertThat(person("JAYDEN", List.of(MOBILE), "17").hasOwnNameOf(seen)).isTrue();
    assertThat(person("Jaden", List.of(HOME), "17").hasOwnNameOf(seen)).isFalse();
  }
}
