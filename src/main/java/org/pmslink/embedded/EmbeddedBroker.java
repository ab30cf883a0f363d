package org.pmslink.embedded;

import jakarta.jms.ConnectionFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.activemq.artemis.api.core.QueueConfiguration;
import org.apache.activemq.artemis.api.core.RoutingType;
import org.apache.activemq.artemis.api.core.SimpleString;
import org.apache.activemq.artemis.core.config.Configuration;
import org.apache.activemq.artemis.core.config.CoreAddressConfiguration;
import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.server.JournalType;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.core.settings.impl.AddressFullMessagePolicy;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Artemis broker that an engine without a broker of its own brings along. Only this process can
 * reach it. What it accepted is on disk before it says so, and nothing is ever dropped: a message
 * that fails too often goes to its queue's dead letters and waits there for as long as it takes.
 *
 * <p>{@code docker/artemis/broker.xml} says the same to a broker of its own; the two change
 * together.
 */
public final class EmbeddedBroker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedBroker.class);

  /** In-process brokers are told apart by a number; tests run several in one process. */
  private static final AtomicInteger NEXT_NUMBER = new AtomicInteger(1);

  static final String RECORDS = "records.received";
  static final String COMMANDS = "membership.commands";

  /** A topic, for whoever subscribes to it. */
  static final String EVENTS = "membership.events";

  private static final int KILOBYTE = 1024;
  private static final int MEGABYTE = 1024 * KILOBYTE;

  /**
   * A page of records is 50 to 400 KB. Beyond this size Artemis writes one file per message, which
   * costs many times a journal record.
   */
  private static final int LARGE_MESSAGE = 2 * MEGABYTE;

  /** The journal takes a record only when it fits its buffer and its file. */
  private static final int JOURNAL_BUFFER = 2 * LARGE_MESSAGE;

  private final Path folder;
  private final int number = NEXT_NUMBER.getAndIncrement();
  private EmbeddedActiveMQ server = new EmbeddedActiveMQ();

  private EmbeddedBroker(Path folder) {
    this.folder = folder;
  }

  /** Starts the broker of a folder this process owns; closing stops it. */
  public static EmbeddedBroker start(DataFolder folder) {
    EmbeddedBroker broker = new EmbeddedBroker(folder.resolve("artemis"));
    broker.start();
    return broker;
  }

  /** Starts again after {@link #stop}, with what is on disk. */
  public void start() {
    long begin = System.nanoTime();
    server = new EmbeddedActiveMQ().setConfiguration(configuration(folder, number));
    try {
      server.start();
    } catch (Exception e) {
      throw new IllegalStateException("Artemis did not start on " + folder, e);
    }
    if (!server.getActiveMQServer().isActive()) {
      throw new IllegalStateException("Artemis did not start on " + folder + ": see its log lines");
    }
    LOG.info(
        "Artemis is ready after {} ms", Duration.ofNanos(System.nanoTime() - begin).toMillis());
  }

  /** Takes the broker away, as an outage does; connections break and messages stay on disk. */
  public void stop() {
    try {
      server.stop();
    } catch (Exception e) {
      throw new IllegalStateException("Artemis did not stop", e);
    }
  }

  @Override
  public void close() {
    stop();
  }

  /** One connection a call; put a caching factory in front of it. */
  public ConnectionFactory connectionFactory() {
    return connectionFactory("vm://" + number, null, null);
  }

  /** Also for a broker elsewhere: what a client must know about the size of our messages. */
  static ConnectionFactory connectionFactory(
      String url, @Nullable String user, @Nullable String password) {
    ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(url, user, password);
    if (!url.contains("minLargeMessageSize")) {
      factory.setMinLargeMessageSize(LARGE_MESSAGE);
    }
    return factory;
  }

  static Configuration configuration(Path folder, int number) {
    Configuration configuration =
        new ConfigurationImpl()
            .setName("pms-link-" + number)
            .setJournalDirectory(folder.resolve("journal").toString())
            .setBindingsDirectory(folder.resolve("bindings").toString())
            .setPagingDirectory(folder.resolve("paging").toString())
            .setLargeMessagesDirectory(folder.resolve("large-messages").toString())
            .setNodeManagerLockDirectory(folder.resolve("journal").toString())
            .setPersistenceEnabled(true)
            // The journal of the JDK: libaio is one more native library to miss, and no O_DIRECT
            // works on every file system.
            .setJournalType(JournalType.NIO)
            .setJournalSyncTransactional(true)
            .setJournalSyncNonTransactional(true)
            .setJournalDatasync(true)
            .setJournalBufferSize_NIO(JOURNAL_BUFFER)
            .setJournalFileSize(4 * JOURNAL_BUFFER)
            .setJournalMinFiles(2)
            .setJournalPoolFiles(4)
            .setJournalCompactMinFiles(10)
            .setJournalCompactPercentage(30)
            // In-process only: there is nobody to keep out, and no port to keep them out of.
            .setSecurityEnabled(false)
            .setJMXManagementEnabled(false)
            // Artemis holds senders when the disk is 90 % full, which a large disk may be for
            // years.
            .setMaxDiskUsage(-1)
            .setMinDiskFree(512L * MEGABYTE);
    try {
      configuration.addAcceptorConfiguration("in-vm", "vm://" + number);
    } catch (Exception e) {
      throw new IllegalStateException("Artemis refused its own address", e);
    }
    configuration.addAddressSetting("#", keeping());
    for (String queue : List.of(RECORDS, COMMANDS)) {
      configuration.addAddressSetting(queue, failingTo(queue + ".dead"));
      configuration.addAddressSetting(queue + ".dead", keeping());
      // Dead letters without a queue are dropped, so the queues are there from the start.
      configuration.addAddressConfiguration(address(queue));
      configuration.addAddressConfiguration(address(queue + ".dead"));
    }
    configuration.addAddressConfiguration(
        new CoreAddressConfiguration().setName(EVENTS).addRoutingType(RoutingType.MULTICAST));
    return configuration;
  }

  private static CoreAddressConfiguration address(String name) {
    return new CoreAddressConfiguration()
        .setName(name)
        .addRoutingType(RoutingType.ANYCAST)
        .addQueueConfiguration(
            QueueConfiguration.of(name).setRoutingType(RoutingType.ANYCAST).setDurable(true));
  }

  /** Four attempts within about seven seconds, then the dead letters. */
  private static AddressSettings failingTo(String deadLetters) {
    return bounded()
        .setMaxDeliveryAttempts(4)
        .setRedeliveryDelay(1_000)
        .setRedeliveryMultiplier(2)
        .setMaxRedeliveryDelay(30_000)
        .setDeadLetterAddress(SimpleString.of(deadLetters));
  }

  /** Tried until it works: there is no further place to put such a message. */
  private static AddressSettings keeping() {
    return bounded().setMaxDeliveryAttempts(-1).setRedeliveryDelay(5_000);
  }

  /** Memory is bounded: what exceeds it waits on disk. */
  private static AddressSettings bounded() {
    return new AddressSettings()
        .setAddressFullMessagePolicy(AddressFullMessagePolicy.PAGE)
        .setMaxSizeBytes(64L * MEGABYTE)
        .setPageSizeBytes(10 * MEGABYTE)
        .setNoExpiry(true)
        .setDefaultAddressRoutingType(RoutingType.ANYCAST)
        .setDefaultQueueRoutingType(RoutingType.ANYCAST)
        .setAutoCreateAddresses(true)
        .setAutoCreateQueues(true)
        .setAutoDeleteAddresses(false)
        .setAutoDeleteQueues(false);
  }
}
