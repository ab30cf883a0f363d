package org.pmslink.membership;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
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

  /** Two members, one person: only a person can tell which membership goes on. */
  private static final String BOTH_LINKED = "MERGED_BOTH_LINKED";

  private final JdbcTemplate database;
  private final Members members;
  private final Survivorship survivorship;

  Links(JdbcTemplate database, Members members, Survivorship survivorship) {
    this.database = database;
    this.members = members;
    this.survivorship = survivorship;
  }

  /** How charts came out of a batch. */
  record Counts(int linked, int toReview, int unlinked) {}

  /** A chart as it stands when a decision about it arrives. */
  private record Chart(
      long id,
      long version,
      boolean gone,
      @Nullable Long linkId,
      @Nullable Long memberId,
      @Nullable String memberNumber,
      @Nullable String madeBy,
      @Nullable String flagReason) {}

  private record Outcome(long patientId, String outcome, String reason, String rulesVersion) {}

  /** Carries out link, review, no-match and unlink commands. */
  Counts decide(int practice, String source, List<Command> commands) {
    if (commands.isEmpty()) {
      return new Counts(0, 0, 0);
    }
    Map<String, Chart> charts = charts(practice, source, commands);
    List<Outcome> outcomes = new ArrayList<>();
    List<Command.Link> toLink = new ArrayList<>();
    List<Command.Review> toReview = new ArrayList<>();
    List<Long> noReview = new ArrayList<>();
    for (Command command : commands) {
      Chart chart = charts.get(command.sourceId());
      // A newer version of the chart brings its own decision; this one was made on the old one.
      if (chart == null || chart.version() > command.version()) {
        continue;
      }
      if (command instanceof Command.Link link) {
        toLink.add(link);
      } else if (command instanceof Command.Review review) {
        toReview.add(review);
      } else if (command instanceof Command.NoMatch noMatch) {
        outcomes.add(
            chart.linkId() == null
                ? new Outcome(chart.id(), "UNLINKED", noMatch.reason(), noMatch.rulesVersion())
                : new Outcome(chart.id(), "LINKED", noMatch.reason(), noMatch.rulesVersion()));
        noReview.add(chart.id());
      } else if (command instanceof Command.Unlink unlink) {
        unlink(practice, chart, unlink, outcomes);
      }
    }
    link(practice, source, toLink, charts, outcomes, noReview, toReview);
    review(practice, source, toReview, charts, outcomes);
    closeReviews(practice, noReview);
    settle(practice, outcomes);
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

  private Map<String, Chart> charts(int practice, String source, List<Command> commands) {
    Map<String, Chart> charts = new HashMap<>();
    database.query(
        """
        select p.source_id, p.id, p.version, p.removed_at is not null or p.merged_into is not null,
               l.id, l.member_id, m.member_number, l.made_by, l.flag_reason
        from patients p
        left join links l on l.practice_id = p.practice_id and l.patient_id = p.id
                         and l.ended_at is null
        left join members m on m.practice_id = l.practice_id and m.id = l.member_id
        where p.practice_id = ? and p.source = ? and p.source_id = any (?)""",
        row -> {
          charts.put(
              row.getString(1),
              new Chart(
                  row.getLong(2),
                  row.getLong(3),
                  row.getBoolean(4),
                  (Long) row.getObject(5),
                  (Long) row.getObject(6),
                  row.getString(7),
                  row.getString(8),
                  row.getString(9)));
        },
        practice,
        source,
        commands.stream().map(Command::sourceId).distinct().toArray(String[]::new));
    return charts;
  }

  private void link(
      int practice,
      String source,
      List<Command.Link> commands,
      Map<String, Chart> charts,
      List<Outcome> outcomes,
      List<Long> noReview,
      List<Command.Review> toReview) {
    if (commands.isEmpty()) {
      return;
    }
    Map<String, Member> byNumber = new HashMap<>();
    for (Member member :
        members.lock(practice, commands.stream().map(Command.Link::memberNumber).toList())) {
      byNumber.put(member.memberNumber(), member);
    }
    Map<Long, Command.Link> wanted = new LinkedHashMap<>();
    for (Command.Link link : commands) {
      Chart chart = chart(charts, link);
      Member member = byNumber.get(link.memberNumber());
      if (chart.linkId() != null && link.memberNumber().equals(chart.memberNumber())) {
        if (BOTH_LINKED.equals(chart.flagReason())) {
          // That a chart resembles its own member says nothing about the member it was merged with.
          outcomes.add(new Outcome(chart.id(), "REVIEW", BOTH_LINKED, link.rulesVersion()));
          continue;
        }
        outcomes.add(new Outcome(chart.id(), "LINKED", "CERTAIN", link.rulesVersion()));
        noReview.add(chart.id());
        unflag(practice, chart, "certain again");
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
      wanted.put(chart.id(), link);
    }
    Set<Long> made = insertLinks(practice, source, wanted, byNumber);
    Map<Long, Member> fresh = new HashMap<>();
    wanted.forEach(
        (patientId, link) -> {
          if (!made.contains(patientId)) {
            // The unique constraints had the last word: somebody else was linked meanwhile.
            toReview.add(claimedTwice(link));
            return;
          }
          outcomes.add(new Outcome(patientId, "LINKED", "CERTAIN", link.rulesVersion()));
          noReview.add(patientId);
          fresh.put(patientId, member(byNumber, link));
        });
    fill(practice, fresh);
    members.matchedNow(practice, fresh.values().stream().mapToLong(Member::id).toArray());
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
        List.of(new Command.ReviewCandidate(link.memberNumber(), link.comparison())));
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
                                 grade, score, explanation, rules_version)
              select ?, ?, t.patient_id, t.member_id, ?, 'CERTAIN', t.grade, t.score,
                     t.explanation::jsonb, t.rules
              from unnest(?::bigint[], ?::bigint[], ?::text[], ?::float8[], ?::text[], ?::text[])
                   as t (patient_id, member_id, grade, score, explanation, rules)
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
            links.stream().map(l -> RecordJson.write(l.comparison())).toArray(String[]::new),
            links.stream().map(Command.Link::rulesVersion).toArray(String[]::new),
            practice,
            RULE));
  }

  private void unlink(int practice, Chart chart, Command.Unlink unlink, List<Outcome> outcomes) {
    if (chart.linkId() == null
        || (unlink.memberNumber() != null && !unlink.memberNumber().equals(chart.memberNumber()))) {
      return;
    }
    end(practice, chart.linkId(), unlink.actor(), unlink.reason());
    outcomes.add(new Outcome(chart.id(), "UNLINKED", unlink.reason(), "-"));
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
      if (chart.linkId() != null) {
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
      List<Long> holders =
          database.queryForList(
              """
              select l.patient_id from links l
              join members m on m.practice_id = l.practice_id and m.id = l.member_id
              where l.practice_id = ? and l.source = ? and m.member_number = any (?)
                and l.ended_at is null""",
              Long.class,
              practice,
              source,
              contested.toArray(String[]::new));
      flag(practice, holders, "CLAIMED_TWICE");
    }
  }

  private void closeReviews(int practice, List<Long> patientIds) {
    if (!patientIds.isEmpty()) {
      database.update(
          """
          update reviews set closed_at = now(), closed_by = ?, close_reason = 'no longer in doubt'
          where practice_id = ? and patient_id = any (?) and closed_at is null""",
          RULE,
          practice,
          array(patientIds));
    }
  }

  /** Files decisions; one that must be taken again on newer facts is marked so. */
  private void settle(int practice, List<Outcome> outcomes) {
    if (outcomes.isEmpty()) {
      return;
    }
    Map<Long, Outcome> last = new HashMap<>();
    outcomes.forEach(o -> last.put(o.patientId(), o));
    List<Outcome> rows = List.copyOf(last.values());
    database.update(
        """
        insert into decisions (practice_id, patient_id, outcome, reason, rules_version, stale_since)
        select ?, t.patient_id, t.outcome, t.reason, t.rules,
               case when t.reason in ('MEMBER_CHANGED', 'MEMBER_REMOVED') then now() end
        from unnest(?::bigint[], ?::text[], ?::text[], ?::text[])
             as t (patient_id, outcome, reason, rules)
        on conflict (practice_id, patient_id) do update
        set outcome = excluded.outcome, reason = excluded.reason,
            rules_version = excluded.rules_version, stale_since = excluded.stale_since,
            sent_at = null, decided_at = now()""",
        practice,
        rows.stream().mapToLong(Outcome::patientId).toArray(),
        rows.stream().map(Outcome::outcome).toArray(String[]::new),
        rows.stream().map(Outcome::reason).toArray(String[]::new),
        rows.stream().map(Outcome::rulesVersion).toArray(String[]::new));
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
    database.update(
        """
        with flagged as (
          update links set flag_reason = ?, flagged_at = now()
          where practice_id = ? and patient_id = any (?) and ended_at is null
            and flag_reason is null
          returning id)
        insert into link_changes (practice_id, link_id, action, actor, reason)
        select ?, id, 'FLAGGED', ?, ? from flagged""",
        reason,
        practice,
        array(patientIds),
        practice,
        RULE,
        reason);
  }

  private void unflag(int practice, Chart chart, String reason) {
    if (chart.flagReason() == null || chart.linkId() == null) {
      return;
    }
    database.update(
        "update links set flag_reason = null, flagged_at = null where practice_id = ? and id = ?",
        practice,
        chart.linkId());
    change(
        practice,
        chart.linkId(),
        "UNFLAGGED",
        RULE,
        reason,
        RecordJson.write(Map.of("flag_reason", chart.flagReason())));
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
                 'made_by', made_by, 'made_at', made_at, 'flag_reason', flag_reason)::text
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
  void follow(int practice, String source, List<Long> patientIds) {
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
    fill(practice, byChart);
  }

  private void fill(int practice, Map<Long, Member> byChart) {
    if (byChart.isEmpty()) {
      return;
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
            changes.add(new Members.Change(member, values));
          }
        },
        practice,
        array(byChart.keySet()));
    if (!changes.isEmpty()) {
      members.write(practice, changes, "feed", true);
    }
  }

  void matched(int practice, List<CommandBatch.MatchedMember> matched) {
    members.matched(practice, matched);
  }

  /** Takes charts out of the blocking keys: they are nobody's candidates any more. */
  void unfile(int practice, List<Long> patientIds) {
    if (patientIds.isEmpty()) {
      return;
    }
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
        "update patients set blocking_keys = '{}' where practice_id = ? and id = any (?)",
        practice,
        array(patientIds));
  }

  /**
   * Follows merges: a link moves to the surviving chart, through chains. Looks at the merges that
   * came in and at those that wait for a chart that has arrived now.
   */
  void followMerges(int practice, String source, Set<String> arrived, List<Command.Merge> merges) {
    Set<String> losers = new LinkedHashSet<>();
    merges.forEach(m -> losers.add(m.sourceId()));
    if (!losers.isEmpty()) {
      oneAtATime(practice);
    }
    if (!arrived.isEmpty()) {
      losers.addAll(
          database.queryForList(
              """
              with recursive waiting as (
                select loser_source_id, survivor_source_id, 1 as depth from chart_merges
                where practice_id = ? and source = ? and followed_at is null
                  and survivor_source_id = any (?)
                union
                select m.loser_source_id, m.survivor_source_id, w.depth + 1 from chart_merges m
                join waiting w on m.survivor_source_id = w.loser_source_id
                where m.practice_id = ? and m.source = ? and m.followed_at is null
                  and w.depth < 100)
              select distinct loser_source_id from waiting""",
              String.class,
              practice,
              source,
              arrived.toArray(String[]::new),
              practice,
              source));
    }
    if (merges.isEmpty() && !losers.isEmpty()) {
      oneAtATime(practice);
    }
    for (String loser : losers) {
      follow(practice, source, loser);
    }
  }

  /**
   * Two merges of one chain may come to two consumers: neither would see the other's merge, nor the
   * link that the other one moves, and the link would stop half-way.
   */
  private void oneAtATime(int practice) {
    database.query(
        "select pg_advisory_xact_lock(hashtextextended('merges', ?))", row -> {}, practice);
  }

  private record Side(long patientId, @Nullable Long linkId, @Nullable Long memberId) {}

  private void follow(int practice, String source, String loser) {
    String survivor = survivor(practice, source, loser);
    if (survivor == null) {
      // Charts merged in a circle: the PMS contradicts itself, and only a person can tell.
      side(practice, source, loser)
          .ifPresent(s -> flag(practice, List.of(s.patientId()), "MERGED_IN_A_CIRCLE"));
      followed(practice, source, loser);
      return;
    }
    var from = side(practice, source, loser);
    var to = side(practice, source, survivor);
    if (from.isPresent()) {
      retire(practice, from.get(), loser, source);
    }
    if (to.isEmpty()) {
      return; // waits until the surviving chart arrives
    }
    if (from.isPresent()) {
      move(practice, source, from.get(), to.get());
    }
    followed(practice, source, loser);
  }

  /** The end of the chain; null when it runs in a circle. */
  private @Nullable String survivor(int practice, String source, String loser) {
    Set<String> seen = new HashSet<>();
    String current = loser;
    while (seen.add(current)) {
      List<String> next =
          database.queryForList(
              """
              select survivor_source_id from chart_merges
              where practice_id = ? and source = ? and loser_source_id = ?""",
              String.class,
              practice,
              source,
              current);
      if (next.isEmpty()) {
        return current;
      }
      current = next.get(0);
    }
    return null;
  }

  private Optional<Side> side(int practice, String source, String sourceId) {
    return database
        .query(
            """
            select p.id, l.id, l.member_id from patients p
            left join links l on l.practice_id = p.practice_id and l.patient_id = p.id
                             and l.ended_at is null
            where p.practice_id = ? and p.source = ? and p.source_id = ?
            for update of p""",
            (row, n) -> new Side(row.getLong(1), (Long) row.getObject(2), (Long) row.getObject(3)),
            practice,
            source,
            sourceId)
        .stream()
        .findFirst();
  }

  private void retire(int practice, Side loser, String loserSourceId, String source) {
    database.update(
        """
        update patients set merged_into = (
          select survivor_source_id from chart_merges
          where practice_id = ? and source = ? and loser_source_id = ?)
        where practice_id = ? and id = ?""",
        practice,
        source,
        loserSourceId,
        practice,
        loser.patientId());
    unfile(practice, List.of(loser.patientId()));
    settle(practice, List.of(new Outcome(loser.patientId(), "UNLINKED", "CHART_MERGED", "-")));
    closeReviews(practice, List.of(loser.patientId()));
  }

  private void move(int practice, String source, Side from, Side to) {
    if (from.linkId() == null || from.memberId() == null) {
      return;
    }
    if (to.linkId() != null && to.memberId() != null && !from.memberId().equals(to.memberId())) {
      flag(practice, List.of(from.patientId(), to.patientId()), BOTH_LINKED);
      database.update(
          """
          insert into reviews (practice_id, patient_id, reason, candidates, rules_version)
          select ?, ?, 'MERGED_BOTH_LINKED',
                 jsonb_agg(jsonb_build_object('memberNumber', member_number)), '-'
          from members where practice_id = ? and id = any (?)
          on conflict (practice_id, patient_id) where closed_at is null do update
          set reason = excluded.reason, candidates = excluded.candidates, updated_at = now()""",
          practice,
          to.patientId(),
          practice,
          array(List.of(from.memberId(), to.memberId())));
      settle(
          practice,
          List.of(
              new Outcome(from.patientId(), "REVIEW", BOTH_LINKED, "-"),
              new Outcome(to.patientId(), "REVIEW", BOTH_LINKED, "-")));
      return;
    }
    end(practice, from.linkId(), RULE, "CHART_MERGED");
    if (to.linkId() != null) {
      return;
    }
    Long moved =
        database.queryForObject(
            """
            insert into links (practice_id, source, patient_id, member_id, made_by, reason, grade,
                               score, explanation, rules_version)
            select practice_id, source, ?, member_id, made_by, 'CHART_MERGED', grade, score,
                   explanation, rules_version
            from links where practice_id = ? and id = ? returning id""",
            Long.class,
            to.patientId(),
            practice,
            from.linkId());
    change(
        practice,
        moved == null ? 0 : moved,
        "MOVED",
        RULE,
        "CHART_MERGED",
        snapshot(practice, from.linkId()));
    settle(practice, List.of(new Outcome(to.patientId(), "LINKED", "CHART_MERGED", "-")));
    closeReviews(practice, List.of(to.patientId()));
    follow(practice, source, List.of(to.patientId()));
  }

  private void followed(int practice, String source, String loser) {
    database.update(
        """
        update chart_merges set followed_at = now()
        where practice_id = ? and source = ? and loser_source_id = ?""",
        practice,
        source,
        loser);
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
