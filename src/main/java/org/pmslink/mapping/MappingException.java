package org.pmslink.mapping;

/**
 * A mapping is missing, does not compile, or fails on a record. The message holds no record data.
 */
public final class MappingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what is wrong, where, and what to do; free of patient data
   */
  public MappingException(String message) {
    super(message);
  }
}
