package org.pmslink.door;

import jakarta.servlet.http.HttpServletRequest;
import java.time.Clock;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Caller;
import org.pmslink.access.Doors;
import org.pmslink.access.Right;
import org.pmslink.feed.FeedFiles;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** The feeds that are open over HTTP, and who may send to them. */
@Component
public class HttpFeeds implements Doors.Named {
  private static final String SIGNATURE = HttpFeeds.class.getName() + ".signature";

  private final CamelContext camel;
  private final FeedFiles files;
  private final Practices practices;
  private final JdbcClient database;
  private final Clock clock = Clock.systemUTC();
  private final Map<String, HttpFeed> open = new ConcurrentHashMap<>();

  HttpFeeds(CamelContext camel, FeedFiles files, Practices practices, JdbcClient database) {
    this.camel = camel;
    this.files = files;
    this.practices = practices;
    this.database = database;
  }

  void open(HttpFeed feed) {
    open.put(feed.getDefinition().getFeed(), feed);
  }

  /** The feed of this name, if its route is there. */
  @Nullable HttpFeed find(String feed) {
    HttpFeed found = open.get(feed);
    return found == null || route(feed) == null ? null : found;
  }

  /** The route that puts what comes in on the queue; it is named after its feed. */
  @Nullable Route route(String feed) {
    return camel.getRoute(feed);
  }

  @Override
  public String practiceOf(String feed) {
    HttpFeed found = find(feed);
    return found == null ? "" : found.getDefinition().getPractice();
  }

  @Override
  public boolean isComing(String feed) {
    return find(feed) == null && files.isComing(feed);
  }

  @Override
  public Right needs() {
    return Right.SEND_RECORDS;
  }

  @Override
  public boolean takesTokens(String feed) {
    HttpFeed found = find(feed);
    return found == null || found.getProof().isByToken();
  }

  @Override
  public boolean isSigned(String feed, HttpServletRequest request) {
    HttpFeed found = find(feed);
    return found != null && found.getProof().looksSigned(request);
  }

  @Override
  public @Nullable Caller signer(String feed, HttpServletRequest request, byte[] body) {
    HttpFeed found = find(feed);
    if (found == null
        || !found
            .getProof()
            .isGood(request, body, clock.instant(), s -> request.setAttribute(SIGNATURE, s))) {
      return null;
    }
    String practice = found.getDefinition().getPractice();
    return new Caller(
        0, signerOf(feed), practices.id(practice), practice, Set.of(Right.SEND_RECORDS));
  }

  /** Name of a feed's signer in the audit. */
  static String signerOf(String feed) {
    return "signer of " + feed;
  }

  @Override
  public String whatIsNeeded() {
    return "a bearer token of the practice, or the signature or key that this feed asks for, is needed";
  }

  @Override
  public String notThere() {
    return "there is no such feed for this token";
  }

  /**
   * Whether the signature of a request was used before: what somebody overheard cannot be sent
   * again, where it would overwrite what came since.
   */
  boolean isSignatureUsed(HttpFeed feed, HttpServletRequest request) {
    byte[] signature = (byte[]) request.getAttribute(SIGNATURE);
    return signature != null
        && database
            .sql(
                """
                select exists (select 1 from used_signatures
                               where practice_id = ? and feed = ? and signature = ?)""")
            .params(
                practices.id(feed.getDefinition().getPractice()),
                feed.getDefinition().getFeed(),
                signature)
            .query(Boolean.class)
            .single();
  }

  /**
   * Uses up the signature of a request that is on the queue, and not before: one that was not taken
   * may come again as it is. Two that come at the same moment are both taken, and say the same.
   */
  void useSignature(HttpFeed feed, HttpServletRequest request) {
    byte[] signature = (byte[]) request.getAttribute(SIGNATURE);
    if (signature == null) {
      return;
    }
    String name = feed.getDefinition().getFeed();
    int practice = practices.id(feed.getDefinition().getPractice());
    // What is older than twice the tolerance is refused for its time.
    database
        .sql(
            """
            delete from used_signatures where practice_id = ? and feed = ?
              and used_at < now() - make_interval(secs => ?)""")
        .params(practice, name, 2.0 * feed.getProof().tolerance().toSeconds() + 60)
        .update();
    database
        .sql(
            """
            insert into used_signatures (practice_id, feed, signature) values (?, ?, ?)
            on conflict do nothing""")
        .params(practice, name, signature)
        .update();
  }
}
