package org.pmslink.activity;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A record of a PMS in canonical form that is no chart. Practice, source system and stream are not
 * part of it: they belong to the feed that read it.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = ActivityRecord.Visit.class, name = "visit"),
  @JsonSubTypes.Type(value = ActivityRecord.Transaction.class, name = "transaction"),
  @JsonSubTypes.Type(value = ActivityRecord.Provider.class, name = "provider"),
  @JsonSubTypes.Type(value = ActivityRecord.Clinic.class, name = "clinic")
})
public sealed interface ActivityRecord {

  /** Its id in the PMS, unique within its stream. */
  String sourceId();

  /** The PMS's own change stamp. */
  @Nullable Instant sourceModifiedAt();

  /** Whether it says of itself that it does not count; of interest only if it did before. */
  @JsonIgnore
  default boolean isVoid() {
    return false;
  }

  /**
   * An appointment, or a completed procedure that may belong to one. What staff call a visit is a
   * patient's day: all of these that fall on it.
   *
   * @param patient the chart's id in the PMS
   * @param onDate the day at the office; absent while nothing is scheduled
   * @param startsAt when it starts, where the PMS knows the time
   * @param appointment the appointment that a procedure was done in; absent for a walk-in and for
   *     appointments themselves
   * @param procedureCodes CDT codes, such as D0120
   */
  record Visit(
      String sourceId,
      String patient,
      @Nullable LocalDate onDate,
      @Nullable Instant startsAt,
      @Nullable Instant endsAt,
      VisitStatus status,
      @Nullable String appointment,
      @Nullable String provider,
      @Nullable String clinic,
      List<String> procedureCodes,
      @Nullable Instant sourceModifiedAt)
      implements ActivityRecord {

    @Override
    public boolean isVoid() {
      return status == VisitStatus.DELETED;
    }
  }

  /** Where a visit stands. */
  enum VisitStatus {
    SCHEDULED,
    COMPLETED,
    /** Missed, or cancelled too late. */
    BROKEN,
    /** Off the schedule. */
    CANCELLED,
    DELETED,
    /** A code that the mapping does not know. */
    UNKNOWN
  }

  /**
   * A line of the ledger.
   *
   * @param patient the chart whose account it is on
   * @param payer the chart that paid, where the PMS tells it and it is another one
   * @param amountCents in cents: what was charged, paid or refunded; an adjustment below zero
   *     lessens what is owed
   * @param code procedure, adjustment or payment code of the PMS
   * @param voided no longer counts; the row is kept because the PMS keeps it
   */
  record Transaction(
      String sourceId,
      String patient,
      @Nullable String payer,
      LocalDate onDate,
      TransactionKind type,
      long amountCents,
      @Nullable String code,
      boolean voided,
      @Nullable String provider,
      @Nullable String clinic,
      @Nullable Instant sourceModifiedAt)
      implements ActivityRecord {

    @Override
    public boolean isVoid() {
      return voided;
    }
  }

  /** What a transaction does. */
  enum TransactionKind {
    CHARGE,
    PATIENT_PAYMENT,
    INSURANCE_PAYMENT,
    ADJUSTMENT,
    REFUND,
    /** A code that the mapping does not know. */
    UNKNOWN
  }

  /**
   * Somebody who treats.
   *
   * @param abbreviation as the office calls them
   * @param npi national provider identifier, ten digits
   */
  record Provider(
      String sourceId,
      @Nullable String abbreviation,
      @Nullable String family,
      @Nullable String given,
      @Nullable String suffix,
      @Nullable String npi,
      boolean active,
      @Nullable Instant sourceModifiedAt)
      implements ActivityRecord {}

  /** A place of the practice. */
  record Clinic(
      String sourceId,
      @Nullable String name,
      @Nullable String abbreviation,
      boolean active,
      @Nullable Instant sourceModifiedAt)
      implements ActivityRecord {}
}
