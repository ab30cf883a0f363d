package org.pmslink.embedded;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where data and messages live. Folders are text and not {@code Path}, which Spring would look up
 * on the class path first.
 *
 * @param dataFolder everything an engine keeps: database, queues, keys
 * @param programsFolder where the embedded PostgreSQL is unpacked; blank for a folder within the
 *     data folder
 */
@ConfigurationProperties("pmslink")
record EmbeddedSettings(
    @DefaultValue("data") String dataFolder,
    @DefaultValue("") String programsFolder,
    @DefaultValue Database database,
    @DefaultValue Broker broker) {

  /**
   * @param url JDBC URL of a PostgreSQL; blank for the embedded one
   * @param poolSize connections at most
   */
  record Database(
      @DefaultValue("") String url,
      @DefaultValue("") String user,
      @DefaultValue("") String password,
      @DefaultValue("12") int poolSize) {}

  /**
   * @param url Artemis URL, also of a cluster; blank for the embedded broker
   */
  record Broker(
      @DefaultValue("") String url,
      @DefaultValue("") String user,
      @DefaultValue("") String password) {}

  Path folder() {
    return Path.of(dataFolder);
  }

  Path programs() {
    return programsFolder.isBlank() ? folder().resolve("programs") : Path.of(programsFolder);
  }
}
