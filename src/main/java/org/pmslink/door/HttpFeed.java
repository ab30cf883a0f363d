package org.pmslink.door;

import java.util.List;
import java.util.Objects;
import org.apache.camel.Exchange;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.SenderProof;
import org.pmslink.feed.FeedDefinition;
import org.pmslink.feed.Reception;
import org.pmslink.feed.Reception.Receipt;
import org.pmslink.feed.Reception.Received;

/**
 * A feed whose records are sent to us over HTTP, as its feed file says. A Java bean, because Camel
 * fills it.
 */
public final class HttpFeed {
  private static final String RECEIPT = "receipt";

  private final FeedDefinition definition = new FeedDefinition();
  private final SenderProof proof = new SenderProof();
  private boolean openDentalEvents;
  private @Nullable HttpFeeds feeds;
  private @Nullable Reception reception;

  /** Whose records these are and how they are mapped. */
  public FeedDefinition getDefinition() {
    return definition;
  }

  /** How senders show who they are. */
  public SenderProof getProof() {
    return proof;
  }

  /** Whether what is sent are Open Dental's events, and not records with a type. */
  boolean isOfOpenDentalEvents() {
    return openDentalEvents;
  }

  public void setOpenDentalEvents(boolean openDentalEvents) {
    this.openDentalEvents = openDentalEvents;
  }

  public void setFeeds(HttpFeeds feeds) {
    this.feeds = feeds;
  }

  public void setReception(Reception reception) {
    this.reception = reception;
  }

  /** Takes part from now on; Camel calls this when all is set. */
  public void open() {
    proof.check();
    Objects.requireNonNull(reception).open(definition);
    Objects.requireNonNull(feeds).open(this);
  }

  /** Makes messages of the records that the exchange brings, and remembers their receipt. */
  public void receive(Exchange exchange) {
    List<Received> received = exchange.getMessage().getBody(RecordsInHand.class).received();
    Reception in = Objects.requireNonNull(reception);
    // Open Dental never asks what became of its rows.
    Receipt receipt =
        openDentalEvents
            ? in.receiveByStamp(definition, received)
            : in.receiveOneByOne(definition, received);
    exchange.setProperty(RECEIPT, receipt);
    exchange.getMessage().setBody(receipt.batches());
  }

  /** All messages are durably on the queue. */
  public void sent(Exchange exchange) {
    Receipt receipt = Objects.requireNonNull(receipt(exchange));
    Objects.requireNonNull(reception).sent(receipt);
    exchange.getMessage().setBody(null);
  }

  /** The receipt of an exchange that was received, whether it was sent or not. */
  static @Nullable Receipt receipt(Exchange exchange) {
    return exchange.getProperty(RECEIPT, Receipt.class);
  }

  /** What one request holds, on its way through the route. */
  record RecordsInHand(List<Received> received) {

    int count() {
      return received.stream().mapToInt(r -> r.records().size()).sum();
    }
  }
}
