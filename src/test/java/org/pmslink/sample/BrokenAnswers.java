package org.pmslink.sample;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.pmslink.patient.RecordJson;

/**
 * Answers over HTTP that no PMS should give and some do, the same ones for a seed each time: from
 * bytes that are no HTTP to lists with one row that is wrong. Whatever the PMS says holds a name
 * that must not come up anywhere.
 */
public final class BrokenAnswers {
  /** An API whose lists are arrays. */
  public static final Form OPEN_DENTAL =
      new Form("PatNum", "open-dental-api/patient.jslt", rows -> rows, "[%s]");

  /** One whose lists are in an envelope. */
  public static final Form ASCEND =
      new Form(
          "id",
          "dentrix-ascend/patient.jslt",
          rows -> RecordJson.mapper().createObjectNode().set("data", rows),
          "{\"data\": [%s]}");

  /** FHIR's Bundles. */
  public static final Form FHIR =
      new Form(
          "id",
          "fhir-r4/patient.jslt",
          BrokenAnswers::bundle,
          "{\"resourceType\": \"Bundle\", \"entry\": [{\"resource\": %s}]}");

  /** Where access tokens are given; a list is one of them. */
  public static final Form TOKEN = new Form("scope", "", rows -> rows.get(0), "%s");

  private final Form form;
  private final JsonNode good;
  private final Random random;

  /**
   * How an API writes its lists.
   *
   * @param key field with the id of a row
   * @param mapping that is for its patients
   * @param list makes a body of rows
   * @param around what stands around the text of a row
   */
  public record Form(
      String key, String mapping, Function<ArrayNode, JsonNode> list, String around) {}

  /**
   * An answer.
   *
   * @param what is wrong, for whoever looks at a failure
   * @param http head and body as they are sent, before the connection is closed
   * @param neighbours ids of good rows that must be found, when the answer can be read at all
   */
  public record Answer(String what, byte[] http, List<String> neighbours) {}

  /**
   * @param good a patient as the API writes it
   */
  public BrokenAnswers(Form form, JsonNode good, long seed) {
    this.form = form;
    this.good = good;
    this.random = new Random(seed);
  }

  private static JsonNode bundle(ArrayNode rows) {
    ObjectNode bundle = RecordJson.mapper().createObjectNode();
    bundle.put("resourceType", "Bundle").put("type", "searchset");
    ArrayNode entries = bundle.putArray("entry");
    rows.forEach(row -> entries.addObject().set("resource", row));
    return bundle;
  }

  /** The next answer. */
  public Answer next() {
    int kind = random.nextInt(14);
    return switch (kind) {
      case 0 -> ok("damaged bytes", BrokenJson.damaged(bytes(list(2)), random));
      case 1 -> ok("another JSON", otherJson().getBytes(UTF_8));
      case 2 ->
          http(
              "a page of HTML",
              "200 OK",
              List.of("Content-Type: text/html; charset=utf-8"),
              ("<!DOCTYPE html><title>" + BrokenJson.SENTINEL + "</title>").getBytes(UTF_8));
      case 3 ->
          http(
              "nothing",
              random.nextBoolean() ? "204 No Content" : "200 OK",
              List.of(),
              new byte[0]);
      case 4 -> ok("deep", deep());
      case 5 ->
          ok(
              "a huge number",
              around(
                  goodRow("1").toString().replaceFirst("\\{", "{\"n\": " + hugeNumber() + ", ")));
      case 6 -> oddKey();
      case 7 -> otherStatus();
      case 8 -> brokenTransfer();
      case 9 -> otherText();
      case 10 ->
          http("another type", "200 OK", List.of("Content-Type: " + oddType()), bytes(list(1)));
      default -> oddRow();
    };
  }

  /** A file of a bulk export: good lines about one that is anything. */
  public Answer nextExportedFile() {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(bytes(goodRow("101")));
    file.write('\n');
    file.writeBytes(oddLine());
    file.write('\n');
    file.writeBytes(bytes(goodRow("103")));
    Answer answer = ok("an odd line", file.toByteArray());
    return new Answer(answer.what(), answer.http(), List.of("101", "103"));
  }

  private byte[] oddLine() {
    ObjectNode row = goodRow("102");
    return switch (random.nextInt(9)) {
      case 0 -> "{\"resourceType\":\"Patient\"".getBytes(UTF_8);
      case 1 -> bytes(((ObjectNode) row.deepCopy()).without(form.key()));
      case 2 -> otherJson().getBytes(UTF_8);
      case 3 -> deep();
      case 4 ->
          row.toString().replaceFirst("\\{", "{\"n\": " + hugeNumber() + ", ").getBytes(UTF_8);
      case 5 -> row.toString().getBytes(UTF_16);
      case 6 ->
          row.toString().replaceFirst("\\{", "{\"y\\\\ud83d\": \"\\\\udc00\", ").getBytes(UTF_8);
      case 7 -> bytes(BrokenJson.mutated(row, random));
      default -> BrokenJson.damaged(bytes(row), random);
    };
  }

  private ObjectNode goodRow(String id) {
    ObjectNode row = good.deepCopy();
    return row.put(form.key(), id);
  }

  private JsonNode list(int rows) {
    ArrayNode all = RecordJson.mapper().createArrayNode();
    for (int i = 0; i < rows; i++) {
      all.add(goodRow(String.valueOf(100 + i)));
    }
    return form.list().apply(all);
  }

  private static byte[] bytes(JsonNode json) {
    return json.toString().getBytes(UTF_8);
  }

  private byte[] around(String row) {
    return form.around().replace("%s", row).getBytes(UTF_8);
  }

  /** Good rows about one that is wrong and has its id: none of the good ones may be lost. */
  private Answer oddRow() {
    ArrayNode rows = RecordJson.mapper().createArrayNode();
    rows.add(goodRow("101"));
    JsonNode broken = BrokenJson.mutated(good, random);
    ObjectNode odd =
        broken.isObject() ? (ObjectNode) broken : RecordJson.mapper().createObjectNode();
    if (form.equals(FHIR)) {
      odd.put("resourceType", "Patient");
    }
    rows.add(odd.put(form.key(), "102"));
    rows.add(goodRow("103"));
    Answer answer = ok("an odd row", bytes(form.list().apply(rows)));
    return new Answer(answer.what(), answer.http(), List.of("101", "103"));
  }

  private Answer oddKey() {
    ObjectNode row = goodRow("1");
    row.set(form.key(), BrokenJson.odd(random));
    boolean without = random.nextInt(3) == 0;
    if (without) {
      row.remove(form.key());
    }
    ArrayNode rows = RecordJson.mapper().createArrayNode().add(goodRow("100")).add(row);
    Answer answer = ok("an odd key", bytes(form.list().apply(rows)));
    // A resource without an id is a dead letter, and no reason to read none of its neighbours.
    return without && form.equals(FHIR)
        ? new Answer("no key", answer.http(), List.of("100"))
        : answer;
  }

  private String otherJson() {
    List<String> bodies =
        List.of(
            "17",
            "null",
            "true",
            "\"" + BrokenJson.SENTINEL + "\"",
            "{}",
            "[]",
            "[null]",
            "[[]]",
            "[\"" + BrokenJson.SENTINEL + "\", 5]",
            "{\"data\": null}",
            "{\"data\": {\"id\": \"" + BrokenJson.SENTINEL + "\"}}",
            "{\"data\": [null, \"" + BrokenJson.SENTINEL + "\"]}",
            "{\"resourceType\": \"OperationOutcome\", \"text\": \"" + BrokenJson.SENTINEL + "\"}",
            "{\"resourceType\": \"Bundle\"}",
            "{\"resourceType\": \"Bundle\", \"entry\": \"" + BrokenJson.SENTINEL + "\"}",
            "{\"resourceType\": \"Bundle\", \"entry\": [null, 5, {\"resource\": null}]}",
            "{\"resourceType\": \"Bundle\", \"entry\": [{\"resource\": {\"resourceType\": \"Patient\"}}]}",
            "{\"resourceType\": \"Bundle\", \"link\": [{\"relation\": \"next\", \"url\": \"%s\"}]}"
                .replace(
                    "%s",
                    List.of(
                            "http://elsewhere.example/" + BrokenJson.SENTINEL,
                            "::" + BrokenJson.SENTINEL,
                            "",
                            "http://[",
                            "//elsewhere.example",
                            "file:///etc/passwd",
                            "javascript:" + BrokenJson.SENTINEL)
                        .get(random.nextInt(7))),
            "{\"resourceType\": \"Bundle\", \"link\": \"next\", \"meta\": 5}",
            "{'a': '" + BrokenJson.SENTINEL + "'}",
            "{\"a\": NaN}",
            "// " + BrokenJson.SENTINEL + "\n[]",
            "[] " + BrokenJson.SENTINEL,
            "[{\"serverDateTime\": \"" + BrokenJson.SENTINEL + "\"}]",
            "[{\"serverDateTime\": \"2026-99-99 99:99:99\"}]",
            "[{\"serverDateTime\": {}}]",
            "[{\"PatNum\": 1, \"PatNum\": 2}]");
    return bodies.get(random.nextInt(bodies.size()));
  }

  private byte[] deep() {
    // Also where a parser takes what a message with it would be too deep for.
    int levels = random.nextBoolean() ? 100 + random.nextInt(100_000) : 980 + random.nextInt(25);
    String inner =
        random.nextBoolean()
            ? "[".repeat(levels) + "]".repeat(levels)
            : "{\"a\":".repeat(levels) + "1" + "}".repeat(levels);
    return random.nextBoolean()
        ? inner.getBytes(UTF_8)
        : around(
            goodRow("1")
                .toString()
                .replaceFirst("\\{", "{\"n\": " + inner.replace("$", "") + ", "));
  }

  private String hugeNumber() {
    return switch (random.nextInt(4)) {
      case 0 -> "9".repeat(100 + random.nextInt(5_000));
      case 1 -> "1e999999999";
      case 2 -> "-1E-999999999";
      default -> "0." + "1".repeat(500);
    };
  }

  private String oddType() {
    return List.of(
            "text/plain",
            "application/xml",
            "application/json; charset=klingon",
            "application/json; charset=\"",
            ";;;",
            "application/json; charset=utf-16",
            "multipart/form-data",
            "x".repeat(500))
        .get(random.nextInt(8));
  }

  private Answer otherStatus() {
    List<String> statuses =
        List.of(
            "100 Continue",
            "201 Created",
            "202 Accepted",
            "301 Moved",
            "302 Found",
            "304 Not Modified",
            "307 Temporary",
            "400 Bad",
            "401 No",
            "402 Pay",
            "403 Never",
            "404 None",
            "405 Not",
            "406 No",
            "408 Late",
            "409 Both",
            "410 Gone",
            "418 Tea",
            "429 Often",
            "451 Law",
            "500 Down",
            "501 Not",
            "502 Bad",
            "503 Away",
            "504 Slow",
            "599 Odd",
            "999 Odd");
    List<String> waits =
        List.of(
            "0",
            "7",
            "-1",
            "soon",
            "99999999999999999999",
            "999999",
            "",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Fri, 99 Foo");
    String status = statuses.get(random.nextInt(statuses.size()));
    List<String> head = new ArrayList<>(List.of("Content-Type: application/json"));
    if (random.nextBoolean()) {
      head.add("Retry-After: " + waits.get(random.nextInt(waits.size())));
    }
    if (status.startsWith("3")) {
      head.add("Location: http://127.0.0.1:1/" + BrokenJson.SENTINEL);
    }
    return http(status, status, head, ("\"Patient " + BrokenJson.SENTINEL + "\"").getBytes(UTF_8));
  }

  private Answer brokenTransfer() {
    byte[] body = bytes(list(1));
    String length = "Content-Length: ";
    return switch (random.nextInt(8)) {
      case 0 ->
          raw("cut off", "HTTP/1.1 200 OK\r\n" + length + (body.length + 500) + "\r\n\r\n", body);
      case 1 -> raw("no HTTP", BrokenJson.SENTINEL + "\r\n\r\n", body);
      case 2 -> raw("nothing at all", "", new byte[0]);
      case 3 -> raw("half a head", "HTTP/1.1 200 OK\r\nContent-Ty", new byte[0]);
      case 4 ->
          raw(
              "broken chunks",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
              ("zz\r\n" + BrokenJson.SENTINEL + "\r\n0\r\n\r\n").getBytes(UTF_8));
      case 5 ->
          raw(
              "a chunk too few",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
              "5\r\n[{\"a\"".getBytes(UTF_8));
      case 6 ->
          http("not compressed as it says", "200 OK", List.of("Content-Encoding: gzip"), body);
      default -> raw("an odd length", "HTTP/1.1 200 OK\r\n" + length + "-5\r\n\r\n", body);
    };
  }

  private Answer otherText() {
    String text = list(1).toString();
    return switch (random.nextInt(5)) {
      case 0 -> ok("UTF-16", text.getBytes(UTF_16));
      case 1 ->
          ok(
              "Latin-1",
              around(
                  goodRow("1").put("x", "Mu\u00f1oz " + BrokenJson.SENTINEL).toString(),
                  ISO_8859_1));
      case 2 -> ok("a mark before it", ("\ufeff" + text).getBytes(UTF_8));
      case 3 -> {
        Answer halves =
            ok(
                "half a pair",
                text.replaceFirst("\\{", "{\"y\\\\ud83d\": \"\\\\udc00 x\", ").getBytes(UTF_8));
        yield halves;
      }
      default -> ok("a control character", text.replace("\"", "\"\u0001").getBytes(UTF_8));
    };
  }

  private byte[] around(String row, java.nio.charset.Charset charset) {
    return form.around().replace("%s", row).getBytes(charset);
  }

  private Answer ok(String what, byte[] body) {
    return http(what, "200 OK", List.of("Content-Type: application/json; charset=utf-8"), body);
  }

  private static Answer http(String what, String status, List<String> head, byte[] body) {
    StringBuilder text = new StringBuilder("HTTP/1.1 ").append(status).append("\r\n");
    head.forEach(line -> text.append(line).append("\r\n"));
    text.append("Date: Tue, 24 Nov 2026 01:00:00 GMT\r\nContent-Length: ")
        .append(body.length)
        .append("\r\nConnection: close\r\n\r\n");
    return raw(what, text.toString(), body);
  }

  private static Answer raw(String what, String head, byte[] body) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(head.getBytes(ISO_8859_1));
    all.writeBytes(body);
    return new Answer(what, all.toByteArray(), List.of());
  }
}
