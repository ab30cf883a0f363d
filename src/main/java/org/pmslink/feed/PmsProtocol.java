package org.pmslink.feed;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.camel.Exchange;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.RecordStream;

/**
 * How one kind of PMS is asked. The reader says what for (the pass's step, its stream, whether the
 * stream is read as a whole or since when); the protocol makes the request of it and rows of the
 * answer. It keeps nothing between two reads but what it writes into the pass.
 */
interface PmsProtocol {

  /** As the templates' feed definitions name it. */
  String name();

  /** The streams that a feed can read, in the order of their types. */
  List<RecordStream> streams(FeedDefinition definition);

  /** Whether a stream can only be read as a whole, because nothing tells what has changed. */
  default boolean isWithoutStamps(FeedDefinition definition, RecordStream stream) {
    return false;
  }

  /** Whether records of a stream that are gone can be found by comparing. */
  boolean canCompare(FeedDefinition definition, RecordStream stream);

  /**
   * What the ids of a stream's records are, where a setting of the feed changes that; when it has
   * changed, all of the stream is compared.
   */
  default String idsOf(FeedDefinition definition, RecordStream stream) {
    return "";
  }

  /** Whether pages are as long as the feed's file says, and not as short as the PMS wants them. */
  default boolean isPageSizeOurs() {
    return false;
  }

  /** How many records can be asked for at once, whether they still exist. */
  default int questionSize(FeedDefinition definition, RecordStream stream) {
    return 500;
  }

  /** Sets body and headers of the exchange for the next read. */
  void ask(Exchange exchange, FeedPass pass);

  /**
   * Takes the answer, and notes in the pass where the next page begins ({@code afterKey}, {@code
   * since}) and whether this was the last one.
   */
  Answer answer(Exchange exchange, FeedPass pass);

  /**
   * Asks for single patients at once, beside a pass that may be under way; the time that is spent
   * on it is seconds.
   *
   * @return rows of patients, at most so many; absent when the PMS cannot be asked by this
   */
  default Optional<List<Row>> lookUp(FeedDefinition definition, Sought sought, int most) {
    return Optional.empty();
  }

  /** How many patients the PMS has, where it can say so within seconds. */
  default OptionalLong howMany(FeedDefinition definition) {
    return OptionalLong.empty();
  }

  /** A value as a part of an address, where a plus would be taken for itself. */
  static String encoded(String value) {
    return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /**
   * A row of the PMS.
   *
   * @param key its id within the stream; the mapping must make the same of it
   */
  record Row(String key, JsonNode record) {}

  /**
   * What a read brought.
   *
   * @param clock the PMS server's clock, in the step CLOCK
   * @param rows of a page
   * @param existing keys that do exist, in the step MISSING
   * @param withheld the PMS does not allow this stream to be read, and others it does
   */
  record Answer(
      @Nullable LocalDateTime clock, List<Row> rows, List<String> existing, boolean withheld) {
    static Answer ofClock(LocalDateTime clock) {
      return new Answer(clock, List.of(), List.of(), false);
    }

    static Answer ofRows(List<Row> rows) {
      return new Answer(null, rows, List.of(), false);
    }

    static Answer ofExisting(List<String> keys) {
      return new Answer(null, List.of(), keys, false);
    }

    static Answer ofWithheld() {
      return new Answer(null, List.of(), List.of(), true);
    }
  }
}
