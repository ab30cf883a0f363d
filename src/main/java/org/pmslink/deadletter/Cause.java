package org.pmslink.deadletter;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.DeadLetter.Category;

/**
 * Why a record could not be handled, in parts, so that letters with one root cause can be put
 * together. Free of patient data: names of ours, and what stands in a mapping.
 *
 * @param message in words
 * @param mapping path of the mapping that the record went through, below the mappings folder
 * @param mappingVersion which version of it
 * @param mappingLine the line that fails, or that writes the field at fault, from 1
 * @param mappingText what stands in that line
 * @param field the field at fault, under our name
 */
public record Cause(
    Category category,
    String message,
    @Nullable String mapping,
    @Nullable String mappingVersion,
    @Nullable Integer mappingLine,
    @Nullable String mappingText,
    @Nullable String field) {
  private static final int KEY_DIGITS = 16;

  /** A cause of which no more than this is known. */
  public Cause(Category category, String message) {
    this(category, message, null, null, null, null, null);
  }

  /** The same, of a record that went through a mapping. */
  public Cause through(@Nullable String itsMapping, @Nullable String version) {
    return new Cause(category, message, itsMapping, version, mappingLine, mappingText, field);
  }

  /**
   * Names the group of letters that have this cause in one feed and step: the same for the same
   * cause on any day and any machine.
   */
  String groupKey(String feed, DeadLetter.Hop hop, String recordType) {
    String parts =
        String.join(
            "\u001f",
            feed,
            hop.name(),
            recordType,
            category.name(),
            message,
            String.valueOf(mapping),
            String.valueOf(mappingVersion),
            String.valueOf(mappingLine),
            String.valueOf(field));
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(parts.getBytes(UTF_8));
      return HexFormat.of().formatHex(hash).substring(0, KEY_DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
