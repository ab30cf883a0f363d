package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.OpenIdProvider;

/** Programs call with tokens that a provider has signed, and with some that it has not. */
@ExtendWith(Pipeline.class)
class SignedTokensTest {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private final Engine engine;
  private final OpenDentalServer pms;
  private final OpenIdProvider provider;

  SignedTokensTest(Engine engine, OpenDentalServer pms, OpenIdProvider provider) {
    this.engine = engine;
    this.pms = pms;
    this.provider = provider;
  }

  private record Answer(int status, String rest) {}

  /** Asks for the metadata of a practice as a client of its own, which may be refused often. */
  private Answer ask(String practice, String token) throws IOException {
    return send("GET /fhir/" + practice + "/metadata", token, "");
  }

  private Answer send(String what, String token, String body) throws IOException {
    URI url = URI.create(engine.url());
    try (Socket socket =
        new Socket(
            InetAddress.getByName("127.0.0.1"),
            url.getPort(),
            InetAddress.getByName("127.0.0.21"),
            0)) {
      socket
          .getOutputStream()
          .write(
              (what
                      + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                      + token
                      + "\r\nContent-Type: application/json\r\nContent-Length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
                  .getBytes(UTF_8));
      String answer = new String(socket.getInputStream().readAllBytes(), UTF_8);
      return new Answer(
          Integer.parseInt(answer.substring(9, 12)), answer.replaceAll("\r\nDate: [^\r]+", ""));
    }
  }

  /** As the provider's own, so far as one can know. */
  private JWTClaimsSet.Builder claims(Office office) {
    return new JWTClaimsSet.Builder()
        .issuer(provider.issuer())
        .audience(OpenIdProvider.AUDIENCE)
        .subject("somebody")
        .claim("client_id", "billing")
        .claim("groups", List.of("machine of " + office.name))
        .issueTime(new Date())
        .expirationTime(in(300));
  }

  private static Date in(int seconds) {
    return Date.from(Instant.now().plusSeconds(seconds));
  }

  private String signed(JWTClaimsSet.Builder claims) {
    return OpenIdProvider.signed(provider.key(), claims.build());
  }

  @Test
  void aProgramCallsWithATokenOfTheProvider() throws Exception {
    try (Office office = Office.at(engine, pms).open();
        Office other = Office.at(engine, pms).open()) {
      provider.person(OpenIdProvider.PROGRAM, "machine of " + office.name);
      String token = issued();
      String body = "{\"family\": \"Caldwell\", \"given\": \"Ines\"}";

      assertThat(send(match(office.name), token, body).status()).isEqualTo(200);

      assertThat(audit(office))
          .containsExactly("jwt:billing match json: 0 candidates returned, 0 certain");
      Answer elsewhere = send(match(other.name), token, body);
      Answer nowhere = send(match("no-practice"), token, body);
      assertThat(elsewhere.status()).isEqualTo(404);
      assertThat(elsewhere).isEqualTo(nowhere);
      assertThat(audit(other))
          .containsExactly("jwt:billing refused token of another practice, from 127.0.0.21");

      provider.person(OpenIdProvider.PROGRAM, "auditor of " + office.name);
      String auditor = issued();
      assertThat(ask(office.name, auditor).status()).isEqualTo(200);
      assertThat(send(match(office.name), auditor, body).status()).isEqualTo(403);
      provider.person(OpenIdProvider.PROGRAM);
      assertThat(ask(office.name, issued()).status()).as("good, and for nothing").isEqualTo(404);
    }
  }

  private static String match(String practice) {
    return "POST /api/v1/practices/" + practice + "/patients/match";
  }

  /** As a program gets it. */
  private String issued() throws Exception {
    HttpResponse<String> answer =
        HTTP.send(
            HttpRequest.newBuilder(URI.create(provider.issuer() + "/oauth2/token"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .header(
                    "Authorization",
                    "Basic "
                        + Base64.getEncoder()
                            .encodeToString(
                                (OpenIdProvider.PROGRAM + ":" + OpenIdProvider.PROGRAM_SECRET)
                                    .getBytes(UTF_8)))
                .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return new ObjectMapper().readTree(answer.body()).get("access_token").asText();
  }

  private List<String> audit(Office office) {
    return engine
        .store()
        .queryForList(
            """
            select actor || ' ' || action || ' ' || detail from audit
            where practice_id = ? and actor like 'jwt:%' order by id""",
            String.class, office.id());
  }

  @Test
  void everythingElseIsRefusedAlike() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      RSAKey ours = OpenIdProvider.newKey();
      RSAKey namedAsTheirs = new RSAKey.Builder(ours).keyID(provider.key().getKeyID()).build();
      assertThat(ask(office.name, signed(claims(office))).status()).isEqualTo(200);
      assertThat(ask(office.name, signed(claims(office).expirationTime(in(-10)))).status())
          .as("clocks differ a little")
          .isEqualTo(200);
      Map<String, String> bad = new LinkedHashMap<>();
      bad.put("no token of anybody", "a.b.c");
      bad.put("empty parts", "..");
      bad.put("expired", signed(claims(office).expirationTime(in(-120))));
      bad.put("never expires", signed(claims(office).expirationTime(null)));
      bad.put("not yet", signed(claims(office).notBeforeTime(in(120))));
      bad.put("for another", signed(claims(office).audience("https://elsewhere.example")));
      bad.put("for nobody", signed(claims(office).audience((String) null)));
      bad.put("of another", signed(claims(office).issuer("https://elsewhere.example")));
      bad.put("without a name", signed(claims(office).claim("client_id", null)));
      bad.put("with a strange name", signed(claims(office).claim("client_id", "two\nlines")));
      bad.put("unknown key", OpenIdProvider.signed(ours, claims(office).build()));
      bad.put("key of that name", OpenIdProvider.signed(namedAsTheirs, claims(office).build()));
      bad.put("unsigned", new PlainJWT(claims(office).build()).serialize());
      bad.put("signed with what everybody knows", withPublicKey(claims(office).build()));
      bad.put("of another type", ofType("dpop+jwt", claims(office).build()));
      bad.put("changed", changed(signed(claims(office))));
      bad.put("oversized", signed(claims(office).claim("much", "x".repeat(5_300))));
      assertThat(bad.get("oversized")).hasSizeBetween(7_001, 7_800);

      Answer usual = ask(office.name, "no-token-of-ours");
      assertThat(usual.status()).isEqualTo(401);
      bad.forEach(
          (what, token) -> {
            try {
              assertThat(ask(office.name, token)).as(what).isEqualTo(usual);
            } catch (IOException e) {
              throw new AssertionError(what, e);
            }
          });
      assertThat(ask(office.name, ofType("at+jwt", claims(office).build())).status())
          .isEqualTo(200);
    }
  }

  private String withPublicKey(JWTClaimsSet claims) throws Exception {
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(provider.key().getKeyID()).build(),
            claims);
    token.sign(new MACSigner(provider.key().toRSAPublicKey().getEncoded()));
    return token.serialize();
  }

  private String ofType(String type, JWTClaimsSet claims) throws Exception {
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.RS256)
                .type(new JOSEObjectType(type))
                .keyID(provider.key().getKeyID())
                .build(),
            claims);
    token.sign(new RSASSASigner(provider.key()));
    return token.serialize();
  }

  private static String changed(String token) {
    String[] parts = token.split("\\.");
    String claims = new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8);
    String more = claims.replace("somebody", "somebodyelse");
    return parts[0]
        + "."
        + Base64.getUrlEncoder().withoutPadding().encodeToString(more.getBytes(UTF_8))
        + "."
        + parts[2];
  }

  @Test
  void keysThatAreKnownStayInUseWhileTheProviderIsAway() throws Exception {
    try (Office office = Office.at(engine, pms).open()) {
      assertThat(ask(office.name, signed(claims(office))).status()).isEqualTo(200);
      provider.stop();
      try {
        Instant begun = Instant.now();
        assertThat(ask(office.name, signed(claims(office))).status()).isEqualTo(200);
        assertThat(
                ask(
                        office.name,
                        OpenIdProvider.signed(OpenIdProvider.newKey(), claims(office).build()))
                    .status())
            .isEqualTo(401);
        assertThat(Duration.between(begun, Instant.now())).isLessThan(Duration.ofSeconds(30));
      } finally {
        provider.start(engine.url());
      }
      assertThat(ask(office.name, signed(claims(office))).status()).isEqualTo(200);
    }
  }
}
