package org.pmslink.office;

import org.pmslink.membership.RefusedException;

/** Somebody else may do it: the message says who. */
public final class NotAllowedException extends RefusedException {
  private static final long serialVersionUID = 1L;

  private final String attempt;

  NotAllowedException(String why) {
    this(why, "");
  }

  private NotAllowedException(String why, String attempt) {
    super(why);
    this.attempt = attempt;
  }

  NotAllowedException at(String what) {
    return new NotAllowedException(String.valueOf(getMessage()), what);
  }

  /**
   * What was attempted, as the audit has it: whoever undoes the transaction in which it was noted
   * notes it again.
   */
  public String attempt() {
    return attempt;
  }
}
