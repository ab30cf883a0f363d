package org.pmslink.benchmark;

import java.util.Map;

/**
 * What an engine's process measured about itself.
 *
 * @param peakHeap bytes in use at the worst moment
 * @param peakLive bytes in use after the worst garbage collection
 */
record Figures(Pass load, Pass comparison, long links, long peakHeap, long peakLive) {

  /**
   * One pass.
   *
   * @param seconds from its beginning until its last record is stored and decided
   * @param settled seconds until nothing that follows from it waits any more
   * @param cpu CPU seconds by stage
   */
  record Pass(long records, double seconds, double settled, Map<String, Double> cpu) {

    double perSecond() {
      return records / seconds;
    }
  }
}
