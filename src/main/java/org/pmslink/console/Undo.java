package org.pmslink.console;

import java.util.Map;
import org.springframework.web.util.UriComponentsBuilder;

/**
 * What can be taken back at once, beside the word that it is done.
 *
 * @param at the address that takes it back
 * @param values what is sent there
 */
record Undo(String at, Map<String, String> values) {
  /**
   * @param path below the practice, with {@code {}} for what is named
   */
  static Undo of(String practice, String path, Object named, Map<String, String> values) {
    return new Undo(
        UriComponentsBuilder.fromPath("/console/{practice}" + path.replace("{}", "{named}"))
            .encode()
            .buildAndExpand(practice, named)
            .toUriString(),
        values);
  }
}
