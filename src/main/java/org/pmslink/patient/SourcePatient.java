package org.pmslink.patient;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a mapping writes: the PMS's values under our names, not yet cleaned. Every value is text as
 * the PMS has it; {@link PatientNormalizer} does the rest. Bound from the mapping's JSON, where a
 * name that is not listed here is a fault of the mapping.
 *
 * @param sourceId required; the only field without which there is no record
 * @param status a name of {@link PatientRecord.PatientStatus}; anything else becomes UNKNOWN with a
 *     quality flag
 * @param replaces charts that were merged into this one; {@code mergedInto} says it of the other
 *     side
 * @param gender male, female, other, unknown (any case); anything else becomes UNKNOWN with a flag
 * @param child {@code true} when the PMS files the person as a child
 * @param birthDate ISO {@code yyyy-MM-dd}, a time after it is ignored; likewise the other dates
 * @param modifiedAt ISO-8601 instant or local date-time; a local one is read in the feed's zone
 * @param consentSms yes, no or unknown; likewise the other consents
 */
public record SourcePatient(
    @Nullable String sourceId,
    @Nullable String chartNumber,
    @Nullable String status,
    @Nullable String mergedInto,
    @Nullable String family,
    @Nullable String given,
    @Nullable String middle,
    @Nullable String suffix,
    @Nullable String prefix,
    @Nullable String preferred,
    @Nullable String birthDate,
    @Nullable String gender,
    @Nullable String ssn,
    @Nullable List<SourcePhone> phones,
    @Nullable List<String> emails,
    @Nullable SourceAddress address,
    @Nullable String guarantor,
    @Nullable Boolean child,
    @Nullable String deceasedAt,
    @Nullable String language,
    @Nullable String consentSms,
    @Nullable String consentEmail,
    @Nullable String consentCall,
    @Nullable String clinic,
    @Nullable String provider,
    @Nullable String firstVisit,
    @Nullable String createdAt,
    @Nullable String modifiedAt,
    @Nullable List<String> replaces) {

  /** A person who is no chart: what only a PMS says of somebody is absent. */
  public static SourcePatient person(
      @Nullable String sourceId,
      @Nullable String family,
      @Nullable String given,
      @Nullable String middle,
      @Nullable String suffix,
      @Nullable String preferred,
      @Nullable String birthDate,
      @Nullable String gender,
      @Nullable String ssn,
      @Nullable List<SourcePhone> phones,
      @Nullable List<String> emails,
      @Nullable SourceAddress address,
      @Nullable String guarantor) {
    return new SourcePatient(
        sourceId, null, null, null, family, given, middle, suffix, null, preferred, birthDate,
        gender, ssn, phones, emails, address, guarantor, null, null, null, null, null, null, null,
        null, null, null, null, null);
  }

  /** A telephone as typed; {@code use} is home, work or mobile. */
  public record SourcePhone(@Nullable String use, @Nullable String number) {}

  /** An address as typed. */
  public record SourceAddress(
      @Nullable String line1,
      @Nullable String line2,
      @Nullable String city,
      @Nullable String state,
      @Nullable String postalCode,
      @Nullable String country) {}
}
