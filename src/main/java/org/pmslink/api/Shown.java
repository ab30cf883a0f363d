package org.pmslink.api;

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.Activities.MemberTransaction;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Member;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person;

/** Patients, members and what is of them, as the API shows them. */
final class Shown {
  private Shown() {}

  /** A telephone number. */
  record Telephone(Person.PhoneUse use, String number) {}

  /**
   * A chart, as the engine has cleaned it; without an SSN or anything made of one.
   *
   * @param id its number here
   * @param sourceId its id in the PMS
   * @param member number of the member that is linked to it
   * @param flag why that link wants verification
   * @param trueAt when this was last known to be what the PMS has
   * @param failingSince since when a newer version cannot be handled
   */
  record Patient(
      long id,
      String source,
      String sourceId,
      @Nullable String chartNumber,
      PatientRecord.PatientStatus status,
      @Nullable String family,
      @Nullable String given,
      @Nullable String middle,
      @Nullable String suffix,
      @Nullable String preferred,
      @Nullable LocalDate birthDate,
      Person.Gender gender,
      List<Telephone> phones,
      List<String> emails,
      @Nullable String line1,
      @Nullable String line2,
      @Nullable String city,
      @Nullable String state,
      @Nullable String postalCode,
      @Nullable String guarantor,
      @Nullable LocalDate deceasedAt,
      @Nullable String member,
      @Nullable String flag,
      @Nullable String mergedInto,
      Instant firstSeenAt,
      Instant updatedAt,
      @Nullable Instant removedAt,
      @Nullable Instant trueAt,
      @Nullable Instant failingSince) {}

  static Patient patient(Found chart, Charts.@Nullable Age age) {
    Person person = chart.record().person();
    Person.PersonName name = person.name();
    Person.PostalAddress address =
        person.address() == null
            ? new Person.PostalAddress(null, null, null, null, null)
            : person.address();
    return new Patient(
        chart.id(),
        chart.source(),
        chart.sourceId(),
        chart.record().chartNumber(),
        chart.status(),
        name.family(),
        name.given(),
        name.middle(),
        name.suffix(),
        name.preferred(),
        person.birthDate(),
        person.gender(),
        person.phones().stream().map(p -> new Telephone(p.use(), p.e164())).toList(),
        person.emails(),
        address.line1(),
        address.line2(),
        address.city(),
        address.state(),
        address.postalCode(),
        person.guarantorId(),
        chart.record().deceasedAt(),
        chart.memberNumber(),
        chart.flagReason(),
        chart.mergedInto(),
        chart.firstSeenAt(),
        chart.updatedAt(),
        chart.removedAt(),
        age == null ? null : age.trueAt(),
        age == null ? null : age.failingSince());
  }

  /** Who gave a field its value, and when. */
  record Origin(String actor, Instant at) {}

  /**
   * A member.
   *
   * @param removed no member any more: removed, or merged into another
   * @param fields those that are not empty
   * @param lockedFields that no feed writes
   * @param origins of fields that were ever changed; the others came with the member
   */
  record MemberDetails(
      String number,
      boolean removed,
      Map<String, String> fields,
      List<String> lockedFields,
      Map<String, Origin> origins,
      @Nullable Instant since,
      long version) {}

  static MemberDetails member(
      Member member, Map<Member.Field, MemberHistory.Origin> origins, @Nullable Instant since) {
    Map<String, String> fields = new TreeMap<>();
    member.fields().forEach((field, value) -> fields.put(name(field), value));
    Map<String, Origin> from = new TreeMap<>();
    origins.forEach((field, o) -> from.put(name(field), new Origin(o.actor(), o.at())));
    return new MemberDetails(
        member.memberNumber(),
        member.removed(),
        fields,
        member.lockedFields().stream().map(Shown::name).sorted().toList(),
        from,
        since,
        member.version());
  }

  /** A field's name in the API, as in files and in the store. */
  static String name(Member.Field field) {
    return field.name().toLowerCase(Locale.ROOT);
  }

  static Member.Field field(String name) {
    for (Member.Field field : Member.Field.values()) {
      if (name(field).equals(name)) {
        return field;
      }
    }
    throw new Problem.Refused(
        422,
        "there is no field of that name; fields: "
            + java.util.Arrays.stream(Member.Field.values())
                .map(Shown::name)
                .collect(Collectors.joining(", ")));
  }

  /**
   * Why two records have their grade.
   *
   * @param evidence with the prior in front, whose weights add up to the score, in bits
   */
  record Why(
      String grade,
      double score,
      String words,
      List<String> whyNotCertain,
      List<Evidence> evidence,
      String rulesVersion) {

    static Why of(Explanation explanation) {
      return new Why(
          ApiJson.label(explanation.comparison().grade()),
          explanation.comparison().score(),
          explanation.words(),
          explanation.whyNotCertain(),
          explanation.evidenceWithPrior(),
          explanation.rulesVersion());
    }
  }

  /** Where a visit is in the order of a member's visits. */
  static String position(MemberVisit visit) {
    return visit.onDate() + " " + visit.source() + " " + visit.patient();
  }

  /** Likewise of a transaction. */
  static String position(MemberTransaction transaction) {
    return transaction.source() + " " + transaction.id();
  }
}
