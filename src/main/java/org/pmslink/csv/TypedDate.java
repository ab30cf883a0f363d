package org.pmslink.csv;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A date as people and spreadsheets write it. */
final class TypedDate {
  private static final Pattern NUMBERS =
      Pattern.compile("(\\d{1,4})\\s?[/.-]\\s?(\\d{1,2})\\s?[/.-]\\s?(\\d{1,4})(?:[ T].*)?");
  private static final Pattern DAY_AND_WORD =
      Pattern.compile("(\\d{1,2})[-/. ]+(\\p{L}{3,9})\\.?,?[-/. ]*(\\d{4}|\\d{2})(?:[ T].*)?");
  private static final Pattern WORD_AND_DAY =
      Pattern.compile("(\\p{L}{3,9})\\.?[-/. ]+(\\d{1,2}),?[-/. ]+(\\d{4}|\\d{2})(?:[ T].*)?");
  private static final Pattern SERIAL = Pattern.compile("(\\d{5})(?:\\.\\d*)?");
  private static final Pattern COMPACT = Pattern.compile("\\d{8}");
  private static final Pattern NONE =
      Pattern.compile("(?i)[0/\\s.:\\-]*|n/?a|none|unknown|null|not given");
  private static final List<String> MONTHS =
      List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");

  /** The day before Excel's day 1, with the leap day of 1900 that Excel believes in. */
  private static final LocalDate EXCEL_ZERO = LocalDate.of(1899, 12, 30);

  private TypedDate() {}

  /** What comes first in 5/6/1980. */
  enum Order {
    MONTH_FIRST,
    DAY_FIRST
  }

  /** What the dates of a file tell about their order: 13 and more can be no month. */
  static final class Evidence {
    private long monthFirst;
    private long dayFirst;

    void see(String text) {
      Matcher numbers = NUMBERS.matcher(text);
      if (!numbers.matches() || numbers.group(1).length() > 2) {
        return;
      }
      int first = Integer.parseInt(numbers.group(1));
      int second = Integer.parseInt(numbers.group(2));
      if (first > 12 && first <= 31 && second <= 12) {
        dayFirst++;
      } else if (second > 12 && second <= 31 && first <= 12) {
        monthFirst++;
      }
    }

    Order order() {
      return dayFirst > monthFirst ? Order.DAY_FIRST : Order.MONTH_FIRST;
    }

    /** In words, with how many dates tell. */
    String words() {
      if (dayFirst == 0 && monthFirst == 0) {
        return "month first (no date of the file tells)";
      }
      String other =
          Math.min(dayFirst, monthFirst) == 0
              ? ""
              : ", though " + Math.min(dayFirst, monthFirst) + " tell otherwise";
      return (order() == Order.DAY_FIRST ? "day first" : "month first")
          + " ("
          + Math.max(dayFirst, monthFirst)
          + " dates tell"
          + other
          + ")";
    }
  }

  /**
   * The date as {@code yyyy-MM-dd}.
   *
   * @param today two digits of a year mean the last such year up to this day
   * @return empty for a filler, {@code null} when it is no date in this order
   */
  static @Nullable String iso(String text, Order order, LocalDate today) {
    if (NONE.matcher(text).matches()) {
      return "";
    }
    Matcher numbers = NUMBERS.matcher(text);
    if (numbers.matches()) {
      return ofNumbers(numbers, order, today);
    }
    Matcher serial = SERIAL.matcher(text);
    if (serial.matches()) {
      return EXCEL_ZERO.plusDays(Integer.parseInt(serial.group(1))).toString();
    }
    if (COMPACT.matcher(text).matches()) {
      return date(number(text, 0, 4), number(text, 4, 6), number(text, 6, 8));
    }
    Matcher worded = DAY_AND_WORD.matcher(text);
    if (worded.matches()) {
      return date(worded.group(3), month(worded.group(2)), worded.group(1), today);
    }
    worded = WORD_AND_DAY.matcher(text);
    return worded.matches()
        ? date(worded.group(3), month(worded.group(1)), worded.group(2), today)
        : null;
  }

  private static @Nullable String ofNumbers(Matcher numbers, Order order, LocalDate today) {
    String first = numbers.group(1);
    String second = numbers.group(2);
    String third = numbers.group(3);
    if (first.length() == 4) {
      return third.length() > 2
          ? null
          : date(Integer.parseInt(first), Integer.parseInt(second), Integer.parseInt(third));
    }
    if (first.length() == 3) {
      return null;
    }
    return order == Order.MONTH_FIRST
        ? date(third, Integer.parseInt(first), second, today)
        : date(third, Integer.parseInt(second), first, today);
  }

  private static int month(String word) {
    return 1 + MONTHS.indexOf(word.substring(0, 3).toLowerCase(Locale.ROOT));
  }

  private static int number(String text, int from, int to) {
    return Integer.parseInt(text.substring(from, to));
  }

  private static @Nullable String date(String year, int month, String day, LocalDate today) {
    int typed = Integer.parseInt(year);
    if (year.length() == 4) {
      return date(typed, month, Integer.parseInt(day));
    }
    if (year.length() != 2) {
      return null;
    }
    String recent = date(2000 + typed, month, Integer.parseInt(day));
    return recent != null && recent.compareTo(today.toString()) <= 0
        ? recent
        : date(1900 + typed, month, Integer.parseInt(day));
  }

  private static @Nullable String date(int year, int month, int day) {
    try {
      return LocalDate.of(year, month, day).toString();
    } catch (DateTimeException noSuchDay) {
      return null;
    }
  }
}
