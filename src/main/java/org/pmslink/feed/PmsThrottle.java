package org.pmslink.feed;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.camel.ExchangeProperty;
import org.springframework.stereotype.Component;

/**
 * Keeps requests apart that a PMS counts by key, whichever feeds make them: two feeds with one key,
 * a feed and its dry run.
 */
@Component
public class PmsThrottle {
  private final Map<Long, Line> lines = new ConcurrentHashMap<>();

  /** Those who wait to ask with one key, one after the other. */
  private static final class Line {
    final ReentrantLock turn = new ReentrantLock(true);
    long lastStart;
    boolean started;
  }

  /** Waits until the feed may ask, and counts that it does. */
  public void await(@ExchangeProperty("definition") FeedDefinition definition)
      throws InterruptedException {
    Line line = lines.computeIfAbsent(definition.getThrottledBy(), key -> new Line());
    line.turn.lockInterruptibly();
    try {
      long left = line.started ? left(definition.getThrottle(), line.lastStart) : 0;
      CountDownLatch never = new CountDownLatch(1);
      while (left > 0) {
        never.await(left, TimeUnit.NANOSECONDS);
        left = left(definition.getThrottle(), line.lastStart);
      }
      line.lastStart = System.nanoTime();
      line.started = true;
    } finally {
      line.turn.unlock();
    }
  }

  private static long left(Duration gap, long lastStart) {
    return gap.toNanos() - (System.nanoTime() - lastStart);
  }
}
