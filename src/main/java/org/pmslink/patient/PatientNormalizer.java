package org.pmslink.patient;

import java.time.ZoneId;
import java.util.function.UnaryOperator;

/** Cleans what a mapping wrote into the canonical record. Stateless and thread-safe. */
public final class PatientNormalizer {
  private final UnaryOperator<String> ssnHash;

  /**
   * @param ssnHash keyed hash from nine digits to text; only its result is kept
   */
  public PatientNormalizer(UnaryOperator<String> ssnHash) {
    this.ssnHash = ssnHash;
  }

  /**
   * @param zone the office's zone, for local date-times
   * @throws InvalidRecordException when there is no source id
   */
  public PatientRecord normalize(SourcePatient source, ZoneId zone) {
    throw new UnsupportedOperationException();
  }
}
