package org.pmslink.matching;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision.Link;
import org.pmslink.matching.Decision.Match;
import org.pmslink.matching.Decision.Review;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.Decision.Unmatched;
import org.pmslink.matching.Decision.UnmatchedReason;
import org.pmslink.matching.Population.ContactKind;
import org.pmslink.matching.Practice.Constraints;
import org.pmslink.matching.PracticeMatcher.Subject;
import org.pmslink.matching.SetMatcher.Pair;
import org.pmslink.patient.Person;

/**
 * The part of a practice that a few charts' decisions stand on: the members that they may be, all
 * charts that may be these members too, the members that those may be instead, and whoever has a
 * telephone, an e-mail, a place or an SSN of any of them. Read from the store in a few steps, each
 * for all charts at once.
 */
final class Neighbourhood {
  /** Candidates that a person is shown. */
  private static final int LONGEST_SHORTLIST = 10;

  /** The number under which somebody who is not stored stands among the members. */
  private static final long SOMEBODY = -1;

  private final MatchingRules rules;
  private final Practice practice;
  private final List<Subject> subjects;
  private final PracticePopulation population;

  /** Takes every contact for personal: what it leaves out, no count can bring back. */
  private final PairScore lenient;

  private final PairScore exact;
  private final Side charts;
  private final Side members;
  private final Map<Key, Candidate> candidates = new LinkedHashMap<>();
  private final Set<Long> chartsDone = new HashSet<>();
  private final Set<Long> membersDone = new HashSet<>();
  private final Set<Long> chartsWithTooMany = new HashSet<>();
  private final Set<Long> membersWithTooMany = new HashSet<>();

  Neighbourhood(MatchingRules rules, NameCounts counts, Practice practice, List<Subject> subjects) {
    this.rules = rules;
    this.practice = practice;
    this.subjects = subjects;
    population = new PracticePopulation(rules, counts);
    lenient = PairScore.lenient(rules, new PracticePopulation(rules, counts));
    exact = new PairScore(rules, population);
    charts = new Side(practice.charts());
    members = new Side(practice.members());
    subjects.forEach(subject -> charts.put(subject.number(), subject.person()));
  }

  private record Key(long chart, long member) {}

  /** A pair that may be one person, with its own grade once it is scored. */
  private static final class Candidate {
    final long chart;
    final long member;
    @Nullable Grade grade;
    double score;

    Candidate(long chart, long member) {
      this.chart = chart;
      this.member = member;
    }

    boolean isAtLeast(Grade least) {
      return grade != null && grade.compareTo(least) >= 0;
    }
  }

  /** One decision for each subject, in their order. */
  List<Decision> decide() {
    Set<Long> own = new HashSet<>();
    subjects.forEach(subject -> own.add(subject.number()));
    findMembers(own);
    keepLinked();
    findRivals(own, Set.of());
    return decided();
  }

  /** Who of the charts somebody is who is not stored, best first. */
  PracticeMatcher.Found search(Person person, int most) {
    members.put(SOMEBODY, person);
    if (BlockingKeys.of(members.get(SOMEBODY)).isEmpty()) {
      return new PracticeMatcher.Found(List.of(), 0, false);
    }
    findCharts(Set.of(SOMEBODY));
    findRivals(Set.of(), Set.of(SOMEBODY));
    return found(most);
  }

  /**
   * Reads until everything is there that a decision about these can stand on: whoever probably is
   * one of their candidates may explain a rival away, or be one. Who reads more comes to the same
   * decision.
   */
  private void findRivals(Set<Long> ofCharts, Set<Long> ofMembers) {
    boolean complete = false;
    while (!complete) {
      score();
      Set<Long> claimed = new TreeSet<>();
      for (Candidate pair : candidates.values()) {
        Grade least = ofCharts.contains(pair.chart) ? Grade.POSSIBLE : Grade.PROBABLE;
        if (chartsDone.contains(pair.chart) && pair.isAtLeast(least)) {
          claimed.add(pair.member);
        }
      }
      boolean more = findCharts(claimed);
      score();
      Set<Long> rivals = new TreeSet<>();
      for (Candidate pair : candidates.values()) {
        Grade least = ofMembers.contains(pair.member) ? Grade.POSSIBLE : Grade.PROBABLE;
        if (membersDone.contains(pair.member) && pair.isAtLeast(least)) {
          rivals.add(pair.chart);
        }
      }
      complete = !findMembers(rivals) && !more;
    }
  }

  /** Explains each subject's decision, and the pair of it and a member. */
  List<PracticeMatcher.Explained> explain(long member) {
    for (Subject subject : subjects) {
      keep(subject.number(), member);
    }
    List<Decision> decisions = decide();
    List<PracticeMatcher.Explained> explained = new ArrayList<>();
    for (int i = 0; i < decisions.size(); i++) {
      explained.add(explained(subjects.get(i), decisions.get(i), member));
    }
    return explained;
  }

  private PracticeMatcher.Explained explained(Subject subject, Decision decision, long member) {
    ReviewReason rivalry = rivalry(subject.number(), member);
    PairScore score = new PairScore(rules, population);
    Features one = charts.get(subject.number());
    Features other = members.get(member);
    score.compareFully(one, other);
    List<Match> listed = new ArrayList<>();
    Grade grade = Grade.CERTAINLY_NOT;
    boolean unsure = false;
    if (decision instanceof Link link) {
      listed.add(link.match());
      listed.addAll(link.others());
      boolean linked = link.match().candidateId() == member;
      grade = linked ? Grade.CERTAIN : score.grade();
    } else if (decision instanceof Review review) {
      listed.addAll(review.shortlist());
      unsure = score.grade() == Grade.CERTAIN;
      grade = unsure ? Grade.PROBABLE : score.grade();
    }
    Double runnerUp = null;
    for (Match match : listed) {
      double theirs = match.comparison().score();
      if (match.candidateId() != member && (runnerUp == null || theirs > runnerUp)) {
        runnerUp = theirs;
      }
    }
    Pair pair = new Pair(0, 0, grade, score.score(), runnerUp, unsure ? rivalry : null);
    Explanation why = Explanation.of(score, pair, one, other, rules, Explanation.MEMBER);
    boolean tooMany =
        chartsWithTooMany.contains(subject.number()) || membersWithTooMany.contains(member);
    Candidate candidate = candidates.get(new Key(subject.number(), member));
    boolean decidedOtherwise =
        candidate != null
            && candidate.grade == Grade.CERTAINLY_NOT
            && score.grade() != Grade.CERTAINLY_NOT;
    return new PracticeMatcher.Explained(
        decision, decidedOtherwise ? why.decidedOtherwise() : tooMany ? why.orTooMany() : why);
  }

  /** What speaks against a pair that would be certain by itself; {@code null} for nothing. */
  private @Nullable ReviewReason rivalry(long chart, long member) {
    Ranked ranked = ranked(Set.of());
    for (Pair pair : ranked.pairs) {
      if (pair.grade() == Grade.CERTAIN
          && ranked.chartNumbers.id(pair.left()) == chart
          && ranked.memberNumbers.id(pair.right()) == member) {
        return ranked.rivals.rivalry(pair);
      }
    }
    return null;
  }

  /** Members that each subject probably is, best first. */
  Map<Long, List<Match>> probable() {
    Set<Long> own = new HashSet<>();
    subjects.forEach(subject -> own.add(subject.number()));
    findMembers(own);
    score();
    Map<Long, List<Candidate>> found = new HashMap<>();
    for (Candidate pair : candidates.values()) {
      if (pair.isAtLeast(Grade.PROBABLE)) {
        found.computeIfAbsent(pair.chart, c -> new ArrayList<>()).add(pair);
      }
    }
    Map<Long, List<Match>> probable = new LinkedHashMap<>();
    for (Subject subject : subjects) {
      List<Candidate> pairs = found.getOrDefault(subject.number(), List.of());
      if (!pairs.isEmpty()) {
        probable.put(
            subject.number(),
            pairs.stream()
                .sorted(
                    Comparator.<Candidate>comparingDouble(pair -> -pair.score)
                        .thenComparingLong(pair -> pair.member))
                .map(pair -> match(subject, pair.member))
                .toList());
      }
    }
    return probable;
  }

  /** Charts that may be one of these members. */
  Set<Long> chartsLike(Collection<Long> memberIds) {
    members.load(List.of(new TreeSet<>(memberIds)));
    findCharts(memberIds);
    Set<Long> alike = new TreeSet<>();
    candidates.keySet().forEach(pair -> alike.add(pair.chart()));
    return alike;
  }

  // ---- Who comes into question ----

  /** Returns whether there was one that was not known yet. */
  private boolean findMembers(Collection<Long> numbers) {
    List<Long> fresh = numbers.stream().filter(chartsDone::add).toList();
    Map<Long, Set<Long>> found = found(charts, fresh, members, chartsWithTooMany);
    members.load(found.values());
    found.forEach((chart, ids) -> ids.forEach(member -> consider(chart, member)));
    return !fresh.isEmpty();
  }

  private boolean findCharts(Collection<Long> ids) {
    List<Long> fresh = ids.stream().filter(membersDone::add).toList();
    Map<Long, Set<Long>> found = found(members, fresh, charts, membersWithTooMany);
    charts.load(found.values());
    found.forEach((member, numbers) -> numbers.forEach(chart -> consider(chart, member)));
    return !fresh.isEmpty();
  }

  /** Records of the one side that share a key with these of the other. */
  private static Map<Long, Set<Long>> found(
      Side of, Collection<Long> numbers, Side among, Set<Long> tooMany) {
    Map<Long, Set<Long>> keys = new LinkedHashMap<>();
    Set<Long> all = new TreeSet<>();
    for (Long number : numbers) {
      Features features = of.features.get(number);
      if (features != null) {
        Set<Long> own = BlockingKeys.of(features);
        keys.put(number, own);
        all.addAll(own);
      }
    }
    among.look(all);
    Map<Long, Set<Long>> found = new LinkedHashMap<>();
    keys.forEach(
        (number, own) -> {
          Set<Long> ids = new TreeSet<>();
          for (Long key : own) {
            List<Long> filed = among.filed(key);
            if (filed.size() <= PracticeMatcher.MOST_PER_KEY) {
              ids.addAll(filed);
            } else if (!narrowed(of.get(number), key, among, ids)) {
              tooMany.add(number);
            }
          }
          found.put(number, ids);
        });
    return found;
  }

  /**
   * Who shares a wide key and the name.
   *
   * @return whether that could be found out
   */
  private static boolean narrowed(Features of, long key, Side among, Set<Long> ids) {
    Set<Long> names = BlockingKeys.names(of);
    if (names.contains(key)) {
      // The name with a birth year or a place is filed by itself.
      return of.birth() != 0 || !of.zip().isEmpty() || !of.city().isEmpty();
    }
    boolean narrow = !names.isEmpty();
    for (Long name : names) {
      List<Long> both = among.side.filedUnderBoth(key, name, PracticeMatcher.MOST_PER_KEY);
      narrow &= both.size() <= PracticeMatcher.MOST_PER_KEY;
      both.stream().limit(PracticeMatcher.MOST_PER_KEY).forEach(ids::add);
    }
    return narrow;
  }

  private void consider(long chart, long member) {
    Features one = charts.features.get(chart);
    Features other = members.features.get(member);
    if (one == null || other == null || !charts.mayBePartner(chart)) {
      return;
    }
    Key key = new Key(chart, member);
    if (!candidates.containsKey(key)) {
      lenient.compare(one, other);
      if (lenient.grade() != Grade.CERTAINLY_NOT) {
        candidates.put(key, new Candidate(chart, member));
      }
    }
  }

  /** A linked chart is always held against its own member, however little they have in common. */
  private void keepLinked() {
    Set<Long> linked = new TreeSet<>();
    for (Subject subject : subjects) {
      if (subject.linkedTo() != null) {
        linked.add(subject.linkedTo());
      }
    }
    members.load(List.of(linked));
    for (Subject subject : subjects) {
      if (subject.linkedTo() != null) {
        keep(subject.number(), subject.linkedTo());
      }
    }
  }

  private void keep(long chart, long member) {
    members.load(List.of(Set.of(member)));
    if (members.features.containsKey(member)) {
      candidates.putIfAbsent(new Key(chart, member), new Candidate(chart, member));
    }
  }

  // ---- Scores ----

  private void score() {
    List<Candidate> fresh = candidates.values().stream().filter(c -> c.grade == null).toList();
    if (fresh.isEmpty()) {
      return;
    }
    count(fresh);
    // Nobody has decided anything about somebody who is not stored.
    List<Candidate> stored = fresh.stream().filter(c -> c.member != SOMEBODY).toList();
    Constraints constraints =
        stored.isEmpty()
            ? Constraints.NONE
            : practice.constraints(
                stored.stream().map(c -> c.chart).filter(n -> n >= 0).distinct().toList(),
                stored.stream().map(c -> c.member).distinct().toList());
    for (Candidate pair : fresh) {
      exact.compare(charts.get(pair.chart), members.get(pair.member));
      pair.score = exact.score();
      boolean allowed = pair.member == SOMEBODY || constraints.allow(pair.chart, pair.member);
      pair.grade = allowed ? exact.grade() : Grade.CERTAINLY_NOT;
    }
  }

  /** Counts who has the contacts of these pairs' records. */
  private void count(List<Candidate> pairs) {
    Map<ContactKind, Set<String>> values = new HashMap<>();
    for (ContactKind kind : ContactKind.values()) {
      values.put(kind, new TreeSet<>());
    }
    for (Candidate pair : pairs) {
      for (Features f : List.of(charts.get(pair.chart), members.get(pair.member))) {
        of(values, ContactKind.PHONE).addAll(f.phones());
        of(values, ContactKind.EMAIL).addAll(f.emails());
        of(values, ContactKind.SSN).add(f.ssn());
        of(values, ContactKind.PLACE).add(f.place());
      }
    }
    Set<Long> keys = new TreeSet<>();
    values.forEach(
        (kind, texts) -> {
          texts.removeIf(text -> text.isEmpty() || population.isCounted(kind, text));
          texts.forEach(text -> keys.add(BlockingKeys.contact(kind, text)));
        });
    charts.look(keys);
    members.look(keys);
    List<Set<Long>> chartsToLoad = new ArrayList<>();
    List<Set<Long>> membersToLoad = new ArrayList<>();
    for (Long key : keys) {
      List<Long> ofCharts = charts.filed(key);
      List<Long> ofMembers = members.filed(key);
      if (isWorthLooking(ofCharts, ofMembers)) {
        chartsToLoad.add(new TreeSet<>(ofCharts));
        membersToLoad.add(new TreeSet<>(ofMembers));
      }
    }
    charts.load(chartsToLoad);
    members.load(membersToLoad);
    values.forEach(
        (kind, texts) -> texts.forEach(text -> population.holders(kind, text, people(kind, text))));
  }

  private static Set<String> of(Map<ContactKind, Set<String>> values, ContactKind kind) {
    return Objects.requireNonNull(values.get(kind));
  }

  private static boolean isWorthLooking(List<Long> ofCharts, List<Long> ofMembers) {
    int all = ofCharts.size() + ofMembers.size();
    return all > 1 && all <= PracticeMatcher.MOST_PER_KEY;
  }

  private Holders people(ContactKind kind, String value) {
    long key = BlockingKeys.contact(kind, value);
    List<Long> ofCharts = charts.filed(key);
    List<Long> ofMembers = members.filed(key);
    if (!isWorthLooking(ofCharts, ofMembers)) {
      return new Holders(ofCharts.size() + ofMembers.size(), Set.of());
    }
    List<Features> holders = charts.loaded(ofCharts);
    if (kind == ContactKind.SSN) {
      // Of one side only: two spellings of one person are no reason to doubt a number.
      Holders one = Holders.of(holders, population);
      Holders other = Holders.of(members.loaded(ofMembers), population);
      return one.people() >= other.people() ? one : other;
    }
    holders.addAll(members.loaded(ofMembers));
    return Holders.of(holders, population);
  }

  // ---- Decisions ----

  /** Pairs that may be one person, their ends numbered, and what they are beside one another. */
  private record Ranked(
      List<Pair> pairs, Numbering chartNumbers, Numbering memberNumbers, Rivals rivals) {}

  /**
   * @param without members that are left out
   */
  private Ranked ranked(Set<Long> without) {
    Numbering chartNumbers = new Numbering(charts);
    Numbering memberNumbers = new Numbering(members);
    List<Pair> pairs = new ArrayList<>();
    for (Candidate pair : candidates.values()) {
      if (pair.isAtLeast(Grade.POSSIBLE) && !without.contains(pair.member)) {
        pairs.add(
            new Pair(
                chartNumbers.of(pair.chart),
                memberNumbers.of(pair.member),
                Objects.requireNonNull(pair.grade),
                pair.score,
                null,
                null));
      }
    }
    return new Ranked(
        pairs,
        chartNumbers,
        memberNumbers,
        new Rivals(rules, population, pairs, chartNumbers.features, memberNumbers.features, true));
  }

  private List<Decision> decided() {
    Ranked ranked = ranked(Set.of());
    Map<Integer, ReviewReason> contested = new HashMap<>();
    for (Pair pair : ranked.pairs) {
      ReviewReason rivalry = pair.grade() == Grade.CERTAIN ? ranked.rivals.rivalry(pair) : null;
      if (rivalry != null) {
        contested.putIfAbsent(pair.left(), rivalry);
      }
    }
    Map<Integer, List<Pair>> ofChart = new HashMap<>();
    for (Pair pair : ranked.rivals.decided()) {
      ofChart.computeIfAbsent(pair.left(), i -> new ArrayList<>()).add(pair);
    }
    List<Decision> decisions = new ArrayList<>(subjects.size());
    for (Subject subject : subjects) {
      Integer number = ranked.chartNumbers.numbers.get(subject.number());
      List<Pair> own = number == null ? List.of() : ofChart.getOrDefault(number, List.of());
      decisions.add(
          decision(
              subject, own, ranked.memberNumbers, number == null ? null : contested.get(number)));
    }
    return decisions;
  }

  /** What a search comes to: the pairs of the one who is searched for. */
  private PracticeMatcher.Found found(int most) {
    boolean tooMany = membersWithTooMany.contains(SOMEBODY);
    // A member who is the one searched for claims the same charts, and is no rival.
    Set<Long> themselves = new HashSet<>();
    for (Candidate pair : candidates.values()) {
      if (pair.member != SOMEBODY && pair.isAtLeast(Grade.POSSIBLE)) {
        exact.compare(members.get(pair.member), members.get(SOMEBODY));
        if (exact.grade().compareTo(Grade.PROBABLE) >= 0) {
          themselves.add(pair.member);
        }
      }
    }
    Ranked ranked = ranked(themselves);
    Integer somebody = ranked.memberNumbers.numbers.get(SOMEBODY);
    List<Pair> own = new ArrayList<>();
    for (Pair pair : ranked.rivals.decided()) {
      if (somebody != null && pair.right() == somebody) {
        boolean unsure = tooMany || chartsWithTooMany.contains(ranked.chartNumbers.id(pair.left()));
        own.add(
            unsure && pair.grade() == Grade.CERTAIN
                ? pair.withGrade(Grade.PROBABLE, pair.rivalry())
                : pair);
      }
    }
    own.sort(
        Comparator.comparing(Pair::grade)
            .thenComparingDouble(Pair::score)
            .reversed()
            .thenComparingLong(pair -> ranked.chartNumbers.id(pair.left())));
    List<PracticeMatcher.Candidate> best = new ArrayList<>();
    for (int i = 0; i < Math.min(most, own.size()); i++) {
      Pair pair = own.get(i);
      Double runnerUp = own.size() == 1 ? null : Double.valueOf(own.get(i == 0 ? 1 : 0).score());
      long chart = ranked.chartNumbers.id(pair.left());
      best.add(
          new PracticeMatcher.Candidate(
              chart,
              explanation(
                  chart,
                  new Pair(
                      pair.left(),
                      pair.right(),
                      pair.grade(),
                      pair.score(),
                      runnerUp,
                      pair.rivalry())),
              runnerUp));
    }
    return new PracticeMatcher.Found(best, own.size(), tooMany);
  }

  private Explanation explanation(long chart, Pair pair) {
    PairScore score = new PairScore(rules, population);
    score.compareFully(charts.get(chart), members.get(SOMEBODY));
    return Explanation.of(
            score, pair, charts.get(chart), members.get(SOMEBODY), rules, Explanation.CHART)
        .orTooMany();
  }

  private Decision decision(
      Subject subject,
      List<Pair> pairs,
      Numbering memberNumbers,
      @Nullable ReviewReason contested) {
    List<Pair> ranked =
        pairs.stream()
            .sorted(
                Comparator.<Pair>comparingDouble(pair -> -pair.score())
                    .thenComparingLong(pair -> memberNumbers.id(pair.right())))
            .toList();
    List<Match> shortlist =
        ranked.stream()
            .limit(LONGEST_SHORTLIST)
            .map(pair -> match(subject, memberNumbers.id(pair.right())))
            .toList();
    boolean tooMany = chartsWithTooMany.contains(subject.number());
    for (int i = 0; i < ranked.size(); i++) {
      long member = memberNumbers.id(ranked.get(i).right());
      if (ranked.get(i).grade() == Grade.CERTAIN && i < shortlist.size()) {
        if (tooMany || membersWithTooMany.contains(member)) {
          return new Review(ReviewReason.TOO_MANY_CANDIDATES, shortlist);
        }
        List<Match> others = new ArrayList<>(shortlist);
        return new Link(others.remove(i), others);
      }
    }
    if (!shortlist.isEmpty()) {
      return new Review(contested == null ? ReviewReason.NOT_CERTAIN : contested, shortlist);
    }
    if (tooMany) {
      return new Review(ReviewReason.TOO_MANY_CANDIDATES, List.of());
    }
    Long linked = subject.linkedTo();
    if (linked != null && members.features.containsKey(linked)) {
      return new Review(ReviewReason.LINK_DRIFTED, List.of(match(subject, linked)));
    }
    Features features = charts.get(subject.number());
    if (BlockingKeys.of(features).isEmpty()) {
      return new Unmatched(UnmatchedReason.TOO_LITTLE_KNOWN);
    }
    boolean anybody =
        BlockingKeys.of(features).stream().anyMatch(key -> !members.filed(key).isEmpty());
    return new Unmatched(anybody ? UnmatchedReason.NONE_SIMILAR : UnmatchedReason.NO_CANDIDATE);
  }

  private Match match(Subject subject, long member) {
    Facts.Recorder recorder = new Facts.Recorder(population);
    PairScore score = new PairScore(rules, recorder);
    score.compareFully(charts.get(subject.number()), members.get(member));
    return new Match(member, score.comparison(), recorder.facts());
  }

  /** The records of a side that stand in a pair, numbered from 0. */
  private static final class Numbering {
    final Side side;
    final Map<Long, Integer> numbers = new HashMap<>();
    final List<Long> ids = new ArrayList<>();
    final List<Features> features = new ArrayList<>();

    Numbering(Side side) {
      this.side = side;
    }

    int of(long id) {
      Integer known = numbers.get(id);
      if (known != null) {
        return known;
      }
      int number = ids.size();
      numbers.put(id, number);
      ids.add(id);
      features.add(side.get(id));
      return number;
    }

    long id(int number) {
      return ids.get(number);
    }
  }

  /** What has been read of one side, and the subjects in place of what the store has of them. */
  private static final class Side {
    final Practice.Side side;
    final Map<Long, Features> features = new HashMap<>();
    private final Map<Long, List<Long>> filed = new HashMap<>();
    private final Map<Long, List<Long>> own = new HashMap<>();
    private final Set<Long> put = new HashSet<>();
    private final Set<Long> loaded = new HashSet<>();

    Side(Practice.Side side) {
      this.side = side;
    }

    void put(long number, Person person) {
      Features f = Features.of(person);
      features.put(number, f);
      loaded.add(number);
      put.add(number);
      for (Long key : BlockingKeys.of(f)) {
        own.computeIfAbsent(key, k -> new ArrayList<>()).add(number);
      }
    }

    /** Reads who is filed under these keys, unless that is known. */
    void look(Collection<Long> keys) {
      Set<Long> unknown = new TreeSet<>(keys);
      unknown.removeAll(filed.keySet());
      if (unknown.isEmpty()) {
        return;
      }
      Map<Long, List<Long>> found = side.filedUnder(unknown, PracticeMatcher.MOST_PER_KEY);
      for (Long key : unknown) {
        Set<Long> ids = new LinkedHashSet<>(found.getOrDefault(key, List.of()));
        ids.removeAll(put);
        ids.addAll(own.getOrDefault(key, List.of()));
        filed.put(key, List.copyOf(ids));
      }
    }

    List<Long> filed(long key) {
      return filed.getOrDefault(key, List.of());
    }

    /** Reads who these records are, unless that is known. */
    void load(Collection<Set<Long>> groups) {
      Set<Long> unknown = new TreeSet<>();
      groups.forEach(unknown::addAll);
      unknown.removeAll(loaded);
      if (!unknown.isEmpty()) {
        loaded.addAll(unknown);
        side.people(unknown).forEach((id, person) -> features.put(id, Features.of(person)));
      }
    }

    boolean mayBePartner(long id) {
      return put.contains(id) || side.mayBePartner(id);
    }

    Features get(long id) {
      return Objects.requireNonNull(features.get(id));
    }

    List<Features> loaded(List<Long> ids) {
      List<Features> found = new ArrayList<>();
      for (Long id : ids) {
        Features f = features.get(id);
        if (f != null) {
          found.add(f);
        }
      }
      return found;
    }
  }
}
