package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.JMSException;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.event.Webhooks;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Verdicts;
import org.pmslink.membership.Verdicts.Verdict;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Other programs are told of what happens: a subscriber of the topic, and a receiver of webhooks.
 */
@ExtendWith(Pipeline.class)
class EventsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Engine engine;
  private final OpenDentalServer pms;

  EventsTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  // ---- The topic ----

  /** A dashboard: everything that the topic has said of a practice since it subscribed. */
  private static final class Subscriber implements AutoCloseable {
    private final Connection connection;
    private final List<JsonNode> heard = new CopyOnWriteArrayList<>();

    Subscriber(Engine engine, String practice) throws JMSException {
      connection = engine.bean(ConnectionFactory.class).createConnection();
      Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
      MessageConsumer consumer =
          session.createConsumer(
              session.createTopic("membership.events"), "practice = '" + practice + "'");
      consumer.setMessageListener(
          message -> {
            try {
              heard.add(JSON.readTree(((TextMessage) message).getText()));
            } catch (JMSException | IOException e) {
              throw new IllegalStateException(e);
            }
          });
      connection.start();
    }

    List<JsonNode> await(int events) {
      Awaitility.await(events + " events")
          .atMost(Office.LONGEST)
          .untilAsserted(() -> assertThat(heard).hasSizeGreaterThanOrEqualTo(events));
      return List.copyOf(heard);
    }

    @Override
    public void close() throws JMSException {
      connection.close();
    }
  }

  private static String told(JsonNode event) {
    JsonNode data = event.path("data");
    String word = data.path("change").asText(data.path("reason").asText(""));
    return (event.path("type").asText().replace("pmslink.", "") + " " + word).strip();
  }

  @Test
  void theTopicIsToldOfLinksOfChangesAndOfNobodyElse() throws Exception {
    try (Office office = Office.at(engine, pms);
        Subscriber dashboard = new Subscriber(engine, office.name)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      long nobodys = office.chart(Someone.named("Howard", "Brandt"));
      office.member("M1", ines);
      office.open();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      assertThat(dashboard.await(1)).extracting(EventsTest::told).containsExactly("link.made");
      office.edit("update patient set City = 'Dayton' where PatNum in (?, ?)", chart, nobodys);
      office.sync();
      dashboard.await(2);
      decide(office, chart, Verdict.SAME, "Xyloquenta said so");
      dashboard.await(3);
      office.edit("update patient set PatStatus = 3 where PatNum = ?", chart);
      office.sync();
      dashboard.await(5);
      decide(office, chart, Verdict.NOT_SAME, "Xyloquenta was wrong");

      List<JsonNode> heard = dashboard.await(6);

      List<String> all = heard.stream().map(EventsTest::told).toList();
      assertThat(all.subList(0, 3))
          .containsExactly("link.made", "patient.updated", "link.changed verified");
      assertThat(all.subList(3, 5))
          .containsExactlyInAnyOrder("patient.updated", "link.flagged CHART_ARCHIVED");
      assertThat(all.get(5)).isEqualTo("link.changed ended");
      long patient =
          office.count(
              "select id from patients where practice_id = ? and source_id = '" + chart + "'");
      for (JsonNode event : heard) {
        assertThat(event.path("specversion").asText()).isEqualTo("1.0");
        assertThat(event.path("source").asText()).isEqualTo("/practices/" + office.name);
        assertThat(event.path("practice").asText()).isEqualTo(office.name);
        assertThat(event.path("subject").asText()).isEqualTo("members/M1");
        assertThat(Instant.parse(event.path("time").asText())).isBefore(Instant.now());
        assertThat(event.path("data").path("member").asText()).isEqualTo("M1");
        assertThat(event.path("data").path("patient").asLong()).isEqualTo(patient);
        assertThat(event.path("data").path("pms").asText()).isEqualTo("open-dental");
        assertThat(event.toString())
            .doesNotContain("Caldwell", "Ines", "Dayton", "Xyloquenta", ines.mobile(), "1980");
      }
      assertThat(heard).extracting(e -> e.path("id").asText()).doesNotHaveDuplicates();
      assertThat(heard).extracting(e -> e.path("sequence").asLong()).isSorted();
      assertThat(heard.get(1).path("data").path("patient_version").asLong())
          .isGreaterThan(heard.get(0).path("data").path("patient_version").asLong());
      assertThat(heard.get(3).path("data").path("member_version").asLong())
          .as("of the end of the transaction")
          .isEqualTo(heard.get(4).path("data").path("member_version").asLong());
    }
  }

  @Test
  void theTopicIsToldOfDuplicatesOnce() throws Exception {
    try (Office office = Office.at(engine, pms);
        Subscriber dashboard = new Subscriber(engine, office.name)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      office.chart(ines);
      office.chart(ines);
      office.open();

      JsonNode event = dashboard.await(1).get(0);

      assertThat(told(event)).isEqualTo("duplicate.found");
      assertThat(event.path("data").path("kind").asText()).isEqualTo("patient");
      assertThat(event.path("data").path("patients")).hasSize(2);
      office.edit("update patient set City = 'Dayton'");
      office.sync();
      Awaitility.await("looked again")
          .atMost(Office.LONGEST)
          .until(
              () -> engine.bean(Duplicates.class).isComplete(office.id(), Duplicates.Kind.CHART));
      assertThat(office.count("select count(*) from events where practice_id = ?")).isEqualTo(1);
    }
  }

  @Test
  void whatIsRolledBackWasNeverToldAndWhatIsCommittedIs() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.open();
      office.member("M1", Someone.named("Paula", "Weiss"));
      office.awaitSettled();
      String events = "select count(*) from events where practice_id = ?";
      String changes = "select count(*) from link_changes where practice_id = ?";
      assertThat(office.count(events)).as("charts that are nobody's").isZero();
      TransactionTemplate transaction =
          new TransactionTemplate(engine.bean(PlatformTransactionManager.class));
      transaction.executeWithoutResult(
          status -> {
            decide(office, chart, Verdict.SAME, "sure");
            assertThat(office.count(changes)).isEqualTo(1);
            status.setRollbackOnly();
          });
      assertThat(office.count(events)).isZero();

      decide(office, chart, Verdict.SAME, "sure");

      assertThat(office.count(events)).isEqualTo(office.count(changes)).isEqualTo(1);
    }
  }

  private void decide(Office office, long chart, Verdict verdict, String reason) {
    engine
        .bean(Verdicts.class)
        .decide(office.name, "open-dental", String.valueOf(chart), "M1", verdict, "tester", reason);
  }

  // ---- Webhooks ----

  /** What somebody has received. */
  private record Received(String path, String id, String timestamp, String signature, String body) {
    JsonNode json() {
      try {
        return JSON.readTree(body);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    String subject() {
      return json().path("subject").asText();
    }

    boolean isSignedWith(String secret) throws Exception {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(
          new SecretKeySpec(
              Base64.getDecoder().decode(secret.replaceFirst("whsec_", "")), "HmacSHA256"));
      byte[] signed = mac.doFinal((id + "." + timestamp + "." + body).getBytes(UTF_8));
      return signature.equals("v1," + Base64.getEncoder().encodeToString(signed));
    }
  }

  /** A receiver that answers as it is told to. */
  private static final class Receiver implements AutoCloseable {
    final ConcurrentLinkedQueue<Received> received = new ConcurrentLinkedQueue<>();
    final List<Integer> answered = new CopyOnWriteArrayList<>();
    final HttpServer server;
    volatile ToIntFunction<Received> answer = r -> 204;

    Receiver() throws IOException {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.createContext("/", this::handle);
      server.start();
    }

    private void handle(HttpExchange exchange) throws IOException {
      Received request =
          new Received(
              exchange.getRequestURI().getPath(),
              exchange.getRequestHeaders().getFirst("webhook-id"),
              exchange.getRequestHeaders().getFirst("webhook-timestamp"),
              exchange.getRequestHeaders().getFirst("webhook-signature"),
              new String(exchange.getRequestBody().readAllBytes(), UTF_8));
      int status = answer.applyAsInt(request);
      received.add(request);
      answered.add(status);
      if (status == 302) {
        exchange.getResponseHeaders().set("Location", url() + "/elsewhere");
      }
      byte[] said = "Xyloquenta".getBytes(UTF_8);
      exchange.sendResponseHeaders(status, status == 204 ? -1 : said.length);
      if (status != 204) {
        exchange.getResponseBody().write(said);
      }
      exchange.close();
    }

    String url() {
      return "http://127.0.0.1:" + server.getAddress().getPort() + "/hook?key=Xyloquenta";
    }

    List<Received> await(int requests) {
      Awaitility.await(requests + " requests")
          .atMost(Office.LONGEST)
          .until(() -> received.size() >= requests);
      return new ArrayList<>(received);
    }

    @Override
    public void close() {
      server.stop(0);
    }
  }

  @Test
  void webhooksAreSignedRetriedInOrderGivenUpAndSentAgain() throws Exception {
    try (Office office = Office.at(engine, pms);
        Receiver receiver = new Receiver()) {
      Someone ines = Someone.named("Ines", "Caldwell");
      long chart = office.chart(ines);
      office.open();
      String secret = addByCommand(office, receiver);
      receiver.answer = r -> 503;
      office.member("M1", ines);
      Received first = receiver.await(1).get(0);
      assertThat(told(first.json())).isEqualTo("link.made");
      assertThat(first.isSignedWith(secret)).isTrue();
      assertThat(first.id()).isEqualTo(first.json().path("id").asText());
      assertThat(Long.parseLong(first.timestamp()))
          .isBetween(Instant.now().getEpochSecond() - 120, Instant.now().getEpochSecond() + 1);
      decide(office, chart, Verdict.SAME, "sure");
      awaitWaiting(office, 2);
      Shell failing = Shell.run(engine, "webhook", "list");
      assertThat(failing.status()).isEqualTo(1);
      assertThat(line(failing, office)).contains("failing since", "status 503", "2 waiting");

      receiver.answer = r -> 302;
      hurryUntil(office, () -> receiver.answered.contains(302));
      receiver.answer = r -> 200;
      hurryUntil(office, () -> waiting(office) == 0);
      List<Received> all = new ArrayList<>(receiver.received);
      List<Received> before = all.subList(0, all.size() - 1);
      assertThat(before).hasSizeGreaterThan(2);
      assertThat(before).extracting(Received::id).containsOnly(first.id());
      assertThat(before).extracting(Received::body).containsOnly(first.body());
      assertThat(told(all.get(all.size() - 1).json())).isEqualTo("link.changed verified");
      assertThat(all)
          .extracting(Received::path)
          .as("no redirect is followed")
          .containsOnly("/hook");
      assertThat(receiver.answered).containsSubsequence(503, 302, 200, 200);

      double abandonedBefore = abandoned();
      receiver.answer = r -> 500;
      decide(office, chart, Verdict.NOT_SAME, "wrong");
      Awaitility.await("it fails")
          .atMost(Office.LONGEST)
          .until(() -> receiver.answered.contains(500));
      hurryUntil(
          office,
          () -> {
            age(office);
            return listed(office).givenUp() == 1;
          });
      assertThat(abandoned()).isEqualTo(abandonedBefore + 1);
      assertThat(
              engine
                  .store()
                  .queryForList(
                      """
                      select last_answer from webhook_deliveries where practice_id = ?
                      union select last_answer from webhooks where practice_id = ?""",
                      String.class,
                      office.id(),
                      office.id()))
          .as("nothing of what it said")
          .contains("status 500")
          .allSatisfy(answer -> assertThat(answer).matches("(status )?[0-9]{3}"));
      receiver.answer = r -> 200;
      int sofar = receiver.received.size();
      assertThat(
              Shell.run(engine, "webhook", "resend", "dashboard", "--practice", office.name)
                  .output())
          .contains("1 events are sent again");
      assertThat(told(receiver.await(sofar + 1).get(sofar).json())).isEqualTo("link.changed ended");
      awaitWaiting(office, 0);
      assertThat(listed(office).failingSince()).isNull();
      assertThat(listed(office).givenUp()).isZero();
      assertThat(
              Shell.run(engine, "webhook", "remove", "dashboard", "--practice", office.name)
                  .status())
          .isZero();
      assertThat(engine.bean(Webhooks.class).resend(office.name, "dashboard", null)).isEmpty();
    }
  }

  @Test
  void anEventThatIsRefusedHoldsUpItsOwnSubjectAlone() throws Exception {
    try (Office office = Office.at(engine, pms);
        Receiver receiver = new Receiver()) {
      Someone ines = Someone.named("Ines", "Caldwell");
      Someone howard = Someone.named("Howard", "Brandt");
      long chart = office.chart(ines);
      office.chart(howard);
      office.open();
      add(office, receiver);
      receiver.answer = r -> r.subject().equals("members/M1") ? 422 : 200;
      office.member("M1", ines);
      receiver.await(1);
      office.awaitSettled();
      decide(office, chart, Verdict.SAME, "sure");
      office.member("M2", howard);

      Awaitility.await("the other is told of")
          .atMost(Office.LONGEST)
          .until(() -> receiver.received.stream().anyMatch(r -> r.subject().equals("members/M2")));
      assertThat(receiver.received)
          .filteredOn(r -> r.subject().equals("members/M1"))
          .extracting(r -> told(r.json()))
          .as("what came later waits")
          .containsOnly("link.made");
      receiver.answer = r -> 200;
      hurryUntil(office, () -> waiting(office) == 0);
      assertThat(receiver.received)
          .filteredOn(r -> r.subject().equals("members/M1"))
          .extracting(r -> told(r.json()))
          .endsWith("link.made", "link.changed verified");
    }
  }

  @Test
  void aWebhookLeadsNowhereWhereItMustNot() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.open();
      for (String url :
          Stream.of(
                  "http://dashboard.example/hook",
                  "http://127.0.0.1:9/hook",
                  "https://user:secret@dashboard.example/",
                  "https://localhost/hook",
                  "ftp://127.0.0.1/",
                  "file:///etc/passwd",
                  "https://",
                  "nonsense")
              .toList()) {
        assertThatThrownBy(() -> engine.bean(Webhooks.class).add(office.name, "x", url, false))
            .as(url)
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("the address");
      }
      Someone ines = Someone.named("Ines", "Caldwell");
      // Names that lead to this machine, to a private network, and to where clouds keep secrets.
      for (String url : List.of("https://127.0.0.2/", "https://10.1.2.3/", "https://[::1]:8/")) {
        engine
            .store()
            .update(
                """
                insert into webhooks (practice_id, name, url, secret, private_network)
                select ?, ?, ?, secret, false from webhooks where id = ?""",
                office.id(),
                "to-" + Integer.toHexString(url.hashCode()),
                url,
                anyWebhook(office));
      }
      engine
          .store()
          .update(
              """
              insert into webhooks (practice_id, name, url, secret, private_network)
              select ?, 'to-the-cloud', 'https://169.254.169.254/', secret, true
              from webhooks where id = ?""",
              office.id(),
              anyWebhook(office));
      office.chart(ines);
      office.member("M1", ines);
      office.sync();
      Awaitility.await("refused")
          .atMost(Office.LONGEST)
          .untilAsserted(
              () ->
                  assertThat(
                          engine
                              .store()
                              .queryForList(
                                  """
                                  select last_answer from webhooks
                                  where practice_id = ? and name like 'to-%'""",
                                  String.class, office.id()))
                      .hasSize(4)
                      .containsOnly("address not allowed"));
    }
  }

  /** One with a secret that opens, which others are made like. */
  private long anyWebhook(Office office) {
    List<Long> there =
        engine
            .store()
            .queryForList(
                "select id from webhooks where practice_id = ? and name = 'seed'",
                Long.class,
                office.id());
    if (!there.isEmpty()) {
      return there.get(0);
    }
    engine.bean(Webhooks.class).add(office.name, "seed", "https://127.0.0.1:9/", true);
    return anyWebhook(office);
  }

  private String add(Office office, Receiver receiver) {
    return engine.bean(Webhooks.class).add(office.name, "dashboard", receiver.url(), true);
  }

  private String addByCommand(Office office, Receiver receiver) {
    Shell added =
        Shell.run(
            engine,
            "webhook",
            "add",
            "dashboard",
            "--practice",
            office.name,
            "--url",
            receiver.url(),
            "--private-network");
    assertThat(added.status()).isZero();
    // A logging system that starts anew beside a running one may speak before the command does.
    return added
        .output()
        .lines()
        .filter(line -> line.startsWith("whsec_"))
        .findFirst()
        .orElseThrow(() -> new AssertionError(added.output()));
  }

  private Webhooks.Listed listed(Office office) {
    return engine.bean(Webhooks.class).list().stream()
        .filter(w -> w.practice().equals(office.name))
        .findFirst()
        .orElseThrow();
  }

  private static String line(Shell shell, Office office) {
    return shell
        .output()
        .lines()
        .filter(l -> l.startsWith(office.name + " "))
        .findFirst()
        .orElse("");
  }

  private double abandoned() {
    return engine.bean(MeterRegistry.class).counter("pmslink.webhooks.abandoned").count();
  }

  /** Lets what waits for its next attempt be tried at once, until it is as it shall be. */
  private void hurryUntil(Office office, java.util.concurrent.Callable<Boolean> done) {
    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(
            () -> {
              engine
                  .store()
                  .update(
                      "update webhooks set next_turn_at = now() where practice_id = ?",
                      office.id());
              engine
                  .store()
                  .update(
                      "update webhook_deliveries set next_attempt_at = now() where practice_id = ?",
                      office.id());
              return done.call();
            });
  }

  /** A day and an hour go by for what waits. */
  private void age(Office office) {
    engine
        .store()
        .update(
            """
            update webhook_deliveries set waiting_since = now() - interval '25 hours'
            where practice_id = ? and state = 'WAITING'""",
            office.id());
    engine
        .store()
        .update(
            """
            update webhooks set failing_since = now() - interval '25 hours'
            where practice_id = ? and failing_since is not null""",
            office.id());
  }

  private long waiting(Office office) {
    return office.count(
        "select count(*) from webhook_deliveries where practice_id = ? and state = 'WAITING'");
  }

  private void awaitWaiting(Office office, int events) {
    Awaitility.await(events + " events wait")
        .atMost(Office.LONGEST)
        .until(() -> waiting(office) == events);
  }
}
