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
 * The model of {@code matching.yaml} for one record at a time, within a practice whose population
 * is known. The same comparisons as {@link SetMatcher}; it differs in that two records of one
 * person on one side are always a question here, because a store must not choose between them.
 */
public final class FellegiSunterMatcher implements Matcher {
  private final MatchingRules rules;
  private final Population population;

  public FellegiSunterMatcher(MatchingRules rules, Population population) {
    this.rules = rules;
    this.population = population;
  }

  @Override
  public String rulesVersion() {
    return rules.version();
  }

  @Override
  public Set<Long> blockingKeys(Person person) {
    return CandidateSearch.keys(Features.of(person));
  }

  @Override
  public Comparison compare(Person a, Person b) {
    PairScore score = new PairScore(rules, population);
    score.compareFully(Features.of(a), Features.of(b));
    return score.comparison();
  }

  @Override
  public Decision decide(
      Candidate subject,
      Collection<Candidate> candidates,
      Function<Candidate, Collection<Candidate>> rivals) {
    if (candidates.isEmpty()) {
      return new Unmatched(
          blockingKeys(subject.person()).isEmpty()
              ? UnmatchedReason.TOO_LITTLE_KNOWN
              : UnmatchedReason.NO_CANDIDATE);
    }
    List<Match> shortlist = alike(subject, candidates);
    if (shortlist.isEmpty()) {
      return new Unmatched(UnmatchedReason.NONE_SIMILAR);
    }
    List<Match> certain = shortlist.stream().filter(FellegiSunterMatcher::isCertain).toList();
    if (certain.isEmpty()) {
      return new Review(ReviewReason.NOT_CERTAIN, shortlist);
    }
    Match link = certain.get(0);
    List<Match> others = shortlist.stream().filter(match -> match != link).toList();
    if (others.stream().anyMatch(other -> isClose(other, link))) {
      return new Review(ReviewReason.SEVERAL_CANDIDATES, shortlist);
    }
    Candidate candidate =
        candidates.stream().filter(c -> c.id() == link.candidateId()).findFirst().orElseThrow();
    if (alike(candidate, rivals.apply(candidate)).stream()
        .anyMatch(rival -> isClose(rival, link))) {
      return new Review(ReviewReason.CLAIMED_TWICE, shortlist);
    }
    return new Link(link, others);
  }

  private static boolean isCertain(Match match) {
    return match.comparison().grade() == Grade.CERTAIN;
  }

  private boolean isClose(Match rival, Match link) {
    return isCertain(rival)
        || rival.comparison().score() >= link.comparison().score() - rules.margin;
  }

  private List<Match> alike(Candidate one, Collection<Candidate> others) {
    PairScore score = new PairScore(rules, population);
    Features features = Features.of(one.person());
    List<Match> matches = new ArrayList<>();
    for (Candidate other : others) {
      score.compare(features, Features.of(other.person()));
      if (score.grade() != Grade.CERTAINLY_NOT) {
        matches.add(new Match(other.id(), score.comparison()));
      }
    }
    return Matcher.ranked(matches);
  }
}
