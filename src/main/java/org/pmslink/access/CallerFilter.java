package org.pmslink.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.bucket4j.ConsumptionProbe;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Lets a request pass that bears a token of the practice in its address, ours or a provider's, or
 * whose sender has signed it, with a body of bounded size; refuses all others, and notes every
 * call.
 *
 * <p>Without a good token or signature the answer is 401, whatever is named; with a token for
 * another practice it is 404, whether what is named exists or not. So nobody learns which practices
 * there are. Whoever may call there, and not do what they want, gets 403.
 */
public final class CallerFilter extends OncePerRequestFilter {
  private static final Logger LOG = LoggerFactory.getLogger(CallerFilter.class);
  private static final String BEARER = "bearer ";
  private static final int LONGEST_TOKEN = 200;

  /** Seconds. */
  private static final String IN_A_MOMENT = "10";

  private static final String WANTED = CallerFilter.class.getName() + ".wanted";

  /** What a caller is told who is let in, and not to this. */
  public static final String NOT_IN_THIS_ROLE = "this token's role does not allow that";

  private final AccessTokens tokens;
  private final SignedTokens signedTokens;
  private final Audit audit;
  private final Throttle throttle;
  private final RateLimits limits;
  private final long largestBody;
  private final String beforeName;
  private final Doors.Named named;
  private final Doors.Refusal refusal;

  CallerFilter(
      AccessTokens tokens,
      SignedTokens signedTokens,
      Audit audit,
      Throttle throttle,
      RateLimits limits,
      long largestBody,
      String beforeName,
      Doors.Named named,
      Doors.Refusal refusal) {
    this.tokens = tokens;
    this.signedTokens = signedTokens;
    this.audit = audit;
    this.throttle = throttle;
    this.limits = limits;
    this.largestBody = largestBody;
    this.beforeName = beforeName;
    this.named = named;
    this.refusal = refusal;
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("X-Content-Type-Options", "nosniff");
    try {
      if (named.isComing(name(request))) {
        response.setHeader("Retry-After", IN_A_MOMENT);
        refusal.write(
            response, 503, "the engine is taking up its feeds; send it again in a moment");
        return;
      }
      Body body = new Body(request);
      Caller caller = letIn(request, response, body);
      if (caller != null && isWithinLimits(caller, response)) {
        serve(caller, request, response, body, chain);
      }
    } catch (DataAccessException e) {
      // The reason alone: a message of the database may quote what was looked for.
      LOG.warn("a call could not be checked or noted: {}", e.getClass().getSimpleName());
      if (!response.isCommitted()) {
        response.reset();
        response.setHeader("Retry-After", IN_A_MOMENT);
        refusal.write(response, 503, "the store cannot be reached; try again later");
      }
    }
  }

  /**
   * Whether whoever makes a request has a right; when not, the refusal that must follow is noted
   * with it.
   */
  public static boolean mayMake(HttpServletRequest request, Right right) {
    boolean may = Caller.of(request).may(right);
    if (!may) {
      request.setAttribute(WANTED, right);
    }
    return may;
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    return named.isPublic(path(request));
  }

  private boolean isWithinLimits(Caller caller, HttpServletResponse response) throws IOException {
    if (!named.isRateLimited()) {
      return true;
    }
    ConsumptionProbe call = limits.take(caller);
    response.setHeader("RateLimit-Policy", limits.policy());
    response.setHeader(
        "RateLimit",
        "\"caller\";r="
            + call.getRemainingTokens()
            + ";t="
            + seconds(call.getNanosToWaitForReset()));
    if (!call.isConsumed()) {
      response.setHeader(
          "Retry-After", Long.toString(Math.max(1, seconds(call.getNanosToWaitForRefill()))));
      refusal.write(response, 429, "this token has called too often; try again later");
    }
    return call.isConsumed();
  }

  private static long seconds(long nanos) {
    return (nanos + 999_999_999) / 1_000_000_000;
  }

  private @Nullable Caller letIn(
      HttpServletRequest request, HttpServletResponse response, Body body) throws IOException {
    String client = request.getRemoteAddr();
    long wait = throttle.secondsToWait(client, System.nanoTime());
    String shown = shown(request);
    // An address may be a whole office's, or a proxy's: whoever was let in from there goes on.
    if (wait > 0 && !throttle.wasGood(client, shown, System.nanoTime())) {
      refuseToListen(response, wait);
      return null;
    }
    String name = name(request);
    String practice = named.practiceOf(name);
    String token = token(request);
    // Looked up even if it is missing, so that every refusal takes the same time.
    Caller caller = tokens.bearer(token);
    SignedTokens.Bearer bearer = caller == null ? signedTokens.bearer(token) : null;
    if (bearer != null) {
      caller = signedTokens.in(practice, bearer);
    }
    if (caller != null && caller.practice().equals(practice) && !named.takesTokens(name)) {
      caller = null;
      bearer = null;
    }
    boolean signed = token.isEmpty() && named.isSigned(name, request);
    if (signed) {
      if (isRefused(body, response)) {
        throttle.refused(client, System.nanoTime());
        return null;
      }
      caller = named.signer(name, request, body.bytes());
    }
    if (caller != null && caller.practice().equals(practice)) {
      throttle.isGood(client, shown, true, System.nanoTime());
      if (caller.may(named.needs())) {
        return caller;
      }
      audit.note(caller, "refused", "wants " + named.needs());
      refusal.write(response, 403, NOT_IN_THIS_ROLE);
      return null;
    }
    throttle.isGood(client, shown, false, System.nanoTime());
    if (wait > 0) {
      refuseToListen(response, wait);
      return null;
    }
    throttle.refused(client, System.nanoTime());
    String elsewhere = caller != null ? caller.name() : bearer != null ? bearer.name() : null;
    audit.noteRefusal(
        practice,
        elsewhere == null ? "unknown" : elsewhere,
        (elsewhere != null
                ? "token of another practice"
                : signed
                    ? "no good signature or key"
                    : token.isEmpty() ? "no token" : "token unknown or revoked")
            + ", from "
            + client);
    if (elsewhere == null) {
      response.setHeader("WWW-Authenticate", "Bearer realm=\"pms-link\"");
      refusal.write(response, 401, named.whatIsNeeded());
    } else {
      refusal.write(response, 404, named.notThere());
    }
    return null;
  }

  private void refuseToListen(HttpServletResponse response, long wait) throws IOException {
    response.setHeader("Retry-After", Long.toString(wait));
    refusal.write(response, 429, "too many refused requests; try again later");
  }

  /**
   * What a request is known by in memory: a hash of its token or key. A signature, which every
   * request has another of, is known by nothing; the secret behind it may be worth guessing.
   */
  private static String shown(HttpServletRequest request) {
    String header = request.getHeader("Authorization");
    try {
      return header == null
          ? ""
          : HexFormat.of()
              .formatHex(MessageDigest.getInstance("SHA-256").digest(header.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  private void serve(
      Caller caller,
      HttpServletRequest request,
      HttpServletResponse response,
      Body body,
      FilterChain chain)
      throws ServletException, IOException {
    caller.makes(request);
    tokens.used(caller);
    try {
      if (!isRefused(body, response)) {
        chain.doFilter(new Buffered(request, body.bytes()), response);
      }
    } finally {
      // A successful call has been noted before its answer was written.
      if (response.getStatus() >= 400) {
        Object wanted = request.getAttribute(WANTED);
        audit.note(
            caller,
            "refused",
            wanted == null ? "status " + response.getStatus() : "wants " + wanted);
      }
    }
  }

  private boolean isRefused(Body body, HttpServletResponse response) throws IOException {
    String encoding = body.request.getHeader("Content-Encoding");
    if (encoding != null && !encoding.toLowerCase(Locale.ROOT).equals("identity")) {
      // A few compressed bytes may become any number of plain ones.
      refusal.write(response, 415, "send the body without Content-Encoding");
      return true;
    }
    if (body.request.getContentLengthLong() > largestBody || body.bytes().length > largestBody) {
      refusal.write(
          response, 413, "the body has more than " + largestBody + " bytes, the most allowed");
      return true;
    }
    return false;
  }

  /** The body of a request, read once and only when it is wanted. */
  private final class Body {
    private final HttpServletRequest request;
    private byte @Nullable [] read;

    Body(HttpServletRequest request) {
      this.request = request;
    }

    /** One byte more than is allowed when there are more. */
    byte[] bytes() throws IOException {
      byte[] bytes = read;
      if (bytes == null) {
        bytes = request.getInputStream().readNBytes(Math.toIntExact(largestBody) + 1);
        read = bytes;
      }
      return bytes;
    }
  }

  /** Empty when there is none, or one that is none of ours. */
  private String token(HttpServletRequest request) {
    String header = request.getHeader("Authorization");
    if (header == null || !header.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
      return "";
    }
    String token = header.substring(BEARER.length()).trim();
    return token.length() > Math.max(LONGEST_TOKEN, signedTokens.longest()) ? "" : token;
  }

  /** The name in the address; empty when there is none. Names need no decoding. */
  private String name(HttpServletRequest request) {
    String path = path(request);
    if (!path.startsWith(beforeName)) {
      return "";
    }
    String rest = path.substring(beforeName.length());
    int end = rest.indexOf('/');
    return end < 0 ? rest : rest.substring(0, end);
  }

  private static String path(HttpServletRequest request) {
    return request.getRequestURI().substring(request.getContextPath().length());
  }

  /** The request with its body in memory. */
  private static final class Buffered extends HttpServletRequestWrapper {
    private final byte[] body;

    Buffered(HttpServletRequest request, byte[] body) {
      super(request);
      this.body = body;
    }

    @Override
    public int getContentLength() {
      return body.length;
    }

    @Override
    public long getContentLengthLong() {
      return body.length;
    }

    @Override
    public BufferedReader getReader() {
      return new BufferedReader(new InputStreamReader(getInputStream(), UTF_8));
    }

    @Override
    public ServletInputStream getInputStream() {
      ByteArrayInputStream in = new ByteArrayInputStream(body);
      return new ServletInputStream() {
        @Override
        public int read() {
          return in.read();
        }

        @Override
        public int read(byte[] into, int from, int length) {
          return in.read(into, from, length);
        }

        @Override
        public boolean isFinished() {
          return in.available() == 0;
        }

        @Override
        public boolean isReady() {
          return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {
          throw new IllegalStateException("the body is read at once");
        }
      };
    }
  }
}
