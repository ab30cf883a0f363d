package org.pmslink.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** CPU time of other processes, from Linux's {@code /proc}; elsewhere it is not known. */
final class ProcessCpu {
  /** The unit of /proc on every Linux. */
  private static final double TICKS_PER_SECOND = 100;

  private ProcessCpu() {}

  /**
   * CPU seconds of a server and its children, the ones that have ended included.
   *
   * @param pidFile its first line is the process id
   * @return not a number when unknown
   */
  static double seconds(Path pidFile) {
    try {
      long pid = Long.parseLong(Files.readAllLines(pidFile).get(0).strip());
      double children =
          ProcessHandle.of(pid).stream()
              .flatMap(ProcessHandle::descendants)
              .mapToDouble(child -> ticks(child.pid(), 2))
              .filter(t -> !Double.isNaN(t))
              .sum();
      return (ticks(pid, 4) + children) / TICKS_PER_SECOND;
    } catch (IOException | NumberFormatException e) {
      return Double.NaN;
    }
  }

  /** The first two of utime, stime, cutime, cstime, or all four. */
  private static double ticks(long pid, int fields) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      // The program's name in brackets may hold blanks; utime is the twelfth field behind it.
      String[] behind = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return Stream.of(behind).skip(11).limit(fields).mapToDouble(Double::parseDouble).sum();
    } catch (IOException e) {
      return Double.NaN;
    }
  }
}
