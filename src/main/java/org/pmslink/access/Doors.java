package org.pmslink.access;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.stereotype.Component;
import org.springframework.util.unit.DataSize;

/** Makes the filters that stand before the engine's addresses. */
@Component
@ConditionalOnWebApplication
@EnableConfigurationProperties(AccessSettings.class)
public class Doors {
  private final AccessTokens tokens;
  private final SignedTokens signedTokens;
  private final Audit audit;
  private final AccessSettings settings;

  /** One for all doors: a client that guesses at one of them is not listened to at any. */
  private final Throttle throttle;

  /** Likewise: calls count wherever they go. */
  private final RateLimits limits;

  Doors(AccessTokens tokens, SignedTokens signedTokens, Audit audit, AccessSettings settings) {
    this.tokens = tokens;
    this.signedTokens = signedTokens;
    this.audit = audit;
    this.settings = settings;
    limits = new RateLimits(settings.callsPerMinute());
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

  /** What the names in an address mean, and who may call there besides bearers of a token. */
  public interface Named {
    /** Practice that what is named belongs to; empty when there is nothing of that name. */
    String practiceOf(String name);

    /** Without which nobody passes, whatever they ask for there. */
    default Right needs() {
      return Right.BE_THERE;
    }

    /** Whether bearers of a token may call; names that are unknown say yes. */
    default boolean takesTokens(String name) {
      return true;
    }

    /** Whether callers may call so many times a minute; a feed takes what its PMS sends. */
    default boolean isRateLimited() {
      return false;
    }

    /** Whether an address is open to everybody; there is nothing of a practice behind it. */
    default boolean isPublic(String path) {
      return false;
    }

    /** Whether a request looks signed; cheap, and says nothing about the signature. */
    default boolean isSigned(String name, HttpServletRequest request) {
      return false;
    }

    /** Who has signed a request, or nobody. */
    default @Nullable Caller signer(String name, HttpServletRequest request, byte[] body) {
      return null;
    }

    /**
     * Whether what is named may be there in a moment, because the engine is starting or takes up
     * what is new. Who calls then is told to come again, and not that there is nothing: senders
     * give up on that.
     */
    default boolean isComing(String name) {
      return false;
    }

    /** For a caller who has shown nothing good. */
    String whatIsNeeded();

    /** For a caller who may call elsewhere. */
    String notThere();
  }

  /** Names of practices, where a token is all there is. */
  private static class Practices implements Named {
    private final Set<String> publicPaths;

    Practices(Set<String> publicPaths) {
      this.publicPaths = publicPaths;
    }

    @Override
    public boolean isRateLimited() {
      return true;
    }

    @Override
    public boolean isPublic(String path) {
      return publicPaths.contains(path);
    }

    @Override
    public String practiceOf(String name) {
      return name;
    }

    @Override
    public String whatIsNeeded() {
      return "a valid bearer token is needed";
    }

    @Override
    public String notThere() {
      return "there is no such practice for this token";
    }
  }

  /**
   * A filter that lets nobody pass who has no token for the practice that is named.
   *
   * @param all what it stands before, for example {@code /fhir/*}
   * @param beforePractice what the practice follows on, for example {@code /fhir/}
   */
  public FilterRegistrationBean<CallerFilter> guard(
      String all, String beforePractice, Refusal refusal) {
    return guard(all, beforePractice, Set.of(), refusal);
  }

  /**
   * The same but for addresses that are open to everybody.
   *
   * @param publicPaths those, in full
   */
  public FilterRegistrationBean<CallerFilter> guard(
      String all, String beforePractice, Set<String> publicPaths, Refusal refusal) {
    return guard(all, beforePractice, settings.largestBody(), new Practices(publicPaths), refusal);
  }

  /**
   * The same for addresses with names of another kind.
   *
   * @param largestBody of a request to these addresses
   */
  public FilterRegistrationBean<CallerFilter> guard(
      String all, String beforeName, DataSize largestBody, Named named, Refusal refusal) {
    FilterRegistrationBean<CallerFilter> guard =
        new FilterRegistrationBean<>(
            new CallerFilter(
                tokens,
                signedTokens,
                audit,
                throttle,
                limits,
                largestBody.toBytes(),
                beforeName,
                named,
                refusal));
    guard.addUrlPatterns(all);
    guard.setName("callers of " + all);
    return guard;
  }
}
