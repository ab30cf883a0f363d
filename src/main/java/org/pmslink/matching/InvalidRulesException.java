package org.pmslink.matching;

/** A rules file that cannot be used; the message names the file, the line and the reason. */
public final class InvalidRulesException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Says what is wrong, where, and in which file. */
  public InvalidRulesException(String message) {
    super(message);
  }
}
