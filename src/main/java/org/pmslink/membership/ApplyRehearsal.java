package org.pmslink.membership;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.sql.SQLException;
import java.util.Optional;
import org.pmslink.deadletter.Cause;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.StepRehearsal;
import org.pmslink.outage.DatabaseOutage;
import org.pmslink.patient.RecordJson;
import org.springframework.stereotype.Component;

/**
 * Tries the apply step: in a transaction that is rolled back, because what it fails of is what the
 * store refuses, and only the store knows that.
 */
@Component
final class ApplyRehearsal implements StepRehearsal {
  private final ApplyCommands applyCommands;

  ApplyRehearsal(ApplyCommands applyCommands) {
    this.applyCommands = applyCommands;
  }

  @Override
  public Hop hop() {
    return Hop.APPLY;
  }

  @Override
  public Optional<Cause> rehearse(JsonNode payload, Category failedAs) {
    try {
      applyCommands.rehearse(RecordJson.mapper().treeToValue(payload, CommandBatch.class));
      return Optional.empty();
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
  private static Optional<Cause> failing(Throwable e) {
    String kind = e.getClass().getSimpleName();
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof SQLException sql && sql.getSQLState() != null) {
        kind = "SQL state " + sql.getSQLState();
      }
    }
    return Optional.of(new Cause(Category.STEP_FAILED, "applying this record fails: " + kind));
  }
}
