package org.pmslink.patient;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDate;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
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

  /**
   * The same as long as the same is said of somebody, in whatever order: what of it tells them from
   * a twin or a namesake, a hyphen, and all of it, both as hashes. Whose account they are on is not
   * among it.
   */
  public String fingerprint() {
    Person all =
        new Person(
            name,
            birthDate,
            gender,
            ssnHash,
            ssnLast4,
            phones.stream()
                .sorted(Comparator.comparing(Phone::use).thenComparing(Phone::e164))
                .toList(),
            emails.stream().sorted().toList(),
            address,
            null);
    return ownName() + "-" + hash(RecordJson.write(all));
  }

  /** Whether whoever has a fingerprint has the given name, suffix and birth date of this one. */
  public boolean hasOwnNameOf(String fingerprint) {
    return fingerprint.startsWith(ownName() + "-");
  }

  private String ownName() {
    String given = name.given() == null ? "" : name.given().toLowerCase(Locale.ROOT);
    return hash(RecordJson.write(List.of(given, "" + name.suffix(), "" + birthDate)));
  }

  private static String hash(String text) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
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
