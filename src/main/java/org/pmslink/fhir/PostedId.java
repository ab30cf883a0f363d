package org.pmslink.fhir;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/**
 * Which identifier of a Patient that is sent without an id is the chart's id in the PMS: FHIR lets
 * a server give ids to what is posted, and here there is nobody to give one.
 *
 * @param named the identifier's system, a URI, or the code of its type, such as MR; empty for none
 */
record PostedId(String named) {
  static final PostedId NONE = new PostedId("");

  /** The one identifier that is meant; absent where there is none, or more than one. */
  Optional<String> of(JsonNode patient) {
    String found = null;
    if (!named.isEmpty()) {
      for (JsonNode identifier : patient.path("identifier")) {
        String value = identifier.path("value").asText("");
        if (!value.isEmpty() && isMeant(identifier)) {
          if (found != null && !found.equals(value)) {
            return Optional.empty();
          }
          found = value;
        }
      }
    }
    return Optional.ofNullable(found);
  }

  private boolean isMeant(JsonNode identifier) {
    if (named.indexOf(':') >= 0) {
      return named.equals(identifier.path("system").asText());
    }
    for (JsonNode coding : identifier.path("type").path("coding")) {
      if (named.equals(coding.path("code").asText())) {
        return true;
      }
    }
    return false;
  }
}
