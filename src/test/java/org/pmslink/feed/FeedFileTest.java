package org.pmslink.feed;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a feed file is refused for before anything starts. */
class FeedFileTest {
  private static final Path TEMPLATES = Path.of("routes/templates");

  @TempDir Path folder = Path.of("");

  private Path feed(String template, String more) throws IOException {
    return Files.write(
        folder.resolve("elm.camel.yaml"),
        """
        - templatedRoute:
            routeTemplateRef: %s
            routeId: elm
            parameters:
              - {name: feed, value: elm}
              - {name: practice, value: elm}
              - {name: source, value: pms}
              - {name: mappings, value: elm}
        %s
        """
            .formatted(template, more.indent(6))
            .getBytes(ISO_8859_1));
  }

  @ParameterizedTest
  @CsvSource({
    "sql-feed,password,url user",
    "open-dental-api,developerKey,customerKey zone",
    "open-dental-api,customerKey,developerKey zone",
    "open-dental-events,customerKey,pollFeed zone",
    "dentrix-ascend,clientSecret,clientId organization officeZone",
    "fhir-poll,token,url",
    "fhir-poll,clientKey,url",
    "fhir-poll,clientSecret,url",
    "hl7-mllp,keyStorePassword,port",
    "hl7-mllp,trustStorePassword,port",
    "http-receive,secret,zone"
  })
  void aSecretStandsInNoFile(String template, String secret, String needed) throws IOException {
    StringBuilder more = new StringBuilder();
    for (String parameter : needed.split(" ")) {
      more.append("- {name: ").append(parameter).append(", value: \"{{x.").append(parameter);
      more.append("}}\"}\n");
    }
    more.append("- {name: ").append(secret).append(", value: ");
    assertThatThrownBy(() -> FeedFile.read(feed(template, more + "reads-only}"), TEMPLATES))
        .isInstanceOf(FeedException.class)
        .hasMessageContaining("line ")
        .hasMessageContaining(secret + ": write a placeholder such as {{env:NAME}}")
        .hasMessageNotContaining("reads-only");
    assertThatCode(() -> FeedFile.read(feed(template, more + "\"{{env:ELM_SECRET}}\"}"), TEMPLATES))
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource({
    "jdbc:mariadb://pms/db?user=a&password=reads-only,false",
    "jdbc:sqlserver://pms;user=a;PASSWORD=reads-only,false",
    "https://a:reads-only@pms/fhir,false",
    "jdbc:mariadb://pms/db?password={{env:ELM}},true",
    "jdbc:mariadb://pms:3306/db?sessionVariables=time_zone='+00:00',true",
    "https://{{elm.host}}:8443/fhir@v4,true"
  })
  void aPasswordStandsInNoAddress(String url, boolean good) throws IOException {
    Path file =
        feed(
            "sql-feed",
            "- {name: url, value: \""
                + url
                + "\"}\n- {name: user, value: a}\n- {name: password, value: \"{{x.p}}\"}");
    if (good) {
      assertThatCode(() -> FeedFile.read(file, TEMPLATES)).doesNotThrowAnyException();
    } else {
      assertThatThrownBy(() -> FeedFile.read(file, TEMPLATES))
          .isInstanceOf(FeedException.class)
          .hasMessageContaining("line 9: url: holds a password")
          .hasMessageNotContaining("reads-only");
    }
  }

  @Test
  void bytesThatAreNoUtf8AreToldWithTheirLine() throws IOException {
    Path file = feed("sql-feed", "# f\u00fcr Elm Street");
    assertThatThrownBy(() -> FeedFile.read(file, TEMPLATES))
        .isInstanceOf(FeedException.class)
        .hasMessageContaining("line 9: is no UTF-8 text (byte ")
        .hasMessageContaining("save the file as UTF-8");
  }

  @Test
  void aControlCharacterIsToldWithItsLine() throws IOException {
    Path file = feed("sql-feed", "# bell \u0007");
    assertThatThrownBy(() -> FeedFile.read(file, TEMPLATES))
        .isInstanceOf(FeedException.class)
        .hasMessageContaining("line 9: holds a control character");
  }
}
