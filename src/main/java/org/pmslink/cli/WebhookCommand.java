package org.pmslink.cli;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.event.Webhooks;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link webhook}. */
@Command(
    name = "webhook",
    mixinStandardHelpOptions = true,
    description = "Programs that are told of a practice's events over HTTP.")
final class WebhookCommand implements Runnable {
  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  WebhookCommand() {}

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Which one: add, list, remove or resend? See --help.");
  }

  @Command(
      name = "add",
      mixinStandardHelpOptions = true,
      description = {
        "Has a practice's events sent to an address from now on, and prints the secret that they are",
        "signed with, this once. They hold ids and no patient data."
      })
  int add(
      @Parameters(paramLabel = "NAME", description = "What you call it.") String name,
      @Option(names = "--practice", required = true, description = "Whose events.") String practice,
      @Option(
              names = "--url",
              required = true,
              description = "https://...; http:// on this machine alone.")
          String url,
      @Option(
              names = "--private-network",
              description = "The address may lie on this machine or in a private network.")
          boolean mayBePrivate) {
    try (var store = tool.store()) {
      Audit audit = store.getBean(Audit.class);
      String secret =
          audit.together(
              () -> {
                String made = store.getBean(Webhooks.class).add(practice, name, url, mayBePrivate);
                // The host alone: the rest of the address may be a secret.
                audit.note(
                    practice,
                    DeadLettersCommand.actor(),
                    "added a webhook",
                    name + ", to " + URI.create(url).getHost());
                return made;
              });
      CommandLineTool.out().println(secret);
      return 0;
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = {
        "Lists all webhooks: practice, name, host, since when it fails and with which answer, how many",
        "events wait and how many were given up.",
        "Exit code 1 when one fails or has given up events."
      })
  int list() {
    try (var store = tool.store()) {
      List<Webhooks.Listed> webhooks = store.getBean(Webhooks.class).list();
      boolean well = true;
      for (Webhooks.Listed webhook : webhooks) {
        well &= webhook.failingSince() == null && webhook.givenUp() == 0;
        CommandLineTool.out()
            .println(
                String.format(
                    Locale.ROOT,
                    "%-20s %-20s %-30s %s, %d waiting, %d given up",
                    webhook.practice(),
                    webhook.name(),
                    webhook.host(),
                    webhook.failingSince() == null
                        ? "well"
                        : "failing since " + webhook.failingSince() + ": " + webhook.lastAnswer(),
                    webhook.waiting(),
                    webhook.givenUp()));
      }
      CommandLineTool.out().println(webhooks.size() + " webhooks");
      return well ? 0 : 1;
    }
  }

  @Command(
      name = "remove",
      mixinStandardHelpOptions = true,
      description = "Removes a webhook for good, with what it has not got yet.")
  int remove(
      @Parameters(paramLabel = "NAME") String name,
      @Option(names = "--practice", required = true) String practice) {
    try (var store = tool.store()) {
      Audit audit = store.getBean(Audit.class);
      boolean removed =
          audit.together(
              () -> {
                boolean was = store.getBean(Webhooks.class).remove(practice, name);
                if (was) {
                  audit.note(practice, DeadLettersCommand.actor(), "removed a webhook", name);
                }
                return was;
              });
      if (removed) {
        CommandLineTool.out().println("removed " + name);
        return 0;
      }
      return isMissing(practice, name);
    }
  }

  @Command(
      name = "resend",
      mixinStandardHelpOptions = true,
      description = {
        "Sends again what was given up, from the running engine; with --event one event, whatever",
        "became of it. Later events of the same subject may have arrived before."
      })
  int resend(
      @Parameters(paramLabel = "NAME") String name,
      @Option(names = "--practice", required = true) String practice,
      @Option(names = "--event", paramLabel = "ID", description = "The event's id.")
          @Nullable UUID event) {
    try (var store = tool.store()) {
      Audit audit = store.getBean(Audit.class);
      Optional<Integer> again =
          audit.together(
              () -> {
                Optional<Integer> events =
                    store.getBean(Webhooks.class).resend(practice, name, event);
                events.ifPresent(
                    count ->
                        audit.note(
                            practice,
                            DeadLettersCommand.actor(),
                            "sent events again",
                            "webhook "
                                + name
                                + ": "
                                + (event == null ? count + " events" : "event " + event)));
                return events;
              });
      if (again.isEmpty()) {
        return isMissing(practice, name);
      }
      CommandLineTool.out().println(again.get() + " events are sent again");
      return event != null && again.get() == 0 ? 1 : 0;
    }
  }

  private static int isMissing(String practice, String name) {
    CommandLineTool.out()
        .println("There is no webhook " + name + " of " + practice + "; see webhook list");
    return 1;
  }
}
