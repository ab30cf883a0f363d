package org.pmslink.fhir;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.IParser;
import ca.uhn.fhir.parser.IParserErrorHandler;
import ca.uhn.fhir.parser.LenientErrorHandler;
import ca.uhn.fhir.parser.json.BaseJsonLikeValue.ScalarType;
import ca.uhn.fhir.parser.json.BaseJsonLikeValue.ValueType;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;
import org.hl7.fhir.r4.model.Patient;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.Reception.Received;
import org.pmslink.feed.SubscriptionEvents.Numbers;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.patient.RecordJson;

/**
 * What a request holds: patients and deletes in the order in which they came, what is to be
 * answered about each, and what a notification says besides. Patients are kept as they were sent;
 * HAPI's parser says whether they are Patients at all. It is lenient about elements that R4 does
 * not know and about values, which the cleaning of records flags, and strict about the shape.
 *
 * @param entries one for each that a Bundle holds
 * @param bundleType of a transaction or a batch, which is answered entry by entry
 * @param notification what a topic-based notification says of itself
 */
record SentResources(
    List<Entry> entries, @Nullable String bundleType, @Nullable Notification notification) {

  /** FHIR's own rule for ids. */
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9\\-.]{1,64}");

  private static final Pattern ADDRESS =
      Pattern.compile("(?:.*/)?Patient/([^/?]+)(?:/_history/[^/?]+)?");

  /** The type of the resource that an entry's address names. */
  private static final Pattern TYPE =
      Pattern.compile("(?:https?://.*/)?([A-Z][A-Za-z]{1,60})(?:[/?].*)?");

  /** Nothing here needs them, and they hold much. */
  private static final List<String> LEFT_OUT = List.of("text", "photo");

  /** HAPI's parser takes an object for one of these, and a mapping would see nothing. */
  private static final List<String> SINGLE_VALUES =
      List.of("active", "gender", "birthDate", "deceasedBoolean", "deceasedDateTime");

  private static final int MOST_ENTRIES = 10_000;

  /** Deeper than any resource; what is deeper could be read and never be written on. */
  private static final int DEEPEST = 100;

  private static final ObjectReader READER =
      RecordJson.mapper()
          .readerFor(JsonNode.class)
          .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .with(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  /**
   * An entry.
   *
   * @param method POST, PUT or DELETE; empty for one that is passed over
   * @param record for the queue; none when it is refused or passed over
   */
  record Entry(String method, String id, @Nullable JsonNode record, @Nullable FhirFault fault) {}

  /**
   * What a notification says of itself.
   *
   * @param begins whether it is the subscription's handshake
   * @param incomplete whether it names events whose patients it does not hold
   */
  record Notification(Numbers numbers, boolean begins, boolean incomplete) {}

  /** Records for the queue: runs of patients and of deletes, in their order. */
  List<Received> received() {
    List<Received> received = new ArrayList<>();
    RecordType type = null;
    List<JsonNode> records = new ArrayList<>();
    for (Entry entry : entries) {
      if (entry.record() == null) {
        continue;
      }
      RecordType its = entry.method().equals("DELETE") ? RecordType.DELETES : RecordType.PATIENTS;
      if (type != its) {
        records = new ArrayList<>();
        received.add(new Received(RecordStream.of(its), records));
        type = its;
      }
      records.add(entry.record());
    }
    return received;
  }

  /** One resource. */
  static SentResources of(Entry entry) {
    return new SentResources(List.of(entry), null, null);
  }

  /** A patient that is to be deleted. */
  static Entry delete(String id) {
    if (!ID.matcher(id).matches()) {
      throw new FhirFault(400, IssueType.VALUE, "the id in the address is no FHIR id");
    }
    ObjectNode record = RecordJson.mapper().createObjectNode();
    record.putObject("request").put("method", "DELETE").put("url", "Patient/" + id);
    return new Entry("DELETE", id, record, null);
  }

  /**
   * A patient.
   *
   * @param idInAddress that its id must be; none for a POST
   * @param postedId where its id is, if it has none of its own
   */
  static Entry patient(
      String method, JsonNode resource, @Nullable String idInAddress, PostedId postedId) {
    if (!(resource instanceof ObjectNode patient)
        || !"Patient".equals(resource.path("resourceType").textValue())) {
      throw new FhirFault(
          422, IssueType.NOTSUPPORTED, "this address takes resources of type Patient");
    }
    if (method.equals("POST") && !patient.has("id")) {
      postedId.of(patient).ifPresent(posted -> patient.put("id", posted));
    }
    JsonNode id = patient.path("id");
    if (!id.isTextual() || !ID.matcher(id.textValue()).matches()) {
      throw new FhirFault(
          422,
          IssueType.REQUIRED,
          "Patient.id: must be there, for a POST too: it is the chart's id in the PMS, and nobody"
              + " else gives it one. Of senders that give none, a feed can take it from an"
              + " identifier (postedId)");
    }
    if (idInAddress != null && !idInAddress.equals(id.textValue())) {
      throw new FhirFault(400, IssueType.INVALID, "Patient.id: is not the id in the address");
    }
    patient.remove(LEFT_OUT);
    requireShape(patient);
    for (String value : SINGLE_VALUES) {
      if (patient.path(value).isContainerNode()) {
        throw new FhirFault(422, IssueType.STRUCTURE, value + ": of the wrong JSON type");
      }
    }
    return new Entry(method, id.textValue(), patient, null);
  }

  private static void requireShape(ObjectNode patient) {
    IParser parser = FhirContext.forR4Cached().newJsonParser();
    parser.setParserErrorHandler(SHAPE);
    try {
      parser.parseResource(Patient.class, RecordJson.write(patient));
    } catch (FhirFault e) {
      throw e;
    } catch (RuntimeException e) {
      // Thrown away with its message, which quotes the resource.
      throw new FhirFault(422, IssueType.STRUCTURE, "the resource is no Patient of FHIR R4");
    }
  }

  /** Refuses what has not the shape of a Patient, and lets pass what R4 does not know. */
  private static final IParserErrorHandler SHAPE =
      new LenientErrorHandler(false) {
        @Override
        public void incorrectJsonType(
            IParseLocation location,
            String element,
            ValueType expected,
            ScalarType expectedScalar,
            ValueType found,
            ScalarType foundScalar) {
          throw new FhirFault(
              422,
              IssueType.STRUCTURE,
              (element == null || element.length() > 40 ? "an element" : element)
                  + ": of the wrong JSON type");
        }

        @Override
        public void invalidValue(IParseLocation location, String value, String error) {
          // A value that FHIR does not allow is a flag of the record and no reason to lose it.
        }
      };

  // ---- Bodies ----

  /** The JSON of a body. */
  static JsonNode json(byte[] body) {
    JsonNode json;
    try (JsonParser parser = READER.createParser(body)) {
      json = parsed(parser);
    } catch (IOException e) {
      throw new FhirFault(400, IssueType.STRUCTURE, "the body is no text; send JSON as UTF-8");
    }
    if (json == null || !json.isObject()) {
      throw new FhirFault(400, IssueType.STRUCTURE, "the body must be a FHIR resource as JSON");
    }
    requireText(json, 0);
    return json;
  }

  private static @Nullable JsonNode parsed(JsonParser parser) throws IOException {
    try {
      return READER.readTree(parser);
    } catch (JsonProcessingException e) {
      throw new FhirFault(
          400, IssueType.STRUCTURE, RecordJson.whyUnreadable(e, parser.currentLocation()));
    }
  }

  /** Halves of a surrogate pair and too many levels can be read, but never be written. */
  private static void requireText(JsonNode node, int depth) {
    if (depth > DEEPEST) {
      throw new FhirFault(400, IssueType.STRUCTURE, "the body has more than 100 levels");
    }
    if (node.isTextual()) {
      requireText(node.textValue());
    }
    node.fieldNames().forEachRemaining(SentResources::requireText);
    for (JsonNode child : node) {
      requireText(child, depth + 1);
    }
  }

  private static void requireText(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        boolean pair =
            Character.isHighSurrogate(text.charAt(i))
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!pair) {
          throw new FhirFault(
              400,
              IssueType.STRUCTURE,
              "the body holds half of a surrogate pair, which is no character");
        }
        i++;
      }
    }
  }

  /** What is sent to the base address: a Bundle, or a single Patient. */
  static SentResources atBase(JsonNode body, PostedId postedId) {
    if (!"Bundle".equals(body.path("resourceType").textValue())) {
      return of(patient("PUT", body, null, PostedId.NONE));
    }
    JsonNode entries = body.path("entry");
    if (!entries.isMissingNode() && !entries.isArray()) {
      throw new FhirFault(400, IssueType.STRUCTURE, "entry: of the wrong JSON type");
    }
    if (entries.size() > MOST_ENTRIES) {
      throw new FhirFault(413, IssueType.TOOLONG, "a Bundle may have 10,000 entries and no more");
    }
    String type = body.path("type").asText();
    return switch (type) {
      case "transaction", "batch" -> bundle(entries, type, postedId);
      case "history", "subscription-notification" -> notification(entries);
      default ->
          throw new FhirFault(
              422,
              IssueType.NOTSUPPORTED,
              "Bundle.type: must be transaction, batch, or history with a SubscriptionStatus");
    };
  }

  private static SentResources bundle(JsonNode entries, String type, PostedId postedId) {
    List<Entry> read = new ArrayList<>();
    int number = 0;
    for (JsonNode entry : entries) {
      number++;
      try {
        read.add(entry(entry, postedId));
      } catch (FhirFault fault) {
        if (type.equals("transaction")) {
          // All of it or nothing.
          throw new FhirFault(
              fault.getStatusCode(),
              IssueType.PROCESSING,
              "entry " + number + ": " + fault.getMessage());
        }
        read.add(new Entry("", "", null, fault));
      }
    }
    return new SentResources(List.copyOf(read), type, null);
  }

  private static Entry entry(JsonNode entry, PostedId postedId) {
    String method = entry.path("request").path("method").asText();
    String url = entry.path("request").path("url").asText();
    if (isOfOtherType(method, url, entry.path("resource"))) {
      return new Entry("", "", null, null);
    }
    Matcher address = ADDRESS.matcher(url);
    boolean named = address.matches();
    if (method.equals("POST") && url.equals("Patient")) {
      return patient(method, entry.path("resource"), null, postedId);
    }
    if (method.equals("PUT") && named) {
      return patient(method, entry.path("resource"), address.group(1), PostedId.NONE);
    }
    if (method.equals("DELETE") && named) {
      return delete(address.group(1));
    }
    throw new FhirFault(
        422,
        IssueType.NOTSUPPORTED,
        "request: must be POST Patient, PUT Patient/[id] or DELETE Patient/[id], without conditions");
  }

  /** Senders put into one transaction what belongs together; we want a part of it. */
  private static boolean isOfOtherType(String method, String url, JsonNode resource) {
    Matcher type = TYPE.matcher(url);
    if (!Set.of("POST", "PUT", "PATCH", "DELETE").contains(method)
        || !type.matches()
        || type.group(1).equals("Patient")) {
      return false;
    }
    return resource.isMissingNode()
        || type.group(1).equals(resource.path("resourceType").textValue())
        || method.equals("PATCH");
  }

  // ---- Notifications ----

  private static SentResources notification(JsonNode entries) {
    JsonNode status = entries.path(0).path("resource");
    String kind = status.path("resourceType").asText();
    if (!kind.equals("Parameters") && !kind.equals("SubscriptionStatus")) {
      throw new FhirFault(
          422,
          IssueType.STRUCTURE,
          "entry 1: a notification begins with a SubscriptionStatus, as a resource or as Parameters");
    }
    boolean parameters = kind.equals("Parameters");
    String type = parameters ? value(status, "type") : status.path("type").asText();
    long last =
        number(
            parameters
                ? value(status, "events-since-subscription-start")
                : status.path("eventsSinceSubscriptionStart").asText());
    List<Entry> taken = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    for (int i = 1; i < entries.size(); i++) {
      Entry entry = told(entries.get(i));
      if (entry != null) {
        taken.add(entry);
        ids.add(entry.id());
      }
    }
    long first = Long.MAX_VALUE;
    boolean incomplete = false;
    for (JsonNode event :
        parameters ? status.path("parameter") : status.path("notificationEvent")) {
      if (parameters && !"notification-event".equals(event.path("name").asText())) {
        continue;
      }
      long number =
          number(parameters ? part(event, "event-number") : event.path("eventNumber").asText());
      String focus =
          parameters ? part(event, "focus") : event.path("focus").path("reference").asText();
      first = Math.min(first, number);
      last = Math.max(last, number);
      Matcher address = ADDRESS.matcher(focus);
      incomplete |= !address.matches() || !ids.contains(address.group(1));
    }
    boolean event = type.equals("event-notification");
    if (!event && !type.equals("handshake") && !type.equals("heartbeat")) {
      throw new FhirFault(
          422,
          IssueType.NOTSUPPORTED,
          "the notification's type must be handshake, heartbeat or event-notification");
    }
    if (first == Long.MAX_VALUE) {
      // Without events: a handshake or heartbeat, or one that says no more than that something was.
      first = event ? last : last + 1;
      incomplete = event && taken.isEmpty();
    }
    return new SentResources(
        List.copyOf(taken),
        null,
        new Notification(
            new Numbers(subscription(status, parameters), first, last),
            type.equals("handshake"),
            incomplete));
  }

  private static @Nullable Entry told(JsonNode entry) {
    String method = entry.path("request").path("method").asText();
    Matcher address = ADDRESS.matcher(entry.path("request").path("url").asText());
    if (method.equals("DELETE")) {
      return address.matches() ? delete(address.group(1)) : null;
    }
    JsonNode resource = entry.path("resource");
    // What a notification holds besides is its context.
    return "Patient".equals(resource.path("resourceType").asText())
        ? patient("PUT", resource, null, PostedId.NONE)
        : null;
  }

  private static String subscription(JsonNode status, boolean parameters) {
    String name =
        parameters
            ? value(status, "subscription")
            : status.path("subscription").path("reference").asText();
    if (name.isBlank() || name.length() > 500 || name.indexOf(0) >= 0) {
      throw new FhirFault(
          422, IssueType.REQUIRED, "subscription: must be a reference of at most 500 characters");
    }
    return name;
  }

  private static String value(JsonNode parameters, String name) {
    return named(parameters.path("parameter"), name);
  }

  private static String part(JsonNode parameter, String name) {
    return named(parameter.path("part"), name);
  }

  /** The value of whichever type; of a reference, what it refers to. */
  private static String named(JsonNode parameters, String name) {
    for (JsonNode parameter : parameters) {
      if (name.equals(parameter.path("name").asText())) {
        for (var field : parameter.properties()) {
          if (field.getKey().startsWith("value")) {
            JsonNode value = field.getValue();
            return value.isObject() ? value.path("reference").asText() : value.asText();
          }
        }
      }
    }
    return "";
  }

  private static long number(String text) {
    if (!text.matches("\\d{1,18}")) {
      throw new FhirFault(
          422,
          IssueType.VALUE,
          "events-since-subscription-start and event-number: must be whole numbers");
    }
    return Long.parseLong(text);
  }
}
