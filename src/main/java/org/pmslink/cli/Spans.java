package org.pmslink.cli;

import java.time.Duration;
import java.util.Locale;

/** Spans of time as people read them: {@code 0:05:12}, or {@code 3 days}. */
final class Spans {
  private Spans() {}

  static String words(Duration span) {
    return span.toHours() >= 48
        ? span.toDays() + " days"
        : String.format(
            Locale.ROOT,
            "%d:%02d:%02d",
            span.toHours(),
            span.toMinutesPart(),
            span.toSecondsPart());
  }
}
