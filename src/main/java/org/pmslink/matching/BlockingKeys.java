package org.pmslink.matching;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.pmslink.matching.Population.ContactKind;
import org.pmslink.patient.GivenNames;

/**
 * Under which keys a store files a person, so that a million of them can be searched. Two records
 * are compared only if they share a key; together the keys find a record again after any one or two
 * things about it have changed:
 *
 * <ul>
 *   <li>each telephone, each e-mail, the place, the SSN: by these one also counts who has them
 *   <li>birth date with the sound of the given name, and with the sound of the surname (marriage,
 *       nickname, slips); each formal given name and each part of a double surname counts
 *   <li>sound of both names by itself, with the year of birth, and with the zip code or city
 *   <li>year and month of birth with both initials, for slips in either name
 *   <li>last four of the SSN with birth date, given name, or surname
 * </ul>
 *
 * A key that too many share is narrowed by asking for those who share another one as well; the keys
 * that join two facts are filed because that is quicker for what is often too wide.
 */
final class BlockingKeys {
  /** To be raised with every change of how keys are made: what is stored is then filed anew. */
  private static final int MAKING = 1;

  private BlockingKeys() {}

  /** Tells keys that were made in one way from those made in another. */
  static String version() {
    return MAKING + "-" + GivenNames.shipped().version();
  }

  /** The key of a telephone, an e-mail, a place or an SSN. */
  static long contact(ContactKind kind, String value) {
    return KeyHash.of(
        switch (kind) {
          case PHONE -> "phone";
          case EMAIL -> "email";
          case PLACE -> "place";
          case SSN -> "ssn";
        },
        value);
  }

  /** The keys of the names by themselves, by which a wider key is narrowed. */
  static Set<Long> names(Features p) {
    Set<Long> keys = new LinkedHashSet<>();
    for (String name : CandidateSearch.soundOfNames(p)) {
      keys.add(KeyHash.of("name", name));
    }
    return keys;
  }

  /** All keys of a person; none when there is too little to find anybody by. */
  static Set<Long> of(Features p) {
    Set<Long> keys = new LinkedHashSet<>();
    p.phones().forEach(phone -> keys.add(contact(ContactKind.PHONE, phone)));
    p.emails().forEach(email -> keys.add(contact(ContactKind.EMAIL, email)));
    if (!p.place().isEmpty()) {
      keys.add(contact(ContactKind.PLACE, p.place()));
    }
    if (!p.ssn().isEmpty()) {
      keys.add(contact(ContactKind.SSN, p.ssn()));
    }
    Set<String> givens = new LinkedHashSet<>();
    p.formalNames().forEach(form -> givens.add(CandidateSearch.sound(form)));
    Set<String> families = new LinkedHashSet<>();
    if (!p.family().isEmpty()) {
      families.add(CandidateSearch.sound(p.family()));
    }
    p.familyParts().forEach(part -> families.add(CandidateSearch.sound(part)));
    if (p.birth() != 0) {
      String birth = Integer.toString(p.birth());
      // One kind for both, so that given and family name swapped still meet.
      givens.forEach(given -> keys.add(KeyHash.of("birth+name", birth, given)));
      families.forEach(family -> keys.add(KeyHash.of("birth+name", birth, family)));
      if (!p.family().isEmpty()) {
        for (String form : p.formalNames()) {
          keys.add(
              KeyHash.of(
                  "month+initials",
                  birth.substring(0, 6),
                  CandidateSearch.initialsInOrder(form, p.family())));
        }
      }
    }
    keys.addAll(names(p));
    List<String> names = CandidateSearch.soundOfNames(p);
    String where = p.zip().isEmpty() ? p.city() : p.zip();
    for (String name : names) {
      if (p.birth() != 0) {
        keys.add(KeyHash.of("year+name", Integer.toString(p.birth() / 10_000), name));
      }
      if (!where.isEmpty()) {
        keys.add(KeyHash.of("where+name", where, name));
      }
    }
    if (!p.ssnLast4().isEmpty()) {
      if (p.birth() != 0) {
        keys.add(KeyHash.of("ssn4+birth", p.ssnLast4(), Integer.toString(p.birth())));
      }
      givens.forEach(given -> keys.add(KeyHash.of("ssn4+name", p.ssnLast4(), given)));
      families.forEach(family -> keys.add(KeyHash.of("ssn4+name", p.ssnLast4(), family)));
    }
    return keys;
  }
}
