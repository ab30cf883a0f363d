package org.pmslink.fhir;

import static org.assertj.core.api.Assertions.assertThat;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.StrictErrorHandler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.hl7.fhir.r4.model.Subscription;
import org.junit.jupiter.api.Test;

/** What the guide has people send to servers is what FHIR R4 calls a Subscription. */
class DocumentedSubscriptionsTest {
  @Test
  void areSubscriptionsOfR4ThatLeadToTheDoor() throws IOException {
    String guide = Files.readString(Path.of("docs/ways-in.md"));
    List<Subscription> documented =
        Pattern.compile(
                "```json\\n(\\{\\s+\"resourceType\": \"Subscription\".*?)```", Pattern.DOTALL)
            .matcher(guide)
            .results()
            .map(
                json ->
                    FhirContext.forR4Cached()
                        .newJsonParser()
                        .setParserErrorHandler(new StrictErrorHandler())
                        .parseResource(Subscription.class, json.group(1)))
            .toList();

    assertThat(documented).hasSize(2);
    for (Subscription subscription : documented) {
      assertThat(subscription.getChannel().getEndpoint()).endsWith("/in-fhir/NAME");
      assertThat(subscription.getChannel().getHeader().get(0).getValue())
          .startsWith("Authorization: Bearer ");
      assertThat(subscription.hasReason() && subscription.hasStatus()).isTrue();
    }
  }
}
