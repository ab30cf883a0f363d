package org.pmslink.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import jakarta.jms.ConnectionFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration;
import org.springframework.boot.autoconfigure.jdbc.JdbcTemplateAutoConfiguration;
import org.springframework.boot.autoconfigure.jms.JmsAutoConfiguration;
import org.springframework.boot.autoconfigure.jms.artemis.ArtemisAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jms.connection.CachingConnectionFactory;

class EmbeddedConfigurationTest {
  private final Path folder;

  EmbeddedConfigurationTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private ApplicationContextRunner application() {
    return new ApplicationContextRunner()
        .withUserConfiguration(EmbeddedConfiguration.class)
        .withConfiguration(
            AutoConfigurations.of(
                DataSourceAutoConfiguration.class,
                JdbcTemplateAutoConfiguration.class,
                ArtemisAutoConfiguration.class,
                JmsAutoConfiguration.class))
        .withPropertyValues(
            "pmslink.data-folder=" + folder,
            "pmslink.programs-folder=" + Path.of("target", "postgres-programs"));
  }

  @Test
  void bringsItsOwnDatabaseAndBrokerWhenNoneIsNamed() {
    List<AsksWhileClosing> users = new ArrayList<>();
    application()
        .withBean(AsksWhileClosing.class)
        .run(
            context -> {
              users.add(context.getBean(AsksWhileClosing.class));
              assertThat(context).hasSingleBean(DataSource.class);
              assertThat(context.getBean(JdbcTemplate.class).queryForObject("select 1", int.class))
                  .isEqualTo(1);
              assertThat(context.getBean(ConnectionFactory.class))
                  .isInstanceOf(CachingConnectionFactory.class);
            });

    assertThat(users)
        .as("the database is there until its users are gone")
        .extracting(user -> user.answer)
        .containsExactly(1);
    assertThat(Postmaster.of(folder.resolve("postgres"))).as("and then it stops").isEmpty();
    DataFolder.own(folder).close();
  }

  @Test
  void startsNothingOfItsOwnWhenOthersAreNamed() {
    application()
        .withPropertyValues(
            "pmslink.database.url=jdbc:postgresql://db.example/pmslink",
            "pmslink.database.user=linker",
            "pmslink.database.password=secret",
            "pmslink.broker.url=tcp://broker.example:61616?ha=true",
            "pmslink.broker.user=linker",
            "pmslink.broker.password=secret")
        .run(
            context -> {
              HikariDataSource pool = context.getBean(HikariDataSource.class);
              assertThat(pool.getJdbcUrl()).isEqualTo("jdbc:postgresql://db.example/pmslink");
              assertThat(pool.getUsername()).isEqualTo("linker");
              assertThat(pool.getMaximumPoolSize()).isEqualTo(12);
              ActiveMQConnectionFactory broker =
                  (ActiveMQConnectionFactory) context.getBean("brokerConnectionFactory");
              assertThat(broker.getUser()).isEqualTo("linker");
              assertThat(broker.getMinLargeMessageSize()).isEqualTo(2 * 1024 * 1024);
            });

    assertThat(folder).isEmptyDirectory();
  }

  /** Any user of the pool that still needs it when the application stops. */
  static final class AsksWhileClosing implements AutoCloseable {
    private final JdbcTemplate jdbc;
    private int answer;

    AsksWhileClosing(JdbcTemplate jdbc) {
      this.jdbc = jdbc;
    }

    @Override
    public void close() {
      Integer one = jdbc.queryForObject("select 1", Integer.class);
      answer = one == null ? 0 : one;
    }
  }
}
