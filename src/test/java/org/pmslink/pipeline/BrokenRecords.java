package org.pmslink.pipeline;

import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Records and messages as broken programs write them, made from a seed: the same at every run.
 * Where one has a name, it is one that no log and no reason may hold.
 */
final class BrokenRecords {
  private static final String NAME = "Xyloquenta";

  private static final List<String> JSON =
      List.of(
          "{}",
          "null",
          "[]",
          "[[[]]]",
          "true",
          "17",
          "-0.0",
          "1e400",
          "\"" + NAME + "\"",
          "{\"sourceId\": null, \"family\": \"" + NAME + "\"}",
          "{\"sourceId\": \"\", \"family\": \"" + NAME + "\"}",
          "{\"sourceId\": \"   \", \"family\": \"" + NAME + "\"}",
          "{\"sourceId\": {\"" + NAME + "\": 1}}",
          "{\"sourceId\": [1, 2]}",
          "{\"sourceId\": \"%s\", \"phones\": \"" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"phones\": [null, 5, \"" + NAME + "\"]}",
          "{\"sourceId\": \"%s\", \"phones\": [{\"use\": {}, \"number\": []}]}",
          "{\"sourceId\": \"%s\", \"emails\": {\"a\": \"" + NAME + "\"}}",
          "{\"sourceId\": \"%s\", \"address\": \"" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"address\": {\"line1\": [\"" + NAME + "\"]}}",
          "{\"sourceId\": \"%s\", \"child\": \"" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"birthDate\": \"" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"birthDate\": \"2026-02-31\"}",
          "{\"sourceId\": \"%s\", \"birthDate\": 20260231}",
          "{\"sourceId\": \"%s\", \"modifiedAt\": \"" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"status\": 9, \"gender\": false}",
          "{\"sourceId\": \"%s\", \"" + NAME + "\": \"" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"family\": \"" + NAME + "\\u0000\\u0007\"}",
          "{\"sourceId\": \"a\\u0000%s\", \"family\": \"" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"mergedInto\": \"\\u0000\"}",
          "{\"sourceId\": \"%s\", \"family\": \"\\ud83d" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"family\": \"a\", \"family\": \"" + NAME + "\"}",
          "{\"sourceId\": \"%s\", \"family\": \"" + NAME + "\"",
          "{\"sourceId\": \"%s\", family: \"" + NAME + "\"}",
          "{'sourceId': '" + NAME + "'}",
          "{\"sourceId\": \"%s\", \"ssn\": NaN}",
          "{\"sourceId\": 123456789012345678901234567890}",
          "{\"sourceId\": 1.5, \"family\": \"" + NAME + "\"}");

  private BrokenRecords() {}

  /** One record; some are no JSON at all. */
  static String json(Random random, int number) {
    int kind = random.nextInt(JSON.size() + 3);
    String id = "broken-" + number;
    if (kind == JSON.size()) {
      return "{\"sourceId\": \"" + noise(random, 300 + random.nextInt(9_000)) + "\"}";
    }
    if (kind == JSON.size() + 1) {
      return "{\"sourceId\": \"" + id + "\", \"family\": \"" + NAME.repeat(1_100) + "\"}";
    }
    if (kind == JSON.size() + 2) {
      int deep = 200 + random.nextInt(1_500);
      return "{\"sourceId\": " + "[".repeat(deep) + "]".repeat(deep) + "}";
    }
    return JSON.get(kind).replace("%s", id);
  }

  private static String noise(Random random, int length) {
    StringBuilder noise = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      noise.append((char) ('a' + random.nextInt(26)));
    }
    return noise.toString();
  }

  /** As what they are sent: mostly patients, some as what they are not. */
  static String type(int number) {
    return switch (number % 20) {
      case 3 -> "?type=merges";
      case 6 -> "?type=visits";
      case 9 -> "?type=transactions-payments";
      case 11 -> "?type=providers";
      case 13 -> "?type=clinics";
      case 17 -> "?type=deletes";
      default -> "";
    };
  }

  /** The bytes with a few changed, cut out, doubled or added. */
  static byte[] damaged(Random random, byte[] bytes) {
    byte[] damaged = bytes.clone();
    switch (random.nextInt(4)) {
      case 0 -> {
        for (int i = 0; i < 1 + random.nextInt(5); i++) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
        }
      }
      case 1 -> damaged = java.util.Arrays.copyOf(damaged, random.nextInt(damaged.length));
      case 2 -> {
        int from = random.nextInt(damaged.length);
        int gone = Math.min(damaged.length - from, 1 + random.nextInt(20));
        byte[] shorter = new byte[damaged.length - gone];
        System.arraycopy(damaged, 0, shorter, 0, from);
        System.arraycopy(damaged, from + gone, shorter, from, shorter.length - from);
        damaged = shorter;
      }
      default -> {
        byte[] longer = java.util.Arrays.copyOf(damaged, damaged.length + 1 + random.nextInt(50));
        for (int i = damaged.length; i < longer.length; i++) {
          longer[i] = (byte) random.nextInt(256);
        }
        damaged = longer;
      }
    }
    return damaged;
  }

  private static final List<String> HL7 =
      List.of(
          "",
          "\r\r\r",
          NAME,
          "MSH",
          "MSH|",
          "MSH|||||",
          "MSHAAAAAAAAAA",
          "MSH|^~\\&",
          "PID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08||P|2.5\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\r" + NAME + "|1\r",
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\rpid|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\r",
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\rPID|1||||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\rPID|1||\"\"||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\rPID|1||^^^A&B&C^PI||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\rPID|1||%s||" + NAME + "||\\X\\\\XZZ\\\\Q\\|\\",
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\rPID|1||\\X00\\%s||" + NAME + "\\X0007\\",
          "MSH|^~\\&|A|B|C|D|"
              + NAME
              + "||ADT^A08|%s|P|2.5\rEVN|A08|"
              + NAME
              + "\rPID|1||%s||"
              + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ORU^R01|%s|P|2.5\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A99|%s|P|2.5\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT|%s|P|2.5\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|D|2.5\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|3.0\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5||||||KLINGON\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5||||||UNICODE UTF-8\rPID|1||17||\u00e9" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A40|%s|P|2.5\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A40|%s|P|2.5\rMRG|17||||||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A40|%s|P|2.5\r",
          "MSH|^~\\&|A|B|C|D|2026||ADT^A29|%s|P|2.5\rPID|||||" + NAME,
          "MSH|^^^^|A|B|C|D|2026||ADT^A08|%s|P|2.5\rPID|1||17||" + NAME,
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\rMSH|^~\\&|A|B|C|D|2026||ADT^A08|2|P|2.5",
          "MSH|^~\\&|A|B|C|D|2026||ADT^A08|%s|P|2.5\rPID|1||%s||" + NAME + "\u0000\u0001^\u0000");

  /** One message; few of them can be read. */
  static String hl7(Random random, int number) {
    int kind = random.nextInt(HL7.size() + 3);
    String id = "broken-" + number;
    String start = "MSH|^~\\&|A|B|C|D|2026||ADT^A08|" + id + "|P|2.5\rPID|1||";
    if (kind == HL7.size()) {
      return start + noise(random, 300 + random.nextInt(9_000)) + "||" + NAME;
    }
    if (kind == HL7.size() + 1) {
      return start + id + "||" + NAME.repeat(1_100);
    }
    if (kind == HL7.size() + 2) {
      return start + id + "||" + "~^&".repeat(2_000) + String.format(Locale.ROOT, "%s", NAME);
    }
    return HL7.get(kind).replace("%s", id);
  }
}
