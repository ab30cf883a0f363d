package org.pmslink.hl7;

import org.jspecify.annotations.Nullable;

/** What is wrong with a message, as its sender is told: what, where, and nothing that it held. */
public final class Hl7Exception extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Conditions of HL7 table 0357. */
  public enum Condition {
    SEGMENT_SEQUENCE_ERROR(100, false),
    REQUIRED_FIELD_MISSING(101, false),
    DATA_TYPE_ERROR(102, false),
    TABLE_VALUE_NOT_FOUND(103, false),
    UNSUPPORTED_MESSAGE_TYPE(200, true),
    UNSUPPORTED_EVENT_CODE(201, true),
    UNSUPPORTED_PROCESSING_ID(202, true),
    UNSUPPORTED_VERSION_ID(203, true);

    private final int code;
    private final boolean rejects;

    Condition(int code, boolean rejects) {
      this.code = code;
      this.rejects = rejects;
    }

    int code() {
      return code;
    }

    /** Whether the message is not for us at all (AR), rather than wrong (AE). */
    boolean rejects() {
      return rejects;
    }

    String words() {
      String words = name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
      return words.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + words.substring(1);
    }
  }

  private final Condition condition;
  private final @Nullable String location;

  /**
   * @param location segment, its number and the field, for example {@code PID^1^3}
   * @param message what to do about it, free of patient data
   */
  public Hl7Exception(Condition condition, @Nullable String location, String message) {
    super(message);
    this.condition = condition;
    this.location = location;
  }

  /** The kind of problem, in words of the standard. */
  public String kind() {
    return condition.words();
  }

  Condition condition() {
    return condition;
  }

  @Nullable String location() {
    return location;
  }
}
