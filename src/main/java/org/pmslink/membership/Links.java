package org.pmslink.membership;

import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.ActiveLinks.ActiveLink;
import org.pmslink.membership.Member.Field;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Links between charts and members, and what hangs on them: decisions, reviews, flags, and the
 * member's contact fields. Part of the apply step; every method runs in its transaction.
 */
@Component
class Links {
  static final String RULE = "rule";

  /** Who fills members from their charts. */
  private static final String FEED = "feed";

  /** Why a member has back what it had before a link filled it. */
  private static final String LINK_ENDED = "LINK_ENDED";

  /** Why a link ends whose member is none any more. */
  private static final String MEMBER_REMOVED = "MEMBER_REMOVED";

  /** Why nothing is decided about a chart: a person has. */
  static final String LINKED_BY_PERSON = "LINKED_BY_PERSON";

  /** The chart of a link is not like its member. */
  static final String LINK_DRIFTED = "LINK_DRIFTED";

  private static final Set<String> OF_A_PERSONS_LINK =
      Set.of(LINKED_BY_PERSON, "CHANGED_SINCE_SEEN", LINK_DRIFTED);

  /** Two members, one person: only a person can tell which membership goes on. */
  private static final String BOTH_LINKED = "MERGED_BOTH_LINKED";

  /**
   * The PMS took back the merge by which the link came here: only a person can tell whose it is.
   */
  static final String MERGE_TAKEN_BACK = "MERGE_TAKEN_BACK";

  /** Of more charts that share a key, the rest decides on other grounds. */
  private static final int MOST_NEIGHBOURS = 201;

  private final JdbcTemplate database;
  private final Members members;
  private final Survivorship survivorship;
  private final ActiveLinks activeLinks;
  private final Duplicates duplicates;

  Links(
      JdbcTemplate database,
      Members members,
      Survivorship survivorship,
      ActiveLinks activeLinks,
      Duplicates duplicates) {
    this.database = database;
    this.duplicates = duplicates;
    this.activeLinks = activeLinks;
    this.members = members;
    this.survivorship = survivorship;
  }

  /** How charts came out of a batch. */
  record Counts(int linked, int toReview, int unlinked) {}

  /** A chart as it stands when a decision about it arrives. */
  private record Chart(long id, long version, boolean gone, @Nullable ActiveLink link) {}

  private record Outcome(long patientId, String outcome, String reason, String rulesVersion) {}

  /**
   * Carries out link, review, no-match and unlink commands, except where a person has decided
   * otherwise since the store was read for them.
   *
   * @param matched members about whom these commands are all that there is to decide
   * @param matchedAt up to when they know of every change, by the store's clock
   */
  Counts decide(
      int practice,
      String source,
      List<Command> commands,
      List<CommandBatch.MatchedMember> matched,
      Instant matchedAt) {
    if (!matched.isEmpty()) {
      // With those that get a link, and in one order: who asks for some of them first and for
      // others later waits for somebody who does so the other way round.
      members.lock(practice, membersOf(commands, matched));
    }
    Counts counts = decide(practice, source, commands, matchedAt);
    if (!matched.isEmpty()) {
      members.matched(practice, matched);
    }
    return counts;
  }

  private static Set<String> membersOf(
      List<Command> commands, List<CommandBatch.MatchedMember> matched) {
    Set<String> numbers = new HashSet<>();
    matched.forEach(member -> numbers.add(member.memberNumber()));
    for (Command command : commands) {
      if (command instanceof Command.Link link) {
        numbers.add(link.memberNumber());
      }
    }
    return numbers;
  }

  private Counts decide(int practice, String source, List<Command> commands, Instant matchedAt) {
    if (commands.isEmpty()) {
      return new Counts(0, 0, 0);
    }
    Map<String, Chart> charts = charts(practice, source, commands);
    Said said = said(practice, source, charts.values(), commands, matchedAt);
    List<Long> overruled = new ArrayList<>();
    List<Outcome> outcomes = new ArrayList<>();
    List<Command.Link> toLink = new ArrayList<>();
    List<Command.Review> toReview = new ArrayList<>();
    List<Long> noReview = new ArrayList<>();
    for (Command command : inOneOrder(commands, charts)) {
      Chart chart = chart(charts, command);
      // A newer version of the chart brings its own decision; this one was made on the old one.
      if (chart.version() > command.version()) {
        continue;
      }
      if (said.overrules(chart, command) || isAboutAnEndedLink(command, chart)) {
        overruled.add(chart.id());
      } else if (command instanceof Command.Link link) {
        toLink.add(link);
      } else if (command instanceof Command.Review review) {
        toReview.add(review);
      } else if (command instanceof Command.NoMatch noMatch && isAboutPersonsLink(noMatch, chart)) {
        outcomes.add(lookedAt(practice, chart, noMatch));
        noReview.add(chart.id());
      } else if (command instanceof Command.NoMatch noMatch) {
        outcomes.add(
            chart.link() == null
                ? new Outcome(chart.id(), "UNLINKED", noMatch.reason(), noMatch.rulesVersion())
                : new Outcome(chart.id(), "LINKED", noMatch.reason(), noMatch.rulesVersion()));
        noReview.add(chart.id());
      } else if (command instanceof Command.Unlink unlink) {
        unlink(practice, chart, unlink, outcomes);
      }
    }
    link(practice, source, toLink, charts, outcomes, noReview, toReview, overruled);
    review(practice, source, toReview, charts, outcomes);
    closeReviews(practice, noReview);
    settle(practice, outcomes, matchedAt);
    if (!overruled.isEmpty()) {
      decideAgain(practice, overruled);
    }
    int linked = 0;
    int reviewed = 0;
    int unlinked = 0;
    for (Outcome outcome : outcomes) {
      switch (outcome.outcome()) {
        case "LINKED" -> linked++;
        case "REVIEW" -> reviewed++;
        default -> unlinked++;
      }
    }
    return new Counts(linked, reviewed, unlinked);
  }

  /** About charts that are there, by their ids: two batches about the same take their rows so. */
  private static List<Command> inOneOrder(List<Command> commands, Map<String, Chart> charts) {
    return commands.stream()
        .filter(command -> charts.containsKey(command.sourceId()))
        .sorted(Comparator.comparingLong(command -> chart(charts, command).id()))
        .toList();
  }

  private static boolean isAboutPersonsLink(Command.NoMatch noMatch, Chart chart) {
    return isLinkedByPerson(chart)
        && (noMatch.reason().equals(LINKED_BY_PERSON) || noMatch.reason().equals(LINK_DRIFTED));
  }

  /** Whether rules left a chart alone for a person's link that is there no more. */
  private static boolean isAboutAnEndedLink(Command command, Chart chart) {
    return command instanceof Command.NoMatch noMatch
        && OF_A_PERSONS_LINK.contains(noMatch.reason())
        && !isLinkedByPerson(chart);
  }

  private static boolean isLinkedByPerson(Chart chart) {
    return chart.link() != null && !chart.link().madeBy().equals(RULE);
  }

  /**
   * What rules make of a link that a person has made: it stands, but it says that it is in doubt,
   * unless a person has looked at the chart since it changed.
   */
  private Outcome lookedAt(int practice, Chart chart, Command.NoMatch noMatch) {
    ActiveLink link = Objects.requireNonNull(chart.link());
    String reason = noMatch.reason();
    if (reason.equals(LINK_DRIFTED)
        && fingerprintOf(practice, chart.id()).equals(link.seenPerson())) {
      reason = LINKED_BY_PERSON;
    }
    if (reason.equals(LINK_DRIFTED)) {
      flag(practice, List.of(chart.id()), LINK_DRIFTED);
    } else if (LINK_DRIFTED.equals(link.flagReason())) {
      unflag(practice, link, "alike again");
    }
    return new Outcome(chart.id(), "LINKED", reason, noMatch.rulesVersion());
  }

  /** Of who a chart is of, as it is stored. */
  String fingerprintOf(int practice, long chart) {
    String record =
        database.queryForObject(
            "select record from patients where practice_id = ? and id = ?",
            String.class,
            practice,
            chart);
    return RecordJson.read(Objects.requireNonNull(record), PatientRecord.class)
        .person()
        .fingerprint();
  }

  private Map<String, Chart> charts(int practice, String source, List<Command> commands) {
    Map<String, Chart> charts = new HashMap<>();
    database.query(
        """
        select source_id, id, version, removed_at is not null or merged_into is not null
        from patients where practice_id = ? and source = ? and source_id = any (?)""",
        row -> {
          charts.put(
              row.getString(1), new Chart(row.getLong(2), row.getLong(3), row.getBoolean(4), null));
        },
        practice,
        source,
        commands.stream().map(Command::sourceId).distinct().toArray(String[]::new));
    Map<Long, ActiveLink> links =
        activeLinks.of(practice, charts.values().stream().map(Chart::id).toList());
    charts.replaceAll(
        (sourceId, chart) ->
            new Chart(chart.id(), chart.version(), chart.gone(), links.get(chart.id())));
    return charts;
  }

  private record ChartAndNumber(long chart, String memberNumber) {}

  /**
   * What people have said of charts and members about which something was decided.
   *
   * @param notTheSame pairs that are two people
   * @param since of these, those that were told apart, and charts whose member was said, after the
   *     store was read
   */
  private record Said(
      Set<ChartAndNumber> notTheSame,
      Map<Long, String> memberOfChart,
      Map<String, Long> chartOfMember,
      Set<ChartAndNumber> since) {

    boolean overrules(Chart chart, Command command) {
      if (command instanceof Command.Link link) {
        String number = link.memberNumber();
        return notTheSame.contains(new ChartAndNumber(chart.id(), number))
            || !number.equals(memberOfChart.getOrDefault(chart.id(), number))
            || chart.id() != chartOfMember.getOrDefault(number, chart.id());
      }
      if (command instanceof Command.Review review) {
        String own = memberOfChart.get(chart.id());
        return own != null && since.contains(new ChartAndNumber(chart.id(), own))
            || review.candidates().stream()
                .map(c -> new ChartAndNumber(chart.id(), c.memberNumber()))
                .anyMatch(pair -> notTheSame.contains(pair) && since.contains(pair));
      }
      return false;
    }
  }

  private Said said(
      int practice,
      String source,
      Collection<Chart> charts,
      List<Command> commands,
      Instant matchedAt) {
    Said said = new Said(new HashSet<>(), new HashMap<>(), new HashMap<>(), new HashSet<>());
    database.query(
        """
        select v.patient_id, m.member_number, v.verdict = 'SAME', v.at > ? from verdicts v
        join patients p on p.practice_id = v.practice_id and p.id = v.patient_id
        join members m on m.practice_id = v.practice_id and m.id = v.member_id
        where v.practice_id = ? and v.withdrawn_at is null and m.status = 'ACTIVE'
          and p.source = ? and (v.patient_id = any (?) or m.member_number = any (?))""",
        row -> {
          ChartAndNumber pair = new ChartAndNumber(row.getLong(1), row.getString(2));
          if (row.getBoolean(3)) {
            said.memberOfChart().put(pair.chart(), pair.memberNumber());
            said.chartOfMember().put(pair.memberNumber(), pair.chart());
          } else {
            said.notTheSame().add(pair);
          }
          if (row.getBoolean(4)) {
            said.since().add(pair);
          }
        },
        Timestamp.from(matchedAt.minus(ApplyCommands.UNSEEN)),
        practice,
        source,
        array(charts.stream().map(Chart::id).toList()),
        commands.stream()
            .filter(Command.Link.class::isInstance)
            .map(command -> ((Command.Link) command).memberNumber())
            .toArray(String[]::new));
    return said;
  }

  private void link(
      int practice,
      String source,
      List<Command.Link> commands,
      Map<String, Chart> charts,
      List<Outcome> outcomes,
      List<Long> noReview,
      List<Command.Review> toReview,
      List<Long> overruled) {
    if (commands.isEmpty()) {
      return;
    }
    Map<String, Member> byNumber = new HashMap<>();
    for (Member member :
        members.lock(practice, commands.stream().map(Command.Link::memberNumber).toList())) {
      byNumber.put(member.memberNumber(), member);
    }
    // Whoever had the members until now may have linked these very charts.
    Map<Long, ActiveLink> links =
        activeLinks.of(
            practice, commands.stream().map(command -> chart(charts, command).id()).toList());
    Map<Long, Command.Link> wanted = new LinkedHashMap<>();
    for (Command.Link link : commands) {
      Chart chart = chart(charts, link);
      Member member = byNumber.get(link.memberNumber());
      ActiveLink now = links.get(chart.id());
      if (now != null && link.memberNumber().equals(now.memberNumber())) {
        if (BOTH_LINKED.equals(now.flagReason())) {
          // That a chart resembles its own member says nothing about the member it was merged with.
          outcomes.add(new Outcome(chart.id(), "REVIEW", BOTH_LINKED, link.rulesVersion()));
          continue;
        }
        outcomes.add(new Outcome(chart.id(), "LINKED", "CERTAIN", link.rulesVersion()));
        noReview.add(chart.id());
        if (!MERGE_TAKEN_BACK.equals(now.flagReason())) {
          unflag(practice, now, "certain again");
        }
        continue;
      }
      if (chart.gone() || member == null || member.removed()) {
        outcomes.add(new Outcome(chart.id(), "UNLINKED", "TOO_LATE", link.rulesVersion()));
        continue;
      }
      if (member.version() != link.memberVersion()) {
        // The member changed after the decision was made: it is made again on what is true now.
        outcomes.add(new Outcome(chart.id(), "UNLINKED", "MEMBER_CHANGED", link.rulesVersion()));
        continue;
      }
      if (now != null) {
        // Rules link no chart that is another's: it was not when this was decided.
        overruled.add(chart.id());
        continue;
      }
      wanted.put(chart.id(), link);
    }
    Set<Long> made = insertLinks(practice, source, wanted, byNumber);
    List<Long> notMade = wanted.keySet().stream().filter(chart -> !made.contains(chart)).toList();
    Set<Long> linkedMeanwhile = activeLinks.of(practice, notMade).keySet();
    Map<Long, Member> fresh = new HashMap<>();
    wanted.forEach(
        (patientId, link) -> {
          // Where the unique constraints had the last word, somebody was linked meanwhile.
          if (linkedMeanwhile.contains(patientId)) {
            overruled.add(patientId);
            return;
          }
          if (!made.contains(patientId)) {
            toReview.add(claimedTwice(link));
            return;
          }
          outcomes.add(new Outcome(patientId, "LINKED", "CERTAIN", link.rulesVersion()));
          noReview.add(patientId);
          fresh.put(patientId, member(byNumber, link));
        });
    Set<Long> written = fill(practice, fresh, !fresh.isEmpty() && members.isInOnePms(practice));
    members.matchedNow(
        practice,
        fresh.values().stream()
            .mapToLong(Member::id)
            .filter(id -> !written.contains(id))
            .toArray());
  }

  private static Member member(Map<String, Member> byNumber, Command.Link link) {
    return Objects.requireNonNull(byNumber.get(link.memberNumber()));
  }

  private static Command.Review claimedTwice(Command.Link link) {
    return new Command.Review(
        link.sourceId(),
        link.version(),
        "CLAIMED_TWICE",
        link.rulesVersion(),
        List.of(
            new Command.ReviewCandidate(link.memberNumber(), link.comparison(), link.ground())));
  }

  /** Returns the charts that were linked; the others' chart or member has a link already. */
  private Set<Long> insertLinks(
      int practice, String source, Map<Long, Command.Link> wanted, Map<String, Member> byNumber) {
    if (wanted.isEmpty()) {
      return Set.of();
    }
    List<Command.Link> links = List.copyOf(wanted.values());
    return Set.copyOf(
        database.queryForList(
            """
            with made as (
              insert into links (practice_id, source, patient_id, member_id, made_by, reason,
                                 grade, score, runner_up, explanation, ground, rules_version)
              select ?, ?, t.patient_id, t.member_id, ?, 'CERTAIN', t.grade, t.score,
                     t.runner_up::json, t.explanation::json, t.ground::json, t.rules
              from unnest(?::bigint[], ?::bigint[], ?::text[], ?::float8[], ?::text[], ?::text[],
                          ?::text[], ?::text[])
                   as t (patient_id, member_id, grade, score, runner_up, explanation, ground,
                         rules)
              on conflict do nothing
              returning id, patient_id),
            kept as (
              insert into link_changes (practice_id, link_id, action, actor, reason)
              select ?, id, 'MADE', ?, 'CERTAIN' from made)
            select patient_id from made""",
            Long.class,
            practice,
            source,
            RULE,
            array(wanted.keySet()),
            links.stream().mapToLong(l -> member(byNumber, l).id()).toArray(),
            links.stream().map(l -> l.comparison().grade().name()).toArray(String[]::new),
            links.stream().mapToDouble(l -> l.comparison().score()).toArray(),
            links.stream()
                .map(l -> l.runnerUp() == null ? null : RecordJson.write(l.runnerUp()))
                .toArray(String[]::new),
            links.stream().map(l -> RecordJson.write(l.comparison())).toArray(String[]::new),
            links.stream().map(l -> RecordJson.write(l.ground())).toArray(String[]::new),
            links.stream().map(Command.Link::rulesVersion).toArray(String[]::new),
            practice,
            RULE));
  }

  private void unlink(int practice, Chart chart, Command.Unlink unlink, List<Outcome> outcomes) {
    ActiveLink link = chart.link();
    if (link == null
        || (unlink.memberNumber() != null && !unlink.memberNumber().equals(link.memberNumber()))) {
      return;
    }
    if (unlink.reason().equals(MEMBER_REMOVED) && isActive(practice, link.memberId())) {
      return; // Taken apart from another meanwhile, it is a member again.
    }
    end(practice, link.id(), unlink.actor(), unlink.reason());
    outcomes.add(new Outcome(chart.id(), "UNLINKED", unlink.reason(), "-"));
  }

  private boolean isActive(int practice, long member) {
    return Boolean.TRUE.equals(
        database.queryForObject(
            "select status = 'ACTIVE' from members where practice_id = ? and id = ?",
            Boolean.class,
            practice,
            member));
  }

  private void review(
      int practice,
      String source,
      List<Command.Review> commands,
      Map<String, Chart> charts,
      List<Outcome> outcomes) {
    List<Object[]> rows = new ArrayList<>();
    List<String> contested = new ArrayList<>();
    for (Command.Review review : commands) {
      Chart chart = chart(charts, review);
      rows.add(
          new Object[] {
            practice,
            chart.id(),
            review.reason(),
            RecordJson.write(review.candidates()),
            review.rulesVersion()
          });
      // A link stands until a person decides, but it says that it is in doubt.
      if (chart.link() != null) {
        flag(practice, List.of(chart.id()), review.reason());
      }
      if (review.reason().equals("CLAIMED_TWICE")) {
        review.candidates().stream().limit(1).forEach(c -> contested.add(c.memberNumber()));
      }
      outcomes.add(new Outcome(chart.id(), "REVIEW", review.reason(), review.rulesVersion()));
    }
    database.batchUpdate(
        """
        insert into reviews (practice_id, patient_id, reason, candidates, rules_version)
        values (?, ?, ?, ?::jsonb, ?)
        on conflict (practice_id, patient_id) where closed_at is null do update
        set reason = excluded.reason, candidates = excluded.candidates,
            rules_version = excluded.rules_version, updated_at = now()""",
        rows);
    if (!contested.isEmpty()) {
      List<Long> memberIds =
          database.queryForList(
              "select id from members where practice_id = ? and member_number = any (?)",
              Long.class,
              practice,
              contested.toArray(String[]::new));
      List<Long> holders =
          database.queryForList(
              """
              select patient_id from links
              where practice_id = ? and source = ? and member_id = any (?) and ended_at is null""",
              Long.class,
              practice,
              source,
              array(memberIds));
      flag(practice, holders, "CLAIMED_TWICE");
    }
  }

  private void closeReviews(int practice, List<Long> patientIds) {
    closeReviews(practice, patientIds, RULE, "no longer in doubt");
  }

  private void closeReviews(int practice, List<Long> patientIds, String actor, String reason) {
    if (!patientIds.isEmpty()) {
      database.update(
          """
          update reviews set closed_at = now(), closed_by = ?, close_reason = ?
          where practice_id = ? and patient_id = any (?) and closed_at is null""",
          actor,
          reason,
          practice,
          array(patientIds));
    }
  }

  /** Files decisions that are taken now. */
  private void settle(int practice, List<Outcome> outcomes) {
    settle(practice, outcomes, null);
  }

  /**
   * Files decisions; one that must be taken again on newer facts is marked so, and what was marked
   * since the store was read for a decision stays marked; also what was marked at the very moment
   * up to which the decision knows, which is when the oldest open transaction began.
   */
  private void settle(int practice, List<Outcome> outcomes, @Nullable Instant matchedAt) {
    if (outcomes.isEmpty()) {
      return;
    }
    Map<Long, Outcome> last = new HashMap<>();
    outcomes.forEach(o -> last.put(o.patientId(), o));
    List<Outcome> rows =
        last.values().stream().sorted(Comparator.comparingLong(Outcome::patientId)).toList();
    database.update(
        """
        insert into decisions (practice_id, patient_id, outcome, reason, rules_version, stale_since)
        select ?, t.patient_id, t.outcome, t.reason, t.rules,
               case when t.reason in ('MEMBER_CHANGED', 'MEMBER_REMOVED') then now() end
        from unnest(?::bigint[], ?::text[], ?::text[], ?::text[])
             as t (patient_id, outcome, reason, rules)
        on conflict (practice_id, patient_id) do update
        set outcome = excluded.outcome, reason = excluded.reason,
            rules_version = excluded.rules_version,
            stale_since = case when decisions.stale_since >= ? then decisions.stale_since
                               else excluded.stale_since end,
            sent_at = null, decided_at = now()""",
        practice,
        rows.stream().mapToLong(Outcome::patientId).toArray(),
        rows.stream().map(Outcome::outcome).toArray(String[]::new),
        rows.stream().map(Outcome::reason).toArray(String[]::new),
        rows.stream().map(Outcome::rulesVersion).toArray(String[]::new),
        matchedAt == null ? null : Timestamp.from(matchedAt));
  }

  /** Charts that no sweep will come by for any more: each without a decision waits for one. */
  void awaitDecision(int practice, String source, List<Command.Update> updates) {
    database.update(
        """
        insert into decisions (practice_id, patient_id, outcome, reason, rules_version, stale_since)
        select p.practice_id, p.id, 'UNLINKED', 'WAITING', '-', now() from patients p
        where p.practice_id = ? and p.source = ? and p.source_id = any (?)
        on conflict do nothing""",
        practice,
        source,
        updates.stream().map(Command.Update::sourceId).toArray(String[]::new));
  }

  /** Settles charts that can be nobody's, whatever was decided about them before. */
  void settleWithoutMatch(int practice, List<Long> patientIds, String reason) {
    List<Long> linked = linked(practice, patientIds);
    settle(
        practice,
        patientIds.stream()
            .map(id -> new Outcome(id, linked.contains(id) ? "LINKED" : "UNLINKED", reason, "-"))
            .toList());
    closeReviews(practice, patientIds.stream().filter(id -> !linked.contains(id)).toList());
  }

  private List<Long> linked(int practice, List<Long> patientIds) {
    return database.queryForList(
        """
        select patient_id from links
        where practice_id = ? and patient_id = any (?) and ended_at is null""",
        Long.class,
        practice,
        array(patientIds));
  }

  /** Flags the links of these charts for verification; a flag that is up stays as it is. */
  void flag(int practice, List<Long> patientIds, String reason) {
    if (patientIds.isEmpty()) {
      return;
    }
    // What no rule takes away again is said in the place of what a rule might.
    boolean over = reason.equals(MERGE_TAKEN_BACK);
    database.update(
        """
        with flagged as (
          update links set flag_reason = ?, flagged_at = now()
          where practice_id = ? and patient_id = any (?) and ended_at is null
            and (flag_reason is null or (? and flag_reason <> ?))
          returning id)
        insert into link_changes (practice_id, link_id, action, actor, reason)
        select ?, id, 'FLAGGED', ?, ? from flagged""",
        reason,
        practice,
        array(patientIds),
        over,
        reason,
        practice,
        RULE,
        reason);
  }

  private void unflag(int practice, ActiveLink link, String reason) {
    if (link.flagReason() == null) {
      return;
    }
    database.update(
        "update links set flag_reason = null, flagged_at = null where practice_id = ? and id = ?",
        practice,
        link.id());
    change(
        practice,
        link.id(),
        "UNFLAGGED",
        RULE,
        reason,
        RecordJson.write(Map.of("flag_reason", link.flagReason())));
  }

  private void end(int practice, long linkId, String actor, String reason) {
    String before = snapshot(practice, linkId);
    database.update(
        """
        update links set ended_at = now(), ended_by = ?, end_reason = ?
        where practice_id = ? and id = ? and ended_at is null""",
        actor,
        reason,
        practice,
        linkId);
    change(practice, linkId, "ENDED", actor, reason, before);
  }

  private @Nullable String snapshot(int practice, long linkId) {
    return database.queryForObject(
        """
        select jsonb_build_object('patient_id', patient_id, 'member_id', member_id,
                 'made_by', made_by, 'made_at', made_at, 'flag_reason', flag_reason,
                 'seen_person', seen_person)::text
        from links where practice_id = ? and id = ?""",
        String.class,
        practice,
        linkId);
  }

  private void change(
      int practice,
      long linkId,
      String action,
      String actor,
      String reason,
      @Nullable String before) {
    database.update(
        """
        insert into link_changes (practice_id, link_id, action, actor, reason, before)
        values (?, ?, ?, ?, ?, ?::jsonb)""",
        practice,
        linkId,
        action,
        actor,
        reason,
        before);
  }

  /** Lets the members of changed charts follow, as far as policy and locks allow. */
  void follow(int practice, List<Long> patientIds) {
    if (patientIds.isEmpty()) {
      return;
    }
    Map<Long, Long> memberOf = new HashMap<>();
    database.query(
        """
        select patient_id, member_id from links
        where practice_id = ? and patient_id = any (?) and ended_at is null""",
        row -> {
          memberOf.put(row.getLong(1), row.getLong(2));
        },
        practice,
        array(patientIds));
    if (memberOf.isEmpty()) {
      return;
    }
    Map<Long, Member> byId = new HashMap<>();
    members
        .lockById(practice, array(memberOf.values()))
        .forEach(member -> byId.put(member.id(), member));
    Map<Long, Member> byChart = new HashMap<>();
    memberOf.forEach((patient, member) -> byChart.put(patient, byId.get(member)));
    fill(practice, byChart, false);
  }

  /**
   * Fills members from their charts.
   *
   * @param found whether they have only now found their chart, and wait for a match no more
   * @return the members in which something changed
   */
  private Set<Long> fill(int practice, Map<Long, Member> byChart, boolean found) {
    if (byChart.isEmpty()) {
      return Set.of();
    }
    List<Members.Change> changes = new ArrayList<>();
    database.query(
        "select id, record from patients where practice_id = ? and id = any (?) order by id",
        row -> {
          Member member = byChart.get(row.getLong(1));
          PatientRecord record = RecordJson.read(row.getString(2), PatientRecord.class);
          if (member == null) {
            return;
          }
          Map<Field, String> values = survivorship.changes(member, record);
          if (!values.isEmpty()) {
            changes.add(new Members.Change(member, values, found, row.getLong(1)));
          }
        },
        practice,
        array(byChart.keySet()));
    if (!changes.isEmpty()) {
      members.write(practice, changes, FEED, null, true);
    }
    return changes.stream().map(c -> c.member().id()).collect(Collectors.toSet());
  }

  /**
   * Links as a person says; what stands in the way ends, and is decided about again.
   *
   * @return ids of the links that ended
   */
  List<Long> linkByPerson(
      int practice, String source, long chart, long member, String actor, String reason) {
    members.lockById(practice, new long[] {member});
    List<Long> ended = new ArrayList<>();
    List<Long> inTheWay = new ArrayList<>();
    List<Long> there = new ArrayList<>();
    database.query(
        """
        select id, patient_id = ? and member_id = ?, patient_id, member_id from links
        where practice_id = ? and source = ? and (patient_id = ? or member_id = ?)
          and ended_at is null order by id for update""",
        row -> {
          if (row.getBoolean(2)) {
            there.add(row.getLong(1));
          } else {
            takeBackFilled(practice, row.getLong(1), row.getLong(4), actor);
            end(practice, row.getLong(1), actor, reason);
            ended.add(row.getLong(1));
            inTheWay.add(row.getLong(3));
          }
        },
        chart,
        member,
        practice,
        source,
        chart,
        member);
    if (there.isEmpty()) {
      Long made =
          database.queryForObject(
              """
              insert into links (practice_id, source, patient_id, member_id, made_by, reason,
                                 rules_version, seen_person)
              values (?, ?, ?, ?, ?, ?, '-', ?) returning id""",
              Long.class,
              practice,
              source,
              chart,
              member,
              actor,
              reason,
              fingerprintOf(practice, chart));
      change(practice, Objects.requireNonNull(made), "MADE", actor, reason, null);
    } else {
      String before = snapshot(practice, there.get(0));
      database.update(
          """
          update links set made_by = ?, seen_person = ?, flag_reason = null, flagged_at = null
          where practice_id = ? and id = ?""",
          actor,
          fingerprintOf(practice, chart),
          practice,
          there.get(0));
      change(practice, there.get(0), "VERIFIED", actor, reason, before);
    }
    settle(practice, List.of(new Outcome(chart, "LINKED", LINKED_BY_PERSON, "-")));
    closeReviews(practice, List.of(chart), actor, reason);
    follow(practice, List.of(chart));
    members.matchedNow(practice, new long[] {member});
    decideAgain(practice, inTheWay.stream().filter(other -> other != chart).toList());
    decideNeighboursAgain(practice, new long[] {chart}, keysOf(practice, List.of(chart)));
    return ended;
  }

  /**
   * Ends the link of two that are not one person, if they are linked, and decides again.
   *
   * @return its id
   */
  List<Long> separate(int practice, long chart, long member, String actor, String reason) {
    List<Long> ended = new ArrayList<>();
    database.query(
        """
        select id from links
        where practice_id = ? and patient_id = ? and member_id = ? and ended_at is null for update""",
        row -> {
          takeBackFilled(practice, row.getLong(1), member, actor);
          end(practice, row.getLong(1), actor, reason);
          ended.add(row.getLong(1));
        },
        practice,
        chart,
        member);
    decideAgain(practice, List.of(chart));
    decideNeighboursAgain(practice, new long[] {chart}, keysOf(practice, List.of(chart)));
    return ended;
  }

  /**
   * Puts links back that have ended, where chart and member are there and still free. One that was
   * made while the member was one with another is not: whose it is, nobody has said.
   */
  void putBack(int practice, List<Long> ended, String actor, String reason) {
    for (Long link : ended) {
      String before = snapshot(practice, link);
      List<Long> charts =
          database.queryForList(
              """
              update links l set ended_at = null, ended_by = null, end_reason = null
              where l.practice_id = ? and l.id = ? and l.ended_at is not null
                and not exists (select 1 from member_merges g
                                join link_changes c on c.practice_id = g.practice_id
                                  and c.link_id = l.id and c.action in ('MADE', 'MOVED')
                                  and c.id between g.first_change and g.last_change
                                where g.practice_id = l.practice_id and g.survivor_id = l.member_id)
                and exists (select 1 from patients p where p.practice_id = l.practice_id
                              and p.id = l.patient_id and p.removed_at is null
                              and p.merged_into is null)
                and exists (select 1 from members m where m.practice_id = l.practice_id
                              and m.id = l.member_id and m.status = 'ACTIVE')
                and not exists (select 1 from links o
                                where o.practice_id = l.practice_id and o.ended_at is null
                                  and (o.patient_id = l.patient_id
                                       or o.member_id = l.member_id and o.source = l.source))
              returning l.patient_id""",
              Long.class,
              practice,
              link);
      if (!charts.isEmpty()) {
        change(practice, link, "RESTORED", actor, reason, before);
        closeReviews(practice, charts, actor, reason);
        follow(practice, charts);
        decideAgain(practice, charts);
      }
    }
  }

  /**
   * Gives a member back what it had before a link that was wrong filled it: another person's data
   * must not stay with it, and would make it look like that person.
   */
  private void takeBackFilled(int practice, long link, long member, String actor) {
    Map<Field, String> before = new EnumMap<>(Field.class);
    database.query(
        """
        with recursive charts as (
          select p.id, p.source, p.source_id, l.made_at from links l
          join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
          where l.practice_id = ? and l.id = ?
          union
          select p.id, p.source, p.source_id, c.made_at from charts c
          join patients p on p.practice_id = ? and p.source = c.source
                         and p.merged_into = c.source_id)
        select distinct on (c.field) c.field, coalesce(c.before, '') from member_changes c
        join charts on charts.id = c.patient_id
        join members m on m.practice_id = c.practice_id and m.id = c.member_id
        where c.practice_id = ? and c.member_id = ? and c.at >= charts.made_at
          and c.field <> all (m.locked_fields)
          and not exists (select 1 from member_changes later
                          where later.practice_id = c.practice_id
                            and later.member_id = c.member_id and later.field = c.field
                            and later.id > c.id
                            and (later.patient_id is null
                                 or later.patient_id not in (select id from charts)))
        order by c.field, c.id""",
        row -> {
          before.put(Field.valueOf(row.getString(1)), row.getString(2));
        },
        practice,
        link,
        practice,
        practice,
        member);
    if (!before.isEmpty()) {
      members.lockById(practice, new long[] {member}).stream()
          .map(found -> new Members.Change(found, before))
          .forEach(change -> members.write(practice, List.of(change), actor, LINK_ENDED, false));
    }
  }

  /**
   * Undoes what a person did to the link of a chart and a member, and has rules decide again.
   *
   * <p>A link that stood before they confirmed it is whose it was, with the flag that it had.
   *
   * @param verdict by which it was done: only what that one changed is undone, not what another
   *     confirmed and has taken back
   */
  void takeBack(int practice, long chart, long member, long verdict, String actor, String reason) {
    database.query(
        """
        select l.id, c.before ->> 'made_by', c.before ->> 'flag_reason',
               c.before ->> 'seen_person'
        from links l
        left join lateral (
          select k.before from verdicts v
          join link_changes k on k.practice_id = v.practice_id and k.link_id = l.id
                             and k.action = 'VERIFIED' and k.at = v.at and k.actor = v.actor
          where v.practice_id = l.practice_id and v.id = ?
          order by k.id desc limit 1) c on true
        where l.practice_id = ? and l.patient_id = ? and l.member_id = ? and l.ended_at is null
          and l.made_by <> ? for update of l""",
        row -> {
          long link = row.getLong(1);
          String madeBy = row.getString(2);
          if (madeBy == null) {
            takeBackFilled(practice, link, member, actor);
            end(practice, link, actor, reason);
            return;
          }
          String before = snapshot(practice, link);
          database.update(
              """
              update links set made_by = ?, seen_person = ?, flag_reason = ?::text,
                flagged_at = case when ?::text is not null then now() end
              where practice_id = ? and id = ?""",
              madeBy,
              row.getString(4),
              row.getString(3),
              row.getString(3),
              practice,
              link);
          change(practice, link, "TAKEN_BACK", actor, reason, before);
        },
        verdict,
        practice,
        chart,
        member,
        RULE);
    decideAgain(practice, List.of(chart));
    decideNeighboursAgain(practice, new long[] {chart}, keysOf(practice, List.of(chart)));
  }

  private void decideAgain(int practice, List<Long> patientIds) {
    database.update(
        """
        insert into decisions (practice_id, patient_id, outcome, reason, rules_version, stale_since)
        select ?, unnest(?::bigint[]), 'UNLINKED', 'WAITING', '-', now()
        on conflict (practice_id, patient_id) do update
        set stale_since = now(), sent_at = null""",
        practice,
        array(patientIds));
  }

  private long[] keysOf(int practice, List<Long> patientIds) {
    return database
        .queryForList(
            """
            select distinct unnest(blocking_keys) from patients
            where practice_id = ? and id = any (?)""",
            Long.class,
            practice,
            array(patientIds))
        .stream()
        .mapToLong(key -> key)
        .toArray();
  }

  /**
   * Decides again about charts that are filed under one of these keys: those linked or in review,
   * and those that nobody was quite like.
   */
  void decideNeighboursAgain(int practice, long[] butNot, long[] keys) {
    database.update(
        """
        update decisions set stale_since = now(), sent_at = null
        where practice_id = ? and (stale_since is null or sent_at is not null)
          and (outcome <> 'UNLINKED' or reason = 'NONE_SIMILAR')
          and patient_id <> all (?) and patient_id = any (array(
            select k.patient_id
            from (select distinct unnest(?::bigint[]) as key) s
            cross join lateral (
              select b.patient_id from patient_blocking_keys b
              where b.practice_id = ? and b.key = s.key limit ?) k))""",
        practice,
        butNot,
        keys,
        practice,
        MOST_NEIGHBOURS);
  }

  /** Takes charts out of the blocking keys: they are nobody's candidates any more. */
  void unfile(int practice, List<Long> patientIds) {
    if (patientIds.isEmpty()) {
      return;
    }
    decideNeighboursAgain(practice, array(patientIds), keysOf(practice, patientIds));
    duplicates.lookFor(practice, Duplicates.Kind.CHART, patientIds);
    database.update(
        """
        delete from patient_blocking_keys k
        using (select p.id, unnest(p.blocking_keys) as key from patients p
               where p.practice_id = ? and p.id = any (?)) filed
        where k.practice_id = ? and k.key = filed.key and k.patient_id = filed.id""",
        practice,
        array(patientIds),
        practice);
    database.update(
        """
        update patients set blocking_keys = '{}'
        where practice_id = ? and id = any (?) and blocking_keys <> '{}'""",
        practice,
        array(patientIds));
  }

  /** Settles charts that were merged into others. */
  void settleMerged(int practice, List<Long> patientIds) {
    settle(
        practice,
        patientIds.stream().map(id -> new Outcome(id, "UNLINKED", "CHART_MERGED", "-")).toList());
    closeReviews(practice, patientIds);
  }

  /** Two charts of one person are linked to two members: both links stay until a person decides. */
  void bothLinked(int practice, long loser, long survivor, List<Long> memberIds) {
    flag(practice, List.of(loser, survivor), BOTH_LINKED);
    database.update(
        """
        insert into reviews (practice_id, patient_id, reason, candidates, rules_version)
        select ?, ?, ?, jsonb_agg(jsonb_build_object('memberNumber', member_number)), '-'
        from members where practice_id = ? and id = any (?)
        on conflict (practice_id, patient_id) where closed_at is null do update
        set reason = excluded.reason, candidates = excluded.candidates, updated_at = now()""",
        practice,
        survivor,
        BOTH_LINKED,
        practice,
        array(memberIds));
    settle(
        practice,
        List.of(
            new Outcome(loser, "REVIEW", BOTH_LINKED, "-"),
            new Outcome(survivor, "REVIEW", BOTH_LINKED, "-")));
  }

  /** Moves a link to the chart that its own was merged into; returns the link there. */
  long move(int practice, long link, long survivor) {
    endMerged(practice, link);
    long id = copy(practice, link, survivor, null, RULE, "CHART_MERGED");
    settle(practice, List.of(new Outcome(survivor, "LINKED", "CHART_MERGED", "-")));
    closeReviews(practice, List.of(survivor));
    follow(practice, List.of(survivor));
    // Whether the member is like the surviving chart, too, nobody has looked at yet.
    decideAgain(practice, List.of(survivor));
    return id;
  }

  /**
   * A link with the evidence of another, which has ended: to another chart, or to another member.
   */
  private long copy(
      int practice,
      long link,
      @Nullable Long chart,
      @Nullable Long member,
      String actor,
      String reason) {
    Long made =
        database.queryForObject(
            """
            insert into links (practice_id, source, patient_id, member_id, made_by, made_at, reason,
                               grade, score, runner_up, explanation, ground, rules_version,
                               seen_person, flag_reason, flagged_at)
            select practice_id, source, coalesce(?, patient_id), coalesce(?, member_id), made_by,
                   made_at, ?, grade, score, runner_up, explanation, ground, rules_version,
                   seen_person, case when kept then flag_reason end, case when kept then flagged_at end
            from (select *, ? or flag_reason not like 'CHART\\_%' as kept from links) l
            where practice_id = ? and id = ? returning id""",
            Long.class, chart, member, reason, member != null, practice, link);
    long id = made == null ? 0 : made;
    change(practice, id, "MOVED", actor, reason, snapshot(practice, link));
    return id;
  }

  /**
   * A link as it is before members are merged.
   *
   * @param chartVersion the version of the chart then
   */
  record Standing(
      long id,
      String source,
      long chart,
      long chartVersion,
      String madeBy,
      @Nullable String seenPerson,
      @Nullable String flagReason,
      @Nullable Instant flaggedAt) {}

  /** The links that a member has, locked for writing. */
  List<Standing> standing(int practice, long member) {
    return database.query(
        """
        select l.id, l.source, l.patient_id, p.version, l.made_by, l.seen_person, l.flag_reason,
               l.flagged_at
        from links l join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        where l.practice_id = ? and l.member_id = ? and l.ended_at is null
        order by l.id for update of l""",
        (row, n) ->
            new Standing(
                row.getLong(1),
                row.getString(2),
                row.getLong(3),
                row.getLong(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                row.getTimestamp(8) == null ? null : row.getTimestamp(8).toInstant()),
        practice,
        member);
  }

  /** Gives a link to the member that its own was merged into; their evidence goes with it. */
  void give(int practice, Standing link, long member, String actor, String reason) {
    end(practice, link.id(), actor, reason);
    copy(practice, link.id(), null, member, actor, reason);
  }

  /** Ends links, and decides about their charts again. */
  void endAll(int practice, Collection<Standing> links, String actor, String reason) {
    links.forEach(link -> end(practice, link.id(), actor, reason));
    lookAgain(practice, links);
  }

  /** Decides again about the charts of links, and about whoever is like them. */
  void lookAgain(int practice, Collection<Standing> links) {
    List<Long> charts = links.stream().map(Standing::chart).distinct().toList();
    decideAgain(practice, charts);
    decideNeighboursAgain(practice, array(charts), keysOf(practice, charts));
  }

  /**
   * Puts a link back as it was; its member has no other in that PMS.
   *
   * @param now the link that its chart has instead: what its flag says of the chart stays true
   * @return false when the chart is gone, or another member's by now
   */
  boolean restore(
      int practice, Standing link, @Nullable Standing now, String actor, String reason) {
    boolean chartLeft =
        now != null && now.flagReason() != null && now.flagReason().startsWith("CHART_");
    Standing flagged = chartLeft && now != null ? now : link;
    String before = snapshot(practice, link.id());
    int restored =
        database.update(
            """
            update links l set ended_at = null, ended_by = null, end_reason = null, made_by = ?,
              seen_person = ?, flag_reason = ?, flagged_at = ?
            where l.practice_id = ? and l.id = ?
              and exists (select 1 from patients p where p.practice_id = l.practice_id
                            and p.id = l.patient_id and p.removed_at is null
                            and p.merged_into is null)
              and not exists (select 1 from links o where o.patient_id = l.patient_id
                                and o.ended_at is null and o.id <> l.id)""",
            link.madeBy(),
            link.seenPerson(),
            flagged.flagReason(),
            flagged.flaggedAt() == null ? null : Timestamp.from(flagged.flaggedAt()),
            practice,
            link.id());
    if (restored == 1) {
      change(practice, link.id(), "RESTORED", actor, reason, before);
      closeReviews(practice, List.of(link.chart()), actor, reason);
    }
    return restored == 1;
  }

  /** Those of these charts whose data have changed since then. */
  List<Long> changedSince(int practice, Collection<Standing> links) {
    return database.queryForList(
        """
        select p.id from patients p
        join unnest(?::bigint[], ?::bigint[]) as t (id, version) on t.id = p.id
        where p.practice_id = ? and p.version > t.version""",
        Long.class,
        links.stream().mapToLong(Standing::chart).toArray(),
        links.stream().mapToLong(Standing::chartVersion).toArray(),
        practice);
  }

  /** Ends the link of a merged chart. */
  void endMerged(int practice, long link) {
    end(practice, link, RULE, "CHART_MERGED");
  }

  /**
   * A number between those of the changes of links before and those after, for whoever has the
   * practice alone; times are those at which transactions began, before they waited for their turn.
   */
  long changesUpToHere() {
    return Objects.requireNonNull(
        database.queryForObject(
            "select nextval(pg_get_serial_sequence('link_changes', 'id'))", Long.class));
  }

  private static Chart chart(Map<String, Chart> charts, Command command) {
    Chart chart = charts.get(command.sourceId());
    if (chart == null) {
      throw new IllegalStateException("a decision about a chart that is not in the store");
    }
    return chart;
  }

  static long[] array(Collection<Long> numbers) {
    return numbers.stream().mapToLong(i -> i).toArray();
  }
}
