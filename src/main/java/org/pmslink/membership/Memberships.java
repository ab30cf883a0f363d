package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.time.Period;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Plans.Entitlement;
import org.pmslink.membership.Plans.Plan;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Which member has which plan, since when, and what of it is used. Used is what the visits of the
 * member's chart say, as they are now: after a re-link the right person's count at once.
 */
@Component
public class Memberships {
  /** A membership is sold for some time to come, or was some time ago; else it is a slip. */
  private static final Period FARTHEST = Period.ofYears(10);

  private final JdbcTemplate database;
  private final Practices practices;
  private final PracticeLock lock;
  private final Activities activities;

  Memberships(
      JdbcTemplate database, Practices practices, PracticeLock lock, Activities activities) {
    this.database = database;
    this.practices = practices;
    this.lock = lock;
    this.activities = activities;
  }

  /** How it stands with a membership. */
  public enum Status {
    ACTIVE,
    PAUSED,
    ENDED;

    /**
     * How a membership begins.
     *
     * @param typed {@code active} or {@code paused}; empty for active
     * @throws IllegalArgumentException for another word
     */
    public static Status begun(String typed) {
      return switch (typed) {
        case "", "active" -> ACTIVE;
        case "paused" -> PAUSED;
        default -> throw new IllegalArgumentException("a membership begins active or paused");
      };
    }
  }

  /** What a person does to a membership that runs. */
  public enum Step {
    PAUSE(Status.ACTIVE, Status.PAUSED, "PAUSED"),
    RESUME(Status.PAUSED, Status.ACTIVE, "RESUMED"),
    END(null, Status.ENDED, "ENDED");

    private final @Nullable Status from;
    private final Status to;
    private final String action;

    Step(@Nullable Status from, Status to, String action) {
      this.from = from;
      this.to = to;
      this.action = action;
    }

    /**
     * @throws IllegalArgumentException for a word that is none of them
     */
    public static Step of(String typed) {
      for (Step step : values()) {
        if (step.name().toLowerCase(Locale.ROOT).equals(typed)) {
          return step;
        }
      }
      throw new IllegalArgumentException("a membership can be paused, resumed or ended");
    }
  }

  /**
   * A plan that a member has or had.
   *
   * @param endsOn the last day; {@code null} while nobody has ended it
   */
  public record Membership(
      long id, Plan plan, Status status, LocalDate startsOn, @Nullable LocalDate endsOn) {}

  /**
   * What of an entitlement is used in the year of membership that a day is in.
   *
   * @param used procedures that were completed, more than there are entitled to when it is
   *     overdrawn
   */
  public record Usage(Entitlement entitlement, int used, LocalDate from, LocalDate to) {

    /** How many are left. */
    public int left() {
      return Math.max(0, entitlement.perYear() - used);
    }

    /** Whether more was done than the plan gives. */
    public boolean isOverdrawn() {
      return used > entitlement.perYear();
    }
  }

  /**
   * Gives a member a plan.
   *
   * @param status active, or paused from the beginning: sold, and not to be used yet
   * @param reason why, in the person's words; empty when they do not say
   * @throws RefusedException when the plan is not sold, the day is no likely one, the member is
   *     none any more, or has another plan that has not ended
   * @throws IllegalArgumentException for one that has ended
   */
  @Transactional(rollbackFor = RefusedException.class)
  public void start(
      String practice,
      String memberNumber,
      long plan,
      LocalDate startsOn,
      Status status,
      String actor,
      String reason)
      throws RefusedException {
    if (status == Status.ENDED) {
      throw new IllegalArgumentException("a membership begins active or paused");
    }
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    LocalDate today = practices.today(practiceId);
    if (startsOn.isBefore(today.minus(FARTHEST)) || startsOn.isAfter(today.plus(FARTHEST))) {
      throw new RefusedException("A membership starts within ten years of today; check the day.");
    }
    List<Long> sold =
        database.queryForList(
            "select id from plans where practice_id = ? and id = ? and retired_at is null",
            Long.class,
            practiceId,
            plan);
    if (sold.isEmpty()) {
      throw new RefusedException("That plan is not sold; choose another.");
    }
    List<Long> member =
        database.queryForList(
            """
            select id from members where practice_id = ? and member_number = ?
              and status = 'ACTIVE'""",
            Long.class,
            practiceId,
            memberNumber);
    if (member.isEmpty()) {
      throw new RefusedException("The membership has ended.");
    }
    List<Long> made =
        database.queryForList(
            """
            insert into memberships (practice_id, member_id, plan_id, status, starts_on)
            values (?, ?, ?, 'ACTIVE', ?)
            on conflict (practice_id, member_id) where status <> 'ENDED' do nothing returning id""",
            Long.class,
            practiceId,
            member.get(0),
            plan,
            java.sql.Date.valueOf(startsOn));
    if (made.isEmpty()) {
      throw new RefusedException("The member has a plan that has not ended; end it first.");
    }
    note(practiceId, made.get(0), "STARTED", actor, reason, null);
    if (status == Status.PAUSED) {
      change(practiceId, made.get(0), Status.PAUSED, "PAUSED", actor, "paused from the beginning");
    }
  }

  /**
   * Pauses, resumes or ends a membership.
   *
   * @param reason why, in the person's words
   * @throws RefusedException when the member has no such membership, or it is not in that state
   */
  @Transactional(rollbackFor = RefusedException.class)
  public void step(
      String practice, String memberNumber, long membership, Step step, String actor, String reason)
      throws RefusedException {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    Membership now =
        of(practice, memberNumber).stream()
            .filter(m -> m.id() == membership)
            .findFirst()
            .orElseThrow(() -> new RefusedException("The member has no such plan."));
    if (now.status() == Status.ENDED || (step.from != null && now.status() != step.from)) {
      throw new RefusedException("Somebody else has changed the plan meanwhile; look again.");
    }
    change(practiceId, now.id(), step.to, step.action, actor, reason);
  }

  /** Ends whatever plan a member has that has not ended. */
  void end(int practice, long member, String actor, String reason) {
    for (Long running : running(practice, member)) {
      change(practice, running, Status.ENDED, "ENDED", actor, reason);
    }
  }

  /** The membership of a member that has not ended: one, or none. */
  List<Long> running(int practice, long member) {
    return database.queryForList(
        "select id from memberships where practice_id = ? and member_id = ? and status <> 'ENDED'",
        Long.class,
        practice,
        member);
  }

  private void change(
      int practice, long membership, Status to, String action, String actor, String reason) {
    String before = snapshot(practice, membership);
    database.update(
        """
        update memberships set status = ?,
          ends_on = case when ? then greatest(starts_on, ?) end
        where practice_id = ? and id = ?""",
        to.name(),
        to == Status.ENDED,
        java.sql.Date.valueOf(practices.today(practice)),
        practice,
        membership);
    note(practice, membership, action, actor, reason, before);
  }

  /** What is kept of a membership before it changes. */
  @Nullable String snapshot(int practice, long membership) {
    return database.queryForObject(
        """
        select jsonb_build_object('member_id', member_id, 'status', status,
                 'starts_on', starts_on, 'ends_on', ends_on)::text
        from memberships where practice_id = ? and id = ?""",
        String.class,
        practice,
        membership);
  }

  void note(
      int practice,
      long membership,
      String action,
      String actor,
      String reason,
      @Nullable String before) {
    database.update(
        """
        insert into membership_changes (practice_id, membership_id, action, actor, reason, before)
        values (?, ?, ?, ?, ?, ?::jsonb)""",
        practice,
        membership,
        action,
        actor,
        reason,
        before);
  }

  /** Plans of a member: the one that runs first, then the latest. */
  public List<Membership> of(String practice, String memberNumber) {
    return database.query(
        """
        select s.id, s.status, s.starts_on, s.ends_on, p.id, p.name, p.entitlements,
               p.retired_at is not null
        from memberships s
        join members m on m.practice_id = s.practice_id and m.id = s.member_id
        join plans p on p.practice_id = s.practice_id and p.id = s.plan_id
        where s.practice_id = ? and m.member_number = ?
        order by s.status = 'ENDED', s.starts_on desc, s.id desc""",
        Memberships::membership,
        practices.id(practice),
        memberNumber);
  }

  /** A plan with whose it is or was. */
  public record OfMember(String member, Membership membership) {}

  /**
   * Plans of all members of a practice, in the order in which they were begun.
   *
   * @param after id of the last one that was seen; 0 for none
   */
  public List<OfMember> all(String practice, long after, int most) {
    return database.query(
        """
        select s.id, s.status, s.starts_on, s.ends_on, p.id, p.name, p.entitlements,
               p.retired_at is not null, m.member_number
        from memberships s
        join members m on m.practice_id = s.practice_id and m.id = s.member_id
        join plans p on p.practice_id = s.practice_id and p.id = s.plan_id
        where s.practice_id = ? and s.id > ? order by s.id limit ?""",
        (row, n) -> new OfMember(row.getString(9), membership(row, n)),
        practices.id(practice),
        after,
        most);
  }

  /** The plan that a member has now, paused or not. */
  public Optional<Membership> current(String practice, String memberNumber) {
    return of(practice, memberNumber).stream().filter(m -> m.status() != Status.ENDED).findFirst();
  }

  private static Membership membership(ResultSet row, int n) throws SQLException {
    return new Membership(
        row.getLong(1),
        Plans.plan(row.getLong(5), row.getString(6), row.getString(7), row.getBoolean(8), 0),
        Status.valueOf(row.getString(2)),
        row.getDate(3).toLocalDate(),
        row.getDate(4) == null ? null : row.getDate(4).toLocalDate());
  }

  /**
   * What is used of a plan in the year of membership that a day is in, by the visits of the chart
   * that the member is linked to now. Years are counted from the day the membership began.
   */
  public List<Usage> usage(
      String practice, String memberNumber, Membership membership, LocalDate day) {
    // Not by a Period: of 29 February the year after begins on the 28th, when none has passed.
    int years = 0;
    while (!membership.startsOn().plusYears(years + 1L).isAfter(day)) {
      years++;
    }
    LocalDate from = membership.startsOn().plusYears(years);
    LocalDate next = membership.startsOn().plusYears(years + 1L);
    LocalDate end = membership.endsOn();
    LocalDate to = end != null && end.isBefore(next) ? end : next.minusDays(1);
    List<String> done =
        activities.proceduresOf(practices.id(practice), memberNumber).stream()
            .filter(p -> !p.onDate().isBefore(from) && !p.onDate().isAfter(to))
            .map(Activities.DoneProcedure::code)
            .toList();
    List<Usage> usage = new ArrayList<>();
    for (Entitlement entitlement : membership.plan().entitlements()) {
      long used = done.stream().filter(code -> entitlement.codes().contains(code)).count();
      usage.add(new Usage(entitlement, Math.toIntExact(used), from, to));
    }
    return usage;
  }
}
