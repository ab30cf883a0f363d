package org.pmslink.patient;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;

/** A typed record for tests, given as field name and value; what is not given is missing. */
public final class Typed {
  private Typed() {}

  /**
   * @param fields for example {@code "family", "LOUTON JR.", "mobile", "6145550123"}
   */
  public static SourcePatient patient(String... fields) {
    Map<String, String> f = new HashMap<>();
    for (int i = 0; i < fields.length; i += 2) {
      f.put(fields[i], fields[i + 1]);
    }
    List<SourcePhone> phones = new ArrayList<>();
    for (String use : List.of("home", "mobile", "work")) {
      if (f.containsKey(use)) {
        phones.add(new SourcePhone(use, f.get(use)));
      }
    }
    SourceAddress address =
        new SourceAddress(
            f.get("line1"),
            f.get("line2"),
            f.get("city"),
            f.get("state"),
            f.get("zip"),
            f.get("country"));
    return new SourcePatient(
        f.getOrDefault("sourceId", "17"),
        f.get("chartNumber"),
        f.get("status"),
        f.get("mergedInto"),
        f.get("family"),
        f.get("given"),
        f.get("middle"),
        f.get("suffix"),
        f.get("prefix"),
        f.get("preferred"),
        f.get("birthDate"),
        f.get("gender"),
        f.get("ssn"),
        phones,
        emails(f.get("email")),
        address,
        f.get("guarantor"),
        f.containsKey("child") ? Boolean.valueOf(f.get("child")) : null,
        f.get("deceasedAt"),
        f.get("language"),
        f.get("consentSms"),
        f.get("consentEmail"),
        f.get("consentCall"),
        f.get("clinic"),
        f.get("provider"),
        f.get("firstVisit"),
        f.get("createdAt"),
        f.get("modifiedAt"),
        null);
  }

  private static List<String> emails(@Nullable String email) {
    return email == null ? List.of() : List.of(email);
  }
}
