package org.pmslink.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.security.SecretFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The PostgreSQL that an engine without a database of its own brings along. It keeps its data in
 * the data folder, is as durable as any PostgreSQL, listens on this host only and wants a password.
 *
 * <p>A killed engine leaves its server running. The next engine stops that one and starts anew,
 * rather than adopting it: settings and programs are then always those of the running version.
 */
public final class EmbeddedDatabase implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedDatabase.class);
  private static final String NAME = "pmslink";

  /** Long, because a server that repairs itself after a power cut must not be stopped at it. */
  private static final Duration LONGEST_START = Duration.ofMinutes(5);

  private final int port;
  private final String password;
  private final @Nullable AutoCloseable whatWasStarted;

  private EmbeddedDatabase(int port, String password, @Nullable AutoCloseable whatWasStarted) {
    this.port = port;
    this.password = password;
    this.whatWasStarted = whatWasStarted;
  }

  /**
   * Starts the server of a folder this process owns; closing stops it.
   *
   * @param programs where the PostgreSQL programs are unpacked, once
   */
  public static EmbeddedDatabase start(DataFolder folder, Path programs) {
    long begin = System.nanoTime();
    Path data = folder.resolve("postgres");
    Path output = folder.resolve("postgres.log");
    PostgresPrograms postgres = new PostgresPrograms(programs.toAbsolutePath().normalize());
    String password = password(folder.resolve("postgres.password"));
    try {
      stopLeftOver(data, postgres, output);
      EmbeddedPostgres server =
          postgres.unpackedBy(() -> start(postgres, data, password, output.toFile()));
      LOG.info(
          "PostgreSQL is ready on port {} after {} ms",
          server.getPort(),
          Duration.ofNanos(System.nanoTime() - begin).toMillis());
      return new EmbeddedDatabase(
          server.getPort(), password, () -> stop(server, data, postgres, output));
    } catch (Exception e) {
      throw new IllegalStateException("PostgreSQL did not start on " + data + ": see " + output, e);
    }
  }

  /** Whether a server has been set up in that folder, running or not; makes nothing. */
  public static boolean isIn(Path folder) {
    return Files.exists(folder.resolve("postgres").resolve("PG_VERSION"));
  }

  /**
   * Connects to the server of a running engine, or starts one when none runs. Closing stops only
   * what this call started, so a command beside the engine never takes its database away.
   */
  public static EmbeddedDatabase open(Path folder, Path programs) {
    Path data = folder.toAbsolutePath().normalize().resolve("postgres");
    Optional<Postmaster> running = Postmaster.of(data).filter(Postmaster::runs);
    if (running.isPresent()) {
      String password = password(folder.resolve("postgres.password"));
      EmbeddedDatabase guest = new EmbeddedDatabase(running.get().port(), password, null);
      guest.mustAnswer();
      return guest;
    }
    DataFolder owned = DataFolder.own(folder);
    try {
      EmbeddedDatabase server = start(owned, programs);
      return new EmbeddedDatabase(
          server.port,
          server.password,
          () -> {
            server.close();
            owned.close();
          });
    } catch (RuntimeException e) {
      owned.close();
      throw e;
    }
  }

  public String jdbcUrl() {
    return "jdbc:postgresql://127.0.0.1:" + port + "/" + NAME;
  }

  public String user() {
    return NAME;
  }

  public String password() {
    return password;
  }

  @Override
  public void close() {
    try {
      if (whatWasStarted != null) {
        whatWasStarted.close();
      }
    } catch (Exception e) {
      throw new IllegalStateException("PostgreSQL did not stop", e);
    }
  }

  private void mustAnswer() {
    try (Connection connection = DriverManager.getConnection(jdbcUrl(), user(), password);
        ResultSet one = connection.createStatement().executeQuery("select 1")) {
      one.next();
    } catch (SQLException e) {
      throw new IllegalStateException(
          "The running PostgreSQL on port " + port + " does not answer yet: try again", e);
    }
  }

  private static EmbeddedPostgres start(
      PostgresPrograms programs, Path data, String password, File output) throws IOException {
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder()
            .setDataDirectory(data)
            .setCleanDataDirectory(false)
            .setPgBinaryResolver(programs)
            .setOverrideWorkingDirectory(programs.unpacked().toFile())
            .setDataDirectoryCustomizer(any -> demandPassword(programs, data, password, output))
            .setConnectConfig("password", password)
            .setPGStartupWait(LONGEST_START)
            // Closed by Spring, after everything that uses it; a hook of its own would run at once.
            .setRegisterShutdownHook(false)
            .setOutputRedirector(Redirect.to(output))
            .setErrorRedirector(Redirect.to(output));
    // The library is made for tests and would trade a power cut's survival for speed.
    builder
        .setServerConfig("fsync", "on")
        .setServerConfig("synchronous_commit", "on")
        .setServerConfig("full_page_writes", "on");
    builder
        .setServerConfig("shared_buffers", sharedBuffers())
        .setServerConfig("max_wal_size", "2GB")
        .setServerConfig("wal_compression", "on")
        .setServerConfig("checkpoint_timeout", "15min")
        .setServerConfig("max_connections", "100")
        // Which statement costs what, values taken out: the first question when a store is slow.
        .setServerConfig("shared_preload_libraries", "pg_stat_statements");
    builder
        .setServerConfig("listen_addresses", "127.0.0.1")
        .setServerConfig("unix_socket_directories", "");
    // A log of its own outlives a killed engine. It must not hold patient data: what went wrong
    // with
    // a statement is told to its client alone, because the message itself may quote a value.
    builder
        .setServerConfig("logging_collector", "on")
        .setServerConfig("log_filename", "postgresql-%a.log")
        .setServerConfig("log_truncate_on_rotation", "on")
        .setServerConfig("log_min_messages", "log")
        .setServerConfig("log_min_error_statement", "panic")
        .setServerConfig("log_error_verbosity", "terse");
    if (File.separatorChar == '/' && Files.isDirectory(Path.of("/proc"))) {
      // The same order of text on every Linux, whatever the locale the engine was started with.
      builder.setLocaleConfig("locale", "C.UTF-8");
    }
    return builder.start();
  }

  /** An eighth of the machine, which has other things to do: from 128 MB to 1 GB. */
  private static String sharedBuffers() {
    long memory =
        ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean machine
            ? machine.getTotalMemorySize() >> 20
            : 2048;
    return Math.max(128, Math.min(1024, memory / 8)) + "MB";
  }

  /**
   * The library initialises a server that trusts every local user. Before such a server has ever
   * listened, our role and the superuser get a password and the trust ends. Safe to repeat: a crash
   * half-way leaves the trusting file in place, and roles that exist already are left alone.
   */
  private static void demandPassword(
      PostgresPrograms programs, Path data, String password, File output) {
    Path access = data.resolve("pg_hba.conf");
    try {
      if (!Files.readString(access).contains("trust")) {
        return;
      }
      String sql =
          """
          ALTER ROLE postgres PASSWORD '%1$s'
          CREATE ROLE %2$s LOGIN
          ALTER ROLE %2$s PASSWORD '%1$s'
          GRANT pg_read_all_stats TO %2$s
          CREATE EXTENSION pg_stat_statements
          GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO %2$s
          CREATE DATABASE %2$s OWNER %2$s
          """
              .formatted(password, NAME);
      programs.runAlone(data, sql, output.toPath());
      Path draft = data.resolve("pg_hba.conf.new");
      Files.writeString(draft, "host all all 127.0.0.1/32 scram-sha-256\n", UTF_8);
      Files.move(draft, access, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void stopLeftOver(Path data, PostgresPrograms programs, Path output)
      throws IOException {
    Optional<Postmaster> found = Postmaster.of(data);
    if (found.isEmpty()) {
      return;
    }
    if (found.get().runs()) {
      LOG.warn("Stopping the PostgreSQL that an engine left behind when it was killed");
      programs.stop(data, output);
    } else if (found.get().isStale()) {
      // The server would refuse to start if that process id now belongs to somebody else.
      Files.deleteIfExists(Postmaster.file(data));
    }
  }

  private static void stop(
      EmbeddedPostgres server, Path data, PostgresPrograms programs, Path output)
      throws IOException {
    server.close();
    if (Postmaster.of(data).map(Postmaster::runs).orElse(false)) {
      // The library waits five seconds; a last checkpoint on a slow disk takes longer.
      programs.stop(data, output);
    }
  }

  private static String password(Path file) {
    return SecretFile.readOrCreate(
        file,
        () -> {
          byte[] bytes = new byte[24];
          new SecureRandom().nextBytes(bytes);
          return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        });
  }
}
