package org.pmslink.hl7;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.pmslink.hl7.Hl7Exception.Condition;

/**
 * The MSH segment, which says how to read the rest. Read before anything else, so that a message
 * whose rest cannot be read is still answered by its control id.
 */
public final class Hl7Header {
  private static final int LONGEST_CONTROL_ID = 199;

  final char field;
  final char component;
  final char repetition;
  final char escape;
  final char subcomponent;
  private final List<String> fields;

  private Hl7Header(String encoding, char field, List<String> fields) {
    this.field = field;
    component = encoding.charAt(0);
    repetition = at(encoding, 1);
    escape = at(encoding, 2);
    subcomponent = at(encoding, 3);
    this.fields = fields;
  }

  /** A separator that a sender has not set separates nothing. */
  private static char at(String encoding, int index) {
    return index < encoding.length() ? encoding.charAt(index) : '\uffff';
  }

  /**
   * Reads the first segment.
   *
   * @throws Hl7Exception when there is no MSH segment
   */
  public static Hl7Header read(byte[] message) {
    String text = new String(message, ISO_8859_1).stripLeading();
    int end = 0;
    while (end < text.length() && text.charAt(end) != '\r' && text.charAt(end) != '\n') {
      end++;
    }
    String first = text.substring(0, end);
    if (!first.startsWith("MSH")
        || first.length() < 8
        || Character.isLetterOrDigit(first.charAt(3))) {
      throw new Hl7Exception(
          Condition.SEGMENT_SEQUENCE_ERROR, "MSH^1", "the message must begin with a segment MSH");
    }
    char separator = first.charAt(3);
    List<String> fields = List.of(first.split(java.util.regex.Pattern.quote("" + separator), -1));
    String encoding = fields.get(1);
    boolean distinct =
        (encoding + separator).chars().distinct().count() == encoding.length() + 1
            && encoding.chars().noneMatch(c -> Character.isLetterOrDigit(c) || c <= ' ');
    if (encoding.isEmpty() || encoding.length() > 5 || !distinct) {
      throw new Hl7Exception(
          Condition.DATA_TYPE_ERROR,
          "MSH^1^2",
          "MSH-2 must hold the separators of components, repetitions, escapes and subcomponents");
    }
    return new Hl7Header(encoding, separator, fields);
  }

  /** A field of MSH as written, with MSH-1 being the separator; empty when it is not there. */
  String raw(int number) {
    return number == 1
        ? String.valueOf(field)
        : number - 1 < fields.size() ? fields.get(number - 1) : "";
  }

  /** A component of the first repetition of a field, as written. */
  String raw(int number, int componentNumber) {
    String first = first(raw(number), repetition);
    String[] parts = first.split(java.util.regex.Pattern.quote("" + component), -1);
    return componentNumber <= parts.length ? parts[componentNumber - 1].strip() : "";
  }

  private static String first(String text, char separator) {
    int end = text.indexOf(separator);
    return end < 0 ? text : text.substring(0, end);
  }

  /** MSH-9.1, such as ADT. */
  public String messageType() {
    return raw(9, 1);
  }

  /** MSH-9.2, such as A08; empty when it is not there. */
  public String event() {
    return raw(9, 2);
  }

  /** MSH-10, by which a message is answered. */
  public String controlId() {
    return raw(10);
  }

  /** MSH-11.1. */
  public String processingId() {
    return raw(11, 1);
  }

  /** MSH-12.1. */
  public String version() {
    return raw(12, 1);
  }

  /** MSH-3, MSH-4 and MSH-10: which message of which sender this is. */
  public String identity() {
    return raw(3) + "\r" + raw(4) + "\r" + raw(10);
  }

  /** Whether the sender asks for accept acknowledgements (enhanced mode). */
  boolean isEnhanced() {
    String accept = raw(15);
    String application = raw(16);
    return List.of("AL", "ER", "SU").contains(accept)
        && (application.isEmpty() || application.equals("NE"));
  }

  /**
   * @throws Hl7Exception when a message cannot be told from others by its control id
   */
  public void requireControlId() {
    if (controlId().isBlank() || controlId().length() > LONGEST_CONTROL_ID) {
      throw new Hl7Exception(
          Condition.REQUIRED_FIELD_MISSING,
          "MSH^1^10",
          "MSH-10 must hold the message's control id, of 1 to 199 characters");
    }
  }

  /**
   * What the message is written in.
   *
   * @param otherwise where MSH-18 says nothing
   * @throws Hl7Exception when MSH-18 names what cannot be read
   */
  Charset charset(Charset otherwise) {
    String name = raw(18, 1);
    if (name.isEmpty()) {
      return otherwise;
    }
    Charset charset = charset(name);
    if (charset == null) {
      throw new Hl7Exception(
          Condition.TABLE_VALUE_NOT_FOUND,
          "MSH^1^18",
          "MSH-18 must be ASCII, 8859/1 to 8859/9, 8859/15 or UNICODE UTF-8");
    }
    return charset;
  }

  /** A charset by its name in HL7 table 0211; absent when we do not read it. */
  static @Nullable Charset charset(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    if (upper.equals("ASCII")) {
      return StandardCharsets.US_ASCII;
    }
    if (upper.equals("UNICODE UTF-8") || upper.equals("UTF-8")) {
      return StandardCharsets.UTF_8;
    }
    return upper.matches("8859/([1-9]|15)")
        ? Charset.forName("ISO-" + upper.replace('/', '-'))
        : null;
  }
}
