package org.pmslink.office;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Enrolment;
import org.pmslink.membership.Member;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.Memberships;
import org.pmslink.membership.RefusedException;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.TypedContact;

/**
 * A new member as somebody types one, and what is wrong with it. All values are without blanks
 * around them, and empty where nothing was typed.
 *
 * @param fields what was typed of the person; the gender is female, male, other or unknown
 * @param prefilled {@link Person#fingerprint} of the chart of which everything was there to be
 *     corrected: what is empty then, somebody has emptied; empty when nothing was there
 */
public record Applicant(
    String number,
    Map<Field, String> fields,
    String plan,
    String startsOn,
    String status,
    String prefilled) {
  private static final int LONGEST = 100;
  private static final int LONGEST_NUMBER = 40;
  private static final int EARLIEST_YEAR = 1900;
  private static final Set<String> GENDERS = Set.of("", "female", "male", "other", "unknown");

  public Applicant {
    number = number.strip();
    Map<Field, String> typed = new EnumMap<>(Field.class);
    fields.forEach((field, value) -> typed.put(field, value.strip()));
    fields = Collections.unmodifiableMap(typed);
    plan = plan.strip();
    startsOn = startsOn.strip();
    status = status.strip();
    prefilled = prefilled.strip();
  }

  /** What was typed into a field of the person. */
  public String get(Field field) {
    return fields.getOrDefault(field, "");
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
    if (get(Field.GIVEN).isEmpty()) {
      missing.add(Need.GIVEN);
    }
    if (get(Field.FAMILY).isEmpty()) {
      missing.add(Need.FAMILY);
    }
    if (get(Field.BIRTH_DATE).isEmpty()) {
      missing.add(Need.BIRTH_DATE);
    }
    if (phones().isEmpty() && get(Field.EMAIL).isEmpty()) {
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
    return new Applicant("", Map.of(), "", today.toString(), "", "");
  }

  /** The plan that was chosen; what {@link #complaint} has no objection to. */
  Enrolment.@Nullable NewPlan newPlan() {
    return plan.isEmpty()
        ? null
        : new Enrolment.NewPlan(
            Long.parseLong(plan), LocalDate.parse(startsOn), Memberships.Status.begun(status));
  }

  /** What a chart says of its person; as {@link #empty} otherwise. */
  public static Applicant of(Person person, LocalDate today) {
    Map<Field, String> fields = Member.contact(person);
    Person.PersonName name = person.name();
    put(fields, Field.FAMILY, name.family());
    put(fields, Field.GIVEN, name.given());
    put(fields, Field.MIDDLE, name.middle());
    put(fields, Field.SUFFIX, name.suffix());
    put(fields, Field.PREFERRED, name.preferred());
    if (person.birthDate() != null) {
      fields.put(Field.BIRTH_DATE, person.birthDate().toString());
    }
    if (person.gender() != Person.Gender.UNKNOWN) {
      fields.put(Field.GENDER, person.gender().name().toLowerCase(Locale.ROOT));
    }
    return new Applicant("", fields, "", today.toString(), "", person.fingerprint());
  }

  private static void put(Map<Field, String> fields, Field field, @Nullable String value) {
    if (value != null) {
      fields.put(field, value);
    }
  }

  /** Whether it was filled in from a chart that says something else of its person now. */
  public boolean isOutdated(Person chart) {
    return !prefilled.isEmpty() && !prefilled.equals(chart.fingerprint());
  }

  /** Fields that were filled in from a chart and left as they were. */
  Set<Field> leftAs(Person chart) {
    Set<Field> left = EnumSet.noneOf(Field.class);
    if (!prefilled.isEmpty()) {
      of(chart, LocalDate.EPOCH)
          .fields
          .forEach(
              (field, value) -> {
                if (value.equals(get(field))) {
                  left.add(field);
                }
              });
    }
    return left;
  }

  /** What a chart says now in the place of what was filled in from it, with the plan as chosen. */
  public Applicant anew(Person chart, LocalDate today) {
    Applicant fresh = of(chart, today);
    return new Applicant(number, fresh.fields, plan, startsOn, status, fresh.prefilled);
  }

  /** The telephones that were typed. */
  List<String> phones() {
    return Stream.of(Field.PHONE_MOBILE, Field.PHONE_HOME, Field.PHONE_WORK)
        .map(this::get)
        .filter(phone -> !phone.isEmpty())
        .toList();
  }

  /** What is missing or wrong, for whoever typed it; {@code null} for nothing. */
  public @Nullable String complaint() {
    Set<Need> missing = missing();
    if (!missing.isEmpty()) {
      return missing.stream()
          .map(need -> need.words)
          .collect(Collectors.joining(", ", "Still needed: ", "."));
    }
    String day = complaintAboutBirthDate(get(Field.BIRTH_DATE));
    if (day != null) {
      return day;
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
    for (String value : fields.values()) {
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

  /**
   * Refuses what cannot be meant, whether it is typed of a new member or of one that is changed.
   *
   * @param typed only what somebody types now: what stands there already keeps nobody from changing
   *     something else, however odd it is
   * @param state of the address, typed now or before
   */
  static void refuseWhatCannotBe(Map<Field, String> typed, String state)
      throws RefusedException.Typed {
    for (Map.Entry<Field, String> one : typed.entrySet()) {
      String value = one.getValue();
      String complaint =
          value.isEmpty()
              ? null
              : switch (one.getKey()) {
                case GENDER ->
                    GENDERS.contains(value)
                        ? null
                        : "The sex is female, male, other or unknown, or left open.";
                case PHONE_HOME, PHONE_MOBILE, PHONE_WORK ->
                    TypedContact.isPhone(value)
                        ? null
                        : "The telephone is no number that can be dialled; write it with its area"
                            + " code, like 614-228-1234, or with + and the country.";
                case EMAIL ->
                    TypedContact.isEmail(value)
                        ? null
                        : "The e-mail is no address; write one, like ann@example.com.";
                case POSTAL_CODE ->
                    TypedContact.isPostalCode(value, state)
                        ? null
                        : "The ZIP code has five digits, or nine; another country's needs its state"
                            + " or province, or none.";
                default -> null;
              };
      if (complaint != null) {
        throw new RefusedException.Typed(complaint, EnumSet.of(one.getKey()));
      }
    }
  }

  /** What was typed, but for what a chart says itself. */
  Map<Field, String> besides(@Nullable Person chart) {
    Map<Field, String> rest = new EnumMap<>(Field.class);
    rest.putAll(fields);
    if (chart != null) {
      rest.entrySet().removeAll(of(chart, LocalDate.EPOCH).fields.entrySet());
    }
    return rest;
  }

  /** Who that is. */
  public SourcePatient typed() {
    return SourcePatient.person(
        "",
        get(Field.FAMILY),
        get(Field.GIVEN),
        get(Field.MIDDLE),
        get(Field.SUFFIX),
        get(Field.PREFERRED),
        get(Field.BIRTH_DATE),
        get(Field.GENDER),
        null,
        List.of(
            new SourcePatient.SourcePhone("mobile", get(Field.PHONE_MOBILE)),
            new SourcePatient.SourcePhone("home", get(Field.PHONE_HOME)),
            new SourcePatient.SourcePhone("work", get(Field.PHONE_WORK))),
        get(Field.EMAIL).isEmpty() ? List.of() : List.of(get(Field.EMAIL)),
        new SourcePatient.SourceAddress(
            get(Field.LINE1),
            get(Field.LINE2),
            get(Field.CITY),
            get(Field.STATE),
            get(Field.POSTAL_CODE),
            null),
        null);
  }
}
