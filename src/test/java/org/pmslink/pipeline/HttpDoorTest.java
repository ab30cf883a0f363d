package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Records are pushed over HTTP by senders who may and by others, whole and broken. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class HttpDoorTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  static final String SECRET = "between-us-0123456789";
  private static final String SENTINEL = "Xyloquenta";

  private final Engine engine;

  HttpDoorTest(Engine engine) {
    this.engine = engine;
  }

  private HttpRequest.Builder to(String address) {
    return HttpRequest.newBuilder(URI.create(engine.url() + address))
        .timeout(Duration.ofMinutes(1))
        .header("Content-Type", "application/json");
  }

  private HttpResponse<String> push(
      PushedPractice practice, @Nullable String token, String query, BodyPublisher body)
      throws Exception {
    HttpRequest.Builder request = to("/in/" + practice.name + query).POST(body);
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> push(
      PushedPractice practice, String token, String query, String body) throws Exception {
    return push(practice, token, query, BodyPublishers.ofString(body));
  }

  private HttpResponse<String> get(String address, String token) throws Exception {
    return HTTP.send(
        to(address).GET().header("Authorization", "Bearer " + token).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode receipt(HttpResponse<String> pushed, String token, String query)
      throws Exception {
    String address = pushed.headers().firstValue("Location").orElseThrow();
    HttpResponse<String> response = get(address + query, token);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return JSON.readTree(response.body());
  }

  private JsonNode awaitHandled(HttpResponse<String> pushed, String token, String query)
      throws Exception {
    assertThat(pushed.statusCode()).as(pushed.body()).isEqualTo(202);
    return Awaitility.await("all of the receipt is handled")
        .atMost(Office.LONGEST)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> receipt(pushed, token, query), r -> r.path("under_way").asInt() == 0);
  }

  private static ObjectNode chart(String id, Someone who) {
    ObjectNode chart =
        JSON.createObjectNode()
            .put("sourceId", id)
            .put("status", "ACTIVE")
            .put("family", who.family())
            .put("given", who.given())
            .put("birthDate", who.birthDate());
    chart.putArray("phones").addObject().put("use", "mobile").put("number", who.mobile());
    chart.putArray("emails").add(who.email());
    return chart;
  }

  // ---- What comes in ----

  @Test
  void everyTypeOfRecordComesInWithOneRequestAndItsReceiptSaysWhatBecameOfIt() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      Someone ines = Someone.named("Ines", "Caldwell");
      practice.member("M1", ines);
      String body =
          """
          {"visits": [{"sourceId": "v1", "patient": "17", "date": "2026-01-05", "status": "completed"}],
           "transactions-payments": [{"sourceId": "t1", "patient": "17", "date": "2026-01-05",
             "type": "patient-payment", "amountCents": -4500}],
           "providers": [{"sourceId": "2", "family": "Adams"}],
           "clinics": [{"sourceId": "1", "name": "Downtown"}],
           "merges": [{"loser": "18", "survivor": "17"}],
           "deletes": [{"type": "patient", "sourceId": "19"}],
           "patients": [%s, %s, %s]}"""
              .formatted(
                  chart("17", ines),
                  chart("18", ines),
                  chart("19", Someone.named("Howard", "Brandt")));

      HttpResponse<String> pushed = push(practice, token, "", body);
      JsonNode receipt = awaitHandled(pushed, token, "?records=true");
      practice.awaitSettled();

      assertThat(JSON.readTree(pushed.body()).path("receipt").asText())
          .isEqualTo(receipt.path("receipt").asText())
          .isNotEmpty();
      assertThat(receipt.path("received").asInt()).isEqualTo(9);
      assertThat(receipt.path("stored").asInt()).isEqualTo(9);
      assertThat(receipt.path("dead_lettered").asInt()).isZero();
      assertThat(receipt.path("records")).hasSize(9);
      assertThat(practice.memberOf("17")).isEqualTo("M1");
      assertThat(
              practice.texts(
                  "select merged_into from patients where practice_id = ? and source_id = '18'"))
          .containsExactly("17");
      assertThat(practice.count("select count(*) from visits where practice_id = ?")).isEqualTo(1);
      assertThat(
              practice.count(
                  "select amount_cents from transactions where practice_id = ?"
                      + " and stream = 'TRANSACTIONS/payments'"))
          .isEqualTo(-4500);
      assertThat(practice.count("select count(*) from providers where practice_id = ?"))
          .isEqualTo(1);
      assertThat(practice.count("select count(*) from clinics where practice_id = ?")).isEqualTo(1);
      assertThat(
              practice.count(
                  "select count(*) from patients where practice_id = ?"
                      + " and source_id = '19' and removed_at is not null"))
          .isEqualTo(1);
      assertThat(practice.texts("select action || ' ' || detail from audit where practice_id = ?"))
          .anyMatch(
              d ->
                  d.startsWith("push feed " + practice.name + ": 9 records, ")
                      && d.contains(body.getBytes(UTF_8).length + " bytes"));
    }
  }

  @Test
  void eachRecordsFateIsToldByItsNumber(CapturedOutput output) throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open();
        PushedPractice other = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      ObjectNode known = chart("1", Someone.named("Ines", "Caldwell"));
      awaitHandled(push(practice, token, "?type=patients", known.toString()), token, "");
      ObjectNode nameless = JSON.createObjectNode().put("family", SENTINEL);
      ObjectNode strange = chart("4", Someone.named("Vera", SENTINEL)).put(SENTINEL, SENTINEL);
      ArrayNode all =
          JSON.createArrayNode()
              .add(known)
              .add(nameless)
              .add(chart("3", Someone.named("Mona", "Ashworth")))
              .add(strange)
              .add(chart("3", Someone.named("Mona", "Bancroft")))
              .add(SENTINEL);

      HttpResponse<String> pushed = push(practice, token, "", all.toString());
      JsonNode receipt = awaitHandled(pushed, token, "?records=true");

      List<String> fates = new ArrayList<>();
      receipt
          .path("records")
          .forEach(
              r ->
                  fates.add(
                      r.path("type").asText()
                          + r.path("entry").asText()
                          + " "
                          + r.path("source_id").asText()
                          + " "
                          + r.path("result").asText()
                          + " "
                          + r.path("category").asText()));
      assertThat(fates)
          .containsExactly(
              "patients1 1 unchanged ",
              "patients2  dead-letter INVALID_RECORD",
              "patients3 3 superseded ",
              "patients4  dead-letter MAPPING_FAILED",
              "patients5 3 stored ",
              "patients6  dead-letter MAPPING_FAILED");
      assertThat(receipt.path("records").path(1).path("reason").asText()).contains("sourceId");
      assertThat(receipt.path("dead_lettered").asInt()).isEqualTo(3);
      assertThat(practice.recordOf("3", "person,name,family")).isEqualTo("Bancroft");
      Awaitility.await("the letters are kept, which the receipt does not wait for")
          .atMost(Office.LONGEST)
          .until(() -> practice.letters().size(), Integer.valueOf(3)::equals);
      assertThat(receipt.toString()).doesNotContain(SENTINEL);
      assertThat(practice.letters().toString()).doesNotContain(SENTINEL);
      assertThat(output).doesNotContain(SENTINEL);
      String location = pushed.headers().firstValue("Location").orElseThrow();
      assertThat(get(location, other.token()).statusCode()).isEqualTo(404);
      assertThat(get(location.replace(practice.name, other.name), other.token()).statusCode())
          .as("a receipt of another feed")
          .isEqualTo(404);
    }
  }

  /** Mended, or read as far as a number goes, each of these would be the id of another. */
  @Test
  void anIdThatCannotBeKeptAsItIsEndsInADeadLetterAndChangesNoChart() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      awaitHandled(
          push(practice, token, "", chart("ab", Someone.named("Ines", "Caldwell")).toString()),
          token,
          "");
      String strange = "\"a\\u0000b\"";
      String body =
          """
          {"patients": [
             {"sourceId": 1e400, "family": "Brandt"}, {"sourceId": -1e400, "family": "Brandt"},
             {"sourceId": %1$s, "family": "Brandt"},
             {"sourceId": "7", "family": "Brandt", "mergedInto": %1$s}],
           "visits": [{"sourceId": %1$s, "patient": "ab", "date": "2026-01-05"},
             {"sourceId": "v1", "patient": %1$s, "date": "2026-01-05"},
             {"sourceId": "v2", "patient": 1e400, "date": "2026-01-05"}],
           "transactions": [{"sourceId": "t1", "patient": "ab", "payer": %1$s,
             "date": "2026-01-05", "type": "patient-payment", "amountCents": -4500}],
           "providers": [{"sourceId": %1$s}],
           "clinics": [{"sourceId": 1e400}],
           "merges": [{"loser": %1$s, "survivor": "9"}, {"loser": "9", "survivor": 1e400}],
           "deletes": [{"type": "patient", "sourceId": %1$s}]}"""
              .formatted(strange);

      JsonNode receipt = awaitHandled(push(practice, token, "", body), token, "?records=true");
      practice.awaitSettled();

      List<String> taken = new ArrayList<>();
      receipt
          .path("records")
          .forEach(
              record -> {
                if (!record.path("category").asText().equals("INVALID_RECORD")) {
                  taken.add(record.toString());
                }
              });
      assertThat(taken).isEmpty();
      assertThat(receipt.path("dead_lettered").asInt()).isEqualTo(13);
      assertThat(receipt.path("records").path(0).path("reason").asText())
          .contains("sourceId", "too large");
      assertThat(receipt.toString()).contains("control characters");
      assertThat(practice.texts("select source_id from patients where practice_id = ?"))
          .containsExactly("ab");
      assertThat(practice.recordOf("ab", "person,name,family")).isEqualTo("Caldwell");
    }
  }

  // ---- Who may send ----

  /**
   * Whoever sends just then keeps what they have and sends it again; 404 would have them drop it.
   */
  @Test
  void nobodyIsToldThatAFeedIsNotThereWhileItIsExchanged() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      List<Integer> statuses = new CopyOnWriteArrayList<>();
      AtomicBoolean over = new AtomicBoolean();
      Thread sender =
          new Thread(
              () -> {
                for (int i = 0; !over.get(); i++) {
                  try {
                    statuses.add(
                        push(practice, token, "", "{\"sourceId\": \"" + i % 5 + "\"}")
                            .statusCode());
                  } catch (Exception e) {
                    statuses.add(0);
                  }
                }
              });
      sender.start();
      for (int time = 0; time < 3; time++) {
        Shell applied = Shell.run(engine, "feed", "apply", practice.name);
        assertThat(applied.output()).endsWith("runs as its file says now\n");
      }
      over.set(true);
      sender.join();

      assertThat(statuses).contains(202).isSubsetOf(202, 503);
      assertThat(push(practice, token, "", "{\"sourceId\": \"9\"}").statusCode()).isEqualTo(202);
    }
  }

  @Test
  void whoHasShownNothingLearnsNothing() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open();
        PushedPractice signed =
            PushedPractice.overHttp(engine)
                .with("proof", "signature")
                .with("secret", "{{no-such-setting:" + SECRET + "}}")
                .open()) {
      String token = practice.token();

      HttpResponse<String> nobody = push(practice, null, "", BodyPublishers.ofString("{}"));
      HttpResponse<String> stranger = push(practice, "no-token", "", "{}");
      assertThat(nobody.statusCode()).isEqualTo(401);
      assertThat(stranger.statusCode()).isEqualTo(401);
      HttpRequest unknown =
          to("/in/nobody-here")
              .header("Authorization", "Bearer " + token)
              .POST(BodyPublishers.ofString("{}"))
              .build();
      HttpResponse<String> nowhere = HTTP.send(unknown, HttpResponse.BodyHandlers.ofString());
      HttpResponse<String> elsewhere = push(signed, token, "", "{}");
      assertThat(nowhere.statusCode()).isEqualTo(404);
      assertThat(elsewhere.statusCode()).isEqualTo(404);
      assertThat(elsewhere.body()).isEqualTo(nowhere.body());
      assertThat(push(signed, signed.token(), "", "{}").statusCode())
          .as("a feed that asks for signatures takes no token")
          .isEqualTo(401);
      assertThat(
              practice.texts(
                  "select detail from audit where practice_id = ? and action = 'refused'"))
          .hasSizeGreaterThanOrEqualTo(2);
      assertThat(
              practice.count(
                  "select count(*) from feed_runs where practice_id = ?"
                      + " and kind = 'RECEIVED'"))
          .isZero();
    }
  }

  @Test
  void aSignedRequestIsTakenOnceAndOnlyAsItWasSigned() throws Exception {
    try (PushedPractice practice =
        PushedPractice.overHttp(engine)
            .with("proof", "signature")
            .with("secret", "{{no-such-setting:" + SECRET + "}}")
            .with("signatureHeader", "X-Hub-Signature-256")
            .open()) {
      String address = "/in/" + practice.name + "?type=patients";
      String body = chart("17", Someone.named("Ines", "Caldwell")).toString();
      long now = Instant.now().getEpochSecond();
      String signature = signature(now, "POST", address, body);

      HttpResponse<String> taken = signed(address, now, "sha256=" + signature, body);
      assertThat(taken.statusCode()).as(taken.body()).isEqualTo(202);
      assertThat(signed(address, now, signature, body).statusCode()).as("again").isEqualTo(409);
      assertThat(signed(address, now, signature, body.replace("Ines", "Iris")).statusCode())
          .as("another body")
          .isEqualTo(401);
      assertThat(signed(address.replace("patients", "deletes"), now, signature, body).statusCode())
          .as("another address")
          .isEqualTo(401);
      long old = now - 400;
      assertThat(signed(address, old, signature(old, "POST", address, body), body).statusCode())
          .as("too old")
          .isEqualTo(401);
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,name,given")).isEqualTo("Ines");
      String receipt = taken.headers().firstValue("Location").orElseThrow();
      HttpRequest asked =
          to(receipt)
              .GET()
              .header("X-PMS-Link-Timestamp", "" + now)
              .header("X-Hub-Signature-256", signature(now, "GET", receipt, ""))
              .build();
      HttpResponse<String> told = HTTP.send(asked, HttpResponse.BodyHandlers.ofString());
      assertThat(JSON.readTree(told.body()).path("stored").asInt()).isEqualTo(1);
    }
  }

  private HttpResponse<String> signed(String address, long time, String signature, String body)
      throws Exception {
    return HTTP.send(
        to(address)
            .header("X-PMS-Link-Timestamp", "" + time)
            .header("X-Hub-Signature-256", signature)
            .POST(BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  static String signature(long time, String method, String address, String body) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(SECRET.getBytes(UTF_8), "HmacSHA256"));
    return HexFormat.of()
        .formatHex(
            mac.doFinal((time + "\n" + method + "\n" + address + "\n" + body).getBytes(UTF_8)));
  }

  // ---- What is refused ----

  @Test
  void whatIsWrongIsSaidWithItsPlaceAndNeverQuoted(CapturedOutput output) throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      HttpResponse<String> torn =
          push(practice, token, "", "[{\"family\": \"" + SENTINEL + "\"},\n {\"given\": }]");
      assertThat(torn.statusCode()).isEqualTo(400);
      assertThat(torn.body()).contains("line 2, column 12").doesNotContain(SENTINEL);
      Map<String, String> told =
          Map.of(
              "[{\"id\":\n 1" + "0".repeat(1_100) + "}]",
              "a number with more digits than any has, at line 2",
              "[\n\n" + "[".repeat(1_100) + "]".repeat(1_100) + "]",
              "more than 900 levels, at line 3",
              "{\"a\": 1,\n\"a\": \"" + SENTINEL + "\"}",
              "names a field twice, at line 2");
      for (var each : told.entrySet()) {
        assertThat(push(practice, token, "", each.getKey()).body())
            .contains(each.getValue(), "\"status\":400")
            .doesNotContain(SENTINEL);
      }
      assertThat(
              push(
                      practice,
                      token,
                      "",
                      BodyPublishers.ofByteArray(
                          ("[{\"family\":\n \"M\u00fcller" + SENTINEL + "\"}]")
                              .getBytes(ISO_8859_1)))
                  .body())
          .contains("is no UTF-8 text, at line 2")
          .doesNotContain(SENTINEL);
      Map<String, Integer> wrong =
          Map.of(
              "",
              400,
              "\"" + SENTINEL + "\"",
              400,
              "{} {\"a\": \"" + SENTINEL + "\"}",
              400,
              "{\"" + SENTINEL + "\": 1, \"" + SENTINEL + "\": 2}",
              400,
              "[{\"family\": \"\\ud800" + SENTINEL + "\"}]",
              400,
              "{\"patients\": [], \"" + SENTINEL + "\": []}",
              400);
      for (var each : wrong.entrySet()) {
        HttpResponse<String> answer = push(practice, token, "", each.getKey());
        assertThat(answer.statusCode()).as(each.getKey()).isEqualTo(each.getValue());
        assertThat(answer.body()).contains("\"detail\":").doesNotContain(SENTINEL);
      }
      assertThat(push(practice, token, "?type=" + SENTINEL, "[]").body())
          .contains("types are patients, merges")
          .doesNotContain(SENTINEL);
      assertThat(push(practice, token, "?type=visits-..%2F..%2Fx", "[]").statusCode())
          .isEqualTo(400);
      assertThat(
              push(practice, token, "", BodyPublishers.ofByteArray(new byte[] {(byte) 0xC3, '('}))
                  .statusCode())
          .isEqualTo(400);
      HttpRequest form =
          HttpRequest.newBuilder(URI.create(engine.url() + "/in/" + practice.name))
              .header("Content-Type", "text/plain")
              .header("Authorization", "Bearer " + token)
              .POST(BodyPublishers.ofString("[]"))
              .build();
      assertThat(HTTP.send(form, HttpResponse.BodyHandlers.ofString()).statusCode()).isEqualTo(415);
      assertThat(get("/in/" + practice.name, token).statusCode()).isEqualTo(405);
      assertThat(get("/in/" + practice.name + "/receipts/0", token).statusCode()).isEqualTo(404);
      assertThat(get("/in/" + practice.name + "/receipts/x", token).statusCode()).isEqualTo(404);
      assertThat(output).doesNotContain(SENTINEL);
      assertThat(
              practice.count(
                  "select count(*) from feed_runs where practice_id = ?"
                      + " and kind = 'RECEIVED'"))
          .isZero();
    }
  }

  @Test
  void aBodyIsTakenUpToTenMegabytesHoweverItIsSent() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      String chart = chart("17", Someone.named("Ines", "Caldwell")).toString();
      byte[] tooLarge = (chart + " ".repeat(10 * 1024 * 1024)).getBytes(UTF_8);
      byte[] large = (chart + " ".repeat(10 * 1024 * 1024 - chart.length())).getBytes(UTF_8);

      assertThat(push(practice, token, "", BodyPublishers.ofByteArray(tooLarge)).statusCode())
          .isEqualTo(413);
      assertThat(push(practice, token, "", chunked(tooLarge)).statusCode()).isEqualTo(413);
      assertThat(push(practice, token, "", chunked(large)).statusCode()).isEqualTo(202);
      assertThat(push(practice, token, "", "[" + "{},".repeat(20_000) + "{}]").statusCode())
          .as("more records than in one request")
          .isEqualTo(413);
      HttpRequest elsewhere =
          to("/api/v1/practices/" + practice.name + "/patients/match")
              .header("Authorization", "Bearer " + token)
              .POST(BodyPublishers.ofByteArray(new byte[300 * 1024]))
              .build();
      assertThat(HTTP.send(elsewhere, HttpResponse.BodyHandlers.ofString()).statusCode())
          .as("the limit of other addresses")
          .isEqualTo(413);
      practice.awaitSettled();
      assertThat(practice.recordOf("17", "person,name,family")).isEqualTo("Caldwell");
    }
  }

  private static BodyPublisher chunked(byte[] body) {
    return BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(body));
  }

  @Test
  void aFeedFileThatIsWrongIsRefusedWithItsLine() throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine)) {
      assertThat(practice.with("proof", "password").refusal())
          .isEqualTo("line 14: proof: \"password\" is none of token, signature");
      assertThat(practice.with("proof", "signature").with("secret", "in the clear").refusal())
          .startsWith("line 16: secret: write a placeholder");
      assertThat(practice.with("secret", "{{no-such-setting:short}}").refusal())
          .contains("needs at least 16 characters");
      assertThat(practice.with("secret", "{{x:" + SECRET + "}}").with("tolerance", "5").refusal())
          .startsWith("line 18: tolerance:");
      assertThat(practice.with("tolerance", "PT1M").refusal()).isEmpty();
    }
  }

  // ---- A thousand that are broken ----

  /** The same thousand at every run: bodies that somebody's bug could send, among good ones. */
  @Test
  void aThousandBrokenBodiesEndInAnAnswerOrADeadLetterAndHarmNoNeighbour(CapturedOutput output)
      throws Exception {
    Random random = new Random(20261123);
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = practice.token();
      Set<String> good = new HashSet<>();
      List<HttpResponse<String>> taken = new ArrayList<>();
      int refused = 0;
      for (int i = 0; i < 1_000; i++) {
        String before = "good-" + i + "-a";
        String after = "good-" + i + "-b";
        String body =
            "["
                + chart(before, Someone.named("Nadia", "Oyelaran"))
                + ","
                + BrokenRecords.json(random, i)
                + ","
                + chart(after, Someone.named("Nadia", "Oyelaran"))
                + "]";
        byte[] bytes = body.getBytes(UTF_8);
        if (i % 4 == 0) {
          bytes = BrokenRecords.damaged(random, bytes);
        }
        HttpResponse<String> answer =
            push(practice, token, BrokenRecords.type(i), BodyPublishers.ofByteArray(bytes));
        assertThat(answer.statusCode()).as("body %d: %s", i, answer.body()).isIn(202, 400, 422);
        if (answer.statusCode() == 202) {
          taken.add(answer);
          if (i % 4 != 0 && BrokenRecords.type(i).isEmpty()) {
            good.addAll(List.of(before, after));
          }
        } else {
          refused++;
          assertThat(answer.body()).contains("\"detail\":").doesNotContain(SENTINEL);
        }
      }
      practice.awaitSettled();

      assertThat(refused).isBetween(200, 500);
      assertThat(good).hasSizeGreaterThan(600);
      assertThat(
              new HashSet<>(practice.texts("select source_id from patients where practice_id = ?")))
          .as("no good neighbour is lost")
          .containsAll(good);
      int entries = 0;
      int letters = 0;
      for (HttpResponse<String> answer : taken) {
        JsonNode receipt = receipt(answer, token, "?records=true");
        assertThat(receipt.path("under_way").asInt()).isZero();
        assertThat(receipt.path("records")).hasSize(receipt.path("received").asInt());
        for (JsonNode record : receipt.path("records")) {
          entries++;
          letters += record.path("result").asText().equals("dead-letter") ? 1 : 0;
          assertThat(record.path("category").asText())
              .as("fails for a reason of its own")
              .isNotEqualTo("STEP_FAILED");
        }
      }
      assertThat(entries).isGreaterThan(1_500);
      assertThat(letters).isGreaterThan(200);
      assertThat(output).doesNotContain(SENTINEL);
      JsonNode afterwards =
          awaitHandled(
              push(practice, token, "", chart("last", Someone.named("Ruth", "Crane")).toString()),
              token,
              "");
      assertThat(afterwards.path("stored").asInt()).isEqualTo(1);
    }
  }
}
