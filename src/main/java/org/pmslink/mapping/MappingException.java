package org.pmslink.mapping;

import org.jspecify.annotations.Nullable;

/**
 * A mapping is missing, does not compile, or fails on a record. The message holds no record data.
 */
public final class MappingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final @Nullable Integer line;
  private final @Nullable String field;

  /**
   * @param message what is wrong, where, and what to do; free of patient data
   */
  public MappingException(String message) {
    this(message, null, null);
  }

  /**
   * @param line of the mapping, from 1
   * @param field that the mapping writes
   */
  MappingException(String message, @Nullable Integer line, @Nullable String field) {
    super(message);
    this.line = line;
    this.field = field;
  }

  /** Line of the mapping that is at fault, from 1; absent when it is not known. */
  public @Nullable Integer line() {
    return line;
  }

  /** The field at fault, as the mapping writes it; absent when it is no single one. */
  public @Nullable String field() {
    return field;
  }
}
