package org.pmslink.sample;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * JSON as broken programs write it, made of good JSON and a seed: the same at every run. What it
 * puts in is either of a wrong kind or no value at all, or a name that no log and no reason may
 * hold.
 */
public final class BrokenJson {
  /** A name that must not come up anywhere. */
  public static final String SENTINEL = "Xyloquenta";

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private static final List<String> TEXTS =
      List.of(
          "",
          "   ",
          SENTINEL,
          "\u0000",
          SENTINEL + "\u0000\u0007\u001b",
          "\u202e" + SENTINEL,
          "\ufffd\ufffe",
          "\ud83d\ude00",
          "NaN",
          "Infinity",
          "1e5",
          "1e999999999",
          "-1e-999999999",
          "0x10",
          "\uff11\uff12",
          "123456789012345678901234567890",
          "2026-02-31",
          "0000-00-00",
          "0001-01-01",
          "9999-12-31T23:59:59Z",
          "-999999999-01-01",
          "+1000000-01-01T00:00:00Z",
          "12/31/99",
          "2026-01-01T25:61:61",
          "2026-01-01T00:00:00+99:00",
          "Patient/",
          "Patient",
          "/_history/",
          "https://pms.example/Patient/" + SENTINEL + "/_history/",
          ",",
          ", Jr",
          "Jr",
          ";;;",
          "|",
          "()",
          "-",
          "$-",
          "((((((((((((((((((((",
          "[[",
          "{\"",
          "%s%n%d",
          "${jndi:ldap://x}",
          "'; drop table patients; --",
          "<script>" + SENTINEL + "</script>");

  private BrokenJson() {}

  /** The same with up to four values changed, put elsewhere or gone. */
  public static JsonNode mutated(JsonNode good, Random random) {
    JsonNode json = good.deepCopy();
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      List<JsonNode> containers = new ArrayList<>();
      collect(json, containers);
      if (containers.isEmpty()) {
        return odd(random);
      }
      change(containers.get(random.nextInt(containers.size())), random);
    }
    return json;
  }

  private static void collect(JsonNode node, List<JsonNode> containers) {
    if (node.isContainerNode() && !node.isEmpty()) {
      containers.add(node);
      node.forEach(child -> collect(child, containers));
    }
  }

  private static void change(JsonNode container, Random random) {
    if (container instanceof ObjectNode object) {
      List<String> names = new ArrayList<>();
      object.fieldNames().forEachRemaining(names::add);
      String name = names.get(random.nextInt(names.size()));
      switch (random.nextInt(8)) {
        case 0 -> object.remove(name);
        case 1 -> object.set(SENTINEL, odd(random));
        case 2 -> object.set(name, JSON.arrayNode().add(object.get(name)));
        case 3 -> object.set(name, JSON.objectNode().set(name, object.get(name)));
        default -> object.set(name, odd(random));
      }
    } else if (container instanceof ArrayNode array) {
      int at = random.nextInt(array.size());
      switch (random.nextInt(5)) {
        case 0 -> array.remove(at);
        case 1 -> array.insert(at, odd(random));
        case 2 -> array.removeAll();
        default -> array.set(at, odd(random));
      }
    }
  }

  /** A value that nobody expects. */
  public static JsonNode odd(Random random) {
    return switch (random.nextInt(14)) {
      case 0 -> JSON.nullNode();
      case 1 -> JSON.booleanNode(random.nextBoolean());
      case 2 -> JSON.numberNode(random.nextLong());
      case 3 -> JSON.numberNode(random.nextBoolean() ? Double.MAX_VALUE : -0.0);
      case 4 -> JSON.numberNode(new BigInteger("9".repeat(1 + random.nextInt(300))));
      case 5 -> JSON.numberNode(new BigDecimal("1.5e" + (random.nextInt(600) - 300)));
      case 6 -> JSON.arrayNode();
      case 7 -> JSON.objectNode();
      case 8 -> deep(random);
      case 9 -> JSON.textNode((SENTINEL + " ").repeat(1 + random.nextInt(2_000)));
      default -> JSON.textNode(TEXTS.get(random.nextInt(TEXTS.size())));
    };
  }

  private static JsonNode deep(Random random) {
    JsonNode inner = JSON.textNode(SENTINEL);
    int levels = 2 + random.nextInt(400);
    boolean arrays = random.nextBoolean();
    for (int i = 0; i < levels; i++) {
      inner = arrays ? JSON.arrayNode().add(inner) : JSON.objectNode().set("a", inner);
    }
    return inner;
  }

  /** Bytes with some changed, cut out, added at the end, or the rest cut off. */
  public static byte[] damaged(byte[] good, Random random) {
    byte[] bytes = good.clone();
    switch (random.nextInt(4)) {
      case 0 -> {
        int changed = 1 + random.nextInt(5);
        for (int i = 0; i < changed; i++) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
      }
      case 1 -> {
        return Arrays.copyOf(bytes, random.nextInt(bytes.length));
      }
      case 2 -> {
        int from = random.nextInt(bytes.length);
        int gone = Math.min(bytes.length - from, 1 + random.nextInt(20));
        byte[] shorter = new byte[bytes.length - gone];
        System.arraycopy(bytes, 0, shorter, 0, from);
        System.arraycopy(bytes, from + gone, shorter, from, shorter.length - from);
        return shorter;
      }
      default -> {
        byte[] longer = Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(50));
        for (int i = bytes.length; i < longer.length; i++) {
          longer[i] = (byte) random.nextInt(256);
        }
        return longer;
      }
    }
  }
}
