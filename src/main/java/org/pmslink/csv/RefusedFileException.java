package org.pmslink.csv;

/** A file that cannot be read as a whole. The message says why and what to do. */
public final class RefusedFileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message free of values of the file; names of columns that are ours to know may be in it
   */
  RefusedFileException(String message) {
    super(message);
  }
}
