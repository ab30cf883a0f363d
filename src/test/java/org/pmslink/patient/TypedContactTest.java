package org.pmslink.patient;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What people type of themselves is taken, and what reaches nobody is not. */
class TypedContactTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "614-228-1234",
        "(614) 228-1234 x12",
        "1 614 228 1234",
        "+1 614 228 1234",
        "+43 1 58858-0",
        "+44 (0)20 7946 0958",
        "+678 22200",
        "011 44 20 7946 0958"
      })
  void telephones(String typed) {
    assertThat(TypedContact.isPhone(typed)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "12",
        "call me",
        "228-1234",
        "000-000-0000",
        "+1 2",
        "+43",
        "+1 911 228 1234 call"
      })
  void noTelephones(String typed) {
    assertThat(TypedContact.isPhone(typed)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "ann@example.com,true",
    "Ann.O'Hara+x@mail.Example.co.uk,true",
    "nobody,false",
    "x@y,false",
    "@example.com,false",
    "a b@example.com,false",
    "a@b.com; c@d.com,false"
  })
  void emails(String typed, boolean address) {
    assertThat(TypedContact.isEmail(typed)).isEqualTo(address);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "43215 | OH | true",
        "43215-1234 | Ohio | true",
        "43215 | '' | true",
        "zip | OH | false",
        "zip | '' | false",
        "432 | ohio | false",
        "SW1A 1AA | OH | false",
        "SW1A 1AA | '' | true",
        "HM EX | Pembroke | true",
        "K1A 0B6 | ON | true"
      })
  void postalCodes(String typed, String state, boolean code) {
    assertThat(TypedContact.isPostalCode(typed, state)).isEqualTo(code);
  }
}
