package org.pmslink.patient;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.util.List;
import java.util.Map;

/** How our records look as JSON: ISO dates, absent instead of null, unknown names refused. */
public final class RecordJson {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .addModule(new JavaTimeModule())
          .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          // A parser's message quotes its input by default, and our input is patients.
          .disable(com.fasterxml.jackson.core.StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .serializationInclusion(JsonInclude.Include.NON_NULL)
          .build();

  static {
    MAPPER
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(20_000_000).build());
  }

  /** A message has levels of its own around a record, and the parser takes a thousand in all. */
  private static final int DEEPEST = 900;

  private RecordJson() {}

  /** Shared and thread-safe; not to be configured further. */
  public static ObjectMapper mapper() {
    return MAPPER;
  }

  /** A record of ours as text. */
  public static String write(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(
          "a " + value.getClass().getSimpleName() + " can always be written", e);
    }
  }

  /** A record of ours from the text that {@link #write} made of it and the store kept. */
  public static <T> T read(String json, Class<T> type) {
    try {
      return MAPPER.readValue(json, type);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a stored " + type.getSimpleName() + " cannot be read", e);
    }
  }

  /**
   * A record of others as it can be written: halves of a surrogate pair, which can be read but
   * stand for no character, become the mark for what cannot be read, U+FFFD; what lies too deep to
   * be read again within a message becomes null. Changed in place.
   */
  public static JsonNode writable(JsonNode node) {
    return writable(node, 0);
  }

  private static JsonNode writable(JsonNode node, int depth) {
    if (depth == DEEPEST && node.isContainerNode()) {
      return NullNode.getInstance();
    }
    if (node instanceof ObjectNode object) {
      for (Map.Entry<String, JsonNode> field : List.copyOf(object.properties())) {
        if (isText(field.getKey())) {
          field.setValue(writable(field.getValue(), depth + 1));
        } else {
          object.remove(field.getKey());
          object.set(mended(field.getKey()), writable(field.getValue(), depth + 1));
        }
      }
    } else if (node instanceof ArrayNode array) {
      for (int i = 0; i < array.size(); i++) {
        array.set(i, writable(array.get(i), depth + 1));
      }
    } else if (node.isTextual() && !isText(node.textValue())) {
      return TextNode.valueOf(mended(node.textValue()));
    }
    return node;
  }

  /** Whether a record of others has more levels than a message with it could be read with. */
  public static boolean isTooDeep(JsonNode node) {
    return isTooDeep(node, 0);
  }

  private static boolean isTooDeep(JsonNode node, int depth) {
    if (depth == DEEPEST && node.isContainerNode()) {
      return true;
    }
    for (JsonNode child : node) {
      if (child.isContainerNode() && isTooDeep(child, depth + 1)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a text holds no half of a surrogate pair. */
  public static boolean isText(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        return false;
      }
    }
    return true;
  }

  /** Why JSON of others cannot be read, and where; quotes nothing of it. */
  public static String whyUnreadable(JsonProcessingException failure, JsonLocation end) {
    String said = String.valueOf(failure.getOriginalMessage());
    JsonLocation where = failure.getLocation() == null ? end : failure.getLocation();
    String why =
        said.startsWith("Invalid UTF-8")
            ? "the body is no UTF-8 text"
            : said.startsWith("Document nesting depth")
                ? "the body has more than " + DEEPEST + " levels"
                : said.startsWith("Number value length")
                    ? "the body holds a number with more digits than any has"
                    : said.startsWith("Duplicate field")
                        ? "the body names a field twice"
                        : "the body is no JSON that can be read";
    return why + ", at line " + where.getLineNr() + ", column " + where.getColumnNr();
  }

  private static String mended(String text) {
    return text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
