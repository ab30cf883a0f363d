package org.pmslink.linking;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.pmslink.patient.RecordJson;

class FingerprintTest {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private static ObjectNode row() {
    return JSON.objectNode().put("PatNum", 17L).put("LName", "Caldwell");
  }

  static Stream<ObjectNode> rows() {
    return Stream.of(
        row(),
        row().putNull("FName"),
        row().put("FName", "").put("MiddleI", "\uD83E\uDDB7 \"\n\u0000"),
        row().put("Balance", new BigDecimal("12.50")),
        row().put("Balance", new BigDecimal("-100.00")),
        row().put("Balance", new BigDecimal("1E+3")),
        row().put("Balance", 0.1),
        row().put("Big", new BigInteger("18446744073709551615")),
        row().put("Active", true),
        row().set("Names", JSON.arrayNode().add("a").add(1).addNull()),
        row().set("Inner", row()));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aRowHasItAlsoBehindTheQueue(ObjectNode row) throws IOException {
    JsonNode received = RecordJson.mapper().readTree(RecordJson.mapper().writeValueAsBytes(row));

    assertThat(Fingerprint.of(received)).isEqualTo(Fingerprint.of(row));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\u00a7',
      value = {
        "{\"a\":1}              | {\"a\":\"1\"}",
        "{\"a\":1}              | {\"a\":2}",
        "{\"a\":\"1\"}          | {\"b\":\"1\"}",
        "{\"a\":null}           | {\"a\":\"null\"}",
        "{\"a\":null}           | {}",
        "{\"a\":\"\"}           | {\"a\":null}",
        "{\"a\":true}           | {\"a\":\"true\"}",
        "{\"a\":\"x\",\"b\":\"\"} | {\"a\":\"\",\"b\":\"x\"}",
        "{\"a\":\"xb1:\"}       | {\"a\":\"x\",\"b\":\"\"}",
        "{\"a\":[\"x\",\"y\"]}  | {\"a\":[\"xy\"]}",
        "{\"a\":{\"b\":1}}      | {\"a\":[\"b\",1]}",
        "{\"a\":12.5}           | {\"a\":125}",
        "{\"a\":\"Nunez\"}      | {\"a\":\"Nu\u00f1ez\"}"
      })
  void whateverIsNotTheSameHasAnother(String one, String other) throws IOException {
    ObjectMapper json = new ObjectMapper();

    assertThat(Fingerprint.of(json.readTree(one)))
        .isNotEqualTo(Fingerprint.of(json.readTree(other)));
  }
}
