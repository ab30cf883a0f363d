package org.pmslink.matching;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.Typed;

/** Prints what one record and one comparison cost as the JVM warms up. */
final class MatchingSpeed {
  /** Processor time of this thread, so that a busy machine does not change the figures. */
  private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

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
    for (int round = 0; round < 60; round++) {
      people.clear();
      long start = CLOCK.getCurrentThreadCpuTime();
      for (SourcePatient one : typed) {
        people.add(normalizer.normalize(one, ZoneOffset.UTC).person());
      }
      long normalised = CLOCK.getCurrentThreadCpuTime();
      long keys = 0;
      for (Person one : people) {
        keys += matcher.blockingKeys(one).size();
      }
      long filed = CLOCK.getCurrentThreadCpuTime();
      double sum = 0;
      for (int i = 0; i < people.size(); i++) {
        for (int j = 0; j < 20; j++) {
          sum += matcher.compare(people.get(i), people.get((i + j) % people.size())).score();
        }
      }
      long compared = CLOCK.getCurrentThreadCpuTime();
      if (round % 20 == 19) {
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
