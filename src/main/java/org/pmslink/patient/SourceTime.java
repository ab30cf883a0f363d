package org.pmslink.patient;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import org.jspecify.annotations.Nullable;

/** Dates and times as mappings write them: ISO, with the fillers that stand for "none". */
public final class SourceTime {
  private SourceTime() {}

  /**
   * A date: {@code yyyy-MM-dd}, also with a time behind it, or {@code yyyyMMdd}.
   *
   * @param text cleaned
   * @return {@code null} for a filler
   * @throws DateTimeException when it is none of these, or no day of the calendar; its message
   *     quotes nothing
   */
  public static @Nullable LocalDate date(String text) {
    int ymd = yearMonthDay(text);
    if (ymd >= 0 && isFiller(ymd)) {
      return null;
    }
    LocalDate date = ymd < 0 ? null : calendarDate(ymd);
    if (date == null) {
      throw new DateTimeException("not a date");
    }
    return date;
  }

  /**
   * An ISO-8601 instant, or a local date-time (a blank may stand for the T) or date.
   *
   * @param text cleaned
   * @param zone for those that name none
   * @return {@code null} for a filler
   * @throws DateTimeException when it cannot be read; its message quotes nothing
   */
  public static @Nullable Instant instant(String text, ZoneId zone) {
    int ymd = yearMonthDay(text);
    if (ymd < 0) {
      throw new DateTimeException("not a time");
    }
    if (isFiller(ymd)) {
      return null;
    }
    try {
      return parsed(text, zone);
    } catch (DateTimeException e) {
      throw new DateTimeException("not a time");
    }
  }

  private static Instant parsed(String text, ZoneId zone) {
    if (text.length() == 8) {
      return LocalDate.parse(text, java.time.format.DateTimeFormatter.BASIC_ISO_DATE)
          .atStartOfDay(zone)
          .toInstant();
    }
    if (text.length() <= 10) {
      return LocalDate.parse(text).atStartOfDay(zone).toInstant();
    }
    String iso = text.charAt(10) == ' ' ? text.substring(0, 10) + "T" + text.substring(11) : text;
    String time = iso.substring(11);
    boolean hasOffset =
        time.endsWith("Z") || time.endsWith("z") || time.indexOf('+') > 0 || time.indexOf('-') > 0;
    return hasOffset
        ? OffsetDateTime.parse(iso).toInstant()
        : LocalDateTime.parse(iso).atZone(zone).toInstant();
  }

  /** {@code yyyy-MM-dd}, also with a time behind it, or {@code yyyyMMdd}; -1 for anything else. */
  static int yearMonthDay(String text) {
    boolean dashed = text.length() >= 10 && text.charAt(4) == '-' && text.charAt(7) == '-';
    if (dashed) {
      char behind = text.length() == 10 ? 'T' : text.charAt(10);
      return behind == 'T' || behind == ' '
          ? number(text.substring(0, 4) + text.substring(5, 7) + text.substring(8, 10))
          : -1;
    }
    return text.length() == 8 ? number(text) : -1;
  }

  private static int number(String digits) {
    int value = 0;
    for (int i = 0; i < digits.length(); i++) {
      int digit = digits.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value * 10 + digit;
    }
    return value;
  }

  /**
   * What systems and people write for "no date": the first day of their calendar (Open Dental
   * 0001-01-01, SQL Server 1753, OLE 1899-12-30, staff 1900-01-01) or its last.
   */
  static boolean isFiller(int ymd) {
    int year = ymd / 10_000;
    return ymd == 0
        || ymd == 1_01_01
        || year == 0
        || year == 1753
        || ymd == 1899_12_30
        || ymd == 1899_12_31
        || ymd == 1900_01_01
        || year == 9999;
  }

  static @Nullable LocalDate calendarDate(int ymd) {
    try {
      return LocalDate.of(ymd / 10_000, ymd / 100 % 100, ymd % 100);
    } catch (DateTimeException noSuchDay) {
      return null;
    }
  }
}
