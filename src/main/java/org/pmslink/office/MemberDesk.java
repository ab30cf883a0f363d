package org.pmslink.office;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Actor;
import org.pmslink.access.Audit;
import org.pmslink.access.Right;
import org.pmslink.linking.PatientSearch;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.membership.Enrolment;
import org.pmslink.membership.Member;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.Members;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.PracticeLock;
import org.pmslink.membership.RefusedException;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.springframework.stereotype.Component;

/** Adds members and changes them, for whoever asks. */
@Component
public class MemberDesk {
  private static final int LONGEST_VALUE = 200;
  private static final int MOST_ALIKE = 5;

  /** Members of one last name and birth date, or telephone, who are looked at. */
  private static final int MOST_NAMESAKES = 50;

  private static final Set<Field> REACHED_BY =
      EnumSet.of(Field.PHONE_HOME, Field.PHONE_MOBILE, Field.PHONE_WORK, Field.EMAIL);

  /** What whoever sees an outdated form is told; it is filled in anew by then. */
  public static final String CHART_CHANGED =
      "What the PMS says of this patient has changed meanwhile; nobody was added. The form has what"
          + " it says now, and below a field what your form had there: look again, and correct what"
          + " needs it once more.";

  private final Members members;
  private final MemberHistory history;
  private final Enrolment enrolment;
  private final PatientSearch search;
  private final PatientNormalizer normalizer;
  private final PracticeLock lock;
  private final Practices practices;
  private final Audit audit;

  MemberDesk(
      Members members,
      MemberHistory history,
      Enrolment enrolment,
      PatientSearch search,
      PatientNormalizer normalizer,
      PracticeLock lock,
      Practices practices,
      Audit audit) {
    this.members = members;
    this.history = history;
    this.enrolment = enrolment;
    this.search = search;
    this.normalizer = normalizer;
    this.lock = lock;
    this.practices = practices;
    this.audit = audit;
  }

  /**
   * Adds a member.
   *
   * @param chart whose person this is; {@code null} for somebody whom the PMS does not have
   * @param insist whether somebody is added although there are members like them, or, without a
   *     chart, charts
   * @return the member's number
   * @throws AlikeException when there are, and nobody insists
   * @throws NotAllowedException when they are not like the chart, and making sure is for others
   * @throws RefusedException saying what is missing or wrong
   */
  public String enrol(Actor actor, Applicant applicant, @Nullable Found chart, boolean insist)
      throws RefusedException {
    return enrol(actor, null, applicant, chart, insist, found -> false);
  }

  /**
   * The same through a form that adds one member only, however often it is sent.
   *
   * @param form {@code null} for none
   * @param shown whether those who are there have been shown, and somebody is added all the same
   */
  public String enrol(
      Actor actor,
      @Nullable UUID form,
      Applicant applicant,
      @Nullable Found chart,
      Predicate<AlikeException> shown)
      throws RefusedException {
    return enrol(actor, form, applicant, chart, false, shown);
  }

  private String enrol(
      Actor actor,
      @Nullable UUID form,
      Applicant applicant,
      @Nullable Found chart,
      boolean insist,
      Predicate<AlikeException> shown)
      throws RefusedException {
    String complaint = applicant.complaint();
    if (complaint != null) {
      throw new RefusedException(complaint);
    }
    Applicant.refuseWhatCannotBe(
        applicant.besides(chart == null ? null : chart.record().person()),
        applicant.get(Field.STATE));
    PatientSearch.Found alike =
        chart == null && !insist ? alike(actor, applicant) : PatientSearch.Found.NOBODY;
    // After the search: whom this form has added already is like them, too.
    String before = form == null ? null : enrolment.addedWith(actor.practice(), form).orElse(null);
    if (before != null) {
      return sameAs(actor, applicant, before);
    }
    if (chart != null && chart.memberNumber() != null) {
      throw new RefusedException(
          "This patient is linked to member " + chart.memberNumber() + " already.");
    }
    if (chart != null && (chart.removedAt() != null || chart.mergedInto() != null)) {
      throw new RefusedException("This chart is no longer in use in the PMS.");
    }
    if (chart != null && applicant.isOutdated(chart.record().person())) {
      throw new RefusedException(CHART_CHANGED);
    }
    if (chart != null) {
      refuseUnlike(actor, applicant, chart);
    }
    try {
      return audit.together(
          () -> {
            // Somebody may be adding them at this moment: whoever comes second sees the first.
            lock.enter(practices.id(actor.practice()), true);
            String twin =
                form == null ? null : enrolment.addedWith(actor.practice(), form).orElse(null);
            if (twin != null) {
              return sameAs(actor, applicant, twin);
            }
            if (!insist) {
              warn(actor, applicant, alike, shown);
            }
            return add(actor, form, applicant, chart);
          });
    } catch (AlikeException e) {
      // After the transaction, which has taken back all that was noted in it.
      noteNamesakes(actor, new Namesakes(e.members(), e.family()));
      throw e;
    }
  }

  /** Stops at whoever is there already, unless they have been shown. */
  private void warn(
      Actor actor, Applicant applicant, PatientSearch.Found alike, Predicate<AlikeException> shown)
      throws AlikeException {
    Namesakes namesakes = membersLike(actor, applicant);
    if (alike.tooMany() || !alike.candidates().isEmpty() || !namesakes.alike().isEmpty()) {
      AlikeException found = new AlikeException(alike.candidates(), alike.tooMany(), namesakes);
      if (!shown.test(found)) {
        throw found;
      }
    }
    noteNamesakes(actor, namesakes);
  }

  private String add(Actor actor, @Nullable UUID form, Applicant applicant, @Nullable Found chart)
      throws RefusedException {
    Enrolment.Enrolled enrolled =
        enrolment.enrol(
            actor.practice(),
            form,
            applicant.number(),
            applicant.typed(),
            chart == null
                ? null
                : new Enrolment.Chart(
                    chart.source(),
                    chart.sourceId(),
                    !applicant.prefilled().isEmpty(),
                    chart.record().person().fingerprint(),
                    applicant.leftAs(chart.record().person())),
            applicant.newPlan(),
            actor.name(),
            "chosen when the member was added");
    if (!enrolled.again()) {
      audit.note(
          actor.practice(),
          actor.name(),
          "added member",
          enrolled.number() + (chart == null ? "" : ", linked to " + chart.name()));
    }
    return enrolled.number();
  }

  /**
   * Whom a form has added that is sent once more, as long as it is still for them.
   *
   * @throws RefusedException when somebody else has been typed into it since
   */
  private String sameAs(Actor actor, Applicant applicant, String number) throws RefusedException {
    Map<Field, String> fields =
        members.find(actor.practice(), number).map(Member::fields).orElse(Map.of());
    if (!applicant.get(Field.FAMILY).equalsIgnoreCase(fields.getOrDefault(Field.FAMILY, ""))
        || !applicant.get(Field.GIVEN).equalsIgnoreCase(fields.getOrDefault(Field.GIVEN, ""))) {
      throw new RefusedException(
          "This form has added member " + number + " already; begin a new one for somebody else.");
    }
    return number;
  }

  /**
   * Adding a member to a chart links the two. Whoever may link only what rules find likely adds
   * nobody else there: neither another's chart that was picked, nor one whose data were typed over.
   */
  private void refuseUnlike(Actor actor, Applicant applicant, Found chart)
      throws NotAllowedException {
    if (actor.may(Right.RELINK)) {
      return;
    }
    Person person = normalizer.person(applicant.typed());
    Grade grade =
        PatientSearch.isEnough(person)
            ? search
                .search(actor.practice(), person, false, PatientSearch.MOST)
                .candidates()
                .stream()
                .filter(candidate -> candidate.chart().id() == chart.id())
                .map(PatientSearch.Candidate::grade)
                .findFirst()
                .orElse(Grade.CERTAINLY_NOT)
            : Grade.CERTAINLY_NOT;
    if (actor.may(Right.LINK) && grade.compareTo(Grade.PROBABLE) >= 0) {
      return;
    }
    String attempt = "to add a member linked to " + chart.name();
    audit.note(actor.practice(), actor.name(), "refused", attempt);
    throw new NotAllowedException(
            "What was typed is not enough like the chart to be sure that it is the same person."
                + " Check it, or add the member without a chart; a manager can link the two after"
                + " making sure.")
        .at(attempt);
  }

  /** Charts that somebody may be who is to become a member without one. */
  private PatientSearch.Found alike(Actor actor, Applicant applicant) {
    Person person = normalizer.person(applicant.typed());
    if (!PatientSearch.isEnough(person)) {
      return PatientSearch.Found.NOBODY;
    }
    PatientSearch.Found alike = search.search(actor.practice(), person, false, MOST_ALIKE);
    audit.note(
        actor.practice(),
        actor.name(),
        "searched patients",
        Audit.about(
            alike.candidates().size() + " like a new member",
            alike.candidates().stream().map(candidate -> candidate.chart().name()).toList()));
    return alike;
  }

  /**
   * Members of a last name with a birth date or a telephone.
   *
   * @param alike who may be the one that is asked for
   * @param family who is somebody else, by first name and birth date
   */
  public record Namesakes(List<MemberHistory.Listed> alike, List<MemberHistory.Listed> family) {
    /** Nobody. */
    public static final Namesakes NONE = new Namesakes(List.of(), List.of());

    public Namesakes {
      alike = List.copyOf(alike);
      family = List.copyOf(family);
    }
  }

  /**
   * Members whom a new one may be: of that last name with that birth date or one of the telephones.
   * Whoever has been entered once should not be entered again. A family shares its last name and
   * telephone: who has another first name and another birth date is nobody to be warned of.
   */
  public Namesakes namesakes(Actor actor, Applicant applicant) {
    Namesakes found = membersLike(actor, applicant);
    noteNamesakes(actor, found);
    return found;
  }

  private void noteNamesakes(Actor actor, Namesakes found) {
    Set<String> seen = new LinkedHashSet<>(numbers(found.alike()));
    seen.addAll(numbers(found.family()));
    audit.note(
        actor.practice(),
        actor.name(),
        "searched members",
        Audit.about(seen.size() + " like a new member", seen));
  }

  private static Set<String> numbers(List<MemberHistory.Listed> members) {
    return members.stream()
        .map(MemberHistory.Listed::memberNumber)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  private Namesakes membersLike(Actor actor, Applicant applicant) {
    Map<String, MemberHistory.Listed> found = new LinkedHashMap<>();
    List<String> details = new ArrayList<>(List.of(applicant.get(Field.BIRTH_DATE)));
    applicant.phones().forEach(phone -> details.add(phone.replaceAll("\\D", "")));
    String family = applicant.get(Field.FAMILY);
    for (String detail : details) {
      if (!family.isEmpty() && !detail.isEmpty()) {
        history
            .list(
                actor.practice(),
                family + " " + detail,
                MemberHistory.Which.ALL,
                "",
                MOST_NAMESAKES)
            .stream()
            .filter(member -> !member.removed())
            .forEach(member -> found.putIfAbsent(member.memberNumber(), member));
      }
    }
    Person person = normalizer.person(applicant.typed());
    Map<Boolean, List<MemberHistory.Listed>> byFamily =
        found.values().stream()
            .collect(
                Collectors.partitioningBy(
                    member -> search.areClearlyTwo(actor.practice(), person, person(member))));
    return new Namesakes(
        byFamily.getOrDefault(false, List.of()), byFamily.getOrDefault(true, List.of()));
  }

  private Person person(MemberHistory.Listed member) {
    return normalizer.person(
        SourcePatient.person(
            member.memberNumber(),
            member.family(),
            member.given(),
            null,
            null,
            null,
            member.birthDate(),
            null,
            null,
            List.of(),
            List.of(),
            null,
            null));
  }

  /**
   * Changes a member.
   *
   * @param seen as it was when somebody decided to change it
   * @param typed new values; fields that are not there stay, an empty value empties the field
   * @param locked contact fields that no feed may write from now on
   * @param reason why, in their words; blank when they do not say
   * @throws RefusedException when a value cannot be, or the member is another by now
   */
  public void change(
      Actor actor, Member seen, Map<Field, String> typed, Set<Field> locked, String reason)
      throws RefusedException {
    String why = reason.isBlank() ? null : LinkDesk.reason(reason);
    Map<Field, String> changes = new EnumMap<>(Field.class);
    for (Map.Entry<Field, String> one : typed.entrySet()) {
      String value = one.getValue().strip();
      if (value.length() > LONGEST_VALUE || value.chars().anyMatch(Character::isISOControl)) {
        throw new RefusedException.Typed(
            "One of the fields has more than "
                + LONGEST_VALUE
                + " characters, or some that cannot be typed.",
            EnumSet.of(one.getKey()));
      }
      if (!value.equals(seen.fields().getOrDefault(one.getKey(), ""))) {
        changes.put(one.getKey(), value);
      }
    }
    refuseWhatNobodyIsAddedWith(seen, changes);
    if (!locked.stream().allMatch(Field::isContact)) {
      throw new RefusedException("Only contact fields can be locked: feeds write no others.");
    }
    String number = seen.memberNumber();
    audit.together(
        () -> {
          members.change(actor.practice(), seen, changes, locked, actor.name(), why);
          if (!changes.isEmpty()) {
            audit.note(
                actor.practice(), actor.name(), "changed member", number + ": " + changes.keySet());
          }
          if (!locked.equals(seen.lockedFields())) {
            audit.note(actor.practice(), actor.name(), "locked fields", number + ": " + locked);
          }
          return number;
        });
  }

  /** What is asked of a new member goes for one that is changed, too, as far as it is changed. */
  private static void refuseWhatNobodyIsAddedWith(Member seen, Map<Field, String> changes)
      throws RefusedException {
    for (Field name : List.of(Field.FAMILY, Field.GIVEN)) {
      if ("".equals(changes.get(name))) {
        throw new RefusedException.Typed(
            "A member needs a first and a last name.", EnumSet.of(name));
      }
    }
    String born = changes.get(Field.BIRTH_DATE);
    if (born != null) {
      String complaint =
          born.isEmpty() ? "A member needs a birth date." : Applicant.complaintAboutBirthDate(born);
      if (complaint != null) {
        throw new RefusedException.Typed(complaint, EnumSet.of(Field.BIRTH_DATE));
      }
    }
    Applicant.refuseWhatCannotBe(
        changes, changes.getOrDefault(Field.STATE, seen.fields().getOrDefault(Field.STATE, "")));
    boolean takesOneAway = REACHED_BY.stream().anyMatch(field -> "".equals(changes.get(field)));
    if (takesOneAway
        && REACHED_BY.stream()
            .allMatch(
                field ->
                    changes.getOrDefault(field, seen.fields().getOrDefault(field, "")).isEmpty())) {
      throw new RefusedException.Typed(
          "A member needs a telephone or an e-mail.",
          REACHED_BY.stream().filter(field -> "".equals(changes.get(field))).toList());
    }
  }

  /**
   * Ends a membership: the record stays, link and plan end.
   *
   * @return false when there is no such member any more
   * @throws RefusedException when they do not say why
   */
  public boolean remove(Actor actor, String number, String reason) throws RefusedException {
    String why = LinkDesk.reason(reason);
    return audit.together(
        () -> {
          boolean was = members.remove(actor.practice(), number, actor.name(), why);
          if (was) {
            audit.note(actor.practice(), actor.name(), "removed member", number);
          }
          return was;
        });
  }
}
