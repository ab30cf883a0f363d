package org.pmslink.feed;

import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

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

  @Override
  public void close() {
    OPEN.remove(this);
    super.close();
  }
}
