package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision.Link;
import org.pmslink.matching.Decision.Review;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.Decision.Unmatched;
import org.pmslink.matching.Decision.UnmatchedReason;
import org.pmslink.patient.Person;

/**
 * Links only what a careful reader would call obvious: given name, family name and birth date
 * agree, a telephone, e-mail, SSN or address confirms, and nothing speaks against it. All else that
 * is alike goes to a person.
 */
public final class CautiousMatcher implements Matcher {

  /**
   * A rival that is only likely blocks a link when it scores within this many bits of it. Ten bits
   * are about what a birth date proves: a rival that lacks one, or has it wrong, stays behind.
   */
  private static final double MARGIN = 10;

  @Override
  public String rulesVersion() {
    return "cautious-1";
  }

  @Override
  public Set<Long> blockingKeys(Person person) {
    return BlockingKeys.of(Profile.of(person));
  }

  @Override
  public Comparison compare(Person a, Person b) {
    return PairComparison.compare(Profile.of(a), Profile.of(b));
  }

  @Override
  public Decision decide(
      Candidate subject,
      Collection<Candidate> candidates,
      Function<Candidate, Collection<Candidate>> rivals) {
    Profile profile = Profile.of(subject.person());
    if (candidates.isEmpty()) {
      return new Unmatched(
          BlockingKeys.of(profile).isEmpty()
              ? UnmatchedReason.TOO_LITTLE_KNOWN
              : UnmatchedReason.NO_CANDIDATE);
    }
    List<Match> shortlist = alike(profile, candidates);
    if (shortlist.isEmpty()) {
      return new Unmatched(UnmatchedReason.NONE_SIMILAR);
    }
    List<Match> likely =
        shortlist.stream().filter(match -> isAtLeast(match, Grade.PROBABLE)).toList();
    if (likely.size() > 1) {
      return new Review(ReviewReason.SEVERAL_CANDIDATES, shortlist);
    }
    if (likely.isEmpty() || !isAtLeast(likely.get(0), Grade.CERTAIN)) {
      return new Review(ReviewReason.NOT_CERTAIN, shortlist);
    }
    Match link = likely.get(0);
    Candidate candidate = candidate(link, candidates);
    boolean suffixInDoubt = hasSuffix(subject.person()) != hasSuffix(candidate.person());
    List<Match> others = shortlist.stream().filter(match -> match != link).toList();
    if (suffixInDoubt && isNamesakeAmong(others, candidates, subject.person())) {
      return new Review(ReviewReason.SEVERAL_CANDIDATES, shortlist);
    }
    if (isClaimed(candidate, link, suffixInDoubt, rivals.apply(candidate))) {
      return new Review(ReviewReason.CLAIMED_TWICE, shortlist);
    }
    return new Link(link, others);
  }

  /** Candidates that are at least possible, best first. */
  private static List<Match> alike(Profile subject, Collection<Candidate> candidates) {
    List<Match> matches = new ArrayList<>();
    for (Candidate candidate : candidates) {
      Comparison comparison = PairComparison.compare(subject, Profile.of(candidate.person()));
      if (comparison.grade() != Grade.CERTAINLY_NOT) {
        matches.add(new Match(candidate.id(), comparison));
      }
    }
    return Matcher.ranked(matches);
  }

  private static boolean isClaimed(
      Candidate candidate, Match link, boolean suffixInDoubt, Collection<Candidate> rivals) {
    double close = link.comparison().score() - MARGIN;
    List<Match> claims = alike(Profile.of(candidate.person()), rivals);
    for (Match claim : claims) {
      boolean likely = isAtLeast(claim, Grade.PROBABLE) && claim.comparison().score() >= close;
      if (likely || isAtLeast(claim, Grade.CERTAIN)) {
        return true;
      }
    }
    return suffixInDoubt && isNamesakeAmong(claims, rivals, candidate.person());
  }

  /**
   * Where only one of two records says Junior or Senior, the other may be the father's or the
   * son's. That there is another of the name nearby makes it a question.
   */
  private static boolean isNamesakeAmong(
      List<Match> matches, Collection<Candidate> candidates, Person person) {
    Profile profile = Profile.of(person);
    for (Match match : matches) {
      Profile other = Profile.of(candidate(match, candidates).person());
      if (other.family().equals(profile.family()) && other.given().equals(profile.given())) {
        return true;
      }
    }
    return false;
  }

  private static Candidate candidate(Match match, Collection<Candidate> candidates) {
    return candidates.stream()
        .filter(candidate -> candidate.id() == match.candidateId())
        .findFirst()
        .orElseThrow();
  }

  private static boolean hasSuffix(Person person) {
    return person.name().suffix() != null;
  }

  private static boolean isAtLeast(Match match, Grade grade) {
    return match.comparison().grade().compareTo(grade) >= 0;
  }
}
