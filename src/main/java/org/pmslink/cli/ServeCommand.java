package org.pmslink.cli;

import java.util.Optional;
import java.util.concurrent.Callable;
import org.pmslink.access.Audit;
import org.pmslink.access.Users;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** {@code pms-link serve}. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = {
      "Runs the engine until it is stopped: reads every feed of routes/feeds and keeps the store true.",
      "Without settings it brings its own PostgreSQL and Artemis and keeps everything in ./data."
    })
final class ServeCommand implements Callable<Integer> {
  @ParentCommand CommandLineTool tool;

  @SuppressWarnings("NullAway.Init") // picocli fills in the parent
  ServeCommand() {}

  @Override
  @SuppressWarnings("resource") // closed by the shutdown hook
  public Integer call() {
    ConfigurableApplicationContext engine = tool.engine(true);
    Audit audit = engine.getBean(Audit.class);
    Optional<Users.First> made =
        audit.together(
            () -> {
              Optional<Users.First> first = engine.getBean(Users.class).first();
              first.ifPresent(
                  user -> audit.noteOfNoPractice("engine", "added a user", user.login()));
              return first;
            });
    made.ifPresent(
        first ->
            CommandLineTool.out()
                .println(
                    "first user: "
                        + first.login()
                        + ", password "
                        + first.password()
                        + " (shown this once; sign in and change it)"));
    CommandLineTool.out()
        .println(
            "pms-link is running; console at http://"
                + engine.getEnvironment().getProperty("server.address", "127.0.0.1")
                + ":"
                + engine.getEnvironment().getProperty("local.server.port")
                + "/console, see also \"pms-link status\"");
    return CommandLineTool.KEEP_RUNNING;
  }
}
