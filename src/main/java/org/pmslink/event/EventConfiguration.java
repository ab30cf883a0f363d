package org.pmslink.event;

import jakarta.jms.ConnectionFactory;
import org.apache.camel.spring.spi.SpringTransactionPolicy;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.jms.connection.JmsTransactionManager;
import org.springframework.jms.support.converter.MessageConverter;
import org.springframework.jms.support.converter.SimpleMessageConverter;

/** What the route to the topic needs of the broker. */
@Configuration(proxyBeanMethods = false)
@Profile("!tool")
class EventConfiguration {

  /**
   * A page of events is one commit of the broker's. The manager is no bean: there is one of those.
   */
  @Bean
  SpringTransactionPolicy brokerTransaction(ConnectionFactory connectionFactory) {
    return new SpringTransactionPolicy(new JmsTransactionManager(connectionFactory));
  }

  /** For others to read: events hold no patient data, and nobody else has the key of the queues. */
  @Bean
  MessageConverter plainMessageConverter() {
    return new SimpleMessageConverter();
  }
}
