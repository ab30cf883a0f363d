package org.pmslink;

import java.nio.file.Path;
import org.pmslink.feed.FeedFiles;
import org.pmslink.linking.RulesFiles;
import org.pmslink.mapping.Mappings;
import org.pmslink.membership.Survivorship;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.security.SsnHasher;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Hands plain Java (matching, normalisation, mappings) to the parts that Spring puts together. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(Survivorship.class)
class EngineConfiguration {

  @Bean
  RulesFiles rulesFiles(@Value("${pmslink.mappings-folder}") String folder) {
    return new RulesFiles(Path.of(folder));
  }

  @Bean
  PatientNormalizer patientNormalizer(SsnHasher ssnHasher) {
    return new PatientNormalizer(ssnHasher);
  }

  @Bean
  Mappings mappings(@Value("${pmslink.mappings-folder}") String folder) {
    return new Mappings(Path.of(folder));
  }

  @Bean
  FeedFiles feedFiles(@Value("${pmslink.routes-folder}") String folder, Mappings mappings) {
    return new FeedFiles(Path.of(folder).resolve("feeds"), mappings);
  }
}
