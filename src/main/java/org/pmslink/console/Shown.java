package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Visit;
import org.pmslink.membership.Member;
import org.pmslink.membership.Worklists;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.Person;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/**
 * How values look on a page; pages know it as {@code @shown}. Times are shown as the clock in the
 * office of the practice shows them whose page it is.
 */
@Component("shown")
class Shown {
  private static final String ZONE = Shown.class.getName() + ".zone";
  private static final ZoneId NO_PRACTICE = ZoneId.of("UTC");

  /** With the zone's short name, which tells summer time from winter time: EDT, EST. */
  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm z", Locale.US);

  /** The same for a day of any season: ET. */
  private static final DateTimeFormatter ZONE_NAME = DateTimeFormatter.ofPattern("v", Locale.US);

  private static final DateTimeFormatter DAY =
      DateTimeFormatter.ofPattern("MM/dd/yyyy", Locale.ROOT);
  private static final int US_DIGITS = 11;
  private static final Pattern NUMBER_ALONE = Pattern.compile("[+0-9 ().-]*");

  private final Practices practices;

  Shown(Practices practices) {
    this.practices = practices;
  }

  /** A time to the minute. */
  public String at(@Nullable Instant at) {
    return at == null ? "" : MINUTE.format(at.atZone(zone()));
  }

  /** What the zone is called in which days begin, for a form that asks for one. */
  public String zoneName() {
    return ZONE_NAME.format(Instant.now().atZone(zone()));
  }

  /** In which zone the practice of this page has its hours and days; asked for once a page. */
  ZoneId zone() {
    if (!(RequestContextHolder.getRequestAttributes() instanceof ServletRequestAttributes page)) {
      return NO_PRACTICE;
    }
    HttpServletRequest request = page.getRequest();
    if (request.getAttribute(ZONE) instanceof ZoneId known) {
      return known;
    }
    Visit visit = Visit.orNull(request);
    ZoneId zone =
        visit == null || visit.practice().isEmpty()
            ? NO_PRACTICE
            : practices.zone(practices.id(visit.practice()));
    request.setAttribute(ZONE, zone);
    return zone;
  }

  /** When a day begins at the practice of this page. */
  Instant beginning(LocalDate day) {
    return day.atStartOfDay(zone()).toInstant();
  }

  /** How long ago that was. */
  public String ago(@Nullable Instant at) {
    if (at == null) {
      return "never";
    }
    Duration span = Duration.between(at, Instant.now());
    if (span.toMinutes() < 1) {
      return "just now";
    }
    if (span.toHours() < 1) {
      return span.toMinutes() + " min ago";
    }
    if (span.toDays() < 1) {
      return span.toHours() + " h ago";
    }
    return span.toDays() + (span.toDays() == 1 ? " day ago" : " days ago");
  }

  /** A day as US offices write it. */
  public String day(@Nullable LocalDate day) {
    return day == null ? "" : DAY.format(day);
  }

  /** The same of a member's birth date, which is kept as it was typed. */
  public String day(@Nullable String isoDate) {
    if (isoDate == null) {
      return "";
    }
    try {
      return day(LocalDate.parse(isoDate));
    } catch (java.time.DateTimeException e) {
      return isoDate;
    }
  }

  /** A US number as it is dialled there; others, and what is more than a number, stay as it is. */
  public String phone(String number) {
    return dialled(number);
  }

  /** The same of what stood in a form, if there was one. */
  public @Nullable String phoneBefore(@Nullable String number) {
    return number == null ? null : dialled(number);
  }

  private static String dialled(String number) {
    String digits = number.replaceAll("\\D", "");
    if (digits.length() == US_DIGITS && digits.startsWith("1")) {
      digits = digits.substring(1);
    }
    return digits.length() == US_DIGITS - 1 && NUMBER_ALONE.matcher(number).matches()
        ? "(" + digits.substring(0, 3) + ") " + digits.substring(3, 6) + "-" + digits.substring(6)
        : number;
  }

  /** A value of a member in a form: a telephone as everywhere else, the rest as it is kept. */
  static String value(Member.Field field, String kept) {
    return switch (field) {
      case PHONE_HOME, PHONE_MOBILE, PHONE_WORK -> dialled(kept);
      default -> kept;
    };
  }

  /** Given and family name, with what goes between and behind. */
  public String name(Person person) {
    Person.PersonName name = person.name();
    StringBuilder out = new StringBuilder();
    for (String part :
        new @Nullable String[] {name.given(), name.middle(), name.family(), name.suffix()}) {
      if (part != null) {
        out.append(out.isEmpty() ? "" : " ").append(part);
      }
    }
    if (name.preferred() != null && !name.preferred().equals(name.given())) {
      out.append(" (“").append(name.preferred()).append("”)");
    }
    return out.isEmpty() ? "(no name)" : out.toString();
  }

  /** One line of address. */
  public String address(Person.@Nullable PostalAddress address) {
    if (address == null) {
      return "";
    }
    StringBuilder out = new StringBuilder();
    for (String part :
        new @Nullable String[] {
          address.line1(), address.line2(), address.city(), address.state(), address.postalCode()
        }) {
      if (part != null) {
        out.append(out.isEmpty() ? "" : ", ").append(part);
      }
    }
    return out.toString();
  }

  /** A number of things. */
  public String count(long count) {
    return String.format(Locale.US, "%,d", count);
  }

  /** Dollars of cents. */
  public String money(long cents) {
    return String.format(
        Locale.US,
        "%s$%,d.%02d",
        cents < 0 ? "-" : "",
        Math.abs(cents) / 100,
        Math.abs(cents) % 100);
  }

  /** A constant's name in words: {@code CHART_MERGED} is "chart merged". */
  public String words(Object constant) {
    if (constant instanceof PatientStatus status) {
      return status(status);
    }
    String text = constant instanceof Enum<?> e ? e.name() : String.valueOf(constant);
    return text.equals(text.toUpperCase(Locale.ROOT)) || text.indexOf('_') >= 0
        ? text.toLowerCase(Locale.ROOT).replace('_', ' ')
        : text;
  }

  private static String status(PatientStatus status) {
    return switch (status) {
      case NON_PATIENT -> "not a patient";
      case DUPLICATE -> "a duplicate, says the PMS";
      case UNKNOWN -> "not known whether in use";
      default -> status.name().toLowerCase(Locale.ROOT);
    };
  }

  /** What rules would do with a chart, or have done: some of what they leave alone is linked. */
  public String outcome(Object outcome, @Nullable String reason) {
    return "LINKED_BY_PERSON".equals(reason) || "CHANGED_SINCE_SEEN".equals(reason)
        ? "left as it is"
        : "UNLINKED".equals(String.valueOf(outcome)) ? "not linked" : words(outcome);
  }

  /** What is compared of two people, as the rules name it. */
  public String compared(String field) {
    return switch (field) {
      case "prior" -> "To begin with";
      case "given" -> "First name";
      case "family" -> "Last name";
      case "birth_date" -> "Birth date";
      case "ssn" -> "Social security number";
      case "phone" -> "Telephone";
      case "email" -> "E-mail";
      case "shared_phone" -> "Telephone that others have too";
      case "shared_email" -> "E-mail that others have too";
      case "household" -> "What families share";
      default -> field.substring(0, 1).toUpperCase(Locale.ROOT) + words(field).substring(1);
    };
  }

  /** What comparing it found, as the rules name it. */
  public String found(String level) {
    return switch (level) {
      case "before any evidence" -> "any two people";
      case "capped" -> "counts up to a limit";
      case "below cap" -> "within the limit";
      case "exact", "equal" -> "the same";
      case "preferred" -> "the name that one goes by";
      case "same_formal" -> "two forms of one name";
      case "swapped" -> "first and last name exchanged";
      case "typo" -> "a slip of the hand";
      case "truncated" -> "cut off";
      case "middle_name" -> "the middle name of the other";
      case "one_sided" -> "only one has it";
      case "day_month_swapped" -> "day and month exchanged";
      case "one_digit" -> "one digit off";
      case "two_digits" -> "two digits off";
      case "year_off" -> "year off by one or ten";
      case "neighbouring_day" -> "a day off";
      case "day_or_month" -> "same year, and day or month";
      case "same_day_and_month" -> "same day and month of another year";
      case "last_four" -> "same last four digits";
      case "part_of_double" -> "one is part of the other";
      case "own" -> "the same, and nobody else's";
      case "own_close" -> "a slip in it, and nobody else's";
      case "close" -> "a slip in it";
      case "partial" -> "parts of it";
      case "zip" -> "same ZIP code, another street";
      case "city" -> "same city";
      default -> words(level);
    };
  }

  /** What a field of a member is called. */
  public String field(Member.Field field) {
    return switch (field) {
      case FAMILY -> "Last name";
      case GIVEN -> "First name";
      case MIDDLE -> "Middle name";
      case SUFFIX -> "Suffix";
      case PREFERRED -> "Preferred name";
      case BIRTH_DATE -> "Birth date";
      case GENDER -> "Sex";
      case PHONE_HOME -> "Home phone";
      case PHONE_MOBILE -> "Mobile phone";
      case PHONE_WORK -> "Work phone";
      case EMAIL -> "E-mail";
      case LINE1 -> "Street";
      case LINE2 -> "Unit";
      case CITY -> "City";
      case STATE -> "State";
      case POSTAL_CODE -> "ZIP code";
    };
  }

  /** The same by name, for a history. */
  public String field(String name) {
    try {
      return field(Member.Field.valueOf(name));
    } catch (IllegalArgumentException e) {
      return name;
    }
  }

  /** Fields by their names, with spaces between; "none" for none. */
  public String fields(String names) {
    return names.isEmpty()
        ? "none"
        : Arrays.stream(names.split(" ")).map(this::field).collect(Collectors.joining(", "));
  }

  /** Who did something: rules and feeds have no name. */
  public String actor(String actor) {
    return switch (actor) {
      case "rule" -> "matching rules";
      case "feed" -> "the PMS";
      case "engine" -> "PMS Link";
      default -> actor;
    };
  }

  /** Why no chart waits that may be a member's. */
  public String whyNone(Worklists.WhyNone why) {
    return switch (why) {
      case NOT_LOOKED_FOR_YET -> "not looked for yet";
      case TOO_LITTLE_KNOWN -> "too little is known of them to look for a chart";
      case NONE_FOUND -> "no free chart is found that may be theirs";
    };
  }

  /** Why a link or a chart waits for a person. */
  public String why(@Nullable String reason) {
    if (reason == null) {
      return "";
    }
    return switch (reason) {
      case "SEVERAL_CANDIDATES" -> "more than one member fits";
      case "NOT_CERTAIN" -> "alike, but not certain";
      case "CLAIMED_TWICE" -> "two charts claim one member";
      case "DUPLICATE_CHARTS" -> "the person has more than one chart";
      case "DUPLICATE_MEMBERS" -> "two members seem to be one person";
      case "TOO_MANY_CANDIDATES" -> "too many people share what is known";
      case "LOOKS_LIKE_ANOTHER_MEMBER" -> "the chart looks like another member now";
      case "LINK_DRIFTED" -> "linked, but the records are not alike any more";
      case "CHART_MERGED" -> "the chart was merged in the PMS";
      case "MERGED_TOLD_APART" ->
          "the PMS merged the chart into one that somebody has said is not this member's";
      case "MERGED_BOTH_LINKED" -> "two linked charts were merged in the PMS";
      case "MERGE_TAKEN_BACK" -> "the merge that brought the link here was taken back in the PMS";
      case "CHART_GONE" -> "the chart is gone from the PMS";
      case "CHART_ARCHIVED" -> "the chart was archived in the PMS";
      case "CHART_DELETED" -> "the chart was deleted in the PMS";
      case "CHART_DUPLICATE" -> "the PMS marks the chart as a duplicate";
      case "CHART_NON_PATIENT" -> "the PMS says that the chart is of nobody who is a patient";
      case "CHART_INACTIVE" -> "the chart is inactive in the PMS";
      case "CHART_PROSPECT" -> "the PMS says that the person is not a patient yet";
      case "CHART_UNKNOWN" -> "the PMS does not say whether the chart is in use";
      case "NO_CANDIDATE" -> "no member shares enough with it to be compared";
      case "NONE_SIMILAR" -> "no member is alike enough";
      case "TOO_LITTLE_KNOWN" -> "too little is known of the person";
      case "NOT_ELIGIBLE" -> "the chart is one that is not linked";
      case "LINKED_BY_PERSON" -> "somebody has decided about the link";
      case "CHANGED_SINCE_SEEN" ->
          "somebody has decided about the link; the chart has changed since";
      case "CHART_DECEASED" -> "the PMS says that the patient has died";
      case "DIFFERS_FROM_CHART" -> "differs from the PMS; kept as typed";
      case "CERTAIN" -> "certainly the same person";
      default -> words(reason);
    };
  }
}
