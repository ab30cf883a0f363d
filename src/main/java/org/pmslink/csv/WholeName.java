package org.pmslink.csv;

import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A name that stands in one column: {@code Smith, John A}, or {@code John A Smith}.
 *
 * @param middle an initial; a second given name stays with the first
 */
record WholeName(String family, String given, String middle, String suffix) {
  private static final Set<String> SUFFIXES = Set.of("jr", "sr", "ii", "iii", "iv");

  static WholeName of(String text) {
    int comma = text.indexOf(',');
    if (comma < 0) {
      return ofWords(List.of(text.strip().split("\\s+")));
    }
    String family = text.substring(0, comma).strip();
    String rest = text.substring(comma + 1).strip();
    int another = rest.indexOf(',');
    if (another >= 0) {
      String first = rest.substring(0, another).strip();
      String second = rest.substring(another + 1).strip();
      // "Smith, John, Jr" and "Smith, Jr, John" are both written.
      return isSuffix(first) ? given(family, second, first) : given(family, first, second);
    }
    return isSuffix(rest) ? new WholeName(family, "", "", rest) : given(family, rest, "");
  }

  private static WholeName given(String family, String given, String suffix) {
    int blank = given.lastIndexOf(' ');
    String last = blank < 0 ? "" : given.substring(blank + 1);
    return isInitial(last)
        ? new WholeName(family, given.substring(0, blank).strip(), last, suffix)
        : new WholeName(family, given, "", suffix);
  }

  private static WholeName ofWords(List<String> words) {
    int end = words.size();
    String suffix = end > 1 && isSuffix(words.get(end - 1)) ? words.get(--end) : "";
    String family = words.get(end - 1);
    return given(family, String.join(" ", words.subList(0, end - 1)), suffix);
  }

  private static boolean isInitial(String word) {
    return (word.length() == 1 && Character.isLetter(word.charAt(0)))
        || (word.length() == 2 && Character.isLetter(word.charAt(0)) && word.charAt(1) == '.');
  }

  private static boolean isSuffix(String word) {
    return SUFFIXES.contains(word.replace(".", "").toLowerCase(Locale.ROOT));
  }
}
