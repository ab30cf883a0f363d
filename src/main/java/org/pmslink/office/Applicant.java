package org.pmslink.office;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Enrolment;
import org.pmslink.membership.Memberships;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;

/**
 * A new member as somebody types one, and what is wrong with it.
 *
 * @param gender female, male, other or unknown; empty when nobody says
 * @param prefilled {@link Person#fingerprint} of the chart of which everything was there to be
 *     corrected: what is empty then, somebody has emptied; empty when nothing was there
 */
public record Applicant(
    String number,
    String family,
    String given,
    String middle,
    String suffix,
    String preferred,
    String birthDate,
    String gender,
    String phoneMobile,
    String phoneHome,
    String phoneWork,
    String email,
    String line1,
    String line2,
    String city,
    String state,
    String postalCode,
    String plan,
    String startsOn,
    String status,
    String prefilled) {
  private static final int LONGEST = 100;
  private static final int LONGEST_NUMBER = 40;
  private static final int EARLIEST_YEAR = 1900;
  private static final Set<String> GENDERS = Set.of("", "female", "male", "other", "unknown");

  public Applicant {
    number = text(number);
    family = text(family);
    given = text(given);
    middle = text(middle);
    suffix = text(suffix);
    preferred = text(preferred);
    birthDate = text(birthDate);
    gender = text(gender);
    phoneMobile = text(phoneMobile);
    phoneHome = text(phoneHome);
    phoneWork = text(phoneWork);
    email = text(email);
    line1 = text(line1);
    line2 = text(line2);
    city = text(city);
    state = text(state);
    postalCode = text(postalCode);
    plan = text(plan);
    startsOn = text(startsOn);
    status = text(status);
    prefilled = text(prefilled);
  }

  /** What is asked for, and what it is called. */
  public enum Need {
    GIVEN("first name"),
    FAMILY("last name"),
    BIRTH_DATE("birth date"),
    CONTACT("telephone or e-mail"),
    STARTS_ON("day on which the plan starts");

    private final String words;

    Need(String words) {
      this.words = words;
    }
  }

  /** What is asked for and was not typed. */
  public Set<Need> missing() {
    Set<Need> missing = EnumSet.noneOf(Need.class);
    if (given.isEmpty()) {
      missing.add(Need.GIVEN);
    }
    if (family.isEmpty()) {
      missing.add(Need.FAMILY);
    }
    if (birthDate.isEmpty()) {
      missing.add(Need.BIRTH_DATE);
    }
    if (phones().isEmpty() && email.isEmpty()) {
      missing.add(Need.CONTACT);
    }
    if (!plan.isEmpty() && startsOn.isEmpty()) {
      missing.add(Need.STARTS_ON);
    }
    return missing;
  }

  /** Whether something that is asked for was not typed, by name: for pages. */
  public boolean lacks(String need) {
    return missing().contains(Need.valueOf(need));
  }

  /**
   * Nothing typed yet.
   *
   * @param today on which a plan begins as long as nobody says another day
   */
  public static Applicant empty(LocalDate today) {
    return new Applicant(
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        today.toString(),
        "",
        "");
  }

  /** The plan that was chosen; what {@link #complaint} has no objection to. */
  Enrolment.@Nullable NewPlan newPlan() {
    return plan.isEmpty()
        ? null
        : new Enrolment.NewPlan(
            Long.parseLong(plan), LocalDate.parse(startsOn), Memberships.Status.begun(status));
  }

  private static String text(@Nullable String typed) {
    return typed == null ? "" : typed.strip();
  }

  /** What a chart says of its person; as {@link #empty} otherwise. */
  public static Applicant of(Person person, LocalDate today) {
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
        text(name.preferred()),
        person.birthDate() == null ? "" : person.birthDate().toString(),
        person.gender() == Person.Gender.UNKNOWN
            ? ""
            : person.gender().name().toLowerCase(Locale.ROOT),
        phone(person, Person.PhoneUse.MOBILE),
        phone(person, Person.PhoneUse.HOME),
        phone(person, Person.PhoneUse.WORK),
        person.emails().isEmpty() ? "" : person.emails().get(0),
        text(address.line1()),
        text(address.line2()),
        text(address.city()),
        text(address.state()),
        text(address.postalCode()),
        "",
        today.toString(),
        "",
        person.fingerprint());
  }

  /** Whether it was filled in from a chart that says something else of its person now. */
  public boolean isOutdated(Person chart) {
    return !prefilled.isEmpty() && !prefilled.equals(chart.fingerprint());
  }

  /** What a chart says now in the place of what was filled in from it, with the plan as chosen. */
  public Applicant anew(Person chart, LocalDate today) {
    Applicant fresh = of(chart, today);
    return new Applicant(
        number,
        fresh.family,
        fresh.given,
        fresh.middle,
        fresh.suffix,
        fresh.preferred,
        fresh.birthDate,
        fresh.gender,
        fresh.phoneMobile,
        fresh.phoneHome,
        fresh.phoneWork,
        fresh.email,
        fresh.line1,
        fresh.line2,
        fresh.city,
        fresh.state,
        fresh.postalCode,
        plan,
        startsOn,
        status,
        fresh.prefilled);
  }

  private static String phone(Person person, Person.PhoneUse use) {
    return person.phones().stream()
        .filter(phone -> phone.use() == use)
        .map(Person.Phone::e164)
        .findFirst()
        .orElse("");
  }

  /** The telephones that were typed. */
  List<String> phones() {
    return Stream.of(phoneMobile, phoneHome, phoneWork).filter(p -> !p.isEmpty()).toList();
  }

  /** What is missing or wrong, for whoever typed it; {@code null} for nothing. */
  public @Nullable String complaint() {
    Set<Need> missing = missing();
    if (!missing.isEmpty()) {
      return missing.stream()
          .map(need -> need.words)
          .collect(Collectors.joining(", ", "Still needed: ", "."));
    }
    String day = complaintAboutBirthDate(birthDate);
    if (day != null) {
      return day;
    }
    if (!GENDERS.contains(gender)) {
      return "The sex is female, male, other or unknown, or left open.";
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
      } catch (IllegalArgumentException e) {
        return "A plan begins active or paused; choose one of them.";
      }
    }
    for (String value :
        List.of(
            family,
            given,
            middle,
            suffix,
            preferred,
            phoneMobile,
            phoneHome,
            phoneWork,
            email,
            line1,
            line2,
            city,
            state,
            postalCode)) {
      if (value.length() > LONGEST || value.chars().anyMatch(Character::isISOControl)) {
        return "One of the fields has more than "
            + LONGEST
            + " characters, or some that cannot be typed.";
      }
    }
    return null;
  }

  /** What is wrong with a birth date as typed; {@code null} for nothing. */
  static @Nullable String complaintAboutBirthDate(String typed) {
    try {
      LocalDate born = LocalDate.parse(typed);
      return born.isAfter(LocalDate.now(ZoneOffset.UTC).plusDays(1))
              || born.getYear() < EARLIEST_YEAR
          ? "Nobody is born on that day; check the birth date."
          : null;
    } catch (DateTimeException e) {
      return "The birth date is no day; write it like 1980-04-12.";
    }
  }

  /** Who that is. */
  public SourcePatient typed() {
    return SourcePatient.person(
        "",
        family,
        given,
        middle,
        suffix,
        preferred,
        birthDate,
        gender,
        null,
        List.of(
            new SourcePatient.SourcePhone("mobile", phoneMobile),
            new SourcePatient.SourcePhone("home", phoneHome),
            new SourcePatient.SourcePhone("work", phoneWork)),
        email.isEmpty() ? List.of() : List.of(email),
        new SourcePatient.SourceAddress(line1, line2, city, state, postalCode, null),
        null);
  }
}
