package org.pmslink.linking;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;
import org.pmslink.deadletter.Cause;
import org.pmslink.deadletter.DeadLetter;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.StepRehearsal;
import org.pmslink.mapping.MappingException;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.outage.DatabaseOutage;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;

/**
 * Tries the match step, which writes nothing anyway: maps and normalises as it does. It matches
 * only what failed for no reason of the record's own, because that takes much longer, and no other
 * record has ever come so far.
 */
@Component
final class MatchRehearsal implements StepRehearsal {
  private final LinkRecords linkRecords;
  private final Practices practices;
  private final RulesFiles rulesFiles;
  private final Populations populations;

  MatchRehearsal(
      LinkRecords linkRecords,
      Practices practices,
      RulesFiles rulesFiles,
      Populations populations) {
    this.linkRecords = linkRecords;
    this.practices = practices;
    this.rulesFiles = rulesFiles;
    this.populations = populations;
  }

  @Override
  public Hop hop() {
    return Hop.MATCH;
  }

  @Override
  public Optional<Cause> rehearse(JsonNode payload, Category failedAs) {
    try {
      RecordBatch batch = RecordJson.mapper().treeToValue(payload, RecordBatch.class);
      return linkRecords
          .link(batch.deciding(failedAs == Category.STEP_FAILED), matcher(batch.practice()))
          .deadLetters()
          .stream()
          .map(DeadLetter::cause)
          .findFirst();
    } catch (MappingException e) {
      return Optional.of(new Cause(Category.MAPPING_FAILED, String.valueOf(e.getMessage())));
    } catch (JsonProcessingException e) {
      return failing(e);
    } catch (RuntimeException e) {
      if (DatabaseOutage.isOutage(e)) {
        throw e;
      }
      return failing(e);
    }
  }

  /** By its kind alone: a message may quote the record. */
  private static Optional<Cause> failing(Exception e) {
    return Optional.of(
        new Cause(
            Category.STEP_FAILED, "matching this record fails: " + e.getClass().getSimpleName()));
  }

  /** Not {@link Populations#matcher}, which keeps the rules: nothing is decided with them here. */
  private PracticeMatcher matcher(String practice) {
    return new PracticeMatcher(rulesFiles.of(practice), populations.counts(practices.id(practice)));
  }
}
