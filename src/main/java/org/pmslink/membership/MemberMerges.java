package org.pmslink.membership;

import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Member.Field;
import org.pmslink.patient.Person;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Members that were entered twice, made one by a person, and taken apart again.
 *
 * <p>One member stays, with the values that the person chose; links, plans and verdicts of the
 * other come to it, and visits and transactions follow the links. What both were is kept whole, so
 * that taking them apart puts back both: as if they had never been one. Merges of one member are
 * taken back in the reverse order of their making.
 */
@Component
public class MemberMerges {
  private static final String MERGED = "MEMBER_MERGED";
  private static final String UNMERGED = "MEMBERS_TAKEN_APART";

  private final JdbcTemplate database;
  private final Practices practices;
  private final PracticeLock lock;
  private final Members members;
  private final Memberships memberships;
  private final Links links;
  private final ChartDecisions decisions;
  private final ContactsFromCharts contacts;
  private final Verdicts verdicts;

  MemberMerges(
      JdbcTemplate database,
      Practices practices,
      PracticeLock lock,
      Members members,
      Memberships memberships,
      Links links,
      ChartDecisions decisions,
      ContactsFromCharts contacts,
      Verdicts verdicts) {
    this.database = database;
    this.practices = practices;
    this.lock = lock;
    this.members = members;
    this.memberships = memberships;
    this.links = links;
    this.decisions = decisions;
    this.contacts = contacts;
    this.verdicts = verdicts;
  }

  /**
   * What of the merged member goes on, where there can be only one.
   *
   * @param fields whose values come from it; of all others the survivor's stay
   * @param links PMS installations in which its link stays; in others the survivor's, if it has one
   * @param plan whether its plan goes on when both have one
   * @param allTheSame whether they are made one though somebody has said something {@link #against}
   */
  public record Choice(Set<Field> fields, Set<String> links, boolean plan, boolean allTheSame) {}

  /**
   * Two members that are one now.
   *
   * @param last whether nothing was merged into the survivor after it, so that it can be taken back
   */
  public record Merge(
      long id,
      String survivor,
      String merged,
      String actor,
      String reason,
      Instant at,
      boolean last) {}

  /**
   * What is not as it was when two members have been taken apart.
   *
   * @param linksLost that could not be put back, because their chart is gone or another member's,
   *     or because somebody has said since that it is not theirs
   * @param plansEnded that began while the two were one
   */
  public record Apart(int linksLost, int plansEnded) {}

  private record Before(Half survivor, Half merged, List<Long> verdictsMade) {}

  private record Half(
      Map<Field, String> fields,
      Set<Field> locked,
      Person person,
      List<Links.Standing> links,
      List<Long> verdicts,
      List<Had> plans) {}

  private record Had(long id, String status, LocalDate startsOn, @Nullable LocalDate endsOn) {}

  /**
   * Makes two members one.
   *
   * @param survivor number of the member that stays, and {@code survivorVersion} what was seen of
   *     it
   * @param merged number of the one that goes
   * @param reason why, in the person's words
   * @throws RefusedException when one of them is no member any more or was changed meanwhile, or
   *     somebody has said that they are two people and the choice does not go against it
   */
  @Transactional(rollbackFor = RefusedException.class)
  public void merge(
      String practice,
      String survivor,
      long survivorVersion,
      String merged,
      long mergedVersion,
      Choice choice,
      String actor,
      String reason)
      throws RefusedException {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    List<Member> both = members.lock(practiceId, List.of(survivor, merged));
    if (both.size() != 2 || both.stream().anyMatch(Member::removed)) {
      throw new RefusedException("Only two different members can be made one.");
    }
    boolean inOrder = both.get(0).memberNumber().equals(survivor);
    Member stays = both.get(inOrder ? 0 : 1);
    Member goes = both.get(inOrder ? 1 : 0);
    if (stays.version() != survivorVersion || goes.version() != mergedVersion) {
      throw new RefusedException.Changed(
          "Somebody else, or the PMS, has changed one of the members meanwhile; look again.");
    }
    List<String> said = verdicts.against(practiceId, stays.id(), goes.id());
    if (!said.isEmpty() && !choice.allTheSame()) {
      throw new RefusedException(
          "Against it speaks: "
              + String.join("; ", said)
              + ". Say that they are one all the same, or leave them apart.");
    }
    long firstChange = links.changesUpToHere();
    Half stayed = half(practiceId, stays);
    Half went = half(practiceId, goes);

    links(practiceId, stays.id(), stayed.links(), went.links(), choice, actor);
    List<Long> made = verdicts.give(practiceId, goes.id(), stays.id(), actor);
    plans(practiceId, stays.id(), goes.id(), choice, actor);
    fields(practiceId, stays, goes, choice, actor);
    members.leave(practiceId, goes, "MERGED");
    database.update(
        """
        insert into member_merges (practice_id, survivor_id, merged_id, actor, reason, first_change,
                                   before)
        values (?, ?, ?, ?, ?, ?, ?::jsonb)""",
        practiceId,
        stays.id(),
        goes.id(),
        actor,
        reason,
        firstChange,
        RecordJson.write(new Before(stayed, went, made)));
  }

  /** What people have said that speaks against two members being one; who, when, and why. */
  public List<String> against(String practice, Member one, Member other) {
    return verdicts.against(practices.id(practice), one.id(), other.id());
  }

  private Half half(int practice, Member member) {
    return new Half(
        member.fields(),
        member.lockedFields(),
        member.person(),
        links.standing(practice, member.id()),
        verdicts.standingOf(practice, member.id()),
        database.query(
            """
            select id, status, starts_on, ends_on from memberships
            where practice_id = ? and member_id = ? order by id for update""",
            (row, n) ->
                new Had(
                    row.getLong(1),
                    row.getString(2),
                    row.getDate(3).toLocalDate(),
                    row.getDate(4) == null ? null : row.getDate(4).toLocalDate()),
            practice,
            member.id()));
  }

  private void links(
      int practice,
      long survivor,
      List<Links.Standing> own,
      List<Links.Standing> others,
      Choice choice,
      String actor) {
    List<Links.Standing> ending = new ArrayList<>();
    for (Links.Standing other : others) {
      Optional<Links.Standing> inTheWay =
          own.stream().filter(link -> link.source().equals(other.source())).findFirst();
      if (inTheWay.isPresent() && !choice.links().contains(other.source())) {
        ending.add(other);
        continue;
      }
      inTheWay.ifPresent(link -> endAll(practice, List.of(link), actor, MERGED));
      links.give(practice, other, survivor, actor, MERGED);
    }
    endAll(practice, ending, actor, MERGED);
  }

  /** Ends links, and decides about their charts again. */
  private void endAll(int practice, List<Links.Standing> ending, String actor, String reason) {
    ending.forEach(link -> links.end(practice, link.id(), actor, reason));
    decisions.lookAgain(practice, chartsOf(ending));
  }

  private static List<Long> chartsOf(List<Links.Standing> links) {
    return links.stream().map(Links.Standing::chart).distinct().toList();
  }

  private void plans(int practice, long survivor, long merged, Choice choice, String actor) {
    if (!memberships.running(practice, survivor).isEmpty()
        && !memberships.running(practice, merged).isEmpty()) {
      memberships.end(practice, choice.plan() ? survivor : merged, actor, MERGED);
    }
    List<Long> coming =
        database.queryForList(
            "select id from memberships where practice_id = ? and member_id = ? order by id",
            Long.class,
            practice,
            merged);
    for (Long plan : coming) {
      memberships.note(
          practice, plan, "MERGED", actor, MERGED, memberships.snapshot(practice, plan));
    }
    database.update(
        "update memberships set member_id = ? where practice_id = ? and id = any (?)",
        survivor,
        practice,
        Links.array(coming));
  }

  private void fields(int practice, Member stays, Member goes, Choice choice, String actor) {
    Map<Field, String> fields = new EnumMap<>(Field.class);
    fields.putAll(stays.fields());
    Set<Field> locked = EnumSet.noneOf(Field.class);
    locked.addAll(stays.lockedFields());
    for (Field field : choice.fields()) {
      String value = goes.fields().get(field);
      if (value == null) {
        fields.remove(field);
      } else {
        fields.put(field, value);
      }
      if (goes.lockedFields().contains(field)) {
        locked.add(field);
      } else {
        locked.remove(field);
      }
    }
    Person typed = members.person(stays, fields);
    Person one = stays.person();
    Person other = goes.person();
    // What is not among the fields is nobody's choice: what either has, both have.
    Person person =
        new Person(
            typed.name(),
            typed.birthDate(),
            typed.gender(),
            one.ssnHash() == null ? other.ssnHash() : one.ssnHash(),
            one.ssnLast4() == null ? other.ssnLast4() : one.ssnLast4(),
            typed.phones(),
            typed.emails(),
            typed.address(),
            one.guarantorId() == null ? other.guarantorId() : one.guarantorId());
    members.make(practice, stays, fields, locked, person, actor, MERGED);
  }

  /** The merges that stand of a member: into it, newest first, or the one of it into another. */
  public List<Merge> of(String practice, String memberNumber) {
    return database.query(
        """
        select g.id, s.member_number, m.member_number, g.actor, g.reason, g.at,
               not exists (select 1 from member_merges o where o.practice_id = g.practice_id
                             and o.undone_at is null
                             and (o.survivor_id = g.survivor_id and o.id > g.id
                                  or o.merged_id = g.survivor_id))
        from member_merges g
        join members s on s.practice_id = g.practice_id and s.id = g.survivor_id
        join members m on m.practice_id = g.practice_id and m.id = g.merged_id
        where g.practice_id = ? and g.undone_at is null and ? in (s.member_number, m.member_number)
        order by g.id desc""",
        (row, n) ->
            new Merge(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getString(5),
                row.getTimestamp(6).toInstant(),
                row.getBoolean(7)),
        practices.id(practice),
        memberNumber);
  }

  /**
   * Takes two members apart again: both are what they were, whatever was done to the survivor
   * since. What their charts have become meanwhile they follow, as they would have. A plan that
   * began since ends: it was sold to the one that they were, and nobody has said whose it is.
   *
   * @throws RefusedException when there is no such merge that stands, or another has to be taken
   *     back before it
   */
  @Transactional(rollbackFor = RefusedException.class)
  public Apart takeApart(String practice, long merge, String actor, String reason)
      throws RefusedException {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    record Kept(long survivor, long merged, String before) {}
    List<Kept> found =
        database.query(
            """
            select survivor_id, merged_id, before from member_merges
            where practice_id = ? and id = ? and undone_at is null for update""",
            (row, n) -> new Kept(row.getLong(1), row.getLong(2), row.getString(3)),
            practiceId,
            merge);
    if (found.isEmpty()) {
      throw new RefusedException("The two have been taken apart already.");
    }
    Kept kept = found.get(0);
    refuseOutOfOrder(practiceId, merge, kept.survivor());
    Before before = RecordJson.read(kept.before(), Before.class);
    int plansEnded = restorePlans(practiceId, kept.survivor(), kept.merged(), before, actor);
    for (Member member :
        members.lockById(practiceId, new long[] {kept.survivor(), kept.merged()})) {
      Half half = member.id() == kept.survivor() ? before.survivor() : before.merged();
      members.make(
          practiceId, member, half.fields(), half.locked(), half.person(), actor, UNMERGED);
    }
    int lost = restoreLinks(practiceId, kept.survivor(), before, actor);
    verdicts.restore(
        practiceId,
        kept.survivor(),
        kept.merged(),
        Stream.of(before.survivor(), before.merged()).flatMap(h -> h.verdicts().stream()).toList(),
        before.verdictsMade(),
        actor);
    database.update(
        """
        update member_merges
        set undone_at = now(), undone_by = ?, undo_reason = ?, last_change = ?
        where practice_id = ? and id = ?""",
        actor,
        reason,
        links.changesUpToHere(),
        practiceId,
        merge);
    return new Apart(lost, plansEnded);
  }

  private void refuseOutOfOrder(int practice, long merge, long survivor) throws RefusedException {
    List<String> first =
        database.queryForList(
            """
            select case when g.merged_id = ? then 'The member was merged into ' || s.member_number
                        else m.member_number || ' was merged into the member later' end
                   || '; take that back first.'
            from member_merges g
            join members s on s.practice_id = g.practice_id and s.id = g.survivor_id
            join members m on m.practice_id = g.practice_id and m.id = g.merged_id
            where g.practice_id = ? and g.undone_at is null
              and (g.merged_id = ? or g.survivor_id = ? and g.id > ?)
            order by g.id desc limit 1""",
            String.class,
            survivor,
            practice,
            survivor,
            survivor,
            merge);
    if (!first.isEmpty()) {
      throw new RefusedException(first.get(0));
    }
  }

  private int restoreLinks(int practice, long survivor, Before before, String actor) {
    List<Links.Standing> then =
        Stream.of(before.survivor(), before.merged()).flatMap(h -> h.links().stream()).toList();
    Set<Long> ids = new HashSet<>(then.stream().map(Links.Standing::id).toList());
    Map<Long, Links.Standing> now = new HashMap<>();
    links.standing(practice, survivor).forEach(link -> now.put(link.chart(), link));
    Set<Long> saidBefore = new HashSet<>(before.verdictsMade());
    saidBefore.addAll(before.survivor().verdicts());
    Set<Long> toldApart = verdicts.toldApartBesides(practice, survivor, saidBefore);
    // What was linked since was linked to the one that they were; whose it is, nobody has said.
    endAll(
        practice,
        links.standing(practice, survivor).stream().filter(l -> !ids.contains(l.id())).toList(),
        actor,
        UNMERGED);
    List<Links.Standing> restored =
        then.stream()
            .filter(link -> !toldApart.contains(link.chart()))
            .filter(link -> links.restore(practice, link, now.get(link.chart()), actor, UNMERGED))
            .toList();
    decisions.closeReviews(practice, chartsOf(restored), actor, UNMERGED);
    decisions.lookAgain(practice, chartsOf(then));
    contacts.follow(practice, links.changedSince(practice, restored));
    return then.size() - restored.size();
  }

  /** Returns how many plans that began since have ended by this. */
  private int restorePlans(int practice, long survivor, long merged, Before before, String actor) {
    List<Had> had =
        Stream.of(before.survivor(), before.merged()).flatMap(h -> h.plans().stream()).toList();
    Set<Long> ids = new HashSet<>(had.stream().map(Had::id).toList());
    int begunSince =
        Math.toIntExact(
            memberships.running(practice, survivor).stream()
                .filter(id -> !ids.contains(id))
                .count());
    if (begunSince > 0) {
      memberships.end(practice, survivor, actor, UNMERGED);
    }
    for (Had plan : had) {
      memberships.note(
          practice,
          plan.id(),
          "RESTORED",
          actor,
          UNMERGED,
          memberships.snapshot(practice, plan.id()));
    }
    // Nothing of either runs while one after the other gets back its state: one at a time.
    database.update(
        "update memberships set status = 'ENDED' where practice_id = ? and id = any (?)",
        practice,
        Links.array(ids));
    put(practice, survivor, before.survivor().plans());
    put(practice, merged, before.merged().plans());
    return begunSince;
  }

  private void put(int practice, long member, Collection<Had> plans) {
    database.batchUpdate(
        """
        update memberships set member_id = ?, status = ?, starts_on = ?, ends_on = ?
        where practice_id = ? and id = ?""",
        plans.stream()
            .map(
                plan ->
                    new Object[] {
                      member,
                      plan.status(),
                      java.sql.Date.valueOf(plan.startsOn()),
                      plan.endsOn() == null ? null : java.sql.Date.valueOf(plan.endsOn()),
                      practice,
                      plan.id()
                    })
            .toList());
  }
}
