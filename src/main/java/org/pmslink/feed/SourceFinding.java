package org.pmslink.feed;

/**
 * Something that was found out by asking a PMS.
 *
 * @param place file and line; empty for the whole
 * @param text what is so, and what to do about it
 */
public record SourceFinding(Kind kind, String place, String text) {

  /** How bad it is. */
  public enum Kind {
    /** The feed would not run, or read what is not true. */
    WRONG,
    /** It would run, and somebody should know. */
    WARNING,
    /** Good to know. */
    NOTE
  }

  static SourceFinding wrong(String place, String text) {
    return new SourceFinding(Kind.WRONG, place, text);
  }

  static SourceFinding warning(String place, String text) {
    return new SourceFinding(Kind.WARNING, place, text);
  }

  static SourceFinding note(String place, String text) {
    return new SourceFinding(Kind.NOTE, place, text);
  }
}
