package org.pmslink.fhir;

import java.util.Objects;
import org.apache.camel.Exchange;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedDefinition;
import org.pmslink.feed.Reception;
import org.pmslink.feed.Reception.Receipt;

/**
 * A feed that is sent FHIR resources, as its route template sets it up. A Java bean, because Camel
 * fills it property by property.
 */
public final class FhirFeed {
  private static final String RECEIPT = "receipt";

  private final FeedDefinition definition = new FeedDefinition();
  private PostedId postedId = PostedId.NONE;
  private @Nullable FhirFeeds feeds;
  private @Nullable Reception reception;

  /** Whose records these are and how they are mapped. */
  public FeedDefinition getDefinition() {
    return definition;
  }

  /** Where the id is of a Patient that is sent without one. */
  PostedId postedId() {
    return postedId;
  }

  /**
   * @param postedId system (a URI) or code of the type of an identifier; empty for none
   */
  public void setPostedId(String postedId) {
    this.postedId = new PostedId(postedId.strip());
  }

  public void setFeeds(FhirFeeds feeds) {
    this.feeds = feeds;
  }

  public void setReception(Reception reception) {
    this.reception = reception;
  }

  /** Takes part from now on; Camel calls this when all is set. */
  public void open() {
    Objects.requireNonNull(reception).open(definition);
    Objects.requireNonNull(feeds).open(this);
  }

  /** Makes messages of the records that the exchange brings, and remembers their receipt. */
  public void receive(Exchange exchange) {
    SentResources sent = exchange.getMessage().getBody(SentResources.class);
    Receipt receipt = Objects.requireNonNull(reception).receive(definition, sent.received());
    exchange.setProperty(RECEIPT, receipt);
    exchange.getMessage().setBody(receipt.batches());
  }

  /** All messages are durably on the queue. */
  public void sent(Exchange exchange) {
    Objects.requireNonNull(reception).sent(Objects.requireNonNull(receipt(exchange)));
    exchange.getMessage().setBody(null);
  }

  /** The receipt of an exchange that was received, whether it was sent or not. */
  static @Nullable Receipt receipt(Exchange exchange) {
    return exchange.getProperty(RECEIPT, Receipt.class);
  }
}
