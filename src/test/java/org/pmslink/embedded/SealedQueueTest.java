package org.pmslink.embedded;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.Message;
import jakarta.jms.Session;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.jms.JmsComponent;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.security.PayloadCipher;
import org.pmslink.security.SealedMessageConverter;
import org.springframework.jms.connection.CachingConnectionFactory;

/** Camel's JMS routes on the embedded broker, wired as the engine wires them. */
class SealedQueueTest {
  private static final String SENTINEL = "Sentinelsson";

  private final Path folder;
  private final DataFolder owned;
  private final EmbeddedBroker broker;
  private final ConnectionFactory raw;
  private final CachingConnectionFactory cached;
  private final DefaultCamelContext camel = new DefaultCamelContext();

  SealedQueueTest(@TempDir Path folder) {
    this.folder = folder;
    owned = DataFolder.own(folder);
    broker = EmbeddedBroker.start(owned);
    raw = broker.connectionFactory();
    cached = EmbeddedConfiguration.cached(raw);
    JmsComponent jms = new JmsComponent();
    jms.setConnectionFactory(cached);
    jms.setTransacted(true);
    jms.setLazyCreateTransactionManager(false);
    jms.setRecoveryInterval(200);
    jms.setMessageConverter(
        new SealedMessageConverter(PayloadCipher.withKeyFile(folder.resolve("payload.json"))));
    camel.addComponent("jms", jms);
  }

  @BeforeEach
  void start() {
    camel.start();
  }

  @AfterEach
  void stop() {
    camel.stop();
    cached.destroy();
    broker.close();
    owned.close();
  }

  @Test
  void neitherTheQueueNorItsDiskHoldsAPatient() throws Exception {
    String body = "{\"lastName\":\"" + SENTINEL + "\"}";
    try (ProducerTemplate producer = camel.createProducerTemplate()) {
      producer.sendBodyAndHeader("jms:queue:records.received", body, "feed", "sunrise");
    }

    try (Connection connection = raw.createConnection()) {
      connection.start();
      Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
      Message message =
          session.createConsumer(session.createQueue("records.received")).receive(10_000);
      assertThat(message).isInstanceOf(BytesMessage.class);
      assertThat(message.getStringProperty("feed")).isEqualTo("sunrise");
      assertThat(new String(message.getBody(byte[].class), ISO_8859_1)).doesNotContain(SENTINEL);
      session.rollback();
    }
    try (var files = Files.walk(folder.resolve("artemis"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(new String(Files.readAllBytes(file), ISO_8859_1)).doesNotContain(SENTINEL);
      }
    }

    List<String> received = new CopyOnWriteArrayList<>();
    camel.addRoutes(
        new RouteBuilder() {
          @Override
          public void configure() {
            from("jms:queue:records.received")
                .process(exchange -> received.add(exchange.getMessage().getBody(String.class)));
          }
        });
    await().untilAsserted(() -> assertThat(received).containsExactly(body));
  }

  @Test
  void aRouteThatFailsAfterSendingSendsOnce() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    List<String> commands = new CopyOnWriteArrayList<>();
    camel.addRoutes(
        new RouteBuilder() {
          @Override
          public void configure() {
            from("jms:queue:records.received")
                .to("jms:queue:membership.commands")
                .process(
                    exchange -> {
                      if (attempts.incrementAndGet() < 3) {
                        throw new IllegalStateException("fails after the send");
                      }
                    });
            from("jms:queue:membership.commands")
                .process(exchange -> commands.add(exchange.getMessage().getBody(String.class)));
          }
        });

    try (ProducerTemplate producer = camel.createProducerTemplate()) {
      producer.sendBody("jms:queue:records.received", "page".getBytes(UTF_8));
    }

    await().atMost(Duration.ofSeconds(15)).until(() -> attempts.get() == 3);
    await().untilAsserted(() -> assertThat(commands).containsExactly("page"));
    await()
        .during(Duration.ofMillis(500))
        .untilAsserted(() -> assertThat(commands).containsExactly("page"));
  }

  @Test
  void aRouteGoesOnByItselfAfterAnOutage() throws Exception {
    List<String> received = new CopyOnWriteArrayList<>();
    camel.addRoutes(
        new RouteBuilder() {
          @Override
          public void configure() {
            from("jms:queue:records.received")
                .process(exchange -> received.add(exchange.getMessage().getBody(String.class)));
          }
        });
    try (ProducerTemplate producer = camel.createProducerTemplate()) {
      producer.sendBody("jms:queue:records.received", "before");
      await().untilAsserted(() -> assertThat(received).containsExactly("before"));

      broker.stop();
      broker.start();

      producer.sendBody("jms:queue:records.received", "after");
    }
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(received).containsExactly("before", "after"));
  }
}
