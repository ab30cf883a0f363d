package org.pmslink.linking;

import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.Cause;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.patient.InvalidRecordException;

/** Why a record did not get through its mapping, or could be no record after it. */
final class Causes {
  private Causes() {}

  static Cause of(Mapping mapping, MappingException e) {
    return cause(
        Category.MAPPING_FAILED, mapping, String.valueOf(e.getMessage()), e.line(), e.field());
  }

  static Cause of(Mapping mapping, InvalidRecordException e) {
    return invalid(mapping, String.valueOf(e.getMessage()), e.field());
  }

  /** The line is the one that writes the field: what it writes cannot be used. */
  static Cause invalid(Mapping mapping, String message, @Nullable String field) {
    // A part of an address is named with the address: address.line1.
    Integer line =
        field == null ? null : mapping.lineOf(field.substring(field.lastIndexOf('.') + 1));
    return cause(Category.INVALID_RECORD, mapping, message, line, field);
  }

  private static Cause cause(
      Category category,
      Mapping mapping,
      String message,
      @Nullable Integer line,
      @Nullable String field) {
    return new Cause(
        category,
        message,
        mapping.path(),
        mapping.version(),
        line,
        line == null ? null : mapping.line(line),
        field);
  }
}
