package org.pmslink.benchmark;

import java.util.List;
import java.util.Map;

/**
 * What an engine's process measured about itself.
 *
 * @param peakHeap bytes in use at the worst moment
 * @param peakLive bytes in use after the worst garbage collection
 * @param restart seconds from the start of a JVM until the engine is ready, on the filled store
 */
record Figures(
    Pass load, Pass comparison, long links, long peakHeap, long peakLive, double restart) {

  Figures withRestart(double seconds) {
    return new Figures(load, comparison, links, peakHeap, peakLive, seconds);
  }

  /**
   * One pass.
   *
   * @param seconds from its beginning until its last record is stored and decided
   * @param settled seconds until nothing that follows from it waits any more
   * @param cpu CPU seconds by stage
   * @param statements where PostgreSQL's time went, the costliest first
   */
  record Pass(
      long records,
      double seconds,
      double settled,
      Map<String, Double> cpu,
      List<Statement> statements) {

    double perSecond() {
      return records / seconds;
    }
  }

  /**
   * What one statement cost, by the server's own account.
   *
   * @param seconds of planning and execution, over all connections
   */
  record Statement(String text, long calls, double seconds) {}
}
