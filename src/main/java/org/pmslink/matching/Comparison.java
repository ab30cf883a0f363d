package org.pmslink.matching;

import java.util.ArrayList;
import java.util.List;

/**
 * Two people compared: the evidence, field by field, and what it adds up to. The same numbers drive
 * the decision, the explanation and the audit.
 *
 * @param score sum of the prior and the evidence's weights, in bits
 * @param prior weight before any evidence, in bits
 */
public record Comparison(Grade grade, double score, double prior, List<Evidence> evidence) {

  public Comparison {
    evidence = List.copyOf(evidence);
  }

  /** The evidence with the prior in front, whose weights add up to the score. */
  public List<Evidence> evidenceWithPrior() {
    List<Evidence> all = new ArrayList<>();
    all.add(new Evidence("prior", "before any evidence", prior));
    all.addAll(evidence);
    return all;
  }

  /** FHIR R4 match grades, weakest first. */
  public enum Grade {
    CERTAINLY_NOT,
    POSSIBLE,
    PROBABLE,
    CERTAIN
  }

  /**
   * What one field says.
   *
   * @param field for example {@code given}
   * @param level for example {@code nickname}; a missing field weighs 0
   * @param weight in bits
   */
  public record Evidence(String field, String level, double weight) {}
}
