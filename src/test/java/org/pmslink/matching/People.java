package org.pmslink.matching;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.Person;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.PersonName;
import org.pmslink.patient.Person.Phone;
import org.pmslink.patient.Person.PhoneUse;
import org.pmslink.patient.Person.PostalAddress;

/** A person for a test, made field by field; what is not said is missing. */
final class People {
  @Nullable String family;
  @Nullable String given;
  @Nullable String middle;
  @Nullable String suffix;
  @Nullable LocalDate birth;
  Gender sex = Gender.UNKNOWN;
  @Nullable String ssn;
  List<String> phones = new ArrayList<>();
  List<String> emails = new ArrayList<>();
  @Nullable PostalAddress address;

  static People named(@Nullable String given, @Nullable String family) {
    People one = new People();
    one.given = given;
    one.family = family;
    return one;
  }

  /** Everything about somebody, so that a test takes away or changes what it is about. */
  static People complete(String given, String family) {
    return named(given, family)
        .born("1981-05-17")
        .sex(Gender.FEMALE)
        .phone("+16145550123")
        .email(given.toLowerCase(java.util.Locale.ROOT) + "@mail.example")
        .livingAt("12 OAK ST");
  }

  People born(@Nullable String date) {
    birth = date == null ? null : LocalDate.parse(date);
    return this;
  }

  People sex(Gender gender) {
    sex = gender;
    return this;
  }

  People suffix(@Nullable String text) {
    suffix = text;
    return this;
  }

  People middle(@Nullable String text) {
    middle = text;
    return this;
  }

  People ssn(@Nullable String nine) {
    ssn = nine;
    return this;
  }

  People phone(String... e164) {
    phones = List.of(e164);
    return this;
  }

  People email(String... addresses) {
    emails = List.of(addresses);
    return this;
  }

  People livingAt(@Nullable String line1) {
    address = line1 == null ? null : new PostalAddress(line1, null, "COLUMBUS", "OH", "43065");
    return this;
  }

  Person person() {
    return new Person(
        new PersonName(family, given, middle, suffix, null, null),
        birth,
        sex,
        ssn == null ? null : "hash of " + ssn,
        ssn == null ? null : ssn.substring(5),
        phones.stream().map(phone -> new Phone(PhoneUse.MOBILE, phone)).toList(),
        emails,
        address,
        null);
  }
}
