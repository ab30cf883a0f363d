package org.pmslink.office;

import java.util.List;
import org.pmslink.linking.PatientSearch;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.RefusedException;

/**
 * Nobody was added: there are members whom the new one may be, or, when no chart was picked,
 * charts. Whoever has looked at them may insist.
 */
public final class AlikeException extends RefusedException {
  private static final long serialVersionUID = 1L;

  private final transient List<PatientSearch.Candidate> charts;
  private final transient MemberDesk.Namesakes namesakes;
  private final boolean tooMany;

  AlikeException(
      List<PatientSearch.Candidate> charts, boolean tooMany, MemberDesk.Namesakes namesakes) {
    super("There is somebody like that already; nobody was added.");
    this.charts = List.copyOf(charts);
    this.namesakes = namesakes;
    this.tooMany = tooMany;
  }

  /** Charts that they may be, best first. */
  public List<PatientSearch.Candidate> charts() {
    return charts;
  }

  /** Whether there are more charts like them than could be looked through. */
  public boolean tooMany() {
    return tooMany;
  }

  /** Members that they may be. */
  public List<MemberHistory.Listed> members() {
    return namesakes.alike();
  }

  /** Members of their last name and telephone who are somebody else. */
  public List<MemberHistory.Listed> family() {
    return namesakes.family();
  }
}
