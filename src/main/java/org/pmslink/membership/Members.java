package org.pmslink.membership;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Member.Field;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * The members of the store. A member that is added or changed is matched by itself: its version
 * moves ahead of the version that was matched.
 */
@Component
public class Members {
  private static final List<Field> FIELDS = List.of(Field.values());
  private static final String COLUMNS =
      FIELDS.stream().map(Field::column).collect(Collectors.joining(", "));

  private final JdbcTemplate database;
  private final Practices practices;
  private final PatientNormalizer normalizer;
  private final Duplicates duplicates;
  private final Words words;
  private final PracticeLock lock;
  private final Memberships memberships;
  private final Runs runs;

  Members(
      JdbcTemplate database,
      Practices practices,
      PatientNormalizer normalizer,
      Duplicates duplicates,
      Words words,
      PracticeLock lock,
      Memberships memberships,
      Runs runs) {
    this.runs = runs;
    this.memberships = memberships;
    this.lock = lock;
    this.words = words;
    this.database = database;
    this.duplicates = duplicates;
    this.practices = practices;
    this.normalizer = normalizer;
  }

  /** Somebody who becomes a member, as typed. */
  public record NewMember(String memberNumber, SourcePatient details) {}

  /**
   * Adds members; a number that exists already stays as it is.
   *
   * @return how many were added
   */
  @Transactional
  public int add(String practice, Collection<NewMember> newMembers) {
    int practiceId = practices.id(practice);
    List<Object[]> rows = new ArrayList<>();
    List<Person> people = new ArrayList<>();
    for (NewMember member : newMembers) {
      Person person = normalizer.person(member.details());
      Map<Field, String> fields = Member.fields(member.details());
      List<Object> row = new ArrayList<>();
      row.add(practiceId);
      row.add(member.memberNumber());
      row.add(RecordJson.write(person));
      row.add(keys(person));
      row.add(words.ofMember(practiceId, member.memberNumber(), person));
      FIELDS.forEach(field -> row.add(fields.get(field)));
      rows.add(row.toArray());
      people.add(person);
    }
    words.keepNames(practiceId, people);
    String[] numbers = newMembers.stream().map(NewMember::memberNumber).toArray(String[]::new);
    int known = count(practiceId, numbers);
    database.batchUpdate(
        "insert into members (practice_id, member_number, person, blocking_keys, words, "
            + COLUMNS
            + ") values (?, ?, ?::jsonb, ?, array_to_tsvector(?::text[])"
            + ", ?".repeat(FIELDS.size())
            + ") on conflict (practice_id, member_number) do nothing",
        rows);
    database.update(
        """
        insert into member_blocking_keys (practice_id, key, member_id)
        select m.practice_id, k.key, m.id from members m, unnest(m.blocking_keys) as k (key)
        where m.practice_id = ? and m.member_number = any (?)
        on conflict do nothing""",
        practiceId,
        numbers);
    duplicates.lookFor(
        practiceId,
        Duplicates.Kind.MEMBER,
        database.queryForList(
            "select id from members where practice_id = ? and member_number = any (?)",
            Long.class,
            practiceId,
            numbers));
    return count(practiceId, numbers) - known;
  }

  private int count(int practiceId, String[] numbers) {
    Integer count =
        database.queryForObject(
            "select count(*) from members where practice_id = ? and member_number = any (?)",
            Integer.class,
            practiceId,
            numbers);
    return count == null ? 0 : count;
  }

  /**
   * Changes fields of a member by hand; an empty value empties the field.
   *
   * @param actor who does it
   * @return false when there is no such member
   */
  @Transactional
  public boolean change(
      String practice, String memberNumber, Map<Field, String> changes, String actor) {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    List<Member> found = lock(practiceId, List.of(memberNumber));
    if (found.isEmpty()) {
      return false;
    }
    write(practiceId, List.of(new Change(found.get(0), changes)), actor, null, false);
    return true;
  }

  /**
   * Changes fields and locks of a member by hand, as long as it is what was seen of it.
   *
   * @param changes as above
   * @param locked fields that no feed writes from now on; replaces those that were locked
   * @param reason why, in the person's words; {@code null} when they do not say
   * @throws RefusedException when somebody else, or a feed, has changed the member since
   */
  @Transactional(rollbackFor = RefusedException.class)
  public void change(
      String practice,
      Member seen,
      Map<Field, String> changes,
      Set<Field> locked,
      String actor,
      @Nullable String reason)
      throws RefusedException {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    List<Member> found = lock(practiceId, List.of(seen.memberNumber()));
    if (found.isEmpty()
        || found.get(0).version() != seen.version()
        || !found.get(0).lockedFields().equals(seen.lockedFields())) {
      throw new RefusedException.Changed(
          "Somebody else, or the PMS, has changed this member meanwhile; look again.");
    }
    if (!changes.isEmpty()) {
      write(practiceId, List.of(new Change(found.get(0), changes)), actor, reason, false);
    }
    lock(practiceId, found.get(0), locked, actor, reason);
  }

  /** Locks fields, so that no feed writes them; replaces the locks the member had. */
  void lock(
      int practiceId, Member member, Set<Field> fields, String actor, @Nullable String reason) {
    if (fields.equals(member.lockedFields())) {
      return;
    }
    // Another version, though it is matched as it was: whoever has the locks before them that there
    // were must not save those.
    database.update(
        """
        update members set locked_fields = ?, version = version + 1,
          matched_version = case when matched_version = version then version + 1
                                 else matched_version end,
          match_sent_at = null, updated_at = now()
        where practice_id = ? and id = ?""",
        fields.stream().sorted().map(Enum::name).toArray(String[]::new),
        practiceId,
        member.id());
    happened(
        practiceId,
        member.id(),
        "LOCKED",
        actor,
        reason,
        names(member.lockedFields()),
        names(fields));
  }

  private static String names(Set<Field> fields) {
    return fields.stream().sorted().map(Enum::name).collect(Collectors.joining(" "));
  }

  /**
   * Notes who has made somebody a member, and why.
   *
   * @param left fields that they left as the chart says
   */
  void added(int practiceId, String memberNumber, String actor, String reason, Set<Field> left) {
    for (Member member : lock(practiceId, List.of(memberNumber))) {
      database.update(
          """
          insert into member_events
            (practice_id, member_id, action, actor, reason, after, from_chart)
          values (?, ?, 'ADDED', ?, ?, 'ACTIVE', ?)""",
          practiceId,
          member.id(),
          actor,
          reason,
          names(left));
    }
  }

  private void happened(
      int practiceId,
      long member,
      String action,
      String actor,
      @Nullable String reason,
      @Nullable String before,
      @Nullable String after) {
    database.update(
        """
        insert into member_events (practice_id, member_id, action, actor, reason, before, after)
        values (?, ?, ?, ?, ?, ?, ?)""",
        practiceId,
        member,
        action,
        actor,
        reason,
        before,
        after);
  }

  /**
   * Takes a member out of the store: the record stays, the link and the plan end.
   *
   * @param reason why, in the person's words
   * @return false when there is no such member
   */
  @Transactional
  public boolean remove(String practice, String memberNumber, String actor, String reason) {
    int practiceId = practices.id(practice);
    lock.enter(practiceId, true);
    List<Member> found = lock(practiceId, List.of(memberNumber));
    if (found.isEmpty() || found.get(0).removed()) {
      return false;
    }
    memberships.end(practiceId, found.get(0).id(), actor, "member removed");
    leave(practiceId, found.get(0), "REMOVED");
    happened(practiceId, found.get(0).id(), "REMOVED", actor, reason, "ACTIVE", "REMOVED");
    return true;
  }

  /** Takes an active member out of what is matched. */
  void leave(int practiceId, Member member, String status) {
    database.update(
        """
        update members set status = ?, version = version + 1, match_sent_at = null,
          updated_at = now()
        where practice_id = ? and id = ?""",
        status,
        practiceId,
        member.id());
    duplicates.lookFor(practiceId, Duplicates.Kind.MEMBER, List.of(member.id()));
    decideAgain(
        practiceId,
        List.of(member.id()),
        List.copyOf(PracticeMatcher.blockingKeys(member.person())));
    database.update(
        "delete from member_blocking_keys where practice_id = ? and member_id = ?",
        practiceId,
        member.id());
  }

  /**
   * Makes a member what it is to be, all of it: fields, locks, and who it is; active, and filed
   * under its keys. What there was before is kept.
   *
   * @param person with what is not among the fields: hash and last digits of the SSN
   * @param reason what it follows from
   */
  void make(
      int practiceId,
      Member member,
      Map<Field, String> fields,
      Set<Field> locked,
      Person person,
      String actor,
      String reason) {
    Map<Field, String> changes = new EnumMap<>(Field.class);
    for (Field field : FIELDS) {
      String after = fields.getOrDefault(field, "");
      if (!after.equals(member.fields().getOrDefault(field, ""))) {
        changes.put(field, after);
      }
    }
    write(
        practiceId,
        List.of(new Change(member, changes)),
        Map.of(member.id(), person),
        actor,
        reason,
        false);
    database.update(
        "update members set status = 'ACTIVE' where practice_id = ? and id = ?",
        practiceId,
        member.id());
    lock(practiceId, member, locked, actor, reason);
    database.update(
        """
        insert into member_blocking_keys (practice_id, key, member_id)
        select m.practice_id, k.key, m.id from members m, unnest(m.blocking_keys) as k (key)
        where m.practice_id = ? and m.id = ? on conflict do nothing""",
        practiceId,
        member.id());
  }

  /** A member. */
  public Optional<Member> find(String practice, String memberNumber) {
    return database
        .query(
            SELECT + " where practice_id = ? and member_number = ?",
            Members::member,
            practices.id(practice),
            memberNumber)
        .stream()
        .findFirst();
  }

  /** Members by number, locked for writing in the order of their ids. */
  List<Member> lock(int practiceId, Collection<String> memberNumbers) {
    return database.query(
        SELECT + " where practice_id = ? and member_number = any (?) order by id for update",
        Members::member,
        practiceId,
        memberNumbers.toArray(String[]::new));
  }

  /** Members by id, locked for writing in the order of their ids. */
  List<Member> lockById(int practiceId, long[] ids) {
    return database.query(
        SELECT + " where practice_id = ? and id = any (?) order by id for update",
        Members::member,
        practiceId,
        ids);
  }

  /**
   * Fields of a member that get new values.
   *
   * @param found whether the member has just found its chart: it waits for a match no more
   * @param chart whose values they are; {@code null} when a person gives them
   */
  record Change(Member member, Map<Field, String> values, boolean found, @Nullable Long chart) {
    Change(Member member, Map<Field, String> values) {
      this(member, values, false, null);
    }
  }

  /**
   * Writes changes, keeps what was there before, and files the member under its new keys.
   *
   * @param reason why, or what it follows from, where there is something to say
   * @param settled whether the change comes from the member's own chart and needs no new match
   */
  void write(
      int practiceId,
      List<Change> changes,
      String actor,
      @Nullable String reason,
      boolean settled) {
    write(practiceId, changes, Map.of(), actor, reason, settled);
  }

  /**
   * The same.
   *
   * @param people who members are, by id, where that is not what their fields say
   */
  private void write(
      int practiceId,
      List<Change> changes,
      Map<Long, Person> people,
      String actor,
      @Nullable String reason,
      boolean settled) {
    List<@Nullable Object[]> history = new ArrayList<>();
    List<Object[]> rows = new ArrayList<>();
    List<Object[]> oldKeys = new ArrayList<>();
    List<Person> named = new ArrayList<>();
    List<Object[]> newKeys = new ArrayList<>();
    for (Change change : changes) {
      Member member = change.member();
      Map<Field, String> fields = new EnumMap<>(Field.class);
      fields.putAll(member.fields());
      change
          .values()
          .forEach(
              (field, value) -> {
                String before = fields.get(field);
                if (value.isEmpty()) {
                  fields.remove(field);
                } else {
                  fields.put(field, value);
                }
                history.add(
                    new @Nullable Object[] {
                      practiceId,
                      member.id(),
                      field.name(),
                      before,
                      value,
                      actor,
                      change.chart(),
                      reason
                    });
              });
      Person known = people.get(member.id());
      Person person = known == null ? person(member, fields) : known;
      Long[] keys = keys(person);
      List<Object> row = new ArrayList<>();
      FIELDS.forEach(field -> row.add(fields.get(field)));
      row.add(RecordJson.write(person));
      row.add(keys);
      row.add(words.ofMember(practiceId, member.memberNumber(), person));
      named.add(person);
      row.add(change.found());
      row.add(settled);
      row.add(practiceId);
      row.add(member.id());
      rows.add(row.toArray());
      Set<Long> before = PracticeMatcher.blockingKeys(member.person());
      Set<Long> after = Set.of(keys);
      before.stream()
          .filter(k -> !after.contains(k))
          .forEach(k -> oldKeys.add(new Object[] {practiceId, k, member.id()}));
      after.stream()
          .filter(k -> !before.contains(k))
          .forEach(k -> newKeys.add(new Object[] {practiceId, k, member.id()}));
    }
    if (!settled) {
      // A feed writes no names, and would wait for other batches that do.
      words.keepNames(practiceId, named);
    }
    duplicates.lookFor(
        practiceId,
        Duplicates.Kind.MEMBER,
        changes.stream().map(change -> change.member().id()).toList());
    if (!settled) {
      decideAgain(
          practiceId,
          changes.stream().map(change -> change.member().id()).toList(),
          oldKeys.stream().map(row -> (Long) row[1]).toList());
    }
    database.batchUpdate(
        "update members set "
            + FIELDS.stream().map(f -> f.column() + " = ?").collect(Collectors.joining(", "))
            + """
            , person = ?::jsonb, blocking_keys = ?, words = array_to_tsvector(?::text[]), version = version + 1,
            matched_version = case when ? or (? and matched_version = version)
                                   then version + 1 else matched_version end,
            match_sent_at = null, updated_at = now()
            where practice_id = ? and id = ?""",
        rows);
    database.batchUpdate(
        "delete from member_blocking_keys where practice_id = ? and key = ? and member_id = ?",
        oldKeys);
    database.batchUpdate(
        """
        insert into member_blocking_keys (practice_id, key, member_id) values (?, ?, ?)
        on conflict do nothing""",
        newKeys);
    database.batchUpdate(
        """
        insert into member_changes (practice_id, member_id, field, before, after, actor, patient_id,
                                    reason)
        values (?, ?, ?, ?, ?, ?, ?, ?)""",
        history);
  }

  /**
   * What was decided about charts that had something in common with these members, or are linked to
   * them, is looked at again: whoever still has is found by the members' own new match.
   */
  private void decideAgain(int practiceId, List<Long> memberIds, List<Long> goneKeys) {
    database.update(
        """
        update decisions set stale_since = now(), sent_at = null
        where practice_id = ? and (stale_since is null or sent_at is not null)
          and outcome <> 'UNLINKED' and patient_id = any (array(
          select patient_id from links
          where practice_id = ? and member_id = any (?) and ended_at is null
          union
          select patient_id from patient_blocking_keys where practice_id = ? and key = any (?)))""",
        practiceId,
        practiceId,
        Links.array(memberIds),
        practiceId,
        Links.array(goneKeys));
  }

  /**
   * Members that wait to be matched, at most a page of them; each is handed out once a minute until
   * it is.
   */
  @Transactional
  public List<Long> waitingForMatch(int practiceId, int limit) {
    return database.queryForList(
        """
        update members set match_sent_at = now()
        where practice_id = ? and id = any (array(
          select id from members
          where practice_id = ? and matched_version < version
            and (match_sent_at is null or match_sent_at < now() - interval '1 minute')
          order by id limit ? for update skip locked))
        returning id""",
        Long.class,
        practiceId,
        practiceId,
        limit);
  }

  /**
   * After a sweep over all charts of a PMS: members that were there when it began are matched, if
   * the practice has no other.
   */
  public void matchedBefore(int practiceId, java.time.Instant began) {
    if (!isInOnePms(practiceId)) {
      return;
    }
    database.update(
        """
        update members set matched_version = version
        where practice_id = ? and matched_version < version and updated_at < ?""",
        practiceId,
        java.sql.Timestamp.from(began));
  }

  /** Notes that these members have found their chart, if the practice has one PMS. */
  void matchedNow(int practiceId, long[] ids) {
    if (ids.length > 0 && isInOnePms(practiceId)) {
      database.update(
          "update members set matched_version = version where practice_id = ? and id = any (?)",
          practiceId,
          ids);
    }
  }

  /** Whether there is no other PMS in which a member that has found its chart may have another. */
  boolean isInOnePms(int practiceId) {
    return runs.sources(practiceId).size() < 2;
  }

  /** Notes that members were matched at these versions. */
  void matched(int practiceId, List<CommandBatch.MatchedMember> members) {
    database.batchUpdate(
        """
        update members set matched_version = greatest(matched_version, ?)
        where practice_id = ? and member_number = ?""",
        members.stream()
            .sorted(java.util.Comparator.comparing(CommandBatch.MatchedMember::memberNumber))
            .map(m -> new Object[] {m.version(), practiceId, m.memberNumber()})
            .toList());
  }

  /** Who a member would be with these fields. */
  Person person(Member member, Map<Field, String> fields) {
    Person typed = normalizer.person(Member.typed(member.memberNumber(), fields));
    Person before = member.person();
    // What is not among the fields stays: the SSN is never typed again, and kept only as a hash.
    return new Person(
        typed.name(),
        typed.birthDate(),
        typed.gender(),
        before.ssnHash(),
        before.ssnLast4(),
        typed.phones(),
        typed.emails(),
        typed.address(),
        before.guarantorId());
  }

  private Long[] keys(Person person) {
    return new TreeSet<>(PracticeMatcher.blockingKeys(person)).toArray(Long[]::new);
  }

  private static final String SELECT =
      "select id, member_number, status, locked_fields, person, version, "
          + COLUMNS
          + " from members";

  private static Member member(ResultSet row, int n) throws SQLException {
    Map<Field, String> fields = new EnumMap<>(Field.class);
    for (Field field : FIELDS) {
      @Nullable String value = row.getString(field.column());
      if (value != null) {
        fields.put(field, value);
      }
    }
    Set<Field> locked = EnumSet.noneOf(Field.class);
    for (String name : (String[]) row.getArray("locked_fields").getArray()) {
      locked.add(Field.valueOf(name));
    }
    try {
      return new Member(
          row.getLong("id"),
          row.getString("member_number"),
          !row.getString("status").equals("ACTIVE"),
          fields,
          locked,
          RecordJson.mapper().readValue(row.getString("person"), Person.class),
          row.getLong("version"));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a stored person cannot be read", e);
    }
  }
}
