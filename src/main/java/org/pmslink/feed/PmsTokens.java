package org.pmslink.feed;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSSignerFactory;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.JWTAuthenticationClaimsSet;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.Audience;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Access tokens for PMSs that want OAuth 2.0 client credentials: one is asked for, used until
 * shortly before it ends, and asked for anew. The client proves itself with a secret (Dentrix
 * Ascend) or with an assertion that it signs (SMART Backend Services).
 */
@Component
public class PmsTokens {
  /** A token is not used in its last minute: a request may be under way for that long. */
  private static final Duration MARGIN = Duration.ofMinutes(1);

  private static final Duration LIFE_WHEN_NOT_TOLD = Duration.ofMinutes(5);
  private static final int TIMEOUT_MS = 20_000;

  private static final String NOT_DISCOVERED =
      "the PMS does not tell its token endpoint at .well-known/smart-configuration; set tokenUrl";

  private final Clock clock = Clock.systemUTC();
  private final Map<String, Held> held = new ConcurrentHashMap<>();

  /** Where tokens are given, by feed, where a server has told it. */
  private final Map<String, String> endpoints = new ConcurrentHashMap<>();

  private record Held(String token, Instant usableUntil) {}

  /**
   * Puts the feed's token into the Authorization header of the exchange: one that is asked for
   * where there is a {@code tokenUrl} or a {@code clientId}, else the one that does not change, or
   * none.
   *
   * @throws HttpAnswer.Failure when the PMS gives none
   */
  public void authorize(
      Exchange exchange, @ExchangeProperty("definition") FeedDefinition definition)
      throws IOException {
    String authorization = authorization(definition);
    if (authorization != null) {
      exchange.getMessage().setHeader("Authorization", authorization);
    }
  }

  /** What that header says; {@code null} for a PMS that wants none. */
  @Nullable String authorization(FeedDefinition definition) throws IOException {
    FeedDefinition.Client client = definition.getClient();
    if (!client.tokenUrl().isBlank() || !client.id().isBlank()) {
      return "Bearer " + token(definition);
    }
    return definition.getToken().isBlank() ? null : "Bearer " + definition.getToken();
  }

  private String token(FeedDefinition definition) throws IOException {
    Held known = held.get(definition.getFeed());
    if (known != null && clock.instant().isBefore(known.usableUntil())) {
      return known.token();
    }
    Held fresh = ask(definition);
    held.put(definition.getFeed(), fresh);
    return fresh.token();
  }

  /**
   * Forgets a token that the PMS does not take any more.
   *
   * @return whether there was one
   */
  boolean forget(FeedDefinition definition) {
    endpoints.remove(definition.getFeed());
    return held.remove(definition.getFeed()) != null;
  }

  private Held ask(FeedDefinition definition) throws IOException {
    FeedDefinition.Client client = definition.getClient();
    String endpoint = endpoint(definition);
    TokenRequest request =
        new TokenRequest(
            URI.create(endpoint),
            authentication(client, endpoint),
            new ClientCredentialsGrant(),
            client.scope().isBlank() ? null : Scope.parse(client.scope()));
    HTTPRequest http = request.toHTTPRequest();
    http.setConnectTimeout(TIMEOUT_MS);
    http.setReadTimeout(TIMEOUT_MS);
    http.setAccept("application/json");
    try {
      TokenResponse response = TokenResponse.parse(http.send());
      if (!response.indicatesSuccess()) {
        int status = response.toErrorResponse().getErrorObject().getHTTPStatusCode();
        // 400 is how a token endpoint says "invalid_client", too.
        throw new HttpAnswer.Failure(status == 0 || status == 400 ? 401 : status, null);
      }
      AccessToken token = response.toSuccessResponse().getTokens().getAccessToken();
      Duration life =
          token.getLifetime() > 0 ? Duration.ofSeconds(token.getLifetime()) : LIFE_WHEN_NOT_TOLD;
      Duration usable =
          life.compareTo(MARGIN.multipliedBy(2)) > 0 ? life.minus(MARGIN) : life.dividedBy(2);
      return new Held(token.getValue(), clock.instant().plus(usable));
    } catch (ParseException e) {
      throw new HttpAnswer.Failure("the PMS's token endpoint answered with something else");
    }
  }

  private String endpoint(FeedDefinition definition) throws IOException {
    String given = definition.getClient().tokenUrl();
    if (!given.isBlank()) {
      return given;
    }
    String known = endpoints.get(definition.getFeed());
    if (known == null) {
      known = discovered(definition.getUrl());
      endpoints.put(definition.getFeed(), known);
    }
    return known;
  }

  /** What a FHIR server says of itself, as SMART App Launch has it. */
  private static String discovered(String url) throws IOException {
    HTTPRequest http =
        new HTTPRequest(
            HTTPRequest.Method.GET,
            URI.create(url.replaceFirst("/*$", "/") + ".well-known/smart-configuration"));
    http.setConnectTimeout(TIMEOUT_MS);
    http.setReadTimeout(TIMEOUT_MS);
    // Nothing is sent on to another address than the feed file names.
    http.setFollowRedirects(false);
    http.setAccept("application/json");
    HTTPResponse answer = http.send();
    if (!answer.indicatesSuccess()) {
      throw answer.getStatusCode() >= 500
          ? new HttpAnswer.Failure(answer.getStatusCode(), null)
          : new HttpAnswer.Failure(NOT_DISCOVERED);
    }
    try {
      String endpoint = JSONObjectUtils.getString(answer.getBodyAsJSONObject(), "token_endpoint");
      URI found = URI.create(endpoint);
      String scheme = String.valueOf(found.getScheme());
      // A server that is asked over TLS sends nobody elsewhere with a secret in the open.
      if (found.getHost() != null
          && (scheme.equals("https") || (scheme.equals("http") && url.startsWith("http:")))) {
        return endpoint;
      }
    } catch (ParseException | IllegalArgumentException e) {
      throw new HttpAnswer.Failure(NOT_DISCOVERED);
    }
    throw new HttpAnswer.Failure(
        "the PMS names a token endpoint that is no https address; set tokenUrl");
  }

  private static ClientAuthentication authentication(
      FeedDefinition.Client client, String endpoint) {
    ClientID id = new ClientID(client.id());
    if (client.key().isBlank()) {
      return new ClientSecretPost(id, new Secret(client.secret()));
    }
    try {
      JWK key = JWK.parse(client.key());
      JWSAlgorithm algorithm = algorithm(key);
      SignedJWT assertion =
          new SignedJWT(
              // SMART Backend Services wants the type, which the library's own assertions lack.
              new JWSHeader.Builder(algorithm)
                  .keyID(key.getKeyID())
                  .type(JOSEObjectType.JWT)
                  .build(),
              new JWTAuthenticationClaimsSet(id, new Audience(endpoint)).toJWTClaimsSet());
      assertion.sign(new DefaultJWSSignerFactory().createJWSSigner(key, algorithm));
      return new PrivateKeyJWT(assertion);
    } catch (java.text.ParseException | JOSEException e) {
      throw new FeedException(
          "clientKey: is no private key as a JSON Web Key (RSA or P-384, with its \"kid\")");
    }
  }

  /** The two that SMART Backend Services names. */
  private static JWSAlgorithm algorithm(JWK key) {
    return key.getKeyType().equals(com.nimbusds.jose.jwk.KeyType.RSA)
        ? JWSAlgorithm.RS384
        : JWSAlgorithm.ES384;
  }
}
