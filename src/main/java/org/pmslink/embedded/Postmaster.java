package org.pmslink.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What a running PostgreSQL server writes about itself into {@code postmaster.pid}. */
record Postmaster(long pid, int port) {

  static Optional<Postmaster> of(Path dataDirectory) {
    try {
      List<String> lines = Files.readAllLines(file(dataDirectory));
      // Process id, data directory, start time, port: the first four lines, in this order.
      return Optional.of(
          new Postmaster(
              Long.parseLong(lines.get(0).strip()), Integer.parseInt(lines.get(3).strip())));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
      // A crash can leave it empty; the server decides then.
      return Optional.empty();
    }
  }

  static Path file(Path dataDirectory) {
    return dataDirectory.resolve("postmaster.pid");
  }

  /** Process ids are used again, above all in containers: the process must be a PostgreSQL. */
  boolean runs() {
    return process().map(Postmaster::isPostgres).orElse(false);
  }

  /** True when that process id belongs to nobody, or to a program that is no PostgreSQL. */
  boolean isStale() {
    return process().map(p -> p.info().command().isPresent() && !isPostgres(p)).orElse(true);
  }

  private Optional<ProcessHandle> process() {
    return ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
  }

  private static boolean isPostgres(ProcessHandle process) {
    return process
        .info()
        .command()
        .map(command -> Path.of(command).getFileName().toString().startsWith("postgres"))
        .orElse(false);
  }
}
