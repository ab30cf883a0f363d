package org.pmslink.outage;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Holds a step while the database is away and tries again until it is back. The message stays with
 * its consumer all the while: no delivery attempt is used up, so an outage of any length
 * dead-letters nothing.
 */
@Component
public class DatabaseOutage {
  private static final Logger log = LoggerFactory.getLogger(DatabaseOutage.class);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

  private final CountDownLatch stopping = new CountDownLatch(1);

  /**
   * Runs work, again and again while the database is away.
   *
   * @throws IllegalStateException when the engine stops meanwhile; the caller's transaction rolls
   *     back and the message is delivered again after the restart
   */
  public <T> T rideOut(Callable<T> work) throws Exception {
    Duration pause = Duration.ofMillis(200);
    boolean away = false;
    while (true) {
      try {
        T result = work.call();
        if (away) {
          log.info("the database is back");
        }
        return result;
      } catch (Exception e) {
        if (!isOutage(e)) {
          throw e;
        }
        if (!away) {
          log.warn("the database is away; waiting ({})", reason(e));
          away = true;
        }
        if (stopping.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
          throw new IllegalStateException("stopping while the database is away", e);
        }
        pause =
            pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0
                ? LONGEST_PAUSE
                : pause.multipliedBy(2);
      }
    }
  }

  /** Whether an exception says that the database cannot be reached, as opposed to refusing. */
  public static boolean isOutage(Throwable thrown) {
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t instanceof SQLTransientConnectionException) {
        return true;
      }
      if (t instanceof SQLException sql && sql.getSQLState() != null) {
        String state = sql.getSQLState();
        // 08 connection; 57P01..57P05 shut down, crashed, starting up; 53 out of resources
        if (state.startsWith("08") || state.startsWith("57P") || state.startsWith("53")) {
          return true;
        }
      }
    }
    return false;
  }

  private static String reason(Throwable thrown) {
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t instanceof SQLException sql && sql.getSQLState() != null) {
        return "SQL state " + sql.getSQLState();
      }
    }
    return thrown.getClass().getSimpleName();
  }

  @EventListener(ContextClosedEvent.class)
  void stop() {
    stopping.countDown();
  }
}
