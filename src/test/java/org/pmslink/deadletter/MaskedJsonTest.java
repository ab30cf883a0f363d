package org.pmslink.deadletter;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.pmslink.patient.RecordJson;

class MaskedJsonTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Lee | Xxxxx",
        "Featherstonehaugh | Xxxxx",
        "LEE | XXXXX",
        "lee | xxxxx",
        "J | X",
        "Åsa Müller-Lüdenscheidt | Xxxxx Xxxxx-Xxxxx",
        "1984-03-09 | 9999-99-99",
        "(614) 228-3141 | (999) 999-9999",
        "123456789 | 99999",
        "ana.lee@example.com | xxxxx.xxxxx@xxxxx.xxxxx",
        "李娜 | xxxxx",
        "a\tb | x?x",
        "------------ | ---",
        "one two three four five six seven eight nine | xxxxx xxxxx xxxxx xxxxx xxxxx xxxxx xxxxx...",
      })
  void aValueBecomesItsShape(String value, String shape) {
    assertThat(MaskedJson.shape(value)).isEqualTo(shape);
  }

  @Test
  void theStructureStaysAndWhatIsEmptyShows() throws Exception {
    JsonNode masked =
        MaskedJson.of(
            RecordJson.mapper()
                .readTree(
                    """
                    {"PatNum": 4711, "LName": "Lee", "FName": "", "Preferred": null, "TxtMsgOk": true,
                     "phones": [{"number": "614-228-3141"}, {}, {}, {}, {}], "Ana Lee": "x"}"""));

    assertThat(masked)
        .isEqualTo(
            RecordJson.mapper()
                .readTree(
                    """
                    {"PatNum": "number 9999", "LName": "Xxxxx", "FName": "", "Preferred": null,
                     "TxtMsgOk": "true or false",
                     "phones": [{"number": "999-999-9999"}, {}, {}, "..."], "(field 1)": "x"}"""));
  }

  @Test
  void noLetterAndNoDigitOfAnyTextIsInItsShape() {
    Random random = new Random(5);
    for (int i = 0; i < 20_000; i++) {
      String text =
          random
              .ints(random.nextInt(40), 0, 0x2fff)
              .filter(Character::isDefined)
              .filter(c -> !Character.isSurrogate((char) c))
              .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              .toString();

      assertThat(MaskedJson.shape(text)).matches("[Xx9 \\-/.,:;@()+'#&_|^~?]*");
    }
  }
}
