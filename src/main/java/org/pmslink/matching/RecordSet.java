package org.pmslink.matching;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.pmslink.patient.Person;

/** The records of one file or one practice, numbered from 0 in the order in which they came. */
public final class RecordSet {
  private final List<Features> records = new ArrayList<>();
  private final Map<String, String> texts = new HashMap<>();

  /** A person made ready to be added; may be made on any thread. */
  public static final class Folded {
    private final Features features;

    private Folded(Features features) {
      this.features = features;
    }
  }

  /** Folds a person for {@link #add(Folded)}, which is the costly part of adding one. */
  public static Folded fold(Person person) {
    return new Folded(Features.of(person));
  }

  /** Adds a person; its number is the former {@link #size()}. */
  public void add(Person person) {
    add(fold(person));
  }

  /** Adds a person; its number is the former {@link #size()}. */
  public void add(Folded person) {
    Features f = person.features;
    records.add(
        new Features(
            same(f.family()),
            f.familyParts(),
            same(f.given()),
            same(f.givenFirst()),
            same(f.middle()),
            same(f.preferred()),
            same(f.suffix()),
            f.birth(),
            f.gender(),
            f.ssn(),
            f.ssnLast4(),
            f.phones(),
            f.emails(),
            f.houseNumber(),
            same(f.street()),
            same(f.unit()),
            same(f.city()),
            same(f.zip()),
            f.place(),
            f.guarantor(),
            f.formalNames(),
            f.phoneMarks(),
            f.emailMarks(),
            f.mailboxMarks(),
            f.formalNameMarks()));
  }

  /** Millions of records have thousands of names: each is kept once. */
  private String same(String text) {
    String known = texts.putIfAbsent(text, text);
    return known == null ? text : known;
  }

  /** Number of records. */
  public int size() {
    return records.size();
  }

  List<Features> features() {
    return records;
  }
}
