package org.pmslink.feed;

import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;

/**
 * A feed's connections to its PMS: few, read-only, and given up when the PMS is away, so that an
 * office's server is never kept busy by us. A class of its own because Spring, which makes the
 * beans of route templates, would fill the constructor of a plain pool with the engine's own one.
 */
public class PmsDatabase extends HikariDataSource {

  /** A pool that connects when it is first used, so that an absent PMS harms no start. */
  public PmsDatabase() {
    setReadOnly(true);
    setMaximumPoolSize(2);
    setMinimumIdle(0);
    setIdleTimeout(Duration.ofMinutes(1).toMillis());
    setConnectionTimeout(Duration.ofSeconds(10).toMillis());
    setInitializationFailTimeout(-1);
  }
}
