package org.pmslink.feed;

import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.springframework.stereotype.Component;

/**
 * Keeps the HTTP client from waiting and asking again by itself when a PMS says 429 or 503: it
 * would hold the feed's thread for as long as the PMS likes, and the status would show nothing of
 * it. The feed pauses instead.
 */
@Component
class AskOnce implements HttpClientConfigurer {
  @Override
  public void configureHttpClient(HttpClientBuilder client) {
    client.disableAutomaticRetries();
  }
}
