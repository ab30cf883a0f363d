package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.camel.Exchange;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedPass.Step;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;
import org.pmslink.mapping.Mappings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.stereotype.Component;

/**
 * Dentrix Ascend's REST API. Lists come in the order of their ids, behind the last one of the page
 * before ({@code lastId}) or by page number, whichever the office's gateway takes; what has changed
 * is filtered by {@code lastModified}. Every request counts against a monthly allowance.
 */
@Component
class AscendProtocol implements PmsProtocol {
  private static final int LARGEST_PAGE = 500;
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss'Z'");

  /**
   * Whether a list can be asked for single records: no public contract says so of all of them, and
   * a path that is not there says 404 of everything.
   */
  private enum Proof {
    /** One was asked for that is there. */
    ASKED,
    GIVEN
  }

  /**
   * How far a list has been read.
   *
   * @param read rows so far
   * @param total how many there are, as its first page said; none when it did not
   */
  private record Extent(long read, long total) {}

  private static final long NOT_SAID = -1;

  private static final Logger log = LoggerFactory.getLogger(AscendProtocol.class);

  private final Mappings mappings;
  private final PmsTokens tokens;
  private final Consumer<FeedDefinition> called;

  @Autowired
  AscendProtocol(Mappings mappings, PmsTokens tokens, FeedStates states) {
    this(
        mappings,
        tokens,
        feed -> states.called(feed.getPractice(), feed.getFeed(), feed.getCallBudget()));
  }

  /**
   * @param called counts a request against the allowance of its feed
   */
  AscendProtocol(Mappings mappings, PmsTokens tokens, Consumer<FeedDefinition> called) {
    this.mappings = mappings;
    this.tokens = tokens;
    this.called = called;
  }

  /**
   * A list of the API.
   *
   * @param stamped whether it can be filtered by what has changed
   */
  private record Resource(RecordStream stream, String path, boolean stamped) {}

  private static final List<Resource> LISTS =
      List.of(
          new Resource(RecordStream.of(RecordType.PATIENTS), "/v1/patients", true),
          new Resource(RecordStream.of(RecordType.PROVIDERS), "/v1/providers", false),
          new Resource(RecordStream.of(RecordType.CLINICS), "/v1/locations", false),
          new Resource(RecordStream.of(RecordType.VISITS), "/v1/appointments", true),
          new Resource(
              new RecordStream(RecordType.VISITS, "procedures"), "/v0/patientprocedures", true),
          new Resource(
              new RecordStream(RecordType.TRANSACTIONS, "procedures"),
              "/v0/patientprocedures",
              true));

  private static Resource resource(RecordStream stream) {
    return LISTS.stream()
        .filter(r -> r.stream().equals(stream))
        .findFirst()
        .orElseThrow(
            () -> new FeedException(stream.queryName() + ": Dentrix Ascend has no such list"));
  }

  @Override
  public String name() {
    return "dentrix-ascend";
  }

  @Override
  public List<RecordStream> streams(FeedDefinition definition) {
    return LISTS.stream()
        .map(Resource::stream)
        .filter(
            s ->
                Files.isRegularFile(
                    mappings
                        .folder()
                        .resolve(definition.getMappings())
                        .resolve(s.mappingName() + ".jslt")))
        .toList();
  }

  @Override
  public boolean isWithoutStamps(FeedDefinition definition, RecordStream stream) {
    return !resource(stream).stamped();
  }

  @Override
  public boolean canCompare(FeedDefinition definition, RecordStream stream) {
    return true;
  }

  @Override
  public int questionSize(FeedDefinition definition, RecordStream stream) {
    return 1;
  }

  @Override
  public void ask(Exchange exchange, FeedPass pass) {
    if (pass.step == Step.CLOCK) {
      get(exchange, pass, "/v1/locations", "pageSize=1");
      return;
    }
    Resource resource = resource(pass.stream());
    if (pass.step == Step.MISSING) {
      List<String> doubtful = pass.comparison().doubtful();
      pass.last = doubtful.isEmpty();
      pass.asking = !pass.last;
      if (pass.asking) {
        String seen = pass.comparison().oneSeen();
        if (pass.inHand == null && seen != null) {
          pass.comparison().putBack();
          pass.inHand = Proof.ASKED;
        }
        String id = pass.inHand == Proof.ASKED && seen != null ? seen : doubtful.get(0);
        get(exchange, pass, resource.path() + "/" + PmsProtocol.encoded(id), "");
      }
      return;
    }
    StringBuilder query = new StringBuilder("responseFields=ALL&pageSize=").append(size(pass));
    if (pass.definition.isPagedByNumber()) {
      query.append("&page=").append(pages(pass) + 1);
    } else if (!pass.afterKey.isEmpty()) {
      query.append("&lastId=").append(PmsProtocol.encoded(pass.afterKey.get(0).toString()));
    }
    if (!pass.isWhole() && pass.since != null) {
      query
          .append("&filter=")
          .append(PmsProtocol.encoded("lastModified>=" + STAMP.format(pass.since)));
    }
    get(exchange, pass, resource.path(), query.toString());
  }

  /** By number, the place is how many pages were read. */
  private static int pages(FeedPass pass) {
    return pass.afterKey.isEmpty() ? 0 : Integer.parseInt(pass.afterKey.get(0).toString());
  }

  private static int size(FeedPass pass) {
    return Math.min(pass.definition.getPageSize(), LARGEST_PAGE);
  }

  private void get(Exchange exchange, FeedPass pass, String path, String query) {
    called.accept(pass.definition);
    var message = exchange.getMessage();
    message.setHeader(Exchange.HTTP_METHOD, "GET");
    message.setHeader(Exchange.HTTP_PATH, path);
    message.setHeader(Exchange.HTTP_QUERY, query);
    message.setBody(null);
  }

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
    JsonNode answer = HttpAnswer.json(exchange);
    JsonNode rows = answer.path("data");
    if (!rows.isArray()) {
      throw new HttpAnswer.Failure("the PMS answered without the list \"data\"");
    }
    List<Row> read = new ArrayList<>(rows.size());
    for (JsonNode row : rows) {
      read.add(new Row(id(row), row));
    }
    // A short page is no end: a gateway may give fewer rows than it is asked for.
    Extent before =
        pass.inHand instanceof Extent extent
            ? extent
            : new Extent(0, answer.at("/meta/pagination/total").asLong(NOT_SAID));
    if (pass.stream().type() == RecordType.PATIENTS
        && pass.afterKey.isEmpty()
        && before.total() != NOT_SAID
        && pass.place().cursor.loading()) {
      pass.patients = before.total();
    }
    Extent now = new Extent(before.read() + rows.size(), before.total());
    pass.inHand = now;
    pass.last = rows.isEmpty() || now.read() == now.total();
    if (!read.isEmpty()) {
      pass.afterKey =
          pass.definition.isPagedByNumber()
              ? List.of(pages(pass) + 1)
              : List.of(read.get(read.size() - 1).key());
    }
    return Answer.ofRows(read);
  }

  /** The gateway's clock: its answers carry no other. */
  private static LocalDateTime clock(Exchange exchange) {
    HttpAnswer.requireSuccess(exchange);
    LocalDateTime clock = HttpAnswer.clock(exchange);
    if (clock == null) {
      throw new HttpAnswer.Failure("the PMS answered without the header Date, its clock");
    }
    return clock;
  }

  private static Answer existing(Exchange exchange, FeedPass pass, int status) {
    if (pass.last) {
      return Answer.ofExisting(List.of());
    }
    if (pass.inHand == Proof.ASKED) {
      if (status == 404) {
        log.warn(
            "feed {}: {} cannot be asked for single records; what is gone of it is not known",
            pass.definition.getFeed(),
            resource(pass.stream()).path());
        pass.last = true;
        return Answer.ofExisting(List.of());
      }
      HttpAnswer.requireSuccess(exchange);
      pass.inHand = Proof.GIVEN;
      return Answer.ofExisting(List.of());
    }
    if (status == 404) {
      return Answer.ofExisting(List.of());
    }
    return Answer.ofExisting(List.of(id(HttpAnswer.json(exchange).path("data"))));
  }

  private static String id(@Nullable JsonNode row) {
    JsonNode id = row == null ? null : row.get("id");
    if (id == null || !id.isValueNode() || id.asText().isBlank()) {
      throw new HttpAnswer.Failure("the PMS answered with a row without \"id\"");
    }
    return id.asText();
  }
}
