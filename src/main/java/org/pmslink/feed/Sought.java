package org.pmslink.feed;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.SearchWords;

/**
 * Whom a PMS is asked for at once: by what it can be asked cheaply, and not by all that was typed.
 *
 * @param names of which one may be how the last name begins
 * @param born days of which one may be the birth date
 * @param id of the chart in the PMS, when nothing else is known
 * @param terms everything that was typed, which whoever is found must have
 */
public record Sought(
    List<String> names, List<LocalDate> born, @Nullable String id, List<SearchWords.Term> terms) {
  private static final int MOST_NAMES = 3;
  private static final int SHORTEST_NAME = 2;
  private static final Pattern NAME = Pattern.compile("\\p{L}[\\p{L}\\p{M}'’.-]*");
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  /** What somebody typed. */
  public static Sought typed(String text) {
    List<SearchWords.Term> terms = SearchWords.typed(text);
    List<LocalDate> born = new ArrayList<>();
    for (SearchWords.Term term : terms) {
      term.anyOf().stream()
          .filter(word -> !term.begun() && word.startsWith(SearchWords.BORN))
          .map(word -> day(word.substring(SearchWords.BORN.length())))
          .forEach(day -> add(born, day));
    }
    List<String> names = new ArrayList<>();
    for (String piece : text.strip().split("[\\s,;]+")) {
      if (NAME.matcher(piece).matches()
          && piece.length() >= SHORTEST_NAME
          && names.size() < MOST_NAMES) {
        names.add(piece);
      }
    }
    String all = text.strip();
    boolean isId = names.isEmpty() && born.isEmpty() && ID.matcher(all).matches();
    return new Sought(List.copyOf(names), List.copyOf(born), isId ? all : null, terms);
  }

  private static void add(List<LocalDate> days, @Nullable LocalDate day) {
    if (day != null) {
      days.add(day);
    }
  }

  private static @Nullable LocalDate day(String digits) {
    try {
      return LocalDate.parse(digits, DateTimeFormatter.BASIC_ISO_DATE);
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** The chart with this id. */
  static Sought ofId(String id) {
    return new Sought(List.of(), List.of(), id, List.of());
  }

  /** Whether there is anything to ask by. */
  boolean isEnough() {
    return !names.isEmpty() || !born.isEmpty() || id != null;
  }

  /** Whether somebody has everything that was typed. */
  boolean fits(PatientRecord patient) {
    SortedSet<String> words =
        SearchWords.of(patient.person(), patient.sourceId(), patient.chartNumber());
    return SearchWords.fit(terms, words);
  }
}
