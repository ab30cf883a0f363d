package org.pmslink.door;

import java.util.Objects;
import java.util.concurrent.Semaphore;
import org.apache.camel.Exchange;
import org.jspecify.annotations.Nullable;
import org.pmslink.feed.FeedDefinition;
import org.pmslink.hl7.Hl7Agreement;

/**
 * A feed whose records are sent to us as HL7 messages, as its feed file says. A Java bean, because
 * Camel fills it.
 */
public final class Hl7Feed {
  private final FeedDefinition definition = new FeedDefinition();
  private final Hl7Agreement agreement = new Hl7Agreement();

  /** One message at a time: each is put on top of what the one before has left. */
  private final Semaphore turn = new Semaphore(1, true);

  private String officeZone = "none";
  private @Nullable Hl7Door door;

  /** Whose records these are and how they are mapped. */
  public FeedDefinition getDefinition() {
    return definition;
  }

  /** Which messages are taken. */
  public Hl7Agreement getAgreement() {
    return agreement;
  }

  Semaphore turn() {
    return turn;
  }

  /**
   * @param officeZone zone of the office, or {@code none} for that of the messages' times, which
   *     are the office's as a rule
   */
  public void setOfficeZone(String officeZone) {
    this.officeZone = officeZone;
  }

  public void setDoor(Hl7Door door) {
    this.door = door;
  }

  /** Takes part from now on; Camel calls this when all is set. */
  public void open() {
    definition.setOfficeZone(officeZone.equals("none") ? definition.getZone().getId() : officeZone);
    Objects.requireNonNull(door).open(this);
  }

  /** Makes messages for the queue of what has arrived. */
  public void receive(Exchange exchange) throws InterruptedException {
    Objects.requireNonNull(door).receive(this, exchange);
  }

  /** All of them are durably on the queue: only now the sender is told. */
  public void sent(Exchange exchange) {
    Objects.requireNonNull(door).sent(this, exchange);
  }
}
