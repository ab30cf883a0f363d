package org.pmslink.matching;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.pmslink.patient.Folding;

/** Shipped tables of how common US names are, so that a small practice's own counts are not all. */
final class NameFrequencies {
  private static final NameFrequencies GIVEN = new NameFrequencies("given-name-frequencies.txt");
  private static final NameFrequencies FAMILY = new NameFrequencies("surname-frequencies.txt");

  private final Map<String, Double> shares = new HashMap<>();

  private NameFrequencies(String resource) {
    InputStream in = NameFrequencies.class.getResourceAsStream(resource);
    if (in == null) {
      throw new IllegalStateException("not in the jar: " + resource);
    }
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        int colon = line.indexOf(':');
        if (colon > 0 && line.charAt(0) != '#') {
          double share = Integer.parseInt(line.substring(0, colon)) / 1e6;
          for (String name : line.substring(colon + 1).split(",")) {
            shares.putIfAbsent(Folding.fold(name), share);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static NameFrequencies given() {
    return GIVEN;
  }

  static NameFrequencies family() {
    return FAMILY;
  }

  /** Share of people, 0 when the name is not in the table. */
  double share(String folded) {
    Double share = shares.get(folded);
    return share == null ? 0 : share;
  }

  boolean knows(String folded) {
    return shares.containsKey(folded);
  }
}
