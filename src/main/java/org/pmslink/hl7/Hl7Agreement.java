package org.pmslink.hl7;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.regex.Pattern;
import org.pmslink.hl7.Hl7Exception.Condition;

/**
 * Which messages a feed takes, as its feed file says. A Java bean, because Camel fills it from
 * there.
 */
public final class Hl7Agreement {
  private static final Set<String> PATIENTS = Set.of("A01", "A04", "A08", "A28", "A31");
  private static final Pattern VERSION = Pattern.compile("2\\.[1-8](\\.\\d)?");

  private Charset charset = StandardCharsets.US_ASCII;
  private Set<String> processingIds = Set.of("P");
  private Set<String> passedOver = Set.of();

  /** What a message is about. */
  public enum Subject {
    PATIENT,
    MERGE,
    DELETE,
    /** The feed file says that such messages are taken and do nothing. */
    NOTHING
  }

  /**
   * @param charset what messages are written in that do not say it in MSH-18, by HL7's name
   */
  public void setCharset(String charset) {
    Charset known = Hl7Header.charset(charset);
    if (known == null) {
      throw new IllegalArgumentException(
          "charset: \""
              + charset
              + "\" is none of ASCII, 8859/1 to 8859/9, 8859/15, UNICODE UTF-8");
    }
    this.charset = known;
  }

  public Charset charset() {
    return charset;
  }

  /**
   * @param ids of MSH-11, separated by blanks: P (production), T (training), D (debugging)
   */
  public void setProcessingIds(String ids) {
    Set<String> words = words(ids);
    if (words.isEmpty() || !Set.of("P", "T", "D").containsAll(words)) {
      throw new IllegalArgumentException("processingIds: must be some of P, T, D");
    }
    processingIds = words;
  }

  /**
   * @param events for example "A02 A03", or "none"
   */
  public void setPassedOver(String events) {
    Set<String> words = events.equals("none") ? Set.of() : words(events);
    for (String word : words) {
      if (!word.matches("[A-Z][0-9]{2}")) {
        throw new IllegalArgumentException(
            "passedOver: \"" + word + "\" is no event; write them like \"A02 A03\"");
      }
    }
    passedOver = words;
  }

  private static Set<String> words(String text) {
    return Set.of(
        java.util.Arrays.stream(text.strip().split("[,\\s]+")).distinct().toArray(String[]::new));
  }

  /**
   * @param port of a feed file
   * @throws IllegalArgumentException when it is none
   */
  public static void checkPort(String port) {
    if (!port.matches("[0-9]{1,5}")
        || Integer.parseInt(port) < 1
        || Integer.parseInt(port) > 65535) {
      throw new IllegalArgumentException("port: must be a whole number from 1 to 65535");
    }
  }

  /**
   * What a message is about.
   *
   * @throws Hl7Exception when it is not for us
   */
  public Subject subject(Hl7Header header, Hl7Message message) {
    if (!header.messageType().equals("ADT")) {
      throw new Hl7Exception(
          Condition.UNSUPPORTED_MESSAGE_TYPE, "MSH^1^9", "this feed takes ADT messages");
    }
    String event = message.event();
    boolean known = PATIENTS.contains(event) || event.equals("A40") || event.equals("A29");
    if (!known && !passedOver.contains(event)) {
      throw new Hl7Exception(
          Condition.UNSUPPORTED_EVENT_CODE,
          "MSH^1^9",
          "this feed takes the events A01, A04, A08, A28, A31, A40 and A29");
    }
    if (!VERSION.matcher(header.version()).matches()) {
      throw new Hl7Exception(
          Condition.UNSUPPORTED_VERSION_ID, "MSH^1^12", "this feed takes the versions 2.1 to 2.8");
    }
    if (!processingIds.contains(header.processingId())) {
      throw new Hl7Exception(
          Condition.UNSUPPORTED_PROCESSING_ID,
          "MSH^1^11",
          "this feed takes the processing ids " + String.join(", ", processingIds));
    }
    if (passedOver.contains(event)) {
      return Subject.NOTHING;
    }
    return switch (event) {
      case "A40" -> Subject.MERGE;
      case "A29" -> Subject.DELETE;
      default -> Subject.PATIENT;
    };
  }
}
