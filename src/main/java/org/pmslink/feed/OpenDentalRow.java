package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * A row as Open Dental's REST API writes it, asked or of its own accord. Both become the same
 * record, so that one which was sent is found unchanged when it is asked for.
 */
public final class OpenDentalRow {
  /**
   * Rows of these change without their record having changed, or hold what is nobody's business
   * here.
   */
  private static final List<String> LEFT_OUT =
      List.of("serverDateTime", "EstBalance", "BalTotal", "FamFinUrgNote", "Note", "PayNote");

  private OpenDentalRow() {}

  /** The row without what is no part of its record; what is no row stays as it is. */
  public static JsonNode record(JsonNode row) {
    if (row instanceof ObjectNode object) {
      object.remove(LEFT_OUT);
    }
    return row;
  }
}
