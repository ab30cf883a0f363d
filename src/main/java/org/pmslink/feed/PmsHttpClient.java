package org.pmslink.feed;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.classic.ExecChain;
import org.apache.hc.client5.http.classic.ExecRuntime;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.springframework.stereotype.Component;

/**
 * How PMSs are asked over HTTP. The client tries nothing again by itself: it would wait as long as
 * a PMS says, an hour perhaps, and nobody would see why the feed stands still. The feed pauses
 * instead, with the reason. An answer that is too long to be held is no answer, either.
 */
@Component
public class PmsHttpClient implements HttpClientConfigurer {
  private static final long LONGEST_ANSWER = 64L * 1024 * 1024;

  @Override
  public void configureHttpClient(HttpClientBuilder client) {
    client
        .disableAutomaticRetries()
        .disableCookieManagement()
        .disableAuthCaching()
        .addExecInterceptorFirst("longest answer", PmsHttpClient::limited);
  }

  private static ClassicHttpResponse limited(
      ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
      throws IOException, HttpException {
    ClassicHttpResponse response = chain.proceed(request, scope);
    HttpEntity body = response.getEntity();
    if (body != null) {
      response.setEntity(new Limited(body, scope.execRuntime));
    }
    return response;
  }

  /** A body that breaks off before it fills the memory, with a reason that says so. */
  private static final class Limited extends HttpEntityWrapper {
    private final ExecRuntime connection;

    Limited(HttpEntity body, ExecRuntime connection) {
      super(body);
      this.connection = connection;
    }

    @Override
    public InputStream getContent() throws IOException {
      return new FilterInputStream(super.getContent()) {
        private long read;

        @Override
        public int read() throws IOException {
          int one = super.read();
          count(one < 0 ? 0 : 1);
          return one;
        }

        @Override
        public int read(byte[] into, int from, int length) throws IOException {
          int some = super.read(into, from, length);
          count(Math.max(0, some));
          return some;
        }

        private void count(int more) {
          read += more;
          if (read > LONGEST_ANSWER) {
            // Closing would read the rest first, however much that is.
            connection.discardEndpoint();
            throw new HttpAnswer.Failure(
                "an answer of the PMS has more than 64 MB; let it give smaller ones. Where it is a"
                    + " file of a bulk export, it may do so in more files, or set bulk to false");
          }
        }

        @Override
        public void close() throws IOException {
          if (read <= LONGEST_ANSWER) {
            super.close();
          }
        }
      };
    }
  }
}
