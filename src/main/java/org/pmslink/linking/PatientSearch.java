package org.pmslink.linking;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Explanation;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Charts.ChartCandidate;
import org.pmslink.membership.Verdicts;
import org.pmslink.patient.Person;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;

/**
 * Finds the charts of a practice that somebody may be who is not stored, of every PMS that it has.
 * Decides as the match step does, and stores nothing.
 */
@Component
public class PatientSearch {
  /** Candidates at most, whatever is asked for. */
  public static final int MOST = 100;

  /** Candidates when no number is asked for. */
  public static final int USUAL = 10;

  private final Populations populations;
  private final Practices practices;
  private final Charts charts;
  private final Verdicts verdicts;

  PatientSearch(Populations populations, Practices practices, Charts charts, Verdicts verdicts) {
    this.populations = populations;
    this.practices = practices;
    this.charts = charts;
    this.verdicts = verdicts;
  }

  /**
   * A chart that may be theirs.
   *
   * @param runnerUp score of the best other chart; {@code null} when there is none
   */
  public record Candidate(ChartCandidate chart, Explanation why, @Nullable Double runnerUp) {
    public Grade grade() {
      return why.comparison().grade();
    }
  }

  /**
   * What a search has come to.
   *
   * @param candidates best first
   * @param all how many there are, with those beyond the number asked for
   * @param tooMany more charts share what is known than could be compared: none is not nobody
   */
  public record Found(List<Candidate> candidates, int all, boolean tooMany, String rulesVersion) {

    /** Of somebody of whom too little is known to search by. */
    public static final Found NOBODY = new Found(List.of(), 0, false, "");

    public Found {
      candidates = List.copyOf(candidates);
    }

    /** How many of the candidates are certain: one or none. */
    public long certain() {
      return candidates.stream().filter(c -> c.grade() == Grade.CERTAIN).count();
    }
  }

  /** Whether enough is known of somebody to search by. */
  public static boolean isEnough(Person person) {
    return !PracticeMatcher.blockingKeys(person).isEmpty();
  }

  /** What {@link #isEnough} takes, for whoever asked with less. */
  public static String whatIsEnough() {
    return "too little to search by: give a telephone, an e-mail, an SSN, a street with its postal"
        + " code or city, the given and the family name, or a birth date with one of the names";
  }

  /** Whether first name and birth date, known of both, both say that they are two people. */
  public boolean areClearlyTwo(String practice, Person one, Person other) {
    return populations.matcher(practice).areClearlyTwo(one, other);
  }

  /**
   * Searches a practice that exists.
   *
   * @param onlyCertain leaves out all but the one that is certain; where two would be, none is
   * @param most candidates at most; not more than {@link #MOST} in any case
   */
  public Found search(String practice, Person person, boolean onlyCertain, int most) {
    PracticeMatcher matcher = populations.matcher(practice);
    StoredPractice stored = new StoredPractice(practices.id(practice), null, charts, verdicts);
    PracticeMatcher.Found found = matcher.search(stored, person, Math.min(most, MOST));
    List<Candidate> candidates =
        found.candidates().stream()
            .map(c -> new Candidate(stored.chart(c.chart()), c.why(), c.runnerUp()))
            .filter(c -> !onlyCertain || c.grade() == Grade.CERTAIN)
            .toList();
    return new Found(
        candidates,
        onlyCertain ? candidates.size() : found.all(),
        found.tooMany(),
        matcher.rulesVersion());
  }
}
