package org.pmslink.access;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.oauth2.sdk.GeneralException;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a provider says of itself, and the keys that it signs with. It is asked when it is first
 * needed: the engine starts, and works for everybody else, while the provider is away. Thread-safe.
 */
final class IdentityProvider {
  private static final Logger LOG = LoggerFactory.getLogger(IdentityProvider.class);

  static final Duration LONGEST_CONNECT = Duration.ofSeconds(2);
  static final Duration LONGEST_READ = Duration.ofSeconds(3);

  /** Who comes within this time after a failure is told so, instead of waiting for the next. */
  private static final long RETRY_NANOS = 5_000_000_000L;

  private static final int LARGEST_KEY_SET = 512 * 1024;

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
        // Holds the issuer that it names against ours.
        known =
            OIDCProviderMetadata.resolve(
                new Issuer(issuer),
                Math.toIntExact(LONGEST_CONNECT.toMillis()),
                Math.toIntExact(LONGEST_READ.toMillis()));
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
            JWKSourceBuilder.create(
                    address.toURL(),
                    new DefaultResourceRetriever(
                        Math.toIntExact(LONGEST_CONNECT.toMillis()),
                        Math.toIntExact(LONGEST_READ.toMillis()),
                        LARGEST_KEY_SET))
                .refreshAheadCache(false)
                .cache(KEYS_ARE_FRESH.toMillis(), LONGEST_CONNECT.plus(LONGEST_READ).toMillis())
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
}
