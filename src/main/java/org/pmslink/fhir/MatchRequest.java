package org.pmslink.fhir;

import static java.nio.charset.StandardCharsets.UTF_8;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.ErrorHandlerAdapter;
import ca.uhn.fhir.parser.IParser;
import ca.uhn.fhir.parser.json.BaseJsonLikeValue.ScalarType;
import ca.uhn.fhir.parser.json.BaseJsonLikeValue.ValueType;
import java.util.Locale;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.BooleanType;
import org.hl7.fhir.r4.model.IntegerType;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Parameters.ParametersParameterComponent;
import org.hl7.fhir.r4.model.Patient;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.PatientSearch;

/**
 * What {@code $match} is asked. Read here and not by HAPI, whose messages quote what they cannot
 * read: what is wrong is said with the names of elements, never with their values.
 */
record MatchRequest(Patient patient, boolean onlyCertainMatches, int count) {

  static MatchRequest read(byte[] body, @Nullable String contentType) {
    Parameters parameters = parameters(body, contentType);
    Patient patient = null;
    Boolean onlyCertain = null;
    Integer count = null;
    for (ParametersParameterComponent parameter : parameters.getParameter()) {
      String name = parameter.getName() == null ? "" : parameter.getName();
      boolean again =
          switch (name) {
            case "resource" -> patient != null;
            case "onlyCertainMatches" -> onlyCertain != null;
            case "count" -> count != null;
            default ->
                throw new FhirFault(
                    400, IssueType.NOTSUPPORTED, "there is no parameter \"" + shown(name) + "\"");
          };
      if (again) {
        throw new FhirFault(400, IssueType.INVALID, name + ": more than once");
      }
      switch (name) {
        case "resource" -> patient = patient(parameter);
        case "onlyCertainMatches" -> onlyCertain = onlyCertain(parameter);
        default -> count = count(parameter);
      }
    }
    if (patient == null) {
      throw new FhirFault(
          400, IssueType.REQUIRED, "resource: missing; it is the Patient to search for");
    }
    return new MatchRequest(
        patient, onlyCertain != null && onlyCertain, count == null ? PatientSearch.USUAL : count);
  }

  private static Patient patient(ParametersParameterComponent parameter) {
    if (parameter.getResource() instanceof Patient patient) {
      return patient;
    }
    throw new FhirFault(400, IssueType.INVALID, "resource: must be a Patient");
  }

  private static boolean onlyCertain(ParametersParameterComponent parameter) {
    if (parameter.getValue() instanceof BooleanType value && value.getValue() != null) {
      return value.getValue();
    }
    throw new FhirFault(400, IssueType.VALUE, "onlyCertainMatches: must be a valueBoolean");
  }

  private static int count(ParametersParameterComponent parameter) {
    // A positiveInt and an unsignedInt are integers, too.
    if (parameter.getValue() instanceof IntegerType value
        && value.getValue() != null
        && value.getValue() >= 1) {
      return value.getValue();
    }
    throw new FhirFault(400, IssueType.VALUE, "count: must be a valueInteger of 1 or more");
  }

  private static Parameters parameters(byte[] body, @Nullable String contentType) {
    String type = contentType == null ? "" : contentType.toLowerCase(Locale.ROOT);
    int end = type.indexOf(';');
    type = (end < 0 ? type : type.substring(0, end)).trim();
    boolean json = type.equals("application/fhir+json") || type.equals("application/json");
    boolean xml =
        type.equals("application/fhir+xml")
            || type.equals("application/xml")
            || type.equals("text/xml");
    if (!json && !xml) {
      throw new FhirFault(
          415,
          IssueType.NOTSUPPORTED,
          "the body must be application/fhir+json or application/fhir+xml");
    }
    String text = new String(body, UTF_8);
    if (text.isBlank()) {
      throw new FhirFault(400, IssueType.REQUIRED, "the body is empty; it must be Parameters");
    }
    if (xml && text.contains("<!DOCTYPE")) {
      throw new FhirFault(400, IssueType.SECURITY, "XML with a document type is not read");
    }
    FhirContext fhir = FhirContext.forR4Cached();
    IParser parser = json ? fhir.newJsonParser() : fhir.newXmlParser();
    parser.setParserErrorHandler(new Strict());
    IBaseResource resource;
    try {
      resource = parser.parseResource(text);
    } catch (FhirFault e) {
      throw e;
    } catch (RuntimeException e) {
      // Thrown away with its message, which quotes the body.
      throw new FhirFault(
          400,
          IssueType.STRUCTURE,
          "the body is no FHIR R4 " + (json ? "JSON" : "XML") + " that can be read");
    }
    if (resource instanceof Parameters parameters) {
      return parameters;
    }
    throw new FhirFault(400, IssueType.INVALID, "the body must be Parameters");
  }

  private static String shown(String name) {
    return name.length() > 40 ? name.substring(0, 40) + "..." : name;
  }

  /** Refuses what a lenient parser would drop: a search without it would find somebody else. */
  private static final class Strict extends ErrorHandlerAdapter {

    private static FhirFault fault(@Nullable String element, String problem) {
      return new FhirFault(
          400, IssueType.STRUCTURE, (element == null ? "an element" : shown(element)) + problem);
    }

    private static @Nullable String parent(@Nullable IParseLocation location) {
      return location == null ? null : location.getParentElementName();
    }

    @Override
    public void incorrectJsonType(
        IParseLocation location,
        String element,
        ValueType expected,
        ScalarType expectedScalar,
        ValueType found,
        ScalarType foundScalar) {
      throw fault(element, ": of the wrong JSON type");
    }

    @Override
    public void invalidValue(IParseLocation location, String value, String error) {
      throw fault(parent(location), ": not a value that FHIR allows here");
    }

    @Override
    public void missingRequiredElement(IParseLocation location, String element) {
      throw fault(element, ": missing");
    }

    @Override
    public void unexpectedRepeatingElement(IParseLocation location, String element) {
      throw fault(element, ": more than once");
    }

    @Override
    public void unknownAttribute(IParseLocation location, String attribute) {
      throw fault(attribute, ": no attribute of FHIR R4");
    }

    @Override
    public void unknownElement(IParseLocation location, String element) {
      throw fault(element, ": no element of FHIR R4 here");
    }
  }
}
