package org.pmslink.security;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.function.UnaryOperator;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * Turns nine digits into a keyed hash (HMAC-SHA256), so that equal numbers can be found while the
 * number itself is kept nowhere. Without the key a plain hash would be no protection: there are
 * only a thousand million numbers to try. The key cannot be changed without hashing every person
 * anew from its source.
 */
public final class SsnHasher implements UnaryOperator<String> {
  private static final String ALGORITHM = "HmacSHA256";
  private static final int KEY_BYTES = 32;

  private final SecretKey key;

  private SsnHasher(SecretKey key) {
    this.key = key;
  }

  /** Uses the key in that file, which is made at the first run. */
  public static SsnHasher withKeyFile(Path keyFile) {
    String text = SecretFile.readOrCreate(keyFile, SsnHasher::newKey).strip();
    String complaint =
        "The SSN key file " + keyFile + " holds no 32-byte key: restore it from its backup";
    try {
      byte[] bytes = Base64.getDecoder().decode(text);
      if (bytes.length != KEY_BYTES) {
        throw new IllegalStateException(complaint);
      }
      return new SsnHasher(new SecretKeySpec(bytes, ALGORITHM));
    } catch (IllegalArgumentException e) {
      // Not kept as the cause: its message quotes a character of the key.
      throw new IllegalStateException(complaint);
    }
  }

  private static String newKey() {
    byte[] bytes = new byte[KEY_BYTES];
    new SecureRandom().nextBytes(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  @Override
  public String apply(String nineDigits) {
    try {
      // A Mac is not for use by several threads, and a new one costs about a microsecond.
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(mac.doFinal(nineDigits.getBytes(US_ASCII)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no " + ALGORITHM, e);
    }
  }
}
