package org.pmslink.cli;

import java.io.PrintStream;
import java.nio.charset.CharacterCodingException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.pmslink.embedded.EmbeddedDatabase;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The commands of {@code pms-link}. */
@Command(
    name = "pms-link",
    mixinStandardHelpOptions = true,
    version = "pms-link 0.1.0",
    description =
        "Links the patients of a dental practice management system (PMS) to the members of a membership store.",
    subcommands = {
      ServeCommand.class,
      SyncCommand.class,
      StatusCommand.class,
      FeedCommand.class,
      CheckCommand.class,
      MapCommand.class,
      CsvCommand.class,
      MatchCommand.class,
      DedupeCommand.class,
      ExplainCommand.class,
      VerdictCommand.class,
      DuplicatesCommand.class,
      ShadowCommand.class,
      TuneCommand.class,
      DeadLettersCommand.class,
      TokenCommand.class,
      WebhookCommand.class,
      UserCommand.class,
      AuditCommand.class
    },
    footerHeading = "%nSettings:%n",
    footer = {
      "Every setting of application.yaml can be given as an argument, such as",
      "--pmslink.data-folder=/var/lib/pms-link, or in the environment: PMSLINK_DATA_FOLDER."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:all went well",
      "1:something was found or failed; a line says what and what to do",
      "2:the command was not understood"
    })
public final class CommandLineTool implements Runnable {
  /** Returned instead of an exit code by a command that goes on in the background. */
  public static final int KEEP_RUNNING = -1;

  private static final List<String> SETTINGS =
      List.of("--pmslink.", "--spring.", "--camel.", "--server.", "--logging.", "--management.");

  private static final List<String> QUIET =
      List.of("com.zaxxer.hikari", "org.mariadb", "org.apache.camel", "org.springframework.jdbc");

  /** What PostgreSQL calls it. */
  private static final String NO_SUCH_TABLE = "42P01";

  @Spec CommandSpec spec = CommandSpec.create();

  final Class<?> application;
  final String[] settings;
  private final boolean ownsProcess;

  private CommandLineTool(Class<?> application, String[] settings, boolean ownsProcess) {
    this.application = application;
    this.settings = settings;
    this.ownsProcess = ownsProcess;
  }

  /**
   * Runs one command.
   *
   * @param application the Spring Boot application that commands start when they need it
   * @return an exit code, or {@link #KEEP_RUNNING}
   */
  public static int run(Class<?> application, String... args) {
    return run(application, false, args);
  }

  /**
   * Runs the one command that this process was started for, which may set up the JVM for itself.
   *
   * @return as {@link #run(Class, String...)}
   */
  public static int runAlone(Class<?> application, String... args) {
    return run(application, true, args);
  }

  private static int run(Class<?> application, boolean ownsProcess, String... args) {
    List<String> words = new ArrayList<>();
    List<String> settings = new ArrayList<>();
    for (String arg : args) {
      (SETTINGS.stream().anyMatch(arg::startsWith) ? settings : words).add(arg);
    }
    CommandLineTool tool =
        new CommandLineTool(application, settings.toArray(String[]::new), ownsProcess);
    CommandLine line = new CommandLine(tool);
    line.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          command.getErr().println(reason(e));
          return 1;
        });
    return line.execute(words.toArray(String[]::new));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Which command? See pms-link --help.");
  }

  /** Whether nothing else runs in this JVM, nor will when the command has ended. */
  boolean ownsProcess() {
    return ownsProcess;
  }

  /** Starts the whole engine. */
  ConfigurableApplicationContext engine(boolean withWeb) {
    return start(
        new SpringApplicationBuilder(application)
            .web(withWeb ? WebApplicationType.SERVLET : WebApplicationType.NONE));
  }

  /** Opens the store beside an engine, or without one. */
  ConfigurableApplicationContext store() {
    Settings known = settings();
    if (known.ownDatabase() && !EmbeddedDatabase.isIn(known.data())) {
      // A database that this command made would have no tables, and would be there ever after.
      throw new IllegalStateException(
          "no engine has run yet with the data folder "
              + known.data().toAbsolutePath().normalize()
              + ": start one with pms-link serve; if one runs elsewhere, run this command in its"
              + " folder, or name its data folder with --pmslink.data-folder=");
    }
    return start(
        new SpringApplicationBuilder(application).profiles("tool").web(WebApplicationType.NONE));
  }

  /** The settings without anything behind them. */
  Settings settings() {
    return Settings.read(settings);
  }

  private ConfigurableApplicationContext start(SpringApplicationBuilder builder) {
    SpringApplication application = builder.build();
    application.setRegisterShutdownHook(true);
    return application.run(settings);
  }

  /**
   * One line that says what is wrong: the innermost message that is ours, because that one says
   * what to do; else the innermost that says something.
   */
  static String reason(Throwable thrown) {
    String ours = null;
    String reason = thrown.getClass().getSimpleName();
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t.getMessage() != null && !t.getMessage().isBlank()) {
        reason = t.getMessage().lines().findFirst().orElse(reason);
        ours = isOurs(t) ? reason : ours;
      }
      if (t instanceof CharacterCodingException) {
        ours = "a file that was named holds something else than UTF-8 text";
      }
      if (t instanceof SQLException e && NO_SUCH_TABLE.equals(e.getSQLState())) {
        ours =
            "the store has not the tables of this version: no engine of it has run with this data"
                + " folder or database yet; start one with pms-link serve";
      }
      if (t instanceof SQLException e && isAboutTheConnection(e)) {
        ours =
            "the database of pmslink.database.url cannot be used: "
                + reason
                + " (check URL, user and password)";
      }
    }
    return "pms-link: " + (ours == null ? reason : ours);
  }

  /** No way there, no right to be there, or no such database: the first two digits of the state. */
  private static boolean isAboutTheConnection(SQLException e) {
    String state = e.getSQLState() == null ? "" : e.getSQLState();
    return state.startsWith("08") || state.startsWith("28") || state.startsWith("3D");
  }

  private static boolean isOurs(Throwable thrown) {
    StackTraceElement[] place = thrown.getStackTrace();
    return place.length > 0 && place[0].getClassName().startsWith("org.pmslink.");
  }

  /** For a command that asks a PMS: what libraries would say of it is said in our words. */
  static void quiet() {
    LoggingSystem logging = LoggingSystem.get(CommandLineTool.class.getClassLoader());
    for (String library : QUIET) {
      logging.setLogLevel(library, LogLevel.OFF);
    }
  }

  static PrintStream out() {
    return System.out;
  }
}
