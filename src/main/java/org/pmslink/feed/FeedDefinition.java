package org.pmslink.feed;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalTime;
import java.time.Period;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.pmslink.linking.Fingerprint;
import org.pmslink.linking.RecordBatch.RecordType;

/**
 * What a feed file says, as its route template hands it over. A Java bean and no record, because
 * Camel fills it property by property; it does not change afterwards.
 */
public final class FeedDefinition {
  private String feed = "";
  private String practice = "";
  private String source = "";
  private String mappings = "";
  private ZoneId zone = ZoneId.of("UTC");
  private Duration poll = Duration.ofMinutes(5);
  private Duration overlap = Duration.ofMinutes(10);
  private LocalTime compareAt = LocalTime.of(2, 30);
  private ZoneId officeZone = ZoneId.of("UTC");
  private int pageSize = 2000;
  private String protocol = "sql";
  private Set<RecordType> records = EnumSet.allOf(RecordType.class);
  private SourceQuery.Dialect dialect = SourceQuery.Dialect.LIMIT;
  private Client client = new Client("", "", "", "", "");
  private long callBudget = 30_000;
  private boolean pagedByNumber;
  private String url = "";
  private String token = "";
  private String pollFeed = "";
  private boolean complete;
  private boolean bulk;
  private boolean history;
  private boolean encounters;
  private boolean sorted = true;
  private boolean queries;
  private long throttledBy;
  private Duration throttle = Duration.ZERO;
  private Period lookBack = Period.ofDays(31);
  private String clock = "select current_timestamp";
  private Path folder = Path.of("");

  /** This definition, for its own route: a bean of a template is known to its route alone. */
  public FeedDefinition self() {
    return this;
  }

  /** Name of the feed. */
  public String getFeed() {
    return feed;
  }

  public void setFeed(String feed) {
    this.feed = feed;
  }

  /** Short name of the practice. */
  public String getPractice() {
    return practice;
  }

  public void setPractice(String practice) {
    this.practice = practice;
  }

  /** Name of the PMS installation. */
  public String getSource() {
    return source;
  }

  public void setSource(String source) {
    this.source = source;
  }

  /** Folder below the mappings folder. */
  public String getMappings() {
    return mappings;
  }

  public void setMappings(String mappings) {
    this.mappings = mappings;
  }

  /** Zone of the PMS's stamps. */
  public ZoneId getZone() {
    return zone;
  }

  public void setZone(String zone) {
    this.zone = zone("zone", zone);
  }

  /** Time between two passes. */
  public Duration getPoll() {
    return poll;
  }

  public void setPoll(String poll) {
    this.poll = duration("poll", poll);
  }

  /** How far before the watermark a pass reads again. */
  public Duration getOverlap() {
    return overlap;
  }

  public void setOverlap(String overlap) {
    this.overlap = duration("overlap", overlap);
  }

  /** Local time of the nightly comparison. */
  public LocalTime getCompareAt() {
    return compareAt;
  }

  public void setCompareAt(String compareAt) {
    try {
      this.compareAt = LocalTime.parse(compareAt);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "compareAt: \"" + compareAt + "\" is no time of day; write it like 02:30", e);
    }
  }

  /** The office's zone: of its visits' hours, and of {@link #getCompareAt}. */
  public ZoneId getOfficeZone() {
    return officeZone;
  }

  public void setOfficeZone(String officeZone) {
    this.officeZone = zone("officeZone", officeZone);
  }

  /** Rows in one read. */
  public int getPageSize() {
    return pageSize;
  }

  public void setPageSize(int pageSize) {
    if (pageSize < 1 || pageSize > 10_000) {
      throw new IllegalArgumentException("pageSize: must be between 1 and 10000");
    }
    this.pageSize = pageSize;
  }

  /** How the PMS is asked: the name of a {@link PmsProtocol}. */
  public String getProtocol() {
    return protocol;
  }

  public void setProtocol(String protocol) {
    this.protocol = protocol;
  }

  /** Whether the feed reads this type of records. */
  boolean isRead(RecordType type) {
    return records.contains(type);
  }

  /** Which types of records to read, separated by blanks or commas; "all" for all there are. */
  public void setRecords(String records) {
    if (records.strip().equals("all")) {
      return;
    }
    Set<RecordType> chosen = EnumSet.noneOf(RecordType.class);
    for (String word : records.strip().split("[,\\s]+")) {
      RecordType type =
          Arrays.stream(RecordType.values())
              .filter(t -> t.isDelivered() && t.name().equals(word.toUpperCase(Locale.ROOT)))
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "records: \""
                              + word
                              + "\" is none of merges, patients, providers, clinics, visits,"
                              + " transactions, deletes, and not \"all\""));
      chosen.add(type);
    }
    if (!chosen.contains(RecordType.PATIENTS)) {
      throw new IllegalArgumentException("records: must hold patients; the rest is about them");
    }
    this.records = chosen;
  }

  /** How the database says "the first so many rows". */
  SourceQuery.Dialect getDialect() {
    return dialect;
  }

  public void setDialect(String dialect) {
    this.dialect =
        Arrays.stream(SourceQuery.Dialect.values())
            .filter(d -> d.name().equalsIgnoreCase(dialect))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "dialect: \"" + dialect + "\" is none of limit, fetch, top"));
  }

  /** The query that asks for the PMS server's clock. */
  String getClock() {
    return clock;
  }

  public void setClock(String clock) {
    this.clock = clock;
  }

  /**
   * As what the engine logs in at a PMS that wants OAuth 2.0.
   *
   * @param tokenUrl where tokens are given
   * @param secret blank when the client signs
   * @param key a private JSON Web Key; blank when the client has a secret
   * @param scope blank for none
   */
  record Client(String tokenUrl, String id, String secret, String key, String scope) {}

  Client getClient() {
    return client;
  }

  public void setTokenUrl(String tokenUrl) {
    client = new Client(tokenUrl, client.id, client.secret, client.key, client.scope);
  }

  public void setClientId(String id) {
    client = new Client(client.tokenUrl, id, client.secret, client.key, client.scope);
  }

  public void setClientSecret(String secret) {
    client = new Client(client.tokenUrl, client.id, secret, client.key, client.scope);
  }

  public void setClientKey(String key) {
    client = new Client(client.tokenUrl, client.id, client.secret, key, client.scope);
  }

  public void setScope(String scope) {
    client = new Client(client.tokenUrl, client.id, client.secret, client.key, scope);
  }

  /** How many requests a month the PMS allows. */
  long getCallBudget() {
    return callBudget;
  }

  public void setCallBudget(long callBudget) {
    this.callBudget = callBudget;
  }

  /** Whether lists are paged by number and not by the last id. */
  boolean isPagedByNumber() {
    return pagedByNumber;
  }

  public void setPaging(String paging) {
    if (!paging.equals("lastId") && !paging.equals("page")) {
      throw new IllegalArgumentException("paging: \"" + paging + "\" is none of lastId, page");
    }
    this.pagedByNumber = paging.equals("page");
  }

  /** Base address of the PMS, for protocols that are given further addresses by it. */
  String getUrl() {
    return url;
  }

  public void setUrl(String url) {
    if (!url.matches("(?i)https?://[^/?#\\s]+[^?#\\s]*")) {
      throw new IllegalArgumentException(
          "url: must be a base address such as https://pms.example/fhir, without parameters");
    }
    this.url = url;
  }

  /** A token that does not change; blank for none. */
  String getToken() {
    return token;
  }

  public void setToken(String token) {
    this.token = token;
  }

  /** For a feed that is sent to us: the feed that can ask the same PMS; blank for none. */
  String getPollFeed() {
    return pollFeed;
  }

  public void setPollFeed(String pollFeed) {
    if (!pollFeed.matches("[\\w.-]*")) {
      throw new IllegalArgumentException("pollFeed: must be the name of a feed");
    }
    this.pollFeed = pollFeed;
  }

  /** Whether a first load is a bulk export. */
  boolean isBulk() {
    return bulk;
  }

  public void setBulk(String bulk) {
    this.bulk = flag("bulk", bulk);
  }

  /** Whether the PMS is asked for its history, for what was deleted. */
  boolean isHistory() {
    return history;
  }

  public void setHistory(String history) {
    this.history = flag("history", history);
  }

  /** Whether a FHIR server's encounters are visits, beside its appointments. */
  boolean isEncounters() {
    return encounters;
  }

  public void setEncounters(String encounters) {
    this.encounters = flag("encounters", encounters);
  }

  /** Whether a search asks for an order. */
  boolean isSorted() {
    return sorted;
  }

  public void setSorted(String sorted) {
    this.sorted = flag("sorted", sorted);
  }

  private static boolean flag(String parameter, String value) {
    if (!value.equals("true") && !value.equals("false")) {
      throw new IllegalArgumentException(
          parameter + ": \"" + value + "\" is neither true nor false");
    }
    return value.equals("true");
  }

  /** Whether the PMS's own door for queries may be used. */
  boolean isQueries() {
    return queries;
  }

  public void setQueries(boolean queries) {
    this.queries = queries;
  }

  /** What requests are counted by at the PMS, as a hash: the key is nobody's business here. */
  long getThrottledBy() {
    return throttledBy;
  }

  /**
   * The key that the PMS counts requests by.
   *
   * @param key not kept
   */
  public void setThrottledKey(String key) {
    this.throttledBy = Fingerprint.of(key);
  }

  /** Time between the beginnings of two requests. */
  Duration getThrottle() {
    return throttle;
  }

  public void setThrottle(int milliseconds) {
    if (milliseconds < 0 || milliseconds > 600_000) {
      throw new IllegalArgumentException("throttle: must be between 0 and 600000 milliseconds");
    }
    this.throttle = Duration.ofMillis(milliseconds);
  }

  /** How far back records are read again that can be asked for by the day of their entry only. */
  Period getLookBack() {
    return lookBack;
  }

  public void setLookBack(String lookBack) {
    try {
      this.lookBack = Period.parse(lookBack);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "lookBack: \"" + lookBack + "\" is no number of days; write it like P31D", e);
    }
  }

  /** The folder that files are dropped into; it holds in, done and refused. */
  Path getFolder() {
    return folder;
  }

  public void setFolder(String folder) {
    try {
      this.folder = Path.of(folder.strip()).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("folder: is no path of this system", e);
    }
    if (folder.isBlank() || folder.contains("?") || folder.contains("*")) {
      throw new IllegalArgumentException("folder: must be the path of a folder, without ? and *");
    }
  }

  /** Whether a dropped file holds every chart that there is. */
  boolean isComplete() {
    return complete;
  }

  public void setComplete(String complete) {
    this.complete = flag("complete", complete);
  }

  /** For how long a dropped file must not have changed; the route's endpoint goes by it. */
  public void setSettle(String settle) {
    duration("settle", settle);
  }

  private static ZoneId zone(String parameter, String zone) {
    try {
      return ZoneId.of(zone);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          parameter + ": \"" + zone + "\" is no time zone; write it like America/New_York", e);
    }
  }

  private static Duration duration(String parameter, String text) {
    Duration duration;
    try {
      duration =
          text.startsWith("P")
              ? Duration.parse(text)
              : org.springframework.boot.convert.DurationStyle.SIMPLE.parse(text);
    } catch (DateTimeException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          parameter + ": \"" + text + "\" is no duration; write it like PT5M or 5m", e);
    }
    if (duration.isNegative()) {
      throw new IllegalArgumentException(parameter + ": must not be negative");
    }
    return duration;
  }
}
