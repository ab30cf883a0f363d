package org.pmslink.linking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * A line of a file of a PMS's that is no record at all, on its way to become a dead letter: as a
 * record that holds where it stood and its text, so that a person can see what came, and put a
 * record in its place.
 */
public final class UnreadableLine {
  static final String PROBLEM =
      "a line of a file that the PMS exported is no JSON object; its text is in the letter";

  private static final String FIELD = "unreadableLine";

  /** More of it helps nobody, and there may be thousands. */
  private static final int LONGEST_TEXT = 10_000;

  private UnreadableLine() {}

  /**
   * @param file its number among those of the export, from 1
   * @param line likewise within the file
   */
  public static ObjectNode record(int file, int line, String text) {
    ObjectNode record = JsonNodeFactory.instance.objectNode();
    record
        .putObject(FIELD)
        .put("file", file)
        .put("line", line)
        .put("text", text.length() > LONGEST_TEXT ? text.substring(0, LONGEST_TEXT) : text);
    return record;
  }

  /** What such a record is known by; absent for any other record. */
  public static @Nullable String place(JsonNode record) {
    JsonNode unreadable = record.path(FIELD);
    return unreadable.path("file").isInt() && unreadable.path("line").isInt()
        ? "file-"
            + unreadable.path("file").intValue()
            + "-line-"
            + unreadable.path("line").intValue()
        : null;
  }
}
