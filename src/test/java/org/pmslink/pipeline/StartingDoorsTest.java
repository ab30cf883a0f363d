package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who sends while the engine starts: nothing says yet that what is sent to is not there. */
class StartingDoorsTest {
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

  private record Answer(int status, boolean saysWhen) {}

  @Test
  void areToldToComeAgainUntilTheFeedsAreTakenUp(@TempDir Path folder) throws Exception {
    int port = MllpSender.freePort();
    List<Answer> pushed = new CopyOnWriteArrayList<>();
    List<Answer> fhir = new CopyOnWriteArrayList<>();
    try (Engine engine = new Engine(folder).withWeb(port)) {
      Thread sender =
          new Thread(
              () -> {
                while (isToBeAsked(pushed) || isToBeAsked(fhir)) {
                  ask(port, "/in/early", pushed);
                  ask(port, "/in-fhir/early/Patient", fhir);
                }
              });
      sender.setDaemon(true);
      sender.start();
      engine.start();
      Awaitility.await("the engine has taken up its feeds")
          .atMost(Office.LONGEST)
          .until(() -> !isToBeAsked(pushed) && !isToBeAsked(fhir));
    }
    for (List<Answer> answers : List.of(pushed, fhir)) {
      assertThat(answers.get(0)).isEqualTo(new Answer(503, true));
      assertThat(answers.get(answers.size() - 1))
          .as("then it is known")
          .isEqualTo(new Answer(401, false));
    }
  }

  private static boolean isToBeAsked(List<Answer> answers) {
    return answers.isEmpty() || answers.get(answers.size() - 1).status() == 503;
  }

  private void ask(int port, String address, List<Answer> answers) {
    if (!isToBeAsked(answers)) {
      return;
    }
    try {
      HttpResponse<String> answer =
          http.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + address))
                  .timeout(Duration.ofSeconds(30))
                  .header("Authorization", "Bearer no-token")
                  .header("Content-Type", "application/json")
                  .POST(BodyPublishers.ofString("{}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      answers.add(
          new Answer(answer.statusCode(), answer.headers().firstValue("Retry-After").isPresent()));
    } catch (IOException e) {
      // Nobody listens yet.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
