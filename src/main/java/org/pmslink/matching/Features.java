package org.pmslink.matching;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.Folding;
import org.pmslink.patient.GivenNames;
import org.pmslink.patient.Person;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.Phone;
import org.pmslink.patient.Person.PostalAddress;

/**
 * A person folded once, in the form in which two are compared quickest. Texts that are missing are
 * empty, a missing birth date is 0.
 *
 * @param familyParts words of a double surname, {@code [lee, park]} of Lee-Park; empty for a simple
 *     one
 * @param givenFirst first of several given names, else empty
 * @param birth as a number, {@code yyyymmdd}
 * @param ssn keyed hash of the whole number
 * @param place street line with zip code or city, as one key; empty when either is unknown
 * @param formalNames what the given and the preferred name may be short for, sorted
 * @param phoneMarks a bit for each telephone, by its hash: two people without a common bit have no
 *     telephone in common, which is so in most pairs and told without a look at the texts; likewise
 *     {@code emailMarks} and {@code formalNameMarks}
 * @param mailboxMarks likewise of the first letters of the e-mail addresses
 */
record Features(
    String family,
    List<String> familyParts,
    String given,
    String givenFirst,
    String middle,
    String preferred,
    String suffix,
    int birth,
    Gender gender,
    String ssn,
    String ssnLast4,
    List<String> phones,
    List<String> emails,
    String houseNumber,
    String street,
    String unit,
    String city,
    String zip,
    String place,
    String guarantor,
    List<String> formalNames,
    long phoneMarks,
    long emailMarks,
    long mailboxMarks,
    long formalNameMarks) {

  /**
   * The first day of Unix time, which programs write where they know no date. Somebody is born on
   * it, too; one birth date in 25,000 is a small price.
   */
  private static final int UNIX_EPOCH = 1970_01_01;

  /** Longest number of letters of a name that is compared; no honest one is longer. */
  private static final int LONGEST_NAME = 60;

  private static final String POST_OFFICE_BOX = "PO BOX ";

  static Features of(Person person) {
    var name = person.name();
    PostalAddress address = person.address();
    String line1 = address == null || address.line1() == null ? "" : address.line1();
    String zip = address == null || address.postalCode() == null ? "" : address.postalCode();
    String city = address == null ? "" : Folding.fold(address.city());
    String house = houseNumber(line1);
    // A post-office box has a number and no street: what it is called stands for one.
    String street =
        line1.startsWith(POST_OFFICE_BOX) && !house.isEmpty()
            ? Folding.fold(POST_OFFICE_BOX)
            : Folding.fold(line1.substring(line1.indexOf(house) + house.length()));
    String where = zip.isEmpty() ? city : zip;
    String given = name(name.given());
    String first = shortened(firstWord(name.given()));
    String preferred = name(name.preferred());
    List<String> phones = person.phones().stream().map(Phone::e164).distinct().sorted().toList();
    List<String> emails = person.emails().stream().distinct().sorted().toList();
    List<String> formalNames = formalNames(given, first, preferred);
    return new Features(
        name(name.family()),
        parts(name.family()),
        given,
        first.equals(given) ? "" : first,
        name(name.middle()),
        preferred,
        name(name.suffix()),
        birth(person),
        person.gender(),
        person.ssnHash() == null ? "" : person.ssnHash(),
        person.ssnLast4() == null ? "" : person.ssnLast4(),
        phones,
        emails,
        house,
        street,
        address == null ? "" : Folding.fold(address.line2()),
        city,
        zip,
        street.isEmpty() || where.isEmpty() ? "" : house + ' ' + street + ' ' + where,
        person.guarantorId() == null ? "" : person.guarantorId(),
        formalNames,
        marks(phones),
        marks(emails),
        mailboxMarks(emails),
        marks(formalNames));
  }

  private static long marks(List<String> texts) {
    long marks = 0;
    for (String text : texts) {
      // The high bits of the product depend on all bits of the hash.
      marks |= 1L << ((text.hashCode() * 0x9E3779B1) >>> 26);
    }
    return marks;
  }

  private static long mailboxMarks(List<String> emails) {
    long marks = 0;
    for (String email : emails) {
      marks |= email.isEmpty() ? 0 : 1L << email.charAt(0);
    }
    return marks;
  }

  boolean hasSex() {
    return gender == Gender.MALE || gender == Gender.FEMALE;
  }

  private static String name(@Nullable String text) {
    return shortened(Folding.fold(text));
  }

  private static String shortened(String folded) {
    return folded.length() > LONGEST_NAME ? folded.substring(0, LONGEST_NAME) : folded;
  }

  private static int birth(Person person) {
    var date = person.birthDate();
    if (date == null) {
      return 0;
    }
    int birth = date.getYear() * 10_000 + date.getMonthValue() * 100 + date.getDayOfMonth();
    return birth == UNIX_EPOCH ? 0 : birth;
  }

  private static List<String> formalNames(String given, String first, String preferred) {
    Set<String> forms = new TreeSet<>(GivenNames.shipped().canonicalForms(given));
    if (!preferred.isEmpty()) {
      forms.addAll(GivenNames.shipped().canonicalForms(preferred));
    }
    if (first.length() > 1) {
      forms.addAll(GivenNames.shipped().canonicalForms(first));
    }
    return List.copyOf(forms);
  }

  private static List<String> parts(@Nullable String family) {
    if (family == null || (family.indexOf('-') < 0 && family.indexOf(' ') < 0)) {
      return List.of();
    }
    List<String> parts = new ArrayList<>(2);
    for (String part : family.replace('-', ' ').split(" ")) {
      String folded = name(part);
      // De, La and the like are shared by strangers.
      if (folded.length() > 2 && parts.size() < 6) {
        parts.add(folded);
      }
    }
    return List.copyOf(parts);
  }

  /** The first of several given names, folded. */
  private static String firstWord(@Nullable String given) {
    if (given == null) {
      return "";
    }
    int end = given.indexOf(' ');
    int hyphen = given.indexOf('-');
    if (end < 0 || (hyphen >= 0 && hyphen < end)) {
      end = hyphen;
    }
    return Folding.fold(end < 0 ? given : given.substring(0, end));
  }

  /** The digits that an address, or a box number, begins with. */
  private static String houseNumber(String line1) {
    String line = line1.startsWith("PO BOX ") ? line1.substring("PO BOX ".length()) : line1;
    int end = 0;
    while (end < line.length() && Character.isDigit(line.charAt(end))) {
      end++;
    }
    return line.substring(0, end);
  }
}
