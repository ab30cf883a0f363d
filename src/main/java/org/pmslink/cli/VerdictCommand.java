package org.pmslink.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.membership.Members;
import org.pmslink.membership.Verdicts;
import org.pmslink.membership.Verdicts.Verdict;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link verdict}. */
@Command(
    name = "verdict",
    mixinStandardHelpOptions = true,
    description = {
      "Keeps what a person has decided about a patient and a member: it links or unlinks them at"
          + " once,",
      "and no rule changes it on any later run. A later verdict takes the place of an earlier one."
    })
final class VerdictCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;
  @Mixin WhichPractice which;

  @Parameters(index = "0", paramLabel = "PATIENT", description = "Id of the patient in the PMS.")
  String patient;

  @Parameters(index = "1", paramLabel = "MEMBER", description = "Number of the member.")
  String member;

  /** As it is typed. */
  enum Answer {
    same(Verdict.SAME),
    not_same(Verdict.NOT_SAME);

    final Verdict verdict;

    Answer(Verdict verdict) {
      this.verdict = verdict;
    }

    @Override
    public String toString() {
      return name().replace('_', '-');
    }
  }

  @Parameters(index = "2", paramLabel = "same|not-same", converter = Typed.class)
  Answer answer;

  /** Reads {@code not-same}. */
  static final class Typed implements picocli.CommandLine.ITypeConverter<Answer> {
    @Override
    public Answer convert(String text) {
      for (Answer answer : Answer.values()) {
        if (answer.toString().equals(text.toLowerCase(Locale.ROOT))) {
          return answer;
        }
      }
      throw new picocli.CommandLine.TypeConversionException("expected same or not-same");
    }
  }

  @Option(names = "--by", required = true, paramLabel = "NAME", description = "Who has decided.")
  String actor;

  @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "Why.")
  String reason;

  @Option(
      names = "--seen",
      paramLabel = "VERSIONS",
      description =
          "The versions of patient and member that \"explain\" has shown: when they are others by"
              + " now, nothing is decided. Without it, whatever is stored at that moment counts.")
  @Nullable String seen;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  VerdictCommand() {}

  @Override
  public Integer call() {
    if (actor.isBlank() || actor.equals("rule") || reason.isBlank()) {
      throw new IllegalArgumentException("--by and --reason must say who and why");
    }
    try (var store = tool.store()) {
      String practice = which.practice(store);
      String source = which.source(store);
      Verdicts verdicts = store.getBean(Verdicts.class);
      // Both or neither: no link of a person is made that the audit does not know.
      String versions =
          new TransactionTemplate(store.getBean(PlatformTransactionManager.class))
              .execute(
                  transaction -> {
                    verdicts.decide(
                        practice,
                        source,
                        patient,
                        member,
                        answer.verdict,
                        actor.strip(),
                        reason.strip());
                    String decidedOn =
                        store.getBean(Members.class).find(practice, member).stream()
                            .flatMap(found -> verdicts.of(practice, found.id()).stream())
                            .filter(
                                made ->
                                    made.source().equals(source) && made.sourceId().equals(patient))
                            .map(made -> seen(made.patientVersion(), made.memberVersion()))
                            .findFirst()
                            .orElseThrow();
                    if (seen != null && !seen.strip().equals(decidedOn)) {
                      throw new IllegalArgumentException(
                          "patient or member are not as they were seen, nothing was decided; their"
                              + " versions are "
                              + decidedOn
                              + " by now: look again with explain");
                    }
                    store
                        .getBean(Audit.class)
                        .note(
                            practice,
                            DeadLettersCommand.actor(),
                            answer == Answer.same ? "linked" : "told apart",
                            member + " and " + source + "/" + patient + " by " + actor.strip());
                    return decidedOn;
                  });
      CommandLineTool.out()
          .println(
              "patient "
                  + patient
                  + " and member "
                  + member
                  + (answer == Answer.same ? " are linked" : " are two people")
                  + ", decided on their versions "
                  + versions
                  + "; no rule will change it");
      return 0;
    }
  }

  /** How the versions of a patient and a member are written. */
  static String seen(@Nullable Long patient, @Nullable Long member) {
    return patient + "/" + member;
  }
}
