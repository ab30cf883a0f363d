package org.pmslink.deadletter;

import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.Letter.State;

/**
 * Which letters of a practice are wanted; what is absent is not asked about.
 *
 * @param sourceId the record's id in the PMS, as a whole
 * @param group key of a group
 * @param states empty for all
 * @param from when they last failed, at the earliest
 * @param to before which they last failed
 */
public record LetterFilter(
    @Nullable String feed,
    @Nullable String sourceId,
    @Nullable Category category,
    @Nullable String group,
    @Nullable String assignee,
    Set<State> states,
    @Nullable Instant from,
    @Nullable Instant to) {

  /** Every letter that there ever was. */
  public static final LetterFilter ALL =
      new LetterFilter(null, null, null, null, null, Set.of(), null, null);

  public LetterFilter {
    states = Set.copyOf(states);
  }

  /** Only of this feed. */
  public LetterFilter ofFeed(@Nullable String wanted) {
    return new LetterFilter(wanted, sourceId, category, group, assignee, states, from, to);
  }

  /** Only of the record with this id in the PMS. */
  public LetterFilter ofRecord(@Nullable String wanted) {
    return new LetterFilter(feed, wanted, category, group, assignee, states, from, to);
  }

  /** Only of this category. */
  public LetterFilter ofCategory(@Nullable Category wanted) {
    return new LetterFilter(feed, sourceId, wanted, group, assignee, states, from, to);
  }

  /** Only of this group. */
  public LetterFilter inGroup(@Nullable String wanted) {
    return new LetterFilter(feed, sourceId, category, wanted, assignee, states, from, to);
  }

  /** Only those that this person cares for. */
  public LetterFilter assignedTo(@Nullable String wanted) {
    return new LetterFilter(feed, sourceId, category, group, wanted, states, from, to);
  }

  /** Only in these states; in any when there are none. */
  public LetterFilter in(State... wanted) {
    return new LetterFilter(feed, sourceId, category, group, assignee, Set.of(wanted), from, to);
  }

  /** Only those that last failed within a time. */
  public LetterFilter failedWithin(@Nullable Instant begin, @Nullable Instant end) {
    return new LetterFilter(feed, sourceId, category, group, assignee, states, begin, end);
  }

  /** Whether it asks about what all letters of a group have alike. */
  boolean isAboutGroups() {
    return feed != null || category != null || group != null;
  }

  String[] stateNames() {
    Set<State> wanted = states.isEmpty() ? EnumSet.allOf(State.class) : states;
    return wanted.stream().map(State::name).toArray(String[]::new);
  }

  private boolean isAnyState() {
    return states.isEmpty() || states.size() == State.values().length;
  }

  /** In words. */
  @Override
  public String toString() {
    StringJoiner words = new StringJoiner(", ", "letters", "");
    words.setEmptyValue("all letters");
    add(words, " of feed ", feed);
    add(words, " of record ", sourceId);
    add(words, " of category ", category);
    add(words, " of group ", group);
    add(words, " assigned to ", assignee);
    add(words, " in state ", isAnyState() ? null : String.join(" or ", stateNames()));
    add(words, " since ", from);
    add(words, " before ", to);
    return words.toString();
  }

  private static void add(StringJoiner words, String what, @Nullable Object wanted) {
    if (wanted != null) {
      words.add(what.stripTrailing() + " " + wanted);
    }
  }
}
