package org.pmslink.patient;

import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who somebody is, cleaned: what a patient of a PMS and a member of the store have in common and
 * what matching compares. A missing, unreadable or filler value is {@code null} or absent, never an
 * invented one.
 *
 * @param ssnHash keyed hash of the full nine digits; the number itself is never kept
 * @param ssnLast4 last four digits, also when the source holds nothing more
 * @param guarantorId the id, in the same system, of the head of household
 */
public record Person(
    PersonName name,
    @Nullable LocalDate birthDate,
    Gender gender,
    @Nullable String ssnHash,
    @Nullable String ssnLast4,
    List<Phone> phones,
    List<String> emails,
    @Nullable PostalAddress address,
    @Nullable String guarantorId) {

  public Person {
    phones = List.copyOf(phones);
    emails = List.copyOf(emails);
  }

  /** Administrative gender, as FHIR R4 names it. */
  public enum Gender {
    MALE,
    FEMALE,
    OTHER,
    UNKNOWN
  }

  /**
   * A name as written, trimmed and in readable case, with suffix, notes and nicknames taken out of
   * the family and given name.
   *
   * @param suffix JR, SR, II, III, IV or V
   * @param preferred the name the person goes by, from its own field or from {@code Robert "Bob"}
   */
  public record PersonName(
      @Nullable String family,
      @Nullable String given,
      @Nullable String middle,
      @Nullable String suffix,
      @Nullable String prefix,
      @Nullable String preferred) {}

  /**
   * A telephone number that can be dialled.
   *
   * @param e164 for example {@code +16145550123}
   */
  public record Phone(PhoneUse use, String e164) {}

  /** Where a telephone rings. */
  public enum PhoneUse {
    HOME,
    WORK,
    MOBILE
  }

  /**
   * A postal address in the manner of USPS Publication 28: upper case, standard abbreviations.
   *
   * @param line1 house number and street
   * @param line2 unit, for example {@code APT 4}
   * @param state two-letter code where it is one
   * @param postalCode five digits in the US
   */
  public record PostalAddress(
      @Nullable String line1,
      @Nullable String line2,
      @Nullable String city,
      @Nullable String state,
      @Nullable String postalCode) {}
}
