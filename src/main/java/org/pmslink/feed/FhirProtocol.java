package org.pmslink.feed;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.util.UnsafeUriCharactersEncoder;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedPass.Step;
import org.pmslink.linking.Fingerprint;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.linking.UnreadableLine;
import org.pmslink.mapping.Mappings;
import org.pmslink.patient.RecordJson;
import org.springframework.stereotype.Component;

/**
 * FHIR R4. What has changed is searched for by {@code _lastUpdated}; the server says where the next
 * page is, in a link that is followed as it is. Deleted patients are in no search: where the server
 * keeps a history it is asked for them, and the nightly comparison reads each that is in doubt.
 *
 * <p>A first load may be a bulk export instead: asked for, waited for between two turns of the feed
 * and not in one, and then read file by file.
 */
@Component
class FhirProtocol implements PmsProtocol {
  private static final DateTimeFormatter INSTANT =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss'Z'");

  /** Nothing here needs them, they hold much, and they change without the patient's changing. */
  private static final List<String> LEFT_OUT = List.of("text", "photo");

  private static final RecordStream ENCOUNTERS = new RecordStream(RecordType.VISITS, "encounters");

  private static final List<RecordStream> READ =
      List.of(
          RecordStream.of(RecordType.PATIENTS),
          RecordStream.of(RecordType.VISITS),
          ENCOUNTERS,
          RecordStream.of(RecordType.DELETES));

  /** Records of an exported file that go on in one turn. */
  private static final int LINES = 2_000;

  /** Servers that keep no history, or do not show it, say so in one of these ways. */
  private static final Set<Integer> NOT_OFFERED = Set.of(400, 404, 405, 501);

  // Where a bulk export stands, in the first part of the pass's place.
  private static final String WAITED_FOR = "export waited for";
  private static final String FILES = "export files";
  private static final String FAILED = "export failed";

  /**
   * "export files", the time, how many lines of the first file are read, and how often it came with
   * another number of lines than announced.
   */
  private static final int PARTS_BEFORE_FILES = 4;

  /** So often a file is fetched that has another number of lines than announced. */
  private static final int TRIES = 3;

  /** Address, lines, number. */
  private static final int PARTS_OF_FILE = 3;

  /** Somebody waits for it. */
  private static final Duration LOOK_UP = Duration.ofSeconds(4);

  private static final HttpClient LOOK_UPS =
      HttpClient.newBuilder().connectTimeout(LOOK_UP).build();

  private final Mappings mappings;
  private final PmsTokens tokens;

  FhirProtocol(Mappings mappings, PmsTokens tokens) {
    this.mappings = mappings;
    this.tokens = tokens;
  }

  @Override
  public String name() {
    return "fhir";
  }

  private static String resourceType(RecordStream stream) {
    return switch (stream.type()) {
      case PATIENTS, DELETES -> "Patient";
      case VISITS -> stream.equals(ENCOUNTERS) ? "Encounter" : "Appointment";
      default -> throw new FeedException(stream.queryName() + ": is not read from FHIR servers");
    };
  }

  @Override
  public List<RecordStream> streams(FeedDefinition definition) {
    List<RecordStream> streams = new ArrayList<>();
    for (RecordStream stream : READ) {
      boolean mapped =
          Files.isRegularFile(
              mappings
                  .folder()
                  .resolve(definition.getMappings())
                  .resolve(stream.mappingName() + ".jslt"));
      if (mapped
          && (stream.type() != RecordType.DELETES || definition.isHistory())
          && (!stream.equals(ENCOUNTERS) || definition.isEncounters())) {
        streams.add(stream);
      }
    }
    return streams;
  }

  @Override
  public boolean canCompare(FeedDefinition definition, RecordStream stream) {
    return FeedPass.isComparable(stream);
  }

  @Override
  public int questionSize(FeedDefinition definition, RecordStream stream) {
    return 1;
  }

  // ---- What is asked ----

  @Override
  public void ask(Exchange exchange, FeedPass pass) {
    Message message = exchange.getMessage();
    message.setBody(null);
    message.setHeader(Exchange.HTTP_METHOD, "GET");
    message.setHeader("Accept", "application/fhir+json");
    if (pass.step == Step.CLOCK) {
      to(message, "/Patient", "_count=1&_elements=id");
    } else if (pass.step == Step.MISSING) {
      List<String> doubtful = pass.comparison().doubtful();
      pass.last = doubtful.isEmpty();
      pass.asking = !pass.last;
      if (pass.asking) {
        to(
            message,
            "/" + resourceType(pass.stream()) + "/" + PmsProtocol.encoded(doubtful.get(0)),
            "");
      }
    } else if (isExported(pass)) {
      askForExport(message, pass);
    } else if (!pass.afterKey.isEmpty()) {
      message.setHeader(Exchange.HTTP_URI, pass.afterKey.get(0).toString());
    } else if (pass.stream().type() == RecordType.DELETES) {
      to(message, "/Patient/_history", since("_since=", pass) + "&_count=" + size(pass));
    } else {
      to(message, "/" + resourceType(pass.stream()), search(pass));
    }
  }

  private static String search(FeedPass pass) {
    StringBuilder query = new StringBuilder();
    if (!pass.isWhole()) {
      query.append(since("_lastUpdated=ge", pass)).append('&');
    }
    if (pass.definition.isSorted()) {
      query.append("_sort=_lastUpdated&");
    }
    return query.append("_count=").append(size(pass)).toString();
  }

  private static String since(String parameter, FeedPass pass) {
    return parameter + INSTANT.format(Objects.requireNonNull(pass.since));
  }

  private static int size(FeedPass pass) {
    return pass.definition.getPageSize();
  }

  private static void to(Message message, String path, String query) {
    message.setHeader(Exchange.HTTP_PATH, path);
    if (!query.isEmpty()) {
      message.setHeader(Exchange.HTTP_QUERY, query);
    }
  }

  // ---- One patient, at once ----

  @Override
  public Optional<List<Row>> lookUp(FeedDefinition definition, Sought sought, int most) {
    return search(definition, form(sought, most))
        .map(
            bundle -> {
              List<Row> rows = new ArrayList<>();
              for (JsonNode entry : bundle.path("entry")) {
                JsonNode resource = entry.path("resource");
                if ("Patient".equals(resource.path("resourceType").asText())
                    && !id(resource).isBlank()) {
                  rows.add(row(resource));
                }
              }
              return rows;
            });
  }

  /** The total of a search that returns nobody; servers need not say one. */
  @Override
  public OptionalLong howMany(FeedDefinition definition) {
    JsonNode total =
        search(definition, "_summary=count").map(bundle -> bundle.path("total")).orElse(null);
    return total != null && total.canConvertToLong()
        ? OptionalLong.of(total.asLong())
        : OptionalLong.empty();
  }

  /**
   * Searches for patients, with a form, so that no address holds whom it is about.
   *
   * @return a bundle; absent when the server does not offer that
   */
  private Optional<JsonNode> search(FeedDefinition definition, String form) {
    try {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(
                  URI.create(definition.getUrl().replaceFirst("/*$", "/Patient/_search")))
              .timeout(LOOK_UP)
              .header("Accept", "application/fhir+json")
              .header("Content-Type", "application/x-www-form-urlencoded")
              .POST(HttpRequest.BodyPublishers.ofString(form));
      String authorization = tokens.authorization(definition);
      if (authorization != null) {
        request.header("Authorization", authorization);
      }
      HttpResponse<byte[]> answer =
          LOOK_UPS.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      if (NOT_OFFERED.contains(answer.statusCode())) {
        return Optional.empty();
      }
      if (answer.statusCode() != 200) {
        throw new HttpAnswer.Failure(answer.statusCode(), null);
      }
      return Optional.of(RecordJson.mapper().readTree(answer.body()));
    } catch (JsonProcessingException e) {
      throw new HttpAnswer.Failure("the PMS answered with something that is no JSON");
    } catch (HttpTimeoutException e) {
      throw new UncheckedIOException(new SocketTimeoutException());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new SocketTimeoutException());
    }
  }

  private static String form(Sought sought, int most) {
    StringBuilder form = new StringBuilder("_count=" + most);
    if (sought.id() != null) {
      return form.append("&_id=").append(PmsProtocol.encoded(sought.id())).toString();
    }
    if (!sought.names().isEmpty()) {
      form.append("&family=").append(PmsProtocol.encoded(String.join(",", sought.names())));
    }
    if (!sought.born().isEmpty()) {
      form.append("&birthdate=")
          .append(
              PmsProtocol.encoded(
                  sought.born().stream()
                      .map(LocalDate::toString)
                      .collect(Collectors.joining(","))));
    }
    return form.toString();
  }

  // ---- What is answered ----

  @Override
  public Answer answer(Exchange exchange, FeedPass pass) {
    int status = HttpAnswer.status(exchange);
    if (pass.asking && status == 401 && tokens.forget(pass.definition)) {
      throw HttpAnswer.Failure.ofTokenThatIsNoLongerTaken();
    }
    if (pass.step == Step.CLOCK) {
      return Answer.ofClock(clock(exchange));
    }
    if (pass.step == Step.MISSING) {
      return existing(exchange, pass, status);
    }
    if (isExported(pass)) {
      return exported(exchange, pass, status);
    }
    if (!pass.afterKey.isEmpty() && pass.first && (status == 404 || status == 410)) {
      // The page of a load that was interrupted: the server has forgotten the search.
      pass.afterKey = List.of();
      return Answer.ofRows(List.of());
    }
    boolean history = pass.stream().type() == RecordType.DELETES;
    if (history && NOT_OFFERED.contains(status)) {
      pass.last = true;
      return Answer.ofRows(List.of());
    }
    JsonNode bundle = bundle(exchange);
    String next = next(bundle, pass);
    pass.last = next == null;
    if (next != null) {
      pass.afterKey = List.of(next);
    }
    return Answer.ofRows(history ? deleted(bundle, pass) : found(bundle, pass));
  }

  /** The earlier of two clocks that a server shows: too early reads twice, too late misses. */
  private static LocalDateTime clock(Exchange exchange) {
    LocalDateTime stamped = instant(bundle(exchange).path("meta").path("lastUpdated").asText());
    LocalDateTime answered = HttpAnswer.clock(exchange);
    if (answered == null && stamped == null) {
      throw new HttpAnswer.Failure(
          "the PMS answered without the header Date and without Bundle.meta.lastUpdated, its"
              + " clock");
    }
    if (answered == null || stamped == null) {
      return Objects.requireNonNull(answered == null ? stamped : answered);
    }
    return stamped.isBefore(answered) ? stamped : answered;
  }

  private static @Nullable LocalDateTime instant(String text) {
    try {
      return text.isEmpty()
          ? null
          : OffsetDateTime.parse(text).withOffsetSameInstant(ZoneOffset.UTC).toLocalDateTime();
    } catch (DateTimeException e) {
      return null;
    }
  }

  private static JsonNode bundle(Exchange exchange) {
    JsonNode bundle = HttpAnswer.json(exchange);
    if (!"Bundle".equals(bundle.path("resourceType").asText())) {
      throw new HttpAnswer.Failure("the PMS answered with JSON that is no Bundle");
    }
    return bundle;
  }

  /** Where the next page is, if there is one. */
  private static @Nullable String next(JsonNode bundle, FeedPass pass) {
    for (JsonNode link : bundle.path("link")) {
      if ("next".equals(link.path("relation").asText())) {
        String url = link.path("url").asText();
        if (!pass.afterKey.isEmpty() && pass.afterKey.get(0).equals(url)) {
          throw new HttpAnswer.Failure("the PMS names a page as the one behind itself");
        }
        return sameOrigin(url, pass);
      }
    }
    return null;
  }

  /**
   * An address that the server gave. What we log in with goes along, so that it must be the
   * server's own; one that is relative counts from the base.
   */
  private static String sameOrigin(String url, FeedPass pass) {
    try {
      URI base = URI.create(pass.definition.getUrl().replaceFirst("/*$", "/"));
      // Servers leave characters such as the bar of a token as they are.
      URI given = base.resolve(new URI(UnsafeUriCharactersEncoder.encodeHttpURI(url)));
      if (origin(base).equals(origin(given))) {
        return given.toString();
      }
    } catch (java.net.URISyntaxException | IllegalArgumentException e) {
      throw new HttpAnswer.Failure("the PMS gave an address that is none");
    }
    throw new HttpAnswer.Failure(
        "the PMS gave an address on another server than url, where the login is not sent; set url"
            + " to the address that the PMS itself uses, scheme and port included");
  }

  private static String origin(URI uri) {
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
    return scheme + "://" + String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT) + ":" + port;
  }

  private static List<Row> found(JsonNode bundle, FeedPass pass) {
    String type = resourceType(pass.stream());
    List<Row> rows = new ArrayList<>();
    for (JsonNode entry : bundle.path("entry")) {
      JsonNode resource = entry.path("resource");
      String mode = entry.path("search").path("mode").asText();
      // Warnings and what a server includes unasked for.
      if (type.equals(resource.path("resourceType").asText())
          && !mode.equals("include")
          && !mode.equals("outcome")) {
        rows.add(row(resource));
      }
    }
    return rows;
  }

  /** One without an id goes on, too: as a dead letter, and its neighbours are read. */
  private static Row row(JsonNode resource) {
    ((ObjectNode) resource).remove(LEFT_OUT);
    String id = id(resource);
    return new Row(
        id.isBlank() ? "without id " + Long.toHexString(Fingerprint.of(resource)) : id, resource);
  }

  private static String id(JsonNode resource) {
    return resource.path("id").asText();
  }

  /** Newest first: what a history says first of a patient is what counts. */
  private static List<Row> deleted(JsonNode bundle, FeedPass pass) {
    Set<String> met = pass.inHand instanceof Met before ? before.ids : new HashSet<>();
    pass.inHand = new Met(met);
    List<Row> rows = new ArrayList<>();
    for (JsonNode entry : bundle.path("entry")) {
      JsonNode request = entry.path("request");
      String id =
          entry.path("resource").has("id")
              ? entry.path("resource").path("id").asText()
              : id(request.path("url").asText());
      if (!id.isEmpty() && met.add(id) && "DELETE".equals(request.path("method").asText())) {
        ObjectNode record = RecordJson.mapper().createObjectNode();
        record.putObject("request").put("method", "DELETE").put("url", "Patient/" + id);
        rows.add(new Row(id, record));
      }
    }
    return rows;
  }

  /** Patients that a history has told of already. */
  private record Met(Set<String> ids) {}

  /** Of {@code Patient/12}, {@code [base]/Patient/12} or {@code Patient/12/_history/3}. */
  private static String id(String reference) {
    String[] parts = reference.split("/");
    for (int i = parts.length - 2; i >= 0; i--) {
      if (parts[i].equals("Patient")) {
        return parts[i + 1];
      }
    }
    return "";
  }

  /** 404 and 410 are the proof that a resource is gone; whatever else is no answer. */
  private static Answer existing(Exchange exchange, FeedPass pass, int status) {
    if (pass.last || status == 404 || status == 410) {
      return Answer.ofExisting(List.of());
    }
    // It is there, whether it says its id or not.
    HttpAnswer.json(exchange);
    return Answer.ofExisting(List.of(pass.comparison().doubtful().get(0)));
  }

  // ---- Bulk export ----

  private static boolean isExported(FeedPass pass) {
    return pass.definition.isBulk()
        && pass.stream().type() == RecordType.PATIENTS
        && pass.place().cursor.loading();
  }

  private static String part(FeedPass pass, int part) {
    return pass.afterKey.size() > part ? pass.afterKey.get(part).toString() : "";
  }

  /** The files that are yet to be read, behind {@link #PARTS_BEFORE_FILES}. */
  private static List<Object> filesLeft(FeedPass pass) {
    return pass.afterKey.subList(PARTS_BEFORE_FILES, pass.afterKey.size());
  }

  private static void askForExport(Message message, FeedPass pass) {
    if (part(pass, 0).equals(FAILED)) {
      // In the pass in which it failed it is said; the next one asks for another.
      if (FAILED.equals(pass.inHand)) {
        throw new HttpAnswer.Failure(
            "the PMS's bulk export failed or is not complete; it is asked for anew. If it keeps"
                + " failing, set bulk to false");
      }
      pass.afterKey = List.of();
    }
    switch (part(pass, 0)) {
      case WAITED_FOR -> message.setHeader(Exchange.HTTP_URI, part(pass, 1));
      case FILES -> {
        if (pass.inHand instanceof Miscounted miscounted) {
          throw new HttpAnswer.Failure(
              miscounted.inWords()
                  + "; it is fetched "
                  + TRIES
                  + " times at most, then what came is taken, and all patients are compared");
        }
        if (pass.inHand instanceof ExportedFile || filesLeft(pass).isEmpty()) {
          pass.asking = false;
        } else {
          message.setHeader("Accept", "application/fhir+ndjson");
          message.setHeader(Exchange.HTTP_URI, filesLeft(pass).get(0).toString());
        }
      }
      default -> {
        message.setHeader("Prefer", "respond-async");
        to(message, "/Patient/$export", "_type=Patient");
      }
    }
  }

  private static Answer exported(Exchange exchange, FeedPass pass, int status) {
    switch (part(pass, 0)) {
      case WAITED_FOR -> exportWaitedFor(exchange, pass, status);
      case FILES -> {
        pass.watermark = instant(part(pass, 1));
        return exportedLines(exchange, pass);
      }
      default -> {
        HttpAnswer.requireSuccess(exchange);
        String location = exchange.getMessage().getHeader("Content-Location", String.class);
        if (status != 202 || location == null) {
          throw new HttpAnswer.Failure(
              "the PMS did not begin a bulk export (HTTP 202 with Content-Location); set bulk to"
                  + " false");
        }
        pass.afterKey = List.of(WAITED_FOR, sameOrigin(location, pass));
      }
    }
    return Answer.ofRows(List.of());
  }

  private static void exportWaitedFor(Exchange exchange, FeedPass pass, int status) {
    if (status == 202) {
      // Asked again after a pause of the feed, which holds up nothing else.
      throw HttpAnswer.Failure.ofAnswerThatIsNotReady(exchange);
    }
    boolean passing = status == 401 || status == 403 || status == 429 || status == 503;
    if (status != 200 && !passing) {
      failed(pass);
      return;
    }
    JsonNode manifest = HttpAnswer.json(exchange);
    String asOf = manifest.path("transactionTime").asText();
    if (instant(asOf) == null || !manifest.path("output").isArray()) {
      throw new HttpAnswer.Failure("the PMS's bulk export has no transactionTime or no output");
    }
    if (!manifest.path("error").isEmpty()) {
      failed(pass);
      return;
    }
    List<Object> place = new ArrayList<>(List.of(FILES, asOf, 0, 0));
    for (JsonNode file : manifest.path("output")) {
      if ("Patient".equals(file.path("type").asText())) {
        place.add(sameOrigin(file.path("url").asText(), pass));
        // How many lines it must have, where the server says so; and its number.
        String count = file.path("count").asText("");
        place.add(count.matches("\\d{1,18}") ? count : "");
        place.add((place.size() - PARTS_BEFORE_FILES) / PARTS_OF_FILE + 1);
      }
    }
    pass.afterKey = List.copyOf(place);
  }

  private static void failed(FeedPass pass) {
    pass.afterKey = List.of(FAILED);
    pass.inHand = FAILED;
  }

  /** A file that has come, and how far it has gone on. */
  private static final class ExportedFile {
    final List<byte[]> lines;
    int next;

    ExportedFile(List<byte[]> lines, int next) {
      this.lines = lines;
      this.next = next;
    }
  }

  /** A file that has come with another number of lines than announced: cut short, or miscounted. */
  private record Miscounted(String file, int lines, String announced) {
    String inWords() {
      return String.format(
          Locale.ROOT,
          "file %s of the PMS's bulk export has %d lines, and %s were announced",
          file,
          lines,
          announced);
    }
  }

  private static Answer exportedLines(Exchange exchange, FeedPass pass) {
    List<Object> left = filesLeft(pass);
    if (left.isEmpty()) {
      pass.last = true;
      return Answer.ofRows(List.of());
    }
    ExportedFile file;
    if (pass.inHand instanceof ExportedFile inHand) {
      file = inHand;
    } else {
      int status = HttpAnswer.status(exchange);
      if (status == 404 || status == 410) {
        // Kept for a time only; what was read of it is read again, at no harm.
        failed(pass);
        return Answer.ofRows(List.of());
      }
      file = new ExportedFile(lines(exchange), number(pass, 2));
      String announced = left.get(1).toString();
      if (!announced.isEmpty() && !announced.equals(String.valueOf(file.lines.size()))) {
        Miscounted miscounted =
            new Miscounted(left.get(2).toString(), file.lines.size(), announced);
        int tries = number(pass, 3) + 1;
        if (tries < TRIES) {
          // Kept with the place first; it is said when the next read would begin.
          List<Object> again = new ArrayList<>(pass.afterKey);
          again.set(3, tries);
          pass.afterKey = List.copyOf(again);
          pass.inHand = miscounted;
          return Answer.ofRows(List.of());
        }
        pass.incomplete = miscounted.inWords();
      }
      pass.inHand = file;
    }
    List<Row> rows = new ArrayList<>();
    while (file.next < file.lines.size() && rows.size() < LINES) {
      rows.add(exported(file.lines.get(file.next), left.get(2).toString(), file.next + 1));
      file.next++;
    }
    List<Object> place = new ArrayList<>(pass.afterKey.subList(0, 2));
    if (file.next < file.lines.size()) {
      place.addAll(pass.afterKey.subList(2, PARTS_BEFORE_FILES));
      place.set(2, file.next);
      place.addAll(left);
    } else {
      place.addAll(List.of(0, 0));
      place.addAll(left.subList(PARTS_OF_FILE, left.size()));
      pass.inHand = null;
      pass.last = left.size() == PARTS_OF_FILE;
    }
    pass.afterKey = List.copyOf(place);
    return Answer.ofRows(rows);
  }

  private static int number(FeedPass pass, int part) {
    return Integer.parseInt(part(pass, part));
  }

  private static List<byte[]> lines(Exchange exchange) {
    HttpAnswer.requireSuccess(exchange);
    byte[] body = exchange.getMessage().getBody(byte[].class);
    byte[] bytes = body == null ? new byte[0] : body;
    List<byte[]> lines = new ArrayList<>();
    int from = 0;
    for (int i = 0; i <= bytes.length; i++) {
      if (i == bytes.length || bytes[i] == '\n') {
        if (!new String(bytes, from, i - from, StandardCharsets.ISO_8859_1).isBlank()) {
          lines.add(java.util.Arrays.copyOfRange(bytes, from, i));
        }
        from = i + 1;
      }
    }
    return lines;
  }

  /** A line that is no resource is a row, too: a dead letter, and the rest of the file is read. */
  private static Row exported(byte[] line, String file, int number) {
    try {
      JsonNode resource = RecordJson.writable(RecordJson.mapper().readTree(line));
      if (resource instanceof ObjectNode) {
        return row(resource);
      }
    } catch (JsonProcessingException e) {
      // Its text says more than the parser, whose message would quote it.
    } catch (IOException e) {
      throw new IllegalStateException("bytes can always be read", e);
    }
    ObjectNode unreadable =
        UnreadableLine.record(
            Integer.parseInt(file), number, new String(line, StandardCharsets.UTF_8));
    return new Row(String.valueOf(UnreadableLine.place(unreadable)), unreadable);
  }
}
