package org.pmslink.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.PmsLink;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What somebody is told who begins with another command than {@code serve}, or a wrong file. */
@ExtendWith(OutputCaptureExtension.class)
class FirstCommandsTest {
  @TempDir Path folder = Path.of("");

  @ParameterizedTest
  @ValueSource(strings = {"status", "token list", "user list", "dead-letters list"})
  void noEngineHasRunHere(String command, CapturedOutput output) throws Exception {
    Path data = folder.resolve("data");

    int status =
        CommandLineTool.run(PmsLink.class, (command + " --pmslink.data-folder=" + data).split(" "));

    assertThat(status).isEqualTo(1);
    assertThat(output.getAll().strip().lines())
        .singleElement()
        .asString()
        .contains("no engine has run yet with the data folder " + data, "pms-link serve");
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void aCheckGoesOnBehindAFileThatIsNoUtf8(CapturedOutput output) throws Exception {
    Path feeds = Files.createDirectories(folder.resolve("routes/feeds"));
    Files.createDirectories(folder.resolve("mappings"));
    Files.write(feeds.resolve("elm.camel.yaml"), new byte[] {'#', ' ', '\n', '#', (byte) 0xFC});
    Files.writeString(feeds.resolve("oak.camel.yaml"), "{}");

    int status =
        CommandLineTool.run(
            PmsLink.class,
            "check",
            "--pmslink.routes-folder=" + folder.resolve("routes"),
            "--pmslink.mappings-folder=" + folder.resolve("mappings"));

    assertThat(status).isEqualTo(1);
    assertThat(output.getAll())
        .contains("elm.camel.yaml: line 2: is no UTF-8 text (byte 5 of the file)")
        .contains("oak.camel.yaml: line 1: must begin with");
  }

  @Test
  void aSampleThatCannotBeReadIsToldWhy(CapturedOutput output) throws Exception {
    Path latin = Files.write(folder.resolve("latin.json"), new byte[] {'{', '\n', (byte) 0xFC});
    for (Path sample : new Path[] {folder.resolve("nonexistent"), folder, latin}) {
      assertThat(
              CommandLineTool.run(
                  PmsLink.class,
                  "map",
                  "open-dental/patient.jslt",
                  sample.toString(),
                  "--pmslink.mappings-folder=mappings"))
          .isEqualTo(1);
    }
    assertThat(output.getAll())
        .contains(folder.resolve("nonexistent") + ": there is no such file")
        .contains(folder + ": is a folder")
        .contains(latin + " line 2: is no UTF-8 text (byte 3 of the file)");
  }
}
