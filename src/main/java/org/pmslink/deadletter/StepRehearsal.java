package org.pmslink.deadletter;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;

/**
 * Tries what a step would make of a message and leaves no trace of it. Each step has its own,
 * beside the step, because dead letters know nothing of mappings and of the store.
 */
public interface StepRehearsal {

  /** The step. */
  Hop hop();

  /**
   * Tries a message of a letter.
   *
   * @param failedAs what it failed of the last time
   * @return why it would fail again; empty when it would pass
   * @throws RuntimeException when that cannot be found out, because the database is away
   */
  Optional<Cause> rehearse(JsonNode payload, Category failedAs);
}
