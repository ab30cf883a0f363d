package org.pmslink.event;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.UnknownHostException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLException;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.util.Timeout;
import org.pmslink.event.WebhookQueue.Delivery;
import org.pmslink.event.WebhookQueue.Turn;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.annotation.Profile;
import org.springframework.stereotype.Component;

/**
 * Sends events to webhooks, signed as Standard Webhooks has it. Follows no redirect, and reads of
 * an answer no more than its status and when to come again.
 */
@Component
@Profile("!tool")
public class WebhookSender implements DisposableBean {
  private static final Duration LONGEST_CONNECT = Duration.ofSeconds(5);
  private static final Duration LONGEST_ANSWER = Duration.ofSeconds(10);

  /** The other webhooks wait for the slowest one's turn to end. */
  private static final Duration TURN = Duration.ofSeconds(10);

  /** With as much read of an answer, its connection can be used again; a larger one is closed. */
  private static final int READ_AND_FORGOTTEN = 16 * 1024;

  /** What says that a receiver, and not this event, is the matter. */
  private static final Set<Integer> NOT_ABOUT_THE_EVENT =
      Set.of(401, 403, 404, 405, 407, 408, 410, 421, 423, 425, 429, 451);

  private final WebhookQueue queue;
  private final CloseableHttpClient outside = client(new Reachable(false));
  private final CloseableHttpClient anywhere = client(new Reachable(true));

  WebhookSender(WebhookQueue queue) {
    this.queue = queue;
  }

  private static CloseableHttpClient client(Reachable addresses) {
    return HttpClientBuilder.create()
        .setConnectionManager(
            PoolingHttpClientConnectionManagerBuilder.create()
                .setDnsResolver(addresses)
                .setDefaultConnectionConfig(
                    ConnectionConfig.custom()
                        .setConnectTimeout(Timeout.of(LONGEST_CONNECT))
                        .setSocketTimeout(Timeout.of(LONGEST_ANSWER))
                        .build())
                .build())
        .setDefaultRequestConfig(
            RequestConfig.custom()
                .setResponseTimeout(Timeout.of(LONGEST_ANSWER))
                .setRedirectsEnabled(false)
                .build())
        .setUserAgent("PMS-Link")
        .disableRedirectHandling()
        .disableAutomaticRetries()
        .disableCookieManagement()
        .disableAuthCaching()
        .disableContentCompression()
        .build();
  }

  /** Sends what waits for a webhook, in order, until something fails or its time is over. */
  public void deliver(Turn turn) {
    long end = System.nanoTime() + TURN.toNanos();
    Set<String> heldUp = new HashSet<>();
    List<Delivery> page = queue.next(turn);
    while (!page.isEmpty()) {
      for (Delivery delivery : page) {
        if (heldUp.contains(delivery.event().subject())) {
          continue;
        }
        if (System.nanoTime() > end || !send(turn, delivery, heldUp)) {
          return;
        }
      }
      page = queue.next(turn);
    }
  }

  /** Returns whether the receiver is there. */
  private boolean send(Turn turn, Delivery delivery, Set<String> heldUp) {
    Answer answer = post(turn, delivery.event());
    if (answer.status >= 200 && answer.status < 300) {
      queue.delivered(turn, delivery, answer.status);
      return true;
    }
    if (answer.status >= 400
        && answer.status < 500
        && !NOT_ABOUT_THE_EVENT.contains(answer.status)) {
      queue.refused(turn, delivery, answer.status);
      heldUp.add(delivery.event().subject());
      return true;
    }
    queue.failed(turn, delivery, answer.words, answer.retryAfter);
    return false;
  }

  /**
   * What came of a request.
   *
   * @param words the status, or what kind of failure
   */
  private record Answer(int status, String words, long retryAfter) {
    static Answer failure(String words) {
      return new Answer(0, words, 0);
    }
  }

  private Answer post(Turn turn, Event event) {
    URI url;
    try {
      url = Webhooks.requireUsable(turn.url(), turn.mayBePrivate());
    } catch (IllegalArgumentException e) {
      return Answer.failure("address not allowed");
    }
    String body = event.toJson();
    long now = Instant.now().getEpochSecond();
    HttpPost request = new HttpPost(url);
    request.setHeader("webhook-id", event.id());
    request.setHeader("webhook-timestamp", Long.toString(now));
    request.setHeader("webhook-signature", signature(turn.key(), event.id(), now, body));
    request.setEntity(new StringEntity(body, ContentType.APPLICATION_JSON));
    CloseableHttpClient client = turn.mayBePrivate() ? anywhere : outside;
    try (ClassicHttpResponse response = client.executeOpen(null, request, null)) {
      if (response.getEntity() != null) {
        try (InputStream rest = response.getEntity().getContent()) {
          if (rest != null && rest.readNBytes(READ_AND_FORGOTTEN).length == READ_AND_FORGOTTEN) {
            request.abort();
          }
        } catch (IOException e) {
          // Whatever it was going to say: its status was there.
        }
      }
      return new Answer(response.getCode(), "status " + response.getCode(), retryAfter(response));
    } catch (Reachable.ForbiddenException e) {
      return Answer.failure("address not allowed");
    } catch (UnknownHostException e) {
      return Answer.failure("unknown host");
    } catch (SSLException e) {
      return Answer.failure("no TLS");
    } catch (IOException e) {
      return Answer.failure(e instanceof java.io.InterruptedIOException ? "too slow" : "no answer");
    }
  }

  private static long retryAfter(ClassicHttpResponse response) {
    Header header = response.getFirstHeader("Retry-After");
    String value = header == null ? "" : String.valueOf(header.getValue());
    return value.matches("\\d{1,6}") ? Long.parseLong(value) : 0;
  }

  /** Over id, time and body, so that neither can be exchanged. */
  static String signature(byte[] key, String id, long timestamp, String body) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      byte[] signed = mac.doFinal((id + "." + timestamp + "." + body).getBytes(UTF_8));
      return "v1," + Base64.getEncoder().encodeToString(signed);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no HmacSHA256", e);
    }
  }

  @Override
  public void destroy() throws IOException {
    outside.close();
    anywhere.close();
  }
}
