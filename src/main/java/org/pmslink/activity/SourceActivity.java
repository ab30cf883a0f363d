package org.pmslink.activity;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What mappings write for records that are no charts: the PMS's values under our names, not yet
 * cleaned. A name that is not listed here is a fault of the mapping.
 */
public sealed interface SourceActivity {

  /** Required. */
  @Nullable String sourceId();

  /** Whether it says of itself that it does not count. */
  default boolean isVoid() {
    return false;
  }

  /**
   * A visit.
   *
   * @param patient required; the chart's id in the PMS
   * @param date day at the office, ISO; not needed beside {@code start}
   * @param start ISO-8601 instant or local date-time; a local one is read in the office's zone
   * @param minutes how long it takes, instead of {@code end}
   * @param status a name of {@link ActivityRecord.VisitStatus}, case and hyphens as you like;
   *     anything else becomes UNKNOWN
   * @param appointment the visit (an appointment) that a procedure belongs to
   */
  record Visit(
      @Nullable String sourceId,
      @Nullable String patient,
      @Nullable String date,
      @Nullable String start,
      @Nullable String end,
      @Nullable Integer minutes,
      @Nullable String status,
      @Nullable String appointment,
      @Nullable String provider,
      @Nullable String clinic,
      @Nullable List<String> procedureCodes,
      @Nullable String modifiedAt)
      implements SourceActivity {

    @Override
    public boolean isVoid() {
      return status != null && status.strip().equalsIgnoreCase("deleted");
    }
  }

  /**
   * A transaction.
   *
   * @param patient required
   * @param date required, ISO
   * @param type a name of {@link ActivityRecord.TransactionKind}; anything else becomes UNKNOWN
   * @param amountCents required, whole cents; the mapping function {@code cents} makes them of
   *     dollars
   */
  record Transaction(
      @Nullable String sourceId,
      @Nullable String patient,
      @Nullable String payer,
      @Nullable String date,
      @Nullable String type,
      @Nullable Long amountCents,
      @Nullable String code,
      @Nullable Boolean voided,
      @Nullable String provider,
      @Nullable String clinic,
      @Nullable String modifiedAt)
      implements SourceActivity {

    @Override
    public boolean isVoid() {
      return Boolean.TRUE.equals(voided);
    }
  }

  /** A provider; {@code active} is true when left out. */
  record Provider(
      @Nullable String sourceId,
      @Nullable String abbreviation,
      @Nullable String family,
      @Nullable String given,
      @Nullable String suffix,
      @Nullable String npi,
      @Nullable Boolean active,
      @Nullable String modifiedAt)
      implements SourceActivity {}

  /** A clinic; {@code active} is true when left out. */
  record Clinic(
      @Nullable String sourceId,
      @Nullable String name,
      @Nullable String abbreviation,
      @Nullable Boolean active,
      @Nullable String modifiedAt)
      implements SourceActivity {}
}
