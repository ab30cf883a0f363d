package org.pmslink.linking;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Decision;
import org.pmslink.matching.Decision.Match;
import org.pmslink.matching.Decision.UnmatchedReason;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Charts.Brief;
import org.pmslink.membership.Charts.Linked;
import org.pmslink.membership.Charts.MemberCandidate;
import org.pmslink.membership.Charts.Stored;
import org.pmslink.membership.Command;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.patient.Person;

/**
 * Turns what the matcher decides about charts into commands, with what matching does not know: a
 * chart's status in the PMS, and the link that it has.
 */
final class Linking {
  private final PracticeMatcher matcher;
  private final StoredPractice practice;

  /** Serves one batch of charts of one PMS. */
  Linking(PracticeMatcher matcher, StoredPractice practice) {
    this.matcher = matcher;
    this.practice = practice;
  }

  /**
   * A chart to decide about.
   *
   * @param patientId its id in the store, if it is there already
   * @param gone deleted in the PMS, or merged into another chart
   * @param link the link that it has now
   */
  record Subject(
      String sourceId,
      long version,
      @Nullable Long patientId,
      PatientRecord record,
      boolean gone,
      @Nullable Linked link) {

    /** Charts that can be nobody's: they are never compared. */
    boolean excluded() {
      return gone || isNobody(record);
    }

    /** Whether a rule may link it alone; for the others a person confirms. */
    boolean mayLinkAlone() {
      return switch (record.status()) {
        case ACTIVE, INACTIVE, PROSPECT -> true;
        case NON_PATIENT, ARCHIVED, DECEASED, DELETED, DUPLICATE, UNKNOWN -> false;
      };
    }

    boolean linkedByPerson() {
      return link != null && link.byPerson();
    }

    /** Whether a person has linked it, and has seen it as it is. */
    boolean seenByPerson() {
      return link != null && link.byPerson() && link.isAsSeen(record.person());
    }
  }

  /** Whether a record is of nobody, by what the PMS says: it is filed under no key. */
  static boolean isNobody(PatientRecord record) {
    return record.status() == PatientStatus.DELETED
        || record.status() == PatientStatus.DUPLICATE
        || record.qualityFlags().contains(QualityFlag.TEST_PATIENT)
        || record.qualityFlags().contains(QualityFlag.NOT_A_PERSON);
  }

  /** One command for each subject, in their order. */
  List<Command> decide(List<Subject> subjects) {
    List<PracticeMatcher.Subject> open = new ArrayList<>();
    Map<Integer, Integer> places = new HashMap<>();
    for (int i = 0; i < subjects.size(); i++) {
      Subject subject = subjects.get(i);
      if (!subject.excluded() && !subject.seenByPerson()) {
        places.put(i, open.size());
        open.add(
            new PracticeMatcher.Subject(
                subject.patientId() == null ? -1L - i : subject.patientId(),
                subject.record().person(),
                subject.link() == null ? null : subject.link().memberId()));
      }
    }
    List<Decision> decisions = matcher.decide(practice, open);
    List<Command> commands = new ArrayList<>();
    for (int i = 0; i < subjects.size(); i++) {
      Subject subject = subjects.get(i);
      Integer place = places.get(i);
      if (place == null) {
        commands.add(
            noMatch(
                subject, subject.excluded() ? "NOT_ELIGIBLE" : Command.NoMatch.LINKED_BY_PERSON));
      } else if (subject.linkedByPerson()) {
        commands.add(noMatch(subject, standing(subject, decisions.get(place))));
      } else {
        commands.add(command(subject, decisions.get(place)));
      }
    }
    return commands;
  }

  /**
   * One command for each of these stored charts, in no order; those of another PMS are left out.
   */
  List<Command> decideStored(long[] patientIds) {
    List<Command> commands = new ArrayList<>();
    List<Brief> briefs = practice.briefly(patientIds);
    Set<Long> keys = new TreeSet<>();
    briefs.forEach(chart -> keys.addAll(chart.blockingKeys()));
    Set<Long> shared = practice.members().filedUnder(keys, PracticeMatcher.MOST_PER_KEY).keySet();
    Map<Long, Linked> links = practice.links(briefs.stream().map(Brief::id).toList());
    Set<Long> comparable = new TreeSet<>(links.keySet());
    for (Brief chart : briefs) {
      if (chart.blockingKeys().stream().anyMatch(shared::contains)) {
        comparable.add(chart.id());
      } else if (!links.containsKey(chart.id())) {
        commands.add(
            new Command.NoMatch(
                chart.sourceId(),
                chart.version(),
                UnmatchedReason.NO_CANDIDATE.name(),
                matcher.rulesVersion()));
      }
    }
    List<Subject> subjects = new ArrayList<>();
    for (Stored chart : practice.stored(comparable)) {
      subjects.add(
          new Subject(
              chart.sourceId(),
              chart.version(),
              chart.id(),
              chart.record(),
              chart.gone() || chart.merged(),
              links.get(chart.id())));
    }
    commands.addAll(decide(subjects));
    return commands;
  }

  /**
   * How a link that a person made stands, now that its chart says other things of somebody: rules
   * leave it, but say when the chart is not like its member, or has another given name or birth
   * date than the person saw, and rules would not be certain of it: a twin has all the rest. It is
   * in order again when they are certain, not before: the member's contacts may have come from this
   * very chart.
   */
  private static String standing(Subject subject, Decision decision) {
    Linked linked = Objects.requireNonNull(subject.link());
    long own = linked.memberId();
    List<Match> alike = new ArrayList<>();
    if (decision instanceof Decision.Link link) {
      if (link.match().candidateId() == own) {
        return Command.NoMatch.LINKED_BY_PERSON;
      }
      alike.addAll(link.others());
    } else if (decision instanceof Decision.Review review
        && review.reason() != Decision.ReviewReason.LINK_DRIFTED) {
      alike.addAll(review.shortlist());
    } else if (decision instanceof Decision.Unmatched) {
      return Command.NoMatch.CHANGED_SINCE_SEEN; // There is no such member any more.
    }
    return alike.stream().anyMatch(match -> match.candidateId() == own)
            && linked.hasNameAsSeen(subject.record().person())
        ? Command.NoMatch.CHANGED_SINCE_SEEN
        : Decision.ReviewReason.LINK_DRIFTED.name();
  }

  private Command command(Subject subject, Decision decision) {
    if (decision instanceof Decision.Link link) {
      return link(subject, link);
    }
    if (decision instanceof Decision.Review review) {
      return review(subject, review.reason().name(), review.shortlist());
    }
    return noMatch(subject, ((Decision.Unmatched) decision).reason().name());
  }

  private Command link(Subject subject, Decision.Link link) {
    MemberCandidate member = practice.member(link.match().candidateId());
    List<Match> all = new ArrayList<>(List.of(link.match()));
    all.addAll(link.others());
    if (!subject.mayLinkAlone()) {
      return review(subject, "CHART_" + subject.record().status().name(), all);
    }
    if (subject.link() != null && subject.link().memberId() != member.id()) {
      return review(subject, "LOOKS_LIKE_ANOTHER_MEMBER", all);
    }
    Match second = link.others().isEmpty() ? null : link.others().get(0);
    return new Command.Link(
        subject.sourceId(),
        subject.version(),
        member.memberNumber(),
        member.version(),
        matcher.rulesVersion(),
        link.match().comparison(),
        ground(subject.record().person(), member, link.match()),
        second == null
            ? null
            : new Command.RunnerUp(
                practice.member(second.candidateId()).memberNumber(), second.comparison().score()));
  }

  private Command review(Subject subject, String reason, List<Match> shortlist) {
    List<Command.ReviewCandidate> candidates = new ArrayList<>();
    for (Match match : shortlist) {
      MemberCandidate member = practice.member(match.candidateId());
      candidates.add(
          new Command.ReviewCandidate(
              member.memberNumber(),
              match.comparison(),
              ground(subject.record().person(), member, match)));
    }
    return new Command.Review(
        subject.sourceId(), subject.version(), reason, matcher.rulesVersion(), candidates);
  }

  private static Command.Ground ground(Person chart, MemberCandidate member, Match match) {
    return new Command.Ground(chart, Objects.requireNonNull(member.person()), match.facts());
  }

  private Command noMatch(Subject subject, String reason) {
    return new Command.NoMatch(
        subject.sourceId(), subject.version(), reason, matcher.rulesVersion());
  }
}
