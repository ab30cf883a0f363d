package org.pmslink.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SsnHasherTest {
  private final Path folder;

  SsnHasherTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void givesEqualNumbersEqualHashesUnderOneKeyOnly() {
    SsnHasher hasher = SsnHasher.withKeyFile(folder.resolve("ssn.key"));
    SsnHasher restarted = SsnHasher.withKeyFile(folder.resolve("ssn.key"));
    SsnHasher elsewhere = SsnHasher.withKeyFile(folder.resolve("other.key"));

    String hash = hasher.apply("219099999");
    assertThat(hash).hasSize(43).doesNotContain("219099999");
    assertThat(restarted.apply("219099999")).isEqualTo(hash);
    assertThat(hasher.apply("219099998")).isNotEqualTo(hash);
    assertThat(elsewhere.apply("219099999")).isNotEqualTo(hash);
  }

  @Test
  void isTheStandardKeyedHash() throws Exception {
    // printf 219099999 | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b0b...0b (32 bytes)
    Path file = folder.resolve("known.key");
    Files.writeString(file, "CwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCws=\n");

    assertThat(SsnHasher.withKeyFile(file).apply("219099999"))
        .isEqualTo("1JfPdJ8sc_3W8qA0meiOk7g_9rIZUPf0Piev4p0Zx7A");
  }

  @Test
  void refusesAKeyFileWithoutAWholeKeyAndDoesNotQuoteIt() throws Exception {
    Path file = folder.resolve("broken.key");
    for (String content : new String[] {"c2hvcnQ=", "not*base64", ""}) {
      Files.writeString(file, content);
      assertThatThrownBy(() -> SsnHasher.withKeyFile(file))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("The SSN key file %s holds no 32-byte key: restore it from its backup", file)
          .hasNoCause();
    }
  }
}
