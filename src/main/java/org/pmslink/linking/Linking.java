package org.pmslink.linking;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.Matcher;
import org.pmslink.matching.Matcher.Candidate;
import org.pmslink.matching.Matcher.Match;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Charts.MemberCandidate;
import org.pmslink.membership.Charts.Pair;
import org.pmslink.membership.Charts.Rival;
import org.pmslink.membership.Command;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.PatientRecord.QualityFlag;

/**
 * Decides about a batch of charts at once: finds their candidates in one query, the rivals of
 * likely candidates in another, and leaves the decision itself to the {@link Matcher}.
 */
final class Linking {
  private final Matcher matcher;
  private final Charts charts;

  Linking(Matcher matcher, Charts charts) {
    this.matcher = matcher;
    this.charts = charts;
  }

  /**
   * A chart to decide about.
   *
   * @param number tells it from the other subjects of its batch; a stored chart's id
   * @param patientId its id in the store, if it is there already
   * @param linkedTo number of the member it is linked to now
   */
  record Subject(
      long number,
      String sourceId,
      long version,
      @Nullable Long patientId,
      PatientRecord record,
      boolean gone,
      @Nullable String linkedTo) {

    /** Charts that can be nobody's: they are never compared. */
    boolean excluded() {
      return gone
          || record.status() == PatientStatus.DELETED
          || record.status() == PatientStatus.DUPLICATE
          || record.qualityFlags().contains(QualityFlag.TEST_PATIENT)
          || record.qualityFlags().contains(QualityFlag.NOT_A_PERSON);
    }

    /** Whether a rule may link it alone; for the others a person confirms. */
    boolean mayLinkAlone() {
      return switch (record.status()) {
        case ACTIVE, INACTIVE, PROSPECT -> true;
        case NON_PATIENT, ARCHIVED, DECEASED, DELETED, DUPLICATE, UNKNOWN -> false;
      };
    }
  }

  /** One command for each subject, in their order; for charts as they were just read. */
  List<Command> decide(int practice, String source, List<Subject> subjects) {
    List<Long> numbers = new ArrayList<>();
    List<Long> keys = new ArrayList<>();
    for (Subject subject : subjects) {
      for (Long key : matcher.blockingKeys(subject.record().person())) {
        numbers.add(subject.number());
        keys.add(key);
      }
    }
    return decide(practice, source, subjects, sharing(practice, numbers, keys));
  }

  /** Members that come into question for stored charts, by the keys that these are filed under. */
  List<Pair> candidates(int practice, List<Charts.Brief> stored) {
    List<Long> ids = new ArrayList<>();
    List<Long> keys = new ArrayList<>();
    for (Charts.Brief chart : stored) {
      for (Long key : chart.blockingKeys()) {
        ids.add(chart.id());
        keys.add(key);
      }
    }
    return sharing(practice, ids, keys);
  }

  private List<Pair> sharing(int practice, List<Long> subjects, List<Long> keys) {
    return keys.isEmpty()
        ? List.of()
        : charts.membersSharing(practice, array(subjects), array(keys));
  }

  /**
   * One command for each subject, in their order.
   *
   * @param pairs the members that come into question
   */
  List<Command> decide(int practice, String source, List<Subject> subjects, List<Pair> pairs) {
    Map<Long, Integer> places = new HashMap<>();
    for (int i = 0; i < subjects.size(); i++) {
      if (!subjects.get(i).excluded()) {
        places.put(subjects.get(i).number(), i);
      }
    }
    Map<Integer, Set<Long>> memberIds = new HashMap<>();
    Set<Integer> overflowing = new HashSet<>();
    for (Pair pair : pairs) {
      Integer subject = places.get(pair.subject());
      if (subject == null) {
        continue;
      }
      memberIds.computeIfAbsent(subject, s -> new HashSet<>()).add(pair.other());
      if (pair.overflow()) {
        overflowing.add(subject);
      }
    }
    Map<Long, MemberCandidate> members =
        charts.members(
            practice,
            memberIds.values().stream()
                .flatMap(Set::stream)
                .distinct()
                .mapToLong(i -> i)
                .toArray());
    Map<Long, List<Rival>> rivals = rivals(practice, source, subjects, memberIds, members);

    List<Command> commands = new ArrayList<>();
    for (int i = 0; i < subjects.size(); i++) {
      Subject subject = subjects.get(i);
      List<MemberCandidate> candidates =
          memberIds.getOrDefault(i, Set.of()).stream()
              .map(members::get)
              .filter(Objects::nonNull)
              .toList();
      commands.add(
          subject.excluded()
              ? noMatch(subject, "NOT_ELIGIBLE")
              : decide(subject, candidates, members, rivals, overflowing.contains(i)));
    }
    return withoutTwoLinksToOneMember(commands);
  }

  /** For every member that is certainly one of the subjects: all charts that may claim it too. */
  private Map<Long, List<Rival>> rivals(
      int practice,
      String source,
      List<Subject> subjects,
      Map<Integer, Set<Long>> memberIds,
      Map<Long, MemberCandidate> members) {
    Set<Long> certain = new HashSet<>();
    memberIds.forEach(
        (i, ids) -> {
          for (Long id : ids) {
            MemberCandidate member = members.get(id);
            if (member != null
                && matcher.compare(subjects.get(i).record().person(), member.person()).grade()
                    == Grade.CERTAIN) {
              certain.add(id);
            }
          }
        });
    if (certain.isEmpty()) {
      return Map.of();
    }
    List<Pair> pairs = charts.chartsSharing(practice, array(certain));
    Map<Long, Rival> people =
        charts.rivals(practice, source, pairs.stream().mapToLong(Pair::other).distinct().toArray());
    Map<Long, Set<Long>> seen = new HashMap<>();
    Map<Long, List<Rival>> rivals = new HashMap<>();
    for (Pair pair : pairs) {
      Rival rival = people.get(pair.other());
      if (rival != null
          && seen.computeIfAbsent(pair.subject(), m -> new HashSet<>()).add(pair.other())) {
        rivals.computeIfAbsent(pair.subject(), m -> new ArrayList<>()).add(rival);
      }
    }
    return rivals;
  }

  private Command decide(
      Subject subject,
      List<MemberCandidate> candidates,
      Map<Long, MemberCandidate> members,
      Map<Long, List<Rival>> rivals,
      boolean overflow) {
    // A chart that is not stored yet gets an id that no stored chart has.
    long id = subject.patientId() == null ? 0 : subject.patientId();
    Decision decision =
        matcher.decide(
            new Candidate(id, subject.record().person()),
            candidates.stream().map(m -> new Candidate(m.id(), m.person())).toList(),
            candidate -> claimants(id, rivals.getOrDefault(candidate.id(), List.of())));
    if (decision instanceof Decision.Link link) {
      return link(subject, link, members, overflow);
    }
    if (decision instanceof Decision.Review review) {
      return review(subject, review.reason().name(), review.shortlist(), members);
    }
    return overflow
        ? review(subject, ReviewReason.TOO_MANY_CANDIDATES.name(), List.of(), members)
        : drifted(subject, (Decision.Unmatched) decision, candidates);
  }

  private static Collection<Candidate> claimants(long subjectId, List<Rival> rivals) {
    return rivals.stream()
        .filter(r -> r.id() != subjectId)
        .map(r -> new Candidate(r.id(), r.person()))
        .toList();
  }

  private Command link(
      Subject subject, Decision.Link link, Map<Long, MemberCandidate> members, boolean overflow) {
    MemberCandidate member = Objects.requireNonNull(members.get(link.match().candidateId()));
    List<Match> all = new ArrayList<>(List.of(link.match()));
    all.addAll(link.others());
    if (overflow) {
      return review(subject, ReviewReason.TOO_MANY_CANDIDATES.name(), all, members);
    }
    if (!subject.mayLinkAlone()) {
      return review(subject, "CHART_" + subject.record().status().name(), all, members);
    }
    if (subject.linkedTo() != null && !subject.linkedTo().equals(member.memberNumber())) {
      return review(subject, "LOOKS_LIKE_ANOTHER_MEMBER", all, members);
    }
    return new Command.Link(
        subject.sourceId(),
        subject.version(),
        member.memberNumber(),
        member.version(),
        matcher.rulesVersion(),
        link.match().comparison());
  }

  private Command review(
      Subject subject, String reason, List<Match> shortlist, Map<Long, MemberCandidate> members) {
    List<Command.ReviewCandidate> candidates =
        shortlist.stream()
            .map(
                m ->
                    new Command.ReviewCandidate(
                        Objects.requireNonNull(members.get(m.candidateId())).memberNumber(),
                        m.comparison()))
            .toList();
    return new Command.Review(
        subject.sourceId(), subject.version(), reason, matcher.rulesVersion(), candidates);
  }

  /** A linked chart that no longer resembles its member is a matter for a person. */
  private Command drifted(
      Subject subject, Decision.Unmatched unmatched, List<MemberCandidate> candidates) {
    if (subject.linkedTo() == null) {
      return noMatch(subject, unmatched.reason().name());
    }
    List<Command.ReviewCandidate> linked =
        candidates.stream()
            .filter(m -> m.memberNumber().equals(subject.linkedTo()))
            .map(
                m ->
                    new Command.ReviewCandidate(
                        m.memberNumber(), matcher.compare(subject.record().person(), m.person())))
            .toList();
    return new Command.Review(
        subject.sourceId(), subject.version(), "LINK_DRIFTED", matcher.rulesVersion(), linked);
  }

  private Command noMatch(Subject subject, String reason) {
    return new Command.NoMatch(
        subject.sourceId(), subject.version(), reason, matcher.rulesVersion());
  }

  /**
   * Charts of one batch are not in the store yet and so no rivals of one another: two that would
   * both be linked to one member go to review.
   */
  private static List<Command> withoutTwoLinksToOneMember(List<Command> commands) {
    Map<String, Integer> claims = new HashMap<>();
    for (Command command : commands) {
      if (command instanceof Command.Link link) {
        claims.merge(link.memberNumber(), 1, Integer::sum);
      }
    }
    List<Command> checked = new ArrayList<>();
    for (Command command : commands) {
      if (command instanceof Command.Link link && claims.getOrDefault(link.memberNumber(), 0) > 1) {
        checked.add(
            new Command.Review(
                link.sourceId(),
                link.version(),
                ReviewReason.CLAIMED_TWICE.name(),
                link.rulesVersion(),
                List.of(new Command.ReviewCandidate(link.memberNumber(), link.comparison()))));
      } else {
        checked.add(command);
      }
    }
    return checked;
  }

  private static long[] array(Collection<Long> numbers) {
    return numbers.stream().mapToLong(i -> i).toArray();
  }
}
