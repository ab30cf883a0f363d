package org.pmslink.office;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Enrolment;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;

/** A new member as somebody types one, and what is wrong with it. */
public record Applicant(
    String number,
    String family,
    String given,
    String middle,
    String suffix,
    String birthDate,
    String phone,
    String email,
    String line1,
    String line2,
    String city,
    String state,
    String postalCode,
    String plan,
    String startsOn) {
  /** Nothing typed yet. */
  public static final Applicant EMPTY =
      new Applicant("", "", "", "", "", "", "", "", "", "", "", "", "", "", today());

  private static final int LONGEST = 100;
  private static final int LONGEST_NUMBER = 40;

  public Applicant {
    number = text(number);
    family = text(family);
    given = text(given);
    middle = text(middle);
    suffix = text(suffix);
    birthDate = text(birthDate);
    phone = text(phone);
    email = text(email);
    line1 = text(line1);
    line2 = text(line2);
    city = text(city);
    state = text(state);
    postalCode = text(postalCode);
    plan = text(plan);
    startsOn = text(startsOn);
  }

  private static String today() {
    return LocalDate.now().toString();
  }

  /** The plan that was chosen; what {@link #complaint} has no objection to. */
  Enrolment.@Nullable NewPlan newPlan() {
    return plan.isEmpty()
        ? null
        : new Enrolment.NewPlan(Long.parseLong(plan), LocalDate.parse(startsOn));
  }

  private static String text(@Nullable String typed) {
    return typed == null ? "" : typed.strip();
  }

  /** What a chart says of its person. */
  public static Applicant of(Person person) {
    Person.PersonName name = person.name();
    Person.PostalAddress address =
        person.address() == null
            ? new Person.PostalAddress(null, null, null, null, null)
            : person.address();
    return new Applicant(
        "",
        text(name.family()),
        text(name.given()),
        text(name.middle()),
        text(name.suffix()),
        person.birthDate() == null ? "" : person.birthDate().toString(),
        person.phones().stream()
            .sorted(
                Comparator.comparing(
                    p ->
                        p.use() == Person.PhoneUse.MOBILE
                            ? 0
                            : p.use() == Person.PhoneUse.HOME ? 1 : 2))
            .map(Person.Phone::e164)
            .findFirst()
            .orElse(""),
        person.emails().isEmpty() ? "" : person.emails().get(0),
        text(address.line1()),
        text(address.line2()),
        text(address.city()),
        text(address.state()),
        text(address.postalCode()),
        "",
        today());
  }

  /** What is missing or wrong, for whoever typed it; {@code null} for nothing. */
  public @Nullable String complaint() {
    if (family.isEmpty() || given.isEmpty()) {
      return "A member needs a first and a last name.";
    }
    if (birthDate.isEmpty()) {
      return "A member needs a birth date.";
    }
    try {
      LocalDate born = LocalDate.parse(birthDate);
      if (born.isAfter(LocalDate.now(ZoneOffset.UTC).plusDays(1)) || born.getYear() < 1900) {
        return "Nobody is born on that day; check the birth date.";
      }
    } catch (DateTimeException e) {
      return "The birth date is no day; write it like 1980-04-12.";
    }
    if (phone.isEmpty() && email.isEmpty()) {
      return "A member needs a telephone or an e-mail.";
    }
    if (number.length() > LONGEST_NUMBER || !number.matches("[A-Za-z0-9._-]*")) {
      return "A member number has letters, digits, dots and hyphens, at most "
          + LONGEST_NUMBER
          + ".";
    }
    if (!plan.isEmpty()) {
      try {
        newPlan();
      } catch (NumberFormatException | DateTimeException e) {
        return "Choose one of the plans, and the day it starts, like 2026-01-31.";
      }
    }
    for (String value :
        List.of(
            family, given, middle, suffix, phone, email, line1, line2, city, state, postalCode)) {
      if (value.length() > LONGEST || value.chars().anyMatch(Character::isISOControl)) {
        return "One of the fields has more than "
            + LONGEST
            + " characters, or some that cannot be typed.";
      }
    }
    return null;
  }

  /** Who that is. */
  public SourcePatient typed() {
    return SourcePatient.person(
        "",
        family,
        given,
        middle,
        suffix,
        null,
        birthDate,
        null,
        null,
        List.of(new SourcePatient.SourcePhone("mobile", phone)),
        email.isEmpty() ? List.of() : List.of(email),
        new SourcePatient.SourceAddress(line1, line2, city, state, postalCode, null),
        null);
  }
}
