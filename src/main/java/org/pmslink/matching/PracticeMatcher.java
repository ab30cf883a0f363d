package org.pmslink.matching;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Decision.Match;
import org.pmslink.patient.Person;

/**
 * Matches records of a practice whose store holds the rest: the model of {@code matching.yaml}, as
 * {@link SetMatcher} applies it to files, for a batch at a time. The same store gives the same
 * decisions, whatever the order of the records or the size of the batch. Thread-safe.
 */
public final class PracticeMatcher {
  /** A key that more records share is narrowed, or too wide to go through. */
  public static final int MOST_PER_KEY = 200;

  private final MatchingRules rules;
  private final NameCounts counts;

  /**
   * @param counts how common names are in the practice
   */
  public PracticeMatcher(MatchingRules rules, NameCounts counts) {
    this.rules = rules;
    this.counts = counts;
  }

  /**
   * A chart to decide about.
   *
   * @param number its id in the store; of one that is not there yet, any number below zero
   * @param person who it is now; what the store has of it does not count
   * @param linkedTo id of the member that it is linked to
   */
  public record Subject(long number, Person person, @Nullable Long linkedTo) {}

  /** Identifies the rules, so that a stored decision can be traced to them. */
  public String rulesVersion() {
    return rules.version();
  }

  /**
   * Keys under which a store files a person; two records are compared only if they share one.
   * 64-bit hashes, the same in every JVM. Empty when too little is known to find anybody.
   */
  public static Set<Long> blockingKeys(Person person) {
    return BlockingKeys.of(Features.of(person));
  }

  /** Changes whenever keys are made in another way, so that stored ones must be made anew. */
  public static String keysVersion() {
    return BlockingKeys.version();
  }

  /**
   * Decides about charts, in their order: each against the members of the practice, beside all
   * charts that claim the same member.
   */
  public List<Decision> decide(Practice practice, List<Subject> subjects) {
    return new Neighbourhood(rules, counts, practice, subjects).decide();
  }

  /**
   * Charts that may be one of these members, as far as can be told before anything is counted: the
   * ones to decide about when members come or change.
   */
  public Set<Long> chartsLike(Practice practice, Collection<Long> memberIds) {
    return new Neighbourhood(rules, counts, practice, List.of()).chartsLike(memberIds);
  }

  /**
   * A chart that somebody may be.
   *
   * @param why grade, score and reasons, beside the other charts
   * @param runnerUp score of the best other chart; {@code null} when there is none
   */
  public record Candidate(long chart, Explanation why, @Nullable Double runnerUp) {}

  /**
   * What a search has come to.
   *
   * @param candidates best first
   * @param all how many there are, with those beyond the number asked for
   * @param tooMany more charts share what is known of the person than could be compared; that none
   *     is found does not mean that there is none
   */
  public record Found(List<Candidate> candidates, int all, boolean tooMany) {

    public Found {
      candidates = List.copyOf(candidates);
    }
  }

  /**
   * Searches the charts for somebody who is not stored: as when somebody like that were a member.
   * Two charts of one person are both found, and neither is certain. Members are no candidates, but
   * one that is somebody else and claims a chart is a rival.
   *
   * @param most candidates at most
   */
  public Found search(Practice practice, Person person, int most) {
    return new Neighbourhood(rules, counts, practice, List.of()).search(person, most);
  }

  /**
   * Whether first name and birth date are known of both, and both say that they are two people: one
   * of them alone may have been mistyped.
   */
  public boolean areClearlyTwo(Person one, Person other) {
    return FieldComparison.isTwiceSomebodyElse(
        Features.of(one), Features.of(other), new PracticePopulation(rules, counts));
  }

  /**
   * What would be decided about a chart now.
   *
   * @param explanation of the pair that was asked for: its grade beside its rivals, and why
   */
  public record Explained(Decision decision, Explanation explanation) {}

  /** Explains what would be decided about a chart now, and about it and one member above all. */
  public Explained explain(Practice practice, Subject chart, long member) {
    return explain(practice, List.of(chart), member).get(0);
  }

  /** The same of several charts of one PMS and a member, in their order. */
  public List<Explained> explain(Practice practice, List<Subject> subjects, long member) {
    return new Neighbourhood(rules, counts, practice, subjects).explain(member);
  }

  /**
   * Records of one kind that are probably one person.
   *
   * @param records on both sides of it, the same records
   * @return for each of the subjects that has any, the others with the evidence, best first
   */
  public Map<Long, List<Match>> duplicates(Practice records, List<Subject> subjects) {
    return new Neighbourhood(rules, counts, records, subjects).probable();
  }

  /** Compares a pair again, as it was compared when the facts were noted. */
  public static Comparison repeat(MatchingRules rules, Facts facts, Person one, Person other) {
    PairScore score = new PairScore(rules, facts.replay());
    score.compareFully(Features.of(one), Features.of(other));
    return score.comparison();
  }
}
