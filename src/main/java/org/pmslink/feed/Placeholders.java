package org.pmslink.feed;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.PropertiesSource;
import org.jspecify.annotations.Nullable;
import org.springframework.core.env.Environment;

/**
 * Fills in what feed files leave to settings and to the environment, outside of the engine's
 * routes.
 */
public final class Placeholders {
  private Placeholders() {}

  /**
   * Fills in the placeholders of a parameter, as the engine does it.
   *
   * @throws IllegalArgumentException when something is not set
   */
  public static String filledIn(Environment environment, String parameter) {
    if (!parameter.contains("{{")) {
      return parameter;
    }
    try (DefaultCamelContext camel = new DefaultCamelContext(false)) {
      camel.getPropertiesComponent().addPropertiesSource(settings(environment));
      camel.build();
      return camel.resolvePropertyPlaceholders(parameter);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The engine's settings, for a Camel of one's own. */
  static PropertiesSource settings(Environment environment) {
    return new PropertiesSource() {
      @Override
      public String getName() {
        return "settings";
      }

      @Override
      public @Nullable String getProperty(String name) {
        return environment.getProperty(name);
      }
    };
  }
}
