package org.pmslink.feed;

import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.springframework.stereotype.Component;

/**
 * How PMSs are asked over HTTP. The client tries nothing again by itself: it would wait as long as
 * a PMS says, an hour perhaps, and nobody would see why the feed stands still. The feed pauses
 * instead, with the reason.
 */
@Component
public class PmsHttpClient implements HttpClientConfigurer {

  @Override
  public void configureHttpClient(HttpClientBuilder client) {
    client.disableAutomaticRetries().disableCookieManagement().disableAuthCaching();
  }
}
