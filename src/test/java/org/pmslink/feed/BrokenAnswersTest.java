package org.pmslink.feed;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.impl.DefaultCamelContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.linking.Fingerprint;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.linking.UnreadableLine;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.RecordJson;
import org.pmslink.sample.BrokenAnswers;
import org.pmslink.sample.BrokenJson;
import org.pmslink.sample.RawHttpServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/**
 * A thousand broken answers for each PMS that is asked over HTTP, over the very client that feeds
 * use: each is rows, or pauses the feed with a reason that says what the PMS did. A row that is
 * wrong is a matter of its mapping, and its neighbours are there.
 */
@ExtendWith(OutputCaptureExtension.class)
class BrokenAnswersTest {
  private static final int ANSWERS = 1_000;
  private static final ZoneId ZONE = ZoneId.of("America/New_York");

  private final Mappings mappings = new Mappings(Path.of("mappings"));
  private final PmsTokens tokens = new PmsTokens();
  private final RawHttpServer pms = new RawHttpServer(null);
  private final DefaultCamelContext camel = new DefaultCamelContext();
  private final ProducerTemplate producer = camel.createProducerTemplate();

  @BeforeEach
  void start() {
    camel.getRegistry().bind("pmsHttpClient", new PmsHttpClient());
    camel.start();
    producer.start();
  }

  @AfterEach
  void stop() throws Exception {
    camel.close();
    pms.close();
  }

  private static JsonNode example(String path) throws Exception {
    return RecordJson.mapper()
        .readTree(Files.readString(Path.of("mappings").resolve(path + ".in.json")));
  }

  @Test
  void openDentalsApi(CapturedOutput output) throws Exception {
    JsonNode good =
        example("open-dental-api/examples/patient-01-numbers-as-text-and-text-as-numbers");
    asks(
        BrokenAnswers.OPEN_DENTAL,
        good,
        new OpenDentalApiProtocol(mappings),
        definition("open-dental-api"));
    assertThat(output).doesNotContain(BrokenJson.SENTINEL);
  }

  @Test
  void dentrixAscend(CapturedOutput output) throws Exception {
    JsonNode good = example("dentrix-ascend/examples/patient-01-with-three-telephones");
    asks(
        BrokenAnswers.ASCEND,
        good,
        new AscendProtocol(mappings, tokens, feed -> {}),
        definition("dentrix-ascend"));
    assertThat(output).doesNotContain(BrokenJson.SENTINEL);
  }

  @Test
  void aFhirServer(CapturedOutput output) throws Exception {
    JsonNode good = example("fhir-r4/examples/patient-01-plain");
    asks(BrokenAnswers.FHIR, good, new FhirProtocol(mappings, tokens), definition("fhir-r4"));
    assertThat(output).doesNotContain(BrokenJson.SENTINEL);
  }

  /** A line that cannot be read is a row of its own, and never a reason to read no more. */
  @Test
  void aBulkExport(CapturedOutput output) throws Exception {
    FeedDefinition definition = definition("fhir-r4");
    definition.setBulk("true");
    FhirProtocol protocol = new FhirProtocol(mappings, tokens);
    BrokenAnswers answers =
        new BrokenAnswers(
            BrokenAnswers.FHIR, example("fhir-r4/examples/patient-01-plain"), 20_261_128);
    Mapping mapping = mappings.get(BrokenAnswers.FHIR.mapping());
    Endpoint client = client();
    int unreadable = 0;
    for (int number = 0; number < ANSWERS; number++) {
      BrokenAnswers.Answer answer = answers.nextExportedFile();
      String what = "file " + number;
      pms.answer(answer.http());
      FeedPass pass = pass(definition, protocol, true);
      pass.step = FeedPass.Step.RECORDS;
      pass.afterKey = List.of("export files", "2026-11-24T01:00:00Z", 0, 0, pms.url(), "", 1);
      Exchange exchange = client.createExchange();
      producer.send(client, exchange);
      List<PmsProtocol.Row> rows = protocol.answer(exchange, pass).rows();
      assertThat(pass.last).as(what).isTrue();
      assertThat(rows)
          .as(what)
          .extracting(PmsProtocol.Row::key)
          .containsAll(answer.neighbours())
          .doesNotContain("");
      for (PmsProtocol.Row row : rows) {
        mapped(row, mapping, answer.neighbours().contains(row.key()), what);
        unreadable += UnreadableLine.place(row.record()) == null ? 0 : 1;
      }
    }
    assertThat(unreadable).isBetween(300, ANSWERS);
    assertThat(output).doesNotContain(BrokenJson.SENTINEL);
  }

  @Test
  void anAnswerThatHasNoEndIsCutOffWithAReason() throws Exception {
    Exchange exchange;
    try (EndlessServer endless = new EndlessServer()) {
      Endpoint client = client(endless.url());
      exchange = client.createExchange();
      producer.send(client, exchange);
      assertThat(endless.sent()).as("megabytes").isBetween(60L, 90L);
    }
    PauseReason reason = PauseReason.of(exchange.getException(), true);
    assertThat(reason.category()).isEqualTo(PauseReason.Category.QUERY_FAILED);
    assertThat(reason.text()).contains("more than 64 MB");
  }

  /** Sends one answer for as long as somebody listens. */
  private static final class EndlessServer implements AutoCloseable {
    private final ServerSocket socket = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
    private final AtomicLong sent = new AtomicLong();

    EndlessServer() throws IOException {
      Thread thread = new Thread(this::serve, "endless");
      thread.setDaemon(true);
      thread.start();
    }

    String url() {
      return "http://127.0.0.1:" + socket.getLocalPort();
    }

    long sent() {
      return sent.get() >> 20;
    }

    private void serve() {
      byte[] chunk = new byte[1 << 16];
      try (Socket caller = socket.accept()) {
        caller
            .getOutputStream()
            .write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".getBytes(UTF_8));
        while (sent.get() < 1L << 30) {
          caller.getOutputStream().write(chunk);
          sent.addAndGet(chunk.length);
        }
      } catch (IOException e) {
        // Nobody listens any more.
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private FeedDefinition definition(String folder) {
    FeedDefinition definition = new FeedDefinition();
    definition.setFeed("broken");
    definition.setPractice("broken");
    definition.setSource("broken");
    definition.setMappings(folder);
    definition.setZone(ZONE.getId());
    definition.setUrl(pms.url());
    return definition;
  }

  private void asks(
      BrokenAnswers.Form form, JsonNode good, PmsProtocol protocol, FeedDefinition definition) {
    BrokenAnswers answers = new BrokenAnswers(form, good, 20_261_124);
    Endpoint client = client();
    Mapping mapping = mappings.get(form.mapping());
    Map<String, Integer> outcomes = new TreeMap<>();
    for (int number = 0; number < ANSWERS; number++) {
      BrokenAnswers.Answer answer = answers.next();
      String what = "answer " + number + ", " + answer.what();
      FeedPass pass = pass(definition, protocol);
      pass.step =
          switch (number % 10) {
            case 4 -> FeedPass.Step.CLOCK;
            case 7 -> FeedPass.Step.MISSING;
            default -> FeedPass.Step.RECORDS;
          };
      pms.answer(answer.http());
      outcomes.merge(outcome(answer, what, client, pass, mapping), 1, Integer::sum);
    }
    assertThat(outcomes.get("rows")).as("%s", outcomes).isBetween(100, 700);
    assertThat(outcomes.get("LOGIN_REFUSED")).as("%s", outcomes).isPositive();
    assertThat(outcomes.get("QUERY_FAILED")).as("%s", outcomes).isGreaterThan(100);
    assertThat(outcomes.get("UNREACHABLE")).as("%s", outcomes).isGreaterThan(50);
  }

  private Endpoint client() {
    return client(pms.url());
  }

  private Endpoint client(String url) {
    return camel.getEndpoint(
        url
            + "?throwExceptionOnFailure=false&httpClientConfigurer=#pmsHttpClient"
            + "&httpClient.responseTimeout=5000&httpClient.connectTimeout=5000");
  }

  private FeedPass pass(FeedDefinition definition, PmsProtocol protocol) {
    return pass(definition, protocol, false);
  }

  private FeedPass pass(FeedDefinition definition, PmsProtocol protocol, boolean loading) {
    LocalDateTime then = LocalDateTime.of(2026, 11, 23, 12, 0);
    FeedPass.Place patients =
        new FeedPass.Place(
            RecordStream.of(RecordType.PATIENTS),
            "",
            "",
            new FeedCursors.Cursor(
                loading, null, 0, null, then, then, Instant.EPOCH, "", false, 0));
    FeedPass pass =
        new FeedPass(definition, protocol, 1, false, false, Instant.EPOCH, List.of(patients));
    pass.at = 0;
    pass.since = then;
    return pass;
  }

  private String outcome(
      BrokenAnswers.Answer answer, String what, Endpoint client, FeedPass pass, Mapping mapping) {
    try {
      Exchange exchange = client.createExchange();
      producer.send(client, exchange);
      if (exchange.getException() != null) {
        throw exchange.getException();
      }
      PmsProtocol.Answer read = pass.protocol.answer(exchange, pass);
      if (pass.step != FeedPass.Step.RECORDS) {
        return "answered";
      }
      assertThat(read.rows())
          .as(what)
          .extracting(PmsProtocol.Row::key)
          .containsAll(answer.neighbours())
          .doesNotContain("");
      for (PmsProtocol.Row row : read.rows()) {
        mapped(row, mapping, answer.neighbours().contains(row.key()), what);
      }
      return "rows";
    } catch (Exception e) {
      PauseReason reason = PauseReason.of(e, true);
      if (pass.step == FeedPass.Step.RECORDS) {
        assertThat(answer.neighbours()).as(what + ": " + reason).isEmpty();
      }
      assertReason(reason, what, e);
      return reason.category().name();
    }
  }

  private static void mapped(PmsProtocol.Row row, Mapping mapping, boolean good, String what)
      throws Exception {
    // A message puts levels of its own around it.
    byte[] message = RecordJson.mapper().writeValueAsBytes(List.of(List.of(row.record())));
    assertThat(RecordJson.mapper().readTree(message)).as(what).hasSize(1);
    assertThat(Fingerprint.of(row.record())).as(what).isNotZero();
    try {
      new PatientNormalizer(ssn -> "hash").normalize(mapping.patient(row.record()), ZONE);
    } catch (MappingException | InvalidRecordException e) {
      assertThat(good).as(what + ", row " + row.key()).isFalse();
      assertThat(e.getMessage()).as(what).doesNotContain(BrokenJson.SENTINEL);
    }
  }

  private static void assertReason(PauseReason reason, String what, @Nullable Exception thrown) {
    assertThat(reason.category())
        .as("%s: %s, %s", what, reason.text(), thrown)
        .isNotIn(PauseReason.Category.ENGINE, PauseReason.Category.FILES_WRONG);
    assertThat(reason.text()).as(what).isNotBlank().doesNotContain(BrokenJson.SENTINEL);
    if (reason.retryAfter() != null) {
      assertThat(reason.retryAfter()).as(what).isBetween(Duration.ZERO, Duration.ofDays(1));
    }
  }

  @Test
  void whereTokensAreGiven(CapturedOutput output) throws Exception {
    FeedDefinition definition = definition("dentrix-ascend");
    definition.setTokenUrl(pms.url() + "/token");
    definition.setClientId("pms-link");
    definition.setClientSecret("s3cret");
    JsonNode good =
        RecordJson.mapper()
            .readTree(
                "{\"access_token\": \"t\", \"token_type\": \"Bearer\", \"expires_in\": 3600}");
    BrokenAnswers answers = new BrokenAnswers(BrokenAnswers.TOKEN, good, 20_261_124);
    int given = 0;
    for (int number = 0; number < ANSWERS; number++) {
      BrokenAnswers.Answer answer = answers.next();
      String what = "answer " + number + ", " + answer.what();
      pms.answer(answer.http());
      tokens.forget(definition);
      Exchange exchange = camel.getEndpoint("direct:token").createExchange();
      try {
        tokens.authorize(exchange, definition);
        given++;
        assertThat(exchange.getMessage().getHeader("Authorization", String.class))
            .as(what)
            .matches("Bearer \\S.*");
      } catch (Exception e) {
        assertReason(PauseReason.of(e, true), what, e);
      }
    }
    assertThat(given).isBetween(50, 500);
    assertThat(output).doesNotContain(BrokenJson.SENTINEL);
  }
}
