package org.pmslink.csv;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How the bytes of a file become text. UTF-16 tells itself by its mark. Everything else is split
 * into rows as bytes, because delimiters, quotes and line ends are the same in UTF-8 and
 * Windows-1252, and each row is decoded for itself: one damaged row spoils no other.
 */
enum TextCoding {
  UTF_16_LITTLE("UTF-16", 2, StandardCharsets.UTF_16LE),
  UTF_16_BIG("UTF-16", 2, StandardCharsets.UTF_16BE),
  UTF_8_MARKED("UTF-8 with mark", 3, null),
  BYTES("UTF-8", 0, null);

  static final Charset WINDOWS_1252 = Charset.forName("windows-1252");
  private static final int SAMPLE = 1 << 16;

  final String words;
  private final int mark;
  private final @Nullable Charset charset;

  TextCoding(String words, int mark, @Nullable Charset charset) {
    this.words = words;
    this.mark = mark;
    this.charset = charset;
  }

  /** What one row's bytes turned out to be. */
  enum RowCoding {
    ASCII,
    UTF_8,
    OTHER
  }

  /**
   * Looks at the first bytes of a file.
   *
   * @throws RefusedFileException when it is no text at all
   */
  static TextCoding of(Path file) throws IOException {
    byte[] start;
    try (InputStream in = Files.newInputStream(file)) {
      start = in.readNBytes(SAMPLE);
    }
    if (start.length == 0) {
      throw new RefusedFileException("the file is empty; export it anew");
    }
    if (begins(start, 0xFF, 0xFE)) {
      return UTF_16_LITTLE;
    }
    if (begins(start, 0xFE, 0xFF)) {
      return UTF_16_BIG;
    }
    refuseOtherKinds(start);
    return begins(start, 0xEF, 0xBB, 0xBF) ? UTF_8_MARKED : BYTES;
  }

  private static void refuseOtherKinds(byte[] start) {
    if (begins(start, 'P', 'K', 3, 4) || begins(start, 0xD0, 0xCF, 0x11, 0xE0)) {
      throw new RefusedFileException(
          "this is a workbook or an archive, no text; open it and save it as \"CSV UTF-8\"");
    }
    String text =
        new String(start, 0, Math.min(start.length, 200), StandardCharsets.ISO_8859_1)
            .strip()
            .toLowerCase(Locale.ROOT);
    if (text.startsWith("%pdf") || text.startsWith("{\\rtf")) {
      throw new RefusedFileException("this is a document, no table; export it as CSV");
    }
    if (text.startsWith("<html") || text.startsWith("<!doctype") || text.startsWith("<?xml")) {
      throw new RefusedFileException(
          "this is a web page or XML, whatever its name says; export it as CSV");
    }
    int unprintable = 0;
    for (byte b : start) {
      unprintable += b >= 0 && b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\f' ? 1 : 0;
    }
    if (unprintable * 20 > start.length) {
      throw new RefusedFileException(
          "this is no text (or UTF-16 without a mark); save it as \"CSV UTF-8\"");
    }
  }

  private static boolean begins(byte[] start, int... with) {
    if (start.length < with.length) {
      return false;
    }
    for (int i = 0; i < with.length; i++) {
      if (start[i] != (byte) with[i]) {
        return false;
      }
    }
    return true;
  }

  /** The file's characters; its bytes, one character each, unless it is UTF-16. */
  Reader open(Path file) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(file), SAMPLE);
    try {
      in.skipNBytes(mark);
      return new InputStreamReader(in, charset == null ? StandardCharsets.ISO_8859_1 : charset);
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  RowCoding codingOf(String row) {
    if (charset != null || isAscii(row)) {
      return RowCoding.ASCII;
    }
    return utf8(row) == null ? RowCoding.OTHER : RowCoding.UTF_8;
  }

  /** The text of a row that was read as bytes. */
  String decode(String row) {
    if (charset != null || isAscii(row)) {
      return row;
    }
    String text = utf8(row);
    return text == null
        ? new String(row.getBytes(StandardCharsets.ISO_8859_1), WINDOWS_1252)
        : text;
  }

  private static @Nullable String utf8(String bytes) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1)))
          .toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) > 0x7F) {
        return false;
      }
    }
    return true;
  }
}
