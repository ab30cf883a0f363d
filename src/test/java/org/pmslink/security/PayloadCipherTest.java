package org.pmslink.security;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PayloadCipherTest {
  private static final byte[] PLAIN = "{\"lastName\":\"Sentinelsson\"}".getBytes(UTF_8);

  private final Path folder;
  private Path keyFile;
  private PayloadCipher cipher;

  PayloadCipherTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void makeKey() {
    keyFile = folder.resolve("keys").resolve("payload.json");
    cipher = PayloadCipher.withKeyFile(keyFile);
  }

  @Test
  void opensWhatItSealedAlsoAfterARestart() {
    byte[] sealed = cipher.seal(PLAIN, "queue");

    assertThat(new String(sealed, UTF_8)).doesNotContain("Sentinelsson");
    assertThat(cipher.open(sealed, "queue")).isEqualTo(PLAIN);
    assertThat(PayloadCipher.withKeyFile(keyFile).open(sealed, "queue")).isEqualTo(PLAIN);
  }

  @Test
  void sealsEmptyAndRepetitivePayloads() {
    assertThat(cipher.open(cipher.seal(new byte[0], "queue"), "queue")).isEmpty();

    byte[] repetitive = "[{\"patNum\":1}]".repeat(50_000).getBytes(UTF_8);
    byte[] sealed = cipher.seal(repetitive, "queue");
    assertThat(sealed).hasSizeLessThan(repetitive.length / 10);
    assertThat(cipher.open(sealed, "queue")).isEqualTo(repetitive);
  }

  @Test
  void keepsItsKeyToItsOwner() throws Exception {
    assertThat(Files.getPosixFilePermissions(keyFile))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    assertThat(Files.getPosixFilePermissions(folder.resolve("keys")))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    assertThat(folder.resolve("keys")).isDirectoryNotContaining("glob:**.secret");
  }

  @Test
  void refusesAnotherPurposeAnotherKeyAndChangedBytes() {
    byte[] sealed = cipher.seal(PLAIN, "queue");
    PayloadCipher other = PayloadCipher.withKeyFile(folder.resolve("other.json"));

    assertRefused(() -> cipher.open(sealed, "dead-letter"));
    assertRefused(() -> other.open(sealed, "queue"));
    for (int i = 0; i < sealed.length; i++) {
      byte[] changed = sealed.clone();
      changed[i] ^= 1;
      assertRefused(() -> cipher.open(changed, "queue"));
    }
    assertRefused(() -> cipher.open(PLAIN, "queue"));
    assertRefused(() -> cipher.open(new byte[0], "queue"));
  }

  @Test
  void refusesASmallPayloadThatUnpacksToALotOfMemory() {
    byte[] sealed = cipher.seal(new byte[65 * 1024 * 1024], "queue");

    assertThat(sealed).hasSizeLessThan(1024 * 1024);
    assertRefused(() -> cipher.open(sealed, "queue"));
  }

  @Test
  void saysInOneLineWhichKeyFileIsBroken() throws Exception {
    Files.writeString(keyFile, "{\"half\":");

    assertThatThrownBy(() -> PayloadCipher.withKeyFile(keyFile))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "The payload key file %s holds no key set: restore it from its backup", keyFile);
    Path unreadable = Files.createDirectory(folder.resolve("folder.json"));
    assertThatThrownBy(() -> PayloadCipher.withKeyFile(unreadable))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("Cannot read or make the secret file " + unreadable);
  }

  private static void assertRefused(Runnable open) {
    assertThatThrownBy(open::run)
        .isInstanceOf(PayloadCipherException.class)
        .hasMessageNotContaining("Sentinelsson");
  }
}
