package org.pmslink.access;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Counts refusals by client, so that guessing is slow and fills no table. Whoever shares an address
 * with one that is refused is listened to all the same when they have shown something good from
 * there before. Thread-safe.
 */
final class Throttle {
  private static final long WINDOW_NANOS = 60_000_000_000L;

  /** For how long what was good is listened to whatever else comes from there. */
  private static final Duration KNOWN = Duration.ofHours(1);

  /** Clients that are remembered; of more, the one that has been quiet longest is forgotten. */
  private static final int MOST_CLIENTS = 10_000;

  private final int refusalsPerMinute;
  private final long knownNanos;
  private final Map<String, Window> clients = latest();

  /** What was good, by client, and when it last was. */
  private final Map<String, Long> good = latest();

  private static <V> Map<String, V> latest() {
    return new LinkedHashMap<>(16, 0.75f, true) {
      private static final long serialVersionUID = 1L;

      @Override
      protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
        return size() > MOST_CLIENTS;
      }
    };
  }

  Throttle(int refusalsPerMinute) {
    this(refusalsPerMinute, KNOWN);
  }

  /**
   * @param known for how long what was good is listened to
   */
  Throttle(int refusalsPerMinute, Duration known) {
    this.refusalsPerMinute = refusalsPerMinute;
    this.knownNanos = known.toNanos();
  }

  private record Window(long since, int refusals) {}

  /** Seconds for which a client is not listened to; 0 for none. */
  synchronized long secondsToWait(String client, long now) {
    Window window = clients.get(client);
    if (window == null || window.refusals < refusalsPerMinute) {
      return 0;
    }
    long left = WINDOW_NANOS - (now - window.since);
    return left <= 0 ? 0 : left / 1_000_000_000 + 1;
  }

  /** Takes a refusal back that was counted before it was known whether it would be one. */
  synchronized void passed(String client) {
    clients.computeIfPresent(
        client, (name, window) -> new Window(window.since, Math.max(0, window.refusals - 1)));
  }

  /**
   * Whether something was good that came from there lately. It says nothing of whether it still is.
   *
   * @param shown what it was known by, hashed if it is a secret
   */
  synchronized boolean wasGood(String client, String shown, long now) {
    Long last = shown.isEmpty() ? null : good.get(client + ' ' + shown);
    return last != null && now - last < knownNanos;
  }

  /** Remembers what was good, or forgets it when it is no more. */
  synchronized void isGood(String client, String shown, boolean good, long now) {
    if (good && !shown.isEmpty()) {
      this.good.put(client + ' ' + shown, now);
    } else {
      this.good.remove(client + ' ' + shown);
    }
  }

  synchronized void refused(String client, long now) {
    Window window = clients.get(client);
    clients.put(
        client,
        window == null || now - window.since >= WINDOW_NANOS
            ? new Window(now, 1)
            : new Window(window.since, window.refusals + 1));
  }
}
