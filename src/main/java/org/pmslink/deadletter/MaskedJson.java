package org.pmslink.deadletter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A record with its structure and without its values: each value becomes its shape. "Lee" and
 * "Featherstonehaugh" are both {@code Xxxxx}, 1984-03-09 is {@code 9999-99-99}. What is empty or
 * missing shows, because that is mostly what is wrong.
 */
final class MaskedJson {
  private static final Pattern FIELD_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.:-]{0,63}");
  private static final String PUNCTUATION = " -/.,:;@()+'#&_|^~";

  /** Words of a text, and entries of a list, that are shown at most. */
  private static final int MOST_RUNS = 7;

  private static final int MOST_ENTRIES = 3;
  private static final int MOST_OTHERS = 3;
  private static final int LONGEST_NUMBER = 5;
  private static final int DEEPEST = 12;

  private MaskedJson() {}

  static JsonNode of(JsonNode value) {
    return masked(value, 0);
  }

  private static JsonNode masked(JsonNode value, int depth) {
    if (value.isNull() || value.isMissingNode()) {
      return NullNode.getInstance();
    }
    if (depth > DEEPEST) {
      return TextNode.valueOf("...");
    }
    if (value.isObject()) {
      ObjectNode masked = JsonNodeFactory.instance.objectNode();
      int odd = 0;
      for (Iterator<Map.Entry<String, JsonNode>> fields = value.fields(); fields.hasNext(); ) {
        Map.Entry<String, JsonNode> field = fields.next();
        // Whoever sends a record names its fields; a name that is none may be a value.
        String name =
            FIELD_NAME.matcher(field.getKey()).matches() ? field.getKey() : "(field " + ++odd + ")";
        masked.set(name, masked(field.getValue(), depth + 1));
      }
      return masked;
    }
    if (value.isArray()) {
      ArrayNode masked = JsonNodeFactory.instance.arrayNode();
      for (int i = 0; i < Math.min(value.size(), MOST_ENTRIES); i++) {
        masked.add(masked(value.get(i), depth + 1));
      }
      if (value.size() > MOST_ENTRIES) {
        masked.add("...");
      }
      return masked;
    }
    if (value.isBoolean()) {
      return TextNode.valueOf("true or false");
    }
    if (value.isNumber()) {
      return TextNode.valueOf("number " + shape(value.asText()));
    }
    return TextNode.valueOf(shape(value.asText()));
  }

  /** Runs of letters and of digits, each with a length that says little. */
  static String shape(String text) {
    StringBuilder shape = new StringBuilder();
    int runs = 0;
    int others = 0;
    for (int i = 0; i < text.length(); ) {
      if (runs == MOST_RUNS) {
        return shape.append("...").toString();
      }
      Kind kind = kind(text.codePointAt(i));
      int end = i;
      int length = 0;
      do {
        end += Character.charCount(text.codePointAt(end));
        length++;
      } while (kind != Kind.OTHER && end < text.length() && kind(text.codePointAt(end)) == kind);
      others = kind == Kind.OTHER ? others + 1 : 0;
      runs += kind == Kind.OTHER ? 0 : 1;
      switch (kind) {
        case LETTER -> shape.append(letters(text.substring(i, end), length));
        case DIGIT -> shape.append("9".repeat(Math.min(length, LONGEST_NUMBER)));
        case OTHER -> shape.append(others > MOST_OTHERS ? "" : other(text.codePointAt(i)));
      }
      i = end;
    }
    return shape.toString();
  }

  private enum Kind {
    LETTER,
    DIGIT,
    OTHER
  }

  private static Kind kind(int codePoint) {
    return Character.isLetter(codePoint)
            || Character.getType(codePoint) == Character.NON_SPACING_MARK
        ? Kind.LETTER
        : Character.isDigit(codePoint) ? Kind.DIGIT : Kind.OTHER;
  }

  private static String letters(String run, int length) {
    boolean upper = Character.isUpperCase(run.codePointAt(0));
    if (length == 1) {
      return upper ? "X" : "x";
    }
    if (upper && run.equals(run.toUpperCase(Locale.ROOT))) {
      return "XXXXX";
    }
    return upper ? "Xxxxx" : "xxxxx";
  }

  private static String other(int codePoint) {
    return PUNCTUATION.indexOf(codePoint) >= 0 ? Character.toString(codePoint) : "?";
  }
}
