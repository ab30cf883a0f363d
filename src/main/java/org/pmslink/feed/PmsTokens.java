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
import com.nimbusds.oauth2.sdk.id.Audience;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.AccessToken;
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

  private final Clock clock = Clock.systemUTC();
  private final Map<String, Held> held = new ConcurrentHashMap<>();

  private record Held(String token, Instant usableUntil) {}

  /**
   * Puts the feed's token into the Authorization header of the exchange: one that is asked for
   * where there is a {@code tokenUrl}, else the one that does not change, or none.
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
    if (!definition.getClient().tokenUrl().isBlank()) {
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
    return held.remove(definition.getFeed()) != null;
  }

  private Held ask(FeedDefinition definition) throws IOException {
    FeedDefinition.Client client = definition.getClient();
    TokenRequest request =
        new TokenRequest(
            URI.create(client.tokenUrl()),
            authentication(client),
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

  private static ClientAuthentication authentication(FeedDefinition.Client client) {
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
              new JWTAuthenticationClaimsSet(id, new Audience(client.tokenUrl())).toJWTClaimsSet());
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
