package org.pmslink.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BriefRunTest {
  @TempDir Path folder = Path.of("");

  /** Of a class that is not there, because the tests' own JVM shall stay as it is. */
  @Test
  void theJvmTakesTheDirective() {
    assertThat(BriefRun.exclude("org/pmslink/NoSuchClass.*")).isTrue();
    assertThat(BriefRun.exclude("no pattern, \" and no JSON")).isFalse();
  }

  @Test
  void onlySmallFilesMakeABriefRun() throws IOException {
    Path small = Files.writeString(folder.resolve("small.csv"), "id\n");
    Path large = folder.resolve("large.csv");
    try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
      file.setLength(1L << 30);
    }

    assertThat(BriefRun.of(small, small)).isTrue();
    assertThat(BriefRun.of(small, large)).isFalse();
    assertThat(BriefRun.of(small, folder.resolve("not-there.csv"))).isTrue();
  }
}
