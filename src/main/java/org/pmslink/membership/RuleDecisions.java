package org.pmslink.membership;

import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.ActiveLinks.ActiveLink;
import org.pmslink.membership.ChartDecisions.Outcome;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Carries out what rules have decided about charts, except where a person has decided otherwise
 * since the store was read for them. Part of the apply step; every method runs in its transaction.
 */
@Component
class RuleDecisions {
  /** Why a link ends whose member is none any more. */
  private static final String MEMBER_REMOVED = "MEMBER_REMOVED";

  private static final Set<String> OF_A_PERSONS_LINK =
      Set.of(
          Command.NoMatch.LINKED_BY_PERSON, Command.NoMatch.CHANGED_SINCE_SEEN, Links.LINK_DRIFTED);

  private final JdbcTemplate database;
  private final Members members;
  private final ActiveLinks activeLinks;
  private final Links links;
  private final ChartDecisions decisions;
  private final ContactsFromCharts contacts;

  RuleDecisions(
      JdbcTemplate database,
      Members members,
      ActiveLinks activeLinks,
      Links links,
      ChartDecisions decisions,
      ContactsFromCharts contacts) {
    this.database = database;
    this.members = members;
    this.activeLinks = activeLinks;
    this.links = links;
    this.decisions = decisions;
    this.contacts = contacts;
  }

  /** How charts came out of a batch. */
  record Counts(int linked, int toReview, int unlinked) {}

  /** A chart as it stands when a decision about it arrives. */
  private record Chart(long id, long version, boolean gone, @Nullable ActiveLink link) {}

  /**
   * Carries out link, review, no-match and unlink commands, except where a person has decided
   * otherwise since the store was read for them.
   *
   * @param batch in which they came
   */
  Counts decide(int practice, CommandBatch batch, List<Command> commands) {
    List<CommandBatch.MatchedMember> matched = batch.matchedMembers();
    // All of them, and in one order: who asks for some first and for others later waits for
    // somebody who does so the other way round.
    Map<String, Member> held = hold(practice, membersOf(commands, matched));
    Counts counts =
        commands.isEmpty() ? new Counts(0, 0, 0) : decideEach(practice, batch, commands, held);
    if (!matched.isEmpty()) {
      members.matched(practice, matched);
    }
    return counts;
  }

  private Map<String, Member> hold(int practice, Set<String> numbers) {
    Map<String, Member> held = new HashMap<>();
    if (!numbers.isEmpty()) {
      members.lock(practice, numbers).forEach(member -> held.put(member.memberNumber(), member));
    }
    return held;
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

  private Counts decideEach(
      int practice, CommandBatch batch, List<Command> commands, Map<String, Member> held) {
    String source = batch.source();
    Map<Long, Instant> standing = decisions.hold(practice, source, commands);
    Map<String, Chart> charts = charts(practice, source, commands);
    Said said = said(practice, source, charts.values(), commands, batch.surelySeenUntil());
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
      if (isOlder(batch, standing.get(chart.id()), command)
          || said.overrules(chart, command)
          || isAboutAnEndedLink(command, chart)) {
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
    link(practice, source, toLink, charts, held, outcomes, noReview, toReview, overruled);
    review(practice, source, toReview, charts, outcomes);
    decisions.closeReviews(practice, noReview);
    decisions.settle(practice, outcomes, batch.matchedAt());
    if (!overruled.isEmpty()) {
      decisions.decideAgain(practice, overruled);
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

  /**
   * Whether what stands knows more than a decision that was longer on its way: somebody who has
   * come since may be the one. That a member is none any more is looked up.
   */
  private static boolean isOlder(CommandBatch batch, @Nullable Instant standing, Command command) {
    return standing != null
        && standing.isAfter(batch.matchedAt())
        && !(command instanceof Command.Unlink);
  }

  private static boolean isAboutPersonsLink(Command.NoMatch noMatch, Chart chart) {
    return isLinkedByPerson(chart)
        && (noMatch.reason().equals(Command.NoMatch.LINKED_BY_PERSON)
            || noMatch.reason().equals(Links.LINK_DRIFTED));
  }

  /** Whether rules left a chart alone for a person's link that is there no more. */
  private static boolean isAboutAnEndedLink(Command command, Chart chart) {
    return command instanceof Command.NoMatch noMatch
        && OF_A_PERSONS_LINK.contains(noMatch.reason())
        && !isLinkedByPerson(chart);
  }

  private static boolean isLinkedByPerson(Chart chart) {
    return chart.link() != null && !chart.link().madeBy().equals(Links.RULE);
  }

  /**
   * What rules make of a link that a person has made: it stands, but it says that it is in doubt,
   * unless a person has looked at the chart since it changed.
   */
  private Outcome lookedAt(int practice, Chart chart, Command.NoMatch noMatch) {
    ActiveLink link = Objects.requireNonNull(chart.link());
    String reason = noMatch.reason();
    if (reason.equals(Links.LINK_DRIFTED)
        && links.fingerprintOf(practice, chart.id()).equals(link.seenPerson())) {
      reason = Command.NoMatch.LINKED_BY_PERSON;
    }
    if (reason.equals(Links.LINK_DRIFTED)) {
      links.flag(practice, List.of(chart.id()), Links.LINK_DRIFTED);
    } else if (Links.LINK_DRIFTED.equals(link.flagReason())) {
      links.unflag(practice, link.id(), link.flagReason(), "alike again");
    }
    return new Outcome(chart.id(), "LINKED", reason, noMatch.rulesVersion());
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
        return (own != null && since.contains(new ChartAndNumber(chart.id(), own)))
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
      Instant seenUntil) {
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
        Timestamp.from(seenUntil),
        practice,
        source,
        Links.array(charts.stream().map(Chart::id).toList()),
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
      Map<String, Member> byNumber,
      List<Outcome> outcomes,
      List<Long> noReview,
      List<Command.Review> toReview,
      List<Long> overruled) {
    if (commands.isEmpty()) {
      return;
    }
    Map<Long, Command.Link> wanted = new LinkedHashMap<>();
    for (Command.Link link : commands) {
      Chart chart = chart(charts, link);
      Member member = byNumber.get(link.memberNumber());
      ActiveLink now = chart.link();
      if (now != null && link.memberNumber().equals(now.memberNumber())) {
        if (Links.BOTH_LINKED.equals(now.flagReason())) {
          // That a chart resembles its own member says nothing about the member it was merged with.
          outcomes.add(new Outcome(chart.id(), "REVIEW", Links.BOTH_LINKED, link.rulesVersion()));
          continue;
        }
        outcomes.add(new Outcome(chart.id(), "LINKED", "CERTAIN", link.rulesVersion()));
        noReview.add(chart.id());
        if (!Links.MERGE_TAKEN_BACK.equals(now.flagReason())) {
          links.unflag(practice, now.id(), now.flagReason(), "certain again");
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
    Set<Long> made = links.make(practice, source, wanted, byNumber);
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
          fresh.put(patientId, Objects.requireNonNull(byNumber.get(link.memberNumber())));
        });
    Set<Long> written =
        contacts.fill(practice, fresh, !fresh.isEmpty() && members.isInOnePms(practice));
    members.matchedNow(
        practice,
        fresh.values().stream()
            .mapToLong(Member::id)
            .filter(id -> !written.contains(id))
            .toArray());
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

  private void unlink(int practice, Chart chart, Command.Unlink unlink, List<Outcome> outcomes) {
    ActiveLink link = chart.link();
    if (link == null
        || (unlink.memberNumber() != null && !unlink.memberNumber().equals(link.memberNumber()))) {
      return;
    }
    if (unlink.reason().equals(MEMBER_REMOVED) && isActive(practice, link.memberId())) {
      return; // Taken apart from another meanwhile, it is a member again.
    }
    links.end(practice, link.id(), unlink.actor(), unlink.reason());
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
    Map<Long, Command.Review> open = new LinkedHashMap<>();
    List<String> contested = new ArrayList<>();
    for (Command.Review review : commands) {
      Chart chart = chart(charts, review);
      open.put(chart.id(), review);
      // A link stands until a person decides, but it says that it is in doubt.
      if (chart.link() != null) {
        links.flag(practice, List.of(chart.id()), review.reason());
      }
      if (review.reason().equals("CLAIMED_TWICE")) {
        review.candidates().stream().limit(1).forEach(c -> contested.add(c.memberNumber()));
      }
      outcomes.add(new Outcome(chart.id(), "REVIEW", review.reason(), review.rulesVersion()));
    }
    decisions.review(practice, open);
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
              Links.array(memberIds));
      links.flag(practice, holders, "CLAIMED_TWICE");
    }
  }

  private static Chart chart(Map<String, Chart> charts, Command command) {
    Chart chart = charts.get(command.sourceId());
    if (chart == null) {
      throw new IllegalStateException("a decision about a chart that is not in the store");
    }
    return chart;
  }
}
