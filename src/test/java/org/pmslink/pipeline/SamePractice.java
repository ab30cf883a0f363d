package org.pmslink.pipeline;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Timestamp;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.hl7.fhir.r4.model.Address;
import org.hl7.fhir.r4.model.BooleanType;
import org.hl7.fhir.r4.model.CodeableConcept;
import org.hl7.fhir.r4.model.Coding;
import org.hl7.fhir.r4.model.ContactPoint.ContactPointSystem;
import org.hl7.fhir.r4.model.ContactPoint.ContactPointUse;
import org.hl7.fhir.r4.model.DateTimeType;
import org.hl7.fhir.r4.model.Enumerations.AdministrativeGender;
import org.hl7.fhir.r4.model.HumanName;
import org.hl7.fhir.r4.model.HumanName.NameUse;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Reference;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;

/**
 * The charts of a generated practice as each kind of PMS would have them: everything that it has a
 * place for, in its own codes and lengths, and nothing else.
 *
 * @param chart a row of Open Dental's patient table
 */
public record SamePractice(Map<String, Object> chart) {
  private static final String NO_DATE = "0001-01-01";

  /** The chart's number, its id in every PMS. */
  public long id() {
    return Long.parseLong(text("PatNum"));
  }

  private String text(String column) {
    Object value = chart.get(column);
    return value == null ? "" : value.toString();
  }

  private int code(String column) {
    return Integer.parseInt(text(column));
  }

  /** Blank for "none", which Open Dental writes as 0. */
  private String number(String column) {
    return code(column) == 0 ? "" : text(column);
  }

  /** A day; absent for "none". */
  private @Nullable String day(String column) {
    String day = text(column);
    return day.isEmpty() || day.startsWith(NO_DATE) ? null : day.substring(0, 10);
  }

  private boolean isDead() {
    return code("PatStatus") == 5;
  }

  private String birthDate() {
    return text("Birthdate").substring(0, 10);
  }

  private static String cut(String text, int length) {
    return text.length() <= length ? text : text.substring(0, length);
  }

  /** By Open Dental's codes, from 0; a code that nobody knows stays one. */
  private String word(String column, String... words) {
    int code = code(column);
    return code < words.length ? words[code] : String.valueOf(code);
  }

  private String byStatus(String... words) {
    return word("PatStatus", words);
  }

  // ---- Dentrix ----

  /** Writes it into a Dentrix of the G series. */
  public void to(DentrixDatabase g) {
    Timestamp stamp = Timestamp.valueOf(LocalDateTime.of(2026, 3, 2, 10, 0));
    g.jdbc.update(
        "insert into admin.address values (?, ?, ?, ?, ?, ?, ?, 1, ?)",
        id(),
        cut(text("Address"), 32),
        cut(text("Address2"), 32),
        cut(text("City"), 27),
        cut(text("State"), 22),
        cut(text("Zip"), 16),
        cut(text("HmPhone"), 18),
        stamp);
    g.jdbc.update(
        """
        insert into admin.patient (patid, lastname, firstname, mi, prefname, salutation, chartnum,
          ssn, provid1, gender, status, fampos, addrid, birthdate, guarid, firstvisitdate, title,
          emailaddr, workphone, pager, privacyflags, automodifiedtimestamp)
        values (?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        id(),
        cut(text("LName"), 22),
        cut(text("FName"), 17),
        cut(text("MiddleI"), 3),
        cut(text("Preferred"), 17),
        cut(text("ChartNumber"), 21),
        cut(text("SSN"), 11),
        number("PriProv"),
        dentrixGender(),
        dentrixStatus(),
        code("Position") == 2 ? 3 : 1,
        id(),
        day("Birthdate"),
        code("Guarantor"),
        day("DateFirstVisit"),
        cut(text("Title"), 11),
        cut(text("Email"), 61),
        cut(text("WkPhone"), 18),
        cut(text("WirelessPhone"), 18),
        privacy(),
        stamp);
  }

  private int dentrixStatus() {
    return Integer.parseInt(byStatus("1", "2", "3", "4", "4", "4", "2"));
  }

  /** Dentrix knows male and female. */
  private int dentrixGender() {
    return code("Gender") == 0 ? 1 : code("Gender") == 1 ? 2 : 0;
  }

  /** Bit 1: no calls; bit 2: no e-mail and no text messages, which are one to Dentrix. */
  private int privacy() {
    return (code("PreferContactMethod") == 1 ? 1 : 0) + (code("TxtMsgOk") == 2 ? 2 : 0);
  }

  /** Writes it into a Dentrix Enterprise. */
  public void toEnterprise(DentrixDatabase enterprise) {
    Timestamp stamp = Timestamp.valueOf(LocalDateTime.of(2026, 3, 2, 10, 0));
    enterprise.jdbc.update(
        "insert into DDB_ADDRESS_BASE values (?, 1, ?, ?, ?, ?, ?, ?)",
        id(),
        cut(text("Address"), 50),
        cut(text("Address2"), 50),
        cut(text("City"), 50),
        cut(text("State"), 20),
        cut(text("Zip"), 16),
        stamp);
    enterprise.jdbc.update(
        """
        insert into DDB_PAT_BASE (PATID, PATDB, ADDRESSID, ADDRESSDB, LASTNAME, FIRSTNAME, MI,
          MiddleName, PREFNAME, TITLE, Suffix, CHART, SS, GENDER, STATUS, FAMPOS, BIRTHDATE,
          FIRSTVISITDATE, HOMEPHONE, WKPHONE, PAGER, EMAILADDRESS, GUARID, GUARDB, PRPROVID,
          DefaultClinic, PatientDeathDate, PrivacyFlags, DDB_LAST_MOD)
        values (?, 1, ?, 1, ?, ?, '', ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?,
          ?, ?)""",
        id(),
        id(),
        cut(text("LName"), 50),
        cut(text("FName"), 50),
        cut(text("MiddleI"), 50),
        cut(text("Preferred"), 50),
        cut(text("Title"), 20),
        cut(text("ChartNumber"), 21),
        cut(text("SSN"), 11),
        dentrixGender(),
        dentrixStatus(),
        code("Position") == 2 ? 3 : 1,
        stampOf("Birthdate"),
        stampOf("DateFirstVisit"),
        cut(text("HmPhone"), 20),
        cut(text("WkPhone"), 20),
        cut(text("WirelessPhone"), 20),
        cut(text("Email"), 100),
        code("Guarantor"),
        number("PriProv"),
        code("ClinicNum") == 0 ? null : code("ClinicNum"),
        stampOf("DateTimeDeceased"),
        privacy(),
        stamp);
  }

  /** SQL Server's first day stands for none. */
  private Timestamp stampOf(String column) {
    String day = day(column);
    return Timestamp.valueOf((day == null ? "1753-01-01" : day) + " 00:00:00");
  }

  // ---- Ascend ----

  /** As a patient of Dentrix Ascend. */
  public Map<String, Object> forAscend() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("firstName", text("FName"));
    fields.put("lastName", text("LName"));
    fields.put("middleInitial", text("MiddleI"));
    fields.put("preferredName", text("Preferred"));
    fields.put("title", text("Title"));
    fields.put("gender", word("Gender", "M", "F", "O", "O"));
    fields.put("dateOfBirth", day("Birthdate"));
    fields.put(
        "patientStatus",
        byStatus("ACTIVE", "NON-PATIENT", "INACTIVE", "INACTIVE", "INACTIVE", "INACTIVE", "NEW"));
    fields.put("emailAddress", text("Email"));
    fields.put(
        "phones",
        List.of(
            Map.of("phoneType", "MOBILE", "number", text("WirelessPhone")),
            Map.of("phoneType", "HOME", "number", text("HmPhone")),
            Map.of("phoneType", "WORK", "number", text("WkPhone"))));
    fields.put("languageType", text("Language"));
    fields.put("address1", text("Address"));
    fields.put("address2", text("Address2"));
    fields.put("city", text("City"));
    fields.put("state", text("State"));
    fields.put("postalCode", text("Zip"));
    fields.put("chartNumber", text("ChartNumber"));
    fields.put("ssn", text("SSN"));
    fields.put("firstVisitDate", day("DateFirstVisit"));
    fields.put("primaryGuarantor", reference("Guarantor"));
    fields.put("primaryProvider", reference("PriProv"));
    fields.put("preferredLocation", reference("ClinicNum"));
    fields.values().removeIf(java.util.Objects::isNull);
    return fields;
  }

  private @Nullable Map<String, String> reference(String column) {
    return code(column) == 0 ? null : Map.of("id", text(column));
  }

  // ---- FHIR ----

  /** As a FHIR R4 resource. */
  public Patient forFhir() {
    Patient patient = new Patient();
    patient.setId(text("PatNum"));
    if (!text("ChartNumber").isBlank()) {
      patient
          .addIdentifier()
          .setType(
              new CodeableConcept(
                  new Coding("http://terminology.hl7.org/CodeSystem/v2-0203", "MR", null)))
          .setValue(text("ChartNumber"));
    }
    if (!text("SSN").isBlank()) {
      patient.addIdentifier().setSystem("http://hl7.org/fhir/sid/us-ssn").setValue(text("SSN"));
    }
    patient.setActive(byStatus("y", "n", "n", "n", "n", "n", "y").equals("y"));
    if (day("DateTimeDeceased") != null) {
      patient.setDeceased(new DateTimeType(day("DateTimeDeceased")));
    } else if (isDead()) {
      patient.setDeceased(new BooleanType(true));
    }
    HumanName name = patient.addName().setUse(NameUse.OFFICIAL);
    filled("LName", name::setFamily);
    filled("FName", name::addGiven);
    filled("MiddleI", name::addGiven);
    filled("Title", name::addPrefix);
    filled("Preferred", nickname -> patient.addName().setUse(NameUse.NICKNAME).addGiven(nickname));
    telecom(patient, ContactPointUse.MOBILE, "WirelessPhone");
    telecom(patient, ContactPointUse.HOME, "HmPhone");
    telecom(patient, ContactPointUse.WORK, "WkPhone");
    filled(
        "Email", mail -> patient.addTelecom().setSystem(ContactPointSystem.EMAIL).setValue(mail));
    patient.setGender(
        AdministrativeGender.valueOf(
            word("Gender", "MALE", "FEMALE", "UNKNOWN", "OTHER", "UNKNOWN", "UNKNOWN")));
    if (day("Birthdate") != null) {
      patient.getBirthDateElement().setValueAsString(day("Birthdate"));
    }
    Address address = new Address();
    filled("Address", address::addLine);
    filled("Address2", address::addLine);
    filled("City", address::setCity);
    filled("State", address::setState);
    filled("Zip", address::setPostalCode);
    if (!address.isEmpty()) {
      patient.addAddress(address);
    }
    filled(
        "Language",
        language ->
            patient
                .addCommunication()
                .setLanguage(new CodeableConcept(new Coding(null, language, null))));
    if (code("PriProv") != 0) {
      patient.addGeneralPractitioner(new Reference("Practitioner/" + text("PriProv")));
    }
    if (code("ClinicNum") != 0) {
      patient.setManagingOrganization(new Reference("Organization/" + text("ClinicNum")));
    }
    return patient;
  }

  private void filled(String column, Consumer<String> setter) {
    if (!text(column).isBlank()) {
      setter.accept(text(column));
    }
  }

  private void telecom(Patient patient, ContactPointUse use, String column) {
    filled(
        column,
        number ->
            patient.addTelecom().setSystem(ContactPointSystem.PHONE).setUse(use).setValue(number));
  }

  // ---- What is sent and dropped ----

  /** As a middleware pushes it. */
  public ObjectNode forHttp() {
    ObjectNode json = RecordJson.mapper().createObjectNode();
    json.put("sourceId", text("PatNum"));
    json.put("chartNumber", text("ChartNumber"));
    json.put(
        "status",
        byStatus(
            "ACTIVE", "NON_PATIENT", "INACTIVE", "ARCHIVED", "DELETED", "DECEASED", "PROSPECT"));
    json.put("family", text("LName"));
    json.put("given", text("FName"));
    json.put("middle", text("MiddleI"));
    json.put("prefix", text("Title"));
    json.put("preferred", text("Preferred"));
    json.put("birthDate", birthDate());
    json.put("gender", word("Gender", "male", "female", "unknown", "other"));
    json.put("ssn", text("SSN"));
    var phones = json.putArray("phones");
    phones.addObject().put("use", "mobile").put("number", text("WirelessPhone"));
    phones.addObject().put("use", "home").put("number", text("HmPhone"));
    phones.addObject().put("use", "work").put("number", text("WkPhone"));
    json.putArray("emails").add(text("Email"));
    json.putObject("address")
        .put("line1", text("Address"))
        .put("line2", text("Address2"))
        .put("city", text("City"))
        .put("state", text("State"))
        .put("postalCode", text("Zip"));
    json.put("guarantor", code("Guarantor") == 0 ? null : text("Guarantor"));
    json.put("child", code("Position") == 2);
    json.put("deceasedAt", day("DateTimeDeceased"));
    json.put("language", text("Language"));
    json.put("consentSms", word("TxtMsgOk", "unknown", "yes", "no"));
    json.put("consentCall", code("PreferContactMethod") == 1 ? "no" : "unknown");
    json.put("clinic", code("ClinicNum") == 0 ? null : text("ClinicNum"));
    json.put("provider", code("PriProv") == 0 ? null : text("PriProv"));
    json.put("firstVisit", day("DateFirstVisit"));
    json.put("createdAt", day("SecDateEntry"));
    return json;
  }

  /** The columns of Open Dental's raw export that a file has. */
  public static final List<String> CSV =
      List.of(
          "PatNum",
          "LName",
          "FName",
          "MiddleI",
          "Preferred",
          "Title",
          "PatStatus",
          "Gender",
          "Position",
          "Birthdate",
          "SSN",
          "Address",
          "Address2",
          "City",
          "State",
          "Zip",
          "HmPhone",
          "WkPhone",
          "WirelessPhone",
          "Guarantor",
          "Email",
          "ChartNumber",
          "Language",
          "PriProv",
          "ClinicNum",
          "DateFirstVisit",
          "SecDateEntry");

  /** As a row of {@link #CSV}. */
  public String forCsv() {
    return CSV.stream()
        .map(
            column ->
                column.equals("Birthdate") || column.contains("Date")
                    ? String.valueOf(day(column) == null ? "" : day(column))
                    : text(column))
        .map(value -> "\"" + value.replace("\"", "\"\"") + "\"")
        .collect(Collectors.joining(","));
  }

  /** As an ADT message. */
  public byte[] forHl7() {
    String born = day("Birthdate");
    List<String> names = new ArrayList<>();
    names.add(
        String.join("^", hl7("LName"), hl7("FName"), hl7("MiddleI"), "", hl7("Title"), "", "L"));
    if (!text("Preferred").isBlank()) {
      names.add("^" + hl7("Preferred") + "^^^^^N");
    }
    List<String> telecoms = new ArrayList<>();
    if (!text("WirelessPhone").isBlank()) {
      telecoms.add(hl7("WirelessPhone") + "^PRN^CP");
    }
    if (!text("HmPhone").isBlank()) {
      telecoms.add(hl7("HmPhone") + "^PRN^PH");
    }
    if (!text("Email").isBlank()) {
      telecoms.add("^NET^Internet^" + hl7("Email"));
    }
    String pid =
        String.join(
                "|",
                "PID",
                "1",
                "",
                text("PatNum") + "^^^OFFICE^PI",
                "",
                String.join("~", names),
                "",
                born == null ? "" : born.replace("-", ""),
                word("Gender", "M", "F", "U", "O"),
                "",
                "",
                String.join(
                    "^", hl7("Address"), hl7("Address2"), hl7("City"), hl7("State"), hl7("Zip")),
                "",
                String.join("~", telecoms),
                text("WkPhone").isBlank() ? "" : hl7("WkPhone") + "^WPN^PH",
                hl7("Language"),
                "",
                "",
                "",
                hl7("SSN"))
            + "||||||||||"
            + (day("DateTimeDeceased") == null
                ? ""
                : String.valueOf(day("DateTimeDeceased")).replace("-", ""))
            + "|"
            + (isDead() ? "Y" : "");
    String message =
        "MSH|^~\\&|OD|OFFICE|PMSLINK|OFFICE|20260302100000||ADT^A28|"
            + text("PatNum")
            + "|P|2.5.1||||||UNICODE UTF-8\rEVN|A28|20260302100000\r"
            + pid
            + "\r"
            + (code("PriProv") == 0 ? "" : "PD1||||" + text("PriProv") + "\r")
            + (code("ClinicNum") == 0 ? "" : "PV1|1|O|^^^" + text("ClinicNum") + "\r")
            + (code("Guarantor") == 0 ? "" : "GT1|1|" + text("Guarantor") + "\r");
    return message.getBytes(java.nio.charset.StandardCharsets.UTF_8);
  }

  private String hl7(String column) {
    return text(column)
        .replace("\\", "\\E\\")
        .replace("|", "\\F\\")
        .replace("^", "\\S\\")
        .replace("&", "\\T\\")
        .replace("~", "\\R\\")
        .replaceAll("[\r\n]+", " ");
  }
}
