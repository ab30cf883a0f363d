package org.pmslink.matching;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.TreeSet;
import org.pmslink.patient.Person.Phone;

/**
 * Under which keys a person is filed. Each key is narrow enough to hold few people, and together
 * they find a record again after any one thing about it has changed:
 *
 * <ul>
 *   <li>name + birth date, for the surname, each part of a double one and each formal given name;
 *       one kind of key for both, so that given and family name swapped still meet
 *   <li>telephone, and e-mail, + initial of the formal given name: a household shares the number,
 *       rarely the initial
 *   <li>last four of the SSN + birth date, and + surname
 *   <li>formal given name + surname + zip code, for a missing or wrong birth date
 * </ul>
 */
final class BlockingKeys {
  private final Set<Long> keys = new LinkedHashSet<>();

  private BlockingKeys() {}

  static Set<Long> of(Profile p) {
    BlockingKeys keys = new BlockingKeys();
    keys.file(p);
    return keys.keys;
  }

  private void file(Profile p) {
    Set<String> formalNames = p.formalNames();
    if (p.birthDate() != null) {
      String day = p.birthDate().toString();
      for (String name : formalNames) {
        add("name+birth", name, day);
      }
      if (!p.family().isEmpty()) {
        add("name+birth", p.family(), day);
      }
      if (p.familyParts().size() > 1) {
        for (String part : p.familyParts()) {
          add("name+birth", part, day);
        }
      }
    }
    for (String initial : initials(formalNames)) {
      for (Phone phone : p.phones()) {
        add("phone+initial", phone.e164(), initial);
      }
      for (String email : p.emails()) {
        add("email+initial", email, initial);
      }
    }
    if (!p.ssnLast4().isEmpty()) {
      if (p.birthDate() != null) {
        add("ssn4+birth", p.ssnLast4(), p.birthDate().toString());
      }
      if (!p.family().isEmpty()) {
        add("ssn4+family", p.ssnLast4(), p.family());
      }
    }
    if (!p.family().isEmpty() && !p.zip().isEmpty()) {
      for (String name : formalNames) {
        add("given+family+zip", name, p.family() + ' ' + p.zip());
      }
    }
  }

  private static Set<String> initials(Set<String> formalNames) {
    Set<String> initials = new TreeSet<>();
    for (String name : formalNames) {
      initials.add(name.substring(0, name.offsetByCodePoints(0, 1)));
    }
    return initials;
  }

  private void add(String kind, String a, String b) {
    keys.add(KeyHash.of(kind, a, b));
  }
}
