package org.pmslink.fhir;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Doors;
import org.pmslink.access.Right;
import org.pmslink.feed.FeedFiles;
import org.springframework.stereotype.Component;

/** The feeds that are sent FHIR resources, by name, while their routes run. */
@Component
public class FhirFeeds implements Doors.Named {
  private final Map<String, FhirFeed> feeds = new ConcurrentHashMap<>();
  private final CamelContext camel;
  private final FeedFiles files;

  FhirFeeds(CamelContext camel, FeedFiles files) {
    this.camel = camel;
    this.files = files;
  }

  void open(FhirFeed feed) {
    feeds.put(feed.getDefinition().getFeed(), feed);
  }

  /** The feed of this name, if its route runs. */
  @Nullable FhirFeed find(String name) {
    FhirFeed feed = feeds.get(name);
    return feed == null || route(name) == null ? null : feed;
  }

  /** The route that puts what comes in on the queue; it is named after its feed. */
  @Nullable Route route(String feed) {
    return camel.getRoute(feed);
  }

  @Override
  public String practiceOf(String feed) {
    FhirFeed found = find(feed);
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
  public String whatIsNeeded() {
    return "a bearer token of the practice is needed";
  }

  @Override
  public String notThere() {
    return "there is no such feed for this token";
  }
}
