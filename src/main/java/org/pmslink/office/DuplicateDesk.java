package org.pmslink.office;

import org.pmslink.access.Actor;
import org.pmslink.access.Audit;
import org.pmslink.access.Right;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.RefusedException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Says of two that seem to be one that they are two, and takes it back, for whoever asks; noted in
 * the transaction that does it. What somebody else has said wants {@link Right#RELINK}.
 */
@Component
public class DuplicateDesk {
  private final Duplicates duplicates;
  private final Audit audit;

  DuplicateDesk(Duplicates duplicates, Audit audit) {
    this.duplicates = duplicates;
    this.audit = audit;
  }

  /**
   * The two of a finding are two people; the finding opens never again by itself.
   *
   * @return false when there is no such finding that is open
   * @throws RefusedException when they do not say why
   */
  @Transactional(rollbackFor = RefusedException.class)
  public boolean tellApart(Actor actor, long finding, String reason) throws RefusedException {
    boolean done =
        duplicates.tellApart(actor.practice(), finding, actor.name(), LinkDesk.reason(reason));
    if (done) {
      audit.note(actor.practice(), actor.name(), "told duplicates apart", "finding " + finding);
    }
    return done;
  }

  /**
   * Nobody has said so any more: the finding is open again, while rules still find the two alike.
   *
   * @return false when nobody had
   * @throws NotAllowedException when somebody else had and they may not
   */
  @Transactional
  public boolean takeBack(Actor actor, long finding) throws NotAllowedException {
    String by = duplicates.toldApartBy(actor.practice(), finding).orElse(null);
    if (by == null) {
      return false;
    }
    if (!by.equals(actor.name()) && !actor.may(Right.RELINK)) {
      // Is noted: nothing has been done that the refusal would undo.
      audit.note(actor.practice(), actor.name(), "refused", "to take back finding " + finding);
      throw new NotAllowedException("Somebody else decided that; a manager can take it back.");
    }
    boolean done = duplicates.takeBack(actor.practice(), finding);
    if (done) {
      audit.note(actor.practice(), actor.name(), "took back", "finding " + finding);
    }
    return done;
  }
}
