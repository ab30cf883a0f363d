package org.pmslink.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedBrokerTest {
  private final Path folder;
  private DataFolder owned;
  private EmbeddedBroker broker;

  EmbeddedBrokerTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void start() {
    owned = DataFolder.own(folder);
    broker = EmbeddedBroker.start(owned);
  }

  @AfterEach
  void stop() {
    broker.close();
    owned.close();
  }

  @Test
  void keepsACommittedPageOfRecordsThroughARestartAndInTheJournal() throws Exception {
    byte[] page = noise(300 * 1024);
    send(EmbeddedBroker.RECORDS, page);
    assertThat(largeMessageFiles()).isEmpty();

    broker.stop();
    broker.start();

    assertThat(receive(EmbeddedBroker.RECORDS)).isEqualTo(page);
  }

  @Test
  void takesAMessageLargerThanItsJournalBuffer() throws Exception {
    byte[] large = noise(6 * 1024 * 1024);
    send(EmbeddedBroker.RECORDS, large);

    assertThat(receive(EmbeddedBroker.RECORDS)).isEqualTo(large);
  }

  @Test
  void putsAMessageThatFailsFourTimesAmongTheDeadLetters() throws Exception {
    byte[] command = noise(100);
    send(EmbeddedBroker.COMMANDS, command);

    try (Connection connection = connect()) {
      Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
      MessageConsumer consumer =
          session.createConsumer(session.createQueue(EmbeddedBroker.COMMANDS));
      for (int attempt = 1; attempt <= 4; attempt++) {
        Message message = consumer.receive(10_000);
        assertThat(message.getIntProperty("JMSXDeliveryCount")).isEqualTo(attempt);
        session.rollback();
      }
      assertThat(consumer.receiveNoWait()).isNull();
    }

    assertThat(receive(EmbeddedBroker.COMMANDS + ".dead")).isEqualTo(command);
  }

  @Test
  void keepsWhatExceedsItsMemoryOnDisk() throws Exception {
    byte[] page = noise(1024 * 1024);
    int pages = 100;
    try (Connection connection = connect()) {
      Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
      MessageProducer producer =
          session.createProducer(session.createQueue(EmbeddedBroker.RECORDS));
      for (int i = 0; i < pages; i++) {
        producer.send(bytes(session, page));
        session.commit();
      }
    }
    assertThat(files("paging")).anyMatch(file -> file.toString().endsWith(".page"));

    try (Connection connection = connect()) {
      Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
      MessageConsumer consumer =
          session.createConsumer(session.createQueue(EmbeddedBroker.RECORDS));
      for (int i = 0; i < pages; i++) {
        assertThat(consumer.receive(10_000)).isNotNull();
        session.commit();
      }
      assertThat(consumer.receiveNoWait()).isNull();
    }
  }

  private void send(String queue, byte[] body) throws JMSException {
    try (Connection connection = connect()) {
      Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
      session.createProducer(session.createQueue(queue)).send(bytes(session, body));
      session.commit();
    }
  }

  /** Read while there is a connection: the body of a large one comes in pieces. */
  private byte[] receive(String queue) throws JMSException {
    try (Connection connection = connect()) {
      Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
      @Nullable Message message =
          session.createConsumer(session.createQueue(queue)).receive(10_000);
      assertThat(message).isNotNull();
      return message.getBody(byte[].class);
    }
  }

  private Connection connect() throws JMSException {
    Connection connection = broker.connectionFactory().createConnection();
    connection.start();
    return connection;
  }

  private static BytesMessage bytes(Session session, byte[] body) throws JMSException {
    BytesMessage message = session.createBytesMessage();
    message.writeBytes(body);
    return message;
  }

  /** Cannot be compressed, so that sizes are what they seem. */
  private static byte[] noise(int size) {
    byte[] bytes = new byte[size];
    new Random(7).nextBytes(bytes);
    return bytes;
  }

  private List<Path> largeMessageFiles() throws IOException {
    return files("large-messages");
  }

  private List<Path> files(String name) throws IOException {
    Path start = folder.resolve("artemis").resolve(name);
    try (Stream<Path> files = Files.exists(start) ? Files.walk(start) : Stream.empty()) {
      return files.filter(Files::isRegularFile).toList();
    }
  }
}
