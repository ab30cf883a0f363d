package org.pmslink.security;

import java.nio.file.Path;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Offers the ciphers and their keys as beans. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(SecuritySettings.class)
public class SecurityConfiguration {

  @Bean
  PayloadCipher payloadCipher(
      SecuritySettings settings, @Value("${pmslink.data-folder:data}") String dataFolder) {
    return PayloadCipher.withKeyFile(settings.payloadKeys(Path.of(dataFolder)));
  }

  @Bean
  SsnHasher ssnHasher(
      SecuritySettings settings, @Value("${pmslink.data-folder:data}") String dataFolder) {
    return SsnHasher.withKeyFile(settings.ssnKey(Path.of(dataFolder)));
  }

  /** The name says which of the keys is meant where one is asked for. */
  @Bean
  KeyedHash auditHash(
      SecuritySettings settings, @Value("${pmslink.data-folder:data}") String dataFolder) {
    return KeyedHash.withKeyFile(settings.auditKey(Path.of(dataFolder)), "audit");
  }

  /** The name is what the routes' JMS component refers to. */
  @Bean
  SealedMessageConverter sealedMessageConverter(PayloadCipher cipher) {
    return new SealedMessageConverter(cipher);
  }
}
