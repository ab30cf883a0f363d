package org.pmslink.linking;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Explanation;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Charts.Known;
import org.pmslink.membership.Command;
import org.pmslink.membership.Members;
import org.pmslink.membership.Verdicts;
import org.pmslink.patient.PatientRecord;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;

/**
 * What would be decided about charts that were read and not delivered: against the members and the
 * charts that a practice has stored, by its rules. Reads the store and writes nothing.
 */
@Component
public class TrialDecisions {
  private final Practices practices;
  private final RulesFiles rulesFiles;
  private final Populations populations;
  private final Charts charts;
  private final Members members;
  private final Verdicts verdicts;

  TrialDecisions(
      Practices practices,
      RulesFiles rulesFiles,
      Populations populations,
      Charts charts,
      Members members,
      Verdicts verdicts) {
    this.practices = practices;
    this.rulesFiles = rulesFiles;
    this.populations = populations;
    this.charts = charts;
    this.members = members;
    this.verdicts = verdicts;
  }

  /** How a decision would end. */
  public enum Outcome {
    LINKED,
    REVIEW,
    UNLINKED
  }

  /**
   * A decision that was not made.
   *
   * @param member whom it would be linked to, or who comes into question first
   */
  public record Trial(String sourceId, Outcome outcome, String reason, @Nullable String member) {}

  /**
   * Decides about charts side by side: two of them that claim one member are rivals.
   *
   * @param practice one that exists
   */
  public List<Trial> decide(String practice, String source, List<PatientRecord> records) {
    int id = practices.id(practice);
    Map<String, Known> known =
        charts.known(id, source, records.stream().map(PatientRecord::sourceId).toList());
    List<Linking.Subject> subjects = new ArrayList<>();
    for (PatientRecord record : records) {
      Known chart = known.get(record.sourceId());
      subjects.add(
          new Linking.Subject(
              record.sourceId(),
              0,
              chart == null ? null : chart.id(),
              record,
              chart != null && chart.merged(),
              chart == null ? null : chart.link()));
    }
    return new Linking(matcher(practice, id), new StoredPractice(id, source, charts, verdicts))
        .decide(subjects).stream().map(TrialDecisions::trial).toList();
  }

  /** Why a chart would be linked to a member, or would not. */
  public Optional<Explanation> explain(
      String practice, String source, PatientRecord record, String memberNumber) {
    int id = practices.id(practice);
    Known chart = charts.known(id, source, List.of(record.sourceId())).get(record.sourceId());
    return members
        .find(practice, memberNumber)
        .map(
            member ->
                matcher(practice, id)
                    .explain(
                        new StoredPractice(id, source, charts, verdicts),
                        new PracticeMatcher.Subject(
                            chart == null ? -1 : chart.id(),
                            record.person(),
                            chart == null || chart.link() == null ? null : chart.link().memberId()),
                        member.id())
                    .explanation());
  }

  /** Not {@link Populations#matcher}, which keeps the rules: nothing is decided with them here. */
  private PracticeMatcher matcher(String practice, int id) {
    return new PracticeMatcher(rulesFiles.of(practice), populations.counts(id));
  }

  private static Trial trial(Command command) {
    if (command instanceof Command.Link link) {
      return new Trial(link.sourceId(), Outcome.LINKED, "CERTAIN", link.memberNumber());
    }
    if (command instanceof Command.Review review) {
      return new Trial(
          review.sourceId(),
          Outcome.REVIEW,
          review.reason(),
          review.candidates().isEmpty() ? null : review.candidates().get(0).memberNumber());
    }
    return new Trial(
        command.sourceId(),
        Outcome.UNLINKED,
        command instanceof Command.NoMatch none ? none.reason() : "",
        null);
  }
}
