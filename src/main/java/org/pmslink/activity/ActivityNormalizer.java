package org.pmslink.activity;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.pmslink.activity.ActivityRecord.TransactionKind;
import org.pmslink.activity.ActivityRecord.VisitStatus;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.SourceText;
import org.pmslink.patient.SourceTime;

/**
 * Makes canonical records of what mappings write. A record without which the ledger or the schedule
 * would be wrong (no id, no patient, no date or amount of a transaction) is refused; a code that
 * nobody knows becomes UNKNOWN.
 */
public final class ActivityNormalizer {
  /** An honest appointment has a dozen procedures; Dentrix stops at twenty. */
  private static final int MOST_CODES = 200;

  private static final int LONGEST_MINUTES = 7 * 24 * 60;

  private ActivityNormalizer() {}

  /**
   * @param office the office's zone: of visits' local times, and of the day that they fall on
   * @param stamps zone of the change stamps that name none
   * @throws InvalidRecordException naming the field, never its value
   */
  public static ActivityRecord normalize(SourceActivity source, ZoneId office, ZoneId stamps) {
    String sourceId = required("sourceId", source.sourceId());
    if (source instanceof SourceActivity.Visit visit) {
      return visit(sourceId, visit, office, stamps);
    }
    if (source instanceof SourceActivity.Transaction transaction) {
      return transaction(sourceId, transaction, stamps);
    }
    if (source instanceof SourceActivity.Provider provider) {
      return new ActivityRecord.Provider(
          sourceId,
          SourceText.clean("abbreviation", provider.abbreviation()),
          SourceText.clean("family", provider.family()),
          SourceText.clean("given", provider.given()),
          SourceText.clean("suffix", provider.suffix()),
          SourceText.clean("npi", provider.npi()),
          !Boolean.FALSE.equals(provider.active()),
          modified(provider.modifiedAt(), stamps));
    }
    SourceActivity.Clinic clinic = (SourceActivity.Clinic) source;
    return new ActivityRecord.Clinic(
        sourceId,
        SourceText.clean("name", clinic.name()),
        SourceText.clean("abbreviation", clinic.abbreviation()),
        !Boolean.FALSE.equals(clinic.active()),
        modified(clinic.modifiedAt(), stamps));
  }

  private static ActivityRecord visit(
      String sourceId, SourceActivity.Visit source, ZoneId office, ZoneId stamps) {
    Instant start = time("start", source.start(), office);
    Instant end = time("end", source.end(), office);
    Integer minutes = source.minutes();
    if (minutes != null && (minutes < 0 || minutes > LONGEST_MINUTES)) {
      throw new InvalidRecordException("minutes", "not a length of a visit");
    }
    if (end == null && start != null && minutes != null) {
      end = start.plus(minutes, ChronoUnit.MINUTES);
    }
    LocalDate date = date("date", source.date());
    VisitStatus status = named(VisitStatus.class, source.status(), VisitStatus.UNKNOWN);
    LocalDate onDate = date == null && start != null ? LocalDate.ofInstant(start, office) : date;
    if (onDate == null && status == VisitStatus.COMPLETED) {
      throw new InvalidRecordException("date", "missing, and the visit is said to be completed");
    }
    return new ActivityRecord.Visit(
        sourceId,
        required("patient", source.patient()),
        onDate,
        start,
        end,
        status,
        SourceText.id("appointment", source.appointment()),
        SourceText.id("provider", source.provider()),
        SourceText.id("clinic", source.clinic()),
        codes(source.procedureCodes()),
        modified(source.modifiedAt(), stamps));
  }

  private static List<String> codes(@Nullable List<String> codes) {
    if (codes == null) {
      return List.of();
    }
    if (codes.size() > MOST_CODES) {
      throw new InvalidRecordException("procedureCodes", "more than " + MOST_CODES);
    }
    return codes.stream()
        .map(code -> SourceText.clean("procedureCodes", code))
        .filter(Objects::nonNull)
        .toList();
  }

  private static ActivityRecord transaction(
      String sourceId, SourceActivity.Transaction source, ZoneId stamps) {
    Long cents = source.amountCents();
    if (cents == null) {
      throw new InvalidRecordException("amountCents", "missing");
    }
    LocalDate date = date("date", source.date());
    if (date == null) {
      throw new InvalidRecordException("date", "missing");
    }
    return new ActivityRecord.Transaction(
        sourceId,
        required("patient", source.patient()),
        SourceText.id("payer", source.payer()),
        date,
        named(TransactionKind.class, source.type(), TransactionKind.UNKNOWN),
        cents,
        SourceText.clean("code", source.code()),
        Boolean.TRUE.equals(source.voided()),
        SourceText.id("provider", source.provider()),
        SourceText.id("clinic", source.clinic()),
        modified(source.modifiedAt(), stamps));
  }

  private static String required(String field, @Nullable String raw) {
    String text = SourceText.id(field, raw);
    if (text == null) {
      throw new InvalidRecordException(field, "missing");
    }
    return text;
  }

  private static @Nullable LocalDate date(String field, @Nullable String raw) {
    String text = SourceText.clean(field, raw);
    try {
      return text == null ? null : SourceTime.date(text);
    } catch (DateTimeException e) {
      throw new InvalidRecordException(field, "not a date; a mapping writes yyyy-MM-dd");
    }
  }

  private static @Nullable Instant time(String field, @Nullable String raw, ZoneId zone) {
    String text = SourceText.clean(field, raw);
    try {
      return text == null ? null : SourceTime.instant(text, zone);
    } catch (DateTimeException e) {
      throw new InvalidRecordException(field, "not a time; a mapping writes yyyy-MM-ddTHH:mm:ss");
    }
  }

  /** A stamp that cannot be read is no reason to lose a payment. */
  private static @Nullable Instant modified(@Nullable String raw, ZoneId zone) {
    String text = SourceText.clean("modifiedAt", raw);
    try {
      return text == null ? null : SourceTime.instant(text, zone);
    } catch (DateTimeException e) {
      return null;
    }
  }

  private static <E extends Enum<E>> E named(Class<E> type, @Nullable String raw, E unknown) {
    if (raw == null) {
      return unknown;
    }
    String name = raw.strip().toUpperCase(Locale.ROOT).replace('-', '_').replace(' ', '_');
    for (E value : type.getEnumConstants()) {
      if (value.name().equals(name)) {
        return value;
      }
    }
    return unknown;
  }
}
