package org.pmslink.matching;

/** A rules file that cannot be used; the message names the file, the line and the reason. */
public final class InvalidRulesException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  InvalidRulesException(String message) {
    super(message);
  }
}
