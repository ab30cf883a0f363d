package org.pmslink.cli;

import java.util.concurrent.Callable;
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
    tool.engine(true);
    CommandLineTool.out().println("pms-link is running; see \"pms-link status\"");
    return CommandLineTool.KEEP_RUNNING;
  }
}
