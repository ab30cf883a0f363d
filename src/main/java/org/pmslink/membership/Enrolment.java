package org.pmslink.membership;

import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Member.Field;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Makes somebody a member, and links them to their chart in the same moment when there is one. */
@Component
public class Enrolment {
  /** Why a field is locked from the beginning. */
  private static final String DIFFERS = "DIFFERS_FROM_CHART";

  private static final String NO_NUMBER_YET = "0000000";

  private final JdbcTemplate database;
  private final Practices practices;
  private final PracticeLock lock;
  private final Members members;
  private final Verdicts verdicts;
  private final Memberships memberships;
  private final Survivorship survivorship;

  Enrolment(
      JdbcTemplate database,
      Practices practices,
      PracticeLock lock,
      Members members,
      Verdicts verdicts,
      Memberships memberships,
      Survivorship survivorship) {
    this.survivorship = survivorship;
    this.memberships = memberships;
    this.database = database;
    this.practices = practices;
    this.lock = lock;
    this.members = members;
    this.verdicts = verdicts;
  }

  /**
   * The chart that a new member is linked to.
   *
   * @param corrected whether its data were there to be corrected: what is empty then, somebody has
   *     emptied
   * @param seen {@link org.pmslink.patient.Person#fingerprint} of whom somebody saw there; {@code
   *     null} for whoever it is
   * @param left fields that were there and left as the chart says; the others were typed
   */
  public record Chart(
      String source, String sourceId, boolean corrected, @Nullable String seen, Set<Field> left) {
    public Chart {
      left = Set.copyOf(left);
    }
  }

  /**
   * The plan that a new member begins with.
   *
   * @param status as {@link Memberships#start} takes it
   */
  public record NewPlan(long plan, LocalDate startsOn, Memberships.Status status) {}

  /**
   * Who was added.
   *
   * @param again whether that was done before, with the same form
   */
  public record Enrolled(String number, boolean again) {}

  /** The number of the member that a form has added within the last day. */
  public Optional<String> addedWith(String practice, UUID form) {
    return database
        .queryForList(
            "select member_number from enrolment_forms where practice_id = ? and form = ?",
            String.class,
            practices.id(practice),
            form)
        .stream()
        .findFirst();
  }

  /**
   * Adds a member. Contact data in which the chart says otherwise stay as typed, and are locked.
   *
   * @param form adds one member only, however often it is sent; {@code null} for none
   * @param number as the office counts its members; blank for the next free one
   * @param details as typed
   * @param chart whose person this is, as a person has made sure; {@code null} when there is none
   *     yet: rules look for it by themselves
   * @param plan {@code null} for none yet
   * @throws IllegalArgumentException when there is no such chart
   * @throws RefusedException when the number is taken, the chart is linked to a member already or
   *     is not as it was seen, or the plan cannot be had
   */
  @Transactional(rollbackFor = RefusedException.class)
  public Enrolled enrol(
      String practice,
      @Nullable UUID form,
      String number,
      SourcePatient details,
      @Nullable Chart chart,
      @Nullable NewPlan plan,
      String actor,
      String reason)
      throws RefusedException {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    // Whoever sends it at the same moment waits at the lock, and is told of it here.
    Optional<String> before = form == null ? Optional.empty() : addedWith(practice, form);
    if (before.isPresent()) {
      return new Enrolled(before.get(), true);
    }
    if (chart != null) {
      refuseIfTaken(practiceId, chart);
      refuseIfChanged(practiceId, chart);
    }
    // The lock keeps anybody else from giving the same number meanwhile.
    String given = number.isBlank() ? next(practiceId) : number.strip();
    if (!add(practice, given, details)) {
      throw new RefusedException("There is a member " + given + " already.");
    }
    members.added(
        practiceId,
        given,
        actor,
        chart == null ? "added without a chart" : "added with a chart",
        chart == null ? Set.of() : chart.left());
    if (plan != null) {
      memberships.start(
          practice,
          given,
          plan.plan(),
          plan.startsOn(),
          plan.status(),
          actor,
          "begun when the member was added");
    }
    if (chart != null) {
      keepWhatDiffers(practiceId, given, chart, actor);
      verdicts.decide(
          practice, chart.source(), chart.sourceId(), given, Verdicts.Verdict.SAME, actor, reason);
    }
    if (form != null) {
      keep(practiceId, form, given);
    }
    return new Enrolled(given, false);
  }

  private void keep(int practice, UUID form, String number) {
    database.update(
        "delete from enrolment_forms where practice_id = ? and sent_at < now() - interval '1 day'",
        practice);
    database.update(
        "insert into enrolment_forms (practice_id, form, member_number) values (?, ?, ?)",
        practice,
        form,
        number);
  }

  /**
   * What the patient says at the desk is newer than their chart. The link would write over it at
   * once, so it is locked.
   */
  private void keepWhatDiffers(int practice, String number, Chart chart, String actor) {
    Member member = members.lock(practice, List.of(number)).get(0);
    database
        .queryForList(
            "select record from patients where practice_id = ? and source = ? and source_id = ?",
            String.class,
            practice,
            chart.source(),
            chart.sourceId())
        .forEach(
            record ->
                members.lock(
                    practice,
                    member,
                    survivorship.differing(
                        member, RecordJson.read(record, PatientRecord.class), chart.corrected()),
                    actor,
                    DIFFERS));
  }

  /** Whoever is slower than a colleague or a rule adds nobody a second time. */
  private void refuseIfTaken(int practice, Chart chart) throws RefusedException {
    List<String> holders =
        database.queryForList(
            """
            select m.member_number from patients p
            join links l on l.practice_id = p.practice_id and l.patient_id = p.id
                        and l.ended_at is null
            join members m on m.practice_id = l.practice_id and m.id = l.member_id
            where p.practice_id = ? and p.source = ? and p.source_id = ?""",
            String.class,
            practice,
            chart.source(),
            chart.sourceId());
    if (!holders.isEmpty()) {
      throw new RefusedException(
          "The chart is linked to member " + holders.get(0) + " already; nobody was added.");
    }
  }

  /** Whoever was like the chart that somebody saw need not be like what a feed made of it since. */
  private void refuseIfChanged(int practice, Chart chart) throws RefusedException {
    if (chart.seen() != null
        && database
            .queryForList(
                """
                select record from patients
                where practice_id = ? and source = ? and source_id = ?""",
                String.class,
                practice,
                chart.source(),
                chart.sourceId())
            .stream()
            .noneMatch(
                record ->
                    RecordJson.read(record, PatientRecord.class)
                        .person()
                        .fingerprint()
                        .equals(chart.seen()))) {
      throw new RefusedException(Verdicts.CHART_CHANGED);
    }
  }

  private boolean add(String practice, String number, SourcePatient details) {
    return members.add(practice, List.of(new Members.NewMember(number, details))) == 1;
  }

  /**
   * The number behind the practice's own highest, as wide as that one: beside an office's M000002,
   * M0000002 would be taken for the same person.
   */
  private String next(int practice) {
    List<String> highest =
        database.queryForList(
            """
            select member_number from members
            where practice_id = ? and member_number ~ '^M[0-9]{1,9}$'
            order by substr(member_number, 2)::bigint desc limit 1""",
            String.class,
            practice);
    String digits = highest.isEmpty() ? NO_NUMBER_YET : highest.get(0).substring(1);
    return String.format(Locale.ROOT, "M%0" + digits.length() + "d", Long.parseLong(digits) + 1);
  }
}
