package org.pmslink.deadletter;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What an action is about: letters by their numbers, a whole group, or all that a search finds.
 *
 * @param ids the letters, if they are named one by one
 * @param filter otherwise which
 */
public record Selection(@Nullable List<Long> ids, LetterFilter filter) {
  private static final int NAMED = 20;

  /** These letters. */
  public static Selection letters(List<Long> ids) {
    return new Selection(ids.stream().distinct().toList(), LetterFilter.ALL);
  }

  /** All letters of a group. */
  public static Selection group(String key) {
    return new Selection(null, LetterFilter.ALL.inGroup(key));
  }

  /** All that a search finds. */
  public static Selection matching(LetterFilter filter) {
    return new Selection(null, filter);
  }

  /** The group, when it is a whole one and nothing else. */
  @Nullable String wholeGroup() {
    String group = filter.group();
    return ids == null && group != null && filter.equals(LetterFilter.ALL.inGroup(group))
        ? group
        : null;
  }

  /** In words, short enough for a line. */
  @Override
  public String toString() {
    if (ids == null) {
      return filter.toString();
    }
    return (ids.size() == 1 ? "letter " : "letters ")
        + ids.stream().limit(NAMED).map(String::valueOf).collect(Collectors.joining(", "))
        + (ids.size() > NAMED ? " and " + (ids.size() - NAMED) + " more" : "");
  }
}
