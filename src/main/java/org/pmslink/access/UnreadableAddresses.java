package org.pmslink.access;

import java.io.IOException;
import java.io.Writer;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;
import org.springframework.stereotype.Component;

/**
 * Answers requests that Tomcat refuses before anything of ours sees them: an address with a slash
 * or a per cent sign that is badly encoded, or with characters that belong into none. Nothing of
 * the address is repeated: it may hold what somebody has typed.
 */
@Component
@ConditionalOnWebApplication
class UnreadableAddresses
    implements WebServerFactoryCustomizer<TomcatServletWebServerFactory>, Ordered {

  /** After Spring Boot's own, which puts a page of Tomcat's there. */
  @Override
  public int getOrder() {
    return LOWEST_PRECEDENCE;
  }

  @Override
  public void customize(TomcatServletWebServerFactory factory) {
    factory.addContextCustomizers(
        context -> context.getParent().getPipeline().addValve(new Answer()));
  }

  /** In the language of the address, as far as it is one. */
  private static final class Answer extends ErrorReportValve {
    private static final String TITLE = "Bad Request";
    private static final String REASON = "the address or a header of the request cannot be read";

    @Override
    protected void report(Request request, Response response, @Nullable Throwable failure) {
      int status = response.getStatus();
      if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
        return;
      }
      String address = request.getRequestURI();
      // None at all when it holds characters that browsers do not send.
      boolean program =
          address == null
              || address.isEmpty()
              || address.startsWith("/api/")
              || address.startsWith("/in/")
              || address.startsWith("/fhir/");
      response.setHeader("Cache-Control", "no-store");
      response.setHeader("X-Content-Type-Options", "nosniff");
      response.setContentType(program ? "application/problem+json" : "text/html");
      response.setCharacterEncoding("UTF-8");
      String title = status == 400 ? TITLE : "Error";
      String reason = status == 400 ? REASON : "the request cannot be answered";
      try {
        Writer writer = response.getReporter();
        if (writer == null) {
          return;
        }
        if (program) {
          writer.write(
              "{\"type\":\"about:blank\",\"title\":\""
                  + title
                  + "\",\"status\":"
                  + status
                  + ",\"detail\":\""
                  + reason
                  + "\"}");
        } else {
          response.setHeader("Content-Security-Policy", "default-src 'none'");
          writer.write(
              "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                  + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                  + "<title>PMS Link</title></head><body><main><h1>That was not understood</h1><p>"
                  + Character.toUpperCase(reason.charAt(0))
                  + reason.substring(1)
                  + ".</p><p><a href=\"/console\">To the beginning</a></p></main></body></html>");
        }
        response.finishResponse();
      } catch (IOException e) {
        // Nobody waits for an answer any more.
      }
    }
  }
}
