package org.pmslink.security;

import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * HMAC-SHA256 with a key from a file: what it gives can be compared, and can be made by nobody who
 * has not the key.
 */
public final class KeyedHash {
  private static final String ALGORITHM = "HmacSHA256";
  private static final int KEY_BYTES = 32;

  private final SecretKey key;

  private KeyedHash(SecretKey key) {
    this.key = key;
  }

  /**
   * Uses the key in that file, which is made at the first run.
   *
   * @param what the key is for, for the complaint about a file that holds none
   */
  public static KeyedHash withKeyFile(Path keyFile, String what) {
    String text = SecretFile.readOrCreate(keyFile, KeyedHash::newKey).strip();
    String complaint =
        "The "
            + what
            + " key file "
            + keyFile
            + " holds no 32-byte key: restore it from its backup";
    try {
      byte[] bytes = Base64.getDecoder().decode(text);
      if (bytes.length != KEY_BYTES) {
        throw new IllegalStateException(complaint);
      }
      return new KeyedHash(new SecretKeySpec(bytes, ALGORITHM));
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

  /** The 32 bytes for a text of bytes. */
  public byte[] of(byte[] text) {
    try {
      // A Mac is not for use by several threads, and a new one costs about a microsecond.
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      return mac.doFinal(text);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no " + ALGORITHM, e);
    }
  }
}
