package org.pmslink.security;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.RegistryConfiguration;
import com.google.crypto.tink.TinkJsonProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * Seals payloads before they leave memory: compressed, then encrypted and authenticated with
 * AES-256-GCM. The purpose is authenticated too, so bytes sealed for one place do not open in
 * another. A sealed payload is one format byte and Tink's ciphertext, which names its key; a key
 * set that gains a new primary key still opens what the old one sealed.
 */
public final class PayloadCipher {
  private static final byte DEFLATED_AEAD = 1;

  /** What a message may grow to: a small sealed one must not fill the memory when it is opened. */
  private static final int LARGEST_PAYLOAD = 64 * 1024 * 1024;

  private final Aead aead;

  private PayloadCipher(Aead aead) {
    this.aead = aead;
  }

  /** Uses the key set in that file, which is made at the first run. */
  public static PayloadCipher withKeyFile(Path keyFile) {
    try {
      AeadConfig.register();
      String keys = SecretFile.readOrCreate(keyFile, PayloadCipher::newKeySet);
      KeysetHandle handle =
          TinkJsonProtoKeysetFormat.parseKeyset(keys, InsecureSecretKeyAccess.get());
      return new PayloadCipher(handle.getPrimitive(RegistryConfiguration.get(), Aead.class));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "The payload key file " + keyFile + " holds no key set: restore it from its backup", e);
    }
  }

  private static String newKeySet() {
    try {
      return TinkJsonProtoKeysetFormat.serializeKeyset(
          KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM),
          InsecureSecretKeyAccess.get());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java cannot make an AES-256-GCM key", e);
    }
  }

  /**
   * Compresses and encrypts.
   *
   * @param purpose where the bytes go, for instance "queue"; {@link #open} must name the same
   */
  public byte[] seal(byte[] plain, String purpose) {
    try {
      byte[] encrypted = aead.encrypt(deflate(plain), associatedData(purpose));
      byte[] sealed = new byte[encrypted.length + 1];
      sealed[0] = DEFLATED_AEAD;
      System.arraycopy(encrypted, 0, sealed, 1, encrypted.length);
      return sealed;
    } catch (GeneralSecurityException e) {
      throw new PayloadCipherException("A payload could not be sealed", e);
    }
  }

  /** Gives back what was sealed for that purpose. */
  public byte[] open(byte[] sealed, String purpose) {
    if (sealed.length == 0 || sealed[0] != DEFLATED_AEAD) {
      throw new PayloadCipherException("A payload is not in the sealed format");
    }
    try {
      byte[] encrypted = Arrays.copyOfRange(sealed, 1, sealed.length);
      return inflate(aead.decrypt(encrypted, associatedData(purpose)));
    } catch (GeneralSecurityException e) {
      throw new PayloadCipherException(
          "A payload does not open: another key, another purpose, or changed bytes", e);
    }
  }

  private static byte[] associatedData(String purpose) {
    return (DEFLATED_AEAD + ":" + purpose).getBytes(UTF_8);
  }

  private static byte[] deflate(byte[] plain) {
    Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
    try {
      deflater.setInput(plain);
      deflater.finish();
      ByteArrayOutputStream out = new ByteArrayOutputStream(plain.length / 3 + 64);
      byte[] chunk = new byte[16 * 1024];
      while (!deflater.finished()) {
        out.write(chunk, 0, deflater.deflate(chunk));
      }
      return out.toByteArray();
    } finally {
      deflater.end();
    }
  }

  private static byte[] inflate(byte[] deflated) {
    Inflater inflater = new Inflater(true);
    try {
      inflater.setInput(deflated);
      ByteArrayOutputStream out = new ByteArrayOutputStream(deflated.length * 4 + 64);
      byte[] chunk = new byte[16 * 1024];
      while (!inflater.finished()) {
        int count = inflater.inflate(chunk);
        if (count == 0 && !inflater.finished()) {
          throw new PayloadCipherException("A payload ends too early");
        }
        if (out.size() + count > LARGEST_PAYLOAD) {
          throw new PayloadCipherException(
              "A payload is larger than " + LARGEST_PAYLOAD + " bytes");
        }
        out.write(chunk, 0, count);
      }
      return out.toByteArray();
    } catch (DataFormatException e) {
      throw new PayloadCipherException("A payload does not unpack", e);
    } finally {
      inflater.end();
    }
  }
}
