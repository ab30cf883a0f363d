package org.pmslink.pipeline;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.pmslink.patient.SourcePatient;

/** A person who may have a chart, a membership, or both. */
record Someone(
    String family, String given, String birthDate, String mobile, String email, String city) {
  private static final AtomicInteger NEXT = new AtomicInteger(1);

  /** Somebody whose contacts nobody else has. */
  static Someone named(String given, String family) {
    int n = NEXT.getAndIncrement();
    return new Someone(
        family,
        given,
        String.format(Locale.ROOT, "%d-%02d-%02d", 1950 + n % 50, 1 + n % 12, 1 + n % 27),
        String.format(Locale.ROOT, "614228%04d", 1000 + n),
        String.format(Locale.ROOT, "%s.%s%d@buckeyemail.com", given, family, n)
            .toLowerCase(Locale.ROOT),
        "Columbus");
  }

  Someone withMobile(String other) {
    return new Someone(family, given, birthDate, other, email, city);
  }

  Someone withEmail(String other) {
    return new Someone(family, given, birthDate, mobile, other, city);
  }

  Someone withFamily(String other) {
    return new Someone(other, given, birthDate, mobile, email, city);
  }

  /** The telephone as the store keeps it. */
  String e164() {
    return "+1" + mobile;
  }

  /** As the store's staff type a member. */
  SourcePatient typed(String number) {
    return SourcePatient.person(
        number,
        family,
        given,
        null,
        null,
        null,
        birthDate,
        null,
        null,
        mobile.isEmpty() ? List.of() : List.of(new SourcePatient.SourcePhone("mobile", mobile)),
        email.isEmpty() ? List.of() : List.of(email),
        null,
        null);
  }
}
