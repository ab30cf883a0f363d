package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.pmslink.pipeline.Visitor.location;

import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.JWTClaimsSet;
import java.io.IOException;
import java.io.OutputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.practice.Practices;
import org.pmslink.sample.OpenIdProvider;

/** Signing in with settings that are not the usual ones, and a provider that is no help. */
class ProviderSettingsTest {
  private static final String PASSWORD = "a sentence to remember";
  private static final String PRACTICE = "smiles";

  /** What is promised is 5 s, and another 5 s for whoever waited for somebody else's question. */
  private static final Duration LONGEST = Duration.ofSeconds(13);

  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private final Path folder;

  ProviderSettingsTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private Engine engine(int provider, String... more) throws IOException {
    List<String> settings = new ArrayList<>();
    settings.addAll(
        List.of(
            "--pmslink.access.longest-session=3s",
            "--pmslink.access.oidc.issuer=" + OpenIdProvider.issuer(provider),
            "--pmslink.access.oidc.name=Example Dental",
            "--pmslink.access.oidc.roles[0].value=desk",
            "--pmslink.access.oidc.roles[0].role=front-desk",
            "--pmslink.access.oidc.roles[0].practice=" + PRACTICE,
            "--pmslink.access.jwt.issuer=" + OpenIdProvider.issuer(provider),
            "--pmslink.access.jwt.audience=" + OpenIdProvider.AUDIENCE,
            "--pmslink.access.jwt.keys-url=" + OpenIdProvider.issuer(provider) + "/oauth2/jwks",
            "--pmslink.access.jwt.roles-claim=groups",
            "--pmslink.access.jwt.roles[0].value=machine",
            "--pmslink.access.jwt.roles[0].role=machine",
            "--pmslink.access.jwt.roles[0].practice=" + PRACTICE));
    settings.addAll(List.of(more));
    return new Engine(folder.resolve("engine"), settings.toArray(String[]::new)).withWeb();
  }

  /** As the program that bears it. */
  private static HttpResponse<String> call(Engine engine, OpenIdProvider provider)
      throws Exception {
    String token =
        OpenIdProvider.signed(
            provider.key(),
            new JWTClaimsSet.Builder()
                .issuer(provider.issuer())
                .audience(OpenIdProvider.AUDIENCE)
                .claim("client_id", "billing")
                .claim("groups", List.of("machine"))
                .expirationTime(Date.from(Instant.now().plusSeconds(300)))
                .build());
    return HTTP.send(
        HttpRequest.newBuilder(
                URI.create(engine.url() + "/api/v1/practices/" + PRACTICE + "/worklists"))
            .header("Authorization", "Bearer " + token)
            .timeout(Duration.ofSeconds(60))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Listens where the provider should, and is none. */
  private static final class Nuisance implements AutoCloseable {
    private final ServerSocket server;
    private final boolean answers;
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger dropped = new AtomicInteger();

    /**
     * @param answers whether it begins an answer, and sends a byte of it now and then, for ever
     */
    Nuisance(int port, boolean answers) {
      // Whoever listened there before may not quite have let go of it.
      server =
          Awaitility.await()
              .ignoreException(BindException.class)
              .until(
                  () -> new ServerSocket(port, 50, InetAddress.getByName("127.0.0.1")),
                  Objects::nonNull);
      this.answers = answers;
      start(this::accept);
    }

    private static void start(Runnable what) {
      Thread thread = new Thread(what, "nuisance");
      thread.setDaemon(true);
      thread.start();
    }

    private void accept() {
      try {
        while (true) {
          Socket caller = server.accept();
          asked.incrementAndGet();
          start(() -> serve(caller));
        }
      } catch (IOException e) {
        // Closed.
      }
    }

    private void serve(Socket caller) {
      try (caller) {
        if (!answers) {
          caller.getInputStream().readAllBytes();
          dropped.incrementAndGet();
          return;
        }
        OutputStream out = caller.getOutputStream();
        out.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{".getBytes(UTF_8));
        caller.setSoTimeout(200);
        while (true) {
          out.write(' ');
          out.flush();
          try {
            if (caller.getInputStream().read() < 0) {
              break;
            }
          } catch (java.net.SocketTimeoutException e) {
            // Its own pace.
          }
        }
        dropped.incrementAndGet();
      } catch (IOException e) {
        dropped.incrementAndGet();
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  @Test
  void aProviderThatIsAwayOrHangsHoldsNobodyUpForLong() throws Exception {
    int port = OpenIdProvider.freePort();
    try (Engine engine =
            engine(
                port,
                "--pmslink.access.refusals-per-minute=500",
                "--pmslink.access.oidc.client-id=" + OpenIdProvider.CLIENT,
                "--pmslink.access.oidc.client-secret=" + OpenIdProvider.SECRET);
        OpenIdProvider provider = new OpenIdProvider(port)) {
      engine.start();
      engine.bean(Practices.class).id(PRACTICE);
      Visitor person = new Visitor(engine, provider);
      tellsThatItIsAway(person);

      try (Nuisance drips = new Nuisance(port, true)) {
        List<CompletableFuture<Integer>> calls = new ArrayList<>();
        Instant begun = Instant.now();
        for (int i = 0; i < 8; i++) {
          calls.add(
              CompletableFuture.supplyAsync(
                  () -> {
                    try {
                      return call(engine, provider).statusCode();
                    } catch (Exception e) {
                      throw new AssertionError(e);
                    }
                  },
                  task -> new Thread(task, "caller").start()));
        }
        assertThat(calls).allSatisfy(call -> assertThat(call.join()).isEqualTo(401));
        assertThat(Duration.between(begun, Instant.now())).isLessThan(LONGEST);
        assertThat(drips.asked).as("its keys were asked for").hasPositiveValue();
        awaitAsked(person, drips);
        // Nobody goes on listening to it.
        Awaitility.await().untilAtomic(drips.dropped, org.hamcrest.Matchers.is(drips.asked.get()));
      }
      try (Nuisance silent = new Nuisance(port, false)) {
        awaitAsked(person, silent);
        Awaitility.await()
            .untilAtomic(silent.dropped, org.hamcrest.Matchers.is(silent.asked.get()));
      }
      assertThat(person.get("/sign-in?provider=away").body())
          .contains("Example Dental cannot be reached")
          .contains("name=\"password\"");

      provider.start(engine.url());
      provider.person("anna", "desk");
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> !location(person.get("/sign-in/with/provider")).endsWith("away"));
      String back = person.wentToProvider("anna");
      // It hangs between the two: the code is in the browser, and nobody takes it.
      provider.stop();
      try (Nuisance silent = new Nuisance(port, false)) {
        Instant begun = Instant.now();
        assertThat(person.arrives(back)).endsWith("/sign-in?provider=away");
        assertThat(Duration.between(begun, Instant.now())).isLessThan(LONGEST);
        assertThat(silent.asked).hasPositiveValue();
      }
      provider.start(engine.url());
      assertThat(new Visitor(engine, provider).signsInThroughProvider("anna")).endsWith("/console");
      endsHoweverBusy(engine, provider);
    }
  }

  /** Each attempt is bounded; a moment after a failure the provider is not asked at all. */
  private static void awaitAsked(Visitor person, Nuisance nuisance) {
    int before = nuisance.asked.get();
    Awaitility.await()
        .atMost(Duration.ofSeconds(40))
        .until(
            () -> {
              tellsThatItIsAway(person);
              return nuisance.asked.get() > before;
            });
  }

  private static void tellsThatItIsAway(Visitor person) throws Exception {
    Instant begun = Instant.now();
    assertThat(location(person.get("/sign-in/with/provider"))).endsWith("/sign-in?provider=away");
    assertThat(Duration.between(begun, Instant.now())).isLessThan(LONGEST);
  }

  /** With a password; the provider's own are held below. */
  private static void endsHoweverBusy(Engine engine, OpenIdProvider provider) throws Exception {
    Users users = engine.bean(Users.class);
    users.changePassword("berta", users.add("berta"), PASSWORD);
    users.grant("berta", PRACTICE, Role.FRONT_DESK);
    Visitor person = new Visitor(engine, provider);
    person.get("/sign-in");
    Instant begun = Instant.now();
    assertThat(location(person.post("/sign-in", "login", "berta", "password", PASSWORD)))
        .endsWith("/console");
    isOverInTime(person, begun);
  }

  private static void isOverInTime(Visitor person, Instant begun) throws Exception {
    String page = "/console/" + PRACTICE + "/members";
    assertThat(person.get(page).statusCode()).isEqualTo(200);
    String session = person.session();
    HttpResponse<String> last =
        Awaitility.await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> person.get(page), answer -> answer.statusCode() != 200);
    assertThat(location(last)).endsWith("/sign-in");
    assertThat(Duration.between(begun, Instant.now())).isGreaterThan(Duration.ofMillis(2_900));
    person.session(session);
    assertThat(location(person.get(page))).as("the old session").endsWith("/sign-in");
  }

  @Test
  void withoutPasswordsOfOursAndWithAKeyInsteadOfASecret() throws Exception {
    int port = OpenIdProvider.freePort();
    RSAKey key = OpenIdProvider.newKey();
    Path file = Files.writeString(folder.resolve("client-key.json"), key.toJSONString());
    try (Engine engine =
            engine(
                port,
                "--pmslink.access.local-passwords=false",
                "--pmslink.access.oidc.client-id=" + OpenIdProvider.CLIENT_WITH_KEY,
                "--pmslink.access.oidc.client-key-file=" + file);
        OpenIdProvider provider = new OpenIdProvider(port)) {
      engine.start();
      engine.bean(Practices.class).id(PRACTICE);
      assertThat(engine.store().queryForList("select login from users", String.class))
          .as("there is no first user whose password somebody could read")
          .isEmpty();
      provider.start(engine.url());
      provider.person("anna", "desk");

      Users users = engine.bean(Users.class);
      users.changePassword("berta", users.add("berta"), PASSWORD);
      users.grant("berta", PRACTICE, Role.FRONT_DESK);
      Visitor local = new Visitor(engine, provider);
      HttpResponse<String> form = local.get("/sign-in");
      assertThat(form.statusCode()).isEqualTo(200);
      assertThat(form.body())
          .contains("Sign in with Example Dental")
          .doesNotContain("name=\"password\"");
      HttpResponse<String> refused = local.post("/sign-in", "login", "berta", "password", PASSWORD);
      assertThat(location(refused)).as("there is no such form").endsWith("/sign-in?again");
      assertThat(location(local.get("/console"))).endsWith("/sign-in");

      // The provider knows another key.
      Visitor person = new Visitor(engine, provider);
      assertThat(person.signsInThroughProvider("anna")).endsWith("/sign-in?provider=refused");
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select detail from audit where action = 'sign-in refused'", String.class))
          .singleElement()
          .asString()
          .contains("invalid_client");

      provider.clientKey(key);
      Instant begun = Instant.now();
      assertThat(person.signsInThroughProvider("anna")).endsWith("/console");
      isOverInTime(person, begun);
    }
  }
}
