package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.server.exceptions.UnprocessableEntityException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Bundle.BundleType;
import org.hl7.fhir.r4.model.Bundle.HTTPVerb;
import org.hl7.fhir.r4.model.CodeType;
import org.hl7.fhir.r4.model.Encounter;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Patient.LinkType;
import org.hl7.fhir.r4.model.Reference;
import org.hl7.fhir.r4.model.StringType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Role;
import org.pmslink.sample.FhirPms;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** A PMS that sends its patients over FHIR R4, with HAPI's own client. */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class FhirReceiveTest {
  private static final FhirContext FHIR = FhirContext.forR4Cached();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final AtomicInteger TOKENS = new AtomicInteger(1);

  private final Engine engine;
  private final OpenDentalServer databases;

  FhirReceiveTest(Engine engine, OpenDentalServer databases) {
    this.engine = engine;
    this.databases = databases;
  }

  private Office office() throws Exception {
    return Office.at(engine, databases).over("fhir-receive", "fhir-r4");
  }

  private String open(Office office) throws Exception {
    assertThat(office.without("poll").connect()).isNull();
    return engine
        .bean(AccessTokens.class)
        .create(office.name, "fhir-sender-" + TOKENS.getAndIncrement(), Role.MACHINE);
  }

  private String base(Office office) {
    return engine.url() + "/in-fhir/" + office.name;
  }

  private IGenericClient client(Office office, String token) {
    FHIR.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.NEVER);
    IGenericClient client = FHIR.newRestfulGenericClient(base(office));
    client.registerInterceptor(new BearerTokenAuthInterceptor(token));
    return client;
  }

  private HttpResponse<String> post(String address, String token, byte[] body) throws Exception {
    return HTTP.send(
        HttpRequest.newBuilder(URI.create(address))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/fhir+json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static void await(String what, java.util.concurrent.Callable<Boolean> until) {
    Awaitility.await(what).atMost(Office.LONGEST).until(until);
  }

  private static long present(Office office) {
    return office.charts();
  }

  @Test
  void takesPatientsOneByOneAndInBundles() throws Exception {
    try (Office office = office()) {
      IGenericClient client = client(office, open(office));
      Someone ada = Someone.named("Philippa", "Anders");
      office.member("M1", ada);
      MethodOutcome created =
          client
              .create()
              .resource(FHIR.newJsonParser().encodeResourceToString(patient("p-1", ada)))
              .execute();
      assertThat(created.getId().getIdPart()).isEqualTo("p-1");
      await("linked", () -> office.memberOf("p-1").equals("M1"));

      Patient moved = patient("p-1", ada);
      moved.getAddressFirstRep().setCity("Dublin");
      moved.addExtension("http://acme.example/unknown", new StringType("kept out of the way"));
      client.update().resource(moved).execute();
      await("updated", () -> "DUBLIN".equals(office.recordOf("p-1", "person,address,city")));

      Bundle transaction = new Bundle().setType(BundleType.TRANSACTION);
      for (int i = 0; i < 3; i++) {
        transaction
            .addEntry()
            .setResource(patient("t-" + i, Someone.named("Trans", "Action" + i)))
            .getRequest()
            .setMethod(HTTPVerb.PUT)
            .setUrl("Patient/t-" + i);
      }
      transaction.addEntry().getRequest().setMethod(HTTPVerb.DELETE).setUrl("Patient/p-1");
      Bundle answer = client.transaction().withBundle(transaction).execute();
      assertThat(answer.getType()).isEqualTo(BundleType.TRANSACTIONRESPONSE);
      assertThat(answer.getEntry())
          .extracting(e -> e.getResponse().getStatus())
          .containsExactly("200 OK", "200 OK", "200 OK", "204 No Content");
      await("all of it", () -> present(office) == 3);

      // The survivor was sent before; who was merged says so itself.
      Patient loser = patient("t-1", Someone.named("Trans", "Action1"));
      loser.addLink().setType(LinkType.REPLACEDBY).setOther(new Reference("Patient/t-0"));
      client.update().resource(loser).execute();
      await(
          "merged",
          () ->
              office.count(
                      "select count(*) from patients where practice_id = ? and merged_into is not null")
                  == 1);
      client.delete().resourceById("Patient", "t-2").execute();
      await(
          "deleted",
          () ->
              office.count(
                      "select count(*) from patients where practice_id = ? and source_id = 't-2'"
                          + " and removed_at is not null")
                  == 1);
      assertThat(office.deadLetters()).isZero();
    }
  }

  /**
   * What standard senders send: other resources in the same transaction, and no id of their own.
   */
  @Test
  void takesThePatientsOfATransactionAndTheirIdsFromAnIdentifier() throws Exception {
    try (Office office = office()) {
      office.with("postedId", "http://pms.example/chart");
      IGenericClient client = client(office, open(office));
      Patient posted = patient("p-1", Someone.named("Philippa", "Anders"));
      posted.setId((String) null);
      posted.addIdentifier().setSystem("http://elsewhere.example").setValue("nobody");
      posted.addIdentifier().setSystem("http://pms.example/chart").setValue("C-17");
      Bundle transaction = new Bundle().setType(BundleType.TRANSACTION);
      transaction
          .addEntry()
          .setResource(posted)
          .getRequest()
          .setMethod(HTTPVerb.POST)
          .setUrl("Patient");
      Encounter visit = new Encounter();
      visit.setSubject(new Reference("Patient/C-17"));
      transaction
          .addEntry()
          .setResource(visit)
          .getRequest()
          .setMethod(HTTPVerb.POST)
          .setUrl("Encounter");
      transaction.addEntry().getRequest().setMethod(HTTPVerb.DELETE).setUrl("Coverage/9");

      Bundle answer = client.transaction().withBundle(transaction).execute();

      assertThat(answer.getEntry())
          .extracting(e -> e.getResponse().getStatus())
          .containsExactly("201 Created", "200 OK", "200 OK");
      assertThat(answer.getEntry().get(0).getResponse().getLocation()).isEqualTo("Patient/C-17");
      assertThat(
              ((OperationOutcome) answer.getEntry().get(1).getResponse().getOutcome())
                  .getIssueFirstRep()
                  .getDetails()
                  .getText())
          .startsWith("passed over");
      await("the patient", () -> "Anders".equals(office.recordOf("C-17", "person,name,family")));

      // Two such identifiers are none.
      posted.addIdentifier().setSystem("http://pms.example/chart").setValue("C-18");
      assertThatThrownBy(() -> client.create().resource(posted).execute())
          .isInstanceOf(UnprocessableEntityException.class);
    }
  }

  private static Patient patient(String id, Someone who) {
    return FhirPollTest.patient(id, who);
  }

  @Test
  void refusesWithAnOutcomeThatQuotesNothing(CapturedOutput output) throws Exception {
    try (Office office = office()) {
      String token = open(office);
      IGenericClient client = client(office, token);
      Patient nameless = patient("p-1", Someone.named("Zebulon", "Quote"));
      nameless.setId((String) null);
      assertThatThrownBy(() -> client.create().resource(nameless).execute())
          .isInstanceOfSatisfying(
              UnprocessableEntityException.class,
              e ->
                  assertThat(
                          ((OperationOutcome) e.getOperationOutcome())
                              .getIssueFirstRep()
                              .getDetails()
                              .getText())
                      .startsWith("Patient.id: must be there"));

      // A batch: one is refused, its neighbour is taken.
      Bundle batch = new Bundle().setType(BundleType.BATCH);
      batch
          .addEntry()
          .setResource(nameless)
          .getRequest()
          .setMethod(HTTPVerb.POST)
          .setUrl("Patient");
      batch
          .addEntry()
          .setResource(patient("b-1", Someone.named("Good", "Neighbour")))
          .getRequest()
          .setMethod(HTTPVerb.POST)
          .setUrl("Patient");
      Bundle answer = client.transaction().withBundle(batch).execute();
      assertThat(answer.getEntry())
          .extracting(e -> e.getResponse().getStatus())
          .containsExactly("422", "201 Created");
      await("the neighbour", () -> office.charts() == 1);

      // A transaction: all of it or nothing.
      batch.setType(BundleType.TRANSACTION);
      ((Patient) batch.getEntry().get(1).getResource()).setId("b-2");
      assertThatThrownBy(() -> client.transaction().withBundle(batch).execute())
          .isInstanceOf(UnprocessableEntityException.class);

      for (String body :
          List.of(
              "{\"resourceType\":\"Patient\",\"id\":\"1\",\"name\":\"Zebulon\"}",
              "{\"resourceType\":\"Patient\",\"id\":\"1\",\"birthDate\":{\"x\":\"Zebulon\"}}",
              "{\"resourceType\":\"Patient\",\"id\":\"Zebulon Quote\"}",
              "{\"resourceType\":\"Zebulon\",\"id\":\"1\"}",
              "{\"resourceType\":\"Patient\",\"id\":\"1\",\"Zebulon",
              "[\"Zebulon\"]")) {
        HttpResponse<String> refused = post(base(office) + "/Patient", token, body.getBytes(UTF_8));
        assertThat(refused.statusCode()).as(body).isBetween(400, 422);
        assertThat(refused.body()).contains("OperationOutcome").doesNotContain("Zebulon");
      }
      // HAPI's parser takes a list of one for the one; the mapping does not, and nothing is lost.
      assertThat(
              post(
                      base(office) + "/Patient",
                      token,
                      "{\"resourceType\":\"Patient\",\"id\":\"2\",\"name\":[{\"family\":[\"Zebulon\"]}]}"
                          .getBytes(UTF_8))
                  .statusCode())
          .isEqualTo(201);
      await("the dead letter", () -> office.deadLetters() == 1);
      assertThat(post(base(office) + "/Patient", "wrong", new byte[] {'{'}).statusCode())
          .isEqualTo(401);
      assertThat(post(base(office) + "/Observation", token, new byte[] {'{'}).statusCode())
          .isEqualTo(404);
      assertThat(
              post(engine.url() + "/in-fhir/office-of-nobody/Patient", token, new byte[] {'{'})
                  .statusCode())
          .isEqualTo(404);
      assertThat(output.getAll()).doesNotContain("Zebulon");
    }
  }

  /** As the Backport IG has it for R4. */
  private static Bundle notification(String type, long events, long... numbers) {
    Parameters status = new Parameters();
    status.addParameter("subscription", new Reference("https://pms.example/fhir/Subscription/s1"));
    status.addParameter("type", new CodeType(type));
    status.addParameter("events-since-subscription-start", new StringType(String.valueOf(events)));
    Bundle bundle = new Bundle().setType(BundleType.HISTORY);
    bundle.addEntry().setResource(status);
    for (long number : numbers) {
      String id = "e-" + number;
      Parameters.ParametersParameterComponent event =
          status.addParameter().setName("notification-event");
      event.addPart().setName("event-number").setValue(new StringType(String.valueOf(number)));
      event.addPart().setName("focus").setValue(new Reference("Patient/" + id));
      bundle
          .addEntry()
          .setResource(patient(id, Someone.named("Event", "Number" + number)))
          .getRequest()
          .setMethod(HTTPVerb.PUT)
          .setUrl("Patient/" + id);
    }
    return bundle;
  }

  private HttpResponse<String> notify(Office office, String token, Bundle notification)
      throws Exception {
    return post(
        base(office),
        token,
        FHIR.newJsonParser().encodeResourceToString(notification).getBytes(UTF_8));
  }

  @Test
  void aGapInTheNotificationsAsksThePollToRead() throws Exception {
    try (FhirPms pms = FhirPms.start();
        Office polled =
            Office.at(engine, databases).over("fhir-poll", "fhir-r4").with("url", pms.url());
        Office office = office()) {
      pms.put(patient("e-1", Someone.named("Event", "Number1")));
      polled.open();
      office.with("practice", polled.name).with("pollFeed", polled.name);
      assertThat(office.without("poll").connect()).isNull();
      String token =
          engine
              .bean(AccessTokens.class)
              .create(polled.name, "fhir-sender-" + TOKENS.getAndIncrement(), Role.MACHINE);

      assertThat(notify(office, token, notification("handshake", 0)).statusCode()).isEqualTo(200);
      assertThat(notify(office, token, notification("event-notification", 2, 1, 2)).statusCode())
          .isEqualTo(200);
      assertThat(notify(office, token, notification("heartbeat", 2)).statusCode()).isEqualTo(200);
      await("both", () -> polled.charts() == 2);
      int before = pms.requests().size();

      // The third event was lost on its way.
      pms.put(patient("e-3", Someone.named("Event", "Number3")));
      assertThat(notify(office, token, notification("event-notification", 4, 4)).statusCode())
          .isEqualTo(200);
      await("what was lost and what came", () -> polled.charts() == 4);
      assertThat(pms.requests().size()).isGreaterThan(before);

      // A heartbeat tells of one more that never came.
      pms.put(patient("e-5", Someone.named("Event", "Number5")));
      assertThat(notify(office, token, notification("heartbeat", 5)).statusCode()).isEqualTo(200);
      await("the fifth", () -> polled.charts() == 5);

      // An empty notification says that something has changed and no more.
      pms.put(patient("e-6", Someone.named("Event", "Number6")));
      assertThat(post(base(office), token, new byte[0]).statusCode()).isEqualTo(200);
      await("the sixth", () -> polled.charts() == 6);
    }
  }

  @Test
  void numbersThatBeginAnewWithoutAHandshakeAreAGapAndWhatIsSentAgainIsNone() throws Exception {
    try (Office office = office()) {
      String token = open(office);
      notify(office, token, notification("handshake", 0));
      notify(office, token, notification("heartbeat", 0));
      engine
          .store()
          .update("update subscription_events set events = 500 where practice_id = ?", office.id());

      assertThat(notify(office, token, notification("event-notification", 498, 498)).statusCode())
          .isEqualTo(200);
      assertThat(events(office)).as("sent again").isEqualTo(500);
      await("what came", () -> office.charts() == 1);
      assertThat(office.status().reason()).isNull();

      notify(office, token, notification("event-notification", 3, 3));
      assertThat(office.awaitPause("EVENTS_MISSED"))
          .contains("notifications of the PMS were missed");
      assertThat(events(office)).as("counted from here on").isEqualTo(3);
    }
  }

  private static long events(Office office) {
    return office.count("select events from subscription_events where practice_id = ?");
  }

  @Test
  void aGapThatNobodyCanReadStandsInTheStatus() throws Exception {
    try (Office office = office()) {
      String token = open(office);
      notify(office, token, notification("handshake", 0));

      assertThat(notify(office, token, notification("event-notification", 3, 3)).statusCode())
          .isEqualTo(200);

      assertThat(office.awaitPause("EVENTS_MISSED")).contains("pollFeed");
      await("what came", () -> office.charts() == 1);
      Bundle withoutResource = notification("event-notification", 9, 9);
      withoutResource.getEntry().remove(1);
      assertThat(notify(office, token, withoutResource).statusCode())
          .as("a gap, and the event's resource is not in it either")
          .isEqualTo(422);
      assertThat(post(base(office), token, new byte[0]).statusCode()).isEqualTo(422);
    }
  }

  /** Seeded, so that a body that goes wrong can be had again. */
  @Test
  void aThousandDamagedBodiesLoseNoNeighbour(CapturedOutput output) throws Exception {
    try (Office office = office()) {
      String token = open(office);
      Random random = new Random(20261123);
      String good =
          FHIR.newJsonParser()
              .encodeResourceToString(patient("victim", Someone.named("Zebulon", "Quagmire")));
      String bundle =
          "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"resource\":"
              + good
              + ",\"request\":{\"method\":\"PUT\",\"url\":\"Patient/victim\"}}]}";
      int neighbours = 0;
      for (int i = 0; i < 1_000; i++) {
        String whole = random.nextBoolean() ? good : bundle;
        byte[] body = damaged(whole.getBytes(UTF_8), random);
        HttpResponse<String> answer =
            post(base(office) + (whole.equals(good) ? "/Patient" : ""), token, body);
        assertThat(answer.statusCode()).as("body %d", i).isBetween(200, 499).isNotEqualTo(401);
        if (answer.statusCode() >= 400) {
          assertThat(answer.body()).contains("OperationOutcome").doesNotContain("Quagmire");
        }
        if (i % 50 == 0) {
          String id = "good-" + neighbours++;
          assertThat(
                  post(
                          base(office) + "/Patient",
                          token,
                          FHIR.newJsonParser()
                              .encodeResourceToString(
                                  patient(id, Someone.named("Good", "Neighbour" + i)))
                              .getBytes(UTF_8))
                      .statusCode())
              .isEqualTo(201);
        }
      }
      await(
          "every neighbour",
          () ->
              office.count(
                      "select count(*) from patients where practice_id = ? and removed_at is null"
                          + " and source_id like 'good-%'")
                  == 20);
      await(
          "nothing is stuck",
          () ->
              office.count(
                      "select count(*) from feed_runs where practice_id = ? and phase <> 'DONE'")
                  == 0);
      assertThat(output.getAll()).doesNotContain("Quagmire");
    }
  }

  private static byte[] damaged(byte[] good, Random random) {
    byte[] body = good.clone();
    switch (random.nextInt(6)) {
      case 0 -> body = java.util.Arrays.copyOf(body, 1 + random.nextInt(body.length - 1));
      case 1 -> {
        for (int n = 0; n < 1 + random.nextInt(5); n++) {
          body[random.nextInt(body.length)] = (byte) random.nextInt(256);
        }
      }
      case 2 -> {
        String text = new String(body, UTF_8);
        String[] values = {"null", "17", "true", "[]", "{}", "\"\\ud800\"", "1e999", "[[[[]]]]"};
        body =
            text.replaceFirst(
                    "\"(Zebulon|Quagmire|victim|mobile|Columbus|Patient)\"",
                    java.util.regex.Matcher.quoteReplacement(values[random.nextInt(values.length)]))
                .getBytes(UTF_8);
      }
      case 3 -> {
        int from = random.nextInt(body.length);
        int to = from + random.nextInt(body.length - from);
        byte[] shorter = new byte[body.length - (to - from)];
        System.arraycopy(body, 0, shorter, 0, from);
        System.arraycopy(body, to, shorter, from, body.length - to);
        body = shorter.length == 0 ? new byte[] {'{'} : shorter;
      }
      case 4 -> body = ("[".repeat(1 + random.nextInt(3_000)) + "1").getBytes(UTF_8);
      default ->
          body =
              new String(body, UTF_8)
                  .replace("\"name\"", "\"" + "x".repeat(random.nextInt(200)) + "\":1,\"name\"")
                  .replace("Zebulon", "Z\\u0000" + "y".repeat(random.nextInt(20_000)))
                  .getBytes(UTF_8);
    }
    return body;
  }
}
