package org.pmslink.patient;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.Person.PostalAddress;
import org.pmslink.patient.SourcePatient.SourceAddress;

/**
 * Writes an address as USPS Publication 28 does, so that "12 North Main Street, Apartment 4" and
 * "12 N. MAIN ST #4" differ no more than they must. It rewrites words; it knows no real streets.
 */
final class AddressCleaner {
  private static final Map<String, Map<String, String>> WORDS =
      WordTables.read("usps-abbreviations.txt");
  private static final Map<String, String> STREET_SUFFIXES = table("street");
  private static final Map<String, String> DIRECTIONS = table("direction");
  private static final Map<String, String> UNITS = table("unit");
  private static final Map<String, String> STATES = table("state");
  private static final Set<String> STATE_CODES = Set.copyOf(STATES.values());

  private static final Set<String> FILLERS =
      Set.of(
          "NONE",
          "NA",
          "N/A",
          "UNKNOWN",
          "SAME",
          "NO ADDRESS",
          "BAD ADDRESS",
          "HOMELESS",
          "MOVED",
          "RETURNED MAIL",
          "UPDATE",
          "NEED ADDRESS",
          "XXX",
          "X",
          "-");
  private static final Set<String> UNITED_STATES =
      Set.of("US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA", "AMERICA");

  /** Where a zip code starts with a zero, which spreadsheets drop. */
  private static final Set<String> STATES_WITH_ZERO_ZIPS =
      Set.of("MA", "RI", "NH", "ME", "VT", "CT", "NJ", "PR", "VI");

  private AddressCleaner() {}

  private static Map<String, String> table(String name) {
    return WORDS.getOrDefault(name, Map.of());
  }

  static @Nullable PostalAddress clean(SourceAddress typed) {
    String country = plain("address.country", typed.country());
    String state = state(plain("address.state", typed.state()));
    String city = plain("address.city", typed.city());
    boolean american =
        country == null
            ? state == null || STATE_CODES.contains(state)
            : UNITED_STATES.contains(country);
    String postalCode =
        postalCode(plain("address.postalCode", typed.postalCode()), state, american);
    Lines lines =
        Lines.of(plain("address.line1", typed.line1()), plain("address.line2", typed.line2()));
    if (lines.line1 == null
        && lines.line2 == null
        && city == null
        && state == null
        && postalCode == null) {
      return null;
    }
    return new PostalAddress(lines.line1, lines.line2, city, state, postalCode);
  }

  /** Upper case with no punctuation but what numbers need; {@code null} for a filler. */
  private static @Nullable String plain(String field, @Nullable String raw) {
    String text = SourceText.clean(field, raw);
    if (text == null) {
      return null;
    }
    String upper = text.toUpperCase(Locale.US);
    StringBuilder out = new StringBuilder(upper.length() + 2);
    for (int i = 0; i < upper.length(); i++) {
      char c = upper.charAt(i);
      if (c == '.' || c == '\'' || c == '’' || c == '"') {
        continue;
      }
      boolean separator = c == ' ' || c == ',' || c == ';' || c == ':' || c == '(' || c == ')';
      if (c == '#' && !out.isEmpty() && out.charAt(out.length() - 1) != ' ') {
        out.append(' ');
      }
      if (!separator) {
        out.append(c);
      } else if (!out.isEmpty() && out.charAt(out.length() - 1) != ' ') {
        out.append(' ');
      }
      if (c == '#') {
        out.append(' ');
      }
    }
    String result = out.toString().trim();
    return result.isEmpty() || FILLERS.contains(result) ? null : result;
  }

  private static @Nullable String state(@Nullable String text) {
    if (text == null || text.length() == 2) {
      return text;
    }
    String code = STATES.get(text);
    return code == null ? STATES.getOrDefault(text.replace(" ", ""), text) : code;
  }

  /** Whether it is a state of the United States, by its name or its two letters. */
  static boolean isAmericanState(String typed) {
    String code = state(plain("address.state", typed));
    return code != null && STATE_CODES.contains(code);
  }

  private static @Nullable String postalCode(
      @Nullable String text, @Nullable String state, boolean american) {
    if (text == null || !american || text.chars().anyMatch(Character::isLetter)) {
      return text;
    }
    String digits = text.replace("-", "").replace(" ", "");
    boolean lostZero = digits.length() == 4 || digits.length() == 8;
    if (lostZero && state != null && STATES_WITH_ZERO_ZIPS.contains(state)) {
      digits = "0" + digits;
    }
    boolean complete = digits.length() == 5 || digits.length() == 9;
    if (!complete || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return null;
    }
    String zip = digits.substring(0, 5);
    return zip.equals("00000") || zip.equals("99999") ? null : zip;
  }

  /** The two street lines: street on the first, unit on the second. */
  private record Lines(@Nullable String line1, @Nullable String line2) {

    static Lines of(@Nullable String first, @Nullable String second) {
      if (first == null) {
        return second == null ? new Lines(null, null) : of(second, null);
      }
      if (isCareOf(first)) {
        return second == null ? of(afterCareOf(first), null) : of(second, null);
      }
      if (second != null && isCareOf(second)) {
        return of(first, null);
      }
      List<String> street = words(first);
      List<String> more = second == null ? List.of() : words(second);
      if (isUnit(street) && !more.isEmpty() && startsWithDigit(more.get(0))) {
        return of(second, first);
      }
      List<String> unit = takeUnit(street);
      abbreviateStreet(street);
      String line2 = join(unit, abbreviatedUnit(more));
      return new Lines(street.isEmpty() ? null : String.join(" ", street), line2);
    }

    private static boolean isCareOf(String line) {
      return line.startsWith("C/O ") || line.startsWith("ATTN ") || line.startsWith("% ");
    }

    /** {@code C/O JANE DOE 12 MAIN ST}: the street starts at the house number. */
    private static @Nullable String afterCareOf(String line) {
      for (int i = 0; i < line.length(); i++) {
        if (Character.isDigit(line.charAt(i))) {
          return line.substring(i);
        }
      }
      return null;
    }

    private static List<String> words(String line) {
      return new ArrayList<>(List.of(line.split(" ")));
    }

    private static boolean isUnit(List<String> words) {
      return !words.isEmpty() && UNITS.containsKey(words.get(0));
    }

    private static boolean startsWithDigit(String word) {
      return Character.isDigit(word.charAt(0));
    }

    /** Takes {@code APT 4} off the end of a street; a street called Key or Floor stays whole. */
    private static List<String> takeUnit(List<String> street) {
      for (int i = 2; i < street.size(); i++) {
        boolean mark = street.get(i).equals("#");
        boolean numbered = i + 1 < street.size() && isUnitNumber(street.get(i + 1));
        if ((mark && i + 1 < street.size()) || (UNITS.containsKey(street.get(i)) && numbered)) {
          List<String> tail = street.subList(i, street.size());
          List<String> unit = abbreviatedUnit(tail);
          tail.clear();
          return unit;
        }
      }
      return List.of();
    }

    private static boolean isUnitNumber(String word) {
      return word.equals("#") || word.length() == 1 || word.chars().anyMatch(Character::isDigit);
    }

    private static List<String> abbreviatedUnit(List<String> words) {
      List<String> unit = new ArrayList<>(words.size());
      for (String word : words) {
        boolean doubled = word.equals("#") && !unit.isEmpty();
        if (!doubled) {
          unit.add(UNITS.getOrDefault(word, word));
        }
      }
      return unit;
    }

    private static @Nullable String join(List<String> unit, List<String> more) {
      String first = String.join(" ", unit);
      String second = String.join(" ", more);
      if (first.isEmpty() || first.equals(second)) {
        return second.isEmpty() ? null : second;
      }
      return second.isEmpty() ? first : first + " " + second;
    }

    private static void abbreviateStreet(List<String> words) {
      if (words.size() >= 2 && isPostBox(words)) {
        return;
      }
      int last = words.size() - 1;
      // A direction behind the suffix: 100 MAIN STREET NORTHWEST.
      if (last >= 2
          && DIRECTIONS.containsKey(words.get(last))
          && STREET_SUFFIXES.containsKey(words.get(last - 1))) {
        words.set(last, DIRECTIONS.getOrDefault(words.get(last), words.get(last)));
        last--;
      }
      // COUNTY ROAD 12: the number is the street's name and stands behind.
      if (last >= 2 && startsWithDigit(words.get(last))) {
        last--;
      }
      if (last >= 1) {
        words.set(last, STREET_SUFFIXES.getOrDefault(words.get(last), words.get(last)));
      }
      // A direction in front, unless it is the street's own name: 12 NORTH ST.
      if (last >= 3 && startsWithDigit(words.get(0))) {
        words.set(1, DIRECTIONS.getOrDefault(words.get(1), words.get(1)));
      }
    }

    private static boolean isPostBox(List<String> words) {
      if (words.get(0).equals("BOX") || words.get(0).equals("POB")) {
        words.set(0, "PO BOX");
        return true;
      }
      if (words.get(0).equals("POBOX")) {
        words.set(0, "PO BOX");
        return true;
      }
      if (words.size() >= 3 && words.get(0).equals("P") && words.get(1).equals("O")) {
        words.remove(1);
        words.set(0, "PO");
      }
      if (words.size() >= 4
          && words.get(0).equals("POST")
          && words.get(1).equals("OFFICE")
          && words.get(2).equals("BOX")) {
        words.remove(1);
        words.set(0, "PO");
      }
      return words.get(0).equals("PO") && words.get(1).equals("BOX");
    }
  }
}
