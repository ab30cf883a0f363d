package org.pmslink.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.pmslink.access.Audit;
import org.pmslink.linking.Explaining;
import org.pmslink.matching.Comparison;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.ChartSearch;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Members;
import org.pmslink.membership.StoredDecisions.Kept;
import org.pmslink.practice.Practices;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link explain}. */
@Command(
    name = "explain",
    mixinStandardHelpOptions = true,
    description = {
      "Says why a patient and a member are linked or not: what was decided, whether the same rules"
          + " give",
      "the same numbers again, and what would be decided now. Shows names, so it is patient data."
    })
final class ExplainCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;
  @Mixin WhichPractice which;

  @Parameters(index = "0", paramLabel = "PATIENT", description = "Id of the patient in the PMS.")
  String patient;

  @Parameters(index = "1", paramLabel = "MEMBER", description = "Number of the member.")
  String member;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  ExplainCommand() {}

  @Override
  public Integer call() {
    try (var store = tool.store()) {
      String practice = which.practice(store);
      String source = which.source(store);
      Explaining.Answer answer =
          store.getBean(Explaining.class).explain(practice, source, patient, member);
      // Before anything is shown.
      store
          .getBean(Audit.class)
          .note(
              practice,
              DeadLettersCommand.actor(),
              "explained",
              member + " and " + source + "/" + patient);
      store
          .getBean(Charts.class)
          .age(store.getBean(Practices.class).id(practice), source, patient)
          .ifPresent(this::printAge);
      answer
          .standing()
          .ifPresentOrElse(
              standing ->
                  print(
                      "patient %s: %s (%s), decided %s with rules %s%s",
                      patient,
                      standing.outcome().toLowerCase(Locale.ROOT),
                      standing.reason(),
                      standing.decidedAt(),
                      standing.rulesVersion(),
                      standing.waiting() ? "; waits to be decided again" : ""),
              () -> print("patient %s: not decided about yet", patient));
      if (!answer.verdict().isEmpty()) {
        print("%s", answer.verdict());
      }
      boolean same = true;
      for (Explaining.Repeated repeated : answer.kept()) {
        Kept kept = repeated.kept();
        print(
            "%s with member %s by %s at %s (%s)%s",
            kept.what(),
            member,
            kept.by(),
            kept.at(),
            kept.reason(),
            kept.flag() == null ? "" : ", flagged " + kept.flag());
        if (kept.comparison() != null) {
          table(kept.comparison());
          if (kept.runnerUp() != null) {
            print(
                "  next best was member %s with %.4f",
                kept.runnerUp().memberNumber(), kept.runnerUp().score());
          }
          print("  rules %s: %s", kept.rulesVersion(), repeated.answer());
        }
        same &= repeated.same();
      }
      Explanation now = answer.now().explanation();
      print("");
      print(
          "now, with rules %s: %s",
          now.rulesVersion(), MatchCommand.label(now.comparison().grade()));
      table(now.comparison());
      print("%s", now.words());
      now.whyNotCertain().forEach(why -> print("not certain: %s", why));
      printSeen(store, practice, source);
      return same ? 0 : 1;
    }
  }

  /**
   * For whoever decides by it. Not the comparison's own word of the API: that is made of name and
   * birth date, and a command stands in the shell's history.
   */
  private void printSeen(ConfigurableApplicationContext store, String practice, String source) {
    Members members = store.getBean(Members.class);
    store.getBean(ChartSearch.class).bySourceId(practice, source, patient).stream()
        .flatMap(
            chart ->
                members.find(practice, member).stream()
                    .map(found -> VerdictCommand.seen(chart.version(), found.version())))
        .forEach(versions -> print("versions of patient and member: %s", versions));
  }

  private void printAge(Charts.Age age) {
    print(
        "patient %s: data known to be true at %s, %s ago",
        patient,
        age.trueAt().truncatedTo(ChronoUnit.SECONDS),
        Spans.words(Duration.between(age.trueAt(), Instant.now())));
    if (age.failingSince() != null) {
      print(
          "a newer version cannot be handled since %s; see dead-letters list",
          age.failingSince().truncatedTo(ChronoUnit.SECONDS));
    }
  }

  static void table(Comparison comparison) {
    print("  %-14s %-22s %9.4f", "prior", "before any evidence", comparison.prior());
    for (Evidence one : comparison.evidence()) {
      if (one.weight() != 0 || !one.level().equals("missing")) {
        print("  %-14s %-22s %9.4f", one.field(), one.level(), one.weight());
      }
    }
    print("  %-14s %-22s %9.4f", "score", "", comparison.score());
  }

  private static void print(String format, Object... values) {
    CommandLineTool.out().println(String.format(Locale.ROOT, format, values));
  }
}
