package org.pmslink.sample;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Answers each request with bytes that it was given before, HTTP or not, and hangs up. Without any,
 * it lets a server behind it answer, or hangs up at once.
 */
public final class RawHttpServer implements AutoCloseable {
  /** Of a request, those that the client behind writes itself. */
  private static final Set<String> LEFT_OUT =
      Set.of("host", "connection", "content-length", "accept-encoding", "upgrade");

  private final ServerSocket socket;
  private final @Nullable URI behind;
  private final HttpClient client = HttpClient.newHttpClient();
  private final Queue<byte[]> answers = new ConcurrentLinkedQueue<>();
  private final ExecutorService server = Executors.newFixedThreadPool(2);

  /**
   * @param behind origin of a server that answers GET when there is nothing broken to answer
   */
  public RawHttpServer(@Nullable String behind) {
    this.behind = behind == null ? null : URI.create(behind);
    try {
      socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.execute(this::serve);
    server.execute(this::serve);
  }

  /** Where it listens. */
  public String url() {
    return "http://127.0.0.1:" + socket.getLocalPort();
  }

  /** The next request gets this. */
  public void answer(byte[] bytes) {
    answers.add(bytes);
  }

  /** Whether everything that is broken was asked for. */
  public boolean isDone() {
    return answers.isEmpty();
  }

  private void serve() {
    while (!socket.isClosed()) {
      try (Socket caller = socket.accept()) {
        String head = head(caller.getInputStream());
        byte[] answer = answers.poll();
        if (answer == null) {
          answer = behind == null ? new byte[0] : fromBehind(behind, head);
        }
        caller.getOutputStream().write(answer);
        caller.getOutputStream().flush();
        caller.shutdownOutput();
        // Who hangs up while something is unread resets the connection, and the answer is lost.
        caller.setSoTimeout(100);
        caller.getInputStream().readNBytes(1);
      } catch (IOException e) {
        // The caller, or this server, has hung up.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private static String head(InputStream in) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    for (int b = in.read(); b >= 0; b = in.read()) {
      head.write(b);
      if (b == '\n' && head.toString(ISO_8859_1).endsWith("\r\n\r\n")) {
        break;
      }
    }
    return head.toString(ISO_8859_1);
  }

  private byte[] fromBehind(URI origin, String head) throws IOException, InterruptedException {
    String[] lines = head.split("\r\n");
    if (!lines[0].startsWith("GET ")) {
      return new byte[0];
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(origin + lines[0].split(" ")[1])).GET();
    for (int i = 1; i < lines.length; i++) {
      String[] sides = lines[i].split(": ?", 2);
      if (sides.length == 2 && !LEFT_OUT.contains(sides[0].toLowerCase(Locale.ROOT))) {
        request.header(sides[0], sides[1]);
      }
    }
    HttpResponse<byte[]> response =
        client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    StringBuilder out = new StringBuilder("HTTP/1.1 " + response.statusCode() + " As behind\r\n");
    for (String name : new String[] {"content-type", "date", "retry-after"}) {
      response.headers().firstValue(name).ifPresent(v -> out.append(name + ": " + v + "\r\n"));
    }
    out.append("Connection: close\r\nContent-Length: " + response.body().length + "\r\n\r\n");
    answer.writeBytes(out.toString().getBytes(ISO_8859_1));
    answer.writeBytes(response.body());
    return answer.toByteArray();
  }

  @Override
  public void close() throws IOException {
    socket.close();
    server.shutdownNow();
  }
}
