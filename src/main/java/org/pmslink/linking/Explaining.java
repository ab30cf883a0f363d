package org.pmslink.linking;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.pmslink.matching.Comparison;
import org.pmslink.matching.InvalidRulesException;
import org.pmslink.matching.MatchingRules;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Charts.Linked;
import org.pmslink.membership.Charts.Stored;
import org.pmslink.membership.Member;
import org.pmslink.membership.Members;
import org.pmslink.membership.StoredDecisions;
import org.pmslink.membership.StoredDecisions.Kept;
import org.pmslink.membership.StoredDecisions.Standing;
import org.pmslink.membership.Verdicts;
import org.pmslink.patient.Person;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;

/**
 * Says why a chart and a member are linked or not: as it was decided, with the numbers worked out
 * again from what the decision stood on, and as it would be decided now.
 */
@Component
public class Explaining {
  private final Practices practices;
  private final Populations populations;
  private final Charts charts;
  private final Members members;
  private final Verdicts verdicts;
  private final StoredDecisions decisions;

  Explaining(
      Practices practices,
      Populations populations,
      Charts charts,
      Members members,
      Verdicts verdicts,
      StoredDecisions decisions) {
    this.practices = practices;
    this.populations = populations;
    this.charts = charts;
    this.members = members;
    this.verdicts = verdicts;
    this.decisions = decisions;
  }

  /**
   * A stored decision, worked out again.
   *
   * @param same whether the same rules gave the same numbers, or there were none to compare
   * @param answer the same in words
   */
  public record Repeated(Kept kept, boolean same, String answer) {}

  /**
   * All that there is to say.
   *
   * @param verdict what a person has decided about the two; empty for nothing
   */
  public record Answer(
      Optional<Standing> standing,
      String verdict,
      List<Repeated> kept,
      PracticeMatcher.Explained now) {}

  /**
   * Explains a pair.
   *
   * @throws IllegalArgumentException when chart or member are not there
   */
  public Answer explain(String practice, String source, String sourceId, String memberNumber) {
    int practiceId = practices.id(practice);
    Charts.Known known = known(practiceId, source, sourceId);
    Member member = member(practice, memberNumber);
    List<Repeated> repeated = new ArrayList<>();
    for (Kept kept : decisions.kept(practiceId, known.id(), member.id(), memberNumber)) {
      repeated.add(repeat(practiceId, kept));
    }
    return new Answer(
        decisions.standing(practiceId, known.id()),
        verdicts
            .about(practiceId, known.id(), member.id())
            .map(said -> said.words(practices.zone(practiceId)))
            .orElse(""),
        repeated,
        nowOf(practice, source, List.of(known), member).get(0));
  }

  /**
   * What would be decided now about charts of one PMS and a member, whatever was decided before.
   *
   * @param sourceIds of charts; those that are not there are left out
   * @return by the charts' ids in the PMS
   */
  public Map<String, PracticeMatcher.Explained> now(
      String practice, String source, List<String> sourceIds, Member member) {
    Map<String, Charts.Known> known = charts.known(practices.id(practice), source, sourceIds);
    List<String> there = sourceIds.stream().filter(known::containsKey).toList();
    List<PracticeMatcher.Explained> explained =
        nowOf(practice, source, there.stream().map(known::get).toList(), member);
    Map<String, PracticeMatcher.Explained> byId = new HashMap<>();
    for (int i = 0; i < there.size(); i++) {
      byId.put(there.get(i), explained.get(i));
    }
    return byId;
  }

  private List<PracticeMatcher.Explained> nowOf(
      String practice, String source, List<Charts.Known> known, Member member) {
    int practiceId = practices.id(practice);
    Map<Long, Person> persons = new HashMap<>();
    for (Stored chart :
        charts.stored(practiceId, known.stream().mapToLong(Charts.Known::id).toArray())) {
      persons.put(chart.id(), chart.record().person());
    }
    List<PracticeMatcher.Subject> subjects = new ArrayList<>();
    for (Charts.Known chart : known) {
      Linked link = chart.link();
      subjects.add(
          new PracticeMatcher.Subject(
              chart.id(),
              Objects.requireNonNull(persons.get(chart.id())),
              link == null ? null : link.memberId()));
    }
    return populations
        .matcher(practice)
        .explain(new StoredPractice(practiceId, source, charts, verdicts), subjects, member.id());
  }

  private Charts.Known known(int practice, String source, String sourceId) {
    Charts.Known known = charts.known(practice, source, List.of(sourceId)).get(sourceId);
    if (known == null) {
      throw new IllegalArgumentException("there is no patient " + sourceId + " in " + source);
    }
    return known;
  }

  private Member member(String practice, String number) {
    return members
        .find(practice, number)
        .filter(found -> !found.removed())
        .orElseThrow(() -> new IllegalArgumentException("there is no member " + number));
  }

  private Repeated repeat(int practice, Kept kept) {
    if (kept.comparison() == null || kept.ground() == null) {
      return new Repeated(kept, true, "nothing was compared");
    }
    Optional<String> rules = decisions.rules(practice, kept.rulesVersion());
    if (rules.isEmpty()) {
      return new Repeated(kept, false, "these rules are not kept, so it cannot be repeated");
    }
    try {
      Comparison again =
          PracticeMatcher.repeat(
              MatchingRules.parse("rules " + kept.rulesVersion(), rules.get()),
              kept.ground().facts(),
              kept.ground().chart(),
              kept.ground().member());
      boolean same = again.equals(kept.comparison());
      return new Repeated(
          kept,
          same,
          same
              ? "worked out again, the numbers are the same"
              : "worked out again, the score is "
                  + again.score()
                  + ": this release compares otherwise");
    } catch (InvalidRulesException | IllegalStateException e) {
      return new Repeated(kept, false, "cannot be repeated by this release: " + e.getMessage());
    }
  }
}
