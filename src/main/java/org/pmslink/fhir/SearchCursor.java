package org.pmslink.fhir;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;
import org.pmslink.access.Caller;
import org.pmslink.membership.ChartSearch.Wanted;
import org.pmslink.patient.RecordJson;
import org.pmslink.security.PayloadCipher;
import org.pmslink.security.PayloadCipherException;

/**
 * Where a search goes on, and for whom. It stands in the address of the next page, and addresses
 * end in logs: so it is sealed, opens for the token that was given it alone, and for an hour.
 *
 * @param after id behind which the page begins
 */
record SearchCursor(List<Wanted> wanted, long after, int count, long expires) {
  private static final Duration LIFE = Duration.ofHours(1);

  static SearchCursor to(List<Wanted> wanted, long after, int count) {
    return new SearchCursor(wanted, after, count, Instant.now().plus(LIFE).getEpochSecond());
  }

  private static String purpose(Caller caller) {
    return "fhir-search:" + caller.practiceId() + ":" + caller.name();
  }

  String seal(PayloadCipher cipher, Caller caller) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(cipher.seal(RecordJson.write(this).getBytes(UTF_8), purpose(caller)));
  }

  static SearchCursor open(String sealed, PayloadCipher cipher, Caller caller) {
    SearchCursor cursor;
    try {
      cursor =
          RecordJson.read(
              new String(
                  cipher.open(Base64.getUrlDecoder().decode(sealed), purpose(caller)), UTF_8),
              SearchCursor.class);
    } catch (PayloadCipherException | IllegalArgumentException | IllegalStateException e) {
      throw new FhirFault(
          400, IssueType.INVALID, "_cursor: is none that was given to this token; search again");
    }
    if (cursor.expires() < Instant.now().getEpochSecond()) {
      throw new FhirFault(410, IssueType.EXPIRED, "_cursor: is older than an hour; search again");
    }
    return cursor;
  }
}
