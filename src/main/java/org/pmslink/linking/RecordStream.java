package org.pmslink.linking;

import java.util.Locale;
import java.util.Optional;
import org.pmslink.linking.RecordBatch.RecordType;

/**
 * Records of one type that a feed gets from one place of its PMS: a table, a query, a door. Ids are
 * unique within a stream, and each has its own watermark: Open Dental keeps payments and charges in
 * two tables that both count from 1.
 *
 * @param part tells streams of one type apart; empty for the only or the main one
 */
public record RecordStream(RecordType type, String part) {

  /** The main stream of a type. */
  public static RecordStream of(RecordType type) {
    return new RecordStream(type, "");
  }

  /**
   * The stream that a file of a mapping folder is about.
   *
   * @param stem its name without the ending: {@code visits-procedures} of a query, {@code
   *     visit-procedures} of a mapping
   * @return empty when it does not begin with the name of a type of records that feeds deliver
   */
  public static Optional<RecordStream> ofFile(String stem) {
    int dash = stem.indexOf('-');
    String word = (dash < 0 ? stem : stem.substring(0, dash)).toUpperCase(Locale.ROOT);
    String part = dash < 0 ? "" : stem.substring(dash + 1);
    for (RecordType type : RecordType.values()) {
      if (type.isDelivered() && (type.name().equals(word) || type.name().equals(word + "S"))) {
        return Optional.of(new RecordStream(type, part));
      }
    }
    return Optional.empty();
  }

  /** As it is stored: {@code TRANSACTIONS/payments}. */
  public String name() {
    return part.isEmpty() ? type.name() : type.name() + "/" + part;
  }

  /** The stream that is stored under a {@link #name}. */
  public static RecordStream ofName(String name) {
    int slash = name.indexOf('/');
    return slash < 0
        ? of(RecordType.valueOf(name))
        : new RecordStream(RecordType.valueOf(name.substring(0, slash)), name.substring(slash + 1));
  }

  /** Name of the query within a mapping folder, without its ending: {@code visits-procedures}. */
  public String queryName() {
    return type.name().toLowerCase(Locale.ROOT) + (part.isEmpty() ? "" : "-" + part);
  }

  /** Name of the mapping, likewise: {@code visit-procedures}. */
  public String mappingName() {
    String plural = type.name().toLowerCase(Locale.ROOT);
    return plural.substring(0, plural.length() - 1) + (part.isEmpty() ? "" : "-" + part);
  }
}
