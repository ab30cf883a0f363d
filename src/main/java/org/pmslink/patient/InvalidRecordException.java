package org.pmslink.patient;

/** A record that cannot become a patient. The message names fields and reasons, never values. */
public final class InvalidRecordException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message which field and what is wrong, free of patient data
   */
  public InvalidRecordException(String message) {
    super(message);
  }
}
