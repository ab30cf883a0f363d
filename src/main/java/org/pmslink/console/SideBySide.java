package org.pmslink.console;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Comparison;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.Member;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.patient.Folding;
import org.pmslink.patient.Person;

/**
 * A chart and a member beside each other, with what differs marked and the evidence as bars that
 * add up to the score.
 *
 * @param reviewed what rules think of the two; {@code null} when they cannot be compared
 * @param seen what a decision on it gives back, so that one on an old page is none
 */
record SideBySide(
    Found chart,
    Member member,
    List<Row> rows,
    List<Bar> bars,
    @Nullable Explanation reviewed,
    String seen) {

  /** Width of the drawing of a bar, in its own units. */
  private static final double WIDTH = 300;

  /**
   * A field on both sides.
   *
   * @param partly of several telephones or e-mails both sides have one, and one side has more
   * @param differs both sides have it, and nothing of it is the same
   */
  record Row(
      String label, String chart, String member, boolean same, boolean partly, boolean differs) {}

  /**
   * What one field adds to the score, drawn from where the fields before it have brought it.
   *
   * @param from left end, and how long
   */
  record Bar(String field, String level, double weight, double score, double from, double length) {

    /** Whether it speaks for one person. */
    public boolean speaksFor() {
      return weight >= 0;
    }
  }

  static SideBySide of(
      Found chart, Member member, @Nullable Explanation explanation, String seen, Shown shown) {
    return new SideBySide(
        chart,
        member,
        rows(chart.record().person(), member.person(), shown),
        explanation == null ? List.of() : bars(explanation.comparison()),
        explanation,
        seen);
  }

  /** The fields that either has, the one's before the other's. */
  static List<Row> rows(Person chart, Person member, Shown shown) {
    List<Row> rows = new ArrayList<>();
    add(rows, "Last name", chart, member, p -> text(p.name().family()));
    add(rows, "First name", chart, member, p -> text(p.name().given()));
    add(rows, "Middle name", chart, member, p -> text(p.name().middle()));
    add(rows, "Suffix", chart, member, p -> text(p.name().suffix()));
    add(rows, "Preferred name", chart, member, p -> text(p.name().preferred()));
    add(rows, "Birth date", chart, member, p -> shown.day(p.birthDate()));
    add(
        rows,
        "Sex",
        chart,
        member,
        p -> p.gender() == Person.Gender.UNKNOWN ? "" : shown.words(p.gender()));
    addAll(
        rows,
        "Telephone",
        chart,
        member,
        p -> p.phones().stream().map(phone -> shown.phone(phone.e164())).distinct().sorted());
    addAll(rows, "E-mail", chart, member, p -> p.emails().stream().distinct());
    add(rows, "Address", chart, member, p -> shown.address(p.address()));
    return rows;
  }

  private static void add(
      List<Row> rows, String label, Person chart, Person member, Function<Person, String> value) {
    addAll(
        rows,
        label,
        chart,
        member,
        person -> Stream.of(value.apply(person)).filter(one -> !one.isEmpty()));
  }

  private static void addAll(
      List<Row> rows,
      String label,
      Person chart,
      Person member,
      Function<Person, Stream<String>> values) {
    List<String> ones = values.apply(chart).toList();
    List<String> others = values.apply(member).toList();
    if (ones.isEmpty() && others.isEmpty()) {
      return;
    }
    Set<String> here = ones.stream().map(Folding::fold).collect(Collectors.toSet());
    Set<String> there = others.stream().map(Folding::fold).collect(Collectors.toSet());
    boolean same = here.equals(there);
    boolean common = !Collections.disjoint(here, there);
    rows.add(
        new Row(
            label,
            String.join(", ", ones),
            String.join(", ", others),
            same,
            common && !same,
            !common && !ones.isEmpty() && !others.isEmpty()));
  }

  private static String text(@Nullable String value) {
    return Objects.requireNonNullElse(value, "");
  }

  /** What each field adds. */
  static List<Bar> bars(Comparison comparison) {
    List<Evidence> evidence =
        comparison.evidenceWithPrior().stream()
            .filter(e -> e.weight() != 0 || !e.level().equals("missing"))
            .toList();
    double sum = 0;
    double least = 0;
    double most = 0;
    for (Evidence one : evidence) {
      sum += one.weight();
      least = Math.min(least, sum);
      most = Math.max(most, sum);
    }
    double scale = most == least ? 0 : WIDTH / (most - least);
    List<Bar> bars = new ArrayList<>();
    double before = 0;
    for (Evidence one : evidence) {
      double after = before + one.weight();
      bars.add(
          new Bar(
              one.field(),
              one.level(),
              one.weight(),
              after,
              (Math.min(before, after) - least) * scale,
              Math.max(1, Math.abs(one.weight()) * scale)));
      before = after;
    }
    return bars;
  }

  /** How many fields differ, for a summary. */
  public long differences() {
    return rows.stream().filter(Row::differs).count();
  }
}
