package org.pmslink.access;

import java.util.LinkedHashMap;
import java.util.Map;

/** Counts refusals by client, so that guessing is slow and fills no table. Thread-safe. */
final class Throttle {
  private static final long WINDOW_NANOS = 60_000_000_000L;

  /** Clients that are remembered; of more, the one that has been quiet longest is forgotten. */
  private static final int MOST_CLIENTS = 10_000;

  private final int refusalsPerMinute;
  private final Map<String, Window> clients =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Window> eldest) {
          return size() > MOST_CLIENTS;
        }
      };

  Throttle(int refusalsPerMinute) {
    this.refusalsPerMinute = refusalsPerMinute;
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

  synchronized void refused(String client, long now) {
    Window window = clients.get(client);
    clients.put(
        client,
        window == null || now - window.since >= WINDOW_NANOS
            ? new Window(now, 1)
            : new Window(window.since, window.refusals + 1));
  }
}
