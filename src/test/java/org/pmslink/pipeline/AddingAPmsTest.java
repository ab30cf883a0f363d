package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.embedded.EmbeddedDatabase;
import org.pmslink.membership.Members;
import org.pmslink.patient.SourcePatient;
import org.springframework.core.io.FileSystemResource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.util.FileSystemUtils;

/** The walk-through of docs/adding-a-pms.md, with its files as they are printed there. */
@ExtendWith(Pipeline.class)
class AddingAPmsTest {
  private static final Path FILES = Path.of("src/test/resources/molarsoft");
  private static final List<String> SETTINGS =
      List.of("molarsoft.url", "molarsoft.user", "molarsoft.password");

  private final Engine engine;

  AddingAPmsTest(Engine engine) {
    this.engine = engine;
  }

  @BeforeEach
  void install() throws Exception {
    EmbeddedDatabase server = engine.bean(EmbeddedDatabase.class);
    int port = URI.create(server.jdbcUrl().substring("jdbc:".length())).getPort();
    String url = "jdbc:postgresql://127.0.0.1:" + port + "/molarsoft";
    administrator().execute("create database molarsoft");
    DriverManagerDataSource pms = new DriverManagerDataSource(url, "postgres", server.password());
    new ResourceDatabasePopulator(new FileSystemResource(FILES.resolve("tables.sql"))).execute(pms);
    System.setProperty("molarsoft.url", url + "?stringtype=unspecified");
    System.setProperty("molarsoft.user", "pmslink_reader");
    System.setProperty("molarsoft.password", "reads-only");
    FileSystemUtils.copyRecursively(
        FILES.resolve("mapping"), engine.mappings().resolve("molarsoft"));
    Files.copy(
        FILES.resolve("molarsoft.camel.yaml"), engine.feeds().resolve("molarsoft.camel.yaml"));
  }

  @AfterEach
  void remove() throws Exception {
    var camel = engine.bean(org.apache.camel.CamelContext.class);
    if (camel.getRoute("molarsoft") != null) {
      camel.getRouteController().stopRoute("molarsoft");
      camel.removeRoute("molarsoft");
    }
    Files.delete(engine.feeds().resolve("molarsoft.camel.yaml"));
    FileSystemUtils.deleteRecursively(engine.mappings().resolve("molarsoft"));
    SETTINGS.forEach(System::clearProperty);
    administrator().execute("drop database molarsoft with (force)");
    administrator().execute("drop user pmslink_reader");
  }

  /** The PMS is another database on the engine's own server. */
  private JdbcTemplate administrator() {
    EmbeddedDatabase server = engine.bean(EmbeddedDatabase.class);
    return new JdbcTemplate(
        new DriverManagerDataSource(server.jdbcUrl(), "postgres", server.password()));
  }

  @Test
  void theFilesOfTheWalkThroughPassItsCommandsAndLinkItsPatients() {
    assertThat(
            Shell.run(engine, "check", engine.feeds().resolve("molarsoft.camel.yaml").toString()))
        .isEqualTo(
            new Shell(0, "molarsoft.camel.yaml: ok\n  asked PostgreSQL: 2 queries explained\n"));
    engine
        .bean(Members.class)
        .add(
            "elm-street",
            List.of(
                new Members.NewMember(
                    "E-1",
                    SourcePatient.person(
                        "E-1",
                        "Okafor",
                        "Chidi",
                        null,
                        "Jr",
                        null,
                        "1979-07-01",
                        null,
                        null,
                        List.of(new SourcePatient.SourcePhone("mobile", "6142282044")),
                        List.of("chidi.okafor@buckeyemail.com"),
                        null,
                        null))));

    Shell tried = Shell.run(engine, "feed", "dry-run", "molarsoft");
    assertThat(tried.output())
        .contains("molarsoft: 5 patients read")
        .containsPattern("(?m)^ +5 would be kept$")
        .containsPattern("(?m)^ +1 would be linked$");

    Shell applied = Shell.run(engine, "feed", "apply", "molarsoft");
    assertThat(applied.status()).as(applied.output()).isZero();
    JdbcTemplate store = engine.store();
    Awaitility.await("the patients are linked and their transactions are there")
        .atMost(Office.LONGEST)
        .until(
            () ->
                store
                    .queryForList(
                        "select p.source_id from links l join patients p on p.id = l.patient_id"
                            + " where p.source = 'molarsoft' and l.ended_at is null",
                        String.class)
                    .equals(List.of("C-1003")));
    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(
            () ->
                List.of(12900L, 2900L, 8550L)
                    .equals(
                        store.queryForList(
                            "select amount_cents from transactions where source = 'molarsoft'"
                                + " order by source_id",
                            Long.class)));
    // A change is found by MolarSoft's own stamps, which are in the office's time.
    assertThat(
            store.queryForObject(
                "select count(*) from dead_letters where feed = 'molarsoft'", Long.class))
        .isZero();
  }

  @Test
  void theWalkThroughPrintsTheseFiles() throws Exception {
    String text = Files.readString(Path.of("docs/adding-a-pms.md"));
    try (Stream<Path> files = Files.walk(FILES)) {
      for (Path file : files.filter(f -> f.toString().matches(".*\\.(jslt|yaml|sql)")).toList()) {
        assertThat(text).as("%s", file).contains(Files.readString(file).strip());
      }
    }
  }
}
