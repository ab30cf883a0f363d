package org.pmslink.patient;

import org.jspecify.annotations.Nullable;

/** A record that cannot become a patient. The message names fields and reasons, never values. */
public final class InvalidRecordException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final @Nullable String field;

  /**
   * @param message which field and what is wrong, free of patient data
   */
  public InvalidRecordException(String message) {
    super(message);
    this.field = null;
  }

  /**
   * @param field the field at fault, under our name
   * @param problem what is wrong with it, free of patient data
   */
  public InvalidRecordException(String field, String problem) {
    super(field + ": " + problem);
    this.field = field;
  }

  /** The field at fault, under our name; absent when it is no single one. */
  public @Nullable String field() {
    return field;
  }
}
