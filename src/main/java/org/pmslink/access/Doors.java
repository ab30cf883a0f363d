package org.pmslink.access;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.stereotype.Component;

/** Makes the filters that stand before the engine's addresses. */
@Component
@ConditionalOnWebApplication
@EnableConfigurationProperties(AccessSettings.class)
public class Doors {
  private final AccessTokens tokens;
  private final Audit audit;
  private final AccessSettings settings;

  /** One for all doors: a client that guesses at one of them is not listened to at any. */
  private final Throttle throttle;

  Doors(AccessTokens tokens, Audit audit, AccessSettings settings) {
    this.tokens = tokens;
    this.audit = audit;
    this.settings = settings;
    throttle = new Throttle(settings.refusalsPerMinute());
  }

  /** Says no in the language of an address. */
  @FunctionalInterface
  public interface Refusal {
    /**
     * @param status of HTTP
     * @param reason for the caller, without anything that the caller sent
     */
    void write(HttpServletResponse response, int status, String reason) throws IOException;
  }

  /**
   * A filter that lets nobody pass who has no token for the practice that is named.
   *
   * @param all what it stands before, for example {@code /fhir/*}
   * @param beforePractice what the practice follows on, for example {@code /fhir/}
   */
  public FilterRegistrationBean<CallerFilter> guard(
      String all, String beforePractice, Refusal refusal) {
    FilterRegistrationBean<CallerFilter> guard =
        new FilterRegistrationBean<>(
            new CallerFilter(
                tokens,
                audit,
                throttle,
                settings.largestBody().toBytes(),
                beforePractice,
                refusal));
    guard.addUrlPatterns(all);
    guard.setName("callers of " + all);
    return guard;
  }
}
