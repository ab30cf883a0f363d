package org.pmslink.patient;

import java.time.Instant;
import java.time.LocalDate;
import java.util.SortedSet;
import org.jspecify.annotations.Nullable;

/**
 * One chart of a PMS in canonical form. Practice and source system are not part of it: they belong
 * to the feed that read it.
 *
 * @param sourceId the chart's id in the PMS, kept as text
 * @param chartNumber a second id the office uses, often the id from a former PMS
 * @param mergedIntoSourceId the surviving chart, when the PMS says in the record itself that this
 *     chart was merged
 * @param language as the PMS writes it, usually ISO 639
 * @param clinicId the PMS's id of the office location
 * @param providerId the PMS's id of the primary provider
 * @param sourceModifiedAt the PMS's own change stamp; part of no hash
 * @param contentHash SHA-256 over every field but {@code sourceModifiedAt}, 64 hexadecimal digits;
 *     two records with equal hashes say the same
 */
public record PatientRecord(
    String sourceId,
    @Nullable String chartNumber,
    PatientStatus status,
    @Nullable String mergedIntoSourceId,
    Person person,
    @Nullable LocalDate deceasedAt,
    @Nullable String language,
    Consent consentSms,
    Consent consentEmail,
    Consent consentCall,
    boolean child,
    @Nullable String clinicId,
    @Nullable String providerId,
    @Nullable LocalDate firstVisit,
    @Nullable LocalDate sourceCreatedAt,
    @Nullable Instant sourceModifiedAt,
    SortedSet<QualityFlag> qualityFlags,
    String contentHash) {

  /** What a chart is to the practice. */
  public enum PatientStatus {
    ACTIVE,
    INACTIVE,
    ARCHIVED,
    DECEASED,
    NON_PATIENT,
    PROSPECT,
    DELETED,
    DUPLICATE,
    UNKNOWN
  }

  /** Whether somebody may be contacted in a way. */
  public enum Consent {
    YES,
    NO,
    UNKNOWN
  }

  /** What normalisation found wrong, or had to repair; shown to staff, never a reason to fail. */
  public enum QualityFlag {
    BIRTH_DATE_MISSING,
    BIRTH_DATE_FILLER,
    BIRTH_DATE_IMPOSSIBLE,
    NAME_MISSING,
    NAME_HAD_NOTE,
    NAME_HAD_SUFFIX,
    NAME_HAD_NICKNAME,
    PHONE_UNREADABLE,
    PHONE_FILLER,
    EMAIL_UNREADABLE,
    EMAIL_FILLER,
    SSN_FILLER,
    SSN_UNREADABLE,
    STATUS_UNKNOWN,
    GENDER_UNKNOWN_CODE,
    DATE_UNREADABLE,
    TEST_PATIENT,
    NOT_A_PERSON
  }
}
