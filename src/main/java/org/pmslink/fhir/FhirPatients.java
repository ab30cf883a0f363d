package org.pmslink.fhir;

import static java.nio.charset.StandardCharsets.UTF_8;

import ca.uhn.fhir.context.FhirContext;
import java.net.URLEncoder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import org.hl7.fhir.r4.model.Address;
import org.hl7.fhir.r4.model.BooleanType;
import org.hl7.fhir.r4.model.ContactPoint;
import org.hl7.fhir.r4.model.ContactPoint.ContactPointSystem;
import org.hl7.fhir.r4.model.ContactPoint.ContactPointUse;
import org.hl7.fhir.r4.model.DateType;
import org.hl7.fhir.r4.model.Enumerations.AdministrativeGender;
import org.hl7.fhir.r4.model.HumanName;
import org.hl7.fhir.r4.model.HumanName.NameUse;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.Identifier;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Patient.LinkType;
import org.hl7.fhir.r4.model.Reference;
import org.hl7.fhir.r4.model.StringType;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.ChartSearch.Chart;
import org.pmslink.membership.ChartSearch.Kin;
import org.pmslink.membership.Charts.ChartCandidate;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.Person;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.PersonName;
import org.pmslink.patient.Person.Phone;
import org.pmslink.patient.Person.PhoneUse;
import org.pmslink.patient.Person.PostalAddress;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;

/** Patients as FHIR has them, and as we do. */
final class FhirPatients {
  /** Before a practice and, behind a colon, its PMS. */
  static final String SYSTEM = "urn:pms-link:";

  private static final String US_SSN = "http://hl7.org/fhir/sid/us-ssn";

  private FhirPatients() {}

  // ---- In ----

  /** Who is asked about, as typed: cleaning is the normaliser's. */
  static SourcePatient typed(Patient patient) {
    HumanName name =
        patient.getName().stream()
            .filter(n -> n.getUse() != NameUse.NICKNAME)
            .min(Comparator.comparingInt(FhirPatients::rank))
            .orElseGet(HumanName::new);
    List<StringType> givens = name.getGiven();
    return SourcePatient.person(
        null,
        name.getFamily(),
        givens.isEmpty() ? null : givens.get(0).getValue(),
        joined(givens.stream().skip(1).map(StringType::getValue).toList()),
        joined(name.getSuffix().stream().map(StringType::getValue).toList()),
        nickname(patient),
        patient.getBirthDateElement().getValueAsString(),
        patient.getGender() == null ? null : patient.getGender().toCode(),
        patient.getIdentifier().stream()
            .filter(id -> US_SSN.equals(id.getSystem()))
            .map(Identifier::getValue)
            .findFirst()
            .orElse(null),
        phones(patient),
        patient.getTelecom().stream()
            .filter(t -> t.getSystem() == ContactPointSystem.EMAIL && isCurrent(t))
            .map(ContactPoint::getValue)
            .toList(),
        address(patient),
        null);
  }

  private static int rank(HumanName name) {
    NameUse use = name.getUse();
    if (use == null) {
      return 2;
    }
    return switch (use) {
      case OFFICIAL -> 0;
      case USUAL -> 1;
      case TEMP, ANONYMOUS -> 3;
      default -> 4; // old and maiden names
    };
  }

  private static @Nullable String nickname(Patient patient) {
    return patient.getName().stream()
        .filter(n -> n.getUse() == NameUse.NICKNAME && !n.getGiven().isEmpty())
        .map(n -> n.getGiven().get(0).getValue())
        .findFirst()
        .orElse(null);
  }

  private static @Nullable String joined(List<String> words) {
    return words.isEmpty() ? null : String.join(" ", words);
  }

  private static boolean isCurrent(ContactPoint contact) {
    return contact.getUse() != ContactPointUse.OLD && contact.getValue() != null;
  }

  private static List<SourcePhone> phones(Patient patient) {
    List<SourcePhone> phones = new ArrayList<>();
    for (ContactPoint contact : patient.getTelecom()) {
      ContactPointSystem system = contact.getSystem();
      boolean rings = system == ContactPointSystem.PHONE || system == ContactPointSystem.SMS;
      if (rings && isCurrent(contact)) {
        String use =
            contact.getUse() == ContactPointUse.MOBILE || system == ContactPointSystem.SMS
                ? "mobile"
                : contact.getUse() == ContactPointUse.WORK ? "work" : "home";
        phones.add(new SourcePhone(use, contact.getValue()));
      }
    }
    return phones;
  }

  private static @Nullable SourceAddress address(Patient patient) {
    Address address =
        patient.getAddress().stream()
            .filter(a -> a.getUse() != Address.AddressUse.OLD)
            .min(Comparator.comparing(a -> a.getUse() != Address.AddressUse.HOME))
            .orElse(null);
    if (address == null) {
      return null;
    }
    List<StringType> lines = address.getLine();
    return new SourceAddress(
        lines.isEmpty() ? null : lines.get(0).getValue(),
        joined(lines.stream().skip(1).map(StringType::getValue).toList()),
        address.getCity(),
        address.getState(),
        address.getPostalCode(),
        address.getCountry());
  }

  // ---- Out ----

  /**
   * A chart. Its id is ours, because a PMS's id need not be unique among several PMSs, nor a FHIR
   * id; the PMS's is an identifier. Never with an SSN or anything made of one.
   */
  static Patient patient(String practice, ChartCandidate chart) {
    return patient(
        practice, chart.id(), chart.source(), chart.sourceId(), chart.status(), chart.person());
  }

  /**
   * The same with what it is to others, and its version: that of the chart, and a hash of all that
   * is shown, because a merge or a link elsewhere changes that, too.
   */
  static Patient patient(String practice, Chart chart, List<Kin> kin) {
    Patient patient =
        patient(
            practice, chart.id(), chart.source(), chart.sourceId(), chart.status(), chart.person());
    if (chart.mergedInto() != null) {
      patient.setActive(false);
    }
    for (Kin other : kin) {
      patient
          .addLink()
          .setType(
              switch (other.kinship()) {
                case REPLACED_BY -> LinkType.REPLACEDBY;
                case REPLACES -> LinkType.REPLACES;
                case SEE_ALSO -> LinkType.SEEALSO;
              })
          .setOther(new Reference("Patient/" + other.chart()));
    }
    String shown = FhirContext.forR4Cached().newJsonParser().encodeResourceToString(patient);
    String version = chart.version() + "-" + hash(shown);
    patient.setId(new IdType("Patient", Long.toString(chart.id()), version));
    patient.getMeta().setVersionId(version).setLastUpdated(Date.from(chart.updatedAt()));
    return patient;
  }

  private static String hash(String text) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
      return HexFormat.of().formatHex(hash, 0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("This Java has no SHA-256", e);
    }
  }

  private static Patient patient(
      String practice,
      long id,
      String source,
      String sourceId,
      PatientStatus status,
      Person person) {
    Patient patient = new Patient();
    patient.setId(Long.toString(id));
    patient
        .addIdentifier()
        .setSystem(SYSTEM + practice + ":" + URLEncoder.encode(source, UTF_8))
        .setValue(sourceId);
    switch (status) {
      case ACTIVE -> patient.setActive(true);
      case INACTIVE, ARCHIVED -> patient.setActive(false);
      case DECEASED -> patient.setDeceased(new BooleanType(true));
      default -> {
        // Whether it is in use is not known.
      }
    }
    name(patient, person.name());
    if (person.birthDate() != null) {
      patient.setBirthDateElement(new DateType(person.birthDate().toString()));
    }
    patient.setGender(gender(person.gender()));
    for (Phone phone : person.phones()) {
      patient
          .addTelecom()
          .setSystem(ContactPointSystem.PHONE)
          .setUse(use(phone.use()))
          .setValue(phone.e164());
    }
    for (String email : person.emails()) {
      patient.addTelecom().setSystem(ContactPointSystem.EMAIL).setValue(email);
    }
    if (person.address() != null) {
      address(patient.addAddress(), person.address());
    }
    return patient;
  }

  private static void name(Patient patient, PersonName name) {
    HumanName official = new HumanName().setFamily(name.family());
    add(official::addGiven, name.given());
    add(official::addGiven, name.middle());
    add(official::addPrefix, name.prefix());
    add(official::addSuffix, name.suffix());
    if (!official.isEmpty()) {
      patient.addName(official.setUse(NameUse.OFFICIAL));
    }
    if (name.preferred() != null) {
      patient.addName().setUse(NameUse.NICKNAME).addGiven(name.preferred());
    }
  }

  private static void add(Consumer<String> to, @Nullable String text) {
    if (text != null) {
      to.accept(text);
    }
  }

  private static AdministrativeGender gender(Gender gender) {
    return AdministrativeGender.valueOf(gender.name());
  }

  private static ContactPointUse use(PhoneUse use) {
    return ContactPointUse.valueOf(use.name());
  }

  private static void address(Address address, PostalAddress ours) {
    add(address::addLine, ours.line1());
    add(address::addLine, ours.line2());
    address.setCity(ours.city()).setState(ours.state()).setPostalCode(ours.postalCode());
  }
}
