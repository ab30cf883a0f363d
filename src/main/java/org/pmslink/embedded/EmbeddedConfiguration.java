package org.pmslink.embedded;

import com.zaxxer.hikari.HikariDataSource;
import jakarta.jms.ConnectionFactory;
import java.time.Duration;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.context.annotation.Primary;
import org.springframework.core.env.Environment;
import org.springframework.core.env.Profiles;
import org.springframework.jms.connection.CachingConnectionFactory;

/**
 * Decides, from two settings, whether the engine uses its own database and broker or others. Spring
 * closes beans in the reverse order of their making, so a pool is gone before its server, and the
 * data folder is given back last.
 *
 * <p>A broker elsewhere must have the address settings of {@code docker/artemis/broker.xml}: four
 * attempts with growing delay, then {@code <queue>.dead}, which exists and never gives up; paging;
 * no expiry. Without them Artemis drops a message after its last attempt.
 */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(EmbeddedSettings.class)
public class EmbeddedConfiguration {
  /**
   * Our statements look up a few hundred rows by index, whatever the size of the tables. The
   * planner thinks otherwise: with a plan that was cached while the tables were empty, or with
   * statistics that lag behind a first load, it joins by reading whole tables for every batch, and
   * a batch then costs more the more there is in the store.
   */
  private static final String PLANNING =
      """
      set plan_cache_mode = force_custom_plan; set random_page_cost = 1.1; set jit = off;
      set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off""";

  @Bean
  @Lazy
  DataFolder dataFolder(EmbeddedSettings settings) {
    return DataFolder.own(settings.folder());
  }

  @Bean
  @Lazy
  EmbeddedDatabase embeddedDatabase(
      ObjectProvider<DataFolder> folder, EmbeddedSettings settings, Environment environment) {
    // A command looks at the store beside a running engine, and owns nothing.
    return environment.acceptsProfiles(Profiles.of("tool"))
        ? EmbeddedDatabase.open(settings.folder(), settings.programs())
        : EmbeddedDatabase.start(folder.getObject(), settings.programs());
  }

  @Bean
  @Lazy
  EmbeddedBroker embeddedBroker(DataFolder folder) {
    return EmbeddedBroker.start(folder);
  }

  @Bean
  HikariDataSource dataSource(
      EmbeddedSettings settings, ObjectProvider<EmbeddedDatabase> embedded) {
    HikariDataSource pool = new HikariDataSource();
    EmbeddedSettings.Database database = settings.database();
    if (database.url().isBlank()) {
      EmbeddedDatabase own = embedded.getObject();
      pool.setJdbcUrl(own.jdbcUrl());
      pool.setUsername(own.user());
      pool.setPassword(own.password());
    } else {
      pool.setJdbcUrl(database.url());
      pool.setUsername(database.user());
      pool.setPassword(database.password());
    }
    pool.setPoolName("pms-link");
    pool.setConnectionInitSql(PLANNING);
    pool.addDataSourceProperty("reWriteBatchedInserts", "true");
    // Details of an error quote the row, and a row is a patient.
    pool.addDataSourceProperty("logServerErrorDetail", "false");
    pool.setMaximumPoolSize(database.poolSize());
    // An outage shall be noticed, not waited out: consumers pause and try again by themselves.
    pool.setConnectionTimeout(Duration.ofSeconds(10).toMillis());
    return pool;
  }

  /** Every connection is a new one: for those who must see the broker itself. */
  @Bean
  ConnectionFactory brokerConnectionFactory(
      EmbeddedSettings settings, ObjectProvider<EmbeddedBroker> embedded) {
    EmbeddedSettings.Broker broker = settings.broker();
    return broker.url().isBlank()
        ? embedded.getObject().connectionFactory()
        : EmbeddedBroker.connectionFactory(broker.url(), broker.user(), broker.password());
  }

  /**
   * What routes use, for consumer and producer alike: on one factory, with {@code transacted=true},
   * the producer joins the transaction of the consumer. The client does not reconnect under a
   * running transaction; it fails, and this factory connects anew for the next one.
   */
  @Bean
  @Primary
  CachingConnectionFactory connectionFactory(
      @Qualifier("brokerConnectionFactory") ConnectionFactory brokerConnectionFactory) {
    return cached(brokerConnectionFactory);
  }

  static CachingConnectionFactory cached(ConnectionFactory broker) {
    CachingConnectionFactory factory = new CachingConnectionFactory(broker);
    factory.setSessionCacheSize(64);
    // The listener containers keep their own; a cached one of a container that shrank would hold
    // messages that nobody reads.
    factory.setCacheConsumers(false);
    factory.setReconnectOnException(true);
    return factory;
  }
}
