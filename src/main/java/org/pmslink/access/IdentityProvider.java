package org.pmslink.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.Resource;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.oauth2.sdk.GeneralException;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a provider says of itself, and the keys that it signs with. It is asked when it is first
 * needed: the engine starts, and works for everybody else, while the provider is away. Thread-safe.
 */
final class IdentityProvider {
  private static final Logger LOG = LoggerFactory.getLogger(IdentityProvider.class);

  /** For the whole of an answer. */
  static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

  private static final Duration LONGEST_CONNECT = Duration.ofSeconds(2);

  /** Who comes within this time after a failure is told so, instead of waiting for the next. */
  private static final long RETRY_NANOS = 5_000_000_000L;

  private static final int LARGEST_ANSWER = 512 * 1024;

  /** A key that the provider withdraws is refused after this time. */
  private static final Duration KEYS_ARE_FRESH = Duration.ofMinutes(5);

  /** While the provider is away, its keys are good for this time. */
  private static final Duration KEYS_OUTLIVE_OUTAGE = Duration.ofHours(12);

  /** A key that nobody knows makes us ask twice in this time, whoever sends how many of them. */
  private static final Duration UNKNOWN_KEYS = Duration.ofSeconds(30);

  /** Signatures alone: with a shared secret, whoever can check a token could make one. */
  private static final Set<JWSAlgorithm> ALGORITHMS =
      Set.of(
          JWSAlgorithm.RS256,
          JWSAlgorithm.RS384,
          JWSAlgorithm.RS512,
          JWSAlgorithm.PS256,
          JWSAlgorithm.PS384,
          JWSAlgorithm.PS512,
          JWSAlgorithm.ES256,
          JWSAlgorithm.ES384,
          JWSAlgorithm.ES512);

  private static final HttpClient HTTP = client(HttpClient.Redirect.NORMAL);

  private final String issuer;
  private final String keysAddress;
  private @Nullable OIDCProviderMetadata metadata;
  private @Nullable JWKSource<SecurityContext> keys;
  private boolean failed;
  private long failedAt;

  /**
   * @param keysAddress where its keys are; blank for where it says
   */
  IdentityProvider(String issuer, String keysAddress) {
    this.issuer = issuer;
    this.keysAddress = keysAddress;
  }

  /** What asks a provider; it waits {@link #LONGEST_WAIT} only where it is told so. */
  static HttpClient client(HttpClient.Redirect redirects) {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(redirects)
        .connectTimeout(LONGEST_CONNECT)
        .build();
  }

  /** The provider could not be asked. Without what it answered, which is not ours to repeat. */
  static final class AwayException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AwayException(String message, Throwable cause) {
      super(message, cause);
    }

    AwayException(String message) {
      super(message);
    }
  }

  /**
   * What is told to an address must not be readable on the way, unless it stays on this machine.
   *
   * @throws IllegalArgumentException naming the setting
   */
  static void checkAddress(String setting, String address) {
    try {
      URI uri = new URI(address);
      String host = uri.getHost();
      if (host != null
          && ("https".equals(uri.getScheme())
              || ("http".equals(uri.getScheme())
                  && Set.of("localhost", "127.0.0.1", "[::1]").contains(host)))) {
        return;
      }
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(setting + ": " + address + " is no address", e);
    }
    throw new IllegalArgumentException(
        setting + ": " + address + " must begin with https:// (http:// on this machine alone)");
  }

  /**
   * What the provider says of itself.
   *
   * @throws AwayException within a few seconds
   */
  synchronized OIDCProviderMetadata metadata() {
    OIDCProviderMetadata known = metadata;
    if (known == null) {
      if (failed && System.nanoTime() - failedAt < RETRY_NANOS) {
        throw new AwayException("the provider did not answer a moment ago");
      }
      try {
        Issuer ours = new Issuer(issuer);
        known = OIDCProviderMetadata.parse(get(OIDCProviderMetadata.resolveURL(ours)).getContent());
        if (!known.getIssuer().equals(ours)) {
          throw new GeneralException("the provider gives itself another name");
        }
        metadata = known;
      } catch (IOException | GeneralException e) {
        failed = true;
        failedAt = System.nanoTime();
        LOG.warn("{} cannot be asked about itself: {}", issuer, e.getClass().getSimpleName());
        throw new AwayException("the provider does not say what it is", e);
      }
    }
    return known;
  }

  /**
   * Looks at the signatures of the provider, and at nothing else. Keys that are known stay in use
   * while the provider is away.
   *
   * @throws AwayException when it must be asked first where its keys are, and cannot
   */
  DefaultJWTProcessor<SecurityContext> signatures() {
    DefaultJWTProcessor<SecurityContext> signatures = new DefaultJWTProcessor<>();
    signatures.setJWSKeySelector(new JWSVerificationKeySelector<>(ALGORITHMS, keys()));
    signatures.setJWTClaimsSetVerifier((claims, context) -> {});
    return signatures;
  }

  private synchronized JWKSource<SecurityContext> keys() {
    JWKSource<SecurityContext> known = keys;
    if (known == null) {
      try {
        URI address = keysAddress.isBlank() ? metadata().getJWKSetURI() : URI.create(keysAddress);
        known =
            JWKSourceBuilder.create(address.toURL(), IdentityProvider::get)
                .refreshAheadCache(false)
                .cache(KEYS_ARE_FRESH.toMillis(), LONGEST_WAIT.toMillis())
                .rateLimited(UNKNOWN_KEYS.toMillis())
                .outageTolerant(KEYS_OUTLIVE_OUTAGE.toMillis())
                .build();
        keys = known;
      } catch (MalformedURLException e) {
        throw new AwayException("the provider does not say where its keys are", e);
      }
    }
    return known;
  }

  /**
   * One request, with an end to the whole of it: the time that a socket waits begins anew with
   * every byte, and a provider that sends one now and then would hold up everybody who signs in.
   */
  private static Resource get(URL address) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    CompletableFuture<HttpResponse<Void>> coming =
        HTTP.sendAsync(
            HttpRequest.newBuilder(URI.create(address.toString()))
                .header("Accept", "application/json")
                .build(),
            HttpResponse.BodyHandlers.ofByteArrayConsumer(
                part -> {
                  if (body.size() <= LARGEST_ANSWER) {
                    part.ifPresent(body::writeBytes);
                  }
                }));
    try {
      HttpResponse<Void> answer = coming.get(LONGEST_WAIT.toMillis(), TimeUnit.MILLISECONDS);
      if (answer.statusCode() != 200 || body.size() > LARGEST_ANSWER) {
        throw new IOException("an answer of status " + answer.statusCode() + ", or too long");
      }
      return new Resource(
          body.toString(UTF_8), answer.headers().firstValue("Content-Type").orElse(null));
    } catch (TimeoutException e) {
      throw new IOException("no whole answer in time", e);
    } catch (ExecutionException e) {
      throw new IOException("no answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      coming.cancel(true);
    }
  }
}
