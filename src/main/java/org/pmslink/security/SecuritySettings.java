package org.pmslink.security;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where the keys are kept. Text and not {@code Path}, which Spring would look up on the class path.
 *
 * @param keyFile key set that seals payloads; blank for {@code keys/payload.json} in the data
 *     folder
 * @param ssnKeyFile key of the SSN hash; blank for {@code keys/ssn.key} in the data folder
 * @param auditKeyFile key of the audit's chain; blank for {@code keys/audit.key} in the data folder
 */
@ConfigurationProperties("pmslink.security")
record SecuritySettings(
    @DefaultValue("") String keyFile,
    @DefaultValue("") String ssnKeyFile,
    @DefaultValue("") String auditKeyFile) {

  Path payloadKeys(Path dataFolder) {
    return keyFile.isBlank() ? dataFolder.resolve("keys/payload.json") : Path.of(keyFile);
  }

  Path ssnKey(Path dataFolder) {
    return ssnKeyFile.isBlank() ? dataFolder.resolve("keys/ssn.key") : Path.of(ssnKeyFile);
  }

  Path auditKey(Path dataFolder) {
    return auditKeyFile.isBlank() ? dataFolder.resolve("keys/audit.key") : Path.of(auditKeyFile);
  }
}
