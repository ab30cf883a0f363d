package org.pmslink.access;

import java.util.Locale;
import java.util.Optional;

/**
 * How a member or a chart stands in the details of the audit, so that whoever is asked about is
 * told from counts and from numbers of other things.
 */
final class AuditSubject {
  private AuditSubject() {}

  /**
   * A regular expression for the places where a detail names somebody: alone, in a list, or with
   * one of the words that details have there.
   */
  static String pattern(String subject) {
    StringBuilder quoted = new StringBuilder();
    subject.codePoints().forEach(c -> quoted.append(isPlain(c) ? "" : "\\").appendCodePoint(c));
    return "(^|\\[|[,:;] |with |and |into |to |of |link |apart )"
        + quoted
        + "($|[],:;]| with| and| into| by)";
  }

  private static boolean isPlain(int c) {
    return c > 127 || Character.isLetterOrDigit(c) || c == ' ' || c == '_';
  }

  /** Source and id of what looks like a chart with a blank where details have a slash. */
  static Optional<String[]> typedChart(String typed) {
    String[] parts = typed.strip().split("\\s+", -1);
    return parts.length == 2 && typed.indexOf('/') < 0
        ? Optional.of(new String[] {parts[0].toLowerCase(Locale.ROOT), parts[1]})
        : Optional.empty();
  }

  /** Members may be numbered as letters are; charts never. */
  static boolean mayBeALetter(String subject) {
    return subject.toLowerCase(Locale.ROOT).matches("[0-9]+");
  }
}
