package org.pmslink.benchmark;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.pmslink.embedded.DataFolder;
import org.pmslink.embedded.EmbeddedBroker;
import org.pmslink.feed.ChartsAsRead;
import org.pmslink.linking.LinkRecords;
import org.pmslink.linking.RecordBatch;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.security.PayloadCipher;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * What this machine's disk, PostgreSQL and Artemis can do at most with the same data: the statement
 * of the apply step on copies of its tables, and the messages of both queues, with nothing around
 * them.
 */
final class RawLimits {
  private static final int BATCH = 500;

  /** More says nothing more, and has to fit into memory. */
  private static final int MOST_RECORDS = 100_000;

  private static final int FEWEST_MESSAGES = 200;

  private RawLimits() {}

  /** Columns of 500 rows, as the statement takes them. */
  private record Batch(
      String[] ids,
      Long[] versions,
      String[] statuses,
      String[] hashes,
      @Nullable Timestamp[] modified,
      String[] records,
      String[] keys) {}

  /** Rows per second through batched upserts, with one connection and with two. */
  record Upserts(long rows, double one, double two) {}

  static Upserts upserts(DataSource store) throws Exception {
    JdbcTemplate jdbc = new JdbcTemplate(store);
    jdbc.execute("drop schema if exists limits cascade");
    jdbc.execute("create schema limits");
    jdbc.execute("create table limits.patients (like public.patients including all)");
    jdbc.execute(
        "alter table limits.patients add foreign key (practice_id) references public.practices");
    jdbc.execute(
        "create table limits.patient_blocking_keys"
            + " (like public.patient_blocking_keys including all)");
    List<Batch> batches = batches(jdbc);
    long rows = batches.stream().mapToLong(b -> b.ids().length).sum();
    write(store, batches.subList(0, Math.min(20, batches.size())), 1);
    double one = write(store, batches, 1);
    double two = write(store, batches, 2);
    jdbc.execute("drop schema limits cascade");
    return new Upserts(rows, rows / one, rows / two);
  }

  private static List<Batch> batches(JdbcTemplate jdbc) {
    List<Batch> batches = new ArrayList<>();
    List<Object[]> rows = new ArrayList<>();
    jdbc.setFetchSize(BATCH);
    jdbc.query(
        """
        select source_id, version, status, content_hash, source_modified_at, record, blocking_keys
        from public.patients order by id limit ?\
        """,
        row -> {
          rows.add(
              new Object[] {
                row.getString(1),
                row.getLong(2),
                row.getString(3),
                row.getString(4),
                row.getTimestamp(5),
                row.getString(6),
                row.getString(7)
              });
          if (rows.size() == BATCH) {
            batches.add(batch(rows));
            rows.clear();
          }
        },
        MOST_RECORDS);
    if (!rows.isEmpty()) {
      batches.add(batch(rows));
    }
    return batches;
  }

  private static Batch batch(List<Object[]> rows) {
    return new Batch(
        rows.stream().map(r -> r[0]).toArray(String[]::new),
        rows.stream().map(r -> r[1]).toArray(Long[]::new),
        rows.stream().map(r -> r[2]).toArray(String[]::new),
        rows.stream().map(r -> r[3]).toArray(String[]::new),
        rows.stream().map(r -> r[4]).toArray(Timestamp[]::new),
        rows.stream().map(r -> r[5]).toArray(String[]::new),
        rows.stream().map(r -> r[6]).toArray(String[]::new));
  }

  /** Seconds for writing all batches into empty tables, each in a transaction. */
  private static double write(DataSource store, List<Batch> batches, int connections)
      throws Exception {
    JdbcTemplate jdbc = new JdbcTemplate(store);
    jdbc.execute("truncate limits.patients, limits.patient_blocking_keys");
    List<Callable<Long>> writers = new ArrayList<>();
    for (int n = 0; n < connections; n++) {
      int first = n;
      writers.add(() -> write(store, batches, first, connections));
    }
    return timed(writers);
  }

  private static long write(DataSource store, List<Batch> batches, int first, int step)
      throws SQLException {
    try (java.sql.Connection connection = store.getConnection();
        PreparedStatement upsert = connection.prepareStatement(UPSERT);
        PreparedStatement file = connection.prepareStatement(FILE)) {
      connection.setAutoCommit(false);
      for (int i = first; i < batches.size(); i += step) {
        Batch batch = batches.get(i);
        upsert.setArray(1, connection.createArrayOf("text", batch.ids()));
        upsert.setArray(2, connection.createArrayOf("bigint", batch.versions()));
        upsert.setArray(3, connection.createArrayOf("text", batch.statuses()));
        upsert.setArray(4, connection.createArrayOf("text", batch.hashes()));
        upsert.setArray(5, connection.createArrayOf("timestamptz", batch.modified()));
        upsert.setArray(6, connection.createArrayOf("text", batch.records()));
        upsert.setArray(7, connection.createArrayOf("text", batch.keys()));
        List<Long> ids = new ArrayList<>();
        try (ResultSet returned = upsert.executeQuery()) {
          while (returned.next()) {
            ids.add(returned.getLong(1));
          }
        }
        file.setArray(1, connection.createArrayOf("bigint", ids.toArray()));
        file.executeUpdate();
        connection.commit();
      }
      connection.setAutoCommit(true);
    }
    return 0;
  }

  /** As in the apply step, whose merges are not part of the limit. */
  private static final String UPSERT =
      """
      insert into limits.patients as p (practice_id, source, source_id, version, status,
                                        content_hash, fingerprint, source_modified_at, record, blocking_keys)
      select 1, 'open-dental', t.source_id, t.version, t.status, t.content_hash, 0, t.modified,
             t.record::json, t.keys::bigint[]
      from unnest(?::text[], ?::bigint[], ?::text[], ?::text[], ?::timestamptz[], ?::text[],
                  ?::text[])
           as t (source_id, version, status, content_hash, modified, record, keys)
      on conflict (practice_id, source, source_id) do update
      set version = excluded.version, status = excluded.status,
          content_hash = excluded.content_hash, fingerprint = excluded.fingerprint,
          source_modified_at = excluded.source_modified_at, record = excluded.record,
          blocking_keys = excluded.blocking_keys, merged_into = excluded.merged_into,
          removed_at = null, updated_at = now()
      where p.version <= excluded.version
      returning id\
      """;

  private static final String FILE =
      """
      insert into limits.patient_blocking_keys (practice_id, key, patient_id)
      select p.practice_id, k.key, p.id
      from limits.patients p, unnest(p.blocking_keys) as k (key)
      where p.practice_id = 1 and p.id = any (?)
      order by k.key
      on conflict do nothing\
      """;

  /** Records per second, and how many bytes a record is on each queue. */
  record Queue(long records, double perSecond, double recordBytes, double commandBytes) {}

  /**
   * Every batch once through both queues, in a transaction each way, with nothing done to it.
   *
   * @param link makes the commands of a batch, for a practice that the store does not know
   */
  static Queue queue(
      Path folder, DataSource pms, Path mappings, LinkRecords link, PayloadCipher cipher)
      throws Exception {
    List<byte[]> records = new ArrayList<>();
    List<byte[]> commands = new ArrayList<>();
    List<com.fasterxml.jackson.databind.JsonNode> page = new ArrayList<>();
    ChartsAsRead.forEach(
        pms,
        mappings,
        "open-dental/patients.sql",
        raw -> {
          page.add(raw);
          if (page.size() == BATCH && records.size() * BATCH < MOST_RECORDS) {
            RecordBatch batch = batch(page, records.size() + 1);
            try {
              records.add(cipher.seal(batch.toJson(), "queue"));
              commands.add(cipher.seal(link.link(batch).commands().toJson(), "queue"));
            } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
              throw new IllegalStateException("a batch can always be written", e);
            }
          }
          if (page.size() == BATCH) {
            page.clear();
          }
        });
    int messages = Math.max(FEWEST_MESSAGES, records.size());
    try (DataFolder owned = DataFolder.own(folder);
        EmbeddedBroker broker = EmbeddedBroker.start(owned)) {
      ConnectionFactory factory = broker.connectionFactory();
      through(factory, records, commands, Math.min(20, messages));
      double seconds = through(factory, records, commands, messages);
      return new Queue(
          (long) messages * BATCH,
          messages * BATCH / seconds,
          bytes(records) / BATCH,
          bytes(commands) / BATCH);
    }
  }

  private static RecordBatch batch(
      List<com.fasterxml.jackson.databind.JsonNode> records, int number) {
    return new RecordBatch(
        "limits",
        "open-dental",
        "limits",
        null,
        number,
        "",
        records.size(),
        number,
        RecordType.PATIENTS,
        "PATIENTS",
        false,
        "open-dental/patient.jslt",
        "UTC",
        "UTC",
        null,
        List.copyOf(records));
  }

  private static double bytes(List<byte[]> messages) {
    return messages.stream().mapToInt(m -> m.length).average().orElse(0);
  }

  private static double through(
      ConnectionFactory factory, List<byte[]> records, List<byte[]> commands, int messages)
      throws Exception {
    return timed(
        List.of(
            () -> send(factory, "records.received", records, messages),
            () -> receive(factory, "records.received", messages),
            () -> send(factory, "membership.commands", commands, messages),
            () -> receive(factory, "membership.commands", messages)));
  }

  private static long send(
      ConnectionFactory factory, String queue, List<byte[]> bodies, int messages) throws Exception {
    try (Connection connection = factory.createConnection();
        Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
        MessageProducer producer = session.createProducer(session.createQueue(queue))) {
      for (int i = 0; i < messages; i++) {
        BytesMessage message = session.createBytesMessage();
        message.writeBytes(bodies.get(i % bodies.size()));
        producer.send(message);
        session.commit();
      }
    }
    return messages;
  }

  private static long receive(ConnectionFactory factory, String queue, int messages)
      throws Exception {
    long bytes = 0;
    try (Connection connection = factory.createConnection();
        Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
        MessageConsumer consumer = session.createConsumer(session.createQueue(queue))) {
      connection.start();
      for (int i = 0; i < messages; i++) {
        Message message = consumer.receive(60_000);
        if (!(message instanceof BytesMessage body)) {
          throw new IllegalStateException("message " + i + " of " + queue + " did not arrive");
        }
        bytes += body.getBodyLength();
        session.commit();
      }
    }
    return bytes;
  }

  /** Seconds until all are done, side by side. */
  private static double timed(List<Callable<Long>> work) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(work.size());
    try {
      long began = System.nanoTime();
      for (Future<Long> done : threads.invokeAll(work)) {
        done.get();
      }
      return (System.nanoTime() - began) / 1e9;
    } finally {
      threads.shutdownNow();
    }
  }
}
