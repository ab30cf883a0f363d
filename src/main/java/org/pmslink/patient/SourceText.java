package org.pmslink.patient;

import java.text.Normalizer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One typed value, made safe to store and fit to compare. */
public final class SourceText {
  /** Longer than any honest value; a mapping that writes more has read the wrong thing. */
  static final int MAX_LENGTH = 10_000;

  private static final int LONGEST_ID = 200;

  /** What becomes of 1e400 on its way: all such numbers would be one id. */
  private static final Set<String> NOT_FINITE = Set.of("Infinity", "-Infinity", "NaN");

  private SourceText() {}

  /**
   * Trims, makes every run of blanks, tabs and no-break spaces one blank, composes accents and
   * drops what cannot be stored or seen: NUL (PostgreSQL refuses it), other control characters,
   * zero-width characters and halves of surrogate pairs.
   *
   * @return {@code null} when nothing is left
   * @throws InvalidRecordException naming the field when the text is absurdly long
   */
  public static @Nullable String clean(String field, @Nullable String raw) {
    if (raw == null) {
      return null;
    }
    if (raw.length() > MAX_LENGTH) {
      throw new InvalidRecordException(field, "longer than " + MAX_LENGTH + " characters");
    }
    if (raw.isEmpty()) {
      return null;
    }
    return isTidy(raw) ? raw : tidied(raw);
  }

  /**
   * An id without the blanks around it, which an index must be able to hold. What else {@link
   * #clean} would drop is refused: without it, the id may be another's.
   *
   * @throws InvalidRecordException naming the field when the id is longer than any is, holds
   *     characters that cannot be seen, or was a number too large for one
   */
  public static @Nullable String id(String field, @Nullable String raw) {
    String id = clean(field, raw);
    if (raw != null && !isTidy(raw) && raw.codePoints().anyMatch(SourceText::isUnseen)) {
      throw new InvalidRecordException(
          field, "holds control characters or others that cannot be seen, which no id does");
    }
    if (id != null && NOT_FINITE.contains(id)) {
      throw new InvalidRecordException(
          field, "a number that is too large to be kept as it is; send the id as text");
    }
    if (id != null && id.length() > LONGEST_ID) {
      throw new InvalidRecordException(
          field, "longer than " + LONGEST_ID + " characters, which no id is");
    }
    return id;
  }

  private static boolean isTidy(String text) {
    boolean blankBefore = true;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < ' ' || c > '~' || (c == ' ' && blankBefore)) {
        return false;
      }
      blankBefore = c == ' ';
    }
    return !blankBefore;
  }

  private static boolean isUnseen(int c) {
    int type = Character.getType(c);
    return type == Character.CONTROL || type == Character.FORMAT || type == Character.SURROGATE;
  }

  private static @Nullable String tidied(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean blankDue = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (Character.isWhitespace(c) || Character.isSpaceChar(c)) {
        blankDue = true;
        continue;
      }
      if (isUnseen(c)) {
        continue;
      }
      if (blankDue && !out.isEmpty()) {
        out.append(' ');
      }
      blankDue = false;
      out.appendCodePoint(c);
    }
    return out.isEmpty() ? null : Normalizer.normalize(out, Normalizer.Form.NFC);
  }
}
