package org.pmslink.door;

import jakarta.annotation.PreDestroy;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.pmslink.access.Audit;
import org.pmslink.hl7.MllpAccess;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * Notes refused MLLP connections in the audit, as refused calls over HTTP are. In a thread of its
 * own: the one that sees a connection serves others, and must not wait for the store.
 */
@Component
final class MllpRefusals implements MllpAccess.Refusals {
  private static final Logger LOG = LoggerFactory.getLogger(MllpRefusals.class);
  private static final int MOST_WAITING = 100;

  private final Audit audit;
  private final ThreadPoolExecutor writer =
      new ThreadPoolExecutor(
          0,
          1,
          10,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(MOST_WAITING),
          task -> {
            Thread thread = new Thread(task, "mllp-refusals");
            thread.setDaemon(true);
            return thread;
          },
          // While the store is away, the log has to do.
          new ThreadPoolExecutor.DiscardPolicy());

  MllpRefusals(Audit audit) {
    this.audit = audit;
  }

  @Override
  public void refused(String practice, String feed, String from, String why) {
    writer.execute(() -> note(practice, feed, from, why));
  }

  private void note(String practice, String feed, String from, String why) {
    try {
      audit.note(
          practice, "unknown", "refused", "hl7 feed " + feed + ": " + why + ", from " + from);
    } catch (DataAccessException | TransactionException e) {
      LOG.warn("a refused connection could not be noted: {}", e.getClass().getSimpleName());
    }
  }

  @PreDestroy
  void stop() {
    writer.shutdown();
  }
}
