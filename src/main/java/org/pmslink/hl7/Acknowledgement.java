package org.pmslink.hl7;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The answer to a message: MSH, MSA and, when something is wrong, ERR. */
public final class Acknowledgement {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss'+0000'").withZone(ZoneOffset.UTC);

  private Acknowledgement() {}

  /**
   * Says that a message was taken, or why it was not.
   *
   * @param header of the message; absent when it had none
   * @param problem absent when it was taken
   */
  public static byte[] of(@Nullable Hl7Header header, @Nullable Hl7Exception problem, Instant now) {
    char f = header == null ? '|' : header.field;
    char c = header == null ? '^' : header.component;
    String encoding = header == null ? "^~\\&" : header.raw(2);
    // Of a damaged header only what is of the right form comes back.
    String version = fit(header == null ? "" : header.version(), "2\\.\\d(\\.\\d)?", "2.5.1");
    String event = fit(header == null ? "" : header.event(), "[A-Z]\\d\\d", "");
    StringBuilder ack = new StringBuilder();
    ack.append("MSH").append(f).append(encoding);
    for (int number : new int[] {5, 6, 3, 4}) {
      ack.append(f).append(header == null ? "" : header.raw(number));
    }
    ack.append(f).append(TIME.format(now)).append(f).append(f).append("ACK");
    if (!event.isEmpty()) {
      ack.append(c).append(event);
    }
    ack.append(f).append(UUID.randomUUID().toString().substring(0, 20));
    ack.append(f).append(fit(header == null ? "" : header.processingId(), "[PTD]", "P"));
    ack.append(f).append(version);
    if (header != null && Hl7Header.charset(header.raw(18, 1)) != null) {
      ack.append(String.valueOf(f).repeat(6)).append(header.raw(18, 1));
    }
    ack.append('\r').append("MSA").append(f).append(code(header, problem));
    ack.append(f).append(header == null ? "" : header.controlId());
    if (problem != null) {
      String text = escaped(String.valueOf(problem.getMessage()), encoding + f);
      ack.append(f).append(text).append('\r').append(error(problem, f, c, version, text));
    }
    // As the message was: its own bytes come back as they were.
    return ack.append('\r').toString().getBytes(ISO_8859_1);
  }

  private static String fit(String value, String form, String otherwise) {
    return value.matches(form) ? value : otherwise;
  }

  private static String code(@Nullable Hl7Header header, @Nullable Hl7Exception problem) {
    String mode = header != null && header.isEnhanced() ? "C" : "A";
    return mode + (problem == null ? "A" : problem.condition().rejects() ? "R" : "E");
  }

  /** From version 2.5 on, place and condition have fields of their own. */
  private static String error(Hl7Exception problem, char f, char c, String version, String text) {
    String place = problem.location() == null ? "" : problem.location().replace('^', c);
    String condition = "" + problem.condition().code() + c + problem.condition().words();
    if (version.compareTo("2.5") >= 0) {
      return "ERR" + f + f + place + f + condition + c + "HL70357" + f + "E" + f + f + f + f + text;
    }
    return "ERR" + f + place + c + problem.condition().code();
  }

  /** Our own words, without anything that a separator could be mistaken for. */
  private static String escaped(String text, String separators) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char ch = text.charAt(i);
      out.append(separators.indexOf(ch) >= 0 || ch < ' ' || ch > '~' ? ' ' : ch);
    }
    return out.toString();
  }
}
