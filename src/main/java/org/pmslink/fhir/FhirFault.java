package org.pmslink.fhir;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.OperationOutcome.IssueSeverity;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;

/** A request that is answered with an OperationOutcome in our words, which quote no value. */
final class FhirFault extends BaseServerResponseException {
  private static final long serialVersionUID = 1L;

  FhirFault(int status, IssueType type, String text) {
    super(status, text, outcome(IssueSeverity.ERROR, type, text));
  }

  static OperationOutcome outcome(IssueSeverity severity, IssueType type, String text) {
    OperationOutcome outcome = new OperationOutcome();
    outcome.addIssue().setSeverity(severity).setCode(type).getDetails().setText(text);
    return outcome;
  }

  /** The outcome for a status, where nothing more is known. */
  static OperationOutcome outcome(int status, String text) {
    IssueType type =
        switch (status) {
          case 401 -> IssueType.LOGIN;
          case 403 -> IssueType.FORBIDDEN;
          case 404 -> IssueType.NOTFOUND;
          case 405, 406, 415, 501 -> IssueType.NOTSUPPORTED;
          case 413 -> IssueType.TOOLONG;
          case 429 -> IssueType.THROTTLED;
          case 503 -> IssueType.TRANSIENT;
          default -> status < 500 ? IssueType.INVALID : IssueType.EXCEPTION;
        };
    return outcome(IssueSeverity.ERROR, type, text);
  }

  static String json(OperationOutcome outcome) {
    return FhirContext.forR4Cached().newJsonParser().encodeResourceToString(outcome);
  }
}
