package org.pmslink.matching;

import java.time.LocalDate;
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
 * A person folded once, ready to be compared many times. Texts that are missing are empty.
 *
 * @param familyParts the words of a double surname, {@code [lee, park]} of Lee-Park; of a simple
 *     one the name itself
 * @param givenFirst first word of a given name of several, folded
 * @param street house number and street without unit, folded
 */
record Profile(
    String family,
    List<String> familyParts,
    String given,
    String givenFirst,
    String middle,
    String preferred,
    String suffix,
    @Nullable LocalDate birthDate,
    Gender gender,
    @Nullable String ssnHash,
    String ssnLast4,
    List<Phone> phones,
    List<String> emails,
    String street,
    String houseNumber,
    String city,
    String zip) {

  static Profile of(Person person) {
    var name = person.name();
    PostalAddress address = person.address();
    String line1 = address == null || address.line1() == null ? "" : address.line1();
    return new Profile(
        Folding.fold(name.family()),
        parts(name.family()),
        Folding.fold(name.given()),
        firstWord(name.given()),
        Folding.fold(name.middle()),
        Folding.fold(name.preferred()),
        Folding.fold(name.suffix()),
        person.birthDate(),
        person.gender(),
        person.ssnHash(),
        person.ssnLast4() == null ? "" : person.ssnLast4(),
        person.phones(),
        person.emails(),
        Folding.fold(line1),
        houseNumber(line1),
        address == null ? "" : Folding.fold(address.city()),
        address == null || address.postalCode() == null ? "" : address.postalCode());
  }

  /** Formal names this person may be filed under, from the given and the preferred name. */
  Set<String> formalNames() {
    Set<String> forms = new TreeSet<>(GivenNames.shipped().canonicalForms(given));
    forms.addAll(GivenNames.shipped().canonicalForms(preferred));
    if (!givenFirst.equals(given) && givenFirst.length() > 1) {
      forms.addAll(GivenNames.shipped().canonicalForms(givenFirst));
    }
    return forms;
  }

  private static List<String> parts(@Nullable String family) {
    if (family == null || (family.indexOf('-') < 0 && family.indexOf(' ') < 0)) {
      return List.of(Folding.fold(family));
    }
    List<String> parts = new ArrayList<>(2);
    for (String part : family.replace('-', ' ').split(" ")) {
      String folded = Folding.fold(part);
      // De, La and the like are shared by strangers.
      if (folded.length() > 2) {
        parts.add(folded);
      }
    }
    return parts;
  }

  /** The first of several given names, folded. */
  static String firstWord(@Nullable String given) {
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
  static String houseNumber(String line1) {
    String line = line1.startsWith("PO BOX ") ? line1.substring("PO BOX ".length()) : line1;
    int end = 0;
    while (end < line.length() && Character.isDigit(line.charAt(end))) {
      end++;
    }
    return line.substring(0, end);
  }
}
