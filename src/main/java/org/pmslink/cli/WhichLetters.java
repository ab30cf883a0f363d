package org.pmslink.cli;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.pmslink.deadletter.DeadLetter.Category;
import org.pmslink.deadletter.Letter.State;
import org.pmslink.deadletter.LetterFilter;
import org.pmslink.deadletter.LetterSearch;
import org.pmslink.deadletter.Selection;
import org.pmslink.practice.Practices;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Option;

/** The options by which a command knows dead letters. */
final class WhichLetters {
  @Option(
      names = "--practice",
      paramLabel = "NAME",
      description = "Only of this practice; of all when left out.")
  @Nullable String practice;

  @Option(names = "--feed", paramLabel = "NAME", description = "Only of this feed.")
  @Nullable String feed;

  @Option(
      names = "--category",
      paramLabel = "CATEGORY",
      description = "MAPPING_FAILED, INVALID_RECORD or STEP_FAILED.")
  @Nullable String category;

  @Option(names = "--group", paramLabel = "KEY", description = "Only of this group; see groups.")
  @Nullable String group;

  @Option(
      names = "--record",
      paramLabel = "ID",
      description = "Only of the record with this id in the PMS.")
  @Nullable String record;

  @Option(
      names = "--assignee",
      paramLabel = "NAME",
      description = "Only those that this person cares for.")
  @Nullable String assignee;

  @Option(
      names = "--since",
      paramLabel = "TIME",
      description = "Only if it last failed then or later: 2026-11-03 or 2026-11-03T14:00:00Z.")
  @Nullable String since;

  @Option(
      names = "--before",
      paramLabel = "TIME",
      description = "Only if it last failed before that.")
  @Nullable String before;

  /** The practices that are meant. */
  List<String> practices(ConfigurableApplicationContext store) {
    return store.getBean(Practices.class).names().stream()
        .filter(name -> practice == null || practice.equals(name))
        .toList();
  }

  /** Whether anything but the practice is said. */
  boolean isSaid() {
    return !filter().equals(LetterFilter.ALL);
  }

  LetterFilter filter() {
    return LetterFilter.ALL
        .ofFeed(feed)
        .ofCategory(category == null ? null : category(category))
        .inGroup(group)
        .ofRecord(record)
        .assignedTo(assignee)
        .failedWithin(time(since), time(before));
  }

  /** What of a selection is this practice's and open; empty letters when nothing is. */
  Selection of(String name, @Nullable List<Long> ids, ConfigurableApplicationContext store) {
    return of(name, ids, store, State.OPEN, State.REPLAYING);
  }

  /** The same of letters in other states; those that are named come in any. */
  Selection of(
      String name,
      @Nullable List<Long> ids,
      ConfigurableApplicationContext store,
      State... states) {
    LetterSearch search = store.getBean(LetterSearch.class);
    if (ids != null) {
      return Selection.letters(
          ids.stream().filter(id -> search.find(name, id).isPresent()).toList());
    }
    boolean any = !search.search(name, filter().in(states), null, 1).letters().isEmpty();
    return any ? Selection.matching(filter()) : Selection.letters(List.of());
  }

  /** Whether a selection holds nothing. */
  static boolean isEmpty(Selection selection) {
    return selection.ids() != null && selection.ids().isEmpty();
  }

  private static Category category(String text) {
    try {
      return Category.valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "there is no category \"" + text + "\"; there are " + Arrays.toString(Category.values()),
          e);
    }
  }

  /** A day or a time that somebody has typed. */
  static @Nullable Instant time(@Nullable String text) {
    try {
      return text == null
          ? null
          : text.contains("T")
              ? Instant.parse(text)
              : LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant();
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "this is no time: " + text + "; write it like 2026-11-03 or 2026-11-03T14:00:00Z", e);
    }
  }
}
