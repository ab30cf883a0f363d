package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.embedded.DataFolder;
import org.pmslink.embedded.EmbeddedBroker;
import org.pmslink.embedded.EmbeddedDatabase;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/**
 * Doors of an engine that asks its callers for a certificate, and whose database goes away: nothing
 * is acknowledged that is not kept.
 */
@ExtendWith(OutputCaptureExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DoorOutagesTest {
  private static final char[] PASSWORD = "changeit".toCharArray();

  private final Path folder;
  private final DataFolder databaseFolder;
  private final EmbeddedDatabase database;
  private final Cable cable;
  private final Engine engine;

  DoorOutagesTest(@TempDir Path folder) throws Exception {
    this.folder = folder;
    databaseFolder = DataFolder.own(folder.resolve("database"));
    database = EmbeddedDatabase.start(databaseFolder, Path.of("target", "postgres-programs"));
    int port = URI.create(database.jdbcUrl().substring("jdbc:".length())).getPort();
    cable = new Cable(port);
    certificate("engine", "CN=engine", "san=ip:127.0.0.1");
    certificate("middleware", "CN=middleware", "san=dns:middleware.example");
    trust("engine-trusts", "middleware");
    trust("middleware-trusts", "engine");
    engine =
        new Engine(
                folder.resolve("engine"),
                "--pmslink.database.url="
                    + database.jdbcUrl().replace(":" + port, ":" + cable.port())
                    + "?logServerErrorDetail=false",
                "--pmslink.database.user=" + database.user(),
                "--pmslink.database.password=" + database.password(),
                "--server.ssl.key-store=" + folder.resolve("engine.p12"),
                "--server.ssl.key-store-password=changeit",
                "--server.ssl.trust-store=" + folder.resolve("engine-trusts.p12"),
                "--server.ssl.trust-store-password=changeit",
                "--server.ssl.client-auth=need",
                "--management.server.ssl.enabled=false")
            .withWeb();
  }

  @BeforeAll
  void start() {
    engine.start();
  }

  @AfterAll
  void stop() {
    engine.close();
    cable.close();
    database.close();
    databaseFolder.close();
  }

  private void certificate(String name, String subject, String extension) throws Exception {
    keytool(
        List.of(
            "-genkeypair",
            "-alias",
            name,
            "-keyalg",
            "EC",
            "-groupname",
            "secp256r1",
            "-dname",
            subject,
            "-ext",
            extension,
            "-validity",
            "2",
            "-storetype",
            "PKCS12",
            "-keystore",
            folder.resolve(name + ".p12").toString()));
    keytool(
        List.of(
            "-exportcert",
            "-alias",
            name,
            "-file",
            folder.resolve(name + ".crt").toString(),
            "-keystore",
            folder.resolve(name + ".p12").toString()));
  }

  private void trust(String store, String name) throws Exception {
    keytool(
        List.of(
            "-importcert",
            "-noprompt",
            "-alias",
            name,
            "-storetype",
            "PKCS12",
            "-file",
            folder.resolve(name + ".crt").toString(),
            "-keystore",
            folder.resolve(store + ".p12").toString()));
  }

  private static void keytool(List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(arguments);
    command.addAll(List.of("-storepass", "changeit"));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
  }

  private HttpClient client(boolean withCertificate) throws Exception {
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(store("middleware-trusts"));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(withCertificate ? store("middleware") : null, PASSWORD);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return HttpClient.newBuilder().sslContext(tls).build();
  }

  private KeyStore store(String name) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(folder.resolve(name + ".p12"))) {
      store.load(in, PASSWORD);
    }
    return store;
  }

  private HttpRequest push(PushedPractice practice, String token, String chart) {
    return HttpRequest.newBuilder(
            URI.create(engine.url().replace("http:", "https:") + "/in/" + practice.name))
        .timeout(Duration.ofMinutes(2))
        .header("Content-Type", "application/json")
        .header("Authorization", "Bearer " + token)
        .POST(BodyPublishers.ofString(chart))
        .build();
  }

  @Test
  void onlyACallerWithACertificateIsListenedTo() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      String chart = "{\"sourceId\": \"17\", \"family\": \"Caldwell\", \"given\": \"Ines\"}";

      assertThatThrownBy(
              () ->
                  client(false)
                      .send(push(practice, token, chart), HttpResponse.BodyHandlers.ofString()))
          .isInstanceOf(IOException.class);
      assertThat(
              client(true)
                  .send(push(practice, token, chart), HttpResponse.BodyHandlers.ofString())
                  .statusCode())
          .isEqualTo(202);
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,name,family")).isEqualTo("Caldwell");
    }
  }

  @Test
  void nothingIsAcknowledgedWhileTheDatabaseIsAway(CapturedOutput output) throws Exception {
    nothingIsAcknowledged(cable::cut, cable::mend, output);
  }

  @Test
  void nothingIsAcknowledgedWhileTheQueueIsAway(CapturedOutput output) throws Exception {
    EmbeddedBroker broker = engine.bean(EmbeddedBroker.class);
    nothingIsAcknowledged(broker::stop, broker::start, output);
  }

  /** Whoever signed it is told 503, and 409 only for what was taken. */
  @Test
  void aSignedRequestThatWasNotTakenMayComeAgainAsItIs() throws Exception {
    EmbeddedBroker broker = engine.bean(EmbeddedBroker.class);
    try (PushedPractice practice =
        PushedPractice.overHttp(engine)
            .with("proof", "signature")
            .with("secret", "{{no-such-setting:" + HttpDoorTest.SECRET + "}}")
            .open()) {
      // So that nothing can be given back that was noted too early.
      engine
          .store()
          .execute(
              "create function stays() returns trigger language plpgsql as"
                  + " 'begin raise exception ''stays''; end'");
      engine
          .store()
          .execute(
              "create trigger stays before delete on used_signatures"
                  + " for each row execute function stays()");
      long now = Instant.now().getEpochSecond();
      String body = "{\"sourceId\": \"17\", \"family\": \"Caldwell\"}";
      HttpRequest signed =
          HttpRequest.newBuilder(
                  URI.create(engine.url().replace("http:", "https:") + "/in/" + practice.name))
              .timeout(Duration.ofMinutes(2))
              .header("Content-Type", "application/json")
              .header("X-PMS-Link-Timestamp", String.valueOf(now))
              .header(
                  "X-PMS-Link-Signature",
                  HttpDoorTest.signature(now, "POST", "/in/" + practice.name, body))
              .POST(BodyPublishers.ofString(body))
              .build();
      HttpClient client = client(true);
      int refused;
      broker.stop();
      try {
        refused = client.send(signed, HttpResponse.BodyHandlers.ofString()).statusCode();
      } finally {
        broker.start();
      }
      assertThat(refused).isEqualTo(503);
      Awaitility.await("the very same request is taken")
          .atMost(Office.LONGEST)
          .until(
              () -> client.send(signed, HttpResponse.BodyHandlers.ofString()).statusCode(),
              status -> {
                assertThat(status).isIn(503, 202);
                return status == 202;
              });
      assertThat(client.send(signed, HttpResponse.BodyHandlers.ofString()).statusCode())
          .as("and once only")
          .isEqualTo(409);
    } finally {
      engine.store().execute("drop trigger if exists stays on used_signatures");
      engine.store().execute("drop function if exists stays()");
    }
  }

  /** Cuts something off, or mends it. */
  @FunctionalInterface
  private interface Act {
    void happen() throws Exception;
  }

  private void nothingIsAcknowledged(Act goes, Act comesBack, CapturedOutput output)
      throws Exception {
    int port = MllpSender.freePort();
    try (PushedPractice http = PushedPractice.overHttp(engine).open();
        PushedPractice mllp = PushedPractice.overMllp(engine, port).open()) {
      String token = http.token();
      HttpClient client = client(true);
      String chart = "{\"sourceId\": \"17\", \"family\": \"Xyloquenta\", \"given\": \"Ines\"}";
      String message =
          "MSH|^~\\&|PMS|OFFICE|||20260105||ADT^A28|1|P|2.5.1\rPID|1||17^^^^PI||Xyloquenta^Ines\r";

      goes.happen();
      HttpResponse<String> refused;
      String unanswered;
      try (MllpSender pms = new MllpSender(port)) {
        refused = client.send(push(http, token, chart), HttpResponse.BodyHandlers.ofString());
        unanswered = pms.send(message);
      } finally {
        comesBack.happen();
      }
      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.headers().firstValue("Retry-After")).isPresent();
      assertThat(refused.body()).doesNotContain("Xyloquenta");
      assertThat(unanswered).as("the connection is closed without an answer").isEmpty();

      // As senders do: again, until it is taken.
      Awaitility.await("the request is taken")
          .atMost(Office.LONGEST)
          .until(
              () ->
                  client
                      .send(push(http, token, chart), HttpResponse.BodyHandlers.ofString())
                      .statusCode(),
              status -> status == 202);
      Awaitility.await("the message is taken")
          .atMost(Office.LONGEST)
          .until(
              () -> {
                try (MllpSender pms = new MllpSender(port)) {
                  return MllpSender.msa(pms.send(message));
                }
              },
              "AA 1"::equals);
      http.awaitSettled();
      mllp.awaitSettled();
      assertThat(http.recordOf("17", "person,name,family")).isEqualTo("Xyloquenta");
      assertThat(mllp.recordOf("17", "person,name,family")).isEqualTo("Xyloquenta");
      assertThat(http.letters()).isEmpty();
      assertThat(mllp.letters()).isEmpty();
      assertThat(output).doesNotContain("Xyloquenta");
    }
  }
}
