package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/**
 * Requests that hardly are any, byte by byte: each ends in a refusal in our words, which repeats
 * nothing of them, and the log says nothing of them either.
 */
@ExtendWith({Pipeline.class, OutputCaptureExtension.class})
class UnreadableRequestsTest {
  private static final String SENTINEL = "Xyloquenta";
  private static final Pattern TYPE = Pattern.compile("(?i)\r\ncontent-type: ([^;\r]+)");

  private final Engine engine;

  UnreadableRequestsTest(Engine engine) {
    this.engine = engine;
  }

  private record Answer(int status, String type, String body, String whole) {}

  /** From an address of its own, which may be refused often. */
  private Answer send(String request, byte[] body) throws IOException {
    try (Socket socket =
        new Socket(
            InetAddress.getByName("127.0.0.1"),
            URI.create(engine.url()).getPort(),
            InetAddress.getByName("127.0.0.31"),
            0)) {
      socket.setSoTimeout(60_000);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      bytes.writeBytes(request.getBytes(ISO_8859_1));
      bytes.writeBytes(body);
      socket.getOutputStream().write(bytes.toByteArray());
      String whole = new String(socket.getInputStream().readAllBytes(), UTF_8);
      Matcher type = TYPE.matcher(whole);
      return new Answer(
          Integer.parseInt(whole.substring(9, 12)),
          type.find() ? type.group(1) : "",
          whole.substring(whole.indexOf("\r\n\r\n") + 4),
          whole);
    }
  }

  private Answer get(String target, String headers) throws IOException {
    return send(
        "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n",
        new byte[0]);
  }

  private static void isPage(Answer answer, int status) {
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.type()).isEqualTo("text/html");
    assertThat(answer.whole()).contains("PMS Link").doesNotContain(SENTINEL, "Tomcat", "Exception");
  }

  private static void isProblem(Answer answer, int status) {
    assertThat(answer.status()).as(answer.whole()).isEqualTo(status);
    assertThat(answer.type()).isEqualTo("application/problem+json");
    assertThat(answer.body()).contains("about:blank", "\"status\":" + status, "\"detail\":");
    assertThat(answer.whole()).doesNotContain(SENTINEL, "Tomcat", "Exception", "timestamp");
  }

  @ParameterizedTest
  @CsvSource({
    "/console/Xyloquenta%2f..%2fx,page",
    "/sign-in/Xyloquenta%00,page",
    "/console/Xyloquenta%zz,page",
    "/api/v1/practices/Xyloquenta%2f..%2fx,problem",
    "/fhir/Xyloquenta%zz,problem",
    "/in/Xyloquenta%,problem",
    // No browser sends these.
    "/console/{Xyloquenta},problem",
    "/api/v1/practices/smiles/members?q={Xyloquenta},problem",
    "/console/<Xyloquenta>,problem",
    "/fhir//Xyloquenta/Patient,problem",
    "/in/./Xyloquenta,problem",
    "/api/v1/practices//Xyloquenta,problem",
  })
  void anAddressThatCannotBeRead(String address, String answer, CapturedOutput output)
      throws Exception {
    Answer given = get(address, "");
    if (answer.equals("page")) {
      isPage(given, 400);
      assertThat(given.whole())
          .contains(
              "X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'none'");
    } else {
      isProblem(given, 400);
    }
    assertThat(output).doesNotContain(SENTINEL);
  }

  @Test
  void anAddressThatThereIsNot() throws Exception {
    isProblem(get("/nothing/" + SENTINEL, ""), 404);
    Answer page = get("/nothing/" + SENTINEL, "Accept: text/html\r\n");
    isPage(page, 404);
    assertThat(page.body()).contains("There is nothing here");
    isPage(get("/console//" + SENTINEL, "Accept: text/html\r\n"), 400);
  }

  @Test
  void whatIsNotEvenHttp() throws Exception {
    assertThat(send("\u000bMSH|^~\\&|" + SENTINEL + "\u001c\r\r\n\r\n", new byte[0]).whole())
        .startsWith("HTTP/1.1 400")
        .doesNotContain(SENTINEL, "Tomcat");
    isPage(get("/console", "X-Name: " + SENTINEL + "\u0000\r\n"), 400);
  }

  @Test
  void aFormThatIsTakenApartBadlyFillsNoLog(CapturedOutput output) throws Exception {
    String body = "--x\r\n" + SENTINEL;
    Answer answer =
        send(
            "POST /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/html\r\n"
                + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: "
                + body.length()
                + "\r\n\r\n",
            body.getBytes(UTF_8));
    assertThat(answer.status()).as("to a sign-in page that is good").isEqualTo(302);
    assertThat(output).doesNotContain(SENTINEL, "MultipartStream", "threw exception");
  }

  @Test
  void aProgramThatMayCall(CapturedOutput output) throws Exception {
    try (PushedPractice practice = PushedPractice.overHttp(engine).open()) {
      String token = "Authorization: Bearer " + practice.token() + "\r\n";
      String api = "/api/v1/practices/" + practice.name + "/members";

      // Half of a character, which the store would make a question mark of.
      for (String unstorable : List.of("\\ud800", "\\udc00x")) {
        String body =
            "{\"given\": \"Ines\", \"birth_date\": \"1980-02-14\", \"phone_mobile\": \"6142281234\","
                + " \"family\": \""
                + SENTINEL
                + unstorable
                + "\"}";
        Answer answer = post(api, token, body);
        isProblem(answer, 400);
        assertThat(answer.body()).contains("family: not a value of its kind");
      }
      assertThat(practice.count("select count(*) from members where practice_id = ?")).isZero();
      isProblem(post(api, token + "Idempotency-Key: " + SENTINEL + "\u0080\r\n", "{}"), 400);

      Answer search =
          get("/fhir/" + practice.name + "/Patient?identifier=" + SENTINEL + "|17", token);
      assertThat(search.status()).isEqualTo(200);
      assertThat(search.type()).isEqualTo("application/fhir+json");
      isProblem(
          send(
              "POST /in/"
                  + practice.name
                  + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  + token
                  + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
                  + SENTINEL,
              new byte[0]),
          400);
      assertThat(output).doesNotContain(SENTINEL, "a request failed");
    }
  }

  private Answer post(String path, String headers, String body) throws IOException {
    return send(
        "POST "
            + path
            + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            + headers
            + "Content-Type: application/json\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n",
        body.getBytes(UTF_8));
  }

  // ---- Files of commands ----

  @Test
  void filesThatAreNoText(@TempDir Path folder) throws Exception {
    byte[] noise = {(byte) 0xFF, (byte) 0xFE, 'X', 0, (byte) 0xC0, (byte) 0x80};
    Path feed = Files.write(folder.resolve("noise.camel.yaml"), noise);
    Path record = Files.write(folder.resolve("noise.json"), noise);
    Shell checked = Shell.run(engine, "check", feed.toString(), "--offline");
    assertThat(checked.status()).isEqualTo(1);
    assertThat(checked.output()).contains("UTF-8").doesNotContain("Input length");
    Shell edited =
        Shell.run(
            engine, "dead-letters", "edit", "1", "--file", record.toString(), "--reason", "a try");
    assertThat(edited.status()).isEqualTo(1);
    assertThat(edited.output()).contains("UTF-8").doesNotContain("Input length");
    Shell nothing = Shell.run(engine, "check", record.toString(), "--offline");
    assertThat(nothing.status()).isEqualTo(1);
    assertThat(nothing.output()).contains("nothing to check");
  }
}
