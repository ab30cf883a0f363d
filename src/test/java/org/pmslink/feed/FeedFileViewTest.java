package org.pmslink.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What of a feed file people may see. */
class FeedFileViewTest {
  private static final String SECRET = "s3ntinel";

  private static String shown(Path folder, String text) throws Exception {
    return String.join(
        "\n", FeedFileView.lines(Files.writeString(folder.resolve("x.camel.yaml"), text)));
  }

  @Test
  void placeholdersAreShownAndSecretsCovered(@TempDir Path folder) throws Exception {
    String shown =
        shown(
            folder,
            """
            # value: s3ntinel
            - templatedRoute:
                routeTemplateRef: sql-feed
                parameters:
                  - name: user
                    value: pmslink
                  - name: password
                    value: "s3ntinel"
                  - {name: clientSecret, value: s3ntinel}
                  - name: developerKey
                    value: "{{env:DEVELOPER_KEY}}"
                  - name: customerKey
                    value: "{{office.key:s3ntinel}}"
                  - name: token
                    value: >-
                      s3ntinel
                      s3ntinel
                  - name: url
                    value: jdbc:mariadb://x:s3ntinel@pms/db?user=a&password=s3ntinel&useTls=1
                  - name: tokenUrl
                    value: https://pms/token
            """);

    assertThat(shown)
        .doesNotContain(SECRET)
        .contains("value: pmslink", "{{env:DEVELOPER_KEY}}", "pms/db?user=a", "useTls=1")
        .contains("https://pms/token");
    assertThat(shown.lines().count()).isEqualTo(21);
  }

  @Test
  void ofAFileThatIsNoYamlNoValueIsShown(@TempDir Path folder) throws Exception {
    String shown =
        shown(
            folder,
            """
            - templatedRoute:
                routeId: elm-street
                parameters:
                  - name: password
                    value: "s3ntinel
                  s3ntinel: [
                  - name: user
                    value: pmslink
            """);

    assertThat(shown).doesNotContain(SECRET).contains("routeId: elm-street", "name: password");
  }
}
