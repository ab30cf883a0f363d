package org.pmslink.sample;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.springframework.util.FileSystemUtils;

/**
 * Prints how fast a practice is filled, and what is in it. Run it from an IDE, or with the class
 * path of the tests; arguments: patients, members, and {@code ledger} for visits and money as well.
 */
final class MeasureFill {
  private MeasureFill() {}

  public static void main(String[] args) throws IOException {
    int patients = args.length > 0 ? Integer.parseInt(args[0]) : 100_000;
    int members = args.length > 1 ? Integer.parseInt(args[1]) : patients / 5;
    boolean ledger = args.length > 2 && args[2].equals("ledger");
    Path folder = Files.createTempDirectory("pms-link-fill");
    try (OpenDentalServer server = OpenDentalServer.start(folder, 0)) {
      long start = System.nanoTime();
      PracticeGenerator.fill(
          server,
          new PracticeGenerator.Size(patients, members, 42, ledger),
          (number, person) -> {});
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(
          Locale.ROOT,
          "%,d patients and %,d members in %.1f s: %,.0f patients/s%n",
          patients,
          members,
          seconds,
          patients / seconds);
      Truth truth = Truth.of(server);
      System.out.println(truth.counts());
      System.out.println(truth.trapCounts());
      start = System.nanoTime();
      Truth.Loaded loaded = truth.load();
      System.out.printf(
          Locale.ROOT,
          "truth loaded in %.1f s, first chart's person %d%n",
          (System.nanoTime() - start) / 1e9,
          loaded.personOfChart(1));
    } finally {
      FileSystemUtils.deleteRecursively(folder);
    }
  }
}
