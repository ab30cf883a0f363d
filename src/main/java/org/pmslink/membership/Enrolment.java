package org.pmslink.membership;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Makes somebody a member, and links them to their chart in the same moment when there is one. */
@Component
public class Enrolment {
  private final JdbcTemplate database;
  private final Practices practices;
  private final PracticeLock lock;
  private final Members members;
  private final Verdicts verdicts;

  Enrolment(
      JdbcTemplate database,
      Practices practices,
      PracticeLock lock,
      Members members,
      Verdicts verdicts) {
    this.database = database;
    this.practices = practices;
    this.lock = lock;
    this.members = members;
    this.verdicts = verdicts;
  }

  /** The chart that a new member is linked to. */
  public record Chart(String source, String sourceId) {}

  /** There is a member of that number already. */
  public static final class NumberTakenException extends Exception {
    private static final long serialVersionUID = 1L;

    NumberTakenException() {
      super("there is a member of that number already");
    }
  }

  /**
   * Adds a member.
   *
   * @param number as the office counts its members; blank for the next free one
   * @param details as typed
   * @param chart whose person this is, as a person has made sure; {@code null} when there is none
   *     yet: rules look for it by themselves
   * @return the member's number
   * @throws IllegalArgumentException when there is no such chart
   */
  @Transactional(rollbackFor = NumberTakenException.class)
  public String enrol(
      String practice,
      String number,
      SourcePatient details,
      @Nullable Chart chart,
      String actor,
      String reason)
      throws NumberTakenException {
    lock.enter(practices.id(practice), true);
    String given = number.isBlank() ? next() : number.strip();
    boolean added = add(practice, given, details);
    while (!added && number.isBlank()) {
      given = next();
      added = add(practice, given, details);
    }
    if (!added) {
      throw new NumberTakenException();
    }
    if (chart != null) {
      verdicts.decide(
          practice, chart.source(), chart.sourceId(), given, Verdicts.Verdict.SAME, actor, reason);
    }
    return given;
  }

  private boolean add(String practice, String number, SourcePatient details) {
    return members.add(practice, List.of(new Members.NewMember(number, details))) == 1;
  }

  private String next() {
    return "M"
        + database.queryForObject(
            "select to_char(nextval('member_numbers'), 'FM0000000')", String.class);
  }
}
