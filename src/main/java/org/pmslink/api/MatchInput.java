package org.pmslink.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.PatientSearch;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;

/** Who is searched for and how, under the names that the CSV files have. */
record MatchInput(
    SourcePatient person, boolean hasBirthDate, boolean onlyCertainMatches, int count) {
  private static final Set<String> FIELDS =
      Set.of(
          "family",
          "given",
          "middle",
          "suffix",
          "preferred",
          "birth_date",
          "sex",
          "ssn",
          "phone_home",
          "phone_mobile",
          "phone_work",
          "email",
          "line1",
          "line2",
          "city",
          "state",
          "postal_code",
          "country");

  private static final ObjectReader READER =
      RecordJson.mapper()
          .readerFor(JsonNode.class)
          .with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .with(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  /**
   * @throws Problem.Refused naming the field that is wrong, never its value
   */
  static MatchInput read(byte[] body) throws IOException {
    JsonNode json;
    try {
      json = READER.readTree(body);
    } catch (JsonProcessingException e) {
      throw new Problem.Refused(
          400, "the body is no JSON that can be read, or names a field twice");
    }
    if (json == null || !json.isObject()) {
      throw new Problem.Refused(400, "the body must be a JSON object");
    }
    Map<String, String> values = new HashMap<>();
    boolean onlyCertain = false;
    int count = PatientSearch.USUAL;
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      String name = field.getKey();
      JsonNode value = field.getValue();
      if (name.equals("onlyCertainMatches")) {
        if (!value.isBoolean()) {
          throw new Problem.Refused(400, "onlyCertainMatches: must be true or false");
        }
        onlyCertain = value.booleanValue();
      } else if (name.equals("count")) {
        if (!value.isInt() || value.intValue() < 1) {
          throw new Problem.Refused(400, "count: must be a whole number of 1 or more");
        }
        count = value.intValue();
      } else if (!FIELDS.contains(name)) {
        throw new Problem.Refused(400, "there is no field \"" + shown(name) + "\"");
      } else if (value.isTextual()) {
        values.put(name, value.textValue());
      } else if (!value.isNull()) {
        throw new Problem.Refused(400, name + ": must be text");
      }
    }
    String email = values.get("email");
    String birthDate = values.get("birth_date");
    return new MatchInput(
        SourcePatient.person(
            null,
            values.get("family"),
            values.get("given"),
            values.get("middle"),
            values.get("suffix"),
            values.get("preferred"),
            birthDate,
            values.get("sex"),
            values.get("ssn"),
            List.of(
                new SourcePhone("home", values.get("phone_home")),
                new SourcePhone("mobile", values.get("phone_mobile")),
                new SourcePhone("work", values.get("phone_work"))),
            email == null ? List.of() : List.of(email),
            new SourceAddress(
                values.get("line1"),
                values.get("line2"),
                values.get("city"),
                values.get("state"),
                values.get("postal_code"),
                values.get("country")),
            null),
        isGiven(birthDate),
        onlyCertain,
        count);
  }

  private static boolean isGiven(@Nullable String text) {
    return text != null && !text.isBlank();
  }

  private static String shown(String name) {
    return name.length() > 40 ? name.substring(0, 40) + "..." : name;
  }
}
