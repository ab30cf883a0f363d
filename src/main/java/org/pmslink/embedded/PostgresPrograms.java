package org.pmslink.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import io.zonky.test.db.postgres.embedded.PgBinaryResolver;
import io.zonky.test.db.postgres.util.LinuxUtils;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.pmslink.security.PrivateFolder;
import org.springframework.util.FileSystemUtils;

/**
 * The PostgreSQL programs that the library unpacks, and the runs of them that the library does not
 * offer. A record, because the library remembers where it unpacked by the resolver it was given.
 */
record PostgresPrograms(Path folder) implements PgBinaryResolver {

  /** Where to unpack: the library lets everybody write there, so it is within a private folder. */
  Path unpacked() {
    return folder.resolve("postgres").resolve("unpacked");
  }

  @Override
  public InputStream getPgBinary(String system, String machineHardware) throws IOException {
    return DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(system, machineHardware);
  }

  /** Where the library unpacks this version: its own rule, repeated. */
  private Path home() throws IOException {
    try (InputStream archive = getPgBinary(system(), hardware())) {
      byte[] digest = MessageDigest.getInstance("MD5").digest(archive.readAllBytes());
      return unpacked().resolve("PG-" + HexFormat.of().formatHex(digest));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("This Java has no MD5", e);
    }
  }

  /**
   * Runs the first start, which unpacks, alone, and after what a killed one may have left is gone:
   * the library takes a half-written program for a whole one.
   */
  <T> T unpackedBy(Callable<T> start) throws Exception {
    Path home = home();
    Path complete = home.resolve(".exists");
    if (Files.exists(complete)) {
      return start.call();
    }
    PrivateFolder.make(folder.resolve("postgres"));
    synchronized (PostgresPrograms.class) {
      try (FileChannel channel =
          FileChannel.open(
              unpacked().resolveSibling("unpack.lock"),
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE)) {
        channel.lock();
        if (Files.notExists(complete)) {
          FileSystemUtils.deleteRecursively(home);
        }
        return start.call();
      }
    }
  }

  /** Stops a server and waits: "fast" ends its sessions, and loses nothing that was committed. */
  void stop(Path dataDirectory, Path output) throws IOException {
    run(
        output,
        "",
        List.of("pg_ctl", "-D", dataDirectory.toString(), "stop", "-m", "fast", "-w", "-t", "120"));
  }

  /** Runs SQL, one statement a line, in a data directory whose server does not run. */
  void runAlone(Path dataDirectory, String sql, Path output) throws IOException {
    run(
        output,
        sql,
        List.of(
            "postgres",
            "--single",
            "-D",
            dataDirectory.toString(),
            // The statements hold a password.
            "-c",
            "log_min_error_statement=panic",
            "postgres"));
  }

  private void run(Path output, String input, List<String> command) throws IOException {
    List<String> words = new ArrayList<>();
    // PostgreSQL refuses to run as root; the library's way round is a name space of its own.
    if (LinuxUtils.isUnshareAvailable()) {
      words.addAll(List.of("unshare", "-U"));
    }
    String extension = system().equals("Windows") ? ".exe" : "";
    words.add(home().resolve("bin").resolve(command.get(0) + extension).toString());
    words.addAll(command.subList(1, command.size()));
    File log = output.toFile();
    Process process =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log).start();
    try {
      process.outputWriter(UTF_8).append(input).close();
      int code = process.waitFor();
      if (code != 0) {
        throw new IOException(command.get(0) + " ended with code " + code + ", see " + log);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(command.get(0) + " was interrupted", e);
    }
  }

  private static String system() {
    String name = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    return name.startsWith("windows") ? "Windows" : name.startsWith("mac") ? "Darwin" : "Linux";
  }

  private static String hardware() {
    String name = System.getProperty("os.arch", "");
    return name.equals("amd64") ? "x86_64" : name;
  }
}
