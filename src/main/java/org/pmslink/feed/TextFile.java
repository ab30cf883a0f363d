package org.pmslink.feed;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that somebody writes by hand; one that cannot be read is told with its place. */
public final class TextFile {
  private TextFile() {}

  /**
   * Its text.
   *
   * @throws IllegalArgumentException saying what is wrong, in which line where there is one, and
   *     what to do
   */
  public static String read(Path file) {
    if (!Files.exists(file)) {
      throw new IllegalArgumentException("there is no such file");
    }
    if (Files.isDirectory(file)) {
      throw new IllegalArgumentException("is a folder; name a file in it");
    }
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot be read; may this user read it?", e);
    }
    CharsetDecoder decoder =
        UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer text = CharBuffer.allocate(bytes.length);
    CoderResult result = decoder.decode(in, text, true);
    text.flip();
    if (result.isError()) {
      throw new IllegalArgumentException(
          "line "
              + (1 + text.chars().filter(c -> c == '\n').count())
              + ": is no UTF-8 text (byte "
              + (in.position() + 1)
              + " of the file); save the file as UTF-8");
    }
    return text.toString();
  }
}
