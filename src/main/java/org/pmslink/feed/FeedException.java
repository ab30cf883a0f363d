package org.pmslink.feed;

/** A feed's files are wrong. The message says what, where and what to do. */
public final class FeedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message free of patient data
   */
  public FeedException(String message) {
    super(message);
  }
}
