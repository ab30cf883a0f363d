package org.pmslink.security;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.file.Path;
import java.util.Base64;
import java.util.function.UnaryOperator;

/**
 * Turns nine digits into a keyed hash (HMAC-SHA256), so that equal numbers can be found while the
 * number itself is kept nowhere. Without the key a plain hash would be no protection: there are
 * only a thousand million numbers to try. The key cannot be changed without hashing every person
 * anew from its source.
 */
public final class SsnHasher implements UnaryOperator<String> {
  private final KeyedHash hash;

  private SsnHasher(KeyedHash hash) {
    this.hash = hash;
  }

  /** Uses the key in that file, which is made at the first run. */
  public static SsnHasher withKeyFile(Path keyFile) {
    return new SsnHasher(KeyedHash.withKeyFile(keyFile, "SSN"));
  }

  @Override
  public String apply(String nineDigits) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(hash.of(nineDigits.getBytes(US_ASCII)));
  }
}
