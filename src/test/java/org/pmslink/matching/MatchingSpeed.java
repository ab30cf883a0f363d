package org.pmslink.matching;

import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.Typed;

/** Prints what one record and one comparison cost once the JVM is warm. */
final class MatchingSpeed {
  private MatchingSpeed() {}

  public static void main(String[] args) {
    PatientNormalizer normalizer = new PatientNormalizer(nine -> nine);
    Matcher matcher = new CautiousMatcher();
    List<SourcePatient> typed = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      typed.add(
          Typed.patient(
              "sourceId",
              "" + i,
              "family",
              i % 7 == 0 ? "SMITH-JONES JR." : "Zebrowski",
              "given",
              i % 5 == 0 ? "ROBERT \"BOB\"" : "Ann",
              "middle",
              "L.",
              "birthDate",
              "19" + (40 + i % 60) + "-03-04",
              "gender",
              "female",
              "status",
              "ACTIVE",
              "ssn",
              "53622" + (1000 + i),
              "home",
              "(614) 555-" + (1000 + i),
              "mobile",
              "614.555." + (3000 + i),
              "email",
              "Ann" + i + "@mail.example",
              "line1",
              i + " North Main Street, Apt 4",
              "city",
              "Columbus",
              "state",
              "Ohio",
              "zip",
              "43065-1234",
              "modifiedAt",
              "2026-01-02T10:11:12"));
    }
    List<Person> people = new ArrayList<>();
    for (int round = 0; round < 30; round++) {
      people.clear();
      long start = System.nanoTime();
      for (SourcePatient one : typed) {
        people.add(normalizer.normalize(one, ZoneOffset.UTC).person());
      }
      long normalised = System.nanoTime();
      long keys = 0;
      for (Person one : people) {
        keys += matcher.blockingKeys(one).size();
      }
      long filed = System.nanoTime();
      double sum = 0;
      for (int i = 0; i < people.size(); i++) {
        for (int j = 0; j < 20; j++) {
          sum += matcher.compare(people.get(i), people.get((i + j) % people.size())).score();
        }
      }
      long compared = System.nanoTime();
      if (round % 10 == 9) {
        System.out.printf(
            "normalize %.1f us, blockingKeys %.1f us, compare %.2f us (%d %.0f)%n",
            (normalised - start) / 1e3 / typed.size(),
            (filed - normalised) / 1e3 / typed.size(),
            (compared - filed) / 1e3 / typed.size() / 20,
            keys,
            sum);
      }
    }
  }
}
