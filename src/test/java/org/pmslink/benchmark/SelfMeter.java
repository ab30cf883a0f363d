package org.pmslink.benchmark;

import com.sun.management.GarbageCollectionNotificationInfo;
import com.sun.management.GcInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;

/** CPU time of this process by stage of the flow, of its servers, and its heap. */
final class SelfMeter implements AutoCloseable {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final Set<String> HEAP_POOLS =
      ManagementFactory.getMemoryPoolMXBeans().stream()
          .filter(pool -> pool.getType() == MemoryType.HEAP)
          .map(MemoryPoolMXBean::getName)
          .collect(Collectors.toSet());

  private final String feed;
  private final Path postgresPid;
  private final Path pmsPid;
  private final ScheduledExecutorService sampling = Executors.newSingleThreadScheduledExecutor();

  /** Threads end: what each had used when it was last seen. */
  private final Map<Long, Double> seen = new HashMap<>();

  private final Map<Long, String> stages = new HashMap<>();
  private Map<String, Double> before = Map.of();
  private long peakHeap;
  private long peakLive;

  /**
   * @param feed name of the feed that reads
   */
  SelfMeter(String feed, Path postgresPid, Path pmsPid) {
    this.feed = feed;
    this.postgresPid = postgresPid;
    this.pmsPid = pmsPid;
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      ((NotificationEmitter) collector)
          .addNotificationListener(
              (notification, handback) ->
                  collected(
                      GarbageCollectionNotificationInfo.from(
                              (CompositeData) notification.getUserData())
                          .getGcInfo()),
              n ->
                  n.getType()
                      .equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION),
              null);
    }
    var unused = sampling.scheduleWithFixedDelay(this::sample, 0, 250, TimeUnit.MILLISECONDS);
  }

  private synchronized void collected(GcInfo gc) {
    peakHeap = Math.max(peakHeap, heap(gc.getMemoryUsageBeforeGc()));
    peakLive = Math.max(peakLive, heap(gc.getMemoryUsageAfterGc()));
  }

  private static long heap(Map<String, MemoryUsage> pools) {
    return pools.entrySet().stream()
        .filter(pool -> HEAP_POOLS.contains(pool.getKey()))
        .mapToLong(pool -> pool.getValue().getUsed())
        .sum();
  }

  private synchronized void sample() {
    peakHeap =
        Math.max(peakHeap, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    for (long id : THREADS.getAllThreadIds()) {
      double cpu = THREADS.getThreadCpuTime(id) / 1e9;
      ThreadInfo info = stages.containsKey(id) ? null : THREADS.getThreadInfo(id);
      if (info != null) {
        stages.put(id, stage(info.getThreadName()));
      }
      if (cpu >= 0) {
        seen.put(id, cpu);
      }
    }
  }

  private String stage(String thread) {
    if (thread.contains("timer://" + feed)) {
      return "feed";
    } else if (thread.contains("records.received]")) {
      return "match";
    } else if (thread.contains("membership.commands]")) {
      return "apply";
    } else if (thread.contains("timer://sweep")) {
      return "sweep";
    } else if (thread.contains("ActiveMQ") || thread.contains("Artemis")) {
      return "broker";
    }
    return "other threads";
  }

  /** From here on. */
  void begin() {
    before = now();
  }

  /** CPU seconds by stage since {@link #begin}. */
  Map<String, Double> end() {
    Map<String, Double> used = new LinkedHashMap<>();
    now().forEach((stage, cpu) -> used.put(stage, cpu - before.getOrDefault(stage, 0.0)));
    return used;
  }

  private synchronized Map<String, Double> now() {
    sample();
    Map<String, Double> now = new LinkedHashMap<>();
    for (String stage : new String[] {"feed", "match", "apply", "sweep", "broker"}) {
      now.put(stage, 0.0);
    }
    seen.forEach(
        (id, cpu) -> now.merge(stages.getOrDefault(id, "other threads"), cpu, Double::sum));
    double threads = now.values().stream().mapToDouble(d -> d).sum();
    double process =
        ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime()
            / 1e9;
    // The JVM's own threads are not among those that Java sees.
    now.put("GC and JIT", process - threads);
    now.put("PostgreSQL", ProcessCpu.seconds(postgresPid));
    now.put("PMS (MariaDB)", ProcessCpu.seconds(pmsPid));
    return now;
  }

  synchronized long peakHeap() {
    return peakHeap;
  }

  synchronized long peakLive() {
    return peakLive;
  }

  @Override
  public void close() {
    sampling.shutdownNow();
  }
}
