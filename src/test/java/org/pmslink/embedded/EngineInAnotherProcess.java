package org.pmslink.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;

/** An engine, as far as this package goes, in a process of its own that a test can end. */
final class EngineInAnotherProcess {
  private EngineInAnotherProcess() {}

  public static void main(String[] args) throws InterruptedException {
    new SpringApplicationBuilder(EmbeddedConfiguration.class)
        .web(WebApplicationType.NONE)
        .run(
            "--pmslink.data-folder=" + args[0],
            "--pmslink.programs-folder=" + args[1],
            "--logging.level.root=warn");
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
