package org.pmslink.hl7;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.hl7.Hl7Exception.Condition;

/**
 * A message, read whole: every segment, field, repetition, component and subcomponent, whatever the
 * message is about. As JSON, a segment is a list of its occurrences, a field a list of its
 * repetitions, a repetition an object of components by number, and a component its text, or an
 * object of subcomponents by number where there are several: {@code
 * {"PID":[{"5":[{"1":"Lee","2":"Ana"}]}]}}. What is empty is left out.
 */
public final class Hl7Message {
  /** How a field or a part of it says that the value is to be deleted. */
  private static final String DELETED = "\"\"";

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final Pattern SEGMENT = Pattern.compile("[A-Z][A-Z0-9]{2}");

  /** Segments that say of one thing what is known: what a message leaves empty is unchanged. */
  private static final List<String> FIELD_BY_FIELD = List.of("PID", "PD1", "PV1");

  /** Segments that are a list: a message with one of them has them all. */
  private static final List<String> AS_A_LIST = List.of("GT1", "NK1");

  private final Hl7Header header;
  private final Charset charset;
  private final List<Segment> segments = new ArrayList<>();

  private record Segment(String name, ObjectNode fields, Set<String> deleted) {}

  private Hl7Message(Hl7Header header, Charset charset) {
    this.header = header;
    this.charset = charset;
  }

  /**
   * Reads a message.
   *
   * @param otherwise what it is written in where MSH-18 says nothing
   * @throws Hl7Exception saying where it cannot be read
   */
  public static Hl7Message read(Hl7Header header, byte[] bytes, Charset otherwise) {
    Charset charset = header.charset(otherwise);
    Hl7Message message = new Hl7Message(header, charset);
    String text;
    try {
      text =
          charset
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(bytes))
              .toString();
    } catch (CharacterCodingException e) {
      throw new Hl7Exception(
          Condition.DATA_TYPE_ERROR,
          "MSH^1^18",
          "the message holds bytes that are no "
              + charset.name()
              + "; name its charset in MSH-18, or in the feed file");
    }
    // Segments end with CR. Some senders write LF instead, or both.
    String[] lines = text.split(text.indexOf('\r') >= 0 ? "\r" : "\n", -1);
    int number = 0;
    for (String line : lines) {
      String segment = line.strip();
      if (!segment.isEmpty()) {
        number++;
        message.add(segment, number);
      }
    }
    return message;
  }

  private void add(String line, int number) {
    String[] fields = split(line, header.field);
    String name = fields[0];
    if (!SEGMENT.matcher(name).matches()) {
      throw new Hl7Exception(
          Condition.SEGMENT_SEQUENCE_ERROR,
          null,
          "line " + number + " of the message does not begin with the name of a segment");
    }
    boolean isHeader = name.equals("MSH");
    if (isHeader && !segments.isEmpty()) {
      throw new Hl7Exception(
          Condition.SEGMENT_SEQUENCE_ERROR,
          "MSH^2",
          "line " + number + " begins another message; send each in a frame of its own");
    }
    ObjectNode object = JSON.objectNode();
    Set<String> deleted = new LinkedHashSet<>();
    if (isHeader) {
      object.set("1", repetitions(text(String.valueOf(header.field))));
      object.set("2", repetitions(text(fields[1])));
    }
    for (int i = isHeader ? 2 : 1; i < fields.length; i++) {
      String key = String.valueOf(isHeader ? i + 1 : i);
      JsonNode value = field(fields[i]);
      if (value == null) {
        if (fields[i].contains(DELETED)) {
          deleted.add(key);
        }
      } else {
        object.set(key, value);
      }
    }
    segments.add(new Segment(name, object, deleted));
  }

  private static ArrayNode repetitions(ObjectNode only) {
    return JSON.arrayNode().add(only);
  }

  private static ObjectNode text(String text) {
    return JSON.objectNode().put("1", text);
  }

  private @Nullable ArrayNode field(String raw) {
    ArrayNode repetitions = JSON.arrayNode();
    boolean empty = true;
    for (String repetition : split(raw, header.repetition)) {
      ObjectNode components = JSON.objectNode();
      String[] parts = split(repetition, header.component);
      for (int i = 0; i < parts.length; i++) {
        JsonNode component = component(parts[i]);
        if (component != null) {
          components.set(String.valueOf(i + 1), component);
        }
      }
      empty &= components.isEmpty();
      repetitions.add(components);
    }
    return empty ? null : repetitions;
  }

  private @Nullable JsonNode component(String raw) {
    String[] parts = split(raw, header.subcomponent);
    if (parts.length == 1) {
      String text = unescaped(parts[0]);
      return isNothing(parts[0]) ? null : JSON.textNode(text);
    }
    ObjectNode subcomponents = JSON.objectNode();
    for (int i = 0; i < parts.length; i++) {
      if (!isNothing(parts[i])) {
        subcomponents.put(String.valueOf(i + 1), unescaped(parts[i]));
      }
    }
    return subcomponents.isEmpty() ? null : subcomponents;
  }

  private static boolean isNothing(String raw) {
    return raw.isEmpty() || raw.equals(DELETED);
  }

  private static String[] split(String text, char separator) {
    return text.split(Pattern.quote(String.valueOf(separator)), -1);
  }

  /** What an escape sequence that we do not know says is left as it stands. */
  private String unescaped(String raw) {
    if (raw.indexOf(header.escape) < 0) {
      return raw;
    }
    StringBuilder out = new StringBuilder(raw.length());
    int at = 0;
    while (at < raw.length()) {
      char c = raw.charAt(at);
      int end = c == header.escape ? raw.indexOf(header.escape, at + 1) : -1;
      if (end < 0) {
        out.append(c);
        at++;
        continue;
      }
      String plain = meaning(raw.substring(at + 1, end));
      if (plain == null) {
        out.append(raw, at, end + 1);
      } else {
        out.append(plain);
      }
      at = end + 1;
    }
    return out.toString();
  }

  private @Nullable String meaning(String escape) {
    return switch (escape) {
      case "F" -> String.valueOf(header.field);
      case "S" -> String.valueOf(header.component);
      case "T" -> String.valueOf(header.subcomponent);
      case "R" -> String.valueOf(header.repetition);
      case "E" -> String.valueOf(header.escape);
      case "H", "N" -> "";
      case ".br" -> "\n";
      default -> escape.startsWith("X") ? bytes(escape.substring(1)) : null;
    };
  }

  private @Nullable String bytes(String hex) {
    if (hex.isEmpty() || hex.length() % 2 != 0 || !hex.matches("[0-9A-Fa-f]+")) {
      return null;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < hex.length(); i += 2) {
      bytes.write(Integer.parseInt(hex.substring(i, i + 2), 16));
    }
    return bytes.toString(charset);
  }

  /** MSH-9.2, or EVN-1 of senders that leave it out there. */
  public String event() {
    if (!header.event().isEmpty()) {
      return header.event();
    }
    return segments.stream()
        .filter(s -> s.name().equals("EVN"))
        .map(s -> s.fields().path("1").path(0).path("1").asText())
        .findFirst()
        .orElse("");
  }

  /** The whole message. */
  public ObjectNode toJson() {
    return json(segments);
  }

  /** No more of the message than whom it is about: PID-3. */
  public ObjectNode identifiers() {
    ObjectNode json = toJson().deepCopy().retain("MSH", "EVN", "PID");
    json.path("PID").forEach(pid -> ((ObjectNode) pid).retain("3"));
    return json;
  }

  private static ObjectNode json(List<Segment> some) {
    ObjectNode json = JSON.objectNode();
    for (Segment segment : some) {
      json.withArray("/" + segment.name()).add(segment.fields());
    }
    return json;
  }

  /** Everything but MSH, which a sender may write anew when it sends a message again. */
  public JsonNode content() {
    ObjectNode content = toJson();
    content.remove("MSH");
    ArrayNode deleted = content.putArray("deleted");
    segments.forEach(s -> s.deleted().forEach(d -> deleted.add(s.name() + "-" + d)));
    return content;
  }

  /**
   * The groups of a message that is about several patients: each begins with PID, and has the
   * segments before the first PID as well.
   */
  public List<JsonNode> groups() {
    List<Segment> shared = new ArrayList<>();
    List<List<Segment>> groups = new ArrayList<>();
    for (Segment segment : segments) {
      if (segment.name().equals("PID")) {
        groups.add(new ArrayList<>(shared));
      }
      if (groups.isEmpty()) {
        shared.add(segment);
      } else {
        groups.get(groups.size() - 1).add(segment);
      }
    }
    return groups.isEmpty()
        ? List.of(toJson())
        : groups.stream().<JsonNode>map(Hl7Message::json).toList();
  }

  /**
   * The message with what earlier ones have said of the same patient: an empty field is unchanged,
   * and a deleted one ({@code ""}) is gone.
   *
   * @param former what {@link #remembered} made of the last one; absent for the first
   */
  public ObjectNode onTopOf(@Nullable JsonNode former) {
    ObjectNode json = toJson();
    if (former == null) {
      return json;
    }
    for (String name : FIELD_BY_FIELD) {
      JsonNode before = former.path(name).path(0);
      if (before instanceof ObjectNode known) {
        ObjectNode merged = known.deepCopy();
        segments.stream()
            .filter(s -> s.name().equals(name))
            .findFirst()
            .ifPresent(
                now -> {
                  merged.remove(now.deleted());
                  merged.setAll(now.fields());
                });
        json.set(name, JSON.arrayNode().add(merged));
      }
    }
    for (String name : AS_A_LIST) {
      if (!json.has(name) && former.has(name)) {
        json.set(name, former.get(name));
      }
    }
    return json;
  }

  /** Of such a message, what the next one is put on top of: no more than who the patient is. */
  public static ObjectNode remembered(JsonNode message) {
    ObjectNode kept = JSON.objectNode();
    for (List<String> names : List.of(FIELD_BY_FIELD, AS_A_LIST)) {
      for (String name : names) {
        if (message.has(name)) {
          kept.set(name, message.get(name));
        }
      }
    }
    return kept;
  }
}
