package org.pmslink.membership;

/** What a person asked for cannot be done as things are; the message says why, for that person. */
public final class RefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Refuses something. */
  public RefusedException(String why) {
    super(why);
  }
}
