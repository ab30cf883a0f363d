package org.pmslink.access;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How often each caller may call: so many times a minute, given back evenly, all of them at once if
 * they like. Thread-safe.
 */
final class RateLimits {
  /** Callers that are remembered; of more, the one that has been quiet longest begins anew. */
  private static final int MOST_CALLERS = 10_000;

  private final int perMinute;
  private final Map<String, Bucket> callers =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
          return size() > MOST_CALLERS;
        }
      };

  RateLimits(int perMinute) {
    this.perMinute = perMinute;
  }

  /** The limit, as the header RateLimit-Policy says it. */
  String policy() {
    return "\"caller\";q=" + perMinute + ";w=60";
  }

  /** Takes one call, if there is one left. */
  ConsumptionProbe take(Caller caller) {
    Bucket bucket;
    synchronized (callers) {
      bucket =
          callers.computeIfAbsent(
              caller.practiceId() + " " + caller.name(),
              who ->
                  Bucket.builder()
                      .addLimit(
                          limit ->
                              limit
                                  .capacity(perMinute)
                                  .refillGreedy(perMinute, Duration.ofMinutes(1)))
                      .build());
    }
    return bucket.tryConsumeAndReturnRemaining(1);
  }
}
