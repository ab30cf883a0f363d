package org.pmslink.security;

/** A payload cannot be opened: another key, another purpose, or changed bytes. Holds no data. */
public final class PayloadCipherException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  PayloadCipherException(String message, Throwable cause) {
    super(message, cause);
  }

  PayloadCipherException(String message) {
    super(message);
  }
}
