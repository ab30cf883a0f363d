package org.pmslink.door;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.Reception.Received;
import org.pmslink.linking.RecordStream;
import org.pmslink.patient.RecordJson;

/** Reads the body of a request: which records of which streams it holds. */
final class PushedRecords {
  /** More than that in one go would keep one sender's answer waiting, and others with it. */
  private static final int MOST_RECORDS = 20_000;

  private static final String PATIENTS = "patients";
  private static final String TYPES =
      "patients, merges, visits, transactions, providers, clinics, deletes, or one of these with a"
          + " part behind a hyphen, such as transactions-payments";
  private static final Pattern STREAM = Pattern.compile("[a-z]+(-[a-z0-9]{1,40})?");

  private static final ObjectReader READER =
      RecordJson.mapper()
          .readerFor(JsonNode.class)
          .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .with(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  private PushedRecords() {}

  /**
   * Reads one record, an array of records, or an object with arrays of records by type.
   *
   * @param type what the records are; absent for patients or for an object by type
   * @throws Problem.Refused saying where and what, and quoting nothing
   */
  static List<Received> read(byte[] body, @Nullable String type) throws IOException {
    JsonNode json = parse(body);
    List<Received> received =
        type == null && isByType(json)
            ? byType(json)
            : List.of(new Received(stream(type == null ? PATIENTS : type), records(json)));
    int count = received.stream().mapToInt(r -> r.records().size()).sum();
    if (count > MOST_RECORDS) {
      throw new Problem.Refused(
          413,
          "the body holds " + count + " records; " + MOST_RECORDS + " is the most in one request");
    }
    for (Received some : received) {
      checkText(some);
    }
    return received;
  }

  /**
   * Reads JSON with something in it.
   *
   * @throws Problem.Refused saying where and what, and quoting nothing
   */
  static JsonNode parse(byte[] body) throws IOException {
    JsonNode json;
    try (JsonParser parser = READER.createParser(body)) {
      json = parsed(parser);
    } catch (IOException e) {
      // Bytes that are no text in the encoding that the first of them promise.
      throw new Problem.Refused(400, "the body is no text; send JSON as UTF-8");
    }
    if (json == null || json.isMissingNode()) {
      throw new Problem.Refused(400, "the body is empty; send a record or an array of records");
    }
    if (!json.isContainerNode()) {
      throw new Problem.Refused(400, "the body must be a JSON object or array");
    }
    if (RecordJson.isTooDeep(json)) {
      throw new Problem.Refused(400, "the body has more than 900 levels");
    }
    return json;
  }

  private static @Nullable JsonNode parsed(JsonParser parser) throws IOException {
    try {
      return READER.readTree(parser);
    } catch (JsonProcessingException e) {
      throw new Problem.Refused(400, RecordJson.whyUnreadable(e, parser.currentLocation()));
    }
  }

  private static boolean isByType(JsonNode json) {
    return json.properties().stream()
        .anyMatch(f -> f.getValue().isArray() && streamOf(f.getKey()).isPresent());
  }

  /** In the order in which a feed would read them: charts before what goes on around them. */
  private static List<Received> byType(JsonNode json) {
    List<Received> received = new ArrayList<>();
    for (var field : json.properties()) {
      RecordStream stream =
          streamOf(field.getKey())
              .orElseThrow(
                  () ->
                      new Problem.Refused(
                          400,
                          "the object holds arrays of records by type and a field that is no type;"
                              + " types are "
                              + TYPES));
      if (!field.getValue().isArray()) {
        throw new Problem.Refused(400, stream.queryName() + ": must be an array of records");
      }
      received.add(new Received(stream, records(field.getValue())));
    }
    received.sort(Comparator.comparing(r -> r.stream().type()));
    return received;
  }

  private static RecordStream stream(String type) {
    return streamOf(type)
        .orElseThrow(
            () -> new Problem.Refused(400, "type: is no type of records; types are " + TYPES));
  }

  private static Optional<RecordStream> streamOf(String type) {
    return STREAM.matcher(type).matches()
        ? RecordStream.ofFile(type).filter(s -> s.queryName().equals(type))
        : Optional.empty();
  }

  private static List<JsonNode> records(JsonNode json) {
    List<JsonNode> records = new ArrayList<>();
    if (json.isArray()) {
      json.forEach(records::add);
    } else {
      records.add(json);
    }
    return records;
  }

  /** Halves of a surrogate pair can be read, but never be written. */
  private static void checkText(Received some) {
    for (int i = 0; i < some.records().size(); i++) {
      if (!isText(some.records().get(i))) {
        throw new Problem.Refused(
            400,
            some.stream().queryName()
                + ", record "
                + (i + 1)
                + ": holds half of a surrogate pair, which is no character");
      }
    }
  }

  private static boolean isText(JsonNode node) {
    if (node.isTextual()) {
      return RecordJson.isText(node.textValue());
    }
    for (var field : node.properties()) {
      if (!RecordJson.isText(field.getKey())) {
        return false;
      }
    }
    for (JsonNode child : node) {
      if (!isText(child)) {
        return false;
      }
    }
    return true;
  }
}
