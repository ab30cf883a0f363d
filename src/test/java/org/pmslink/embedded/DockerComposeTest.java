package org.pmslink.embedded;

import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.activemq.artemis.core.config.Configuration;
import org.apache.activemq.artemis.core.deployers.impl.FileConfigurationParser;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DataObjectPropertyName;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.type.filter.AnnotationTypeFilter;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.util.ClassUtils;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The files for containers, held against the code that they configure. */
class DockerComposeTest {
  private final Map<String, Map<String, Object>> services;

  DockerComposeTest() throws IOException {
    Map<String, Map<String, Map<String, Object>>> file =
        new Yaml(new SafeConstructor(new LoaderOptions()))
            .load(Files.readString(Path.of("docker-compose.yml")));
    services = file.getOrDefault("services", Map.of());
  }

  @Test
  void startsTheEngineWithItsServersAndASamplePractice() {
    assertThat(services).containsOnlyKeys("engine", "postgres", "artemis", "open-dental");
    assertThat(services.values())
        .allSatisfy(service -> assertThat(service).containsKey("healthcheck"));
  }

  @Test
  void theSamplePracticeHoldsChartsThatItsMappingReads(@TempDir Path folder) throws Exception {
    assertThat(services.getOrDefault("open-dental", Map.of()).get("volumes"))
        .asInstanceOf(InstanceOfAssertFactories.list(String.class))
        .filteredOn(volume -> volume.contains("/docker-entrypoint-initdb.d/"))
        .allSatisfy(volume -> assertThat(Path.of(volume.split(":", 2)[0])).isRegularFile());
    try (OpenDentalServer server = OpenDentalServer.start(folder, 0)) {
      JdbcTemplate pms =
          new JdbcTemplate(server.createPractice("compose", OpenDentalServer.Engine.MYISAM));
      new ResourceDatabasePopulator(new FileSystemResource("docker/open-dental/charts.sql"))
          .execute(Objects.requireNonNull(pms.getDataSource()));

      for (String query : List.of("patients.sql", "merges.sql")) {
        String sql = Files.readString(Path.of("mappings", "open-dental", query));
        assertThat(pms.queryForList(sql)).as(query).hasSizeGreaterThan(2);
      }
    }
  }

  @Test
  void namesEveryImageByItsVersion() throws IOException {
    assertThat(services.values())
        .allSatisfy(service -> assertThat((String) service.get("image")).matches(".+:\\d.*"));
    assertThat(Files.readAllLines(Path.of("Dockerfile")))
        .filteredOn(line -> line.startsWith("FROM"))
        .isNotEmpty()
        .allSatisfy(line -> assertThat(line).matches("FROM .+:\\d.*"));
  }

  @Test
  void opensPortsToThisHostOnly() {
    assertThat(services.values())
        .flatExtracting(service -> (List<?>) service.getOrDefault("ports", List.of()))
        .isNotEmpty()
        .allSatisfy(port -> assertThat((String) port).startsWith("127.0.0.1:"));
  }

  @Test
  void setsOnlyWhatTheEngineReads() {
    assertThat(services.getOrDefault("engine", Map.of()))
        .extractingByKey("environment", as(InstanceOfAssertFactories.MAP))
        .extracting(Map::keySet, as(InstanceOfAssertFactories.collection(Object.class)))
        .map(Object::toString)
        .contains("PMSLINK_DATABASE_URL", "PMSLINK_BROKER_URL")
        .filteredOn(name -> name.startsWith("PMSLINK_"))
        .isSubsetOf(settings());
  }

  @Test
  void mountsOnlyWhatIsThere() {
    assertThat(services.values())
        .flatExtracting(service -> (List<?>) service.getOrDefault("volumes", List.of()))
        .map(volume -> volume.toString().split(":")[0])
        .filteredOn(source -> source.startsWith("./docker"))
        .isNotEmpty()
        .allSatisfy(source -> assertThat(Path.of(source)).exists());
  }

  @Test
  void givesTheBrokerTheSettingsOfTheEmbeddedOne(@TempDir Path folder) throws Exception {
    Configuration embedded = EmbeddedBroker.configuration(folder, 0);
    Configuration own;
    try (InputStream file = Files.newInputStream(Path.of("docker/artemis/broker.xml"))) {
      own = new FileConfigurationParser().parseMainConfig(file);
    }

    assertThat(own.getAddressSettings()).isEqualTo(embedded.getAddressSettings());
    assertThat(own.getAddressConfigurations())
        .usingRecursiveComparison()
        .comparingOnlyFields("name", "routingTypes")
        .isEqualTo(embedded.getAddressConfigurations());
    assertThat(own)
        .usingRecursiveComparison()
        .comparingOnlyFields(
            "persistenceEnabled",
            "journalType",
            "journalSyncTransactional",
            "journalSyncNonTransactional",
            "journalDatasync",
            "journalBufferSize_NIO",
            "journalFileSize",
            "journalMinFiles",
            "journalPoolFiles",
            "journalCompactMinFiles",
            "journalCompactPercentage",
            "maxDiskUsage",
            "minDiskFree")
        .isEqualTo(embedded);
  }

  /** Every setting of ours, written as an environment name. */
  private static Set<String> settings() {
    ClassPathScanningCandidateComponentProvider scanner =
        new ClassPathScanningCandidateComponentProvider(false);
    scanner.addIncludeFilter(new AnnotationTypeFilter(ConfigurationProperties.class));
    return scanner.findCandidateComponents("org.pmslink").stream()
        .map(found -> ClassUtils.resolveClassName(found.getBeanClassName(), null))
        .flatMap(type -> names(type.getAnnotation(ConfigurationProperties.class).value(), type))
        .map(name -> name.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_'))
        .collect(Collectors.toSet());
  }

  private static Stream<String> names(String prefix, Class<?> type) {
    return Stream.of(type.getRecordComponents()).flatMap(component -> names(prefix, component));
  }

  private static Stream<String> names(String prefix, RecordComponent component) {
    String name = prefix + "." + DataObjectPropertyName.toDashedForm(component.getName());
    return component.getType().isRecord() ? names(name, component.getType()) : Stream.of(name);
  }
}
