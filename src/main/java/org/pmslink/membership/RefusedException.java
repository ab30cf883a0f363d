package org.pmslink.membership;

/** What somebody asked for cannot be done as things are; the message says why, for them. */
public class RefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Refuses something. */
  public RefusedException(String why) {
    super(why);
  }

  /** What somebody wanted to change is not what they have seen any more. */
  public static final class Changed extends RefusedException {
    private static final long serialVersionUID = 1L;

    Changed(String why) {
      super(why);
    }
  }
}
