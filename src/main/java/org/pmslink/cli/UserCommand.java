package org.pmslink.cli;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link user}. */
@Command(
    name = "user",
    mixinStandardHelpOptions = true,
    description = "People who sign in to the console, and their roles in each practice.")
final class UserCommand implements Runnable {
  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  UserCommand() {}

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "Which one: add, list, grant, revoke, reset, disable or enable? See --help.");
  }

  @Command(
      name = "add",
      mixinStandardHelpOptions = true,
      description = {
        "Adds a user and prints a first password, this once, which must be changed at the first sign-in.",
        "Without a role in a practice a user sees nothing; see user grant.",
        "With --subject: somebody who signs in through the provider, which calls them so, and has no password here."
      })
  int add(
      @Parameters(paramLabel = "NAME") String login,
      @Option(
              names = "--subject",
              description =
                  "What the provider calls them (the claim sub); the audit shows it when they are"
                      + " refused.")
          @Nullable String subject) {
    try (var store = tool.store()) {
      Users users = store.getBean(Users.class);
      String said =
          subject == null
              ? noted(store, null, "added a user", login, () -> users.add(login))
              : noted(
                  store,
                  null,
                  "added a user",
                  login + ", subject " + subject,
                  () -> {
                    users.addThroughProvider(login, subject);
                    return "added " + login + ", through the provider";
                  });
      CommandLineTool.out().println(said);
      return 0;
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists all users with their roles; * is every practice.")
  int list() {
    try (var store = tool.store()) {
      List<Users.Listed> users = store.getBean(Users.class).list();
      for (Users.Listed user : users) {
        CommandLineTool.out()
            .println(
                user.user().login()
                    + (user.user().disabled() ? " (disabled)" : "")
                    + (user.user().throughProvider() ? " (through the provider)" : "")
                    + (user.user().mustChangePassword() ? " (first password)" : "")
                    + user.roles().entrySet().stream()
                        .map(e -> "  " + e.getKey() + ": " + labels(e.getValue()))
                        .collect(Collectors.joining()));
      }
      CommandLineTool.out().println(users.size() + " users");
      return 0;
    }
  }

  private static String labels(Set<Role> roles) {
    return roles.stream().map(Role::label).collect(Collectors.joining(", "));
  }

  @Command(
      name = "grant",
      mixinStandardHelpOptions = true,
      description = "Gives a user a role: front-desk, manager, support, it or auditor.")
  int grant(
      @Parameters(paramLabel = "NAME") String login,
      @Parameters(paramLabel = "ROLE") String role,
      @Option(names = "--practice", description = "The practice; without it, every practice.")
          @Nullable String practice) {
    try (var store = tool.store()) {
      String granted =
          login + " is " + role + " in " + (practice == null ? "every practice" : practice);
      CommandLineTool.out()
          .println(
              noted(
                  store,
                  practice,
                  "granted a role",
                  granted,
                  () -> {
                    store.getBean(Users.class).grant(login, practice, Role.of(role));
                    return granted;
                  }));
      return 0;
    }
  }

  @Command(
      name = "revoke",
      mixinStandardHelpOptions = true,
      description = "Takes a role away; holds from the user's next click.")
  int revoke(
      @Parameters(paramLabel = "NAME") String login,
      @Parameters(paramLabel = "ROLE") String role,
      @Option(names = "--practice", description = "The practice; without it, every practice.")
          @Nullable String practice) {
    try (var store = tool.store()) {
      Audit audit = store.getBean(Audit.class);
      boolean had =
          audit.together(
              () -> {
                boolean was = store.getBean(Users.class).revoke(login, practice, Role.of(role));
                if (was) {
                  note(
                      audit,
                      practice,
                      "revoked a role",
                      login
                          + " was "
                          + role
                          + " in "
                          + (practice == null ? "every practice" : practice));
                }
                return was;
              });
      CommandLineTool.out()
          .println(
              had
                  ? "revoked"
                  : login + " has no such role there; see user list for what was granted where");
      return had ? 0 : 1;
    }
  }

  @Command(
      name = "reset",
      mixinStandardHelpOptions = true,
      description = "Prints a new first password, this once; lets a disabled user in again.")
  int reset(@Parameters(paramLabel = "NAME") String login) {
    try (var store = tool.store()) {
      CommandLineTool.out()
          .println(
              noted(
                  store,
                  null,
                  "reset a password",
                  login,
                  () -> store.getBean(Users.class).reset(login)));
      return 0;
    }
  }

  @Command(
      name = "disable",
      mixinStandardHelpOptions = true,
      description = "Lets a user in no more, from their next click on.")
  int disable(@Parameters(paramLabel = "NAME") String login) {
    try (var store = tool.store()) {
      CommandLineTool.out()
          .println(
              noted(
                  store,
                  null,
                  "disabled a user",
                  login,
                  () -> {
                    store.getBean(Users.class).disable(login);
                    return "disabled " + login;
                  }));
      return 0;
    }
  }

  @Command(
      name = "enable",
      mixinStandardHelpOptions = true,
      description = "Lets a user in again who was disabled.")
  int enable(@Parameters(paramLabel = "NAME") String login) {
    try (var store = tool.store()) {
      CommandLineTool.out()
          .println(
              noted(
                  store,
                  null,
                  "enabled a user",
                  login,
                  () -> {
                    store.getBean(Users.class).enable(login);
                    return "enabled " + login;
                  }));
      return 0;
    }
  }

  /** Does something to a user and notes it, both or neither; gives what is to be printed. */
  private static String noted(
      ConfigurableApplicationContext store,
      @Nullable String practice,
      String action,
      String detail,
      Audit.Deed<String, RuntimeException> deed) {
    Audit audit = store.getBean(Audit.class);
    return audit.together(
        () -> {
          String said = deed.run();
          note(audit, practice, action, detail);
          return said;
        });
  }

  /** In the audit of the practice that it is about, or of none. */
  private static void note(Audit audit, @Nullable String practice, String action, String detail) {
    if (practice == null) {
      audit.noteOfNoPractice(DeadLettersCommand.actor(), action, detail);
    } else {
      audit.note(practice, DeadLettersCommand.actor(), action, detail);
    }
  }
}
