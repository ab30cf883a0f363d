package org.pmslink.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** Starts a database in a process of its own, which a test can then kill. */
final class EngineInAnotherProcess {
  private EngineInAnotherProcess() {}

  public static void main(String[] args) throws InterruptedException {
    EmbeddedDatabase.start(DataFolder.own(Path.of(args[0])), Path.of(args[1]));
    System.out.println("ready");
    new CountDownLatch(1).await();
  }

  /** Comes back when the database in the other process is ready. */
  static Process startOn(Path folder, Path programs) throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                EngineInAnotherProcess.class.getName(),
                folder.toString(),
                programs.toString())
            .redirectErrorStream(true)
            .start();
    BufferedReader output = process.inputReader(UTF_8);
    StringBuilder said = new StringBuilder();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.equals("ready")) {
        return process;
      }
      said.append(line).append('\n');
    }
    throw new IOException("The other engine ended: " + said);
  }
}
