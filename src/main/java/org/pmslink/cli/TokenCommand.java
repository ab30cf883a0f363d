package org.pmslink.cli;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.pmslink.access.AccessTokens;
import org.pmslink.access.Audit;
import org.pmslink.access.Role;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code pms-link token}. */
@Command(
    name = "token",
    mixinStandardHelpOptions = true,
    description = "Tokens by which programs call the engine: makes, lists and revokes them.")
final class TokenCommand implements Runnable {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  @ParentCommand CommandLineTool tool;
  @Spec CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli fills them in
  TokenCommand() {}

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Which one: new, list or revoke? See --help.");
  }

  @Command(
      name = "new",
      mixinStandardHelpOptions = true,
      description = {
        "Makes a token for one practice and prints it, this once: only its hash is kept.",
        "Whoever has it can do in the practice what its role allows; hand it on as a password."
      })
  int make(
      @Option(names = "--practice", required = true, description = "The practice it opens.")
          String practice,
      @Option(
              names = "--name",
              required = true,
              description = "Who gets it, for the audit; never given twice.")
          String name,
      @Option(
              names = "--role",
              defaultValue = "machine",
              description =
                  "What it may do: machine, front-desk, manager, support, it, auditor. Default:"
                      + " ${DEFAULT-VALUE}.")
          String role) {
    if (!NAME.matcher(name).matches()) {
      throw new ParameterException(
          spec.commandLine(), "A name has letters, digits, dots, hyphens; at most 64 of them.");
    }
    try (var store = tool.store()) {
      Audit audit = store.getBean(Audit.class);
      String token =
          audit.together(
              () -> {
                String made =
                    store.getBean(AccessTokens.class).create(practice, name, Role.of(role));
                audit.note(
                    practice, DeadLettersCommand.actor(), "made a token", name + ", " + role);
                return made;
              });
      CommandLineTool.out().println(token);
      return 0;
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists all tokens: practice, name, role, when made, last used, revoked.")
  int list() {
    try (var store = tool.store()) {
      List<AccessTokens.Listed> tokens = store.getBean(AccessTokens.class).list();
      for (AccessTokens.Listed token : tokens) {
        CommandLineTool.out()
            .println(
                String.format(
                    Locale.ROOT,
                    "%-20s %-20s %-10s made %s, last used %s%s",
                    token.practice(),
                    token.name(),
                    token.role().label(),
                    token.createdAt(),
                    token.lastUsedAt() == null ? "never" : token.lastUsedAt(),
                    token.revokedAt() == null ? "" : ", revoked " + token.revokedAt()));
      }
      CommandLineTool.out().println(tokens.size() + " tokens");
      return 0;
    }
  }

  @Command(
      name = "revoke",
      mixinStandardHelpOptions = true,
      description = "Revokes a token for good; the next call with it is refused.")
  int revoke(@Parameters(paramLabel = "NAME") String name) {
    try (var store = tool.store()) {
      Audit audit = store.getBean(Audit.class);
      boolean revoked =
          audit.together(
              () -> {
                Optional<String> practice = store.getBean(AccessTokens.class).revoke(name);
                practice.ifPresent(
                    p -> audit.note(p, DeadLettersCommand.actor(), "revoked a token", name));
                return practice.isPresent();
              });
      if (revoked) {
        CommandLineTool.out().println("revoked " + name);
        return 0;
      }
      CommandLineTool.out().println("There is no such token in use: " + name + "; see token list");
      return 1;
    }
  }
}
