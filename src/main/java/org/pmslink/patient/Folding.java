package org.pmslink.patient;

import java.text.Normalizer;
import org.jspecify.annotations.Nullable;

/**
 * Reduces a text to what two people would agree on: lower case, no accents, no apostrophes, blanks
 * or hyphens. {@code O’Brien}, {@code O BRIEN} and {@code obrien} are one.
 */
public final class Folding {
  private Folding() {}

  /** The letters and digits of a text, folded; empty for {@code null}. */
  public static String fold(@Nullable String text) {
    if (text == null || text.isEmpty()) {
      return "";
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 'a' || c > 'z') {
        return folded(text);
      }
    }
    return text;
  }

  private static String folded(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c > '~') {
        return foldedBeyondAscii(text);
      }
      appendLetterOrDigit(c, out);
    }
    return out.toString();
  }

  private static void appendLetterOrDigit(char c, StringBuilder out) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      out.append(c);
    } else if (c >= 'A' && c <= 'Z') {
      out.append((char) (c + 'a' - 'A'));
    }
  }

  private static String foldedBeyondAscii(String text) {
    String decomposed = Normalizer.normalize(text, Normalizer.Form.NFKD);
    StringBuilder out = new StringBuilder(decomposed.length());
    for (int i = 0; i < decomposed.length(); ) {
      int c = decomposed.codePointAt(i);
      i += Character.charCount(c);
      if (c <= '~') {
        appendLetterOrDigit((char) c, out);
        continue;
      }
      // Letters that Unicode does not decompose, as a US keyboard writes them.
      switch (c) {
        case 'ß' -> out.append("ss");
        case 'æ', 'Æ' -> out.append("ae");
        case 'œ', 'Œ' -> out.append("oe");
        case 'ø', 'Ø' -> out.append('o');
        case 'ł', 'Ł' -> out.append('l');
        case 'đ', 'Đ', 'ð', 'Ð' -> out.append('d');
        case 'þ', 'Þ' -> out.append("th");
        case 'ı' -> out.append('i');
        default -> {
          if (Character.isLetterOrDigit(c)) {
            out.appendCodePoint(Character.toLowerCase(c));
          }
        }
      }
    }
    return out.toString();
  }
}
