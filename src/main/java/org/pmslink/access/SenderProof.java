package org.pmslink.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import jakarta.servlet.http.HttpServletRequest;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.function.Consumer;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * How whoever sends to a feed shows who they are: with a token of the practice, by signing each
 * request with a secret that both sides know, or, where a PMS can do no more, with a key of the
 * PMS's own in the header Authorization. A Java bean, because Camel fills it from a feed file.
 *
 * <p>The signature is the HMAC-SHA256, in hex, of four lines: the time (seconds since 1970, as in
 * its header), the method, the address with its query as sent, and the body.
 */
public final class SenderProof {
  private static final int SHORTEST_SECRET = 16;
  private static final String AUTHORIZATION = "Authorization";
  private static final byte[] NO_SIGNATURE = new byte[32];

  private enum Way {
    TOKEN,
    SIGNATURE,
    KEY
  }

  private Way way = Way.TOKEN;
  private String secret = "";
  private String signatureHeader = "X-PMS-Link-Signature";
  private String timestampHeader = "X-PMS-Link-Timestamp";
  private Duration tolerance = Duration.ofMinutes(5);

  /**
   * @param by {@code token} or {@code signature}
   */
  public void setBy(String by) {
    if (!by.equals("token") && !by.equals("signature")) {
      throw new IllegalArgumentException("proof: \"" + by + "\" is none of token, signature");
    }
    way = by.equals("signature") ? Way.SIGNATURE : Way.TOKEN;
  }

  /**
   * @param key what the PMS sends as its Authorization, with every request the same
   */
  public void setKey(String key) {
    way = Way.KEY;
    secret = key;
  }

  public void setSecret(String secret) {
    this.secret = secret;
  }

  public void setSignatureHeader(String signatureHeader) {
    this.signatureHeader = signatureHeader;
  }

  public void setTimestampHeader(String timestampHeader) {
    this.timestampHeader = timestampHeader;
  }

  /**
   * @param tolerance how far a request's time may be from ours, for example PT5M
   */
  public void setTolerance(String tolerance) {
    try {
      this.tolerance = Duration.parse(tolerance);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "tolerance: \"" + tolerance + "\" is no duration; write it like PT5M", e);
    }
    if (this.tolerance.isNegative() || this.tolerance.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("tolerance: must be between PT0S and PT1H");
    }
  }

  /** How long after its time a signature may come again. */
  public Duration tolerance() {
    return tolerance;
  }

  /** Whether requests bear a token of the practice, and not a signature or a key of the feed's. */
  public boolean isByToken() {
    return way == Way.TOKEN;
  }

  /**
   * Refuses what cannot protect anything.
   *
   * @throws IllegalArgumentException saying what to do
   */
  public void check() {
    if (way == Way.KEY && secret.isBlank()) {
      throw new IllegalArgumentException(
          "customerKey: is empty; write a placeholder such as {{env:NAME}} that is set");
    }
    if (way == Way.SIGNATURE && secret.length() < SHORTEST_SECRET) {
      throw new IllegalArgumentException(
          "secret: needs at least "
              + SHORTEST_SECRET
              + " characters for signatures; write a placeholder such as {{env:NAME}}");
    }
  }

  /** Whether a request has what one that is signed, or bears the key, has. */
  public boolean looksSigned(HttpServletRequest request) {
    return switch (way) {
      case TOKEN -> false;
      case SIGNATURE -> request.getHeader(signatureHeader) != null;
      case KEY -> request.getHeader(AUTHORIZATION) != null;
    };
  }

  /**
   * Whether a request is signed, or bears the key, rightly. Compared in constant time.
   *
   * @param remember gets a signature, so that it is not taken a second time
   */
  public boolean isGood(
      HttpServletRequest request, byte[] body, Instant now, Consumer<byte[]> remember) {
    return switch (way) {
      case TOKEN -> false;
      case SIGNATURE -> {
        byte[] signature = goodSignature(request, body, now);
        if (signature != null) {
          remember.accept(signature);
        }
        yield signature != null;
      }
      case KEY -> isKey(request.getHeader(AUTHORIZATION));
    };
  }

  /** As hashes, because the lengths of the two tell nothing then. */
  private boolean isKey(@Nullable String header) {
    String given = header == null ? "" : header.strip();
    return MessageDigest.isEqual(sha256(secret), sha256(given));
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /**
   * The signature of a request, if it is good and its time is near ours. Compared in constant time.
   *
   * @return {@code null} when it is not
   */
  private byte @Nullable [] goodSignature(HttpServletRequest request, byte[] body, Instant now) {
    String time = request.getHeader(timestampHeader);
    byte[] given = signature(request.getHeader(signatureHeader));
    byte[] right = hmac(time == null ? "" : time, request, body);
    boolean same = MessageDigest.isEqual(right, given == null ? NO_SIGNATURE : given);
    return same && given != null && isNear(time, now) ? given : null;
  }

  private boolean isNear(@Nullable String time, Instant now) {
    try {
      Instant then = Instant.ofEpochSecond(Long.parseLong(String.valueOf(time)));
      return Duration.between(then, now).abs().compareTo(tolerance) <= 0;
    } catch (NumberFormatException | DateTimeException e) {
      return false;
    }
  }

  /** In hex; a {@code sha256=} before it, as several senders write, is passed over. */
  private static byte @Nullable [] signature(@Nullable String header) {
    if (header == null) {
      return null;
    }
    String hex = header.strip().toLowerCase(Locale.ROOT);
    try {
      return HexFormat.of().parseHex(hex.startsWith("sha256=") ? hex.substring(7) : hex);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private byte[] hmac(String time, HttpServletRequest request, byte[] body) {
    String query = request.getQueryString();
    String address = request.getRequestURI() + (query == null ? "" : "?" + query);
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret.getBytes(UTF_8), "HmacSHA256"));
      mac.update((time + "\n" + request.getMethod() + "\n" + address + "\n").getBytes(UTF_8));
      return mac.doFinal(body);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has HMAC-SHA256", e);
    }
  }
}
