package org.pmslink.sample;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;

/**
 * Dentrix Ascend's gateway, as far as its public contract tells: a token that ends after a time
 * that is told as text, an organisation with every request, lists in an envelope, paged by the last
 * id or by number, filtered by what has changed.
 */
public final class AscendApi implements AutoCloseable {
  public static final String CLIENT_ID = "pms-link-client";
  public static final String CLIENT_SECRET = "s3cret";
  public static final String ORGANIZATION = "5000000000001";

  private final HttpServer server;
  private final Map<String, ConcurrentSkipListMap<Long, ObjectNode>> lists =
      new ConcurrentHashMap<>();
  private final Queue<String> faults = new ConcurrentLinkedQueue<>();
  private final AtomicInteger tokensGiven = new AtomicInteger();
  private final AtomicInteger requests = new AtomicInteger();
  private final List<String> seen = java.util.Collections.synchronizedList(new ArrayList<>());
  private volatile String token = "";
  private volatile int mostOfAPage = Integer.MAX_VALUE;
  private volatile boolean totalTold = true;
  private volatile boolean singleRecords = true;
  private volatile boolean filters = true;

  private AscendApi() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext("/oauth", this::giveToken);
    server.createContext("/api", this::handle);
    server.start();
  }

  /** Serves until it is closed. */
  public static AscendApi start() {
    try {
      return new AscendApi();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String origin() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** Base address of the gateway. */
  public String url() {
    return origin() + "/api";
  }

  /** Where tokens are given. */
  public String tokenUrl() {
    return origin() + "/oauth/client_credential/accesstoken?grant_type=client_credentials";
  }

  /** Keeps a record; it counts as changed now. */
  public void put(String list, long id, Map<String, Object> fields) {
    ObjectNode row = RecordJson.mapper().valueToTree(fields);
    row.put("id", String.valueOf(id));
    row.put("lastModified", Instant.now().toString());
    lists.computeIfAbsent(list, l -> new ConcurrentSkipListMap<>()).put(id, row);
  }

  public void remove(String list, long id) {
    lists.computeIfAbsent(list, l -> new ConcurrentSkipListMap<>()).remove(id);
  }

  /** The next request is answered with this status, and with what else, as in "429 7". */
  public void failNext(String fault) {
    faults.add(fault);
  }

  /** Gives shorter pages than it is asked for. */
  public void capPages(int most) {
    mostOfAPage = most;
  }

  /** Leaves out how many rows there are. */
  public void keepTotalToItself() {
    totalTold = false;
  }

  /** Takes a filter on what has changed for a wrong request. */
  public void refuseFilters() {
    filters = false;
  }

  /** Knows no addresses of single records. */
  public void refuseSingleRecords() {
    singleRecords = false;
  }

  /** The token that is in use is not taken any more. */
  public void revokeToken() {
    token = "";
  }

  public int tokensGiven() {
    return tokensGiven.get();
  }

  public int requests() {
    return requests.get();
  }

  /** Paths and queries, oldest first. */
  public List<String> seen() {
    return List.copyOf(seen);
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void giveToken(HttpExchange call) throws IOException {
    try (call) {
      Map<String, String> form =
          parameters(new String(call.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
      if (!CLIENT_ID.equals(form.get("client_id"))
          || !CLIENT_SECRET.equals(form.get("client_secret"))) {
        answer(call, 401, "{\"error\": \"invalid_client\"}");
        return;
      }
      token = "token-" + tokensGiven.incrementAndGet();
      answer(
          call,
          200,
          "{\"access_token\": \""
              + token
              + "\", \"token_type\": \"Bearer\", \"expires_in\": \"3600\", \"status\": \"approved\"}");
    }
  }

  private void handle(HttpExchange call) throws IOException {
    requests.incrementAndGet();
    seen.add(call.getRequestURI().toString());
    try (call) {
      String fault = faults.poll();
      if (fault != null) {
        String[] parts = fault.split(" ");
        if (parts.length > 1) {
          call.getResponseHeaders().add("Retry-After", parts[1]);
        }
        answer(call, Integer.parseInt(parts[0]), "{\"message\": \"Patient Smith, John\"}");
      } else if (token.isEmpty()
          || !("Bearer " + token).equals(call.getRequestHeaders().getFirst("Authorization"))) {
        answer(
            call,
            401,
            "{\"fault\": {\"detail\": {\"errorcode\": \"oauth.v2.InvalidAccessToken\"}}}");
      } else if (!ORGANIZATION.equals(call.getRequestHeaders().getFirst("Organization-ID"))) {
        answer(call, 400, "{\"message\": \"Organization-ID\"}");
      } else {
        serve(call);
      }
    }
  }

  private void serve(HttpExchange call) throws IOException {
    String path = call.getRequestURI().getPath().substring("/api".length());
    int slash = path.lastIndexOf('/');
    if (path.substring(slash + 1).matches("\\d+")) {
      ObjectNode row =
          lists
              .getOrDefault(path.substring(0, slash), new ConcurrentSkipListMap<>())
              .get(Long.valueOf(path.substring(slash + 1)));
      row = singleRecords ? row : null;
      answer(call, row == null ? 404 : 200, row == null ? "{}" : "{\"data\": " + row + "}");
      return;
    }
    Map<String, String> parameters = parameters(call.getRequestURI().getRawQuery());
    int size = Math.min(mostOfAPage, Integer.parseInt(parameters.getOrDefault("pageSize", "50")));
    long after = Long.parseLong(parameters.getOrDefault("lastId", "0"));
    int page = Integer.parseInt(parameters.getOrDefault("page", "1"));
    String filter = parameters.getOrDefault("filter", "");
    if (!filters && !filter.isEmpty()) {
      answer(call, 400, "{\"message\": \"Patient Smith, John\"}");
      return;
    }
    ConcurrentSkipListMap<Long, ObjectNode> all =
        lists.computeIfAbsent(path, l -> new ConcurrentSkipListMap<>());
    Map<Long, ObjectNode> rows = new TreeMap<>(all.tailMap(after, false));
    ArrayNode data = RecordJson.mapper().createArrayNode();
    rows.values().stream()
        .filter(row -> matches(row, filter))
        .skip((long) (page - 1) * size)
        .limit(size)
        .forEach(data::add);
    String pagination =
        totalTold
            ? ", \"meta\": {\"pagination\": {\"total\": "
                + all.values().stream().filter(row -> matches(row, filter)).count()
                + "}}"
            : "";
    answer(
        call, 200, "{\"data\": " + data + ", \"warnings\": [], \"errors\": []" + pagination + "}");
  }

  private static boolean matches(JsonNode row, String filter) {
    String since = filter.replace("lastModified>=", "");
    return since.isEmpty()
        || !Instant.parse(row.path("lastModified").asText()).isBefore(Instant.parse(since));
  }

  private static void answer(HttpExchange call, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    call.getResponseHeaders().add("Content-Type", "application/json; charset=utf-8");
    call.sendResponseHeaders(status, bytes.length);
    call.getResponseBody().write(bytes);
  }

  private static Map<String, String> parameters(@Nullable String query) {
    Map<String, String> parameters = new HashMap<>();
    if (query != null) {
      for (String pair : query.split("&")) {
        String[] sides = pair.split("=", 2);
        if (sides.length == 2) {
          parameters.put(sides[0], URLDecoder.decode(sides[1], StandardCharsets.UTF_8));
        }
      }
    }
    return parameters;
  }
}
