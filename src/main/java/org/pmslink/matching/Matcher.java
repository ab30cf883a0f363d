package org.pmslink.matching;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.pmslink.patient.Person;

/**
 * Matches the records of one side (patients, say) to the records of the other (members).
 * Implementations are deterministic and thread-safe: the same records give the same decision,
 * whatever their order.
 */
public interface Matcher {

  /** Identifies the rules, so that a stored decision can be traced to them. */
  String rulesVersion();

  /**
   * Keys under which a person is filed; two people are compared only if they share one. 64-bit
   * hashes, stable across versions of the JVM. Empty when too little is known to find anybody.
   */
  Set<Long> blockingKeys(Person person);

  /** Compares two people. Symmetric. */
  Comparison compare(Person a, Person b);

  /**
   * Decides for one record. Only an unambiguous certain match is a link: a second likely candidate,
   * or another record that claims the same candidate, makes it a review.
   *
   * @param candidates the other side's records that share a blocking key with the subject
   * @param rivals for a candidate, the records of the subject's own side that share a blocking key
   *     with that candidate, the subject itself left out; asked only for candidates that matter
   */
  Decision decide(
      Candidate subject,
      Collection<Candidate> candidates,
      Function<Candidate, Collection<Candidate>> rivals);

  /**
   * A record that takes part in a decision.
   *
   * @param id the record's id on its side
   */
  record Candidate(long id, Person person) {}

  /** Outcome of comparing a candidate: its id with the comparison. */
  record Match(long candidateId, Comparison comparison) {}

  /** Best first; equal scores by id. */
  static List<Match> ranked(Collection<Match> matches) {
    return matches.stream()
        .sorted(
            Comparator.<Match>comparingDouble(m -> -m.comparison().score())
                .thenComparingLong(Match::candidateId))
        .toList();
  }
}
