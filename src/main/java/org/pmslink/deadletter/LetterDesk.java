package org.pmslink.deadletter;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.deadletter.DeadLetter.Hop;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * What people do with letters: look at a record, mend it, give it up, assign it, write a note. All
 * of it is audited, with who and why, in the transaction that does it.
 */
@Component
public class LetterDesk {
  /** Letters that one action takes at most; for more, ask again. */
  public static final int MOST = 100_000;

  /** Characters of a reason, a note or a name at most. */
  public static final int LONGEST_TEXT = 1_000;

  private static final List<State> STILL_OPEN = List.of(State.OPEN, State.REPLAYING);

  private final JdbcClient database;
  private final Practices practices;
  private final LetterSearch search;
  private final SealedPayloads payloads;
  private final ReplayItems items;
  private final Audit audit;

  LetterDesk(
      JdbcClient database,
      Practices practices,
      LetterSearch search,
      SealedPayloads payloads,
      ReplayItems items,
      Audit audit) {
    this.database = database;
    this.practices = practices;
    this.search = search;
    this.payloads = payloads;
    this.items = items;
    this.audit = audit;
  }

  /**
   * A record in the clear: patient data.
   *
   * @param record as the PMS wrote it, or as it was edited; of the apply step, the commands that
   *     the match step has made of it
   * @param original what an edited record was when it came
   */
  public record Revealed(Letter letter, JsonNode record, @Nullable JsonNode original) {

    /** Without the record: this may end in a log. */
    @Override
    public String toString() {
      return "letter " + letter.id();
    }
  }

  /** What came of an edit. */
  public enum Edit {
    EDITED,
    /** Its record is another than the one that was looked at. */
    CHANGED_MEANWHILE,
    /** There is no such letter. */
    NOT_THERE,
    /** It is closed, or in the hands of a replay task. */
    NOT_OPEN,
    /** It failed in the apply step: what it holds is no record of the PMS's. */
    NOT_OF_THE_PMS
  }

  /**
   * What somebody did with a letter or its group.
   *
   * @param action REVEALED, EDITED, DISCARDED, REOPENED, ASSIGNED or NOTED
   * @param withGroup whether it was done with the whole group
   * @param detail reason, note or assignee
   */
  public record Event(Instant at, String actor, String action, boolean withGroup, String detail) {}

  /**
   * What giving letters up would come to.
   *
   * @param letters how many it takes
   * @param leftOut how many more there are than one action takes
   * @param others letters that stay as they are: closed ones, of those that were named; those that
   *     are being replayed, of a group or a search
   */
  public record Reach(int letters, long leftOut, long others) {}

  private record Stored(Hop hop, State state, boolean edited, String edition, JsonNode payload) {}

  /**
   * Shows a record. It is on the audit before it is shown.
   *
   * @throws IllegalArgumentException without a reason
   */
  @Transactional
  public Optional<Revealed> reveal(String practice, String actor, long id, String reason) {
    String why = text("a reason", reason);
    Letter letter = search.find(practice, id).orElse(null);
    if (letter == null) {
      return Optional.empty();
    }
    int practiceId = practices.id(practice);
    Stored stored = stored(practiceId, id, "").orElseThrow();
    noted(practiceId, actor, id, "REVEALED", why);
    audit.note(
        practice,
        actor,
        "dead-letter-reveal",
        "letter " + id + " of " + patient(practiceId, letter) + ": " + why);
    JsonNode original =
        letter.edited()
            ? original(practiceId, id)
                .map(payload -> SealedPayloads.record(stored.hop(), payload))
                .orElse(null)
            : null;
    return Optional.of(
        new Revealed(letter, SealedPayloads.record(stored.hop(), stored.payload()), original));
  }

  /** Whose record that is, as the audit names a chart. */
  private String patient(int practice, Letter letter) {
    return database
            .sql("select source from feeds where practice_id = ? and feed = ?")
            .params(practice, letter.feed())
            .query(String.class)
            .optional()
            .orElse(letter.feed())
        + "/"
        + letter.sourceId();
  }

  private Optional<Stored> stored(int practice, long id, String lock) {
    return database
        .sql(
            "select hop, state, edited_at is not null, encode(sha256(payload), 'hex'), payload"
                + " from dead_letters where practice_id = ? and id = ?"
                + lock)
        .params(practice, id)
        .query(
            (row, n) ->
                new Stored(
                    Hop.ofStored(row.getString(1)),
                    State.valueOf(row.getString(2)),
                    row.getBoolean(3),
                    row.getString(4),
                    payloads.open(row.getBytes(5))))
        .optional();
  }

  /**
   * Names the record of a letter as it is now: another name when it was edited, or has failed anew,
   * since. Asked for before a record is shown, it keeps two people from undoing each other's {@link
   * #edit}.
   */
  public Optional<String> edition(String practice, long id) {
    return stored(practices.id(practice), id, "").map(Stored::edition);
  }

  private Optional<JsonNode> original(int practice, long id) {
    return database
        .sql(
            """
            select before from dead_letter_events
            where practice_id = ? and letter_id = ? and action = 'EDITED' and as_it_came
            order by id desc limit 1""")
        .params(practice, id)
        .query(byte[].class)
        .optional()
        .map(payloads::open);
  }

  /**
   * Changes the record of a letter. What it was is kept, sealed, with who changed it and why. The
   * PMS has the record as it was: when it sends it again, that counts.
   *
   * @param record in the form in which the PMS writes it, as {@link #reveal} shows it
   * @param edition of the record that was looked at; absent when that does not matter
   * @throws IllegalArgumentException without a reason, or when this is no record
   */
  @Transactional
  public Edit edit(
      String practice,
      String actor,
      long id,
      JsonNode record,
      String reason,
      @Nullable String edition) {
    String why = text("a reason", reason);
    if (record.isNull() || record.isMissingNode()) {
      throw new IllegalArgumentException("a record is needed");
    }
    int practiceId = practices.id(practice);
    Stored stored = stored(practiceId, id, " for update").orElse(null);
    if (stored == null) {
      return Edit.NOT_THERE;
    }
    if (stored.state() != State.OPEN) {
      return Edit.NOT_OPEN;
    }
    if (stored.hop() != Hop.MATCH) {
      return Edit.NOT_OF_THE_PMS;
    }
    if (edition != null && !edition.equals(stored.edition())) {
      return Edit.CHANGED_MEANWHILE;
    }
    database
        .sql(
            """
            insert into dead_letter_events (practice_id, letter_id, action, actor, detail, before,
                                            as_it_came)
            values (?, ?, 'EDITED', ?, ?, ?, ?)""")
        .params(practiceId, id, actor, why, payloads.seal(stored.payload()), !stored.edited())
        .update();
    database
        .sql(
            """
            update dead_letters set payload = ?, edited_at = now()
            where practice_id = ? and id = ?""")
        .params(payloads.seal(SealedPayloads.withRecord(stored.payload(), record)), practiceId, id)
        .update();
    audit.note(practice, actor, "dead-letter-edit", "letter " + id + ": " + why);
    return Edit.EDITED;
  }

  /** What {@link #discard} would take of a selection, for whoever is to confirm it. */
  public Reach reach(String practice, Selection selection) {
    int practiceId = practices.id(practice);
    List<State> states = discardable(selection);
    long letters = search.count(practiceId, selection, states);
    long others =
        selection.ids() == null
            ? search.count(practiceId, selection, List.of(State.REPLAYING))
            : selection.ids().size() - letters;
    return new Reach((int) Math.min(letters, MOST), Math.max(0, letters - MOST), others);
  }

  /** What is being replayed is given up only by whoever names it. */
  private static List<State> discardable(Selection selection) {
    return selection.ids() == null ? List.of(State.OPEN) : STILL_OPEN;
  }

  /**
   * Gives letters up; they stay on record, and can be {@link #reopen opened again}. Of a group or a
   * search those that are being replayed are left alone.
   *
   * @param most how many at most, the oldest first: what somebody has confirmed; not more than
   *     {@link #MOST} in any case
   * @return how many were open and are given up now
   * @throws IllegalArgumentException without a reason
   */
  @Transactional
  public int discard(String practice, String actor, Selection selection, String reason, int most) {
    String why = text("a reason", reason);
    int practiceId = practices.id(practice);
    List<Long> ids =
        search.ids(practiceId, selection, discardable(selection), Math.min(most, MOST));
    List<Long> discarded =
        database
            .sql(
                """
                update dead_letters set state = 'DISCARDED', closed_at = now(), closed_by = ?,
                  close_reason = ?
                where practice_id = ? and id = any (?) and state in ('OPEN', 'REPLAYING')
                returning id""")
            .params(actor, why, practiceId, ids.toArray(Long[]::new))
            .query(Long.class)
            .list();
    if (discarded.isEmpty()) {
      return 0;
    }
    items.skipped(practiceId, discarded, "the letter was discarded");
    noted(practiceId, actor, selection, discarded, "DISCARDED", why);
    audit.note(
        practice,
        actor,
        "dead-letter-discard",
        selection + ": " + discarded.size() + " discarded: " + why);
    return discarded.size();
  }

  /**
   * Opens letters again that were given up. One of which the record has a newer letter stays as it
   * is: the newer one says how things stand.
   *
   * @return how many are open again, {@link #MOST} at most
   * @throws IllegalArgumentException without a reason
   */
  @Transactional
  public int reopen(String practice, String actor, Selection selection, String reason) {
    String why = text("a reason", reason);
    int practiceId = practices.id(practice);
    List<Long> ids = search.ids(practiceId, selection, List.of(State.DISCARDED), MOST);
    List<Long> reopened =
        database
            .sql(
                """
                update dead_letters d set state = 'OPEN', closed_at = null, closed_by = null,
                  close_reason = null
                where d.practice_id = ? and d.id = any (?) and d.state = 'DISCARDED'
                  and not exists (
                    select 1 from dead_letters n
                    where n.practice_id = d.practice_id and n.source_id = d.source_id
                      and n.feed = d.feed and n.hop = d.hop and n.record_type = d.record_type
                      and n.id > d.id)
                returning d.id""")
            .params(practiceId, ids.toArray(Long[]::new))
            .query(Long.class)
            .list();
    if (reopened.isEmpty()) {
      return 0;
    }
    noted(practiceId, actor, selection, reopened, "REOPENED", why);
    audit.note(
        practice,
        actor,
        "dead-letter-reopen",
        selection + ": " + reopened.size() + " opened again: " + why);
    return reopened.size();
  }

  /**
   * Says who cares for letters; for a whole group also for the letters that will come.
   *
   * @param assignee nobody when absent
   * @return how many letters this changed
   */
  @Transactional
  public int assign(String practice, String actor, Selection selection, @Nullable String assignee) {
    String who = assignee == null ? null : text("a name", assignee);
    int practiceId = practices.id(practice);
    String group = selection.wholeGroup();
    if (group != null) {
      database
          .sql(
              """
              update dead_letter_groups set assignee = ? where practice_id = ? and group_key = ?""")
          .params(who, practiceId, group)
          .update();
    }
    List<Long> assigned =
        database
            .sql(
                """
                update dead_letters set assignee = ?
                where practice_id = ? and id = any (?) and state in ('OPEN', 'REPLAYING')
                  and assignee is distinct from ?
                returning id""")
            .params(
                who,
                practiceId,
                search.ids(practiceId, selection, STILL_OPEN, MOST).toArray(Long[]::new),
                who)
            .query(Long.class)
            .list();
    String to = who == null ? "nobody" : who;
    noted(practiceId, actor, selection, assigned, "ASSIGNED", to);
    audit.note(
        practice,
        actor,
        "dead-letter-assign",
        selection + ": " + assigned.size() + " assigned to " + to);
    return assigned.size();
  }

  /**
   * Adds a note to letters, or one to a whole group.
   *
   * @param note without patient data
   * @return how many letters have it now; 1 for a group
   */
  @Transactional
  public int note(String practice, String actor, Selection selection, String note) {
    String text = text("a note", note);
    int practiceId = practices.id(practice);
    boolean wholeGroup = selection.wholeGroup() != null;
    List<Long> ids =
        search.ids(practiceId, selection, List.of(State.values()), wholeGroup ? 1 : MOST);
    if (ids.isEmpty()) {
      return 0;
    }
    noted(practiceId, actor, selection, ids, "NOTED", text);
    audit.note(practice, actor, "dead-letter-note", selection + ": a note");
    return ids.size();
  }

  private void noted(
      int practice,
      String actor,
      Selection selection,
      List<Long> ids,
      String action,
      String detail) {
    String group = selection.wholeGroup();
    if (group != null) {
      database
          .sql(
              """
              insert into dead_letter_events (practice_id, group_key, action, actor, detail)
              values (?, ?, ?, ?, ?)""")
          .params(practice, group, action, actor, detail)
          .update();
      return;
    }
    database
        .sql(
            """
            insert into dead_letter_events (practice_id, letter_id, action, actor, detail)
            select ?, id, ?, ?, ? from unnest(?::bigint[]) as t (id)""")
        .params(practice, action, actor, detail, ids.toArray(Long[]::new))
        .update();
  }

  private void noted(int practice, String actor, long id, String action, String detail) {
    noted(practice, actor, Selection.letters(List.of(id)), List.of(id), action, detail);
  }

  /** Keeps everybody else from changing a letter until the transaction ends. */
  public void hold(String practice, long id) {
    database
        .sql("select id from dead_letters where practice_id = ? and id = ? for update")
        .params(practices.id(practice), id)
        .query(Long.class)
        .list();
  }

  /** What people did with a letter and with its group, oldest first. */
  public List<Event> events(String practice, long id) {
    int practiceId = practices.id(practice);
    return database
        .sql(
            """
            select id, at, actor, action, false as with_group, detail from dead_letter_events
            where practice_id = ? and letter_id = ?
            union all
            select e.id, e.at, e.actor, e.action, true, e.detail from dead_letters d
            join dead_letter_events e
              on e.practice_id = d.practice_id and e.group_key = d.group_key
                and e.letter_id is null
            where d.practice_id = ? and d.id = ?
            order by id""")
        .params(practiceId, id, practiceId, id)
        .query(
            (row, n) ->
                new Event(
                    row.getTimestamp("at").toInstant(),
                    row.getString("actor"),
                    row.getString("action"),
                    row.getBoolean("with_group"),
                    row.getString("detail")))
        .list();
  }

  private static String text(String what, String given) {
    String text = given.strip();
    if (text.isEmpty()) {
      throw new IllegalArgumentException(what + " is needed");
    }
    if (text.length() > LONGEST_TEXT) {
      throw new IllegalArgumentException(
          what + " has no more than " + LONGEST_TEXT + " characters");
    }
    return text;
  }
}
