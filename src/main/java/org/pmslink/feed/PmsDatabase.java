package org.pmslink.feed;

import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.springframework.jdbc.datasource.SimpleDriverDataSource;

/**
 * A feed's connections to its PMS: few, read-only, and given up when the PMS is away, so that an
 * office's server is never kept busy by us. A class of its own because Spring, which makes the
 * beans of route templates, would fill the constructor of a plain pool with the engine's own one.
 */
public class PmsDatabase extends HikariDataSource {
  /**
   * Camel makes the pools of route templates and forgets them: somebody must know what to close.
   */
  private static final Set<PmsDatabase> OPEN = ConcurrentHashMap.newKeySet();

  private String driver = "";
  private Path driversFolder = Path.of("drivers");

  /** A pool that connects when it is first used, so that an absent PMS harms no start. */
  public PmsDatabase() {
    setReadOnly(true);
    setMaximumPoolSize(2);
    setMinimumIdle(0);
    setIdleTimeout(Duration.ofMinutes(1).toMillis());
    setConnectionTimeout(Duration.ofSeconds(10).toMillis());
    setInitializationFailTimeout(-1);
    OPEN.add(this);
  }

  /** Gives up the connections of a feed, by whose name its template calls the pool. */
  static void closeOf(String feed) {
    OPEN.stream().filter(pool -> feed.equals(pool.getPoolName())).forEach(PmsDatabase::close);
  }

  /** The connections of a feed that runs. */
  static Optional<PmsDatabase> of(String feed) {
    return OPEN.stream().filter(pool -> feed.equals(pool.getPoolName())).findFirst();
  }

  @Override
  public void close() {
    OPEN.remove(this);
    super.close();
  }

  /**
   * Class of the JDBC driver, for one that does not come with the engine; blank for one that the
   * URL is enough to find.
   */
  public void setDriver(String driver) {
    this.driver = driver.strip();
  }

  /** Where the jars of such drivers are. */
  public void setDriversFolder(String folder) {
    this.driversFolder = Path.of(folder);
  }

  @Override
  public Connection getConnection() throws SQLException {
    if (!driver.isEmpty() && getDataSource() == null) {
      load();
    }
    return super.getConnection();
  }

  private synchronized void load() {
    if (getDataSource() == null) {
      setDataSource(
          new SimpleDriverDataSource(
              driver(driversFolder, driver), getJdbcUrl(), getUsername(), getPassword()));
    }
  }

  /**
   * A driver from the folder, with class loading of its own: what a vendor's jar brings along
   * cannot get in the way of ours.
   *
   * @throws FeedException saying what to put where
   */
  static Driver driver(Path folder, String className) {
    List<Path> jars = jars(folder);
    URL[] urls = jars.stream().map(PmsDatabase::url).toArray(URL[]::new);
    // Open as long as the feed's connections are, which is as long as the engine runs.
    @SuppressWarnings("resource")
    URLClassLoader loader =
        new URLClassLoader("drivers", urls, ClassLoader.getPlatformClassLoader());
    try {
      return (Driver) loader.loadClass(className).getDeclaredConstructor().newInstance();
    } catch (ClassNotFoundException e) {
      throw new FeedException(
          "driver: there is no class "
              + className
              + " in the "
              + jars.size()
              + " jars of the drivers folder; put the vendor's JDBC driver there"
              + " (pmslink.drivers-folder)");
    } catch (ReflectiveOperationException | ClassCastException | LinkageError e) {
      throw new FeedException(
          "driver: the class " + className + " is no JDBC driver that can be used");
    }
  }

  private static List<Path> jars(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      throw new FeedException("driver: the drivers folder cannot be listed");
    }
  }

  private static URL url(Path jar) {
    try {
      return jar.toUri().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalStateException("a path has a URL", e);
    }
  }
}
