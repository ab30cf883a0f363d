package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalLong;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.FeedHealth;
import org.pmslink.feed.FeedStates;
import org.pmslink.feed.PmsLookUp;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.membership.LeftOver;
import org.pmslink.membership.Worklists;
import org.pmslink.practice.Practices;
import org.pmslink.progress.Runs;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;

/** How far a new practice has come, and what is left for people when the rules are through. */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}/onboarding")
class OnboardingPages {
  /** How often the page asks again: while a load goes on, and while it waits for somebody. */
  private static final String OFTEN = "every 2s";

  private static final String RARELY = "every 20s";

  private final FeedStates states;
  private final Runs runs;
  private final PmsLookUp lookUp;
  private final DeadLetters letters;
  private final Worklists worklists;
  private final FeedHealth health;
  private final LeftOver leftOver;
  private final Practices practices;
  private final Shown shown;
  private final Audit audit;

  OnboardingPages(
      FeedStates states,
      Runs runs,
      PmsLookUp lookUp,
      DeadLetters letters,
      Worklists worklists,
      FeedHealth health,
      LeftOver leftOver,
      Practices practices,
      Shown shown,
      Audit audit) {
    this.states = states;
    this.runs = runs;
    this.lookUp = lookUp;
    this.letters = letters;
    this.worklists = worklists;
    this.health = health;
    this.leftOver = leftOver;
    this.practices = practices;
    this.shown = shown;
    this.audit = audit;
  }

  /**
   * A feed and its first load.
   *
   * @param run the first load; {@code null} before it has begun
   * @param ofHowMany patients that there are to be read, where anybody can say so
   * @param cameToday records that came in the last 24 hours
   */
  record Load(
      FeedStates.Status feed,
      Runs.@Nullable Run run,
      Runs.@Nullable Totals totals,
      OptionalLong ofHowMany,
      long cameToday) {

    /** Where it is, in words. */
    public String phase() {
      if (isSent()) {
        return "none, the PMS sends its records";
      }
      if (run == null) {
        return "not begun";
      }
      return switch (run.phase()) {
        case READING -> run.readAt() == null ? "reading" : "storing";
        case DECIDING -> "deciding";
        case DONE -> "done";
      };
    }

    /** Whether there is more of it to come. */
    public boolean runs() {
      return run == null ? !isSent() : run.phase() != Runs.Phase.DONE;
    }

    /** Whether there is no load, because the PMS sends of its own accord. */
    public boolean isSent() {
      return feed.lastReceivedAt() != null && feed.lastPassAt() == null && read() == 0;
    }

    /** Whether it is over, and some of what was read is not among what was decided about. */
    public boolean hasOthers() {
      return !isSent() && phase().equals("done") && decided() < read();
    }

    /**
     * Whether it goes on by itself. What has been read is stored and decided whatever becomes of
     * the feed.
     */
    public boolean goesOn() {
      return run != null
          && run.phase() != Runs.Phase.DONE
          && (run.readAt() != null
              || feed.state().equals("STARTING")
              || feed.state().equals("RUNNING"));
    }

    public long read() {
      return run == null ? 0 : run.records();
    }

    /** Whether the patients, who come first, are being read, and it is known how many there are. */
    public boolean isCounted() {
      return ofHowMany.isPresent() && read() <= ofHowMany.getAsLong();
    }

    public long stored() {
      return totals == null ? 0 : totals.read();
    }

    public long decided() {
      return totals == null ? 0 : totals.linked() + totals.toReview() + totals.unlinked();
    }
  }

  /**
   * Asks itself again while there is more of a load to come; then the part that changes is all that
   * is sent.
   */
  @GetMapping
  @Needs(Right.SEE_PATIENTS)
  String onboarding(@PathVariable String practice, HttpServletRequest request, Model model) {
    int id = practices.id(practice);
    List<Load> loads =
        states.all().stream()
            .filter(feed -> feed.practice().equals(practice))
            .map(feed -> load(id, feed))
            .toList();
    model.addAttribute("loads", loads);
    boolean goesOn = loads.stream().anyMatch(Load::goesOn);
    boolean runs = loads.stream().anyMatch(Load::runs);
    model.addAttribute("runs", runs);
    model.addAttribute("goesOn", goesOn);
    model.addAttribute("asksAgain", goesOn ? OFTEN : runs ? RARELY : null);
    model.addAttribute("letters", letters.openCount(id, null));
    model.addAttribute("counts", worklists.counts(practice));
    return request.getHeader("HX-Request") == null ? "onboarding" : "onboarding :: progress";
  }

  private Load load(int practice, FeedStates.Status feed) {
    Runs.@Nullable Run run = runs.newest(practice, feed.feed(), Runs.Kind.FIRST_LOAD).orElse(null);
    return new Load(
        feed,
        run,
        run == null ? null : runs.totals(practice, run.id()),
        run == null || run.phase() != Runs.Phase.READING
            ? OptionalLong.empty()
            : run.expected() == null
                ? lookUp.howMany(feed.practice(), feed.feed())
                : OptionalLong.of(run.expected()),
        health.of(practice, feed.feed()).read());
  }

  /**
   * What is left, for whoever goes through it with the practice. Patient data: the audit knows of
   * it before the first line is sent.
   */
  @GetMapping("/left.csv")
  @Needs(Right.SEE_PATIENTS)
  void left(@PathVariable String practice, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    audit.note(
        practice,
        Visit.of(request).actor(),
        "took what is left as a file",
        "reviews and members that are not linked");
    response.setContentType("text/csv");
    response.setCharacterEncoding(StandardCharsets.UTF_8.name());
    response.setHeader("Content-Disposition", "attachment; filename=\"" + practice + "-left.csv\"");
    Writer writer = response.getWriter();
    // So that Excel takes it for what it is.
    writer.write('\uFEFF');
    try (CSVPrinter out = CSVFormat.EXCEL.print(writer)) {
      out.printRecord(
          "What",
          "Why",
          "PMS",
          "Chart",
          "Patient",
          "Patient born",
          "Patient telephone",
          "Member",
          "Member name",
          "Member born",
          "Member telephone",
          "Member e-mail",
          "Likeness",
          "Points");
      leftOver.of(practice, line -> print(out, line));
    } catch (UncheckedIOException e) {
      // Whoever asked has gone.
      throw e.getCause();
    }
  }

  private void print(CSVPrinter out, LeftOver.Line line) {
    LeftOver.@Nullable Chart chart = line.chart();
    LeftOver.@Nullable Member member = line.member();
    try {
      out.printRecord(
          chart == null ? "member not linked" : "chart to review",
          line.whyNone() == null ? shown.why(line.reason()) : shown.whyNone(line.whyNone()),
          chart == null ? "" : cell(chart.source()),
          chart == null ? "" : cell(chart.sourceId()),
          chart == null ? "" : cell(shown.name(chart.person())),
          chart == null ? "" : shown.day(chart.person().birthDate()),
          chart == null
              ? ""
              : cell(
                  chart.person().phones().stream()
                      .map(phone -> shown.phone(phone.e164()))
                      .findFirst()
                      .orElse("")),
          member == null ? "" : cell(member.number()),
          member == null ? "" : cell(member.name()),
          member == null ? "" : cell(shown.day(member.birthDate())),
          member == null || member.phone() == null ? "" : cell(shown.phone(member.phone())),
          member == null ? "" : cell(member.email()),
          line.grade() == null ? "" : shown.words(besideOthers(line.grade())),
          line.score() == null ? "" : String.format(Locale.ROOT, "%.1f", line.score()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The grade of a pair in review, as its page says it: whoever is certain by itself and waits all
   * the same is not certain beside the others.
   */
  private static String besideOthers(String grade) {
    return grade.equals(Grade.CERTAIN.name()) ? Grade.PROBABLE.name() : grade;
  }

  /** A value that a spreadsheet would take for a formula is shown as the text that it is. */
  static String cell(@Nullable String value) {
    String text = Objects.requireNonNullElse(value, "");
    return !text.isEmpty() && "=+-@\t\r\n".indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
  }
}
