package org.pmslink.linking;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * What a record looked like in the PMS, in 64 bits (the first of a SHA-256): records with equal
 * fingerprints are taken for equal. That a change goes unseen by chance happens once in 2^64
 * changes.
 *
 * <p>A record has the same fingerprint before and after its way through the queue. (A decimal of
 * more than 17 digits, which JSON loses, has not: it counts as changed, which costs time only.)
 */
public final class Fingerprint {
  private Fingerprint() {}

  /** Of a raw record: the names and values of its fields, in their order. */
  public static long of(JsonNode record) {
    StringBuilder text = new StringBuilder(1024);
    write(record, text);
    return of(text.toString());
  }

  /** Of a text, such as a key. */
  public static long of(String text) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
      return ByteBuffer.wrap(hash).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  private static void write(JsonNode node, StringBuilder text) {
    if (node.isObject()) {
      text.append('{');
      for (var field : node.properties()) {
        write('k', field.getKey(), text);
        write(field.getValue(), text);
      }
      text.append('}');
    } else if (node.isArray()) {
      text.append('[');
      node.forEach(entry -> write(entry, text));
      text.append(']');
    } else if (node.isFloatingPointNumber()) {
      write('n', decimal(node.asText()), text);
    } else {
      // The kind goes in, so that 1 is not "1".
      write(node.isTextual() ? 't' : node.isNumber() ? 'n' : 'o', node.asText(), text);
    }
  }

  /** With its length in front, so that no value can look like the next field. */
  private static void write(char kind, String value, StringBuilder text) {
    text.append(kind).append(value.length()).append(':').append(value);
  }

  /** Without the zeros at the end that a queue drops. */
  private static String decimal(String number) {
    try {
      return new BigDecimal(number).stripTrailingZeros().toPlainString();
    } catch (NumberFormatException e) {
      return number; // an infinity
    }
  }
}
