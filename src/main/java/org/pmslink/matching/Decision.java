package org.pmslink.matching;

import java.util.List;

/** What is to be done about one record. */
public sealed interface Decision {

  /** Linked without a person looking. */
  record Link(Match match, List<Match> others) implements Decision {}

  /** A person must choose; best candidate first. */
  record Review(ReviewReason reason, List<Match> shortlist) implements Decision {}

  /** Nobody comes into question. */
  record Unmatched(UnmatchedReason reason) implements Decision {}

  /**
   * A candidate, with the evidence for it.
   *
   * @param candidateId the record's id on its side
   * @param comparison the pair by itself, whatever its rivals
   * @param facts what the comparison was told about everybody else
   */
  record Match(long candidateId, Comparison comparison, Facts facts) {}

  /** Why a person must look. */
  enum ReviewReason {
    /** More than one candidate is likely. */
    SEVERAL_CANDIDATES,
    /** Another record of the same side claims the candidate too. */
    CLAIMED_TWICE,
    /** Two charts of one person claim the member. */
    DUPLICATE_CHARTS,
    /** Two members that are one person are equally good. */
    DUPLICATE_MEMBERS,
    /** Alike, but the evidence is not enough to act alone. */
    NOT_CERTAIN,
    /** Linked, but not alike any more. */
    LINK_DRIFTED,
    /** Too many records share a key to compare them all. */
    TOO_MANY_CANDIDATES
  }

  /** Why nobody comes into question. */
  enum UnmatchedReason {
    /** No record shares a blocking key. */
    NO_CANDIDATE,
    /** Records share a key, but none is alike enough. */
    NONE_SIMILAR,
    /** Too little is known about the person to compare. */
    TOO_LITTLE_KNOWN
  }
}
