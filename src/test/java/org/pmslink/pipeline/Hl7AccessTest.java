package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Who may send HL7 messages at all: by address, and with which certificate. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class Hl7AccessTest {
  private static final String PASSWORD = "changeit";
  private static final String SENTINEL = "Xyloquenta";

  private final Engine engine;
  private final int port;
  private final Path folder;

  Hl7AccessTest(Engine engine, @TempDir Path folder) throws Exception {
    this.engine = engine;
    this.folder = folder;
    port = MllpSender.freePort();
  }

  private static String message(String controlId) {
    return "MSH|^~\\&|PMS|OFFICE|PMSLINK|ENGINE|20260105101500-0500||ADT^A28|"
        + controlId
        + "|P|2.5.1\rEVN|A28|20260105101500-0500\rPID|1||17^^^OFFICE^PI||"
        + SENTINEL
        + "^Ines||19800214\r";
  }

  // ---- Keys ----

  /** A key of its own, or one that another in the same file has signed. */
  private Path key(String file, String alias, String... more) throws Exception {
    Path store = folder.resolve(file);
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                alias,
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + alias,
                "-validity",
                "30",
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD,
                "-keystore",
                store.toString()));
    command.addAll(Arrays.asList(more));
    Process made = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(made.getInputStream().readAllBytes(), UTF_8);
    assertThat(made.waitFor()).as(output).isZero();
    return store;
  }

  private static KeyStore read(Path store) throws Exception {
    return KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
  }

  /** The certificate alone, for whoever shall trust it. */
  private Path certificate(Path store, String alias) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry(alias, read(store).getCertificate(alias));
    Path file = folder.resolve("trusts-" + alias + ".p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      trusted.store(out, PASSWORD.toCharArray());
    }
    return file;
  }

  /** A store with one of the keys of another, and the certificates that belong to it. */
  private Path only(Path store, String alias) throws Exception {
    KeyStore all = read(store);
    KeyStore one = KeyStore.getInstance("PKCS12");
    one.load(null, null);
    one.setKeyEntry(
        alias,
        all.getKey(alias, PASSWORD.toCharArray()),
        PASSWORD.toCharArray(),
        all.getCertificateChain(alias));
    Path file = folder.resolve("only-" + alias + ".p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      one.store(out, PASSWORD.toCharArray());
    }
    return file;
  }

  private static SSLContext context(@Nullable Path key, Path trust) throws Exception {
    TrustManagerFactory trusted =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trusted.init(read(trust));
    SSLContext context = SSLContext.getInstance("TLS");
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    if (key != null) {
      keys.init(read(key), PASSWORD.toCharArray());
    }
    context.init(key == null ? null : keys.getKeyManagers(), trusted.getTrustManagers(), null);
    return context;
  }

  /** What a sender is answered over TLS; empty when it is not let in. */
  private String over(SSLContext context, String message) throws IOException {
    try (MllpSender pms =
        new MllpSender(
            context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port))) {
      return MllpSender.msa(pms.send(message));
    } catch (IOException e) {
      return "";
    }
  }

  private String openly(InetAddress from, String message) {
    try (MllpSender pms =
        new MllpSender(new Socket(InetAddress.getLoopbackAddress(), port, from, 0))) {
      return MllpSender.msa(pms.send(message));
    } catch (IOException e) {
      return "";
    }
  }

  private PushedPractice practice() {
    return PushedPractice.overMllp(engine, port)
        .with("keyStorePassword", "{{no-such-setting:" + PASSWORD + "}}")
        .with("trustStorePassword", "{{no-such-setting:" + PASSWORD + "}}");
  }

  private static long received(PushedPractice practice) {
    return practice.count(
        "select count(*) from feed_runs where practice_id = ? and kind = 'RECEIVED'");
  }

  // ---- TLS ----

  @Test
  void withAKeyStoreOnlyEncryptedConnectionsAreTaken(CapturedOutput output) throws Exception {
    Path server = key("server.p12", "engine");
    SSLContext sender = context(null, certificate(server, "engine"));
    try (PushedPractice practice = practice().with("keyStore", server.toString()).open()) {
      assertThat(over(sender, message("1"))).isEqualTo("AA 1");
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,name,family")).isEqualTo(SENTINEL);

      assertThat(openly(InetAddress.getLoopbackAddress(), message("2"))).isEmpty();

      assertThat(received(practice)).isEqualTo(1);
      assertThat(output)
          .contains(
              practice.name + ": a connection from 127.0.0.1 was refused: it does not speak TLS")
          .doesNotContain(SENTINEL)
          // As Netty would quote it.
          .doesNotContain("58796c6f7175656e7461");
      // The door stands open to those who do.
      assertThat(over(sender, message("3"))).isEqualTo("AA 3");
    }
  }

  @Test
  void withATrustStoreASenderMustShowACertificateThatItKnows(CapturedOutput output)
      throws Exception {
    Path server = key("server.p12", "engine");
    Path office = key("office.p12", "authority", "-ext", "bc:c");
    key("office.p12", "pms", "-signer", "authority");
    Path stranger = key("stranger.p12", "stranger");
    Path trust = certificate(server, "engine");
    try (PushedPractice practice =
        practice()
            .with("keyStore", server.toString())
            .with("trustStore", certificate(office, "authority").toString())
            .open()) {
      assertThat(over(context(only(office, "pms"), trust), message("1"))).isEqualTo("AA 1");
      assertThat(over(context(null, trust), message("2"))).as("no certificate").isEmpty();
      assertThat(over(context(stranger, trust), message("3"))).as("somebody else's").isEmpty();
      assertThat(openly(InetAddress.getLoopbackAddress(), message("4"))).as("no TLS").isEmpty();

      assertThat(received(practice)).isEqualTo(1);
      assertThat(output)
          .contains("its certificate is missing or not trusted")
          .doesNotContain(SENTINEL);
      assertThat(over(context(only(office, "pms"), trust), message("5"))).isEqualTo("AA 5");
    }
  }

  // ---- Addresses ----

  @Test
  void onlySendersOnTheListMayConnect(CapturedOutput output) throws Exception {
    InetAddress other = InetAddress.getByName("127.0.0.5");
    try (PushedPractice practice = practice().with("senders", "10.1.0.0/16, 127.0.0.5").open()) {
      assertThat(openly(other, message("1"))).isEqualTo("AA 1");
      assertThat(openly(InetAddress.getLoopbackAddress(), message("2"))).isEmpty();
      assertThat(received(practice)).isEqualTo(1);
      assertThat(output)
          .contains("a connection from 127.0.0.1 was refused: its address is not among senders")
          .doesNotContain(SENTINEL);
      assertThat(openly(other, message("3"))).isEqualTo("AA 3");
      Awaitility.await("it is in the audit")
          .atMost(Office.LONGEST)
          .until(
              () ->
                  practice
                      .texts(
                          "select detail from audit where practice_id = ? and action = 'refused'")
                      .contains(
                          "hl7 feed "
                              + practice.name
                              + ": its address is not among senders, from 127.0.0.1"));
    }
    try (PushedPractice practice = practice().with("senders", "127.0.0.0/30").open()) {
      assertThat(openly(InetAddress.getLoopbackAddress(), message("1"))).isEqualTo("AA 1");
      assertThat(openly(other, message("2"))).as("outside of the network").isEmpty();
    }
  }

  @Test
  void aListAndCertificatesCountTogether() throws Exception {
    Path server = key("server.p12", "engine");
    SSLContext sender = context(null, certificate(server, "engine"));
    try (PushedPractice practice =
        practice().with("keyStore", server.toString()).with("senders", "10.1.0.0/16").open()) {
      assertThat(over(sender, message("1"))).isEmpty();
      assertThat(practice.recordOf("17", "person,name,family")).isEmpty();
    }
  }

  // ---- What a feed file may say ----

  @Test
  void whatCannotBeUsedIsSaidWhenTheFeedIsLoaded(CapturedOutput output) throws Exception {
    Path server = key("server.p12", "engine");
    Path trust = certificate(server, "engine");
    try (PushedPractice practice = practice()) {
      practice.with("keyStore", folder.resolve("absent.p12").toString());
      assertThat(practice.refusal()).contains("keyStore: ", "absent.p12 cannot be read");
      practice.with("keyStore", trust.toString());
      assertThat(practice.refusal()).contains("keyStore: ", "holds no key");
      practice
          .with("keyStore", server.toString())
          .with("keyStorePassword", "{{no-such-setting:another}}");
      assertThat(practice.refusal()).contains("keyStorePassword is not its own");
      practice.with("keyStorePassword", PASSWORD);
      assertThat(practice.refusal()).contains("never the secret itself").doesNotContain(PASSWORD);
      practice.with("keyStorePassword", "{{no-such-setting:" + PASSWORD + "}}");
      practice.with("trustStore", server.toString());
      assertThat(practice.refusal()).contains("trustStore: ", "holds no certificate to trust");
      practice.with("trustStore", trust.toString()).with("keyStore", "none");
      assertThat(practice.refusal()).contains("trustStore: ", "needs a keyStore");
      practice.with("trustStore", "none");
      for (String wrong : List.of("pms.example", "10.0.0.0/33", "10.0.0", "1::2::3", "")) {
        practice.with("senders", wrong);
        assertThat(practice.refusal()).as(wrong).contains("senders: ", "is no address or network");
      }
      practice.with("senders", "any").with("address", "0.0.0.0");
      assertThat(practice.refusal()).isEmpty();
      assertThat(output).contains(practice.name + " listens on 0.0.0.0 without TLS");
    }
  }
}
