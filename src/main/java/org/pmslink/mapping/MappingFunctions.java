package org.pmslink.mapping;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.schibsted.spt.data.jslt.Function;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.chrono.IsoChronology;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What mappings can call beyond JSLT's own functions; {@code docs/mappings.md} shows each with
 * examples, which a test runs. None fails on a value: what cannot be read comes out as it went in
 * (dates and times) or as null, and is flagged when the record is cleaned.
 */
final class MappingFunctions {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** "Smith, John A": what stands before the comma is the family name. */
  private static final Pattern COMMA = Pattern.compile("\\s*,\\s*");

  private static final Pattern BLANKS = Pattern.compile("\\s+");
  private static final Pattern BETWEEN_PHONES =
      Pattern.compile("\\s*(?:[;/|,]|\\bor\\b|\\band\\b)\\s*", Pattern.CASE_INSENSITIVE);
  private static final Pattern SUFFIX =
      Pattern.compile("(?i)(?:jr|sr|ii|iii|iv|v|md|dds|dmd|phd)\\.?");

  /** No office has more dollars, and no cent more places. */
  private static final int MOST_DIGITS = 100;

  private static final Map<String, DateTimeFormatter> FORMATS = new ConcurrentHashMap<>();

  private MappingFunctions() {}

  /** All of them. */
  static Collection<Function> all() {
    return List.of(
        function("text", 1, 1, a -> text(a[0])),
        function("trimmed", 1, 1, a -> trimmed(a[0])),
        function("cents", 1, 1, a -> cents(a[0])),
        function("date", 2, 9, MappingFunctions::date),
        function("time", 3, 9, MappingFunctions::time),
        function("code", 2, 3, MappingFunctions::code),
        function("person-name", 1, 1, a -> personName(a[0])),
        function("phones", 1, 1, a -> phones(a[0])),
        function("flag", 1, 1, a -> flag(a[0])));
  }

  /** The value of a function for its arguments. */
  private interface Body {
    JsonNode of(JsonNode[] arguments);
  }

  private static Function function(String name, int least, int most, Body body) {
    return new Function() {
      @Override
      public String getName() {
        return name;
      }

      @Override
      public int getMinArguments() {
        return least;
      }

      @Override
      public int getMaxArguments() {
        return most;
      }

      @Override
      public JsonNode call(JsonNode input, JsonNode[] arguments) {
        return body.of(arguments);
      }
    };
  }

  /** As text; null stays null and does not become the text "null". */
  private static JsonNode text(JsonNode value) {
    return isNothing(value) ? NullNode.getInstance() : TextNode.valueOf(value.asText());
  }

  /** Text without the blanks that a PMS pads it with; null when nothing is left. */
  private static JsonNode trimmed(JsonNode value) {
    String text = strip(value);
    return text == null ? NullNode.getInstance() : TextNode.valueOf(text);
  }

  private static @Nullable String strip(JsonNode value) {
    if (isNothing(value)) {
      return null;
    }
    String text = value.asText().replace('\u00a0', ' ').strip();
    return text.isEmpty() ? null : text;
  }

  private static boolean isNothing(JsonNode value) {
    return value.isNull() || value.isMissingNode() || value.isContainerNode();
  }

  /** Dollars as whole cents, half a cent up; parentheses or a minus behind mean "less". */
  private static JsonNode cents(JsonNode value) {
    String text = strip(value);
    if (text == null) {
      return NullNode.getInstance();
    }
    boolean less = (text.startsWith("(") && text.endsWith(")")) || text.endsWith("-");
    String plain = text.replaceAll("[$,\\s()]", "").replaceFirst("-$", "");
    try {
      BigDecimal dollars = new BigDecimal(plain);
      // "1e999999999" would be written out, digit by digit.
      if (dollars.precision() - (long) dollars.scale() > MOST_DIGITS
          || dollars.scale() > MOST_DIGITS) {
        return NullNode.getInstance();
      }
      BigDecimal cents = dollars.movePointRight(2).setScale(0, RoundingMode.HALF_UP);
      return LongNode.valueOf((less ? cents.abs().negate() : cents).longValueExact());
    } catch (ArithmeticException | NumberFormatException e) {
      return NullNode.getInstance();
    }
  }

  /** A date in the first of the given patterns that fits, as yyyy-MM-dd; else the text itself. */
  private static JsonNode date(JsonNode[] arguments) {
    String text = strip(arguments[0]);
    if (text == null) {
      return NullNode.getInstance();
    }
    for (int i = 1; i < arguments.length; i++) {
      try {
        return TextNode.valueOf(LocalDate.parse(text, format(arguments[i])).toString());
      } catch (DateTimeException e) {
        // The next pattern may fit.
      }
    }
    return TextNode.valueOf(text);
  }

  /** A local time in the first pattern that fits, read in a zone, as an instant; else the text. */
  private static JsonNode time(JsonNode[] arguments) {
    String text = strip(arguments[0]);
    if (text == null) {
      return NullNode.getInstance();
    }
    ZoneId zone = zone(arguments[1]);
    for (int i = 2; i < arguments.length; i++) {
      try {
        return TextNode.valueOf(
            LocalDateTime.parse(text, format(arguments[i])).atZone(zone).toInstant().toString());
      } catch (DateTimeException e) {
        // The next pattern may fit.
      }
    }
    return TextNode.valueOf(text);
  }

  private static ZoneId zone(JsonNode name) {
    try {
      return ZoneId.of(name.asText());
    } catch (DateTimeException e) {
      throw new ArgumentException(
          name.asText(), "is no time zone for time(); write it like America/New_York");
    }
  }

  /** Two-digit years count from 80 years ago: 1947 for 47, 2031 for 31, in 2026. */
  private static DateTimeFormatter format(JsonNode pattern) {
    return FORMATS.computeIfAbsent(pattern.asText(), MappingFunctions::compiled);
  }

  private static DateTimeFormatter compiled(String pattern) {
    try {
      DateTimeFormatterBuilder builder = new DateTimeFormatterBuilder().parseCaseInsensitive();
      int twoDigits = pattern.replace("yyyy", "####").indexOf("yy");
      if (twoDigits < 0) {
        builder.appendPattern(pattern.replace("yyyy", "uuuu"));
      } else {
        if (twoDigits > 0) {
          builder.appendPattern(pattern.substring(0, twoDigits));
        }
        // A pattern is every office's, and only the year counts.
        LocalDate first = LocalDate.now(ZoneOffset.UTC).minusYears(80);
        builder.appendValueReduced(ChronoField.YEAR, 2, 2, first);
        if (twoDigits + 2 < pattern.length()) {
          builder.appendPattern(pattern.substring(twoDigits + 2));
        }
      }
      return builder
          .toFormatter(Locale.US)
          .withResolverStyle(ResolverStyle.STRICT)
          .withChronology(IsoChronology.INSTANCE);
    } catch (IllegalArgumentException e) {
      throw new ArgumentException(
          pattern, "is no pattern of a date; write it like M/d/yyyy or yyyyMMdd HH:mm");
    }
  }

  /**
   * The entry of a table for a code, whatever its case, padding or type. Without one: the third
   * argument, or the code itself, which then becomes UNKNOWN with a flag.
   */
  private static JsonNode code(JsonNode[] arguments) {
    String code = strip(arguments[0]);
    JsonNode otherwise =
        arguments.length > 2
            ? arguments[2]
            : code == null ? NullNode.getInstance() : TextNode.valueOf(code);
    if (code == null) {
      return otherwise;
    }
    JsonNode exact = arguments[1].get(code);
    if (exact != null) {
      return exact;
    }
    for (var entry : arguments[1].properties()) {
      if (entry.getKey().equalsIgnoreCase(code)) {
        return entry.getValue();
      }
    }
    return otherwise;
  }

  /** "Smith, John A Jr" or "John A Smith" in parts. */
  private static JsonNode personName(JsonNode value) {
    String text = strip(value);
    if (text == null) {
      return NullNode.getInstance();
    }
    ObjectNode name = JSON.objectNode();
    List<String> words;
    String[] sides = COMMA.split(text, 2);
    if (sides.length == 2 && !SUFFIX.matcher(sides[1]).matches()) {
      name.put("family", sides[0]);
      words = new ArrayList<>(List.of(BLANKS.split(sides[1])));
    } else {
      words = new ArrayList<>(List.of(BLANKS.split(sides[0])));
      if (sides.length == 2) {
        words.add(sides[1]);
      }
    }
    String suffix = null;
    if (words.size() > 1 && SUFFIX.matcher(words.get(words.size() - 1)).matches()) {
      suffix = words.remove(words.size() - 1);
    }
    if (!name.has("family")) {
      name.put("family", words.remove(words.size() - 1));
    }
    if (!words.isEmpty()) {
      name.put("given", words.remove(0));
    }
    if (!words.isEmpty()) {
      name.put("middle", String.join(" ", words));
    }
    if (suffix != null) {
      name.put("suffix", suffix);
    }
    return name;
  }

  /** The telephones of a field that may hold several. */
  private static JsonNode phones(JsonNode value) {
    ArrayNode phones = JSON.arrayNode();
    String text = strip(value);
    if (text != null) {
      for (String part : BETWEEN_PHONES.split(text)) {
        if (!part.isBlank()) {
          phones.add(part);
        }
      }
    }
    return phones;
  }

  /** What PMSs write for yes and no, as true and false; null for anything else. */
  private static JsonNode flag(JsonNode value) {
    String text = strip(value);
    if (text == null) {
      return NullNode.getInstance();
    }
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "t", "yes", "y", "1", "x" -> JSON.booleanNode(true);
      case "false", "f", "no", "n", "0" -> JSON.booleanNode(false);
      default -> NullNode.getInstance();
    };
  }
}
